//! A reason with what was expected and found: facts only, the advice stands in `judgement::words`.

use super::reason::Reason;

/// One fact that keeps a unit, document or input out.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Finding {
    /// Why.
    pub reason: Reason,
    /// Where: file, line, field, component, certificate. Empty where the reason says it all.
    #[serde(rename = "where", default, skip_serializing_if = "String::is_empty")]
    pub place: String,
    /// What would have been right. May be empty.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub expected: String,
    /// What stands there instead. May be empty. Hostile text: escape it before showing it.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub found: String,
}

impl Finding {
    /// A finding that needs no more words.
    #[must_use]
    pub fn bare(reason: Reason) -> Self {
        Self { reason, place: String::new(), expected: String::new(), found: String::new() }
    }

    /// A finding with its place, what was expected and what was found.
    #[must_use]
    pub fn new(
        reason: Reason,
        place: impl Into<String>,
        expected: impl Into<String>,
        found: impl Into<String>,
    ) -> Self {
        Self { reason, place: place.into(), expected: expected.into(), found: found.into() }
    }

    /// The same finding seen from further out: `outer` goes before the place it has.
    #[must_use]
    pub fn within(mut self, outer: &str) -> Self {
        self.place = if self.place.is_empty() { outer.to_owned() } else { format!("{outer}: {}", self.place) };
        self
    }
}
