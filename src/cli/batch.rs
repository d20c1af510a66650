//! The batch form that every seam has: `--cases FILE.jsonl`, one case a line in, one result a line out.

use super::case::{self, Case};
use super::inputs::{Input, World};
use super::screen;
use super::seam::{self, Answer, Form, Outcome, Seam};
use clap::{Arg, ArgMatches, Command};
use ecugate_verifier::values::finding::Finding;
use ecugate_verifier::values::limits::Limits;
use ecugate_verifier::values::reason::Reason;
use serde_json::Value;
use std::io::{self, BufRead as _, BufReader, Read as _};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// The name of the flag.
const CASES: &str = "cases";

/// A seam with its batch form.
pub(crate) enum Batched<S> {
    /// One question, asked by arguments.
    One(S),
    /// Many, from a file or standard input (`-`).
    Cases(PathBuf),
}

impl<S: Seam> Batched<S> {
    /// Decides, shows, and says the exit status.
    pub(crate) fn run(&self, form: Form) -> ExitCode {
        match self {
            Self::One(seam) => seam::show(form, S::COMMAND, &Answer::from(seam.decide(&World::here()))),
            Self::Cases(_) if form == Form::Quiet => seam::show(form, S::COMMAND, &Answer::refuse(no_quiet_cases())),
            Self::Cases(file) => match World::here().open(file) {
                Ok(input) => run_cases::<S>(&World::of_cases(folder_of(file)), input),
                Err(finding) => seam::show(form, S::COMMAND, &Answer::refuse(finding)),
            },
        }
    }
}

impl<S: Seam> clap::Args for Batched<S> {
    fn augment_args(command: Command) -> Command {
        let mut command = S::augment_args(command);
        let others: Vec<clap::Id> = command.get_arguments().map(|argument| argument.get_id().clone()).collect();
        let required: Vec<clap::Id> =
            command.get_groups().filter(|group| group.is_required_set()).map(|group| group.get_id().clone()).collect();
        for group in required {
            command = command.mut_group(group, |group| group.arg(CASES));
        }
        // What conflicts with a flag that is given is not required, so the batch needs no argument of the seam.
        command.arg(
            Arg::new(CASES)
                .long(CASES)
                .value_name("FILE.jsonl")
                .value_parser(clap::value_parser!(PathBuf))
                .conflicts_with_all(others)
                .help("Answers many cases: one JSON object a line, an `id` and the long flag names as keys (`-`: standard input)"),
        )
    }

    fn augment_args_for_update(command: Command) -> Command {
        Self::augment_args(command)
    }
}

impl<S: Seam> clap::FromArgMatches for Batched<S> {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        match matches.get_one::<PathBuf>(CASES) {
            Some(file) => Ok(Self::Cases(file.clone())),
            None => S::from_arg_matches(matches).map(Self::One),
        }
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        *self = Self::from_arg_matches(matches)?;
        Ok(())
    }
}

/// clap does not see that flags before and after the name of a command exclude each other.
fn no_quiet_cases() -> Finding {
    Finding::new(Reason::Usage, "command line", "one JSON object a case", "--quiet with --cases")
}

/// Paths in the cases are relative to the folder of the file that has them.
fn folder_of(file: &Path) -> &Path {
    file.parent().unwrap_or(Path::new(""))
}

/// Answers case after case; holds one line at a time. A malformed case is an error, and the run goes on.
fn run_cases<S: Seam>(world: &World, input: Input) -> ExitCode {
    let mut parser = case::parser::<S>();
    let mut lines = Lines::over(input, Limits::STANDARD.document_bytes);
    let mut out = io::stdout().lock();
    let mut all_answered = true;
    loop {
        let (id, answer) = match lines.next_line() {
            Ok(None) => break,
            Ok(Some(line)) => decide::<S>(world, &mut parser, line),
            Err(finding) => (Value::Null, Answer::refuse(finding)),
        };
        let answer = if answer.outcome == Outcome::Error { lines.numbered(answer) } else { answer };
        all_answered &= answer.outcome != Outcome::Error;
        if let Err(error) = answer.write_json(("id", &id), &mut out) {
            return seam::unwritten(&error);
        }
    }
    if all_answered { ExitCode::SUCCESS } else { ExitCode::from(seam::USAGE) }
}

/// One case through the same parser as the command line.
fn decide<S: Seam>(world: &World, parser: &mut Command, line: &[u8]) -> (Value, Answer) {
    let case = match Case::read(line) {
        Ok(case) => case,
        Err(finding) => return (Value::Null, Answer::refuse(finding)),
    };
    let answer = case
        .arguments(parser)
        .and_then(|arguments| parser.try_get_matches_from_mut(arguments).map_err(|error| screen::usage(&error)))
        .and_then(|matches| S::from_arg_matches(&matches).map_err(|error| screen::usage(&error)))
        .and_then(|seam| seam.decide(world));
    (case.id, answer.into())
}

/// Lines of an input, each of at most `cap` bytes; a longer one is skipped and refused.
struct Lines {
    input: BufReader<Input>,
    cap: usize,
    line: Vec<u8>,
    number: u64,
    over: bool,
}

impl Lines {
    fn over(input: Input, cap: usize) -> Self {
        Self { input: BufReader::with_capacity(64 << 10, input), cap, line: Vec::new(), number: 0, over: false }
    }

    /// The next line without its line feed; `None` at the end.
    fn next_line(&mut self) -> Result<Option<&[u8]>, Finding> {
        if self.over {
            return Ok(None);
        }
        self.line.clear();
        self.number += 1;
        let cap = u64::try_from(self.cap).unwrap_or(u64::MAX).saturating_add(1);
        match (&mut self.input).take(cap).read_until(b'\n', &mut self.line) {
            Ok(0) => Ok(None),
            Ok(_) if self.line.last() == Some(&b'\n') => {
                self.line.pop();
                Ok(Some(&self.line))
            }
            Ok(_) if self.line.len() <= self.cap => Ok(Some(&self.line)),
            Ok(_) => {
                self.line = Vec::new();
                self.over = self.input.skip_until(b'\n').is_err();
                Err(Finding::new(Reason::Usage, "", format!("a line of at most {} bytes", self.cap), "more"))
            }
            Err(error) => {
                // What comes after an input that failed is not looked for.
                self.over = true;
                Err(Finding::new(Reason::InputUnreadable, "", "cases that can be read", error.to_string()))
            }
        }
    }

    /// An error says the line that it is about.
    fn numbered(&self, mut answer: Answer) -> Answer {
        answer.finding = answer.finding.map(|finding| finding.within(&format!("line {}", self.number)));
        answer
    }
}

#[cfg(test)]
mod tests {
    use super::{Answer, Batched, Finding, Seam, World};
    use clap::{Args as _, FromArgMatches as _};

    /// A seam with a required argument and a required choice.
    #[derive(clap::Args)]
    struct Picky {
        file: String,
        #[command(flatten)]
        key: Key,
    }

    #[derive(clap::Args)]
    #[group(required = true, multiple = false)]
    struct Key {
        #[arg(long)]
        key: Option<String>,
        #[arg(long)]
        key_hex: Option<String>,
    }

    impl Seam for Picky {
        const COMMAND: &'static str = "picky";

        fn decide(&self, _: &World) -> Result<Answer, Finding> {
            Ok(Answer::accept().with("key", self.key.key.is_some()).with("file", self.file.as_str()))
        }
    }

    fn parse(arguments: &[&str]) -> Result<Batched<Picky>, clap::error::ErrorKind> {
        let command = Batched::<Picky>::augment_args(clap::Command::new("picky").no_binary_name(true));
        let matches = command.try_get_matches_from(arguments).map_err(|error| error.kind())?;
        Batched::from_arg_matches(&matches).map_err(|error| error.kind())
    }

    #[test]
    fn cases_stand_for_every_required_argument_and_choice_and_nothing_else_does() {
        use clap::error::ErrorKind;
        assert!(matches!(parse(&["--cases", "c"]), Ok(Batched::Cases(_))));
        assert!(matches!(parse(&["f", "--key", "k"]), Ok(Batched::One(_))));
        assert_eq!(parse(&["f"]).err(), Some(ErrorKind::MissingRequiredArgument));
        assert_eq!(parse(&["--key-hex", "00"]).err(), Some(ErrorKind::MissingRequiredArgument));
        assert_eq!(parse(&["f", "--key", "k", "--key-hex", "00"]).err(), Some(ErrorKind::ArgumentConflict));
        assert_eq!(parse(&["--cases", "c", "--key", "k"]).err(), Some(ErrorKind::ArgumentConflict));
        assert_eq!(parse(&["f", "--cases", "c"]).err(), Some(ErrorKind::ArgumentConflict));
    }
}
