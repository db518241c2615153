//! Agents: what they do at their seats.

use std::collections::BTreeMap;

use http::Method;
use serde::Deserialize;

use super::Face;
use super::asked::{Asked, one_of};
use super::extra::Wanted;
use super::overview::agent_row;
use super::refused::Refused;
use super::reply::FaceReply;
use crate::agent_status::Status;
use crate::simulator::lever::AgentSeat;
use crate::simulator::visit::BanKind;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NewStatus {
    status: String,
    sub_status: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct OfChat {
    case_id: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Saying {
    case_id: String,
    text: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Labelling {
    case_id: String,
    name: String,
    value: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Transfer {
    case_id: String,
    /// `agent` or `widget`, and whose it is.
    to: BTreeMap<String, String>,
}

enum Target {
    Agent(String),
    Widget(String),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Banning {
    case_id: String,
    what: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Asking {
    case_id: String,
    what: String,
}

impl Face {
    /// `/_/agents/{email}/{verb}`.
    pub(super) async fn agent_does(
        &self,
        asked: &Asked,
        email: &str,
        verb: &str,
    ) -> Result<FaceReply, Refused> {
        asked.only(&[Method::POST])?;
        let seat = self.simulator.agent(email);
        if seat.status().is_none() {
            return Err(Refused::unknown("agent"));
        }
        if verb == "status" {
            return self.set_status(asked, &seat, email).await;
        }
        let case = self.at_the_seat(asked, &seat, verb).await?;
        self.shown(&case)
    }

    async fn set_status(
        &self,
        asked: &Asked,
        seat: &AgentSeat,
        email: &str,
    ) -> Result<FaceReply, Refused> {
        let NewStatus { status, sub_status } = asked.json()?;
        let known =
            [("online", Status::Online), ("pause", Status::Pause), ("offline", Status::Offline)];
        let status = one_of("status", &status, known)?;
        seat.set_status(status, sub_status).await?;
        let row = agent_row(&self.simulator, email).ok_or_else(|| Refused::unknown("agent"))?;
        Ok(FaceReply::json(&row))
    }

    /// Does something in a chat, and returns its case.
    async fn at_the_seat(
        &self,
        asked: &Asked,
        seat: &AgentSeat,
        verb: &str,
    ) -> Result<String, Refused> {
        Ok(match verb {
            "take" => {
                let OfChat { case_id } = asked.json()?;
                seat.takes(&case_id).await?;
                case_id
            }
            "close" => {
                let OfChat { case_id } = asked.json()?;
                seat.closes(&case_id).await?;
                case_id
            }
            "say" => {
                let Saying { case_id, text } = asked.json()?;
                seat.says(&case_id, text).await?;
                case_id
            }
            "label" => {
                let Labelling { case_id, name, value } = asked.json()?;
                seat.labels(&case_id, name, value).await?;
                case_id
            }
            "transfer" => {
                let Transfer { case_id, to } = asked.json()?;
                match target(to)? {
                    Target::Agent(email) => seat.transfers_to_agent(&case_id, email).await?,
                    Target::Widget(widget) => seat.transfers_to_widget(&case_id, widget).await?,
                }
                case_id
            }
            "unlabel" => {
                let Labelling { case_id, name, value } = asked.json()?;
                seat.unlabels(&case_id, &name, &value).await?;
                case_id
            }
            "ban" => {
                let Banning { case_id, what } = asked.json()?;
                let known = [("visitor", BanKind::Visitor), ("ip", BanKind::Ip)];
                seat.bans(&case_id, one_of("what", &what, known)?).await?;
                case_id
            }
            "request" => {
                let Asking { case_id, what } = asked.json()?;
                seat.asks_for(&case_id, one_of("what", &what, Wanted::ALL)?).await?;
                case_id
            }
            _ => return Err(Refused::unknown("page")),
        })
    }
}

/// Reads where a chat is transferred to.
fn target(to: BTreeMap<String, String>) -> Result<Target, Refused> {
    let count = to.len();
    let target =
        to.into_iter().next().filter(|_| count == 1).and_then(|(kind, name)| match kind.as_str() {
            "agent" => Some(Target::Agent(name)),
            "widget" => Some(Target::Widget(name)),
            _ => None,
        });
    let met = match count {
        0 => "none",
        1 => "another field",
        _ => "several fields",
    };
    target.ok_or_else(|| {
        Refused::malformed(format!("`to`: expected one of `agent` and `widget`, found {met}"))
    })
}
