//! Texts that were a label before a scanner, a keyboard driver or a label printer had them. They are recognised so
//! that the refusal can say what happened; none is mended.

use super::fault::LabelFault;
use super::field::{EOT, GS, RS};
use crate::values::reason::Reason;

/// The header of ISO/IEC 15434 without its RS.
pub(super) const HEADER: &str = "[)>";

/// Ways in which software writes the control characters: name, RS, GS. Longer ones first where one begins another.
const SPELLINGS: &[(&str, &str, &str)] = &[
    ("caret notation", "^^", "^]"),
    ("names in braces", "{RS}", "{GS}"),
    ("names in angle brackets", "<RS>", "<GS>"),
    ("names in square brackets", "[RS]", "[GS]"),
    ("names in parentheses", "(RS)", "(GS)"),
    ("escapes in hexadecimal", "\\x1e", "\\x1d"),
    ("escapes in hexadecimal", "\\x1E", "\\x1D"),
    ("escapes in Unicode", "\\u001e", "\\u001d"),
    ("escapes in Unicode", "\\u001E", "\\u001D"),
    ("escapes in octal", "\\036", "\\035"),
    ("escapes in decimal", "~d030", "~d029"),
    ("percent escapes", "%1E", "%1D"),
    ("percent escapes", "%1e", "%1d"),
];

/// Headers as people and keyboard layouts mistype them.
const MISTYPED: &[&str] =
    &["[]>", "[(>", "(]>", "(>", "])>", "[}>", "{)>", "[)<", "[)}", "[0>", "[0.", "()>", ")>", "[>"];

/// Says what became of the RS that should follow `[)>`. `message` is what stands there instead.
pub(super) fn without_rs(message: &str) -> LabelFault {
    let expected = "RS (0x1E) after [)>";
    if message.is_empty() {
        return LabelFault::new(Reason::LabelHeaderWrong, 0, expected, "the end");
    }
    if let Some((name, rs, _)) = SPELLINGS.iter().find(|(_, rs, _)| message.starts_with(rs)) {
        return LabelFault::new(Reason::LabelMangled, 0, expected, format!("{rs} ({name})"));
    }
    if starts_with_format(message) {
        let found = if message.contains([GS, RS]) { "the format without RS" } else { "no separators at all" };
        return LabelFault::new(Reason::LabelSeparatorLost, 0, expected, found);
    }
    let typed: String = message.chars().take_while(|c| !c.is_ascii_digit()).collect();
    if !typed.is_empty() && typed.len() <= 8 && message.get(typed.len()..).is_some_and(starts_with_format) {
        return LabelFault::new(Reason::LabelMangled, 0, expected, format!("{typed} (typed for RS)"));
    }
    LabelFault::new(Reason::LabelHeaderWrong, 0, expected, message)
}

/// Says what became of the GS that should follow the format. `rest` is what stands there instead.
pub(super) fn without_gs(rest: &str) -> LabelFault {
    let expected = "GS (0x1D) after the format";
    if let Some((name, _, gs)) = SPELLINGS.iter().find(|(_, _, gs)| rest.starts_with(gs)) {
        return LabelFault::new(Reason::LabelMangled, 0, expected, format!("{gs} ({name})"));
    }
    match rest.chars().next() {
        None => LabelFault::new(Reason::LabelHeaderWrong, 0, expected, "the end"),
        Some(c) if c.is_ascii_alphanumeric() => {
            LabelFault::new(Reason::LabelSeparatorLost, 0, expected, format!("no separator before {rest}"))
        }
        Some(c) if c.is_ascii_control() || c == ' ' => LabelFault::new(Reason::LabelHeaderWrong, 0, expected, rest),
        Some(_) => LabelFault::new(Reason::LabelMangled, 0, expected, format!("{rest} (typed for GS)")),
    }
}

/// Refuses a text without header, prefix and scheme that was, or holds, a label with identifiers. What passes is
/// printable and has no separator in it.
pub(super) fn refuse_damaged(text: &str) -> Result<(), LabelFault> {
    header_elsewhere(text)?;
    header_mistyped(text)?;
    control_characters(text)?;
    spelled_separators(text)?;
    human_readable(text)?;
    if text.starts_with(' ') || text.ends_with(' ') {
        let offset = if text.starts_with(' ') { 0 } else { text.trim_end().len() };
        return Err(LabelFault::new(Reason::LabelMangled, offset, "no space at the begin or end", text));
    }
    Ok(())
}

fn header_elsewhere(text: &str) -> Result<(), LabelFault> {
    let Some(before) = text.find(HEADER).and_then(|place| text.get(..place)) else { return Ok(()) };
    let found =
        if before.trim().is_empty() { "blank characters before it".to_owned() } else { format!("{before} before it") };
    Err(LabelFault::new(Reason::LabelMangled, 0, "[)> as the first characters", found))
}

/// A mistyped header counts as one only with the rest of the header behind it, in any spelling: `[>` may begin a
/// serial.
fn header_mistyped(text: &str) -> Result<(), LabelFault> {
    let hit = MISTYPED.iter().find(|typed| {
        text.strip_prefix(**typed).is_some_and(|rest| {
            let rest = SPELLINGS.iter().find_map(|(_, rs, _)| rest.strip_prefix(rs)).unwrap_or(rest);
            let rest = rest.trim_start_matches([RS, '^']);
            starts_with_format(rest)
        })
    });
    match hit {
        Some(typed) => Err(LabelFault::new(Reason::LabelHeaderWrong, 0, "the header [)>", *typed)),
        None => Ok(()),
    }
}

fn control_characters(text: &str) -> Result<(), LabelFault> {
    let Some((offset, c)) = text.char_indices().find(|(_, c)| c.is_ascii_control()) else { return Ok(()) };
    if [GS, RS, EOT].contains(&c) {
        let expected = "a header [)>, or a GS1 prefix (]d2 ]C1 ]Q3 ]e0), before text with separators";
        return Err(LabelFault::new(Reason::LabelHeaderWrong, 0, expected, text));
    }
    let expected = "printable characters";
    Err(LabelFault::new(Reason::LabelFieldMalformed, offset, expected, format!("0x{:02X}", u32::from(c))))
}

fn spelled_separators(text: &str) -> Result<(), LabelFault> {
    let hit = SPELLINGS
        .iter()
        .find_map(|(name, rs, gs)| [gs, rs].into_iter().find_map(|typed| Some((text.find(*typed)?, *typed, *name))));
    match hit {
        Some((offset, typed, name)) => {
            let expected = "separators as control characters";
            Err(LabelFault::new(Reason::LabelMangled, offset, expected, format!("{typed} ({name})")))
        }
        None => Ok(()),
    }
}

/// `(01)09506000134352(21)SN1` is what is printed below a symbol for people; the symbol has no brackets.
fn human_readable(text: &str) -> Result<(), LabelFault> {
    let identifier = text.strip_prefix('(').and_then(|rest| rest.split_once(')')).map(|(inside, _)| inside);
    match identifier {
        Some(inside) if (1..=4).contains(&inside.len()) && inside.bytes().all(|b| b.is_ascii_alphanumeric()) => {
            let found = format!("({inside}), the form for people");
            Err(LabelFault::new(Reason::LabelMangled, 0, "the text of the symbol", found))
        }
        _ => Ok(()),
    }
}

fn starts_with_format(text: &str) -> bool {
    text.get(..2).is_some_and(|two| two.bytes().all(|b| b.is_ascii_digit()))
}
