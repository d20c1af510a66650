//! What an entry says to the ledger: the member `record` of its predicate. The rest of the predicate is for people and
//! auditors; this part alone makes facts, claims and custody.

use super::kind::EntryKind;
use ecugate_verifier::documents::envelope::Envelope;
use ecugate_verifier::documents::statement::predicate_type_of;
use ecugate_verifier::inputs::custody::State;
use ecugate_verifier::syntax::json;
use ecugate_verifier::values::limits::Limits;
use std::collections::BTreeSet;

pub use ecugate_verifier::documents::record::{PartRef, Record, Versions};

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
        check(&record, kind)?;
        Ok(Self::Understood(kind, Box::new(record)))
    }
}

/// What this kind must and must not say.
fn check(record: &Record, kind: EntryKind) -> Result<(), String> {
    let verdict = matches!(kind, EntryKind::Verdict | EntryKind::LateHold);
    let contested = kind == EntryKind::Contested;
    let state_fits = match record.state {
        Some(State::Held) => verdict,
        Some(State::Accepted | State::Suspect | State::Unproven) => kind == EntryKind::Verdict,
        Some(State::Contested) => contested,
        Some(_) => false,
        None => !verdict && !contested,
    };
    let earlier = record.unit.is_none_or(|unit| unit < record.seq);
    let needs_attempt = verdict || contested;
    let rules = [
        ((kind == EntryKind::Genesis) == (record.seq == 0), "genesis is entry 0 and nothing else is"),
        (state_fits, "its state is not one that this kind gives"),
        (record.unit.is_some() == contested && earlier, "only *contested* names an earlier verdict"),
        (!needs_attempt || (record.attempt.is_some() && record.evidence.is_some()), "it names no attempt or evidence"),
        (verdict || (record.keys.is_empty() && record.versions.is_none()), "only a verdict names keys and versions"),
        (distinct(record.keys.iter()), "it names a key twice"),
        (distinct(record.parts.iter().map(|part| part.sha256)), "it names a part twice"),
    ];
    match rules.into_iter().find(|(holds, _)| !holds) {
        Some((_, rule)) => Err(format!("{}: {rule}", kind.word())),
        None => Ok(()),
    }
}

fn distinct<T: Ord>(mut values: impl Iterator<Item = T>) -> bool {
    let mut seen = BTreeSet::new();
    values.all(|value| seen.insert(value))
}
