//! The JSON of an envelope (`envelope.md`), with `x5c` as RFC 7515 section 4.1.6 has it: base64 DER, leaf first.

use super::{BASE64, EnvelopeFault, EnvelopeSignature};
use crate::values::limits::Limits;
use base64::Engine as _;

#[derive(serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields, expecting = "an envelope: an object with payload, payloadType, signatures")]
pub(super) struct EnvelopeText {
    pub(super) payload: String,
    #[serde(rename = "payloadType")]
    pub(super) payload_type: String,
    pub(super) signatures: Vec<SignatureText>,
}

#[derive(serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields, expecting = "a signature: an object with sig, keyid, x5c")]
pub(super) struct SignatureText {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) keyid: Option<String>,
    pub(super) sig: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) x5c: Option<Vec<String>>,
}

impl SignatureText {
    pub(super) fn encode(signature: &EnvelopeSignature) -> Self {
        let chain = signature.chain.iter().map(|certificate| BASE64.encode(certificate)).collect::<Vec<_>>();
        Self {
            keyid: signature.key_id_hint.clone(),
            sig: BASE64.encode(&signature.signature),
            x5c: (!chain.is_empty()).then_some(chain),
        }
    }

    pub(super) fn decode(self, index: usize, limits: &Limits) -> Result<EnvelopeSignature, EnvelopeFault> {
        let signature = decode(&format!("signatures[{index}].sig"), self.sig)?;
        let certificates = match self.x5c {
            None => Vec::new(),
            Some(certificates) if (1..=limits.chain_certificates).contains(&certificates.len()) => certificates,
            Some(certificates) => {
                let (found, most) = (certificates.len(), limits.chain_certificates);
                return Err(EnvelopeFault::ChainLength { index, found, most });
            }
        };
        let mut chain = Vec::with_capacity(certificates.len());
        for (place, certificate) in certificates.into_iter().enumerate() {
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
pub(super) fn decode(place: &str, text: String) -> Result<Vec<u8>, EnvelopeFault> {
    // taken by value: the text of a large payload is let go once it is decoded
    match BASE64.decode(text) {
        Ok(bytes) if !bytes.is_empty() => Ok(bytes),
        Ok(_) => Err(EnvelopeFault::Base64 { place: place.to_owned(), found: "nothing".to_owned() }),
        Err(error) => Err(EnvelopeFault::Base64 { place: place.to_owned(), found: error.to_string() }),
    }
}
