//! Certification paths (RFC 5280 section 6): from a leaf through an untrusted bag to one of our anchors.
//!
//! Holding a [`ValidPath`] is the proof. It is made in one place only, [`find_path`], after every check passed: own
//! rules, RFC 5280 validation and revocation, all of them on the very certificates that it hands out. No certificate
//! is trusted for being in the bag, and time is an argument.

use crate::syntax::certificate::Certificate;
use crate::syntax::crl::Crl;
use crate::values::keys::PublicKey;
use crate::values::time::Time;
use crate::values::verified::VerifiedSignatures;

mod question;

mod fault;

mod rules;

mod engine;

mod revocation;

mod search;

pub use fault::PathFault;
pub use question::{PathOptions, Purpose, Revocation};
pub use revocation::CrlUse;

/// A path that was validated in full.
#[derive(Clone, Debug)]
pub struct ValidPath {
    leaf: Certificate,
    leaf_key: PublicKey,
    intermediates: Vec<Certificate>,
    anchor: Certificate,
    crls: Vec<CrlUse>,
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
    find_path_among(leaf, untrusted, anchors, crls, options, &VerifiedSignatures::none())
}

/// The same, with the signatures that were found good before. The caps count them as if they were not.
///
/// # Errors
/// As [`find_path`].
pub fn find_path_among(
    leaf: &Certificate,
    untrusted: &[Certificate],
    anchors: &[Certificate],
    crls: &[Crl],
    options: &PathOptions<'_>,
    signatures: &VerifiedSignatures,
) -> Result<ValidPath, PathFault> {
    rules::call(untrusted, anchors, crls, options)?;
    rules::leaf(leaf, anchors, options)?;
    let leaf_key = rules::key_of(leaf)?;
    let found = search::Search::new(leaf, untrusted, anchors, crls, options, signatures).run()?;
    Ok(ValidPath {
        leaf: leaf.clone(),
        leaf_key,
        intermediates: found.intermediates.into_iter().cloned().collect(),
        anchor: found.anchor.clone(),
        crls: found.crls,
    })
}

/// Whether officers may list this certificate: a CA in its dates, with a key that the gate verifies. What would be no
/// anchor for [`find_path`] is none here either. Its own signature is not looked at: who lists it vouches for it.
///
/// # Errors
/// [`PathFault`] with the first rule that it breaks.
pub fn require_listable(certificate: &Certificate, at: Time) -> Result<(), PathFault> {
    rules::listable(certificate, at)
}

#[cfg(test)]
mod tests;
