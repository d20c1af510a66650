//! Attempts in the journal: begun before a box is judged, ended when its outcome was shown; and holds that the journal
//! keeps because the ledger cannot have them.

use super::judging::Recordable;
use super::open::Inner;
use super::outcome::Outcome;
use crate::journal::{Begun, Digests, Hold, Journal, JournalFault, Tag, Wanted};
use ecugate_verifier::documents::receipt::Receipt;
use ecugate_verifier::values::attempt::Attempt;
use ecugate_verifier::values::finding::Finding;
use ecugate_verifier::values::ident::Name;
use ecugate_verifier::values::reason::{Class, Reason};
use ecugate_verifier::values::time::Time;

/// Findings of one hold that the journal keeps.
const FINDINGS: usize = 32;

/// An attempt in progress. Dropped without [`Working::end`] it stays open: the same box presented again goes on with it.
pub(super) struct Working<'g> {
    journal: &'g Journal,
    pub(super) begun: Begun,
}

impl Drop for Working<'_> {
    fn drop(&mut self) {
        self.journal.let_go(&self.begun.attempt, self.begun.evidence);
    }
}

impl Working<'_> {
    pub(super) const fn attempt(&self) -> &Attempt {
        &self.begun.attempt
    }

    /// The outcome was shown: nobody goes on with it any more.
    pub(super) fn end(self) -> Result<(), JournalFault> {
        self.journal.end(&self.begun.attempt, self.begun.evidence)
    }
}

impl Inner {
    /// Begins an attempt, or goes on with one, durably.
    pub(super) fn work_on(&self, wanted: &Wanted, digests: Digests, now: Time) -> Result<Working<'_>, JournalFault> {
        let begun = self.journal.begin(wanted, digests, now)?;
        Ok(Working { journal: &self.journal, begun })
    }

    /// Keeps a hold until the ledger can have it. Where the journal cannot keep it either, the box has no tag.
    pub(super) fn keep(&self, working: &Working<'_>, judged: &Recordable, why: Finding) -> Outcome {
        let judgement = judged.judgement(self.site.origin().as_str());
        let receipt = judgement.receipt();
        let hold = Hold {
            attempt: working.attempt().clone(),
            evidence: working.begun.evidence,
            time: receipt.record.time,
            findings: findings_of_a_hold(&why, receipt),
            // Of verified documents alone: what an unverified one claims would be remembered against another unit.
            keys: receipt.record.keys.clone(),
            unit: receipt.unit.clone(),
            operator: receipt.operator.clone(),
            order: receipt.order.clone(),
        };
        let kept = self.journal.hold(hold).map_err(Finding::from).and_then(tag_name);
        let (tag, untagged) = match kept {
            Ok(tag) => (Some(tag), None),
            Err(finding) => (None, Some(finding)),
        };
        let findings = std::iter::once(why).chain(untagged).collect();
        Outcome::NotRecorded { judgement, findings, tag, late: None, resumed: None }
    }
}

pub(super) fn tag_name(tag: Tag) -> Result<Name, Finding> {
    tag.name().map_err(|fault| Finding::new(Reason::JournalDiffers, "tag", "a name", fault.to_string()))
}

/// What a hold says: why it is one, and whatever else kept the gate from deciding. Nothing that speaks against the unit:
/// that was not recorded, and is found again when the box is judged.
fn findings_of_a_hold(why: &Finding, receipt: &Receipt) -> Vec<Finding> {
    let speaks_of_the_unit = |finding: &Finding| matches!(finding.reason.class(), Class::Contradicts | Class::Absent);
    let first = if speaks_of_the_unit(why) {
        let found = format!("{}: {}", why.reason, why.found);
        Finding::new(Reason::LedgerEntryUnfit, why.place.as_str(), why.expected.as_str(), found)
    } else {
        why.clone()
    };
    let others = receipt.findings.iter().filter(|finding| !speaks_of_the_unit(finding) && **finding != first);
    let others: Vec<Finding> = others.take(FINDINGS).cloned().collect();
    std::iter::once(first).chain(others).collect()
}
