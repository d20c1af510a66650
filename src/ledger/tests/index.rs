//! The index under its signed root: rows taken away, put back, exchanged, with every node made to fit.

use super::bench::{Bench, Key};
use super::tampering::{raw, small, with_guards_off};
use super::{clean, unit};
use crate::ledger::index::{Bucket, Index, Link, Row, Rows, rebuild};
use crate::ledger::{Depth, Ledger};
use ecugate_verifier::inputs::custody::State;
use ecugate_verifier::values::ident::{KeyKind, UnitKey};
use ecugate_verifier::values::reason::Reason;
use proptest::prelude::{ProptestConfig, any, proptest};
use rusqlite::Connection;

/// What a gate comes to that looks the keys of a unit up: the states of what was seen, or the reason why not.
fn looked_up(ledger: &Ledger, serial: &'static str) -> Result<Vec<State>, Reason> {
    let known = ledger.memory(&unit(serial, 9).keys()).map_err(|fault| fault.reason())?;
    Ok(known.sightings.iter().map(|sighting| sighting.state).collect())
}

/// Makes every node anew from the rows that there are now, as a hand that knows the index would.
fn fit_nodes(raw: &Connection) {
    raw.execute("DELETE FROM index_node", []).unwrap();
    let mut index = Index::default();
    let mut add = |bucket, row: Row<'_>| {
        index.link(raw, &Link { bucket, row: row.encoded() }).unwrap();
        index.keep();
    };
    let mut facts = raw.prepare("SELECT seq, key_kind, key FROM fact ORDER BY bucket, seq, key_kind, key").unwrap();
    let mut rows = facts.query([]).unwrap();
    while let Some(row) = rows.next().unwrap() {
        let (kind, value): (String, String) = (row.get(1).unwrap(), row.get(2).unwrap());
        let key = UnitKey { kind: kind_of(&kind), value };
        add(Bucket::of_key(&key), Row::Fact { seq: row.get(0).unwrap(), kind: &kind, key: &key.value });
    }
    let mut custody = raw.prepare("SELECT seq, unit, state FROM custody ORDER BY bucket, seq").unwrap();
    let mut rows = custody.query([]).unwrap();
    while let Some(row) = rows.next().unwrap() {
        let (unit, state): (u64, String) = (row.get(1).unwrap(), row.get(2).unwrap());
        add(Bucket::of_unit(unit), Row::Custody { seq: row.get(0).unwrap(), unit, state: &state });
    }
    let mut versions =
        raw.prepare("SELECT seq, kind, name, value FROM version ORDER BY seq, kind, name, value").unwrap();
    let mut rows = versions.query([]).unwrap();
    while let Some(row) = rows.next().unwrap() {
        let (kind, name): (String, String) = (row.get(1).unwrap(), row.get(2).unwrap());
        let version = Row::Version { seq: row.get(0).unwrap(), name: &name, value: row.get(3).unwrap() };
        add(Bucket::of_versions(&kind), version);
    }
    index.write(raw).unwrap();
}

fn kind_of(word: &str) -> KeyKind {
    serde_json::from_value(serde_json::Value::String(word.to_owned())).unwrap()
}

/// Attack class 59: whoever takes the rows away by which a box is found makes it unseen, unless somebody counts.
#[test]
fn attack_59_a_box_whose_rows_were_taken_away_is_not_new_whether_or_not_the_nodes_were_made_to_fit() {
    let bench = small();
    let original = std::fs::read(bench.path()).unwrap();
    with_guards_off(&bench.path(), fit_nodes);
    assert_eq!(looked_up(&bench.open(), "S2"), Ok(vec![State::Accepted]));
    for change in [
        "DELETE FROM fact WHERE seq = 3; DELETE FROM claim WHERE seq = 3;",
        "DELETE FROM fact WHERE seq = 3; DELETE FROM claim WHERE seq = 3; DELETE FROM custody WHERE seq = 3; \
         DELETE FROM act WHERE seq = 3;",
        "DELETE FROM custody WHERE seq = 3;",
        "UPDATE custody SET state = 'held' WHERE seq = 3;",
        "UPDATE custody SET seq = 9 WHERE seq = 3;",
        "UPDATE fact SET key = 'S9' WHERE seq = 3 AND key = 'S2';",
        "UPDATE fact SET bucket = bucket + 1 WHERE seq = 3;",
        // a sighting of another entry in its place, and a state that nobody gave
        "UPDATE fact SET seq = 2 WHERE seq = 3;",
        "INSERT INTO custody SELECT bucket, 5, unit, 'held' FROM custody WHERE seq = 3;",
    ] {
        // No node is made to fit, those below a level that stays as it was, or every one.
        for kept in [5, 4, 3, 2, 1, 0] {
            std::fs::write(bench.path(), &original).unwrap();
            with_guards_off(&bench.path(), |raw| {
                raw.execute_batch(change).unwrap();
                let upper = "CREATE TEMP TABLE upper AS SELECT * FROM index_node WHERE level < ?";
                raw.execute(&upper.replace('?', &kept.to_string()), []).unwrap();
                fit_nodes(raw);
                raw.execute_batch("INSERT OR REPLACE INTO index_node SELECT * FROM upper; DROP TABLE upper").unwrap();
            });
            let ledger = bench.look();
            let found = ledger.map_err(|fault| fault.reason()).and_then(|ledger| looked_up(&ledger, "S2"));
            assert_eq!(found, Err(Reason::LedgerDiffers), "{change}: nodes above level {kept} are the old ones");
        }
    }
}

/// The one who writes looks again under the lock: rows that go while the box is judged are missed too.
#[test]
fn rows_that_are_taken_away_while_a_box_is_judged_are_missed_under_the_lock() {
    let bench = small();
    let mut ledger = bench.open();
    let clone = unit("S2", 9);
    let memory = ledger.memory(&[]).unwrap();
    let receipt = clone.accepted();
    with_guards_off(&bench.path(), |raw| {
        raw.execute_batch("DELETE FROM fact WHERE seq = 3; DELETE FROM claim WHERE seq = 3").unwrap();
    });
    let refused = bench.record(&mut ledger, &clone, &receipt, memory.size).map_err(|fault| fault.reason());
    assert_eq!(refused, Err(Reason::LedgerDiffers));
}

/// Attack class 40: versions that were seen are the floor below which no list, policy or release goes.
#[test]
fn attack_40_a_version_that_was_taken_away_or_lowered_is_missed() {
    let bench = small();
    let original = std::fs::read(bench.path()).unwrap();
    for change in ["DELETE FROM version WHERE kind = 'policy'", "UPDATE version SET value = 0 WHERE kind = 'crl'"] {
        std::fs::write(bench.path(), &original).unwrap();
        assert!(with_guards_off(&bench.path(), |raw| raw.execute(change, []).unwrap()) > 0, "{change}");
        assert_eq!(looked_up(&bench.open(), "S9"), Err(Reason::LedgerDiffers), "{change}");
    }
}

#[test]
fn a_note_about_the_index_counts_for_its_own_size_and_under_its_own_name() {
    let bench = small();
    let original = std::fs::read(bench.path()).unwrap();
    for change in [
        "UPDATE checkpoint SET index_note = (SELECT index_note FROM checkpoint WHERE size = 3) WHERE size = 6",
        "UPDATE checkpoint SET index_note = note WHERE size = 6",
        "UPDATE checkpoint SET note = index_note WHERE size = 6",
        "UPDATE checkpoint SET index_note = replace(index_note, char(10) || '6' || char(10), char(10) || '7' || char(10))
         WHERE size = 6",
    ] {
        std::fs::write(bench.path(), &original).unwrap();
        assert_eq!(with_guards_off(&bench.path(), |raw| raw.execute(change, []).unwrap()), 1, "{change}");
        assert_eq!(bench.look().map(drop).map_err(|fault| fault.reason()), Err(Reason::LedgerDiffers), "{change}");
    }
    // Another log key signs it: the right root, and not by ours.
    std::fs::write(bench.path(), &original).unwrap();
    with_guards_off(&bench.path(), |raw| raw.execute("DELETE FROM checkpoint WHERE size = 6", []).unwrap());
    super::rules::cover_by(&bench, &Key::ed25519(77));
    assert_eq!(bench.look().map(drop).map_err(|fault| fault.reason()), Err(Reason::LedgerDiffers));
}

/// With its last checkpoint gone the end of the log is verified anew: its rows must be there all the same.
#[test]
fn rows_of_entries_that_no_checkpoint_covers_are_missed_too() {
    let bench = small();
    with_guards_off(&bench.path(), |raw| raw.execute("DELETE FROM checkpoint WHERE size > 3", []).unwrap());
    let uncovered = std::fs::read(bench.path()).unwrap();
    let mut ledger = bench.open();
    assert_eq!(ledger.settle(&bench.log).map_err(|fault| fault.reason()), Ok(true));
    clean(&ledger);
    drop(ledger);
    let removed = |entry: u32| format!("DELETE FROM fact WHERE seq = {entry}; DELETE FROM claim WHERE seq = {entry};");
    for (change, fitted) in [(removed(3), false), (removed(3), true), (removed(2), false), (removed(2), true)] {
        for suffix in ["-wal", "-shm"] {
            let _ = std::fs::remove_file(format!("{}{suffix}", bench.path().display()));
        }
        std::fs::write(bench.path(), &uncovered).unwrap();
        with_guards_off(&bench.path(), |raw| {
            raw.execute_batch(&change).unwrap();
            if fitted {
                fit_nodes(raw);
            }
        });
        let opened = bench.look().map_err(|fault| fault.reason());
        // Entry 2 is the covered one: its bucket is looked at when somebody asks for it, unless the nodes moved.
        let found = opened.and_then(|ledger| looked_up(&ledger, "S1"));
        assert_eq!(found, Err(Reason::LedgerDiffers), "{change} fitted: {fitted}");
    }
}

#[test]
fn nodes_that_were_made_to_fit_other_rows_are_found_by_the_audit() {
    let bench = small();
    let original = std::fs::read(bench.path()).unwrap();
    for change in [
        "DELETE FROM index_node WHERE level = 4",
        "INSERT INTO index_node VALUES (4, 65535, zeroblob(34))",
        "UPDATE index_node SET children = zeroblob(34) WHERE level = 2",
    ] {
        std::fs::write(bench.path(), &original).unwrap();
        raw(&bench.path()).execute_batch(&format!("{change}; PRAGMA wal_checkpoint(TRUNCATE)")).unwrap();
        let audit = bench.open().audit(Depth::Structure, &[7; 32]).unwrap();
        let reasons: Vec<Reason> = audit.differences.iter().map(|finding| finding.reason).collect();
        assert_eq!(reasons, [Reason::LedgerDiffers], "{change}: {:?}", audit.differences);
    }
}

#[test]
fn what_is_missing_of_one_entry_is_told_of_that_entry_and_of_no_other() {
    let bench = small();
    with_guards_off(&bench.path(), |raw| raw.execute("DELETE FROM fact WHERE seq = 2 AND key = 'S1'", []).unwrap());
    let audit = bench.open().audit(Depth::Signatures, &[7; 32]).unwrap();
    let places: Vec<&str> = audit.differences.iter().map(|finding| finding.place.as_str()).collect();
    let [entry, count, node] = places.as_slice() else { panic!("{places:?}") };
    assert_eq!((*entry, *count), ("ledger: fact of entry 2", "ledger: fact"));
    assert!(node.starts_with("ledger: the index, node 4/"), "{node}");
}

/// A ledger's tables and nothing in them.
fn empty() -> (Bench, Connection) {
    let bench = Bench::new();
    crate::ledger::schema::create(&bench.path()).unwrap();
    let raw = raw(&bench.path());
    (bench, raw)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    /// However the rows were grouped into members, transactions and undone members: one root, and each look finds what
    /// was written.
    #[test]
    fn the_root_follows_from_the_rows_and_not_from_how_they_were_grouped(
        serials in proptest::collection::vec((0_u8..40, any::<bool>(), any::<bool>()), 1..60),
    ) {
        let (_bench, raw) = empty();
        let (mut grouped, mut written) = (Index::default(), Vec::new());
        for (seq, (serial, undone, flushed)) in (0_u64..).zip(&serials) {
            let key = UnitKey { kind: KeyKind::Serial, value: format!("S{serial}") };
            let bucket = Bucket::of_key(&key);
            let row = Row::Fact { seq, kind: key.kind.word(), key: &key.value }.encoded();
            grouped.link(&raw, &Link { bucket, row: row.clone() }).unwrap();
            if *undone {
                grouped.undo();
                continue;
            }
            grouped.keep();
            let insert = "INSERT INTO fact (bucket, seq, key_kind, key) VALUES (?, ?, ?, ?)";
            raw.execute(insert, rusqlite::params![bucket.number(), seq, key.kind.word(), key.value]).unwrap();
            written.push((key, seq));
            if *flushed {
                grouped.write(&raw).unwrap();
            }
        }
        grouped.write(&raw).unwrap();
        assert_eq!(rebuild(&raw).unwrap().0, grouped.root());
        let stored = Index::stored(&raw).unwrap();
        assert_eq!(stored.root(), grouped.root());
        for serial in 0..40 {
            let key = UnitKey { kind: KeyKind::Serial, value: format!("S{serial}") };
            let due: Vec<u64> = written.iter().filter(|(of, _)| *of == key).map(|(_, seq)| *seq).collect();
            assert_eq!(Rows::verified(&raw, &stored).of_key(&key, usize::MAX).unwrap(), due);
        }
    }
}
