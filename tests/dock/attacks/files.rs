//! Hands in the files of the ledger and of its mark, between two boxes: what the next box meets.

use super::{accepted, present, refused, sound, standing};
use crate::delivery::{Delivery, copy_folder};
use crate::faults::object;
use crate::receive::trial;
use ecugate_verifier::inputs::custody::State;
use libtest_mimic::Trial;
use rusqlite::Connection;
use serde_json::Value;

const SLOTS: [&str; 2] = ["site/mark/high-water.0.note", "site/mark/high-water.1.note"];

pub(super) fn trials() -> Vec<Trial> {
    vec![
        trial("attack_59_a_ledger_file_cut_anywhere_is_a_hold_and_nothing_is_recorded", cut),
        trial("attack_59_an_older_copy_of_the_ledger_put_back_takes_no_box", older_copy),
        trial("attack_59_a_copy_that_went_on_by_itself_put_back_takes_no_box", forked_copy),
        trial("attack_59_one_index_edited_in_the_file_lets_no_second_box_in_and_is_found", edited_index),
        trial("attack_59_a_box_whose_rows_were_all_removed_is_held_and_suspect_once_they_are_back", removed_indices),
        trial("attack_65_an_entry_slipped_in_while_no_gate_runs_is_not_adopted_by_the_next_box", slipped_in),
        trial("attack_67_a_fresh_ledger_of_the_same_log_takes_no_box", fresh_ledger),
        trial("attack_68_garbage_and_unsigned_or_huge_notes_in_the_mark_hold_and_are_never_obeyed", mark_notes),
    ]
}

fn open(delivery: &Delivery) -> Connection {
    let raw = Connection::open(delivery.path("site/ledger.db")).unwrap();
    raw.execute_batch("PRAGMA foreign_keys = OFF; PRAGMA ignore_check_constraints = ON").unwrap();
    raw
}

/// Everything in the one file, which is then whole without the files beside it.
fn settle(delivery: &Delivery) -> Vec<u8> {
    open(delivery).query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| row.get::<_, i64>(0)).unwrap();
    std::fs::read(delivery.path("site/ledger.db")).unwrap()
}

fn put(delivery: &Delivery, ledger: &[u8]) {
    for suffix in ["-wal", "-shm"] {
        let _ = std::fs::remove_file(delivery.path(&format!("site/ledger.db{suffix}")));
    }
    delivery.write("site/ledger.db", ledger);
}

/// Changes the file as somebody would who knows it: guards off, change, guards on again.
fn edit(delivery: &Delivery, sql: &str) -> usize {
    let raw = open(delivery);
    let guards: Vec<(String, String)> = raw
        .prepare("SELECT name, sql FROM sqlite_schema WHERE type = 'trigger'")
        .unwrap()
        .query_map([], |row| Ok((row.get(0)?, row.get(1)?)))
        .unwrap()
        .collect::<Result<_, _>>()
        .unwrap();
    for (name, _) in &guards {
        raw.execute_batch(&format!("DROP TRIGGER {name}")).unwrap();
    }
    let changed = raw.execute(sql, []).unwrap();
    for (_, sql) in &guards {
        raw.execute_batch(sql).unwrap();
    }
    drop(raw);
    settle(delivery);
    changed
}

/// A site that accepted one box, and the ledger before and after it.
fn one_accepted() -> (Delivery, Vec<u8>, Vec<u8>) {
    let delivery = Delivery::founded();
    let before = settle(&delivery);
    accepted(&delivery, "DEMO-0001", 2);
    let after = settle(&delivery);
    (delivery, before, after)
}

/// A hold that no entry of the ledger has.
#[track_caller]
fn held(delivery: &Delivery, serial: &str, reason: &str) -> Value {
    let said = refused(delivery, serial, 21, reason);
    assert_eq!((&said["outcome"], &said["record"]), (&"hold".into(), &Value::Null), "{said}");
    said
}

/// The ledger as it was: the boxes that were held are entered, and none of them as more than a hold.
#[track_caller]
fn goes_on(delivery: &Delivery, ledger: &[u8], holds: u64) {
    put(delivery, ledger);
    accepted(delivery, "DEMO-0003", 3 + holds);
    assert_eq!(sound(delivery), 4 + holds);
    assert_eq!(standing(delivery, "DEMO-0001"), [State::Accepted]);
}

fn cut() {
    let (delivery, _, after) = one_accepted();
    for parts in [1, 4, 9] {
        let length = after.len() * parts / 10;
        put(&delivery, &after[..length]);
        held(&delivery, "DEMO-0002", "ledger-differs");
        assert_eq!(std::fs::read(delivery.path("site/ledger.db")).unwrap().len(), length, "nothing was written");
    }
    put(&delivery, &after);
    assert_eq!(sound(&delivery), 3);
}

fn older_copy() {
    let (delivery, before, after) = one_accepted();
    put(&delivery, &before);
    // The box that was accepted would be new to it: its clone is the first one there.
    let said = held(&delivery, "DEMO-0001", "ledger-rolled-back");
    assert!(said["expected"].as_str().unwrap().contains("3 entries"), "{said}");
    assert!(said["found"].as_str().unwrap().contains("2 entries"), "{said}");
    put(&delivery, &after);
    // The right ledger: the second box contests the first.
    let said = refused(&delivery, "DEMO-0001", 10, "identity-seen-before");
    assert_eq!(said["contests"], serde_json::json!([2]), "{said}");
}

/// A copy of the whole site that went on by itself, with the same keys. Its ledger is signed all through.
fn forked_copy() {
    let delivery = Delivery::founded();
    settle(&delivery);
    copy_folder(&delivery.path("site"), &delivery.path("copy"));
    accepted(&delivery, "DEMO-0001", 2);
    let after = settle(&delivery);
    std::fs::rename(delivery.path("site"), delivery.path("true")).unwrap();
    // In the place of the true one: its configuration names its folder.
    std::fs::rename(delivery.path("copy"), delivery.path("site")).unwrap();
    accepted(&delivery, "DEMO-0004", 2);
    let same = settle(&delivery);
    accepted(&delivery, "DEMO-0005", 3);
    let longer = settle(&delivery);
    std::fs::rename(delivery.path("site"), delivery.path("copy")).unwrap();
    std::fs::rename(delivery.path("true"), delivery.path("site")).unwrap();
    for other in [&same, &longer] {
        put(&delivery, other);
        held(&delivery, "DEMO-0001", "ledger-forked");
    }
    put(&delivery, &after);
    assert_eq!(sound(&delivery), 3);
    refused(&delivery, "DEMO-0001", 10, "identity-seen-before");
}

/// What the audit says, and how the program ended.
fn audited(delivery: &Delivery) -> (i32, String) {
    let said = delivery.run(&["ledger", "audit", "--site", "site", "--json"]);
    (said.status, object(&said)["reason"].as_str().unwrap_or_default().to_owned())
}

/// Both notes of the mark.
fn marked(delivery: &Delivery) -> [Vec<u8>; 2] {
    SLOTS.map(|slot| std::fs::read(delivery.path(slot)).unwrap())
}

fn put_mark(delivery: &Delivery, notes: &[Vec<u8>; 2]) {
    SLOTS.iter().zip(notes).for_each(|(slot, note)| delivery.write(slot, note));
}

/// The tables that say what was seen, emptied of the first box: its clone is not the first one there.
fn edited_index() {
    let (delivery, _, after) = one_accepted();
    let (suspect, held) = ((10, "identity-seen-before".to_owned()), (21, "ledger-differs".to_owned()));
    let notes = marked(&delivery);
    let cases = [
        ("DELETE FROM fact WHERE seq = 2", &held),
        ("DELETE FROM custody WHERE seq = 2", &held),
        ("UPDATE custody SET state = 'held' WHERE seq = 2", &held),
        // The unit has two keys: its serial, and all of its label.
        ("UPDATE fact SET key = 'DEMO-0009' WHERE seq = 2 AND key_kind = 'serial'", &held),
        ("DELETE FROM index_node WHERE level = 4", &held),
        ("DELETE FROM act WHERE seq = 2", &held),
        // What the others say is enough.
        ("DELETE FROM claim WHERE seq = 2", &suspect),
    ];
    for (change, came) in cases {
        put(&delivery, &after);
        put_mark(&delivery, &notes);
        assert!(edit(&delivery, change) >= 1, "{change}");
        assert_eq!(audited(&delivery), (10, "ledger-differs".to_owned()), "{change}");
        let (status, reason, said) = present(&delivery, "DEMO-0001", |_| {});
        assert_eq!(&(status, reason), came, "{change}: {said}");
        assert_eq!(audited(&delivery), (10, "ledger-differs".to_owned()), "{change}: nothing hides it");
    }
}

/// Whoever writes to the file and knows it can remove every row by which a box is looked up, in all tables at once. What
/// is missing is missing under the root that was signed: the box waits, and is suspect once the ledger is right again.
fn removed_indices() {
    let (delivery, _, after) = one_accepted();
    let mut waiting = 0;
    for tables in [&["claim", "fact"][..], &["claim", "fact", "custody", "act"]] {
        put(&delivery, &after);
        for table in tables {
            assert!(edit(&delivery, &format!("DELETE FROM {table} WHERE seq = 2")) >= 1);
        }
        held(&delivery, "DEMO-0001", "ledger-differs");
        waiting += 1;
        assert_eq!(audited(&delivery), (10, "ledger-differs".to_owned()), "{tables:?}");
    }
    put(&delivery, &after);
    refused(&delivery, "DEMO-0001", 10, "identity-seen-before");
    // The first box, what waited, the suspect and the contest.
    assert_eq!(sound(&delivery), 3 + waiting + 2);
}

/// Entries behind the checkpoint, as a crash between commit and checkpoint leaves them, that nobody signed.
fn slipped_in() {
    // The file goes one entry ahead of its checkpoint and of its mark.
    let fresh = Delivery::founded();
    copy_folder(&fresh.path("site/mark"), &fresh.path("mark"));
    accepted(&fresh, "DEMO-0001", 2);
    let grown = settle(&fresh);
    std::fs::remove_dir_all(fresh.path("site/mark")).unwrap();
    copy_folder(&fresh.path("mark"), &fresh.path("site/mark"));
    for (what, sql) in [
        (
            "another signature",
            "UPDATE entry SET envelope = CAST(replace(envelope, '\"sig\":\"M', '\"sig\":\"N') AS BLOB) WHERE seq = 2",
        ),
        ("another unit", "UPDATE fact SET key = 'DEMO-0002' WHERE seq = 2 AND key_kind = 'serial'"),
        ("no envelope", "UPDATE entry SET envelope = NULL WHERE seq = 2"),
    ] {
        put(&fresh, &grown);
        assert_eq!(edit(&fresh, "DELETE FROM checkpoint WHERE size = 3"), 1);
        assert_eq!(edit(&fresh, sql), 1, "{what}");
        held(&fresh, "DEMO-0002", "ledger-differs");
        let kept: i64 = open(&fresh).query_row("SELECT max(size) FROM checkpoint", [], |row| row.get(0)).unwrap();
        assert_eq!(kept, 2, "{what}: no checkpoint covers it");
    }
    // What the station did sign, and a crash left uncovered, is adopted as what it is.
    put(&fresh, &grown);
    assert_eq!(edit(&fresh, "DELETE FROM checkpoint WHERE size = 3"), 1);
    let said = refused(&fresh, "DEMO-0001", 10, "identity-seen-before");
    assert_eq!(said["contests"], serde_json::json!([2]), "{said}");
    sound(&fresh);
}

fn fresh_ledger() {
    let (delivery, before, _) = one_accepted();
    accepted(&delivery, "DEMO-0002", 3);
    let newest = settle(&delivery);
    // With the site's own keys, at its beginning.
    put(&delivery, &before);
    held(&delivery, "DEMO-0001", "ledger-rolled-back");
    // Of a site of the same name, with keys of its own.
    let other = Delivery::founded();
    put(&delivery, &settle(&other));
    held(&delivery, "DEMO-0001", "ledger-differs");
    // That whole site, while the mark on its other disk stays.
    copy_folder(&delivery.path("site/mark"), &delivery.path("mark"));
    std::fs::remove_dir_all(other.path("site/mark")).unwrap();
    copy_folder(&delivery.path("mark"), &other.path("site/mark"));
    held(&other, "DEMO-0001", "mark-missing");
    put(&delivery, &newest);
    refused(&delivery, "DEMO-0001", 10, "identity-seen-before");
}

fn mark_notes() {
    let (delivery, _, after) = one_accepted();
    let kept = marked(&delivery);
    let note = String::from_utf8(kept.iter().max().unwrap().clone()).unwrap();
    let lines: Vec<&str> = note.lines().collect();
    let huge = note.replacen("\n3\n", "\n1152921504606846976\n", 1);
    assert_ne!(huge, note);
    let unsigned = format!("{}\n{}\n{}\n\n", lines[0], lines[1], lines[2]);
    let other = std::fs::read(Delivery::founded().path(SLOTS[0])).unwrap();
    let notes: [(&str, Vec<u8>); 6] = [
        ("nothing", Vec::new()),
        ("garbage", vec![0xff; 300]),
        ("a note that nobody signed", unsigned.into_bytes()),
        ("a huge size under the signature of another", huge.into_bytes()),
        ("more than any note", vec![b'x'; 1 << 20]),
        ("the note of another site of this name", other),
    ];
    for (what, bytes) in &notes {
        let both = [bytes.clone(), bytes.clone()];
        put_mark(&delivery, &both);
        let said = held(&delivery, "DEMO-0002", "mark-missing");
        assert!(said["found"].as_str().unwrap().starts_with("a note that "), "{what}: {said}");
        assert_eq!(marked(&delivery), both, "{what} is looked at by a person as it was found");
    }
    // Beside the notes they are nothing, and in the place of one they are written over.
    put_mark(&delivery, &kept);
    for (n, (_, bytes)) in notes.iter().enumerate() {
        delivery.write(&format!("site/mark/{n}.note"), bytes);
        delivery.write("site/mark/high-water.note", bytes);
    }
    let older = usize::from(kept[0] > kept[1]);
    delivery.write(SLOTS[older], &notes[3].1);
    goes_on(&delivery, &after, 6);
    assert_ne!(marked(&delivery)[older], notes[3].1);
}
