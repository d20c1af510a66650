//! Descriptions in TOML: what a manufacturer writes by hand, read strictly, with the line of every fault.

use ecugate_verifier::documents::document::{self, Document};
use ecugate_verifier::documents::manifest::Validity;
use ecugate_verifier::values::finding::Finding;
use ecugate_verifier::values::limits::Limits;
use ecugate_verifier::values::reason::Reason;
use ecugate_verifier::values::time::Time;
use serde::Deserialize as _;
use serde::de::DeserializeOwned;
use std::io::Read;
use std::ops::Range;
use std::path::Path;

/// Faults that are told of one description; what comes after them is seen when they are mended.
const TOLD: usize = 20;

/// Bytes of an envelope beside its payload: 64 KiB, for a signature and a chain of certificates below 6 KiB each.
const ENVELOPE_BYTES: usize = 64 << 10;

/// How the files are opened that a description names. Paths are as the description has them.
pub type Files<'f> = dyn FnMut(&Path) -> Result<Box<dyn Read>, Finding> + 'f;

/// What is wrong with a description and the files it names: one fault or more.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}: expected {}, found {} (and {} more)", .first.place, .first.expected, .first.found, .more.len())]
pub struct Faults {
    first: Finding,
    more: Vec<Finding>,
}

impl Faults {
    /// The reason code of the first.
    #[must_use]
    pub const fn reason(&self) -> Reason {
        self.first.reason
    }

    /// The first.
    #[must_use]
    pub const fn first(&self) -> &Finding {
        &self.first
    }

    /// The others, in the order of the description, at most 19.
    #[must_use]
    pub fn more(&self) -> &[Finding] {
        &self.more
    }

    /// Ends with the faults found so far, if there are any.
    pub(super) fn none_of(faults: Vec<Finding>) -> Result<(), Self> {
        let mut faults = faults.into_iter().take(TOLD);
        match faults.next() {
            Some(first) => Err(Self { first, more: faults.collect() }),
            None => Ok(()),
        }
    }
}

impl From<Finding> for Faults {
    fn from(first: Finding) -> Self {
        Self { first, more: Vec::new() }
    }
}

/// Writes the payload of a document: what [`sign`](super::sign::sign) takes.
///
/// # Errors
/// The finding where the verifier would refuse it, also for its size once it stands in an envelope.
pub fn payload<D: Document>(document: D, limits: &Limits) -> Result<Vec<u8>, Finding> {
    let payload = document::payload(document, limits).map_err(|fault| fault.finding())?;
    let most = limits.document_bytes.saturating_sub(ENVELOPE_BYTES) / 4 * 3;
    if payload.len() > most {
        let (expected, found) = (format!("at most {most} bytes"), format!("{} bytes", payload.len()));
        return Err(Finding::new(Reason::InputTooLarge, "payload", expected, found));
    }
    Ok(payload)
}

/// The text of a description and what it is called.
#[derive(Clone, Copy)]
pub(crate) struct Source<'t> {
    pub(crate) place: &'t str,
    text: &'t str,
}

impl<'t> Source<'t> {
    pub(crate) fn new(bytes: &'t [u8], place: &'t str) -> Result<Self, Finding> {
        let text = std::str::from_utf8(bytes).map_err(|error| {
            let found = format!("another byte at offset {}", error.valid_up_to());
            Finding::new(Reason::TextNotUtf8, place, "UTF-8", found)
        })?;
        Ok(Self { place, text })
    }

    /// Reads the fields. The first fault ends it: behind one, a reader of TOML sees only echoes.
    pub(crate) fn read<T: DeserializeOwned>(self) -> Result<T, Finding> {
        toml::from_str(self.text).map_err(|error| {
            let place = error.span().map_or_else(|| self.place.to_owned(), |span| self.at(&span));
            Finding::new(Reason::DescriptionMalformed, place, "", error.message())
        })
    }

    /// A fault of what stands at `span`.
    pub(super) fn fault(self, span: &Range<usize>, expected: impl Into<String>, found: impl Into<String>) -> Finding {
        Finding::new(Reason::DescriptionMalformed, self.at(span), expected, found)
    }

    /// A fault of no one line.
    pub(super) fn fault_of_all(self, expected: impl Into<String>, found: impl Into<String>) -> Finding {
        Finding::new(Reason::DescriptionMalformed, self.place, expected, found)
    }

    /// The rules of the document itself, said of the description.
    pub(crate) fn require_sound<D: Document>(self, document: &D, limits: &Limits) -> Result<(), Finding> {
        match document.fault(limits) {
            Some(fault) => {
                let place = fault.place.strip_prefix("predicate.").unwrap_or(&fault.place);
                let place = format!("{}: {place}", self.place);
                Err(Finding::new(Reason::DescriptionMalformed, place, fault.expected, fault.found))
            }
            None => Ok(()),
        }
    }

    /// `FILE line N`, from 1.
    pub(super) fn at(self, span: &Range<usize>) -> String {
        let before = self.text.get(..span.start).unwrap_or(self.text);
        format!("{} line {}", self.place, before.matches('\n').count() + 1)
    }
}

/// A time of a description: quoted, or bare as TOML has it. The one spelling of documents either way.
#[derive(Clone, Copy, serde::Deserialize)]
#[serde(transparent)]
pub(crate) struct Moment(#[serde(deserialize_with = "moment")] pub(crate) Time);

#[derive(serde::Deserialize)]
#[serde(untagged)]
enum MomentText {
    Bare(toml::value::Datetime),
    Quoted(String),
}

fn moment<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Time, D::Error> {
    let expected = "expected a time like 2026-11-24T05:31:18Z (UTC, 1970 to 9999)";
    let text = MomentText::deserialize(deserializer).map_err(|_| serde::de::Error::custom(expected))?;
    let text = match text {
        MomentText::Bare(datetime) => datetime.to_string(),
        MomentText::Quoted(text) => text,
    };
    Time::parse(&text).ok_or_else(|| serde::de::Error::custom(format!("{expected}, found {text:?}")))
}

/// `valid = { from = …, until = … }`.
#[derive(Clone, Copy, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ValidityText {
    from: Moment,
    until: Moment,
}

impl From<ValidityText> for Validity {
    fn from(text: ValidityText) -> Self {
        Self { from: text.from.0, until: text.until.0 }
    }
}

#[cfg(test)]
mod tests {
    use super::{Source, ValidityText};
    use ecugate_verifier::documents::manifest::Validity;

    fn read(from: &str) -> Result<String, (String, String)> {
        let text = format!("\nfrom = {from}\nuntil = 2027-01-01T00:00:00Z\n");
        let source = Source::new(text.as_bytes(), "d.toml").unwrap();
        match source.read::<ValidityText>() {
            Ok(valid) => Ok(Validity::from(valid).from.to_string()),
            Err(finding) => Err((finding.place, finding.found)),
        }
    }

    #[test]
    fn a_time_is_read_quoted_and_bare_and_in_one_spelling_only() {
        for good in ["\"2026-11-24T05:31:18Z\"", "2026-11-24T05:31:18Z"] {
            assert_eq!(read(good).as_deref(), Ok("2026-11-24T05:31:18Z"));
        }
        for bad in ["2026-11-24", "2026-11-24T05:31:18+01:00", "\"24.11.2026\"", "2026-11-24T05:31:18", "5", "[]"] {
            let (place, found) = read(bad).unwrap_err();
            assert_eq!(place, "d.toml line 2", "{bad}");
            assert!(found.starts_with("expected a time like"), "{bad}: {found}");
        }
    }
}
