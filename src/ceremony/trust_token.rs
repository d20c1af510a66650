//! The trust token as its security officer changes it: listed certificates onto it, retired ones off it.

use super::desk::Desk;
use crate::hsm::{Answer, CertificateRemoved, CertificateToWrite, CertificateWritten, Permanence, Pin, Request, Role};
use ecugate_verifier::documents::anchor_list::AnchorList;
use ecugate_verifier::syntax::certificate::Certificate;
use ecugate_verifier::values::digest::Sha256;
use ecugate_verifier::values::finding::Finding;
use ecugate_verifier::values::reason::Reason;
use std::collections::{BTreeMap, BTreeSet};

/// Certificates in DER by their digest.
pub(super) type Held = BTreeMap<Sha256, Vec<u8>>;

/// The certificates of the trust token.
pub(super) fn on_token(desk: &Desk) -> Result<Held, Finding> {
    let read = desk.tokens.certificates(&desk.site.text().trust_token).map_err(|fault| fault.finding())?;
    Ok(read.certificates.into_iter().map(|stored| (Sha256::of(&stored.der), stored.der)).collect())
}

/// Writes what is missing as the security officer of the trust token, and looks again.
pub(super) fn write_missing(
    desk: &Desk,
    list: &AnchorList,
    missing: &[Certificate],
    pin: &Pin,
) -> Result<Vec<(Sha256, CertificateWritten)>, Finding> {
    if missing.is_empty() {
        return Ok(Vec::new());
    }
    let label = |certificate: &Certificate| {
        let listing = list.anchors.iter().find(|listing| listing.sha256 == certificate.digest());
        listing.map(|listing| listing.manufacturer.to_string()).unwrap_or_default()
    };
    let token = desk.site.text().trust_token.clone();
    let request = Request::WriteCertificates {
        token,
        role: Role::Officer,
        pin: pin.clone(),
        certificates: missing
            .iter()
            .map(|one| CertificateToWrite { label: label(one), der: one.der().to_vec() })
            .collect(),
        permanence: Permanence::Removable,
    };
    let Answer::Written(written) = desk.tokens.ask(request).map_err(|fault| fault.finding())? else {
        return Err(unexpected("certificates that were written"));
    };
    let there = on_token(desk)?;
    match missing.iter().find(|certificate| !there.contains_key(&certificate.digest())) {
        Some(lost) => {
            let found = "a token without it";
            Err(Finding::new(Reason::TokenNotWritten, lost.subject_text(), "what was written a moment ago", found))
        }
        None => Ok(missing.iter().map(Certificate::digest).zip(written).collect()),
    }
}

/// Takes off the token what the list before named and this one does not. Only now: while the list before was in force a
/// unit of a retired manufacturer had to find its anchor.
pub(super) fn remove_retired(
    desk: &Desk,
    before: &AnchorList,
    list: &AnchorList,
    pin: &Pin,
) -> Result<Vec<CertificateRemoved>, Finding> {
    let there = on_token(desk)?;
    let listed: BTreeSet<Sha256> = list.anchors.iter().map(|listing| listing.sha256).collect();
    let gone = before.anchors.iter().map(|listing| listing.sha256);
    let certificates: Vec<Sha256> = gone.filter(|one| !listed.contains(one) && there.contains_key(one)).collect();
    if certificates.is_empty() {
        return Ok(Vec::new());
    }
    let token = desk.site.text().trust_token.clone();
    let request = Request::RemoveCertificates { token, role: Role::Officer, pin: pin.clone(), certificates };
    match desk.tokens.ask(request).map_err(|fault| fault.finding())? {
        Answer::Removed(removed) => Ok(removed),
        _ => Err(unexpected("certificates that were removed")),
    }
}

fn unexpected(expected: &str) -> Finding {
    Finding::new(Reason::TokenFailed, "trust token", expected, "an answer to another question")
}
