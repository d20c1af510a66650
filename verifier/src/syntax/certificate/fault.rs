//! Why bytes are no certificate or CRL.

use crate::values::finding::Finding;
use crate::values::reason::Reason;

/// Why bytes are no certificate or CRL, or a file holds none.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}: expected {}, found {}", .0.place, .0.expected, .0.found)]
pub struct X509Fault(Box<Finding>);

impl X509Fault {
    pub(crate) fn new(
        reason: Reason,
        place: impl Into<String>,
        expected: impl Into<String>,
        found: impl Into<String>,
    ) -> Self {
        Self(Box::new(Finding::new(reason, place, expected, found)))
    }

    /// The same fault seen from further out.
    pub(crate) fn within(self, outer: &str) -> Self {
        Self(Box::new(self.0.within(outer)))
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

impl From<X509Fault> for Finding {
    fn from(fault: X509Fault) -> Self {
        *fault.0
    }
}
