//! What tokens and the keys on them are called.

use core::fmt;

/// A token by the two things that together name it. Slot numbers change from run to run and are never kept.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TokenName {
    /// The label, without the blanks that pad it.
    pub label: String,
    /// The serial number, without the blanks that pad it.
    pub serial: String,
}

impl TokenName {
    /// A token's name.
    #[must_use]
    pub fn new(label: impl Into<String>, serial: impl Into<String>) -> Self {
        Self { label: label.into(), serial: serial.into() }
    }
}

impl fmt::Display for TokenName {
    /// Quoted and escaped: both parts are text from the token.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} (serial {:?})", self.label, self.serial)
    }
}

/// A key by token and label.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TokenKey {
    /// The token.
    pub token: TokenName,
    /// The key's label.
    pub label: String,
}

impl TokenKey {
    /// A key's name.
    #[must_use]
    pub fn new(token: &TokenName, label: &str) -> Self {
        Self { token: token.clone(), label: label.to_owned() }
    }
}

impl fmt::Display for TokenKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} of the token {}", self.label, self.token)
    }
}

#[cfg(test)]
mod tests {
    use super::TokenName;

    #[test]
    fn a_name_from_a_token_cannot_steer_a_terminal() {
        let name = TokenName::new("a\u{1b}[2J\n", "\"1");
        assert_eq!(name.to_string(), r#""a\u{1b}[2J\n" (serial "\"1")"#);
    }
}
