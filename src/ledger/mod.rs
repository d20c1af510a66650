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

mod keys;

mod examine;

mod sums;

mod index;

mod projection;

mod lookup;

pub mod mark;

mod member;

mod rules;

mod state;

mod high_water;

mod guard;

mod cover;

mod group;

mod recall;

mod documents;

mod look;

mod passage;

mod audit;

pub use audit::{Audit, Depth};
pub use documents::DocumentEntry;
pub use fault::{AppendFault, LedgerFault};
pub use group::GROUP_ENTRIES;
pub use high_water::FileMark;
pub use keys::{KeySet, StandbyKeys, TrustedKeys};
pub use kind::{EntryKind, Signers};
pub use look::{Look, Select};
pub use mark::{Counts, Mark};
pub use member::{Append, Blob, Member, Place, Recorded, Seal};
pub use passage::{Passage, Proven};
pub use recall::Entry;
pub use record::{PartRef, Record, TRIAL_ORIGIN, Versions};

use cover::Marking;
use ecugate_verifier::syntax::note::{Origin, VerifierKey};
use ecugate_verifier::values::finding::Finding;
use ecugate_verifier::values::keys::{PublicKey, Signer};
use ecugate_verifier::values::limits::Limits;
use ecugate_verifier::values::verified::{Means, VerifiedSignatures};
use group::Part;
use guard::Marks;
use std::cell::Cell;
use std::path::{Path, PathBuf};

/// An open ledger: one writing connection, and one that reads back what was written.
#[derive(Debug)]
pub struct Ledger {
    path: PathBuf,
    writer: rusqlite::Connection,
    reader: rusqlite::Connection,
    trusted: TrustedKeys,
    log: VerifierKey,
    standby_log: Option<VerifierKey>,
    /// The same keys under the name with which they sign the index.
    index: VerifierKey,
    standby_index: Option<VerifierKey>,
    marks: Marks,
    /// The key change that was verified already.
    changed: Cell<Option<u64>>,
    limits: Limits,
    /// Good signatures of entries, checkpoints and marks.
    signatures: VerifiedSignatures,
}

/// Of so many signatures the last are known: more than one group has, and its notes.
const SIGNATURES: usize = 4_096;

impl Ledger {
    /// Makes a new ledger and its marks: a deliberate act, which refuses a path where something stands, and marks that
    /// stand already. `seal` answers its first entries, the genesis first. If anything fails before the first
    /// checkpoint stands in a mark, no ledger is left behind.
    ///
    /// # Errors
    /// [`AppendFault`].
    pub fn create<S: Signer>(
        path: &Path,
        trusted: TrustedKeys,
        marks: Vec<Box<dyn Mark>>,
        seal: impl FnOnce(&Place<'_>) -> Result<Vec<ecugate_verifier::documents::envelope::Envelope>, Finding>,
        log_signer: &S,
    ) -> Result<(Self, Recorded), AppendFault>
    where
        S::Error: Into<Finding>,
    {
        let marks = Marks::new(marks);
        marks.require_new()?;
        schema::create(path)?;
        let signatures = VerifiedSignatures::up_to(SIGNATURES);
        let made = Self::connect(path, trusted, marks, signatures).map_err(AppendFault::from);
        let mut ledger = made.inspect_err(|_| schema::discard(path))?;
        match ledger.append_one(Part::new(&Append::default(), seal), log_signer, Marking::Begin) {
            Ok(recorded) => Ok((ledger, recorded)),
            Err(fault) => {
                // What a mark knows of must not begin anew.
                if !ledger.marks.begun() {
                    drop(ledger);
                    schema::discard(path);
                }
                Err(fault)
            }
        }
    }

    /// Opens a ledger. Never makes one: a missing file is a refusal. So is a tree that is behind its checkpoint, that
    /// does not lead to its root, whose entries after it do not hold, or that is not the one that the marks know of; a
    /// tree ahead of its checkpoint is normal, and so is a mark ahead of it.
    ///
    /// Without marks it is opened to be read: nothing can be appended, and nobody knows whether it was put back.
    ///
    /// # Errors
    /// [`LedgerFault`].
    pub fn open(path: &Path, trusted: TrustedKeys, marks: Vec<Box<dyn Mark>>) -> Result<Self, LedgerFault> {
        Self::open_among(path, trusted, marks, VerifiedSignatures::up_to(SIGNATURES))
    }

    /// The same over another connection to it: with the signatures that were found good before.
    ///
    /// # Errors
    /// As [`Ledger::open`].
    pub fn open_among(
        path: &Path,
        trusted: TrustedKeys,
        marks: Vec<Box<dyn Mark>>,
        signatures: VerifiedSignatures,
    ) -> Result<Self, LedgerFault> {
        let mut ledger = Self::connect(path, trusted, Marks::new(marks), signatures)?;
        // Tree and checkpoint at one moment: another dock may be writing.
        let transaction = ledger.reader.unchecked_transaction()?;
        let state = ledger.state(&transaction)?;
        drop(transaction);
        if state.edge.size() == 0 {
            return Err(LedgerFault::differs("entry 0", "the genesis of this ledger", "no entry"));
        }
        ledger.guard(&state.edge, state.change)?;
        Ok(ledger)
    }

    /// Good signatures of its entries, checkpoints and marks: also for those who sign them, so that each is verified once.
    #[must_use]
    pub const fn signatures(&self) -> &VerifiedSignatures {
        &self.signatures
    }

    pub(in crate::ledger) const fn means(&self) -> Means<'_> {
        Means { limits: &self.limits, signatures: &self.signatures }
    }

    /// Where the ledger is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Name of the log.
    #[must_use]
    pub fn origin(&self) -> &str {
        self.trusted.origin.as_str()
    }

    /// The key that verified its first checkpoints, to be handed out. Officers may have changed it since: see
    /// [`Ledger::verifier_keys`] and [`Ledger::keys_in_force`].
    #[must_use]
    pub const fn verifier_key(&self) -> &VerifierKey {
        &self.log
    }

    fn connect(
        path: &Path,
        trusted: TrustedKeys,
        marks: Marks,
        signatures: VerifiedSignatures,
    ) -> Result<Self, LedgerFault> {
        let named = |name: &str, key: &PublicKey| {
            VerifierKey::new(name, key.clone())
                .map_err(|fault| LedgerFault::differs("the log key", "an Ed25519 key", fault.to_string()))
        };
        let standby = |name: &str| trusted.standby.as_ref().map(|standby| named(name, &standby.log)).transpose();
        let (origin, index) = (trusted.origin.as_str(), index_origin(&trusted.origin)?);
        let (log, standby_log) = (named(origin, &trusted.log)?, standby(origin)?);
        let (index, standby_index) = (named(index.as_str(), &trusted.log)?, standby(index.as_str())?);
        let writer = schema::open_to_write(path)?;
        let reader = schema::open_to_read(path)?;
        let (changed, limits) = (Cell::new(None), Limits::STANDARD);
        Ok(Self {
            path: path.to_owned(),
            writer,
            reader,
            trusted,
            log,
            standby_log,
            index,
            standby_index,
            marks,
            changed,
            limits,
            signatures,
        })
    }
}

/// The name under which the root of the index is signed: no checkpoint of the log can be taken for it.
fn index_origin(origin: &Origin) -> Result<Origin, LedgerFault> {
    let name = format!("index.{origin}");
    Origin::new(&name).ok_or_else(|| LedgerFault::differs("the origin", "a name with room for \"index.\"", name))
}

#[cfg(test)]
mod tests;
