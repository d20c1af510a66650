//! The chain of lines: torn ends, holes, changed bytes, segments, and what is written at once.

use super::{
    LINES, a_hold, any_of_dock_1, at, begin, end, folder, hold, label, name, nonce, number, open, open_short, segment,
    size, the_box,
};
use crate::journal::line::{Began, Carried, Ended, Entered, Held, Line, Resumed, Says};
use crate::journal::{Begun, Hold, Journal, JournalFault, Tag, locked};
use ecugate_verifier::documents::receipt::UnitName;
use ecugate_verifier::values::attempt::{Attempt, Nonce};
use ecugate_verifier::values::digest::Sha256;
use ecugate_verifier::values::finding::Finding;
use ecugate_verifier::values::ident::{KeyKind, UnitKey};
use ecugate_verifier::values::reason::Reason;
use ecugate_verifier::values::time::Time;
use proptest::prelude::{Just, ProptestConfig, Strategy, any, prop_oneof, proptest};

/// A journal with a line of every kind, and its bytes.
fn with_lines() -> (tempfile::TempDir, Vec<u8>) {
    let folder = folder();
    let gate = open(folder.path(), 1);
    let one = begin(&gate, "one", 10);
    let tag = hold(&gate, &one);
    end(&gate, &one);
    begin(&gate, "two", 11);
    gate.entered(vec![(tag, 3)]).unwrap();
    let three = begin(&gate, "three", 12);
    hold(&gate, &three);
    drop(gate);
    let text = std::fs::read(segment(folder.path(), 1)).unwrap();
    (folder, text)
}

#[test]
fn an_end_torn_at_any_byte_is_cut_off_and_everything_before_it_holds() {
    let (folder, whole) = with_lines();
    let path = segment(folder.path(), 1);
    let ends: Vec<usize> = (0..whole.len()).filter(|at| whole[*at] == b'\n').collect();
    // Two lines: a hold, and a short one before it.
    for length in ends[ends.len() - 3] + 1..=whole.len() {
        std::fs::write(&path, &whole[..length]).unwrap();
        let journal = open(folder.path(), 9);
        begin(&journal, "new", 99);
        drop(journal);
        let text = std::fs::read(&path).unwrap();
        let kept = whole[..length].iter().rposition(|byte| *byte == b'\n').unwrap() + 1;
        assert_eq!(text[..kept], whole[..kept], "cut at {length}");
        assert_eq!(text[kept..].iter().filter(|byte| **byte == b'\n').count(), 1, "cut at {length}");
        Journal::audit(folder.path()).unwrap();
    }
}

#[test]
fn an_end_torn_under_an_open_gate_is_cut_off_by_the_next_writer() {
    let folder = folder();
    let (first, second) = (open(folder.path(), 1), open(folder.path(), 2));
    begin(&first, "one", 10);
    let path = segment(folder.path(), 1);
    let whole = std::fs::read(&path).unwrap();
    // As a writer that dies in the middle of a write leaves it.
    std::fs::write(&path, [&whole[..], b"{\"before\":\"00"].concat()).unwrap();
    begin(&second, "two", 11);
    begin(&first, "three", 12);
    assert_eq!(size(folder.path()), (1, 4));
}

#[test]
fn a_hole_that_a_power_cut_left_in_the_last_line_is_cut_off_and_one_before_it_is_found() {
    let (folder, whole) = with_lines();
    let path = segment(folder.path(), 1);
    let ends: Vec<usize> = (0..whole.len()).filter(|at| whole[*at] == b'\n').collect();
    let line = ends[ends.len() - 2] + 1;
    for (from, to) in [(line, whole.len() - 1), (line + 7, line + 8), (line, line + 1)] {
        let mut text = whole.clone();
        text[from..to].fill(0);
        std::fs::write(&path, &text).unwrap();
        begin(&open(folder.path(), 9), "new", 99);
        let text = std::fs::read(&path).unwrap();
        assert_eq!(text[..line], whole[..line]);
        assert_eq!(text[line..].iter().filter(|byte| **byte == b'\n').count(), 1);
    }
    // Every write is on the disk before the next begins: a hole with something after it is none of a power cut.
    for at in [3, line - 2] {
        let mut text = whole.clone();
        text[at] = 0;
        std::fs::write(&path, &text).unwrap();
        assert_eq!(Journal::open(folder.path(), nonce(9)).unwrap_err().reason(), Reason::JournalDiffers);
    }
}

#[test]
fn every_flipped_bit_is_found_and_the_line_named() {
    let (folder, whole) = with_lines();
    let path = segment(folder.path(), 1);
    let lines = whole.iter().filter(|byte| **byte == b'\n').count();
    for at in 0..whole.len() {
        let line = whole[..at].iter().filter(|byte| **byte == b'\n').count() + 1;
        let mut text = whole.clone();
        text[at] ^= 1 << (at % 8);
        std::fs::write(&path, &text).unwrap();
        // The last line is named by none that follows; and without its end it was never acknowledged.
        let last = line == lines;
        match Journal::open(folder.path(), nonce(9)) {
            Err(JournalFault::Differs { place, .. }) => {
                let named = [format!(" line {line}"), format!(" line {}", line + 1)];
                assert!(named.iter().any(|named| place.ends_with(named)), "byte {at} in line {line}: {place}");
            }
            Ok(_) if last => {}
            other => panic!("byte {at} in line {line}: {other:?}"),
        }
    }
}

#[test]
fn a_line_taken_out_doubled_or_exchanged_is_found() {
    let (folder, whole) = with_lines();
    let path = segment(folder.path(), 1);
    let lines: Vec<&[u8]> = whole.split_inclusive(|byte| *byte == b'\n').collect();
    let refused = |text: Vec<&[u8]>| {
        std::fs::write(&path, text.concat()).unwrap();
        let fault = Journal::open(folder.path(), nonce(9)).unwrap_err();
        assert_eq!(fault.reason(), Reason::JournalDiffers);
    };
    for at in 0..lines.len() - 1 {
        refused([&lines[..at], &lines[at + 1..]].concat());
        refused([&lines[..=at], &lines[at..]].concat());
        let mut exchanged = lines.clone();
        exchanged.swap(at, at + 1);
        refused(exchanged);
    }
}

#[test]
fn a_line_that_follows_from_none_before_it_is_refused_though_its_chain_holds() {
    let begun = Begun {
        attempt: Attempt { station: name("dock-1"), nonce: nonce(10) },
        evidence: label("box"),
        begun: at(1),
        is_resumed: false,
        kept: None,
    };
    let (attempt, evidence) = (begun.attempt.clone(), begun.evidence);
    let began =
        Says::Began(Began { attempt: attempt.clone(), evidence, presented: evidence, time: at(1), gate: nonce(1) });
    let held = |tag| Says::Held(Held { tag, hold: Box::new(a_hold(&begun)) });
    let (first, next) = (held(Tag::FIRST), held(Tag::FIRST.next()));
    let carried = Carried { line: evidence, tag: Tag::FIRST, hold: Box::new(a_hold(&begun)) };
    for (says, expected) in [
        (vec![Says::Ended(Ended { attempt: attempt.clone(), evidence })], "an attempt that is open"),
        (vec![Says::Resumed(Resumed { attempt, evidence, time: at(2), gate: nonce(2) })], "an attempt that is open"),
        (vec![first.clone()], "an attempt that is open"),
        (vec![began.clone(), began.clone()], "an attempt that is not open"),
        (vec![began.clone(), next.clone()], "the next tag"),
        (vec![began.clone(), first.clone(), first.clone()], "the next tag"),
        (vec![Says::Entered(Entered { tag: Tag::FIRST, seq: 1 })], "a hold that is not entered yet"),
        (vec![Says::Carried(carried)], "a line of a segment's body"),
    ] {
        let folder = folder();
        let path = segment(folder.path(), 1);
        let mut text = std::fs::read(&path).unwrap();
        let mut before = Sha256::of(&text[..text.len() - 1]);
        for says in says {
            let line = Line { before, says: vec![says] }.encode().unwrap();
            before = Sha256::of(&line);
            text.extend(line);
            text.push(b'\n');
        }
        std::fs::write(&path, text).unwrap();
        match Journal::open(folder.path(), nonce(9)) {
            Err(JournalFault::Differs { expected: found, .. }) => assert_eq!(found, expected),
            other => panic!("{expected}: {other:?}"),
        }
    }
}

#[test]
fn another_spelling_of_a_line_and_an_unknown_field_are_refused() {
    let folder = folder();
    let path = segment(folder.path(), 1);
    let text = String::from_utf8(std::fs::read(&path).unwrap()).unwrap();
    for (from, to) in [
        ("{\"before\"", "{ \"before\""),
        ("\"segment\":1", "\"segment\":1,\"more\":2"),
        ("\"segment\":1", "\"segment\":1,\"segment\":1"),
        ("\"segment\":1", "\"segment\":2"),
        ("journal:v1", "journal:v2"),
        ("H-000001", "H-1"),
        ("\"carries\":0", "\"carries\":1"),
    ] {
        assert!(text.contains(from));
        std::fs::write(&path, text.replacen(from, to, 1)).unwrap();
        assert_eq!(Journal::open(folder.path(), nonce(9)).unwrap_err().reason(), Reason::JournalDiffers, "{to}");
    }
}

#[test]
fn a_full_segment_is_followed_by_one_that_carries_over_what_is_open() {
    let folder = folder();
    let first = open_short(folder.path(), 1);
    let open_one = begin(&first, "left open", 10);
    let held_one = begin(&first, "held", 11);
    let tag = hold(&first, &held_one);
    end(&first, &held_one);
    // Another gate that has read no further than here.
    let second = open_short(folder.path(), 2);
    for n in 0..LINES {
        let begun = first.begin(&any_of_dock_1(number(n)), the_box("box"), at(1)).unwrap();
        end(&first, &begun);
    }
    let segments = || {
        std::fs::read_dir(folder.path())
            .unwrap()
            .flatten()
            .filter(|e| e.path().extension().is_some_and(|e| e == "jsonl"))
            .count()
    };
    assert_eq!(segments(), 3);
    assert_eq!(size(folder.path()).0, 3);
    assert_eq!(second.kept().unwrap().iter().map(|kept| kept.tag).collect::<Vec<_>>(), [tag]);
    drop(first);
    let resumed = begin(&second, "left open", 12);
    assert_eq!((resumed.attempt, resumed.begun), (open_one.attempt, at(10)));
    drop(second);
    // The last segment is enough; without the one before it an audit has nothing to hold it against.
    std::fs::remove_file(segment(folder.path(), 1)).unwrap();
    assert_eq!(size(folder.path()).0, 2);
    std::fs::remove_file(segment(folder.path(), 2)).unwrap();
    assert_eq!(open(folder.path(), 3).kept().unwrap().len(), 1);
}

#[test]
fn a_segment_that_carries_over_something_else_is_found_by_the_audit() {
    let folder = folder();
    let first = open_short(folder.path(), 1);
    let begun = begin(&first, "held", 11);
    hold(&first, &begun);
    for n in 0..LINES {
        let begun = first.begin(&any_of_dock_1(number(n)), the_box("box"), at(1)).unwrap();
        first.let_go(&begun.attempt, begun.evidence);
    }
    // The hold left out, the chain put right: only the segment before it tells.
    let path = segment(folder.path(), 2);
    let text = String::from_utf8(std::fs::read(&path).unwrap()).unwrap();
    let mut before = None;
    let mut forged = Vec::new();
    for line in text.lines().filter(|line| !line.contains("\"carried\"")) {
        let mut line = Line::decode(line.as_bytes()).unwrap();
        if let [Says::Begins(begins)] = line.says.as_mut_slice() {
            begins.carries -= 1;
        }
        line.before = before.unwrap_or(line.before);
        let line = line.encode().unwrap();
        before = Some(Sha256::of(&line));
        forged.extend(line);
        forged.push(b'\n');
    }
    std::fs::write(&path, forged).unwrap();
    assert_eq!(Journal::audit(folder.path()).unwrap_err().reason(), Reason::JournalDiffers);
}

#[test]
fn threads_of_two_gates_write_one_chain_and_nobody_gets_anothers_tag() {
    let folder = folder();
    let (first, second) = (open(folder.path(), 1), open(folder.path(), 2));
    let work = |gate: &Journal, base: u64| -> Vec<Tag> {
        let mut tags = Vec::new();
        for n in 0..12 {
            let begun = gate.begin(&any_of_dock_1(number(base + n)), the_box("box"), at(1)).unwrap();
            assert!(!begun.is_resumed);
            tags.push(hold(gate, &begun));
            end(gate, &begun);
        }
        tags
    };
    let work = &work;
    let mut tags: Vec<Tag> = std::thread::scope(|scope| {
        let threads = [(&first, 100), (&first, 200), (&second, 300), (&second, 400)];
        let started = threads.map(|(gate, base)| scope.spawn(move || work(gate, base)));
        started.into_iter().flat_map(|thread| thread.join().unwrap()).collect()
    });
    tags.sort_unstable();
    tags.dedup();
    assert_eq!(tags.len(), 48);
    let lines = size(folder.path()).1;
    assert!((2..=1 + 48 * 3).contains(&lines), "{lines}");
    assert_eq!(first.kept().unwrap().len(), 48);
}

#[test]
fn boxes_that_ask_while_the_disk_is_waited_for_are_answered_by_one_line() {
    let folder = folder();
    let gate = &open(folder.path(), 1);
    let turn = locked(&gate.state);
    std::thread::scope(|scope| {
        let ask = |n| scope.spawn(move || begin(gate, "box", n));
        let threads: Vec<_> = (10..18).map(ask).collect();
        while locked(&gate.queue).len() < threads.len() {
            std::thread::yield_now();
        }
        drop(turn);
        let mut drawn: Vec<Nonce> = threads.into_iter().map(|thread| thread.join().unwrap().attempt.nonce).collect();
        drawn.sort_unstable();
        assert_eq!(drawn, (10..18).map(nonce).collect::<Vec<_>>());
    });
    assert_eq!(size(folder.path()), (1, 2));
}

#[test]
fn a_journal_that_is_missing_emptied_shortened_or_made_twice_is_refused() {
    let folder = folder();
    let reason = |fault: JournalFault| fault.reason();
    assert_eq!(Journal::create(folder.path(), None).map_err(reason), Err(Reason::JournalDiffers));
    let nowhere = folder.path().join("nowhere");
    assert_eq!(Journal::open(&nowhere, nonce(1)).map_err(reason).err(), Some(Reason::JournalMissing));
    assert!(!nowhere.exists());
    let gate = open(folder.path(), 1);
    begin(&gate, "one", 10);
    begin(&gate, "two", 11);
    let path = segment(folder.path(), 1);
    let whole = std::fs::read(&path).unwrap();
    std::fs::write(&path, &whole[..whole.len() / 2]).unwrap();
    let fault = gate.begin(&any_of_dock_1(nonce(12)), the_box("three"), at(1)).map_err(reason);
    assert_eq!(fault.err(), Some(Reason::JournalDiffers));
    std::fs::remove_file(&path).unwrap();
    assert_eq!(gate.kept().map_err(reason), Err(Reason::JournalMissing));
    std::fs::write(&path, &whole).unwrap();
    assert_eq!(gate.kept().map_err(reason), Ok(Vec::new()));
    std::fs::write(&path, b"").unwrap();
    assert_eq!(Journal::open(folder.path(), nonce(2)).map_err(reason).err(), Some(Reason::JournalDiffers));
}

fn finding() -> impl Strategy<Value = Finding> {
    let reason = (0..Reason::ALL.len()).prop_map(|n| Reason::ALL[n]);
    (reason, any::<String>(), any::<String>())
        .prop_map(|(reason, place, found)| Finding::new(reason, place, "x", found))
}

fn says() -> impl Strategy<Value = Says> {
    let attempt =
        any::<[u8; 16]>().prop_map(|bytes| Attempt { station: name("dock-1"), nonce: Nonce::from_bytes(bytes) });
    let digest = any::<[u8; 32]>().prop_map(Sha256::from_bytes);
    let time = (0_i64..4_000_000_000_000).prop_map(|millis| Time::from_unix_millis(millis).unwrap());
    let gate = any::<[u8; 16]>().prop_map(Nonce::from_bytes);
    let key = any::<String>().prop_map(|value| UnitKey { kind: KeyKind::Serial, value });
    let held =
        (attempt, digest, time, proptest::collection::vec(finding(), 0..3), proptest::collection::vec(key, 0..3));
    (held, gate, 0_u64..1 << 53, 0..7_u8).prop_map(|((attempt, evidence, time, findings, keys), gate, seq, kind)| {
        let tag = Tag::FIRST;
        let unit = UnitName::default();
        let (operator, order) = (Some(name("op 7")), None);
        let hold = Box::new(Hold { attempt: attempt.clone(), evidence, time, findings, keys, unit, operator, order });
        match kind {
            0 => Says::Began(Began { attempt, evidence, presented: evidence, time, gate }),
            1 => Says::Resumed(Resumed { attempt, evidence, time, gate }),
            2 => Says::Held(Held { tag, hold }),
            3 => Says::Carried(Carried { line: evidence, tag, hold }),
            4 => Says::Entered(Entered { tag, seq }),
            _ => Says::Ended(Ended { attempt, evidence }),
        }
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_line_is_read_as_what_was_written(says in proptest::collection::vec(says(), 1..4), before in any::<[u8; 32]>()) {
        let line = Line { before: Sha256::from_bytes(before), says };
        let text = line.encode().unwrap();
        assert!(!text.contains(&b'\n'));
        assert_eq!(Line::decode(&text).unwrap(), line);
    }

    #[test]
    fn no_text_makes_the_reader_panic(text in prop_oneof![any::<Vec<u8>>(), Just(b"{}".to_vec())]) {
        assert!(Line::decode(&text).is_err());
    }
}
