//! The write path up to the commit (`docs/ledger.md`): one lock, one verified edge, and member by member: look its keys up
//! again, sign, check, write. Then one commit for all of them.

use super::Ledger;
use super::cover::{Marking, Span, require_key};
use super::examine::Examined;
use super::fault::{AppendFault, LedgerFault};
use super::index::{Index, Link, Rows};
use super::member::{Append, Blob, Member, Place, Recorded};
use super::projection::Projection;
use super::record::Reading;
use super::rules::{History, require_prepared, require_unmoved};
use super::schema::{Durability, set_durability};
use super::state::{State, push};
use ecugate_verifier::documents::envelope::Envelope;
use ecugate_verifier::syntax::merkle::Edge;
use ecugate_verifier::values::digest::Sha256;
use ecugate_verifier::values::finding::Finding;
use ecugate_verifier::values::keys::{PublicKey, Signer};
use rusqlite::{Connection, Transaction, TransactionBehavior, params};

/// Entries that one group takes, and so one commit and one checkpoint.
pub const GROUP_ENTRIES: usize = 1_000;

/// As [`Seal`](super::member::Seal), of whoever stays on this thread.
type LocalSeal<'a> = Box<dyn FnOnce(&Place<'_>) -> Result<Vec<Envelope>, Finding> + 'a>;

/// A member, whatever it lives on.
pub(super) struct Part<'a> {
    append: &'a Append,
    seal: LocalSeal<'a>,
}

impl<'a> Part<'a> {
    pub(super) fn new(
        append: &'a Append,
        seal: impl FnOnce(&Place<'_>) -> Result<Vec<Envelope>, Finding> + 'a,
    ) -> Self {
        Self { append, seal: Box::new(seal) }
    }
}

/// A committed group: where each member stands, or why it does not.
struct Committed {
    spans: Vec<Result<Span, AppendFault>>,
    edge: Edge,
    index: Sha256,
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
        self.append_one(Part::new(append, seal), log_signer, Marking::Raise)
    }

    /// Appends a group under one lock, one commit, one checkpoint: many times faster than one by one. Each member is
    /// held against those before it, and one that does not hold is left out alone. One answer a member, in their order.
    ///
    /// A member that the ledger itself fails takes all others with it, and nothing is written.
    pub fn append_group<S: Signer>(
        &mut self,
        members: Vec<Member<'_>>,
        log_signer: &S,
    ) -> Vec<Result<Recorded, AppendFault>>
    where
        S::Error: Into<Finding>,
    {
        let (appends, seals): (Vec<_>, Vec<_>) = members.into_iter().map(|member| (member.append, member.seal)).unzip();
        let parts = appends.iter().zip(seals).map(|(append, seal)| Part::new(append, seal)).collect();
        self.write(parts, log_signer, Marking::Raise)
    }

    pub(super) fn append_one<S: Signer>(
        &mut self,
        part: Part<'_>,
        log_signer: &S,
        marking: Marking,
    ) -> Result<Recorded, AppendFault>
    where
        S::Error: Into<Finding>,
    {
        let nothing = || Err(LedgerFault::differs("the ledger", "an answer to the append", "none").into());
        self.write(vec![part], log_signer, marking).pop().unwrap_or_else(nothing)
    }

    fn write<S: Signer>(
        &mut self,
        parts: Vec<Part<'_>>,
        log_signer: &S,
        marking: Marking,
    ) -> Vec<Result<Recorded, AppendFault>>
    where
        S::Error: Into<Finding>,
    {
        let members = parts.len();
        let Committed { spans, edge, index } = match self.commit(parts, log_signer.public_key()) {
            Ok(committed) => committed,
            Err(fault) => return (0..members).map(|_| Err(fault.clone())).collect(),
        };
        if spans.iter().all(Result::is_err) {
            return spans.into_iter().filter_map(Result::err).map(Err).collect();
        }
        match self.cover(&edge, &index, log_signer, marking) {
            Ok(()) => self.read_back(spans, edge.size()),
            Err(cause) => {
                let pending = |span: Span| Err(unconfirmed(&span, cause.clone()));
                spans.into_iter().map(|span| span.and_then(pending)).collect()
            }
        }
    }

    /// Reads every member back over the other connection.
    fn read_back(&self, spans: Vec<Result<Span, AppendFault>>, size: u64) -> Vec<Result<Recorded, AppendFault>> {
        let opened = self.reader.unchecked_transaction().map_err(LedgerFault::from);
        let covering = opened.and_then(|transaction| Ok((self.covering(&transaction, size)?, transaction)));
        let recorded = |span: Span| {
            let read = match &covering {
                Ok((covering, transaction)) => covering.read_back(transaction, span.clone()),
                Err(fault) => Err(fault.clone()),
            };
            read.map_err(|fault| unconfirmed(&span, fault.into()))
        };
        spans.into_iter().map(|span| span.and_then(recorded)).collect()
    }

    /// Writes every member that holds. `Err` where the ledger itself failed: then nothing was written.
    fn commit(&self, parts: Vec<Part<'_>>, log_signer: &PublicKey) -> Result<Committed, AppendFault> {
        self.marks.require_some()?;
        // Before the lock: it cannot be set inside a transaction.
        set_durability(&self.writer, Durability::OfEachCommit)?;
        // IMMEDIATE takes the write lock now: what is read below cannot change before the commit.
        let transaction = Transaction::new_unchecked(&self.writer, TransactionBehavior::Immediate)?;
        let State { edge, index, history, .. } = self.state(&transaction)?;
        let mut group = Group { ledger: self, connection: &transaction, edge, index, history, entries: 0 };
        let mut spans = Vec::new();
        for part in parts {
            match group.take(part) {
                Err(AppendFault::Ledger(fault)) => return Err(fault.into()),
                span => spans.push(span),
            }
        }
        let Group { edge, mut index, history, .. } = group;
        if spans.iter().all(Result::is_err) {
            return Ok(Committed { spans, edge, index: index.root() });
        }
        index.write(&transaction)?;
        let index = index.root();
        require_key(self.log_key(history.keys())?, log_signer).map_err(AppendFault::Sealing)?;
        // A commit that fails may still be found in the file after a crash: nobody knows, so it is not a hold.
        if let Err(error) = transaction.commit() {
            let cause = Finding::from(LedgerFault::from(error));
            let pending = |span: Span| Err(unconfirmed(&span, cause.clone()));
            spans = spans.into_iter().map(|span| span.and_then(pending)).collect();
        }
        Ok(Committed { spans, edge, index })
    }
}

/// A group while it is written.
struct Group<'a> {
    ledger: &'a Ledger,
    connection: &'a Connection,
    edge: Edge,
    index: Index,
    history: History,
    entries: usize,
}

impl Group<'_> {
    /// Writes a member, or nothing of it.
    fn take(&mut self, part: Part<'_>) -> Result<Span, AppendFault> {
        let before = (self.edge.clone(), self.history.clone(), self.entries);
        self.run("SAVEPOINT member")?;
        let written = self.write(part);
        match &written {
            Ok(_) => self.index.keep(),
            // The whole transaction goes back; after some errors it has done so already.
            Err(AppendFault::Ledger(_)) => return written,
            Err(_) => {
                self.run("ROLLBACK TO member")?;
                self.index.undo();
                (self.edge, self.history, self.entries) = before;
            }
        }
        self.run("RELEASE member")?;
        written
    }

    fn run(&self, statement: &str) -> Result<(), LedgerFault> {
        self.connection.prepare_cached(statement)?.execute([])?;
        Ok(())
    }

    fn write(&mut self, part: Part<'_>) -> Result<Span, AppendFault> {
        let Part { append, seal } = part;
        let seq = self.edge.size();
        if self.entries >= GROUP_ENTRIES {
            return Err(AppendFault::GroupFull { seq });
        }
        require_unmoved(Rows::verified(self.connection, &self.index), append)?;
        let place = Place { origin: &self.ledger.trusted.origin, seq };
        let envelopes = seal(&place).map_err(AppendFault::Sealing)?;
        if envelopes.is_empty() {
            return Err(AppendFault::Unfit { seq, why: "no envelope was sealed".to_owned() });
        }
        self.entries = self.entries.saturating_add(envelopes.len());
        if self.entries > GROUP_ENTRIES {
            return Err(AppendFault::GroupFull { seq });
        }
        let mut entries = Vec::new();
        for (envelope, seq) in envelopes.iter().zip(seq..) {
            entries
                .push(self.ledger.examiner().entry_of(seq, envelope).map_err(|why| AppendFault::Unfit { seq, why })?);
        }
        require_prepared(self.connection, append, seq, &entries)?;
        write_blobs(self.connection, &append.blobs)?;
        let mut leaf_hashes = Vec::new();
        for ((envelope, entry), seq) in envelopes.iter().zip(&entries).zip(seq..) {
            let rows = Rows::verified(self.connection, &self.index);
            self.history.take(rows, seq, entry).map_err(|breach| breach.refuse(seq))?;
            let (leaf_hash, links) = write_entry(self.connection, seq, envelope, entry, &mut self.edge)?;
            for link in links {
                self.index.link(self.connection, &link)?;
            }
            leaf_hashes.push(leaf_hash);
        }
        self.history.end().map_err(|breach| breach.refuse(seq))?;
        Ok(Span { seq, leaf_hashes })
    }
}

fn unconfirmed(span: &Span, cause: Finding) -> AppendFault {
    AppendFault::Pending { seq: span.seq, cause }
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
) -> Result<(Sha256, Vec<Link>), LedgerFault> {
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
    let links = match &entry.reading {
        Reading::Understood(said) => Projection::of(seq, said.kind, &said.record).write(connection)?,
        Reading::NotUnderstood(_) => Vec::new(),
    };
    Ok((hash, links))
}
