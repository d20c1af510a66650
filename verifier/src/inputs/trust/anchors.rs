//! Trust anchors: certificates that are on the token *and* on the signed list.

use super::authority::{Authority, DocumentReasons, Signed, Standing};
use crate::documents::anchor_list::{AnchorList, Listing, Role};
use crate::syntax::certificate::Certificate;
use crate::values::digest::Sha256;
use crate::values::finding::Finding;
use crate::values::ident::Name;
use crate::values::limits::Limits;
use crate::values::reason::Reason;
use crate::values::time::Time;
use crate::values::verified::Means;

const REASONS: DocumentReasons = DocumentReasons {
    document: "anchor list",
    missing: Reason::AnchorListMissing,
    malformed: Reason::AnchorListMalformed,
    threshold: Reason::AnchorListThreshold,
    origin: Reason::AnchorListOrigin,
    not_yet: Reason::AnchorListNotYetValid,
    expired: Reason::AnchorListExpired,
    rolled_back: Reason::AnchorListRolledBack,
};

/// The anchors, or why there are none. No anchors is never "nothing to check".
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Anchors {
    /// At least one certificate is on the token and on the list.
    Listed(Box<AnchorSet>),
    /// A hold.
    Unavailable(Finding),
}

/// Certificates that count, each with its line of the list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AnchorSet {
    anchors: Vec<(Certificate, Listing)>,
    unlisted: Vec<Sha256>,
    version: u64,
    issued: Time,
    digest: Sha256,
}

/// A list that enough officers of this site signed, for those who make the next one. What its dates and version are
/// worth is for [`Anchors::resolve`], the one question that a gate asks.
///
/// # Errors
/// The reasons of a missing, malformed, too little signed or foreign anchor list.
pub fn signed_list(
    bytes: Option<&[u8]>,
    authority: &Authority,
    site: &Name,
    limits: &Limits,
) -> Result<Signed<AnchorList>, Finding> {
    let signed = authority.open::<AnchorList>(bytes, &REASONS, limits.into())?;
    REASONS.check_site(&signed.document().site, site)?;
    Ok(signed)
}

/// What the trust token answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TokenCertificates {
    /// Every certificate object, DER, in the token's order.
    Read(Vec<Vec<u8>>),
    /// The token could not be read.
    Unavailable(Finding),
}

impl Anchors {
    /// Resolves token and list into anchors.
    ///
    /// `version_seen` is the highest version of the list that a recorded verdict used (0: none).
    #[must_use]
    pub fn resolve<'m>(
        token: &TokenCertificates,
        list: Option<&[u8]>,
        authority: &Authority,
        site: &Name,
        version_seen: u64,
        now: Time,
        means: impl Into<Means<'m>>,
    ) -> Self {
        match AnchorSet::resolve(token, list, authority, site, version_seen, now, means.into()) {
            Ok(set) => Self::Listed(Box::new(set)),
            Err(finding) => Self::Unavailable(finding),
        }
    }
}

impl AnchorSet {
    fn resolve(
        token: &TokenCertificates,
        list: Option<&[u8]>,
        authority: &Authority,
        site: &Name,
        version_seen: u64,
        now: Time,
        means: Means<'_>,
    ) -> Result<Self, Finding> {
        let held = match token {
            TokenCertificates::Unavailable(finding) => return Err(finding.clone()),
            TokenCertificates::Read(held) => held,
        };
        let signed = authority.open::<AnchorList>(list, &REASONS, means)?;
        let list = signed.document();
        let standing = Standing { site: &list.site, version: list.version, issued: list.issued, expires: list.expires };
        REASONS.check(&standing, site, now, authority.list_version_least().max(version_seen))?;
        let mut anchors = Vec::new();
        let mut unlisted = Vec::new();
        for der in held {
            let digest = Sha256::of(der);
            let Some(listing) = list.anchors.iter().find(|listing| listing.sha256 == digest) else {
                unlisted.push(digest);
                continue;
            };
            let certificate = Certificate::from_der(der, means.limits)
                .map_err(|fault| fault.finding().within("a listed certificate on the trust token"))?;
            if !anchors.iter().any(|(known, _): &(Certificate, _)| known.digest() == digest) {
                anchors.push((certificate, listing.clone()));
            }
        }
        if anchors.is_empty() {
            return Err(Finding::new(
                Reason::AnchorsEmpty,
                "trust token",
                format!("one or more of the {} listed certificates", list.anchors.len()),
                format!("{} certificates, none of them listed", held.len()),
            ));
        }
        Ok(Self { anchors, unlisted, version: list.version, issued: list.issued, digest: signed.digest() })
    }

    /// Version of the list.
    #[must_use]
    pub const fn version(&self) -> u64 {
        self.version
    }

    /// When the list was signed.
    #[must_use]
    pub const fn issued(&self) -> Time {
        self.issued
    }

    /// SHA-256 of the list's envelope.
    #[must_use]
    pub const fn digest(&self) -> Sha256 {
        self.digest
    }

    /// Certificates on the token that are not on the list: somebody wrote to the token.
    #[must_use]
    pub fn unlisted(&self) -> &[Sha256] {
        &self.unlisted
    }

    /// The certificates, with their lines.
    #[must_use]
    pub fn anchors(&self) -> &[(Certificate, Listing)] {
        &self.anchors
    }

    /// The certificates whose line allows `role`.
    #[must_use]
    pub(super) fn with_role(&self, role: Role) -> Vec<Certificate> {
        self.anchors
            .iter()
            .filter(|(_, listing)| listing.allows(role))
            .map(|(certificate, _)| certificate.clone())
            .collect()
    }

    /// All certificates, whatever their roles.
    #[must_use]
    pub fn certificates(&self) -> Vec<Certificate> {
        self.anchors.iter().map(|(certificate, _)| certificate.clone()).collect()
    }

    /// The line of this certificate.
    #[must_use]
    pub fn listing(&self, certificate: &Certificate) -> Option<&Listing> {
        self.anchors.iter().find(|(known, _)| known.digest() == certificate.digest()).map(|(_, listing)| listing)
    }
}
