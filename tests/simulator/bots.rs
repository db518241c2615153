//! Bots: what they are sent, and what becomes of their answers.

use std::time::Duration;

use http::{Response, StatusCode};
use serde_json::{Value, json};
use snapengage::bot::{Button, CommandError};
use snapengage::simulator::{
    Fault, IntegrationForm, LineAuthor, NewVisit, SimulatedVisit, SimulatedWidget, Simulator,
    VisitState,
};
use snapengage::{Api, bot};

use crate::ask::*;
use crate::stage::*;

fn bodies(simulator: &Simulator) -> Vec<Value> {
    simulator.delivered(Api::Bot).bodies()
}

fn texts(visit: &SimulatedVisit, from: LineAuthor) -> Vec<String> {
    let lines = visit.view().lines.into_iter().filter(|line| line.from == from);
    lines.filter_map(|line| line.text).collect()
}

#[tokio::test(start_paused = true)]
async fn bot_is_told_of_a_chat_from_start_to_end() {
    let simulator = on_stage();
    let visit = simulator
        .visit("sales")
        .email("v@example.com")
        .page_url("https://example.com/?a=1&b=2")
        .user_agent("Mozilla")
        .variable("plan", "gold")
        .variable("seats", 5)
        .proactive_message("May I help?")
        .start("Hello")
        .await;
    visit.sees("You said Hello").assert_state(VisitState::Bot);
    visit.says("It's <b>").await.sees("You said It's <b>");
    visit.leaves().await.assert_state(VisitState::Closed);
    let deliveries = simulator.delivered(Api::Bot);
    deliveries.assert_events(["chatStarted", "message", "chatClosed"]).assert_accepted();
    let body = &deliveries.records()[0].request.body;
    assert!(body.contains(r"\u003d1\u0026b\u003d2"), "{body}");
    let case = visit.case_id().as_str();
    assert_eq!(
        deliveries.bodies(),
        [
            json!({
                "widget_id": "sales", "case_id": case, "timestamp": 1_767_603_601_000_i64,
                "event": "chatStarted", "email": "v@example.com", "text": "Hello",
                "proactive_message": "May I help?", "user_agent": "Mozilla",
                "page_url": "https://example.com/?a=1&b=2", "ip_address": "198.18.0.1",
                "jsVariables": "plan=gold,seats=5",
            }),
            json!({
                "widget_id": "sales", "case_id": case, "timestamp": 1_767_603_603_000_i64,
                "event": "message", "from": "visitor", "text": "It's <b>",
            }),
            json!({
                "widget_id": "sales", "case_id": case, "timestamp": 1_767_603_605_000_i64,
                "event": "chatClosed",
            }),
        ]
    );
}

#[tokio::test(start_paused = true)]
async fn button_that_is_clicked_goes_back_with_its_id() {
    let simulator = on_stage();
    let visit = simulator.visit("sales").start("Hello").await;
    let buttons = r#"{"type":"message","text":"Which?","display_responses":
        [{"text":"A","id":"1"},{"text":"A","id":"2"},{"text":"B"}]}"#;
    bot_does(&visit, buttons).await;
    visit.sees_buttons(["A", "A", "B"]).click(Button::new("A").id("2")).await;
    let clicked = &bodies(&simulator)[2];
    assert_eq!((&clicked["text"], &clicked["id"]), (&json!("A"), &json!("2")));
    // Other buttons are gone with the next text.
    let gone = simulator.click(&visit, "B").await.expect_err("no button");
    assert_eq!(gone.status(), StatusCode::CONFLICT);
    bot_does(&visit, buttons).await;
    let either = simulator.click(&visit, "A").await.expect_err("two buttons");
    assert!(either.to_string().contains("several"), "{either}");
    visit.click("B").await;
    assert_eq!(bodies(&simulator).last().expect("a body").get("id"), None);
}

#[tokio::test(start_paused = true)]
async fn context_id_goes_back_once() {
    let simulator = on_stage();
    let visit = simulator.visit("sales").start(r#"{"context_id":"c","content":[]}"#).await;
    assert_eq!(visit.view().context_id.as_deref(), Some("c"));
    visit.says("One").await.says("Two").await;
    let sent: Vec<_> = bodies(&simulator).iter().map(|body| body["context_id"].clone()).collect();
    assert_eq!(sent, [Value::Null, json!("c"), Value::Null]);
    visit.says(r#"{"context_id":"d"}"#).await.leaves().await;
    assert_eq!(bodies(&simulator).last().expect("chatClosed")["context_id"], "d");
}

#[tokio::test(start_paused = true)]
async fn answer_without_anything_shows_nothing() {
    for (status, body) in
        [(200, ""), (204, ""), (200, r#"{"widget_id":"w","case_id":"ID","content":[]}"#)]
    {
        let answer = move |request: &http::Request<bytes::Bytes>| {
            let sent: Value = serde_json::from_slice(request.body()).expect("JSON");
            let body = body.replace("ID", sent["case_id"].as_str().expect("an id"));
            Response::builder().status(status).body(body).expect("an answer")
        };
        let visit = by_hand(answer).await.1;
        visit.sees_nothing().assert_state(VisitState::Bot);
    }
}

async fn by_hand(
    answer: impl Fn(&http::Request<bytes::Bytes>) -> Response<String> + Send + Sync + 'static,
) -> (Simulator, SimulatedVisit) {
    let widget = SimulatedWidget::new("w").bot("https://bot.example", MY_TOKEN);
    let simulator = Simulator::builder().widget(widget).agent(JANE).seed(1);
    let simulator = simulator.deliver_over(ByHand::new(answer)).build().expect("no mistakes");
    let visit = simulator.visit("w").start("Hello").await;
    (simulator, visit)
}

#[tokio::test(start_paused = true)]
async fn bot_that_fails_hands_over_to_a_human() {
    let answers = [
        (500, "", "answered 500"),
        (302, "", "answered 302"),
        (200, "<html>", "cannot be read: not JSON: expected value at line 1 column 1"),
        (200, "[]", "cannot be read: expected an object, found an array"),
        (200, r#"{"content":[]}"#, "cannot be read: missing field `widget_id`"),
        (200, r#"{"widget_id":"w","case_id":1}"#, "`case_id`: expected a string, found a number"),
        (
            200,
            r#"{"widget_id":"w","case_id":"other","content":[]}"#,
            "for another conversation: `case_id` is not that of the request",
        ),
    ];
    for (status, body, problem) in answers {
        let answer = move |_: &http::Request<bytes::Bytes>| {
            let answer = Response::builder().status(status).header("location", "https://x.example");
            answer.body(body.to_owned()).expect("an answer")
        };
        let (simulator, visit) = by_hand(answer).await;
        visit.assert_state(VisitState::Queued);
        let noted = texts(&visit, LineAuthor::System);
        assert!(noted.len() == 1 && noted[0].contains(problem), "{noted:?}");
        simulator.agent(JANE).takes(&visit).await.expect("a chat that waits");
        visit.leaves().await;
        simulator.delivered(Api::Bot).assert_events(["chatStarted", "chatClosed"]);
    }
}

/// Answers with the ids of the request, and this in place of the rest.
fn answering(rest: &'static str) -> impl Fn(&http::Request<bytes::Bytes>) -> Response<String> {
    move |request| {
        let sent: Value = serde_json::from_slice(request.body()).expect("JSON");
        let ids = format!(r#""widget_id":{},"case_id":{}"#, sent["widget_id"], sent["case_id"]);
        Response::new(format!("{{{ids},{rest}}}"))
    }
}

#[tokio::test(start_paused = true)]
async fn field_of_an_unreadable_answer_is_in_the_delivery() {
    for (rest, problem) in [
        (r#""content":"secret words""#, "`content`: expected an array, found a string"),
        (r#""content":[],"context_id":["secret words"]"#, "`context_id`: expected a string"),
        (
            r#""content":[{"type":"message","text":"a"},{"type":"command"}]"#,
            "`content[1]`: missing field `operation`",
        ),
        (
            r#""content":[{"type":"command","operation":["secret words"]}]"#,
            "`content[0]`: expected a string, found an array",
        ),
    ] {
        let (simulator, visit) = by_hand(answering(rest)).await;
        visit.assert_state(VisitState::Queued);
        let noted = texts(&visit, LineAuthor::System);
        let delivered = simulator.delivered(Api::Bot);
        let record = &delivered.records()[0];
        let error = record.error.as_deref().expect("an error");
        assert!(error.contains(problem) && noted[0].contains(error), "{error}: {noted:?}");
        assert!(!error.contains("secret"), "{error}");
        assert_eq!(record.response.as_ref().map(|response| response.status), Some(200));
        assert!(record.is_finished() && !record.is_accepted());
    }
    let (simulator, visit) = by_hand(answering(r#""content":[]"#)).await;
    visit.assert_state(VisitState::Bot);
    simulator.delivered(Api::Bot).assert_accepted();
}

#[tokio::test(start_paused = true)]
async fn answer_that_is_too_long_names_the_limit() {
    let (simulator, visit) = by_hand(|_| Response::new(" ".repeat((1 << 20) + 1))).await;
    visit.assert_state(VisitState::Queued);
    let delivered = simulator.delivered(Api::Bot);
    let error = delivered.records()[0].error.clone().expect("an error");
    assert_eq!(error, "the body is longer than 1048576 bytes");
}

#[tokio::test(start_paused = true)]
async fn bot_that_is_late_is_given_up_after_ten_seconds() {
    for (delay, state) in [(9_990, VisitState::Bot), (10_010, VisitState::Queued)] {
        let simulator = on_stage();
        simulator.fault(Fault::nth(1).on(Api::Bot).stall(Duration::from_millis(delay)));
        let started = tokio::time::Instant::now();
        let visit = simulator.visit("sales").start("Hello").await;
        visit.assert_state(state);
        assert!(started.elapsed() >= Duration::from_millis(delay.min(10_000)));
    }
}

#[tokio::test(start_paused = true)]
async fn agent_gives_a_chat_back_to_a_bot() {
    let other = SimulatedWidget::new("other").bot("/bot", MY_TOKEN).bot_name("Otto");
    let simulator = stage(sales(IntegrationForm::Json)).widget(other).build().expect("no mistakes");
    let visit = simulator.visit("sales").start("Hello").await;
    let jane = simulator.agent(JANE);
    for widget in ["sales", "other"] {
        bot_commands(&visit, "WIDGET_TRANSFER", r#""sales""#).await;
        jane.takes(&visit).await.expect("it waits");
        jane.transfers_to_widget(&visit, widget).await.expect("a bot is there");
        visit.assert_state(VisitState::Bot);
        let started = bodies(&simulator).pop().expect("a request");
        assert_eq!(started["event"], "chatStarted");
        assert_eq!((&started["widget_id"], started.get("text")), (&json!(widget), None));
        visit.says("Here again").await.sees("You said Here again");
        assert!(jane.says(&visit, "Mine?").await.is_err());
    }
    let unmanned = jane.transfers_to_widget(&visit, "support").await;
    assert_eq!(unmanned.expect_err("not hers any more").status(), StatusCode::CONFLICT);
    visit.leaves().await;
    let closed = bodies(&simulator).split_off(simulator.delivered(Api::Bot).records().len() - 2);
    let closed: Vec<_> = closed.iter().map(|body| (&body["event"], &body["widget_id"])).collect();
    let event = json!("chatClosed");
    assert_eq!(closed, [(&event, &json!("other")), (&event, &json!("sales"))]);
}

#[tokio::test(start_paused = true)]
async fn bot_that_fails_with_nobody_there_keeps_the_chat() {
    let simulator = on_stage();
    simulator.agent(JANE).offline().await.expect("Jane");
    simulator.fault(Fault::nth(1).on(Api::Bot).status(StatusCode::BAD_GATEWAY));
    let visit = simulator.visit("sales").start("Hello").await;
    visit.sees("NO_AGENTS_AVAILABLE").assert_state(VisitState::Bot);
    let failed = &bodies(&simulator)[1]["failedCommands"];
    assert_eq!(*failed, json!([{"operation": "HUMAN_TRANSFER", "error": "NO_AGENTS_AVAILABLE"}]));
    visit.says("Again").await.sees("You said Again");
    // One that is down for good is asked once more, and not for ever.
    simulator.fault(Fault::every(1).on(Api::Bot).refuse());
    visit.says("Down").await;
    let noted = texts(&visit, LineAuthor::System);
    let failed = noted.iter().filter(|text| text.starts_with("The bot failed")).count();
    assert_eq!((failed, noted.len()), (3, 5), "{noted:?}");
    visit.assert_state(VisitState::Bot);
}

#[tokio::test(start_paused = true)]
async fn bot_that_only_transfers_is_not_told_for_ever() {
    let command = r#"{"type":"command","operation":"TRANSFER","parameters":""}"#;
    let (simulator, visit) = by_hand(move |request| {
        let sent: Value = serde_json::from_slice(request.body()).expect("JSON");
        let (widget, case) = (&sent["widget_id"], &sent["case_id"]);
        let reply = format!(r#"{{"widget_id":{widget},"case_id":{case},"content":[{command}]}}"#);
        Response::new(reply)
    })
    .await;
    assert_eq!(simulator.delivered(Api::Bot).records().len(), 6);
    visit.assert_state(VisitState::Bot);
    visit.says("Hello?").await;
    assert_eq!(simulator.delivered(Api::Bot).records().len(), 12);
}

#[tokio::test(start_paused = true)]
async fn any_event_can_be_sent_to_the_bot() {
    let simulator = on_stage();
    let visit = simulator.visit("sales").start("Hello").await;
    for path in std::fs::read_dir("sample-payloads/bot").expect("samples") {
        let path = path.expect("a sample").path();
        if path.extension().is_none_or(|extension| extension != "json") {
            continue;
        }
        let sample = std::fs::read(&path).expect("a sample");
        let Value::Object(sample) = serde_json::from_slice(&sample).expect("JSON") else {
            panic!()
        };
        let name = sample["event"].as_str().expect("a name").to_owned();
        let mut fields = sample.clone();
        for ours in ["widget_id", "case_id", "timestamp", "event"] {
            fields.remove(ours);
        }
        simulator.send_event(&visit, &name, fields).await.expect("a chat with a bot");
        let sent = bodies(&simulator).pop().expect("a request");
        let mut expected = Value::Object(sample);
        for ours in ["widget_id", "case_id", "timestamp"] {
            expected[ours] = sent[ours].clone();
        }
        assert_eq!(sent, expected, "{}", path.display());
    }
    let human = stage(human(IntegrationForm::Json)).build().expect("no mistakes");
    let visit = human.visit("sales").start("Hello").await;
    let refused = human.send_event(&visit, "message", Default::default()).await;
    assert_eq!(refused.expect_err("no bot").status(), StatusCode::CONFLICT);
}

#[tokio::test(start_paused = true)]
async fn transfer_fails_for_the_reason_that_was_set() {
    let simulator = on_stage();
    let visit = simulator.visit("sales").start("Hello").await;
    let error = CommandError::TransferNotAllowed;
    simulator.fail_next_transfer(&visit, error).expect("an open chat");
    bot_commands(&visit, "HUMAN_TRANSFER", "").await;
    visit.sees("TRANSFER_NOT_ALLOWED").assert_state(VisitState::Bot);
    bot_commands(&visit, "HUMAN_TRANSFER", "").await;
    visit.assert_state(VisitState::Queued);
}

#[tokio::test(start_paused = true)]
async fn visitors_that_are_not_let_in() {
    let widget = sales(IntegrationForm::Json).email_required(true).message_required(true);
    let simulator = stage(widget).build().expect("no mistakes");
    let refused = async |visit: Value| {
        let visit: NewVisit = serde_json::from_value(visit).expect("a visit");
        simulator.start_visit(visit).await.expect_err("refused").status().as_u16()
    };
    assert_eq!(refused(json!({"widget": "nowhere"})).await, 404);
    assert_eq!(refused(json!({})).await, 400);
    assert_eq!(refused(json!({"widget": "sales", "text": "Hello"})).await, 400);
    assert_eq!(refused(json!({"widget": "sales", "email": "v@example.com"})).await, 400);
    assert_eq!(refused(json!({"widget": "support", "text": "Hello"})).await, 409);
    assert!(serde_json::from_value::<NewVisit>(json!({"wigdet": "sales"})).is_err());
}

#[tokio::test(start_paused = true)]
async fn every_request_is_read_without_an_odd_field() {
    let simulator = on_stage();
    let visit = simulator.visit("sales").email("v@example.com").start("Hello").await;
    simulator.fail_next_transfer(&visit, CommandError::NoAgentsAvailable).expect("a chat");
    bot_commands(&visit, "HUMAN_TRANSFER", "").await;
    visit.leaves().await;
    for record in simulator.delivered(Api::Bot).records() {
        let body = record.request.body.as_bytes();
        let event = bot::Event::from_json(body).expect("an event");
        let written = serde_json::to_value(&event).expect("JSON");
        assert_eq!(written, serde_json::from_slice::<Value>(body).expect("JSON"));
        assert!(!format!("{event:?}").contains("extra: {\""), "{event:?}");
    }
}
