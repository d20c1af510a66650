//! `ecugate verify json`: the strict reader used for every signed document.

use crate::cli::inputs::World;
use crate::cli::seam::{Answer, Seam};
use ecugate_verifier::syntax::json;
use ecugate_verifier::values::digest::Sha256;
use ecugate_verifier::values::finding::Finding;
use ecugate_verifier::values::limits::Limits;
use std::path::PathBuf;

/// A JSON text.
#[derive(clap::Args)]
pub(crate) struct Json {
    /// The JSON text (`-`: standard input)
    file: PathBuf,
}

impl Seam for Json {
    const COMMAND: &'static str = "verify json";

    fn decide(&self, world: &World) -> Result<Answer, Finding> {
        let limits = Limits::STANDARD;
        let bytes = world.bytes(&self.file, limits.document_bytes)?;
        let value = json::parse(&bytes, &limits).map_err(|fault| fault.finding())?;
        let digest = Sha256::of(&bytes);
        Ok(Answer::accept()
            .with("sha256", digest.to_string())
            .with("kind", value.kind())
            .line(format!("sha256    {digest}"))
            .line(format!("kind      {}", value.kind())))
    }
}
