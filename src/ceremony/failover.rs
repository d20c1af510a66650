//! Changing to the standby keys when the signing token is lost, broken or exposed: the log goes on under its name, and the
//! keys before sign nothing any more.
//!
//! The entry is signed by the standby station key and the officers, its checkpoint by the standby log key. Nothing is
//! asked of the token that is given up, so that it may be gone.

use super::clock::Leap;
use super::desk::Desk;
use super::publish::Step;
use super::quorum::Quorum;
use crate::hsm::{TokenName, TokenSigner};
use crate::ledger::{Append, EntryKind, KeySet, Ledger, Place, Record, Select};
use crate::opening;
use crate::sealing::seal_by;
use ecugate_verifier::documents::change::KeyChange;
use ecugate_verifier::documents::envelope::Envelope;
use ecugate_verifier::values::digest::Sha256;
use ecugate_verifier::values::finding::Finding;
use ecugate_verifier::values::ident::Name;
use ecugate_verifier::values::keys::PublicKey;
use ecugate_verifier::values::reason::Reason;
use ecugate_verifier::values::time::Time;
use std::collections::BTreeSet;

/// What officers say when they change the keys.
#[derive(Clone, Copy, Debug)]
pub struct Failover<'a> {
    /// Who signs; nobody named: every officer.
    pub officers: &'a [Name],
    /// Why.
    pub reason: &'a str,
    /// Whether they say too that the clock is right, should it be more than a day after the last entry. The key that would
    /// sign a clock step alone is the one that is lost.
    pub clock_is_right: bool,
}

/// The standby keys sign.
#[derive(Clone, Debug)]
pub struct FailedOver {
    /// The token that signs from here on.
    pub token: TokenName,
    /// The key that verifies its checkpoints, as a C2SP verifier key.
    pub vkey: String,
    /// The station keys that sign entries.
    pub stations: Vec<Sha256>,
    /// Who signed it; none where an earlier run recorded it.
    pub persons: BTreeSet<Name>,
    /// The entry of the key change.
    pub entry: u64,
    /// The clock step that was recorded with it.
    pub leap: Option<Leap>,
    /// Entries of the ledger under its checkpoint.
    pub size: u64,
    /// Whether it was recorded now.
    pub recorded: Step,
    /// What of the marks was put aside: the rungs on the token that takes over, where it takes none.
    pub reported: Vec<Finding>,
}

/// Changes to the standby keys. Begun again after it was not confirmed, it completes what is left.
///
/// # Errors
/// [`Reason::StandbyMissing`] where there are none, or they have taken over before; [`Reason::ThresholdNotMet`] for too
/// few officers; [`Reason::ClockAhead`] where the clock leapt and nobody said that it is right; else the finding of the
/// first step that fails. Nothing was recorded then, but for [`Reason::NotConfirmed`].
pub fn fail_over(desk: &mut Desk, failover: &Failover<'_>) -> Result<FailedOver, Finding> {
    let quorum = Quorum::of(desk, failover.officers, failover.reason)?;
    desk.site.signing(KeySet::Standby)?;
    require_unfinished(desk)?;
    let (pin, officers_pin) = (desk.signing_pin(KeySet::Standby)?, desk.officers_pin()?);
    let _turn = desk.take_turn()?;
    let standby = desk.signers(KeySet::Standby, &pin)?;
    // With the mark on the token that takes over: its first rung is the checkpoint of the change.
    let marks = opening::marks_taking_over(&desk.site, &desk.tokens);
    desk.ledger = Ledger::open(&desk.site.ledger(), desk.site.trusted_keys(), marks).map_err(Finding::from)?;
    // Asked again: another desk may have been first.
    if let Some(entry) = require_unfinished(desk)? {
        desk.settle(&standby.log)?;
        return answer(desk, BTreeSet::new(), entry, None, Step::Before);
    }
    let officers = quorum.open(desk, &officers_pin)?;
    let (now, leap) = Leap::of(desk)?;
    if let Some(Leap { last, now }) = leap.filter(|_| !failover.clock_is_right) {
        let expected =
            format!("at most a day after {last} (the last entry), or the officers' word that the clock is right");
        return Err(Finding::new(Reason::ClockAhead, "clock", expected, now.to_string()));
    }
    let (log_key, station_keys) = new_keys(desk)?;
    let Quorum { persons, ground } = quorum;
    let word = Word { site: desk.site.text().site.clone(), log_key, station_keys, ground, now, leap };
    let signers: Vec<&TokenSigner> = std::iter::once(&standby.station).chain(&officers).collect();
    let recorded = desk.ledger.append(&Append::default(), |place| word.seal(place, &signers), &standby.log);
    let entry = recorded.map_err(Finding::from)?.seq;
    answer(desk, persons, entry, leap, Step::Now)
}

/// Refuses where the standby keys sign already. Answers the entry of a change that no checkpoint covers yet.
fn require_unfinished(desk: &Desk) -> Result<Option<u64>, Finding> {
    if desk.ledger.keys_in_force().map_err(Finding::from)? == KeySet::First {
        return Ok(None);
    }
    let (size, checkpoint) = desk.ledger.head().map_err(Finding::from)?;
    let covered = checkpoint.map_or(0, |checkpoint| checkpoint.size());
    let uncovered = desk.ledger.look(Select::Last(size.saturating_sub(covered))).map_err(Finding::from)?;
    let change = uncovered.iter().find(|look| look.kind == EntryKind::KeyChange.word()).map(|look| look.seq);
    change.map(Some).ok_or_else(|| {
        let expected = "keys that have not taken over yet: there is no third set, so found a new log";
        Finding::new(Reason::StandbyMissing, "standby keys", expected, "they sign already")
    })
}

/// What officers sign.
struct Word {
    site: Name,
    log_key: String,
    station_keys: Vec<Sha256>,
    ground: String,
    now: Time,
    leap: Option<Leap>,
}

impl Word {
    /// The key change; after a leap of the clock it is dated as the last entry is, and the clock step right after it, which
    /// is signed by the keys that are in force then, says when it was.
    fn seal(self, place: &Place<'_>, signers: &[&TokenSigner]) -> Result<Vec<Envelope>, Finding> {
        let Self { site, log_key, station_keys, ground, now, leap } = self;
        let record = |offset, time| Record::new(place.origin.as_str(), place.seq.saturating_add(offset), time);
        let dated = leap.map_or(now, |leap| leap.last);
        let (of, why) = (site.clone(), ground.clone());
        let change = KeyChange { record: record(0, dated), site: of, log_key, station_keys, ground: why };
        let mut envelopes = vec![seal_by(change, signers)?];
        if let Some(leap) = leap {
            envelopes.push(leap.seal(record(1, now), site, ground, signers)?);
        }
        Ok(envelopes)
    }
}

/// The keys that take over, as an entry names them.
fn new_keys(desk: &Desk) -> Result<(String, Vec<Sha256>), Finding> {
    let log_key = desk.ledger.log_key(KeySet::Standby).map_err(Finding::from)?.to_string();
    let standby = desk.site.trusted_keys().standby;
    let stations = standby.iter().flat_map(|standby| &standby.stations).map(PublicKey::id).collect();
    Ok((log_key, stations))
}

fn answer(
    desk: &Desk,
    persons: BTreeSet<Name>,
    entry: u64,
    leap: Option<Leap>,
    recorded: Step,
) -> Result<FailedOver, Finding> {
    let (vkey, stations) = new_keys(desk)?;
    let token = desk.site.signing(KeySet::Standby)?.text.token.clone();
    let size = desk.ledger.head().map_err(Finding::from)?.0;
    let reported = desk.ledger.marks_reported().to_vec();
    Ok(FailedOver { token, vkey, stations, persons, entry, leap, size, recorded, reported })
}
