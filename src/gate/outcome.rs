//! What came of an arrival.

use crate::ledger::Recorded;
use ecugate_verifier::documents::receipt::{Receipt, Ruling};
use ecugate_verifier::values::finding::Finding;
use ecugate_verifier::values::ident::Name;
use ecugate_verifier::values::reason::{Class, Reason};
use ecugate_verifier::values::time::Time;

/// What came of an arrival. Only [`Outcome::Accepted`] may enter inventory.
#[must_use]
#[derive(Clone, Debug)]
pub enum Outcome {
    /// Accepted, recorded, the checkpoint read back.
    Accepted(Box<RecordedVerdict>),
    /// Quarantined, and recorded.
    Quarantined(Box<RecordedVerdict>),
    /// Held, and recorded.
    Held(Box<RecordedVerdict>),
    /// The gate does not apply to this part: nothing was judged, nothing was recorded, nothing is admitted.
    NotGated(Box<Judgement>),
    /// The verdict could not be recorded: a hold, whatever it was.
    NotRecorded {
        /// What the verdict would have been. It counts for nothing.
        judgement: Box<Judgement>,
        /// Why it could not be recorded, and why it has no tag where it has none: one finding or more.
        findings: Vec<Finding>,
        /// The number for the box: the journal keeps the hold under it until the ledger has it. `None`: nothing keeps
        /// it.
        tag: Option<Name>,
        /// The entry of the ledger under which the hold was entered since.
        late: Option<u64>,
        /// When the attempt began whose hold this is, where it was held before and is asked for again.
        resumed: Option<Time>,
    },
    /// The verdict is committed, and its checkpoint was not read back: ask again before you act.
    NotConfirmed {
        /// The verdict.
        judgement: Box<Judgement>,
        /// Its entry.
        seq: u64,
        /// What kept the checkpoint from being read back.
        finding: Finding,
    },
}

/// Whether an outcome reached somebody.
#[must_use]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Handover {
    /// A person saw it, or it stands where a crash cannot take it away: the attempt is over.
    Done,
    /// Nobody knows of it: the same box presented again gets it.
    Failed,
}

/// A verdict before it is recorded.
#[derive(Clone, Debug)]
pub struct Judgement {
    pub(super) receipt: Receipt,
}

impl Judgement {
    /// What it says.
    #[must_use]
    pub const fn receipt(&self) -> &Receipt {
        &self.receipt
    }
}

/// A verdict that stands in the ledger under a checkpoint. Made by the gate alone, after that checkpoint was read
/// back: nobody else can make an [`Outcome::Accepted`].
#[derive(Clone, Debug)]
pub struct RecordedVerdict {
    pub(super) receipt: Receipt,
    pub(super) envelope: Vec<u8>,
    pub(super) recorded: Recorded,
    pub(super) resumed: Option<Time>,
}

impl RecordedVerdict {
    /// What it says.
    #[must_use]
    pub const fn receipt(&self) -> &Receipt {
        &self.receipt
    }

    /// The signed receipt.
    #[must_use]
    pub fn envelope(&self) -> &[u8] {
        &self.envelope
    }

    /// Where it stands.
    #[must_use]
    pub const fn recorded(&self) -> &Recorded {
        &self.recorded
    }

    /// Whether it was recorded before this box was presented: it is the record of an attempt that was never shown, or
    /// that the caller asks for again by its number.
    ///
    /// It then is the record of *one* box. Whoever has a box with this label on the shelf already holds a second one.
    #[must_use]
    pub const fn is_resumed(&self) -> bool {
        self.resumed.is_some()
    }

    /// When the attempt began whose record this is, where it was recorded before.
    #[must_use]
    pub const fn resumed(&self) -> Option<Time> {
        self.resumed
    }
}

impl Outcome {
    /// The exit status of `ecugate receive`.
    #[must_use]
    pub fn exit_status(&self) -> u8 {
        match self {
            // Variant and ruling must both say accept, so that no mistake above turns anything else into 0.
            Self::Accepted(verdict) => verdict.receipt.ruling.exit_status(),
            Self::Quarantined(verdict) | Self::Held(verdict) => kept_out_status(verdict.receipt.ruling),
            Self::NotGated(_) => Ruling::NotGated.exit_status(),
            Self::NotRecorded { findings, .. } => held_status(findings),
            Self::NotConfirmed { .. } => 30,
        }
    }

    /// What was judged.
    #[must_use]
    pub const fn receipt(&self) -> &Receipt {
        match self {
            Self::Accepted(verdict) | Self::Quarantined(verdict) | Self::Held(verdict) => &verdict.receipt,
            Self::NotGated(judgement) | Self::NotRecorded { judgement, .. } | Self::NotConfirmed { judgement, .. } => {
                &judgement.receipt
            }
        }
    }

    /// Every reason once, worst first; before them what kept the verdict from being recorded or confirmed. Empty for an
    /// accept alone.
    #[must_use]
    pub fn findings(&self) -> Vec<Finding> {
        let mut all = match self {
            Self::NotRecorded { findings, .. } => findings.clone(),
            Self::NotConfirmed { finding, seq, .. } => {
                let found = format!("{}: {}", finding.reason, finding.found);
                let place = format!("entry {seq}");
                vec![Finding::new(Reason::NotConfirmed, place, "a checkpoint that was read back", found)]
            }
            _ => Vec::new(),
        };
        for finding in &self.receipt().findings {
            if !all.contains(finding) {
                all.push(finding.clone());
            }
        }
        all
    }

    /// The record, where there is one under a checkpoint.
    #[must_use]
    pub const fn recorded(&self) -> Option<&RecordedVerdict> {
        match self {
            Self::Accepted(verdict) | Self::Quarantined(verdict) | Self::Held(verdict) => Some(verdict),
            Self::NotGated(_) | Self::NotRecorded { .. } | Self::NotConfirmed { .. } => None,
        }
    }
}

/// The status of a verdict under which a box stays out, whatever ruling somebody put into it.
const fn kept_out_status(ruling: Ruling) -> u8 {
    match ruling {
        Ruling::Accept => Ruling::HoldPerson.exit_status(),
        other => other.exit_status(),
    }
}

/// The status of something that kept the gate from deciding: 20 if it may pass by itself, 21 if not.
pub(super) const fn hold_status(finding: &Finding) -> u8 {
    match finding.reason.class() {
        Class::Passing => Ruling::HoldPassing.exit_status(),
        _ => Ruling::HoldPerson.exit_status(),
    }
}

/// The status of a hold that was not recorded: 20 only if all that keeps it may pass by itself.
fn held_status(findings: &[Finding]) -> u8 {
    findings.iter().map(hold_status).max().unwrap_or_else(|| Ruling::HoldPerson.exit_status())
}

#[cfg(test)]
mod tests {
    use super::{Finding, Reason, Ruling, held_status, kept_out_status};

    #[test]
    fn a_hold_without_a_record_may_pass_only_if_all_of_its_reasons_may() {
        let status = |reasons: &[Reason]| held_status(&reasons.iter().copied().map(Finding::bare).collect::<Vec<_>>());
        assert_eq!(status(&[Reason::LedgerBusy]), 20);
        assert_eq!(status(&[Reason::LedgerBusy, Reason::JournalUnusable]), 21);
        assert_eq!(status(&[Reason::TokenAbsent, Reason::JournalBusy]), 21);
        assert_eq!(status(&[]), 21);
    }

    #[test]
    fn attack_57_a_box_that_is_kept_out_has_never_status_0() {
        assert_eq!(kept_out_status(Ruling::Accept), 21);
        assert_eq!(kept_out_status(Ruling::Suspect), 10);
        assert_eq!(kept_out_status(Ruling::Unproven), 11);
        assert_eq!(kept_out_status(Ruling::HoldPassing), 20);
    }
}
