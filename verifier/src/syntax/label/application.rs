//! GS1 application identifiers: their lengths, characters and check digits.
//!
//! Source: GS1 General Specifications, sections 3.2 (identifiers and formats), 7.8.5 (element strings of
//! predefined length), 7.9.1 (check digit), 7.11 (character sets 82, 39 and 64); compared with the GS1 Barcode Syntax
//! Dictionary.

use super::fault::LabelFault;
use crate::values::reason::Reason;

/// One application identifier, or a range of them that share a form.
#[derive(Debug)]
pub(super) struct Application {
    first: u16,
    last: u16,
    /// Digits of the identifier: 2, 3 or 4.
    pub(super) digits: usize,
    /// Of predefined length: no separator follows (figure 7.8.5-2).
    pub(super) predefined: bool,
    form: &'static [Piece],
}

/// A stretch of the value.
#[derive(Clone, Copy, Debug)]
struct Piece {
    set: Set,
    least: usize,
    most: usize,
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
    /// The identifier that `text` begins with. No identifier begins another, so there is at most one.
    pub(super) fn at_start(text: &str) -> Option<&'static Self> {
        TABLE.iter().find(|known| {
            text.get(..known.digits)
                .filter(|digits| digits.bytes().all(|b| b.is_ascii_digit()))
                .and_then(|digits| digits.parse::<u16>().ok())
                .is_some_and(|number| (known.first..=known.last).contains(&number))
        })
    }

    /// The identifier that `text` is.
    pub(super) fn exactly(text: &str) -> Option<&'static Self> {
        Self::at_start(text).filter(|known| known.digits == text.len())
    }

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

const fn n(length: usize) -> Piece {
    Piece { set: Set::Digits, least: length, most: length }
}

const fn n_to(most: usize) -> Piece {
    Piece { set: Set::Digits, least: 1, most }
}

const fn checked(length: usize) -> Piece {
    Piece { set: Set::Checked, least: length, most: length }
}

const DATE: Piece = Piece { set: Set::Date, least: 6, most: 6 };

const fn x(length: usize) -> Piece {
    Piece { set: Set::Set82, least: length, most: length }
}

const fn x_to(most: usize) -> Piece {
    Piece { set: Set::Set82, least: 1, most }
}

/// The same piece, where it may be absent. Only the last of a form.
const fn maybe(piece: Piece) -> Piece {
    Piece { set: piece.set, least: 0, most: piece.most }
}

/// Of predefined length.
const fn fixed(digits: usize, first: u16, last: u16, form: &'static [Piece]) -> Application {
    Application { first, last, digits, predefined: true, form }
}

/// Ends at a separator or with the symbol.
const fn open(digits: usize, first: u16, last: u16, form: &'static [Piece]) -> Application {
    Application { first, last, digits, predefined: false, form }
}

const TABLE: &[Application] = &[
    fixed(2, 0, 0, &[checked(18)]),
    fixed(2, 1, 3, &[checked(14)]),
    open(2, 10, 10, &[x_to(20)]),
    fixed(2, 11, 13, &[DATE]),
    fixed(2, 15, 17, &[DATE]),
    fixed(2, 20, 20, &[n(2)]),
    open(2, 21, 22, &[x_to(20)]),
    open(3, 235, 235, &[x_to(28)]),
    open(3, 240, 241, &[x_to(30)]),
    open(3, 242, 242, &[n_to(6)]),
    open(3, 243, 243, &[x_to(20)]),
    open(3, 250, 251, &[x_to(30)]),
    open(3, 253, 253, &[checked(13), maybe(x_to(17))]),
    open(3, 254, 254, &[x_to(20)]),
    open(3, 255, 255, &[checked(13), maybe(n_to(12))]),
    open(2, 30, 30, &[n_to(8)]),
    // trade and logistic measures; the fourth digit is the decimal point
    fixed(4, 3100, 3105, &[n(6)]),
    fixed(4, 3110, 3115, &[n(6)]),
    fixed(4, 3120, 3125, &[n(6)]),
    fixed(4, 3130, 3135, &[n(6)]),
    fixed(4, 3140, 3145, &[n(6)]),
    fixed(4, 3150, 3155, &[n(6)]),
    fixed(4, 3160, 3165, &[n(6)]),
    fixed(4, 3200, 3205, &[n(6)]),
    fixed(4, 3210, 3215, &[n(6)]),
    fixed(4, 3220, 3225, &[n(6)]),
    fixed(4, 3230, 3235, &[n(6)]),
    fixed(4, 3240, 3245, &[n(6)]),
    fixed(4, 3250, 3255, &[n(6)]),
    fixed(4, 3260, 3265, &[n(6)]),
    fixed(4, 3270, 3275, &[n(6)]),
    fixed(4, 3280, 3285, &[n(6)]),
    fixed(4, 3290, 3295, &[n(6)]),
    fixed(4, 3300, 3305, &[n(6)]),
    fixed(4, 3310, 3315, &[n(6)]),
    fixed(4, 3320, 3325, &[n(6)]),
    fixed(4, 3330, 3335, &[n(6)]),
    fixed(4, 3340, 3345, &[n(6)]),
    fixed(4, 3350, 3355, &[n(6)]),
    fixed(4, 3360, 3365, &[n(6)]),
    fixed(4, 3370, 3375, &[n(6)]),
    fixed(4, 3400, 3405, &[n(6)]),
    fixed(4, 3410, 3415, &[n(6)]),
    fixed(4, 3420, 3425, &[n(6)]),
    fixed(4, 3430, 3435, &[n(6)]),
    fixed(4, 3440, 3445, &[n(6)]),
    fixed(4, 3450, 3455, &[n(6)]),
    fixed(4, 3460, 3465, &[n(6)]),
    fixed(4, 3470, 3475, &[n(6)]),
    fixed(4, 3480, 3485, &[n(6)]),
    fixed(4, 3490, 3495, &[n(6)]),
    fixed(4, 3500, 3505, &[n(6)]),
    fixed(4, 3510, 3515, &[n(6)]),
    fixed(4, 3520, 3525, &[n(6)]),
    fixed(4, 3530, 3535, &[n(6)]),
    fixed(4, 3540, 3545, &[n(6)]),
    fixed(4, 3550, 3555, &[n(6)]),
    fixed(4, 3560, 3565, &[n(6)]),
    fixed(4, 3570, 3575, &[n(6)]),
    fixed(4, 3600, 3605, &[n(6)]),
    fixed(4, 3610, 3615, &[n(6)]),
    fixed(4, 3620, 3625, &[n(6)]),
    fixed(4, 3630, 3635, &[n(6)]),
    fixed(4, 3640, 3645, &[n(6)]),
    fixed(4, 3650, 3655, &[n(6)]),
    fixed(4, 3660, 3665, &[n(6)]),
    fixed(4, 3670, 3675, &[n(6)]),
    fixed(4, 3680, 3685, &[n(6)]),
    fixed(4, 3690, 3695, &[n(6)]),
    open(2, 37, 37, &[n_to(8)]),
    open(4, 3900, 3909, &[n_to(15)]),
    open(4, 3910, 3919, &[n(3), n_to(15)]),
    open(4, 3920, 3929, &[n_to(15)]),
    open(4, 3930, 3939, &[n(3), n_to(15)]),
    open(4, 3940, 3943, &[n(4)]),
    open(4, 3950, 3955, &[n(6)]),
    // orders, routes, places
    open(3, 400, 401, &[x_to(30)]),
    open(3, 402, 402, &[checked(17)]),
    open(3, 403, 403, &[x_to(30)]),
    fixed(3, 410, 417, &[checked(13)]),
    open(3, 420, 420, &[x_to(20)]),
    open(3, 421, 421, &[n(3), x_to(9)]),
    open(3, 422, 422, &[n(3)]),
    open(3, 423, 423, &[n(3), maybe(n_to(12))]),
    open(3, 424, 424, &[n(3)]),
    open(3, 425, 425, &[n(3), maybe(n_to(12))]),
    open(3, 426, 426, &[n(3)]),
    open(3, 427, 427, &[x_to(3)]),
    open(4, 4300, 4301, &[x_to(35)]),
    open(4, 4302, 4306, &[x_to(70)]),
    open(4, 4307, 4307, &[x(2)]),
    open(4, 4308, 4308, &[x_to(30)]),
    open(4, 4309, 4309, &[n(20)]),
    open(4, 4310, 4311, &[x_to(35)]),
    open(4, 4312, 4316, &[x_to(70)]),
    open(4, 4317, 4317, &[x(2)]),
    open(4, 4318, 4318, &[x_to(20)]),
    open(4, 4319, 4319, &[x_to(30)]),
    open(4, 4320, 4320, &[x_to(35)]),
    open(4, 4321, 4323, &[n(1)]),
    open(4, 4324, 4325, &[DATE, n(4)]),
    open(4, 4326, 4326, &[DATE]),
    open(4, 4330, 4333, &[n(6), maybe(x(1))]),
    // special uses
    open(4, 7001, 7001, &[n(13)]),
    open(4, 7002, 7002, &[x_to(30)]),
    open(4, 7003, 7003, &[DATE, n(4)]),
    open(4, 7004, 7004, &[n_to(4)]),
    open(4, 7005, 7005, &[x_to(12)]),
    open(4, 7006, 7006, &[DATE]),
    open(4, 7007, 7007, &[DATE, maybe(n_to(6))]),
    open(4, 7008, 7008, &[x_to(3)]),
    open(4, 7009, 7009, &[x_to(10)]),
    open(4, 7010, 7010, &[x_to(2)]),
    open(4, 7011, 7011, &[DATE, maybe(n_to(4))]),
    open(4, 7020, 7022, &[x_to(20)]),
    open(4, 7023, 7023, &[x_to(30)]),
    open(4, 7030, 7039, &[n(3), x_to(27)]),
    open(4, 7040, 7040, &[n(1), x(3)]),
    open(4, 7041, 7041, &[x_to(4)]),
    open(3, 710, 717, &[x_to(20)]),
    open(4, 7230, 7239, &[x(2), x_to(28)]),
    open(4, 7240, 7240, &[x_to(20)]),
    open(4, 7241, 7241, &[n(2)]),
    open(4, 7242, 7242, &[x_to(25)]),
    open(4, 7250, 7250, &[n(8)]),
    open(4, 7251, 7251, &[n(12)]),
    open(4, 7252, 7252, &[n(1)]),
    open(4, 7253, 7254, &[x_to(40)]),
    open(4, 7255, 7255, &[x_to(10)]),
    open(4, 7256, 7256, &[x_to(90)]),
    open(4, 7257, 7257, &[x_to(70)]),
    open(4, 7258, 7258, &[x(3)]),
    open(4, 7259, 7259, &[x_to(40)]),
    open(4, 8001, 8001, &[n(14)]),
    open(4, 8002, 8002, &[x_to(20)]),
    open(4, 8003, 8003, &[checked(14), maybe(x_to(16))]),
    open(4, 8004, 8004, &[x_to(30)]),
    open(4, 8005, 8005, &[n(6)]),
    open(4, 8006, 8006, &[checked(14), n(4)]),
    open(4, 8007, 8007, &[x_to(34)]),
    open(4, 8008, 8008, &[n(8), maybe(n_to(4))]),
    open(4, 8009, 8009, &[x_to(50)]),
    open(4, 8010, 8010, &[Piece { set: Set::Set39, least: 1, most: 30 }]),
    open(4, 8011, 8011, &[n_to(12)]),
    open(4, 8012, 8012, &[x_to(20)]),
    open(4, 8013, 8014, &[x_to(25)]),
    open(4, 8017, 8018, &[checked(18)]),
    open(4, 8019, 8019, &[n_to(10)]),
    open(4, 8020, 8020, &[x_to(25)]),
    open(4, 8026, 8026, &[checked(14), n(4)]),
    open(4, 8030, 8030, &[Piece { set: Set::Set64, least: 1, most: 90 }]),
    open(4, 8040, 8041, &[n(15)]),
    open(4, 8042, 8042, &[n(32)]),
    open(4, 8043, 8043, &[n(18), maybe(n_to(2))]),
    open(4, 8110, 8110, &[x_to(70)]),
    open(4, 8111, 8111, &[n(4)]),
    open(4, 8112, 8112, &[x_to(70)]),
    open(4, 8200, 8200, &[x_to(70)]),
    open(2, 90, 90, &[x_to(30)]),
    open(2, 91, 99, &[x_to(90)]),
];

#[cfg(test)]
mod tests {
    use super::{Application, TABLE};
    use crate::values::reason::Reason;

    #[test]
    fn no_identifier_begins_another_and_each_form_is_within_its_separator_class() {
        let width = |entry: &Application, number: u16| format!("{number:0digits$}", digits = entry.digits);
        let all: Vec<String> =
            TABLE.iter().flat_map(|entry| (entry.first..=entry.last).map(|number| width(entry, number))).collect();
        for (place, short) in all.iter().enumerate() {
            for (other, long) in all.iter().enumerate() {
                assert!(place == other || !long.starts_with(short.as_str()), "{short} begins {long}");
            }
        }
        for entry in TABLE {
            let spread = entry.form.iter().any(|piece| piece.least != piece.most);
            assert!(!(entry.predefined && spread), "{entry:?}");
        }
    }

    /// GS1 General Specifications figure 7.8.5-2: the first two digits decide, and the length is the whole element
    /// string with its identifier.
    #[test]
    fn predefined_lengths_are_those_of_figure_7_8_5_2() {
        let figure = [
            ("00", 20),
            ("01", 16),
            ("02", 16),
            ("03", 16),
            ("11", 8),
            ("12", 8),
            ("13", 8),
            ("15", 8),
            ("16", 8),
            ("17", 8),
            ("20", 4),
            ("31", 10),
            ("32", 10),
            ("33", 10),
            ("34", 10),
            ("35", 10),
            ("36", 10),
            ("41", 16),
        ];
        for entry in TABLE {
            let start = format!("{:0digits$}", entry.first, digits = entry.digits);
            let listed = figure.iter().find(|(two, _)| start.starts_with(two)).map(|(_, length)| *length);
            let ours = entry.predefined.then(|| entry.digits + entry.most());
            assert_eq!(ours, listed, "{start}");
        }
    }

    #[test]
    fn a_check_digit_a_date_a_length_and_a_character_are_each_refused_by_their_own_reason() {
        let check = |identifier: &str, value: &str| {
            Application::exactly(identifier).unwrap().check(value).map_err(|fault| (fault.reason(), fault.offset()))
        };
        assert_eq!(check("01", "09506000134352"), Ok(()));
        assert_eq!(check("01", "09506000134353"), Err((Reason::LabelCheckDigit, Some(13))));
        assert_eq!(check("00", "195012345678900111"), Ok(()));
        assert_eq!(check("00", "195012345678900112"), Err((Reason::LabelCheckDigit, Some(17))));
        assert_eq!(check("02", "09506000134351"), Err((Reason::LabelCheckDigit, Some(13))));
        assert_eq!(check("01", "9506000134352"), Err((Reason::LabelFieldMalformed, Some(0))));
        assert_eq!(check("17", "271231"), Ok(()));
        assert_eq!(check("17", "270200"), Ok(()));
        assert_eq!(check("17", "270230"), Err((Reason::LabelFieldMalformed, Some(0))));
        assert_eq!(check("17", "271331"), Err((Reason::LabelFieldMalformed, Some(0))));
        assert_eq!(check("21", "ABCDEFGHIJKLMNOPQRST"), Ok(()));
        assert_eq!(check("21", "ABCDEFGHIJKLMNOPQRSTU"), Err((Reason::LabelSeparatorLost, Some(20))));
        assert_eq!(check("21", ""), Err((Reason::LabelFieldMalformed, Some(0))));
        assert_eq!(check("21", "AB#"), Err((Reason::LabelFieldMalformed, Some(2))));
        assert_eq!(check("21", "AB C"), Err((Reason::LabelFieldMalformed, Some(2))));
        assert_eq!(check("8010", "0614141ABC#12/3"), Ok(()));
        assert_eq!(check("8010", "0614141abc"), Err((Reason::LabelFieldMalformed, Some(7))));
        assert_eq!(check("253", "9501101020016DOC-1"), Ok(()));
        assert_eq!(check("253", "9501101020017"), Err((Reason::LabelCheckDigit, Some(12))));
        assert_eq!(check("4330", "000120-"), Ok(()));
        for unknown in ["04", "18", "3106", "4327", "810", "9", "AB", "0", ""] {
            assert!(Application::exactly(unknown).is_none(), "{unknown}");
        }
    }
}
