//! `ecugate ledger`: what stands in the ledger of a site. None of these admits anything, and none needs a token but
//! `clock-step`, which trust officers sign.

mod show;

mod audit;

mod checkpoint;

mod clock_step;

pub(super) use show::attempt;

use super::inputs::World;
use super::seam::{Answer, Form, Seam, show as show_answer};
use ecugate::ledger::Ledger;
use ecugate::site::Site;
use ecugate_verifier::values::finding::Finding;
use std::path::Path;
use std::process::ExitCode;

/// Looks at the ledger of a site.
#[derive(clap::Subcommand)]
pub(crate) enum LedgerCommand {
    /// Shows entries: one, what an attempt came to, all of a serial, the last ones
    Show(show::Show),
    /// Derives everything again from the entries and compares
    Audit(audit::Audit),
    /// Prints the latest checkpoint and the key that verifies it
    Checkpoint(checkpoint::Checkpoint),
    /// Records the officers' word that the clock is right although it leapt by more than a day
    ClockStep(clock_step::ClockStep),
}

impl LedgerCommand {
    /// Runs the one that was named.
    pub(crate) fn run(&self, form: Form) -> ExitCode {
        match self {
            Self::Show(show) => answer(form, show),
            Self::Audit(audit) => answer(form, audit),
            Self::Checkpoint(checkpoint) => checkpoint.run(form),
            Self::ClockStep(step) => step.run(form),
        }
    }
}

fn answer<S: Seam>(form: Form, command: &S) -> ExitCode {
    show_answer(form, S::COMMAND, &Answer::from(command.decide(&World::here())))
}

/// The site and its ledger, with the keys that the site trusts.
fn open(folder: &Path) -> Result<(Site, Ledger), Finding> {
    let site = Site::open(folder)?;
    let ledger = Ledger::open(&site.ledger(), site.trusted_keys(), site.marks())?;
    Ok((site, ledger))
}
