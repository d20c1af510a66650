//! What goes into one append and what comes out of it.

use ecugate_verifier::documents::envelope::Envelope;
use ecugate_verifier::syntax::note::Origin;
use ecugate_verifier::values::digest::Sha256;
use ecugate_verifier::values::finding::Finding;
use ecugate_verifier::values::ident::UnitKey;
use std::fmt;

/// What is appended beside the envelopes.
#[derive(Clone, Debug, Default)]
pub struct Append {
    /// Every key of the unit at hand: looked up again under the lock.
    pub keys: Vec<UnitKey>,
    /// Size of the ledger when the unit's memory was taken ([`Ledger::memory`](super::Ledger::memory)).
    pub memory_size: u64,
    /// The blobs that the entries name as parts. One that is stored already may be left out.
    pub blobs: Vec<Blob>,
}

/// Called under the ledger's lock with the place of the entries; answers their signed envelopes.
pub type Seal<'a> = Box<dyn FnOnce(&Place<'_>) -> Result<Vec<Envelope>, Finding> + Send + 'a>;

/// One of a group: what is appended, and what seals it.
pub struct Member<'a> {
    /// What is appended beside the envelopes.
    pub append: Append,
    /// What makes its envelopes.
    pub seal: Seal<'a>,
}

impl fmt::Debug for Member<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Member").field("append", &self.append).finish_non_exhaustive()
    }
}

/// Bytes kept under their digest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Blob {
    /// What it is.
    pub media_type: String,
    /// The bytes.
    pub bytes: Vec<u8>,
}

/// Where the entries will stand. Their records must say so.
#[derive(Clone, Copy, Debug)]
pub struct Place<'a> {
    /// Name of the log.
    pub origin: &'a Origin,
    /// Number of the first entry; the others follow it.
    pub seq: u64,
}

/// Entries that are written, covered by a stored checkpoint, and read back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recorded {
    /// Number of the first entry.
    pub seq: u64,
    /// Leaf hashes of the entries, in their order.
    pub leaf_hashes: Vec<Sha256>,
    /// Size of the tree that the checkpoint covers.
    pub size: u64,
    /// The checkpoint, as a signed note.
    pub checkpoint: String,
    /// Inclusion proof of the first entry under that checkpoint.
    pub inclusion: Vec<Sha256>,
}
