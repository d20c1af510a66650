//! `ecugate maker release`: images and their description become the payload of a release manifest.

use super::outcome::{Made, deliver, files};
use crate::cli::seam::Form;
use ecugate::maker::{description, release, sign::Summary};
use ecugate_verifier::values::limits::Limits;
use std::path::PathBuf;
use std::process::ExitCode;

/// A description of a release.
#[derive(clap::Args)]
pub(crate) struct Release {
    /// What the release is, in TOML; paths of images are relative to its folder
    #[arg(value_name = "DESCRIPTION.toml")]
    description: PathBuf,

    /// The new file for the payload, instead of standard output
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
}

impl Release {
    pub(super) fn run(&self, form: Form) -> ExitCode {
        deliver(form, "maker release", self.out.as_deref(), |world| {
            let limits = Limits::STANDARD;
            let bytes = world.bytes(&self.description, limits.document_bytes)?;
            let place = self.description.display().to_string();
            let release = release::describe(&bytes, &place, &mut files(&self.description), &limits)?;
            let summary = Summary::from(&release);
            Ok(Made::document(description::payload(release, &limits)?, &summary))
        })
    }
}
