//! The guard: a ledger put back, cut, forked, or opened without its mark; and marks that hold what nobody signed.

use super::bench::{Bench, Key, ORIGIN, Unit};
use super::{clean, unit};
use crate::ledger::mark::Counts;
use crate::ledger::{FileMark, Ledger, LedgerFault, Mark};
use ecugate_verifier::syntax::note::{Checkpoint, Origin};
use ecugate_verifier::values::digest::Sha256;
use ecugate_verifier::values::finding::Finding;
use ecugate_verifier::values::reason::Reason;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

/// Objects on a token in miniature: many notes, which anybody may add to.
#[derive(Clone, Default)]
pub(super) struct Rungs {
    pub(super) notes: Arc<Mutex<Vec<String>>>,
    pub(super) away: bool,
}

impl Mark for Rungs {
    fn name(&self) -> String {
        "rungs".to_owned()
    }

    fn is_required(&self) -> bool {
        false
    }

    fn read(&self) -> Result<Vec<String>, Finding> {
        if self.away { Err(Finding::bare(Reason::TokenAbsent)) } else { Ok(self.notes.lock().unwrap().clone()) }
    }

    fn begin(&mut self, size: u64, note: &str) -> Result<(), Finding> {
        self.raise(size, note, &|_| None)
    }

    fn raise(&mut self, _size: u64, note: &str, _counts: Counts<'_>) -> Result<(), Finding> {
        if self.away {
            return Err(Finding::bare(Reason::TokenAbsent));
        }
        self.notes.lock().unwrap().push(note.to_owned());
        Ok(())
    }
}

/// A copy of the ledger's file with everything in it.
fn copy(bench: &Bench, name: &str) -> PathBuf {
    let path = bench.folder.path().join(name);
    let raw = rusqlite::Connection::open(bench.path()).unwrap();
    raw.execute("VACUUM INTO ?", [path.to_str().unwrap()]).unwrap();
    let copy = rusqlite::Connection::open(&path).unwrap();
    copy.pragma_update_and_check(None, "journal_mode", "WAL", |_| Ok(())).unwrap();
    path
}

pub(super) fn put_back(bench: &Bench, copy: &Path) {
    for suffix in ["", "-wal", "-shm"] {
        let _ = std::fs::remove_file(format!("{}{suffix}", bench.path().display()));
    }
    std::fs::copy(copy, bench.path()).unwrap();
}

fn received(bench: &Bench, units: &[(&'static str, u8)]) {
    let mut ledger = bench.open();
    for (serial, attempt) in units {
        bench.receive(&mut ledger, &Unit { serial, attempt: *attempt }).unwrap();
    }
}

fn opened(bench: &Bench, marks: Vec<Box<dyn Mark>>) -> Result<Ledger, LedgerFault> {
    Ledger::open(&bench.path(), bench.trusted(), marks)
}

fn refusal(bench: &Bench, marks: Vec<Box<dyn Mark>>) -> (Reason, String) {
    let fault = opened(bench, marks).map(drop).unwrap_err();
    let finding = Finding::from(fault.clone());
    assert_eq!(finding.reason, fault.reason());
    (finding.reason, format!("{} / {}", finding.expected, finding.found))
}

fn slots(bench: &Bench) -> [PathBuf; 2] {
    ["high-water.0.note", "high-water.1.note"].map(|slot| bench.mark().join(slot))
}

/// The note of the larger size, in a mark of fewer than ten entries.
pub(super) fn marked(bench: &Bench) -> Vec<u8> {
    slots(bench).map(|slot| std::fs::read(slot).unwrap()).into_iter().max().unwrap()
}

/// A mark that knows of this note alone.
pub(super) fn put_mark(bench: &Bench, note: impl AsRef<[u8]>) {
    slots(bench).iter().for_each(|slot| std::fs::write(slot, &note).unwrap());
}

/// Attack class 59: an older copy restored. Its signatures and its checkpoint are all right.
#[test]
fn attack_59_an_older_copy_of_the_ledger_is_refused_and_both_sizes_are_named() {
    let bench = Bench::new();
    drop(bench.create());
    received(&bench, &[("S1", 1)]);
    let older = copy(&bench, "older.db");
    received(&bench, &[("S2", 2), ("S3", 3)]);
    put_back(&bench, &older);
    clean(&bench.look().unwrap());
    let (reason, words) = refusal(&bench, bench.marks());
    assert_eq!(reason, Reason::LedgerRolledBack);
    assert!(words.contains("5 entries") && words.ends_with("/ 3 entries"), "{words}");
}

/// Attack class 59: a gate that is running while the file is changed below it, or that opened it before.
#[test]
fn attack_59_a_ledger_put_back_below_a_running_gate_is_not_covered_by_a_checkpoint() {
    let bench = Bench::new();
    drop(bench.create());
    let older = copy(&bench, "older.db");
    received(&bench, &[("S1", 1), ("S2", 2)]);
    let mark = FileMark::at(bench.mark()).read().unwrap();
    put_back(&bench, &older);
    // The mark was hidden while the older copy was opened.
    let hidden = bench.folder.path().join("hidden");
    std::fs::rename(bench.mark(), &hidden).unwrap();
    std::fs::create_dir(bench.mark()).unwrap();
    let first = bench.look().unwrap().head().unwrap().1.unwrap();
    let signed = Checkpoint { origin: Origin::new(ORIGIN).unwrap(), size: 2, root: *first.root() }.sign(&bench.log);
    put_mark(&bench, signed.unwrap().note);
    let mut ledger = bench.open();
    std::fs::remove_dir_all(bench.mark()).unwrap();
    std::fs::rename(&hidden, bench.mark()).unwrap();
    let pending = bench.receive(&mut ledger, &unit("S9", 9)).map(drop).unwrap_err();
    let cause = Finding::from(pending.clone());
    assert_eq!(pending.reason(), Reason::NotConfirmed);
    assert!(cause.found.starts_with("ledger-rolled-back"), "{cause:?}");
    let reason = ledger.settle(&bench.log).unwrap_err().reason();
    assert_eq!(reason, Reason::LedgerRolledBack);
    assert_eq!(FileMark::at(bench.mark()).read().unwrap(), mark);
}

/// Attack class 59: an older copy that was written on, past the mark.
#[test]
fn attack_59_another_history_of_the_same_log_is_refused() {
    let bench = Bench::new();
    drop(bench.create());
    let older = copy(&bench, "older.db");
    received(&bench, &[("S1", 1), ("S2", 2)]);
    let mark = marked(&bench);
    for (longer, units) in [(false, &[("S3", 3), ("S4", 4)][..]), (true, &[("S3", 3), ("S4", 4), ("S5", 5)][..])] {
        put_back(&bench, &older);
        put_mark(&bench, bench.look().unwrap().recorded(1).unwrap().checkpoint);
        received(&bench, units);
        put_mark(&bench, &mark);
        let (reason, words) = refusal(&bench, bench.marks());
        assert_eq!(reason, Reason::LedgerForked, "longer: {longer}");
        let size = if longer { "of 5 entries" } else { "of 4 entries" };
        assert!(words.contains("the 4 entries") && words.contains(size), "{words}");
    }
}

/// Attack class 59: nodes are derived; whoever forges those of an earlier size changes no root that is verified.
#[test]
fn attack_59_nodes_forged_to_lead_to_the_mark_do_not_help_another_history() {
    let bench = Bench::new();
    drop(bench.create());
    let older = copy(&bench, "older.db");
    received(&bench, &[("S1", 1)]);
    let mark = marked(&bench);
    let honest = super::tampering::raw(&bench.path());
    let node = |level: u8, index: u64| -> Vec<u8> {
        honest.query_row("SELECT hash FROM node WHERE level = ? AND idx = ?", (level, index), |row| row.get(0)).unwrap()
    };
    let leaf = node(0, 2);
    drop(honest);
    put_back(&bench, &older);
    put_mark(&bench, bench.look().unwrap().recorded(1).unwrap().checkpoint);
    received(&bench, &[("S3", 3), ("S4", 4)]);
    put_mark(&bench, &mark);
    super::tampering::with_guards_off(&bench.path(), |raw| {
        raw.execute("UPDATE node SET hash = ? WHERE level = 0 AND idx = 2", [leaf]).unwrap();
    });
    assert_eq!(refusal(&bench, bench.marks()).0, Reason::LedgerForked);
}

#[test]
fn a_mark_that_is_away_or_empty_closes_the_ledger_and_is_never_made_anew() {
    let bench = Bench::new();
    let mut ledger = bench.create();
    let note = marked(&bench);
    std::fs::remove_file(&slots(&bench)[0]).unwrap();
    assert_eq!(refusal(&bench, bench.marks()).0, Reason::MarkMissing);
    // Also for who has it open already.
    let pending = bench.receive(&mut ledger, &unit("S1", 1)).map(drop).unwrap_err();
    assert!(Finding::from(pending).found.starts_with("mark-missing"));
    assert!(!slots(&bench)[0].exists());
    assert_eq!(ledger.settle(&bench.log).unwrap_err().reason(), Reason::MarkMissing);
    for content in [&b""[..], b"nothing signed", b"\xff\xfe", &[b'x'; 70_000]] {
        put_mark(&bench, content);
        assert_eq!(refusal(&bench, bench.marks()).0, Reason::MarkMissing);
    }
    put_mark(&bench, note);
    assert!(bench.open().settle(&bench.log).unwrap());
    clean(&bench.open());
}

#[test]
fn without_a_mark_the_ledger_is_opened_only_to_be_read() {
    let bench = Bench::new();
    drop(bench.create());
    let mut ledger = bench.look().unwrap();
    clean(&ledger);
    let refused = bench.receive(&mut ledger, &unit("S1", 1)).map(drop).unwrap_err();
    assert_eq!(refused.reason(), Reason::MarkMissing);
    assert_eq!(ledger.settle(&bench.log).unwrap_err().reason(), Reason::MarkMissing);
    let mut ledger = opened(&bench, vec![Box::new(Rungs::default())]).unwrap();
    let refused = bench.receive(&mut ledger, &unit("S1", 1)).map(drop).unwrap_err();
    assert_eq!(refused.reason(), Reason::MarkMissing, "a mark that is not required is not enough");
    assert_eq!(ledger.head().unwrap().0, 2);
}

#[test]
fn a_new_ledger_is_not_begun_beside_the_mark_of_another_one() {
    let bench = Bench::new();
    drop(bench.create());
    for suffix in ["", "-wal", "-shm"] {
        let _ = std::fs::remove_file(format!("{}{suffix}", bench.path().display()));
    }
    let refused = bench.create_at(&bench.path()).map(drop).unwrap_err();
    assert_eq!(refused.reason(), Reason::LedgerExists);
    assert!(!bench.path().exists());
}

/// Attack class 68: an unsigned or huge high-water rung that stops the site.
#[test]
fn attack_68_a_note_that_nobody_entitled_signed_is_reported_and_stops_nothing() {
    let bench = Bench::new();
    drop(bench.create());
    received(&bench, &[("S1", 1)]);
    let (size, root) = (u64::MAX, Sha256::of(b"forged"));
    let signed = |origin: &str, key: &Key| {
        Checkpoint { origin: Origin::new(origin).unwrap(), size, root }.sign(key).unwrap().note
    };
    let genuine = signed(ORIGIN, &Key::ed25519(50));
    let rungs = Rungs::default();
    *rungs.notes.lock().unwrap() = vec![
        "18446744073709551615".to_owned(),
        format!("{ORIGIN}\n{size}\n{}\n\n", "A".repeat(44)),
        genuine.replace(ORIGIN, "trial.other.example"),
        genuine,
        signed("trial.other.example", &bench.log),
        "x".repeat(70_000),
        String::new(),
    ];
    let marks = || -> Vec<Box<dyn Mark>> { vec![Box::new(FileMark::at(bench.mark())), Box::new(rungs.clone())] };
    let mut ledger = opened(&bench, marks()).unwrap();
    let reasons: Vec<_> = ledger.marks_reported().iter().map(|finding| finding.reason).collect();
    let malformed = Reason::NoteMalformed;
    let expected = [
        malformed,
        malformed,
        Reason::NoteSignatureMissing,
        Reason::NoteSignatureMissing,
        Reason::NoteSignatureMissing,
    ];
    assert_eq!(reasons[..5], expected);
    assert_eq!(reasons[5..], [Reason::InputTooLarge, malformed]);
    assert!(ledger.marks_reported().iter().all(|finding| finding.place.starts_with("rungs: ")));
    bench.receive(&mut ledger, &unit("S2", 2)).unwrap();
    // And the honest one among them still counts.
    assert_eq!(rungs.notes.lock().unwrap().len(), 8);
    clean(&opened(&bench, marks()).unwrap());
}

/// Attack class 68: in the file too, of which one slot is enough; and the mark goes up meanwhile.
#[test]
fn attack_68_a_huge_note_in_one_slot_is_reported_stops_nothing_and_is_written_over() {
    let bench = Bench::new();
    drop(bench.create());
    received(&bench, &[("S1", 1)]);
    let honest = String::from_utf8(marked(&bench)).unwrap();
    let root = Sha256::of(b"forged");
    let by_another = Checkpoint { origin: Origin::new(ORIGIN).unwrap(), size: 1 << 60, root }.sign(&Key::ed25519(50));
    let forged = [honest.replacen("\n3\n", "\n1152921504606846976\n", 1), by_another.unwrap().note];
    for (forged, unit) in forged.iter().zip([unit("S2", 2), unit("S3", 3)]) {
        let [first, second] = slots(&bench);
        let older = if std::fs::read(&first).unwrap() == marked(&bench) { second } else { first };
        std::fs::write(&older, forged).unwrap();
        let mut ledger = bench.open();
        assert_eq!(ledger.marks_reported().len(), 1);
        bench.receive(&mut ledger, &unit).unwrap();
        let size = ledger.head().unwrap().0;
        assert!(std::fs::read_to_string(&older).unwrap().starts_with(&format!("{ORIGIN}\n{size}\n")));
        assert_eq!(bench.open().marks_reported(), []);
    }
}

/// A power cut in the middle of a note.
#[test]
fn a_torn_slot_is_reported_once_and_the_ledger_is_held_against_the_other() {
    let bench = Bench::new();
    drop(bench.create());
    let older = copy(&bench, "older.db");
    received(&bench, &[("S1", 1), ("S2", 2)]);
    let [first, second] = slots(&bench);
    assert_eq!(std::fs::read(&second).unwrap(), marked(&bench));
    let note = std::fs::read(&first).unwrap();
    std::fs::write(&first, &note[..note.len() / 2]).unwrap();
    let mut ledger = bench.open();
    assert_eq!(ledger.marks_reported().len(), 1);
    bench.receive(&mut ledger, &unit("S3", 3)).unwrap();
    assert_eq!(bench.open().marks_reported(), []);
    // Whichever is torn, what was put back is noticed.
    put_back(&bench, &older);
    for torn in [first, second] {
        let note = std::fs::read(&torn).unwrap();
        std::fs::write(&torn, &note[..note.len() - 2]).unwrap();
        assert_eq!(refusal(&bench, bench.marks()).0, Reason::LedgerRolledBack);
        std::fs::write(&torn, note).unwrap();
    }
}

#[test]
fn the_largest_note_of_all_marks_counts() {
    let bench = Bench::new();
    drop(bench.create());
    let rungs = Rungs::default();
    let older = copy(&bench, "older.db");
    let note = marked(&bench);
    let marks = || -> Vec<Box<dyn Mark>> { vec![Box::new(FileMark::at(bench.mark())), Box::new(rungs.clone())] };
    bench.receive(&mut opened(&bench, marks()).unwrap(), &unit("S1", 1)).unwrap();
    // The file went back together with the ledger; the token did not.
    put_back(&bench, &older);
    put_mark(&bench, note);
    assert_eq!(refusal(&bench, marks()).0, Reason::LedgerRolledBack);
    drop(opened(&bench, bench.marks()).unwrap());
}

#[test]
fn a_mark_that_is_not_required_and_away_is_reported() {
    let bench = Bench::new();
    drop(bench.create());
    let away = Rungs { away: true, ..Rungs::default() };
    let mut ledger = opened(&bench, vec![Box::new(FileMark::at(bench.mark())), Box::new(away)]).unwrap();
    bench.receive(&mut ledger, &unit("S1", 1)).unwrap();
    assert_eq!(
        ledger.marks_reported().iter().map(|finding| finding.reason).collect::<Vec<_>>(),
        [Reason::TokenAbsent; 2]
    );
}
