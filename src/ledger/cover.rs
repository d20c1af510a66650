//! From the commit to the answer: hold the tree against the marks, sign its checkpoint, raise the marks, store the
//! checkpoint, read everything back.

use super::fault::{AppendFault, LedgerFault};
use super::guard::Entitled;
use super::keys::KeySet;
use super::member::Recorded;
use super::schema::{Durability, set_durability};
use super::state::{Covered, stored_node};
use super::{Ledger, index_origin};
use ecugate_verifier::syntax::merkle::{Edge, inclusion_proof, leaf_hash, verify_inclusion};
use ecugate_verifier::syntax::note::{Checkpoint, Origin, SignFault, VerifiedCheckpoint, VerifierKey};
use ecugate_verifier::values::digest::Sha256;
use ecugate_verifier::values::finding::Finding;
use ecugate_verifier::values::keys::{PublicKey, Signer};
use ecugate_verifier::values::reason::Reason;
use ecugate_verifier::values::verified::Means;
use rusqlite::{Connection, OptionalExtension as _, params};

/// What is done with the marks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Marking {
    /// They are made: the ledger is new.
    Begin,
    /// They are raised.
    Raise,
}

/// Entries of one member that stand in the file.
#[derive(Clone, Debug)]
pub(super) struct Span {
    pub(super) seq: u64,
    pub(super) leaf_hashes: Vec<Sha256>,
}

impl Ledger {
    /// Signs and stores the checkpoint that a crash or a failing signer left out. Answers whether one was missing.
    ///
    /// # Errors
    /// [`AppendFault::Ledger`] where the entries after the last checkpoint do not hold, or the ledger is not the one
    /// that the marks know of; [`AppendFault::Pending`] where they do and the checkpoint still fails.
    pub fn settle<S: Signer>(&mut self, log_signer: &S) -> Result<bool, AppendFault>
    where
        S::Error: Into<Finding>,
    {
        self.marks.require_some()?;
        let transaction = self.writer.unchecked_transaction()?;
        let state = self.state(&transaction)?;
        transaction.commit()?;
        self.guard(&state.edge, state.change)?;
        if state.is_covered() {
            return Ok(false);
        }
        let seq = state.checkpoint.as_ref().map_or(0, VerifiedCheckpoint::size);
        self.cover(&state.edge, &state.index.root(), log_signer, Marking::Raise)
            .map_err(|cause| AppendFault::Pending { seq, cause })?;
        Ok(true)
    }

    /// Covers a committed tree and its index, every entry of which this process has verified. The checkpoint is never
    /// signed inside the transaction: one that rolls back after it would fork the log.
    pub(super) fn cover<S: Signer>(
        &mut self,
        edge: &Edge,
        index: &Sha256,
        log_signer: &S,
        marking: Marking,
    ) -> Result<(), Finding>
    where
        S::Error: Into<Finding>,
    {
        let size = edge.size();
        let change = self.key_change(&self.reader)?;
        require_key(self.log_key(KeySet::at(size, change))?, log_signer.public_key())?;
        if marking == Marking::Raise {
            self.guard(edge, change)?;
        }
        let note = sign(self.trusted.origin.clone(), size, edge.root(), log_signer)?;
        let index_note = sign(index_origin(&self.trusted.origin)?, size, *index, log_signer)?;
        match marking {
            Marking::Begin => self.marks.begin(size, &note)?,
            Marking::Raise => {
                let (log, standby) = (&self.log, self.standby_log.as_ref());
                let means = Means { limits: &self.limits, signatures: &self.signatures };
                let entitled = Entitled { log, standby, means, change };
                let counts = |note: &str| entitled.open(note).ok().map(|counted| counted.size());
                self.marks.raise(size, &note, &counts)?;
            }
        }
        Ok(self.store(size, &note, &index_note)?)
    }

    /// Stores a checkpoint that stands in the marks. A power cut may take the row away again and nothing with it: the
    /// entries are durable, opening verifies them, and the same words are signed and stored again.
    fn store(&self, size: u64, note: &str, index_note: &str) -> Result<(), LedgerFault> {
        set_durability(&self.writer, Durability::OfTheNextCommit)?;
        // Another process that wrote after us may have covered this size already, by the same words.
        self.writer
            .prepare_cached(
                "INSERT INTO checkpoint (size, note, index_note) VALUES (?, ?, ?) ON CONFLICT (size) DO NOTHING",
            )?
            .execute(params![size, note, index_note])?;
        Ok(())
    }

    /// An entry that is recorded, with its proof under the latest checkpoint.
    ///
    /// # Errors
    /// [`LedgerFault`], also where no checkpoint covers the entry.
    pub fn recorded(&self, seq: u64) -> Result<Recorded, LedgerFault> {
        let place = || format!("entry {seq}");
        let (_, checkpoint) = self.head()?;
        let size = checkpoint.map_or(0, |checkpoint| checkpoint.size());
        let entry = self.entry(seq)?.ok_or_else(|| LedgerFault::differs(place(), "stored", "none"))?;
        if seq >= size {
            return Err(LedgerFault::differs(place(), "under a checkpoint", format!("a checkpoint of {size} entries")));
        }
        let span = Span { seq, leaf_hashes: vec![leaf_hash(&entry.leaf)] };
        let transaction = self.reader.unchecked_transaction()?;
        self.covering(&transaction, size)?.read_back(&transaction, span)
    }

    /// The stored checkpoint of `size` entries, as the other connection sees it.
    pub(super) fn covering(&self, connection: &Connection, size: u64) -> Result<Covering, LedgerFault> {
        let (note, index_note) = connection
            .prepare_cached("SELECT note, index_note FROM checkpoint WHERE size = ?")?
            .query_row([size], |row| Ok((row.get::<_, String>(0)?, row.get::<_, String>(1)?)))
            .optional()?
            .ok_or_else(|| LedgerFault::differs(format!("the checkpoint of {size} entries"), "stored", "none"))?;
        let keys = KeySet::at(size, self.key_change(connection)?);
        let Covered { checkpoint, .. } = self.open_checkpoint(size, &note, &index_note, keys)?;
        Ok(Covering { checkpoint, note })
    }
}

/// A note of the log key about a root at one size.
fn sign<S: Signer>(origin: Origin, size: u64, root: Sha256, log_signer: &S) -> Result<String, Finding>
where
    S::Error: Into<Finding>,
{
    let signed = Checkpoint { origin, size, root }.sign(log_signer).map_err(|fault| match fault {
        SignFault::Signer(error) => error.into(),
        SignFault::Key(fault) => fault.into(),
        SignFault::Lied(fault) => {
            Finding::new(Reason::SignerLied, "log key", "a signature of the checkpoint", fault.to_string())
        }
    })?;
    Ok(signed.note)
}

/// A stored checkpoint, read back.
pub(super) struct Covering {
    checkpoint: VerifiedCheckpoint,
    note: String,
}

impl Covering {
    /// Reads entries back, and the proof between each and the checkpoint.
    pub(super) fn read_back(&self, connection: &Connection, span: Span) -> Result<Recorded, LedgerFault> {
        let Span { seq, leaf_hashes } = span;
        let size = self.checkpoint.size();
        let mut inclusion = None;
        for (hash, seq) in leaf_hashes.iter().zip(seq..) {
            let place = || format!("entry {seq}");
            let leaf = connection
                .prepare_cached("SELECT leaf FROM entry WHERE seq = ?")?
                .query_row([seq], |row| row.get::<_, Vec<u8>>(0))
                .optional()?
                .ok_or_else(|| LedgerFault::differs(place(), "stored", "none"))?;
            let proof = inclusion_proof(seq, size, |level, index| stored_node(connection, level, index))?
                .map_err(|fault| LedgerFault::differs(place(), "a proof", fault.to_string()))?;
            verify_inclusion(&leaf_hash(&leaf), seq, size, &proof, self.checkpoint.root())
                .map_err(|fault| LedgerFault::differs(place(), "under the checkpoint", fault.to_string()))?;
            if leaf_hash(&leaf) != *hash {
                return Err(LedgerFault::differs(place(), hash.to_string(), leaf_hash(&leaf).to_string()));
            }
            inclusion.get_or_insert(proof);
        }
        let (checkpoint, inclusion) = (self.note.clone(), inclusion.unwrap_or_default());
        Ok(Recorded { seq, leaf_hashes, size, checkpoint, inclusion })
    }
}

/// The signer holds the key that is entitled to sign.
pub(super) fn require_key(entitled: &VerifierKey, signer: &PublicKey) -> Result<(), Finding> {
    if signer == entitled.key() {
        return Ok(());
    }
    let (expected, found) = (entitled.key().id().to_string(), signer.id().to_string());
    Err(Finding::new(Reason::TokenKeyMissing, "log key", expected, found))
}
