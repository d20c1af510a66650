//! The audit: everything in the file is derived again from leaves and envelopes, and compared.
//!
//! There are two ways. **By sums** whole tables are compared, and the answer is one: all of it holds, or not. **By
//! look-ups** every derived row is asked for by its keys, entry by entry, and what differs is named. An audit goes the first
//! way; only where that says that something does not hold, whatever it is, it goes the second one from the beginning, and
//! what is told is what that finds. Should it find nothing, what the first way found is told: see
//! `docs/decisions/0020-an-audit-by-sums.md`.

mod walk;

mod tables;

mod summed;

mod looked_up;

use super::Ledger;
use super::examine::Rigour;
use super::fault::LedgerFault;
use ecugate_verifier::values::finding::Finding;

/// After so many differences the audit stops looking: the ledger is not what it should be.
const MOST_DIFFERENCES: usize = 100;

/// Pages that are kept while tables are read from their begin to their end, as SQLite takes it: negative, in KiB. Of a page
/// that is read once nothing is gained by keeping it.
const CACHE: i64 = -512;

/// How deep an audit goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Depth {
    /// Leaves, nodes, roots, checkpoints, rows and blobs.
    Structure,
    /// The signatures of every entry too. Only this may be called *audited*.
    Signatures,
}

impl Depth {
    const fn rigour(self) -> Rigour {
        match self {
            Self::Structure => Rigour::Structure,
            Self::Signatures => Rigour::Signatures,
        }
    }
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
    const fn new(depth: Depth, size: u64) -> Self {
        Self { depth, size, checkpoints: 0, not_understood: Vec::new(), differences: Vec::new() }
    }

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
    /// `key` is drawn at random for this audit alone and told to nobody: tables are compared by sums under it, and whoever
    /// wrote to the file must not have known it.
    ///
    /// # Errors
    /// [`LedgerFault`] where the database cannot be read at all; what is wrong in it stands in the answer.
    pub fn audit(&self, depth: Depth, key: &[u8; 32]) -> Result<Audit, LedgerFault> {
        let transaction = self.reader.unchecked_transaction()?;
        let cache = transaction.pragma_query_value(None, "cache_size", |row| row.get::<_, i64>(0))?;
        transaction.pragma_update(None, "cache_size", CACHE)?;
        let summed = self.audit_by_sums(&transaction, depth, key);
        transaction.pragma_update(None, "cache_size", cache)?;
        concluded(summed, || self.audit_by_look_ups(&transaction, depth))
    }
}

/// What the two ways come to. A difference that the first one found and the second one cannot name is told as it is.
pub(super) fn concluded(
    summed: Result<Audit, Finding>,
    look_up: impl FnOnce() -> Result<Audit, LedgerFault>,
) -> Result<Audit, LedgerFault> {
    let found = match summed {
        Ok(audit) => return Ok(audit),
        Err(found) => found,
    };
    let mut audit = look_up()?;
    if audit.differences.is_empty() {
        audit.differences.push(found);
    }
    Ok(audit)
}
