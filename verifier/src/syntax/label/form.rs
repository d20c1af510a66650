//! The form of a GS1 value: length, characters, check digit, date.
//!
//! Source: GS1 General Specifications, sections 7.8.5 (element strings of predefined length), 7.9.1 (check digit), 7.11
//! (character sets 82, 39 and 64), 7.12 (dates).

use super::fault::LabelFault;
use crate::values::reason::Reason;

/// One application identifier, or a range of them that share a form.
#[derive(Debug)]
pub(super) struct Application {
    pub(super) first: u16,
    pub(super) last: u16,
    /// Digits of the identifier: 2, 3 or 4.
    pub(super) digits: usize,
    /// Of predefined length: no separator follows (figure 7.8.5-2).
    pub(super) predefined: bool,
    pub(super) form: &'static [Piece],
}

/// A stretch of the value.
#[derive(Clone, Copy, Debug)]
pub(super) struct Piece {
    set: Set,
    pub(super) least: usize,
    pub(super) most: usize,
}

/// Which characters a stretch holds, and what else holds for them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Set {
    Digits,
    /// Digits of which the last is the check digit (section 7.9.1).
    Checked,
    /// YYMMDD, where day 00 stands for the last of the month (section 7.12).
    Date,
    Set82,
    Set39,
    /// Base64 for URIs and file names.
    Set64,
}

impl Application {
    /// Most characters of the value; all of them where the length is predefined.
    pub(super) fn most(&self) -> usize {
        self.form.iter().map(|piece| piece.most).sum()
    }

    /// Holds a value against the form. Offsets count from the begin of the value.
    pub(super) fn check(&self, value: &str) -> Result<(), LabelFault> {
        let most = self.most();
        let least: usize = self.form.iter().map(|piece| piece.least).sum();
        let found = || format!("{} characters: {value}", value.len());
        if value.len() > most && !self.predefined {
            let expected = format!("at most {most} characters up to the separator (GS)");
            return Err(LabelFault::new(Reason::LabelSeparatorLost, most, expected, found()));
        }
        if value.len() < least || value.len() > most {
            let expected = if least == most { format!("{most} characters") } else { format!("{least} to {most}") };
            return Err(LabelFault::new(Reason::LabelFieldMalformed, 0, expected, found()));
        }
        let mut start = 0;
        for piece in self.form {
            let end = value.len().min(start + piece.most);
            piece.check(value.get(start..end).unwrap_or_default()).map_err(|fault| fault.moved(start))?;
            start = end;
        }
        Ok(())
    }
}

impl Piece {
    fn check(self, text: &str) -> Result<(), LabelFault> {
        if let Some(place) = text.bytes().position(|byte| !self.set.holds(byte)) {
            let found = text.get(place..).unwrap_or_default();
            return Err(LabelFault::new(Reason::LabelFieldMalformed, place, self.set.name(), found));
        }
        if text.len() < self.least {
            let expected = format!("{} characters", self.least);
            return Err(LabelFault::new(Reason::LabelFieldMalformed, 0, expected, text));
        }
        match self.set {
            Set::Checked if !text.is_empty() => check_digit(text),
            Set::Date if !is_date(text) => Err(LabelFault::new(Reason::LabelFieldMalformed, 0, "a date, YYMMDD", text)),
            _ => Ok(()),
        }
    }
}

impl Set {
    fn holds(self, byte: u8) -> bool {
        match self {
            Self::Digits | Self::Checked | Self::Date => byte.is_ascii_digit(),
            Self::Set82 => byte.is_ascii_alphanumeric() || b"!\"%&'()*+,-./:;<=>?_".contains(&byte),
            Self::Set39 => byte.is_ascii_digit() || byte.is_ascii_uppercase() || b"#-/".contains(&byte),
            Self::Set64 => byte.is_ascii_alphanumeric() || b"-_=".contains(&byte),
        }
    }

    const fn name(self) -> &'static str {
        match self {
            Self::Digits | Self::Checked | Self::Date => "digits",
            Self::Set82 => "characters of GS1 set 82",
            Self::Set39 => "characters of GS1 set 39",
            Self::Set64 => "characters of GS1 set 64",
        }
    }
}

/// Modulo 10 with weights 3 and 1 from the right (section 7.9.1).
fn check_digit(digits: &str) -> Result<(), LabelFault> {
    let mut reversed = digits.bytes().rev().map(|byte| u32::from(byte.wrapping_sub(b'0')));
    let found = reversed.next().unwrap_or_default();
    let sum: u32 = reversed.zip([3, 1].into_iter().cycle()).map(|(digit, weight)| digit * weight).sum();
    let right = (10 - sum % 10) % 10;
    if right == found {
        return Ok(());
    }
    let place = digits.len().saturating_sub(1);
    Err(LabelFault::new(Reason::LabelCheckDigit, place, format!("check digit {right}"), format!("{found} in {digits}")))
}

fn is_date(text: &str) -> bool {
    let number = |from: usize, to: usize| text.get(from..to).and_then(|digits| digits.parse::<u8>().ok());
    let days = match number(2, 4) {
        Some(2) => 29,
        Some(4 | 6 | 9 | 11) => 30,
        Some(1 | 3 | 5 | 7 | 8 | 10 | 12) => 31,
        _ => return false,
    };
    number(4, 6).is_some_and(|day| day <= days)
}

pub(super) const fn n(length: usize) -> Piece {
    Piece { set: Set::Digits, least: length, most: length }
}

pub(super) const fn n_to(most: usize) -> Piece {
    Piece { set: Set::Digits, least: 1, most }
}

pub(super) const fn checked(length: usize) -> Piece {
    Piece { set: Set::Checked, least: length, most: length }
}

pub(super) const DATE: Piece = Piece { set: Set::Date, least: 6, most: 6 };

pub(super) const fn x(length: usize) -> Piece {
    Piece { set: Set::Set82, least: length, most: length }
}

pub(super) const fn x_to(most: usize) -> Piece {
    Piece { set: Set::Set82, least: 1, most }
}

/// Up to `most` characters of set 39.
pub(super) const fn y_to(most: usize) -> Piece {
    Piece { set: Set::Set39, least: 1, most }
}

/// Up to `most` characters of set 64.
pub(super) const fn z_to(most: usize) -> Piece {
    Piece { set: Set::Set64, least: 1, most }
}

/// The same piece, where it may be absent. Only the last of a form.
pub(super) const fn maybe(piece: Piece) -> Piece {
    Piece { set: piece.set, least: 0, most: piece.most }
}

/// Of predefined length.
pub(super) const fn fixed(digits: usize, first: u16, last: u16, form: &'static [Piece]) -> Application {
    Application { first, last, digits, predefined: true, form }
}

/// Ends at a separator or with the symbol.
pub(super) const fn open(digits: usize, first: u16, last: u16, form: &'static [Piece]) -> Application {
    Application { first, last, digits, predefined: false, form }
}
