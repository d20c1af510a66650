//! `ecugate ledger checkpoint`: the signed head of the log, to be kept somewhere else.

use crate::cli::inputs::World;
use crate::cli::seam::{Answer, Form, Seam, show, show_aside, unwritten};
use ecugate_verifier::values::finding::Finding;
use ecugate_verifier::values::reason::Reason;
use std::io::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;

/// The latest checkpoint. Whoever keeps it notices a ledger that was put back, cut short or replaced.
#[derive(clap::Args)]
pub(crate) struct Checkpoint {
    /// The folder of the site
    #[arg(long, value_name = "DIR")]
    site: PathBuf,

    /// Prints the signed note alone, byte for byte
    #[arg(long)]
    note: bool,
}

impl Checkpoint {
    pub(crate) fn run(&self, form: Form) -> ExitCode {
        let answer = Answer::from(self.decide(&World::here()));
        if !self.note || form != Form::Text || answer.finding.is_some() {
            return show(form, Self::COMMAND, &answer);
        }
        match self.head().map(|(note, _)| note) {
            Ok(note) => {
                let mut out = std::io::stdout().lock();
                match out.write_all(note.as_bytes()).and_then(|()| out.flush()) {
                    Ok(()) => ExitCode::SUCCESS,
                    Err(error) => unwritten(&error),
                }
            }
            Err(finding) => show_aside(&Answer::refuse(finding)),
        }
    }

    /// The note, and the key that verifies it.
    fn head(&self) -> Result<(String, String), Finding> {
        let (_, ledger) = super::open(&self.site)?;
        let (size, checkpoint) = ledger.head()?;
        let Some(checkpoint) = checkpoint else {
            return Err(Finding::new(Reason::LedgerDiffers, "ledger", "a checkpoint", "none"));
        };
        if checkpoint.size() < size {
            let expected = format!("a checkpoint over all {size} entries: the gate makes it when it opens");
            return Err(Finding::new(Reason::NotConfirmed, "ledger", expected, checkpoint.size().to_string()));
        }
        let recorded = ledger.recorded(checkpoint.size().saturating_sub(1))?;
        let key = ledger.log_key(ledger.keys_in_force()?)?;
        Ok((recorded.checkpoint, key.to_string()))
    }
}

impl Seam for Checkpoint {
    const COMMAND: &'static str = "ledger checkpoint";

    fn decide(&self, _: &World) -> Result<Answer, Finding> {
        let (note, key) = self.head()?;
        let mut lines = note.lines();
        let (origin, size, root) = (lines.next(), lines.next(), lines.next());
        let mut answer = Answer::accept()
            .with("origin", origin)
            .with("size", size.and_then(|size| size.parse::<u64>().ok()))
            .with("root", root)
            .with("note", note.as_str())
            .with("vkey", key.as_str());
        for line in note.lines() {
            answer = answer.line(line);
        }
        Ok(answer.line("").line(format!("vkey      {key}")))
    }
}
