//! One sorted file of the index: a head, then records of one length, searched by halves without reading the rest.

use super::ENDING;
use super::record::{BYTES, Record};
use crate::new_file;
use ecugate_verifier::values::digest::Sha256;
use std::cmp::Ordering;
use std::fs::{self, File};
use std::io::{self, BufReader, BufWriter, Read as _, Write as _};
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};

/// What every file of the index begins with; another version of the form begins otherwise.
const MAGIC: &[u8; 16] = b"ecugate intake 1";

/// Bytes before the first record: magic, first entry, entry after the last, leaf hash of the last.
const HEAD: usize = 64;

/// One file of the index.
#[derive(Debug)]
pub(super) struct Segment {
    path: PathBuf,
    file: File,
    /// The first entry that it covers.
    pub(super) begin: u64,
    /// The entry after the last.
    pub(super) end: u64,
    /// Leaf hash of the last entry.
    pub(super) leaf: Sha256,
    records: u64,
}

impl Segment {
    /// Opens a file; `None` where it is not one of ours, whole.
    pub(super) fn open(path: &Path) -> Option<Self> {
        // To open a pipe would wait for a writer.
        if !path.symlink_metadata().is_ok_and(|about| about.is_file()) {
            return None;
        }
        let file = File::open(path).ok()?;
        let length = file.metadata().ok().filter(|about| about.is_file())?.len();
        let mut head = [0; HEAD];
        file.read_exact_at(&mut head, 0).ok()?;
        let (magic, rest) = head.split_first_chunk::<16>()?;
        let (begin, rest) = rest.split_first_chunk::<8>()?;
        let (end, leaf) = rest.split_first_chunk::<8>()?;
        let (begin, end) = (u64::from_be_bytes(*begin), u64::from_be_bytes(*end));
        let body = length.checked_sub(HEAD as u64)?;
        if magic != MAGIC || begin >= end || body % BYTES as u64 != 0 {
            return None;
        }
        let leaf = Sha256::from_bytes(leaf.try_into().ok()?);
        Some(Self { path: path.to_owned(), file, begin, end, leaf, records: body / BYTES as u64 })
    }

    /// Writes a file of records that come in order, whole or not at all.
    pub(super) fn write(
        folder: &Path,
        begin: u64,
        end: u64,
        leaf: Sha256,
        records: impl Iterator<Item = io::Result<Record>>,
    ) -> io::Result<Self> {
        let name = format!("{begin}-{end}");
        let (beside, file) = new_file::numbered(|n| folder.join(format!(".{name}-{n}.part")))?;
        // Another process may cover the same entries beside this one: neither takes the other's file away.
        let named = |n| folder.join(format!("{name}-{n}.{ENDING}"));
        let written = fill(file, begin, end, leaf, records).and_then(|()| new_file::publish_numbered(&beside, named));
        // After a link the name beside is one too many; after a fault it holds nothing that anybody waits for.
        let _ = fs::remove_file(&beside);
        let path = written?;
        File::open(folder)?.sync_all()?;
        Self::open(&path).ok_or_else(|| io::Error::other("an index file that was just written is not whole"))
    }

    /// Joins two files that follow on each other.
    pub(super) fn join(folder: &Path, one: &Self, other: &Self) -> io::Result<Self> {
        let (mut ones, mut others) = (one.all().peekable(), other.all().peekable());
        let joined = std::iter::from_fn(move || match (ones.peek(), others.peek()) {
            (Some(Ok(a)), Some(Ok(b))) if b < a => others.next(),
            (None | Some(Ok(_)), Some(Err(_))) | (None, Some(Ok(_))) => others.next(),
            _ => ones.next(),
        });
        Self::write(folder, one.begin, other.end, other.leaf, joined)
    }

    /// Number of records.
    pub(super) const fn records(&self) -> u64 {
        self.records
    }

    /// The records whose key begins with `key`, at most the last `most` of them, and whether there are more.
    pub(super) fn find(&self, key: &[u8], most: usize) -> io::Result<(Vec<Record>, bool)> {
        let first = self.split(|begin| begin.cmp(key) == Ordering::Less, key.len())?;
        let end = self.split(|begin| begin.cmp(key) != Ordering::Greater, key.len())?;
        let least = end.saturating_sub(most as u64);
        let records = (first.max(least)..end).map(|at| self.record(at)).collect::<io::Result<Vec<_>>>()?;
        Ok((records, first < least))
    }

    /// Removes the file.
    pub(super) fn remove(self) {
        let _ = fs::remove_file(&self.path);
    }

    /// The number of records for whose keys' beginnings `before` holds: they stand first.
    fn split(&self, before: impl Fn(&[u8]) -> bool, length: usize) -> io::Result<u64> {
        let (mut low, mut high) = (0, self.records);
        while low < high {
            let middle = low + (high - low) / 2;
            let record = self.record(middle)?;
            if before(record.key.0.get(..length).unwrap_or_default()) {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        Ok(low)
    }

    fn record(&self, at: u64) -> io::Result<Record> {
        let mut bytes = [0; BYTES];
        self.file.read_exact_at(&mut bytes, HEAD as u64 + at * BYTES as u64)?;
        Ok(Record::from_bytes(&bytes))
    }

    /// Every record in its order. Of the opened file: its name may be gone by now.
    fn all(&self) -> impl Iterator<Item = io::Result<Record>> {
        let mut file = BufReader::with_capacity(1 << 18, From { file: &self.file, at: HEAD as u64 });
        (0..self.records).map(move |_| {
            let mut bytes = [0; BYTES];
            file.read_exact(&mut bytes).map(|()| Record::from_bytes(&bytes))
        })
    }
}

/// A file read from a place on, without a cursor that others share.
struct From<'a> {
    file: &'a File,
    at: u64,
}

impl io::Read for From<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.file.read_at(buffer, self.at)?;
        self.at += read as u64;
        Ok(read)
    }
}

fn fill(
    file: File,
    begin: u64,
    end: u64,
    leaf: Sha256,
    records: impl Iterator<Item = io::Result<Record>>,
) -> io::Result<()> {
    let mut file = BufWriter::with_capacity(1 << 18, file);
    file.write_all(MAGIC)?;
    file.write_all(&begin.to_be_bytes())?;
    file.write_all(&end.to_be_bytes())?;
    file.write_all(leaf.as_bytes())?;
    for record in records {
        file.write_all(&record?.to_bytes())?;
    }
    file.into_inner().map_err(io::IntoInnerError::into_error)?.sync_all()
}
