//! Documents at the gate: entering those that came in, and finding those of a box.

use super::arrival::{Arrival, Stored};
use super::engine::Engine;
use super::judging::Papers as SitePapers;
use super::open::{Gate, GateError, Inner};
use crate::intake::{Became, Candidate, Documents, Fate, Intake, Offered, Paper, Recorder, Run, Support};
use crate::ledger::{Append, Blob, DocumentEntry, Place};
use crate::sealing::seal_by;
use crate::surroundings::Surroundings;
use ecugate_verifier::documents::document_seen::{DocumentSeen, SeenKind};
use ecugate_verifier::documents::manifest::shipment::Condition;
use ecugate_verifier::documents::question::Question;
use ecugate_verifier::documents::record::{PartRef, Record};
use ecugate_verifier::inputs::dossier::{Dossier, Inputs};
use ecugate_verifier::inputs::evidence::{Manifest, Presentation};
use ecugate_verifier::inputs::memory::Memory;
use ecugate_verifier::inputs::trust::anchors::TokenCertificates;
use ecugate_verifier::judgement::appraisal::answers::Answer;
use ecugate_verifier::judgement::appraisal::appraise;
use ecugate_verifier::syntax::label::{self, LabelledUnit, Rules};
use ecugate_verifier::values::attempt::{Attempt, Nonce};
use ecugate_verifier::values::digest::Sha256;
use ecugate_verifier::values::finding::Finding;
use ecugate_verifier::values::ident::Name;
use ecugate_verifier::values::limits::Limits;
use ecugate_verifier::values::reason::Reason;
use ecugate_verifier::values::time::Time;
use std::sync::Arc;

/// What the intake store adds to what was presented with a box.
#[derive(Clone, Debug, Default)]
pub struct Papers {
    /// The manifests that were found by the label; none where some were presented.
    pub manifests: Vec<Candidate>,
    /// Certificates and revocation lists.
    pub support: Support,
    /// What was found and is not among them, and why.
    pub left_out: Vec<String>,
}

impl Papers {
    /// Puts the papers beside those that came with the box.
    #[must_use]
    pub fn with<'a>(&self, mut arrival: Arrival<'a>) -> Arrival<'a> {
        let Support { untrusted, crls, .. } = &self.support;
        let manifests = self.manifests.iter().map(|candidate| candidate.bytes.clone()).collect();
        arrival.stored = Stored { manifests, untrusted: untrusted.clone(), crls: crls.clone() };
        arrival
    }
}

impl Gate {
    /// Takes offered files in: enters their documents into the ledger, and says of each manifest whether it would count
    /// at this moment.
    ///
    /// # Errors
    /// [`GateError`] where nothing was done. What goes wrong later is in [`Run::stopped`].
    pub fn take_in(&self, offered: Vec<Offered>, surroundings: &dyn Surroundings) -> Result<Run, GateError> {
        let (intake, now) = (self.inner.intake(), self.inner.now()?);
        // Opened before a file is read: without it nothing can be entered.
        let engine = self.inner.engine().map_err(|away| away.finding)?;
        let mut run = intake.take(offered, now, surroundings, &mut Pen(self))?;
        let fresh = run.fates.iter_mut().filter(|fate| is_manifest(fate));
        for fate in fresh {
            let Some(digest) = fate.digest else { continue };
            fate.will_not_count = self.inner.standing_of(&engine, &intake, &digest)?;
        }
        Ok(run)
    }

    /// What intake holds for a box: manifests by its label where none were presented, and what their signers need. Whoever
    /// numbers boxes asks once for one number: once its attempt is over, its record is found with the same papers alone.
    ///
    /// # Errors
    /// [`GateError`] where the store does not answer. A label that names no unit finds nothing; neither does a gate
    /// whose tokens or ledger are away, which holds every box.
    pub fn papers(&self, label: Option<&[u8]>, presented: &[Vec<u8>]) -> Result<Papers, GateError> {
        match self.inner.engine() {
            Ok(engine) => Ok(self.inner.stored_papers(&engine, label, presented)?),
            Err(_) => {
                self.inner.slot.tell_again();
                Ok(Papers::default())
            }
        }
    }
}

fn is_manifest(fate: &Fate) -> bool {
    matches!(fate.became, Became::Entered(_) | Became::Known(_))
        && matches!(fate.kind, Some(SeenKind::Release | SeenKind::Shipment))
}

/// The gate as the one who enters documents. The ledger is taken for each step, so that boxes go on meanwhile.
struct Pen<'a>(&'a Gate);

impl Pen<'_> {
    fn engine(&self) -> Result<Arc<Engine>, Finding> {
        self.0.inner.engine().map_err(|away| away.finding)
    }
}

impl Documents for Pen<'_> {
    fn from(&self, seq: u64, most: usize) -> Result<Vec<DocumentEntry>, Finding> {
        Documents::from(self.engine()?.as_ref(), seq, most)
    }

    fn entry(&self, seq: u64) -> Result<Option<DocumentEntry>, Finding> {
        self.engine()?.entry(seq)
    }

    fn number_of(&self, sha256: &Sha256) -> Result<Option<u64>, Finding> {
        self.engine()?.number_of(sha256)
    }

    fn bytes(&self, sha256: &Sha256) -> Result<Option<Vec<u8>>, Finding> {
        self.engine()?.bytes(sha256)
    }
}

/// The ledger is taken for each row and let go: what is found is read and looked through while other boxes go on.
impl Documents for Engine {
    fn from(&self, seq: u64, most: usize) -> Result<Vec<DocumentEntry>, Finding> {
        self.read(|ledger| Documents::from(ledger, seq, most))
    }

    fn entry(&self, seq: u64) -> Result<Option<DocumentEntry>, Finding> {
        self.read(|ledger| Documents::entry(ledger, seq))
    }

    fn number_of(&self, sha256: &Sha256) -> Result<Option<u64>, Finding> {
        self.read(|ledger| Documents::number_of(ledger, sha256))
    }

    fn bytes(&self, sha256: &Sha256) -> Result<Option<Vec<u8>>, Finding> {
        self.read(|ledger| Documents::bytes(ledger, sha256))
    }
}

impl Recorder for Pen<'_> {
    fn enter(&mut self, papers: &[(&Paper, &Name)]) -> Result<Vec<u64>, Finding> {
        self.0.enter_documents(papers)
    }
}

impl Gate {
    /// Enters documents under one checkpoint, and reads their bytes back.
    fn enter_documents(&self, papers: &[(&Paper, &Name)]) -> Result<Vec<u64>, Finding> {
        let engine = self.inner.engine().map_err(|away| away.finding)?;
        let last = engine.read(|ledger| ledger.last_time())?;
        let now = self.inner.now_after(last)?;
        require_clock(now, last)?;
        let blob = |paper: &Paper| Blob { media_type: paper.media_type().to_owned(), bytes: paper.bytes().to_vec() };
        let append = Append { blobs: papers.iter().map(|(paper, _)| blob(paper)).collect(), ..Append::default() };
        let site = &self.inner.site.text().site;
        let seen: Vec<DocumentSeen> =
            papers.iter().map(|(paper, source)| document_seen(Record::new("", 0, now), site, paper, source)).collect();
        let seal = move |place: &Place<'_>| {
            let entries = seen.into_iter().zip(place.seq..);
            let sealed = entries.map(|(mut seen, seq)| {
                (seen.record.origin, seen.record.seq) = (place.origin.as_str().to_owned(), seq);
                seal_by(seen, &[&engine.station])
            });
            sealed.collect()
        };
        let first = self.submit(append, Box::new(seal)).map_err(Finding::from)?.seq;
        for (paper, _) in papers {
            if Documents::bytes(&Pen(self), &paper.digest())?.as_deref() != Some(paper.bytes()) {
                let (place, expected) = (format!("blob {}", paper.digest()), "the document as it came");
                return Err(Finding::new(Reason::LedgerDiffers, place, expected, "other bytes or none"));
            }
        }
        Ok((first..).take(papers.len()).collect())
    }
}

/// A document seen first at a time before others were seen would be no honest first.
fn require_clock(now: Time, last: Option<Time>) -> Result<(), Finding> {
    match last.filter(|last| now < *last) {
        None => Ok(()),
        Some(last) => {
            let expected = format!("{last} (the last entry) or later");
            Err(Finding::new(Reason::ClockBehind, "clock", expected, now.to_string()))
        }
    }
}

impl Inner {
    fn intake(&self) -> Intake {
        Intake::new(self.site.intake())
    }

    fn stored_papers(
        &self,
        engine: &Arc<Engine>,
        label: Option<&[u8]>,
        presented: &[Vec<u8>],
    ) -> Result<Papers, Finding> {
        let limits = &Limits::STANDARD;
        let intake = self.intake();
        let mut papers = Papers::default();
        if let Some(label) = label.filter(|_| presented.is_empty()) {
            // A label that names no unit finds nothing, and the verdict says what is wrong with it.
            if let Ok(unit) = unit_of(label, &self.label_rules(&self.papers(), self.now()?), limits) {
                (papers.manifests, papers.left_out) = self.manifests(engine, &intake, &unit, limits)?;
            }
        }
        let found = papers.manifests.iter().map(|candidate| &candidate.bytes);
        let manifests: Vec<&[u8]> = presented.iter().chain(found).map(Vec::as_slice).collect();
        papers.support = intake.support(&manifests, engine.as_ref(), limits)?;
        papers.left_out.append(&mut papers.support.left_out);
        Ok(papers)
    }

    /// The manifests for a unit. Several of one kind are each asked whether they count, alone, by the rules of a
    /// verdict.
    fn manifests(
        &self,
        engine: &Arc<Engine>,
        intake: &Intake,
        unit: &LabelledUnit,
        limits: &Limits,
    ) -> Result<(Vec<Candidate>, Vec<String>), Finding> {
        let candidates = intake.candidates(unit, engine.as_ref(), limits)?;
        let chosen = if candidates.are_several() {
            let all: Vec<&[u8]> = candidates.all().map(|candidate| candidate.bytes.as_slice()).collect();
            let support = intake.support(&all, engine.as_ref(), limits)?;
            let (site, token) = (self.papers(), self.certificates(engine.tokens.as_ref()));
            let mut failed = None;
            let mut fault = |candidate: &Candidate| {
                let fault = self.fault_of(engine, &candidate.bytes, &support, &site, &token);
                fault.unwrap_or_else(|finding| Some(failed.insert(finding).clone()))
            };
            let chosen = candidates.choose(&mut fault, limits);
            if let Some(finding) = failed {
                return Err(finding);
            }
            chosen
        } else {
            candidates.choose(&mut |_| None, limits)
        };
        Ok((chosen.manifests, chosen.left_out))
    }

    /// Why a stored manifest would not count at this moment.
    fn standing_of(&self, engine: &Arc<Engine>, intake: &Intake, digest: &Sha256) -> Result<Option<Finding>, Finding> {
        let limits = &Limits::STANDARD;
        let Some(bytes) = engine.bytes(digest)? else { return Ok(None) };
        let support = intake.support(&[&bytes], engine.as_ref(), limits)?;
        let (site, token) = (self.papers(), self.certificates(engine.tokens.as_ref()));
        let fault = self.fault_of(engine, &bytes, &support, &site, &token)?;
        Ok(fault.or_else(|| self.misdirected(&bytes, limits)))
    }

    /// A shipment to somebody else. It counts, against its units.
    fn misdirected(&self, manifest: &[u8], limits: &Limits) -> Option<Finding> {
        let Manifest::Shipment(_, shipment) = Manifest::read(manifest, limits) else { return None };
        let (here, there) = (&self.site.text().site, &shipment.consignee);
        let finding = || Finding::new(Reason::ConsigneeDiffers, "consignee", here.to_string(), there.to_string());
        (here != there).then(finding)
    }

    /// Why a manifest, presented alone, is not believed. Asked of the same appraisal that judges boxes, so that there
    /// are not two rules.
    fn fault_of(
        &self,
        engine: &Arc<Engine>,
        manifest: &[u8],
        support: &Support,
        site: &SitePapers,
        token: &TokenCertificates,
    ) -> Result<Option<Finding>, Finding> {
        let inputs = Inputs {
            // Always the same: nothing is recorded under it.
            attempt: Attempt { station: self.site.text().station.clone(), nonce: Nonce::from_bytes([0; 16]) },
            now: self.now()?,
            environment: self.site.text().environment,
            site: self.site.text().site.clone(),
            authority: self.site.authority().clone(),
            token: token.clone(),
            anchor_list: site.anchor_list.clone(),
            policy: site.policy.clone(),
            presentation: presented_alone(manifest, support),
            memory: Memory::Known(Box::new(engine.read(|ledger| ledger.memory(&[]))?)),
        };
        let dossier = Dossier::assemble(inputs, self.means());
        let is_shipment = dossier.evidence().shipments().next().is_some();
        let question = if is_shipment { Question::ShipmentSigner } else { Question::ReleaseSigner };
        let appraisal = appraise(&dossier);
        let answers = appraisal.answers();
        let first = |question| match answers.of(question) {
            Answer::Pass(_) => None,
            Answer::Fail(findings) => findings.into_iter().next(),
            Answer::NotRun(finding) => Some(finding),
        };
        // Without anchors or policy nobody can say.
        let fault = [Question::Anchors, Question::Policy, Question::Papers, question].into_iter().find_map(first);
        // It stands alone: its number says nothing.
        Ok(fault.map(|fault| match fault.place.strip_prefix("manifest 1 ").map(str::to_owned) {
            Some(place) => Finding { place, ..fault },
            None => fault,
        }))
    }
}

fn document_seen(record: Record, site: &Name, paper: &Paper, source: &Name) -> DocumentSeen {
    let part = PartRef { sha256: paper.digest(), media_type: paper.media_type().to_owned() };
    DocumentSeen {
        record: Record { parts: vec![part], ..record },
        site: site.clone(),
        kind: paper.kind(),
        document: paper.digest(),
        source: source.clone(),
        name: paper.name().cloned(),
    }
}

fn unit_of(label: &[u8], rules: &Rules, limits: &Limits) -> Result<LabelledUnit, Finding> {
    label::read(label, rules, limits).and_then(|label| label.unit()).map_err(|fault| fault.finding())
}

fn presented_alone(manifest: &[u8], support: &Support) -> Presentation {
    Presentation {
        label: None,
        housing_label: None,
        manifests: vec![manifest.to_vec()],
        untrusted: support.untrusted.clone(),
        crls: support.crls.clone(),
        readouts: Vec::new(),
        device_proof: None,
        condition: Condition::New,
        operator: None,
        order: None,
    }
}
