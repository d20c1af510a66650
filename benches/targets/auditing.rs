//! T8a and T8b: the audit, as the program does it in a process of its own, beside reading the rows and nothing more,
//! beside SQLite's own check, and beside the bare checks of the signatures.

use super::clock::Spread;
use super::filled::{Filled, Ledgers};
use super::process::{Ran, again, ran};
use super::row::{Target, print, thousands};
use ecugate_verifier::documents::envelope::{Envelope, PAYLOAD_TYPE, pae};
use ecugate_verifier::values::keys::PublicKey;
use ecugate_verifier::values::limits::Limits;
use rusqlite::{Connection, OpenFlags};
use std::path::Path;
use std::process::Command;
use std::thread;
use std::time::Instant;

const ROUNDS: usize = 3;
/// Rounds on the small ledger.
const SIGNATURE_ROUNDS: usize = 3;
/// A scan is so short that several are timed as one.
const SCANS: usize = 5;

/// The tasks of processes of their own.
pub(crate) const SCAN: &str = "scan";
pub(crate) const CHECK: &str = "integrity-check";
pub(crate) const VERIFY: &str = "signatures";

pub(crate) fn measure(ledgers: &mut Ledgers) {
    structure(&mut ledgers.large);
    signatures(&mut ledgers.small, ledgers.station.public_key());
}

fn structure(filled: &mut Filled) {
    let (file, records) = (filled.file(), thousands(filled.records()));
    let folder = filled.site_folder();
    let file = file.display().to_string();
    let (mut audits, mut scans, mut all_scans, mut checks) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        audits.push(audit(folder, &[]));
        scans.push(ran(folder, &again(SCAN, &[&file, "entry"])).cpu / SCANS as f64);
        all_scans.push(ran(folder, &again(SCAN, &[&file])).cpu / SCANS as f64);
        checks.push(ran(folder, &again(CHECK, &[&file])).cpu);
    }
    let against = |others: &[f64]| Spread::of(audits.iter().zip(others).map(|(audit, other)| audit.cpu / other));
    let row = |what: &str, unit: &str, target, measured| {
        print("T8a", &format!("{what}, {records} records"), unit, target, measured);
    };
    let (most, beside) = (Target::AtMost, Target::Beside);
    row("audit of the structure, against reading every row of every table", " ×", most(3.5), against(&all_scans));
    row("the same, against reading every row of `entry` alone", " ×", most(3.5), against(&scans));
    row("the same, against `PRAGMA integrity_check`", " ×", most(0.5), against(&checks));
    row("peak memory of the audit", " MiB", most(12.0), Spread::of(audits.iter().map(|audit| audit.peak)));
    row("beside: audit of the structure", " CPU s", beside, Spread::of(audits.iter().map(|audit| audit.cpu)));
    row("beside: the same by the wall clock", " s", beside, Spread::of(audits.iter().map(|audit| audit.wall)));
    row("beside: reading every row of every table", " CPU s", beside, Spread::of(all_scans));
    row("beside: reading every row of `entry`", " CPU s", beside, Spread::of(scans));
    row("beside: `PRAGMA integrity_check`", " CPU s", beside, Spread::of(checks));
}

fn signatures(filled: &mut Filled, station: &PublicKey) {
    let (file, records) = (filled.file(), thousands(filled.records()));
    let folder = filled.site_folder();
    std::fs::write(folder.join("station.spki"), station.spki()).unwrap();
    let (file, key) = (file.display().to_string(), folder.join("station.spki").display().to_string());
    let (mut audits, mut bare) = (Vec::new(), Vec::new());
    for _ in 0..SIGNATURE_ROUNDS {
        audits.push(audit(folder, &["--signatures"]));
        let said = ran(folder, &again(VERIFY, &[&file, &key])).said;
        bare.push(said.trim().parse::<f64>().unwrap_or_else(|_| panic!("{said}")));
    }
    let ratio = Spread::of(audits.iter().zip(&bare).map(|(audit, bare)| audit.wall / bare));
    let row = |what: &str, unit: &str, target, measured| {
        print("T8b", &format!("{what}, {records} records"), unit, target, measured);
    };
    let what = "audit with signatures, against the bare signature checks on all cores, by the wall clock";
    row(what, " ×", Target::AtMost(1.2), ratio);
    row("beside: audit with signatures", " s", Target::Beside, Spread::of(audits.iter().map(|audit| audit.wall)));
    row("beside: the same", " CPU s", Target::Beside, Spread::of(audits.iter().map(|audit| audit.cpu)));
    row("beside: the bare checks, all cores", " s", Target::Beside, Spread::of(bare));
    let peaks = Spread::of(audits.iter().map(|audit| audit.peak));
    row("beside: peak memory of the audit with signatures", " MiB", Target::Beside, peaks);
}

fn audit(folder: &Path, more: &[&str]) -> Ran {
    let mut command = Command::new(env!("CARGO_BIN_EXE_ecugate"));
    command.args(["ledger", "audit", "--json", "--site", "."]).args(more);
    let ran = ran(folder, &command);
    assert!(ran.said.contains(r#""outcome":"accept""#), "a ledger that holds: {}", ran.said);
    ran
}

/// Reads every column of every row, of the tables that are named or of all of them, several times.
pub(crate) fn scan(arguments: &[String]) {
    let connection = open(&arguments[0]);
    let tables: Vec<String> = match &arguments[1..] {
        [] => {
            let mut all = connection.prepare("SELECT name FROM sqlite_schema WHERE type = 'table'").unwrap();
            all.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect()
        }
        named => named.to_vec(),
    };
    let mut bytes = 0;
    for _ in 0..SCANS {
        for table in &tables {
            let mut statement = connection.prepare(&format!("SELECT * FROM {table}")).unwrap();
            let columns = statement.column_count();
            let mut rows = statement.query([]).unwrap();
            while let Some(row) = rows.next().unwrap() {
                for column in 0..columns {
                    bytes += row.get_ref(column).unwrap().as_bytes_or_null().ok().flatten().map_or(8, <[u8]>::len);
                }
            }
        }
    }
    std::hint::black_box(bytes);
}

/// SQLite's own check, by the same build of SQLite.
pub(crate) fn check(arguments: &[String]) {
    let said: String = open(&arguments[0]).query_row("PRAGMA integrity_check", [], |row| row.get(0)).unwrap();
    assert_eq!(said, "ok");
}

/// Prints the seconds that all cores take for the station's signature of every entry, all of them in memory.
pub(crate) fn verify(arguments: &[String]) {
    let key = PublicKey::from_spki(&std::fs::read(&arguments[1]).unwrap()).unwrap();
    let connection = open(&arguments[0]);
    let mut statement = connection.prepare("SELECT envelope FROM entry ORDER BY seq").unwrap();
    let envelopes = statement.query_map([], |row| row.get::<_, Vec<u8>>(0)).unwrap();
    let signed: Vec<(Vec<u8>, Vec<u8>)> = envelopes
        .map(|bytes| {
            let envelope = Envelope::parse(&bytes.unwrap(), &Limits::STANDARD).unwrap();
            (pae(PAYLOAD_TYPE, envelope.payload()), envelope.signatures()[0].signature().to_vec())
        })
        .collect();
    let cores = thread::available_parallelism().map_or(1, usize::from);
    let begun = Instant::now();
    thread::scope(|scope| {
        for chunk in signed.chunks(signed.len().div_ceil(cores)) {
            let key = &key;
            scope.spawn(move || chunk.iter().for_each(|(message, signature)| key.verify(message, signature).unwrap()));
        }
    });
    println!("{}", begun.elapsed().as_secs_f64());
}

fn open(file: &str) -> Connection {
    Connection::open_with_flags(file, OpenFlags::SQLITE_OPEN_READ_ONLY).unwrap()
}
