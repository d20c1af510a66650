//! Two ledgers, a small one and a large one, filled once for all parts that need them: receipts signed beforehand, in
//! groups of 100, a checkpoint each.

use super::receipts::{FIRST, Marked, Sealed, Station};
use ecugate::ledger::{FileMark, Ledger, Mark as _, Recorded};
use ecugate::site::Site;
use std::path::Path;
use std::sync::mpsc;
use std::thread;

/// Records of the small one.
pub(crate) const SMALL: u64 = 10_000;
/// Records of the large one, where the caller names no number.
const LARGE: u64 = 100_000;
/// Names another number of them: a campaign takes a million or ten.
const RECORDS: &str = "ECUGATE_BENCH_RECORDS";
/// Receipts that are signed at a time.
const CHUNK: u64 = 2_000;
/// Records under one checkpoint.
pub(crate) const GROUP: u64 = 100;

/// A ledger with so many records.
pub(crate) struct Filled {
    folder: tempfile::TempDir,
    site: Site,
    pub(crate) ledger: Ledger,
    records: u64,
    last: Recorded,
    marked: bool,
}

/// Both, and the station that signs in them.
pub(crate) struct Ledgers {
    pub(crate) station: Station,
    pub(crate) small: Filled,
    pub(crate) large: Filled,
}

impl Ledgers {
    pub(crate) fn fill() -> Self {
        let large = match std::env::var(RECORDS) {
            Err(_) => LARGE,
            Ok(text) => text.parse().unwrap_or_else(|_| panic!("{RECORDS}: expected a number, found {text}")),
        };
        let station = Station::new();
        let [small, large] = [SMALL, large].map(|records| {
            let mut filled = Filled::new(&station);
            filled.fill(&station, records);
            filled
        });
        Self { station, small, large }
    }
}

impl Filled {
    fn new(station: &Station) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let (site, mut ledger) = station.found(folder.path(), Marked::InMemory);
        let first = station.sealed(0..1).pop().unwrap();
        let last = ledger.append_group(vec![first.into_member()], &station.log).pop().unwrap().unwrap();
        Self { folder, site, ledger, records: 1, last, marked: false }
    }

    /// Signs the next receipts while the last ones are appended.
    fn fill(&mut self, station: &Station, records: u64) {
        let (sender, signed) = mpsc::sync_channel(1);
        let first = self.records;
        thread::scope(|scope| {
            scope.spawn(move || {
                let mut begin = first;
                while begin < records {
                    let end = records.min(begin + CHUNK);
                    sender.send(station.sealed(begin..end)).unwrap();
                    begin = end;
                }
            });
            signed.iter().for_each(|receipts| self.append(station, receipts, GROUP));
        });
    }

    pub(crate) fn records(&self) -> u64 {
        self.records
    }

    /// The next receipts, signed for their places.
    pub(crate) fn signed(&self, station: &Station, count: u64) -> Vec<Sealed> {
        station.sealed(self.records..self.records + count)
    }

    /// Appends them, so many a group.
    pub(crate) fn append(&mut self, station: &Station, receipts: Vec<Sealed>, group: u64) {
        let mut receipts = receipts.into_iter().map(Sealed::into_member).peekable();
        while receipts.peek().is_some() {
            let members: Vec<_> = receipts.by_ref().take(usize::try_from(group).unwrap()).collect();
            for answer in self.ledger.append_group(members, &station.log) {
                self.last = answer.unwrap();
                assert_eq!(self.last.seq, self.records + FIRST);
                self.records += 1;
            }
        }
    }

    /// The folder of a site in which the program finds this ledger and its mark.
    pub(crate) fn site_folder(&mut self) -> &Path {
        let mut mark = FileMark::at(self.site.mark());
        let (size, note) = (self.last.size, self.last.checkpoint.as_str());
        if self.marked {
            // What stands there is this ledger's own.
            let counts = |note: &str| note.lines().nth(1).and_then(|size| size.parse().ok());
            mark.raise(size, note, &counts).unwrap();
        } else {
            mark.begin(size, note).unwrap();
        }
        self.marked = true;
        self.folder.path()
    }

    /// The ledger's file.
    pub(crate) fn file(&self) -> std::path::PathBuf {
        self.site.ledger()
    }
}
