//! `ecugate verify consistency`: that one tree is the beginning of another (RFC 9162 section 2.1.4).

use crate::cli::inputs::World;
use crate::cli::seam::{Answer, Seam};
use ecugate_verifier::syntax::merkle::case::ConsistencyCase;
use ecugate_verifier::values::finding::Finding;
use ecugate_verifier::values::limits::Limits;
use std::path::PathBuf;

/// A proof with what it claims.
#[derive(clap::Args)]
pub(crate) struct Consistency {
    /// The proof, as JSON (`-`: standard input)
    file: PathBuf,
}

impl Seam for Consistency {
    const COMMAND: &'static str = "verify consistency";

    fn decide(&self, world: &World) -> Result<Answer, Finding> {
        let limits = Limits::STANDARD;
        let bytes = world.bytes(&self.file, limits.document_bytes)?;
        let case = ConsistencyCase::from_json(&bytes, &limits)?;
        case.verify()?;
        Ok(Answer::accept()
            .with("size1", case.size1)
            .with("size2", case.size2)
            .line(format!("the tree of {} leaves is the beginning of the tree of {}", case.size1, case.size2)))
    }
}
