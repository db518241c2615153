//! Pages of logs: what a SnapEngage of a test answers, and what was asked of it.

use std::collections::BTreeMap;

use http::Uri;
use serde_json::json;
use snapengage::client::{Account, Cases, ClientError, Day, Logs};

use crate::vendor::{Answered, Sent, Vendor};

const BASE: &str = "https://www.snapengage.com";

pub(crate) fn day(text: &str) -> Day {
    text.parse().expect("a day")
}

pub(crate) fn april(account: &Account) -> Logs {
    account.logs("w1").from(day("2017-04-20")).to(day("2017-04-28"))
}

/// A page of cases with these ids, and a link.
pub(crate) fn page(ids: &[&str], link: &str) -> Answered {
    let cases: Vec<_> = ids.iter().map(|id| json!({ "id": id })).collect();
    json!({ "cases": cases, "linkToNextSetOfResults": link }).to_string().into()
}

/// A page with so many cases.
pub(crate) fn full(prefix: &str, cases: usize, link: &str) -> Answered {
    let ids: Vec<_> = (0..cases).map(|number| format!("{prefix}-{number}")).collect();
    page(&ids.iter().map(String::as_str).collect::<Vec<_>>(), link)
}

pub(crate) fn query(address: &Uri) -> BTreeMap<String, String> {
    let query = address.query().unwrap_or_default();
    form_urlencoded::parse(query.as_bytes()).into_owned().collect()
}

/// The windows that were asked for: `w1 2017-04-20 2017-04-28`, and the paths of links.
pub(crate) fn steps(asked: &Vendor) -> Vec<String> {
    let step = |asked: Sent| {
        let query = query(&asked.uri);
        let named = |name: &str| query.get(name).cloned().unwrap_or_else(|| "-".to_owned());
        match query.get("next") {
            Some(next) => next.clone(),
            None => format!("{} {} {}", named("widgetId"), named("start"), named("end")),
        }
    };
    asked.requests().into_iter().map(step).collect()
}

pub(crate) fn link(next: &str) -> String {
    format!("{BASE}/api/v2/5406213/logs?next={next}")
}

/// The page that an address is of; empty of the first.
pub(crate) fn next_of(address: &Uri) -> String {
    query(address).remove("next").unwrap_or_default()
}

pub(crate) async fn ids(cases: &mut Cases) -> (Vec<String>, Option<ClientError>) {
    let mut ids = Vec::new();
    loop {
        match cases.next().await {
            Ok(Some(case)) => ids.push(case.id.to_string()),
            Ok(None) => return (ids, None),
            Err(error) => return (ids, Some(error)),
        }
    }
}

#[track_caller]
pub(crate) fn refusal(outcome: (Vec<String>, Option<ClientError>)) -> String {
    outcome.1.expect("an error").to_string()
}
