//! `maker sign` with a key on SoftHSM: made by our requests and by the vendor's own tools.

use crate::pki::{DAY, Party, Spec};
use crate::softhsm::{make, module, pin, trial};
use crate::world::arcs;
use ecugate::hsm::{Answer, KeyKind, Request, TokenName, Tokens as _, softhsm};
use ecugate_verifier::documents::document;
use ecugate_verifier::documents::envelope::Envelope;
use ecugate_verifier::documents::manifest::release::Release;
use ecugate_verifier::syntax::certificate::Certificate;
use ecugate_verifier::values::ident::purpose;
use ecugate_verifier::values::limits::Limits;
use libtest_mimic::Trial;
use serde_json::Value;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{SystemTime, UNIX_EPOCH};

pub(crate) fn trials() -> Vec<Trial> {
    vec![
        trial("maker_sign_takes_keys_of_both_kinds_on_a_token_and_names_the_token", &[both_kinds]),
        trial("maker_sign_takes_a_key_that_the_tools_of_softhsm_and_opensc_made", &[foreign_tools]),
        trial("attack_32_maker_sign_takes_no_token_of_several_and_no_key_of_another_id_or_certificate", &[refused]),
        trial("attack_37_maker_sign_shows_no_pin_whatever_goes_wrong", &[no_pin_shown]),
    ]
}

/// The PIN of these trials: nothing else that is printed holds these digits.
const PIN: &str = "4711081547";

/// A public key by its SubjectPublicKeyInfo, for a certificate.
struct OnToken(Vec<u8>);

impl rcgen::PublicKeyData for OnToken {
    /// The key alone: 65 bytes of a point of P-256, 32 of Ed25519.
    fn der_bytes(&self) -> &[u8] {
        let length = if self.0.len() > 60 { 65 } else { 32 };
        &self.0[self.0.len() - length..]
    }

    fn algorithm(&self) -> &'static rcgen::SignatureAlgorithm {
        if self.0.len() > 60 { &rcgen::PKCS_ECDSA_P256_SHA256 } else { &rcgen::PKCS_ED25519 }
    }
}

struct Said {
    status: i32,
    text: String,
}

impl Said {
    fn object(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|error| panic!("{error}: {}", self.text))
    }

    fn reason(&self) -> (i32, String) {
        (self.status, self.object()["reason"].as_str().unwrap_or("none").to_owned())
    }
}

/// Runs the program in the folder of the test; no run prints the PIN, in either form of the answer.
fn ecugate(folder: &Path, arguments: &[&str]) -> Said {
    let mut command = Command::new(env!("CARGO_BIN_EXE_ecugate"));
    let output = command.args(arguments).current_dir(folder).stdin(Stdio::null()).output().unwrap();
    let text = String::from_utf8([output.stdout, output.stderr].concat()).unwrap();
    assert!(!text.contains(PIN), "{arguments:?}: {text}");
    Said { status: output.status.code().unwrap(), text }
}

/// `maker sign` with this key and more arguments; in JSON, and refusals in text too.
fn sign(folder: &Path, key: &str, more: &[&str]) -> Said {
    let out = folder.join("signed.json");
    let _ = std::fs::remove_file(&out);
    let module = softhsm().unwrap().display().to_string();
    let mut arguments = vec!["maker", "sign", "payload", "--key", key, "--chain", "leaf.der", "issuing.der"];
    if !more.contains(&"--module") && !key.contains("module-") {
        arguments.extend(["--module", module.as_str()]);
    }
    arguments.extend_from_slice(more);
    arguments.extend(["--out", "signed.json"]);
    let said = ecugate(folder, &[&arguments[..], &["--json"]].concat());
    if said.status != 0 {
        assert!(!out.exists());
        assert_eq!(ecugate(folder, &arguments).status, said.status);
    }
    said
}

/// A payload, a CA, a certificate for the key, and the PIN in a file.
fn prepare(folder: &Path, spki: &[u8]) {
    for (name, bytes) in [
        ("release.toml", &include_bytes!("../../testdata/maker/release.toml")[..]),
        ("application.hex", include_bytes!("../../testdata/maker/application.hex")),
    ] {
        std::fs::write(folder.join(name), bytes).unwrap();
    }
    let _ = std::fs::remove_file(folder.join("payload"));
    assert_eq!(ecugate(folder, &["maker", "release", "release.toml", "--out", "payload"]).status, 0);
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
    let valid = |spec: Spec| spec.with(|spec| (spec.not_before, spec.not_after) = (now - DAY, now + DAY));
    let root = Party::root(valid(Spec::ca("Root")));
    let issuing = root.issue(valid(Spec::ca("Issuing")));
    let spec = valid(Spec::leaf("Signer")).with(|spec| spec.purposes = vec![arcs(purpose::RELEASE)]);
    std::fs::write(folder.join("leaf.der"), issuing.certify_key(&spec, &OnToken(spki.to_vec()))).unwrap();
    std::fs::write(folder.join("issuing.der"), &issuing.der).unwrap();
    let file = folder.join("pin");
    std::fs::write(&file, format!("{PIN}\n")).unwrap();
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o600)).unwrap();
}

/// The signature on what was written is of the key in the first certificate.
fn verified(folder: &Path) {
    let limits = &Limits::STANDARD;
    let envelope = Envelope::parse(&std::fs::read(folder.join("signed.json")).unwrap(), limits).unwrap();
    let leaf = Certificate::from_der(&std::fs::read(folder.join("leaf.der")).unwrap(), limits).unwrap();
    let verified = envelope.verify_with(&leaf.public_key().unwrap()).unwrap();
    let release: Release = document::read(&verified, limits).unwrap();
    assert_eq!(release.release.as_str(), "R-7");
}

fn pin_source(folder: &Path) -> String {
    format!("pin-source=file:{}", folder.join("pin").display())
}

fn make_token(label: &str) -> TokenName {
    let request = Request::InitToken { label: label.to_owned(), officer_pin: pin("98765432"), pin: pin(PIN) };
    match module().ask(request).unwrap() {
        Answer::Token(name) => name,
        other => panic!("{other:?}"),
    }
}

fn make_key(token: &TokenName, label: &str, kind: KeyKind) -> Vec<u8> {
    module().log_in(token, pin(PIN)).unwrap();
    match module().ask(Request::GenerateKey { token: token.clone(), key: label.to_owned(), kind, id: [7; 16] }).unwrap()
    {
        Answer::PublicKey(spki) => spki,
        other => panic!("{other:?}"),
    }
}

fn both_kinds(folder: &Path) {
    let token = make_token("maker token");
    let source = pin_source(folder);
    let module = softhsm().unwrap().display().to_string();
    for (label, kind) in [("p256", KeyKind::P256), ("ed25519", KeyKind::Ed25519)] {
        let spki = make_key(&token, label, kind);
        prepare(folder, &spki);
        let id = self::module().key_id(&token, label).unwrap();
        let id: String = id.iter().map(|byte| format!("%{byte:02x}")).collect();
        let whole = format!(
            "pkcs11:token=maker%20token;serial={};manufacturer=SoftHSM%20project;model=SoftHSM%20v2;object={label};\
             type=private;id={id}?{source}&module-path={module}",
            token.serial
        );
        let said = sign(folder, &whole, &[]);
        assert_eq!(said.status, 0, "{}", said.text);
        let object = said.object();
        assert_eq!(
            (&object["token"]["label"], &object["token"]["serial"]),
            (&"maker token".into(), &token.serial.clone().into())
        );
        assert_eq!((&object["signer"], &object["notes"]), (&"CN=Signer".into(), &Value::Array(Vec::new())));
        verified(folder);

        // Without the serial number the one token is taken, and it is said which.
        let said = sign(folder, &format!("pkcs11:token=maker%20token;object={label}?{source}"), &[]);
        let note = format!(
            "the URI states no serial number: \"maker token\" (serial \"{}\") was the only token of its label",
            token.serial
        );
        assert_eq!((said.status, &said.object()["notes"][0]), (0, &note.into()));
        verified(folder);
    }
}

fn foreign_tools(folder: &Path) {
    let module = softhsm().unwrap().display().to_string();
    let run = |program: &str, arguments: &[&str]| {
        let output = Command::new(program).args(arguments).current_dir(folder).output().unwrap();
        let said = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
        assert!(output.status.success(), "{program} {arguments:?}: {said}");
    };
    // As docs/maker.md has it, but for the PINs, which a person types there.
    run("softhsm2-util", &["--init-token", "--free", "--label", "acme-signing", "--so-pin", "98765432", "--pin", PIN]);
    let login = ["--module", &module, "--token-label", "acme-signing", "--login", "--pin", PIN];
    let make = ["--keypairgen", "--key-type", "EC:prime256v1", "--label", "release-2026", "--id", "01", "--usage-sign"];
    run("pkcs11-tool", &[&login[..], &make].concat());
    let read = ["--read-object", "--type", "pubkey", "--label", "release-2026", "--output-file", "release.spki"];
    run("pkcs11-tool", &[&["--module", &module, "--token-label", "acme-signing"][..], &read].concat());
    prepare(folder, &std::fs::read(folder.join("release.spki")).unwrap());
    let source = pin_source(folder);
    let said = sign(folder, &format!("pkcs11:token=acme-signing;object=release-2026;id=%01?{source}"), &[]);
    assert_eq!(said.status, 0, "{}", said.text);
    verified(folder);
}

fn refused(folder: &Path) {
    let token = make_token("maker");
    let spki = make_key(&token, "release", KeyKind::P256);
    make_key(&token, "other", KeyKind::P256);
    prepare(folder, &spki);
    let source = pin_source(folder);
    let module = softhsm().unwrap().display().to_string();
    let answer = |status: i32, reason: &str| (status, reason.to_owned());
    let named = |rest: &str| format!("pkcs11:token=maker;serial={};{rest}?{source}", token.serial);
    for (key, expected) in [
        // The wrong key, though the token signs with it.
        (named("object=other"), answer(10, "signing-key-differs")),
        (named("object=none"), answer(2, "token-key-missing")),
        (named("object=release;id=%01"), answer(2, "token-key-unusable")),
        (named("object=release;type=public"), answer(2, "usage")),
        (named("object=release;slot-id=0"), answer(2, "usage")),
        (named("object=release;model=another"), answer(2, "token-absent")),
        (named("id=%01"), answer(2, "usage")),
        (format!("pkcs11:object=release?{source}"), answer(2, "usage")),
        (format!("pkcs11:token=gone;object=release?{source}"), answer(2, "token-absent")),
        (format!("pkcs11:token=maker;serial=0;object=release?{source}"), answer(2, "token-wrong-serial")),
        (format!("pkcs11:token=maker;object=release?{source}&module-name=softhsm2"), answer(2, "usage")),
        (format!("pkcs11:token=maker;object=release?{source}&module-path=/gone.so"), answer(2, "module-missing")),
        (format!("pkcs11:token=maker;object=release;x-a=b?{source}"), answer(2, "usage")),
        ("pkcs11:token=maker;object=release?pin-source=|cat%20pin".to_owned(), answer(2, "usage")),
        ("pkcs11:token=maker;object=release?pin-source=file:/gone".to_owned(), answer(2, "pin-missing")),
        ("pkcs11:token=maker;object=release?pin-source=env:ECUGATE_NO_PIN".to_owned(), answer(2, "pin-missing")),
    ] {
        assert_eq!(sign(folder, &key, &[]).reason(), expected, "{key}");
    }
    let twice = format!("pkcs11:token=maker;object=release?{source}&module-path={module}");
    assert_eq!(sign(folder, &twice, &["--module", "/another.so"]).reason(), answer(2, "usage"));
    assert_eq!(sign(folder, "leaf.der", &["--module", &module]).reason(), answer(2, "usage"));
    assert_eq!(sign(folder, &named("object=release"), &[]).status, 0);

    let second = make(&self::module(), "maker");
    let both = sign(folder, &format!("pkcs11:token=maker;object=release?{source}"), &[]);
    assert_eq!(both.reason(), answer(2, "token-ambiguous"));
    let found = both.object()["found"].as_str().unwrap().to_owned();
    assert!(found.contains(&token.serial) && found.contains(&second.serial), "{found}");
    assert_eq!(sign(folder, &named("object=release"), &[]).status, 0);
}

fn no_pin_shown(folder: &Path) {
    let token = make_token("maker");
    let spki = make_key(&token, "release", KeyKind::P256);
    prepare(folder, &spki);
    let module = softhsm().unwrap().display().to_string();
    let usage = (2, "usage".to_owned());
    for key in [
        format!("pkcs11:token=maker;object=release?pin-value={PIN}"),
        format!("PKCS11:token=maker;object=release?Pin-Value={PIN}"),
        format!("pkcs11:token=maker;object=release;pin-value={PIN}"),
        format!(" pkcs11:token=maker;object=release?pin-value={PIN}"),
        format!("pkcs11:token=maker;object=release?pin={PIN}"),
        format!("pkcs11:token=maker;object=release?{PIN}"),
        format!("pkcs11:token=maker;object=release?pin-source={PIN}"),
        format!("pkcs11:token=maker;object=release?pin-source=|echo%20{PIN}"),
        format!("pkcs11:token=maker;object=release?pin-source=file://{PIN}/a"),
    ] {
        assert_eq!(sign(folder, &key, &["--module", &module]).reason(), usage, "{key}");
    }
    // Where the line itself cannot be read, and would be shown.
    for arguments in [
        vec!["maker", "sign", "payload", "pkcs11:?pin-value=4711081547", "--key", "a", "--chain", "b"],
        vec!["maker", "sign", "--kye=pkcs11:?pin-value=4711081547"],
        vec!["maker", "sign", "--kye=pkcs11:?pin-value=4711081547", "--json"],
    ] {
        assert_eq!(ecugate(folder, &arguments).status, 2);
    }

    // A file that others may read, and a PIN that is wrong: another token's.
    let file = folder.join("pin");
    let key = format!("pkcs11:token=maker;object=release?{}", pin_source(folder));
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o644)).unwrap();
    assert_eq!(sign(folder, &key, &[]).reason(), (2, "pin-exposed".to_owned()));
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o600)).unwrap();
    make(&self::module(), "other");
    let other = format!("pkcs11:token=other;object=release?{}", pin_source(folder));
    assert_eq!(sign(folder, &other, &[]).reason(), (2, "pin-wrong".to_owned()));
    assert_eq!(sign(folder, &key, &[]).status, 0);
}
