//! Files taken in, refused, set aside, or left where they are.

use super::{document, files};
use crate::delivery::{Delivery, Said, copy_folder};
use crate::faults::object;
use crate::pki::{Party, Spec};
use ecugate_verifier::values::digest::Sha256;
use serde_json::Value;
use std::fs;
use std::path::PathBuf;
use std::time::{Duration, SystemTime};

pub(super) fn twice() {
    let delivery = Delivery::stocked();
    let size = delivery.ledger().head().unwrap().0;
    delivery.drop_papers();
    delivery.drop_in("other", "renamed.json", &fs::read(delivery.path("shipment.json")).unwrap());
    let (status, said) = delivery.intake(&[]);
    assert_eq!((status, &said["entered"], &said["known"]), (0, &0.into(), &5.into()), "{said}");
    let (status, said) = delivery.intake(&["shipment.json", "shipment.json"]);
    assert_eq!((status, &said["known"]), (0, &2.into()), "{said}");
    assert_eq!((delivery.ledger().head().unwrap().0, delivery.documents()), (size, 4));
    // A document that only a box brought was not seen by intake, and is entered.
    let delivery = Delivery::founded();
    assert_eq!(delivery.receive("DEMO-0001", |_| {}).0, 0);
    let (_, said) = delivery.intake(&["shipment.json"]);
    assert_eq!(said["entered"], 1, "{said}");
    delivery.audited();
}

pub(super) fn set_aside() {
    let delivery = Delivery::founded();
    let world = &delivery.world;
    let envelope = String::from_utf8(world.shipment_envelope()).unwrap();
    let policy = fs::read(delivery.path("site/policy.json")).unwrap();
    let root = world.root.pem();
    let mixed = format!("{root}-----BEGIN X509 CRL-----\nAA==\n-----END X509 CRL-----\n");
    let bom = format!("\u{feff}{envelope}");
    let cases: [(&str, &[u8], &str, &str); 12] = [
        ("empty", b"", "input-empty", "an empty file"),
        ("text.csv", b"serial;part\n", "document-unknown", "a file of another kind"),
        ("half.json", &envelope.as_bytes()[..200], "json-syntax", ""),
        ("bom.json", bom.as_bytes(), "json-byte-order-mark", ""),
        ("array.json", b"[]", "json-wrong-type", ""),
        ("policy.json", &policy, "predicate-type-wrong", "urn:ecugate:policy:v1"),
        ("mixed.pem", mixed.as_bytes(), "certificate-malformed", "X509 CRL"),
        ("cut.der", &world.root.der[..100], "document-unknown", ""),
        ("more.der", &[world.root.der.as_slice(), b"x"].concat(), "certificate-malformed", "1 more bytes"),
        ("more.crl", &[world.crls[0].as_slice(), b"xy"].concat(), "crl-malformed", "2 more bytes"),
        ("image.bin", &world.image, "document-unknown", ""),
        ("twice.json", &[envelope.as_bytes(), b"{}"].concat(), "json-trailing-data", ""),
    ];
    for (file, bytes, reason, found) in cases {
        delivery.drop_in("acme", file, bytes);
        let (status, said) = delivery.intake(&[]);
        assert_eq!(
            (status, &said["outcome"], &said["reason"]),
            (10, &"reject".into(), &reason.into()),
            "{file}: {said}"
        );
        let one = document(&said, file);
        assert_eq!((&one["outcome"], &one["finding"]["reason"]), (&"refused".into(), &reason.into()));
        let aside = PathBuf::from(one["moved"].as_str().unwrap());
        assert_eq!(fs::read(&aside).unwrap(), bytes, "{file}");
        let day = said["documents"][0]["moved"].as_str().unwrap();
        assert!(day.contains(&format!("{}-{file}", &Sha256::of(bytes).to_string()[..8])), "{day}");
        let beside: Value =
            serde_json::from_slice(&fs::read(format!("{}.reason.json", aside.display())).unwrap()).unwrap();
        assert_eq!(beside["reason"], reason, "{beside}");
        assert!(beside["found"].as_str().unwrap().contains(found), "{file}: {beside}");
        for field in ["file", "supplier", "sha256", "at", "what", "do"] {
            assert!(!beside[field].as_str().unwrap().is_empty(), "{field}: {beside}");
        }
    }
    assert!(files(&delivery.path("site/intake/in/acme")).is_empty());
    assert_eq!(files(&delivery.path("site/intake/refused")).len(), 24);
    // One refused file keeps no good one out, and one that is named stays where it is.
    delivery.drop_papers();
    delivery.write("bad.json", b"{");
    assert_eq!(delivery.intake(&[]).1["entered"], 4);
    let (status, said) = delivery.intake(&["bad.json", "release.json"]);
    assert_eq!((status, &said["refused"], &said["known"]), (10, &1.into(), &1.into()), "{said}");
    assert!(delivery.path("bad.json").exists());
    assert_eq!(delivery.documents(), 4);
}

pub(super) fn archive_bomb() {
    let delivery = Delivery::founded();
    // 1 GiB of zeros in a megabyte, and the genuine papers in an archive.
    let bomb = std::process::Command::new("sh")
        .args([
            "-c",
            "head -c 1073741824 /dev/zero | gzip -1 > bomb.json && tar cf papers.tar release.json shipment.json",
        ])
        .current_dir(delivery.path("."))
        .status()
        .unwrap();
    assert!(bomb.success());
    for (file, found) in [("bomb.json", "a gzip file"), ("papers.tar", "a tar archive")] {
        let bytes = fs::read(delivery.path(file)).unwrap();
        if bytes.len() <= 4 << 20 {
            delivery.drop_in("acme", file, &bytes);
            let (status, said) = delivery.intake(&[]);
            assert_eq!(
                (status, &said["reason"], &said["found"]),
                (10, &"document-unknown".into(), &found.into()),
                "{said}"
            );
        } else {
            let (status, said) = delivery.intake(&[file]);
            assert_eq!((status, &said["reason"]), (10, &"input-too-large".into()), "{said}");
        }
    }
    assert_eq!(delivery.documents(), 0);
}

pub(super) fn endless() {
    let delivery = Delivery::founded();
    let (status, said) = delivery.intake(&["/dev/zero"]);
    assert_eq!(
        (status, &said["reason"], &said["found"]),
        (2, &"input-not-regular".into(), &"a device".into()),
        "{said}"
    );
    let sparse = delivery.drop_in("acme", "sparse.json", b"{");
    fs::File::options().write(true).open(&sparse).unwrap().set_len(100 << 30).unwrap();
    fs::File::options().write(true).open(&sparse).unwrap().set_modified(SystemTime::UNIX_EPOCH).unwrap();
    let pipe = sparse.with_file_name("pipe.json");
    assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    let outside = delivery.path("release.json");
    let link = sparse.with_file_name("link.json");
    std::os::unix::fs::symlink(&outside, &link).unwrap();
    let (status, said) = delivery.intake(&[]);
    assert_eq!(status, 2, "{said}");
    for (file, reason, found) in [
        ("sparse.json", "input-too-large", "107374182400 bytes"),
        ("pipe.json", "input-not-regular", "a pipe"),
        ("link.json", "input-not-regular", "a link"),
    ] {
        let one = document(&said, file);
        assert_eq!((&one["finding"]["reason"], &one["finding"]["found"]), (&reason.into(), &found.into()), "{one}");
        assert!(one["moved"].as_str().unwrap().contains("-unread-"), "{one}");
    }
    assert!(files(&delivery.path("site/intake/in/acme")).is_empty() && outside.exists());
    assert_eq!(delivery.documents(), 0);
}

pub(super) fn names() {
    let delivery = Delivery::founded();
    for id in ["..", "../../etc", "/tmp", "a/b", "", "-x", "a b"] {
        let supplier = format!("--supplier={id}");
        let (status, said) = delivery.intake(&[&supplier, "release.json"]);
        assert_eq!((status, &said["reason"], &said["where"]), (2, &"usage".into(), &"--supplier".into()), "{said}");
    }
    for supplier in ["a b", "%2e%2e", "\u{1b}[2J"] {
        delivery.drop_in(supplier, "release.json", &delivery.world.release_envelope());
    }
    let odd = delivery.drop_in("acme", "\u{1b}]0;x\u{7}\n-rf ..json", b"no document");
    let (status, said) = delivery.intake(&[]);
    assert_eq!((status, &said["entered"], &said["refused"]), (2, &0.into(), &4.into()), "{said}");
    assert!(!odd.exists() && delivery.path("site/intake/in/a b/release.json").exists());
    let aside = files(&delivery.path("site/intake/refused"));
    assert_eq!(aside.len(), 2, "{aside:?}");
    assert!(
        aside.iter().all(|name| name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.%".contains(&byte))),
        "{aside:?}"
    );
    assert_eq!(delivery.documents(), 0);
}

pub(super) fn hostile_names() {
    let delivery = Delivery::founded();
    delivery.drop_in("acme", "a\u{1b}[2J\u{202e}x\r\n\u{9b}1m.json", b"{\"\\u001b[2J\":1}");
    let text = delivery.run(&["intake", "--site", "site"]);
    delivery.drop_in("acme", "b\u{1b}]0;ACCEPT\u{7}.json", b"\x1b[2J");
    let listed = delivery.run(&["intake", "--site", "site", "--json"]);
    for said in [text, listed] {
        let hostile = |c: char| c != '\n' && (c.is_control() || ('\u{202a}'..='\u{202e}').contains(&c));
        assert!(!said.out.contains(hostile) && !said.err.contains(hostile), "{said:?}");
        assert_eq!(said.status, 10);
    }
}

pub(super) fn no_token_no_ledger() {
    let delivery = Delivery::founded();
    delivery.drop_papers();
    for (away, reason) in [("site/tokens", "token-absent"), ("site/ledger.db", "ledger-missing")] {
        fs::rename(delivery.path(away), delivery.path("elsewhere")).unwrap();
        let (status, said) = delivery.intake(&[]);
        assert_eq!((status, &said["outcome"], &said["reason"]), (21, &"hold".into(), &reason.into()), "{said}");
        assert_eq!(files(&delivery.path("site/intake/in/acme")).len(), 4);
        let back = delivery.path(away);
        if back.is_dir() {
            fs::remove_dir_all(&back).unwrap();
        }
        fs::rename(delivery.path("elsewhere"), back).unwrap();
    }
    assert_eq!(delivery.intake(&[]).1["entered"], 4);
}

pub(super) fn killed() {
    let delivery = Delivery::founded();
    for n in 0..40 {
        let party = Party::root(Spec::ca(&format!("Spare CA {n}")));
        delivery.drop_in("acme", &format!("{n:02}.pem"), party.pem().as_bytes());
    }
    fs::rename(delivery.path("site"), delivery.path("fresh")).unwrap();
    for pause in (0..16).map(|n| Duration::from_millis(n * 15)) {
        copy_folder(&delivery.path("fresh"), &delivery.path("site"));
        let incoming = delivery.path("site/intake/in/acme");
        for file in files(&incoming) {
            let file = fs::File::options().write(true).open(incoming.join(file)).unwrap();
            file.set_modified(SystemTime::UNIX_EPOCH).unwrap();
        }
        let intake = ["intake", "--site", "site", "--json"];
        let mut child = delivery.command_with_all_it_starts(&intake).spawn().unwrap();
        std::thread::sleep(pause);
        child.kill().unwrap();
        child.wait_with_output().unwrap();
        let left = files(&incoming).len() as u64;
        let (status, said) = delivery.intake(&[]);
        assert_eq!(status, 0, "{said}");
        assert_eq!(said["entered"].as_u64().unwrap() + said["known"].as_u64().unwrap(), left, "{said}");
        assert_eq!(delivery.documents(), 40, "after {pause:?}");
        assert!(files(&incoming).is_empty());
        assert_eq!(files(&delivery.path("site/intake/taken/acme")).len(), 40);
        delivery.audited();
        fs::remove_dir_all(delivery.path("site")).unwrap();
    }
}

pub(super) fn unmovable() {
    let delivery = Delivery::founded();
    delivery.drop_papers();
    fs::write(delivery.path("site/intake/taken"), b"a file where the folder goes").unwrap();
    let (status, said) = delivery.intake(&[]);
    assert_eq!((status, &said["reason"]), (21, &"intake-unusable".into()), "{said}");
    fs::remove_file(delivery.path("site/intake/taken")).unwrap();
    // The supplier's part of it alone: the document is entered, and its file stays.
    fs::create_dir(delivery.path("site/intake/taken")).unwrap();
    fs::write(delivery.path("site/intake/taken/acme"), b"a file where the folder goes").unwrap();
    let (status, said) = delivery.intake(&[]);
    assert_eq!((status, &said["reason"], &said["entered"]), (21, &"intake-unusable".into(), &4.into()), "{said}");
    assert_eq!(files(&delivery.path("site/intake/in/acme")).len(), 4);
    assert_eq!(delivery.receive_bare("DEMO-0001").0, 0);
    fs::remove_file(delivery.path("site/intake/taken/acme")).unwrap();
    let (status, said) = delivery.intake(&[]);
    assert_eq!((status, &said["known"], delivery.documents()), (0, &4.into(), 4), "{said}");
    assert!(files(&delivery.path("site/intake/in/acme")).is_empty());
}

pub(super) fn listed() {
    let delivery = Delivery::stocked();
    let (status, said) = delivery.intake(&["--list"]);
    assert_eq!(status, 0, "{said}");
    let of = |kind: &str| {
        let all = said["stored"].as_array().unwrap();
        all.iter().filter(|one| one["kind"] == kind).cloned().collect::<Vec<_>>()
    };
    assert_eq!((&of("shipment")[0]["name"], &of("shipment")[0]["count"]), (&"S-1001".into(), &5.into()));
    assert_eq!((of("release").len(), of("crl").len()), (1, 2));
    assert_eq!(said["crls"].as_array().unwrap().len(), 2);
    assert_eq!(said["crls"][0]["days_left"], 29, "{said}");
    // Without a token.
    fs::rename(delivery.path("site/tokens"), delivery.path("elsewhere")).unwrap();
    let text = delivery.run(&["intake", "--site", "site", "--list"]);
    assert!(text.status == 0 && text.out.contains("29 days left"), "{text:?}");
}

pub(super) fn watched() {
    let delivery = Delivery::founded();
    let mut child = delivery.command(&["intake", "--site", "site", "--json", "--watch"]).spawn().unwrap();
    delivery.drop_papers();
    let mut entered = 0;
    // As long as it takes on a loaded machine.
    for _ in 0..2_400 {
        entered = delivery.documents();
        if entered == 4 {
            break;
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    child.kill().unwrap();
    let said = child.wait_with_output().unwrap();
    assert_eq!(entered, 4, "{said:?}");
}

pub(super) fn wrong_calls() {
    let delivery = Delivery::founded();
    for (call, reason) in [
        ("intake --json", "usage"),
        ("intake --site nowhere --json", "site-missing"),
        ("intake --site site --json nowhere.json", "input-missing"),
        ("intake --site site --json --supplier acme", "usage"),
        ("intake --site site --json --watch release.json", "usage"),
        ("intake --site site --json --list --reindex", "usage"),
        ("intake --site site --json --trust release.json", "usage"),
    ] {
        let said: Said = delivery.run(&call.split(' ').collect::<Vec<_>>());
        let object = object(&said);
        assert_eq!((said.status, &object["reason"]), (2, &reason.into()), "{call}: {object}");
    }
    let nothing = delivery.run(&["intake", "--site", "site"]);
    assert_eq!((nothing.status, nothing.out.as_str()), (0, "accept\nnothing to take in\n"), "{nothing:?}");
}
