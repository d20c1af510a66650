//! How the values of flags are written: hex, times, addresses, object identifiers.

use ecugate_verifier::syntax::image::Span;
use ecugate_verifier::values::digest::hex::decode;
use ecugate_verifier::values::time::Time;

/// Bytes given as hex digits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Hex(pub(crate) Vec<u8>);

/// Pairs of hex digits; none at all is no bytes.
pub(crate) fn hex(text: &str) -> Result<Hex, String> {
    decode(text).map(Hex).ok_or_else(|| "expected pairs of hex digits".to_owned())
}

/// A time in any spelling of RFC 3339, to the millisecond.
pub(crate) fn instant(text: &str) -> Result<Time, String> {
    rfc3339(text).ok_or_else(|| "expected a time like 2026-11-24T05:31:18Z (RFC 3339, 1970 to 9999)".to_owned())
}

/// An address: decimal, or `0x` and hex digits that `_` may part.
pub(crate) fn address(text: &str) -> Result<u64, String> {
    let number = match text.strip_prefix("0x") {
        Some(digits) if digits.starts_with(|c: char| c.is_ascii_hexdigit()) => {
            u64::from_str_radix(&digits.replace('_', ""), 16).ok()
        }
        None if text.bytes().all(|digit| digit.is_ascii_digit()) => text.parse().ok(),
        _ => None,
    };
    number.ok_or_else(|| "expected a number below 2^64, decimal or as 0x and hex digits".to_owned())
}

/// A byte, written like an address.
pub(crate) fn byte(text: &str) -> Result<u8, String> {
    let number = address(text).ok().and_then(|number| u8::try_from(number).ok());
    number.ok_or_else(|| "expected a number from 0 to 255, decimal or as 0x and hex digits".to_owned())
}

/// `START..END`: the first address, and the one after the last.
pub(crate) fn span(text: &str) -> Result<Span, String> {
    let (start, end) = text.split_once("..").ok_or("expected START..END")?;
    let span = Span { start: address(start)?, end: address(end)? };
    if span.start < span.end { Ok(span) } else { Err("expected an END above START".to_owned()) }
}

/// A dotted object identifier.
pub(crate) fn object_identifier(text: &str) -> Result<String, String> {
    let arcs: Vec<&str> = text.split('.').collect();
    let is_arc = |arc: &&str| {
        !arc.is_empty() && arc.bytes().all(|digit| digit.is_ascii_digit()) && (*arc == "0" || !arc.starts_with('0'))
    };
    if arcs.len() >= 2 && arcs.iter().all(is_arc) {
        Ok(text.to_owned())
    } else {
        Err("expected a dotted object identifier".to_owned())
    }
}

/// The instant of `date T time offset` (RFC 3339 section 5.6).
fn rfc3339(text: &str) -> Option<Time> {
    let (local, offset) = match text.strip_suffix(['Z', 'z']) {
        Some(local) => (local, 0),
        None => {
            let (local, offset) = text.split_at_checked(text.len().checked_sub(6)?)?;
            (local, offset_seconds(offset)?)
        }
    };
    let (date, time) = local.split_once(['T', 't'])?;
    let (time, fraction) = match time.split_once('.') {
        Some((time, digits)) if !digits.is_empty() && digits.bytes().all(|digit| digit.is_ascii_digit()) => {
            (time, format!("{digits:0<3}").get(..3)?.to_owned())
        }
        Some(_) => return None,
        None => (time, "000".to_owned()),
    };
    let fraction = if fraction == "000" { String::new() } else { format!(".{fraction}") };
    Some(Time::parse(&format!("{date}T{time}{fraction}Z"))?.plus_seconds(-offset))
}

/// Seconds of `+hh:mm` or `-hh:mm`.
fn offset_seconds(text: &str) -> Option<i64> {
    let digits = text.strip_prefix(['+', '-'])?;
    let (hours, minutes) = digits.split_once(':')?;
    let number = |text: &str, most: i64| {
        let two_digits = text.len() == 2 && text.bytes().all(|digit| digit.is_ascii_digit());
        text.parse::<i64>().ok().filter(|number| two_digits && *number <= most)
    };
    let seconds = number(hours, 23)? * 3_600 + number(minutes, 59)? * 60;
    Some(if text.starts_with('-') { -seconds } else { seconds })
}

#[cfg(test)]
mod tests {
    use super::{Span, address, byte, hex, instant, object_identifier, span};

    #[test]
    fn every_spelling_of_one_instant_is_that_instant_and_nothing_else_is_a_time() {
        let written = |text: &str| instant(text).map(|time| time.to_string()).ok();
        for text in [
            "2026-06-01T00:00:00Z",
            "2026-06-01t00:00:00z",
            "2026-06-01T00:00:00.000999Z",
            "2026-06-01T00:00:00+00:00",
            "2026-06-01T02:30:00+02:30",
            "2026-05-31T19:00:00-05:00",
        ] {
            assert_eq!(written(text).as_deref(), Some("2026-06-01T00:00:00Z"), "{text}");
        }
        assert_eq!(written("2026-06-01T00:00:00.5Z").as_deref(), Some("2026-06-01T00:00:00.500Z"));
        for text in [
            "",
            "Z",
            "2026-06-01",
            "2026-06-01T00:00:00",
            "2026-06-01 00:00:00Z",
            "2026-06-31T00:00:00Z",
            "2026-06-01T00:00:00.Z",
            "2026-06-01T00:00:00+0200",
            "2026-06-01T00:00:00+24:00",
            "2026-06-01T00:00:00+-1:00",
            "1780272000",
            "ééééééé",
        ] {
            assert_eq!(written(text), None, "{text}");
        }
    }

    #[test]
    fn addresses_bytes_and_ranges_have_one_meaning_or_are_refused() {
        assert_eq!(address("0x8002_0400"), Ok(0x8002_0400));
        assert_eq!(address("18446744073709551615"), Ok(u64::MAX));
        for text in ["", "0x", "0x_1", "-1", "+1", "1_000", "08h", "18446744073709551616", "0x+1"] {
            assert!(address(text).is_err(), "{text}");
        }
        assert_eq!((byte("0xff"), byte("7").is_ok(), byte("256").is_err()), (Ok(0xff), true, true));
        assert_eq!(span("0x10..0x20"), Ok(Span { start: 0x10, end: 0x20 }));
        for text in ["0x20..0x10", "5..5", "5", "5..", "..5", "5...9"] {
            assert!(span(text).is_err(), "{text}");
        }
    }

    #[test]
    fn hex_of_odd_length_and_an_identifier_with_an_empty_arc_are_refused() {
        assert!(hex("0").is_err() && hex("0x00").is_err() && hex("zz").is_err());
        assert_eq!(hex("").map(|read| read.0), Ok(Vec::new()));
        assert!(object_identifier("1.3.6.1").is_ok());
        for text in ["", "1", "1..2", "1.02", "1.a", ".1.2", "release"] {
            assert!(object_identifier(text).is_err(), "{text}");
        }
    }
}
