//! The one file that names certval. It reads, checks one signature, validates one candidate path, asks one CRL; what
//! to try, and in which order, is decided elsewhere: its own path builder needs more than 20 s for ten CAs that have
//! certified each other. It has no trust store here, and nothing that it cannot decide passes.

use super::fault::PathFault;
use super::question::{PathOptions, Purpose};
use crate::syntax::certificate::Certificate;
use crate::syntax::crl::Crl;
use crate::values::reason::Reason;
use crate::values::time::Time;
use crate::values::verified::VerifiedSignatures;
use certval::{
    CertificationPath, CertificationPathResults, CertificationPathSettings, DeferDecodeSigned, Error, PDVCertificate,
    PDVTrustAnchorChoice, PathValidationStatus, PkiEnvironment, SignatureVerificationCache, TimeOfInterest,
    check_revocation_local, enforce_trust_anchor_constraints, validate_path_rfc5280,
};
use spki::der::{Decode as _, Encode as _};

/// Good signatures of one search: those of the builder, of its CRLs, and some.
const OF_ONE_SEARCH: usize = 1_024;

/// The callbacks that certval works with: RustCrypto only, no store, no network.
pub(super) struct Engine(PkiEnvironment);

/// Keyed by certval with digests of signed bytes, signature and algorithm, and of the key.
struct Known(VerifiedSignatures);

impl SignatureVerificationCache for Known {
    fn is_verified(&self, signed: &[u8], key: &[u8]) -> bool {
        self.0.knows_certified(signed, key)
    }

    fn add_verified(&self, signed: &[u8], key: &[u8]) {
        self.0.keep_certified(signed, key);
    }
}

/// A certificate as certval reads it.
pub(super) struct Parsed(PDVCertificate);

/// What one CRL says about one certificate.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Answer {
    Good,
    Revoked,
    Unusable,
}

impl Parsed {
    /// `None` where certval does not read it, or sees another key in it than we do.
    pub(super) fn read(certificate: &Certificate) -> Option<Self> {
        let parsed = PDVCertificate::try_from(certificate.der()).ok()?;
        let key = parsed.decoded().tbs_certificate().subject_public_key_info().to_der().ok()?;
        (key == certificate.spki()).then_some(Self(parsed))
    }
}

impl Engine {
    /// Without any signatures found good before, those of one search are kept for it.
    pub(super) fn new(signatures: &VerifiedSignatures) -> Self {
        let mut environment = PkiEnvironment::new();
        environment.populate_5280_pki_environment();
        let signatures = if signatures.keeps() { signatures.clone() } else { VerifiedSignatures::up_to(OF_ONE_SEARCH) };
        environment.add_signature_cache(Box::new(Known(signatures)));
        Self(environment)
    }

    /// Whether `issuer`'s key made the signature under `certificate`.
    pub(super) fn is_signed_by(&self, certificate: &Parsed, issuer: &Parsed) -> bool {
        let Ok(signed) = DeferDecodeSigned::from_der(certificate.0.as_bytes()) else { return false };
        let key = issuer.0.decoded().tbs_certificate().subject_public_key_info();
        self.0
            .verify_signature_message(&self.0, &signed.tbs_field, &signed.signature, &signed.signature_algorithm, key)
            .is_ok()
    }

    /// Whether `issuer`'s key made the signature under a list.
    pub(super) fn signed_list(&self, crl: &Crl, issuer: &Certificate) -> bool {
        let (Ok(signed), Some(issuer)) = (DeferDecodeSigned::from_der(crl.der()), Parsed::read(issuer)) else {
            return false;
        };
        let key = issuer.0.decoded().tbs_certificate().subject_public_key_info();
        self.0
            .verify_signature_message(&self.0, &signed.tbs_field, &signed.signature, &signed.signature_algorithm, key)
            .is_ok()
    }

    /// RFC 5280 section 6.1 over one candidate path, the anchor's own constraints enforced (RFC 5937).
    ///
    /// `below` stands from the leaf upwards. Without `dated` nothing is asked about time: for a path that is known to
    /// be out of date, so that a worse fault is not hidden behind it.
    pub(super) fn validate(
        &self,
        below: &[(&Certificate, &Parsed)],
        anchor: &Certificate,
        dated: bool,
        options: &PathOptions<'_>,
    ) -> Result<(), PathFault> {
        let malformed =
            || PathFault::new(Reason::CertificateMalformed, anchor, "an anchor that can be read", "another");
        let Some(((_, leaf), upper)) = below.split_first() else { return Err(malformed()) };
        let trusted = PDVTrustAnchorChoice::try_from(anchor.der()).map_err(|_| malformed())?;
        let at = if dated { time_of_interest(options.at) } else { Some(TimeOfInterest::disabled()) };
        let mut settings = CertificationPathSettings::new();
        settings.set_time_of_interest(at.ok_or_else(malformed)?);
        settings.set_require_ta_store(false);
        settings.set_enforce_trust_anchor_constraints(true);
        settings.set_enforce_trust_anchor_validity(true);
        match options.purpose {
            Purpose::Any => settings.set_extended_key_usage_path(true),
            // Whether all above the leaf allow the purpose is asked in `rules`: there anyExtendedKeyUsage of a CA counts.
            Purpose::Oid(purpose) => settings.set_extended_key_usage(vec![purpose.to_owned()]),
        }
        let settings = enforce_trust_anchor_constraints(&settings, &trusted).map_err(|error| {
            PathFault::new(Reason::PathInvalid, anchor, "constraints that can be kept", error.to_string())
        })?;
        let intermediates = upper.iter().rev().map(|(_, parsed)| parsed.0.clone()).collect();
        let path = CertificationPath::new(trusted, intermediates, leaf.0.clone());
        let mut results = CertificationPathResults::new();
        let outcome = validate_path_rfc5280(&self.0, &settings, &path, &mut results);
        match (outcome, results.get_validation_status()) {
            (Ok(()), Some(PathValidationStatus::Valid)) => Ok(()),
            (outcome, _) => {
                let from_top = results.get_failure_index().map_or(below.len(), |index| index as usize);
                let at_fault = below.len().checked_sub(from_top).and_then(|at| below.get(at));
                Err(refusal(outcome.err(), at_fault.map_or(anchor, |(certificate, _)| *certificate)))
            }
        }
    }

    /// Asks one CRL about one certificate; `issuer` is the one whose key made the certificate (RFC 5280 section 6.3).
    pub(super) fn ask(&self, crl: &Crl, certificate: &Parsed, issuer: &Certificate, at: Time) -> Answer {
        let Ok(trusted) = PDVTrustAnchorChoice::try_from(issuer.der()) else { return Answer::Unusable };
        let Some(at) = time_of_interest(at) else { return Answer::Unusable };
        let mut settings = CertificationPathSettings::new();
        settings.set_time_of_interest(at);
        settings.set_require_ta_store(false);
        settings.set_check_revocation_status(true);
        settings.set_check_crls(true);
        settings.set_check_crldp_http(false);
        settings.set_check_ocsp_from_aia(false);
        let mut path = CertificationPath::new(trusted, Vec::new(), certificate.0.clone());
        path.crls = vec![Some(crl.der().to_vec())];
        let mut results = CertificationPathResults::new();
        match check_revocation_local(&self.0, &settings, &path, &mut results) {
            Ok(()) => Answer::Good,
            Err(Error::PathValidation(
                PathValidationStatus::CertificateRevoked
                | PathValidationStatus::CertificateRevokedEndEntity
                | PathValidationStatus::CertificateRevokedIntermediateCa
                | PathValidationStatus::CertificateOnHold,
            )) => Answer::Revoked,
            Err(_) => Answer::Unusable,
        }
    }
}

/// certval takes second 0 of 1970 for "do not look at the time", so there is no such time here.
fn time_of_interest(at: Time) -> Option<TimeOfInterest> {
    let seconds = u64::try_from(at.unix_seconds()).ok().filter(|seconds| *seconds > 0)?;
    TimeOfInterest::from_unix_secs(seconds).ok()
}

/// certval's enums are open: what is not named here is a refusal too.
fn refusal(error: Option<Error>, certificate: &Certificate) -> PathFault {
    use PathValidationStatus as Status;
    let status = match error {
        Some(Error::PathValidation(status)) => status,
        Some(other) => {
            let expected = "a path that RFC 5280 accepts";
            return PathFault::new(Reason::PathInvalid, certificate, expected, other.to_string());
        }
        None => Status::NotYetValidated,
    };
    let (reason, expected) = match status {
        Status::SignatureVerificationFailure => (Reason::CertificateSignatureInvalid, "its issuer's signature"),
        Status::InvalidNotBeforeDate => (Reason::CertificateNotYetValid, "an earlier first day"),
        Status::InvalidNotAfterDate => (Reason::CertificateExpired, "a later last day"),
        Status::MissingBasicConstraints | Status::InvalidBasicConstraints => (Reason::CaFlagMissing, "the CA flag"),
        Status::InvalidPathLength => (Reason::PathLengthExceeded, "a shorter path (pathLenConstraint)"),
        Status::InvalidKeyUsage if certificate.is_ca() && !certificate.may_sign_certificates() => {
            (Reason::KeyUsageWrong, "keyUsage with keyCertSign")
        }
        Status::InvalidKeyUsage => (Reason::PurposeMissing, "extended key usages that allow the purpose"),
        Status::NameConstraintsViolation => (Reason::NameConstraintViolated, "names that its issuers may certify"),
        Status::UnprocessedCriticalExtension => (Reason::CriticalExtensionUnknown, "known critical extensions only"),
        Status::InsufficientKeySize => (Reason::CertificateWeakKey, "an RSA key of 2,048 bits or more"),
        Status::EncodingError => (Reason::CertificateMalformed, "extensions in the form of RFC 5280"),
        _ => (Reason::PathInvalid, "a path that RFC 5280 accepts"),
    };
    PathFault::new(reason, certificate, expected, status.to_string())
}
