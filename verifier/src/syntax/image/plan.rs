//! What is asked of an image: its form, ranges to hash, small fields to keep.

use super::{address, fault::ImageFault, form::Form};
use crate::values::{limits::Limits, reason::Reason};
use core::fmt;
use std::collections::BTreeMap;

/// Bytes of one field. Serial numbers, chip ids and their like stay below 64.
const FIELD_BYTES: u64 = 256;

/// Addresses from `start` to before `end`, in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Span {
    /// The first address.
    #[serde(with = "address")]
    pub start: u64,
    /// The address after the last; greater than `start`.
    #[serde(with = "address")]
    pub end: u64,
}

impl Span {
    /// The length in bytes; 0 where `end` does not lie behind `start`.
    #[must_use]
    pub const fn length(self) -> u64 {
        self.end.saturating_sub(self.start)
    }
}

impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:#x}..{:#x}", self.start, self.end)
    }
}

/// A range whose digest is wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct RangeAsk {
    /// The addresses.
    pub span: Span,
    /// The byte that stands for addresses that the image leaves out. `None`: such a gap is reported and the range
    /// has no digest.
    pub fill: Option<u8>,
}

/// What to measure of one image. Naming a range gives no trust: plans are made of releases not yet verified.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    /// The form the file must have.
    pub form: Form,
    /// Address of the first byte of a raw image; the other forms bring their addresses along.
    pub base: u64,
    /// Ranges to hash; they may overlap and repeat.
    pub ranges: Vec<RangeAsk>,
    /// Areas whose bytes are kept, at most 256 bytes each.
    pub fields: Vec<Span>,
    /// Record types outside the specification whose records are passed over (their length and checksum are not).
    pub allowed_record_types: Vec<u8>,
}

impl Plan {
    /// A plan for the file digest and the map alone.
    #[must_use]
    pub const fn of(form: Form) -> Self {
        Self { form, base: 0, ranges: Vec::new(), fields: Vec::new(), allowed_record_types: Vec::new() }
    }

    /// # Errors
    /// `image-range-malformed` for a span that is empty, turned around or too long for a field; `image-range-limit`
    /// where there are too many, or too many bytes to hash.
    pub(super) fn check(&self, limits: &Limits) -> Result<(), ImageFault> {
        let asked = self.ranges.len().saturating_add(self.fields.len());
        if asked > limits.image_ranges {
            let expected = format!("at most {} ranges and fields", limits.image_ranges);
            return Err(ImageFault::new(Reason::ImageRangeLimit, expected, asked.to_string()));
        }
        let spans = self.ranges.iter().map(|ask| &ask.span).chain(&self.fields);
        if let Some(span) = spans.into_iter().find(|span| span.start >= span.end) {
            let expected = "a range that ends behind its start";
            return Err(ImageFault::new(Reason::ImageRangeMalformed, expected, span.to_string()));
        }
        if let Some(field) = self.fields.iter().find(|field| field.length() > FIELD_BYTES) {
            let expected = format!("a field of at most {FIELD_BYTES} bytes");
            return Err(ImageFault::new(Reason::ImageRangeMalformed, expected, field.to_string()));
        }
        let hashed = self.hashed_bytes();
        if hashed > u128::from(limits.image_range_bytes) {
            let expected = format!("at most {} bytes to hash in all ranges", limits.image_range_bytes);
            return Err(ImageFault::new(Reason::ImageRangeLimit, expected, hashed.to_string()));
        }
        Ok(())
    }

    /// Bytes that the ranges cost: those of one start and fill share one pass, up to the last end.
    fn hashed_bytes(&self) -> u128 {
        let mut passes = BTreeMap::new();
        for ask in &self.ranges {
            let longest = passes.entry((ask.span.start, ask.fill)).or_insert(0);
            *longest = ask.span.length().max(*longest);
        }
        passes.values().map(|length| u128::from(*length)).sum()
    }
}
