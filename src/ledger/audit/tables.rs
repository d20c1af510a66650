//! What is asked of a whole table, whichever way the rows of the entries are compared.

use super::Audit;
use crate::ledger::fault::LedgerFault;
use crate::ledger::index::{Index, require_root};
use ecugate_verifier::values::digest::Sha256;
use rusqlite::types::Value;
use rusqlite::{Connection, OptionalExtension as _, Rows, params};

/// A table has so many rows.
pub(super) fn require_count(connection: &Connection, table: &str, expected: u64) -> Result<(), LedgerFault> {
    // Of the table itself: else the rows of its smallest index are counted in their place.
    let count = format!("SELECT count(*) FROM {table} NOT INDEXED");
    let found: u64 = connection.query_row(&count, [], |row| row.get(0))?;
    if found == expected {
        return Ok(());
    }
    Err(LedgerFault::differs(table, format!("{expected} rows"), format!("{found} rows")))
}

/// The index made anew from its rows, root and nodes: every node, and no other. That its root is the signed one, opening
/// verifies.
pub(super) fn audit_index(connection: &Connection, (root, nodes): (Sha256, u64)) -> Result<(), LedgerFault> {
    require_root(&root, &Index::stored(connection)?.root())?;
    require_count(connection, "index_node", nodes)
}

/// SQLite's own check: pages, and every index against its table, both ways.
pub(super) fn audit_file(connection: &Connection) -> Result<(), LedgerFault> {
    let found: String = connection.query_row("PRAGMA integrity_check(1)", [], |row| row.get(0))?;
    if found == "ok" { Ok(()) } else { Err(LedgerFault::differs("the file", "a sound database", found)) }
}

/// Each part has its blob, and each blob is a part: two lists in one order.
fn audit_parts(connection: &Connection) -> Result<(), LedgerFault> {
    let mut named = connection.prepare("SELECT DISTINCT sha256 FROM part INDEXED BY part_by_blob ORDER BY sha256")?;
    let mut stored = connection.prepare("SELECT sha256 FROM blob ORDER BY sha256")?;
    let (mut named, mut stored) = (named.query([])?, stored.query([])?);
    loop {
        let next = |rows: &mut Rows<'_>| -> Result<Option<Sha256>, LedgerFault> {
            let digest = rows.next()?.map(|row| row.get::<_, [u8; 32]>(0)).transpose()?;
            Ok(digest.map(Sha256::from_bytes))
        };
        let word = |digest: Option<Sha256>| digest.map_or_else(|| "none".to_owned(), |digest| digest.to_string());
        match (next(&mut named)?, next(&mut stored)?) {
            (None, None) => return Ok(()),
            (named, stored) if named == stored => {}
            (named, stored) => return Err(LedgerFault::differs("the blobs that are parts", word(named), word(stored))),
        }
    }
}

/// Each blob has its digest, and is a part of some entry as what it is.
pub(super) fn audit_blobs(connection: &Connection, audit: &mut Audit) -> Result<(), LedgerFault> {
    audit.note(audit_parts(connection));
    let mut statement = connection.prepare("SELECT sha256, media_type, bytes FROM blob ORDER BY rowid")?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        let sha256: [u8; 32] = row.get(0)?;
        let (media_type, digest) =
            (row.get::<_, String>(1)?, Sha256::of(row.get_ref(2)?.as_blob().map_err(rusqlite::Error::from)?));
        let sha256 = Sha256::from_bytes(sha256);
        let place = || format!("blob {sha256}");
        if digest != sha256 {
            audit.note(Err(LedgerFault::differs(place(), sha256.to_string(), digest.to_string())));
        }
        let named = connection
            .prepare_cached("SELECT media_type FROM part WHERE sha256 = ? ORDER BY seq LIMIT 1")?
            .query_row([sha256.as_bytes()], |row| row.get::<_, String>(0))
            .optional()?;
        if named.as_deref() != Some(media_type.as_str()) {
            let expected = named.unwrap_or_else(|| "to be a part of an entry".to_owned());
            audit.note(Err(LedgerFault::differs(place(), expected, media_type)));
        }
        if audit.is_full() {
            break;
        }
    }
    Ok(())
}

/// One attempt with one evidence has one verdict or late hold: what is asked of each arrival, asked of all at once. Only
/// attempts that several entries name are looked at: a verdict and the entries that are *contested* by it.
pub(super) fn require_attempts(connection: &Connection) -> Result<(), LedgerFault> {
    let mut several = connection.prepare(
        "SELECT station, nonce FROM act INDEXED BY act_by_attempt WHERE station IS NOT NULL \
         GROUP BY station, nonce HAVING count(*) > 1",
    )?;
    let mut arrivals = connection.prepare(
        "SELECT count(*), count(DISTINCT evidence) FROM act INDEXED BY act_by_attempt \
         WHERE station = ? AND nonce IS ? AND kind IN ('verdict', 'late-hold')",
    )?;
    let mut rows = several.query([])?;
    while let Some(row) = rows.next()? {
        let attempt: (Value, Value) = (row.get(0)?, row.get(1)?);
        let (found, distinct): (u64, u64) =
            arrivals.query_row(params![attempt.0, attempt.1], |row| Ok((row.get(0)?, row.get(1)?)))?;
        if found != distinct {
            return Err(LedgerFault::differs("act", format!("{distinct} arrivals of an attempt"), found.to_string()));
        }
    }
    Ok(())
}
