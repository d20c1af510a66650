//! What it costs that a PKCS#11 module has a process of its own: the same questions to SoftHSM in this process and
//! across the socket. By the wall clock: two processes take their turns.

use super::clock::Spread;
use super::row::{Target, print, print_missing};
use ecugate::hsm::{
    CertificateToWrite, Guarded, HelperStart, Module, Pin, Request, TokenName, Tokens, TrialFolder, TrialTokens,
    softhsm,
};
use ecugate_verifier::values::finding::Finding;
use ecugate_verifier::values::reason::Reason;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// Names the folder, and so tells a process that it is the one that loads the module itself.
const FOLDER: &str = "ECUGATE_BENCH_TOKENS";
const STARTS: usize = 25;
const QUESTIONS: usize = 400;
/// A receipt is about this long.
const MESSAGE: usize = 6_000;

/// Microseconds of every question.
#[derive(serde::Serialize, serde::Deserialize)]
struct Asked {
    station: Vec<f64>,
    log: Vec<f64>,
    certificates: Vec<f64>,
}

pub(crate) fn measure() {
    if let Some(folder) = std::env::var_os(FOLDER) {
        let folder = PathBuf::from(folder);
        let asked = ask(&Module::open(&softhsm().unwrap()).unwrap(), &folder);
        return std::fs::write(folder.join("asked.json"), serde_json::to_vec(&asked).unwrap()).unwrap();
    }
    if let Err(why) = softhsm() {
        return print_missing("tokens", "the module in a process of its own", &why.to_string());
    }
    let folder = tempfile::tempdir().unwrap();
    let layout = TrialFolder::lay_out(folder.path()).unwrap();
    let (mut starts, mut ends) = (Vec::new(), Vec::new());
    let mut timed_start = || {
        let (guarded, took) = timed(|| guarded(&layout));
        starts.push(took);
        guarded
    };
    let first = timed_start();
    let made = TrialTokens::create(&first, first.environment(), &layout, &[certificate()], &random).unwrap();
    std::fs::write(
        folder.path().join("names.json"),
        serde_json::to_vec(&[&made.signer.name, &made.trust.name]).unwrap(),
    )
    .unwrap();
    for _ in 1..STARTS {
        let guarded = timed_start();
        ends.push(timed(|| drop(guarded)).1);
    }
    let beyond = ask(&timed_start(), folder.path());
    let status = Command::new(std::env::current_exe().unwrap())
        .arg("tokens")
        .envs(layout.environment())
        .env(FOLDER, folder.path())
        .stdout(Stdio::null())
        .status()
        .unwrap();
    assert!(status.success());
    let within: Asked = serde_json::from_slice(&std::fs::read(folder.path().join("asked.json")).unwrap()).unwrap();

    let row = |what: &str, figures: Vec<f64>| print("tokens", what, " µs", Target::Beside, Spread::of(figures));
    row("start of the process, SoftHSM loaded in it", starts);
    row("end of the process", ends);
    for (what, within, beyond) in [
        ("P-256 signature of 6,000 bytes", within.station, beyond.station),
        ("Ed25519 signature of 200 bytes", within.log, beyond.log),
        ("certificates of a token, one there", within.certificates, beyond.certificates),
    ] {
        row(&format!("{what}, module in this process"), within);
        row(&format!("{what}, module in a process of its own"), beyond);
    }
}

fn guarded(layout: &TrialFolder) -> Guarded {
    Guarded::start(HelperStart {
        program: PathBuf::from(env!("CARGO_BIN_EXE_ecugate")),
        module: softhsm().unwrap(),
        environment: layout.environment(),
        deadline: Duration::from_secs(10),
    })
    .unwrap()
}

/// Signatures are not verified here: that costs the same on both sides.
fn ask(tokens: &dyn Tokens, folder: &Path) -> Asked {
    let [signer, trust]: [TokenName; 2] =
        serde_json::from_slice(&std::fs::read(folder.join("names.json")).unwrap()).unwrap();
    tokens.log_in(&signer, Pin::from_file(&folder.join("pins/signer.pin")).unwrap()).unwrap();
    let sign = |key: &str, length: usize| -> Vec<f64> {
        let request = || Request::Sign { token: signer.clone(), key: key.to_owned(), message: vec![7; length] };
        (0..QUESTIONS).map(|_| timed(|| tokens.ask(request()).unwrap()).1).collect()
    };
    Asked {
        station: sign("station", MESSAGE),
        log: sign("log", 200),
        certificates: (0..QUESTIONS).map(|_| timed(|| tokens.certificates(&trust).unwrap()).1).collect(),
    }
}

/// Microseconds by the wall clock.
fn timed<T>(work: impl FnOnce() -> T) -> (T, f64) {
    let begun = Instant::now();
    let done = work();
    (done, begun.elapsed().as_secs_f64() * 1e6)
}

fn certificate() -> CertificateToWrite {
    let root = super::world::World::new().root;
    CertificateToWrite { label: "maker".to_owned(), der: root.der }
}

fn random(bytes: &mut [u8]) -> Result<(), Finding> {
    getrandom::fill(bytes).map_err(|_| Finding::bare(Reason::SignerFailed))
}
