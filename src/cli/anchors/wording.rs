//! A list and its lines, as officers read them aloud and compare them on paper.

use crate::cli::desk::{groups, with_days_left};
use crate::cli::papers;
use crate::cli::seam::Answer;
use ecugate::ceremony::{Change, Listed};
use ecugate_verifier::documents::anchor_list::{AnchorList, Listing, Role, Serials};
use ecugate_verifier::syntax::certificate::Certificate;
use ecugate_verifier::values::time::Time;
use serde_json::{Value, json};

/// What a list says of itself, and what it changes.
pub(super) fn list(mut answer: Answer, list: &AnchorList, changes: &[Change], reason: &str, now: Time) -> Answer {
    answer = answer
        .line(format!("list      version {}", list.version))
        .line(format!("issued    {}", list.issued))
        .line(format!("expires   {}", with_days_left(list.expires, now)))
        .line(format!("reason    {reason}"))
        .with("version", list.version)
        .with("issued", list.issued.to_string())
        .with("expires", list.expires.to_string())
        .with("statement", reason);
    for change in changes {
        answer = said(answer, change, now);
    }
    let changed = changes.iter().filter(|change| !matches!(change, Change::Retired(_))).count();
    let kept = list.anchors.len().saturating_sub(changed);
    answer
        .line(format!("kept      as before: {kept}"))
        .with("changes", changes.iter().map(change).collect::<Vec<Value>>())
        .with("kept", kept)
}

fn said(answer: Answer, change: &Change, now: Time) -> Answer {
    match change {
        Change::Added(listed) => lines(answer, "add", listed, now),
        Change::Retired(listed) => lines(answer, "RETIRE", listed, now),
        Change::Altered { before, after } => {
            let answer = lines(answer, "other", after, now);
            answer.line(format!("  before  {}", terms(before))).line(format!("          {}", dates(before, now)))
        }
    }
}

fn lines(mut answer: Answer, what: &str, listed: &Listed, now: Time) -> Answer {
    let Listed { listing, certificate } = listed;
    answer = answer.line(format!("{what:<9} {}", listing.manufacturer));
    answer = match certificate {
        Some(certificate) => answer
            .line(format!("  subject {}", certificate.subject_text()))
            .line(format!("  serial  {}", certificate.serial_text()))
            .line(format!("  valid   {} to {}", certificate.not_before(), certificate.not_after())),
        None => answer.line("  subject not at hand: compare the SHA-256"),
    };
    answer
        .line(format!("  sha256  {}", groups(&listing.sha256)))
        .line(format!("  terms   {}", terms(listing)))
        .line(format!("  counts  {}", dates(listing, now)))
}

/// Roles, parts, serials and CRLs of a line.
pub(super) fn terms(listing: &Listing) -> String {
    let roles: Vec<&str> = listing.roles.iter().map(|role| role.word()).collect();
    let parts: Vec<String> = listing.parts.iter().map(ToString::to_string).collect();
    let serials = match listing.serials {
        Serials::MayList => "may list serials",
        Serials::MayNotList => "may NOT list serials",
    };
    let (roles, parts, hours) = (roles.join(", "), parts.join(", "), listing.crl_hours);
    format!("{roles}; parts {parts}; {serials}; CRLs up to {hours} hours old")
}

/// When a line counts.
pub(super) fn dates(listing: &Listing, now: Time) -> String {
    format!("{} to {}", listing.valid.from, with_days_left(listing.valid.until, now))
}

fn change(change: &Change) -> Value {
    match change {
        Change::Added(listed) => json!({"change": "added", "anchor": listed_json(listed)}),
        Change::Retired(listed) => json!({"change": "retired", "anchor": listed_json(listed)}),
        Change::Altered { before, after } => {
            json!({"change": "altered", "anchor": listed_json(after), "before": listing(before)})
        }
    }
}

fn listed_json(listed: &Listed) -> Value {
    anchor(&listed.listing, listed.certificate.as_ref())
}

/// A line in JSON, with its certificate where that is at hand.
pub(super) fn anchor(line: &Listing, certificate: Option<&Certificate>) -> Value {
    let mut value = listing(line);
    if let Value::Object(fields) = &mut value {
        fields.insert("certificate".to_owned(), certificate.map_or(Value::Null, papers::described));
    }
    value
}

fn listing(line: &Listing) -> Value {
    let roles: Vec<&str> = line.roles.iter().map(|role: &Role| role.word()).collect();
    let serials = match line.serials {
        Serials::MayList => "may-list",
        Serials::MayNotList => "may-not-list",
    };
    json!({
        "sha256": line.sha256.to_string(),
        "manufacturer": line.manufacturer.as_str(),
        "roles": roles,
        "parts": line.parts.iter().map(ToString::to_string).collect::<Vec<_>>(),
        "serials": serials,
        "valid": {"from": line.valid.from.to_string(), "until": line.valid.until.to_string()},
        "crl_hours": line.crl_hours,
    })
}
