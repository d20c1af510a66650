//! What the ledger remembers: the memory of a unit, entries, blobs, attempts.

use super::Ledger;
use super::fault::LedgerFault;
use super::kind::EntryKind;
use super::lookup::{late_hold_of, standing_of, verdict_of};
use super::member::Blob;
use super::state::{State, tree_size};
use ecugate_verifier::inputs::custody::{Attempt, Sighting};
use ecugate_verifier::inputs::memory::{Completeness, CrlSeen, Known, ReleaseSeen};
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
        let complete = transaction
            .prepare_cached("SELECT 1 FROM act INDEXED BY act_by_kind WHERE kind = 'memory-complete'")?
            .exists([])?;
        Ok(Known {
            completeness: if complete { Completeness::Complete } else { Completeness::Incomplete },
            size: tree_size(&transaction)?,
            last: last_time(&transaction)?,
            sightings: self.sightings_in(&transaction, keys)?,
            anchor_list_version: highest(&transaction, "anchor-list")?,
            policy_version: highest(&transaction, "policy")?,
            crls: crls(&transaction)?,
            releases: releases(&transaction)?,
        })
    }

    /// Every entry that names one of these keys, in the order of the log, each with where its unit stands now.
    ///
    /// # Errors
    /// [`LedgerFault`].
    pub fn sightings(&self, keys: &[UnitKey]) -> Result<Vec<Sighting>, LedgerFault> {
        let transaction = self.reader.unchecked_transaction()?;
        self.sightings_in(&transaction, keys)
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
        last_time(&self.reader)
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
        verdict_of(&self.reader, attempt, evidence)
    }

    /// Number of the late hold that an attempt with this evidence came to.
    ///
    /// # Errors
    /// [`LedgerFault`].
    pub fn late_hold_of(&self, attempt: &Attempt, evidence: &Sha256) -> Result<Option<u64>, LedgerFault> {
        late_hold_of(&self.reader, attempt, evidence)
    }

    fn sightings_in(&self, connection: &Connection, keys: &[UnitKey]) -> Result<Vec<Sighting>, LedgerFault> {
        let mut entries = BTreeSet::new();
        for key in keys {
            let mut statement = connection
                .prepare_cached("SELECT seq FROM fact WHERE key_kind = ? AND key = ? ORDER BY seq LIMIT ?")?;
            let most = self.limits.sightings.saturating_add(1);
            let rows = statement
                .query_map(params![key.kind.word(), key.value, i64::try_from(most).unwrap_or(i64::MAX)], |row| {
                    row.get::<_, u64>(0)
                })?;
            for seq in rows {
                entries.insert(seq?);
            }
        }
        entries.into_iter().take(self.limits.sightings.saturating_add(1)).map(|seq| sighting(connection, seq)).collect()
    }
}

fn sighting(connection: &Connection, seq: u64) -> Result<Sighting, LedgerFault> {
    let wrong = |what: &str| LedgerFault::differs(format!("act of entry {seq}"), what, "something else");
    let (station, nonce, evidence) = connection
        .prepare_cached("SELECT station, nonce, evidence FROM act WHERE seq = ?")?
        .query_row([seq], |row| Ok((row.get::<_, String>(0)?, row.get::<_, String>(1)?, row.get::<_, [u8; 32]>(2)?)))?;
    let nonce = serde::de::value::StringDeserializer::<serde::de::value::Error>::new(nonce);
    let attempt = Attempt {
        station: Name::new(station).map_err(|_| wrong("a station"))?,
        nonce: serde::Deserialize::deserialize(nonce).map_err(|_| wrong("a nonce"))?,
    };
    let state = standing_of(connection, seq)?.ok_or_else(|| wrong("a state"))?;
    let mut statement = connection.prepare_cached(
        "SELECT key_kind, key FROM fact INDEXED BY fact_by_entry WHERE seq = ? ORDER BY key_kind, key",
    )?;
    let rows = statement.query_map([seq], |row| Ok((row.get::<_, String>(0)?, row.get(1)?)))?;
    let mut keys = Vec::new();
    for row in rows {
        let (kind, value) = row?;
        let kind = serde::de::value::StringDeserializer::<serde::de::value::Error>::new(kind);
        let kind = serde::Deserialize::deserialize(kind).map_err(|_| wrong("a kind of key"))?;
        keys.push(UnitKey { kind, value });
    }
    Ok(Sighting { seq, state, attempt, evidence: Sha256::from_bytes(evidence), keys })
}

pub(super) fn last_time(connection: &Connection) -> Result<Option<Time>, LedgerFault> {
    let last = connection
        .prepare_cached("SELECT max(time) FROM act INDEXED BY act_by_time")?
        .query_row([], |row| row.get::<_, Option<i64>>(0))?;
    Ok(last.and_then(Time::from_unix_millis))
}

fn highest(connection: &Connection, kind: &str) -> Result<u64, LedgerFault> {
    let highest = connection
        .prepare_cached("SELECT max(value) FROM version WHERE kind = ? AND name = ''")?
        .query_row([kind], |row| row.get::<_, Option<u64>>(0))?;
    Ok(highest.unwrap_or(0))
}

/// The highest value of each name of one kind.
fn highest_of_each(connection: &Connection, kind: &str) -> Result<Vec<(String, u64)>, LedgerFault> {
    let mut statement =
        connection.prepare_cached("SELECT name, max(value) FROM version WHERE kind = ? GROUP BY name ORDER BY name")?;
    let rows = statement.query_map([kind], |row| Ok((row.get(0)?, row.get(1)?)))?;
    Ok(rows.collect::<Result<_, _>>()?)
}

fn crls(connection: &Connection) -> Result<Vec<CrlSeen>, LedgerFault> {
    let seen = highest_of_each(connection, "crl")?.into_iter().map(|(issuer, time)| {
        let time = i64::try_from(time).ok().and_then(Time::from_unix_millis);
        match (Sha256::from_hex(&issuer), time) {
            (Some(issuer), Some(this_update)) => Ok(CrlSeen { issuer_key: issuer, this_update }),
            _ => Err(LedgerFault::differs("version of a CRL", "an issuer and a time", issuer)),
        }
    });
    seen.collect()
}

fn releases(connection: &Connection) -> Result<Vec<ReleaseSeen>, LedgerFault> {
    let seen = highest_of_each(connection, "release")?.into_iter().map(|(name, security_version)| {
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
