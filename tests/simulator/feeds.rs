//! Feeds: what each is sent, in the vendor's form.

use std::collections::BTreeSet;

use http::StatusCode;
use serde_json::{Value, json};
use snapengage::agent_status::{self, Status};
use snapengage::client::{Client, OrgId, Presence, Secret};
use snapengage::integration::{Sender, SupportRequest};
use snapengage::simulator::{
    IntegrationForm, OfflineMessage, SimulatedAgent, SimulatedVisit, Simulator, VisitState,
};
use snapengage::{Api, contact, conversation};

use crate::ask::*;
use crate::stage::*;

fn with_humans() -> Simulator {
    stage(human(IntegrationForm::Json)).build().expect("no mistakes")
}

/// A chat with Jane that a bot began, with all that can be in one.
async fn whole_chat(simulator: &Simulator) -> SimulatedVisit {
    let visit = simulator.visit("sales").email("v@example.com").name("Vi & <Co>");
    let visit = visit.page_url("https://example.com/?a=1&b=]]>").referrer_url("https://r.example");
    let visit = visit.entry_url("https://e.example").locale("en-US,en;q=0.8").user_agent("Mozilla");
    let visit = visit.variable("plan", "gold").start("Hello <b>&amp;</b> ]]> \u{1}").await;
    bot_commands(&visit, "GOTO", r#""https://example.com/""#).await;
    bot_commands(&visit, "CARDS", r#"{"layout":"VERTICAL","cards":[{"title":"T"}]}"#).await;
    bot_commands(&visit, "LABEL", r#""[{\"kind\": [\"new & old\"]}]""#).await;
    bot_commands(&visit, "DANCE", "").await;
    bot_commands(&visit, "HUMAN_TRANSFER", "").await;
    let jane = simulator.agent(JANE);
    jane.takes(&visit).await.expect("a chat that waits");
    jane.says(&visit, "Hi\r\nthere").await.expect("her chat");
    jane.labels(&visit, "mood", "fine").await.expect("her chat");
    visit.survey(75, "really helpful").await.leaves().await;
    visit
}

#[tokio::test(start_paused = true)]
async fn every_event_of_a_conversation_is_told() {
    let simulator = stage(human(IntegrationForm::Json));
    let simulator = simulator.agent(SimulatedAgent::new("carl@example.com")).build();
    let simulator = simulator.expect("no mistakes");
    let visit = simulator.visit("sales").start("Hello").await;
    visit.assert_state(VisitState::Queued);
    let jane = simulator.agent(JANE);
    jane.takes(&visit).await.expect("a chat that waits");
    jane.says(&visit, "Hi").await.expect("her chat");
    jane.says(&visit, "What is it about?").await.expect("her chat");
    jane.labels(&visit, "chatType", "new chat").await.expect("her chat");
    jane.transfers_to_agent(&visit, "wc:carl@example.com").await.expect("Carl is there");
    visit.assert_state(VisitState::Queued);
    simulator.agent("carl@example.com").takes(&visit).await.expect("a chat that waits");
    visit.survey(75, "really helpful").await.leaves().await;
    let deliveries = simulator.delivered(Api::Conversation);
    deliveries.assert_accepted().assert_events([
        "caseBroadcasted",
        "caseQueued",
        "caseAssigned",
        "caseResponded",
        "caseLabeled",
        "caseTransferred",
        "caseAssigned",
        "caseSurveyed",
        "caseClosed",
    ]);
    let bodies = deliveries.bodies();
    let agents: Vec<_> = bodies.iter().map(|body| body["agent_id"].as_str()).collect();
    let (jane, carl) = (Some("wc:jane@example.com"), Some("wc:carl@example.com"));
    assert_eq!(agents, [None, None, jane, jane, jane, jane, carl, carl, carl]);
    let expected = json!({
        "widget_id": "sales", "widget_name": "Sales", "case_id": visit.case_id(),
        "agent_id": "wc:jane@example.com", "agent_email": "jane@example.com",
        "agent_alias": "Jane", "event": "caseLabeled", "timestamp": 1_767_603_605_000_i64,
        "label": {"value": "new chat", "name": "chatType"},
    });
    assert_eq!(bodies[4], expected);
    let survey = (&bodies[7]["survey_score"], &bodies[7]["survey_comment"]);
    assert_eq!(survey, (&json!(75), &json!("really helpful")));
    for record in deliveries.records() {
        let body = record.request.body.as_bytes();
        let event = conversation::Event::from_json(body).expect("an event");
        assert!(event.extra.is_empty(), "{event:?}");
        let written = serde_json::to_value(&event).expect("JSON");
        assert_eq!(written, serde_json::from_slice::<Value>(body).expect("JSON"));
    }
}

#[tokio::test(start_paused = true)]
async fn conversation_with_one_agent_is_not_broadcast() {
    let simulator = with_humans();
    simulator.visit("sales").start("Hello").await.leaves().await;
    simulator.delivered(Api::Conversation).assert_events(["caseQueued", "caseClosed"]);
    simulator.delivered(Api::Bot).assert_count(0);
}

#[tokio::test(start_paused = true)]
async fn statuses_are_told_whoever_sets_them() {
    let simulator = on_stage();
    let jane = simulator.agent(JANE);
    jane.offline().await.expect("Jane");
    jane.set_status(Status::Pause, Some("Gone to lunch".to_owned())).await.expect("Jane");
    let client = Client::builder().transport(simulator.clone()).build().expect("a client");
    let account = client.account(Secret::new("local-api-token"), OrgId::from(5_406_213));
    account.set_agent_status(JANE, Presence::Online).await.expect("set");
    simulator.settled().await;
    let deliveries = simulator.delivered(Api::AgentStatus);
    deliveries.assert_count(3).assert_accepted();
    let expected = json!({
        "org": 5_406_213, "agent_id": "wc:jane@example.com", "status": "pause",
        "sub_status": "Gone to lunch", "timestamp": 1_767_603_602_000_i64,
    });
    assert_eq!(deliveries.bodies()[1], expected);
    for (record, status) in deliveries.records().iter().zip(["offline", "pause", "online"]) {
        let body = record.request.body.as_bytes();
        let update = agent_status::StatusChange::from_json(body).expect("an update");
        assert_eq!(update.status.as_str(), status);
        assert!(update.extra.is_empty(), "{update:?}");
    }
    let nobody = simulator.agent("nobody@example.com").set_status(Status::Pause, None).await;
    assert_eq!(nobody.expect_err("nobody").status(), StatusCode::NOT_FOUND);
    simulator.delivered(Api::AgentStatus).assert_count(3);
}

#[tokio::test(start_paused = true)]
async fn contact_is_looked_up_when_an_address_is_known() {
    let simulator = on_stage();
    let visit = simulator.visit("sales").start("Hello").await;
    simulator.delivered(Api::Contact).assert_count(0);
    visit.gives_email("v+x@example.com").await;
    let visitor =
        simulator.visit("sales").email("w@example.com").page_url("https://x.example/?a=b c");
    visitor.open().await;
    let deliveries = simulator.delivered(Api::Contact);
    deliveries.assert_count(2).assert_accepted();
    let records = deliveries.records();
    let case = visit.case_id();
    let expected =
        format!("/contact/<secret>?email=v%2Bx%40example.com&ip=198.18.0.1&url=&caseId={case}");
    assert_eq!(records[0].url, expected);
    assert_eq!(records[0].request.body, "");
    assert!(!records[0].request.headers.contains_key("authorization"));
    let answer = records[0].response.as_ref().expect("an answer");
    assert_eq!(answer.body, "v+x@example.com is known");
    let query = records[1].url.split_once('?').expect("a query").1;
    let query = contact::Query::from_query(query).expect("a query");
    assert_eq!(query.url.as_deref(), Some("https://x.example/?a=b c"));
    assert!(query.extra.is_empty());
}

/// The names of the fields, and whether they are texts, numbers and so on; `[]` stands for any item.
fn shape(value: &Value, path: &str, shapes: &mut BTreeSet<String>) {
    match value {
        Value::Object(fields) => {
            fields.iter().for_each(|(name, value)| shape(value, &format!("{path}.{name}"), shapes));
        }
        Value::Array(items) => {
            items.iter().for_each(|item| shape(item, &format!("{path}[]"), shapes));
        }
        Value::String(_) => drop(shapes.insert(format!("{path}: text"))),
        Value::Number(_) => drop(shapes.insert(format!("{path}: number"))),
        Value::Bool(_) => drop(shapes.insert(format!("{path}: boolean"))),
        Value::Null => drop(shapes.insert(format!("{path}: null"))),
    }
}

fn shapes(json: &str) -> BTreeSet<String> {
    let mut shapes = BTreeSet::new();
    shape(&serde_json::from_str(json).expect("JSON"), "", &mut shapes);
    shapes
}

#[tokio::test(start_paused = true)]
async fn finished_chat_is_handed_in_as_documented_json() {
    let simulator = on_stage();
    let visit = whole_chat(&simulator).await;
    let deliveries = simulator.delivered(Api::Integration);
    deliveries.assert_count(1).assert_accepted();
    let record = &deliveries.records()[0];
    assert_eq!(record.request.headers["content-type"], "application/json; charset=utf-8");
    assert_eq!(record.request.headers["authorization"], "<redacted>");
    let body = &record.request.body;
    let sample = include_str!("../../sample-payloads/integration/chat.json");
    let mut documented = shapes(sample);
    documented.extend([".survey_score: number".into(), ".survey_comments: text".into()]);
    let odd: Vec<_> = shapes(body).difference(&documented).cloned().collect();
    assert!(odd.is_empty(), "{odd:?}");
    assert!(
        body.contains(r"Hello \u003cb\u003e\u0026amp;\u003c/b\u003e ]]\u003e \u0001"),
        "{body}"
    );
    let case = SupportRequest::from_json(body.as_bytes()).expect("a case");
    assert!(case.extra.is_empty());
    let read = serde_json::to_value(&case).expect("JSON");
    assert_eq!(read, without_empty(deliveries.bodies().remove(0)));
    let json = &deliveries.bodies()[0];
    assert_eq!(json["created_at_date"], "Jan 5, 2026 9:00:01 AM");
    assert_eq!((&json["chat_ended_by"], &json["source_id"]), (&json!("visitor"), &json!(2)));
    assert_eq!(json["labels"][1], json!({"name": "mood", "value": "fine"}));
    assert_eq!(json["javascript_variables"], json!([{"name": "plan", "value": "gold"}]));
    assert_eq!((&json["survey_score"], &json["widget_id"]), (&json!(75), &json!("sales")));
    same_lines(&case, &visit, true);
}

#[tokio::test(start_paused = true)]
async fn finished_chat_is_handed_in_as_documented_xml() {
    let simulator = stage(sales(IntegrationForm::Xml)).build().expect("no mistakes");
    let visit = whole_chat(&simulator).await;
    let deliveries = simulator.delivered(Api::Integration);
    deliveries.assert_count(1).assert_accepted();
    let record = &deliveries.records()[0];
    assert_eq!(record.request.headers["content-type"], "text/xml; charset=utf-8");
    let xml = &record.request.body;
    let case = SupportRequest::from_xml(xml.as_bytes()).expect("a case");
    assert!(!format!("{case:?}").contains("extra: {\""), "{case:?}");
    assert_eq!(case.id, *visit.case_id());
    assert_eq!(case.page_url.as_deref(), Some("https://example.com/?a=1&b=]]>"));
    assert_eq!(case.description.as_deref(), Some("Hello <b>&amp;</b> ]]> "));
    assert_eq!(case.created_at(), Some(time("2026-01-05T09:00:01Z")));
    assert_eq!(case.labels[0].value.as_deref(), Some("new & old"));
    assert!(xml.contains("<created_at type=\"datetime\">2026-01-05T09:00:01.000Z</created_at>"));
    assert!(xml.contains("<date type=\"datetime\">Mon Jan 05 09:00:01 UTC 2026</date>"), "{xml}");
    same_lines(&case, &visit, false);
    let elements = |xml: &str| -> BTreeSet<String> {
        let names = xml.split('<').filter_map(|tag| tag.split(['>', ' ', '/']).next());
        names
            .filter(|name| name.starts_with(|c: char| c.is_ascii_lowercase()))
            .map(str::to_owned)
            .collect()
    };
    let mut documented = elements(include_str!("../../sample-payloads/integration/chat.xml"));
    documented.extend(["user_agent".to_owned(), "b".to_owned()]);
    let odd: Vec<_> = elements(xml).difference(&documented).cloned().collect();
    assert!(odd.is_empty(), "{odd:?}");
}

/// The same without empty texts, which mean the same as absent ones.
fn without_empty(value: Value) -> Value {
    match value {
        Value::Object(fields) => {
            let fields = fields.into_iter().filter(|(_, value)| *value != "");
            fields.map(|(name, value)| (name, without_empty(value))).collect()
        }
        Value::Array(items) => items.into_iter().map(without_empty).collect(),
        other => other,
    }
}

/// The transcript is what was shown.
#[track_caller]
fn same_lines(case: &SupportRequest, visit: &SimulatedVisit, has_senders: bool) {
    let lines = visit.view().lines;
    assert_eq!(case.transcripts.len(), lines.len());
    for (written, shown) in case.transcripts.iter().zip(&lines) {
        assert_eq!(
            written.sent_at().map(|at| at.as_millis() / 1000),
            Some(shown.at.as_millis() / 1000)
        );
        let text = shown.text.as_deref().or(shown.goto.as_deref()).unwrap_or("T");
        let text = if has_senders { text.to_owned() } else { text.replace('\u{1}', "") };
        assert_eq!(written.message, text);
        let from = serde_json::to_value(shown.from).expect("JSON");
        let sender = written.sender.as_ref().map(Sender::as_str);
        let from = from.as_str().expect("text").to_uppercase();
        assert_eq!(sender, has_senders.then_some(from.as_str()));
    }
}

#[tokio::test(start_paused = true)]
async fn message_that_is_left_is_handed_in() {
    let simulator = on_stage();
    let left = json!({"widget": "support", "email": "v@example.com", "text": "Call me"});
    let message = |left: &Value| -> OfflineMessage {
        serde_json::from_value(left.clone()).expect("a message")
    };
    simulator.offline_message(message(&left)).await.expect("a widget");
    // That widget has no feeds.
    simulator.delivered(Api::Integration).assert_count(0);
    let left = json!({"widget": "sales", "email": "v@example.com", "text": "Call me",
        "variables": {"plan": "gold"}});
    let case = simulator.offline_message(message(&left)).await.expect("a widget");
    let deliveries = simulator.delivered(Api::Integration);
    deliveries.assert_count(1).assert_accepted();
    let body = &deliveries.bodies()[0];
    assert_eq!(body["id"], case.as_str());
    assert_eq!((&body["type"], &body["source_id"]), (&json!("offline"), &json!(1)));
    assert_eq!((&body["description"], body.get("transcripts")), (&json!("Call me"), None));
    assert_eq!(body["javascript_variables"][0]["name"], "plan");
    let refused = json!({"widget": "sales", "email": "", "text": "Call me"});
    let refused = simulator.offline_message(message(&refused)).await.expect_err("no address");
    assert_eq!(refused.status(), StatusCode::BAD_REQUEST);
}

#[tokio::test(start_paused = true)]
async fn survey_after_the_end_is_told_and_not_handed_in() {
    let simulator = with_humans();
    let visit = simulator.visit("sales").start("Hello").await;
    visit.leaves().await.survey(10, "").await;
    let events = simulator.delivered(Api::Conversation);
    events.assert_events(["caseQueued", "caseClosed", "caseSurveyed"]);
    assert_eq!(simulator.delivered(Api::Integration).bodies()[0].get("survey_score"), None);
}

#[tokio::test(start_paused = true)]
async fn visitor_chat_api_starts_a_real_chat() {
    let simulator = on_stage();
    let client = Client::builder().transport(simulator.clone()).build().expect("a client");
    let chats = client.visitor_chats(Secret::new("local-chat-key"));
    let mut chat =
        chats.start("sales").email("v@example.com").message("Hello").await.expect("a chat");
    simulator.settled().await;
    let line = loop {
        let line = chat.next().await.expect("a poll").expect("a line");
        if line.text.starts_with("You said") {
            break line;
        }
    };
    assert_eq!((line.text.trim(), &*line.author), ("You said Hello", "Robbie"));
    chat.say("Bye").await.expect("said");
    simulator.settled().await;
    let view = simulator.visit_view(chat.case_id()).expect("a visit");
    assert_eq!(
        view.lines.last().and_then(|line| line.text.clone()).as_deref(),
        Some("You said Bye")
    );
    simulator.delivered(Api::Contact).assert_count(1);
}
