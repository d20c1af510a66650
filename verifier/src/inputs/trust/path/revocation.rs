//! Revocation by CRLs (RFC 5280 section 6.3): who is asked, in which order, and why nobody could answer.

use super::engine::{Answer, Engine, Parsed};
use super::fault::PathFault;
use crate::syntax::certificate::{Certificate, Strength};
use crate::syntax::crl::{Crl, CrlNumber};
use crate::values::digest::Sha256;
use crate::values::reason::Reason;
use crate::values::time::Time;
use std::collections::BTreeSet;

/// A CRL that a path relied on: for its greatest age, and for the memory that refuses an older one later.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CrlUse {
    /// Who made it, escaped.
    pub issuer: String,
    /// SHA-256 of the SubjectPublicKeyInfo that its signature was checked with.
    pub issuer_key: Sha256,
    /// SHA-256 of its DER.
    pub digest: Sha256,
    /// Its number, if it has one.
    pub number: Option<CrlNumber>,
    /// When it was made.
    pub this_update: Time,
    /// When it goes out of date.
    pub next_update: Time,
}

/// The CRLs that may be asked, newest first.
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

    /// The newest list that the issuer signed for such certificates decides, all others of that second with it.
    ///
    /// Revoked is revoked, however old the list is. Not revoked counts only where the list is [`complete`]; where it
    /// is not, no older list takes its place, because a newer one has made it out of date. A list that the issuer did
    /// not sign is none.
    pub(super) fn status(&self, engine: &Engine, issued: &Issued<'_>, at: Time) -> Status {
        let certificate = issued.certificate;
        let lists: Vec<&Crl> =
            self.0.iter().copied().filter(|crl| crl.issuer_key() == certificate.issuer_key()).collect();
        if !may_sign(issued) || certificate.waives_revocation() {
            return Status::Undetermined(undetermined(&lists, None, issued, at));
        }
        let (mut good, mut blocking, mut decided) = (None, None, None);
        for crl in lists.iter().copied().filter(|crl| has_begun(crl, at) && crl.strength() == Strength::Good) {
            if decided.is_some_and(|newer| newer > crl.this_update()) {
                break;
            }
            // Asked for the second in which it was made: whether it is still in date is for `complete` to say.
            match engine.ask(crl, issued.parsed, issued.issuer, crl.this_update()) {
                Answer::Revoked => return Status::Revoked(revoked(issued, crl)),
                Answer::Good if complete(crl, &lists, at) => good = good.or_else(|| used(crl, issued.issuer)),
                Answer::Good => blocking = blocking.or(Some(crl)),
                Answer::Unusable if crl.is_strange() && engine.signed_list(crl, issued.issuer) => blocking = Some(crl),
                Answer::Unusable => continue,
            }
            decided = Some(crl.this_update());
        }
        match (good, blocking) {
            (Some(used), blocking) if !blocking.is_some_and(Crl::is_strange) => Status::Good(used),
            (_, blocking) => Status::Undetermined(undetermined(&lists, blocking, issued, at)),
        }
    }
}

/// Section 6.3.3 (f); an anchor without keyUsage is taken at its word, another CA is not.
fn may_sign(issued: &Issued<'_>) -> bool {
    issued.issuer.may_sign_crls() || (issued.issuer_is_anchor && !issued.issuer.says_key_usage())
}

/// Whether a list that does not name a certificate proves that it is not revoked: in date, with an end, not to be
/// completed by another list that we do not read (delta lists), not about other issuers' certificates.
fn complete(crl: &Crl, lists: &[&Crl], at: Time) -> bool {
    crl.next_update().is_some_and(|next| at.unix_seconds() <= next.unix_seconds())
        && !crl.names_delta()
        && !crl.is_indirect()
        && !lists.iter().any(|other| other.is_delta())
}

fn has_begun(crl: &Crl, at: Time) -> bool {
    crl.this_update().unix_seconds() <= at.unix_seconds()
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

/// Which of the four ways of having no answer it is. `blocking` is the newest list of the issuer, where it is not good
/// enough.
fn undetermined(lists: &[&Crl], blocking: Option<&Crl>, issued: &Issued<'_>, at: Time) -> PathFault {
    let certificate = issued.certificate;
    let fault = |reason, found: String| {
        let expected = format!("a CRL of {}, valid at {at}", certificate.issuer_text());
        PathFault::new(reason, certificate, expected, found)
    };
    let Some(newest) = lists.first() else { return fault(Reason::CrlMissing, "none".to_owned()) };
    if certificate.waives_revocation() {
        let found = "a certificate that forbids the look-up (id-pkix-ocsp-nocheck)";
        return fault(Reason::CrlUnusable, found.to_owned());
    }
    let begun = lists.iter().any(|crl| has_begun(crl, at));
    let Some(crl) = blocking else {
        return match begun {
            true => fault(Reason::CrlUnusable, "one of another scope, or that a key for it did not sign".to_owned()),
            false => fault(Reason::CrlNotYetValid, format!("one of {}", newest.this_update())),
        };
    };
    let made = crl.this_update();
    match crl.next_update() {
        Some(next) if next.unix_seconds() < at.unix_seconds() => {
            fault(Reason::CrlStale, format!("the newest, of {made}, that was valid until {next}"))
        }
        Some(_) if crl.is_strange() => {
            fault(Reason::CrlUnusable, format!("the newest, of {made}, with an unknown critical extension"))
        }
        Some(_) => fault(Reason::CrlUnusable, format!("the newest, of {made}, that others complete (delta, indirect)")),
        None => fault(Reason::CrlUnusable, format!("the newest, of {made}, without nextUpdate")),
    }
}
