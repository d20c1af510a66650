//! `ecugate intake`: documents come in before their boxes, from files that are named and from the watched folders.

use super::inputs::World;
use super::seam::{self, Answer, Form, Outcome};
use super::system::System;
use ecugate::gate::{Gate, Surroundings as _};
use ecugate::intake::{Became, Fate, Intake as Store, Offered, Run, Stock};
use ecugate::ledger::Ledger;
use ecugate::site::Site;
use ecugate_verifier::judgement::words;
use ecugate_verifier::values::finding::Finding;
use ecugate_verifier::values::limits::Limits;
use ecugate_verifier::values::reason::Class;
use ecugate_verifier::values::time::Time;
use serde_json::{Value, json};
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

const COMMAND: &str = "intake";

/// How often the watched folders are looked at.
const BETWEEN_LOOKS: Duration = Duration::from_secs(2);

/// Milliseconds of a day.
const DAY: i64 = 86_400_000;

/// Documents to take in.
#[derive(clap::Args)]
pub(crate) struct Intake {
    /// Manifests, certificates and revocation lists, or folders with such files in them. None: what lies in the
    /// suppliers' watched folders
    #[arg(value_name = "FILE|FOLDER")]
    files: Vec<PathBuf>,

    /// Whose documents they are: a claim, recorded as one (default: operator)
    #[arg(long, value_name = "ID", requires = "files")]
    supplier: Option<String>,

    /// Goes on looking into the watched folders until it is ended
    #[arg(long, conflicts_with_all = ["files", "list", "reindex"])]
    watch: bool,

    /// Lists what is stored; needs no token
    #[arg(long, conflicts_with_all = ["files", "reindex"])]
    list: bool,

    /// Makes the index anew from the ledger; needs no token
    #[arg(long, conflicts_with = "files")]
    reindex: bool,

    /// The folder of the trial site
    #[arg(long, value_name = "DIR")]
    site: PathBuf,
}

impl Intake {
    /// Takes documents in, and answers with the exit status of `docs/intake.md`.
    pub(crate) fn run(&self, form: Form) -> ExitCode {
        seam::show(form, COMMAND, &self.answer(form).unwrap_or_else(held))
    }

    fn answer(&self, form: Form) -> Result<Answer, Finding> {
        let site = Site::open(&self.site)?;
        if self.list {
            let now = World::here().system_time()?;
            return Ok(listed(&Store::stock(&ledger(&site)?, &Limits::STANDARD)?, now));
        }
        if self.reindex {
            let (files, records) = Store::new(site.intake()).reindex(&ledger(&site)?)?;
            let line = format!("the index was made anew: {records} records in {files} files");
            return Ok(Answer::accept().with("files", files).with("records", records).line(line));
        }
        let store = Store::new(site.intake());
        // What is wrong with the call is said before a token is opened.
        let named = match self.files.as_slice() {
            [] => None,
            files => Some(Offered::named(files, self.supplier.as_deref())?),
        };
        let gate = Gate::open(site, Box::new(System)).map_err(|error| error.finding().clone())?;
        if self.watch {
            return watch(&gate, &store, form);
        }
        let offered = match named {
            Some(named) => named,
            None => store.waiting(&System)?,
        };
        Ok(told(&take_in(&gate, offered)?))
    }
}

fn ledger(site: &Site) -> Result<Ledger, Finding> {
    Ok(Ledger::open(&site.ledger(), site.trusted_keys(), site.marks())?)
}

fn take_in(gate: &Gate, offered: Vec<Offered>) -> Result<Run, Finding> {
    gate.take_in(offered, &System).map_err(|error| error.finding().clone())
}

/// Round after round. What happened is shown once: what stays as it is would be told again and again.
fn watch(gate: &Gate, store: &Store, form: Form) -> Result<Answer, Finding> {
    let mut last = told(&Run::default());
    loop {
        let answer =
            store.waiting(&System).and_then(|offered| take_in(gate, offered)).map_or_else(held, |run| told(&run));
        if answer != last {
            seam::show(form, COMMAND, &answer);
        }
        last = answer;
        System.pause(BETWEEN_LOOKS);
    }
}

/// Nothing was taken in: a wrong call, or something that may pass or that a person must mend.
fn held(finding: Finding) -> Answer {
    if finding.reason.class() == Class::Usage {
        Answer::refuse(finding)
    } else {
        Answer::of_unit(Outcome::Hold, Some(finding))
    }
}

/// What a run did: a hold where it was stopped, a reject where a file was refused.
fn told(run: &Run) -> Answer {
    let stopped = run.stopped.clone().or_else(|| run.fates.iter().find_map(|fate| fate.unmoved.clone()));
    let refused = run.fates.iter().find_map(|fate| match &fate.became {
        Became::Refused(finding) => Some(finding.clone().within(&fate.path.display().to_string())),
        _ => None,
    });
    let mut answer = match (stopped, refused) {
        (Some(finding), _) => held(finding),
        (None, Some(finding)) => Answer::refuse(finding),
        (None, None) => Answer::accept(),
    };
    for (name, is) in [
        ("entered", (|became| matches!(became, Became::Entered(_))) as fn(&Became) -> bool),
        ("known", |became| matches!(became, Became::Known(_))),
        ("refused", |became| matches!(became, Became::Refused(_))),
        ("waiting", |became| matches!(became, Became::Waits(_))),
    ] {
        answer = answer.with(name, run.fates.iter().filter(|fate| is(&fate.became)).count());
    }
    answer = answer.with("documents", run.fates.iter().map(fate_json).collect::<Vec<Value>>());
    if run.fates.is_empty() {
        answer = answer.line("nothing to take in");
    }
    run.fates.iter().flat_map(fate_lines).fold(answer, Answer::line)
}

fn word(became: &Became) -> &'static str {
    match became {
        Became::Entered(_) => "entered",
        Became::Known(_) => "known",
        Became::Refused(_) => "refused",
        Became::Waits(_) => "waiting",
    }
}

fn fate_json(fate: &Fate) -> Value {
    let (seq, refusal, why) = match &fate.became {
        Became::Entered(seq) | Became::Known(seq) => (Some(*seq), None, None),
        Became::Refused(finding) => (None, Some(words::json(finding)), None),
        Became::Waits(why) => (None, None, Some(why.as_str())),
    };
    json!({
        "file": fate.path.display().to_string(),
        "outcome": word(&fate.became),
        "supplier": fate.source.as_str(),
        "kind": fate.kind.map(|kind| kind.word()),
        "name": fate.name.as_ref().map(|name| name.as_str()),
        "sha256": fate.digest.map(|digest| digest.to_string()),
        "seq": seq,
        "finding": refusal,
        "why": why,
        "moved": fate.moved.as_ref().map(|path| path.display().to_string()),
        "will_not_count": fate.will_not_count.as_ref().map(words::json),
    })
}

fn fate_lines(fate: &Fate) -> Vec<String> {
    let file = fate.path.display();
    let what = || {
        let kind = fate.kind.map_or("document", |kind| kind.word());
        fate.name.as_ref().map_or_else(|| kind.to_owned(), |name| format!("{kind} {name}"))
    };
    let mut lines = vec![match &fate.became {
        Became::Entered(seq) => format!("entered   {} as entry {seq}: {file}", what()),
        Became::Known(seq) => format!("known     {} is entry {seq}: {file}", what()),
        Became::Refused(finding) => {
            let why = words::why(finding).map(|why| format!(": {why}")).unwrap_or_default();
            format!("refused   {file}: {}{why}", finding.reason)
        }
        Became::Waits(why) => format!("waiting   {file}: {why}"),
    }];
    if let (Became::Refused(_), Some(moved)) = (&fate.became, &fate.moved) {
        lines.push(format!("          set aside as {}", moved.display()));
    }
    if let Some(finding) = &fate.will_not_count {
        let why = words::why(finding).map(|why| format!(": {why}")).unwrap_or_default();
        lines.push(format!("          will not count: {}{why}", finding.reason));
    }
    lines
}

fn listed(stock: &Stock, now: Time) -> Answer {
    let documents: Vec<Value> = stock
        .lines
        .iter()
        .map(|line| {
            json!({
                "seq": line.seq,
                "at": line.at.to_string(),
                "supplier": line.source.as_str(),
                "kind": line.kind.word(),
                "name": line.name.as_ref().map(|name| name.as_str()),
                "sha256": line.digest.to_string(),
                "count": line.count,
            })
        })
        .collect();
    let days =
        |until: &Option<Time>| until.map(|until| until.unix_millis().saturating_sub(now.unix_millis()).div_euclid(DAY));
    let lists: Vec<Value> = stock
        .lists
        .iter()
        .map(|(issuer, (made, until))| {
            json!({
                "issuer": issuer,
                "this_update": made.to_string(),
                "next_update": until.map(|until| until.to_string()),
                "days_left": days(until),
            })
        })
        .collect();
    let mut answer = Answer::accept().with("stored", documents).with("crls", lists);
    for line in &stock.lines {
        let name = line.name.as_ref().map_or("", |name| name.as_str());
        let unit = match line.kind.word() {
            "shipment" => "units",
            "release" => "components",
            "crl" => "lists",
            _ => "certificates",
        };
        let what = format!("{} {name}", line.kind.word());
        answer = answer.line(format!(
            "entry {:<6} {:<24}  {:<28} {:>6} {unit:<12} by {}",
            line.seq,
            line.at.to_string(),
            what.trim_end(),
            line.count,
            line.source
        ));
    }
    for (issuer, (_, until)) in &stock.lists {
        let left = days(until).map_or_else(|| "it names no end".to_owned(), |days| format!("{days} days left"));
        answer = answer.line(format!("crls of      {issuer}: {left}"));
    }
    answer
}
