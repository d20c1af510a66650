//! `verify envelope`: DSSE and the statement in it, by a key or a certificate that gives one.

use crate::bad::{self, spki, verdict};
use crate::pki::{Kind, Party, Spec};
use crate::program::Bench;
use crate::world::{World, signed};
use base64::Engine as _;
use ecugate_verifier::documents::envelope::pae;
use ecugate_verifier::values::digest::Sha256;
use serde_json::{Value, json};

const RELEASE: &str = "urn:ecugate:release:v1";

fn bench(world: &World) -> Bench {
    let officers: Vec<_> = world.officers.iter().map(|officer| (officer, [].as_slice())).collect();
    Bench::new(&[
        ("release", &world.release_envelope()),
        ("list", &signed(world.list.clone(), &officers)),
        ("key", &spki(&world.release_signer)),
        ("officer", &spki(&world.officers[0])),
        ("other", &spki(&world.shipment_signer)),
        ("certificate", &world.release_signer.der),
        ("certificate.pem", world.release_signer.pem().as_bytes()),
        ("two.pem", [world.release_signer.pem(), world.issuing.pem()].concat().as_bytes()),
    ])
}

/// An envelope in any payload type.
fn dsse(party: &Party, payload_type: &str, payload: &[u8]) -> Vec<u8> {
    let base64 = |bytes: &[u8]| base64::engine::general_purpose::STANDARD.encode(bytes);
    let signature = party.sign(&pae(payload_type, payload));
    json!({"payload": base64(payload), "payloadType": payload_type, "signatures": [{"sig": base64(&signature)}]})
        .to_string()
        .into_bytes()
}

#[test]
fn subjects_are_shown_whether_a_key_or_its_certificate_is_given() {
    let world = World::new();
    let bench = bench(&world);
    for (flag, file, from) in [
        ("--key", "key", "key"),
        ("--certificate", "certificate", "certificate"),
        ("--certificate", "certificate.pem", "certificate"),
    ] {
        let said = bench.run(&["verify", "envelope", "release", flag, file, "--json"]);
        let object = said.object();
        assert_eq!(said.status, 0, "{object}");
        assert_eq!((&object["key_from"], &object["predicate_type"]), (&json!(from), &json!(RELEASE)));
        assert_eq!(object["key_sha256"], Sha256::of(&spki(&world.release_signer)).to_string());
        assert_eq!(
            object["subjects"],
            json!([
                {"name": "application", "sha256": Sha256::of(&world.image).to_string()},
                {"name": "application#code", "sha256": Sha256::of(&world.image[..0x800]).to_string()},
            ])
        );
    }
    let said = bench.run(&["verify", "envelope", "release", "--certificate", "certificate"]);
    assert!(said.out.contains("nothing else of it was looked at"), "{}", said.out);
}

#[test]
fn another_key_another_kind_and_a_second_signature_are_rejected() {
    let bench = bench(&World::new());
    let of = |arguments: &[&str]| verdict(&bench, &[&["verify", "envelope"], arguments].concat());
    assert_eq!(of(&["release", "--key", "other"]), (10, "signature-invalid".into()));
    assert_eq!(of(&["release", "--key", "key", "--predicate-type", RELEASE]), (0, String::new()));
    assert_eq!(
        of(&["release", "--key", "key", "--predicate-type", "urn:ecugate:shipment:v1"]),
        (10, "predicate-type-wrong".into())
    );
    assert_eq!(of(&["list", "--key", "officer"]), (10, "envelope-signature-count".into()));
    assert_eq!(of(&["release", "--certificate", "two.pem"]), (10, "certificate-malformed".into()));
    assert_eq!(of(&["release"]), (2, "usage".into()));
    assert_eq!(of(&["release", "--key", "key", "--certificate", "certificate"]), (2, "usage".into()));
}

#[test]
fn a_byte_of_the_payload_changed_is_rejected() {
    let world = World::new();
    let mut text: Value = serde_json::from_slice(&world.release_envelope()).unwrap();
    let payload = text["payload"].as_str().unwrap().replacen('A', "B", 1);
    text["payload"] = json!(payload);
    let bench = Bench::new(&[("release", text.to_string().as_bytes()), ("key", &spki(&world.release_signer))]);
    assert_eq!(verdict(&bench, &["verify", "envelope", "release", "--key", "key"]), (10, "signature-invalid".into()));
}

#[test]
fn a_foreign_payload_is_verified_unread_and_only_where_it_is_asked_for() {
    let party = Party::root(Spec::ca("Foreign").with(|spec| spec.kind = Kind::P256));
    let payload = b"anything at all \xff";
    let foreign = dsse(&party, "application/vnd.example", payload);
    let bench = Bench::new(&[("file", &foreign), ("key", &spki(&party))]);
    let call = ["verify", "envelope", "file", "--key", "key"];
    assert_eq!(verdict(&bench, &call), (10, "payload-type-wrong".into()));
    let asked = [&call[..], &["--payload-type", "application/vnd.example"]].concat();
    let said = bench.run(&[&asked[..], &["--json"]].concat());
    let object = said.object();
    assert_eq!((said.status, &object["subjects"]), (0, &Value::Null), "{object}");
    assert_eq!(object["payload_sha256"], Sha256::of(payload).to_string());
    let with_predicate = [&asked[..], &["--predicate-type", RELEASE]].concat();
    assert_eq!(verdict(&bench, &with_predicate), (2, "usage".into()));
}

#[test]
fn a_statement_is_read_strictly_after_its_signature() {
    let party = Party::root(Spec::ca("Signer"));
    let digest = Sha256::of(b"x").to_string();
    let statement = |subject: Value| {
        json!({"_type": "https://in-toto.io/Statement/v1", "subject": subject, "predicateType": "https://example.com/x", "predicate": {}})
            .to_string()
    };
    for (payload, reason) in [
        (statement(json!([{"name": "a", "digest": {"sha256": digest}}])), ""),
        (statement(json!([])), "json-value"),
        (statement(json!([{"name": "a", "digest": {"sha1": "00"}}])), "json-unknown-field"),
        (statement(json!([])).replace("/v1", "/v0.1"), "statement-type-wrong"),
        ("[]".to_owned(), "json-wrong-type"),
        ("{\"_type\":1,\"_type\":1}".to_owned(), "json-duplicate-key"),
        ("not json".to_owned(), "json-syntax"),
    ] {
        let file = dsse(&party, "application/vnd.in-toto+json", payload.as_bytes());
        let bench = Bench::new(&[("file", &file), ("key", &spki(&party))]);
        let status = if reason.is_empty() { 0 } else { 10 };
        assert_eq!(
            verdict(&bench, &["verify", "envelope", "file", "--key", "key"]),
            (status, reason.to_owned()),
            "{payload}"
        );
    }
}

#[test]
fn a_bad_file_in_the_place_of_envelope_key_or_certificate_is_rejected_with_its_reason() {
    let bench = bad::bench(&[]);
    let opening = [
        ("missing", 2, "input-missing"),
        ("folder", 2, "input-not-regular"),
        ("fifo", 2, "input-not-regular"),
        ("sparse", 10, "input-too-large"),
        ("empty", 10, "input-empty"),
    ];
    let envelope = ["verify", "envelope", "{}", "--key", "bad/key"];
    bad::expect(&bench, &envelope, &opening);
    bad::expect(
        &bench,
        &envelope,
        &[
            ("certificate", 10, "envelope-malformed"),
            ("certificate-cut", 10, "envelope-malformed"),
            ("image", 10, "envelope-malformed"),
            ("binary", 10, "envelope-malformed"),
            ("manifest-cut", 10, "json-syntax"),
            ("manifest", 10, "signature-invalid"),
        ],
    );
    let key = ["verify", "envelope", "bad/manifest", "--key", "{}"];
    bad::expect(&bench, &key, &opening);
    bad::expect(&bench, &key, &[("certificate", 10, "key-malformed"), ("manifest", 10, "key-malformed")]);
    let certificate = ["verify", "envelope", "bad/manifest", "--certificate", "{}"];
    bad::expect(&bench, &certificate, &opening);
    bad::expect(&bench, &certificate, &[("key", 10, "certificate-malformed"), ("image", 10, "certificate-malformed")]);
}

#[test]
fn cases_are_answered_in_order() {
    let bench = bench(&World::new());
    let cases = [
        json!({"id": "a", "file": "release", "key": "key"}),
        json!({"id": "b", "file": "release", "certificate": "certificate.pem", "predicate_type": RELEASE}),
        json!({"id": "c", "file": "release", "key": "other"}),
        json!({"id": "d", "file": "release"}),
    ];
    let input: String = cases.iter().map(|case| format!("{case}\n")).collect();
    let said = bench.run_with(&["verify", "envelope", "--cases", "-"], input.as_bytes());
    let outcomes: Vec<Value> = said.objects().into_iter().map(|object| object["outcome"].clone()).collect();
    assert_eq!((said.status, outcomes), (2, vec![json!("accept"), json!("accept"), json!("reject"), json!("error")]));
}
