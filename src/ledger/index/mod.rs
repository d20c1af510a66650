//! The index: the rows by which a box is looked up, under a signature of their own.
//!
//! That nothing was seen of a box is a row that is *not* there, and no look at the entries shows that a row was taken
//! away. So the rows of `fact`, `custody` and `version` lie in buckets. The rows of a bucket are chained into its
//! **head**, the heads are the leaves of a tree of fixed shape, and its root is signed with each checkpoint. Whoever
//! looks a key up reads its whole bucket and holds it against that root (`docs/ledger.md`, *The index*).

mod bucket;
mod node;
mod rebuild;
mod rows;

pub(super) use bucket::{Bucket, Link, Row};
pub(super) use rebuild::{rebuild, rebuild_with, require_root};
pub(super) use rows::Rows;

use super::fault::LedgerFault;
use bucket::chained;
use ecugate_verifier::values::digest::Sha256;
use node::{DEPTH, Node, place};
use rusqlite::Connection;
use std::collections::BTreeMap;

/// The tree over the heads, as far as it is at hand: its top, and the heads that the open transaction has moved.
#[derive(Clone, Debug, Default)]
pub(super) struct Index {
    top: Node,
    /// By members that are written.
    moved: BTreeMap<Bucket, Sha256>,
    /// By the member that is being written.
    moving: BTreeMap<Bucket, Sha256>,
}

impl Index {
    /// The tree as it is stored. It counts for nothing before its root was held against a signed one.
    pub(super) fn stored(connection: &Connection) -> Result<Self, LedgerFault> {
        Ok(Self { top: Node::stored(connection, 0, 0)?, ..Self::default() })
    }

    /// The root over the heads that are stored.
    pub(super) fn root(&self) -> Sha256 {
        self.top.hash(0)
    }

    /// The head of a bucket; `None` where it has no rows.
    pub(super) fn head(&self, connection: &Connection, bucket: Bucket) -> Result<Option<Sha256>, LedgerFault> {
        if let Some(head) = self.moving.get(&bucket).or_else(|| self.moved.get(&bucket)) {
            return Ok(Some(*head));
        }
        let mut node = self.top.clone();
        for level in 0..DEPTH {
            let Some(hash) = node.child(bucket.branch(level)) else { return Ok(None) };
            node = Node::verified(connection, level + 1, bucket.prefix(level + 1), &hash)?;
        }
        Ok(node.child(bucket.branch(DEPTH)))
    }

    /// Takes a row that is written into the head of its bucket.
    pub(super) fn link(&mut self, connection: &Connection, link: &Link) -> Result<(), LedgerFault> {
        let head = self.head(connection, link.bucket)?;
        self.moving.insert(link.bucket, chained(head, &link.row));
        Ok(())
    }

    /// The member is written.
    pub(super) fn keep(&mut self) {
        self.moved.append(&mut self.moving);
    }

    /// The member was undone.
    pub(super) fn undo(&mut self) {
        self.moving.clear();
    }

    /// Writes the nodes over the heads that moved.
    pub(super) fn write(&mut self, connection: &Connection) -> Result<(), LedgerFault> {
        let heads = std::mem::take(&mut self.moved).into_iter().map(|(bucket, head)| (bucket, Some(head))).collect();
        let mut made = Vec::new();
        self.top = self.with(connection, &heads, &mut made)?;
        for (level, prefix, node) in made {
            node.write(connection, level, prefix)?;
        }
        Ok(())
    }

    /// Holds the stored tree against a signed root of earlier: it must be that tree with these rows added, in their
    /// order, and nothing else. `seq` is the first entry that the signed root does not know of.
    pub(super) fn require_since(
        &self,
        connection: &Connection,
        signed: &Sha256,
        seq: u64,
        added: &[Link],
    ) -> Result<(), LedgerFault> {
        let mut heads: BTreeMap<Bucket, (Option<Sha256>, Option<Sha256>)> = BTreeMap::new();
        for link in added {
            let heads = match heads.entry(link.bucket) {
                std::collections::btree_map::Entry::Occupied(heads) => heads.into_mut(),
                std::collections::btree_map::Entry::Vacant(place) => {
                    let before = rows::chained_before(connection, link.bucket, seq)?;
                    place.insert((before, before))
                }
            };
            heads.1 = Some(chained(heads.1, &link.row));
        }
        for (bucket, (_, after)) in &heads {
            let found = self.head(connection, *bucket)?;
            if found != *after {
                return Err(differs(&format!("bucket {bucket}"), *after, found));
            }
        }
        let before = heads.into_iter().map(|(bucket, (before, _))| (bucket, before)).collect();
        let root = self.with(connection, &before, &mut Vec::new())?.hash(0);
        if root == *signed {
            return Ok(());
        }
        Err(differs("its root", Some(*signed), Some(root)))
    }

    /// The top of the tree with other heads in their places. Every node on the way is verified.
    fn with(
        &self,
        connection: &Connection,
        heads: &BTreeMap<Bucket, Option<Sha256>>,
        made: &mut Vec<(u8, u32, Node)>,
    ) -> Result<Node, LedgerFault> {
        let heads: Vec<(Bucket, Option<Sha256>)> = heads.iter().map(|(bucket, head)| (*bucket, *head)).collect();
        if heads.is_empty() {
            return Ok(self.top.clone());
        }
        changed(connection, (0, 0), self.top.clone(), &heads, made)
    }
}

/// A node with other heads below it.
fn changed(
    connection: &Connection,
    (level, prefix): (u8, u32),
    mut node: Node,
    heads: &[(Bucket, Option<Sha256>)],
    made: &mut Vec<(u8, u32, Node)>,
) -> Result<Node, LedgerFault> {
    for below in heads.chunk_by(|(one, _), (other, _)| one.branch(level) == other.branch(level)) {
        let Some((bucket, head)) = below.first() else { continue };
        let branch = bucket.branch(level);
        if level == DEPTH {
            node.set(branch, *head);
            continue;
        }
        let (level, prefix) = (level + 1, bucket.prefix(level + 1));
        let child = match node.child(branch) {
            Some(hash) => Node::verified(connection, level, prefix, &hash)?,
            None => Node::default(),
        };
        let child = changed(connection, (level, prefix), child, below, made)?;
        node.set(branch, (!child.is_empty()).then(|| child.hash(level)));
    }
    made.push((level, prefix, node.clone()));
    Ok(node)
}

/// A difference between the index and what its root says.
fn differs(place: &str, expected: Option<Sha256>, found: Option<Sha256>) -> LedgerFault {
    let word = |head: Option<Sha256>| head.map_or_else(|| "no rows".to_owned(), |head| head.to_string());
    LedgerFault::differs(format!("the index, {place}"), word(expected), word(found))
}

/// As [`differs`], of a node.
fn node_differs(level: u8, prefix: u32, expected: &Sha256, found: Option<Sha256>) -> LedgerFault {
    let found = found.map_or_else(|| "none".to_owned(), |hash| hash.to_string());
    LedgerFault::differs(format!("the index, {}", place(level, prefix)), expected.to_string(), found)
}
