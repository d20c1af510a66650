//! Textual encodings (RFC 7468): blocks of one kind, strictly.

use base64::Engine as _;

const BEGIN: &str = "-----BEGIN ";
const END: &str = "-----END ";
const DASHES: &str = "-----";

/// Why a text is no sequence of blocks of the label asked for.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum PemFault {
    /// A block of another kind, with its label.
    Label { line: usize, label: String },
    /// The block begun in this line does not end, ends under another label, or has another block within.
    Unended { line: usize },
    /// The body of the block begun in this line is not strict base64.
    Base64 { line: usize },
    /// More blocks than allowed.
    TooMany,
    /// The mark of a block stands in it, but at the head of no line.
    NoBlock,
}

/// Whether the input is meant as PEM.
pub(crate) fn is_pem(input: &[u8]) -> bool {
    core::str::from_utf8(input).is_ok_and(|text| text.contains(BEGIN))
}

/// The bodies of all blocks, at least one. Text outside of blocks is explanatory (RFC 7468 section 2) and skipped.
pub(crate) fn blocks(text: &str, label: &str, most: usize) -> Result<Vec<Vec<u8>>, PemFault> {
    let mut bodies = Vec::new();
    let mut open: Option<(usize, String)> = None;
    for (number, line) in (1..).zip(text.lines()) {
        let line = line.trim_end();
        match &mut open {
            None => {
                let Some(found) = line.strip_prefix(BEGIN) else { continue };
                match found.strip_suffix(DASHES) {
                    Some(found) if found == label => open = Some((number, String::new())),
                    Some(found) => return Err(PemFault::Label { line: number, label: found.to_owned() }),
                    None => return Err(PemFault::Unended { line: number }),
                }
            }
            Some((begun, body)) => {
                let Some(end) = line.strip_prefix(END) else {
                    if line.contains(DASHES) {
                        return Err(PemFault::Unended { line: *begun });
                    }
                    body.push_str(line);
                    continue;
                };
                if end.strip_suffix(DASHES) != Some(label) {
                    return Err(PemFault::Unended { line: *begun });
                }
                let body = base64::engine::general_purpose::STANDARD.decode(body.as_str());
                bodies.push(body.map_err(|_| PemFault::Base64 { line: *begun })?);
                open = None;
                if bodies.len() > most {
                    return Err(PemFault::TooMany);
                }
            }
        }
    }
    match open {
        Some((line, _)) => Err(PemFault::Unended { line }),
        None if bodies.is_empty() => Err(PemFault::NoBlock),
        None => Ok(bodies),
    }
}

/// What a file is that is not what was asked for, in words for the person who gave it.
pub(crate) fn kind_of(input: &[u8]) -> &'static str {
    let text = core::str::from_utf8(input).unwrap_or_default().trim_start();
    let label = text.find(BEGIN).and_then(|at| text.get(at + BEGIN.len()..)).and_then(|rest| rest.split(DASHES).next());
    match label {
        Some("CERTIFICATE") => return "a certificate",
        Some("X509 CRL") => return "a CRL",
        Some("CERTIFICATE REQUEST" | "NEW CERTIFICATE REQUEST") => return "a certificate request",
        Some("PUBLIC KEY" | "RSA PUBLIC KEY") => return "a public key",
        Some("PKCS7" | "CMS") => return "a CMS or PKCS#7 file",
        Some(label) if label.ends_with("PRIVATE KEY") => return "a private key",
        Some(_) => return "a PEM block of another kind",
        None => {}
    }
    match text.as_bytes() {
        [b'{' | b'[', ..] => return "JSON",
        [b':', ..] => return "a firmware image (Intel HEX)",
        [b'S', b'0'..=b'9', ..] => return "a firmware image (S-record)",
        _ => {}
    }
    match input {
        [0x7f, b'E', b'L', b'F', ..] => "a firmware image (ELF)",
        [0x30, ..] => of_der(input),
        _ if input
            .iter()
            .all(|byte| *byte == b'\t' || *byte == b'\n' || *byte == b'\r' || (32..127).contains(byte)) =>
        {
            "text of another kind"
        }
        _ => "bytes of another kind",
    }
}

/// The kinds of DER by the shape of their first fields.
fn of_der(input: &[u8]) -> &'static str {
    use super::der::{INTEGER, SEQUENCE, contents_of, element};
    use x509_parser::prelude::FromDer as _;
    if x509_parser::certificate::X509Certificate::from_der(input).is_ok_and(|(rest, _)| rest.is_empty()) {
        return "a certificate";
    }
    if x509_parser::revocation_list::CertificateRevocationList::from_der(input).is_ok() {
        return "a CRL";
    }
    if x509_parser::certification_request::X509CertificationRequest::from_der(input).is_ok() {
        return "a certificate request";
    }
    let Some(outer) = contents_of(SEQUENCE, input) else { return "DER that does not end where it should" };
    match contents_of(INTEGER, outer.contents).and_then(|version| element(version.rest)) {
        Some(next) if next.tag == SEQUENCE || next.tag == INTEGER || next.tag == 0x04 => {
            "a private key or PKCS#12 file"
        }
        _ if spki::SubjectPublicKeyInfoRef::try_from(input).is_ok() => "a public key",
        _ => "DER of another kind",
    }
}
