//! `ecugate intake`, and boxes that are received by the papers that it took in.

use crate::delivery::{Delivery, Said, copy_folder, without};
use crate::faults::object;
use crate::pki::{List, Party, Spec};
use crate::receive::trial;
use crate::world::{World, arcs, name, signed};
use ecugate::ledger::Depth;
use ecugate_verifier::values::digest::Sha256;
use ecugate_verifier::values::ident::purpose;
use libtest_mimic::Trial;
use serde_json::{Value, json};
use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

pub(crate) fn trials() -> Vec<Trial> {
    [
        trial("papers_that_came_in_before_their_boxes_are_found_by_the_label", found_by_label),
        trial("papers_that_come_after_the_box_make_it_good", papers_after),
        trial("the_same_document_again_is_known_and_not_entered_twice", twice),
        trial("a_refused_file_is_set_aside_with_its_exact_reason", set_aside),
        trial("attack_16_an_archive_bomb_is_never_unpacked_at_intake", archive_bomb),
        trial("attack_47_an_endless_file_a_device_or_a_pipe_at_intake_is_refused_unread", endless),
        trial("attack_44_a_supplier_or_file_named_like_a_path_reaches_no_path", names),
        trial("attack_58_hostile_names_at_intake_reach_no_terminal", hostile_names),
        trial("a_poisoned_index_makes_a_unit_found_or_unproven_and_never_another_ones_accept", poisoned_index),
        trial("without_token_or_ledger_nothing_is_taken_and_every_file_stays", no_token_no_ledger),
        trial("an_intake_killed_at_any_moment_enters_nothing_twice_and_loses_nothing", killed),
        trial("a_file_that_cannot_be_moved_is_entered_once_and_moved_later", unmovable),
        trial("attack_13_a_forged_shipment_in_the_store_keeps_no_genuine_unit_out_and_lets_no_forged_one_in", forged),
        trial("attack_22_a_forged_shipment_alone_is_suspect_and_was_told_at_intake", forged_alone),
        trial("a_manifest_that_was_replaced_before_it_ended_does_not_keep_units_out", replaced),
        trial("attack_25_the_newest_list_of_an_issuer_counts_however_many_older_ones_are_stored", newest_crl),
        trial("attack_25_a_forged_list_of_another_supplier_does_not_displace_the_issuers_own", forged_crl),
        trial("certificates_that_a_manifest_does_not_carry_come_from_the_store", stored_certificates),
        trial("manifests_that_are_presented_replace_the_stored_ones_and_lists_are_added", presented),
        trial("a_label_that_names_no_unit_finds_no_papers_and_is_held_for_the_label", no_unit),
        trial("what_is_stored_is_listed_with_the_days_left_of_the_lists", listed),
        trial("watched_folders_are_taken_in_as_files_come", watched),
        trial("every_wrong_call_of_intake_is_one_json_object", wrong_calls),
    ]
    .into()
}

/// The files of a whole delivery.
const PAPERS: [&str; 4] = ["release.json", "shipment.json", "root.crl", "issuing.crl"];

impl Delivery {
    /// Puts a file into a supplier's watched folder, as one that has been there for a while.
    fn drop_in(&self, supplier: &str, name: &str, bytes: &[u8]) -> PathBuf {
        let folder = self.path("site/intake/in").join(supplier);
        fs::create_dir_all(&folder).unwrap();
        let path = folder.join(name);
        fs::write(&path, bytes).unwrap();
        let earlier = SystemTime::now() - Duration::from_secs(60);
        fs::File::options().write(true).open(&path).unwrap().set_modified(earlier).unwrap();
        path
    }

    fn drop_papers(&self) {
        for paper in PAPERS {
            self.drop_in("acme", paper, &fs::read(self.path(paper)).unwrap());
        }
    }

    fn intake(&self, more: &[&str]) -> (i32, Value) {
        let said = self.run(&[&["intake", "--site", "site", "--json"], more].concat());
        let object = object(&said);
        assert_eq!(object["command"], "intake");
        (said.status, object)
    }

    /// With everything of the delivery in the ledger.
    fn stocked() -> Self {
        let delivery = Self::founded();
        delivery.drop_papers();
        let (status, said) = delivery.intake(&[]);
        assert_eq!((status, &said["entered"]), (0, &4.into()), "{said}");
        delivery
    }

    /// Presents a box with nothing but its label and image.
    fn receive_bare(&self, serial: &str) -> (i32, Value) {
        self.receive(serial, |arguments| PAPERS.iter().for_each(|paper| without(arguments, paper)))
    }

    /// Entries of kind document.
    fn documents(&self) -> usize {
        self.ledger().documents_from(0, 1_000).unwrap().len()
    }

    fn audited(&self) {
        let audit = self.ledger().audit(Depth::Signatures).unwrap();
        assert!(audit.is_clean(), "{audit:?}");
    }
}

fn files(folder: &Path) -> Vec<String> {
    let Ok(entries) = fs::read_dir(folder) else { return Vec::new() };
    let mut names: Vec<String> =
        entries.map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned()).collect();
    names.sort();
    names
}

/// The document that is called so in an answer of intake.
fn document<'v>(said: &'v Value, file: &str) -> &'v Value {
    let all = said["documents"].as_array().unwrap();
    all.iter().find(|one| one["file"].as_str().unwrap().ends_with(file)).unwrap_or_else(|| panic!("{file}: {said}"))
}

fn found_by_label() {
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

fn papers_after() {
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

fn twice() {
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

fn set_aside() {
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

fn archive_bomb() {
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

fn endless() {
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

fn names() {
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

fn hostile_names() {
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

/// Changes every record of the index.
fn poison(delivery: &Delivery, change: impl Fn(&mut [u8])) {
    for file in files(&delivery.path("site/intake/index")) {
        let path = delivery.path("site/intake/index").join(file);
        let mut bytes = fs::read(&path).unwrap();
        bytes[64..].chunks_mut(40).for_each(&change);
        fs::write(path, bytes).unwrap();
    }
}

fn poisoned_index() {
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

fn no_token_no_ledger() {
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

fn killed() {
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
        let mut child = delivery.command(&["intake", "--site", "site", "--json"]).spawn().unwrap();
        std::thread::sleep(pause);
        child.kill().unwrap();
        child.wait().unwrap();
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

fn unmovable() {
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

/// A shipment of the same units by a signer below a root that nobody listed.
fn forged_shipment(world: &World, id: &str, serials: &[&str]) -> Vec<u8> {
    let root = Party::root(Spec::ca("Maker Root"));
    let signer = root.issue(Spec::leaf("Shipment Signer").with(|spec| spec.purposes = vec![arcs(purpose::SHIPMENT)]));
    let mut shipment = world.shipment.clone();
    shipment.shipment = name(id);
    shipment.units = serials.iter().map(|serial| crate::world::unit(serial)).collect();
    signed(shipment, &[(&signer, &[&signer])])
}

fn forged() {
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

fn forged_alone() {
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

fn replaced() {
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

fn newest_crl() {
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

fn forged_crl() {
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

fn stored_certificates() {
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

fn presented() {
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

fn no_unit() {
    let delivery = Delivery::stocked();
    let label: String =
        "[)>\u{1e}06\u{1d}SDEMO-0001\u{1d}SDEMO-0002\u{1e}\u{4}".bytes().map(|b| format!("{b:02x}")).collect();
    let said = delivery.run(&["receive", "--site", "site", "--json", "--image", "image.bin", "--label-hex", &label]);
    let said = (said.status, object(&said));
    assert_eq!((said.0, &said.1["reason"]), (21, &"label-two-serials".into()), "{}", said.1);
    assert_eq!(said.1["papers"]["manifests"], json!([]));
}

fn listed() {
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

fn watched() {
    let delivery = Delivery::founded();
    let mut child = delivery.command(&["intake", "--site", "site", "--json", "--watch"]).spawn().unwrap();
    delivery.drop_papers();
    let mut entered = 0;
    for _ in 0..600 {
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

fn wrong_calls() {
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
