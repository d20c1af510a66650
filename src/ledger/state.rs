//! The tree and its latest checkpoint: read, and verified against each other before anything is built on them.

use super::Ledger;
use super::examine::{Examined, Rigour};
use super::fault::LedgerFault;
use super::index::{Index, Link, Rows};
use super::keys::KeySet;
use super::kind::EntryKind;
use super::lookup::key_change;
use super::projection::{Projection, Tally};
use super::record::{Reading, Said};
use super::rules::History;
use ecugate_verifier::syntax::merkle::{Edge, Node, edge_nodes, inclusion_proof, verify_inclusion};
use ecugate_verifier::syntax::note::VerifiedCheckpoint;
use ecugate_verifier::values::digest::Sha256;
use rusqlite::{Connection, OptionalExtension as _, params};

/// The tree and its index as they stand, every entry covered by the checkpoint or verified here.
#[derive(Debug)]
pub(super) struct State {
    pub(super) edge: Edge,
    pub(super) index: Index,
    pub(super) checkpoint: Option<VerifiedCheckpoint>,
    /// What the next entry is held against.
    pub(super) history: History,
    /// The entry by which officers changed the keys.
    pub(super) change: Option<u64>,
}

impl State {
    /// Whether the checkpoint covers every entry.
    pub(super) fn is_covered(&self) -> bool {
        self.checkpoint.as_ref().is_some_and(|checkpoint| checkpoint.size() == self.edge.size())
    }
}

/// A stored checkpoint, verified, and the root of the index at its size.
#[derive(Debug)]
pub(super) struct Covered {
    pub(super) checkpoint: VerifiedCheckpoint,
    pub(super) index: Sha256,
}

impl Ledger {
    /// Reads the state. The tree at the checkpoint's size must lead to its root, the index to the root that was signed
    /// with it, and every entry after it must hold by itself, with its nodes and rows: what somebody slipped in behind
    /// the checkpoint is not adopted.
    pub(super) fn state(&self, connection: &Connection) -> Result<State, LedgerFault> {
        let size = tree_size(connection)?;
        let change = self.key_change(connection)?;
        let latest = self.latest_checkpoint(connection, change)?;
        let (checkpoint, signed) = match latest {
            Some(Covered { checkpoint, index }) => (Some(checkpoint), index),
            None => (None, Index::default().root()),
        };
        let covered = checkpoint.as_ref().map_or(0, VerifiedCheckpoint::size);
        if covered > size {
            return Err(LedgerFault::differs("the tree", format!("at least {covered} entries"), format!("{size}")));
        }
        let mut edge = stored_edge(connection, covered)?;
        if let Some(checkpoint) = checkpoint.as_ref().filter(|checkpoint| edge.root() != *checkpoint.root()) {
            let (expected, found) = (checkpoint.root().to_string(), edge.root().to_string());
            return Err(LedgerFault::differs(format!("the root at {covered} entries"), expected, found));
        }
        let (mut entries, mut added) = (Vec::new(), Vec::new());
        for seq in covered..size {
            entries.push(self.adopt(connection, seq, &mut edge, &mut added)?);
        }
        let index = Index::stored(connection)?;
        index.require_since(connection, &signed, covered, &added)?;
        // Only now can they be held against those before them: what stands before them is known to be whole.
        let mut history = History::after(connection, covered, change)?;
        for (seq, entry) in (covered..).zip(&entries) {
            history.take(Rows::verified(connection, &index), seq, entry).map_err(|breach| breach.stored(seq))?;
        }
        history.end().map_err(|breach| breach.stored(size))?;
        Ok(State { edge, index, checkpoint, history, change })
    }

    /// The stored checkpoint of the largest size, verified.
    pub(super) fn latest_checkpoint(
        &self,
        connection: &Connection,
        change: Option<u64>,
    ) -> Result<Option<Covered>, LedgerFault> {
        let row = connection
            .prepare_cached("SELECT size, note, index_note FROM checkpoint ORDER BY size DESC LIMIT 1")?
            .query_row([], |row| Ok((row.get::<_, u64>(0)?, row.get::<_, String>(1)?, row.get::<_, String>(2)?)))
            .optional()?;
        let Some((size, note, index_note)) = row else { return Ok(None) };
        self.open_checkpoint(size, &note, &index_note, KeySet::at(size, change)).map(Some)
    }

    /// A stored checkpoint and what was signed with it, verified under the key that was entitled at its size.
    pub(super) fn open_checkpoint(
        &self,
        size: u64,
        note: &str,
        index_note: &str,
        keys: KeySet,
    ) -> Result<Covered, LedgerFault> {
        let open = |place: String, note: &str, key| {
            let opened = VerifiedCheckpoint::open(note.as_bytes(), key, self.means())
                .map_err(|fault| LedgerFault::differs(&place, "a note signed by the log key", fault.to_string()))?;
            if opened.size() != size {
                return Err(LedgerFault::differs(place, size.to_string(), opened.size().to_string()));
            }
            Ok(opened)
        };
        let checkpoint = open(format!("the checkpoint of {size} entries"), note, self.log_key(keys)?)?;
        let index = open(format!("the index of {size} entries"), index_note, self.index_key(keys)?)?;
        Ok(Covered { checkpoint, index: *index.root() })
    }

    /// The entry by which officers changed the keys, verified: which key a checkpoint must be signed with follows from
    /// it, so a row that says so is not enough.
    pub(super) fn key_change(&self, connection: &Connection) -> Result<Option<u64>, LedgerFault> {
        let change = key_change(connection)?;
        let Some(seq) = change.filter(|_| self.changed.get() != change) else { return Ok(change) };
        let (leaf, envelope) = connection
            .prepare_cached("SELECT leaf, envelope FROM entry WHERE seq = ?")?
            .query_row([seq], |row| Ok((row.get::<_, Vec<u8>>(0)?, row.get::<_, Option<Vec<u8>>>(1)?)))
            .optional()?
            .ok_or_else(|| LedgerFault::differs(format!("entry {seq}"), "an entry", "none"))?;
        let entry = self.examiner().examine(seq, &leaf, envelope.as_deref(), Rigour::Signatures)?;
        match entry.reading {
            Reading::Understood(said) if said.kind == EntryKind::KeyChange && entry.keys == KeySet::Standby => {
                self.changed.set(change);
                Ok(change)
            }
            _ => Err(LedgerFault::differs(format!("entry {seq}"), "a key change by the standby keys", "another entry")),
        }
    }

    /// Takes an entry that no checkpoint covers into the tree, if everything about it holds.
    fn adopt(
        &self,
        connection: &Connection,
        seq: u64,
        edge: &mut Edge,
        added: &mut Vec<Link>,
    ) -> Result<Examined, LedgerFault> {
        let row = connection
            .prepare_cached("SELECT leaf, leaf_hash, envelope FROM entry WHERE seq = ?")?
            .query_row([seq], |row| {
                Ok((row.get::<_, Vec<u8>>(0)?, row.get::<_, [u8; 32]>(1)?, row.get::<_, Option<Vec<u8>>>(2)?))
            })
            .optional()?;
        let (leaf, leaf_hash, envelope) =
            row.ok_or_else(|| LedgerFault::differs(format!("entry {seq}"), "an entry", "none"))?;
        let entry = self.examiner().examine(seq, &leaf, envelope.as_deref(), Rigour::Signatures)?;
        match &entry.reading {
            Reading::NotUnderstood(kind) => {
                let why = format!("entry {seq} is of kind {kind:?}, which this version does not understand");
                return Err(LedgerFault::Newer(why));
            }
            Reading::Understood(said) => {
                added.extend(Projection::of(seq, said.kind, &said.record).check(connection, &mut Tally::default())?);
            }
        }
        check_leaf_hash(seq, &leaf_hash, &entry.leaf.hash())?;
        for node in push(edge, entry.leaf.hash())? {
            check_node(connection, &node)?;
        }
        Ok(entry)
    }

    /// What a stored entry says, proven to stand in the tree: no row about it is believed.
    pub(super) fn said_at(&self, connection: &Connection, edge: &Edge, seq: u64) -> Result<Box<Said>, LedgerFault> {
        let place = || format!("entry {seq}");
        let (leaf, envelope) = connection
            .prepare_cached("SELECT leaf, envelope FROM entry WHERE seq = ?")?
            .query_row([seq], |row| Ok((row.get::<_, Vec<u8>>(0)?, row.get::<_, Option<Vec<u8>>>(1)?)))
            .optional()?
            .ok_or_else(|| LedgerFault::differs(place(), "stored", "none"))?;
        let entry = self.examiner().examine(seq, &leaf, envelope.as_deref(), Rigour::Structure)?;
        let size = edge.size();
        let proof = inclusion_proof(seq, size, |level, index| stored_node(connection, level, index))?
            .map_err(|fault| LedgerFault::differs(place(), "a proof", fault.to_string()))?;
        verify_inclusion(&entry.leaf.hash(), seq, size, &proof, &edge.root())
            .map_err(|fault| LedgerFault::differs(place(), "under the root of the tree", fault.to_string()))?;
        match entry.reading {
            Reading::Understood(said) => Ok(said),
            Reading::NotUnderstood(kind) => Err(LedgerFault::Newer(format!(
                "entry {seq} is of kind {kind:?}, which this version does not understand"
            ))),
        }
    }
}

/// Entries in the tree.
pub(super) fn tree_size(connection: &Connection) -> Result<u64, LedgerFault> {
    let last =
        connection.prepare_cached("SELECT max(seq) FROM entry")?.query_row([], |row| row.get::<_, Option<u64>>(0))?;
    Ok(last.map_or(0, |last| last.saturating_add(1)))
}

/// Appends to the edge.
pub(super) fn push(edge: &mut Edge, leaf: Sha256) -> Result<Vec<Node>, LedgerFault> {
    let size = edge.size();
    edge.push(leaf)
        .map_err(|fault| LedgerFault::differs(format!("the tree of {size} entries"), "room", fault.to_string()))
}

/// The edge of the first `size` entries, from stored nodes.
pub(super) fn stored_edge(connection: &Connection, size: u64) -> Result<Edge, LedgerFault> {
    let hashes = edge_nodes(size)
        .into_iter()
        .map(|(level, index)| stored_node(connection, level, index))
        .collect::<Result<Vec<_>, _>>()?;
    Edge::new(size, hashes)
        .map_err(|fault| LedgerFault::differs("the edge of the tree", "its nodes", fault.to_string()))
}

/// A stored node.
pub(super) fn stored_node(connection: &Connection, level: u8, index: u64) -> Result<Sha256, LedgerFault> {
    let hash = connection
        .prepare_cached("SELECT hash FROM node WHERE level = ? AND idx = ?")?
        .query_row(params![level, index], |row| row.get::<_, [u8; 32]>(0))
        .optional()?;
    hash.map(Sha256::from_bytes)
        .ok_or_else(|| LedgerFault::differs(format!("node {level}/{index}"), "a complete subtree", "none"))
}

/// Compares a stored node with the one that follows from the leaves.
pub(super) fn check_node(connection: &Connection, node: &Node) -> Result<(), LedgerFault> {
    let found = stored_node(connection, node.level, node.index)?;
    if found == node.hash {
        return Ok(());
    }
    let place = format!("node {}/{}", node.level, node.index);
    Err(LedgerFault::differs(place, node.hash.to_string(), found.to_string()))
}

/// Compares a stored leaf hash with that of the leaf.
pub(super) fn check_leaf_hash(seq: u64, stored: &[u8; 32], computed: &Sha256) -> Result<(), LedgerFault> {
    if stored == computed.as_bytes() {
        return Ok(());
    }
    let found = Sha256::from_bytes(*stored).to_string();
    Err(LedgerFault::differs(format!("leaf hash of entry {seq}"), computed.to_string(), found))
}
