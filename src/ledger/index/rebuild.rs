//! The index made anew from its rows, in constant memory: for an audit.

use super::bucket::{Bucket, Row, VERSIONS, chained};
use super::node::{DEPTH, Node};
use super::{differs, node_differs};
use crate::ledger::fault::LedgerFault;
use crate::ledger::sums::Summed;
use ecugate_verifier::values::digest::Sha256;
use rusqlite::types::ValueRef;
use rusqlite::{Connection, Rows, Statement};

/// Gets the rows of `fact` and `custody` on the way, every column of them.
pub(in crate::ledger) type TakeRow<'a> = &'a mut dyn FnMut(Summed, &rusqlite::Row<'_>) -> Result<(), LedgerFault>;

/// Compares every stored node with what the rows come to, and answers the root and how many nodes there are.
pub(in crate::ledger) fn rebuild(connection: &Connection) -> Result<(Sha256, u64), LedgerFault> {
    rebuild_with(connection, &mut |_, _| Ok(()))
}

/// As [`rebuild`], for whoever has a use for the rows that it reads.
pub(in crate::ledger) fn rebuild_with(
    connection: &Connection,
    take: TakeRow<'_>,
) -> Result<(Sha256, u64), LedgerFault> {
    let mut nodes = Vec::new();
    for _ in 0..=DEPTH {
        nodes.push(connection.prepare("SELECT idx, children FROM index_node WHERE level = ? ORDER BY idx")?);
    }
    let mut tree = Rebuilt::new(connection, &mut nodes)?;
    let mut facts =
        connection.prepare("SELECT bucket, seq, key_kind, key FROM fact ORDER BY bucket, seq, key_kind, key")?;
    let mut rows = facts.query([])?;
    while let Some(row) = rows.next()? {
        let text = |column| row.get_ref(column).and_then(|value| value.as_str().map_err(rusqlite::Error::from));
        let (kind, key) = (text(2)?, text(3)?);
        let bucket = in_its_bucket("fact", row.get(0)?, Bucket::of_key_words(kind, key))?;
        tree.take(bucket, &Row::Fact { seq: row.get(1)?, kind, key })?;
        take(Summed::Fact, row)?;
    }
    let mut custody = connection.prepare("SELECT bucket, seq, unit, state FROM custody ORDER BY bucket, seq")?;
    let mut rows = custody.query([])?;
    while let Some(row) = rows.next()? {
        let unit = row.get(2)?;
        let bucket = in_its_bucket("custody", row.get(0)?, Bucket::of_unit(unit))?;
        let state = row.get_ref(3).and_then(|value| value.as_str().map_err(rusqlite::Error::from))?;
        tree.take(bucket, &Row::Custody { seq: row.get(1)?, unit, state })?;
        take(Summed::Custody, row)?;
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

/// One level of the tree.
struct Level<'a> {
    /// The node that is being made.
    open: Node,
    /// Those that are stored, in the order in which they are made.
    stored: Rows<'a>,
    /// Whether the stored ones were the ones made, up to here.
    in_step: bool,
}

impl Level<'_> {
    /// Whether the next stored node is this one. After one that was not, none is: they are looked up then.
    fn is_next(&mut self, prefix: u32, node: &Node) -> Result<bool, LedgerFault> {
        if self.in_step {
            let next = self.stored.next()?;
            let next = next.map(|row| Ok::<_, rusqlite::Error>((row.get_ref(0)?, row.get_ref(1)?))).transpose()?;
            self.in_step = next == Some((ValueRef::Integer(prefix.into()), ValueRef::Blob(&node.encode())));
        }
        Ok(self.in_step)
    }
}

/// The tree as far as it is made: the nodes above the bucket at hand.
struct Rebuilt<'a> {
    connection: &'a Connection,
    bucket: Option<Bucket>,
    chained: Option<Sha256>,
    /// From the top down.
    levels: Vec<Level<'a>>,
    nodes: u64,
}

impl<'a> Rebuilt<'a> {
    fn new(connection: &'a Connection, nodes: &'a mut [Statement<'_>]) -> Result<Self, LedgerFault> {
        let mut levels = Vec::new();
        for (level, stored) in (0..=DEPTH).zip(nodes) {
            levels.push(Level { open: Node::default(), stored: stored.query([level])?, in_step: true });
        }
        Ok(Self { connection, bucket: None, chained: None, levels, nodes: 0 })
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
            let Some(at) = self.levels.get_mut(usize::from(level)) else { continue };
            at.open.set(ended.branch(level), below);
            if next.is_some_and(|next| next.prefix(level) == ended.prefix(level)) {
                return Ok(());
            }
            let node = std::mem::take(&mut at.open);
            let (prefix, hash) = (ended.prefix(level), node.hash(level));
            if !at.is_next(prefix, &node)? {
                let stored = Node::stored(self.connection, level, prefix)?;
                if stored != node {
                    return Err(node_differs(level, prefix, &hash, Some(stored.hash(level))));
                }
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
