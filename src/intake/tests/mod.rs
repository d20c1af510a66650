//! Intake against hostile files and a wrong index, with a shelf of documents in memory in the ledger's place.

mod files;

mod finding;

use super::{Documents, Intake, Paper, Recorder};
use crate::ledger::DocumentEntry;
use crate::surroundings::Surroundings;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ecugate_verifier::documents::document::{Document, payload};
use ecugate_verifier::documents::document_seen::DocumentSeen;
use ecugate_verifier::documents::manifest::Validity;
use ecugate_verifier::documents::manifest::assurance::{Firmware, Identity, Minimum};
use ecugate_verifier::documents::manifest::release::{Component, FileDigest, Release, Track};
use ecugate_verifier::documents::manifest::shipment::{Condition, Shipment, Unit};
use ecugate_verifier::documents::record::{PartRef, Record};
use ecugate_verifier::syntax::image::Form;
use ecugate_verifier::values::digest::Sha256;
use ecugate_verifier::values::finding::Finding;
use ecugate_verifier::values::ident::{Hardware, Manufacturer, Name, Part, Serial};
use ecugate_verifier::values::limits::Limits;
use ecugate_verifier::values::reason::Reason;
use ecugate_verifier::values::time::Time;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

const LIMITS: &Limits = &Limits::STANDARD;

fn now() -> Time {
    Time::parse("2026-11-24T05:31:18Z").unwrap()
}

fn name(text: &str) -> Name {
    Name::new(text).unwrap()
}

fn part(text: &str) -> Part {
    Part::new(text).unwrap()
}

fn serial(text: &str) -> Serial {
    Serial::new(text).unwrap()
}

/// An envelope around a document, under a signature that nobody made.
fn envelope<D: Document>(document: D) -> Vec<u8> {
    let payload = STANDARD.encode(payload(document, LIMITS).unwrap());
    format!(
        "{{\"payload\":\"{payload}\",\"payloadType\":\"application/vnd.in-toto+json\",\"signatures\":[{{\"sig\":\"AA==\"}}]}}"
    )
    .into_bytes()
}

fn validity() -> Validity {
    Validity { from: now(), until: now().plus_seconds(86_400) }
}

/// A shipment of units, each `part`, `serial`, `release`.
fn shipment(id: &str, units: &[(&str, &str, &str)]) -> Vec<u8> {
    envelope(Shipment {
        manufacturer: Manufacturer::new("maker").unwrap(),
        shipment: name(id),
        consignee: name("dock.example"),
        issued: now(),
        valid: validity(),
        units: units
            .iter()
            .map(|(of, number, release)| Unit {
                part: part(of),
                serial: serial(number),
                hardware: Hardware::new("H1").unwrap(),
                hardware_id: None,
                device_certificate: None,
                device_key: None,
                release: name(release),
                condition: Condition::New,
            })
            .collect(),
    })
}

/// A release for parts, with aliases.
fn release(id: &str, parts: &[&str], aliases: &[&str]) -> Vec<u8> {
    envelope(Release {
        manufacturer: Manufacturer::new("maker").unwrap(),
        release: name(id),
        issued: now(),
        valid: validity(),
        track: Track::Production,
        parts: parts.iter().map(|of| part(of)).collect(),
        aliases: aliases.iter().map(|of| part(of)).collect(),
        hardware: vec![Hardware::new("H1").unwrap()],
        minimum: Minimum { identity: Identity::Listed, firmware: Firmware::MeasuredUnbound },
        components: vec![Component {
            name: name("application"),
            version: name("1"),
            security_version: 1,
            form: Form::Raw,
            base: None,
            record_types: Vec::new(),
            file: Some(FileDigest { sha256: Sha256::of(id.as_bytes()), length: 4 }),
            ranges: Vec::new(),
            identity_fields: Vec::new(),
            unique_areas: Vec::new(),
        }],
    })
}

/// Documents in memory. Every second entry is of another kind, as in a ledger.
#[derive(Default)]
struct Shelf {
    entries: Vec<DocumentEntry>,
    blobs: BTreeMap<Sha256, Vec<u8>>,
    failing: Option<Finding>,
    read: AtomicUsize,
}

impl Shelf {
    fn put(&mut self, bytes: &[u8], source: &str) -> u64 {
        let paper = Paper::read(bytes.to_vec(), LIMITS).unwrap();
        self.enter(&[(&paper, &name(source))]).unwrap()[0]
    }

    fn next(&self) -> u64 {
        self.entries.last().map_or(2, |entry| entry.seq + 2)
    }
}

impl Documents for Shelf {
    fn from(&self, seq: u64, most: usize) -> Result<Vec<DocumentEntry>, Finding> {
        Ok(self.entries.iter().filter(|entry| entry.seq >= seq).take(most).cloned().collect())
    }

    fn entry(&self, seq: u64) -> Result<Option<DocumentEntry>, Finding> {
        Ok(self.entries.iter().find(|entry| entry.seq == seq).cloned())
    }

    fn number_of(&self, sha256: &Sha256) -> Result<Option<u64>, Finding> {
        Ok(self.entries.iter().find(|entry| entry.seen.document == *sha256).map(|entry| entry.seq))
    }

    fn bytes(&self, sha256: &Sha256) -> Result<Option<Vec<u8>>, Finding> {
        self.read.fetch_add(1, Ordering::SeqCst);
        Ok(self.blobs.get(sha256).cloned())
    }
}

impl Recorder for Shelf {
    fn enter(&mut self, papers: &[(&Paper, &Name)]) -> Result<Vec<u64>, Finding> {
        if let Some(finding) = &self.failing {
            return Err(finding.clone());
        }
        let mut numbers = Vec::new();
        for (paper, source) in papers {
            let seq = self.next();
            let record = Record::new("trial.log", seq, now());
            let part = PartRef { sha256: paper.digest(), media_type: paper.media_type().to_owned() };
            let seen = DocumentSeen {
                record: Record { parts: vec![part], ..record },
                site: name("dock.example"),
                kind: paper.kind(),
                document: paper.digest(),
                source: (*source).clone(),
                name: paper.name().cloned(),
            };
            self.blobs.insert(paper.digest(), paper.bytes().to_vec());
            let leaf_hash = Sha256::of(&[&seq.to_be_bytes()[..], paper.digest().as_bytes()].concat());
            self.entries.push(DocumentEntry { seq, leaf_hash, seen });
            numbers.push(seq);
        }
        Ok(numbers)
    }
}

/// A clock that stands still, and something that happens whenever somebody waits.
struct Still<F: Fn() + Send + Sync>(F);

impl<F: Fn() + Send + Sync> Surroundings for Still<F> {
    fn now(&self) -> Option<Time> {
        let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
        Time::from_unix_millis(i64::try_from(since.as_millis()).unwrap())
    }

    fn pause(&self, _: Duration) {
        (self.0)();
    }

    fn random(&self, _: &mut [u8]) -> Result<(), Finding> {
        Err(Finding::bare(Reason::SignerFailed))
    }

    fn helper(&self) -> Result<PathBuf, Finding> {
        Err(Finding::bare(Reason::ModuleFailed))
    }
}

fn intake() -> (tempfile::TempDir, Intake) {
    let folder = tempfile::tempdir().unwrap();
    let intake = Intake::new(folder.path().join("intake"));
    (folder, intake)
}
