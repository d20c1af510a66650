//! The right edge of a tree: its complete subtrees from left to right, enough to append and to state the root.

use super::{empty_root, node_hash};
use crate::values::digest::Sha256;
use crate::values::reason::Reason;

/// A complete subtree: the leaves `index << level` up to `(index + 1) << level`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Node {
    /// 0 for a leaf, 1 for two leaves, and so on.
    pub level: u8,
    /// Which of its level, counted from 0.
    pub index: u64,
    /// The hash over it.
    pub hash: Sha256,
}

/// Why hashes make no edge, or an edge takes no more leaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EdgeFault {
    /// A tree of this size has another number of complete subtrees.
    #[error("a tree of {size} leaves has {expected} complete subtrees, not {found}")]
    HashCount {
        /// Leaves of the tree.
        size: u64,
        /// Ones in the binary form of the size.
        expected: u32,
        /// Hashes given.
        found: usize,
    },
    /// 2^64 − 1 leaves: the size could not be written any more.
    #[error("the tree is full")]
    Full,
}

impl EdgeFault {
    /// The reason code.
    #[must_use]
    pub const fn reason(self) -> Reason {
        Reason::ProofMalformed
    }
}

/// The complete subtrees of a tree of `size` leaves, the largest (leftmost) first.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Edge {
    size: u64,
    hashes: Vec<Sha256>,
}

impl Edge {
    /// The edge of a tree of `size` leaves from the hashes of the nodes that [`edge_nodes`] names, in that order.
    /// Whether they are the right hashes is for the caller to find out: compare [`Edge::root`] with a signed one.
    ///
    /// # Errors
    /// [`EdgeFault::HashCount`].
    pub fn new(size: u64, hashes: Vec<Sha256>) -> Result<Self, EdgeFault> {
        let expected = size.count_ones();
        if usize::try_from(expected) == Ok(hashes.len()) {
            Ok(Self { size, hashes })
        } else {
            Err(EdgeFault::HashCount { size, expected, found: hashes.len() })
        }
    }

    /// Leaves of the tree.
    #[must_use]
    pub const fn size(&self) -> u64 {
        self.size
    }

    /// Hashes of the complete subtrees, the largest first.
    #[must_use]
    pub fn hashes(&self) -> &[Sha256] {
        &self.hashes
    }

    /// Appends a leaf by its hash. The answer is every complete subtree that came into being, the leaf itself first:
    /// exactly what is to be stored.
    ///
    /// # Errors
    /// [`EdgeFault::Full`]; the edge is then unchanged.
    pub fn push(&mut self, leaf: Sha256) -> Result<Vec<Node>, EdgeFault> {
        let size = self.size.checked_add(1).ok_or(EdgeFault::Full)?;
        let mut node = Node { level: 0, index: self.size, hash: leaf };
        let mut made = vec![node];
        // Every one at the low end of the old size is a complete subtree whose right sibling is now complete.
        for _ in 0..self.size.trailing_ones() {
            let Some(left) = self.hashes.pop() else { break };
            node = Node { level: node.level + 1, index: node.index >> 1, hash: node_hash(&left, &node.hash) };
            made.push(node);
        }
        self.hashes.push(node.hash);
        self.size = size;
        Ok(made)
    }

    /// The root of the tree (RFC 9162 section 2.1.1): the subtrees folded from right to left.
    #[must_use]
    pub fn root(&self) -> Sha256 {
        self.hashes.iter().rev().copied().reduce(|right, left| node_hash(&left, &right)).unwrap_or_else(empty_root)
    }
}

/// The places (level, index) of the complete subtrees of a tree of `size` leaves, the largest first.
#[must_use]
pub fn edge_nodes(size: u64) -> Vec<(u8, u64)> {
    range_nodes(0, size)
}

/// The complete subtrees that cover the leaves `begin..end`, where `begin` is a multiple of the largest of them.
pub(super) fn range_nodes(begin: u64, end: u64) -> Vec<(u8, u64)> {
    let mut nodes = Vec::new();
    let mut at = begin;
    while let Some(level) = end.saturating_sub(at).checked_ilog2() {
        nodes.push((u8::try_from(level).unwrap_or(u8::MAX), at >> level));
        at += 1 << level;
    }
    nodes
}

#[cfg(test)]
mod tests {
    use super::super::tests::{Whole, reference};
    use super::{Edge, EdgeFault, edge_nodes};
    use crate::values::digest::Sha256;
    use ct_merkle::mem_backed_tree::MemoryBackedTree;

    #[test]
    fn the_reference_tree_has_the_roots_of_rfc_6962() {
        let roots = [
            "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
            "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
            "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
            "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
            "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
            "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
            "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
            "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
            "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
        ];
        for (edge, root) in reference().edges.iter().zip(roots) {
            assert_eq!(edge.root().to_string(), root, "size {}", edge.size());
        }
    }

    #[test]
    fn every_root_up_to_256_leaves_is_the_one_of_an_independent_implementation() {
        let leaves: Vec<Vec<u8>> = (0..256_u32).map(|n| n.to_be_bytes().to_vec()).collect();
        let whole = Whole::of(leaves.clone());
        let mut oracle = MemoryBackedTree::<sha2::Sha256, Vec<u8>>::new();
        for (edge, leaf) in whole.edges.iter().skip(1).zip(leaves) {
            oracle.push(leaf);
            assert_eq!(edge.root().as_bytes().as_slice(), oracle.root().as_bytes().as_slice(), "size {}", edge.size());
        }
    }

    #[test]
    fn an_edge_read_back_from_stored_nodes_goes_on_as_if_it_had_never_been_away() {
        let whole = Whole::of((0..256_u32).map(|n| n.to_le_bytes().to_vec()));
        for (size, edge) in whole.edges.iter().enumerate() {
            let size = u64::try_from(size).unwrap();
            let hashes = edge_nodes(size).into_iter().map(|(level, index)| whole.node(level, index).unwrap());
            assert_eq!(&Edge::new(size, hashes.collect()).unwrap(), edge);
        }
        // A tree of n leaves has n − 1 nodes above them when it is complete.
        assert_eq!(whole.nodes.len(), 511);
    }

    #[test]
    fn an_edge_with_a_hash_too_many_or_too_few_or_of_a_full_tree_is_refused() {
        let hash = Sha256::of(b"x");
        assert_eq!(Edge::new(3, vec![hash]), Err(EdgeFault::HashCount { size: 3, expected: 2, found: 1 }));
        assert_eq!(Edge::new(0, vec![hash]), Err(EdgeFault::HashCount { size: 0, expected: 0, found: 1 }));
        let mut full = Edge::new(u64::MAX, vec![hash; 64]).unwrap();
        assert_eq!(full.push(hash), Err(EdgeFault::Full));
        assert_eq!(full.hashes().len(), 64);
        assert_eq!(edge_nodes(u64::MAX).first(), Some(&(63, 0)));
        assert_eq!(edge_nodes(u64::MAX).last(), Some(&(0, u64::MAX - 1)));
    }
}
