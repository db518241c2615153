//! Subject of a request: its event, and its API where no route tells it.

use serde_json::{Map, Value};

use super::exchange::{Exchange, OTHER};
use crate::api::Api;
use crate::contact::Query;
use crate::id::CaseId;
use crate::integration::SupportRequest;
use crate::receiver::documented::is_documented;

/// Returns the event of a request under its documented name; `look-up` for Get Contact, and `other`
/// for what is not documented: a file is not named after a word of the caller's.
pub(super) fn event(api: Option<Api>, name: &str) -> &str {
    match api {
        Some(Api::Contact) => LOOK_UP,
        Some(api) if is_documented(api, name) => name,
        _ => OTHER,
    }
}

const LOOK_UP: &str = "look-up";

/// Fills in what no route has told: API, event and case by the form of the request.
#[cfg_attr(not(feature = "client"), allow(dead_code, reason = "in process, the route tells"))]
pub(super) fn complete(exchange: &mut Exchange) {
    let told = Told::of(exchange).unwrap_or_default();
    exchange.api = told.api;
    exchange.event = event(told.api, &told.event).to_owned();
    exchange.case_id = told.case_id;
}

#[derive(Debug, Default, PartialEq)]
struct Told {
    api: Option<Api>,
    event: String,
    case_id: Option<CaseId>,
}

impl Told {
    fn of(exchange: &Exchange) -> Option<Self> {
        match exchange.method() {
            "GET" | "HEAD" => {
                let (_, query) = exchange.target().split_once('?')?;
                let query = Query::from_query(query).ok()?;
                Some(Self { api: Some(Api::Contact), case_id: query.case_id, ..Self::default() })
            }
            "POST" => {
                let text = String::from_utf8_lossy(exchange.body());
                let text = text.trim_start_matches('\u{feff}').trim_ascii_start();
                if text.starts_with('<') { Some(Self::of_xml(text)) } else { Self::of_json(text) }
            }
            _ => None,
        }
    }

    fn of_xml(text: &str) -> Self {
        let api = Some(Api::Integration);
        match SupportRequest::from_xml(text.as_bytes()) {
            Ok(request) => {
                let event = request.kind.map(|kind| kind.as_str().to_owned()).unwrap_or_default();
                Self { api, event, case_id: Some(request.id) }
            }
            Err(_) => Self { api, ..Self::default() },
        }
    }

    /// Tells the APIs apart by the names of the fields.
    fn of_json(text: &str) -> Option<Self> {
        let fields: Map<String, Value> = serde_json::from_str(text).ok()?;
        let text = |name| fields.get(name).and_then(Value::as_str);
        let has = |names: &[&str]| names.iter().any(|name| fields.contains_key(*name));
        let (api, event, id) = if has(&["event"]) {
            let name = text("event").unwrap_or_default();
            let is_of_agents = has(&["agent_id", "agent_email", "agent_alias", "widget_name"]);
            let is_of_bot = event(Some(Api::Bot), name) != OTHER || !is_of_agents;
            let is_of_feed = event(Some(Api::Conversation), name) != OTHER || !is_of_bot;
            (if is_of_feed { Api::Conversation } else { Api::Bot }, name, "case_id")
        } else if has(&["status"]) && has(&["agent_id"]) {
            (Api::AgentStatus, text("status").unwrap_or_default(), "")
        } else if has(&["id"])
            && has(&["type", "requested_by", "transcripts", "created_at_seconds"])
        {
            (Api::Integration, text("type").unwrap_or_default(), "id")
        } else {
            return None;
        };
        let case_id = text(id).map(CaseId::from);
        Some(Self { api: Some(api), event: event.to_owned(), case_id })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::exchange::RecordedMessage;
    use crate::testing::samples;

    fn exchange(start_line: &str, body: &'static [u8]) -> Exchange {
        let start_line = start_line.to_owned();
        let body = body.into();
        let request = RecordedMessage { start_line, body, ..RecordedMessage::default() };
        Exchange::of(request)
    }

    #[test]
    fn every_sample_is_told_by_its_form() {
        for sample in samples() {
            let query = sample.query().map(|query| format!("?{query}")).unwrap_or_default();
            let line = format!("{} /hook{query} HTTP/1.1", sample.method());
            let mut exchange = exchange(&line, sample.body());
            complete(&mut exchange);
            assert_eq!(exchange.api, Some(sample.api()), "{sample:?}");
            assert!(exchange.case_id.is_some() || sample.api() == Api::AgentStatus, "{sample:?}");
            // What comes in XML has no type.
            let ends = ["unknown-event.json", "unknown-status.json", ".xml"];
            let is_other = ends.iter().any(|end| sample.name().ends_with(end));
            assert_eq!(exchange.event == OTHER, is_other, "{sample:?} {}", exchange.event);
        }
    }

    #[test]
    fn what_is_none_of_the_five_is_other() {
        for (line, body) in [
            ("GET /favicon.ico HTTP/1.1", &b""[..]),
            ("GET /hook?page=1 HTTP/1.1", b""),
            ("PUT /hook HTTP/1.1", br#"{"event":"message"}"#),
            ("POST /hook HTTP/1.1", br#"{"id":"c"}"#),
            ("POST /hook HTTP/1.1", br#"["event"]"#),
            ("POST /hook HTTP/1.1", b"event=message"),
        ] {
            let mut exchange = exchange(line, body);
            complete(&mut exchange);
            assert_eq!((exchange.api, &*exchange.event), (None, OTHER), "{line}");
        }
    }
}
