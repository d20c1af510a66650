//! `ecugate journal`: what the gate of a site began and what it holds outside of the ledger. Neither of these needs a
//! token, and neither admits anything.

use super::inputs::World;
use super::seam::{Answer, Form, Seam, show};
use ecugate::journal::{Journal, Kept, Tag};
use ecugate::site::Site;
use ecugate_verifier::judgement::words;
use ecugate_verifier::values::finding::Finding;
use ecugate_verifier::values::reason::Reason;
use serde_json::{Value, json};
use std::path::PathBuf;
use std::process::ExitCode;

/// Looks at the journal of a site, or begins one in the place of one that is lost.
#[derive(clap::Subcommand)]
pub(crate) enum JournalCommand {
    /// Shows holds that are not entered in the ledger and attempts that are open, and holds every line against the others
    Show(Show),
    /// Begins a journal where there is none. What the lost one kept is not in the ledger: look at the tags on the hold shelf
    Begin(Begin),
}

impl JournalCommand {
    /// Runs the one that was named.
    pub(crate) fn run(&self, form: Form) -> ExitCode {
        match self {
            Self::Show(command) => show(form, Show::COMMAND, &Answer::from(command.decide(&World::here()))),
            Self::Begin(command) => show(form, Begin::COMMAND, &Answer::from(command.decide(&World::here()))),
        }
    }
}

/// What is open.
#[derive(clap::Args)]
pub(crate) struct Show {
    /// The folder of the site
    #[arg(long, value_name = "DIR")]
    site: PathBuf,
}

/// A new one.
#[derive(clap::Args)]
pub(crate) struct Begin {
    /// The folder of the site
    #[arg(long, value_name = "DIR")]
    site: PathBuf,

    /// The highest tag that is on any box: the next hold gets the one after it
    #[arg(long, value_name = "TAG")]
    after: String,
}

impl Seam for Show {
    const COMMAND: &'static str = "journal show";

    fn decide(&self, _: &World) -> Result<Answer, Finding> {
        let seen = Journal::audit(&Site::open(&self.site)?.journal())?;
        let open = seen.open.iter().map(|(attempt, begun)| json!({"attempt": attempt, "begun": begun}));
        let mut answer = Answer::accept()
            .with("segments", seen.segments)
            .with("lines", seen.lines)
            .with("next_tag", seen.next_tag.to_string())
            .with("kept", seen.kept.iter().map(kept).collect::<Value>())
            .with("open", open.collect::<Value>());
        for Kept { tag, hold, .. } in &seen.kept {
            let serial = hold.unit.serial.as_ref().map_or("no serial", |serial| serial.as_str());
            let reason = hold.findings.first().map_or("", |finding| finding.reason.code());
            answer = answer.line(format!("{tag}  {serial}  held {}  {reason}", hold.time));
        }
        for (attempt, begun) in &seen.open {
            answer = answer.line(format!("open      attempt {attempt}, begun {begun}"));
        }
        let (kept, open) = (seen.kept.len(), seen.open.len());
        Ok(answer.line(format!("{kept} holds to be entered, {open} attempts open, {} lines", seen.lines)))
    }
}

fn kept(kept: &Kept) -> Value {
    let Kept { tag, hold, line } = kept;
    json!({
        "tag": tag,
        "attempt": hold.attempt,
        "held": hold.time,
        "unit": hold.unit,
        "operator": hold.operator,
        "order": hold.order,
        "findings": hold.findings.iter().map(words::json).collect::<Vec<_>>(),
        "line": line,
    })
}

impl Seam for Begin {
    const COMMAND: &'static str = "journal begin";

    fn decide(&self, _: &World) -> Result<Answer, Finding> {
        let after = Tag::parse(&self.after).ok_or_else(|| {
            Finding::new(Reason::Usage, "--after", "a tag like H-000419; H-000000 where none was given", &self.after)
        });
        let after = if self.after == "H-000000" { None } else { Some(after?) };
        let folder = Site::open(&self.site)?.journal();
        Journal::create(&folder, after)?;
        let next = Journal::audit(&folder)?.next_tag.to_string();
        Ok(Answer::accept().with("next_tag", next.as_str()).line(format!("a new journal; the next tag is {next}")))
    }
}
