//! The oracle of signers: every signed checkpoint that was ever stored or shown, wherever it is found, is of one history.
//! No two roots for one size, and each root follows from the leaves of the ledger as it stands in the end.

use crate::delivery::{Delivery, copy_folder};
use ecugate::ledger::Ledger;
use ecugate_verifier::syntax::note::VerifiedCheckpoint;
use ecugate_verifier::values::digest::Sha256;
use ecugate_verifier::values::limits::Limits;
use libtest_mimic::Trial;
use std::collections::BTreeSet;
use std::path::Path;

pub(crate) fn trials() -> Vec<Trial> {
    vec![
        crate::receive::trial("the_oracle_of_signers_catches_a_planted_fork", planted_fork),
        crate::receive::trial("the_oracle_of_signers_catches_a_checkpoint_over_entries_that_are_gone", planted_loss),
        crate::receive::trial("the_oracle_of_signers_reads_notes_in_ledger_log_mark_and_answers", places),
    ]
}

/// Notes of one site between two moments at which somebody puts it back.
#[derive(Clone, Debug, Default)]
pub(crate) struct Oracle {
    notes: BTreeSet<String>,
}

impl Oracle {
    /// Takes every note out of these bytes, be they a page of a database, a file, or JSON.
    pub(crate) fn see(&mut self, bytes: &[u8]) {
        let text = String::from_utf8_lossy(bytes);
        self.take(&text);
        self.take(&text.replace("\\n", "\n").replace("\\u2014", "\u{2014}"));
    }

    /// The same of every file of a site but its tokens, also of what a crash left half written.
    pub(crate) fn see_folder(&mut self, folder: &Path) {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() && !path.ends_with("tokens") {
                self.see_folder(&path);
            } else if path.is_file() {
                self.see(&std::fs::read(path).unwrap());
            }
        }
    }

    /// Whatever may be a note: three lines, a blank one, and a signature. Who signed is asked later.
    fn take(&mut self, text: &str) {
        for (at, _) in text.match_indices("\n\n\u{2014} ") {
            let Some(end) = text[at + 2..].find('\n').map(|end| at + 2 + end + 1) else { continue };
            let Some((two, _)) = text[..at].rmatch_indices('\n').nth(1) else {
                self.notes.insert(text[..end].to_owned());
                continue;
            };
            // In a page of a database the first line follows whatever stands before it.
            let first = text[..two].rsplit(|c: char| !(c.is_ascii_alphanumeric() || "-.".contains(c))).next();
            self.notes.insert(text[two - first.unwrap_or_default().len()..end].to_owned());
        }
    }

    /// How many sizes were signed; or what speaks against one history that leads to this ledger.
    pub(crate) fn judge(&self, ledger: &Ledger) -> Result<usize, String> {
        let signed = self.notes.iter().filter_map(|note| {
            let opened = ledger.verifier_keys().into_iter();
            opened.filter_map(|key| VerifiedCheckpoint::open(note.as_bytes(), key, &Limits::STANDARD).ok()).next()
        });
        let signed: BTreeSet<(u64, Sha256)> = signed.map(|opened| (opened.size(), *opened.root())).collect();
        let sizes: BTreeSet<u64> = signed.iter().map(|(size, _)| *size).collect();
        if let Some(size) = sizes.iter().find(|size| signed.iter().filter(|one| one.0 == **size).count() > 1) {
            return Err(format!("two roots were signed for {size} entries"));
        }
        let mut leaves = Vec::new();
        while let Some(entry) = ledger.entry(leaves.len() as u64).unwrap() {
            leaves.push(Sha256::of(&[&[0], entry.leaf.as_slice()].concat()));
        }
        for (size, signed) in &signed {
            let leaves = leaves.get(..usize::try_from(*size).unwrap());
            match leaves.map(root) {
                None => return Err(format!("{size} entries were signed for, and some are gone")),
                Some(found) if found != *signed => {
                    return Err(format!("another tree of {size} entries was signed for than the ledger's"));
                }
                Some(_) => {}
            }
        }
        Ok(sizes.len())
    }
}

/// RFC 6962 section 2.1, written out once more.
fn root(leaves: &[Sha256]) -> Sha256 {
    match leaves {
        [] => Sha256::of(b""),
        [leaf] => *leaf,
        _ => {
            let (left, right) = leaves.split_at(leaves.len().next_power_of_two() / 2);
            Sha256::of(&[&[1], root(left).as_bytes().as_slice(), root(right).as_bytes().as_slice()].concat())
        }
    }
}

/// One site that is put back, with its mark, and goes on differently: nobody on it can tell, and the oracle can.
fn planted_fork() {
    let delivery = Delivery::founded();
    copy_folder(&delivery.path("site"), &delivery.path("before"));
    let mut oracle = Oracle::default();
    let mut went_on = |serial: &str| {
        assert_eq!(delivery.receive(serial, |_| {}).0, 0);
        oracle.see_folder(&delivery.path("site"));
        oracle.judge(&delivery.ledger())
    };
    // The founding's checkpoint, and that of the box.
    assert_eq!(went_on("DEMO-0001"), Ok(2));
    std::fs::remove_dir_all(delivery.path("site")).unwrap();
    copy_folder(&delivery.path("before"), &delivery.path("site"));
    assert_eq!(went_on("DEMO-0002"), Err("two roots were signed for 3 entries".to_owned()));
}

fn planted_loss() {
    let delivery = Delivery::founded();
    copy_folder(&delivery.path("site"), &delivery.path("before"));
    let mut oracle = Oracle::default();
    assert_eq!(delivery.receive("DEMO-0001", |_| {}).0, 0);
    oracle.see_folder(&delivery.path("site"));
    std::fs::remove_dir_all(delivery.path("site")).unwrap();
    copy_folder(&delivery.path("before"), &delivery.path("site"));
    let gone = Err("3 entries were signed for, and some are gone".to_owned());
    assert_eq!(oracle.judge(&delivery.ledger()), gone);
    // Of one size with the other tree, which was signed for where the oracle did not look.
    assert_eq!(delivery.receive("DEMO-0002", |_| {}).0, 0);
    let other = Err("another tree of 3 entries was signed for than the ledger's".to_owned());
    assert_eq!(oracle.judge(&delivery.ledger()), other);
}

fn places() {
    let delivery = Delivery::founded();
    assert_eq!(delivery.receive("DEMO-0001", |_| {}).0, 0);
    let seen = |bytes: &[u8]| {
        let mut oracle = Oracle::default();
        oracle.see(bytes);
        oracle.judge(&delivery.ledger())
    };
    let file = |name: &str| std::fs::read(delivery.path(name)).unwrap();
    assert_eq!(seen(&file("site/ledger.db-wal")), Ok(2));
    let slots = ["site/mark/high-water.0.note", "site/mark/high-water.1.note"].map(file);
    assert_eq!(slots.each_ref().map(|slot| seen(slot)), [Ok(1), Ok(1)]);
    for form in ["--json", "--note"] {
        let said = delivery.run(&["ledger", "checkpoint", "--site", "site", form]);
        assert_eq!(seen(said.out.as_bytes()), Ok(1), "{said:?}");
    }
    // Without a signature it is none.
    for note in slots {
        let note = String::from_utf8(note).unwrap();
        assert_eq!(seen(note.replacen('\n', "\n1", 1).as_bytes()), Ok(0));
    }
}
