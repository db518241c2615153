//! Repeats: what may be sent again, after what, and when.

use std::time::{Duration, SystemTime};

use http::header::RETRY_AFTER;
use http::{HeaderMap, StatusCode};

use super::operation::Operation;
use crate::clock;
use crate::timestamp::Timestamp;

/// Rule of a call. No call has an idempotency key, so one whose answer was lost may have been done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Repeat {
    /// A second one does no harm: it reads, or sets a whole state.
    Always,
    /// A second one creates a second user, widget or chat, or shows the agent a line twice.
    IfUnsent,
}

impl Operation {
    pub(super) fn repeat(self) -> Repeat {
        match self {
            Self::CreateUser | Self::CreateWidget | Self::StartChat | Self::Say => Repeat::IfUnsent,
            Self::SetAgentStatus
            | Self::Logs
            | Self::File
            | Self::GetUser
            | Self::UpdateUser
            | Self::DeleteUser
            | Self::GetWidget
            | Self::UpdateWidget
            | Self::DeleteWidget
            | Self::ChatAvailability
            | Self::CloseChat
            | Self::Poll
            | Self::Availability => Repeat::Always,
            // Segment knows an event that comes again by its id.
            #[cfg(feature = "segment")]
            Self::SegmentBatch => Repeat::Always,
        }
    }

    pub(super) fn is_delete(self) -> bool {
        matches!(self, Self::DeleteUser | Self::DeleteWidget)
    }
}

/// Prospect of a further attempt, after one that failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Prospect {
    /// Nothing was done: no connection was made, or there were too many requests.
    NotDone,
    /// It may have been done, and may succeed later.
    PerhapsDone,
    /// It would fail again.
    Hopeless,
}

impl Prospect {
    pub(super) fn of_status(status: StatusCode) -> Self {
        match status {
            StatusCode::TOO_MANY_REQUESTS => Self::NotDone,
            StatusCode::REQUEST_TIMEOUT => Self::PerhapsDone,
            status if status.is_server_error() => Self::PerhapsDone,
            _ => Self::Hopeless,
        }
    }

    pub(super) fn allows(self, repeat: Repeat) -> bool {
        match self {
            Self::NotDone => true,
            Self::PerhapsDone => repeat == Repeat::Always,
            Self::Hopeless => false,
        }
    }
}

/// Returns the wait that an answer asks for, in seconds or until a date, a day at most.
pub(super) fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    const LONGEST: Duration = Duration::from_secs(24 * 60 * 60);
    let text = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    let wait = if text.bytes().all(|byte| byte.is_ascii_digit()) && !text.is_empty() {
        Duration::from_secs(text.parse().unwrap_or(u64::MAX))
    } else {
        let date: SystemTime = httpdate::parse_http_date(text).ok()?;
        Timestamp::try_from(date).ok()?.saturating_duration_since(clock::now())
    };
    Some(wait.min(LONGEST))
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    fn wait(value: &str) -> Option<u64> {
        let value = HeaderValue::from_str(value).expect("a value");
        retry_after(&HeaderMap::from_iter([(RETRY_AFTER, value)])).map(|wait| wait.as_secs())
    }

    #[tokio::test(start_paused = true)]
    async fn a_wait_is_in_seconds_or_until_a_date() {
        assert_eq!(wait("120"), Some(120));
        assert_eq!(wait("0"), Some(0));
        let soon = SystemTime::now() + Duration::from_secs(90);
        let seconds = wait(&httpdate::fmt_http_date(soon)).expect("a date");
        assert!((88..=90).contains(&seconds), "{seconds} of 90 seconds");
        assert_eq!(wait("Thu, 01 Jan 1970 00:00:00 GMT"), Some(0));
    }

    #[test]
    fn no_wait_is_longer_than_a_day() {
        assert_eq!(wait("99999999999999999999999"), Some(86_400));
        assert_eq!(wait("100000"), Some(86_400));
    }

    #[test]
    fn what_is_neither_is_no_wait() {
        for odd in ["", "soon", "-5", "1.5", "5 s", "Thu, 99 Jan 1970"] {
            assert_eq!(wait(odd), None, "{odd}");
        }
        assert_eq!(retry_after(&HeaderMap::new()), None);
    }

    #[test]
    fn only_creates_and_messages_are_not_repeated() {
        let rules = Operation::ALL.map(|call| (call, call.repeat()));
        let unsafe_ones = rules.iter().filter(|(_, repeat)| *repeat == Repeat::IfUnsent);
        let names: Vec<_> = unsafe_ones.map(|(call, _)| call.as_str()).collect();
        assert_eq!(names, ["user-create", "widget-create", "chat-start", "chat-say"]);
    }
}
