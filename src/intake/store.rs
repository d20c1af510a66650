//! The store's folder: the watched folders, where files go from there, and the index.

use super::documents::Documents;
use super::fault::unusable;
use super::index::Index;
use crate::surroundings::Surroundings;
use ecugate_verifier::values::finding::Finding;
use ecugate_verifier::values::reason::Reason;
use std::fs::{self, File, TryLockError};
use std::path::PathBuf;
use std::time::Duration;

/// How often and after how long a run waits for another one: ten seconds in all.
const LOCK_TRIES: u32 = 100;
const BETWEEN_LOCK_TRIES: Duration = Duration::from_millis(100);

/// The intake of a site.
#[derive(Clone, Debug)]
pub struct Intake {
    folder: PathBuf,
}

impl Intake {
    /// The intake in this folder, which need not be there yet.
    #[must_use]
    pub const fn new(folder: PathBuf) -> Self {
        Self { folder }
    }

    /// The folder with one folder for each supplier.
    #[must_use]
    pub fn incoming(&self) -> PathBuf {
        self.folder.join("in")
    }

    /// Where refused files are set aside.
    #[must_use]
    pub fn refused(&self) -> PathBuf {
        self.folder.join("refused")
    }

    /// Where files go whose documents are in the ledger. Copies: nothing reads them.
    #[must_use]
    pub fn taken(&self) -> PathBuf {
        self.folder.join("taken")
    }

    /// Makes the index anew from the ledger. Answers the files and records that it has now.
    ///
    /// # Errors
    /// [`Reason::IntakeUnusable`], or what keeps the ledger from answering.
    pub fn reindex(&self, documents: &dyn Documents) -> Result<(usize, u64), Finding> {
        Index::remove(&self.index_folder())?;
        Ok(Index::open(&self.index_folder(), documents)?.size())
    }

    pub(super) fn index(&self, documents: &dyn Documents) -> Result<Index, Finding> {
        Index::open(&self.index_folder(), documents)
    }

    /// Makes the folders that people use.
    pub(super) fn lay_out(&self) -> Result<(), Finding> {
        for folder in [self.incoming(), self.refused(), self.taken()] {
            fs::create_dir_all(&folder).map_err(|error| unusable(&folder, &error))?;
        }
        Ok(())
    }

    /// One run after the other: else two could enter one document twice. The lock goes with the file, also when a
    /// process dies.
    pub(super) fn lock(&self, surroundings: &dyn Surroundings) -> Result<File, Finding> {
        fs::create_dir_all(&self.folder).map_err(|error| unusable(&self.folder, &error))?;
        let path = self.folder.join("lock");
        // To read too, so that a pipe in its place is opened at once; and never cut, whatever it is a link to.
        let file = File::options().read(true).write(true).create(true).truncate(false).open(&path);
        let file = file.map_err(|error| unusable(&path, &error))?;
        for _ in 0..LOCK_TRIES {
            match file.try_lock() {
                Ok(()) => return Ok(file),
                Err(TryLockError::WouldBlock) => surroundings.pause(BETWEEN_LOCK_TRIES),
                Err(TryLockError::Error(error)) => return Err(unusable(&path, &error)),
            }
        }
        let place = path.display().to_string();
        Err(Finding::new(Reason::IntakeBusy, place, "its turn within ten seconds", "another run that goes on"))
    }

    fn index_folder(&self) -> PathBuf {
        self.folder.join("index")
    }
}
