//! What a maker's command ends in: a new file and an answer, or the result on standard output and the answer aside.

use crate::cli::inputs::World;
use crate::cli::screen;
use crate::cli::seam::{self, Answer, Form, Outcome};
use ecugate::maker::description::Faults;
use ecugate::maker::sign::{Kind, Summary};
use ecugate::new_file;
use ecugate_verifier::values::digest::Sha256;
use ecugate_verifier::values::finding::Finding;
use ecugate_verifier::values::reason::Reason;
use serde_json::{Value, json};
use std::io::{self, Read, Write as _};
use std::path::Path;
use std::process::ExitCode;

/// Bytes to be written, and what is said of them.
pub(super) struct Made {
    pub(super) bytes: Vec<u8>,
    pub(super) answer: Answer,
}

impl Made {
    /// A document: its kind, name and subjects, and the digest of what is written.
    pub(super) fn document(bytes: Vec<u8>, summary: &Summary) -> Self {
        let digest = Sha256::of(&bytes);
        let Summary { kind, id, subjects, .. } = summary;
        let named: Vec<Value> =
            subjects.iter().map(|(name, digest)| json!({"name": name, "sha256": digest.to_string()})).collect();
        let id_field = match kind {
            Kind::Release => "release",
            Kind::Shipment => "shipment",
        };
        let mut answer = Answer::accept()
            .with("kind", kind.word())
            .with(id_field, id.as_str())
            .with("sha256", digest.to_string())
            .with("subjects", named)
            .line(format!("kind      {}", kind.word()))
            .line(format!("name      {id}"))
            .line(format!("sha256    {digest}"));
        for (name, digest) in subjects {
            answer = answer.line(format!("subject   {digest} {name}"));
        }
        Self { bytes, answer }
    }
}

/// Runs `make` and delivers what it made: to the new file `out`, or to standard output.
pub(super) fn deliver(
    form: Form,
    command: &str,
    out: Option<&Path>,
    make: impl FnOnce(&World) -> Result<Made, Faults>,
) -> ExitCode {
    match out {
        Some(path) => {
            let written = new_file::refuse_existing(path)
                .map_err(|fault| Faults::from(fault.finding()))
                .and_then(|()| make(&World::here()))
                .and_then(|made| write(path, made));
            seam::show(form, command, &written.unwrap_or_else(|faults| refusal(&faults)))
        }
        None if form != Form::Text => {
            let expected = "--out FILE beside --json and --quiet: standard output is the answer then";
            let finding = Finding::new(Reason::Usage, "command line", expected, "no --out");
            seam::show(form, command, &Answer::refuse(finding))
        }
        None => match make(&World::here()) {
            Ok(made) => print(&made),
            Err(faults) => seam::show_aside(&refusal(&faults)),
        },
    }
}

/// Opens the files that a description names: regular ones, in paths from the folder of the description.
pub(super) fn files(description: &Path) -> impl FnMut(&Path) -> Result<Box<dyn Read>, Finding> {
    let beside = World::of_cases(description.parent().unwrap_or(Path::new("")));
    move |path| Ok(Box::new(beside.open(path)?) as Box<dyn Read>)
}

fn write(path: &Path, made: Made) -> Result<Answer, Faults> {
    new_file::write(path, &made.bytes).map_err(|fault| fault.finding())?;
    let shown = path.display().to_string();
    Ok(made.answer.line(format!("written   {shown}")).with("out", shown))
}

fn print(made: &Made) -> ExitCode {
    let mut out = io::stdout().lock();
    match out.write_all(&made.bytes).and_then(|()| out.flush()) {
        Ok(()) => seam::show_aside(&made.answer),
        Err(error) => seam::unwritten(&error),
    }
}

/// What keeps a key on a token from being used. Nothing was judged then, as with a key in a file.
const OF_TOKENS: [Reason; 16] = [
    Reason::ModuleMissing,
    Reason::ModuleFailed,
    Reason::TokenAbsent,
    Reason::TokenAmbiguous,
    Reason::TokenWrongSerial,
    Reason::TokenFailed,
    Reason::TokenNotWritten,
    Reason::TokenKeyMissing,
    Reason::TokenKeyUnusable,
    Reason::PinMissing,
    Reason::PinExposed,
    Reason::PinWrong,
    Reason::PinLocked,
    Reason::PinLastTry,
    Reason::SignerFailed,
    Reason::SignerLied,
];

/// The first fault is the reason; the others stand behind it.
fn refusal(faults: &Faults) -> Answer {
    let mut answer = Answer::refuse(faults.first().clone());
    if OF_TOKENS.contains(&faults.first().reason) {
        answer.outcome = Outcome::Error;
    }
    if faults.more().is_empty() {
        return answer;
    }
    for finding in faults.more() {
        answer = screen::say(finding).into_iter().fold(answer, Answer::line);
    }
    let more: Vec<Value> = faults.more().iter().map(|finding| json!(finding)).collect();
    answer.with("more", more)
}
