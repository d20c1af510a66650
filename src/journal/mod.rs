//! The journal of attempts: what the gate began, what it holds, what it has ended. It outlives a crash, and it keeps
//! what cannot go into the ledger because the ledger, the token or the signer is away.
//!
//! A folder of append-only segments of JSON lines, chained by SHA-256, written by any number of processes under one
//! lock. `docs/journal.md` says what is written, what it promises, and what it does not.
//!
//! # What it does not establish
//! It is not signed: whoever may write its files can write it anew. What it says is believed for two things only, which
//! attempt a box may go on with and which holds are still to be entered; neither makes an accept.

mod fault;

mod tag;

mod line;

mod standing;

mod segment;

mod live;

pub use fault::JournalFault;
pub use line::Held;
pub use standing::Kept;
pub use tag::Tag;

use ecugate_verifier::values::attempt::{Attempt, Nonce};
use ecugate_verifier::values::digest::Sha256;
use ecugate_verifier::values::ident::Name;
use ecugate_verifier::values::time::Time;
use line::{Began, Ended, Entered, Resumed, Says};
use live::Live;
use segment::{Position, Tail};
use standing::Key;
use std::collections::BTreeSet;
use std::fmt;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// The journal as one gate writes it.
pub struct Journal {
    folder: PathBuf,
    gate: Nonce,
    state: Mutex<State>,
    written: Mutex<Position>,
    synced: Mutex<Position>,
    /// What was written may not be on the disk, and nobody can tell: the next line goes into a new segment.
    is_doubtful: AtomicBool,
    live: Live,
    /// Lines of a segment.
    lines: u64,
}

#[derive(Default)]
struct State {
    /// The last segment as far as it was read. `None` after a fault: then it is read anew.
    tail: Option<Tail>,
    /// Attempts that threads of this gate are working on.
    in_progress: BTreeSet<Key>,
}

/// Which attempt a box is to have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Wanted {
    /// One that the caller has numbered: the same box, whenever it has this number.
    This(Attempt),
    /// One of this station with this very evidence that began, did not end, and whose gate no longer lives; else a new
    /// one.
    Any {
        /// The station.
        station: Name,
        /// For a new one.
        fresh: Nonce,
    },
}

/// An attempt that stands in the journal, durably.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Begun {
    /// The attempt.
    pub attempt: Attempt,
    /// Digest of what is presented.
    pub evidence: Sha256,
    /// When it began.
    pub begun: Time,
    /// Whether it began earlier, in a gate or a call that did not come to its end.
    pub is_resumed: bool,
    /// The hold that it came to and that is not entered yet.
    pub kept: Option<Kept>,
}

impl Journal {
    /// Makes the journal of a new site, in a folder that holds none.
    ///
    /// # Errors
    /// [`JournalFault`].
    pub fn create(folder: &Path) -> Result<(), JournalFault> {
        segment::create(folder)
    }

    /// Opens the journal for one gate, which `gate` names and nobody else. Reads the last segment only. Never makes a
    /// journal: where there is none, holds and attempts may have been lost, and a person must say what becomes of it.
    ///
    /// # Errors
    /// [`JournalFault`].
    pub fn open(folder: &Path, gate: Nonce) -> Result<Self, JournalFault> {
        Self::open_with(folder, gate, segment::LINES)
    }

    fn open_with(folder: &Path, gate: Nonce, lines: u64) -> Result<Self, JournalFault> {
        // Under the lock: nobody takes the file of a gate away between its making and its locking.
        let lock = segment::lock(folder)?;
        let tail = Tail::read(folder)?;
        live::sweep(folder, &tail.standing.gates())?;
        let live = Live::of(folder, gate)?;
        drop(lock);
        let state = State { tail: Some(tail), in_progress: BTreeSet::new() };
        Ok(Self {
            folder: folder.to_owned(),
            gate,
            state: Mutex::new(state),
            written: Mutex::default(),
            synced: Mutex::default(),
            is_doubtful: AtomicBool::new(false),
            live,
            lines,
        })
    }

    /// Begins an attempt, or goes on with one. When this returns it stands in the journal, durably, and belongs to the
    /// caller until [`Journal::end`] or [`Journal::let_go`].
    ///
    /// # Errors
    /// [`JournalFault`], also where the attempt that the caller has numbered is in progress.
    pub fn begin(&self, wanted: &Wanted, evidence: Sha256, now: Time) -> Result<Begun, JournalFault> {
        let (begun, written) = self.locked(|journal, state, tail| {
            let earlier = journal.earlier(wanted, evidence, state, tail)?;
            let attempt = match (&earlier, wanted) {
                (Some((key, _)), _) => key.attempt.clone(),
                (None, Wanted::This(attempt)) => attempt.clone(),
                (None, Wanted::Any { station, fresh }) => Attempt { station: station.clone(), nonce: *fresh },
            };
            let gate = journal.gate;
            // Also where it is ours and a call of ours left it: what was written then may not be on the disk.
            let says = match &earlier {
                Some(_) => Says::Resumed(Resumed { attempt: attempt.clone(), evidence, time: now, gate }),
                None => Says::Began(Began { attempt: attempt.clone(), evidence, time: now, gate }),
            };
            let written = Some(journal.write(tail, vec![says])?);
            let key = Key { attempt: attempt.clone(), evidence };
            let kept = tail.standing.kept_of(&key).cloned();
            state.insert(key);
            let (begun, is_resumed) = earlier.map_or((now, false), |(_, open)| (open.time, true));
            Ok((Begun { attempt, evidence, begun, is_resumed, kept }, written))
        })?;
        // Where it is not durable it does not count, and whoever began it does not work on it.
        self.sync(written).inspect_err(|_| self.let_go(&begun.attempt, evidence))?;
        Ok(begun)
    }

    /// The open attempt that a box goes on with.
    fn earlier(
        &self,
        wanted: &Wanted,
        evidence: Sha256,
        in_progress: &BTreeSet<Key>,
        tail: &Tail,
    ) -> Result<Option<(Key, standing::Open)>, JournalFault> {
        let is_left = |key: &Key, open: &standing::Open| -> Result<bool, JournalFault> {
            Ok(!in_progress.contains(key) && (open.gate == self.gate || !live::lives(&self.folder, open.gate)?))
        };
        match wanted {
            Wanted::This(attempt) => {
                let key = Key { attempt: attempt.clone(), evidence };
                let open = tail.standing.open(&key).cloned();
                match open {
                    Some(open) if is_left(&key, &open)? => Ok(Some((key, open))),
                    Some(_) => Err(JournalFault::InProgress(attempt.clone())),
                    None if in_progress.contains(&key) => Err(JournalFault::InProgress(attempt.clone())),
                    None => Ok(None),
                }
            }
            Wanted::Any { station, .. } => {
                for (key, open) in tail.standing.open_of(station, evidence) {
                    if is_left(key, open)? {
                        return Ok(Some((key.clone(), open.clone())));
                    }
                }
                Ok(None)
            }
        }
    }

    /// Keeps a hold of an attempt in progress, under a tag of its own.
    ///
    /// # Errors
    /// [`JournalFault`]: the box is held all the same, without a tag.
    pub fn hold(&self, hold: impl FnOnce(Tag) -> Held) -> Result<Kept, JournalFault> {
        let (kept, written) = self.locked(|journal, _, tail| {
            let held = hold(tail.standing.next_tag());
            let tag = held.tag;
            let written = journal.write(tail, vec![Says::Held(Box::new(held))])?;
            let kept = tail.standing.kept(tag).cloned();
            Ok((
                kept.ok_or_else(|| JournalFault::differs("the journal", "the hold just written", "none"))?,
                Some(written),
            ))
        })?;
        self.sync(written)?;
        Ok(kept)
    }

    /// Holds that are not entered in the ledger yet, in the order of their tags.
    ///
    /// # Errors
    /// [`JournalFault`].
    pub fn kept(&self) -> Result<Vec<Kept>, JournalFault> {
        self.locked(|_, _, tail| Ok(tail.standing.all_kept().cloned().collect()))
    }

    /// Notes under which entries of the ledger holds now stand.
    ///
    /// # Errors
    /// [`JournalFault`]. A hold that is entered and not noted is found in the ledger the next time.
    pub fn entered(&self, holds: &[(Tag, u64)]) -> Result<(), JournalFault> {
        let ((), written) = self.locked(|journal, _, tail| {
            // Another gate may have noted some of them meanwhile.
            let news = holds.iter().filter(|(tag, _)| tail.standing.kept(*tag).is_some());
            let says: Vec<Says> = news.map(|(tag, seq)| Says::Entered(Entered { tag: *tag, seq: *seq })).collect();
            let written = if says.is_empty() { None } else { Some(journal.write(tail, says)?) };
            Ok(((), written))
        })?;
        self.sync(written)
    }

    /// Ends an attempt: its outcome was shown. Nobody can go on with it any more.
    ///
    /// # Errors
    /// [`JournalFault`]: it stays open, and the same box presented again is shown its own record.
    pub fn end(&self, attempt: &Attempt, evidence: Sha256) -> Result<(), JournalFault> {
        let key = Key { attempt: attempt.clone(), evidence };
        let ended = self.locked(|journal, _, tail| {
            let is_open = tail.standing.open(&key).is_some_and(|open| open.gate == journal.gate);
            let says = Says::Ended(Ended { attempt: attempt.clone(), evidence });
            Ok(if is_open { Some(journal.write(tail, vec![says])?) } else { None })
        });
        self.let_go(attempt, evidence);
        self.sync(ended?)
    }

    /// Leaves an attempt open that nobody works on any more: the same box presented again goes on with it.
    pub fn let_go(&self, attempt: &Attempt, evidence: Sha256) {
        self.state().in_progress.remove(&Key { attempt: attempt.clone(), evidence });
    }

    /// Reads every segment from the first one there is and holds them against each other. Answers their number and that
    /// of their lines.
    ///
    /// # Errors
    /// [`JournalFault`] with the first line that is not what it should be.
    pub fn audit(folder: &Path) -> Result<(u64, u64), JournalFault> {
        let _lock = segment::lock(folder)?;
        segment::audit(folder)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // What a panic left is read anew at the next fault; the set is changed in one step.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Works under the lock, with everything read that others wrote.
    fn locked<T>(
        &self,
        work: impl FnOnce(&Self, &mut BTreeSet<Key>, &mut Tail) -> Result<T, JournalFault>,
    ) -> Result<T, JournalFault> {
        let mut state = self.state();
        let _lock = segment::lock(&self.folder)?;
        let State { tail, in_progress } = &mut *state;
        // Taken out, and put back where nothing failed: after a fault everything is read anew.
        let mut last = match tail.take() {
            Some(tail) => tail.catch_up(&self.folder)?,
            None => Tail::read(&self.folder)?,
        };
        let done = work(self, in_progress, &mut last);
        if matches!(done, Ok(_) | Err(JournalFault::InProgress(_))) {
            *tail = Some(last);
        }
        done
    }

    /// Writes lines. They count when [`Journal::sync`] has said so.
    fn write(&self, tail: &mut Tail, says: Vec<Says>) -> Result<(File, Position), JournalFault> {
        if tail.is_full(self.lines) || self.is_doubtful.load(Ordering::SeqCst) {
            tail.begin_next(&self.folder, self.is_doubtful.load(Ordering::SeqCst))?;
            self.is_doubtful.store(false, Ordering::SeqCst);
        }
        let (file, position) = tail.write(&self.folder, says)?;
        *self.written.lock().unwrap_or_else(PoisonError::into_inner) = position;
        Ok((file, position))
    }

    /// Waits until what was written is on the disk. One who waits while another writes to the disk mostly finds that
    /// the next who did so took his lines along.
    fn sync(&self, written: Option<(File, Position)>) -> Result<(), JournalFault> {
        let Some((file, mine)) = written else { return Ok(()) };
        let mut synced = self.synced.lock().unwrap_or_else(PoisonError::into_inner);
        if *synced >= mine {
            return Ok(());
        }
        let reached = *self.written.lock().unwrap_or_else(PoisonError::into_inner);
        if let Err(error) = file.sync_data() {
            // After a failed sync the next one may say that all is well, of pages that were dropped.
            self.is_doubtful.store(true, Ordering::SeqCst);
            return Err(JournalFault::unusable(&mine.path(&self.folder), &error));
        }
        *synced = if reached.segment == mine.segment { reached } else { mine };
        Ok(())
    }
}

impl Drop for Journal {
    fn drop(&mut self) {
        let state = self.state.get_mut().unwrap_or_else(PoisonError::into_inner);
        // A gate that left nothing open leaves no trace. Else its file says, unlocked, that it no longer lives.
        if state.tail.as_ref().is_some_and(|tail| !tail.standing.gates().contains(&self.gate)) {
            self.live.remove();
        }
    }
}

impl fmt::Debug for Journal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Journal").field("folder", &self.folder).field("gate", &self.gate).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
