//! The nodes of the tree over the heads: sixteen children each, of which only those that are there are kept.

use super::node_differs;
use crate::ledger::fault::LedgerFault;
use ecugate_verifier::values::digest::{Hasher, Sha256};
use rusqlite::{Connection, OptionalExtension as _, params};

/// The level whose children are heads; the top is level 0.
pub(super) const DEPTH: u8 = 4;

/// One node.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Node {
    children: [Option<Sha256>; 16],
}

impl Node {
    /// As it is stored, unverified. A node that is not there has no children.
    pub(super) fn stored(connection: &Connection, level: u8, prefix: u32) -> Result<Self, LedgerFault> {
        let bytes = connection
            .prepare_cached("SELECT children FROM index_node WHERE level = ? AND idx = ?")?
            .query_row(params![level, prefix], |row| row.get::<_, Vec<u8>>(0))
            .optional()?;
        let Some(bytes) = bytes else { return Ok(Self::default()) };
        Self::decode(&bytes).ok_or_else(|| {
            let found = format!("{} bytes", bytes.len());
            LedgerFault::differs(format!("the index, {}", place(level, prefix)), "a node", found)
        })
    }

    /// As it is stored, if it has this hash.
    pub(super) fn verified(
        connection: &Connection,
        level: u8,
        prefix: u32,
        hash: &Sha256,
    ) -> Result<Self, LedgerFault> {
        let node = Self::stored(connection, level, prefix)?;
        let found = (!node.is_empty()).then(|| node.hash(level));
        if found == Some(*hash) { Ok(node) } else { Err(node_differs(level, prefix, hash, found)) }
    }

    pub(super) fn write(&self, connection: &Connection, level: u8, prefix: u32) -> Result<(), LedgerFault> {
        connection
            .prepare_cached(
                "INSERT INTO index_node (level, idx, children) VALUES (?, ?, ?) \
                 ON CONFLICT (level, idx) DO UPDATE SET children = excluded.children",
            )?
            .execute(params![level, prefix, self.encode()])?;
        Ok(())
    }

    pub(super) fn is_empty(&self) -> bool {
        self.children.iter().all(Option::is_none)
    }

    pub(super) fn child(&self, branch: u8) -> Option<Sha256> {
        self.children.get(usize::from(branch)).copied().flatten()
    }

    pub(super) fn set(&mut self, branch: u8, child: Option<Sha256>) {
        if let Some(place) = self.children.get_mut(usize::from(branch)) {
            *place = child;
        }
    }

    /// SHA-256 of a word, the level, and what is stored.
    pub(super) fn hash(&self, level: u8) -> Sha256 {
        let mut hasher = Hasher::default();
        hasher.update(b"ecugate index node v1\0");
        hasher.update(&[level]);
        hasher.update(&self.encode());
        hasher.finish()
    }

    /// Two bytes that say which children there are, the first in the lowest bit, then those.
    pub(super) fn encode(&self) -> Vec<u8> {
        let there = (0..).zip(&self.children).filter(|(_, child)| child.is_some());
        let map = there.fold(0_u16, |map, (place, _): (u32, _)| map | 1 << place);
        let mut bytes = map.to_be_bytes().to_vec();
        bytes.extend(self.children.iter().flatten().flat_map(Sha256::as_bytes));
        bytes
    }

    fn decode(bytes: &[u8]) -> Option<Self> {
        let (map, mut rest) = bytes.split_first_chunk::<2>()?;
        let map = u16::from_be_bytes(*map);
        let mut node = Self::default();
        for (place, child) in (0_u32..).zip(&mut node.children) {
            if map & 1 << place != 0 {
                let (hash, after) = rest.split_first_chunk::<32>()?;
                *child = Some(Sha256::from_bytes(*hash));
                rest = after;
            }
        }
        rest.is_empty().then_some(node)
    }
}

/// What a node is called.
pub(super) fn place(level: u8, prefix: u32) -> String {
    format!("node {level}/{prefix}")
}

#[cfg(test)]
mod tests {
    use super::Node;
    use ecugate_verifier::values::digest::Sha256;
    use proptest::prelude::{any, proptest};

    proptest! {
        #[test]
        fn a_node_is_read_as_it_was_written_and_in_no_other_spelling(
            present in any::<[bool; 16]>(), seed in any::<u8>(), cut in 1_usize..34,
        ) {
            let mut node = Node::default();
            for (branch, present) in (0..16).zip(present) {
                node.set(branch, present.then(|| Sha256::of(&[seed, branch])));
            }
            let bytes = node.encode();
            assert_eq!(Node::decode(&bytes), Some(node.clone()));
            assert_eq!(Node::decode(&[bytes.as_slice(), &[0]].concat()), None);
            assert_eq!(Node::decode(&bytes[..bytes.len().saturating_sub(cut)]).filter(|cut| *cut == node), None);
        }
    }
}
