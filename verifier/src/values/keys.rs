//! Public keys and signatures: one rule for each algorithm, shared by every document, note and seam.
//!
//! A key comes as DER SubjectPublicKeyInfo (RFC 5280 section 4.1.2.7). The algorithm follows from the key, never from
//! the document that carries the signature: [`PublicKey::verify`] has no algorithm argument.

use super::digest::Sha256;
use super::reason::Reason;
use super::verified::VerifiedSignatures;
use ed25519_dalek::pkcs8::DecodePublicKey as _;
use rsa::traits::PublicKeyParts as _;
use sha2::Digest as _;
use spki::EncodePublicKey as _;

mod publicly_known;

#[cfg(test)]
mod tests;

/// Smallest RSA modulus: NIST SP 800-131A revision 2, section 3.
const RSA_BITS_LEAST: usize = 2_048;
/// Largest RSA modulus: beyond it a verification is slow enough to be an attack.
const RSA_BITS_MOST: usize = 8_192;
/// Smallest RSA exponent: FIPS 186-5 section A.1.1. (The largest, 2^33 - 1, is the `rsa` crate's own.)
const RSA_EXPONENT_LEAST: u64 = 65_537;

/// A signature algorithm by the name that `ecugate verify signature --alg` takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Algorithm {
    /// RFC 8032 pure Ed25519, verified strictly: no small-order key or R, no non-canonical S.
    Ed25519,
    /// FIPS 186-5 ECDSA over P-256 with SHA-256.
    EcdsaP256Sha256,
    /// FIPS 186-5 ECDSA over P-384 with SHA-384.
    EcdsaP384Sha384,
    /// RFC 8017 RSASSA-PSS, SHA-256, MGF1 with SHA-256, salt of exactly 32 bytes.
    RsaPssSha256,
    /// RFC 8017 RSASSA-PKCS1-v1_5 with SHA-256. For foreign certificates and the seam; never for our documents.
    RsaPkcs1Sha256,
}

impl Algorithm {
    /// Every algorithm.
    pub const ALL: [Self; 5] =
        [Self::Ed25519, Self::EcdsaP256Sha256, Self::EcdsaP384Sha384, Self::RsaPssSha256, Self::RsaPkcs1Sha256];

    /// The name on the command line and in JSON.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Ed25519 => "ed25519",
            Self::EcdsaP256Sha256 => "ecdsa-p256-sha256",
            Self::EcdsaP384Sha384 => "ecdsa-p384-sha384",
            Self::RsaPssSha256 => "rsa-pss-sha256",
            Self::RsaPkcs1Sha256 => "rsa-pkcs1-sha256",
        }
    }
}

/// How an ECDSA signature is written. Ed25519 and RSA have one form and ignore it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Encoding {
    /// DER `SEQUENCE { r, s }` (RFC 3279 section 2.2.3): the form in our documents.
    Der,
    /// `r || s`, each of the length of the curve's order (IEEE P1363): the form of PKCS#11 and JOSE.
    P1363,
}

/// Why a key or a signature is not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeyFault {
    /// The bytes are not the one DER SubjectPublicKeyInfo of a key of their kind: something stands after it, the
    /// parameters are other ones, a point is compressed, not on its curve or not in its canonical form.
    #[error("not the one DER SubjectPublicKeyInfo that a key has")]
    Malformed,
    /// A key of another kind than Ed25519, P-256, P-384, RSA.
    #[error("a key of a kind that is not supported (Ed25519, P-256, P-384 and RSA are)")]
    Unsupported,
    /// RSA outside 2,048 to 8,192 bits, exponent below 65,537, or an Ed25519 point of small order.
    #[error("a key too weak to be trusted")]
    TooWeak,
    /// The private half has been published (boot loaders' and test suites' sample keys).
    #[error("a key whose private half is publicly known")]
    PubliclyKnown,
    /// The algorithm asked for is not one that this key can do.
    #[error("an algorithm that does not belong to this kind of key")]
    WrongAlgorithm,
    /// The signature does not have the form of its algorithm.
    #[error("no signature of the form that the key's algorithm has")]
    SignatureMalformed,
    /// The signature is not one of this key over this message.
    #[error("a signature that this key did not make over these bytes")]
    SignatureInvalid,
}

impl KeyFault {
    /// The reason code.
    #[must_use]
    pub const fn reason(self) -> Reason {
        match self {
            Self::Malformed => Reason::KeyMalformed,
            Self::Unsupported => Reason::KeyUnsupported,
            Self::TooWeak => Reason::KeyTooWeak,
            Self::PubliclyKnown => Reason::KeyPubliclyKnown,
            Self::WrongAlgorithm => Reason::AlgorithmNotForKey,
            Self::SignatureMalformed => Reason::SignatureMalformed,
            Self::SignatureInvalid => Reason::SignatureInvalid,
        }
    }
}

/// A public key that may be used: parsed in full, strong enough, not publicly known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PublicKey {
    spki: Vec<u8>,
    key: Key,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Key {
    Ed25519(ed25519_dalek::VerifyingKey),
    P256(p256::ecdsa::VerifyingKey),
    P384(p384::ecdsa::VerifyingKey),
    Rsa(Box<rsa::RsaPublicKey>),
}

impl PublicKey {
    /// Reads a DER SubjectPublicKeyInfo.
    ///
    /// A key has one spelling here, so that it has one [`PublicKey::id`] and is never counted twice: Ed25519 without
    /// parameters (RFC 8410 section 3), RSA with NULL (RFC 3279 section 2.3.1), elliptic curves named, with the
    /// uncompressed point (RFC 5480 section 2). A key that its owner restricts to one padding (id-RSASSA-PSS, RFC
    /// 4055) is unsupported.
    ///
    /// # Errors
    /// [`KeyFault`] for anything but a strong key of a supported kind, in its one spelling, with no byte after it.
    pub fn from_spki(der: &[u8]) -> Result<Self, KeyFault> {
        let key = Self::read(der)?;
        if publicly_known::contains(&key.id()) { Err(KeyFault::PubliclyKnown) } else { Ok(key) }
    }

    /// All rules of [`PublicKey::from_spki`] but the one that the private half is secret.
    fn read(der: &[u8]) -> Result<Self, KeyFault> {
        let info = spki::SubjectPublicKeyInfoRef::try_from(der).map_err(|_| KeyFault::Malformed)?;
        let key = match info.algorithm.oid.to_string().as_str() {
            "1.3.101.112" => Key::Ed25519(ed25519(der)?),
            "1.2.840.10045.2.1" => elliptic(der, &info)?,
            "1.2.840.113549.1.1.1" => Key::Rsa(Box::new(rsa_key(der)?)),
            _ => return Err(KeyFault::Unsupported),
        };
        if key.written().is_none_or(|written| written != der) {
            return Err(KeyFault::Malformed);
        }
        Ok(Self { spki: der.to_vec(), key })
    }

    /// The bytes it was read from.
    #[must_use]
    pub fn spki(&self) -> &[u8] {
        &self.spki
    }

    /// SHA-256 of the SubjectPublicKeyInfo: the one identity of a key. Key ids in documents are hints.
    #[must_use]
    pub fn id(&self) -> Sha256 {
        Sha256::of(&self.spki)
    }

    /// The algorithm of our documents for this kind of key.
    #[must_use]
    pub const fn algorithm(&self) -> Algorithm {
        match self.key {
            Key::Ed25519(_) => Algorithm::Ed25519,
            Key::P256(_) => Algorithm::EcdsaP256Sha256,
            Key::P384(_) => Algorithm::EcdsaP384Sha384,
            Key::Rsa(_) => Algorithm::RsaPssSha256,
        }
    }

    /// Verifies a signature of our documents: the algorithm is the key's, ECDSA stands in DER.
    ///
    /// # Errors
    /// [`KeyFault::SignatureMalformed`] or [`KeyFault::SignatureInvalid`].
    pub fn verify(&self, message: &[u8], signature: &[u8]) -> Result<(), KeyFault> {
        self.verify_as(self.algorithm(), Encoding::Der, message, signature)
    }

    /// [`PublicKey::verify`], unless this very signature over these bytes was found good before.
    ///
    /// # Errors
    /// As [`PublicKey::verify`].
    pub fn verify_among(
        &self,
        message: &[u8],
        signature: &[u8],
        signatures: &VerifiedSignatures,
    ) -> Result<(), KeyFault> {
        signatures.or_else(&self.id(), message, signature, || self.verify(message, signature))
    }

    /// Verifies a signature by a named algorithm, for the seam and for foreign documents whose *key holder* fixed it.
    ///
    /// # Errors
    /// [`KeyFault::WrongAlgorithm`] where key and algorithm do not belong together; else as [`PublicKey::verify`].
    pub fn verify_as(
        &self,
        algorithm: Algorithm,
        encoding: Encoding,
        message: &[u8],
        signature: &[u8],
    ) -> Result<(), KeyFault> {
        match (&self.key, algorithm) {
            (Key::Ed25519(key), Algorithm::Ed25519) => {
                let signature =
                    ed25519_dalek::Signature::from_slice(signature).map_err(|_| KeyFault::SignatureMalformed)?;
                key.verify_strict(message, &signature).map_err(|_| KeyFault::SignatureInvalid)
            }
            (Key::P256(key), Algorithm::EcdsaP256Sha256) => {
                use p256::ecdsa::{Signature, signature::hazmat::PrehashVerifier as _};
                let signature = match encoding {
                    Encoding::Der => Signature::from_der(signature),
                    Encoding::P1363 => Signature::from_slice(signature),
                }
                .map_err(|_| KeyFault::SignatureMalformed)?;
                key.verify_prehash(&sha2::Sha256::digest(message), &signature).map_err(|_| KeyFault::SignatureInvalid)
            }
            (Key::P384(key), Algorithm::EcdsaP384Sha384) => {
                use p384::ecdsa::{Signature, signature::hazmat::PrehashVerifier as _};
                let signature = match encoding {
                    Encoding::Der => Signature::from_der(signature),
                    Encoding::P1363 => Signature::from_slice(signature),
                }
                .map_err(|_| KeyFault::SignatureMalformed)?;
                key.verify_prehash(&sha2::Sha384::digest(message), &signature).map_err(|_| KeyFault::SignatureInvalid)
            }
            (Key::Rsa(key), Algorithm::RsaPssSha256) => {
                require_representative(key, signature)?;
                let padding = rsa::Pss::<sha2::Sha256>::new_with_salt(32);
                key.verify(padding, &sha2::Sha256::digest(message), signature).map_err(|_| KeyFault::SignatureInvalid)
            }
            (Key::Rsa(key), Algorithm::RsaPkcs1Sha256) => {
                require_representative(key, signature)?;
                let padding = rsa::Pkcs1v15Sign::new::<sha2::Sha256>();
                key.verify(padding, &sha2::Sha256::digest(message), signature).map_err(|_| KeyFault::SignatureInvalid)
            }
            _ => Err(KeyFault::WrongAlgorithm),
        }
    }
}

/// Verifies one signature by a key that is trusted for nothing: the rule of [`PublicKey::verify_as`] without a
/// [`PublicKey`] coming of it, so that test vectors, whose private keys are published, can be run through it.
///
/// # Errors
/// [`KeyFault`] for a key that is malformed, weak or of another kind, and as [`PublicKey::verify_as`].
pub fn verify_untrusted(
    spki: &[u8],
    algorithm: Algorithm,
    encoding: Encoding,
    message: &[u8],
    signature: &[u8],
) -> Result<(), KeyFault> {
    PublicKey::read(spki)?.verify_as(algorithm, encoding, message, signature)
}

impl Key {
    /// The SubjectPublicKeyInfo as we would write it.
    fn written(&self) -> Option<Vec<u8>> {
        match self {
            Self::Ed25519(key) => key.to_public_key_der(),
            Self::P256(key) => key.to_public_key_der(),
            Self::P384(key) => key.to_public_key_der(),
            Self::Rsa(key) => key.to_public_key_der(),
        }
        .ok()
        .map(spki::Document::into_vec)
    }
}

/// The decoder takes a y of p or more (19 values) and reduces it; RFC 8032 section 5.1.3 step 1 refuses it.
fn ed25519(der: &[u8]) -> Result<ed25519_dalek::VerifyingKey, KeyFault> {
    let key = ed25519_dalek::VerifyingKey::from_public_key_der(der).map_err(|_| KeyFault::Malformed)?;
    if key.is_weak() {
        return Err(KeyFault::TooWeak);
    }
    if key.to_edwards().compress().as_bytes() != key.as_bytes() {
        return Err(KeyFault::Malformed);
    }
    Ok(key)
}

fn elliptic(der: &[u8], info: &spki::SubjectPublicKeyInfoRef<'_>) -> Result<Key, KeyFault> {
    let curve = info.algorithm.parameters_oid().map_err(|_| KeyFault::Malformed)?;
    match curve.to_string().as_str() {
        "1.2.840.10045.3.1.7" => {
            p256::ecdsa::VerifyingKey::from_public_key_der(der).map(Key::P256).map_err(|_| KeyFault::Malformed)
        }
        "1.3.132.0.34" => {
            p384::ecdsa::VerifyingKey::from_public_key_der(der).map(Key::P384).map_err(|_| KeyFault::Malformed)
        }
        _ => Err(KeyFault::Unsupported),
    }
}

fn rsa_key(der: &[u8]) -> Result<rsa::RsaPublicKey, KeyFault> {
    let key = rsa::RsaPublicKey::from_public_key_der(der).map_err(|_| KeyFault::Malformed)?;
    let bits = key.n().bit_width_vartime() as usize;
    let exponent = key.e_bytes();
    let exponent = exponent.iter().skip_while(|byte| **byte == 0).fold(0_u64, |sum, byte| sum << 8 | u64::from(*byte));
    if !(RSA_BITS_LEAST..=RSA_BITS_MOST).contains(&bits) || exponent < RSA_EXPONENT_LEAST {
        return Err(KeyFault::TooWeak);
    }
    Ok(key)
}

/// A signature is as long as the modulus and, as a number, below it (RFC 8017 sections 8.1.2 and 5.2.2 step 1):
/// else one signature has two spellings.
fn require_representative(key: &rsa::RsaPublicKey, signature: &[u8]) -> Result<(), KeyFault> {
    let modulus = key.n_bytes();
    let modulus = modulus.get(modulus.len().saturating_sub(key.size())..).unwrap_or_default();
    if signature.len() != modulus.len() {
        Err(KeyFault::SignatureMalformed)
    } else if signature >= modulus {
        Err(KeyFault::SignatureInvalid)
    } else {
        Ok(())
    }
}

/// Signs messages: a PEM key on the manufacturer's side, a token's key at the gate, a key made in a test.
///
/// Whoever calls it verifies what it answers with [`Signer::public_key`] before using it: a token may lie.
pub trait Signer {
    /// Why it could not sign.
    type Error;

    /// The public half.
    fn public_key(&self) -> &PublicKey;

    /// Signs in the form of our documents (ECDSA in DER).
    ///
    /// # Errors
    /// Whatever keeps the key from being used.
    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, Self::Error>;

    /// Where it keeps its signatures that it has verified itself, so that nobody verifies them again: nowhere, unless
    /// it says so. What is not there is verified by whoever asked for it.
    fn verified(&self) -> &VerifiedSignatures {
        VerifiedSignatures::NONE
    }
}
