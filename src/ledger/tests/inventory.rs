//! The way into inventory against whoever would go it out of order: the gate's own mistakes, and a hand with file access
//! and the station's key.

use super::bench::{Bench, Unit, record};
use super::rules::require_refused;
use super::tampering::small;
use super::{clean, states, unfit, unit};
use crate::ledger::{Append, AppendFault, Ledger, Record};
use ecugate_verifier::documents::admission::{Admitted, Redeemed, RedemptionConfirmed};
use ecugate_verifier::documents::document::Document;
use ecugate_verifier::documents::envelope::Envelope;
use ecugate_verifier::documents::receipt::{Ruling, UnitName};
use ecugate_verifier::documents::record::State;
use ecugate_verifier::values::attempt::Environment;
use ecugate_verifier::values::digest::Sha256;
use ecugate_verifier::values::finding::Finding;
use ecugate_verifier::values::ident::{Name, Serial};
use ecugate_verifier::values::reason::Reason;

/// The entries of `small`: 2 accepts S1 and is contested by 4 and 5, 3 accepts S2.
const CONTESTED: u64 = 2;
const ACCEPTED: u64 = 3;
const NEXT: u64 = 6;

fn name(text: &str) -> Name {
    Name::new(text).unwrap()
}

fn of(unit: u64, seq: u64) -> Record {
    Record { unit: Some(unit), ..record(seq) }
}

fn admitted(bench: &Bench, unit: u64, seq: u64) -> Admitted {
    let accept = bench.open().entry(unit).unwrap().unwrap().envelope.unwrap();
    Admitted {
        record: of(unit, seq),
        environment: Environment::Trial,
        site: name("dock"),
        consumer: name("erp"),
        unit: UnitName::default(),
        receipt: Sha256::of(&accept),
    }
}

fn redeemed(unit: u64, admission: u64, seq: u64) -> Redeemed {
    let record = Record { state: Some(State::Redeemed), ..of(unit, seq) };
    Redeemed { record, site: name("dock"), consumer: name("erp"), admission, reference: name("GR-1") }
}

fn confirmed(unit: u64, redemption: u64, seq: u64) -> RedemptionConfirmed {
    let record = of(unit, seq);
    RedemptionConfirmed { record, site: name("dock"), consumer: name("erp"), redemption, booked_as: name("4711") }
}

fn write(bench: &Bench, ledger: &mut Ledger, envelopes: Vec<Envelope>) -> Result<crate::ledger::Recorded, String> {
    let written = ledger.append(&Append::default(), |_| Ok(envelopes), &bench.log);
    if written.is_err() { Err(unfit(written)) } else { written.map_err(|fault| fault.to_string()) }
}

/// Refused by whoever writes, by whoever opens a ledger in which they stand, and by an audit of one that covers them.
fn refused(bench: &Bench, envelopes: &[Envelope], why: &str) {
    let written = write(bench, &mut bench.open(), envelopes.to_vec());
    assert!(written.as_ref().is_err_and(|found| found.contains(why)), "{why}: {written:?}");
    require_refused(bench, &unit("S2", 2), envelopes, why);
}

fn sealed<D: Document>(bench: &Bench, document: D) -> Envelope {
    bench.sealed(document, &[])
}

#[test]
fn an_accepted_unit_is_admitted_redeemed_and_confirmed_once_each() {
    let bench = small();
    let mut ledger = bench.open();
    let before = ledger.passage(ACCEPTED).unwrap();
    assert_eq!((before.verdict, before.standing), (Some(State::Accepted), Some((State::Accepted, ACCEPTED))));
    assert_eq!((before.admitted, before.redeemed, before.confirmed), (None, None, None));
    let admission = sealed(&bench, admitted(&bench, ACCEPTED, NEXT));
    write(&bench, &mut ledger, vec![admission]).unwrap();
    write(&bench, &mut ledger, vec![sealed(&bench, redeemed(ACCEPTED, NEXT, NEXT + 1))]).unwrap();
    assert_eq!(ledger.unconfirmed().unwrap(), [NEXT + 1]);
    write(&bench, &mut ledger, vec![sealed(&bench, confirmed(ACCEPTED, NEXT + 1, NEXT + 2))]).unwrap();
    assert_eq!(ledger.unconfirmed().unwrap(), [0_u64; 0]);
    let after = ledger.passage(ACCEPTED).unwrap();
    assert_eq!(after.standing, Some((State::Redeemed, NEXT + 1)));
    assert_eq!((after.admitted, after.redeemed, after.confirmed), (Some(NEXT), Some(NEXT + 1), Some(NEXT + 2)));
    assert_eq!((after.size, after.covered), (NEXT + 3, NEXT + 3));
    clean(&ledger);

    let second = sealed(&bench, admitted(&bench, ACCEPTED, NEXT + 3));
    drop(ledger);
    let close = |bench: &Bench| super::tampering::raw(&bench.path()).execute_batch("PRAGMA wal_checkpoint(TRUNCATE)");
    close(&bench).unwrap();
    refused(&bench, &[second], "is redeemed, not accepted");
    refused(&bench, &[sealed(&bench, redeemed(ACCEPTED, NEXT, NEXT + 3))], "is redeemed, not accepted");
    let again = sealed(&bench, confirmed(ACCEPTED, NEXT + 1, NEXT + 3));
    refused(&bench, &[again], "entry 8 is the redemption-confirmed of entry 3 already");
}

#[test]
fn a_redemption_whose_checkpoint_a_crash_left_out_stands_and_is_covered_by_who_asks_again() {
    let mut bench = small();
    let mut ledger = bench.open();
    let admission = sealed(&bench, admitted(&bench, ACCEPTED, NEXT));
    write(&bench, &mut ledger, vec![admission]).unwrap();
    bench.log.broken = true;
    let redemption = sealed(&bench, redeemed(ACCEPTED, NEXT, NEXT + 1));
    let pending = ledger.append(&Append::default(), |_| Ok(vec![redemption]), &bench.log);
    assert!(matches!(pending, Err(AppendFault::Pending { seq: 7, .. })), "{pending:?}");
    drop(ledger);
    bench.log.broken = false;
    let mut ledger = bench.open();
    let passage = ledger.passage(ACCEPTED).unwrap();
    assert_eq!((passage.redeemed, passage.size, passage.covered), (Some(NEXT + 1), NEXT + 2, NEXT + 1));
    let uncovered = ledger.proven(NEXT + 1).map_err(|fault| fault.reason());
    assert_eq!(uncovered, Err(Reason::LedgerDiffers), "no answer rests on it yet");
    ledger.settle(&bench.log).unwrap();
    assert!(ledger.proven(NEXT + 1).unwrap().is_some());
    assert_eq!(ledger.passage(ACCEPTED).unwrap().standing, Some((State::Redeemed, NEXT + 1)));
    clean(&ledger);
}

/// Attack class 61: inventory asked with what is no accept, or with an accept that does not stand.
#[test]
fn attack_61_only_an_accept_that_stands_is_admitted() {
    let bench = small();
    let of_entry = |unit| sealed(&bench, admitted(&bench, unit, NEXT));
    refused(&bench, &[of_entry(0)], "entry 0 is no verdict");
    refused(&bench, &[of_entry(CONTESTED)], "is contested, not accepted");
    refused(&bench, &[of_entry(4)], "is suspect, not accepted");
    refused(&bench, &[of_entry(5)], "entry 5 is no verdict");
    for (ruling, reason, why) in [
        (Ruling::HoldPerson, Reason::CrlMissing, "is held, not accepted"),
        (Ruling::Unproven, Reason::ManifestAbsent, "is unproven, not accepted"),
    ] {
        let bench = Bench::new();
        let mut ledger = bench.create();
        let box_ = unit("S1", 1);
        bench.record(&mut ledger, &box_, &box_.ruled(ruling, vec![Finding::bare(reason)]), 2).unwrap();
        let admission = sealed(&bench, admitted(&bench, 2, 3));
        let found = write(&bench, &mut ledger, vec![admission]).unwrap_err();
        assert!(found.contains(why), "{found}");
    }
}

/// Attack class 48: the receipt of one unit used for another.
#[test]
fn attack_48_an_admission_names_the_receipt_and_the_unit_of_its_own_accept() {
    let bench = small();
    let own = admitted(&bench, ACCEPTED, NEXT);
    let other_receipt = Admitted { receipt: admitted(&bench, CONTESTED, NEXT).receipt, ..own.clone() };
    let other_unit = UnitName { serial: Some(Serial::new("S1").unwrap()), ..UnitName::default() };
    let other_unit = Admitted { unit: other_unit, ..own.clone() };
    let other_site = Admitted { site: name("elsewhere"), ..own };
    for wrong in [other_receipt, other_unit, other_site] {
        refused(&bench, &[sealed(&bench, wrong)], "it admits on another receipt than that of entry 3");
    }
}

/// Attack class 61: a second admission, also in the same transaction.
#[test]
fn attack_61_a_unit_has_one_admission_ever() {
    let bench = small();
    let first = admitted(&bench, ACCEPTED, NEXT);
    let second = Admitted { record: of(ACCEPTED, NEXT + 1), consumer: name("other"), ..first.clone() };
    let both = [sealed(&bench, first), sealed(&bench, second)];
    refused(&bench, &both, "entry 6 is the admitted of entry 3 already");
}

/// Attack class 61: a redemption without its admission, with another's, or of a unit that does not stand accepted.
#[test]
fn attack_61_a_redemption_needs_the_admission_of_its_own_unit_and_consumer() {
    let bench = small();
    let planted = sealed(&bench, redeemed(ACCEPTED, 4, NEXT));
    refused(&bench, &[planted], "entry 4 is no earlier admitted");
    let admission = sealed(&bench, admitted(&bench, ACCEPTED, NEXT));
    let with = |redeemed: Redeemed| [admission.clone(), sealed(&bench, redeemed)];
    let thief = Redeemed { consumer: name("thief"), ..redeemed(ACCEPTED, NEXT, NEXT + 1) };
    refused(&bench, &with(thief), "entry 6 admits another unit, or for another");
    refused(&bench, &with(redeemed(CONTESTED, NEXT, NEXT + 1)), "is contested, not accepted");
    let twice = redeemed(ACCEPTED, NEXT, NEXT + 2);
    let twice = [&with(redeemed(ACCEPTED, NEXT, NEXT + 1))[..], &[sealed(&bench, twice)]].concat();
    refused(&bench, &twice, "is redeemed, not accepted");

    let bench = Bench::new();
    let mut ledger = bench.create();
    for (serial, attempt) in [("S1", 1), ("S2", 2)] {
        bench.receive(&mut ledger, &unit(serial, attempt)).unwrap();
    }
    let admission = sealed(&bench, admitted(&bench, 2, 4));
    write(&bench, &mut ledger, vec![admission]).unwrap();
    let exchanged = sealed(&bench, redeemed(3, 4, 5));
    let found = write(&bench, &mut ledger, vec![exchanged]).unwrap_err();
    assert_eq!(found, "entry 4 admits another unit, or for another");
}

/// Attack class 61: a confirmation of what was never redeemed, or by another.
#[test]
fn attack_61_a_confirmation_needs_the_redemption_of_its_own_unit_and_consumer() {
    let bench = small();
    refused(&bench, &[sealed(&bench, confirmed(ACCEPTED, 4, NEXT))], "entry 4 is no earlier redeemed");
    let way = [sealed(&bench, admitted(&bench, ACCEPTED, NEXT)), sealed(&bench, redeemed(ACCEPTED, NEXT, NEXT + 1))];
    let with = |confirmed| [&way[..], &[sealed(&bench, confirmed)]].concat();
    let other = RedemptionConfirmed { consumer: name("other"), ..confirmed(ACCEPTED, NEXT + 1, NEXT + 2) };
    refused(&bench, &with(other), "entry 7 redeems another unit, or for another");
    refused(&bench, &with(confirmed(CONTESTED, NEXT + 1, NEXT + 2)), "entry 7 redeems another unit, or for another");
    refused(&bench, &with(confirmed(ACCEPTED, NEXT, NEXT + 2)), "entry 6 is no earlier redeemed");
}

/// Attack class 66: a second box under the identity of one that stands in inventory.
#[test]
fn attack_66_a_second_box_contests_a_redeemed_unit_and_no_confirmation_changes_that() {
    let bench = small();
    let mut ledger = bench.open();
    let way =
        vec![sealed(&bench, admitted(&bench, ACCEPTED, NEXT)), sealed(&bench, redeemed(ACCEPTED, NEXT, NEXT + 1))];
    write(&bench, &mut ledger, way).unwrap();
    let second: Unit = unit("S2", 7);
    let (ruling, recorded) = bench.receive(&mut ledger, &second).unwrap();
    assert_eq!((ruling, recorded.seq), (Ruling::Suspect, NEXT + 2));
    assert_eq!(states(&ledger, &second)[0], (ACCEPTED, State::Contested));
    write(&bench, &mut ledger, vec![sealed(&bench, confirmed(ACCEPTED, NEXT + 1, NEXT + 4))]).unwrap();
    assert_eq!(ledger.passage(ACCEPTED).unwrap().standing, Some((State::Contested, NEXT + 3)));
    clean(&ledger);
}

/// Attack class 70: a trial's admission in a production ledger, and the reverse.
#[test]
fn attack_70_an_admission_of_production_is_not_written_into_a_trial_ledger() {
    let bench = small();
    let production = Admitted { environment: Environment::Production, ..admitted(&bench, ACCEPTED, NEXT) };
    let found = write(&bench, &mut bench.open(), vec![sealed(&bench, production)]).unwrap_err();
    assert!(found.starts_with("an entry of production in the ledger"), "{found}");
}
