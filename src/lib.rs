//! ecugate: the gate at the receiving dock.
//!
//! The library that an inventory system links; the binary `ecugate` is a thin face over it. What judges stands in the
//! crate [`ecugate_verifier`]; here are the edges (token, ledger), the acts, and behind feature `cli` the faces.

pub mod new_file;

pub mod surroundings;

pub mod hsm;

pub mod ledger;

pub mod site;

mod sealing;

pub mod intake;

pub mod gate;

pub mod ceremony;

pub mod maker;

#[cfg(test)]
#[path = "../tests/support/pki.rs"]
mod pki;
