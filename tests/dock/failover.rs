//! The signing token is lost: officers change to the standby keys, and the log goes on.

use crate::clock_step::{closed_for_three_days, run, size};
use crate::delivery::Delivery;
use crate::gate::{gate, now, present};
use crate::receive::{states, trial};
use ecugate::gate::Outcome;
use ecugate::hsm::{ExpectedKey, Guarded, HelperStart, Pin, TokenKey, TokenSigner, Tokens, TrialFolder, softhsm};
use ecugate::journal::{Digests, Hold, Journal, Wanted};
use ecugate::ledger::{Append, Depth, KeySet};
use ecugate::site::Site;
use ecugate_verifier::documents::receipt::UnitName;
use ecugate_verifier::inputs::custody::State;
use ecugate_verifier::values::attempt::Nonce;
use ecugate_verifier::values::digest::Sha256;
use ecugate_verifier::values::finding::Finding;
use ecugate_verifier::values::reason::Reason;
use libtest_mimic::Trial;
use serde_json::{Value, json};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

pub(crate) fn trials() -> Vec<Trial> {
    vec![
        trial("a_lost_signing_token_holds_until_officers_change_to_the_standby_keys_and_the_log_goes_on", token_lost),
        trial("attack_59_after_a_failover_the_keys_before_sign_nothing_and_a_running_gate_changes_over", retired),
        trial("a_gate_that_runs_enters_what_was_kept_by_the_standby_keys_before_its_box", retired_with_a_hold),
        trial(
            "a_gate_that_runs_holds_while_the_standby_token_is_away_and_goes_on_when_it_is_there",
            retired_and_no_standby,
        ),
        trial("a_failover_takes_enough_officers_a_reason_and_the_standby_token", refused),
        trial(
            "a_token_lost_while_the_dock_was_closed_is_given_up_by_officers_who_vouch_for_the_clock",
            lost_and_closed,
        ),
        trial("a_failover_that_was_cut_before_its_checkpoint_is_completed_by_the_next_one", cut),
        trial("a_ledger_from_before_the_failover_does_not_call_the_lost_token_back", put_back),
    ]
}

pub(crate) const FAILOVER: [&str; 4] = ["key", "failover", "--reason", "the token is lost"];

/// The folder in which SoftHSM keeps a token.
fn folder_of(delivery: &Delivery, label: &str) -> PathBuf {
    let has = |bytes: Vec<u8>| bytes.windows(label.len()).any(|window| window == label.as_bytes());
    let is = |path: &PathBuf| std::fs::read(path.join("token.object")).is_ok_and(has);
    let all = std::fs::read_dir(delivery.path("site/tokens")).unwrap().map(|entry| entry.unwrap().path());
    all.into_iter().find(is).unwrap()
}

/// Takes a token away; where it was, and where it is.
pub(crate) fn lose(delivery: &Delivery, label: &str) -> (PathBuf, PathBuf) {
    let (there, away) = (folder_of(delivery, label), delivery.path(label));
    std::fs::rename(&there, &away).unwrap();
    (there, away)
}

pub(crate) fn held(delivery: &Delivery, serial: &str) -> (Value, Value) {
    let (status, said) = delivery.receive(serial, |_| {});
    assert_eq!((status, &said["record"]), (21, &Value::Null), "{said}");
    (said["reason"].clone(), said["tag"].clone())
}

pub(crate) fn accepted(delivery: &Delivery, serial: &str) -> Value {
    let (status, said) = delivery.receive(serial, |_| {});
    assert_eq!(status, 0, "{said}");
    said["record"]["seq"].clone()
}

fn vkey(delivery: &Delivery) -> Value {
    let (status, said) = run(delivery, &["ledger", "checkpoint"]);
    assert_eq!(status, 0, "{said}");
    said["vkey"].clone()
}

fn failed_over(delivery: &Delivery) -> Value {
    let (status, said) = run(delivery, &FAILOVER);
    assert_eq!((status, &said["recorded"]), (0, &json!("now")), "{said}");
    said
}

fn token_lost() {
    let delivery = Delivery::founded();
    assert_eq!(accepted(&delivery, "DEMO-0001"), 2);
    let before = vkey(&delivery);
    lose(&delivery, "ecugate-signer");
    assert_eq!(held(&delivery, "DEMO-0002"), (json!("token-absent"), json!("H-000001")));
    assert_eq!(held(&delivery, "DEMO-0003"), (json!("token-absent"), json!("H-000002")));

    let said = failed_over(&delivery);
    assert_eq!((&said["entry"], &said["size"], &said["time"]), (&json!(3), &json!(4), &Value::Null), "{said}");
    assert!(said["token"].as_str().unwrap().contains("ecugate-standby"), "{said}");
    assert_ne!(said["vkey"], before);
    assert_eq!(vkey(&delivery), said["vkey"]);

    assert_eq!(accepted(&delivery, "DEMO-0002"), 6);
    assert_eq!(states(&delivery, "DEMO-0002"), [(4, State::Held), (6, State::Accepted)]);
    assert_eq!(states(&delivery, "DEMO-0003"), [(5, State::Held)]);
    assert_eq!(accepted(&delivery, "DEMO-0004"), 7);
    let (status, clone) = delivery.receive("DEMO-0001", |_| {});
    assert_eq!((status, &clone["reason"]), (10, &json!("identity-seen-before")), "{clone}");
    assert_eq!(states(&delivery, "DEMO-0001")[0], (2, State::Contested));

    let (status, audit) = run(&delivery, &["ledger", "audit", "--signatures"]);
    assert_eq!((status, &audit["audited"]), (0, &json!(true)), "{audit}");
    let (_, shown) = run(&delivery, &["ledger", "show", "--entry", "2"]);
    assert_eq!((&shown["vkey"], &shown["entries"][0]["proof"]["size"]), (&said["vkey"], &json!(size(&delivery))));

    let (status, again) = run(&delivery, &FAILOVER);
    assert_eq!((status, &again["reason"]), (21, &json!("standby-missing")), "{again}");
    assert!(again["expected"].as_str().unwrap().contains("found a new log"), "{again}");
}

/// The module of the site, beside that of a gate.
pub(crate) fn tokens(site: &Site) -> Arc<dyn Tokens> {
    let guarded = Guarded::start(HelperStart {
        program: env!("CARGO_BIN_EXE_ecugate").into(),
        module: softhsm().unwrap(),
        environment: TrialFolder::lay_out(site.folder()).unwrap().environment(),
        deadline: Duration::from_secs(60),
    });
    Arc::new(guarded.unwrap())
}

/// The keys of the token that was given up, in somebody's hands.
fn old_keys(delivery: &Delivery) -> [TokenSigner; 2] {
    let site = Site::open(&delivery.path("site")).unwrap();
    let tokens = tokens(&site);
    let pin = Pin::from_file(&delivery.path("site/pins/signer.pin")).unwrap();
    [("station", site.station_key()), ("log", site.log_key())].map(|(label, key)| {
        let at = TokenKey::new(&site.text().signer.token, label);
        TokenSigner::open(Arc::clone(&tokens), at, pin.clone(), ExpectedKey::Recorded(key.id())).unwrap()
    })
}

/// Officers change the keys below a gate that runs.
fn change_keys(delivery: &Delivery) {
    let site = Site::open(&delivery.path("site")).unwrap();
    let clock = crate::gate::Stopped(Some(now().plus_seconds(60)));
    let mut desk = ecugate::ceremony::Desk::open(site, Box::new(clock)).unwrap();
    let failover = ecugate::ceremony::Failover { officers: &[], reason: "exposed", clock_is_right: false };
    let changed = ecugate::ceremony::fail_over(&mut desk, &failover).unwrap();
    assert_eq!((changed.entry, changed.leap), (3, None));
}

/// A hold that the journal keeps, as another gate left it.
fn kept_hold(delivery: &Delivery) {
    let site = Site::open(&delivery.path("site")).unwrap();
    let journal = Journal::open(&site.journal(), Nonce::from_bytes([9; 16])).unwrap();
    let digest = Sha256::of(b"a box of another gate");
    let wanted = Wanted::Any { station: site.text().station.clone(), fresh: Nonce::from_bytes([8; 16]) };
    let begun = journal.begin(&wanted, Digests { presented: digest, evidence: digest }, now()).unwrap();
    let hold = Hold {
        attempt: begun.attempt.clone(),
        evidence: begun.evidence,
        time: now(),
        findings: vec![Finding::bare(Reason::TokenAbsent)],
        keys: Vec::new(),
        unit: UnitName::default(),
        operator: None,
        order: None,
    };
    assert_eq!(journal.hold(hold).unwrap().to_string(), "H-000001");
    journal.end(&begun.attempt, begun.evidence).unwrap();
}

fn retired_with_a_hold() {
    let delivery = Delivery::founded();
    let gate = gate(&delivery.path("site"), Some(now().plus_seconds(60)));
    let came = |serial, attempt| present(&gate, &delivery.world, serial, attempt).unwrap();
    assert!(matches!(came("DEMO-0001", 1), Outcome::Accepted(_)));
    kept_hold(&delivery);
    change_keys(&delivery);
    assert!(matches!(came("DEMO-0002", 2), Outcome::Accepted(_)));
    assert_eq!(states(&delivery, "DEMO-0002"), [(5, State::Accepted)], "after the hold");
    // An accept of before the change is answered by the same gate, and so is one of after it.
    for (serial, attempt, seq) in [("DEMO-0001", 1, 2), ("DEMO-0002", 2, 5)] {
        let Outcome::Accepted(again) = came(serial, attempt) else { panic!("{serial}") };
        assert_eq!(again.recorded().seq, seq);
    }
}

/// Neither set of keys is there when a gate that runs finds that they were changed.
fn retired_and_no_standby() {
    let delivery = Delivery::founded();
    let gate = gate(&delivery.path("site"), Some(now().plus_seconds(60)));
    let came = |serial, attempt| present(&gate, &delivery.world, serial, attempt).unwrap();
    assert!(matches!(came("DEMO-0001", 1), Outcome::Accepted(_)));
    change_keys(&delivery);
    let (there, away) = lose(&delivery, "ecugate-standby");
    let Outcome::NotRecorded { findings, tag, .. } = came("DEMO-0002", 2) else { panic!("recorded by no key") };
    assert_eq!((findings[0].reason.code(), tag.unwrap().as_str()), ("token-absent", "H-000001"));
    std::fs::rename(away, there).unwrap();
    assert!(matches!(came("DEMO-0003", 3), Outcome::Accepted(_)));
    assert_eq!(states(&delivery, "DEMO-0002"), [(4, State::Held)]);
}

fn retired() {
    let delivery = Delivery::founded();
    // A gate that was opened before and goes on running.
    let gate = gate(&delivery.path("site"), Some(now().plus_seconds(60)));
    let came = |serial, attempt| present(&gate, &delivery.world, serial, attempt).unwrap();
    let came = &came;
    assert!(matches!(came("DEMO-0001", 1), Outcome::Accepted(_)));
    change_keys(&delivery);
    // Boxes at the gate when the keys change find the standby keys, each in its own call.
    std::thread::scope(|scope| {
        for (serial, attempt) in [("DEMO-0002", 2), ("DEMO-0003", 3), ("DEMO-0004", 4)] {
            scope.spawn(move || assert!(matches!(came(serial, attempt), Outcome::Accepted(_)), "{serial}"));
        }
    });
    let mut later: Vec<_> = ["DEMO-0002", "DEMO-0003", "DEMO-0004"].map(|serial| states(&delivery, serial)).concat();
    later.sort_unstable_by_key(|(seq, _)| *seq);
    assert_eq!(later, [(4, State::Accepted), (5, State::Accepted), (6, State::Accepted)]);
    drop(gate);

    let [_, log] = old_keys(&delivery);
    let mut ledger = delivery.ledger();
    assert_eq!(ledger.keys_in_force().unwrap(), KeySet::Standby);
    let stored = |seq| ledger.entry(seq).unwrap().unwrap().envelope.unwrap();
    let limits = &ecugate_verifier::values::limits::Limits::STANDARD;
    let old = ecugate_verifier::documents::envelope::Envelope::parse(&stored(2), limits).unwrap();
    let size = ledger.head().unwrap().0;
    let refused = ledger.append(&Append::default(), |_| Ok(vec![old]), &log).unwrap_err();
    assert_eq!(refused.reason().code(), "ledger-entry-unfit");
    assert_eq!(ledger.head().unwrap().0, size);
    assert_eq!(ledger.audit(Depth::Signatures, &[7; 32]).unwrap().differences, []);
}

fn refused() {
    let delivery = Delivery::founded();
    lose(&delivery, "ecugate-signer");
    for (more, status, reason) in [
        (&["--officer", "officer-1"][..], 21, "threshold-not-met"),
        (&["--officer", "officer-2", "--officer", "officer-2"], 21, "threshold-not-met"),
        (&["--officer", "officer-1", "--officer", "mallory"], 2, "usage"),
        (&["--reason", "another"], 2, "usage"),
    ] {
        let (found, said) = run(&delivery, &[&FAILOVER[..], more].concat());
        assert_eq!((found, said["reason"].as_str()), (status, Some(reason)), "{more:?}: {said}");
    }
    let (status, said) = run(&delivery, &["key", "failover", "--reason", ""]);
    assert_eq!((status, &said["reason"]), (2, &json!("usage")), "{said}");
    let (there, away) = lose(&delivery, "ecugate-standby");
    let (status, said) = run(&delivery, &FAILOVER);
    assert_eq!((status, &said["reason"]), (21, &json!("token-absent")), "{said}");
    std::fs::rename(&away, &there).unwrap();
    assert_eq!(size(&delivery), 2, "nothing was recorded by any of them");
    failed_over(&delivery);
}

fn lost_and_closed() {
    let delivery = closed_for_three_days();
    lose(&delivery, "ecugate-signer");
    let (status, said) = run(&delivery, &["ledger", "clock-step", "--reason", "closed"]);
    assert_eq!((status, &said["reason"]), (21, &json!("token-absent")), "{said}");
    let (status, said) = run(&delivery, &FAILOVER);
    assert_eq!((status, &said["reason"], size(&delivery)), (21, &json!("clock-ahead"), 2), "{said}");
    let (status, said) = run(&delivery, &[&FAILOVER[..], &["--clock-step"]].concat());
    assert_eq!((status, &said["entry"], &said["size"]), (0, &json!(2), &json!(4)), "{said}");
    assert!(said["last"].is_string() && said["time"].is_string(), "{said}");
    assert_eq!(accepted(&delivery, "DEMO-0001"), 4);
    assert_eq!(delivery.ledger().audit(Depth::Signatures, &[7; 32]).unwrap().differences, []);
}

fn cut() {
    let delivery = Delivery::founded();
    // The checkpoint cannot be stored: its mark cannot be raised. The entry stands.
    let mark = delivery.path("site/mark");
    let kept = delivery.path("mark-before");
    crate::delivery::copy_folder(&mark, &kept);
    failed_over(&delivery);
    let raw = rusqlite::Connection::open(delivery.path("site/ledger.db")).unwrap();
    let guards: Vec<(String, String)> = raw
        .prepare("SELECT name, sql FROM sqlite_schema WHERE type = 'trigger' AND tbl_name = 'checkpoint'")
        .unwrap()
        .query_map([], |row| Ok((row.get(0)?, row.get(1)?)))
        .unwrap()
        .collect::<Result<_, _>>()
        .unwrap();
    for (name, _) in &guards {
        raw.execute_batch(&format!("DROP TRIGGER \"{name}\"")).unwrap();
    }
    assert_eq!(raw.execute("DELETE FROM checkpoint WHERE size = 3", []).unwrap(), 1);
    for (_, sql) in &guards {
        raw.execute_batch(sql).unwrap();
    }
    drop(raw);
    std::fs::remove_dir_all(&mark).unwrap();
    std::fs::rename(&kept, &mark).unwrap();
    lose(&delivery, "ecugate-signer");
    let (status, said) = run(&delivery, &FAILOVER);
    assert_eq!((status, &said["recorded"], &said["entry"], &said["size"]), (0, &json!("before"), &json!(2), &json!(3)));
    assert_eq!(said["signed_by"], json!([]));
    assert_eq!(accepted(&delivery, "DEMO-0001"), 3);
    assert_eq!(delivery.ledger().audit(Depth::Signatures, &[7; 32]).unwrap().differences, []);
}

fn put_back() {
    let delivery = Delivery::founded();
    let before = delivery.path("before");
    std::fs::create_dir(&before).unwrap();
    let copy = |from: &std::path::Path, to: &std::path::Path| {
        for name in ["ledger.db", "ledger.db-wal", "ledger.db-shm"] {
            let _ = std::fs::remove_file(to.join(name));
            let _ = std::fs::copy(from.join(name), to.join(name));
        }
    };
    copy(&delivery.path("site"), &before);
    failed_over(&delivery);
    copy(&before, &delivery.path("site"));
    assert_eq!(held(&delivery, "DEMO-0001"), (json!("ledger-rolled-back"), json!("H-000001")));
}
