//! Process death and faulty system calls, at one call after the other: the real program is stopped by `strace`, then the
//! same box is presented again, and then a second one like it.
//!
//! What is promised: no acknowledged record is lost, none is invented, a box is never a clone of itself, and a second
//! box always is one.

use crate::campaign::{number, tell};
use crate::delivery::{Delivery, Said, copy_folder};
use crate::oracle::Oracle;
use ecugate::ledger::Depth;
use ecugate_verifier::inputs::custody::State;
use ecugate_verifier::values::ident::{Serial, UnitKey};
use libtest_mimic::Trial;
use serde_json::Value;
use std::os::unix::process::ExitStatusExt as _;
use std::process::{Command, Output};

/// Calls that change what the gate keeps or says. A process that dies between two of them leaves what it leaves at the
/// second, so with every one of them every moment is tried.
const WRITES: &str = "write,pwrite64";
const SYNCS: &str = "fsync,fdatasync";
const NAMES: &str = "rename,renameat,renameat2,link,linkat,unlink,unlinkat,ftruncate";
/// Calls that lock it. They are many and leave nothing behind: in a run of the tests every third is taken.
const LOCKS: &str = "fcntl,flock";

/// Which box is at the gate when the program dies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum At {
    /// A genuine one.
    First,
    /// A second one with the serial of one that was accepted: it is suspect, and the first becomes contested.
    Second,
    /// One whose hold the journal keeps: the hold is entered first, then the box is judged.
    Held,
}

pub(crate) fn trials() -> Vec<Trial> {
    vec![
        trial("killed_at_any_write_a_box_presented_again_is_its_own_record_and_no_clone", || {
            each_point(At::First, WRITES, "signal=KILL", 1);
        }),
        trial("killed_at_any_sync_or_renaming_a_box_presented_again_is_its_own_record_and_no_clone", || {
            each_point(At::First, SYNCS, "signal=KILL", 1);
            each_point(At::First, NAMES, "signal=KILL", 1);
        }),
        trial("killed_at_any_lock_or_opening_a_box_presented_again_is_its_own_record_and_no_clone", || {
            each_point(At::First, LOCKS, "signal=KILL", 3);
        }),
        trial("killed_at_any_change_a_second_box_presented_again_is_suspect_and_contests_the_first_once", || {
            each_point(At::Second, WRITES, "signal=KILL", 1);
            each_point(At::Second, SYNCS, "signal=KILL", 1);
            each_point(At::Second, NAMES, "signal=KILL", 1);
        }),
        trial("killed_at_any_change_a_hold_of_the_journal_is_entered_once_and_its_box_is_no_clone", || {
            each_point(At::Held, WRITES, "signal=KILL", 1);
            each_point(At::Held, SYNCS, "signal=KILL", 1);
            each_point(At::Held, NAMES, "signal=KILL", 1);
        }),
        trial("an_io_error_at_any_write_or_sync_is_a_hold_and_nothing_is_lost", || {
            each_point(At::First, WRITES, "error=EIO", 1);
            each_point(At::First, SYNCS, "error=EIO", 1);
        }),
        trial("a_full_disk_at_any_write_is_a_hold_and_nothing_is_lost", || {
            each_point(At::First, "pwrite64", "error=ENOSPC", 1);
            each_point(At::First, "write", "error=ENOSPC", 1);
        }),
    ]
}

pub(crate) fn trial(name: &'static str, test: fn()) -> Trial {
    match Command::new("strace").arg("-V").output() {
        Ok(_) => crate::receive::trial(name, test),
        Err(_) => Trial::test(format!("{name} (needs: strace)"), || Ok(())).with_ignored_flag(true),
    }
}

/// Stops the program at each of these calls until it is no longer reached; at every `stride`-th where that is more than
/// one. A campaign sets `ECUGATE_KILL_STRIDE` to 1.
fn each_point(at: At, calls: &str, fault: &str, stride: usize) {
    let delivery = Delivery::founded();
    match at {
        At::First => {}
        At::Second => assert_eq!(present(&delivery, "DEMO-0001").status, 0),
        At::Held => {
            std::fs::rename(delivery.path("site/tokens"), delivery.path("away")).unwrap();
            assert_eq!(present(&delivery, "DEMO-0001").status, 21);
            std::fs::remove_dir_all(delivery.path("site/tokens")).unwrap();
            std::fs::rename(delivery.path("away"), delivery.path("site/tokens")).unwrap();
        }
    }
    copy_folder(&delivery.path("site"), &delivery.path("before"));
    let mut points = 0;
    for point in (1..).step_by(number("ECUGATE_KILL_STRIDE", stride)) {
        std::fs::remove_dir_all(delivery.path("site")).unwrap();
        copy_folder(&delivery.path("before"), &delivery.path("site"));
        let first = faulty(&delivery, "DEMO-0001", calls, &format!("{fault}:when={point}"));
        if matches!(first.status.code(), Some(0 | 10)) && !was_hit(&delivery) {
            break;
        }
        points += 1;
        presented_again(&delivery, at, &first, &format!("{calls} {fault} at {point}"));
    }
    assert!(points > 0, "{calls} is never reached");
    tell(&format!("{fault}: {points} points of {calls}, {at:?}"));
}

/// Presents a box under `strace`, which spoils one call of any thread of the program, on what the gate keeps and on its
/// answer. Files of tokens are left alone: SoftHSM rewrites them in place at every login, and a token that was cut off in
/// the middle of that is gone; what a module does with its token is not ours to mend.
fn faulty(delivery: &Delivery, serial: &str, calls: &str, fault: &str) -> Output {
    let answer = std::fs::File::create(delivery.path("answer")).unwrap();
    let mut command = Command::new("strace");
    command.args(["-f", "-qq", "-e", "signal=none", "-o"]).arg(delivery.path("trace"));
    command.args(["-e", &format!("trace={calls}"), "-e", &format!("inject={calls}:{fault}")]);
    for path in KEPT {
        command.arg("-P").arg(delivery.path(path));
    }
    command.arg(env!("CARGO_BIN_EXE_ecugate")).args(delivery.box_with(serial)).current_dir(delivery.path(""));
    let mut output = command.stdout(answer).output().unwrap();
    output.stdout = std::fs::read(delivery.path("answer")).unwrap();
    output
}

/// What the gate keeps, and where its answer goes.
pub(crate) const KEPT: [&str; 14] = [
    "answer",
    "site/ledger.db",
    "site/ledger.db-wal",
    "site/ledger.db-shm",
    "site",
    "site/journal",
    "site/journal/000001.jsonl",
    "site/journal/lock",
    "site/journal/live",
    "site/mark",
    "site/mark/high-water.lock",
    "site/mark/high-water.0.note",
    "site/mark/high-water.1.note",
    "site/opening.lock",
];

fn was_hit(delivery: &Delivery) -> bool {
    let trace = String::from_utf8_lossy(&std::fs::read(delivery.path("trace")).unwrap()).into_owned();
    trace.contains("(INJECTED)") || trace.contains("+++ killed by SIGKILL")
}

/// The same box again, then a second one like it.
fn presented_again(delivery: &Delivery, at: At, first: &Output, point: &str) {
    let mut oracle = Oracle::default();
    oracle.see_folder(&delivery.path("site"));
    oracle.see(&first.stdout);
    let said: Option<Value> = serde_json::from_slice(&first.stdout).ok();
    let outcome = said.as_ref().map(|said| said["outcome"].as_str().unwrap());
    let right = if at == At::Second { "quarantine" } else { "accept" };
    let shown = outcome == Some(right);
    let died = first.status.signal().is_some() || first.status.code() == Some(137);
    match first.status.code() {
        Some(0 | 10) => assert!(shown && (first.status.code() == Some(0)) == (right == "accept"), "{point}: {first:?}"),
        Some(20 | 21 | 30) => assert!(!shown || first.status.code() == Some(30), "{point}: {first:?}"),
        // Whoever could not read the answer has none.
        Some(2) => assert!(!shown, "{point}: {first:?}"),
        _ => assert!(died, "{point}: {first:?}"),
    }
    if let Some(seq) = said.as_ref().and_then(|said| said["record"]["seq"].as_u64()) {
        let look = delivery.ledger().look(ecugate::ledger::Select::Entry(seq)).unwrap();
        let leaf_hash = said.as_ref().unwrap()["record"]["leaf_hash"].clone();
        assert_eq!(look[0].leaf_hash.to_string(), leaf_hash, "{point}: what was shown stands in the ledger");
    }
    let again = present(delivery, "DEMO-0001");
    let second = match at {
        At::Second => {
            assert_eq!(again.status, 10, "{point}: {first:?} {again:?}");
            present(delivery, "DEMO-0001")
        }
        // It was seen and handed over. Whether the last line of the journal was written decides what comes now; the
        // box is either its own record or a second one, and nothing else.
        _ if shown => {
            assert!(matches!(again.status, 0 | 10), "{point}: {again:?}");
            again
        }
        _ => {
            assert_eq!(again.status, 0, "{point}: the box is a clone of itself, or stopped: {first:?} {again:?}");
            present(delivery, "DEMO-0001")
        }
    };
    if second.status == 0 {
        assert_eq!(present(delivery, "DEMO-0001").status, 10, "{point}: a box like it is taken too");
    } else {
        assert_eq!(second.status, 10, "{point}: {second:?}");
    }
    let ledger = delivery.ledger();
    let audit = ledger.audit(Depth::Signatures).unwrap();
    assert!(audit.is_clean(), "{point}: {audit:?}");
    oracle.see_folder(&delivery.path("site"));
    oracle.judge(&ledger).unwrap_or_else(|why| panic!("{point}: {why}"));
    let serial = UnitKey::serial(&Serial::new("DEMO-0001").unwrap());
    let states: Vec<State> = ledger.sightings(&[serial]).unwrap().into_iter().map(|sighting| sighting.state).collect();
    let of = |state| states.iter().filter(|other| **other == state).count();
    assert_eq!((of(State::Accepted), of(State::Contested)), (0, 1), "{point}: {states:?}");
    if at == At::Held {
        assert_eq!(of(State::Held), 1, "{point}: {states:?}");
    }
}

fn present(delivery: &Delivery, serial: &str) -> Said {
    let arguments = delivery.box_with(serial);
    delivery.run(&arguments.iter().map(String::as_str).collect::<Vec<_>>())
}
