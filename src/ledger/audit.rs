//! The audit: everything in the file is derived again from leaves and envelopes, and compared.

use super::Ledger;
use super::examine::Rigour;
use super::fault::LedgerFault;
use super::index::{Index, Rows, rebuild, require_root};
use super::keys::KeySet;
use super::projection::{Projection, Tally};
use super::record::Reading;
use super::rules::History;
use super::state::{Covered, check_leaf_hash, check_node, push, tree_size};
use ecugate_verifier::syntax::merkle::Edge;
use ecugate_verifier::values::digest::Sha256;
use ecugate_verifier::values::finding::Finding;
use rusqlite::{Connection, OptionalExtension as _, Row};

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

    /// Leaves, nodes, checkpoints and rows, entry by entry.
    fn audit_entries(&self, connection: &Connection, audit: &mut Audit, tally: &mut Tally) -> Result<(), LedgerFault> {
        let mut statement = connection.prepare("SELECT seq, leaf, leaf_hash, envelope FROM entry ORDER BY seq")?;
        let mut rows = statement.query([])?;
        let (mut edge, mut history) = (Edge::default(), History::default());
        while let Some(row) = rows.next()? {
            let seq = edge.size();
            let found: u64 = row.get(0)?;
            if found != seq {
                return Err(LedgerFault::differs("the entries", format!("entry {seq}"), format!("entry {found}")));
            }
            self.audit_entry(connection, row, (&mut edge, &mut history), audit, tally)?;
            let outcome = self.audit_checkpoint(connection, &edge, history.keys(), audit);
            audit.note(outcome);
            if audit.is_full() {
                return Ok(());
            }
        }
        history.end().map_err(|breach| breach.stored(edge.size()))
    }

    fn audit_entry(
        &self,
        connection: &Connection,
        row: &Row<'_>,
        (edge, history): (&mut Edge, &mut History),
        audit: &mut Audit,
        tally: &mut Tally,
    ) -> Result<(), LedgerFault> {
        let seq = edge.size();
        let leaf: Vec<u8> = row.get(1)?;
        let envelope: Option<Vec<u8>> = row.get(3)?;
        let rigour = match audit.depth {
            Depth::Structure => Rigour::Structure,
            Depth::Signatures => Rigour::Signatures,
        };
        match self.examine(seq, &leaf, envelope.as_deref(), rigour) {
            Ok(entry) => {
                if let Reading::Understood(said) = &entry.reading {
                    audit.note(Projection::of(seq, said.kind, &said.record).check(connection, tally).map(drop));
                }
                audit.note(history.take(Rows::audited(connection), seq, &entry).map_err(|breach| breach.stored(seq)));
                if let Reading::NotUnderstood(kind) = entry.reading {
                    audit.not_understood.push((seq, kind));
                }
            }
            Err(fault) => audit.note(Err(fault)),
        }
        // The tree goes on whatever the entry says: its root is compared with the checkpoints.
        let hash = ecugate_verifier::syntax::merkle::leaf_hash(&leaf);
        audit.note(check_leaf_hash(seq, &row.get(2)?, &hash));
        for node in push(edge, hash)? {
            audit.note(check_node(connection, &node));
        }
        Ok(())
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

/// SQLite's own check: pages, and indices against their tables. It finds what no look by key trips over.
fn audit_file(connection: &Connection) -> Result<(), LedgerFault> {
    let found: String = connection.query_row("PRAGMA integrity_check(1)", [], |row| row.get(0))?;
    if found == "ok" { Ok(()) } else { Err(LedgerFault::differs("the file", "a sound database", found)) }
}

/// Each blob has its digest, is found by it, and is a part of some entry as what it is.
fn audit_blobs(connection: &Connection, audit: &mut Audit) -> Result<(), LedgerFault> {
    let mut statement = connection.prepare("SELECT rowid, sha256, media_type, bytes FROM blob ORDER BY rowid")?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        let (rowid, sha256): (i64, [u8; 32]) = (row.get(0)?, row.get(1)?);
        let (media_type, digest) =
            (row.get::<_, String>(2)?, Sha256::of(row.get_ref(3)?.as_blob().map_err(rusqlite::Error::from)?));
        let sha256 = Sha256::from_bytes(sha256);
        let place = || format!("blob {sha256}");
        if digest != sha256 {
            audit.note(Err(LedgerFault::differs(place(), sha256.to_string(), digest.to_string())));
        }
        let by_digest = connection
            .prepare_cached("SELECT rowid FROM blob WHERE sha256 = ?")?
            .query_row([sha256.as_bytes()], |row| row.get::<_, i64>(0))
            .optional()?;
        if by_digest != Some(rowid) {
            audit.note(Err(LedgerFault::differs(place(), "to be found by its digest", "another row or none")));
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
