//! `ecugate maker shipment`: a description and lists of units become the payload of a shipment manifest.

use super::outcome::{Made, deliver, files};
use crate::cli::seam::Form;
use ecugate::maker::{description, shipment, sign::Summary};
use ecugate_verifier::values::limits::Limits;
use std::path::PathBuf;
use std::process::ExitCode;

/// A description of a shipment.
#[derive(clap::Args)]
pub(crate) struct Shipment {
    /// What the shipment is, in TOML; paths that it and its list of units name are relative to its folder
    #[arg(value_name = "DESCRIPTION.toml")]
    description: PathBuf,

    /// The new file for the payload, instead of standard output
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
}

impl Shipment {
    pub(super) fn run(&self, form: Form) -> ExitCode {
        deliver(form, "maker shipment", self.out.as_deref(), |world| {
            let limits = Limits::STANDARD;
            let bytes = world.bytes(&self.description, limits.document_bytes)?;
            let place = self.description.display().to_string();
            let shipment = shipment::describe(&bytes, &place, &mut files(&self.description), &limits)?;
            let (summary, units) = (Summary::from(&shipment), shipment.units.len());
            let made = Made::document(description::payload(shipment, &limits)?, &summary);
            let answer = made.answer.with("units", units).line(format!("units     {units}"));
            Ok(Made { answer, ..made })
        })
    }
}
