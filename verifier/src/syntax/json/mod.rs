//! Strict JSON (RFC 8259, narrowed): one text, one meaning.
//!
//! Parsers of JSON differ in what they make of duplicate keys, large numbers and text after the end; a signature over
//! bytes that two readers read differently is worth nothing. So [`parse`] refuses whatever is read in two ways:
//!
//! - a byte order mark, text that is not UTF-8, an unpaired surrogate, anything after the value;
//! - a key that stands twice in one object, however it is escaped, or that differs from another in letter case only
//!   (some readers fold case);
//! - a number with fraction or exponent, `-0`, and an integer of 2^53 or more (RFC 8259 section 6);
//! - nesting, values and bytes over [`Limits`].
//!
//! [`read`] makes a typed value of the text; its faults name the field by its path.

use crate::values::finding::Finding;
use crate::values::limits::Limits;
use crate::values::reason::Reason;
use serde::de::DeserializeOwned;

mod lexing;

mod typed;

/// A JSON text that kept every rule of this module. Object members stand in the order of the text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Json {
    /// `null`.
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// An integer whose absolute value is below 2^53.
    Integer(i64),
    /// A string, escapes resolved.
    String(String),
    /// An array.
    Array(Vec<Json>),
    /// An object; no two keys are equal or differ in letter case only.
    Object(Vec<(String, Json)>),
}

/// Parses one JSON text.
///
/// # Errors
/// [`JsonFault`] with line and column.
pub fn parse(bytes: &[u8], limits: &Limits) -> Result<Json, JsonFault> {
    lexing::parse(bytes, limits)
}

/// Parses one JSON text and makes a `T` of it. Structs are read from objects only, never from arrays.
///
/// # Errors
/// As [`parse`]; and [`JsonFault`] with the path of the field where the text does not have the form of a `T`.
pub fn read<T: DeserializeOwned>(bytes: &[u8], limits: &Limits) -> Result<T, JsonFault> {
    from_json(parse(bytes, limits)?)
}

/// Makes a `T` of a parsed text.
///
/// # Errors
/// [`JsonFault`] with the path of the field where the text does not have the form of a `T`.
pub fn from_json<T: DeserializeOwned>(json: Json) -> Result<T, JsonFault> {
    typed::from_json(json)
}

impl Json {
    /// The members of an object.
    #[must_use]
    pub fn members(&self) -> Option<&[(String, Self)]> {
        match self {
            Self::Object(members) => Some(members),
            _ => None,
        }
    }

    /// The member of an object that has this key.
    #[must_use]
    pub fn member(&self, key: &str) -> Option<&Self> {
        self.members()?.iter().find(|(name, _)| name == key).map(|(_, value)| value)
    }

    /// What kind of value it is, in a word for messages.
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Bool(_) => "boolean",
            Self::Integer(_) => "integer",
            Self::String(_) => "string",
            Self::Array(_) => "array",
            Self::Object(_) => "object",
        }
    }
}

impl serde::Serialize for Json {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Null => serializer.serialize_unit(),
            Self::Bool(value) => serializer.serialize_bool(*value),
            Self::Integer(value) => serializer.serialize_i64(*value),
            Self::String(text) => serializer.serialize_str(text),
            Self::Array(items) => serializer.collect_seq(items),
            Self::Object(members) => serializer.collect_map(members.iter().map(|(key, value)| (key, value))),
        }
    }
}

/// Why a text is not taken.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{reason} at {}: expected {expected}, found {found}", self.place())]
pub struct JsonFault {
    reason: Reason,
    /// Line from 1; 0 where the fault lies in the value of a field and not in the text.
    line: usize,
    /// Column in bytes, from 1.
    column: usize,
    path: String,
    expected: String,
    found: String,
}

impl JsonFault {
    /// A fault at a place in the text. Line and column 0 stand for the whole text.
    fn at(
        reason: Reason,
        (line, column): (usize, usize),
        expected: impl Into<String>,
        found: impl Into<String>,
    ) -> Self {
        Self { reason, line, column, path: String::new(), expected: expected.into(), found: excerpt(&found.into()) }
    }

    /// A fault of the field at `path`, for checks that follow the reading.
    #[must_use]
    pub fn field(
        reason: Reason,
        path: impl Into<String>,
        expected: impl Into<String>,
        found: impl Into<String>,
    ) -> Self {
        let (path, expected, found) = (path.into(), expected.into(), excerpt(&found.into()));
        Self { reason, line: 0, column: 0, path, expected, found }
    }

    /// The reason code.
    #[must_use]
    pub const fn reason(&self) -> Reason {
        self.reason
    }

    /// The field, such as `predicate.components[2].ranges[0].start`. Empty where the fault lies in the text.
    #[must_use]
    pub fn path(&self) -> &str {
        &self.path
    }

    /// Line and column (in bytes) of the text, from 1. `None` where the fault lies in the value of a field.
    #[must_use]
    pub const fn position(&self) -> Option<(usize, usize)> {
        if self.line == 0 { None } else { Some((self.line, self.column)) }
    }

    /// The finding: place, expected, found.
    #[must_use]
    pub fn finding(&self) -> Finding {
        Finding::new(self.reason, self.place(), self.expected.as_str(), self.found.as_str())
    }

    fn place(&self) -> String {
        match (self.position(), self.path.is_empty()) {
            (Some((line, column)), true) => format!("line {line}, column {column}"),
            (Some((line, column)), false) => format!("line {line}, column {column}, {}", self.path),
            (None, true) => "the whole text".to_owned(),
            (None, false) => self.path.clone(),
        }
    }
}

/// The begin of a text that may be long and hostile, for a message.
fn excerpt(text: &str) -> String {
    const MOST: usize = 96;
    let mut cut: String = text.chars().take(MOST).collect();
    if cut.len() < text.len() {
        cut.push('…');
    }
    cut
}
