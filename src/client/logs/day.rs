//! Days, by which logs are asked for.

use std::fmt;
use std::str::FromStr;

use jiff::civil::Date;
use jiff::{SignedDuration, Span};

use crate::error::debug_is_text;
use crate::timestamp::Timestamp;

/// Day of the calendar, between the years 1970 and 9999.
///
/// ```
/// use snapengage::client::Day;
///
/// let last = Day::new(2026, 11, 30)?;
/// assert_eq!(last.next().to_string(), "2026-12-01");
/// assert_eq!("2026-11-01".parse::<Day>()?.days_until(last), 29);
/// assert!(Day::new(2026, 11, 31).is_err());
/// # Ok::<_, snapengage::client::DayError>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Day(Date);

impl Day {
    /// First day: 1970-01-01.
    pub const MIN: Self = Self(Date::constant(1970, 1, 1));

    /// Last day: 9999-12-31.
    pub const MAX: Self = Self(Date::constant(9999, 12, 31));

    /// Returns a day from its year, its month, 1 to 12, and its day of the month, 1 to 31.
    ///
    /// # Errors
    ///
    /// If there is no such day, or the year is before 1970 or after 9999.
    pub fn new(year: u16, month: u8, day: u8) -> Result<Self, DayError> {
        let date = || {
            let (month, day) = (month.try_into().ok()?, day.try_into().ok()?);
            Date::new(year.try_into().ok()?, month, day).ok()
        };
        date().map(Self).filter(|day| (Self::MIN..=Self::MAX).contains(day)).ok_or(DayError(()))
    }

    /// Returns the day of a time, in UTC.
    pub fn of(time: Timestamp) -> Self {
        let since_epoch = SignedDuration::from_millis(time.as_millis());
        Self(Self::MIN.0.checked_add(since_epoch).unwrap_or(Self::MAX.0))
    }

    /// Returns the day after, or [`MAX`](Self::MAX) after itself.
    pub fn next(self) -> Self {
        self.later(1)
    }

    /// Returns the day before, or [`MIN`](Self::MIN) before itself.
    pub fn previous(self) -> Self {
        Self(self.0.yesterday().unwrap_or(self.0)).max(Self::MIN)
    }

    /// Returns the number of days to a later one; of an earlier one, it is negative.
    pub fn days_until(self, other: Self) -> i64 {
        self.0.duration_until(other.0).as_hours() / 24
    }

    /// Returns the day so many days later, or [`MAX`](Self::MAX).
    pub(super) fn later(self, days: i64) -> Self {
        let span = Span::new().try_days(days);
        span.and_then(|span| self.0.checked_add(span)).map_or(Self::MAX, Self)
    }
}

impl FromStr for Day {
    type Err = DayError;

    /// Reads `2026-11-30`.
    fn from_str(text: &str) -> Result<Self, DayError> {
        let digits = text.bytes().enumerate().all(|(at, byte)| match at {
            4 | 7 => byte == b'-',
            _ => byte.is_ascii_digit(),
        });
        if !digits || text.len() != "2026-11-30".len() {
            return Err(DayError(()));
        }
        let number = |digits: &str| digits.parse().map_err(|_| DayError(()));
        let year = text[..4].parse().map_err(|_| DayError(()))?;
        Self::new(year, number(&text[5..7])?, number(&text[8..])?)
    }
}

impl fmt::Display for Day {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

impl fmt::Debug for Day {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Text or number that is no [`Day`].
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct DayError(());

impl fmt::Display for DayError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("no such day, expected one such as 2026-11-30, of the years 1970 to 9999")
    }
}

debug_is_text!(DayError);

impl std::error::Error for DayError {}
