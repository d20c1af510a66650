//! What every entry of the ledger says to the ledger: the member `record` of its predicate.
//!
//! The rest of a predicate is for people and auditors; this part alone makes facts, claims and custody. It names its
//! place, so that a signed entry cannot be copied to another place or ledger.

use super::document::Document;
use super::statement::Predicate;
use crate::values::attempt::Attempt;
use crate::values::digest::Sha256;
use crate::values::finding::Finding;
use crate::values::ident::{Manufacturer, Name, Part, UnitKey};
use crate::values::limits::Limits;
use crate::values::time::Time;

/// The ledger's part of a predicate.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
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
    /// The earlier verdict whose unit the entry is about; absent where the entry is itself the verdict.
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
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PartRef {
    /// SHA-256 of its bytes.
    pub sha256: Sha256,
    /// What it is.
    pub media_type: String,
}

/// Versions of trust data.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
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

    /// The subject of an entry that is about its own place: name and digest of `origin` and number.
    #[must_use]
    pub(super) fn place_subject(&self) -> (String, Sha256) {
        let place = format!("{}/{}", self.origin, self.seq);
        let digest = Sha256::of(place.as_bytes());
        (place, digest)
    }
}

/// What an entry of the ledger says of the unit whose keys it names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum State {
    /// A verdict that could not decide.
    Held,
    /// A verdict of quarantine for want of evidence.
    Unproven,
    /// A verdict of quarantine because evidence contradicts.
    Suspect,
    /// A verdict of accept: the keys are claimed.
    Accepted,
    /// Accepted, and its admission used: it stands in inventory.
    Redeemed,
    /// Accepted, and then seen again: no redemption, no dispatch.
    Contested,
    /// Accepted and undone at the dock.
    Voided,
    /// Went to the line or the customer.
    Shipped,
    /// Present before the gate was; not checked.
    Legacy,
    /// Leased to another site.
    Leased,
}

impl State {
    /// The word that stands in the ledger.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Held => "held",
            Self::Unproven => "unproven",
            Self::Suspect => "suspect",
            Self::Accepted => "accepted",
            Self::Redeemed => "redeemed",
            Self::Contested => "contested",
            Self::Voided => "voided",
            Self::Shipped => "shipped",
            Self::Legacy => "legacy",
            Self::Leased => "leased",
        }
    }

    /// Whether the unit is ours and undisputed: a second one like it makes it *contested*.
    #[must_use]
    pub const fn is_in_custody(self) -> bool {
        matches!(self, Self::Accepted | Self::Redeemed)
    }

    /// The state of this word, if there is one.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        [
            Self::Held,
            Self::Unproven,
            Self::Suspect,
            Self::Accepted,
            Self::Redeemed,
            Self::Contested,
            Self::Voided,
            Self::Shipped,
            Self::Legacy,
            Self::Leased,
        ]
        .into_iter()
        .find(|state| state.word() == word)
    }
}

/// The newest CRL of one issuer that was used.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CrlSeen {
    /// SHA-256 of the issuer's SubjectPublicKeyInfo.
    pub issuer_key: Sha256,
    /// Its thisUpdate.
    pub this_update: Time,
}

/// The highest release of one part that was used.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReleaseSeen {
    /// Whose release.
    pub manufacturer: Manufacturer,
    /// For which part.
    pub part: Part,
    /// Which component.
    pub component: Name,
    /// Its security version: a lower one is a rollback.
    pub security_version: u64,
}

/// The predicate of an entry that contests an accepted unit: its identity was presented again.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Contested {
    /// The place; `unit` in it is the accepted entry.
    pub record: Record,
    /// The site's id.
    pub site: Name,
    /// The entry of the arrival that contests it.
    pub by: u64,
}

impl Predicate for Contested {
    const TYPE: &'static str = "urn:ecugate:contested:v1";
}

impl Document for Contested {
    fn subjects(&self) -> Vec<(String, Sha256)> {
        vec![self.record.place_subject()]
    }

    fn fault(&self, _limits: &Limits) -> Option<Finding> {
        None
    }
}
