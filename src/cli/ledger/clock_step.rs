//! `ecugate ledger clock-step`: the officers' word that the clock is right although it leapt.

use crate::cli::desk::{self, could_not};
use crate::cli::seam::{self, Answer, Form};
use crate::cli::system::System;
use ecugate::ceremony::{Desk, Leap, step_clock};
use ecugate::site::Site;
use ecugate_verifier::values::finding::Finding;
use ecugate_verifier::values::reason::Reason;
use std::io::{self, Write as _};
use std::path::PathBuf;
use std::process::ExitCode;

/// A clock that is more than a day after the last entry, and right.
#[derive(clap::Args)]
pub(crate) struct ClockStep {
    /// The folder of the site
    #[arg(long, value_name = "DIR")]
    site: PathBuf,

    /// Why the clock leapt, and what it was compared with: goes into the ledger
    #[arg(long, value_name = "TEXT")]
    reason: String,

    /// Who signs (default: every officer of the site)
    #[arg(long, value_name = "NAME")]
    officer: Vec<String>,
}

impl ClockStep {
    pub(super) fn run(&self, form: Form) -> ExitCode {
        seam::show(form, "ledger clock-step", &self.step(form).unwrap_or_else(could_not))
    }

    fn step(&self, form: Form) -> Result<Answer, Finding> {
        let officers = desk::officers(&self.officer)?;
        let mut desk = Desk::open(Site::open(&self.site)?, Box::new(System))?;
        let stepped = step_clock(&mut desk, &officers, &self.reason, |leap| ask_to_compare(form, leap))?;
        let Leap { last, now } = stepped.leap;
        let answer = desk::about(desk.site())
            .line(format!("last      {last}, the latest entry before"))
            .line(format!("clock     {now}: entries are dated on from here"))
            .with("last", last.to_string())
            .with("time", now.to_string());
        let answer = desk::signatures(answer, &stepped.persons, desk.site().authority().threshold());
        Ok(answer
            .line(format!("ledger    entry {}", stepped.entry))
            .with("entry", stepped.entry)
            .with("size", stepped.size))
    }
}

/// Before anybody gives a PIN: a wrong time that is signed cannot be taken back.
fn ask_to_compare(form: Form, Leap { last, now }: &Leap) -> Result<(), Finding> {
    if form != Form::Text {
        return Ok(());
    }
    let mut screen = io::stderr().lock();
    let shown = writeln!(screen, "last      {last}, the latest entry of the ledger")
        .and_then(|()| writeln!(screen, "clock     {now}: compare it with another clock before you sign"))
        .and_then(|()| screen.flush());
    shown.map_err(|error| {
        Finding::new(Reason::OutputUnwritable, "standard error", "somebody who sees the time", error.to_string())
    })
}
