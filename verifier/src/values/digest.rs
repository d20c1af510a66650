//! SHA-256 (FIPS 180-4), the one digest of this project.

use core::fmt;
use sha2::Digest as _;

/// A SHA-256 digest. Written as 64 lower-case hex digits.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Sha256([u8; 32]);

impl Sha256 {
    /// The digest of `bytes`.
    #[must_use]
    pub fn of(bytes: &[u8]) -> Self {
        Self(sha2::Sha256::digest(bytes).into())
    }

    /// A digest computed elsewhere.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The 32 bytes.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// Reads exactly 64 lower-case hex digits; anything else, upper case too, is `None`: one digest, one spelling.
    #[must_use]
    pub fn from_hex(text: &str) -> Option<Self> {
        if text.bytes().any(|b| b.is_ascii_uppercase()) {
            return None;
        }
        Some(Self(hex::decode(text)?.try_into().ok()?))
    }

    /// First and last digits, for a screen of 80 columns.
    #[must_use]
    pub fn short(&self) -> String {
        let hex = self.to_string();
        format!("{}…{}", hex.get(..6).unwrap_or_default(), hex.get(62..).unwrap_or_default())
    }
}

impl fmt::Display for Sha256 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(&self.0))
    }
}

impl fmt::Debug for Sha256 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "sha256:{self}")
    }
}

impl serde::Serialize for Sha256 {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> serde::Deserialize<'de> for Sha256 {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = <String as serde::Deserialize>::deserialize(deserializer)?;
        Self::from_hex(&text).ok_or_else(|| serde::de::Error::custom("expected a SHA-256 of 64 lower-case hex digits"))
    }
}

/// A digest being computed, for contents that are read once and not kept.
#[derive(Clone, Default)]
pub struct Hasher(sha2::Sha256);

impl Hasher {
    /// Takes the next bytes.
    pub fn update(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    /// The digest of all bytes taken.
    #[must_use]
    pub fn finish(self) -> Sha256 {
        Sha256(self.0.finalize().into())
    }
}

impl fmt::Debug for Hasher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Hasher")
    }
}

/// Hex digits: strict in reading (even number, no prefix, no space), lower case in writing.
pub mod hex {
    /// Reads pairs of hex digits, upper or lower case. `None` for anything else.
    #[must_use]
    pub fn decode(text: &str) -> Option<Vec<u8>> {
        let digits = text.as_bytes();
        if !digits.len().is_multiple_of(2) {
            return None;
        }
        digits
            .chunks_exact(2)
            .map(|pair| match pair {
                [high, low] => Some(value(*high)? << 4 | value(*low)?),
                _ => None,
            })
            .collect()
    }

    /// Writes pairs of lower-case hex digits.
    #[must_use]
    pub fn encode(bytes: &[u8]) -> String {
        let digits = bytes.iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 0xf)]);
        let mut out = String::with_capacity(bytes.len() * 2);
        out.extend(digits);
        out
    }

    fn digit(half: u8) -> char {
        char::from(if half < 10 { b'0' + half } else { b'a' + half - 10 })
    }

    const fn value(digit: u8) -> Option<u8> {
        match digit {
            b'0'..=b'9' => Some(digit - b'0'),
            b'a'..=b'f' => Some(digit - b'a' + 10),
            b'A'..=b'F' => Some(digit - b'A' + 10),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Hasher, Sha256, hex};

    #[test]
    fn the_digest_of_abc_is_the_one_of_fips_180() {
        let expected = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        assert_eq!(Sha256::of(b"abc").to_string(), expected);
        let mut hasher = Hasher::default();
        hasher.update(b"a");
        hasher.update(b"bc");
        assert_eq!(hasher.finish().to_string(), expected);
        assert_eq!(Sha256::from_hex(expected), Some(Sha256::of(b"abc")));
    }

    #[test]
    fn a_digest_in_upper_case_or_of_other_length_is_refused() {
        assert_eq!(Sha256::from_hex(&"AB".repeat(32)), None);
        assert_eq!(Sha256::from_hex(&"ab".repeat(31)), None);
        assert_eq!(Sha256::from_hex(&"ab".repeat(33)), None);
        assert_eq!(Sha256::from_hex(&"g0".repeat(32)), None);
        assert_eq!(hex::decode("0x12"), None);
        assert_eq!(hex::decode("123"), None);
        assert_eq!(hex::encode(&[0, 255, 16]), "00ff10");
    }
}
