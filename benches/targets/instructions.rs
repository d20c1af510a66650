//! T13: instructions of one unit more, hashing excepted, counted by callgrind: the difference between a few units and
//! more of them in one process. It is the same on a busy machine.

use super::clock::Spread;
use super::dock::{Brought, Dock, judge, now, serial};
use super::memory::SMALL;
use super::process::{again, missing, wall_milliseconds};
use super::row::{Target, print, print_missing};
use super::world::{PART, label, name};
use ecugate::gate::{Arrival, Gate, ImageSource, Outcome, Stored, Surroundings};
use ecugate::site::Site;
use ecugate_verifier::documents::manifest::shipment::Condition;
use ecugate_verifier::inputs::trust::anchors::TokenCertificates;
use ecugate_verifier::values::attempt::{Attempt, Nonce};
use ecugate_verifier::values::finding::Finding;
use ecugate_verifier::values::reason::Reason;
use ecugate_verifier::values::time::Time;
use ecugate_verifier::values::verified::VerifiedSignatures;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

/// The tasks of processes of their own.
pub(crate) const JUDGED: &str = "units-judged";
pub(crate) const RECEIVED: &str = "units-received";

/// Units of the two runs. The first pays for what all have in common.
const FEWER: usize = 4;
const MORE: usize = 14;
/// Millions of instructions.
const BOUND: f64 = 0.45;
/// What the functions of the hashes are called: `sha2::sha256::…`, `sha2::sha512::…`.
const HASHES: [&str; 1] = ["sha2::sha"];
/// And those that calculate with points and scalars of a signature.
const CURVES: [&str; 6] =
    ["p256::", "primeorder::", "crypto_bigint::", "curve25519_dalek::", "elliptic_curve::", "wnaf"];

pub(crate) fn measure() {
    if let Some(why) = missing("valgrind", "valgrind") {
        return print_missing("T13", "instructions of one unit more", &why);
    }
    let docks = [(); 2].map(|()| Dock::founded(SMALL));
    let [Ok(fewer), Ok(more)] = docks else {
        return print_missing("T13", "instructions of one unit more", "no SoftHSM");
    };
    for (task, what) in [
        (JUDGED, "one unit more, judged (no token, no ledger)"),
        (RECEIVED, "one unit more, whole: judged, sealed, recorded (signatures are made in the module's process)"),
    ] {
        let [few, many] = [(&fewer, FEWER), (&more, MORE)].map(|(dock, units)| counted(dock, task, units));
        let each = |of: fn(&Counted) -> f64| (of(&many) - of(&few)) / (MORE - FEWER) as f64 / 1e6;
        let (all, hashing) = (each(|counted| counted.all), each(|counted| counted.hashing));
        if hashing <= 0.0 {
            print_missing("T13", what, "the bench has no symbols: scripts/bench builds it with them");
            continue;
        }
        let row = |what: &str, target, million| print("T13", what, " million", target, Spread::of([million]));
        row(&format!("instructions of {what}, hashing excepted"), Target::AtMost(BOUND), all - hashing);
        let curves = each(|counted| counted.curves);
        row("beside: of them P-256 and Ed25519", Target::Beside, curves);
        row("beside: of them everything else", Target::Beside, all - hashing - curves);
        row("beside: hashing, in portable code: valgrind's processor has no SHA instructions", Target::Beside, hashing);
    }
}

/// Instructions of a whole process.
struct Counted {
    all: f64,
    hashing: f64,
    curves: f64,
}

fn counted(dock: &Dock, task: &str, units: usize) -> Counted {
    let file = dock.path(&format!("{task}.callgrind")).display().to_string();
    let folder = dock.folder().display().to_string();
    let units = units.to_string();
    let run = again(task, &[&folder, &units]);
    let mut valgrind = Command::new("valgrind");
    valgrind.args(["-q", "--tool=callgrind", &format!("--callgrind-out-file={file}")]).arg(run.get_program());
    for (name, value) in run.get_envs() {
        valgrind.env(name, value.unwrap());
    }
    wall_milliseconds(valgrind.args(run.get_args()));
    let mut annotate = Command::new("callgrind_annotate");
    let (_, said) = wall_milliseconds(annotate.args(["--threshold=100", "--auto=no", "--show-percs=no", &file]));
    let lines = said.lines().filter_map(|line| {
        let (number, what) = line.trim_start().split_once(' ')?;
        Some((number.replace(',', "").parse::<f64>().ok()?, what))
    });
    let lines: Vec<(f64, &str)> = lines.collect();
    let sum = |names: &[&str]| {
        lines.iter().filter(|(_, what)| names.iter().any(|name| what.contains(name))).map(|(number, _)| number).sum()
    };
    Counted { all: sum(&["PROGRAM TOTALS"]), hashing: sum(&HASHES), curves: sum(&CURVES) }
}

/// The task: judges so many boxes of a delivery.
pub(crate) fn judge_units(arguments: &[String]) {
    let (folder, units) = (Path::new(&arguments[0]), arguments[1].parse().unwrap());
    let (site, brought) = (Site::open(&folder.join("site")).unwrap(), Brought::read(folder));
    let root = std::fs::read(folder.join("root.der")).unwrap();
    // As a gate keeps them.
    let signatures = VerifiedSignatures::up_to(4_096);
    for number in 0..units {
        judge(&site, TokenCertificates::Read(vec![root.clone()]), &brought, number, &signatures);
    }
}

/// The task: receives them.
pub(crate) fn receive_units(arguments: &[String]) {
    let (folder, units) = (Path::new(&arguments[0]), arguments[1].parse().unwrap());
    let brought = Brought::read(folder);
    let gate = Gate::open(Site::open(&folder.join("site")).unwrap(), Box::new(Here)).unwrap();
    for number in 0..units {
        let arrival = Arrival {
            attempt: Some(Attempt { station: name("dock-1"), nonce: Nonce::from_bytes([number as u8; 16]) }),
            station: None,
            label: Some(label(PART, &serial(number))),
            housing_label: None,
            manifests: brought.manifests.clone(),
            images: vec![ImageSource { component: None, reader: Box::new(brought.image.as_slice()) }],
            untrusted: Vec::new(),
            crls: brought.crls.clone(),
            device_proof: None,
            condition: Condition::New,
            operator: None,
            order: None,
            stored: Stored::default(),
        };
        let outcome = gate.receive(arrival).unwrap();
        assert!(matches!(outcome, Outcome::Accepted(_)), "a genuine unit: {outcome:?}");
    }
}

/// This machine.
struct Here;

impl Surroundings for Here {
    fn now(&self) -> Option<Time> {
        Some(now())
    }

    fn pause(&self, duration: Duration) {
        std::thread::sleep(duration);
    }

    fn random(&self, bytes: &mut [u8]) -> Result<(), Finding> {
        getrandom::fill(bytes).map_err(|_| Finding::bare(Reason::SignerFailed))
    }

    fn helper(&self) -> Result<PathBuf, Finding> {
        Ok(PathBuf::from(env!("CARGO_BIN_EXE_ecugate")))
    }
}
