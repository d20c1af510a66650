//! What goes along with a list or policy on its way to its signatures and is not part of it: why it is made, and the
//! certificates that it adds. Covered by no signature: a certificate is known by the SHA-256 on the list, and the
//! reason is signed by station and officers when it is recorded.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ecugate_verifier::syntax::certificate::Certificate;
use ecugate_verifier::syntax::json;
use ecugate_verifier::values::finding::Finding;
use ecugate_verifier::values::limits::Limits;
use ecugate_verifier::values::reason::Reason;

/// Longest reason, in bytes: it stands in one entry of the ledger, whose leaf has a cap.
const REASON_BYTES: usize = 2_000;

/// Reason and certificates.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Annex {
    /// Why.
    pub reason: String,
    /// The certificates that the list adds.
    pub certificates: Vec<Certificate>,
}

#[derive(serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct AnnexText {
    reason: String,
    /// DER, base64.
    certificates: Vec<String>,
}

impl Annex {
    /// Takes a reason, which may not be blank, and certificates.
    ///
    /// # Errors
    /// [`Reason::Usage`] for a reason that says nothing or is longer than 2,000 bytes.
    pub fn new(reason: &str, certificates: Vec<Certificate>) -> Result<Self, Finding> {
        let wrong = |found: String| Err(Finding::new(Reason::Usage, "reason", "a reason of 1 to 2,000 bytes", found));
        if reason.trim().is_empty() {
            return wrong("none".to_owned());
        }
        if reason.len() > REASON_BYTES {
            return wrong(format!("{} bytes", reason.len()));
        }
        Ok(Self { reason: reason.to_owned(), certificates })
    }

    /// Reads the file that stands beside a list or policy.
    ///
    /// # Errors
    /// The finding of a file that is not strict JSON of these fields, or of the certificate that cannot be read.
    pub fn read(bytes: &[u8], limits: &Limits) -> Result<Self, Finding> {
        let text: AnnexText = json::read(bytes, limits).map_err(|fault| fault.finding().within("annex"))?;
        let mut certificates = Vec::new();
        for (n, encoded) in text.certificates.iter().enumerate() {
            let place = format!("annex certificate {}", n + 1);
            let der = STANDARD
                .decode(encoded)
                .map_err(|error| Finding::new(Reason::JsonValue, &place, "base64", error.to_string()))?;
            let certificate = Certificate::from_der(&der, limits).map_err(|fault| fault.finding().within(&place))?;
            certificates.push(certificate);
        }
        Self::new(&text.reason, certificates)
    }

    /// The bytes of that file.
    ///
    /// # Errors
    /// [`Reason::OutputUnwritable`], which no text can cause.
    pub fn to_bytes(&self) -> Result<Vec<u8>, Finding> {
        let certificates = self.certificates.iter().map(|certificate| STANDARD.encode(certificate.der())).collect();
        let text = AnnexText { reason: self.reason.clone(), certificates };
        serde_json::to_vec(&text)
            .map_err(|error| Finding::new(Reason::OutputUnwritable, "annex", "JSON", error.to_string()))
    }
}

#[cfg(test)]
mod tests {
    use super::Annex;
    use crate::pki::{Party, Spec};
    use ecugate_verifier::syntax::certificate::Certificate;
    use ecugate_verifier::values::limits::Limits;

    #[test]
    fn an_annex_reads_back_and_one_that_was_tampered_with_is_named() {
        let limits = &Limits::STANDARD;
        let root = Certificate::from_der(&Party::root(Spec::ca("Maker")).der, limits).unwrap();
        let annex = Annex::new("they deliver brakes now", vec![root]).unwrap();
        let bytes = annex.to_bytes().unwrap();
        assert_eq!(Annex::read(&bytes, limits), Ok(annex));
        for (bad, reason) in [
            (&b"{}"[..], "json-missing-field"),
            (b"{\"reason\":\"x\",\"certificates\":[],\"skip\":1}", "json-unknown-field"),
            (b"{\"reason\":\" \",\"certificates\":[]}", "usage"),
            (b"{\"reason\":\"x\",\"certificates\":[\"!\"]}", "json-value"),
            (b"{\"reason\":\"x\",\"certificates\":[\"AAAA\"]}", "certificate-malformed"),
        ] {
            let finding = Annex::read(bad, limits).unwrap_err();
            assert_eq!(finding.reason.code(), reason, "{finding:?}");
        }
        assert_eq!(Annex::new(&"x".repeat(2_001), Vec::new()).unwrap_err().reason.code(), "usage");
    }
}
