//! One answer of the logs: what is odd in it, and how long it is in memory.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use bytes::Bytes;
use http::Response;
use serde_json::json;
use snapengage::client::{Day, LogPage};
use snapengage::integration::SupportRequest;

use crate::log::{log, record_log};
use crate::pages::{april, ids, link, next_of, refusal};
use crate::vendor::{Answered, account};

#[tokio::test(start_paused = true)]
async fn a_case_without_an_id_costs_itself_alone() {
    for odd in
        [json!({ "type": "chat" }), json!({ "id": {} }), json!({ "id": "x".repeat(300) }), json!(7)]
    {
        let body = json!({ "cases": [{ "id": "a" }, odd, null, { "id": "b" }], "total": 3 });
        let (account, _) = account(move |_| body.to_string().into());
        record_log();
        let mut cases = april(&account).cases();
        let (found, error) = ids(&mut cases).await;
        assert!(error.is_none() && found == ["a", "b"], "{found:?} {error:?}");
        assert_eq!(cases.unreadable(), 1);
        let log = log();
        assert!(log.contains(r#"kept in extra fields="cases""#), "{log}");
    }
}

#[tokio::test(start_paused = true)]
async fn an_answer_without_cases_is_no_empty_page() {
    for body in [
        r#"{"code": 400, "message": "no such widget"}"#,
        r#"{"conversations": []}"#,
        r#"{"cases": {"id": "a"}}"#,
        r#"{"cases": "none"}"#,
        "[]",
        "<html>Sign in</html>",
        "",
    ] {
        let (account, asked) = account(move |_| body.to_owned().into());
        let outcome = ids(&mut april(&account).cases()).await;
        let text = refusal(outcome);
        let expected =
            "logs: the answer is not as documented (GET /api/v2/5406213/logs, 1 attempt)";
        assert_eq!(text, expected, "{body}");
        assert_eq!(asked.requests().len(), 1);
    }
}

#[tokio::test]
async fn an_answer_that_would_fill_the_memory_is_not_parsed() {
    let cases = |count| format!(r#"{{"cases":[{}{{"id":"a"}}]}}"#, r#"{"":0},"#.repeat(count));
    let (within, above) = (cases(1000), cases(1_000_000));
    let (account, _) = account(move |address| {
        let body = if address.query().is_some_and(|query| query.contains("w1")) {
            &above
        } else {
            &within
        };
        body.clone().into()
    });
    let error = april(&account).cases().next().await.expect_err("a million values");
    let cause = std::error::Error::source(&error).expect("a cause").to_string();
    assert_eq!(cause, "logs: too many values");
    let mut few = account.logs("w2").from(Day::MIN).to(Day::MIN).cases();
    assert!(few.next().await.expect("a page").is_some());
    assert_eq!(few.unreadable(), 1000);
}

#[tokio::test(start_paused = true)]
async fn nothing_is_an_empty_page() {
    for body in
        [r#"{"cases": []}"#, r#"{"cases": null}"#, r#"{"linkToNextSetOfResults": ""}"#, "{}"]
    {
        let (account, _) = account(move |_| body.to_owned().into());
        let (found, error) = ids(&mut april(&account).cases()).await;
        assert!(error.is_none() && found.is_empty(), "{body}: {error:?}");
    }
}

/// The bytes of a page, counted while they are in memory.
struct Counted(Vec<u8>, Arc<AtomicUsize>);

impl AsRef<[u8]> for Counted {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.1.fetch_sub(1, Ordering::Relaxed);
    }
}

#[tokio::test(start_paused = true)]
async fn a_thousand_pages_are_in_memory_one_at_a_time() {
    let (held, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let (now_held, most_held) = (Arc::clone(&held), Arc::clone(&most));
    let (account, asked) = account(move |address| {
        let number: usize = next_of(address).parse().unwrap_or(0);
        let next = if number < 999 { link(&(number + 1).to_string()) } else { String::new() };
        let cases: Vec<_> =
            (0..100).map(|case| json!({ "id": format!("{number}-{case}") })).collect();
        let body = json!({ "cases": cases, "linkToNextSetOfResults": next }).to_string();
        most_held.fetch_max(now_held.fetch_add(1, Ordering::Relaxed) + 1, Ordering::Relaxed);
        let body = Bytes::from_owner(Counted(body.into_bytes(), Arc::clone(&now_held)));
        Answered::With(Response::new(body.into()))
    });
    let mut cases = april(&account).pause(Duration::ZERO).cases();
    let mut found = 0;
    while cases.next().await.expect("a page").is_some() {
        found += 1;
    }
    assert_eq!((found, asked.requests().len()), (100_000, 1000));
    assert_eq!((most.load(Ordering::Relaxed), held.load(Ordering::Relaxed)), (1, 0));
}

#[test]
fn a_page_is_written_back_as_it_came() {
    let body = json!({
        "cases": [{ "id": "a", "survey_score": 100 }, { "id": "b" }],
        "linkToNextSetOfResults": "https://www.snapengage.com/next",
        "total": 2,
    });
    let page = LogPage::from_json(body.to_string().as_bytes()).expect("a page");
    assert_eq!(
        page.cases[0],
        SupportRequest::from_json(br#"{"id": "a", "survey_score": 100}"#).expect("a case")
    );
    assert_eq!(page.link_to_next.as_deref(), Some("https://www.snapengage.com/next"));
    assert_eq!(serde_json::to_value(&page).expect("JSON"), body);
    let spoilt = br#"{"cases": [{"id": "a"}, {"type": "chat"}]}"#;
    let page = LogPage::from_json(spoilt).expect("a page");
    assert_eq!(page.extra["cases (others)"], json!([{ "type": "chat" }]));
    assert_eq!(page.cases.len(), 1);
}
