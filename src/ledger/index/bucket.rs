//! Which bucket a row lies in, and how the rows of a bucket are chained.

use ecugate_verifier::values::digest::{Hasher, Sha256};
use ecugate_verifier::values::ident::UnitKey;
use std::fmt;

/// Bits of a bucket's number: five levels of sixteen branches.
pub(super) const BITS: u32 = 20;
/// Buckets of keys, of units, and of versions, one range after the other. A bucket holds rows of one table alone.
const KEYS: u32 = 12 << 16;
const UNITS: u32 = 3 << 16;
/// Kinds of versions, each a bucket of its own: few rows, and all of them are asked for at once.
pub(super) const VERSIONS: [&str; 4] = ["anchor-list", "policy", "crl", "release"];

/// The number of a bucket.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::ledger) struct Bucket(u32);

/// The table whose rows a bucket holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Table {
    Fact,
    Custody,
    /// Of one kind.
    Version(&'static str),
}

impl Bucket {
    /// Where the facts of a key lie. By a digest: keys are spread evenly, whoever makes them up.
    pub(in crate::ledger) fn of_key(key: &UnitKey) -> Self {
        Self::of_key_words(key.kind.word(), &key.value)
    }

    pub(super) fn of_key_words(kind: &str, value: &str) -> Self {
        let mut hasher = Hasher::default();
        hasher.update(b"ecugate index key v1\0");
        hasher.update(kind.as_bytes());
        hasher.update(b"\0");
        hasher.update(value.as_bytes());
        let digest = hasher.finish();
        let first = digest.as_bytes().iter().take(8).fold(0_u64, |number, byte| (number << 8) | u64::from(*byte));
        Self(below(first, KEYS))
    }

    /// Where the states of a verdict's unit lie. By its number: neighbours share their nodes.
    pub(in crate::ledger) fn of_unit(unit: u64) -> Self {
        Self(KEYS + below(unit, UNITS))
    }

    /// Where the versions of a kind lie.
    pub(in crate::ledger) fn of_versions(kind: &str) -> Self {
        let place = VERSIONS.iter().position(|known| *known == kind).unwrap_or(VERSIONS.len());
        Self(KEYS + UNITS + u32::try_from(place).unwrap_or(u32::MAX >> BITS))
    }

    /// As it stands in the column of that name.
    pub(in crate::ledger) const fn number(self) -> u32 {
        self.0
    }

    pub(super) fn table(self) -> Table {
        let place = |first: u32| usize::try_from(self.0.saturating_sub(first)).unwrap_or(usize::MAX);
        match self.0 {
            number if number < KEYS => Table::Fact,
            number if number < KEYS + UNITS => Table::Custody,
            _ => Table::Version(VERSIONS.get(place(KEYS + UNITS)).copied().unwrap_or("")),
        }
    }

    /// Its place among the children of the node above it on a level.
    pub(super) fn branch(self, level: u8) -> u8 {
        let shift = BITS.saturating_sub(4 * (u32::from(level) + 1));
        u8::try_from((self.0 >> shift) & 0xf).unwrap_or_default()
    }

    /// The number of that node on its level.
    pub(super) fn prefix(self, level: u8) -> u32 {
        self.0 >> BITS.saturating_sub(4 * u32::from(level))
    }
}

impl fmt::Display for Bucket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

fn below(number: u64, most: u32) -> u32 {
    u32::try_from(number % u64::from(most)).unwrap_or_default()
}

/// A row as it is chained.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::ledger) enum Row<'a> {
    Fact { seq: u64, kind: &'a str, key: &'a str },
    Custody { seq: u64, unit: u64, state: &'a str },
    Version { seq: u64, name: &'a str, value: u64 },
}

impl Row<'_> {
    /// Its columns, each with its length, after the name of its table.
    pub(in crate::ledger) fn encoded(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        let mut column = |column: &[u8]| {
            bytes.extend(u64::try_from(column.len()).unwrap_or(u64::MAX).to_be_bytes());
            bytes.extend(column);
        };
        match self {
            Self::Fact { seq, kind, key } => {
                column(b"fact");
                column(&seq.to_be_bytes());
                column(kind.as_bytes());
                column(key.as_bytes());
            }
            Self::Custody { seq, unit, state } => {
                column(b"custody");
                column(&seq.to_be_bytes());
                column(&unit.to_be_bytes());
                column(state.as_bytes());
            }
            Self::Version { seq, name, value } => {
                column(b"version");
                column(&seq.to_be_bytes());
                column(name.as_bytes());
                column(&value.to_be_bytes());
            }
        }
        bytes
    }
}

/// The head of a bucket once a row is in it: SHA-256 of the head before (zeros for none) and of the row.
pub(super) fn chained(head: Option<Sha256>, row: &[u8]) -> Sha256 {
    let mut hasher = Hasher::default();
    hasher.update(head.map_or([0; 32], |head| *head.as_bytes()).as_slice());
    hasher.update(row);
    hasher.finish()
}

/// A row that an entry adds: its bucket, and the row as it is chained.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::ledger) struct Link {
    pub(in crate::ledger) bucket: Bucket,
    pub(in crate::ledger) row: Vec<u8>,
}
