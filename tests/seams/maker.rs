//! `maker release`, `maker shipment`, `maker sign`: from a description to a manifest that the verifier takes, and what
//! each of them refuses.

use crate::pki::{DAY, Kind, Party, RELEASE, Spec, pem};
use crate::program::{Bench, Said};
use ecugate_verifier::documents::document;
use ecugate_verifier::documents::envelope::Envelope;
use ecugate_verifier::documents::manifest::release::Release;
use ecugate_verifier::documents::manifest::shipment::{Condition, Shipment};
use ecugate_verifier::syntax::certificate::Certificate;
use ecugate_verifier::values::digest::Sha256;
use ecugate_verifier::values::limits::Limits;

const LIMITS: &Limits = &Limits::STANDARD;

/// Today: the program takes no other time for signing.
fn now() -> u64 {
    std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs()
}

fn valid_now(spec: Spec) -> Spec {
    spec.with(|spec| (spec.not_before, spec.not_after) = (now() - DAY, now() + DAY))
}

/// A folder with the descriptions, an issuing CA, and a signer of each kind: `release.key`, `release.pem` and so on.
pub(crate) fn bench() -> Bench {
    let bench = Bench::new(&[
        ("release.toml", include_bytes!("../../testdata/maker/release.toml")),
        ("application.hex", include_bytes!("../../testdata/maker/application.hex")),
        ("shipment.toml", include_bytes!("../../testdata/maker/shipment.toml")),
        ("units.csv", include_bytes!("../../testdata/maker/units.csv")),
    ]);
    let root = Party::root(valid_now(Spec::ca("Root")));
    let issuing = root.issue(valid_now(Spec::ca("Issuing")));
    put(&bench, "issuing.pem", issuing.pem().as_bytes());
    put(&bench, "issuing.der", &issuing.der);
    for (name, last, kind) in [("release", 1, Kind::P256), ("shipment", 2, Kind::Ed25519), ("expired", 1, Kind::P256)] {
        let mut spec = valid_now(Spec::leaf(name));
        spec.kind = kind;
        spec.purposes = vec![[&RELEASE[..RELEASE.len() - 1], &[last]].concat()];
        if name == "expired" {
            (spec.not_before, spec.not_after) = (now() - 2 * DAY, now() - DAY);
        }
        let party = issuing.issue(spec);
        put(&bench, &format!("{name}.key"), party.key.serialize_pem().as_bytes());
        put(&bench, &format!("{name}.pem"), party.pem().as_bytes());
    }
    bench
}

fn put(bench: &Bench, name: &str, contents: &[u8]) {
    std::fs::write(bench.path().join(name), contents).unwrap();
}

fn get(bench: &Bench, name: &str) -> Vec<u8> {
    std::fs::read(bench.path().join(name)).unwrap()
}

/// Runs one line of words.
fn run(bench: &Bench, line: &str) -> Said {
    bench.run(&line.split(' ').collect::<Vec<_>>())
}

/// Status and reason with `--json`.
fn refused(bench: &Bench, line: &str) -> (i32, String) {
    let said = run(bench, &format!("{line} --json"));
    let object = said.object();
    assert_ne!(object["outcome"], "accept", "{object}");
    (said.status, object["reason"].as_str().unwrap().to_owned())
}

fn reason(status: i32, reason: &str) -> (i32, String) {
    (status, reason.to_owned())
}

/// The document in a manifest, verified with the first certificate that it carries.
fn opened<D: document::Document>(bytes: &[u8]) -> D {
    let envelope = Envelope::parse(bytes, LIMITS).unwrap();
    let leaf = Certificate::from_der(&envelope.signatures()[0].chain()[0], LIMITS).unwrap();
    document::read(&envelope.verify_with(&leaf.public_key().unwrap()).unwrap(), LIMITS).unwrap()
}

#[test]
fn a_described_release_becomes_a_manifest_that_the_verifier_reads() {
    let bench = bench();
    let said = run(&bench, "maker release release.toml --out r.payload --json");
    let object = said.object();
    assert_eq!((said.status, &object["kind"], &object["release"]), (0, &"release".into(), &"R-7".into()), "{object}");
    assert_eq!(object["sha256"], Sha256::of(&get(&bench, "r.payload")).to_string());
    let said =
        run(&bench, "maker sign r.payload --key release.key --chain release.pem issuing.der --out r.json --json");
    let object = said.object();
    assert_eq!(
        (said.status, &object["signer"], &object["out"]),
        (0, &"CN=release".into(), &"r.json".into()),
        "{object}"
    );
    assert_eq!(object["sha256"], Sha256::of(&get(&bench, "r.json")).to_string());
    assert_eq!(object["subjects"][1]["name"], "application#code");

    let release: Release = opened(&get(&bench, "r.json"));
    let component = &release.components[0];
    assert_eq!(component.file.unwrap().sha256, Sha256::of(&get(&bench, "application.hex")));
    assert_eq!(component.ranges[0].sha256, Sha256::of(&[1, 2, 3, 4, 255, 255, 255, 255, 5, 6, 7, 8]));
    let chain = Envelope::parse(&get(&bench, "r.json"), LIMITS).unwrap().signatures()[0].chain().to_vec();
    assert_eq!((chain.len(), &chain[1]), (2, &get(&bench, "issuing.der")));
}

#[test]
fn a_described_shipment_becomes_a_manifest_that_the_verifier_reads() {
    let bench = bench();
    let object = run(&bench, "maker shipment shipment.toml --out s.payload --json").object();
    assert_eq!((&object["shipment"], &object["units"]), (&"SH-1".into(), &3.into()), "{object}");
    let said =
        run(&bench, "maker sign s.payload --key shipment.key --chain shipment.pem --chain issuing.pem --out s.json");
    assert_eq!((said.status, said.err.as_str()), (0, ""), "{}", said.out);
    assert!(said.out.contains("signer    CN=shipment\n") && said.out.contains("written   s.json\n"), "{}", said.out);
    let shipment: Shipment = opened(&get(&bench, "s.json"));
    let units: Vec<_> = shipment.units.iter().map(|unit| (unit.serial.as_str(), unit.condition)).collect();
    assert_eq!(units, [("S-0001", Condition::New), ("S-0002", Condition::New), ("S-0003", Condition::Returned)]);
    assert_eq!(shipment.units[0].device_key, Some(Sha256::of(&[0])));
    assert_eq!(shipment.units[2].hardware_id, None);
}

#[test]
fn without_out_the_result_alone_is_standard_output() {
    let bench = bench();
    let said = run(&bench, "maker release release.toml");
    assert_eq!(said.status, 0);
    assert!(said.err.starts_with("accept\nkind      release\n"), "{}", said.err);
    let signed = bench.run_with(
        &["maker", "sign", "-", "--key", "release.key", "--chain", "release.pem", "issuing.pem"],
        said.out.as_bytes(),
    );
    assert_eq!(opened::<Release>(signed.out.as_bytes()).release.as_str(), "R-7");
    let said = run(&bench, "maker release units.csv");
    assert_eq!((said.status, said.out.as_str()), (10, ""));
    assert!(
        said.err.starts_with("reject\nreason    description-malformed\n")
            && said.err.contains("\nwhere     units.csv line 1\n"),
        "{}",
        said.err
    );
    assert_eq!(refused(&bench, "maker release release.toml"), reason(2, "usage"));
    let full = std::fs::File::options().write(true).open("/dev/full").unwrap();
    let output = bench.command(&["maker", "release", "release.toml"]).stdout(full).output().unwrap();
    assert_eq!(output.status.code(), Some(2));
}

#[test]
fn a_name_that_is_taken_is_left_alone() {
    let bench = bench();
    put(&bench, "taken", b"before");
    for line in [
        "maker release release.toml --out taken",
        "maker shipment shipment.toml --out taken",
        "maker sign release.toml --key release.key --chain release.pem --out taken",
        "maker release release.toml --out .",
    ] {
        assert_eq!(refused(&bench, line), reason(2, "output-exists"), "{line}");
    }
    assert_eq!(get(&bench, "taken"), b"before");
    assert_eq!(refused(&bench, "maker release release.toml --out none/new"), reason(2, "output-unwritable"));
}

#[test]
fn an_image_that_is_missing_a_folder_or_standard_input_is_refused_with_the_line_of_the_description() {
    let bench = bench();
    std::fs::create_dir(bench.path().join("folder")).unwrap();
    let text = String::from_utf8(get(&bench, "release.toml")).unwrap();
    for (image, expected) in [
        ("gone.hex", reason(2, "input-missing")),
        ("folder", reason(2, "input-not-regular")),
        ("-", reason(2, "usage")),
        ("release.toml", reason(10, "image-record-malformed")),
    ] {
        put(&bench, "changed.toml", text.replace("application.hex", image).as_bytes());
        assert_eq!(refused(&bench, "maker release changed.toml --out new"), expected, "{image}");
        let object = run(&bench, "maker release changed.toml --out new --json").object();
        assert!(object["where"].as_str().unwrap().starts_with("changed.toml line 16: "), "{object}");
    }
    assert!(!bench.path().join("new").exists());
}

#[test]
fn all_faults_of_the_units_are_told_in_json_and_in_text() {
    let bench = bench();
    put(&bench, "units.csv", b"part,serial,hardware,release,condition\nECU-01,S-0001,A,R-7,new\nECU-01,X,A,R-7,used\n");
    let object = run(&bench, "maker shipment shipment.toml --out new --json").object();
    assert_eq!((&object["reason"], &object["where"]), (&"serial-listed-twice".into(), &"units.csv line 2".into()));
    assert_eq!(object["more"][0]["where"], "units.csv line 3: condition");
    let said = run(&bench, "maker shipment shipment.toml --out new");
    assert_eq!(said.status, 10);
    assert!(said.out.contains("ECU-01 S-0001 here and at shipment.toml line 9\n"), "{}", said.out);
    assert!(said.out.contains("where     units.csv line 3: condition\n"), "{}", said.out);
}

#[test]
fn paths_in_a_description_begin_at_its_folder() {
    let bench = bench();
    std::fs::create_dir(bench.path().join("sub")).unwrap();
    for name in ["release.toml", "application.hex", "shipment.toml", "units.csv"] {
        std::fs::rename(bench.path().join(name), bench.path().join("sub").join(name)).unwrap();
    }
    assert_eq!(run(&bench, "maker release sub/release.toml --out r --quiet").out, "accept\n");
    assert_eq!(run(&bench, "maker shipment sub/shipment.toml --out s --quiet").out, "accept\n");
}

#[test]
fn keys_and_certificates_that_are_something_else_are_refused() {
    let bench = bench();
    run(&bench, "maker release release.toml --out r.payload");
    let key = String::from_utf8(get(&bench, "release.key")).unwrap();
    put(&bench, "encrypted.key", key.replace("PRIVATE KEY", "ENCRYPTED PRIVATE KEY").as_bytes());
    put(&bench, "junk.pem", pem("CERTIFICATE", &[0x30, 0]).as_bytes());
    for (key, chain, expected) in [
        ("encrypted.key", "release.pem", reason(2, "private-key-encrypted")),
        ("release.pem", "release.pem", reason(2, "private-key-malformed")),
        ("gone.key", "release.pem", reason(2, "input-missing")),
        ("release.key", "release.key", reason(10, "certificate-malformed")),
        ("release.key", "junk.pem", reason(10, "certificate-malformed")),
        ("release.key", "gone.pem", reason(2, "input-missing")),
        ("release.key", "shipment.pem issuing.pem", reason(10, "signing-key-differs")),
        ("release.key", "issuing.pem release.pem", reason(10, "signing-key-differs")),
        ("shipment.key", "shipment.pem issuing.pem", reason(10, "purpose-missing")),
        ("expired.key", "expired.pem issuing.pem", reason(10, "certificate-expired")),
    ] {
        let line = format!("maker sign r.payload --key {key} --chain {chain} --out new");
        assert_eq!(refused(&bench, &line), expected, "{line}");
    }
    assert!(!bench.path().join("new").exists());
}

#[test]
fn a_payload_that_is_something_else_is_refused() {
    let bench = bench();
    run(&bench, "maker release release.toml --out r.payload");
    run(&bench, "maker sign r.payload --key release.key --chain release.pem --out r.json");
    put(&bench, "empty", b"");
    for (payload, expected) in [
        ("r.json", reason(10, "predicate-type-wrong")),
        ("release.toml", reason(10, "json-syntax")),
        ("application.hex", reason(10, "json-syntax")),
        ("empty", reason(10, "input-empty")),
        ("gone", reason(2, "input-missing")),
    ] {
        let line = format!("maker sign {payload} --key release.key --chain release.pem --out new");
        assert_eq!(refused(&bench, &line), expected, "{line}");
    }
}

/// The clock of tests moves nothing here: a manifest signed with an expired certificate is of no use to anybody.
#[test]
fn ecugate_now_does_not_make_an_expired_certificate_good() {
    let bench = bench();
    run(&bench, "maker release release.toml --out r.payload");
    let line = "maker sign r.payload --key expired.key --chain expired.pem --out new --quiet";
    let mut command = bench.command(&line.split(' ').collect::<Vec<_>>());
    let output = command.env("ECUGATE_NOW", "2020-01-01T00:00:00Z").output().unwrap();
    assert_eq!((output.status.code(), output.stdout.as_slice()), (Some(10), b"reject\n".as_slice()));
}
