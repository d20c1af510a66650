//! What the manufacturer's side makes, judged by `openssl`: its signatures, and the chain of the demo manufacturer.

use crate::corpus::trial;
use crate::oracle::openssl;
use ecugate_verifier::documents::document;
use ecugate_verifier::documents::envelope::{Envelope, pae};
use ecugate_verifier::documents::manifest::release::Release;
use ecugate_verifier::documents::manifest::shipment::Shipment;
use ecugate_verifier::inputs::trust::path::{PathOptions, Purpose, Revocation, find_path};
use ecugate_verifier::syntax::certificate::certificates;
use ecugate_verifier::values::finding::Finding;
use ecugate_verifier::values::ident::purpose;
use ecugate_verifier::values::limits::Limits;
use ecugate_verifier::values::time::Time;
use libtest_mimic::{Failed, Trial};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::Command;

const LIMITS: &Limits = &Limits::STANDARD;
const SCRIPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/scripts/demo-maker");

pub(crate) fn trials() -> Vec<Trial> {
    vec![
        trial("maker: openssl verifies the demo manufacturer's manifests and chain", openssl(), |_| demo()),
        Trial::test("maker: the demo's purposes are ours", purposes),
    ]
}

fn purposes() -> Result<(), Failed> {
    let text = std::fs::read_to_string(SCRIPT)?;
    let value =
        |name: &str| text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix('=')).unwrap_or_default();
    let common = value("purposes");
    assert_eq!(value("purpose_release").replace("$purposes", common), purpose::RELEASE);
    assert_eq!(value("purpose_shipment").replace("$purposes", common), purpose::SHIPMENT);
    Ok(())
}

/// Runs the script as its user does, and asks both verifiers.
fn demo() -> Result<(), Failed> {
    let folder = tempfile::tempdir()?;
    let firmware = folder.path().join("some firmware.bin");
    std::fs::write(&firmware, [0x5a; 4_096])?;
    let out = folder.path().join("out");
    let mut command = Command::new(SCRIPT);
    command.arg(&out).arg("site-1").arg(&firmware).env("ECUGATE", env!("CARGO_BIN_EXE_ecugate"));
    let output = command.output()?;
    let said = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
    assert!(output.status.success(), "{said}");
    for name in ["root", "issuing", "release-signer", "shipment-signer"] {
        let mode = std::fs::metadata(out.join(format!("{name}.key")))?.permissions().mode() & 0o777;
        assert_eq!(mode, 0o600, "{name}.key");
    }
    for (document, signer, purpose) in [
        ("release.json", "release-signer.pem", purpose::RELEASE),
        ("shipment.json", "shipment-signer.pem", purpose::SHIPMENT),
    ] {
        by_openssl(&out, document, signer)?;
        by_us(&out, document, signer, purpose).map_err(|finding| format!("{document}: {finding:?}"))?;
    }
    let again = command.output()?;
    assert_eq!(again.status.code(), Some(1), "a folder with keys in it is not written into");
    Ok(())
}

fn by_openssl(out: &Path, document: &str, signer: &str) -> Result<(), Failed> {
    let envelope = Envelope::parse(&std::fs::read(out.join(document))?, LIMITS)?;
    std::fs::write(out.join("message"), pae(envelope.payload_type(), envelope.payload()))?;
    std::fs::write(out.join("signature"), envelope.signatures()[0].signature())?;
    let crls = ["root.crl", "issuing.crl"].map(|name| std::fs::read(out.join(name)).unwrap_or_default());
    std::fs::write(out.join("crls.pem"), crls.concat())?;
    let ask = |line: &str| {
        let output = Command::new("openssl").current_dir(out).args(line.split(' ')).output()?;
        let said = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
        if output.status.success() { Ok(said) } else { Err(Failed::from(format!("openssl {line}: {said}"))) }
    };
    std::fs::write(out.join("signer.pub"), ask(&format!("x509 -in {signer} -noout -pubkey"))?)?;
    ask("dgst -sha256 -verify signer.pub -signature signature message")?;
    ask(&format!(
        "verify -x509_strict -crl_check_all -no-CApath -no-CAstore -CAfile root.pem -untrusted issuing.pem -CRLfile crls.pem {signer}"
    ))?;
    Ok(())
}

fn by_us(out: &Path, document: &str, signer: &str, purpose: &str) -> Result<(), Finding> {
    let read = |name: &str| std::fs::read(out.join(name)).unwrap();
    let one = |name: &str| certificates(&read(name), LIMITS);
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs();
    let options = PathOptions {
        at: Time::from_unix_seconds(i64::try_from(now).unwrap()).unwrap(),
        max_intermediates: None,
        purpose: Purpose::Oid(purpose),
        revocation: Revocation::Chain,
        limits: LIMITS,
    };
    let mut crls = Vec::new();
    for name in ["root.crl", "issuing.crl"] {
        crls.extend(ecugate_verifier::syntax::crl::crls(&read(name), LIMITS)?);
    }
    let path = find_path(&one(signer)?[0], &one("issuing.pem")?, &one("root.pem")?, &crls, &options)?;
    let envelope = Envelope::parse(&read(document), LIMITS).map_err(|fault| fault.finding())?;
    let verified = envelope.verify_with(path.leaf_key()).map_err(|fault| fault.finding())?;
    if purpose == purpose::RELEASE {
        document::read::<Release>(&verified, LIMITS).map_err(|fault| fault.finding())?;
    } else {
        document::read::<Shipment>(&verified, LIMITS).map_err(|fault| fault.finding())?;
    }
    Ok(())
}
