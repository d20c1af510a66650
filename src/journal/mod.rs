//! The journal of attempts: what the gate began, what it holds, what it has ended. It outlives a crash, and it keeps
//! what cannot go into the ledger because the ledger, the token or the signer is away.
//!
//! A folder of append-only segments of JSON lines, chained by SHA-256, written by any number of processes under one
//! lock. `docs/journal.md` says what is written, what it promises, and what it does not.
//!
//! # What it does not establish
//! It is not signed: whoever may write its files can write it anew. What it says is believed for two things only, which
//! attempt a box may go on with and which holds are still to be entered; neither makes an accept.

mod tag;

mod line;

mod fault;

mod standing;

mod live;

mod segment;

mod request;

pub use fault::JournalFault;
pub use line::Hold;
pub use standing::{Digests, Kept};
pub use tag::Tag;

use ecugate_verifier::values::attempt::{Attempt, Nonce};
use ecugate_verifier::values::digest::Sha256;
use ecugate_verifier::values::ident::Name;
use ecugate_verifier::values::time::Time;
use live::Live;
use request::{Answer, Desk, Request};
use segment::Tail;
use standing::Key;
use std::collections::BTreeSet;
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError, mpsc};

/// Requests that are answered by one line.
const AT_ONCE: usize = 256;

/// The journal as one gate writes it.
pub struct Journal {
    folder: PathBuf,
    gate: Nonce,
    /// Requests that wait for whoever writes.
    queue: Mutex<Vec<Waiting>>,
    state: Mutex<State>,
    /// Attempts that threads of this gate are working on.
    in_progress: Mutex<BTreeSet<Key>>,
    live: Live,
    /// Lines of a segment.
    lines: u64,
}

/// A request, and where its answer goes.
type Waiting = (Request, mpsc::Sender<Result<Answer, JournalFault>>);

#[derive(Default)]
struct State {
    /// The last segment as far as it was read. `None` after a fault: then it is read anew.
    tail: Option<Tail>,
    /// After a failed sync the next one may say that all is well, of pages that were dropped: the next line goes into a
    /// new segment.
    is_doubtful: bool,
}

/// Which attempt a box is to have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Wanted {
    /// One that the caller has numbered: the same box, whenever it has this number and the same was presented.
    This(Attempt),
    /// One of this station for which the very same was presented that began, did not end, and whose gate no longer lives;
    /// else a new one.
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
    /// Digest of what it is judged by. One that is gone on with keeps its own, which is another one if papers came or went
    /// meanwhile.
    pub evidence: Sha256,
    /// When it began.
    pub begun: Time,
    /// Whether it began earlier, in a gate or a call that did not come to its end.
    pub is_resumed: bool,
    /// The hold that it came to and that is not entered yet.
    pub kept: Option<Kept>,
}

/// A journal as it was read from its first line to its last.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seen {
    /// Segments.
    pub segments: u64,
    /// Their lines.
    pub lines: u64,
    /// The tag of the next hold.
    pub next_tag: Tag,
    /// Attempts that began and did not end, and when they began.
    pub open: Vec<(Attempt, Time)>,
    /// Holds that are not entered in the ledger.
    pub kept: Vec<Kept>,
}

impl Journal {
    /// Makes a journal in a folder that holds none: of a new site, or, `after` the last tag that was given, in the place
    /// of one that is lost.
    ///
    /// # Errors
    /// [`JournalFault`].
    pub fn create(folder: &Path, after: Option<Tag>) -> Result<(), JournalFault> {
        segment::create(folder, after.map_or(Tag::FIRST, Tag::next))
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
        Ok(Self {
            folder: folder.to_owned(),
            gate,
            queue: Mutex::default(),
            state: Mutex::new(State { tail: Some(tail), is_doubtful: false }),
            in_progress: Mutex::default(),
            live,
            lines,
        })
    }

    /// Begins an attempt, or goes on with one. When this returns it stands in the journal, durably, and belongs to the
    /// caller until [`Journal::end`] or [`Journal::let_go`].
    ///
    /// # Errors
    /// [`JournalFault`], also where the attempt that the caller has numbered is in progress.
    pub fn begin(&self, wanted: &Wanted, digests: Digests, now: Time) -> Result<Begun, JournalFault> {
        match self.ask(Request::Begin { wanted: wanted.clone(), digests, now })? {
            Answer::Begun(begun) => Ok(*begun),
            _ => Err(wrong_answer()),
        }
    }

    /// Keeps a hold of an attempt in progress, durably, under a tag of its own.
    ///
    /// # Errors
    /// [`JournalFault`]: the box is held all the same, without a tag.
    pub fn hold(&self, hold: Hold) -> Result<Tag, JournalFault> {
        match self.ask(Request::Hold(Box::new(hold)))? {
            Answer::Held(tag) => Ok(tag),
            _ => Err(wrong_answer()),
        }
    }

    /// Holds that are not entered in the ledger yet, in the order of their tags.
    ///
    /// # Errors
    /// [`JournalFault`].
    pub fn kept(&self) -> Result<Vec<Kept>, JournalFault> {
        match self.ask(Request::Kept)? {
            Answer::Kept(kept) => Ok(kept),
            _ => Err(wrong_answer()),
        }
    }

    /// Notes under which entries of the ledger holds now stand.
    ///
    /// # Errors
    /// [`JournalFault`]. A hold that is entered and not noted is found in the ledger the next time.
    pub fn entered(&self, holds: Vec<(Tag, u64)>) -> Result<(), JournalFault> {
        self.ask(Request::Entered(holds)).map(|_| ())
    }

    /// Ends an attempt: its outcome was shown. Nobody can go on with it any more.
    ///
    /// # Errors
    /// [`JournalFault`]: it stays open, and the same box presented again is shown its own record.
    pub fn end(&self, attempt: &Attempt, evidence: Sha256) -> Result<(), JournalFault> {
        let ended = self.ask(Request::End(Key { attempt: attempt.clone(), evidence }));
        self.let_go(attempt, evidence);
        ended.map(|_| ())
    }

    /// Leaves an attempt open that nobody works on any more: the same box presented again goes on with it.
    pub fn let_go(&self, attempt: &Attempt, evidence: Sha256) {
        locked(&self.in_progress).remove(&Key { attempt: attempt.clone(), evidence });
    }

    /// Reads every segment from the first one there is, holds them against each other, and answers what is open.
    ///
    /// # Errors
    /// [`JournalFault`] with the first line that is not what it should be.
    pub fn audit(folder: &Path) -> Result<Seen, JournalFault> {
        let _lock = segment::lock(folder)?;
        let (segments, lines, last) = segment::audit(folder)?;
        let open = last.standing.all_open().map(|(key, open)| (key.attempt.clone(), open.time)).collect();
        let kept = last.standing.all_kept().cloned().collect();
        Ok(Seen { segments, lines, next_tag: last.standing.next_tag(), open, kept })
    }

    /// Asks, and waits for the answer. Whoever comes first to the state answers for all who wait then.
    fn ask(&self, request: Request) -> Result<Answer, JournalFault> {
        let (sender, answer) = mpsc::channel();
        locked(&self.queue).push((request, sender));
        loop {
            // A panic of whoever answered left the tail away, and it is read anew.
            let mut state = locked(&self.state);
            match answer.try_recv() {
                Ok(answered) => return answered,
                Err(mpsc::TryRecvError::Disconnected) => return Err(wrong_answer()),
                Err(mpsc::TryRecvError::Empty) => self.answer_all(&mut state),
            }
        }
    }

    /// Answers those who wait: one line, if anything is to be written, on the disk before the first answer.
    fn answer_all(&self, state: &mut State) {
        let waiting: Vec<Waiting> = {
            let mut queue = locked(&self.queue);
            let most = queue.len().min(AT_ONCE);
            queue.drain(..most).collect()
        };
        let mut senders = Vec::new();
        let mut requests = Vec::new();
        for (request, sender) in waiting {
            requests.push(request);
            senders.push(sender);
        }
        let mut begun = Vec::new();
        let answers = match self.answer_by_one_line(state, requests, &mut begun) {
            Ok(answers) => answers,
            Err(fault) => {
                // Nothing of it counts, and whoever began does not work.
                for key in begun {
                    locked(&self.in_progress).remove(&key);
                }
                senders.iter().map(|_| Err(fault.clone())).collect()
            }
        };
        for (sender, answer) in senders.into_iter().zip(answers) {
            let _ = sender.send(answer);
        }
    }

    fn answer_by_one_line(
        &self,
        state: &mut State,
        requests: Vec<Request>,
        begun: &mut Vec<Key>,
    ) -> Result<Vec<Result<Answer, JournalFault>>, JournalFault> {
        let _lock = segment::lock(&self.folder)?;
        // Taken out, and put back where nothing failed: after a fault everything is read anew.
        let mut tail = match state.tail.take() {
            Some(tail) => tail.catch_up(&self.folder)?,
            None => Tail::read(&self.folder)?,
        };
        if tail.is_full(self.lines) || state.is_doubtful {
            tail.begin_next(&self.folder)?;
            state.is_doubtful = false;
        }
        let (mut says, mut answers) = (Vec::new(), Vec::new());
        for request in requests {
            let mut in_progress = locked(&self.in_progress);
            let mut desk = Desk { folder: &self.folder, gate: self.gate, in_progress: &mut in_progress };
            let answer = desk.answer(request, &mut tail, &mut says);
            if let Ok(Answer::Begun(one)) = &answer {
                begun.push(Key { attempt: one.attempt.clone(), evidence: one.evidence });
            }
            answers.push(answer);
        }
        if !says.is_empty() {
            tail.write(&self.folder, says).map_err(|refused| {
                state.is_doubtful = refused.is_doubtful;
                refused.fault
            })?;
        }
        state.tail = Some(tail);
        Ok(answers)
    }
}

fn locked<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    // What is changed under these locks is changed in one step, or read anew.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn wrong_answer() -> JournalFault {
    JournalFault::Unfit("the answer to another question, or none".to_owned())
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
