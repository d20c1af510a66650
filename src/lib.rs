//! ecugate: the gate at the receiving dock.
//!
//! The library that an inventory system links; the binary `ecugate` is a thin face over it. What judges stands in the
//! crate [`ecugate_verifier`]; here are the edges (token, ledger), the acts, and behind feature `cli` the faces.

pub mod new_file;

mod turn;

pub mod hsm;

pub mod surroundings;

pub mod ledger;

pub mod journal;

pub mod rungs;

pub mod site;

mod opening;

mod sealing;

pub mod intake;

pub mod gate;

pub mod maker;

pub mod ceremony;

#[cfg(test)]
#[path = "../tests/support/pki.rs"]
mod pki;

#[cfg(test)]
#[path = "../tests/support/world.rs"]
mod world;
