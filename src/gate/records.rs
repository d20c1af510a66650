//! What the acts on the way into inventory read of the ledger and write to it: only what a stored checkpoint covers,
//! every entry verified anew, and one look more where another writer was first.

use super::engine::unsettled;
use super::open::{Gate, GateError};
use crate::ledger::{Append, AppendFault, Ledger, LedgerFault, Passage, Place, Recorded};
use crate::sealing::seal_by;
use ecugate_verifier::documents::document::{self, Document};
use ecugate_verifier::documents::envelope::Envelope;
use ecugate_verifier::documents::record::Record;
use ecugate_verifier::values::finding::Finding;
use ecugate_verifier::values::ident::UnitKey;
use ecugate_verifier::values::limits::Limits;
use ecugate_verifier::values::reason::Reason;
use ecugate_verifier::values::time::Time;

/// How often an act looks again because another writer was first. What moves a unit here is its admission, its
/// redemption, its confirmation, or a second box like it: few at once.
const TURNS: usize = 4;

/// How often what a crash or another process left uncovered is covered before an answer rests on it.
const SETTLINGS: usize = 3;

/// Why a turn came to no end.
pub(super) enum Cut {
    /// The answer is no.
    Refused(GateError),
    /// Another writer was first: look again.
    Overtaken(Finding),
}

impl<T: Into<GateError>> From<T> for Cut {
    fn from(error: T) -> Self {
        Self::Refused(error.into())
    }
}

/// An entry of the ledger that was verified and proven anew, and what it says.
pub(super) struct Stored<D> {
    pub(super) document: D,
    pub(super) envelope: Envelope,
    pub(super) recorded: Recorded,
}

/// Looks, decides and writes, and looks again where another writer was first.
pub(super) fn in_turns<T>(mut turn: impl FnMut() -> Result<T, Cut>) -> Result<T, GateError> {
    let mut overtaken = Finding::bare(Reason::MemoryMoved);
    for _ in 0..TURNS {
        match turn() {
            Ok(done) => return Ok(done),
            Err(Cut::Refused(error)) => return Err(error),
            Err(Cut::Overtaken(finding)) => overtaken = finding,
        }
    }
    Err(overtaken.into())
}

impl Gate {
    /// A unit's way into inventory, all of it under a stored checkpoint: nothing is answered on what a crash may undo.
    pub(super) fn passage(&self, unit: u64) -> Result<Passage, GateError> {
        for _ in 0..SETTLINGS {
            let passage = self.read(|ledger| ledger.passage(unit))?;
            if passage.is_covered() {
                return Ok(passage);
            }
            self.settle()?;
        }
        let found = "entries that others write meanwhile";
        let place = format!("ledger entry {unit}");
        Err(Finding::new(Reason::NotConfirmed, place, "a checkpoint over every entry about this unit", found).into())
    }

    pub(super) fn settle(&self) -> Result<(), GateError> {
        let engine = self.inner.engine().map_err(|away| away.finding)?;
        Ok(engine.writer.settle().map_err(unsettled)?)
    }

    pub(super) fn read<T>(&self, read: impl FnOnce(&Ledger) -> Result<T, LedgerFault>) -> Result<T, Finding> {
        Ok(self.read_ledger(read)??)
    }

    /// An entry of one kind, verified and proven anew. Whatever a row beside it says, this is what was signed.
    pub(super) fn stored<D: Document>(&self, seq: u64) -> Result<Stored<D>, GateError> {
        let limits = &Limits::STANDARD;
        let proven = self.read(|ledger| ledger.proven(seq))?.ok_or_else(|| {
            Finding::new(Reason::AdmissionUnknown, format!("ledger entry {seq}"), "an entry", "no such entry")
        })?;
        let envelope = Envelope::parse(&proven.envelope, limits).map_err(|fault| fault.finding())?;
        let verified = envelope.verify_with(&proven.station).map_err(|fault| fault.finding())?;
        let document = document::read(&verified, limits).map_err(|fault| fault.finding())?;
        Ok(Stored { document, envelope, recorded: proven.recorded })
    }

    /// Writes one entry, and covers it. `document` makes it of the record that names its place.
    pub(super) fn write<D: Document>(
        &self,
        keys: &[UnitKey],
        passage: &Passage,
        document: impl FnOnce(Record) -> D + Send + 'static,
    ) -> Result<u64, Cut> {
        let time = self.time_after(passage)?;
        let engine = self.inner.engine().map_err(|away| away.finding)?;
        let append = Append { keys: keys.to_vec(), memory_size: passage.size, blobs: Vec::new() };
        let seal = move |place: &Place<'_>| {
            let record = Record::new(place.origin.as_str(), place.seq, time);
            Ok(vec![seal_by(document(record), &[&engine.station])?])
        };
        match self.submit(append, Box::new(seal)) {
            Ok(recorded) => Ok(recorded.seq),
            // The rules are asked under the write lock: who was first is seen at the next look.
            Err(fault @ (AppendFault::Moved { .. } | AppendFault::Unfit { .. })) => Err(Cut::Overtaken(fault.into())),
            Err(fault) => Err(Finding::from(fault).into()),
        }
    }

    /// The time to date an entry by: neither before the last entry nor a day after it. One entry under a clock that
    /// leapt would make the true time *behind* for every box after it.
    fn time_after(&self, passage: &Passage) -> Result<Time, GateError> {
        let now = self.inner.now_after(passage.last)?;
        let wrong = |reason, expected| Err(Finding::new(reason, "clock", expected, now.to_string()).into());
        match passage.last {
            Some(last) if now < last => wrong(Reason::ClockBehind, format!("{last} (the last entry) or later")),
            Some(last)
                if now.unix_millis().saturating_sub(last.unix_millis()) > Limits::STANDARD.clock_ahead_millis =>
            {
                wrong(Reason::ClockAhead, format!("at most a day after {last} (the last entry)"))
            }
            _ => Ok(now),
        }
    }
}
