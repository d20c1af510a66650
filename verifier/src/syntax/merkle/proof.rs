//! Inclusion and consistency proofs (RFC 9162 sections 2.1.3 and 2.1.4): making them from stored nodes, and verifying
//! them with nothing but two roots.

use super::edge::range_nodes;
use super::node_hash;
use crate::values::digest::Sha256;
use crate::values::finding::Finding;
use crate::values::reason::Reason;

/// Why a proof proves nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ProofFault {
    /// The leaf is not in a tree of this size.
    #[error("leaf {index} is not in a tree of {size} leaves")]
    IndexOutside {
        /// The leaf asked for.
        index: u64,
        /// Leaves of the tree.
        size: u64,
    },
    /// Consistency with an empty tree says nothing, so nobody may lean on it.
    #[error("every tree is consistent with the empty one: that proves nothing")]
    FirstEmpty,
    /// The first tree is the larger one.
    #[error("the first tree has {first} leaves, the second only {second}")]
    SizesReversed {
        /// Leaves of the first tree.
        first: u64,
        /// Leaves of the second tree.
        second: u64,
    },
    /// Hashes are missing.
    #[error("the proof has {found} hashes, too few for these sizes")]
    TooShort {
        /// Hashes given.
        found: usize,
    },
    /// Hashes are left over.
    #[error("the proof has {found} hashes, too many for these sizes")]
    TooLong {
        /// Hashes given.
        found: usize,
    },
    /// The proof leads to another root.
    #[error("the proof leads to root {computed}, not to {stated}")]
    RootDiffers {
        /// The root that was to be proven.
        stated: Sha256,
        /// The root that the proof leads to.
        computed: Sha256,
    },
    /// The proof does not begin at the first root.
    #[error("the proof begins at root {computed}, not at {stated}")]
    FirstRootDiffers {
        /// The root of the first tree as stated.
        stated: Sha256,
        /// The root that the proof begins at.
        computed: Sha256,
    },
}

impl ProofFault {
    /// The reason code.
    #[must_use]
    pub const fn reason(&self) -> Reason {
        Reason::ProofWrong
    }
}

impl From<ProofFault> for Finding {
    fn from(fault: ProofFault) -> Self {
        Self::new(fault.reason(), "proof", "a proof of these roots", fault.to_string())
    }
}

/// The inclusion proof of leaf `index` in the tree of `size` leaves: hashes from the leaf up. `node` looks complete
/// subtrees up by (level, index); there are fewer than 128 look-ups.
///
/// # Errors
/// `Ok(Err(_))` where there is no such proof; `Err(_)` where `node` fails.
pub fn inclusion_proof<E>(
    index: u64,
    size: u64,
    mut node: impl FnMut(u8, u64) -> Result<Sha256, E>,
) -> Result<Result<Vec<Sha256>, ProofFault>, E> {
    if index >= size {
        return Ok(Err(ProofFault::IndexOutside { index, size }));
    }
    // PATH of RFC 9162 section 2.1.3.1, from the root down.
    let (mut begin, mut end, mut path) = (0, size, Vec::new());
    while end - begin > 1 {
        let split = begin + half(end - begin);
        if index < split {
            path.push(range_hash(split, end, &mut node)?);
            end = split;
        } else {
            path.push(range_hash(begin, split, &mut node)?);
            begin = split;
        }
    }
    path.reverse();
    Ok(Ok(path))
}

/// The consistency proof between the trees of `first` and `second` leaves. `node` as in [`inclusion_proof`].
///
/// # Errors
/// As [`inclusion_proof`].
pub fn consistency_proof<E>(
    first: u64,
    second: u64,
    mut node: impl FnMut(u8, u64) -> Result<Sha256, E>,
) -> Result<Result<Vec<Sha256>, ProofFault>, E> {
    if let Err(fault) = sizes(first, second) {
        return Ok(Err(fault));
    }
    // SUBPROOF of RFC 9162 section 2.1.4.1, from the root down; `whole` is its third argument.
    let (mut begin, mut end, mut whole, mut path) = (0, second, true, Vec::new());
    while first != end {
        let split = begin + half(end - begin);
        if first <= split {
            path.push(range_hash(split, end, &mut node)?);
            end = split;
        } else {
            path.push(range_hash(begin, split, &mut node)?);
            begin = split;
            whole = false;
        }
    }
    if !whole {
        path.push(range_hash(begin, end, &mut node)?);
    }
    path.reverse();
    Ok(Ok(path))
}

/// Verifies that the leaf of hash `leaf` stands at `index` in the tree of `size` leaves with root `root`
/// (RFC 9162 section 2.1.3.2).
///
/// # Errors
/// [`ProofFault`] says which step refused.
pub fn verify_inclusion(
    leaf: &Sha256,
    index: u64,
    size: u64,
    proof: &[Sha256],
    root: &Sha256,
) -> Result<(), ProofFault> {
    // Step 1; step 2 sets fn and sn.
    if index >= size {
        return Err(ProofFault::IndexOutside { index, size });
    }
    let (mut at, mut last, mut computed) = (index, size - 1, *leaf);
    // Step 3 and 4.
    for hash in proof {
        if last == 0 {
            return Err(ProofFault::TooLong { found: proof.len() });
        }
        if at & 1 == 1 || at == last {
            computed = node_hash(hash, &computed);
            // Up to the level where this subtree has a left sibling; `at` is not 0 here, since `last` is not.
            let up = at.trailing_zeros();
            (at, last) = (at >> up, last >> up);
        } else {
            computed = node_hash(&computed, hash);
        }
        (at, last) = (at >> 1, last >> 1);
    }
    // Step 5.
    if last != 0 {
        return Err(ProofFault::TooShort { found: proof.len() });
    }
    if computed == *root { Ok(()) } else { Err(ProofFault::RootDiffers { stated: *root, computed }) }
}

/// Verifies that the tree of `second` leaves and root `second_root` begins with the tree of `first` leaves and root
/// `first_root` (RFC 9162 section 2.1.4.2). Equal sizes need equal roots and no hash; an empty first tree is refused.
///
/// # Errors
/// [`ProofFault`] says which step refused.
pub fn verify_consistency(
    first: u64,
    first_root: &Sha256,
    second: u64,
    second_root: &Sha256,
    proof: &[Sha256],
) -> Result<(), ProofFault> {
    sizes(first, second)?;
    let found = proof.len();
    if first == second {
        return match (proof, first_root == second_root) {
            ([], true) => Ok(()),
            ([], false) => Err(ProofFault::RootDiffers { stated: *second_root, computed: *first_root }),
            _ => Err(ProofFault::TooLong { found }),
        };
    }
    // Steps 1 and 2: a first tree that is one complete subtree is its own beginning.
    let (seed, rest) = match proof.split_first() {
        None => return Err(ProofFault::TooShort { found }),
        Some(_) if first.is_power_of_two() => (first_root, proof),
        Some((seed, rest)) => (seed, rest),
    };
    // Steps 3 to 5.
    let up = (first - 1).trailing_ones();
    let (mut at, mut last) = ((first - 1) >> up, (second - 1) >> up);
    let (mut first_computed, mut second_computed) = (*seed, *seed);
    // Step 6.
    for hash in rest {
        if last == 0 {
            return Err(ProofFault::TooLong { found });
        }
        if at & 1 == 1 || at == last {
            first_computed = node_hash(hash, &first_computed);
            second_computed = node_hash(hash, &second_computed);
            let up = at.trailing_zeros();
            (at, last) = (at >> up, last >> up);
        } else {
            second_computed = node_hash(&second_computed, hash);
        }
        (at, last) = (at >> 1, last >> 1);
    }
    // Step 7.
    if last != 0 {
        return Err(ProofFault::TooShort { found });
    }
    if first_computed != *first_root {
        return Err(ProofFault::FirstRootDiffers { stated: *first_root, computed: first_computed });
    }
    if second_computed != *second_root {
        return Err(ProofFault::RootDiffers { stated: *second_root, computed: second_computed });
    }
    Ok(())
}

const fn sizes(first: u64, second: u64) -> Result<(), ProofFault> {
    match (first, second) {
        (0, _) => Err(ProofFault::FirstEmpty),
        (first, second) if first > second => Err(ProofFault::SizesReversed { first, second }),
        _ => Ok(()),
    }
}

/// The largest power of two below `leaves`, which is at least 2.
const fn half(leaves: u64) -> u64 {
    1 << (leaves - 1).ilog2()
}

/// The hash over the leaves `begin..end`, made of complete subtrees.
fn range_hash<E>(begin: u64, end: u64, node: &mut impl FnMut(u8, u64) -> Result<Sha256, E>) -> Result<Sha256, E> {
    let mut hashes = Vec::new();
    for (level, index) in range_nodes(begin, end) {
        hashes.push(node(level, index)?);
    }
    Ok(hashes.into_iter().rev().reduce(|right, left| node_hash(&left, &right)).unwrap_or_else(super::empty_root))
}

#[cfg(test)]
mod tests {
    use super::super::tests::Whole;
    use super::{ProofFault, consistency_proof, inclusion_proof, verify_consistency, verify_inclusion};
    use crate::values::digest::Sha256;
    use ct_merkle::mem_backed_tree::MemoryBackedTree;
    use proptest::prelude::{ProptestConfig, any, proptest};

    fn whole(leaves: u32) -> Whole {
        Whole::of((0..leaves).map(|n| n.to_be_bytes().to_vec()))
    }

    fn inclusion(whole: &Whole, index: u64, size: u64) -> Vec<Sha256> {
        inclusion_proof(index, size, |level, index| whole.node(level, index)).unwrap().unwrap()
    }

    fn consistency(whole: &Whole, first: u64, second: u64) -> Vec<Sha256> {
        consistency_proof(first, second, |level, index| whole.node(level, index)).unwrap().unwrap()
    }

    fn bytes(proof: &[Sha256]) -> Vec<u8> {
        proof.iter().flat_map(|hash| hash.as_bytes().to_vec()).collect()
    }

    #[test]
    fn every_inclusion_up_to_256_leaves_is_proven_and_nothing_else_is() {
        let whole = whole(256);
        for size in 1..=256_u64 {
            let root = whole.edges[usize::try_from(size).unwrap()].root();
            for index in 0..size {
                let leaf = whole.leaves[usize::try_from(index).unwrap()];
                let mut proof = inclusion(&whole, index, size);
                assert_eq!(verify_inclusion(&leaf, index, size, &proof, &root), Ok(()));
                // The same proof for the neighbours' places, and with a hash more or less, proves nothing.
                let other = (index + 1) % size;
                if size > 1 {
                    assert!(
                        verify_inclusion(&leaf, other, size, &proof, &root).is_err(),
                        "{index} as {other} of {size}"
                    );
                }
                let wrong = ProofFault::IndexOutside { index: size, size };
                assert_eq!(verify_inclusion(&leaf, size, size, &proof, &root), Err(wrong));
                if let Some(last) = proof.pop() {
                    assert_eq!(
                        verify_inclusion(&leaf, index, size, &proof, &root),
                        Err(ProofFault::TooShort { found: proof.len() })
                    );
                    proof.push(last);
                }
                proof.push(leaf);
                assert_eq!(
                    verify_inclusion(&leaf, index, size, &proof, &root),
                    Err(ProofFault::TooLong { found: proof.len() })
                );
            }
        }
    }

    #[test]
    fn every_consistency_up_to_256_leaves_is_proven_and_nothing_else_is() {
        let whole = whole(256);
        let root = |size: u64| whole.edges[usize::try_from(size).unwrap()].root();
        for second in 1..=256_u64 {
            for first in 1..=second {
                let mut proof = consistency(&whole, first, second);
                let verify = |proof: &[Sha256]| verify_consistency(first, &root(first), second, &root(second), proof);
                assert_eq!(verify(&proof), Ok(()), "{first} to {second}");
                proof.push(root(first));
                assert_eq!(verify(&proof), Err(ProofFault::TooLong { found: proof.len() }), "{first} to {second}");
                proof.pop();
                if proof.pop().is_some() {
                    assert_eq!(verify(&proof), Err(ProofFault::TooShort { found: proof.len() }), "{first} to {second}");
                }
            }
        }
    }

    #[test]
    fn proofs_are_byte_for_byte_those_of_an_independent_implementation() {
        let whole = whole(130);
        let mut oracle = MemoryBackedTree::<sha2::Sha256, Vec<u8>>::new();
        for size in 1..=130_u32 {
            oracle.push((size - 1).to_be_bytes().to_vec());
            for n in 0..size {
                let index = usize::try_from(n).unwrap();
                let ours = inclusion(&whole, n.into(), size.into());
                assert_eq!(bytes(&ours), oracle.prove_inclusion(index).as_bytes(), "{n} of {size}");
                // It counts additions, and has no proof from nothing.
                if n > 0 {
                    let ours = consistency(&whole, (size - n).into(), size.into());
                    assert_eq!(bytes(&ours), oracle.prove_consistency(index).as_bytes(), "{n} more to {size}");
                }
            }
        }
    }

    #[test]
    fn every_flipped_bit_of_a_proof_or_a_root_is_found() {
        let whole = whole(23);
        let flips = |hash: &Sha256| {
            let bytes = *hash.as_bytes();
            (0..256_usize).map(move |bit| {
                let mut bytes = bytes;
                bytes[bit / 8] ^= 1 << (bit % 8);
                Sha256::from_bytes(bytes)
            })
        };
        let root = whole.edges[23].root();
        let proof = inclusion(&whole, 17, 23);
        let old = whole.edges[13].root();
        let grown = consistency(&whole, 13, 23);
        for (place, hash) in proof.iter().enumerate() {
            for flipped in flips(hash) {
                let mut proof = proof.clone();
                proof[place] = flipped;
                assert!(matches!(
                    verify_inclusion(&whole.leaves[17], 17, 23, &proof, &root),
                    Err(ProofFault::RootDiffers { .. })
                ));
            }
        }
        for (place, hash) in grown.iter().enumerate() {
            for flipped in flips(hash) {
                let mut proof = grown.clone();
                proof[place] = flipped;
                assert!(matches!(
                    verify_consistency(13, &old, 23, &root, &proof),
                    Err(ProofFault::RootDiffers { .. } | ProofFault::FirstRootDiffers { .. })
                ));
            }
        }
        for flipped in flips(&old) {
            assert!(matches!(
                verify_consistency(13, &flipped, 23, &root, &grown),
                Err(ProofFault::FirstRootDiffers { .. })
            ));
        }
    }

    #[test]
    fn an_empty_first_tree_a_shrunk_tree_and_a_leaf_outside_are_refused() {
        let (root, node) = (Sha256::of(b""), |_: u8, _: u64| Err::<Sha256, _>("no look-up expected"));
        assert_eq!(verify_consistency(0, &root, 0, &root, &[]), Err(ProofFault::FirstEmpty));
        assert_eq!(verify_consistency(0, &root, 7, &root, &[root]), Err(ProofFault::FirstEmpty));
        let reversed = ProofFault::SizesReversed { first: 8, second: 7 };
        assert_eq!(verify_consistency(8, &root, 7, &root, &[root]), Err(reversed));
        assert_eq!(consistency_proof(8, 7, node), Ok(Err(reversed)));
        assert_eq!(consistency_proof(0, 7, node), Ok(Err(ProofFault::FirstEmpty)));
        assert_eq!(consistency_proof(7, 7, node), Ok(Ok(Vec::new())));
        assert_eq!(inclusion_proof(7, 7, node), Ok(Err(ProofFault::IndexOutside { index: 7, size: 7 })));
        assert_eq!(inclusion_proof(0, 0, node), Ok(Err(ProofFault::IndexOutside { index: 0, size: 0 })));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(512))]
        #[test]
        fn the_largest_sizes_neither_panic_nor_verify(index in any::<u64>(), size in any::<u64>(), hashes in 0..130_usize) {
            let root = Sha256::of(b"root");
            let proof = vec![root; hashes];
            for (index, size) in [(index, size), (u64::MAX - 1, u64::MAX), (u64::MAX, u64::MAX), (index, u64::MAX)] {
                assert!(verify_inclusion(&root, index, size, &proof, &root).is_err() || size == 1);
                let equal = index == size && index > 0 && hashes == 0;
                assert_eq!(verify_consistency(index, &root, size, &root, &proof).is_ok(), equal);
            }
        }

        #[test]
        fn a_proof_needs_fewer_than_128_look_ups_whatever_the_size(index in any::<u64>(), size in 1..=u64::MAX) {
            let (index, mut looked) = (index % size, 0);
            let proof = inclusion_proof(index, size, |level, at| {
                looked += 1;
                // Only complete subtrees exist.
                assert!((u128::from(at) + 1) << level <= u128::from(size));
                Ok::<_, ()>(Sha256::of(&[level]))
            });
            assert!(proof.unwrap().unwrap().len() <= 64 && looked < 128);
        }
    }
}
