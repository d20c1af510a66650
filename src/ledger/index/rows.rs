//! Rows by their keys: a whole bucket is read and held against its head, then what was asked for is picked out.

use super::bucket::{self, Bucket, Row, Table};
use super::{Index, differs};
use crate::ledger::fault::LedgerFault;
use ecugate_verifier::inputs::custody::State;
use ecugate_verifier::values::digest::Sha256;
use ecugate_verifier::values::ident::UnitKey;
use rusqlite::{Connection, OptionalExtension as _, params};
use std::collections::BTreeMap;

/// In the order in which they were chained.
const FACTS: &str =
    "SELECT seq, key_kind, key FROM fact WHERE bucket = ? AND seq < ? ORDER BY bucket, seq, key_kind, key";
const CUSTODY: &str = "SELECT seq, unit, state FROM custody WHERE bucket = ? AND seq < ? ORDER BY bucket, seq";
const VERSIONS: &str = "SELECT seq, name, value FROM version WHERE kind = ? AND seq < ? ORDER BY seq, name, value";

/// Past every entry: the largest number that a row can have.
const EVER: u64 = u64::MAX >> 1;

/// The derived rows of a ledger.
#[derive(Clone, Copy, Debug)]
pub(in crate::ledger) struct Rows<'a> {
    connection: &'a Connection,
    index: Option<&'a Index>,
    /// Whether it is asked of all entries at once what is asked of each here.
    in_bulk: bool,
}

impl<'a> Rows<'a> {
    /// Each look is verified under the root of the index.
    pub(in crate::ledger) const fn verified(connection: &'a Connection, index: &'a Index) -> Self {
        Self { connection, index: Some(index), in_bulk: false }
    }

    /// As they stand: for an audit, which compares every row with what follows from the entries.
    pub(in crate::ledger) const fn audited(connection: &'a Connection) -> Self {
        Self { connection, index: None, in_bulk: false }
    }

    /// As [`Rows::audited`], for an audit that also holds the attempts of all entries against each other at once.
    pub(in crate::ledger) const fn audited_in_bulk(connection: &'a Connection) -> Self {
        Self { connection, index: None, in_bulk: true }
    }

    /// Whether whoever asks compares every row itself.
    pub(in crate::ledger) const fn are_audited(&self) -> bool {
        self.index.is_none()
    }

    /// Whether whoever asks finds attempts that are recorded twice by itself.
    pub(in crate::ledger) const fn are_audited_in_bulk(&self) -> bool {
        self.in_bulk
    }

    pub(in crate::ledger) const fn connection(&self) -> &'a Connection {
        self.connection
    }

    /// The entries that name a key, in their order, at most so many.
    pub(in crate::ledger) fn of_key(&self, key: &UnitKey, most: usize) -> Result<Vec<u64>, LedgerFault> {
        let bucket = Bucket::of_key(key);
        let mut entries = Vec::new();
        self.bucket(bucket, |row| {
            if let Row::Fact { seq, kind, key: value } = row
                && (kind, value) == (key.kind.word(), key.value.as_str())
                && entries.len() < most
            {
                entries.push(seq);
            }
        })?;
        Ok(entries)
    }

    /// Where the unit of a verdict stands, and since which entry.
    pub(in crate::ledger) fn standing(&self, unit: u64) -> Result<Option<(State, u64)>, LedgerFault> {
        self.standing_before(unit, EVER)
    }

    /// Where the unit of a verdict stood after the entries before `seq`, and since which of them.
    pub(in crate::ledger) fn standing_before(&self, unit: u64, seq: u64) -> Result<Option<(State, u64)>, LedgerFault> {
        let last = match self.index {
            None => self
                .connection
                .prepare_cached(
                    "SELECT state, seq FROM custody WHERE bucket = ? AND unit = ? AND seq < ? \
                     ORDER BY seq DESC LIMIT 1",
                )?
                .query_row(params![Bucket::of_unit(unit).number(), unit, seq], |row| {
                    Ok((row.get::<_, String>(0)?, row.get::<_, u64>(1)?))
                })
                .optional()?,
            Some(_) => {
                let mut last = None;
                self.bucket(Bucket::of_unit(unit), |row| match row {
                    Row::Custody { seq: since, unit: of, state } if of == unit && since < seq => {
                        last = Some((state.to_owned(), since));
                    }
                    _ => {}
                })?;
                last
            }
        };
        last.map(|(word, since)| {
            let state = State::from_word(&word).ok_or_else(|| {
                LedgerFault::differs(format!("custody of entry {unit}"), "a state", format!("{word:?}"))
            })?;
            Ok((state, since))
        })
        .transpose()
    }

    /// The highest value of each name of one kind of version, by name.
    pub(in crate::ledger) fn highest(&self, kind: &str) -> Result<BTreeMap<String, u64>, LedgerFault> {
        let mut highest = BTreeMap::new();
        self.bucket(Bucket::of_versions(kind), |row| {
            if let Row::Version { name, value, .. } = row {
                let highest: &mut u64 = highest.entry(name.to_owned()).or_default();
                *highest = value.max(*highest);
            }
        })?;
        Ok(highest)
    }

    /// Every row of a bucket in its order, held against the head.
    fn bucket(&self, bucket: Bucket, mut take: impl FnMut(Row<'_>)) -> Result<(), LedgerFault> {
        let mut chained = None;
        each(self.connection, bucket, EVER, |row| {
            chained = Some(bucket::chained(chained, &row.encoded()));
            take(row);
        })?;
        let Some(index) = self.index else { return Ok(()) };
        let head = index.head(self.connection, bucket)?;
        if chained == head { Ok(()) } else { Err(differs(&format!("bucket {bucket}"), head, chained)) }
    }
}

/// What the rows of a bucket that are of entries before `seq` come to.
pub(super) fn chained_before(connection: &Connection, bucket: Bucket, seq: u64) -> Result<Option<Sha256>, LedgerFault> {
    let mut chained = None;
    each(connection, bucket, seq, |row| chained = Some(bucket::chained(chained, &row.encoded())))?;
    Ok(chained)
}

fn each(
    connection: &Connection,
    bucket: Bucket,
    before: u64,
    mut take: impl FnMut(Row<'_>),
) -> Result<(), LedgerFault> {
    let text = |row: &rusqlite::Row<'_>, column: usize| row.get::<_, String>(column);
    match bucket.table() {
        Table::Fact => {
            let mut statement = connection.prepare_cached(FACTS)?;
            let mut rows = statement.query(params![bucket.number(), before])?;
            while let Some(row) = rows.next()? {
                let (kind, key) = (text(row, 1)?, text(row, 2)?);
                take(Row::Fact { seq: row.get(0)?, kind: &kind, key: &key });
            }
        }
        Table::Custody => {
            let mut statement = connection.prepare_cached(CUSTODY)?;
            let mut rows = statement.query(params![bucket.number(), before])?;
            while let Some(row) = rows.next()? {
                take(Row::Custody { seq: row.get(0)?, unit: row.get(1)?, state: &text(row, 2)? });
            }
        }
        Table::Version(kind) => {
            let mut statement = connection.prepare_cached(VERSIONS)?;
            let mut rows = statement.query(params![kind, before])?;
            while let Some(row) = rows.next()? {
                take(Row::Version { seq: row.get(0)?, name: &text(row, 1)?, value: row.get(2)? });
            }
        }
    }
    Ok(())
}
