//! The one thread of a gate that writes to the ledger. Boxes are judged side by side; what is to be recorded queues here,
//! and whatever has queued up while the last group was written is the next group: one commit, one checkpoint.

use crate::hsm::TokenSigner;
use crate::ledger::{self, Append, AppendFault, GROUP_ENTRIES, Ledger, Member, Recorded};
use ecugate_verifier::values::finding::Finding;
use ecugate_verifier::values::reason::Reason;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, mpsc};
use std::thread;

/// Appends that one group takes: half of its entries, so that each may contest another unit.
const GROUP: usize = GROUP_ENTRIES / 2;

/// No entry has this number.
const NOWHERE: u64 = u64::MAX;

/// Signs the entries of one append, at their place, under the ledger's lock.
pub(super) type Seal = ledger::Seal<'static>;

/// What the thread writes to.
pub(super) trait Log: Send + 'static {
    /// Appends each of them, in their order, under as few checkpoints as it can.
    fn append_all(&mut self, members: Vec<Member<'static>>) -> Vec<Result<Recorded, AppendFault>>;

    /// Covers what no checkpoint covers yet.
    fn settle(&mut self) -> Result<(), AppendFault>;
}

/// The ledger, with the key that signs its checkpoints.
impl Log for (Ledger, TokenSigner) {
    fn append_all(&mut self, members: Vec<Member<'static>>) -> Vec<Result<Recorded, AppendFault>> {
        let (ledger, log) = self;
        ledger.append_group(members, log)
    }

    fn settle(&mut self) -> Result<(), AppendFault> {
        let (ledger, log) = self;
        ledger.settle(log).map(|_| ())
    }
}

/// What the thread is asked for.
enum Job {
    Append(Member<'static>, mpsc::Sender<Result<Recorded, AppendFault>>),
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
    pub(super) fn start(log: impl Log) -> Result<Self, Finding> {
        let (jobs, queue) = mpsc::channel();
        let started = thread::Builder::new().name("ledger".to_owned()).spawn(move || run(log, &queue));
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

fn run(mut log: impl Log, queue: &mpsc::Receiver<Job>) {
    while let Ok(first) = queue.recv() {
        let (mut members, mut answers, mut settlers) = (Vec::new(), Vec::new(), Vec::new());
        for job in std::iter::once(first).chain(queue.try_iter().take(GROUP - 1)) {
            match job {
                Job::Append(member, answer) => {
                    members.push(member);
                    answers.push(answer);
                }
                Job::Settle(answer) => settlers.push(answer),
            }
        }
        for answer in settlers {
            let _ = answer.send(log.settle());
        }
        // Whoever does not wait any more has left no box at the gate.
        for (answer, result) in answers.into_iter().zip(log.append_all(members)) {
            let _ = answer.send(result);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Append, AppendFault, Log, Member, Recorded, Seal, Writer};
    use ecugate_verifier::syntax::note::Origin;
    use ecugate_verifier::values::finding::Finding;
    use ecugate_verifier::values::reason::Reason;
    use std::sync::mpsc;

    /// Seals each member and writes nothing. Waits before each group until it is let go, and says how large it was.
    struct Gated {
        go: mpsc::Receiver<()>,
        groups: mpsc::Sender<usize>,
        seq: u64,
    }

    impl Log for Gated {
        fn append_all(&mut self, members: Vec<Member<'static>>) -> Vec<Result<Recorded, AppendFault>> {
            self.groups.send(members.len()).unwrap();
            self.go.recv().unwrap();
            members.into_iter().map(|member| self.append(member)).collect()
        }

        fn settle(&mut self) -> Result<(), AppendFault> {
            Ok(())
        }
    }

    impl Gated {
        fn append(&mut self, member: Member<'static>) -> Result<Recorded, AppendFault> {
            let origin = Origin::new("trial.dock").unwrap();
            let place = crate::ledger::Place { origin: &origin, seq: self.seq };
            (member.seal)(&place).map_err(AppendFault::Sealing)?;
            self.seq += 1;
            let (leaf_hashes, inclusion) = (Vec::new(), Vec::new());
            Ok(Recorded { seq: self.seq - 1, leaf_hashes, size: self.seq, checkpoint: String::new(), inclusion })
        }
    }

    fn gated() -> (Writer, mpsc::Sender<()>, mpsc::Receiver<usize>) {
        let ((let_go, go), (groups, seen)) = (mpsc::channel(), mpsc::channel());
        (Writer::start(Gated { go, groups, seq: 7 }).unwrap(), let_go, seen)
    }

    fn seals() -> Seal {
        Box::new(|_| Ok(Vec::new()))
    }

    #[test]
    fn what_queues_up_while_a_group_is_written_is_the_next_group_and_each_gets_its_own_answer() {
        let (writer, let_go, groups) = gated();
        let first = writer.begin(Append::default(), seals());
        assert_eq!(groups.recv().unwrap(), 1, "one alone does not wait");
        let refused: Seal = Box::new(|_| Err(Finding::bare(Reason::SignerFailed)));
        let others = [
            writer.begin(Append::default(), seals()),
            writer.begin(Append::default(), refused),
            writer.begin(Append::default(), seals()),
        ];
        let_go.send(()).unwrap();
        assert_eq!(first.wait().unwrap().seq, 7);
        assert_eq!(groups.recv().unwrap(), 3);
        let_go.send(()).unwrap();
        let answers = others.map(|pending| pending.wait().map(|recorded| recorded.seq).map_err(|fault| fault.reason()));
        assert_eq!(answers, [Ok(8), Err(Reason::SignerFailed), Ok(9)]);
        writer.settle().unwrap();
    }

    #[test]
    fn a_thread_that_panics_is_a_hold_for_what_was_not_sealed_and_not_confirmed_for_what_was() {
        let (writer, let_go, groups) = gated();
        let sealed = writer.begin(Append::default(), seals());
        groups.recv().unwrap();
        let panics: Seal = Box::new(|_| panic!("on purpose"));
        let in_hand = writer.begin(Append::default(), panics);
        let behind = writer.begin(Append::default(), seals());
        let_go.send(()).unwrap();
        assert_eq!(sealed.wait().unwrap().seq, 7);
        let_go.send(()).unwrap();
        // Its seal was called: whoever signed may have written.
        let in_hand = in_hand.wait().unwrap_err();
        assert!(matches!(in_hand, AppendFault::Pending { seq: 8, .. }), "{in_hand:?}");
        assert_eq!(behind.wait().unwrap_err().reason(), Reason::LedgerFailed);
        // And for whoever comes later.
        assert_eq!(writer.submit(Append::default(), seals()).unwrap_err().reason(), Reason::LedgerFailed);
        assert_eq!(writer.settle().unwrap_err().reason(), Reason::LedgerFailed);
    }
}
