//! One answer, and its one projection to text, JSON, one word and an exit status.

use super::inputs::World;
use super::screen;
use ecugate_verifier::values::finding::Finding;
use ecugate_verifier::values::reason::{Class, Reason};
use serde::ser::SerializeMap as _;
use serde_json::Value;
use std::io::{self, Write};
use std::process::ExitCode;

/// Exit status of a wrong call, and of an input that cannot be opened.
pub(crate) const USAGE: u8 = 2;

/// A small stable command that decides one question. Its arguments are the struct that implements it.
pub(crate) trait Seam: clap::Args {
    /// The words after `ecugate`, as `verify json`.
    const COMMAND: &'static str;

    /// The answer. A finding returned as `Err` is a refusal without further fields.
    fn decide(&self, world: &World) -> Result<Answer, Finding>;
}

/// What became of the question.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// Yes.
    Accept,
    /// The input was read and is not acceptable.
    Reject,
    /// The call is wrong, or an input cannot be opened. Nothing was judged.
    Error,
    /// `verify unit`: the evidence contradicts, or is missing.
    Quarantine,
    /// `verify unit`: could not decide.
    Hold,
    /// `receive`: the gate does not apply to this part.
    NotGated,
}

impl Outcome {
    /// The word used in JSON and by `--quiet`: stable, public.
    pub(crate) const fn word(self) -> &'static str {
        match self {
            Self::Accept => "accept",
            Self::Reject => "reject",
            Self::Error => "error",
            Self::Quarantine => "quarantine",
            Self::Hold => "hold",
            Self::NotGated => "not-gated",
        }
    }
}

/// How an answer is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    /// Lines for a person.
    Text,
    /// One JSON object.
    Json,
    /// The outcome alone.
    Quiet,
}

/// The answer of a seam.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Answer {
    /// What became of the question.
    pub(crate) outcome: Outcome,
    /// Why not, where it is not `accept`.
    pub(crate) finding: Option<Finding>,
    fields: Vec<(&'static str, Value)>,
    lines: Vec<String>,
}

impl Answer {
    /// Yes, without further fields.
    pub(crate) const fn accept() -> Self {
        Self { outcome: Outcome::Accept, finding: None, fields: Vec::new(), lines: Vec::new() }
    }

    /// No, for `finding`: an error if the call is wrong, else a reject.
    pub(crate) fn refuse(finding: Finding) -> Self {
        let outcome = if finding.reason.class() == Class::Usage { Outcome::Error } else { Outcome::Reject };
        Self { outcome, finding: Some(finding), ..Self::accept() }
    }

    /// `verify unit` alone: what becomes of the box, and the worst finding.
    pub(crate) const fn of_unit(outcome: Outcome, worst: Option<Finding>) -> Self {
        Self { outcome, finding: worst, fields: Vec::new(), lines: Vec::new() }
    }

    /// With one more field of the JSON object, in this order.
    pub(crate) fn with(mut self, name: &'static str, value: impl Into<Value>) -> Self {
        self.fields.push((name, value.into()));
        self
    }

    /// With one more line for a person. Hostile characters are escaped when it is shown.
    pub(crate) fn line(mut self, text: impl Into<String>) -> Self {
        self.lines.push(text.into());
        self
    }

    /// The exit status: a total projection of outcome and reason.
    pub(crate) fn status(&self) -> u8 {
        let reason = self.finding.as_ref().map(|finding| finding.reason);
        match self.outcome {
            Outcome::Accept => 0,
            Outcome::Reject => 10,
            Outcome::Error => USAGE,
            Outcome::Quarantine => match reason.map(Reason::class) {
                Some(Class::Absent) => 11,
                _ => 10,
            },
            Outcome::NotGated => 12,
            Outcome::Hold => match (reason, reason.map(Reason::class)) {
                (Some(Reason::PartNotGated), _) => 12,
                (Some(Reason::NotConfirmed), _) => 30,
                (_, Some(Class::Passing)) => 20,
                _ => 21,
            },
        }
    }

    /// Writes the lines for a person.
    fn write_text(&self, out: &mut dyn Write) -> io::Result<()> {
        writeln!(out, "{}", self.outcome.word())?;
        for line in self.finding.iter().flat_map(screen::say) {
            writeln!(out, "{line}")?;
        }
        self.lines.iter().try_for_each(|line| writeln!(out, "{}", screen::plain(line)))
    }

    /// Writes one JSON object on one line: `head` first, then outcome, reason, the facts and the fields.
    pub(crate) fn write_json(&self, head: (&str, &Value), out: &mut dyn Write) -> io::Result<()> {
        let mut serializer = serde_json::Serializer::with_formatter(&mut *out, Visible);
        serde::Serialize::serialize(&Object { head, answer: self }, &mut serializer)?;
        out.write_all(b"\n")
    }
}

impl From<Result<Self, Finding>> for Answer {
    fn from(result: Result<Self, Finding>) -> Self {
        result.unwrap_or_else(Self::refuse)
    }
}

/// Shows `answer` in `form` and says the exit status.
pub(crate) fn show(form: Form, command: &str, answer: &Answer) -> ExitCode {
    match write(form, command, answer) {
        Ok(()) => ExitCode::from(answer.status()),
        Err(error) => unwritten(&error),
    }
}

/// Shows `answer` in `form`.
pub(crate) fn write(form: Form, command: &str, answer: &Answer) -> io::Result<()> {
    let mut out = io::stdout().lock();
    let written = match (form, answer.outcome) {
        (Form::Json, _) => answer.write_json(("command", &Value::from(command)), &mut out),
        (Form::Quiet, outcome) => writeln!(out, "{}", outcome.word()),
        (Form::Text, Outcome::Error) => answer.write_text(&mut io::stderr().lock()),
        (Form::Text, _) => answer.write_text(&mut out),
    };
    written.and_then(|()| out.flush())
}

/// Shows `answer` in lines on standard error, for a command whose result is standard output itself.
pub(crate) fn show_aside(answer: &Answer) -> ExitCode {
    match answer.write_text(&mut io::stderr().lock()) {
        Ok(()) => ExitCode::from(answer.status()),
        Err(error) => unwritten(&error),
    }
}

/// An answer that nobody got is not given: never status 0.
pub(crate) fn unwritten(error: &io::Error) -> ExitCode {
    if error.kind() != io::ErrorKind::BrokenPipe {
        let _ = writeln!(io::stderr().lock(), "ecugate: the answer cannot be written: {error}");
    }
    ExitCode::from(USAGE)
}

struct Object<'a> {
    head: (&'a str, &'a Value),
    answer: &'a Answer,
}

impl serde::Serialize for Object<'_> {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Answer { outcome, finding, fields, .. } = self.answer;
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry(self.head.0, self.head.1)?;
        map.serialize_entry("outcome", outcome.word())?;
        map.serialize_entry("reason", &finding.as_ref().map(|finding| finding.reason))?;
        if let Some(Finding { place, expected, found, .. }) = finding {
            for (name, text) in [("where", place), ("expected", expected), ("found", found)] {
                if !text.is_empty() {
                    map.serialize_entry(name, text)?;
                }
            }
        }
        for (name, value) in fields {
            map.serialize_entry(name, value)?;
        }
        map.end()
    }
}

/// Compact JSON in which hostile characters are escaped, since it too is read on terminals.
struct Visible;

impl serde_json::ser::Formatter for Visible {
    fn write_string_fragment<W: ?Sized + Write>(&mut self, out: &mut W, fragment: &str) -> io::Result<()> {
        let mut rest = fragment;
        while let Some((start, hostile)) = rest.char_indices().find(|(_, character)| screen::is_hostile(*character)) {
            let (before, after) = rest.split_at_checked(start).unwrap_or((rest, ""));
            out.write_all(before.as_bytes())?;
            for unit in hostile.encode_utf16(&mut [0; 2]) {
                write!(out, "\\u{unit:04x}")?;
            }
            rest = after.get(hostile.len_utf8()..).unwrap_or_default();
        }
        out.write_all(rest.as_bytes())
    }
}

#[cfg(test)]
mod tests {
    use super::{Answer, Finding, Outcome, Reason, Value};

    fn json(answer: &Answer) -> String {
        let mut out = Vec::new();
        answer.write_json(("id", &Value::from(1)), &mut out).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn a_refusal_says_reason_and_facts_before_the_fields_and_fields_keep_their_order() {
        let finding = Finding::new(Reason::PartDiffers, "label", "A", "B");
        let answer = Answer::refuse(finding).with("zone", 1).with("area", "x");
        assert_eq!(
            json(&answer),
            "{\"id\":1,\"outcome\":\"reject\",\"reason\":\"part-differs\",\"where\":\"label\",\"expected\":\"A\",\
             \"found\":\"B\",\"zone\":1,\"area\":\"x\"}\n"
        );
    }

    #[test]
    fn json_carries_no_raw_character_that_moves_a_cursor_and_reads_back_the_same() {
        let hostile = "a\u{1b}[2J\u{9b}\u{202e}\u{7f}\"\u{e0041}ü";
        let text = json(&Answer::accept().with("text", hostile));
        assert!(text.trim_end().bytes().all(|b| b >= 0x20 && b != 0x7f), "{text:?}");
        assert!(text.contains("\\u202e") && text.contains('ü'), "{text:?}");
        let back: Value = serde_json::from_str(&text).unwrap();
        assert_eq!(back["text"], hostile);
    }

    #[test]
    fn the_exit_status_of_a_unit_follows_the_class_of_its_reason() {
        let status = |outcome, reason| {
            let finding = Some(Finding::bare(reason));
            Answer { outcome, finding, ..Answer::accept() }.status()
        };
        assert_eq!(status(Outcome::Quarantine, Reason::PartDiffers), 10);
        assert_eq!(status(Outcome::Quarantine, Reason::ManifestAbsent), 11);
        assert_eq!(status(Outcome::Hold, Reason::PartNotGated), 12);
        assert_eq!(status(Outcome::Hold, Reason::MemoryMoved), 20);
        assert_eq!(status(Outcome::Hold, Reason::CrlStale), 21);
        assert_eq!(status(Outcome::Hold, Reason::LabelMangled), 21);
        assert_eq!(Answer::refuse(Finding::bare(Reason::InputMissing)).status(), 2);
        assert_eq!(Answer::refuse(Finding::bare(Reason::CrlStale)).status(), 10);
        assert_eq!(Answer::accept().status(), 0);
    }
}
