//! Whoever can load the module writes to the trust token, with no PIN: what counts is the list, and `anchors list` says
//! what somebody did.

use super::{OTHER_SERIALS, accepted, both_sign, done, fails, receive, receive_other, refused, run, two_makers};
use crate::delivery::Delivery;
use crate::gate::{found, now};
use crate::receive::trial;
use crate::softhsm::{module, raw_session};
use ecugate::ceremony::AnchorsStanding;
use ecugate::hsm::{SkipReason, Tokens, softhsm};
use ecugate::site::Site;
use ecugate_verifier::values::digest::Sha256;
use libtest_mimic::Trial;
use serde_json::json;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;

pub(super) fn trials() -> Vec<Trial> {
    vec![
        trial("attack_34_a_certificate_written_by_nobody_counts_for_nothing_and_is_warned_of", written_by_nobody),
        trial("attack_35_an_anchor_replaced_under_its_label_is_a_hold_until_the_list_is_published_again", replaced),
        crate::softhsm::trial("attack_36_ghosts_beside_a_listed_certificate_are_named_and_change_nothing", &[ghosts]),
    ]
}

/// `pkcs11-tool` as anybody may run it: the trust token, no login.
fn pkcs11_tool(delivery: &Delivery, arguments: &[&str]) {
    let output = Command::new("pkcs11-tool")
        .arg("--module")
        .arg(softhsm().unwrap())
        .args(["--token-label", "ecugate-trust"])
        .args(arguments)
        .env("SOFTHSM2_CONF", delivery.path("site/softhsm2.conf"))
        .output()
        .unwrap();
    assert!(output.status.success(), "{arguments:?}: {output:?}");
}

fn write_certificate(delivery: &Delivery, der: &[u8], label: &str) {
    delivery.write("written.der", der);
    let file = delivery.path("written.der");
    let file = file.to_str().unwrap();
    pkcs11_tool(delivery, &["--write-object", file, "--type", "cert", "--label", label, "--id", "01"]);
}

/// Attack class 34.
fn written_by_nobody() {
    let (delivery, other) = two_makers();
    write_certificate(&delivery, &other.root.der, "maker");
    assert_eq!(receive_other(&delivery, OTHER_SERIALS[0]), refused(10, "path-not-found"));
    assert_eq!(receive(&delivery, "DEMO-0001"), accepted());
    let listed = done(&delivery, "anchors list");
    let stranger = &listed["not_listed"][0];
    assert_eq!(stranger["sha256"], Sha256::of(&other.root.der).to_string());
    assert_eq!((&stranger["token_label"], &stranger["token_trusted"]), (&"maker".into(), &false.into()));
    let warning = listed["warnings"][0].as_str().unwrap();
    assert!(warning.starts_with("somebody wrote to the token: CN=Other Root, labelled \"maker\""), "{warning}");
    assert_eq!((listed["anchors"].as_array().unwrap().len(), &listed["usable"]), (1, &true.into()));
    // Two officers list it: what is there already is used as it is, whoever wrote it.
    done(&delivery, "anchors propose --add other.pem --manufacturer other --reason x --out list2");
    both_sign(&delivery, "list2");
    assert_eq!(done(&delivery, "anchors publish list2")["written"], json!([]));
    assert_eq!(receive_other(&delivery, OTHER_SERIALS[1]), accepted());
    assert_eq!(done(&delivery, "anchors list")["warnings"], json!([]));
}

/// Attack class 35.
fn replaced() {
    let (delivery, other) = two_makers();
    let before = done(&delivery, "anchors list");
    pkcs11_tool(&delivery, &["--delete-object", "--type", "cert", "--label", "maker"]);
    write_certificate(&delivery, &other.root.der, "maker");
    assert_eq!(receive(&delivery, "DEMO-0001"), refused(21, "anchors-empty"));
    let listed = fails(&delivery, "anchors list", 21, "anchors-empty");
    assert_eq!((&listed["anchors"][0]["on_token"], &listed["usable"]), (&false.into(), &false.into()));
    let warnings = listed["warnings"].as_array().unwrap();
    assert!(warnings[0].as_str().unwrap().starts_with("maker: its certificate is not on the token"), "{warnings:?}");
    assert!(warnings[1].as_str().unwrap().starts_with("somebody wrote to the token"), "{warnings:?}");
    let publish = "anchors publish site/anchor-list.json --reason restored";
    fails(&delivery, publish, 10, "certificate-missing");
    let published = done(&delivery, &format!("{publish} --certificate root.pem"));
    assert_eq!((&published["written"][0]["label"], &published["entry"]), (&"maker".into(), &serde_json::Value::Null));
    assert_eq!(receive(&delivery, "DEMO-0001"), accepted());
    let after = run(&delivery, "anchors list").1;
    assert_eq!((&after["anchors"], after["warnings"].as_array().unwrap().len()), (&before["anchors"], 1));
}

/// Attack class 36.
fn ghosts(folder: &Path) {
    let world = crate::delivery::today();
    found(folder, &world);
    let site = Site::open(folder).unwrap();
    let session = raw_session(&site.text().trust_token);
    let mut refused = crate::tokens::object("ghost", b"not read");
    refused.insert(0, cryptoki::object::Attribute::Trusted(true));
    session.create_object(&refused).unwrap_err();
    session.create_object(&crate::tokens::object("\u{1b}[2Jmaker", &world.root.der)).unwrap();
    drop(session);
    let tokens: Arc<dyn Tokens> = Arc::new(module());
    let standing = AnchorsStanding::with(&site, Ok(&tokens), now());
    assert_eq!(standing.usable, Ok(1));
    assert_eq!(standing.anchors.len(), 1);
    assert!(standing.anchors[0].stored.is_some() && standing.strangers.is_empty());
    let why: Vec<SkipReason> = standing.skipped.iter().map(|one| one.why).collect();
    assert_eq!(why.len(), 2);
    assert!(why.contains(&SkipReason::Empty) && why.contains(&SkipReason::Copy), "{why:?}");
}
