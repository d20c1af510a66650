//! The ledger: one SQLite file that holds every entry, the Merkle tree over them, and its signed checkpoints.
//!
//! This folder is the only code that names a database. `docs/ledger.md` says what is written and in which order.
//!
//! Leaves and envelopes are the only truth. Everything else in the file (nodes, facts, claims, custody) is derived from
//! them, and [`Ledger::audit`] derives it again and compares. No row is ever changed or removed.

mod kind;

mod fault;

mod record;

mod schema;

mod examine;

mod projection;

mod lookup;

mod state;

pub mod mark;

mod member;

mod rules;

mod append;

mod recall;

mod documents;

mod audit;

pub use audit::{Audit, Depth};
pub use documents::DocumentEntry;
pub use fault::{AppendFault, LedgerFault};
pub use kind::{EntryKind, Signers};
pub use member::{Append, Blob, Place, Recorded};
pub use recall::Entry;
pub use record::{PartRef, Record, TRIAL_ORIGIN, Versions};

use ecugate_verifier::syntax::note::{Origin, VerifierKey};
use ecugate_verifier::values::finding::Finding;
use ecugate_verifier::values::ident::Name;
use ecugate_verifier::values::keys::{PublicKey, Signer};
use ecugate_verifier::values::limits::Limits;
use std::path::{Path, PathBuf};

/// The keys whose signatures count in one ledger. They come from the site's configuration, never from the ledger.
#[derive(Clone, Debug)]
pub struct TrustedKeys {
    /// Name of the log.
    pub origin: Origin,
    /// The log's own key: signs checkpoints.
    pub log: PublicKey,
    /// Station keys: each entry bears the signature of one of them, first in its envelope.
    pub stations: Vec<PublicKey>,
    /// Officers, with their keys. An officer may have several; only distinct officers count.
    pub officers: Vec<(Name, PublicKey)>,
    /// How many officers an officers' entry needs. Zero lets no such entry in.
    pub officers_needed: usize,
}

/// An open ledger: one writing connection, and one that reads back what was written.
#[derive(Debug)]
pub struct Ledger {
    path: PathBuf,
    writer: rusqlite::Connection,
    reader: rusqlite::Connection,
    trusted: TrustedKeys,
    log: VerifierKey,
    limits: Limits,
}

impl Ledger {
    /// Makes a new ledger: a deliberate act, which refuses a path where something stands. `seal` answers its first
    /// entries, the genesis first. If anything fails before the first checkpoint stands, no file is left behind.
    ///
    /// # Errors
    /// [`AppendFault`].
    pub fn create<S: Signer>(
        path: &Path,
        trusted: TrustedKeys,
        seal: impl FnOnce(&Place<'_>) -> Result<Vec<ecugate_verifier::documents::envelope::Envelope>, Finding>,
        log_signer: &S,
    ) -> Result<(Self, Recorded), AppendFault>
    where
        S::Error: Into<Finding>,
    {
        schema::create(path)?;
        let made = Self::connect(path, trusted).map_err(AppendFault::from).and_then(|mut ledger| {
            let recorded = ledger.append(&Append::default(), seal, log_signer)?;
            Ok((ledger, recorded))
        });
        if made.is_err() {
            schema::discard(path);
        }
        made
    }

    /// Opens a ledger. Never makes one: a missing file is a refusal. So is a tree that is behind its checkpoint, that
    /// does not lead to its root, or whose entries after it do not hold; a tree ahead of its checkpoint is normal.
    ///
    /// # Errors
    /// [`LedgerFault`].
    pub fn open(path: &Path, trusted: TrustedKeys) -> Result<Self, LedgerFault> {
        let ledger = Self::connect(path, trusted)?;
        // Tree and checkpoint at one moment: another dock may be writing.
        let size = ledger.head()?.0;
        if size == 0 {
            return Err(LedgerFault::differs("entry 0", "the genesis of this ledger", "no entry"));
        }
        Ok(ledger)
    }

    /// Where the ledger is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The key that verifies its checkpoints, to be handed out.
    #[must_use]
    pub const fn verifier_key(&self) -> &VerifierKey {
        &self.log
    }

    fn connect(path: &Path, trusted: TrustedKeys) -> Result<Self, LedgerFault> {
        let log = VerifierKey::new(trusted.origin.as_str(), trusted.log.clone())
            .map_err(|fault| LedgerFault::differs("the log key", "an Ed25519 key", fault.to_string()))?;
        let writer = schema::open_to_write(path)?;
        let reader = schema::open_to_read(path)?;
        Ok(Self { path: path.to_owned(), writer, reader, trusted, log, limits: Limits::STANDARD })
    }
}

#[cfg(test)]
mod tests;
