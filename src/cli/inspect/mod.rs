//! `ecugate inspect`: what an input says, one file a kind of input. Nothing of it is believed, and nothing is admitted.

mod image;

mod label;

mod manifest;

mod certificate;

use super::batch::Batched;
use super::seam::Form;
use std::process::ExitCode;

/// Shows what an input says, believes none of it and admits nothing.
#[derive(clap::Subcommand)]
pub(crate) enum Inspect {
    /// Measures a firmware image: digest, segments, digests of ranges
    Image(Batched<image::Image>),
    /// Reads a label: its fields, and of which unit it is
    Label(Batched<label::Label>),
    /// Shows what a signed document claims; its signatures are not verified
    Manifest(Batched<manifest::Manifest>),
    /// Shows what a certificate claims; its path is not looked at
    Certificate(Batched<certificate::Certificate>),
}

impl Inspect {
    /// Runs the one that was named.
    pub(crate) fn run(&self, form: Form) -> ExitCode {
        match self {
            Self::Image(seam) => seam.run(form),
            Self::Label(seam) => seam.run(form),
            Self::Manifest(seam) => seam.run(form),
            Self::Certificate(seam) => seam.run(form),
        }
    }
}
