//! The write path (`docs/ledger.md`): lock, verify the edge, look the unit's keys up again, sign the receipt, commit;
//! then sign the checkpoint, store it, read it back.

use super::Ledger;
use super::examine::Examined;
use super::fault::{AppendFault, LedgerFault};
use super::member::{Append, Blob, Place, Recorded};
use super::projection::Projection;
use super::record::Reading;
use super::rules::{History, require_prepared, require_unmoved};
use super::state::{push, stored_node};
use ecugate_verifier::documents::envelope::Envelope;
use ecugate_verifier::syntax::merkle::{Edge, inclusion_proof, leaf_hash, verify_inclusion};
use ecugate_verifier::syntax::note::{Checkpoint, SignFault};
use ecugate_verifier::values::digest::Sha256;
use ecugate_verifier::values::finding::Finding;
use ecugate_verifier::values::keys::Signer;
use ecugate_verifier::values::reason::Reason;
use rusqlite::{Connection, OptionalExtension as _, TransactionBehavior, params};

/// Entries that are committed and not yet covered.
struct Committed {
    seq: u64,
    leaf_hashes: Vec<Sha256>,
    edge: Edge,
}

impl Ledger {
    /// Appends entries in one transaction. `seal` is called under the lock, with the place of the entries, and answers
    /// their signed envelopes: the verdict, then a *contested* for each accepted unit that shares a claimed key.
    ///
    /// # Errors
    /// [`AppendFault`]. Every variant but *pending* says that nothing was written.
    pub fn append<S: Signer>(
        &mut self,
        append: &Append,
        seal: impl FnOnce(&Place<'_>) -> Result<Vec<Envelope>, Finding>,
        log_signer: &S,
    ) -> Result<Recorded, AppendFault>
    where
        S::Error: Into<Finding>,
    {
        let committed = self.commit(append, seal)?;
        let seq = committed.seq;
        // The checkpoint is never signed inside the transaction: one that rolls back after it would fork the log.
        self.confirm(committed, log_signer).map_err(|cause| AppendFault::Pending { seq, cause })
    }

    /// Signs and stores the checkpoint that a crash or a failing signer left out. Answers whether one was missing.
    ///
    /// # Errors
    /// [`AppendFault::Ledger`] where the entries after the last checkpoint do not hold, [`AppendFault::Pending`] where
    /// they do and the checkpoint still fails.
    pub fn settle<S: Signer>(&mut self, log_signer: &S) -> Result<bool, AppendFault>
    where
        S::Error: Into<Finding>,
    {
        let transaction = self.writer.unchecked_transaction()?;
        let state = self.state(&transaction)?;
        transaction.commit()?;
        if state.is_covered() {
            return Ok(false);
        }
        let seq = state.checkpoint.as_ref().map_or(0, |checkpoint| checkpoint.size());
        let committed = Committed { seq, leaf_hashes: Vec::new(), edge: state.edge };
        self.confirm(committed, log_signer).map_err(|cause| AppendFault::Pending { seq, cause })?;
        Ok(true)
    }

    fn commit(
        &self,
        append: &Append,
        seal: impl FnOnce(&Place<'_>) -> Result<Vec<Envelope>, Finding>,
    ) -> Result<Committed, AppendFault> {
        // IMMEDIATE takes the write lock now: what is read below cannot change before the commit.
        let transaction = rusqlite::Transaction::new_unchecked(&self.writer, TransactionBehavior::Immediate)?;
        let mut edge = self.state(&transaction)?.edge;
        let seq = edge.size();
        require_unmoved(&transaction, append)?;
        let envelopes = seal(&Place { origin: &self.trusted.origin, seq }).map_err(AppendFault::Sealing)?;
        let unfit = |seq: u64, why: String| AppendFault::Unfit { seq, why };
        if envelopes.is_empty() {
            return Err(unfit(seq, "no envelope was sealed".to_owned()));
        }
        let mut entries = Vec::new();
        for (envelope, seq) in envelopes.iter().zip(seq..) {
            entries.push(self.entry_of(seq, envelope).map_err(|why| unfit(seq, why))?);
        }
        require_prepared(&transaction, append, seq, &entries)?;
        write_blobs(&transaction, &append.blobs)?;
        let (mut history, mut leaf_hashes) = (History::default(), Vec::new());
        for ((envelope, entry), seq) in envelopes.iter().zip(&entries).zip(seq..) {
            if let Reading::Understood(said) = &entry.reading {
                history.take(&transaction, seq, said).map_err(|breach| breach.refuse(seq))?;
            }
            write_entry(&transaction, seq, envelope, entry, &mut edge)?;
            leaf_hashes.push(entry.leaf.hash());
        }
        history.end().map_err(|breach| breach.refuse(seq))?;
        // A commit that fails may still be found in the file after a crash: nobody knows, so it is not a hold.
        transaction.commit().map_err(|error| {
            let cause = LedgerFault::from(error).into();
            AppendFault::Pending { seq, cause }
        })?;
        Ok(Committed { seq, leaf_hashes, edge })
    }

    fn confirm<S: Signer>(&self, committed: Committed, log_signer: &S) -> Result<Recorded, Finding>
    where
        S::Error: Into<Finding>,
    {
        let Committed { seq, leaf_hashes, edge } = committed;
        if log_signer.public_key() != self.log.key() {
            let (expected, found) = (self.log.key().id().to_string(), log_signer.public_key().id().to_string());
            return Err(Finding::new(Reason::TokenKeyMissing, "log key", expected, found));
        }
        let (origin, size) = (self.trusted.origin.clone(), edge.size());
        let signed = Checkpoint { origin, size, root: edge.root() }.sign(log_signer).map_err(|fault| match fault {
            SignFault::Signer(error) => error.into(),
            SignFault::Key(fault) => fault.into(),
            SignFault::Lied(fault) => {
                Finding::new(Reason::SignerLied, "log key", "a signature of the checkpoint", fault.to_string())
            }
        })?;
        // Another process that wrote after us may have covered this size already, by the same words.
        self.writer
            .prepare_cached("INSERT INTO checkpoint (size, note) VALUES (?, ?) ON CONFLICT (size) DO NOTHING")
            .and_then(|mut statement| statement.execute(params![size, signed.note]))
            .map_err(LedgerFault::from)?;
        self.read_back(seq, leaf_hashes, size).map_err(Finding::from)
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
        self.read_back(seq, vec![leaf_hash(&entry.leaf)], size)
    }

    /// Reads everything back over the other connection: the entries, the checkpoint, and the proof between them.
    fn read_back(&self, seq: u64, leaf_hashes: Vec<Sha256>, size: u64) -> Result<Recorded, LedgerFault> {
        let transaction = self.reader.unchecked_transaction()?;
        let note = transaction
            .prepare_cached("SELECT note FROM checkpoint WHERE size = ?")?
            .query_row([size], |row| row.get::<_, String>(0))
            .optional()?
            .ok_or_else(|| LedgerFault::differs(format!("the checkpoint of {size} entries"), "stored", "none"))?;
        let checkpoint = self.open_checkpoint(size, &note)?;
        let mut inclusion = None;
        for (hash, seq) in leaf_hashes.iter().zip(seq..) {
            let place = || format!("entry {seq}");
            let leaf = transaction
                .prepare_cached("SELECT leaf FROM entry WHERE seq = ?")?
                .query_row([seq], |row| row.get::<_, Vec<u8>>(0))
                .optional()?
                .ok_or_else(|| LedgerFault::differs(place(), "stored", "none"))?;
            let proof = inclusion_proof(seq, size, |level, index| stored_node(&transaction, level, index))?
                .map_err(|fault| LedgerFault::differs(place(), "a proof", fault.to_string()))?;
            verify_inclusion(&leaf_hash(&leaf), seq, size, &proof, checkpoint.root())
                .map_err(|fault| LedgerFault::differs(place(), "under the checkpoint", fault.to_string()))?;
            if leaf_hash(&leaf) != *hash {
                return Err(LedgerFault::differs(place(), hash.to_string(), leaf_hash(&leaf).to_string()));
            }
            inclusion.get_or_insert(proof);
        }
        Ok(Recorded { seq, leaf_hashes, size, checkpoint: note, inclusion: inclusion.unwrap_or_default() })
    }
}

fn write_blobs(connection: &Connection, blobs: &[Blob]) -> Result<(), LedgerFault> {
    for blob in blobs {
        connection
            .prepare_cached(
                "INSERT INTO blob (sha256, media_type, bytes) VALUES (?, ?, ?) ON CONFLICT (sha256) DO NOTHING",
            )?
            .execute(params![Sha256::of(&blob.bytes).as_bytes(), blob.media_type, blob.bytes])?;
    }
    Ok(())
}

fn write_entry(
    connection: &Connection,
    seq: u64,
    envelope: &Envelope,
    entry: &Examined,
    edge: &mut Edge,
) -> Result<(), LedgerFault> {
    let hash = entry.leaf.hash();
    connection
        .prepare_cached("INSERT INTO entry (seq, leaf, leaf_hash, envelope) VALUES (?, ?, ?, ?)")?
        .execute(params![seq, entry.leaf.bytes(), hash.as_bytes(), envelope.bytes()])?;
    for node in push(edge, hash)? {
        connection.prepare_cached("INSERT INTO node (level, idx, hash) VALUES (?, ?, ?)")?.execute(params![
            node.level,
            node.index,
            node.hash.as_bytes()
        ])?;
    }
    if let Reading::Understood(said) = &entry.reading {
        Projection::of(seq, said.kind, &said.record).write(connection)?;
    }
    Ok(())
}
