//! Changing which manufacturer certificates count: the next list, what it changes, and its publication.

use super::annex::Annex;
use super::desk::{Desk, signed_file};
use super::found::{AnchorGiven, DAY, TRIAL_CRL_HOURS};
use super::officers::Sheet;
use super::publish::{Due, InForce, Keys, Step, due, kept_as, put_in_force};
use super::succession::{Position, Standing, Successive as _, require_current};
use super::trust_token::{Held, on_token, remove_retired, write_missing};
use crate::hsm::{CertificateRemoved, CertificateWritten};
use crate::ledger::Ledger;
use crate::site::Site;
use ecugate_verifier::documents::anchor_list::{AnchorList, Listing, Serials};
use ecugate_verifier::documents::document;
use ecugate_verifier::documents::manifest::Validity;
use ecugate_verifier::inputs::trust::anchors::{Anchors, TokenCertificates};
use ecugate_verifier::inputs::trust::authority::Signed;
use ecugate_verifier::inputs::trust::path::require_listable;
use ecugate_verifier::syntax::certificate::Certificate;
use ecugate_verifier::values::digest::Sha256;
use ecugate_verifier::values::finding::Finding;
use ecugate_verifier::values::ident::Name;
use ecugate_verifier::values::limits::Limits;
use ecugate_verifier::values::reason::Reason;
use ecugate_verifier::values::time::Time;
use std::collections::BTreeSet;

/// How long a list counts where nothing else is asked for: a quarter, after which officers look through it again.
const LIST_DAYS: i64 = 90;

/// What officers want to change.
#[derive(Clone, Debug, Default)]
pub struct Proposal {
    /// Certificates that are to count from now on.
    pub additions: Vec<Addition>,
    /// Certificates that are to count no more. One that is added in the same list is listed anew, with other terms.
    pub retire: Vec<Sha256>,
    /// When the list ends, where not after 90 days.
    pub expires: Option<Time>,
    /// Whether a list that changes nothing but its dates is wanted.
    pub renew: bool,
}

/// A certificate that is to count, and its terms.
#[derive(Clone, Debug)]
pub struct Addition {
    /// Certificate, manufacturer, roles and parts.
    pub given: AnchorGiven,
    /// Whether its shipment signers may list serials.
    pub serials: Serials,
    /// Until when it counts, where not until its own end.
    pub valid_until: Option<Time>,
    /// The oldest CRL that counts, where not 31 days.
    pub crl_hours: Option<u32>,
}

/// The next list, unsigned, with what goes along.
#[derive(Clone, Debug)]
pub struct ProposedList {
    /// The list.
    pub list: AnchorList,
    /// The bytes that every officer signs.
    pub payload: Vec<u8>,
    /// Reason and certificates.
    pub annex: Annex,
}

/// One line of a list, with its certificate where it is at hand.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listed {
    /// The line.
    pub listing: Listing,
    /// The certificate.
    pub certificate: Option<Certificate>,
}

/// What one list changes against another.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// Counts from now on.
    Added(Listed),
    /// Counts no more.
    Retired(Listed),
    /// Counts on other terms.
    Altered {
        /// The terms before.
        before: Listing,
        /// The terms now.
        after: Listed,
    },
}

/// A list that is in force, and what that took.
#[derive(Clone, Debug)]
pub struct AnchorsPublished {
    /// Its version.
    pub version: u64,
    /// SHA-256 of its envelope.
    pub digest: Sha256,
    /// Who signed it.
    pub persons: BTreeSet<Name>,
    /// The entry that records it; none for the one that the site was founded with.
    pub entry: Option<u64>,
    /// Entries of the ledger under its checkpoint.
    pub size: u64,
    /// Whether the entry was made now.
    pub recorded: Step,
    /// Whether the file was put in its place now.
    pub replaced: Step,
    /// Certificates that were written to the token now, and what stuck of each.
    pub written: Vec<(Sha256, CertificateWritten)>,
    /// Certificates that the list before named and this one does not, as far as they were on the token.
    pub retired: Vec<CertificateRemoved>,
    /// How many certificates count.
    pub anchors: usize,
}

/// Makes the next list of a site.
///
/// # Errors
/// The finding of a proposal that is not acceptable ([`propose`]), or of a site that has no list to follow on.
pub fn propose_anchors(desk: &Desk, proposal: &Proposal, reason: &str, now: Time) -> Result<ProposedList, Finding> {
    let certificates = proposal.additions.iter().map(|addition| addition.given.certificate.clone()).collect();
    let annex = Annex::new(reason, certificates)?;
    let position = Position::<AnchorList>::of(&desk.site, &desk.ledger)?;
    let in_force = position.in_force();
    let list = propose(in_force.document(), in_force.digest(), position.next_version(), proposal, now)?;
    let payload = document::payload(list.clone(), &Limits::STANDARD).map_err(|fault| fault.finding())?;
    Ok(ProposedList { list, payload, annex })
}

/// The list that follows on `before`, whose envelope has the digest `previous`.
///
/// # Errors
/// [`Reason::Usage`] where nothing is asked for, a certificate to be added is listed or given twice, one to be retired
/// is not listed, or dates do not fit; [`Reason::AnchorsEmpty`] where nothing would be left; the reason of a
/// certificate that can be no anchor.
pub fn propose(
    before: &AnchorList,
    previous: Sha256,
    version: u64,
    proposal: &Proposal,
    now: Time,
) -> Result<AnchorList, Finding> {
    let usage = |place: String, expected: &str, found: String| Err(Finding::new(Reason::Usage, place, expected, found));
    if proposal.additions.is_empty() && proposal.retire.is_empty() && !proposal.renew {
        return usage("proposal".to_owned(), "something to add, to retire, or --renew", "none".to_owned());
    }
    let mut anchors = before.anchors.clone();
    for sha256 in &proposal.retire {
        let Some(at) = anchors.iter().position(|listing| listing.sha256 == *sha256) else {
            let expected = "the SHA-256 of a listed certificate, once (`ecugate anchors list`)";
            return usage("--retire".to_owned(), expected, sha256.to_string());
        };
        anchors.remove(at);
    }
    for addition in &proposal.additions {
        let listing = addition.listing(now)?;
        if let Some(known) = anchors.iter().find(|known| known.sha256 == listing.sha256) {
            let found = format!("listed for {} until {}", known.manufacturer, known.valid.until);
            let place = format!("--add {}", listing.sha256);
            return usage(place, "a certificate that is not listed (--retire it too, for other terms)", found);
        }
        anchors.push(listing);
    }
    if anchors.is_empty() {
        let expected = "one certificate or more: without any, a site holds every box";
        return Err(Finding::new(Reason::AnchorsEmpty, "the proposed list", expected, "none"));
    }
    let expires = proposal.expires.unwrap_or_else(|| now.plus_seconds(LIST_DAYS * DAY));
    if expires <= now {
        return usage("--expires".to_owned(), "a time to come", expires.to_string());
    }
    Ok(AnchorList { site: before.site.clone(), version, issued: now, expires, previous: Some(previous), anchors })
}

impl Addition {
    fn listing(&self, now: Time) -> Result<Listing, Finding> {
        let certificate = &self.given.certificate;
        require_listable(certificate, now)?;
        let until = self.valid_until.unwrap_or_else(|| certificate.not_after());
        if until <= now || until > certificate.not_after() {
            let expected = format!("a time to come, up to {} (the certificate's own end)", certificate.not_after());
            return Err(Finding::new(Reason::Usage, "--valid-until", expected, until.to_string()));
        }
        Ok(Listing {
            sha256: certificate.digest(),
            manufacturer: self.given.manufacturer.clone(),
            roles: self.given.roles.clone(),
            parts: self.given.parts.clone(),
            serials: self.serials,
            valid: Validity { from: now, until },
            crl_hours: self.crl_hours.unwrap_or(TRIAL_CRL_HOURS),
        })
    }
}

/// What `after` changes against `before`, in the order of the lists. Certificates are looked up in `at_hand`.
#[must_use]
pub fn changes(before: &AnchorList, after: &AnchorList, at_hand: &[Certificate]) -> Vec<Change> {
    let listed = |listing: &Listing| Listed {
        listing: listing.clone(),
        certificate: at_hand.iter().find(|certificate| certificate.digest() == listing.sha256).cloned(),
    };
    let find = |list: &AnchorList, sha256: Sha256| list.anchors.iter().find(|one| one.sha256 == sha256).cloned();
    let now = after.anchors.iter().filter_map(|listing| match find(before, listing.sha256) {
        None => Some(Change::Added(listed(listing))),
        Some(old) if old == *listing => None,
        Some(old) => Some(Change::Altered { before: old, after: listed(listing) }),
    });
    let gone = before.anchors.iter().filter(|listing| find(after, listing.sha256).is_none());
    now.chain(gone.map(|listing| Change::Retired(listed(listing)))).collect()
}

/// What a list on its way to its signatures changes, asked before anybody signs it: it must be the next one of this
/// site, in its dates, and every certificate that it adds must be at hand and fit to be listed.
///
/// # Errors
/// The finding of the first of these that does not hold.
pub fn review_anchors(
    desk: &Desk,
    sheet: &Sheet<AnchorList>,
    annex: &Annex,
    now: Time,
) -> Result<Vec<Change>, Finding> {
    require_current(sheet.document(), &desk.site.text().site, now)?;
    let position = Position::<AnchorList>::of(&desk.site, &desk.ledger)?;
    position.require_next(sheet.document())?;
    let mut at_hand = annex.certificates.clone();
    // A token that cannot be read hides no addition: those come along.
    let held = on_token(desk).unwrap_or_default();
    at_hand.extend(held.values().filter_map(|der| Certificate::from_der(der, &Limits::STANDARD).ok()));
    let changes = changes(position.in_force().document(), sheet.document(), &at_hand);
    for change in &changes {
        let (Change::Added(listed) | Change::Altered { after: listed, .. }) = change else { continue };
        match &listed.certificate {
            Some(certificate) => require_listable(certificate, now)?,
            None => return Err(not_at_hand(&listed.listing)),
        }
    }
    Ok(changes)
}

/// Puts a signed list in force: certificates to the token, the entry to the ledger, the file in its place, and then the
/// retired certificates off the token. Begun again after whatever end, it goes on where it ended and does nothing twice.
///
/// # Errors
/// The finding of the first step that fails. Up to the entry the list before stays in force; from the entry on gates
/// hold until it is begun again.
pub fn publish_anchors(desk: &mut Desk, envelope: &[u8], annex: &Annex) -> Result<AnchorsPublished, Finding> {
    let signed = AnchorList::open(Some(envelope), &desk.site)?;
    let pins = desk.pins()?;
    let _turn = desk.take_turn()?;
    let keys = Keys::open(desk, &signed, &pins)?;
    desk.settle(&keys.log)?;
    let now = desk.now()?;
    let due = due(desk, &signed, now)?;
    let before = list_before(&desk.site, &desk.ledger, signed.document());
    let (on_token, missing) = at_hand(desk, signed.document(), annex, now)?;
    require_usable(desk, envelope, &on_token, &missing, now)?;

    let written = write_missing(desk, signed.document(), &missing, &pins.trust)?;
    let InForce { entry, size, recorded, replaced } =
        put_in_force(desk, &signed, envelope, due, &keys, &annex.reason, now)?;
    let retired = match before.filter(|_| due != Due::Nothing) {
        Some(before) => remove_retired(desk, &before, signed.document(), &pins.trust)?,
        None => Vec::new(),
    };
    let anchors = read_back(desk, &signed, now)?;
    Ok(AnchorsPublished {
        version: signed.document().version,
        digest: signed.digest(),
        persons: signed.persons().clone(),
        entry,
        size,
        recorded,
        replaced,
        written,
        retired,
        anchors,
    })
}

/// What is on the token, and the listed certificates that are not and came along. One that is neither would make every
/// unit of its manufacturer suspect. What came along must be fit to be listed: the annex is covered by no signature.
fn at_hand(desk: &Desk, list: &AnchorList, annex: &Annex, now: Time) -> Result<(Held, Vec<Certificate>), Finding> {
    let on_token = on_token(desk)?;
    let mut missing = Vec::new();
    for listing in list.anchors.iter().filter(|listing| !on_token.contains_key(&listing.sha256)) {
        let found = annex.certificates.iter().find(|certificate| certificate.digest() == listing.sha256);
        let certificate = found.ok_or_else(|| not_at_hand(listing))?;
        require_listable(certificate, now)?;
        missing.push(certificate.clone());
    }
    Ok((on_token, missing))
}

fn not_at_hand(listing: &Listing) -> Finding {
    let place = format!("certificate of {}", listing.manufacturer);
    let expected = format!("{} on the trust token or in the annex of the list", listing.sha256);
    Finding::new(Reason::CertificateMissing, place, expected, "in neither")
}

/// The question of a gate, asked before anything is written, with the token as it will be.
fn require_usable(
    desk: &Desk,
    envelope: &[u8],
    on_token: &Held,
    missing: &[Certificate],
    now: Time,
) -> Result<(), Finding> {
    let held = on_token.values().cloned().chain(missing.iter().map(|certificate| certificate.der().to_vec()));
    resolve(desk, TokenCertificates::Read(held.collect()), Some(envelope), now).map(|_| ())
}

/// The question of a gate. Answers how many certificates count.
fn resolve(desk: &Desk, token: TokenCertificates, list: Option<&[u8]>, now: Time) -> Result<usize, Finding> {
    let used = desk.ledger.memory(&[]).map_err(Finding::from)?.anchor_list_version;
    let (authority, site) = (desk.site.authority(), &desk.site.text().site);
    match Anchors::resolve(&token, list, authority, site, used, now, &Limits::STANDARD) {
        Anchors::Listed(set) => Ok(set.anchors().len()),
        Anchors::Unavailable(finding) => Err(finding),
    }
}

/// The list before, wherever it is: in its place still, kept beside it, or in the ledger.
fn list_before(site: &Site, ledger: &Ledger, list: &AnchorList) -> Option<AnchorList> {
    let Standing { version, previous, .. } = list.standing();
    let previous = previous?;
    let path = AnchorList::file(site);
    let kept = kept_as(&path, &format!("v{}", version.saturating_sub(1)));
    let files = [path, kept].into_iter().filter_map(|path| signed_file(&path));
    let stored = ledger.blob(&previous).ok().flatten().map(|blob| blob.bytes);
    let bytes = files.chain(stored).find(|bytes| Sha256::of(bytes) == previous)?;
    Some(AnchorList::open(Some(&bytes), site).ok()?.document().clone())
}

/// The question of a gate once more, of what stands there now.
fn read_back(desk: &Desk, signed: &Signed<AnchorList>, now: Time) -> Result<usize, Finding> {
    let placed = signed_file(&AnchorList::file(&desk.site));
    if placed.as_deref().map(Sha256::of) != Some(signed.digest()) {
        let place = AnchorList::file(&desk.site).display().to_string();
        return Err(Finding::new(Reason::SiteNotWritten, place, signed.digest().to_string(), "another file or none"));
    }
    let held = on_token(desk)?.into_values().collect();
    resolve(desk, TokenCertificates::Read(held), placed.as_deref(), now)
}

#[cfg(test)]
mod tests;
