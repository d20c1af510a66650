//! The one thread of a gate that writes to the ledger. Boxes are judged side by side; what is to be recorded queues here,
//! and whatever has queued up while the last group was written is written as the next: one commit, one checkpoint.

use crate::hsm::TokenSigner;
use crate::ledger::{Append, AppendFault, Ledger, Place, Recorded};
use ecugate_verifier::documents::envelope::Envelope;
use ecugate_verifier::values::finding::Finding;
use ecugate_verifier::values::reason::Reason;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, mpsc};
use std::thread;

/// Most entries of one group.
const GROUP: usize = 1_000;

/// No entry has this number.
const NOWHERE: u64 = u64::MAX;

/// Signs the entries of one append, at their place, under the ledger's lock.
pub(super) type Seal = Box<dyn FnOnce(&Place<'_>) -> Result<Vec<Envelope>, Finding> + Send>;

/// One append with what seals it.
struct Member {
    append: Append,
    seal: Seal,
}

/// What the thread is asked for.
enum Job {
    Append(Member, mpsc::Sender<Result<Recorded, AppendFault>>),
    Settle(mpsc::Sender<Result<(), AppendFault>>),
}

/// The thread, as those see it who hand something in. It ends when the last of them is gone.
pub(super) struct Writer {
    jobs: mpsc::Sender<Job>,
}

/// An append that is under way.
pub(super) struct Pending {
    answer: mpsc::Receiver<Result<Recorded, AppendFault>>,
    sealed_at: Arc<AtomicU64>,
}

impl Writer {
    /// Starts the thread.
    pub(super) fn start(mut ledger: Ledger, log: TokenSigner) -> Result<Self, Finding> {
        let (jobs, queue) = mpsc::channel();
        let started = thread::Builder::new().name("ledger".to_owned()).spawn(move || run(&mut ledger, &log, &queue));
        started
            .map_err(|error| Finding::new(Reason::LedgerFailed, "ledger", "a thread that writes", error.to_string()))?;
        Ok(Self { jobs })
    }

    /// Hands something in and does not wait for it.
    pub(super) fn begin(&self, append: Append, seal: Seal) -> Pending {
        let sealed_at = Arc::new(AtomicU64::new(NOWHERE));
        let seen = Arc::clone(&sealed_at);
        let seal: Seal = Box::new(move |place| {
            seen.store(place.seq, Ordering::SeqCst);
            seal(place)
        });
        let (sender, answer) = mpsc::channel();
        // Where the thread has ended, so has the sender of the answer: that is told when the answer is asked for.
        let _ = self.jobs.send(Job::Append(Member { append, seal }, sender));
        Pending { answer, sealed_at }
    }

    /// Appends entries in one transaction, and waits until they are covered and read back.
    pub(super) fn submit(&self, append: Append, seal: Seal) -> Result<Recorded, AppendFault> {
        self.begin(append, seal).wait()
    }

    /// Covers what no checkpoint covers yet, be it written by another process.
    pub(super) fn settle(&self) -> Result<(), AppendFault> {
        let (sender, answer) = mpsc::channel();
        let _ = self.jobs.send(Job::Settle(sender));
        answer.recv().unwrap_or_else(|_| Err(AppendFault::Sealing(ended())))
    }
}

impl Pending {
    /// Waits. Where the thread ended before it answered, what was sealed may be written: that is *not confirmed*.
    pub(super) fn wait(self) -> Result<Recorded, AppendFault> {
        self.answer.recv().unwrap_or_else(|_| match self.sealed_at.load(Ordering::SeqCst) {
            NOWHERE => Err(AppendFault::Sealing(ended())),
            seq => Err(AppendFault::Pending { seq, cause: ended() }),
        })
    }
}

fn ended() -> Finding {
    Finding::new(Reason::LedgerFailed, "ledger", "an answer of the thread that writes", "its end")
}

fn run(ledger: &mut Ledger, log: &TokenSigner, queue: &mpsc::Receiver<Job>) {
    while let Ok(first) = queue.recv() {
        let (mut members, mut answers, mut settlers) = (Vec::new(), Vec::new(), Vec::new());
        let mut take = |job| match job {
            Job::Append(member, answer) => {
                members.push(member);
                answers.push(answer);
            }
            Job::Settle(answer) => settlers.push(answer),
        };
        take(first);
        for job in queue.try_iter().take(GROUP - 1) {
            take(job);
        }
        for answer in settlers {
            let _ = answer.send(ledger.settle(log).map(|_| ()));
        }
        // Whoever does not wait any more has left no box at the gate.
        for (answer, result) in answers.into_iter().zip(append_all(ledger, members, log)) {
            let _ = answer.send(result);
        }
    }
}

/// Appends each of them, in their order.
fn append_all(ledger: &mut Ledger, members: Vec<Member>, log: &TokenSigner) -> Vec<Result<Recorded, AppendFault>> {
    members.into_iter().map(|member| ledger.append(&member.append, member.seal, log)).collect()
}
