//! The appraisal: every question about one dossier, each answered. Pure and infallible: a failed check is a finding,
//! never an error, and what could not be asked is *not run*, which never counts as passed.

pub mod answers;

mod documents;

mod listing;

mod firmware;

mod identity;

use crate::documents::manifest::assurance::{Firmware, Identity, Minimum};
use crate::documents::policy_text::{GateRule, Waivable};
use crate::documents::question::Question;
use crate::documents::receipt::UnitName;
use crate::inputs::custody::Standing;
use crate::inputs::dossier::{Dossier, Environment};
use crate::inputs::evidence::Presented;
use crate::inputs::memory::{CrlSeen, Known, Memory, ReleaseSeen};
use crate::inputs::policy::{InForce, Policy};
use crate::inputs::trust::anchors::Anchors;
use crate::syntax::label::{self, LabelledUnit};
use crate::values::finding::Finding;
use crate::values::ident::{Part, UnitKey};
use crate::values::limits::Limits;
use crate::values::reason::Reason;
use crate::values::time::Time;
use answers::{Answer, Answers};

/// How far the clock may stand behind the last entry: the spread of two stations that agree.
const CLOCK_SLACK_MILLIS: i64 = 2_000;

/// What is wanting where the label names no unit and nothing was presented with it.
const NO_UNIT: &str = "a label that names one unit";

/// Everything that one appraisal found. Made by [`appraise`] alone: to hold one is the proof that some dossier gives
/// these answers. What the dossier took for true (its authority, token and memory) is not proven by it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Appraisal {
    pub(super) environment: Environment,
    pub(super) answers: Answers,
    pub(super) gate: GateRule,
    pub(super) unit: UnitName,
    pub(super) identity: Identity,
    pub(super) firmware: Firmware,
    pub(super) minimum: Minimum,
    pub(super) keys: Vec<UnitKey>,
    pub(super) standing: Standing,
    pub(super) waived: Vec<(Waivable, Finding)>,
    pub(super) crls: Vec<CrlSeen>,
    pub(super) releases: Vec<ReleaseSeen>,
}

/// Appraises a dossier with the caps of [`Limits::STANDARD`].
#[must_use]
pub fn appraise(dossier: &Dossier) -> Appraisal {
    let limits = &Limits::STANDARD;
    let mut answers = Answers::default();
    let known = memory(dossier, &mut answers);
    clock(dossier, known, limits, &mut answers);
    anchors(dossier, &mut answers);
    let policy = policy(dossier, &mut answers);
    let label = label_of(dossier, &mut answers);
    // Papers are found by the label: where it names no unit, nobody can say that the supplier owes any.
    let owed = label.is_some() || !dossier.evidence().manifests.is_empty();
    papers(dossier, owed, &mut answers);

    let believed = documents::believe(dossier, policy, known, limits, owed, &mut answers);
    let matched = listing::find(dossier, policy, known, label.as_ref(), &believed, &mut answers);
    let firmware = firmware::measure(dossier, &matched, known, owed, &mut answers);
    let identity = identity::judge(dossier, known, label.as_ref(), &matched, limits, &mut answers);
    let gate = gate(policy, label.as_ref(), &matched);
    let minimum = minimum(policy, label.as_ref(), &matched);
    identity::minima(dossier, policy, minimum, identity.level, firmware, &mut answers);

    let (unit, releases) = (unit_name(label.as_ref(), &matched), matched.teaches());

    Appraisal {
        environment: dossier.inputs().environment,
        gate,
        unit,
        identity: identity.level,
        firmware,
        minimum,
        keys: identity.keys,
        standing: identity.standing,
        waived: believed.waived,
        crls: believed.crls,
        releases,
        answers,
    }
}

impl Appraisal {
    /// Trial or production.
    #[must_use]
    pub const fn environment(&self) -> Environment {
        self.environment
    }

    /// Every question with its answer.
    #[must_use]
    pub const fn answers(&self) -> &Answers {
        &self.answers
    }

    /// Whether the gate applies.
    #[must_use]
    pub const fn gate(&self) -> GateRule {
        self.gate
    }

    /// The unit, as far as it is known.
    #[must_use]
    pub const fn unit(&self) -> &UnitName {
        &self.unit
    }

    /// How its identity was established.
    #[must_use]
    pub const fn identity(&self) -> Identity {
        self.identity
    }

    /// How its firmware was established.
    #[must_use]
    pub const fn firmware(&self) -> Firmware {
        self.firmware
    }

    /// The least of both that an accept needs.
    #[must_use]
    pub const fn minimum(&self) -> Minimum {
        self.minimum
    }

    /// The keys under which this unit is remembered, from verified documents.
    #[must_use]
    pub fn keys(&self) -> &[UnitKey] {
        &self.keys
    }

    /// What the memory makes of it.
    #[must_use]
    pub const fn standing(&self) -> &Standing {
        &self.standing
    }

    /// What the policy waived, and what that check would have said.
    #[must_use]
    pub fn waived(&self) -> &[(Waivable, Finding)] {
        &self.waived
    }

    /// What a recorded verdict teaches the memory: CRLs that were used.
    #[must_use]
    pub fn crls(&self) -> &[CrlSeen] {
        &self.crls
    }

    /// What a recorded verdict teaches the memory: security versions.
    #[must_use]
    pub fn releases(&self) -> &[ReleaseSeen] {
        &self.releases
    }
}

fn memory<'d>(dossier: &'d Dossier, answers: &mut Answers) -> Option<&'d Known> {
    match &dossier.inputs().memory {
        Memory::Known(known) => {
            answers.pass(Question::Memory, format!("{} entries", known.size));
            Some(known)
        }
        Memory::Unavailable(finding) => {
            answers.fail(Question::Memory, finding.clone());
            None
        }
    }
}

/// The clock is held against what was signed before: not behind the last entry or the newest CRL that any verdict used,
/// and not far ahead of the last entry. (Anchor list and policy are held against it where they are read.)
fn clock(dossier: &Dossier, known: Option<&Known>, limits: &Limits, answers: &mut Answers) {
    let now = dossier.inputs().now;
    let Some(known) = known else { return answers.not_run(Question::Clock, "the memory") };
    let newest = known.crls.iter().map(|crl| crl.this_update).max();
    let least = [(known.last, "the last entry"), (newest, "the newest CRL")];
    let behind = |time: &Time| now.unix_millis() < time.unix_millis().saturating_sub(CLOCK_SLACK_MILLIS);
    let behind = least.into_iter().find_map(|(time, what)| Some((time.filter(behind)?, what)));
    let ahead = known.last.map(|last| (last, last.unix_millis().saturating_add(limits.clock_ahead_millis)));
    match (behind, ahead) {
        (Some((time, what)), _) => {
            let expected = format!("{time} ({what}) or later");
            answers.fail(Question::Clock, Finding::new(Reason::ClockBehind, "clock", expected, now.to_string()));
        }
        (None, Some((last, most))) if now.unix_millis() > most => {
            let expected = format!("at most a day after {last} (the last entry)");
            answers.fail(Question::Clock, Finding::new(Reason::ClockAhead, "clock", expected, now.to_string()));
        }
        _ => answers.pass(Question::Clock, now.to_string()),
    }
}

fn anchors(dossier: &Dossier, answers: &mut Answers) {
    match dossier.anchors() {
        Anchors::Listed(set) => {
            let (listed, unlisted) = (set.anchors().len(), set.unlisted().len());
            let found =
                format!("{listed} listed, {unlisted} on the token and not listed, list version {}", set.version());
            answers.pass(Question::Anchors, found);
        }
        Anchors::Unavailable(finding) => answers.fail(Question::Anchors, finding.clone()),
    }
}

fn policy<'d>(dossier: &'d Dossier, answers: &mut Answers) -> Option<&'d InForce> {
    match dossier.policy() {
        Policy::InForce(policy) => {
            answers.pass(Question::Policy, format!("version {}", policy.version()));
            Some(policy)
        }
        Policy::Unavailable(finding) => {
            answers.fail(Question::Policy, finding.clone());
            None
        }
    }
}

/// What could not be read is never dropped: one malformed paper beside good ones keeps the unit out.
fn papers(dossier: &Dossier, owed: bool, answers: &mut Answers) {
    let evidence = dossier.evidence();
    let mut findings: Vec<Finding> = evidence.excess.iter().chain(&evidence.unreadable).cloned().collect();
    findings.extend(documents::malformed(evidence));
    if evidence.manifests.is_empty() && owed {
        findings.push(Finding::new(Reason::ManifestAbsent, "manifests", "a release and a shipment", "none"));
    }
    if findings.is_empty() && !owed {
        answers.not_run(Question::Papers, NO_UNIT);
    } else if findings.is_empty() {
        answers.pass(Question::Papers, format!("{} manifests", evidence.manifests.len()));
    } else {
        answers.answer(Question::Papers, Answer::Fail(findings));
    }
}

fn label_of(dossier: &Dossier, answers: &mut Answers) -> Option<LabelledUnit> {
    let evidence = dossier.evidence();
    let unit = match &evidence.label {
        Presented::Absent => Err(Finding::new(Reason::LabelMissing, "label", "a scanned label", "none")),
        Presented::Malformed(finding) => Err(finding.clone()),
        Presented::Parsed(unit) => match &evidence.housing_label {
            Presented::Absent => Ok(unit.clone()),
            Presented::Malformed(finding) => Err(finding.clone().within("housing label")),
            Presented::Parsed(housing) => label::agree(unit, housing).map_err(|fault| fault.finding()),
        },
    };
    match unit {
        Ok(unit) => {
            answers.pass(Question::Label, format!("serial {}", unit.serial));
            Some(unit)
        }
        Err(finding) => {
            answers.fail(Question::Label, finding);
            None
        }
    }
}

/// Whether the gate applies. *Not gated* only where every part number on the label, and the part that the documents
/// give, belongs to such a family; *observed* as soon as one of them does. A label may state other numbers, or none.
fn gate(policy: Option<&InForce>, label: Option<&LabelledUnit>, matched: &listing::Matched<'_>) -> GateRule {
    let (Some(policy), Some(unit)) = (policy, label) else { return GateRule::Gated };
    let rule_is = |wanted: GateRule| move |part: &Part| policy.gate(part) == wanted;
    let mut parts = unit.parts.iter().chain(matched.part());
    if parts.clone().any(rule_is(GateRule::Observed)) {
        GateRule::Observed
    } else if !unit.parts.is_empty() && parts.all(rule_is(GateRule::NotGated)) {
        GateRule::NotGated
    } else {
        GateRule::Gated
    }
}

/// The stricter of policy and release; of all parts where the part is not established.
fn minimum(policy: Option<&InForce>, label: Option<&LabelledUnit>, matched: &listing::Matched<'_>) -> Minimum {
    let strictest = Minimum { identity: Identity::DeviceKey, firmware: Firmware::Measured };
    let Some(policy) = policy else { return strictest };
    let stated = match (matched.part(), label) {
        (Some(part), _) => policy.minimum(part),
        (None, Some(unit)) => {
            unit.parts.iter().map(|part| policy.minimum(part)).fold(policy.minimum_of_unknown(), Minimum::and)
        }
        (None, None) => policy.minimum_of_unknown(),
    };
    matched.release().map_or(stated, |release| stated.and(release.minimum))
}

fn unit_name(label: Option<&LabelledUnit>, matched: &listing::Matched<'_>) -> UnitName {
    let stated = label.and_then(|unit| match unit.parts.as_slice() {
        [only] => Some(only.clone()),
        _ => None,
    });
    UnitName {
        manufacturer: matched.manufacturer().cloned(),
        part: matched.part().cloned().or(stated),
        serial: label.map(|unit| unit.serial.clone()),
    }
}
