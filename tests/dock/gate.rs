//! The library's door, in a process of its own: a clock that goes back or leaps, and an attempt that is asked again.

use crate::delivery::today;
use crate::softhsm::trial;
use crate::world::{PART, World, label, name, time, unit};
use ecugate::ceremony::{AnchorGiven, Founding, found_trial};
use ecugate::gate::{Arrival, Consumer, Gate, GateError, Handover, ImageSource, Outcome, Stored, Surroundings};
use ecugate::hsm::softhsm;
use ecugate::journal::Journal;
use ecugate::ledger::{Depth, Ledger};
use ecugate::site::Site;
use ecugate_verifier::documents::anchor_list::Role;
use ecugate_verifier::documents::manifest::shipment::Condition;
use ecugate_verifier::inputs::custody::{Attempt, Nonce};
use ecugate_verifier::syntax::certificate::Certificate;
use ecugate_verifier::values::attempt::Environment;
use ecugate_verifier::values::finding::Finding;
use ecugate_verifier::values::ident::{Manufacturer, PartScope};
use ecugate_verifier::values::limits::Limits;
use ecugate_verifier::values::reason::Reason;
use ecugate_verifier::values::time::Time;
use libtest_mimic::Trial;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Barrier};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

pub(crate) fn trials() -> Vec<Trial> {
    vec![
        trial("attack_45_a_clock_set_back_stays_behind_however_many_holds_it_dates", &[wrong_clock]),
        trial("an_attempt_asked_again_gets_its_record_and_no_accept_once_it_is_contested", &[asked_again]),
        trial("attack_66_a_second_box_under_the_first_ones_attempt_is_recorded_and_blocks_it", &[attempt_reused]),
        trial("sixteen_boxes_at_once_of_which_eight_are_alike_are_nine_accepts_and_all_recorded", &[sixteen_at_once]),
        trial("attack_66_a_record_that_nobody_saw_is_none_for_a_box_once_it_is_redeemed", &[redeemed_meanwhile]),
        trial("a_number_in_progress_is_refused_and_a_number_left_by_a_panic_is_gone_on_with", &[left_by_a_panic]),
        trial("a_clock_a_little_behind_is_waited_for_and_no_entry_is_dated_before_the_last", &[clock_waited_for]),
        trial("a_gate_that_lost_its_ledger_holds_and_goes_on_when_it_is_back", &[ledger_lost]),
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
    found_at(folder, world, now());
}

/// The same at another time than now.
pub(crate) fn found_at(folder: &Path, world: &World, now: Time) {
    let anchor = AnchorGiven {
        certificate: Certificate::from_der(&world.root.der, &Limits::STANDARD).unwrap(),
        manufacturer: Manufacturer::new("maker").unwrap(),
        roles: vec![Role::Release, Role::Shipment],
        parts: vec![PartScope::All],
    };
    let founding = Founding { site: name("dock.example"), station: name("dock-1"), anchors: vec![anchor], now };
    found_trial(&softhsm().unwrap(), folder, &founding, &Stopped(None)).unwrap();
}

/// Stands behind, and goes on while somebody waits.
struct Behind {
    now: AtomicI64,
    waited: Arc<AtomicI64>,
}

impl Surroundings for Behind {
    fn now(&self) -> Option<Time> {
        Time::from_unix_millis(self.now.load(Ordering::SeqCst))
    }

    fn pause(&self, duration: Duration) {
        let millis = i64::try_from(duration.as_millis()).unwrap();
        self.now.fetch_add(millis, Ordering::SeqCst);
        self.waited.fetch_add(millis, Ordering::SeqCst);
    }

    fn random(&self, bytes: &mut [u8]) -> Result<(), Finding> {
        Stopped(None).random(bytes)
    }

    fn helper(&self) -> Result<PathBuf, Finding> {
        Stopped(None).helper()
    }
}

pub(crate) fn gate(folder: &Path, clock: Option<Time>) -> Gate {
    Gate::open(Site::open(folder).unwrap(), Box::new(Stopped(clock))).unwrap()
}

pub(crate) fn present(gate: &Gate, world: &World, serial: &str, attempt: u8) -> Result<Outcome, GateError> {
    let attempt = Attempt { station: name("dock-1"), nonce: Nonce::from_bytes([attempt; 16]) };
    gate.receive(Arrival { attempt: Some(attempt), ..arrival(world, serial) })
}

fn arrival<'w>(world: &'w World, serial: &str) -> Arrival<'w> {
    Arrival {
        attempt: None,
        station: None,
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
        stored: Stored::default(),
    }
}

/// Status and first reason.
fn came(outcome: Result<Outcome, GateError>) -> (u8, String) {
    match outcome {
        Ok(outcome) => {
            let reason = outcome.findings().first().map(|finding| finding.reason.code().to_owned());
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

fn sixteen_at_once(folder: &Path) {
    let mut world = today();
    let different: Vec<String> = (1..=8).map(|n| format!("ONE-{n}")).collect();
    world.shipment.units = different.iter().map(String::as_str).chain(["TWIN", "LAST"]).map(unit).collect();
    found(folder, &world);
    let gate = &gate(folder, Some(now()));
    let world = &world;
    let serials: Vec<&str> = different.iter().flat_map(|serial| [serial.as_str(), "TWIN"]).collect();
    let start = &Barrier::new(serials.len());
    let outcomes: Vec<(&str, Outcome)> = std::thread::scope(|scope| {
        let box_of = |serial| {
            scope.spawn(move || {
                start.wait();
                (serial, gate.receive(arrival(world, serial)).unwrap())
            })
        };
        let started: Vec<_> = serials.into_iter().map(box_of).collect();
        started.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    let mut entries = BTreeSet::new();
    let mut twins = Vec::new();
    for (serial, outcome) in outcomes {
        match outcome.recorded() {
            Some(verdict) => assert!(entries.insert(verdict.recorded().seq), "an entry twice: {outcome:?}"),
            // Whom its likes overtook three times is held, and the journal keeps it.
            None => assert!(serial == "TWIN" && matches!(outcome, Outcome::NotRecorded { tag: Some(_), .. })),
        }
        match serial {
            "TWIN" => twins.push(came(Ok(outcome))),
            _ => assert!(matches!(outcome, Outcome::Accepted(_)), "{serial}: {outcome:?}"),
        }
    }
    twins.sort_unstable();
    let seen_before = (10, "identity-seen-before".to_owned());
    let overtaken = vec![(20, "memory-moved".to_owned()); 16 - entries.len()];
    let suspects = vec![seen_before; 7 - overtaken.len()];
    let contested = u64::from(!suspects.is_empty());
    assert_eq!(twins, [vec![(0, String::new())], suspects, overtaken].concat());
    // Whoever comes next enters what was held.
    assert!(matches!(gate.receive(arrival(world, "LAST")).unwrap(), Outcome::Accepted(_)));
    // Genesis, memory-complete, sixteen boxes, the accepted twin contested, the last box.
    let site = Site::open(folder).unwrap();
    let ledger = Ledger::open(&site.ledger(), site.trusted_keys(), site.marks()).unwrap();
    assert_eq!(ledger.head().unwrap().0, 2 + 16 + contested + 1);
    assert_eq!(ledger.audit(Depth::Signatures, &[7; 32]).unwrap().differences, []);
    // Begun and ended, each once; boxes that came at once may share a line.
    Journal::audit(&site.journal()).unwrap();
    let text = std::fs::read_to_string(site.journal().join("000001.jsonl")).unwrap();
    assert_eq!((text.matches("{\"began\":").count(), text.matches("{\"ended\":").count()), (17, 17));
}

fn left_by_a_panic(folder: &Path) {
    let world = today();
    found(folder, &world);
    let gate = gate(folder, Some(now()));
    let twice = Arrival { attempt: None, ..arrival(&world, "DEMO-0001") };
    let left = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        gate.receive_shown(twice, |outcome| {
            // In progress: asked by its number, it is refused, here and in another gate.
            let attempt = outcome.receipt().record.attempt.clone();
            let numbered = || Arrival { attempt: attempt.clone(), ..arrival(&world, "DEMO-0001") };
            assert_eq!(came(gate.receive(numbered())), (20, "attempt-in-progress".to_owned()));
            let other = Gate::open(Site::open(folder).unwrap(), Box::new(Stopped(Some(now())))).unwrap();
            assert_eq!(came(other.receive(numbered())), (20, "attempt-in-progress".to_owned()));
            panic!("on purpose");
        })
    }));
    assert!(left.is_err());
    let resumed = gate.receive(arrival(&world, "DEMO-0001")).unwrap();
    let Outcome::Accepted(verdict) = &resumed else { panic!("{resumed:?}") };
    assert_eq!((verdict.recorded().seq, verdict.is_resumed()), (2, true));
    let second = gate.receive(arrival(&world, "DEMO-0001")).unwrap();
    assert_eq!(second.receipt().contests, [2]);
}

/// The inventory system took the unit by the number of its entry; the screen that nobody saw is no second leave.
fn redeemed_meanwhile(folder: &Path) {
    let world = today();
    found(folder, &world);
    let gate = gate(folder, Some(now()));
    let unseen = gate.receive_shown(arrival(&world, "DEMO-0001"), |_| Handover::Failed).unwrap();
    let seq = unseen.recorded().unwrap().recorded().seq;
    let consumer = Consumer { id: name("erp"), environment: Environment::Trial };
    let admission = gate.admission_for(seq, &consumer.id).unwrap();
    gate.redeem(&admission, &consumer, &name("booking-1")).unwrap();
    let second = gate.receive(arrival(&world, "DEMO-0001")).unwrap();
    assert!(matches!(second, Outcome::Quarantined(_)), "{second:?}");
    assert_eq!(
        (second.receipt().contests.as_slice(), second.recorded().unwrap().is_resumed()),
        ([seq].as_slice(), false)
    );
    assert_eq!(came(Ok(second)), (10, "identity-seen-before".to_owned()));
}

fn clock_waited_for(folder: &Path) {
    let world = today();
    found(folder, &world);
    let last = now().plus_seconds(5);
    assert_eq!(came(present(&gate(folder, Some(last)), &world, "DEMO-0001", 1)), (0, String::new()));
    let at = |seconds| {
        let waited = Arc::new(AtomicI64::new(0));
        let now = AtomicI64::new(last.plus_seconds(seconds).unix_millis());
        let surroundings = Behind { now, waited: Arc::clone(&waited) };
        (Gate::open(Site::open(folder).unwrap(), Box::new(surroundings)).unwrap(), waited)
    };
    let (gate, waited) = at(-2);
    let outcome = present(&gate, &world, "DEMO-0002", 2).unwrap();
    assert_eq!(outcome.receipt().record.time, last);
    assert_eq!((came(Ok(outcome)), waited.load(Ordering::SeqCst)), ((0, String::new()), 2_000));
    let (gate, waited) = at(-3);
    assert_eq!(came(present(&gate, &world, "DEMO-0003", 3)), (21, "clock-behind".to_owned()));
    assert_eq!(waited.load(Ordering::SeqCst), 0, "nobody waits for a clock that is wrong");
}

fn ledger_lost(folder: &Path) {
    let world = today();
    found(folder, &world);
    let gate = gate(folder, Some(now()));
    let site = Site::open(folder).unwrap();
    let tag = |outcome: &Outcome| match outcome {
        Outcome::NotRecorded { tag, .. } => tag.as_ref().map(ToString::to_string),
        other => panic!("{other:?}"),
    };
    // Before the first box: the gate is open without its ledger.
    let away = folder.join("away.db");
    std::fs::rename(site.ledger(), &away).unwrap();
    let first = gate.receive(arrival(&world, "DEMO-0001")).unwrap();
    assert_eq!(tag(&first).as_deref(), Some("H-000001"));
    assert_eq!(came(Ok(first)), (21, "ledger-missing".to_owned()));
    std::fs::rename(&away, site.ledger()).unwrap();
    // The same gate goes on, and judges the box on its merits.
    let outcome = gate.receive(arrival(&world, "DEMO-0001")).unwrap();
    assert_eq!(outcome.receipt().supersedes, [2]);
    assert!(matches!(outcome, Outcome::Accepted(_)), "{outcome:?}");
    // In mid-run: another connection holds the ledger for good.
    let other = rusqlite::Connection::open(site.ledger()).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    let held = present(&gate, &world, "DEMO-0002", 7).unwrap();
    assert_eq!(tag(&held).as_deref(), Some("H-000002"));
    assert_eq!(came(Ok(held)), (20, "ledger-busy".to_owned()));
    other.execute_batch("ROLLBACK").unwrap();
    // Asked by its number: the hold as it was entered meanwhile. A new number is judged.
    let late = present(&gate, &world, "DEMO-0002", 7).unwrap();
    assert!(matches!(late, Outcome::NotRecorded { late: Some(4), resumed: Some(_), .. }), "{late:?}");
    assert_eq!(tag(&late).as_deref(), Some("H-000002"));
    assert_eq!(came(present(&gate, &world, "DEMO-0002", 8)), (0, String::new()));
}
