//! Signers made in tests.

use crate::values::keys::{PublicKey, Signer};
use spki::EncodePublicKey as _;

/// A key made of one seed byte, so that tests are the same on every run.
pub(crate) struct Pen {
    key: Key,
    public: PublicKey,
}

enum Key {
    Ed25519(ed25519_dalek::SigningKey),
    P256(p256::ecdsa::SigningKey),
}

impl Pen {
    /// An Ed25519 key.
    pub(crate) fn ed25519(seed: u8) -> Self {
        let key = ed25519_dalek::SigningKey::from_bytes(&[seed; 32]);
        let spki = key.verifying_key().to_public_key_der().unwrap();
        Self { public: PublicKey::from_spki(spki.as_bytes()).unwrap(), key: Key::Ed25519(key) }
    }

    /// A P-256 key.
    pub(crate) fn p256(seed: u8) -> Self {
        let key = p256::ecdsa::SigningKey::from_slice(&[seed; 32]).unwrap();
        let spki = key.verifying_key().to_public_key_der().unwrap();
        Self { public: PublicKey::from_spki(spki.as_bytes()).unwrap(), key: Key::P256(key) }
    }
}

impl Signer for Pen {
    type Error = core::convert::Infallible;

    fn public_key(&self) -> &PublicKey {
        &self.public
    }

    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, Self::Error> {
        Ok(match &self.key {
            Key::Ed25519(key) => ed25519_dalek::Signer::sign(key, message).to_bytes().to_vec(),
            Key::P256(key) => {
                let signature: p256::ecdsa::Signature = p256::ecdsa::signature::Signer::sign(key, message);
                signature.to_der().as_bytes().to_vec()
            }
        })
    }
}
