//! `ecugate maker`: the manufacturer's side, one file a command. Nothing here admits anything.

mod outcome;

mod release;

mod shipment;

mod sign;

use super::seam::Form;
use std::process::ExitCode;

/// Makes and signs the manifests that a manufacturer sends along.
#[derive(clap::Subcommand)]
pub(crate) enum Maker {
    /// Measures images and writes the payload of a release manifest
    Release(release::Release),
    /// Writes the payload of a shipment manifest
    Shipment(shipment::Shipment),
    /// Signs a payload: a manifest with the signer's certificates
    Sign(sign::Sign),
}

impl Maker {
    /// Runs the one that was named.
    pub(crate) fn run(&self, form: Form) -> ExitCode {
        match self {
            Self::Release(release) => release.run(form),
            Self::Shipment(shipment) => shipment.run(form),
            Self::Sign(sign) => sign.run(form),
        }
    }
}
