//! One line of the index: a key, and a document that bears it.

use crate::intake::key::{KEY, Key};
use crate::intake::paper::Mark;
use std::collections::BTreeMap;

/// Bytes of a record in a file.
pub(super) const BYTES: usize = KEY + 24;

/// One line of the index. Sorted by key, then by age.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Record {
    pub(super) key: Key,
    /// The larger the newer: when a CRL was made, else the number of the entry.
    age: u64,
    /// The number of the document's entry.
    pub(crate) seq: u64,
    /// By whose way it came.
    source: u64,
}

impl Record {
    /// The line of a mark of the document of entry `seq`.
    pub(super) fn of(mark: &Mark, seq: u64, source: u64) -> Self {
        let made = mark.made.and_then(|made| u64::try_from(made.unix_millis()).ok());
        Self { key: mark.key, age: made.unwrap_or(seq), seq, source }
    }

    pub(super) fn to_bytes(self) -> [u8; BYTES] {
        let mut bytes = [0; BYTES];
        let numbers = [self.age, self.seq, self.source].map(u64::to_be_bytes);
        let all = self.key.0.iter().chain(numbers.as_flattened());
        for (to, from) in bytes.iter_mut().zip(all) {
            *to = *from;
        }
        bytes
    }

    pub(super) fn from_bytes(bytes: &[u8; BYTES]) -> Self {
        let (key, rest) = bytes.split_at(KEY);
        let mut numbers = rest.chunks_exact(8).map(|eight| u64::from_be_bytes(eight.try_into().unwrap_or_default()));
        let mut number = || numbers.next().unwrap_or_default();
        Self { key: Key(key.try_into().unwrap_or_default()), age: number(), seq: number(), source: number() }
    }
}

/// Puts records in the order in which documents are looked at: the newest of every supplier, then the second of every
/// supplier, and so on; within a turn the newest first. A document stands once.
pub(super) fn in_turn(records: &mut Vec<Record>) {
    records.sort_unstable_by_key(|record| std::cmp::Reverse((record.age, record.seq)));
    let mut seen = std::collections::BTreeSet::new();
    records.retain(|record| seen.insert(record.seq));
    let mut turns: BTreeMap<u64, usize> = BTreeMap::new();
    let mut turned: Vec<(usize, Record)> = records
        .drain(..)
        .map(|record| {
            let turn = turns.entry(record.source).or_default();
            *turn += 1;
            (*turn, record)
        })
        .collect();
    turned.sort_by_key(|(turn, _)| *turn);
    records.extend(turned.into_iter().map(|(_, record)| record));
}
