//! `ecugate anchors propose`: the next list as an unsigned payload, and what it changes.

use super::wording;
use crate::cli::desk::{self, annex_of, could_not, write_new};
use crate::cli::flag::instant;
use crate::cli::init::anchor;
use crate::cli::inputs::World;
use crate::cli::seam::{self, Answer, Form};
use crate::cli::system::System;
use ecugate::ceremony::{Addition, Desk, Position, Proposal, Sheet, propose_anchors, review_anchors};
use ecugate::new_file;
use ecugate::site::Site;
use ecugate_verifier::documents::anchor_list::{AnchorList, Serials};
use ecugate_verifier::values::digest::Sha256;
use ecugate_verifier::values::finding::Finding;
use ecugate_verifier::values::reason::Reason;
use ecugate_verifier::values::time::Time;
use std::collections::BTreeSet;
use std::path::PathBuf;
use std::process::ExitCode;

/// What is to change.
#[derive(clap::Args)]
pub(crate) struct Propose {
    /// The folder of the site
    #[arg(long, value_name = "DIR")]
    site: PathBuf,

    /// A manufacturer certificate that is to count: CERT[:roles[:parts]], as `init --anchor` takes it
    #[arg(long, value_name = "CERT[:ROLES[:PARTS]]")]
    add: Vec<String>,

    /// The manufacturer id of each --add, in order
    #[arg(long, value_name = "ID")]
    manufacturer: Vec<String>,

    /// Until when what is added counts: once for all, or once for each --add (default: the certificate's own end)
    #[arg(long, value_name = "TIME", value_parser = instant)]
    valid_until: Vec<Time>,

    /// The oldest CRL that counts, in hours: once for all, or once for each --add (default: 744, 31 days)
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    crl_hours: Vec<u32>,

    /// What is added may not vouch for serials: a distributor
    #[arg(long)]
    no_serials: bool,

    /// A listed certificate that is to count no more, by its SHA-256, in groups or not
    #[arg(long, value_name = "SHA256", value_parser = desk::digest)]
    retire: Vec<Sha256>,

    /// Makes a list with new dates although nothing else changes
    #[arg(long)]
    renew: bool,

    /// When the list ends (default: in 90 days)
    #[arg(long, value_name = "TIME", value_parser = instant)]
    expires: Option<Time>,

    /// Why: goes into the ledger
    #[arg(long, value_name = "TEXT")]
    reason: String,

    /// The new file for the payload; its annex is written beside it
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
}

impl Propose {
    pub(super) fn run(&self, form: Form) -> ExitCode {
        seam::show(form, "anchors propose", &self.propose().unwrap_or_else(could_not))
    }

    fn propose(&self) -> Result<Answer, Finding> {
        let site = Site::open(&self.site)?;
        let world = World::here();
        for path in [self.out.clone(), annex_of(&self.out)] {
            new_file::refuse_existing(&path).map_err(|fault| fault.finding())?;
        }
        let now = world.system_time()?;
        let proposal = Proposal {
            additions: self.additions(&world)?,
            retire: self.retire.clone(),
            expires: self.expires,
            renew: self.renew,
        };
        let desk = Desk::open(site, Box::new(System))?;
        let proposed = propose_anchors(&desk, &proposal, &self.reason, now)?;
        // What is handed out is what the next officer will read.
        let sheet = Sheet::read(&proposed.payload, desk.site().authority())?;
        let changes = review_anchors(&desk, &sheet, &proposed.annex, now)?;
        write_new(&self.out, &proposed.payload, Some(&proposed.annex))?;

        let after = Position::<AnchorList>::of(desk.site(), desk.ledger())?.in_force().document().version;
        let mut answer = wording::list(desk::about(desk.site()), &proposed.list, &changes, &self.reason, now);
        answer = answer.line(format!("follows   version {after}, which is in force")).with("follows", after);
        answer = desk::payload(answer, &sheet.payload_digest());
        answer = desk::signatures(answer, &BTreeSet::new(), desk.site().authority().threshold());
        let (out, annex) = (self.out.display().to_string(), annex_of(&self.out).display().to_string());
        Ok(answer.line(format!("written   {out} and {annex}")).with("out", out).with("annex", annex))
    }

    fn additions(&self, world: &World) -> Result<Vec<Addition>, Finding> {
        let count = self.add.len();
        let wrong = |flag: &str, expected: &str, found: usize| {
            Err(Finding::new(Reason::Usage, flag, expected, format!("{found} for {count}")))
        };
        if self.manufacturer.len() != count {
            return wrong("--manufacturer", "one for each --add", self.manufacturer.len());
        }
        for (flag, given) in [("--valid-until", self.valid_until.len()), ("--crl-hours", self.crl_hours.len())] {
            if given > 1 && given != count || given > count {
                return wrong(flag, "one for all of --add, or one for each", given);
            }
        }
        if self.no_serials && count == 0 {
            return wrong("--no-serials", "--add beside it", 0);
        }
        let serials = if self.no_serials { Serials::MayNotList } else { Serials::MayList };
        let mut additions = Vec::new();
        for (n, (text, manufacturer)) in self.add.iter().zip(&self.manufacturer).enumerate() {
            let given = anchor("--add", text, Some(manufacturer), world)?;
            let (valid_until, crl_hours) = (for_each(&self.valid_until, n), for_each(&self.crl_hours, n));
            additions.push(Addition { given, serials, valid_until, crl_hours });
        }
        Ok(additions)
    }
}

/// The n-th of several values, or the one for all.
fn for_each<T: Copy>(values: &[T], n: usize) -> Option<T> {
    match values {
        [one] => Some(*one),
        several => several.get(n).copied(),
    }
}
