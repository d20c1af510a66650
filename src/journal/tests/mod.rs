//! The journal: attempts, who may go on with one, tags; and its chain of lines.

mod chain;

use super::{Begun, Digests, Hold, Journal, JournalFault, Tag, Wanted};
use ecugate_verifier::documents::receipt::UnitName;
use ecugate_verifier::values::attempt::{Attempt, Nonce};
use ecugate_verifier::values::digest::Sha256;
use ecugate_verifier::values::finding::Finding;
use ecugate_verifier::values::ident::{Name, Serial, UnitKey};
use ecugate_verifier::values::reason::Reason;
use ecugate_verifier::values::time::Time;
use std::path::{Path, PathBuf};

fn folder() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    Journal::create(folder.path(), None).unwrap();
    folder
}

fn open(folder: &Path, gate: u8) -> Journal {
    Journal::open(folder, nonce(gate)).unwrap()
}

/// Lines of a segment, where a test fills some.
const LINES: u64 = 20;

fn open_short(folder: &Path, gate: u8) -> Journal {
    Journal::open_with(folder, nonce(gate), LINES).unwrap()
}

fn nonce(n: u8) -> Nonce {
    Nonce::from_bytes([n; 16])
}

fn number(n: u64) -> Nonce {
    let mut bytes = [0; 16];
    bytes[8..].copy_from_slice(&n.to_be_bytes());
    Nonce::from_bytes(bytes)
}

fn name(text: &str) -> Name {
    Name::new(text).unwrap()
}

fn any_of_dock_1(fresh: Nonce) -> Wanted {
    Wanted::Any { station: name("dock-1"), fresh }
}

fn label(text: &str) -> Sha256 {
    Sha256::of(text.as_bytes())
}

/// A box as it is presented; no store adds a paper.
fn the_box(text: &str) -> Digests {
    with_papers(text, text)
}

/// The same box, and what a store made of it.
fn with_papers(text: &str, all: &str) -> Digests {
    Digests { presented: label(text), evidence: label(all) }
}

fn at(seconds: i64) -> Time {
    Time::from_unix_seconds(seconds).unwrap()
}

fn begin(journal: &Journal, evidence: &str, fresh: u8) -> Begun {
    journal.begin(&any_of_dock_1(nonce(fresh)), the_box(evidence), at(i64::from(fresh))).unwrap()
}

fn end(journal: &Journal, begun: &Begun) {
    journal.end(&begun.attempt, begun.evidence).unwrap();
}

fn a_hold(begun: &Begun) -> Hold {
    Hold {
        attempt: begun.attempt.clone(),
        evidence: begun.evidence,
        time: at(9),
        findings: vec![Finding::new(Reason::TokenAbsent, "token", "a token", "\u{1b}[2J none")],
        keys: vec![UnitKey::serial(&Serial::new("S1").unwrap())],
        unit: UnitName { serial: Some(Serial::new("S1").unwrap()), ..UnitName::default() },
        operator: Some(name("op-7")),
        order: None,
    }
}

fn hold(journal: &Journal, begun: &Begun) -> Tag {
    journal.hold(a_hold(begun)).unwrap()
}

/// Segments and lines.
fn size(folder: &Path) -> (u64, u64) {
    let seen = Journal::audit(folder).unwrap();
    (seen.segments, seen.lines)
}

fn segment(folder: &Path, number: u64) -> PathBuf {
    folder.join(format!("{number:06}.jsonl"))
}

#[test]
fn an_attempt_that_did_not_end_is_gone_on_with_once_its_gate_is_dead() {
    let folder = folder();
    let first = open(folder.path(), 1);
    let begun = begin(&first, "box", 10);
    assert_eq!((begun.attempt.nonce, begun.is_resumed, begun.begun), (nonce(10), false, at(10)));
    drop(first);
    let second = open(folder.path(), 2);
    let resumed = begin(&second, "box", 11);
    assert_eq!((resumed.attempt.nonce, resumed.is_resumed, resumed.begun), (nonce(10), true, at(10)));
    // Once: it is the second gate's now.
    let third = open(folder.path(), 3);
    assert_eq!(begin(&third, "box", 12).attempt.nonce, nonce(12));
    end(&second, &resumed);
    drop(second);
    assert_eq!(begin(&open(folder.path(), 4), "box", 13).attempt.nonce, nonce(13));
}

#[test]
fn an_attempt_of_a_living_gate_another_station_or_other_evidence_is_another_box() {
    let folder = folder();
    let first = open(folder.path(), 1);
    begin(&first, "box", 10);
    // The same gate, while it works on it; and another gate, while the first one lives.
    assert_eq!(begin(&first, "box", 11).attempt.nonce, nonce(11));
    let second = open(folder.path(), 2);
    assert_eq!(begin(&second, "box", 12).attempt.nonce, nonce(12));
    drop(first);
    assert_eq!(begin(&second, "other", 13).attempt.nonce, nonce(13));
    let elsewhere = Wanted::Any { station: name("dock-2"), fresh: nonce(14) };
    assert_eq!(second.begin(&elsewhere, the_box("box"), at(1)).unwrap().attempt.nonce, nonce(14));
    // Both of the dead gate's, each once, the older first.
    for expected in [10, 11, 15] {
        assert_eq!(begin(&second, "box", 15).attempt.nonce, nonce(expected));
    }
}

#[test]
fn a_box_is_known_by_what_came_with_it_whatever_papers_a_store_has_by_now() {
    let folder = folder();
    let first = open(folder.path(), 1);
    let ask =
        |gate: &Journal, of: Digests, fresh| gate.begin(&any_of_dock_1(nonce(fresh)), of, at(fresh.into())).unwrap();
    ask(&first, with_papers("box", "box and a list"), 10);
    ask(&first, with_papers("box", "box and two lists"), 11);
    drop(first);
    let second = open(folder.path(), 2);
    // The one with the same papers first, though another one began before.
    for (expected, evidence) in [(11, "box and two lists"), (10, "box and a list"), (12, "box and two lists")] {
        let begun = ask(&second, with_papers("box", "box and two lists"), 12);
        assert_eq!((begun.attempt.nonce, begun.evidence), (nonce(expected), label(evidence)));
        assert_eq!(begun.is_resumed, expected != 12);
    }
    drop(second);
    // The same papers, handed over this time.
    let third = open(folder.path(), 3);
    assert!(ask(&third, with_papers("box, a list", "box and a list"), 13).is_resumed);
    assert!(!ask(&third, with_papers("box, a list", "box, a list, a paper"), 14).is_resumed);
}

#[test]
fn a_numbered_box_is_known_by_what_came_with_it_too_and_is_one_at_a_time() {
    let folder = folder();
    let attempt = Attempt { station: name("dock-1"), nonce: nonce(10) };
    let ask = |gate: &Journal, of: Digests| gate.begin(&Wanted::This(attempt.clone()), of, at(1));
    let first = open(folder.path(), 1);
    ask(&first, with_papers("box", "box and a list")).unwrap();
    let second = open(folder.path(), 2);
    let refused = ask(&second, with_papers("box", "box and two lists"));
    assert_eq!(refused, Err(JournalFault::InProgress(attempt.clone())));
    drop(first);
    let begun = ask(&second, with_papers("box", "box and two lists")).unwrap();
    assert_eq!((begun.is_resumed, begun.evidence), (true, label("box and a list")));
    end(&second, &begun);
    let begun = ask(&second, with_papers("box", "box and two lists")).unwrap();
    assert_eq!((begun.is_resumed, begun.evidence), (false, label("box and two lists")));
}

#[test]
fn an_attempt_that_a_call_left_open_is_gone_on_with_by_the_same_gate() {
    let folder = folder();
    let gate = open(folder.path(), 1);
    let begun = begin(&gate, "box", 10);
    gate.let_go(&begun.attempt, begun.evidence);
    let again = begin(&gate, "box", 11);
    assert_eq!((again.attempt.nonce, again.is_resumed), (nonce(10), true));
}

#[test]
fn a_gate_whose_file_is_gone_is_taken_for_living() {
    let folder = folder();
    let gate = open(folder.path(), 1);
    begin(&gate, "box", 10);
    drop(gate);
    std::fs::remove_file(folder.path().join("live").join(format!("{}.lock", nonce(1)))).unwrap();
    assert_eq!(begin(&open(folder.path(), 2), "box", 11).attempt.nonce, nonce(11));
}

#[test]
fn files_of_dead_gates_go_once_nothing_open_names_them() {
    let folder = folder();
    let live = || std::fs::read_dir(folder.path().join("live")).unwrap().count();
    let first = open(folder.path(), 1);
    begin(&first, "box", 10);
    drop(first);
    assert_eq!(live(), 1, "its attempt is open");
    let second = open(folder.path(), 2);
    assert_eq!(live(), 2);
    let resumed = begin(&second, "box", 11);
    end(&second, &resumed);
    drop(second);
    assert_eq!(live(), 1, "a gate that left nothing open leaves no file");
    let third = open(folder.path(), 3);
    assert_eq!(live(), 1, "and the first one's is swept");
    drop(third);
    assert_eq!(live(), 0);
}

#[test]
fn a_numbered_attempt_in_progress_is_refused_and_a_left_one_is_gone_on_with() {
    let folder = folder();
    let gate = open(folder.path(), 1);
    let attempt = Attempt { station: name("dock-1"), nonce: nonce(10) };
    let ask = |gate: &Journal, evidence| gate.begin(&Wanted::This(attempt.clone()), the_box(evidence), at(1));
    let begun = ask(&gate, "box").unwrap();
    assert_eq!(ask(&gate, "box"), Err(JournalFault::InProgress(attempt.clone())));
    let other = open(folder.path(), 2);
    assert_eq!(ask(&other, "box"), Err(JournalFault::InProgress(attempt.clone())));
    // The number under other evidence is another question, which the ledger answers.
    assert!(!ask(&other, "another box").unwrap().is_resumed);
    end(&gate, &begun);
    assert!(!ask(&other, "box").unwrap().is_resumed);
    drop(other);
    assert!(ask(&gate, "box").unwrap().is_resumed);
}

#[test]
fn tags_count_up_over_gates_and_segments_and_are_never_given_twice() {
    let folder = folder();
    let (first, second) = (open(folder.path(), 1), open(folder.path(), 2));
    let mut tags = Vec::new();
    for n in 0..6 {
        let gate = if n % 2 == 0 { &first } else { &second };
        let begun = begin(gate, "box", 10 + n);
        tags.push(hold(gate, &begun).to_string());
        end(gate, &begun);
    }
    assert_eq!(tags, ["H-000001", "H-000002", "H-000003", "H-000004", "H-000005", "H-000006"]);
    let all: Vec<Tag> = first.kept().unwrap().iter().map(|kept| kept.tag).collect();
    second.entered(vec![(all[0], 7), (all[1], 8), (all[5], 9)]).unwrap();
    // Noted once more by somebody who entered the same.
    first.entered(vec![(all[0], 7)]).unwrap();
    drop((first, second));
    let third = open(folder.path(), 3);
    let kept: Vec<String> = third.kept().unwrap().iter().map(|kept| kept.tag.to_string()).collect();
    assert_eq!(kept, ["H-000003", "H-000004", "H-000005"]);
    assert_eq!(hold(&third, &begin(&third, "box", 30)).to_string(), "H-000007");
}

#[test]
fn a_journal_in_the_place_of_a_lost_one_gives_no_tag_again() {
    let folder = tempfile::tempdir().unwrap();
    Journal::create(folder.path(), Tag::parse("H-000419")).unwrap();
    let gate = open(folder.path(), 1);
    let begun = begin(&gate, "box", 10);
    assert_eq!(hold(&gate, &begun).to_string(), "H-000420");
    let seen = Journal::audit(folder.path()).unwrap();
    assert_eq!((seen.next_tag.to_string().as_str(), seen.kept.len()), ("H-000421", 1));
    assert_eq!(seen.open, [(begun.attempt, at(10))]);
}

#[test]
fn a_resumed_attempt_brings_the_hold_along_that_it_came_to() {
    let folder = folder();
    let first = open(folder.path(), 1);
    let begun = begin(&first, "box", 10);
    let tag = hold(&first, &begun);
    drop(first);
    let kept = begin(&open(folder.path(), 2), "box", 11).kept.unwrap();
    assert_eq!((kept.tag, kept.hold), (tag, a_hold(&begun)));
}
