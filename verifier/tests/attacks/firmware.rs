//! Components and forms: what must be read, and what it must hold.

use crate::world::{World, judge, name, part, time};
use ecugate_verifier::documents::manifest::release::{Component, FileDigest, Range, Track};
use ecugate_verifier::documents::receipt::Ruling;
use ecugate_verifier::syntax::image::Form;
use ecugate_verifier::values::digest::Sha256;
use ecugate_verifier::values::reason::Reason;

/// A release of two components; the images of both.
fn two_components() -> World {
    World::new().with(|world| {
        let boot: Vec<u8> = world.image.iter().rev().copied().collect();
        let file = FileDigest { sha256: Sha256::of(&boot), length: boot.len() as u64 };
        let component = Component {
            name: name("boot"),
            file: Some(file),
            ranges: Vec::new(),
            ..world.release.components[0].clone()
        };
        world.release.components.push(component);
        world.images = vec![(name("application"), world.image.clone()), (name("boot"), boot)];
    })
}

#[test]
fn every_component_of_a_release_must_be_read() {
    two_components().judge().accepted();
    for missing in [0, 1] {
        let world = two_components().with(|world| drop(world.images.remove(missing)));
        world.judge().is(Ruling::HoldPerson, Reason::ComponentNotRead);
    }
}

#[test]
fn an_image_of_a_component_that_the_release_does_not_name_is_not_taken() {
    let world = two_components().with(|world| world.images[1].0 = name("bootloader"));
    world.judge().is(Ruling::HoldPerson, Reason::ComponentUnknown);
    let extra = two_components().with(|world| world.images.push((name("radio"), vec![1])));
    extra.judge().is(Ruling::HoldPerson, Reason::ComponentUnknown);
    // without a name it is of the one component, where there is one
    let unnamed = two_components().with(|world| world.images.clear());
    unnamed.judge().is(Ruling::HoldPerson, Reason::ComponentUnknown);
}

/// Attack class 46: the image of one component for another.
#[test]
fn attack_46_two_components_with_their_images_exchanged_differ() {
    let world = two_components().with(|world| {
        let (first, second) = world.images.split_at_mut(1);
        std::mem::swap(&mut first[0].1, &mut second[0].1);
    });
    world.judge().is(Ruling::Suspect, Reason::FirmwareDiffers);
}

#[test]
fn a_second_readout_of_a_component_must_be_equal_too() {
    let world = two_components().with(|world| world.images.push(world.images[0].clone()));
    world.judge().accepted();
    let world = world.with(|world| world.images[2].1[0] ^= 1);
    world.judge().is(Ruling::Suspect, Reason::FirmwareDiffers);
}

#[test]
fn two_releases_that_give_a_component_different_forms_are_ambiguous() {
    let world = World::new();
    for change in [
        |one: &mut Component| (one.form, one.base) = (Form::IntelHex, None),
        |one: &mut Component| {
            one.base = Some(0x2000);
        },
    ] {
        let other = world.clone().with(|world| {
            world.release.release = name("R-2026.3");
            change(&mut world.release.components[0]);
        });
        let mut presentation = world.presentation();
        presentation.manifests.push(other.release_envelope());
        presentation.readouts = world.readouts(&presentation);
        let mut inputs = world.inputs();
        inputs.presentation = presentation;
        judge(inputs).is(Ruling::Suspect, Reason::ManifestAmbiguous);
    }
}

#[test]
fn two_releases_of_one_name_that_differ_are_ambiguous() {
    let world = World::new();
    let other = world.clone().with(|world| world.release.components[0].security_version = 8);
    for at in [0, 2] {
        let mut inputs = world.inputs();
        inputs.presentation.manifests.insert(at, other.release_envelope());
        judge(inputs).is(Ruling::Suspect, Reason::ManifestAmbiguous);
    }
}

#[test]
fn the_release_of_the_shipment_entry_is_the_one_that_counts() {
    let world = World::new().with(|world| world.shipment.units[0].release = name("R-2026.1"));
    world.judge().is(Ruling::Suspect, Reason::ReleaseDiffers);
    let world = World::new().with(|world| world.release.parts = vec![part("3TN01414BB")]);
    world.judge().is(Ruling::Suspect, Reason::PartDiffers);
    let world = World::new().with(|world| world.release.track = Track::Development);
    world.judge().is(Ruling::Suspect, Reason::DevelopmentImage);
    let hardware = ecugate_verifier::values::ident::Hardware::new("H11").unwrap();
    let world = World::new().with(|world| world.shipment.units[0].hardware = hardware);
    world.judge().is(Ruling::Suspect, Reason::HardwareDiffers);
}

#[test]
fn an_image_that_is_not_of_the_named_form_is_not_taken_as_raw() {
    let world = World::new().with(|world| {
        let component = &mut world.release.components[0];
        (component.form, component.base) = (Form::IntelHex, None);
    });
    let judged = world.judge();
    assert_eq!(judged.ruling(), Ruling::HoldPerson);
    assert!(judged.reasons().iter().all(|reason| reason.code().starts_with("image-")), "{:?}", judged.reasons());
}

#[test]
fn the_same_memory_in_each_form_of_file_is_the_same_firmware() {
    for (form, write) in
        [(Form::IntelHex, intel_hex as fn(u32, &[u8]) -> Vec<u8>), (Form::SRecord, s_record), (Form::Elf, elf)]
    {
        let world = World::new().with(|world| {
            let component = &mut world.release.components[0];
            (component.form, component.base, component.file) = (form, None, None);
            world.image = write(0x1000, &world.image);
        });
        world.judge().accepted();
        let other = World::new().with(|world| {
            world.image[7] ^= 1;
            world.image = write(0x1000, &world.image);
            let component = &mut world.release.components[0];
            (component.form, component.base, component.file) = (form, None, None);
        });
        other.judge().is(Ruling::Suspect, Reason::FirmwareDiffers);
        let moved = World::new().with(|world| {
            world.image = write(0x1010, &world.image);
            let component = &mut world.release.components[0];
            (component.form, component.base, component.file) = (form, None, None);
        });
        moved.judge().is(Ruling::Suspect, Reason::FirmwareDiffers);
    }
}

/// Attack class 47: naming ranges gives no trust, and costs no more than the cap.
#[test]
fn attack_47_more_ranges_than_are_measured_at_once_are_refused() {
    let ranges = |count: u64| {
        World::new().with(|world| {
            let image = world.image.clone();
            let ranges = (0..count).map(|n| Range {
                name: name(&format!("r{n}")),
                start: 0x1000 + n,
                end: 0x1001 + n,
                fill: None,
                sha256: Sha256::of(&image[n as usize..=n as usize]),
            });
            world.release.components[0].ranges = ranges.collect();
        })
    };
    ranges(1_024).judge().accepted();
    ranges(1_025).judge().is(Ruling::HoldPerson, Reason::ImageRangeLimit);
}

/// Attack class 49: what was measured is what is compared; a digest that was not asked for is not equal.
#[test]
fn attack_49_a_measurement_without_the_range_that_the_release_names_differs() {
    let world = World::new();
    let mut inputs = world.inputs();
    let wider = world.clone().with(|world| {
        let image = world.image.clone();
        let range = &mut world.release.components[0].ranges[0];
        (range.end, range.sha256) = (0x1900, Sha256::of(&image[..0x900]));
        world.release.issued = time(crate::pki::AT - crate::pki::DAY);
    });
    inputs.presentation.manifests[0] = wider.release_envelope();
    let judged = judge(inputs);
    judged.is(Ruling::Suspect, Reason::FirmwareDiffers);
    assert_eq!(judged.verdict.findings()[0].found, "not measured");
}

fn intel_hex(base: u32, contents: &[u8]) -> Vec<u8> {
    let record = |kind: u8, offset: u16, contents: &[u8]| {
        let mut bytes = vec![contents.len() as u8];
        bytes.extend(offset.to_be_bytes());
        bytes.push(kind);
        bytes.extend(contents);
        bytes.push(bytes.iter().fold(0_u8, |sum, byte| sum.wrapping_add(*byte)).wrapping_neg());
        format!(":{}\n", hex(&bytes))
    };
    let records = contents.chunks(16).zip((base..).step_by(16)).map(|(chunk, at)| record(0, at as u16, chunk));
    (records.collect::<String>() + &record(1, 0, &[])).into_bytes()
}

fn s_record(base: u32, contents: &[u8]) -> Vec<u8> {
    let record = |kind: char, address: u32, contents: &[u8]| {
        let mut bytes = vec![contents.len() as u8 + 5];
        bytes.extend(address.to_be_bytes());
        bytes.extend(contents);
        bytes.push(!bytes.iter().fold(0_u8, |sum, byte| sum.wrapping_add(*byte)));
        format!("S{kind}{}\n", hex(&bytes))
    };
    let records = contents.chunks(16).zip((base..).step_by(16)).map(|(chunk, at)| record('3', at, chunk));
    (records.collect::<String>() + &record('7', 0, &[])).into_bytes()
}

/// ELF, 32 bits, little endian, one loadable segment.
fn elf(base: u32, contents: &[u8]) -> Vec<u8> {
    let mut file = b"\x7fELF\x01\x01\x01".to_vec();
    file.resize(16, 0);
    for half in [2_u16, 40] {
        file.extend(half.to_le_bytes()); // e_type, e_machine
    }
    for word in [1_u32, 0, 52, 0, 0] {
        file.extend(word.to_le_bytes()); // e_version, e_entry, e_phoff, e_shoff, e_flags
    }
    for half in [52_u16, 32, 1, 0, 0, 0] {
        file.extend(half.to_le_bytes());
    }
    let size = contents.len() as u32;
    for word in [1_u32, 84, base, base, size, size, 5, 1] {
        file.extend(word.to_le_bytes());
    }
    file.extend(contents);
    file
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02X}")).collect()
}
