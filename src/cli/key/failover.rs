//! `ecugate key failover`: changes to the standby keys when the signing token is lost, broken or exposed.

use crate::cli::desk::{self, could_not, done};
use crate::cli::seam::{self, Answer, Form};
use crate::cli::system::System;
use ecugate::ceremony::{Desk, fail_over};
use ecugate::site::Site;
use ecugate_verifier::values::finding::Finding;
use serde_json::json;
use std::path::PathBuf;
use std::process::ExitCode;

/// A signing token that is given up.
#[derive(clap::Args)]
pub(crate) struct Failover {
    /// The folder of the site
    #[arg(long, value_name = "DIR")]
    site: PathBuf,

    /// Why: the token is lost, broken or exposed; goes into the ledger
    #[arg(long, value_name = "TEXT")]
    reason: String,

    /// Who signs (default: every officer of the site)
    #[arg(long, value_name = "NAME")]
    officer: Vec<String>,

    /// Says too that the clock is right, where the last entry is more than a day old: compare it first
    #[arg(long)]
    clock_step: bool,
}

impl Failover {
    pub(super) fn run(&self, form: Form) -> ExitCode {
        seam::show(form, "key failover", &self.fail_over().unwrap_or_else(could_not))
    }

    fn fail_over(&self) -> Result<Answer, Finding> {
        let officers = desk::officers(&self.officer)?;
        let mut desk = Desk::open(Site::open(&self.site)?, Box::new(System))?;
        let failover =
            ecugate::ceremony::Failover { officers: &officers, reason: &self.reason, clock_is_right: self.clock_step };
        let changed = fail_over(&mut desk, &failover)?;
        let mut answer = desk::about(desk.site())
            .line(format!("token     {} signs from here on", changed.token))
            .line(format!("vkey      {}", changed.vkey))
            .with("token", changed.token.to_string())
            .with("vkey", changed.vkey);
        for station in &changed.stations {
            answer = answer.line(format!("station   {}", desk::groups(station)));
        }
        let stations: Vec<String> = changed.stations.iter().map(ToString::to_string).collect();
        let answer = desk::signatures(
            answer.with("station_keys", stations),
            &changed.persons,
            desk.site().authority().threshold(),
        );
        let leap = changed.leap.map(|leap| format!("clock     from {} to {}", leap.last, leap.now));
        let reported = changed.reported.iter().map(|finding| format!("mark      {}: {}", finding.place, finding.found));
        Ok(leap
            .into_iter()
            .chain(reported)
            .fold(answer, Answer::line)
            .line(format!("ledger    entry {}, recorded {}", changed.entry, done(changed.recorded)))
            .line("keep      the vkey before too: it verifies older checkpoints")
            .with("reported", json!(changed.reported))
            .with("last", changed.leap.map(|leap| leap.last.to_string()))
            .with("time", changed.leap.map(|leap| leap.now.to_string()))
            .with("entry", changed.entry)
            .with("size", changed.size)
            .with("recorded", done(changed.recorded)))
    }
}
