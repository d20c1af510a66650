//! Lists: who may change them, and what a box finds afterwards.

use super::{
    OTHER_SERIALS, accepted, both_sign, done, fails, receive, receive_other, refused, run, signed_list, state,
    two_makers,
};
use crate::delivery::Delivery;
use crate::pki::{Party, Spec};
use crate::receive::trial;
use ecugate_verifier::documents::change::TrustChange;
use ecugate_verifier::documents::document;
use ecugate_verifier::documents::envelope::Envelope;
use ecugate_verifier::values::digest::Sha256;
use ecugate_verifier::values::limits::Limits;
use libtest_mimic::Trial;
use serde_json::{Value, json};

pub(super) fn trials() -> Vec<Trial> {
    vec![
        trial("a_second_manufacturer_counts_from_the_list_that_two_officers_signed", second_manufacturer),
        trial("a_retired_manufacturer_is_refused_and_its_certificate_leaves_the_token", retired),
        trial("attack_71_a_list_signed_by_one_officer_changes_nothing", one_officer),
        trial("attack_01_an_officer_signs_once_and_with_a_key_of_his_own", same_officer_twice),
        trial("attack_40_a_list_put_back_by_a_copied_file_is_a_hold_until_the_newer_one_is_published", rolled_back),
        trial("a_list_that_was_tampered_with_on_its_way_is_signed_and_published_by_nobody", tampered),
        trial("two_proposals_from_one_list_cannot_both_come_into_force", two_proposals),
        trial("what_can_be_no_anchor_is_never_proposed_and_no_file_is_written", unfit),
        trial("attack_58_a_hostile_name_in_a_certificate_reaches_no_terminal", hostile_names),
    ]
}

fn second_manufacturer() {
    let (delivery, other) = two_makers();
    // Papers and unit are genuine; nobody here has listed their maker.
    assert_eq!(receive_other(&delivery, OTHER_SERIALS[0]), refused(10, "path-not-found"));

    let proposed = done(&delivery, "anchors propose --add other.pem --manufacturer other --reason brakes --out list2");
    assert_eq!((&proposed["version"], &proposed["follows"], &proposed["kept"]), (&2.into(), &1.into(), &1.into()));
    let change = &proposed["changes"][0];
    assert_eq!((&change["change"], &change["anchor"]["manufacturer"]), (&"added".into(), &"other".into()));
    let digest = Sha256::of(&other.root.der).to_string();
    assert_eq!((&change["anchor"]["sha256"], &change["anchor"]["serials"]), (&digest.into(), &"may-list".into()));
    assert_eq!(change["anchor"]["certificate"]["subject"], "CN=Other Root");
    // What is read aloud is what is signed, on whatever desk.
    let payload = std::fs::read(delivery.path("list2")).unwrap();
    assert_eq!(proposed["payload_sha256"], Sha256::of(&payload).to_string());
    assert_eq!(done(&delivery, "anchors show list2")["payload_sha256"], proposed["payload_sha256"]);

    both_sign(&delivery, "list2");
    assert_eq!(receive_other(&delivery, OTHER_SERIALS[1]), refused(10, "path-not-found"), "signed, not yet in force");
    let published = done(&delivery, "anchors publish list2");
    assert_eq!((&published["version"], &published["anchors"]), (&2.into(), &2.into()));
    assert_eq!(published["signed_by"], json!(["officer-1", "officer-2"]));
    assert_eq!(receive_other(&delivery, OTHER_SERIALS[2]), accepted());
    assert_eq!(receive(&delivery, "DEMO-0001"), accepted());

    entry_holds(&delivery, published["entry"].as_u64().unwrap(), 2);
    let before = std::fs::read(delivery.path("site/anchor-list.v1.json")).unwrap();
    let list = Envelope::parse(&std::fs::read(delivery.path("list2")).unwrap(), &Limits::STANDARD).unwrap();
    let previous = serde_json::from_slice::<Value>(list.payload()).unwrap()["predicate"]["previous"].clone();
    assert_eq!(previous, Sha256::of(&before).to_string());
    let listed = done(&delivery, "anchors list");
    assert_eq!((&listed["entry"], &listed["warnings"]), (&published["entry"], &json!([])));
    assert_eq!(listed["anchors"].as_array().unwrap().len(), 2);
    // Ninety days, less what has passed since: nothing, where all of this was done within one second.
    assert!(matches!(listed["days_left"].as_i64(), Some(89 | 90)), "{listed}");
}

/// The entry: signed by station and officers, naming version and envelope, which the ledger keeps.
fn entry_holds(delivery: &Delivery, seq: u64, version: u64) {
    let (ledger, limits) = (delivery.ledger(), &Limits::STANDARD);
    let envelope = Envelope::parse(&ledger.entry(seq).unwrap().unwrap().envelope.unwrap(), limits).unwrap();
    assert_eq!(envelope.signatures().len(), 3);
    let change: TrustChange = document::read_unverified(&envelope, limits).unwrap();
    assert_eq!(change.record.versions.unwrap().anchor_list, Some(version));
    let blob = ledger.blob(&change.anchor_list).unwrap().unwrap();
    assert_eq!(blob.bytes, std::fs::read(delivery.path("site/anchor-list.json")).unwrap());
    assert_eq!(change.ground, "brakes");
    assert!(ledger.recorded(seq).unwrap().size > seq, "under a checkpoint");
}

fn retired() {
    let (delivery, other) = two_makers();
    signed_list(&delivery, "list2", "--add other.pem --manufacturer other");
    done(&delivery, "anchors publish list2");
    assert_eq!(receive_other(&delivery, OTHER_SERIALS[0]), accepted());

    let digest = Sha256::of(&other.root.der);
    let proposed = done(&delivery, &format!("anchors propose --retire {digest} --reason gone --out list3"));
    let change = &proposed["changes"][0];
    assert_eq!((&change["change"], &change["anchor"]["sha256"]), (&"retired".into(), &digest.to_string().into()));
    both_sign(&delivery, "list3");
    let published = done(&delivery, "anchors publish list3");
    assert_eq!(published["retired"], json!([{"sha256": digest.to_string(), "still_there": null}]));
    assert_eq!(receive_other(&delivery, OTHER_SERIALS[1]), refused(10, "path-not-found"));
    assert_eq!(receive(&delivery, "DEMO-0001"), accepted());
    let listed = done(&delivery, "anchors list");
    assert_eq!((&listed["version"], &listed["warnings"]), (&3.into(), &json!([])));
}

/// Attack class 71: one person alone.
fn one_officer() {
    let (delivery, _) = two_makers();
    done(&delivery, "anchors propose --add other.pem --manufacturer other --reason x --out list2");
    let before = state(&delivery);
    fails(&delivery, "anchors publish list2", 21, "anchor-list-malformed");
    done(&delivery, "anchors sign list2 --officer officer-1");
    let said = fails(&delivery, "anchors publish list2", 21, "anchor-list-threshold");
    assert_eq!(said["expected"], "signatures of at least 2 persons");
    assert_eq!(state(&delivery), before);
    // Nor by hand: a gate asks the same question.
    std::fs::copy(delivery.path("list2"), delivery.path("site/anchor-list.json")).unwrap();
    assert_eq!(receive_other(&delivery, OTHER_SERIALS[0]), refused(21, "anchor-list-threshold"));
    assert_eq!(receive(&delivery, "DEMO-0001"), refused(21, "anchor-list-threshold"));
    fails(&delivery, "anchors list", 21, "anchor-list-threshold");
}

/// Attack class 1: one officer as two.
fn same_officer_twice() {
    let (delivery, _) = two_makers();
    done(&delivery, "anchors propose --add other.pem --manufacturer other --reason x --out list2");
    done(&delivery, "anchors sign list2 --officer officer-1");
    let once = std::fs::read(delivery.path("list2")).unwrap();
    fails(&delivery, "anchors sign list2 --officer officer-1", 2, "officer-signed-already");
    // In another's name, with the own key.
    let said = fails(&delivery, "anchors sign list2 --officer officer-2 --key officer-1", 21, "token-key-unusable");
    assert!(said["expected"].as_str().unwrap().starts_with("key "), "{said}");
    fails(&delivery, "anchors sign list2 --officer officer-2 --key station", 21, "token-key-missing");
    let said = fails(&delivery, "anchors sign list2 --officer mallory", 2, "usage");
    assert_eq!(said["expected"], "an officer of this site: officer-1, officer-2");
    // A PIN in place of its source is refused and repeated nowhere; a source that holds none is named.
    for (source, status, reason) in [
        ("4711-secret", 2, "usage"),
        ("env:ECUGATE_NO_SUCH_PIN", 21, "pin-missing"),
        ("file:nowhere", 21, "pin-missing"),
    ] {
        let said = fails(&delivery, &format!("anchors sign list2 --officer officer-2 --pin {source}"), status, reason);
        assert!(!said.to_string().contains("4711"), "{said}");
    }
    assert_eq!(std::fs::read(delivery.path("list2")).unwrap(), once);
    // The one signature there is, twice.
    let mut text: Value = serde_json::from_slice(&once).unwrap();
    let signature = text["signatures"][0].clone();
    text["signatures"].as_array_mut().unwrap().push(signature);
    delivery.write("list2", &serde_json::to_vec(&text).unwrap());
    fails(&delivery, "anchors publish list2", 21, "anchor-list-malformed");
}

fn rolled_back() {
    let (delivery, _) = two_makers();
    signed_list(&delivery, "list2", "--add other.pem --manufacturer other");
    done(&delivery, "anchors publish list2");
    let newer = std::fs::read(delivery.path("site/anchor-list.json")).unwrap();
    std::fs::copy(delivery.path("site/anchor-list.v1.json"), delivery.path("site/anchor-list.json")).unwrap();
    assert_eq!(receive(&delivery, "DEMO-0001"), refused(21, "anchor-list-rolled-back"));
    fails(&delivery, "anchors list", 21, "anchor-list-rolled-back");
    let propose = "anchors propose --renew --reason x --out list3";
    fails(&delivery, propose, 21, "anchor-list-rolled-back");
    // The old one cannot be published either, and what was signed by enough officers can be put back by anybody.
    let old = "anchors publish site/anchor-list.v1.json --reason x";
    fails(&delivery, old, 21, "anchor-list-rolled-back");
    let published = done(&delivery, "anchors publish list2");
    assert_eq!((&published["recorded"], &published["replaced"]), (&"before".into(), &"now".into()));
    assert_eq!(std::fs::read(delivery.path("site/anchor-list.json")).unwrap(), newer);
    assert_eq!(receive(&delivery, "DEMO-0001"), accepted());
    done(&delivery, propose);
    // A file that is no list of this site is kept too, and under no version.
    delivery.write("site/anchor-list.json", b"{}");
    done(&delivery, "anchors publish list2");
    let aside = format!("site/anchor-list.set-aside-{}.json", &Sha256::of(b"{}").to_string()[..16]);
    assert_eq!(std::fs::read(delivery.path(&aside)).unwrap(), b"{}");
}

fn tampered() {
    let (delivery, _) = two_makers();
    let evil = Party::root(Spec::ca("Maker Root"));
    delivery.write("evil.pem", evil.pem().as_bytes());
    let proposed = done(&delivery, "anchors propose --add other.pem --manufacturer other --reason x --out list2");
    done(&delivery, "anchors propose --add evil.pem --manufacturer other --reason x --out evil2");
    // Payloads exchanged after the digest was written down.
    let compare = format!("--compare {}", proposed["payload_sha256"].as_str().unwrap());
    let said = fails(&delivery, &format!("anchors sign evil2 --officer officer-1 {compare}"), 2, "usage");
    assert_eq!(said["where"], "payload");
    // The annex exchanged: the certificate on the list is not in it.
    std::fs::rename(delivery.path("list2.annex"), delivery.path("kept")).unwrap();
    std::fs::copy(delivery.path("evil2.annex"), delivery.path("list2.annex")).unwrap();
    fails(&delivery, "anchors sign list2 --officer officer-1", 10, "certificate-missing");
    std::fs::remove_file(delivery.path("list2.annex")).unwrap();
    fails(&delivery, "anchors sign list2 --officer officer-1", 2, "input-missing");
    std::fs::rename(delivery.path("kept"), delivery.path("list2.annex")).unwrap();
    done(&delivery, &format!("anchors sign list2 --officer officer-1 {compare}"));
    // The payload exchanged below a signature.
    let envelope: Value = serde_json::from_slice(&std::fs::read(delivery.path("list2")).unwrap()).unwrap();
    let mut other = envelope.clone();
    use base64::Engine as _;
    let payload = std::fs::read(delivery.path("evil2")).unwrap();
    other["payload"] = base64::engine::general_purpose::STANDARD.encode(payload).into();
    delivery.write("evil2", &serde_json::to_vec(&other).unwrap());
    fails(&delivery, "anchors sign evil2 --officer officer-2", 21, "anchor-list-threshold");
    fails(&delivery, "anchors publish evil2", 21, "anchor-list-threshold");
    delivery.write("garbage", b"\x30\x82not json");
    fails(&delivery, "anchors sign garbage --officer officer-2", 21, "anchor-list-malformed");
    fails(&delivery, "anchors sign site/policy.json --officer officer-2", 21, "anchor-list-malformed");
    // Signed by both, and published without the certificate.
    done(&delivery, "anchors sign list2 --officer officer-2");
    std::fs::remove_file(delivery.path("list2.annex")).unwrap();
    let before = state(&delivery);
    fails(&delivery, "anchors publish list2 --reason x", 10, "certificate-missing");
    assert_eq!(state(&delivery), before);
    done(&delivery, "anchors publish list2 --reason x --certificate other.pem");
}

fn two_proposals() {
    let (delivery, _) = two_makers();
    signed_list(&delivery, "one", "--add other.pem --manufacturer other");
    signed_list(&delivery, "two", "--add other.pem --manufacturer another");
    done(&delivery, "anchors publish one");
    let said = fails(&delivery, "anchors publish two", 21, "anchor-list-rolled-back");
    assert_eq!((&said["expected"], &said["found"]), (&"3".into(), &"2".into()));
    fails(&delivery, "anchors show two", 21, "anchor-list-rolled-back");
    // Published again, it is in force as before and nothing is recorded twice.
    let size = delivery.ledger().head().unwrap().0;
    let again = done(&delivery, "anchors publish one");
    assert_eq!((&again["recorded"], &again["replaced"]), (&"before".into(), &"before".into()));
    assert_eq!(delivery.ledger().head().unwrap().0, size);
}

fn unfit() {
    let (delivery, other) = two_makers();
    delivery.write("leaf.pem", other.release_signer.pem().as_bytes());
    let over = Party::root(Spec::ca("Over").with(|spec| spec.not_after = spec.not_before + 1));
    delivery.write("over.pem", over.pem().as_bytes());
    let own = Sha256::of(&delivery.world.root.der);
    let theirs = Sha256::of(&other.root.der);
    for (change, status, reason) in [
        ("--add leaf.pem --manufacturer other".to_owned(), 10, "ca-flag-missing"),
        ("--add over.pem --manufacturer other".to_owned(), 21, "certificate-expired"),
        ("--add root.pem --manufacturer maker".to_owned(), 2, "usage"),
        ("--add other.pem".to_owned(), 2, "usage"),
        ("--add other.pem:king --manufacturer other".to_owned(), 2, "usage"),
        ("--add other.pem --manufacturer other --crl-hours 1 --crl-hours 2".to_owned(), 2, "usage"),
        ("--add other.pem --manufacturer other --valid-until 2001-01-01T00:00:00Z".to_owned(), 2, "usage"),
        ("--add nowhere.pem --manufacturer other".to_owned(), 2, "input-missing"),
        (format!("--retire {theirs}"), 2, "usage"),
        (format!("--retire {own}"), 21, "anchors-empty"),
        ("--retire 1234".to_owned(), 2, "usage"),
        ("--no-serials --renew".to_owned(), 2, "usage"),
        (String::new(), 2, "usage"),
    ] {
        fails(&delivery, &format!("anchors propose {change} --reason x --out list2"), status, reason);
        assert!(!delivery.path("list2").exists() && !delivery.path("list2.annex").exists(), "{change}");
    }
    let blank = ["anchors", "propose", "--site", "site", "--renew", "--reason", " ", "--out", "list2", "--json"];
    assert_eq!(delivery.run(&blank).status, 2);
    delivery.write("list2.annex", b"in use");
    fails(&delivery, "anchors propose --renew --reason x --out list2", 2, "output-exists");
    // Other terms for the same certificate, in one list.
    let said = done(
        &delivery,
        &format!(
            "anchors propose --retire {own} --add root.pem:release:X1* --manufacturer maker --no-serials --reason x --out list3"
        ),
    );
    assert_eq!(said["changes"][0]["change"], "altered");
    assert_eq!(said["changes"][0]["anchor"]["serials"], "may-not-list");
    assert_eq!(said["changes"][0]["before"]["serials"], "may-list");
}

fn hostile_names() {
    let (delivery, _) = two_makers();
    let hostile = Party::root(Spec::ca("\u{1b}[2JMaker\u{202e}tooR"));
    delivery.write("hostile.pem", hostile.pem().as_bytes());
    let reason = "\u{1b}]0;owned\u{7}";
    let propose = ["anchors", "propose", "--site", "site", "--add", "hostile.pem", "--manufacturer", "evil"];
    let rest = ["--reason", reason, "--out", "list2"];
    let plain = |text: &str| text.chars().all(|c| c == '\n' || (!c.is_control() && c != '\u{202e}'));
    let said = delivery.run(&[&propose[..], &rest].concat());
    assert_eq!((said.status, plain(&said.out)), (0, true), "{said:?}");
    assert!(said.out.contains("CN=\\\\1b[2JMaker\\\\e2\\\\80\\\\aetooR"), "{said:?}");
    both_sign(&delivery, "list2");
    done(&delivery, "anchors publish list2");
    for json in [&["--json"][..], &[]] {
        let said = delivery.run(&[&["anchors", "list", "--site", "site"], json].concat());
        assert_eq!((said.status, plain(&said.out)), (0, true), "{said:?}");
    }
    assert_eq!(run(&delivery, "anchors list").1["anchors"][1]["manufacturer"], "evil");
}
