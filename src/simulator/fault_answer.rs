//! Faults carried out: the answers that they put in place of others.

use http::header::{LOCATION, RETRY_AFTER};
use http::{HeaderValue, StatusCode};
use serde_json::Value;

use super::fault::{Kind, RetryAfter};
use super::vendor::answer::Answer;
use super::vendor::call::Call;
use super::vendor::{gson, logs};

impl Kind {
    /// Returns the name, as JSON has it.
    pub(super) fn name(&self) -> &'static str {
        match self {
            Self::Status { .. } => "status",
            Self::Refuse => "refuse",
            Self::Reset => "reset",
            Self::Half => "half",
            Self::Stall { .. } => "stall",
            Self::Slow { .. } => "slow",
            Self::CyclicLink => "cyclic-link",
            Self::ForeignLink { .. } => "foreign-link",
            Self::ForeignRedirect { .. } => "foreign-redirect",
            Self::ErrorIn200 => "error-in-200",
            Self::Drop => "drop",
            Self::Duplicate => "duplicate",
            Self::Reorder => "reorder",
        }
    }

    /// Returns the answer in place of the vendor's; `None` if the vendor's own is sent.
    pub(super) fn answer(&self, call: &Call) -> Option<Answer> {
        match self {
            Self::ForeignRedirect { to } => Some(redirect(&call.address_at(to))),
            _ => self.feed_answer(),
        }
    }

    /// Returns the answer in place of a feed's; `None` if the feed's own counts.
    pub(super) fn feed_answer(&self) -> Option<Answer> {
        match self {
            Self::Status { status, retry_after, is_html } => {
                let mut answer = if *is_html { page(*status) } else { error(*status) };
                let after = retry_after.and_then(RetryAfter::header);
                answer.headers.extend(after.map(|after| (RETRY_AFTER, after)));
                Some(answer)
            }
            Self::ForeignRedirect { to } => Some(redirect(to)),
            Self::ErrorIn200 => Some(Answer::error_in_200(500, "something went wrong")),
            _ => None,
        }
    }

    /// Returns the link that takes the place of that in a page of the logs.
    pub(super) fn link(&self, call: &Call) -> Option<String> {
        match self {
            Self::CyclicLink => Some(call.first_page()),
            Self::ForeignLink { to } => Some(call.address_at(to)),
            _ => None,
        }
    }
}

fn redirect(to: &str) -> Answer {
    let mut answer = Answer::empty(StatusCode::FOUND);
    answer.headers.extend(HeaderValue::try_from(to).ok().map(|to| (LOCATION, to)));
    answer
}

fn error(status: StatusCode) -> Answer {
    let reason = status.canonical_reason().unwrap_or("error");
    let body = serde_json::json!({ "code": status.as_u16(), "message": reason });
    Answer::json(status, &body)
}

fn page(status: StatusCode) -> Answer {
    let html = HeaderValue::from_static("text/html; charset=UTF-8");
    let body = format!("<html><head><title>{status}</title></head><body>{status}</body></html>\n");
    Answer::new(status, html, body.into())
}

impl RetryAfter {
    fn header(self) -> Option<HeaderValue> {
        match self {
            Self::Seconds(seconds) => Some(seconds.into()),
            Self::Date(date) => httpdate::fmt_http_date(date.into()).try_into().ok(),
        }
    }
}

/// Puts another link into a page of the logs; any other answer stays as it is.
pub(super) fn relink(answer: Answer, link: String) -> Answer {
    let Ok(Value::Object(mut page)) = serde_json::from_slice(&answer.body) else { return answer };
    if !page.contains_key(logs::LINK) {
        return answer;
    }
    page.insert(logs::LINK.to_owned(), link.into());
    Answer { body: gson::write(&page), ..answer }
}
