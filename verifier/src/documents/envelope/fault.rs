//! Why an envelope is not taken, or could not be made.

use super::PAYLOAD_TYPE;
use crate::syntax::json::JsonFault;
use crate::values::finding::Finding;
use crate::values::ident::Name;
use crate::values::keys::KeyFault;
use crate::values::reason::Reason;

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
    /// The payload is of another type than the foreign one asked for.
    #[error("payload type {expected:?} expected, found {found:?}")]
    ForeignPayloadType {
        /// The type asked for.
        expected: String,
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
            Self::PayloadType { .. } | Self::ForeignPayloadType { .. } => Reason::PayloadTypeWrong,
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
            Self::ForeignPayloadType { expected, found } => Finding::new(reason, "payloadType", expected, found),
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
    /// The envelope would break a rule of [`Envelope::parse`](super::Envelope::parse).
    #[error(transparent)]
    Envelope(EnvelopeFault),
}
