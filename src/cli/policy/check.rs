//! `ecugate policy check`: what a policy means before anybody signs it.

use super::wording;
use crate::cli::desk::{self, could_not};
use crate::cli::inputs::World;
use crate::cli::seam::{self, Answer, Form};
use crate::cli::system::System;
use ecugate::ceremony::{Desk, PolicyDraft, Position, Sheet, differences, propose_policy, review_policy};
use ecugate::site::Site;
use ecugate_verifier::documents::policy_text::PolicyText;
use ecugate_verifier::values::finding::Finding;
use ecugate_verifier::values::ident::Name;
use ecugate_verifier::values::limits::Limits;
use ecugate_verifier::values::reason::Reason;
use ecugate_verifier::values::time::Time;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// A policy.
#[derive(clap::Args)]
pub(crate) struct Check {
    /// The policy as a person writes it (TOML), or what officers have signed of it
    file: PathBuf,

    /// The folder of the site whose policy it is to replace
    #[arg(long, value_name = "DIR")]
    site: Option<PathBuf>,
}

impl Check {
    pub(super) fn run(&self, form: Form) -> ExitCode {
        seam::show(form, "policy check", &self.check().unwrap_or_else(could_not))
    }

    fn check(&self) -> Result<Answer, Finding> {
        let Some(folder) = &self.site else { return self.alone() };
        let site = Site::open(folder)?;
        let now = World::here().system_time()?;
        let bytes = World::here().bytes(&self.file, Limits::STANDARD.document_bytes)?;
        if !is_draft(&bytes) {
            let review = Review::of(site, &self.file)?;
            let needed = review.desk.site().authority().threshold();
            return Ok(desk::signatures(review.answer(), review.sheet.persons(), needed));
        }
        let draft = PolicyDraft::read(&bytes, &self.file.display().to_string())?;
        let desk = Desk::open(site, Box::new(System))?;
        let proposed = propose_policy(&desk, &draft, "not yet stated", now)?;
        let position = Position::<PolicyText>::of(desk.site(), desk.ledger())?;
        let answer = wording::dates(desk::about(desk.site()), &proposed.policy, now);
        let answer = wording::demands(answer, &proposed.policy);
        Ok(wording::changes(answer, &differences(position.in_force().document(), &proposed.policy)))
    }

    /// Without a site: what it demands, and nothing of what is in force.
    fn alone(&self) -> Result<Answer, Finding> {
        let bytes = World::here().bytes(&self.file, Limits::STANDARD.document_bytes)?;
        if !is_draft(&bytes) {
            let expected = "--site DIR beside a policy that is signed or to be signed";
            return Err(Finding::new(Reason::Usage, "command line", expected, "no --site"));
        }
        let draft = PolicyDraft::read(&bytes, &self.file.display().to_string())?;
        let now = World::here().system_time()?;
        let site =
            Name::new("any").map_err(|fault| Finding::new(Reason::Usage, "site", "a name", fault.to_string()))?;
        let answer = Answer::accept().line("NOT COMPARED with a policy in force: name its site with --site");
        Ok(wording::demands(answer, &draft.document(&site, 1, None, now)))
    }
}

/// A draft is TOML, and what is signed is an object of JSON: no text is both.
pub(super) fn is_draft(bytes: &[u8]) -> bool {
    !bytes.trim_ascii_start().starts_with(b"{")
}

/// A policy that may be signed: read, and held against the site.
pub(super) struct Review {
    pub(super) desk: Desk,
    pub(super) sheet: Sheet<PolicyText>,
    pub(super) annex: Option<ecugate::ceremony::Annex>,
    differences: Vec<ecugate::ceremony::Difference>,
    now: Time,
}

impl Review {
    pub(super) fn of(site: Site, file: &Path) -> Result<Self, Finding> {
        let world = World::here();
        let (sheet, annex) = desk::sheet::<PolicyText>(&world, file, &site)?;
        Self::with(Desk::open(site, Box::new(System))?, sheet, annex, world.system_time()?)
    }

    pub(super) fn with(
        desk: Desk,
        sheet: Sheet<PolicyText>,
        annex: Option<ecugate::ceremony::Annex>,
        now: Time,
    ) -> Result<Self, Finding> {
        let differences = review_policy(&desk, &sheet, now)?;
        Ok(Self { desk, sheet, annex, differences, now })
    }

    /// What the policy says.
    pub(super) fn answer(&self) -> Answer {
        let mut answer = wording::dates(desk::about(self.desk.site()), self.sheet.document(), self.now);
        if let Some(annex) = &self.annex {
            answer = answer.line(format!("reason    {}", annex.reason)).with("statement", annex.reason.as_str());
        }
        let answer = wording::demands(answer, self.sheet.document());
        desk::payload(wording::changes(answer, &self.differences), &self.sheet.payload_digest())
    }
}
