//! Hostile text made safe to show: one terminal line, one CSV field, HTML text, one file name.
//!
//! Text from labels, manifests, certificates and devices is chosen by whoever made the box. Every face that shows such
//! text passes it through here. Nothing here is for comparing: identifiers are compared as they came.

/// Code points that Unicode calls letters or symbols and that show nothing, so that they can hide in a number.
const BLANK: [char; 6] = ['\u{115f}', '\u{1160}', '\u{3164}', '\u{ffa0}', '\u{2800}', '\u{16fe4}'];

/// Longest file name that [`file_name`] makes, in bytes: below the 255 of ext4 and NTFS, with room for an ending.
const FILE_NAME_BYTES: usize = 200;

/// Names that Windows takes for devices, in any letter case and with any ending.
const DEVICE_NAMES: [&str; 22] = [
    "CON", "PRN", "AUX", "NUL", "COM1", "COM2", "COM3", "COM4", "COM5", "COM6", "COM7", "COM8", "COM9", "LPT1", "LPT2",
    "LPT3", "LPT4", "LPT5", "LPT6", "LPT7", "LPT8", "LPT9",
];

/// Makes any text safe for one terminal line or log line.
///
/// Control characters become their pictures (`␝` for GS, `␞` for RS, `␄` for EOT, `␛` for ESC); everything else that is
/// not plainly visible becomes `\u{…}`: C1 controls, bidirectional controls, zero-width and other format characters,
/// combining marks, blanks other than the space, private and unassigned code points. A backslash becomes `\\` and a
/// control picture that stands in the text itself becomes `\u{…}`, so that two different texts never look the same
/// because of this function.
#[must_use]
pub fn visible(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for c in text.chars() {
        if c == '\\' {
            shown.push_str("\\\\");
        } else {
            push_shown(&mut shown, c);
        }
    }
    shown
}

/// Bytes that need not be UTF-8, shown as [`visible`] shows text; a byte that is no UTF-8 becomes `\xNN`.
#[must_use]
pub fn visible_bytes(bytes: &[u8]) -> String {
    let mut shown = String::with_capacity(bytes.len());
    for chunk in bytes.utf8_chunks() {
        shown.push_str(&visible(chunk.valid()));
        for byte in chunk.invalid() {
            shown.push_str(&format!("\\x{byte:02x}"));
        }
    }
    shown
}

/// One field of a CSV file (RFC 4180): quoted where it must be, and never a formula.
///
/// A field whose first visible character is `=`, `+`, `-`, `@` or one of their full-width forms gets an apostrophe in
/// front, which spreadsheets take for "this is text". Characters that are not plainly visible are shown as [`visible`]
/// shows them, line ends included, so that one record is one line; a backslash stays as it is.
#[must_use]
pub fn csv_field(text: &str) -> String {
    let mut field = String::with_capacity(text.len() + 2);
    if text.trim_start().starts_with(['=', '+', '-', '@', '\u{ff1d}', '\u{ff0b}', '\u{ff0d}', '\u{ff20}']) {
        field.push('\'');
    }
    for c in text.chars() {
        push_shown(&mut field, c);
    }
    let plain = !field.contains(['"', ',', ';', '\'']) && field.trim() == field;
    if plain { field } else { format!("\"{}\"", field.replace('"', "\"\"")) }
}

/// Text for an HTML element or a quoted attribute value: `& < > " '` become references (HTML Living Standard section
/// 13.2.5), and what is not plainly visible is shown as [`visible`] shows it.
#[must_use]
pub fn html(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => shown.push_str("&amp;"),
            '<' => shown.push_str("&lt;"),
            '>' => shown.push_str("&gt;"),
            '"' => shown.push_str("&quot;"),
            '\'' => shown.push_str("&#39;"),
            _ => push_shown(&mut shown, c),
        }
    }
    shown
}

/// One file name, never a path: letters, digits, `-`, `_` and inner dots stay, every other byte becomes `%NN`.
///
/// Two texts give the same name only if they are the same text. (A file system that folds letter case may still join
/// two names: put a number or a digest beside it.) `None` for an empty text and for one that becomes longer than 200
/// bytes: nothing is cut short.
#[must_use]
pub fn file_name(text: &str) -> Option<String> {
    let mut name = String::with_capacity(text.len());
    let last = text.len().checked_sub(1)?;
    let stem = text.split('.').next().unwrap_or(text);
    let device = DEVICE_NAMES.iter().any(|reserved| reserved.eq_ignore_ascii_case(stem));
    for (place, byte) in text.bytes().enumerate() {
        let outer = place == 0 || place == last;
        let stays = match byte {
            b'.' => !outer,
            b'-' => place != 0,
            _ => (byte.is_ascii_alphanumeric() || byte == b'_') && !(device && place == 0),
        };
        if stays {
            name.push(char::from(byte));
        } else {
            name.push_str(&format!("%{byte:02X}"));
        }
    }
    (name.len() <= FILE_NAME_BYTES).then_some(name)
}

/// Appends one character, or what stands for it where it is not plainly visible.
fn push_shown(shown: &mut String, c: char) {
    let picture = match c {
        '\0'..='\u{1f}' => char::from_u32(0x2400 + u32::from(c)),
        '\u{7f}' => Some('\u{2421}'),
        _ => None,
    };
    if let Some(picture) = picture {
        shown.push(picture);
    } else if is_plain(c) {
        shown.push(c);
    } else {
        shown.extend(c.escape_unicode());
    }
}

/// Whether a character shows itself and nothing else. `escape_debug` leaves exactly the characters alone that Unicode
/// calls visible and that do not join the character before them (and escapes quotes and the backslash besides).
fn is_plain(c: char) -> bool {
    match c {
        '\'' | '"' | '\\' => true,
        '\u{2400}'..='\u{243f}' => false,
        _ => !BLANK.contains(&c) && c.escape_debug().len() == 1,
    }
}

#[cfg(test)]
mod tests {
    use super::{csv_field, file_name, html, visible, visible_bytes};
    use proptest::prelude::*;

    /// Attack class 58: terminal escapes and log injection from label and device strings.
    #[test]
    fn attack_58_no_text_moves_the_cursor_ends_the_line_or_hides_on_a_terminal() {
        assert_eq!(visible("[)>\u{1e}06\u{1d}P1\u{1e}\u{4}"), "[)>␞06␝P1␞␄");
        assert_eq!(visible("\u{1b}[2J\u{1b}]0;ACCEPT\u{7}"), "␛[2J␛]0;ACCEPT␇");
        assert_eq!(visible("bad\r\nACCEPT"), "bad␍␊ACCEPT");
        assert_eq!(visible("\u{9b}31m\u{85}\u{7f}"), "\\u{9b}31m\\u{85}␡");
        assert_eq!(visible("A\u{202e}54321\u{2066}\u{200f}"), "A\\u{202e}54321\\u{2066}\\u{200f}");
        assert_eq!(visible("0\u{200b}1\u{feff}2\u{ad}3\u{2060}"), "0\\u{200b}1\\u{feff}2\\u{ad}3\\u{2060}");
        assert_eq!(visible("0\u{a0}1\u{3000}2\u{2028}3"), "0\\u{a0}1\\u{3000}2\\u{2028}3");
        assert_eq!(visible("o\u{308}\u{fe0f}\u{e0041}"), "o\\u{308}\\u{fe0f}\\u{e0041}");
        assert_eq!(visible("1\u{3164}2\u{2800}3"), "1\\u{3164}2\\u{2800}3");
        assert_eq!(visible("Müller, Łódź, Ünal 'q' \"z\""), "Müller, Łódź, Ünal 'q' \"z\"");
        assert_eq!(visible_bytes(b"A\xff\x1d\xc3\xa4"), "A\\xff␝ä");
    }

    #[test]
    fn what_only_looks_like_an_escape_is_told_apart_from_one() {
        assert_eq!(visible("\\u{1b}"), "\\\\u{1b}");
        assert_eq!(visible("␞"), "\\u{241e}");
        assert_ne!(visible("\u{1e}"), visible("␞"));
    }

    /// Attack class 58: a CSV cell that a spreadsheet would run.
    #[test]
    fn attack_58_no_csv_field_is_a_formula_or_ends_its_record() {
        assert_eq!(csv_field("=HYPERLINK(\"http://x\")"), "\"'=HYPERLINK(\"\"http://x\"\")\"");
        assert_eq!(csv_field("+1+cmd|' /C calc'!A0"), "\"'+1+cmd|' /C calc'!A0\"");
        assert_eq!(csv_field("-2"), "\"'-2\"");
        assert_eq!(csv_field("@SUM(A1)"), "\"'@SUM(A1)\"");
        assert_eq!(csv_field(" =1"), "\"' =1\"");
        assert_eq!(csv_field("\t=1"), "\"'␉=1\"");
        assert_eq!(csv_field("\u{ff1d}1"), "\"'\u{ff1d}1\"");
        assert_eq!(csv_field("a\r\n=b"), "a␍␊=b");
        assert_eq!(csv_field("a,b"), "\"a,b\"");
        assert_eq!(csv_field("a;b"), "\"a;b\"");
        assert_eq!(csv_field(""), "");
        assert_eq!(csv_field("028102-0048\\A"), "028102-0048\\A");
    }

    /// Attack class 58: markup in a report.
    #[test]
    fn attack_58_no_text_becomes_markup() {
        assert_eq!(html("<script>a&b</script>"), "&lt;script&gt;a&amp;b&lt;/script&gt;");
        assert_eq!(html("\" onload='x'"), "&quot; onload=&#39;x&#39;");
        assert_eq!(html("a\u{202e}b\u{1}"), "a\\u{202e}b␁");
    }

    /// Attack class 44: a serial or part number used as a path.
    #[test]
    fn attack_44_no_identifier_becomes_a_path_a_hidden_file_an_option_or_a_device() {
        let name = |text: &str| file_name(text).unwrap();
        assert_eq!(name("../../etc/passwd"), "%2E.%2F..%2Fetc%2Fpasswd");
        assert_eq!(name(".."), "%2E%2E");
        assert_eq!(name("."), "%2E");
        assert_eq!(name("-rf"), "%2Drf");
        assert_eq!(name("C:\\x"), "C%3A%5Cx");
        assert_eq!(name("nul.txt"), "%6Eul.txt");
        assert_eq!(name("A%2F"), "A%252F");
        assert_eq!(name("a\0b"), "a%00b");
        assert_eq!(name("0281-020_048.bin"), "0281-020_048.bin");
        assert_eq!(file_name(""), None);
        assert_eq!(file_name(&"/".repeat(67)), None);
    }

    /// Undoes `visible`: proves that it loses nothing.
    fn original(shown: &str) -> String {
        let mut text = String::new();
        let mut rest = shown;
        while let Some(c) = rest.chars().next() {
            rest = &rest[c.len_utf8()..];
            if c == '\\' {
                if let Some(after) = rest.strip_prefix('\\') {
                    rest = after;
                    text.push('\\');
                } else {
                    let (hex, after) = rest.strip_prefix("u{").unwrap().split_once('}').unwrap();
                    text.push(char::from_u32(u32::from_str_radix(hex, 16).unwrap()).unwrap());
                    rest = after;
                }
            } else {
                text.push(match c {
                    '\u{2421}' => '\u{7f}',
                    '\u{2400}'..='\u{241f}' => char::from_u32(u32::from(c) - 0x2400).unwrap(),
                    _ => c,
                });
            }
        }
        text
    }

    proptest! {
        #[test]
        fn visible_text_holds_no_control_character_and_can_be_undone(text in any::<String>()) {
            let shown = visible(&text);
            prop_assert!(!shown.chars().any(char::is_control));
            prop_assert_eq!(original(&shown), text);
        }

        #[test]
        fn a_csv_field_reads_back_as_one_field_that_begins_no_formula(text in any::<String>()) {
            let field = csv_field(&text);
            prop_assert!(!field.contains(['\r', '\n']));
            let value = match field.strip_prefix('"') {
                Some(rest) => {
                    let inner = rest.strip_suffix('"').unwrap();
                    prop_assert!(!inner.replace("\"\"", "").contains('"'));
                    inner.replace("\"\"", "\"")
                }
                None => {
                    prop_assert!(!field.contains(['"', ',', ';']));
                    field
                }
            };
            prop_assert!(!value.trim_start().starts_with(['=', '+', '-', '@']));
        }

        #[test]
        fn two_texts_never_share_a_file_name(a in any::<String>(), b in any::<String>()) {
            if let (Some(x), Some(y)) = (file_name(&a), file_name(&b)) {
                prop_assert_eq!(x == y, a == b);
                prop_assert!(x.bytes().all(|c| c.is_ascii_alphanumeric() || b"-_.%".contains(&c)));
            }
        }
    }
}
