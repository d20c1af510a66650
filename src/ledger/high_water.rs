//! The mark in two files: the latest signed checkpoints, in a folder that should lie on another disk than the ledger.

use super::mark::{Counts, Mark};
use crate::turn;
use ecugate_verifier::values::finding::Finding;
use ecugate_verifier::values::limits::Limits;
use ecugate_verifier::values::reason::Reason;
use std::fs::{self, DirBuilder, File, Metadata, OpenOptions, TryLockError};
use std::io::{self, ErrorKind, Read as _, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, FileExt as _, MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

/// The notes. One of them is written while the other stands.
const SLOTS: [&str; 2] = ["high-water.0.note", "high-water.1.note"];
const LOCK: &str = "high-water.lock";

/// Stands in the lock's file while a note is written. Not waited for: it is there for whoever comes after a process that
/// died or failed in the middle, whose note can be read and may not be on the disk. After a power cut what can be read is.
const UNDER_WAY: &[u8] = b"a note is being written\n";

/// How often the notes are read again while somebody writes them.
const READINGS: usize = 100;

/// `high-water.0.note` and `high-water.1.note` in a folder, and the lock beside them under which they are written.
#[derive(Clone, Debug)]
pub struct FileMark {
    folder: PathBuf,
}

impl FileMark {
    /// The mark in this folder. Nothing is made or read yet.
    #[must_use]
    pub fn at(folder: impl Into<PathBuf>) -> Self {
        Self { folder: folder.into() }
    }

    fn slots(&self) -> [PathBuf; 2] {
        SLOTS.map(|slot| self.folder.join(slot))
    }

    /// Taken by whoever writes a note. It goes with the file, also when a process dies.
    fn lock(&self) -> Result<File, Finding> {
        let path = self.folder.join(LOCK);
        let unusable = |error: io::Error| unusable(&path, &error);
        let file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .open(&path)
            .map_err(unusable)?;
        require_own(&path, &file).map_err(unusable)?;
        match turn::take(&file) {
            Ok(()) => Ok(file),
            Err(TryLockError::Error(error)) => Err(unusable(error)),
            Err(TryLockError::WouldBlock) => {
                let found = "another process that has held it for ten seconds";
                Err(Finding::new(Reason::LedgerBusy, path.display().to_string(), "the lock of the mark", found))
            }
        }
    }

    /// Both notes as they stand, be they torn.
    fn notes(&self) -> Result<[Vec<u8>; 2], Finding> {
        let [first, second] = self.slots();
        Ok([read(&first)?, read(&second)?])
    }
}

impl Mark for FileMark {
    fn name(&self) -> String {
        self.folder.display().to_string()
    }

    fn read(&self) -> Result<Vec<String>, Finding> {
        let mut notes = self.notes()?;
        // One slot is written at a time. But somebody could write the first while that is read, and the second while the
        // second is; where both read the same twice, one at least was whole all the while.
        for _ in 0..READINGS {
            let again = self.notes()?;
            if again == notes {
                break;
            }
            notes = again;
        }
        // Bytes that are no text are no note either, whatever stands in their place.
        Ok(notes.iter().map(|note| String::from_utf8_lossy(note).into_owned()).collect())
    }

    fn begin(&mut self, _size: u64, note: &str) -> Result<(), Finding> {
        DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(&self.folder)
            .map_err(|error| unusable(&self.folder, &error))?;
        let _lock = self.lock()?;
        for slot in self.slots() {
            match slot.symlink_metadata() {
                Err(error) if error.kind() == ErrorKind::NotFound => {}
                Err(error) => return Err(unusable(&slot, &error)),
                Ok(_) => {
                    let expected = "nothing, where the mark of a new ledger goes";
                    let place = slot.display().to_string();
                    return Err(Finding::new(Reason::LedgerExists, place, expected, "the mark of a ledger"));
                }
            }
        }
        let made = self.slots().iter().try_for_each(|slot| make(slot, note));
        made.and_then(|()| File::open(&self.folder)?.sync_all()).map_err(|error| {
            // Half a mark would be taken for that of another ledger.
            self.slots().iter().for_each(|slot| drop(fs::remove_file(slot)));
            unusable(&self.folder, &error)
        })
    }

    fn raise(&mut self, size: u64, note: &str, counts: Counts<'_>) -> Result<(), Finding> {
        // Without its folder there is nothing to lock: the mark is away.
        self.notes()?;
        let lock = self.lock()?;
        let unusable_lock = |error: io::Error| unusable(&self.folder.join(LOCK), &error);
        let notes = self.read()?;
        let sizes: Vec<Option<u64>> = notes.iter().map(|note| counts(note)).collect();
        let mut slots: Vec<_> = sizes.into_iter().zip(self.slots()).zip(&notes).collect();
        slots.sort_by_key(|((size, _), _)| *size);
        let (Some(((_, least), _)), Some(((Some(largest), standing), stands))) = (slots.first(), slots.last()) else {
            let expected = "a note that counts, to be raised";
            return Err(Finding::new(Reason::MarkMissing, self.name(), expected, "none"));
        };
        if lock.metadata().map_err(unusable_lock)?.len() > 0 {
            // What stays must be on the disk before the other one is given up. The same bytes over themselves tear nothing.
            overwrite(standing, stands).map_err(|error| unusable(standing, &error))?;
        }
        if *largest < size {
            lock.write_all_at(UNDER_WAY, 0).map_err(unusable_lock)?;
            overwrite(least, note).map_err(|error| unusable(least, &error))?;
        }
        lock.set_len(0).map_err(unusable_lock)
    }
}

/// Reads one slot, up to one byte over the cap: that is enough to be refused as too large.
fn read(slot: &Path) -> Result<Vec<u8>, Finding> {
    let missing =
        |expected: &str, found: &str| Finding::new(Reason::MarkMissing, slot.display().to_string(), expected, found);
    let about = match slot.symlink_metadata() {
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => {
            return Err(missing("a signed checkpoint of this ledger", "no file"));
        }
        about => about.map_err(|error| unusable(slot, &error))?,
    };
    if !is_plain(&about) {
        return Err(missing("a regular file of one name", "another kind of file"));
    }
    let most = u64::try_from(Limits::STANDARD.note_bytes).unwrap_or(u64::MAX).saturating_add(1);
    let mut bytes = Vec::new();
    let read = File::open(slot).and_then(|file| file.take(most).read_to_end(&mut bytes));
    read.map_err(|error| unusable(slot, &error))?;
    Ok(bytes)
}

/// Writes a slot that is not there yet.
fn make(slot: &Path, note: &str) -> io::Result<()> {
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(slot)?;
    file.write_all(note.as_bytes())?;
    file.sync_all()
}

/// Writes over a slot: on the disk when this returns, and torn by a power cut before that.
fn overwrite(slot: &Path, note: &str) -> io::Result<()> {
    // To read too, so that a pipe in its place is opened at once; and never cut before it is known what it is.
    let file = OpenOptions::new().read(true).write(true).open(slot)?;
    require_own(slot, &file)?;
    file.write_all_at(note.as_bytes(), 0)?;
    let length = u64::try_from(note.len()).map_err(io::Error::other)?;
    if file.metadata()?.len() != length {
        file.set_len(length)?;
    }
    file.sync_data()
}

/// An open file is the one of this name, and nothing else is: what is written over must not be somebody else's.
fn require_own(path: &Path, file: &File) -> io::Result<()> {
    let (named, opened) = (path.symlink_metadata()?, file.metadata()?);
    if is_plain(&named) && (named.dev(), named.ino()) == (opened.dev(), opened.ino()) {
        return Ok(());
    }
    Err(io::Error::other("a link, or no regular file of one name"))
}

/// A link of either kind would have a file overwritten that lies elsewhere.
fn is_plain(about: &Metadata) -> bool {
    about.is_file() && about.nlink() == 1
}

fn unusable(path: &Path, error: &io::Error) -> Finding {
    let place = path.display().to_string();
    Finding::new(Reason::LedgerUnusable, place, "a mark to read and write", error.to_string())
}

#[cfg(test)]
mod tests {
    use super::{FileMark, LOCK, SLOTS, UNDER_WAY};
    use crate::ledger::mark::Mark as _;
    use ecugate_verifier::values::finding::Finding;
    use ecugate_verifier::values::reason::Reason;
    use std::os::unix::fs::symlink;
    use std::path::{Path, PathBuf};

    /// A note as far as these tests look at it: its size, and the length of that in digits.
    fn note(size: u64) -> String {
        format!("trial.dock.example\n{size}\n{}\n", "x".repeat(200))
    }

    /// A note counts if it is whole.
    fn size(text: &str) -> Option<u64> {
        let size = text.lines().nth(1)?.parse().ok()?;
        (text == note(size)).then_some(size)
    }

    fn raise(mark: &mut FileMark, to: u64) -> Result<(), Finding> {
        mark.raise(to, &note(to), &size)
    }

    fn sizes(mark: &FileMark) -> Vec<Option<u64>> {
        mark.read().unwrap().iter().map(|note| size(note)).collect()
    }

    fn reason<T>(result: Result<T, Finding>) -> Option<Reason> {
        result.err().map(|finding| finding.reason)
    }

    fn begun(folder: &Path) -> (FileMark, [PathBuf; 2]) {
        let mut mark = FileMark::at(folder);
        mark.begin(2, &note(2)).unwrap();
        (mark, SLOTS.map(|slot| folder.join(slot)))
    }

    #[test]
    fn a_mark_is_begun_once_and_raised_in_turns_and_never_lowered() {
        let folder = tempfile::tempdir().unwrap();
        let mut mark = FileMark::at(folder.path().join("mark"));
        assert_eq!(reason(mark.read()), Some(Reason::MarkMissing));
        assert_eq!(reason(raise(&mut mark, 1)), Some(Reason::MarkMissing));
        mark.begin(2, &note(2)).unwrap();
        assert_eq!(reason(mark.begin(3, &note(3))), Some(Reason::LedgerExists));
        for (to, found) in [(7, [7, 2]), (3, [7, 2]), (7, [7, 2]), (8, [7, 8]), (100, [100, 8])] {
            raise(&mut mark, to).unwrap();
            assert_eq!(sizes(&mark), found.map(Some), "after {to}");
        }
    }

    #[test]
    fn a_slot_that_is_gone_is_a_mark_that_is_away_and_is_not_made_anew() {
        for slot in SLOTS {
            let folder = tempfile::tempdir().unwrap();
            let (mut mark, _) = begun(folder.path());
            std::fs::remove_file(folder.path().join(slot)).unwrap();
            assert_eq!(reason(mark.read()), Some(Reason::MarkMissing));
            assert_eq!(reason(raise(&mut mark, 8)), Some(Reason::MarkMissing));
            assert_eq!(reason(mark.begin(3, &note(3))), Some(Reason::LedgerExists));
            assert!(!folder.path().join(slot).exists());
        }
    }

    #[test]
    fn a_slot_torn_at_any_byte_leaves_the_other_and_is_mended_by_the_next_raise() {
        // Into a longer note and into a shorter one: the new length may be on the disk before the bytes, or after them.
        for (before, after) in [([9, 8], 10), ([1_000, 999], 1_001)] {
            let (old, new) = (note(before[1]), note(after));
            for kept in 0..=new.len() {
                for length in [old.len(), new.len()] {
                    let folder = tempfile::tempdir().unwrap();
                    let (mut mark, slots) = begun(folder.path());
                    let mut torn = old.clone().into_bytes();
                    torn.resize(new.len(), 0);
                    torn[..kept].copy_from_slice(&new.as_bytes()[..kept]);
                    torn.truncate(length);
                    std::fs::write(&slots[0], note(before[0])).unwrap();
                    std::fs::write(&slots[1], torn).unwrap();
                    assert_eq!(sizes(&mark)[0], Some(before[0]), "{kept} of {length}");
                    raise(&mut mark, after).unwrap();
                    assert_eq!(sizes(&mark), [Some(before[0]), Some(after)], "{kept} of {length}");
                    raise(&mut mark, after + 1).unwrap();
                    assert_eq!(sizes(&mark), [Some(after + 1), Some(after)], "{kept} of {length}");
                }
            }
        }
    }

    /// Attack class 68: a note that nobody entitled signed, in one slot, would keep the mark from being raised.
    #[test]
    fn attack_68_a_huge_note_that_does_not_count_is_written_over_and_the_mark_goes_up() {
        let huge = note(u64::MAX).replace('x', "y");
        for slot in [0, 1] {
            for text in [huge.as_bytes(), b"", b"\xff\xfe", &[b'x'; 1 << 20]] {
                let folder = tempfile::tempdir().unwrap();
                let (mut mark, slots) = begun(folder.path());
                std::fs::write(&slots[slot], text).unwrap();
                raise(&mut mark, 3).unwrap();
                assert_eq!(sizes(&mark)[slot], Some(3));
                assert_eq!(sizes(&mark)[1 - slot], Some(2));
            }
        }
    }

    #[test]
    fn a_mark_in_which_nothing_counts_is_left_as_it_was_found() {
        let folder = tempfile::tempdir().unwrap();
        let (mut mark, slots) = begun(folder.path());
        for slot in &slots {
            std::fs::write(slot, vec![b'x'; 1 << 20]).unwrap();
        }
        assert_eq!(mark.read().unwrap()[1].len(), (64 << 10) + 1);
        assert_eq!(reason(raise(&mut mark, 3)), Some(Reason::MarkMissing));
        assert_eq!(std::fs::metadata(&slots[0]).unwrap().len(), 1 << 20);
    }

    #[test]
    fn a_link_a_second_name_or_a_folder_in_the_place_of_a_note_is_no_mark_and_nothing_is_written_through_it() {
        let folder = tempfile::tempdir().unwrap();
        let (mut mark, slots) = begun(&folder.path().join("mark"));
        let other = folder.path().join("ledger.db");
        let in_its_place: [fn(&Path, &Path); 3] = [
            |other, slot| symlink(other, slot).unwrap(),
            |other, slot| std::fs::hard_link(other, slot).unwrap(),
            |_, slot| std::fs::create_dir(slot).unwrap(),
        ];
        for put in in_its_place {
            for at in slots.iter().chain([&folder.path().join("mark").join(LOCK)]) {
                std::fs::write(&other, note(1)).unwrap();
                std::fs::rename(at, folder.path().join("away")).unwrap();
                put(&other, at);
                let is_lock = at.ends_with(LOCK);
                let expected = if is_lock { Reason::LedgerUnusable } else { Reason::MarkMissing };
                assert_eq!(reason(raise(&mut mark, 8)), Some(expected), "{}", at.display());
                assert_eq!(mark.read().is_ok(), is_lock);
                assert_eq!(std::fs::read_to_string(&other).unwrap(), note(1));
                std::fs::remove_file(at).or_else(|_| std::fs::remove_dir(at)).unwrap();
                std::fs::rename(folder.path().join("away"), at).unwrap();
            }
        }
        raise(&mut mark, 8).unwrap();
    }

    #[test]
    fn after_a_writer_that_died_the_note_that_stays_is_written_again_and_nothing_else_changes() {
        let folder = tempfile::tempdir().unwrap();
        let (mut mark, _) = begun(folder.path());
        raise(&mut mark, 3).unwrap();
        let is_under_way = || std::fs::read(folder.path().join(LOCK)).unwrap() == UNDER_WAY;
        assert!(!is_under_way());
        for (to, found) in [(3, [3, 2]), (4, [3, 4])] {
            std::fs::write(folder.path().join(LOCK), UNDER_WAY).unwrap();
            raise(&mut mark, to).unwrap();
            assert_eq!(sizes(&mark), found.map(Some));
            assert!(!is_under_way());
        }
    }

    #[test]
    fn two_writers_at_once_leave_the_larger_note_and_whoever_reads_meanwhile_finds_one_that_is_whole() {
        let folder = tempfile::tempdir().unwrap();
        let (mark, _) = begun(folder.path());
        let is_over = std::sync::atomic::AtomicUsize::new(0);
        std::thread::scope(|scope| {
            for start in [3, 4] {
                let (mut mark, is_over) = (mark.clone(), &is_over);
                scope.spawn(move || {
                    (start..200).step_by(2).for_each(|to| raise(&mut mark, to).unwrap());
                    is_over.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
                });
            }
            let mut largest = 2;
            while is_over.load(std::sync::atomic::Ordering::SeqCst) < 2 {
                let found = sizes(&mark).into_iter().flatten().max().unwrap();
                assert!(found >= largest, "{found} after {largest}");
                largest = found;
            }
        });
        assert_eq!(sizes(&mark).into_iter().max().unwrap(), Some(199));
    }
}
