//! GS1 element strings (GS1 General Specifications section 7.8): identifiers and values in one run, GS for FNC1.

use super::application;
use super::fault::LabelFault;
use super::field::{Field, GS};
use crate::values::reason::Reason;

/// Splits element strings, in order. GS may follow any of them (section 7.8.6 has a reader skip one after a predefined
/// length) and must follow one of variable length unless it is the last. An unknown identifier is refused: nobody
/// knows where its value ends.
pub(super) fn fields(text: &str) -> Result<Vec<Field>, LabelFault> {
    let mut fields = Vec::new();
    let mut rest = text;
    while !rest.is_empty() || fields.is_empty() {
        let offset = text.len() - rest.len();
        let Some(known) = application::at_start(rest) else {
            let expected = "a known GS1 application identifier";
            return Err(LabelFault::new(Reason::LabelFieldMalformed, offset, expected, rest));
        };
        let (identifier, body) = rest.split_at_checked(known.digits).unwrap_or((rest, ""));
        let end = if known.predefined { known.most().min(body.len()) } else { body.find(GS).unwrap_or(body.len()) };
        let (value, after) = body.split_at_checked(end).unwrap_or((body, ""));
        known.check(value).map_err(|fault| fault.moved(offset + known.digits))?;
        fields.push(Field { identifier: identifier.to_owned(), value: value.to_owned() });
        rest = after.strip_prefix(GS).unwrap_or(after);
    }
    Ok(fields)
}

#[cfg(test)]
mod tests {
    use super::fields;
    use crate::values::reason::Reason;

    fn pairs(text: &str) -> Result<String, (Reason, Option<usize>)> {
        fields(text)
            .map(|fields| fields.iter().map(|f| format!("{}={}", f.identifier, f.value)).collect::<Vec<_>>().join(" "))
            .map_err(|fault| (fault.reason(), fault.offset()))
    }

    #[test]
    fn a_predefined_length_needs_no_separator_and_a_variable_one_ends_at_it() {
        let expected = "01=09506000134352 21=SN00042 10=LOT7";
        assert_eq!(pairs("010950600013435221SN00042\u{1d}10LOT7"), Ok(expected.into()));
        assert_eq!(pairs("0109506000134352\u{1d}21SN00042\u{1d}10LOT7\u{1d}"), Ok(expected.into()));
    }

    #[test]
    fn an_unknown_identifier_an_empty_element_and_a_lost_separator_are_refused_at_their_place() {
        assert_eq!(pairs("0109506000134352\u{1d}04X"), Err((Reason::LabelFieldMalformed, Some(17))));
        assert_eq!(pairs("21A\u{1d}\u{1d}10B"), Err((Reason::LabelFieldMalformed, Some(4))));
        assert_eq!(pairs("\u{1d}21A"), Err((Reason::LabelFieldMalformed, Some(0))));
        assert_eq!(pairs(""), Err((Reason::LabelFieldMalformed, Some(0))));
        assert_eq!(pairs("21\u{1d}10B"), Err((Reason::LabelFieldMalformed, Some(2))));
        assert_eq!(pairs("010950600\u{1d}"), Err((Reason::LabelFieldMalformed, Some(2))));
        assert_eq!(pairs("21ABCDEFGHIJKLMNO10LOT799"), Err((Reason::LabelSeparatorLost, Some(22))));
    }
}
