//! What a gate asks its journal for. Boxes that ask at once are answered together: one line, one wait for the disk.

use super::fault::JournalFault;
use super::line::{Began, Ended, Entered, Held, Hold, Resumed, Says};
use super::live;
use super::segment::Tail;
use super::standing::{Digests, Kept, Key, Open};
use super::tag::Tag;
use super::{Begun, Wanted};
use ecugate_verifier::values::attempt::{Attempt, Nonce};
use ecugate_verifier::values::time::Time;
use std::collections::BTreeSet;
use std::path::Path;

/// One question.
#[derive(Debug)]
pub(super) enum Request {
    /// To begin an attempt, or to go on with one.
    Begin { wanted: Wanted, digests: Digests, now: Time },
    /// To keep a hold.
    Hold(Box<Hold>),
    /// Which holds are not entered.
    Kept,
    /// To note that holds are entered.
    Entered(Vec<(Tag, u64)>),
    /// To end an attempt.
    End(Key),
}

/// Its answer.
#[derive(Debug)]
pub(super) enum Answer {
    Begun(Box<Begun>),
    Held(Tag),
    Kept(Vec<Kept>),
    Done,
}

/// A gate and its folder, for as long as requests are looked at.
pub(super) struct Desk<'a> {
    pub(super) folder: &'a Path,
    pub(super) gate: Nonce,
    /// Attempts that threads of this gate are working on.
    pub(super) in_progress: &'a mut BTreeSet<Key>,
}

impl Desk<'_> {
    /// Answers one request, by what stands in the journal and what is to be written into it before the answer counts.
    pub(super) fn answer(
        &mut self,
        request: Request,
        tail: &mut Tail,
        says: &mut Vec<Says>,
    ) -> Result<Answer, JournalFault> {
        let mut say = |tail: &mut Tail, what: Says| {
            let taken = tail.standing.take(&what);
            taken.map_err(|(expected, found)| JournalFault::differs("journal", expected, found))?;
            says.push(what);
            Ok::<(), JournalFault>(())
        };
        match request {
            Request::Begin { wanted, digests, now } => {
                let earlier = self.earlier(&wanted, digests, tail)?;
                let (attempt, gate) = (attempt_of(earlier.as_ref(), &wanted), self.gate);
                // One that is gone on with keeps the evidence under which it may be recorded.
                let evidence = earlier.as_ref().map_or(digests.evidence, |(key, _)| key.evidence);
                // Also where it is ours and a call of ours left it: what was written then may not be on the disk.
                let what = match &earlier {
                    Some(_) => Says::Resumed(Resumed { attempt: attempt.clone(), evidence, time: now, gate }),
                    None => {
                        let (attempt, presented) = (attempt.clone(), digests.presented);
                        Says::Began(Began { attempt, evidence, presented, time: now, gate })
                    }
                };
                say(tail, what)?;
                let key = Key { attempt: attempt.clone(), evidence };
                let kept = tail.standing.kept_of(&key).cloned();
                self.in_progress.insert(key);
                let (begun, is_resumed) = earlier.map_or((now, false), |(_, open)| (open.time, true));
                Ok(Answer::Begun(Box::new(Begun { attempt, evidence, begun, is_resumed, kept })))
            }
            Request::Hold(hold) => {
                let tag = tail.standing.next_tag();
                say(tail, Says::Held(Held { tag, hold }))?;
                Ok(Answer::Held(tag))
            }
            Request::Kept => Ok(Answer::Kept(tail.standing.all_kept().cloned().collect())),
            Request::Entered(holds) => {
                for (tag, seq) in holds {
                    // Another gate may have noted it meanwhile.
                    if tail.standing.is_kept(tag) {
                        say(tail, Says::Entered(Entered { tag, seq }))?;
                    }
                }
                Ok(Answer::Done)
            }
            Request::End(key) => {
                if tail.standing.open(&key).is_some_and(|open| open.gate == self.gate) {
                    say(tail, Says::Ended(Ended { attempt: key.attempt, evidence: key.evidence }))?;
                }
                Ok(Answer::Done)
            }
        }
    }

    /// The open attempt that a box goes on with.
    fn earlier(&self, wanted: &Wanted, digests: Digests, tail: &Tail) -> Result<Option<(Key, Open)>, JournalFault> {
        let open = match wanted {
            Wanted::This(attempt) => tail.standing.open_of(digests, |open| open == attempt),
            Wanted::Any { station, .. } => tail.standing.open_of(digests, |open| open.station == *station),
        };
        let mut left = None;
        for (key, open) in open {
            match (self.is_left(key, open)?, wanted) {
                (true, _) => left = left.or_else(|| Some((key.clone(), open.clone()))),
                (false, Wanted::This(attempt)) => return Err(JournalFault::InProgress(attempt.clone())),
                (false, Wanted::Any { .. }) => {}
            }
        }
        match wanted {
            Wanted::This(attempt) if left.is_none() && self.is_in_progress(attempt, digests) => {
                Err(JournalFault::InProgress(attempt.clone()))
            }
            _ => Ok(left),
        }
    }

    fn is_in_progress(&self, attempt: &Attempt, digests: Digests) -> bool {
        self.in_progress.contains(&Key { attempt: attempt.clone(), evidence: digests.evidence })
    }

    /// Whether nobody works on an open attempt any more: its gate no longer lives, or is this one and has let it go.
    fn is_left(&self, key: &Key, open: &Open) -> Result<bool, JournalFault> {
        Ok(!self.in_progress.contains(key) && (open.gate == self.gate || !live::lives(self.folder, open.gate)?))
    }
}

fn attempt_of(earlier: Option<&(Key, Open)>, wanted: &Wanted) -> Attempt {
    match (earlier, wanted) {
        (Some((key, _)), _) => key.attempt.clone(),
        (None, Wanted::This(attempt)) => attempt.clone(),
        (None, Wanted::Any { station, fresh }) => Attempt { station: station.clone(), nonce: *fresh },
    }
}
