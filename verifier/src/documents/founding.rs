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
use std::collections::BTreeSet;

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
    /// The keys that a key change may put in their place, on a second token.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub standby: Option<Standby>,
    /// The officers.
    pub officers: Vec<Officer>,
    /// How many of them must sign.
    pub threshold: u64,
}

/// Keys that sign nothing until officers change to them.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Standby {
    /// The key that will sign checkpoints, as a C2SP verifier key of the same name.
    pub log_key: String,
    /// SHA-256 of the station keys that will sign entries.
    pub station_keys: Vec<Sha256>,
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
        if let Some(standby) = &self.standby {
            let shared = standby.station_keys.iter().any(|key| self.station_keys.contains(key));
            if standby.station_keys.is_empty() || shared || standby.log_key == self.log_key {
                let expected = "a log key and station keys that are not the first ones";
                return wrong("standby", expected, "none, or one of the first".to_owned());
            }
        }
        let keys: BTreeSet<_> = self.officers.iter().map(|officer| officer.key).collect();
        if keys.len() != self.officers.len() {
            return wrong("officers", "each key once", "a key that stands twice".to_owned());
        }
        let persons: BTreeSet<_> = self.officers.iter().map(|officer| &officer.person).collect();
        if self.threshold == 0 || self.threshold > persons.len() as u64 {
            return wrong("threshold", "1 up to the number of persons", self.threshold.to_string());
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

#[cfg(test)]
mod tests {
    use super::{Genesis, Officer};
    use crate::documents::document::Document as _;
    use crate::documents::record::Record;
    use crate::values::attempt::Environment;
    use crate::values::digest::Sha256;
    use crate::values::ident::Name;
    use crate::values::limits::Limits;
    use crate::values::time::Time;

    fn fault(officers: &[(&str, &str)], threshold: u64) -> Option<String> {
        let officer = |(person, key): &(&str, &str)| Officer {
            person: Name::new(*person).unwrap(),
            key: Sha256::of(key.as_bytes()),
        };
        let genesis = Genesis {
            record: Record::new("log.example", 0, Time::from_unix_seconds(0).unwrap()),
            site: Name::new("hamburg").unwrap(),
            environment: Environment::Trial,
            log_key: "log.example+1+a".to_owned(),
            station_keys: vec![Sha256::of(b"station")],
            standby: None,
            officers: officers.iter().map(officer).collect(),
            threshold,
        };
        genesis.fault(&Limits::STANDARD).map(|finding| finding.place)
    }

    /// Attack classes 1 to 4.
    #[test]
    fn attack_03_a_threshold_that_only_one_person_twice_could_meet_is_refused() {
        assert_eq!(fault(&[("anna", "a"), ("ben", "b")], 2), None);
        assert_eq!(fault(&[("anna", "a"), ("anna", "b")], 2).as_deref(), Some("predicate.threshold"));
        assert_eq!(fault(&[("anna", "a"), ("ben", "a")], 2).as_deref(), Some("predicate.officers"));
        assert_eq!(fault(&[("anna", "a"), ("ben", "b")], 0).as_deref(), Some("predicate.threshold"));
        assert_eq!(fault(&[("anna", "a"), ("ben", "b")], 3).as_deref(), Some("predicate.threshold"));
    }
}
