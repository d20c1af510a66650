//! What follows from one entry: its rows in `act`, `fact`, `claim`, `custody`, `part` and `version`.
//!
//! One function makes the rows, and writing, checking and summing up use it: what was written is what an audit expects.

use super::fault::LedgerFault;
use super::index::{Bucket, Link, Row};
use super::kind::EntryKind;
use super::record::{PartRef, Record};
use super::sums::{Summed, Sums, integer};
use ecugate_verifier::inputs::custody::{Attempt, State};
use ecugate_verifier::values::digest::Sha256;
use ecugate_verifier::values::ident::UnitKey;
use rusqlite::types::ValueRef;
use rusqlite::{Connection, OptionalExtension as _, params};
use std::collections::BTreeMap;

/// The rows of one entry.
#[derive(Debug)]
pub(super) struct Projection {
    seq: u64,
    kind: EntryKind,
    time: i64,
    attempt: Option<Attempt>,
    evidence: Option<Sha256>,
    unit: Option<u64>,
    facts: Vec<UnitKey>,
    claims: Vec<UnitKey>,
    custody: Option<(u64, State)>,
    parts: Vec<PartRef>,
    versions: Vec<Version>,
}

/// A version that an entry names: its kind, the name of what it is of, and its number.
pub(super) type Version = (&'static str, String, u64);

/// The highest version of each so far, of entries that are taken in their order.
#[derive(Debug, Default)]
pub(super) struct Highest(BTreeMap<&'static str, BTreeMap<String, u64>>);

impl Highest {
    /// Whether a version is higher than all before it, and so has a row of its own.
    pub(super) fn is_raised_by(&mut self, (kind, name, value): &Version) -> bool {
        let of_kind = self.0.entry(kind).or_default();
        let Some(highest) = of_kind.get_mut(name) else {
            of_kind.insert(name.clone(), *value);
            return true;
        };
        let raises = *value > *highest;
        *highest = (*highest).max(*value);
        raises
    }
}

/// Rows found by [`Projection::check`], to be compared with the rows that there are.
#[derive(Debug, Default)]
pub(super) struct Tally {
    pub(super) acts: u64,
    pub(super) facts: u64,
    pub(super) claims: u64,
    pub(super) custody: u64,
    pub(super) parts: u64,
    pub(super) versions: u64,
    /// Whether entries are checked from the first one on, so that the highest version of each so far is known.
    whole: bool,
    highest: Highest,
}

impl Tally {
    /// For a check of every entry in their order.
    pub(super) fn whole() -> Self {
        Self { whole: true, ..Self::default() }
    }

    /// Whether a version needs a look: in a whole audit only where it is the highest so far and so has a row of its own.
    /// A row that no entry raises is one too many then, and the count says so.
    fn is_due(&mut self, version: &Version) -> bool {
        let raises = self.highest.is_raised_by(version);
        self.versions += u64::from(raises);
        raises || !self.whole
    }
}

impl Projection {
    /// The rows that follow from an entry.
    pub(super) fn of(seq: u64, kind: EntryKind, record: &Record) -> Self {
        let accepts = record.unit.is_none() && record.state == Some(State::Accepted);
        let claims = record.keys.iter().filter(|key| accepts && key.kind.claims()).cloned().collect();
        let mut versions = Vec::new();
        if let Some(used) = &record.versions {
            versions.extend(used.anchor_list.map(|version| ("anchor-list", String::new(), version)));
            versions.extend(used.policy.map(|version| ("policy", String::new(), version)));
            versions.extend(used.crls.iter().map(|crl| {
                ("crl", crl.issuer_key.to_string(), u64::try_from(crl.this_update.unix_millis()).unwrap_or_default())
            }));
            versions.extend(used.releases.iter().map(|release| {
                let name = format!("{}\u{1f}{}\u{1f}{}", release.manufacturer, release.part, release.component);
                ("release", name, release.security_version)
            }));
        }
        // In the order in which the rows of one bucket are chained.
        versions.sort();
        Self {
            seq,
            kind,
            time: record.time.unix_millis(),
            attempt: record.attempt.clone(),
            evidence: record.evidence,
            unit: record.unit,
            facts: record.keys.clone(),
            claims,
            custody: record.state.map(|state| (record.unit.unwrap_or(seq), state)),
            parts: record.parts.clone(),
            versions,
        }
    }

    /// The keys that the entry claims.
    pub(super) fn claims(&self) -> &[UnitKey] {
        &self.claims
    }

    /// Writes the rows, and answers those of the index.
    pub(super) fn write(&self, connection: &Connection) -> Result<Vec<Link>, LedgerFault> {
        let seq = self.seq;
        let (station, nonce) = self.attempt_columns();
        connection
            .prepare_cached(
                "INSERT INTO act (seq, kind, time, station, nonce, evidence, unit) VALUES (?, ?, ?, ?, ?, ?, ?)",
            )?
            .execute(params![seq, self.kind.word(), self.time, station, nonce, self.evidence_column(), self.unit])?;
        let mut links = self.key_links();
        for key in &self.facts {
            connection
                .prepare_cached("INSERT INTO fact (bucket, seq, key_kind, key) VALUES (?, ?, ?, ?)")?
                .execute(params![Bucket::of_key(key).number(), seq, key.kind.word(), key.value])?;
        }
        for key in &self.claims {
            connection.prepare_cached("INSERT INTO claim (key_kind, key, seq) VALUES (?, ?, ?)")?.execute(params![
                key.kind.word(),
                key.value,
                seq
            ])?;
        }
        if let Some((unit, state)) = self.custody {
            connection
                .prepare_cached("INSERT INTO custody (bucket, seq, unit, state) VALUES (?, ?, ?, ?)")?
                .execute(params![Bucket::of_unit(unit).number(), seq, unit, state.word()])?;
        }
        for part in &self.parts {
            connection
                .prepare_cached("INSERT INTO part (seq, sha256, media_type) VALUES (?, ?, ?)")?
                .execute(params![seq, part.sha256.as_bytes(), part.media_type])?;
        }
        for (kind, name, value) in &self.versions {
            // A row only where it is the highest so far: the table grows with new versions, not with arrivals.
            let rows = connection
                .prepare_cached(
                    "INSERT INTO version (kind, name, value, seq) SELECT ?1, ?2, ?3, ?4 WHERE NOT EXISTS \
                     (SELECT 1 FROM version WHERE kind = ?1 AND name = ?2 AND value >= ?3)",
                )?
                .execute(params![kind, name, value, seq])?;
            if rows > 0 {
                links.push(self.version_link(kind, name, *value));
            }
        }
        Ok(links)
    }

    /// The rows of keys and of the state as they lie in the index, those of one bucket in their order.
    fn key_links(&self) -> Vec<Link> {
        let seq = self.seq;
        let mut keys: Vec<(&str, &UnitKey)> = self.facts.iter().map(|key| (key.kind.word(), key)).collect();
        keys.sort_by(|(kind, key), (other, than)| (kind, &key.value).cmp(&(other, &than.value)));
        let facts = keys.into_iter().map(|(kind, key)| Link {
            bucket: Bucket::of_key(key),
            row: Row::Fact { seq, kind, key: &key.value }.encoded(),
        });
        let custody = self.custody.iter().map(|(unit, state)| Link {
            bucket: Bucket::of_unit(*unit),
            row: Row::Custody { seq, unit: *unit, state: state.word() }.encoded(),
        });
        facts.chain(custody).collect()
    }

    fn version_link(&self, kind: &str, name: &str, value: u64) -> Link {
        Link { bucket: Bucket::of_versions(kind), row: Row::Version { seq: self.seq, name, value }.encoded() }
    }

    /// Adds the rows up, and the blobs that are parts; but those of `version`: whether it has one, the entries before it
    /// decide.
    pub(super) fn sum(&self, sums: &mut Sums) -> Result<(), LedgerFault> {
        let seq = integer(self.seq)?;
        let (station, nonce) = self.attempt_columns();
        let unit = self.unit.map(integer).transpose()?;
        sums.add(
            Summed::Act,
            &[
                seq,
                self.kind.word().into(),
                ValueRef::Integer(self.time),
                station.into(),
                nonce.as_deref().into(),
                self.evidence_column().into(),
                unit.into(),
            ],
        );
        for key in &self.facts {
            let bucket = ValueRef::Integer(Bucket::of_key(key).number().into());
            sums.add(Summed::Fact, &[bucket, seq, key.kind.word().into(), key.value.as_str().into()]);
        }
        for key in &self.claims {
            sums.add(Summed::Claim, &[key.kind.word().into(), key.value.as_str().into(), seq]);
        }
        if let Some((unit, state)) = self.custody {
            let bucket = ValueRef::Integer(Bucket::of_unit(unit).number().into());
            sums.add(Summed::Custody, &[bucket, seq, integer(unit)?, state.word().into()]);
        }
        for part in &self.parts {
            let (sha256, media_type) = (part.sha256.as_bytes().as_slice().into(), part.media_type.as_str().into());
            sums.add(Summed::Part, &[seq, sha256, media_type]);
            sums.add(Summed::Blob, &[sha256, media_type]);
        }
        Ok(())
    }

    /// Adds up the rows of `version`, given the entries before this one.
    pub(super) fn sum_versions(
        versions: &[Version],
        seq: u64,
        highest: &mut Highest,
        sums: &mut Sums,
    ) -> Result<(), LedgerFault> {
        for version in versions.iter().filter(|version| highest.is_raised_by(version)) {
            let (kind, name, value) = version;
            sums.add(Summed::Version, &[(*kind).into(), name.as_str().into(), integer(*value)?, integer(seq)?]);
        }
        Ok(())
    }

    /// The versions that the entry names.
    pub(super) fn into_versions(self) -> Vec<Version> {
        self.versions
    }

    /// Checks that the rows are there and counts them. Answers those of the index. What an audit does once for a whole
    /// table is done here for the rows of one entry, unless it is an audit that asks.
    pub(super) fn check(&self, connection: &Connection, tally: &mut Tally) -> Result<Vec<Link>, LedgerFault> {
        // Counted whatever is found: a difference here is none of the entries after it.
        tally.acts += 1;
        tally.facts += count(self.facts.len());
        tally.claims += count(self.claims.len());
        tally.custody += u64::from(self.custody.is_some());
        tally.parts += count(self.parts.len());
        let versions = self.check_versions(connection, tally);
        self.check_act(connection)?;
        self.check_keys(connection)?;
        for part in &self.parts {
            let found = connection
                .prepare_cached("SELECT media_type FROM part WHERE seq = ? AND sha256 = ?")?
                .query_row(params![self.seq, part.sha256.as_bytes()], |row| row.get::<_, String>(0))
                .optional()?;
            self.require(found.as_deref() == Some(part.media_type.as_str()), "part", part.sha256)?;
        }
        if !tally.whole {
            self.check_indices(connection)?;
        }
        let mut links = self.key_links();
        links.extend(versions?);
        Ok(links)
    }

    fn check_act(&self, connection: &Connection) -> Result<(), LedgerFault> {
        let (station, nonce) = self.attempt_columns();
        let same = connection
            .prepare_cached(
                "SELECT 1 FROM act WHERE seq = ? AND kind = ? AND time = ? AND station IS ? AND nonce IS ? \
                 AND evidence IS ? AND unit IS ?",
            )?
            .exists(params![
                self.seq,
                self.kind.word(),
                self.time,
                station,
                nonce,
                self.evidence_column(),
                self.unit
            ])?;
        self.require(same, "act", self.kind.word())
    }

    /// By the very indices that the gate looks them up with.
    fn check_indices(&self, connection: &Connection) -> Result<(), LedgerFault> {
        let by_index = connection
            .prepare_cached(
                "SELECT count(*) FROM part JOIN blob USING (sha256) WHERE part.seq = ? AND EXISTS \
                 (SELECT 1 FROM part AS p INDEXED BY part_by_blob WHERE p.sha256 = part.sha256 AND p.seq = part.seq)",
            )?
            .query_row([self.seq], |row| row.get::<_, u64>(0))?;
        let parts = count(self.parts.len());
        self.require(by_index == parts, "part", format!("{parts} parts with their blobs"))?;
        let indexed = connection
            .prepare_cached("SELECT 1 FROM act INDEXED BY act_by_time WHERE time = ? AND seq = ?")?
            .exists(params![self.time, self.seq])?;
        self.require(indexed, "act_by_time", "the time")?;
        let (station, nonce) = self.attempt_columns();
        if self.attempt.is_some() {
            let indexed = connection
                .prepare_cached(
                    "SELECT 1 FROM act INDEXED BY act_by_attempt WHERE station = ? AND nonce = ? AND seq = ?",
                )?
                .exists(params![station, nonce, self.seq])?;
            self.require(indexed, "act_by_attempt", "the attempt")?;
        }
        if self.unit.is_some() {
            let indexed = connection
                .prepare_cached("SELECT 1 FROM act INDEXED BY act_by_unit WHERE unit = ? AND seq = ?")?
                .exists(params![self.unit, self.seq])?;
            self.require(indexed, "act_by_unit", "the unit")?;
        }
        if self.kind == EntryKind::MemoryComplete {
            let indexed = connection
                .prepare_cached("SELECT 1 FROM act INDEXED BY act_by_kind WHERE kind = 'memory-complete' AND seq = ?")?
                .exists([self.seq])?;
            self.require(indexed, "act_by_kind", "memory-complete")?;
        }
        if self.kind == EntryKind::KeyChange {
            let indexed = connection
                .prepare_cached("SELECT 1 FROM act INDEXED BY act_by_key_change WHERE kind = 'key-change' AND seq = ?")?
                .exists([self.seq])?;
            self.require(indexed, "act_by_key_change", "key-change")?;
        }
        Ok(())
    }

    fn check_keys(&self, connection: &Connection) -> Result<(), LedgerFault> {
        for key in &self.facts {
            let there = connection
                .prepare_cached("SELECT 1 FROM fact WHERE bucket = ? AND seq = ? AND key_kind = ? AND key = ?")?
                .exists(params![Bucket::of_key(key).number(), self.seq, key.kind.word(), key.value])?;
            self.require(there, "fact", key)?;
        }
        for key in &self.claims {
            let owner = connection
                .prepare_cached("SELECT seq FROM claim WHERE key_kind = ? AND key = ?")?
                .query_row(params![key.kind.word(), key.value], |row| row.get::<_, u64>(0))
                .optional()?;
            if let Some(owner) = owner.filter(|owner| *owner != self.seq) {
                let place = format!("claim of entry {}", self.seq);
                return Err(LedgerFault::differs(
                    place,
                    key.to_string(),
                    format!("a key which entry {owner} has claimed"),
                ));
            }
            self.require(owner.is_some(), "claim", key)?;
        }
        if let Some((unit, state)) = self.custody {
            let there = connection
                .prepare_cached("SELECT 1 FROM custody WHERE bucket = ? AND seq = ? AND unit = ? AND state = ?")?
                .exists(params![Bucket::of_unit(unit).number(), self.seq, unit, state.word()])?;
            self.require(there, "custody", state.word())?;
        }
        Ok(())
    }

    fn check_versions(&self, connection: &Connection, tally: &mut Tally) -> Result<Vec<Link>, LedgerFault> {
        let due: Vec<_> = self.versions.iter().filter(|version| tally.is_due(version)).collect();
        let mut links = Vec::new();
        for (kind, name, value) in due {
            let own = connection
                .prepare_cached("SELECT 1 FROM version WHERE kind = ? AND name = ? AND value = ? AND seq = ?")?
                .exists(params![kind, name, value, self.seq])?;
            let covered = connection
                .prepare_cached("SELECT 1 FROM version WHERE kind = ? AND name = ? AND value >= ? AND seq < ?")?
                .exists(params![kind, name, value, self.seq])?;
            self.require(own != covered && (own || !tally.whole), "version", format!("{kind} {name} {value}"))?;
            if own {
                links.push(self.version_link(kind, name, *value));
            }
        }
        Ok(links)
    }

    fn require(&self, holds: bool, table: &str, expected: impl core::fmt::Display) -> Result<(), LedgerFault> {
        if holds {
            return Ok(());
        }
        Err(LedgerFault::differs(format!("{table} of entry {}", self.seq), expected.to_string(), "another row or none"))
    }

    fn attempt_columns(&self) -> (Option<&str>, Option<String>) {
        let attempt = self.attempt.as_ref();
        (attempt.map(|attempt| attempt.station.as_str()), attempt.map(|attempt| attempt.nonce.to_string()))
    }

    fn evidence_column(&self) -> Option<&[u8]> {
        self.evidence.as_ref().map(|digest| digest.as_bytes().as_slice())
    }
}

fn count(rows: usize) -> u64 {
    u64::try_from(rows).unwrap_or(u64::MAX)
}
