//! One run: every offered file is read, entered into the ledger in groups, and moved on once it is durable there.

use super::aside::Moved;
use super::documents::Documents;
use super::fault::unusable;
use super::offered::{Offered, OfferedFault, Way};
use super::paper::Paper;
use super::reading::{Identity, Links, Unread, look, read};
use super::store::Intake;
use crate::surroundings::Surroundings;
use ecugate_verifier::documents::document_seen::SeenKind;
use ecugate_verifier::values::digest::Sha256;
use ecugate_verifier::values::finding::Finding;
use ecugate_verifier::values::ident::Name;
use ecugate_verifier::values::limits::Limits;
use ecugate_verifier::values::reason::Reason;
use ecugate_verifier::values::time::Time;
use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

/// Documents entered under one checkpoint: the ledger is locked while a token signs each.
const GROUP: usize = 128;

/// Bytes of documents held in memory before they are entered.
const GROUP_BYTES: usize = 16 << 20;

/// Who enters documents into the ledger.
pub trait Recorder: Documents {
    /// Enters documents, each by the way that it came, and answers the numbers of their entries. They are under a
    /// checkpoint that was read back, with their bytes; or nothing counts as entered.
    ///
    /// # Errors
    /// What kept them from being entered.
    fn enter(&mut self, papers: &[(&Paper, &Name)]) -> Result<Vec<u64>, Finding>;
}

/// What a run did.
#[derive(Clone, Debug, Default)]
pub struct Run {
    /// What became of each file, by its path.
    pub fates: Vec<Fate>,
    /// What ended the run early: the files after it wait.
    pub stopped: Option<Finding>,
}

/// What became of one file.
#[derive(Clone, Debug)]
pub struct Fate {
    /// Where it lay. Hostile text.
    pub path: PathBuf,
    /// By whose way it came.
    pub source: Name,
    /// SHA-256 of its bytes, where they were read.
    pub digest: Option<Sha256>,
    /// What it is, where that is known.
    pub kind: Option<SeenKind>,
    /// What it calls itself.
    pub name: Option<Name>,
    /// What became of it.
    pub became: Became,
    /// Where a watched file is now, if it was moved.
    pub moved: Option<PathBuf>,
    /// Why it was not moved, where it should have been.
    pub unmoved: Option<Finding>,
    /// Why no box will be accepted by this manifest, as things stand. A hint: each receipt finds out for itself.
    pub will_not_count: Option<Finding>,
}

/// What became of one file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Became {
    /// Entered into the ledger under this number.
    Entered(u64),
    /// The same bytes stand in the ledger already, under this number.
    Known(u64),
    /// It is no document that the gate reads.
    Refused(Finding),
    /// It lies where it lay; the next run looks at it again.
    Waits(String),
}

/// A document that was read, and the file that it is of.
struct InHand {
    offered: Offered,
    identity: Identity,
    paper: Paper,
}

impl Intake {
    /// Takes the offered files in. A file is moved on only after its document is durable in the ledger; a run that is
    /// interrupted at any moment is made good by the next one.
    ///
    /// # Errors
    /// [`Reason::IntakeBusy`] and [`Reason::IntakeUnusable`] before anything was done. What goes wrong later is in
    /// [`Run::stopped`].
    pub fn take(
        &self,
        offered: Vec<Offered>,
        now: Time,
        surroundings: &dyn Surroundings,
        recorder: &mut dyn Recorder,
    ) -> Result<Run, Finding> {
        let lock = self.lock(surroundings)?;
        self.lay_out()?;
        let mut taking = Taking { intake: self, now, recorder, run: Run::default(), group: Vec::new(), bytes: 0 };
        for one in offered {
            taking.consider(one);
        }
        taking.enter();
        let Taking { mut run, recorder, .. } = taking;
        if run.stopped.is_none() {
            // Not needed for anything but speed: whoever looks something up makes it good.
            run.stopped = self.index(recorder).err();
        }
        run.fates.sort_by(|one, other| one.path.cmp(&other.path));
        drop(lock);
        Ok(run)
    }
}

struct Taking<'a> {
    intake: &'a Intake,
    now: Time,
    recorder: &'a mut dyn Recorder,
    run: Run,
    group: Vec<InHand>,
    bytes: usize,
}

impl<'a> Taking<'a> {
    fn consider(&mut self, offered: Offered) {
        match offered.fault.clone() {
            Some(OfferedFault::Waits(why)) => return self.waits(offered, why),
            Some(OfferedFault::Refused(finding)) => return self.refuse(&offered, None, None, finding),
            None => {}
        }
        if self.run.stopped.is_some() {
            return self.waits(offered, "the run was stopped before it".to_owned());
        }
        let (bytes, identity) = match read(&offered.path, offered.links(), &Limits::STANDARD) {
            Ok(read) => read,
            Err(Unread::Changing) => return self.waits(offered, "it is still being written".to_owned()),
            Err(Unread::Refused(finding)) => return self.refuse(&offered, None, None, finding),
        };
        let digest = Sha256::of(&bytes);
        let paper = match Paper::read(bytes, &Limits::STANDARD) {
            Ok(paper) => paper,
            Err(finding) => return self.refuse(&offered, Some(identity), Some(digest), finding),
        };
        self.bytes = self.bytes.saturating_add(paper.bytes.len());
        self.group.push(InHand { offered, identity, paper });
        if self.group.len() >= GROUP || self.bytes >= GROUP_BYTES {
            self.enter();
        }
    }

    /// Enters the group, each document once, and moves its files on.
    fn enter(&mut self) {
        let group = std::mem::take(&mut self.group);
        self.bytes = 0;
        let numbered = match self.numbers(&group) {
            Ok(numbered) => numbered,
            Err(finding) => {
                self.run.stopped.get_or_insert(finding);
                for one in group {
                    self.waits(one.offered, "it could not be entered into the ledger".to_owned());
                }
                return;
            }
        };
        for (one, became) in group.into_iter().zip(numbered) {
            let mut fate = self.fate(&one.offered, became);
            (fate.digest, fate.kind) = (Some(one.paper.digest), Some(one.paper.kind));
            fate.name.clone_from(&one.paper.name);
            if one.offered.way == Way::Watched {
                let moved = Moved {
                    path: &one.offered.path,
                    source: &one.offered.source,
                    digest: fate.digest,
                    identity: Some(one.identity),
                    now: self.now,
                };
                let folder = self.intake.taken().join(one.offered.source.as_str());
                match moved.away(&folder) {
                    Ok(moved) => fate.moved = moved,
                    Err(error) => fate.unmoved = Some(unusable(&folder, &error)),
                }
            }
            self.run.fates.push(fate);
        }
    }

    /// The number of each document, new or known. Of several files of one document the first is the one entered.
    fn numbers(&mut self, group: &[InHand]) -> Result<Vec<Became>, Finding> {
        let mut known: Vec<Option<u64>> = Vec::new();
        let mut fresh: Vec<(&Paper, &Name)> = Vec::new();
        let mut seen = BTreeSet::new();
        for one in group {
            let number = self.recorder.number_of(&one.paper.digest)?;
            if number.is_none() && seen.insert(one.paper.digest) {
                fresh.push((&one.paper, &one.offered.source));
            }
            known.push(number);
        }
        let numbers = if fresh.is_empty() { Vec::new() } else { self.recorder.enter(&fresh)? };
        let entered: BTreeMap<Sha256, u64> = fresh.iter().map(|(paper, _)| paper.digest).zip(numbers).collect();
        let mut first = BTreeSet::new();
        let became = group.iter().zip(known).map(|(one, known)| {
            let digest = one.paper.digest;
            match (known, entered.get(&digest)) {
                (Some(number), _) => Ok(Became::Known(number)),
                (None, Some(number)) if first.insert(digest) => Ok(Became::Entered(*number)),
                (None, Some(number)) => Ok(Became::Known(*number)),
                (None, None) => Err(Finding::new(Reason::LedgerFailed, "ledger", "a number for each document", "none")),
            }
        });
        became.collect()
    }

    fn refuse(&mut self, offered: &Offered, identity: Option<Identity>, digest: Option<Sha256>, finding: Finding) {
        let mut fate = self.fate(offered, Became::Refused(finding.clone()));
        fate.digest = digest;
        // Nothing is wrong with the file where this account may not read it, and a folder may hold others' files.
        let ours = !matches!(finding.reason, Reason::InputUnreadable | Reason::InputMissing);
        let folder = offered.path.symlink_metadata().is_ok_and(|about| about.is_dir());
        if offered.way == Way::Watched && ours && !folder {
            let identity =
                identity.or_else(|| look(&offered.path, Links::Refused).ok().map(|about| Identity::of(&about)));
            let moved = Moved { path: &offered.path, source: &offered.source, digest, identity, now: self.now };
            match moved.aside(&self.intake.refused(), &finding) {
                Ok(moved) => fate.moved = moved,
                Err(finding) => fate.unmoved = Some(finding),
            }
        }
        self.run.fates.push(fate);
    }

    fn waits(&mut self, offered: Offered, why: String) {
        let fate = self.fate(&offered, Became::Waits(why));
        self.run.fates.push(fate);
    }

    fn fate(&self, offered: &Offered, became: Became) -> Fate {
        Fate {
            path: offered.path.clone(),
            source: offered.source.clone(),
            digest: None,
            kind: None,
            name: None,
            became,
            moved: None,
            unmoved: None,
            will_not_count: None,
        }
    }
}
