//! The number on the tag of a box that is held without a record: `H-000419`.

use core::fmt;
use ecugate_verifier::values::ident::{IdentFault, Name};

/// A number of the site: counted up under the journal's lock, never given twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Tag(u64);

impl Tag {
    /// The first tag of a site.
    pub(super) const FIRST: Self = Self(1);

    /// The one after this.
    pub(super) const fn next(self) -> Self {
        Self(self.0.saturating_add(1))
    }

    /// The tag as a name for documents and screens.
    ///
    /// # Errors
    /// None: six digits and more are a name.
    pub fn name(self) -> Result<Name, IdentFault> {
        Name::new(self.to_string())
    }

    /// Reads exactly what [`Display`](fmt::Display) writes.
    fn parse(text: &str) -> Option<Self> {
        let number = text.strip_prefix("H-")?.parse().ok().map(Self)?;
        (number.to_string() == text && number >= Self::FIRST).then_some(number)
    }
}

impl fmt::Display for Tag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "H-{:06}", self.0)
    }
}

impl serde::Serialize for Tag {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> serde::Deserialize<'de> for Tag {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = <String as serde::Deserialize>::deserialize(deserializer)?;
        Self::parse(&text).ok_or_else(|| serde::de::Error::custom("expected a tag like H-000419"))
    }
}

#[cfg(test)]
mod tests {
    use super::Tag;

    #[test]
    fn a_tag_has_one_spelling() {
        assert_eq!(Tag::FIRST.to_string(), "H-000001");
        assert_eq!(Tag(1_000_000).next().to_string(), "H-1000001");
        for text in ["H-000419", "H-1000000"] {
            assert_eq!(Tag::parse(text).unwrap().to_string(), text);
        }
        for text in ["H-419", "H-0000419", "H-000000", "h-000419", "H-+00419", "H-00041x", "000419", "H-", ""] {
            assert_eq!(Tag::parse(text), None, "{text}");
        }
    }
}
