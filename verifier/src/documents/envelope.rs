//! DSSE v1 envelopes (secure-systems-lab/dsse, `envelope.md` and `protocol.md` 1.0): exact bytes, and who signed them.
//!
//! Three types for three states: bytes → [`Envelope`] (parsed, believed in nothing) → [`Verified`] (its payload is
//! covered by good signatures). Only what comes out of a [`Verified`] may be read as a statement of its signer.
//!
//! Narrower than DSSE, so that one document has one spelling: base64 is the standard alphabet with padding (DSSE
//! lets a verifier meet the URL-safe one too), unknown fields are refused, and *every* signature in an envelope must
//! be good (DSSE skips bad ones): a document to which somebody added a signature is not the one that was signed.

use crate::syntax::json::{self, JsonFault};
use crate::values::digest::Sha256;
use crate::values::finding::Finding;
use crate::values::ident::Name;
use crate::values::keys::{KeyFault, PublicKey, Signer};
use crate::values::limits::Limits;
use crate::values::reason::Reason;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use std::collections::{BTreeMap, BTreeSet};

mod lookalike;

/// The payload type of all our documents: an in-toto statement.
pub const PAYLOAD_TYPE: &str = "application/vnd.in-toto+json";

/// A parsed envelope. Nothing in it is believed yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Envelope {
    bytes: Vec<u8>,
    payload_type: String,
    payload: Vec<u8>,
    signatures: Vec<EnvelopeSignature>,
}

/// One signature of an envelope, with what its maker says about the key: hints, covered by nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EnvelopeSignature {
    key_id_hint: Option<String>,
    signature: Vec<u8>,
    chain: Vec<Vec<u8>>,
}

impl EnvelopeSignature {
    /// What the envelope calls the key. A hint: any key id may stand beside any signature.
    #[must_use]
    pub fn key_id_hint(&self) -> Option<&str> {
        self.key_id_hint.as_deref()
    }

    /// The signature, in the form of the key's algorithm.
    #[must_use]
    pub fn signature(&self) -> &[u8] {
        &self.signature
    }

    /// The certificates that came along (`x5c`, DER), said to begin with the signer's own. Often empty.
    #[must_use]
    pub fn chain(&self) -> &[Vec<u8>] {
        &self.chain
    }
}

/// The payload of an envelope whose signatures were verified. Made in this module only: to hold one is the proof that
/// the payload type was [`PAYLOAD_TYPE`] and that [`Verified::keys`] signed exactly [`Verified::payload`].
///
/// It says nothing about what these keys may say, nor about their certificates.
#[derive(Clone, Debug)]
pub struct Verified<'a> {
    payload: &'a [u8],
    keys: Vec<PublicKey>,
    persons: BTreeSet<Name>,
}

impl Verified<'_> {
    /// The bytes that the signatures cover.
    #[must_use]
    pub fn payload(&self) -> &[u8] {
        self.payload
    }

    /// The distinct keys that signed, at least one.
    #[must_use]
    pub fn keys(&self) -> &[PublicKey] {
        &self.keys
    }

    /// The distinct persons whose keys signed. Empty where the key was given without a person.
    #[must_use]
    pub fn persons(&self) -> &BTreeSet<Name> {
        &self.persons
    }
}

impl Envelope {
    /// Parses an envelope from the bytes of a file.
    ///
    /// # Errors
    /// [`EnvelopeFault`]: not strict JSON, other fields than those of DSSE and `x5c`, bad base64, a cap exceeded, or
    /// plainly another kind of file.
    pub fn parse(bytes: &[u8], limits: &Limits) -> Result<Self, EnvelopeFault> {
        if let Some(kind) = lookalike::kind_of(bytes) {
            return Err(EnvelopeFault::OtherFile(kind));
        }
        let text: EnvelopeText = json::read(bytes, limits)?;
        let count = text.signatures.len();
        if !(1..=limits.envelope_signatures).contains(&count) {
            return Err(EnvelopeFault::SignatureCount { found: count, most: limits.envelope_signatures });
        }
        let payload = decode("payload", &text.payload)?;
        let mut signatures = Vec::with_capacity(count);
        let mut seen = BTreeSet::new();
        for (index, signature) in text.signatures.into_iter().enumerate() {
            let signature = signature.decode(index, limits)?;
            if !seen.insert(signature.signature.clone()) {
                return Err(EnvelopeFault::SignatureRepeated { index });
            }
            signatures.push(signature);
        }
        Ok(Self { bytes: bytes.to_vec(), payload_type: text.payload_type, payload, signatures })
    }

    /// The bytes it was parsed from.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// SHA-256 of [`Envelope::bytes`]: the name of this file. (One payload may stand in many envelopes.)
    #[must_use]
    pub fn digest(&self) -> Sha256 {
        Sha256::of(&self.bytes)
    }

    /// What the envelope says its payload is.
    #[must_use]
    pub fn payload_type(&self) -> &str {
        &self.payload_type
    }

    /// The payload, unproven.
    #[must_use]
    pub fn payload(&self) -> &[u8] {
        &self.payload
    }

    /// The signatures, at least one, unproven.
    #[must_use]
    pub fn signatures(&self) -> &[EnvelopeSignature] {
        &self.signatures
    }

    /// Verifies a document that carries exactly one signature: a manifest, a receipt.
    ///
    /// # Errors
    /// [`EnvelopeFault`]: another payload type, more than one signature, or one that `key` did not make.
    pub fn verify_with(&self, key: &PublicKey) -> Result<Verified<'_>, EnvelopeFault> {
        self.require_payload_type()?;
        let [signature] = self.signatures.as_slice() else {
            return Err(EnvelopeFault::SignatureCount { found: self.signatures.len(), most: 1 });
        };
        let message = pae(&self.payload_type, &self.payload);
        key.verify(&message, &signature.signature).map_err(|fault| EnvelopeFault::Signature { index: 0, fault })?;
        Ok(Verified { payload: &self.payload, keys: vec![key.clone()], persons: BTreeSet::new() })
    }

    /// Verifies a document that needs `threshold` persons: an anchor list, a policy.
    ///
    /// Counted are distinct persons, each by keys of their own: two signatures by one key, or by two keys of one
    /// person, count once. Key ids are not looked at. A signature by nobody among the `holders` refuses the whole.
    ///
    /// # Errors
    /// [`EnvelopeFault`]: another payload type, threshold zero, a key held by two persons, a signature that is not
    /// good, or fewer persons than needed.
    pub fn verify_threshold(
        &self,
        holders: &[(Name, PublicKey)],
        threshold: usize,
    ) -> Result<Verified<'_>, EnvelopeFault> {
        self.require_payload_type()?;
        if threshold == 0 {
            return Err(EnvelopeFault::ThresholdZero);
        }
        let holders = person_of_key(holders)?;
        let message = pae(&self.payload_type, &self.payload);
        let mut signed: BTreeMap<Sha256, (&Name, &PublicKey)> = BTreeMap::new();
        for (index, signature) in self.signatures.iter().enumerate() {
            let by = holders.iter().find(|(_, (_, key))| key.verify(&message, &signature.signature).is_ok());
            let (id, by) = by.ok_or(EnvelopeFault::SignerUnknown { index })?;
            signed.insert(*id, *by);
        }
        let persons: BTreeSet<Name> = signed.values().map(|(person, _)| (*person).clone()).collect();
        if persons.len() < threshold {
            return Err(EnvelopeFault::Threshold { signed: persons.len(), needed: threshold });
        }
        let keys = signed.values().map(|(_, key)| (*key).clone()).collect();
        Ok(Verified { payload: &self.payload, keys, persons })
    }

    /// Before any signature is looked at, and before any reading of the payload: a good signature over another kind
    /// of payload proves nothing about this kind.
    pub(super) fn require_payload_type(&self) -> Result<(), EnvelopeFault> {
        if self.payload_type == PAYLOAD_TYPE {
            Ok(())
        } else {
            Err(EnvelopeFault::PayloadType { found: self.payload_type.clone() })
        }
    }
}

/// One person for each key. A key that two persons hold would let one of them be both.
fn person_of_key(holders: &[(Name, PublicKey)]) -> Result<BTreeMap<Sha256, (&Name, &PublicKey)>, EnvelopeFault> {
    let mut persons: BTreeMap<Sha256, (&Name, &PublicKey)> = BTreeMap::new();
    for (person, key) in holders {
        match persons.insert(key.id(), (person, key)) {
            Some((other, _)) if other != person => {
                return Err(EnvelopeFault::KeyShared { first: other.clone(), second: person.clone() });
            }
            _ => {}
        }
    }
    Ok(persons)
}

/// The bytes that a DSSE signature covers: `DSSEv1 LEN(type) type LEN(body) body` (`protocol.md`, Signature Definition).
#[must_use]
pub fn pae(payload_type: &str, payload: &[u8]) -> Vec<u8> {
    let mut message = format!("DSSEv1 {} {payload_type} {} ", payload_type.len(), payload.len()).into_bytes();
    message.extend_from_slice(payload);
    message
}

/// Signs a statement and writes the envelope: compact JSON, always in the same order. Each signer comes with the
/// certificates to send along (leaf first), which may be none.
///
/// # Errors
/// [`SealFault`]: a signer failed, a signer's answer is not its signature, or the envelope would break a cap.
pub fn seal<S: Signer + ?Sized>(
    payload: Vec<u8>,
    signers: &[(&S, &[Vec<u8>])],
) -> Result<Envelope, SealFault<S::Error>> {
    let limits = Limits::STANDARD;
    if !(1..=limits.envelope_signatures).contains(&signers.len()) {
        let (found, most) = (signers.len(), limits.envelope_signatures);
        return Err(SealFault::Envelope(EnvelopeFault::SignatureCount { found, most }));
    }
    let message = pae(PAYLOAD_TYPE, &payload);
    let mut signatures = Vec::with_capacity(signers.len());
    for (index, (signer, chain)) in signers.iter().enumerate() {
        let key = signer.public_key();
        let signature = signer.sign(&message).map_err(SealFault::Signer)?;
        // a token may answer with anything
        key.verify(&message, &signature).map_err(|fault| SealFault::SignerLied { index, fault })?;
        signatures.push(SignatureText {
            keyid: Some(key.id().to_string()),
            sig: BASE64.encode(signature),
            x5c: (!chain.is_empty()).then(|| chain.iter().map(|certificate| BASE64.encode(certificate)).collect()),
        });
    }
    let text = EnvelopeText { payload: BASE64.encode(payload), payload_type: PAYLOAD_TYPE.to_owned(), signatures };
    let bytes = serde_json::to_vec(&text).map_err(|_| SealFault::Envelope(EnvelopeFault::Unwritable))?;
    // what is written can be read
    Envelope::parse(&bytes, &limits).map_err(SealFault::Envelope)
}

#[derive(serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields, expecting = "an envelope: an object with payload, payloadType, signatures")]
struct EnvelopeText {
    payload: String,
    #[serde(rename = "payloadType")]
    payload_type: String,
    signatures: Vec<SignatureText>,
}

#[derive(serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields, expecting = "a signature: an object with sig, keyid, x5c")]
struct SignatureText {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    keyid: Option<String>,
    sig: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    x5c: Option<Vec<String>>,
}

impl SignatureText {
    fn decode(self, index: usize, limits: &Limits) -> Result<EnvelopeSignature, EnvelopeFault> {
        let signature = decode(&format!("signatures[{index}].sig"), &self.sig)?;
        let certificates = match self.x5c {
            None => Vec::new(),
            Some(certificates) if (1..=limits.chain_certificates).contains(&certificates.len()) => certificates,
            Some(certificates) => {
                let (found, most) = (certificates.len(), limits.chain_certificates);
                return Err(EnvelopeFault::ChainLength { index, found, most });
            }
        };
        let mut chain = Vec::with_capacity(certificates.len());
        for (place, certificate) in certificates.iter().enumerate() {
            let place = format!("signatures[{index}].x5c[{place}]");
            let certificate = decode(&place, certificate)?;
            if certificate.len() > limits.certificate_bytes {
                let (found, most) = (certificate.len(), limits.certificate_bytes);
                return Err(EnvelopeFault::CertificateTooLarge { place, found, most });
            }
            chain.push(certificate);
        }
        Ok(EnvelopeSignature { key_id_hint: self.keyid, signature, chain })
    }
}

/// Standard alphabet, padded, no loose bits (RFC 4648 sections 3.5 and 4); nothing is not a value here.
fn decode(place: &str, text: &str) -> Result<Vec<u8>, EnvelopeFault> {
    match BASE64.decode(text) {
        Ok(bytes) if !bytes.is_empty() => Ok(bytes),
        Ok(_) => Err(EnvelopeFault::Base64 { place: place.to_owned(), found: "nothing".to_owned() }),
        Err(error) => Err(EnvelopeFault::Base64 { place: place.to_owned(), found: error.to_string() }),
    }
}

/// Why an envelope is not taken.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EnvelopeFault {
    /// Plainly a file of another kind: a certificate, an image.
    #[error("this is no envelope: it looks like {0}")]
    OtherFile(&'static str),
    /// Not strict JSON, or not the fields of an envelope.
    #[error(transparent)]
    Json(#[from] JsonFault),
    /// Not the one base64 spelling of at least one byte.
    #[error("{place} is no standard base64 with padding: {found}")]
    Base64 {
        /// The field.
        place: String,
        /// What is wrong with it.
        found: String,
    },
    /// No signature, or more than may be.
    #[error("1 to {most} signatures expected, found {found}")]
    SignatureCount {
        /// How many there are.
        found: usize,
        /// How many there may be.
        most: usize,
    },
    /// The bytes of one signature stand there twice.
    #[error("signature {index} repeats an earlier one")]
    SignatureRepeated {
        /// Which one, from 0.
        index: usize,
    },
    /// `x5c` is there and empty, or longer than a path may be.
    #[error("signature {index}: 1 to {most} certificates expected, found {found}")]
    ChainLength {
        /// Which signature, from 0.
        index: usize,
        /// How many certificates it carries.
        found: usize,
        /// How many it may carry.
        most: usize,
    },
    /// A certificate over the cap.
    #[error("{place}: a certificate of at most {most} bytes expected, found {found}")]
    CertificateTooLarge {
        /// The field.
        place: String,
        /// Its bytes.
        found: usize,
        /// The cap.
        most: usize,
    },
    /// The payload is of another type than our documents.
    #[error("payload type {PAYLOAD_TYPE:?} expected, found {found:?}")]
    PayloadType {
        /// The type it states.
        found: String,
    },
    /// The key did not make this signature.
    #[error("signature {index}: {fault}")]
    Signature {
        /// Which one, from 0.
        index: usize,
        /// Why.
        fault: KeyFault,
    },
    /// A signature that none of the holders made.
    #[error("signature {index} was made by none of the known keys")]
    SignerUnknown {
        /// Which one, from 0.
        index: usize,
    },
    /// A threshold of zero would let everything pass.
    #[error("a threshold of zero")]
    ThresholdZero,
    /// One key is listed for two persons.
    #[error("{first} and {second} hold the same key")]
    KeyShared {
        /// One of them.
        first: Name,
        /// The other.
        second: Name,
    },
    /// Too few persons signed.
    #[error("signatures of {needed} persons needed, found {signed}")]
    Threshold {
        /// How many persons signed.
        signed: usize,
        /// How many are needed.
        needed: usize,
    },
    /// Could not be written as JSON.
    #[error("could not be written")]
    Unwritable,
}

impl EnvelopeFault {
    /// The reason code.
    #[must_use]
    pub const fn reason(&self) -> Reason {
        match self {
            Self::OtherFile(_)
            | Self::Base64 { .. }
            | Self::ChainLength { .. }
            | Self::CertificateTooLarge { .. }
            | Self::Unwritable => Reason::EnvelopeMalformed,
            Self::Json(fault) => fault.reason(),
            Self::SignatureCount { .. } => Reason::EnvelopeSignatureCount,
            Self::SignatureRepeated { .. } => Reason::SignatureRepeated,
            Self::PayloadType { .. } => Reason::PayloadTypeWrong,
            Self::Signature { fault, .. } => fault.reason(),
            Self::SignerUnknown { .. } => Reason::SignatureInvalid,
            Self::ThresholdZero => Reason::ThresholdZero,
            Self::KeyShared { .. } => Reason::AuthorityKeyShared,
            Self::Threshold { .. } => Reason::ThresholdNotMet,
        }
    }

    /// The finding: place, expected, found.
    #[must_use]
    pub fn finding(&self) -> Finding {
        let reason = self.reason();
        match self {
            Self::OtherFile(kind) => Finding::new(reason, "", "a DSSE envelope (JSON)", *kind),
            Self::Json(fault) => fault.finding(),
            Self::Base64 { place, found } => {
                Finding::new(reason, place, "base64, standard alphabet, padded, at least one byte", found)
            }
            Self::SignatureCount { found, most } => {
                let expected = if *most == 1 { "1".to_owned() } else { format!("1 to {most}") };
                Finding::new(reason, "signatures", expected, found.to_string())
            }
            Self::SignatureRepeated { index } => {
                Finding::new(reason, format!("signatures[{index}]"), "each signature once", "an earlier one again")
            }
            Self::ChainLength { index, found, most } => {
                Finding::new(reason, format!("signatures[{index}].x5c"), format!("1 to {most}"), found.to_string())
            }
            Self::CertificateTooLarge { place, found, most } => {
                Finding::new(reason, place, format!("at most {most} bytes"), format!("{found} bytes"))
            }
            Self::PayloadType { found } => Finding::new(reason, "payloadType", PAYLOAD_TYPE, found),
            Self::Signature { index, fault } => {
                let expected = "a signature of the signer's key over these bytes";
                Finding::new(reason, format!("signatures[{index}]"), expected, fault.to_string())
            }
            Self::SignerUnknown { index } => {
                let found = "a signature that none of them made";
                Finding::new(reason, format!("signatures[{index}]"), "signatures of the known keys only", found)
            }
            Self::ThresholdZero => Finding::new(reason, "", "at least 1", "0"),
            Self::KeyShared { first, second } => {
                Finding::new(reason, "", "a key of one person", format!("one key of {first} and of {second}"))
            }
            Self::Threshold { signed, needed } => {
                let expected = format!("signatures of at least {needed} persons");
                Finding::new(reason, "signatures", expected, format!("signatures of {signed}"))
            }
            Self::Unwritable => Finding::bare(reason),
        }
    }
}

/// Why an envelope could not be made.
#[derive(Debug, thiserror::Error)]
pub enum SealFault<E> {
    /// A signer could not sign.
    #[error("a signer failed")]
    Signer(E),
    /// A signer's answer does not verify with its own public key.
    #[error("signer {index} answered with {fault}")]
    SignerLied {
        /// Which signer, from 0.
        index: usize,
        /// What is wrong with the answer.
        fault: KeyFault,
    },
    /// The envelope would break a rule of [`Envelope::parse`].
    #[error(transparent)]
    Envelope(EnvelopeFault),
}
