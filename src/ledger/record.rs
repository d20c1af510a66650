//! What an entry says to the ledger: the member `record` of its predicate. The rest of the predicate is for people and
//! auditors; this part alone makes facts, claims and custody.

use super::kind::EntryKind;
use ecugate_verifier::documents::envelope::Envelope;
use ecugate_verifier::documents::statement::predicate_type_of;
use ecugate_verifier::inputs::custody::{Attempt, State};
use ecugate_verifier::inputs::memory::{CrlSeen, ReleaseSeen};
use ecugate_verifier::syntax::json;
use ecugate_verifier::values::digest::Sha256;
use ecugate_verifier::values::ident::UnitKey;
use ecugate_verifier::values::limits::Limits;
use ecugate_verifier::values::time::Time;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// The ledger's part of a predicate.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Record {
    /// Name of the log. With `seq` it ties the entry to its place: a copy of it elsewhere, in another ledger or later
    /// in this one, is refused.
    pub origin: String,
    /// Its number in the log.
    pub seq: u64,
    /// When it was made.
    pub time: Time,
    /// The attempt that made it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub attempt: Option<Attempt>,
    /// Digest of what was presented.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub evidence: Option<Sha256>,
    /// Where the unit stands from here on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub state: Option<State>,
    /// The earlier verdict whose unit `state` is about; absent where the entry is itself the verdict.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unit: Option<u64>,
    /// Every key under which the unit is remembered, each once.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub keys: Vec<UnitKey>,
    /// The blobs stored with the entry, each once.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub parts: Vec<PartRef>,
    /// The trust data that the verdict used, so that older ones are never used again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub versions: Option<Versions>,
}

/// A blob by its digest.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PartRef {
    /// SHA-256 of its bytes.
    pub sha256: Sha256,
    /// What it is.
    pub media_type: String,
}

/// Versions of trust data.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Versions {
    /// Of the anchor list.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub anchor_list: Option<u64>,
    /// Of the policy.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub policy: Option<u64>,
    /// The newest CRL of each issuer.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub crls: Vec<CrlSeen>,
    /// The releases.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub releases: Vec<ReleaseSeen>,
}

/// An entry as far as this version reads it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Reading {
    /// A kind that is understood.
    Understood(EntryKind, Box<Record>),
    /// Another predicate type: counted in the tree, and called "not understood".
    NotUnderstood(String),
}

impl Reading {
    /// Reads an envelope whose signatures the caller verifies.
    pub(super) fn of(envelope: &Envelope, limits: &Limits) -> Result<Self, String> {
        let predicate_type = predicate_type_of(envelope, limits).map_err(|fault| fault.to_string())?;
        let Some(kind) = EntryKind::of_predicate_type(&predicate_type).filter(|kind| kind.is_understood()) else {
            return Ok(Self::NotUnderstood(predicate_type));
        };
        let statement = json::parse(envelope.payload(), limits).map_err(|fault| fault.to_string())?;
        let record = statement
            .member("predicate")
            .and_then(|predicate| predicate.member("record"))
            .ok_or("the predicate has no member \"record\"")?;
        let record: Record = json::from_json(record.clone()).map_err(|fault| fault.to_string())?;
        record.check(kind)?;
        Ok(Self::Understood(kind, Box::new(record)))
    }
}

impl Record {
    /// A record that says no more than where and when.
    #[must_use]
    pub fn new(origin: &str, seq: u64, time: Time) -> Self {
        Self {
            origin: origin.to_owned(),
            seq,
            time,
            attempt: None,
            evidence: None,
            state: None,
            unit: None,
            keys: Vec::new(),
            parts: Vec::new(),
            versions: None,
        }
    }

    /// What this kind must and must not say.
    fn check(&self, kind: EntryKind) -> Result<(), String> {
        let verdict = matches!(kind, EntryKind::Verdict | EntryKind::LateHold);
        let contested = kind == EntryKind::Contested;
        let state_fits = match self.state {
            Some(State::Held) => verdict,
            Some(State::Accepted | State::Suspect | State::Unproven) => kind == EntryKind::Verdict,
            Some(State::Contested) => contested,
            Some(_) => false,
            None => !verdict && !contested,
        };
        let earlier = self.unit.is_none_or(|unit| unit < self.seq);
        let needs_attempt = verdict || contested;
        let rules = [
            ((kind == EntryKind::Genesis) == (self.seq == 0), "genesis is entry 0 and nothing else is"),
            (state_fits, "its state is not one that this kind gives"),
            (self.unit.is_some() == contested && earlier, "only *contested* names an earlier verdict"),
            (!needs_attempt || (self.attempt.is_some() && self.evidence.is_some()), "it names no attempt or evidence"),
            (verdict || (self.keys.is_empty() && self.versions.is_none()), "only a verdict names keys and versions"),
            (distinct(self.keys.iter()), "it names a key twice"),
            (distinct(self.parts.iter().map(|part| part.sha256)), "it names a part twice"),
        ];
        match rules.into_iter().find(|(holds, _)| !holds) {
            Some((_, rule)) => Err(format!("{}: {rule}", kind.word())),
            None => Ok(()),
        }
    }
}

fn distinct<T: Ord>(mut values: impl Iterator<Item = T>) -> bool {
    let mut seen = BTreeSet::new();
    values.all(|value| seen.insert(value))
}
