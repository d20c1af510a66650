//! The anchor list: which manufacturer certificates count, for what, and for how long.
//!
//! A certificate on the token proves nothing: anybody who can load a PKCS#11 module may be able to add one. It counts
//! only if the authority's officers listed it, k of n.

use super::document::Document;
use super::manifest::Validity;
use super::statement::Predicate;
use crate::values::digest::Sha256;
use crate::values::finding::Finding;
use crate::values::ident::{Manufacturer, Name, Part, PartScope};
use crate::values::limits::Limits;
use crate::values::reason::Reason;
use crate::values::time::Time;
use std::collections::BTreeSet;

/// The predicate of an anchor list.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AnchorList {
    /// For whom: the site's id. A list for another site is refused.
    pub site: Name,
    /// Rises with each list; from 1.
    pub version: u64,
    /// When it was signed.
    pub issued: Time,
    /// When it ends: trust data older than this is a hold.
    pub expires: Time,
    /// SHA-256 of the envelope of the list before, from version 2 on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub previous: Option<Sha256>,
    /// The certificates.
    pub anchors: Vec<Listing>,
}

/// One certificate on the list.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Listing {
    /// SHA-256 of the certificate (DER).
    pub sha256: Sha256,
    /// The id under which everything that it signs is filed.
    pub manufacturer: Manufacturer,
    /// What the signers below it may sign.
    pub roles: Vec<Role>,
    /// For which part numbers.
    pub parts: Vec<PartScope>,
    /// Whether its shipment signers may list serials (a distributor may ship without that).
    pub serials: Serials,
    /// From when until when it counts.
    pub valid: Validity,
    /// The oldest CRL that counts, in hours since its thisUpdate, whatever its nextUpdate says.
    pub crl_hours: u32,
}

/// What a signer below an anchor may sign.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Role {
    /// Release manifests.
    Release,
    /// Shipment manifests.
    Shipment,
    /// Device certificates.
    Device,
}

impl Role {
    /// The word on the list.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Release => "release",
            Self::Shipment => "shipment",
            Self::Device => "device",
        }
    }

    /// The role of this word, if there is one.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        [Self::Release, Self::Shipment, Self::Device].into_iter().find(|role| role.word() == word)
    }

    /// The purpose (extended key usage) that a signer's certificate must state.
    #[must_use]
    pub const fn purpose(self) -> &'static str {
        match self {
            Self::Release => crate::values::ident::purpose::RELEASE,
            Self::Shipment => crate::values::ident::purpose::SHIPMENT,
            Self::Device => crate::values::ident::purpose::DEVICE,
        }
    }
}

/// Whether the signers below an anchor may say which serials are genuine.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Serials {
    /// They may: a unit they list is *listed*.
    MayList,
    /// They may not: their shipments name deliveries, never units.
    MayNotList,
}

impl Listing {
    /// Whether `role` stands on the list for this certificate.
    #[must_use]
    pub fn allows(&self, role: Role) -> bool {
        self.roles.contains(&role)
    }

    /// Whether its part scope covers `part`.
    #[must_use]
    pub fn covers(&self, part: &Part) -> bool {
        self.parts.iter().any(|scope| scope.covers(part))
    }
}

impl Predicate for AnchorList {
    const TYPE: &'static str = "urn:ecugate:anchor-list:v1";
}

impl Document for AnchorList {
    fn subjects(&self) -> Vec<(String, Sha256)> {
        self.anchors
            .iter()
            .map(|listing| (format!("{} {}", listing.manufacturer, listing.sha256), listing.sha256))
            .collect()
    }

    fn fault(&self, limits: &Limits) -> Option<Finding> {
        let wrong = |place: String, expected: &str, found: String| {
            Some(Finding::new(Reason::JsonValue, format!("predicate.{place}"), expected, found))
        };
        if let Some(fault) = succession_fault(self.version, self.previous.is_some()) {
            return Some(fault);
        }
        if self.issued >= self.expires {
            return wrong("expires".to_owned(), "a time after issued", self.expires.to_string());
        }
        if self.anchors.len() > limits.anchors {
            return wrong("anchors".to_owned(), "fewer certificates", self.anchors.len().to_string());
        }
        let distinct: BTreeSet<_> = self.anchors.iter().map(|listing| listing.sha256).collect();
        if distinct.len() != self.anchors.len() {
            return wrong("anchors".to_owned(), "each certificate once", "one that stands twice".to_owned());
        }
        self.anchors.iter().enumerate().find_map(|(n, listing)| {
            if listing.roles.is_empty() {
                wrong(format!("anchors[{n}].roles"), "one role or more", "none".to_owned())
            } else if listing.parts.is_empty() {
                wrong(format!("anchors[{n}].parts"), "one part scope or more", "none".to_owned())
            } else if listing.valid.from > listing.valid.until {
                wrong(format!("anchors[{n}].valid"), "from not after until", listing.valid.until.to_string())
            } else if listing.crl_hours == 0 {
                wrong(format!("anchors[{n}].crl_hours"), "1 or more", "0".to_owned())
            } else {
                None
            }
        })
    }
}

/// Versions start at 1, and every later one names the one before: the rule of anchor lists and policies.
pub(super) fn succession_fault(version: u64, has_previous: bool) -> Option<Finding> {
    match (version, has_previous) {
        (0, _) => Some(Finding::new(Reason::JsonValue, "predicate.version", "1 or more", "0")),
        (1, true) => Some(Finding::new(Reason::JsonValue, "predicate.previous", "none in version 1", "a digest")),
        (2.., false) => {
            Some(Finding::new(Reason::JsonValue, "predicate.previous", "a digest from version 2 on", "none"))
        }
        _ => None,
    }
}
