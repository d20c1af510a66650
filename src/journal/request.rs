//! What a gate asks its journal for. Boxes that ask at once are answered together: one line, one wait for the disk.

use super::fault::JournalFault;
use super::line::{Began, Ended, Entered, Held, Hold, Resumed, Says};
use super::live;
use super::segment::Tail;
use super::standing::{Kept, Key, Open};
use super::tag::Tag;
use super::{Begun, Wanted};
use ecugate_verifier::values::attempt::{Attempt, Nonce};
use ecugate_verifier::values::digest::Sha256;
use ecugate_verifier::values::time::Time;
use std::collections::BTreeSet;
use std::path::Path;

/// One question.
#[derive(Debug)]
pub(super) enum Request {
    /// To begin an attempt, or to go on with one.
    Begin { wanted: Wanted, evidence: Sha256, now: Time },
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
            Request::Begin { wanted, evidence, now } => {
                let earlier = self.earlier(&wanted, evidence, tail)?;
                let (attempt, gate) = (attempt_of(earlier.as_ref(), &wanted), self.gate);
                // Also where it is ours and a call of ours left it: what was written then may not be on the disk.
                let what = match &earlier {
                    Some(_) => Says::Resumed(Resumed { attempt: attempt.clone(), evidence, time: now, gate }),
                    None => Says::Began(Began { attempt: attempt.clone(), evidence, time: now, gate }),
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
    fn earlier(&self, wanted: &Wanted, evidence: Sha256, tail: &Tail) -> Result<Option<(Key, Open)>, JournalFault> {
        match wanted {
            Wanted::This(attempt) => {
                let key = Key { attempt: attempt.clone(), evidence };
                match tail.standing.open(&key) {
                    Some(open) if self.is_left(&key, open)? => Ok(Some((key.clone(), open.clone()))),
                    None if !self.in_progress.contains(&key) => Ok(None),
                    _ => Err(JournalFault::InProgress(attempt.clone())),
                }
            }
            Wanted::Any { station, .. } => {
                for (key, open) in tail.standing.open_of(station, evidence) {
                    if self.is_left(key, open)? {
                        return Ok(Some((key.clone(), open.clone())));
                    }
                }
                Ok(None)
            }
        }
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
