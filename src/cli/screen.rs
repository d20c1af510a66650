//! What a person reads: facts from findings, hostile characters made visible.

use ecugate_verifier::judgement::words;
use ecugate_verifier::values::finding::Finding;
use ecugate_verifier::values::reason::Reason;
use ecugate_verifier::values::shown::visible;

/// Longest run of hostile text that is shown; JSON has all of it.
const SHOWN: usize = 400;

/// A finding in lines: what is the matter, why (where, expected, found), and what to do.
pub(crate) fn say(finding: &Finding) -> Vec<String> {
    let words = words::of(finding.reason);
    let facts = [
        ("reason", finding.reason.code()),
        ("what", words.what),
        ("where", &finding.place),
        ("expected", &finding.expected),
        ("found", &finding.found),
        ("do", words.fix),
    ];
    let rows = facts.into_iter().filter(|(_, text)| !text.is_empty());
    rows.map(|(name, text)| format!("{name:<9} {}", plain(text))).collect()
}

/// What is wrong with a command line, in one line, as a finding.
pub(crate) fn usage(error: &clap::Error) -> Finding {
    let text = error.render().to_string();
    let facts: Vec<&str> = text
        .lines()
        .map(str::trim)
        .take_while(|line| !line.starts_with("Usage:") && !line.starts_with("For more information"))
        .filter(|line| !line.is_empty())
        .collect();
    let fact = facts.join(" ");
    Finding::new(Reason::Usage, "command line", "", fact.strip_prefix("error: ").unwrap_or(&fact))
}

/// `text` with everything that is not plainly visible made visible, and cut where it is endless.
pub(crate) fn plain(text: &str) -> String {
    match text.char_indices().nth(SHOWN) {
        None => visible(text),
        Some((end, _)) => {
            let (begin, rest) = text.split_at_checked(end).unwrap_or((text, ""));
            format!("{}… (and {} more characters)", visible(begin), rest.chars().count())
        }
    }
}

/// Control characters (C0, DEL, C1), line and paragraph separators, and invisible or reordering ones
/// (Unicode Bidirectional Algorithm, UAX #9 section 2; CVE-2021-42574).
pub(crate) fn is_hostile(character: char) -> bool {
    character.is_control()
        || matches!(
            character,
            '\u{ad}'
                | '\u{61c}'
                | '\u{180e}'
                | '\u{200b}'..='\u{200f}'
                | '\u{2028}'..='\u{202e}'
                | '\u{2060}'..='\u{206f}'
                | '\u{feff}'
                | '\u{fff9}'..='\u{fffb}'
                | '\u{e0000}'..='\u{e007f}'
        )
}

#[cfg(test)]
mod tests {
    use super::{SHOWN, plain, say};
    use ecugate_verifier::values::finding::Finding;
    use ecugate_verifier::values::reason::Reason;

    #[test]
    fn a_found_text_that_would_clear_the_screen_or_turn_the_line_round_is_shown_by_other_characters() {
        let finding = Finding::new(Reason::PartDiffers, "label", "A", "\u{1b}[2J\u{202e}B\u{9b}1m\r\n");
        assert_eq!(
            say(&finding),
            [
                "reason    part-differs",
                "what      The part number on the label is not the one in the maker's papers.",
                "where     label",
                "expected  A",
                "found     ␛[2J\\u{202e}B\\u{9b}1m␍␊",
                "do        Look whether the right label was scanned. Then ask the supplier which part was delivered."
            ]
        );
    }

    #[test]
    fn an_endless_text_is_cut_and_the_cut_is_said() {
        let shown = plain(&"ä".repeat(SHOWN + 7));
        assert!(shown.ends_with("ä… (and 7 more characters)"), "{shown}");
    }
}
