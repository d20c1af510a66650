//! A verdict, shown: the screen at the dock, one line where there is no terminal, one JSON object, or one word.

use super::seam::{self, Answer, Form, Outcome as Word};
use ecugate::gate::{GateError, Outcome, RecordedVerdict};
use ecugate_verifier::documents::receipt::{Receipt, Ruling};
use ecugate_verifier::judgement::words::{self, BoxAction};
use ecugate_verifier::values::attempt::Environment;
use ecugate_verifier::values::finding::Finding;
use ecugate_verifier::values::reason::Reason;
use ecugate_verifier::values::shown::visible;
use serde_json::{Value, json};
use std::io::{self, IsTerminal as _, Write};
use std::process::ExitCode;

/// Columns of the screen at the dock.
const WIDTH: usize = 80;

/// What there is to show.
pub(crate) enum Shown {
    /// What came of an arrival.
    Outcome(Box<Outcome>),
    /// The gate could not take the box at all.
    Error(GateError),
}

/// Shows it and says the exit status.
pub(crate) fn show(form: Form, command: &str, shown: &Shown) -> ExitCode {
    let outcome = match shown {
        Shown::Error(error) if error.exit_status() == seam::USAGE => {
            return seam::show(form, command, &Answer::refuse(error.finding().clone()));
        }
        Shown::Error(error) => return unjudged(form, command, error),
        Shown::Outcome(outcome) => outcome,
    };
    let mut out = io::stdout().lock();
    let written = match form {
        Form::Json => writeln!(out, "{}", object(command, outcome)),
        Form::Quiet => writeln!(out, "{}", word(outcome)),
        Form::Text if io::stdout().is_terminal() => {
            let colour = std::env::var_os("NO_COLOR").is_none();
            screen(outcome, colour).iter().try_for_each(|line| writeln!(out, "{line}"))
        }
        Form::Text => writeln!(out, "{}", line(outcome)),
    };
    match written.and_then(|()| out.flush()) {
        Ok(()) => ExitCode::from(outcome.exit_status()),
        // The verdict stands, and nobody saw it: never 0.
        Err(_) => ExitCode::from(words::exit_status(Reason::NotConfirmed)),
    }
}

/// A gate that could not open: a hold, with the advice of its reason.
fn unjudged(form: Form, command: &str, error: &GateError) -> ExitCode {
    let finding = error.finding();
    let mut out = io::stdout().lock();
    let written = match form {
        Form::Quiet => writeln!(out, "{}", Word::Hold.word()),
        Form::Json => {
            let object = json!({
                "command": command, "outcome": Word::Hold.word(), "reason": finding.reason, "where": finding.place,
                "expected": finding.expected, "found": finding.found, "findings": [words::json(finding)],
                "record": null,
            });
            writeln!(out, "{object}")
        }
        Form::Text => {
            let action = words::box_action(Ruling::HoldPerson);
            let mut lines = vec![format!("{}  {}", action.title(), finding.reason)];
            lines.extend(words::text(finding));
            lines.extend(steps(&action));
            lines.iter().try_for_each(|line| writeln!(out, "{line}"))
        }
    };
    match written.and_then(|()| out.flush()) {
        Ok(()) => ExitCode::from(error.exit_status()),
        Err(_) => ExitCode::from(Ruling::HoldPerson.exit_status()),
    }
}

/// The ruling that the box is treated by: what could not be recorded is a hold, whatever the verdict was.
fn ruling(outcome: &Outcome) -> Ruling {
    match outcome {
        Outcome::NotRecorded { .. } | Outcome::NotConfirmed { .. } => Ruling::HoldPerson,
        _ => outcome.receipt().ruling,
    }
}

fn word(outcome: &Outcome) -> &'static str {
    ruling(outcome).outcome()
}

/// Every finding, what kept the verdict from being recorded first.
fn findings(outcome: &Outcome) -> Vec<Finding> {
    let kept_out = match outcome {
        Outcome::NotRecorded { finding, .. } => Some(finding.clone()),
        Outcome::NotConfirmed { finding, seq, .. } => {
            let found = format!("{}: {}", finding.reason, finding.found);
            let place = format!("entry {seq}");
            Some(Finding::new(Reason::NotConfirmed, place, "a checkpoint that was read back", found))
        }
        _ => None,
    };
    kept_out.into_iter().chain(outcome.receipt().findings.iter().cloned()).collect()
}

fn object(command: &str, outcome: &Outcome) -> Value {
    let receipt = outcome.receipt();
    let findings = findings(outcome);
    let first = findings.first();
    json!({
        "command": command,
        "outcome": word(outcome),
        "reason": first.map(|finding| finding.reason),
        "ruling": ruling(outcome).word(),
        "environment": receipt.environment,
        "site": receipt.site,
        "attempt": receipt.record.attempt,
        "at": receipt.record.time,
        "unit": receipt.unit,
        "assurance": receipt.assurance,
        "findings": findings.iter().map(words::json).collect::<Vec<_>>(),
        "checks": receipt.checks,
        "waived": receipt.waived,
        "supersedes": receipt.supersedes,
        "contests": receipt.contests,
        "keys": receipt.record.keys,
        "dossier": receipt.dossier,
        "record": outcome.recorded().map(record),
    })
}

fn record(verdict: &RecordedVerdict) -> Value {
    json!({
        "seq": verdict.recorded.seq,
        "origin": verdict.receipt.record.origin,
        "leaf_hash": verdict.recorded.leaf_hashes.first(),
        "size": verdict.recorded.size,
        "inclusion": verdict.recorded.inclusion,
        "checkpoint": verdict.recorded.checkpoint,
    })
}

/// One line a unit, for logs and pipes.
fn line(outcome: &Outcome) -> String {
    let receipt = outcome.receipt();
    let findings = findings(outcome);
    let mut pieces = vec![word(outcome).to_owned()];
    pieces.extend(findings.first().map(|finding| finding.reason.code().to_owned()));
    pieces.push(unit(receipt));
    pieces.push(levels(receipt));
    pieces.push(place(outcome));
    pieces.extend(findings.first().and_then(words::why));
    if receipt.environment == Environment::Trial {
        pieces.push("TRIAL".to_owned());
    }
    pieces.join(" | ")
}

/// The screen at the dock: one word, one colour, one action.
fn screen(outcome: &Outcome, colour: bool) -> Vec<String> {
    let receipt = outcome.receipt();
    let findings = findings(outcome);
    let action = words::box_action(ruling(outcome));
    let reason = findings.first().map_or("", |finding| finding.reason.code());
    let bar = "█".repeat(WIDTH);
    let title = format!("██     {}  {:<15} {:<15} {reason}", action.mark, action.headline, action.shelf);
    let title = format!("{}██", pad(&title, WIDTH - 2));
    let mut lines: Vec<String> =
        [bar.clone(), title, bar].into_iter().map(|row| paint(&row, &action, colour)).collect();
    if receipt.environment == Environment::Trial {
        lines.push(" TRIAL     nothing that this gate says counts in production".to_owned());
    }
    lines.push(format!(" unit      {}   {}", pad(&unit(receipt), 46), levels(receipt)));
    if let Some(first) = findings.first() {
        lines.extend(wrapped("what", words::of(first.reason).what));
        if let Some(why) = words::why(first) {
            lines.extend(wrapped("why", &why));
        }
        lines.extend(wrapped("to mend", words::of(first.reason).fix));
    }
    for other in findings.iter().skip(1).filter(|finding| finding.reason != Reason::CheckNotRun) {
        let why = words::why(other).map(|why| format!(": {why}")).unwrap_or_default();
        lines.extend(wrapped("also", &format!("{}{why}", other.reason)));
    }
    for waived in &receipt.waived {
        lines.extend(wrapped("WAIVED", &format!("{}: {}", visible(&waived.check), waived.finding.reason)));
    }
    lines.extend(steps(&action));
    if ruling(outcome) == Ruling::Accept {
        let levels = (receipt.assurance.identity, receipt.assurance.firmware);
        lines.extend(wrapped("", words::not_caught(levels.0, levels.1)));
    }
    lines.push(format!(" record    {}", place(outcome)));
    lines
}

fn steps(action: &BoxAction) -> Vec<String> {
    let mut steps = Vec::new();
    for (n, step) in action.steps.iter().enumerate() {
        steps.extend(wrapped(if n == 0 { "DO NOW" } else { "" }, &format!("{} {step}", n + 1)));
    }
    steps
}

fn unit(receipt: &Receipt) -> String {
    let unit = &receipt.unit;
    let serial = unit.serial.as_ref().map_or("no serial", |serial| serial.as_str());
    let part = unit.part.as_ref().map_or("no part", |part| part.as_str());
    visible(&format!("{serial}   {part}"))
}

fn levels(receipt: &Receipt) -> String {
    format!("{} · {}", receipt.assurance.identity.word(), receipt.assurance.firmware.word())
}

fn place(outcome: &Outcome) -> String {
    match outcome {
        Outcome::NotGated(_) => "none: nothing was judged".to_owned(),
        Outcome::NotRecorded { .. } => "none: the verdict could not be recorded".to_owned(),
        Outcome::NotConfirmed { seq, .. } => format!("entry {seq}, not confirmed: do not act on it yet"),
        Outcome::Accepted(verdict) | Outcome::Quarantined(verdict) | Outcome::Held(verdict) => {
            format!("entry {} of {}", verdict.recorded.seq, visible(&verdict.receipt.record.origin))
        }
    }
}

fn paint(row: &str, action: &BoxAction, colour: bool) -> String {
    let code = match action.colour {
        "green" => "32",
        "red" => "31",
        "blue" => "34",
        "yellow" => "33",
        _ => "90",
    };
    if colour { format!("\u{1b}[{code}m{row}\u{1b}[0m") } else { row.to_owned() }
}

fn pad(text: &str, columns: usize) -> String {
    let missing = columns.saturating_sub(text.chars().count());
    format!("{text}{}", " ".repeat(missing))
}

/// Words broken to the screen's width under one heading.
fn wrapped(heading: &str, text: &str) -> Vec<String> {
    const INDENT: usize = 11;
    let mut lines = Vec::new();
    let mut row = String::new();
    for word in text.split(' ') {
        if !row.is_empty() && row.chars().count() + 1 + word.chars().count() > WIDTH - INDENT {
            lines.push(std::mem::take(&mut row));
        }
        if !row.is_empty() {
            row.push(' ');
        }
        row.push_str(word);
    }
    lines.push(row);
    let heads = std::iter::once(heading).chain(std::iter::repeat(""));
    lines.iter().zip(heads).map(|(row, head)| format!(" {head:<10}{row}")).collect()
}
