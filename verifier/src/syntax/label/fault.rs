//! Why a label was not taken.

use crate::values::finding::Finding;
use crate::values::reason::Reason;
use crate::values::shown::visible;
use core::fmt;

/// Most characters of the label that a fault repeats.
const EXCERPT: usize = 48;

/// Why a text is no label, or a label is not one unit. Facts only: the advice stands elsewhere.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LabelFault {
    reason: Reason,
    /// Byte of the raw text, counted from 0. None where the label as a whole is at fault.
    offset: Option<usize>,
    expected: String,
    found: String,
}

impl LabelFault {
    pub(super) fn new(reason: Reason, offset: usize, expected: impl Into<String>, found: impl AsRef<str>) -> Self {
        Self { offset: Some(offset), ..Self::whole(reason, expected, found) }
    }

    pub(super) fn whole(reason: Reason, expected: impl Into<String>, found: impl AsRef<str>) -> Self {
        let found = found.as_ref();
        let found = match found.char_indices().nth(EXCERPT) {
            Some((end, _)) => format!("{}...", found.get(..end).unwrap_or_default()),
            None => found.to_owned(),
        };
        Self { reason, offset: None, expected: expected.into(), found }
    }

    /// The same fault seen from a text that begins `by` bytes earlier.
    pub(super) fn moved(mut self, by: usize) -> Self {
        self.offset = self.offset.map(|offset| offset + by);
        self
    }

    /// The same fault at another place.
    pub(super) fn placed(mut self, offset: usize) -> Self {
        self.offset = Some(offset);
        self
    }

    /// The reason: one of the label group.
    #[must_use]
    pub fn reason(&self) -> Reason {
        self.reason
    }

    /// The byte of the raw text at which the fault stands, counted from 0; none where the label as a whole is at fault.
    #[must_use]
    pub fn offset(&self) -> Option<usize> {
        self.offset
    }

    /// What would have been right.
    #[must_use]
    pub fn expected(&self) -> &str {
        &self.expected
    }

    /// What stands there instead. Hostile text: show it through [`visible`].
    #[must_use]
    pub fn found(&self) -> &str {
        &self.found
    }

    /// The fault as a finding.
    #[must_use]
    pub fn finding(&self) -> Finding {
        let place = self.offset.map_or_else(|| "label".to_owned(), |offset| format!("label, byte {offset}"));
        Finding::new(self.reason, place, self.expected.clone(), self.found.clone())
    }
}

impl fmt::Display for LabelFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.reason)?;
        if let Some(offset) = self.offset {
            write!(f, " at byte {offset}")?;
        }
        write!(f, ": expected {}, found {}", visible(&self.expected), visible(&self.found))
    }
}

impl core::error::Error for LabelFault {}

impl From<LabelFault> for Finding {
    fn from(fault: LabelFault) -> Self {
        fault.finding()
    }
}
