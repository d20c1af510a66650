//! Which shipment entry and which release are this unit's.

use super::answers::{Answer, Answers};
use super::documents::{Believed, Verified, outside_scope};
use crate::documents::manifest::release::{Release, Track};
use crate::documents::manifest::shipment::{Condition, Shipment, Unit};
use crate::documents::question::Question;
use crate::inputs::dossier::Dossier;
use crate::inputs::memory::{Completeness, Known, ReleaseSeen};
use crate::inputs::policy::InForce;
use crate::syntax::label::LabelledUnit;
use crate::values::finding::Finding;
use crate::values::ident::{Manufacturer, Part};
use crate::values::reason::Reason;

/// The documents of one unit.
#[derive(Debug, Default)]
pub(super) struct Matched<'b> {
    entry: Option<(&'b Shipment, &'b Unit)>,
    release: Option<&'b Release>,
    part: Option<&'b Part>,
}

impl<'b> Matched<'b> {
    /// The shipment entry that lists the unit.
    pub(super) const fn entry(&self) -> Option<(&'b Shipment, &'b Unit)> {
        self.entry
    }

    /// The release that it left with.
    pub(super) const fn release(&self) -> Option<&'b Release> {
        self.release
    }

    /// Its manufacturer, from verified documents.
    pub(super) fn manufacturer(&self) -> Option<&'b Manufacturer> {
        self.entry.map(|(shipment, _)| &shipment.manufacturer).or_else(|| self.release.map(|known| &known.manufacturer))
    }

    /// Its part, as verified documents write it.
    pub(super) const fn part(&self) -> Option<&'b Part> {
        self.part
    }

    /// What a recorded verdict over these documents teaches the memory.
    pub(super) fn teaches(&self) -> Vec<ReleaseSeen> {
        let (Some(release), Some(part)) = (self.release, self.part()) else { return Vec::new() };
        let seen = |component: &crate::documents::manifest::release::Component| ReleaseSeen {
            manufacturer: release.manufacturer.clone(),
            part: part.clone(),
            component: component.name.clone(),
            security_version: component.security_version,
        };
        release.components.iter().map(seen).collect()
    }
}

/// Finds the entry and the release of the unit that the label names.
pub(super) fn find<'b>(
    dossier: &Dossier,
    policy: Option<&InForce>,
    known: Option<&Known>,
    label: Option<&LabelledUnit>,
    believed: &'b Believed<'_>,
    answers: &mut Answers,
) -> Matched<'b> {
    let mut matched = Matched::default();
    let Some(unit) = label else {
        for question in [Question::Listing, Question::Consignee, Question::Condition, Question::Release] {
            answers.not_run(question, "a label");
        }
        answers.not_run(Question::Manufacturer, "a label");
        return matched;
    };
    matched.entry = entry(unit, believed, known, answers);
    match matched.entry {
        Some((shipment, entry)) => {
            consignee(shipment, policy, answers);
            condition(dossier, entry, answers);
        }
        None => {
            answers.not_run(Question::Consignee, "a shipment entry");
            condition_claimed(dossier, answers);
        }
    }
    matched.release = release(unit, matched.entry, believed, answers);
    matched.part = matched
        .entry
        .map(|(_, entry)| &entry.part)
        .or_else(|| matched.release.and_then(|release| part_of(unit, release)));
    manufacturer(&matched, answers);
    matched
}

/// The label must map to exactly one entry of the believed shipments.
fn entry<'b>(
    unit: &LabelledUnit,
    believed: &'b Believed<'_>,
    known: Option<&Known>,
    answers: &mut Answers,
) -> Option<(&'b Shipment, &'b Unit)> {
    if believed.shipments.is_empty() {
        answers.not_run(Question::Listing, "a verified shipment");
        return None;
    }
    let same_serial: Vec<(&Verified<'_, Shipment>, &Unit)> = believed
        .shipments
        .iter()
        .flat_map(|shipment| {
            shipment
                .document
                .units
                .iter()
                .filter(|entry| entry.serial == unit.serial)
                .map(move |entry| (shipment, entry))
        })
        .collect();
    match choose(unit, &same_serial, believed) {
        Err(finding) => {
            answers.fail(Question::Listing, finding);
            None
        }
        Ok((shipment, entry)) => {
            if shipment.listing.covers(&entry.part) {
                match known.map(|known| known.completeness) {
                    Some(Completeness::Complete) => {
                        answers.pass(Question::Listing, format!("shipment {}", shipment.document.shipment));
                    }
                    Some(Completeness::Incomplete) => {
                        let expected = "a ledger that two officers declared complete";
                        let finding =
                            Finding::new(Reason::MemoryIncomplete, "ledger", expected, "one that may have forgotten");
                        answers.answer(Question::Listing, Answer::NotRun(finding));
                    }
                    None => answers.not_run(Question::Listing, "the memory"),
                }
            } else {
                answers.fail(Question::Listing, outside_scope(entry.part.as_str(), shipment.listing));
            }
            Some((&shipment.document, entry))
        }
    }
}

fn choose<'b, 'd>(
    unit: &LabelledUnit,
    same_serial: &[(&'b Verified<'d, Shipment>, &'b Unit)],
    believed: &Believed<'_>,
) -> Result<(&'b Verified<'d, Shipment>, &'b Unit), Finding> {
    if same_serial.is_empty() {
        let names: Vec<_> = believed.shipments.iter().map(|shipment| shipment.document.shipment.as_str()).collect();
        let place = format!("shipment {}", names.join(", "));
        let expected = "the serial of the label on it";
        return Err(Finding::new(Reason::SerialNotListed, place, expected, unit.serial.to_string()));
    }
    let fits = |shipment: &Verified<'_, Shipment>, entry| label_fits(unit, &shipment.document, entry, believed);
    let candidates: Vec<_> = same_serial.iter().filter(|(shipment, entry)| fits(shipment, entry)).collect();
    let Some((first, rest)) = candidates.split_first() else {
        let parts: Vec<_> = same_serial.iter().map(|(_, entry)| entry.part.as_str()).collect();
        let stated: Vec<_> = unit.parts.iter().map(Part::as_str).collect();
        let place = format!("shipment entry of serial {}", unit.serial);
        return Err(Finding::new(Reason::PartDiffers, place, parts.join(", "), stated.join(", ")));
    };
    for other in rest {
        let place = format!("serial {}", unit.serial);
        if core::ptr::eq(other.0, first.0) {
            return Err(Finding::new(Reason::SerialListedTwice, place, "one entry", "more in one shipment"));
        }
        let (one, two) = (&first.0.document, &other.0.document);
        if other.1 != first.1 || two.manufacturer != one.manufacturer || two.consignee != one.consignee {
            return Err(Finding::new(Reason::ManifestAmbiguous, place, "one entry", "shipments that disagree"));
        }
    }
    // The narrowest scope counts: a signer that may list the part does not cover for one that may not.
    Ok(**candidates.iter().find(|(shipment, entry)| !shipment.listing.covers(&entry.part)).unwrap_or(first))
}

/// Whether the label's part numbers fit an entry: one of them is the entry's part or an alias that the unit's own
/// release names, and none is the part of other units, as shipments and releases tell. A label without part numbers
/// fits.
fn label_fits(unit: &LabelledUnit, shipment: &Shipment, entry: &Unit, believed: &Believed<'_>) -> bool {
    if unit.parts.is_empty() {
        return true;
    }
    let releases = || believed.releases.iter().map(|known| &known.document);
    // of this maker, name and part: another maker's aliases are no names of this unit
    let of_unit = |known: &&Release| {
        known.release == entry.release
            && known.manufacturer == shipment.manufacturer
            && known.parts.contains(&entry.part)
    };
    let own = |part: &Part| *part == entry.part || releases().filter(of_unit).any(|known| known.aliases.contains(part));
    let foreign = |part: &Part| {
        let shipped = || believed.shipments.iter().flat_map(|shipment| &shipment.document.units);
        !own(part) && (shipped().any(|other| other.part == *part) || releases().any(|known| known.parts.contains(part)))
    };
    unit.parts.iter().any(own) && !unit.parts.iter().any(foreign)
}

fn consignee(shipment: &Shipment, policy: Option<&InForce>, answers: &mut Answers) {
    match policy {
        None => answers.not_run(Question::Consignee, "a policy"),
        Some(policy) if shipment.consignee == *policy.site() => {
            answers.pass(Question::Consignee, shipment.consignee.to_string());
        }
        Some(policy) => {
            let place = format!("shipment {}", shipment.shipment);
            let (expected, found) = (policy.site().to_string(), shipment.consignee.to_string());
            answers.fail(Question::Consignee, Finding::new(Reason::ConsigneeDiffers, place, expected, found));
        }
    }
}

fn condition(dossier: &Dossier, entry: &Unit, answers: &mut Answers) {
    let presented = dossier.inputs().presentation.condition;
    if presented != entry.condition {
        let (expected, found) = (entry.condition.word(), presented.word());
        let place = format!("shipment entry of serial {}", entry.serial);
        answers.fail(Question::Condition, Finding::new(Reason::ConditionDiffers, place, expected, found));
    }
    condition_claimed(dossier, answers);
}

/// A return needs an authorisation; without one on record nobody can say that this unit was ours.
fn condition_claimed(dossier: &Dossier, answers: &mut Answers) {
    match dossier.inputs().presentation.condition {
        Condition::New => answers.pass(Question::Condition, "new"),
        Condition::Returned => {
            let expected = "a return authorisation on record";
            let finding = Finding::new(Reason::IdentityReturnUnknown, "condition", expected, "none");
            answers.fail(Question::Condition, finding);
        }
    }
}

/// The release that the entry names; without an entry, the one release for the part that the label states.
fn release<'b>(
    unit: &LabelledUnit,
    entry: Option<(&Shipment, &Unit)>,
    believed: &'b Believed<'_>,
    answers: &mut Answers,
) -> Option<&'b Release> {
    if believed.releases.is_empty() {
        let finding = Finding::new(Reason::CheckNotRun, Question::Release.word(), "a verified release", "none");
        answers.answer(Question::Release, Answer::NotRun(finding));
        return None;
    }
    let states = |release: &Release| {
        unit.parts.iter().any(|part| release.parts.contains(part) || release.aliases.contains(part))
    };
    let fits = |release: &&Release| match entry {
        Some((_, entry)) => release.release == entry.release && release.parts.contains(&entry.part),
        None => states(release),
    };
    let candidates: Vec<&Release> = believed.releases.iter().map(|known| &known.document).filter(fits).collect();
    let (release, others) = match candidates.split_first() {
        Some(found) => found,
        None => {
            answers.fail(Question::Release, no_release(unit, entry, believed));
            return None;
        }
    };
    if others.iter().any(|other| other != release) {
        let expected = "one release of that name for the part";
        let finding = Finding::new(Reason::ManifestAmbiguous, format!("release {}", release.release), expected, "two");
        answers.fail(Question::Release, finding);
        return None;
    }
    if release.track == Track::Development {
        let place = format!("release {}", release.release);
        answers.fail(Question::Release, Finding::new(Reason::DevelopmentImage, place, "production", "development"));
    }
    if let Some((_, entry)) = entry
        && !release.hardware.contains(&entry.hardware)
    {
        let expected: Vec<_> = release.hardware.iter().map(ToString::to_string).collect();
        let place = format!("release {}", release.release);
        let finding = Finding::new(Reason::HardwareDiffers, place, expected.join(", "), entry.hardware.to_string());
        answers.fail(Question::Release, finding);
    }
    answers.pass(Question::Release, release.release.to_string());
    Some(release)
}

/// Without an entry: the one part of the release, or the only one of them that the label states.
fn part_of<'b>(unit: &LabelledUnit, release: &'b Release) -> Option<&'b Part> {
    if let [only] = release.parts.as_slice() {
        return Some(only);
    }
    let mut stated = release.parts.iter().filter(|part| unit.parts.contains(part));
    stated.next().filter(|_| stated.next().is_none())
}

fn no_release(unit: &LabelledUnit, entry: Option<(&Shipment, &Unit)>, believed: &Believed<'_>) -> Finding {
    let known: Vec<_> = believed.releases.iter().map(|known| known.document.release.as_str()).collect();
    match entry {
        Some((_, entry)) if known.contains(&entry.release.as_str()) => {
            let place = format!("release {}", entry.release);
            Finding::new(Reason::PartDiffers, place, format!("a release for part {}", entry.part), "other parts")
        }
        Some((_, entry)) => {
            Finding::new(Reason::ReleaseDiffers, "releases", entry.release.to_string(), known.join(", "))
        }
        None => {
            let stated: Vec<_> = unit.parts.iter().map(Part::as_str).collect();
            let expected = format!("a release for the part on the label ({})", stated.join(", "));
            Finding::new(Reason::ReleaseDiffers, "releases", expected, known.join(", "))
        }
    }
}

fn manufacturer(matched: &Matched<'_>, answers: &mut Answers) {
    match (matched.entry, matched.release) {
        (Some((shipment, _)), Some(release)) if shipment.manufacturer != release.manufacturer => {
            let (expected, found) = (shipment.manufacturer.to_string(), release.manufacturer.to_string());
            let place = format!("release {}", release.release);
            let finding = Finding::new(Reason::ManufacturerMismatch, place, expected, found);
            answers.fail(Question::Manufacturer, finding);
        }
        (_, Some(release)) => answers.pass(Question::Manufacturer, release.manufacturer.to_string()),
        (_, None) => answers.not_run(Question::Manufacturer, "a release"),
    }
}
