//! Process death and faulty system calls, at one call after the other: the real program is stopped by `strace`, then the
//! same box is presented again, and then a second one like it.
//!
//! What is promised: no acknowledged record is lost, none is invented, a box is never a clone of itself, and a second
//! box always is one. Kills at moments that no call chooses, one after the other on one site, are in `timed`.

mod arrived;

mod timed;

use crate::campaign::{number, tell};
use crate::delivery::{Delivery, copy_folder};
use crate::oracle::Oracle;
use arrived::{Arrived, At};
use libtest_mimic::Trial;
use std::process::{Command, Output};

/// Calls that change what the gate keeps or says. A process that dies between two of them leaves what it leaves at the
/// second, so with every one of them every moment is tried.
const WRITES: &str = "write,pwrite64";
const SYNCS: &str = "fsync,fdatasync";
const NAMES: &str = "rename,renameat,renameat2,link,linkat,unlink,unlinkat,ftruncate";
/// Calls that lock it. They are many and leave nothing behind: in a run of the tests every third is taken.
const LOCKS: &str = "fcntl,flock";

pub(crate) fn trials() -> Vec<Trial> {
    let mut trials = timed::trials();
    trials.extend([
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
    ]);
    trials
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
    delivery.be_patient();
    let arrived = Arrived::at(&delivery, "DEMO-0001", at);
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
        let point = format!("{calls} {fault} at {point}");
        let (mut arrived, mut oracle) = (arrived.clone(), Oracle::default());
        oracle.see(&first.stdout);
        arrived.struck(&first, false, &point);
        arrived.presented_again(&mut oracle, &point);
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
