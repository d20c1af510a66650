//! Documents that came in before their boxes: found by number, by digest, and from a number on.

use super::Ledger;
use super::fault::LedgerFault;
use ecugate_verifier::documents::document;
use ecugate_verifier::documents::document_seen::DocumentSeen;
use ecugate_verifier::documents::envelope::Envelope;
use ecugate_verifier::values::digest::Sha256;
use rusqlite::{OptionalExtension as _, Row, params};

/// The columns of a document entry.
const COLUMNS: &str = "SELECT entry.seq, entry.leaf_hash, entry.envelope FROM act JOIN entry USING (seq)";

/// A document entry. Its signature was verified when it was written, and is again by an audit: here it is a hint.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DocumentEntry {
    /// Its number.
    pub seq: u64,
    /// Its leaf hash.
    pub leaf_hash: Sha256,
    /// What it says.
    pub seen: DocumentSeen,
}

impl Ledger {
    /// The document entries from number `seq` on, at most `most` of them, in the order of the log.
    ///
    /// # Errors
    /// [`LedgerFault`].
    pub fn documents_from(&self, seq: u64, most: usize) -> Result<Vec<DocumentEntry>, LedgerFault> {
        let mut statement = self.reader.prepare_cached(&format!(
            "{COLUMNS} WHERE act.seq >= ? AND act.kind = 'document' ORDER BY act.seq LIMIT ?"
        ))?;
        let rows = statement.query_map(params![seq, i64::try_from(most).unwrap_or(i64::MAX)], columns)?;
        rows.map(|row| self.document_entry(row?)).collect()
    }

    /// One document entry; `None` where the entry is of another kind, or where there is none.
    ///
    /// # Errors
    /// [`LedgerFault`].
    pub fn document(&self, seq: u64) -> Result<Option<DocumentEntry>, LedgerFault> {
        let row = self
            .reader
            .prepare_cached(&format!("{COLUMNS} WHERE act.seq = ? AND act.kind = 'document'"))?
            .query_row([seq], columns)
            .optional()?;
        row.map(|row| self.document_entry(row)).transpose()
    }

    /// The number under which a document with this digest was entered first.
    ///
    /// # Errors
    /// [`LedgerFault`].
    pub fn document_of(&self, sha256: &Sha256) -> Result<Option<u64>, LedgerFault> {
        let seq = self
            .reader
            .prepare_cached(
                "SELECT part.seq FROM part INDEXED BY part_by_blob JOIN act USING (seq) \
                 WHERE part.sha256 = ? AND act.kind = 'document' ORDER BY part.seq LIMIT 1",
            )?
            .query_row([sha256.as_bytes()], |row| row.get(0))
            .optional()?;
        Ok(seq)
    }

    fn document_entry(&self, (seq, leaf_hash, envelope): Columns) -> Result<DocumentEntry, LedgerFault> {
        let differs = |found: String| LedgerFault::differs(format!("entry {seq}"), "a document entry", found);
        let envelope = envelope.ok_or_else(|| differs("no envelope".to_owned()))?;
        let envelope = Envelope::parse(&envelope, &self.limits).map_err(|fault| differs(fault.to_string()))?;
        let seen = document::read_unverified(&envelope, &self.limits).map_err(|fault| differs(fault.to_string()))?;
        Ok(DocumentEntry { seq, leaf_hash: Sha256::from_bytes(leaf_hash), seen })
    }
}

type Columns = (u64, [u8; 32], Option<Vec<u8>>);

fn columns(row: &Row<'_>) -> rusqlite::Result<Columns> {
    Ok((row.get(0)?, row.get(1)?, row.get(2)?))
}
