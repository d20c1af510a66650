//! Papers, lists and what signs them: delegates, old data, checks left out or waived, records played as papers.

use super::{accepted, left_out, present, refused, sound, standing, swapped};
use crate::delivery::{Delivery, SERIALS};
use crate::faults::object;
use crate::gate::{self, gate, now};
use crate::pki::{DAY, List, Party, Spec};
use crate::receive::trial;
use crate::world::{arcs, signed, time, unit};
use ecugate_verifier::inputs::custody::State;
use ecugate_verifier::values::ident::purpose;
use libtest_mimic::Trial;
use serde_json::{Value, json};
use std::time::{SystemTime, UNIX_EPOCH};

pub(super) fn trials() -> Vec<Trial> {
    vec![
        trial("attack_21_a_dock_without_list_or_with_an_emptied_one_accepts_nothing", no_list),
        trial("attack_33_the_only_trust_token_is_not_taken_for_the_one_of_the_configuration", another_token),
        trial("attack_42_a_delegate_outside_its_dates_or_revoked_signs_nothing_at_the_dock", delegates),
        trial("attack_45_crls_beyond_their_age_or_end_are_a_hold_at_the_dock", old_crls),
        trial("attack_45_a_policy_or_list_past_its_end_takes_no_box", past_its_end),
        trial("attack_48_no_receipt_of_the_ledger_is_a_manifest", receipt_as_manifest),
        trial("attack_56_a_waiver_is_named_in_the_answer_and_in_the_receipt_of_each_box", waiver),
        trial("attack_57_of_all_files_that_can_be_left_out_only_the_whole_set_is_status_0", every_subset),
    ]
}

fn seconds() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs()
}

fn no_list() {
    let delivery = Delivery::founded();
    let path = delivery.path("site/anchor-list.json");
    let whole = std::fs::read(&path).unwrap();
    for bytes in [&b""[..], b"{}", b"[]", &whole[..whole.len() - 1]] {
        std::fs::write(&path, bytes).unwrap();
        refused(&delivery, SERIALS[0], 21, "anchor-list-malformed");
    }
    // No hold is a sighting that stands in the way of the true one.
    std::fs::write(&path, whole).unwrap();
    accepted(&delivery, SERIALS[0], 6);
    assert_eq!(standing(&delivery, SERIALS[0])[..4], [State::Held; 4]);
}

fn another_token() {
    let delivery = Delivery::founded();
    let path = delivery.path("site/site.toml");
    let text = std::fs::read_to_string(&path).unwrap();
    let trust = text.split("[trust_token]").nth(1).unwrap();
    let serial = trust.lines().find(|line| line.starts_with("serial")).unwrap();
    std::fs::write(&path, text.replacen(serial, "serial = \"0123456789abcdef\"", 1)).unwrap();
    refused(&delivery, SERIALS[0], 21, "token-wrong-serial");
    std::fs::write(&path, &text).unwrap();
    accepted(&delivery, SERIALS[0], 3);
}

/// One thing about the signers that is not as it should be.
type Change = fn(&mut Delivery);

fn signer(issuing: &Party, oid: &str, change: impl FnOnce(&mut Spec)) -> Party {
    issuing.issue(Spec::leaf("Another Signer").with(|spec| {
        spec.serial = 110;
        spec.purposes = vec![arcs(oid)];
        (spec.not_before, spec.not_after) = (seconds() - 10 * DAY, seconds() + 300 * DAY);
        change(spec);
    }))
}

fn with_issuing(delivery: &mut Delivery, change: impl FnOnce(&mut Spec)) {
    let world = &mut delivery.world;
    world.issuing = world.root.issue(Spec::ca("Maker Issuing CA").with(|spec| {
        spec.serial = 3;
        change(spec);
    }));
    world.release_signer = signer(&world.issuing, purpose::RELEASE, |_| {});
    world.shipment_signer = signer(&world.issuing, purpose::SHIPMENT, |spec| spec.serial = 111);
    let issuing = world.issuing.crl(&list(|_| {}));
    delivery.write("issuing.crl", &issuing);
}

fn list(change: impl FnOnce(&mut List)) -> List {
    let mut list = List { this_update: seconds() - DAY, next_update: Some(seconds() + 30 * DAY), ..List::default() };
    change(&mut list);
    list
}

fn delegates() {
    let cases: &[(&str, Change, i32, &str)] = &[
        (
            "a release signer whose certificate has ended",
            |one| {
                let spec = |spec: &mut Spec| spec.not_after = seconds() - DAY;
                one.world.release_signer = signer(&one.world.issuing, purpose::RELEASE, spec);
            },
            21,
            "certificate-expired",
        ),
        (
            "a shipment signer whose certificate has not begun",
            |one| {
                let spec = |spec: &mut Spec| spec.not_before = seconds() + DAY;
                one.world.shipment_signer = signer(&one.world.issuing, purpose::SHIPMENT, spec);
            },
            21,
            "certificate-not-yet-valid",
        ),
        (
            "an issuing CA that has ended, above signers that have not",
            |one| with_issuing(one, |spec| spec.not_after = seconds() - DAY),
            21,
            "certificate-expired",
        ),
        (
            "an issuing CA that has not begun",
            |one| with_issuing(one, |spec| spec.not_before = seconds() + DAY),
            21,
            "certificate-not-yet-valid",
        ),
        (
            "a release whose own dates are over",
            |one| one.world.release.valid.until = time(seconds() - DAY),
            21,
            "manifest-expired",
        ),
        (
            "a shipment whose own dates have not begun",
            |one| one.world.shipment.valid.from = time(seconds() + DAY),
            21,
            "manifest-not-yet-valid",
        ),
        (
            "an issuing CA that the root revoked",
            |one| {
                let crl = one.world.root.crl(&list(|list| list.revoked = vec![2]));
                one.write("root.crl", &crl);
            },
            10,
            "issuer-revoked",
        ),
        (
            "a release signer that the issuing CA revoked",
            |one| {
                let crl = one.world.issuing.crl(&list(|list| list.revoked = vec![100]));
                one.write("issuing.crl", &crl);
            },
            10,
            "signer-revoked",
        ),
        (
            "a shipment signer that the issuing CA revoked",
            |one| {
                let crl = one.world.issuing.crl(&list(|list| list.revoked = vec![101]));
                one.write("issuing.crl", &crl);
            },
            10,
            "signer-revoked",
        ),
        (
            "a signer of releases who signs the shipment",
            |one| one.world.shipment_signer = one.world.release_signer.clone(),
            10,
            "purpose-missing",
        ),
        (
            "a signer of shipments who signs the release",
            |one| one.world.release_signer = one.world.shipment_signer.clone(),
            10,
            "purpose-missing",
        ),
    ];
    let (mut came, mut expected) = (Vec::new(), Vec::new());
    for (what, change, status, reason) in cases {
        let mut delivery = Delivery::founded();
        change(&mut delivery);
        delivery.write("release.json", &delivery.world.release_envelope());
        delivery.write("shipment.json", &delivery.world.shipment_envelope());
        let (found, because, said) = present(&delivery, SERIALS[0], |_| {});
        assert_eq!(said["record"]["seq"], 2, "{what}: {said}");
        came.push((*what, found, because));
        expected.push((*what, *status, (*reason).to_owned()));
        assert_eq!(sound(&delivery), 3);
    }
    assert_eq!(came, expected);
}

fn old_crls() {
    let delivery = Delivery::founded();
    let cases: [(&str, List, &str); 4] = [
        (
            "older than the list allows, and not at its end",
            list(|one| one.this_update = seconds() - 40 * DAY),
            "crl-too-old",
        ),
        ("past its end", list(|one| one.next_update = Some(seconds() - 60)), "crl-stale"),
        ("of a time to come", list(|one| one.this_update = seconds() + DAY), "crl-not-yet-valid"),
        ("without an end", list(|one| one.next_update = None), "crl-unusable"),
    ];
    let (root, issuing) = (delivery.world.crls[0].clone(), delivery.world.crls[1].clone());
    let (mut came, mut expected) = (Vec::new(), Vec::new());
    for (what, old, reason) in cases {
        for file in ["root.crl", "issuing.crl"] {
            delivery.write("root.crl", &root);
            delivery.write("issuing.crl", &issuing);
            let party = if file == "root.crl" { &delivery.world.root } else { &delivery.world.issuing };
            delivery.write(file, &party.crl(&old));
            let (status, because, said) = present(&delivery, SERIALS[0], |_| {});
            assert_ne!(status, 0, "{file} {what}: {said}");
            came.push((file, what, status, because));
            expected.push((file, what, 21, reason.to_owned()));
        }
    }
    delivery.write("root.crl", &root);
    delivery.write("issuing.crl", &issuing);
    assert_eq!(came, expected);
    let entries = came.len() as u64;
    accepted(&delivery, SERIALS[0], 2 + entries);
    assert_eq!(sound(&delivery), 3 + entries);
}

/// In force when it was published, and over three hours later. The library alone takes another clock.
fn past_its_end() {
    for (words, reason) in [
        (
            "policy sign policy.toml --officer officer-1 --reason short --out next;policy sign next --officer officer-2;policy publish next",
            "policy-expired",
        ),
        (
            "anchors propose --renew --expires END --reason short --out next;anchors sign next --officer officer-1;anchors sign next --officer officer-2;anchors publish next",
            "anchor-list-expired",
        ),
    ] {
        let delivery = Delivery::founded();
        let end = now().plus_seconds(3 * 3_600);
        let text = format!("expires = {end}\nminimum = {{ identity = \"listed\", firmware = \"measured-unbound\" }}");
        delivery.write("policy.toml", text.as_bytes());
        for call in words.replace("END", &end.to_string()).split(';') {
            let call: Vec<&str> = call.split_whitespace().chain(["--json", "--site", "site"]).collect();
            let said = delivery.run(&call);
            assert_eq!(said.status, 0, "{said:?}");
        }
        let site = delivery.path("site");
        let came = |seconds, serial, attempt| {
            let outcome =
                gate::present(&gate(&site, Some(end.plus_seconds(seconds))), &delivery.world, serial, attempt);
            let outcome = outcome.unwrap();
            let reason = outcome.findings().first().map(|finding| finding.reason.code());
            (outcome.exit_status(), reason)
        };
        assert_eq!(came(-1, SERIALS[0], 1), (0, None));
        assert_eq!(came(1, SERIALS[1], 2), (21, Some(reason)));
        assert_eq!(standing(&delivery, SERIALS[1]), [State::Held]);
        sound(&delivery);
    }
}

/// The station's own signed receipt, and its other entries, in place of the maker's papers.
fn receipt_as_manifest() {
    let delivery = Delivery::founded();
    accepted(&delivery, SERIALS[0], 2);
    let ledger = delivery.ledger();
    for (n, entry) in [2_u64, 0, 1].into_iter().enumerate() {
        let envelope = ledger.entry(entry).unwrap().unwrap().envelope.unwrap();
        delivery.write("played.json", &envelope);
        for (place, serial) in [("release.json", SERIALS[1]), ("shipment.json", SERIALS[2])] {
            let (status, reason, said) =
                present(&delivery, serial, |arguments| swapped(arguments, place, "played.json"));
            assert_eq!((status, reason.as_str()), (11, "manifest-malformed"), "entry {entry} as {place}: {said}");
        }
        assert_eq!(sound(&delivery), 3 + 2 * (n as u64 + 1));
    }
    accepted(&delivery, SERIALS[1], 9);
}

fn waiver() {
    let delivery = Delivery::founded();
    let text = r#"
minimum = { identity = "listed", firmware = "measured-unbound" }
[[waivers]]
check = "revocation"
why = "the server moves"
until = 2099-01-01T00:00:00Z
"#;
    delivery.write("policy.toml", text.as_bytes());
    for words in [
        "policy sign policy.toml --officer officer-1 --reason moves --out policy2",
        "policy sign policy2 --officer officer-2",
        "policy publish policy2",
    ] {
        let words: Vec<&str> = words.split_whitespace().chain(["--json", "--site", "site"]).collect();
        let said = delivery.run(&words);
        assert_eq!(said.status, 0, "{said:?}");
    }
    let size = sound(&delivery);
    let without_lists = |arguments: &mut Vec<String>| left_out(arguments, &["root.crl", "issuing.crl"]);
    let (status, reason, said) = present(&delivery, SERIALS[0], without_lists);
    assert_eq!((status, reason.as_str(), &said["waived"][0]["check"]), (0, "", &json!("revocation")), "{said}");
    let show = format!("ledger show --site site --entry {size} --json");
    let shown: Value = object(&delivery.run(&show.split(' ').collect::<Vec<_>>()));
    assert_eq!(shown["entries"][0]["predicate"]["waived"], said["waived"], "{shown}");
    let mut arguments = delivery.box_with(SERIALS[1]);
    arguments.retain(|argument| argument != "--json");
    without_lists(&mut arguments);
    let line = delivery.run(&arguments.iter().map(String::as_str).collect::<Vec<_>>());
    assert!(line.status == 0 && line.out.contains(" | WAIVED revocation: crl-missing | "), "{line:?}");
    // Nothing was waived where the lists are there, and what they revoke stays refused.
    let (status, reason, said) = present(&delivery, SERIALS[2], |_| {});
    assert_eq!((status, reason.as_str(), &said["waived"]), (0, "", &json!([])), "{said}");
    let revoking = delivery.world.issuing.crl(&list(|list| list.revoked = vec![101]));
    delivery.write("issuing.crl", &revoking);
    refused(&delivery, SERIALS[3], 10, "signer-revoked");
}

/// Every set of the files that a box can be presented with, each for a box of its own.
fn every_subset() {
    const FILES: [&str; 6] = ["release.json", "shipment.json", "root.crl", "issuing.crl", "image.bin", "bag.pem"];
    let [release, shipment, root_crl, issuing_crl, _, bag] = [0, 1, 2, 3, 4, 5];
    let mut delivery = Delivery::founded();
    let sets = 1_usize << FILES.len();
    let serials: Vec<String> = (0..sets).map(|n| format!("SET-{n:02}")).collect();
    delivery.world.shipment.units = serials.iter().map(|serial| unit(serial)).collect();
    // The envelopes bring no issuer along: it comes in the bag alone.
    let world = &delivery.world;
    delivery
        .write("release.json", &signed(world.release.clone(), &[(&world.release_signer, &[&world.release_signer])]));
    delivery.write(
        "shipment.json",
        &signed(world.shipment.clone(), &[(&world.shipment_signer, &[&world.shipment_signer])]),
    );
    delivery.write("bag.pem", world.issuing.pem().as_bytes());
    let whole = sets - 1;
    for (set, serial) in serials.iter().enumerate() {
        let absent = |n: usize| set & (1 << n) == 0;
        let (status, reason, said) = present(&delivery, serial, |arguments| {
            arguments.splice(1..1, ["--untrusted".to_owned(), "bag.pem".to_owned()]);
            for (n, file) in FILES.iter().enumerate() {
                if absent(n) {
                    left_out(arguments, &[file]);
                }
            }
        });
        let expected = match set {
            _ if set == whole => (0, ""),
            _ if absent(release) && absent(shipment) => (11, "manifest-absent"),
            _ if absent(bag) => (10, "path-not-found"),
            _ if absent(release) => (11, "release-absent"),
            _ if absent(shipment) => (11, "shipment-absent"),
            _ if absent(root_crl) || absent(issuing_crl) => (21, "crl-missing"),
            _ => (21, "firmware-not-read"),
        };
        assert_eq!((status, reason.as_str()), expected, "{set:06b}: {said}");
    }
    assert_eq!(sound(&delivery), 2 + sets as u64);
    for (set, serial) in serials.iter().enumerate() {
        assert_eq!(standing(&delivery, serial) == [State::Accepted], set == whole, "{set:06b}");
    }
}
