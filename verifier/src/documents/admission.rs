//! What lets an accepted unit into inventory, once: the admission for one consumer, its redemption, and the consumer's
//! word that the unit is booked.

use super::document::Document;
use super::receipt::UnitName;
use super::record::{Record, State};
use super::statement::Predicate;
use crate::values::attempt::Environment;
use crate::values::digest::Sha256;
use crate::values::finding::Finding;
use crate::values::ident::Name;
use crate::values::limits::Limits;
use crate::values::reason::Reason;

/// Leave for one accepted unit to enter the inventory of one consumer, once.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Admitted {
    /// Its place; `unit` in it is the entry of the accept.
    pub record: Record,
    /// Trial or production: a production inventory refuses what a trial admitted.
    pub environment: Environment,
    /// The site's id.
    pub site: Name,
    /// The inventory system that may redeem it.
    pub consumer: Name,
    /// The unit, as the accept names it.
    pub unit: UnitName,
    /// SHA-256 of the accept's envelope: leave for this verdict and no other.
    pub receipt: Sha256,
}

/// The one use of an admission.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Redeemed {
    /// Its place; `unit` in it is the entry of the accept, `state` is *redeemed*.
    pub record: Record,
    /// The site's id.
    pub site: Name,
    /// Who redeemed it.
    pub consumer: Name,
    /// The entry of the admission.
    pub admission: u64,
    /// The consumer's own number for this booking: the same number asked again is the same redemption.
    pub reference: Name,
}

/// The consumer's word that the unit stands in its books.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RedemptionConfirmed {
    /// Its place; `unit` in it is the entry of the accept.
    pub record: Record,
    /// The site's id.
    pub site: Name,
    /// Who confirms.
    pub consumer: Name,
    /// The entry of the redemption.
    pub redemption: u64,
    /// The number under which the consumer booked the unit: a claim.
    pub booked_as: Name,
}

impl Predicate for Admitted {
    const TYPE: &'static str = "urn:ecugate:admitted:v1";
}

impl Predicate for Redeemed {
    const TYPE: &'static str = "urn:ecugate:redeemed:v1";
}

impl Predicate for RedemptionConfirmed {
    const TYPE: &'static str = "urn:ecugate:redemption-confirmed:v1";
}

impl Document for Admitted {
    fn subjects(&self) -> Vec<(String, Sha256)> {
        vec![("receipt".to_owned(), self.receipt)]
    }

    fn fault(&self, _limits: &Limits) -> Option<Finding> {
        require_order(&self.record, None)
    }
}

impl Document for Redeemed {
    fn subjects(&self) -> Vec<(String, Sha256)> {
        vec![self.record.place_subject()]
    }

    fn fault(&self, _limits: &Limits) -> Option<Finding> {
        if self.record.state != Some(State::Redeemed) {
            let found = self.record.state.map_or("none", State::word);
            let (place, expected) = ("predicate.record.state", State::Redeemed.word());
            return Some(Finding::new(Reason::JsonValue, place, expected, found));
        }
        require_order(&self.record, Some(("admission", self.admission)))
    }
}

impl Document for RedemptionConfirmed {
    fn subjects(&self) -> Vec<(String, Sha256)> {
        vec![self.record.place_subject()]
    }

    fn fault(&self, _limits: &Limits) -> Option<Finding> {
        require_order(&self.record, Some(("redemption", self.redemption)))
    }
}

/// The accept comes first, what is built on it after it, and this entry last.
fn require_order(record: &Record, between: Option<(&str, u64)>) -> Option<Finding> {
    let wrong = |place: &str, expected: String, found: String| {
        Some(Finding::new(Reason::JsonValue, format!("predicate.{place}"), expected, found))
    };
    let Some(unit) = record.unit.filter(|unit| *unit < record.seq) else {
        let found = record.unit.map_or_else(|| "none".to_owned(), |unit| unit.to_string());
        return wrong("record.unit", format!("an entry below {}", record.seq), found);
    };
    match between {
        Some((place, seq)) if seq <= unit || seq >= record.seq => {
            wrong(place, format!("an entry between {unit} and {}", record.seq), seq.to_string())
        }
        _ => None,
    }
}
