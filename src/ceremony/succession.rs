//! Which version comes next. Of an anchor list and of a policy one version is in force at a time, and each names the
//! one before.

use super::desk::signed_file;
use crate::ledger::{EntryKind, Ledger, Record, Versions};
use crate::site::Site;
use ecugate_verifier::documents::anchor_list::AnchorList;
use ecugate_verifier::documents::change::{PolicyChange, TrustChange};
use ecugate_verifier::documents::document::Document;
use ecugate_verifier::documents::policy_text::PolicyText;
use ecugate_verifier::inputs::memory::Known;
use ecugate_verifier::inputs::policy::signed_policy;
use ecugate_verifier::inputs::trust::anchors::signed_list;
use ecugate_verifier::inputs::trust::authority::{Authority, Signed};
use ecugate_verifier::values::digest::Sha256;
use ecugate_verifier::values::finding::Finding;
use ecugate_verifier::values::ident::Name;
use ecugate_verifier::values::limits::Limits;
use ecugate_verifier::values::reason::Reason;
use ecugate_verifier::values::time::Time;
use std::path::PathBuf;

/// A document of the authority of which each version follows on one before.
pub trait Successive: Document + Clone {
    /// What it is called in findings.
    const WORD: &'static str;
    /// The kind of entry that records a new version.
    const KIND: EntryKind;
    /// Its entry.
    type Entry: Document;

    /// Reason of an older version than one that was used.
    const ROLLED_BACK: Reason;
    /// Reason of a version that does not follow on the one in force.
    const NOT_NEXT: Reason;
    /// Reason of a document past its end.
    const EXPIRED: Reason;
    /// Reason of a document before its begin.
    const NOT_YET: Reason;
    /// Reason of one for another site.
    const ORIGIN: Reason;
    /// Reason of too few officers, or wrong ones.
    const THRESHOLD: Reason;
    /// Reason of one that cannot be read.
    const MALFORMED: Reason;

    /// What it states about itself.
    fn standing(&self) -> Standing<'_>;
    /// Where the one in force is.
    fn file(site: &Site) -> PathBuf;
    /// The highest version that an entry of the ledger names.
    fn used(known: &Known) -> u64;
    /// The lowest version that counts at the site.
    fn least(authority: &Authority) -> u64;
    /// Opens one that enough officers signed.
    ///
    /// # Errors
    /// The finding of a document that is missing, malformed, too little signed or for another site.
    fn open(bytes: Option<&[u8]>, site: &Site) -> Result<Signed<Self>, Finding>;
    /// The entry that records it.
    fn entry(record: Record, site: Name, digest: Sha256, ground: String) -> Self::Entry;
    /// Its version as an entry names it.
    fn versions(version: u64) -> Versions;
}

/// What a document states about itself.
#[derive(Clone, Copy, Debug)]
pub struct Standing<'a> {
    /// For which site.
    pub site: &'a Name,
    /// Its version.
    pub version: u64,
    /// When it was made.
    pub issued: Time,
    /// When it ends.
    pub expires: Time,
    /// The envelope of the one before.
    pub previous: Option<Sha256>,
}

impl Successive for AnchorList {
    const WORD: &'static str = "anchor list";
    const KIND: EntryKind = EntryKind::TrustChange;
    type Entry = TrustChange;
    const ROLLED_BACK: Reason = Reason::AnchorListRolledBack;
    const NOT_NEXT: Reason = Reason::AnchorListNotNext;
    const EXPIRED: Reason = Reason::AnchorListExpired;
    const NOT_YET: Reason = Reason::AnchorListNotYetValid;
    const ORIGIN: Reason = Reason::AnchorListOrigin;
    const THRESHOLD: Reason = Reason::AnchorListThreshold;
    const MALFORMED: Reason = Reason::AnchorListMalformed;

    fn standing(&self) -> Standing<'_> {
        let Self { site, version, issued, expires, previous, .. } = self;
        Standing { site, version: *version, issued: *issued, expires: *expires, previous: *previous }
    }

    fn file(site: &Site) -> PathBuf {
        site.anchor_list()
    }

    fn used(known: &Known) -> u64 {
        known.anchor_list_version
    }

    fn least(authority: &Authority) -> u64 {
        authority.list_version_least()
    }

    fn open(bytes: Option<&[u8]>, site: &Site) -> Result<Signed<Self>, Finding> {
        signed_list(bytes, site.authority(), &site.text().site, &Limits::STANDARD)
    }

    fn entry(record: Record, site: Name, anchor_list: Sha256, ground: String) -> TrustChange {
        TrustChange { record, site, anchor_list, ground }
    }

    fn versions(version: u64) -> Versions {
        Versions { anchor_list: Some(version), ..Versions::default() }
    }
}

impl Successive for PolicyText {
    const WORD: &'static str = "policy";
    const KIND: EntryKind = EntryKind::PolicyChange;
    type Entry = PolicyChange;
    const ROLLED_BACK: Reason = Reason::PolicyRolledBack;
    const NOT_NEXT: Reason = Reason::PolicyNotNext;
    const EXPIRED: Reason = Reason::PolicyExpired;
    const NOT_YET: Reason = Reason::PolicyNotYetValid;
    const ORIGIN: Reason = Reason::PolicyOrigin;
    const THRESHOLD: Reason = Reason::PolicyThreshold;
    const MALFORMED: Reason = Reason::PolicyMalformed;

    fn standing(&self) -> Standing<'_> {
        let Self { site, version, issued, expires, previous, .. } = self;
        Standing { site, version: *version, issued: *issued, expires: *expires, previous: *previous }
    }

    fn file(site: &Site) -> PathBuf {
        site.policy()
    }

    fn used(known: &Known) -> u64 {
        known.policy_version
    }

    fn least(authority: &Authority) -> u64 {
        authority.policy_version_least()
    }

    fn open(bytes: Option<&[u8]>, site: &Site) -> Result<Signed<Self>, Finding> {
        signed_policy(bytes, site.authority(), &site.text().site, &Limits::STANDARD)
    }

    fn entry(record: Record, site: Name, policy: Sha256, ground: String) -> PolicyChange {
        PolicyChange { record, site, policy, ground }
    }

    fn versions(version: u64) -> Versions {
        Versions { policy: Some(version), ..Versions::default() }
    }
}

/// Where a site stands: what is in force, and what was used.
#[derive(Clone, Debug)]
pub struct Position<D> {
    in_force: Signed<D>,
    used: u64,
    least: u64,
}

impl<D: Successive> Position<D> {
    /// Reads it. What is in force may be past its end (that is when a next one is needed), and never behind what the
    /// ledger has seen.
    ///
    /// # Errors
    /// The finding of a document in force that no next one can follow on, or of the ledger.
    pub fn of(site: &Site, ledger: &Ledger) -> Result<Self, Finding> {
        let in_force = D::open(signed_file(&D::file(site)).as_deref(), site)?;
        let used = D::used(&ledger.memory(&[]).map_err(Finding::from)?);
        let version = in_force.document().standing().version;
        if version < used {
            let place = format!("{} in force: version", D::WORD);
            return Err(Finding::new(D::ROLLED_BACK, place, format!("{used} or higher"), version.to_string()));
        }
        Ok(Self { in_force, used, least: D::least(site.authority()) })
    }

    /// What is in force.
    #[must_use]
    pub const fn in_force(&self) -> &Signed<D> {
        &self.in_force
    }

    /// The one version that may come next: one above all that were used, or the lowest that counts here.
    #[must_use]
    pub fn next_version(&self) -> u64 {
        self.highest().saturating_add(1).max(self.least)
    }

    fn highest(&self) -> u64 {
        self.in_force.document().standing().version.max(self.used)
    }

    /// Whether `document` is the next one.
    ///
    /// # Errors
    /// *rolled-back* for a version that was used, *not-next* for one too far ahead or with another one before it.
    pub fn require_next(&self, document: &D) -> Result<(), Finding> {
        let Standing { version, previous, .. } = document.standing();
        let next = self.next_version();
        if version != next {
            let reason = if version <= self.highest() { D::ROLLED_BACK } else { D::NOT_NEXT };
            return Err(Finding::new(reason, format!("{} version", D::WORD), next.to_string(), version.to_string()));
        }
        if previous != Some(self.in_force.digest()) {
            let found = previous.map_or_else(|| "none".to_owned(), |digest| digest.to_string());
            let expected = format!("{} (the one in force)", self.in_force.digest());
            return Err(Finding::new(D::NOT_NEXT, format!("{} previous", D::WORD), expected, found));
        }
        Ok(())
    }
}

/// Whether a document is for this site and in its dates.
///
/// # Errors
/// *origin*, *not-yet-valid* or *expired*.
pub(super) fn require_current<D: Successive>(document: &D, site: &Name, now: Time) -> Result<(), Finding> {
    let standing = document.standing();
    let wrong = |reason: Reason, field: &str, expected: String, found: String| {
        Err(Finding::new(reason, format!("{} {field}", D::WORD), expected, found))
    };
    if standing.site != site {
        return wrong(D::ORIGIN, "site", site.to_string(), standing.site.to_string());
    }
    if now < standing.issued {
        return wrong(D::NOT_YET, "issued", format!("{now} or earlier"), standing.issued.to_string());
    }
    if now > standing.expires {
        return wrong(D::EXPIRED, "expires", format!("{now} or later"), standing.expires.to_string());
    }
    Ok(())
}
