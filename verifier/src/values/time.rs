//! Points in time: milliseconds since 1970 UTC in the ledger, RFC 3339 in documents. No clock is read here.

use core::fmt;
use jiff::SignedDuration;
use jiff::civil::DateTime;

/// A point in time, in milliseconds since 1970-01-01T00:00:00Z.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Time(i64);

/// Milliseconds of one second.
const SECOND: i64 = 1_000;
/// Last millisecond of year 9999, the last that RFC 3339 can write.
const LAST: i64 = 253_402_300_799_999;
/// 1970-01-01T00:00:00. A civil time, since `jiff::Timestamp` ends a day before year 9999 does, and certificates
/// without an end state its last second (RFC 5280 section 4.1.2.5).
const EPOCH: DateTime = DateTime::constant(1970, 1, 1, 0, 0, 0, 0);

impl Time {
    /// From milliseconds since 1970. `None` before 1970 and after year 9999.
    #[must_use]
    pub const fn from_unix_millis(millis: i64) -> Option<Self> {
        if millis < 0 || millis > LAST { None } else { Some(Self(millis)) }
    }

    /// From seconds since 1970. `None` before 1970 and after year 9999.
    #[must_use]
    pub const fn from_unix_seconds(seconds: i64) -> Option<Self> {
        match seconds.checked_mul(SECOND) {
            Some(millis) => Self::from_unix_millis(millis),
            None => None,
        }
    }

    /// Milliseconds since 1970.
    #[must_use]
    pub const fn unix_millis(self) -> i64 {
        self.0
    }

    /// Whole seconds since 1970, rounded down.
    #[must_use]
    pub const fn unix_seconds(self) -> i64 {
        self.0.div_euclid(SECOND)
    }

    /// Reads the one form that documents use: `2026-11-24T05:31:18Z`, with exactly three digits of fraction or none.
    /// RFC 3339 allows more spellings of one instant; a signed document has one.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let civil: DateTime = text.strip_suffix('Z')?.parse().ok()?;
        let time = Self::from_unix_millis(i64::try_from(civil.duration_since(EPOCH).as_millis()).ok()?)?;
        (time.to_string() == text).then_some(time)
    }

    /// This time plus `seconds`, staying within what can be written.
    #[must_use]
    pub const fn plus_seconds(self, seconds: i64) -> Self {
        let millis = self.0.saturating_add(seconds.saturating_mul(SECOND));
        Self(if millis < 0 {
            0
        } else if millis > LAST {
            LAST
        } else {
            millis
        })
    }
}

impl fmt::Display for Time {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let civil = EPOCH.checked_add(SignedDuration::from_millis(self.0)).map_err(|_| fmt::Error)?;
        if self.0 % SECOND == 0 { write!(f, "{civil:.0}Z") } else { write!(f, "{civil:.3}Z") }
    }
}

impl serde::Serialize for Time {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> serde::Deserialize<'de> for Time {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = <String as serde::Deserialize>::deserialize(deserializer)?;
        Self::parse(&text).ok_or_else(|| {
            serde::de::Error::custom(format!(
                "expected a time like 2026-11-24T05:31:18Z (UTC, 1970 to 9999), found {text:?}"
            ))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::Time;
    use proptest::prelude::{ProptestConfig, proptest};

    #[test]
    fn a_time_with_an_offset_a_blank_or_another_precision_is_refused() {
        for text in [
            "2026-11-24T05:31:18+00:00",
            "2026-11-24T05:31:18+01:00",
            "2026-11-24 05:31:18Z",
            "2026-11-24t05:31:18z",
            "2026-11-24T05:31Z",
            "2026-11-24T05:31:18.5Z",
            "2026-11-24T05:31:18.000Z",
            "2026-11-24T24:00:00Z",
            "1969-12-31T23:59:59Z",
            "2026-02-29T00:00:00Z",
            "2026-11-24",
            "2026-11-24T05:31:18",
            "2026-11-24T05:31:18ZZ",
            "2026-11-24T05:31:60Z",
            "2026-11-24T05:31:18+01:00Z",
            "+10000-01-01T00:00:00Z",
            "Z",
            "",
        ] {
            assert_eq!(Time::parse(text), None, "{text}");
        }
        assert_eq!(Time::parse("2026-11-24T05:31:18Z").map(Time::unix_seconds), Some(1_795_498_278));
        assert_eq!(Time::parse("2026-11-24T05:31:18.007Z").map(Time::unix_millis), Some(1_795_498_278_007));
    }

    #[test]
    fn attack_14_the_last_second_of_year_9999_that_certificates_without_an_end_state_is_a_time_like_any_other() {
        for text in ["9999-12-31T23:59:59Z", "9999-12-31T23:59:59.999Z", "9999-12-30T22:00:01Z", "1970-01-01T00:00:00Z"]
        {
            assert_eq!(Time::parse(text).map(|time| time.to_string()).as_deref(), Some(text));
        }
        assert_eq!(Time::parse("9999-12-31T23:59:59.999Z"), Time::from_unix_millis(super::LAST));
        assert_eq!(Time::from_unix_millis(super::LAST + 1), None);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(256))]
        #[test]
        fn every_time_reads_back_as_written(millis in 0..=super::LAST) {
            let time = Time::from_unix_millis(millis).unwrap();
            assert_eq!(Time::parse(&time.to_string()), Some(time));
        }
    }
}
