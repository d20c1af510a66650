//! The verdicts themselves: what is accepted, and what every missing or contradicting piece makes of a unit.

use crate::pki::List;
use crate::world::{World, judge};
use ecugate_verifier::documents::manifest::assurance::{Firmware, Identity};
use ecugate_verifier::inputs::memory::Memory;
use ecugate_verifier::inputs::trust::anchors::TokenCertificates;
use ecugate_verifier::judgement::verdict::Ruling;
use ecugate_verifier::values::finding::Finding;
use ecugate_verifier::values::reason::Reason;

#[test]
fn a_genuine_unit_is_accepted_with_both_axes_named() {
    let judged = World::new().judge();
    assert_eq!(judged.verdict.findings(), []);
    assert_eq!(judged.ruling(), Ruling::Accept);
    assert_eq!(judged.appraisal.identity(), Identity::Listed);
    assert_eq!(judged.appraisal.firmware(), Firmware::MeasuredUnbound);
}

#[test]
fn one_changed_firmware_byte_is_suspect() {
    let judged = World::new().with(|world| world.image[7] ^= 1).judge();
    judged.is(Ruling::Suspect, Reason::FirmwareDiffers);
    assert_eq!(judged.appraisal.firmware(), Firmware::NotRead);
}

#[test]
fn a_serial_that_is_not_on_the_shipment_is_suspect() {
    let world = World::new().with(|world| drop(world.shipment.units.remove(0)));
    world.judge().is(Ruling::Suspect, Reason::SerialNotListed);
}

#[test]
fn no_manifest_at_all_is_unproven_and_says_nothing_bad() {
    let mut inputs = World::new().inputs();
    inputs.presentation.manifests.clear();
    inputs.presentation.readouts.clear();
    judge(inputs).is(Ruling::Unproven, Reason::ManifestAbsent);
}

#[test]
fn a_label_that_names_no_unit_is_held_for_the_label_and_nobody_is_said_to_owe_papers() {
    let mut inputs = World::new().inputs();
    inputs.presentation.manifests.clear();
    inputs.presentation.label = Some(b"[)>\x1e06\x1dSA1\x1dSA2\x1e\x04".to_vec());
    judge(inputs.clone()).is(Ruling::HoldPerson, Reason::LabelTwoSerials);
    // nor because of a readout that no release says how to measure
    inputs.presentation.readouts = World::new().readouts(&inputs.presentation);
    judge(inputs.clone()).is(Ruling::HoldPerson, Reason::LabelTwoSerials);
    inputs.presentation.label = None;
    judge(inputs).is(Ruling::HoldPerson, Reason::LabelMissing);
    // With papers at hand they are judged as ever.
    let world = World::new().with(|world| {
        world.label = b"[)>\x1e06\x1dSA1\x1dSA2\x1e\x04".to_vec();
        world.crls[1] = world.issuing.crl(&List::revoking(100));
    });
    world.judge().is(Ruling::Suspect, Reason::SignerRevoked);
}

#[test]
fn no_crl_is_a_hold_for_a_person() {
    World::new().with(|world| world.crls.clear()).judge().is(Ruling::HoldPerson, Reason::CrlMissing);
}

#[test]
fn a_revoked_signer_is_suspect_and_a_waiver_does_not_help() {
    let revoked = World::new().with(|world| world.crls[1] = world.issuing.crl(&List::revoking(100)));
    revoked.judge().is(Ruling::Suspect, Reason::SignerRevoked);
}

#[test]
fn a_token_or_a_memory_that_cannot_be_asked_is_a_hold_and_never_empty() {
    let away = Finding::bare(Reason::TokenAbsent);
    let world = World::new().with(|world| world.token = TokenCertificates::Unavailable(away));
    world.judge().is(Ruling::HoldPerson, Reason::TokenAbsent);
    let world = World::new().with(|world| world.token = TokenCertificates::Read(Vec::new()));
    world.judge().is(Ruling::HoldPerson, Reason::AnchorsEmpty);
    let mut inputs = World::new().inputs();
    inputs.memory = Memory::Unavailable(Finding::bare(Reason::LedgerFailed));
    judge(inputs).is(Ruling::HoldPassing, Reason::LedgerFailed);
}
