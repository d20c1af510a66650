//! Fields of certificates and CRLs that need more than a copy.

use super::der;
use super::fault::X509Fault;
use crate::values::reason::Reason;
use crate::values::time::Time;
use std::collections::BTreeSet;
use x509_parser::prelude::X509Extension;
use x509_parser::signature_algorithm::SignatureAlgorithm;
use x509_parser::time::ASN1Time;
use x509_parser::x509::AlgorithmIdentifier;

/// Each extension once, and those that are known in the form that RFC 5280 gives them (sections 4.2 and 5.2).
pub(crate) fn each_once(extensions: &[X509Extension<'_>], reason: Reason) -> Result<(), X509Fault> {
    let mut seen = BTreeSet::new();
    for extension in extensions {
        let place = || format!("extension {}", extension.oid.to_id_string());
        if !seen.insert(extension.oid.as_bytes()) {
            return Err(X509Fault::new(reason, place(), "each extension once", "twice"));
        }
        if extension.parsed_extension().error().is_some() {
            return Err(X509Fault::new(reason, place(), "the form that RFC 5280 gives it", "another"));
        }
    }
    Ok(())
}

/// How good the digest of a signature algorithm is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Strength {
    /// Ed25519, or RSA and ECDSA with SHA-256 and longer.
    Good,
    /// MD5 or SHA-1: collisions are made at will (RFC 6151, SHAttered).
    Broken,
    /// None that is known here; path validation refuses it.
    Unknown,
}

/// The strength of a signature algorithm by its identifier (RFC 3279, 4055, 5758, 8410).
pub(crate) fn strength_of(algorithm: &AlgorithmIdentifier<'_>) -> Strength {
    match algorithm.algorithm.to_id_string().as_str() {
        "1.3.101.112"
        | "1.2.840.10045.4.3.2"
        | "1.2.840.10045.4.3.3"
        | "1.2.840.10045.4.3.4"
        | "1.2.840.113549.1.1.11"
        | "1.2.840.113549.1.1.12"
        | "1.2.840.113549.1.1.13" => Strength::Good,
        "1.2.840.113549.1.1.2"
        | "1.2.840.113549.1.1.3"
        | "1.2.840.113549.1.1.4"
        | "1.2.840.113549.1.1.5"
        | "1.3.14.3.2.29"
        | "1.2.840.10040.4.3"
        | "1.2.840.10045.4.1" => Strength::Broken,
        "1.2.840.113549.1.1.10" => of_pss(algorithm),
        _ => Strength::Unknown,
    }
}

/// RFC 4055 section 3.1: without parameters the digest is SHA-1.
fn of_pss(algorithm: &AlgorithmIdentifier<'_>) -> Strength {
    match SignatureAlgorithm::try_from(algorithm) {
        Ok(SignatureAlgorithm::RSASSA_PSS(parameters)) => match parameters.hash_algorithm_oid().to_id_string().as_str()
        {
            "2.16.840.1.101.3.4.2.1" | "2.16.840.1.101.3.4.2.2" | "2.16.840.1.101.3.4.2.3" => Strength::Good,
            "1.3.14.3.2.26" => Strength::Broken,
            _ => Strength::Unknown,
        },
        _ => Strength::Unknown,
    }
}

/// A date of a certificate or CRL. `None` outside 1970 to 9999.
pub(crate) fn time_of(time: &ASN1Time) -> Option<Time> {
    Time::from_unix_seconds(time.timestamp())
}

/// privateKeyUsagePeriod (RFC 3280 section 4.2.1.4): `SEQUENCE { [0] notBefore OPTIONAL, [1] notAfter OPTIONAL }`.
/// `None` where it has another form or no bound at all.
pub(crate) fn key_window(value: &[u8]) -> Option<(Option<Time>, Option<Time>)> {
    let mut rest = der::contents_of(der::SEQUENCE, value).filter(|outer| outer.rest.is_empty())?.contents;
    let (mut first, mut last) = (None, None);
    if let Some(bound) = der::contents_of(0x80, rest) {
        first = Some(generalized(bound.contents)?);
        rest = bound.rest;
    }
    if let Some(bound) = der::contents_of(0x81, rest) {
        last = Some(generalized(bound.contents)?);
        rest = bound.rest;
    }
    (rest.is_empty() && (first.is_some() || last.is_some())).then_some((first, last))
}

/// `YYYYMMDDHHMMSSZ` (RFC 5280 section 4.1.2.5.2).
fn generalized(contents: &[u8]) -> Option<Time> {
    let text = core::str::from_utf8(contents).ok().filter(|text| text.len() == 15 && text.is_ascii())?;
    let part = |range: core::ops::Range<usize>| text.get(range);
    Time::parse(&format!(
        "{}-{}-{}T{}:{}:{}{}",
        part(0..4)?,
        part(4..6)?,
        part(6..8)?,
        part(8..10)?,
        part(10..12)?,
        part(12..14)?,
        part(14..15)?
    ))
}

#[cfg(test)]
mod tests {
    use super::key_window;
    use crate::values::time::Time;

    #[test]
    fn a_key_window_without_bounds_or_with_a_fraction_is_refused() {
        let window = |bounds: &[(u8, &str)]| {
            let mut inner = Vec::new();
            for (tag, text) in bounds {
                inner.extend([*tag, u8::try_from(text.len()).unwrap()]);
                inner.extend(text.bytes());
            }
            let mut outer = vec![0x30, u8::try_from(inner.len()).unwrap()];
            outer.extend(inner);
            key_window(&outer)
        };
        assert_eq!(window(&[]), None);
        assert_eq!(window(&[(0x80, "20260101000000.5Z")]), None);
        assert_eq!(window(&[(0x81, "20260101000000Z"), (0x80, "20250101000000Z")]), None);
        assert_eq!(
            window(&[(0x80, "20250101000000Z"), (0x81, "20260101000000Z")]),
            Some((Time::parse("2025-01-01T00:00:00Z"), Time::parse("2026-01-01T00:00:00Z")))
        );
    }
}
