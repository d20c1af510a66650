//! The worked example of `docs/formats.md`: one unit from its manifests to its receipt. Everything in it follows from
//! four seeds and one image, so that every digest and signature on the page can be made again.

use ecugate_verifier::documents::anchor_list::AnchorList;
use ecugate_verifier::documents::document::{self, Document};
use ecugate_verifier::documents::envelope::{Envelope, seal};
use ecugate_verifier::documents::manifest::release::Release;
use ecugate_verifier::documents::manifest::shipment::{Condition, Shipment};
use ecugate_verifier::documents::policy_text::PolicyText;
use ecugate_verifier::documents::receipt::Receipt;
use ecugate_verifier::inputs::dossier::{Dossier, Environment, Inputs};
use ecugate_verifier::inputs::evidence::{Measured, Presentation, Readout};
use ecugate_verifier::inputs::memory::{Known, Memory};
use ecugate_verifier::inputs::trust::anchors::TokenCertificates;
use ecugate_verifier::inputs::trust::authority::Authority;
use ecugate_verifier::judgement::judged::Judged;
use ecugate_verifier::syntax::{image, json};
use ecugate_verifier::values::attempt::{Attempt, Nonce};
use ecugate_verifier::values::digest::Sha256;
use ecugate_verifier::values::ident::{Name, purpose};
use ecugate_verifier::values::keys::{PublicKey, Signer};
use ecugate_verifier::values::limits::Limits;
use ecugate_verifier::values::time::Time;
use ed25519_dalek::Signer as _;
use serde_json::{Value, json};

pub(crate) const LIMITS: Limits = Limits::STANDARD;

/// An Ed25519 key of 32 equal bytes.
pub(crate) struct SeedKey {
    secret: ed25519_dalek::SigningKey,
    public: PublicKey,
    seed: u8,
}

impl SeedKey {
    pub(crate) fn new(seed: u8) -> Self {
        let secret = ed25519_dalek::SigningKey::from_bytes(&[seed; 32]);
        let mut spki = vec![0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00];
        spki.extend_from_slice(secret.verifying_key().as_bytes());
        Self { secret, public: PublicKey::from_spki(&spki).unwrap(), seed }
    }

    /// The same key for the certificates (RFC 8410 section 7, without the public half).
    fn for_certificates(&self) -> rcgen::KeyPair {
        let mut pkcs8 =
            vec![0x30, 0x2e, 0x02, 0x01, 0x00, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x04, 0x22, 0x04, 0x20];
        pkcs8.extend_from_slice(&[self.seed; 32]);
        rcgen::KeyPair::try_from(pkcs8.as_slice()).unwrap()
    }
}

impl Signer for SeedKey {
    type Error = core::convert::Infallible;

    fn public_key(&self) -> &PublicKey {
        &self.public
    }

    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, Self::Error> {
        Ok(self.secret.sign(message).to_bytes().to_vec())
    }
}

/// The whole example.
pub(crate) struct Example {
    pub(crate) release: Envelope,
    pub(crate) shipment: Envelope,
    pub(crate) anchor_list: Envelope,
    pub(crate) policy: Envelope,
    pub(crate) dossier: Dossier,
    pub(crate) receipt: Receipt,
}

pub(crate) fn example() -> Example {
    let (maker_root, release_key, shipment_key) = (SeedKey::new(0x11), SeedKey::new(0x12), SeedKey::new(0x13));
    let officers = [SeedKey::new(0x21), SeedKey::new(0x22)];
    let pki = Pki::new(&maker_root, &release_key, &shipment_key);

    let signed = |payload: Vec<u8>, key: &SeedKey, leaf: &[u8]| seal(payload, &[(key, &[leaf.to_vec()])]).unwrap();
    let by_officers = |payload: Vec<u8>| seal(payload, &[(&officers[0], &[]), (&officers[1], &[])]).unwrap();
    let release = signed(payload::<Release>(release()), &release_key, &pki.release);
    let shipment = signed(payload::<Shipment>(shipment()), &shipment_key, &pki.shipment);
    let anchor_list = by_officers(payload::<AnchorList>(anchor_list(Sha256::of(&pki.root))));
    let policy = by_officers(payload::<PolicyText>(policy()));

    let holders =
        vec![(name("officer-1"), officers[0].public.clone()), (name("officer-2"), officers[1].public.clone())];
    let component = document::read_unverified::<Release>(&release, &LIMITS).unwrap().components.remove(0);
    let measured = image::measure(&mut firmware().as_slice(), &component.plan(), &LIMITS).unwrap();
    let inputs = Inputs {
        attempt: Attempt { station: name("dock-1"), nonce: Nonce::from_bytes([0xa5; 16]) },
        now: Time::parse("2026-11-24T08:15:00Z").unwrap(),
        environment: Environment::Trial,
        site: name("site-hamburg"),
        authority: Authority::new(holders, 2, 1, 1, &LIMITS).unwrap(),
        token: TokenCertificates::Read(vec![pki.root]),
        anchor_list: Some(anchor_list.bytes().to_vec()),
        policy: Some(policy.bytes().to_vec()),
        presentation: Presentation {
            label: Some(b"[)>\x1e06\x1d1PX100-200A\x1dSA7-001042\x1e\x04".to_vec()),
            housing_label: None,
            manifests: vec![release.bytes().to_vec(), shipment.bytes().to_vec()],
            untrusted: Vec::new(),
            crls: vec![pki.crl],
            readouts: vec![Readout {
                component: Some(name("application")),
                result: Measured::Done(Box::new(measured)),
            }],
            device_proof: None,
            condition: Condition::New,
            operator: Some(name("badge-17")),
            order: None,
        },
        memory: Memory::Known(Box::new(Known::empty())),
    };
    let dossier = Dossier::assemble(inputs, &LIMITS);
    let receipt = Judged::of(dossier.clone()).receipt("hamburg.example", 2);
    Example { release, shipment, anchor_list, policy, dossier, receipt }
}

/// The payload of a predicate written as JSON.
fn payload<D: Document>(predicate: Value) -> Vec<u8> {
    let document: D = json::read(&serde_json::to_vec(&predicate).unwrap(), &LIMITS).unwrap();
    document::payload(document, &LIMITS).unwrap()
}

fn name(text: &str) -> Name {
    Name::new(text).unwrap()
}

/// The image on the page: 4,096 bytes from 0x80000000, each the low byte of its number, but for the serial at 0x800.
fn firmware() -> Vec<u8> {
    let mut image: Vec<u8> = (0..=u8::MAX).cycle().take(4096).collect();
    let field = image.get_mut(0x800..0x810).unwrap();
    field.fill(0xff);
    field[..9].copy_from_slice(b"A7-001042");
    image
}

fn release() -> Value {
    let code = Sha256::of(&firmware()[..0x800]);
    json!({
        "manufacturer": "example-ecu", "release": "X100-2026.10", "issued": "2026-10-01T09:00:00Z",
        "valid": {"from": "2026-10-01T00:00:00Z", "until": "2028-10-01T00:00:00Z"},
        "track": "production", "parts": ["X100-200A"], "aliases": ["09506000134352"], "hardware": ["H03", "H04"],
        "minimum": {"identity": "listed", "firmware": "measured"},
        "components": [{
            "name": "application", "version": "10.2.0", "security_version": 7, "form": "raw", "base": 0x8000_0000_u64,
            "ranges": [{
                "name": "code", "start": 0x8000_0000_u64, "end": 0x8000_0800_u64, "fill": 255, "sha256": code,
            }],
            "identity_fields": [
                {"holds": "serial", "start": 0x8000_0800_u64, "length": 16, "encoding": "ascii-padded"},
            ],
            "unique_areas": [{"name": "keys", "start": 0x8000_0f00_u64, "end": 0x8000_1000_u64}],
        }],
    })
}

fn shipment() -> Value {
    json!({
        "manufacturer": "example-ecu", "shipment": "S-88231", "consignee": "site-hamburg",
        "issued": "2026-11-20T14:30:00Z",
        "valid": {"from": "2026-11-20T00:00:00Z", "until": "2027-11-20T00:00:00Z"},
        "units": [
            {
                "part": "X100-200A", "serial": "A7-001042", "hardware": "H04", "hardware_id": "00c0ffee01",
                "device_key": SeedKey::new(0x31).public.id(), "release": "X100-2026.10", "condition": "new",
            },
            {
                "part": "X100-200A", "serial": "A7-001043", "hardware": "H04", "release": "X100-2026.10",
                "condition": "new",
            },
        ],
    })
}

fn anchor_list(root: Sha256) -> Value {
    json!({
        "site": "site-hamburg", "version": 1, "issued": "2026-11-01T08:00:00Z", "expires": "2027-02-01T08:00:00Z",
        "anchors": [{
            "sha256": root, "manufacturer": "example-ecu", "roles": ["release", "shipment"],
            "parts": ["X100*", "X100-200A"], "serials": "may-list",
            "valid": {"from": "2026-01-01T00:00:00Z", "until": "2030-12-31T23:59:59Z"}, "crl_hours": 168,
        }],
    })
}

fn policy() -> Value {
    json!({
        "site": "site-hamburg", "version": 1, "issued": "2026-11-01T08:00:00Z", "expires": "2027-05-01T08:00:00Z",
        "minimum": {"identity": "listed", "firmware": "measured"},
        "families": [
            {"name": "cables", "parts": ["C9*"], "gate": "not-gated",
             "minimum": {"identity": "claimed", "firmware": "not-read"}},
            {"name": "sealed sensors", "parts": ["X7*"], "gate": "observed",
             "minimum": {"identity": "listed", "firmware": "not-read"}},
        ],
        "labels": {"bare": "refused", "gs_stand_in": "^]", "rs_stand_in": "^^", "end": "rs-eot", "gs1_prefix": "required"},
        "waivers": [{"check": "revocation", "why": "CRL server moves in week 48", "until": "2026-11-30T23:59:59Z"}],
    })
}

/// The manufacturer's certificates: a root, a signer of releases, a signer of shipments, and the root's CRL.
struct Pki {
    root: Vec<u8>,
    release: Vec<u8>,
    shipment: Vec<u8>,
    crl: Vec<u8>,
}

impl Pki {
    fn new(root_key: &SeedKey, release_key: &SeedKey, shipment_key: &SeedKey) -> Self {
        use rcgen::{BasicConstraints, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyUsagePurpose, SerialNumber};
        let params = |name: &str, serial: u64| {
            let mut params = rcgen::CertificateParams::default();
            params.distinguished_name = rcgen::DistinguishedName::new();
            params.distinguished_name.push(rcgen::DnType::CommonName, name);
            params.serial_number = Some(SerialNumber::from(serial));
            params.not_before = rcgen::date_time_ymd(2026, 1, 1);
            params.not_after = rcgen::date_time_ymd(2031, 1, 1);
            params.use_authority_key_identifier_extension = true;
            params
        };
        let mut root = params("Example ECU Root", 1);
        root.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        root.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        let issuer_key = root_key.for_certificates();
        let root_der = root.self_signed(&issuer_key).unwrap().der().to_vec();
        let issuer = Issuer::new(root, issuer_key);
        let leaf = |name: &str, serial: u64, oid: &str, key: &SeedKey| {
            let mut leaf = params(name, serial);
            leaf.key_usages = vec![KeyUsagePurpose::DigitalSignature];
            let arcs = oid.split('.').map(|arc| arc.parse().unwrap()).collect();
            leaf.extended_key_usages = vec![ExtendedKeyUsagePurpose::Other(arcs)];
            leaf.signed_by(&key.for_certificates(), &issuer).unwrap().der().to_vec()
        };
        let crl = rcgen::CertificateRevocationListParams {
            this_update: rcgen::date_time_ymd(2026, 11, 23),
            next_update: rcgen::date_time_ymd(2026, 12, 7),
            crl_number: SerialNumber::from(12),
            issuing_distribution_point: None,
            revoked_certs: Vec::new(),
            key_identifier_method: rcgen::KeyIdMethod::Sha256,
        };
        Self {
            root: root_der,
            release: leaf("Example ECU Releases", 2, purpose::RELEASE, release_key),
            shipment: leaf("Example ECU Shipments", 3, purpose::SHIPMENT, shipment_key),
            crl: crl.signed_by(&issuer).unwrap().der().to_vec(),
        }
    }
}
