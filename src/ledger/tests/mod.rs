//! The ledger against mistakes, races, crashes and hands in its file.

mod bench;

mod inventory;

mod rules;

mod tampering;

mod sums;

mod groups;
mod index;

mod clock;

mod marks;

mod recovery;

mod standby;

use super::{Append, AppendFault, Audit, Blob, Depth, EntryKind, Ledger, LedgerFault, Record, Signers};
use bench::{Bench, Key, ORIGIN, Unit, record, time};
use ecugate_verifier::documents::envelope::{Envelope, seal};
use ecugate_verifier::documents::receipt::{Receipt, Ruling};
use ecugate_verifier::inputs::custody::State;
use ecugate_verifier::inputs::memory::Completeness;
use ecugate_verifier::syntax::note::VerifiedCheckpoint;
use ecugate_verifier::values::digest::Sha256;
use ecugate_verifier::values::finding::Finding;
use ecugate_verifier::values::limits::Limits;
use ecugate_verifier::values::reason::Reason;
use rusqlite::Connection;

fn unit(serial: &'static str, attempt: u8) -> Unit {
    Unit { serial, attempt }
}

fn clean(ledger: &Ledger) -> Audit {
    let audit = ledger.audit(Depth::Signatures, &[7; 32]).unwrap();
    assert!(audit.is_clean(), "{audit:?}");
    audit
}

fn states(ledger: &Ledger, unit: &Unit) -> Vec<(u64, State)> {
    ledger.sightings(&unit.keys()).unwrap().into_iter().map(|seen| (seen.seq, seen.state)).collect()
}

fn unfit(result: Result<super::Recorded, AppendFault>) -> String {
    match result {
        Err(AppendFault::Unfit { why, .. }) => why,
        other => panic!("{other:?}"),
    }
}

#[test]
fn an_accept_is_recorded_proven_and_remembered() {
    let bench = Bench::new();
    let mut ledger = bench.create();
    let first = unit("S1", 1);
    let (ruling, recorded) = bench.receive(&mut ledger, &first).unwrap();
    assert_eq!((ruling, recorded.seq, recorded.size), (Ruling::Accept, 2, 3));
    let opened =
        VerifiedCheckpoint::open(recorded.checkpoint.as_bytes(), ledger.verifier_key(), &Limits::STANDARD).unwrap();
    let proven = ecugate_verifier::syntax::merkle::verify_inclusion(
        &recorded.leaf_hashes[0],
        2,
        3,
        &recorded.inclusion,
        opened.root(),
    );
    assert_eq!(proven, Ok(()));

    let memory = ledger.memory(&first.keys()).unwrap();
    assert_eq!((memory.size, memory.completeness, memory.last), (3, Completeness::Complete, Some(time(1))));
    assert_eq!((memory.anchor_list_version, memory.policy_version), (7, 3));
    assert_eq!((memory.crls, memory.releases), (first.versions().crls, first.versions().releases));
    let [seen] = memory.sightings.as_slice() else { panic!("{:?}", memory.sightings) };
    assert_eq!((seen.seq, seen.state, &seen.attempt), (2, State::Accepted, &first.attempt()));
    assert_eq!(Some(seen.evidence), first.accepted().record.evidence);
    let mut keys = first.keys();
    keys.sort();
    let mut seen_keys = seen.keys.clone();
    seen_keys.sort();
    assert_eq!(seen_keys, keys);

    let evidence = seen.evidence;
    assert_eq!(ledger.verdict_of(&first.attempt(), &evidence).unwrap(), Some(2));
    assert_eq!(ledger.verdict_of(&first.attempt(), &Sha256::of(b"another box")).unwrap(), None);
    assert_eq!(ledger.verdict_of(&unit("S1", 9).attempt(), &evidence).unwrap(), None);
    let blob = first.blobs().pop().unwrap();
    assert_eq!(ledger.blob(&Sha256::of(&blob.bytes)).unwrap(), Some(blob));
    assert_eq!(ledger.blob(&Sha256::of(b"never stored")).unwrap(), None);
    let entry = ledger.entry(2).unwrap().unwrap();
    assert_eq!(entry.envelope.as_deref(), Some(bench.placed(&first.accepted(), 2)[0].bytes()));
    assert_eq!(ledger.entry(3).unwrap(), None);
    let audit = clean(&ledger);
    assert_eq!((audit.size, audit.checkpoints), (3, 2));
    drop(ledger);
    assert_eq!(bench.open().head().unwrap().1, Some(opened));
}

/// Attack class 50: the same serial again.
#[test]
fn attack_50_a_second_box_with_a_claimed_key_is_suspect_and_the_first_is_contested_with_it() {
    let bench = Bench::new();
    let mut ledger = bench.create();
    bench.receive(&mut ledger, &unit("S1", 1)).unwrap();
    let (other, _) = bench.receive(&mut ledger, &unit("S2", 2)).unwrap();
    assert_eq!(other, Ruling::Accept);
    let (ruling, recorded) = bench.receive(&mut ledger, &unit("S1", 3)).unwrap();
    assert_eq!((ruling, recorded.seq), (Ruling::Suspect, 4));
    assert_eq!(states(&ledger, &unit("S1", 1)), [(2, State::Contested), (4, State::Suspect)]);
    assert_eq!(states(&ledger, &unit("S2", 2)), [(3, State::Accepted)]);
    clean(&ledger);
}

#[test]
fn a_suspect_that_bears_a_claimed_key_and_contests_nobody_is_not_written() {
    let bench = Bench::new();
    let mut ledger = bench.create();
    bench.receive(&mut ledger, &unit("S1", 1)).unwrap();
    let second = unit("S1", 2);
    let judged = second.judged(&ledger.sightings(&second.keys()).unwrap());
    let quiet = Receipt { contests: Vec::new(), ..judged.clone() };
    let why = unfit(bench.record(&mut ledger, &second, &quiet, 3));
    assert!(why.contains("is not contested"), "{why}");
    let absurd = Receipt { contests: vec![1, 2], ..judged.clone() };
    let why = unfit(bench.record(&mut ledger, &second, &absurd, 3));
    assert!(why.contains("no accepted unit"), "{why}");
    let append = Append { keys: second.keys(), memory_size: 3, blobs: second.blobs() };
    let receipt_alone = |ledger: &mut Ledger| {
        ledger.append(&append, |place| Ok(bench.placed(&judged, place.seq)[..1].to_vec()), &bench.log)
    };
    assert_eq!(unfit(receipt_alone(&mut ledger)), "entry 2 is contested by the receipt and by no entry");
    assert_eq!(bench.record(&mut ledger, &second, &judged, 3).unwrap().leaf_hashes.len(), 2);
    assert_eq!(states(&ledger, &second), [(2, State::Contested), (3, State::Suspect)]);
    clean(&ledger);
}

/// Attack class 51: the race of class 50 at the same instant.
#[test]
fn attack_51_of_two_connections_that_race_for_one_claim_exactly_one_accepts() {
    for round in 0..20 {
        let bench = Bench::new();
        drop(bench.create());
        let start = std::sync::Barrier::new(2);
        let outcomes: Vec<_> = std::thread::scope(|scope| {
            let race = |attempt| {
                let (bench, start) = (&bench, &start);
                scope.spawn(move || {
                    let mut ledger = bench.open();
                    let unit = unit("S1", attempt);
                    let memory = ledger.memory(&unit.keys()).unwrap();
                    start.wait();
                    bench.record(&mut ledger, &unit, &unit.accepted(), memory.size)
                })
            };
            let racers = [race(1), race(2)];
            racers.map(|racer| racer.join().unwrap()).into_iter().collect()
        });
        let moved = outcomes.iter().filter(
            |outcome| matches!(outcome, Err(AppendFault::Moved { key, seq: 2 }) if unit("S1", 0).keys().contains(key)),
        );
        assert_eq!(moved.count(), 1, "round {round}: {outcomes:?}");
        assert_eq!(outcomes.iter().filter(|outcome| outcome.is_ok()).count(), 1, "round {round}: {outcomes:?}");
        let mut ledger = bench.open();
        assert_eq!(states(&ledger, &unit("S1", 0)), [(2, State::Accepted)]);
        // Appraised again, the loser sees the winner.
        let (ruling, _) = bench.receive(&mut ledger, &unit("S1", 3)).unwrap();
        assert_eq!(ruling, Ruling::Suspect);
        clean(&ledger);
    }
}

#[test]
fn another_unit_moving_on_is_no_conflict_but_a_change_of_custody_is() {
    let bench = Bench::new();
    let mut ledger = bench.create();
    bench.record(&mut ledger, &unit("S1", 1), &unit("S1", 1).accepted(), 2).unwrap();
    // Appraised with the memory of before, and nothing in the way.
    bench.record(&mut ledger, &unit("S2", 2), &unit("S2", 2).accepted(), 2).unwrap();
    // A memory taken now knows both; then the first one is contested by a box that shares no key with the next.
    let clone = unit("S9", 3);
    let findings = vec![Finding::bare(Reason::IdentitySeenBefore)];
    let suspect = Receipt { contests: vec![2], ..clone.ruled(Ruling::Suspect, findings) };
    bench.record(&mut ledger, &clone, &suspect, 4).unwrap();
    let fourth = unit("S1", 4);
    let moved = bench.record(&mut ledger, &fourth, &fourth.accepted(), 4);
    assert!(matches!(moved, Err(AppendFault::Moved { seq: 5, .. })), "{moved:?}");
    // Even with a memory that is up to date, a claimed key is not claimed twice.
    let moved = bench.record(&mut ledger, &fourth, &fourth.accepted(), 6);
    assert!(matches!(moved, Err(AppendFault::Moved { seq: 2, .. })), "{moved:?}");
}

#[test]
fn a_crash_between_commit_and_checkpoint_loses_nothing_and_the_next_writer_covers_it() {
    let mut bench = Bench::new();
    let mut ledger = bench.create();
    bench.log.broken = true;
    let pending = bench.receive(&mut ledger, &unit("S1", 1));
    match &pending {
        Err(fault @ AppendFault::Pending { seq: 2, cause }) => {
            assert_eq!((fault.reason(), cause.reason), (Reason::NotConfirmed, Reason::TokenAbsent));
        }
        other => panic!("{other:?}"),
    }
    drop(ledger);

    bench.log.broken = false;
    let mut ledger = bench.open();
    let (size, checkpoint) = ledger.head().unwrap();
    assert_eq!((size, checkpoint.map(|checkpoint| checkpoint.size())), (3, Some(2)));
    let first = unit("S1", 1);
    assert_eq!(ledger.verdict_of(&first.attempt(), &first.accepted().record.evidence.unwrap()).unwrap(), Some(2));
    assert!(ledger.settle(&bench.log).unwrap());
    assert!(!ledger.settle(&bench.log).unwrap());
    assert_eq!(ledger.head().unwrap().1.map(|checkpoint| checkpoint.size()), Some(3));

    bench.log.broken = true;
    assert!(bench.receive(&mut ledger, &unit("S1", 2)).is_err());
    bench.log.broken = false;
    drop(ledger);
    let mut ledger = bench.open();
    let (_, recorded) = bench.receive(&mut ledger, &unit("S1", 3)).unwrap();
    assert_eq!((recorded.seq, recorded.size), (5, 6));
    assert_eq!(clean(&ledger).checkpoints, 3);
}

#[test]
fn an_error_before_the_commit_writes_nothing() {
    let bench = Bench::new();
    let mut ledger = bench.create();
    let append = Append { keys: unit("S1", 1).keys(), memory_size: 2, blobs: unit("S1", 1).blobs() };
    let held = ledger.append(&append, |_| Err(Finding::bare(Reason::PinLocked)), &bench.log);
    assert_eq!(held.map_err(|fault| fault.reason()), Err(Reason::PinLocked));
    let nothing = ledger.append(&append, |_| Ok(Vec::new()), &bench.log);
    assert_eq!(unfit(nothing), "no envelope was sealed");
    assert_eq!(ledger.head().unwrap().0, 2);
    assert_eq!(clean(&ledger).checkpoints, 1);
}

#[test]
fn without_the_log_key_nothing_is_written_since_nothing_could_be_covered() {
    let bench = Bench::new();
    let mut ledger = bench.create();
    let first = unit("S1", 1);
    let append = Append { keys: first.keys(), memory_size: 2, blobs: first.blobs() };
    let other = Key::ed25519(99);
    let held = ledger.append(&append, |place| Ok(bench.placed(&first.accepted(), place.seq)), &other);
    assert!(matches!(&held, Err(AppendFault::Sealing(cause)) if cause.reason == Reason::TokenKeyMissing), "{held:?}");
    assert_eq!(ledger.head().unwrap().0, 2);
}

#[test]
fn an_entry_that_no_station_signed_or_that_was_made_for_another_place_is_not_written() {
    let bench = Bench::new();
    let mut ledger = bench.create();
    let first = unit("S1", 1);
    let stranger = Bench { station: Key::p256(77), ..Bench::new() };
    let append = Append { keys: first.keys(), memory_size: 2, blobs: first.blobs() };
    let forged = ledger.append(&append, |place| Ok(stranger.placed(&first.accepted(), place.seq)), &bench.log);
    assert_eq!(unfit(forged), "its first signature is by no station");

    let [anna, boris] = &bench.officers;
    let mut placed = |place: Record| {
        let sealed = bench.sealed(bench.complete_at(place), &[anna, boris]);
        unfit(ledger.append(&Append::default(), |_| Ok(vec![sealed]), &bench.log))
    };
    assert_eq!(placed(record(3)), format!("it was made as entry 3 of {ORIGIN:?}"));
    let elsewhere = Record { origin: "trial.other.example".to_owned(), ..record(2) };
    assert_eq!(placed(elsewhere), "it was made as entry 2 of \"trial.other.example\"");
}

/// Attack class 70: a trial record in a production ledger, and the reverse.
#[test]
fn attack_70_a_production_verdict_is_not_written_into_a_trial_ledger() {
    let bench = Bench::new();
    let mut ledger = bench.create();
    let first = unit("S1", 1);
    let environment = ecugate_verifier::values::attempt::Environment::Production;
    let production = Receipt { environment, ..first.accepted() };
    let why = unfit(bench.record(&mut ledger, &first, &production, 2));
    assert_eq!(why, format!("an entry of production in the ledger {ORIGIN:?}"));
}

/// Attack class 48: the receipt of one arrival used for another.
#[test]
fn attack_48_a_receipt_played_back_is_not_a_second_arrival() {
    let bench = Bench::new();
    let mut ledger = bench.create();
    let first = unit("S1", 1);
    let held = first.ruled(Ruling::HoldPerson, vec![Finding::bare(Reason::CrlMissing)]);
    bench.record(&mut ledger, &first, &held, 2).unwrap();
    let why = unfit(bench.record(&mut ledger, &first, &held, 3));
    assert!(why.contains("is recorded as entry 2"), "{why}");
    // The very envelope is of another place.
    let append = Append { keys: first.keys(), memory_size: 3, blobs: first.blobs() };
    let copy = ledger.append(&append, |_| Ok(bench.placed(&held, 2)), &bench.log);
    assert_eq!(unfit(copy), format!("it was made as entry 2 of {ORIGIN:?}"));
}

#[test]
fn keys_that_were_not_looked_up_and_blobs_that_are_missing_or_unnamed_are_refused() {
    let bench = Bench::new();
    let mut ledger = bench.create();
    let first = unit("S1", 1);
    let mut append = |append: Append| {
        unfit(ledger.append(&append, |place| Ok(bench.placed(&first.accepted(), place.seq)), &bench.log))
    };
    let whole = Append { keys: first.keys(), memory_size: 2, blobs: first.blobs() };
    let why = append(Append { keys: Vec::new(), ..whole.clone() });
    assert!(why.contains("was not looked up"), "{why}");
    let why = append(Append { blobs: first.blobs()[..2].to_vec(), ..whole.clone() });
    assert!(why.contains("neither stored nor at hand"), "{why}");
    let mut blobs = first.blobs();
    blobs.push(Blob { media_type: "text/plain".to_owned(), bytes: b"stowaway".to_vec() });
    let why = append(Append { blobs, ..whole.clone() });
    assert!(why.contains("named by no entry"), "{why}");
    let mut blobs = first.blobs();
    blobs[1].media_type = "text/plain".to_owned();
    let why = append(Append { blobs, ..whole });
    assert!(why.contains("neither stored nor at hand"), "{why}");
}

/// Attack class 71: what needs two persons done by one.
#[test]
fn attack_71_an_officers_entry_needs_enough_distinct_officers() {
    let bench = Bench::new();
    let mut ledger = bench.create();
    let [anna, boris] = &bench.officers;
    let stranger = Key::p256(50);
    let mut refused = |others: &[&Key]| {
        let sealed = bench.complete(2, others);
        unfit(ledger.append(&Append::default(), |_| Ok(vec![sealed]), &bench.log))
    };
    assert_eq!(refused(&[]), "memory-complete needs 2 officers beside the station");
    assert_eq!(refused(&[anna]), "memory-complete needs 2 officers beside the station");
    assert_eq!(refused(&[anna, &stranger]), "one of its signatures is by no officer");
    assert_eq!(refused(&[anna, boris, &stranger]), "one of its signatures is by no officer");
    // ECDSA signs the same message twice in two ways only with fresh nonces; one officer with two keys is one officer.
    let mut trusted = bench.trusted();
    trusted.officers.push((trusted.officers[0].0.clone(), {
        use ecugate_verifier::values::keys::Signer as _;
        stranger.public_key().clone()
    }));
    drop(ledger);
    let mut ledger = Ledger::open(&bench.path(), trusted, bench.marks()).unwrap();
    let sealed = bench.complete(2, &[anna, &stranger]);
    let twice = ledger.append(&Append::default(), |_| Ok(vec![sealed]), &bench.log);
    assert_eq!(unfit(twice), "1 of the 2 officers that it needs signed it");
    let sealed = bench.complete(2, &[boris, anna]);
    assert_eq!(ledger.append(&Append::default(), |_| Ok(vec![sealed]), &bench.log).unwrap().seq, 2);
}

#[test]
fn an_envelope_in_another_spelling_or_with_a_chain_is_not_written() {
    let bench = Bench::new();
    let mut ledger = bench.create();
    let [anna, boris] = &bench.officers;
    let good = bench.complete(2, &[anna, boris]);
    let chained = {
        let chain = [vec![1, 2, 3]];
        let payload = good.payload().to_vec();
        seal(payload, &[(&bench.station, chain.as_slice()), (anna, &[]), (boris, &[])]).unwrap()
    };
    let spaced = String::from_utf8(good.bytes().to_vec()).unwrap().replacen(',', ", ", 1);
    let renamed = {
        use ecugate_verifier::values::keys::Signer as _;
        let (own, other) = (bench.station.public_key().id(), bench.log.public_key().id());
        String::from_utf8(good.bytes().to_vec()).unwrap().replacen(&own.to_string(), &other.to_string(), 1)
    };
    let parse = |text: String| Envelope::parse(text.as_bytes(), &Limits::STANDARD).unwrap();
    for (envelope, why) in [
        (chained, "its envelope is not in the one spelling that the ledger keeps"),
        (parse(spaced), "its envelope is not in the one spelling that the ledger keeps"),
        (parse(renamed), "its first signature is by no station"),
    ] {
        let refused = unfit(ledger.append(&Append::default(), |_| Ok(vec![envelope]), &bench.log));
        assert!(refused.starts_with(why), "{refused}");
    }
    ledger.append(&Append::default(), |_| Ok(vec![good]), &bench.log).unwrap();
}

#[test]
fn a_kind_kept_for_later_is_not_written() {
    let bench = Bench::new();
    let mut ledger = bench.create();
    for kind in EntryKind::ALL.into_iter().filter(|kind| !kind.is_understood()) {
        let statement = String::from_utf8(bench.complete(2, &[]).payload().to_vec()).unwrap();
        let statement = statement.replace("urn:ecugate:memory-complete:v1", &kind.predicate_type());
        let sealed = bench.seal(statement.into_bytes(), &[]);
        let why = unfit(ledger.append(&Append::default(), |_| Ok(vec![sealed]), &bench.log));
        assert_eq!(why, format!("kind {:?} is not written by this version", kind.predicate_type()));
    }
    assert_eq!(EntryKind::Waiver.signers(), Signers::TwoPersons);
}

#[test]
fn a_missing_file_is_refused_and_not_made() {
    let bench = Bench::new();
    let missing = bench.look();
    assert!(matches!(&missing, Err(LedgerFault::Missing(path)) if *path == bench.path()), "{missing:?}");
    assert!(!bench.path().exists());
    std::fs::write(bench.path(), b"").unwrap();
    let empty = bench.look().map_err(|fault| fault.reason());
    assert_eq!(empty.err(), Some(Reason::LedgerDiffers));
    std::fs::write(bench.path(), vec![b'x'; 8192]).unwrap();
    let foreign = bench.look().map_err(|fault| fault.reason());
    assert_eq!(foreign.err(), Some(Reason::LedgerDiffers));
}

#[test]
fn creating_never_overwrites_and_leaves_nothing_behind_when_it_fails() {
    let mut bench = Bench::new();
    std::fs::write(bench.path(), b"somebody's").unwrap();
    let exists = bench.create_at(&bench.path()).map(drop).map_err(|fault| fault.reason());
    assert_eq!(exists, Err(Reason::LedgerExists));
    assert_eq!(std::fs::read(bench.path()).unwrap(), b"somebody's");
    std::fs::remove_file(bench.path()).unwrap();
    bench.log.broken = true;
    let failed = bench.create_at(&bench.path()).map(drop).map_err(|fault| fault.reason());
    assert_eq!(failed, Err(Reason::NotConfirmed));
    assert_eq!(std::fs::read_dir(bench.path().parent().unwrap()).unwrap().count(), 0);
    bench.log.broken = false;
    clean(&bench.create());
}

#[test]
fn a_ledger_of_a_newer_schema_is_refused_by_that_reason() {
    let bench = Bench::new();
    drop(bench.create());
    let raw = Connection::open(bench.path()).unwrap();
    raw.pragma_update(None, "user_version", 2).unwrap();
    let newer = bench.look().map_err(|fault| fault.reason());
    assert_eq!(newer.err(), Some(Reason::LedgerNewer));
}

#[test]
fn a_ledger_under_other_keys_is_refused() {
    let bench = Bench::new();
    drop(bench.create());
    let mut trusted = bench.trusted();
    trusted.log = {
        use ecugate_verifier::values::keys::Signer as _;
        Key::ed25519(60).public_key().clone()
    };
    let other = Ledger::open(&bench.path(), trusted, bench.marks()).map_err(|fault| fault.reason());
    assert_eq!(other.err(), Some(Reason::LedgerDiffers));
    let mut trusted = bench.trusted();
    trusted.origin = ecugate_verifier::syntax::note::Origin::new("trial.other.example").unwrap();
    let other = Ledger::open(&bench.path(), trusted, bench.marks()).map_err(|fault| fault.reason());
    assert_eq!(other.err(), Some(Reason::LedgerDiffers));
}

#[test]
fn a_ledger_locked_by_another_process_is_busy() {
    let bench = Bench::new();
    let mut ledger = bench.create();
    ledger.writer.busy_timeout(std::time::Duration::from_millis(10)).unwrap();
    let other = Connection::open(bench.path()).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    let busy = bench.receive(&mut ledger, &unit("S1", 1)).map(drop).map_err(|fault| fault.reason());
    assert_eq!(busy, Err(Reason::LedgerBusy));
    other.execute_batch("ROLLBACK").unwrap();
    bench.receive(&mut ledger, &unit("S1", 1)).unwrap();
}
