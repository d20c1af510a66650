//! `ecugate policy publish`: puts a policy in force that enough officers signed.

use crate::cli::desk::{self, could_not, done, groups};
use crate::cli::inputs::World;
use crate::cli::seam::{self, Answer, Form};
use crate::cli::system::System;
use ecugate::ceremony::{Desk, publish_policy};
use ecugate::site::Site;
use ecugate_verifier::values::finding::Finding;
use ecugate_verifier::values::limits::Limits;
use std::path::PathBuf;
use std::process::ExitCode;

/// A signed policy.
#[derive(clap::Args)]
pub(crate) struct Publish {
    /// The policy that the officers signed
    file: PathBuf,

    /// The folder of the site
    #[arg(long, value_name = "DIR")]
    site: PathBuf,

    /// Why, where the annex is not at hand: goes into the ledger
    #[arg(long, value_name = "TEXT")]
    reason: Option<String>,
}

impl Publish {
    pub(super) fn run(&self, form: Form) -> ExitCode {
        seam::show(form, "policy publish", &self.publish().unwrap_or_else(could_not))
    }

    fn publish(&self) -> Result<Answer, Finding> {
        let site = Site::open(&self.site)?;
        let world = World::here();
        let envelope = world.bytes(&self.file, Limits::STANDARD.document_bytes)?;
        let reason = desk::reason(self.reason.as_deref(), desk::annex(&world, &self.file)?.as_ref())?;
        let mut desk = Desk::open(site, Box::new(System))?;
        let published = publish_policy(&mut desk, &envelope, &reason)?;
        let answer = desk::about(desk.site())
            .line(format!("policy    version {} is in force", published.version))
            .line(format!("envelope  {}", groups(&published.digest)))
            .with("version", published.version)
            .with("sha256", published.digest.to_string());
        let answer = desk::signatures(answer, &published.persons, desk.site().authority().threshold());
        Ok(answer
            .line(match published.entry {
                Some(entry) => format!("ledger    entry {entry}, recorded {}", done(published.recorded)),
                None => "ledger    the policy of the founding: it has no entry of its own".to_owned(),
            })
            .line(format!("file      put in its place {}", done(published.replaced)))
            .with("entry", published.entry)
            .with("size", published.size)
            .with("recorded", done(published.recorded))
            .with("replaced", done(published.replaced)))
    }
}
