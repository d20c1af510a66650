//! The index finds what a look at every document finds, and the choice leaves out what does not count.

use super::super::candidates::Candidates;
use super::super::index::Index;
use super::super::key::Key;
use super::{LIMITS, Shelf, intake, name, part, release, serial, shipment};
use crate::intake::Documents as _;
use ecugate_verifier::documents::document_seen::SeenKind;
use ecugate_verifier::inputs::evidence::Manifest;
use ecugate_verifier::syntax::label::{self, LabelledUnit, Rules};
use ecugate_verifier::values::finding::Finding;
use ecugate_verifier::values::reason::Reason;
use proptest::prelude::*;
use std::collections::BTreeSet;
use std::path::Path;
use std::sync::atomic::Ordering;

fn unit(parts: &[&str], number: &str) -> LabelledUnit {
    let parts: String = parts.iter().zip(["1P", "P", "30P"]).map(|(part, id)| format!("{id}{part}\u{1d}")).collect();
    let text = format!("[)>\u{1e}06\u{1d}{parts}S{number}\u{1e}\u{4}");
    label::read(text.as_bytes(), &Rules::default(), LIMITS).unwrap().unit().unwrap()
}

fn found(index: &Index, key: &[u8]) -> BTreeSet<u64> {
    index.find(key).unwrap().records.iter().map(|record| record.seq).collect()
}

/// A look at every document.
fn scanned(shelf: &Shelf, lists: impl Fn(&Manifest) -> bool) -> BTreeSet<u64> {
    let read = |seq: u64| {
        let digest = shelf.entry(seq).unwrap().unwrap().seen.document;
        Manifest::read(&shelf.bytes(&digest).unwrap().unwrap(), LIMITS)
    };
    shelf.entries.iter().map(|entry| entry.seq).filter(|seq| lists(&read(*seq))).collect()
}

fn names(candidates: &Candidates) -> Vec<(SeenKind, &str)> {
    candidates.all().map(|one| (one.kind, one.name.as_str())).collect()
}

#[derive(Clone, Debug)]
enum Made {
    Shipment(Vec<(u8, u8)>),
    Release(u8, u8, Option<u8>),
}

fn made() -> impl Strategy<Value = Made> {
    let units = prop::collection::btree_set((0_u8..3, 0_u8..6), 1..5).prop_map(|units| units.into_iter().collect());
    prop_oneof![
        units.prop_map(Made::Shipment),
        (0_u8..3, 0_u8..3, prop::option::of(3_u8..5)).prop_map(|(id, of, alias)| Made::Release(id, of, alias)),
    ]
}

fn put(shelf: &mut Shelf, n: usize, made: &Made) {
    let texts = |numbers: &[u8], letter: &str| numbers.iter().map(|n| format!("{letter}{n}")).collect::<Vec<_>>();
    let bytes = match made {
        Made::Shipment(units) => {
            let units: Vec<(String, String)> = units.iter().map(|(p, s)| (format!("P{p}"), format!("S{s}"))).collect();
            let units: Vec<(&str, &str, &str)> = units.iter().map(|(p, s)| (p.as_str(), s.as_str(), "R0")).collect();
            shipment(&format!("D{n}"), &units)
        }
        Made::Release(id, of, alias) => {
            let (parts, aliases) = (texts(&[*of], "P"), texts(alias.as_slice(), "P"));
            let parts: Vec<&str> = parts.iter().map(String::as_str).collect();
            let aliases: Vec<&str> = aliases.iter().map(String::as_str).collect();
            release(&format!("R{id}"), &parts, &aliases)
        }
    };
    shelf.put(&bytes, ["acme", "other"][n % 2]);
}

fn assert_as_scanned(shelf: &Shelf, index: &Index) {
    for s in 0..6 {
        let number = serial(&format!("S{s}"));
        let listed = |manifest: &Manifest| match manifest {
            Manifest::Shipment(_, shipment) => shipment.with_serial(&number).next().is_some(),
            _ => false,
        };
        assert_eq!(found(index, &Key::of_serial(&number)), scanned(shelf, listed), "{number}");
        for p in 0..3 {
            let of = part(&format!("P{p}"));
            let listed = |manifest: &Manifest| match manifest {
                Manifest::Shipment(_, shipment) => shipment.with_serial(&number).any(|unit| unit.part == of),
                _ => false,
            };
            assert_eq!(found(index, &Key::unit(&number, &of).0), scanned(shelf, listed), "{number} {of}");
        }
    }
    for p in 0..5 {
        let of = part(&format!("P{p}"));
        let released = |alias: bool| {
            let of = of.clone();
            move |manifest: &Manifest| match manifest {
                Manifest::Release(_, release) if alias => release.aliases.contains(&of),
                Manifest::Release(_, release) => release.parts.contains(&of),
                _ => false,
            }
        };
        assert_eq!(found(index, &Key::part(&of).0), scanned(shelf, released(false)), "{of}");
        assert_eq!(found(index, &Key::alias(&of).0), scanned(shelf, released(true)), "alias {of}");
        let id = name(&format!("R{p}"));
        let named = |manifest: &Manifest| matches!(manifest, Manifest::Release(_, one) if one.release == id);
        assert_eq!(found(index, &Key::release(&id).0), scanned(shelf, named), "{id}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]
    #[test]
    fn the_index_finds_what_a_look_at_every_document_finds(
        runs in prop::collection::vec(prop::collection::vec(made(), 1..4), 1..7),
        spoiled in any::<prop::sample::Index>(),
        at in any::<prop::sample::Index>(),
    ) {
        let folder = tempfile::tempdir().unwrap();
        let mut shelf = Shelf::default();
        let mut n = 0;
        for run in &runs {
            for one in run {
                put(&mut shelf, n, one);
                n += 1;
            }
            let index = Index::open(folder.path(), &shelf).unwrap();
            assert_as_scanned(&shelf, &index);
            // As few files as a binary counter has digits.
            prop_assert!(index.size().0 <= 8);
        }
        // A head with one byte changed is no head, and an index that is not whole is made anew.
        let files: Vec<_> = std::fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().path()).collect();
        let file = spoiled.get(&files);
        let mut bytes = std::fs::read(file).unwrap();
        let at = at.index(64);
        bytes[at] ^= 0x40;
        std::fs::write(file, bytes).unwrap();
        assert_as_scanned(&shelf, &Index::open(folder.path(), &shelf).unwrap());
    }
}

#[test]
fn a_box_gets_the_shipment_that_lists_it_and_the_release_that_this_one_names() {
    let (_folder, intake) = intake();
    let mut shelf = Shelf::default();
    shelf.put(&release("R1", &["P1"], &["CUST-1"]), "acme");
    shelf.put(&release("R2", &["P1"], &["CUST-1"]), "acme");
    shelf.put(&shipment("D1", &[("P1", "S1", "R1"), ("P1", "S2", "R2")]), "acme");
    shelf.put(&shipment("D2", &[("P2", "S1", "R9")]), "acme");
    let names_for = |parts: &[&str], number: &str| {
        let found = intake.candidates(&unit(parts, number), &shelf, LIMITS).unwrap();
        names(&found).into_iter().map(|(kind, name)| format!("{} {name}", kind.word())).collect::<Vec<_>>()
    };
    assert_eq!(names_for(&["P1"], "S1"), ["shipment D1", "release R1"]);
    assert_eq!(names_for(&["P1"], "S2"), ["shipment D1", "release R2"]);
    // By another number of the part, and by none at all: then every shipment with this serial.
    assert_eq!(names_for(&["CUST-1"], "S1"), ["shipment D1", "release R1"]);
    assert_eq!(names_for(&[], "S1").iter().filter(|name| name.starts_with("shipment")).count(), 2);
    // A part that no shipment states for the serial: what is there is shown, so that the verdict says what differs.
    assert_eq!(names_for(&["P7"], "S1").iter().filter(|name| name.starts_with("shipment")).count(), 2);
    // The part of other units on the label is shown to be one.
    shelf.put(&release("R5", &["P5"], &[]), "acme");
    let found = intake.candidates(&unit(&["P1", "P5"], "S1"), &shelf, LIMITS).unwrap();
    assert_eq!(names(&found), [(SeenKind::Shipment, "D1"), (SeenKind::Release, "R1"), (SeenKind::Release, "R5")]);
}

#[test]
fn without_a_shipment_the_only_release_is_found_and_of_several_none() {
    let (_folder, intake) = intake();
    let mut shelf = Shelf::default();
    shelf.put(&release("R1", &["P1"], &[]), "acme");
    let found = intake.candidates(&unit(&["P1"], "S1"), &shelf, LIMITS).unwrap();
    assert_eq!(names(&found), [(SeenKind::Release, "R1")]);
    shelf.put(&release("R2", &["P1"], &[]), "acme");
    let chosen = intake.candidates(&unit(&["P1"], "S1"), &shelf, LIMITS).unwrap().choose(&mut |_| None, LIMITS);
    assert!(chosen.manifests.is_empty());
    let told = "no shipment lists the serial, and several releases are for the part: R1, R2";
    assert_eq!(chosen.left_out, [told]);
}

#[test]
fn of_several_shipments_those_that_do_not_count_are_left_out_and_the_mildest_stays_where_none_counts() {
    let (_folder, intake) = intake();
    let mut shelf = Shelf::default();
    for (id, source) in [("D1", "acme"), ("FAKE-1", "other"), ("FAKE-2", "other")] {
        shelf.put(&shipment(id, &[("P1", "S1", "R1")]), source);
    }
    let candidates = || intake.candidates(&unit(&["P1"], "S1"), &shelf, LIMITS).unwrap();
    // The newest of each supplier first: nobody's papers are crowded out.
    assert_eq!(names(&candidates()).iter().map(|(_, name)| *name).collect::<Vec<_>>(), ["FAKE-2", "D1", "FAKE-1"]);
    let chosen = candidates()
        .choose(&mut |one| (one.name.as_str() != "D1").then(|| Finding::bare(Reason::PathNotFound)), LIMITS);
    assert_eq!(chosen.manifests.iter().map(|one| one.name.as_str()).collect::<Vec<_>>(), ["D1"]);
    assert_eq!(chosen.left_out[0], "shipment FAKE-2 (entry 6) does not count: path-not-found");
    // Two that count are both judged, whatever they say of each other.
    let both = candidates()
        .choose(&mut |one| (one.name.as_str() == "FAKE-1").then(|| Finding::bare(Reason::PathNotFound)), LIMITS);
    assert_eq!(both.manifests.len(), 2);
    let none = candidates().choose(
        &mut |one| Some(Finding::bare(if one.name.as_str() == "D1" { Reason::CrlStale } else { Reason::PathNotFound })),
        LIMITS,
    );
    assert_eq!(none.manifests.iter().map(|one| one.name.as_str()).collect::<Vec<_>>(), ["D1"]);
}

#[test]
fn more_manifests_than_a_dossier_takes_are_left_out_and_told() {
    let (_folder, intake) = intake();
    let mut shelf = Shelf::default();
    for n in 0..40 {
        shelf.put(&shipment(&format!("D{n}"), &[("P1", "S1", "R1")]), "acme");
    }
    let limits = ecugate_verifier::values::limits::Limits::STANDARD;
    let candidates = intake.candidates(&unit(&["P1"], "S1"), &shelf, &limits).unwrap();
    let chosen = candidates.choose(&mut |_| None, &limits);
    // The newest first.
    let names: Vec<&str> = chosen.manifests.iter().map(|one| one.name.as_str()).collect();
    assert_eq!((names.len(), names[0], names[15]), (16, "D39", "D24"));
    assert_eq!(chosen.left_out, ["shipments that list the serial: 40 found, the newest 16 were looked at"]);
}

/// Overwrites every record of every file of the index by `change`.
fn poison(folder: &Path, change: impl Fn(&mut [u8])) {
    for entry in std::fs::read_dir(folder.join("intake/index")).unwrap() {
        let path = entry.unwrap().path();
        let mut bytes = std::fs::read(&path).unwrap();
        bytes[64..].chunks_mut(40).for_each(&change);
        std::fs::write(path, bytes).unwrap();
    }
}

#[test]
fn an_index_that_names_wrong_documents_names_none_that_is_taken() {
    let (folder, intake) = intake();
    let mut shelf = Shelf::default();
    let first = shelf.put(&shipment("D1", &[("P1", "S1", "R1")]), "acme");
    let second = shelf.put(&shipment("D2", &[("P1", "S2", "R1")]), "acme");
    let found = |number: &str| {
        let found = intake.candidates(&unit(&["P1"], number), &shelf, LIMITS).unwrap();
        names(&found).iter().map(|(_, name)| (*name).to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(found("S1"), ["D1"]);
    let swap = |record: &mut [u8]| {
        let seq = u64::from_be_bytes(record[24..32].try_into().unwrap());
        record[24..32].copy_from_slice(&(first + second - seq).to_be_bytes());
    };
    poison(folder.path(), swap);
    assert_eq!((found("S1"), found("S2")), (Vec::<String>::new(), Vec::new()));
    // Entries that are no documents, and entries that are not there.
    poison(folder.path(), |record| record[24..32].copy_from_slice(&u64::MAX.to_be_bytes()));
    assert_eq!(found("S1"), Vec::<String>::new());
    poison(folder.path(), |record| record.fill(0));
    assert_eq!(found("S1"), Vec::<String>::new());
    intake.reindex(&shelf).unwrap();
    assert_eq!((found("S1"), found("S2")), (vec!["D1".to_owned()], vec!["D2".to_owned()]));
}

#[test]
fn an_index_of_another_ledger_is_not_used() {
    let (_folder, intake) = intake();
    let (mut here, mut there) = (Shelf::default(), Shelf::default());
    here.put(&shipment("D1", &[("P1", "S1", "R1")]), "acme");
    there.put(&shipment("D9", &[("P1", "S9", "R1")]), "acme");
    assert_eq!(intake.candidates(&unit(&["P1"], "S1"), &here, LIMITS).unwrap().all().count(), 1);
    assert_eq!(intake.candidates(&unit(&["P1"], "S9"), &there, LIMITS).unwrap().all().count(), 1);
    assert_eq!(intake.candidates(&unit(&["P1"], "S1"), &there, LIMITS).unwrap().all().count(), 0);
}

#[test]
fn a_lookup_reads_the_documents_of_the_box_and_no_others() {
    let (_folder, intake) = intake();
    let mut shelf = Shelf::default();
    for n in 0..300 {
        shelf.put(&shipment(&format!("D{n}"), &[("P1", &format!("S{n}"), "R1")]), "acme");
    }
    shelf.put(&release("R1", &["P1"], &[]), "acme");
    intake.reindex(&shelf).unwrap();
    shelf.read.store(0, Ordering::SeqCst);
    let found = intake.candidates(&unit(&["P1"], "S17"), &shelf, LIMITS).unwrap();
    assert_eq!(names(&found), [(SeenKind::Shipment, "D17"), (SeenKind::Release, "R1")]);
    assert_eq!(shelf.read.load(Ordering::SeqCst), 2);
}

#[test]
fn of_many_boxes_that_meet_a_missing_index_one_makes_it() {
    let (_folder, intake) = intake();
    let mut shelf = Shelf::default();
    for n in 0..50 {
        shelf.put(&shipment(&format!("D{n}"), &[("P1", &format!("S{n}"), "R1")]), "acme");
    }
    std::thread::scope(|scope| {
        for n in 0..8 {
            let (intake, shelf) = (&intake, &shelf);
            scope.spawn(move || {
                let found = intake.candidates(&unit(&["P1"], &format!("S{n}")), shelf, LIMITS).unwrap();
                assert_eq!(found.all().count(), 1);
            });
        }
    });
    // Each document once for the index, and each box its own.
    assert_eq!(shelf.read.load(Ordering::SeqCst), 50 + 8);
}
