//! Visits: what visitors do, and how their chats stand.

use http::Method;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::Face;
use super::asked::{Asked, one_of};
use super::refused::Refused;
use super::reply::FaceReply;
use super::waiting::is_of;
use crate::bot::{Button, CommandError};
use crate::simulator::visit::{NewVisit, OfflineMessage, VisitRow, VisitView};
use crate::testing::mismatch::{kind, mismatch};

/// Highest score of a survey.
const BEST: u64 = 100;

/// Reasons that SnapEngage documents for a transfer that fails. One that nobody has documented is
/// likely to be a slip of the pen; who wants a bot to meet one sends it a `commandResult`.
const REASONS: [(&str, CommandError); 4] = [
    ("MISSING_PARAM", CommandError::MissingParam),
    ("WIDGET_NOT_FOUND", CommandError::WidgetNotFound),
    ("TRANSFER_NOT_ALLOWED", CommandError::TransferNotAllowed),
    ("NO_AGENTS_AVAILABLE", CommandError::NoAgentsAvailable),
];

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Say {
    text: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Click {
    text: String,
    id: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Email {
    email: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Rating {
    score: u64,
    comment: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct FailTransfer {
    error: String,
}

impl Face {
    /// `/_/visits`.
    pub(super) async fn visits(&self, asked: &Asked) -> Result<FaceReply, Refused> {
        asked.only(&[Method::GET, Method::POST])?;
        if asked.method == Method::POST {
            let case = self.simulator.start_visit(asked.json::<NewVisit>()?).await?;
            return self.shown(case.as_str());
        }
        let visits = self.simulator.visits().into_iter();
        Ok(FaceReply::json(&visits.map(VisitRow).collect::<Vec<_>>()))
    }

    /// `/_/visits/{case}`.
    pub(super) async fn visit(&self, asked: &Asked, case: &str) -> Result<FaceReply, Refused> {
        asked.only(&[Method::GET])?;
        let (wait, after) = (asked.wait()?, asked.number("after")?);
        let before = self.view(case)?;
        if let Some(wait) = wait {
            let view = || self.simulator.visit_view(case);
            // Of one who has seen some lines, nothing is missed between two requests.
            let is_news = |view: &VisitView| after.is_some_and(|after| has_news(view, after));
            let is_so = || view().is_none_or(|view| view != before || is_news(&view));
            self.wait_until(wait, |change| is_of(change, case), is_so).await;
        }
        self.shown(case)
    }

    /// `/_/visits/{case}/{verb}`.
    pub(super) async fn visitor_does(
        &self,
        asked: &Asked,
        case: &str,
        verb: &str,
    ) -> Result<FaceReply, Refused> {
        let simulator = &self.simulator;
        match verb {
            "say" => {
                let Say { text } = asked.posted()?;
                simulator.say(case, text).await?;
            }
            "click" => {
                let Click { text, id } = asked.posted()?;
                simulator.click(case, Button { text, id }).await?;
            }
            "email" => {
                let Email { email } = asked.posted()?;
                simulator.email(case, email).await?;
            }
            "survey" => {
                let Rating { score, comment } = asked.posted()?;
                self.rate(case, score, comment.as_deref()).await?;
            }
            "leave" => {
                asked.posted_nothing()?;
                simulator.leave(case).await?;
            }
            "event" => {
                let (event, fields) = any_event(asked.posted()?)?;
                simulator.send_event(case, &event, fields).await?;
            }
            "fail-transfer" => {
                let FailTransfer { error } = asked.posted()?;
                simulator.fail_next_transfer(case, one_of("error", &error, REASONS)?)?;
            }
            _ => return Err(Refused::unknown("page")),
        }
        self.shown(case)
    }

    pub(super) async fn rate(
        &self,
        case: &str,
        score: u64,
        comment: Option<&str>,
    ) -> Result<(), Refused> {
        let score = u8::try_from(score).ok().filter(|score| u64::from(*score) <= BEST);
        let malformed = || Refused::malformed(format!("`score`: expected 0 to {BEST}"));
        let score = score.ok_or_else(malformed)?;
        Ok(self.simulator.survey(case, score, comment).await?)
    }

    /// `POST /_/offline`.
    pub(super) async fn offline(&self, asked: &Asked) -> Result<FaceReply, Refused> {
        let case = self.simulator.offline_message(asked.posted::<OfflineMessage>()?).await?;
        Ok(FaceReply::json(&json!({ "case_id": case })))
    }

    pub(super) fn view(&self, case: &str) -> Result<VisitView, Refused> {
        self.simulator.visit_view(case).ok_or_else(|| Refused::unknown("chat"))
    }

    /// Answers with a visit as it is now.
    pub(super) fn shown(&self, case: &str) -> Result<FaceReply, Refused> {
        Ok(FaceReply::json(&self.view(case)?))
    }
}

/// Returns `true` for a visit with a line after this one.
pub(super) fn has_news(view: &VisitView, after: u64) -> bool {
    view.lines.last().is_some_and(|line| line.n > after)
}

/// Takes the name of an event from among its fields.
fn any_event(mut fields: Map<String, Value>) -> Result<(String, Map<String, Value>), Refused> {
    match fields.remove("event") {
        Some(Value::String(event)) => Ok((event, fields)),
        None => Err(Refused::malformed("missing field `event`")),
        Some(other) => {
            let problem = mismatch("a string", kind(&other));
            Err(Refused::malformed(format!("`event`: {problem}")))
        }
    }
}
