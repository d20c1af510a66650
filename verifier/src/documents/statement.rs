//! in-toto Statement v1 (in-toto/attestation, `spec/v1/statement.md`): what a signed document is about, and of which
//! kind it is.

use super::envelope::{Envelope, EnvelopeFault, Verified};
use crate::syntax::json::{self, Json, JsonFault};
use crate::values::digest::Sha256;
use crate::values::finding::Finding;
use crate::values::ident::Name;
use crate::values::limits::Limits;
use crate::values::reason::Reason;
use serde::de::DeserializeOwned;
use std::collections::BTreeSet;

/// The type of the statement layer.
pub const STATEMENT_TYPE: &str = "https://in-toto.io/Statement/v1";

/// What one kind of document says. The kind is checked before anything of it is read.
pub trait Predicate {
    /// The predicate type: `urn:ecugate:<kind>:v1`.
    const TYPE: &'static str;
}

/// A statement: subjects, and what is said about them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Statement<P> {
    /// What it is about, by digest. At least one, each name once.
    pub subject: Vec<Subject>,
    /// What is said.
    pub predicate: P,
}

/// One subject of a statement. Names are for people; what it is about is the digest.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Subject {
    /// What people call it.
    pub name: Name,
    /// SHA-256 of it. Other algorithms are refused.
    #[serde(with = "digest_set")]
    pub digest: Sha256,
}

/// What an envelope claims, its signature not looked at. For showing, for planning what to measure, and for choosing
/// which keys to try; never for a verdict.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Claimed<T>(T);

impl<T> Claimed<T> {
    /// What is claimed. Nobody has proven it.
    #[must_use]
    pub fn unproven(&self) -> &T {
        &self.0
    }
}

impl<P: Predicate + DeserializeOwned> Statement<P> {
    /// Reads the statement from a payload whose signatures were verified.
    ///
    /// # Errors
    /// [`StatementFault`]: not strict JSON, another statement or predicate type, unknown or missing fields.
    pub fn read(verified: &Verified<'_>, limits: &Limits) -> Result<Self, StatementFault> {
        read(verified.payload(), limits)
    }

    /// Reads what an envelope claims, its signature not looked at.
    ///
    /// # Errors
    /// [`StatementFault`], as [`Statement::read`], and another payload type.
    pub fn read_unverified(envelope: &Envelope, limits: &Limits) -> Result<Claimed<Self>, StatementFault> {
        envelope.require_payload_type()?;
        read(envelope.payload(), limits).map(Claimed)
    }
}

impl<P: Predicate + serde::Serialize> Statement<P> {
    /// Writes the payload: compact JSON, fields in the order of the specification.
    ///
    /// # Errors
    /// [`StatementFault`] if a reader of [`Statement::read`]'s strictness would refuse it.
    pub fn to_payload(&self) -> Result<Vec<u8>, StatementFault> {
        require_subjects(&self.subject)?;
        let (subject, predicate) = (&self.subject, &self.predicate);
        let text = Written { statement_type: STATEMENT_TYPE, subject, predicate_type: P::TYPE, predicate };
        let bytes = serde_json::to_vec(&text).map_err(|error| StatementFault::Unwritable(error.to_string()))?;
        json::parse(&bytes, &Limits::STANDARD)?;
        Ok(bytes)
    }
}

/// The predicate type that an envelope claims, unproven: which kind of document it may be.
///
/// # Errors
/// [`StatementFault`]: another payload type, not strict JSON, no statement.
pub fn predicate_type_of(envelope: &Envelope, limits: &Limits) -> Result<String, StatementFault> {
    envelope.require_payload_type()?;
    let json = json::parse(envelope.payload(), limits)?;
    require_statement(&json)?;
    Ok(text_member(&json, "predicateType")?.to_owned())
}

fn read<P: Predicate + DeserializeOwned>(payload: &[u8], limits: &Limits) -> Result<Statement<P>, StatementFault> {
    let json = json::parse(payload, limits)?;
    require_statement(&json)?;
    let found = text_member(&json, "predicateType")?;
    if found != P::TYPE {
        return Err(StatementFault::PredicateType { expected: P::TYPE, found: found.to_owned() });
    }
    let Text { subject, predicate, .. } = json::from_json::<Text<P>>(json)?;
    require_subjects(&subject)?;
    Ok(Statement { subject, predicate })
}

fn require_statement(json: &Json) -> Result<(), StatementFault> {
    match text_member(json, "_type")? {
        STATEMENT_TYPE => Ok(()),
        found => Err(StatementFault::StatementType { found: found.to_owned() }),
    }
}

fn text_member<'j>(json: &'j Json, key: &str) -> Result<&'j str, JsonFault> {
    let members = json
        .members()
        .ok_or_else(|| JsonFault::field(Reason::JsonWrongType, "", "a statement: an object", json.kind()))?;
    match members.iter().find(|(name, _)| name == key) {
        Some((_, Json::String(text))) => Ok(text),
        Some((_, other)) => Err(JsonFault::field(Reason::JsonWrongType, key, "a string", other.kind())),
        None => Err(JsonFault::field(Reason::JsonMissingField, "", format!("the field {key:?}"), "none")),
    }
}

/// At least one, as the other readers of in-toto ask; each name once (`statement.md`, `subject`).
fn require_subjects(subjects: &[Subject]) -> Result<(), JsonFault> {
    let mut names = BTreeSet::new();
    if subjects.is_empty() {
        return Err(JsonFault::field(Reason::JsonValue, "subject", "at least one subject", "none"));
    }
    for (index, subject) in subjects.iter().enumerate() {
        if !names.insert(&subject.name) {
            let (path, found) = (format!("subject[{index}].name"), format!("{:?} again", subject.name.as_str()));
            return Err(JsonFault::field(Reason::JsonValue, path, "each name once", found));
        }
    }
    Ok(())
}

#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct Text<P> {
    #[serde(rename = "_type")]
    _statement_type: String,
    subject: Vec<Subject>,
    #[serde(rename = "predicateType")]
    _predicate_type: String,
    predicate: P,
}

#[derive(serde::Serialize)]
struct Written<'a, P> {
    #[serde(rename = "_type")]
    statement_type: &'static str,
    subject: &'a [Subject],
    #[serde(rename = "predicateType")]
    predicate_type: &'static str,
    predicate: &'a P,
}

/// `{"sha256": "…"}` and no other algorithm.
mod digest_set {
    use crate::values::digest::Sha256;
    use serde::{Deserialize as _, Serialize as _};

    #[derive(serde::Serialize, serde::Deserialize)]
    #[serde(deny_unknown_fields)]
    struct DigestSet {
        sha256: Sha256,
    }

    pub(super) fn serialize<S: serde::Serializer>(digest: &Sha256, serializer: S) -> Result<S::Ok, S::Error> {
        DigestSet { sha256: *digest }.serialize(serializer)
    }

    pub(super) fn deserialize<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Sha256, D::Error> {
        DigestSet::deserialize(deserializer).map(|set| set.sha256)
    }
}

/// Why a payload is not the statement that was asked for.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StatementFault {
    /// Not strict JSON, or not its fields.
    #[error(transparent)]
    Json(#[from] JsonFault),
    /// The envelope holds something else than a statement.
    #[error(transparent)]
    Envelope(#[from] EnvelopeFault),
    /// Another version or another thing than a statement.
    #[error("_type {STATEMENT_TYPE:?} expected, found {found:?}")]
    StatementType {
        /// The type it states.
        found: String,
    },
    /// A document of another kind.
    #[error("predicateType {expected:?} expected, found {found:?}")]
    PredicateType {
        /// The kind asked for.
        expected: &'static str,
        /// The kind it states.
        found: String,
    },
    /// Could not be written as JSON.
    #[error("could not be written: {0}")]
    Unwritable(String),
}

impl StatementFault {
    /// The reason code.
    #[must_use]
    pub const fn reason(&self) -> Reason {
        match self {
            Self::Json(fault) => fault.reason(),
            Self::Envelope(fault) => fault.reason(),
            Self::StatementType { .. } => Reason::StatementTypeWrong,
            Self::PredicateType { .. } => Reason::PredicateTypeWrong,
            Self::Unwritable(_) => Reason::JsonValue,
        }
    }

    /// The finding: place, expected, found.
    #[must_use]
    pub fn finding(&self) -> Finding {
        match self {
            Self::Json(fault) => fault.finding(),
            Self::Envelope(fault) => fault.finding(),
            Self::StatementType { found } => Finding::new(self.reason(), "_type", STATEMENT_TYPE, found),
            Self::PredicateType { expected, found } => Finding::new(self.reason(), "predicateType", *expected, found),
            Self::Unwritable(why) => Finding::new(self.reason(), "", "a writable value", why),
        }
    }
}
