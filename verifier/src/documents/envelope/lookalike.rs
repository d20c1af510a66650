//! What a file is that was taken for an envelope by mistake. For the message only: nothing is decided by it that
//! the parser would not refuse as well.

/// Looks at the begin of the file. `None` if it may be JSON.
pub(super) fn kind_of(bytes: &[u8]) -> Option<&'static str> {
    const BEGINS: &[(&[u8], &str)] = &[
        (b"-----BEGIN CERTIFICATE-----", "a PEM certificate"),
        (b"-----BEGIN X509 CRL-----", "a PEM certificate revocation list"),
        (b"-----BEGIN PUBLIC KEY-----", "a PEM public key"),
        (b"-----BEGIN ", "a PEM file"),
        (b"\x7fELF", "an ELF image"),
        (b"PK\x03\x04", "a ZIP archive"),
        (b"\x1f\x8b", "a gzip file"),
        (b"%PDF-", "a PDF document"),
        (b"<", "an XML or HTML document"),
    ];
    if let Some((_, kind)) = BEGINS.iter().find(|(begin, _)| bytes.starts_with(begin)) {
        return Some(kind);
    }
    match bytes {
        [b':', digits @ ..] if hex_digits(digits, 10) => Some("an Intel HEX image"),
        [b'S', b'0'..=b'9', digits @ ..] if hex_digits(digits, 6) => Some("a Motorola S-record image"),
        [0x30, length @ ..] if is_length(length) => Some(der(bytes)),
        _ if bytes.contains(&0) => Some("a binary file"),
        _ => None,
    }
}

fn hex_digits(bytes: &[u8], least: usize) -> bool {
    bytes.get(..least).is_some_and(|digits| digits.iter().all(u8::is_ascii_hexdigit))
}

/// A DER length that reaches to the end of the file (X.690 section 8.1.3).
fn is_length(bytes: &[u8]) -> bool {
    match bytes {
        [short @ 0..=0x7f, rest @ ..] => usize::from(*short) == rest.len(),
        [0x81, one, rest @ ..] => usize::from(*one) == rest.len(),
        [0x82, one, two, rest @ ..] => usize::from(u16::from_be_bytes([*one, *two])) == rest.len(),
        [0x83, one, two, three, rest @ ..] => u32::from_be_bytes([0, *one, *two, *three]) as usize == rest.len(),
        _ => false,
    }
}

fn der(bytes: &[u8]) -> &'static str {
    if x509_parser::parse_x509_certificate(bytes).is_ok() {
        "a DER certificate"
    } else if x509_parser::parse_x509_crl(bytes).is_ok() {
        "a DER certificate revocation list"
    } else {
        "a DER file"
    }
}
