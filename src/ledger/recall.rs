//! What the ledger remembers: the memory of a unit, entries, blobs, attempts.

use super::Ledger;
use super::fault::LedgerFault;
use super::index::Rows;
use super::kind::EntryKind;
use super::lookup::arrival_of;
use super::member::Blob;
use super::state::State;
use ecugate_verifier::inputs::custody::{Attempt, Sighting};
use ecugate_verifier::inputs::memory::{Completeness, CrlSeen, Known, ReleaseSeen};
use ecugate_verifier::syntax::merkle::Edge;
use ecugate_verifier::syntax::note::VerifiedCheckpoint;
use ecugate_verifier::values::digest::Sha256;
use ecugate_verifier::values::ident::{Manufacturer, Name, Part, UnitKey};
use ecugate_verifier::values::time::Time;
use rusqlite::{Connection, OptionalExtension as _, params};
use std::collections::BTreeSet;

/// A stored entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Its number.
    pub seq: u64,
    /// Its leaf, as hashed.
    pub leaf: Vec<u8>,
    /// Its envelope; a mirror may lack it.
    pub envelope: Option<Vec<u8>>,
}

impl Ledger {
    /// What is known about a unit with these candidate keys, all of it at one moment. [`Known::size`] goes back into
    /// [`Append::memory_size`](super::Append::memory_size).
    ///
    /// Sightings end one after `Limits::sightings`: more is itself a finding.
    ///
    /// # Errors
    /// [`LedgerFault`].
    pub fn memory(&self, keys: &[UnitKey]) -> Result<Known, LedgerFault> {
        let transaction = self.reader.unchecked_transaction()?;
        let state = self.state(&transaction)?;
        let rows = Rows::verified(&transaction, &state.index);
        let complete = self.is_complete(&transaction, &state.edge)?;
        Ok(Known {
            completeness: if complete { Completeness::Complete } else { Completeness::Incomplete },
            size: state.edge.size(),
            last: self.latest_time(&transaction, &state.edge)?,
            sightings: self.sightings_in(rows, &state.edge, keys)?,
            anchor_list_version: highest(rows, "anchor-list")?,
            policy_version: highest(rows, "policy")?,
            crls: crls(rows)?,
            releases: releases(rows)?,
        })
    }

    /// Every entry that names one of these keys, in the order of the log, each with where its unit stands now.
    ///
    /// # Errors
    /// [`LedgerFault`].
    pub fn sightings(&self, keys: &[UnitKey]) -> Result<Vec<Sighting>, LedgerFault> {
        let transaction = self.reader.unchecked_transaction()?;
        let State { edge, index, .. } = self.state(&transaction)?;
        self.sightings_in(Rows::verified(&transaction, &index), &edge, keys)
    }

    /// Entries in the ledger, and its latest checkpoint, verified. `None` before the first one.
    ///
    /// # Errors
    /// [`LedgerFault`].
    pub fn head(&self) -> Result<(u64, Option<VerifiedCheckpoint>), LedgerFault> {
        let transaction = self.reader.unchecked_transaction()?;
        let State { edge, checkpoint, .. } = self.state(&transaction)?;
        Ok((edge.size(), checkpoint))
    }

    /// The latest time that any entry states. Of all of them: else enough holds dated by a clock that was set back would
    /// make that clock right.
    ///
    /// # Errors
    /// [`LedgerFault`].
    pub fn last_time(&self) -> Result<Option<Time>, LedgerFault> {
        let transaction = self.reader.unchecked_transaction()?;
        let state = self.state(&transaction)?;
        self.latest_time(&transaction, &state.edge)
    }

    /// The rows say which time was the latest; the last entry itself says below which none can be.
    pub(super) fn latest_time(&self, connection: &Connection, edge: &Edge) -> Result<Option<Time>, LedgerFault> {
        let stored = connection
            .prepare_cached("SELECT max(time) FROM act INDEXED BY act_by_time")?
            .query_row([], |row| row.get::<_, Option<i64>>(0))?;
        let Some(seq) = edge.size().checked_sub(1) else { return Ok(None) };
        let last = match self.said_at(connection, edge, seq) {
            Ok(said) => Some(said.record.time),
            // Of a kind that this version does not understand: it is in the tree, and its time is not read.
            Err(LedgerFault::Newer(_)) => None,
            Err(fault) => return Err(fault),
        };
        Ok(stored.and_then(Time::from_unix_millis).max(last))
    }

    /// Whether officers have said that the memory is complete. A row leads to their entry.
    fn is_complete(&self, connection: &Connection, edge: &Edge) -> Result<bool, LedgerFault> {
        let seq = connection
            .prepare_cached("SELECT min(seq) FROM act INDEXED BY act_by_kind WHERE kind = 'memory-complete'")?
            .query_row([], |row| row.get::<_, Option<u64>>(0))?;
        let Some(seq) = seq else { return Ok(false) };
        if self.said_at(connection, edge, seq)?.kind == EntryKind::MemoryComplete {
            return Ok(true);
        }
        Err(LedgerFault::differs(format!("act of entry {seq}"), "a memory-complete", "another entry"))
    }

    /// One entry.
    ///
    /// # Errors
    /// [`LedgerFault`].
    pub fn entry(&self, seq: u64) -> Result<Option<Entry>, LedgerFault> {
        let entry = self
            .reader
            .prepare_cached("SELECT leaf, envelope FROM entry WHERE seq = ?")?
            .query_row([seq], |row| Ok(Entry { seq, leaf: row.get(0)?, envelope: row.get(1)? }))
            .optional()?;
        Ok(entry)
    }

    /// A blob. Its bytes are hashed again: what does not have this digest is not handed out.
    ///
    /// # Errors
    /// [`LedgerFault`].
    pub fn blob(&self, sha256: &Sha256) -> Result<Option<Blob>, LedgerFault> {
        let blob = self
            .reader
            .prepare_cached("SELECT media_type, bytes FROM blob WHERE sha256 = ?")?
            .query_row([sha256.as_bytes()], |row| Ok(Blob { media_type: row.get(0)?, bytes: row.get(1)? }))
            .optional()?;
        match blob {
            Some(blob) if Sha256::of(&blob.bytes) != *sha256 => {
                let found = Sha256::of(&blob.bytes).to_string();
                Err(LedgerFault::differs(format!("blob {sha256}"), sha256.to_string(), found))
            }
            blob => Ok(blob),
        }
    }

    /// Number of the entry of `kind` that has this document as a part, the latest if there are several.
    ///
    /// # Errors
    /// [`LedgerFault`].
    pub fn entry_with(&self, kind: EntryKind, part: &Sha256) -> Result<Option<u64>, LedgerFault> {
        let seq = self
            .reader
            .prepare_cached(
                "SELECT max(act.seq) FROM part INDEXED BY part_by_blob JOIN act ON act.seq = part.seq \
                 WHERE part.sha256 = ? AND act.kind = ?",
            )?
            .query_row(params![part.as_bytes(), kind.word()], |row| row.get(0))?;
        Ok(seq)
    }

    /// Number of the verdict that an attempt with this evidence came to.
    ///
    /// # Errors
    /// [`LedgerFault`].
    pub fn verdict_of(&self, attempt: &Attempt, evidence: &Sha256) -> Result<Option<u64>, LedgerFault> {
        self.arrival_of(EntryKind::Verdict, attempt, evidence)
    }

    /// Number of the late hold that an attempt with this evidence came to.
    ///
    /// # Errors
    /// [`LedgerFault`].
    pub fn late_hold_of(&self, attempt: &Attempt, evidence: &Sha256) -> Result<Option<u64>, LedgerFault> {
        self.arrival_of(EntryKind::LateHold, attempt, evidence)
    }

    /// A row leads to the entry; that it is of this attempt with this evidence is what the entry itself says.
    fn arrival_of(&self, kind: EntryKind, attempt: &Attempt, evidence: &Sha256) -> Result<Option<u64>, LedgerFault> {
        let transaction = self.reader.unchecked_transaction()?;
        let Some(seq) = arrival_of(&transaction, kind, attempt, evidence)? else { return Ok(None) };
        let said = self.said_at(&transaction, &self.state(&transaction)?.edge, seq)?;
        let own = (said.kind, &said.record.attempt, &said.record.evidence);
        if own == (kind, &Some(attempt.clone()), &Some(*evidence)) {
            return Ok(Some(seq));
        }
        let expected = format!("the {} of attempt {attempt}", kind.word());
        Err(LedgerFault::differs(format!("act of entry {seq}"), expected, "another entry"))
    }

    fn sightings_in(&self, rows: Rows<'_>, edge: &Edge, keys: &[UnitKey]) -> Result<Vec<Sighting>, LedgerFault> {
        let most = self.limits.sightings.saturating_add(1);
        let mut entries = BTreeSet::new();
        for key in keys {
            entries.extend(rows.of_key(key, most)?);
        }
        entries.into_iter().take(most).map(|seq| self.sighting(rows, edge, seq)).collect()
    }

    fn sighting(&self, rows: Rows<'_>, edge: &Edge, seq: u64) -> Result<Sighting, LedgerFault> {
        let record = self.said_at(rows.connection(), edge, seq)?.record;
        let wrong = |what: &str| LedgerFault::differs(format!("entry {seq}"), what, "none");
        let (state, _) = rows.standing(seq)?.ok_or_else(|| wrong("a state of its unit"))?;
        let attempt = record.attempt.ok_or_else(|| wrong("an attempt"))?;
        let evidence = record.evidence.ok_or_else(|| wrong("evidence"))?;
        let mut keys = record.keys;
        keys.sort_by(|one, other| (one.kind.word(), &one.value).cmp(&(other.kind.word(), &other.value)));
        Ok(Sighting { seq, state, attempt, evidence, keys })
    }
}

fn highest(rows: Rows<'_>, kind: &str) -> Result<u64, LedgerFault> {
    Ok(rows.highest(kind)?.remove("").unwrap_or(0))
}

fn crls(rows: Rows<'_>) -> Result<Vec<CrlSeen>, LedgerFault> {
    let seen = rows.highest("crl")?.into_iter().map(|(issuer, time)| {
        let time = i64::try_from(time).ok().and_then(Time::from_unix_millis);
        match (Sha256::from_hex(&issuer), time) {
            (Some(issuer), Some(this_update)) => Ok(CrlSeen { issuer_key: issuer, this_update }),
            _ => Err(LedgerFault::differs("version of a CRL", "an issuer and a time", issuer)),
        }
    });
    seen.collect()
}

fn releases(rows: Rows<'_>) -> Result<Vec<ReleaseSeen>, LedgerFault> {
    let seen = rows.highest("release")?.into_iter().map(|(name, security_version)| {
        let wrong = || LedgerFault::differs("version of a release", "maker, part, component", format!("{name:?}"));
        let mut parts = name.split('\u{1f}');
        let (Some(manufacturer), Some(part), Some(component), None) =
            (parts.next(), parts.next(), parts.next(), parts.next())
        else {
            return Err(wrong());
        };
        Ok(ReleaseSeen {
            manufacturer: Manufacturer::new(manufacturer).map_err(|_| wrong())?,
            part: Part::new(part).map_err(|_| wrong())?,
            component: Name::new(component).map_err(|_| wrong())?,
            security_version,
        })
    });
    seen.collect()
}
