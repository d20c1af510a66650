//! What an entry's time may be, given the entries before it.

use super::bench::{Bench, record, time};
use super::rules::require_refused;
use super::tampering::small;
use super::{clean, unfit, unit};
use crate::ledger::{Append, AppendFault, Record, Recorded};
use ecugate_verifier::documents::change::ClockStep;
use ecugate_verifier::documents::envelope::Envelope;
use ecugate_verifier::documents::receipt::Receipt;
use ecugate_verifier::values::ident::Name;
use ecugate_verifier::values::reason::Reason;
use ecugate_verifier::values::time::Time;

const DAY: i64 = 86_400;

fn dated(bench: &Bench, seq: u64, at: i64) -> Envelope {
    let unit = unit("S7", 7);
    let accepted = unit.accepted();
    let receipt = Receipt { record: Record { time: time(at), ..accepted.record.clone() }, ..accepted };
    bench.placed(&receipt, seq).remove(0)
}

fn append(bench: &Bench, at: i64) -> Result<Recorded, AppendFault> {
    let mut ledger = bench.open();
    ledger.append(&Bench::append_of(&unit("S7", 7), 6), |place| Ok(vec![dated(bench, place.seq, at)]), &bench.log)
}

fn step(bench: &Bench, seq: u64, last: Time, at: i64) -> Envelope {
    let step = ClockStep {
        record: Record { time: time(at), ..record(seq) },
        site: Name::new("dock").unwrap(),
        last,
        ground: "the dock was closed".to_owned(),
    };
    let [anna, boris] = &bench.officers;
    bench.sealed(step, &[anna, boris])
}

/// Attack class 45: a clock set forward. The latest entry of `small` is of second 3.
#[test]
fn attack_45_an_entry_dated_more_than_a_day_ahead_is_refused_wherever_it_is_met() {
    let bench = small();
    let refused = append(&bench, 3 + DAY + 1);
    let Err(fault @ AppendFault::ClockAhead { seq: 6, .. }) = &refused else { panic!("{refused:?}") };
    assert_eq!(fault.reason(), Reason::ClockAhead);
    require_refused(&bench, &unit("S7", 7), &[dated(&bench, 6, 3 + DAY + 1)], "more than a day after");
    append(&bench, 3 + DAY).unwrap();
    clean(&bench.open());
}

#[test]
fn officers_call_a_leap_of_the_clock_right_and_it_goes_on_from_there() {
    let bench = small();
    let mut ledger = bench.open();
    let mut put = |envelope: Envelope| ledger.append(&Append::default(), |_| Ok(vec![envelope]), &bench.log);
    let month = 30 * DAY;
    // Of another last time, it is the word of officers about another moment.
    let why = unfit(put(step(&bench, 6, time(2), month)));
    assert!(why.contains("steps from"), "{why}");
    let alone = ClockStep {
        record: Record { time: time(month), ..record(6) },
        site: Name::new("dock").unwrap(),
        last: time(3),
        ground: "one alone".to_owned(),
    };
    let why = unfit(put(bench.sealed(alone, &[&bench.officers[0]])));
    assert!(why.contains("needs 2 officers"), "{why}");
    put(step(&bench, 6, time(3), month)).unwrap();
    drop(ledger);
    assert!(append(&bench, month + DAY + 1).is_err());
    append(&bench, month + DAY).unwrap();
    clean(&bench.open());
}

#[test]
fn a_clock_step_from_another_time_is_refused_wherever_it_is_met() {
    let bench = small();
    require_refused(&bench, &unit("S7", 7), &[step(&bench, 6, time(2), 30 * DAY)], "steps from");
}

#[test]
fn an_entry_dated_back_is_recorded_and_does_not_lower_the_latest_time() {
    let bench = small();
    append(&bench, -DAY).unwrap();
    assert_eq!(bench.open().last_time().unwrap(), Some(time(3)));
    clean(&bench.open());
}
