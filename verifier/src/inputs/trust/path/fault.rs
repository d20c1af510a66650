//! Why no path was found: one reason, the certificate at fault, what was expected and found.

use crate::syntax::certificate::Certificate;
use crate::values::finding::Finding;
use crate::values::reason::Reason;

/// Why a certificate leads to none of the anchors.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{reason}: {certificate}: expected {expected}, found {found}")]
pub struct PathFault {
    reason: Reason,
    certificate: String,
    expected: String,
    found: String,
}

impl PathFault {
    pub(super) fn new(
        reason: Reason,
        certificate: &Certificate,
        expected: impl Into<String>,
        found: impl Into<String>,
    ) -> Self {
        let certificate = match certificate.subject_text() {
            "" => format!("serial {} of {}", certificate.serial_text(), certificate.issuer_text()),
            subject => subject.to_owned(),
        };
        Self { reason, certificate, expected: expected.into(), found: found.into() }
    }

    pub(super) fn of_call(reason: Reason, expected: impl Into<String>, found: impl Into<String>) -> Self {
        Self { reason, certificate: String::new(), expected: expected.into(), found: found.into() }
    }

    /// The reason code.
    #[must_use]
    pub const fn reason(&self) -> Reason {
        self.reason
    }

    /// The subject of the certificate at fault, escaped; its serial and issuer where it has no subject. Empty where the fault is none of a certificate.
    #[must_use]
    pub fn certificate(&self) -> &str {
        &self.certificate
    }

    /// Where, what was expected, what was found.
    #[must_use]
    pub fn finding(&self) -> Finding {
        Finding::new(self.reason, self.certificate.as_str(), self.expected.as_str(), self.found.as_str())
    }

    /// How much the fault says when several candidate paths failed, each in its own way.
    pub(super) const fn weight(&self) -> u8 {
        match self.reason {
            Reason::SignerRevoked | Reason::IssuerRevoked => 7,
            Reason::CrlMissing | Reason::CrlStale | Reason::CrlNotYetValid | Reason::CrlUnusable => 6,
            Reason::CertificateExpired | Reason::CertificateNotYetValid => 5,
            Reason::PathLimit => 3,
            Reason::CertificateSignatureInvalid | Reason::CertificateWeakSignature => 2,
            Reason::PathNotFound => 1,
            _ => 4,
        }
    }
}

impl From<PathFault> for Finding {
    fn from(fault: PathFault) -> Self {
        fault.finding()
    }
}
