//! Publishing that ends in the middle, wherever that is: a gate that looks then holds or uses a whole list, and beginning
//! again completes it and does nothing twice.

use super::{accepted, done, fails, receive, refused, run, signed_list, state, two_makers};
use crate::delivery::{Delivery, Said, today};
use crate::faults::object;
use crate::gate::{Stopped, found, now};
use crate::receive::trial;
use crate::softhsm::module;
use crate::world::unit;
use ecugate::ceremony::{
    Addition, AnchorGiven, AnchorsStanding, Annex, Desk, OfficerKey, Proposal, Sheet, open_officer, propose_anchors,
    publish_anchors,
};
use ecugate::hsm::{Answer, Module, Request, TokenFault, Tokens};
use ecugate::ledger::EntryKind;
use ecugate::site::Site;
use ecugate_verifier::documents::anchor_list::{AnchorList, Role, Serials};
use ecugate_verifier::documents::document;
use ecugate_verifier::documents::envelope::{countersign, seal};
use ecugate_verifier::syntax::certificate::Certificate;
use ecugate_verifier::values::digest::Sha256;
use ecugate_verifier::values::ident::{Manufacturer, PartScope};
use ecugate_verifier::values::limits::Limits;
use ecugate_verifier::values::time::Time;
use libtest_mimic::Trial;
use serde_json::Value;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

pub(super) fn trials() -> Vec<Trial> {
    vec![
        trial("a_publication_killed_at_any_system_call_on_its_files_is_completed_by_the_next_one", killed),
        trial("a_ledger_that_cannot_be_written_leaves_the_list_before_in_force", ledger_fails),
        trial("of_two_publications_at_one_instant_both_end_well_and_one_entry_stands", at_once),
        trial("whatever_stands_where_the_old_list_is_kept_is_left_alone", kept_beside),
        crate::softhsm::trial(
            "a_module_that_fails_at_any_request_of_a_publication_leaves_no_half_list",
            &[module_fails],
        ),
        crate::softhsm::trial(
            "attack_40_a_list_fast_forwarded_forked_expired_or_of_another_time_is_refused",
            &[not_next],
        ),
    ]
}

/// Where the process dies: at the n-th of these calls. SoftHSM makes none of them; a token that is killed while it writes
/// its own files is another matter (`docs/trust-officers.md`).
const KILLS: [(&str, &str); 3] = [
    ("the old list is kept", "linkat"),
    ("something is made durable", "fsync,fdatasync"),
    ("the new list takes its place", "rename"),
];

/// Publishes under strace, which kills at that call. Whether it ended well.
fn published_under(delivery: &Delivery, file: &str, calls: &str, number: usize) -> bool {
    let mut command = Command::new("strace");
    command.args(["-f", "-qq", "-o", "strace.log", "-e", &format!("trace={calls}")]);
    command.args(["-e", &format!("inject={calls}:signal=KILL:when={number}"), env!("CARGO_BIN_EXE_ecugate")]);
    command.args(["anchors", "publish", file, "--site", "site", "--json"]).current_dir(delivery.path(""));
    command.output().unwrap().status.code() == Some(0)
}

/// One list after the other on one site, each published by a process that dies at the next system call.
fn killed() {
    let (mut delivery, other) = two_makers();
    let serials: Vec<String> = (0..200).map(|n| format!("K-{n}")).collect();
    delivery.world.shipment.units = serials.iter().map(|serial| unit(serial)).collect();
    delivery.write("shipment.json", &delivery.world.shipment_envelope());
    let mut serials = serials.iter();
    let theirs = Sha256::of(&other.root.der);
    let mut version = 1;
    let mut seen = std::collections::BTreeMap::new();
    for (name, calls) in KILLS {
        for number in 1.. {
            assert!(number < 40, "{name}: no number of calls is enough");
            version += 1;
            let (change, anchors) = match version % 2 {
                0 => ("--add other.pem --manufacturer other".to_owned(), 2),
                _ => (format!("--retire {theirs}"), 1),
            };
            let file = format!("list{version}");
            signed_list(&delivery, &file, &change);
            let size = delivery.ledger().head().unwrap().0;
            let ended_well = published_under(&delivery, &file, calls, number);
            let place = format!("{name}, call {number}");
            match receive(&delivery, serials.next().unwrap()) {
                // One list or the other.
                (0, None) => *seen.entry((name, "accept")).or_insert(0) += 1,
                // Recorded, and not yet in its place.
                (21, Some(reason)) if reason == "anchor-list-rolled-back" => {
                    *seen.entry((name, "hold")).or_insert(0) += 1
                }
                other => panic!("{place}: {other:?}"),
            }
            let published = done(&delivery, &format!("anchors publish {file}"));
            assert_eq!((published["version"].as_i64(), published["anchors"].as_i64()), (Some(version), Some(anchors)));
            assert_eq!(receive(&delivery, serials.next().unwrap()), accepted(), "{place}");
            let listed = done(&delivery, "anchors list");
            assert_eq!((listed["version"].as_i64(), &listed["warnings"]), (Some(version), &serde_json::json!([])));
            // The entry once, and one for each box.
            assert_eq!(delivery.ledger().head().unwrap().0 - size, 3, "{place}");
            if ended_well {
                break;
            }
        }
    }
    for (name, outcome) in [
        ("the old list is kept", "accept"),
        ("something is made durable", "accept"),
        ("something is made durable", "hold"),
        ("the new list takes its place", "hold"),
    ] {
        assert!(seen.contains_key(&(name, outcome)), "{name}: {outcome} was never seen in {seen:?}");
    }
}

fn ledger_fails() {
    let (delivery, _) = two_makers();
    signed_list(&delivery, "list2", "--add other.pem --manufacturer other");
    let before = state(&delivery);
    let busy = rusqlite::Connection::open(delivery.path("site/ledger.db")).unwrap();
    busy.execute_batch("BEGIN IMMEDIATE").unwrap();
    fails(&delivery, "anchors publish list2", 20, "ledger-busy");
    busy.execute_batch("ROLLBACK").unwrap();
    // The certificate is on the token and counts for nothing; everything else is as before.
    let after = state(&delivery);
    assert_eq!((&after.0, after.2), (&before.0, before.2));
    assert_eq!(after.3.as_array().unwrap().len(), 1);
    assert_eq!(receive(&delivery, "DEMO-0001"), accepted());

    // Files of at most 64 KiB: less than the write-ahead log of one entry.
    let mut command = Command::new("bash");
    command.args(["-c", r#"trap "" XFSZ; ulimit -f 64; exec "$@""#, "-", env!("CARGO_BIN_EXE_ecugate")]);
    command.args(["anchors", "publish", "list2", "--site", "site", "--json"]).current_dir(delivery.path(""));
    let said = Said::of(command.output().unwrap());
    assert_eq!((said.status, &object(&said)["reason"]), (30, &"not-confirmed".into()), "{said:?}");
    assert_eq!(receive(&delivery, "DEMO-0002"), accepted());
    let published = done(&delivery, "anchors publish list2");
    assert_eq!((&published["recorded"], &published["written"]), (&"now".into(), &serde_json::json!([])));
}

fn at_once() {
    let (delivery, _) = two_makers();
    signed_list(&delivery, "list2", "--add other.pem --manufacturer other");
    let size = delivery.ledger().head().unwrap().0;
    let start = || delivery.command(&["anchors", "publish", "list2", "--site", "site", "--json"]).spawn().unwrap();
    let said = [start(), start(), start()].map(|child| Said::of(child.wait_with_output().unwrap()));
    let recorded: Vec<Value> = said.iter().map(|said| object(said)["recorded"].clone()).collect();
    assert!(said.iter().all(|said| said.status == 0), "{said:?}");
    assert_eq!(recorded.iter().filter(|step| **step == "now").count(), 1, "{recorded:?}");
    assert_eq!(delivery.ledger().head().unwrap().0, size + 1);
    assert_eq!(run(&delivery, "anchors list").1["warnings"], serde_json::json!([]));
}

fn kept_beside() {
    let (delivery, _) = two_makers();
    let first = std::fs::read(delivery.path("site/anchor-list.json")).unwrap();
    delivery.write("site/anchor-list.v1.json", b"somebody's");
    signed_list(&delivery, "list2", "--add other.pem --manufacturer other");
    done(&delivery, "anchors publish list2");
    assert_eq!(std::fs::read(delivery.path("site/anchor-list.v1.json")).unwrap(), b"somebody's");
    let kept = format!("site/anchor-list.v1-{}.json", &Sha256::of(&first).to_string()[..16]);
    assert_eq!(std::fs::read(delivery.path(&kept)).unwrap(), first);
    // What is no readable file cannot be kept, and so is not replaced.
    std::fs::remove_file(delivery.path("site/anchor-list.json")).unwrap();
    std::fs::create_dir(delivery.path("site/anchor-list.json")).unwrap();
    fails(&delivery, "anchors publish list2", 2, "site-not-written");
    assert_eq!(receive(&delivery, "DEMO-0001"), refused(21, "anchor-list-missing"));
    std::fs::remove_dir(delivery.path("site/anchor-list.json")).unwrap();
    done(&delivery, "anchors publish list2");
    assert_eq!(receive(&delivery, "DEMO-0001"), accepted());
}

/// A module that answers so many requests and then fails.
struct Failing {
    module: Module,
    left: AtomicUsize,
}

impl Tokens for Failing {
    fn ask(&self, request: Request) -> Result<Answer, TokenFault> {
        let left = self.left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| Some(left.saturating_sub(1)));
        match left.unwrap() {
            0 => Err(TokenFault::ModuleFailed {
                path: "a test".to_owned(),
                found: "it fails from here on".to_owned(),
                detail: String::new(),
            }),
            _ => self.module.ask(request),
        }
    }
}

fn addition(certificate: &Certificate) -> Addition {
    let given = AnchorGiven {
        certificate: certificate.clone(),
        manufacturer: Manufacturer::new("other").unwrap(),
        roles: vec![Role::Release],
        parts: vec![PartScope::All],
    };
    Addition { given, serials: Serials::MayList, valid_until: None, crl_hours: None }
}

fn open_desk(folder: &Path, tokens: Arc<dyn Tokens>) -> Desk {
    Desk::with(Site::open(folder).unwrap(), tokens, Box::new(Stopped(Some(now())))).unwrap()
}

/// The next list of the site, signed by both officers.
fn next_list(desk: &Desk, proposal: &Proposal) -> (Vec<u8>, Annex) {
    let proposed = propose_anchors(desk, proposal, "because", now()).unwrap();
    (signed(desk, &proposed.payload), proposed.annex)
}

fn signed(desk: &Desk, payload: &[u8]) -> Vec<u8> {
    let authority = desk.site().authority();
    let mut sheet = Sheet::<AnchorList>::read(payload, authority).unwrap();
    for (person, _) in authority.holders() {
        let signer = open_officer(desk, &OfficerKey::of(person.clone())).unwrap();
        sheet = sheet.sign(person, &signer, authority).unwrap();
    }
    sheet.bytes().to_vec()
}

fn other_root() -> Certificate {
    let root = crate::pki::Party::root(crate::pki::Spec::ca("Other Root"));
    Certificate::from_der(&root.der, &Limits::STANDARD).unwrap()
}

fn module_fails(folder: &Path) {
    found(folder, &today());
    let site = || Site::open(folder).unwrap();
    let tokens: Arc<dyn Tokens> = Arc::new(module());
    let mut listed: Option<Certificate> = None;
    let mut whole = false;
    let mut failures = std::collections::BTreeSet::new();
    for answers in 0..80 {
        // Each list adds a certificate and retires the one that the list before added.
        let desk = open_desk(folder, Arc::clone(&tokens));
        let before = AnchorsStanding::with(desk.site(), Ok(&tokens), now());
        let version = before.list.as_ref().unwrap().document().version;
        let added = other_root();
        let retire = listed.iter().map(Certificate::digest).collect();
        let proposal = Proposal { additions: vec![addition(&added)], retire, ..Proposal::default() };
        let (envelope, annex) = next_list(&desk, &proposal);
        drop(desk);

        let failing = Arc::new(Failing { module: module(), left: AtomicUsize::new(answers) });
        let mut desk = open_desk(folder, failing);
        let published = publish_anchors(&mut desk, &envelope, &annex);
        let done_at_once = published.is_ok();
        if let Err(finding) = published {
            failures.insert(finding.reason.code());
        }
        // Whoever looks now finds one list or the other, with every certificate of it on the token, or holds.
        let between = AnchorsStanding::with(&site(), Ok(&tokens), now());
        let found = between.list.as_ref().unwrap().document().version;
        match &between.usable {
            Ok(count) => {
                assert_eq!(between.anchors.iter().filter(|one| one.stored.is_some()).count(), *count, "{answers}");
                assert_eq!(between.anchors.len(), *count, "after {answers} answers");
                assert!([version, version + 1].contains(&found));
            }
            Err(finding) => assert_eq!(finding.reason.code(), "anchor-list-rolled-back", "after {answers} answers"),
        }
        let mut desk = open_desk(folder, Arc::clone(&tokens));
        let completed = publish_anchors(&mut desk, &envelope, &annex).unwrap();
        assert_eq!((completed.version, completed.anchors), (version + 1, 2), "after {answers} answers");
        let after = AnchorsStanding::with(&site(), Ok(&tokens), now());
        assert_eq!((after.usable, after.strangers.len(), after.skipped.len()), (Ok(2), 0, 0), "{answers}");
        assert_eq!(after.entry, completed.entry);
        listed = Some(added);
        if done_at_once {
            whole = true;
            break;
        }
    }
    assert!(whole, "no number of answers was enough");
    assert!(failures.contains("module-failed") && failures.contains("not-confirmed"), "{failures:?}");
    // Every list once: founding's two entries, then one for each.
    let desk = open_desk(folder, tokens);
    let version = AnchorsStanding::with(desk.site(), Ok(desk.tokens()), now()).list.unwrap().document().version;
    assert_eq!(desk.ledger().head().unwrap().0, 2 + version - 1);
}

fn not_next(folder: &Path) {
    found(folder, &today());
    let tokens: Arc<dyn Tokens> = Arc::new(module());
    let desk = open_desk(folder, tokens);
    let proposal = Proposal { additions: vec![addition(&other_root())], ..Proposal::default() };
    let proposed = propose_anchors(&desk, &proposal, "because", now()).unwrap();
    let size = desk.ledger().head().unwrap().0;
    // Both officers sign what no command of ours would have made.
    let with = |desk: &Desk, change: &dyn Fn(&mut AnchorList)| {
        let mut list = proposed.list.clone();
        change(&mut list);
        let payload = document::payload(list, &Limits::STANDARD).unwrap();
        let authority = desk.site().authority();
        let signers: Vec<_> = authority
            .holders()
            .iter()
            .map(|(person, _)| open_officer(desk, &OfficerKey::of(person.clone())).unwrap())
            .collect();
        countersign(&seal(payload, &[(&signers[0], &[])]).unwrap(), &signers[1]).unwrap().bytes().to_vec()
    };
    let later = |days: i64| now().plus_seconds(days * 86_400);
    type Change = fn(&mut AnchorList);
    let cases: [(Change, Time, &str); 8] = [
        (|list| list.version = 9, now(), "anchor-list-not-next"),
        (|list| list.version = (1 << 53) - 1, now(), "anchor-list-not-next"),
        (|list| (list.version, list.previous) = (1, None), now(), "anchor-list-rolled-back"),
        (|list| list.previous = Some(Sha256::of(b"another")), now(), "anchor-list-not-next"),
        (|list| list.site = crate::world::name("bremen"), now(), "anchor-list-origin"),
        (|list| list.issued = list.issued.plus_seconds(3_600), now(), "anchor-list-not-yet-valid"),
        (|_| (), later(91), "anchor-list-expired"),
        (|list| list.issued = list.issued.plus_seconds(-7_200), now().plus_seconds(-3_600), "clock-behind"),
    ];
    for (change, at, reason) in cases {
        let envelope = with(&desk, &change);
        let site = Site::open(folder).unwrap();
        let mut then = Desk::with(site, Arc::clone(desk.tokens()), Box::new(Stopped(Some(at)))).unwrap();
        let finding = publish_anchors(&mut then, &envelope, &proposed.annex).unwrap_err();
        assert_eq!(finding.reason.code(), reason, "{finding:?}");
    }
    assert_eq!(desk.ledger().head().unwrap().0, size);
    let standing = AnchorsStanding::with(desk.site(), Ok(desk.tokens()), now());
    assert_eq!((standing.usable, standing.strangers.len()), (Ok(1), 0));
    assert_eq!(desk.ledger().entry_with(EntryKind::TrustChange, &Sha256::of(b"x")).unwrap(), None);
    let envelope = signed(&desk, &proposed.payload);
    let mut desk = open_desk(folder, Arc::clone(desk.tokens()));
    assert_eq!(publish_anchors(&mut desk, &envelope, &proposed.annex).unwrap().anchors, 2);
}
