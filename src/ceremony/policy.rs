//! Changing what a site demands: a policy as a person writes it, the next version of it, and its publication.

use super::annex::Annex;
use super::desk::Desk;
use super::found::DAY;
use super::lowering::{Difference, differences};
use super::officers::Sheet;
use super::publish::{InForce, Keys, Step, due, put_in_force};
use super::succession::{Position, Successive as _, require_current};
use crate::maker::description::{Moment, Source};
use ecugate_verifier::documents::document;
use ecugate_verifier::documents::manifest::assurance::Minimum;
use ecugate_verifier::documents::policy_text::{Family, PolicyText, Waivable, Waiver};
use ecugate_verifier::inputs::policy::Policy;
use ecugate_verifier::syntax::label::Rules;
use ecugate_verifier::values::digest::Sha256;
use ecugate_verifier::values::finding::Finding;
use ecugate_verifier::values::ident::Name;
use ecugate_verifier::values::limits::Limits;
use ecugate_verifier::values::time::Time;
use std::collections::BTreeSet;

/// How long a policy counts where it does not say so itself.
const POLICY_DAYS: i64 = 90;

/// A policy as a person writes it, in TOML. The fields are those of the document; what the site knows better (site,
/// version, dates, the one before) may be left out.
#[derive(Clone, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PolicyDraft {
    site: Option<Name>,
    version: Option<u64>,
    issued: Option<Moment>,
    expires: Option<Moment>,
    previous: Option<Sha256>,
    minimum: Minimum,
    #[serde(default)]
    families: Vec<Family>,
    #[serde(default)]
    labels: Rules,
    #[serde(default)]
    waivers: Vec<WaiverText>,
}

#[derive(Clone, serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct WaiverText {
    check: Waivable,
    why: String,
    until: Moment,
}

/// The next policy, unsigned, with what goes along.
#[derive(Clone, Debug)]
pub struct ProposedPolicy {
    /// The policy.
    pub policy: PolicyText,
    /// The bytes that every officer signs.
    pub payload: Vec<u8>,
    /// The reason.
    pub annex: Annex,
}

/// A policy that is in force.
#[derive(Clone, Debug)]
pub struct PolicyPublished {
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
}

impl PolicyDraft {
    /// Reads a draft, called `place` in findings.
    ///
    /// # Errors
    /// The first fault, with its line.
    pub fn read(bytes: &[u8], place: &str) -> Result<Self, Finding> {
        let source = Source::new(bytes, place)?;
        let draft: Self = source.read()?;
        // The rules across fields, before anybody signs; where the draft leaves it to the site, anything that fits.
        let site = draft.site.clone().map_or_else(|| Name::new("site").map_err(|_| ()), Ok);
        if let (Ok(site), Some(epoch)) = (site, Time::from_unix_seconds(0)) {
            let mut sample = draft.document(&site, 1, None, epoch);
            (sample.version, sample.previous) = (1, None);
            source.require_sound(&sample, &Limits::STANDARD)?;
        }
        Ok(draft)
    }

    /// The document, where what the draft leaves out is as given.
    #[must_use]
    pub fn document(&self, site: &Name, version: u64, previous: Option<Sha256>, now: Time) -> PolicyText {
        let issued = self.issued.map_or(now, |moment| moment.0);
        PolicyText {
            site: self.site.clone().unwrap_or_else(|| site.clone()),
            version: self.version.unwrap_or(version),
            issued,
            expires: self.expires.map_or_else(|| issued.plus_seconds(POLICY_DAYS * DAY), |moment| moment.0),
            previous: self.previous.or(previous),
            minimum: self.minimum,
            families: self.families.clone(),
            labels: self.labels.clone(),
            waivers: self
                .waivers
                .iter()
                .map(|waiver| Waiver { check: waiver.check, why: waiver.why.clone(), until: waiver.until.0 })
                .collect(),
        }
    }
}

/// Makes the next policy of a site from a draft.
///
/// # Errors
/// The finding of a draft that states another version, site or dates than may come next, or of a site that has no
/// policy to follow on.
pub fn propose_policy(desk: &Desk, draft: &PolicyDraft, reason: &str, now: Time) -> Result<ProposedPolicy, Finding> {
    let annex = Annex::new(reason, Vec::new())?;
    let position = Position::<PolicyText>::of(&desk.site, &desk.ledger)?;
    let site = &desk.site.text().site;
    let policy = draft.document(site, position.next_version(), Some(position.in_force().digest()), now);
    position.require_next(&policy)?;
    require_current(&policy, site, now)?;
    let payload = document::payload(policy.clone(), &Limits::STANDARD).map_err(|fault| fault.finding())?;
    Ok(ProposedPolicy { policy, payload, annex })
}

/// What a policy on its way to its signatures changes, asked before anybody signs it: it must be the next one of this
/// site and in its dates.
///
/// # Errors
/// The finding of the first of these that does not hold.
pub fn review_policy(desk: &Desk, sheet: &Sheet<PolicyText>, now: Time) -> Result<Vec<Difference>, Finding> {
    require_current(sheet.document(), &desk.site.text().site, now)?;
    let position = Position::<PolicyText>::of(&desk.site, &desk.ledger)?;
    position.require_next(sheet.document())?;
    Ok(differences(position.in_force().document(), sheet.document()))
}

/// Puts a signed policy in force: the entry to the ledger, then the file in its place. Begun again after whatever end,
/// it goes on where it ended and does nothing twice.
///
/// # Errors
/// The finding of the first step that fails. Up to the entry the policy before stays in force; from the entry on gates
/// hold until it is begun again.
pub fn publish_policy(desk: &mut Desk, envelope: &[u8], reason: &str) -> Result<PolicyPublished, Finding> {
    let ground = Annex::new(reason, Vec::new())?.reason;
    let signed = PolicyText::open(Some(envelope), &desk.site)?;
    let pins = desk.pins()?;
    let _turn = desk.take_turn()?;
    let keys = Keys::open(desk, &signed, &pins)?;
    desk.settle(&keys.log)?;
    let now = desk.now()?;
    let due = due(desk, &signed, now)?;
    resolve(desk, envelope, now)?;
    let InForce { entry, size, recorded, replaced } = put_in_force(desk, &signed, envelope, due, &keys, &ground, now)?;
    resolve(desk, envelope, now)?;
    Ok(PolicyPublished {
        version: signed.document().version,
        digest: signed.digest(),
        persons: signed.persons().clone(),
        entry,
        size,
        recorded,
        replaced,
    })
}

/// The question of a gate.
fn resolve(desk: &Desk, envelope: &[u8], now: Time) -> Result<(), Finding> {
    let used = desk.ledger.memory(&[]).map_err(Finding::from)?.policy_version;
    let (authority, site) = (desk.site.authority(), &desk.site.text().site);
    match Policy::resolve(Some(envelope), authority, site, used, now, &Limits::STANDARD) {
        Policy::InForce(_) => Ok(()),
        Policy::Unavailable(finding) => Err(finding),
    }
}

#[cfg(test)]
mod tests;
