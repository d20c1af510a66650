//! Flipped bits: copies of a small real ledger, each with one bit changed. Whether the flip changed a value is decided by
//! a plain reader; the library must then say so, and must never panic or hang, whatever was flipped.

mod plain;

use crate::campaign::{number, tell};
use crate::delivery::{Delivery, without};
use crate::dice::Dice;
use crate::own_process::{self, DEADLINE, Stage};
use ecugate::ledger::{Depth, Ledger};
use ecugate::site::Site;
use libtest_mimic::{Failed, Trial};
use std::collections::{BTreeMap, BTreeSet};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

/// Flips of one run of the tests, in the file alone and with a write-ahead log beside it. A campaign sets
/// `ECUGATE_BIT_FLIPS` to another sum, or to `all`.
const FLIPS: usize = 2_000;
/// One in so many is made with a write-ahead log.
const WITH_LOG: usize = 4;

pub(crate) fn trials() -> Vec<Trial> {
    vec![
        trial("any_flipped_bit_of_a_ledger_changes_no_value_or_is_found", &[file_alone]),
        trial("any_flipped_bit_of_a_ledger_with_its_write_ahead_log_changes_no_value_or_is_found", &[with_log]),
    ]
}

fn trial(name: &'static str, stages: &'static [Stage]) -> Trial {
    match ecugate::hsm::softhsm() {
        Err(why) => Trial::test(format!("{name} (needs: {why})"), || Ok(())).with_ignored_flag(true),
        // A flip that ends the process, or hangs in it, ends this test alone.
        Ok(_) => Trial::test(name, move || {
            let deadline = flips().map_or(Duration::MAX, |flips| DEADLINE + Duration::from_secs(flips as u64 / 2));
            own_process::run_within(deadline, name, |_| BTreeMap::new(), stages).map_err(Failed::from)
        }),
    }
}

/// How many flips, `None` for every bit.
fn flips() -> Option<usize> {
    if std::env::var("ECUGATE_BIT_FLIPS").is_ok_and(|text| text == "all") {
        return None;
    }
    Some(number("ECUGATE_BIT_FLIPS", FLIPS))
}

fn file_alone(folder: &Path) {
    let made = Made::new(folder, &["ledger.db"]);
    made.flip_all(flips().map(|flips| flips - flips / WITH_LOG));
}

fn with_log(folder: &Path) {
    let made = Made::new(folder, &["ledger.db", "ledger.db-wal"]);
    made.flip_all(flips().map(|flips| flips / WITH_LOG));
}

/// A ledger as the program left it, and what may be read in it.
struct Made<'f> {
    folder: &'f Path,
    delivery: Delivery,
    files: Vec<(&'static str, Vec<u8>)>,
    /// What the plain reader reads in it.
    untouched: String,
    /// What it reads where the last commit is lost: a stored checkpoint, which a power cut may take away.
    without_last_commit: Option<String>,
}

/// What one flip came to.
struct Flip {
    place: String,
    /// Reasons that the library gave; none where it found nothing.
    said: BTreeSet<String>,
    read: Read,
    /// Whether SQLite's own check is content.
    twin: bool,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Read {
    Same,
    /// As a power cut may leave it.
    Shorter,
    Other,
    Unreadable,
}

impl<'f> Made<'f> {
    /// Units in every state, made by the program. What came first lies in the file, the rest in the log if it is kept.
    fn new(folder: &'f Path, files: &[&'static str]) -> Self {
        let delivery = Delivery::founded();
        let (file, log) = (delivery.path("site/ledger.db"), delivery.path("site/ledger.db-wal"));
        let settle = || {
            let connection = plain::open(&file).unwrap();
            connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(())).unwrap();
        };
        assert_eq!(delivery.receive("DEMO-0001", |_| {}).0, 0);
        assert_eq!(delivery.receive("DEMO-0001", |_| {}).0, 10, "suspect, and the first is contested");
        let (status, _) = delivery.receive("DEMO-0004", |arguments| {
            without(arguments, "root.crl");
            without(arguments, "issuing.crl");
        });
        assert_eq!(status, 21, "held");
        settle();
        let run = |call: &str| assert_eq!(delivery.run(&call.split(' ').collect::<Vec<_>>()).status, 0, "{call}");
        for (serial, out) in [("DEMO-0002", "first"), ("DEMO-0003", "second")] {
            let (status, said) = delivery.receive(serial, |_| {});
            assert_eq!(status, 0, "{said}");
            run(&format!("admission --site site --record {} --consumer erp --out {out}", said["record"]["seq"]));
        }
        run("redeem --site site --admission first --consumer erp --environment trial --reference GR-1");
        if !files.contains(&"ledger.db-wal") {
            settle();
            assert!(!log.exists() || std::fs::metadata(&log).unwrap().len() == 0);
        }
        let files: Vec<_> =
            files.iter().map(|name| (*name, std::fs::read(delivery.path("site").join(name)).unwrap())).collect();
        let mut made = Self { folder, delivery, files, untouched: String::new(), without_last_commit: None };
        made.untouched = made.read("untouched", &made.files).1.unwrap();
        let shorter: Vec<_> =
            made.files.iter().map(|(name, bytes)| (*name, log_without_last_commit(name, bytes))).collect();
        made.without_last_commit = (made.files.len() > 1).then(|| made.read("shorter", &shorter).1.unwrap());
        assert_eq!(made.library(&made.write("untouched", &made.files)), BTreeSet::new());
        assert_eq!(made.library(&made.write("shorter", &shorter)), BTreeSet::new());
        made
    }

    /// Lays copies into a folder of their own.
    fn write(&self, name: &str, files: &[(&'static str, Vec<u8>)]) -> std::path::PathBuf {
        let folder = self.folder.join(name);
        let _ = std::fs::remove_dir_all(&folder);
        std::fs::create_dir(&folder).unwrap();
        for (name, bytes) in files {
            std::fs::write(folder.join(name), bytes).unwrap();
        }
        folder.join("ledger.db")
    }

    /// Whether SQLite's own check is content, and everything that is there to be read.
    fn read(&self, name: &str, files: &[(&'static str, Vec<u8>)]) -> (bool, rusqlite::Result<String>) {
        match plain::open(&self.write(name, files)) {
            Ok(connection) => (plain::integrity(&connection), plain::dump(&connection)),
            Err(error) => (false, Err(error)),
        }
    }

    /// The reasons that the library gives. With a log the marks are asked: without them nobody knows that an end is lost.
    fn library(&self, path: &Path) -> BTreeSet<String> {
        let site = Site::open(&self.delivery.path("site")).unwrap();
        let marks = if self.files.len() > 1 { site.marks() } else { Vec::new() };
        let audit =
            Ledger::open(path, site.trusted_keys(), marks).and_then(|ledger| ledger.audit(Depth::Signatures, &[7; 32]));
        match audit {
            Err(fault) => [fault.reason().code().to_owned()].into(),
            Ok(audit) => {
                let unknown = (!audit.not_understood.is_empty()).then(|| "not-understood".to_owned());
                audit.differences.iter().map(|found| found.reason.code().to_owned()).chain(unknown).collect()
            }
        }
    }

    fn bits(&self) -> usize {
        self.files.iter().map(|(_, bytes)| bytes.len() * 8).sum()
    }

    /// Flips one bit of the copies that a worker has.
    fn flip(&self, worker: usize, mut bit: usize) -> Flip {
        let mut files = self.files.clone();
        let (name, bytes) = files
            .iter_mut()
            .find(|(_, bytes)| {
                let inside = bit < bytes.len() * 8;
                bit -= if inside { 0 } else { bytes.len() * 8 };
                inside
            })
            .unwrap();
        bytes[bit / 8] ^= 1 << (bit % 8);
        let place =
            format!("{name}: bit {} of byte {} ({} of page {})", bit % 8, bit / 8, bit / 8 % 4096, bit / 8 / 4096 + 1);
        let path = self.write(&format!("library-{worker}"), &files);
        let said = catch_unwind(AssertUnwindSafe(|| self.library(&path)));
        let said = said.unwrap_or_else(|_| ["panic".to_owned()].into());
        let (twin, dump) = self.read(&format!("plain-{worker}"), &files);
        let read = match dump {
            Err(_) => Read::Unreadable,
            Ok(dump) if dump == self.untouched => Read::Same,
            Ok(dump) if Some(&dump) == self.without_last_commit.as_ref() => Read::Shorter,
            Ok(_) => Read::Other,
        };
        Flip { place, said, read, twin }
    }

    fn flip_all(&self, count: Option<usize>) {
        let bits = self.bits();
        let count = count.unwrap_or(bits);
        // One bit in each of as many stretches of the file.
        let mut dice = Dice(2);
        let chosen: Vec<usize> = (0..count)
            .map(|n| (n * bits / count, (n + 1) * bits / count))
            .map(|(from, to)| from + dice.below(to - from))
            .collect();
        let next = AtomicUsize::new(0);
        let workers = std::thread::available_parallelism().unwrap().get();
        let flips: Vec<Flip> = std::thread::scope(|scope| {
            let workers: Vec<_> = (0..workers)
                .map(|worker| {
                    let (next, chosen) = (&next, &chosen);
                    scope.spawn(move || {
                        let mut flips = Vec::new();
                        while let Some(bit) = chosen.get(next.fetch_add(1, Ordering::Relaxed)) {
                            flips.push(self.flip(worker, *bit));
                        }
                        flips
                    })
                })
                .collect();
            workers.into_iter().flat_map(|worker| worker.join().unwrap()).collect()
        });
        judge(&flips, bits);
    }
}

/// What the library may say of a flipped bit: what is not as it should be; a file format or a schema with a number that
/// SQLite or this version does not know; entries that are gone with the log that held them.
const REASONS: [&str; 4] = ["ledger-differs", "ledger-failed", "ledger-newer", "ledger-rolled-back"];

fn judge(flips: &[Flip], bits: usize) {
    let counted = |holds: &dyn Fn(&Flip) -> bool| flips.iter().filter(|flip| holds(flip)).count();
    let is_changed = |flip: &Flip| matches!(flip.read, Read::Other | Read::Unreadable);
    let changed = counted(&is_changed);
    let missed_by_twin = counted(&|flip| is_changed(flip) && flip.twin);
    tell(&format!(
        "bit flips: {} of {bits} bits; {changed} changed a value or left nothing to read ({} of these), all found; \
         SQLite's own check alone missed {missed_by_twin}",
        flips.len(),
        counted(&|flip| flip.read == Read::Unreadable),
    ));
    let missed: Vec<&str> =
        flips.iter().filter(|flip| is_changed(flip) && flip.said.is_empty()).map(|flip| flip.place.as_str()).collect();
    assert_eq!(missed, Vec::<&str>::new(), "flips that nobody noticed");
    let wrong: Vec<(&str, &BTreeSet<String>)> = flips
        .iter()
        .filter(|flip| flip.said.iter().any(|reason| !REASONS.contains(&reason.as_str())))
        .map(|flip| (flip.place.as_str(), &flip.said))
        .collect();
    assert_eq!(wrong, Vec::new(), "panics, and reasons that are not of a flipped bit");
    assert!(missed_by_twin > 0, "a check that derives nothing misses nothing, so these flips show nothing");
}

/// A write-ahead log without the frames of its last commit; any other file as it is.
fn log_without_last_commit(name: &str, bytes: &[u8]) -> Vec<u8> {
    if !name.ends_with("-wal") {
        return bytes.to_vec();
    }
    // https://www.sqlite.org/fileformat2.html#walformat
    let number = |at: usize| u32::from_be_bytes(bytes[at..at + 4].try_into().unwrap());
    let frame = 24 + usize::try_from(number(8)).unwrap();
    let frames = (32..bytes.len()).step_by(frame).take_while(|at| bytes[at + 8..at + 16] == bytes[16..24]);
    let commits: Vec<usize> = frames.filter(|at| number(at + 4) > 0).collect();
    bytes[..commits[commits.len() - 2] + frame].to_vec()
}
