//! How a site stands with its anchors: what the list says, what is on the token, and where the two differ.

use super::desk::{open_ledger, signed_file};
use super::succession::Successive as _;
use crate::hsm::{SkippedObject, StoredCertificate, TokenCertificates as OnToken, Tokens};
use crate::ledger::EntryKind;
use crate::opening;
use crate::site::Site;
use crate::surroundings::Surroundings;
use ecugate_verifier::documents::anchor_list::{AnchorList, Listing};
use ecugate_verifier::inputs::trust::anchors::{Anchors, TokenCertificates};
use ecugate_verifier::inputs::trust::authority::Signed;
use ecugate_verifier::syntax::certificate::Certificate;
use ecugate_verifier::values::digest::Sha256;
use ecugate_verifier::values::finding::Finding;
use ecugate_verifier::values::limits::Limits;
use ecugate_verifier::values::time::Time;
use std::sync::Arc;

/// How a site stands with its anchors.
#[derive(Clone, Debug)]
pub struct AnchorsStanding {
    /// What a gate would answer: how many certificates count, or why none does.
    pub usable: Result<usize, Finding>,
    /// The list, as far as enough officers signed it for this site. It may be old or past its end all the same.
    pub list: Option<Signed<AnchorList>>,
    /// The entry that records the list; none for the one that the site was founded with, or one that a hand has put
    /// there.
    pub entry: Option<u64>,
    /// Its lines.
    pub anchors: Vec<AnchorSeen>,
    /// Certificates on the token that are not on the list: somebody wrote to the token.
    pub strangers: Vec<StrangerSeen>,
    /// Objects on the token that are no certificate that can be read, and second copies.
    pub skipped: Vec<SkippedObject>,
}

/// One line of the list.
#[derive(Clone, Debug)]
pub struct AnchorSeen {
    /// The line.
    pub listing: Listing,
    /// What the token holds for it. None: it is missing, and units of its manufacturer are suspect.
    pub stored: Option<StoredCertificate>,
    /// The certificate, where it is on the token and can be read.
    pub certificate: Option<Certificate>,
}

/// One certificate on the token that is not listed.
#[derive(Clone, Debug)]
pub struct StrangerSeen {
    /// What the token holds.
    pub stored: StoredCertificate,
    /// The certificate, where it can be read.
    pub certificate: Option<Certificate>,
    /// SHA-256 of it.
    pub sha256: Sha256,
}

impl AnchorsStanding {
    /// Looks. What cannot be looked at is said in `usable`.
    #[must_use]
    pub fn of(site: &Site, surroundings: &dyn Surroundings, now: Time) -> Self {
        let tokens = opening::module(site, surroundings);
        Self::with(site, tokens.as_ref(), now)
    }

    /// Looks with tokens that are open, or the finding that keeps them shut.
    #[must_use]
    pub fn with(site: &Site, tokens: Result<&Arc<dyn Tokens>, &Finding>, now: Time) -> Self {
        let read = tokens
            .map_err(Clone::clone)
            .and_then(|tokens| tokens.certificates(&site.text().trust_token).map_err(|fault| fault.finding()));
        let bytes = signed_file(&AnchorList::file(site));
        let list = AnchorList::open(bytes.as_deref(), site).ok();
        let ledger = open_ledger(site);
        let entry = match (&ledger, &list) {
            (Ok(ledger), Some(list)) => ledger.entry_with(EntryKind::TrustChange, &list.digest()).ok().flatten(),
            _ => None,
        };
        let used = ledger.and_then(|ledger| ledger.memory(&[]).map_err(Finding::from));
        let usable = used.and_then(|known| {
            let token = match &read {
                Ok(read) => TokenCertificates::Read(read.certificates.iter().map(|one| one.der.clone()).collect()),
                Err(finding) => TokenCertificates::Unavailable(finding.clone()),
            };
            let (authority, id, limits) = (site.authority(), &site.text().site, &Limits::STANDARD);
            match Anchors::resolve(&token, bytes.as_deref(), authority, id, known.anchor_list_version, now, limits) {
                Anchors::Listed(set) => Ok(set.anchors().len()),
                Anchors::Unavailable(finding) => Err(finding),
            }
        });
        let OnToken { certificates, skipped } =
            read.unwrap_or_else(|_| OnToken { certificates: Vec::new(), skipped: Vec::new() });
        let (anchors, strangers) = compare(list.as_ref(), certificates);
        Self { usable, list, entry, anchors, strangers, skipped }
    }
}

fn compare(
    list: Option<&Signed<AnchorList>>,
    certificates: Vec<StoredCertificate>,
) -> (Vec<AnchorSeen>, Vec<StrangerSeen>) {
    let parsed = |stored: &StoredCertificate| Certificate::from_der(&stored.der, &Limits::STANDARD).ok();
    let mut rest: Vec<(Sha256, StoredCertificate)> =
        certificates.into_iter().map(|stored| (Sha256::of(&stored.der), stored)).collect();
    let mut anchors = Vec::new();
    for listing in list.map(|list| list.document().anchors.as_slice()).unwrap_or_default() {
        let at = rest.iter().position(|(sha256, _)| *sha256 == listing.sha256);
        let stored = at.map(|at| rest.remove(at).1);
        let certificate = stored.as_ref().and_then(parsed);
        anchors.push(AnchorSeen { listing: listing.clone(), stored, certificate });
    }
    let strangers = rest
        .into_iter()
        .map(|(sha256, stored)| StrangerSeen { certificate: parsed(&stored), stored, sha256 })
        .collect();
    (anchors, strangers)
}
