//! What an entry says to the ledger: when, by which attempt, about which unit, with which blobs.
//!
//! A verdict says it with its receipt. Every other kind that this version writes says it with an [`Act`].

use super::kind::EntryKind;
use super::parts::PartRef;
use ecugate_verifier::documents::document;
use ecugate_verifier::documents::envelope::Envelope;
use ecugate_verifier::documents::receipt::{Receipt, Ruling};
use ecugate_verifier::documents::statement::{STATEMENT_TYPE, Subject, predicate_type_of};
use ecugate_verifier::inputs::custody::State;
use ecugate_verifier::syntax::json;
use ecugate_verifier::values::attempt::{Attempt, Environment};
use ecugate_verifier::values::digest::Sha256;
use ecugate_verifier::values::ident::{Name, UnitKey};
use ecugate_verifier::values::limits::Limits;
use ecugate_verifier::values::time::Time;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// Begin of the origin of every trial ledger.
const TRIAL_ORIGIN: &str = "trial.";

/// The predicate of genesis, document, contested and memory-complete.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Act {
    /// Name of the log. With `seq` it ties the entry to its place: a copy of it elsewhere, in another ledger or later
    /// in this one, is refused.
    pub origin: String,
    /// Its number in the log.
    pub seq: u64,
    /// When it was made.
    pub at: Time,
    /// For people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub remark: Option<String>,
    /// The blobs stored with the entry, each once.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub parts: Vec<PartRef>,
    /// *contested* only: the accepted verdict whose unit may not move.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unit: Option<u64>,
    /// *genesis* only: the keys of the log.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub keys: Option<GenesisKeys>,
}

/// The keys that a genesis names.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GenesisKeys {
    /// The log's verifier key, in text form.
    pub log: String,
    /// SHA-256 of the SubjectPublicKeyInfo of each station key.
    pub stations: Vec<Sha256>,
    /// Standby keys on a second token, by the same digest. Empty where there is none.
    pub standby: Vec<Sha256>,
}

impl Act {
    /// An act that says no more than where and when.
    #[must_use]
    pub fn new(origin: &str, seq: u64, at: Time) -> Self {
        Self { origin: origin.to_owned(), seq, at, remark: None, parts: Vec::new(), unit: None, keys: None }
    }

    /// The statement to be signed. Its one subject is the predicate itself.
    ///
    /// # Errors
    /// Why a reader would refuse it.
    pub fn payload(&self, kind: EntryKind) -> Result<Vec<u8>, String> {
        self.check(kind)?;
        let statement = Statement {
            statement_type: STATEMENT_TYPE.to_owned(),
            subject: vec![self.subject()?],
            predicate_type: kind.predicate_type(),
            predicate: self.clone(),
        };
        serde_json::to_vec(&statement).map_err(|error| error.to_string())
    }

    fn subject(&self) -> Result<Subject, String> {
        let text = serde_json::to_vec(self).map_err(|error| error.to_string())?;
        Ok(Subject { name: Name::new("act").map_err(|fault| fault.to_string())?, digest: Sha256::of(&text) })
    }

    fn read(kind: EntryKind, envelope: &Envelope, limits: &Limits) -> Result<Self, String> {
        let statement: Statement = json::read(envelope.payload(), limits).map_err(|fault| fault.to_string())?;
        let act = statement.predicate;
        act.check(kind)?;
        if statement.subject != [act.subject()?] {
            return Err("its subject is not its predicate".to_owned());
        }
        Ok(act)
    }

    /// What this kind must and must not say.
    fn check(&self, kind: EntryKind) -> Result<(), String> {
        let (genesis, contested) = (kind == EntryKind::Genesis, kind == EntryKind::Contested);
        let rules = [
            (genesis == (self.seq == 0), "genesis is entry 0 and nothing else is"),
            (genesis == self.keys.is_some(), "genesis names keys and nothing else does"),
            (contested == self.unit.is_some(), "*contested* names a unit and nothing else does"),
            (self.unit.is_none_or(|unit| unit < self.seq), "it names a unit that comes after it"),
            (distinct(self.parts.iter().map(|part| part.sha256)), "it names a part twice"),
        ];
        first_broken(kind, &rules)
    }
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Statement {
    #[serde(rename = "_type")]
    statement_type: String,
    subject: Vec<Subject>,
    #[serde(rename = "predicateType")]
    predicate_type: String,
    predicate: Act,
}

/// What follows from an entry, whichever way it says it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Effects {
    /// Where it says that it stands, if its kind says so.
    pub(super) place: Option<(String, u64)>,
    pub(super) at: Time,
    pub(super) attempt: Option<Attempt>,
    pub(super) evidence: Option<Sha256>,
    /// Where the unit of this verdict stands from here on.
    pub(super) state: Option<State>,
    /// Earlier verdicts whose units may not move from here on.
    pub(super) contests: Vec<u64>,
    pub(super) keys: Vec<UnitKey>,
    pub(super) parts: Vec<PartRef>,
    /// The index of the verdict's dossier, which names further parts.
    pub(super) dossier: Option<Sha256>,
    /// Kind, name and number of each piece of trust data that was used.
    pub(super) versions: Vec<(&'static str, String, u64)>,
    pub(super) genesis: Option<GenesisKeys>,
}

/// An entry as far as this version reads it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Reading {
    /// A kind that is understood.
    Understood(EntryKind, Box<Effects>),
    /// Another predicate type: counted in the tree, and called "not understood".
    NotUnderstood(String),
}

impl Reading {
    /// Reads an envelope whose signatures the caller verifies.
    pub(super) fn of(envelope: &Envelope, origin: &str, limits: &Limits) -> Result<Self, String> {
        let predicate_type = predicate_type_of(envelope, limits).map_err(|fault| fault.to_string())?;
        let effects = match EntryKind::of_predicate_type(&predicate_type).filter(|kind| kind.is_understood()) {
            None => return Ok(Self::NotUnderstood(predicate_type)),
            Some(kind @ EntryKind::Verdict) => {
                let receipt: Receipt =
                    document::read_unverified(envelope, limits).map_err(|fault| fault.to_string())?;
                (kind, Effects::of_receipt(receipt, origin)?)
            }
            Some(kind) => (kind, Effects::of_act(Act::read(kind, envelope, limits)?)),
        };
        Ok(Self::Understood(effects.0, Box::new(effects.1)))
    }
}

impl Effects {
    /// Whether the entry claims this key for ever.
    pub(super) fn claims(&self, key: &UnitKey) -> bool {
        self.state == Some(State::Accepted) && key.kind.claims()
    }

    fn of_receipt(receipt: Receipt, origin: &str) -> Result<Self, String> {
        let state = match receipt.ruling {
            Ruling::Accept => Some(State::Accepted),
            Ruling::Suspect => Some(State::Suspect),
            Ruling::Unproven => Some(State::Unproven),
            Ruling::HoldPassing | Ruling::HoldPerson => Some(State::Held),
            Ruling::NotGated => None,
        };
        let rules = [
            (
                (receipt.environment == Environment::Trial) == origin.starts_with(TRIAL_ORIGIN),
                "a trial verdict stands in a trial ledger and a production verdict does not",
            ),
            (distinct(receipt.keys.iter()), "it names a key twice"),
            (distinct(receipt.contests.iter()), "it contests a unit twice"),
            (state == Some(State::Suspect) || receipt.contests.is_empty(), "only a suspect contests another unit"),
        ];
        first_broken(EntryKind::Verdict, &rules)?;
        let versions = versions(&receipt);
        Ok(Self {
            place: None,
            at: receipt.at,
            attempt: Some(receipt.attempt),
            evidence: Some(receipt.evidence),
            state,
            contests: receipt.contests,
            // Nothing was judged of a part that is not gated, so nothing is remembered of it.
            keys: if state.is_some() { receipt.keys } else { Vec::new() },
            parts: Vec::new(),
            dossier: Some(receipt.dossier),
            versions,
            genesis: None,
        })
    }

    pub(super) fn of_act(act: Act) -> Self {
        Self {
            place: Some((act.origin, act.seq)),
            at: act.at,
            attempt: None,
            evidence: None,
            state: None,
            contests: act.unit.into_iter().collect(),
            keys: Vec::new(),
            parts: act.parts,
            dossier: None,
            versions: Vec::new(),
            genesis: act.keys,
        }
    }
}

fn versions(receipt: &Receipt) -> Vec<(&'static str, String, u64)> {
    let mut versions = Vec::new();
    versions.extend(receipt.anchor_list.map(|list| ("anchor-list", String::new(), list.version)));
    versions.extend(receipt.policy.map(|policy| ("policy", String::new(), policy.version)));
    versions.extend(receipt.crls.iter().map(|crl| {
        let millis = u64::try_from(crl.this_update.unix_millis()).unwrap_or_default();
        ("crl", crl.issuer_key.to_string(), millis)
    }));
    versions.extend(receipt.releases.iter().map(|release| {
        let name = format!("{}\u{1f}{}\u{1f}{}", release.manufacturer, release.part, release.component);
        ("release", name, release.security_version)
    }));
    versions
}

fn first_broken(kind: EntryKind, rules: &[(bool, &str)]) -> Result<(), String> {
    match rules.iter().find(|(holds, _)| !holds) {
        Some((_, rule)) => Err(format!("{}: {rule}", kind.word())),
        None => Ok(()),
    }
}

fn distinct<T: Ord>(mut values: impl Iterator<Item = T>) -> bool {
    let mut seen = BTreeSet::new();
    values.all(|value| seen.insert(value))
}
