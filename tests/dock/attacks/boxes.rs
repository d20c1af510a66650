//! Boxes that are alike in one thing: each pair, at the dock, and the first one flagged with the second.

use super::{present, sound, standing, swapped};
use crate::delivery::Delivery;
use crate::receive::trial;
use crate::world::{name, unit};
use ecugate_verifier::documents::manifest::release::UniqueArea;
use ecugate_verifier::documents::manifest::shipment::Unit;
use ecugate_verifier::inputs::custody::State;
use ecugate_verifier::values::digest::Sha256;
use ecugate_verifier::values::ident::Hardware;
use libtest_mimic::Trial;
use serde_json::json;

pub(super) fn trials() -> Vec<Trial> {
    vec![
        trial("attack_50_one_serial_with_another_device_key_is_suspect_and_flags_the_first", other_key),
        trial("attack_50_one_device_key_under_two_serials_is_suspect_and_flags_the_first", || {
            alike(|one| one.device_key = Some(Sha256::of(b"a key")));
        }),
        trial("attack_50_one_device_certificate_under_two_serials_is_suspect_and_flags_the_first", || {
            alike(|one| one.device_certificate = Some(Sha256::of(b"a certificate")));
        }),
        trial("attack_50_one_chip_id_under_two_serials_is_suspect_and_flags_the_first", || {
            alike(|one| one.hardware_id = Some(Hardware::new("0123456789ABCDEF").unwrap()));
        }),
        trial("attack_63_one_readout_with_an_area_of_its_own_for_two_serials_flags_both", one_area),
        trial("attack_63_one_whole_readout_for_two_serials_is_told_as_bound_to_no_box", one_readout),
    ]
}

/// The second box is suspect, and the first that was accepted is contested by it.
#[track_caller]
fn second_flags_first(delivery: &Delivery, [first, second]: [&str; 2], shipment: &str, because: &str) {
    let (status, _, said) = present(delivery, first, |_| {});
    assert_eq!((status, &said["record"]["seq"]), (0, &json!(2)), "{said}");
    let (status, reason, said) = present(delivery, second, |arguments| swapped(arguments, "shipment.json", shipment));
    assert_eq!((status, reason.as_str()), (10, because), "{said}");
    assert_eq!((&said["contests"], &said["record"]["seq"]), (&json!([2]), &json!(3)), "{said}");
    let expected: &[State] = if first == second { &[State::Contested, State::Suspect] } else { &[State::Contested] };
    assert_eq!(standing(delivery, first)[..expected.len()], *expected);
    assert_eq!(standing(delivery, second).last(), Some(&State::Suspect));
    assert_eq!(sound(delivery), 5, "genesis, memory, two verdicts, one contested");
    // Neither comes in afterwards.
    for serial in [first, second] {
        let (status, _, said) = present(delivery, serial, |_| {});
        assert_eq!(status, 10, "{serial}: {said}");
    }
}

fn other_key() {
    let mut delivery = Delivery::founded();
    let with_key = |key: &[u8]| Unit { device_key: Some(Sha256::of(key)), ..unit("DEMO-0001") };
    delivery.world.shipment.units = vec![with_key(b"one")];
    delivery.write("shipment.json", &delivery.world.shipment_envelope());
    delivery.world.shipment.units = vec![with_key(b"two")];
    delivery.world.shipment.shipment = name("S-1002");
    delivery.write("second.json", &delivery.world.shipment_envelope());
    second_flags_first(&delivery, ["DEMO-0001"; 2], "second.json", "identity-seen-before");
}

/// Two serials of one shipment that share one thing.
fn alike(shared: impl Fn(&mut Unit)) {
    let mut delivery = Delivery::founded();
    for one in &mut delivery.world.shipment.units[..2] {
        shared(one);
    }
    delivery.write("shipment.json", &delivery.world.shipment_envelope());
    second_flags_first(&delivery, ["DEMO-0001", "DEMO-0002"], "shipment.json", "identity-seen-before");
}

fn one_area() {
    let mut delivery = Delivery::founded();
    let component = &mut delivery.world.release.components[0];
    component.file = None;
    component.unique_areas = vec![UniqueArea { name: name("calibration"), start: 0x1840, end: 0x1880 }];
    delivery.write("release.json", &delivery.world.release_envelope());
    second_flags_first(&delivery, ["DEMO-0001", "DEMO-0002"], "shipment.json", "unique-area-reused");
}

/// Where nothing in a readout is the unit's own, it can be of any box. The answer says so, and a policy may refuse it.
fn one_readout() {
    let delivery = Delivery::founded();
    for (n, serial) in ["DEMO-0001", "DEMO-0002"].into_iter().enumerate() {
        let (status, _, said) = present(&delivery, serial, |_| {});
        assert_eq!((status, &said["record"]["seq"]), (0, &json!(2 + n)), "{said}");
        assert_eq!(said["assurance"]["firmware"], "measured-unbound", "{said}");
    }
    delivery.write("policy.toml", br#"minimum = { identity = "listed", firmware = "measured" }"#);
    for words in [
        "policy sign policy.toml --officer officer-1 --reason bound --out policy2",
        "policy sign policy2 --officer officer-2",
        "policy publish policy2",
    ] {
        let words: Vec<&str> = words.split_whitespace().chain(["--json", "--site", "site"]).collect();
        let said = delivery.run(&words);
        assert_eq!(said.status, 0, "{said:?}");
    }
    let (status, reason, said) = present(&delivery, "DEMO-0003", |_| {});
    assert_eq!((status, reason.as_str()), (21, "binding-not-established"), "{said}");
}
