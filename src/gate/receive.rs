//! The path of one box: present, remember, judge, seal, record.

use super::arrival::{Arrival, Presented};
use super::open::{GateError, Inner, unsettled};
use super::outcome::{Judgement, Outcome, RecordedVerdict};
use crate::ledger::{Append, AppendFault, Blob, Place, Recorded};
use crate::sealing::seal_by;
use ecugate_verifier::documents::document;
use ecugate_verifier::documents::envelope::Envelope;
use ecugate_verifier::documents::receipt::{Receipt, Ruling};
use ecugate_verifier::documents::record::{Contested, Record, State};
use ecugate_verifier::inputs::dossier::{DOSSIER_MEDIA_TYPE, Dossier, Inputs};
use ecugate_verifier::inputs::evidence::Presentation;
use ecugate_verifier::inputs::memory::Memory;
use ecugate_verifier::inputs::policy::Policy;
use ecugate_verifier::inputs::trust::anchors::TokenCertificates;
use ecugate_verifier::judgement::judged::Judged;
use ecugate_verifier::values::attempt::Attempt;
use ecugate_verifier::values::finding::Finding;
use ecugate_verifier::values::ident::UnitKey;
use ecugate_verifier::values::keys::Signer as _;
use ecugate_verifier::values::limits::Limits;
use ecugate_verifier::values::reason::Reason;
use ecugate_verifier::values::time::Time;
use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

/// How often a box is judged anew because its memory moved on under it.
const APPRAISALS: usize = 3;

/// One judgement, with everything that recording it takes.
struct Recordable {
    judged: Judged,
    keys: Vec<UnitKey>,
    memory_size: u64,
}

/// What the site trusts at this moment.
pub(super) struct Trust {
    pub(super) token: TokenCertificates,
    pub(super) anchor_list: Option<Vec<u8>>,
    pub(super) policy: Option<Vec<u8>>,
}

impl Inner {
    pub(super) fn receive(&mut self, arrival: Arrival<'_>) -> Result<Outcome, GateError> {
        let limits = &Limits::STANDARD;
        let now = self.now()?;
        let trust = self.trust(limits);
        let rules = self.policy(&trust, now, limits).label_rules();
        let Presented { attempt, presentation, keys } = arrival.present(&rules, limits);
        if let Some(known) = self.known_attempt(&attempt, &presentation)? {
            return Ok(known);
        }
        let mut moved = Finding::bare(Reason::MemoryMoved);
        let mut last = None;
        for _ in 0..APPRAISALS {
            let judged = self.judge(&attempt, &presentation, &trust, &keys, limits)?;
            if judged.ruling() == Ruling::NotGated {
                return Ok(Outcome::NotGated(Box::new(judged.judgement(self.origin()))));
            }
            match self.record(&judged) {
                Ok(outcome) => return Ok(outcome),
                Err(finding) => moved = finding,
            }
            last = Some(judged);
        }
        match last {
            Some(judged) => {
                let judgement = Box::new(judged.judgement(self.origin()));
                Ok(Outcome::NotRecorded { judgement, finding: moved })
            }
            None => Err(moved.into()),
        }
    }

    pub(super) fn now(&self) -> Result<Time, GateError> {
        self.surroundings
            .now()
            .ok_or_else(|| Finding::new(Reason::ClockBehind, "clock", "a time from 1970 to 9999", "none").into())
    }

    fn origin(&self) -> &str {
        self.site.origin().as_str()
    }

    /// Reads the trust token in a read-only session without PIN, and the signed documents. What cannot be read is a
    /// hold in the verdict, and never "nothing to check".
    ///
    /// The list before the token, and the token before the memory, in the order in which officers bring a new list into
    /// force the other way round (`docs/decisions/0012`): else a box could meet a new list and a token from before it.
    pub(super) fn trust(&self, limits: &Limits) -> Trust {
        let anchor_list = signed_file(&self.site.anchor_list(), limits);
        let token = match self.tokens.certificates(&self.site.text().trust_token) {
            Ok(found) => TokenCertificates::Read(found.certificates.into_iter().map(|stored| stored.der).collect()),
            Err(fault) => TokenCertificates::Unavailable(fault.finding()),
        };
        Trust { token, anchor_list, policy: signed_file(&self.site.policy(), limits) }
    }

    fn policy(&self, trust: &Trust, now: Time, limits: &Limits) -> Policy {
        Policy::resolve(trust.policy.as_deref(), self.site.authority(), &self.site.text().site, 0, now, limits)
    }

    fn judge(
        &self,
        attempt: &Attempt,
        presentation: &Presentation,
        trust: &Trust,
        keys: &[UnitKey],
        limits: &Limits,
    ) -> Result<Recordable, GateError> {
        let (memory, memory_size) = match self.ledger.memory(keys) {
            Ok(known) => {
                let size = known.size;
                (Memory::Known(Box::new(known)), size)
            }
            Err(fault) => (Memory::Unavailable(fault.into()), 0),
        };
        let dossier = Dossier::assemble(
            Inputs {
                attempt: attempt.clone(),
                now: self.now()?,
                environment: self.site.text().environment,
                site: self.site.text().site.clone(),
                authority: self.site.authority().clone(),
                token: trust.token.clone(),
                anchor_list: trust.anchor_list.clone(),
                policy: trust.policy.clone(),
                presentation: presentation.clone(),
                memory,
            },
            limits,
        );
        let judged = Judged::of(dossier);
        let keys: BTreeSet<UnitKey> = keys.iter().chain(judged.appraisal().keys()).cloned().collect();
        Ok(Recordable { judged, keys: keys.into_iter().collect(), memory_size })
    }

    /// Records one verdict. `Err` only where the memory moved on and the box must be judged anew.
    fn record(&mut self, judged: &Recordable) -> Result<Outcome, Finding> {
        let append = judged.append();
        let (site, station) = (&self.site, &self.station);
        let mut sealed = None;
        let result = self.ledger.append(
            &append,
            |place| {
                let receipt = judged.receipt(place.origin.as_str(), place.seq);
                let mut envelopes = vec![seal_by(receipt.clone(), &[station])?];
                for (contested, seq) in receipt.contests.iter().zip(place.seq + 1..) {
                    let entry = contest(*contested, seq, place, &receipt, &site.text().site);
                    envelopes.push(seal_by(entry, &[station])?);
                }
                sealed = envelopes.first().map(|envelope| (receipt, envelope.bytes().to_vec()));
                Ok(envelopes)
            },
            &self.log,
        );
        let judgement = || Box::new(judged.judgement(self.site.origin().as_str()));
        match (result, sealed) {
            (Ok(recorded), Some((receipt, envelope))) => Ok(outcome(RecordedVerdict { receipt, envelope, recorded })),
            (Ok(_), None) => {
                let finding = Finding::new(Reason::LedgerFailed, "ledger", "a sealed receipt", "none");
                Ok(Outcome::NotRecorded { judgement: judgement(), finding })
            }
            (Err(fault @ AppendFault::Moved { .. }), _) => Err(fault.into()),
            (Err(AppendFault::Pending { seq, cause }), sealed) => {
                let judgement = sealed.map_or_else(judgement, |(receipt, _)| Box::new(Judgement { receipt }));
                Ok(Outcome::NotConfirmed { judgement, seq, finding: cause })
            }
            (Err(fault), _) => Ok(Outcome::NotRecorded { judgement: judgement(), finding: fault.into() }),
        }
    }

    /// The recorded result of this very attempt with this very evidence: nothing is called a clone of itself.
    fn known_attempt(&mut self, attempt: &Attempt, presentation: &Presentation) -> Result<Option<Outcome>, GateError> {
        let known = self.ledger.verdict_of(attempt, &presentation.digest()).map_err(Finding::from)?;
        let Some(seq) = known else { return Ok(None) };
        // Asked again after it was not confirmed: what is committed holds, and is covered now.
        self.ledger.settle(&self.log).map_err(unsettled)?;
        let Some((receipt, envelope, recorded)) = self.recorded_verdict(seq)? else { return Ok(None) };
        if receipt.record.evidence != Some(presentation.digest()) {
            return Ok(None);
        }
        if receipt.ruling == Ruling::Accept {
            self.require_still_accepted(seq, &receipt)?;
        }
        Ok(Some(outcome(RecordedVerdict { receipt, envelope, recorded })))
    }

    /// An accept that was contested since is no accept for whoever asks again.
    fn require_still_accepted(&self, seq: u64, receipt: &Receipt) -> Result<(), GateError> {
        let sightings = self.ledger.sightings(&receipt.record.keys).map_err(Finding::from)?;
        let state = sightings.iter().find(|sighting| sighting.seq == seq).map(|sighting| sighting.state);
        if state == Some(State::Accepted) {
            return Ok(());
        }
        let found = state.map_or("unknown", State::word);
        let place = format!("ledger entry {seq}");
        Err(Finding::new(Reason::IdentitySeenBefore, place, State::Accepted.word(), found).into())
    }

    /// A verdict as it stands in the ledger, with its proof under the latest checkpoint.
    fn recorded_verdict(&self, seq: u64) -> Result<Option<(Receipt, Vec<u8>, Recorded)>, GateError> {
        let Some(bytes) = self.ledger.entry(seq).map_err(Finding::from)?.and_then(|entry| entry.envelope) else {
            return Ok(None);
        };
        let limits = &Limits::STANDARD;
        let envelope = Envelope::parse(&bytes, limits).map_err(|fault| fault.finding())?;
        let verified = envelope.verify_with(self.station.public_key()).map_err(|fault| fault.finding())?;
        let receipt: Receipt = document::read(&verified, limits).map_err(|fault| fault.finding())?;
        let recorded = self.ledger.recorded(seq).map_err(Finding::from)?;
        Ok(Some((receipt, bytes, recorded)))
    }
}

impl Recordable {
    const fn ruling(&self) -> Ruling {
        self.judged.verdict().ruling()
    }

    fn receipt(&self, origin: &str, seq: u64) -> Receipt {
        self.judged.receipt(origin, seq)
    }

    /// The verdict as it would have been recorded next.
    fn judgement(&self, origin: &str) -> Judgement {
        Judgement { receipt: self.receipt(origin, self.memory_size) }
    }

    fn append(&self) -> Append {
        let parts = self.judged.encoded().parts.values();
        let mut blobs: Vec<Blob> =
            parts.map(|part| Blob { media_type: part.media_type.to_owned(), bytes: part.bytes.clone() }).collect();
        blobs.push(Blob { media_type: DOSSIER_MEDIA_TYPE.to_owned(), bytes: self.judged.encoded().index.clone() });
        Append { keys: self.keys.clone(), memory_size: self.memory_size, blobs }
    }
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

fn contest(
    contested: u64,
    seq: u64,
    place: &Place<'_>,
    receipt: &Receipt,
    site: &ecugate_verifier::values::ident::Name,
) -> Contested {
    let record = Record {
        attempt: receipt.record.attempt.clone(),
        evidence: receipt.record.evidence,
        state: Some(State::Contested),
        unit: Some(contested),
        ..Record::new(place.origin.as_str(), seq, receipt.record.time)
    };
    Contested { record, site: site.clone(), by: place.seq }
}

/// A signed document of the site. A file that cannot be read, or is larger than any document, is no document.
pub(super) fn signed_file(path: &Path, limits: &Limits) -> Option<Vec<u8>> {
    let about = fs::metadata(path).ok()?;
    let fits = about.is_file() && usize::try_from(about.len()).is_ok_and(|length| length <= limits.document_bytes);
    fits.then(|| fs::read(path).ok()).flatten()
}
