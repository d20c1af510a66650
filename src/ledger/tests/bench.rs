//! A ledger to test on: keys, receipts, and the acts of a gate in miniature.

use crate::ledger::{Act, Append, AppendFault, Blob, EntryKind, GenesisKeys, Ledger, Place, Recorded, TrustedKeys};
use ecugate_verifier::documents::document;
use ecugate_verifier::documents::envelope::{Envelope, seal};
use ecugate_verifier::documents::manifest::assurance::{Firmware, Identity, Minimum};
use ecugate_verifier::documents::manifest::shipment::Condition;
use ecugate_verifier::documents::receipt::{Assurance, CrlSeen, Receipt, ReleaseSeen, Ruling, UnitName, Version};
use ecugate_verifier::inputs::custody::{Standing, standing};
use ecugate_verifier::syntax::note::{Origin, VerifierKey};
use ecugate_verifier::values::attempt::{Attempt, Environment, Nonce};
use ecugate_verifier::values::digest::Sha256;
use ecugate_verifier::values::finding::Finding;
use ecugate_verifier::values::ident::{KeyKind, Manufacturer, Name, Part, Serial, UnitKey};
use ecugate_verifier::values::keys::{PublicKey, Signer};
use ecugate_verifier::values::limits::Limits;
use ecugate_verifier::values::reason::Reason;
use ecugate_verifier::values::time::Time;
use std::path::{Path, PathBuf};

pub(super) const ORIGIN: &str = "trial.dock.example";

/// A key in memory. `broken` fails, as a token does that is pulled out.
pub(super) struct Key {
    kind: KeyPair,
    public: PublicKey,
    pub(super) broken: bool,
}

enum KeyPair {
    P256(Box<p256::ecdsa::SigningKey>),
    Ed25519(ed25519_dalek::SigningKey),
}

impl Key {
    pub(super) fn p256(seed: u8) -> Self {
        use p256::pkcs8::EncodePublicKey as _;
        let secret = p256::ecdsa::SigningKey::from_slice(&[seed; 32]).unwrap();
        let spki = secret.verifying_key().to_public_key_der().unwrap();
        let public = PublicKey::from_spki(spki.as_bytes()).unwrap();
        Self { kind: KeyPair::P256(Box::new(secret)), public, broken: false }
    }

    pub(super) fn ed25519(seed: u8) -> Self {
        use ed25519_dalek::pkcs8::EncodePublicKey as _;
        let secret = ed25519_dalek::SigningKey::from_bytes(&[seed; 32]);
        let spki = secret.verifying_key().to_public_key_der().unwrap();
        let public = PublicKey::from_spki(spki.as_bytes()).unwrap();
        Self { kind: KeyPair::Ed25519(secret), public, broken: false }
    }
}

impl Signer for Key {
    type Error = Finding;

    fn public_key(&self) -> &PublicKey {
        &self.public
    }

    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, Finding> {
        if self.broken {
            return Err(Finding::bare(Reason::TokenAbsent));
        }
        Ok(match &self.kind {
            KeyPair::P256(key) => {
                use p256::ecdsa::signature::Signer as _;
                let signature: p256::ecdsa::Signature = key.sign(message);
                signature.to_der().as_bytes().to_vec()
            }
            KeyPair::Ed25519(key) => {
                use ed25519_dalek::Signer as _;
                key.sign(message).to_bytes().to_vec()
            }
        })
    }
}

/// A folder with a ledger, and the keys of its site.
pub(super) struct Bench {
    pub(super) folder: tempfile::TempDir,
    pub(super) log: Key,
    pub(super) station: Key,
    pub(super) officers: [Key; 2],
}

impl Bench {
    pub(super) fn new() -> Self {
        Self {
            folder: tempfile::tempdir().unwrap(),
            log: Key::ed25519(1),
            station: Key::p256(2),
            officers: [Key::p256(3), Key::ed25519(4)],
        }
    }

    pub(super) fn path(&self) -> PathBuf {
        self.folder.path().join("ledger.db")
    }

    pub(super) fn trusted(&self) -> TrustedKeys {
        let officers = ["anna", "boris"].map(|name| Name::new(name).unwrap());
        TrustedKeys {
            origin: Origin::new(ORIGIN).unwrap(),
            log: self.log.public.clone(),
            stations: vec![self.station.public.clone()],
            officers: officers.into_iter().zip(self.officers.iter().map(|key| key.public.clone())).collect(),
            officers_needed: 2,
        }
    }

    /// A new ledger with its genesis and its memory declared complete.
    pub(super) fn create(&self) -> Ledger {
        self.create_at(&self.path()).unwrap().0
    }

    pub(super) fn create_at(&self, path: &Path) -> Result<(Ledger, Recorded), AppendFault> {
        Ledger::create(path, self.trusted(), |place| Ok(self.first_entries(place)), &self.log)
    }

    pub(super) fn open(&self) -> Ledger {
        Ledger::open(&self.path(), self.trusted()).unwrap()
    }

    fn first_entries(&self, place: &Place<'_>) -> Vec<Envelope> {
        let genesis = Act { keys: Some(self.genesis_keys()), ..self.act(place, 0) };
        let complete = self.act(place, 1);
        vec![
            self.sealed(genesis.payload(EntryKind::Genesis).unwrap(), &[]),
            self.sealed(complete.payload(EntryKind::MemoryComplete).unwrap(), &[&self.officers[0], &self.officers[1]]),
        ]
    }

    pub(super) fn genesis_keys(&self) -> GenesisKeys {
        let log = VerifierKey::new(ORIGIN, self.log.public.clone()).unwrap().to_string();
        GenesisKeys { log, stations: vec![self.station.public.id()], standby: Vec::new() }
    }

    pub(super) fn act(&self, place: &Place<'_>, further: u64) -> Act {
        Act::new(place.origin.as_str(), place.seq + further, time(0))
    }

    /// An envelope signed by the station, then by the others.
    pub(super) fn sealed(&self, payload: Vec<u8>, others: &[&Key]) -> Envelope {
        let signers: Vec<(&Key, &[Vec<u8>])> =
            std::iter::once(&self.station).chain(others.iter().copied()).map(|key| (key, [].as_slice())).collect();
        seal(payload, &signers).unwrap()
    }

    pub(super) fn receipt(&self, receipt: &Receipt) -> Envelope {
        self.sealed(document::payload(receipt.clone(), &Limits::STANDARD).unwrap(), &[])
    }

    /// Records an arrival as a gate would: memory, appraisal, append.
    pub(super) fn receive(&self, ledger: &mut Ledger, unit: &Unit) -> Result<(Ruling, Recorded), AppendFault> {
        let memory = ledger.memory(&unit.keys()).unwrap();
        let receipt = unit.judged(&memory.sightings);
        let recorded = self.record(ledger, unit, &receipt, memory.size)?;
        Ok((receipt.ruling, recorded))
    }

    pub(super) fn record(
        &self,
        ledger: &mut Ledger,
        unit: &Unit,
        receipt: &Receipt,
        memory_size: u64,
    ) -> Result<Recorded, AppendFault> {
        let append = Append { keys: unit.keys(), memory_size, blobs: unit.blobs() };
        ledger.append(&append, |_| Ok(vec![self.receipt(receipt)]), &self.log)
    }
}

/// One box.
#[derive(Clone)]
pub(super) struct Unit {
    pub(super) serial: &'static str,
    /// Says which attempt this is.
    pub(super) attempt: u8,
}

impl Unit {
    pub(super) fn keys(&self) -> Vec<UnitKey> {
        let serial = Serial::new(self.serial).unwrap();
        let maker = Manufacturer::new("acme").unwrap();
        vec![
            UnitKey::unit(&maker, &Part::new("0281020048").unwrap(), &serial),
            UnitKey::serial(&serial),
            UnitKey::digest(KeyKind::ChipId, &Sha256::of(&[b"chip of ", self.serial.as_bytes()].concat())),
        ]
    }

    pub(super) fn attempt(&self) -> Attempt {
        Attempt { station: Name::new("dock-1").unwrap(), nonce: Nonce::from_bytes([self.attempt; 16]) }
    }

    fn label(&self) -> Vec<u8> {
        format!("S{}", self.serial).into_bytes()
    }

    fn index(&self) -> Vec<u8> {
        let (label, manifest) = (Sha256::of(&self.label()), Sha256::of(b"{}"));
        format!(r#"{{"attempt":"{}","label":"{label}","manifests":["{manifest}"]}}"#, self.attempt).into_bytes()
    }

    pub(super) fn blobs(&self) -> Vec<Blob> {
        let blob = |media_type: &str, bytes| Blob { media_type: media_type.to_owned(), bytes };
        vec![
            blob(crate::ledger::DOSSIER_MEDIA_TYPE, self.index()),
            blob("application/octet-stream", self.label()),
            blob("application/vnd.dsse+json", b"{}".to_vec()),
        ]
    }

    /// The receipt of a unit about which nothing is wrong but, perhaps, that its identity was seen before.
    pub(super) fn judged(&self, sightings: &[ecugate_verifier::inputs::custody::Sighting]) -> Receipt {
        let evidence = Sha256::of(&self.label());
        match standing(sightings, &self.attempt(), &evidence, &self.keys()) {
            Standing::New => self.accepted(),
            Standing::Refused { findings, contests } => {
                Receipt { ruling: Ruling::Suspect, findings, contests, ..self.accepted() }
            }
            other => panic!("{other:?}"),
        }
    }

    pub(super) fn accepted(&self) -> Receipt {
        let least = Minimum { identity: Identity::Listed, firmware: Firmware::Measured };
        let (manufacturer, part) = (Manufacturer::new("acme").unwrap(), Part::new("0281020048").unwrap());
        Receipt {
            environment: Environment::Trial,
            site: Name::new("dock").unwrap(),
            attempt: self.attempt(),
            at: time(i64::from(self.attempt)),
            unit: UnitName::default(),
            condition: Condition::New,
            operator: None,
            order: None,
            ruling: Ruling::Accept,
            findings: Vec::new(),
            assurance: Assurance { identity: least.identity, firmware: least.firmware, minimum: least },
            checks: Vec::new(),
            waived: Vec::new(),
            supersedes: Vec::new(),
            contests: Vec::new(),
            keys: self.keys(),
            anchor_list: Some(Version { version: 7, sha256: Sha256::of(b"list") }),
            policy: Some(Version { version: 3, sha256: Sha256::of(b"policy") }),
            crls: vec![CrlSeen { issuer_key: Sha256::of(b"issuer"), this_update: time(0) }],
            releases: vec![ReleaseSeen {
                manufacturer,
                part,
                component: Name::new("main").unwrap(),
                security_version: u64::from(self.attempt),
            }],
            evidence: Sha256::of(&self.label()),
            dossier: Sha256::of(&self.index()),
        }
    }
}

pub(super) fn time(second: i64) -> Time {
    Time::from_unix_seconds(1_795_498_278 + second).unwrap()
}
