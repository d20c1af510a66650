//! Revocation by CRLs (RFC 5280 section 6.3): who is asked, in which order, and why nobody could answer.

use super::CrlUse;
use super::engine::{Answer, Engine, Parsed};
use super::fault::PathFault;
use crate::syntax::certificate::{Certificate, Strength};
use crate::syntax::crl::Crl;
use crate::values::digest::Sha256;
use crate::values::reason::Reason;
use crate::values::time::Time;
use std::collections::BTreeSet;

/// The CRLs that may be asked, newest first.
///
/// Lists with freshestCRL, and all lists of an issuer who also has a delta list here, may be overtaken by a list that
/// we do not read; delta and indirect lists are not read. None of them counts.
pub(super) struct Lists<'a>(Vec<&'a Crl>);

/// A certificate whose revocation is asked about, and the one that issued it.
pub(super) struct Issued<'a> {
    pub(super) certificate: &'a Certificate,
    pub(super) parsed: &'a Parsed,
    pub(super) issuer: &'a Certificate,
    pub(super) issuer_is_anchor: bool,
    pub(super) is_leaf: bool,
}

/// What is known about one certificate.
#[derive(Clone)]
pub(super) enum Status {
    Good(CrlUse),
    Revoked(PathFault),
    Undetermined(PathFault),
}

impl<'a> Lists<'a> {
    pub(super) fn new(crls: &'a [Crl]) -> Self {
        let mut seen = BTreeSet::new();
        let mut lists: Vec<&Crl> = crls.iter().filter(|crl| seen.insert(crl.digest())).collect();
        lists.sort_by(|a, b| (b.this_update(), b.number(), b.digest()).cmp(&(a.this_update(), a.number(), a.digest())));
        Self(lists)
    }

    /// Asks the lists of the issuer, the newest usable one decides. Where two are of the same second and one of them
    /// revokes, the certificate is revoked.
    pub(super) fn status(&self, engine: &Engine, issued: &Issued<'_>, at: Time) -> Status {
        let certificate = issued.certificate;
        let lists: Vec<&Crl> =
            self.0.iter().copied().filter(|crl| crl.issuer_key() == certificate.issuer_key()).collect();
        let mut good: Option<&Crl> = None;
        for crl in lists.iter().copied().filter(|crl| usable(crl, &lists, issued, at)) {
            if good.is_some_and(|newer| newer.this_update() > crl.this_update()) {
                break;
            }
            match engine.ask(crl, issued.parsed, issued.issuer, at) {
                Answer::Good => good = good.or(Some(crl)),
                Answer::Revoked => return Status::Revoked(revoked(issued, crl)),
                Answer::Unusable => {}
            }
        }
        match good.and_then(|crl| used(crl, issued.issuer)) {
            Some(used) => Status::Good(used),
            None => Status::Undetermined(why_none(&lists, issued, at)),
        }
    }
}

/// What can be said of a list before its signature is looked at.
fn usable(crl: &Crl, lists: &[&Crl], issued: &Issued<'_>, at: Time) -> bool {
    let in_date = crl.this_update().unix_seconds() <= at.unix_seconds()
        && crl.next_update().is_some_and(|next| at.unix_seconds() <= next.unix_seconds());
    // Section 6.3.3 (f); an anchor without keyUsage is taken at its word, another CA is not.
    let may_sign = issued.issuer.may_sign_crls() || (issued.issuer_is_anchor && !issued.issuer.says_key_usage());
    in_date
        && may_sign
        && crl.strength() == Strength::Good
        && !crl.names_delta()
        && !crl.is_indirect()
        && !lists.iter().any(|other| other.is_delta())
        // id-pkix-ocsp-nocheck would have the validator skip the lists altogether.
        && !issued.certificate.waives_revocation()
}

fn used(crl: &Crl, issuer: &Certificate) -> Option<CrlUse> {
    Some(CrlUse {
        issuer: crl.issuer_text().to_owned(),
        issuer_key: Sha256::of(issuer.spki()),
        digest: crl.digest(),
        number: crl.number().cloned(),
        this_update: crl.this_update(),
        next_update: crl.next_update()?,
    })
}

fn revoked(issued: &Issued<'_>, crl: &Crl) -> PathFault {
    let reason = if issued.is_leaf { Reason::SignerRevoked } else { Reason::IssuerRevoked };
    let serial = issued.certificate.serial_text();
    let found = format!("serial {serial} on the list of {}", crl.this_update());
    PathFault::new(reason, issued.certificate, "a certificate that its issuer has not revoked", found)
}

/// Which of the four ways of having no answer it is.
fn why_none(lists: &[&Crl], issued: &Issued<'_>, at: Time) -> PathFault {
    let certificate = issued.certificate;
    let fault = |reason, found: String| {
        let expected = format!("a CRL of {}, valid at {at}", certificate.issuer_text());
        PathFault::new(reason, certificate, expected, found)
    };
    let Some(newest) = lists.first() else { return fault(Reason::CrlMissing, "none".to_owned()) };
    let begun = |crl: &&Crl| crl.this_update().unix_seconds() <= at.unix_seconds();
    let ended = |crl: &&Crl| crl.next_update().is_some_and(|next| next.unix_seconds() < at.unix_seconds());
    if lists.iter().any(|crl| begun(crl) && !ended(crl)) {
        let found = if issued.certificate.waives_revocation() {
            "a certificate that forbids the look-up (id-pkix-ocsp-nocheck)"
        } else if lists.iter().all(|crl| crl.next_update().is_none()) {
            "one without nextUpdate"
        } else {
            "one that does not count: its signature, its scope, an extension, or its issuer's keyUsage"
        };
        return fault(Reason::CrlUnusable, found.to_owned());
    }
    match lists.iter().find(|crl| ended(crl)).and_then(|crl| crl.next_update()) {
        Some(next) => fault(Reason::CrlStale, format!("one that was valid until {next}")),
        None => fault(Reason::CrlNotYetValid, format!("one of {}", newest.this_update())),
    }
}
