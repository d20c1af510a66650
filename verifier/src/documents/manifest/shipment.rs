//! The shipment manifest: which units left the manufacturer (or a distributor who may list serials), and to whom.

use super::validity::Validity;
use crate::documents::document::Document;
use crate::documents::statement::Predicate;
use crate::values::digest::{Hasher, Sha256};
use crate::values::finding::Finding;
use crate::values::ident::{Hardware, Manufacturer, Name, Part, Serial};
use crate::values::limits::Limits;
use crate::values::reason::Reason;
use crate::values::time::Time;

/// The predicate of a shipment manifest.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Shipment {
    /// Who made the units; must be the manufacturer that the anchor list gives for the signer.
    pub manufacturer: Manufacturer,
    /// Its number.
    pub shipment: Name,
    /// To whom it goes: the site's id in the policy.
    pub consignee: Name,
    /// When it was signed.
    pub issued: Time,
    /// When it counts.
    pub valid: Validity,
    /// The units.
    pub units: Vec<Unit>,
}

/// One unit of a shipment.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Unit {
    /// Its part number.
    pub part: Part,
    /// Its serial.
    pub serial: Serial,
    /// Its hardware revision.
    pub hardware: Hardware,
    /// Its chip id, where the manufacturer knows it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hardware_id: Option<Hardware>,
    /// SHA-256 of its device certificate (DER).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub device_certificate: Option<Sha256>,
    /// SHA-256 of its device key (SubjectPublicKeyInfo).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub device_key: Option<Sha256>,
    /// The release that it left with.
    pub release: Name,
    /// New, or come back.
    pub condition: Condition,
}

/// In what condition a unit travels.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Condition {
    /// Never used.
    New,
    /// Come back from the field, or repaired.
    Returned,
}

impl Condition {
    /// The word on screens and in JSON.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::New => "new",
            Self::Returned => "returned",
        }
    }
}

impl Shipment {
    /// SHA-256 over `part` TAB `serial` LF of each unit in order: the digest of the statement's one subject.
    #[must_use]
    pub fn units_digest(&self) -> Sha256 {
        let mut hasher = Hasher::default();
        for unit in &self.units {
            hasher.update(unit.part.as_str().as_bytes());
            hasher.update(b"\t");
            hasher.update(unit.serial.as_str().as_bytes());
            hasher.update(b"\n");
        }
        hasher.finish()
    }

    /// The entries with this serial, byte for byte.
    pub fn with_serial<'a>(&'a self, serial: &'a Serial) -> impl Iterator<Item = &'a Unit> {
        self.units.iter().filter(move |unit| unit.serial == *serial)
    }
}

impl Predicate for Shipment {
    const TYPE: &'static str = "urn:ecugate:shipment:v1";
}

impl Document for Shipment {
    fn subjects(&self) -> Vec<(String, Sha256)> {
        vec![(self.shipment.to_string(), self.units_digest())]
    }

    fn fault(&self, limits: &Limits) -> Option<Finding> {
        let wrong = |place: &str, expected: String, found: String| {
            Some(Finding::new(Reason::JsonValue, format!("predicate.{place}"), expected, found))
        };
        if self.valid.from > self.valid.until {
            let found = format!("{} to {}", self.valid.from, self.valid.until);
            return wrong("valid", "from not after until".to_owned(), found);
        }
        if self.units.is_empty() || self.units.len() > limits.shipment_units {
            let expected = format!("1 to {} units", limits.shipment_units);
            return wrong("units", expected, self.units.len().to_string());
        }
        None
    }
}
