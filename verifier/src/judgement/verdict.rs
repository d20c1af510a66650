//! The verdict: what follows from an appraisal. Accept only if every required question was answered with yes.

use super::appraisal::answers::Answer;
use super::appraisal::question::Question;
use super::appraisal::Appraisal;
use crate::documents::manifest::assurance::{Firmware, Identity};
use crate::documents::policy_text::GateRule;
use crate::values::finding::Finding;
use crate::values::reason::{Class, Reason};

/// What becomes of the box. Ordered from good to worst; the worst finding decides.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Ruling {
    /// May enter inventory, once this is recorded and its checkpoint read back.
    Accept,
    /// The gate does not apply to this part: nothing was judged, nothing is admitted.
    NotGated,
    /// Could not decide; may pass by itself.
    HoldPassing,
    /// Could not decide; a person must act.
    HoldPerson,
    /// Required evidence is missing. Says nothing bad about the unit.
    Unproven,
    /// Evidence contradicts.
    Suspect,
}

impl Ruling {
    /// The word in receipts and JSON.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Accept => "accept",
            Self::NotGated => "not-gated",
            Self::HoldPassing => "hold-passing",
            Self::HoldPerson => "hold-person",
            Self::Unproven => "unproven",
            Self::Suspect => "suspect",
        }
    }

    /// The outcome word: `accept`, `quarantine`, `hold` or `not-gated`.
    #[must_use]
    pub const fn outcome(self) -> &'static str {
        match self {
            Self::Accept => "accept",
            Self::NotGated => "not-gated",
            Self::HoldPassing | Self::HoldPerson => "hold",
            Self::Unproven | Self::Suspect => "quarantine",
        }
    }

    /// The exit status. Only 0 may enter inventory.
    #[must_use]
    pub const fn exit_status(self) -> u8 {
        match self {
            Self::Accept => 0,
            Self::Suspect => 10,
            Self::Unproven => 11,
            Self::NotGated => 12,
            Self::HoldPassing => 20,
            Self::HoldPerson => 21,
        }
    }

    /// What a finding of this class makes of a unit. No class makes an accept.
    #[must_use]
    pub const fn of(class: Class) -> Self {
        match class {
            Class::Contradicts => Self::Suspect,
            Class::Absent => Self::Unproven,
            Class::Passing => Self::HoldPassing,
            Class::Stuck | Class::Unreadable | Class::Usage => Self::HoldPerson,
        }
    }
}

/// The verdict on one unit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verdict {
    ruling: Ruling,
    findings: Vec<Finding>,
}

impl Verdict {
    /// Reaches the verdict that follows from an appraisal.
    #[must_use]
    pub fn reach(appraisal: &Appraisal) -> Self {
        if appraisal.gate == GateRule::NotGated {
            let finding = Finding::bare(Reason::PartNotGated);
            return Self { ruling: Ruling::NotGated, findings: vec![finding] };
        }
        let mut findings = Vec::new();
        for (question, answer) in appraisal.answers.all() {
            match answer {
                Answer::Pass(_) => {}
                Answer::Fail(found) => findings.extend(found),
                Answer::NotRun(found) => {
                    if required(question, appraisal) {
                        findings.push(found);
                    }
                }
            }
        }
        if appraisal.gate == GateRule::Observed {
            findings.push(Finding::bare(Reason::PartObserved));
        }
        // Worst first; among equals in the order of the questions. A check that did not run explains nothing.
        findings.sort_by_key(|finding| {
            let ruling = Ruling::of(finding.reason.class());
            (core::cmp::Reverse(ruling), finding.reason == Reason::CheckNotRun)
        });
        findings.dedup();
        let ruling = findings.first().map_or(Ruling::Accept, |worst| Ruling::of(worst.reason.class()));
        Self { ruling, findings }
    }

    /// What becomes of the box.
    #[must_use]
    pub const fn ruling(&self) -> Ruling {
        self.ruling
    }

    /// Every finding, worst first.
    #[must_use]
    pub fn findings(&self) -> &[Finding] {
        &self.findings
    }

    /// The reason that stands on the screen: the first of the worst.
    #[must_use]
    pub fn reason(&self) -> Option<Reason> {
        self.findings.first().map(|finding| finding.reason)
    }
}

/// Whether an accept needs this question to be answered with yes. Signature, scope and sightings always; what belongs
/// to an axis only as far as the minimum of that axis reaches.
fn required(question: Question, appraisal: &Appraisal) -> bool {
    match question {
        Question::ShipmentSigner | Question::Listing | Question::Consignee => {
            appraisal.minimum.identity >= Identity::Listed
        }
        Question::Firmware => appraisal.minimum.firmware > Firmware::NotRead,
        Question::Binding => appraisal.minimum.firmware >= Firmware::Measured,
        _ => true,
    }
}
