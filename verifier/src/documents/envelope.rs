//! DSSE v1 envelopes (secure-systems-lab/dsse, `envelope.md` and `protocol.md` 1.0): exact bytes, and who signed them.
//!
//! Three types for three states: bytes → [`Envelope`] (parsed, believed in nothing) → [`Verified`] (its payload is
//! covered by good signatures). Only what comes out of a [`Verified`] may be read as a statement of its signer.
//!
//! Narrower than DSSE, so that one document has one spelling: base64 is the standard alphabet with padding (DSSE
//! lets a verifier meet the URL-safe one too), unknown fields are refused, and *every* signature in an envelope must
//! be good (DSSE skips bad ones): a document to which somebody added a signature is not the one that was signed.

use crate::syntax::json;
use crate::values::digest::Sha256;
use crate::values::ident::Name;
use crate::values::keys::{PublicKey, Signer};
use crate::values::limits::Limits;
use crate::values::verified::VerifiedSignatures;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use std::collections::{BTreeMap, BTreeSet};
use text::{EnvelopeText, SignatureText};

pub use fault::{EnvelopeFault, SealFault};

mod fault;

mod lookalike;

mod text;

#[cfg(test)]
pub(crate) mod pen;

#[cfg(test)]
mod tests;

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

impl<'a> Verified<'a> {
    /// The bytes that the signatures cover.
    #[must_use]
    pub const fn payload(&self) -> &'a [u8] {
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
        let payload = text::decode("payload", text.payload)?;
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
        self.verify_among(key, &VerifiedSignatures::none())
    }

    /// The same, with the signatures that were found good before.
    ///
    /// # Errors
    /// As [`Envelope::verify_with`].
    pub fn verify_among(
        &self,
        key: &PublicKey,
        signatures: &VerifiedSignatures,
    ) -> Result<Verified<'_>, EnvelopeFault> {
        self.require_payload_type()?;
        self.verify_only_signature(key, signatures)?;
        Ok(Verified { payload: &self.payload, keys: vec![key.clone()], persons: BTreeSet::new() })
    }

    /// Verifies an envelope of somebody else's kind, with exactly one signature, and hands out its payload as bytes
    /// alone: they are no [`Verified`], so that no document of ours is ever read from another payload type.
    ///
    /// # Errors
    /// [`EnvelopeFault`]: another payload type than `payload_type`, more than one signature, or one that `key` did not
    /// make.
    pub fn verify_foreign(&self, payload_type: &str, key: &PublicKey) -> Result<&[u8], EnvelopeFault> {
        if self.payload_type != payload_type {
            let (expected, found) = (payload_type.to_owned(), self.payload_type.clone());
            return Err(EnvelopeFault::ForeignPayloadType { expected, found });
        }
        self.verify_only_signature(key, &VerifiedSignatures::none())?;
        Ok(&self.payload)
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
        self.verify_threshold_among(holders, threshold, &VerifiedSignatures::none())
    }

    /// The same, with the signatures that were found good before.
    ///
    /// # Errors
    /// As [`Envelope::verify_threshold`].
    pub fn verify_threshold_among(
        &self,
        holders: &[(Name, PublicKey)],
        threshold: usize,
        signatures: &VerifiedSignatures,
    ) -> Result<Verified<'_>, EnvelopeFault> {
        self.require_payload_type()?;
        if threshold == 0 {
            return Err(EnvelopeFault::ThresholdZero);
        }
        let holders = person_of_key(holders)?;
        let message = pae(&self.payload_type, &self.payload);
        let mut signed: BTreeMap<Sha256, (&Name, &PublicKey)> = BTreeMap::new();
        for (index, signature) in self.signatures.iter().enumerate() {
            // The one that is named first: it saves work where it is right, and nothing else is made of it.
            let hint = signature.key_id_hint.as_deref().and_then(Sha256::from_hex);
            let named = hint.and_then(|id| holders.get_key_value(&id));
            let mut asked = named.into_iter().chain(holders.iter().filter(|(id, _)| Some(**id) != hint));
            let by = asked.find(|(_, (_, key))| key.verify_among(&message, &signature.signature, signatures).is_ok());
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

    fn verify_only_signature(&self, key: &PublicKey, signatures: &VerifiedSignatures) -> Result<(), EnvelopeFault> {
        let [signature] = self.signatures.as_slice() else {
            return Err(EnvelopeFault::SignatureCount { found: self.signatures.len(), most: 1 });
        };
        let message = pae(&self.payload_type, &self.payload);
        key.verify_among(&message, &signature.signature, signatures)
            .map_err(|fault| EnvelopeFault::Signature { index: 0, fault })
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
        signatures.push(signature_of(&message, *signer, chain, index)?);
    }
    write(&payload, signatures)
}

/// Signs what others signed before: the same bytes, one signature more. Nothing is verified but the new signature.
///
/// # Errors
/// [`SealFault`]: another payload type, a signer that failed or lied, or more signatures than may be.
pub fn countersign<S: Signer + ?Sized>(envelope: &Envelope, signer: &S) -> Result<Envelope, SealFault<S::Error>> {
    envelope.require_payload_type().map_err(SealFault::Envelope)?;
    let message = pae(PAYLOAD_TYPE, &envelope.payload);
    let mut signatures: Vec<SignatureText> = envelope.signatures.iter().map(SignatureText::encode).collect();
    signatures.push(signature_of(&message, signer, &[], signatures.len())?);
    write(&envelope.payload, signatures)
}

fn signature_of<S: Signer + ?Sized>(
    message: &[u8],
    signer: &S,
    chain: &[Vec<u8>],
    index: usize,
) -> Result<SignatureText, SealFault<S::Error>> {
    let key = signer.public_key();
    let signature = signer.sign(message).map_err(SealFault::Signer)?;
    // a token may answer with anything
    key.verify_among(message, &signature, signer.verified()).map_err(|fault| SealFault::SignerLied { index, fault })?;
    let key_id_hint = Some(key.id().to_string());
    Ok(SignatureText::encode(&EnvelopeSignature { key_id_hint, signature, chain: chain.to_vec() }))
}

fn write<E>(payload: &[u8], signatures: Vec<SignatureText>) -> Result<Envelope, SealFault<E>> {
    let text = EnvelopeText { payload: BASE64.encode(payload), payload_type: PAYLOAD_TYPE.to_owned(), signatures };
    let bytes = serde_json::to_vec(&text).map_err(|_| SealFault::Envelope(EnvelopeFault::Unwritable))?;
    // what is written can be read
    Envelope::parse(&bytes, &Limits::STANDARD).map_err(SealFault::Envelope)
}
