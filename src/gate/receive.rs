//! The path of one box: present, journal, remember, judge, seal, record, show.

use super::arrival::{Arrival, Presented};
use super::attempts::{Working, tag_name};
use super::engine::{Away, Engine, unsettled};
use super::judging::{Papers, Recordable};
use super::open::{GateError, Inner};
use super::outcome::{Handover, Judgement, Outcome, RecordedVerdict};
use super::writer::Seal;
use crate::journal::{JournalFault, Wanted};
use crate::ledger::{AppendFault, Place};
use crate::sealing::seal_by;
use crate::surroundings::nonce;
use ecugate_verifier::documents::document::{self, Document};
use ecugate_verifier::documents::envelope::Envelope;
use ecugate_verifier::documents::late_hold::LateHold;
use ecugate_verifier::documents::receipt::{Receipt, Ruling};
use ecugate_verifier::documents::record::{Contested, Record, State};
use ecugate_verifier::inputs::memory::Memory;
use ecugate_verifier::inputs::trust::anchors::TokenCertificates;
use ecugate_verifier::values::attempt::Attempt;
use ecugate_verifier::values::finding::Finding;
use ecugate_verifier::values::ident::Name;
use ecugate_verifier::values::keys::Signer as _;
use ecugate_verifier::values::limits::Limits;
use ecugate_verifier::values::reason::Reason;
use std::sync::{Arc, Mutex, PoisonError};

/// How often a box is judged anew because its memory moved on under it.
const APPRAISALS: usize = 3;

/// What came of an attempt.
enum Came {
    /// To be shown; then the attempt is over.
    Outcome(Outcome),
    /// To be shown, and the attempt stays open: its record may stand in the ledger, and nobody could ask or confirm.
    Unsettled(Outcome),
    /// The box is another one, or to be judged anew. Whoever asks by number gets this.
    Over(Result<Box<Outcome>, Finding>),
    /// Nothing was recorded of it, and there are other papers now: it is judged by these, and not as what it was.
    OtherPapers,
}

/// A receipt that was signed, with its envelope.
type Sealed = Arc<Mutex<Option<(Receipt, Vec<u8>)>>>;

impl Inner {
    pub(super) fn receive(
        &self,
        mut arrival: Arrival<'_>,
        show: impl FnOnce(&Outcome) -> Handover,
    ) -> Result<Outcome, GateError> {
        let now = self.now()?;
        let papers = self.papers();
        let wanted = self.wanted(arrival.attempt.take(), arrival.station.take())?;
        let presented = arrival.present(&self.label_rules(&papers, now), &Limits::STANDARD);
        loop {
            let working = match self.work_on(&wanted, presented.digests, now) {
                Ok(working) => working,
                Err(fault @ JournalFault::InProgress(_)) => return Err(Finding::from(fault).into()),
                Err(fault) => {
                    let outcome = self.unjournalled(&wanted, &presented, &papers, fault.into())?;
                    let _ = show(&outcome);
                    return Ok(outcome);
                }
            };
            let (outcome, is_settled) = match (self.outcome_of(&working, &presented, &papers)?, &wanted) {
                (Came::Outcome(outcome), _) => (outcome, true),
                (Came::Unsettled(outcome), _) => (outcome, false),
                // Who numbers boxes asked for this one.
                (Came::Over(Ok(outcome)), Wanted::This(_)) => (*outcome, true),
                (Came::Over(Err(finding)), Wanted::This(_)) => {
                    working.end().map_err(Finding::from)?;
                    return Err(finding.into());
                }
                // Who does not has presented a box: it gets an attempt of its own.
                (Came::Over(_), Wanted::Any { .. }) | (Came::OtherPapers, _) => {
                    working.end().map_err(Finding::from)?;
                    continue;
                }
            };
            if show(&outcome) == Handover::Done && is_settled {
                // Where this fails it stays open, and the same box presented again gets its own record.
                let _ = working.end();
            }
            return Ok(outcome);
        }
    }

    fn wanted(&self, attempt: Option<Attempt>, station: Option<Name>) -> Result<Wanted, Finding> {
        Ok(match attempt {
            Some(attempt) => Wanted::This(attempt),
            None => Wanted::Any {
                station: station.unwrap_or_else(|| self.site.text().station.clone()),
                fresh: nonce(self.surroundings.as_ref())?,
            },
        })
    }

    fn origin(&self) -> &str {
        self.site.origin().as_str()
    }

    fn outcome_of(&self, working: &Working<'_>, presented: &Presented, papers: &Papers) -> Result<Came, Finding> {
        let mut tries = 0;
        loop {
            let engine = match self.ready_engine() {
                Ok(engine) => engine,
                Err(away) => return self.hold(working, presented, papers, &away),
            };
            tries += 1;
            // Officers may have changed the keys under it, and nothing is written then: the new ones are tried once.
            let try_again = || tries == 1 && self.give_up_if_retired(&engine);
            match self.known_attempt(&engine, working, presented, papers) {
                Ok(Some(came)) => return Ok(came),
                Ok(None) if working.begun.evidence != presented.digests.evidence => return Ok(Came::OtherPapers),
                Ok(None) => match self.judge_and_record(&engine, working, presented, papers)? {
                    Ok(outcome @ Outcome::NotConfirmed { .. }) => return Ok(Came::Unsettled(outcome)),
                    Ok(outcome) => return Ok(Came::Outcome(outcome)),
                    Err(_) if try_again() => {}
                    Err((judged, fault)) => {
                        self.give_up_if(&engine, &fault);
                        return Ok(Came::Outcome(self.keep(working, &judged, fault.into())));
                    }
                },
                Err(_) if try_again() => {}
                Err(finding) => {
                    self.slot.give_up(&engine);
                    let away = Away { finding, tokens: Some(Arc::clone(&engine.tokens)) };
                    return self.hold(working, presented, papers, &away);
                }
            }
        }
    }

    /// Judges a box and records what it comes to; where nothing was written, why.
    fn judge_and_record(
        &self,
        engine: &Arc<Engine>,
        working: &Working<'_>,
        presented: &Presented,
        papers: &Papers,
    ) -> Result<Result<Outcome, (Arc<Recordable>, AppendFault)>, Finding> {
        let token = self.certificates(engine.tokens.as_ref());
        let mut appraisals = 0;
        let mut _turn = None;
        loop {
            let memory = match engine.read(|ledger| ledger.memory(&presented.keys)) {
                Ok(known) => Memory::Known(Box::new(known)),
                Err(fault) => Memory::Unavailable(fault.into()),
            };
            let judged = Arc::new(self.judge(working.attempt(), presented, papers, &token, memory)?);
            if judged.ruling() == Ruling::NotGated {
                return Ok(Ok(Outcome::NotGated(judged.judgement(self.origin()))));
            }
            appraisals += 1;
            match self.record(engine, &judged) {
                Ok(outcome) => return Ok(Ok(outcome)),
                // Boxes of one identity that came at once move each other's memory on: from here on one by one.
                Err(AppendFault::Moved { .. } | AppendFault::GroupFull { .. }) if appraisals < APPRAISALS => {
                    _turn.get_or_insert_with(|| self.again.lock().unwrap_or_else(PoisonError::into_inner));
                }
                Err(fault) => return Ok(Err((judged, fault))),
            }
        }
    }

    /// Records one verdict. An `Err` says that nothing was written.
    fn record(&self, engine: &Arc<Engine>, judged: &Arc<Recordable>) -> Result<Outcome, AppendFault> {
        let sealed = Sealed::default();
        let site = self.site.text().site.clone();
        let seal = seal(Arc::clone(engine), Arc::clone(judged), site, Arc::clone(&sealed));
        let result = engine.writer.submit(judged.append(), seal);
        let sealed = sealed.lock().unwrap_or_else(PoisonError::into_inner).take();
        match (result, sealed) {
            (Ok(recorded), Some((receipt, envelope))) => {
                Ok(outcome(RecordedVerdict { receipt, envelope, recorded, resumed: None }))
            }
            (Ok(recorded), None) => {
                let finding = Finding::new(Reason::LedgerFailed, "ledger", "a sealed receipt", "none");
                Ok(Outcome::NotConfirmed { judgement: judged.judgement(self.origin()), seq: recorded.seq, finding })
            }
            (Err(AppendFault::Pending { seq, cause }), sealed) => {
                // The next box opens another engine, which covers what is not covered.
                self.slot.give_up(engine);
                let judgement = sealed
                    .map_or_else(|| judged.judgement(self.origin()), |(receipt, _)| Box::new(Judgement { receipt }));
                Ok(Outcome::NotConfirmed { judgement, seq, finding: cause })
            }
            (Err(fault), _) => Err(fault),
        }
    }

    /// A box that cannot be recorded: judged as far as that goes, held, kept in the journal. One that was held before
    /// under this very attempt keeps its tag.
    fn hold(
        &self,
        working: &Working<'_>,
        presented: &Presented,
        papers: &Papers,
        away: &Away,
    ) -> Result<Came, Finding> {
        let judged = self.judge_without_memory(working.attempt(), presented, papers, away)?;
        let outcome = match &working.begun.kept {
            _ if judged.ruling() == Ruling::NotGated => Outcome::NotGated(judged.judgement(self.origin())),
            None => self.keep(working, &judged, away.finding.clone()),
            Some(kept) => Outcome::NotRecorded {
                judgement: judged.judgement(self.origin()),
                findings: kept.hold.findings.first().cloned().into_iter().collect(),
                tag: Some(tag_name(kept.tag)?),
                late: None,
                resumed: Some(working.begun.begun),
            },
        };
        // What a crash cut short may be recorded. Were it over now, the box would be a clone of itself the next time.
        Ok(if working.begun.is_resumed { Came::Unsettled(outcome) } else { Came::Outcome(outcome) })
    }

    /// A box whose attempt the journal did not take: nothing is recorded, and nothing keeps the hold.
    fn unjournalled(
        &self,
        wanted: &Wanted,
        presented: &Presented,
        papers: &Papers,
        finding: Finding,
    ) -> Result<Outcome, Finding> {
        let attempt = match wanted {
            Wanted::This(attempt) => attempt.clone(),
            Wanted::Any { station, fresh } => Attempt { station: station.clone(), nonce: *fresh },
        };
        let away = Away { finding, tokens: None };
        let judgement = self.judge_without_memory(&attempt, presented, papers, &away)?.judgement(self.origin());
        Ok(Outcome::NotRecorded { judgement, findings: vec![away.finding], tag: None, late: None, resumed: None })
    }

    fn judge_without_memory(
        &self,
        attempt: &Attempt,
        presented: &Presented,
        papers: &Papers,
        away: &Away,
    ) -> Result<Recordable, Finding> {
        let token = match &away.tokens {
            Some(tokens) => self.certificates(tokens.as_ref()),
            None => TokenCertificates::Unavailable(away.finding.clone()),
        };
        self.judge(attempt, presented, papers, &token, Memory::Unavailable(away.finding.clone()))
    }

    /// What is recorded of this very attempt with this very evidence: nothing is called a clone of itself.
    fn known_attempt(
        &self,
        engine: &Arc<Engine>,
        working: &Working<'_>,
        presented: &Presented,
        papers: &Papers,
    ) -> Result<Option<Came>, Finding> {
        let (attempt, evidence) = (working.attempt(), &working.begun.evidence);
        let verdict = engine.read(|ledger| ledger.verdict_of(attempt, evidence))?;
        if let Some(seq) = verdict {
            return self.recorded_verdict(engine, working, seq).map(Some);
        }
        let late = engine.read(|ledger| ledger.late_hold_of(attempt, evidence))?;
        let Some(seq) = late else { return Ok(None) };
        let (hold, _) = self.read_entry::<LateHold>(engine, seq)?;
        let why = hold.findings.first().cloned().unwrap_or_else(|| Finding::bare(Reason::CheckNotRun));
        let away = Away { finding: why.clone(), tokens: Some(Arc::clone(&engine.tokens)) };
        let judgement = self.judge_without_memory(attempt, presented, papers, &away)?.judgement(self.origin());
        let resumed = Some(if working.begun.is_resumed { working.begun.begun } else { hold.held });
        let (findings, tag) = (vec![why], Some(hold.tag));
        // It decided nothing: a box is judged on its merits, under an attempt of its own.
        Ok(Some(Came::Over(Ok(Box::new(Outcome::NotRecorded { judgement, findings, tag, late: Some(seq), resumed })))))
    }

    /// A verdict as it stands in the ledger, with its proof under the latest checkpoint.
    fn recorded_verdict(&self, engine: &Engine, working: &Working<'_>, seq: u64) -> Result<Came, Finding> {
        // Asked again after it was not confirmed: what is committed holds, and is covered now.
        engine.writer.settle().map_err(unsettled)?;
        let (receipt, envelope) = self.read_entry::<Receipt>(engine, seq)?;
        let recorded = engine.read(|ledger| ledger.recorded(seq))?;
        if receipt.ruling == Ruling::Accept
            && let Some(finding) = no_longer_accepted(engine, seq, &receipt)?
        {
            return Ok(Came::Over(Err(finding)));
        }
        let resumed = Some(if working.begun.is_resumed { working.begun.begun } else { receipt.record.time });
        Ok(Came::Outcome(outcome(RecordedVerdict { receipt, envelope, recorded, resumed })))
    }

    /// A document of this site as it stands in the ledger: signed by a station key that it has, or had.
    fn read_entry<D: Document>(&self, engine: &Engine, seq: u64) -> Result<(D, Vec<u8>), Finding> {
        let missing = || Finding::new(Reason::LedgerDiffers, format!("ledger entry {seq}"), "an envelope", "none");
        let entry = engine.read(|ledger| ledger.entry(seq))?;
        let bytes = entry.and_then(|entry| entry.envelope).ok_or_else(missing)?;
        let limits = &Limits::STANDARD;
        let envelope = Envelope::parse(&bytes, limits).map_err(|fault| fault.finding())?;
        let trusted = self.site.trusted_keys();
        let standby = trusted.standby.iter().flat_map(|standby| &standby.stations);
        let by_earlier = trusted.stations.iter().chain(standby).find_map(|key| envelope.verify_with(key).ok());
        let verified = match by_earlier {
            Some(verified) => verified,
            None => envelope.verify_with(engine.station.public_key()).map_err(|fault| fault.finding())?,
        };
        Ok((document::read(&verified, limits).map_err(|fault| fault.finding())?, bytes))
    }
}

/// Why an accept is none any more for whoever asks again: it was redeemed, contested or voided since.
fn no_longer_accepted(engine: &Engine, seq: u64, receipt: &Receipt) -> Result<Option<Finding>, Finding> {
    let sightings = engine.read(|ledger| ledger.sightings(&receipt.record.keys))?;
    let state = sightings.iter().find(|sighting| sighting.seq == seq).map(|sighting| sighting.state);
    if state == Some(State::Accepted) {
        return Ok(None);
    }
    let found = state.map_or("unknown", State::word);
    let place = format!("ledger entry {seq}");
    Ok(Some(Finding::new(Reason::IdentitySeenBefore, place, State::Accepted.word(), found)))
}

/// Signs receipt and *contested* entries, and keeps the receipt for whoever waits.
fn seal(engine: Arc<Engine>, judged: Arc<Recordable>, site: Name, kept: Sealed) -> Seal {
    Box::new(move |place| {
        let receipt = judged.receipt(place.origin.as_str(), place.seq);
        let mut envelopes = vec![seal_by(receipt.clone(), &[&engine.station])?];
        for (contested, seq) in receipt.contests.iter().zip(place.seq + 1..) {
            let entry = contest(*contested, seq, place, &receipt, &site);
            envelopes.push(seal_by(entry, &[&engine.station])?);
        }
        let sealed = envelopes.first().map(|envelope| (receipt, envelope.bytes().to_vec()));
        *kept.lock().unwrap_or_else(PoisonError::into_inner) = sealed;
        Ok(envelopes)
    })
}

fn outcome(verdict: RecordedVerdict) -> Outcome {
    let ruling = verdict.receipt.ruling;
    let verdict = Box::new(verdict);
    match ruling {
        Ruling::Accept => Outcome::Accepted(verdict),
        Ruling::Suspect | Ruling::Unproven => Outcome::Quarantined(verdict),
        Ruling::HoldPassing | Ruling::HoldPerson => Outcome::Held(verdict),
        Ruling::NotGated => Outcome::NotGated(Box::new(Judgement { receipt: verdict.receipt })),
    }
}

fn contest(contested: u64, seq: u64, place: &Place<'_>, receipt: &Receipt, site: &Name) -> Contested {
    let record = Record {
        attempt: receipt.record.attempt.clone(),
        evidence: receipt.record.evidence,
        state: Some(State::Contested),
        unit: Some(contested),
        ..Record::new(place.origin.as_str(), seq, receipt.record.time)
    };
    Contested { record, site: site.clone(), by: place.seq }
}
