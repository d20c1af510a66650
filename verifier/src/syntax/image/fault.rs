//! Why an image was refused, and where.

use crate::values::{digest::Sha256, finding::Finding, reason::Reason};
use core::{fmt, ops::Deref};

/// Characters of a line that a fault quotes.
const QUOTED: usize = 48;

/// An image that is not taken. Reads as its [`Refusal`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ImageFault(Box<Refusal>);

/// What is wrong with an image, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Refusal {
    /// Why.
    pub reason: Reason,
    /// Line of a HEX or S-record file, from 1.
    pub line: Option<u64>,
    /// Offset in the file, in bytes, from 0.
    pub offset: Option<u64>,
    /// Address in the memory of the unit, in bytes.
    pub address: Option<u64>,
    /// What would have been right.
    pub expected: String,
    /// What stands there. Quoted text is escaped and cut after 48 characters.
    pub found: String,
    /// SHA-256 of the whole file, where it could be read to its end.
    pub file_sha256: Option<Sha256>,
    /// Bytes read: the length of the file if `file_sha256` is there.
    pub file_length: u64,
}

impl ImageFault {
    /// The reason code.
    #[must_use]
    pub fn reason(&self) -> Reason {
        self.0.reason
    }

    pub(super) fn new(reason: Reason, expected: impl Into<String>, found: impl Into<String>) -> Self {
        Self(Box::new(Refusal {
            reason,
            line: None,
            offset: None,
            address: None,
            expected: expected.into(),
            found: found.into(),
            file_sha256: None,
            file_length: 0,
        }))
    }

    pub(super) fn at_line(mut self, line: u64) -> Self {
        self.0.line = Some(line);
        self
    }

    pub(super) fn at_offset(mut self, offset: u64) -> Self {
        self.0.offset = Some(offset);
        self
    }

    pub(super) fn at_address(mut self, address: u64) -> Self {
        self.0.address = Some(address);
        self
    }

    pub(super) fn with_file(mut self, sha256: Option<Sha256>, length: u64) -> Self {
        self.0.file_sha256 = sha256;
        self.0.file_length = length;
        self
    }

    fn place(&self) -> String {
        let line = self.line.map(|line| format!("line {line}"));
        let offset = self.offset.map(|offset| format!("offset {offset}"));
        let address = self.address.map(|address| format!("address {address:#x}"));
        [line, offset, address].into_iter().flatten().collect::<Vec<_>>().join(", ")
    }
}

impl Deref for ImageFault {
    type Target = Refusal;

    fn deref(&self) -> &Refusal {
        &self.0
    }
}

impl fmt::Display for ImageFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let place = self.place();
        let at = if place.is_empty() { "" } else { " at " };
        write!(f, "{}{at}{place}: expected {}, found {}", self.reason, self.expected, self.found)
    }
}

impl core::error::Error for ImageFault {}

impl From<ImageFault> for Finding {
    fn from(fault: ImageFault) -> Self {
        let place = fault.place();
        let Refusal { reason, expected, found, .. } = *fault.0;
        Self::new(reason, place, expected, found)
    }
}

/// Bytes of a hostile file as a short quotation in plain ASCII.
pub(super) fn quote(bytes: &[u8]) -> String {
    let shown: String =
        bytes.iter().take(QUOTED).flat_map(|byte| core::ascii::escape_default(*byte)).map(char::from).collect();
    if bytes.len() > QUOTED { format!("\"{shown}…\"") } else { format!("\"{shown}\"") }
}
