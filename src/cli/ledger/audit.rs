//! `ecugate ledger audit`: everything in the file is derived again from leaves and envelopes, and compared.

use crate::cli::inputs::World;
use crate::cli::seam::{Answer, Seam};
use crate::cli::system::System;
use ecugate::ledger::Depth;
use ecugate::surroundings::Surroundings as _;
use ecugate_verifier::judgement::words;
use ecugate_verifier::values::finding::Finding;
use ecugate_verifier::values::reason::Reason;
use serde_json::{Value, json};
use std::path::PathBuf;

/// Checks the whole ledger.
#[derive(clap::Args)]
pub(crate) struct Audit {
    /// The folder of the site
    #[arg(long, value_name = "DIR")]
    site: PathBuf,

    /// Verifies the signatures of every entry too: only then the ledger is audited
    #[arg(long)]
    signatures: bool,
}

impl Seam for Audit {
    const COMMAND: &'static str = "ledger audit";

    fn decide(&self, _: &World) -> Result<Answer, Finding> {
        let (_, ledger) = super::open(&self.site)?;
        let depth = if self.signatures { Depth::Signatures } else { Depth::Structure };
        let mut key = [0; 32];
        System.random(&mut key)?;
        let audit = ledger.audit(depth, &key)?;
        let not_understood = audit.not_understood.first().map(|(seq, kind)| {
            let expected = "kinds of entry that this version understands";
            Finding::new(Reason::LedgerNewer, format!("entry {seq}"), expected, kind.as_str())
        });
        let answer = match audit.differences.first().cloned().or(not_understood) {
            Some(finding) => Answer::refuse(finding),
            None => Answer::accept(),
        };
        let word = match (audit.is_clean(), self.signatures) {
            (false, _) => "differs",
            (true, true) => "audited",
            (true, false) => "structure holds; signatures of entries not verified",
        };
        let mut answer = answer
            .with("audited", audit.is_clean() && self.signatures)
            .with("origin", ledger.origin())
            .with("size", audit.size)
            .with("checkpoints", audit.checkpoints)
            .with("signatures", self.signatures)
            .with("not_understood", not_understood_json(&audit.not_understood))
            .with("differences", json!(audit.differences.iter().map(words::json).collect::<Vec<_>>()))
            .line(format!("ledger    {}", ledger.origin()))
            .line(format!("entries   {}", audit.size))
            .line(format!("checked   {} checkpoints, every leaf, node, row and blob", audit.checkpoints))
            .line(format!("result    {word}"));
        for finding in audit.differences.iter().skip(1) {
            let Finding { place, expected, found, .. } = finding;
            answer = answer.line(format!("also      {place}: expected {expected}, found {found}"));
        }
        Ok(answer)
    }
}

fn not_understood_json(entries: &[(u64, String)]) -> Vec<Value> {
    entries.iter().map(|(seq, kind)| json!({"seq": seq, "kind": kind})).collect()
}
