//! The audit by sums: no row stands for another, and whatever it finds is told, by it or by the look-ups.

use super::bench::{Bench, ORIGIN};
use super::tampering::{raw, small, with_guards_off};
use super::{clean, unit};
use crate::ledger::audit::concluded;
use crate::ledger::examine::Rigour;
use crate::ledger::projection::{Highest, Projection};
use crate::ledger::record::Reading;
use crate::ledger::state::{push, tree_size};
use crate::ledger::sums::{Summed, Sums, integer};
use crate::ledger::{Audit, Depth, Ledger, LedgerFault};
use ecugate_verifier::syntax::merkle::Edge;
use ecugate_verifier::syntax::note::{Checkpoint, Origin};
use ecugate_verifier::values::digest::Sha256;
use ecugate_verifier::values::finding::Finding;
use ecugate_verifier::values::reason::Reason;
use rusqlite::Connection;
use rusqlite::types::ValueRef;
use std::path::Path;

const KEY: [u8; 32] = [7; 32];

/// What follows from the entries of a ledger, one after the other, and nothing of its derived tables.
fn due(ledger: &Ledger) -> Sums {
    let (mut sums, mut highest, mut edge) = (Sums::new(&KEY), Highest::default(), Edge::default());
    for seq in 0..tree_size(&ledger.reader).unwrap() {
        let entry = ledger.entry(seq).unwrap().unwrap();
        let examined = ledger.examiner().examine(seq, &entry.leaf, entry.envelope.as_deref(), Rigour::Structure);
        let examined = examined.unwrap();
        let Reading::Understood(said) = &examined.reading else { panic!("{examined:?}") };
        let projection = Projection::of(seq, said.kind, &said.record);
        projection.sum(&mut sums).unwrap();
        Projection::sum_versions(&projection.into_versions(), seq, &mut highest, &mut sums).unwrap();
        for node in push(&mut edge, examined.leaf.hash()).unwrap() {
            let level = ValueRef::Integer(node.level.into());
            let hash = ValueRef::Blob(node.hash.as_bytes());
            sums.add(Summed::Node, &[level, integer(node.index).unwrap(), hash]);
        }
    }
    sums
}

/// What the sums alone come to, without the look-ups: nothing wrong, or where.
fn summed(bench: &Bench) -> Option<String> {
    let ledger = bench.open();
    ledger.audit_by_sums(&ledger.reader, Depth::Structure, &KEY).err().map(|finding| finding.place)
}

/// The tables whose rows are not those that are due.
fn other_than(due: &Sums, connection: &Connection) -> Vec<&'static str> {
    let mut stored = Sums::new(&KEY);
    Summed::TABLES.iter().for_each(|table| stored.add_table(connection, *table).unwrap());
    let differs = |table: &Summed| match due.require(&stored, *table) {
        Ok(()) => None,
        Err(LedgerFault::Differs { place, .. }) => {
            assert_eq!(place, table.name());
            Some(table.name())
        }
        Err(fault) => panic!("{fault}"),
    };
    Summed::TABLES.iter().filter_map(differs).collect()
}

/// The first reason of an audit, and what it says of where.
fn first_difference(bench: &Bench) -> Option<(Reason, String)> {
    let audit = bench.open().audit(Depth::Structure, &KEY).unwrap();
    audit.differences.into_iter().next().map(|finding| (finding.reason, finding.place))
}

/// Changes the file with another schema than that of a ledger, whose words are put back afterwards.
fn with_loose_columns(path: &Path, change: &str) {
    let raw = raw(path);
    raw.execute_batch(
        "PRAGMA writable_schema = ON; CREATE TABLE kept AS SELECT name, sql FROM sqlite_schema;
         DELETE FROM sqlite_schema WHERE type = 'trigger';
         UPDATE sqlite_schema SET sql = replace(replace(replace(sql, ' INTEGER NOT NULL', ' NOT NULL'),
             ' TEXT', ''), 'STRICT, ', '') WHERE type = 'table';
         UPDATE sqlite_schema SET sql = replace(sql, ') STRICT', ')') WHERE type = 'table';",
    )
    .unwrap();
    drop(raw);
    let loose = super::tampering::raw(path);
    loose.execute_batch(change).unwrap();
    loose
        .execute_batch(
            "PRAGMA writable_schema = ON;
             UPDATE sqlite_schema SET sql = (SELECT sql FROM kept WHERE kept.name = sqlite_schema.name)
             WHERE type = 'table' AND name IN (SELECT name FROM kept);",
        )
        .unwrap();
    drop(loose);
    let last = super::tampering::raw(path);
    let triggers: Vec<String> = last
        .prepare("SELECT sql FROM kept WHERE sql LIKE 'CREATE TRIGGER%'")
        .unwrap()
        .query_map([], |row| row.get(0))
        .unwrap()
        .collect::<Result<_, _>>()
        .unwrap();
    triggers.iter().for_each(|trigger| last.execute_batch(trigger).unwrap());
    last.execute_batch("DROP TABLE kept; PRAGMA wal_checkpoint(TRUNCATE)").unwrap();
}

#[test]
fn both_ways_come_to_the_same_where_everything_holds() {
    let bench = small();
    let ledger = bench.open();
    for depth in [Depth::Structure, Depth::Signatures] {
        let looked_up = ledger.audit_by_look_ups(&ledger.reader, depth).unwrap();
        assert_eq!((looked_up.size, looked_up.checkpoints, looked_up.differences.len()), (6, 4, 0));
        for key in [KEY, [0; 32], [0xff; 32]] {
            assert_eq!(ledger.audit_by_sums(&ledger.reader, depth, &key), Ok(looked_up.clone()));
        }
    }
    assert_eq!(other_than(&due(&ledger), &ledger.reader), Vec::<&str>::new());
}

#[test]
fn a_row_that_stands_twice_does_not_stand_for_one_that_is_missing() {
    let row = |number| [ValueRef::Integer(number), ValueRef::Text(b"serial")];
    let sums = |rows: &[i64]| {
        let mut sums = Sums::new(&KEY);
        rows.iter().for_each(|number| sums.add(Summed::Claim, &row(*number)));
        sums
    };
    let due = sums(&[1, 2, 3, 4]);
    due.require(&sums(&[4, 2, 1, 3]), Summed::Claim).unwrap();
    for others in [&[1, 1, 3, 4][..], &[1, 2, 2, 3], &[2, 2, 3, 3], &[1, 2, 3, 5], &[1, 2, 3], &[1, 2, 3, 4, 4], &[]] {
        let refused = due.require(&sums(others), Summed::Claim).unwrap_err();
        assert_eq!(refused.reason(), Reason::LedgerDiffers, "{others:?}");
        let expected = format!(
            "claim: expected the 4 rows that follow from the entries, found {} rows, and not these",
            others.len()
        );
        assert_eq!(refused.to_string(), expected);
    }
    // Sums of parts are the sum of the whole, and a table that nobody added to has no rows.
    let mut joined = sums(&[3, 1]);
    joined.join(&sums(&[4, 2]));
    due.require(&joined, Summed::Claim).unwrap();
    due.require(&joined, Summed::Fact).unwrap();
    assert_eq!(
        due.require(&Sums::new(&KEY), Summed::Claim).map_err(|fault| fault.reason()),
        Err(Reason::LedgerDiffers)
    );
}

#[test]
fn a_value_in_another_storage_class_or_place_or_under_another_key_is_another_row() {
    let sums = |key: &[u8; 32], table, row: &[ValueRef<'_>]| {
        let mut sums = Sums::new(key);
        sums.add(table, row);
        sums
    };
    let rows: [&[ValueRef<'_>]; 17] = [
        &[ValueRef::Integer(49)],
        &[ValueRef::Real(49.0)],
        &[ValueRef::Real(f64::from_bits(49))],
        &[ValueRef::Text(b"1")],
        &[ValueRef::Blob(b"1")],
        &[ValueRef::Text(&49_i64.to_be_bytes())],
        &[ValueRef::Null],
        &[ValueRef::Text(b"")],
        &[ValueRef::Blob(b"")],
        &[ValueRef::Integer(0)],
        &[ValueRef::Text(b"ab"), ValueRef::Text(b"c")],
        &[ValueRef::Text(b"a"), ValueRef::Text(b"bc")],
        &[ValueRef::Text(b"c"), ValueRef::Text(b"ab")],
        // the byte of a text's class, in a text
        &[ValueRef::Text(b"a\x03b"), ValueRef::Text(b"c")],
        &[ValueRef::Text(b"a"), ValueRef::Text(b"b\x03c")],
        &[ValueRef::Null, ValueRef::Integer(49)],
        &[ValueRef::Integer(49), ValueRef::Null],
    ];
    for (place, one) in rows.iter().enumerate() {
        let due = sums(&KEY, Summed::Act, one);
        for (other_place, other) in rows.iter().enumerate() {
            let same = due.require(&sums(&KEY, Summed::Act, other), Summed::Act).is_ok();
            assert_eq!(same, place == other_place, "{one:?} {other:?}");
        }
        let of_another_key = sums(&[8; 32], Summed::Act, one);
        assert_eq!(
            due.require(&of_another_key, Summed::Act).map_err(|fault| fault.reason()),
            Err(Reason::LedgerDiffers)
        );
    }
    assert_eq!(integer(1 << 63).map_err(|fault| fault.reason()), Err(Reason::LedgerDiffers));
    assert_eq!(integer((1 << 63) - 1).map_err(|fault| fault.reason()), Ok(ValueRef::Integer(i64::MAX)));
}

#[test]
fn a_wrong_value_in_any_column_of_any_table_makes_the_sum_of_that_table_and_of_no_other_differ() {
    let bench = small();
    let due = due(&bench.open());
    let original = std::fs::read(bench.path()).unwrap();
    let mut tried = 0;
    for table in Summed::TABLES.map(Summed::name) {
        let read = raw(&bench.path());
        let columns: Vec<(String, String)> = read
            .prepare(&format!("SELECT name, type FROM pragma_table_info('{table}')"))
            .unwrap()
            .query_map([], |row| Ok((row.get(0)?, row.get(1)?)))
            .unwrap()
            .collect::<Result<_, _>>()
            .unwrap();
        drop(read);
        for (column, kind) in columns {
            // Of the first row that has a value there: a number more, a letter or a byte more.
            let value = match kind.as_str() {
                "INTEGER" => format!("{column} + 1000000"),
                "TEXT" => format!("{column} || 'x'"),
                _ => format!("CAST(zeroblob(32 - length({column}) / 32) || {column} AS BLOB)"),
            };
            std::fs::write(bench.path(), &original).unwrap();
            let change = format!("UPDATE {table} SET {column} = {value} WHERE {column} IS NOT NULL");
            let row = format!("SELECT max({column}) FROM {table}");
            let change = format!("{change} AND {column} = ({row})");
            assert!(with_guards_off(&bench.path(), |raw| raw.execute(&change, []).unwrap()) > 0, "{change}");
            assert_eq!(other_than(&due, &raw(&bench.path())), [table], "{change}");
            tried += 1;
        }
    }
    assert_eq!(tried, 7 + 4 + 3 + 4 + 3 + 4 + 3);
}

#[test]
fn a_row_exchanged_for_one_that_is_none_leaves_the_count_and_is_found_in_any_table() {
    let bench = small();
    let due = due(&bench.open());
    let original = std::fs::read(bench.path()).unwrap();
    for (table, change) in [
        ("act", "UPDATE act SET seq = 9 WHERE seq = 5"),
        ("fact", "UPDATE fact SET seq = 2 WHERE seq = 3"),
        ("claim", "UPDATE claim SET seq = 2 WHERE seq = 3"),
        ("custody", "UPDATE custody SET unit = 3 WHERE seq = 5"),
        ("part", "UPDATE part SET media_type = 'x' WHERE seq = 2"),
        ("version", "UPDATE version SET seq = 3 WHERE seq = 2"),
        ("node", "UPDATE node SET idx = 9 WHERE level = 0 AND idx = 5"),
    ] {
        std::fs::write(bench.path(), &original).unwrap();
        let rows = |connection: &Connection| {
            let count = format!("SELECT count(*) FROM {table} NOT INDEXED");
            connection.query_row(&count, [], |row| row.get::<_, u64>(0)).unwrap()
        };
        let before = rows(&raw(&bench.path()));
        assert!(with_guards_off(&bench.path(), |raw| raw.execute(change, []).unwrap()) > 0, "{change}");
        assert_eq!(rows(&raw(&bench.path())), before, "{change}");
        assert_eq!(other_than(&due, &raw(&bench.path())), [table], "{change}");
        assert_eq!(first_difference(&bench).map(|(reason, _)| reason), Some(Reason::LedgerDiffers), "{change}");
    }
}

/// Not by what the look-ups say, to which an audit goes over: each table is compared in the first place.
#[test]
fn the_way_by_sums_ends_at_a_wrong_row_of_each_table_by_itself() {
    let bench = small();
    let original = std::fs::read(bench.path()).unwrap();
    for (change, place) in [
        ("UPDATE act SET time = time - 1 WHERE seq = 3", "ledger: act"),
        ("DELETE FROM act WHERE seq = 5", "ledger: act"),
        ("UPDATE claim SET seq = 2 WHERE seq = 3", "ledger: claim"),
        ("DELETE FROM claim WHERE seq = 3", "ledger: claim"),
        ("UPDATE part SET media_type = 'x' WHERE seq = 2", "ledger: part"),
        ("UPDATE version SET seq = 3 WHERE kind = 'anchor-list'", "ledger: the index, "),
        ("INSERT INTO version VALUES ('other', '', 9, 3)", "ledger: version"),
        ("UPDATE custody SET state = 'held' WHERE seq = 3", "ledger: the index, "),
        ("DELETE FROM fact WHERE seq = 3 AND key = 'S2'", "ledger: the index, "),
        ("UPDATE fact SET bucket = bucket + 1 WHERE seq = 3", "ledger: bucket of a fact"),
        ("UPDATE node SET hash = zeroblob(32) WHERE level = 0 AND idx = 2", "ledger: node"),
        ("UPDATE checkpoint SET size = 1 WHERE size = 2", "ledger: the checkpoint of 1 entries"),
        ("INSERT INTO checkpoint SELECT 0, note, index_note FROM checkpoint WHERE size = 2", "ledger: checkpoint"),
        ("INSERT INTO cosignature VALUES (5, 'x')", "ledger: cosignature"),
        ("INSERT INTO outside_mark VALUES ('x', 5, x'00')", "ledger: outside_mark"),
        ("INSERT INTO index_node VALUES (4, 65535, zeroblob(34))", "ledger: index_node"),
        ("UPDATE entry SET leaf_hash = zeroblob(32) WHERE seq = 2", "ledger: leaf hash of entry 2"),
        ("UPDATE blob SET bytes = CAST(bytes || 'x' AS BLOB) WHERE bytes = CAST('{}' AS BLOB)", "ledger: blob "),
        ("UPDATE blob SET media_type = 'x' WHERE bytes = CAST('{}' AS BLOB)", "ledger: blob "),
        ("UPDATE blob SET sha256 = zeroblob(32) WHERE bytes = CAST('{}' AS BLOB)", "ledger: blob "),
        ("DELETE FROM blob WHERE bytes = CAST('{}' AS BLOB)", "ledger: the blobs that are parts"),
        (
            "INSERT INTO blob VALUES (x'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855', 'x', x'')",
            "ledger: the blobs that are parts",
        ),
    ] {
        std::fs::write(bench.path(), &original).unwrap();
        let rows = with_guards_off(&bench.path(), |raw| raw.execute(change, []).unwrap());
        assert!(rows > 0, "{change}");
        let found = summed(&bench).unwrap_or_else(|| panic!("{change}"));
        assert!(found.starts_with(place), "{change}: {found}");
    }
}

/// No sum is taken over an index: SQLite's own check holds each against its table.
#[test]
fn an_index_without_one_of_its_rows_ends_the_way_by_sums() {
    let bench = small();
    let original = std::fs::read(bench.path()).unwrap();
    for (index, table, row) in [
        ("act_by_time", "act", "seq <> 3"),
        ("act_by_attempt", "act", "station IS NOT NULL AND seq <> 3"),
        ("act_by_unit", "act", "unit IS NOT NULL AND seq <> 5"),
        ("act_by_kind", "act", "kind = 'memory-complete' AND seq <> 1"),
        // of a blob that other entries name too: else it is seen before that it is no part
        ("part_by_blob", "part", "seq <> 3 OR media_type <> 'application/vnd.dsse+json'"),
    ] {
        std::fs::write(bench.path(), &original).unwrap();
        let find = "SELECT sql FROM sqlite_schema WHERE name = ?";
        let sql: String = raw(&bench.path()).query_row(find, [index], |row| row.get(0)).unwrap();
        let (columns, _) = sql.split_once(" WHERE ").unwrap_or((&sql, ""));
        let write = |sql: &str| {
            let raw = raw(&bench.path());
            raw.execute_batch("PRAGMA writable_schema = ON").unwrap();
            raw.execute("UPDATE sqlite_schema SET sql = ? WHERE name = ?", [sql, index]).unwrap();
        };
        write(&format!("{columns} WHERE {row}"));
        raw(&bench.path()).execute_batch(&format!("REINDEX {table}")).unwrap();
        write(&sql);
        raw(&bench.path()).execute_batch("PRAGMA wal_checkpoint(TRUNCATE)").unwrap();
        assert_eq!(summed(&bench), Some("ledger: the file".to_owned()), "{index}");
    }
}

/// The rows and the nodes of the index hold: but it is not the one that was signed with the latest checkpoint.
#[test]
fn another_index_than_the_signed_one_ends_the_way_by_sums() {
    let bench = small();
    let ledger = bench.open();
    let origin = Origin::new(&format!("index.{ORIGIN}")).unwrap();
    let note = Checkpoint { origin, size: 6, root: Sha256::of(b"another") }.sign(&bench.log).unwrap().note;
    let change = "UPDATE checkpoint SET index_note = ? WHERE size = 6";
    assert_eq!(with_guards_off(&bench.path(), |raw| raw.execute(change, [note]).unwrap()), 1);
    let found = ledger.audit_by_sums(&ledger.reader, Depth::Structure, &KEY).unwrap_err();
    assert_eq!((found.reason, found.place.as_str()), (Reason::LedgerDiffers, "ledger: the index, its root"));
}

/// The entry that brings a blob says what it is; a later one may call it something else, and that is nobody's fault.
#[test]
fn a_blob_that_a_later_entry_names_as_something_else_is_held_against_the_first_one() {
    let bench = small();
    let mut ledger = bench.open();
    let third = unit("S3", 4);
    let mut receipt = third.accepted();
    let shared = receipt.record.parts.last_mut().unwrap();
    assert_eq!(shared.media_type, "application/vnd.dsse+json");
    shared.media_type = "text/plain".to_owned();
    bench.record(&mut ledger, &third, &receipt, 6).unwrap();
    clean(&ledger);
    assert_eq!(summed(&bench), None);
    drop(ledger);
    let change = "UPDATE blob SET media_type = 'text/plain' WHERE bytes = CAST('{}' AS BLOB)";
    assert_eq!(with_guards_off(&bench.path(), |raw| raw.execute(change, []).unwrap()), 1);
    let blob = format!("ledger: blob {}", Sha256::of(b"{}"));
    assert_eq!(summed(&bench), Some(blob.clone()));
    assert_eq!(first_difference(&bench), Some((Reason::LedgerDiffers, blob)));
}

/// SQL takes 1 and 1.0 for equal, so that a look-up finds the row: the sums do not, and neither does SQLite's own check.
#[test]
fn a_value_that_is_stored_in_another_storage_class_is_found_though_a_look_up_finds_it_equal() {
    let bench = small();
    let due = due(&bench.open());
    let original = std::fs::read(bench.path()).unwrap();
    for (table, change) in [
        ("act", "UPDATE act SET time = time + 0.0 WHERE seq = 3"),
        ("act", "UPDATE act SET nonce = CAST(nonce AS BLOB) WHERE seq = 3"),
        ("claim", "UPDATE claim SET seq = seq + 0.0 WHERE seq = 3"),
        ("custody", "UPDATE custody SET state = CAST(state AS BLOB) WHERE seq = 3"),
        ("fact", "UPDATE fact SET bucket = bucket + 0.0 WHERE seq = 3"),
        ("part", "UPDATE part SET media_type = CAST(media_type AS BLOB) WHERE seq = 3"),
        ("version", "UPDATE version SET value = value + 0.0 WHERE kind = 'policy'"),
        ("node", "UPDATE node SET idx = idx + 0.0 WHERE level = 0 AND idx = 3"),
    ] {
        std::fs::write(bench.path(), &original).unwrap();
        with_loose_columns(&bench.path(), change);
        assert_eq!(other_than(&due, &raw(&bench.path())), [table], "{change}");
        assert_eq!(first_difference(&bench).map(|(reason, _)| reason), Some(Reason::LedgerDiffers), "{change}");
    }
}

/// Whatever the sums find is a difference, also where no look-up could say which row it is.
#[test]
fn what_the_sums_find_and_no_look_up_names_is_told_as_it_is() {
    let clean = || Audit {
        depth: Depth::Structure,
        size: 6,
        checkpoints: 4,
        not_understood: Vec::new(),
        differences: Vec::new(),
    };
    let differs = |table: &str| Finding::new(Reason::LedgerDiffers, format!("ledger: {table}"), "its rows", "others");
    let told = concluded(Err(differs("claim")), || Ok(clean())).unwrap();
    assert_eq!((told.differences, told.size), (vec![differs("claim")], 6));
    let named = Audit { differences: vec![differs("claim of entry 3"), differs("claim")], ..clean() };
    assert_eq!(concluded(Err(differs("claim")), || Ok(named.clone())).unwrap(), named);
    let unreadable = concluded(Err(differs("claim")), || Err(LedgerFault::Busy)).map_err(|fault| fault.reason());
    assert_eq!(unreadable, Err(Reason::LedgerBusy));
    assert_eq!(concluded(Ok(clean()), || panic!("nothing is looked up where everything holds")).unwrap(), clean());
}
