//! `ecugate anchors`: which manufacturer certificates count, changed by trust officers. One file a command.

mod wording;

mod propose;

mod show;

mod sign;

mod publish;

mod list;

pub(crate) use sign::Officer;

use super::seam::Form;
use std::process::ExitCode;

/// Changes and shows which manufacturer certificates count at a site.
#[derive(clap::Subcommand)]
pub(crate) enum Anchors {
    /// Makes the next list, unsigned, and says what it changes
    Propose(propose::Propose),
    /// Says what a list on its way to its signatures changes, and who has signed it
    Show(show::Show),
    /// Signs a list as one officer
    Sign(sign::Sign),
    /// Puts a list in force that enough officers signed
    Publish(publish::Publish),
    /// Shows the list in force, and what is on the trust token
    List(list::List),
}

impl Anchors {
    /// Runs the one that was named.
    pub(crate) fn run(&self, form: Form) -> ExitCode {
        match self {
            Self::Propose(propose) => propose.run(form),
            Self::Show(show) => show.run(form),
            Self::Sign(sign) => sign.run(form),
            Self::Publish(publish) => publish.run(form),
            Self::List(list) => list.run(form),
        }
    }
}
