//! Examples of every kind of document, with every field that it can have.

use super::kinds::{digest, stated};
use crate::example::{Example, LIMITS, SeedKey, example};
use crate::page;
use ecugate_verifier::documents::admission::{Admitted, Redeemed, RedemptionConfirmed};
use ecugate_verifier::documents::anchor_list::AnchorList;
use ecugate_verifier::documents::change::{ClockStep, KeyChange, PolicyChange, TrustChange};
use ecugate_verifier::documents::document;
use ecugate_verifier::documents::document_seen::DocumentSeen;
use ecugate_verifier::documents::envelope::seal;
use ecugate_verifier::documents::founding::{Genesis, MemoryComplete};
use ecugate_verifier::documents::late_hold::LateHold;
use ecugate_verifier::documents::manifest::release::Release;
use ecugate_verifier::documents::manifest::shipment::Shipment;
use ecugate_verifier::documents::policy_text::PolicyText;
use ecugate_verifier::documents::record::Contested;
use ecugate_verifier::inputs::dossier::{Dossier, Inputs, Part};
use ecugate_verifier::inputs::evidence::{Measured, Readout};
use ecugate_verifier::inputs::memory::{Known, Memory};
use ecugate_verifier::inputs::trust::anchors::TokenCertificates;
use ecugate_verifier::judgement::judged::Judged;
use ecugate_verifier::values::digest::Sha256;
use ecugate_verifier::values::finding::Finding;
use ecugate_verifier::values::ident::Name;
use ecugate_verifier::values::reason::Reason;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::sync::OnceLock;

/// An example of `docs/formats.md`.
fn on_the_page(name: &str) -> Value {
    serde_json::from_str(page::blocks()[name]).unwrap()
}

/// `value` with the members of `changes` in the place of its own; a null takes a member away.
fn with(mut value: Value, changes: Value) -> Value {
    let Value::Object(changes) = changes else { panic!() };
    for (key, change) in changes {
        match change {
            Value::Null => drop(value.as_object_mut().unwrap().remove(&key)),
            Value::Object(inner) if value[&key].is_object() => {
                value[&key] = with(value[&key].take(), Value::Object(inner));
            }
            other => value[&key] = other,
        }
    }
    value
}

fn the_example() -> &'static Example {
    static EXAMPLE: OnceLock<Example> = OnceLock::new();
    EXAMPLE.get_or_init(example)
}

pub(super) fn envelopes() -> Vec<Value> {
    let key = SeedKey::new(0x41);
    let bare = seal(b"{}".to_vec(), &[(&key, &[]), (&SeedKey::new(0x42), &[])]).unwrap();
    vec![on_the_page("envelope"), serde_json::from_slice(bare.bytes()).unwrap()]
}

pub(super) fn statements() -> Vec<Value> {
    let foreign = json!({
        "_type": "https://in-toto.io/Statement/v1",
        "subject": [{"name": "a", "digest": {"sha256": digest("a")}}, {"name": "b", "digest": {"sha256": digest("b")}}],
        "predicateType": "https://slsa.dev/provenance/v1",
        "predicate": {"anything": ["at", "all", 1]},
    });
    vec![on_the_page("release-manifest"), foreign]
}

pub(super) fn releases() -> Vec<Value> {
    let raw = on_the_page("release-manifest");
    let component = &raw["predicate"]["components"][0];
    let hex = with(
        component.clone(),
        json!({
            "name": "loader", "form": "ihex", "base": null, "record_types": [6, 7], "ranges": null,
            "file": {"sha256": digest("file"), "length": 4096},
        }),
    );
    let both = with(raw["predicate"].clone(), json!({"components": [component, hex]}));
    vec![raw, stated::<Release>(both)]
}

pub(super) fn shipments() -> Vec<Value> {
    let page = on_the_page("shipment-manifest");
    let mut full = page["predicate"].clone();
    full["units"][0]["device_certificate"] = digest("certificate").into();
    vec![page, stated::<Shipment>(full)]
}

pub(super) fn anchor_lists() -> Vec<Value> {
    let page = on_the_page("anchor-list");
    let listed = &page["predicate"]["anchors"][0];
    let other = with(listed.clone(), json!({"sha256": digest("root"), "roles": ["device"], "parts": ["*"]}));
    let second = json!({"version": 2, "previous": digest("list 1"), "anchors": [listed, other]});
    let second = with(page["predicate"].clone(), second);
    vec![page, stated::<AnchorList>(second)]
}

pub(super) fn policies() -> Vec<Value> {
    let page = on_the_page("policy");
    let second = json!({"version": 2, "previous": digest("policy 1"), "labels": {"eot_stand_in": "<EOT>"}});
    let second = with(page["predicate"].clone(), second);
    let bare = with(page["predicate"].clone(), json!({"families": [], "waivers": null})).clone();
    let mut bare = bare;
    bare["labels"] = json!({});
    let read: PolicyText = serde_json::from_value(bare).unwrap();
    let written = serde_json::from_slice(&document::payload(read, &LIMITS).unwrap()).unwrap();
    vec![page, stated::<PolicyText>(second), written]
}

/// The receipt that the example's inputs lead to after a change.
fn judged(change: impl FnOnce(&mut Inputs)) -> Value {
    let mut inputs = the_example().dossier.inputs().clone();
    change(&mut inputs);
    let receipt = Judged::of(Dossier::assemble(inputs, &LIMITS)).receipt("trial.hamburg.example", 7);
    serde_json::from_slice(&document::payload(receipt, &LIMITS).unwrap()).unwrap()
}

pub(super) fn receipts() -> Vec<Value> {
    let suspect = judged(|inputs| {
        inputs.presentation.label = Some(b"[)>\x1e06\x1d1PX100-200A\x1dSA7-001043\x1e\x04".to_vec());
        inputs.presentation.order = Some(name("PO-7"));
        inputs.memory = known(json!({"sightings": [sighting("accepted")]}));
    });
    let not_gated = judged(|inputs| {
        inputs.presentation.label = Some(b"[)>\x1e06\x1d1PC9001\x1dSA7-001042\x1e\x04".to_vec());
    });
    let unproven = judged(|inputs| inputs.presentation.manifests.clear());
    let passing = judged(|inputs| inputs.memory = Memory::Unavailable(Finding::bare(Reason::LedgerBusy)));
    let person = judged(|inputs| inputs.policy = None);
    let waived = judged(|inputs| inputs.presentation.crls.clear());
    let superseding = judged(|inputs| inputs.memory = known(json!({"sightings": [sighting("held")]})));
    let all = vec![on_the_page("receipt"), suspect, not_gated, unproven, passing, person, waived, superseding];
    let rulings: Vec<&str> = all.iter().map(|one| one["predicate"]["ruling"].as_str().unwrap()).collect();
    let expected = ["accept", "suspect", "not-gated", "unproven", "hold-passing", "hold-person", "accept", "accept"];
    assert_eq!(rulings, expected);
    assert_ne!(all[1]["predicate"]["contests"], json!([]));
    assert_ne!(all[6]["predicate"]["waived"], json!([]));
    assert_ne!(all[7]["predicate"]["supersedes"], json!([]));
    all
}

fn name(text: &str) -> Name {
    Name::new(text).unwrap()
}

fn known(changes: Value) -> Memory {
    let empty = serde_json::to_value(Known::empty()).unwrap();
    Memory::Known(Box::new(serde_json::from_value(with(empty, changes)).unwrap()))
}

/// An entry that names the key of the example's second unit and of its first.
fn sighting(state: &str) -> Value {
    let key = |serial: &str| json!({"kind": "unit", "value": format!("example-ecu\u{1f}X100-200A\u{1f}{serial}")});
    json!({
        "seq": 3, "state": state, "attempt": {"station": "dock-2", "nonce": "0f".repeat(16)},
        "evidence": digest("then"),
        "keys": if state == "held" { json!([key("A7-001042")]) } else { json!([key("A7-001043")]) },
    })
}

/// A record that has everything.
fn record(changes: Value) -> Value {
    let receipt = on_the_page("receipt");
    let full = with(receipt["predicate"]["record"].clone(), json!({"seq": 9, "unit": 4, "parts": [], "keys": []}));
    let keys = &receipt["predicate"]["record"]["keys"];
    let parts = &receipt["predicate"]["record"]["parts"];
    with(with(full, json!({"keys": [keys[0], keys[1]], "parts": [parts[0], parts[1]]})), changes)
}

pub(super) fn records() -> Vec<Value> {
    vec![record(json!({})), json!({"origin": "hamburg.example", "seq": 0, "time": "2026-11-24T08:15:00.250Z"})]
}

const SITE: &str = "site-hamburg";

pub(super) fn contested() -> Vec<Value> {
    vec![stated::<Contested>(json!({"record": record(json!({"state": "contested"})), "site": SITE, "by": 8}))]
}

pub(super) fn genesis() -> Vec<Value> {
    let officer = |person: &str, key: &str| json!({"person": person, "key": digest(key)});
    let full = json!({
        "record": record(json!({"seq": 0})), "site": SITE, "environment": "trial",
        "log_key": "hamburg.example+00000001+AQ==", "station_keys": [digest("station")],
        "standby": {"log_key": "hamburg.example+00000002+AQ==", "station_keys": [digest("standby")]},
        "officers": [officer("officer-1", "a"), officer("officer-2", "b"), officer("officer-2", "c")], "threshold": 2,
    });
    vec![stated::<Genesis>(full.clone()), stated::<Genesis>(with(full, json!({"standby": null})))]
}

pub(super) fn memory_complete() -> Vec<Value> {
    vec![stated::<MemoryComplete>(json!({"record": record(json!({})), "site": SITE, "ground": "the hall was empty"}))]
}

pub(super) fn late_holds() -> Vec<Value> {
    let full = json!({
        "record": record(json!({"state": "held"})), "environment": "trial", "site": SITE, "tag": "H-000419",
        "held": "2026-11-24T08:14:59.250Z",
        "unit": {"manufacturer": "example-ecu", "part": "X100-200A", "serial": "A7-001042"},
        "operator": "badge-17", "order": "PO-7",
        "findings": [{"reason": "ledger-busy", "where": "ledger", "expected": "a free one", "found": "a busy one"}],
        "journal": digest("line"),
    });
    let least = json!({"operator": null, "order": null});
    let mut least = with(full.clone(), least);
    least["unit"] = json!({});
    vec![stated::<LateHold>(full), stated::<LateHold>(least)]
}

pub(super) fn admitted() -> Vec<Value> {
    vec![stated::<Admitted>(json!({
        "record": record(json!({"state": null})), "environment": "production", "site": SITE, "consumer": "erp-1",
        "unit": {"manufacturer": "example-ecu", "part": "X100-200A", "serial": "A7-001042"},
        "receipt": digest("envelope"),
    }))]
}

pub(super) fn redeemed() -> Vec<Value> {
    vec![stated::<Redeemed>(json!({
        "record": record(json!({"state": "redeemed"})), "site": SITE, "consumer": "erp-1", "admission": 6,
        "reference": "GR-5000017",
    }))]
}

pub(super) fn redemption_confirmed() -> Vec<Value> {
    vec![stated::<RedemptionConfirmed>(json!({
        "record": record(json!({})), "site": SITE, "consumer": "erp-1", "redemption": 7, "booked_as": "stock 4711",
    }))]
}

pub(super) fn trust_changes() -> Vec<Value> {
    let record = record(json!({"parts": [{"sha256": digest("list"), "media_type": "application/vnd.dsse+json"}]}));
    let change = json!({"record": record, "site": SITE, "anchor_list": digest("list"), "ground": "a new maker"});
    vec![stated::<TrustChange>(change)]
}

pub(super) fn policy_changes() -> Vec<Value> {
    let record = record(json!({"parts": [{"sha256": digest("new"), "media_type": "application/vnd.dsse+json"}]}));
    let change = json!({"record": record, "site": SITE, "policy": digest("new"), "ground": "a stricter one"});
    vec![stated::<PolicyChange>(change)]
}

pub(super) fn key_changes() -> Vec<Value> {
    vec![stated::<KeyChange>(json!({
        "record": record(json!({})), "site": SITE, "log_key": "hamburg.example+00000002+AQ==",
        "station_keys": [digest("standby"), digest("another")], "ground": "the token is broken",
    }))]
}

pub(super) fn clock_steps() -> Vec<Value> {
    vec![stated::<ClockStep>(json!({
        "record": record(json!({})), "site": SITE, "last": "2026-11-23T08:15:00Z", "ground": "the battery was empty",
    }))]
}

pub(super) fn documents() -> Vec<Value> {
    let record = record(json!({"parts": [{"sha256": digest("crl"), "media_type": "application/pkix-crl"}]}));
    let full = json!({
        "record": record, "site": SITE, "kind": "crl", "document": digest("crl"), "source": "supplier folder",
        "name": "S-88231",
    });
    vec![stated::<DocumentSeen>(full)]
}

/// The example's dossier with everything that it can have, and one that has as little.
fn two_dossiers() -> &'static [Dossier; 2] {
    static DOSSIERS: OnceLock<[Dossier; 2]> = OnceLock::new();
    DOSSIERS.get_or_init(|| {
        let mut full = the_example().dossier.inputs().clone();
        let Memory::Known(memory) = &mut full.memory else { panic!() };
        **memory = serde_json::from_value(memories()[0]["known"].clone()).unwrap();
        full.presentation.housing_label = full.presentation.label.clone();
        full.presentation.device_proof = Some(b"proof".to_vec());
        full.presentation.order = Some(name("PO-7"));
        full.presentation.untrusted = vec![b"no certificate".to_vec()];
        let mut least = the_example().dossier.inputs().clone();
        least.token = TokenCertificates::Unavailable(Finding::bare(Reason::TokenAbsent));
        least.memory = Memory::Unavailable(Finding::bare(Reason::LedgerMissing));
        (least.anchor_list, least.policy) = (None, None);
        (least.presentation.label, least.presentation.operator) = (None, None);
        let failed = Measured::Failed(Finding::bare(Reason::ImageEmpty));
        least.presentation.readouts = vec![Readout { component: None, result: failed }];
        [full, least].map(|inputs| Dossier::assemble(inputs, &LIMITS))
    })
}

pub(super) fn dossiers() -> Vec<Value> {
    let index = |dossier: &Dossier| serde_json::from_slice(&dossier.encode().index).unwrap();
    std::iter::once(on_the_page("dossier-index")).chain(two_dossiers().iter().map(index)).collect()
}

pub(super) fn dossier_parts() -> BTreeMap<Sha256, Part> {
    static PARTS: OnceLock<BTreeMap<Sha256, Part>> = OnceLock::new();
    let all = || {
        the_example().dossier.encode().parts.into_iter().chain(two_dossiers().iter().flat_map(|one| one.encode().parts))
    };
    PARTS.get_or_init(|| all().collect()).clone()
}

pub(super) fn readouts() -> Vec<Value> {
    let measured = the_example().dossier.inputs().presentation.readouts.iter().map(serde_json::to_value);
    let mut readouts: Vec<Value> = measured.map(Result::unwrap).collect();
    let high = json!({
        "result": {"done": {
            "file_sha256": digest("file"), "file_length": 4, "form": "elf",
            "segments": [{"start": "0xfffffffffffffff0", "length": 4, "sha256": digest("segment")}],
            "ranges": [{"span": {"start": 0, "end": "0x20000000000000"}, "fill": 255, "sha256": digest("range"), "first_gap": 0}],
            "fields": [{"span": {"start": 0, "end": 2}, "bytes": "0aff"}, {"span": {"start": 4, "end": 5}}],
        }},
    });
    let failed = json!({"component": "loader", "result": {"failed": {"reason": "image-empty"}}});
    readouts.extend([high, failed]);
    readouts
}

pub(super) fn memories() -> Vec<Value> {
    let known = json!({
        "completeness": "incomplete", "size": 8, "last": "2026-11-24T08:00:00Z",
        "sightings": [sighting("accepted")], "anchor_list_version": 1, "policy_version": 2,
        "crls": [{"issuer_key": digest("issuer"), "this_update": "2026-11-23T00:00:00Z"}],
        "releases": [{"manufacturer": "example-ecu", "part": "X100-200A", "component": "loader", "security_version": 3}],
    });
    vec![json!({"known": known}), json!({"unavailable": {"reason": "ledger-busy"}})]
}

/// The golden leaf of `docs/ledger.md`.
pub(super) fn leaves() -> Vec<Value> {
    let page = include_str!("../../../../docs/ledger.md");
    let line = page.lines().find(|line| line.starts_with("{\"apiVersion\"")).unwrap();
    vec![serde_json::from_str(line).unwrap()]
}
