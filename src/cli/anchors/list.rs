//! `ecugate anchors list`: the list in force against what is on the trust token.

use super::wording;
use crate::cli::desk::{self, could_not, days, groups, left, with_days_left};
use crate::cli::inputs::World;
use crate::cli::papers;
use crate::cli::seam::{self, Answer, Form, Outcome};
use crate::cli::system::System;
use ecugate::ceremony::{AnchorSeen, AnchorsStanding, StrangerSeen};
use ecugate::site::Site;
use ecugate_verifier::values::finding::Finding;
use ecugate_verifier::values::reason::Class;
use ecugate_verifier::values::time::Time;
use serde_json::{Value, json};
use std::path::PathBuf;
use std::process::ExitCode;

/// A site.
#[derive(clap::Args)]
pub(crate) struct List {
    /// The folder of the site
    #[arg(long, value_name = "DIR")]
    site: PathBuf,
}

impl List {
    pub(super) fn run(&self, form: Form) -> ExitCode {
        seam::show(form, "anchors list", &self.list().unwrap_or_else(could_not))
    }

    fn list(&self) -> Result<Answer, Finding> {
        let site = Site::open(&self.site)?;
        let now = World::here().system_time()?;
        let standing = AnchorsStanding::of(&site, &System, now);
        let mut answer = desk::about(&site);
        if let Err(finding) = &standing.usable {
            // Whatever keeps it from being used keeps boxes out until a person acts, or may pass by itself.
            answer.outcome = match finding.reason.class() {
                Class::Usage => Outcome::Error,
                _ => Outcome::Hold,
            };
            answer.finding = Some(finding.clone());
        }
        answer = in_force(answer, &standing, &site, now);
        for anchor in &standing.anchors {
            answer = anchor_lines(answer, anchor, now);
        }
        let warnings = warnings(&standing);
        for warning in &warnings {
            answer = answer.line(format!("WARNING   {warning}"));
        }
        Ok(fields(answer, &standing, warnings, now))
    }
}

fn in_force(answer: Answer, standing: &AnchorsStanding, site: &Site, now: Time) -> Answer {
    let answer = match &standing.usable {
        Ok(count) => answer.line(format!("usable    yes; certificates that count: {count}")),
        Err(_) => answer.line("usable    NO: every box is held until that is mended"),
    };
    let Some(list) = &standing.list else { return answer.line("list      none that this site's officers signed") };
    let document = list.document();
    let entry = standing.entry.map_or_else(|| "no entry of its own".to_owned(), |entry| format!("entry {entry}"));
    let answer = answer
        .line(format!("list      version {}, {}", document.version, entry))
        .line(format!("issued    {}", document.issued))
        .line(format!("expires   {}", with_days_left(document.expires, now)))
        .line(format!("envelope  {}", groups(&list.digest())))
        .with("version", document.version)
        .with("issued", document.issued.to_string())
        .with("expires", document.expires.to_string())
        .with("days_left", days(document.expires, now))
        .with("sha256", list.digest().to_string())
        .with("entry", standing.entry);
    desk::signatures(answer, list.persons(), site.authority().threshold())
}

fn anchor_lines(mut answer: Answer, anchor: &AnchorSeen, now: Time) -> Answer {
    let listing = &anchor.listing;
    answer = answer.line(format!("anchor    {}", listing.manufacturer));
    if let Some(certificate) = &anchor.certificate {
        answer = answer
            .line(format!("  subject {}", certificate.subject_text()))
            .line(format!("  serial  {}", certificate.serial_text()))
            .line(format!("  valid   to {}", with_days_left(certificate.not_after(), now)));
    }
    let on_token = match &anchor.stored {
        None => "MISSING".to_owned(),
        Some(stored) => {
            let marked = stored.trusted.map_or("not stated", |trusted| if trusted { "set" } else { "not set" });
            format!("found as {:?}; CKA_TRUSTED {marked} (not relied on)", stored.label)
        }
    };
    answer
        .line(format!("  sha256  {}", groups(&listing.sha256)))
        .line(format!("  terms   {}", wording::terms(listing)))
        .line(format!("  counts  {}", wording::dates(listing, now)))
        .line(format!("  token   {on_token}"))
}

/// What a trust officer must look at although a gate could use the list.
fn warnings(standing: &AnchorsStanding) -> Vec<String> {
    let mut warnings = Vec::new();
    for missing in standing.anchors.iter().filter(|anchor| anchor.stored.is_none()) {
        let (maker, sha256) = (&missing.listing.manufacturer, groups(&missing.listing.sha256));
        warnings.push(format!(
            "{maker}: its certificate is not on the token ({sha256}): its units are suspect. Publish the list again, with --certificate"
        ));
    }
    for stranger in &standing.strangers {
        let subject = stranger.certificate.as_ref().map_or("cannot be read", |certificate| certificate.subject_text());
        let (label, sha256) = (&stranger.stored.label, groups(&stranger.sha256));
        warnings.push(format!(
            "somebody wrote to the token: {subject}, labelled {label:?}, is not listed and counts for nothing ({sha256})"
        ));
    }
    for skipped in &standing.skipped {
        let why = word(&skipped.why);
        warnings
            .push(format!("an object labelled {:?} on the token is no certificate that counts: {why}", skipped.label));
    }
    warnings
}

fn word(value: &impl serde::Serialize) -> String {
    serde_json::to_value(value).ok().and_then(|value| value.as_str().map(str::to_owned)).unwrap_or_default()
}

fn fields(answer: Answer, standing: &AnchorsStanding, warnings: Vec<String>, now: Time) -> Answer {
    let anchors: Vec<Value> = standing.anchors.iter().map(|anchor| anchor_json(anchor, now)).collect();
    let strangers: Vec<Value> = standing.strangers.iter().map(stranger_json).collect();
    let skipped: Vec<Value> =
        standing.skipped.iter().map(|one| json!({"label": one.label, "id": one.id, "why": word(&one.why)})).collect();
    answer
        .with("usable", standing.usable.is_ok())
        .with("anchors", anchors)
        .with("not_listed", strangers)
        .with("skipped", skipped)
        .with("warnings", warnings)
}

fn anchor_json(anchor: &AnchorSeen, now: Time) -> Value {
    let mut value = wording::anchor(&anchor.listing, anchor.certificate.as_ref());
    if let Value::Object(fields) = &mut value {
        let stored = anchor.stored.as_ref();
        fields.insert("days_left".to_owned(), days(anchor.listing.valid.until, now).into());
        fields.insert("left".to_owned(), left(anchor.listing.valid.until, now).into());
        fields.insert("on_token".to_owned(), stored.is_some().into());
        fields.insert("token_label".to_owned(), stored.map(|stored| stored.label.clone()).into());
        fields.insert("token_trusted".to_owned(), stored.and_then(|stored| stored.trusted).into());
    }
    value
}

fn stranger_json(stranger: &StrangerSeen) -> Value {
    json!({
        "sha256": stranger.sha256.to_string(),
        "token_label": stranger.stored.label,
        "token_trusted": stranger.stored.trusted,
        "certificate": stranger.certificate.as_ref().map(papers::described),
    })
}
