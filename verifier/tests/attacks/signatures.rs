//! Signatures and thresholds, in whole dossiers. What one envelope alone refuses is tested beside its parser.

use crate::pki::{Kind, Party, Spec};
use crate::world::{Judged, LIMITS, World, judge, name, reworded, signed, signed_payload};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use ecugate_verifier::documents::document::payload;
use ecugate_verifier::inputs::trust::authority::Authority;
use ecugate_verifier::judgement::verdict::Ruling;
use ecugate_verifier::values::reason::Reason;
use serde_json::{Value, json};

/// The dossier of `world` with its manifests changed: release first, shipment second.
fn with_manifests(world: &World, change: impl FnOnce(&mut Vec<Vec<u8>>)) -> Judged {
    let mut inputs = world.inputs();
    change(&mut inputs.presentation.manifests);
    judge(inputs)
}

fn officer(spec_name: &str, kind: Kind) -> Party {
    Party::root(Spec::ca(spec_name).with(|spec| spec.kind = kind))
}

/// Attack class 1 (CVE-2020-6174): one officer's key signs twice, with two different signatures.
#[test]
fn attack_01_one_officer_key_signing_twice_is_one_officer() {
    let world = World::new().with(|world| world.officers[0] = officer("Officer 1", Kind::P256));
    let one = &world.officers[0];
    let mut inputs = world.inputs();
    inputs.anchor_list = Some(signed(world.list.clone(), &[(one, &[]), (one, &[])]));
    judge(inputs).is(Ruling::HoldPerson, Reason::AnchorListThreshold);
}

/// Attack class 3 (GHSA-9vcr-p3rj-q5q6).
#[test]
fn attack_03_two_keys_of_one_officer_are_one_officer() {
    let world = World::new().with(|world| world.officers.push(officer("Officer 1", Kind::Ed25519)));
    world.judge().accepted();
    let [first, second, again] = world.officers.as_slice() else { panic!("three keys") };
    let mut inputs = world.inputs();
    inputs.anchor_list = Some(signed(world.list.clone(), &[(first, &[]), (again, &[])]));
    judge(inputs).is(Ruling::HoldPerson, Reason::AnchorListThreshold);
    let mut inputs = world.inputs();
    inputs.policy = Some(signed(world.policy.clone(), &[(first, &[]), (again, &[])]));
    judge(inputs).is(Ruling::HoldPerson, Reason::PolicyThreshold);
    let mut inputs = world.inputs();
    inputs.anchor_list = Some(signed(world.list.clone(), &[(again, &[]), (second, &[])]));
    judge(inputs).accepted();
}

/// Attack class 4.
#[test]
fn attack_04_a_threshold_of_zero_or_over_the_persons_is_no_authority() {
    let holders = World::new().authority().holders().to_vec();
    let fault = |threshold| Authority::new(holders.clone(), threshold, 0, 0, LIMITS).map_err(|finding| finding.reason);
    assert_eq!(fault(0), Err(Reason::ThresholdZero));
    assert_eq!(fault(3), Err(Reason::AnchorListThreshold));
    let nobody = Authority::new(Vec::new(), 1, 0, 0, LIMITS).map_err(|finding| finding.reason);
    assert_eq!(nobody, Err(Reason::AnchorListThreshold));
}

/// Attack class 5: a key id is a hint. A wrong one changes nothing, the right one helps nobody.
#[test]
fn attack_05_a_key_id_neither_helps_nor_harms() {
    let world = World::new();
    let genuine = world.release_envelope();
    let key_id = |envelope: &[u8]| -> Value {
        let text: Value = serde_json::from_slice(envelope).unwrap();
        text["signatures"][0]["keyid"].clone()
    };
    let other = key_id(&world.shipment_envelope());
    with_manifests(&world, |all| all[0] = reworded(&genuine, |text| text["signatures"][0]["keyid"] = other)).accepted();
    let forger = Party::root(Spec::leaf("Release Signer"));
    let statement = payload(world.release.clone(), LIMITS).unwrap();
    let forged = signed_payload(statement, &[(&forger, &[&world.release_signer, &world.issuing])]);
    let forged = reworded(&forged, |text| text["signatures"][0]["keyid"] = key_id(&genuine));
    with_manifests(&world, |all| all[0] = forged).is(Ruling::Suspect, Reason::SignatureInvalid);
}

/// Attack classes 6 and 11: nothing beside the signature is read, so nothing beside it may stand there.
#[test]
fn attack_06_an_algorithm_or_any_claim_beside_the_signature_makes_the_manifest_unreadable() {
    let world = World::new();
    type Change = fn(&mut Value);
    let changes: [Change; 3] = [
        |text| text["signatures"][0]["alg"] = json!("none"),
        |text| text["predicate"] = json!({"track": "production"}),
        |text| text["signatures"][0]["role"] = json!("release"),
    ];
    for change in changes {
        let changed = reworded(&world.release_envelope(), change);
        with_manifests(&world, |all| all[0] = changed).is(Ruling::Unproven, Reason::ManifestMalformed);
    }
}

/// Attack class 7 (CVE-2026-39395, CVE-2022-35930): genuinely signed documents of another kind.
#[test]
fn attack_07_a_document_of_another_kind_is_no_manifest() {
    let world = World::new();
    let judged = world.judge();
    let chain: &[&Party] = &[&world.release_signer, &world.issuing];
    for other in [
        signed(judged.receipt(), &[(&world.release_signer, chain)]),
        signed(world.list.clone(), &[(&world.release_signer, chain)]),
        signed(world.policy.clone(), &[(&world.release_signer, chain)]),
    ] {
        let judged = with_manifests(&world, |all| all[0] = other);
        judged.is(Ruling::Unproven, Reason::ManifestMalformed);
        assert!(judged.verdict.findings()[0].found.contains("predicate-type-wrong"), "{judged:#?}");
    }
}

/// Attack class 7: a release with the predicate type of a shipment, signed by the signer of either.
#[test]
fn attack_07_a_release_relabelled_as_a_shipment_is_unreadable() {
    let world = World::new();
    let release = String::from_utf8(payload(world.release.clone(), LIMITS).unwrap()).unwrap();
    let relabelled = release.replace("urn:ecugate:release:v1", "urn:ecugate:shipment:v1");
    assert_ne!(release, relabelled);
    for signer in [&world.release_signer, &world.shipment_signer] {
        let envelope = signed_payload(relabelled.clone().into_bytes(), &[(signer, &[signer, &world.issuing])]);
        with_manifests(&world, |all| all[1] = envelope).is(Ruling::Unproven, Reason::ManifestMalformed);
    }
}

/// Attack class 7: authority documents in each other's place, and manifests in theirs.
#[test]
fn attack_07_a_policy_is_no_anchor_list_and_a_list_no_policy() {
    let world = World::new();
    let mut inputs = world.inputs();
    inputs.anchor_list = Some(world.policy_envelope());
    judge(inputs).is(Ruling::HoldPerson, Reason::AnchorListMalformed);
    let mut inputs = world.inputs();
    inputs.policy = Some(world.list_envelope());
    judge(inputs).is(Ruling::HoldPerson, Reason::PolicyMalformed);
    let mut inputs = world.inputs();
    inputs.anchor_list = Some(world.release_envelope());
    judge(inputs).is(Ruling::HoldPerson, Reason::AnchorListThreshold);
}

/// Attack class 7: the payload type is judged before the signature.
#[test]
fn attack_07_another_payload_type_is_refused() {
    let world = World::new();
    let changed = reworded(&world.release_envelope(), |text| text["payloadType"] = json!("application/json"));
    let judged = with_manifests(&world, |all| all[0] = changed);
    judged.is(Ruling::Unproven, Reason::ManifestMalformed);
    assert!(judged.verdict.findings()[0].found.contains("payload-type-wrong"));
}

/// Attack class 8: a genuine signature of the same certified key over another document.
#[test]
fn attack_08_a_signature_moved_from_one_document_to_another_is_none() {
    let world = World::new();
    let older = world.clone().with(|world| world.release.components[0].security_version = 6).release_envelope();
    let older: Value = serde_json::from_slice(&older).unwrap();
    let moved = reworded(&world.release_envelope(), |text| text["signatures"] = older["signatures"].clone());
    with_manifests(&world, |all| all[0] = moved).is(Ruling::Suspect, Reason::SignatureInvalid);
}

/// Attack class 9: what is read is what the signature covers.
#[test]
fn attack_09_a_payload_changed_after_signing_is_refused() {
    let world = World::new().with(|world| world.image[7] ^= 1);
    let changed = world.clone().with(|world| {
        let image = world.image.clone();
        let component = &mut world.release.components[0];
        component.ranges[0].sha256 = ecugate_verifier::values::digest::Sha256::of(&image[..0x800]);
        component.file = None;
    });
    let payload = BASE64.encode(payload(changed.release, LIMITS).unwrap());
    let forged = reworded(&world.release_envelope(), |text| text["payload"] = json!(payload));
    with_manifests(&world, |all| all[0] = forged).is(Ruling::Suspect, Reason::SignatureInvalid);
}

/// Attack class 13: a second signature, good or bad, beside the one of the signer.
#[test]
fn attack_13_a_manifest_with_a_second_signature_is_refused() {
    let world = World::new();
    let chain: &[&Party] = &[&world.release_signer, &world.issuing];
    let stranger = Party::root(Spec::leaf("Stranger"));
    let both = signed(world.release.clone(), &[(&world.release_signer, chain), (&stranger, &[&stranger])]);
    with_manifests(&world, |all| all[0] = both).is(Ruling::Suspect, Reason::EnvelopeSignatureCount);
    let mut inputs = world.inputs();
    let [one, two] = world.officers.as_slice() else { panic!("two officers") };
    inputs.anchor_list = Some(signed(world.list.clone(), &[(one, &[]), (two, &[]), (&stranger, &[])]));
    judge(inputs).is(Ruling::HoldPerson, Reason::AnchorListThreshold);
}

/// Attack class 71: what one officer alone signs changes nothing.
#[test]
fn attack_71_a_policy_lowered_by_one_officer_is_not_in_force() {
    let world = World::new();
    let [one, two] = world.officers.as_slice() else { panic!("two officers") };
    for alone in [one, two] {
        let mut inputs = world.inputs();
        inputs.policy = Some(signed(world.policy.clone(), &[(alone, &[])]));
        judge(inputs).is(Ruling::HoldPerson, Reason::PolicyThreshold);
    }
    // an authority in which one key stands for two persons, or twice for one, is none
    let key = world.authority().holders()[0].1.clone();
    for second in ["Officer 1", "Officer 2"] {
        let holders = vec![(name("Officer 1"), key.clone()), (name(second), key.clone())];
        let fault = Authority::new(holders, 1, 0, 0, LIMITS).map_err(|finding| finding.reason);
        assert_eq!(fault, Err(Reason::AnchorListThreshold), "{second}");
    }
}
