//! `/_v/`: what the script in a developer's own page calls.
//!
//! Any origin may, as it may call the vendor's. A page sees the widgets, and of chats the ones that
//! it started: their keys cannot be guessed.

use std::collections::BTreeMap;
use std::hash::Hasher;
use std::time::Duration;

use http::Method;
use http::header::USER_AGENT;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use siphasher::sip128::{Hasher128, SipHasher13};

use super::Face;
use super::asked::Asked;
use super::refused::Refused;
use super::reply::FaceReply;
use super::visits::has_news;
use super::waiting::is_of;
use crate::bot::Button;
use crate::id::WidgetId;
use crate::integration::ChatEndedBy;
use crate::simulator::Simulator;
use crate::simulator::visit::{NewVisit, OfflineMessage, VisitLine, VisitState};

/// Address of all visitors who come by the script: that of the machine.
const HERE: &str = "127.0.0.1";

/// Secret that the keys of chats are made with. Another one after a reset: then there may be
/// another chat of the same case.
struct ChatKeys([u64; 2]);

impl ChatKeys {
    fn of(simulator: &Simulator) -> Self {
        Self(simulator.lock().chat_secret)
    }

    /// Returns the key of a chat, from which its case can be read again.
    fn key(&self, case: &str) -> String {
        format!("{case}.{:032x}", self.digest(case))
    }

    /// Returns the case of a chat, if it is that of the key.
    fn case<'k>(&self, key: &'k str) -> Result<&'k str, Refused> {
        let case = key.rsplit_once('.').map(|(case, _)| case);
        // Digests are compared: from how long that takes, nobody learns how a key goes on.
        let is_right = |case: &&str| self.digest(&self.key(case)) == self.digest(key);
        case.filter(is_right).ok_or_else(|| Refused::unknown("chat"))
    }

    fn digest(&self, text: &str) -> u128 {
        let mut hasher = SipHasher13::new_with_keys(self.0[0], self.0[1]);
        hasher.write(text.as_bytes());
        hasher.finish128().as_u128()
    }
}

#[derive(Serialize)]
struct WidgetInfo {
    name: String,
    online: bool,
    email_required: bool,
    message_required: bool,
    /// Name of who would answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    agent: Option<String>,
    widgets: Vec<Listed>,
    variables: Vec<String>,
}

#[derive(Serialize)]
struct Listed {
    id: WidgetId,
    name: String,
}

/// Visitor, as the script knows them.
#[derive(Deserialize)]
struct Starting {
    text: Option<String>,
    email: Option<String>,
    name: Option<String>,
    page_url: Option<String>,
    entry_url: Option<String>,
    referrer_url: Option<String>,
    locale: Option<String>,
    visitor: Option<String>,
    proactive_message: Option<String>,
    #[serde(default)]
    variables: BTreeMap<String, Value>,
}

#[derive(Deserialize)]
struct Leaving {
    email: String,
    text: String,
    #[serde(default)]
    variables: BTreeMap<String, Value>,
}

#[derive(Deserialize)]
struct Saying {
    text: String,
    #[serde(default)]
    hidden: bool,
}

#[derive(Deserialize)]
struct Clicking {
    text: String,
    id: Option<String>,
}

#[derive(Deserialize)]
struct Rating {
    score: u64,
    comment: Option<String>,
}

#[derive(Deserialize)]
struct Moving {
    page_url: String,
}

/// Chat as its visitor sees it.
#[derive(Serialize)]
struct View {
    state: VisitState,
    #[serde(skip_serializing_if = "Option::is_none")]
    agent: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    ended_by: Option<ChatEndedBy>,
    lines: Vec<VisitLine>,
    /// Key, of a chat that has just begun.
    #[serde(skip_serializing_if = "Option::is_none")]
    chat: Option<String>,
}

fn user_agent(asked: &Asked) -> Option<String> {
    Some(asked.head.headers.get(USER_AGENT)?.to_str().ok()?.to_owned())
}

impl Face {
    pub(super) async fn visitors(&self, asked: &Asked) -> Result<FaceReply, Refused> {
        match *asked.path().as_slice() {
            ["widgets", widget] => self.widget_info(asked, widget),
            ["widgets", widget, "chats"] => self.start(asked, widget).await,
            ["widgets", widget, "offline"] => self.leave_message(asked, widget).await,
            ["chats", key] => self.follow(asked, self.case_of(key)?).await,
            ["chats", key, verb] => self.in_chat(asked, self.case_of(key)?, verb).await,
            _ => Err(Refused::unknown("page")),
        }
    }

    fn case_of<'k>(&self, key: &'k str) -> Result<&'k str, Refused> {
        ChatKeys::of(&self.simulator).case(key)
    }

    fn widget_info(&self, asked: &Asked, id: &str) -> Result<FaceReply, Refused> {
        asked.only(&[Method::GET])?;
        let world = &self.simulator.lock();
        let widget = world.widgets.get(id).ok_or_else(|| Refused::unknown("widget"))?;
        let bot = widget.feeds.bot.as_ref().map(|_| widget.bot_alias().to_owned());
        let agent = || world.agent_online(widget).map(|agent| agent.alias);
        let widgets = world.widgets.values();
        let widgets = widgets
            .map(|widget| Listed { id: widget.id.clone(), name: widget.shown_name().to_owned() });
        Ok(FaceReply::json(&WidgetInfo {
            name: widget.shown_name().to_owned(),
            online: world.is_online(widget),
            email_required: widget.needs.email,
            message_required: widget.needs.message,
            agent: bot.or_else(agent),
            widgets: widgets.collect(),
            variables: widget.variables.clone(),
        }))
    }

    async fn start(&self, asked: &Asked, widget: &str) -> Result<FaceReply, Refused> {
        let starting: Starting = asked.posted()?;
        let case = self.simulator.start_visit(NewVisit {
            widget: Some(widget.into()),
            email: starting.email,
            name: starting.name,
            text: starting.text,
            page_url: starting.page_url,
            entry_url: starting.entry_url,
            referrer_url: starting.referrer_url,
            ip_address: Some(HERE.to_owned()),
            user_agent: user_agent(asked),
            locale: starting.locale,
            visitor: starting.visitor,
            variables: starting.variables,
            proactive_message: starting.proactive_message,
        });
        let case = case.await?;
        let view = View {
            chat: Some(ChatKeys::of(&self.simulator).key(case.as_str())),
            ..self.seen(&case, 0)?
        };
        Ok(FaceReply::json(&view))
    }

    async fn leave_message(&self, asked: &Asked, widget: &str) -> Result<FaceReply, Refused> {
        let Leaving { email, text, variables } = asked.posted()?;
        let message = OfflineMessage { widget: Some(widget.into()), email, text, variables };
        self.simulator.offline_message(message).await?;
        Ok(FaceReply::json(&json!({})))
    }

    /// Answers once the chat has changed, and after `wait` at the latest.
    async fn follow(&self, asked: &Asked, case: &str) -> Result<FaceReply, Refused> {
        asked.only(&[Method::GET])?;
        let (after, wait) = (asked.number("after")?.unwrap_or_default(), asked.wait()?);
        let before = self.view(case)?.state;
        let is_so = || {
            let view = self.simulator.visit_view(case);
            view.is_none_or(|view| view.state != before || has_news(&view, after))
        };
        let concerns = |change: &_| is_of(change, case);
        // One that has ended does not change any more.
        let wait = wait.filter(|_| before != VisitState::Closed).unwrap_or(Duration::ZERO);
        self.wait_until(wait, concerns, is_so).await;
        Ok(FaceReply::json(&self.seen(case, after)?))
    }

    async fn in_chat(&self, asked: &Asked, case: &str, verb: &str) -> Result<FaceReply, Refused> {
        let simulator = &self.simulator;
        match verb {
            "say" => {
                let Saying { text, hidden } = asked.posted()?;
                if hidden {
                    simulator.tell_agents(case, &text)?;
                } else {
                    simulator.say(case, text).await?;
                }
            }
            "click" => {
                let Clicking { text, id } = asked.posted()?;
                simulator.click(case, Button { text, id }).await?;
            }
            "survey" => {
                let Rating { score, comment } = asked.posted()?;
                self.rate(case, score, comment.as_deref()).await?;
            }
            "page" => {
                let Moving { page_url } = asked.posted()?;
                simulator.move_visitor(case, page_url)?;
            }
            "leave" => {
                asked.posted_nothing()?;
                simulator.leave(case).await?;
            }
            _ => return Err(Refused::unknown("page")),
        }
        let after = asked.number("after")?.unwrap_or_default();
        Ok(FaceReply::json(&self.seen(case, after)?))
    }

    /// Returns a chat as its visitor sees it, from behind a line on.
    fn seen(&self, case: impl AsRef<str>, after: u64) -> Result<View, Refused> {
        let view = self.view(case.as_ref())?;
        let is_theirs = |line: &VisitLine| line.n > after && !line.hidden;
        let agent = self.simulator.alias_in(&view);
        Ok(View {
            state: view.state,
            agent,
            ended_by: view.ended_by,
            lines: view.lines.into_iter().filter(is_theirs).collect(),
            chat: None,
        })
    }
}
