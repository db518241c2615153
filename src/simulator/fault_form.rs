//! Faults in JSON, as they come in and go out.

use std::time::SystemTime;

use http::StatusCode;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::delivery::{FEEDS, feed_named};
use super::fault::{Fault, FaultTrigger, Kind, RetryAfter, Target, When};
use crate::client::Operation;
use crate::timestamp::Timestamp;

/// Origin that a link or a redirect leads to if nobody chose one. There is no such host
/// (RFC 2606).
pub(super) const ELSEWHERE: &str = "https://elsewhere.invalid";

/// Object that stands for a fault. Unlike a payload of the vendor's it is written by people: a slip
/// in a name is theirs to know of.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Form {
    #[serde(skip_serializing_if = "Option::is_none")]
    call: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    feed: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    nth: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    every: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    p: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    seed: Option<u64>,
    #[serde(rename = "do")]
    does: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    status: Option<u16>,
    #[serde(skip_serializing_if = "Option::is_none")]
    retry_after: Option<Value>,
    #[serde(default, skip_serializing_if = "is_false")]
    html: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    ms: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    to: Option<String>,
    #[serde(default, skip_serializing_if = "is_false")]
    after_effect: bool,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes fields by reference")]
fn is_false(flag: &bool) -> bool {
    !*flag
}

impl TryFrom<Form> for Fault {
    type Error = String;

    fn try_from(mut form: Form) -> Result<Self, String> {
        let trigger = FaultTrigger { when: form.when()?, on: form.on()? };
        let kind = form.kind()?;
        if let Some(odd) = form.left_over() {
            return Err(format!("`{odd}` is not of `{}`", form.does));
        }
        let fault = Self { trigger, kind, is_after_effect: form.after_effect };
        match fault.mistake() {
            Some(mistake) => Err(mistake),
            None => Ok(fault),
        }
    }
}

impl Form {
    fn when(&self) -> Result<When, String> {
        match (self.nth, self.every, self.p, self.seed) {
            (Some(n @ 1..), None, None, None) => Ok(When::Nth(n)),
            (None, Some(n @ 1..), None, None) => Ok(When::Every(n)),
            (None, None, Some(p), Some(seed)) if (0.0..=1.0).contains(&p) => {
                Ok(When::P { p, seed })
            }
            _ => Err("expected `nth` or `every`, from 1, or `p`, 0 to 1, and `seed`".to_owned()),
        }
    }

    fn on(&self) -> Result<Option<Target>, String> {
        match (&self.call, &self.feed) {
            (None, None) => Ok(None),
            (Some(name), None) => {
                let mut all = Operation::ALL.into_iter();
                let call = all.find(|operation| operation.as_str() == name);
                let known = || unknown("call", Operation::ALL.iter().map(|call| call.as_str()));
                call.map(|call| Some(Target::Call(call))).ok_or_else(known)
            }
            (None, Some(name)) => {
                let feed = feed_named(name).map(|feed| Some(Target::Feed(feed)));
                feed.ok_or_else(|| unknown("feed", FEEDS.iter().map(|feed| feed.as_str())))
            }
            (Some(_), Some(_)) => Err("`call` and `feed` exclude each other".to_owned()),
        }
    }

    /// Takes what belongs to the fault.
    fn kind(&mut self) -> Result<Kind, String> {
        let to = |to: &mut Option<String>| to.take().unwrap_or_else(|| ELSEWHERE.to_owned());
        Ok(match self.does.as_str() {
            "status" => Kind::Status {
                status: status(self.status.take())?,
                retry_after: self
                    .retry_after
                    .take()
                    .map(|after| retry_after(&after))
                    .transpose()?,
                is_html: std::mem::take(&mut self.html),
            },
            "refuse" => Kind::Refuse,
            "reset" => Kind::Reset,
            "half" => Kind::Half,
            "stall" => Kind::Stall { ms: self.ms.take() },
            "slow" => Kind::Slow { ms: self.ms.take().ok_or("missing field `ms`")? },
            "cyclic-link" => Kind::CyclicLink,
            "foreign-link" => Kind::ForeignLink { to: to(&mut self.to) },
            "foreign-redirect" => Kind::ForeignRedirect { to: to(&mut self.to) },
            "error-in-200" => Kind::ErrorIn200,
            "drop" => Kind::Drop,
            "duplicate" => Kind::Duplicate,
            "reorder" => Kind::Reorder,
            _ => return Err(unknown("do", DEEDS.iter().copied())),
        })
    }

    /// Returns the name of a field that does not belong to the fault.
    fn left_over(&self) -> Option<&'static str> {
        let fields = [
            ("status", self.status.is_some()),
            ("retry_after", self.retry_after.is_some()),
            ("html", self.html),
            ("ms", self.ms.is_some()),
            ("to", self.to.is_some()),
        ];
        fields.into_iter().find_map(|(name, is_there)| is_there.then_some(name))
    }
}

/// Names of what a fault does.
const DEEDS: [&str; 13] = [
    "status",
    "refuse",
    "reset",
    "half",
    "stall",
    "slow",
    "cyclic-link",
    "foreign-link",
    "foreign-redirect",
    "error-in-200",
    "drop",
    "duplicate",
    "reorder",
];

fn unknown<'n>(what: &str, known: impl Iterator<Item = &'n str>) -> String {
    let known: Vec<_> = known.map(|name| format!("`{name}`")).collect();
    format!("unknown `{what}`, expected one of {}", known.join(", "))
}

fn status(status: Option<u16>) -> Result<StatusCode, String> {
    let status = status.and_then(|status| StatusCode::from_u16(status).ok());
    // An answer cannot begin with one that is not final (RFC 9110, 15.2).
    let status = status.filter(|status| !status.is_informational());
    status.ok_or_else(|| "`status` is not 200 to 999".to_owned())
}

fn retry_after(value: &Value) -> Result<RetryAfter, String> {
    let date = value.as_str().and_then(|text| httpdate::parse_http_date(text).ok());
    let date = date.and_then(|date| Timestamp::try_from(date).ok()).map(RetryAfter::Date);
    let seconds = value.as_u64().map(RetryAfter::Seconds);
    seconds.or(date).ok_or_else(|| "`retry_after` is neither seconds nor an HTTP date".to_owned())
}

impl From<Fault> for Form {
    fn from(fault: Fault) -> Self {
        let mut form = Self { after_effect: fault.is_after_effect, ..Self::default() };
        match fault.trigger.on {
            Some(Target::Call(call)) => form.call = Some(call.as_str().to_owned()),
            Some(Target::Feed(feed)) => form.feed = Some(feed.as_str().to_owned()),
            None => {}
        }
        match fault.trigger.when {
            When::Nth(n) => form.nth = Some(n),
            When::Every(n) => form.every = Some(n),
            When::P { p, seed } => (form.p, form.seed) = (Some(p), Some(seed)),
        }
        form.does = fault.kind.name().to_owned();
        match fault.kind {
            Kind::Status { status, retry_after, is_html } => {
                form.status = Some(status.as_u16());
                form.html = is_html;
                form.retry_after = retry_after.map(|after| match after {
                    RetryAfter::Seconds(seconds) => seconds.into(),
                    RetryAfter::Date(date) => {
                        httpdate::fmt_http_date(SystemTime::from(date)).into()
                    }
                });
            }
            Kind::Stall { ms } => form.ms = ms,
            Kind::Slow { ms } => form.ms = Some(ms),
            Kind::ForeignLink { to } | Kind::ForeignRedirect { to } => form.to = Some(to),
            _ => {}
        }
        form
    }
}
