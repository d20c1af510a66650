//! `inspect certificate`: what certificates claim, marked as not verified.

use crate::bad;
use crate::pki::{Kind, Party, RsaKey, Spec};
use crate::program::Bench;
use ecugate_verifier::values::ident::purpose;
use serde_json::{Value, json};

#[test]
fn every_certificate_of_a_file_is_shown_and_marked_as_not_verified() {
    let root = Party::root(Spec::ca("Root").with(|spec| spec.kind = Kind::P256));
    let leaf = root.issue(Spec::leaf("Signer"));
    let bench = Bench::new(&[("file", [leaf.pem(), root.pem()].concat().as_bytes())]);
    let said = bench.run(&["inspect", "certificate", "file", "--json"]);
    let object = said.object();
    assert_eq!((said.status, &object["verified"]), (0, &json!(false)));
    let [first, second] = object["certificates"].as_array().unwrap().as_slice() else { panic!("{object}") };
    assert_eq!((&first["subject"], &first["issuer"]), (&json!("CN=Signer"), &json!("CN=Root")));
    assert_eq!((&first["algorithm"], &first["purposes"]), (&json!("ed25519"), &json!([purpose::RELEASE])));
    assert_eq!((&first["is_ca"], &first["may_sign_documents"]), (&json!(false), &json!(true)));
    assert_eq!((&second["algorithm"], &second["is_ca"]), (&json!("ecdsa-p256-sha256"), &json!(true)));
    let text = bench.run(&["inspect", "certificate", "file"]).out;
    assert_eq!(text.lines().nth(1), Some("NOT VERIFIED: this is what the file says, whoever wrote it"));
}

/// RFC 5280 section 4.1.2.5: devices whose certificates have no end state the last second of year 9999.
#[test]
fn a_certificate_without_an_end_is_shown_and_its_path_is_judged() {
    let endless = |spec: Spec| spec.with(|spec| spec.not_after = 253_402_300_799);
    let root = Party::root(endless(Spec::ca("Root")));
    let leaf = root.issue(endless(Spec::leaf("Signer")));
    let bench = Bench::new(&[("leaf", leaf.pem().as_bytes()), ("root", root.pem().as_bytes())]);
    for arguments in [&["inspect", "certificate", "leaf"][..], &["verify", "chain", "leaf", "--anchor", "root"]] {
        let said = bench.run(&[arguments, &["--json"]].concat());
        let object = said.object();
        let shown = object.get("certificates").or(object.get("path")).unwrap();
        assert_eq!((said.status, &shown[0]["not_after"]), (0, &json!("9999-12-31T23:59:59Z")), "{object}");
        assert_eq!(bench.run(arguments).status, 0);
    }
}

#[test]
fn a_key_that_may_not_be_used_is_named_with_its_reason() {
    let root = Party::root(Spec::ca("Root"));
    let weak = root.certify_key(&Spec::leaf("Weak"), &RsaKey::of_bits(1_024));
    let said = Bench::new(&[("file", &weak)]).run(&["inspect", "certificate", "file", "--json"]);
    let object = said.object();
    assert_eq!(said.status, 0);
    assert_eq!(object["certificates"][0]["key_fault"], "key-too-weak");
    assert_eq!(object["certificates"][0]["algorithm"], Value::Null);
}

#[test]
fn a_bad_file_in_the_place_of_a_certificate_is_rejected_with_its_reason() {
    bad::expect(
        &bad::bench(&[]),
        &["inspect", "certificate", "{}"],
        &[
            ("missing", 2, "input-missing"),
            ("folder", 2, "input-not-regular"),
            ("fifo", 2, "input-not-regular"),
            ("empty", 10, "input-empty"),
            ("sparse", 10, "input-too-large"),
            ("certificate-cut", 10, "certificate-malformed"),
            ("manifest", 10, "certificate-malformed"),
            ("image", 10, "certificate-malformed"),
            ("binary", 10, "certificate-malformed"),
        ],
    );
}
