//! Certificates, anchors and revocation, as far as they reach into a whole dossier. The rules of one path are tested
//! beside the path search.

use crate::pki::{AT, DAY, Kind, List, Party, Spec, tlv};
use crate::world::{Judged, LIMITS, World, arcs, judge, listing, name, part, signed, signed_payload, time};
use ecugate_verifier::documents::anchor_list::{Role, Serials};
use ecugate_verifier::documents::document::payload;
use ecugate_verifier::documents::manifest::Validity;
use ecugate_verifier::documents::question::Question;
use ecugate_verifier::inputs::trust::anchors::TokenCertificates;
use ecugate_verifier::judgement::appraisal::answers::Answer;
use ecugate_verifier::judgement::verdict::Ruling;
use ecugate_verifier::values::ident::{Manufacturer, PartScope, purpose};
use ecugate_verifier::values::reason::Reason;
use serde_json::json;

/// The dossier with the release signed by `signer`, who sends `chain` along.
fn release_by(world: &World, signer: &Party, chain: &[&Party]) -> Judged {
    let mut inputs = world.inputs();
    inputs.presentation.manifests[0] = signed(world.release.clone(), &[(signer, chain)]);
    judge(inputs)
}

/// The dossier with the shipment signed by `signer`, who sends `chain` along.
fn shipment_by(world: &World, signer: &Party, chain: &[&Party]) -> Judged {
    let mut inputs = world.inputs();
    inputs.presentation.manifests[1] = signed(world.shipment.clone(), &[(signer, chain)]);
    judge(inputs)
}

fn with_token(mut world: World, more: &[&Party]) -> World {
    let held = std::iter::once(&world.root).chain(more.iter().copied()).map(|party| party.der.clone()).collect();
    world.token = TokenCertificates::Read(held);
    world
}

/// Another manufacturer with a root on the token and signers of its own.
struct Rival {
    root: Party,
    release_signer: Party,
    shipment_signer: Party,
}

impl Rival {
    fn new() -> Self {
        let root = Party::root(Spec::ca("Rival Root"));
        let signer = |who: &str, serial: u64, oid: &str| {
            root.issue(Spec::leaf(who).with(|spec| {
                spec.serial = serial;
                spec.purposes = vec![arcs(oid)];
            }))
        };
        let release_signer = signer("Rival Release Signer", 10, purpose::RELEASE);
        let shipment_signer = signer("Rival Shipment Signer", 11, purpose::SHIPMENT);
        Self { root, release_signer, shipment_signer }
    }

    /// The world in which the authority listed this manufacturer too.
    fn listed_in(&self, world: World) -> World {
        with_token(world, &[&self.root]).with(|world| {
            world.list.anchors.push(listing(&self.root, "rival"));
            world.crls.push(self.root.crl(&List::default()));
        })
    }
}

/// Attack class 18 (CVE-2026-24122): only the issuer is out of its dates.
#[test]
fn attack_18_an_expired_issuer_above_a_valid_signer_is_a_hold() {
    let world = World::new().with(|world| {
        let expired = Spec::ca("Maker Issuing CA").with(|spec| {
            spec.serial = 2;
            spec.not_after = AT - DAY;
        });
        world.issuing = world.root.certify(expired, &world.issuing.key.clone());
    });
    world.judge().is(Ruling::HoldPerson, Reason::CertificateExpired);
}

/// Attack class 19 (CVE-2026-39984): the key that counts is the one of the certificate that was verified.
#[test]
fn attack_19_the_order_of_the_chain_and_the_bag_never_brings_another_key_in() {
    let world = World::new();
    let forger = Party::root(Spec::ca("Maker Issuing CA"));
    let forged = forger.issue(Spec::leaf("Release Signer"));
    let genuine: [&Party; 2] = [&world.release_signer, &world.issuing];
    // the forger's key beside the genuine certificates, in every place
    for chain in [
        vec![genuine[0], genuine[1], &forged, &forger],
        vec![genuine[0], &forged, &forger, genuine[1]],
        vec![genuine[0], &forger, genuine[1], &forged],
    ] {
        release_by(&world, &forged, &chain).is(Ruling::Suspect, Reason::SignatureInvalid);
        release_by(&world, &world.release_signer, &chain).accepted();
    }
    for chain in [vec![&forged, &forger, genuine[0], genuine[1]], vec![&forged, genuine[1], &forger]] {
        let judged = release_by(&world, &forged, &chain);
        assert_eq!(judged.ruling(), Ruling::Suspect);
        assert!(
            [Reason::CertificateSignatureInvalid, Reason::PathNotFound].contains(&judged.verdict.reason().unwrap()),
            "{:#?}",
            judged.verdict
        );
        // the genuine signature under the forger's certificate is no better
        assert_eq!(release_by(&world, &world.release_signer, &chain).ruling(), Ruling::Suspect);
    }
    for bag in [[&forged, &forger, genuine[1]], [genuine[1], &forger, &forged]] {
        let world = world.clone().with(|world| world.untrusted = bag.map(|party| party.der.clone()).to_vec());
        release_by(&world, &world.release_signer, &[&world.release_signer]).accepted();
        release_by(&world, &forged, &[&world.release_signer]).is(Ruling::Suspect, Reason::SignatureInvalid);
    }
}

/// Attack class 20.
#[test]
fn attack_20_a_ca_or_an_anchor_is_no_signer() {
    let world = World::new();
    release_by(&world, &world.issuing, &[&world.issuing]).is(Ruling::Suspect, Reason::LeafIsCa);
    release_by(&world, &world.root, &[&world.root]).is(Ruling::Suspect, Reason::LeafIsAnchor);
}

/// Attack class 20: the key of *any* anchor, also of one that is listed for something else.
#[test]
fn attack_20_the_key_of_an_anchor_of_another_role_is_no_signers_key() {
    let devices = Party::root(Spec::ca("Device Root"));
    let world = with_token(World::new(), &[&devices]).with(|world| {
        let mut line = listing(&devices, "maker");
        line.roles = vec![Role::Device];
        world.list.anchors.push(line);
    });
    world.judge().accepted();
    let signer = world.issuing.certify(Spec::leaf("Release Signer"), &devices.key);
    release_by(&world, &signer, &[&signer, &world.issuing]).is(Ruling::Suspect, Reason::LeafIsAnchor);
}

/// Attack class 21: nothing to check against is never a pass.
#[test]
fn attack_21_an_emptied_token_list_or_site_is_a_hold() {
    let empty = TokenCertificates::Read(Vec::new());
    World::new().with(|world| world.token = empty).judge().is(Ruling::HoldPerson, Reason::AnchorsEmpty);
    let world = World::new();
    let payload = payload(world.list.clone(), LIMITS).unwrap();
    let mut text: serde_json::Value = serde_json::from_slice(&payload).unwrap();
    (text["predicate"]["anchors"], text["subject"]) = (json!([]), json!([]));
    let officers: Vec<_> = world.officers.iter().map(|officer| (officer, [].as_slice())).collect();
    let mut inputs = world.inputs();
    inputs.anchor_list = Some(signed_payload(serde_json::to_vec(&text).unwrap(), &officers));
    judge(inputs).is(Ruling::HoldPerson, Reason::AnchorListMalformed);
    let stranger = Party::root(Spec::ca("Maker Root"));
    let swapped = TokenCertificates::Read(vec![stranger.der]);
    World::new().with(|world| world.token = swapped).judge().is(Ruling::HoldPerson, Reason::AnchorsEmpty);
    for part in ["list", "policy"] {
        let mut inputs = World::new().inputs();
        let reason = if part == "list" {
            inputs.anchor_list = None;
            Reason::AnchorListMissing
        } else {
            inputs.policy = None;
            Reason::PolicyMissing
        };
        judge(inputs).is(Ruling::HoldPerson, reason);
    }
}

/// Attack class 22: a self-made hierarchy, complete with CRLs, carried by the document, the bag, and the token.
#[test]
fn attack_22_trust_that_the_document_brings_along_is_none() {
    let rival = Rival::new();
    let world = World::new().with(|world| world.crls.push(rival.root.crl(&List::default())));
    let carried = world.clone();
    release_by(&carried, &rival.release_signer, &[&rival.release_signer, &rival.root])
        .is(Ruling::Suspect, Reason::PathNotFound);
    let bagged = world.clone().with(|world| world.untrusted = vec![rival.root.der.clone()]);
    release_by(&bagged, &rival.release_signer, &[&rival.release_signer]).is(Ruling::Suspect, Reason::PathNotFound);
    // written to the token by whoever could: not listed, so not an anchor
    let written = with_token(world, &[&rival.root]);
    let judged = written.judge();
    judged.accepted();
    let anchors = judged.appraisal.answers().of(Question::Anchors);
    assert_eq!(anchors, Answer::Pass("1 listed, 1 on the token and not listed, list version 1".to_owned()));
    release_by(&written, &rival.release_signer, &[&rival.release_signer]).is(Ruling::Suspect, Reason::PathNotFound);
}

/// Attack class 23: the certificate is in date, its private key no longer (RFC 5280 section 4.2.1.4 of RFC 3280).
#[test]
fn attack_23_a_key_after_its_own_window_is_a_hold() {
    let window = |first: u64, last: u64| {
        let time = |tag, at| tlv(tag, crate::pki::utc(at).as_bytes());
        tlv(0x30, &[time(0x80, first), time(0x81, last)].concat())
    };
    for (first, last, reason) in [
        (AT - 100 * DAY, AT - DAY, Reason::CertificateExpired),
        (AT + DAY, AT + 100 * DAY, Reason::CertificateNotYetValid),
    ] {
        let world = World::new().with(|world| {
            let spec = Spec::leaf("Release Signer")
                .with(|spec| spec.extensions = vec![(vec![2, 5, 29, 16], false, window(first, last))]);
            world.release_signer = world.issuing.issue(spec);
        });
        world.judge().is(Ruling::HoldPerson, reason);
    }
}

/// Attack class 26.
#[test]
fn attack_26_a_signer_outside_of_its_issuers_names_is_refused() {
    let world = World::new().with(|world| {
        let constrained = Spec::ca("Maker Issuing CA").with(|spec| {
            spec.serial = 2;
            spec.dns_constraints = Some((vec!["maker.example".to_owned()], Vec::new()));
        });
        world.issuing = world.root.certify(constrained, &world.issuing.key.clone());
    });
    world.judge().accepted();
    let named = Spec::leaf("Release Signer").with(|spec| spec.dns_names = vec!["rival.example".to_owned()]);
    let signer = world.issuing.issue(named);
    release_by(&world, &signer, &[&signer, &world.issuing]).is(Ruling::Suspect, Reason::NameConstraintViolated);
}

/// Attack class 27 (RUSTSEC-2023-0052): a bag of CAs that have all certified each other, under the issuer's name.
#[test]
fn attack_27_a_bag_made_to_explode_neither_hangs_nor_hides_the_path() {
    let world = World::new();
    let cas: Vec<Party> = (0..8).map(|n| Party::root(Spec::ca(&format!("Mesh {n}")))).collect();
    let mut bag = Vec::new();
    for (serial, above) in (50..).zip(&cas) {
        for below in &cas {
            bag.push(above.certify(below.spec.clone().with(|spec| spec.serial = serial), &below.key).der);
        }
        bag.push(above.certify(world.issuing.spec.clone().with(|spec| spec.serial = serial), &world.issuing.key).der);
    }
    world.with(|world| world.untrusted = bag).judge().accepted();
}

/// Attack classes 28 and 29: the time is the dossier's. What a document says of its own time moves nothing, and a
/// signer that expired on the shelf is not answered like a forger.
#[test]
fn attack_28_a_manifest_signed_in_time_and_shown_too_late_is_a_hold_and_never_suspect() {
    let world = World::new().with(|world| {
        let spec = Spec::leaf("Release Signer").with(|spec| spec.not_after = AT - DAY);
        world.release_signer = world.issuing.issue(spec);
        world.release.issued = time(AT - 10 * DAY);
    });
    let judged = world.judge();
    judged.is(Ruling::HoldPerson, Reason::CertificateExpired);
    world
        .with(|world| world.now = time(AT - 2 * DAY))
        .with(|world| world.crls = lists_at(world, AT - 3 * DAY))
        .judge()
        .accepted();
}

fn lists_at(world: &World, at: u64) -> Vec<Vec<u8>> {
    let list = List::default().with(|list| list.this_update = at);
    vec![world.root.crl(&list), world.issuing.crl(&list)]
}

/// Attack class 30: a weak key high in the path.
#[test]
fn attack_30_a_signer_of_another_strong_kind_is_taken_and_its_kind_is_not_the_documents_choice() {
    for kind in [Kind::P256, Kind::P384] {
        let world = World::new().with(|world| {
            world.release_signer = world.issuing.issue(Spec::leaf("Release Signer").with(|spec| spec.kind = kind));
        });
        world.judge().accepted();
    }
}

/// Attack class 31: the purposes of certificates.
#[test]
fn attack_31_a_signer_of_one_kind_signs_no_other_kind() {
    let world = World::new();
    let device = world.issuing.issue(Spec::leaf("Device").with(|spec| spec.purposes = vec![arcs(purpose::DEVICE)]));
    release_by(&world, &device, &[&device, &world.issuing]).is(Ruling::Suspect, Reason::PurposeMissing);
    shipment_by(&world, &device, &[&device, &world.issuing]).is(Ruling::Suspect, Reason::PurposeMissing);
    shipment_by(&world, &world.release_signer, &[&world.release_signer, &world.issuing])
        .is(Ruling::Suspect, Reason::PurposeMissing);
    release_by(&world, &world.shipment_signer, &[&world.shipment_signer, &world.issuing])
        .is(Ruling::Suspect, Reason::PurposeMissing);
}

/// Attack class 31: the roles of anchors.
#[test]
fn attack_31_a_signer_below_an_anchor_of_another_role_is_refused() {
    for (roles, place) in [(vec![Role::Release], "shipment"), (vec![Role::Shipment], "release")] {
        let judged = World::new().with(|world| world.list.anchors[0].roles = roles).judge();
        judged.is(Ruling::Suspect, Reason::RoleNotListed);
        assert!(judged.verdict.findings()[0].place.contains(place), "{:#?}", judged.verdict);
    }
    let devices_only = World::new().with(|world| world.list.anchors[0].roles = vec![Role::Device]).judge();
    devices_only.is(Ruling::Suspect, Reason::RoleNotListed);
    // beside an anchor that has the role
    let rival = Rival::new();
    let world = rival.listed_in(World::new()).with(|world| world.list.anchors[1].roles = vec![Role::Shipment]);
    release_by(&world, &rival.release_signer, &[&rival.release_signer]).is(Ruling::Suspect, Reason::RoleNotListed);
}

/// Attack class 31: a distributor ships, and may not say which serials are genuine.
#[test]
fn attack_31_a_distributor_who_may_not_list_serials_makes_no_unit_genuine() {
    let world = World::new().with(|world| world.list.anchors[0].serials = Serials::MayNotList);
    world.judge().is(Ruling::Suspect, Reason::SerialsNotPermitted);
}

/// Attack class 31: a listed manufacturer signs for another one's part, under either id.
#[test]
fn attack_31_a_maker_signs_for_no_other_maker_and_no_part_outside_its_scope() {
    let rival = Rival::new();
    let world = rival.listed_in(World::new());
    world.judge().accepted();
    let theirs: &[&Party] = &[&rival.release_signer];
    release_by(&world, &rival.release_signer, theirs).is(Ruling::Suspect, Reason::ManufacturerMismatch);
    shipment_by(&world, &rival.shipment_signer, &[&rival.shipment_signer])
        .is(Ruling::Suspect, Reason::ManufacturerMismatch);

    let scoped = world.clone().with(|world| world.list.anchors[1].parts = vec![PartScope::Exact(part("R-1"))]);
    let renamed = scoped.clone().with(|world| world.release.manufacturer = Manufacturer::new("rival").unwrap());
    let mut inputs = scoped.inputs();
    inputs.presentation.manifests[0] = signed(renamed.release.clone(), &[(&rival.release_signer, theirs)]);
    judge(inputs).is(Ruling::Suspect, Reason::PartOutsideScope);

    // a release of the rival under its own id, for our part, with our shipment
    let own_id = world.clone().with(|world| world.release.manufacturer = Manufacturer::new("rival").unwrap());
    let mut inputs = world.inputs();
    inputs.presentation.manifests[0] = signed(own_id.release.clone(), &[(&rival.release_signer, theirs)]);
    judge(inputs).is(Ruling::Suspect, Reason::ManufacturerMismatch);
}

/// Attack class 31: the scope of the line under which a shipment was signed.
#[test]
fn attack_31_a_shipment_of_a_part_outside_the_scope_lists_nobody() {
    let rival = Rival::new();
    let world = rival.listed_in(World::new()).with(|world| {
        world.list.anchors[1].parts = vec![PartScope::Exact(part("R-1"))];
        world.list.anchors[1].manufacturer = Manufacturer::new("maker").unwrap();
    });
    let theirs: &[&Party] = &[&rival.shipment_signer];
    shipment_by(&world, &rival.shipment_signer, theirs).is(Ruling::Suspect, Reason::PartOutsideScope);
    // the same entry in a shipment that may list it does not cover for it, in neither order
    for first in [0, 2] {
        let mut inputs = world.inputs();
        let entry = signed(world.shipment.clone(), &[(&rival.shipment_signer, theirs)]);
        inputs.presentation.manifests.insert(first, entry);
        judge(inputs).is(Ruling::Suspect, Reason::PartOutsideScope);
    }
}

/// Attack class 31: a genuine shipment to somebody else.
#[test]
fn attack_31_a_shipment_for_another_consignee_is_refused() {
    let world = World::new().with(|world| world.shipment.consignee = name("dock.example.org"));
    world.judge().is(Ruling::Suspect, Reason::ConsigneeDiffers);
    // beside a shipment to us that lists the same unit, in either order
    let ours = World::new();
    let theirs = ours.clone().with(|world| world.shipment.consignee = name("dock.example.org")).shipment_envelope();
    for at in [0, 2] {
        let mut inputs = ours.inputs();
        inputs.presentation.manifests.insert(at, theirs.clone());
        judge(inputs).is(Ruling::Suspect, Reason::ManifestAmbiguous);
    }
}

/// Attack class 45: the line of the list has dates of its own.
#[test]
fn attack_45_an_anchor_outside_of_the_dates_of_its_line_is_a_hold() {
    for (from, until) in [(AT - 30 * DAY, AT - DAY), (AT + DAY, AT + 30 * DAY)] {
        let valid = Validity { from: time(from), until: time(until) };
        let world = World::new().with(|world| world.list.anchors[0].valid = valid);
        world.judge().is(Ruling::HoldPerson, Reason::AnchorNotInDates);
    }
}
