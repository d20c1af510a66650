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
        // else every label of the site would be refused, one by one
        self.labels.check().err().and_then(|fault| wrong("labels", fault.expected(), format!("{:?}", fault.found())))
    }
}

#[cfg(test)]
mod tests {
    use super::{GateRule, PolicyText};
    use crate::documents::document::Document as _;
    use crate::documents::manifest::assurance::{Firmware, Identity, Minimum};
    use crate::syntax::label::Rules;
    use crate::values::finding::Finding;
    use crate::values::ident::{Name, Part};
    use crate::values::limits::Limits;
    use crate::values::reason::Reason;
    use crate::values::time::Time;

    fn policy(labels: Rules) -> PolicyText {
        PolicyText {
            site: Name::new("hamburg").unwrap(),
            version: 1,
            issued: Time::parse("2026-11-24T00:00:00Z").unwrap(),
            expires: Time::parse("2027-11-24T00:00:00Z").unwrap(),
            previous: None,
            minimum: Minimum { identity: Identity::Listed, firmware: Firmware::Measured },
            families: Vec::new(),
            labels,
            waivers: Vec::new(),
        }
    }

    fn stand_ins(gs: &str, rs: &str) -> Rules {
        Rules { gs_stand_in: Some(gs.to_owned()), rs_stand_in: Some(rs.to_owned()), ..Rules::default() }
    }

    #[test]
    fn a_policy_whose_stand_ins_eat_data_or_begin_one_another_is_refused() {
        for (gs, rs, found) in [("29", "^^", "29"), ("", "^^", ""), ("^", "^^", "^"), ("^]", "^]", "^]")] {
            let expected = match found {
                "^" | "^]" => "stand-ins of which none begins another",
                _ => "a stand-in of 1 to 8 printable characters, not letters and digits alone",
            };
            let finding = Finding::new(Reason::JsonValue, "predicate.labels", expected, format!("{found:?}"));
            assert_eq!(policy(stand_ins(gs, rs)).fault(&Limits::STANDARD), Some(finding), "{gs:?} {rs:?}");
        }
        assert_eq!(policy(stand_ins("^]", "^^")).fault(&Limits::STANDARD), None);
    }

    #[test]
    fn a_part_of_no_family_has_none_and_the_first_that_covers_it_counts() {
        let mut policy = policy(Rules::default());
        let family = |name: &str, scope: &str, gate| super::Family {
            name: Name::new(name).unwrap(),
            parts: vec![crate::values::ident::PartScope::parse(scope).unwrap()],
            gate,
            minimum: policy.minimum,
        };
        policy.families =
            vec![family("one", "EDC17*", GateRule::Observed), family("two", "EDC17C46", GateRule::NotGated)];
        let named = |part: &str| policy.family(&Part::new(part).unwrap()).map(|family| family.name.to_string());
        assert_eq!(named("EDC17C46").as_deref(), Some("one"));
        assert_eq!(named("EDC16"), None);
    }
}
