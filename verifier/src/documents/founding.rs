//! The first entries of a ledger: what it belongs to and whose keys sign in it, and the officers' word that it has
//! forgotten nothing.

use super::document::Document;
use super::record::Record;
use super::statement::Predicate;
use crate::values::attempt::Environment;
use crate::values::digest::Sha256;
use crate::values::finding::Finding;
use crate::values::ident::Name;
use crate::values::limits::Limits;
use crate::values::reason::Reason;

/// The predicate of entry 0.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Genesis {
    /// Its place: entry 0.
    pub record: Record,
    /// The site's id.
    pub site: Name,
    /// Trial or production.
    pub environment: Environment,
    /// The key that signs checkpoints, as a C2SP verifier key.
    pub log_key: String,
    /// SHA-256 of the station keys that sign entries.
    pub station_keys: Vec<Sha256>,
    /// The officers.
    pub officers: Vec<Officer>,
    /// How many of them must sign.
    pub threshold: u64,
}

/// One officer of the authority.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Officer {
    /// The person.
    pub person: Name,
    /// SHA-256 of the person's key.
    pub key: Sha256,
}

impl Predicate for Genesis {
    const TYPE: &'static str = "urn:ecugate:genesis:v1";
}

impl Document for Genesis {
    fn subjects(&self) -> Vec<(String, Sha256)> {
        vec![self.record.place_subject()]
    }

    fn fault(&self, _limits: &Limits) -> Option<Finding> {
        let wrong = |place: &str, expected: &str, found: String| {
            Some(Finding::new(Reason::JsonValue, format!("predicate.{place}"), expected, found))
        };
        if self.record.seq != 0 {
            return wrong("record.seq", "0", self.record.seq.to_string());
        }
        if self.station_keys.is_empty() {
            return wrong("station_keys", "one key or more", "none".to_owned());
        }
        if self.threshold == 0 || self.threshold > self.officers.len() as u64 {
            return wrong("threshold", "1 up to the number of officers", self.threshold.to_string());
        }
        None
    }
}

/// The predicate of the entry by which officers declare that every identity received so far is in this ledger.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MemoryComplete {
    /// Its place.
    pub record: Record,
    /// The site's id.
    pub site: Name,
    /// On what ground they say so.
    pub ground: String,
}

impl Predicate for MemoryComplete {
    const TYPE: &'static str = "urn:ecugate:memory-complete:v1";
}

impl Document for MemoryComplete {
    fn subjects(&self) -> Vec<(String, Sha256)> {
        vec![self.record.place_subject()]
    }

    fn fault(&self, _limits: &Limits) -> Option<Finding> {
        let empty = self.ground.trim().is_empty();
        empty.then(|| Finding::new(Reason::JsonValue, "predicate.ground", "a ground", "none"))
    }
}
