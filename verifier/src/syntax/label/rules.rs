//! What a supplier's scanner or printer is declared to do. Nothing undeclared is mended.

use super::fault::LabelFault;
use super::field::{EOT, GS, RS};
use crate::values::reason::Reason;

/// Longest stand-in, in bytes: `\u001d` has six.
const STAND_IN_BYTES: usize = 8;

/// How the labels of one supplier may depart from the standards. Part of the signed policy. The default departs
/// nowhere.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Rules {
    /// What a text without any identifier means.
    pub bare: BareRule,
    /// What the scanner types for GS, for example `^]` or `/`. Printable ASCII, not letters and digits alone.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub gs_stand_in: Option<String>,
    /// What the scanner types for RS, for example `^^`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rs_stand_in: Option<String>,
    /// What the scanner types for EOT, for example `^D`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub eot_stand_in: Option<String>,
    /// Whether the last EOT of an ISO/IEC 15434 message may have been swallowed.
    pub end: EndRule,
    /// Whether GS1 element strings need the prefix of their symbol.
    pub gs1_prefix: PrefixRule,
}

/// What a text without any identifier means.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum BareRule {
    /// Nothing: it is refused.
    #[default]
    Refused,
    /// The whole text is the serial. No leading letter is taken for a data identifier.
    SerialOnly,
}

/// How an ISO/IEC 15434 message must end.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum EndRule {
    /// With RS and EOT.
    #[default]
    RsEot,
    /// With RS and EOT, or with RS where a terminal or scanner swallows EOT. A label cut off inside a field is still
    /// found; one cut off exactly before EOT lacks nothing.
    EotMayBeSwallowed,
}

/// Whether GS1 element strings need the prefix of their symbol.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum PrefixRule {
    /// `]d2`, `]C1`, `]Q3` or `]e0` must stand in front; without it the text is bare.
    #[default]
    Required,
    /// A text without prefix, header or scheme is GS1 element strings, and never bare.
    MayBeMissing,
}

impl Rules {
    /// Whether the rules can be followed: stand-ins of 1 to 8 printable characters, none of letters and digits alone
    /// (they would eat data), none the beginning of another.
    ///
    /// # Errors
    /// `label-ambiguous` names the stand-in.
    pub fn check(&self) -> Result<(), LabelFault> {
        let declared: Vec<&str> = self.stand_ins().map(|(text, _)| text).collect();
        for (place, text) in declared.iter().enumerate() {
            let printable = text.bytes().all(|b| b.is_ascii_graphic());
            let eats_data = text.bytes().all(|b| b.is_ascii_alphanumeric());
            if text.is_empty() || text.len() > STAND_IN_BYTES || !printable || eats_data {
                let expected = "a stand-in of 1 to 8 printable characters, not letters and digits alone";
                return Err(LabelFault::whole(Reason::LabelAmbiguous, expected, text));
            }
            if declared.iter().enumerate().any(|(other, longer)| other != place && longer.starts_with(text)) {
                let expected = "stand-ins of which none begins another";
                return Err(LabelFault::whole(Reason::LabelAmbiguous, expected, text));
            }
        }
        Ok(())
    }

    /// Puts the control characters in place of the declared stand-ins.
    ///
    /// A text that holds both the stand-in and the character itself is refused: one of them is data.
    pub(super) fn map(&self, text: &str) -> Result<Mapped, LabelFault> {
        let mut mapped = Mapped { text: String::with_capacity(text.len()), offsets: Vec::with_capacity(text.len()) };
        let mut rest = text;
        while let Some(c) = rest.chars().next() {
            let offset = text.len() - rest.len();
            let hit = self.stand_ins().find_map(|(typed, meant)| Some((rest.strip_prefix(typed)?, typed, meant)));
            if let Some((after, typed, meant)) = hit {
                if text.contains(meant) {
                    let expected = "either the control character or what stands in for it, not both";
                    return Err(LabelFault::new(Reason::LabelAmbiguous, offset, expected, typed));
                }
                mapped.push(meant, offset);
                rest = after;
            } else {
                mapped.push(c, offset);
                rest = rest.get(c.len_utf8()..).unwrap_or_default();
            }
        }
        Ok(mapped)
    }

    fn stand_ins(&self) -> impl Iterator<Item = (&str, char)> {
        [(&self.gs_stand_in, GS), (&self.rs_stand_in, RS), (&self.eot_stand_in, EOT)]
            .into_iter()
            .filter_map(|(typed, meant)| Some((typed.as_deref()?, meant)))
    }
}

/// A text with its stand-ins replaced, and where each of its bytes came from.
pub(super) struct Mapped {
    text: String,
    offsets: Vec<usize>,
}

impl Mapped {
    fn push(&mut self, c: char, offset: usize) {
        self.text.push(c);
        self.offsets.extend(core::iter::repeat_n(offset, c.len_utf8()));
    }

    pub(super) fn text(&self) -> &str {
        &self.text
    }

    /// A fault of the mapped text, at the byte of the text that was typed.
    pub(super) fn typed(&self, fault: LabelFault, typed_bytes: usize) -> LabelFault {
        match fault.offset() {
            Some(offset) => fault.placed(self.offsets.get(offset).copied().unwrap_or(typed_bytes)),
            None => fault,
        }
    }
}
