//! X.509 certificates (RFC 5280 section 4), read strictly and owned. Nothing is believed: a parsed certificate is a
//! claim until a path to an anchor is found.

use crate::values::digest::{Sha256, hex};
use crate::values::finding::Finding;
use crate::values::keys::{KeyFault, PublicKey};
use crate::values::limits::Limits;
use crate::values::reason::Reason;
use crate::values::time::Time;
use x509_parser::prelude::{FromDer as _, GeneralName, ParsedExtension, X509Certificate, X509Extension};

pub(crate) mod der;

mod fields;

pub(crate) mod name;

pub(crate) mod pem;

pub(crate) use fields::{Strength, strength_of, time_of};
use name::Name;

/// One parsed certificate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Certificate {
    der: Vec<u8>,
    digest: Sha256,
    subject: Name,
    issuer: Name,
    serial: Vec<u8>,
    spki: Vec<u8>,
    not_before: Time,
    not_after: Time,
    strength: Strength,
    extensions: Extensions,
}

/// What the extensions say that is used outside of path validation.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Extensions {
    basic: Option<(bool, Option<u32>)>,
    usage: Option<u16>,
    purposes: Vec<String>,
    has_purposes: bool,
    large_arc: Option<String>,
    key_window: (Option<Time>, Option<Time>),
    subject_key_id: Option<Vec<u8>>,
    authority_key_id: Option<Vec<u8>>,
    waives_revocation: bool,
}

/// Bits of keyUsage (RFC 5280 section 4.2.1.3).
const DIGITAL_SIGNATURE: u16 = 1;
const CERTIFICATE_SIGN: u16 = 1 << 5;
const CRL_SIGN: u16 = 1 << 6;

/// Why bytes are no certificate, or a file holds none.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}: expected {}, found {}", .0.place, .0.expected, .0.found)]
pub struct CertificateFault(Box<Finding>);

impl CertificateFault {
    fn new(reason: Reason, place: impl Into<String>, expected: impl Into<String>, found: impl Into<String>) -> Self {
        Self(Box::new(Finding::new(reason, place, expected, found)))
    }

    fn malformed(place: &str, expected: &str, found: impl Into<String>) -> Self {
        Self::new(Reason::CertificateMalformed, place, expected, found)
    }

    /// The reason code.
    #[must_use]
    pub fn reason(&self) -> Reason {
        self.0.reason
    }

    /// Where, what was expected, what was found.
    #[must_use]
    pub fn finding(&self) -> Finding {
        (*self.0).clone()
    }
}

impl From<CertificateFault> for Finding {
    fn from(fault: CertificateFault) -> Self {
        *fault.0
    }
}

impl Certificate {
    /// Reads one DER certificate with no byte after it.
    ///
    /// # Errors
    /// [`CertificateFault`] for anything that does not parse in full: trailing bytes, an extension twice, a known
    /// extension or a subject alternative name that cannot be read, a negative serial, dates outside 1970 to 9999.
    pub fn from_der(der: &[u8], limits: &Limits) -> Result<Self, CertificateFault> {
        if der.len() > limits.certificate_bytes {
            let most = format!("at most {} bytes", limits.certificate_bytes);
            return Err(CertificateFault::new(
                Reason::InputTooLarge,
                "certificate",
                most,
                format!("{} bytes", der.len()),
            ));
        }
        let (rest, parsed) = X509Certificate::from_der(der).map_err(|_| {
            CertificateFault::malformed("certificate", "a DER certificate (RFC 5280)", pem::kind_of(der))
        })?;
        if !rest.is_empty() {
            let found = format!("{} more bytes", rest.len());
            return Err(CertificateFault::malformed("certificate", "nothing after its end", found));
        }
        if parsed.signature_algorithm != parsed.tbs_certificate.signature {
            let expected = "the same algorithm inside and outside of what is signed (RFC 5280 section 4.1.1.2)";
            return Err(CertificateFault::malformed("signatureAlgorithm", expected, "two"));
        }
        let serial = parsed.raw_serial().to_vec();
        if serial.first().is_none_or(|byte| byte & 0x80 != 0) {
            return Err(CertificateFault::malformed(
                "serialNumber",
                "a number that is not negative",
                hex::encode(&serial),
            ));
        }
        let date = |field: &'static str, time: &x509_parser::time::ASN1Time| {
            time_of(time)
                .ok_or_else(|| CertificateFault::malformed(field, "a date from 1970 to 9999", time.to_string()))
        };
        Ok(Self {
            der: der.to_vec(),
            digest: Sha256::of(der),
            subject: Name::read(parsed.subject()),
            issuer: Name::read(parsed.issuer()),
            serial,
            spki: parsed.public_key().raw.to_vec(),
            not_before: date("notBefore", &parsed.validity().not_before)?,
            not_after: date("notAfter", &parsed.validity().not_after)?,
            strength: strength_of(&parsed.signature_algorithm),
            extensions: Extensions::read(parsed.extensions())?,
        })
    }

    /// The bytes it was read from.
    #[must_use]
    pub fn der(&self) -> &[u8] {
        &self.der
    }

    /// SHA-256 of the DER: the identity of the certificate on lists.
    #[must_use]
    pub const fn digest(&self) -> Sha256 {
        self.digest
    }

    /// The DER SubjectPublicKeyInfo.
    #[must_use]
    pub fn spki(&self) -> &[u8] {
        &self.spki
    }

    /// The key, if it is one that may be used.
    ///
    /// # Errors
    /// [`KeyFault`] as [`PublicKey::from_spki`].
    pub fn public_key(&self) -> Result<PublicKey, KeyFault> {
        PublicKey::from_spki(&self.spki)
    }

    /// The subject in the manner of RFC 4514, escaped so that it can be shown.
    #[must_use]
    pub fn subject_text(&self) -> &str {
        &self.subject.text
    }

    /// The issuer, in the form of [`Certificate::subject_text`].
    #[must_use]
    pub fn issuer_text(&self) -> &str {
        &self.issuer.text
    }

    /// The serial number as lower-case hex.
    #[must_use]
    pub fn serial_text(&self) -> String {
        hex::encode(&self.serial)
    }

    /// First second of validity.
    #[must_use]
    pub const fn not_before(&self) -> Time {
        self.not_before
    }

    /// Last second of validity.
    #[must_use]
    pub const fn not_after(&self) -> Time {
        self.not_after
    }

    /// Object identifiers of its extended key usages, dotted. Empty where it has none.
    #[must_use]
    pub fn purposes(&self) -> &[String] {
        &self.extensions.purposes
    }

    /// Whether basicConstraints is there and says that it is a CA.
    #[must_use]
    pub fn is_ca(&self) -> bool {
        matches!(self.extensions.basic, Some((true, _)))
    }

    /// pathLenConstraint of basicConstraints (RFC 5280 section 4.2.1.9).
    #[must_use]
    pub fn path_length(&self) -> Option<u32> {
        self.extensions.basic.and_then(|(_, length)| length)
    }

    /// Whether keyUsage is there and has digitalSignature.
    #[must_use]
    pub fn may_sign_documents(&self) -> bool {
        self.extensions.usage.is_some_and(|bits| bits & DIGITAL_SIGNATURE != 0)
    }

    /// Whether keyUsage is there and has keyCertSign.
    #[must_use]
    pub fn may_sign_certificates(&self) -> bool {
        self.extensions.usage.is_some_and(|bits| bits & CERTIFICATE_SIGN != 0)
    }

    /// Whether keyUsage is there and has cRLSign.
    #[must_use]
    pub fn may_sign_crls(&self) -> bool {
        self.extensions.usage.is_some_and(|bits| bits & CRL_SIGN != 0)
    }

    pub(crate) const fn says_key_usage(&self) -> bool {
        self.extensions.usage.is_some()
    }

    pub(crate) const fn says_basic_constraints(&self) -> bool {
        self.extensions.basic.is_some()
    }

    pub(crate) const fn says_purposes(&self) -> bool {
        self.extensions.has_purposes
    }

    /// An object identifier with an arc of 2^32 or more, which path validation cannot hold.
    pub(crate) fn large_arc(&self) -> Option<&str> {
        self.extensions.large_arc.as_deref()
    }

    /// The window of the private key (privateKeyUsagePeriod, RFC 3280 section 4.2.1.4): first and last second.
    pub(crate) const fn key_window(&self) -> (Option<Time>, Option<Time>) {
        self.extensions.key_window
    }

    /// Whether it asks not to be looked up in revocation lists (id-pkix-ocsp-nocheck, RFC 6960 section 4.2.2.2.1).
    pub(crate) const fn waives_revocation(&self) -> bool {
        self.extensions.waives_revocation
    }

    pub(crate) const fn strength(&self) -> Strength {
        self.strength
    }

    pub(crate) fn subject_key(&self) -> &[u8] {
        &self.subject.key
    }

    pub(crate) fn issuer_key(&self) -> &[u8] {
        &self.issuer.key
    }

    /// Whether the key identifiers say that `issuer` made it: a hint for the order of the search, never more.
    pub(crate) fn points_at(&self, issuer: &Self) -> bool {
        let (mine, theirs) = (&self.extensions.authority_key_id, &issuer.extensions.subject_key_id);
        mine.is_some() && mine == theirs
    }

    pub(crate) fn is_valid_at(&self, at: Time) -> bool {
        (self.not_before.unix_seconds()..=self.not_after.unix_seconds()).contains(&at.unix_seconds())
    }
}

/// Reads a file of certificates: PEM with one or many, or one DER certificate; which of the two is seen by content.
///
/// # Errors
/// [`CertificateFault`] names what the file is where it is something else, and the block at fault.
pub fn certificates(input: &[u8], limits: &Limits) -> Result<Vec<Certificate>, CertificateFault> {
    if input.is_empty() {
        return Err(CertificateFault::new(Reason::InputEmpty, "", "certificates in PEM or DER", "an empty file"));
    }
    if !pem::is_pem(input) {
        return Certificate::from_der(input, limits).map(|one| vec![one]);
    }
    let text = core::str::from_utf8(input).unwrap_or_default();
    let bodies = pem::blocks(text, "CERTIFICATE", limits.bag_certificates).map_err(|fault| {
        let (place, expected, found) = pem_words(fault, "CERTIFICATE", pem::kind_of(input), limits.bag_certificates);
        CertificateFault::new(Reason::CertificateMalformed, place, expected, found)
    })?;
    (1_usize..)
        .zip(&bodies)
        .map(|(number, body)| {
            Certificate::from_der(body, limits)
                .map_err(|fault| CertificateFault(Box::new(fault.0.within(&format!("certificate {number}")))))
        })
        .collect()
}

pub(crate) fn pem_words(fault: pem::PemFault, label: &str, kind: &str, most: usize) -> (String, String, String) {
    use pem::PemFault;
    let block = format!("-----BEGIN {label}-----");
    match fault {
        PemFault::Label { line, label } => (format!("line {line}"), block, format!("{kind} ({label:?})")),
        PemFault::Unended { line } => {
            (format!("line {line}"), format!("a block that ends with -----END {label}-----"), "none".to_owned())
        }
        PemFault::Base64 { line } => (format!("block of line {line}"), "base64 (RFC 4648)".into(), "other text".into()),
        PemFault::TooMany => (String::new(), format!("at most {most} blocks"), "more".to_owned()),
    }
}

impl Extensions {
    fn read(extensions: &[X509Extension<'_>]) -> Result<Self, CertificateFault> {
        let mut read = Self::default();
        let mut seen = std::collections::BTreeSet::new();
        for extension in extensions {
            let shown = || format!("extension {}", extension.oid.to_id_string());
            if !seen.insert(extension.oid.as_bytes()) {
                return Err(CertificateFault::malformed(&shown(), "each extension once", "twice"));
            }
            if extension.parsed_extension().error().is_some() {
                return Err(CertificateFault::malformed(&shown(), "the form that RFC 5280 gives it", "another"));
            }
            read.note_arc(extension.oid.as_bytes());
            read.take(extension).ok_or_else(|| {
                CertificateFault::malformed(&shown(), "the form that RFC 5280 gives it", "a part that cannot be read")
            })?;
        }
        Ok(read)
    }

    fn take(&mut self, extension: &X509Extension<'_>) -> Option<()> {
        match extension.parsed_extension() {
            ParsedExtension::BasicConstraints(basic) => self.basic = Some((basic.ca, basic.path_len_constraint)),
            ParsedExtension::KeyUsage(usage) => self.usage = Some(usage.flags),
            ParsedExtension::ExtendedKeyUsage(_) => {
                self.has_purposes = true;
                self.read_purposes(extension.value)?;
            }
            ParsedExtension::SubjectKeyIdentifier(id) => self.subject_key_id = Some(id.0.to_vec()),
            ParsedExtension::AuthorityKeyIdentifier(id) => {
                self.authority_key_id = id.key_identifier.as_ref().map(|id| id.0.to_vec());
            }
            ParsedExtension::SubjectAlternativeName(names) => {
                if names.general_names.iter().any(|name| matches!(name, GeneralName::Invalid(..))) {
                    return None;
                }
            }
            _ => match extension.oid.to_id_string().as_str() {
                "2.5.29.16" => self.key_window = fields::key_window(extension.value)?,
                "1.3.6.1.5.5.7.48.1.5" => self.waives_revocation = true,
                _ => {}
            },
        }
        Some(())
    }

    /// Read by hand: the arcs of foreign purposes may be larger than any parser's numbers.
    fn read_purposes(&mut self, value: &[u8]) -> Option<()> {
        let mut rest = der::contents_of(der::SEQUENCE, value).filter(|outer| outer.rest.is_empty())?.contents;
        while !rest.is_empty() {
            let purpose = der::contents_of(0x06, rest)?;
            self.note_arc(purpose.contents);
            self.purposes.push(match der::object_identifier(purpose.contents) {
                Some((text, _)) => text,
                None => format!("#{}", hex::encode(purpose.contents)),
            });
            rest = purpose.rest;
        }
        Some(())
    }

    fn note_arc(&mut self, contents: &[u8]) {
        let large = match der::object_identifier(contents) {
            Some((_, false)) => return,
            Some((text, true)) => text,
            None => format!("#{}", hex::encode(contents)),
        };
        self.large_arc.get_or_insert(large);
    }
}

#[cfg(test)]
mod tests;
