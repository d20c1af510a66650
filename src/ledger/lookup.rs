//! Single rows, found by their keys: what both writing and recalling ask for.

use super::fault::LedgerFault;
use super::kind::EntryKind;
use ecugate_verifier::inputs::custody::Attempt;
use ecugate_verifier::values::digest::Sha256;
use ecugate_verifier::values::ident::UnitKey;
use ecugate_verifier::values::time::Time;
use rusqlite::{Connection, OptionalExtension as _, params};

/// The verdict or the late hold of this attempt with this evidence. A *contested* entry bears both too, and is none.
pub(super) fn arrival_of(
    connection: &Connection,
    kind: EntryKind,
    attempt: &Attempt,
    evidence: &Sha256,
) -> Result<Option<u64>, LedgerFault> {
    let arrival = connection
        .prepare_cached(
            "SELECT min(seq) FROM act INDEXED BY act_by_attempt \
             WHERE station = ? AND nonce = ? AND evidence = ? AND kind = ?",
        )?
        .query_row(
            params![attempt.station.as_str(), attempt.nonce.to_string(), evidence.as_bytes(), kind.word()],
            |row| row.get(0),
        )?;
    Ok(arrival)
}

/// The verdict or late hold of this attempt with this evidence among the entries before `seq`.
pub(super) fn attempt_before(
    connection: &Connection,
    attempt: &Attempt,
    evidence: &Sha256,
    seq: u64,
) -> Result<Option<u64>, LedgerFault> {
    let earlier = connection
        .prepare_cached(
            "SELECT min(seq) FROM act INDEXED BY act_by_attempt \
             WHERE station = ? AND nonce = ? AND evidence = ? AND kind IN ('verdict', 'late-hold') AND seq < ?",
        )?
        .query_row(params![attempt.station.as_str(), attempt.nonce.to_string(), evidence.as_bytes(), seq], |row| {
            row.get(0)
        })?;
    Ok(earlier)
}

/// The accept before `seq` that has claimed a key.
pub(super) fn claimed_before(connection: &Connection, key: &UnitKey, seq: u64) -> Result<Option<u64>, LedgerFault> {
    let owner = connection
        .prepare_cached("SELECT seq FROM claim WHERE key_kind = ? AND key = ? AND seq < ?")?
        .query_row(params![key.kind.word(), key.value, seq], |row| row.get(0))
        .optional()?;
    Ok(owner)
}

/// The latest time that any entry before `seq` states.
pub(super) fn latest_before(connection: &Connection, seq: u64) -> Result<Option<Time>, LedgerFault> {
    // From the latest time down, to the first entry that is early enough: few steps at the end of the log.
    let latest = connection
        .prepare_cached("SELECT time FROM act INDEXED BY act_by_time WHERE seq < ? ORDER BY time DESC LIMIT 1")?
        .query_row([seq], |row| row.get::<_, i64>(0))
        .optional()?;
    Ok(latest.and_then(Time::from_unix_millis))
}

/// The entry by which officers changed to the standby keys.
pub(super) fn key_change(connection: &Connection) -> Result<Option<u64>, LedgerFault> {
    let change = connection
        .prepare_cached("SELECT min(seq) FROM act INDEXED BY act_by_key_change WHERE kind = 'key-change'")?
        .query_row([], |row| row.get(0))?;
    Ok(change)
}

/// The envelope of an entry.
pub(super) fn envelope_of(connection: &Connection, seq: u64) -> Result<Option<Vec<u8>>, LedgerFault> {
    let envelope = connection
        .prepare_cached("SELECT envelope FROM entry WHERE seq = ?")?
        .query_row([seq], |row| row.get::<_, Option<Vec<u8>>>(0))
        .optional()?;
    Ok(envelope.flatten())
}

/// The first entry of this kind about the unit of a verdict, among those before entry `seq`.
pub(super) fn entry_about(
    connection: &Connection,
    unit: u64,
    kind: EntryKind,
    seq: u64,
) -> Result<Option<u64>, LedgerFault> {
    let first = connection
        .prepare_cached("SELECT min(seq) FROM act INDEXED BY act_by_unit WHERE unit = ? AND kind = ? AND seq < ?")?
        .query_row(params![unit, kind.word(), seq], |row| row.get(0))?;
    Ok(first)
}
