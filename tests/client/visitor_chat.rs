//! A chat as a visitor: each line once, in order, at a bearable pace.

use std::time::Duration;

use serde_json::{Value, json};
use snapengage::client::{ChatLine, Client, ClientError, Secret, VisitorChat};
use tokio::time::{Instant, timeout};

use crate::log::{log, record_log};
use crate::vendor::{KEY, Vendor, error};

const CASE: &str = "f383eadb";

fn polled(indexes: &[i64]) -> String {
    let lines: Vec<_> = indexes.iter().map(|index| line(*index)).collect();
    json!({"caseId": CASE, "messageList": lines, "agentTyping": false}).to_string()
}

fn line(index: i64) -> Value {
    json!({"index": index, "type": "agent", "author": "Sam", "text": format!("line {index} ")})
}

fn chat(vendor: &Vendor) -> VisitorChat {
    vendor.visitor_chats().resume(CASE)
}

/// The indexes of the next lines.
async fn indexes(chat: &mut VisitorChat, count: usize) -> Vec<i64> {
    let mut indexes = Vec::new();
    for _ in 0..count {
        indexes.push(chat.next().await.expect("an answer").expect("a line").index);
    }
    indexes
}

/// The indexes that were asked for.
fn asked(vendor: &Vendor) -> Vec<Option<String>> {
    vendor.requests().iter().map(|request| request.parameter("index")).collect()
}

fn from(indexes: &[i64]) -> Vec<Option<String>> {
    indexes.iter().map(|index| (*index > 0).then(|| index.to_string())).collect()
}

fn is_over(next: Result<Option<ChatLine>, ClientError>) -> bool {
    next.expect("no error").is_none()
}

#[tokio::test]
async fn a_chat_is_started_with_what_is_given() {
    let vendor = Vendor::answering(200, r#"{"caseId": "c1"}"#);
    let chats = vendor.visitor_chats();
    let chat = chats.start("w").await.expect("a chat");
    assert_eq!(chat.case_id(), &"c1");
    let start = vendor.request();
    assert_eq!(start.method, "POST");
    assert_eq!(start.path(), ["api", "v1", "chat"]);
    assert_eq!(start.uri.query(), Some("widgetId=w&isOffline=false"));
    assert_eq!(start.header("content-type"), "application/x-www-form-urlencoded");
    assert_eq!((start.header("x-api-key"), start.body.len()), (KEY, 0));
    chats.start("w").message("").offline().await.expect("a message");
    let query = "widgetId=w&isOffline=true&visitorMessage=";
    assert_eq!(vendor.request().uri.query(), Some(query));
}

#[tokio::test]
async fn a_start_that_failed_tells_nothing_of_the_visitor() {
    let answer = "no visitor@example.com, +49 30, Hello%21 or Hello!";
    let vendor = Vendor::answering(400, answer);
    let start = vendor.visitor_chats().start("w").email("visitor@example.com").phone("+49 30");
    let start = start.message("Hello!");
    assert_eq!(format!("{start:?}"), r#"StartChat { widget_id: "w", .. }"#);
    let error = error(start.await, &["visitor@", "49 30", "Hello", KEY]);
    assert_eq!(error.excerpt(), Some("no <redacted>, <redacted>, <redacted> or <redacted>"));
    let vendor = Vendor::answering(200, r#"{"widgetId": "w"}"#);
    let start = vendor.visitor_chats().start("w").await;
    assert!(start.expect_err("no case id").may_have_been_done());
}

#[tokio::test(start_paused = true)]
async fn lines_come_once_and_in_order() {
    let vendor = Vendor::answering(200, polled(&[4, 2, 3, 2]))
        .then(200, polled(&[2, 4, 7, 6, 7]))
        .then(200, polled(&[]))
        .then(200, "{}")
        .then(200, polled(&[8]));
    let mut chat = chat(&vendor);
    assert_eq!(indexes(&mut chat, 6).await, [2, 3, 4, 6, 7, 8]);
    assert_eq!(asked(&vendor), from(&[0, 5, 8, 8, 8]));
}

#[tokio::test(start_paused = true)]
async fn polls_are_two_seconds_apart() {
    let vendor =
        Vendor::answering(200, polled(&[0])).then(200, polled(&[1])).then(200, polled(&[2]));
    let mut chat = chat(&vendor);
    let start = Instant::now();
    indexes(&mut chat, 1).await;
    assert_eq!(start.elapsed(), Duration::ZERO, "the first poll waits for nothing");
    indexes(&mut chat, 1).await;
    chat.poll_every(Duration::from_millis(1));
    indexes(&mut chat, 1).await;
    let polls: Vec<_> = vendor.requests().iter().map(|poll| poll.at - start).collect();
    let seconds: Vec<_> = polls.iter().map(Duration::as_secs).collect();
    assert_eq!(seconds, [0, 2, 3], "one second is the least");
}

#[tokio::test(start_paused = true)]
async fn the_longest_interval_is_no_overflow() {
    let vendor = Vendor::answering(200, polled(&[]));
    let mut chat = chat(&vendor);
    chat.poll_every(Duration::MAX);
    let waited = timeout(Duration::from_secs(86_400), chat.next()).await;
    assert!(waited.is_err());
    assert_eq!(vendor.requests().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_dropped_poll_loses_no_line_and_no_pace() {
    let vendor = Vendor::answering(200, polled(&[1, 2])).then_stalling().then(200, polled(&[3, 4]));
    let mut chat = chat(&vendor);
    chat.typing(true);
    assert_eq!(indexes(&mut chat, 2).await, [1, 2]);
    chat.typing(true);
    let dropped = timeout(Duration::from_secs(3), chat.next()).await;
    assert!(dropped.is_err(), "the second poll is not answered");
    assert_eq!(indexes(&mut chat, 2).await, [3, 4]);
    let polls = vendor.requests();
    let typing: Vec<_> = polls.iter().map(|poll| poll.parameter("isTyping")).collect();
    assert_eq!(typing, ["true"; 3].map(|value| Some(value.to_owned())));
    assert_eq!(polls[2].parameter("index").as_deref(), Some("3"));
    assert_eq!((polls[2].at - polls[1].at).as_secs(), 2);
}

#[tokio::test(start_paused = true)]
async fn after_an_error_it_goes_on() {
    let vendor = Vendor::answering(200, polled(&[1]))
        .then(500, "line 1 ")
        .then(200, "<html>")
        .then(200, r#"{"messageList": {"index": 2}}"#)
        .then(200, r#"{"messageList": "no list"}"#)
        .then(401, "")
        .then(200, polled(&[1, 2]));
    let mut chat = chat(&vendor);
    assert_eq!(indexes(&mut chat, 1).await, [1]);
    for _ in 0..5 {
        let error = error(chat.next().await, &[KEY, "no list"]);
        assert!(!error.is_not_found() && !error.may_have_been_done(), "{error}");
    }
    assert_eq!(indexes(&mut chat, 1).await, [2]);
    let polls = vendor.requests();
    assert!(polls.windows(2).all(|polls| (polls[1].at - polls[0].at).as_secs() == 2));
    assert!(polls[1..].iter().all(|poll| poll.parameter("index").as_deref() == Some("2")));
}

#[tokio::test(start_paused = true)]
async fn a_line_that_cannot_be_read_costs_itself_alone() {
    for odd in [json!({"text": "no index"}), json!({"index": []}), json!("no index"), json!(7)] {
        let body = json!({"messageList": [line(1), odd, null, line(3)], "agentTyping": "true"});
        let vendor = Vendor::answering(200, body.to_string())
            .then(200, json!({"messageList": [odd]}).to_string())
            .then(200, polled(&[4]));
        let mut chat = chat(&vendor);
        record_log();
        assert_eq!(indexes(&mut chat, 1).await, [1]);
        assert!(chat.is_agent_typing());
        let log = log();
        assert!(log.contains(r#"kept in extra fields="messageList""#), "{log}");
        assert!(!log.contains("no index"), "{log}");
        assert_eq!(indexes(&mut chat, 2).await, [3, 4]);
        assert_eq!(asked(&vendor), from(&[0, 4, 4]));
    }
}

#[tokio::test(start_paused = true)]
async fn a_chat_that_is_found_no_more_is_over() {
    let vendor = Vendor::answering(200, polled(&[])).then(200, polled(&[5])).then(404, "");
    let mut chat = chat(&vendor);
    assert_eq!(indexes(&mut chat, 1).await, [5]);
    assert!(is_over(chat.next().await));
    assert!(is_over(chat.next().await));
    assert_eq!(vendor.requests().len(), 3, "what is over is not polled");
}

#[tokio::test(start_paused = true)]
async fn a_chat_that_was_never_found_is_an_error() {
    let vendor = Vendor::answering(404, "");
    let mut chat = chat(&vendor);
    assert!(error(chat.next().await, &[]).is_not_found());
    assert!(error(chat.next().await, &[]).is_not_found());
    assert!(error(chat.close().await, &[]).is_not_found());
}

#[tokio::test(start_paused = true)]
async fn what_was_fetched_is_returned_after_the_end() {
    let vendor = Vendor::answering(200, polled(&[1, 2])).then(200, "");
    let mut chat = chat(&vendor);
    assert_eq!(indexes(&mut chat, 1).await, [1]);
    vendor.requests();
    chat.close().message("Bye & thanks!").await.expect("a success");
    let close = vendor.request();
    assert_eq!(close.method, "PUT");
    let query = format!("caseId={CASE}&messageType=2&messageBody=Bye%20%26%20thanks%21");
    assert_eq!(close.uri.query(), Some(&*query));
    assert_eq!(indexes(&mut chat, 1).await, [2]);
    assert!(is_over(chat.next().await));
    assert_eq!(vendor.requests().len(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_chat_that_could_not_be_closed_is_open() {
    let vendor = Vendor::answering(200, polled(&[1])).then(500, "").then(200, polled(&[2]));
    let mut chat = chat(&vendor);
    assert_eq!(indexes(&mut chat, 1).await, [1]);
    let refused = chat.close().message("Bye").await;
    assert!(error(refused, &["Bye"]).may_have_been_done());
    assert_eq!(indexes(&mut chat, 1).await, [2]);
    chat.close().await.expect("a success");
    let close = vendor.requests().pop().expect("a request");
    assert_eq!(close.uri.query(), Some(&*format!("caseId={CASE}&messageType=2")));
}

#[tokio::test(start_paused = true)]
async fn closing_what_is_over_is_a_success() {
    let vendor = Vendor::answering(200, polled(&[1])).then(404, "");
    let mut chat = chat(&vendor);
    assert_eq!(indexes(&mut chat, 1).await, [1]);
    chat.close().await.expect("a success");
    chat.close().await.expect("a success");
    assert!(is_over(chat.next().await));
}

#[tokio::test(start_paused = true)]
async fn a_chat_that_a_lost_attempt_closed_is_closed() {
    let vendor = Vendor::answering(500, "").then(404, "");
    let client = Client::builder().transport(vendor.clone()).attempts(2).build();
    let chats = client.expect("no mistakes").visitor_chats(Secret::new(KEY));
    let mut chat = chats.resume(CASE);
    chat.close().await.expect("a success");
    assert!(is_over(chat.next().await));
    assert_eq!(vendor.requests().len(), 2);
}

#[tokio::test]
async fn what_the_visitor_says_is_not_told() {
    let vendor = Vendor::answering(404, "my%20secret").then(200, r#"{"messageType": 1}"#);
    let chat = chat(&vendor);
    assert_eq!(format!("{chat:?}"), r#"VisitorChat { case_id: "f383eadb", state: Unpolled, .. }"#);
    let error = error(chat.say("my secret").await, &["my secret", "my%20secret"]);
    assert!(error.is_not_found() && !error.may_have_been_done());
    assert_eq!(chat.say("my secret").await.expect("an answer").message_type, Some(1));
}

#[tokio::test(start_paused = true)]
async fn typing_is_told_with_the_next_poll_alone() {
    let answer = json!({"messageList": [line(1)], "agentTyping": true}).to_string();
    let vendor = Vendor::answering(200, answer)
        .then(503, "")
        .then(200, polled(&[2]))
        .then(200, polled(&[3]));
    let mut chat = chat(&vendor);
    assert!(!chat.is_agent_typing());
    chat.typing(true);
    chat.typing(false);
    assert_eq!(indexes(&mut chat, 1).await, [1]);
    assert!(chat.is_agent_typing());
    chat.typing(true);
    assert!(chat.next().await.is_err());
    assert_eq!(indexes(&mut chat, 2).await, [2, 3]);
    assert!(!chat.is_agent_typing());
    let polls = vendor.requests();
    let typing: Vec<_> = polls.iter().map(|poll| poll.parameter("isTyping").is_some()).collect();
    assert_eq!(typing, [false, true, true, false]);
}

#[tokio::test(start_paused = true)]
async fn a_chat_is_taken_up_after_the_last_line() {
    let vendor = Vendor::answering(200, polled(&[3, 5, 8]));
    let mut first = chat(&vendor);
    assert_eq!(first.next_index(), 0);
    assert_eq!(indexes(&mut first, 1).await, [3]);
    assert_eq!(first.next_index(), 5);
    vendor.requests();
    let mut second = vendor.visitor_chats().resume_at(first.case_id().clone(), first.next_index());
    assert_eq!(indexes(&mut second, 2).await, [5, 8]);
    assert_eq!(second.next_index(), 9);
    assert_eq!(asked(&vendor), from(&[5]));
    let mut odd = vendor.visitor_chats().resume_at(CASE, i64::MIN);
    assert_eq!(indexes(&mut odd, 1).await, [3]);
}

#[tokio::test(start_paused = true)]
async fn the_highest_index_is_no_overflow() {
    let vendor = Vendor::answering(200, polled(&[i64::MAX]));
    let mut chat = chat(&vendor);
    assert_eq!(indexes(&mut chat, 1).await, [i64::MAX]);
    assert!(timeout(Duration::from_secs(60), chat.next()).await.is_err(), "not a second time");
    assert_eq!(chat.next_index(), i64::MAX);
}

#[tokio::test(start_paused = true)]
async fn the_end_of_a_text_is_trimmed_on_demand() {
    let lines = json!([
        {"index": 1, "type": "agent", "author": "Sam", "text": " hi \u{a0}\n"},
        {"index": 2, "type": "system", "text": "/SYS REAS 16 "},
        {"index": 3, "type": "bot"},
    ]);
    let vendor = Vendor::answering(200, json!({"messageList": lines}).to_string());
    let mut chat = chat(&vendor);
    let said = chat.next().await.expect("an answer").expect("a line");
    assert_eq!((said.text.as_str(), said.trimmed()), (" hi \u{a0}\n", " hi"));
    assert!(said.is_from_agent());
    let code = chat.next().await.expect("an answer").expect("a line");
    assert_eq!((code.author.as_str(), code.trimmed()), ("", "/SYS REAS 16"));
    assert!(!code.is_from_agent());
    let other = chat.next().await.expect("an answer").expect("a line");
    assert_eq!(other.kind.expect("a kind").as_str(), "bot");
}

#[tokio::test]
async fn a_line_longer_than_an_address_is_not_sent() {
    let vendor = Vendor::answering(200, "{}");
    let chat = vendor.visitor_chats().resume("c");
    let error = error(chat.say("x".repeat(100_000)).await, &["xxx"]);
    assert!(error.is_mistake(), "{error}");
    assert_eq!(error.to_string(), "chat-say: the address would be too long");
    assert_eq!(error.attempts(), 0);
}
