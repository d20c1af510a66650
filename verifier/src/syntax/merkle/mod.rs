//! The Merkle tree of the ledger (RFC 9162 section 2, the SHA-256 tree of RFC 6962): hashes, appending, proofs.
//!
//! A tree is stored as its *complete* subtrees only: node (level, index) covers the leaves `index << level` up to
//! `(index + 1) << level`, and once it exists it never changes. An [`Edge`] holds the few complete subtrees that make
//! up a tree of one size, and is all that appending needs.

mod edge;

mod proof;

pub mod case;

pub use edge::{Edge, EdgeFault, Node, edge_nodes};
pub use proof::{ProofFault, consistency_proof, inclusion_proof, verify_consistency, verify_inclusion};

use crate::values::digest::{Hasher, Sha256};

/// The hash of a leaf: SHA-256 of 0x00 and its bytes (RFC 9162 section 2.1.1).
#[must_use]
pub fn leaf_hash(leaf: &[u8]) -> Sha256 {
    let mut hasher = Hasher::default();
    hasher.update(&[0]);
    hasher.update(leaf);
    hasher.finish()
}

/// The hash of a node: SHA-256 of 0x01 and the hashes of its two children (RFC 9162 section 2.1.1).
#[must_use]
pub fn node_hash(left: &Sha256, right: &Sha256) -> Sha256 {
    let mut hasher = Hasher::default();
    hasher.update(&[1]);
    hasher.update(left.as_bytes());
    hasher.update(right.as_bytes());
    hasher.finish()
}

/// The root of the tree without leaves: SHA-256 of nothing (RFC 9162 section 2.1.1).
#[must_use]
pub fn empty_root() -> Sha256 {
    Sha256::of(&[])
}

#[cfg(test)]
pub(crate) mod tests {
    use super::{Edge, Node, leaf_hash};
    use crate::values::digest::{Sha256, hex};
    use std::collections::BTreeMap;

    /// The eight leaves of the reference tree of Certificate Transparency (`merkletree/merkle_tree_test.cc` there).
    pub(crate) const REFERENCE_LEAVES: [&str; 8] =
        ["", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f"];

    /// A whole tree in memory: nodes by place, and the edge of every size.
    pub(crate) struct Whole {
        pub(crate) nodes: BTreeMap<(u8, u64), Sha256>,
        pub(crate) edges: Vec<Edge>,
        pub(crate) leaves: Vec<Sha256>,
    }

    impl Whole {
        pub(crate) fn of(leaves: impl IntoIterator<Item = Vec<u8>>) -> Self {
            let mut whole = Self { nodes: BTreeMap::new(), edges: vec![Edge::default()], leaves: Vec::new() };
            let mut edge = Edge::default();
            for leaf in leaves {
                let hash = leaf_hash(&leaf);
                whole.leaves.push(hash);
                for Node { level, index, hash } in edge.push(hash).unwrap() {
                    assert_eq!(whole.nodes.insert((level, index), hash), None, "a node came into being twice");
                }
                whole.edges.push(edge.clone());
            }
            whole
        }

        pub(crate) fn node(&self, level: u8, index: u64) -> Result<Sha256, (u8, u64)> {
            self.nodes.get(&(level, index)).copied().ok_or((level, index))
        }
    }

    pub(crate) fn reference() -> Whole {
        Whole::of(REFERENCE_LEAVES.iter().map(|leaf| hex::decode(leaf).unwrap()))
    }
}
