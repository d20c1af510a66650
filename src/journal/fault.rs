//! Why the journal was not written or read. Every fault keeps the box out.

use super::line::LineFault;
use ecugate_verifier::values::attempt::Attempt;
use ecugate_verifier::values::finding::Finding;
use ecugate_verifier::values::reason::Reason;
use std::io;
use std::path::Path;

/// Why the journal was not written or read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum JournalFault {
    /// There is no journal.
    #[error("{place}: no journal")]
    Missing {
        /// The folder or file that is not there.
        place: String,
    },
    /// The system does not let it be read or written, or the disk is full.
    #[error("{place}: {found}")]
    Unusable {
        /// The file.
        place: String,
        /// What the system said.
        found: String,
    },
    /// Another process held the lock all the time.
    #[error("another process holds the journal")]
    Busy,
    /// A line is not one that the lines before it allow: the journal was changed.
    #[error("{place}: expected {expected}, found {found}")]
    Differs {
        /// Segment and line.
        place: String,
        /// What should stand there.
        expected: String,
        /// What does.
        found: String,
    },
    /// The attempt that the caller has numbered is being worked on, here or in another process.
    #[error("attempt {0} is in progress")]
    InProgress(Attempt),
    /// A line that could not be read back is not written.
    #[error("a line is not written: {0}")]
    Unfit(String),
}

impl JournalFault {
    pub(super) fn differs(place: impl Into<String>, expected: impl Into<String>, found: impl Into<String>) -> Self {
        Self::Differs { place: place.into(), expected: expected.into(), found: found.into() }
    }

    pub(super) fn unusable(path: &Path, error: &io::Error) -> Self {
        let place = path.display().to_string();
        match error.kind() {
            io::ErrorKind::NotFound => Self::Missing { place },
            _ => Self::Unusable { place, found: error.to_string() },
        }
    }

    /// The reason code: each of them is a hold.
    #[must_use]
    pub const fn reason(&self) -> Reason {
        match self {
            Self::Missing { .. } => Reason::JournalMissing,
            Self::Unusable { .. } | Self::Unfit(_) => Reason::JournalUnusable,
            Self::Busy => Reason::JournalBusy,
            Self::Differs { .. } => Reason::JournalDiffers,
            Self::InProgress(_) => Reason::AttemptInProgress,
        }
    }
}

impl From<LineFault> for JournalFault {
    fn from(fault: LineFault) -> Self {
        Self::Unfit(fault.to_string())
    }
}

impl From<JournalFault> for Finding {
    fn from(fault: JournalFault) -> Self {
        let reason = fault.reason();
        match fault {
            JournalFault::Missing { place } => Self::new(reason, place, "the journal of this site", "nothing"),
            JournalFault::Unusable { place, found } => Self::new(reason, place, "a file to read and write", found),
            JournalFault::Busy => {
                Self::new(reason, "journal", "the lock within 10 seconds", "another process holds it")
            }
            JournalFault::Differs { place, expected, found } => Self::new(reason, place, expected, found),
            JournalFault::InProgress(attempt) => {
                Self::new(reason, "journal", "an attempt that nobody works on", attempt.to_string())
            }
            JournalFault::Unfit(why) => Self::new(reason, "journal", "a line that can be read back", why),
        }
    }
}
