//! Points in time as SnapEngage sends them.

use std::fmt;
use std::time::{Duration, SystemTime};

use jiff::fmt::temporal;
use jiff::tz::Offset;
use jiff::{SignedDuration, civil};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// Point in time, in epoch milliseconds, between the years 1970 and 9999.
///
/// ```
/// use snapengage::Timestamp;
///
/// let sent = Timestamp::from_millis(1_554_321_848_997).expect("a time after 1970");
/// assert_eq!(sent.to_string(), "2019-04-03T20:04:08.997Z");
/// assert_eq!(Timestamp::from_millis(-1), None);
///
/// let closed = sent.saturating_add(std::time::Duration::from_secs(90));
/// assert_eq!(closed.saturating_duration_since(sent).as_secs(), 90);
/// ```
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(i64);

impl Timestamp {
    /// First point in time: 1970-01-01T00:00:00Z.
    pub const MIN: Self = Self(0);

    /// Last point in time: 9999-12-31T23:59:59.999Z.
    pub const MAX: Self = Self(253_402_300_799_999);

    /// Returns the time `millis` milliseconds after the epoch; `None` before 1970 and after 9999.
    pub const fn from_millis(millis: i64) -> Option<Self> {
        if millis < Self::MIN.0 || millis > Self::MAX.0 {
            return None;
        }
        Some(Self(millis))
    }

    /// Returns the current time, to the millisecond.
    pub fn now() -> Self {
        Self::try_from(SystemTime::now()).unwrap_or(Self::MIN)
    }

    /// Returns the milliseconds since the epoch, 0 to 253402300799999.
    pub const fn as_millis(self) -> i64 {
        self.0
    }

    /// Returns the time `duration` later, rounded down to the millisecond; `None` after 9999.
    pub fn checked_add(self, duration: Duration) -> Option<Self> {
        let millis = i64::try_from(duration.as_millis()).ok()?;
        Self::from_millis(self.0.checked_add(millis)?)
    }

    /// Returns the time `duration` earlier, rounded up to the millisecond; `None` before 1970.
    pub fn checked_sub(self, duration: Duration) -> Option<Self> {
        let millis = i64::try_from(duration.as_millis()).ok()?;
        Self::from_millis(self.0.checked_sub(millis)?)
    }

    /// Returns the time `duration` later, or [`MAX`](Self::MAX) if that is after 9999.
    pub fn saturating_add(self, duration: Duration) -> Self {
        self.checked_add(duration).unwrap_or(Self::MAX)
    }

    /// Returns the time `duration` earlier, or [`MIN`](Self::MIN) if that is before 1970.
    pub fn saturating_sub(self, duration: Duration) -> Self {
        self.checked_sub(duration).unwrap_or(Self::MIN)
    }

    /// Returns the time from `earlier` to this one; `None` if `earlier` is the later one.
    pub fn checked_duration_since(self, earlier: Self) -> Option<Duration> {
        let millis = u64::try_from(self.0 - earlier.0).ok()?;
        Some(Duration::from_millis(millis))
    }

    /// Returns the time from `earlier` to this one, or zero if `earlier` is the later one: two
    /// clocks seldom agree.
    pub fn saturating_duration_since(self, earlier: Self) -> Duration {
        self.checked_duration_since(earlier).unwrap_or_default()
    }

    /// Reads a time in two fields, as the Integration API has it: whole seconds, and the
    /// milliseconds within the second if they are known.
    pub(crate) fn from_parts(seconds: i64, milliseconds: Option<i64>) -> Option<Self> {
        Self::from_millis(seconds.checked_mul(1000)?.checked_add(milliseconds.unwrap_or(0))?)
    }

    /// Reads a time in any of the text forms SnapEngage writes.
    pub(crate) fn from_text(text: &str) -> Option<Self> {
        let text = text.trim_ascii();
        if text.starts_with(|c: char| c.is_ascii_alphabetic()) {
            return Self::from_java_date(text).or_else(|| Self::from_date_text(text));
        }
        match text.parse() {
            Ok(millis) => Self::from_millis(millis),
            Err(_) => Self::from_iso_8601(text),
        }
    }

    /// Returns `true` if the text of a time is in the form of [`Display`](fmt::Display), so that
    /// nothing of it is lost.
    pub(crate) fn is_plain(text: &str) -> bool {
        matches!(text.as_bytes(), [date @ .., b'T', _, _, b':', _, _, b':', _, _, b'.', _, _, _, b'Z']
            if date.len() == "2010-10-18".len())
    }

    /// Reads `2010-10-18T01:48:18.623Z`, the form of `created_at` in legacy XML.
    fn from_iso_8601(text: &str) -> Option<Self> {
        static PARSER: temporal::DateTimeParser = temporal::DateTimeParser::new();
        let parsed = PARSER.parse_timestamp(text).ok()?;
        Self::from_millis(parsed.as_millisecond())
    }

    /// Reads `Mon Oct 18 01:48:27 UTC 2010`, the form of `date` in legacy XML: Java's
    /// `Date.toString()`, where the zone depends on the server's settings.
    fn from_java_date(text: &str) -> Option<Self> {
        let mut words = text.split_ascii_whitespace().skip(1);
        let (month, day) = (month(words.next()?)?, words.next()?.parse().ok()?);
        let (hour, minute, second) = clock_time(words.next()?)?;
        let (offset, year) = (offset(words.next()?)?, words.next()?.parse().ok()?);
        let is_over = words.next().is_none();
        let civil = civil::DateTime::new(year, month, day, hour, minute, second, 0).ok()?;
        Self::from_civil(civil, offset).filter(|_| is_over)
    }

    /// Reads `Oct 3, 2014 2:14:31 PM`, the form in JSON, which names no zone and is in GMT. Newer
    /// versions of Java put another comma, and U+202F before `PM`.
    fn from_date_text(text: &str) -> Option<Self> {
        let is_separator = |c: char| c.is_whitespace() || c == ',';
        let mut words = text.split(is_separator).filter(|word| !word.is_empty());
        let (month, day) = (month(words.next()?)?, words.next()?.parse().ok()?);
        let year = words.next()?.parse().ok()?;
        let (hour, minute, second) = clock_time(words.next()?)?;
        let hour = match (words.next()?, hour) {
            ("AM", 1..=12) => hour % 12,
            ("PM", 1..=12) => hour % 12 + 12,
            _ => return None,
        };
        let is_over = words.next().is_none();
        let civil = civil::DateTime::new(year, month, day, hour, minute, second, 0).ok()?;
        Self::from_civil(civil, Offset::UTC).filter(|_| is_over)
    }

    fn from_civil(civil: civil::DateTime, offset: Offset) -> Option<Self> {
        Self::from_millis(offset.to_timestamp(civil).ok()?.as_millisecond())
    }
}

/// Returns the number of a month, 1 to 12.
fn month(name: &str) -> Option<i8> {
    const MONTHS: [&[u8; 3]; 12] = [
        b"Jan", b"Feb", b"Mar", b"Apr", b"May", b"Jun", b"Jul", b"Aug", b"Sep", b"Oct", b"Nov",
        b"Dec",
    ];
    let index = MONTHS.iter().position(|&month| month == name.as_bytes())?;
    i8::try_from(index + 1).ok()
}

/// Reads `01:48:27`.
fn clock_time(text: &str) -> Option<(i8, i8, i8)> {
    let (hour, rest) = text.split_once(':')?;
    let (minute, second) = rest.split_once(':')?;
    Some((hour.parse().ok()?, minute.parse().ok()?, second.parse().ok()?))
}

/// Reads `UTC`, `GMT`, `Z`, `+0200`, `GMT-06:00`. Other names of zones are ambiguous.
fn offset(zone: &str) -> Option<Offset> {
    if matches!(zone, "UTC" | "GMT" | "Z") {
        return Some(Offset::UTC);
    }
    let zone = zone.strip_prefix("UTC").or(zone.strip_prefix("GMT")).unwrap_or(zone);
    let (sign, digits) = match zone.split_at_checked(1)? {
        ("+", digits) => (1, digits),
        ("-", digits) => (-1, digits),
        _ => return None,
    };
    let (hours, minutes) =
        digits.split_once(':').or_else(|| digits.split_at_checked(digits.len().checked_sub(2)?))?;
    let number = |digits: &str| digits.parse().ok().filter(|number: &u8| *number < 60);
    let (hours, minutes) = (i32::from(number(hours)?), i32::from(number(minutes)?));
    Offset::from_seconds(sign * (hours * 3600 + minutes * 60)).ok()
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
    /// If the time is before 1970 or after 9999.
    fn try_from(time: SystemTime) -> Result<Self, Self::Error> {
        let since_epoch =
            time.duration_since(SystemTime::UNIX_EPOCH).map_err(|_| TimestampRangeError(()))?;
        i64::try_from(since_epoch.as_millis())
            .ok()
            .and_then(Self::from_millis)
            .ok_or(TimestampRangeError(()))
    }
}

/// Time before 1970 or after 9999, which is no [`Timestamp`].
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct TimestampRangeError(());

impl fmt::Display for TimestampRangeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("time out of range, expected the years 1970 to 9999")
    }
}

impl fmt::Debug for TimestampRangeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
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
    fn constants_are_built_at_compile_time() {
        const SENT: Option<Timestamp> = Timestamp::from_millis(1_554_321_848_997);
        const MILLIS: i64 = Timestamp::MAX.as_millis();
        assert_eq!(SENT, Some(Timestamp(1_554_321_848_997)));
        assert_eq!(MILLIS, 253_402_300_799_999);
    }

    #[test]
    fn arithmetic_stays_within_the_range() {
        let second = Duration::from_secs(1);
        let sent = Timestamp(1_554_321_848_997);
        assert_eq!(sent.checked_add(second), Some(Timestamp(1_554_321_849_997)));
        assert_eq!(sent.checked_sub(second), Some(Timestamp(1_554_321_847_997)));
        assert_eq!(sent.checked_add(Duration::from_micros(1_999)), Some(Timestamp(sent.0 + 1)));
        for too_long in [second, Duration::MAX] {
            assert_eq!(Timestamp::MAX.checked_add(too_long), None);
            assert_eq!(Timestamp::MAX.saturating_add(too_long), Timestamp::MAX);
            assert_eq!(Timestamp::MIN.checked_sub(too_long), None);
            assert_eq!(Timestamp::MIN.saturating_sub(too_long), Timestamp::MIN);
        }
    }

    #[test]
    fn duration_since_a_later_time_is_none() {
        let sent = Timestamp(1_554_321_848_997);
        let read = Timestamp(1_554_321_849_000);
        assert_eq!(read.checked_duration_since(sent), Some(Duration::from_millis(3)));
        assert_eq!(read.saturating_duration_since(sent), Duration::from_millis(3));
        assert_eq!(sent.checked_duration_since(read), None);
        assert_eq!(sent.saturating_duration_since(read), Duration::ZERO);
        assert_eq!(sent.checked_duration_since(sent), Some(Duration::ZERO));
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
    fn every_form_of_text_is_read() {
        for (text, millis) in [
            ("1554321848997", 1_554_321_848_997),
            (" 1554321848997\n", 1_554_321_848_997),
            ("2010-10-18T01:48:18.623Z", 1_287_366_498_623),
            ("2010-10-18T03:48:18.623+02:00", 1_287_366_498_623),
            ("\n2010-10-17T19:48:18-0600 ", 1_287_366_498_000),
            ("Mon Oct 18 01:48:27 UTC 2010", 1_287_366_507_000),
            ("Mon Oct 18 01:48:27 GMT 2010", 1_287_366_507_000),
            ("Mon Oct 18 03:48:27 +0200 2010", 1_287_366_507_000),
            ("Sun Oct 17 19:48:27 GMT-06:00 2010", 1_287_366_507_000),
            ("Oct 3, 2014 2:14:31 PM", 1_412_345_671_000),
            ("Oct 3, 2014, 2:14:31 PM", 1_412_345_671_000),
            ("Oct 3, 2014, 2:14:31\u{202f}PM", 1_412_345_671_000),
            ("Oct 3, 2014 12:14:31 AM", 1_412_295_271_000),
            ("Oct 3, 2014 12:14:31 PM", 1_412_338_471_000),
        ] {
            assert_eq!(Timestamp::from_text(text), Some(Timestamp(millis)), "{text}");
        }
    }

    #[test]
    fn what_is_no_date_is_none() {
        for text in [
            "",
            "yesterday",
            "-1",
            "2010-10-18",
            "2010-10-18T01:48:18",
            "Mon Oct 18 01:48:27 MST 2010",
            "Mon Oct 18 01:48:27 2010",
            "Mon Oct 18 01:48:27 + 2010",
            "Mon Oct 18 01:48:27 +9999 2010",
            "Mon Oct 18 01:48:27 +ä 2010",
            "Mon Oct 18 01:48:27 UTC 2010 or so",
            "Mon Oct 18 01:48:27 UTC 1969",
            "Oct 3, 2014 2:14:31",
            "Oct 33, 2014 2:14:31 PM",
            "Oct 3, 2014 -2:14:31 PM",
            "Okt 3, 2014 2:14:31 PM",
        ] {
            assert_eq!(Timestamp::from_text(text), None, "{text}");
        }
    }
}
