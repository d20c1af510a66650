//! `ecugate ledger show`: entries, each verified, with its statement and its proof.

use crate::cli::inputs::World;
use crate::cli::seam::{Answer, Seam};
use clap::ArgGroup;
use ecugate::ledger::{Ledger, Look, Select};
use ecugate_verifier::documents::envelope::Envelope;
use ecugate_verifier::inputs::custody::State;
use ecugate_verifier::values::attempt::Attempt;
use ecugate_verifier::values::finding::Finding;
use ecugate_verifier::values::ident::{Name, Serial, UnitKey};
use ecugate_verifier::values::limits::Limits;
use ecugate_verifier::values::reason::Reason;
use serde_json::{Value, json};
use std::path::PathBuf;

/// Which entries.
#[derive(clap::Args)]
#[command(group = ArgGroup::new("which").required(true))]
pub(crate) struct Show {
    /// The folder of the site
    #[arg(long, value_name = "DIR")]
    site: PathBuf,

    /// One entry
    #[arg(long, value_name = "N", group = "which")]
    entry: Option<u64>,

    /// What an attempt came to, and what became of its unit: STATION/NONCE, as `receive` shows it
    #[arg(long, value_name = "ATTEMPT", group = "which")]
    attempt: Option<String>,

    /// Every entry that names a serial number, and what became of those units
    #[arg(long, value_name = "TEXT", group = "which")]
    serial: Option<String>,

    /// The late hold with this tag
    #[arg(long, value_name = "H-NUMBER", group = "which")]
    tag: Option<String>,

    /// The last entries
    #[arg(long, value_name = "COUNT", group = "which")]
    last: Option<u64>,
}

impl Seam for Show {
    const COMMAND: &'static str = "ledger show";

    fn decide(&self, _: &World) -> Result<Answer, Finding> {
        let attempt = self.attempt.as_deref().map(attempt).transpose()?;
        let key = self.serial.as_deref().map(|text| identifier("--serial", Serial::new(text), text)).transpose()?;
        let key = key.as_ref().map(UnitKey::serial);
        let tag = self.tag.as_deref().map(|text| identifier("--tag", Name::new(text), text)).transpose()?;
        let select = match (self.entry, &attempt, &key, &tag, self.last) {
            (Some(seq), ..) => Select::Entry(seq),
            (_, Some(attempt), ..) => Select::Attempt(attempt),
            (_, _, Some(key), ..) => Select::Key(key),
            (_, _, _, Some(tag), _) => Select::Tag(tag),
            (_, _, _, _, last) => Select::Last(last.unwrap_or(1)),
        };
        let (_, ledger) = super::open(&self.site)?;
        let found = ledger.look(select)?;
        if found.is_empty() {
            return Ok(Answer::refuse(Finding::new(
                Reason::LedgerEntryMissing,
                "ledger",
                "an entry of this kind",
                "none",
            ))
            .with("entries", Vec::<Value>::new()));
        }
        let covered = ledger.head()?.1.map_or(0, |checkpoint| checkpoint.size());
        let mut answer = Answer::accept();
        let mut entries = Vec::new();
        for look in &found {
            let predicate = predicate(look);
            for line in lines(look, &predicate, covered) {
                answer = answer.line(line);
            }
            entries.push(entry(&ledger, look, predicate, covered)?);
        }
        Ok(answer
            .with("origin", ledger.origin())
            .with("vkey", ledger.log_key(ledger.keys_in_force()?)?.to_string())
            .with("entries", entries))
    }
}

/// `STATION/NONCE`.
pub(in crate::cli) fn attempt(text: &str) -> Result<Attempt, Finding> {
    let wrong = || Finding::new(Reason::Usage, "--attempt", "STATION/NONCE, the nonce of 32 hex digits", text);
    let (station, nonce) = text.rsplit_once('/').ok_or_else(wrong)?;
    serde_json::from_value(json!({"station": station, "nonce": nonce})).map_err(|_| wrong())
}

fn identifier<T, E: std::fmt::Display>(flag: &str, read: Result<T, E>, text: &str) -> Result<T, Finding> {
    read.map_err(|fault| Finding::new(Reason::Usage, flag, "an identifier", format!("{text:?} {fault}")))
}

/// The predicate as it stands in the envelope, which was verified when the entry was looked up.
fn predicate(look: &Look) -> Value {
    let payload = Envelope::parse(&look.envelope, &Limits::STANDARD).map(|envelope| envelope.payload().to_vec());
    let statement: Value = payload.ok().and_then(|bytes| serde_json::from_slice(&bytes).ok()).unwrap_or_default();
    statement.get("predicate").cloned().unwrap_or_default()
}

fn entry(ledger: &Ledger, look: &Look, predicate: Value, covered: u64) -> Result<Value, Finding> {
    let proof = if look.seq < covered {
        let recorded = ledger.recorded(look.seq)?;
        json!({"size": recorded.size, "inclusion": recorded.inclusion, "checkpoint": recorded.checkpoint})
    } else {
        Value::Null
    };
    Ok(json!({
        "seq": look.seq,
        "kind": look.kind,
        "understood": look.record.is_some(),
        "standing": look.standing.map(State::word),
        "leaf_hash": look.leaf_hash,
        "predicate": predicate,
        "envelope": serde_json::from_slice::<Value>(&look.envelope).unwrap_or_default(),
        "proof": proof,
    }))
}

fn lines(look: &Look, predicate: &Value, covered: u64) -> Vec<String> {
    let text = |path: &str| predicate.pointer(path).and_then(Value::as_str).unwrap_or_default().to_owned();
    let mut lines = vec![format!("entry {}   {}", look.seq, look.kind)];
    let mut say = |name: &str, text: String| {
        if !text.is_empty() {
            lines.push(format!("  {name:<10} {text}"));
        }
    };
    let Some(record) = &look.record else {
        say("", "not understood by this version".to_owned());
        return lines;
    };
    say("time", record.time.to_string());
    say("unit", [text("/unit/serial"), text("/unit/part"), text("/unit/manufacturer")].join("   ").trim().to_owned());
    say("about", record.unit.map_or_else(String::new, |unit| format!("the unit of entry {unit}")));
    say("ruling", text("/ruling"));
    for pointer in ["tag", "consumer", "reference", "booked_as", "ground", "kind", "name", "source"] {
        say(pointer, text(&format!("/{pointer}")));
    }
    let findings = predicate.get("findings").and_then(Value::as_array).cloned().unwrap_or_default();
    for finding in findings {
        let part = |name: &str| finding.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
        say(
            "because",
            format!("{}: {}: expected {}, found {}", part("reason"), part("where"), part("expected"), part("found")),
        );
    }
    say("state", record.state.map_or_else(String::new, |state| state.word().to_owned()));
    say("now", look.standing.map_or_else(String::new, |state| state.word().to_owned()));
    say("attempt", record.attempt.as_ref().map_or_else(String::new, ToString::to_string));
    let (inside, outside) =
        ("under a checkpoint".to_owned(), "NOT under a checkpoint yet: do not act on it".to_owned());
    say("proof", if look.seq < covered { inside } else { outside });
    lines
}
