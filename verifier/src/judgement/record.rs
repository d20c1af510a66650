//! From a verdict to the receipt that will be signed.

use super::appraisal::Appraisal;
use super::appraisal::answers::Answer;
use super::verdict::Verdict;
use crate::documents::receipt::{AnswerWord, Assurance, CheckLine, Receipt, Version, WaivedLine};
use crate::inputs::custody::Standing;
use crate::inputs::dossier::Dossier;
use crate::inputs::policy::Policy;
use crate::inputs::trust::anchors::Anchors;
use crate::values::digest::Sha256;

/// Writes down one verdict. `encoded` is the digest of the encoded dossier.
#[must_use]
pub fn receipt(dossier: &Dossier, encoded: Sha256, appraisal: &Appraisal, verdict: &Verdict) -> Receipt {
    let inputs = dossier.inputs();
    let (supersedes, contests) = match &appraisal.standing {
        Standing::New | Standing::Recorded(_) => (Vec::new(), Vec::new()),
        Standing::Supersedes(entries) => (entries.clone(), Vec::new()),
        Standing::Refused { contests, .. } => (Vec::new(), contests.clone()),
    };
    Receipt {
        environment: inputs.environment,
        site: inputs.site.clone(),
        attempt: inputs.attempt.clone(),
        at: inputs.now,
        unit: appraisal.unit.clone(),
        condition: inputs.presentation.condition,
        operator: inputs.presentation.operator.clone(),
        order: inputs.presentation.order.clone(),
        ruling: verdict.ruling(),
        findings: verdict.findings().to_vec(),
        assurance: Assurance { identity: appraisal.identity, firmware: appraisal.firmware, minimum: appraisal.minimum },
        checks: appraisal.answers.all().map(|(question, answer)| line(question.word(), answer)).collect(),
        waived: appraisal
            .waived
            .iter()
            .map(|(check, finding)| WaivedLine { check: check.word().to_owned(), finding: finding.clone() })
            .collect(),
        supersedes,
        contests,
        keys: appraisal.keys.clone(),
        anchor_list: match dossier.anchors() {
            Anchors::Listed(set) => Some(Version { version: set.version(), sha256: set.digest() }),
            Anchors::Unavailable(_) => None,
        },
        policy: match dossier.policy() {
            Policy::InForce(policy) => Some(Version { version: policy.version(), sha256: policy.digest() }),
            Policy::Unavailable(_) => None,
        },
        crls: appraisal.crls.clone(),
        releases: appraisal.releases.clone(),
        evidence: inputs.presentation.digest(),
        dossier: encoded,
    }
}

fn line(check: &str, answer: Answer) -> CheckLine {
    let (answer, found, findings) = match answer {
        Answer::Pass(found) => (AnswerWord::Pass, found, Vec::new()),
        Answer::Fail(findings) => (AnswerWord::Fail, String::new(), findings),
        Answer::NotRun(finding) => (AnswerWord::NotRun, String::new(), vec![finding]),
    };
    CheckLine { check: check.to_owned(), answer, found, findings }
}
