//! What a file is: a manifest, certificates or a revocation list, read as strictly as at the dock, or refused by name.

use super::key::Key;
use ecugate_verifier::documents::document_seen::SeenKind;
use ecugate_verifier::documents::envelope::{Envelope, EnvelopeFault};
use ecugate_verifier::inputs::evidence::Manifest;
use ecugate_verifier::syntax::certificate::certificates;
use ecugate_verifier::syntax::crl::crls;
use ecugate_verifier::values::digest::Sha256;
use ecugate_verifier::values::finding::Finding;
use ecugate_verifier::values::ident::Name;
use ecugate_verifier::values::limits::Limits;
use ecugate_verifier::values::reason::Reason;
use ecugate_verifier::values::time::Time;

/// What the gate reads, in words for whoever sent something else.
const READ: &str = "a manifest (DSSE envelope), certificates, or a CRL (PEM or DER)";

/// Beginnings of archives and packed files, where they stand, and their names. None is ever opened (attack class 16).
const PACKED: [(usize, &[u8], &str); 13] = [
    (0, b"PK\x03\x04", "a ZIP archive"),
    (0, b"PK\x05\x06", "an empty ZIP archive"),
    (0, b"\x1f\x8b", "a gzip file"),
    (257, b"ustar", "a tar archive"),
    (0, b"BZh", "a bzip2 file"),
    (0, b"\xfd7zXZ\0", "an xz file"),
    (0, b"\x28\xb5\x2f\xfd", "a Zstandard file"),
    (0, b"7z\xbc\xaf\x27\x1c", "a 7-Zip archive"),
    (0, b"Rar!\x1a\x07", "a RAR archive"),
    (0, b"MSCF", "a cabinet archive"),
    (0, b"\x1f\x9d", "a compress file"),
    (0, b"!<arch>\n", "an ar archive"),
    (0, b"070701", "a cpio archive"),
];

/// A document as it came, and what it calls itself. Its signatures are not looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Paper {
    pub(super) bytes: Vec<u8>,
    pub(super) digest: Sha256,
    pub(super) kind: SeenKind,
    pub(super) name: Option<Name>,
    pub(super) marks: Vec<Mark>,
}

/// One thing that the index finds a document by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Mark {
    pub(super) key: Key,
    /// What stands before the time of arrival in the order of age: when a CRL was made.
    pub(super) made: Option<Time>,
}

impl Paper {
    /// Reads a document.
    ///
    /// # Errors
    /// The finding of the reader of its kind; [`Reason::DocumentUnknown`] where it is of none.
    pub fn read(bytes: Vec<u8>, limits: &Limits) -> Result<Self, Finding> {
        let digest = Sha256::of(&bytes);
        let (kind, name, marks) = match form(&bytes)? {
            Form::Json => of_manifest(&bytes, limits)?,
            Form::Certificates => of_certificates(&bytes, limits)?,
            Form::Crls => of_crls(&bytes, limits)?,
            Form::Der => match of_certificates(&bytes, limits) {
                Ok(read) => read,
                Err(no_certificate) => of_crls(&bytes, limits).map_err(|no_crl| other_der(no_certificate, no_crl))?,
            },
        };
        Ok(Self { bytes, digest, kind, name, marks })
    }

    /// The document, byte for byte.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// SHA-256 of its bytes.
    #[must_use]
    pub const fn digest(&self) -> Sha256 {
        self.digest
    }

    /// What it is, by its form.
    #[must_use]
    pub const fn kind(&self) -> SeenKind {
        self.kind
    }

    /// What it calls itself: the release or shipment id. A claim.
    #[must_use]
    pub const fn name(&self) -> Option<&Name> {
        self.name.as_ref()
    }

    /// What it is called where bytes are stored: as in a dossier.
    #[must_use]
    pub const fn media_type(&self) -> &'static str {
        match self.kind {
            SeenKind::Release | SeenKind::Shipment => "application/vnd.dsse+json",
            SeenKind::Certificates => "application/pkix-cert",
            SeenKind::Crl => "application/pkix-crl",
        }
    }
}

enum Form {
    Json,
    Certificates,
    Crls,
    Der,
}

type Read = (SeenKind, Option<Name>, Vec<Mark>);

/// By the first bytes alone: which reader judges it.
fn form(bytes: &[u8]) -> Result<Form, Finding> {
    if bytes.is_empty() {
        return Err(Finding::new(Reason::InputEmpty, "", READ, "an empty file"));
    }
    let stands = |(at, begin, _): &&(usize, &[u8], &str)| bytes.get(*at..).is_some_and(|rest| rest.starts_with(begin));
    if let Some((_, _, packed)) = PACKED.iter().find(stands) {
        return Err(unknown(packed));
    }
    if let Some(label) = core::str::from_utf8(bytes).ok().and_then(pem_label) {
        return match label {
            "CERTIFICATE" => Ok(Form::Certificates),
            "X509 CRL" => Ok(Form::Crls),
            _ => Err(unknown(&format!("a PEM file ({label:?})"))),
        };
    }
    match bytes.trim_ascii_start() {
        [b'{' | b'[', ..] | [0xef, 0xbb, 0xbf, ..] => Ok(Form::Json),
        _ if bytes.first() == Some(&0x30) && bytes.get(1).is_some_and(|length| *length >= 0x80) => Ok(Form::Der),
        _ => Err(unknown(match Envelope::parse(bytes, &Limits::STANDARD) {
            Err(EnvelopeFault::OtherFile(kind)) => kind,
            _ => "a file of another kind",
        })),
    }
}

/// The label of the first PEM block (RFC 7468): text may stand before it.
fn pem_label(text: &str) -> Option<&str> {
    text.lines().find_map(|line| line.strip_prefix("-----BEGIN ")?.trim_end().strip_suffix("-----"))
}

fn of_manifest(bytes: &[u8], limits: &Limits) -> Result<Read, Finding> {
    within(bytes, limits.document_bytes)?;
    let mark = |key: Key| Mark { key, made: None };
    match Manifest::read(bytes, limits) {
        Manifest::Malformed { finding, .. } => Err(finding),
        Manifest::Release(_, release) => {
            let parts = release.parts.iter().map(Key::part);
            let aliases = release.aliases.iter().map(Key::alias);
            let marks = parts.chain(aliases).chain([Key::release(&release.release)]).map(mark).collect();
            Ok((SeenKind::Release, Some(release.release.clone()), marks))
        }
        Manifest::Shipment(_, shipment) => {
            let marks = shipment.units.iter().map(|unit| mark(Key::unit(&unit.serial, &unit.part))).collect();
            Ok((SeenKind::Shipment, Some(shipment.shipment.clone()), marks))
        }
    }
}

fn of_certificates(bytes: &[u8], limits: &Limits) -> Result<Read, Finding> {
    // As many as one box may bring along.
    within(bytes, limits.certificate_bytes.saturating_mul(16))?;
    let read = certificates(bytes, limits).map_err(|fault| fault.finding())?;
    let marks = read.iter().map(|one| Mark { key: Key::subject(one.subject_key()), made: None }).collect();
    Ok((SeenKind::Certificates, None, marks))
}

fn of_crls(bytes: &[u8], limits: &Limits) -> Result<Read, Finding> {
    within(bytes, limits.crl_bytes)?;
    let read = crls(bytes, limits).map_err(|fault| fault.finding())?;
    let mark = |key: Key, made: Time| Mark { key, made: Some(made) };
    let marks = read.iter().map(|one| mark(Key::crls_of(one.issuer_key()), one.this_update())).collect();
    Ok((SeenKind::Crl, None, marks))
}

fn within(bytes: &[u8], most: usize) -> Result<(), Finding> {
    if bytes.len() <= most {
        return Ok(());
    }
    Err(Finding::new(Reason::InputTooLarge, "", format!("at most {most} bytes"), format!("{} bytes", bytes.len())))
}

/// Of two readers that refuse, the one whose kind it is.
fn other_der(no_certificate: Finding, no_crl: Finding) -> Finding {
    let goes_on = |finding: &Finding| finding.found.ends_with(" more bytes");
    if no_crl.found == "a certificate" || goes_on(&no_certificate) {
        no_certificate
    } else if no_certificate.found == "a CRL" || goes_on(&no_crl) {
        no_crl
    } else {
        unknown(&no_crl.found)
    }
}

fn unknown(found: &str) -> Finding {
    Finding::new(Reason::DocumentUnknown, "", READ, found)
}
