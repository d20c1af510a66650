//! Clones, swaps and returns: whose unit is it?

use crate::world::{CHIP, Judged, LIMITS, PART, SERIAL, World, attempt, judge, label, name, part, seen};
use ecugate_verifier::documents::document::Document as _;
use ecugate_verifier::documents::manifest::assurance::{Firmware, Identity, Minimum};
use ecugate_verifier::documents::manifest::release::{Encoding, Held, IdentityField};
use ecugate_verifier::documents::manifest::shipment::{Condition, Unit};
use ecugate_verifier::inputs::custody::{Sighting, Standing, State};
use ecugate_verifier::inputs::evidence::Measured;
use ecugate_verifier::judgement::verdict::Ruling;
use ecugate_verifier::values::digest::Sha256;
use ecugate_verifier::values::ident::{Hardware, KeyKind, Manufacturer, Part, Serial, UnitKey};
use ecugate_verifier::values::reason::Reason;

const OTHER: &str = "ALCLB4923FA9";

/// The keys that the world's unit is remembered by, after it was judged.
fn keys_of(world: &World) -> Vec<UnitKey> {
    world.judge().appraisal.keys().to_vec()
}

fn key(world: &World, kind: KeyKind) -> UnitKey {
    keys_of(world).into_iter().find(|key| key.kind == kind).unwrap()
}

fn remembering(world: &World, sightings: Vec<Sighting>) -> Judged {
    world.clone().with(|world| world.memory.sightings = sightings).judge()
}

/// The unit keys of another unit of the same maker and part.
fn keys_of_other(more: &[UnitKey]) -> Vec<UnitKey> {
    let serial = Serial::new(OTHER).unwrap();
    let unit = UnitKey::unit(&Manufacturer::new("maker").unwrap(), &part(PART), &serial);
    [unit, UnitKey::serial(&serial)].iter().chain(more).cloned().collect()
}

#[test]
fn a_unit_that_names_itself_in_its_image_is_measured() {
    let judged = World::bound().judge();
    judged.accepted();
    assert_eq!((judged.appraisal.identity(), judged.appraisal.firmware()), (Identity::Listed, Firmware::Measured));
    let kinds: Vec<_> = judged.appraisal.keys().iter().map(|key| key.kind).collect();
    let expected = [KeyKind::Unit, KeyKind::Serial, KeyKind::ChipId, KeyKind::UniqueArea, KeyKind::Readout];
    assert_eq!(kinds, expected);
}

#[test]
fn each_encoding_of_an_identity_field_binds_and_one_other_byte_contradicts() {
    let field = |holds, start, length, encoding| IdentityField { holds, start, length, encoding };
    for (field, contents) in [
        (field(Held::Serial, 0x1900, 12, Encoding::Ascii), SERIAL.as_bytes().to_vec()),
        (field(Held::Serial, 0x1900, 20, Encoding::AsciiPadded), [SERIAL.as_bytes(), &[0; 8]].concat()),
        (field(Held::HardwareId, 0x1900, 8, Encoding::HexUpper), vec![1, 0x23, 0x45, 0x67, 0x89, 0xab, 0xcd, 0xef]),
    ] {
        let world = World::bound().with(|world| {
            world.release.components[0].identity_fields = vec![field];
            world.image[0x900..0x900 + contents.len()].copy_from_slice(&contents);
        });
        let judged = world.judge();
        judged.accepted();
        assert_eq!(judged.appraisal.firmware(), Firmware::Measured, "{field:?}");
        for at in 0..contents.len() {
            let world = world.clone().with(|world| world.image[0x900 + at] ^= 4);
            world.judge().is(Ruling::Suspect, Reason::IdentityFieldDiffers);
        }
    }
    let lower = World::bound().with(|world| {
        world.release.components[0].identity_fields[1].encoding = Encoding::HexLower;
        world.shipment.units[0].hardware_id = Some(Hardware::new(CHIP.to_lowercase()).unwrap());
    });
    lower.judge().accepted();
}

/// Attack class 50: a bit-exact clone. Everything that it carries is genuine; only the memory can tell.
#[test]
fn attack_50_the_same_unit_a_second_time_is_suspect_and_the_first_is_contested() {
    for world in [World::new(), World::bound()] {
        let first = world.judge();
        let earlier = seen(State::Accepted, first.accepted().appraisal.keys().to_vec());
        let second = remembering(&world, vec![earlier]);
        second.is(Ruling::Suspect, Reason::IdentitySeenBefore);
        assert!(matches!(second.appraisal.standing(), Standing::Refused { contests, .. } if *contests == [7]));
        assert_eq!(second.appraisal.identity(), Identity::Claimed);
    }
}

/// Attack class 50: another serial over the same chip, area or readout; each key alone is enough.
#[test]
fn attack_50_any_key_of_another_unit_is_that_unit() {
    let world = World::bound().with(|world| {
        world.shipment.units[0].device_key = Some(Sha256::of(b"device key"));
        world.shipment.units[0].device_certificate = Some(Sha256::of(b"device certificate"));
    });
    for (kind, reason) in [
        (KeyKind::ChipId, Reason::IdentitySeenBefore),
        (KeyKind::DeviceKey, Reason::IdentitySeenBefore),
        (KeyKind::DeviceCertificate, Reason::IdentitySeenBefore),
        (KeyKind::UniqueArea, Reason::UniqueAreaReused),
        (KeyKind::Readout, Reason::ReadoutReused),
    ] {
        let earlier = seen(State::Accepted, keys_of_other(&[key(&world, kind)]));
        remembering(&world, vec![earlier]).is(Ruling::Suspect, reason);
    }
    // the serial alone is the unit only where the earlier entry knew no more
    let serial = UnitKey::serial(&Serial::new(SERIAL).unwrap());
    remembering(&world, vec![seen(State::Accepted, vec![serial])]).is(Ruling::Suspect, Reason::IdentitySeenBefore);
    remembering(&world, vec![seen(State::Accepted, keys_of_other(&[]))]).accepted();
}

/// Attack class 50: the serial of a unit that was held, over another device key.
#[test]
fn attack_50_a_held_unit_that_comes_back_with_another_key_is_suspect() {
    let with_key = |key: &[u8]| World::new().with(|world| world.shipment.units[0].device_key = Some(Sha256::of(key)));
    let earlier = seen(State::Held, keys_of(&with_key(b"first")));
    let judged = remembering(&with_key(b"second"), vec![earlier.clone()]);
    judged.is(Ruling::Suspect, Reason::KeyNotTheSame);
    let judged = remembering(&with_key(b"first"), vec![earlier]);
    judged.accepted();
    assert_eq!(*judged.appraisal.standing(), Standing::Supersedes(vec![7]));
}

/// Attack class 50: each state in which an identity can be taken.
#[test]
fn attack_50_an_identity_that_is_taken_or_doubtful_is_never_accepted_again() {
    let world = World::new();
    let keys = keys_of(&world);
    for (state, reason) in [
        (State::Suspect, Reason::IdentitySuspectBefore),
        (State::Accepted, Reason::IdentitySeenBefore),
        (State::Contested, Reason::IdentitySeenBefore),
        (State::Voided, Reason::IdentityVoided),
        (State::Shipped, Reason::IdentityShipped),
        (State::Legacy, Reason::IdentityLegacy),
        (State::Leased, Reason::IdentityLeased),
    ] {
        remembering(&world, vec![seen(state, keys.clone())]).is(Ruling::Suspect, reason);
    }
    for state in [State::Held, State::Unproven] {
        remembering(&world, vec![seen(state, keys.clone())]).accepted();
    }
}

/// Attack classes 50 and 66: the same attempt shows another box, or the same box twice.
#[test]
fn attack_50_an_attempt_is_neither_used_for_another_box_nor_judged_twice() {
    let world = World::new();
    let first = world.judge();
    let evidence = first.dossier.inputs().presentation.digest();
    let own = Sighting { attempt: attempt(1), evidence, ..seen(State::Accepted, first.appraisal.keys().to_vec()) };
    let again = remembering(&world, vec![own.clone()]);
    again.is(Ruling::HoldPassing, Reason::CheckNotRun);
    assert_eq!(*again.appraisal.standing(), Standing::Recorded(7));
    let other = Sighting { evidence: Sha256::of(b"another box"), ..own };
    remembering(&world, vec![other]).is(Ruling::Suspect, Reason::AttemptReused);
}

/// Attack classes 54 and 69: a return needs an authorisation; a clone does not become genuine by being called one.
#[test]
fn attack_54_a_return_without_authorisation_is_not_accepted() {
    let returned = World::new().with(|world| world.condition = Condition::Returned);
    returned.judge().is(Ruling::Suspect, Reason::ConditionDiffers);
    let listed = returned.with(|world| world.shipment.units[0].condition = Condition::Returned);
    listed.judge().is(Ruling::Unproven, Reason::IdentityReturnUnknown);
    let shipped = seen(State::Shipped, keys_of(&listed));
    remembering(&listed, vec![shipped]).is(Ruling::Suspect, Reason::IdentityShipped);
    // and a unit that comes back is not new
    let posing = listed.with(|world| world.condition = Condition::New);
    posing.judge().is(Ruling::Suspect, Reason::ConditionDiffers);
}

/// Attack class 63: one readout presented for many units.
#[test]
fn attack_63_a_readout_of_another_unit_is_found_where_it_can_be_and_refused_where_it_cannot() {
    let bound = World::bound().with(|world| {
        world.label = label(PART, OTHER);
        world.shipment.units[1].hardware_id = Some(Hardware::new(CHIP).unwrap());
    });
    bound.judge().is(Ruling::Suspect, Reason::IdentityFieldDiffers);
    // nothing in the image names the unit: the operator's word, which a policy may refuse
    let unbound = World::new().with(|world| world.label = label(PART, OTHER));
    let judged = unbound.judge();
    judged.accepted();
    assert_eq!(judged.appraisal.firmware(), Firmware::MeasuredUnbound);
    let strict = unbound.with(|world| world.policy.minimum.firmware = Firmware::Measured);
    strict.judge().is(Ruling::HoldPerson, Reason::BindingNotEstablished);
    // likewise where the release demands it
    let strict = World::new().with(|world| world.release.minimum.firmware = Firmware::Measured);
    strict.judge().is(Ruling::HoldPerson, Reason::BindingNotEstablished);
    // likewise where the field is one that the shipment gives no value for
    let nothing_to_compare = World::bound().with(|world| {
        world.policy.minimum.firmware = Firmware::Measured;
        world.release.components[0].identity_fields.remove(0);
        world.shipment.units[0].hardware_id = None;
    });
    nothing_to_compare.judge().is(Ruling::HoldPerson, Reason::BindingNotEstablished);
}

/// Attack class 63: without a field, the area that is the unit's own still tells.
#[test]
fn attack_63_one_unique_area_under_two_serials_contradicts() {
    let world = World::bound().with(|world| world.release.components[0].identity_fields.clear());
    let area = key(&world, KeyKind::UniqueArea);
    let judged = remembering(&world, vec![seen(State::Accepted, keys_of_other(&[area]))]);
    judged.is(Ruling::Suspect, Reason::UniqueAreaReused);
    // two genuine units of one release without such a place have the same readout: that is no key
    assert!(keys_of(&World::new()).iter().all(|key| key.kind != KeyKind::Readout));
}

/// Attack class 63: nor does it help to leave that area out of the readout.
#[test]
fn attack_63_a_readout_without_the_units_own_area_differs() {
    for (length, found) in [(0x850, "nothing at 0x1850"), (0x840, "nothing at 0x1840")] {
        let judged = World::bound().with(|world| world.image.truncate(length)).judge();
        judged.is(Ruling::Suspect, Reason::FirmwareDiffers);
        let finding = &judged.verdict.findings()[0];
        let told = (finding.place.as_str(), finding.expected.as_str(), finding.found.as_str());
        let place = "component application calibration 0x1840 to 0x1880";
        assert_eq!(told, (place, "contents at every address", found));
        assert_eq!(judged.appraisal.firmware(), Firmware::NotRead);
    }
    // an area that was never asked for is not there either
    let mut inputs = World::bound().inputs();
    let Measured::Done(measured) = &mut inputs.presentation.readouts[0].result else { panic!() };
    measured.ranges.retain(|range| range.span.start != 0x1840);
    let judged = judge(inputs);
    judged.is(Ruling::Suspect, Reason::FirmwareDiffers);
    assert_eq!(judged.verdict.findings()[0].found, "not measured");
}

#[test]
fn a_release_that_names_two_areas_alike_is_malformed() {
    let mut release = World::bound().release;
    let mut second = release.components[0].unique_areas[0].clone();
    (second.start, second.end) = (0x1880, 0x1890);
    release.components[0].unique_areas.push(second);
    let finding = release.fault(LIMITS).unwrap();
    let place = "predicate.components[0].unique_areas";
    assert_eq!((finding.reason, finding.place.as_str()), (Reason::JsonValue, place));
    release.components[0].unique_areas[1].name = name("keys");
    assert_eq!(release.fault(LIMITS), None);
}

#[test]
fn a_customers_number_on_the_label_counts_only_where_the_units_own_release_names_it() {
    let labelled = |number: &str| World::new().with(|world| world.label = label(number, SERIAL));
    labelled("CUSTOMER-1").judge().is(Ruling::Suspect, Reason::PartDiffers);
    let named = labelled("CUSTOMER-1").with(|world| world.release.aliases = vec![part("CUSTOMER-1")]);
    named.judge().accepted();
    assert_eq!(named.judge().appraisal.unit().part, Some(part(PART)));
    // a second release, of another name, that has the alias
    let world = labelled("CUSTOMER-1");
    let other = world.clone().with(|world| {
        world.release.release = name("R-2026.3");
        world.release.aliases = vec![part("CUSTOMER-1")];
    });
    let mut inputs = world.inputs();
    inputs.presentation.manifests.push(other.release_envelope());
    judge(inputs).is(Ruling::Suspect, Reason::PartDiffers);
}

/// Attack class 46: a release of the same name, for another part of the same maker, lends its aliases to nobody else.
#[test]
fn attack_46_an_alias_of_another_parts_release_is_no_name_of_this_unit() {
    let world = World::new().with(|world| world.label = label("CUSTOMER-1", SERIAL));
    let foreign = world.clone().with(|world| {
        world.release.parts = vec![part("OTHER-PART")];
        world.release.aliases = vec![part("CUSTOMER-1")];
    });
    for at in [0, 2] {
        let mut inputs = world.inputs();
        inputs.presentation.manifests.insert(at, foreign.release_envelope());
        judge(inputs).is(Ruling::Suspect, Reason::PartDiffers);
    }
}

/// Attack class 46: the label names two parts of one release; the unit is only one of them.
#[test]
fn attack_46_a_label_that_names_a_sibling_part_too_is_refused() {
    let both = |second: &str| {
        World::new().with(|world| {
            world.release.parts.push(part("3TN01414BB"));
            world.release.aliases = vec![part("CUSTOMER-1")];
            let text = format!("[)>\u{1e}06\u{1d}1P{second}\u{1d}PCUSTOMER-1\u{1d}S{SERIAL}\u{1e}\u{4}");
            world.label = text.into_bytes();
        })
    };
    both(PART).judge().accepted();
    both("3TN01414BB").judge().is(Ruling::Suspect, Reason::PartDiffers);
}

/// Attack class 46: a serial that stands twice, in one shipment or in two.
#[test]
fn attack_46_a_serial_listed_twice_is_nobodys() {
    let twice = World::new().with(|world| world.shipment.units.push(world.shipment.units[0].clone()));
    twice.judge().is(Ruling::Suspect, Reason::SerialListedTwice);
    let world = World::new();
    let other = world.clone().with(|world| {
        world.shipment.shipment = name("S-1002");
        world.shipment.units[0].release = name("R-2026.3");
    });
    for at in [0, 2] {
        let mut inputs = world.inputs();
        inputs.presentation.manifests.insert(at, other.shipment_envelope());
        judge(inputs).is(Ruling::Suspect, Reason::ManifestAmbiguous);
        let mut inputs = world.inputs();
        inputs.presentation.manifests.insert(at, world.shipment_envelope());
        judge(inputs).accepted();
    }
}

#[test]
fn a_label_without_part_numbers_is_of_the_one_entry_with_its_serial() {
    let bare = format!("[)>\u{1e}06\u{1d}S{SERIAL}\u{1e}\u{4}");
    let world = World::new().with(|world| world.label = bare.into_bytes());
    world.judge().accepted();
    let two = world.with(|world| {
        let entry = Unit { part: Part::new("OTHER-PART").unwrap(), ..world.shipment.units[0].clone() };
        world.shipment.units.push(entry);
    });
    two.judge().is(Ruling::Suspect, Reason::SerialListedTwice);
}

#[test]
fn housing_and_box_of_two_units_contradict() {
    let mut inputs = World::new().inputs();
    inputs.presentation.housing_label = Some(label(PART, OTHER));
    judge(inputs).is(Ruling::Suspect, Reason::LabelsDisagree);
    let mut inputs = World::new().inputs();
    inputs.presentation.housing_label = Some(label(PART, SERIAL));
    judge(inputs).accepted();
}

/// Attack class 50: what the memory is asked for is never less than what the verdict remembers, also where the part
/// number stands on the housing alone, or an entry is not believed.
#[test]
fn attack_50_the_memory_is_asked_for_every_key_of_the_verdict() {
    let asked_for_all = |inputs| {
        let judged = judge(inputs);
        let presented = &judged.dossier.inputs().presentation;
        let asked = judged.dossier.evidence().candidate_keys(&presented.readouts);
        assert!(judged.appraisal.keys().iter().any(|key| key.kind == KeyKind::Unit));
        assert!(judged.appraisal.keys().iter().all(|key| asked.contains(key)), "{:?}", judged.appraisal.keys());
        judged
    };
    let mut inputs = World::new().inputs();
    inputs.presentation.label = Some(format!("[)>\u{1e}06\u{1d}S{SERIAL}\u{1e}\u{4}").into_bytes());
    inputs.presentation.housing_label = Some(label(PART, SERIAL));
    let mut without_shipment = inputs.clone();
    drop(without_shipment.presentation.manifests.pop());
    asked_for_all(inputs).accepted();
    asked_for_all(without_shipment);
    let mut forged = World::new().inputs();
    forged.presentation.manifests[1] = World::new().shipment_envelope();
    asked_for_all(forged).is(Ruling::Suspect, Reason::CertificateSignatureInvalid);
}

#[test]
fn a_device_proof_is_never_ignored_and_never_invented() {
    let mut inputs = World::new().inputs();
    inputs.presentation.device_proof = Some(vec![1]);
    judge(inputs).is(Ruling::HoldPerson, Reason::DeviceProofUnsupported);
    let minimum = Minimum { identity: Identity::DeviceKey, firmware: Firmware::NotRead };
    let world = World::new().with(|world| world.policy.minimum = minimum);
    world.judge().is(Ruling::Unproven, Reason::DeviceProofMissing);
}
