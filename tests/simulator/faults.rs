//! Faults, in process: what the caller sees, and what was done all the same.

use std::time::Duration;

use http::StatusCode;
use http_body_util::BodyExt;
use serde_json::{Value, json};
use snapengage::client::{Operation, TransportError};
use snapengage::integration::SupportRequest;
use snapengage::simulator::{Fault, Simulator};
use tokio::time::{Instant, timeout};

use crate::ask::*;

const AVAILABILITY: &str = "https://www.snapengage.com/public/api/v2/chat/sales";
const START: &str = "https://www.snapengage.com/api/v1/chat?widgetId=sales&visitorMessage=Hello";

async fn ask(simulator: &Simulator) -> Result<Answered, TransportError> {
    try_send(simulator, request("GET", AVAILABILITY, &[], "")).await
}

async fn try_start(simulator: &Simulator) -> Result<Answered, TransportError> {
    try_send(simulator, request("POST", START, &[CHAT_KEY], "")).await
}

fn with(fault: Fault) -> Simulator {
    let simulator = open_office();
    simulator.fault(fault);
    simulator
}

/// The numbers of the calls, of this many, that a fault befalls.
async fn befallen(simulator: &Simulator, calls: usize) -> Vec<usize> {
    let mut befallen = Vec::new();
    for number in 1..=calls {
        if ask(simulator).await.expect("an answer").status != StatusCode::OK {
            befallen.push(number);
        }
    }
    befallen
}

const BUSY: StatusCode = StatusCode::TOO_MANY_REQUESTS;

#[tokio::test]
async fn nth_and_every_nth_count_from_one() {
    assert_eq!(befallen(&with(Fault::nth(2).status(BUSY)), 6).await, [2]);
    assert_eq!(befallen(&with(Fault::every(3).status(BUSY)), 7).await, [3, 6]);
    assert_eq!(befallen(&with(Fault::nth(0).status(BUSY)), 3).await, [0; 0]);
    assert_eq!(befallen(&with(Fault::every(0).status(BUSY)), 3).await, [0; 0]);
}

#[tokio::test]
async fn each_fault_counts_since_it_was_added() {
    let simulator = with(Fault::nth(3).status(BUSY));
    assert_eq!(befallen(&simulator, 1).await, [0; 0]);
    simulator.fault(Fault::nth(1).status(StatusCode::BAD_GATEWAY));
    // The second one here is the first's third: it has counted that of the other as well.
    assert_eq!(befallen(&simulator, 3).await, [1, 2]);
    assert_eq!(simulator.faults().len(), 2);
    simulator.clear_faults();
    assert_eq!(simulator.faults(), []);
}

#[tokio::test]
async fn chance_is_the_same_with_the_same_seed() {
    let some = befallen(&with(Fault::p(0.2, 7).status(BUSY)), 1000).await;
    assert_eq!(befallen(&with(Fault::p(0.2, 7).status(BUSY)), 1000).await, some);
    assert_ne!(befallen(&with(Fault::p(0.2, 8).status(BUSY)), 1000).await, some);
    assert!((150..250).contains(&some.len()), "{}", some.len());
    assert_eq!(befallen(&with(Fault::p(0.0, 7).status(BUSY)), 100).await, [0; 0]);
    assert_eq!(befallen(&with(Fault::p(1.0, 7).status(BUSY)), 100).await.len(), 100);
}

#[tokio::test]
async fn fault_befalls_its_call_alone() {
    let simulator = with(Fault::every(1).on(Operation::StartChat).status(BUSY));
    assert_eq!(ask(&simulator).await.expect("an answer").status, StatusCode::OK);
    assert_eq!(try_start(&simulator).await.expect("an answer").status, BUSY);
}

#[tokio::test]
async fn fault_of_say_befalls_close_as_well() {
    for (on, said, closed) in [(Operation::Say, 429, 429), (Operation::CloseChat, 200, 429)] {
        let simulator = with(Fault::every(1).on(on).status(BUSY));
        let case = start(&simulator, "").await;
        let say = format!("?caseId={case}&messageType=1&messageBody=Hi");
        assert_eq!(chat(&simulator, "PUT", &say).await.status, said);
        let close = format!("?caseId={case}&messageType=2");
        assert_eq!(chat(&simulator, "PUT", &close).await.status, closed);
    }
}

#[tokio::test]
async fn status_has_retry_after_in_either_form() {
    let answered = ask(&with(Fault::nth(1).status(BUSY))).await.expect("an answer");
    answered.refused(429, "Too Many Requests");
    assert_eq!(answered.header("retry-after"), None);
    let fault = Fault::nth(1).status(BUSY).retry_after(Duration::from_secs(30));
    let answered = ask(&with(fault)).await.expect("an answer");
    assert_eq!(answered.header("retry-after"), Some("30"));
    let fault = Fault::nth(1).status(BUSY).retry_after_date(time("2026-01-05T09:00:30Z"));
    let answered = ask(&with(fault)).await.expect("an answer");
    assert_eq!(answered.header("retry-after"), Some("Mon, 05 Jan 2026 09:00:30 GMT"));
}

#[tokio::test]
async fn html_stands_in_any_status() {
    for status in [StatusCode::BAD_GATEWAY, StatusCode::OK] {
        let answered = ask(&with(Fault::nth(1).status(status).html())).await.expect("an answer");
        assert_eq!(answered.status, status);
        assert_eq!(answered.header("content-type"), Some("text/html; charset=UTF-8"));
        assert!(answered.body.starts_with(b"<html>"));
    }
}

#[tokio::test]
async fn refused_connection_was_never_sent() {
    let simulator = with(Fault::nth(1).refuse());
    let error = try_start(&simulator).await.expect_err("no connection");
    assert!(error.is_not_sent());
    assert_eq!(simulator.accepted(Operation::StartChat), 0);
}

#[tokio::test]
async fn reset_comes_before_the_effect_or_after_it() {
    for (fault, done) in [(Fault::nth(1).reset(), 0), (Fault::nth(1).reset().after_effect(), 1)] {
        let simulator = with(fault);
        let error = try_start(&simulator).await.expect_err("no answer");
        assert!(!error.is_not_sent());
        assert_eq!(simulator.accepted(Operation::StartChat), done);
    }
}

#[tokio::test]
async fn status_and_redirect_come_before_the_effect_or_after_it() {
    let faults = [
        Fault::nth(1).status(StatusCode::GATEWAY_TIMEOUT),
        Fault::nth(1).error_in_200(),
        Fault::nth(1).foreign_redirect("https://elsewhere.example"),
    ];
    for fault in faults {
        for (fault, done) in [(fault.clone(), 0), (fault.after_effect(), 1)] {
            let simulator = with(fault);
            try_start(&simulator).await.expect("an answer");
            assert_eq!(simulator.accepted(Operation::StartChat), done);
        }
    }
}

#[tokio::test]
async fn half_of_a_body_is_that_of_a_call_that_was_done() {
    let simulator = with(Fault::nth(1).half());
    let request = request("POST", START, &[CHAT_KEY], "");
    let response = simulator.handle(request).await.expect("a head");
    assert_eq!(response.status(), StatusCode::OK);
    let mut body = response.into_body();
    let whole = http_body::Body::size_hint(&body).exact().expect("a length");
    let half = body.frame().await.expect("a frame").expect("data").into_data().expect("data");
    assert_eq!(half.len() as u64, whole / 2);
    body.frame().await.expect("a frame").expect_err("a connection that broke");
    assert_eq!(simulator.accepted(Operation::StartChat), 1);
}

#[tokio::test]
async fn half_of_nothing_breaks_off_too() {
    let simulator = with(Fault::nth(1).half());
    let query = "https://www.snapengage.com/api/v1/user.json?api_key=local-provisioning-key\
        &email=user@example.com";
    try_send(&simulator, request("DELETE", query, &[], "")).await.expect_err("no whole answer");
    assert_eq!(simulator.accepted(Operation::DeleteUser), 1);
}

#[tokio::test(start_paused = true)]
async fn stall_waits_on_the_clock_of_tokio() {
    let before = Instant::now();
    let answered = ask(&with(Fault::nth(1).stall(Duration::from_secs(40)))).await;
    assert_eq!(answered.expect("an answer").status, StatusCode::OK);
    assert_eq!(before.elapsed().as_secs(), 40);
    let hour = Duration::from_secs(3600);
    let simulator = with(Fault::nth(1).stall_for_ever());
    timeout(hour, ask(&simulator)).await.expect_err("no answer");
}

#[tokio::test(start_paused = true)]
async fn stall_comes_before_the_effect_or_after_it() {
    let second = Duration::from_secs(1);
    for (fault, done) in
        [(Fault::nth(1).stall_for_ever(), 0), (Fault::nth(1).stall_for_ever().after_effect(), 1)]
    {
        let simulator = with(fault);
        timeout(second, try_start(&simulator)).await.expect_err("no answer");
        assert_eq!(simulator.accepted(Operation::StartChat), done);
    }
}

#[tokio::test(start_paused = true)]
async fn slow_body_waits_before_each_kib() {
    let simulator = office().file("f", vec![b'x'; 2500]).build().expect("no mistakes");
    simulator.fault(Fault::nth(1).slow(Duration::from_secs(1)));
    let before = Instant::now();
    let file = get(&simulator, "/files/f?orgId=5406213", TOKEN).await;
    assert_eq!((file.body.len(), before.elapsed().as_secs()), (2500, 3));
}

fn archive() -> Simulator {
    let mut builder = Simulator::builder().widget("sales").start(time("2026-01-05T09:00:00Z"));
    for number in 0..201 {
        builder = builder.case("sales", SupportRequest::new(format!("case-{number}")));
    }
    builder.build().expect("no mistakes")
}

async fn link(simulator: &Simulator, address: &str) -> String {
    let answered = try_send(simulator, request("GET", address, &[TOKEN], "")).await;
    let page = answered.expect("an answer").ok();
    page["linkToNextSetOfResults"].as_str().expect("a link").to_owned()
}

const LOGS: &str = "https://www.snapengage.com/api/v2/5406213/logs?\
    widgetId=sales&start=2026-01-05&end=2026-01-05";

#[tokio::test]
async fn cyclic_link_leads_to_the_first_page() {
    let simulator = archive();
    simulator.fault(Fault::nth(2).on(Operation::Logs).cyclic_link());
    let second = link(&simulator, LOGS).await;
    let first = link(&simulator, &second).await;
    assert_eq!(first, LOGS);
    assert_eq!(link(&simulator, &first).await, second);
}

#[tokio::test]
async fn foreign_link_and_redirect_lead_to_the_same_path_elsewhere() {
    let simulator = archive();
    simulator.fault(Fault::nth(1).foreign_link("http://elsewhere.example:81/"));
    simulator.fault(Fault::nth(2).foreign_redirect("http://elsewhere.example:81"));
    let elsewhere = LOGS.replace("https://www.snapengage.com", "http://elsewhere.example:81");
    assert_eq!(link(&simulator, LOGS).await, elsewhere);
    let answered = try_send(&simulator, request("GET", LOGS, &[TOKEN], "")).await;
    let answered = answered.expect("an answer");
    assert_eq!(
        (answered.status, answered.header("location")),
        (StatusCode::FOUND, Some(&*elsewhere))
    );
}

#[tokio::test]
async fn link_of_what_has_none_stays_as_it_is() {
    let simulator = with(Fault::every(1).cyclic_link());
    assert_eq!(ask(&simulator).await.expect("an answer").ok()["statusCode"], 1);
    let file = office().file("f", "[1]").build().expect("no mistakes");
    file.fault(Fault::every(1).foreign_link("https://elsewhere.example"));
    assert_eq!(&get(&file, "/files/f?orgId=5406213", TOKEN).await.body[..], b"[1]");
}

#[tokio::test]
async fn error_in_200_is_that_of_availability() {
    let answered = ask(&with(Fault::nth(1).error_in_200())).await.expect("an answer").ok();
    assert_eq!(answered["statusCode"], 500);
    assert!(answered["error"]["message"].is_string());
    assert_eq!(answered.get("data"), None);
}

#[track_caller]
fn read(fault: Value) -> Result<Fault, String> {
    serde_json::from_value(fault).map_err(|error| error.to_string())
}

#[test]
fn json_of_each_fault_is_read_and_written() {
    let status = StatusCode::SERVICE_UNAVAILABLE;
    let second = Duration::from_secs(1);
    for (json, fault) in [
        (
            json!({ "call": "logs", "nth": 1, "do": "status", "status": 503 }),
            Fault::nth(1).on(Operation::Logs).status(status),
        ),
        (
            json!({
                "call": "user-create", "every": 2, "do": "status", "status": 503,
                "retry_after": 1, "html": true,
            }),
            Fault::every(2).on(Operation::CreateUser).status(status).retry_after(second).html(),
        ),
        (
            json!({
                "nth": 1, "do": "status", "status": 503,
                "retry_after": "Mon, 05 Jan 2026 09:00:30 GMT",
            }),
            Fault::nth(1).status(status).retry_after_date(time("2026-01-05T09:00:30Z")),
        ),
        (
            json!({
                "call": "chat-say", "p": 0.1, "seed": 7, "do": "reset", "after_effect": true,
            }),
            Fault::p(0.1, 7).on(Operation::Say).reset().after_effect(),
        ),
        (json!({ "nth": 1, "do": "refuse" }), Fault::nth(1).refuse()),
        (json!({ "nth": 1, "do": "half" }), Fault::nth(1).half()),
        (json!({ "nth": 1, "do": "stall" }), Fault::nth(1).stall_for_ever()),
        (json!({ "nth": 1, "do": "stall", "ms": 1000 }), Fault::nth(1).stall(second)),
        (json!({ "nth": 1, "do": "slow", "ms": 1000 }), Fault::nth(1).slow(second)),
        (json!({ "nth": 1, "do": "cyclic-link" }), Fault::nth(1).cyclic_link()),
        (
            json!({ "nth": 1, "do": "foreign-link", "to": "http://x.example" }),
            Fault::nth(1).foreign_link("http://x.example"),
        ),
        (
            json!({ "nth": 1, "do": "foreign-redirect", "to": "http://x.example" }),
            Fault::nth(1).foreign_redirect("http://x.example"),
        ),
        (json!({ "nth": 1, "do": "error-in-200" }), Fault::nth(1).error_in_200()),
    ] {
        assert_eq!(read(json.clone()), Ok(fault.clone()), "{json}");
        assert_eq!(serde_json::to_value(fault).expect("JSON"), json);
    }
}

#[test]
fn malformed_json_of_a_fault_is_refused() {
    for (json, message) in [
        (json!([]), "invalid length 0"),
        (json!({ "nth": 1 }), "missing field `do`"),
        (json!({ "do": "half" }), "expected `nth` or `every`"),
        (json!({ "nth": 0, "do": "half" }), "expected `nth` or `every`"),
        (json!({ "nth": 1, "every": 1, "do": "half" }), "expected `nth` or `every`"),
        (json!({ "p": 0.1, "do": "half" }), "expected `nth` or `every`"),
        (json!({ "p": 1.1, "seed": 1, "do": "half" }), "expected `nth` or `every`"),
        (json!({ "nth": 1, "do": "explode" }), "unknown `do`"),
        (json!({ "nth": 1, "call": "log", "do": "half" }), "unknown `call`"),
        (json!({ "nth": 1, "do": "status" }), "`status` is not"),
        (json!({ "nth": 1, "do": "status", "status": 100 }), "`status` is not"),
        (
            json!({ "nth": 1, "do": "status", "status": 503, "retry_after": "soon" }),
            "`retry_after`",
        ),
        (json!({ "nth": 1, "do": "slow" }), "missing field `ms`"),
        (json!({ "nth": 1, "do": "half", "ms": 1 }), "`ms` is not of `half`"),
        (json!({ "nth": 1, "do": "half", "sttus": 1 }), "unknown field `sttus`"),
    ] {
        let error = read(json.clone()).expect_err(message);
        assert!(error.contains(message), "{json}: {error}");
    }
}
