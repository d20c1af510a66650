//! Identifiers: part numbers, serials, manufacturers, purposes of certificates, and the keys by which the ledger
//! remembers a unit.
//!
//! Identifiers are compared byte for byte. Nothing is folded, trimmed or padded: two genuine serials must never
//! become one, and a look-alike letter must never become the letter it looks like.

use super::limits::Limits;
use core::fmt;

/// Object identifiers of the purposes (extended key usages) that our certificates state.
///
/// `1.2.840.113556.1.8000.2554` and one GUID cut into seven arcs below 2^32, fixed once:
/// `7c1f6d3e-52a8-4b09-9e64-d0b3a5f81c27`. (`2.25.<uuid>` would need an arc that path libraries refuse.)
pub mod purpose {
    /// Signs release manifests.
    pub const RELEASE: &str = "1.2.840.113556.1.8000.2554.31775.27966.21160.19209.40548.13677477.16260135.1";
    /// Signs shipment manifests.
    pub const SHIPMENT: &str = "1.2.840.113556.1.8000.2554.31775.27966.21160.19209.40548.13677477.16260135.2";
    /// Is the key of one device.
    pub const DEVICE: &str = "1.2.840.113556.1.8000.2554.31775.27966.21160.19209.40548.13677477.16260135.3";
}

/// Why a text is no identifier.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum IdentFault {
    /// Nothing there.
    #[error("is empty")]
    Empty,
    /// Over `Limits::identifier_bytes`.
    #[error("is longer than {0} bytes")]
    TooLong(usize),
    /// Not printable ASCII (0x20 to 0x7e).
    #[error("holds {0:?}; only printable ASCII is allowed")]
    Character(char),
    /// A space at the begin or end, where nobody sees it.
    #[error("begins or ends with a space")]
    OuterSpace,
}

macro_rules! identifiers {
    ($( $(#[doc = $doc:literal])+ $name:ident; )*) => { $(
        $(#[doc = $doc])+
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(String);

        impl $name {
            /// Takes printable ASCII of 1 to `Limits::identifier_bytes` bytes without outer spaces, as it stands.
            ///
            /// # Errors
            /// [`IdentFault`] says what is wrong with the text.
            pub fn new(text: impl Into<String>) -> Result<Self, IdentFault> {
                let text = text.into();
                check(&text)?;
                Ok(Self(text))
            }

            /// The text, byte for byte as it was given.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(&self.0)
            }
        }

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = <String as serde::Deserialize>::deserialize(deserializer)?;
                Self::new(text).map_err(serde::de::Error::custom)
            }
        }
    )* };
}

identifiers! {
    /// Part number, as the manufacturer writes it.
    Part;
    /// Serial number, as the manufacturer writes it.
    Serial;
    /// Hardware revision or hardware id.
    Hardware;
    /// Manufacturer id, as the anchor list gives it.
    Manufacturer;
    /// Any other name in a document: release, shipment, component, range, site, station, person.
    Name;
}

fn check(text: &str) -> Result<(), IdentFault> {
    let most = Limits::STANDARD.identifier_bytes;
    if text.is_empty() {
        return Err(IdentFault::Empty);
    }
    if text.len() > most {
        return Err(IdentFault::TooLong(most));
    }
    if let Some(c) = text.chars().find(|c| !(' '..='~').contains(c)) {
        return Err(IdentFault::Character(c));
    }
    if text.starts_with(' ') || text.ends_with(' ') {
        return Err(IdentFault::OuterSpace);
    }
    Ok(())
}

/// Which part numbers something covers: exact numbers, or a beginning followed by `*`, which stands for ASCII
/// letters and digits only and so never reaches over a separator. `*` alone covers every part.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PartScope {
    /// Every part.
    All,
    /// This part number, byte for byte.
    Exact(Part),
    /// Part numbers that begin so and go on with letters and digits alone.
    Beginning(Part),
}

impl PartScope {
    /// Reads `0281020048`, `02810200*` or `*`.
    ///
    /// # Errors
    /// [`IdentFault`]; a `*` anywhere but at the end is the fault `Character('*')`.
    pub fn parse(text: &str) -> Result<Self, IdentFault> {
        if text == "*" {
            return Ok(Self::All);
        }
        let (body, beginning) = text.strip_suffix('*').map_or((text, false), |body| (body, true));
        if body.contains('*') {
            return Err(IdentFault::Character('*'));
        }
        let part = Part::new(body)?;
        Ok(if beginning { Self::Beginning(part) } else { Self::Exact(part) })
    }

    /// Whether `part` is covered. Case and every byte count.
    #[must_use]
    pub fn covers(&self, part: &Part) -> bool {
        match self {
            Self::All => true,
            Self::Exact(exact) => exact == part,
            Self::Beginning(beginning) => part
                .as_str()
                .strip_prefix(beginning.as_str())
                .is_some_and(|rest| rest.bytes().all(|b| b.is_ascii_alphanumeric())),
        }
    }
}

impl fmt::Display for PartScope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::All => f.write_str("*"),
            Self::Exact(part) => write!(f, "{part}"),
            Self::Beginning(part) => write!(f, "{part}*"),
        }
    }
}

impl serde::Serialize for PartScope {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> serde::Deserialize<'de> for PartScope {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = <String as serde::Deserialize>::deserialize(deserializer)?;
        Self::parse(&text).map_err(serde::de::Error::custom)
    }
}

/// The kinds of key under which the ledger remembers a unit (a sighting of any is a sighting of the unit).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum KeyKind {
    /// Manufacturer, part and serial as the verified documents write them.
    Unit,
    /// The serial alone, where no manufacturer resolves.
    Serial,
    /// SHA-256 of the device's SubjectPublicKeyInfo.
    DeviceKey,
    /// SHA-256 of the device certificate.
    DeviceCertificate,
    /// Hardware or chip id, with its manufacturer.
    ChipId,
    /// SHA-256 of a unit-unique area of the image.
    UniqueArea,
    /// SHA-256 of a whole readout.
    Readout,
    /// Another number on the label (licence plate, unique item id).
    LabelNumber,
    /// A folded spelling of part and serial: raises a finding, claims nothing.
    FoldedSpelling,
}

impl KeyKind {
    /// The word that stands in the ledger.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Unit => "unit",
            Self::Serial => "serial",
            Self::DeviceKey => "device-key",
            Self::DeviceCertificate => "device-certificate",
            Self::ChipId => "chip-id",
            Self::UniqueArea => "unique-area",
            Self::Readout => "readout",
            Self::LabelNumber => "label-number",
            Self::FoldedSpelling => "folded-spelling",
        }
    }

    /// Whether an accept claims this key for ever. The others are facts that raise findings.
    #[must_use]
    pub const fn claims(self) -> bool {
        matches!(self, Self::Unit | Self::DeviceKey | Self::DeviceCertificate | Self::ChipId | Self::UniqueArea)
    }
}

/// One key under which a unit is remembered.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct UnitKey {
    /// What kind of key.
    pub kind: KeyKind,
    /// Its value: parts joined by the unit separator U+001F, which no identifier can hold.
    pub value: String,
}

impl UnitKey {
    /// The key of a unit on a verified shipment manifest (or, below *listed*, of a verified release and the label).
    #[must_use]
    pub fn unit(manufacturer: &Manufacturer, part: &Part, serial: &Serial) -> Self {
        Self { kind: KeyKind::Unit, value: format!("{manufacturer}\u{1f}{part}\u{1f}{serial}") }
    }

    /// The serial alone.
    #[must_use]
    pub fn serial(serial: &Serial) -> Self {
        Self { kind: KeyKind::Serial, value: serial.to_string() }
    }

    /// A hardware or chip id under its manufacturer.
    #[must_use]
    pub fn chip_id(manufacturer: &Manufacturer, id: &Hardware) -> Self {
        Self { kind: KeyKind::ChipId, value: format!("{manufacturer}\u{1f}{id}") }
    }

    /// A key whose value is a digest.
    #[must_use]
    pub fn digest(kind: KeyKind, digest: &super::digest::Sha256) -> Self {
        Self { kind, value: digest.to_string() }
    }
}

impl fmt::Display for UnitKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.kind.word(), self.value.replace('\u{1f}', " / "))
    }
}

#[cfg(test)]
mod tests {
    use super::{IdentFault, Part, PartScope, Serial, purpose};

    #[test]
    fn a_look_alike_letter_an_outer_space_and_a_control_character_are_refused() {
        assert_eq!(Part::new("028102\u{406}048"), Err(IdentFault::Character('\u{406}')));
        assert_eq!(Part::new(" 0281020048"), Err(IdentFault::OuterSpace));
        assert_eq!(Part::new("0281020048 "), Err(IdentFault::OuterSpace));
        assert_eq!(Serial::new("12\u{1d}34"), Err(IdentFault::Character('\u{1d}')));
        assert_eq!(Serial::new(""), Err(IdentFault::Empty));
        assert_eq!(Serial::new("x".repeat(129)), Err(IdentFault::TooLong(128)));
    }

    #[test]
    fn attack_43_a_scope_is_not_widened_by_case_separators_leading_zeros_or_dots() {
        let scope = PartScope::parse("EDC17*").unwrap();
        let covers = |part: &str| scope.covers(&Part::new(part).unwrap());
        assert!(covers("EDC17") && covers("EDC17C46"));
        for part in ["edc17C46", "EDC17/../X", "EDC17-C46", "EDC17 C46", "0EDC17", "EDC1", "EDC17.C46", "EDC17_1"] {
            assert!(!covers(part), "{part}");
        }
        let exact = PartScope::parse("007").unwrap();
        assert!(!exact.covers(&Part::new("7").unwrap()) && !exact.covers(&Part::new("0070").unwrap()));
        assert_eq!(PartScope::parse("E*C"), Err(IdentFault::Character('*')));
        assert_eq!(PartScope::parse("**"), Err(IdentFault::Character('*')));
        assert_eq!(PartScope::parse(""), Err(IdentFault::Empty));
    }

    #[test]
    fn no_arc_of_our_purposes_reaches_two_to_the_32() {
        for oid in [purpose::RELEASE, purpose::SHIPMENT, purpose::DEVICE] {
            assert!(oid.split('.').all(|arc| arc.parse::<u32>().is_ok()), "{oid}");
        }
        assert_eq!(
            purpose::RELEASE.strip_prefix("1.2.840.113556.1.8000.2554.").map(|rest| rest.split('.').count()),
            Some(8)
        );
    }
}
