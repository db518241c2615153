//! Fetches pages of logs until one has no link to another: `pages ours|handwritten BASE-URL`.
//!
//! By hand, it is hyper's client and strict serde structs. Both say how many cases came, and on the
//! way, after every hundredth page, how much memory is resident.

use std::hint::black_box;
use std::time::Duration;

use bytes::Bytes;
use http::Request;
use http::header::AUTHORIZATION;
use http_body_util::{BodyExt, Empty};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use serde::Deserialize;
use snapengage::client::{self, Day, Secret};

const TOKEN: &str = "my-token";
const ORG: u64 = 5_406_213;

fn main() {
    let mut arguments = std::env::args().skip(1);
    let (who, base) = (arguments.next().expect("who"), arguments.next().expect("a base address"));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let cases = runtime.expect("a runtime").block_on(async {
        match who.as_str() {
            "ours" => ours(&base).await,
            _ => handwritten(&base).await,
        }
    });
    println!("{cases} cases");
}

async fn ours(base: &str) -> usize {
    let client = client::Client::builder().base_url(base).proxy_from_env(false).build();
    let account = client.expect("good settings").account(Secret::new(TOKEN), ORG);
    let day = Day::new(2026, 11, 1).expect("a day");
    let mut cases = account.logs("widget").from(day).to(day).pause(Duration::ZERO).cases();
    let mut count = 0;
    while let Some(case) = cases.next().await.expect("a page") {
        black_box(case);
        count += 1;
        report(count);
    }
    count
}

async fn handwritten(base: &str) -> usize {
    let client: Client<HttpConnector, Empty<Bytes>> =
        Client::builder(TokioExecutor::new()).build_http();
    let mut link =
        format!("{base}/api/v2/{ORG}/logs?widgetId=widget&start=2026-11-01&end=2026-11-01");
    let mut count = 0;
    while !link.is_empty() {
        let request = Request::get(&link).header(AUTHORIZATION, TOKEN);
        let request = request.body(Empty::new()).expect("a request");
        let response = client.request(request).await.expect("an answer");
        assert!(response.status().is_success());
        let body = response.into_body().collect().await.expect("a body").to_bytes();
        let page: Page = serde_json::from_slice(&body).expect("a page");
        drop(body);
        for case in page.cases {
            black_box(case);
            count += 1;
            report(count);
        }
        link = page.link_to_next_set_of_results;
    }
    count
}

/// Says how much memory is resident after each hundred pages of a hundred cases.
fn report(cases: usize) {
    if cases.is_multiple_of(10_000) {
        let statm = std::fs::read_to_string("/proc/self/statm").expect("Linux");
        let pages = statm.split(' ').nth(1).expect("resident pages");
        println!("{} {pages}", cases / 100);
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Page {
    cases: Vec<Case>,
    #[serde(default)]
    link_to_next_set_of_results: String,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Case {
    id: String,
    url: Option<String>,
    #[serde(rename = "type")]
    kind: Option<String>,
    requested_by: Option<String>,
    requester_details: Option<Requester>,
    description: Option<String>,
    created_at_date: Option<i64>,
    created_at_seconds: Option<i64>,
    created_at_milliseconds: Option<i64>,
    proactive_chat: Option<bool>,
    page_url: Option<String>,
    referrer_url: Option<String>,
    entry_url: Option<String>,
    ip_address: Option<String>,
    user_agent: Option<String>,
    browser: Option<String>,
    os: Option<String>,
    country_code: Option<String>,
    country: Option<String>,
    region: Option<String>,
    city: Option<String>,
    latitude: Option<f64>,
    longitude: Option<f64>,
    source_id: Option<i64>,
    chat_waittime: Option<i64>,
    chat_duration: Option<i64>,
    chat_responded: Option<bool>,
    chat_agent_id: Option<String>,
    chat_agent_alias: Option<String>,
    survey_score: Option<i64>,
    survey_comments: Option<String>,
    language_code: Option<String>,
    transcripts: Vec<Line>,
    javascript_variables: Vec<Pair>,
    operator_variables: Vec<Pair>,
    labels: Vec<Pair>,
    destination_url: Option<String>,
    visitor_transcript_email: Option<String>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Requester {
    name: Option<String>,
    emails: Vec<String>,
    phones: Vec<String>,
    social_profile_links: Vec<String>,
    age: Option<i64>,
    notes: Option<String>,
    avatars: Vec<String>,
    other_data: Vec<serde_json::Value>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Line {
    id: String,
    date: Option<i64>,
    date_seconds: Option<i64>,
    date_milliseconds: Option<i64>,
    alias: String,
    message: String,
}

#[derive(Deserialize)]
#[expect(dead_code, reason = "read, and no more")]
struct Pair {
    name: String,
    value: String,
}
