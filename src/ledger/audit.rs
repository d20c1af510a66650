//! The audit: everything in the file is derived again from leaves and envelopes, and compared.

use super::Ledger;
use super::examine::{Examined, Examiner, Rigour};
use super::fault::LedgerFault;
use super::index::{Index, Rows as Derived, rebuild, require_root};
use super::keys::KeySet;
use super::projection::{Projection, Tally};
use super::record::Reading;
use super::rules::History;
use super::state::{Covered, check_leaf_hash, check_node, push, tree_size};
use ecugate_verifier::syntax::merkle::{Edge, leaf_hash};
use ecugate_verifier::values::digest::Sha256;
use ecugate_verifier::values::finding::Finding;
use rusqlite::{Connection, OptionalExtension as _, Rows};
use std::thread::ScopedJoinHandle;

/// After so many differences the audit stops looking: the ledger is not what it should be.
const MOST_DIFFERENCES: usize = 100;

/// How deep an audit goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Depth {
    /// Leaves, nodes, roots, checkpoints, rows and blobs.
    Structure,
    /// The signatures of every entry too. Only this may be called *audited*.
    Signatures,
}

/// What an audit found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Audit {
    /// How deep it went.
    pub depth: Depth,
    /// Entries in the tree.
    pub size: u64,
    /// Checkpoints, each verified against the root at its size.
    pub checkpoints: u64,
    /// Entries of kinds that this version does not understand: counted in the tree, and nothing more.
    pub not_understood: Vec<(u64, String)>,
    /// What is not as it should be. Empty is good.
    pub differences: Vec<Finding>,
}

impl Audit {
    /// Whether all of it is as it should be.
    #[must_use]
    pub const fn is_clean(&self) -> bool {
        self.differences.is_empty() && self.not_understood.is_empty()
    }

    fn note(&mut self, outcome: Result<(), LedgerFault>) {
        if let Err(fault) = outcome {
            self.differences.push(fault.into());
        }
    }

    fn is_full(&self) -> bool {
        self.differences.len() >= MOST_DIFFERENCES
    }
}

impl Ledger {
    /// Audits the whole ledger at one moment, in constant memory.
    ///
    /// # Errors
    /// [`LedgerFault`] where the database cannot be read at all; what is wrong in it stands in the answer.
    pub fn audit(&self, depth: Depth) -> Result<Audit, LedgerFault> {
        let transaction = self.reader.unchecked_transaction()?;
        let size = tree_size(&transaction)?;
        let mut audit = Audit { depth, size, checkpoints: 0, not_understood: Vec::new(), differences: Vec::new() };
        let mut tally = Tally::whole();
        let entries = self.audit_entries(&transaction, &mut audit, &mut tally);
        audit.note(entries);
        let outcome = audit_counts(&transaction, &audit, &tally);
        audit.note(outcome);
        audit.note(audit_index(&transaction));
        let outcome = audit_blobs(&transaction, &mut audit);
        audit.note(outcome);
        audit.note(audit_file(&transaction));
        let outcome = self.state(&transaction).map(drop);
        audit.note(outcome);
        Ok(audit)
    }

    /// Leaves, nodes, checkpoints and rows, entry by entry. What needs no row is done on all cores, a batch ahead.
    fn audit_entries(&self, connection: &Connection, audit: &mut Audit, tally: &mut Tally) -> Result<(), LedgerFault> {
        let mut statement = connection.prepare("SELECT seq, leaf, leaf_hash, envelope FROM entry ORDER BY seq")?;
        let mut rows = statement.query([])?;
        let rigour = match audit.depth {
            Depth::Structure => Rigour::Structure,
            Depth::Signatures => Rigour::Signatures,
        };
        let mut walk =
            Walk { ledger: self, connection, edge: Edge::default(), history: History::default(), audit, tally };
        let mut batch = Vec::new();
        loop {
            let next = read_batch(&mut rows, BATCH)?;
            let ended = next.is_empty();
            let examiner = self.examiner();
            let (taken, examined) = std::thread::scope(|scope| {
                let cores = std::thread::available_parallelism().map_or(1, usize::from);
                let share = next.len().div_ceil(cores).max(1);
                let shares = next.chunks(share).map(|share| scope.spawn(move || examine_all(examiner, share, rigour)));
                let shares: Vec<_> = shares.collect();
                let taken = walk.take_batch(std::mem::take(&mut batch));
                let joined = |share: ScopedJoinHandle<'_, Vec<_>>| match share.join() {
                    Ok(examined) => examined,
                    Err(panic) => std::panic::resume_unwind(panic),
                };
                (taken, shares.into_iter().flat_map(joined).collect::<Vec<_>>())
            });
            // Of the last batch too: first what it came to, then whether there is another.
            if !taken? || ended {
                break;
            }
            batch = next.into_iter().zip(examined).collect();
        }
        if walk.audit.is_full() {
            return Ok(());
        }
        walk.history.end().map_err(|breach| breach.stored(walk.edge.size()))
    }

    fn audit_checkpoint(
        &self,
        connection: &Connection,
        edge: &Edge,
        keys: KeySet,
        audit: &mut Audit,
    ) -> Result<(), LedgerFault> {
        let size = edge.size();
        let note = connection
            .prepare_cached("SELECT note, index_note FROM checkpoint WHERE size = ?")?
            .query_row([size], |row| Ok((row.get::<_, String>(0)?, row.get::<_, String>(1)?)))
            .optional()?;
        let Some((note, index_note)) = note else { return Ok(()) };
        audit.checkpoints += 1;
        let Covered { checkpoint, .. } = self.open_checkpoint(size, &note, &index_note, keys)?;
        if *checkpoint.root() == edge.root() {
            return Ok(());
        }
        let place = format!("the root at {size} entries");
        Err(LedgerFault::differs(place, checkpoint.root().to_string(), edge.root().to_string()))
    }
}

/// Entries that are read at once.
const BATCH: usize = 16;

/// A row of `entry`.
struct StoredEntry {
    seq: u64,
    leaf: Vec<u8>,
    leaf_hash: [u8; 32],
    envelope: Option<Vec<u8>>,
}

fn read_batch(rows: &mut Rows<'_>, most: usize) -> Result<Vec<StoredEntry>, LedgerFault> {
    let mut batch = Vec::new();
    while batch.len() < most
        && let Some(row) = rows.next()?
    {
        batch.push(StoredEntry { seq: row.get(0)?, leaf: row.get(1)?, leaf_hash: row.get(2)?, envelope: row.get(3)? });
    }
    Ok(batch)
}

fn examine_all(examiner: Examiner<'_>, entries: &[StoredEntry], rigour: Rigour) -> Vec<Result<Examined, LedgerFault>> {
    let examine = |entry: &StoredEntry| examiner.examine(entry.seq, &entry.leaf, entry.envelope.as_deref(), rigour);
    entries.iter().map(examine).collect()
}

/// The way through the entries, in their order.
struct Walk<'a> {
    ledger: &'a Ledger,
    connection: &'a Connection,
    edge: Edge,
    history: History,
    audit: &'a mut Audit,
    tally: &'a mut Tally,
}

impl Walk<'_> {
    /// Whether to go on.
    fn take_batch(&mut self, batch: Vec<(StoredEntry, Result<Examined, LedgerFault>)>) -> Result<bool, LedgerFault> {
        for (stored, examined) in batch {
            let seq = self.edge.size();
            if stored.seq != seq {
                let found = format!("entry {}", stored.seq);
                return Err(LedgerFault::differs("the entries", format!("entry {seq}"), found));
            }
            self.take(&stored, examined)?;
            let outcome = self.ledger.audit_checkpoint(self.connection, &self.edge, self.history.keys(), self.audit);
            self.audit.note(outcome);
            if self.audit.is_full() {
                return Ok(false);
            }
        }
        Ok(true)
    }

    fn take(&mut self, stored: &StoredEntry, examined: Result<Examined, LedgerFault>) -> Result<(), LedgerFault> {
        let (connection, seq) = (self.connection, stored.seq);
        match examined {
            Ok(entry) => {
                if let Reading::Understood(said) = &entry.reading {
                    let projection = Projection::of(seq, said.kind, &said.record);
                    self.audit.note(projection.check(connection, self.tally).map(drop));
                }
                let taken = self.history.take(Derived::audited(connection), seq, &entry);
                self.audit.note(taken.map_err(|breach| breach.stored(seq)));
                if let Reading::NotUnderstood(kind) = entry.reading {
                    self.audit.not_understood.push((seq, kind));
                }
            }
            Err(fault) => self.audit.note(Err(fault)),
        }
        // The tree goes on whatever the entry says: its root is compared with the checkpoints.
        let hash = leaf_hash(&stored.leaf);
        self.audit.note(check_leaf_hash(seq, &stored.leaf_hash, &hash));
        for node in push(&mut self.edge, hash)? {
            self.audit.note(check_node(connection, &node));
        }
        Ok(())
    }
}

/// No table may hold a row that follows from no entry.
fn audit_counts(connection: &Connection, audit: &Audit, tally: &Tally) -> Result<(), LedgerFault> {
    // A tree of n leaves has n nodes of level 0, n/2 of level 1, and so on: 2n minus the ones of n.
    let nodes = (audit.size.saturating_mul(2)).saturating_sub(u64::from(audit.size.count_ones()));
    for (table, expected) in [
        ("entry", audit.size),
        ("node", nodes),
        ("checkpoint", audit.checkpoints),
        ("cosignature", 0),
        ("outside_mark", 0),
        ("act", tally.acts),
        ("fact", tally.facts),
        ("claim", tally.claims),
        ("custody", tally.custody),
        ("part", tally.parts),
        ("version", tally.versions),
    ] {
        // Of the table itself: else the rows of its smallest index are counted in their place.
        let count = format!("SELECT count(*) FROM {table} NOT INDEXED");
        let found: u64 = connection.query_row(&count, [], |row| row.get(0))?;
        if found != expected {
            return Err(LedgerFault::differs(table, format!("{expected} rows"), format!("{found} rows")));
        }
    }
    Ok(())
}

/// The index made anew from its rows: every node, and no other. That its root is the signed one, opening verifies.
fn audit_index(connection: &Connection) -> Result<(), LedgerFault> {
    let (root, nodes) = rebuild(connection)?;
    require_root(&root, &Index::stored(connection)?.root())?;
    let found: u64 = connection.query_row("SELECT count(*) FROM index_node", [], |row| row.get(0))?;
    if found == nodes {
        return Ok(());
    }
    Err(LedgerFault::differs("index_node", format!("{nodes} rows"), format!("{found} rows")))
}

/// SQLite's own check: pages, and every index against its table, both ways.
fn audit_file(connection: &Connection) -> Result<(), LedgerFault> {
    let found: String = connection.query_row("PRAGMA integrity_check(1)", [], |row| row.get(0))?;
    if found == "ok" { Ok(()) } else { Err(LedgerFault::differs("the file", "a sound database", found)) }
}

/// Each part has its blob, and each blob is a part: two lists in one order.
fn audit_parts(connection: &Connection) -> Result<(), LedgerFault> {
    let mut named = connection.prepare("SELECT DISTINCT sha256 FROM part INDEXED BY part_by_blob ORDER BY sha256")?;
    let mut stored = connection.prepare("SELECT sha256 FROM blob ORDER BY sha256")?;
    let (mut named, mut stored) = (named.query([])?, stored.query([])?);
    loop {
        let next = |rows: &mut Rows<'_>| -> Result<Option<Sha256>, LedgerFault> {
            let digest = rows.next()?.map(|row| row.get::<_, [u8; 32]>(0)).transpose()?;
            Ok(digest.map(Sha256::from_bytes))
        };
        let word = |digest: Option<Sha256>| digest.map_or_else(|| "none".to_owned(), |digest| digest.to_string());
        match (next(&mut named)?, next(&mut stored)?) {
            (None, None) => return Ok(()),
            (named, stored) if named == stored => {}
            (named, stored) => return Err(LedgerFault::differs("the blobs that are parts", word(named), word(stored))),
        }
    }
}

/// Each blob has its digest, and is a part of some entry as what it is.
fn audit_blobs(connection: &Connection, audit: &mut Audit) -> Result<(), LedgerFault> {
    audit.note(audit_parts(connection));
    let mut statement = connection.prepare("SELECT sha256, media_type, bytes FROM blob ORDER BY rowid")?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        let sha256: [u8; 32] = row.get(0)?;
        let (media_type, digest) =
            (row.get::<_, String>(1)?, Sha256::of(row.get_ref(2)?.as_blob().map_err(rusqlite::Error::from)?));
        let sha256 = Sha256::from_bytes(sha256);
        let place = || format!("blob {sha256}");
        if digest != sha256 {
            audit.note(Err(LedgerFault::differs(place(), sha256.to_string(), digest.to_string())));
        }
        let named = connection
            .prepare_cached("SELECT media_type FROM part WHERE sha256 = ? ORDER BY seq LIMIT 1")?
            .query_row([sha256.as_bytes()], |row| row.get::<_, String>(0))
            .optional()?;
        if named.as_deref() != Some(media_type.as_str()) {
            let expected = named.unwrap_or_else(|| "to be a part of an entry".to_owned());
            audit.note(Err(LedgerFault::differs(place(), expected, media_type)));
        }
        if audit.is_full() {
            break;
        }
    }
    Ok(())
}
