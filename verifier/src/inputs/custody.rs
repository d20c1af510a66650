//! Where an identity stands, and what that makes of a new arrival (`docs/ledger.md`, identity states).
//!
//! A pure function over what the ledger remembers: [`standing`]. A key once claimed is never free again: leaving
//! custody changes the state, it does not free the key.

pub use crate::documents::record::State;
pub use crate::values::attempt::{Attempt, Nonce};
use crate::values::digest::Sha256;
use crate::values::finding::Finding;
use crate::values::ident::{KeyKind, UnitKey};
use crate::values::reason::Reason;
use std::collections::{BTreeMap, BTreeSet};

/// One entry of the ledger that names at least one of the arriving unit's keys.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sighting {
    /// Its number in the ledger.
    pub seq: u64,
    /// Where the unit of that entry stands *now*.
    pub state: State,
    /// The attempt that wrote it.
    pub attempt: Attempt,
    /// The digest of what was presented then.
    pub evidence: Sha256,
    /// Every key that the entry names.
    pub keys: Vec<UnitKey>,
}

/// What the memory makes of an arrival.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Standing {
    /// Never seen: judged on its merits.
    New,
    /// Seen only in holds and for want of papers: judged on its merits; the new entry supersedes these.
    Supersedes(Vec<u64>),
    /// This very attempt with this very evidence is recorded: its own record answers, and it is no clone of itself.
    Recorded(u64),
    /// The identity is taken, or doubtful.
    Refused {
        /// Why, one finding an entry.
        findings: Vec<Finding>,
        /// Accepted entries that become contested in the same transaction.
        contests: Vec<u64>,
    },
}

/// Looks a unit up among what was seen: the identity table.
///
/// `keys` are the keys of the arriving unit, `evidence` the digest of what is presented.
#[must_use]
pub fn standing(sightings: &[Sighting], attempt: &Attempt, evidence: &Sha256, keys: &[UnitKey]) -> Standing {
    let mut supersedes = Vec::new();
    let mut findings = Vec::new();
    let mut contests = Vec::new();
    for sighting in sightings.iter().filter(|sighting| is_of_this_unit(&sighting.keys, keys)) {
        let same_attempt = sighting.attempt == *attempt;
        if same_attempt && sighting.evidence == *evidence {
            return Standing::Recorded(sighting.seq);
        }
        // also under its own attempt: other evidence is another box until somebody has looked
        if sighting.state.is_in_custody() {
            contests.push(sighting.seq);
        }
        if same_attempt {
            findings.push(found(Reason::AttemptReused, sighting, "the same evidence under the same attempt"));
            continue;
        }
        match refusal(sighting, keys) {
            Some(finding) => findings.push(finding),
            None => supersedes.push(sighting.seq),
        }
    }
    if !findings.is_empty() {
        Standing::Refused { findings, contests }
    } else if supersedes.is_empty() {
        Standing::New
    } else {
        Standing::Supersedes(supersedes)
    }
}

/// The row of the identity table for one earlier entry. `None`: judged on its merits.
fn refusal(sighting: &Sighting, keys: &[UnitKey]) -> Option<Finding> {
    let (reason, expected) = match sighting.state {
        State::Held | State::Unproven => {
            if agree(&sighting.keys, keys) {
                return None;
            }
            (Reason::KeyNotTheSame, "the keys of the earlier entry")
        }
        State::Suspect => (Reason::IdentitySuspectBefore, "an identity that two persons cleared"),
        State::Accepted | State::Redeemed | State::Contested => {
            (seen_before(&sighting.keys, keys), "an identity never seen before")
        }
        State::Voided => (Reason::IdentityVoided, "an identity never accepted and undone"),
        State::Shipped => (Reason::IdentityShipped, "a return authorisation for a unit that left"),
        State::Legacy => (Reason::IdentityLegacy, "an identity that was not here before the gate"),
        State::Leased => (Reason::IdentityLeased, "an identity that is ours to receive"),
    };
    Some(found(reason, sighting, expected))
}

/// What was seen before: the identity itself, or only something in the image that no two units share.
fn seen_before(theirs: &[UnitKey], ours: &[UnitKey]) -> Reason {
    let shared = |kinds: &[KeyKind]| theirs.iter().any(|key| kinds.contains(&key.kind) && ours.contains(key));
    let own = [KeyKind::Unit, KeyKind::Serial, KeyKind::DeviceKey, KeyKind::DeviceCertificate, KeyKind::ChipId];
    if shared(&own) {
        Reason::IdentitySeenBefore
    } else if shared(&[KeyKind::UniqueArea]) {
        Reason::UniqueAreaReused
    } else {
        Reason::ReadoutReused
    }
}

fn found(reason: Reason, sighting: &Sighting, expected: &str) -> Finding {
    Finding::new(
        reason,
        format!("ledger entry {}", sighting.seq),
        expected,
        format!("{} by attempt {}", sighting.state.word(), sighting.attempt),
    )
}

/// Whether an entry is about the arriving unit: a shared key. A shared *serial alone* counts only while one side has
/// no unit key: two manufacturers may use one serial, but where no manufacturer resolves a match is a finding.
fn is_of_this_unit(theirs: &[UnitKey], ours: &[UnitKey]) -> bool {
    let names_unit = |keys: &[UnitKey]| keys.iter().any(|key| key.kind == KeyKind::Unit);
    let serial_counts = !(names_unit(theirs) && names_unit(ours));
    theirs
        .iter()
        .filter(|key| key.kind != KeyKind::FoldedSpelling && key.kind != KeyKind::LabelNumber)
        .any(|key| (key.kind != KeyKind::Serial || serial_counts) && ours.contains(key))
}

/// Whether the keys of both sides can be those of one unit. It may gain keys, or show fewer of them (a component that
/// is not read this time); it never changes one. Of what both sides name, one side holds all that the other does.
fn agree(theirs: &[UnitKey], ours: &[UnitKey]) -> bool {
    let values = |keys: &[UnitKey]| {
        let mut values: BTreeMap<(KeyKind, String), BTreeSet<String>> = BTreeMap::new();
        for key in keys.iter().filter(|key| key.kind.claims() || key.kind == KeyKind::Serial) {
            values.entry((key.kind, named(key).to_owned())).or_default().insert(key.value.clone());
        }
        values
    };
    let ours = values(ours);
    let same = |what, theirs: &BTreeSet<String>| {
        ours.get(what).is_none_or(|ours| theirs.is_subset(ours) || ours.is_subset(theirs))
    };
    values(theirs).iter().all(|(what, theirs)| same(what, theirs))
}

/// What a key is the value of, beside its kind: a unit has many unit-unique areas, each with its maker and name.
fn named(key: &UnitKey) -> &str {
    match key.kind {
        KeyKind::UniqueArea => key.value.rsplit_once('\u{1f}').map_or("", |(area, _)| area),
        _ => "",
    }
}

#[cfg(test)]
mod tests {
    use super::{Attempt, Nonce, Sighting, Standing, State, standing};
    use crate::values::digest::Sha256;
    use crate::values::ident::{KeyKind, Manufacturer, Name, Part, Serial, UnitKey};
    use crate::values::reason::Reason;

    fn attempt(n: u8) -> Attempt {
        Attempt { station: Name::new("dock-1").unwrap(), nonce: Nonce::from_bytes([n; 16]) }
    }

    fn unit(maker: &str, serial: &str) -> Vec<UnitKey> {
        let serial = Serial::new(serial).unwrap();
        vec![
            UnitKey::unit(&Manufacturer::new(maker).unwrap(), &Part::new("P1").unwrap(), &serial),
            UnitKey::serial(&serial),
        ]
    }

    fn seen(state: State, keys: Vec<UnitKey>) -> Sighting {
        Sighting { seq: 7, state, attempt: attempt(1), evidence: Sha256::of(b"then"), keys }
    }

    fn reasons(standing: &Standing) -> Vec<Reason> {
        match standing {
            Standing::Refused { findings, .. } => findings.iter().map(|finding| finding.reason).collect(),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn each_state_of_an_earlier_entry_gives_the_row_of_the_identity_table() {
        let now = Sha256::of(b"now");
        for (state, reason, contested) in [
            (State::Suspect, Reason::IdentitySuspectBefore, false),
            (State::Accepted, Reason::IdentitySeenBefore, true),
            (State::Redeemed, Reason::IdentitySeenBefore, true),
            (State::Contested, Reason::IdentitySeenBefore, false),
            (State::Voided, Reason::IdentityVoided, false),
            (State::Shipped, Reason::IdentityShipped, false),
            (State::Legacy, Reason::IdentityLegacy, false),
            (State::Leased, Reason::IdentityLeased, false),
        ] {
            let got = standing(&[seen(state, unit("M", "S1"))], &attempt(2), &now, &unit("M", "S1"));
            assert_eq!(reasons(&got), [reason], "{state:?}");
            let Standing::Refused { contests, .. } = got else { panic!() };
            assert_eq!(contests, if contested { vec![7] } else { vec![] }, "{state:?}");
        }
        for state in [State::Held, State::Unproven] {
            let got = standing(&[seen(state, unit("M", "S1"))], &attempt(2), &now, &unit("M", "S1"));
            assert_eq!(got, Standing::Supersedes(vec![7]));
        }
        assert_eq!(standing(&[], &attempt(2), &now, &unit("M", "S1")), Standing::New);
    }

    #[test]
    fn the_same_attempt_with_the_same_evidence_is_its_own_record_and_with_other_evidence_is_refused() {
        let earlier = [seen(State::Accepted, unit("M", "S1"))];
        let got = standing(&earlier, &attempt(1), &Sha256::of(b"then"), &unit("M", "S1"));
        assert_eq!(got, Standing::Recorded(7));
        let got = standing(&earlier, &attempt(1), &Sha256::of(b"other"), &unit("M", "S1"));
        assert_eq!(reasons(&got), [Reason::AttemptReused]);
        assert!(matches!(got, Standing::Refused { contests, .. } if contests == [7]));
        let held = [seen(State::Held, unit("M", "S1"))];
        let got = standing(&held, &attempt(1), &Sha256::of(b"other"), &unit("M", "S1"));
        assert_eq!(reasons(&got), [Reason::AttemptReused]);
        assert!(matches!(got, Standing::Refused { contests, .. } if contests.is_empty()));
    }

    #[test]
    fn one_serial_of_two_manufacturers_is_two_units_but_a_serial_without_manufacturer_is_a_match() {
        let now = Sha256::of(b"now");
        let earlier = [seen(State::Accepted, unit("M", "S1"))];
        assert_eq!(standing(&earlier, &attempt(2), &now, &unit("N", "S1")), Standing::New);
        let serial_only = [UnitKey::serial(&Serial::new("S1").unwrap())];
        assert_eq!(reasons(&standing(&earlier, &attempt(2), &now, &serial_only)), [Reason::IdentitySeenBefore]);
    }

    #[test]
    fn attack_50_the_same_device_key_under_another_serial_is_the_same_unit() {
        let key = UnitKey::digest(KeyKind::DeviceKey, &Sha256::of(b"key"));
        let mut first = unit("M", "S1");
        first.push(key.clone());
        let mut second = unit("M", "S2");
        second.push(key);
        let got = standing(&[seen(State::Accepted, first)], &attempt(2), &Sha256::of(b"now"), &second);
        assert_eq!(reasons(&got), [Reason::IdentitySeenBefore]);
    }

    #[test]
    fn a_held_unit_that_comes_back_with_another_chip_is_not_the_same_unit() {
        let chip = |n: &[u8]| UnitKey::digest(KeyKind::ChipId, &Sha256::of(n));
        let with = |n: &[u8]| {
            let mut keys = unit("M", "S1");
            keys.push(chip(n));
            keys
        };
        let earlier = [seen(State::Held, with(b"a"))];
        let now = Sha256::of(b"now");
        assert_eq!(reasons(&standing(&earlier, &attempt(2), &now, &with(b"b"))), [Reason::KeyNotTheSame]);
        assert_eq!(standing(&earlier, &attempt(2), &now, &with(b"a")), Standing::Supersedes(vec![7]));
        assert_eq!(standing(&earlier, &attempt(2), &now, &unit("M", "S1")), Standing::Supersedes(vec![7]));
    }

    fn with_areas(areas: &[(&str, &[u8])]) -> Vec<UnitKey> {
        let area = |(name, contents): &(&str, &[u8])| UnitKey {
            kind: KeyKind::UniqueArea,
            value: format!("M\u{1f}{name}\u{1f}{}", Sha256::of(contents)),
        };
        unit("M", "S1").into_iter().chain(areas.iter().map(area)).collect()
    }

    #[test]
    fn a_held_unit_of_which_fewer_more_or_other_areas_are_read_the_next_time_is_the_same_unit() {
        let now = Sha256::of(b"now");
        let both = with_areas(&[("keys", b"a"), ("trim", b"b")]);
        let (keys, trim) = (with_areas(&[("keys", b"a")]), with_areas(&[("trim", b"b")]));
        for (then, ours) in [(&both, &keys), (&keys, &both), (&keys, &trim)] {
            let got = standing(&[seen(State::Held, then.clone())], &attempt(2), &now, ours);
            assert_eq!(got, Standing::Supersedes(vec![7]));
        }
    }

    #[test]
    fn a_held_unit_that_comes_back_with_other_contents_in_one_area_is_not_the_same_unit() {
        let now = Sha256::of(b"now");
        let both = with_areas(&[("keys", b"a"), ("trim", b"b")]);
        for ours in [&[("keys", &b"a"[..]), ("trim", b"x")][..], &[("trim", b"x")], &[("trim", b"b"), ("keys", b"b")]] {
            let got = standing(&[seen(State::Held, both.clone())], &attempt(2), &now, &with_areas(ours));
            assert_eq!(reasons(&got), [Reason::KeyNotTheSame], "{ours:?}");
        }
    }

    #[test]
    fn a_held_unit_whose_part_was_not_yet_settled_is_the_same_unit_and_under_a_third_part_it_is_not() {
        let of_part = |part: &str| {
            let maker = Manufacturer::new("M").unwrap();
            UnitKey::unit(&maker, &Part::new(part).unwrap(), &Serial::new("S1").unwrap())
        };
        let serial = UnitKey::serial(&Serial::new("S1").unwrap());
        let earlier = [seen(State::Unproven, vec![of_part("P1"), of_part("P2"), serial.clone()])];
        let now = Sha256::of(b"now");
        let settled = [of_part("P1"), serial.clone()];
        assert_eq!(standing(&earlier, &attempt(2), &now, &settled), Standing::Supersedes(vec![7]));
        // another part with the same serial is another unit, until something else ties them
        let chip = UnitKey::digest(KeyKind::ChipId, &Sha256::of(b"chip"));
        let then = vec![of_part("P1"), of_part("P2"), serial.clone(), chip.clone()];
        let got = standing(&[seen(State::Held, then)], &attempt(2), &now, &[of_part("P3"), serial, chip]);
        assert_eq!(reasons(&got), [Reason::KeyNotTheSame]);
    }
}
