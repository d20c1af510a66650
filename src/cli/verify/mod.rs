//! `ecugate verify`: the seams, one file each. None of them admits anything.

mod inclusion;

mod consistency;

mod json;

use super::batch::Batched;
use super::seam::Form;
use std::process::ExitCode;

/// Decides one question and admits nothing.
#[derive(clap::Subcommand)]
pub(crate) enum Verify {
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
            Self::Inclusion(seam) => seam.run(form),
            Self::Consistency(seam) => seam.run(form),
            Self::Json(seam) => seam.run(form),
        }
    }
}
