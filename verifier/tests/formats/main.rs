//! `docs/formats.md` is what the readers read: its examples, its planted faults, its field tables, its figures.
//!
//! After a change of a format: `ECUGATE_BLESS=1 cargo test -p ecugate-verifier --test formats` writes the examples anew.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)] // a test ends at the first thing that is wrong

mod example;
mod page;
mod schema;

use ecugate_verifier::documents::anchor_list::{AnchorList, Listing};
use ecugate_verifier::documents::document::{self, Document};
use ecugate_verifier::documents::envelope::{Envelope, PAYLOAD_TYPE, seal};
use ecugate_verifier::documents::manifest::release::{self, Release};
use ecugate_verifier::documents::manifest::shipment::{self, Shipment};
use ecugate_verifier::documents::manifest::{Validity, assurance::Minimum};
use ecugate_verifier::documents::policy_text::{Family, PolicyText, Waiver};
use ecugate_verifier::documents::receipt::{self, Receipt, Ruling};
use ecugate_verifier::documents::record;
use ecugate_verifier::documents::statement::{Predicate, STATEMENT_TYPE};
use ecugate_verifier::inputs::dossier::{Dossier, Encoded};
use ecugate_verifier::inputs::evidence::Readout;
use ecugate_verifier::inputs::memory::Known;
use ecugate_verifier::judgement::appraisal::appraise;
use ecugate_verifier::judgement::verdict::Verdict;
use ecugate_verifier::syntax::{image, json, label};
use ecugate_verifier::values::attempt::Attempt;
use ecugate_verifier::values::finding::Finding;
use ecugate_verifier::values::ident::{UnitKey, purpose};
use ecugate_verifier::values::reason::Reason;
use example::{Example, LIMITS, SeedKey, example};
use serde::de::DeserializeOwned;
use serde_json::Value;
use std::collections::BTreeMap;

const PLACE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/formats.md");

#[test]
#[allow(clippy::disallowed_methods)] // writes the page anew where a person asks for it; the crate itself writes nothing
fn the_examples_on_the_page_are_those_of_one_unit_made_from_its_seeds() {
    let written = page::with_blocks(&texts(&example()));
    if std::env::var("ECUGATE_BLESS").is_ok_and(|bless| bless == "1") {
        std::fs::write(PLACE, written).unwrap();
        return;
    }
    let differs = written.lines().zip(page::PAGE.lines()).find(|(now, stands)| now != stands);
    assert!(written == page::PAGE, "docs/formats.md is not what is written (ECUGATE_BLESS=1 mends it): {differs:?}");
}

#[test]
fn every_worked_example_is_taken_by_its_reader_and_written_again_as_it_stands() {
    let blocks = page::blocks();
    taken_and_written_again::<Release>(blocks["release-manifest"]);
    taken_and_written_again::<Shipment>(blocks["shipment-manifest"]);
    taken_and_written_again::<AnchorList>(blocks["anchor-list"]);
    taken_and_written_again::<PolicyText>(blocks["policy"]);
    taken_and_written_again::<Receipt>(blocks["receipt"]);

    let envelope = Envelope::parse(blocks["envelope"].as_bytes(), &LIMITS).unwrap();
    assert_eq!(value(envelope.payload()), value(blocks["release-manifest"].as_bytes()));
    envelope.verify_with(&key_in_certificate(&envelope.signatures()[0].chain()[0])).unwrap();

    let example = example();
    let index = compact(blocks["dossier-index"]);
    let decoded = Dossier::decode(&Encoded { index, parts: example.dossier.encode().parts }, &LIMITS).unwrap();
    assert_eq!(value(&decoded.encode().index), value(blocks["dossier-index"].as_bytes()));
}

#[test]
fn the_dossier_on_the_page_is_judged_to_the_receipt_on_the_page() {
    let (blocks, example) = (page::blocks(), example());
    let parts = example.dossier.encode().parts;
    let envelope = compact(blocks["envelope"]);
    assert!(parts.values().any(|part| part.bytes == envelope), "the envelope on the page is no part of the dossier");
    let dossier = Dossier::decode(&Encoded { index: compact(blocks["dossier-index"]), parts }, &LIMITS).unwrap();
    let verdict = Verdict::reach(&appraise(&dossier));
    assert_eq!((verdict.ruling(), verdict.findings()), (Ruling::Accept, [].as_slice()));
    let receipt = value(blocks["receipt"].as_bytes());
    assert_eq!(receipt["predicate"]["ruling"], "accept");
    assert_eq!(receipt["predicate"]["dossier"], dossier.encode().digest().to_string());
}

#[test]
fn each_fault_planted_into_an_example_is_refused_with_the_reason_on_the_page() {
    let blocks = page::blocks();
    let rows = page::table("in the");
    assert!(rows.len() >= 20, "{}", rows.len());
    for row in rows {
        let [kind, instead, stands, reason] = row.as_slice() else { panic!("{row:?}") };
        let [instead, stands, reason] = [instead, stands, reason].map(|cell| cell.trim_matches('`'));
        let text = blocks[kind];
        assert!(text.contains(instead), "{kind} does not hold {instead}");
        let found = match *kind {
            "envelope" => refusal_of_envelope(&text.replacen(instead, stands, 1)),
            "release-manifest" => refusal::<Release>(&text.replacen(instead, stands, 1)),
            "shipment-manifest" => refusal::<Shipment>(&text.replacen(instead, stands, 1)),
            "anchor-list" => refusal::<AnchorList>(&text.replacen(instead, stands, 1)),
            "policy" => refusal::<PolicyText>(&text.replacen(instead, stands, 1)),
            "receipt" => refusal::<Receipt>(&text.replacen(instead, stands, 1)),
            "dossier-index" => refusal_of_index(text.replacen(instead, stands, 1).into_bytes()).reason,
            other => panic!("{other}"),
        };
        assert_eq!(found.code(), reason, "{kind}: {stands} instead of {instead}");
    }
}

#[test]
fn the_field_tables_name_the_fields_that_the_readers_know_and_no_others() {
    fields::<Release>("release manifest");
    fields::<release::Component>("component");
    fields::<release::FileDigest>("file digest");
    fields::<release::Range>("range");
    fields::<release::IdentityField>("identity field");
    fields::<release::UniqueArea>("unique area");
    fields::<Validity>("validity");
    fields::<Minimum>("minimum");
    fields::<Shipment>("shipment manifest");
    fields::<shipment::Unit>("unit of a shipment");
    fields::<AnchorList>("anchor list");
    fields::<Listing>("listed certificate");
    fields::<PolicyText>("policy");
    fields::<Family>("part family");
    fields::<label::Rules>("label rules");
    fields::<Waiver>("waiver");
    fields::<Receipt>("receipt");
    fields::<record::Record>("record");
    fields::<record::PartRef>("part reference");
    fields::<record::Versions>("versions");
    fields::<receipt::UnitName>("unit of a receipt");
    fields::<receipt::Assurance>("assurance");
    fields::<receipt::CheckLine>("check");
    fields::<receipt::WaivedLine>("waived check");
    fields::<receipt::Version>("document version");
    fields::<record::CrlSeen>("CRL seen");
    fields::<record::ReleaseSeen>("release seen");
    fields::<UnitKey>("unit key");
    fields::<Finding>("finding");
    fields::<Attempt>("attempt");
    fields::<Readout>("readout");
    fields::<image::Measurement>("measurement");
    fields::<Known>("memory");

    let mut index = value(page::blocks()["dossier-index"].as_bytes());
    assert_eq!(stated("dossier index"), known(&refusal_of_index(b"{\"?\":0}".to_vec())));
    index["authority"]["?"] = Value::from(0);
    assert_eq!(stated("authority"), known(&refusal_of_index(index.to_string().into_bytes())));
}

#[test]
fn the_page_states_the_types_purposes_and_caps_of_the_program() {
    let types = [Release::TYPE, Shipment::TYPE, AnchorList::TYPE, PolicyText::TYPE, Receipt::TYPE];
    let purposes = [purpose::RELEASE, purpose::SHIPMENT, purpose::DEVICE];
    for stated in types.into_iter().chain(purposes).chain([PAYLOAD_TYPE, STATEMENT_TYPE]) {
        assert!(page::PAGE.contains(&format!("`{stated}`")), "{stated}");
    }
    let caps = [
        ("bytes of a document", LIMITS.document_bytes),
        ("nesting of JSON", LIMITS.json_depth),
        ("values of a JSON text", LIMITS.json_values),
        ("bytes of an identifier", LIMITS.identifier_bytes),
        ("signatures of an envelope", LIMITS.envelope_signatures),
        ("certificates of one signature", LIMITS.chain_certificates),
        ("bytes of a certificate", LIMITS.certificate_bytes),
        ("manifests of a dossier", LIMITS.manifests),
        ("readouts of a dossier", LIMITS.readouts),
        ("CRLs of a dossier", LIMITS.crls),
        ("components of a release", LIMITS.components),
        ("ranges and fields measured of one image", LIMITS.image_ranges),
        ("units of a shipment", LIMITS.shipment_units),
        ("certificates of an anchor list", LIMITS.anchors),
        ("keys of the authority", LIMITS.authority_keys),
    ];
    let stated: Vec<_> = page::table("cap").into_iter().map(|row| (row[0], row[1].replace(',', ""))).collect();
    assert_eq!(stated, caps.map(|(what, most)| (what, most.to_string())));
}

/// The blocks as they are written: pretty, members in the order of the program.
fn texts(example: &Example) -> BTreeMap<&'static str, String> {
    let pretty = |bytes: &[u8]| serde_json::to_string_pretty(&json::parse(bytes, &LIMITS).unwrap()).unwrap();
    let receipt = document::payload(example.receipt.clone(), &LIMITS).unwrap();
    BTreeMap::from([
        ("envelope", pretty(example.release.bytes())),
        ("release-manifest", pretty(example.release.payload())),
        ("shipment-manifest", pretty(example.shipment.payload())),
        ("anchor-list", pretty(example.anchor_list.payload())),
        ("policy", pretty(example.policy.payload())),
        ("receipt", pretty(&receipt)),
        ("dossier-index", pretty(&example.dossier.encode().index)),
    ])
}

/// Without the line breaks of the page: the bytes that are signed, hashed and stored.
fn compact(text: &str) -> Vec<u8> {
    serde_json::to_vec(&json::parse(text.as_bytes(), &LIMITS).unwrap()).unwrap()
}

fn value(bytes: &[u8]) -> Value {
    serde_json::from_slice(bytes).unwrap()
}

fn taken_and_written_again<D: Document>(text: &str) {
    let document = sealed_and_read::<D>(text).unwrap_or_else(|reason| panic!("{}: {reason}", D::TYPE));
    assert_eq!(document.fault(&LIMITS), None, "{}", D::TYPE);
    assert_eq!(document::payload(document, &LIMITS).unwrap(), compact(text), "{}", D::TYPE);
}

/// Signs a payload with a key of this test, verifies it, and reads it.
fn sealed_and_read<D: Document>(text: &str) -> Result<D, Reason> {
    let key = SeedKey::new(0x77);
    let envelope = seal(text.as_bytes().to_vec(), &[(&key, &[])]).unwrap();
    let verified = envelope.verify_with(ecugate_verifier::values::keys::Signer::public_key(&key)).unwrap();
    document::read(&verified, &LIMITS).map_err(|fault| fault.reason())
}

fn refusal<D: Document>(text: &str) -> Reason {
    match sealed_and_read::<D>(text) {
        Ok(_) => panic!("{} was taken", D::TYPE),
        Err(reason) => reason,
    }
}

/// Parsed, and verified with the key of the certificate that the untouched envelope carries.
fn refusal_of_envelope(text: &str) -> Reason {
    let good = Envelope::parse(page::blocks()["envelope"].as_bytes(), &LIMITS).unwrap();
    let key = key_in_certificate(&good.signatures()[0].chain()[0]);
    match Envelope::parse(text.as_bytes(), &LIMITS) {
        Err(fault) => fault.reason(),
        Ok(envelope) => envelope.verify_with(&key).unwrap_err().reason(),
    }
}

fn key_in_certificate(der: &[u8]) -> ecugate_verifier::values::keys::PublicKey {
    let certificate = ecugate_verifier::syntax::certificate::Certificate::from_der(der, &LIMITS).unwrap();
    certificate.public_key().unwrap()
}

fn refusal_of_index(index: Vec<u8>) -> Finding {
    Dossier::decode(&Encoded { index, parts: example().dossier.encode().parts }, &LIMITS).unwrap_err()
}

fn fields<T: DeserializeOwned>(what: &str) {
    let Err(fault) = json::read::<T>(b"{\"?\":0}", &LIMITS) else { panic!("{what} takes any field") };
    assert_eq!(stated(what), known(&fault.finding()), "{what}");
}

/// The fields in the table of the page.
fn stated(what: &str) -> Vec<&'static str> {
    page::table(&format!("field of {what}")).iter().map(|row| row[0].trim_matches('`')).collect()
}

/// The fields that a reader says it would have taken.
fn known(finding: &Finding) -> Vec<&str> {
    finding.expected.strip_prefix("one of ").unwrap_or_else(|| panic!("{finding:?}")).split(", ").collect()
}
