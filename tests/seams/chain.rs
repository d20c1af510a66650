//! `verify chain`: paths, revocation, time, purpose, and what is no certificate.

use crate::bad::{self, verdict};
use crate::pki::{AT, DAY, List, Party, Spec, pem, utc};
use crate::program::Bench;
use ecugate_verifier::values::ident::purpose;
use rcgen::KeyUsagePurpose;
use serde_json::{Value, json};

/// The time of everything made by default.
const NOW: &str = "2026-06-01T00:00:00Z";

struct Makers {
    root: Party,
    issuing: Party,
    leaf: Party,
}

fn makers() -> Makers {
    let root = Party::root(Spec::ca("Root"));
    let issuing = root.issue(Spec::ca("Issuing").with(|spec| spec.serial = 2));
    let leaf = issuing.issue(Spec::leaf("Signer"));
    Makers { root, issuing, leaf }
}

impl Makers {
    fn files(&self) -> Vec<(&'static str, Vec<u8>)> {
        let Self { root, issuing, leaf } = self;
        let crl = |party: &Party, list: &List| pem("X509 CRL", &party.crl(list)).into_bytes();
        vec![
            ("leaf.der", leaf.der.clone()),
            ("leaf.pem", leaf.pem().into_bytes()),
            ("root.pem", root.pem().into_bytes()),
            ("bag.pem", [issuing.pem(), leaf.pem()].concat().into_bytes()),
            ("root.crl", root.crl(&List::default())),
            ("issuing.crl", issuing.crl(&List::default())),
            ("both.crl", [crl(root, &List::default()), crl(issuing, &List::default())].concat()),
            ("revoking.crl", issuing.crl(&List::revoking(100))),
            ("empty", Vec::new()),
        ]
    }

    fn bench(&self) -> Bench {
        let files = self.files();
        Bench::new(&files.iter().map(|(name, contents)| (*name, contents.as_slice())).collect::<Vec<_>>())
    }
}

fn chain<'a>(more: &[&'a str]) -> Vec<&'a str> {
    [&["verify", "chain", "leaf.der", "--anchor", "root.pem", "--untrusted", "bag.pem", "--at", NOW], more].concat()
}

#[test]
fn a_path_is_shown_from_leaf_to_anchor_with_the_lists_that_it_used() {
    let makers = makers();
    let said = makers.bench().run(&chain(&["--crl", "both.crl", "--json"]));
    let object = said.object();
    assert_eq!((said.status, &object["outcome"], &object["reason"]), (0, &json!("accept"), &Value::Null));
    let subjects: Vec<&str> =
        object["path"].as_array().unwrap().iter().map(|one| one["subject"].as_str().unwrap()).collect();
    assert_eq!(subjects, ["CN=Signer", "CN=Issuing", "CN=Root"]);
    assert_eq!(object["path"][0]["issuer"], "CN=Issuing");
    assert_eq!(object["path"][0]["serial"], "64");
    let issuers: Vec<&str> =
        object["crls"].as_array().unwrap().iter().map(|one| one["issuer"].as_str().unwrap()).collect();
    assert_eq!(issuers, ["CN=Issuing", "CN=Root"]);
    assert_eq!(
        (&object["at"], &object["revocation"], &object["purpose"]),
        (&json!(NOW), &json!("chain"), &Value::Null)
    );

    let text = makers.bench().run(&chain(&["--crl", "both.crl"])).out;
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(lines[0], "accept");
    assert!(lines.contains(&"leaf      CN=Signer") && lines.contains(&"anchor    CN=Root"), "{text}");
}

#[test]
fn revocation_is_asked_of_the_chain_where_a_list_is_given_and_of_nobody_else_by_default() {
    let bench = makers().bench();
    let of = |more: &[&str]| verdict(&bench, &chain(more));
    let pass = (0, String::new());
    let fail = |reason: &str| (10, reason.to_owned());
    assert_eq!(of(&[]), pass);
    assert_eq!(of(&["--crl", "root.crl", "issuing.crl"]), pass);
    assert_eq!(of(&["--crl", "root.crl", "--crl", "issuing.crl"]), pass);
    assert_eq!(of(&["--crl", "issuing.crl"]), fail("crl-missing"));
    assert_eq!(of(&["--crl", "issuing.crl", "--revocation", "leaf"]), pass);
    assert_eq!(of(&["--revocation", "chain"]), fail("crl-missing"));
    assert_eq!(of(&["--crl", "root.crl", "revoking.crl"]), fail("signer-revoked"));
    assert_eq!(of(&["--crl", "revoking.crl", "--revocation", "leaf"]), fail("signer-revoked"));
    assert_eq!(of(&["--crl", "revoking.crl", "--revocation", "off"]), pass);
}

#[test]
fn the_leaf_may_stand_first_last_or_between_and_a_list_repeats_its_flag_or_not() {
    let bench = makers().bench();
    for line in [
        "leaf.pem --anchor root.pem --untrusted bag.pem --crl root.crl --crl issuing.crl",
        "leaf.pem --anchor root.pem --untrusted bag.pem --crl root.crl issuing.crl",
        "--anchor root.pem --untrusted bag.pem --crl both.crl leaf.pem",
        "--anchor root.pem leaf.pem --untrusted bag.pem --crl both.crl",
    ] {
        let arguments: Vec<&str> = ["verify", "chain", "--at", NOW].into_iter().chain(line.split(' ')).collect();
        let said = bench.run(&[&arguments[..], &["--json"]].concat());
        let object = said.object();
        assert_eq!((said.status, &object["path"][0]["subject"]), (0, &json!("CN=Signer")), "{line}");
        assert_eq!(object["crls"].as_array().unwrap().len(), 2, "{line}");
    }
}

#[test]
fn time_is_the_one_of_the_call_then_of_the_variable_then_of_the_system() {
    let bench = makers().bench();
    let late = utc(AT + 300 * DAY);
    let late = format!("{}-{}-{}T00:00:00+00:00", &late[..4], &late[4..6], &late[6..8]);
    let at = |at: &str| {
        verdict(&bench, &["verify", "chain", "leaf.pem", "--anchor", "root.pem", "--untrusted", "bag.pem", "--at", at])
    };
    assert_eq!(at(NOW), (0, String::new()));
    assert_eq!(at(&late), (10, "certificate-expired".into()));
    assert_eq!(at("2026-01-01T00:00:00Z"), (10, "certificate-not-yet-valid".into()));
    assert_eq!(at("yesterday"), (2, "usage".into()));

    let without = ["verify", "chain", "leaf.pem", "--anchor", "root.pem", "--untrusted", "bag.pem", "--quiet"];
    let status = |now: &str| bench.command(&without).env("ECUGATE_NOW", now).output().unwrap().status.code();
    assert_eq!(status(NOW), Some(0));
    assert_eq!(status("2026-01-01T00:00:00Z"), Some(10));
    assert_eq!(status("noon"), Some(2));
    let with = bench.command(&chain(&["--quiet"])).env("ECUGATE_NOW", "2026-01-01T00:00:00Z").output().unwrap();
    assert_eq!(with.status.code(), Some(0));

    let root = Party::root(Spec::ca("Root"));
    let lasting = root.issue(Spec::leaf("Lasting").with(|spec| spec.not_after = AT + 4_000 * DAY));
    let over = root.issue(Spec::leaf("Over").with(|spec| spec.not_after = AT - DAY));
    let bench = Bench::new(&[("root", &root.der), ("lasting", &lasting.der), ("over", &over.der)]);
    assert_eq!(verdict(&bench, &["verify", "chain", "lasting", "--anchor", "root"]), (0, String::new()));
    assert_eq!(verdict(&bench, &["verify", "chain", "over", "--anchor", "root"]), (10, "certificate-expired".into()));
}

#[test]
fn a_purpose_turns_our_own_rules_on_the_leaf_on() {
    let bench = makers().bench();
    assert_eq!(verdict(&bench, &chain(&["--purpose", purpose::RELEASE])), (0, String::new()));
    assert_eq!(verdict(&bench, &chain(&["--purpose", purpose::SHIPMENT])), (10, "purpose-missing".into()));
    assert_eq!(verdict(&bench, &chain(&["--purpose", "release"])), (2, "usage".into()));

    let root = Party::root(Spec::ca("Root"));
    let leaf = root.issue(Spec::leaf("Certifier").with(|spec| spec.usages.push(KeyUsagePurpose::KeyCertSign)));
    let bench = Bench::new(&[("root", &root.der), ("leaf", &leaf.der)]);
    let arguments = ["verify", "chain", "leaf", "--anchor", "root", "--at", NOW];
    assert_eq!(verdict(&bench, &arguments), (0, String::new()));
    let strict = [&arguments[..], &["--purpose", purpose::RELEASE]].concat();
    assert_eq!(verdict(&bench, &strict), (10, "key-usage-wrong".into()));
}

#[test]
fn a_path_with_more_intermediates_than_allowed_is_rejected() {
    let bench = makers().bench();
    assert_eq!(verdict(&bench, &chain(&["--max-intermediates", "1"])), (0, String::new()));
    assert_eq!(verdict(&bench, &chain(&["--max-intermediates", "0"])).0, 10);
    assert_eq!(verdict(&bench, &chain(&["--max-intermediates", "-1"])), (2, "usage".into()));
}

#[test]
fn without_anchors_nothing_is_accepted_and_an_empty_bag_is_no_fault() {
    let bench = makers().bench();
    let none = ["verify", "chain", "leaf.der", "--untrusted", "bag.pem", "--at", NOW];
    assert_eq!(verdict(&bench, &none), (10, "anchors-empty".into()));
    let empty_bag = ["verify", "chain", "leaf.der", "--anchor", "root.pem", "--untrusted", "empty", "--at", NOW];
    assert_eq!(verdict(&bench, &empty_bag), (10, "path-not-found".into()));
    let with_both = chain(&["--untrusted", "empty"]);
    assert_eq!(verdict(&bench, &with_both), (0, String::new()));
    let bag_as_leaf = ["verify", "chain", "bag.pem", "--anchor", "root.pem", "--at", NOW];
    assert_eq!(verdict(&bench, &bag_as_leaf), (10, "certificate-malformed".into()));
}

#[test]
fn a_bad_file_in_the_place_of_a_certificate_is_named_for_what_it_is() {
    let bench = bad::bench(&[]);
    let rows = [
        ("missing", 2, "input-missing"),
        ("folder", 2, "input-not-regular"),
        ("fifo", 2, "input-not-regular"),
        ("empty", 10, "input-empty"),
        ("sparse", 10, "input-too-large"),
        ("certificate-cut", 10, "certificate-malformed"),
        ("manifest", 10, "certificate-malformed"),
        ("image", 10, "certificate-malformed"),
        ("binary", 10, "certificate-malformed"),
        ("key", 10, "certificate-malformed"),
    ];
    bad::expect(&bench, &["verify", "chain", "{}", "--anchor", "bad/certificate"], &rows);
    bad::expect(&bench, &["verify", "chain", "bad/certificate", "--anchor", "{}"], &rows);
    let but_empty: Vec<_> = rows.iter().copied().filter(|(name, ..)| *name != "empty").collect();
    let untrusted = ["verify", "chain", "bad/certificate", "--anchor", "bad/certificate", "--untrusted", "{}"];
    bad::expect(&bench, &untrusted, &but_empty);
    bad::expect(
        &bench,
        &["verify", "chain", "bad/certificate", "--anchor", "bad/certificate", "--crl", "{}"],
        &[
            ("missing", 2, "input-missing"),
            ("folder", 2, "input-not-regular"),
            ("fifo", 2, "input-not-regular"),
            ("empty", 10, "input-empty"),
            ("sparse", 10, "input-too-large"),
            ("certificate", 10, "crl-malformed"),
            ("manifest", 10, "crl-malformed"),
            ("binary", 10, "crl-malformed"),
        ],
    );
    let said = bench.run(&["verify", "chain", "bad/manifest", "--anchor", "bad/certificate", "--json"]);
    let object = said.object();
    assert_eq!((&object["where"], &object["found"]), (&json!("bad/manifest: certificate"), &json!("JSON")));
    let name = bad::no_utf8_name();
    let said = bench.run(&["verify".as_ref(), "chain".as_ref(), name.as_os_str(), "--json".as_ref()]);
    assert_eq!((said.status, &said.object()["reason"]), (2, &json!("input-missing")));
}

/// Attack class 58: escapes in a certificate.
#[test]
fn attack_58_a_subject_that_would_move_the_cursor_is_shown_in_digits() {
    let root = Party::root(Spec::ca("Root\u{1b}[2J\u{202e}"));
    let leaf = root.issue(Spec::leaf("Signer"));
    let bench = Bench::new(&[("root", &root.der), ("leaf", &leaf.der)]);
    let said = bench.run(&["verify", "chain", "leaf", "--anchor", "root", "--at", NOW]);
    assert_eq!(said.status, 0, "{}", said.out);
    assert!(!said.out.contains(['\u{1b}', '\u{202e}']), "{:?}", said.out);
    assert!(said.out.contains("anchor    CN=Root"), "{:?}", said.out);
}

#[test]
fn cases_name_files_in_lists_and_are_answered_one_by_one() {
    let bench = makers().bench();
    let cases = [
        json!({"id": 1, "leaf": "leaf.pem", "anchor": ["root.pem"], "untrusted": "bag.pem", "at": NOW}),
        json!({"id": 2, "leaf": "leaf.pem", "anchor": "root.pem", "untrusted": ["bag.pem"], "crl": ["root.crl", "revoking.crl"], "at": NOW}),
        json!({"id": 3, "leaf": "leaf.pem", "anchor": [], "untrusted": [], "crl": [], "at": NOW}),
        json!({"id": 4, "leaf": "leaf.pem", "anchor": ["root.pem"], "untrusted": ["bag.pem"], "at": NOW, "max_intermediates": 1, "revocation": "off"}),
        json!({"id": 5, "leaf": "leaf.pem", "anchor": ["root.pem"], "at": "never"}),
        json!({"id": 6, "anchor": ["root.pem"], "at": NOW}),
    ];
    let input: String = cases.iter().map(|case| format!("{case}\n")).collect();
    let said = bench.run_with(&["verify", "chain", "--cases", "-"], input.as_bytes());
    let words: Vec<(Value, Value, Value)> = said
        .objects()
        .into_iter()
        .map(|object| (object["id"].clone(), object["outcome"].clone(), object["reason"].clone()))
        .collect();
    let word = |id: i32, outcome: &str, reason: Value| (json!(id), json!(outcome), reason);
    assert_eq!(
        words,
        [
            word(1, "accept", Value::Null),
            word(2, "reject", json!("signer-revoked")),
            word(3, "reject", json!("anchors-empty")),
            word(4, "accept", Value::Null),
            word(5, "error", json!("usage")),
            word(6, "error", json!("usage")),
        ]
    );
    assert_eq!(said.status, 2);
}
