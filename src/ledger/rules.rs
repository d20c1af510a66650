//! What must hold between the entries of one transaction and what is recorded already. Whoever writes is held to it,
//! so that no face and no mistake above can record what the identity states do not allow.

use super::examine::Examined;
use super::fault::AppendFault;
use super::kind::EntryKind;
use super::lookup::{claimed_by, standing_of, verdict_of};
use super::member::{Append, Blob};
use super::projection::Projection;
use super::record::{Reading, Record, Said};
use ecugate_verifier::documents::envelope::Envelope;
use ecugate_verifier::inputs::custody::State as Standing;
use ecugate_verifier::values::digest::Sha256;
use rusqlite::{Connection, params};
use std::collections::{BTreeMap, BTreeSet};

pub(super) use inventory::require_passage;

mod inventory;

/// No entry since the memory was taken may name one of the unit's keys, or change a unit that bears one. Other units
/// moving on is no conflict.
pub(super) fn require_unmoved(connection: &Connection, append: &Append) -> Result<(), AppendFault> {
    for key in &append.keys {
        let last = connection
            .prepare_cached(
                "SELECT max(coalesce((SELECT max(custody.seq) FROM custody WHERE custody.unit = fact.seq), fact.seq)) \
                 FROM fact WHERE key_kind = ? AND key = ?",
            )?
            .query_row(params![key.kind.word(), key.value], |row| row.get::<_, Option<u64>>(0))?;
        if let Some(seq) = last.filter(|seq| *seq >= append.memory_size) {
            return Err(AppendFault::Moved { key: key.clone(), seq });
        }
    }
    Ok(())
}

/// The rules between the entries of one transaction and what is recorded already.
pub(super) fn require_fit(
    connection: &Connection,
    append: &Append,
    first: u64,
    entries: &[(&Envelope, Examined)],
) -> Result<(), AppendFault> {
    let mut contested = BTreeSet::new();
    let mut all = Vec::new();
    for ((_, entry), seq) in entries.iter().zip(first..) {
        let unfit = |why: String| AppendFault::Unfit { seq, why };
        let said = match &entry.reading {
            Reading::Understood(said) => said.as_ref(),
            Reading::NotUnderstood(kind) => return Err(unfit(format!("kind {kind:?} is not written by this version"))),
        };
        if let Some(key) = said.record.keys.iter().find(|key| !append.keys.contains(key)) {
            return Err(unfit(format!("{key} was not looked up")));
        }
        require_new_attempt(connection, seq, said)?;
        require_claimable(connection, seq, said)?;
        if let (EntryKind::Contested, Some(unit)) = (said.kind, said.record.unit) {
            let standing = standing_of(connection, unit)?;
            if !standing.is_some_and(|state| state.is_in_custody() || state == Standing::Contested) {
                return Err(unfit(format!("entry {unit} is no accepted unit that could be contested")));
            }
            contested.insert(unit);
        }
        all.push(said);
    }
    let records: Vec<&Record> = all.iter().map(|said| &said.record).collect();
    require_blobs(connection, &append.blobs, &records).map_err(|why| AppendFault::Unfit { seq: first, why })?;
    for (said, seq) in all.into_iter().zip(first..) {
        require_contested(connection, seq, said, &contested)?;
    }
    Ok(())
}

/// One attempt with one evidence is judged once: whoever asks again gets the record that there is.
fn require_new_attempt(connection: &Connection, seq: u64, said: &Said) -> Result<(), AppendFault> {
    let (EntryKind::Verdict, Some(attempt), Some(evidence)) = (said.kind, &said.record.attempt, &said.record.evidence)
    else {
        return Ok(());
    };
    let Some(earlier) = verdict_of(connection, attempt, evidence)? else { return Ok(()) };
    let why = format!("attempt {attempt} with this evidence is recorded as entry {earlier}");
    Err(AppendFault::Unfit { seq, why })
}

/// An accept claims its keys for ever. A key that is claimed already means that the appraisal did not see it.
fn require_claimable(connection: &Connection, seq: u64, said: &Said) -> Result<(), AppendFault> {
    for key in Projection::of(seq, said.kind, &said.record).claims() {
        if let Some(owner) = claimed_by(connection, key)? {
            return Err(AppendFault::Moved { key: key.clone(), seq: owner });
        }
    }
    Ok(())
}

/// Whatever a receipt says that it contests is contested in this transaction; and whoever is suspect and bears a key
/// that an accepted unit has claimed contests that unit.
fn require_contested(
    connection: &Connection,
    seq: u64,
    said: &Said,
    contested: &BTreeSet<u64>,
) -> Result<(), AppendFault> {
    let unfit = |why: String| AppendFault::Unfit { seq, why };
    if let Some(unit) = said.contests().iter().find(|unit| !contested.contains(unit)) {
        return Err(unfit(format!("entry {unit} is contested by the receipt and by no entry")));
    }
    if said.record.state != Some(Standing::Suspect) {
        return Ok(());
    }
    for key in said.record.keys.iter().filter(|key| key.kind.claims()) {
        let owner = claimed_by(connection, key)?.filter(|unit| !contested.contains(unit));
        let Some(unit) = owner else { continue };
        if standing_of(connection, unit)?.is_some_and(Standing::is_in_custody) {
            return Err(unfit(format!("entry {unit} holds {key} and is not contested")));
        }
    }
    Ok(())
}

/// Each part that a record names is stored or at hand, as what it is named; nothing at hand is named by nobody.
fn require_blobs(connection: &Connection, blobs: &[Blob], records: &[&Record]) -> Result<(), String> {
    let at_hand: BTreeMap<Sha256, &str> =
        blobs.iter().map(|blob| (Sha256::of(&blob.bytes), blob.media_type.as_str())).collect();
    let named: BTreeSet<Sha256> = records.iter().flat_map(|record| &record.parts).map(|part| part.sha256).collect();
    for part in records.iter().flat_map(|record| &record.parts) {
        let stored = connection
            .prepare_cached("SELECT 1 FROM blob WHERE sha256 = ?")
            .and_then(|mut statement| statement.exists([part.sha256.as_bytes()]))
            .map_err(|error| error.to_string())?;
        if !stored && at_hand.get(&part.sha256) != Some(&part.media_type.as_str()) {
            return Err(format!("part {} is neither stored nor at hand as {:?}", part.sha256, part.media_type));
        }
    }
    match at_hand.keys().find(|digest| !named.contains(digest)) {
        Some(digest) => Err(format!("blob {digest} is named by no entry")),
        None => Ok(()),
    }
}
