//! Our own rules, beside those of RFC 5280: what a leaf may be, which keys and digests count, when all is in date.

use super::fault::PathFault;
use super::question::{PathOptions, Purpose};
use crate::syntax::certificate::{Certificate, Strength};
use crate::syntax::crl::Crl;
use crate::values::keys::{KeyFault, PublicKey};
use crate::values::reason::Reason;
use crate::values::time::Time;

/// anyExtendedKeyUsage (RFC 5280 section 4.2.1.12).
const ANY_PURPOSE: &str = "2.5.29.37.0";

/// The caps on what is handed in, and that there is an anchor at all.
pub(super) fn call(
    untrusted: &[Certificate],
    anchors: &[Certificate],
    crls: &[Crl],
    options: &PathOptions<'_>,
) -> Result<(), PathFault> {
    let limits = options.limits;
    if anchors.is_empty() {
        return Err(PathFault::of_call(Reason::AnchorsEmpty, "at least one anchor", "none"));
    }
    let over = |reason, what: &str, most: usize, found: usize| {
        Err(PathFault::of_call(reason, format!("at most {most} {what}"), found.to_string()))
    };
    if anchors.len() > limits.anchors {
        return over(Reason::PathLimit, "anchors", limits.anchors, anchors.len());
    }
    if untrusted.len() > limits.bag_certificates {
        return over(Reason::PathLimit, "untrusted certificates", limits.bag_certificates, untrusted.len());
    }
    if crls.len() > limits.crls {
        return over(Reason::CrlUnusable, "CRLs", limits.crls, crls.len());
    }
    Ok(())
}

/// What a leaf must be and must not be. An anchor's key is never a leaf's, whatever the purpose.
pub(super) fn leaf(leaf: &Certificate, anchors: &[Certificate], options: &PathOptions<'_>) -> Result<(), PathFault> {
    if anchors.iter().any(|anchor| anchor.spki() == leaf.spki()) {
        return Err(PathFault::new(Reason::LeafIsAnchor, leaf, "a key that is no anchor's", "an anchor's key"));
    }
    large_arc(leaf)?;
    let Purpose::Oid(purpose) = options.purpose else { return Ok(()) };
    if leaf.is_ca() {
        return Err(PathFault::new(Reason::LeafIsCa, leaf, "a certificate of a signer", "one of a CA"));
    }
    if !leaf.purposes().iter().any(|found| found == purpose) {
        let any = leaf.purposes().iter().any(|found| found == ANY_PURPOSE);
        let found = match leaf.purposes() {
            [] => "none".to_owned(),
            _ if any => format!("anyExtendedKeyUsage among {} purposes", leaf.purposes().len()),
            purposes => purposes.join(" "),
        };
        return Err(PathFault::new(Reason::PurposeMissing, leaf, format!("the purpose {purpose}"), found));
    }
    if !leaf.may_sign_documents() || leaf.may_sign_certificates() {
        let found = match (leaf.says_key_usage(), leaf.may_sign_certificates()) {
            (false, _) => "no keyUsage",
            (true, true) => "keyCertSign",
            (true, false) => "other usages",
        };
        let expected = "keyUsage with digitalSignature and without keyCertSign";
        return Err(PathFault::new(Reason::KeyUsageWrong, leaf, expected, found));
    }
    Ok(())
}

/// The leaf's key, if it may be used.
pub(super) fn key_of(certificate: &Certificate) -> Result<PublicKey, PathFault> {
    certificate.public_key().map_err(|fault| key_fault(certificate, fault))
}

/// A certificate above the leaf. Its key may be of a kind that we do not sign with, but never weak or published; where
/// it names purposes, ours must be among them (certval compares all purposes of the path, not the one asked for).
pub(super) fn issuer(certificate: &Certificate, options: &PathOptions<'_>) -> Result<(), PathFault> {
    large_arc(certificate)?;
    if let Purpose::Oid(purpose) = options.purpose
        && certificate.says_purposes()
        && !certificate.purposes().iter().any(|found| found == purpose || found == ANY_PURPOSE)
    {
        let expected = format!("the purpose {purpose} or no restriction");
        return Err(PathFault::new(Reason::PurposeMissing, certificate, expected, certificate.purposes().join(" ")));
    }
    match certificate.public_key() {
        Ok(_) | Err(KeyFault::Unsupported) => Ok(()),
        Err(fault) => Err(key_fault(certificate, fault)),
    }
}

/// RFC 5280 takes an anchor for granted. Where it says of itself that it is no CA, we believe it.
pub(super) fn anchor(anchor: &Certificate, options: &PathOptions<'_>) -> Result<(), PathFault> {
    issuer(anchor, options)?;
    if anchor.says_basic_constraints() && !anchor.is_ca() {
        return Err(PathFault::new(Reason::CaFlagMissing, anchor, "the CA flag", "its absence"));
    }
    if anchor.says_key_usage() && !anchor.may_sign_certificates() {
        return Err(PathFault::new(Reason::KeyUsageWrong, anchor, "keyCertSign", "other usages"));
    }
    Ok(())
}

/// A certificate that is to become an anchor. It says of itself that it is a CA: an anchor that leaves it out is taken
/// where it is listed, and is not listed anew.
pub(super) fn listable(certificate: &Certificate, at: Time) -> Result<(), PathFault> {
    large_arc(certificate)?;
    if !certificate.is_ca() {
        return Err(PathFault::new(Reason::CaFlagMissing, certificate, "the CA flag", "its absence"));
    }
    if certificate.says_key_usage() && !certificate.may_sign_certificates() {
        return Err(PathFault::new(Reason::KeyUsageWrong, certificate, "keyCertSign", "other usages"));
    }
    key_of(certificate)?;
    dates_of(certificate, at)
}

/// The digest under a certificate's signature.
pub(super) fn signature(certificate: &Certificate) -> Result<(), PathFault> {
    match certificate.strength() {
        Strength::Good => Ok(()),
        Strength::Broken => {
            let reason = Reason::CertificateWeakSignature;
            Err(PathFault::new(reason, certificate, "a signature over SHA-256 or better", "MD5 or SHA-1"))
        }
        Strength::Unknown => {
            let expected = "a signature of Ed25519, ECDSA or RSA";
            Err(PathFault::new(Reason::CertificateSignatureInvalid, certificate, expected, "another algorithm"))
        }
    }
}

/// Whether all of the path is in date, the anchor too, and the leaf's key in its own window.
pub(super) fn dates(path: &[&Certificate], options: &PathOptions<'_>) -> Result<(), PathFault> {
    let at = options.at;
    path.iter().try_for_each(|certificate| dates_of(certificate, at))?;
    let Some(leaf) = path.first() else { return Ok(()) };
    let (first, last) = leaf.key_window();
    if let Some(first) = first.filter(|first| at.unix_seconds() < first.unix_seconds()) {
        let expected = format!("{at} or earlier as begin of the private key's period");
        return Err(PathFault::new(Reason::CertificateNotYetValid, leaf, expected, first.to_string()));
    }
    if let Some(last) = last.filter(|last| at.unix_seconds() > last.unix_seconds()) {
        let expected = format!("{at} or later as end of the private key's period");
        return Err(PathFault::new(Reason::CertificateExpired, leaf, expected, last.to_string()));
    }
    Ok(())
}

/// The dates of one certificate.
pub(super) fn dates_of(certificate: &Certificate, at: Time) -> Result<(), PathFault> {
    if at.unix_seconds() < certificate.not_before().unix_seconds() {
        let expected = format!("{at} or earlier as first day");
        let found = certificate.not_before().to_string();
        return Err(PathFault::new(Reason::CertificateNotYetValid, certificate, expected, found));
    }
    if !certificate.is_valid_at(at) {
        let found = certificate.not_after().to_string();
        let expected = format!("{at} or later as last day");
        return Err(PathFault::new(Reason::CertificateExpired, certificate, expected, found));
    }
    Ok(())
}

/// certval cannot hold such an object identifier.
pub(super) fn large_arc(certificate: &Certificate) -> Result<(), PathFault> {
    match certificate.large_arc() {
        Some(found) => {
            let expected = "object identifiers with arcs below 2^32";
            Err(PathFault::new(Reason::PurposeArcTooLarge, certificate, expected, found))
        }
        None => Ok(()),
    }
}

fn key_fault(certificate: &Certificate, fault: KeyFault) -> PathFault {
    let reason = match fault {
        KeyFault::TooWeak => Reason::CertificateWeakKey,
        other => other.reason(),
    };
    PathFault::new(reason, certificate, "a strong key of a supported kind", fault.to_string())
}
