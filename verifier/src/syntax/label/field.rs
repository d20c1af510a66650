//! What a label is made of: symbology, syntax, fields.

use super::fault::LabelFault;
use crate::values::reason::Reason;

/// Group separator: ends a field (ISO/IEC 15434), stands for FNC1 (GS1 General Specifications section 7.8.3).
pub(super) const GS: char = '\u{1d}';
/// Record separator: ends the header's mark and each format envelope (ISO/IEC 15434).
pub(super) const RS: char = '\u{1e}';
/// End of transmission: the last character of a message (ISO/IEC 15434).
pub(super) const EOT: char = '\u{4}';

/// One field of a label, in the order of the label.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Field {
    /// Data identifier (`1P`), application identifier (`01`), or nothing on a bare label.
    pub identifier: String,
    /// What follows it. May be empty; printable ASCII.
    pub value: String,
}

/// How a label is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Syntax {
    /// ISO/IEC 15434 format 05: GS1 application identifiers in an envelope.
    Iso15434Format05,
    /// ISO/IEC 15434 format 06: data identifiers of ANSI MH10.8.2 in an envelope.
    Iso15434Format06,
    /// GS1 element strings (GS1 General Specifications section 7.8).
    Gs1,
    /// A GS1 Digital Link URI (GS1 Digital Link: URI syntax).
    Gs1DigitalLink,
    /// Text without identifiers.
    Bare,
}

impl Syntax {
    /// The word used in JSON.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Iso15434Format05 => "iso15434-format05",
            Self::Iso15434Format06 => "iso15434-format06",
            Self::Gs1 => "gs1",
            Self::Gs1DigitalLink => "gs1-digital-link",
            Self::Bare => "bare",
        }
    }
}

/// Which symbol the scanner says it read: the AIM symbology identifier (ISO/IEC 15424) before the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Symbology {
    /// `]d1`
    DataMatrix,
    /// `]d2`: FNC1 in first position, so GS1 element strings.
    Gs1DataMatrix,
    /// `]Q1`
    QrCode,
    /// `]Q3`: FNC1 in first position, so GS1 element strings.
    Gs1QrCode,
    /// `]C0`
    Code128,
    /// `]C1`: FNC1 in first position, so GS1 element strings.
    Gs1Code128,
    /// `]e0`: always GS1 element strings.
    Gs1DataBar,
}

impl Symbology {
    const ALL: [Self; 7] = [
        Self::DataMatrix,
        Self::Gs1DataMatrix,
        Self::QrCode,
        Self::Gs1QrCode,
        Self::Code128,
        Self::Gs1Code128,
        Self::Gs1DataBar,
    ];

    /// The three characters that a scanner puts before the text.
    #[must_use]
    pub const fn prefix(self) -> &'static str {
        match self {
            Self::DataMatrix => "]d1",
            Self::Gs1DataMatrix => "]d2",
            Self::QrCode => "]Q1",
            Self::Gs1QrCode => "]Q3",
            Self::Code128 => "]C0",
            Self::Gs1Code128 => "]C1",
            Self::Gs1DataBar => "]e0",
        }
    }

    /// Whether the symbol can hold nothing but GS1 element strings.
    #[must_use]
    pub const fn is_gs1(self) -> bool {
        matches!(self, Self::Gs1DataMatrix | Self::Gs1QrCode | Self::Gs1Code128 | Self::Gs1DataBar)
    }

    /// Splits the prefix from the text. A text that begins with `]` and no known prefix is refused: what the symbol
    /// means would be a guess.
    pub(super) fn split(text: &str) -> Result<(Option<Self>, &str), LabelFault> {
        if !text.starts_with(']') {
            return Ok((None, text));
        }
        Self::ALL.into_iter().find_map(|known| Some((Some(known), text.strip_prefix(known.prefix())?))).ok_or_else(
            || {
                let expected = "no prefix, or one of ]d1 ]d2 ]Q1 ]Q3 ]C0 ]C1 ]e0";
                LabelFault::new(Reason::LabelHeaderWrong, 0, expected, text.get(..3).unwrap_or(text))
            },
        )
    }
}
