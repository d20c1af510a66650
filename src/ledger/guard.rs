//! The guard: the ledger is held against the marks outside of its file before anything is built on it, and before each
//! checkpoint is signed. It notices a ledger that was put back, cut short, or replaced by one with another history.

use super::Ledger;
use super::fault::LedgerFault;
use super::keys::{KeySet, retired};
use super::mark::{Counts, Mark};
use super::state::{stored_edge, stored_node, tree_size};
use ecugate_verifier::syntax::merkle::{Edge, consistency_proof, verify_consistency};
use ecugate_verifier::syntax::note::{VerifiedCheckpoint, VerifierKey};
use ecugate_verifier::values::digest::Sha256;
use ecugate_verifier::values::finding::Finding;
use ecugate_verifier::values::reason::Reason;
use ecugate_verifier::values::verified::Means;
use std::fmt;

/// The marks of an open ledger, and what of them was put aside.
#[derive(Default)]
pub(super) struct Marks {
    marks: Vec<Box<dyn Mark>>,
    reported: Vec<Finding>,
    begun: bool,
}

impl fmt::Debug for Marks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.marks.iter().map(|mark| mark.name())).finish()
    }
}

/// Who may have signed a note that counts.
pub(super) struct Entitled<'a> {
    pub(super) log: &'a VerifierKey,
    pub(super) standby: Option<&'a VerifierKey>,
    pub(super) means: Means<'a>,
    /// The entry by which officers changed the keys.
    pub(super) change: Option<u64>,
}

impl Entitled<'_> {
    /// Whether a note counts. One by the first key counts up to the key change alone: the token that was given up may be
    /// in anybody's hands. One by the standby key counts always: if this ledger knows no key change, or a later one, it
    /// is not the ledger that the note is of.
    pub(super) fn open(&self, note: &str) -> Result<VerifiedCheckpoint, Finding> {
        let open = |key| VerifiedCheckpoint::open(note.as_bytes(), key, self.means);
        let first = match open(self.log) {
            Ok(opened) if KeySet::at(opened.size(), self.change) == KeySet::First => return Ok(opened),
            first => first,
        };
        match (self.standby.map(open), first) {
            (Some(Ok(opened)), _) => Ok(opened),
            (_, Err(fault)) => Err(fault.into()),
            (_, Ok(opened)) => Err(retired(&opened)),
        }
    }
}

/// A note that counts, and the mark that it stands in.
struct Counted {
    mark: String,
    checkpoint: VerifiedCheckpoint,
}

impl Marks {
    pub(super) const fn new(marks: Vec<Box<dyn Mark>>) -> Self {
        Self { marks, reported: Vec::new(), begun: false }
    }

    /// Whether one of them holds a note since this ledger was made.
    pub(super) const fn begun(&self) -> bool {
        self.begun
    }

    /// Nothing is written into a ledger that nobody outside of it keeps an eye on.
    pub(super) fn require_some(&self) -> Result<(), LedgerFault> {
        if self.marks.iter().any(|mark| mark.is_required()) {
            return Ok(());
        }
        let expected = "a mark outside of its file, without which it is opened only to be read";
        Err(LedgerFault::Mark(Finding::new(Reason::MarkMissing, "ledger", expected, "none was given")))
    }

    /// For a new ledger: a mark that stands is of another one.
    pub(super) fn require_new(&self) -> Result<(), LedgerFault> {
        for mark in &self.marks {
            match mark.read() {
                Err(finding) if finding.reason == Reason::MarkMissing => {}
                Err(finding) => return Err(LedgerFault::Mark(finding)),
                Ok(_) => {
                    let expected = "nothing, where the mark of a new ledger goes";
                    let found = "the mark of a ledger";
                    return Err(LedgerFault::Mark(Finding::new(Reason::LedgerExists, mark.name(), expected, found)));
                }
            }
        }
        Ok(())
    }

    /// Makes each mark with its first note.
    pub(super) fn begin(&mut self, size: u64, note: &str) -> Result<(), Finding> {
        for mark in &mut self.marks {
            mark.begin(size, note)?;
            self.begun = true;
        }
        Ok(())
    }

    /// Raises each mark. Where one fails without which the ledger may go on, that is reported.
    pub(super) fn raise(&mut self, size: u64, note: &str, counts: Counts<'_>) -> Result<(), Finding> {
        for mark in &mut self.marks {
            match mark.raise(size, note, counts) {
                Err(finding) if mark.is_required() => return Err(finding),
                Err(finding) => self.reported.push(finding),
                Ok(()) => {}
            }
        }
        Ok(())
    }
}

impl Ledger {
    /// What of the marks was put aside when the ledger was last held against them: notes that count for nothing, and
    /// marks that are away and not required. Somebody should look after it; none of it stops the site.
    #[must_use]
    pub fn marks_reported(&self) -> &[Finding] {
        &self.marks.reported
    }

    /// Holds a verified tree against the marks: it must go on from the largest note that counts, or, where another
    /// process has written meanwhile, lead to it.
    pub(super) fn guard(&mut self, edge: &Edge, change: Option<u64>) -> Result<(), LedgerFault> {
        let mut reported = Vec::new();
        let counted = self.counted(change, &mut reported)?;
        self.marks.reported = reported;
        let largest = counted.iter().map(|counted| counted.checkpoint.size()).max();
        // Two of one size may have different roots.
        for counted in counted.iter().filter(|counted| Some(counted.checkpoint.size()) == largest) {
            self.require_same_history(edge, counted)?;
        }
        Ok(())
    }

    /// Every note that counts. The others are reported; a required mark must hold one.
    fn counted(&self, change: Option<u64>, reported: &mut Vec<Finding>) -> Result<Vec<Counted>, LedgerFault> {
        let mut counted = Vec::new();
        let (log, standby) = (&self.log, self.standby_log.as_ref());
        let means = self.means();
        let entitled = Entitled { log, standby, means, change };
        for mark in &self.marks.marks {
            let name = mark.name();
            let notes = match mark.read() {
                Ok(notes) => notes,
                Err(finding) if mark.is_required() => return Err(LedgerFault::Mark(finding)),
                Err(finding) => {
                    reported.push(finding);
                    continue;
                }
            };
            let before = counted.len();
            let mut found = None;
            for note in notes {
                match entitled.open(&note) {
                    Ok(checkpoint) => counted.push(Counted { mark: name.clone(), checkpoint }),
                    Err(finding) => {
                        found.get_or_insert(finding.found.clone());
                        reported.push(finding.within(&name));
                    }
                }
            }
            if counted.len() == before && mark.is_required() {
                let expected = "a checkpoint of this ledger, signed by its log key";
                let found = found.map_or_else(|| "no note".to_owned(), |why| format!("a note that {why}"));
                return Err(LedgerFault::Mark(Finding::new(Reason::MarkMissing, name, expected, found)));
            }
        }
        Ok(counted)
    }

    fn require_same_history(&self, edge: &Edge, counted: &Counted) -> Result<(), LedgerFault> {
        let (marked, root) = (counted.checkpoint.size(), counted.checkpoint.root());
        let mark = || counted.mark.clone();
        let transaction = self.reader.unchecked_transaction()?;
        if marked <= edge.size() {
            let own = || stored_edge(&transaction, marked).map(|edge| edge.root());
            let forked = |why| LedgerFault::Forked { mark: mark(), marked, size: edge.size(), why };
            // Not the stored nodes of that size alone: they must lead to the root of today, which is verified.
            return match goes_on(&transaction, (marked, root), (edge.size(), &edge.root()))? {
                Ok(()) => Ok(()),
                Err(why) if own()? == *root => Err(forked(why)),
                Err(_) => Err(forked(format!("expected root {root}, found {}", own()?))),
            };
        }
        // The mark is read after the tree: another process may have written in between.
        let size = tree_size(&transaction)?;
        if size < marked {
            return Err(LedgerFault::RolledBack { mark: mark(), marked, size });
        }
        goes_on(&transaction, (edge.size(), &edge.root()), (marked, root))?.map_err(|why| LedgerFault::Forked {
            mark: mark(),
            marked,
            size,
            why,
        })
    }
}

/// Whether the second tree goes on from the first, by the stored nodes; why not, where it does not.
fn goes_on(
    connection: &rusqlite::Connection,
    (first, first_root): (u64, &Sha256),
    (second, second_root): (u64, &Sha256),
) -> Result<Result<(), String>, LedgerFault> {
    // A tree of no entries is the beginning of every other.
    if first == 0 {
        return Ok(Ok(()));
    }
    let proof = consistency_proof(first, second, |level, index| stored_node(connection, level, index))?;
    let outcome = proof.and_then(|proof| verify_consistency(first, first_root, second, second_root, &proof));
    Ok(outcome.map_err(|fault| fault.to_string()))
}
