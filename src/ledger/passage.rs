//! What the ledger knows of a unit's way into inventory: its accept, where it stands, its admission, redemption and
//! confirmation.

use super::Ledger;
use super::examine::Rigour;
use super::fault::LedgerFault;
use super::index::Rows;
use super::kind::EntryKind;
use super::lookup::entry_about;
use super::member::Recorded;
use super::state::{State as Stored, stored_edge, tree_size};
use ecugate_verifier::inputs::custody::State;
use ecugate_verifier::syntax::merkle::{leaf_hash, verify_inclusion};
use ecugate_verifier::values::attempt::Attempt;
use ecugate_verifier::values::digest::Sha256;
use ecugate_verifier::values::finding::Finding;
use ecugate_verifier::values::keys::PublicKey;
use ecugate_verifier::values::time::Time;
use rusqlite::{Connection, OptionalExtension as _, params};

/// Past every entry: the largest number that a row can have.
const EVER: u64 = u64::MAX >> 1;

/// One unit's way into inventory, all of it at one moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Passage {
    /// Entries in the ledger.
    pub size: u64,
    /// Entries that a stored checkpoint covers.
    pub covered: u64,
    /// The latest time that any entry states.
    pub last: Option<Time>,
    /// What the entry asked for gave its unit when it was written. `None` where it is no verdict, or not there.
    pub verdict: Option<State>,
    /// Where the unit stands now, and the entry from which on it does.
    pub standing: Option<(State, u64)>,
    /// The entry of its admission.
    pub admitted: Option<u64>,
    /// The entry of its redemption.
    pub redeemed: Option<u64>,
    /// The entry of its confirmation.
    pub confirmed: Option<u64>,
}

impl Passage {
    /// Whether everything that is said here of the unit stands under a stored checkpoint.
    #[must_use]
    pub fn is_covered(&self) -> bool {
        let about = [self.standing.map(|(_, seq)| seq), self.admitted, self.redeemed, self.confirmed];
        about.into_iter().flatten().all(|seq| seq < self.covered)
    }
}

/// An entry that is the ledger's own: its signature verified, its place proven under a stored checkpoint.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proven {
    /// Its envelope.
    pub envelope: Vec<u8>,
    /// The station key that signed it.
    pub station: PublicKey,
    /// Where it stands, with the proof.
    pub recorded: Recorded,
}

impl Ledger {
    /// The way into inventory of the unit whose verdict is entry `unit`.
    ///
    /// # Errors
    /// [`LedgerFault`].
    pub fn passage(&self, unit: u64) -> Result<Passage, LedgerFault> {
        let unit = unit.min(EVER);
        let transaction = self.reader.unchecked_transaction()?;
        let Stored { edge, index, checkpoint, .. } = self.state(&transaction)?;
        let about = |kind| entry_about(&transaction, unit, kind, EVER);
        Ok(Passage {
            size: edge.size(),
            covered: checkpoint.map_or(0, |checkpoint| checkpoint.size()),
            last: self.latest_time(&transaction, &edge)?,
            verdict: verdict_at(&transaction, unit)?,
            standing: Rows::verified(&transaction, &index).standing(unit)?,
            admitted: about(EntryKind::Admitted)?,
            redeemed: about(EntryKind::Redeemed)?,
            confirmed: about(EntryKind::RedemptionConfirmed)?,
        })
    }

    /// The verdicts of an attempt in their order, each with what it gave its unit. More than one where the attempt was
    /// used with other evidence too.
    ///
    /// # Errors
    /// [`LedgerFault`].
    pub fn verdicts_of_attempt(&self, attempt: &Attempt) -> Result<Vec<(u64, State)>, LedgerFault> {
        let mut statement = self.reader.prepare_cached(
            "SELECT act.seq, custody.state FROM act INDEXED BY act_by_attempt \
             JOIN custody ON custody.unit = act.seq AND custody.seq = act.seq \
             WHERE station = ? AND nonce = ? AND kind = 'verdict' ORDER BY act.seq",
        )?;
        let attempt = params![attempt.station.as_str(), attempt.nonce.to_string()];
        let rows = statement.query_map(attempt, |row| Ok((row.get::<_, u64>(0)?, row.get::<_, String>(1)?)))?;
        let mut verdicts = Vec::new();
        for row in rows {
            let (seq, word) = row?;
            verdicts.push((seq, state(seq, &word)?));
        }
        Ok(verdicts)
    }

    /// Redemptions under a stored checkpoint that their consumer has not confirmed, in their order. Goes through every
    /// entry about a unit: a question for the end of a shift.
    ///
    /// # Errors
    /// [`LedgerFault`].
    pub fn unconfirmed(&self) -> Result<Vec<u64>, LedgerFault> {
        let mut statement = self.reader.prepare_cached(
            "SELECT seq FROM act INDEXED BY act_by_unit WHERE unit IS NOT NULL AND kind = 'redeemed' \
             AND seq < (SELECT max(size) FROM checkpoint) AND NOT EXISTS \
             (SELECT 1 FROM act AS later INDEXED BY act_by_unit \
              WHERE later.unit = act.unit AND later.kind = 'redemption-confirmed') ORDER BY seq",
        )?;
        let rows = statement.query_map([], |row| row.get(0))?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// An entry, with everything that must hold of it verified anew. `None` where there is none.
    ///
    /// # Errors
    /// [`LedgerFault`], also where no stored checkpoint covers the entry.
    pub fn proven(&self, seq: u64) -> Result<Option<Proven>, LedgerFault> {
        let seq = seq.min(EVER);
        let Some(entry) = self.entry(seq)? else { return Ok(None) };
        let examined = self.examiner().examine(seq, &entry.leaf, entry.envelope.as_deref(), Rigour::Signatures)?;
        let recorded = self.recorded(seq)?;
        let station = examined.leaf.key().clone();
        Ok(entry.envelope.map(|envelope| Proven { envelope, station, recorded }))
    }

    /// Whether a proof that somebody brings along shows that entry `seq` stands in this very log: its checkpoint is
    /// signed by the log key, is of a tree that this one goes on from, and the hashes lead from the entry to its root.
    ///
    /// # Errors
    /// The finding of the first of these that does not hold. A good signature over another tree than ours means that
    /// this ledger was put back or forked.
    pub fn require_own_proof(&self, seq: u64, checkpoint: &str, inclusion: &[Sha256]) -> Result<(), Finding> {
        let opened = self.own_checkpoint(checkpoint.as_bytes())?;
        let transaction = self.reader.unchecked_transaction().map_err(LedgerFault::from)?;
        let size = tree_size(&transaction)?;
        if opened.size() > size {
            let expected = format!("the {} entries of a checkpoint that it has signed", opened.size());
            return Err(LedgerFault::differs("the tree", expected, size.to_string()).into());
        }
        let root = stored_edge(&transaction, opened.size())?.root();
        if root != *opened.root() {
            let place = format!("the root at {} entries", opened.size());
            return Err(LedgerFault::differs(place, opened.root().to_string(), root.to_string()).into());
        }
        let leaf: Vec<u8> = transaction
            .prepare_cached("SELECT leaf FROM entry WHERE seq = ?")
            .and_then(|mut statement| statement.query_row([seq], |row| row.get(0)))
            .map_err(LedgerFault::from)?;
        Ok(verify_inclusion(&leaf_hash(&leaf), seq, opened.size(), inclusion, opened.root())?)
    }
}

/// What a verdict gave its unit when it was written.
fn verdict_at(connection: &Connection, seq: u64) -> Result<Option<State>, LedgerFault> {
    let word = connection
        .prepare_cached(
            "SELECT custody.state FROM act JOIN custody ON custody.unit = act.seq AND custody.seq = act.seq \
             WHERE act.seq = ? AND act.kind = 'verdict'",
        )?
        .query_row([seq], |row| row.get::<_, String>(0))
        .optional()?;
    word.map(|word| state(seq, &word)).transpose()
}

fn state(unit: u64, word: &str) -> Result<State, LedgerFault> {
    State::from_word(word)
        .ok_or_else(|| LedgerFault::differs(format!("custody of entry {unit}"), "a state", format!("{word:?}")))
}
