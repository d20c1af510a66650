//! Opening the gate: configuration, module, signing keys, ledger. What is missing here keeps every box out.

use super::arrival::Arrival;
use super::outcome::{Outcome, hold_status};
use crate::hsm::{ExpectedKey, Module, Pin, TokenKey, TokenSigner, Tokens};
use crate::ledger::{AppendFault, Ledger};
use crate::site::Site;
use crate::surroundings::Surroundings;
use ecugate_verifier::values::finding::Finding;
use ecugate_verifier::values::reason::{Class, Reason};
use std::fmt;
use std::fs::{File, TryLockError};
use std::io;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// How often and after how long a gate tries again while another one opens its tokens: ten seconds in all.
const LOCK_TRIES: u32 = 1_000;
const BETWEEN_LOCK_TRIES: Duration = Duration::from_millis(10);

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

/// SoftHSM rewrites a token's file at every login, and a process that looks at that moment sees no token: gates of one
/// site open their tokens one after the other. The lock goes with the file, also when a process dies.
fn one_at_a_time(site: &Site) -> Result<File, Finding> {
    let path = site.folder().join("opening.lock");
    let place = path.display().to_string();
    let unwritten =
        |error: io::Error| Finding::new(Reason::TokenNotWritten, &place, "a file to lock", error.to_string());
    // To read too, so that a pipe in its place is opened at once; and never cut, whatever it is a link to.
    let file = File::options().read(true).write(true).create(true).truncate(false).open(&path).map_err(unwritten)?;
    for _ in 0..LOCK_TRIES {
        match file.try_lock() {
            Ok(()) => return Ok(file),
            Err(TryLockError::WouldBlock) => std::thread::sleep(BETWEEN_LOCK_TRIES),
            Err(TryLockError::Error(error)) => return Err(unwritten(error)),
        }
    }
    let found = "another gate that has been opening them for ten seconds";
    Err(Finding::new(Reason::TokenFailed, &place, "to open the tokens in its turn", found))
}

/// What keeps an earlier entry uncovered keeps this box out. Nothing of this box is unconfirmed.
pub(super) fn unsettled(fault: AppendFault) -> Finding {
    match fault {
        AppendFault::Pending { cause, .. } => cause,
        other => other.into(),
    }
}

impl Gate {
    /// Opens the gate of a site: loads the module, opens the signing keys and holds them against the pinned ones,
    /// opens the ledger, and covers by a checkpoint what a crash left uncovered.
    ///
    /// `SOFTHSM2_CONF` and the like must stand in the environment before (see [`crate::hsm::environment`]).
    ///
    /// # Errors
    /// [`GateError`] with the part that is missing or not what it should be.
    pub fn open(site: Site, surroundings: Box<dyn Surroundings>) -> Result<Self, GateError> {
        let opening = one_at_a_time(&site)?;
        let tokens: Arc<dyn Tokens> = Arc::new(Module::open(&site.text().module).map_err(|fault| fault.finding())?);
        let signer = &site.text().signer;
        let open = |label: &str, expected| {
            let key = TokenKey::new(&signer.token, label);
            let pin = Pin::from_file(&site.pin_file()).map_err(|fault| fault.finding())?;
            TokenSigner::open(Arc::clone(&tokens), key, pin, ExpectedKey::Recorded(expected))
                .map_err(|fault| fault.finding())
        };
        let station = open(&signer.station_key.label, site.station_key().id())?;
        let log = open(&signer.log_key.label, site.log_key().id())?;
        drop(opening);
        let mut ledger = Ledger::open(&site.ledger(), site.trusted_keys()).map_err(Finding::from)?;
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
