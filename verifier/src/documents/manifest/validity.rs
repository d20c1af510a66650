//! From when until when a document counts.

use crate::values::time::Time;

/// From when until when a document counts. Both ends belong to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Validity {
    /// First moment.
    pub from: Time,
    /// Last moment.
    pub until: Time,
}

impl Validity {
    /// Where `now` stands.
    #[must_use]
    pub fn at(&self, now: Time) -> Timeliness {
        if now < self.from {
            Timeliness::NotYet
        } else if now > self.until {
            Timeliness::Over
        } else {
            Timeliness::Within
        }
    }
}

/// Where a moment stands against a validity.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Timeliness {
    /// Before it.
    NotYet,
    /// In it.
    Within,
    /// After it.
    Over,
}
