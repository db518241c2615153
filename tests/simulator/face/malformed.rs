//! Requests that are malformed: each is refused, and told why as a developer would say it.

use serde_json::{Value, json};
use snapengage::simulator::{NewVisit, SimulatedWidget, Simulator};
use snapengage::{Api, BuildError};

use super::office::{JOE, chat, shop};
use super::served::Served;
use crate::ask::*;
use crate::stage::on_stage;

const LONGEST: usize = 64 << 10;

/// A shop with a chat that Jane has.
async fn served_chat() -> (Served, String) {
    let served = shop().await;
    let case = chat(&served, "agent").await;
    let take = json!({ "case_id": case });
    served.post(&format!("/_/agents/{JANE}/take"), &take).await.ok();
    (served, case)
}

#[tokio::test]
async fn texts_that_make_no_sense_are_refused_by_their_names() {
    let (served, case) = served_chat().await;
    let before = served.get(&format!("/_/visits/{case}")).await.ok();
    let visit = |verb: &str| format!("/_/visits/{case}/{verb}");
    let agent = |verb: &str| format!("/_/agents/{JANE}/{verb}");
    let email = "`email` is not an email address";
    let long = "x".repeat(257);
    for (path, body, problem) in [
        ("/_/visits".to_owned(), json!({ "widget": "sales", "email": "ann" }), email),
        ("/_/visits".to_owned(), json!({ "widget": "sales", "email": "ann@" }), email),
        (
            "/_/visits".to_owned(),
            json!({ "widget": "sales", "ip_address": "localhost" }),
            "`ip_address` is not an IP address",
        ),
        ("/_/visits".to_owned(), json!({}), "missing field `widget`: there are several"),
        (
            "/_/offline".to_owned(),
            json!({ "widget": "support", "email": "a b@c", "text": "?" }),
            email,
        ),
        (
            "/_/offline".to_owned(),
            json!({ "widget": "support", "text": "?" }),
            "missing field `email`",
        ),
        (
            "/_/offline".to_owned(),
            json!({ "widget": "support", "email": "a@b", "text": "" }),
            "`text` is empty",
        ),
        (visit("say"), json!({ "text": "" }), "`text` is empty"),
        (visit("email"), json!({ "email": "" }), email),
        (visit("email"), json!({ "email": "@" }), email),
        (visit("event"), json!({ "event": "" }), "`event` is empty"),
        (visit("survey"), json!({ "score": 101 }), "`score`: expected 0 to 100"),
        (
            visit("fail-transfer"),
            json!({ "error": "NO_AGENT" }),
            "`error`: expected one of `MISSING_PARAM`, `WIDGET_NOT_FOUND`, \
                `TRANSFER_NOT_ALLOWED`, `NO_AGENTS_AVAILABLE`",
        ),
        (agent("say"), json!({ "case_id": case, "text": "" }), "`text` is empty"),
        (agent("label"), json!({ "case_id": case, "name": "", "value": "a" }), "`name` is empty"),
        (
            agent("status"),
            json!({ "status": "online", "sub_status": long }),
            "`sub_status` has more than 256 characters",
        ),
        (
            agent("status"),
            json!({ "status": "away" }),
            "`status`: expected one of `online`, `pause`, `offline`",
        ),
        (
            agent("ban"),
            json!({ "case_id": case, "what": "all" }),
            "`what`: expected one of `visitor`, `ip`",
        ),
    ] {
        served.post(&path, &body).await.refused(400, problem);
    }
    assert_eq!(served.get(&format!("/_/visits/{case}")).await.ok(), before);
    assert_eq!(served.simulator.cases().len(), 1);
}

#[tokio::test]
async fn text_is_as_long_for_one_as_for_all() {
    let (served, case) = served_chat().await;
    let visit = |verb: &str| format!("/_/visits/{case}/{verb}");
    let agent = |verb: &str| format!("/_/agents/{JANE}/{verb}");
    let of = |length: usize| {
        let text = "x".repeat(length);
        [
            ("/_/visits".to_owned(), "text", json!({ "widget": "sales", "text": text })),
            (
                "/_/visits".to_owned(),
                "proactive_message",
                json!({ "widget": "sales", "proactive_message": text }),
            ),
            (
                "/_/offline".to_owned(),
                "text",
                json!({ "widget": "sales", "email": "a@b", "text": text }),
            ),
            ("/_v/widgets/sales/chats".to_owned(), "text", json!({ "text": text })),
            (visit("say"), "text", json!({ "text": text })),
            (visit("survey"), "comment", json!({ "score": 1, "comment": text })),
            (agent("say"), "text", json!({ "case_id": case, "text": text })),
            (agent("label"), "value", json!({ "case_id": case, "name": "a", "value": text })),
        ]
    };
    for (path, _, body) in of(LONGEST) {
        let answered = served.post(&path, &body).await;
        assert!(answered.status.is_success(), "{path}: {}", answered.status);
    }
    for (path, field, body) in of(LONGEST + 1) {
        let problem = format!("`{field}` is longer than 65536 bytes");
        served.post(&path, &body).await.refused(400, &problem);
    }
    // No address is as long, but a form is.
    for (length, status) in [(LONGEST, 200), (LONGEST + 1, 400)] {
        let form = format!("widgetId=sales&visitorMessage={}", "x".repeat(length));
        let kind = ("content-type", "application/x-www-form-urlencoded");
        let answered = served.send("POST", "/api/v1/chat", &[CHAT_KEY, kind], form).await;
        assert_eq!(answered.status, status);
    }
}

#[tokio::test]
async fn rust_is_refused_what_a_request_is() {
    let simulator = on_stage();
    let mut visit = NewVisit::default();
    (visit.widget, visit.email) = (Some("sales".into()), Some("ann".to_owned()));
    let error = simulator.start_visit(visit.clone()).await.expect_err("no email address");
    assert_eq!(error.status(), 400);
    (visit.email, visit.ip_address) = (None, Some("1.2.3".to_owned()));
    let error = simulator.start_visit(visit).await.expect_err("no IP address");
    assert_eq!(error.to_string(), "`ip_address` is not an IP address");
    let case = simulator.visit("sales").start("Hello").await;
    for long in [String::new(), "x".repeat(LONGEST + 1)] {
        let error = simulator.say(&case, &long).await.expect_err("no text");
        assert_eq!(error.status(), 400);
    }
    let error = simulator.email(&case, "ann").await.expect_err("no email address");
    assert_eq!(error.status(), 400);
}

#[tokio::test]
async fn ban_holds_for_an_address_however_it_is_written() {
    let served = shop().await;
    let new = |address: &str| json!({ "widget": "sales", "text": "agent", "ip_address": address });
    let case = served.post("/_/visits", &new("2001:db8::1")).await.ok()["case_id"].clone();
    served.post(&format!("/_/agents/{JANE}/take"), &json!({ "case_id": case })).await.ok();
    let ban = json!({ "case_id": case, "what": "ip" });
    served.post(&format!("/_/agents/{JANE}/ban"), &ban).await.ok();
    served.post("/_/visits", &new("2001:0DB8:0:0::1")).await.refused(409, "banned");
    served.post("/_/visits", &new("2001:db8::2")).await.ok();
}

#[test]
fn emails_that_are_none_are_mistakes_of_the_builder() {
    let mistakes = |error: BuildError| error.to_string();
    let built = Simulator::builder().widget("sales").agent("bad").user("worse@", "W").build();
    let text = mistakes(built.expect_err("two mistakes"));
    for problem in
        [r#"agent "bad": expected an email address"#, r#"user "worse@": expected an email address"#]
    {
        assert!(text.contains(problem), "{text}");
    }
    assert!(Simulator::builder().widget("sales").agent("wc:jane@example.com").build().is_ok());
}

#[test]
fn names_that_nobody_can_call_are_mistakes_of_the_builder() {
    let office = |host: &str| Simulator::builder().widget("sales").host(host).build();
    let text = office("sim.example:7070").expect_err("a port").to_string();
    assert!(text.contains(r#"host "sim.example:7070": expected a name"#), "{text}");
    office("sim.example").expect("a name");
    let text = Simulator::builder().widget("").build().expect_err("no id").to_string();
    assert!(text.contains("the id of a widget is empty"), "{text}");
}

#[tokio::test]
async fn parameters_that_nobody_knows_are_refused() {
    let (served, case) = served_chat().await;
    for (path, known) in [
        (format!("/_/visits/{case}?wiat=1"), "`wait`, `after`"),
        ("/_/deliveries?feeds=bot".to_owned(), "`feed`, `case`, `after`, `wait`"),
        ("/_/visits?wait=1".to_owned(), "none"),
        ("/_/world?x".to_owned(), "none"),
        ("/_/faults?feed=bot".to_owned(), "none"),
        ("/_/explain?x=1".to_owned(), "none"),
        ("/_/events?feed=bot".to_owned(), "none"),
    ] {
        let name = path.split(['?', '=']).nth(1).expect("a name");
        let problem = format!("unknown parameter `{name}` in the address, expected {known}");
        served.get(&path).await.refused(400, &problem);
    }
    let say = json!({ "text": "?" });
    let answered = served.post(&format!("/_/visits/{case}/say?wait=1"), &say).await;
    answered.refused(400, "unknown parameter `wait`");
    served.get("/_/deliveries?feed=bot&case=x&after=0&wait=0").await.ok();
    let odd = served.get("/_/deliveries?feed=bots").await;
    odd.refused(400, "`feed`: expected one of `bot`, `integration`, `conversation-events`");
}

/// Words of Rust, which say nothing to those who write another language.
const FOREIGN: [&str; 9] =
    ["struct", "u8", "u64", "f64", "sequence", " map", "tuple", "variant", "newtype"];

/// Requests, as they are to be, and the fields of them that must be there.
fn requests(case: &str) -> Vec<(String, Value, &'static [&'static str])> {
    let visit = |verb: &str| format!("/_/visits/{case}/{verb}");
    let agent = |verb: &str| format!("/_/agents/{JANE}/{verb}");
    vec![
        (
            "/_/visits".to_owned(),
            json!({
                "widget": "sales", "email": "a@b", "name": "a", "text": "a", "page_url": "a",
                "entry_url": "a", "referrer_url": "a", "ip_address": "192.0.2.1",
                "user_agent": "a", "locale": "en", "visitor": "a", "variables": {},
                "proactive_message": "a",
            }),
            &[],
        ),
        (
            "/_/offline".to_owned(),
            json!({ "widget": "sales", "email": "a@b", "text": "a", "variables": {} }),
            &["email"],
        ),
        (visit("say"), json!({ "text": "a" }), &["text"]),
        (visit("click"), json!({ "text": "a", "id": "b" }), &["text"]),
        (visit("email"), json!({ "email": "a@b" }), &["email"]),
        (visit("survey"), json!({ "score": 1, "comment": "a" }), &["score"]),
        (visit("event"), json!({ "event": "message" }), &["event"]),
        (visit("fail-transfer"), json!({ "error": "MISSING_PARAM" }), &["error"]),
        (agent("status"), json!({ "status": "online", "sub_status": "a" }), &["status"]),
        (agent("take"), json!({ "case_id": case }), &["case_id"]),
        (agent("close"), json!({ "case_id": case }), &["case_id"]),
        (agent("say"), json!({ "case_id": case, "text": "a" }), &["case_id", "text"]),
        (
            agent("label"),
            json!({ "case_id": case, "name": "a", "value": "b" }),
            &["case_id", "name", "value"],
        ),
        (
            agent("unlabel"),
            json!({ "case_id": case, "name": "a", "value": "b" }),
            &["case_id", "name", "value"],
        ),
        (agent("transfer"), json!({ "case_id": case, "to": { "agent": JOE } }), &["case_id", "to"]),
        (agent("ban"), json!({ "case_id": case, "what": "ip" }), &["case_id", "what"]),
        (agent("request"), json!({ "case_id": case, "what": "file" }), &["case_id", "what"]),
        ("/_/time/advance".to_owned(), json!({ "seconds": 1 }), &["seconds"]),
        ("/_/reset".to_owned(), json!({ "seed": 1 }), &[]),
        (
            "/_/faults".to_owned(),
            json!({ "call": "logs", "nth": 1, "do": "status", "status": 503 }),
            &["do"],
        ),
    ]
}

/// Values of each type that this one is not of.
fn others(value: &Value) -> Vec<(Value, &'static str)> {
    let all = [
        (json!("secret words"), "a string"),
        (json!(1.5), "a number"),
        (json!(true), "a boolean"),
        (json!(["secret words"]), "an array"),
        (json!({ "secret": "words" }), "an object"),
    ];
    let is_same = |other: &Value| {
        let kinds =
            |v: &Value| [v.is_string(), v.is_number(), v.is_boolean(), v.is_array(), v.is_object()];
        kinds(other) == kinds(value)
    };
    all.into_iter().filter(|(other, _)| !is_same(other)).collect()
}

#[tokio::test]
async fn every_refusal_names_the_field_and_what_it_is() {
    let (served, case) = served_chat().await;
    for (path, body, needed) in requests(&case) {
        let answered = served.send("POST", &path, &[], "[]").await;
        if path != "/_/faults" {
            answered.refused(400, "the body: expected an object, found an array");
        }
        for odd in ["1", "null", "\"secret words\""] {
            let answered = served.send("POST", &path, &[], odd).await;
            answered.refused(400, "expected an object, found ");
        }
        served.send("POST", &path, &[], "{").await.refused(400, "the body is not JSON: EOF");
        let fields = body.as_object().expect("an object");
        for (name, value) in fields {
            for (odd, kind) in others(value) {
                let mut body = body.clone();
                body[name] = odd;
                let answered = served.post(&path, &body).await;
                answered.refused(400, &format!("`{name}`: expected "));
                answered.refused(400, &format!(", found {kind}"));
                let message = answered.json()["message"].to_string();
                assert!(!message.contains("secret"), "{message}");
                let foreign = FOREIGN.iter().find(|word| message.contains(**word));
                assert_eq!(foreign, None, "{message}");
            }
        }
        for name in needed {
            let mut body = fields.clone();
            body.remove(*name);
            let answered = served.post(&path, &body.clone().into()).await;
            answered.refused(400, &format!("missing field `{name}`"));
            body.insert((*name).to_owned(), Value::Null);
            let answered = served.post(&path, &body.clone().into()).await;
            answered.refused(400, &format!("`{name}`: expected "));
            body.insert((*name).to_owned(), fields[*name].clone());
        }
        let mut body = fields.clone();
        if !path.ends_with("/event") {
            body.insert("odd".to_owned(), 1.into());
            served.post(&path, &body.into()).await.refused(400, "unknown field `odd`");
        }
    }
}

#[tokio::test]
async fn secret_address_of_get_contact_is_shown_nowhere() {
    let secret = "kT4mZ0qvW8";
    let widget = SimulatedWidget::new("sales")
        .bot("http://me:pass-word@127.0.0.1:1/bot", "bot-token-7f3a")
        .get_contact(format!("http://127.0.0.1:1/contact/{secret}?key={secret}"));
    let served = Served::new(Simulator::builder().widget(widget).build().expect("a widget")).await;
    let new = json!({ "text": "Hello", "email": "ann@example.com" });
    served.post("/_/visits", &new).await.ok();
    let answered = served.get("/_/deliveries").await;
    let text = String::from_utf8_lossy(&answered.body).into_owned();
    assert!(!text.contains(secret) && !text.contains("pass-word"), "{text}");
    let contact = served.get("/_/deliveries?feed=get-contact").await.ok();
    let url = contact[0]["url"].as_str().expect("an address");
    let start = "http://127.0.0.1:1/contact/<secret>?key=<secret>&email=ann%40example.com&";
    assert!(url.starts_with(start), "{url}");
    let bot = served.get("/_/deliveries?feed=bot").await.ok();
    assert_eq!(bot[0]["url"], "http://<secret>@127.0.0.1:1/bot");
    assert_eq!(served.simulator.delivered(Api::Contact).records()[0].url, url);
}
