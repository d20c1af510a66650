//! `ecugate admission`: leave for one accepted unit to enter one inventory, as a file.

use super::inputs::World;
use super::inventory::{answer, gate, marked, name, show, with_unit};
use super::ledger::attempt;
use super::seam::{self, Answer, Form};
use clap::ArgGroup;
use ecugate::gate::{AcceptRecord, GateError};
use ecugate::new_file;
use ecugate_verifier::judgement::words;
use ecugate_verifier::values::finding::Finding;
use ecugate_verifier::values::limits::Limits;
use ecugate_verifier::values::reason::Reason;
use serde_json::Value;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// The accept, and whose inventory the unit is to enter.
#[derive(clap::Args)]
#[command(group = ArgGroup::new("accept").required(true))]
pub(crate) struct Admission {
    /// The folder of the site
    #[arg(long, value_name = "DIR")]
    site: PathBuf,

    /// The entry of the accept, as `receive` shows it
    #[arg(long, value_name = "N", group = "accept")]
    record: Option<u64>,

    /// The attempt that was accepted: STATION/NONCE, as `receive` shows it
    #[arg(long, value_name = "ATTEMPT", group = "accept")]
    attempt: Option<String>,

    /// The inventory system that may redeem it. Each unit has one admission, ever
    #[arg(long, value_name = "ID")]
    consumer: String,

    /// The new file for the admission, instead of standard output
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
}

/// The admission, and what is said of it.
struct Made {
    bytes: Vec<u8>,
    answer: Answer,
}

const COMMAND: &str = "admission";

impl Admission {
    /// Asks the gate, and delivers the admission: to the new file, as the result on standard output, or in the answer.
    pub(crate) fn run(&self, form: Form) -> ExitCode {
        match (self.made(form), form, &self.out) {
            (Err(error), Form::Text, None) => seam::show_aside(&answer(Err(error))),
            (Err(error), ..) => show(form, COMMAND, &answer(Err(error))),
            (Ok(made), Form::Text, None) => print(&made),
            (Ok(made), _, None) => {
                let admission = serde_json::from_slice::<Value>(&made.bytes).unwrap_or_default();
                show(form, COMMAND, &made.answer.with("admission_file", admission))
            }
            (Ok(made), _, Some(path)) => {
                let written = new_file::write(path, &made.bytes).map_err(|fault| GateError::from(fault.finding()));
                let shown = path.display().to_string();
                let said = written.map(|()| made.answer.line(format!("written    {shown}")).with("out", shown));
                show(form, COMMAND, &answer(said))
            }
        }
    }

    fn made(&self, form: Form) -> Result<Made, GateError> {
        if form == Form::Quiet && self.out.is_none() {
            let expected = "--out FILE beside --quiet: the admission would go nowhere";
            return Err(Finding::new(Reason::Usage, "command line", expected, "no --out").into());
        }
        if let Some(path) = &self.out {
            new_file::refuse_existing(path).map_err(|fault| fault.finding())?;
        }
        let consumer = name("--consumer", &self.consumer)?;
        let record = match (self.record, &self.attempt) {
            (Some(entry), None) => AcceptRecord::Entry(entry),
            (None, Some(text)) => AcceptRecord::Attempt(attempt(text)?),
            _ => return Err(Finding::new(Reason::Usage, "accept", "--record or --attempt", "another number").into()),
        };
        let admission = gate(&self.site)?.admission_for(record, &consumer)?;
        let states = admission.states();
        let answer = with_unit(marked(Answer::accept(), states.environment), &states.unit)
            .with("accept", states.record.unit)
            .with("admission", states.record.seq)
            .with("consumer", states.consumer.as_str())
            .with("receipt", states.receipt.to_string())
            .with("at", states.record.time.to_string())
            .line(format!("admission  entry {}, for {} alone, once", states.record.seq, states.consumer));
        Ok(Made { bytes: [admission.to_bytes().as_slice(), b"\n"].concat(), answer })
    }
}

fn print(made: &Made) -> ExitCode {
    let mut out = std::io::stdout().lock();
    match out.write_all(&made.bytes).and_then(|()| out.flush()) {
        Ok(()) => seam::show_aside(&made.answer),
        // It stands in the ledger: asked for again, it is the same.
        Err(_) => ExitCode::from(words::exit_status(Reason::NotConfirmed)),
    }
}

/// An admission in a file.
pub(super) fn read(path: &Path) -> Result<ecugate::gate::Admission, GateError> {
    ecugate::gate::Admission::read(&World::here().bytes(path, Limits::STANDARD.document_bytes)?)
}
