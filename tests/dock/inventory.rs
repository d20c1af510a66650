//! The way into inventory through the library's door: who is let in, and who is not, each on a real token and ledger.

use self::example::Inventory;
use crate::delivery::today;
use crate::gate::{found, gate, now, present};
use crate::softhsm::trial;
use crate::world::{World, name, signed};
use ecugate::gate::{AcceptRecord, Admission, Consumer, Gate, GateError, Outcome, Redemption};
use ecugate::ledger::{Depth, Ledger};
use ecugate::site::Site;
use ecugate_verifier::documents::admission::Admitted;
use ecugate_verifier::documents::record::State;
use ecugate_verifier::inputs::custody::{Attempt, Nonce};
use ecugate_verifier::values::attempt::Environment;
use ecugate_verifier::values::ident::Name;
use libtest_mimic::Trial;
use serde_json::{Value, json};
use std::path::Path;
use std::sync::Barrier;

/// The example of a small inventory system, which is run here as it stands.
#[path = "../../examples/inventory.rs"]
#[allow(dead_code)] // its `main` and what only that calls
mod example;

/// The page for the engineers of an inventory system.
const PAGE: &str = include_str!("../../docs/inventory.md");
const EXAMPLE: &str = include_str!("../../examples/inventory.rs");

pub(crate) fn trials() -> Vec<Trial> {
    vec![
        trial("attack_61_what_is_no_standing_accept_is_not_admitted", &[not_admitted]),
        trial("attack_61_an_admission_is_of_one_consumer_and_the_same_one_when_it_asks_again", &[one_consumer]),
        trial("attack_61_an_admission_that_is_not_the_ledgers_own_entry_is_not_redeemed", &[not_its_own]),
        trial("attack_61_an_admission_is_redeemed_once_and_asked_again_it_is_the_same_redemption", &[redeemed_once]),
        trial("attack_61_a_redemption_that_no_consumer_confirms_is_told", &[confirmed]),
        trial("attack_48_the_proof_of_one_admission_proves_no_other", &[proofs_exchanged]),
        trial("attack_66_a_second_box_blocks_the_first_one_before_and_after_its_redemption", &[second_box]),
        trial("attack_70_a_trial_admits_nothing_into_production", &[environments]),
        trial("of_16_threads_that_redeem_one_admission_under_16_references_exactly_one_does", &[threads]),
        trial("the_example_books_what_was_accepted_ends_what_a_crash_left_and_is_refused_the_rest", &[small_inventory]),
        Trial::test("the_code_on_the_page_for_inventory_systems_stands_in_the_example", || {
            code_of_the_page();
            Ok(())
        }),
        trial("attack_45_no_admission_is_dated_by_a_clock_that_is_behind_or_leapt", &[clock_behind]),
    ]
}

/// The entries of the first box; genesis and memory-complete stand before it.
const FIRST: u64 = 2;

fn erp() -> Consumer {
    Consumer { id: name("erp"), environment: Environment::Trial }
}

/// A founded site whose gate is open, and the first box accepted as entry 2.
fn open(folder: &Path) -> (World, Gate) {
    let world = today();
    found(folder, &world);
    let gate = gate(folder, Some(now()));
    assert!(matches!(present(&gate, &world, "DEMO-0001", 1), Ok(Outcome::Accepted(_))));
    (world, gate)
}

fn ledger(folder: &Path) -> Ledger {
    let site = Site::open(folder).unwrap();
    Ledger::open(&site.ledger(), site.trusted_keys(), site.marks()).unwrap()
}

/// Entries, of which an audit found nothing to say.
fn audited(folder: &Path) -> u64 {
    let audit = ledger(folder).audit(Depth::Signatures, &[7; 32]).unwrap();
    assert!(audit.is_clean(), "{audit:?}");
    audit.size
}

/// Reason, place, expected, found.
fn refusal<T: std::fmt::Debug>(result: Result<T, GateError>) -> [String; 4] {
    let error = result.unwrap_err();
    assert_ne!(error.exit_status(), 0);
    let finding = error.finding().clone();
    [finding.reason.code().to_owned(), finding.place, finding.expected, finding.found]
}

fn seq(outcome: &Outcome) -> u64 {
    outcome.recorded().unwrap().recorded().seq
}

fn attempt(number: u8) -> Attempt {
    Attempt { station: name("dock-1"), nonce: Nonce::from_bytes([number; 16]) }
}

fn not_admitted(folder: &Path) {
    let (world, gate) = open(folder);
    let mut bare = world.clone();
    bare.crls.clear();
    let held = seq(&present(&gate, &bare, "DEMO-0002", 2).unwrap());
    let mut changed = world.clone();
    changed.image[99] ^= 1;
    let suspect = seq(&present(&gate, &changed, "DEMO-0003", 3).unwrap());
    let contested = seq(&present(&gate, &world, "DEMO-0004", 4).unwrap());
    let contesting = seq(&present(&gate, &world, "DEMO-0004", 5).unwrap());
    let size = audited(folder);

    let asked = |record: AcceptRecord| refusal(gate.admission_for(record, &name("erp")));
    for (entry, reason, expected, found) in [
        (0, "admission-no-accept", "accepted", "an entry that is no verdict".to_owned()),
        (held, "admission-no-accept", "accepted", "held".to_owned()),
        (suspect, "admission-no-accept", "accepted", "suspect".to_owned()),
        (contesting, "admission-no-accept", "accepted", "suspect".to_owned()),
        (contesting + 1, "admission-no-accept", "accepted", "an entry that is no verdict".to_owned()),
        (contested, "admission-blocked", "accepted", format!("contested since entry {}", contesting + 1)),
        (size, "admission-no-accept", "accepted", "no such entry".to_owned()),
        (u64::MAX, "admission-no-accept", "accepted", "no such entry".to_owned()),
    ] {
        let place = format!("ledger entry {entry}");
        assert_eq!(asked(entry.into()), [reason, &place, expected, &found]);
    }
    let place = format!("attempt {}", attempt(9));
    let expected = "one accept of this attempt";
    assert_eq!(asked(attempt(9).into()), ["admission-no-accept", &place, expected, "none"]);
    let (place, found) = (format!("attempt {}", attempt(2)), format!("entry {held} held"));
    assert_eq!(asked(attempt(2).into()), ["admission-no-accept", &place, expected, &found]);
    // Two boxes under one number: which of them is meant is not guessed.
    let other = seq(&present(&gate, &world, "DEMO-0005", 1).unwrap());
    let (place, found) = (format!("attempt {}", attempt(1)), format!("entry 2 accepted, entry {other} accepted"));
    assert_eq!(asked(attempt(1).into()), ["admission-no-accept", &place, expected, &found]);
    assert_eq!(audited(folder), size + 1, "what is refused is not recorded");
}

fn one_consumer(folder: &Path) {
    let (world, gate) = open(folder);
    let admission = gate.admission_for(FIRST, &name("erp")).unwrap();
    let states = admission.states().clone();
    assert_eq!((states.record.seq, states.record.unit, states.environment), (3, Some(2), Environment::Trial));
    assert_eq!(states.unit.serial.unwrap().as_str(), "DEMO-0001");
    // Read back from what was kept, byte for byte.
    assert_eq!(Admission::read(&admission.to_bytes()).unwrap(), admission);
    let text: Value = serde_json::from_slice(&admission.to_bytes()).unwrap();
    assert_eq!((&text["kind"], &text["entry"]), (&"TRIAL admission".into(), &3.into()));

    // After a crash, also of one that never read the number of the accept. The proof is of a later checkpoint by then.
    let _ = present(&gate, &world, "DEMO-0002", 2).unwrap();
    for record in [AcceptRecord::from(FIRST), attempt(1).into()] {
        let again = gate.admission_for(record, &name("erp")).unwrap();
        assert_eq!(again.states(), admission.states());
        assert!(gate.redeem(&again, &Consumer { id: name("thief"), ..erp() }, &name("X")).is_err());
    }
    let taken = ["admission-taken", "ledger entry 3", "of other", "of erp"];
    assert_eq!(refusal(gate.admission_for(FIRST, &name("other"))), taken);
    let other = Consumer { id: name("other"), ..erp() };
    assert_eq!(refusal(gate.redeem(&admission, &other, &name("GR-1"))), taken);
    assert_eq!(audited(folder), 5);
    // The first copy, with its older proof, is the same admission.
    assert_eq!(gate.redeem(&admission, &erp(), &name("GR-1")).unwrap().entry(), 5);
}

/// The admission as text, changed.
fn changed(admission: &Admission, change: impl FnOnce(&mut Value)) -> Vec<u8> {
    let mut text = serde_json::from_slice(&admission.to_bytes()).unwrap();
    change(&mut text);
    serde_json::to_vec(&text).unwrap()
}

/// The same text around an envelope that somebody else signed.
fn forged(world: &World, admission: &Admission, change: impl FnOnce(&mut Admitted)) -> Vec<u8> {
    let mut admitted = admission.states().clone();
    change(&mut admitted);
    let entry = admitted.record.seq;
    let production = admitted.environment == Environment::Production;
    let envelope = String::from_utf8(signed(admitted, &[(&world.root, &[])])).unwrap();
    changed(admission, |text| {
        (text["envelope"], text["entry"]) = (envelope.into(), entry.into());
        if production {
            text["kind"] = "admission".into();
        }
    })
}

fn not_its_own(folder: &Path) {
    let (world, gate) = open(folder);
    let admission = gate.admission_for(FIRST, &name("erp")).unwrap();
    let redeem = |bytes: &[u8]| {
        let read = Admission::read(bytes);
        refusal(read.and_then(|admission| gate.redeem(&admission, &erp(), &name("GR-1"))))
    };
    // What is no admission at all is not even taken to the gate.
    let whole = admission.to_bytes();
    for (bytes, reason, place) in [
        (whole[..whole.len() - 1].to_vec(), "json-syntax", "admission"),
        ([whole.as_slice(), b"{}"].concat(), "json-trailing-data", "admission"),
        (changed(&admission, |text| text["skip"] = true.into()), "json-unknown-field", "admission"),
        (changed(&admission, |text| text["kind"] = "admission".into()), "json-value", "admission: kind"),
        (changed(&admission, |text| text["entry"] = 4.into()), "json-value", "admission: entry"),
        (changed(&admission, |text| text["checkpoint"] = "".into()), "note-malformed", "admission"),
        (changed(&admission, |text| text["envelope"] = "{}".into()), "json-missing-field", "admission"),
        (
            changed(&admission, |text| text["inclusion"] = json!(vec!["0".repeat(64); 129])),
            "proof-malformed",
            "admission: inclusion",
        ),
    ] {
        let refused = redeem(&bytes);
        assert_eq!(refused[0], reason, "{refused:?}");
        assert!(refused[1].starts_with(place), "{refused:?}");
    }
    let unknown = |refused: [String; 4], place: &str| {
        assert_eq!((refused[0].as_str(), refused[1].as_str()), ("admission-unknown", place), "{refused:?}");
    };
    // Made up by somebody with a key of their own: the same words, another consumer, another place, another log.
    unknown(redeem(&forged(&world, &admission, |_| {})), "ledger entry 3");
    unknown(redeem(&forged(&world, &admission, |admitted| admitted.consumer = name("thief"))), "ledger entry 3");
    unknown(redeem(&forged(&world, &admission, |admitted| admitted.record.seq = 9)), "ledger entry 9");
    let foreign =
        redeem(&forged(&world, &admission, |admitted| admitted.record.origin = "trial.other.example".to_owned()));
    assert_eq!(foreign, ["admission-unknown", "admission: origin", "trial.dock.example", "trial.other.example"]);
    // An entry of the ledger, and no admission.
    let receipt = String::from_utf8(ledger(folder).entry(FIRST).unwrap().unwrap().envelope.unwrap()).unwrap();
    let refused = redeem(&changed(&admission, |text| text["envelope"] = receipt.into()));
    assert_eq!(refused[0], "predicate-type-wrong", "{refused:?}");
    // Its own envelope with a proof or a checkpoint that somebody changed.
    let mut hashes: Vec<String> =
        serde_json::from_value(serde_json::from_slice::<Value>(&whole).unwrap()["inclusion"].clone()).unwrap();
    let shorter = json!(hashes[1..]);
    let last = if hashes[0].ends_with('0') { "1" } else { "0" };
    hashes[0].replace_range(63.., last);
    for inclusion in [shorter, json!(hashes), json!([])] {
        let refused = redeem(&changed(&admission, |text| text["inclusion"] = inclusion));
        assert_eq!((refused[0].as_str(), refused[1].as_str()), ("proof-wrong", "admission: proof"), "{refused:?}");
    }
    for (from, to, reason) in [
        ("\n4\n", "\n5\n", "note-signature-invalid"),
        ("trial.dock.example\n", "trial.other.example\n", "note-signature-invalid"),
        ("— trial.dock.example", "— trial.other.example", "note-signature-missing"),
    ] {
        let refused = redeem(&changed(&admission, |text| {
            let note = text["checkpoint"].as_str().unwrap();
            assert!(note.contains(from), "{note}");
            text["checkpoint"] = note.replacen(from, to, 1).into();
        }));
        assert_eq!(refused[0], reason, "{refused:?}");
    }
    assert_eq!(audited(folder), 4, "none of it was recorded");
    assert!(gate.redeem(&Admission::read(&whole).unwrap(), &erp(), &name("GR-1")).is_ok());
}

fn redeemed_once(folder: &Path) {
    let (_, gate) = open(folder);
    let admission = gate.admission_for(FIRST, &name("erp")).unwrap();
    let redemption = gate.redeem(&admission, &erp(), &name("GR-1")).unwrap();
    assert_eq!((redemption.entry(), redemption.accept(), redemption.admission()), (4, Some(2), 3));
    assert_eq!((redemption.consumer(), redemption.reference()), (&name("erp"), &name("GR-1")));
    assert_eq!(redemption.unit().serial.as_ref().unwrap().as_str(), "DEMO-0001");
    assert_eq!(gate.redeem(&admission, &erp(), &name("GR-1")).unwrap(), redemption);
    assert_eq!(gate.redemption(4, &name("erp")).unwrap(), redemption);
    let found = format!("redeemed by erp under GR-1 at {} in entry 4", redemption.at());
    let used = ["admission-redeemed", "ledger entry 3", "an admission that was not used", found.as_str()];
    assert_eq!(refusal(gate.redeem(&admission, &erp(), &name("GR-2"))), used);
    assert_eq!(refusal(gate.admission_for(FIRST, &name("erp"))), used);
    assert_eq!(refusal(gate.admission_for(FIRST, &name("other"))), used);
    assert_eq!(refusal(gate.redemption(4, &name("other")))[0], "admission-taken");
    for (entry, found) in [(3, "urn:ecugate:admitted:v1"), (5, "no such entry"), (u64::MAX, "no such entry")] {
        let place = format!("ledger entry {entry}");
        let refused = refusal(gate.redemption(entry, &name("erp")));
        assert_eq!(refused[..3], ["admission-unknown", place.as_str(), "a redemption"]);
        assert!(refused[3].contains(found), "{refused:?}");
    }
    // A gate that is started anew answers the same.
    drop(gate);
    let gate = crate::gate::gate(folder, Some(now()));
    assert_eq!(gate.redeem(&admission, &erp(), &name("GR-1")).unwrap(), redemption);
    assert_eq!(audited(folder), 5);
}

fn confirmed(folder: &Path) {
    let (world, gate) = open(folder);
    let second = seq(&present(&gate, &world, "DEMO-0002", 2).unwrap());
    let take_in = |accept: u64, reference: &Name| -> Redemption {
        gate.redeem(&gate.admission_for(accept, &name("erp")).unwrap(), &erp(), reference).unwrap()
    };
    assert_eq!(gate.unconfirmed().unwrap(), []);
    let both = [take_in(FIRST, &name("GR-1")), take_in(second, &name("GR-2"))];
    let open = || -> Vec<u64> { gate.unconfirmed().unwrap().iter().map(|open| open.redemption.entry()).collect() };
    assert_eq!(open(), [both[0].entry(), both[1].entry()]);
    let confirmation = gate.confirm(&both[0], &name("4711")).unwrap();
    assert_eq!(confirmation.standing(), State::Redeemed);
    assert_eq!(gate.confirm(&both[0], &name("4711")).unwrap(), confirmation);
    let place = format!("ledger entry {}", both[0].entry());
    let found = format!("as 4711 in entry {}", confirmation.entry());
    let refused = refusal(gate.confirm(&both[0], &name("4712")));
    assert_eq!(refused, ["redemption-confirmed", &place, "confirmed as 4712", &found]);
    assert_eq!(open(), [both[1].entry()]);
    assert_eq!(gate.unconfirmed().unwrap()[0].standing, State::Redeemed);
    assert_eq!(audited(folder), 9);
}

fn proofs_exchanged(folder: &Path) {
    let (world, gate) = open(folder);
    let second = seq(&present(&gate, &world, "DEMO-0002", 2).unwrap());
    let first = gate.admission_for(FIRST, &name("erp")).unwrap();
    let other = gate.admission_for(second, &name("erp")).unwrap();
    let of_other: Value = serde_json::from_slice(&other.to_bytes()).unwrap();
    for (fields, reason) in [
        (&["inclusion"][..], "proof-wrong"),
        (&["checkpoint"], "proof-wrong"),
        (&["inclusion", "checkpoint"], "proof-wrong"),
        (&["envelope"], "json-value"),
        (&["entry"], "json-value"),
    ] {
        let mixed = changed(&first, |text| fields.iter().for_each(|field| text[*field] = of_other[*field].clone()));
        let read = Admission::read(&mixed);
        let refused = refusal(read.and_then(|admission| gate.redeem(&admission, &erp(), &name("GR-1"))));
        assert_eq!(refused[0], reason, "{fields:?}: {refused:?}");
    }
    assert_eq!(audited(folder), 6);
}

fn second_box(folder: &Path) {
    let (world, gate) = open(folder);
    let other = seq(&present(&gate, &world, "DEMO-0002", 2).unwrap());
    let [early, late] = [FIRST, other].map(|accept| gate.admission_for(accept, &name("erp")).unwrap());
    // Between admission and redemption.
    let by = seq(&present(&gate, &world, "DEMO-0001", 3).unwrap());
    let found = format!("contested since entry {}", by + 1);
    let blocked = ["admission-blocked", "ledger entry 2", "accepted", &found];
    assert_eq!(refusal(gate.redeem(&early, &erp(), &name("GR-1"))), blocked);
    assert_eq!(refusal(gate.admission_for(FIRST, &name("erp"))), blocked);
    // After the redemption: whoever asks again must not book it now, and the consumer's word changes nothing.
    let redemption = gate.redeem(&late, &erp(), &name("GR-2")).unwrap();
    let by = seq(&present(&gate, &world, "DEMO-0002", 4).unwrap());
    let (place, found) = (format!("ledger entry {other}"), format!("contested since entry {}", by + 1));
    let blocked = ["admission-blocked", &place, "redeemed", &found];
    assert_eq!(refusal(gate.redeem(&late, &erp(), &name("GR-2"))), blocked);
    let [open] = <[_; 1]>::try_from(gate.unconfirmed().unwrap()).unwrap();
    assert_eq!((open.redemption.entry(), open.standing), (redemption.entry(), State::Contested));
    assert_eq!(gate.confirm(&redemption, &name("4711")).unwrap().standing(), State::Contested);
    assert_eq!(gate.confirm(&redemption, &name("4711")).unwrap().standing(), State::Contested);
    assert_eq!(refusal(gate.redeem(&late, &erp(), &name("GR-2"))), blocked);
    assert_eq!(ledger(folder).passage(other).unwrap().standing, Some((State::Contested, by + 1)));
    audited(folder);
}

fn environments(folder: &Path) {
    let (world, gate) = open(folder);
    let admission = gate.admission_for(FIRST, &name("erp")).unwrap();
    let production = Consumer { environment: Environment::Production, ..erp() };
    let refused = refusal(gate.redeem(&admission, &production, &name("GR-1")));
    assert_eq!(refused, ["admission-environment", "consumer", "trial", "production"]);
    let real = forged(&world, &admission, |admitted| admitted.environment = Environment::Production);
    let real = Admission::read(&real).unwrap();
    let refused = refusal(gate.redeem(&real, &erp(), &name("GR-1")));
    assert_eq!(refused, ["admission-environment", "admission", "trial", "production"]);
    assert_eq!(refusal(gate.redeem(&real, &production, &name("GR-1")))[0], "admission-environment");
    assert_eq!(audited(folder), 4);
}

fn threads(folder: &Path) {
    let (world, gate) = open(folder);
    let admission = gate.admission_for(FIRST, &name("erp")).unwrap();
    let race = |gate: &Gate, admission: &Admission, reference: &(dyn Fn(usize) -> Name + Sync)| {
        let start = Barrier::new(16);
        std::thread::scope(|scope| {
            let racers: Vec<_> = (0..16)
                .map(|number| {
                    let (gate, start) = (gate.clone(), &start);
                    scope.spawn(move || {
                        start.wait();
                        gate.redeem(admission, &erp(), &reference(number))
                    })
                })
                .collect();
            racers.into_iter().map(|racer| racer.join().unwrap()).collect::<Vec<_>>()
        })
    };
    let outcomes = race(&gate, &admission, &|number| name(&format!("GR-{number}")));
    let won: Vec<&Redemption> = outcomes.iter().flatten().collect();
    let [winner] = won.as_slice() else { panic!("{outcomes:#?}") };
    let found = format!("redeemed by erp under {} at {} in entry 4", winner.reference(), winner.at());
    for lost in outcomes.iter().filter_map(|outcome| outcome.as_ref().err()) {
        assert_eq!(
            (lost.finding().reason.code(), lost.finding().found.as_str()),
            ("admission-redeemed", found.as_str())
        );
    }
    assert_eq!(audited(folder), 5);

    // Under one reference they are one booking, asked for sixteen times; and sixteen that ask for one admission get it.
    let accept = seq(&present(&gate, &world, "DEMO-0002", 2).unwrap());
    let start = Barrier::new(16);
    let admissions: Vec<Admission> = std::thread::scope(|scope| {
        let ask = || {
            start.wait();
            gate.admission_for(accept, &name("erp")).unwrap()
        };
        let askers: Vec<_> = (0..16).map(|_| scope.spawn(ask)).collect();
        askers.into_iter().map(|asker| asker.join().unwrap()).collect()
    });
    assert!(admissions.iter().all(|admission| admission.states() == admissions[0].states()));
    let outcomes = race(&gate, &admissions[0], &|_| name("GR-99"));
    assert!(
        outcomes.iter().all(|outcome| outcome.as_ref().is_ok_and(|redemption| redemption.entry() == 7)),
        "{outcomes:#?}"
    );
    assert_eq!(audited(folder), 8);
}

fn clock_behind(folder: &Path) {
    let (_, gate) = open(folder);
    let behind = crate::gate::gate(folder, Some(now().plus_seconds(-3_600)));
    assert_eq!(refusal(behind.admission_for(FIRST, &name("erp")))[..2], ["clock-behind", "clock"]);
    // A day ahead too: what is dated so would make the true time behind.
    let ahead = crate::gate::gate(folder, Some(now().plus_seconds(90_000)));
    assert_eq!(refusal(ahead.admission_for(FIRST, &name("erp")))[..2], ["clock-ahead", "clock"]);
    let none = crate::gate::gate(folder, None);
    assert_eq!(refusal(none.admission_for(FIRST, &name("erp")))[..2], ["clock-behind", "clock"]);
    let admission = gate.admission_for(FIRST, &name("erp")).unwrap();
    assert_eq!(refusal(behind.redeem(&admission, &erp(), &name("GR-1")))[0], "clock-behind");
    assert_eq!(audited(folder), 4);
    // Records of what an earlier entry says need no clock.
    assert_eq!(behind.admission_for(FIRST, &name("erp")).unwrap().states(), admission.states());
}

fn small_inventory(folder: &Path) {
    let (world, gate) = open(folder);
    let mut bare = world.clone();
    bare.crls.clear();
    let held = seq(&present(&gate, &bare, "DEMO-0002", 2).unwrap());
    let [third, fourth, fifth] = [("DEMO-0003", 3), ("DEMO-0004", 4), ("DEMO-0005", 5)]
        .map(|(serial, attempt)| seq(&present(&gate, &world, serial, attempt).unwrap()));
    let _ = present(&gate, &world, "DEMO-0003", 6).unwrap();
    // Redeemed by a process of this system that ended before it booked; the second one was seen again since.
    let system = Consumer { id: name("example-erp"), ..erp() };
    for accept in [fourth, fifth] {
        let admission = gate.admission_for(accept, &system.id).unwrap();
        let _ = gate.redeem(&admission, &system, &name(&format!("GR-{accept}"))).unwrap();
    }
    let _ = present(&gate, &world, "DEMO-0005", 7).unwrap();

    let inventory = Inventory::new(gate.clone(), &folder.join("books")).unwrap();
    let run = |records: &[u64]| {
        let mut out = Vec::new();
        inventory.run(records, &mut out).unwrap();
        String::from_utf8(out).unwrap()
    };
    let said = run(&[FIRST, held, third, FIRST]);
    let heads: Vec<&str> =
        said.lines().filter(|line| !line.starts_with(' ')).map(|line| line.split(", by").next().unwrap()).collect();
    assert_eq!(
        heads,
        [
            format!("finished DEMO-0004 as GR-{fourth}"),
            format!("blocked DEMO-0005 as GR-{fifth}"),
            "booked DEMO-0001 as GR-2".to_owned(),
            format!("refused record {held}: admission-no-accept"),
            format!("refused record {third}: admission-blocked"),
            "booked DEMO-0001 as GR-2".to_owned(),
        ],
        "{said}"
    );
    assert!(said.contains("(TRIAL)") && said.contains("do: Do not book it."), "{said}");
    let booked = |entry: u64| folder.join(format!("books/GR-{entry}.booked")).exists();
    assert_eq!([FIRST, held, third, fourth, fifth].map(booked), [true, false, false, true, false]);
    // What was booked is confirmed; what was blocked stays on the list until a person has dealt with it.
    let open: Vec<_> =
        gate.unconfirmed().unwrap().into_iter().map(|open| (open.redemption.accept(), open.standing)).collect();
    assert_eq!(open, [(Some(fifth), State::Contested)]);
    audited(folder);
}

/// Lines without their indentation: a method stands further in than on the page.
fn lines(text: &str) -> Vec<&str> {
    text.lines().map(str::trim).filter(|line| !line.is_empty()).collect()
}

fn code_of_the_page() {
    let example = lines(EXAMPLE);
    let blocks: Vec<&str> = PAGE.split("```rust\n").skip(1).map(|rest| rest.split("```").next().unwrap()).collect();
    assert!(blocks.len() >= 4, "{}", blocks.len());
    for block in blocks {
        let block = lines(block);
        let found = example.windows(block.len()).any(|window| window == block.as_slice());
        assert!(found, "not in examples/inventory.rs as it stands on the page:\n{}", block.join("\n"));
    }
    let reasons: Vec<&str> = [
        "admission-no-accept",
        "admission-blocked",
        "admission-taken",
        "admission-unknown",
        "admission-environment",
        "admission-redeemed",
        "redemption-confirmed",
        "not-confirmed",
        "clock-behind",
    ]
    .into();
    for reason in reasons {
        assert!(PAGE.contains(&format!("`{reason}`")), "{reason} is not on the page");
    }
}
