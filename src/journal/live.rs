//! Which gates live. Each holds the lock of a file of its own for as long as it is open; the kernel lets it go with the
//! process, however that ends.

use super::fault::JournalFault;
use ecugate_verifier::values::attempt::Nonce;
use std::collections::BTreeSet;
use std::fs::{self, File, TryLockError};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

/// The folder of the files, in that of the journal.
pub(super) const FOLDER: &str = "live";

/// A gate that lives.
pub(super) struct Live {
    path: PathBuf,
    /// Locked. Held, never read.
    _file: File,
}

impl Live {
    /// Says that a gate lives. Under the journal's lock, so that nobody takes its file for a dead gate's.
    pub(super) fn of(folder: &Path, gate: Nonce) -> Result<Self, JournalFault> {
        let path = path(folder, gate);
        let unusable = |error| JournalFault::unusable(&path, &error);
        // Two gates of one name would take each other's attempts.
        let file = File::options().read(true).write(true).create_new(true).open(&path).map_err(unusable)?;
        match file.try_lock() {
            Ok(()) => Ok(Self { path, _file: file }),
            Err(TryLockError::WouldBlock) => Err(JournalFault::Busy),
            Err(TryLockError::Error(error)) => Err(JournalFault::unusable(&path, &error)),
        }
    }

    /// Takes the file away: nothing open names this gate.
    pub(super) fn remove(&self) {
        let _ = fs::remove_file(&self.path);
    }
}

/// Whether a gate lives. One whose file is gone is taken for living: nobody knows, and an attempt that somebody works on
/// must not be gone on with.
pub(super) fn lives(folder: &Path, gate: Nonce) -> Result<bool, JournalFault> {
    let path = path(folder, gate);
    match File::options().read(true).write(true).open(&path) {
        Ok(file) => is_locked(&file).map_err(|error| JournalFault::unusable(&path, &error)),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(true),
        Err(error) => Err(JournalFault::unusable(&path, &error)),
    }
}

/// Takes away the files of gates that do not live and that nothing open names.
pub(super) fn sweep(folder: &Path, named: &BTreeSet<Nonce>) -> Result<(), JournalFault> {
    let named: BTreeSet<PathBuf> = named.iter().map(|gate| path(folder, *gate)).collect();
    let folder = folder.join(FOLDER);
    let unusable = |error| JournalFault::unusable(&folder, &error);
    for entry in fs::read_dir(&folder).map_err(unusable)? {
        let path = entry.map_err(unusable)?.path();
        if named.contains(&path) || path.extension().is_none_or(|extension| extension != "lock") {
            continue;
        }
        // What cannot be opened or taken away is no harm to anybody.
        let is_dead =
            File::options().read(true).write(true).open(&path).is_ok_and(|file| matches!(is_locked(&file), Ok(false)));
        if is_dead {
            let _ = fs::remove_file(&path);
        }
    }
    Ok(())
}

fn is_locked(file: &File) -> std::io::Result<bool> {
    match file.try_lock() {
        Ok(()) => Ok(false),
        Err(TryLockError::WouldBlock) => Ok(true),
        Err(TryLockError::Error(error)) => Err(error),
    }
}

fn path(folder: &Path, gate: Nonce) -> PathBuf {
    folder.join(FOLDER).join(format!("{gate}.lock"))
}
