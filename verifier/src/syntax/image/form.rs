//! The four forms.

use core::fmt;

/// The form of an image file. A release names it; only `inspect` guesses.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
pub enum Form {
    /// Bytes as they are, the first at the base address of the plan.
    #[serde(rename = "raw")]
    Raw,
    /// Intel HEX, record types 00 to 05.
    #[serde(rename = "ihex")]
    IntelHex,
    /// Motorola S-record, S0 to S9 without the reserved S4.
    #[serde(rename = "srec")]
    SRecord,
    /// ELF, 32 or 64 bits, either byte order: the file bytes of its loadable segments.
    #[serde(rename = "elf")]
    Elf,
}

impl Form {
    /// The word used in documents and on the command line.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Raw => "raw",
            Self::IntelHex => "ihex",
            Self::SRecord => "srec",
            Self::Elf => "elf",
        }
    }

    /// The form of this word, if there is one.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        [Self::Raw, Self::IntelHex, Self::SRecord, Self::Elf].into_iter().find(|form| form.word() == word)
    }
}

impl fmt::Display for Form {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}
