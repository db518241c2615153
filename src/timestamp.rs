//! Points in time as SnapEngage sends them.

use std::fmt;
use std::time::{Duration, SystemTime};

use jiff::fmt::temporal;
use jiff::tz::Offset;
use jiff::{SignedDuration, civil};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// A point in time, in epoch milliseconds, between the years 1970 and 9999.
///
/// ```
/// use snapengage::Timestamp;
///
/// let sent = Timestamp::from_millis(1_554_321_848_997).expect("a time after 1970");
/// assert_eq!(sent.to_string(), "2019-04-03T20:04:08.997Z");
/// assert_eq!(Timestamp::from_millis(-1), None);
/// ```
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(i64);

impl Timestamp {
    /// The first point in time: 1970-01-01T00:00:00Z.
    pub const MIN: Self = Self(0);

    /// The last point in time: 9999-12-31T23:59:59.999Z.
    pub const MAX: Self = Self(253_402_300_799_999);

    /// The time `millis` milliseconds after the epoch; `None` before 1970 and after 9999.
    pub fn from_millis(millis: i64) -> Option<Self> {
        let timestamp = Self(millis);
        (Self::MIN..=Self::MAX).contains(&timestamp).then_some(timestamp)
    }

    /// The time now, to the millisecond.
    pub fn now() -> Self {
        Self::try_from(SystemTime::now()).unwrap_or(Self::MIN)
    }

    /// Milliseconds since the epoch, 0 to 253402300799999.
    pub fn as_millis(self) -> i64 {
        self.0
    }

    /// A time in two fields, as the Integration API has it: whole seconds, and the milliseconds
    /// within the second where they are known.
    pub(crate) fn from_parts(seconds: i64, milliseconds: Option<i64>) -> Option<Self> {
        Self::from_millis(seconds.checked_mul(1000)?.checked_add(milliseconds.unwrap_or(0))?)
    }

    /// `2010-10-18T01:48:18.623Z`, the form of `created_at` in legacy XML.
    pub(crate) fn from_iso_8601(text: &str) -> Option<Self> {
        static PARSER: temporal::DateTimeParser = temporal::DateTimeParser::new();
        let parsed = PARSER.parse_timestamp(text.trim()).ok()?;
        Self::from_millis(parsed.as_millisecond())
    }

    /// `Mon Oct 18 01:48:27 UTC 2010`, the form of `date` in legacy XML: Java's `Date.toString()`.
    pub(crate) fn from_java_date(text: &str) -> Option<Self> {
        const MONTHS: [&str; 12] =
            ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
        let mut words = text.split_ascii_whitespace();
        let _weekday = words.next()?;
        let month = words.next()?;
        let month = MONTHS.iter().position(|&name| name == month)?;
        let month = i8::try_from(month + 1).ok()?;
        let day = words.next()?.parse().ok()?;
        let mut time = words.next()?.splitn(3, ':').map_while(|number| number.parse().ok());
        let (hour, minute, second) = (time.next()?, time.next()?, time.next()?);
        let year = words.next().filter(|&zone| zone == "UTC").and_then(|_| words.next())?;
        let year = year.parse().ok()?;
        let civil = civil::DateTime::new(year, month, day, hour, minute, second, 0).ok()?;
        let utc = Offset::UTC.to_timestamp(civil).ok()?;
        Self::from_millis(utc.as_millisecond())
    }
}

impl From<Timestamp> for SystemTime {
    fn from(timestamp: Timestamp) -> Self {
        Self::UNIX_EPOCH + Duration::from_millis(timestamp.0.unsigned_abs())
    }
}

impl TryFrom<SystemTime> for Timestamp {
    type Error = TimestampRangeError;

    /// # Errors
    ///
    /// Where the time is before 1970 or after 9999.
    fn try_from(time: SystemTime) -> Result<Self, Self::Error> {
        let since_epoch =
            time.duration_since(SystemTime::UNIX_EPOCH).map_err(|_| TimestampRangeError(()))?;
        i64::try_from(since_epoch.as_millis())
            .ok()
            .and_then(Self::from_millis)
            .ok_or(TimestampRangeError(()))
    }
}

/// A time before 1970 or after 9999, met where a [`Timestamp`] was expected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TimestampRangeError(());

impl fmt::Display for TimestampRangeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("time out of range, expected the years 1970 to 9999")
    }
}

impl std::error::Error for TimestampRangeError {}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let epoch = civil::DateTime::constant(1970, 1, 1, 0, 0, 0, 0);
        match epoch.checked_add(SignedDuration::from_millis(self.0)) {
            Ok(time) => write!(f, "{time:.3}Z"),
            Err(_) => write!(f, "{} ms", self.0),
        }
    }
}

impl fmt::Debug for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Serialize for Timestamp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_i64(self.0)
    }
}

impl<'de> Deserialize<'de> for Timestamp {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let millis = i64::deserialize(deserializer)?;
        Self::from_millis(millis).ok_or_else(|| de::Error::custom(TimestampRangeError(())))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_ends_of_the_range_are_times() {
        assert_eq!(Timestamp::MIN.to_string(), "1970-01-01T00:00:00.000Z");
        assert_eq!(Timestamp::MAX.to_string(), "9999-12-31T23:59:59.999Z");
        assert_eq!(Timestamp::from_millis(Timestamp::MAX.0 + 1), None);
        assert_eq!(Timestamp::from_parts(i64::MAX, Some(i64::MAX)), None);
    }

    #[test]
    fn system_time_and_back_is_the_same() {
        for timestamp in [Timestamp::MIN, Timestamp(1_554_321_848_997), Timestamp::MAX] {
            assert_eq!(SystemTime::from(timestamp).try_into(), Ok(timestamp));
        }
        let before = SystemTime::UNIX_EPOCH - Duration::from_millis(1);
        assert_eq!(Timestamp::try_from(before), Err(TimestampRangeError(())));
    }

    #[test]
    fn legacy_dates_are_read() {
        assert_eq!(
            Timestamp::from_iso_8601("2010-10-18T01:48:18.623Z"),
            Some(Timestamp(1_287_366_498_623))
        );
        assert_eq!(
            Timestamp::from_java_date("Mon Oct 18 01:48:27 UTC 2010"),
            Some(Timestamp(1_287_366_507_000))
        );
    }

    #[test]
    fn what_is_no_date_is_none() {
        for text in ["", "yesterday", "2010-10-18", "Mon Oct 18 01:48:27 MST 2010"] {
            assert_eq!(Timestamp::from_iso_8601(text), None, "{text}");
            assert_eq!(Timestamp::from_java_date(text), None, "{text}");
        }
    }
}
