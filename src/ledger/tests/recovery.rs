//! Every place where a crash or an error can cut the write path: nothing is lost, and no two histories are ever signed.

use super::bench::{Bench, Key, ORIGIN, Unit};
use super::marks::put_back;
use super::{clean, states, unit};
use crate::ledger::mark::Counts;
use crate::ledger::{AppendFault, FileMark, Ledger, Mark, Recorded};
use ecugate_verifier::inputs::custody::State;
use ecugate_verifier::syntax::merkle::{Edge, leaf_hash};
use ecugate_verifier::syntax::note::Checkpoint;
use ecugate_verifier::values::digest::Sha256;
use ecugate_verifier::values::finding::Finding;
use ecugate_verifier::values::keys::{PublicKey, Signer};
use ecugate_verifier::values::reason::Reason;
use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

/// The log key of a bench, whose every signature goes to the oracle: one root for each size, whatever happened.
pub(super) struct Oracle<'a> {
    key: &'a Key,
    signed: RefCell<BTreeMap<u64, Sha256>>,
    /// Of the index, which is signed with each checkpoint under a name of its own.
    indices: RefCell<BTreeMap<u64, Sha256>>,
    broken: Cell<bool>,
}

impl<'a> Oracle<'a> {
    fn new(key: &'a Key) -> Self {
        Self { key, signed: RefCell::default(), indices: RefCell::default(), broken: Cell::new(false) }
    }

    /// Every checkpoint ever signed is of the one history that the ledger holds.
    fn require_one_history(&self, ledger: &Ledger) {
        let (size, _) = ledger.head().unwrap();
        let signed = self.signed.borrow();
        let last = signed.keys().last().copied().unwrap_or_default();
        assert!(last <= size, "signed {last}, stored {size}");
        let mut edge = Edge::default();
        for seq in 0..size {
            edge.push(leaf_hash(&ledger.entry(seq).unwrap().unwrap().leaf)).unwrap();
            if let Some(root) = signed.get(&edge.size()) {
                assert_eq!(*root, edge.root(), "two histories at {} entries", edge.size());
            }
        }
    }
}

impl Signer for Oracle<'_> {
    type Error = Finding;

    fn public_key(&self) -> &PublicKey {
        self.key.public_key()
    }

    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, Finding> {
        if self.broken.get() {
            return Err(Finding::bare(Reason::TokenAbsent));
        }
        let checkpoint = Checkpoint::parse(std::str::from_utf8(message).unwrap()).unwrap();
        let signed = if checkpoint.origin.as_str() == ORIGIN { &self.signed } else { &self.indices };
        if let Some(before) = signed.borrow_mut().insert(checkpoint.size, checkpoint.root) {
            assert_eq!(
                before, checkpoint.root,
                "two histories of {} at {} entries",
                checkpoint.origin, checkpoint.size
            );
        }
        self.key.sign(message)
    }
}

/// How a mark ends the process, as far as a test can.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Cut {
    Nowhere,
    BeforeTheMark,
    AfterTheMark,
}

/// The file mark, which fails before or after it was raised; and what the folder of the ledger held at that moment.
struct Cutting {
    file: FileMark,
    cut: Cut,
    ledger: PathBuf,
    wal: Arc<Mutex<u64>>,
}

impl Mark for Cutting {
    fn name(&self) -> String {
        self.file.name()
    }

    fn read(&self) -> Result<Vec<String>, Finding> {
        self.file.read()
    }

    fn begin(&mut self, size: u64, note: &str) -> Result<(), Finding> {
        self.file.begin(size, note)
    }

    fn raise(&mut self, size: u64, note: &str, counts: Counts<'_>) -> Result<(), Finding> {
        *self.wal.lock().unwrap() = std::fs::metadata(&self.ledger).unwrap().len();
        if self.cut == Cut::BeforeTheMark {
            return Err(Finding::bare(Reason::LedgerUnusable));
        }
        self.file.raise(size, note, counts)?;
        if self.cut == Cut::AfterTheMark { Err(Finding::bare(Reason::LedgerUnusable)) } else { Ok(()) }
    }
}

fn wal(bench: &Bench) -> PathBuf {
    PathBuf::from(format!("{}-wal", bench.path().display()))
}

fn opened(bench: &Bench, cut: Cut, length: &Arc<Mutex<u64>>) -> Ledger {
    let mark = Cutting { file: FileMark::at(bench.mark()), cut, ledger: wal(bench), wal: Arc::clone(length) };
    Ledger::open(&bench.path(), bench.trusted(), vec![Box::new(mark)]).unwrap()
}

fn receive(bench: &Bench, ledger: &mut Ledger, unit: &Unit, log: &Oracle<'_>) -> Result<Recorded, AppendFault> {
    let memory = ledger.memory(&unit.keys()).unwrap();
    let receipt = unit.judged(&memory.sightings);
    let append = Bench::append_of(unit, memory.size);
    ledger.append(&append, |place| Ok(bench.placed(&receipt, place.seq)), log)
}

#[test]
fn after_a_cut_anywhere_between_commit_and_answer_the_entry_stands_and_is_covered() {
    for (cut, broken) in [(Cut::Nowhere, true), (Cut::BeforeTheMark, false), (Cut::AfterTheMark, false)] {
        let bench = Bench::new();
        let log = Oracle::new(&bench.log);
        drop(bench.create());
        let length = Arc::default();
        let mut ledger = opened(&bench, cut, &length);
        log.broken.set(broken);
        let pending = receive(&bench, &mut ledger, &unit("S1", 1), &log);
        assert!(matches!(pending, Err(AppendFault::Pending { seq: 2, .. })), "{pending:?}");
        assert_eq!(ledger.head().unwrap().1.unwrap().size(), 2, "no checkpoint that stands in no mark is stored");
        drop(ledger);
        log.broken.set(false);

        // A mark ahead of the stored checkpoint is normal, and so is a tree ahead of both.
        let mut ledger = opened(&bench, Cut::Nowhere, &length);
        assert!(ledger.settle(&log).unwrap());
        assert!(!ledger.settle(&log).unwrap());
        assert_eq!(states(&ledger, &unit("S1", 1)), [(2, State::Accepted)]);
        assert_eq!(ledger.recorded(2).unwrap().size, 3);
        // Presented again, the unit is no clone of itself: its own record answers.
        let evidence = unit("S1", 1).accepted().record.evidence.unwrap();
        assert_eq!(ledger.verdict_of(&unit("S1", 1).attempt(), &evidence).unwrap(), Some(2));
        receive(&bench, &mut ledger, &unit("S2", 2), &log).unwrap();
        log.require_one_history(&ledger);
        clean(&ledger);
    }
}

#[test]
fn the_next_writer_covers_what_several_crashes_left() {
    let bench = Bench::new();
    let log = Oracle::new(&bench.log);
    drop(bench.create());
    let length = Arc::default();
    for (attempt, serial, cut) in
        [(1, "S1", Cut::BeforeTheMark), (2, "S2", Cut::AfterTheMark), (3, "S3", Cut::BeforeTheMark)]
    {
        let pending = receive(&bench, &mut opened(&bench, cut, &length), &unit(serial, attempt), &log);
        assert!(matches!(pending, Err(AppendFault::Pending { .. })), "{pending:?}");
    }
    let mut ledger = opened(&bench, Cut::Nowhere, &length);
    let recorded = receive(&bench, &mut ledger, &unit("S4", 4), &log).unwrap();
    assert_eq!((recorded.seq, recorded.size), (5, 6));
    log.require_one_history(&ledger);
    assert_eq!(clean(&ledger).size, 6);
}

/// Copies the ledger's files as they are on disk.
fn snapshot(bench: &Bench, to: &Path) {
    std::fs::copy(bench.path(), to).unwrap();
    std::fs::copy(wal(bench), format!("{}-wal", to.display())).unwrap();
}

#[test]
fn a_power_cut_that_takes_the_checkpoint_row_away_loses_no_entry_and_the_same_note_is_stored_again() {
    let bench = Bench::new();
    let log = Oracle::new(&bench.log);
    drop(bench.create());
    let length = Arc::default();
    let copy = bench.folder.path().join("copy.db");
    let mut states_tried = 0;
    for (serial, attempt) in [("S1", 1), ("S2", 2), ("S3", 3)] {
        let mut ledger = opened(&bench, Cut::Nowhere, &length);
        let recorded = receive(&bench, &mut ledger, &unit(serial, attempt), &log).unwrap();
        snapshot(&bench, &copy);
        drop(ledger);
        let (durable, whole) = (*length.lock().unwrap(), std::fs::metadata(wal(&bench)).unwrap().len());
        assert!(durable < whole, "the row of the checkpoint follows the commit of the entry");
        // What was synced stays; of what followed any beginning may have reached the disk, torn anywhere.
        for kept in (durable..=whole).step_by(512).chain([whole]) {
            put_back(&bench, &copy);
            let bytes = std::fs::read(format!("{}-wal", copy.display())).unwrap();
            std::fs::write(wal(&bench), &bytes[..usize::try_from(kept).unwrap()]).unwrap();
            let mut ledger = opened(&bench, Cut::Nowhere, &Arc::default());
            let missing = ledger.settle(&log).unwrap();
            assert_eq!(missing, kept < whole);
            assert_eq!(ledger.recorded(recorded.seq).unwrap(), recorded);
            log.require_one_history(&ledger);
            states_tried += 1;
        }
    }
    assert!(states_tried > 20, "{states_tried}");
    clean(&bench.open());
}

#[test]
fn two_processes_that_write_in_turn_never_call_each_other_a_fork() {
    let bench = Bench::new();
    drop(bench.create());
    let start = std::sync::Barrier::new(2);
    let serials: Vec<[&'static str; 6]> =
        vec![["A1", "A2", "A3", "A4", "A5", "A6"], ["B1", "B2", "B3", "B4", "B5", "B6"]];
    std::thread::scope(|scope| {
        for (writer, serials) in serials.into_iter().enumerate() {
            let (bench, start) = (&bench, &start);
            scope.spawn(move || {
                let mut ledger = bench.open();
                start.wait();
                for (number, serial) in serials.into_iter().enumerate() {
                    let attempt = u8::try_from(writer * 10 + number).unwrap();
                    bench.receive(&mut ledger, &Unit { serial, attempt }).unwrap();
                    drop(bench.open());
                }
            });
        }
    });
    let ledger = bench.open();
    assert_eq!(clean(&ledger).size, 14);
}

#[test]
fn a_checkpoint_that_could_not_be_stored_is_stored_when_the_ledger_is_settled() {
    let bench = Bench::new();
    let log = Oracle::new(&bench.log);
    drop(bench.create());
    let mut ledger = opened(&bench, Cut::Nowhere, &Arc::default());
    ledger
        .writer
        .execute_batch("CREATE TEMP TRIGGER no BEFORE INSERT ON main.checkpoint BEGIN SELECT RAISE(ABORT, 'no'); END")
        .unwrap();
    let pending = receive(&bench, &mut ledger, &unit("S1", 1), &log);
    assert!(matches!(pending, Err(AppendFault::Pending { seq: 2, .. })), "{pending:?}");
    drop(ledger);
    assert!(bench.open().settle(&log).unwrap());
    log.require_one_history(&bench.open());
    clean(&bench.open());
}
