//! Which of the presented manifests are believed: signer vetted, signature verified, in its dates, of its anchor's
//! manufacturer.

use super::answers::{Answer, Answers};
use crate::documents::anchor_list::{Listing, Role, Serials};
use crate::documents::document;
use crate::documents::envelope::Envelope;
use crate::documents::manifest::release::Release;
use crate::documents::manifest::shipment::Shipment;
use crate::documents::manifest::{Timeliness, Validity};
use crate::documents::policy_text::Waivable;
use crate::documents::question::Question;
use crate::inputs::dossier::Dossier;
use crate::inputs::evidence::{Evidence, Manifest};
use crate::inputs::memory::{CrlSeen, Known};
use crate::inputs::policy::InForce;
use crate::inputs::trust::anchors::{AnchorSet, Anchors};
use crate::inputs::trust::signer::{Circumstances, RevocationRule, Signer, vet};
use crate::values::finding::Finding;
use crate::values::ident::Manufacturer;
use crate::values::limits::Limits;
use crate::values::reason::Reason;
use crate::values::time::Time;

/// Manifests whose signers may say what they say.
#[derive(Debug, Default)]
pub(super) struct Believed<'d> {
    /// Releases, read from verified bytes.
    pub(super) releases: Vec<Verified<'d, Release>>,
    /// Shipments, read from verified bytes.
    pub(super) shipments: Vec<Verified<'d, Shipment>>,
    /// What the policy waived.
    pub(super) waived: Vec<(Waivable, Finding)>,
    /// The CRLs that were used.
    pub(super) crls: Vec<CrlSeen>,
}

/// A document with the line of the anchor list under which it was signed.
#[derive(Debug)]
pub(super) struct Verified<'d, D> {
    /// What it says.
    pub(super) document: D,
    /// Under which line.
    pub(super) listing: &'d Listing,
}

/// The findings of manifests that could not be read.
pub(super) fn malformed(evidence: &Evidence) -> impl Iterator<Item = Finding> {
    evidence.manifests.iter().enumerate().filter_map(|(n, manifest)| match manifest {
        Manifest::Malformed { finding, .. } => Some(Finding {
            reason: Reason::ManifestMalformed,
            place: place(n, &finding.place),
            expected: finding.expected.clone(),
            found: format!("{} ({})", finding.found, finding.reason),
        }),
        _ => None,
    })
}

/// Believes what can be believed and answers for the rest.
pub(super) fn believe<'d>(
    dossier: &'d Dossier,
    policy: Option<&InForce>,
    known: Option<&Known>,
    limits: &Limits,
    owed: bool,
    answers: &mut Answers,
) -> Believed<'d> {
    let mut believed = Believed::default();
    let Anchors::Listed(anchors) = dossier.anchors() else {
        answers.not_run(Question::ReleaseSigner, "anchors");
        answers.not_run(Question::ShipmentSigner, "anchors");
        return believed;
    };
    let given = circumstances(dossier, anchors, policy, known, limits);
    for (n, manifest) in dossier.evidence().manifests.iter().enumerate() {
        match manifest {
            Manifest::Malformed { .. } => {}
            Manifest::Release(envelope, _) => match release(envelope, &given, &mut believed) {
                Ok(verified) => believed.releases.push(verified),
                Err(finding) => answers.fail(Question::ReleaseSigner, finding.within(&place(n, "release"))),
            },
            Manifest::Shipment(envelope, _) => match shipment(envelope, &given, &mut believed) {
                Ok(verified) => believed.shipments.push(verified),
                Err(finding) => answers.fail(Question::ShipmentSigner, finding.within(&place(n, "shipment"))),
            },
        }
    }
    summarise(dossier.evidence(), owed, &believed, answers);
    believed
}

fn circumstances<'d, 'g>(
    dossier: &'g Dossier,
    anchors: &'d AnchorSet,
    policy: Option<&InForce>,
    known: Option<&'g Known>,
    limits: &'g Limits,
) -> Circumstances<'d, 'g> {
    let now = dossier.inputs().now;
    let waiver = policy.and_then(|policy| policy.waiver(Waivable::Revocation, now));
    Circumstances {
        anchors,
        untrusted: &dossier.evidence().untrusted,
        crls: &dossier.evidence().crls,
        crls_seen: known.map_or(&[], |known| known.crls.as_slice()),
        revocation: if waiver.is_some() { RevocationRule::WaivedByPolicy } else { RevocationRule::Required },
        now,
        limits,
        signatures: dossier.signatures(),
    }
}

fn summarise(evidence: &Evidence, owed: bool, believed: &Believed<'_>, answers: &mut Answers) {
    let presented = |role: Role| evidence.manifests.iter().filter(|manifest| manifest.role() == Some(role)).count();
    for (question, role, absent, believed) in [
        (Question::ReleaseSigner, Role::Release, Reason::ReleaseAbsent, believed.releases.len()),
        (Question::ShipmentSigner, Role::Shipment, Reason::ShipmentAbsent, believed.shipments.len()),
    ] {
        if !owed {
            answers.not_run(question, super::NO_UNIT);
        } else if presented(role) == 0 {
            let expected = format!("a {} manifest", role.word());
            answers.answer(question, Answer::NotRun(Finding::new(absent, "manifests", expected, "none")));
        } else if believed == presented(role) {
            answers.pass(question, format!("{believed} verified"));
        }
    }
}

fn release<'d>(
    envelope: &Envelope,
    given: &Circumstances<'d, '_>,
    believed: &mut Believed<'d>,
) -> Result<Verified<'d, Release>, Finding> {
    let (signer, release): (_, Release) = verify(envelope, Role::Release, given)?;
    timely(&release.valid, release.issued, given.now)?;
    same_manufacturer(&release.manufacturer, signer.listing())?;
    if let Some(part) = release.parts.iter().find(|part| !signer.listing().covers(part)) {
        return Err(outside_scope(part.as_str(), signer.listing()));
    }
    let listing = note(&signer, believed);
    Ok(Verified { document: release, listing })
}

fn shipment<'d>(
    envelope: &Envelope,
    given: &Circumstances<'d, '_>,
    believed: &mut Believed<'d>,
) -> Result<Verified<'d, Shipment>, Finding> {
    let (signer, shipment): (_, Shipment) = verify(envelope, Role::Shipment, given)?;
    timely(&shipment.valid, shipment.issued, given.now)?;
    same_manufacturer(&shipment.manufacturer, signer.listing())?;
    if signer.listing().serials == Serials::MayNotList {
        let place = format!("anchor of {}", signer.listing().manufacturer);
        let found = "a shipment of units by serial";
        return Err(Finding::new(Reason::SerialsNotPermitted, place, "a signer that may list serials", found));
    }
    let listing = note(&signer, believed);
    Ok(Verified { document: shipment, listing })
}

/// Vet, verify, then read: what is read is what the vetted signer's signature covers.
fn verify<'d, D: document::Document>(
    envelope: &Envelope,
    role: Role,
    given: &Circumstances<'d, '_>,
) -> Result<(Signer<'d>, D), Finding> {
    let signer = vet(envelope, role, given)?;
    let verified = signer.open(envelope, given.signatures)?;
    let document = document::read(&verified, given.limits).map_err(|fault| fault.finding())?;
    Ok((signer, document))
}

fn timely(valid: &Validity, issued: Time, now: Time) -> Result<(), Finding> {
    let expected = format!("{} to {}", valid.from, valid.until);
    let fault = |reason| Err(Finding::new(reason, "valid", expected.clone(), now.to_string()));
    if issued > now {
        return Err(Finding::new(
            Reason::ManifestNotYetValid,
            "issued",
            format!("{now} or earlier"),
            issued.to_string(),
        ));
    }
    match valid.at(now) {
        Timeliness::Within => Ok(()),
        Timeliness::NotYet => fault(Reason::ManifestNotYetValid),
        Timeliness::Over => fault(Reason::ManifestExpired),
    }
}

fn same_manufacturer(claimed: &Manufacturer, listing: &Listing) -> Result<(), Finding> {
    if *claimed == listing.manufacturer {
        Ok(())
    } else {
        let expected = listing.manufacturer.to_string();
        Err(Finding::new(Reason::ManufacturerMismatch, "manufacturer", expected, claimed.to_string()))
    }
}

/// The finding of a part that the signer's line does not cover.
pub(super) fn outside_scope(part: &str, listing: &Listing) -> Finding {
    let scopes: Vec<_> = listing.parts.iter().map(ToString::to_string).collect();
    Finding::new(Reason::PartOutsideScope, format!("anchor of {}", listing.manufacturer), scopes.join(", "), part)
}

/// Keeps what the verdict must name and the memory must learn.
fn note<'d>(signer: &Signer<'d>, believed: &mut Believed<'d>) -> &'d Listing {
    if let Some(finding) = signer.waived() {
        believed.waived.push((Waivable::Revocation, finding.clone()));
    }
    for used in signer.path().crls_used() {
        let seen = CrlSeen { issuer_key: used.issuer_key, this_update: used.this_update };
        match believed.crls.iter_mut().find(|known| known.issuer_key == seen.issuer_key) {
            Some(known) => known.this_update = known.this_update.max(seen.this_update),
            None => believed.crls.push(seen),
        }
    }
    signer.listing()
}

fn place(n: usize, what: &str) -> String {
    format!("manifest {} {what}", n + 1).trim_end().to_owned()
}
