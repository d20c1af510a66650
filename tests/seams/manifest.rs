//! `inspect manifest`: what a document claims, marked as not verified.

use crate::bad;
use crate::pki::{Party, Spec};
use crate::program::{Bench, Said};
use crate::world::{World, name, signed, signed_payload};
use serde_json::{Value, json};

fn inspect(contents: &[u8], more: &[&str]) -> Said {
    Bench::new(&[("file", contents)]).run(&[&["inspect", "manifest", "file"], more].concat())
}

fn object(contents: &[u8]) -> (i32, Value) {
    let said = inspect(contents, &["--json"]);
    (said.status, said.object())
}

#[test]
fn every_kind_of_document_is_shown_and_marked_as_not_verified() {
    let world = World::new();
    let receipt = world.judge().receipt();
    for (kind, file, path, value) in [
        ("release", world.release_envelope(), "/claims/components/0/name", json!("application")),
        ("shipment", world.shipment_envelope(), "/claims/units/0/serial", json!("ALCLB4923FA8")),
        ("anchor-list", world.list_envelope(), "/claims/anchors/0/manufacturer", json!("maker")),
        ("policy", world.policy_envelope(), "/claims/minimum/identity", json!("listed")),
        ("receipt", signed(receipt, &[(&world.officers[0], &[])]), "/claims/ruling", json!("accept")),
    ] {
        let (status, object) = object(&file);
        assert_eq!((status, &object["kind"], &object["verified"]), (0, &json!(kind), &json!(false)), "{object}");
        assert_eq!(object.pointer(path), Some(&value), "{kind}");
        assert!(!object["subjects"].as_array().unwrap().is_empty(), "{kind}");
    }
}

#[test]
fn the_certificates_beside_a_signature_are_named() {
    let (_, object) = object(&World::new().release_envelope());
    let chain = object["signatures"][0]["chain"].as_array().unwrap();
    let subjects: Vec<&Value> = chain.iter().map(|one| &one["subject"]).collect();
    assert_eq!(subjects, [&json!("CN=Release Signer"), &json!("CN=Maker Issuing CA")]);
}

#[test]
fn a_forged_document_is_shown_like_any_other_and_still_not_verified() {
    let world = World::new();
    let mut text: Value = serde_json::from_slice(&world.release_envelope()).unwrap();
    text["signatures"][0]["sig"] = json!("AAAA");
    let said = inspect(text.to_string().as_bytes(), &[]);
    assert_eq!(said.status, 0);
    assert_eq!(said.out.lines().nth(1), Some("NOT VERIFIED: this is what the file says, whoever wrote it"));
    assert!(said.out.contains("signature not verified, with a certificate of CN=Release Signer"), "{}", said.out);
    assert!(said.out.contains("says      components[0].name application"), "{}", said.out);
}

#[test]
fn a_statement_of_another_kind_is_rejected_and_named() {
    let payload = json!({
        "_type": "https://in-toto.io/Statement/v1",
        "subject": [{"name": "x", "digest": {"sha256": "0".repeat(64)}}],
        "predicateType": "https://slsa.dev/provenance/v1\u{1b}[2J",
        "predicate": {},
    });
    let signer = Party::root(Spec::ca("Signer"));
    let file = signed_payload(payload.to_string().into_bytes(), &[(&signer, &[])]);
    let (status, object) = object(&file);
    assert_eq!((status, &object["reason"], &object["verified"]), (10, &json!("predicate-type-wrong"), &json!(false)));
    let said = inspect(&file, &[]);
    assert!(!said.out.contains('\u{1b}'), "{:?}", said.out);
}

#[test]
fn a_document_that_breaks_its_own_rules_is_rejected_as_receiving_rejects_it() {
    let world = World::new();
    let mut release = serde_json::to_value(&world.release).unwrap();
    release["track"] = json!("beta");
    let payload = json!({
        "_type": "https://in-toto.io/Statement/v1",
        "subject": [{"name": "x", "digest": {"sha256": "0".repeat(64)}}],
        "predicateType": "urn:ecugate:release:v1",
        "predicate": release,
    });
    let file = signed_payload(payload.to_string().into_bytes(), &[(&world.release_signer, &[])]);
    let (status, object) = object(&file);
    assert_eq!(
        (status, &object["reason"], &object["where"]),
        (10, &json!("json-value"), &json!("predicate.track")),
        "{object}"
    );
}

#[test]
fn a_long_shipment_is_cut_on_the_screen_and_whole_in_json() {
    let world = World::new().with(|world| {
        world.shipment.units = (0..300).map(|number| crate::world::unit(&format!("SN{number}"))).collect();
        world.shipment.shipment = name("S-300");
    });
    let file = world.shipment_envelope();
    let said = inspect(&file, &[]);
    assert!(said.out.contains("more lines, which --json has"), "{}", said.out);
    assert_eq!(object(&file).1["claims"]["units"].as_array().unwrap().len(), 300);
}

#[test]
fn a_bad_file_in_the_place_of_a_document_is_rejected_with_its_reason() {
    bad::expect(
        &bad::bench(&[]),
        &["inspect", "manifest", "{}"],
        &[
            ("missing", 2, "input-missing"),
            ("folder", 2, "input-not-regular"),
            ("fifo", 2, "input-not-regular"),
            ("empty", 10, "input-empty"),
            ("sparse", 10, "input-too-large"),
            ("certificate", 10, "envelope-malformed"),
            ("image", 10, "envelope-malformed"),
            ("binary", 10, "envelope-malformed"),
            ("key", 10, "envelope-malformed"),
            ("manifest-cut", 10, "json-syntax"),
        ],
    );
}
