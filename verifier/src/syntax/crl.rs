//! Certificate revocation lists (RFC 5280 section 5), read strictly, bounded and owned. A parsed list is a claim until
//! its issuer's signature was checked on a path.

use super::certificate::der::{self, GENERALIZED_TIME, INTEGER, SEQUENCE, UTC_TIME};
use super::certificate::file::{self, Kind};
use super::certificate::name::Name;
use super::certificate::{Strength, X509Fault, each_once, pem, strength_of, time_of};
use crate::values::digest::{Sha256, hex};
use crate::values::limits::Limits;
use crate::values::reason::Reason;
use crate::values::time::Time;
use core::fmt;
use x509_parser::prelude::{FromDer as _, ParsedExtension, X509Extension};
use x509_parser::revocation_list::CertificateRevocationList;

/// One parsed CRL.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Crl {
    der: Vec<u8>,
    digest: Sha256,
    issuer: Name,
    this_update: Time,
    next_update: Option<Time>,
    number: Option<CrlNumber>,
    entries: usize,
    strength: Strength,
    is_delta: bool,
    names_delta: bool,
    is_indirect: bool,
    is_strange: bool,
}

/// cRLNumber (RFC 5280 section 5.2.3), of up to 20 octets; a later list has a larger one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CrlNumber(Vec<u8>);

impl CrlNumber {
    /// From big-endian octets; leading zeros do not count.
    #[must_use]
    pub fn from_bytes(octets: &[u8]) -> Self {
        Self(octets.iter().copied().skip_while(|octet| *octet == 0).collect())
    }

    /// From the hex digits that [`Display`](fmt::Display) writes.
    #[must_use]
    pub fn from_hex(text: &str) -> Option<Self> {
        let number = Self::from_bytes(&hex::decode(text)?);
        (number.to_string() == text).then_some(number)
    }
}

impl PartialOrd for CrlNumber {
    fn partial_cmp(&self, other: &Self) -> Option<core::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for CrlNumber {
    fn cmp(&self, other: &Self) -> core::cmp::Ordering {
        (self.0.len(), &self.0).cmp(&(other.0.len(), &other.0))
    }
}

impl fmt::Display for CrlNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.0.is_empty() { "00" } else { "" })?;
        f.write_str(&hex::encode(&self.0))
    }
}

impl Crl {
    /// Reads one DER CRL with no byte after it.
    ///
    /// # Errors
    /// [`X509Fault`] for anything that does not parse in full, is longer than `Limits::crl_bytes` or has more entries
    /// than `Limits::crl_entries`. They are counted before any is read.
    pub fn from_der(der: &[u8], limits: &Limits) -> Result<Self, X509Fault> {
        if der.len() > limits.crl_bytes {
            return Err(malformed("CRL", format!("at most {} bytes", limits.crl_bytes), der.len().to_string()));
        }
        let other = || malformed("CRL", "a DER CRL (RFC 5280)", pem::kind_of(der));
        let entries = entries_of(der, limits.crl_entries).ok_or_else(other)?;
        if entries > limits.crl_entries {
            return Err(malformed("CRL", format!("at most {} entries", limits.crl_entries), "more"));
        }
        let (rest, parsed) = CertificateRevocationList::from_der(der).map_err(|_| other())?;
        if !rest.is_empty() {
            return Err(malformed("CRL", "nothing after its end", format!("{} more bytes", rest.len())));
        }
        if parsed.signature_algorithm != parsed.tbs_cert_list.signature {
            let expected = "the same algorithm inside and outside of what is signed (RFC 5280 section 5.1.1.2)";
            return Err(malformed("signatureAlgorithm", expected, "two"));
        }
        each_once(parsed.extensions(), Reason::CrlMalformed)?;
        let has = |oid: &str| parsed.extensions().iter().any(|extension| extension.oid.to_id_string() == oid);
        let date = |field: &'static str, time: &x509_parser::time::ASN1Time| {
            time_of(time).ok_or_else(|| malformed(field, "a date from 1970 to 9999", time.to_string()))
        };
        Ok(Self {
            der: der.to_vec(),
            digest: Sha256::of(der),
            issuer: Name::read(parsed.issuer()),
            this_update: date("thisUpdate", &parsed.last_update())?,
            next_update: parsed.next_update().as_ref().map(|time| date("nextUpdate", time)).transpose()?,
            number: parsed.crl_number().map(|number| CrlNumber::from_bytes(&number.to_bytes_be())),
            entries,
            strength: strength_of(&parsed.signature_algorithm),
            is_delta: has("2.5.29.27"),
            names_delta: has("2.5.29.46"),
            is_indirect: parsed.extensions().iter().any(|extension| {
                matches!(extension.parsed_extension(), ParsedExtension::IssuingDistributionPoint(point) if point.indirect_crl)
            }),
            is_strange: is_strange(&parsed),
        })
    }

    /// The bytes it was read from.
    #[must_use]
    pub fn der(&self) -> &[u8] {
        &self.der
    }

    /// SHA-256 of the DER.
    #[must_use]
    pub const fn digest(&self) -> Sha256 {
        self.digest
    }

    /// Who made it, in the manner of RFC 4514, escaped.
    #[must_use]
    pub fn issuer_text(&self) -> &str {
        &self.issuer.text
    }

    /// When it was made.
    #[must_use]
    pub const fn this_update(&self) -> Time {
        self.this_update
    }

    /// When the next one comes at the latest. A list without it is never used.
    #[must_use]
    pub const fn next_update(&self) -> Option<Time> {
        self.next_update
    }

    /// Its number, if it has one.
    #[must_use]
    pub const fn number(&self) -> Option<&CrlNumber> {
        self.number.as_ref()
    }

    /// How many certificates it revokes.
    #[must_use]
    pub const fn entries(&self) -> usize {
        self.entries
    }

    /// Who made it, in the form to compare (`Certificate::subject_key`).
    #[must_use]
    pub fn issuer_key(&self) -> &[u8] {
        &self.issuer.key
    }

    pub(crate) const fn strength(&self) -> Strength {
        self.strength
    }

    /// deltaCRLIndicator (section 5.2.4): it says only what changed since another list.
    pub(crate) const fn is_delta(&self) -> bool {
        self.is_delta
    }

    /// freshestCRL (section 5.2.6): what it says may be out of date because of another list.
    pub(crate) const fn names_delta(&self) -> bool {
        self.names_delta
    }

    /// A critical extension that we do not know, of the list or of one of its entries (sections 5.2 and 5.3).
    pub(crate) const fn is_strange(&self) -> bool {
        self.is_strange
    }

    /// indirectCRL of issuingDistributionPoint (section 5.2.5): its entries may be other issuers' certificates.
    pub(crate) const fn is_indirect(&self) -> bool {
        self.is_indirect
    }
}

/// Reads a file of CRLs: PEM with one or many, or one DER CRL; which of the two is seen by content.
///
/// # Errors
/// [`X509Fault`] names what the file is where it is something else, and the block at fault.
pub fn crls(input: &[u8], limits: &Limits) -> Result<Vec<Crl>, X509Fault> {
    let kind = Kind {
        label: "X509 CRL",
        one: "CRL",
        many: "CRLs in PEM or DER",
        most: limits.crls,
        if_empty: Reason::CrlMalformed,
        else_malformed: Reason::CrlMalformed,
    };
    file::each(input, &kind, |der| Crl::from_der(der, limits))
}

fn malformed(place: &str, expected: impl Into<String>, found: impl Into<String>) -> X509Fault {
    X509Fault::new(Reason::CrlMalformed, place, expected, found)
}

fn is_strange(parsed: &CertificateRevocationList<'_>) -> bool {
    // authorityKeyIdentifier, cRLNumber, deltaCRLIndicator, issuingDistributionPoint, freshestCRL
    const OF_LIST: [&str; 5] = ["2.5.29.35", "2.5.29.20", "2.5.29.27", "2.5.29.28", "2.5.29.46"];
    // reasonCode, invalidityDate; certificateIssuer makes an entry another issuer's
    const OF_ENTRY: [&str; 2] = ["2.5.29.21", "2.5.29.24"];
    let unknown = |extensions: &[X509Extension<'_>], known: &[&str]| {
        extensions.iter().any(|one| one.critical && !known.contains(&one.oid.to_id_string().as_str()))
    };
    unknown(parsed.extensions(), &OF_LIST)
        || parsed.iter_revoked_certificates().any(|entry| unknown(entry.extensions(), &OF_ENTRY))
}

/// Number of revokedCertificates, or `most + 1` where there are more; `None` where it has not the form of a CRL.
fn entries_of(bytes: &[u8], most: usize) -> Option<usize> {
    let outer = der::contents_of(SEQUENCE, bytes)?;
    let mut rest = der::contents_of(SEQUENCE, outer.contents)?.contents;
    if let Some(version) = der::contents_of(INTEGER, rest) {
        rest = version.rest;
    }
    rest = der::contents_of(SEQUENCE, rest)?.rest; // signature
    rest = der::contents_of(SEQUENCE, rest)?.rest; // issuer
    rest = der::element(rest).filter(|time| matches!(time.tag, UTC_TIME | GENERALIZED_TIME))?.rest;
    if let Some(next) = der::element(rest).filter(|time| matches!(time.tag, UTC_TIME | GENERALIZED_TIME)) {
        rest = next.rest;
    }
    let Some(list) = der::contents_of(SEQUENCE, rest) else { return Some(0) };
    let (mut entries, mut rest) = (0, list.contents);
    while !rest.is_empty() && entries <= most {
        rest = der::contents_of(SEQUENCE, rest)?.rest;
        entries += 1;
    }
    Some(entries)
}

#[cfg(test)]
mod tests;
