//! Holds that the journal kept, entered in the ledger once it is there again.

use super::attempts::tag_name;
use super::engine::{Away, Engine};
use super::open::Inner;
use super::writer::{Pending, Seal};
use crate::journal::{Kept, Tag};
use crate::ledger::{Append, AppendFault};
use crate::sealing::seal_by;
use ecugate_verifier::documents::late_hold::LateHold;
use ecugate_verifier::documents::record::{Record, State};
use ecugate_verifier::values::attempt::Environment;
use ecugate_verifier::values::finding::Finding;
use ecugate_verifier::values::ident::Name;
use ecugate_verifier::values::time::Time;
use std::sync::{Arc, PoisonError};

/// Holds that are under way together.
const AT_ONCE: usize = 500;

impl Inner {
    /// The engine, with everything entered that was kept while there was none. A hold that cannot be entered keeps the
    /// next box out too: the memory that it would be judged by is not whole.
    pub(super) fn ready_engine(&self) -> Result<Arc<Engine>, Away> {
        let mut engine = self.engine()?;
        let mut entered = self.enter_kept(&engine);
        // Officers may have changed the keys under it: the new ones are tried once.
        if entered.is_err() && self.give_up_if_retired(&engine) {
            engine = self.engine()?;
            entered = self.enter_kept(&engine);
        }
        match entered {
            Ok(()) => Ok(engine),
            Err(finding) => Err(Away { finding, tokens: Some(Arc::clone(&engine.tokens)) }),
        }
    }

    fn enter_kept(&self, engine: &Arc<Engine>) -> Result<(), Finding> {
        let _one = self.entering.lock().unwrap_or_else(PoisonError::into_inner);
        let kept = self.journal.kept()?;
        if kept.is_empty() {
            return Ok(());
        }
        let now = self.now_after(engine.read(|ledger| ledger.last_time())?)?;
        for kept in kept.chunks(AT_ONCE) {
            self.enter(engine, kept, now)?;
        }
        Ok(())
    }

    fn enter(&self, engine: &Arc<Engine>, kept: &[Kept], now: Time) -> Result<(), Finding> {
        let mut entered: Vec<(Tag, u64)> = Vec::new();
        let mut under_way: Vec<(&Kept, Pending)> = Vec::new();
        for kept in kept {
            // A crash between the entry and the journal's note of it left the entry.
            match self.entry_of(engine, kept)? {
                Some(seq) => entered.push((kept.tag, seq)),
                None => under_way.push((kept, engine.writer.begin(append(kept), self.seal_late(engine, kept, now)?))),
            }
        }
        let mut failed = None;
        for (kept, pending) in under_way {
            match pending.wait() {
                Ok(recorded) => entered.push((kept.tag, recorded.seq)),
                Err(fault) => {
                    self.give_up_if(engine, &fault);
                    // Another gate may have entered it meanwhile.
                    let known =
                        if matches!(fault, AppendFault::Unfit { .. }) { self.entry_of(engine, kept)? } else { None };
                    match known {
                        Some(seq) => entered.push((kept.tag, seq)),
                        None => failed = Some(Finding::from(fault)),
                    }
                }
            }
        }
        self.journal.entered(entered)?;
        failed.map_or(Ok(()), Err)
    }

    /// The entry of this attempt with this evidence, if there is one.
    fn entry_of(&self, engine: &Engine, kept: &Kept) -> Result<Option<u64>, Finding> {
        let (attempt, evidence) = (&kept.hold.attempt, &kept.hold.evidence);
        let seq = engine.read(|ledger| match ledger.late_hold_of(attempt, evidence)? {
            Some(seq) => Ok(Some(seq)),
            None => ledger.verdict_of(attempt, evidence),
        });
        seq.map_err(|fault: crate::ledger::LedgerFault| fault.into())
    }

    fn seal_late(&self, engine: &Arc<Engine>, kept: &Kept, now: Time) -> Result<Seal, Finding> {
        let text = self.site.text();
        let tag = tag_name(kept.tag)?;
        let (engine, kept, site, environment) = (Arc::clone(engine), kept.clone(), text.site.clone(), text.environment);
        Ok(Box::new(move |place| {
            let record = Record::new(place.origin.as_str(), place.seq, now);
            Ok(vec![seal_by(late_hold(record, kept, tag, site, environment), &[&engine.station])?])
        }))
    }
}

/// A hold claims nothing, and whatever else is known of its unit does not change it: no memory is held against it.
fn append(kept: &Kept) -> Append {
    Append { keys: kept.hold.keys.clone(), memory_size: u64::MAX, blobs: Vec::new() }
}

fn late_hold(place: Record, kept: Kept, tag: Name, site: Name, environment: Environment) -> LateHold {
    let Kept { hold, line, .. } = kept;
    LateHold {
        environment,
        site,
        tag,
        // A clock that ran ahead when the box was held dated it later than now. The journal's line keeps what it said.
        held: hold.time.min(place.time),
        unit: hold.unit,
        operator: hold.operator,
        order: hold.order,
        findings: hold.findings,
        journal: line,
        record: Record {
            attempt: Some(hold.attempt),
            evidence: Some(hold.evidence),
            state: Some(State::Held),
            keys: hold.keys,
            ..place
        },
    }
}
