//! Certificates, revocation lists and keys from files, and how a certificate is described.

use super::inputs::World;
use ecugate_verifier::syntax::certificate::{Certificate, certificates as parse};
use ecugate_verifier::syntax::crl::{Crl, crls as parse_lists};
use ecugate_verifier::values::digest::Sha256;
use ecugate_verifier::values::finding::Finding;
use ecugate_verifier::values::keys::{KeyFault, PublicKey};
use ecugate_verifier::values::limits::Limits;
use ecugate_verifier::values::reason::Reason;
use serde_json::{Value, json};
use std::path::Path;

/// The mark of a textual encoding (RFC 7468).
const PEM: &[u8] = b"-----BEGIN ";

/// The certificates of a file, PEM or DER by content.
pub(crate) fn certificates(world: &World, path: &Path) -> Result<Vec<Certificate>, Finding> {
    let limits = Limits::STANDARD;
    let bytes = world.bytes(path, limits.document_bytes)?;
    parse(&bytes, &limits).map_err(|fault| fault.finding().within(&shown(path)))
}

/// The certificates of several files.
pub(crate) fn all_certificates<P: AsRef<Path>>(world: &World, paths: &[P]) -> Result<Vec<Certificate>, Finding> {
    let read: Vec<Vec<Certificate>> =
        paths.iter().map(|path| certificates(world, path.as_ref())).collect::<Result<_, _>>()?;
    Ok(read.into_iter().flatten().collect())
}

/// The one certificate of a file.
pub(crate) fn one_certificate(world: &World, path: &Path) -> Result<Certificate, Finding> {
    let read = certificates(world, path)?;
    let count = read.len();
    match <[Certificate; 1]>::try_from(read) {
        Ok([one]) => Ok(one),
        Err(_) => {
            let found = format!("{count} certificates");
            Err(Finding::new(Reason::CertificateMalformed, shown(path), "one certificate", found))
        }
    }
}

/// The CRLs of several files, PEM or DER by content.
pub(crate) fn all_lists<P: AsRef<Path>>(world: &World, paths: &[P]) -> Result<Vec<Crl>, Finding> {
    let limits = Limits::STANDARD;
    let mut lists = Vec::new();
    for path in paths.iter().map(AsRef::as_ref) {
        let bytes = world.bytes(path, list_file_bytes())?;
        lists.extend(parse_lists(&bytes, &limits).map_err(|fault| fault.finding().within(&shown(path)))?);
    }
    Ok(lists)
}

/// Bytes of a file of CRLs: base64 needs a third more, and a file may hold more than one.
pub(crate) const fn list_file_bytes() -> usize {
    Limits::STANDARD.crl_bytes * 2
}

/// The bytes of a DER SubjectPublicKeyInfo, unread.
pub(crate) fn key_bytes(world: &World, path: &Path) -> Result<Vec<u8>, Finding> {
    world.bytes(path, Limits::STANDARD.certificate_bytes)
}

/// What is wrong with a key given as `spki`: a textual file is named as what it is.
pub(crate) fn key_fault(spki: &[u8], fault: KeyFault, place: &str) -> Finding {
    let found = match fault {
        KeyFault::Malformed if spki.starts_with(PEM) => "a PEM file".to_owned(),
        KeyFault::Malformed if spki.is_empty() => "nothing".to_owned(),
        KeyFault::Malformed if parse(spki, &Limits::STANDARD).is_ok() => "a certificate".to_owned(),
        other => other.to_string(),
    };
    Finding::new(fault.reason(), place, "a usable key as DER SubjectPublicKeyInfo", found)
}

/// A person's key: SubjectPublicKeyInfo in DER or PEM, or a certificate that holds it.
pub(crate) fn key_of_person(world: &World, path: &Path) -> Result<PublicKey, Finding> {
    let bytes = key_bytes(world, path)?;
    let place = shown(path);
    let certified = parse(&bytes, &Limits::STANDARD).ok();
    let spki = match certified.as_deref() {
        Some([one]) => one.spki().to_vec(),
        Some(many) => {
            let found = format!("{} certificates", many.len());
            return Err(Finding::new(Reason::CertificateMalformed, place, "one certificate", found));
        }
        None if bytes.starts_with(PEM) => pem_key(&bytes).ok_or_else(|| {
            Finding::new(Reason::KeyMalformed, place.as_str(), "one block of PUBLIC KEY", "another text")
        })?,
        None => bytes,
    };
    PublicKey::from_spki(&spki).map_err(|fault| {
        let expected = "a usable key as SubjectPublicKeyInfo or in a certificate";
        Finding::new(fault.reason(), place, expected, fault.to_string())
    })
}

/// The body of exactly one `PUBLIC KEY` block with nothing around it (RFC 7468 section 13).
fn pem_key(bytes: &[u8]) -> Option<Vec<u8>> {
    use base64::Engine as _;
    let text = std::str::from_utf8(bytes).ok()?.trim_ascii();
    let body = text.strip_prefix("-----BEGIN PUBLIC KEY-----")?.strip_suffix("-----END PUBLIC KEY-----")?;
    let body: String = body.lines().map(str::trim_ascii).collect();
    base64::engine::general_purpose::STANDARD.decode(body).ok()
}

/// A certificate in JSON: names are escaped already.
pub(crate) fn described(certificate: &Certificate) -> Value {
    json!({
        "subject": certificate.subject_text(),
        "issuer": certificate.issuer_text(),
        "serial": certificate.serial_text(),
        "not_before": certificate.not_before().to_string(),
        "not_after": certificate.not_after().to_string(),
        "sha256": certificate.digest().to_string(),
        "key_sha256": Sha256::of(certificate.spki()).to_string(),
    })
}

/// A path as findings name it.
pub(crate) fn shown(path: &Path) -> String {
    path.display().to_string()
}
