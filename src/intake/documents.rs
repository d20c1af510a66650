//! Where documents are kept.

use crate::ledger::{DocumentEntry, Ledger};
use ecugate_verifier::values::digest::Sha256;
use ecugate_verifier::values::finding::Finding;

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
