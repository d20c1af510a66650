//! The write path (`docs/ledger.md`): lock, verify the edge, look the unit's keys up again, sign the receipt, commit;
//! then sign the checkpoint, store it, read it back.

use super::examine::Examined;
use super::fault::{AppendFault, LedgerFault};
use super::lookup::{claimed_by, standing_of, verdict_of};
use super::projection::Projection;
use super::record::{Reading, Record, Said};
use super::state::{push, stored_node};
use super::{EntryKind, Ledger};
use ecugate_verifier::documents::envelope::Envelope;
use ecugate_verifier::inputs::custody::State as Standing;
use ecugate_verifier::syntax::merkle::{Edge, inclusion_proof, leaf_hash, verify_inclusion};
use ecugate_verifier::syntax::note::{Checkpoint, Origin, SignFault};
use ecugate_verifier::values::digest::Sha256;
use ecugate_verifier::values::finding::Finding;
use ecugate_verifier::values::ident::UnitKey;
use ecugate_verifier::values::keys::Signer;
use ecugate_verifier::values::reason::Reason;
use rusqlite::{Connection, OptionalExtension as _, TransactionBehavior, params};
use std::collections::{BTreeMap, BTreeSet};

/// What is appended beside the envelopes.
#[derive(Clone, Debug, Default)]
pub struct Append {
    /// Every key of the unit at hand: looked up again under the lock.
    pub keys: Vec<UnitKey>,
    /// Size of the ledger when the unit's memory was taken ([`Ledger::memory`]).
    pub memory_size: u64,
    /// The blobs that the entries name as parts. One that is stored already may be left out.
    pub blobs: Vec<Blob>,
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
            entries.push((envelope, self.entry_of(seq, envelope).map_err(|why| unfit(seq, why))?));
        }
        require_fit(&transaction, append, seq, &entries)?;
        write_blobs(&transaction, &append.blobs)?;
        let mut leaf_hashes = Vec::new();
        for ((envelope, entry), seq) in entries.iter().zip(seq..) {
            write_entry(&transaction, seq, envelope, entry, &mut edge)?;
            leaf_hashes.push(entry.leaf.hash());
        }
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

/// No entry since the memory was taken may name one of the unit's keys, or change a unit that bears one. Other units
/// moving on is no conflict.
fn require_unmoved(connection: &Connection, append: &Append) -> Result<(), AppendFault> {
    for key in &append.keys {
        let last = connection
            .prepare_cached(
                "SELECT max(coalesce((SELECT max(custody.seq) FROM custody WHERE custody.unit = fact.seq), fact.seq)) \
                 FROM fact WHERE key_kind = ? AND key = ?",
            )?
            .query_row(params![key.kind.word(), key.value], |row| row.get::<_, Option<u64>>(0))?;
        if let Some(seq) = last.filter(|seq| *seq >= append.memory_size) {
            return Err(AppendFault::Moved { key: key.clone(), seq });
        }
    }
    Ok(())
}

/// The rules between the entries of one transaction and what is recorded already.
fn require_fit(
    connection: &Connection,
    append: &Append,
    first: u64,
    entries: &[(&Envelope, Examined)],
) -> Result<(), AppendFault> {
    let mut contested = BTreeSet::new();
    let mut all = Vec::new();
    for ((_, entry), seq) in entries.iter().zip(first..) {
        let unfit = |why: String| AppendFault::Unfit { seq, why };
        let said = match &entry.reading {
            Reading::Understood(said) => said.as_ref(),
            Reading::NotUnderstood(kind) => return Err(unfit(format!("kind {kind:?} is not written by this version"))),
        };
        if let Some(key) = said.record.keys.iter().find(|key| !append.keys.contains(key)) {
            return Err(unfit(format!("{key} was not looked up")));
        }
        require_new_attempt(connection, seq, said)?;
        require_claimable(connection, seq, said)?;
        if let Some(unit) = said.record.unit {
            if !matches!(standing_of(connection, unit)?, Some(Standing::Accepted | Standing::Contested)) {
                return Err(unfit(format!("entry {unit} is no accepted unit that could be contested")));
            }
            contested.insert(unit);
        }
        all.push(said);
    }
    let records: Vec<&Record> = all.iter().map(|said| &said.record).collect();
    require_blobs(connection, &append.blobs, &records).map_err(|why| AppendFault::Unfit { seq: first, why })?;
    for (said, seq) in all.into_iter().zip(first..) {
        require_contested(connection, seq, said, &contested)?;
    }
    Ok(())
}

/// One attempt with one evidence is judged once: whoever asks again gets the record that there is.
fn require_new_attempt(connection: &Connection, seq: u64, said: &Said) -> Result<(), AppendFault> {
    let (EntryKind::Verdict, Some(attempt), Some(evidence)) = (said.kind, &said.record.attempt, &said.record.evidence)
    else {
        return Ok(());
    };
    let Some(earlier) = verdict_of(connection, attempt, evidence)? else { return Ok(()) };
    let why = format!("attempt {attempt} with this evidence is recorded as entry {earlier}");
    Err(AppendFault::Unfit { seq, why })
}

/// An accept claims its keys for ever. A key that is claimed already means that the appraisal did not see it.
fn require_claimable(connection: &Connection, seq: u64, said: &Said) -> Result<(), AppendFault> {
    for key in Projection::of(seq, said.kind, &said.record).claims() {
        if let Some(owner) = claimed_by(connection, key)? {
            return Err(AppendFault::Moved { key: key.clone(), seq: owner });
        }
    }
    Ok(())
}

/// Whatever a receipt says that it contests is contested in this transaction; and whoever is suspect and bears a key
/// that an accepted unit has claimed contests that unit.
fn require_contested(
    connection: &Connection,
    seq: u64,
    said: &Said,
    contested: &BTreeSet<u64>,
) -> Result<(), AppendFault> {
    let unfit = |why: String| AppendFault::Unfit { seq, why };
    if let Some(unit) = said.contests.iter().find(|unit| !contested.contains(unit)) {
        return Err(unfit(format!("entry {unit} is contested by the receipt and by no entry")));
    }
    if said.record.state != Some(Standing::Suspect) {
        return Ok(());
    }
    for key in said.record.keys.iter().filter(|key| key.kind.claims()) {
        let owner = claimed_by(connection, key)?.filter(|unit| !contested.contains(unit));
        let Some(unit) = owner else { continue };
        if standing_of(connection, unit)? == Some(Standing::Accepted) {
            return Err(unfit(format!("entry {unit} holds {key} and is not contested")));
        }
    }
    Ok(())
}

/// Each part that a record names is stored or at hand, as what it is named; nothing at hand is named by nobody.
fn require_blobs(connection: &Connection, blobs: &[Blob], records: &[&Record]) -> Result<(), String> {
    let at_hand: BTreeMap<Sha256, &str> =
        blobs.iter().map(|blob| (Sha256::of(&blob.bytes), blob.media_type.as_str())).collect();
    let named: BTreeSet<Sha256> = records.iter().flat_map(|record| &record.parts).map(|part| part.sha256).collect();
    for part in records.iter().flat_map(|record| &record.parts) {
        let stored = connection
            .prepare_cached("SELECT 1 FROM blob WHERE sha256 = ?")
            .and_then(|mut statement| statement.exists([part.sha256.as_bytes()]))
            .map_err(|error| error.to_string())?;
        if !stored && at_hand.get(&part.sha256) != Some(&part.media_type.as_str()) {
            return Err(format!("part {} is neither stored nor at hand as {:?}", part.sha256, part.media_type));
        }
    }
    match at_hand.keys().find(|digest| !named.contains(digest)) {
        Some(digest) => Err(format!("blob {digest} is named by no entry")),
        None => Ok(()),
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
