//! Every kind of document: the schema that describes it, the reader that the gate has for it, and examples.

use super::examples;
use crate::example::{LIMITS, SeedKey};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use ecugate_verifier::documents::admission::{Admitted, Redeemed, RedemptionConfirmed};
use ecugate_verifier::documents::anchor_list::AnchorList;
use ecugate_verifier::documents::change::{ClockStep, KeyChange, PolicyChange, TrustChange};
use ecugate_verifier::documents::document::{self, Document};
use ecugate_verifier::documents::document_seen::DocumentSeen;
use ecugate_verifier::documents::envelope::{Envelope, PAYLOAD_TYPE, seal};
use ecugate_verifier::documents::founding::{Genesis, MemoryComplete};
use ecugate_verifier::documents::late_hold::LateHold;
use ecugate_verifier::documents::leaf::Leaf;
use ecugate_verifier::documents::manifest::release::Release;
use ecugate_verifier::documents::manifest::shipment::Shipment;
use ecugate_verifier::documents::policy_text::PolicyText;
use ecugate_verifier::documents::receipt::Receipt;
use ecugate_verifier::documents::record::{Contested, Record};
use ecugate_verifier::documents::statement::{About, STATEMENT_TYPE};
use ecugate_verifier::inputs::dossier::{Dossier, Encoded};
use ecugate_verifier::inputs::evidence::Readout;
use ecugate_verifier::inputs::memory::Memory;
use ecugate_verifier::syntax::json;
use ecugate_verifier::values::digest::Sha256;
use ecugate_verifier::values::finding::Finding;
use ecugate_verifier::values::keys::Signer as _;
use ecugate_verifier::values::reason::Reason;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

/// One kind of document.
pub(super) struct Kind {
    /// The name of its schema.
    pub(super) schema: &'static str,
    /// The reader of the program.
    pub(super) read: fn(&[u8]) -> Result<(), Finding>,
    /// Examples that together have every field.
    pub(super) examples: Vec<Value>,
}

/// A new kind of document is one line here, one file in `docs/schema`, and its examples.
pub(super) fn all() -> Vec<Kind> {
    let kind = |schema, read, examples| Kind { schema, read, examples };
    vec![
        kind("envelope", envelope, examples::envelopes()),
        kind("statement", about, examples::statements()),
        kind("release", statement::<Release>, examples::releases()),
        kind("shipment", statement::<Shipment>, examples::shipments()),
        kind("anchor-list", statement::<AnchorList>, examples::anchor_lists()),
        kind("policy", statement::<PolicyText>, examples::policies()),
        kind("verdict", statement::<Receipt>, examples::receipts()),
        kind("contested", statement::<Contested>, examples::contested()),
        kind("genesis", statement::<Genesis>, examples::genesis()),
        kind("memory-complete", statement::<MemoryComplete>, examples::memory_complete()),
        kind("late-hold", statement::<LateHold>, examples::late_holds()),
        kind("admitted", statement::<Admitted>, examples::admitted()),
        kind("redeemed", statement::<Redeemed>, examples::redeemed()),
        kind("redemption-confirmed", statement::<RedemptionConfirmed>, examples::redemption_confirmed()),
        kind("trust-change", statement::<TrustChange>, examples::trust_changes()),
        kind("policy-change", statement::<PolicyChange>, examples::policy_changes()),
        kind("key-change", statement::<KeyChange>, examples::key_changes()),
        kind("clock-step", statement::<ClockStep>, examples::clock_steps()),
        kind("document", statement::<DocumentSeen>, examples::documents()),
        kind("record", value::<Record>, examples::records()),
        kind("dossier", dossier, examples::dossiers()),
        kind("readout", value::<Readout>, examples::readouts()),
        kind("memory", value::<Memory>, examples::memories()),
        kind("leaf", leaf, examples::leaves()),
    ]
}

/// A statement in an envelope. Whether its signature is good is no question of form, so it is not asked here.
fn statement<D: Document + Clone>(payload: &[u8]) -> Result<(), Finding> {
    let payload = json!({
        "payload": BASE64.encode(payload), "payloadType": PAYLOAD_TYPE, "signatures": [{"sig": "AAAA"}],
    });
    let envelope = Envelope::parse(payload.to_string().as_bytes(), &LIMITS).map_err(|_| too_large())?;
    document::read_unverified::<D>(&envelope, &LIMITS).map(drop).map_err(|fault| fault.finding())
}

/// A statement of any kind, which is read only where its signature is good.
fn about(payload: &[u8]) -> Result<(), Finding> {
    let key = SeedKey::new(0x77);
    let envelope = seal(payload.to_vec(), &[(&key, &[])]).map_err(|_| too_large())?;
    let verified = envelope.verify_with(key.public_key()).unwrap();
    About::read(&verified, &LIMITS).map(drop).map_err(|fault| fault.finding())
}

/// An envelope that is over the cap is not sealed.
fn too_large() -> Finding {
    Finding::new(Reason::JsonTooLarge, "the whole text", format!("at most {} bytes", LIMITS.document_bytes), "more")
}

fn envelope(bytes: &[u8]) -> Result<(), Finding> {
    let envelope = Envelope::parse(bytes, &LIMITS).map_err(|fault| fault.finding())?;
    match envelope.payload_type() {
        PAYLOAD_TYPE => Ok(()),
        found => Err(Finding::new(Reason::PayloadTypeWrong, "payloadType", PAYLOAD_TYPE, found)),
    }
}

fn value<T: DeserializeOwned>(bytes: &[u8]) -> Result<(), Finding> {
    json::read::<T>(bytes, &LIMITS).map(drop).map_err(|fault| fault.finding())
}

/// With every part that the examples name. What a part holds is no question of the index's form.
fn dossier(bytes: &[u8]) -> Result<(), Finding> {
    let parts = examples::dossier_parts();
    let index: Value = serde_json::from_slice(bytes).unwrap_or_default();
    let keys = index["authority"]["holders"].as_array().into_iter().flatten().map(|holder| &holder["key"]);
    let keys = keys.map(|key| (key, "application/pkix-spki"));
    let readouts = index["readouts"].as_array().into_iter().flatten().map(|readout| (readout, "application/json"));
    for (digest, media_type) in keys.chain(readouts) {
        let part = digest.as_str().and_then(Sha256::from_hex).and_then(|digest| parts.get(&digest));
        if part.is_some_and(|part| part.media_type != media_type) {
            return Err(Finding::new(Reason::DossierMalformed, "dossier part", "a part of this kind", ""));
        }
    }
    Dossier::decode(&Encoded { index: bytes.to_vec(), parts }, &LIMITS).map(drop)
}

/// A leaf is one text: what is asked here is whether its values are those of a leaf, in the order that it has.
fn leaf(bytes: &[u8]) -> Result<(), Finding> {
    let sorted = serde_json::from_slice::<Value>(bytes).map(|value| value.to_string().into_bytes());
    let spaced = sorted.is_ok_and(|sorted| sorted != bytes);
    Leaf::parse(bytes, &LIMITS).map(drop).map_err(|fault| {
        let rule = if spaced { "the one text of RFC 8785".to_owned() } else { fault.to_string() };
        Finding::new(fault.reason(), "leaf", rule, "")
    })
}

/// A statement around a predicate, with the subjects that follow from it.
pub(super) fn stated<D: Document>(predicate: Value) -> Value {
    let text = predicate.to_string();
    let document: D = json::read(text.as_bytes(), &LIMITS).unwrap_or_else(|fault| panic!("{}: {fault}", D::TYPE));
    let payload = document::payload(document, &LIMITS).unwrap_or_else(|fault| panic!("{}: {fault}", D::TYPE));
    let value: Value = serde_json::from_slice(&payload).unwrap();
    assert_eq!((&value["_type"], &value["predicate"]), (&STATEMENT_TYPE.into(), &predicate), "{}", D::TYPE);
    value
}

/// Some digest.
pub(super) fn digest(of: &str) -> String {
    Sha256::of(of.as_bytes()).to_string()
}
