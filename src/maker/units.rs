//! The units of a shipment as a manufacturer writes them: TOML tables, or the rows of a CSV file (RFC 4180).

use super::description::Files;
use ecugate_verifier::documents::manifest::shipment::{Condition, Unit};
use ecugate_verifier::syntax::certificate::{Certificate, certificates};
use ecugate_verifier::values::digest::Sha256;
use ecugate_verifier::values::finding::Finding;
use ecugate_verifier::values::ident::{Hardware, Name, Part, Serial};
use ecugate_verifier::values::keys::PublicKey;
use ecugate_verifier::values::limits::Limits;
use ecugate_verifier::values::reason::Reason;
use p256::pkcs8::der::Document;
use std::io::Read;
use std::path::Path;

/// The columns of a CSV file of units; `true` where one must be there.
const COLUMNS: [(&str, bool); 8] = [
    ("part", true),
    ("serial", true),
    ("hardware", true),
    ("release", true),
    ("condition", true),
    ("hardware_id", false),
    ("device_key", false),
    ("device_certificate", false),
];

/// What stands before a digest where a file could be named.
const DIGEST: &str = "sha256:";

/// One unit as it is written.
#[derive(Clone, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct UnitText {
    part: Part,
    serial: Serial,
    hardware: Hardware,
    release: Name,
    condition: Condition,
    hardware_id: Option<Hardware>,
    device_key: Option<String>,
    device_certificate: Option<String>,
}

impl UnitText {
    /// The unit of the document: digests in the place of files.
    pub(super) fn resolve(self, files: &mut Files<'_>, limits: &Limits) -> Result<Unit, Finding> {
        let certificate =
            self.device_certificate.as_deref().map(|text| certificate(text, files, limits)).transpose()?;
        let key = self.device_key.as_deref().map(|text| key(text, files, limits)).transpose()?;
        if let (Some(key), Some(Certified { key: Some(certified), .. })) = (key, certificate)
            && key != certified
        {
            let expected = format!("device_key {certified}, the key of device_certificate");
            return Err(Finding::new(Reason::DescriptionMalformed, "", expected, key.to_string()));
        }
        Ok(Unit {
            part: self.part,
            serial: self.serial,
            hardware: self.hardware,
            hardware_id: self.hardware_id,
            device_certificate: certificate.map(|certified| certified.digest),
            device_key: key,
            release: self.release,
            condition: self.condition,
        })
    }
}

#[derive(Clone, Copy)]
struct Certified {
    digest: Sha256,
    /// SHA-256 of the key, where the certificate itself is at hand.
    key: Option<Sha256>,
}

fn certificate(text: &str, files: &mut Files<'_>, limits: &Limits) -> Result<Certified, Finding> {
    if let Some(hex) = text.strip_prefix(DIGEST) {
        return digest("device_certificate", hex).map(|digest| Certified { digest, key: None });
    }
    let bytes = contents(text, files, limits)?;
    let found = certificates(&bytes, limits).map_err(|fault| fault.finding().within(text))?;
    match <[Certificate; 1]>::try_from(found) {
        Ok([one]) => Ok(Certified { digest: one.digest(), key: Some(Sha256::of(one.spki())) }),
        Err(more) => {
            let found = format!("{} of them", more.len());
            Err(Finding::new(Reason::CertificateMalformed, text, "one certificate, that of the device", found))
        }
    }
}

fn key(text: &str, files: &mut Files<'_>, limits: &Limits) -> Result<Sha256, Finding> {
    if let Some(hex) = text.strip_prefix(DIGEST) {
        return digest("device_key", hex);
    }
    let bytes = contents(text, files, limits)?;
    let malformed = |found: &str| Finding::new(Reason::KeyMalformed, text, "one public key in PEM or DER", found);
    let der = match std::str::from_utf8(&bytes).ok().filter(|pem| pem.contains("-----BEGIN ")) {
        Some(pem) => match Document::from_pem(pem) {
            Ok(("PUBLIC KEY", document)) => document.as_bytes().to_vec(),
            Ok((label, _)) => return Err(malformed(&format!("a PEM block {label:?}"))),
            Err(_) => return Err(malformed("PEM that breaks RFC 7468")),
        },
        None => bytes,
    };
    let key = PublicKey::from_spki(&der)
        .map_err(|fault| Finding::new(fault.reason(), text, "one public key in PEM or DER", fault.to_string()))?;
    Ok(key.id())
}

fn digest(field: &str, hex: &str) -> Result<Sha256, Finding> {
    Sha256::from_hex(hex).ok_or_else(|| {
        let expected = "a file, or sha256: and 64 lower-case hex digits";
        Finding::new(Reason::DescriptionMalformed, field, expected, format!("{DIGEST}{hex}"))
    })
}

/// A file of at most the bytes of a certificate.
fn contents(path: &str, files: &mut Files<'_>, limits: &Limits) -> Result<Vec<u8>, Finding> {
    read_capped(&mut *files(Path::new(path))?, path, limits.certificate_bytes)
}

/// Everything of a reader, which may have at most `cap` bytes.
pub(super) fn read_capped(reader: &mut dyn Read, place: &str, cap: usize) -> Result<Vec<u8>, Finding> {
    let mut bytes = Vec::new();
    let most = u64::try_from(cap).unwrap_or(u64::MAX).saturating_add(1);
    reader
        .take(most)
        .read_to_end(&mut bytes)
        .map_err(|error| Finding::new(Reason::InputUnreadable, place, "a file that can be read", error.to_string()))?;
    match bytes.len() {
        0 => Err(Finding::new(Reason::InputEmpty, place, "", "")),
        length if length > cap => {
            Err(Finding::new(Reason::InputTooLarge, place, format!("at most {cap} bytes"), "more"))
        }
        _ => Ok(bytes),
    }
}

/// One row with its place, or its fault.
pub(super) type Placed = Result<(String, UnitText), Finding>;

/// Reads the rows of a CSV file: each with its place, or its fault.
///
/// # Errors
/// A first line that is not the header.
pub(super) fn rows(bytes: &[u8], place: &str) -> Result<Vec<Placed>, Finding> {
    let mut reader = csv::ReaderBuilder::new().from_reader(bytes);
    let mut list = List { rest: bytes, begin: 0, line: 1, place };
    let headers = reader.headers().map_err(|error| list.fault(&error))?.clone();
    require_columns(&headers, place)?;
    let mut rows = Vec::new();
    for record in reader.records() {
        rows.push(match record {
            Ok(record) => {
                let at = list.at(record.position());
                match (Row { headers: &headers, record: &record }).unit() {
                    Ok(unit) => Ok((at, unit)),
                    Err(finding) => Err(finding.within(&at)),
                }
            }
            Err(error) => Err(list.fault(&error)),
        });
    }
    Ok(rows)
}

/// One row and the names of its columns.
#[derive(Clone, Copy)]
struct Row<'r> {
    headers: &'r csv::StringRecord,
    record: &'r csv::StringRecord,
}

impl Row<'_> {
    fn unit(self) -> Result<UnitText, Finding> {
        Ok(UnitText {
            part: self.required("part", Part::new)?,
            serial: self.required("serial", Serial::new)?,
            hardware: self.required("hardware", Hardware::new)?,
            release: self.required("release", Name::new)?,
            condition: self.required("condition", condition)?,
            hardware_id: self.optional("hardware_id", Hardware::new)?,
            device_key: self.cell("device_key").map(str::to_owned),
            device_certificate: self.cell("device_certificate").map(str::to_owned),
        })
    }

    fn required<'r, T, E: std::fmt::Display>(
        &'r self,
        column: &str,
        read: fn(&'r str) -> Result<T, E>,
    ) -> Result<T, Finding> {
        let none = || Finding::new(Reason::DescriptionMalformed, column, "a value", "none");
        self.optional(column, read)?.ok_or_else(none)
    }

    fn optional<'r, T, E: std::fmt::Display>(
        &'r self,
        column: &str,
        read: fn(&'r str) -> Result<T, E>,
    ) -> Result<Option<T>, Finding> {
        let fault = |text: &str, error: E| {
            Finding::new(Reason::DescriptionMalformed, column, "a good value", format!("{text:?} {error}"))
        };
        self.cell(column).map(|text| read(text).map_err(|error| fault(text, error))).transpose()
    }

    /// The cell of a column, where there is something in it.
    fn cell(&self, column: &str) -> Option<&str> {
        let at = self.headers.iter().position(|header| header == column)?;
        self.record.get(at).filter(|text| !text.is_empty())
    }
}

fn condition(text: &str) -> Result<Condition, &'static str> {
    match [Condition::New, Condition::Returned].into_iter().find(|condition| condition.word() == text) {
        Some(condition) => Ok(condition),
        None => Err("is neither new nor returned"),
    }
}

fn require_columns(headers: &csv::StringRecord, place: &str) -> Result<(), Finding> {
    let fault = |expected: String, found: String| {
        Err(Finding::new(Reason::DescriptionMalformed, format!("{place} line 1"), expected, found))
    };
    let names: Vec<&str> = COLUMNS.iter().map(|(name, _)| *name).collect();
    if let Some(unknown) = headers.iter().find(|header| !names.contains(header)) {
        return fault(format!("columns with commas between them, of: {}", names.join(", ")), format!("{unknown:?}"));
    }
    for (name, required) in COLUMNS {
        match headers.iter().filter(|header| *header == name).count() {
            0 if required => return fault(format!("the column {name}"), "none".to_owned()),
            0 | 1 => {}
            more => return fault(format!("the column {name} once"), format!("{more} times")),
        }
    }
    Ok(())
}

/// A CSV file and how far its lines are counted: rows come in order, and each byte is looked at once.
struct List<'t> {
    rest: &'t [u8],
    begin: u64,
    line: u64,
    place: &'t str,
}

impl List<'_> {
    /// `FILE line N`, from 1. The reader's own count is one short where lines end with CR LF.
    fn at(&mut self, position: Option<&csv::Position>) -> String {
        let begin = position.map_or(self.begin, csv::Position::byte);
        let passed = usize::try_from(begin.saturating_sub(self.begin)).unwrap_or(usize::MAX);
        let ends = self.rest.iter().skip(passed).take_while(|byte| matches!(byte, b'\r' | b'\n')).count();
        let (before, rest) = self.rest.split_at_checked(passed.saturating_add(ends)).unwrap_or((self.rest, &[]));
        for byte in before {
            self.line += u64::from(*byte == b'\n');
        }
        self.begin += u64::try_from(before.len()).unwrap_or(u64::MAX);
        self.rest = rest;
        format!("{} line {}", self.place, self.line)
    }

    fn fault(&mut self, error: &csv::Error) -> Finding {
        let place = self.at(error.position());
        let malformed =
            |expected: String, found: String| Finding::new(Reason::DescriptionMalformed, &place, expected, found);
        match error.kind() {
            csv::ErrorKind::UnequalLengths { expected_len, len, .. } => {
                malformed(format!("{expected_len} fields, as in the header"), len.to_string())
            }
            csv::ErrorKind::Utf8 { .. } => Finding::new(Reason::TextNotUtf8, &place, "UTF-8", "other bytes"),
            _ => malformed("CSV".to_owned(), error.to_string()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::rows;
    use ecugate_verifier::values::finding::Finding;

    const HEADER: &str = "serial,part,hardware,release,condition,hardware_id\n";

    fn header_fault(text: &str) -> Finding {
        rows(text.as_bytes(), "u.csv").err().unwrap()
    }

    fn row(text: &str) -> Result<String, Finding> {
        let text = format!("{HEADER}{text}");
        let mut rows = rows(text.as_bytes(), "u.csv").unwrap();
        let (place, unit) = rows.pop().unwrap()?;
        Ok(format!("{place}: {} {} {:?}", unit.part, unit.serial, unit.hardware_id.map(|id| id.to_string())))
    }

    #[test]
    fn columns_may_stand_in_any_order_and_an_empty_field_is_none() {
        assert_eq!(row("S1,P,A,R,new,\n").unwrap(), "u.csv line 2: P S1 None");
        assert_eq!(row("S0,P,A,R,new,\r\n\"S1\",P,A,R,returned,7F\r\n").unwrap(), "u.csv line 3: P S1 Some(\"7F\")");
    }

    #[test]
    fn a_header_that_is_none_is_told_the_columns() {
        let found = |text: &str| header_fault(text).found;
        assert_eq!(found("P,S1,A,R,new\n"), "\"P\"");
        assert_eq!(found("part;serial;hardware;release;condition\n"), "\"part;serial;hardware;release;condition\"");
        assert_eq!(found("part,serial,hardware,release,condition,Serial\n"), "\"Serial\"");
        assert_eq!(found("part,serial,hardware,release,condition,serial\n"), "2 times");
        assert_eq!(header_fault("part,hardware,release,condition\n").expected, "the column serial");
        assert_eq!(header_fault("").expected, "the column part");
    }

    #[test]
    fn a_bad_row_is_told_its_line_and_column() {
        let fault = |text: &str| {
            let finding = row(text).unwrap_err();
            assert_eq!(finding.reason.code(), "description-malformed");
            (finding.place, finding.found)
        };
        let at = |place: &str, found: &str| (format!("u.csv line {place}"), found.to_owned());
        assert_eq!(fault("S1,P,A,R,new\n"), at("2", "5"));
        assert_eq!(fault("S1,P,A,R,new,,\n"), at("2", "7"));
        assert_eq!(
            fault("S0,P,A,R,new,\nS1,P,A,R,used,\n"),
            at("3: condition", "\"used\" is neither new nor returned")
        );
        assert_eq!(fault("S1 ,P,A,R,new,\n"), at("2: serial", "\"S1 \" begins or ends with a space"));
        assert_eq!(fault(",P,A,R,new,\n"), at("2: serial", "none"));
        let lookalike = fault("S\u{405}1,P,A,R,new,\n").1;
        assert!(lookalike.ends_with("holds 'Ѕ'; only printable ASCII is allowed"), "{lookalike}");
        assert_eq!(row("S1,P,A,R,new,\"\n").unwrap_err().place, "u.csv line 2: hardware_id");
    }
}
