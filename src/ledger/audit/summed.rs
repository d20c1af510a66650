//! The audit by sums: whole tables are compared, and the answer is that everything holds, or that something does not.
//!
//! No row that follows from an entry is looked up. Rows of `act`, `fact`, `claim`, `custody`, `part`, `version` and `node`
//! are summed up twice: as they follow from the entries, and as each table holds them, read from its begin to its end. How
//! that compares them, and how surely, stands in `sums`. That the rows lie in the order in which they are searched, and
//! that each index has exactly the rows of its table, SQLite's own check says, which is part of this way too.

use super::walk::{StoredEntry, through_entries};
use super::{Audit, Depth, tables};
use crate::ledger::Ledger;
use crate::ledger::examine::{Examined, Examiner, Rigour};
use crate::ledger::fault::LedgerFault;
use crate::ledger::index::{Rows as Derived, rebuild_with};
use crate::ledger::projection::{Highest, Projection, Version};
use crate::ledger::record::Reading;
use crate::ledger::rules::History;
use crate::ledger::state::{check_leaf_hash, push, tree_size};
use crate::ledger::sums::{Summed, Sums, integer};
use ecugate_verifier::syntax::merkle::Edge;
use ecugate_verifier::values::digest::Sha256;
use ecugate_verifier::values::finding::Finding;
use rusqlite::types::ValueRef;
use rusqlite::{Connection, Rows};

impl Ledger {
    /// The audit of a ledger in which everything holds, or the first thing found that does not.
    pub(in crate::ledger) fn audit_by_sums(
        &self,
        connection: &Connection,
        depth: Depth,
        key: &[u8; 32],
    ) -> Result<Audit, Finding> {
        let mut audit = Audit::new(depth, tree_size(connection)?);
        let due = self.sum_entries(connection, &mut audit, key)?;
        require_rows(connection, &due, key)?;
        tables::require_attempts(connection)?;
        require_blobs(connection, &due, key, &mut audit)?;
        tables::audit_file(connection)?;
        self.state(connection)?;
        Ok(audit)
    }

    /// Holds every entry, and answers the sums of the rows that follow from all of them.
    fn sum_entries(&self, connection: &Connection, audit: &mut Audit, key: &[u8; 32]) -> Result<Sums, LedgerFault> {
        let mut checkpoints = connection.prepare("SELECT size, note, index_note FROM checkpoint ORDER BY size")?;
        let mut walk = Walk {
            ledger: self,
            connection,
            edge: Edge::default(),
            history: History::default(),
            highest: Highest::default(),
            due: Sums::new(key),
            checkpoints: Checkpoints::new(checkpoints.query([])?)?,
            audit,
        };
        let (examiner, rigour) = (self.examiner(), walk.audit.depth.rigour());
        let look = |batch: Vec<StoredEntry>| Looked::at(examiner, &batch, rigour, key);
        through_entries(connection, look, |looked| walk.take(looked?).map(|()| true))?;
        let size = walk.edge.size();
        walk.history.end().map_err(|breach| breach.stored(size))?;
        walk.checkpoints.end()?;
        if size != walk.audit.size {
            let (expected, found) = (format!("{} entries", walk.audit.size), format!("{size} entries"));
            return Err(LedgerFault::differs("the entries", expected, found));
        }
        Ok(walk.due)
    }
}

/// Every table that is summed up holds the rows that are due, and those that this version does not write hold none.
fn require_rows(connection: &Connection, due: &Sums, key: &[u8; 32]) -> Result<(), LedgerFault> {
    let mut stored = Sums::new(key);
    // The index is made anew from the rows of two of the tables: they are read once for both.
    let made = rebuild_with(connection, &mut |table, row| stored.add_stored(table, row))?;
    tables::audit_index(connection, made)?;
    for table in [Summed::Act, Summed::Claim, Summed::Part, Summed::Version, Summed::Node] {
        stored.add_table(connection, table)?;
    }
    for table in Summed::TABLES {
        due.require(&stored, table)?;
    }
    tables::require_count(connection, "cosignature", 0)?;
    tables::require_count(connection, "outside_mark", 0)
}

/// Blobs that are parts of several entries and are kept in mind at once: less than a MiB. With more of them, each blob is
/// looked up.
const SHARED_BLOBS: usize = 16_384;

/// Each blob has its digest and is a part as what it is, and each part has its blob.
///
/// A blob may be named as something else by a later entry than the one that brought it. Then, as with very many blobs that
/// are shared, each blob is looked up as the other way does.
fn require_blobs(connection: &Connection, due: &Sums, key: &[u8; 32], audit: &mut Audit) -> Result<(), Finding> {
    let stored = match shared_blobs(connection, SHARED_BLOBS)? {
        Some(shared) => sum_blobs(connection, &shared, key)?,
        None => Sums::new(key),
    };
    if due.require(&stored, Summed::Blob).is_ok() {
        return Ok(());
    }
    tables::audit_blobs(connection, audit)?;
    match audit.differences.drain(..).next() {
        Some(found) => Err(found),
        None => Ok(()),
    }
}

/// Blobs by their digests, and how many parts each of them is.
type Shared = Vec<([u8; 32], u64)>;

/// The blobs that several parts are, and how many parts, in the order of their digests; `None` where they are more than
/// `most`.
fn shared_blobs(connection: &Connection, most: usize) -> Result<Option<Shared>, LedgerFault> {
    let mut several = connection.prepare(
        "SELECT sha256, count(*) FROM part INDEXED BY part_by_blob GROUP BY sha256 HAVING count(*) > 1 ORDER BY sha256",
    )?;
    let mut rows = several.query([])?;
    let mut shared = Vec::new();
    while let Some(row) = rows.next()? {
        if shared.len() == most {
            return Ok(None);
        }
        shared.push((row.get(0)?, row.get(1)?));
    }
    Ok(Some(shared))
}

/// The stored blobs, each held against its digest, and added as often as it is a part.
fn sum_blobs(connection: &Connection, shared: &[([u8; 32], u64)], key: &[u8; 32]) -> Result<Sums, LedgerFault> {
    let mut stored = Sums::new(key);
    let mut statement = connection.prepare("SELECT sha256, media_type, bytes FROM blob ORDER BY rowid")?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        let (sha256, digest) = (row.get(0)?, Sha256::of(row.get_ref(2)?.as_blob().map_err(rusqlite::Error::from)?));
        if digest.as_bytes() != &sha256 {
            let sha256 = Sha256::from_bytes(sha256);
            return Err(LedgerFault::differs(format!("blob {sha256}"), sha256.to_string(), digest.to_string()));
        }
        let place = shared.binary_search_by(|(shared, _)| shared.cmp(&sha256)).ok();
        let times = place.and_then(|place| shared.get(place)).map_or(1, |(_, times)| *times);
        stored.add_times(Summed::Blob, &[ValueRef::Blob(&sha256), row.get_ref(1)?], times);
    }
    Ok(stored)
}

/// What a core found in some entries that follow each other.
struct Looked {
    entries: Vec<LookedEntry>,
    /// The rows that follow from them alone.
    due: Sums,
}

/// One of them, which holds by itself.
struct LookedEntry {
    seq: u64,
    leaf_hash: Sha256,
    examined: Examined,
    versions: Vec<Version>,
}

impl Looked {
    fn at(examiner: Examiner<'_>, batch: &[StoredEntry], rigour: Rigour, key: &[u8; 32]) -> Result<Self, LedgerFault> {
        let (mut entries, mut due) = (Vec::with_capacity(batch.len()), Sums::new(key));
        for StoredEntry { seq, leaf, leaf_hash, envelope } in batch {
            let examined = examiner.examine(*seq, leaf, envelope.as_deref(), rigour)?;
            let computed = examined.leaf.hash();
            check_leaf_hash(*seq, leaf_hash, &computed)?;
            let mut versions = Vec::new();
            if let Reading::Understood(said) = &examined.reading {
                let projection = Projection::of(*seq, said.kind, &said.record);
                projection.sum(&mut due)?;
                versions = projection.into_versions();
            }
            entries.push(LookedEntry { seq: *seq, leaf_hash: computed, examined, versions });
        }
        Ok(Self { entries, due })
    }
}

/// The way through the entries, in their order.
struct Walk<'a> {
    ledger: &'a Ledger,
    connection: &'a Connection,
    edge: Edge,
    history: History,
    highest: Highest,
    due: Sums,
    checkpoints: Checkpoints<'a>,
    audit: &'a mut Audit,
}

impl Walk<'_> {
    fn take(&mut self, looked: Looked) -> Result<(), LedgerFault> {
        self.due.join(&looked.due);
        looked.entries.into_iter().try_for_each(|entry| self.take_entry(entry))
    }

    fn take_entry(&mut self, entry: LookedEntry) -> Result<(), LedgerFault> {
        let LookedEntry { seq, leaf_hash, examined, versions } = entry;
        let due = self.edge.size();
        if seq != due {
            return Err(LedgerFault::differs("the entries", format!("entry {due}"), format!("entry {seq}")));
        }
        Projection::sum_versions(&versions, seq, &mut self.highest, &mut self.due)?;
        let rows = Derived::audited_in_bulk(self.connection);
        self.history.take(rows, seq, &examined).map_err(|breach| breach.stored(seq))?;
        for node in push(&mut self.edge, leaf_hash)? {
            let (level, hash) = (ValueRef::Integer(node.level.into()), ValueRef::Blob(node.hash.as_bytes()));
            self.due.add(Summed::Node, &[level, integer(node.index)?, hash]);
        }
        if let Reading::NotUnderstood(kind) = examined.reading {
            self.audit.not_understood.push((seq, kind));
        }
        let Some((note, index_note)) = self.checkpoints.take_of(self.edge.size())? else { return Ok(()) };
        self.audit.checkpoints += 1;
        self.ledger.require_checkpoint(&self.edge, &note, &index_note, self.history.keys())
    }
}

/// The stored checkpoints, in the order of their sizes.
struct Checkpoints<'a> {
    rows: Rows<'a>,
    next: Option<(u64, String, String)>,
}

impl<'a> Checkpoints<'a> {
    fn new(rows: Rows<'a>) -> Result<Self, LedgerFault> {
        let mut checkpoints = Self { rows, next: None };
        checkpoints.advance()?;
        Ok(checkpoints)
    }

    fn advance(&mut self) -> Result<(), LedgerFault> {
        let next = self.rows.next()?;
        self.next = next.map(|row| Ok::<_, LedgerFault>((row.get(0)?, row.get(1)?, row.get(2)?))).transpose()?;
        Ok(())
    }

    /// The notes of the checkpoint of this size, if there is one. Sizes are asked for in their order.
    fn take_of(&mut self, size: u64) -> Result<Option<(String, String)>, LedgerFault> {
        match self.next.take_if(|(next, ..)| *next == size) {
            Some((_, note, index_note)) => {
                self.advance()?;
                Ok(Some((note, index_note)))
            }
            None => Ok(None),
        }
    }

    /// No checkpoint may be left: it would be of a tree that there is not.
    fn end(&self) -> Result<(), LedgerFault> {
        match &self.next {
            Some((size, ..)) => {
                Err(LedgerFault::differs("checkpoint", "none of more entries", format!("one of {size}")))
            }
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::shared_blobs;
    use rusqlite::Connection;

    #[test]
    fn blobs_that_are_shared_are_kept_in_mind_up_to_a_number_and_none_of_them_above_it() {
        let connection = Connection::open_in_memory().unwrap();
        connection
            .execute_batch(
                "CREATE TABLE part (seq INTEGER, sha256 BLOB, media_type TEXT, PRIMARY KEY (seq, sha256)) WITHOUT ROWID;
                 CREATE INDEX part_by_blob ON part (sha256);",
            )
            .unwrap();
        for (seq, byte) in [(1, 9_u8), (1, 2), (2, 9), (3, 5), (4, 5), (5, 5)] {
            connection.execute("INSERT INTO part VALUES (?, ?, 'x')", rusqlite::params![seq, [byte; 32]]).unwrap();
        }
        assert_eq!(shared_blobs(&connection, 2).unwrap(), Some(vec![([5; 32], 3), ([9; 32], 2)]));
        assert_eq!(shared_blobs(&connection, 1).unwrap(), None);
    }
}
