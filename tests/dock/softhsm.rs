//! What tests against SoftHSM share: the module, tokens made on the spot, and the module without our border.

use crate::own_process::{self, Stage};
use cryptoki::context::Pkcs11;
use cryptoki::session::Session;
use ecugate::hsm::{
    Answer, CertificateToWrite, ExpectedKey, Module, Pin, Request, TokenName, TokenSigner, Tokens as _, TrialFolder,
    TrialKey, TrialToken, TrialTokens, softhsm,
};
use ecugate_verifier::values::finding::Finding;
use ecugate_verifier::values::reason::Reason;
use libtest_mimic::Trial;
use std::path::Path;
use std::sync::Arc;
use zeroize::Zeroizing;

/// A test whose stages run each in a process of its own, with the SoftHSM configuration of the test's folder. Without
/// SoftHSM it is ignored and says so.
pub(crate) fn trial(name: &'static str, stages: &'static [Stage]) -> Trial {
    match softhsm() {
        Err(why) => Trial::test(format!("{name} (needs: {why})"), || Ok(())).with_ignored_flag(true),
        Ok(_) => Trial::test(name, move || {
            own_process::run(name, |folder| TrialFolder::lay_out(folder).unwrap().environment(), stages)?;
            Ok(())
        }),
    }
}

/// A PIN that a test chooses.
pub(crate) fn pin(text: &str) -> Pin {
    Pin::new(Zeroizing::new(text.to_owned()), "a test").unwrap()
}

pub(crate) fn module() -> Module {
    Module::open(&softhsm().unwrap()).unwrap()
}

pub(crate) fn create(folder: &Path, certificates: &[CertificateToWrite]) -> TrialTokens {
    let layout = TrialFolder::lay_out(folder).unwrap();
    TrialTokens::create(&module(), &layout.environment(), &layout, certificates, &random).unwrap()
}

pub(crate) fn random(bytes: &mut [u8]) -> Result<(), Finding> {
    getrandom::fill(bytes).map_err(|_| Finding::bare(Reason::SignerFailed))
}

pub(crate) fn make(module: &Module, label: &str) -> TokenName {
    let request = Request::InitToken { label: label.to_owned(), officer_pin: pin("4711"), pin: pin("4711") };
    match module.ask(request).unwrap() {
        Answer::Token(name) => name,
        other => panic!("{other:?}"),
    }
}

pub(crate) fn open(token: &TrialToken, key: &TrialKey) -> TokenSigner {
    let pin = Pin::from_file(&token.pin_file).unwrap();
    let expected = ExpectedKey::Recorded(key.public_key.id());
    TokenSigner::open(Arc::new(module()), key.key.clone(), pin, expected).unwrap()
}

pub(crate) fn certificate(name: &str) -> CertificateToWrite {
    let key = rcgen::KeyPair::generate().unwrap();
    let mut wanted = rcgen::CertificateParams::new(Vec::new()).unwrap();
    wanted.distinguished_name.push(rcgen::DnType::CommonName, name);
    CertificateToWrite { label: name.to_owned(), der: wanted.self_signed(&key).unwrap().der().to_vec() }
}

/// The module without our border: what anybody who can load it can do.
pub(crate) fn raw_module() -> Pkcs11 {
    module();
    Pkcs11::new(softhsm().unwrap()).unwrap()
}

pub(crate) fn raw_slot(raw: &Pkcs11, token: &TokenName) -> cryptoki::slot::Slot {
    let is = |slot: &cryptoki::slot::Slot| {
        raw.get_token_info(*slot).is_ok_and(|seen| seen.label() == token.label && seen.serial_number() == token.serial)
    };
    raw.get_slots_with_token().unwrap().into_iter().find(is).unwrap()
}

pub(crate) fn raw_session(token: &TokenName) -> Session {
    let raw = raw_module();
    raw.open_rw_session(raw_slot(&raw, token)).unwrap()
}

pub(crate) fn save(folder: &Path, name: &str, token: &TokenName) {
    std::fs::write(folder.join(name), serde_json::to_string(token).unwrap()).unwrap();
}

pub(crate) fn saved(folder: &Path, name: &str) -> TokenName {
    serde_json::from_str(&std::fs::read_to_string(folder.join(name)).unwrap()).unwrap()
}
