//! The leaf of the ledger: what is hashed into its tree for one entry.
//!
//! A leaf is the RFC 8785 (JCS) form of a Rekor v2 entry of kind `hashedrekord`, version 0.0.2: the digest of the DSSE
//! pre-authentication encoding, one signature over it and the key that made it (`sigstore/rekor-tiles`,
//! `api/proto/rekor/v2/{entry,hashedrekord,verifier}.proto` in protobuf JSON, members sorted). Verifiers of Sigstore
//! bundles therefore check our inclusion proofs, and a mirror of leaves sees no serial number.
//!
//! That form leaves no freedom: four values in base64 (whose alphabet needs no JSON escape) between fixed text. So it
//! is written and read as exactly that, and whatever differs by one byte is refused. The leaf is stored as hashed and
//! never written anew.
//!
//! The signature is the **first** of its envelope: that is the one which Sigstore verifiers compare with the leaf.
//! It is ECDSA P-256 with SHA-256 in DER; Rekor takes no Ed25519 here, because Ed25519 signs more than a digest.

use crate::syntax::merkle;
use crate::values::digest::Sha256;
use crate::values::finding::Finding;
use crate::values::keys::{Algorithm, KeyFault, PublicKey};
use crate::values::limits::Limits;
use crate::values::reason::Reason;
use crate::values::verified::VerifiedSignatures;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;

const BEFORE_DIGEST: &str = r#"{"apiVersion":"0.0.2","kind":"hashedrekord","spec":{"hashedRekordV002":{"data":{"algorithm":"SHA2_256","digest":""#;
const BEFORE_SIGNATURE: &str = r#""},"signature":{"content":""#;
const BEFORE_KEY: &str = r#"","verifier":{"keyDetails":"PKIX_ECDSA_P256_SHA_256","publicKey":{"rawBytes":""#;
const AFTER_KEY: &str = r#""}}}}}}"#;

/// Why bytes are no leaf, or a leaf is not that of an envelope.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LeafFault {
    /// Over `Limits::leaf_bytes`.
    #[error("has {found} bytes, more than {most}")]
    TooLarge {
        /// Bytes of the leaf.
        found: usize,
        /// The cap.
        most: usize,
    },
    /// The bytes are not in the one form that a leaf has.
    #[error("is no hashedrekord 0.0.2 in RFC 8785 form: {part} is not what it should be")]
    Form {
        /// What was being read.
        part: &'static str,
    },
    /// The key is not ECDSA P-256.
    #[error("names a key of another kind than ECDSA P-256")]
    KeyKind,
    /// The key is not usable.
    #[error("names {0}")]
    Key(KeyFault),
    /// The leaf is of other signed bytes.
    #[error("states digest {stated}, the signed bytes have {found}")]
    Digest {
        /// As the leaf states.
        stated: Sha256,
        /// Of the bytes given.
        found: Sha256,
    },
    /// The leaf is by another key.
    #[error("is by key {stated}, not by {expected}")]
    OtherKey {
        /// SHA-256 of the SubjectPublicKeyInfo in the leaf.
        stated: Sha256,
        /// SHA-256 of that of the key expected.
        expected: Sha256,
    },
    /// The signature in the leaf is not one of its key over the signed bytes.
    #[error("holds {0}")]
    Signature(KeyFault),
}

impl LeafFault {
    /// The reason code.
    #[must_use]
    pub const fn reason(&self) -> Reason {
        match self {
            Self::TooLarge { .. } => Reason::InputTooLarge,
            Self::Form { .. } => Reason::LeafMalformed,
            Self::KeyKind => Reason::KeyUnsupported,
            Self::Key(fault) | Self::Signature(fault) => fault.reason(),
            Self::Digest { .. } | Self::OtherKey { .. } => Reason::LeafDiffers,
        }
    }
}

impl From<LeafFault> for Finding {
    fn from(fault: LeafFault) -> Self {
        Self::new(fault.reason(), "leaf", "the leaf of this envelope", fault.to_string())
    }
}

/// A leaf, as it is hashed and stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Leaf {
    bytes: Vec<u8>,
    digest: Sha256,
    signature: Vec<u8>,
    key: PublicKey,
}

impl Leaf {
    /// The leaf of an envelope: SHA-256 of its pre-authentication encoding, its first signature (DER), and the key that
    /// made it. Nothing is verified: see [`Leaf::verify_against`].
    ///
    /// # Errors
    /// [`LeafFault::KeyKind`] for a key that is not P-256, [`LeafFault::TooLarge`] for an absurd signature.
    pub fn for_envelope(pae: Sha256, signature: &[u8], key: &PublicKey, limits: &Limits) -> Result<Self, LeafFault> {
        if key.algorithm() != Algorithm::EcdsaP256Sha256 {
            return Err(LeafFault::KeyKind);
        }
        if signature.is_empty() {
            return Err(LeafFault::Form { part: "the signature" });
        }
        let text = [
            BEFORE_DIGEST,
            &BASE64.encode(pae.as_bytes()),
            BEFORE_SIGNATURE,
            &BASE64.encode(signature),
            BEFORE_KEY,
            &BASE64.encode(key.spki()),
            AFTER_KEY,
        ];
        let bytes = text.concat().into_bytes();
        if bytes.len() > limits.leaf_bytes {
            return Err(LeafFault::TooLarge { found: bytes.len(), most: limits.leaf_bytes });
        }
        Ok(Self { bytes, digest: pae, signature: signature.to_vec(), key: key.clone() })
    }

    /// Reads a leaf. Bytes that are equal in meaning but differ in form are refused.
    ///
    /// # Errors
    /// [`LeafFault::TooLarge`], [`LeafFault::Form`], [`LeafFault::KeyKind`], [`LeafFault::Key`].
    pub fn parse(bytes: &[u8], limits: &Limits) -> Result<Self, LeafFault> {
        if bytes.len() > limits.leaf_bytes {
            return Err(LeafFault::TooLarge { found: bytes.len(), most: limits.leaf_bytes });
        }
        let form = |part| LeafFault::Form { part };
        let text = core::str::from_utf8(bytes).map_err(|_| form("the text"))?;
        let text = text.strip_prefix(BEFORE_DIGEST).ok_or(form("the begin"))?;
        let (digest, text) = text.split_once(BEFORE_SIGNATURE).ok_or(form("what follows the digest"))?;
        let (signature, text) = text.split_once(BEFORE_KEY).ok_or(form("what follows the signature"))?;
        let key = text.strip_suffix(AFTER_KEY).ok_or(form("the end"))?;
        let digest = BASE64.decode(digest).ok().and_then(|digest| digest.try_into().ok()).ok_or(form("the digest"))?;
        let signature = BASE64.decode(signature).ok().filter(|s| !s.is_empty()).ok_or(form("the signature"))?;
        let key = BASE64.decode(key).map_err(|_| form("the key"))?;
        let key = PublicKey::from_spki(&key).map_err(LeafFault::Key)?;
        if key.algorithm() != Algorithm::EcdsaP256Sha256 {
            return Err(LeafFault::KeyKind);
        }
        Ok(Self { bytes: bytes.to_vec(), digest: Sha256::from_bytes(digest), signature, key })
    }

    /// Verifies that this is the leaf of the bytes `pae`, signed by `key`.
    ///
    /// # Errors
    /// [`LeafFault::OtherKey`], [`LeafFault::Digest`], [`LeafFault::Signature`].
    pub fn verify_against(&self, pae: &[u8], key: &PublicKey) -> Result<(), LeafFault> {
        self.verify_among(pae, key, VerifiedSignatures::NONE)
    }

    /// The same, with the signatures that were found good before.
    ///
    /// # Errors
    /// As [`Leaf::verify_against`].
    pub fn verify_among(&self, pae: &[u8], key: &PublicKey, signatures: &VerifiedSignatures) -> Result<(), LeafFault> {
        if self.key != *key {
            return Err(LeafFault::OtherKey { stated: self.key.id(), expected: key.id() });
        }
        let found = Sha256::of(pae);
        if self.digest != found {
            return Err(LeafFault::Digest { stated: self.digest, found });
        }
        key.verify_among(pae, &self.signature, signatures).map_err(LeafFault::Signature)
    }

    /// The bytes that are stored and hashed.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The leaf's hash in the tree (RFC 9162 section 2.1.1).
    #[must_use]
    pub fn hash(&self) -> Sha256 {
        merkle::leaf_hash(&self.bytes)
    }

    /// SHA-256 of the signed bytes, as stated.
    #[must_use]
    pub const fn digest(&self) -> &Sha256 {
        &self.digest
    }

    /// The signature, as stated.
    #[must_use]
    pub fn signature(&self) -> &[u8] {
        &self.signature
    }

    /// The key, as stated.
    #[must_use]
    pub const fn key(&self) -> &PublicKey {
        &self.key
    }
}

#[cfg(test)]
mod tests {
    use super::{Leaf, LeafFault};
    use crate::syntax::merkle::verify_inclusion;
    use crate::values::digest::{Sha256, hex};
    use crate::values::finding::Finding;
    use crate::values::keys::{KeyFault, PublicKey};
    use crate::values::limits::Limits;
    use crate::values::reason::Reason;
    use base64::Engine as _;
    use base64::engine::general_purpose::STANDARD as BASE64;
    use p256::ecdsa::signature::Signer as _;
    use p256::pkcs8::EncodePublicKey as _;
    use proptest::prelude::{ProptestConfig, any, proptest};

    const LIMITS: Limits = Limits::STANDARD;

    /// Entry 547661 of the public log `log2025-1.rekor.sigstore.dev`, over the text `hello, world!`, as kept in the
    /// tests of `@sigstore/verify`.
    const REKOR: &str = concat!(
        r#"{"apiVersion":"0.0.2","kind":"hashedrekord","spec":{"hashedRekordV002":{"data":{"algorithm":"SHA2_256","#,
        r#""digest":"aOZWslHmfoNYvvhIOrDVHGYZ8+ehqfDnWDjUH/No9yg="},"signature":{"content":"MEQCIEfMLZlnJcxlGIR7L+oL"#,
        r#"Svx8qiv4kssxS70+ydm5z1VAAiA3ZbUTs4agQ7MJKwiwhCjY1TjF3/e0lbwin6IGRqo9KQ==","verifier":{"keyDetails":"#,
        r#""PKIX_ECDSA_P256_SHA_256","publicKey":{"rawBytes":"MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAErbAqpGLwY5yA9xLC"#,
        r#"s+Q/ABfPSInM7aNeJrLnIa0vz1YK+FNkQTpK1zUPDRawSCxMpzAHnzQC7Q8D08cKEov6WA=="}}}}}}"#
    );

    /// Its inclusion proof in the tree of 547,662 leaves, and that tree's root.
    const REKOR_PROOF: [&str; 11] = [
        "BkzMrLyYowuXn+yIe8NI1oY5D3G73NsIjIocg2QxFo4=",
        "Y4F3KK9z9otPVvLNB5tOd1KL4gaj1lexR9nbSjkmuNA=",
        "jkQJszeTZtX69g3pb3TxvKCjkNGjgMXO8ht2yVf1AZw=",
        "SjRcvDjLTsm1V1HSohsP5yqAO3SDUVxlWg0K9W6A0Wc=",
        "0PWEyLOIQWLneeTADefZeDL2eGMRT6+awivqEBvFn4w=",
        "c/r+rEb6/qwM4r3+lPpcW6qMnRSQVvebPLKWuP7YnJc=",
        "WQhTVl2mcZCBaS8cTrA3CTowILh6rBVSfv3NyoQX+Cw=",
        "Ap/nxW5j+2r/b2cfSeM0rH34nPxgI2H/cdbclL1xAzM=",
        "l1FM1pPGNwXMsSWMJCosxVTHqfz97V6F4PqRVR7+aCs=",
        "iZn3pq6vdeTpKFjYkaY9qat2D603yJ6y6TkD0PXLiCo=",
        "7RWSUbM+ujfNrvzW3aAVOlR4N/DpSkj7UFsrP88eWjU=",
    ];

    /// The golden leaf of `docs/ledger.md`: private key 0x07 repeated 32 times, signed deterministically (RFC 6979).
    const GOLDEN: &str = concat!(
        r#"{"apiVersion":"0.0.2","kind":"hashedrekord","spec":{"hashedRekordV002":{"data":{"algorithm":"SHA2_25"#,
        r#"6","digest":"SELLG6b+1uRg2KDVb2tkzPHx4R93FKfygggNV4AlG2M="},"signature":{"content":"MEUCIQDg8ukup/0A"#,
        r#"s/SWnLt8qDtISH/8DRGKcFF5HvelysNf3QIgbE4DhOdbi/cZVypwZff12+I7PVGl1Sgq++T5FiGebw4=","verifier":{"keyDe"#,
        r#"tails":"PKIX_ECDSA_P256_SHA_256","publicKey":{"rawBytes":"MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEHhhTL9"#,
        r#"R1TALzBB2cdc6zO4P/2BrHzk/ogsyxyYvFiW6kbDEcTi/0DdlqNlPm5FRF0y3+SG7O11x6kMahiIHAow=="}}}}}}"#,
    );
    const GOLDEN_HASH: &str = "6a4779bce6816a16a2f98a879bbfe6880b3852d98d61509e6333491d9751a9b4";

    fn golden_pae() -> Vec<u8> {
        b"DSSEv1 28 application/vnd.in-toto+json 2 {}".to_vec()
    }

    fn golden_key() -> (p256::ecdsa::SigningKey, PublicKey) {
        let secret = p256::ecdsa::SigningKey::from_slice(&[7; 32]).unwrap();
        let spki = secret.verifying_key().to_public_key_der().unwrap();
        let public = PublicKey::from_spki(spki.as_bytes()).unwrap();
        (secret, public)
    }

    fn golden() -> Leaf {
        let (secret, public) = golden_key();
        let signature: p256::ecdsa::Signature = secret.sign(&golden_pae());
        Leaf::for_envelope(Sha256::of(&golden_pae()), signature.to_der().as_bytes(), &public, &LIMITS).unwrap()
    }

    fn hash(base64: &str) -> Sha256 {
        Sha256::from_bytes(BASE64.decode(base64).unwrap().try_into().unwrap())
    }

    #[test]
    fn a_real_rekor_v2_entry_is_a_leaf_byte_for_byte_and_its_public_inclusion_proof_holds() {
        let leaf = Leaf::parse(REKOR.as_bytes(), &LIMITS).unwrap();
        assert_eq!(leaf.verify_against(b"hello, world!", leaf.key()), Ok(()));
        let again = Leaf::for_envelope(*leaf.digest(), leaf.signature(), leaf.key(), &LIMITS).unwrap();
        assert_eq!(again, leaf);
        assert_eq!(again.bytes(), REKOR.as_bytes());
        let hashes: Vec<Sha256> = REKOR_PROOF.iter().map(|text| hash(text)).collect();
        let (root, proof) = hashes.split_last().unwrap();
        assert_eq!(verify_inclusion(&leaf.hash(), 547_661, 547_662, proof, root), Ok(()));
    }

    #[test]
    fn the_golden_leaf_of_the_documentation_never_changes() {
        let leaf = golden();
        assert_eq!(String::from_utf8_lossy(leaf.bytes()), GOLDEN);
        assert_eq!(leaf.hash().to_string(), GOLDEN_HASH);
        assert_eq!(leaf.verify_against(&golden_pae(), &golden_key().1), Ok(()));
        let page = include_str!("../../../docs/ledger.md");
        assert!(page.lines().any(|line| line == GOLDEN), "docs/ledger.md shows another leaf");
        assert!(page.contains(GOLDEN_HASH), "docs/ledger.md shows another leaf hash");
    }

    #[test]
    fn a_leaf_in_any_other_form_is_refused() {
        let good = String::from_utf8(golden().bytes().to_vec()).unwrap();
        for (old, new) in [
            ("{\"apiVersion\"", "{ \"apiVersion\""),
            ("\"0.0.2\"", "\"0.0.1\""),
            ("SHA2_256\"", "SHA2_512\""),
            ("hashedRekordV002", "hashed_rekord_v002"),
            ("PKIX_ECDSA_P256_SHA_256", "PKIX_ED25519"),
            ("publicKey", "x509Certificate"),
            ("\"content\":\"", "\"content\":\"\\u004d"),
            ("}}}}}}", "}}}}}},"),
            ("}}}}}}", "}}}}}}\n"),
            ("}}}}}}", "}}}}}"),
            ("==\"}}}}}}", "=\"}}}}}}"),
        ] {
            let text = good.replacen(old, new, 1);
            assert_ne!(text, good, "{old}");
            let fault = Leaf::parse(text.as_bytes(), &LIMITS).unwrap_err();
            assert_eq!(Finding::from(fault).reason, Reason::LeafMalformed, "{new}");
        }
        let endless = vec![b' '; LIMITS.leaf_bytes + 1];
        let found = endless.len();
        assert_eq!(Leaf::parse(&endless, &LIMITS), Err(LeafFault::TooLarge { found, most: LIMITS.leaf_bytes }));
    }

    #[test]
    fn a_leaf_of_another_envelope_key_or_signature_is_not_taken_for_ours() {
        let (leaf, (_, key)) = (golden(), golden_key());
        let other = b"DSSEv1 28 application/vnd.in-toto+json 3 {} ";
        let (stated, found) = (Sha256::of(&golden_pae()), Sha256::of(other));
        assert_eq!(leaf.verify_against(other, &key), Err(LeafFault::Digest { stated, found }));
        let stranger = Leaf::parse(REKOR.as_bytes(), &LIMITS).unwrap();
        let (stated, expected) = (stranger.key().id(), key.id());
        assert_eq!(stranger.verify_against(&golden_pae(), &key), Err(LeafFault::OtherKey { stated, expected }));
        let borrowed = Leaf::for_envelope(Sha256::of(&golden_pae()), stranger.signature(), &key, &LIMITS).unwrap();
        assert_eq!(borrowed.verify_against(&golden_pae(), &key), Err(LeafFault::Signature(KeyFault::SignatureInvalid)));
    }

    #[test]
    fn a_key_that_is_not_p256_makes_no_leaf() {
        let spki =
            hex::decode("302a300506032b6570032100b7cae5a759271b08df6dc5c060f600927d1788bcf5c7c3b8b7462412189edb8e");
        let ed25519 = PublicKey::from_spki(&spki.unwrap()).unwrap();
        assert_eq!(Leaf::for_envelope(Sha256::of(b""), &[1], &ed25519, &LIMITS), Err(LeafFault::KeyKind));
        let good = String::from_utf8(golden().bytes().to_vec()).unwrap();
        let p256 = BASE64.encode(golden_key().1.spki());
        let text = good.replacen(&p256, &BASE64.encode(ed25519.spki()), 1);
        assert_eq!(Leaf::parse(text.as_bytes(), &LIMITS), Err(LeafFault::KeyKind));
        let text = good.replacen(&p256, "AAAA", 1);
        assert_eq!(Leaf::parse(text.as_bytes(), &LIMITS), Err(LeafFault::Key(KeyFault::Malformed)));
    }

    #[test]
    fn every_flipped_bit_of_a_leaf_is_found() {
        let (leaf, pae, (_, key)) = (golden(), golden_pae(), golden_key());
        for bit in 0..leaf.bytes().len() * 8 {
            let mut bytes = leaf.bytes().to_vec();
            bytes[bit / 8] ^= 1 << (bit % 8);
            let verdict = Leaf::parse(&bytes, &LIMITS).and_then(|leaf| leaf.verify_against(&pae, &key));
            assert!(verdict.is_err(), "bit {bit}: {}", String::from_utf8_lossy(&bytes));
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(256))]
        #[test]
        fn every_leaf_reads_back_as_written(digest in any::<[u8; 32]>(), signature in proptest::collection::vec(any::<u8>(), 1..200)) {
            let leaf = Leaf::for_envelope(Sha256::from_bytes(digest), &signature, &golden_key().1, &LIMITS).unwrap();
            assert_eq!(Leaf::parse(leaf.bytes(), &LIMITS), Ok(leaf));
        }

        #[test]
        fn any_bytes_are_read_without_panic(bytes in any::<Vec<u8>>(), cut in 0..489_usize) {
            let _ = Leaf::parse(&bytes, &LIMITS);
            let mut mixed = golden().bytes()[..cut].to_vec();
            mixed.extend(bytes);
            let _ = Leaf::parse(&mixed, &LIMITS);
        }
    }
}
