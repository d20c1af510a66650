//! What is asked of a path.

use crate::values::limits::Limits;
use crate::values::time::Time;

/// What the leaf must be certified for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose<'a> {
    /// Anything, and the rules of our own on what a leaf may be are off. For `ecugate verify chain` without
    /// `--purpose` only: no document is ever judged with it.
    Any,
    /// Its extended key usages name this object identifier (dotted); anyExtendedKeyUsage is not enough.
    Oid(&'a str),
}

/// Whose revocation is looked up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Revocation {
    /// Every certificate of the path but the anchor.
    Chain,
    /// The leaf alone. For foreign chains whose upper issuers publish no lists.
    LeafOnly,
    /// Nobody's. For `ecugate verify chain` only.
    Off,
}

/// How a path is looked for.
#[derive(Clone, Copy, Debug)]
pub struct PathOptions<'a> {
    /// The time at which everything must be valid, to the second. Never taken from a document.
    pub at: Time,
    /// Most certificates between leaf and anchor; `Limits::path_depth` bounds them in any case.
    pub max_intermediates: Option<usize>,
    /// What the leaf must be certified for.
    pub purpose: Purpose<'a>,
    /// Whose revocation is looked up.
    pub revocation: Revocation,
    /// Caps on bag, depth, signature checks, candidates and CRLs.
    pub limits: &'a Limits,
}
