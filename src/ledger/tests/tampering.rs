//! Hands in the file: values changed, rows removed, slipped in, moved, and single bits of the file itself.

use super::bench::{Bench, Unit};
use super::{clean, states, unit};
use crate::ledger::index::Index;
use crate::ledger::projection::Projection;
use crate::ledger::record::Reading;
use crate::ledger::schema::TABLE_NAMES;
use crate::ledger::state::{push, stored_edge};
use crate::ledger::{Depth, EntryKind};
use ecugate_verifier::documents::envelope::Envelope;
use ecugate_verifier::documents::leaf::Leaf;
use ecugate_verifier::inputs::custody::State;
use ecugate_verifier::values::keys::Signer as _;
use ecugate_verifier::values::reason::Reason;
use rusqlite::types::Value;
use rusqlite::{Connection, params};
use std::path::Path;

/// A small ledger with a row in every table that is written yet, closed and in one file.
pub(super) fn small() -> Bench {
    let bench = Bench::new();
    let mut ledger = bench.create();
    for (serial, attempt) in [("S1", 1), ("S2", 2), ("S1", 3)] {
        bench.receive(&mut ledger, &unit(serial, attempt)).unwrap();
    }
    clean(&ledger);
    drop(ledger);
    raw(&bench.path()).execute_batch("PRAGMA wal_checkpoint(TRUNCATE)").unwrap();
    bench
}

/// A connection that keeps no rule of ours.
pub(super) fn raw(path: &Path) -> Connection {
    let raw = Connection::open(path).unwrap();
    raw.execute_batch("PRAGMA foreign_keys = OFF; PRAGMA ignore_check_constraints = ON; PRAGMA synchronous = OFF;")
        .unwrap();
    raw
}

/// Changes the file as somebody would who knows it: guards off, change, guards on again.
pub(super) fn with_guards_off<T>(path: &Path, change: impl FnOnce(&Connection) -> T) -> T {
    let raw = raw(path);
    let guards: Vec<(String, String)> = raw
        .prepare("SELECT name, sql FROM sqlite_schema WHERE type = 'trigger'")
        .unwrap()
        .query_map([], |row| Ok((row.get(0)?, row.get(1)?)))
        .unwrap()
        .collect::<Result<_, _>>()
        .unwrap();
    let off: String = guards.iter().map(|(name, _)| format!("DROP TRIGGER {name};")).collect();
    let on: String = guards.iter().map(|(_, sql)| format!("{sql};")).collect();
    raw.execute_batch(&format!("BEGIN; {off}")).unwrap();
    let changed = change(&raw);
    raw.execute_batch(&format!("{on} COMMIT; PRAGMA wal_checkpoint(TRUNCATE)")).unwrap();
    changed
}

/// What opening and auditing say: nothing wrong, or the reason.
fn verdict(bench: &Bench, depth: Depth) -> Option<Reason> {
    let ledger = match bench.look() {
        Ok(ledger) => ledger,
        Err(fault) => return Some(fault.reason()),
    };
    match ledger.audit(depth, &[7; 32]) {
        Ok(audit) => audit.differences.first().map(|finding| finding.reason),
        Err(fault) => Some(fault.reason()),
    }
}

fn changed(value: &Value) -> Value {
    match value {
        Value::Null => Value::Integer(1),
        Value::Integer(number) => Value::Integer(number + 1),
        Value::Real(number) => Value::Real(number + 1.0),
        Value::Text(text) => Value::Text(match text.strip_suffix(|_: char| true) {
            Some(rest) if text.ends_with('x') => format!("{rest}y"),
            Some(rest) => format!("{rest}x"),
            None => "x".to_owned(),
        }),
        Value::Blob(bytes) => {
            let mut bytes = bytes.clone();
            match bytes.last_mut() {
                Some(last) => *last ^= 1,
                None => bytes.push(0),
            }
            Value::Blob(bytes)
        }
    }
}

fn columns(raw: &Connection, table: &str) -> Vec<String> {
    let mut statement = raw.prepare(&format!("SELECT name FROM pragma_table_info('{table}')")).unwrap();
    statement.query_map([], |row| row.get(0)).unwrap().collect::<Result<_, _>>().unwrap()
}

fn key_columns(raw: &Connection, table: &str) -> Vec<String> {
    let query = format!("SELECT name FROM pragma_table_info('{table}') WHERE pk > 0 ORDER BY pk");
    raw.prepare(&query).unwrap().query_map([], |row| row.get(0)).unwrap().collect::<Result<_, _>>().unwrap()
}

fn rows(raw: &Connection, table: &str, columns: &[String]) -> Vec<Vec<Value>> {
    let order = key_columns(raw, table).join(", ");
    let query = format!("SELECT {} FROM {table} NOT INDEXED ORDER BY {order}", columns.join(", "));
    let mut statement = raw.prepare(&query).unwrap();
    let width = columns.len();
    statement
        .query_map([], |row| (0..width).map(|column| row.get(column)).collect::<Result<Vec<Value>, _>>())
        .unwrap()
        .collect::<Result<_, _>>()
        .unwrap()
}

/// Attack class 59: indices and rows of the log edited. Every value of every row of every table, and every row.
#[test]
fn attack_59_every_value_changed_and_every_row_removed_is_found() {
    let bench = small();
    let original = std::fs::read(bench.path()).unwrap();
    let read = raw(&bench.path());
    let mut tried = 0;
    for table in TABLE_NAMES {
        let (all, keys) = (columns(&read, table), key_columns(&read, table));
        let select = keys.iter().map(|key| format!("{key} IS ?")).collect::<Vec<_>>().join(" AND ");
        for (key, row) in rows(&read, table, &keys).iter().zip(rows(&read, table, &all)) {
            let mut changes: Vec<(String, Option<Value>)> = vec![(format!("DELETE FROM {table} WHERE {select}"), None)];
            for (column, value) in all.iter().zip(&row) {
                changes.push((format!("UPDATE {table} SET {column} = ? WHERE {select}"), Some(changed(value))));
            }
            for (change, value) in changes {
                std::fs::write(bench.path(), &original).unwrap();
                let values: Vec<Value> = value.into_iter().chain(key.iter().cloned()).collect();
                let done = with_guards_off(&bench.path(), |raw| {
                    raw.execute(&change, rusqlite::params_from_iter(values.iter()))
                });
                // What the database refuses even without our guards cannot be done this way.
                if done.is_ok_and(|rows| rows == 1) {
                    tried += 1;
                    // A checkpoint that is not the last may go: the later ones cover what it covered.
                    let older_checkpoint = change.starts_with("DELETE FROM checkpoint");
                    let reason = verdict(&bench, Depth::Structure);
                    let expected = if older_checkpoint { None } else { Some(Reason::LedgerDiffers) };
                    assert_eq!(reason, expected, "{change} {values:?}");
                }
            }
        }
    }
    assert!(tried > 200, "{tried}");
    std::fs::write(bench.path(), &original).unwrap();
    assert_eq!(verdict(&bench, Depth::Signatures), None);
}

#[test]
fn a_bit_of_the_file_changed_is_found_or_changes_no_value() {
    let bench = small();
    let original = std::fs::read(bench.path()).unwrap();
    let dump = |path: &Path| -> Vec<Vec<Vec<Value>>> {
        let read = raw(path);
        TABLE_NAMES.iter().map(|table| rows(&read, table, &columns(&read, table))).collect()
    };
    let before = dump(&bench.path());
    let (mut found, mut step) = (0, 0_usize);
    for _ in 0..400 {
        // Strides through the whole file, never the same bit twice.
        step += original.len() * 8 / 401;
        let bit = step + step / 1_000 % 8;
        let mut bytes = original.clone();
        bytes[bit / 8] ^= 1 << (bit % 8);
        std::fs::write(bench.path(), &bytes).unwrap();
        match verdict(&bench, Depth::Signatures) {
            Some(_) => found += 1,
            None => {
                let now = std::panic::catch_unwind(|| dump(&bench.path()));
                assert!(now.is_ok_and(|now| now == before), "bit {bit}");
            }
        }
    }
    assert!(found > 50, "{found} of 400");
}

#[test]
fn an_entry_that_is_missing_before_the_last_one_is_told_first() {
    let bench = small();
    with_guards_off(&bench.path(), |raw| raw.execute("DELETE FROM entry WHERE seq = 4", []).unwrap());
    let audit = bench.open().audit(Depth::Structure, &[7; 32]).unwrap();
    let first = audit.differences.first().map(|found| (found.place.as_str(), found.expected.as_str()));
    assert_eq!(first, Some(("ledger: the entries", "entry 4")), "{:?}", audit.differences);
}

#[test]
fn a_row_added_to_any_table_is_found() {
    let bench = small();
    let original = std::fs::read(bench.path()).unwrap();
    for sql in [
        "INSERT INTO node VALUES (9, 0, zeroblob(32))",
        "INSERT INTO checkpoint VALUES (9, 'x', 'x')",
        "INSERT INTO cosignature VALUES (5, 'x')",
        "INSERT INTO outside_mark VALUES ('x', 5, x'00')",
        "INSERT INTO blob VALUES (x'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855', 'x', x'')",
        "INSERT INTO act VALUES (9, 'verdict', 0, NULL, NULL, NULL, NULL)",
        "INSERT INTO fact VALUES (3, 3, 'serial', 'S9')",
        "INSERT INTO claim VALUES ('unit', 'x', 3)",
        "INSERT INTO custody VALUES (786434, 9, 2, 'accepted')",
        "INSERT INTO part VALUES (0, zeroblob(32), 'x')",
        "INSERT INTO version VALUES ('policy', '', 9, 3)",
        "CREATE TABLE hidden (x)",
        "CREATE TRIGGER hidden AFTER INSERT ON claim BEGIN SELECT 1; END",
        "DROP TRIGGER claim_keeps_delete",
        "DROP INDEX part_by_blob",
    ] {
        std::fs::write(bench.path(), &original).unwrap();
        raw(&bench.path()).execute_batch(&format!("{sql}; PRAGMA wal_checkpoint(TRUNCATE)")).unwrap();
        assert_eq!(verdict(&bench, Depth::Structure), Some(Reason::LedgerDiffers), "{sql}");
    }
}

#[test]
fn rows_are_added_only_whatever_the_statement() {
    let bench = small();
    let ledger = bench.open();
    for table in TABLE_NAMES {
        let all = columns(&ledger.writer, table);
        let column = all.first().unwrap();
        let Some(row) = rows(&ledger.writer, table, &all).first().cloned() else { continue };
        let marks = vec!["?"; all.len()].join(", ");
        let replace = format!("REPLACE INTO {table} VALUES ({marks})");
        let update = format!("UPDATE {table} SET {column} = {column}");
        let delete = format!("DELETE FROM {table}");
        for (sql, values) in [(replace, row), (update, Vec::new()), (delete, Vec::new())] {
            let refused = ledger.writer.execute(&sql, rusqlite::params_from_iter(values));
            let error = refused.expect_err(&sql).to_string();
            assert!(error.contains(&format!("rows of {table} are never changed or removed")), "{sql}: {error}");
        }
    }
    clean(&ledger);
}

#[test]
fn a_tree_behind_its_checkpoint_is_refused_and_both_sizes_are_named() {
    let bench = small();
    with_guards_off(&bench.path(), |raw| {
        raw.execute_batch(
            "DELETE FROM entry WHERE seq = 5; DELETE FROM node WHERE level = 0 AND idx = 5;
             DELETE FROM node WHERE level = 1 AND idx = 2; DELETE FROM act WHERE seq = 5;
             DELETE FROM custody WHERE seq = 5;",
        )
        .unwrap();
    });
    let refused = bench.look().map(drop).unwrap_err();
    assert_eq!(refused.to_string(), "the tree: expected at least 6 entries, found 5");
    assert_eq!(refused.reason(), Reason::LedgerDiffers);
}

/// Appends an entry as a hand with file access would: all rows of the tree right, nothing asked.
pub(super) fn slip_in(path: &Path, envelope: &Envelope, leaf: &Leaf, and_rows: bool) {
    let raw = raw(path);
    let size = raw.query_row("SELECT max(seq) + 1 FROM entry", [], |row| row.get::<_, u64>(0)).unwrap();
    let mut edge = stored_edge(&raw, size).unwrap();
    raw.execute(
        "INSERT INTO entry VALUES (?, ?, ?, ?)",
        params![size, leaf.bytes(), leaf.hash().as_bytes(), envelope.bytes()],
    )
    .unwrap();
    for node in push(&mut edge, leaf.hash()).unwrap() {
        raw.execute("INSERT INTO node VALUES (?, ?, ?)", params![node.level, node.index, node.hash.as_bytes()])
            .unwrap();
    }
    match Reading::of(envelope, &Default::default()).unwrap() {
        Reading::Understood(said) if and_rows => {
            // As far as the database lets it: a part without its blob is left out.
            let mut index = Index::stored(&raw).unwrap();
            for link in Projection::of(size, said.kind, &said.record).write(&raw).unwrap_or_default() {
                index.link(&raw, &link).unwrap();
            }
            index.keep();
            index.write(&raw).unwrap();
        }
        _ => {}
    }
}

pub(super) fn leaf_of(envelope: &Envelope, key: &ecugate_verifier::values::keys::PublicKey) -> Leaf {
    use ecugate_verifier::documents::envelope::pae;
    let message = pae(envelope.payload_type(), envelope.payload());
    let digest = ecugate_verifier::values::digest::Sha256::of(&message);
    Leaf::for_envelope(digest, envelope.signatures()[0].signature(), key, &Default::default()).unwrap()
}

/// Attack class 65: rows slipped in behind the last checkpoint, to be adopted by the next one.
#[test]
fn attack_65_an_entry_slipped_in_behind_the_checkpoint_is_not_adopted() {
    let bench = small();
    let original = std::fs::read(bench.path()).unwrap();
    let fresh = unit("S7", 7);
    let placed = |bench: &Bench| bench.placed(&fresh.accepted(), 6).remove(0);
    let genuine = placed(&bench);
    let forger = Bench { station: super::Key::p256(90), ..Bench::new() };
    let forged = placed(&forger);
    let station = bench.station.public_key();
    let played_back = Envelope::parse(&bench.open().entry(2).unwrap().unwrap().envelope.unwrap(), &Default::default());
    let played_back = played_back.unwrap();
    let [anna, boris] = &bench.officers;
    let misplaced = bench.complete(9, &[anna, boris]);
    for (what, envelope, leaf) in [
        ("signed by a stranger", &forged, leaf_of(&forged, forger.station.public_key())),
        ("signed by a stranger under our key's name", &forged, leaf_of(&forged, station)),
        ("an envelope under another's leaf", &genuine, leaf_of(&played_back, station)),
        ("a genuine receipt without its blobs", &genuine, leaf_of(&genuine, station)),
        ("an earlier receipt played back", &played_back, leaf_of(&played_back, station)),
        ("an entry made for another place", &misplaced, leaf_of(&misplaced, station)),
    ] {
        for and_rows in [false, true] {
            std::fs::write(bench.path(), &original).unwrap();
            let mut ledger = bench.open();
            slip_in(&bench.path(), envelope, &leaf, and_rows);
            // A gate that is running does not build on it, and one that is started does not open it.
            let refused = bench.receive(&mut ledger, &unit("S8", 8)).map(drop).map_err(|fault| fault.reason());
            assert_eq!(refused, Err(Reason::LedgerDiffers), "{what}");
            let refused = ledger.settle(&bench.log).map_err(|fault| fault.reason());
            assert_eq!(refused, Err(Reason::LedgerDiffers), "{what}");
            drop(ledger);
            let refused = bench.look().map(drop).map_err(|fault| fault.reason());
            assert_eq!(refused, Err(Reason::LedgerDiffers), "{what}");
            for suffix in ["-wal", "-shm"] {
                let _ = std::fs::remove_file(format!("{}{suffix}", bench.path().display()));
            }
        }
    }
}

#[test]
fn an_entry_of_a_later_kind_is_counted_in_the_tree_called_not_understood_and_never_covered_by_us() {
    let bench = small();
    let statement = String::from_utf8(bench.complete(6, &[]).payload().to_vec()).unwrap();
    let statement = statement.replace("urn:ecugate:memory-complete:v1", &EntryKind::Lease.predicate_type());
    let lease = bench.seal(statement.into_bytes(), &[]);
    let mut ledger = bench.open();
    slip_in(&bench.path(), &lease, &leaf_of(&lease, bench.station.public_key()), false);
    let refused = bench.receive(&mut ledger, &unit("S8", 8)).map(drop).map_err(|fault| fault.reason());
    assert_eq!(refused, Err(Reason::LedgerNewer));
    // A newer version covered it with its checkpoint: this one reads, counts, and says so.
    super::rules::cover_by(&bench, &bench.log);
    let audit = bench.open().audit(Depth::Signatures, &[7; 32]).unwrap();
    assert_eq!((audit.size, audit.differences.len(), audit.is_clean()), (7, 0, false));
    assert_eq!(audit.not_understood, [(6, "urn:ecugate:lease:v1".to_owned())]);
}

#[test]
fn a_signature_is_verified_by_the_audit_that_says_so() {
    let bench = small();
    let ledger = bench.open();
    assert_eq!(ledger.audit(Depth::Structure, &[7; 32]).unwrap().differences, []);
    drop(ledger);
    // A letter in the middle of the second officer's signature: the leaf does not cover it.
    with_guards_off(&bench.path(), |raw| {
        let envelope: Vec<u8> =
            raw.query_row("SELECT envelope FROM entry WHERE seq = 1", [], |row| row.get(0)).unwrap();
        let mut envelope = String::from_utf8(envelope).unwrap();
        let place = envelope.rfind("\"sig\":\"").unwrap() + 40;
        let letter = if envelope[place..].starts_with('A') { "B" } else { "A" };
        envelope.replace_range(place..=place, letter);
        raw.execute("UPDATE entry SET envelope = ? WHERE seq = 1", [envelope.into_bytes()]).unwrap();
    });
    let ledger = bench.open();
    assert_eq!(ledger.audit(Depth::Structure, &[7; 32]).unwrap().differences, []);
    let found = ledger.audit(Depth::Signatures, &[7; 32]).unwrap().differences;
    assert_eq!(found.first().map(|finding| finding.place.as_str()), Some("ledger: entry 1"));
    assert_eq!(states(&ledger, &Unit { serial: "S2", attempt: 0 }), [(3, State::Accepted)]);
}
