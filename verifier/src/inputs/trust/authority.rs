//! The authority: the officers' keys that anchor lists and policies must be signed with, k of n. Pinned at the site,
//! never taken from a document.

use crate::documents::document::{self, Document};
use crate::documents::envelope::{Envelope, Verified};
use crate::values::digest::Sha256;
use crate::values::finding::Finding;
use crate::values::ident::Name;
use crate::values::keys::PublicKey;
use crate::values::limits::Limits;
use crate::values::reason::Reason;
use crate::values::verified::Means;
use std::collections::BTreeSet;

/// The keys that sign for a site. Made by [`Authority::new`] alone, so that a threshold always means something.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Authority {
    holders: Vec<(Name, PublicKey)>,
    threshold: usize,
    list_version_least: u64,
    policy_version_least: u64,
}

impl Authority {
    /// Takes persons with their keys, and how many of them must sign.
    ///
    /// `list_version_least` and `policy_version_least` are the lowest versions that count: installed with the keys, so
    /// that a fresh ledger does not believe an old list.
    ///
    /// # Errors
    /// [`Reason::ThresholdZero`] for 0; [`Reason::AnchorListThreshold`] where fewer distinct persons or keys exist
    /// than must sign, a key stands twice, or there are too many.
    pub fn new(
        holders: Vec<(Name, PublicKey)>,
        threshold: usize,
        list_version_least: u64,
        policy_version_least: u64,
        limits: &Limits,
    ) -> Result<Self, Finding> {
        if threshold == 0 {
            return Err(Finding::new(Reason::ThresholdZero, "authority threshold", "1 or more", "0"));
        }
        let keys: BTreeSet<_> = holders.iter().map(|(_, key)| key.id()).collect();
        let persons: BTreeSet<_> = holders.iter().map(|(person, _)| person).collect();
        let wrong = |expected: String, found: String| {
            Err(Finding::new(Reason::AnchorListThreshold, "authority keys", expected, found))
        };
        if keys.len() != holders.len() {
            return wrong("each key once".to_owned(), "a key that stands twice".to_owned());
        }
        if holders.len() > limits.authority_keys {
            return wrong(format!("at most {}", limits.authority_keys), holders.len().to_string());
        }
        if persons.len() < threshold {
            return wrong(format!("{threshold} persons or more"), format!("{} persons", persons.len()));
        }
        Ok(Self { holders, threshold, list_version_least, policy_version_least })
    }

    /// The persons and their keys.
    #[must_use]
    pub fn holders(&self) -> &[(Name, PublicKey)] {
        &self.holders
    }

    /// How many persons must sign.
    #[must_use]
    pub const fn threshold(&self) -> usize {
        self.threshold
    }

    /// The lowest version of an anchor list that counts.
    #[must_use]
    pub const fn list_version_least(&self) -> u64 {
        self.list_version_least
    }

    /// The lowest version of a policy that counts.
    #[must_use]
    pub const fn policy_version_least(&self) -> u64 {
        self.policy_version_least
    }

    /// Opens a document of the authority: envelope, threshold, statement, in this order.
    pub(in crate::inputs) fn open<D: Document>(
        &self,
        bytes: Option<&[u8]>,
        reasons: &DocumentReasons,
        Means { limits, signatures }: Means<'_>,
    ) -> Result<Signed<D>, Finding> {
        let because = |reason: Reason, finding: Finding| Finding {
            reason,
            place: reasons.document.to_owned(),
            expected: if finding.expected.is_empty() {
                "a document signed by the authority".to_owned()
            } else {
                finding.expected
            },
            found: format!("{} ({} {})", finding.found, finding.reason, finding.place).trim().to_owned(),
        };
        let bytes = bytes.ok_or_else(|| {
            Finding::new(
                reasons.missing,
                reasons.document,
                "a document signed by the authority",
                "none that can be read",
            )
        })?;
        let envelope = Envelope::parse(bytes, limits).map_err(|fault| because(reasons.malformed, fault.finding()))?;
        let verified: Verified<'_> = envelope
            .verify_threshold_among(&self.holders, self.threshold, signatures)
            .map_err(|fault| because(reasons.threshold, fault.finding()))?;
        let document =
            document::read::<D>(&verified, limits).map_err(|fault| because(reasons.malformed, fault.finding()))?;
        Ok(Signed { document, digest: envelope.digest(), persons: verified.persons().clone() })
    }
}

/// A document that as many officers signed as the authority demands. Whether it is for this site, in its dates and the
/// newest is another question.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Signed<D> {
    document: D,
    digest: Sha256,
    persons: BTreeSet<Name>,
}

impl<D> Signed<D> {
    /// What they signed.
    #[must_use]
    pub const fn document(&self) -> &D {
        &self.document
    }

    /// SHA-256 of the envelope: what the next version names as the one before.
    #[must_use]
    pub const fn digest(&self) -> Sha256 {
        self.digest
    }

    /// Who signed.
    #[must_use]
    pub const fn persons(&self) -> &BTreeSet<Name> {
        &self.persons
    }

    pub(in crate::inputs) fn into_document(self) -> D {
        self.document
    }
}

/// The reason codes of one kind of authority document.
pub(in crate::inputs) struct DocumentReasons {
    pub(in crate::inputs) document: &'static str,
    pub(in crate::inputs) missing: Reason,
    pub(in crate::inputs) malformed: Reason,
    pub(in crate::inputs) threshold: Reason,
    pub(in crate::inputs) origin: Reason,
    pub(in crate::inputs) not_yet: Reason,
    pub(in crate::inputs) expired: Reason,
    pub(in crate::inputs) rolled_back: Reason,
}

/// What every authority document states about itself.
pub(in crate::inputs) struct Standing<'a> {
    pub(in crate::inputs) site: &'a Name,
    pub(in crate::inputs) version: u64,
    pub(in crate::inputs) issued: crate::values::time::Time,
    pub(in crate::inputs) expires: crate::values::time::Time,
}

impl DocumentReasons {
    /// Whom an authority document is for.
    pub(in crate::inputs) fn check_site(&self, document: &Name, site: &Name) -> Result<(), Finding> {
        if document == site {
            return Ok(());
        }
        let place = format!("{} site", self.document);
        Err(Finding::new(self.origin, place, site.to_string(), document.to_string()))
    }

    /// Site, dates and version of an authority document, in this order.
    pub(in crate::inputs) fn check(
        &self,
        document: &Standing<'_>,
        site: &Name,
        now: crate::values::time::Time,
        version_least: u64,
    ) -> Result<(), Finding> {
        let wrong = |reason: Reason, field: &str, expected: String, found: String| {
            Err(Finding::new(reason, format!("{} {field}", self.document), expected, found))
        };
        self.check_site(document.site, site)?;
        if now < document.issued {
            return wrong(self.not_yet, "issued", format!("{now} or earlier"), document.issued.to_string());
        }
        if now > document.expires {
            return wrong(self.expired, "expires", format!("{now} or later"), document.expires.to_string());
        }
        if document.version < version_least {
            return wrong(
                self.rolled_back,
                "version",
                format!("{version_least} or higher"),
                document.version.to_string(),
            );
        }
        Ok(())
    }
}
