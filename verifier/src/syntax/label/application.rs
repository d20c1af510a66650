//! The GS1 application identifiers.
//!
//! Source: GS1 General Specifications, section 3.2; compared with the GS1 Barcode Syntax Dictionary of July 2026.

use super::form::{Application, DATE, checked, fixed, maybe, n, n_to, open, x, x_to, y_to, z_to};

/// The identifier that `text` begins with. No identifier begins another, so there is at most one.
pub(super) fn at_start(text: &str) -> Option<&'static Application> {
    TABLE.iter().find(|known| {
        text.get(..known.digits)
            .filter(|digits| digits.bytes().all(|b| b.is_ascii_digit()))
            .and_then(|digits| digits.parse::<u16>().ok())
            .is_some_and(|number| (known.first..=known.last).contains(&number))
    })
}

/// The identifier that `text` is.
pub(super) fn exactly(text: &str) -> Option<&'static Application> {
    at_start(text).filter(|known| known.digits == text.len())
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
    open(4, 8010, 8010, &[y_to(30)]),
    open(4, 8011, 8011, &[n_to(12)]),
    open(4, 8012, 8012, &[x_to(20)]),
    open(4, 8013, 8014, &[x_to(25)]),
    open(4, 8017, 8018, &[checked(18)]),
    open(4, 8019, 8019, &[n_to(10)]),
    open(4, 8020, 8020, &[x_to(25)]),
    open(4, 8026, 8026, &[checked(14), n(4)]),
    open(4, 8030, 8030, &[z_to(90)]),
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
    use super::{TABLE, exactly};
    use crate::syntax::label::form::Application;
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
            exactly(identifier).unwrap().check(value).map_err(|fault| (fault.reason(), fault.offset()))
        };
        assert_eq!(check("01", "09506000134352"), Ok(()));
        assert_eq!(check("01", "09506000134353"), Err((Reason::LabelCheckDigit, Some(13))));
        assert_eq!(check("00", "195012345678900114"), Ok(()));
        assert_eq!(check("00", "195012345678900111"), Err((Reason::LabelCheckDigit, Some(17))));
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
            assert!(exactly(unknown).is_none(), "{unknown}");
        }
    }
}
