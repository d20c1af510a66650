//! Whether the firmware in the unit is what its release says, and whether the readout is of this unit.

use super::answers::{Answer, Answers};
use super::listing::Matched;
use crate::documents::manifest::assurance::Firmware;
use crate::documents::manifest::release::{Component, Held, IdentityField, Release, UniqueArea};
use crate::documents::question::Question;
use crate::inputs::dossier::Dossier;
use crate::inputs::evidence::{Measured, Presented, Readout, component_of};
use crate::inputs::memory::Known;
use crate::syntax::image::{Measurement, Span};
use crate::values::finding::Finding;
use crate::values::reason::Reason;

/// Compares every readout with the release and says how far the firmware is established.
pub(super) fn measure(
    dossier: &Dossier,
    matched: &Matched<'_>,
    known: Option<&Known>,
    owed: bool,
    answers: &mut Answers,
) -> Firmware {
    let readouts = &dossier.inputs().presentation.readouts;
    for readout in readouts {
        if let Measured::Failed(finding) = &readout.result {
            if finding.reason == Reason::ReleaseAbsent && !owed {
                answers.not_run(Question::Firmware, super::NO_UNIT);
            } else {
                answers.fail(Question::Firmware, finding.clone().within(&name_of(readout)));
            }
        }
    }
    let Some(release) = matched.release() else {
        answers.not_run(Question::Firmware, "a release");
        answers.not_run(Question::Binding, "a release");
        answers.not_run(Question::SecurityVersion, "a release");
        return Firmware::NotRead;
    };
    security_versions(release, matched, known, answers);
    if readouts.is_empty() {
        let finding = Finding::new(Reason::FirmwareNotRead, "image", "a readout of the unit", "none");
        answers.answer(Question::Firmware, Answer::NotRun(finding));
        answers.not_run(Question::Binding, "a readout");
        return Firmware::NotRead;
    }
    for readout in readouts.iter().filter(|readout| component_of(release, readout.component.as_ref()).is_none()) {
        let names: Vec<_> = release.components.iter().map(|component| component.name.as_str()).collect();
        let (expected, found) = (names.join(", "), name_of(readout));
        let finding = Finding::new(Reason::ComponentUnknown, format!("release {}", release.release), expected, found);
        answers.fail(Question::Firmware, finding);
    }
    let mut bound = false;
    for component in &release.components {
        bound |= compare_component(component, release, dossier, matched, answers);
    }
    answers.pass(Question::Firmware, format!("{} components equal", release.components.len()));
    if bound {
        answers.pass(Question::Binding, "an identity field names this unit");
    } else {
        let expected = "an identity field in the readout that names this unit";
        let finding = Finding::new(Reason::BindingNotEstablished, "image", expected, "claimed by the operator");
        answers.answer(Question::Binding, Answer::NotRun(finding));
    }
    match (answers.passed(Question::Firmware), answers.passed(Question::Binding)) {
        (false, _) => Firmware::NotRead,
        (true, false) => Firmware::MeasuredUnbound,
        (true, true) => Firmware::Measured,
    }
}

/// One component against all its readouts; whether an identity field of it named this unit.
fn compare_component(
    component: &Component,
    release: &Release,
    dossier: &Dossier,
    matched: &Matched<'_>,
    answers: &mut Answers,
) -> bool {
    let mine = |readout: &&Readout| {
        component_of(release, readout.component.as_ref()).is_some_and(|named| named.name == component.name)
    };
    let readouts: Vec<_> = dossier.inputs().presentation.readouts.iter().filter(mine).collect();
    if readouts.is_empty() {
        let place = format!("component {}", component.name);
        answers.fail(Question::Firmware, Finding::new(Reason::ComponentNotRead, place, "a readout", "none"));
    }
    let mut bound = false;
    for measured in readouts.iter().filter_map(|readout| match &readout.result {
        Measured::Done(measured) => Some(measured.as_ref()),
        Measured::Failed(_) => None,
    }) {
        for finding in differences(component, measured) {
            answers.fail(Question::Firmware, finding);
        }
        for field in &component.identity_fields {
            match compare_field(field, component, measured, dossier, matched) {
                FieldResult::Equal => bound = true,
                FieldResult::NothingToCompare => {}
                FieldResult::Differs(finding) => answers.fail(Question::Binding, finding),
            }
        }
    }
    bound
}

/// Every named digest, and every unit-unique area, that the readout does not have. What was not measured counts as
/// different.
fn differences(component: &Component, measured: &Measurement) -> Vec<Finding> {
    let mut findings = Vec::new();
    if measured.form != component.form {
        let place = format!("component {}", component.name);
        let (expected, found) = (format!("{:?}", component.form), format!("{:?}", measured.form));
        findings.push(Finding::new(Reason::FirmwareDiffers, place, expected, found));
    }
    if let Some(file) = &component.file
        && (file.sha256 != measured.file_sha256 || file.length != measured.file_length)
    {
        let place = format!("component {} file", component.name);
        let expected = format!("sha256 {} of {} bytes", file.sha256, file.length);
        let found = format!("sha256 {} of {} bytes", measured.file_sha256, measured.file_length);
        findings.push(Finding::new(Reason::FirmwareDiffers, place, expected, found));
    }
    for range in &component.ranges {
        let read = measured
            .ranges
            .iter()
            .find(|read| read.span.start == range.start && read.span.end == range.end && read.fill == range.fill);
        let digest = read.and_then(|read| read.sha256);
        if digest == Some(range.sha256) {
            continue;
        }
        let place = format!("component {} {} {:#x} to {:#x}", component.name, range.name, range.start, range.end);
        let found = match (digest, read.and_then(|read| read.first_gap)) {
            (Some(digest), _) => format!("sha256 {digest}"),
            (None, Some(gap)) => format!("nothing at {gap:#x}"),
            (None, None) => "not measured".to_owned(),
        };
        findings.push(Finding::new(Reason::FirmwareDiffers, place, format!("sha256 {}", range.sha256), found));
    }
    findings.extend(component.unique_areas.iter().filter_map(|area| absent(area, component, measured)));
    findings
}

/// An area that every genuine unit has, each with its own contents: a readout that leaves it out hides that the same
/// area was seen before.
fn absent(area: &UniqueArea, component: &Component, measured: &Measurement) -> Option<Finding> {
    let span = Span { start: area.start, end: area.end };
    let read = measured.ranges.iter().find(|read| read.span == span && read.fill.is_none());
    if read.is_some_and(|read| read.sha256.is_some()) {
        return None;
    }
    let place = format!("component {} {} {:#x} to {:#x}", component.name, area.name, area.start, area.end);
    let found = read.and_then(|read| read.first_gap);
    let found = found.map_or_else(|| "not measured".to_owned(), |gap| format!("nothing at {gap:#x}"));
    Some(Finding::new(Reason::FirmwareDiffers, place, "contents at every address", found))
}

enum FieldResult {
    Equal,
    NothingToCompare,
    Differs(Finding),
}

fn compare_field(
    field: &IdentityField,
    component: &Component,
    measured: &Measurement,
    dossier: &Dossier,
    matched: &Matched<'_>,
) -> FieldResult {
    let (what, expected) = match field.holds {
        Held::Serial => {
            let Presented::Parsed(unit) = &dossier.evidence().label else { return FieldResult::NothingToCompare };
            ("serial", unit.serial.to_string())
        }
        Held::HardwareId => {
            let Some(id) = matched.entry().and_then(|(_, entry)| entry.hardware_id.as_ref()) else {
                return FieldResult::NothingToCompare;
            };
            ("hardware id", id.to_string())
        }
    };
    let end = field.start.saturating_add(field.length);
    let bytes = measured
        .fields
        .iter()
        .find(|read| read.span.start == field.start && read.span.end == end)
        .and_then(|read| read.bytes.as_deref());
    let found = bytes.and_then(|bytes| field.encoding.read(bytes));
    if found.as_deref() == Some(expected.as_str()) {
        return FieldResult::Equal;
    }
    let found = match (found, bytes) {
        (Some(text), _) => text,
        (None, Some(bytes)) => format!("bytes {}", crate::values::digest::hex::encode(bytes)),
        (None, None) => "nothing there".to_owned(),
    };
    let place = format!("component {} {what} at {:#x}", component.name, field.start);
    FieldResult::Differs(Finding::new(Reason::IdentityFieldDiffers, place, expected, found))
}

/// A release that is older, in the sense of security, than one already seen for this part is a rollback.
fn security_versions(release: &Release, matched: &Matched<'_>, known: Option<&Known>, answers: &mut Answers) {
    let Some(known) = known else {
        answers.not_run(Question::SecurityVersion, "the memory");
        return;
    };
    let Some(part) = matched.part() else {
        let expected = format!("one part of release {}", release.release);
        let finding =
            Finding::new(Reason::LabelAmbiguous, "label", expected, "several, or a number that stands for all");
        answers.answer(Question::SecurityVersion, Answer::NotRun(finding));
        return;
    };
    for component in &release.components {
        let seen = known.releases.iter().filter(|seen| {
            seen.manufacturer == release.manufacturer && seen.part == *part && seen.component == component.name
        });
        if let Some(seen) = seen.map(|seen| seen.security_version).max()
            && component.security_version < seen
        {
            let place = format!("component {}", component.name);
            let expected = format!("security version {seen} or higher");
            let found = component.security_version.to_string();
            let finding = Finding::new(Reason::SecurityVersionRolledBack, place, expected, found);
            answers.fail(Question::SecurityVersion, finding);
        }
    }
    answers.pass(Question::SecurityVersion, "not below what was seen");
}

fn name_of(readout: &Readout) -> String {
    readout.component.as_ref().map_or_else(|| "image".to_owned(), |name| format!("image of {name}"))
}
