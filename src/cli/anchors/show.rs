//! `ecugate anchors show`: what a list on its way to its signatures changes. No key is touched.

use super::wording;
use crate::cli::desk::{self, could_not};
use crate::cli::inputs::World;
use crate::cli::seam::{self, Answer, Form};
use crate::cli::system::System;
use ecugate::ceremony::{Annex, Desk, Sheet, review_anchors};
use ecugate::site::Site;
use ecugate_verifier::documents::anchor_list::AnchorList;
use ecugate_verifier::values::finding::Finding;
use ecugate_verifier::values::reason::Reason;
use ecugate_verifier::values::time::Time;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// A list on its way.
#[derive(clap::Args)]
pub(crate) struct Show {
    /// What `anchors propose` wrote, or what an officer has signed of it
    file: PathBuf,

    /// The folder of the site
    #[arg(long, value_name = "DIR")]
    site: PathBuf,
}

impl Show {
    pub(super) fn run(&self, form: Form) -> ExitCode {
        seam::show(form, "anchors show", &self.show().unwrap_or_else(could_not))
    }

    fn show(&self) -> Result<Answer, Finding> {
        let review = Review::of(Site::open(&self.site)?, &self.file)?;
        let answer = review.answer();
        let needed = review.desk.site().authority().threshold();
        Ok(desk::signatures(answer, review.sheet.persons(), needed))
    }
}

/// A list that may be signed: read, and held against the site.
pub(super) struct Review {
    pub(super) desk: Desk,
    pub(super) sheet: Sheet<AnchorList>,
    pub(super) annex: Annex,
    changes: Vec<ecugate::ceremony::Change>,
    now: Time,
}

impl Review {
    pub(super) fn of(site: Site, file: &Path) -> Result<Self, Finding> {
        let world = World::here();
        let (sheet, annex) = desk::sheet::<AnchorList>(&world, file, &site)?;
        let annex = annex.ok_or_else(|| {
            let place = desk::annex_of(file).display().to_string();
            let expected = "the annex of the list: its reason and the certificates that it adds";
            Finding::new(Reason::InputMissing, place, expected, "no file")
        })?;
        let now = world.system_time()?;
        let desk = Desk::open(site, Box::new(System))?;
        let changes = review_anchors(&desk, &sheet, &annex, now)?;
        Ok(Self { desk, sheet, annex, changes, now })
    }

    /// What the list says.
    pub(super) fn answer(&self) -> Answer {
        let about = desk::about(self.desk.site());
        let answer = wording::list(about, self.sheet.document(), &self.changes, &self.annex.reason, self.now);
        desk::payload(answer, &self.sheet.payload_digest())
    }
}
