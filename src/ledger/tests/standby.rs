//! Officers change to the standby keys: the log goes on under its name, and the keys before sign nothing any more.

use super::bench::{Bench, Key, ORIGIN, record};
use super::marks::{marked, put_back, put_mark};
use super::rules::{cover_by, require_refused_by};
use super::{clean, unfit, unit};
use crate::ledger::{Append, AppendFault, Depth, KeySet, Ledger, Recorded};
use ecugate_verifier::documents::change::KeyChange;
use ecugate_verifier::documents::envelope::Envelope;
use ecugate_verifier::syntax::note::{Checkpoint, Origin, VerifierKey};
use ecugate_verifier::values::digest::Sha256;
use ecugate_verifier::values::ident::Name;
use ecugate_verifier::values::keys::Signer as _;
use ecugate_verifier::values::reason::Reason;

fn with_standby() -> Bench {
    Bench { standby: Some([Key::ed25519(21), Key::p256(22)]), ..Bench::new() }
}

/// The bench with the standby keys in the place of the first ones: what a gate has after the change.
fn changed(bench: &Bench) -> Bench {
    Bench { log: Key::ed25519(21), station: Key::p256(22), ..Bench::new() }.in_folder_of(bench)
}

fn vkey(key: &Key) -> String {
    VerifierKey::new(ORIGIN, key.public_key().clone()).unwrap().to_string()
}

fn change_to(log: &Key, station: &Key, seq: u64) -> KeyChange {
    KeyChange {
        record: record(seq),
        site: Name::new("dock").unwrap(),
        log_key: vkey(log),
        station_keys: vec![station.public_key().id()],
        ground: "the token is broken".to_owned(),
    }
}

fn change(bench: &Bench, seq: u64) -> Envelope {
    let after = changed(bench);
    let [anna, boris] = &bench.officers;
    after.sealed(change_to(&after.log, &after.station, seq), &[anna, boris])
}

fn put(ledger: &mut Ledger, envelope: Envelope, log: &Key) -> Result<Recorded, AppendFault> {
    ledger.append(&Append::default(), |_| Ok(vec![envelope]), log)
}

/// One unit, then the change, then another one. Entries: 2 genesis and complete, 2 = S1, 3 = key change, 4 = S2.
fn failed_over() -> (Bench, Bench) {
    let bench = with_standby();
    let mut ledger = bench.create();
    bench.receive(&mut ledger, &unit("S1", 1)).unwrap();
    assert_eq!(ledger.keys_in_force().unwrap(), KeySet::First);
    let after = changed(&bench);
    let recorded = put(&mut ledger, change(&bench, 3), &after.log).unwrap();
    assert_eq!((recorded.seq, recorded.size), (3, 4));
    assert_eq!(ledger.keys_in_force().unwrap(), KeySet::Standby);
    drop(ledger);
    let mut ledger = bench.open();
    after.receive(&mut ledger, &unit("S2", 2)).unwrap();
    (bench, after)
}

#[test]
fn the_log_goes_on_under_the_standby_keys_and_everything_reads_back() {
    let (bench, after) = failed_over();
    let ledger = bench.open();
    assert_eq!(clean(&ledger).checkpoints, 4);
    assert_eq!(ledger.audit(Depth::Structure, &[7; 32]).unwrap().differences, []);
    assert_eq!(ledger.head().unwrap().1.map(|checkpoint| checkpoint.size()), Some(5));
    // The old entry under the new checkpoint, and both keys for whoever holds an old one.
    assert_eq!(ledger.recorded(2).unwrap().size, 5);
    let keys: Vec<_> = ledger.verifier_keys().into_iter().map(ToString::to_string).collect();
    assert_eq!(keys, [vkey(&bench.log), vkey(&after.log)]);
    let mut ledger = bench.open();
    let (ruling, _) = after.receive(&mut ledger, &unit("S1", 3)).unwrap();
    assert_eq!(ruling, ecugate_verifier::documents::receipt::Ruling::Suspect);
    clean(&ledger);
}

#[test]
fn the_keys_before_sign_no_entry_and_no_checkpoint_after_the_change() {
    let (bench, after) = failed_over();
    let mut ledger = bench.open();
    let by_old_station = ledger.append(
        &Bench::append_of(&unit("S3", 3), 5),
        |place| Ok(bench.placed(&unit("S3", 3).accepted(), place.seq)),
        &after.log,
    );
    assert_eq!(unfit(by_old_station), "it is signed by a key that was retired before");
    let by_old_log = ledger.append(
        &Bench::append_of(&unit("S3", 3), 5),
        |place| Ok(after.placed(&unit("S3", 3).accepted(), place.seq)),
        &bench.log,
    );
    assert_eq!(by_old_log.unwrap_err().reason(), Reason::TokenKeyMissing);
    assert_eq!(ledger.head().unwrap().0, 5);
    drop(ledger);
    let entry = bench.placed(&unit("S3", 3).accepted(), 5).remove(0);
    let why = "it is signed by a key that was retired before";
    require_refused_by(&bench, &bench.station, &after.log, &unit("S3", 3), &[entry], why);
    // A checkpoint of an entry after the change by the key before.
    super::tampering::with_guards_off(&bench.path(), |raw| raw.execute("DELETE FROM checkpoint WHERE size = 5", []))
        .unwrap();
    cover_by(&bench, &bench.log);
    assert_eq!(bench.look().map(drop).unwrap_err().reason(), Reason::LedgerDiffers);
}

#[test]
fn a_standby_key_signs_nothing_before_the_change() {
    let bench = with_standby();
    let mut ledger = bench.create();
    let after = changed(&bench);
    let early = ledger.append(
        &Bench::append_of(&unit("S1", 1), 2),
        |place| Ok(after.placed(&unit("S1", 1).accepted(), place.seq)),
        &bench.log,
    );
    assert_eq!(unfit(early), "it is signed by a standby key before the key change");
    let by_standby_log = ledger.append(
        &Bench::append_of(&unit("S1", 1), 2),
        |place| Ok(bench.placed(&unit("S1", 1).accepted(), place.seq)),
        &after.log,
    );
    assert_eq!(by_standby_log.unwrap_err().reason(), Reason::TokenKeyMissing);
    drop(ledger);
    let entry = after.placed(&unit("S1", 1).accepted(), 2).remove(0);
    let why = "it is signed by a standby key before the key change";
    require_refused_by(&bench, &after.station, &bench.log, &unit("S1", 1), &[entry], why);
    super::tampering::with_guards_off(&bench.path(), |raw| raw.execute("DELETE FROM checkpoint", [])).unwrap();
    cover_by(&bench, &after.log);
    assert_eq!(bench.look().map(drop).unwrap_err().reason(), Reason::LedgerDiffers);
}

#[test]
fn a_change_takes_the_standby_station_and_the_officers_and_happens_once() {
    let bench = with_standby();
    let mut ledger = bench.create();
    let after = changed(&bench);
    let [anna, boris] = &bench.officers;
    let stranger = [Key::ed25519(31), Key::p256(32)];
    let to = |log: &Key, station: &Key| change_to(log, station, 2);
    let good = to(&after.log, &after.station);
    for (envelope, expected) in [
        (bench.sealed(good.clone(), &[anna, boris]), "a key change is signed by a key that it changes to"),
        (after.sealed(good.clone(), &[anna]), "key-change needs 2 officers beside the station"),
        (after.sealed(to(&stranger[0], &after.station), &[anna, boris]), "it names the log key"),
        (after.sealed(to(&after.log, &stranger[1]), &[anna, boris]), "it does not name the station key"),
        (
            after.sealed(
                KeyChange {
                    station_keys: vec![after.station.public_key().id(), stranger[1].public_key().id()],
                    ..good.clone()
                },
                &[anna, boris],
            ),
            "entry 0 does not name the standby station key",
        ),
    ] {
        let why = unfit(put(&mut ledger, envelope, &after.log));
        assert!(why.starts_with(expected), "{why}");
    }
    // With the log key of before the whole is refused: it may not sign the checkpoint that covers the change.
    let refused = put(&mut ledger, change(&bench, 2), &bench.log).unwrap_err();
    assert_eq!((refused.reason(), ledger.head().unwrap().0), (Reason::TokenKeyMissing, 2));
    put(&mut ledger, change(&bench, 2), &after.log).unwrap();
    let why = unfit(put(&mut ledger, change(&bench, 3), &after.log));
    assert_eq!(why, "the keys were changed before, and there is no third set");
    drop(ledger);
    let again = change(&bench, 3);
    require_refused_by(&bench, &after.station, &after.log, &unit("S1", 1), &[again], "the keys were changed before");
}

#[test]
fn without_standby_keys_in_site_and_genesis_there_is_no_change() {
    let bench = Bench::new();
    let mut ledger = bench.create();
    let after = changed(&bench);
    let why = unfit(put(&mut ledger, change(&bench, 2), &after.log));
    assert_eq!(why, "its first signature is by no station");
    let [anna, boris] = &bench.officers;
    let own = bench.sealed(change_to(&after.log, &after.station, 2), &[anna, boris]);
    assert_eq!(unfit(put(&mut ledger, own, &bench.log)), "it changes to standby keys, and the site trusts none");
    drop(ledger);
    // A site that trusts keys which the genesis does not name, other ones, or none where it names some.
    let audited = |trusted| {
        let ledger = Ledger::open(&bench.path(), trusted, Vec::new()).unwrap();
        ledger.audit(Depth::Signatures, &[7; 32]).unwrap().differences.first().map(|finding| finding.found.clone())
    };
    let found = audited(with_standby().trusted()).unwrap();
    assert_eq!(found, "it names no standby keys, and the site trusts some");
    let bench = with_standby();
    drop(bench.create());
    let audited = |trusted| {
        let ledger = Ledger::open(&bench.path(), trusted, Vec::new()).unwrap();
        ledger.audit(Depth::Signatures, &[7; 32]).unwrap().differences.first().map(|finding| finding.found.clone())
    };
    assert_eq!(audited(Bench::new().trusted()).unwrap(), "it names standby keys, and the site trusts none");
    let other = Bench { standby: Some([Key::ed25519(41), Key::p256(22)]), ..Bench::new() };
    assert!(audited(other.trusted()).unwrap().starts_with("standby: it names the log key"));
    let other = Bench { standby: Some([Key::ed25519(21), Key::p256(42)]), ..Bench::new() };
    assert!(audited(other.trusted()).unwrap().starts_with("standby: it does not name the station key"));
}

#[test]
fn a_crash_after_the_change_is_covered_by_the_standby_key_and_by_no_other() {
    let bench = with_standby();
    let mut ledger = bench.create();
    let mut after = changed(&bench);
    after.log.broken = true;
    let pending = put(&mut ledger, change(&bench, 2), &after.log).unwrap_err();
    assert_eq!(pending.reason(), Reason::NotConfirmed);
    drop(ledger);
    let mut ledger = bench.open();
    let refused = ledger.settle(&bench.log).unwrap_err();
    assert!(matches!(&refused, AppendFault::Pending { cause, .. } if cause.reason == Reason::TokenKeyMissing));
    after.log.broken = false;
    assert!(ledger.settle(&after.log).unwrap());
    clean(&ledger);
}

/// Attack class 59: the token that was given up is in somebody's hands, and an older copy of the ledger too.
#[test]
fn attack_59_a_history_without_the_key_change_is_refused_though_the_first_key_signed_it() {
    let bench = with_standby();
    let mut ledger = bench.create();
    bench.receive(&mut ledger, &unit("S1", 1)).unwrap();
    drop(ledger);
    let older = bench.folder.path().join("older.db");
    rusqlite::Connection::open(bench.path()).unwrap().execute("VACUUM INTO ?", [older.to_str().unwrap()]).unwrap();
    rusqlite::Connection::open(&older)
        .unwrap()
        .pragma_update_and_check(None, "journal_mode", "WAL", |_| Ok(()))
        .unwrap();
    let old_note = marked(&bench);
    let after = changed(&bench);
    let mut ledger = bench.open();
    put(&mut ledger, change(&bench, 3), &after.log).unwrap();
    drop(ledger);
    let note = marked(&bench);
    put_back(&bench, &older);
    assert_eq!(bench.opened().map(drop).unwrap_err().reason(), Reason::LedgerRolledBack);
    // Written on with the keys before, past the size of the mark.
    put_mark(&bench, old_note);
    let mut ledger = bench.open();
    bench.receive(&mut ledger, &unit("S8", 8)).unwrap();
    bench.receive(&mut ledger, &unit("S9", 9)).unwrap();
    drop(ledger);
    put_mark(&bench, note);
    assert_eq!(bench.opened().map(drop).unwrap_err().reason(), Reason::LedgerForked);
}

/// Attack class 68: whoever has the token that was given up signs a huge note.
#[test]
fn attack_68_a_huge_note_by_the_retired_key_stops_nothing() {
    let (bench, after) = failed_over();
    let rungs = super::marks::Rungs::default();
    let root = Sha256::of(b"forged");
    let forged = Checkpoint { origin: Origin::new(ORIGIN).unwrap(), size: u64::MAX, root }.sign(&bench.log).unwrap();
    rungs.notes.lock().unwrap().push(forged.note.clone());
    let mut marks = bench.marks();
    marks.push(Box::new(rungs));
    let mut ledger = Ledger::open(&bench.path(), bench.trusted(), marks).unwrap();
    let reasons: Vec<_> = ledger.marks_reported().iter().map(|finding| finding.reason).collect();
    assert_eq!(reasons, [Reason::NoteSignatureMissing]);
    assert_eq!(ledger.own_checkpoint(forged.note.as_bytes()).unwrap_err().reason, Reason::NoteSignatureMissing);
    let (_, recorded) = after.receive(&mut ledger, &unit("S3", 3)).unwrap();
    assert_eq!(ledger.own_checkpoint(recorded.checkpoint.as_bytes()).unwrap().size(), 6);
}
