//! A verdict, shown: the screen at the dock, one line where there is no terminal, one JSON object, or one word.

use super::seam::{self, Answer, Form, Outcome as Word};
use ecugate::gate::{GateError, Outcome, Papers, RecordedVerdict, Retry};
use ecugate_verifier::documents::receipt::{Receipt, Ruling, WaivedLine};
use ecugate_verifier::judgement::verdict::follows;
use ecugate_verifier::judgement::words::{self, BoxAction};
use ecugate_verifier::values::attempt::Environment;
use ecugate_verifier::values::finding::Finding;
use ecugate_verifier::values::ident::Name;
use ecugate_verifier::values::reason::Reason;
use ecugate_verifier::values::shown::visible;
use ecugate_verifier::values::time::Time;
use serde_json::{Value, json};
use std::io::{self, IsTerminal as _, Write};
use std::process::ExitCode;

/// Columns of the screen at the dock.
const WIDTH: usize = 80;

/// Said on every screen of a trial site. `receive` knows no other yet, so it is said of a gate that could not open too.
const TRIAL: &str = " TRIAL      nothing that this gate says counts in production";

/// Shows what came of an arrival. Whoever could not be shown it has not got it.
pub(crate) fn show_outcome(form: Form, command: &str, outcome: &Outcome, papers: &Papers) -> io::Result<()> {
    let mut out = io::stdout().lock();
    match form {
        Form::Json => {
            judged(outcome).with("papers", stored(papers)).write_json(("command", &Value::from(command)), &mut out)
        }
        Form::Quiet => writeln!(out, "{}", word(outcome).word()),
        Form::Text if io::stdout().is_terminal() => write_lines(&mut out, &screen(outcome, papers, is_coloured())),
        Form::Text => writeln!(out, "{}", line(outcome, papers)),
    }?;
    out.flush()
}

/// The exit status of an outcome that was shown, or not.
pub(crate) fn status(outcome: &Outcome, shown: &io::Result<()>) -> ExitCode {
    match shown {
        Ok(()) => ExitCode::from(outcome.exit_status()),
        // What stands in the ledger and nobody saw is asked for again, never taken for 0.
        Err(_) => ExitCode::from(words::exit_status(Reason::NotConfirmed)),
    }
}

/// Shows that the gate could not take the box at all, and says the exit status.
pub(crate) fn show_error(form: Form, command: &str, error: &GateError) -> ExitCode {
    if error.exit_status() == seam::USAGE {
        return seam::show(form, command, &Answer::refuse(error.finding().clone()));
    }
    let mut out = io::stdout().lock();
    let answer = unjudged(error);
    let written = match form {
        Form::Json => answer.write_json(("command", &Value::from(command)), &mut out),
        Form::Quiet => writeln!(out, "{}", answer.outcome.word()),
        Form::Text if io::stdout().is_terminal() => write_lines(&mut out, &unjudged_screen(error, is_coloured())),
        Form::Text => writeln!(out, "{}", unjudged_line(error)),
    };
    // Shown or not, the box stays out.
    let _ = written.and_then(|()| out.flush());
    ExitCode::from(error.exit_status())
}

fn is_coloured() -> bool {
    std::env::var_os("NO_COLOR").is_none()
}

fn write_lines(out: &mut dyn Write, lines: &[String]) -> io::Result<()> {
    lines.iter().try_for_each(|line| writeln!(out, "{line}"))
}

/// A gate that could not open: a hold, with the advice of its reason.
fn unjudged(error: &GateError) -> Answer {
    let finding = error.finding();
    Answer::of_unit(Word::Hold, Some(finding.clone()))
        .with("ruling", hold(error.retry()).word())
        .with("environment", Environment::Trial.word())
        .with("findings", json!([words::json(finding)]))
        .with("tag", Value::Null)
        .with("late", Value::Null)
        .with("resumed", Value::Null)
        .with("record", Value::Null)
}

fn unjudged_line(error: &GateError) -> String {
    let finding = error.finding();
    let mut pieces = vec![Word::Hold.word().to_owned(), finding.reason.code().to_owned()];
    pieces.push("none: nothing was judged".to_owned());
    pieces.extend(words::why(finding));
    pieces.push("TRIAL".to_owned());
    pieces.join(" | ")
}

fn unjudged_screen(error: &GateError, colour: bool) -> Vec<String> {
    let finding = error.finding();
    let action = words::box_action_unrecorded(error.retry() == Retry::AfterAWhile);
    let mut lines = banner(&action, finding.reason.code(), colour);
    lines.push(TRIAL.to_owned());
    lines.extend(what_and_why(finding));
    lines.extend(steps(&action));
    lines.extend(wrapped("to mend", words::of(finding.reason).fix));
    lines.push(" record     none: nothing was judged".to_owned());
    lines
}

/// The ruling of a box that could not be judged or recorded.
const fn hold(retry: Retry) -> Ruling {
    match retry {
        Retry::AfterAWhile => Ruling::HoldPassing,
        Retry::Never | Retry::AfterAPerson => Ruling::HoldPerson,
    }
}

/// The ruling that the box is treated by: what could not be recorded is a hold, whatever the verdict was.
fn ruling(outcome: &Outcome) -> Ruling {
    match outcome {
        Outcome::NotRecorded { .. } if outcome.exit_status() == Ruling::HoldPassing.exit_status() => {
            Ruling::HoldPassing
        }
        Outcome::NotRecorded { .. } => Ruling::HoldPerson,
        Outcome::NotConfirmed { .. } => Ruling::HoldPerson,
        _ => outcome.receipt().ruling,
    }
}

fn action(outcome: &Outcome) -> BoxAction {
    let ruling = ruling(outcome);
    match outcome {
        Outcome::NotRecorded { tag: Some(_), .. } => words::box_action_kept(ruling == Ruling::HoldPassing),
        Outcome::NotRecorded { tag: None, .. } => words::box_action_unrecorded(ruling == Ruling::HoldPassing),
        Outcome::NotConfirmed { .. } => words::box_action_unconfirmed(),
        _ => words::box_action(ruling),
    }
}

fn word(outcome: &Outcome) -> Word {
    match ruling(outcome) {
        Ruling::Accept => Word::Accept,
        Ruling::NotGated => Word::NotGated,
        Ruling::HoldPassing | Ruling::HoldPerson => Word::Hold,
        Ruling::Unproven | Ruling::Suspect => Word::Quarantine,
    }
}

/// When the attempt began whose record is shown again.
fn resumed(outcome: &Outcome) -> Option<Time> {
    match outcome {
        Outcome::NotRecorded { resumed, .. } => *resumed,
        _ => outcome.recorded().and_then(RecordedVerdict::resumed),
    }
}

/// The number for a box that no entry of the ledger has a number for.
fn tag(outcome: &Outcome) -> Option<&Name> {
    match outcome {
        Outcome::NotRecorded { tag, .. } => tag.as_ref(),
        _ => None,
    }
}

fn judged(outcome: &Outcome) -> Answer {
    let receipt = outcome.receipt();
    let findings = outcome.findings();
    Answer::of_unit(word(outcome), findings.first().cloned())
        .with("ruling", ruling(outcome).word())
        .with("environment", receipt.environment.word())
        .with("site", receipt.site.as_str())
        .with("attempt", json!(receipt.record.attempt))
        .with("at", receipt.record.time.to_string())
        .with("unit", json!(receipt.unit))
        .with("assurance", json!(receipt.assurance))
        .with("findings", json!(findings.iter().map(words::json).collect::<Vec<_>>()))
        .with("checks", json!(receipt.checks))
        .with("waived", json!(receipt.waived))
        .with("supersedes", json!(receipt.supersedes))
        .with("contests", json!(receipt.contests))
        .with("keys", json!(receipt.record.keys))
        .with("dossier", receipt.dossier.to_string())
        .with("tag", json!(tag(outcome)))
        .with("late", json!(late(outcome)))
        .with("resumed", json!(resumed(outcome)))
        .with("record", outcome.recorded().map_or(Value::Null, record))
}

/// The entry under which a hold was entered late.
fn late(outcome: &Outcome) -> Option<u64> {
    match outcome {
        Outcome::NotRecorded { late, .. } => *late,
        _ => None,
    }
}

/// What the intake store added.
fn stored(papers: &Papers) -> Value {
    let manifests = papers
        .manifests
        .iter()
        .map(|one| json!({"kind": one.kind.word(), "name": one.name.as_str(), "seq": one.seq, "sha256": one.digest}));
    json!({
        "manifests": manifests.collect::<Vec<_>>(),
        "certificates": papers.support.untrusted.len(),
        "crls": papers.support.crls.len(),
        "left_out": papers.left_out,
    })
}

/// What the store held and was not judged, the first `most` in words.
fn left_out(papers: &Papers, most: usize) -> Vec<String> {
    let mut told: Vec<String> = papers.left_out.iter().take(most).map(|told| visible(told)).collect();
    let more = papers.left_out.len().saturating_sub(most);
    if more > 0 {
        told.push(format!("and {more} more were left out: --json names them"));
    }
    told
}

fn record(verdict: &RecordedVerdict) -> Value {
    json!({
        "seq": verdict.recorded().seq,
        "origin": verdict.receipt().record.origin,
        "leaf_hash": verdict.recorded().leaf_hashes.first(),
        "size": verdict.recorded().size,
        "inclusion": verdict.recorded().inclusion,
        "checkpoint": verdict.recorded().checkpoint,
    })
}

/// What the policy does without, and what its check would have said.
fn waived_words(waived: &WaivedLine) -> String {
    format!("{}: {}", waived.check.word(), waived.finding.reason)
}

/// One line a unit, for logs and pipes.
fn line(outcome: &Outcome, papers: &Papers) -> String {
    let receipt = outcome.receipt();
    let findings = outcome.findings();
    let mut pieces = vec![word(outcome).word().to_owned()];
    pieces.extend(findings.first().map(|finding| finding.reason.code().to_owned()));
    pieces.push(unit(receipt));
    pieces.push(levels(receipt));
    pieces.push(place(outcome));
    pieces.extend(receipt.waived.iter().map(waived_words).map(|words| format!("WAIVED {words}")));
    pieces.extend(resumed(outcome).map(resumed_words));
    pieces.extend(findings.first().and_then(words::why));
    pieces.extend(left_out(papers, 1));
    if receipt.environment == Environment::Trial {
        pieces.push("TRIAL".to_owned());
    }
    pieces.join(" | ")
}

/// The screen at the dock: one word, one colour, one action.
fn screen(outcome: &Outcome, papers: &Papers, colour: bool) -> Vec<String> {
    let receipt = outcome.receipt();
    let findings = outcome.findings();
    let action = action(outcome);
    let mut lines = banner(&action, findings.first().map_or("", |finding| finding.reason.code()), colour);
    if receipt.environment == Environment::Trial {
        lines.push(TRIAL.to_owned());
    }
    lines.push(format!(" unit       {}  {}", pad(&unit(receipt), 46), levels(receipt)));
    if let Some(first) = findings.first() {
        lines.extend(what_and_why(first));
    }
    if let Some(begun) = resumed(outcome) {
        lines.extend(wrapped("RESUMED", &resumed_words(begun)));
    }
    for contested in &receipt.contests {
        let words = format!("the unit of entry {contested} was accepted and may not move: find it and set it apart");
        lines.extend(wrapped("CONTESTED", &words));
    }
    for waived in &receipt.waived {
        lines.extend(wrapped("WAIVED", &waived_words(waived)));
    }
    lines.extend(steps(&action));
    if let Some(first) = findings.first() {
        lines.extend(wrapped("to mend", words::of(first.reason).fix));
    }
    for other in findings.iter().skip(1).filter(|finding| !follows(finding.reason)) {
        let why = words::why(other).map(|why| format!(": {why}")).unwrap_or_default();
        lines.extend(wrapped("also", &format!("{}{why}", other.reason)));
    }
    for told in left_out(papers, 3) {
        lines.extend(wrapped("papers", &told));
    }
    if ruling(outcome) == Ruling::Accept {
        let levels = (receipt.assurance.identity, receipt.assurance.firmware);
        let text = words::not_caught(levels.0, levels.1);
        lines.extend(wrapped("not caught", text.strip_prefix("not caught: ").unwrap_or(text)));
    }
    lines.push(format!(" record     {}", place(outcome)));
    lines
}

/// What an old record means for the box in hand.
fn resumed_words(begun: Time) -> String {
    format!(
        "this is the record of the attempt begun at {begun}; if a box with this label is on the shelf already, STOP: this \
         is a second one"
    )
}

/// One word, one place for the box, one reason.
fn banner(action: &BoxAction, reason: &str, colour: bool) -> Vec<String> {
    let bar = "█".repeat(WIDTH);
    let title = format!("██     {}  {:<15} {:<15} {reason}", action.mark, action.headline, action.shelf);
    let title = format!("{}██", pad(&title, WIDTH - 2));
    [bar.clone(), title, bar].into_iter().map(|row| paint(&row, action, colour)).collect()
}

fn what_and_why(finding: &Finding) -> Vec<String> {
    let mut lines = wrapped("what", words::of(finding.reason).what);
    if let Some(why) = words::why(finding) {
        lines.extend(wrapped("why", &why));
    }
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
        Outcome::NotRecorded { tag: Some(tag), late: Some(seq), .. } => format!("{tag}, entered late as entry {seq}"),
        Outcome::NotRecorded { tag: Some(tag), .. } => format!("{tag}, kept until the ledger can have it"),
        Outcome::NotRecorded { tag: None, .. } => "none: the verdict could not be recorded".to_owned(),
        Outcome::NotConfirmed { seq, .. } => format!("entry {seq}, not confirmed: do not act on it yet"),
        Outcome::Accepted(verdict) | Outcome::Quarantined(verdict) | Outcome::Held(verdict) => {
            format!("entry {} of {}", verdict.recorded().seq, visible(&verdict.receipt().record.origin))
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
    const INDENT: usize = 12;
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
    lines.iter().zip(heads).map(|(row, head)| format!(" {head:<11}{row}")).collect()
}

#[cfg(test)]
mod tests {
    use super::{Finding, GateError, Reason, unjudged_line, unjudged_screen};

    #[test]
    fn a_gate_that_cannot_open_names_the_shelf_the_cause_and_the_cure_and_promises_no_record() {
        let error = GateError::from(Finding::new(Reason::LedgerMissing, "site/ledger.db", "the ledger", "\u{1b}[2J"));
        let screen = unjudged_screen(&error, false);
        assert!(screen[1].starts_with("██     ?  NOT CHECKED     HOLD SHELF      ledger-missing"), "{screen:#?}");
        assert!(screen.iter().all(|line| line.chars().count() <= 80), "{screen:#?}");
        assert!(screen.iter().all(|line| !line.contains('\u{1b}')), "{screen:#?}");
        for (line, begins) in [
            (3, " TRIAL      "),
            (4, " what       The ledger of this site is not there."),
            (5, " why        site/ledger.db: expected the ledger, found ␛[2J"),
            (6, " DO NOW     1 put it on the hold shelf"),
            (7, "            2 mark it with the reason and the time: there is no record"),
        ] {
            assert!(screen[line].starts_with(begins), "{screen:#?}");
        }
        assert_eq!(screen.last().unwrap(), " record     none: nothing was judged");
    }

    #[test]
    fn what_may_pass_by_itself_is_scanned_again_and_the_rest_waits_for_a_person() {
        let steps = |reason| unjudged_screen(&GateError::from(Finding::bare(reason)), true).join("\n");
        assert!(steps(Reason::LedgerBusy).contains("3 scan it again in a while"));
        assert!(steps(Reason::LedgerUnusable).contains("3 do what is said below"));
        let line = unjudged_line(&GateError::from(Finding::bare(Reason::LedgerBusy)));
        assert_eq!(line, "hold | ledger-busy | none: nothing was judged | TRIAL");
    }
}
