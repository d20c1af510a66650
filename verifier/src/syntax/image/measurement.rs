//! What was measured: plain values that go into the dossier in place of the image.

use super::{address, form::Form, plan::Span};
use crate::values::digest::Sha256;

/// The measurement of one image. Says what the file holds, not that it is right.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Measurement {
    /// SHA-256 of the file as it was read.
    pub file_sha256: Sha256,
    /// Length of the file in bytes.
    pub file_length: u64,
    /// The form it was read as.
    pub form: Form,
    /// The memory image, ascending, no two adjacent.
    pub segments: Vec<Segment>,
    /// The ranges asked for, in the order of the plan.
    pub ranges: Vec<MeasuredRange>,
    /// The fields asked for, in the order of the plan.
    pub fields: Vec<MeasuredField>,
}

/// A run of addresses that all have contents.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Segment {
    /// The first address.
    #[serde(with = "address")]
    pub start: u64,
    /// The length in bytes.
    pub length: u64,
    /// SHA-256 of the contents.
    pub sha256: Sha256,
}

/// The digest of one range asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MeasuredRange {
    /// The addresses.
    pub span: Span,
    /// The byte that stands for addresses without contents, if the plan gave one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fill: Option<u8>,
    /// SHA-256 of the range; absent where it has a gap and no fill.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sha256: Option<Sha256>,
    /// The first address of the range that has no contents. Beside a digest: filling began there.
    #[serde(default, skip_serializing_if = "Option::is_none", with = "address::optional")]
    pub first_gap: Option<u64>,
}

/// The bytes of one field asked for.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MeasuredField {
    /// The addresses.
    pub span: Span,
    /// The bytes, in hex; absent where not all of them have contents.
    #[serde(default, skip_serializing_if = "Option::is_none", with = "bytes_in_hex")]
    pub bytes: Option<Vec<u8>>,
}

/// Bytes as lower-case hex digits.
mod bytes_in_hex {
    use crate::values::digest::hex;
    use serde::{Deserialize as _, Deserializer, Serialize as _, Serializer, de::Error as _};

    #[allow(clippy::ref_option)] // the signature that serde asks for
    pub(super) fn serialize<S: Serializer>(bytes: &Option<Vec<u8>>, serializer: S) -> Result<S::Ok, S::Error> {
        bytes.as_deref().map(hex::encode).serialize(serializer)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Vec<u8>>, D::Error> {
        let Some(text) = Option::<String>::deserialize(deserializer)? else { return Ok(None) };
        match hex::decode(&text) {
            Some(bytes) if hex::encode(&bytes) == text => Ok(Some(bytes)),
            _ => Err(D::Error::custom("expected pairs of lower-case hex digits")),
        }
    }
}
