//! `verify unit`: a folder in, an appraisal out, and the exit status of its verdict.

use crate::bad::{self, spki, verdict};
use crate::pki::{AT, DAY, List, Party, Spec, pem};
use crate::program::Bench;
use crate::world::{World, attempt, name, part, time};
use ecugate_verifier::documents::manifest::assurance::{Firmware, Identity, Minimum};
use ecugate_verifier::documents::manifest::release::FileDigest;
use ecugate_verifier::documents::policy_text::{Family, GateRule};
use ecugate_verifier::inputs::custody::{Sighting, State};
use ecugate_verifier::inputs::memory::{Completeness, Known, Memory};
use ecugate_verifier::syntax::label::{BareRule, Rules};
use ecugate_verifier::values::digest::Sha256;
use ecugate_verifier::values::finding::Finding;
use ecugate_verifier::values::ident::{Manufacturer, PartScope, Serial, UnitKey};
use ecugate_verifier::values::reason::Reason;
use serde_json::{Value, json};
use std::process::Command;

const NOW: &str = "2026-06-01T00:00:00Z";
const CALL: [&str; 6] = ["verify", "unit", "unit", "--at", NOW, "--authority"];

/// The folder of a world, with the officers' keys beside it.
fn bench(world: &World) -> Bench {
    let files: [(&str, Vec<u8>); 13] = [
        ("unit/label", world.label.clone()),
        ("unit/manifests/release", world.release_envelope()),
        ("unit/manifests/shipment", world.shipment_envelope()),
        ("unit/crls/root.crl", world.crls[0].clone()),
        ("unit/crls/issuing.pem", pem("X509 CRL", &world.crls[1]).into_bytes()),
        ("unit/chain/issuing.pem", world.issuing.pem().into_bytes()),
        ("unit/anchors/root.pem", world.root.pem().into_bytes()),
        ("unit/anchor-list", world.list_envelope()),
        ("unit/policy", world.policy_envelope()),
        ("unit/image.bin", world.image.clone()),
        ("officer-1", spki(&world.officers[0])),
        ("officer-2", pem("PUBLIC KEY", &spki(&world.officers[1])).into_bytes()),
        ("officer-2.der", spki(&world.officers[1])),
    ];
    Bench::new(&files.iter().map(|(name, contents)| (*name, contents.as_slice())).collect::<Vec<_>>())
}

fn call<'a>(more: &[&'a str]) -> Vec<&'a str> {
    [&CALL[..], &["officer-1", "officer-2"], more].concat()
}

/// Status and reason for a world's folder.
fn of(world: &World) -> (i32, String) {
    verdict(&bench(world), &call(&[]))
}

/// Status and reason for a genuine unit's folder with one change.
fn after(change: impl FnOnce(&Bench)) -> (i32, String) {
    let bench = bench(&World::new());
    change(&bench);
    verdict(&bench, &call(&[]))
}

fn write(bench: &Bench, name: &str, contents: impl AsRef<[u8]>) {
    std::fs::write(bench.path().join(name), contents).unwrap();
}

fn remove(bench: &Bench, name: &str) {
    let path = bench.path().join(name);
    if path.is_dir() { std::fs::remove_dir_all(path).unwrap() } else { std::fs::remove_file(path).unwrap() }
}

fn held(reason: &str) -> (i32, String) {
    (21, reason.to_owned())
}

#[test]
fn a_genuine_unit_would_be_accepted_and_is_admitted_nowhere() {
    let bench = bench(&World::new());
    let said = bench.run(&call(&["--json"]));
    let object = said.object();
    assert_eq!((said.status, &object["outcome"], &object["reason"]), (0, &json!("accept"), &Value::Null), "{object:#}");
    assert_eq!(object.as_object().unwrap().get("admission"), Some(&Value::Null));
    assert_eq!(
        (&object["ruling"], &object["memory"], &object["at"]),
        (&json!("accept"), &json!("taken-as-empty"), &json!(NOW))
    );
    assert_eq!(object["unit"], json!({"manufacturer": "maker", "part": "3TN01414BA", "serial": "ALCLB4923FA8"}));
    assert_eq!(
        object["assurance"],
        json!({"identity": "listed", "firmware": "measured-unbound", "minimum": {"identity": "listed", "firmware": "measured-unbound"}})
    );
    let checks = object["checks"].as_array().unwrap();
    let answer = |check: &str| checks.iter().find(|line| line["check"] == check).unwrap()["answer"].clone();
    assert_eq!((checks.len(), answer("firmware"), answer("binding")), (20, json!("pass"), json!("not-run")));
    assert_eq!((&object["findings"], &object["waived"]), (&json!([]), &json!([])));

    let text = bench.run(&call(&[])).out;
    for line in [
        "accept",
        "identity  listed (at least listed)",
        "memory    none given: taken as empty and complete",
        "admission none: only receiving admits",
    ] {
        assert!(text.lines().any(|found| found == line), "{line:?} in {text}");
    }
    assert_eq!(bench.run(&call(&["--quiet"])).out, "accept\n");
}

#[test]
fn each_verdict_has_its_exit_status() {
    assert_eq!(of(&World::new().with(|world| world.image[0] ^= 1)), (10, "firmware-differs".into()));
    assert_eq!(after(|bench| remove(bench, "unit/manifests/shipment")), (11, "shipment-absent".into()));
    let not_gated = World::new().with(|world| {
        world.policy.families = vec![Family {
            name: name("sensors"),
            parts: vec![PartScope::Exact(part(crate::world::PART))],
            gate: GateRule::NotGated,
            minimum: Minimum { identity: Identity::Claimed, firmware: Firmware::NotRead },
        }];
    });
    assert_eq!(of(&not_gated), (12, "part-not-gated".into()));
    let unavailable = Memory::Unavailable(Finding::bare(Reason::LedgerFailed));
    let unavailable = serde_json::to_vec(&unavailable).unwrap();
    assert_eq!(after(|bench| write(bench, "unit/memory", &unavailable)), (20, "ledger-failed".into()));
    assert_eq!(after(|bench| remove(bench, "unit/crls/root.crl")), held("crl-missing"));
}

#[test]
fn the_verdict_is_the_one_of_the_library_with_the_same_findings() {
    let stranger = Party::root(Spec::ca("Stranger"));
    let worlds = [
        World::new(),
        World::new().with(|world| world.image.push(0)),
        World::new().with(|world| world.label = b"[)>\x1e06\x1dSUNKNOWN\x1e\x04".to_vec()),
        World::new().with(|world| world.crls[1] = world.issuing.crl(&List::revoking(101))),
        World::new().with(|world| world.crls[1] = world.issuing.crl(&List::revoking(100))),
        World::new().with(|world| world.list.anchors[0].sha256 = Sha256::of(&stranger.der)),
        World::new().with(|world| world.shipment.consignee = name("elsewhere")),
        World::new().with(|world| world.release.valid.until = time(AT - DAY)),
        World::new().with(|world| world.policy.minimum.identity = Identity::DeviceKey),
        World::new()
            .with(|world| world.shipment.units.truncate(0))
            .with(|world| world.shipment.units = vec![crate::world::unit("X")]),
    ];
    for (number, world) in worlds.iter().enumerate() {
        let judged = world.judge();
        let said = bench(world).run(&call(&["--json"]));
        let object = said.object();
        let reasons: Vec<&str> =
            object["findings"].as_array().unwrap().iter().map(|finding| finding["reason"].as_str().unwrap()).collect();
        let expected: Vec<&str> = judged.verdict.findings().iter().map(|finding| finding.reason.code()).collect();
        assert_eq!((said.status, reasons), (i32::from(judged.ruling().exit_status()), expected), "world {number}");
        assert_eq!(object["outcome"], judged.ruling().outcome(), "world {number}");
        assert_eq!(object["reason"].as_str(), judged.verdict.reason().map(Reason::code), "world {number}");
    }
}

#[test]
fn a_memory_in_the_folder_is_believed_and_one_that_cannot_be_read_is_not_taken_as_empty() {
    let key = UnitKey::unit(
        &Manufacturer::new("maker").unwrap(),
        &part(crate::world::PART),
        &Serial::new(crate::world::SERIAL).unwrap(),
    );
    let seen = Sighting {
        seq: 7,
        state: State::Accepted,
        attempt: attempt(9),
        evidence: Sha256::of(b"then"),
        keys: vec![key],
    };
    let memory = |known: Known| serde_json::to_vec(&Memory::Known(Box::new(known))).unwrap();
    let sighted = memory(Known { size: 8, sightings: vec![seen], ..Known::empty() });
    assert_eq!(after(|bench| write(bench, "unit/memory", &sighted)), (10, "identity-seen-before".into()));
    let given = bench(&World::new());
    write(&given, "unit/memory", memory(Known::empty()));
    let said = given.run(&call(&["--json"]));
    assert_eq!((said.status, &said.object()["memory"]), (0, &json!("given")));
    let incomplete = memory(Known { completeness: Completeness::Incomplete, ..Known::empty() });
    let (status, _) = after(|bench| write(bench, "unit/memory", &incomplete));
    assert!(matches!(status, 20 | 21), "{status}");
    for bad in ["", "{}", "{\"known\":{}}", "[]", "{\"known\":{},\"known\":{}}", "\u{feff}{}"] {
        assert_eq!(after(|bench| write(bench, "unit/memory", bad)), held("memory-malformed"), "{bad:?}");
    }
}

#[test]
fn a_device_proof_is_refused_as_not_supported() {
    assert_eq!(after(|bench| write(bench, "unit/proof", b"proof")), held("device-proof-unsupported"));
}

#[test]
fn an_entry_of_another_name_is_never_passed_over() {
    for entry in ["memory.json", "manifest", "crl", "README", ".hidden", "Image.bin", "images", "anchor_list"] {
        let (status, reason) = after(|bench| write(bench, &format!("unit/{entry}"), b"x"));
        assert_eq!((status, reason.as_str()), (2, "usage"), "{entry}");
    }
    let found = bench(&World::new());
    write(&found, "unit/image-\u{202e}.bin", b"x");
    let said = found.run(&call(&["--json"]));
    assert_eq!((said.status, &said.object()["reason"]), (2, &json!("usage")));
}

#[test]
fn images_are_matched_to_components_by_their_names() {
    let rename =
        |from: &str, to: &str| after(|bench| std::fs::rename(bench.path().join(from), bench.path().join(to)).unwrap());
    assert_eq!(rename("unit/image.bin", "unit/image"), (0, String::new()));
    assert_eq!(rename("unit/image.bin", "unit/image-application"), (0, String::new()));
    assert_eq!(rename("unit/image.bin", "unit/image-application.hex"), (0, String::new()));
    assert_eq!(rename("unit/image.bin", "unit/image-boot.bin").0, 21);
    assert_eq!(after(|bench| remove(bench, "unit/image.bin")), held("firmware-not-read"));

    let two = World::new().with(|world| {
        let mut boot = world.release.components[0].clone();
        boot.name = name("boot.v2");
        boot.ranges.clear();
        boot.file = Some(FileDigest { sha256: Sha256::of(b"boot"), length: 4 });
        world.release.components.push(boot);
    });
    let bench = bench(&two);
    assert_eq!(verdict(&bench, &call(&[])).0, 21);
    std::fs::rename(bench.path().join("unit/image.bin"), bench.path().join("unit/image-application.bin")).unwrap();
    assert_eq!(verdict(&bench, &call(&[])), held("component-not-read"));
    write(&bench, "unit/image-boot.v2.bin", b"boot");
    assert_eq!(verdict(&bench, &call(&[])), (0, String::new()));
    write(&bench, "unit/image-boot.v2.bin", b"toob");
    assert_eq!(verdict(&bench, &call(&[])), (10, "firmware-differs".into()));
}

#[test]
fn keys_of_the_authority_are_counted_once_each() {
    let world = World::new();
    let bench = bench(&world);
    write(&bench, "officer-1.crt", &world.officers[0].der);
    write(&bench, "stranger", spki(&Party::root(Spec::ca("Stranger"))));
    let of = |keys: &[&str]| verdict(&bench, &[&CALL[..], keys].concat());
    assert_eq!(of(&["officer-1.crt", "officer-2.der"]), (0, String::new()));
    assert_eq!(of(&["officer-1", "--authority", "officer-2"]), (0, String::new()));
    assert_eq!(of(&["officer-1", "officer-1.crt"]), (2, "usage".into()));
    assert_eq!(of(&["officer-2", "officer-2.der", "officer-1"]), (2, "usage".into()));
    assert_eq!(of(&["officer-1"]), (2, "usage".into()));
    assert_eq!(of(&["officer-1", "officer-2", "--threshold", "3"]), (2, "usage".into()));
    assert_eq!(of(&["officer-1", "officer-2", "--threshold", "0"]), (2, "usage".into()));
    assert_eq!(of(&["officer-1", "stranger"]), held("anchor-list-threshold"));
    assert_eq!(of(&["missing", "officer-2"]), (2, "input-missing".into()));
    let bad = bad::bench(&[]);
    std::fs::create_dir(bad.path().join("unit")).unwrap();
    bad::expect(
        &bad,
        &["verify", "unit", "unit", "--threshold", "1", "--authority", "{}"],
        &[
            ("missing", 2, "input-missing"),
            ("folder", 2, "input-not-regular"),
            ("fifo", 2, "input-not-regular"),
            ("empty", 21, "input-empty"),
            ("sparse", 21, "input-too-large"),
            ("certificate-cut", 21, "key-malformed"),
            ("manifest", 21, "key-malformed"),
            ("binary", 21, "key-malformed"),
        ],
    );
}

#[test]
fn a_list_below_the_pinned_version_and_a_time_outside_of_its_dates_hold() {
    let bench = bench(&World::new());
    assert_eq!(verdict(&bench, &call(&["--list-min-version", "1"])), (0, String::new()));
    assert_eq!(verdict(&bench, &call(&["--list-min-version", "2"])), held("anchor-list-rolled-back"));
    let later = ["verify", "unit", "unit", "--at", "2026-12-24T00:00:00Z", "--authority", "officer-1", "officer-2"];
    assert_eq!(verdict(&bench, &later), held("anchor-list-expired"));
}

#[test]
fn the_site_is_the_one_of_the_policy_and_everything_else_is_held_to_it() {
    assert_eq!(after(|bench| remove(bench, "unit/policy")).0, 21);
    assert_eq!(after(|bench| write(bench, "unit/policy", b"{}")).0, 21);
    let elsewhere = World::new().with(|world| world.policy.site = name("other.example"));
    assert_eq!(of(&elsewhere), held("anchor-list-origin"));
    let unlisted = World::new().with(|world| world.officers.truncate(1));
    let bench = bench(&World::new());
    write(&bench, "unit/policy", unlisted.policy_envelope());
    let said = bench.run(&call(&["--json"]));
    assert_eq!(said.status, 21);
    let reasons: Vec<Value> =
        said.object()["findings"].as_array().unwrap().iter().map(|finding| finding["reason"].clone()).collect();
    assert!(reasons.contains(&json!("policy-threshold")), "{reasons:?}");
}

#[test]
fn anchors_that_are_missing_or_no_certificates_are_none() {
    assert_eq!(after(|bench| remove(bench, "unit/anchors")), held("anchors-empty"));
    assert_eq!(after(|bench| write(bench, "unit/anchors/x", b"x")), held("certificate-malformed"));
    assert_eq!(after(|bench| write(bench, "unit/anchors/x", b"")), held("input-empty"));
}

#[test]
fn bad_papers_keep_the_unit_out_each_with_its_reason() {
    let certificate = Party::root(Spec::ca("Somebody")).der;
    let manifest = World::new().release_envelope();
    assert_eq!(after(|bench| remove(bench, "unit/label")), held("label-missing"));
    assert_eq!(after(|bench| write(bench, "unit/label", b"")), held("label-missing"));
    assert_eq!(after(|bench| write(bench, "unit/label", b"\xff")), held("label-field-malformed"));
    for bytes in [&certificate[..], b"", b"\xff\xfe", &manifest[..manifest.len() / 2]] {
        let (status, reason) = after(|bench| write(bench, "unit/manifests/release", bytes));
        assert_eq!((status, reason.as_str()), (11, "manifest-malformed"));
    }
    assert_eq!(after(|bench| write(bench, "unit/image.bin", &manifest)), (10, "firmware-differs".into()));
    assert_eq!(after(|bench| write(bench, "unit/image.bin", b"")), held("image-empty"));
    assert_eq!(after(|bench| write(bench, "unit/crls/x", b"x")), held("crl-malformed"));
    assert_eq!(after(|bench| write(bench, "unit/chain/x", b"x")), held("certificate-malformed"));
}

#[test]
fn what_is_no_regular_file_is_an_error_and_what_is_enormous_a_hold() {
    for path in ["unit/label", "unit/policy", "unit/image.bin", "unit/manifests/release", "unit/anchors/root.pem"] {
        let fifo = after(|bench| {
            remove(bench, path);
            assert!(Command::new("mkfifo").arg(bench.path().join(path)).status().unwrap().success());
        });
        assert_eq!(fifo, (2, "input-not-regular".into()), "{path}");
        let sparse = after(|bench| {
            std::fs::File::create(bench.path().join(path)).unwrap().set_len(100 << 30).unwrap();
        });
        assert_eq!(sparse, held("input-too-large"), "{path}");
    }
    assert_eq!(after(|bench| remove(bench, "unit")), (2, "input-missing".into()));
    let file = after(|bench| {
        remove(bench, "unit");
        write(bench, "unit", b"x");
    });
    assert_eq!(file, (2, "input-not-regular".into()));
    let flat = after(|bench| {
        remove(bench, "unit/manifests");
        write(bench, "unit/manifests", b"x");
    });
    assert_eq!(flat, (2, "input-not-regular".into()));
}

#[test]
fn an_admission_is_null_on_every_answer_about_a_folder() {
    let bench = bench(&World::new());
    remove(&bench, "unit");
    let said = bench.run(&call(&["--json"]));
    assert_eq!(said.object().as_object().unwrap().get("admission"), Some(&Value::Null));
}

#[test]
fn a_bare_label_is_the_serial_where_the_policy_says_so() {
    let bare = |rules: Rules| {
        World::new().with(|world| {
            world.label = crate::world::SERIAL.as_bytes().to_vec();
            world.policy.labels = rules;
        })
    };
    assert_eq!(of(&bare(Rules::default())), held("label-bare-refused"));
    assert_eq!(of(&bare(Rules { bare: BareRule::SerialOnly, ..Rules::default() })), (0, String::new()));
}

/// Attack class 58: escapes in a label that the appraisal repeats.
#[test]
fn attack_58_a_label_that_would_clear_the_screen_is_shown_in_digits() {
    let bench = bench(&World::new());
    write(&bench, "unit/label", b"[)>\x1e06\x1dS\x1b[2J\x1e\x04");
    let said = bench.run(&call(&[]));
    assert_eq!(said.status, 21);
    assert!(!said.out.contains('\u{1b}'), "{:?}", said.out);
}

/// Attack classes 57 and 60: whatever is left out, no combination of flags reaches status 0, and what did not run is
/// on the answer.
#[test]
fn attack_57_with_any_needed_part_missing_no_flag_reaches_zero() {
    for missing in ["label", "manifests", "crls", "anchors", "anchor-list", "policy", "image.bin"] {
        for flags in [&[][..], &["--threshold", "1"], &["--list-min-version", "0"], &["--quiet"], &["--at", NOW]] {
            let bench = bench(&World::new());
            remove(&bench, &format!("unit/{missing}"));
            let mut arguments = vec!["verify", "unit", "unit", "--authority", "officer-1", "officer-2"];
            arguments.extend(flags);
            if !flags.contains(&"--at") {
                arguments.extend(["--at", NOW]);
            }
            let said = bench.run(&arguments);
            assert!(matches!(said.status, 10 | 11 | 20 | 21), "{missing} {flags:?}: {} {}", said.status, said.out);
            assert_ne!(said.out.lines().next(), Some("accept"));
        }
    }
    let bench = bench(&World::new());
    remove(&bench, "unit/image.bin");
    let said = bench.run(&call(&["--json"]));
    let checks = said.object()["checks"].clone();
    let firmware = checks.as_array().unwrap().iter().find(|line| line["check"] == "firmware").unwrap().clone();
    assert_eq!(
        (&firmware["answer"], &firmware["findings"][0]["reason"]),
        (&json!("not-run"), &json!("firmware-not-read"))
    );
}

#[test]
fn cases_judge_folder_after_folder() {
    let bench = bench(&World::new());
    std::fs::create_dir(bench.path().join("empty")).unwrap();
    let case = |id: &str, dir: &str| json!({"id": id, "dir": dir, "at": NOW, "authority": ["officer-1", "officer-2"]});
    let input = format!("{}\n{}\n{}\n", case("a", "unit"), case("b", "empty"), case("c", "missing"));
    let said = bench.run_with(&["verify", "unit", "--cases", "-"], input.as_bytes());
    let outcomes: Vec<Value> = said.objects().into_iter().map(|object| object["outcome"].clone()).collect();
    assert_eq!((said.status, outcomes[0].clone(), outcomes[2].clone()), (2, json!("accept"), json!("error")));
    assert_ne!(outcomes[1], "accept");
}
