//! The message envelope of ISO/IEC 15434 and the data identifiers within format 06.

use super::fault::LabelFault;
use super::field::{EOT, Field, GS, RS, Syntax};
use super::gs1;
use super::mangling;
use super::rules::{EndRule, Rules};
use crate::values::reason::Reason;

/// Most digits before the letter of a data identifier (ANSI MH10.8.2 section 5).
const IDENTIFIER_DIGITS: usize = 3;

/// Reads what follows `[)>`: RS, format, GS, fields, RS, EOT (ISO/IEC 15434 section 6). Offsets count from there.
pub(super) fn fields(message: &str, rules: &Rules) -> Result<(Syntax, Vec<Field>), LabelFault> {
    let (syntax, start) = header(message)?;
    let body = body(message, start, rules)?;
    let fields = match syntax {
        Syntax::Iso15434Format05 => gs1::fields(body),
        _ => data_fields(body),
    };
    Ok((syntax, fields.map_err(|fault| fault.moved(start))?))
}

/// The format, and where its data begins.
fn header(message: &str) -> Result<(Syntax, usize), LabelFault> {
    let after_rs = message.strip_prefix(RS).ok_or_else(|| mangling::without_rs(message))?;
    let format = after_rs.get(..2).filter(|two| two.bytes().all(|b| b.is_ascii_digit()));
    let syntax = match format {
        Some("05") => Syntax::Iso15434Format05,
        Some("06") => Syntax::Iso15434Format06,
        Some(other) => {
            let expected = "format 05 (GS1) or 06 (ANSI MH10.8.2)";
            return Err(LabelFault::new(Reason::LabelFormatUnknown, 1, expected, format!("format {other}")));
        }
        None => {
            let expected = "a format of two digits after RS";
            let found = if after_rs.is_empty() { "the end" } else { after_rs };
            return Err(LabelFault::new(Reason::LabelHeaderWrong, 1, expected, found));
        }
    };
    let rest = after_rs.get(2..).unwrap_or_default();
    if !rest.starts_with(GS) {
        return Err(mangling::without_gs(rest).moved(3));
    }
    Ok((syntax, 4))
}

/// The data between the header and the trailer of the one format envelope.
fn body<'a>(message: &'a str, start: usize, rules: &Rules) -> Result<&'a str, LabelFault> {
    let missing = |offset: usize, found: &str| {
        LabelFault::new(Reason::LabelTrailerMissing, offset, "RS (0x1E) and EOT (0x04) at the end", found)
    };
    let data = message.get(start..).unwrap_or_default();
    let body = match data.split_once(EOT) {
        Some((_, after)) if !after.is_empty() => {
            let offset = message.len() - after.len();
            return Err(LabelFault::new(Reason::LabelAmbiguous, offset, "nothing after EOT", after));
        }
        Some((before, _)) => {
            before.strip_suffix(RS).ok_or_else(|| missing(start + before.len(), "EOT without RS before it"))?
        }
        None => match (data.strip_suffix(RS), rules.end) {
            (Some(body), EndRule::EotMayBeSwallowed) => body,
            (Some(_), EndRule::RsEot) => return Err(missing(message.len(), "RS without EOT after it")),
            (None, _) => return Err(missing(message.len(), "neither")),
        },
    };
    let Some(place) = body.find(RS) else { return Ok(body) };
    let after = body.get(place + 1..).unwrap_or_default();
    let second = after.get(..2).is_some_and(|two| two.bytes().all(|b| b.is_ascii_digit()));
    let (reason, expected) = if second {
        (Reason::LabelAmbiguous, "one format envelope in the message")
    } else {
        (Reason::LabelFieldMalformed, "RS only before EOT")
    };
    Err(LabelFault::new(reason, start + place, expected, after))
}

/// Fields of format 06, each with its data identifier. One GS may stand before the trailer, as real labels have it.
fn data_fields(body: &str) -> Result<Vec<Field>, LabelFault> {
    let body = body.strip_suffix(GS).unwrap_or(body);
    let mut offset = 0;
    let mut fields = Vec::new();
    for text in body.split(GS) {
        fields.push(data_field(text).map_err(|fault| fault.moved(offset))?);
        offset += text.len() + 1;
    }
    Ok(fields)
}

/// Up to three digits and one upper-case letter, then the value (ANSI MH10.8.2 section 5).
fn data_field(text: &str) -> Result<Field, LabelFault> {
    let expected = "a data identifier: up to three digits and one letter A to Z";
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let letter = text.as_bytes().get(digits).copied();
    match letter {
        Some(b'A'..=b'Z') if digits <= IDENTIFIER_DIGITS => {}
        Some(b'a'..=b'z') if digits <= IDENTIFIER_DIGITS => {
            let found = format!("{text} (letter case flipped)");
            return Err(LabelFault::new(Reason::LabelMangled, digits, expected, found));
        }
        _ => {
            let found = if text.is_empty() { "an empty field" } else { text };
            return Err(LabelFault::new(Reason::LabelFieldMalformed, 0, expected, found));
        }
    }
    let (identifier, value) = text.split_at_checked(digits + 1).unwrap_or((text, ""));
    if let Some(place) = value.bytes().position(|byte| !(b' '..=b'~').contains(&byte)) {
        let byte = value.as_bytes().get(place).copied().unwrap_or_default();
        let found = format!("0x{byte:02X} in the value of {identifier}");
        return Err(LabelFault::new(Reason::LabelFieldMalformed, digits + 1 + place, "printable characters", found));
    }
    Ok(Field { identifier: identifier.to_owned(), value: value.to_owned() })
}
