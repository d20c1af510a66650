//! Files of certificates or CRLs: PEM with one or many, or one in DER; which of the two is seen by content.

use super::fault::X509Fault;
use super::pem::{self, PemFault};
use crate::values::reason::Reason;

/// What a file should hold.
pub(crate) struct Kind {
    /// The label of its PEM blocks.
    pub(crate) label: &'static str,
    /// The word for one.
    pub(crate) one: &'static str,
    /// What is expected of the whole file.
    pub(crate) many: &'static str,
    /// How many blocks at most.
    pub(crate) most: usize,
    /// The reason of an empty file.
    pub(crate) if_empty: Reason,
    /// The reason of everything else that is wrong with it.
    pub(crate) else_malformed: Reason,
}

/// Reads all that a file holds, at least one; one that cannot be read refuses the whole.
pub(crate) fn each<T>(
    input: &[u8],
    kind: &Kind,
    read: impl Fn(&[u8]) -> Result<T, X509Fault>,
) -> Result<Vec<T>, X509Fault> {
    if input.is_empty() {
        return Err(X509Fault::new(kind.if_empty, "", kind.many, "an empty file"));
    }
    if !pem::is_pem(input) {
        return read(input).map(|one| vec![one]);
    }
    let text = core::str::from_utf8(input).unwrap_or_default();
    let bodies = pem::blocks(text, kind.label, kind.most).map_err(|fault| {
        let (place, expected, found) = words(fault, kind, pem::kind_of(input));
        X509Fault::new(kind.else_malformed, place, expected, found)
    })?;
    (1_usize..)
        .zip(&bodies)
        .map(|(number, body)| read(body).map_err(|fault| fault.within(&format!("{} {number}", kind.one))))
        .collect()
}

fn words(fault: PemFault, kind: &Kind, found: &str) -> (String, String, String) {
    let block = format!("-----BEGIN {}-----", kind.label);
    match fault {
        PemFault::Label { line, label } => (format!("line {line}"), block, format!("{found} ({label:?})")),
        PemFault::Unended { line } => {
            (format!("line {line}"), format!("a block that ends with -----END {}-----", kind.label), "none".to_owned())
        }
        PemFault::Base64 { line } => (format!("block of line {line}"), "base64 (RFC 4648)".into(), "other text".into()),
        PemFault::TooMany => (String::new(), format!("at most {} blocks", kind.most), "more".to_owned()),
        PemFault::NoBlock => (String::new(), format!("a line that begins with {block}"), "none".to_owned()),
    }
}
