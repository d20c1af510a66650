//! Evidence: what was presented with one box, and what was measured of it. Read, bounded, not believed.

use crate::documents::anchor_list::Role;
use crate::documents::document::read_unverified;
use crate::documents::envelope::Envelope;
use crate::documents::manifest::release::{Component, Held, Release};
use crate::documents::manifest::shipment::{Condition, Shipment, Unit};
use crate::documents::statement::{Predicate, predicate_type_of};
use crate::syntax::certificate::{Certificate, certificates};
use crate::syntax::crl::{Crl, crls};
use crate::syntax::image::{Measurement, Plan, measure};
use crate::syntax::label::{self, LabelledUnit, Rules};
use crate::values::digest::{Hasher, Sha256};
use crate::values::finding::Finding;
use crate::values::ident::{Hardware, KeyKind, Manufacturer, Name, Part, UnitKey};
use crate::values::limits::Limits;
use crate::values::reason::Reason;
use std::collections::BTreeSet;
use std::io::Read;

/// What came with one box, byte for byte.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Presentation {
    /// What the scanner read.
    pub label: Option<Vec<u8>>,
    /// The label on the housing inside the box, where it was scanned too.
    pub housing_label: Option<Vec<u8>>,
    /// Envelopes of manifests.
    pub manifests: Vec<Vec<u8>>,
    /// Certificates from which paths may be built; each PEM (many) or DER. They give no trust.
    pub untrusted: Vec<Vec<u8>>,
    /// Certificate revocation lists; each PEM (many) or DER.
    pub crls: Vec<Vec<u8>>,
    /// What was measured of the images.
    pub readouts: Vec<Readout>,
    /// The answer of the device to our challenge. Nothing reads it yet, so presenting one is a hold.
    pub device_proof: Option<Vec<u8>>,
    /// New, or come back.
    pub condition: Condition,
    /// Who holds the box: a claim, recorded as one.
    pub operator: Option<Name>,
    /// The order that the box belongs to: a claim.
    pub order: Option<Name>,
}

/// One image of the unit: measured while it was read, or why it could not be.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Readout {
    /// The component that the operator names; none where the release has one component.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub component: Option<Name>,
    /// What came of it.
    pub result: Measured,
}

/// What came of measuring an image.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Measured {
    /// Digests, map and identity fields.
    Done(Box<Measurement>),
    /// The file is not what its form demands, or could not be read.
    Failed(Finding),
}

impl Presentation {
    /// SHA-256 over everything presented, each part with its length: the same box presented again has the same digest.
    #[must_use]
    pub fn digest(&self) -> Sha256 {
        let mut hasher = Hasher::default();
        let mut part = |name: &str, bytes: &[u8]| {
            hasher.update(&(name.len() as u64).to_be_bytes());
            hasher.update(name.as_bytes());
            hasher.update(&(bytes.len() as u64).to_be_bytes());
            hasher.update(bytes);
        };
        for (name, bytes) in
            [("label", &self.label), ("housing-label", &self.housing_label), ("device-proof", &self.device_proof)]
        {
            if let Some(bytes) = bytes {
                part(name, bytes);
            }
        }
        for (name, list) in [("manifest", &self.manifests), ("untrusted", &self.untrusted), ("crl", &self.crls)] {
            for bytes in list {
                part(name, bytes);
            }
        }
        for readout in &self.readouts {
            part("readout", &serde_json::to_vec(readout).unwrap_or_default());
        }
        part("condition", self.condition.word().as_bytes());
        hasher.finish()
    }

    /// Reads everything, keeping what cannot be read as malformed instead of dropping it.
    #[must_use]
    pub fn read(&self, rules: &Rules, limits: &Limits) -> Evidence {
        let mut excess = Vec::new();
        let mut cap = |what: &str, count: usize, most: usize| {
            if count > most {
                let expected = format!("at most {most}");
                excess.push(Finding::new(Reason::InputTooLarge, what, expected, count.to_string()));
            }
            count.min(most)
        };
        let manifests = cap("manifests", self.manifests.len(), limits.manifests);
        // The chain in an envelope joins the bag.
        let most = limits.bag_certificates.saturating_sub(limits.chain_certificates);
        let bag = cap("files of untrusted certificates", self.untrusted.len(), most);
        let lists = cap("files of CRLs", self.crls.len(), limits.crls);
        cap("readouts", self.readouts.len(), limits.readouts);
        let label = |bytes: &Option<Vec<u8>>| match bytes {
            None => Presented::Absent,
            Some(bytes) => match label::read(bytes, rules, limits).and_then(|label| label.unit()) {
                Ok(unit) => Presented::Parsed(unit),
                Err(fault) => Presented::Malformed(fault.finding()),
            },
        };
        let mut unreadable = Vec::new();
        let mut untrusted = Vec::new();
        for (n, bytes) in self.untrusted.iter().take(bag).enumerate() {
            match certificates(bytes, limits) {
                Ok(read) => untrusted.extend(read),
                Err(fault) => unreadable.push(fault.finding().within(&format!("untrusted {}", n + 1))),
            }
        }
        let mut revocation = Vec::new();
        for (n, bytes) in within(&self.crls, limits.crls_bytes).take(lists).enumerate() {
            let read = bytes.ok_or_else(|| too_many(Reason::CrlMalformed, limits.crls_bytes));
            match read.and_then(|bytes| crls(bytes, limits).map_err(|fault| fault.finding())) {
                Ok(read) => revocation.extend(read),
                Err(finding) => unreadable.push(finding.within(&format!("CRL {}", n + 1))),
            }
        }
        // One file may hold many: what counts is what the search for paths would have to look at.
        let certificates = cap("untrusted certificates", untrusted.len(), most);
        untrusted.truncate(certificates);
        let lists = cap("CRLs", revocation.len(), limits.crls);
        revocation.truncate(lists);
        Evidence {
            label: label(&self.label),
            housing_label: label(&self.housing_label),
            manifests: within(&self.manifests, limits.manifests_bytes)
                .zip(&self.manifests)
                .take(manifests)
                .map(|(within, bytes)| match within {
                    Some(bytes) => Manifest::read(bytes, limits),
                    None => Manifest::Malformed {
                        digest: Sha256::of(bytes),
                        finding: too_many(Reason::InputTooLarge, limits.manifests_bytes),
                    },
                })
                .collect(),
            untrusted,
            crls: revocation,
            unreadable,
            excess,
        }
    }
}

/// Files in order, as long as all of them together stay within `most` bytes. The others are `None`, never read.
fn within(files: &[Vec<u8>], most: usize) -> impl Iterator<Item = Option<&Vec<u8>>> {
    files.iter().scan(0_usize, move |total, bytes| {
        *total = total.saturating_add(bytes.len());
        Some((*total <= most).then_some(bytes))
    })
}

fn too_many(reason: Reason, most: usize) -> Finding {
    Finding::new(reason, "", format!("at most {most} bytes in all"), "more")
}

/// Something that may be missing or broken. Neither is ever the same as "fine".
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Presented<T> {
    /// It was not there.
    Absent,
    /// It was there and could not be read.
    Malformed(Finding),
    /// It was read. Not believed.
    Parsed(T),
}

/// What was read of a presentation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Evidence {
    /// The unit that the label names.
    pub label: Presented<LabelledUnit>,
    /// The unit that the housing names.
    pub housing_label: Presented<LabelledUnit>,
    /// The manifests.
    pub manifests: Vec<Manifest>,
    /// Certificates that came along.
    pub untrusted: Vec<Certificate>,
    /// CRLs that came along.
    pub crls: Vec<Crl>,
    /// Certificates and CRLs that could not be read.
    pub unreadable: Vec<Finding>,
    /// Counts over their caps.
    pub excess: Vec<Finding>,
}

/// One manifest as presented.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Manifest {
    /// No envelope, or a statement of no kind that the gate reads.
    Malformed {
        /// Digest of the bytes.
        digest: Sha256,
        /// Why.
        finding: Finding,
    },
    /// A release manifest; its contents are claims until its signature is verified.
    Release(Box<Envelope>, Box<Release>),
    /// A shipment manifest; likewise.
    Shipment(Box<Envelope>, Box<Shipment>),
}

impl Manifest {
    /// Reads one manifest; what cannot be read is kept with its finding.
    #[must_use]
    pub fn read(bytes: &[u8], limits: &Limits) -> Self {
        let malformed = |finding: Finding| Self::Malformed { digest: Sha256::of(bytes), finding };
        let envelope = match Envelope::parse(bytes, limits) {
            Ok(envelope) => envelope,
            Err(fault) => return malformed(fault.finding()),
        };
        let kind = match predicate_type_of(&envelope, limits) {
            Ok(kind) => kind,
            Err(fault) => return malformed(fault.finding()),
        };
        if kind == Release::TYPE {
            match read_unverified::<Release>(&envelope, limits) {
                Ok(claimed) => Self::Release(Box::new(envelope), Box::new(claimed)),
                Err(fault) => malformed(fault.finding()),
            }
        } else if kind == Shipment::TYPE {
            match read_unverified::<Shipment>(&envelope, limits) {
                Ok(claimed) => Self::Shipment(Box::new(envelope), Box::new(claimed)),
                Err(fault) => malformed(fault.finding()),
            }
        } else {
            let expected = format!("{} or {}", Release::TYPE, Shipment::TYPE);
            malformed(Finding::new(Reason::PredicateTypeWrong, "predicateType", expected, kind))
        }
    }

    /// The role that a signer of this manifest needs.
    #[must_use]
    pub const fn role(&self) -> Option<Role> {
        match self {
            Self::Malformed { .. } => None,
            Self::Release(..) => Some(Role::Release),
            Self::Shipment(..) => Some(Role::Shipment),
        }
    }
}

impl Evidence {
    /// What to measure of the image of `component` (none: the one component of the release): the union of what all
    /// parsed, still unverified releases name. A plan gives no trust; naming a range costs its signer nothing.
    ///
    /// # Errors
    /// [`Reason::ReleaseAbsent`] without a release, [`Reason::ComponentUnknown`] where none names the component,
    /// [`Reason::ManifestAmbiguous`] where two releases give it different forms or bases,
    /// [`Reason::ImageRangeLimit`] for more ranges than are measured at once.
    pub fn plan(&self, component: Option<&Name>, limits: &Limits) -> Result<Plan, Finding> {
        let place = component.map_or_else(|| "image".to_owned(), |name| format!("image of {name}"));
        let mut plan: Option<Plan> = None;
        let mut releases = 0_usize;
        for manifest in &self.manifests {
            let Manifest::Release(_, release) = manifest else { continue };
            releases += 1;
            let Some(found) = component_of(release, component) else { continue };
            let wanted = found.plan();
            match &mut plan {
                None => plan = Some(wanted),
                Some(known) if known.form == wanted.form && known.base == wanted.base => {
                    known.ranges.extend(wanted.ranges);
                    known.fields.extend(wanted.fields);
                    known.allowed_record_types.retain(|kind| wanted.allowed_record_types.contains(kind));
                }
                Some(_) => {
                    let expected = "one form and base in all releases presented";
                    return Err(Finding::new(Reason::ManifestAmbiguous, place, expected, "two"));
                }
            }
        }
        let Some(mut plan) = plan else {
            return Err(if releases == 0 {
                Finding::new(Reason::ReleaseAbsent, place, "a release manifest that says what to measure", "none")
            } else {
                Finding::new(Reason::ComponentUnknown, place, "a component that the release names", "another")
            });
        };
        plan.ranges.sort();
        plan.ranges.dedup();
        plan.fields.sort();
        plan.fields.dedup();
        let asked = plan.ranges.len() + plan.fields.len();
        if asked > limits.image_ranges {
            let expected = format!("at most {} ranges and fields", limits.image_ranges);
            return Err(Finding::new(Reason::ImageRangeLimit, place, expected, asked.to_string()));
        }
        Ok(plan)
    }

    /// Measures one image by that plan, reading it once. What keeps it from being measured is kept in its place.
    pub fn measure(&self, component: Option<Name>, image: &mut dyn Read, limits: &Limits) -> Readout {
        let measured = self
            .plan(component.as_ref(), limits)
            .and_then(|plan| measure(image, &plan, limits).map_err(|fault| fault.into()));
        let result = match measured {
            Ok(measurement) => Measured::Done(Box::new(measurement)),
            Err(finding) => Measured::Failed(finding),
        };
        Readout { component, result }
    }

    /// Every key under which this unit may be remembered, taken from claims: a superset of its keys, for the snapshot
    /// of the memory.
    #[must_use]
    pub fn candidate_keys(&self, readouts: &[Readout]) -> Vec<UnitKey> {
        let Presented::Parsed(boxed) = &self.label else { return Vec::new() };
        let agreed = match &self.housing_label {
            Presented::Parsed(housing) => label::agree(boxed, housing).ok(),
            _ => None,
        };
        let unit = agreed.as_ref().unwrap_or(boxed);
        let releases: Vec<&Release> = self.releases().collect();
        let entries: Vec<(&Shipment, &Unit)> = self
            .shipments()
            .flat_map(|shipment| shipment.with_serial(&unit.serial).map(move |entry| (shipment, entry)))
            .collect();
        // An entry that turns out to be nobody's word leaves the unit with the keys that the release gives.
        let mut keys: BTreeSet<UnitKey> = unit_keys(unit, &releases, &entries, readouts).into_iter().collect();
        keys.extend(unit_keys(unit, &releases, &[], readouts));
        keys.into_iter().collect()
    }

    /// The releases that were presented: claims.
    pub fn releases(&self) -> impl Iterator<Item = &Release> {
        self.manifests.iter().filter_map(|manifest| match manifest {
            Manifest::Release(_, release) => Some(release.as_ref()),
            _ => None,
        })
    }

    /// The shipments that were presented: claims.
    pub fn shipments(&self) -> impl Iterator<Item = &Shipment> {
        self.manifests.iter().filter_map(|manifest| match manifest {
            Manifest::Shipment(_, shipment) => Some(shipment.as_ref()),
            _ => None,
        })
    }
}

/// The component of a release that a readout is of: the named one, or the only one.
#[must_use]
pub fn component_of<'a>(release: &'a Release, name: Option<&Name>) -> Option<&'a Component> {
    match (name, release.components.as_slice()) {
        (Some(name), components) => components.iter().find(|component| component.name == *name),
        (None, [only]) => Some(only),
        (None, _) => None,
    }
}

/// The keys under which a unit is remembered, from documents that the caller vouches for (verified ones for the
/// verdict, claimed ones for the look into the memory).
#[must_use]
pub(crate) fn unit_keys(
    unit: &LabelledUnit,
    releases: &[&Release],
    entries: &[(&Shipment, &Unit)],
    readouts: &[Readout],
) -> Vec<UnitKey> {
    let mut keys = BTreeSet::new();
    keys.insert(UnitKey::serial(&unit.serial));
    for (shipment, entry) in entries {
        keys.insert(UnitKey::unit(&shipment.manufacturer, &entry.part, &entry.serial));
        if let Some(id) = &entry.hardware_id {
            keys.insert(UnitKey::chip_id(&shipment.manufacturer, id));
        }
        if let Some(digest) = &entry.device_key {
            keys.insert(UnitKey::digest(KeyKind::DeviceKey, digest));
        }
        if let Some(digest) = &entry.device_certificate {
            keys.insert(UnitKey::digest(KeyKind::DeviceCertificate, digest));
        }
    }
    for release in releases {
        if entries.is_empty() {
            for part in release.parts.iter().filter(|part| states(unit, part, release)) {
                keys.insert(UnitKey::unit(&release.manufacturer, part, &unit.serial));
            }
        }
        for readout in readouts {
            if let (Measured::Done(measured), Some(component)) =
                (&readout.result, component_of(release, readout.component.as_ref()))
            {
                image_keys(&release.manufacturer, component, measured, &mut keys);
            }
        }
    }
    keys.into_iter().collect()
}

/// Whether the label states `part`, or an alias while the release has only this part.
fn states(unit: &LabelledUnit, part: &Part, release: &Release) -> bool {
    unit.parts.contains(part)
        || (release.parts.len() == 1 && unit.parts.iter().any(|stated| release.aliases.contains(stated)))
}

/// Keys that stand in the image itself: unit-unique areas and the chip id.
fn image_keys(maker: &Manufacturer, component: &Component, measured: &Measurement, keys: &mut BTreeSet<UnitKey>) {
    for area in &component.unique_areas {
        let digest = measured
            .ranges
            .iter()
            .find(|range| range.span.start == area.start && range.span.end == area.end && range.fill.is_none())
            .and_then(|range| range.sha256);
        if let Some(digest) = digest {
            let value = format!("{maker}\u{1f}{}\u{1f}{digest}", area.name);
            keys.insert(UnitKey { kind: KeyKind::UniqueArea, value });
        }
    }
    for field in component.identity_fields.iter().filter(|field| field.holds == Held::HardwareId) {
        let id = measured
            .fields
            .iter()
            .find(|read| read.span.start == field.start && read.span.end == field.start.saturating_add(field.length))
            .and_then(|read| read.bytes.as_deref())
            .and_then(|bytes| field.encoding.read(bytes))
            .and_then(|text| Hardware::new(text).ok());
        if let Some(id) = id {
            keys.insert(UnitKey::chip_id(maker, &id));
        }
    }
    // Without an identity field or a unique area every genuine unit has the same readout.
    if !component.identity_fields.is_empty() || !component.unique_areas.is_empty() {
        keys.insert(UnitKey { kind: KeyKind::Readout, value: format!("{maker}\u{1f}{}", measured.file_sha256) });
    }
}
