//! The verdict: what follows from an appraisal. Accept only if every required question was answered with yes.

use super::appraisal::Appraisal;
use super::appraisal::answers::Answer;
use crate::documents::policy_text::GateRule;
pub use crate::documents::receipt::Ruling;
use crate::values::finding::Finding;
use crate::values::reason::Reason;

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
                // a failure that says nothing is a failure
                Answer::Fail(found) if found.is_empty() => {
                    findings.push(Finding::new(
                        Reason::CheckNotRun,
                        question.word(),
                        "an answer",
                        "a failure unexplained",
                    ));
                }
                Answer::Fail(found) => findings.extend(found),
                Answer::NotRun(found) => {
                    if question.is_required(appraisal.minimum) {
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
            (core::cmp::Reverse(ruling), follows(finding.reason))
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

/// Reasons that only follow from others: they keep a unit out and explain nothing.
#[must_use]
pub const fn follows(reason: Reason) -> bool {
    matches!(reason, Reason::CheckNotRun | Reason::IdentityBelowMinimum)
}

#[cfg(test)]
mod tests;
