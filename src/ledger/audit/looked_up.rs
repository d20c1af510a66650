//! The audit by look-ups: every row that follows from an entry is asked for by its keys. It is slow, and names what differs.

use super::walk::{StoredEntry, through_entries};
use super::{Audit, Depth, tables};
use crate::ledger::Ledger;
use crate::ledger::examine::Examined;
use crate::ledger::fault::LedgerFault;
use crate::ledger::index::{Rows as Derived, rebuild};
use crate::ledger::keys::KeySet;
use crate::ledger::projection::{Projection, Tally};
use crate::ledger::record::Reading;
use crate::ledger::rules::History;
use crate::ledger::state::{check_leaf_hash, check_node, push, tree_size};
use ecugate_verifier::syntax::merkle::{Edge, leaf_hash};
use rusqlite::{Connection, OptionalExtension as _};

/// An entry, and what looking at it alone came to.
type Looked = (StoredEntry, Result<Examined, LedgerFault>);

impl Ledger {
    pub(in crate::ledger) fn audit_by_look_ups(
        &self,
        connection: &Connection,
        depth: Depth,
    ) -> Result<Audit, LedgerFault> {
        let mut audit = Audit::new(depth, tree_size(connection)?);
        let mut tally = Tally::whole();
        let entries = self.look_entries_up(connection, &mut audit, &mut tally);
        audit.note(entries);
        let outcome = audit_counts(connection, &audit, &tally);
        audit.note(outcome);
        audit.note(rebuild(connection).and_then(|made| tables::audit_index(connection, made)));
        let outcome = tables::audit_blobs(connection, &mut audit);
        audit.note(outcome);
        audit.note(tables::audit_file(connection));
        let outcome = self.state(connection).map(drop);
        audit.note(outcome);
        Ok(audit)
    }

    /// Leaves, nodes, checkpoints and rows, entry by entry.
    fn look_entries_up(
        &self,
        connection: &Connection,
        audit: &mut Audit,
        tally: &mut Tally,
    ) -> Result<(), LedgerFault> {
        let (examiner, rigour) = (self.examiner(), audit.depth.rigour());
        let look = |batch: Vec<StoredEntry>| -> Vec<Looked> {
            let examine = |entry: StoredEntry| {
                let examined = examiner.examine(entry.seq, &entry.leaf, entry.envelope.as_deref(), rigour);
                (entry, examined)
            };
            batch.into_iter().map(examine).collect()
        };
        let mut walk =
            Walk { ledger: self, connection, edge: Edge::default(), history: History::default(), audit, tally };
        through_entries(connection, look, |batch| walk.take_batch(batch))?;
        if walk.audit.is_full() {
            return Ok(());
        }
        walk.history.end().map_err(|breach| breach.stored(walk.edge.size()))
    }

    fn look_checkpoint_up(
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
        self.require_checkpoint(edge, &note, &index_note, keys)
    }

    /// A stored checkpoint must be by the key that was entitled at its size, and of this tree.
    pub(super) fn require_checkpoint(
        &self,
        edge: &Edge,
        note: &str,
        index_note: &str,
        keys: KeySet,
    ) -> Result<(), LedgerFault> {
        let size = edge.size();
        let checkpoint = self.open_checkpoint(size, note, index_note, keys)?.checkpoint;
        if *checkpoint.root() == edge.root() {
            return Ok(());
        }
        let place = format!("the root at {size} entries");
        Err(LedgerFault::differs(place, checkpoint.root().to_string(), edge.root().to_string()))
    }
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
    fn take_batch(&mut self, batch: Vec<Looked>) -> Result<bool, LedgerFault> {
        for (stored, examined) in batch {
            let seq = self.edge.size();
            if stored.seq != seq {
                let found = format!("entry {}", stored.seq);
                return Err(LedgerFault::differs("the entries", format!("entry {seq}"), found));
            }
            self.take(&stored, examined)?;
            let outcome = self.ledger.look_checkpoint_up(self.connection, &self.edge, self.history.keys(), self.audit);
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
        tables::require_count(connection, table, expected)?;
    }
    Ok(())
}
