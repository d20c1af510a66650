//! `ecugate anchors publish`: puts a list in force that enough officers signed.

use crate::cli::desk::{self, could_not, done, groups};
use crate::cli::inputs::World;
use crate::cli::papers;
use crate::cli::seam::{self, Answer, Form};
use crate::cli::system::System;
use ecugate::ceremony::{AnchorsPublished, Annex, Desk, publish_anchors};
use ecugate::site::Site;
use ecugate_verifier::values::finding::Finding;
use ecugate_verifier::values::limits::Limits;
use serde_json::{Value, json};
use std::path::PathBuf;
use std::process::ExitCode;

/// A signed list.
#[derive(clap::Args)]
pub(crate) struct Publish {
    /// The list that the officers signed
    file: PathBuf,

    /// The folder of the site
    #[arg(long, value_name = "DIR")]
    site: PathBuf,

    /// A listed certificate that is neither on the token nor in the annex: to put back what somebody has removed
    #[arg(long, value_name = "FILE")]
    certificate: Vec<PathBuf>,

    /// Why, where the annex is not at hand: goes into the ledger
    #[arg(long, value_name = "TEXT")]
    reason: Option<String>,
}

impl Publish {
    pub(super) fn run(&self, form: Form) -> ExitCode {
        seam::show(form, "anchors publish", &self.publish().unwrap_or_else(could_not))
    }

    fn publish(&self) -> Result<Answer, Finding> {
        let site = Site::open(&self.site)?;
        let world = World::here();
        let envelope = world.bytes(&self.file, Limits::STANDARD.document_bytes)?;
        let annex = desk::annex(&world, &self.file)?;
        let reason = desk::reason(self.reason.as_deref(), annex.as_ref())?;
        let mut certificates = annex.map(|annex| annex.certificates).unwrap_or_default();
        certificates.extend(papers::all_certificates(&world, &self.certificate)?);
        let annex = Annex::new(&reason, certificates)?;
        let mut desk = Desk::open(site, Box::new(System))?;
        let published = publish_anchors(&mut desk, &envelope, &annex)?;
        Ok(said(desk.site(), &published))
    }
}

fn said(site: &Site, published: &AnchorsPublished) -> Answer {
    let mut answer = desk::about(site)
        .line(format!(
            "list      version {} is in force; certificates that count: {}",
            published.version, published.anchors
        ))
        .line(format!("envelope  {}", groups(&published.digest)))
        .with("version", published.version)
        .with("sha256", published.digest.to_string())
        .with("anchors", published.anchors);
    answer = desk::signatures(answer, &published.persons, site.authority().threshold());
    answer = answer
        .line(match published.entry {
            Some(entry) => format!("ledger    entry {entry}, recorded {}", done(published.recorded)),
            None => "ledger    the list of the founding: it has no entry of its own".to_owned(),
        })
        .line(format!("file      put in its place {}", done(published.replaced)))
        .with("entry", published.entry)
        .with("size", published.size)
        .with("recorded", done(published.recorded))
        .with("replaced", done(published.replaced));
    for (sha256, written) in &published.written {
        let marked = written.trusted.map_or("not stated", |trusted| if trusted { "set" } else { "not set" });
        answer = answer
            .line(format!("token     + {} {}", written.label, groups(sha256)))
            .line(format!("            CKA_TRUSTED {marked} (recorded, never relied on)"));
    }
    for retired in &published.retired {
        let sha256 = groups(&retired.sha256);
        answer = match &retired.still_there {
            None => answer.line(format!("token     - {sha256}")),
            Some(why) => answer
                .line(format!("token     still there, no longer listed, and so without effect: {sha256}"))
                .line(format!("            {why}")),
        };
    }
    let written: Vec<Value> = published
        .written
        .iter()
        .map(|(sha256, written)| json!({"sha256": sha256.to_string(), "label": written.label, "trusted": written.trusted}))
        .collect();
    let retired: Vec<Value> = published
        .retired
        .iter()
        .map(|one| json!({"sha256": one.sha256.to_string(), "still_there": one.still_there}))
        .collect();
    answer.with("written", written).with("retired", retired)
}
