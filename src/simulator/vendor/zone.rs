//! Time zones, and days in them.

use std::time::Duration;

use jiff::civil::{Date, DateTime};
use jiff::tz::TimeZone;

use super::refusal::Refusal;
use crate::timestamp::Timestamp;

/// Returns the time zone of a name, as far as the system knows it.
pub(super) fn find(name: &str) -> Result<TimeZone, Refusal> {
    if matches!(name, "Etc/UTC" | "UTC" | "Etc/GMT" | "GMT") {
        return Ok(TimeZone::UTC);
    }
    TimeZone::get(name).map_err(|_| Refusal::malformed("unknown time zone"))
}

/// Side of a time window.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Side {
    Start,
    End,
}

/// Returns the first or the last moment of what a text names: a day in this zone, or one moment.
pub(super) fn moment(text: &str, zone: &TimeZone, side: Side) -> Option<Timestamp> {
    if let Ok(time) = text.parse::<jiff::Timestamp>() {
        return Timestamp::from_millis(time.as_millisecond());
    }
    if text.contains(['T', 't', ' ']) {
        return in_zone(text.parse().ok()?, zone);
    }
    let day: Date = text.parse().ok()?;
    match side {
        Side::Start => in_zone(day.at(0, 0, 0, 0), zone),
        Side::End => {
            match day.tomorrow().ok().and_then(|next| in_zone(next.at(0, 0, 0, 0), zone)) {
                Some(next) => next.checked_sub(Duration::from_millis(1)),
                // The calendar has no later day.
                None => Some(Timestamp::MAX),
            }
        }
    }
}

fn in_zone(time: DateTime, zone: &TimeZone) -> Option<Timestamp> {
    let time = zone.to_timestamp(time).ok()?;
    Timestamp::from_millis(time.as_millisecond())
}
