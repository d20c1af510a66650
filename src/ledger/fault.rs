//! What goes wrong in a ledger, and what that makes of an arrival.

use ecugate_verifier::values::finding::Finding;
use ecugate_verifier::values::ident::UnitKey;
use ecugate_verifier::values::reason::Reason;
use ecugate_verifier::values::time::Time;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

/// How long a writer waits for another: longer than a token takes to sign.
pub(super) const PATIENCE: Duration = Duration::from_secs(10);

/// Why a ledger cannot be used.
#[derive(Clone, Debug, thiserror::Error)]
pub enum LedgerFault {
    /// No file there.
    #[error("no ledger at {0}")]
    Missing(PathBuf),
    /// Something stands where a new ledger was to be made.
    #[error("something stands at {0} already")]
    Exists(PathBuf),
    /// Written by a newer version, or holding entries that this one does not understand.
    #[error("{0}")]
    Newer(String),
    /// Another process holds the lock for too long.
    #[error("the ledger is locked by another process")]
    Busy,
    /// The database failed.
    #[error("the database failed: {0}")]
    Database(#[source] Arc<rusqlite::Error>),
    /// This account may not read or write the file, it is no regular file, or its disk is full: waiting mends none.
    #[error("{place} cannot be used: {found}")]
    Unusable {
        /// The file, or `ledger` where the database does not name it.
        place: String,
        /// What stands in the way.
        found: String,
    },
    /// A mark knows of more entries than stand here: an older copy was put in the place of the ledger, or it was cut.
    #[error("{mark} knows of {marked} entries, the ledger has {size}")]
    RolledBack {
        /// The mark.
        mark: String,
        /// Entries under its note.
        marked: u64,
        /// Entries of the ledger.
        size: u64,
    },
    /// A mark knows of another history.
    #[error("{mark} knows of another tree of {marked} entries than the first of the {size} here: {why}")]
    Forked {
        /// The mark.
        mark: String,
        /// Entries under its note.
        marked: u64,
        /// Entries of the ledger.
        size: u64,
        /// How the two differ.
        why: String,
    },
    /// A mark is away, or cannot be read or raised.
    #[error("the mark {} is not to be had: {}", .0.place, .0.found)]
    Mark(Finding),
    /// What is stored is not what it should be.
    #[error("{place}: expected {expected}, found {found}")]
    Differs {
        /// Which row or table.
        place: String,
        /// What follows from the entries, the keys or the schema.
        expected: String,
        /// What is stored.
        found: String,
    },
}

impl LedgerFault {
    pub(super) fn differs(place: impl Into<String>, expected: impl Into<String>, found: impl Into<String>) -> Self {
        Self::Differs { place: place.into(), expected: expected.into(), found: found.into() }
    }

    pub(super) fn unusable(path: &Path, found: impl ToString) -> Self {
        Self::Unusable { place: path.display().to_string(), found: found.to_string() }
    }

    /// The reason code.
    #[must_use]
    pub const fn reason(&self) -> Reason {
        match self {
            Self::Missing(_) => Reason::LedgerMissing,
            Self::Exists(_) => Reason::LedgerExists,
            Self::Newer(_) => Reason::LedgerNewer,
            Self::Busy => Reason::LedgerBusy,
            Self::Database(_) => Reason::LedgerFailed,
            Self::Unusable { .. } => Reason::LedgerUnusable,
            Self::RolledBack { .. } => Reason::LedgerRolledBack,
            Self::Forked { .. } => Reason::LedgerForked,
            Self::Mark(finding) => finding.reason,
            Self::Differs { .. } => Reason::LedgerDiffers,
        }
    }
}

impl From<rusqlite::Error> for LedgerFault {
    fn from(error: rusqlite::Error) -> Self {
        use rusqlite::ErrorCode::{
            CannotOpen, ConstraintViolation, DatabaseBusy, DatabaseCorrupt, DatabaseLocked, DiskFull, NotADatabase,
            PermissionDenied, ReadOnly,
        };
        match error.sqlite_error_code() {
            Some(DatabaseBusy | DatabaseLocked) => Self::Busy,
            Some(DatabaseCorrupt | NotADatabase) => Self::differs("the file", "a sound database", error.to_string()),
            // A row stands where the next one goes, or one is missing that it belongs to.
            Some(ConstraintViolation) => {
                Self::differs("the rows", "those that follow from the entries", error.to_string())
            }
            Some(CannotOpen | DiskFull | PermissionDenied | ReadOnly) => {
                Self::Unusable { place: "ledger".to_owned(), found: error.to_string() }
            }
            _ => match error {
                rusqlite::Error::InvalidColumnType(..)
                | rusqlite::Error::IntegralValueOutOfRange(..)
                | rusqlite::Error::FromSqlConversionFailure(..)
                | rusqlite::Error::Utf8Error(..) => {
                    Self::differs("a row", "values of the types of its columns", error.to_string())
                }
                error => Self::Database(Arc::new(error)),
            },
        }
    }
}

impl From<LedgerFault> for Finding {
    fn from(fault: LedgerFault) -> Self {
        let reason = fault.reason();
        let of_file =
            |path: &Path, expected: &str, found: &str| Self::new(reason, path.display().to_string(), expected, found);
        match fault {
            LedgerFault::Missing(path) => of_file(&path, "the ledger of this site", "no file"),
            LedgerFault::Exists(path) => of_file(&path, "nothing, where a new ledger goes", "something"),
            LedgerFault::Newer(found) => Self::new(reason, "ledger", "a ledger that this version understands", found),
            LedgerFault::Busy => {
                let expected = format!("the lock within {} seconds", PATIENCE.as_secs());
                Self::new(reason, "ledger", expected, "another process holds it")
            }
            LedgerFault::Database(error) => {
                // SQLite names the file then, and not what it lacks.
                let found = match error.sqlite_error_code() {
                    Some(rusqlite::ErrorCode::OutOfMemory) => format!("no memory left for it ({error})"),
                    _ => error.to_string(),
                };
                Self::new(reason, "ledger", "a database that reads and writes", found)
            }
            LedgerFault::Unusable { place, found } => Self::new(reason, place, "a file to read and write", found),
            LedgerFault::RolledBack { mark, marked, size } => Self::new(
                reason,
                "ledger",
                format!("the {marked} entries that {mark} knows of"),
                format!("{size} entries"),
            ),
            LedgerFault::Forked { mark, marked, size, why } => Self::new(
                reason,
                "ledger",
                format!("a tree that begins with the {marked} entries that {mark} knows of"),
                format!("one of {size} entries that does not: {why}"),
            ),
            LedgerFault::Mark(finding) => finding,
            LedgerFault::Differs { place, expected, found } => {
                Self::new(reason, format!("ledger: {place}"), expected, found)
            }
        }
    }
}

/// Why an entry was not recorded, or is not confirmed.
#[derive(Clone, Debug, thiserror::Error)]
pub enum AppendFault {
    /// One of the unit's keys changed since the memory was taken: appraise again.
    #[error("{key} changed in entry {seq}, after the memory was taken")]
    Moved {
        /// The key.
        key: UnitKey,
        /// The entry that changed it.
        seq: u64,
    },
    /// An entry is not one that may be written. Nothing was.
    #[error("entry {seq} is not written: {why}")]
    Unfit {
        /// The number it would have had.
        seq: u64,
        /// What is wrong with it.
        why: String,
    },
    /// An entry is dated more than a day after the latest one before it. Nothing was written: officers call the clock
    /// right by a *clock-step*, or it is set.
    #[error("entry {seq} is not written: it is dated {time}, and the latest entry before it {last}")]
    ClockAhead {
        /// The number it would have had.
        seq: u64,
        /// The latest time of any entry before it.
        last: Time,
        /// When it says that it was made.
        time: Time,
    },
    /// The group has taken as many entries as one takes before this member, of which nothing was written: hand it in
    /// again.
    #[error("entry {seq} is not written: its group is full")]
    GroupFull {
        /// The number it would have had.
        seq: u64,
    },
    /// The receipt was not signed. Nothing was written.
    #[error("the receipt was not signed: {}", .0.reason)]
    Sealing(Finding),
    /// The ledger failed before anything was written.
    #[error(transparent)]
    Ledger(#[from] LedgerFault),
    /// The entries are, or may be, written, and no stored checkpoint is known to cover them: ask by attempt.
    #[error("entry {seq} is not confirmed: {}", .cause.reason)]
    Pending {
        /// The first of the entries.
        seq: u64,
        /// What kept the checkpoint away.
        cause: Finding,
    },
}

impl From<rusqlite::Error> for AppendFault {
    fn from(error: rusqlite::Error) -> Self {
        Self::Ledger(error.into())
    }
}

impl AppendFault {
    /// The reason code: a hold, except for *not confirmed*.
    #[must_use]
    pub const fn reason(&self) -> Reason {
        match self {
            Self::Moved { .. } => Reason::MemoryMoved,
            Self::Unfit { .. } => Reason::LedgerEntryUnfit,
            Self::ClockAhead { .. } => Reason::ClockAhead,
            Self::GroupFull { .. } => Reason::LedgerBusy,
            Self::Sealing(finding) => finding.reason,
            Self::Ledger(fault) => fault.reason(),
            Self::Pending { .. } => Reason::NotConfirmed,
        }
    }
}

impl From<AppendFault> for Finding {
    fn from(fault: AppendFault) -> Self {
        let reason = fault.reason();
        match fault {
            AppendFault::Sealing(finding) => finding,
            AppendFault::Ledger(fault) => fault.into(),
            AppendFault::Moved { key, seq } => Self::new(
                reason,
                format!("ledger entry {seq}"),
                "no entry about this unit since its memory was taken",
                key.to_string(),
            ),
            AppendFault::Unfit { seq, why } => {
                Self::new(reason, format!("ledger entry {seq}"), "an entry that may be written", why)
            }
            AppendFault::ClockAhead { seq, last, time } => Self::new(
                reason,
                format!("ledger entry {seq}"),
                format!("at most a day after {last} (the latest entry)"),
                time.to_string(),
            ),
            AppendFault::GroupFull { seq } => {
                Self::new(reason, format!("ledger entry {seq}"), "room in its group", "a group that is full")
            }
            AppendFault::Pending { seq, cause } => Self::new(
                reason,
                format!("ledger entry {seq}"),
                "a stored checkpoint that covers it",
                format!("{}: {} {}", cause.reason, cause.place, cause.found).trim_end().to_owned(),
            ),
        }
    }
}
