//! What an entry says to the ledger: the member `record` of its predicate. The rest of the predicate is for people and
//! auditors; this part alone makes facts, claims and custody. The whole predicate is read strictly all the same.

use super::kind::EntryKind;
use ecugate_verifier::documents::admission::{Admitted, Redeemed, RedemptionConfirmed};
use ecugate_verifier::documents::change::{ClockStep, KeyChange, PolicyChange, TrustChange};
use ecugate_verifier::documents::document::{self, Document};
use ecugate_verifier::documents::document_seen::DocumentSeen;
use ecugate_verifier::documents::envelope::Envelope;
use ecugate_verifier::documents::founding::{Genesis, MemoryComplete};
use ecugate_verifier::documents::late_hold::LateHold;
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
    /// What it says beyond its record, as far as the ledger holds it against other entries.
    pub(super) more: More,
}

/// What an entry says beyond its record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum More {
    /// Nothing that concerns other entries.
    Nothing,
    /// A genesis: whose log this is.
    Genesis(Box<Genesis>),
    /// A verdict: accepted entries that it contests. Each has a *contested* of its own in the same transaction.
    Contests(Vec<u64>),
    /// A *contested*: the verdict that contests.
    Contested { by: u64 },
    /// An admission, which names the accept's envelope.
    Admitted(Box<Admitted>),
    /// A redemption, which names its admission.
    Redeemed(Box<Redeemed>),
    /// A confirmation, which names its redemption.
    Confirmed(Box<RedemptionConfirmed>),
    /// The keys that take over.
    KeyChange(Box<KeyChange>),
    /// The latest time before a clock step.
    ClockStep(Box<ClockStep>),
}

impl Reading {
    /// Reads an envelope whose signatures the caller verifies.
    pub(super) fn of(envelope: &Envelope, limits: &Limits) -> Result<Self, String> {
        // Parsed once where it is what it says at first sight: whatever is read as a kind is held to the type of that kind.
        if let Some(kind) = kind_at_first_sight(envelope.payload())
            && let Ok(said) = Said::read(kind, envelope, limits)
        {
            return Ok(Self::Understood(Box::new(said)));
        }
        let predicate_type = predicate_type_of(envelope, limits).map_err(|fault| fault.to_string())?;
        match EntryKind::of_predicate_type(&predicate_type).filter(|kind| kind.is_understood()) {
            Some(kind) => Ok(Self::Understood(Box::new(Said::read(kind, envelope, limits)?))),
            None => Ok(Self::NotUnderstood(predicate_type)),
        }
    }
}

/// The kind that a payload seems to be of, to be believed by nobody.
fn kind_at_first_sight(payload: &[u8]) -> Option<EntryKind> {
    let (_, text) = core::str::from_utf8(payload).ok()?.split_once(r#""predicateType":""#)?;
    let (predicate_type, _) = text.split_once('"')?;
    EntryKind::of_predicate_type(predicate_type).filter(|kind| kind.is_understood())
}

impl Said {
    fn read(kind: EntryKind, envelope: &Envelope, limits: &Limits) -> Result<Self, String> {
        let (record, more) = match kind {
            EntryKind::Genesis => {
                let genesis: Genesis = read(envelope, limits)?;
                require_environment(genesis.environment, &genesis.record.origin)?;
                (genesis.record.clone(), More::Genesis(Box::new(genesis)))
            }
            EntryKind::Verdict => {
                let receipt: Receipt = read(envelope, limits)?;
                require_environment(receipt.environment, &receipt.record.origin)?;
                if receipt.record.parts.iter().all(|part| part.sha256 != receipt.dossier) {
                    return Err("verdict: its dossier is none of its parts".to_owned());
                }
                (receipt.record, More::Contests(receipt.contests))
            }
            EntryKind::LateHold => {
                let hold: LateHold = read(envelope, limits)?;
                require_environment(hold.environment, &hold.record.origin)?;
                (hold.record, More::Nothing)
            }
            EntryKind::Admitted => {
                let admitted: Admitted = read(envelope, limits)?;
                require_environment(admitted.environment, &admitted.record.origin)?;
                (admitted.record.clone(), More::Admitted(Box::new(admitted)))
            }
            EntryKind::Redeemed => {
                let redeemed: Redeemed = read(envelope, limits)?;
                (redeemed.record.clone(), More::Redeemed(Box::new(redeemed)))
            }
            EntryKind::RedemptionConfirmed => {
                let confirmed: RedemptionConfirmed = read(envelope, limits)?;
                (confirmed.record.clone(), More::Confirmed(Box::new(confirmed)))
            }
            EntryKind::KeyChange => {
                let change: KeyChange = read(envelope, limits)?;
                (change.record.clone(), More::KeyChange(Box::new(change)))
            }
            EntryKind::ClockStep => {
                let step: ClockStep = read(envelope, limits)?;
                (step.record.clone(), More::ClockStep(Box::new(step)))
            }
            EntryKind::Contested => {
                let contested: Contested = read(envelope, limits)?;
                (contested.record, More::Contested { by: contested.by })
            }
            EntryKind::Document => (read::<DocumentSeen>(envelope, limits)?.record, More::Nothing),
            EntryKind::TrustChange => (read::<TrustChange>(envelope, limits)?.record, More::Nothing),
            EntryKind::PolicyChange => (read::<PolicyChange>(envelope, limits)?.record, More::Nothing),
            EntryKind::MemoryComplete => (read::<MemoryComplete>(envelope, limits)?.record, More::Nothing),
            other => return Err(format!("{} is not read by this version", other.word())),
        };
        let said = Self { kind, record, more };
        said.check()?;
        Ok(said)
    }

    /// What this kind must and must not say.
    fn check(&self) -> Result<(), String> {
        let (kind, record) = (self.kind, &self.record);
        let verdict = kind == EntryKind::Verdict;
        let arrived = matches!(kind, EntryKind::Verdict | EntryKind::LateHold);
        let of_a_unit = matches!(
            kind,
            EntryKind::Contested | EntryKind::Admitted | EntryKind::Redeemed | EntryKind::RedemptionConfirmed
        );
        let attempted = arrived || kind == EntryKind::Contested;
        let versioned = matches!(kind, EntryKind::Verdict | EntryKind::TrustChange | EntryKind::PolicyChange);
        let state_fits = match record.state {
            Some(State::Accepted | State::Suspect | State::Unproven) => verdict,
            Some(State::Held) => arrived,
            Some(State::Contested) => kind == EntryKind::Contested,
            Some(State::Redeemed) => kind == EntryKind::Redeemed,
            Some(_) => false,
            None => !(arrived || matches!(kind, EntryKind::Contested | EntryKind::Redeemed)),
        };
        let contests_nobody = match &self.more {
            More::Contests(contests) => contests.is_empty(),
            _ => true,
        };
        let suspect = record.state == Some(State::Suspect);
        let earlier = record.unit.is_none_or(|unit| unit < record.seq);
        let attempt = record.attempt.is_some() && record.evidence.is_some();
        let no_attempt = record.attempt.is_none() && record.evidence.is_none();
        let rules = [
            ((kind == EntryKind::Genesis) == (record.seq == 0), "genesis is entry 0 and nothing else is"),
            (state_fits, "its state is not one that this kind gives"),
            (
                record.unit.is_some() == of_a_unit && earlier,
                "it names an earlier verdict, or does not, against its kind",
            ),
            (
                if attempted { attempt } else { no_attempt },
                "it names an attempt and evidence, or does not, against its kind",
            ),
            (arrived || record.keys.is_empty(), "only an arrival names keys"),
            (versioned || record.versions.is_none(), "only what uses or changes trust data names versions"),
            (suspect || contests_nobody, "only a suspect contests another unit"),
            (distinct(record.keys.iter()), "it names a key twice"),
            (distinct(record.parts.iter().map(|part| part.sha256)), "it names a part twice"),
        ];
        match rules.into_iter().find(|(holds, _)| !holds) {
            Some((_, rule)) => Err(format!("{}: {rule}", kind.word())),
            None => Ok(()),
        }
    }

    /// Accepted entries that a verdict contests.
    pub(super) fn contests(&self) -> &[u64] {
        match &self.more {
            More::Contests(contests) => contests,
            _ => &[],
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
