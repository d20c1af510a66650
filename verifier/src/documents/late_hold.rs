//! A hold that could not be recorded when it was said, entered when the ledger was there again.
//!
//! The box was held at once and got a numbered tag; the journal kept the hold until this entry stood.

use super::document::Document;
use super::receipt::UnitName;
use super::record::{Record, State};
use super::statement::Predicate;
use crate::values::attempt::Environment;
use crate::values::digest::Sha256;
use crate::values::finding::Finding;
use crate::values::ident::Name;
use crate::values::limits::Limits;
use crate::values::reason::{Class, Reason};
use crate::values::time::Time;

/// The predicate of a late hold.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LateHold {
    /// Place, attempt, evidence, keys. Its time is when it was entered; its state is *held*.
    pub record: Record,
    /// Trial or production.
    pub environment: Environment,
    /// The site's id.
    pub site: Name,
    /// The number on the tag of the box: `H-000419`.
    pub tag: Name,
    /// When the box was held.
    pub held: Time,
    /// The unit, as far as it was known.
    pub unit: UnitName,
    /// Who held the box: a claim.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub operator: Option<Name>,
    /// The order: a claim.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub order: Option<Name>,
    /// Why it was held, worst first: one reason or more, and none that says anything about the unit.
    pub findings: Vec<Finding>,
    /// SHA-256 of the journal's line, so that journal and ledger can be held against each other.
    pub journal: Sha256,
}

impl Predicate for LateHold {
    const TYPE: &'static str = "urn:ecugate:late-hold:v1";
}

impl Document for LateHold {
    fn subjects(&self) -> Vec<(String, Sha256)> {
        vec![self.record.place_subject()]
    }

    fn fault(&self, _limits: &Limits) -> Option<Finding> {
        let wrong = |place: &str, expected: &str, found: String| {
            Some(Finding::new(Reason::JsonValue, format!("predicate.{place}"), expected, found))
        };
        if self.record.state != Some(State::Held) {
            let found = self.record.state.map_or("none", State::word);
            return wrong("record.state", State::Held.word(), found.to_owned());
        }
        if self.held > self.record.time {
            return wrong("held", "a time up to that of the entry", self.held.to_string());
        }
        if self.findings.is_empty() {
            return wrong("findings", "one reason or more", "none".to_owned());
        }
        let of_the_unit = |finding: &&Finding| matches!(finding.reason.class(), Class::Contradicts | Class::Absent);
        self.findings.iter().find(of_the_unit).and_then(|finding| {
            let expected = "reasons that say nothing about the unit: it was held";
            wrong("findings", expected, finding.reason.code().to_owned())
        })
    }
}
