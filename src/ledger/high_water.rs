//! The mark in a file: the latest signed checkpoint, in a folder that should lie on another disk than the ledger.

use super::mark::Mark;
use ecugate_verifier::syntax::note::Checkpoint;
use ecugate_verifier::values::finding::Finding;
use ecugate_verifier::values::limits::Limits;
use ecugate_verifier::values::reason::Reason;
use std::fs::{self, DirBuilder, File, OpenOptions, TryLockError};
use std::io::{self, ErrorKind, Read as _, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

const NOTE: &str = "high-water.note";
const FRESH: &str = "high-water.note.new";
const LOCK: &str = "high-water.lock";

/// How often and after how long a writer tries again while another one raises the mark: ten seconds in all.
const LOCK_TRIES: u32 = 1_000;
const BETWEEN_LOCK_TRIES: Duration = Duration::from_millis(10);

/// `high-water.note` in a folder, and the lock beside it under which it is replaced.
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

    fn note(&self) -> PathBuf {
        self.folder.join(NOTE)
    }

    /// Taken by whoever replaces the note. It goes with the file, also when a process dies.
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
        for _ in 0..LOCK_TRIES {
            match file.try_lock() {
                Ok(()) => return Ok(file),
                Err(TryLockError::WouldBlock) => std::thread::sleep(BETWEEN_LOCK_TRIES),
                Err(TryLockError::Error(error)) => return Err(unusable(error)),
            }
        }
        let found = "another process that has held it for ten seconds";
        Err(Finding::new(Reason::LedgerBusy, path.display().to_string(), "the lock of the mark", found))
    }

    /// Puts a note in the place of the one that stands, so that after a power cut one of the two stands, whole.
    fn replace(&self, note: &str) -> Result<(), Finding> {
        let fresh = self.folder.join(FRESH);
        let written = || -> io::Result<()> {
            // What a crash left of an earlier one; a link in its place is removed and not followed.
            match fs::remove_file(&fresh) {
                Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
                _ => {}
            }
            let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&fresh)?;
            file.write_all(note.as_bytes())?;
            file.sync_all()?;
            fs::rename(&fresh, self.note())?;
            File::open(&self.folder)?.sync_all()
        };
        written().map_err(|error| unusable(&self.note(), &error))
    }
}

impl Mark for FileMark {
    fn name(&self) -> String {
        self.note().display().to_string()
    }

    fn read(&self) -> Result<Vec<String>, Finding> {
        let path = self.note();
        let about = match fs::metadata(&path) {
            Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => {
                let expected = "the latest signed checkpoint of this ledger";
                return Err(Finding::new(Reason::MarkMissing, path.display().to_string(), expected, "no file"));
            }
            about => about.map_err(|error| unusable(&path, &error))?,
        };
        if !about.is_file() {
            let found = "another kind of file";
            return Err(Finding::new(Reason::MarkMissing, path.display().to_string(), "a regular file", found));
        }
        // One byte over the cap is enough to be refused as too large.
        let most = u64::try_from(Limits::STANDARD.note_bytes).unwrap_or(u64::MAX).saturating_add(1);
        let mut bytes = Vec::new();
        File::open(&path)
            .and_then(|file| file.take(most).read_to_end(&mut bytes))
            .map_err(|error| unusable(&path, &error))?;
        // Bytes that are no text are no note either, whatever stands in their place.
        Ok(vec![String::from_utf8_lossy(&bytes).into_owned()])
    }

    fn begin(&mut self, _size: u64, note: &str) -> Result<(), Finding> {
        DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(&self.folder)
            .map_err(|error| unusable(&self.folder, &error))?;
        let _lock = self.lock()?;
        match fs::symlink_metadata(self.note()) {
            Err(error) if error.kind() == ErrorKind::NotFound => self.replace(note),
            Err(error) => Err(unusable(&self.note(), &error)),
            Ok(_) => {
                let expected = "nothing, where the mark of a new ledger goes";
                Err(Finding::new(Reason::LedgerExists, self.name(), expected, "the mark of a ledger"))
            }
        }
    }

    fn raise(&mut self, size: u64, note: &str) -> Result<(), Finding> {
        // Without its folder there is nothing to lock: the mark is away.
        let missing = self.read().err().filter(|finding| finding.reason == Reason::MarkMissing);
        if let Some(missing) = missing {
            return Err(missing);
        }
        let _lock = self.lock()?;
        let stands = self.read()?;
        if stands.iter().filter_map(|note| stated_size(note)).any(|stands| stands >= size) {
            return Ok(());
        }
        self.replace(note)
    }
}

/// The size that a note states, signed or not: a larger one is never given up.
fn stated_size(note: &str) -> Option<u64> {
    let (text, _) = note.split_once("\n\n")?;
    Checkpoint::parse(&format!("{text}\n")).ok().map(|checkpoint| checkpoint.size)
}

fn unusable(path: &Path, error: &io::Error) -> Finding {
    let place = path.display().to_string();
    Finding::new(Reason::LedgerUnusable, place, "a mark to read and write", error.to_string())
}

#[cfg(test)]
mod tests {
    use super::FileMark;
    use crate::ledger::mark::Mark as _;
    use ecugate_verifier::values::finding::Finding;
    use ecugate_verifier::values::reason::Reason;

    /// A note as far as the file looks at it: the size.
    fn note(size: u64) -> String {
        format!("trial.dock.example\n{size}\nkxLAbQl7dwiLc/daCmBp1fuK4PnChH4XYLq+ZYpTyc0=\n\n\u{2014} x AAAAAAA=\n")
    }

    fn reason<T>(result: Result<T, Finding>) -> Option<Reason> {
        result.err().map(|finding| finding.reason)
    }

    #[test]
    fn a_mark_is_begun_once_and_raised_and_never_lowered() {
        let folder = tempfile::tempdir().unwrap();
        let mut mark = FileMark::at(folder.path().join("mark"));
        assert_eq!(reason(mark.read()), Some(Reason::MarkMissing));
        assert_eq!(reason(mark.raise(1, &note(1))), Some(Reason::MarkMissing));
        mark.begin(2, &note(2)).unwrap();
        assert_eq!(reason(mark.begin(3, &note(3))), Some(Reason::LedgerExists));
        mark.raise(7, &note(7)).unwrap();
        mark.raise(3, &note(3)).unwrap();
        assert_eq!(mark.read().unwrap(), [note(7)]);
        std::fs::remove_file(folder.path().join("mark/high-water.note")).unwrap();
        assert_eq!(reason(mark.raise(8, &note(8))), Some(Reason::MarkMissing));
    }

    #[test]
    fn what_a_crash_left_of_a_new_note_neither_counts_nor_stands_in_the_way() {
        let folder = tempfile::tempdir().unwrap();
        let mut mark = FileMark::at(folder.path());
        mark.begin(2, &note(2)).unwrap();
        std::fs::write(folder.path().join("high-water.note.new"), "half a no").unwrap();
        assert_eq!(mark.read().unwrap(), [note(2)]);
        mark.raise(3, &note(3)).unwrap();
        assert_eq!(mark.read().unwrap(), [note(3)]);
        assert!(!folder.path().join("high-water.note.new").exists());
    }

    #[test]
    fn an_endless_file_or_a_folder_in_the_place_of_the_note_is_no_mark() {
        let folder = tempfile::tempdir().unwrap();
        let mark = FileMark::at(folder.path());
        std::fs::write(folder.path().join("high-water.note"), vec![b'x'; 1 << 20]).unwrap();
        assert_eq!(mark.read().unwrap()[0].len(), (64 << 10) + 1);
        std::fs::remove_file(folder.path().join("high-water.note")).unwrap();
        std::fs::create_dir(folder.path().join("high-water.note")).unwrap();
        assert_eq!(reason(mark.read()), Some(Reason::MarkMissing));
    }

    #[test]
    fn two_writers_at_once_leave_the_larger_note() {
        let folder = tempfile::tempdir().unwrap();
        FileMark::at(folder.path()).begin(1, &note(1)).unwrap();
        std::thread::scope(|scope| {
            for start in [2, 3] {
                let mut mark = FileMark::at(folder.path());
                scope.spawn(move || (start..60).step_by(2).for_each(|size| mark.raise(size, &note(size)).unwrap()));
            }
        });
        assert_eq!(FileMark::at(folder.path()).read().unwrap(), [note(59)]);
    }
}
