//! Attack classes against whole dossiers: each is a named test that shows the verifier refusing it.
//!
//! Classes that one module alone refuses (JSON, keys, envelopes, paths, labels, images) are tested in that module;
//! here stand those that need a whole dossier.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

#[path = "../../../tests/support/pki.rs"]
mod pki;
#[path = "../../../tests/support/world.rs"]
mod world;

mod age_and_scope;
mod certificates;
mod firmware;
mod identity;
mod parsing;
mod remembered;
mod replay;
mod revocation;
mod signatures;
mod swaps;
mod threat_model;
mod verdict_rules;
mod verdicts;
