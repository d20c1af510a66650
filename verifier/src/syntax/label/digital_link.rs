//! GS1 Digital Link URIs (GS1 Digital Link Standard: URI Syntax, release 1.4, section 4): the uncompressed form.

use super::application;
use super::fault::LabelFault;
use super::field::Field;
use crate::values::reason::Reason;

/// Primary keys with the qualifiers that may follow each, in this order (section 4.7 and the syntax dictionary's
/// `dlpkey`). A key that stands twice has two alternative rows.
const KEYS: &[(&str, &[&str])] = &[
    ("00", &[]),
    ("01", &["22", "10", "21"]),
    ("01", &["235"]),
    ("253", &[]),
    ("255", &[]),
    ("401", &[]),
    ("402", &[]),
    ("414", &["254"]),
    ("414", &["7040"]),
    ("417", &["7040"]),
    ("8003", &[]),
    ("8004", &["7040"]),
    ("8006", &["22", "10", "21"]),
    ("8010", &["8011"]),
    ("8013", &[]),
    ("8017", &["8019"]),
    ("8018", &["8019"]),
];

/// Whether the text is a web address. Scheme and host may be in either letter case (RFC 3986 section 3.1).
pub(super) fn is_uri(text: &str) -> bool {
    ["https://", "http://"]
        .iter()
        .any(|scheme| text.get(..scheme.len()).is_some_and(|start| start.eq_ignore_ascii_case(scheme)))
}

/// The key, its qualifiers and the attributes of the query, in order. The host is not believed: it says where to ask,
/// not who made the unit.
pub(super) fn fields(uri: &str) -> Result<Vec<Field>, LabelFault> {
    if let Some(offset) = uri.find('#') {
        return Err(malformed(offset, "no fragment", uri.get(offset..).unwrap_or_default()));
    }
    let (before, query) = match uri.split_once('?') {
        Some((before, query)) => (before, Some(query)),
        None => (uri, None),
    };
    let mut fields = path(before)?;
    let Some(query) = query else { return Ok(fields) };
    let mut offset = before.len() + 1;
    for attribute in query.split('&') {
        let Some((identifier, value)) = attribute.split_once('=') else {
            return Err(malformed(offset, "identifier=value", attribute));
        };
        fields.push(element(identifier, value, offset, offset + identifier.len() + 1)?);
        offset += attribute.len() + 1;
    }
    Ok(fields)
}

/// The key and its qualifiers: the last segments of the path. What stands before them belongs to the host.
fn path(before: &str) -> Result<Vec<Field>, LabelFault> {
    let host_start = before.find("://").map_or(0, |place| place + 3);
    let host_end =
        before.get(host_start..).and_then(|rest| rest.find('/')).map_or(before.len(), |end| host_start + end);
    let host = before.get(host_start..host_end).unwrap_or_default();
    if host.is_empty() || host.contains('@') {
        return Err(malformed(host_start, "a host without user name", before.get(host_start..).unwrap_or_default()));
    }
    let mut offset = host_end + 1;
    let mut segments = Vec::new();
    for segment in before.get(host_end + 1..).unwrap_or_default().split('/') {
        segments.push((segment, offset));
        offset += segment.len() + 1;
    }
    let starts: Vec<usize> =
        (0..segments.len()).filter(|start| is_key_run(segments.get(*start..).unwrap_or(&[]))).collect();
    let start = match starts.as_slice() {
        [only] => *only,
        [] => {
            return Err(malformed(
                host_end,
                "a GS1 key, as in /01/09506000134352/21/SN00042",
                before.get(host_end..).unwrap_or_default(),
            ));
        }
        [_, second, ..] => {
            let place = segments.get(*second).map_or(host_end, |(_, offset)| *offset);
            return Err(LabelFault::new(Reason::LabelAmbiguous, place, "one GS1 key", before));
        }
    };
    let run = segments.get(start..).unwrap_or(&[]);
    run.chunks_exact(2)
        .map(|pair| match pair {
            [(identifier, at), (value, value_at)] => element(identifier, value, *at, *value_at),
            _ => Err(malformed(host_end, "pairs of identifier and value", before)),
        })
        .collect()
}

/// Whether the segments are a key with its value and then qualifiers of that key, each at most once, in order.
fn is_key_run(run: &[(&str, usize)]) -> bool {
    if !run.len().is_multiple_of(2) {
        return false;
    }
    let mut identifiers = run.iter().step_by(2).map(|(segment, _)| *segment);
    let Some(key) = identifiers.next() else { return false };
    let given: Vec<&str> = identifiers.collect();
    KEYS.iter().filter(|(known, _)| *known == key).any(|(_, qualifiers)| {
        let mut left = qualifiers.iter();
        given.iter().all(|one| left.any(|allowed| allowed == one))
    })
}

fn element(identifier: &str, value: &str, offset: usize, value_offset: usize) -> Result<Field, LabelFault> {
    let Some(known) = application::exactly(identifier) else {
        return Err(malformed(offset, "a known GS1 application identifier", identifier));
    };
    let value = decoded(value).map_err(|fault| fault.moved(value_offset))?;
    // an over-long value has lost no separator here: a URI has none
    known.check(&value).map_err(|fault| match fault.reason() {
        Reason::LabelSeparatorLost => malformed(value_offset, "a value within its length", &value),
        _ => fault.placed(value_offset),
    })?;
    Ok(Field { identifier: identifier.to_owned(), value })
}

/// Percent-decoding (RFC 3986 section 2.1) to ASCII. `+` is `+`: a space cannot stand in a GS1 value.
fn decoded(value: &str) -> Result<String, LabelFault> {
    let mut text = String::with_capacity(value.len());
    let mut rest = value;
    while let Some(c) = rest.chars().next() {
        let offset = value.len() - rest.len();
        if c == '%' {
            let byte = rest
                .get(1..3)
                .filter(|hex| hex.bytes().all(|b| b.is_ascii_hexdigit()))
                .and_then(|hex| u8::from_str_radix(hex, 16).ok())
                .filter(u8::is_ascii)
                .ok_or_else(|| malformed(offset, "% and two hexadecimal digits of an ASCII character", rest))?;
            text.push(char::from(byte));
            rest = rest.get(3..).unwrap_or_default();
        } else {
            text.push(c);
            rest = rest.get(c.len_utf8()..).unwrap_or_default();
        }
    }
    Ok(text)
}

fn malformed(offset: usize, expected: &str, found: &str) -> LabelFault {
    LabelFault::new(Reason::LabelFieldMalformed, offset, expected, found)
}

#[cfg(test)]
mod tests {
    use super::fields;
    use crate::values::reason::Reason;

    fn read(uri: &str) -> Result<String, (Reason, Option<usize>)> {
        fields(uri)
            .map(|fields| fields.iter().map(|f| format!("{}={}", f.identifier, f.value)).collect::<Vec<_>>().join(" "))
            .map_err(|fault| (fault.reason(), fault.offset()))
    }

    #[test]
    fn key_qualifiers_and_attributes_are_read_in_order() {
        let expected = "01=09506000134352 21=SN00042 17=271231";
        assert_eq!(read("https://id.gs1.org/01/09506000134352/21/SN00042?17=271231"), Ok(expected.into()));
        assert_eq!(read("HTTP://Example.COM:8080/a/b/01/09506000134352"), Ok("01=09506000134352".into()));
        assert_eq!(read("https://x.example/01/09506000134352/21/A%2FB%25"), Ok("01=09506000134352 21=A/B%".into()));
        let both = "https://x.example/01/09506000134352/22/V/10/L/21/S";
        assert_eq!(read(both), Ok("01=09506000134352 22=V 10=L 21=S".into()));
        assert_eq!(read("https://x.example/8010/0614141ABC/8011/77"), Ok("8010=0614141ABC 8011=77".into()));
    }

    #[test]
    fn what_the_standard_does_not_allow_is_refused_at_its_place() {
        let malformed = |offset| Err((Reason::LabelFieldMalformed, Some(offset)));
        assert_eq!(read("https://x.example/01/09506000134353"), Err((Reason::LabelCheckDigit, Some(21))));
        assert_eq!(read("https://x.example/21/S/01/09506000134352/21"), malformed(17));
        assert_eq!(read("https://x.example/01/09506000134352/21/S/10/L"), malformed(17));
        assert_eq!(read("https://x.example/01/09506000134352/21/S/21/T"), malformed(17));
        assert_eq!(read("https://x.example/01/09506000134352/"), malformed(17));
        assert_eq!(read("https://x.example/"), malformed(17));
        assert_eq!(read("https://x.example"), malformed(17));
        assert_eq!(read("https:///01/09506000134352"), malformed(8));
        assert_eq!(read("https://id.gs1.org@evil.example/01/09506000134352"), malformed(8));
        assert_eq!(read("https://x.example/01/09506000134352?linkType=all"), malformed(36));
        assert_eq!(read("https://x.example/01/09506000134352?17"), malformed(36));
        assert_eq!(read("https://x.example/01/09506000134352#21"), malformed(35));
        assert_eq!(read("https://x.example/01/09506000134352/21/A%1D10B"), malformed(39));
        assert_eq!(read("https://x.example/01/09506000134352/21/A%2"), malformed(40));
        assert_eq!(read("https://x.example/01/09506000134352/21/A%C3%84"), malformed(40));
        assert_eq!(read("https://x.example/01/09506000134352/21/ABCDEFGHIJKLMNOPQRSTU"), malformed(39));
        let two = "https://x.example/01/00195012/01/09506000134352";
        assert_eq!(read(two), Ok("01=09506000134352".into()));
        assert_eq!(read("https://x.example/8010/01/8011/77"), Ok("8010=01 8011=77".into()));
    }
}
