//! One line: a JSON object that names the line before it by its digest, and what it says: one statement, or several of
//! boxes that were at the gate at once.

use super::tag::Tag;
use ecugate_verifier::documents::receipt::UnitName;
use ecugate_verifier::syntax::json;
use ecugate_verifier::values::attempt::{Attempt, Nonce};
use ecugate_verifier::values::digest::Sha256;
use ecugate_verifier::values::finding::Finding;
use ecugate_verifier::values::ident::{Name, UnitKey};
use ecugate_verifier::values::limits::Limits;
use ecugate_verifier::values::time::Time;

/// The form of the journal. Another one is not read.
pub(super) const FORMAT: &str = "urn:ecugate:journal:v1";

/// Every cap of a line is one of a document.
const LIMITS_OF_A_LINE: Limits = Limits::STANDARD;

/// One line.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Line {
    /// SHA-256 of the line before, without its newline; before the first line of all, of [`FORMAT`].
    pub(super) before: Sha256,
    /// What it says, in order.
    pub(super) says: Vec<Says>,
}

/// What a line says.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Says {
    /// A segment begins.
    Begins(Begins),
    /// An attempt begins. At the head of a segment: it began in an earlier one and is still open.
    Began(Began),
    /// Another gate goes on with an attempt, whose gate no longer lives.
    Resumed(Resumed),
    /// A box is held, and the ledger could not record it.
    Held(Held),
    /// At the head of a segment: a hold of an earlier one that is not entered yet.
    Carried(Carried),
    /// A hold stands in the ledger.
    Entered(Entered),
    /// The outcome of an attempt was shown.
    Ended(Ended),
}

/// The first line of a segment.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Begins {
    pub(super) format: String,
    pub(super) segment: u64,
    /// The tag of the next hold.
    pub(super) next_tag: Tag,
    /// How many of the next lines carry over what is still open.
    pub(super) carries: u64,
}

#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Began {
    pub(super) attempt: Attempt,
    /// Digest of everything that it is judged by.
    pub(super) evidence: Sha256,
    /// Digest of what came with the box alone.
    pub(super) presented: Sha256,
    pub(super) time: Time,
    /// The gate that works on it.
    pub(super) gate: Nonce,
}

#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Resumed {
    pub(super) attempt: Attempt,
    pub(super) evidence: Sha256,
    pub(super) time: Time,
    pub(super) gate: Nonce,
}

/// A hold that the ledger could not record.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Hold {
    /// The attempt.
    pub attempt: Attempt,
    /// Digest of what was presented.
    pub evidence: Sha256,
    /// When it was held.
    pub time: Time,
    /// Why, worst first.
    pub findings: Vec<Finding>,
    /// The keys under which the unit is remembered, from verified documents.
    pub keys: Vec<UnitKey>,
    /// The unit, as far as it is known.
    pub unit: UnitName,
    /// Who held the box: a claim.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub operator: Option<Name>,
    /// The order: a claim.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub order: Option<Name>,
}

#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Held {
    /// The number on the tag of the box.
    pub(super) tag: Tag,
    pub(super) hold: Box<Hold>,
}

#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Carried {
    /// SHA-256 of the line that said it first.
    pub(super) line: Sha256,
    pub(super) tag: Tag,
    pub(super) hold: Box<Hold>,
}

#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Entered {
    pub(super) tag: Tag,
    /// The entry of the ledger.
    pub(super) seq: u64,
}

#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Ended {
    pub(super) attempt: Attempt,
    pub(super) evidence: Sha256,
}

/// Why a line cannot be written so that it can be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum LineFault {
    #[error("{0}")]
    Unwritable(String),
    #[error("it would be read as something else")]
    Ambiguous,
}

impl Line {
    /// The line as it is written, without its newline. A line that could not be read back would stop the site: it is
    /// never written.
    pub(super) fn encode(&self) -> Result<Vec<u8>, LineFault> {
        let text = serde_json::to_vec(self).map_err(|error| LineFault::Unwritable(error.to_string()))?;
        match Self::decode(&text) {
            Ok(read) if read == *self => Ok(text),
            Ok(_) => Err(LineFault::Ambiguous),
            Err(why) => Err(LineFault::Unwritable(why)),
        }
    }

    /// Reads a line: strictly, and in its one spelling.
    pub(super) fn decode(text: &[u8]) -> Result<Self, String> {
        let line: Self = json::read(text, &LIMITS_OF_A_LINE).map_err(|fault| {
            let finding = fault.finding();
            format!("{}: {} {}", finding.reason, finding.place, finding.found).trim_end().to_owned()
        })?;
        match serde_json::to_vec(&line) {
            Ok(written) if written == text => Ok(line),
            _ => Err("another spelling than that of the gate".to_owned()),
        }
    }
}
