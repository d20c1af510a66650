//! `ecugate verify inclusion`: that a leaf stands at an index of a tree (RFC 9162 section 2.1.3).

use crate::cli::inputs::World;
use crate::cli::seam::{Answer, Seam};
use ecugate_verifier::syntax::merkle::case::InclusionCase;
use ecugate_verifier::values::finding::Finding;
use ecugate_verifier::values::limits::Limits;
use std::path::PathBuf;

/// A proof with what it claims.
#[derive(clap::Args)]
pub(crate) struct Inclusion {
    /// The proof, as JSON (`-`: standard input)
    file: PathBuf,
}

impl Seam for Inclusion {
    const COMMAND: &'static str = "verify inclusion";

    fn decide(&self, world: &World) -> Result<Answer, Finding> {
        let limits = Limits::STANDARD;
        let bytes = world.bytes(&self.file, limits.document_bytes)?;
        let case = InclusionCase::from_json(&bytes, &limits)?;
        case.verify()?;
        Ok(Answer::accept()
            .with("index", case.index)
            .with("size", case.size)
            .line(format!("the leaf is number {} of a tree of {} leaves", case.index, case.size)))
    }
}
