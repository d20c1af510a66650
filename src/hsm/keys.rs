//! Keys on a token that is logged in: found by label, used through one kept session, made so that they cannot leave.

use super::certificates::{bytes, objects};
use super::exchange::KeyKind;
use super::fault::TokenFault;
use super::name::{TokenKey, TokenName};
use super::pin::Pin;
use super::point;
use super::rv;
use super::tokens::{Key, State, auth};
use cryptoki::error::{Error, RvError};
use cryptoki::mechanism::Mechanism;
use cryptoki::mechanism::eddsa::{EddsaParams, EddsaSignatureScheme};
use cryptoki::object::{Attribute, AttributeType, ObjectClass};
use cryptoki::session::{Session, UserType};
use sha2::Digest as _;

/// Longest label of a token (PKCS#11 3.1, CK_TOKEN_INFO). A longer one would be cut without a word.
const TOKEN_LABEL_BYTES: usize = 32;
/// Shortest PIN that is set: SoftHSM's least; it calls a shorter one "incorrect".
const PIN_BYTES_LEAST: usize = 4;

impl State {
    /// The public half as the token states it.
    pub(super) fn public_key(&mut self, token: &TokenName, label: &str) -> Result<Vec<u8>, TokenFault> {
        self.key(token, label).map(|key| key.spki)
    }

    /// `CKA_ID` of the key.
    pub(super) fn key_id(&mut self, token: &TokenName, label: &str) -> Result<Vec<u8>, TokenFault> {
        self.key(token, label).map(|key| key.id)
    }

    /// Signs; ECDSA comes back in DER. Nothing here says that the signature is right.
    pub(super) fn sign(&mut self, token: &TokenName, label: &str, message: &[u8]) -> Result<Vec<u8>, TokenFault> {
        let key = self.key(token, label)?;
        let Some(open) = self.open.get(token) else { return Err(key_missing(token, label)) };
        let raw = match key.kind {
            // No module is asked to hash: CKM_ECDSA_SHA256 is missing in many.
            KeyKind::P256 => open.session.sign(&Mechanism::Ecdsa, key.private, &sha2::Sha256::digest(message)),
            // Pure only: SoftHSM ignores the parameters of the other two and signs as if pure.
            KeyKind::Ed25519 => {
                let pure = EddsaParams::new(EddsaSignatureScheme::Pure);
                open.session.sign(&Mechanism::Eddsa(pure), key.private, message)
            }
        };
        let raw = raw.map_err(|error| {
            if is_stale(&error) {
                // Handles of a token that went away stay dead after it came back. Whoever wants to go on logs in anew.
                self.open.remove(token);
            }
            TokenFault::SignerFailed {
                key: Box::new(TokenKey::new(token, label)),
                found: rv::words(&error).to_owned(),
                detail: rv::detail(&error),
            }
        })?;
        match key.kind {
            KeyKind::Ed25519 => Ok(raw),
            KeyKind::P256 => match p256::ecdsa::Signature::from_slice(&raw) {
                Ok(signature) => Ok(signature.to_der().as_bytes().to_vec()),
                Err(_) => Err(TokenFault::SignerLied {
                    key: Box::new(TokenKey::new(token, label)),
                    found: format!("{} bytes that are no r and s of P-256", raw.len()),
                }),
            },
        }
    }

    /// Makes a key pair: private, sensitive, not extractable, kept on the token.
    pub(super) fn generate(
        &mut self,
        token: &TokenName,
        label: &str,
        kind: KeyKind,
        id: [u8; 16],
    ) -> Result<Vec<u8>, TokenFault> {
        if !self.open.contains_key(token) {
            return Err(key_missing(token, label));
        }
        let what = format!("the key {label:?} on the token {token}");
        let not_written = rv::not_written(&what);
        let (slot, _) = self.find(token)?;
        let session = self.pkcs11.open_rw_session(slot).map_err(&not_written)?;
        for class in [ObjectClass::PRIVATE_KEY, ObjectClass::PUBLIC_KEY] {
            if !objects(&session, token, &named(class, label))?.is_empty() {
                let found = "a key of this label is there already".to_owned();
                return Err(TokenFault::NotWritten { what: what.clone(), found, detail: String::new() });
            }
        }
        let (mechanism, parameters) = match kind {
            KeyKind::P256 => (Mechanism::EccKeyPairGen, point::P256_PARAMETERS.to_vec()),
            KeyKind::Ed25519 => (Mechanism::EccEdwardsKeyPairGen, point::ED25519_NAME.to_vec()),
        };
        let both = [Attribute::Token(true), Attribute::Label(label.as_bytes().to_vec()), Attribute::Id(id.to_vec())];
        // Modules give a key every use that is not denied to it.
        let public = [
            Attribute::Private(false),
            Attribute::EcParams(parameters),
            Attribute::Verify(true),
            Attribute::Encrypt(false),
            Attribute::Wrap(false),
        ];
        let private = [
            Attribute::Private(true),
            Attribute::Sensitive(true),
            Attribute::Extractable(false),
            Attribute::Sign(true),
            Attribute::Decrypt(false),
            Attribute::Unwrap(false),
            Attribute::Derive(false),
        ];
        let public = [&both[..], &public].concat();
        let private = [&both[..], &private].concat();
        session.generate_key_pair(&mechanism, &public, &private).map_err(&not_written)?;
        self.public_key(token, label)
    }

    /// Makes a token in an empty slot. Its slot number changes by that, so it is looked for anew.
    pub(super) fn init_token(&mut self, label: &str, officer_pin: &Pin, pin: &Pin) -> Result<TokenName, TokenFault> {
        let what = format!("the token {label:?}");
        let refused =
            |found: &str| TokenFault::NotWritten { what: what.clone(), found: found.to_owned(), detail: String::new() };
        if label.is_empty() || label.len() > TOKEN_LABEL_BYTES || label.trim_end() != label {
            return Err(refused("its label is empty, longer than 32 bytes, or ends in a blank"));
        }
        if [officer_pin, pin].iter().any(|pin| pin.expose().len() < PIN_BYTES_LEAST) {
            return Err(refused("a PIN is shorter than 4 bytes"));
        }
        let not_written = rv::not_written(&what);
        let before: Vec<TokenName> = self.survey()?.tokens.into_iter().map(|(name, ..)| name).collect();
        let slots = self.pkcs11.get_slots_with_token().map_err(&not_written)?;
        let empty = slots
            .into_iter()
            .find(|slot| self.pkcs11.get_token_info(*slot).is_ok_and(|token| !token.token_initialized()))
            .ok_or_else(|| refused("the module shows no empty slot"))?;
        self.pkcs11.init_token(empty, &auth(officer_pin), label).map_err(&not_written)?;
        let mut fresh =
            self.survey()?.tokens.into_iter().filter(|(name, ..)| name.label == label && !before.contains(name));
        let (Some((name, slot, _)), None) = (fresh.next(), fresh.next()) else {
            return Err(refused("the module does not show exactly one new token of this label"));
        };
        let session = self.pkcs11.open_rw_session(slot).map_err(&not_written)?;
        session.login(UserType::So, Some(&auth(officer_pin))).map_err(&not_written)?;
        session.init_pin(&auth(pin)).map_err(&not_written)?;
        session.logout().map_err(&not_written)?;
        Ok(name)
    }

    fn key(&mut self, token: &TokenName, label: &str) -> Result<Key, TokenFault> {
        let Some(open) = self.open.get_mut(token) else { return Err(key_missing(token, label)) };
        if let Some(key) = open.keys.get(label) {
            return Ok(key.clone());
        }
        let key = find_key(&open.session, token, label)?;
        open.keys.insert(label.to_owned(), key.clone());
        Ok(key)
    }
}

/// The one private key of a label, and the one public key of the same label and id.
fn find_key(session: &Session, token: &TokenName, label: &str) -> Result<Key, TokenFault> {
    let unusable = |expected: &str, found: String| TokenFault::KeyUnusable {
        key: Box::new(TokenKey::new(token, label)),
        expected: expected.to_owned(),
        found,
    };
    let private = match objects(session, token, &named(ObjectClass::PRIVATE_KEY, label))?.as_slice() {
        [private] => *private,
        [] => return Err(key_missing(token, label)),
        more => return Err(unusable("one private key", format!("{} of this label", more.len()))),
    };
    let id = bytes(session, private, AttributeType::Id);
    let mut template = named(ObjectClass::PUBLIC_KEY, label);
    template.push(Attribute::Id(id.clone()));
    let public = match objects(session, token, &template)?.as_slice() {
        [public] => *public,
        found => {
            return Err(unusable("one public key of the same label and id", format!("{} of them", found.len())));
        }
    };
    let kind = point::kind(&bytes(session, public, AttributeType::EcParams))
        .ok_or_else(|| unusable("P-256 or Ed25519", "a key of another kind".to_owned()))?;
    let ec_point = bytes(session, public, AttributeType::EcPoint);
    let spki = point::spki(kind, &ec_point)
        .ok_or_else(|| unusable("an uncompressed public point", format!("{} bytes", ec_point.len())))?;
    Ok(Key { private, kind, id, spki })
}

fn named(class: ObjectClass, label: &str) -> Vec<Attribute> {
    vec![Attribute::Class(class), Attribute::Label(label.as_bytes().to_vec())]
}

fn key_missing(token: &TokenName, label: &str) -> TokenFault {
    TokenFault::KeyMissing { key: Box::new(TokenKey::new(token, label)) }
}

fn is_stale(error: &Error) -> bool {
    matches!(
        error,
        Error::Pkcs11(
            RvError::SessionHandleInvalid
                | RvError::SessionClosed
                | RvError::ObjectHandleInvalid
                | RvError::KeyHandleInvalid
                | RvError::UserNotLoggedIn
                | RvError::DeviceRemoved
                | RvError::TokenNotPresent,
            _
        )
    )
}
