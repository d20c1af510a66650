//! The release manifest: what firmware a genuine unit of a part holds, and where in it the unit names itself.

use super::assurance::Minimum;
use super::validity::Validity;
use crate::documents::document::Document;
use crate::documents::statement::Predicate;
use crate::syntax::image::{Form, Plan, RangeAsk, Span};
use crate::values::digest::Sha256;
use crate::values::finding::Finding;
use crate::values::ident::{Hardware, Manufacturer, Name, Part};
use crate::values::limits::Limits;
use crate::values::reason::Reason;
use crate::values::time::Time;
use std::collections::BTreeSet;

/// The predicate of a release manifest.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Release {
    /// Who says so; must be the manufacturer that the anchor list gives for the signer.
    pub manufacturer: Manufacturer,
    /// Its name, by which shipment manifests refer to it.
    pub release: Name,
    /// When it was signed.
    pub issued: Time,
    /// When it counts.
    pub valid: Validity,
    /// Production, or development: a development image never passes.
    pub track: Track,
    /// The part numbers that may hold it.
    pub parts: Vec<Part>,
    /// Other numbers that labels give for these parts (customer part number, GTIN).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub aliases: Vec<Part>,
    /// The hardware revisions that may hold it.
    pub hardware: Vec<Hardware>,
    /// The least assurance that the manufacturer asks for.
    pub minimum: Minimum,
    /// The images.
    pub components: Vec<Component>,
}

/// What a release is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Track {
    /// For vehicles.
    Production,
    /// For benches; refused at the dock.
    Development,
}

/// One image of a release.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Component {
    /// Its name, as `--image NAME=FILE` gives it.
    pub name: Name,
    /// Its version, for people.
    pub version: Name,
    /// Rises with each fix of a weakness; a lower one than seen before is a rollback.
    pub security_version: u64,
    /// The form of the file. Named, so that a broken HEX is never taken as raw.
    pub form: Form,
    /// Address of the first byte; for raw images only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub base: Option<u64>,
    /// Record types beyond the standard that the file may hold (Intel HEX).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub record_types: Vec<u8>,
    /// The file as delivered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file: Option<FileDigest>,
    /// The areas of memory that must be equal in every unit.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub ranges: Vec<Range>,
    /// Where the unit names itself.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub identity_fields: Vec<IdentityField>,
    /// Areas that differ in every unit (keys, calibration): the same area under two serials is a contradiction.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub unique_areas: Vec<UniqueArea>,
}

/// Digest and length of a file as delivered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FileDigest {
    /// SHA-256 of all its bytes.
    pub sha256: Sha256,
    /// Their number.
    pub length: u64,
}

/// A named area of memory and its digest.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Range {
    /// Its name.
    pub name: Name,
    /// First address.
    pub start: u64,
    /// Address after the last.
    pub end: u64,
    /// The byte that stands in gaps; without one, a gap is a difference.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fill: Option<u8>,
    /// SHA-256 of the area, gaps filled.
    pub sha256: Sha256,
}

/// A place in the image that holds the serial or the hardware id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct IdentityField {
    /// What stands there.
    pub holds: Held,
    /// First address.
    pub start: u64,
    /// Number of bytes.
    pub length: u64,
    /// How it is written.
    pub encoding: Encoding,
}

/// What an identity field holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Held {
    /// The serial of the label.
    Serial,
    /// The hardware id of the shipment entry (chip id).
    HardwareId,
}

/// How an identity field is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Encoding {
    /// ASCII text that fills the field exactly.
    Ascii,
    /// ASCII text, then NUL or 0xFF bytes to the end of the field.
    AsciiPadded,
    /// Bytes, read as upper-case hex digits.
    HexUpper,
    /// Bytes, read as lower-case hex digits.
    HexLower,
}

impl Encoding {
    /// The text that stands in the field, or `None` where the bytes are not of this encoding.
    #[must_use]
    pub fn read(self, bytes: &[u8]) -> Option<String> {
        let printable = |bytes: &[u8]| {
            let text = core::str::from_utf8(bytes).ok()?;
            (!text.is_empty() && text.bytes().all(|b| (0x20..0x7f).contains(&b))).then(|| text.to_owned())
        };
        match self {
            Self::Ascii => printable(bytes),
            Self::AsciiPadded => {
                let end = bytes.iter().position(|b| matches!(b, 0 | 0xff)).unwrap_or(bytes.len());
                let (text, padding) = bytes.split_at_checked(end)?;
                let pad = padding.first().copied().unwrap_or(0);
                padding.iter().all(|b| *b == pad).then(|| printable(text)).flatten()
            }
            Self::HexUpper => Some(crate::values::digest::hex::encode(bytes).to_ascii_uppercase()),
            Self::HexLower => Some(crate::values::digest::hex::encode(bytes)),
        }
    }
}

/// An area that is different in every unit.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct UniqueArea {
    /// Its name.
    pub name: Name,
    /// First address.
    pub start: u64,
    /// Address after the last.
    pub end: u64,
}

impl Predicate for Release {
    const TYPE: &'static str = "urn:ecugate:release:v1";
}

impl Document for Release {
    fn subjects(&self) -> Vec<(String, Sha256)> {
        let mut subjects = Vec::new();
        for component in &self.components {
            if let Some(file) = &component.file {
                subjects.push((component.name.to_string(), file.sha256));
            }
            for range in &component.ranges {
                subjects.push((format!("{}#{}", component.name, range.name), range.sha256));
            }
        }
        subjects
    }

    fn fault(&self, limits: &Limits) -> Option<Finding> {
        let wrong = |place: &str, expected: &str, found: String| {
            Some(Finding::new(Reason::JsonValue, format!("predicate.{place}"), expected, found))
        };
        if self.valid.from > self.valid.until {
            return wrong("valid", "from not after until", format!("{} to {}", self.valid.from, self.valid.until));
        }
        if self.parts.is_empty() || distinct(&self.parts) != self.parts.len() {
            return wrong("parts", "one part number or more, each once", format!("{} entries", self.parts.len()));
        }
        if self.hardware.is_empty() || distinct(&self.hardware) != self.hardware.len() {
            return wrong("hardware", "one revision or more, each once", format!("{} entries", self.hardware.len()));
        }
        if self.components.is_empty() || self.components.len() > limits.components {
            let expected = format!("1 to {} components", limits.components);
            return wrong("components", &expected, self.components.len().to_string());
        }
        let names: Vec<_> = self.components.iter().map(|component| &component.name).collect();
        if distinct(&names) != names.len() {
            return wrong("components", "each name once", "a name that stands twice".to_owned());
        }
        self.components.iter().enumerate().find_map(|(n, component)| component.fault(&format!("components[{n}]")))
    }
}

impl Component {
    /// What to measure of this component's image.
    #[must_use]
    pub fn plan(&self) -> Plan {
        let span = |start: u64, end: u64| Span { start, end };
        let unique = self.unique_areas.iter().map(|area| RangeAsk { span: span(area.start, area.end), fill: None });
        Plan {
            form: self.form,
            base: self.base.unwrap_or(0),
            ranges: self
                .ranges
                .iter()
                .map(|range| RangeAsk { span: span(range.start, range.end), fill: range.fill })
                .chain(unique)
                .collect(),
            fields: self
                .identity_fields
                .iter()
                .map(|field| span(field.start, field.start.saturating_add(field.length)))
                .collect(),
            allowed_record_types: self.record_types.clone(),
        }
    }

    fn fault(&self, place: &str) -> Option<Finding> {
        let wrong = |field: &str, expected: &str, found: String| {
            Some(Finding::new(Reason::JsonValue, format!("predicate.{place}.{field}"), expected, found))
        };
        if self.file.is_none() && self.ranges.is_empty() {
            return wrong("file", "a file digest, or one range or more", "neither".to_owned());
        }
        if self.base.is_some() && self.form != Form::Raw {
            return wrong("base", "no base: the form states its addresses", "a base".to_owned());
        }
        let names: Vec<_> = self.ranges.iter().map(|range| &range.name).collect();
        if distinct(&names) != names.len() {
            return wrong("ranges", "each name once", "a name that stands twice".to_owned());
        }
        let names: Vec<_> = self.unique_areas.iter().map(|area| &area.name).collect();
        if distinct(&names) != names.len() {
            return wrong("unique_areas", "each name once", "a name that stands twice".to_owned());
        }
        let spans = self.ranges.iter().map(|range| (range.start, range.end));
        let areas = self.unique_areas.iter().map(|area| (area.start, area.end));
        let most = Limits::STANDARD.image_range_bytes;
        if let Some((start, end)) = spans.chain(areas).find(|(start, end)| start >= end || end - start > most) {
            return wrong("ranges", "start before end, within the cap", format!("{start:#x} to {end:#x}"));
        }
        let field = self.identity_fields.iter().find(|field| field.length == 0 || field.length > 256)?;
        wrong("identity_fields", "a length of 1 to 256", field.length.to_string())
    }
}

fn distinct<T: Ord>(items: &[T]) -> usize {
    items.iter().collect::<BTreeSet<_>>().len()
}

#[cfg(test)]
mod tests {
    use super::Encoding;

    #[test]
    fn an_identity_field_with_anything_but_its_encoding_reads_as_nothing() {
        assert_eq!(Encoding::Ascii.read(b"SN1").as_deref(), Some("SN1"));
        assert_eq!(Encoding::Ascii.read(b"SN1\0"), None);
        assert_eq!(Encoding::Ascii.read(b""), None);
        assert_eq!(Encoding::AsciiPadded.read(b"SN1\0\0").as_deref(), Some("SN1"));
        assert_eq!(Encoding::AsciiPadded.read(b"SN1\xff\xff").as_deref(), Some("SN1"));
        assert_eq!(Encoding::AsciiPadded.read(b"SN1\0X"), None);
        assert_eq!(Encoding::AsciiPadded.read(b"\0\0"), None);
        assert_eq!(Encoding::HexUpper.read(&[0xab, 1]).as_deref(), Some("AB01"));
        assert_eq!(Encoding::HexLower.read(&[0xab, 1]).as_deref(), Some("ab01"));
        assert_eq!(Encoding::Ascii.read("é".as_bytes()), None);
    }
}
