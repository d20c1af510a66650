//! A box whose gate may die: what anybody was told of it, and what must come of it and of a second one like it.

use crate::delivery::{Delivery, Said};
use crate::oracle::Oracle;
use ecugate::ledger::{Depth, Ledger, Select};
use ecugate_verifier::inputs::custody::State;
use ecugate_verifier::values::ident::{Name, Serial, UnitKey};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::os::unix::process::ExitStatusExt as _;
use std::process::Output;

/// Which box is at the gate when the program dies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum At {
    /// A genuine one.
    First,
    /// A second one with the serial of one that was accepted: it is suspect, and the first becomes contested.
    Second,
    /// One whose hold the journal keeps: the hold is entered first, then the box is judged.
    Held,
}

/// Whether somebody saw what the box came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Seen {
    No,
    /// And the attempt may still be open: the program died, or a call of it failed.
    Open,
    /// And the program came to its end.
    Over,
}

#[derive(Clone)]
pub(super) struct Arrived<'a> {
    delivery: &'a Delivery,
    serial: &'a str,
    at: At,
    seen: Seen,
    /// Entries that somebody was told of, with their leaf hashes.
    told: BTreeMap<u64, String>,
    /// Tags of holds that somebody was told of.
    tags: BTreeSet<String>,
    /// The journal kept a hold, perhaps, and the call failed that would have said so.
    is_a_hold_untold: bool,
    /// Verdicts that a run had recorded and nobody had seen, until the box was presented again.
    pub(super) unseen: usize,
}

impl<'a> Arrived<'a> {
    /// Sets up what comes before this box.
    pub(super) fn at(delivery: &'a Delivery, serial: &'a str, at: At) -> Self {
        let (told, tags) = (BTreeMap::new(), BTreeSet::new());
        let (seen, is_a_hold_untold) = (Seen::No, false);
        let mut arrived = Self { delivery, serial, at, seen, told, tags, is_a_hold_untold, unseen: 0 };
        match at {
            At::First => {}
            At::Second => assert_eq!(arrived.present("an accept to begin with").status, 0),
            At::Held => {
                std::fs::rename(delivery.path("site/tokens"), delivery.path("away")).unwrap();
                assert_eq!(arrived.present("a hold to begin with").status, 21);
                std::fs::remove_dir_all(delivery.path("site/tokens")).unwrap();
                std::fs::rename(delivery.path("away"), delivery.path("site/tokens")).unwrap();
            }
        }
        arrived
    }

    pub(super) const fn is_seen(&self) -> bool {
        !matches!(self.seen, Seen::No)
    }

    /// A run that may have died, or met a failing call: it said nothing, what is right, or that nothing is decided.
    /// `is_whole` where no call of it failed, so that a program which ends has done everything that it has to do.
    pub(super) fn struck(&mut self, first: &Output, is_whole: bool, point: &str) {
        let said: Option<Value> = serde_json::from_slice(&first.stdout).ok();
        let outcome = said.as_ref().map(|said| said["outcome"].as_str().unwrap());
        let right = if self.at == At::Second { "quarantine" } else { "accept" };
        let shown = outcome == Some(right);
        assert!(shown || matches!(outcome, None | Some("hold" | "not-confirmed")), "{point}: {first:?}");
        let died = first.status.signal().is_some() || first.status.code() == Some(137);
        match first.status.code() {
            Some(0 | 10) => {
                assert!(shown && (first.status.code() == Some(0)) == (right == "accept"), "{point}: {first:?}");
            }
            Some(20 | 21 | 30) => assert!(!shown || first.status.code() == Some(30), "{point}: {first:?}"),
            // Whoever could not read the answer has none.
            Some(2) => assert!(!shown, "{point}: {first:?}"),
            _ => assert!(died, "{point}: {first:?}"),
        }
        if let Some(said) = &said
            && let Some(seq) = self.hear(said)
        {
            let ledger = self.delivery.ledger();
            assert_eq!(leaf_hash(&ledger, seq), self.told[&seq], "{point}: what was shown stands in the ledger");
        }
        // Calls of several threads may fail in one run: the ledger's, and that of the screen.
        self.is_a_hold_untold |= !is_whole && !died && said.is_none();
        if shown {
            self.seen = if died || !is_whole { Seen::Open } else { Seen::Over };
        }
    }

    /// The same box again, then a second one like it; then everything that anybody was told is held against the ledger.
    pub(super) fn presented_again(&mut self, oracle: &mut Oracle, point: &str) {
        oracle.see_folder(&self.delivery.path("site"));
        let again = self.present(point);
        let second = match (self.at, self.seen) {
            (At::Second, _) => {
                assert_eq!(again.status, 10, "{point}: {again:?}");
                self.present(point)
            }
            // It was seen and handed over. Whether the last line of the journal was written decides what comes now; the
            // box is either its own record or a second one, and nothing else.
            (_, Seen::Open) => {
                assert!(matches!(again.status, 0 | 10), "{point}: {again:?}");
                again
            }
            (_, Seen::Over) => {
                assert_eq!(again.status, 10, "{point}: a second box is taken for the first: {again:?}");
                again
            }
            (_, Seen::No) => {
                assert_eq!(again.status, 0, "{point}: the box is a clone of itself, or stopped: {again:?}");
                self.seen = Seen::Over;
                self.present(point)
            }
        };
        if second.status == 0 {
            assert_eq!(self.present(point).status, 10, "{point}: a box like it is taken too");
        } else {
            assert_eq!(second.status, 10, "{point}: {second:?}");
        }
        let ledger = self.delivery.ledger();
        let audit = ledger.audit(Depth::Signatures, &[7; 32]).unwrap();
        assert!(audit.is_clean(), "{point}: {audit:?}");
        oracle.see_folder(&self.delivery.path("site"));
        oracle.judge(&ledger).unwrap_or_else(|why| panic!("{point}: {why}"));
        self.held_against(&ledger, point);
    }

    /// Nothing that somebody was told is lost, and nothing stands there that nobody was told.
    fn held_against(&self, ledger: &Ledger, point: &str) {
        for (seq, told) in &self.told {
            assert_eq!(leaf_hash(ledger, *seq), *told, "{point}: entry {seq} is another one than was told");
        }
        let late = self.tags.iter().filter(|tag| self.is_entered_late(ledger, tag, point)).count();
        let serial = UnitKey::serial(&Serial::new(self.serial).unwrap());
        let sightings = ledger.sightings(&[serial]).unwrap();
        let of = |state| sightings.iter().filter(|sighting| sighting.state == state).count();
        assert_eq!((of(State::Accepted), of(State::Contested)), (0, 1), "{point}: {sightings:?}");
        // Entered late under their tags: each once, and none beside them.
        let untold: Vec<_> = sightings.iter().filter(|sighting| !self.told.contains_key(&sighting.seq)).collect();
        assert!(untold.iter().all(|sighting| sighting.state == State::Held), "{point}: {untold:?} was told to nobody");
        let most = late + usize::from(self.is_a_hold_untold);
        assert!((late..=most).contains(&untold.len()), "{point}: {untold:?} for {:?}", self.tags);
        assert!(self.at != At::Held || !untold.is_empty(), "{point}: {sightings:?}");
    }

    /// A hold whose tag somebody was told is entered once: under an entry of its own, or under the verdict that stood in
    /// the ledger already when nobody could ask.
    fn is_entered_late(&self, ledger: &Ledger, tag: &str, point: &str) -> bool {
        let journal = std::fs::read_to_string(self.delivery.path("site/journal/000001.jsonl")).unwrap();
        let lines = journal.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
        let says: Vec<Value> = lines.flat_map(|line| line["says"].as_array().unwrap().clone()).collect();
        let entered = says.iter().map(|one| &one["entered"]).filter(|entered| entered["tag"] == tag);
        let entered: Vec<u64> = entered.map(|entered| entered["seq"].as_u64().unwrap()).collect();
        let late = ledger.look(Select::Tag(&Name::new(tag).unwrap())).unwrap();
        let late: Vec<u64> = late.iter().filter(|look| look.kind == "late-hold").map(|look| look.seq).collect();
        let [seq] = entered[..] else { panic!("{point}: {tag} is entered as {entered:?}") };
        assert!(
            late == [seq] || (late.is_empty() && self.told.contains_key(&seq)),
            "{point}: {tag} as {seq}, {late:?}"
        );
        !late.is_empty()
    }

    fn present(&mut self, point: &str) -> Said {
        let arguments = self.delivery.box_with(self.serial);
        let said = self.delivery.run(&arguments.iter().map(String::as_str).collect::<Vec<_>>());
        let answer = serde_json::from_str(&said.out).unwrap_or_else(|error| panic!("{point}: {error}: {said:?}"));
        self.hear(&answer);
        said
    }

    /// Keeps in mind what an answer says, and tells the entry that it names.
    fn hear(&mut self, said: &Value) -> Option<u64> {
        self.tags.extend(said["tag"].as_str().map(str::to_owned));
        let seq = said["record"]["seq"].as_u64()?;
        let is_new = self.told.insert(seq, said["record"]["leaf_hash"].as_str().unwrap().to_owned()).is_none();
        self.unseen += usize::from(is_new && !said["resumed"].is_null());
        Some(seq)
    }
}

fn leaf_hash(ledger: &Ledger, seq: u64) -> String {
    ledger.look(Select::Entry(seq)).unwrap()[0].leaf_hash.to_string()
}
