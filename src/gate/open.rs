//! Opening the gate: configuration, module, signing keys, ledger. What is missing here keeps every box out.

use super::arrival::Arrival;
use super::outcome::{Outcome, hold_status};
use crate::hsm::{TokenSigner, Tokens};
use crate::ledger::{AppendFault, Ledger};
use crate::opening::{self, Opened, Signers};
use crate::site::Site;
use crate::surroundings::Surroundings;
use ecugate_verifier::values::finding::Finding;
use ecugate_verifier::values::reason::Class;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

/// The one door into inventory. Clones share it; one box at a time goes through.
#[derive(Clone)]
pub struct Gate {
    pub(super) inner: Arc<Mutex<Inner>>,
}

pub(super) struct Inner {
    pub(super) site: Site,
    pub(super) tokens: Arc<dyn Tokens>,
    pub(super) station: TokenSigner,
    pub(super) log: TokenSigner,
    pub(super) ledger: Ledger,
    pub(super) surroundings: Box<dyn Surroundings>,
}

impl fmt::Debug for Gate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Gate").finish_non_exhaustive()
    }
}

/// Why the gate could not open, or could not take a box at all. Never an admission.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}: {}: expected {}, found {}", .finding.reason, .finding.place, .finding.expected, .finding.found)]
pub struct GateError {
    finding: Finding,
}

/// Whether the same call may succeed later.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Retry {
    /// The call is wrong.
    Never,
    /// After a while.
    AfterAWhile,
    /// After a person acted.
    AfterAPerson,
}

impl GateError {
    /// Reason, place, expected, found.
    #[must_use]
    pub const fn finding(&self) -> &Finding {
        &self.finding
    }

    /// Whether the same call may succeed later.
    #[must_use]
    pub const fn retry(&self) -> Retry {
        match self.finding.reason.class() {
            Class::Usage => Retry::Never,
            Class::Passing => Retry::AfterAWhile,
            _ => Retry::AfterAPerson,
        }
    }

    /// The exit status of `ecugate receive`.
    #[must_use]
    pub const fn exit_status(&self) -> u8 {
        match self.finding.reason.class() {
            Class::Usage => 2,
            _ => hold_status(&self.finding),
        }
    }
}

impl From<Finding> for GateError {
    fn from(finding: Finding) -> Self {
        Self { finding }
    }
}

/// What keeps an earlier entry uncovered keeps this box out. Nothing of this box is unconfirmed.
pub(super) fn unsettled(fault: AppendFault) -> Finding {
    match fault {
        AppendFault::Pending { cause, .. } => cause,
        other => other.into(),
    }
}

impl Gate {
    /// Opens the gate of a site: starts the module in a process of its own, opens the signing keys and holds them against the pinned ones,
    /// opens the ledger, and covers by a checkpoint what a crash left uncovered.
    ///
    /// # Errors
    /// [`GateError`] with the part that is missing or not what it should be.
    pub fn open(site: Site, surroundings: Box<dyn Surroundings>) -> Result<Self, GateError> {
        let Opened { tokens, signers } = opening::open(&site, surroundings.as_ref())?;
        let Signers { station, log } = signers?;
        let mut ledger = Ledger::open(&site.ledger(), site.trusted_keys(), site.marks()).map_err(Finding::from)?;
        ledger.settle(&log).map_err(unsettled)?;
        let inner = Inner { site, tokens, station, log, ledger, surroundings };
        Ok(Self { inner: Arc::new(Mutex::new(inner)) })
    }

    /// Receives one box: judges it, records the verdict, reads it back.
    ///
    /// # Errors
    /// [`GateError`] where nothing could be judged. What could be judged and not be recorded is
    /// [`Outcome::NotRecorded`].
    pub fn receive(&self, arrival: Arrival<'_>) -> Result<Outcome, GateError> {
        // A panic in another thread left at most an open transaction, which SQLite rolls back.
        self.inner.lock().unwrap_or_else(PoisonError::into_inner).receive(arrival)
    }
}

#[cfg(test)]
mod tests {
    use super::{Gate, GateError, Retry};
    use ecugate_verifier::values::finding::Finding;
    use ecugate_verifier::values::reason::Reason;

    #[test]
    fn the_gate_can_be_shared_between_threads() {
        fn shared<T: Clone + Send + Sync + 'static>() {}
        shared::<Gate>();
    }

    #[test]
    fn no_error_of_the_gate_has_status_0_and_each_says_whether_to_try_again() {
        for reason in Reason::ALL {
            let error = GateError::from(Finding::bare(*reason));
            let (status, retry) = (error.exit_status(), error.retry());
            let expected = match retry {
                Retry::Never => 2,
                Retry::AfterAWhile => 20,
                Retry::AfterAPerson => 21,
            };
            assert_eq!(status, expected, "{reason}");
        }
    }
}
