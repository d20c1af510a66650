//! The index: which documents name a unit, a part, a release, a certificate's subject or a CRL's issuer.
//!
//! It is a chain of sorted files, each over a run of ledger entries, the first from entry 0 on. A file says which entry
//! it ends at and that entry's leaf hash, so that an index of another ledger, or of one that was put back, is not used.
//! What is missing of the chain is made anew from the ledger. Whatever else is wrong in it makes a document unfound or
//! read in vain: each document is looked at, and verified at the dock, before it says anything.

mod record;

mod segment;

use super::documents::Documents;
use super::fault::unusable;
use super::key::source;
use super::paper::Paper;

use ecugate_verifier::values::digest::Sha256;
use ecugate_verifier::values::finding::Finding;
use ecugate_verifier::values::limits::Limits;
pub(super) use record::Record;
use segment::Segment;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

/// The ending of the index's files.
const ENDING: &str = "segment";

/// Document entries read from the ledger at once.
const ENTRIES: usize = 64;

/// Records gathered in memory before they are written: 40 MiB.
const GATHERED: usize = 1 << 20;

/// How often the folder is listed where files go while it is looked at: another process joins them.
const LISTINGS: usize = 3;

/// Records of one key that are looked at, the newest of each file: 4,096, some 160 KiB. Stops one key that stands in
/// countless documents.
const LOOKED_AT: usize = 4_096;

/// One thread of a process makes what is missing. (Another process may do the same beside it: the files have names of
/// their own, and of two that cover the same entries either serves.)
static CATCHING_UP: Mutex<()> = Mutex::new(());

/// The index of one ledger's documents, complete up to its last one.
#[derive(Debug)]
pub(super) struct Index {
    folder: PathBuf,
    chain: Vec<Segment>,
}

/// What the index names for one key.
#[derive(Debug, Default)]
pub(super) struct Found {
    /// The records, newest first, those of different suppliers in turn.
    pub(super) records: Vec<Record>,
    /// Whether there are more than were looked at.
    pub(super) more: bool,
}

impl Index {
    /// Opens the index and makes anew what is missing of it.
    ///
    /// # Errors
    /// `intake-unusable` where something is missing and cannot be written; what the ledger says where it does
    /// not answer.
    pub(super) fn open(folder: &Path, documents: &dyn Documents) -> Result<Self, Finding> {
        let mut index = Self { folder: folder.to_owned(), chain: chain(folder, documents)? };
        if documents.from(index.end(), 1)?.is_empty() {
            return Ok(index);
        }
        // Of many boxes that meet a missing index one makes it, and the others find it made.
        let _turn = CATCHING_UP.lock().unwrap_or_else(PoisonError::into_inner);
        index.chain = chain(folder, documents)?;
        index.catch_up(documents)?;
        Ok(index)
    }

    /// Removes the index, so that the next opening makes it anew.
    ///
    /// # Errors
    /// `intake-unusable`.
    pub(super) fn remove(folder: &Path) -> Result<(), Finding> {
        for path in files(folder).map_err(|error| unusable(folder, &error))? {
            fs::remove_file(&path).map_err(|error| unusable(&path, &error))?;
        }
        Ok(())
    }

    /// The documents that the index names for `key`, which may be the beginning of one. Newest first within a
    /// supplier, and suppliers in turn: nobody's papers are crowded out by what another one sends.
    ///
    /// # Errors
    /// `intake-unusable`.
    pub(super) fn find(&self, key: &[u8]) -> Result<Found, Finding> {
        let mut found = Found::default();
        for segment in &self.chain {
            let (records, more) = segment.find(key, LOOKED_AT).map_err(|error| unusable(&self.folder, &error))?;
            found.records.extend(records);
            found.more |= more;
        }
        record::in_turn(&mut found.records);
        Ok(found)
    }

    /// Files in the chain and records in them.
    pub(super) fn size(&self) -> (usize, u64) {
        (self.chain.len(), self.chain.iter().map(Segment::records).sum())
    }

    /// The first entry that the chain does not reach.
    fn end(&self) -> u64 {
        self.chain.last().map_or(0, |segment| segment.end)
    }

    fn catch_up(&mut self, documents: &dyn Documents) -> Result<(), Finding> {
        let mut next = self.end();
        let mut gathered = Vec::new();
        let mut last = None;
        loop {
            let entries = documents.from(next, ENTRIES)?;
            for entry in &entries {
                let source = source(&entry.seen.source);
                // What cannot be read any more is no candidate; it stays where it is in the ledger.
                if let Some(paper) = documents.bytes(&entry.seen.document)?.and_then(read) {
                    gathered.extend(paper.marks.iter().map(|mark| Record::of(mark, entry.seq, source)));
                }
                next = entry.seq.saturating_add(1);
                last = Some(entry.leaf_hash);
                if gathered.len() >= GATHERED {
                    self.add(&mut gathered, next, entry.leaf_hash)?;
                    last = None;
                }
            }
            if entries.len() < ENTRIES {
                break;
            }
        }
        match last {
            Some(leaf) => self.add(&mut gathered, next, leaf),
            None => Ok(()),
        }
    }

    /// Writes the gathered records as the chain's next file, and joins files so that few remain.
    fn add(&mut self, gathered: &mut Vec<Record>, end: u64, leaf: Sha256) -> Result<(), Finding> {
        let folder = self.folder.clone();
        let unusable = |error: io::Error| unusable(&folder, &error);
        fs::create_dir_all(&folder).map_err(unusable)?;
        gathered.sort_unstable();
        gathered.dedup();
        let begin = self.end();
        let records = gathered.drain(..).map(Ok);
        self.chain.push(Segment::write(&folder, begin, end, leaf, records).map_err(unusable)?);
        while let [.., one, other] = self.chain.as_slice() {
            // As in a binary counter: each record is copied once for each doubling.
            if one.records() > other.records().saturating_mul(2) {
                break;
            }
            // Files that were not joined serve as well.
            let Ok(joined) = Segment::join(&folder, one, other) else { break };
            let parts = self.chain.split_off(self.chain.len().saturating_sub(2));
            self.chain.push(joined);
            for part in parts {
                // One that stays is covered by the joined one, and is not used.
                part.remove();
            }
        }
        Ok(())
    }
}

fn read(bytes: Vec<u8>) -> Option<Paper> {
    Paper::read(bytes, &Limits::STANDARD).ok()
}

/// The files that follow on each other from entry 0 on. Of several that begin at one entry the longest.
fn chain(folder: &Path, documents: &dyn Documents) -> Result<Vec<Segment>, Finding> {
    let mut segments: Vec<Segment> = Vec::new();
    for _ in 0..LISTINGS {
        let files = files(folder).map_err(|error| unusable(folder, &error))?;
        segments = files.iter().filter_map(|path| Segment::open(path)).collect();
        if files.iter().all(|path| path.exists()) {
            break;
        }
    }
    segments.sort_by_key(|segment| (segment.begin, std::cmp::Reverse(segment.end)));
    let mut chain: Vec<Segment> = Vec::new();
    for segment in segments {
        if segment.begin != chain.last().map_or(0, |last| last.end) {
            continue;
        }
        let last = documents.entry(segment.end.saturating_sub(1))?;
        if last.is_some_and(|entry| entry.leaf_hash == segment.leaf) {
            chain.push(segment);
        }
    }
    Ok(chain)
}

/// The index's files. A folder that is not there has none.
fn files(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(error),
    };
    let paths = entries.map(|entry| entry.map(|entry| entry.path())).collect::<io::Result<Vec<_>>>()?;
    Ok(paths.into_iter().filter(|path| path.extension().is_some_and(|ending| ending == ENDING)).collect())
}
