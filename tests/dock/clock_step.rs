//! A clock that leapt by more than a day and is right: nobody was at the dock.

use crate::delivery::Delivery;
use crate::faults::object;
use crate::gate::{Stopped, found_at, now};
use crate::receive::{states, trial};
use crate::world::name;
use ecugate::ceremony::{ClockStepped, Desk, Leap, step_clock};
use ecugate::ledger::{Depth, EntryKind, Select};
use ecugate::site::Site;
use ecugate_verifier::inputs::custody::State;
use ecugate_verifier::values::finding::Finding;
use ecugate_verifier::values::time::Time;
use libtest_mimic::Trial;
use serde_json::{Value, json};

pub(crate) fn trials() -> Vec<Trial> {
    vec![
        trial("attack_45_a_clock_ahead_holds_until_officers_sign_that_it_is_right", held_until_signed),
        trial("a_clock_step_that_is_not_needed_or_to_a_clock_that_is_behind_is_refused", not_needed),
        trial("a_clock_step_is_not_signed_where_nobody_could_be_shown_the_times", shown_first),
    ]
}

const DAY: i64 = 86_400;

/// A site whose latest entry is three days old.
pub(crate) fn closed_for_three_days() -> Delivery {
    let delivery = Delivery::new();
    std::fs::create_dir(delivery.path("site")).unwrap();
    found_at(&delivery.path("site"), &delivery.world, now().plus_seconds(-3 * DAY));
    delivery
}

/// Runs a command of officers. Status and the JSON object.
pub(crate) fn run(delivery: &Delivery, words: &[&str]) -> (i32, Value) {
    let said = delivery.run(&[words, &["--site", "site", "--json"]].concat());
    (said.status, object(&said))
}

pub(crate) fn size(delivery: &Delivery) -> u64 {
    delivery.ledger().head().unwrap().0
}

fn held_until_signed() {
    let delivery = closed_for_three_days();
    let (status, said) = delivery.receive("DEMO-0001", |_| {});
    assert_eq!((status, &said["reason"], &said["tag"]), (21, &json!("clock-ahead"), &json!("H-000001")), "{said}");
    let step = ["ledger", "clock-step", "--reason", "closed over the feast days"];
    let alone = [&step[..], &["--officer", "officer-1", "--officer", "officer-1"]].concat();
    let (status, said) = run(&delivery, &alone);
    assert_eq!((status, &said["reason"]), (21, &json!("threshold-not-met")), "{said}");
    assert_eq!((&said["expected"], &said["found"]), (&json!("2 officers"), &json!("1: officer-1")));
    let (status, said) = run(&delivery, &[&step[..], &["--officer", "officer-3"]].concat());
    assert_eq!((status, &said["reason"]), (2, &json!("usage")), "{said}");
    let (status, said) = run(&delivery, &["ledger", "clock-step", "--reason", " "]);
    assert_eq!((status, &said["reason"]), (2, &json!("usage")), "{said}");
    assert_eq!(size(&delivery), 2);

    let (status, said) = run(&delivery, &step);
    assert_eq!((status, &said["entry"], &said["size"]), (0, &json!(2), &json!(3)), "{said}");
    assert_eq!(said["signed_by"], json!(["officer-1", "officer-2"]));
    let (status, said) = run(&delivery, &step);
    assert_eq!((status, &said["reason"], &said["where"]), (2, &json!("usage"), &json!("clock")), "{said}");

    let (status, said) = delivery.receive("DEMO-0001", |_| {});
    assert_eq!((status, &said["supersedes"], &said["record"]["seq"]), (0, &json!([3]), &json!(4)), "{said}");
    assert_eq!(states(&delivery, "DEMO-0001"), [(3, State::Held), (4, State::Accepted)]);
    let late = delivery.ledger().look(Select::Tag(&name("H-000001"))).unwrap();
    assert_eq!(late[0].kind, EntryKind::LateHold.word());
    assert_eq!(delivery.ledger().audit(Depth::Signatures, &[7; 32]).unwrap().differences, []);
}

fn desk(delivery: &Delivery, clock: Time) -> Desk {
    Desk::open(Site::open(&delivery.path("site")).unwrap(), Box::new(Stopped(Some(clock)))).unwrap()
}

fn step(delivery: &Delivery, clock: Time) -> Result<ClockStepped, Finding> {
    step_clock(&mut desk(delivery, clock), &[], "the dock was closed", |_| Ok(()))
}

fn not_needed() {
    let delivery = Delivery::founded();
    let last = delivery.ledger().last_time().unwrap().unwrap();
    let reason = |clock| step(&delivery, clock).unwrap_err().reason.code();
    assert_eq!(reason(last.plus_seconds(-3 * DAY)), "clock-behind");
    assert_eq!(reason(last), "usage");
    assert_eq!(reason(last.plus_seconds(DAY)), "usage", "a whole day may pass without a step");
    assert_eq!(size(&delivery), 2);
    let stepped = step(&delivery, last.plus_seconds(DAY + 1)).unwrap();
    assert_eq!(stepped.leap, Leap { last, now: last.plus_seconds(DAY + 1) });
    assert_eq!(reason(last), "clock-behind", "it cannot be taken back");
}

fn shown_first() {
    let delivery = closed_for_three_days();
    let (last, clock) = (delivery.ledger().last_time().unwrap().unwrap(), now());
    let mut shown = None;
    let stopped = step_clock(&mut desk(&delivery, clock), &[], "closed", |leap| {
        shown = Some(*leap);
        Err(Finding::bare(ecugate_verifier::values::reason::Reason::OutputUnwritable))
    });
    assert_eq!(stopped.unwrap_err().reason.code(), "output-unwritable");
    assert_eq!((shown, size(&delivery)), (Some(Leap { last, now: clock }), 2));
    let mut command = delivery.command(&["ledger", "clock-step", "--site", "site", "--reason", "closed"]);
    let full = std::fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
    assert_eq!(command.stderr(full).status().unwrap().code(), Some(2));
    assert_eq!(size(&delivery), 2);
    let said = delivery.run(&["ledger", "clock-step", "--site", "site", "--reason", "closed"]);
    assert_eq!(said.status, 0, "{said:?}");
    assert!(said.err.contains(&format!("last      {last}")) && said.err.contains("compare it"), "{said:?}");
}
