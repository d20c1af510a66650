//! `ecugate verify`: the seams, one file each. None of them admits anything.

mod chain;

mod signature;

mod envelope;

mod unit;

mod inclusion;

mod consistency;

mod json;

use super::batch::Batched;
use super::seam::Form;
use std::process::ExitCode;

/// Decides one question and admits nothing.
#[derive(clap::Subcommand)]
pub(crate) enum Verify {
    /// Verifies a certification path and its revocation
    Chain(Batched<chain::Chain>),
    /// Verifies one signature
    Signature(Batched<signature::Signature>),
    /// Verifies a DSSE envelope and reads what its statement is about
    Envelope(Batched<envelope::Envelope>),
    /// Judges one unit from a folder, with no token and no ledger
    Unit(Batched<unit::Unit>),
    /// Verifies that a leaf stands at an index of a Merkle tree
    Inclusion(Batched<inclusion::Inclusion>),
    /// Verifies that one Merkle tree is the beginning of another
    Consistency(Batched<consistency::Consistency>),
    /// Reads a JSON text with the strict reader that is used for every signed document
    Json(Batched<json::Json>),
}

impl Verify {
    /// Runs the one that was named.
    pub(crate) fn run(&self, form: Form) -> ExitCode {
        match self {
            Self::Chain(seam) => seam.run(form),
            Self::Signature(seam) => seam.run(form),
            Self::Envelope(seam) => seam.run(form),
            Self::Unit(seam) => seam.run(form),
            Self::Inclusion(seam) => seam.run(form),
            Self::Consistency(seam) => seam.run(form),
            Self::Json(seam) => seam.run(form),
        }
    }
}
