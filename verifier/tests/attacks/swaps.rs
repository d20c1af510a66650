//! Mix and match: two genuine units of two parts, and every field of one in the place of the other's.

use crate::world::{Judged, PART, SERIAL, World, judge, label, name, part};
use ecugate_verifier::documents::manifest::shipment::Unit;
use ecugate_verifier::judgement::verdict::Ruling;
use ecugate_verifier::values::digest::Sha256;
use ecugate_verifier::values::ident::{Hardware, Serial};
use ecugate_verifier::values::reason::Reason;

const OTHER: &str = "ALCLB4923FA9";

/// Everything by which two units of two parts differ. `true`: as in the other unit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Swap {
    LabelSerial,
    LabelPart,
    EntryPart,
    EntrySerial,
    EntryHardware,
    EntryChip,
    EntryRelease,
    ReleaseName,
    ReleaseParts,
    ReleaseHardware,
    ReleaseDigests,
    ImageCode,
    ImageSerial,
    ImageChip,
}

/// Each with the reason that one unit with the other's value gives.
const SWAPS: [(Swap, Reason); 14] = [
    (Swap::LabelSerial, Reason::PartDiffers),
    (Swap::LabelPart, Reason::PartDiffers),
    (Swap::EntryPart, Reason::PartDiffers),
    (Swap::EntrySerial, Reason::PartDiffers),
    (Swap::EntryHardware, Reason::HardwareDiffers),
    (Swap::EntryChip, Reason::IdentityFieldDiffers),
    (Swap::EntryRelease, Reason::PartDiffers),
    (Swap::ReleaseName, Reason::PartDiffers),
    (Swap::ReleaseParts, Reason::PartDiffers),
    (Swap::ReleaseHardware, Reason::HardwareDiffers),
    (Swap::ReleaseDigests, Reason::FirmwareDiffers),
    (Swap::ImageCode, Reason::FirmwareDiffers),
    (Swap::ImageSerial, Reason::IdentityFieldDiffers),
    (Swap::ImageChip, Reason::IdentityFieldDiffers),
];

/// The dossier of unit `n` of two genuine units, with the named fields exchanged between both, everything signed anew
/// by the genuine signers: the strongest swap there is.
fn swapped(base: &World, n: usize, swaps: &[Swap]) -> Judged {
    // which unit's value stands where unit `unit` has its own
    let of = |unit: usize, swap: Swap| if swaps.contains(&swap) { 1 - unit } else { unit };
    let serials = [SERIAL, OTHER];
    let parts = [PART, "8TR00020CC"];
    let hardware = ["H10", "H22"];
    let chips: [[u8; 8]; 2] = [[1, 0x23, 0x45, 0x67, 0x89, 0xab, 0xcd, 0xef], [9, 8, 7, 6, 5, 4, 3, 2]];
    let hex = |chip: &[u8; 8]| chip.iter().map(|byte| format!("{byte:02X}")).collect::<String>();
    let releases = ["R-2026.2", "Q-7"];
    let code = |which: usize| -> Vec<u8> { base.image[..0x800].iter().map(|byte| byte ^ which as u8).collect() };
    let world = base.clone().with(|world| {
        world.label = label(parts[of(n, Swap::LabelPart)], serials[of(n, Swap::LabelSerial)]);
        world.image[..0x800].copy_from_slice(&code(of(n, Swap::ImageCode)));
        world.image[0x800..0x80c].copy_from_slice(serials[of(n, Swap::ImageSerial)].as_bytes());
        world.image[0x820..0x828].copy_from_slice(&chips[of(n, Swap::ImageChip)]);
        let entry = |unit: usize| Unit {
            part: part(parts[of(unit, Swap::EntryPart)]),
            serial: Serial::new(serials[of(unit, Swap::EntrySerial)]).unwrap(),
            hardware: Hardware::new(hardware[of(unit, Swap::EntryHardware)]).unwrap(),
            hardware_id: Some(Hardware::new(hex(&chips[of(unit, Swap::EntryChip)])).unwrap()),
            release: name(releases[of(unit, Swap::EntryRelease)]),
            ..base.shipment.units[0].clone()
        };
        world.shipment.units = vec![entry(0), entry(1)];
    });
    let release_of = |unit: usize| {
        let world = world.clone().with(|world| {
            world.release.release = name(releases[of(unit, Swap::ReleaseName)]);
            world.release.parts = vec![part(parts[of(unit, Swap::ReleaseParts)])];
            world.release.hardware = vec![Hardware::new(hardware[of(unit, Swap::ReleaseHardware)]).unwrap()];
            world.release.components[0].ranges[0].sha256 = Sha256::of(&code(of(unit, Swap::ReleaseDigests)));
        });
        world.release_envelope()
    };
    let mut presentation = world.presentation();
    presentation.manifests = vec![release_of(0), release_of(1), world.shipment_envelope()];
    presentation.readouts = world.readouts(&presentation);
    let mut inputs = world.inputs();
    inputs.presentation = presentation;
    judge(inputs)
}

/// Attack class 46: every field exchanged between two genuine units, alone.
#[test]
fn attack_46_no_single_field_of_another_genuine_unit_fits() {
    let base = World::bound();
    for n in [0, 1] {
        swapped(&base, n, &[]).accepted();
        for (swap, reason) in SWAPS {
            let judged = swapped(&base, n, &[swap]);
            let got = (judged.ruling(), judged.verdict.reason());
            assert_eq!(got, (Ruling::Suspect, Some(reason)), "{swap:?} of unit {n}");
        }
    }
}

/// Attack class 46: every pair of fields. What is accepted are the pairs that change nothing but what something is
/// called on both sides, or what a genuine unit holds on both sides.
#[test]
fn attack_46_no_pair_of_fields_of_another_genuine_unit_fits_unless_the_swap_changes_nothing() {
    let base = World::bound();
    let consistent = [
        [Swap::EntryHardware, Swap::ReleaseHardware],
        [Swap::EntryChip, Swap::ImageChip],
        [Swap::EntryRelease, Swap::ReleaseName],
        [Swap::ReleaseDigests, Swap::ImageCode],
    ];
    for (at, (first, _)) in SWAPS.into_iter().enumerate() {
        for (second, _) in SWAPS.into_iter().skip(at + 1) {
            let expected = if consistent.contains(&[first, second]) { Ruling::Accept } else { Ruling::Suspect };
            for n in [0, 1] {
                let judged = swapped(&base, n, &[first, second]);
                assert_eq!(judged.ruling(), expected, "{first:?}, {second:?} of unit {n}: {:#?}", judged.verdict);
            }
        }
    }
}

/// Attack class 46: what can be exchanged at the dock, without any signer, in every combination.
#[test]
fn attack_46_label_and_image_are_accepted_only_where_all_of_them_are_of_one_unit() {
    let base = World::bound();
    let at_the_dock = [Swap::LabelSerial, Swap::LabelPart, Swap::ImageCode, Swap::ImageSerial, Swap::ImageChip];
    for mask in 0..1_u32 << at_the_dock.len() {
        let swaps: Vec<_> = (0..at_the_dock.len()).filter(|n| mask & (1 << n) != 0).map(|n| at_the_dock[n]).collect();
        let whole = swaps.is_empty() || swaps.len() == at_the_dock.len();
        let expected = if whole { Ruling::Accept } else { Ruling::Suspect };
        assert_eq!(swapped(&base, 0, &swaps).ruling(), expected, "{swaps:?}");
    }
}
