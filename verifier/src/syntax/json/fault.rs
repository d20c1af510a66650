//! Why a JSON text is not taken, and where in it.

use crate::values::finding::Finding;
use crate::values::reason::Reason;

/// Why a text is not taken.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{reason} at {}: {}", self.place(), self.words())]
pub struct JsonFault {
    reason: Reason,
    /// Line from 1; 0 where the fault lies in the value of a field and not in the text.
    line: usize,
    /// Column in bytes, from 1.
    column: usize,
    path: String,
    expected: String,
    found: String,
}

impl JsonFault {
    /// A fault at a place in the text. Line and column 0 stand for the whole text.
    pub(super) fn at(
        reason: Reason,
        (line, column): (usize, usize),
        expected: impl Into<String>,
        found: impl Into<String>,
    ) -> Self {
        Self { reason, line, column, path: String::new(), expected: expected.into(), found: excerpt(&found.into()) }
    }

    /// A fault of the field at `path`, for checks that follow the reading.
    #[must_use]
    pub fn field(
        reason: Reason,
        path: impl Into<String>,
        expected: impl Into<String>,
        found: impl Into<String>,
    ) -> Self {
        let (path, expected, found) = (path.into(), expected.into(), excerpt(&found.into()));
        Self { reason, line: 0, column: 0, path, expected, found }
    }

    /// The reason code.
    #[must_use]
    pub const fn reason(&self) -> Reason {
        self.reason
    }

    /// The field, such as `predicate.components[2].ranges[0].start`. Empty where the fault lies in the text.
    #[must_use]
    pub fn path(&self) -> &str {
        &self.path
    }

    /// Line and column (in bytes) of the text, from 1. `None` where the fault lies in the value of a field.
    #[must_use]
    pub const fn position(&self) -> Option<(usize, usize)> {
        if self.line == 0 { None } else { Some((self.line, self.column)) }
    }

    /// The finding: place, expected, found.
    #[must_use]
    pub fn finding(&self) -> Finding {
        Finding::new(self.reason, self.place(), self.expected.as_str(), self.found.as_str())
    }

    fn words(&self) -> String {
        let Self { expected, found, .. } = self;
        if expected.is_empty() { found.clone() } else { format!("expected {expected}, found {found}") }
    }

    fn place(&self) -> String {
        match (self.position(), self.path.is_empty()) {
            (Some((line, column)), true) => format!("line {line}, column {column}"),
            (Some((line, column)), false) => format!("line {line}, column {column}, {}", self.path),
            (None, true) => "the whole text".to_owned(),
            (None, false) => self.path.clone(),
        }
    }
}

/// The begin of a text that may be long and hostile, for a message.
pub(super) fn excerpt(text: &str) -> String {
    const MOST: usize = 96;
    let mut cut: String = text.chars().take(MOST).collect();
    if cut.len() < text.len() {
        cut.push('…');
    }
    cut
}
