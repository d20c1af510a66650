//! What an entry says to the ledger: the member `record` of its predicate. The rest of the predicate is for people and
//! auditors; this part alone makes facts, claims and custody. The whole predicate is read strictly all the same.

use super::kind::EntryKind;
use ecugate_verifier::documents::document::{self, Document};
use ecugate_verifier::documents::envelope::Envelope;
use ecugate_verifier::documents::founding::{Genesis, MemoryComplete};
use ecugate_verifier::documents::receipt::Receipt;
use ecugate_verifier::documents::record::Contested;
use ecugate_verifier::documents::statement::predicate_type_of;
use ecugate_verifier::inputs::custody::State;
use ecugate_verifier::values::attempt::Environment;
use ecugate_verifier::values::limits::Limits;
use std::collections::BTreeSet;

pub use ecugate_verifier::documents::record::{PartRef, Record, Versions};

/// Begin of the origin of every trial ledger.
pub const TRIAL_ORIGIN: &str = "trial.";

/// An entry as far as this version reads it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Reading {
    /// A kind that is understood.
    Understood(Box<Said>),
    /// Another predicate type: counted in the tree, and called "not understood".
    NotUnderstood(String),
}

/// What an entry says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Said {
    pub(super) kind: EntryKind,
    pub(super) record: Record,
    /// Accepted entries that a verdict contests: each has a *contested* of its own in the same transaction.
    pub(super) contests: Vec<u64>,
    /// What a genesis says of the log.
    pub(super) genesis: Option<Genesis>,
}

impl Reading {
    /// Reads an envelope whose signatures the caller verifies.
    pub(super) fn of(envelope: &Envelope, limits: &Limits) -> Result<Self, String> {
        let predicate_type = predicate_type_of(envelope, limits).map_err(|fault| fault.to_string())?;
        let kind = EntryKind::of_predicate_type(&predicate_type);
        let said = match kind {
            Some(kind @ EntryKind::Verdict) => Said::of_receipt(kind, read(envelope, limits)?)?,
            Some(kind @ EntryKind::Contested) => Said::new(kind, read::<Contested>(envelope, limits)?.record),
            Some(kind @ EntryKind::MemoryComplete) => Said::new(kind, read::<MemoryComplete>(envelope, limits)?.record),
            Some(kind @ EntryKind::Genesis) => {
                let genesis: Genesis = read(envelope, limits)?;
                require_environment(genesis.environment, &genesis.record.origin)?;
                Said { genesis: Some(genesis.clone()), ..Said::new(kind, genesis.record) }
            }
            _ => return Ok(Self::NotUnderstood(predicate_type)),
        };
        said.check()?;
        Ok(Self::Understood(Box::new(said)))
    }
}

impl Said {
    fn new(kind: EntryKind, record: Record) -> Self {
        Self { kind, record, contests: Vec::new(), genesis: None }
    }

    fn of_receipt(kind: EntryKind, receipt: Receipt) -> Result<Self, String> {
        require_environment(receipt.environment, &receipt.record.origin)?;
        if receipt.record.parts.iter().all(|part| part.sha256 != receipt.dossier) {
            return Err("verdict: its dossier is none of its parts".to_owned());
        }
        Ok(Self { contests: receipt.contests, ..Self::new(kind, receipt.record) })
    }

    /// What this kind must and must not say.
    fn check(&self) -> Result<(), String> {
        let (kind, record) = (self.kind, &self.record);
        let (verdict, contested) = (kind == EntryKind::Verdict, kind == EntryKind::Contested);
        let state_fits = match record.state {
            Some(State::Held | State::Accepted | State::Suspect | State::Unproven) => verdict,
            Some(State::Contested) => contested,
            Some(_) => false,
            None => !verdict && !contested,
        };
        let suspect = record.state == Some(State::Suspect);
        let earlier = record.unit.is_none_or(|unit| unit < record.seq);
        let attempt = record.attempt.is_some() && record.evidence.is_some();
        let bare = record.keys.is_empty() && record.versions.is_none();
        let rules = [
            ((kind == EntryKind::Genesis) == (record.seq == 0), "genesis is entry 0 and nothing else is"),
            (state_fits, "its state is not one that this kind gives"),
            (record.unit.is_some() == contested && earlier, "only *contested* names an earlier verdict"),
            (attempt || !(verdict || contested), "it names no attempt or evidence"),
            (verdict || bare, "only a verdict names keys and versions"),
            (suspect || self.contests.is_empty(), "only a suspect contests another unit"),
            (distinct(record.keys.iter()), "it names a key twice"),
            (distinct(record.parts.iter().map(|part| part.sha256)), "it names a part twice"),
        ];
        match rules.into_iter().find(|(holds, _)| !holds) {
            Some((_, rule)) => Err(format!("{}: {rule}", kind.word())),
            None => Ok(()),
        }
    }
}

fn read<D: Document + Clone>(envelope: &Envelope, limits: &Limits) -> Result<D, String> {
    document::read_unverified(envelope, limits).map_err(|fault| fault.to_string())
}

fn require_environment(environment: Environment, origin: &str) -> Result<(), String> {
    if (environment == Environment::Trial) == origin.starts_with(TRIAL_ORIGIN) {
        Ok(())
    } else {
        Err(format!("an entry of {} in the ledger {origin:?}", environment.word()))
    }
}

fn distinct<T: Ord>(mut values: impl Iterator<Item = T>) -> bool {
    let mut seen = BTreeSet::new();
    values.all(|value| seen.insert(value))
}
