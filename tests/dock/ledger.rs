//! `ecugate ledger`: entries shown with their proofs, the audit, the checkpoint. None of them needs a token.

use crate::delivery::Delivery;
use crate::receive::trial;
use ecugate_verifier::syntax::note::{VerifiedCheckpoint, VerifierKey};
use ecugate_verifier::values::limits::Limits;
use libtest_mimic::Trial;
use serde_json::Value;

pub(crate) fn trials() -> Vec<Trial> {
    vec![
        trial("an_entry_is_shown_by_number_attempt_and_serial_with_what_became_of_its_unit", shown),
        trial("nothing_of_a_ledger_that_was_tampered_with_is_shown_as_an_entry", tampered),
        trial("an_audit_without_signatures_never_says_audited", audited),
        trial("the_checkpoint_verifies_with_the_key_beside_it_and_stands_alone_as_a_note", checkpoint),
        trial("a_wrong_attempt_or_no_choice_is_a_wrong_call", wrong_call),
    ]
}

fn ask(delivery: &Delivery, arguments: &str) -> (i32, Value) {
    let arguments: Vec<&str> = arguments.split_whitespace().chain(["--json"]).collect();
    let said = delivery.run(&arguments);
    assert_eq!(said.err, "", "{said:?}");
    (said.status, serde_json::from_str(&said.out).unwrap())
}

/// A genuine unit, and a second box with its serial.
fn contested() -> (Delivery, Value) {
    let delivery = Delivery::founded();
    let (status, first) = delivery.receive("DEMO-0001", |_| {});
    assert_eq!(status, 0, "{first}");
    assert_eq!(delivery.receive("DEMO-0001", |_| {}).0, 10);
    // Whoever looks needs no token.
    std::fs::rename(delivery.path("site/tokens"), delivery.path("away")).unwrap();
    (delivery, first)
}

fn kinds(said: &Value) -> Vec<(u64, String, Value)> {
    let entries = said["entries"].as_array().unwrap().iter();
    entries
        .map(|one| (one["seq"].as_u64().unwrap(), one["kind"].as_str().unwrap().to_owned(), one["standing"].clone()))
        .collect()
}

fn shown() {
    let (delivery, first) = contested();
    let (status, said) = ask(&delivery, "ledger show --site site --entry 2");
    assert_eq!(status, 0, "{said}");
    assert_eq!(kinds(&said), [(2, "verdict".to_owned(), "contested".into())]);
    assert_eq!(said["entries"][0]["leaf_hash"], first["record"]["leaf_hash"]);
    assert_eq!(said["entries"][0]["predicate"]["unit"], first["unit"]);
    assert_eq!(said["entries"][0]["proof"]["size"], 5);

    let attempt =
        format!("{}/{}", first["attempt"]["station"].as_str().unwrap(), first["attempt"]["nonce"].as_str().unwrap());
    let (status, said) = ask(&delivery, &format!("ledger show --site site --attempt {attempt}"));
    let expected = [(2, "verdict".to_owned(), "contested".into()), (4, "contested".to_owned(), Value::Null)];
    assert_eq!((status, kinds(&said)), (0, expected.to_vec()), "what became of its unit stands with it: {said}");

    let (_, said) = ask(&delivery, "ledger show --site site --serial DEMO-0001");
    assert_eq!(kinds(&said).iter().map(|(seq, ..)| *seq).collect::<Vec<_>>(), [2, 3, 4]);
    let (_, said) = ask(&delivery, "ledger show --site site --last 2");
    assert_eq!(kinds(&said).iter().map(|(seq, ..)| *seq).collect::<Vec<_>>(), [3, 4]);

    let (status, said) = ask(&delivery, "ledger show --site site --serial DEMO-0002");
    assert_eq!((status, &said["reason"]), (10, &"ledger-entry-missing".into()));
    let text = delivery.run(&["ledger", "show", "--site", "site", "--entry", "3"]).out;
    assert!(
        text.contains("because    identity-seen-before: ledger entry 2: expected")
            && text.contains("proof      under a checkpoint"),
        "{text}"
    );
}

fn tampered() {
    let (delivery, _) = contested();
    let database = rusqlite::Connection::open(delivery.path("site/ledger.db")).unwrap();
    let trigger = "SELECT sql FROM sqlite_schema WHERE name = 'entry_keeps_update'";
    let trigger: String = database.query_row(trigger, [], |row| row.get(0)).unwrap();
    database.execute_batch("DROP TRIGGER entry_keeps_update").unwrap();
    let change = "UPDATE entry SET envelope = CAST(replace(envelope, 'A', 'B') AS BLOB) WHERE seq = 2";
    database.execute_batch(change).unwrap();
    database.execute_batch(&trigger).unwrap();
    drop(database);
    let (status, said) = ask(&delivery, "ledger show --site site --entry 2");
    assert_eq!((status, &said["reason"]), (10, &"ledger-differs".into()), "{said}");
    assert_eq!(said.get("entries"), None);
}

fn audited() {
    let (delivery, _) = contested();
    let (status, said) = ask(&delivery, "ledger audit --site site");
    assert_eq!((status, &said["audited"], &said["size"]), (0, &false.into(), &5.into()), "{said}");
    let (status, said) = ask(&delivery, "ledger audit --site site --signatures");
    assert_eq!(
        (status, &said["audited"], &said["differences"]),
        (0, &true.into(), &Value::Array(Vec::new())),
        "{said}"
    );
}

fn checkpoint() {
    let (delivery, _) = contested();
    let (status, said) = ask(&delivery, "ledger checkpoint --site site");
    assert_eq!((status, &said["size"]), (0, &5.into()), "{said}");
    let key = VerifierKey::parse(said["vkey"].as_str().unwrap()).unwrap();
    let alone = delivery.run(&["ledger", "checkpoint", "--site", "site", "--note"]).out;
    assert_eq!(said["note"], alone.as_str());
    let opened = VerifiedCheckpoint::open(alone.as_bytes(), &key, &Limits::STANDARD).unwrap();
    assert_eq!(opened.size(), 5);
}

fn wrong_call() {
    let (delivery, _) = contested();
    for arguments in ["ledger show --site site --attempt dock-1/xyz", "ledger show --site site --serial \u{7}"] {
        let (status, said) = ask(&delivery, arguments);
        assert_eq!((status, &said["reason"]), (2, &"usage".into()), "{arguments}: {said}");
    }
    assert_eq!(delivery.run(&["ledger", "show", "--site", "site"]).status, 2);
    assert_eq!(delivery.run(&["ledger", "show", "--site", "site", "--entry", "1", "--last", "1"]).status, 2);
}
