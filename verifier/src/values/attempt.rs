//! One attempt to receive one box, and where the gate that makes it runs.

use super::ident::Name;
use core::fmt;

/// One attempt to receive one box: station and 16 random bytes. Made before anything is judged.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Attempt {
    /// The station that made the attempt.
    pub station: Name,
    /// 32 lower-case hex digits.
    pub nonce: Nonce,
}

impl fmt::Display for Attempt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.station, self.nonce)
    }
}

/// 16 random bytes, written as 32 lower-case hex digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Nonce([u8; 16]);

impl Nonce {
    /// From bytes that the caller drew at random.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; 16]) -> Self {
        Self(bytes)
    }
}

impl fmt::Display for Nonce {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&super::digest::hex::encode(&self.0))
    }
}

impl serde::Serialize for Nonce {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> serde::Deserialize<'de> for Nonce {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = <String as serde::Deserialize>::deserialize(deserializer)?;
        let bytes = super::digest::hex::decode(&text).and_then(|bytes| bytes.try_into().ok()).map(Self);
        bytes
            .filter(|nonce| nonce.to_string() == text)
            .ok_or_else(|| serde::de::Error::custom("expected 32 lower-case hex digits"))
    }
}

/// Where a gate runs. A production inventory refuses what a trial admitted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Environment {
    /// A site folder owned by its caller; every screen, receipt and JSON says TRIAL.
    Trial,
    /// Installed, with root-owned configuration.
    Production,
}

impl Environment {
    /// The word on screens and in JSON.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Trial => "trial",
            Self::Production => "production",
        }
    }
}
