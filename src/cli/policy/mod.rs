//! `ecugate policy`: what a site demands of a unit, changed by trust officers. One file a command.

mod wording;

mod check;

mod sign;

mod publish;

use super::seam::Form;
use std::process::ExitCode;

/// Checks, signs and puts in force what a site demands of a unit.
#[derive(clap::Subcommand)]
pub(crate) enum Policy {
    /// Says what a policy means, and what it changes against the one in force
    Check(check::Check),
    /// Signs a policy as one officer
    Sign(sign::Sign),
    /// Puts a policy in force that enough officers signed
    Publish(publish::Publish),
}

impl Policy {
    /// Runs the one that was named.
    pub(crate) fn run(&self, form: Form) -> ExitCode {
        match self {
            Self::Check(check) => check.run(form),
            Self::Sign(sign) => sign.run(form),
            Self::Publish(publish) => publish.run(form),
        }
    }
}
