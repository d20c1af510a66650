//! `docs/reasons.md` is written from the words that the program says, and held equal to them.
//!
//! After a change of words: `ECUGATE_BLESS=1 cargo test -p ecugate-verifier --test reasons`.

use ecugate_verifier::judgement::words::{self, Words};
use ecugate_verifier::values::reason::{Class, Reason};

const WRITTEN: &str = include_str!("../../docs/reasons.md");
const PLACE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/reasons.md");

const HEAD: &str = "\
# Reasons

One word for everything that can keep a unit, a document or an input out. The same word stands in JSON, on the screen,
in the ledger and here. Words are stable: one may be added, none changes its meaning. Treat a word that you do not know
as a refusal.

Each reason has one class. The worst class of all findings decides what becomes of the box; every finding is kept.

| class | what it says | what becomes of the box | exit status of `receive` |
|---|---|---|---|
| `suspect` | the evidence contradicts | quarantine, red cage | 10 |
| `unproven` | evidence that the supplier owes is missing; says nothing bad about the unit | quarantine, blue shelf | 11 |
| `hold-person` | our own side could not decide, and a person must act; says nothing bad about the unit | hold shelf | 21 |
| `unreadable` | an input is not in the form it should have | hold shelf; the `verify` and `inspect` commands \
refuse with 10 | 21 |
| `hold-passing` | our own side could not decide, and it can pass by itself; says nothing bad about the unit | hold shelf | 20 |
| `usage` | the call is wrong, nothing was judged | stays where it is | 2 |

The exit status below is that of `receive` where the reason is the worst of all. A manifest that cannot be read is
reported as `manifest-malformed`, with the `unreadable` reason inside. Only 0 may enter inventory, and no reason leads
to 0. Two reasons have a status of their own: `part-not-gated` (12: put it away as usual) and `not-confirmed` (30: the
verdict may stand in the ledger, ask). The reasons under *The way
into inventory* are told to an inventory system about a record: they refuse, and say nothing of a box in hand. *Delivery list* and *papers* are the words at the dock for shipment manifest and signed documents; *maker* is the
manufacturer.

This page is written by a test from the words in the program (`verifier/tests/reasons.rs`). Do not edit it by hand.
";

#[test]
#[allow(clippy::disallowed_methods)] // writes the page anew where a person asks for it; the crate itself writes nothing
fn the_page_of_reasons_says_what_the_program_says() {
    let page = page();
    if std::env::var("ECUGATE_BLESS").is_ok_and(|bless| bless == "1") {
        std::fs::write(PLACE, &page).unwrap();
        return;
    }
    let differs = page.lines().zip(WRITTEN.lines()).find(|(now, written)| now != written);
    assert!(page == WRITTEN, "docs/reasons.md is not what the words say (ECUGATE_BLESS=1 writes it): {differs:?}");
}

#[test]
fn the_table_of_classes_states_the_exit_status_that_the_program_gives() {
    for class in [Class::Contradicts, Class::Absent, Class::Stuck, Class::Unreadable, Class::Passing, Class::Usage] {
        let row = HEAD.lines().find(|line| line.starts_with(&format!("| `{}` |", class.word()))).unwrap();
        let own = |reason: Reason| !matches!(reason, Reason::PartNotGated | Reason::NotConfirmed);
        for reason in Reason::ALL.iter().copied().filter(|reason| reason.class() == class && own(*reason)) {
            assert!(row.ends_with(&format!("| {} |", words::exit_status(reason))), "{reason}: {row}");
        }
    }
}

fn page() -> String {
    let mut page = HEAD.to_owned();
    for group in words::groups() {
        page.push_str(&format!("\n## {}\n", group.title));
        for (reason, Words { what, fix }) in group.lines {
            let (class, status) = (reason.class().word(), words::exit_status(*reason));
            page.push_str(&format!("\n### {reason}\n\n*{class}, exit status {status}.* {what}\n\nWhat to do: {fix}\n"));
        }
    }
    page
}
