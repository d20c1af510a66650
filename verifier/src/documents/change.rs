//! What officers change at a site: its trust, its policy, its keys, its clock. The ledger takes such an entry only with
//! the signatures of as many officers as the authority demands.

use super::document::Document;
use super::record::Record;
use super::statement::Predicate;
use crate::values::digest::Sha256;
use crate::values::finding::Finding;
use crate::values::ident::Name;
use crate::values::limits::Limits;
use crate::values::reason::Reason;
use crate::values::time::Time;
use std::collections::BTreeSet;

/// A new anchor list is in force. Its record names the version, and holds the envelope as a part.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TrustChange {
    /// Its place.
    pub record: Record,
    /// The site's id.
    pub site: Name,
    /// SHA-256 of the list's envelope.
    pub anchor_list: Sha256,
    /// What changed, and why.
    pub ground: String,
}

/// A new policy is in force. Its record names the version, and holds the envelope as a part.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PolicyChange {
    /// Its place.
    pub record: Record,
    /// The site's id.
    pub site: Name,
    /// SHA-256 of the policy's envelope.
    pub policy: Sha256,
    /// What changed, and why.
    pub ground: String,
}

/// The standby keys take over: the log goes on under its name, and the keys before sign nothing after this entry.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KeyChange {
    /// Its place.
    pub record: Record,
    /// The site's id.
    pub site: Name,
    /// The key that signs checkpoints from here on, as a C2SP verifier key. Entry 0 named it as standby.
    pub log_key: String,
    /// SHA-256 of the station keys that sign entries from this one on. Entry 0 named them as standby.
    pub station_keys: Vec<Sha256>,
    /// Why: the token is broken, lost, or exposed.
    pub ground: String,
}

/// The officers' word that the clock is right although it leapt.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ClockStep {
    /// Its place. Its time is the one that the officers call right.
    pub record: Record,
    /// The site's id.
    pub site: Name,
    /// The latest time of any entry before.
    pub last: Time,
    /// Why the clock leapt, and by what it was set.
    pub ground: String,
}

impl Predicate for TrustChange {
    const TYPE: &'static str = "urn:ecugate:trust-change:v1";
}

impl Predicate for PolicyChange {
    const TYPE: &'static str = "urn:ecugate:policy-change:v1";
}

impl Predicate for KeyChange {
    const TYPE: &'static str = "urn:ecugate:key-change:v1";
}

impl Predicate for ClockStep {
    const TYPE: &'static str = "urn:ecugate:clock-step:v1";
}

impl Document for TrustChange {
    fn subjects(&self) -> Vec<(String, Sha256)> {
        vec![("anchor-list".to_owned(), self.anchor_list)]
    }

    fn fault(&self, _limits: &Limits) -> Option<Finding> {
        let version = self.record.versions.as_ref().and_then(|versions| versions.anchor_list);
        new_document(&self.record, &self.anchor_list, version).or_else(|| require_ground(&self.ground))
    }
}

impl Document for PolicyChange {
    fn subjects(&self) -> Vec<(String, Sha256)> {
        vec![("policy".to_owned(), self.policy)]
    }

    fn fault(&self, _limits: &Limits) -> Option<Finding> {
        let version = self.record.versions.as_ref().and_then(|versions| versions.policy);
        new_document(&self.record, &self.policy, version).or_else(|| require_ground(&self.ground))
    }
}

impl Document for KeyChange {
    fn subjects(&self) -> Vec<(String, Sha256)> {
        vec![self.record.place_subject()]
    }

    fn fault(&self, _limits: &Limits) -> Option<Finding> {
        let keys: BTreeSet<_> = self.station_keys.iter().collect();
        if keys.is_empty() || keys.len() != self.station_keys.len() {
            let found = format!("{} keys, {} of them distinct", self.station_keys.len(), keys.len());
            return wrong("station_keys", "one key or more, each once", found);
        }
        require_ground(&self.ground)
    }
}

impl Document for ClockStep {
    fn subjects(&self) -> Vec<(String, Sha256)> {
        vec![self.record.place_subject()]
    }

    fn fault(&self, _limits: &Limits) -> Option<Finding> {
        if self.last > self.record.time {
            return wrong("last", "a time up to that of the entry", self.last.to_string());
        }
        require_ground(&self.ground)
    }
}

fn wrong(place: &str, expected: &str, found: impl Into<String>) -> Option<Finding> {
    Some(Finding::new(Reason::JsonValue, format!("predicate.{place}"), expected, found))
}

fn require_ground(ground: &str) -> Option<Finding> {
    if ground.trim().is_empty() { wrong("ground", "a ground", "none") } else { None }
}

/// The document is one of the parts, and its version is stated, so that no older one counts from here on.
fn new_document(record: &Record, sha256: &Sha256, version: Option<u64>) -> Option<Finding> {
    if record.parts.iter().all(|part| part.sha256 != *sha256) {
        return wrong("record.parts", "the new document", "other parts or none");
    }
    if version.is_none() { wrong("record.versions", "the version of the new document", "none") } else { None }
}
