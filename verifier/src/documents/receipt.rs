//! The receipt: the signed statement of one verdict.
//!
//! A receipt without its inclusion proof is nothing: only what the ledger holds under a checkpoint was recorded.

use super::document::Document;
use super::manifest::assurance::{Firmware, Identity, Minimum};
use super::manifest::shipment::Condition;
use super::policy_text::Waivable;
use super::question::Question;
use super::record::{Record, State};
use super::statement::Predicate;
use crate::values::attempt::Environment;
use crate::values::digest::Sha256;
use crate::values::finding::Finding;
use crate::values::ident::{Manufacturer, Name, Part, Serial};
use crate::values::limits::Limits;
use crate::values::reason::{Class, Reason};

/// The predicate of a receipt.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Receipt {
    /// What the ledger reads: place, time, attempt, evidence, state, keys, parts, versions.
    pub record: Record,
    /// Trial or production.
    pub environment: Environment,
    /// The site's id.
    pub site: Name,
    /// The unit, as far as it is known.
    pub unit: UnitName,
    /// In what condition it was presented.
    pub condition: Condition,
    /// Who held the box: a claim.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub operator: Option<Name>,
    /// The order: a claim.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub order: Option<Name>,
    /// What becomes of it.
    pub ruling: Ruling,
    /// Every reason, worst first. Empty for an accept.
    pub findings: Vec<Finding>,
    /// How identity and firmware were established.
    pub assurance: Assurance,
    /// Every check, also those that did not run.
    pub checks: Vec<CheckLine>,
    /// What the policy waived, with what that check would have said.
    pub waived: Vec<WaivedLine>,
    /// Earlier entries, of holds and missing papers, that this one supersedes.
    pub supersedes: Vec<u64>,
    /// Accepted entries that this one contests.
    pub contests: Vec<u64>,
    /// The anchor list that was used.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub anchor_list: Option<Version>,
    /// The policy that was used.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub policy: Option<Version>,
    /// SHA-256 of the dossier's index, from which the verdict can be reached again.
    pub dossier: Sha256,
}

/// The unit, as far as it is known.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct UnitName {
    /// From verified documents.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub manufacturer: Option<Manufacturer>,
    /// From verified documents; else what the label states, if it states one part.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub part: Option<Part>,
    /// From the label.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub serial: Option<Serial>,
}

/// Both axes, and what they had to reach.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Assurance {
    /// How the identity was established.
    pub identity: Identity,
    /// How the firmware was established.
    pub firmware: Firmware,
    /// The least of both.
    pub minimum: Minimum,
}

/// One check of the appraisal.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CheckLine {
    /// Which question.
    pub check: Question,
    /// Its answer.
    pub answer: AnswerWord,
    /// What was found, where it passed.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub found: String,
    /// Why not, where it did not.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub findings: Vec<Finding>,
}

/// The answer to a check.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum AnswerWord {
    /// Yes.
    Pass,
    /// No.
    Fail,
    /// Could not be asked.
    NotRun,
}

impl AnswerWord {
    /// The word on screens.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Pass => "pass",
            Self::Fail => "fail",
            Self::NotRun => "not run",
        }
    }
}

/// One waived check.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WaivedLine {
    /// Which check.
    pub check: Waivable,
    /// What it would have said.
    pub finding: Finding,
}

/// A document of the authority, by version and digest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Version {
    /// Its version.
    pub version: u64,
    /// SHA-256 of its envelope.
    pub sha256: Sha256,
}

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

    /// The ruling of this word, if there is one.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        [Self::Accept, Self::NotGated, Self::HoldPassing, Self::HoldPerson, Self::Unproven, Self::Suspect]
            .into_iter()
            .find(|ruling| ruling.word() == word)
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

    /// Where a unit stands after this ruling, as far as it is recorded.
    #[must_use]
    pub const fn state(self) -> Option<State> {
        match self {
            Self::Accept => Some(State::Accepted),
            Self::NotGated => None,
            Self::HoldPassing | Self::HoldPerson => Some(State::Held),
            Self::Unproven => Some(State::Unproven),
            Self::Suspect => Some(State::Suspect),
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

impl Predicate for Receipt {
    const TYPE: &'static str = "urn:ecugate:verdict:v1";
}

impl Document for Receipt {
    fn subjects(&self) -> Vec<(String, Sha256)> {
        vec![("dossier".to_owned(), self.dossier)]
    }

    fn fault(&self, _limits: &Limits) -> Option<Finding> {
        let worst = self.findings.iter().map(|finding| Ruling::of(finding.reason.class())).max();
        let agrees = match (self.ruling, worst) {
            (Ruling::Accept, None) => true,
            (Ruling::NotGated, _) => self.findings.iter().all(|finding| finding.reason == Reason::PartNotGated),
            (ruling, Some(worst)) => ruling == worst,
            (_, None) => false,
        };
        if self.record.state != self.ruling.state() {
            let expected = format!("the state of ruling {}", self.ruling.word());
            let found = self.record.state.map_or("none", State::word);
            return Some(Finding::new(Reason::JsonValue, "predicate.record.state", expected, found));
        }
        if !agrees {
            let expected = "the ruling that its worst finding gives";
            return Some(Finding::new(Reason::JsonValue, "predicate.ruling", expected, self.ruling.word()));
        }
        self.checks_fault()
    }
}

impl Receipt {
    /// The ruling is held against the answers too, so that no accept says of itself that a check failed or did not
    /// run: every check stands there once, and what keeps the unit out stands among the findings.
    fn checks_fault(&self) -> Option<Finding> {
        let wrong = |place: &str, expected: &str, found: String| {
            Some(Finding::new(Reason::JsonValue, format!("predicate.{place}"), expected, found))
        };
        if !self.checks.iter().map(|line| line.check).eq(Question::ALL) {
            let words: Vec<_> = self.checks.iter().map(|line| line.check.word()).collect();
            return wrong("checks", "each check once, in their order", words.join(", "));
        }
        let Assurance { identity, firmware, minimum } = self.assurance;
        let is_gated = self.ruling != Ruling::NotGated;
        for (n, line) in self.checks.iter().enumerate() {
            let explained = match line.answer {
                AnswerWord::Pass => line.findings.is_empty(),
                AnswerWord::Fail => true,
                AnswerWord::NotRun => line.findings.len() == 1,
            };
            if !explained {
                let found = format!("{} with {} findings", line.answer.word(), line.findings.len());
                return wrong(&format!("checks[{n}]"), "a pass without findings, or not run with one", found);
            }
            let keeps_out = match line.answer {
                AnswerWord::Pass => false,
                AnswerWord::Fail => true,
                AnswerWord::NotRun => line.check.is_required(minimum),
            };
            let told = !self.findings.is_empty() && line.findings.iter().all(|finding| self.findings.contains(finding));
            if is_gated && keeps_out && !told {
                let found = format!("{}: {}", line.check.word(), line.answer.word());
                return wrong("findings", "what every check that keeps the unit out found", found);
            }
        }
        let reached = identity >= minimum.identity && firmware >= minimum.firmware;
        if self.ruling == Ruling::Accept && !reached {
            let expected = "the minimum of both axes";
            return wrong("assurance", expected, format!("{}, {}", identity.word(), firmware.word()));
        }
        None
    }
}
