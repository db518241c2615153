//! Hours in which visitors of a widget can chat.

use std::fmt;

use serde::de::{Error as _, SeqAccess};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::Value;

#[cfg(feature = "contract")]
use crate::wire::described::{Definitions, Described};
use crate::wire::lenient::Lenient;
use crate::wire::model::model;
use crate::wire::open_set::open_set;

model! {
    /// Hours in which visitors of a widget can chat.
    ///
    /// A day may have several, for a break at noon or for shifts. What holds for a day that has
    /// none, SnapEngage does not say.
    ///
    /// ```
    /// use snapengage::client::{ConversationSchedule, DayOfWeek, TimeOfDay};
    ///
    /// const NINE: TimeOfDay = TimeOfDay::new(9, 0).expect("a time of day");
    /// const NOON: TimeOfDay = TimeOfDay::new(12, 0).expect("a time of day");
    ///
    /// let mornings =
    ///     ConversationSchedule::new("Europe/Berlin").open(DayOfWeek::Monday, NINE, NOON);
    /// assert_eq!(mornings.schedules[0].schedule_list.to_string(), "9:00 AM to 12:00 PM");
    /// ```
    ///
    /// See [SnapEngage docs/Provisioning API](https://developer.snapengage.com/#provisioning-api).
    pub struct ConversationSchedule {
        required {
            /// IANA name of the time zone: `Europe/Berlin`.
            pub time_zone: String = "timeZone",
        }
        /// Hours, day by day.
        pub schedules: Vec<ScheduledHours> = "schedules",
    }
}

impl ConversationSchedule {
    /// Adds hours of a day.
    ///
    /// What hours past midnight mean, SnapEngage does not say: two that meet there are clearer.
    #[must_use]
    pub fn open(mut self, day: DayOfWeek, start: TimeOfDay, end: TimeOfDay) -> Self {
        let mut hours = ScheduledHours::new(day, OpeningHours { start, end });
        hours.enabled = Some(true);
        self.schedules.push(hours);
        self
    }
}

model! {
    /// Hours of a day.
    ///
    /// See [SnapEngage docs/Provisioning API](https://developer.snapengage.com/#provisioning-api).
    pub struct ScheduledHours {
        required {
            /// Day of the week.
            pub day_of_week: DayOfWeek = "dayOfWeek",
            /// Start and end.
            pub schedule_list: OpeningHours = "scheduleList",
        }
        /// `true` if the hours count. What an absent value means, SnapEngage does not say.
        pub enabled: Option<bool> = "enabled",
    }
}

open_set! {
    /// Day of the week.
    pub enum DayOfWeek {
        /// Monday.
        Monday = "MONDAY",
        /// Tuesday.
        Tuesday = "TUESDAY",
        /// Wednesday.
        Wednesday = "WEDNESDAY",
        /// Thursday.
        Thursday = "THURSDAY",
        /// Friday.
        Friday = "FRIDAY",
        /// Saturday.
        Saturday = "SATURDAY",
        /// Sunday.
        Sunday = "SUNDAY",
    }
}

/// Start and end of opening hours: on the wire `["9:00 AM", "5:00 PM"]`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct OpeningHours {
    /// First time of the hours.
    pub start: TimeOfDay,
    /// Time at which they end.
    pub end: TimeOfDay,
}

impl OpeningHours {
    fn from_texts(texts: &[String]) -> Option<Self> {
        let [start, end] = texts else { return None };
        Some(Self { start: TimeOfDay::from_text(start)?, end: TimeOfDay::from_text(end)? })
    }
}

impl fmt::Display for OpeningHours {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} to {}", self.start, self.end)
    }
}

impl Lenient for OpeningHours {
    fn from_seq<'de, A: SeqAccess<'de>>(seq: A) -> Result<Result<Self, Value>, A::Error> {
        let read = Vec::<String>::from_seq(seq)?;
        Ok(read.and_then(|texts| Self::from_texts(&texts).ok_or_else(|| texts.into())))
    }
}

#[cfg(feature = "contract")]
impl Described for OpeningHours {
    fn schema(_: &mut Definitions) -> Value {
        let pattern = r"^\s*(0?[1-9]|1[0-2]):[0-5][0-9]\s*[AaPp][Mm]\s*$";
        let time = serde_json::json!({ "type": "string", "pattern": pattern });
        serde_json::json!({ "type": "array", "items": time, "minItems": 2, "maxItems": 2 })
    }
}

impl Serialize for OpeningHours {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        [self.start.to_string(), self.end.to_string()].serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for OpeningHours {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let texts = Vec::deserialize(deserializer)?;
        Self::from_texts(&texts).ok_or_else(|| D::Error::custom("expected two times of day"))
    }
}

/// Time of day, to the minute. As text it is in the form of SnapEngage, `h:mm AM/PM`.
///
/// ```
/// use snapengage::client::TimeOfDay;
///
/// let closing = TimeOfDay::new(17, 30).expect("a time of day");
/// assert_eq!(closing.to_string(), "5:30 PM");
/// assert_eq!(TimeOfDay::new(24, 0), None);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TimeOfDay {
    hour: u8,
    minute: u8,
}

impl TimeOfDay {
    /// Returns a time of day: hours from 0 to 23, minutes from 0 to 59, and `None` for others.
    pub const fn new(hour: u8, minute: u8) -> Option<Self> {
        if hour > 23 || minute > 59 {
            return None;
        }
        Some(Self { hour, minute })
    }

    fn from_text(text: &str) -> Option<Self> {
        let (hour, rest) = text.trim().split_once(':')?;
        let (minute, half) = rest.split_at_checked(2)?;
        let is_number = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
        if !is_number(hour) || !is_number(minute) {
            return None;
        }
        let hour = hour.parse().ok().filter(|hour: &u8| (1..=12).contains(hour))?;
        let afternoon = match half.trim() {
            half if half.eq_ignore_ascii_case("AM") => 0,
            half if half.eq_ignore_ascii_case("PM") => 12,
            _ => return None,
        };
        Self::new(hour % 12 + afternoon, minute.parse().ok()?)
    }
}

impl fmt::Display for TimeOfDay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let hour = if self.hour.is_multiple_of(12) { 12 } else { self.hour % 12 };
        let half = if self.hour < 12 { "AM" } else { "PM" };
        write!(f, "{hour}:{:02} {half}", self.minute)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_minute_is_read_back_from_its_text() {
        for minutes in 0..24 * 60_u16 {
            let [hour, minute] = [minutes / 60, minutes % 60].map(|part| part.to_le_bytes()[0]);
            let time = TimeOfDay::new(hour, minute).expect("a time of day");
            assert_eq!(TimeOfDay::from_text(&time.to_string()), Some(time));
        }
    }

    #[test]
    fn times_are_in_the_form_of_the_vendor() {
        for (hour, minute, text) in
            [(0, 0, "12:00 AM"), (9, 5, "9:05 AM"), (12, 0, "12:00 PM"), (23, 59, "11:59 PM")]
        {
            let time = TimeOfDay::new(hour, minute).expect("a time of day");
            assert_eq!(time.to_string(), text);
        }
    }

    #[test]
    fn other_texts_are_no_times() {
        for text in [
            "",
            ":",
            "9 AM",
            "9:00",
            "0:00 AM",
            "13:00 PM",
            "9:60 AM",
            "9:0 AM",
            "+9:00 AM",
            "9:+0 AM",
            "9:00 XM",
            "9:00 AM PM",
            "9:0é AM",
            "999:00 AM",
        ] {
            assert_eq!(TimeOfDay::from_text(text), None, "{text}");
        }
    }
}
