//! Groups: one lock, one commit, one checkpoint, and one answer a member.

use super::bench::{Bench, Unit, record};
use super::{clean, states, unit};
use crate::ledger::{Append, AppendFault, Blob, GROUP_ENTRIES, Ledger, Member, PartRef, Record, Recorded};
use ecugate_verifier::documents::document_seen::{DocumentSeen, SeenKind};
use ecugate_verifier::documents::envelope::Envelope;
use ecugate_verifier::documents::receipt::{Receipt, Ruling};
use ecugate_verifier::inputs::custody::State;
use ecugate_verifier::syntax::merkle::verify_inclusion;
use ecugate_verifier::syntax::note::VerifiedCheckpoint;
use ecugate_verifier::values::digest::Sha256;
use ecugate_verifier::values::finding::Finding;
use ecugate_verifier::values::ident::Name;
use ecugate_verifier::values::limits::Limits;
use ecugate_verifier::values::reason::Reason;

fn member<'a>(bench: &'a Bench, unit: &Unit, receipt: Receipt, memory_size: u64) -> Member<'a> {
    let seal = move |place: &crate::ledger::Place<'_>| Ok(bench.placed(&receipt, place.seq));
    Member { append: Bench::append_of(unit, memory_size), seal: Box::new(seal) }
}

fn accepts<'a>(bench: &'a Bench, units: &[Unit]) -> Vec<Member<'a>> {
    units.iter().map(|unit| member(bench, unit, unit.accepted(), 2)).collect()
}

/// The cheapest entry: a document that is stored already.
fn seen(bench: &Bench, seq: u64) -> Envelope {
    let document = Sha256::of(b"{}");
    let parts = vec![PartRef { sha256: document, media_type: "application/vnd.dsse+json".to_owned() }];
    let seen = DocumentSeen {
        record: Record { parts, ..record(seq) },
        site: Name::new("dock").unwrap(),
        kind: SeenKind::Release,
        document,
        source: Name::new("operator").unwrap(),
        name: None,
    };
    bench.sealed(seen, &[])
}

fn proven(ledger: &Ledger, recorded: &Recorded) {
    let opened =
        VerifiedCheckpoint::open(recorded.checkpoint.as_bytes(), ledger.verifier_key(), &Limits::STANDARD).unwrap();
    let outcome =
        verify_inclusion(&recorded.leaf_hashes[0], recorded.seq, recorded.size, &recorded.inclusion, opened.root());
    assert_eq!(outcome, Ok(()));
}

#[test]
fn a_group_has_one_checkpoint_and_a_proof_for_each_member() {
    let bench = Bench::new();
    let mut ledger = bench.create();
    let answers = ledger.append_group(accepts(&bench, &[unit("S1", 1), unit("S2", 2), unit("S3", 3)]), &bench.log);
    let recorded: Vec<_> = answers.into_iter().collect::<Result<_, _>>().unwrap();
    assert_eq!(
        recorded.iter().map(|recorded| (recorded.seq, recorded.size)).collect::<Vec<_>>(),
        [(2, 5), (3, 5), (4, 5)]
    );
    assert!(recorded.iter().all(|one| one.checkpoint == recorded[0].checkpoint));
    recorded.iter().for_each(|recorded| proven(&ledger, recorded));
    assert_eq!(clean(&ledger).checkpoints, 2);
    assert!(ledger.append_group(Vec::new(), &bench.log).is_empty());
    assert_eq!(ledger.head().unwrap().0, 5);
}

/// Attack class 51: the race of class 50 within one group.
#[test]
fn attack_51_of_two_boxes_with_one_serial_in_one_group_the_second_is_judged_again() {
    let bench = Bench::new();
    let mut ledger = bench.create();
    let units = [unit("S1", 1), unit("S1", 2), unit("S2", 3)];
    let answers = ledger.append_group(accepts(&bench, &units), &bench.log);
    let [Ok(first), Err(AppendFault::Moved { seq: 2, .. }), Ok(third)] = answers.as_slice() else {
        panic!("{answers:?}")
    };
    assert_eq!((first.seq, third.seq, third.size), (2, 3, 4));
    let (ruling, _) = bench.receive(&mut ledger, &units[1]).unwrap();
    assert_eq!(ruling, Ruling::Suspect);
    assert_eq!(states(&ledger, &units[0]), [(2, State::Contested), (4, State::Suspect)]);
    clean(&ledger);
}

#[test]
fn a_member_that_is_not_sealed_or_breaks_a_rule_is_left_out_alone_and_leaves_no_row() {
    let bench = Bench::new();
    let mut ledger = bench.create();
    bench.receive(&mut ledger, &unit("S1", 1)).unwrap();
    let clone = unit("S1", 2);
    let judged = clone.judged(&ledger.sightings(&clone.keys()).unwrap());
    let quiet = Receipt { contests: Vec::new(), ..judged.clone() };
    let locked = Member {
        append: Bench::append_of(&unit("S4", 4), 3),
        seal: Box::new(|_| Err(Finding::bare(Reason::PinLocked))),
    };
    // A receipt whose *contested* is of another unit: its own rows were written before the second entry broke the rule.
    let half = Member {
        append: Bench::append_of(&clone, 3),
        seal: Box::new(|place| {
            let receipt = bench.placed(&judged, place.seq).remove(0);
            Ok(vec![receipt, bench.sealed(bench.contested(&judged, 1, place.seq + 1), &[])])
        }),
    };
    let members = vec![
        member(&bench, &unit("S3", 3), unit("S3", 3).accepted(), 3),
        locked,
        member(&bench, &clone, quiet, 3),
        half,
        member(&bench, &clone, judged.clone(), 3),
    ];
    let answers = ledger.append_group(members, &bench.log);
    let [Ok(first), Err(sealing), Err(quiet), Err(half), Ok(last)] = answers.as_slice() else { panic!("{answers:?}") };
    assert_eq!((first.seq, sealing.reason(), last.seq, last.size), (3, Reason::PinLocked, 4, 6));
    for fault in [quiet, half] {
        assert_eq!(fault.reason(), Reason::LedgerEntryUnfit, "{fault}");
    }
    assert_eq!(states(&ledger, &clone), [(2, State::Contested), (4, State::Suspect)]);
    assert_eq!(clean(&ledger).size, 6);
}

#[test]
fn a_group_of_which_no_member_holds_writes_nothing() {
    let bench = Bench::new();
    let mut ledger = bench.create();
    let misplaced = |_: &crate::ledger::Place<'_>| Ok(bench.placed(&unit("S1", 1).accepted(), 9));
    let members = vec![
        Member { append: Bench::append_of(&unit("S1", 1), 2), seal: Box::new(misplaced) },
        Member { append: Append::default(), seal: Box::new(|_| Ok(Vec::new())) },
    ];
    let reasons: Vec<_> =
        ledger.append_group(members, &bench.log).into_iter().map(|answer| answer.unwrap_err().reason()).collect();
    assert_eq!(reasons, [Reason::LedgerEntryUnfit, Reason::LedgerEntryUnfit]);
    assert_eq!((ledger.head().unwrap().0, clean(&ledger).checkpoints), (2, 1));
}

#[test]
fn a_signer_that_fails_after_the_commit_leaves_every_member_pending_and_none_lost() {
    let mut bench = Bench::new();
    let mut ledger = bench.create();
    bench.log.broken = true;
    let answers = ledger.append_group(accepts(&bench, &[unit("S1", 1), unit("S1", 2), unit("S2", 3)]), &bench.log);
    let reasons: Vec<_> = answers.iter().map(|answer| answer.as_ref().unwrap_err().reason()).collect();
    assert_eq!(reasons, [Reason::NotConfirmed, Reason::MemoryMoved, Reason::NotConfirmed]);
    bench.log.broken = false;
    assert!(ledger.settle(&bench.log).unwrap());
    assert_eq!(clean(&ledger).size, 4);
}

#[test]
fn a_ledger_that_fails_fails_the_whole_group() {
    let bench = Bench::new();
    let mut ledger = bench.create();
    // The second member's part is of a blob that the disk has no room for.
    ledger.writer.pragma_update(None, "max_page_count", 60).unwrap();
    let large = unit("S2", 2);
    let mut append = Bench::append_of(&large, 2);
    let blob = Blob { media_type: "text/plain".to_owned(), bytes: vec![b'x'; 1 << 20] };
    let part = PartRef { sha256: Sha256::of(&blob.bytes), media_type: blob.media_type.clone() };
    append.blobs.push(blob);
    let accepted = large.accepted();
    let mut parts = accepted.record.parts.clone();
    parts.push(part);
    let receipt = Receipt { record: Record { parts, ..accepted.record.clone() }, ..accepted };
    let members = vec![
        member(&bench, &unit("S1", 1), unit("S1", 1).accepted(), 2),
        Member { append, seal: Box::new(|place| Ok(bench.placed(&receipt, place.seq))) },
        member(&bench, &unit("S3", 3), unit("S3", 3).accepted(), 2),
    ];
    let answers = ledger.append_group(members, &bench.log);
    let reasons: Vec<_> = answers.iter().map(|answer| answer.as_ref().unwrap_err().reason()).collect();
    assert_eq!(reasons, [Reason::LedgerUnusable; 3]);
    assert_eq!(ledger.head().unwrap().0, 2);
    ledger.writer.pragma_update(None, "max_page_count", 1 << 20).unwrap();
    bench.receive(&mut ledger, &unit("S1", 1)).unwrap();
    clean(&ledger);
}

#[test]
fn a_group_takes_a_thousand_entries_and_answers_the_next_member_that_it_is_full() {
    let bench = Bench::new();
    let mut ledger = bench.create();
    bench.receive(&mut ledger, &unit("S1", 1)).unwrap();
    let shared = &bench;
    let seen = |entries: u64| Member {
        append: Append::default(),
        seal: Box::new(move |place| Ok((0..entries).map(|offset| seen(shared, place.seq + offset)).collect())),
    };
    let most = u64::try_from(GROUP_ENTRIES).unwrap() - 1;
    let answers = ledger.append_group(vec![seen(most), seen(2), seen(1), seen(1)], &bench.log);
    let [Ok(first), Err(AppendFault::GroupFull { .. }), Ok(last), Err(full @ AppendFault::GroupFull { .. })] =
        answers.as_slice()
    else {
        panic!("{answers:?}")
    };
    assert_eq!((first.seq, last.seq, last.size, full.reason()), (3, 1_002, 1_003, Reason::LedgerBusy));
}

#[test]
fn a_member_may_go_to_another_thread() {
    fn sendable<T: Send>(_: &T) {}
    let bench = Bench::new();
    sendable(&accepts(&bench, &[unit("S1", 1)]));
}
