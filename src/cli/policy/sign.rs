//! `ecugate policy sign`: one officer's signature on a policy.

use super::check::{Review, is_draft};
use crate::cli::anchors::Officer;
use crate::cli::desk::{self, could_not, write_new, write_signed};
use crate::cli::inputs::World;
use crate::cli::seam::{self, Answer, Form};
use crate::cli::system::System;
use ecugate::ceremony::{Desk, PolicyDraft, Sheet, open_officer, propose_policy};
use ecugate::site::Site;
use ecugate_verifier::values::finding::Finding;
use ecugate_verifier::values::limits::Limits;
use ecugate_verifier::values::reason::Reason;
use std::path::PathBuf;
use std::process::ExitCode;

/// A policy, and who signs it.
#[derive(clap::Args)]
pub(crate) struct Sign {
    /// The policy as a person writes it (TOML; the first officer), or what another officer has signed of it: that file
    /// gets the signature
    file: PathBuf,

    /// The folder of the site
    #[arg(long, value_name = "DIR")]
    site: PathBuf,

    #[command(flatten)]
    officer: Officer,

    /// Why: goes into the ledger. Stated by the first officer
    #[arg(long, value_name = "TEXT")]
    reason: Option<String>,

    /// A new file for what is signed: needed for TOML, else instead of the file that was read
    #[arg(long, value_name = "ENVELOPE")]
    out: Option<PathBuf>,
}

impl Sign {
    pub(super) fn run(&self, form: Form) -> ExitCode {
        seam::show(form, "policy sign", &self.sign().unwrap_or_else(could_not))
    }

    fn sign(&self) -> Result<Answer, Finding> {
        // Before any input: whoever put a PIN there should hear of that.
        let officer = self.officer.key()?;
        desk::require_file(&self.file)?;
        let site = Site::open(&self.site)?;
        let bytes = World::here().bytes(&self.file, Limits::STANDARD.document_bytes)?;
        let draft = is_draft(&bytes);
        let review = if draft { self.first(site, &bytes)? } else { self.further(site)? };
        let answer = review.answer();
        let Review { desk, sheet, annex, .. } = review;
        desk::require_compared(self.officer.compare, sheet.payload_digest())?;
        sheet.require_unsigned_by(&officer.person)?;
        let signer = open_officer(&desk, &officer)?;
        let authority = desk.site().authority();
        let signed = sheet.sign(&officer.person, &signer, authority)?;
        let written = match &self.out {
            Some(out) if draft => write_new(out, signed.bytes(), annex.as_ref()).map(|()| out.clone())?,
            out => write_signed(&self.file, out.as_deref(), signed.bytes(), annex.as_ref())?,
        };
        let answer = desk::signatures(answer, signed.persons(), authority.threshold());
        let written = written.display().to_string();
        Ok(answer.line(format!("written   {written}")).with("out", written))
    }

    /// The first officer's draft becomes the next policy.
    fn first(&self, site: Site, bytes: &[u8]) -> Result<Review, Finding> {
        let usage = |expected: &str, found: &str| Finding::new(Reason::Usage, "command line", expected, found);
        let reason = self.reason.as_deref().ok_or_else(|| usage("--reason TEXT beside TOML", "no --reason"))?;
        if self.out.is_none() {
            return Err(usage("--out ENVELOPE beside TOML", "no --out"));
        }
        let draft = PolicyDraft::read(bytes, &self.file.display().to_string())?;
        let now = World::here().system_time()?;
        let desk = Desk::open(site, Box::new(System))?;
        let proposed = propose_policy(&desk, &draft, reason, now)?;
        let sheet = Sheet::read(&proposed.payload, desk.site().authority())?;
        Review::with(desk, sheet, Some(proposed.annex), now)
    }

    fn further(&self, site: Site) -> Result<Review, Finding> {
        if self.reason.is_some() {
            let expected = "no --reason: the first officer has stated it";
            return Err(Finding::new(Reason::Usage, "command line", expected, "--reason"));
        }
        Review::of(site, &self.file)
    }
}
