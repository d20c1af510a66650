//! Which stored manifests may be about a box: those that list its serial, and the releases that they name.
//!
//! The choice gives no trust: whatever is chosen is verified when the box is judged, and an accept needs manifests that
//! were. What the choice can do wrong is to find less than there is.

use super::documents::Documents;
use super::index::{Found, Index, Record};
use super::key::Key;
use super::store::Intake;
use ecugate_verifier::documents::document_seen::SeenKind;
use ecugate_verifier::documents::manifest::release::Release;
use ecugate_verifier::inputs::evidence::Manifest;
use ecugate_verifier::syntax::label::LabelledUnit;
use ecugate_verifier::values::digest::Sha256;
use ecugate_verifier::values::finding::Finding;
use ecugate_verifier::values::ident::{Manufacturer, Name, Part};
use ecugate_verifier::values::limits::Limits;
use ecugate_verifier::values::time::Time;
use std::collections::BTreeSet;

/// Documents read for one question of the index: what stands behind them is told, not read.
const READ: usize = 16;

/// Bytes of shipments held for one box: four times what a dossier takes, so that some may turn out not to count.
const HELD: usize = 20 << 20;

/// A stored manifest that may be about the box.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Candidate {
    /// The number of its entry.
    pub seq: u64,
    /// SHA-256 of its bytes.
    pub digest: Sha256,
    /// What it is.
    pub kind: SeenKind,
    /// What it calls itself.
    pub name: Name,
    /// Whose word it says that it is.
    pub manufacturer: Manufacturer,
    /// When it says that it was signed.
    pub issued: Time,
    /// The envelope.
    pub bytes: Vec<u8>,
}

/// The stored manifests that may be about a box, in the order in which they are to be taken.
#[derive(Clone, Debug, Default)]
pub struct Candidates {
    /// Those of one slot say the same kind of thing: shipments that list the unit, or releases of one name.
    slots: Vec<Vec<Candidate>>,
    left_out: Vec<String>,
}

/// The manifests to present, and what is to be said of the others.
#[derive(Clone, Debug, Default)]
pub struct Chosen {
    /// The manifests.
    pub manifests: Vec<Candidate>,
    /// What was found and is not among them, and why.
    pub left_out: Vec<String>,
}

impl Intake {
    /// Finds the manifests for the unit that a label names.
    ///
    /// # Errors
    /// What keeps ledger or index from answering.
    pub fn candidates(
        &self,
        unit: &LabelledUnit,
        documents: &dyn Documents,
        limits: &Limits,
    ) -> Result<Candidates, Finding> {
        let index = self.index(documents)?;
        let mut search = Search { index, documents, limits, found: Candidates::default() };
        let entries = search.shipments(unit)?;
        if entries.is_empty() {
            search.only_release(unit)?;
        } else {
            search.releases_of(&entries)?;
            search.releases_of_other_parts(unit)?;
        }
        search.found.slots.retain(|slot| !slot.is_empty());
        Ok(search.found)
    }
}

impl Candidates {
    /// Whether several manifests say the same kind of thing, so that one that does not count could keep the unit out.
    #[must_use]
    pub fn are_several(&self) -> bool {
        self.slots.iter().any(|slot| slot.len() > 1)
    }

    /// All of them.
    pub fn all(&self) -> impl Iterator<Item = &Candidate> {
        self.slots.iter().flatten()
    }

    /// Chooses what a dossier takes. Of several that say the same kind of thing those are left out that do not count,
    /// as long as one is left: a paper that anybody may send must not keep genuine units out, and one that was
    /// replaced must not either: of those that count the last one issued of a maker and name. Where none counts the first is presented, so that the verdict says why.
    pub fn choose(self, fault: &mut dyn FnMut(&Candidate) -> Option<Finding>, limits: &Limits) -> Chosen {
        let mut left_out = self.left_out;
        let mut slots = Vec::new();
        for slot in self.slots {
            if slot.len() < 2 {
                slots.push(slot);
                continue;
            }
            let (mut counting, mut others) = (Vec::new(), Vec::new());
            for candidate in slot {
                match fault(&candidate) {
                    None => counting.push(candidate),
                    Some(finding) => others.push((candidate, finding)),
                }
            }
            if counting.is_empty() {
                // Of the mildest fault: what only our own side lacks may come yet.
                let mildest = others.iter().enumerate().min_by_key(|(_, (_, finding))| finding.reason.class());
                if let Some(at) = mildest.map(|(at, _)| at) {
                    counting.push(others.remove(at).0);
                }
            }
            left_out.extend(
                others
                    .iter()
                    .map(|(candidate, finding)| format!("{} does not count: {}", candidate.told(), finding.reason)),
            );
            slots.push(last_issued(counting, &mut left_out));
        }
        capped(slots, left_out, limits)
    }
}

impl Candidate {
    fn told(&self) -> String {
        format!("{} {} (entry {})", self.kind.word(), self.name, self.seq)
    }
}

/// A maker's document replaces the older ones of its name.
fn last_issued(counting: Vec<Candidate>, left_out: &mut Vec<String>) -> Vec<Candidate> {
    let same =
        |one: &Candidate, other: &Candidate| (&one.manufacturer, &one.name) == (&other.manufacturer, &other.name);
    let newer = |one: &Candidate| counting.iter().find(|other| same(one, other) && other.issued > one.issued);
    let mut last = Vec::new();
    for candidate in &counting {
        match newer(candidate) {
            Some(newer) => left_out.push(format!("{} was replaced by entry {}", candidate.told(), newer.seq)),
            None => last.push(candidate.clone()),
        }
    }
    last
}

/// The first of every slot before the second of any, as many as a dossier takes.
fn capped(slots: Vec<Vec<Candidate>>, left_out: Vec<String>, limits: &Limits) -> Chosen {
    let mut chosen = Chosen { manifests: Vec::new(), left_out };
    let mut ordered: Vec<(usize, Candidate)> =
        slots.into_iter().flat_map(|slot| slot.into_iter().enumerate()).collect();
    ordered.sort_by_key(|(turn, _)| *turn);
    let (mut bytes, mut seen) = (0_usize, BTreeSet::new());
    for (_, candidate) in ordered {
        if !seen.insert(candidate.digest) {
            continue;
        }
        let length = bytes.saturating_add(candidate.bytes.len());
        if chosen.manifests.len() < limits.manifests && length <= limits.manifests_bytes {
            bytes = length;
            chosen.manifests.push(candidate);
        } else {
            chosen.left_out.push(format!("{} is more than is judged for one box", candidate.told()));
        }
    }
    chosen
}

struct Search<'a> {
    index: Index,
    documents: &'a dyn Documents,
    limits: &'a Limits,
    found: Candidates,
}

impl Search<'_> {
    /// The shipments that list the unit under a part number of the label; where there is none, under any. Answers the
    /// part and release of each entry.
    fn shipments(&mut self, unit: &LabelledUnit) -> Result<BTreeSet<(Name, Part)>, Finding> {
        let mut parts: BTreeSet<Part> = unit.parts.iter().cloned().collect();
        for part in &unit.parts {
            for (_, release) in self.releases(&Key::alias(part).0, |_| true)? {
                parts.extend(release.parts);
            }
        }
        let mut slot = Vec::new();
        let mut entries = BTreeSet::new();
        for part in &parts {
            self.listing(unit, &Key::unit(&unit.serial, part).0, &mut slot, &mut entries)?;
        }
        if slot.is_empty() {
            self.listing(unit, &Key::of_serial(&unit.serial), &mut slot, &mut entries)?;
        }
        self.found.slots.push(slot);
        Ok(entries)
    }

    fn listing(
        &mut self,
        unit: &LabelledUnit,
        key: &[u8],
        slot: &mut Vec<Candidate>,
        entries: &mut BTreeSet<(Name, Part)>,
    ) -> Result<(), Finding> {
        let records = self.records(key, "shipments that list the serial")?;
        for record in records {
            let held: usize = slot.iter().map(|candidate| candidate.bytes.len()).sum();
            if held >= HELD {
                self.found.left_out.push(format!("shipments of entry {} and others: too large together", record.seq));
                break;
            }
            let Some((digest, bytes)) = self.document(record)? else { continue };
            if slot.iter().any(|known| known.digest == digest) {
                continue;
            }
            // The index is a hint: a document that does not list the unit is none of its papers.
            let Manifest::Shipment(_, shipment) = Manifest::read(&bytes, self.limits) else { continue };
            let mut listed = shipment.with_serial(&unit.serial).peekable();
            if listed.peek().is_none() {
                continue;
            }
            entries.extend(listed.map(|entry| (entry.release.clone(), entry.part.clone())));
            slot.push(Candidate {
                seq: record.seq,
                digest,
                kind: SeenKind::Shipment,
                name: shipment.shipment,
                manufacturer: shipment.manufacturer,
                issued: shipment.issued,
                bytes,
            });
        }
        Ok(())
    }

    /// The releases that the entries name.
    fn releases_of(&mut self, entries: &BTreeSet<(Name, Part)>) -> Result<(), Finding> {
        for (name, part) in entries {
            let mut slot = self.releases(&Key::release(name).0, |release| release.release == *name)?;
            // Releases of other makers may bear the name; one that is for other parts is shown where there is no other.
            if slot.iter().any(|(_, release)| release.parts.contains(part)) {
                slot.retain(|(_, release)| release.parts.contains(part));
            }
            self.found.slots.push(slot.into_iter().map(|(candidate, _)| candidate).collect());
        }
        Ok(())
    }

    /// A label that names the part of other units is refused where papers show it: so they are shown.
    fn releases_of_other_parts(&mut self, unit: &LabelledUnit) -> Result<(), Finding> {
        for part in &unit.parts {
            let known = self.found.all().filter(|known| known.kind == SeenKind::Release);
            let covered = known.map(|known| Manifest::read(&known.bytes, self.limits)).any(|manifest| match manifest {
                Manifest::Release(_, release) => release.parts.contains(part) || release.aliases.contains(part),
                _ => false,
            });
            if !covered {
                let mut slot = self.releases(&Key::part(part).0, |release| release.parts.contains(part))?;
                slot.truncate(1);
                self.found.slots.push(slot.into_iter().map(|(candidate, _)| candidate).collect());
            }
        }
        Ok(())
    }

    /// Without a shipment the release for the label's parts, if there is only one: of several nobody says which.
    fn only_release(&mut self, unit: &LabelledUnit) -> Result<(), Finding> {
        let mut slot: Vec<(Candidate, Release)> = Vec::new();
        for part in &unit.parts {
            let states = |release: &Release| release.parts.contains(part) || release.aliases.contains(part);
            for key in [Key::part(part), Key::alias(part)] {
                let more = self.releases(&key.0, states)?;
                slot.extend(
                    more.into_iter()
                        .filter(|(one, _)| slot.iter().all(|(known, _)| known.seq != one.seq))
                        .collect::<Vec<_>>(),
                );
            }
        }
        let names: BTreeSet<&Name> = slot.iter().map(|(_, release)| &release.release).collect();
        if names.len() > 1 {
            let names: Vec<&str> = names.into_iter().map(Name::as_str).collect();
            let told =
                format!("no shipment lists the serial, and several releases are for the part: {}", names.join(", "));
            self.found.left_out.push(told);
            return Ok(());
        }
        self.found.slots.push(slot.into_iter().map(|(candidate, _)| candidate).collect());
        Ok(())
    }

    /// The releases under a key that are what the key says.
    fn releases(&mut self, key: &[u8], fits: impl Fn(&Release) -> bool) -> Result<Vec<(Candidate, Release)>, Finding> {
        let mut releases: Vec<(Candidate, Release)> = Vec::new();
        for record in self.records(key, "releases")? {
            let Some((digest, bytes)) = self.document(record)? else { continue };
            let Manifest::Release(_, release) = Manifest::read(&bytes, self.limits) else { continue };
            if fits(&release) && releases.iter().all(|(known, _)| known.digest != digest) {
                let candidate = Candidate {
                    seq: record.seq,
                    digest,
                    kind: SeenKind::Release,
                    name: release.release.clone(),
                    manufacturer: release.manufacturer.clone(),
                    issued: release.issued,
                    bytes,
                };
                releases.push((candidate, *release));
            }
        }
        Ok(releases)
    }

    fn records(&mut self, key: &[u8], what: &str) -> Result<Vec<Record>, Finding> {
        let Found { mut records, more } = self.index.find(key)?;
        if more || records.len() > READ {
            let number = if more { "more".to_owned() } else { records.len().to_string() };
            self.found.left_out.push(format!("{what}: {number} found, the newest {READ} were looked at"));
        }
        records.truncate(READ);
        Ok(records)
    }

    fn document(&self, record: Record) -> Result<Option<(Sha256, Vec<u8>)>, Finding> {
        let Some(entry) = self.documents.entry(record.seq)? else { return Ok(None) };
        let digest = entry.seen.document;
        Ok(self.documents.bytes(&digest)?.map(|bytes| (digest, bytes)))
    }
}
