//! A ledger to test on: keys, receipts, and the acts of a gate in miniature.

use crate::ledger::{
    Append, AppendFault, Blob, FileMark, Ledger, LedgerFault, Mark, PartRef, Place, Record, Recorded, StandbyKeys,
    TrustedKeys, Versions,
};
use ecugate_verifier::documents::document::{self, Document};
use ecugate_verifier::documents::envelope::{Envelope, seal};
use ecugate_verifier::documents::founding::{Genesis, MemoryComplete, Officer, Standby};
use ecugate_verifier::documents::manifest::assurance::{Firmware, Identity, Minimum};
use ecugate_verifier::documents::manifest::shipment::Condition;
use ecugate_verifier::documents::question::Question;
use ecugate_verifier::documents::receipt::{AnswerWord, Assurance, CheckLine, Receipt, Ruling, UnitName};
use ecugate_verifier::documents::record::{Contested, CrlSeen, ReleaseSeen, State};
use ecugate_verifier::inputs::custody::{Sighting, Standing, standing};
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
    Ed25519(Box<ed25519_dalek::SigningKey>),
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
        Self { kind: KeyPair::Ed25519(Box::new(secret)), public, broken: false }
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
    pub(super) folder: std::sync::Arc<tempfile::TempDir>,
    pub(super) log: Key,
    pub(super) station: Key,
    pub(super) officers: [Key; 2],
    /// The log key and the station key on a second token, if there is one.
    pub(super) standby: Option<[Key; 2]>,
}

impl Bench {
    pub(super) fn new() -> Self {
        Self {
            folder: std::sync::Arc::new(tempfile::tempdir().unwrap()),
            log: Key::ed25519(1),
            station: Key::p256(2),
            officers: [Key::p256(3), Key::ed25519(4)],
            standby: None,
        }
    }

    /// With the ledger of another bench.
    pub(super) fn in_folder_of(self, other: &Self) -> Self {
        Self { folder: std::sync::Arc::clone(&other.folder), ..self }
    }

    /// Where the mark is.
    pub(super) fn mark(&self) -> PathBuf {
        self.folder.path().join("mark")
    }

    pub(super) fn marks(&self) -> Vec<Box<dyn Mark>> {
        vec![Box::new(FileMark::at(self.mark()))]
    }

    /// Opens the file alone, as an auditor does to whom it was given.
    pub(super) fn look(&self) -> Result<Ledger, LedgerFault> {
        Ledger::open(&self.path(), self.trusted(), Vec::new())
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
            standby: self
                .standby
                .as_ref()
                .map(|[log, station]| StandbyKeys { log: log.public.clone(), stations: vec![station.public.clone()] }),
            officers: officers.into_iter().zip(self.officers.iter().map(|key| key.public.clone())).collect(),
            officers_needed: 2,
        }
    }

    /// A new ledger with its genesis and its memory declared complete.
    pub(super) fn create(&self) -> Ledger {
        self.create_at(&self.path()).unwrap().0
    }

    pub(super) fn create_at(&self, path: &Path) -> Result<(Ledger, Recorded), AppendFault> {
        Ledger::create(path, self.trusted(), self.marks(), |place| Ok(self.first_entries(place)), &self.log)
    }

    pub(super) fn open(&self) -> Ledger {
        self.opened().unwrap()
    }

    pub(super) fn opened(&self) -> Result<Ledger, LedgerFault> {
        Ledger::open(&self.path(), self.trusted(), self.marks())
    }

    fn first_entries(&self, place: &Place<'_>) -> Vec<Envelope> {
        let officers = ["anna", "boris"].map(|name| Name::new(name).unwrap());
        let officers = officers.into_iter().zip(self.officers.iter().map(|key| key.public.id()));
        let genesis = Genesis {
            record: record(place.seq),
            site: Name::new("dock").unwrap(),
            environment: Environment::Trial,
            log_key: VerifierKey::new(ORIGIN, self.log.public.clone()).unwrap().to_string(),
            station_keys: vec![self.station.public.id()],
            standby: self.standby.as_ref().map(|[log, station]| Standby {
                log_key: VerifierKey::new(ORIGIN, log.public.clone()).unwrap().to_string(),
                station_keys: vec![station.public.id()],
            }),
            officers: officers.map(|(person, key)| Officer { person, key }).collect(),
            threshold: 2,
        };
        vec![self.sealed(genesis, &[]), self.complete(place.seq + 1, &[&self.officers[0], &self.officers[1]])]
    }

    /// A *memory-complete* signed by the station and by these.
    pub(super) fn complete(&self, seq: u64, others: &[&Key]) -> Envelope {
        self.sealed(self.complete_at(record(seq)), others)
    }

    pub(super) fn complete_at(&self, record: Record) -> MemoryComplete {
        MemoryComplete { record, site: Name::new("dock").unwrap(), ground: "a bench".to_owned() }
    }

    /// What appending this unit takes beside its envelopes.
    pub(super) fn append_of(unit: &Unit, memory_size: u64) -> Append {
        Append { keys: unit.keys(), memory_size, blobs: unit.blobs() }
    }

    /// An envelope signed by the station, then by the others.
    pub(super) fn sealed<D: Document>(&self, document: D, others: &[&Key]) -> Envelope {
        self.seal(document::payload(document, &Limits::STANDARD).unwrap(), others)
    }

    pub(super) fn seal(&self, payload: Vec<u8>, others: &[&Key]) -> Envelope {
        let signers: Vec<(&Key, &[Vec<u8>])> =
            std::iter::once(&self.station).chain(others.iter().copied()).map(|key| (key, [].as_slice())).collect();
        seal(payload, &signers).unwrap()
    }

    /// The receipt placed at `seq`, and a *contested* for each unit that it contests.
    pub(super) fn placed(&self, receipt: &Receipt, seq: u64) -> Vec<Envelope> {
        let record = Record { seq, ..receipt.record.clone() };
        let mut envelopes = vec![self.sealed(Receipt { record, ..receipt.clone() }, &[])];
        for (unit, place) in receipt.contests.iter().zip(seq + 1..) {
            envelopes.push(self.sealed(self.contested(receipt, *unit, place), &[]));
        }
        envelopes
    }

    pub(super) fn contested(&self, receipt: &Receipt, unit: u64, seq: u64) -> Contested {
        let record = Record {
            attempt: receipt.record.attempt.clone(),
            evidence: receipt.record.evidence,
            state: Some(State::Contested),
            unit: Some(unit),
            ..record(seq)
        };
        Contested { record, site: Name::new("dock").unwrap(), by: seq - 1 }
    }

    /// Records an arrival as a gate would: memory, appraisal, append.
    pub(super) fn receive(&self, ledger: &mut Ledger, unit: &Unit) -> Result<(Ruling, Recorded), AppendFault> {
        let memory = ledger.memory(&unit.keys())?;
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
        ledger.append(&append, |place| Ok(self.placed(receipt, place.seq)), &self.log)
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
            blob("application/vnd.ecugate.dossier+json", self.index()),
            blob("application/octet-stream", self.label()),
            blob("application/vnd.dsse+json", b"{}".to_vec()),
        ]
    }

    /// The receipt of a unit about which nothing is wrong but, perhaps, that its identity was seen before.
    pub(super) fn judged(&self, sightings: &[Sighting]) -> Receipt {
        let evidence = Sha256::of(&self.label());
        match standing(sightings, &self.attempt(), &evidence, &self.keys()) {
            Standing::New => self.accepted(),
            Standing::Refused { findings, contests } => Receipt { contests, ..self.ruled(Ruling::Suspect, findings) },
            other => panic!("{other:?}"),
        }
    }

    pub(super) fn ruled(&self, ruling: Ruling, findings: Vec<Finding>) -> Receipt {
        let state = match ruling {
            Ruling::Accept => State::Accepted,
            Ruling::Suspect => State::Suspect,
            Ruling::Unproven => State::Unproven,
            _ => State::Held,
        };
        let accepted = self.accepted();
        Receipt { ruling, findings, record: Record { state: Some(state), ..accepted.record.clone() }, ..accepted }
    }

    pub(super) fn accepted(&self) -> Receipt {
        let least = Minimum { identity: Identity::Listed, firmware: Firmware::Measured };
        let parts = self.blobs().into_iter();
        let parts = parts.map(|blob| PartRef { sha256: Sha256::of(&blob.bytes), media_type: blob.media_type });
        Receipt {
            record: Record {
                time: time(i64::from(self.attempt)),
                attempt: Some(self.attempt()),
                evidence: Some(Sha256::of(&self.label())),
                state: Some(State::Accepted),
                keys: self.keys(),
                parts: parts.collect(),
                versions: Some(self.versions()),
                ..record(2)
            },
            environment: Environment::Trial,
            site: Name::new("dock").unwrap(),
            unit: UnitName::default(),
            condition: Condition::New,
            operator: None,
            order: None,
            ruling: Ruling::Accept,
            findings: Vec::new(),
            assurance: Assurance { identity: least.identity, firmware: least.firmware, minimum: least },
            checks: Question::ALL.map(passed).to_vec(),
            waived: Vec::new(),
            supersedes: Vec::new(),
            contests: Vec::new(),
            anchor_list: None,
            policy: None,
            dossier: Sha256::of(&self.index()),
        }
    }

    pub(super) fn versions(&self) -> Versions {
        Versions {
            anchor_list: Some(7),
            policy: Some(3),
            crls: vec![CrlSeen { issuer_key: Sha256::of(b"issuer"), this_update: time(0) }],
            releases: vec![ReleaseSeen {
                manufacturer: Manufacturer::new("acme").unwrap(),
                part: Part::new("0281020048").unwrap(),
                component: Name::new("main").unwrap(),
                security_version: u64::from(self.attempt),
            }],
        }
    }
}

fn passed(check: Question) -> CheckLine {
    CheckLine { check, answer: AnswerWord::Pass, found: "yes".to_owned(), findings: Vec::new() }
}

pub(super) fn record(seq: u64) -> Record {
    Record::new(ORIGIN, seq, time(0))
}

pub(super) fn time(second: i64) -> Time {
    Time::from_unix_seconds(1_795_498_278 + second).unwrap()
}
