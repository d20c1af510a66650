//! Signing: a payload, a key and the certificates of that key become an envelope which the verifier takes.
//!
//! What nobody could verify is not signed: another kind of document, a certificate of another key, without the
//! purpose, or out of date. Whether the receiving site lists the anchor and what the CRLs say is not seen here.

use ecugate_verifier::documents::document::{self, Document};
use ecugate_verifier::documents::envelope::{Envelope, SealFault, Verified, seal};
use ecugate_verifier::documents::manifest::Validity;
use ecugate_verifier::documents::manifest::release::Release;
use ecugate_verifier::documents::manifest::shipment::Shipment;
use ecugate_verifier::documents::statement::Predicate as _;
use ecugate_verifier::inputs::trust::path::{PathOptions, Purpose, Revocation, ValidPath, find_path};
use ecugate_verifier::syntax::certificate::Certificate;
use ecugate_verifier::syntax::json::{self, Json};
use ecugate_verifier::values::digest::Sha256;
use ecugate_verifier::values::finding::Finding;
use ecugate_verifier::values::ident::{Name, purpose};
use ecugate_verifier::values::keys::{PublicKey, Signer};
use ecugate_verifier::values::limits::Limits;
use ecugate_verifier::values::reason::Reason;
use ecugate_verifier::values::time::Time;

/// The kinds of document that a manufacturer signs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A release manifest.
    Release,
    /// A shipment manifest.
    Shipment,
}

impl Kind {
    /// The word on screens and in JSON.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Release => "release",
            Self::Shipment => "shipment",
        }
    }

    /// The purpose that the signer's certificate must state.
    #[must_use]
    pub const fn purpose(self) -> &'static str {
        match self {
            Self::Release => purpose::RELEASE,
            Self::Shipment => purpose::SHIPMENT,
        }
    }
}

/// What of a document is told when it was made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Summary {
    /// Its kind.
    pub kind: Kind,
    /// The name of the release, or the number of the shipment.
    pub id: Name,
    /// When it counts.
    pub valid: Validity,
    /// Name and digest of each subject.
    pub subjects: Vec<(String, Sha256)>,
}

impl From<&Release> for Summary {
    fn from(release: &Release) -> Self {
        Self { kind: Kind::Release, id: release.release.clone(), valid: release.valid, subjects: release.subjects() }
    }
}

impl From<&Shipment> for Summary {
    fn from(shipment: &Shipment) -> Self {
        Self {
            kind: Kind::Shipment,
            id: shipment.shipment.clone(),
            valid: shipment.valid,
            subjects: shipment.subjects(),
        }
    }
}

/// A signed document, read back by the verifier.
#[derive(Clone, Debug)]
pub struct Signed {
    /// The envelope.
    pub envelope: Envelope,
    /// What it holds.
    pub summary: Summary,
    /// What may be worth a look and is no fault.
    pub notes: Vec<String>,
}

/// Why nothing was signed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}: expected {}, found {}", .0.place, .0.expected, .0.found)]
pub struct SignFault(Box<Finding>);

impl SignFault {
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

impl From<Finding> for SignFault {
    fn from(finding: Finding) -> Self {
        Self(Box::new(finding))
    }
}

/// Signs `payload` with `signer` at the time `now`. The first of `chain` is the signer's own certificate; all of them
/// go along, in their order.
///
/// # Errors
/// [`SignFault`]: the payload is not a sound release or shipment manifest; the first certificate is of another key,
/// not for this kind of document, or out of date; the others do not lead upwards from it; the key failed.
pub fn sign<S>(payload: Vec<u8>, signer: &S, chain: &[Certificate], now: Time) -> Result<Signed, SignFault>
where
    S: Signer,
    S::Error: Into<Finding>,
{
    let limits = &Limits::STANDARD;
    let kind = kind_of(&payload, limits)?;
    let [leaf, above @ ..] = chain else {
        return Err(Finding::new(Reason::CertificateMissing, "chain", "the signer's certificate", "none").into());
    };
    require_own(leaf, above, signer.public_key())?;
    let notes = require_usable(leaf, above, kind, now, limits)?;
    let carried: Vec<Vec<u8>> = chain.iter().map(|certificate| certificate.der().to_vec()).collect();
    let envelope = seal(payload, &[(signer, carried.as_slice())]).map_err(seal_fault)?;
    let verified = envelope.verify_with(signer.public_key()).map_err(|fault| fault.finding())?;
    let summary = match kind {
        Kind::Release => summary::<Release>(&verified, limits),
        Kind::Shipment => summary::<Shipment>(&verified, limits),
    }?;
    if summary.valid.until < now {
        let expected = format!("{now} or later");
        return Err(
            Finding::new(Reason::ManifestExpired, "valid.until", expected, summary.valid.until.to_string()).into()
        );
    }
    Ok(Signed { envelope, summary, notes })
}

fn summary<D>(verified: &Verified<'_>, limits: &Limits) -> Result<Summary, Finding>
where
    D: Document,
    for<'d> Summary: From<&'d D>,
{
    document::read::<D>(verified, limits).map(|document| Summary::from(&document)).map_err(|fault| fault.finding())
}

/// The kind of a payload, before anything is signed.
fn kind_of(payload: &[u8], limits: &Limits) -> Result<Kind, Finding> {
    let json = json::parse(payload, limits).map_err(|fault| fault.finding().within("payload"))?;
    let found = match json.member("predicateType") {
        Some(Json::String(kind)) if kind == Release::TYPE => return Ok(Kind::Release),
        Some(Json::String(kind)) if kind == Shipment::TYPE => return Ok(Kind::Shipment),
        Some(Json::String(other)) => other.clone(),
        _ if json.member("payload").is_some() => "an envelope: what is in it was signed already".to_owned(),
        _ => "none".to_owned(),
    };
    let expected = format!("predicateType {} or {}", Release::TYPE, Shipment::TYPE);
    Err(Finding::new(Reason::PredicateTypeWrong, "payload", expected, found))
}

/// The leaf is of the key that signs.
fn require_own(leaf: &Certificate, above: &[Certificate], key: &PublicKey) -> Result<(), Finding> {
    if leaf.spki() == key.spki() {
        return Ok(());
    }
    let expected = format!("a certificate of the signing key {}", key.id());
    let found = match (2..).zip(above).find(|(_, other)| other.spki() == key.spki()) {
        Some((number, _)) => format!("one of another key; certificate {number} is of the signing key"),
        None => format!("one of the key {}", Sha256::of(leaf.spki())),
    };
    Err(Finding::new(Reason::SigningKeyDiffers, format!("certificate 1 ({})", leaf.subject_text()), expected, found))
}

/// What can be known of the path without the receiving site's anchors: the leaf for itself, and the path from it
/// upwards as far as certificates are there.
fn require_usable(
    leaf: &Certificate,
    above: &[Certificate],
    kind: Kind,
    now: Time,
    limits: &Limits,
) -> Result<Vec<String>, Finding> {
    require_leaf(leaf, kind, now)?;
    if above.is_empty() {
        return Ok(vec![format!("only the signer's certificate goes along; its issuer is {}", leaf.issuer_text())]);
    }
    let path = path_within(leaf, above, kind, now, limits)?;
    let mut notes = Vec::new();
    for (number, certificate) in (2..).zip(above) {
        let shown = format!("certificate {number} ({})", certificate.subject_text());
        if certificate.subject_text() == certificate.issuer_text() {
            notes.push(format!("{shown} is self-signed: it goes along, and no site takes it from here"));
        } else if path.anchor() != certificate && !path.intermediates().contains(certificate) {
            notes.push(format!("{shown} is not on the path of the signer"));
        }
    }
    Ok(notes)
}

/// Those certificates are taken for anchors here that no other one of the chain has issued.
fn path_within(
    leaf: &Certificate,
    above: &[Certificate],
    kind: Kind,
    now: Time,
    limits: &Limits,
) -> Result<ValidPath, Finding> {
    let issued_here = |certificate: &Certificate| {
        above.iter().any(|other| other != certificate && other.subject_text() == certificate.issuer_text())
    };
    let (below, mut tops): (Vec<_>, Vec<_>) = above.iter().cloned().partition(issued_here);
    if tops.is_empty() {
        tops = above.to_vec();
    }
    let options = PathOptions {
        at: now,
        max_intermediates: None,
        purpose: Purpose::Oid(kind.purpose()),
        revocation: Revocation::Off,
        limits,
    };
    find_path(leaf, &below, &tops, &[], &options).map_err(|fault| fault.finding())
}

/// The rules of the verifier for a signer's certificate, where there is no issuer yet to look for a path to.
fn require_leaf(leaf: &Certificate, kind: Kind, now: Time) -> Result<(), Finding> {
    let refuse = |reason, expected: String, found: String| {
        Err(Finding::new(reason, format!("certificate 1 ({})", leaf.subject_text()), expected, found))
    };
    if leaf.is_ca() {
        return refuse(Reason::LeafIsCa, "a certificate of a signer".to_owned(), "one of a CA".to_owned());
    }
    if leaf.subject_text() == leaf.issuer_text() {
        return refuse(Reason::LeafIsAnchor, "a certificate issued by a CA".to_owned(), "a self-signed one".to_owned());
    }
    if !leaf.purposes().iter().any(|stated| stated == kind.purpose()) {
        let expected = format!("the purpose {} ({})", kind.purpose(), kind.word());
        let found = if leaf.purposes().is_empty() { "none".to_owned() } else { leaf.purposes().join(" ") };
        return refuse(Reason::PurposeMissing, expected, found);
    }
    if !leaf.may_sign_documents() || leaf.may_sign_certificates() {
        let expected = "keyUsage with digitalSignature and without keyCertSign".to_owned();
        return refuse(Reason::KeyUsageWrong, expected, "another keyUsage, or none".to_owned());
    }
    if now < leaf.not_before() {
        let expected = format!("notBefore {now} or earlier");
        return refuse(Reason::CertificateNotYetValid, expected, leaf.not_before().to_string());
    }
    if now.unix_seconds() > leaf.not_after().unix_seconds() {
        return refuse(Reason::CertificateExpired, format!("notAfter {now} or later"), leaf.not_after().to_string());
    }
    Ok(())
}

fn seal_fault<E: Into<Finding>>(fault: SealFault<E>) -> Finding {
    match fault {
        SealFault::Signer(error) => error.into(),
        SealFault::SignerLied { fault, .. } => {
            Finding::new(Reason::SignerLied, "key", "a signature of its own", fault.to_string())
        }
        SealFault::Envelope(fault) => fault.finding(),
    }
}

#[cfg(test)]
mod tests;
