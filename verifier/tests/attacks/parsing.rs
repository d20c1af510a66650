//! Parts that cannot be read, beside good ones, and parts without end.

use crate::pki::{List, Party, Spec, broken};
use crate::world::{Judged, World, judge, name, reworded};
use ecugate_verifier::inputs::dossier::Inputs;
use ecugate_verifier::judgement::verdict::Ruling;
use ecugate_verifier::values::reason::Reason;
use proptest::prelude::{ProptestConfig, any, prop, proptest};
use serde_json::json;

fn judged(change: impl FnOnce(&mut Inputs)) -> Judged {
    let mut inputs = World::new().inputs();
    change(&mut inputs);
    judge(inputs)
}

/// Attack class 13: fail-open readers skip what they cannot read and accept the rest.
#[test]
fn attack_13_one_unreadable_part_beside_good_ones_keeps_the_unit_out() {
    judged(|inputs| inputs.presentation.manifests.push(b"{}".to_vec())).is(Ruling::Unproven, Reason::ManifestMalformed);
    judged(|inputs| inputs.presentation.manifests.insert(0, Vec::new()))
        .is(Ruling::Unproven, Reason::ManifestMalformed);
    judged(|inputs| inputs.presentation.crls.push(vec![0x30, 0])).is(Ruling::HoldPerson, Reason::CrlMalformed);
    judged(|inputs| inputs.presentation.crls.insert(0, b"-----BEGIN X509 CRL-----\n".to_vec()))
        .is(Ruling::HoldPerson, Reason::CrlMalformed);
    judged(|inputs| inputs.presentation.untrusted.push(vec![0x30, 0]))
        .is(Ruling::HoldPerson, Reason::CertificateMalformed);
    judged(|inputs| inputs.presentation.housing_label = Some(b"[)>\x1e06\x1d1P".to_vec()))
        .is(Ruling::HoldPerson, Reason::LabelTrailerMissing);
}

/// Attack class 13: a part that is well formed and says something false keeps the unit out too.
#[test]
fn attack_13_one_unverifiable_manifest_beside_good_ones_keeps_the_unit_out() {
    let world = World::new();
    let stranger = Party::root(Spec::leaf("Release Signer"));
    let theirs = crate::world::signed(world.release.clone(), &[(&stranger, &[&stranger])]);
    for first in [true, false] {
        let mut inputs = world.inputs();
        let at = if first { 0 } else { 2 };
        inputs.presentation.manifests.insert(at, theirs.clone());
        judge(inputs).is(Ruling::Suspect, Reason::PathNotFound);
    }
}

/// Attack class 13: a malformed certificate in the chain of the document itself.
#[test]
fn attack_13_a_malformed_certificate_in_the_chain_is_refused() {
    let world = World::new();
    let junk = reworded(&world.release_envelope(), |text| {
        text["signatures"][0]["x5c"].as_array_mut().unwrap().push(json!("MAA="));
    });
    let mut inputs = world.inputs();
    inputs.presentation.manifests[0] = junk;
    judge(inputs).is(Ruling::HoldPerson, Reason::CertificateMalformed);
    let world = World::new().with(|world| world.release_signer.der = broken(&world.release_signer.der));
    world.judge().is(Ruling::Suspect, Reason::CertificateSignatureInvalid);
}

/// Attack class 16: nothing is ever unpacked; an archive is refused as what it is.
#[test]
fn attack_16_an_archive_in_place_of_a_document_is_named_and_not_opened() {
    for (begin, kind) in [(b"PK\x03\x04".as_slice(), "a ZIP archive"), (b"\x1f\x8b\x08", "a gzip file")] {
        let archive = [begin, &[0; 100]].concat();
        let judged = judged(|inputs| inputs.presentation.manifests.push(archive));
        judged.is(Ruling::Unproven, Reason::ManifestMalformed);
        assert!(judged.verdict.findings()[0].found.contains(kind), "{:#?}", judged.verdict);
    }
}

/// Attack class 44: a name is compared with names and never used as a path.
#[test]
fn attack_44_a_component_named_like_a_path_is_a_name() {
    for text in ["../../etc/passwd", "/dev/zero", "-rf", "C:\\image"] {
        let world = World::new().with(|world| {
            world.release.components[0].name = name(text);
            world.images = vec![(name(text), world.image.clone())];
        });
        world.judge().accepted();
        let base = text.rsplit(['/', '\\']).next().unwrap();
        if base != text {
            let world = world.with(|world| world.images[0].0 = name(base));
            world.judge().is(Ruling::HoldPerson, Reason::ComponentUnknown);
        }
    }
}

/// Attack class 47: counts over the caps are refused, whatever the rest says.
#[test]
fn attack_47_more_parts_than_the_caps_allow_are_refused() {
    let world = World::new();
    let repeated = |part: &Vec<u8>, count: usize| vec![part.clone(); count];
    judged(|inputs| inputs.presentation.manifests.extend(vec![inputs.presentation.manifests[0].clone(); 62]))
        .accepted();
    judged(|inputs| inputs.presentation.manifests.extend(vec![inputs.presentation.manifests[0].clone(); 63]))
        .is(Ruling::HoldPerson, Reason::InputTooLarge);
    judged(|inputs| inputs.presentation.crls.extend(repeated(&world.crls[0], 63)))
        .is(Ruling::HoldPerson, Reason::InputTooLarge);
    judged(|inputs| inputs.presentation.untrusted.extend(repeated(&world.root.der, 4_097)))
        .is(Ruling::HoldPerson, Reason::InputTooLarge);
    judged(|inputs| inputs.presentation.readouts.extend(vec![inputs.presentation.readouts[0].clone(); 64]))
        .is(Ruling::HoldPerson, Reason::InputTooLarge);
}

/// Attack class 47: the caps count certificates and CRLs, not the files that hold them.
#[test]
fn attack_47_many_certificates_or_lists_in_few_files_are_counted_one_by_one() {
    let world = World::new();
    let bundle = world.root.pem().repeat(3_000).into_bytes();
    judged(|inputs| inputs.presentation.untrusted.extend([bundle.clone(), bundle.clone()]))
        .is(Ruling::HoldPerson, Reason::InputTooLarge);
    let lists: Vec<u8> = (0..40)
        .flat_map(|n| {
            let list = List::default().with(|list| list.number = Some(1_000 + n));
            crate::pki::pem("X509 CRL", &world.root.crl(&list)).into_bytes()
        })
        .collect();
    judged(|inputs| inputs.presentation.crls.extend([lists.clone(), lists.clone()]))
        .is(Ruling::HoldPerson, Reason::InputTooLarge);
}

/// Attack class 47: 10^6 signatures. The document is over the caps before any of them is looked at.
#[test]
fn attack_47_a_million_signatures_are_refused_unread() {
    let world = World::new();
    for count in [1_000_000, 100_000] {
        let many = format!(
            r#"{{"payload":"e30=","payloadType":"application/vnd.in-toto+json","signatures":[{}]}}"#,
            vec![r#"{"sig":"AA=="}"#; count].join(",")
        );
        let mut inputs = world.inputs();
        inputs.presentation.manifests.push(many.clone().into_bytes());
        judge(inputs).is(Ruling::Unproven, Reason::ManifestMalformed);
        let mut inputs = world.inputs();
        inputs.anchor_list = Some(many.into_bytes());
        judge(inputs).is(Ruling::HoldPerson, Reason::AnchorListMalformed);
    }
}

/// Attack class 47: 10^6 entries are over the cap; 10^5 are read, and the one that matters is found among them.
#[test]
fn attack_47_a_list_of_a_million_entries_is_refused_and_one_of_a_hundred_thousand_still_revokes() {
    let world = World::new();
    let list = |count: u64| List::default().with(|list| list.revoked = (1_000..1_000 + count).collect());
    let million = world.issuing.crl(&list(1_000_000));
    judged(|inputs| inputs.presentation.crls.push(million)).is(Ruling::HoldPerson, Reason::CrlMalformed);
    let world = World::new().with(|world| {
        world.crls[1] = world.issuing.crl(&list(100_000));
    });
    world.judge().accepted();
    let world = world.with(|world| {
        let list = list(100_000).with(|list| list.revoked.push(100));
        world.crls[1] = world.issuing.crl(&list);
    });
    world.judge().is(Ruling::Suspect, Reason::SignerRevoked);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Attack class 14: no bytes anywhere in a dossier make the judgement panic or accept.
    #[test]
    fn attack_14_arbitrary_bytes_in_any_place_are_never_a_panic_nor_an_accept(
        place in 0_usize..9,
        bytes in prop::collection::vec(any::<u8>(), 0..200),
    ) {
        let judged = judged(|inputs| {
            let presented = &mut inputs.presentation;
            match place {
                0 => presented.label = Some(bytes),
                1 => presented.housing_label = Some(bytes),
                2 => presented.manifests[0] = bytes,
                3 => presented.manifests[1] = bytes,
                4 => presented.untrusted = vec![bytes],
                5 => presented.crls[1] = bytes,
                6 => presented.device_proof = Some(bytes),
                7 => inputs.anchor_list = Some(bytes),
                _ => inputs.policy = Some(bytes),
            }
        });
        assert_ne!(judged.ruling(), Ruling::Accept);
    }

    /// Attack classes 9 and 14: no byte of a signed document can be changed without the unit being kept out.
    #[test]
    fn attack_14_one_changed_byte_in_any_signed_document_keeps_the_unit_out(
        which in 0_usize..4,
        at in any::<prop::sample::Index>(),
        bit in 0_u8..8,
    ) {
        let mut unchanged = false;
        let judged = judged(|inputs| {
            let document = match which {
                0 => &mut inputs.presentation.manifests[0],
                1 => &mut inputs.presentation.manifests[1],
                2 => inputs.anchor_list.as_mut().unwrap(),
                _ => inputs.policy.as_mut().unwrap(),
            };
            // The key id is a hint that nothing reads.
            let text = String::from_utf8(document.clone()).unwrap();
            let at = at.index(document.len());
            unchanged = text.match_indices("\"keyid\":\"").any(|(found, key)| {
                (found + key.len()..found + key.len() + 64).contains(&at)
            });
            document[at] ^= 1 << bit;
        });
        assert!(unchanged || judged.ruling() != Ruling::Accept);
    }
}
