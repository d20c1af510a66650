//! Addresses in JSON: a number where JSON keeps it exact, else hex text. One address, one spelling.

use serde::{Deserialize as _, Deserializer, Serializer, de::Error as _};

/// The first integer that the JSON readers of the world do not keep exact (RFC 8259 section 6).
const INEXACT: u64 = 1 << 53;

pub(super) fn serialize<S: Serializer>(address: &u64, serializer: S) -> Result<S::Ok, S::Error> {
    if *address < INEXACT {
        serializer.serialize_u64(*address)
    } else {
        serializer.collect_str(&format_args!("{address:#x}"))
    }
}

pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u64, D::Error> {
    #[derive(serde::Deserialize)]
    #[serde(untagged)]
    enum Spelling {
        Number(u64),
        Text(String),
    }
    match Spelling::deserialize(deserializer)? {
        Spelling::Number(address) if address < INEXACT => Some(address),
        Spelling::Number(_) => None,
        Spelling::Text(text) => text
            .strip_prefix("0x")
            .and_then(|digits| u64::from_str_radix(digits, 16).ok())
            .filter(|address| *address >= INEXACT && format!("{address:#x}") == text),
    }
    .ok_or_else(|| D::Error::custom("expected an address: a number below 2^53, or 0x and lower-case hex digits"))
}

/// The same for an address that may be absent.
pub(super) mod optional {
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    #[derive(Serialize, Deserialize)]
    struct Address(#[serde(with = "super")] u64);

    pub(in super::super) fn serialize<S: Serializer>(address: &Option<u64>, serializer: S) -> Result<S::Ok, S::Error> {
        address.map(Address).serialize(serializer)
    }

    pub(in super::super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<u64>, D::Error> {
        Ok(Option::<Address>::deserialize(deserializer)?.map(|Address(address)| address))
    }
}
