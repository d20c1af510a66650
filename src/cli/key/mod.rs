//! `ecugate key`: the keys that sign at a site, changed by trust officers. One file a command.

mod failover;

use super::seam::Form;
use std::process::ExitCode;

/// Changes the keys that sign at a site.
#[derive(clap::Subcommand)]
pub(crate) enum Key {
    /// Changes to the standby keys, for good: the keys before sign nothing any more
    Failover(failover::Failover),
}

impl Key {
    /// Runs the one that was named.
    pub(crate) fn run(&self, form: Form) -> ExitCode {
        match self {
            Self::Failover(failover) => failover.run(form),
        }
    }
}
