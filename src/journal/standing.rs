//! What follows from the lines: which attempts are open, which holds are not entered, which tag is next.

use super::line::{Began, Begins, Carried, Held, Hold, Resumed, Says};
use super::tag::Tag;
use ecugate_verifier::values::attempt::{Attempt, Nonce};
use ecugate_verifier::values::digest::Sha256;
use ecugate_verifier::values::time::Time;
use std::collections::{BTreeMap, BTreeSet};

/// What a box is known by, before anything is believed of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Digests {
    /// Of what came with the box, byte for byte: label, images, and the papers that were handed over with it.
    pub presented: Sha256,
    /// Of everything that it is judged by: the same, measured, with what the store of papers added.
    pub evidence: Sha256,
}

/// One attempt with one evidence: the number alone may be given to another box too, which is judged then.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Key {
    pub(super) attempt: Attempt,
    pub(super) evidence: Sha256,
}

/// An attempt that began and did not end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Open {
    /// Digest of what came with the box.
    pub(super) presented: Sha256,
    /// When it began.
    pub(super) time: Time,
    /// The gate that works, or worked, on it.
    pub(super) gate: Nonce,
}

/// A hold that is kept until it is entered in the ledger.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Kept {
    /// The number on the tag of the box.
    pub tag: Tag,
    /// The hold.
    pub hold: Hold,
    /// SHA-256 of the journal's line that said it.
    pub line: Sha256,
}

/// What follows from the lines of a segment, up to one of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Standing {
    open: BTreeMap<Key, Open>,
    kept: BTreeMap<Tag, Kept>,
    next_tag: Tag,
    /// Lines at the head of the segment that are still to carry something over.
    to_carry: u64,
    /// Holds of the line that is being taken: they are kept under its digest, once that is known.
    of_this_line: Vec<Held>,
}

/// What was expected, and what was found.
pub(super) type Wrong = (&'static str, String);

impl Standing {
    /// After the first line of a segment that `begins` so.
    pub(super) fn begin(begins: &Begins) -> Self {
        Self {
            open: BTreeMap::new(),
            kept: BTreeMap::new(),
            next_tag: begins.next_tag,
            to_carry: begins.carries,
            of_this_line: Vec::new(),
        }
    }

    /// Takes the next statement, if it follows from what was said before.
    pub(super) fn take(&mut self, says: &Says) -> Result<(), Wrong> {
        if self.to_carry > 0 {
            return self.carry(says);
        }
        match says {
            Says::Began(began) => self.begin_attempt(began),
            Says::Resumed(Resumed { attempt, evidence, gate, .. }) => {
                let key = Key { attempt: attempt.clone(), evidence: *evidence };
                self.open.get_mut(&key).ok_or_else(|| not_open(&key))?.gate = *gate;
                Ok(())
            }
            Says::Held(held) => self.keep(held),
            Says::Entered(entered) => match self.kept.remove(&entered.tag) {
                Some(_) => Ok(()),
                None => Err(("a hold that is not entered yet", entered.tag.to_string())),
            },
            Says::Ended(ended) => {
                let key = Key { attempt: ended.attempt.clone(), evidence: ended.evidence };
                self.open.remove(&key).map(|_| ()).ok_or_else(|| not_open(&key))
            }
            Says::Begins(_) | Says::Carried(_) => Err(("a line of a segment's body", "one of its head".to_owned())),
        }
    }

    /// The end of the line that has this digest.
    pub(super) fn end_line(&mut self, line: Sha256) {
        self.to_carry = self.to_carry.saturating_sub(1);
        for Held { tag, hold } in std::mem::take(&mut self.of_this_line) {
            self.kept.insert(tag, Kept { tag, hold: *hold, line });
        }
    }

    fn begin_attempt(&mut self, began: &Began) -> Result<(), Wrong> {
        let key = Key { attempt: began.attempt.clone(), evidence: began.evidence };
        let open = Open { presented: began.presented, time: began.time, gate: began.gate };
        match self.open.insert(key, open) {
            None => Ok(()),
            Some(_) => Err(("an attempt that is not open", began.attempt.to_string())),
        }
    }

    fn keep(&mut self, held: &Held) -> Result<(), Wrong> {
        let key = Key { attempt: held.hold.attempt.clone(), evidence: held.hold.evidence };
        if !self.open.contains_key(&key) {
            return Err(not_open(&key));
        }
        if held.tag != self.next_tag {
            return Err(("the next tag", held.tag.to_string()));
        }
        self.next_tag = held.tag.next();
        self.of_this_line.push(held.clone());
        Ok(())
    }

    fn carry(&mut self, says: &Says) -> Result<(), Wrong> {
        match says {
            Says::Began(began) => self.begin_attempt(began),
            Says::Carried(Carried { line, tag, hold }) if *tag < self.next_tag && !self.kept.contains_key(tag) => {
                self.kept.insert(*tag, Kept { tag: *tag, hold: hold.as_ref().clone(), line: *line });
                Ok(())
            }
            Says::Carried(Carried { tag, .. }) => Err(("an earlier tag, once", tag.to_string())),
            _ => Err(("a line that carries something over", "another".to_owned())),
        }
    }

    /// Whether the head of the segment is whole.
    pub(super) const fn is_whole(&self) -> bool {
        self.to_carry == 0
    }

    /// What the lines at the head of the next segment say: everything that is still open.
    pub(super) fn head(&self, format: &str, segment: u64) -> Vec<Says> {
        let open = self.open.iter().map(|(key, open)| {
            let (attempt, evidence) = (key.attempt.clone(), key.evidence);
            Says::Began(Began { attempt, evidence, presented: open.presented, time: open.time, gate: open.gate })
        });
        let kept = self
            .kept
            .values()
            .map(|kept| Says::Carried(Carried { line: kept.line, tag: kept.tag, hold: Box::new(kept.hold.clone()) }));
        let carried: Vec<Says> = open.chain(kept).collect();
        let begins = Begins {
            format: format.to_owned(),
            segment,
            next_tag: self.next_tag,
            carries: u64::try_from(carried.len()).unwrap_or(u64::MAX),
        };
        std::iter::once(Says::Begins(begins)).chain(carried).collect()
    }

    pub(super) const fn next_tag(&self) -> Tag {
        self.next_tag
    }

    pub(super) fn open(&self, key: &Key) -> Option<&Open> {
        self.open.get(key)
    }

    /// Open attempts of one box: those with the same evidence first, then those whose papers differ in what a store of
    /// papers added; of each the oldest first.
    pub(super) fn open_of(&self, digests: Digests, is_of: impl Fn(&Attempt) -> bool) -> Vec<(&Key, &Open)> {
        let has_the_same = |key: &Key| key.evidence == digests.evidence;
        let is_it = |key: &Key, open: &Open| has_the_same(key) || open.presented == digests.presented;
        let mut found: Vec<_> =
            self.open.iter().filter(|(key, open)| is_of(&key.attempt) && is_it(key, open)).collect();
        found.sort_by_key(|(key, open)| (!has_the_same(key), open.time));
        found
    }

    pub(super) fn is_kept(&self, tag: Tag) -> bool {
        self.kept.contains_key(&tag)
    }

    /// The hold that an attempt with this evidence came to.
    pub(super) fn kept_of(&self, key: &Key) -> Option<&Kept> {
        self.kept.values().find(|kept| kept.hold.attempt == key.attempt && kept.hold.evidence == key.evidence)
    }

    pub(super) fn all_kept(&self) -> impl Iterator<Item = &Kept> {
        self.kept.values()
    }

    pub(super) fn all_open(&self) -> impl Iterator<Item = (&Key, &Open)> {
        self.open.iter()
    }

    /// The gates whose attempts are open.
    pub(super) fn gates(&self) -> BTreeSet<Nonce> {
        self.open.values().map(|open| open.gate).collect()
    }
}

fn not_open(key: &Key) -> Wrong {
    ("an attempt that is open", key.attempt.to_string())
}
