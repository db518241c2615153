//! Get Contact OPEN API: the query is read, and the agent sees the answer as it is.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{Method, Request, Response};
use http_body_util::Full;
use serde_json::json;
use snapengage::contact::{self, Handler, Query};
use snapengage::{Auth, Body, CaseId, HandlerError, ReceiverBuilder, async_trait};

use crate::answers::{FAILINGS, assert_text};
use crate::payloads::sample_query;
use crate::promises::{Room, Takes, promises};
use crate::secrets::assert_tells_no_secret;
use crate::support::requests::text;
use crate::support::{Failing, Seen, assert_refused, body, get, header, log, record_log};

const CASE: &str = "b88d3c4d-c402-4673-8e5b-68778eac45cb";

#[async_trait]
impl Handler for Failing {
    async fn look_up(&self, _: Query) -> Result<Option<String>, HandlerError> {
        self.run().await
    }
}

#[async_trait]
impl Handler for Seen<Query> {
    async fn look_up(&self, query: Query) -> Result<Option<String>, HandlerError> {
        self.push(query);
        Ok(None)
    }
}

/// The room, as its promises see it.
struct Contact;

impl Room for Contact {
    type Event = Query;

    const PATH: &str = "/get-contact";
    const MINIMAL: &str = "email=a";
    const DEADLINE: u64 = 5;

    fn with_deadline(builder: ReceiverBuilder, deadline: Duration) -> ReceiverBuilder {
        builder.contact_deadline(deadline)
    }

    fn request(query: impl Into<Bytes>) -> Request<Full<Bytes>> {
        get(&format!("{}?{}", Self::PATH, text(&query.into())))
    }

    fn assert_done(response: Response<Body>) {
        assert_text(response, 200, "");
    }
}

impl<H: Handler> Takes<H> for Contact {
    fn add(builder: ReceiverBuilder, handler: H) -> ReceiverBuilder {
        builder.contact(Self::PATH, Auth::dangerously_open(), handler)
    }
}

promises! {
    Contact:
        handler_that_hangs_is_answered_for_after_its_deadline,
}

fn telling(text: &'static str) -> impl Handler {
    contact::from_fn(move |_| async move { Ok(Some(text.to_owned())) })
}

fn some(text: &str) -> Option<String> {
    Some(text.to_owned())
}

fn pair(name: &str, value: &str) -> (String, String) {
    (name.to_owned(), value.to_owned())
}

#[tokio::test]
async fn documented_query_is_read() {
    let mut expected = Query::new("test@test.com");
    expected.ip = some("127.0.0.1");
    expected.url = some("http://www.test.com/chat");
    expected.case_id = Some(CASE.into());
    assert_eq!(Contact::received(sample_query("get-contact/known.txt")).await, expected);
}

#[tokio::test]
async fn plus_is_a_space_and_other_parameters_are_kept_in_order() {
    let mut expected = Query::new("jim+tester@example.com");
    expected.ip = some("2001:db8::1");
    expected.url = some("http://www.test.com/search?q=red+shoes&size=42");
    expected.case_id = Some(CASE.into());
    expected.extra = vec![pair("name", "Jim Tester"), pair("lang", "en"), pair("lang", "de")];
    assert_eq!(Contact::received(sample_query("get-contact/plus-and-extra.txt")).await, expected);
}

#[tokio::test]
async fn placeholder_address_is_handed_over() {
    let mut expected = Query::new("unknown@example.com");
    expected.ip = some("127.0.0.1");
    expected.case_id = Some(CASE.into());
    assert_eq!(Contact::received(sample_query("get-contact/placeholder.txt")).await, expected);
}

#[tokio::test]
async fn query_is_decoded_once_and_whatever_it_holds() {
    for (query, email) in [
        ("email=a", "a"),
        ("email=%2540", "%40"),
        ("email=%zz%4", "%zz%4"),
        ("email=%FF", "\u{fffd}"),
        ("email=a%00b", "a\0b"),
        ("email=%C3%BC", "ü"),
        ("email=a=b", "a=b"),
        ("&&email=a&", "a"),
        ("%65mail=a", "a"),
        ("email=&email=a", "a"),
    ] {
        assert_eq!(Contact::received(query).await, Query::new(email), "{query}");
    }
}

#[tokio::test]
async fn last_repeated_parameter_counts_and_none_is_lost() {
    let mut expected = Query::new("b");
    expected.ip = some("2");
    expected.case_id = Some("d".into());
    expected.extra = vec![
        pair("email", "a"),
        pair("lang", "en"),
        pair("ip", "1"),
        pair("caseId", "c"),
        pair("caseid", ""),
    ];
    let query = "email=a&email=b&lang=en&ip=1&ip=2&caseId=c&caseId=d&caseid=&email=&ip";
    assert_eq!(Contact::received(query).await, expected);
    assert_eq!(Query::from_query(&expected.to_query()), Ok(expected));
}

#[tokio::test]
async fn case_id_is_bounded() {
    let (long, longer) = ("x".repeat(256), "x".repeat(257));
    let query = |case_id: &str| format!("email=a&caseId={case_id}");
    assert_eq!(Contact::received(query(&long)).await.case_id, Some(long.as_str().into()));
    let mut expected = Query::new("a");
    expected.extra = vec![pair("caseId", &longer)];
    assert_eq!(Contact::received(query(&longer)).await, expected);
}

#[tokio::test]
async fn plus_that_was_not_escaped_in_an_address_is_a_plus() {
    for (query, email) in [
        ("email=jim+snap@test.com", "jim+snap@test.com"),
        ("email=jim+snap%40test.com", "jim+snap@test.com"),
        ("%65mail=jim+snap%2Bx@test.com", "jim+snap+x@test.com"),
        ("email=%2B+", "++"),
        ("email=jim%20snap@test.com", "jim snap@test.com"),
    ] {
        let read = Contact::received(query).await;
        assert_eq!(read, Query::new(email), "{query}");
        assert_eq!(Query::from_query(&read.to_query()), Ok(read), "{query}");
    }
    let mut expected = Query::new("a+b");
    expected.url = some("http://www.test.com/a b");
    expected.extra = vec![pair("email", "c+d"), pair("na me", "Jim Tester")];
    let query = "email=c+d&url=http://www.test.com/a+b&na+me=Jim+Tester&email=a+b";
    assert_eq!(Contact::received(query).await, expected);
    assert_eq!(Query::from_query(&expected.to_query()), Ok(expected));
}

#[tokio::test]
async fn second_question_mark_starts_the_query_again() {
    let with = |extra: &[(&str, &str)]| {
        let mut query = Query::new("test@test.com");
        query.extra = extra.iter().map(|(name, value)| pair(name, value)).collect();
        query
    };
    for (query, extra) in [
        ("key=abc?email=test%40test.com", &[("key", "abc")] as &[_]),
        ("key=abc&lang=en?email=test%40test.com", &[("key", "abc"), ("lang", "en")]),
        (
            "a=b?c=d&e=f?g=h?email=test%40test.com",
            &[("a", "b"), ("c", "d"), ("e", "f"), ("g", "h")],
        ),
        ("?email=test%40test.com", &[]),
        ("key?email=test%40test.com", &[("key", "")]),
        ("email=old&key=abc?email=test%40test.com", &[("email", "old"), ("key", "abc")]),
    ] {
        assert_eq!(Contact::received(query).await, with(extra), "{query}");
    }
}

#[test]
fn query_as_json_has_the_names_of_the_query() {
    let mut query = Query::new("test@test.com");
    assert_eq!(serde_json::to_value(&query).ok(), Some(json!({ "email": "test@test.com" })));
    query.ip = some("127.0.0.1");
    query.url = some("http://www.test.com/chat");
    query.case_id = Some(CASE.into());
    query.extra = vec![pair("lang", "en")];
    let expected = json!({
        "email": "test@test.com",
        "ip": "127.0.0.1",
        "url": "http://www.test.com/chat",
        "caseId": CASE,
        "lang": "en",
    });
    assert_eq!(serde_json::to_value(&query).ok(), Some(expected));
}

#[test]
fn query_as_json_names_nothing_twice_and_loses_nothing() {
    let query = Query::from_query("email=first&email=second&lang=third&lang=fourth");
    let query = query.expect("a query with an email");
    let json = serde_json::to_string(&query).expect("a query that is written");
    for name in [r#""email":"#, r#""lang":"#] {
        assert_eq!(json.matches(name).count(), 1, "{json}");
    }
    for value in ["first", "second", "third", "fourth"] {
        assert!(json.contains(value), "{json}");
    }
}

#[tokio::test]
async fn answer_is_shown_as_it_is() {
    for text in ["Jim Tester, customer since 2014", "Größe: 42\n<b>&amp;</b>\r\n", "\u{1f600}", ""]
    {
        assert_text(Contact::answer(telling(text), "email=a").await, 200, text);
    }
}

#[tokio::test]
async fn nothing_known_is_an_empty_answer() {
    let nothing = contact::from_fn(|_| async { Ok(None) });
    assert_text(Contact::answer(nothing, "email=a").await, 200, "");
}

#[tokio::test]
async fn head_is_answered_as_get_without_the_text() {
    let mut request = get("/get-contact?email=a");
    *request.method_mut() = Method::HEAD;
    let response = Contact::receiver(telling("Jim")).handle(request).await;
    assert_eq!(header(&response, http::header::CONTENT_LENGTH), "3");
    assert_text(response, 200, "");
}

#[tokio::test]
async fn query_is_handed_to_a_shared_handler() {
    let shared: Arc<dyn Handler> = Arc::new(telling("Jim"));
    assert_text(Contact::answer(Arc::clone(&shared), "email=a").await, 200, "Jim");
}

#[tokio::test]
async fn question_mark_in_a_value_is_of_it() {
    let mut expected = Query::new("a?b@test.com");
    expected.url = some("http://www.test.com/?email=other@test.com&");
    expected.extra = vec![pair("key", "what?"), pair("q", "a?b?=c")];
    let query =
        "email=a?b@test.com&url=http://www.test.com/?email=other@test.com%26&key=what?&q=a?b?=c";
    assert_eq!(Contact::received(query).await, expected);
    assert_eq!(Query::from_query(&expected.to_query()), Ok(expected));
}

#[test]
fn query_of_question_marks_takes_no_time_or_stack() {
    let query = "a=?b=".repeat(200_000) + &"?".repeat(1_000_000) + "?email=a";
    let read = Query::from_query(&query).expect("a query with an email");
    assert_eq!((read.email.as_str(), read.extra.len()), ("a", 200_001));
}

#[tokio::test]
async fn query_without_email_is_refused() {
    let message = "contact query: missing parameter `email`";
    for query in ["", "email", "email=", "email=&email=", "Email=a", "e-mail=a", "ip=1&url=2"] {
        assert_refused(Contact::answer(telling("Jim"), query).await, 400, message);
    }
    let response = Contact::receiver(telling("Jim")).handle(get("/get-contact")).await;
    assert_refused(response, 400, message);
}

#[tokio::test]
async fn refusals_and_the_log_repeat_nothing_of_the_query() {
    record_log();
    let receiver = Contact::receiver(telling("Jim"));
    for (query, status) in [
        ("SECRET=SECRET&ip=SECRET&url=SECRET&caseId=SECRET", 400),
        ("email=&SECRET", 400),
        ("email=SECRET&ip=SECRET&url=SECRET&SECRET=SECRET", 200),
    ] {
        let response = receiver.handle(get(&format!("/get-contact?{query}"))).await;
        assert_eq!(response.status(), status);
        assert_tells_no_secret(query, &body(response));
        assert_tells_no_secret(query, &log());
    }
}

#[tokio::test]
async fn log_names_the_case() {
    record_log();
    Contact::received(sample_query("get-contact/known.txt")).await;
    let log = log();
    assert!(log.contains(r#"api="get-contact""#), "{log}");
    assert!(log.contains(CASE), "{log}");
    assert!(!log.contains("test.com"), "{log}");
    assert!(!log.contains("127.0.0.1"), "{log}");
}

#[tokio::test(start_paused = true)]
async fn failing_handler_is_answered_for_in_plain_text() {
    for failing in FAILINGS {
        let status = if matches!(failing, Failing::Panicking) { 500 } else { 503 };
        let response = Contact::answer(failing, "email=a").await;
        assert_text(response, status, "the contact could not be looked up");
    }
}

#[tokio::test(start_paused = true)]
async fn log_says_why_the_contact_could_not_be_looked_up() {
    record_log();
    for (failing, reason) in FAILINGS.iter().zip([
        "handler failed: no database",
        "handler failed: no such plan",
        "handler panicked",
        "handler not done within 5s",
    ]) {
        Contact::answer(*failing, "email=SECRET").await;
        let log = log();
        assert!(log.contains(reason), "{log}");
        assert_tells_no_secret("log", &log);
    }
}

#[test]
fn query_is_written_as_snapengage_writes_it() {
    let mut query = Query::new("jim+tester@example.com");
    query.url = some("http://www.test.com/a b?c=d&e");
    query.case_id = Some(CaseId::new("ü"));
    query.extra = vec![pair("na me", "")];
    assert_eq!(
        query.to_query(),
        "email=jim%2Btester%40example.com&url=http%3A%2F%2Fwww.test.com%2Fa+b%3Fc%3Dd%26e\
         &caseId=%C3%BC&na+me="
    );
    assert_eq!(Query::from_query(&query.to_query()), Ok(query));
}
