//! Certification paths (RFC 5280 section 6): from a leaf through an untrusted bag to one of our anchors.
//!
//! Holding a [`ValidPath`] is the proof. It is made in one place only, [`find_path`], after every check passed: own
//! rules, RFC 5280 validation and revocation, all of them on the very certificates that it hands out. No certificate
//! is trusted for being in the bag, and time is an argument.

use crate::syntax::certificate::Certificate;
use crate::syntax::crl::{Crl, CrlNumber};
use crate::values::digest::Sha256;
use crate::values::keys::PublicKey;
use crate::values::limits::Limits;
use crate::values::time::Time;

mod engine;
mod fault;
mod revocation;
mod rules;
mod search;

pub use fault::PathFault;

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

/// A path that was validated in full.
#[derive(Clone, Debug)]
pub struct ValidPath {
    leaf: Certificate,
    leaf_key: PublicKey,
    intermediates: Vec<Certificate>,
    anchor: Certificate,
    crls: Vec<CrlUse>,
}

/// A CRL that a path relied on: for its greatest age, and for the memory that refuses an older one later.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CrlUse {
    /// Who made it, escaped.
    pub issuer: String,
    /// SHA-256 of the SubjectPublicKeyInfo that its signature was checked with.
    pub issuer_key: Sha256,
    /// SHA-256 of its DER.
    pub digest: Sha256,
    /// Its number, if it has one.
    pub number: Option<CrlNumber>,
    /// When it was made.
    pub this_update: Time,
    /// When it goes out of date.
    pub next_update: Time,
}

impl ValidPath {
    /// The certificate that was asked about.
    #[must_use]
    pub const fn leaf(&self) -> &Certificate {
        &self.leaf
    }

    /// The leaf's key: the only key that the path vouches for.
    #[must_use]
    pub const fn leaf_key(&self) -> &PublicKey {
        &self.leaf_key
    }

    /// The certificates between leaf and anchor, from the leaf upwards.
    #[must_use]
    pub fn intermediates(&self) -> &[Certificate] {
        &self.intermediates
    }

    /// The anchor that the path ends in.
    #[must_use]
    pub const fn anchor(&self) -> &Certificate {
        &self.anchor
    }

    /// The CRLs relied on, from the leaf upwards.
    #[must_use]
    pub fn crls_used(&self) -> &[CrlUse] {
        &self.crls
    }
}

/// Looks for a path from `leaf` to one of `anchors` through `untrusted`, in the order of their length.
///
/// The order of certificates and CRLs in the arguments does not matter for the outcome, and certificates that no path
/// needs do no harm.
///
/// # Errors
/// [`PathFault`] with the most telling reason of all that kept candidate paths from being valid.
pub fn find_path(
    leaf: &Certificate,
    untrusted: &[Certificate],
    anchors: &[Certificate],
    crls: &[Crl],
    options: &PathOptions<'_>,
) -> Result<ValidPath, PathFault> {
    rules::call(untrusted, anchors, crls, options)?;
    rules::leaf(leaf, anchors, options)?;
    let leaf_key = rules::key_of(leaf)?;
    let found = search::Search::new(leaf, untrusted, anchors, crls, options).run()?;
    Ok(ValidPath {
        leaf: leaf.clone(),
        leaf_key,
        intermediates: found.intermediates.into_iter().cloned().collect(),
        anchor: found.anchor.clone(),
        crls: found.crls,
    })
}

#[cfg(test)]
mod tests;
