//! Opening hours of a widget, as they are sent.

use serde_json::Value;

use super::fields::Fields;
use super::refusal::Refusal;
use super::zone;

const DAYS: &[&str] =
    &["MONDAY", "TUESDAY", "WEDNESDAY", "THURSDAY", "FRIDAY", "SATURDAY", "SUNDAY"];

/// Checks opening hours, and returns them as they are.
pub(super) fn check(mut schedule: Fields) -> Result<Value, Refusal> {
    zone::find(&schedule.required("timeZone")?)?;
    let sent = schedule.clone().into_value();
    for day in schedule.objects("schedules")? {
        check_day(&day)?;
    }
    Ok(sent)
}

fn check_day(day: &Fields) -> Result<(), Refusal> {
    if !DAYS.contains(&day.required("dayOfWeek")?.as_str()) {
        return Err(Refusal::malformed("`dayOfWeek` is not a day in capitals"));
    }
    day.flag("enabled")?;
    match day.value("scheduleList").and_then(Value::as_array).map(Vec::as_slice) {
        Some([Value::String(start), Value::String(end)]) if is_time(start) && is_time(end) => {
            Ok(())
        }
        _ => Err(Refusal::malformed("`scheduleList` is not a start and an end: \"9:00 AM\"")),
    }
}

/// Returns `true` for `9:00 AM`, `12:00 PM`.
fn is_time(text: &str) -> bool {
    let Some((hour, rest)) = text.split_once(':') else { return false };
    let minute = rest.strip_suffix(" AM").or(rest.strip_suffix(" PM"));
    let number = |text: &str| text.parse::<u8>().ok().filter(|_| !text.starts_with('+'));
    let is_hour = number(hour).is_some_and(|hour| (1..=12).contains(&hour));
    let is_minute = |text: &str| text.len() == 2 && number(text).is_some_and(|minute| minute < 60);
    is_hour && minute.is_some_and(is_minute)
}
