//! What the ledger knows about one unit at one moment: a snapshot, taken by the gate and kept in the dossier.

use super::custody::Sighting;
pub use crate::documents::record::{CrlSeen, ReleaseSeen};
use crate::values::finding::Finding;
use crate::values::time::Time;

/// The memory, or why there is none. No memory is never an empty memory.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Memory {
    /// The ledger answered.
    Known(Box<Known>),
    /// The ledger could not be asked: a hold.
    Unavailable(Finding),
}

/// Whether a first sighting proves anything.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Completeness {
    /// Officers signed that this ledger holds every identity received so far.
    Complete,
    /// A fresh or restored ledger: it may have forgotten identities, so nobody becomes *listed*.
    Incomplete,
}

/// What the ledger answered.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Known {
    /// Whether a first sighting proves anything.
    pub completeness: Completeness,
    /// Number of entries when the snapshot was taken.
    pub size: u64,
    /// Time of the last entry.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last: Option<Time>,
    /// Every entry that names one of the unit's candidate keys.
    pub sightings: Vec<Sighting>,
    /// Highest version of the anchor list that a recorded verdict used.
    pub anchor_list_version: u64,
    /// Highest version of the policy that a recorded verdict used.
    pub policy_version: u64,
    /// Newest CRL of each issuer that a recorded verdict used.
    pub crls: Vec<CrlSeen>,
    /// Highest security version of each component of each part that a recorded verdict used.
    pub releases: Vec<ReleaseSeen>,
}

impl Known {
    /// The memory of a ledger that has seen nothing and says so: for `verify unit` and for the first arrival.
    #[must_use]
    pub const fn empty() -> Self {
        Self {
            completeness: Completeness::Complete,
            size: 0,
            last: None,
            sightings: Vec::new(),
            anchor_list_version: 0,
            policy_version: 0,
            crls: Vec::new(),
            releases: Vec::new(),
        }
    }
}
