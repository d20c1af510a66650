//! Inputs that are no inputs: what every command says about each.

use crate::pki::{Party, Spec};
use crate::program::Bench;
use crate::world::World;
use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt as _;
use std::process::Command;

/// A folder with one bad input of each kind under its name; those of `files` beside them.
pub(crate) fn bench(files: &[(&str, &[u8])]) -> Bench {
    let world = World::new();
    let certificate = Party::root(Spec::ca("Somebody"));
    let manifest = world.release_envelope();
    let bench = Bench::new(&[
        ("bad/folder/x", b""),
        ("bad/empty", b""),
        ("bad/certificate", &certificate.der),
        ("bad/certificate-cut", &certificate.der[..certificate.der.len() / 2]),
        ("bad/manifest", &manifest),
        ("bad/manifest-cut", &manifest[..manifest.len() / 2]),
        ("bad/image", b":00000001FF\n"),
        ("bad/binary", b"\xff\xfe\x00\x80\xc3\x28"),
        ("bad/key", &spki(&certificate)),
    ]);
    for (name, contents) in files {
        std::fs::write(bench.path().join(name), contents).unwrap();
    }
    assert!(Command::new("mkfifo").arg(bench.path().join("bad/fifo")).status().unwrap().success());
    std::fs::File::create(bench.path().join("bad/sparse")).unwrap().set_len(100 << 30).unwrap();
    bench
}

/// Asserts what the command says about each bad input, which stands for `{}` in the arguments.
#[track_caller]
pub(crate) fn expect(bench: &Bench, arguments: &[&str], rows: &[(&str, i32, &str)]) {
    let mut said = Vec::new();
    for (name, ..) in rows {
        let path = format!("bad/{name}");
        let arguments: Vec<&str> = arguments.iter().map(|one| if *one == "{}" { path.as_str() } else { one }).collect();
        let (status, reason) = verdict(bench, &arguments);
        said.push((*name, status, reason));
    }
    let expected: Vec<_> = rows.iter().map(|(name, status, reason)| (*name, *status, (*reason).to_owned())).collect();
    assert_eq!(said, expected);
}

/// Status and reason of one run, with `--json`.
#[track_caller]
pub(crate) fn verdict(bench: &Bench, arguments: &[&str]) -> (i32, String) {
    let mut all: Vec<OsString> = arguments.iter().map(OsString::from).collect();
    all.push("--json".into());
    let said = bench.run(&all);
    let object = said.object();
    let expected = match said.status {
        0 => "accept",
        2 => "error",
        10 => "reject",
        _ => object["outcome"].as_str().unwrap(),
    };
    let quarantined = object["outcome"] == "quarantine";
    assert!(quarantined || object["outcome"] == expected, "{object}");
    (said.status, object["reason"].as_str().unwrap_or_default().to_owned())
}

/// A file name that is no UTF-8.
pub(crate) fn no_utf8_name() -> OsString {
    OsString::from_vec(b"\xff\xfe".to_vec())
}

/// The SubjectPublicKeyInfo of a party's key.
pub(crate) fn spki(party: &Party) -> Vec<u8> {
    use ecugate_verifier::syntax::certificate::Certificate;
    Certificate::from_der(&party.der, crate::world::LIMITS).unwrap().spki().to_vec()
}
