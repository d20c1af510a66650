//! Public keys and signatures: one rule for each algorithm, shared by every document, note and seam.
//!
//! A key comes as DER SubjectPublicKeyInfo (RFC 5280 section 4.1.2.7). The algorithm follows from the key, never from
//! the document that carries the signature: [`PublicKey::verify`] has no algorithm argument.

use super::digest::Sha256;
use super::reason::Reason;
use ed25519_dalek::pkcs8::DecodePublicKey as _;
use rsa::traits::PublicKeyParts as _;
use sha2::Digest as _;
use spki::EncodePublicKey as _;

mod publicly_known;

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
}

#[cfg(test)]
mod tests {
    use super::{Algorithm, Encoding, KeyFault, PublicKey};
    use ed25519_dalek::Signer as _;
    use proptest::prelude::{ProptestConfig, any, proptest};
    use spki::EncodePublicKey as _;

    /// Ed25519 with the parameters field as given (absent: empty).
    fn ed25519(parameters: &[u8], point: &[u8; 32]) -> Vec<u8> {
        let algorithm = der(0x30, &[b"\x06\x03\x2b\x65\x70", parameters].concat());
        der(0x30, &[algorithm, der(0x03, &[b"\0".as_slice(), point].concat())].concat())
    }

    /// RSA with the parameters field, modulus and exponent as given.
    fn rsa(parameters: &[u8], modulus: &[u8], exponent: &[u8]) -> Vec<u8> {
        let algorithm = der(0x30, &[b"\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x01\x01", parameters].concat());
        let numbers = der(0x30, &[der(0x02, modulus), der(0x02, exponent)].concat());
        der(0x30, &[algorithm, der(0x03, &[b"\0".as_slice(), &numbers].concat())].concat())
    }

    fn elliptic(curve: &[u8], point: &[u8]) -> Vec<u8> {
        let algorithm = der(0x30, &[b"\x06\x07\x2a\x86\x48\xce\x3d\x02\x01", curve].concat());
        der(0x30, &[algorithm, der(0x03, &[b"\0".as_slice(), point].concat())].concat())
    }

    fn der(tag: u8, content: &[u8]) -> Vec<u8> {
        let length = u16::try_from(content.len()).unwrap().to_be_bytes();
        let head = match content.len() {
            0..=0x7f => vec![tag, length[1]],
            0x80..=0xff => vec![tag, 0x81, length[1]],
            _ => vec![tag, 0x82, length[0], length[1]],
        };
        [head, content.to_vec()].concat()
    }

    /// A positive DER integer of `bits` bits that is odd.
    fn modulus(bits: usize) -> Vec<u8> {
        let mut bytes = vec![0x5a; bits / 8];
        bytes[0] = 0x80;
        bytes[bits / 8 - 1] = 0x01;
        [vec![0], bytes].concat()
    }

    fn signing_key() -> ed25519_dalek::SigningKey {
        ed25519_dalek::SigningKey::from_bytes(&[7; 32])
    }

    fn p256_point() -> Vec<u8> {
        let key = p256::ecdsa::SigningKey::from_slice(&[7; 32]).unwrap();
        let spki = key.verifying_key().to_public_key_der().unwrap().into_vec();
        spki[spki.len() - 65..].to_vec()
    }

    const P256: &[u8] = b"\x06\x08\x2a\x86\x48\xce\x3d\x03\x01\x07";
    const NULL: &[u8] = b"\x05\x00";
    const F4: &[u8] = b"\x01\x00\x01";

    fn fault(spki: &[u8]) -> KeyFault {
        PublicKey::from_spki(spki).unwrap_err()
    }

    #[test]
    fn a_key_of_each_kind_is_read_and_keeps_its_bytes() {
        let point = signing_key().verifying_key().to_bytes();
        for (spki, algorithm) in [
            (ed25519(b"", &point), Algorithm::Ed25519),
            (elliptic(P256, &p256_point()), Algorithm::EcdsaP256Sha256),
            (rsa(NULL, &modulus(2048), F4), Algorithm::RsaPssSha256),
            (rsa(NULL, &modulus(8192), F4), Algorithm::RsaPssSha256),
        ] {
            let key = PublicKey::from_spki(&spki).unwrap();
            assert_eq!((key.algorithm(), key.spki()), (algorithm, spki.as_slice()));
        }
    }

    /// Attack class 2: one key under two encodings would be two ids, and count twice.
    #[test]
    fn attack_02_a_second_spelling_of_a_key_is_malformed() {
        let point = signing_key().verifying_key().to_bytes();
        let uncompressed = p256_point();
        let compressed = [&[2 | uncompressed[64] & 1], &uncompressed[1..33]].concat();
        let hybrid = [&[6 | uncompressed[64] & 1], &uncompressed[1..]].concat();
        let padded = [vec![0], modulus(2048)].concat();
        for (what, spki) in [
            ("Ed25519 with NULL parameters", ed25519(NULL, &point)),
            ("RSA without parameters", rsa(b"", &modulus(2048), F4)),
            ("RSA with an object identifier as parameters", rsa(P256, &modulus(2048), F4)),
            ("a modulus with a leading zero", rsa(NULL, &padded, F4)),
            ("an exponent with a leading zero", rsa(NULL, &modulus(2048), b"\0\x01\0\x01")),
            ("a compressed point", elliptic(P256, &compressed)),
            ("a hybrid point", elliptic(P256, &hybrid)),
            ("a curve without a name", elliptic(NULL, &uncompressed)),
            ("a byte after the key", [ed25519(b"", &point), vec![0]].concat()),
            ("a key cut short", ed25519(b"", &point)[..43].to_vec()),
            ("nothing", Vec::new()),
        ] {
            assert_eq!(fault(&spki), KeyFault::Malformed, "{what}");
        }
    }

    #[test]
    fn a_key_of_another_kind_is_unsupported() {
        let secp256k1 = b"\x06\x05\x2b\x81\x04\x00\x0a";
        assert_eq!(fault(&elliptic(secp256k1, &p256_point())), KeyFault::Unsupported);
        let mut pss_only = rsa(NULL, &modulus(2048), F4);
        let last_arc =
            pss_only.windows(9).position(|window| window == b"\x2a\x86\x48\x86\xf7\x0d\x01\x01\x01").unwrap();
        pss_only[last_arc + 8] = 0x0a;
        assert_eq!(fault(&pss_only), KeyFault::Unsupported);
    }

    #[test]
    fn a_weak_rsa_key_is_refused() {
        assert_eq!(fault(&rsa(NULL, &modulus(1024), F4)), KeyFault::TooWeak);
        assert_eq!(fault(&rsa(NULL, &modulus(2040), F4)), KeyFault::TooWeak);
        assert_eq!(fault(&rsa(NULL, &modulus(2048), b"\x03")), KeyFault::TooWeak);
        assert_eq!(fault(&rsa(NULL, &modulus(8200), F4)), KeyFault::Malformed);
        assert_eq!(fault(&rsa(NULL, &modulus(2048), b"\x01\x00\x00")), KeyFault::Malformed);
        assert_eq!(fault(&rsa(NULL, &modulus(2048), b"\x01\0\0\0\0\0\x01\x00\x01")), KeyFault::Malformed);
        let mut even = modulus(2048);
        even[256] = 2;
        assert_eq!(fault(&rsa(NULL, &even, F4)), KeyFault::Malformed);
    }

    /// Attack class 10: points of small order, and y of p or more (RFC 8032 section 5.1.3).
    #[test]
    fn attack_10_small_order_and_non_canonical_points_are_refused() {
        let mut reduced = 0;
        for low in 0xed..=0xff_u8 {
            for high in [0x7f, 0xff] {
                let mut point = [0xff; 32];
                (point[0], point[31]) = (low, high);
                assert!(matches!(fault(&ed25519(b"", &point)), KeyFault::Malformed | KeyFault::TooWeak));
                let taken = ed25519_dalek::VerifyingKey::from_bytes(&point);
                reduced += usize::from(taken.is_ok_and(|key| !key.is_weak()));
            }
        }
        assert!(reduced > 0, "the decoder itself refuses them now: the own check can go");
        for small in ["0000000000000000000000000000000000000000000000000000000000000000", ORDER_8] {
            let point = crate::values::digest::hex::decode(small).unwrap().try_into().unwrap();
            assert_eq!(fault(&ed25519(b"", &point)), KeyFault::TooWeak);
        }
    }

    const ORDER_8: &str = "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a";

    /// Attack class 30. The key is test 1 of RFC 8032 section 7.1.
    #[test]
    fn attack_30_a_key_whose_private_half_is_published_is_refused() {
        let point = "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a";
        let point = crate::values::digest::hex::decode(point).unwrap().try_into().unwrap();
        let spki = ed25519(b"", &point);
        assert_eq!(fault(&spki), KeyFault::PubliclyKnown);

        let signature = "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b";
        let signature = crate::values::digest::hex::decode(signature).unwrap();
        let verify = |message| super::verify_untrusted(&spki, Algorithm::Ed25519, Encoding::Der, message, &signature);
        assert_eq!((verify(b""), verify(b"x")), (Ok(()), Err(KeyFault::SignatureInvalid)));
    }

    /// Attack class 6.
    #[test]
    fn attack_06_an_algorithm_that_the_key_cannot_do_is_refused() {
        let key = PublicKey::from_spki(&ed25519(b"", &signing_key().verifying_key().to_bytes())).unwrap();
        let signature = signing_key().sign(b"message").to_bytes();
        assert_eq!(key.verify(b"message", &signature), Ok(()));
        for algorithm in Algorithm::ALL.into_iter().filter(|algorithm| *algorithm != Algorithm::Ed25519) {
            let answer = key.verify_as(algorithm, Encoding::Der, b"message", &signature);
            assert_eq!(answer, Err(KeyFault::WrongAlgorithm), "{}", algorithm.name());
        }
    }

    /// Attack class 10: S + L is the same S for a reader that does not look (RFC 8032 section 5.1.7).
    #[test]
    fn attack_10_a_signature_with_s_of_l_or_more_is_refused() {
        const L: [u8; 32] = [
            0xed, 0xd3, 0xf5, 0x5c, 0x1a, 0x63, 0x12, 0x58, 0xd6, 0x9c, 0xf7, 0xa2, 0xde, 0xf9, 0xde, 0x14, 0, 0, 0, 0,
            0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x10,
        ];
        let key = PublicKey::from_spki(&ed25519(b"", &signing_key().verifying_key().to_bytes())).unwrap();
        let mut signature = signing_key().sign(b"message").to_bytes();
        let mut carry = 0;
        for (byte, add) in signature[32..].iter_mut().zip(L) {
            let sum = u16::from(*byte) + u16::from(add) + carry;
            *byte = sum.to_le_bytes()[0];
            carry = sum >> 8;
        }
        assert_eq!(key.verify(b"message", &signature), Err(KeyFault::SignatureInvalid));
        assert_eq!(key.verify(b"message", &signature[..63]), Err(KeyFault::SignatureMalformed));
    }

    #[test]
    fn an_ecdsa_signature_in_the_other_encoding_is_malformed() {
        use p256::ecdsa::signature::Signer as _;
        let key = PublicKey::from_spki(&elliptic(P256, &p256_point())).unwrap();
        let signer = p256::ecdsa::SigningKey::from_slice(&[7; 32]).unwrap();
        let signature: p256::ecdsa::Signature = signer.sign(b"message");
        let raw = signature.to_bytes();
        let verify = |encoding, bytes: &[u8]| key.verify_as(Algorithm::EcdsaP256Sha256, encoding, b"message", bytes);
        assert_eq!(key.verify(b"message", signature.to_der().as_bytes()), Ok(()));
        assert_eq!(verify(Encoding::P1363, &raw), Ok(()));
        assert_eq!(verify(Encoding::Der, &raw), Err(KeyFault::SignatureMalformed));
        assert_eq!(verify(Encoding::P1363, signature.to_der().as_bytes()), Err(KeyFault::SignatureMalformed));
        assert_eq!(verify(Encoding::P1363, &[0; 64]), Err(KeyFault::SignatureMalformed));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(512))]
        #[test]
        fn arbitrary_bytes_are_never_a_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200), at in 0_usize..300, flip in 1_u8..) {
            let _ = PublicKey::from_spki(&bytes);
            let mut spki = rsa(NULL, &modulus(2048), F4);
            if let Some(byte) = spki.get_mut(at) {
                *byte ^= flip;
            }
            if let Ok(key) = PublicKey::from_spki(&spki) {
                assert_eq!(key.spki(), spki);
                assert!(key.verify(b"", &bytes).is_err());
                assert!(key.verify(b"", &[0x11; 256]).is_err());
            }
        }
    }
}
