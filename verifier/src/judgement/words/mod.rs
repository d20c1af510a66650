//! What the program says: advice beside the facts.
//!
//! Facts stand in a [`Finding`] (reason, place, expected, found). Here stands what they mean to the person with the
//! box in hand ([`of`]), what to do with the box ([`box_action`]), and what a unit that passed may still be
//! ([`not_caught`]). Nothing is printed: the faces print what the functions give.
//!
//! The texts themselves stand in `english`. Another language is a sibling module with the same three things: the
//! groups of reasons, the box actions, the texts of what was not caught. That no reason is left without words is
//! checked when the crate is compiled.

mod english;

use crate::documents::manifest::assurance::{Firmware, Identity};
use crate::documents::receipt::Ruling;
use crate::values::finding::Finding;
use crate::values::reason::{Class, Reason};
use crate::values::shown::visible;

/// Characters of one hostile text that a line shows. A document may choose megabytes of text to appear in a finding;
/// JSON and the record keep the whole, a screen does not have to.
const SHOWN_CHARACTERS: usize = 200;

/// What a reason means, and what to do about it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Words {
    /// What is the matter: one plain sentence.
    pub what: &'static str,
    /// Who must do what so that it can be decided or mended.
    pub fix: &'static str,
}

/// Reasons that belong together, under the title that they have in `docs/reasons.md`.
#[derive(Clone, Copy, Debug)]
pub struct Group {
    /// The title.
    pub title: &'static str,
    /// The reasons in order, with their words.
    pub lines: &'static [(Reason, Words)],
}

/// What to do with the box now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BoxAction {
    /// A sign that is told apart without its colour.
    pub mark: &'static str,
    /// The one word of the outcome.
    pub headline: &'static str,
    /// Where the box goes.
    pub shelf: &'static str,
    /// The colour, by its name.
    pub colour: &'static str,
    /// The steps, in order.
    pub steps: &'static [&'static str],
}

/// The words of a reason.
#[must_use]
pub fn of(reason: Reason) -> Words {
    english::words(reason)
}

/// Every reason with its words, in the order of [`Reason::ALL`], group by group.
pub fn groups() -> impl Iterator<Item = &'static Group> {
    english::GROUPS.iter().copied().flatten()
}

/// What to do with the box under this ruling. For an accept it holds once the verdict is recorded, not before.
#[must_use]
pub const fn box_action(ruling: Ruling) -> BoxAction {
    english::verdict::box_action(ruling)
}

/// What to do with a box whose verdict could not be reached or recorded. `passing`: this can pass by itself.
#[must_use]
pub const fn box_action_unrecorded(passing: bool) -> BoxAction {
    english::verdict::box_action_unrecorded(passing)
}

/// What to do with a box whose verdict could not be recorded, and that the journal keeps under a tag. `passing`: this can
/// pass by itself.
#[must_use]
pub const fn box_action_kept(passing: bool) -> BoxAction {
    english::verdict::box_action_kept(passing)
}

/// What to do with a box whose verdict may stand in the ledger or not.
#[must_use]
pub const fn box_action_unconfirmed() -> BoxAction {
    english::verdict::box_action_unconfirmed()
}

/// What a unit that reached this pair of assurance levels may still be: said with every verdict.
#[must_use]
pub const fn not_caught(identity: Identity, firmware: Firmware) -> &'static str {
    english::verdict::not_caught(identity, firmware)
}

/// The exit status of `receive` where this reason is the worst of all. No reason makes a 0.
#[must_use]
pub const fn exit_status(reason: Reason) -> u8 {
    match (reason, reason.class()) {
        (Reason::PartNotGated, _) => Ruling::NotGated.exit_status(),
        // the verdict may stand in the ledger: neither accepted nor refused until somebody has asked
        (Reason::NotConfirmed, _) => 30,
        (_, Class::Usage) => 2,
        (_, class) => Ruling::of(class).exit_status(),
    }
}

/// A finding as lines for a person: what, why (where there is more to say), and what to do. Free of control
/// characters, whatever the finding holds.
#[must_use]
pub fn text(finding: &Finding) -> Vec<String> {
    let Words { what, fix } = of(finding.reason);
    let mut lines = vec![format!("what: {what}")];
    lines.extend(why(finding).map(|why| format!("why: {why}")));
    lines.push(format!("do: {fix}"));
    lines
}

/// Place, expected and found as one line that is safe to show. `None` where the finding has none of them.
#[must_use]
pub fn why(finding: &Finding) -> Option<String> {
    let [place, expected, found] = [&finding.place, &finding.expected, &finding.found].map(|text| shown(text));
    let facts = match (expected.is_empty(), found.is_empty()) {
        (false, false) => format!("expected {expected}, found {found}"),
        (false, true) => format!("expected {expected}"),
        (true, false) => format!("found {found}"),
        (true, true) => String::new(),
    };
    match (place.is_empty(), facts.is_empty()) {
        (false, false) => Some(format!("{place}: {facts}")),
        (false, true) => Some(place),
        (true, false) => Some(facts),
        (true, true) => None,
    }
}

/// A finding for programs: its fields as they are, and the word of its class.
#[must_use]
pub const fn json(finding: &Finding) -> FindingJson<'_> {
    FindingJson { finding, class: finding.reason.class().word() }
}

/// A finding as one word.
#[must_use]
pub const fn quiet(finding: &Finding) -> &'static str {
    finding.reason.code()
}

/// The JSON form of a finding: `reason`, `where`, `expected`, `found` (those that are not empty) and `class`.
#[derive(Clone, Copy, Debug, serde::Serialize)]
pub struct FindingJson<'a> {
    #[serde(flatten)]
    finding: &'a Finding,
    class: &'static str,
}

impl BoxAction {
    /// The line that stands over everything else: `✖ QUARANTINE  RED CAGE`.
    #[must_use]
    pub fn title(&self) -> String {
        format!("{} {}  {}", self.mark, self.headline, self.shelf)
    }
}

/// Text of any origin, made safe and short enough for a line. What is left out is said.
fn shown(text: &str) -> String {
    match text.char_indices().nth(SHOWN_CHARACTERS) {
        None => visible(text),
        Some((end, _)) => {
            let begin = visible(text.get(..end).unwrap_or_default());
            format!("{begin}… ({} bytes in all)", text.len())
        }
    }
}

#[cfg(test)]
mod tests;
