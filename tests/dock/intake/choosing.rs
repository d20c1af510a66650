//! Boxes received by papers from the store: which are chosen, and what a forged or poisoned one can do.

use super::{document, files};
use crate::delivery::{Delivery, without};
use crate::faults::object;
use crate::pki::{List, Party, Spec};
use crate::world::{World, arcs, name, signed};
use ecugate_verifier::values::digest::Sha256;
use ecugate_verifier::values::ident::purpose;
use serde_json::{Value, json};
use std::fs;
use std::path::Path;
use std::time::SystemTime;

pub(super) fn found_by_label() {
    let delivery = Delivery::founded();
    delivery.drop_papers();
    let (status, said) = delivery.intake(&[]);
    assert_eq!((status, &said["outcome"], &said["entered"]), (0, &"accept".into(), &4.into()), "{said}");
    let shipment = document(&said, "shipment.json");
    assert_eq!(
        (&shipment["kind"], &shipment["name"], &shipment["supplier"]),
        (&"shipment".into(), &"S-1001".into(), &"acme".into())
    );
    assert_eq!(shipment["sha256"], Sha256::of(&fs::read(delivery.path("shipment.json")).unwrap()).to_string());
    // Many documents, one checkpoint.
    assert_eq!(delivery.ledger().head().unwrap().0, 6);
    assert!(files(&delivery.path("site/intake/in/acme")).is_empty());
    assert_eq!(files(&delivery.path("site/intake/taken/acme")).len(), 4);
    delivery.audited();

    for (serial, seq) in [("DEMO-0001", 6), ("DEMO-0002", 7)] {
        let (status, said) = delivery.receive_bare(serial);
        assert_eq!((status, &said["record"]["seq"]), (0, &seq.into()), "{said}");
        assert_eq!(said["papers"]["manifests"].as_array().unwrap().len(), 2);
        assert_eq!((&said["papers"]["crls"], &said["papers"]["left_out"]), (&2.into(), &json!([])));
    }
    // A serial that nobody lists.
    let (status, said) = delivery.receive_bare("DEMO-9999");
    assert_eq!((status, &said["reason"]), (11, &"shipment-absent".into()), "{said}");
    delivery.audited();
}

pub(super) fn papers_after() {
    let delivery = Delivery::founded();
    let (status, said) = delivery.receive_bare("DEMO-0003");
    assert_eq!((status, &said["reason"]), (11, &"manifest-absent".into()), "{said}");
    // From files that are named, in a folder and one by one; they stay.
    fs::create_dir(delivery.path("delivered")).unwrap();
    for paper in ["release.json", "root.crl"] {
        fs::copy(delivery.path(paper), delivery.path("delivered").join(paper)).unwrap();
    }
    let (status, said) = delivery.intake(&["--supplier", "acme", "delivered", "shipment.json", "issuing.crl"]);
    assert_eq!((status, &said["entered"]), (0, &4.into()), "{said}");
    assert!(delivery.path("shipment.json").exists() && delivery.path("delivered/root.crl").exists());
    let (status, said) = delivery.receive_bare("DEMO-0003");
    assert_eq!((status, &said["supersedes"]), (0, &json!([2])), "{said}");
}

/// Changes every record of the index.
fn poison(delivery: &Delivery, change: impl Fn(&mut [u8])) {
    for file in files(&delivery.path("site/intake/index")) {
        let path = delivery.path("site/intake/index").join(file);
        let mut bytes = fs::read(&path).unwrap();
        bytes[64..].chunks_mut(40).for_each(&change);
        fs::write(path, bytes).unwrap();
    }
}

pub(super) fn poisoned_index() {
    let delivery = Delivery::stocked();
    let index = delivery.path("site/intake/index");
    // A whole other file, an empty one, none, a pipe: made anew from the ledger.
    for (n, spoil) in [
        (|path: &Path| fs::write(path, b"ecugate intake 1").unwrap()) as fn(&Path),
        |path| fs::write(path, b"").unwrap(),
        |path| fs::remove_file(path).unwrap(),
        |path| {
            fs::remove_file(path).unwrap();
            assert!(std::process::Command::new("mkfifo").arg(path).status().unwrap().success());
        },
    ]
    .into_iter()
    .enumerate()
    {
        files(&index).iter().for_each(|file| spoil(&index.join(file)));
        let (status, said) = delivery.receive_bare(&format!("DEMO-000{}", n + 1));
        assert_eq!(status, 0, "{said}");
    }
    // Records that name nothing: unproven, and found again when the index is made anew.
    delivery.intake(&["--reindex"]);
    poison(&delivery, |record| record.fill(0));
    let (status, said) = delivery.receive_bare("DEMO-0005");
    assert_eq!((status, &said["reason"]), (11, &"manifest-absent".into()), "{said}");
    let (status, said) = delivery.intake(&["--reindex"]);
    assert_eq!((status, &said["outcome"]), (0, &"accept".into()), "{said}");
    // Records of a serial that is on no shipment, taken from one that is: the shipment is looked at, and does not
    // list it.
    let listed = delivery.path("site/intake/index");
    let serial_key = |serial: &str| {
        let digest = Sha256::of(&[b"u".as_slice(), serial.as_bytes()].concat());
        digest.as_bytes()[..10].to_vec()
    };
    let (from, to) = (serial_key("DEMO-0005"), serial_key("DEMO-6666"));
    let mut changed = 0;
    for file in files(&listed) {
        let path = listed.join(file);
        let mut bytes = fs::read(&path).unwrap();
        let mut records: Vec<Vec<u8>> = bytes[64..].chunks(40).map(<[u8]>::to_vec).collect();
        for record in &mut records {
            if record.starts_with(&from) {
                record[..10].copy_from_slice(&to);
                changed += 1;
            }
        }
        records.sort();
        bytes.truncate(64);
        bytes.extend(records.concat());
        fs::write(path, bytes).unwrap();
    }
    assert_eq!(changed, 1);
    let (status, said) = delivery.receive_bare("DEMO-6666");
    assert_eq!((status, &said["reason"]), (11, &"shipment-absent".into()), "{said}");
    delivery.intake(&["--reindex"]);
    assert_eq!(delivery.receive_bare("DEMO-0005").0, 0);
}

/// A shipment of the same units by a signer below a root that nobody listed.
fn forged_shipment(world: &World, id: &str, serials: &[&str]) -> Vec<u8> {
    let root = Party::root(Spec::ca("Maker Root"));
    let signer = root.issue(Spec::leaf("Shipment Signer").with(|spec| spec.purposes = vec![arcs(purpose::SHIPMENT)]));
    let mut shipment = world.shipment.clone();
    shipment.shipment = name(id);
    shipment.units = serials.iter().map(|serial| crate::world::unit(serial)).collect();
    signed(shipment, &[(&signer, &[&signer])])
}

pub(super) fn forged() {
    let delivery = Delivery::stocked();
    let serials = ["DEMO-0001", "DEMO-0002"];
    for n in 0..20 {
        delivery.drop_in("other", &format!("{n}.json"), &forged_shipment(&delivery.world, &format!("F-{n}"), &serials));
    }
    assert_eq!(delivery.intake(&[]).1["entered"], 20);
    let (status, said) = delivery.receive_bare("DEMO-0001");
    assert_eq!(status, 0, "{said}");
    let told = said["papers"]["left_out"].as_array().unwrap();
    assert!(
        told.iter().any(|text| text.as_str().unwrap().contains("does not count: certificate-signature-invalid")),
        "{said}"
    );
}

pub(super) fn forged_alone() {
    let delivery = Delivery::stocked();
    let (status, said) = {
        delivery.drop_in("other", "forged.json", &forged_shipment(&delivery.world, "F-1", &["CLONE-1"]));
        delivery.intake(&[])
    };
    // It is read well, so it is stored: its signature counts when a box is judged. But it is told.
    assert_eq!((status, &said["entered"]), (0, &1.into()), "{said}");
    assert_eq!(document(&said, "forged.json")["will_not_count"]["reason"], "certificate-signature-invalid", "{said}");
    let (status, said) = delivery.receive_bare("CLONE-1");
    assert_eq!((status, &said["reason"]), (10, &"certificate-signature-invalid".into()), "{said}");
    // And one that is for somebody else is told too; the genuine papers are not.
    let mut world = delivery.world.clone();
    world.shipment.consignee = name("another.example");
    world.shipment.shipment = name("S-2");
    delivery.drop_in("acme", "elsewhere.json", &world.shipment_envelope());
    delivery.drop_papers();
    let (_, said) = delivery.intake(&[]);
    assert_eq!(document(&said, "elsewhere.json")["will_not_count"]["reason"], "consignee-differs", "{said}");
    assert_eq!(document(&said, "shipment.json")["will_not_count"], Value::Null, "{said}");
    assert_eq!(document(&said, "release.json")["will_not_count"], Value::Null, "{said}");
}

pub(super) fn replaced() {
    let delivery = Delivery::founded();
    let mut world = delivery.world.clone();
    // Of yesterday, and replaced by today's.
    world.shipment.valid.until = world.shipment.issued.plus_seconds(60);
    delivery.drop_in("acme", "old.json", &world.shipment_envelope());
    delivery.drop_papers();
    let (_, said) = delivery.intake(&[]);
    assert_eq!(document(&said, "old.json")["will_not_count"]["reason"], "manifest-expired", "{said}");
    let (status, said) = delivery.receive_bare("DEMO-0001");
    assert_eq!(status, 0, "{said}");
    assert!(said["papers"]["left_out"][0].as_str().unwrap().ends_with("does not count: manifest-expired"), "{said}");
    // One that is issued anew under its name replaces the older one, whichever came in last.
    let mut world = delivery.world.clone();
    world.release.issued = world.release.issued.plus_seconds(60);
    world.release.valid.until = world.release.valid.until.plus_seconds(86_400);
    delivery.drop_in("acme", "release-2.json", &world.release_envelope());
    world.release.issued = world.release.issued.plus_seconds(-120);
    delivery.drop_in("acme", "release-0.json", &world.release_envelope());
    assert_eq!(delivery.intake(&[]).1["entered"], 2);
    let (status, said) = delivery.receive_bare("DEMO-0003");
    assert_eq!(status, 0, "{said}");
    let told = said["papers"]["left_out"].as_array().unwrap();
    assert_eq!(
        told.iter().filter(|text| text.as_str().unwrap().contains("was replaced by entry")).count(),
        2,
        "{said}"
    );
    // Two that count and disagree are both judged.
    let mut world = delivery.world.clone();
    world.shipment.shipment = name("S-1002");
    world.shipment.units[1].hardware = ecugate_verifier::values::ident::Hardware::new("H11").unwrap();
    delivery.drop_in("acme", "disagrees.json", &world.shipment_envelope());
    assert_eq!(delivery.intake(&[]).0, 0);
    let (status, said) = delivery.receive_bare("DEMO-0002");
    assert_eq!((status, &said["reason"]), (10, &"manifest-ambiguous".into()), "{said}");
}

pub(super) fn newest_crl() {
    let delivery = Delivery::stocked();
    let world = &delivery.world;
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap().as_secs();
    let list = |days: u64, revoked: Vec<u64>| List {
        this_update: now - days * 86_400 + 3_600,
        next_update: Some(now + 30 * 86_400),
        ..if revoked.is_empty() { List::default() } else { List::revoking(revoked[0]) }
    };
    // Older ones come after the revoking one: by the day they were made, not by the day they came.
    delivery.drop_in("acme", "0.crl", &world.issuing.crl(&list(1, vec![101])));
    for days in 2..12 {
        delivery.drop_in("acme", &format!("{days}.crl"), &world.issuing.crl(&list(days, Vec::new())));
    }
    assert_eq!(delivery.intake(&[]).0, 0);
    let (status, said) = delivery.receive_bare("DEMO-0001");
    assert_eq!((status, &said["reason"]), (10, &"signer-revoked".into()), "{said}");
    assert_eq!(said["papers"]["crls"], 7, "{said}");
}

pub(super) fn forged_crl() {
    let delivery = Delivery::stocked();
    let root = Party::root(Spec::ca("Maker Root"));
    let issuing = Party::root(Spec::ca("Maker Issuing CA"));
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap().as_secs();
    for n in 0..20 {
        let list = List { this_update: now - 100 + n, next_update: Some(now + 30 * 86_400), ..List::default() };
        delivery.drop_in("other", &format!("r{n}.crl"), &root.crl(&list));
        delivery.drop_in("other", &format!("i{n}.crl"), &issuing.crl(&list));
    }
    assert_eq!(delivery.intake(&[]).1["entered"], 40);
    let (status, said) = delivery.receive_bare("DEMO-0001");
    assert_eq!(status, 0, "{said}");
}

pub(super) fn stored_certificates() {
    let delivery = Delivery::founded();
    let world = &delivery.world;
    // Envelopes that carry the signer alone.
    let release = signed(world.release.clone(), &[(&world.release_signer, &[&world.release_signer])]);
    let shipment = signed(world.shipment.clone(), &[(&world.shipment_signer, &[&world.shipment_signer])]);
    delivery.drop_in("acme", "release.json", &release);
    delivery.drop_in("acme", "shipment.json", &shipment);
    for paper in ["root.crl", "issuing.crl"] {
        delivery.drop_in("acme", paper, &fs::read(delivery.path(paper)).unwrap());
    }
    let (_, said) = delivery.intake(&[]);
    assert_eq!(document(&said, "release.json")["will_not_count"]["reason"], "path-not-found", "{said}");
    let (status, said) = delivery.receive_bare("DEMO-0001");
    assert_eq!((status, &said["reason"]), (10, &"path-not-found".into()), "{said}");
    let both = format!("{}{}", world.issuing.pem(), world.root.pem());
    delivery.drop_in("acme", "cas.pem", both.as_bytes());
    assert_eq!(delivery.intake(&[]).0, 0);
    let (status, said) = delivery.receive_bare("DEMO-0002");
    assert_eq!((status, &said["papers"]["certificates"]), (0, &1.into()), "{said}");
}

pub(super) fn presented() {
    let delivery = Delivery::stocked();
    // A box with other papers in hand: the stored ones are not mixed in.
    let other = forged_shipment(&delivery.world, "F-1", &["DEMO-0001"]);
    delivery.write("forged.json", &other);
    let (status, said) = delivery.receive("DEMO-0001", |arguments| {
        let at = arguments.iter().position(|argument| argument == "shipment.json").unwrap();
        arguments[at] = "forged.json".to_owned();
    });
    assert_eq!((status, &said["reason"]), (10, &"certificate-signature-invalid".into()), "{said}");
    assert_eq!(said["papers"]["manifests"], json!([]));
    // Lists come from the store also where manifests are presented.
    let (status, said) = delivery.receive("DEMO-0002", |arguments| {
        without(arguments, "root.crl");
        without(arguments, "issuing.crl");
    });
    assert_eq!((status, &said["papers"]["crls"]), (0, &2.into()), "{said}");
    // What is presented and stored is presented once.
    let (status, said) = delivery.receive("DEMO-0003", |_| {});
    assert_eq!(status, 0, "{said}");
}

pub(super) fn no_unit() {
    let delivery = Delivery::stocked();
    let label: String =
        "[)>\u{1e}06\u{1d}SDEMO-0001\u{1d}SDEMO-0002\u{1e}\u{4}".bytes().map(|b| format!("{b:02x}")).collect();
    let said = delivery.run(&["receive", "--site", "site", "--json", "--image", "image.bin", "--label-hex", &label]);
    let said = (said.status, object(&said));
    assert_eq!((said.0, &said.1["reason"]), (21, &"label-two-serials".into()), "{}", said.1);
    assert_eq!(said.1["papers"]["manifests"], json!([]));
}
