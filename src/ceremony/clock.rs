//! The officers' word that the clock is right although it leapt: nothing was recorded for more than a day, or the clock was
//! wrong before.
//!
//! # What it does not establish
//! That the clock is right. Officers compare it with a source of their own; a wrong time that they sign cannot be taken
//! back, since the ledger takes no verdict that is dated before its latest entry.

use super::desk::Desk;
use super::quorum::Quorum;
use crate::hsm::TokenSigner;
use crate::ledger::{Append, Record};
use crate::opening::Signers;
use crate::sealing::seal_by;
use ecugate_verifier::documents::change::ClockStep;
use ecugate_verifier::documents::envelope::Envelope;
use ecugate_verifier::values::finding::Finding;
use ecugate_verifier::values::ident::Name;
use ecugate_verifier::values::limits::Limits;
use ecugate_verifier::values::reason::Reason;
use ecugate_verifier::values::time::Time;
use std::collections::BTreeSet;

/// A clock that is further after the latest entry than an entry may be dated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Leap {
    /// The latest time of any entry.
    pub last: Time,
    /// What the clock shows.
    pub now: Time,
}

/// A clock step that is recorded.
#[derive(Clone, Debug)]
pub struct ClockStepped {
    /// From when to when.
    pub leap: Leap,
    /// Who signed it.
    pub persons: BTreeSet<Name>,
    /// Its entry.
    pub entry: u64,
    /// Entries of the ledger under its checkpoint.
    pub size: u64,
}

impl Leap {
    /// The clock held against the ledger; none where an entry may be dated by it as it is.
    pub(super) fn of(desk: &Desk) -> Result<(Time, Option<Self>), Finding> {
        let now = desk.now()?;
        let last = desk.ledger.last_time().map_err(Finding::from)?;
        let is_ahead =
            |last: &Time| now.unix_millis() > last.unix_millis().saturating_add(Limits::STANDARD.clock_ahead_millis);
        Ok((now, last.filter(is_ahead).map(|last| Self { last, now })))
    }

    /// The entry that says so. `record` is dated by the clock.
    pub(super) fn seal(
        self,
        record: Record,
        site: Name,
        ground: String,
        signers: &[&TokenSigner],
    ) -> Result<Envelope, Finding> {
        seal_by(ClockStep { record, site, last: self.last, ground }, signers)
    }
}

/// Records that the clock is right. Nobody named: every officer signs. `show` gets the latest time of the ledger and that
/// of the clock before any PIN is asked for and any key is touched, and can stop it.
///
/// # Errors
/// [`Reason::ThresholdNotMet`] for too few officers, [`Reason::ClockBehind`] for a clock that is behind the ledger,
/// [`Reason::Usage`] for one that needs no step; else the finding of the first step that fails. Nothing was recorded then,
/// but for [`Reason::NotConfirmed`].
pub fn step_clock(
    desk: &mut Desk,
    officers: &[Name],
    reason: &str,
    show: impl FnOnce(&Leap) -> Result<(), Finding>,
) -> Result<ClockStepped, Finding> {
    let quorum = Quorum::of(desk, officers, reason)?;
    show(&needed(desk)?)?;
    let keys = desk.ledger.keys_in_force().map_err(Finding::from)?;
    let (pin, officers_pin) = (desk.signing_pin(keys)?, desk.officers_pin()?);
    let _turn = desk.take_turn()?;
    let Signers { station, log, .. } = desk.signers(keys, &pin)?;
    let officers = quorum.open(desk, &officers_pin)?;
    desk.settle(&log)?;
    // Asked again: another desk may have stepped while this one waited for its turn.
    let leap = needed(desk)?;
    let site = desk.site.text().site.clone();
    let signers: Vec<&TokenSigner> = std::iter::once(&station).chain(&officers).collect();
    let recorded = desk.ledger.append(
        &Append::default(),
        |place| {
            let record = Record::new(place.origin.as_str(), place.seq, leap.now);
            Ok(vec![leap.seal(record, site, quorum.ground, &signers)?])
        },
        &log,
    );
    let recorded = recorded.map_err(Finding::from)?;
    Ok(ClockStepped { leap, persons: quorum.persons, entry: recorded.seq, size: recorded.size })
}

/// The leap, if there is one.
fn needed(desk: &Desk) -> Result<Leap, Finding> {
    let (now, leap) = Leap::of(desk)?;
    leap.ok_or_else(|| {
        let last = desk.ledger.last_time().ok().flatten().map_or_else(String::new, |last| format!(" ({last})"));
        let expected = format!("a clock that is more than a day after the last entry{last}: else no step is needed");
        Finding::new(Reason::Usage, "clock", expected, now.to_string())
    })
}
