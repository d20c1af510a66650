//! X.509 certificates (RFC 5280 section 4), read strictly and owned. Nothing is believed: a parsed certificate is a
//! claim until a path to an anchor is found.

use crate::values::digest::{Sha256, hex};
use crate::values::keys::{KeyFault, PublicKey};
use crate::values::limits::Limits;
use crate::values::reason::Reason;
use crate::values::time::Time;
use x509_parser::prelude::{FromDer as _, GeneralName, ParsedExtension, X509Certificate, X509Extension};

pub(crate) mod der;

mod fault;

mod fields;

pub(crate) mod name;

pub(crate) mod pem;

pub(crate) mod file;

pub use fault::X509Fault;
pub(crate) use fields::{Strength, each_once, strength_of, time_of};
use file::Kind;
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

impl Certificate {
    /// Reads one DER certificate with no byte after it.
    ///
    /// # Errors
    /// [`X509Fault`] for anything that does not parse in full: trailing bytes, an extension twice, a known
    /// extension or a subject alternative name that cannot be read, a negative serial, dates outside 1970 to 9999.
    pub fn from_der(der: &[u8], limits: &Limits) -> Result<Self, X509Fault> {
        if der.len() > limits.certificate_bytes {
            let most = format!("at most {} bytes", limits.certificate_bytes);
            return Err(X509Fault::new(Reason::InputTooLarge, "certificate", most, format!("{} bytes", der.len())));
        }
        let (rest, parsed) = X509Certificate::from_der(der)
            .map_err(|_| malformed("certificate", "a DER certificate (RFC 5280)", pem::kind_of(der)))?;
        if !rest.is_empty() {
            let found = format!("{} more bytes", rest.len());
            return Err(malformed("certificate", "nothing after its end", found));
        }
        if parsed.signature_algorithm != parsed.tbs_certificate.signature {
            let expected = "the same algorithm inside and outside of what is signed (RFC 5280 section 4.1.1.2)";
            return Err(malformed("signatureAlgorithm", expected, "two"));
        }
        let serial = parsed.raw_serial().to_vec();
        if serial.first().is_none_or(|byte| byte & 0x80 != 0) {
            return Err(malformed("serialNumber", "a number that is not negative", hex::encode(&serial)));
        }
        let date = |field: &'static str, time: &x509_parser::time::ASN1Time| {
            time_of(time).ok_or_else(|| malformed(field, "a date from 1970 to 9999", time.to_string()))
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

    /// The subject in the form to compare: equal where RFC 5280 section 7.1 calls the names equal.
    #[must_use]
    pub fn subject_key(&self) -> &[u8] {
        &self.subject.key
    }

    /// The issuer, in the form of [`Certificate::subject_key`].
    #[must_use]
    pub fn issuer_key(&self) -> &[u8] {
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
/// [`X509Fault`] names what the file is where it is something else, and the block at fault.
pub fn certificates(input: &[u8], limits: &Limits) -> Result<Vec<Certificate>, X509Fault> {
    let kind = Kind {
        label: "CERTIFICATE",
        one: "certificate",
        many: "certificates in PEM or DER",
        most: limits.bag_certificates,
        if_empty: Reason::InputEmpty,
        else_malformed: Reason::CertificateMalformed,
    };
    file::each(input, &kind, |der| Certificate::from_der(der, limits))
}

fn malformed(place: &str, expected: &str, found: impl Into<String>) -> X509Fault {
    X509Fault::new(Reason::CertificateMalformed, place, expected, found)
}

impl Extensions {
    fn read(extensions: &[X509Extension<'_>]) -> Result<Self, X509Fault> {
        let mut read = Self::default();
        fields::each_once(extensions, Reason::CertificateMalformed)?;
        for extension in extensions {
            read.note_arc(extension.oid.as_bytes());
            read.take(extension).ok_or_else(|| {
                let place = format!("extension {}", extension.oid.to_id_string());
                malformed(&place, "the form that RFC 5280 gives it", "a part that cannot be read")
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
