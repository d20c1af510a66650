//! The texts in English.
//!
//! Plain words for the person at the dock; where only a trust officer, the person for IT or the supplier can act, the
//! advice begins with who that is and may use their terms.

mod documents;

mod trust;

mod unit;

mod site;

pub(super) mod verdict;

use super::{Group, Words};
use crate::values::reason::Reason;

/// Every group, in the order of [`Reason::ALL`].
pub(super) const GROUPS: &[&[Group]] = &[documents::GROUPS, trust::GROUPS, unit::GROUPS, site::GROUPS];

/// The words of each reason, by its place in [`Reason::ALL`].
const TABLE: [Words; Reason::ALL.len()] = table();

/// Stands in the table while it is built, and never in the finished one.
const NONE: Words = Words { what: "Something is not as it should be.", fix: "Keep the box and ask the person for IT." };

pub(super) fn words(reason: Reason) -> Words {
    TABLE.get(reason as usize).copied().unwrap_or(NONE)
}

/// Walks groups and reasons side by side. A reason without words, with words twice or out of order does not compile;
/// the message names it.
#[allow(clippy::indexing_slicing)] // run by the compiler alone: an index out of bounds does not compile
const fn table() -> [Words; Reason::ALL.len()] {
    let mut table = [NONE; Reason::ALL.len()];
    let (mut part, mut group, mut line, mut place) = (0, 0, 0, 0);
    while part < GROUPS.len() {
        while group < GROUPS[part].len() {
            while line < GROUPS[part][group].lines.len() {
                let (reason, words) = GROUPS[part][group].lines[line];
                assert!(place < Reason::ALL.len(), "more words than reasons");
                let due = Reason::ALL[place];
                assert!(reason as usize == due as usize && due as usize == place, "{}", due.code());
                table[place] = words;
                place += 1;
                line += 1;
            }
            (group, line) = (group + 1, 0);
        }
        (part, group) = (part + 1, 0);
    }
    assert!(place == Reason::ALL.len(), "a reason at the end of the list has no words");
    table
}

macro_rules! group {
    ($title:literal $( $reason:ident $what:literal $fix:literal; )*) => {
        Group {
            title: $title,
            lines: &[ $( (
                $crate::values::reason::Reason::$reason,
                $crate::judgement::words::Words { what: $what, fix: $fix },
            ), )* ],
        }
    };
}
use group;
