//! The policy as it is written and signed: what a site demands before a unit may enter inventory.
//!
//! Floors stand in code and not here: signature, scope and sightings are never optional for an accept.

use super::anchor_list::succession_fault;
use super::document::Document;
use super::manifest::assurance::Minimum;
use super::statement::Predicate;
use crate::syntax::label::Rules;
use crate::values::digest::Sha256;
use crate::values::finding::Finding;
use crate::values::ident::{Name, Part, PartScope};
use crate::values::limits::Limits;
use crate::values::reason::Reason;
use crate::values::time::Time;
use std::collections::BTreeSet;

/// The predicate of a policy.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PolicyText {
    /// For whom: the site's id, which is also the consignee that shipment manifests must name.
    pub site: Name,
    /// Rises with each policy; from 1.
    pub version: u64,
    /// When it was signed.
    pub issued: Time,
    /// When it ends.
    pub expires: Time,
    /// SHA-256 of the envelope of the policy before, from version 2 on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub previous: Option<Sha256>,
    /// The least assurance for parts of no family. Such parts are gated.
    pub minimum: Minimum,
    /// Part families that are treated otherwise.
    pub families: Vec<Family>,
    /// How labels are read.
    pub labels: Rules,
    /// What is waived, for how long and why. Named in every receipt.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub waivers: Vec<Waiver>,
}

/// Parts that share a rule.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Family {
    /// Its name.
    pub name: Name,
    /// The part numbers.
    pub parts: Vec<PartScope>,
    /// Whether the gate applies.
    pub gate: GateRule,
    /// The least assurance.
    pub minimum: Minimum,
}

/// Whether the gate applies to a part family.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum GateRule {
    /// Judged; only an accept enters inventory.
    Gated,
    /// Judged and recorded, never admitted: for the first weeks.
    Observed,
    /// Not judged (no ECU): own exit status, never an admission.
    NotGated,
}

/// One check that the site does without for a while.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Waiver {
    /// Which.
    pub check: Waivable,
    /// Why, for the auditor.
    pub why: String,
    /// Until when.
    pub until: Time,
}

/// The checks that a policy can waive. There are no others.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Waivable {
    /// A CRL that is missing, stale or unusable does not hold the unit. A CRL that revokes still refuses it.
    Revocation,
}

impl Waivable {
    /// The word in policies and receipts.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Revocation => "revocation",
        }
    }
}

impl PolicyText {
    /// The family of `part`, if it has one: the first that covers it.
    #[must_use]
    pub fn family(&self, part: &Part) -> Option<&Family> {
        self.families.iter().find(|family| family.parts.iter().any(|scope| scope.covers(part)))
    }
}

impl Predicate for PolicyText {
    const TYPE: &'static str = "urn:ecugate:policy:v1";
}

impl Document for PolicyText {
    fn subjects(&self) -> Vec<(String, Sha256)> {
        vec![(self.site.to_string(), Sha256::of(self.site.as_str().as_bytes()))]
    }

    fn fault(&self, _limits: &Limits) -> Option<Finding> {
        let wrong = |place: &str, expected: &str, found: String| {
            Some(Finding::new(Reason::JsonValue, format!("predicate.{place}"), expected, found))
        };
        if let Some(fault) = succession_fault(self.version, self.previous.is_some()) {
            return Some(fault);
        }
        if self.issued >= self.expires {
            return wrong("expires", "a time after issued", self.expires.to_string());
        }
        let names: BTreeSet<_> = self.families.iter().map(|family| &family.name).collect();
        if names.len() != self.families.len() {
            return wrong("families", "each name once", "a name that stands twice".to_owned());
        }
        if let Some(family) = self.families.iter().find(|family| family.parts.is_empty()) {
            return wrong("families", "one part scope or more in each", format!("none in {}", family.name));
        }
        let waived: BTreeSet<_> = self.waivers.iter().map(|waiver| waiver.check).collect();
        if waived.len() != self.waivers.len() {
            return wrong("waivers", "each check once", "a check that stands twice".to_owned());
        }
        if self.waivers.iter().any(|waiver| waiver.why.trim().is_empty()) {
            return wrong("waivers", "a reason in why", "none".to_owned());
        }
        None
    }
}
