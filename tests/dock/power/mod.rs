//! Power cuts, simulated: the real program is traced while boxes arrive; from its system calls follow the states that the
//! disk can be in if the power goes at any moment; each of them is opened again.
//!
//! A power cut differs from a process that dies: what was written and not waited for may be gone, in any order, or torn.

mod disk;
mod trace;

use crate::campaign::{number, tell};
use crate::delivery::{Delivery, copy_folder};
use crate::dice::Dice;
use crate::oracle::Oracle;
use disk::Disk;
use ecugate::journal::Journal;
use ecugate::ledger::{Depth, Ledger, Select};
use ecugate::site::Site;
use ecugate_verifier::syntax::note::{VerifiedCheckpoint, VerifierKey};
use ecugate_verifier::values::limits::Limits;
use libtest_mimic::Trial;
use serde_json::Value;
use std::path::Path;
use std::process::Command;
use trace::Call;

/// States that are opened in one run of the tests. A campaign sets `ECUGATE_POWER_CUTS` to more.
const STATES: usize = 2_000;
/// In one of so many states the gate goes on with the next box.
const GOES_ON: usize = 100;
/// Folders that the program only reads, or that its module writes.
const KEYS: [&str; 2] = ["tokens", "pins"];

fn states() -> usize {
    number("ECUGATE_POWER_CUTS", STATES)
}

pub(crate) fn trials() -> Vec<Trial> {
    vec![
        trial("a_trace_of_two_threads_is_read_in_the_order_of_its_returns", trace::two_threads),
        trial("a_verdict_that_was_shown_survives_every_power_cut_and_no_cut_stops_the_ledger", survives),
        trial("a_gate_that_goes_on_after_a_power_cut_signs_no_second_history", goes_on),
        trial("a_disk_that_lies_about_the_write_ahead_log_or_the_mark_is_found_out", lying_disk),
        trial("a_receive_waits_for_the_disk_five_times_at_most", few_syncs),
        trial("after_a_writer_of_the_mark_that_died_its_note_is_synced_before_the_other_is_given_up", unsynced_note),
    ]
}

fn trial(name: &'static str, test: fn()) -> Trial {
    match Command::new("strace").arg("-V").output() {
        Ok(_) => crate::receive::trial(name, test),
        Err(_) => Trial::test(format!("{name} (needs: strace)"), || Ok(())).with_ignored_flag(true),
    }
}

/// One arrival: the disk before it, and what the program did to it.
struct Arrival {
    before: tempfile::TempDir,
    /// Tokens and their PINs, which no cut touches.
    keys: tempfile::TempDir,
    calls: Vec<Call>,
}

/// Three boxes: a genuine one, a second one with its serial, another genuine one.
fn arrivals(delivery: &Delivery) -> Vec<Arrival> {
    ["DEMO-0001", "DEMO-0001", "DEMO-0002"].map(|serial| arrival(delivery, serial)).into()
}

fn arrival(delivery: &Delivery, serial: &str) -> Arrival {
    let (before, keys) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    copy_folder(&delivery.path("site"), before.path());
    // Tokens are vendor's ground, and a trial's are files that its module writes as it likes.
    for folder in KEYS {
        copy_folder(&before.path().join(folder), &keys.path().join(folder));
    }
    std::fs::remove_dir_all(before.path().join("tokens")).unwrap();
    let trace = delivery.path("trace");
    let mut command = Command::new("strace");
    command.args(["-f", "-y", "-xx", "-s", "100000000", "-e", &format!("trace={}", trace::CALLS), "-o"]).arg(&trace);
    command.arg(env!("CARGO_BIN_EXE_ecugate")).args(delivery.box_with(serial)).current_dir(delivery.path(""));
    let said = command.output().unwrap();
    assert!(matches!(said.status.code(), Some(0 | 10)), "{said:?}");
    Arrival { before, keys, calls: trace::read(&std::fs::read_to_string(trace).unwrap()) }
}

/// What whoever watches has been told so far: entry and leaf hash of a verdict, once the last byte was written.
fn told(said: &[u8]) -> Option<(u64, String)> {
    let said: Value = serde_json::from_slice(said).ok()?;
    Some((said["record"]["seq"].as_u64()?, said["record"]["leaf_hash"].as_str()?.to_owned()))
}

/// One state of the disk, and what went before it.
struct Cut<'a> {
    folder: &'a Path,
    /// Tokens and PINs as they were before the box came.
    keys: &'a Path,
    /// Entries and leaf hashes that somebody was told.
    shown: &'a [(u64, String)],
    /// Notes that were written or shown.
    oracle: &'a Oracle,
    /// The call after which the power went.
    after: (usize, &'a Call),
}

impl Cut<'_> {
    fn words(&self) -> String {
        let (n, call) = self.after;
        format!("after call {n} {call:?}").chars().take(600).collect()
    }
}

/// Takes `count` states of the disk, spread over all calls.
fn each_cut(delivery: &Delivery, count: usize, deaf: fn(&Path) -> bool, mut look: impl FnMut(&Cut<'_>)) {
    let site = std::fs::canonicalize(delivery.path("site")).unwrap();
    let mut dice = Dice(1);
    let (mut shown, mut oracle) = (Vec::new(), Oracle::default());
    let arrivals = arrivals(delivery);
    let points: usize = arrivals.iter().map(|arrival| arrival.calls.iter().filter(|call| counts(call)).count()).sum();
    let mut point = 0;
    oracle.see_folder(arrivals[0].before.path());
    for Arrival { before, keys, calls } in &arrivals {
        let mut disk = Disk::at(before.path(), &site, deaf);
        let mut said = Vec::new();
        for (n, call) in calls.iter().enumerate() {
            disk.apply(call);
            match call {
                Call::Said(bytes) => {
                    said.extend(bytes);
                    oracle.see(&said);
                    shown.extend(told(&said));
                }
                Call::Write { bytes, .. } => oracle.see(bytes),
                _ => {}
            }
            if !counts(call) {
                continue;
            }
            for _ in point * count / points..(point + 1) * count / points {
                let state = tempfile::tempdir().unwrap();
                disk.cut(&mut dice, state.path());
                let (keys, folder) = (keys.path(), state.path());
                look(&Cut { folder, keys, shown: &shown, oracle: &oracle, after: (n, call) });
            }
            point += 1;
        }
    }
    assert_eq!(shown.len(), 3, "what was shown is not in the traces");
}

/// Opens `count` states of the disk and answers how many are not as promised, the first of them in words.
fn broken(count: usize, deaf: fn(&Path) -> bool) -> (usize, String) {
    let delivery = Delivery::founded();
    let (mut broken, mut first) = (0, String::new());
    each_cut(&delivery, count, deaf, |cut| {
        if let Err(why) = opened(cut.folder, cut.shown) {
            broken += 1;
            if first.is_empty() {
                first = format!("{}: {why}", cut.words());
            }
        }
    });
    (broken, first)
}

/// Whether the states after this call differ from those before it.
fn counts(call: &Call) -> bool {
    let of_tokens = |path: &Path| path.components().any(|part| part.as_os_str() == "tokens");
    match call {
        Call::Said(_) => true,
        Call::Open { path, .. }
        | Call::Write { path, .. }
        | Call::Cut { path, .. }
        | Call::Sync { path }
        | Call::Unlink { path }
        | Call::Folder { path } => path.components().any(|part| part.as_os_str() == "site") && !of_tokens(path),
        Call::Rename { to, .. } | Call::Link { to, .. } => !of_tokens(to),
    }
}

/// Ledger and journal open, an audit of each finds nothing, and every verdict that was shown stands in the ledger and
/// below a note of the mark.
fn opened(folder: &Path, shown: &[(u64, String)]) -> Result<(), String> {
    let site = Site::open(folder).map_err(|finding| format!("{finding:?}"))?;
    let ledger =
        Ledger::open(&site.ledger(), site.trusted_keys(), site.marks()).map_err(|fault| format!("{fault:?}"))?;
    let audit = ledger.audit(Depth::Structure, &[7; 32]).map_err(|fault| format!("{fault:?}"))?;
    if !audit.is_clean() {
        return Err(format!("{:?}", audit.differences));
    }
    Journal::audit(&site.journal()).map_err(|fault| format!("{fault:?}"))?;
    let notes = site.marks().iter().flat_map(|mark| mark.read().unwrap()).collect::<Vec<_>>();
    let key = VerifierKey::new(site.origin().as_str(), site.log_key().clone()).unwrap();
    let open = |note: &String| VerifiedCheckpoint::open(note.as_bytes(), &key, &Limits::STANDARD).ok();
    let marked = notes.iter().filter_map(open).map(|checkpoint| checkpoint.size()).max().unwrap();
    for (seq, leaf_hash) in shown {
        if *seq >= marked {
            return Err(format!("entry {seq} was shown and the mark is of {marked} entries"));
        }
        let found = ledger.look(Select::Entry(*seq)).map_err(|fault| format!("{fault:?}"))?;
        if found.first().map(|look| look.leaf_hash.to_string()).as_ref() != Some(leaf_hash) {
            return Err(format!("entry {seq} was shown and is not there"));
        }
    }
    Ok(())
}

fn survives() {
    assert_eq!(broken(states(), |_| false), (0, String::new()));
    tell(&format!("power cuts: {} states opened and audited, every verdict that was shown is there", states()));
}

/// After the cut a box arrives: whatever was signed before, also for what the cut took away, is of the history that goes
/// on.
fn goes_on() {
    let delivery = Delivery::founded();
    let (mut sizes, count) = (0, states() / GOES_ON);
    each_cut(
        &delivery,
        count,
        |_| false,
        |cut| {
            std::fs::remove_dir_all(delivery.path("site")).unwrap();
            copy_folder(cut.folder, &delivery.path("site"));
            copy_folder(cut.keys, &delivery.path("site"));
            let (status, said) = delivery.receive("DEMO-0003", |_| {});
            assert_eq!(status, 0, "{}: {said}", cut.words());
            let mut oracle = cut.oracle.clone();
            oracle.see_folder(&delivery.path("site"));
            sizes += oracle.judge(&delivery.ledger()).unwrap_or_else(|why| panic!("{}: {why}", cut.words()));
        },
    );
    assert!(sizes > 3 * count, "{sizes}");
    tell(&format!(
        "power cuts: {count} of the states went on with another box; {sizes} signed sizes, each of one history"
    ));
}

/// The twin: what the program waits for is not kept. If this were not found, the other would show nothing.
fn lying_disk() {
    for deaf in [(|path| path.extension().is_some_and(|end| end == "db-wal")) as fn(&Path) -> bool, |path| {
        path.extension().is_some_and(|end| end == "note")
    }] {
        let (found, _) = broken(STATES / 10, deaf);
        assert!(found > 0, "no state of a lying disk was found out");
    }
}

/// The journal twice, the write-ahead log and the folder that it is new in, one note of the mark.
fn few_syncs() {
    let delivery = Delivery::founded();
    for serial in ["DEMO-0001", "DEMO-0002"] {
        let calls = arrival(&delivery, serial).calls;
        let syncs: Vec<&Call> = calls.iter().filter(|call| matches!(call, Call::Sync { .. })).collect();
        assert!(syncs.len() <= 5, "{syncs:?}");
    }
}

/// Its bytes can be read, and a power cut could take them away together with those that are written over.
fn unsynced_note() {
    let delivery = Delivery::founded();
    assert_eq!(delivery.receive("DEMO-0001", |_| {}).0, 0);
    delivery.write("site/mark/high-water.lock", b"a note is being written");
    let calls = arrival(&delivery, "DEMO-0002").calls;
    let at = |what: &str, is: &dyn Fn(&Call) -> bool| calls.iter().position(is).unwrap_or_else(|| panic!("no {what}"));
    let synced = at("sync", &|call| matches!(call, Call::Sync { path } if path.ends_with("high-water.0.note")));
    let given_up = at("write", &|call| matches!(call, Call::Write { path, .. } if path.ends_with("high-water.1.note")));
    assert!(synced < given_up, "{synced} and {given_up}");
    assert_eq!(std::fs::read(delivery.path("site/mark/high-water.lock")).unwrap(), b"");
}
