//! The store: the ledger's documents, and the folder with the watched folders and the index.

use super::index::Index;
use crate::ledger::{DocumentEntry, Ledger};
use crate::surroundings::Surroundings;
use ecugate_verifier::values::digest::Sha256;
use ecugate_verifier::values::finding::Finding;
use ecugate_verifier::values::reason::Reason;
use std::fs::{self, File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// How often and after how long a run waits for another one: ten seconds in all.
const LOCK_TRIES: u32 = 100;
const BETWEEN_LOCK_TRIES: Duration = Duration::from_millis(100);

/// Where documents are kept: the ledger.
pub trait Documents {
    /// Document entries from number `seq` on, at most `most`, in the order of the log.
    ///
    /// # Errors
    /// What keeps the ledger from answering.
    fn from(&self, seq: u64, most: usize) -> Result<Vec<DocumentEntry>, Finding>;

    /// One document entry.
    ///
    /// # Errors
    /// As [`Documents::from`].
    fn entry(&self, seq: u64) -> Result<Option<DocumentEntry>, Finding>;

    /// The entry of the document with this digest.
    ///
    /// # Errors
    /// As [`Documents::from`].
    fn number_of(&self, sha256: &Sha256) -> Result<Option<u64>, Finding>;

    /// The bytes with this digest: hashed again, and never others.
    ///
    /// # Errors
    /// As [`Documents::from`].
    fn bytes(&self, sha256: &Sha256) -> Result<Option<Vec<u8>>, Finding>;
}

impl Documents for Ledger {
    fn from(&self, seq: u64, most: usize) -> Result<Vec<DocumentEntry>, Finding> {
        self.documents_from(seq, most).map_err(Finding::from)
    }

    fn entry(&self, seq: u64) -> Result<Option<DocumentEntry>, Finding> {
        self.document(seq).map_err(Finding::from)
    }

    fn number_of(&self, sha256: &Sha256) -> Result<Option<u64>, Finding> {
        self.document_of(sha256).map_err(Finding::from)
    }

    fn bytes(&self, sha256: &Sha256) -> Result<Option<Vec<u8>>, Finding> {
        Ok(self.blob(sha256)?.map(|blob| blob.bytes))
    }
}

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

/// The finding of a folder or file of the store that does not serve.
pub(super) fn unusable(path: &Path, error: &io::Error) -> Finding {
    let expected = "a folder of the intake store that can be read and written";
    Finding::new(Reason::IntakeUnusable, path.display().to_string(), expected, error.to_string())
}
