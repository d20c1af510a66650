//! Receipts by the hundred thousand: one unit is judged for real, and what the gate recorded of it is written over for
//! each further unit (serial, chip id, digests, attempt, time, place), signed by keys in memory.

use super::world::{CHIP, PART, SERIAL, World, label, name};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ecugate::hsm::{PinSource, TokenName};
use ecugate::ledger::{Append, Blob, Counts, FileMark, Ledger, Mark, Member, Place, Record};
use ecugate::site::{AuthorityText, CONFIGURATION, HolderText, KeyText, SignerText, Site, SiteText, StateText};
use ecugate_verifier::documents::document::{self, Document};
use ecugate_verifier::documents::envelope::{Envelope, seal};
use ecugate_verifier::documents::founding::{Genesis, MemoryComplete, Officer};
use ecugate_verifier::documents::receipt::{Receipt, Ruling};
use ecugate_verifier::inputs::dossier::DOSSIER_MEDIA_TYPE;
use ecugate_verifier::judgement::judged::Judged;
use ecugate_verifier::syntax::note::VerifierKey;
use ecugate_verifier::values::attempt::{Environment, Nonce};
use ecugate_verifier::values::digest::Sha256;
use ecugate_verifier::values::finding::Finding;
use ecugate_verifier::values::ident::{KeyKind, UnitKey};
use ecugate_verifier::values::keys::{PublicKey, Signer};
use ecugate_verifier::values::limits::Limits;
use ecugate_verifier::values::reason::Reason;
use ecugate_verifier::values::verified::VerifiedSignatures;
use std::path::{Path, PathBuf};
use std::thread;

const LIMITS: &Limits = &Limits::STANDARD;
const ORIGIN: &str = "trial.dock.example";
/// Between two receipts: 70,000 of them in a day.
const PACE_MILLIS: i64 = 1_234;
/// A leaf of the tree is about this long (`docs/ledger.md`).
const LEAF: usize = 490;
/// Parts of a dossier that are of one unit: readout, label, index. What a delivery has in common is kept once.
const OWN_PARTS: usize = 3;
/// Genesis and memory-complete stand before the first receipt.
pub(crate) const FIRST: u64 = 2;

/// A key in memory.
#[derive(Clone)]
pub(crate) struct Key {
    secret: Secret,
    public: PublicKey,
    verified: VerifiedSignatures,
}

#[derive(Clone)]
enum Secret {
    P256(Box<p256::ecdsa::SigningKey>),
    Ed25519(Box<ed25519_dalek::SigningKey>),
}

impl Key {
    fn p256(seed: u8) -> Self {
        use p256::pkcs8::EncodePublicKey as _;
        let secret = p256::ecdsa::SigningKey::from_slice(&[seed; 32]).unwrap();
        let spki = secret.verifying_key().to_public_key_der().unwrap();
        Self::new(spki.as_bytes(), Secret::P256(Box::new(secret)))
    }

    fn ed25519(seed: u8) -> Self {
        use ed25519_dalek::pkcs8::EncodePublicKey as _;
        let secret = ed25519_dalek::SigningKey::from_bytes(&[seed; 32]);
        let spki = secret.verifying_key().to_public_key_der().unwrap();
        Self::new(spki.as_bytes(), Secret::Ed25519(Box::new(secret)))
    }

    /// The same key, which keeps its signatures where they are asked for again, as a token's does for the gate.
    pub(crate) fn keeping(&self, verified: &VerifiedSignatures) -> Self {
        Self { verified: verified.clone(), ..self.clone() }
    }

    fn new(spki: &[u8], secret: Secret) -> Self {
        Self { public: PublicKey::from_spki(spki).unwrap(), secret, verified: VerifiedSignatures::none() }
    }
}

impl Signer for Key {
    type Error = Finding;

    fn public_key(&self) -> &PublicKey {
        &self.public
    }

    fn verified(&self) -> &VerifiedSignatures {
        &self.verified
    }

    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, Finding> {
        Ok(match &self.secret {
            Secret::P256(key) => {
                use p256::ecdsa::signature::Signer as _;
                let signature: p256::ecdsa::Signature = key.sign(message);
                signature.to_der().as_bytes().to_vec()
            }
            Secret::Ed25519(key) => {
                use ed25519_dalek::Signer as _;
                key.sign(message).to_bytes().to_vec()
            }
        })
    }
}

/// A mark that costs no sync: for what is measured without one.
#[derive(Default)]
struct MemoryMark(Vec<String>);

impl Mark for MemoryMark {
    fn name(&self) -> String {
        "a mark in memory".to_owned()
    }

    fn read(&self) -> Result<Vec<String>, Finding> {
        if self.0.is_empty() { Err(Finding::bare(Reason::MarkMissing)) } else { Ok(self.0.clone()) }
    }

    fn begin(&mut self, _: u64, note: &str) -> Result<(), Finding> {
        self.0 = vec![note.to_owned()];
        Ok(())
    }

    fn raise(&mut self, size: u64, note: &str, _: Counts<'_>) -> Result<(), Finding> {
        self.begin(size, note)
    }
}

/// Where a new ledger keeps its mark.
#[derive(Clone, Copy)]
pub(crate) enum Marked {
    InMemory,
    InAFile,
}

/// A unit, before its place in the log is known.
pub(crate) struct Unit {
    receipt: Receipt,
    keys: Vec<UnitKey>,
    blobs: Vec<Blob>,
}

/// A unit whose receipt is signed for its place.
pub(crate) struct Sealed {
    append: Append,
    envelope: Envelope,
}

impl Sealed {
    /// The bytes that are new with it: envelope, the parts that no earlier unit had, and as many as a leaf has.
    pub(crate) fn bytes(&self) -> Vec<u8> {
        let envelope = self.envelope.bytes();
        let own = self.append.blobs.iter().rev().take(OWN_PARTS).map(|blob| blob.bytes.as_slice());
        [&envelope[..LEAF], envelope].into_iter().chain(own).collect::<Vec<_>>().concat()
    }

    pub(crate) fn envelope_length(&self) -> usize {
        self.envelope.bytes().len()
    }

    /// Itself, as a member of a group.
    pub(crate) fn into_member(self) -> Member<'static> {
        let Self { append, envelope, .. } = self;
        Member { append, seal: Box::new(move |_| Ok(vec![envelope])) }
    }
}

fn signed<D: Document>(document: D, keys: &[&Key]) -> Envelope {
    let signers: Vec<(&Key, &[Vec<u8>])> = keys.iter().map(|key| (*key, [].as_slice())).collect();
    seal(document::payload(document, LIMITS).unwrap(), &signers).unwrap()
}

/// The keys of a site in memory, and the one unit that was judged.
pub(crate) struct Station {
    pub(crate) log: Key,
    pub(crate) station: Key,
    officers: [Key; 2],
    template: Template,
}

struct Template {
    receipt: String,
    time: i64,
    blobs: Vec<Blob>,
    readout: Blob,
    index: String,
    /// Texts that name the unit, each once; what they become follows from its number.
    serial: &'static str,
    chip: &'static str,
    nonce: String,
    area: String,
    whole: String,
    label: Sha256,
}

impl Station {
    pub(crate) fn new() -> Self {
        let officers = [Key::p256(3), Key::ed25519(4)];
        Self { log: Key::ed25519(1), station: Key::p256(2), officers, template: Template::new() }
    }

    /// The station's public key.
    pub(crate) const fn public_key(&self) -> &PublicKey {
        &self.station.public
    }

    /// A site folder in which the program finds a new ledger, without a token; and that ledger.
    pub(crate) fn found(&self, folder: &Path, marked: Marked) -> (Site, Ledger) {
        let site = Site::check(folder.to_owned(), self.site_text()).unwrap();
        std::fs::write(folder.join(CONFIGURATION), toml::to_string(site.text()).unwrap()).unwrap();
        let mark: Box<dyn Mark> = match marked {
            Marked::InMemory => Box::new(MemoryMark::default()),
            Marked::InAFile => Box::new(FileMark::at(site.mark())),
        };
        let first = |place: &Place<'_>| Ok(self.first_entries(place));
        let ledger = Ledger::create(&site.ledger(), site.trusted_keys(), vec![mark], first, &self.log);
        (site, ledger.unwrap().0)
    }

    /// The unit of this number.
    pub(crate) fn unit(&self, number: u64) -> Unit {
        self.template.unit(number)
    }

    /// What the gate does under the lock: the receipt for its place, signed and verified.
    pub(crate) fn seal(&self, unit: &Unit, seq: u64) -> Envelope {
        Self::sealed_by(&self.station, unit, seq)
    }

    /// The same by this key of the station.
    pub(crate) fn sealed_by(station: &Key, unit: &Unit, seq: u64) -> Envelope {
        let record = Record { seq, ..unit.receipt.record.clone() };
        signed(Receipt { record, ..unit.receipt.clone() }, &[station])
    }

    /// Units of these numbers, each signed for the place that follows from its number, by all cores.
    pub(crate) fn sealed(&self, numbers: std::ops::Range<u64>) -> Vec<Sealed> {
        let numbers: Vec<u64> = numbers.collect();
        let cores = thread::available_parallelism().map_or(1, usize::from);
        let of = |number: &u64| {
            let (unit, seq) = (self.unit(*number), number + FIRST);
            Sealed { append: unit.append(seq), envelope: self.seal(&unit, seq) }
        };
        thread::scope(|scope| {
            let chunks = numbers.chunks(numbers.len().div_ceil(cores).max(1));
            let threads: Vec<_> =
                chunks.map(|chunk| scope.spawn(move || chunk.iter().map(of).collect::<Vec<_>>())).collect();
            threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect()
        })
    }

    fn first_entries(&self, place: &Place<'_>) -> Vec<Envelope> {
        let people = ["anna", "boris"].into_iter().zip(&self.officers);
        let at = ecugate_verifier::values::time::Time::from_unix_millis(self.template.time).unwrap();
        let genesis = Genesis {
            record: Record::new(ORIGIN, place.seq, at),
            site: name("dock.example"),
            environment: Environment::Trial,
            log_key: VerifierKey::new(ORIGIN, self.log.public.clone()).unwrap().to_string(),
            station_keys: vec![self.station.public.id()],
            standby: None,
            officers: people.map(|(person, key)| Officer { person: name(person), key: key.public.id() }).collect(),
            threshold: 2,
        };
        let record = Record::new(ORIGIN, place.seq + 1, at);
        let complete = MemoryComplete { record, site: name("dock.example"), ground: "a bench".to_owned() };
        let [first, second] = &self.officers;
        vec![signed(genesis, &[&self.station]), signed(complete, &[&self.station, first, second])]
    }

    fn site_text(&self) -> SiteText {
        let token = |label: &str| TokenName::new(label, "0".repeat(16));
        let key =
            |label: &str, key: &Key| KeyText { label: label.to_owned(), public: STANDARD.encode(key.public.spki()) };
        let people = ["anna", "boris"].into_iter().zip(&self.officers);
        let holders =
            people.map(|(person, key)| HolderText { person: name(person), key: STANDARD.encode(key.public.spki()) });
        SiteText {
            site: name("dock.example"),
            environment: Environment::Trial,
            station: name("dock-1"),
            origin: ORIGIN.to_owned(),
            module: PathBuf::from("/nowhere/module.so"),
            module_seconds: 10,
            state: StateText::default(),
            trust_token: token("trust"),
            signer: SignerText {
                token: token("signer"),
                pin: PinSource::File(PathBuf::from("none")),
                station_key: key("station", &self.station),
                log_key: key("log", &self.log),
            },
            standby: None,
            ceremony: None,
            authority: AuthorityText {
                threshold: 2,
                list_version_least: 0,
                policy_version_least: 0,
                holders: holders.collect(),
            },
        }
    }
}

impl Unit {
    pub(crate) fn keys(&self) -> &[UnitKey] {
        &self.keys
    }

    pub(crate) fn append(&self, memory_size: u64) -> Append {
        Append { keys: self.keys.clone(), memory_size, blobs: self.blobs.clone() }
    }
}

impl Template {
    /// Judges a unit whose image names it, at a gate that knows its papers already.
    fn new() -> Self {
        let world = World::bound();
        let first = Judged::of(world.judge().dossier).receipt(ORIGIN, FIRST);
        let seen = first.record.versions.unwrap();
        let world = world.with(|world| {
            world.memory.last = Some(world.now);
            (world.memory.crls, world.memory.releases) = (seen.crls, seen.releases);
            (world.memory.anchor_list_version, world.memory.policy_version) = (1, 1);
        });
        let judged = Judged::of(world.judge().dossier);
        let receipt = judged.receipt(ORIGIN, FIRST);
        assert_eq!(receipt.ruling, Ruling::Accept, "a genuine unit: {:?}", receipt.findings);
        // a digest stands last in its key
        let digest_of = |kind| {
            let key = receipt.record.keys.iter().find(|key| key.kind == kind).unwrap();
            key.value.rsplit('\u{1f}').next().unwrap().to_owned()
        };
        let (area, whole) = (digest_of(KeyKind::UniqueArea), digest_of(KeyKind::Readout));
        let encoded = judged.encoded();
        let label = Sha256::of(&world.label);
        let mut blobs = Vec::new();
        let mut readout = None;
        for (sha256, part) in &encoded.parts {
            let blob = Blob { media_type: part.media_type.to_owned(), bytes: part.bytes.clone() };
            match part.media_type {
                "application/json" => readout = Some(blob),
                _ if *sha256 == label => {}
                _ => blobs.push(blob),
            }
        }
        Self {
            time: receipt.record.time.unix_millis(),
            receipt: serde_json::to_string(&receipt).unwrap(),
            blobs,
            readout: readout.unwrap(),
            index: String::from_utf8(encoded.index.clone()).unwrap(),
            serial: SERIAL,
            chip: CHIP,
            nonce: world.attempt.nonce.to_string(),
            area,
            whole,
            label,
        }
    }

    fn unit(&self, number: u64) -> Unit {
        let serial = format!("ALCL{number:08}");
        let digest = |what: &str| Sha256::of(format!("{what} of unit {number}").as_bytes());
        let nonce = Nonce::from_bytes(digest("nonce").as_bytes()[..16].try_into().unwrap());
        let names = [
            (self.serial, serial.clone()),
            (self.chip, format!("{number:016X}")),
            (&self.nonce, nonce.to_string()),
            (&self.area, digest("area").to_string()),
            (&self.whole, digest("image").to_string()),
        ];
        let named = |text: &str| names.iter().fold(text.to_owned(), |text, (from, to)| text.replace(from, to));
        let of = |media_type: &str, bytes| Blob { media_type: media_type.to_owned(), bytes };
        let readout =
            of(&self.readout.media_type, named(std::str::from_utf8(&self.readout.bytes).unwrap()).into_bytes());
        let label = of("application/octet-stream", label(PART, &serial));
        let moved = [
            (Sha256::of(&self.readout.bytes).to_string(), Sha256::of(&readout.bytes).to_string()),
            (self.label.to_string(), Sha256::of(&label.bytes).to_string()),
        ];
        let moved = |text: String| moved.iter().fold(text, |text, (from, to)| text.replace(from, to));
        let index = of(DOSSIER_MEDIA_TYPE, moved(named(&self.index)).into_bytes());
        let text = moved(named(&self.receipt));
        let text = text.replace(&Sha256::of(self.index.as_bytes()).to_string(), &Sha256::of(&index.bytes).to_string());
        let mut receipt: Receipt = serde_json::from_str(&text).unwrap();
        let millis = self.time + i64::try_from(number).unwrap() * PACE_MILLIS;
        receipt.record.time = ecugate_verifier::values::time::Time::from_unix_millis(millis).unwrap();
        receipt.record.evidence = Some(digest("evidence"));
        let mut blobs = self.blobs.clone();
        blobs.extend([readout, label, index]);
        Unit { keys: receipt.record.keys.clone(), receipt, blobs }
    }
}
