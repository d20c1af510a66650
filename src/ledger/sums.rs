//! Tables compared as a whole: a keyed sum over the rows that they should have, and one over those that they have.
//!
//! A row counts as SHA-256 of a key, its table and its values, taken as four numbers of 64 bits; the sum of a table adds
//! those of its rows, each lane by itself and modulo 2^64. The order of the rows does not matter, so that what follows
//! from the entries in their order is compared with a table that lies in another, and nothing is looked up.
//!
//! **Equal sums are equal rows**, but for a chance that nobody has. The key is drawn at random for one audit, after the
//! rows were written, and leaves the process nowhere; whoever wrote the rows could not choose them by it. Let the rows
//! differ: then some row stands `c` times more often on one side, with `c` not zero and far below 2^64. To whoever does
//! not know the key its four numbers are as good as drawn at random, whatever the other rows come to, and the sums are
//! equal only if `c` times each of them is one certain value. With `c` an odd multiple of 2^k that is a chance of
//! 2^-(64-k) a lane, 2^-(256-4k) in all: 2^-256 where a row is missing, added or changed, and still below 2^-128 where
//! one row stands 2^32 times. The number of rows is compared too.
//!
//! A value counts with its storage class. What SQL takes for equal (1 and 1.0, a text and a blob of the same bytes) is
//! not the same here.

use super::fault::LedgerFault;
use ecugate_verifier::values::digest::Hasher;
use rusqlite::types::ValueRef;
use rusqlite::{Connection, Row};
use std::collections::BTreeMap;

/// What is summed up: a table whose rows follow from the entries, or the blobs by their digests and media types, each as
/// often as it is a part.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Summed {
    Act,
    Fact,
    Claim,
    Custody,
    Part,
    Version,
    Node,
    Blob,
}

impl Summed {
    pub(super) const TABLES: [Self; 7] =
        [Self::Act, Self::Fact, Self::Claim, Self::Custody, Self::Part, Self::Version, Self::Node];

    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Act => "act",
            Self::Fact => "fact",
            Self::Claim => "claim",
            Self::Custody => "custody",
            Self::Part => "part",
            Self::Version => "version",
            Self::Node => "node",
            Self::Blob => "blob",
        }
    }
}

/// The sum over the rows of one table.
#[derive(Clone, Debug)]
struct Sum {
    /// Key and table, taken in already: one block of SHA-256.
    begun: Hasher,
    lanes: [u64; 4],
    rows: u64,
}

impl Sum {
    fn new(key: &[u8; 32], table: Summed) -> Self {
        let mut name = [0; 32];
        name.iter_mut().zip(table.name().bytes()).for_each(|(place, byte)| *place = byte);
        let mut begun = Hasher::default();
        begun.update(key);
        begun.update(&name);
        Self { begun, lanes: [0; 4], rows: 0 }
    }

    fn add(&mut self, row: &[u8], times: u64) {
        let mut hasher = self.begun.clone();
        hasher.update(row);
        let digest = hasher.finish();
        for (lane, bytes) in self.lanes.iter_mut().zip(digest.as_bytes().as_chunks().0) {
            *lane = lane.wrapping_add(u64::from_be_bytes(*bytes).wrapping_mul(times));
        }
        self.rows = self.rows.saturating_add(times);
    }

    fn join(&mut self, other: &Self) {
        for (lane, more) in self.lanes.iter_mut().zip(other.lanes) {
            *lane = lane.wrapping_add(more);
        }
        self.rows = self.rows.saturating_add(other.rows);
    }
}

/// The sums of all tables, under one key.
#[derive(Clone, Debug)]
pub(super) struct Sums {
    key: [u8; 32],
    /// Those that have rows.
    tables: BTreeMap<Summed, Sum>,
    /// The row at hand.
    row: Vec<u8>,
}

impl Sums {
    /// Of no rows. `key` is drawn at random for one audit.
    pub(super) fn new(key: &[u8; 32]) -> Self {
        Self { key: *key, tables: BTreeMap::new(), row: Vec::new() }
    }

    /// Adds a row: all its values, in the order of the table's columns.
    pub(super) fn add(&mut self, table: Summed, values: &[ValueRef<'_>]) {
        self.add_times(table, values, 1);
    }

    /// Adds one row so many times.
    pub(super) fn add_times(&mut self, table: Summed, values: &[ValueRef<'_>], times: u64) {
        self.row.clear();
        values.iter().for_each(|value| encode(*value, &mut self.row));
        self.add_encoded(table, times);
    }

    /// Adds a row as it is stored.
    pub(super) fn add_stored(&mut self, table: Summed, row: &Row<'_>) -> Result<(), LedgerFault> {
        self.row.clear();
        for column in 0..row.as_ref().column_count() {
            encode(row.get_ref(column)?, &mut self.row);
        }
        self.add_encoded(table, 1);
        Ok(())
    }

    /// Adds every row of a table as it is stored. Of the table itself, not of an index that has all its columns.
    pub(super) fn add_table(&mut self, connection: &Connection, table: Summed) -> Result<(), LedgerFault> {
        let mut statement = connection.prepare(&format!("SELECT * FROM {} NOT INDEXED", table.name()))?;
        let mut rows = statement.query([])?;
        while let Some(row) = rows.next()? {
            self.add_stored(table, row)?;
        }
        Ok(())
    }

    /// Adds what was added elsewhere, under the same key.
    pub(super) fn join(&mut self, other: &Self) {
        for (table, sum) in &other.tables {
            self.of_mut(*table).join(sum);
        }
    }

    /// These follow from the entries: a table that has other rows is named.
    pub(super) fn require(&self, stored: &Self, table: Summed) -> Result<(), LedgerFault> {
        let rows_and_lanes = |sums: &Self| sums.tables.get(&table).map_or((0, [0; 4]), |sum| (sum.rows, sum.lanes));
        let (due, found) = (rows_and_lanes(self), rows_and_lanes(stored));
        if due == found {
            return Ok(());
        }
        let expected = format!("the {} rows that follow from the entries", due.0);
        Err(LedgerFault::differs(table.name(), expected, format!("{} rows, and not these", found.0)))
    }

    fn add_encoded(&mut self, table: Summed, times: u64) {
        let row = std::mem::take(&mut self.row);
        self.of_mut(table).add(&row, times);
        self.row = row;
    }

    fn of_mut(&mut self, table: Summed) -> &mut Sum {
        let key = &self.key;
        self.tables.entry(table).or_insert_with(|| Sum::new(key, table))
    }
}

/// A number as a row holds it. A larger one stands in no row, so that none can be the one that is due.
pub(super) fn integer(number: u64) -> Result<ValueRef<'static>, LedgerFault> {
    match i64::try_from(number) {
        Ok(number) => Ok(ValueRef::Integer(number)),
        Err(_) => Err(LedgerFault::differs("a row", "a number that a row can hold", number.to_string())),
    }
}

/// A value: its storage class, then a number in eight bytes, or its length in eight bytes and itself.
fn encode(value: ValueRef<'_>, row: &mut Vec<u8>) {
    let (class, bytes): (u8, &[u8]) = match value {
        ValueRef::Null => (0, &[]),
        ValueRef::Integer(number) => (1, &number.to_be_bytes()),
        ValueRef::Real(number) => (2, &number.to_bits().to_be_bytes()),
        ValueRef::Text(text) => (3, text),
        ValueRef::Blob(bytes) => (4, bytes),
    };
    row.push(class);
    row.extend(u64::try_from(bytes.len()).unwrap_or(u64::MAX).to_be_bytes());
    row.extend(bytes);
}
