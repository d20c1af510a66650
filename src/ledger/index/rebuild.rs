//! The index made anew from its rows, in constant memory: for an audit.

use super::bucket::{Bucket, Row, VERSIONS, chained};
use super::node::{DEPTH, Node};
use super::{differs, node_differs};
use crate::ledger::fault::LedgerFault;
use ecugate_verifier::values::digest::Sha256;
use rusqlite::{Connection, Rows};

/// Compares every stored node with what the rows come to, and answers the root and how many nodes there are.
pub(in crate::ledger) fn rebuild(connection: &Connection) -> Result<(Sha256, u64), LedgerFault> {
    let mut tree = Rebuilt::new(connection);
    let mut facts =
        connection.prepare("SELECT bucket, seq, key_kind, key FROM fact ORDER BY bucket, seq, key_kind, key")?;
    let mut rows = facts.query([])?;
    while let Some(row) = rows.next()? {
        let text = |column| row.get_ref(column).and_then(|value| value.as_str().map_err(rusqlite::Error::from));
        let (kind, key) = (text(2)?, text(3)?);
        let bucket = in_its_bucket("fact", row.get(0)?, Bucket::of_key_words(kind, key))?;
        tree.take(bucket, &Row::Fact { seq: row.get(1)?, kind, key })?;
    }
    let mut custody = connection.prepare("SELECT bucket, seq, unit, state FROM custody ORDER BY bucket, seq")?;
    let mut rows = custody.query([])?;
    while let Some(row) = rows.next()? {
        let unit = row.get(2)?;
        let bucket = in_its_bucket("custody", row.get(0)?, Bucket::of_unit(unit))?;
        let state = row.get_ref(3).and_then(|value| value.as_str().map_err(rusqlite::Error::from))?;
        tree.take(bucket, &Row::Custody { seq: row.get(1)?, unit, state })?;
    }
    let mut versions =
        connection.prepare("SELECT seq, name, value FROM version WHERE kind = ? ORDER BY seq, name, value")?;
    for kind in VERSIONS {
        take_versions(&mut tree, kind, versions.query([kind])?)?;
    }
    tree.end()
}

fn take_versions(tree: &mut Rebuilt<'_>, kind: &str, mut rows: Rows<'_>) -> Result<(), LedgerFault> {
    while let Some(row) = rows.next()? {
        let name: String = row.get(1)?;
        tree.take(Bucket::of_versions(kind), &Row::Version { seq: row.get(0)?, name: &name, value: row.get(2)? })?;
    }
    Ok(())
}

fn in_its_bucket(table: &str, stored: u32, due: Bucket) -> Result<Bucket, LedgerFault> {
    if stored == due.number() {
        return Ok(due);
    }
    Err(LedgerFault::differs(format!("bucket of a {table}"), due.to_string(), stored.to_string()))
}

/// The tree as far as it is made: the nodes above the bucket at hand.
struct Rebuilt<'a> {
    connection: &'a Connection,
    bucket: Option<Bucket>,
    chained: Option<Sha256>,
    /// From the top down.
    open: [Node; DEPTH as usize + 1],
    nodes: u64,
}

impl<'a> Rebuilt<'a> {
    fn new(connection: &'a Connection) -> Self {
        Self { connection, bucket: None, chained: None, open: Default::default(), nodes: 0 }
    }

    /// The next row, in the order of the buckets.
    fn take(&mut self, bucket: Bucket, row: &Row<'_>) -> Result<(), LedgerFault> {
        if self.bucket != Some(bucket) {
            self.close(Some(bucket))?;
        }
        self.chained = Some(chained(self.chained, &row.encoded()));
        Ok(())
    }

    /// Ends the bucket at hand, and every node that the next one does not lie under.
    fn close(&mut self, next: Option<Bucket>) -> Result<(), LedgerFault> {
        let (ended, head) = (std::mem::replace(&mut self.bucket, next), self.chained.take());
        let Some(ended) = ended else { return Ok(()) };
        let mut below = head;
        for level in (0..=DEPTH).rev() {
            let Some(node) = self.open.get_mut(usize::from(level)) else { continue };
            node.set(ended.branch(level), below);
            if next.is_some_and(|next| next.prefix(level) == ended.prefix(level)) {
                return Ok(());
            }
            let node = std::mem::take(node);
            let (prefix, hash) = (ended.prefix(level), node.hash(level));
            let stored = Node::stored(self.connection, level, prefix)?;
            if stored != node {
                return Err(node_differs(level, prefix, &hash, Some(stored.hash(level))));
            }
            self.nodes += 1;
            below = Some(hash);
        }
        self.chained = below;
        Ok(())
    }

    fn end(mut self) -> Result<(Sha256, u64), LedgerFault> {
        self.close(None)?;
        // What is left is the hash of the top, or nothing where there was no row.
        Ok((self.chained.unwrap_or_else(|| Node::default().hash(0)), self.nodes))
    }
}

/// Compares the root of what was made anew with the one at hand.
pub(in crate::ledger) fn require_root(made: &Sha256, due: &Sha256) -> Result<(), LedgerFault> {
    if made == due { Ok(()) } else { Err(differs("its root", Some(*due), Some(*made))) }
}
