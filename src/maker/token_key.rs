//! The manufacturer's private key on a token: found by a PKCS#11 URI, opened once, and every signature verified here.

use crate::hsm::uri::Pkcs11Uri;
use crate::hsm::{ExpectedKey, Pin, PinSource, TokenKey, TokenName, TokenSigner, Tokens, key_label, select};
use ecugate_verifier::values::digest::hex;
use ecugate_verifier::values::finding::Finding;
use ecugate_verifier::values::reason::Reason;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// An opened key, and what is to be told about it.
#[derive(Debug)]
pub struct Opened {
    /// Signs, and verifies what it signed.
    pub signer: TokenSigner,
    /// What may be worth a look and is no fault.
    pub notes: Vec<String>,
}

/// The module of a key: by the URI's `module-path`, or by the path that was given beside it.
///
/// # Errors
/// [`Reason::Usage`] where none is named, two are, or the URI has a `module-name`: no folder is searched for it.
pub fn module_of(uri: &Pkcs11Uri, beside: Option<&Path>) -> Result<PathBuf, Finding> {
    let usage = |place: &str, expected: &str, found: &str| Err(Finding::new(Reason::Usage, place, expected, found));
    if uri.module_name.is_some() {
        return usage("module-name", "module-path=, or --module PATH", "module-name: no folder is searched for it");
    }
    match (&uri.module_path, beside) {
        (Some(stated), Some(beside)) if stated != beside => {
            usage("module", "one module", "module-path= in the URI and another --module")
        }
        (Some(module), _) => Ok(module.clone()),
        (None, Some(module)) => Ok(module.to_owned()),
        (None, None) => usage("module", "the path of the PKCS#11 module: --module PATH, or module-path=", "none"),
    }
}

/// Opens the key that `uri` names. `pin` is asked once, when the token is found: at the source that the URI states, or
/// at the prompt.
///
/// # Errors
/// A finding: no such token, more than one, no PIN, a wrong one, no such key, one of another id.
pub fn open(
    uri: &Pkcs11Uri,
    tokens: Arc<dyn Tokens>,
    pin: impl FnOnce(&PinSource, &TokenName) -> Result<Pin, Finding>,
) -> Result<Opened, Finding> {
    let label = key_label(uri)?;
    let selected = select(uri, &tokens.list()?)?;
    let pin = pin(uri.pin_source.as_ref().unwrap_or(&PinSource::Prompt), &selected.name)?;
    let key = TokenKey::new(&selected.name, label);
    let signer = TokenSigner::open(Arc::clone(&tokens), key.clone(), pin, ExpectedKey::OfCertificate)?;
    if let Some(stated) = &uri.id {
        let found = tokens.key_id(&key.token, label)?;
        if found != *stated {
            let (stated, found) = (hex::encode(stated), hex::encode(&found));
            return Err(Finding::new(Reason::TokenKeyUnusable, format!("id of the key {key}"), stated, found));
        }
    }
    let mut notes = Vec::new();
    if !selected.serial_was_stated {
        let token = selected.name;
        notes.push(format!("the URI states no serial number: {token} was the only token of its label"));
    }
    Ok(Opened { signer, notes })
}

#[cfg(test)]
mod tests {
    use super::module_of;
    use crate::hsm::uri::Pkcs11Uri;
    use std::path::{Path, PathBuf};

    #[test]
    fn a_module_is_named_once_by_its_path() {
        let module = |uri: &str, beside: Option<&str>| {
            module_of(&Pkcs11Uri::parse(uri).unwrap(), beside.map(Path::new)).map_err(|finding| finding.reason.code())
        };
        let path = Ok(PathBuf::from("/m.so"));
        assert_eq!(module("pkcs11:?module-path=/m.so", None), path);
        assert_eq!(module("pkcs11:", Some("/m.so")), path);
        assert_eq!(module("pkcs11:?module-path=/m.so", Some("/m.so")), path);
        assert_eq!(module("pkcs11:?module-path=/m.so", Some("/n.so")), Err("usage"));
        assert_eq!(module("pkcs11:", None), Err("usage"));
        assert_eq!(module("pkcs11:?module-name=softhsm2", Some("/m.so")), Err("usage"));
    }
}
