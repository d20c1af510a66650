//! Entries as somebody looks them up: each verified anew, with where its unit stands now.

use super::Ledger;
use super::examine::Rigour;
use super::fault::LedgerFault;
use super::index::Rows;
use super::kind::EntryKind;
use super::record::{Reading, Record};
use super::state::tree_size;
use ecugate_verifier::documents::document;
use ecugate_verifier::documents::envelope::Envelope;
use ecugate_verifier::documents::late_hold::LateHold;
use ecugate_verifier::inputs::custody::{Attempt, State};
use ecugate_verifier::values::digest::Sha256;
use ecugate_verifier::values::ident::{Name, UnitKey};
use rusqlite::{Connection, OptionalExtension as _, params};
use std::collections::BTreeSet;

/// Which entries.
#[derive(Clone, Copy, Debug)]
pub enum Select<'a> {
    /// One, by its number.
    Entry(u64),
    /// What an attempt came to, and everything about its unit since.
    Attempt(&'a Attempt),
    /// Whatever names this key of a unit, and everything about those units since.
    Key(&'a UnitKey),
    /// The late hold with this tag.
    Tag(&'a Name),
    /// The last so many.
    Last(u64),
}

/// One entry that holds: leaf, signatures and place were verified when it was looked up.
#[derive(Clone, Debug)]
pub struct Look {
    /// Its number.
    pub seq: u64,
    /// Its kind; the whole predicate type where this version does not understand it.
    pub kind: String,
    /// What it says to the ledger, where this version understands it.
    pub record: Option<Record>,
    /// Where the unit of this verdict stands now.
    pub standing: Option<State>,
    /// The hash of its leaf in the tree.
    pub leaf_hash: Sha256,
    /// The signed statement.
    pub envelope: Vec<u8>,
}

impl Ledger {
    /// Looks entries up, in the order of the log.
    ///
    /// # Errors
    /// [`LedgerFault`], also where one of them does not hold: nothing is shown of what was tampered with.
    pub fn look(&self, select: Select<'_>) -> Result<Vec<Look>, LedgerFault> {
        let transaction = self.reader.unchecked_transaction()?;
        let index = self.state(&transaction)?.index;
        let rows = Rows::verified(&transaction, &index);
        let mut found = self.selected(rows, select)?;
        if matches!(select, Select::Attempt(_) | Select::Key(_) | Select::Tag(_)) {
            for seq in found.clone() {
                found.extend(numbers(&transaction, "SELECT seq FROM act WHERE unit = ?", params![seq])?);
            }
        }
        found.into_iter().map(|seq| self.look_at(rows, seq)).collect()
    }

    fn selected(&self, rows: Rows<'_>, select: Select<'_>) -> Result<BTreeSet<u64>, LedgerFault> {
        let connection = rows.connection();
        match select {
            Select::Entry(seq) => numbers(connection, "SELECT seq FROM entry WHERE seq = ?", params![seq]),
            Select::Attempt(attempt) => {
                let of_attempt = "SELECT seq FROM act INDEXED BY act_by_attempt WHERE station = ? AND nonce = ?";
                numbers(connection, of_attempt, params![attempt.station.as_str(), attempt.nonce.to_string()])
            }
            Select::Key(key) => Ok(rows.of_key(key, usize::MAX)?.into_iter().collect()),
            Select::Tag(tag) => {
                let late = numbers(connection, "SELECT seq FROM act WHERE kind = ?", [EntryKind::LateHold.word()])?;
                let mut tagged = BTreeSet::new();
                for seq in late {
                    if self.look_at(rows, seq)?.tag(self)? == *tag {
                        tagged.insert(seq);
                    }
                }
                Ok(tagged)
            }
            Select::Last(count) => {
                let size = tree_size(connection)?;
                Ok((size.saturating_sub(count)..size).collect())
            }
        }
    }

    fn look_at(&self, rows: Rows<'_>, seq: u64) -> Result<Look, LedgerFault> {
        let (leaf, envelope) = rows
            .connection()
            .prepare_cached("SELECT leaf, envelope FROM entry WHERE seq = ?")?
            .query_row([seq], |row| Ok((row.get::<_, Vec<u8>>(0)?, row.get::<_, Option<Vec<u8>>>(1)?)))
            .optional()?
            .ok_or_else(|| LedgerFault::differs(format!("entry {seq}"), "stored", "none"))?;
        let entry = self.examiner().examine(seq, &leaf, envelope.as_deref(), Rigour::Signatures)?;
        let (kind, record) = match entry.reading {
            Reading::Understood(said) => (said.kind.word().to_owned(), Some(said.record)),
            Reading::NotUnderstood(kind) => (kind, None),
        };
        let standing = rows.standing(seq)?.map(|(state, _)| state);
        let envelope = envelope.unwrap_or_default();
        Ok(Look { seq, kind, record, standing, leaf_hash: entry.leaf.hash(), envelope })
    }
}

impl Look {
    /// The tag of a late hold.
    fn tag(&self, ledger: &Ledger) -> Result<Name, LedgerFault> {
        let wrong = |why: String| LedgerFault::differs(format!("entry {}", self.seq), "a late hold", why);
        let envelope = Envelope::parse(&self.envelope, &ledger.limits).map_err(|fault| wrong(fault.to_string()))?;
        let hold: LateHold =
            document::read_unverified(&envelope, &ledger.limits).map_err(|fault| wrong(fault.to_string()))?;
        Ok(hold.tag)
    }
}

fn numbers(
    connection: &Connection,
    statement: &str,
    parameters: impl rusqlite::Params,
) -> Result<BTreeSet<u64>, LedgerFault> {
    let mut statement = connection.prepare_cached(statement)?;
    let rows = statement.query_map(parameters, |row| row.get::<_, u64>(0))?;
    Ok(rows.collect::<Result<_, _>>()?)
}
