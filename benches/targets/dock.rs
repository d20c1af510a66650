//! A trial site that the real program founded on SoftHSM, and boxes of one delivery in front of it.

use super::memory::with_image;
use super::pki::{DAY, List, Party, Spec};
use super::process::wall_milliseconds;
use super::world::{PART, World, arcs, label, name, time, unit};
use ecugate::hsm::{Guarded, HelperStart, Tokens as _, TrialFolder, softhsm};
use ecugate::site::Site;
use ecugate_verifier::documents::manifest::Validity;
use ecugate_verifier::documents::manifest::shipment::Condition;
use ecugate_verifier::documents::receipt::Ruling;
use ecugate_verifier::inputs::dossier::{Dossier, Environment, Inputs};
use ecugate_verifier::inputs::evidence::Presentation;
use ecugate_verifier::inputs::memory::{Known, Memory};
use ecugate_verifier::inputs::trust::anchors::TokenCertificates;
use ecugate_verifier::judgement::judged::Judged;
use ecugate_verifier::syntax::label::Rules;
use ecugate_verifier::values::attempt::{Attempt, Nonce};
use ecugate_verifier::values::ident::purpose;
use ecugate_verifier::values::limits::Limits;
use ecugate_verifier::values::time::Time;
use ecugate_verifier::values::verified::{Means, VerifiedSignatures};
use std::cell::Cell;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, UNIX_EPOCH};

/// Units of the delivery.
const UNITS: usize = 40;
/// What the manufacturer's certificate is called on the token.
pub(crate) const MAKER: &str = "maker";

/// A founded site with a delivery in front of it.
pub(crate) struct Dock {
    folder: tempfile::TempDir,
    pub(crate) world: World,
    next: Cell<usize>,
}

impl Dock {
    /// Units with an image of this length, or why there can be no site.
    pub(crate) fn founded(length: u64) -> Result<Self, String> {
        softhsm().map_err(|why| why.to_string())?;
        let folder = tempfile::tempdir().unwrap();
        let world = with_image(today(), &folder.path().join("image.bin"), length);
        let dock = Self { folder, world, next: Cell::new(0) };
        dock.write("root.pem", dock.world.root.pem().as_bytes());
        dock.write("root.der", &dock.world.root.der);
        dock.write("release.json", &dock.world.release_envelope());
        dock.write("shipment.json", &dock.world.shipment_envelope());
        dock.write("root.crl", &dock.world.crls[0]);
        dock.write("issuing.crl", &dock.world.crls[1]);
        let found = ["init", "--trial", "site", "--anchor", "root.pem", "--manufacturer", MAKER];
        wall_milliseconds(dock.program().args(found));
        Ok(dock)
    }

    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn write(&self, name: &str, bytes: &[u8]) {
        std::fs::write(self.path(name), bytes).unwrap();
    }

    pub(crate) fn site(&self) -> Site {
        Site::open(&self.path("site")).unwrap()
    }

    /// The program, in the folder of the delivery.
    pub(crate) fn program(&self) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_ecugate"));
        command.current_dir(self.folder());
        command
    }

    /// The serial of a box that nobody has presented.
    pub(crate) fn serial(&self) -> String {
        let number = self.next.replace(self.next.get() + 1);
        assert!(number < UNITS, "the delivery has {UNITS} boxes");
        serial(number)
    }

    /// Presents such a box to the real program.
    pub(crate) fn receive(&self) -> Command {
        let label = label(PART, &self.serial());
        let digits: String = label.iter().map(|byte| format!("{byte:02x}")).collect();
        let fixed = "receive --site site --json --manifest release.json --manifest shipment.json --crl root.crl \
                     --crl issuing.crl --image image.bin --operator op-7 --label-hex";
        let mut command = self.program();
        command.args(fixed.split(' ').filter(|word| !word.is_empty())).arg(digits);
        command
    }
}

/// The serial of each unit of the delivery.
pub(crate) fn serial(number: usize) -> String {
    format!("DEMO-{number:04}")
}

/// What a box brings, read from the folder of its delivery.
pub(crate) struct Brought {
    pub(crate) manifests: Vec<Vec<u8>>,
    pub(crate) crls: Vec<Vec<u8>>,
    pub(crate) image: Vec<u8>,
}

impl Brought {
    pub(crate) fn read(folder: &Path) -> Self {
        let file = |name: &str| std::fs::read(folder.join(name)).unwrap();
        Self {
            manifests: vec![file("release.json"), file("shipment.json")],
            crls: vec![file("root.crl"), file("issuing.crl")],
            image: file("image.bin"),
        }
    }
}

/// Judges a box as the gate does, and neither remembers nor records it: the site's papers, these certificates of its
/// token, what the box brings, the signatures that were found good before.
pub(crate) fn judge(
    site: &Site,
    token: TokenCertificates,
    brought: &Brought,
    number: usize,
    signatures: &VerifiedSignatures,
) {
    let limits = &Limits::STANDARD;
    let mut presentation = Presentation {
        label: Some(label(PART, &serial(number))),
        housing_label: None,
        manifests: brought.manifests.clone(),
        untrusted: Vec::new(),
        crls: brought.crls.clone(),
        readouts: Vec::new(),
        device_proof: None,
        condition: Condition::New,
        operator: Some(name("op-7")),
        order: None,
    };
    let evidence = presentation.read(&Rules::default(), limits);
    presentation.readouts = vec![evidence.measure(None, &mut brought.image.as_slice(), limits)];
    let inputs = Inputs {
        attempt: Attempt { station: name("dock-1"), nonce: Nonce::from_bytes([1; 16]) },
        now: now(),
        environment: Environment::Trial,
        site: site.text().site.clone(),
        authority: site.authority().clone(),
        token,
        anchor_list: Some(std::fs::read(site.anchor_list()).unwrap()),
        policy: Some(std::fs::read(site.policy()).unwrap()),
        presentation,
        memory: Memory::Known(Box::new(Known::empty())),
    };
    let judged = Judged::of(Dossier::assemble(inputs, Means { limits, signatures }));
    let ruling = judged.verdict().ruling();
    assert_eq!(ruling, Ruling::Accept, "a genuine unit: {:?}", judged.verdict().findings());
}

/// The certificates of the site's trust token, from a module in a process of its own.
pub(crate) fn certificates(site: &Site) -> TokenCertificates {
    let start = HelperStart {
        program: PathBuf::from(env!("CARGO_BIN_EXE_ecugate")),
        module: site.text().module.clone(),
        environment: TrialFolder::lay_out(site.folder()).unwrap().environment(),
        deadline: Duration::from_secs(10),
    };
    let found = Guarded::start(start).unwrap().certificates(&site.text().trust_token).unwrap();
    TokenCertificates::Read(found.certificates.into_iter().map(|stored| stored.der).collect())
}

/// The time of this machine.
pub(crate) fn now() -> Time {
    Time::from_unix_millis(i64::try_from(UNIX_EPOCH.elapsed().unwrap().as_millis()).unwrap()).unwrap()
}

/// The world of the tests, moved to the clock of this machine: the gate takes no other time.
fn today() -> World {
    let now = UNIX_EPOCH.elapsed().unwrap().as_secs();
    let mut world = World::new();
    let signer = |issuing: &Party, who: &str, serial: u64, oid: &str| {
        issuing.issue(Spec::leaf(who).with(|spec| {
            spec.serial = serial;
            spec.purposes = vec![arcs(oid)];
            spec.not_before = now - 10 * DAY;
            spec.not_after = now + 300 * DAY;
        }))
    };
    world.release_signer = signer(&world.issuing, "Release Signer", 100, purpose::RELEASE);
    world.shipment_signer = signer(&world.issuing, "Shipment Signer", 101, purpose::SHIPMENT);
    let list = List { this_update: now - DAY, next_update: Some(now + 30 * DAY), ..List::default() };
    world.crls = vec![world.root.crl(&list), world.issuing.crl(&list)];
    let valid = Validity { from: time(now - 5 * DAY), until: time(now + 200 * DAY) };
    (world.release.issued, world.release.valid) = (time(now - 4 * DAY), valid);
    (world.shipment.issued, world.shipment.valid) = (time(now - 3 * DAY), valid);
    world.shipment.units = (0..UNITS).map(|number| unit(&serial(number))).collect();
    world
}
