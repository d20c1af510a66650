//! The library's door, in a process of its own: a clock that goes back or leaps, and an attempt that is asked again.

use crate::delivery::today;
use crate::softhsm::trial;
use crate::world::{PART, World, label, name, time};
use ecugate::ceremony::{AnchorGiven, Founding, found_trial};
use ecugate::gate::{Arrival, Gate, GateError, ImageSource, Outcome, Surroundings};
use ecugate::hsm::softhsm;
use ecugate::site::Site;
use ecugate_verifier::documents::anchor_list::Role;
use ecugate_verifier::documents::manifest::shipment::Condition;
use ecugate_verifier::inputs::custody::{Attempt, Nonce};
use ecugate_verifier::syntax::certificate::Certificate;
use ecugate_verifier::values::finding::Finding;
use ecugate_verifier::values::ident::{Manufacturer, PartScope};
use ecugate_verifier::values::limits::Limits;
use ecugate_verifier::values::reason::Reason;
use ecugate_verifier::values::time::Time;
use libtest_mimic::Trial;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

pub(crate) fn trials() -> Vec<Trial> {
    vec![
        trial("attack_45_a_clock_set_back_stays_behind_however_many_holds_it_dates", &[wrong_clock]),
        trial("an_attempt_asked_again_gets_its_record_and_no_accept_once_it_is_contested", &[asked_again]),
        trial("attack_66_a_second_box_under_the_first_ones_attempt_is_recorded_and_blocks_it", &[attempt_reused]),
    ]
}

const HOUR: i64 = 3_600;

/// A clock that stands still.
pub(crate) struct Stopped(pub(crate) Option<Time>);

impl Surroundings for Stopped {
    fn now(&self) -> Option<Time> {
        self.0
    }

    fn pause(&self, _: Duration) {}

    fn random(&self, bytes: &mut [u8]) -> Result<(), Finding> {
        getrandom::fill(bytes).map_err(|_| Finding::bare(Reason::SignerFailed))
    }

    fn helper(&self) -> Result<PathBuf, Finding> {
        Ok(PathBuf::from(env!("CARGO_BIN_EXE_ecugate")))
    }
}

pub(crate) fn now() -> Time {
    time(SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs())
}

pub(crate) fn found(folder: &Path, world: &World) {
    let anchor = AnchorGiven {
        certificate: Certificate::from_der(&world.root.der, &Limits::STANDARD).unwrap(),
        manufacturer: Manufacturer::new("maker").unwrap(),
        roles: vec![Role::Release, Role::Shipment],
        parts: vec![PartScope::All],
    };
    let founding = Founding { site: name("dock.example"), station: name("dock-1"), anchors: vec![anchor], now: now() };
    found_trial(&softhsm().unwrap(), folder, &founding, &Stopped(None)).unwrap();
}

fn gate(folder: &Path, clock: Option<Time>) -> Gate {
    Gate::open(Site::open(folder).unwrap(), Box::new(Stopped(clock))).unwrap()
}

fn present(gate: &Gate, world: &World, serial: &str, attempt: u8) -> Result<Outcome, GateError> {
    gate.receive(Arrival {
        attempt: Attempt { station: name("dock-1"), nonce: Nonce::from_bytes([attempt; 16]) },
        label: Some(label(PART, serial)),
        housing_label: None,
        manifests: vec![world.release_envelope(), world.shipment_envelope()],
        images: vec![ImageSource { component: None, reader: Box::new(world.image.as_slice()) }],
        untrusted: Vec::new(),
        crls: world.crls.clone(),
        device_proof: None,
        condition: Condition::New,
        operator: None,
        order: None,
    })
}

/// Status and first reason.
fn came(outcome: Result<Outcome, GateError>) -> (u8, String) {
    match outcome {
        Ok(outcome) => {
            let reason = outcome.receipt().findings.first().map(|finding| finding.reason.code().to_owned());
            (outcome.exit_status(), reason.unwrap_or_default())
        }
        Err(error) => (error.exit_status(), error.finding().reason.code().to_owned()),
    }
}

fn wrong_clock(folder: &Path) {
    let world = today();
    found(folder, &world);
    // Attack class 45: dated back to when list and CRLs still held.
    let came_at = |clock, attempt| came(present(&gate(folder, clock), &world, "DEMO-0001", attempt));
    let hold = (21, "clock-behind".to_owned());
    assert_eq!(came_at(Some(now().plus_seconds(-HOUR)), 1), hold);
    assert_eq!(came_at(None, 2), hold, "a clock that shows no time");
    // However many holds the wrong clock has dated, it does not become right by them.
    let behind = gate(folder, Some(now().plus_seconds(-HOUR)));
    for attempt in 3..100 {
        assert_eq!(came(present(&behind, &world, "DEMO-0001", attempt)), hold, "attempt {attempt}");
    }
    assert_eq!(came_at(Some(now()), 100), (0, String::new()));
}

fn asked_again(folder: &Path) {
    let world = today();
    found(folder, &world);
    let gate = gate(folder, Some(now()));
    let seq = |outcome: Outcome| outcome.recorded().unwrap().recorded().seq;
    let first = present(&gate, &world, "DEMO-0001", 1).unwrap();
    assert!(matches!(first, Outcome::Accepted(_)), "{first:?}");
    let again = present(&gate, &world, "DEMO-0001", 1).unwrap();
    assert!(matches!(again, Outcome::Accepted(_)), "{again:?}");
    assert_eq!(seq(first), seq(again), "nothing was recorded anew");

    let second = present(&gate, &world, "DEMO-0001", 2).unwrap();
    assert_eq!(second.receipt().contests, [2]);
    // The first is blocked now, for whoever asks about it.
    let error = present(&gate, &world, "DEMO-0001", 1).unwrap_err();
    let finding = error.finding();
    assert_eq!((error.exit_status(), finding.reason.code()), (21, "identity-seen-before"));
    assert_eq!(
        (finding.place.as_str(), finding.expected.as_str(), finding.found.as_str()),
        ("ledger entry 2", "accepted", "contested")
    );
    // A number with other evidence is another question: recorded once, and answered with its own record.
    let other = present(&gate, &world, "DEMO-0002", 1).unwrap();
    assert_eq!(seq(other), seq(present(&gate, &world, "DEMO-0002", 1).unwrap()));
    // And the second's own record stays what it was.
    assert_eq!(came(present(&gate, &world, "DEMO-0001", 2)), (10, "identity-seen-before".to_owned()));
}

/// Attack class 66: other evidence under an attempt that was accepted, be it only the same lists in another order.
fn attempt_reused(folder: &Path) {
    let world = today();
    found(folder, &world);
    let gate = gate(folder, Some(now()));
    assert_eq!(came(present(&gate, &world, "DEMO-0001", 1)), (0, String::new()));
    let mut other = world.clone();
    other.crls.reverse();
    let second = present(&gate, &other, "DEMO-0001", 1).unwrap();
    assert!(matches!(second, Outcome::Quarantined(_)), "{second:?}");
    assert_eq!(second.receipt().contests, [2]);
    assert_eq!(came(Ok(second)), (10, "attempt-reused".to_owned()));
}
