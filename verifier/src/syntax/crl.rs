//! Certificate revocation lists (RFC 5280 section 5), read strictly, bounded and owned. A parsed list is a claim until
//! its issuer's signature was checked on a path.

use super::certificate::der::{self, GENERALIZED_TIME, INTEGER, SEQUENCE, UTC_TIME};
use super::certificate::name::Name;
use super::certificate::{Strength, pem, pem_words, strength_of, time_of};
use crate::values::digest::{Sha256, hex};
use crate::values::finding::Finding;
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

/// Why bytes are no CRL, or a file holds none.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}: expected {}, found {}", .0.place, .0.expected, .0.found)]
pub struct CrlFault(Box<Finding>);

impl CrlFault {
    fn new(place: impl Into<String>, expected: impl Into<String>, found: impl Into<String>) -> Self {
        Self(Box::new(Finding::new(Reason::CrlMalformed, place, expected, found)))
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

impl From<CrlFault> for Finding {
    fn from(fault: CrlFault) -> Self {
        *fault.0
    }
}

impl Crl {
    /// Reads one DER CRL with no byte after it.
    ///
    /// # Errors
    /// [`CrlFault`] for anything that does not parse in full, is longer than `Limits::crl_bytes` or has more entries
    /// than `Limits::crl_entries`. They are counted before any is read.
    pub fn from_der(der: &[u8], limits: &Limits) -> Result<Self, CrlFault> {
        if der.len() > limits.crl_bytes {
            return Err(CrlFault::new("CRL", format!("at most {} bytes", limits.crl_bytes), der.len().to_string()));
        }
        let other = || CrlFault::new("CRL", "a DER CRL (RFC 5280)", pem::kind_of(der));
        let entries = entries_of(der, limits.crl_entries).ok_or_else(other)?;
        if entries > limits.crl_entries {
            return Err(CrlFault::new("CRL", format!("at most {} entries", limits.crl_entries), "more"));
        }
        let (rest, parsed) = CertificateRevocationList::from_der(der).map_err(|_| other())?;
        if !rest.is_empty() {
            return Err(CrlFault::new("CRL", "nothing after its end", format!("{} more bytes", rest.len())));
        }
        let mut seen = std::collections::BTreeSet::new();
        for extension in parsed.extensions() {
            let place = || format!("extension {}", extension.oid.to_id_string());
            if !seen.insert(extension.oid.to_id_string()) {
                return Err(CrlFault::new(place(), "each extension once", "twice"));
            }
            if extension.parsed_extension().error().is_some() {
                return Err(CrlFault::new(place(), "the form that RFC 5280 gives it", "another"));
            }
        }
        let date = |field: &'static str, time: &x509_parser::time::ASN1Time| {
            time_of(time).ok_or_else(|| CrlFault::new(field, "a date from 1970 to 9999", time.to_string()))
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
            is_delta: seen.contains("2.5.29.27"),
            names_delta: seen.contains("2.5.29.46"),
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

    pub(crate) fn issuer_key(&self) -> &[u8] {
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
/// [`CrlFault`] names what the file is where it is something else, and the block at fault.
pub fn crls(input: &[u8], limits: &Limits) -> Result<Vec<Crl>, CrlFault> {
    if input.is_empty() {
        return Err(CrlFault::new("", "CRLs in PEM or DER", "an empty file"));
    }
    if !pem::is_pem(input) {
        return Crl::from_der(input, limits).map(|one| vec![one]);
    }
    let text = core::str::from_utf8(input).unwrap_or_default();
    let bodies = pem::blocks(text, "X509 CRL", limits.crls).map_err(|fault| {
        let (place, expected, found) = pem_words(fault, "X509 CRL", pem::kind_of(input), limits.crls);
        CrlFault::new(place, expected, found)
    })?;
    (1_usize..)
        .zip(&bodies)
        .map(|(number, body)| {
            Crl::from_der(body, limits).map_err(|fault| CrlFault(Box::new(fault.0.within(&format!("CRL {number}")))))
        })
        .collect()
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
