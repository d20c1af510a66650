//! One manufacturer, one site folder, boxes that arrive: the real program on real tokens and a real ledger.

use crate::answers;
use crate::pki::{DAY, List, Party, Spec};
use crate::world::{World, arcs, time, unit};
use ecugate::ledger::Ledger;
use ecugate::site::Site;
use ecugate_verifier::documents::manifest::Validity;
use ecugate_verifier::values::ident::purpose;
use serde_json::Value;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::{SystemTime, UNIX_EPOCH};

/// Serials on the shipment.
pub(crate) const SERIALS: [&str; 5] = ["DEMO-0001", "DEMO-0002", "DEMO-0003", "DEMO-0004", "DEMO-0005"];

/// A founded trial site with a delivery in front of it.
pub(crate) struct Delivery {
    folder: tempfile::TempDir,
    pub(crate) world: World,
}

/// What the program said.
#[derive(Debug)]
pub(crate) struct Said {
    pub(crate) status: i32,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Delivery {
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let delivery = Self { folder, world: today() };
        delivery.write("root.pem", delivery.world.root.pem().as_bytes());
        delivery.write("release.json", &delivery.world.release_envelope());
        delivery.write("shipment.json", &delivery.world.shipment_envelope());
        delivery.write("root.crl", &delivery.world.crls[0]);
        delivery.write("issuing.crl", &delivery.world.crls[1]);
        delivery.write("image.bin", &delivery.world.image);
        delivery
    }

    /// With the site founded.
    pub(crate) fn founded() -> Self {
        let delivery = Self::new();
        let said = delivery.run(&["init", "--trial", "site", "--anchor", "root.pem", "--manufacturer", "maker"]);
        assert_eq!(said.status, 0, "{said:?}");
        delivery
    }

    /// Waits for its module as long as a site may: where many processes load modules at once on a busy machine, none of
    /// them is quick, and none of them hangs.
    pub(crate) fn be_patient(&self) {
        crate::faults::replace_in_configuration(&self.path("site"), "module_seconds", "module_seconds = 120");
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn write(&self, name: &str, bytes: &[u8]) {
        std::fs::write(self.path(name), bytes).unwrap();
    }

    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_ecugate"));
        command.args(arguments).current_dir(self.folder.path()).stdin(Stdio::null());
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    /// The same, to be killed: its output is at its end only when whatever the program has started has ended too. The
    /// process of a module outlives the program by a moment, and may be in the middle of rewriting a token.
    pub(crate) fn command_with_all_it_starts(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new("sh");
        // File 9 is a copy of the standard error, which nobody closes: of the standard files the module's process has none.
        command.args(["-c", "exec \"$0\" \"$@\" 9>&2", env!("CARGO_BIN_EXE_ecugate")]).args(arguments);
        command.current_dir(self.folder.path()).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    pub(crate) fn run(&self, arguments: &[&str]) -> Said {
        Said::of(self.command(arguments).output().unwrap())
    }

    /// The arguments that present a whole, genuine box with this serial.
    pub(crate) fn box_with(&self, serial: &str) -> Vec<String> {
        let label = format!("[)>\u{1e}06\u{1d}1P{}\u{1d}S{serial}\u{1e}\u{4}", crate::world::PART);
        let digits: String = label.bytes().map(|byte| format!("{byte:02x}")).collect();
        let fixed = "receive --site site --json --manifest release.json --manifest shipment.json --crl root.crl \
                     --crl issuing.crl --image image.bin --operator op-7 --label-hex";
        fixed.split_whitespace().map(str::to_owned).chain([digits]).collect()
    }

    /// Presents a box whose arguments `change` may alter, and reads the JSON.
    pub(crate) fn receive(&self, serial: &str, change: impl FnOnce(&mut Vec<String>)) -> (i32, Value) {
        let mut arguments = self.box_with(serial);
        change(&mut arguments);
        let said = self.run(&arguments.iter().map(String::as_str).collect::<Vec<_>>());
        assert_eq!(said.err, "", "{said:?}");
        (said.status, serde_json::from_str(&said.out).unwrap_or_else(|error| panic!("{error}: {said:?}")))
    }

    /// The ledger, opened by the library with the keys of the site.
    pub(crate) fn ledger(&self) -> Ledger {
        let site = Site::open(&self.path("site")).unwrap();
        Ledger::open(&site.ledger(), site.trusted_keys(), site.marks()).unwrap()
    }
}

impl Said {
    /// Whatever answer the program gave has the form that its schema says.
    pub(crate) fn of(output: Output) -> Self {
        let said = Self {
            status: output.status.code().unwrap_or_else(|| panic!("ended by a signal: {output:?}")),
            out: String::from_utf8(output.stdout).unwrap(),
            err: String::from_utf8(output.stderr).unwrap(),
        };
        answers::check(&["--json"], &said.out);
        said
    }
}

/// Takes a flag and its value out of the arguments.
pub(crate) fn without(arguments: &mut Vec<String>, value: &str) {
    let at = arguments.iter().position(|argument| argument == value).unwrap();
    arguments.drain(at - 1..=at);
}

pub(crate) fn copy_folder(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy_folder(&entry.path(), &target);
        } else {
            std::fs::copy(entry.path(), target).unwrap();
        }
    }
}

/// The world of the tests, moved to the clock of this machine: the gate takes no other time.
pub(crate) fn today() -> World {
    today_of("Maker Root")
}

/// The same with a root of this name.
pub(crate) fn today_of(root: &str) -> World {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
    let mut world = World::new();
    world.root = Party::root(Spec::ca(root));
    world.issuing = world.root.issue(Spec::ca("Maker Issuing CA").with(|spec| spec.serial = 2));
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
    world.shipment.units = SERIALS.iter().map(|serial| unit(serial)).collect();
    world
}
