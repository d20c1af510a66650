//! Whom we believe: the authority's keys, the manufacturer certificates that they listed, and the signers that these
//! certify.

pub mod path;

pub mod authority;

pub mod anchors;

pub mod signer;
