//! A manifest's signer: from the chain in the envelope to a line of the anchor list.
//!
//! The steps stand in the order in which they are taken; a departure at any of them is a finding and ends the vetting.

use super::anchors::AnchorSet;
use super::path::{PathOptions, Purpose, Revocation, ValidPath, find_path_among};
use crate::documents::anchor_list::{Listing, Role};
use crate::documents::envelope::{Envelope, Verified};
use crate::documents::manifest::Timeliness;
use crate::inputs::memory::CrlSeen;
use crate::syntax::certificate::Certificate;
use crate::syntax::crl::Crl;
use crate::values::finding::Finding;
use crate::values::limits::Limits;
use crate::values::reason::Reason;
use crate::values::time::Time;
use crate::values::verified::VerifiedSignatures;

/// What of revocation is demanded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RevocationRule {
    /// A usable CRL for every certificate of the path.
    Required,
    /// A policy waiver is in force: a missing, stale or unusable CRL does not hold the unit. One that revokes does.
    WaivedByPolicy,
}

/// Everything besides the envelope that a vetting takes.
#[derive(Clone, Copy, Debug)]
pub struct Circumstances<'a, 'g> {
    /// The anchors.
    pub anchors: &'a AnchorSet,
    /// Certificates that came along.
    pub untrusted: &'g [Certificate],
    /// CRLs that came along.
    pub crls: &'g [Crl],
    /// The newest CRLs seen before.
    pub crls_seen: &'g [CrlSeen],
    /// What of revocation is demanded.
    pub revocation: RevocationRule,
    /// When.
    pub now: Time,
    /// Caps.
    pub limits: &'g Limits,
    /// Signatures that were found good before.
    pub signatures: &'g VerifiedSignatures,
}

/// A signer that may sign in a role. Made by [`vet`] alone.
#[derive(Clone, Debug)]
pub struct Signer<'a> {
    path: ValidPath,
    listing: &'a Listing,
    waived: Option<Finding>,
}

impl<'a> Signer<'a> {
    /// Its certification path.
    #[must_use]
    pub const fn path(&self) -> &ValidPath {
        &self.path
    }

    /// The line of the anchor list under which it signs.
    #[must_use]
    pub const fn listing(&self) -> &'a Listing {
        self.listing
    }

    /// What revocation would have said, where the policy waived it.
    #[must_use]
    pub const fn waived(&self) -> Option<&Finding> {
        self.waived.as_ref()
    }

    /// The envelope's payload, covered by this signer's signature.
    ///
    /// # Errors
    /// The finding of a signature that is not this signer's over these bytes.
    pub fn open<'e>(&self, envelope: &'e Envelope, signatures: &VerifiedSignatures) -> Result<Verified<'e>, Finding> {
        envelope.verify_among(self.path.leaf_key(), signatures).map_err(|fault| fault.finding())
    }
}

/// Vets the signer that an envelope's one signature claims.
///
/// # Errors
/// The finding of the first step that fails.
pub fn vet<'a>(envelope: &Envelope, role: Role, given: &Circumstances<'a, '_>) -> Result<Signer<'a>, Finding> {
    let (leaf, bag) = chain(envelope, given)?;
    let (path, waived) = match find(&leaf, &bag, role, Revocation::Chain, given) {
        Ok(path) => match crls_fresh(&path, given) {
            Ok(()) => (path, None),
            Err(finding) if waivable(finding.reason, given) => (path, Some(finding)),
            Err(finding) => return Err(finding),
        },
        Err(finding) if waivable(finding.reason, given) => {
            (find(&leaf, &bag, role, Revocation::Off, given)?, Some(finding))
        }
        Err(finding) => return Err(finding),
    };
    let listing = given.anchors.listing(path.anchor()).ok_or_else(|| Finding::bare(Reason::PathNotFound))?;
    if !listing.allows(role) {
        return Err(role_missing(&path, listing, role));
    }
    match listing.valid.at(given.now) {
        Timeliness::Within => Ok(Signer { path, listing, waived }),
        Timeliness::NotYet | Timeliness::Over => Err(Finding::new(
            Reason::AnchorNotInDates,
            format!("anchor {}", path.anchor().subject_text()),
            format!("{} to {}", listing.valid.from, listing.valid.until),
            given.now.to_string(),
        )),
    }
}

/// The leaf that the envelope carries, and everything that may lead from it to an anchor.
fn chain(envelope: &Envelope, given: &Circumstances<'_, '_>) -> Result<(Certificate, Vec<Certificate>), Finding> {
    let [signature] = envelope.signatures() else {
        let found = envelope.signatures().len().to_string();
        return Err(Finding::new(Reason::EnvelopeSignatureCount, "signatures", "exactly 1", found));
    };
    let mut carried = Vec::new();
    for (n, der) in signature.chain().iter().enumerate() {
        let certificate = Certificate::from_der(der, given.limits)
            .map_err(|fault| fault.finding().within(&format!("x5c certificate {}", n + 1)))?;
        carried.push(certificate);
    }
    if carried.is_empty() {
        return Err(Finding::new(Reason::CertificateMissing, "x5c", "the signer's certificate", "none"));
    }
    let leaf = carried.remove(0);
    // Also of an anchor without the role, which the search for a path does not see.
    if given.anchors.anchors().iter().any(|(anchor, _)| anchor.spki() == leaf.spki()) {
        let found = "an anchor's key";
        return Err(Finding::new(Reason::LeafIsAnchor, leaf.subject_text(), "a key that is no anchor's", found));
    }
    carried.extend(given.untrusted.iter().cloned());
    Ok((leaf, carried))
}

/// A path to an anchor with the role; where there is none but one to another anchor, the missing role is the reason.
fn find(
    leaf: &Certificate,
    bag: &[Certificate],
    role: Role,
    revocation: Revocation,
    given: &Circumstances<'_, '_>,
) -> Result<ValidPath, Finding> {
    let options = PathOptions {
        at: given.now,
        max_intermediates: None,
        purpose: Purpose::Oid(role.purpose()),
        revocation,
        limits: given.limits,
    };
    let fault = match find_path_among(leaf, bag, &given.anchors.with_role(role), given.crls, &options, given.signatures)
    {
        Ok(path) => return Ok(path),
        Err(fault) => fault,
    };
    // AnchorsEmpty here: there are anchors, and none of them has the role
    if matches!(fault.reason(), Reason::PathNotFound | Reason::AnchorsEmpty)
        && let Ok(path) =
            find_path_among(leaf, bag, &given.anchors.certificates(), given.crls, &options, given.signatures)
        && let Some(listing) = given.anchors.listing(path.anchor())
    {
        return Err(role_missing(&path, listing, role));
    }
    Err(fault.finding())
}

fn role_missing(path: &ValidPath, listing: &Listing, role: Role) -> Finding {
    let roles: Vec<_> = listing.roles.iter().map(|role| role.word()).collect();
    let place = format!("anchor {}", path.anchor().subject_text());
    Finding::new(Reason::RoleNotListed, place, role.word(), roles.join(", "))
}

/// Freeze and rollback: a CRL that is valid by its own dates may still be older than the list allows, or older than
/// one seen before. The latter first: a waiver of the age of one list must not hide the rollback of another.
fn crls_fresh(path: &ValidPath, given: &Circumstances<'_, '_>) -> Result<(), Finding> {
    for used in path.crls_used() {
        let seen = given.crls_seen.iter().filter(|seen| seen.issuer_key == used.issuer_key);
        if let Some(seen) = seen.map(|seen| seen.this_update).max()
            && used.this_update < seen
        {
            let (place, expected) = (format!("CRL of {}", used.issuer), format!("thisUpdate {seen} or later"));
            return Err(Finding::new(Reason::CrlRolledBack, place, expected, used.this_update.to_string()));
        }
    }
    let hours = given.anchors.listing(path.anchor()).map_or(0, |listing| listing.crl_hours);
    let oldest = given.now.plus_seconds(-i64::from(hours) * 3_600);
    match path.crls_used().iter().find(|used| used.this_update < oldest) {
        None => Ok(()),
        Some(used) => {
            let place = format!("CRL of {}", used.issuer);
            let expected = format!("thisUpdate {oldest} or later ({hours} h)");
            Err(Finding::new(Reason::CrlTooOld, place, expected, used.this_update.to_string()))
        }
    }
}

fn waivable(reason: Reason, given: &Circumstances<'_, '_>) -> bool {
    given.revocation == RevocationRule::WaivedByPolicy
        && matches!(
            reason,
            Reason::CrlMissing | Reason::CrlStale | Reason::CrlNotYetValid | Reason::CrlUnusable | Reason::CrlTooOld
        )
}
