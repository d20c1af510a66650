//! The gate of a site: what opens at once, what opens with the first box, and where others write and read.

use super::arrival::Arrival;
use super::engine::{Away, Engine, Slot};
use super::outcome::{Handover, Outcome, hold_status};
use super::writer::Seal;
use crate::journal::Journal;
use crate::ledger::{Append, AppendFault, Ledger, Recorded};
use crate::site::Site;
use crate::surroundings::{Surroundings, nonce};
use ecugate_verifier::values::finding::Finding;
use ecugate_verifier::values::reason::{Class, Reason};
use ecugate_verifier::values::verified::VerifiedSignatures;
use std::fmt;
use std::sync::{Arc, Mutex};

/// The one door into inventory. Clones share it; any number of boxes may go through at once.
#[derive(Clone)]
pub struct Gate {
    pub(super) inner: Arc<Inner>,
}

pub(super) struct Inner {
    pub(super) site: Site,
    pub(super) surroundings: Box<dyn Surroundings>,
    pub(super) journal: Journal,
    pub(super) slot: Slot,
    /// One thread enters what was kept; the others wait for it.
    pub(super) entering: Mutex<()>,
    /// Boxes that are judged again, one by one.
    pub(super) again: Mutex<()>,
    /// Good signatures of documents.
    pub(super) signatures: VerifiedSignatures,
}

/// Of so many documents and certificates at least the signatures are kept: a hundred deliveries at once.
const SIGNATURES: usize = 4_096;

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

impl Gate {
    /// Opens the gate of a site: its journal. Tokens, signing keys and ledger open with the first box, and again with
    /// the next one after they failed: a gate without them is open too, and holds every box.
    ///
    /// # Errors
    /// [`GateError`] where the journal cannot be read and written, or no random number is to be had.
    pub fn open(site: Site, surroundings: Box<dyn Surroundings>) -> Result<Self, GateError> {
        let name = nonce(surroundings.as_ref())?;
        let journal = Journal::open(&site.journal(), name).map_err(Finding::from)?;
        let inner = Inner {
            site,
            surroundings,
            journal,
            slot: Slot::default(),
            entering: Mutex::default(),
            again: Mutex::default(),
            signatures: VerifiedSignatures::up_to(SIGNATURES),
        };
        Ok(Self { inner: Arc::new(inner) })
    }

    /// Receives one box: judges it, records the verdict, reads it back. Its attempt is over when this returns: to be
    /// called by whoever then holds the outcome as surely as a person who saw it. Else see [`Gate::receive_shown`].
    ///
    /// # Errors
    /// [`GateError`] where nothing could be judged. What could be judged and not be recorded is
    /// [`Outcome::NotRecorded`].
    pub fn receive(&self, arrival: Arrival<'_>) -> Result<Outcome, GateError> {
        self.receive_shown(arrival, |_| Handover::Done)
    }

    /// Receives one box, and shows its outcome before the attempt is over: a process that dies in between has told
    /// nobody, and the same box presented again gets its own record.
    ///
    /// # Errors
    /// As [`Gate::receive`]; `show` is not called then.
    pub fn receive_shown(
        &self,
        arrival: Arrival<'_>,
        show: impl FnOnce(&Outcome) -> Handover,
    ) -> Result<Outcome, GateError> {
        self.inner.receive(arrival, show)
    }

    /// Writes entries through the thread that writes, and waits until they are covered and read back. The one way to
    /// write, for every act of the gate. An engine that failed is given up: the next act opens another one.
    pub(super) fn submit(&self, append: Append, seal: Seal) -> Result<Recorded, AppendFault> {
        let engine = self.inner.engine().map_err(|away| AppendFault::Sealing(away.finding))?;
        let result = engine.writer.submit(append, seal);
        if let Err(fault) = &result {
            self.inner.give_up_if(&engine, fault);
        }
        result
    }

    /// Reads the ledger, over a connection that writes nothing.
    pub(super) fn read_ledger<T>(&self, read: impl FnOnce(&Ledger) -> T) -> Result<T, Finding> {
        Ok(self.inner.engine().map_err(|away| away.finding)?.read(read))
    }
}

impl Inner {
    /// The engine; opened if it is not.
    pub(super) fn engine(&self) -> Result<Arc<Engine>, Away> {
        self.slot.engine(&self.site, self.surroundings.as_ref())
    }

    /// Gives the engine up where officers have changed the keys since it opened. Answers whether they have.
    pub(super) fn give_up_if_retired(&self, engine: &Arc<Engine>) -> bool {
        let is_retired = engine.is_retired();
        if is_retired {
            self.slot.give_up(engine);
        }
        is_retired
    }

    /// Gives the engine up after a fault that another engine may not have. A ledger that is busy, a memory that moved
    /// on and an entry that may not be written are none, unless it may not because officers changed the keys.
    pub(super) fn give_up_if(&self, engine: &Arc<Engine>, fault: &AppendFault) {
        let stays =
            matches!(fault, AppendFault::Moved { .. } | AppendFault::Unfit { .. } | AppendFault::GroupFull { .. })
                || fault.reason() == Reason::LedgerBusy;
        let is_retired = || matches!(fault, AppendFault::Unfit { .. }) && engine.is_retired();
        if !stays || is_retired() {
            self.slot.give_up(engine);
        }
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
