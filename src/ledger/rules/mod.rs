//! What must hold between an entry and what stands before it. Whoever writes, adopts or audits is held to the same, so
//! that no face, no mistake above, and no hand in the file can record what the identity states do not allow.
//!
//! The rules look only at entries with a lower number, also where later ones are stored: an audit in the middle of the
//! log asks what the writer asked.

mod inventory;

use super::examine::Examined;
use super::fault::{AppendFault, LedgerFault};
use super::index::Rows;
use super::keys::{KeySet, require_named_by};
use super::kind::EntryKind;
use super::lookup::{attempt_before, claimed_before, envelope_of, latest_before};
use super::member::{Append, Blob};
use super::projection::Projection;
use super::record::{More, Reading, Record, Said};
use ecugate_verifier::documents::document;
use ecugate_verifier::documents::envelope::Envelope;
use ecugate_verifier::documents::founding::Genesis;
use ecugate_verifier::inputs::custody::{Attempt, State as Standing};
use ecugate_verifier::values::digest::Sha256;
use ecugate_verifier::values::ident::UnitKey;
use ecugate_verifier::values::limits::Limits;
use ecugate_verifier::values::time::Time;
use rusqlite::Connection;
use std::collections::{BTreeMap, BTreeSet, VecDeque};

/// How an entry breaks a rule.
#[derive(Debug)]
pub(super) enum Breach {
    /// The rows to hold it against cannot be read.
    Ledger(LedgerFault),
    /// It claims a key that the accept `owner` has claimed.
    Claimed { key: UnitKey, owner: u64 },
    /// It is dated more than a day after the latest entry before it.
    Ahead { last: Time, time: Time },
    /// Another rule.
    Unfit(String),
}

impl Breach {
    /// As an answer to who would have written it: nothing was.
    pub(super) fn refuse(self, seq: u64) -> AppendFault {
        match self {
            Self::Ledger(fault) => fault.into(),
            // The appraisal did not see the claim: to be judged again.
            Self::Claimed { key, owner } => AppendFault::Moved { key, seq: owner },
            Self::Ahead { last, time } => AppendFault::ClockAhead { seq, last, time },
            Self::Unfit(why) => AppendFault::Unfit { seq, why },
        }
    }

    /// As a difference of what is stored.
    pub(super) fn stored(self, seq: u64) -> LedgerFault {
        let found = match self {
            Self::Ledger(fault) => return fault,
            Self::Claimed { key, owner } => format!("it claims {key}, which entry {owner} has claimed"),
            Self::Ahead { last, time } => format!("it is dated {time}, more than a day after {last}"),
            Self::Unfit(why) => why,
        };
        LedgerFault::differs(format!("entry {seq}"), "an entry that may follow those before it", found)
    }
}

impl From<LedgerFault> for Breach {
    fn from(fault: LedgerFault) -> Self {
        Self::Ledger(fault)
    }
}

/// Goes along with the entries in their order, and holds each against those before it.
///
/// What it keeps is what cannot be looked up at once for an entry in the middle of the log.
#[derive(Clone, Debug, Default)]
pub(super) struct History {
    keys: KeySet,
    latest: Option<Time>,
    owed: Option<Owed>,
}

/// *Contested* entries that must follow a verdict at once.
#[derive(Clone, Debug)]
struct Owed {
    by: u64,
    units: VecDeque<u64>,
    attempt: Option<Attempt>,
    evidence: Option<Sha256>,
}

impl History {
    /// To go on after `size` entries, the last of which ended a transaction.
    pub(super) fn after(connection: &Connection, size: u64, change: Option<u64>) -> Result<Self, LedgerFault> {
        Ok(Self { keys: KeySet::at(size, change), latest: latest_before(connection, size)?, owed: None })
    }

    /// Whose keys sign what follows.
    pub(super) const fn keys(&self) -> KeySet {
        self.keys
    }

    /// Takes the entry `seq`, if it may follow the entries before it. Their rows must be stored.
    pub(super) fn take(&mut self, rows: Rows<'_>, seq: u64, entry: &Examined) -> Result<(), Breach> {
        let Reading::Understood(said) = &entry.reading else { return self.require_keys(entry, false) };
        self.require_keys(entry, said.kind == EntryKind::KeyChange)?;
        self.require_time(said)?;
        self.require_contested(said)?;
        require_history(rows, seq, said)?;
        self.keys = entry.keys;
        self.latest = self.latest.max(Some(said.record.time));
        if !said.contests().is_empty() {
            let units = said.contests().iter().copied().collect();
            let (attempt, evidence) = (said.record.attempt.clone(), said.record.evidence);
            self.owed = Some(Owed { by: seq, units, attempt, evidence });
        }
        Ok(())
    }

    /// The end of a transaction, or of the log: nothing may be left open.
    pub(super) fn end(&self) -> Result<(), Breach> {
        match self.owed.as_ref().and_then(|owed| owed.units.front()) {
            Some(unit) => Err(Breach::Unfit(format!("entry {unit} is contested by the receipt and by no entry"))),
            None => Ok(()),
        }
    }

    /// Entries are signed by the keys in force: by the first ones up to a key change, which the others sign already.
    fn require_keys(&self, entry: &Examined, changes: bool) -> Result<(), Breach> {
        let unfit = |why: &str| Err(Breach::Unfit(why.to_owned()));
        match (self.keys, entry.keys, changes) {
            (KeySet::First, KeySet::First, false)
            | (KeySet::Standby, KeySet::Standby, false)
            | (KeySet::First, KeySet::Standby, true) => Ok(()),
            (KeySet::Standby, _, true) => unfit("the keys were changed before, and there is no third set"),
            (KeySet::First, KeySet::First, true) => unfit("a key change is signed by a key that it changes to"),
            (KeySet::First, KeySet::Standby, false) => unfit("it is signed by a standby key before the key change"),
            (KeySet::Standby, KeySet::First, false) => unfit("it is signed by a key that was retired before"),
        }
    }

    /// An entry dated far ahead would expire trust data and make the true time *behind*: only officers may say so.
    fn require_time(&self, said: &Said) -> Result<(), Breach> {
        let (Some(last), time) = (self.latest, said.record.time) else { return Ok(()) };
        match &said.more {
            More::ClockStep(step) if step.last == last => Ok(()),
            More::ClockStep(step) => {
                let why = format!("it steps from {}, and the latest entry before it is of {last}", step.last);
                Err(Breach::Unfit(why))
            }
            _ if time.unix_millis() > last.unix_millis().saturating_add(Limits::STANDARD.clock_ahead_millis) => {
                Err(Breach::Ahead { last, time })
            }
            _ => Ok(()),
        }
    }

    /// Whatever a receipt says that it contests is contested right after it, in its order, and nothing else is.
    fn require_contested(&mut self, said: &Said) -> Result<(), Breach> {
        let Some(owed) = &mut self.owed else {
            return match said.kind {
                EntryKind::Contested => Err(Breach::Unfit("no receipt before it contests a unit".to_owned())),
                _ => Ok(()),
            };
        };
        let Some(unit) = owed.units.pop_front() else { return Ok(()) };
        let record = &said.record;
        let due = said.kind == EntryKind::Contested
            && record.unit == Some(unit)
            && said.more == More::Contested { by: owed.by }
            && (&record.attempt, &record.evidence) == (&owed.attempt, &owed.evidence);
        if !due {
            return Err(Breach::Unfit(format!("entry {unit} is contested by the receipt and by no entry")));
        }
        if owed.units.is_empty() {
            self.owed = None;
        }
        Ok(())
    }
}

/// What must hold of one kind of entry, given the entries before `seq`.
fn require_history(rows: Rows<'_>, seq: u64, said: &Said) -> Result<(), Breach> {
    let connection = rows.connection();
    match said.kind {
        EntryKind::Verdict => {
            require_new_attempt(rows, seq, said)?;
            // A claim of each key has one row, and an audit has found it to be this entry's.
            if !rows.are_audited() {
                require_claimable(connection, seq, said)?;
            }
            require_contests(rows, seq, said)
        }
        EntryKind::LateHold => require_new_attempt(rows, seq, said),
        EntryKind::Contested => require_contestable(rows, seq, said),
        EntryKind::Admitted | EntryKind::Redeemed | EntryKind::RedemptionConfirmed => {
            inventory::require_passage(rows, seq, said)
        }
        EntryKind::KeyChange => require_named_keys(connection, said),
        _ => Ok(()),
    }
}

/// Officers change to the keys that the genesis named, and to no others.
fn require_named_keys(connection: &Connection, said: &Said) -> Result<(), Breach> {
    let More::KeyChange(change) = &said.more else { return Ok(()) };
    let genesis = envelope_of(connection, 0)?
        .and_then(|bytes| Envelope::parse(&bytes, &Limits::STANDARD).ok())
        .and_then(|envelope| document::read_unverified::<Genesis>(&envelope, &Limits::STANDARD).ok());
    let genesis = genesis.ok_or_else(|| Breach::Unfit("entry 0 is no genesis".to_owned()))?;
    require_named_by(&genesis, change).map_err(Breach::Unfit)
}

/// One attempt with one evidence is judged once: whoever asks again gets the record that there is.
fn require_new_attempt(rows: Rows<'_>, seq: u64, said: &Said) -> Result<(), Breach> {
    if rows.are_audited_in_bulk() {
        return Ok(());
    }
    let (Some(attempt), Some(evidence)) = (&said.record.attempt, &said.record.evidence) else { return Ok(()) };
    match attempt_before(rows.connection(), attempt, evidence, seq)? {
        Some(earlier) => {
            Err(Breach::Unfit(format!("attempt {attempt} with this evidence is recorded as entry {earlier}")))
        }
        None => Ok(()),
    }
}

/// An accept claims its keys for ever.
fn require_claimable(connection: &Connection, seq: u64, said: &Said) -> Result<(), Breach> {
    for key in Projection::of(seq, said.kind, &said.record).claims() {
        if let Some(owner) = claimed_before(connection, key, seq)? {
            return Err(Breach::Claimed { key: key.clone(), owner });
        }
    }
    Ok(())
}

/// Whoever is suspect and bears a key that an accepted unit has claimed contests that unit.
fn require_contests(rows: Rows<'_>, seq: u64, said: &Said) -> Result<(), Breach> {
    if said.record.state != Some(Standing::Suspect) {
        return Ok(());
    }
    for key in said.record.keys.iter().filter(|key| key.kind.claims()) {
        let owner = claimed_before(rows.connection(), key, seq)?.filter(|unit| !said.contests().contains(unit));
        let Some(unit) = owner else { continue };
        if rows.standing_before(unit, seq)?.is_some_and(|(state, _)| state.is_in_custody()) {
            return Err(Breach::Unfit(format!("entry {unit} holds {key} and is not contested")));
        }
    }
    Ok(())
}

/// Only an accepted unit can be contested.
fn require_contestable(rows: Rows<'_>, seq: u64, said: &Said) -> Result<(), Breach> {
    let unit = said.record.unit.unwrap_or(seq);
    let standing = rows.standing_before(unit, seq)?;
    if standing.is_some_and(|(state, _)| state.is_in_custody() || state == Standing::Contested) {
        return Ok(());
    }
    Err(Breach::Unfit(format!("entry {unit} is no accepted unit that could be contested")))
}

/// No entry since the memory was taken may name one of the unit's keys, or change a unit that bears one. Other units
/// moving on is no conflict.
pub(super) fn require_unmoved(rows: Rows<'_>, append: &Append) -> Result<(), AppendFault> {
    for key in &append.keys {
        let mut last = None;
        for seq in rows.of_key(key, usize::MAX)? {
            last = last.max(rows.standing(seq)?.map(|(_, since)| since)).max(Some(seq));
        }
        if let Some(seq) = last.filter(|seq| *seq >= append.memory_size) {
            return Err(AppendFault::Moved { key: key.clone(), seq });
        }
    }
    Ok(())
}

/// What is written says nothing that was not asked for, and everything that it names is there.
pub(super) fn require_prepared(
    connection: &Connection,
    append: &Append,
    first: u64,
    entries: &[Examined],
) -> Result<(), AppendFault> {
    let mut records = Vec::new();
    for (entry, seq) in entries.iter().zip(first..) {
        let unfit = |why: String| AppendFault::Unfit { seq, why };
        let said = match &entry.reading {
            Reading::Understood(said) => said.as_ref(),
            Reading::NotUnderstood(kind) => return Err(unfit(format!("kind {kind:?} is not written by this version"))),
        };
        if let Some(key) = said.record.keys.iter().find(|key| !append.keys.contains(key)) {
            return Err(unfit(format!("{key} was not looked up")));
        }
        records.push(&said.record);
    }
    match require_blobs(connection, &append.blobs, &records)? {
        Some(why) => Err(AppendFault::Unfit { seq: first, why }),
        None => Ok(()),
    }
}

/// Each part that a record names is stored or at hand, as what it is named; nothing at hand is named by nobody.
fn require_blobs(connection: &Connection, blobs: &[Blob], records: &[&Record]) -> Result<Option<String>, LedgerFault> {
    let at_hand: BTreeMap<Sha256, &str> =
        blobs.iter().map(|blob| (Sha256::of(&blob.bytes), blob.media_type.as_str())).collect();
    let named: BTreeSet<Sha256> = records.iter().flat_map(|record| &record.parts).map(|part| part.sha256).collect();
    for part in records.iter().flat_map(|record| &record.parts) {
        let stored =
            connection.prepare_cached("SELECT 1 FROM blob WHERE sha256 = ?")?.exists([part.sha256.as_bytes()])?;
        if !stored && at_hand.get(&part.sha256) != Some(&part.media_type.as_str()) {
            let why = format!("part {} is neither stored nor at hand as {:?}", part.sha256, part.media_type);
            return Ok(Some(why));
        }
    }
    let unnamed = at_hand.keys().find(|digest| !named.contains(digest));
    Ok(unnamed.map(|digest| format!("blob {digest} is named by no entry")))
}
