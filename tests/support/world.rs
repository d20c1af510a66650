//! One manufacturer, one site, one unit: a dossier that is accepted, and every fault by one change.
//!
//! Included with `#[path]` beside `pki.rs`; not every includer uses everything.
#![allow(dead_code, unreachable_pub, missing_docs)]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use super::pki::{AT, DAY, List, Party, Spec};
use ecugate_verifier::documents::anchor_list::{AnchorList, Listing, Role, Serials};
use ecugate_verifier::documents::document::{self, Document};
use ecugate_verifier::documents::envelope::{Envelope, seal};
use ecugate_verifier::documents::manifest::Validity;
use ecugate_verifier::documents::manifest::assurance::{Firmware, Identity, Minimum};
use ecugate_verifier::documents::manifest::release::{
    Component, Encoding, FileDigest, Held, IdentityField, Range, Release, Track, UniqueArea,
};
use ecugate_verifier::documents::manifest::shipment::{Condition, Shipment, Unit};
use ecugate_verifier::documents::policy_text::PolicyText;
use ecugate_verifier::documents::receipt::Receipt;
use ecugate_verifier::inputs::custody::{Attempt, Nonce, Sighting, State};
use ecugate_verifier::inputs::dossier::{Dossier, Environment, Inputs};
use ecugate_verifier::inputs::evidence::{Presentation, Readout};
use ecugate_verifier::inputs::memory::{Known, Memory};
use ecugate_verifier::inputs::trust::anchors::TokenCertificates;
use ecugate_verifier::inputs::trust::authority::Authority;
use ecugate_verifier::judgement::appraisal::{Appraisal, appraise};
use ecugate_verifier::judgement::judged;
use ecugate_verifier::judgement::verdict::{Ruling, Verdict};
use ecugate_verifier::syntax::certificate::Certificate;
use ecugate_verifier::syntax::image::Form;
use ecugate_verifier::syntax::label::Rules;
use ecugate_verifier::values::digest::Sha256;
use ecugate_verifier::values::ident::{Hardware, Manufacturer, Name, Part, PartScope, Serial, UnitKey, purpose};
use ecugate_verifier::values::keys::{PublicKey, Signer};
use ecugate_verifier::values::limits::Limits;
use ecugate_verifier::values::reason::Reason;
use ecugate_verifier::values::time::Time;
use std::convert::Infallible;

pub const LIMITS: &Limits = &Limits::STANDARD;
pub const SERIAL: &str = "ALCLB4923FA8";
pub const PART: &str = "3TN01414BA";
/// The chip id of the unit in [`World::bound`].
pub const CHIP: &str = "0123456789ABCDEF";

/// A party's key as a signer of documents.
pub struct PartySigner {
    party: Party,
    key: PublicKey,
}

impl PartySigner {
    pub fn new(party: &Party) -> Self {
        let key = Certificate::from_der(&party.der, LIMITS).unwrap().public_key().unwrap();
        Self { party: party.clone(), key }
    }
}

impl Signer for PartySigner {
    type Error = Infallible;

    fn public_key(&self) -> &PublicKey {
        &self.key
    }

    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, Infallible> {
        Ok(self.party.sign(message))
    }
}

pub fn arcs(oid: &str) -> Vec<u64> {
    oid.split('.').map(|arc| arc.parse().unwrap()).collect()
}

pub fn name(text: &str) -> Name {
    Name::new(text).unwrap()
}

pub fn part(text: &str) -> Part {
    Part::new(text).unwrap()
}

pub fn time(seconds: u64) -> Time {
    Time::from_unix_seconds(i64::try_from(seconds).unwrap()).unwrap()
}

/// Signs a document as `signers`, each with its chain. Does not ask whether the document is sound.
pub fn signed<D: Document>(document: D, signers: &[(&Party, &[&Party])]) -> Vec<u8> {
    signed_payload(document::payload(document, LIMITS).unwrap(), signers)
}

/// Signs any payload.
pub fn signed_payload(payload: Vec<u8>, signers: &[(&Party, &[&Party])]) -> Vec<u8> {
    let signers: Vec<_> = signers
        .iter()
        .map(|(party, chain)| (PartySigner::new(party), chain.iter().map(|link| link.der.clone()).collect::<Vec<_>>()))
        .collect();
    let signers: Vec<(&PartySigner, &[Vec<u8>])> =
        signers.iter().map(|(signer, chain)| (signer, chain.as_slice())).collect();
    let envelope: Envelope = seal(payload, &signers).unwrap();
    envelope.bytes().to_vec()
}

/// Everything of which a dossier is made. Change a field, then [`World::judge`].
#[derive(Clone)]
pub struct World {
    pub root: Party,
    pub issuing: Party,
    pub release_signer: Party,
    pub shipment_signer: Party,
    pub officers: Vec<Party>,
    pub threshold: usize,
    pub list: AnchorList,
    pub policy: PolicyText,
    pub release: Release,
    pub shipment: Shipment,
    pub image: Vec<u8>,
    /// Named images, in place of `image`, for a release of several components.
    pub images: Vec<(Name, Vec<u8>)>,
    pub label: Vec<u8>,
    pub untrusted: Vec<Vec<u8>>,
    pub crls: Vec<Vec<u8>>,
    pub token: TokenCertificates,
    pub memory: Known,
    pub now: Time,
    pub condition: Condition,
    pub attempt: Attempt,
}

impl World {
    pub fn new() -> Self {
        let root = Party::root(Spec::ca("Maker Root"));
        let issuing = root.issue(Spec::ca("Maker Issuing CA").with(|spec| spec.serial = 2));
        let signer = |who: &str, serial: u64, oid: &str| {
            issuing.issue(Spec::leaf(who).with(|spec| {
                spec.serial = serial;
                spec.purposes = vec![arcs(oid)];
            }))
        };
        let release_signer = signer("Release Signer", 100, purpose::RELEASE);
        let shipment_signer = signer("Shipment Signer", 101, purpose::SHIPMENT);
        let officers = vec![Party::root(Spec::ca("Officer 1")), Party::root(Spec::ca("Officer 2"))];
        let image: Vec<u8> = (0..4096_u32).map(|n| (n % 251) as u8).collect();
        Self {
            list: anchor_list(&root),
            policy: policy(),
            release: release(&image),
            shipment: shipment(),
            label: label(PART, SERIAL),
            untrusted: Vec::new(),
            crls: vec![root.crl(&List::default()), issuing.crl(&List::default())],
            token: TokenCertificates::Read(vec![root.der.clone()]),
            memory: Known::empty(),
            now: time(AT),
            condition: Condition::New,
            attempt: attempt(1),
            threshold: 2,
            root,
            issuing,
            release_signer,
            shipment_signer,
            officers,
            image,
            images: Vec::new(),
        }
    }

    /// A unit whose image names it, by serial and chip id, and holds an area of its own.
    pub fn bound() -> Self {
        Self::new().with(|world| {
            world.image[0x800..0x840].fill(0xff);
            world.image[0x800..0x80c].copy_from_slice(SERIAL.as_bytes());
            world.image[0x820..0x828].copy_from_slice(&[0x01, 0x23, 0x45, 0x67, 0x89, 0xab, 0xcd, 0xef]);
            world.shipment.units[0].hardware_id = Some(Hardware::new(CHIP).unwrap());
            let component = &mut world.release.components[0];
            component.file = None;
            component.identity_fields = vec![
                IdentityField { holds: Held::Serial, start: 0x1800, length: 16, encoding: Encoding::AsciiPadded },
                IdentityField { holds: Held::HardwareId, start: 0x1820, length: 8, encoding: Encoding::HexUpper },
            ];
            component.unique_areas = vec![UniqueArea { name: name("calibration"), start: 0x1840, end: 0x1880 }];
        })
    }

    pub fn release_envelope(&self) -> Vec<u8> {
        signed(self.release.clone(), &[(&self.release_signer, &[&self.release_signer, &self.issuing])])
    }

    pub fn shipment_envelope(&self) -> Vec<u8> {
        signed(self.shipment.clone(), &[(&self.shipment_signer, &[&self.shipment_signer, &self.issuing])])
    }

    pub fn list_envelope(&self) -> Vec<u8> {
        signed(self.list.clone(), &self.officers.iter().map(|officer| (officer, [].as_slice())).collect::<Vec<_>>())
    }

    pub fn policy_envelope(&self) -> Vec<u8> {
        signed(self.policy.clone(), &self.officers.iter().map(|officer| (officer, [].as_slice())).collect::<Vec<_>>())
    }

    pub fn authority(&self) -> Authority {
        let holders =
            self.officers.iter().map(|officer| (name(&officer.spec.name), PartySigner::new(officer).key)).collect();
        Authority::new(holders, self.threshold, 0, 0, LIMITS).unwrap()
    }

    pub fn presentation(&self) -> Presentation {
        let mut presentation = Presentation {
            label: Some(self.label.clone()),
            housing_label: None,
            manifests: vec![self.release_envelope(), self.shipment_envelope()],
            untrusted: self.untrusted.clone(),
            crls: self.crls.clone(),
            readouts: Vec::new(),
            device_proof: None,
            condition: self.condition,
            operator: Some(name("op-7")),
            order: None,
        };
        presentation.readouts = self.readouts(&presentation);
        presentation
    }

    /// Measures the images as the gate does: by the plan of the presented, unverified releases.
    pub fn readouts(&self, presentation: &Presentation) -> Vec<Readout> {
        let evidence = presentation.read(&Rules::default(), LIMITS);
        let read = |component: Option<&Name>, image: &[u8]| evidence.measure(component.cloned(), &mut &*image, LIMITS);
        if self.images.is_empty() {
            return vec![read(None, &self.image)];
        }
        self.images.iter().map(|(component, image)| read(Some(component), image)).collect()
    }

    pub fn inputs(&self) -> Inputs {
        Inputs {
            attempt: self.attempt.clone(),
            now: self.now,
            environment: Environment::Trial,
            site: name("dock.example"),
            authority: self.authority(),
            token: self.token.clone(),
            anchor_list: Some(self.list_envelope()),
            policy: Some(self.policy_envelope()),
            presentation: self.presentation(),
            memory: Memory::Known(Box::new(self.memory.clone())),
        }
    }

    pub fn judge(&self) -> Judged {
        judge(self.inputs())
    }

    /// The same world with one change.
    #[must_use]
    pub fn with(mut self, change: impl FnOnce(&mut Self)) -> Self {
        change(&mut self);
        self
    }
}

/// An appraisal and its verdict.
#[derive(Debug)]
pub struct Judged {
    pub dossier: Dossier,
    pub appraisal: Appraisal,
    pub verdict: Verdict,
}

pub fn judge(inputs: Inputs) -> Judged {
    let dossier = Dossier::assemble(inputs, LIMITS);
    let appraisal = appraise(&dossier);
    let verdict = Verdict::reach(&appraisal);
    Judged { dossier, appraisal, verdict }
}

impl Judged {
    pub fn ruling(&self) -> Ruling {
        self.verdict.ruling()
    }

    /// The reasons of the verdict, worst first, without the checks that merely could not run.
    pub fn reasons(&self) -> Vec<Reason> {
        let findings = self.verdict.findings().iter().map(|finding| finding.reason);
        findings.filter(|reason| *reason != Reason::CheckNotRun).collect()
    }

    /// The receipt of this verdict, for the seventh entry of a log.
    pub fn receipt(&self) -> Receipt {
        judged::Judged::of(self.dossier.clone()).receipt("trial.log.dock.example", 7)
    }

    /// Asserts an accept.
    #[track_caller]
    pub fn accepted(&self) -> &Self {
        assert_eq!((self.ruling(), self.verdict.findings()), (Ruling::Accept, [].as_slice()));
        self
    }

    /// Asserts the ruling and the first reason.
    #[track_caller]
    pub fn is(&self, ruling: Ruling, reason: Reason) {
        let findings = self.verdict.findings();
        assert_eq!((self.ruling(), self.verdict.reason()), (ruling, Some(reason)), "{findings:#?}");
    }
}

/// An ISO/IEC 15434 label.
pub fn label(part: &str, serial: &str) -> Vec<u8> {
    format!("[)>\u{1e}06\u{1d}1P{part}\u{1d}S{serial}\u{1e}\u{4}").into_bytes()
}

/// An envelope with its JSON changed and nothing signed again.
pub fn reworded(envelope: &[u8], change: impl FnOnce(&mut serde_json::Value)) -> Vec<u8> {
    let mut text = serde_json::from_slice(envelope).unwrap();
    change(&mut text);
    serde_json::to_vec(&text).unwrap()
}

/// An earlier entry of another attempt.
pub fn seen(state: State, keys: Vec<UnitKey>) -> Sighting {
    Sighting { seq: 7, state, attempt: attempt(99), evidence: Sha256::of(b"earlier"), keys }
}

pub fn attempt(n: u8) -> Attempt {
    Attempt { station: name("dock-1"), nonce: Nonce::from_bytes([n; 16]) }
}

pub fn validity() -> Validity {
    Validity { from: time(AT - 30 * DAY), until: time(AT + 300 * DAY) }
}

fn anchor_list(root: &Party) -> AnchorList {
    AnchorList {
        site: name("dock.example"),
        version: 1,
        issued: time(AT - 20 * DAY),
        expires: time(AT + 80 * DAY),
        previous: None,
        anchors: vec![listing(root, "maker")],
    }
}

pub fn listing(root: &Party, maker: &str) -> Listing {
    Listing {
        sha256: Sha256::of(&root.der),
        manufacturer: Manufacturer::new(maker).unwrap(),
        roles: vec![Role::Release, Role::Shipment],
        parts: vec![PartScope::All],
        serials: Serials::MayList,
        valid: validity(),
        crl_hours: 24 * 40,
    }
}

fn policy() -> PolicyText {
    PolicyText {
        site: name("dock.example"),
        version: 1,
        issued: time(AT - 20 * DAY),
        expires: time(AT + 80 * DAY),
        previous: None,
        minimum: Minimum { identity: Identity::Listed, firmware: Firmware::MeasuredUnbound },
        families: Vec::new(),
        labels: Rules::default(),
        waivers: Vec::new(),
    }
}

fn release(image: &[u8]) -> Release {
    Release {
        manufacturer: Manufacturer::new("maker").unwrap(),
        release: name("R-2026.2"),
        issued: time(AT - 10 * DAY),
        valid: validity(),
        track: Track::Production,
        parts: vec![part(PART)],
        aliases: Vec::new(),
        hardware: vec![Hardware::new("H10").unwrap()],
        minimum: Minimum { identity: Identity::Listed, firmware: Firmware::MeasuredUnbound },
        components: vec![Component {
            name: name("application"),
            version: name("2.4.1"),
            security_version: 7,
            form: Form::Raw,
            base: Some(0x1000),
            record_types: Vec::new(),
            file: Some(FileDigest { sha256: Sha256::of(image), length: image.len() as u64 }),
            ranges: vec![Range {
                name: name("code"),
                start: 0x1000,
                end: 0x1800,
                fill: None,
                sha256: Sha256::of(&image[..0x800]),
            }],
            identity_fields: Vec::new(),
            unique_areas: Vec::new(),
        }],
    }
}

fn shipment() -> Shipment {
    Shipment {
        manufacturer: Manufacturer::new("maker").unwrap(),
        shipment: name("S-1001"),
        consignee: name("dock.example"),
        issued: time(AT - 5 * DAY),
        valid: validity(),
        units: vec![unit(SERIAL), unit("ALCLB4923FA9")],
    }
}

pub fn unit(serial: &str) -> Unit {
    Unit {
        part: part(PART),
        serial: Serial::new(serial).unwrap(),
        hardware: Hardware::new("H10").unwrap(),
        hardware_id: None,
        device_certificate: None,
        device_key: None,
        release: name("R-2026.2"),
        condition: Condition::New,
    }
}
