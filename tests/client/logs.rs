//! Logs: pages, links, windows of days, and what is told of all that.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use bytes::Bytes;
use http::{Response, Uri};
use serde_json::{Value, json};
use snapengage::client::{Account, Cases, Client, ClientError, Day, LogPage, Logs};
use snapengage::integration::SupportRequest;
use tokio::time::Instant;

use crate::log::{log, record_log};
use crate::scripted::{AllAsked, Answered, Asked, TOKEN, account, account_of};

const BASE: &str = "https://www.snapengage.com";

fn day(text: &str) -> Day {
    text.parse().expect("a day")
}

fn april(account: &Account) -> Logs {
    account.logs("w1").from(day("2017-04-20")).to(day("2017-04-28"))
}

/// A page of cases with these ids, and a link.
fn page(ids: &[&str], link: &str) -> Answered {
    let cases: Vec<_> = ids.iter().map(|id| json!({ "id": id })).collect();
    json!({ "cases": cases, "linkToNextSetOfResults": link }).to_string().into()
}

/// A page with so many cases.
fn full(prefix: &str, cases: usize, link: &str) -> Answered {
    let ids: Vec<_> = (0..cases).map(|number| format!("{prefix}-{number}")).collect();
    page(&ids.iter().map(String::as_str).collect::<Vec<_>>(), link)
}

fn query(address: &Uri) -> BTreeMap<String, String> {
    let query = address.query().unwrap_or_default();
    form_urlencoded::parse(query.as_bytes()).into_owned().collect()
}

/// The windows that were asked for: `w1 2017-04-20 2017-04-28`, and the paths of links.
fn steps(asked: &AllAsked) -> Vec<String> {
    let step = |asked: Asked| {
        let query = query(&asked.address);
        let named = |name: &str| query.get(name).cloned().unwrap_or_else(|| "-".to_owned());
        match query.get("next") {
            Some(next) => next.clone(),
            None => format!("{} {} {}", named("widgetId"), named("start"), named("end")),
        }
    };
    asked.take().into_iter().map(step).collect()
}

fn link(next: &str) -> String {
    format!("{BASE}/api/v2/5406213/logs?next={next}")
}

/// The page that an address is of; empty of the first.
fn next_of(address: &Uri) -> String {
    query(address).remove("next").unwrap_or_default()
}

async fn ids(cases: &mut Cases) -> (Vec<String>, Option<ClientError>) {
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
fn refusal(outcome: (Vec<String>, Option<ClientError>)) -> String {
    outcome.1.expect("an error").to_string()
}

#[tokio::test(start_paused = true)]
async fn pages_are_fetched_one_after_the_other() {
    let (account, asked) = account(|address| match next_of(address).as_str() {
        "" => page(&["a", "b"], &link("2%26x%3D1")),
        "2&x=1" => page(&["c"], &link("3")),
        _ => json!({ "cases": [{ "id": "d" }] }).to_string().into(),
    });
    let (found, error) = ids(&mut april(&account).time_zone("Europe/Berlin").cases()).await;
    assert!(error.is_none(), "{error:?}");
    assert_eq!(found, ["a", "b", "c", "d"]);
    let expected = [
        format!(
            "{BASE}/api/v2/5406213/logs?widgetId=w1&timezone=Europe%2FBerlin&start=2017-04-20&end=2017-04-28"
        ),
        link("2%26x%3D1"),
        link("3"),
    ];
    let asked = asked.take();
    assert_eq!(asked.iter().map(|asked| asked.address.to_string()).collect::<Vec<_>>(), expected);
    assert!(asked.iter().all(|asked| asked.token.as_deref() == Some(TOKEN)));
}

#[tokio::test(start_paused = true)]
async fn an_empty_page_with_a_link_is_not_the_end() {
    let (account, _) = account(|address| match next_of(address).as_str() {
        "" => page(&[], &link("2")),
        "2" => page(&[], &link("3")),
        _ => page(&["a"], ""),
    });
    let (found, error) = ids(&mut april(&account).cases()).await;
    assert!(error.is_none() && found == ["a"], "{found:?} {error:?}");
}

#[tokio::test(start_paused = true)]
async fn a_link_that_came_before_is_not_followed() {
    // From the second page on: A, A, then A, B, A, then A, B, C, D, A.
    for (cycle, last) in [("A", "A"), ("AB", "B"), ("ABCD", "D")] {
        let (account, asked) = account(move |address| {
            let at = next_of(address);
            let next = match cycle.find(&at).filter(|_| !at.is_empty()) {
                Some(place) => &cycle[(place + 1) % cycle.len()..][..1],
                None => &cycle[..1],
            };
            page(&[&format!("case-{at}")], &link(next))
        });
        let mut cases = april(&account).cases();
        let (found, error) = ids(&mut cases).await;
        assert_eq!(found.last(), Some(&format!("case-{last}")), "{cycle}");
        assert_eq!(found.len(), cycle.len() + 1, "{cycle}");
        let text = error.expect("an error").to_string();
        assert_eq!(text, "logs: the link to the next page leads to one that came before");
        assert_eq!(refusal(ids(&mut cases).await), text, "asked once more");
        assert_eq!(asked.take().len(), cycle.len() + 1, "nothing is sent for it");
    }
}

#[tokio::test(start_paused = true)]
async fn a_link_to_the_first_page_is_a_cycle_too() {
    let (account, asked) = account(|address| page(&["a"], &address.to_string()));
    let (found, error) = ids(&mut april(&account).cases()).await;
    assert!(error.is_some() && found == ["a"], "{found:?}");
    assert_eq!(asked.take().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn pages_without_a_case_are_not_followed_for_ever() {
    let pages = AtomicUsize::new(0);
    let (account, asked) =
        account(move |_| page(&[], &link(&pages.fetch_add(1, Ordering::Relaxed).to_string())));
    let text = refusal(ids(&mut april(&account).pause(Duration::ZERO).cases()).await);
    assert!(text.contains("a thousand pages in a row were empty"), "{text}");
    assert_eq!(asked.take().len(), 1001);
}

#[tokio::test(start_paused = true)]
async fn a_link_to_another_host_is_not_asked() {
    for foreign in [
        "https://example.com/api/v2/5406213/logs?next=2",
        "http://www.snapengage.com/api/v2/5406213/logs?next=2",
        "https://www.snapengage.com:8443/api/v2/5406213/logs?next=2",
        "https://www.snapengage.com@example.com/logs?next=2",
        "https://snapengage.com/api/v2/5406213/logs?next=2",
    ] {
        let (account, asked) = account(move |_| page(&["a"], foreign));
        let (found, error) = ids(&mut april(&account).cases()).await;
        assert_eq!(found, ["a"], "what came before is not lost");
        let text = error.expect("an error").to_string();
        assert_eq!(text, "logs: the link to the next page leads to another host");
        assert_eq!(steps(&asked), ["w1 2017-04-20 2017-04-28"], "{foreign}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_link_that_is_no_address_is_an_error() {
    for odd in
        [json!("/api/v2/5406213/logs?next=2"), json!("next page"), json!("https://"), json!(2)]
    {
        let body = json!({ "cases": [{ "id": "a" }], "linkToNextSetOfResults": odd });
        let (account, _) = account(move |_| body.to_string().into());
        let text = refusal(ids(&mut april(&account).cases()).await);
        assert_eq!(text, "logs: the link to the next page is no address", "{odd}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_listed_host_may_be_linked_to() {
    let client =
        Client::builder().base_url("https://proxy.example.com/se").hosts(["www.snapengage.com"]);
    let (account, asked) = account_of(client, |address| match next_of(address).as_str() {
        "" => page(&["a"], &link("2")),
        _ => page(&["b"], ""),
    });
    let (found, error) = ids(&mut april(&account).cases()).await;
    assert!(error.is_none() && found == ["a", "b"], "{error:?}");
    let asked = asked.take();
    let first = asked[0].address.to_string();
    assert!(first.starts_with("https://proxy.example.com/se/api/v2/5406213/logs?"), "{first}");
    assert_eq!(asked[1].token.as_deref(), Some(TOKEN));
}

#[tokio::test(start_paused = true)]
async fn a_window_that_takes_too_long_is_halved() {
    let (account, asked) = account_of(Client::builder().attempts(1), |address| {
        let (start, end) = (query(address)["start"].clone(), query(address)["end"].clone());
        let days = day(&start).days_until(day(&end));
        if days > 2 { 504.into() } else { page(&[&start], "") }
    });
    let mut cases = april(&account).cases();
    let (found, error) = ids(&mut cases).await;
    assert!(error.is_none(), "{error:?}");
    assert_eq!(found, ["2017-04-20", "2017-04-23", "2017-04-25", "2017-04-27"]);
    let expected = [
        "w1 2017-04-20 2017-04-28",
        "w1 2017-04-20 2017-04-24",
        "w1 2017-04-20 2017-04-22",
        "w1 2017-04-23 2017-04-24",
        "w1 2017-04-25 2017-04-28",
        "w1 2017-04-25 2017-04-26",
        "w1 2017-04-27 2017-04-28",
    ];
    assert_eq!(steps(&asked), expected);
    assert_eq!((cases.days_done(), cases.days()), (9, 9));
}

#[tokio::test(start_paused = true)]
async fn a_window_is_halved_after_all_attempts() {
    let (account, asked) =
        account(|address| match query(address)["start"] == query(address)["end"] {
            true => page(&["a"], ""),
            false => 504.into(),
        });
    let logs = account.logs("w1").from(day("2017-04-20")).to(day("2017-04-21"));
    let (found, error) = ids(&mut logs.cases()).await;
    assert!(error.is_none() && found == ["a", "a"], "{error:?}");
    let (both, one) = ("w1 2017-04-20 2017-04-21", "w1 2017-04-20 2017-04-20");
    assert_eq!(steps(&asked), [both, both, both, both, one, "w1 2017-04-21 2017-04-21"]);
}

#[tokio::test(start_paused = true)]
async fn a_day_that_takes_too_long_is_an_error() {
    let (account, asked) = account_of(Client::builder().attempts(1), |_| 504.into());
    let logs = account.logs("w1").from(day("2017-04-20")).to(day("2017-04-21"));
    let (found, error) = ids(&mut logs.cases()).await;
    let error = error.expect("an error");
    assert!(error.is_timeout() && found.is_empty(), "{error}");
    assert_eq!(steps(&asked), ["w1 2017-04-20 2017-04-21", "w1 2017-04-20 2017-04-20"]);
}

#[tokio::test(start_paused = true)]
async fn only_what_takes_too_long_is_halved() {
    for status in [400, 401, 403, 404, 429, 500, 503] {
        let (account, asked) = account_of(Client::builder().attempts(1), move |_| status.into());
        let error = ids(&mut april(&account).cases()).await.1.expect("an error");
        assert_eq!(error.status().map(|status| status.as_u16()), Some(status));
        assert_eq!(asked.take().len(), 1, "{status}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_page_that_failed_is_asked_for_again() {
    let failures = AtomicUsize::new(0);
    let (account, asked) =
        account_of(Client::builder().attempts(1), move |address| match next_of(address).as_str() {
            "" => page(&["a"], &link("2")),
            _ if failures.fetch_add(1, Ordering::Relaxed) < 2 => 504.into(),
            _ => page(&["b"], ""),
        });
    let mut cases = april(&account).cases();
    let (found, error) = ids(&mut cases).await;
    assert_eq!(error.and_then(|error| error.status()).map(|status| status.as_u16()), Some(504));
    assert_eq!(found, ["a"]);
    assert!(cases.next().await.is_err());
    let (found, error) = ids(&mut cases).await;
    assert!(error.is_none() && found == ["b"], "{error:?}");
    assert_eq!(steps(&asked), ["w1 2017-04-20 2017-04-28", "2", "2", "2"]);
}

#[tokio::test(start_paused = true)]
async fn a_dropped_future_loses_nothing() {
    let hung = AtomicUsize::new(0);
    let (account, asked) = account(move |address| match next_of(address).as_str() {
        "" => page(&["a"], &link("2")),
        _ if hung.fetch_add(1, Ordering::Relaxed) == 0 => Answered::Never,
        _ => page(&["b"], ""),
    });
    let mut cases = april(&account).pause(Duration::from_secs(5)).cases();
    assert!(cases.next().await.expect("a page").is_some());
    // In the pause, and while the page is awaited.
    for wait in [1, 10] {
        let wait = Duration::from_secs(wait);
        assert!(tokio::time::timeout(wait, cases.next()).await.is_err());
    }
    let (found, error) = ids(&mut cases).await;
    assert!(error.is_none() && found == ["b"], "{error:?}");
    assert_eq!(steps(&asked), ["w1 2017-04-20 2017-04-28", "2", "2"]);
}

#[tokio::test(start_paused = true)]
async fn there_is_a_pause_between_pages() {
    for (pause, expected) in [(None, 200), (Some(0), 0), (Some(1500), 3000)] {
        let (account, _) = account(|address| match next_of(address).as_str() {
            "" => page(&["a"], &link("2")),
            "2" => page(&["b"], &link("3")),
            _ => page(&["c"], ""),
        });
        let logs = april(&account);
        let logs = match pause {
            Some(millis) => logs.pause(Duration::from_millis(millis)),
            None => logs,
        };
        let start = Instant::now();
        assert_eq!(ids(&mut logs.cases()).await.0.len(), 3);
        assert_eq!(start.elapsed(), Duration::from_millis(expected));
    }
}

#[tokio::test(start_paused = true)]
async fn widgets_are_fetched_one_after_the_other() {
    let (account, asked) = account(|address| {
        let query = query(address);
        match (query.get("widgetId").map(String::as_str), query.get("next")) {
            (Some("w 1"), _) => page(&["1a"], &link("2")),
            (None, Some(_)) => page(&["1b"], ""),
            _ => full("2", 100, ""),
        }
    });
    let logs = account.logs_of(["w 1", "w2"]).from(day("2017-04-20")).to(day("2017-04-21"));
    let mut cases = logs.cases();
    let (found, error) = ids(&mut cases).await;
    assert!(error.is_none(), "{error:?}");
    assert_eq!((found.len(), found[1].as_str()), (102, "1b"));
    let expected = ["w 1 2017-04-20 2017-04-21", "2", "w2 2017-04-20 2017-04-21"];
    assert_eq!(steps(&asked), expected);
    assert!(!cases.may_be_cut_short(), "a hundred of one widget are its last page");
    assert_eq!((cases.days_done(), cases.days()), (4, 4));
}

#[tokio::test(start_paused = true)]
async fn the_same_link_of_two_widgets_is_no_cycle() {
    let (account, _) = account(|address| match next_of(address).as_str() {
        "" => page(&["a"], &link("2")),
        _ => page(&["b"], ""),
    });
    let logs = account.logs_of(["w1", "w2"]).from(day("2017-04-20")).to(day("2017-04-21"));
    let (found, error) = ids(&mut logs.cases()).await;
    assert!(error.is_none() && found == ["a", "b", "a", "b"], "{error:?}");
}

#[tokio::test(start_paused = true)]
async fn without_a_widget_full_days_are_reported() {
    let (account, asked) = account(|address| {
        let (start, end) = (query(address)["start"].clone(), query(address)["end"].clone());
        let cases = day(&start).days_until(day(&end)) + 1;
        // 2017-04-21 alone has as many as there may be.
        let has_the_full_day = start.as_str() <= "2017-04-21" && end.as_str() >= "2017-04-21";
        let cases = if has_the_full_day { 100 } else { 20 * cases };
        full(&start, usize::try_from(cases).expect("a few"), "")
    });
    let logs = account.all_logs().from(day("2017-04-20")).to(day("2017-04-23"));
    let mut cases = logs.cases();
    let (found, error) = ids(&mut cases).await;
    assert!(error.is_none(), "{error:?}");
    assert_eq!(found.len(), 20 + 100 + 40, "no case comes twice");
    let expected = [
        "- 2017-04-20 2017-04-23",
        "- 2017-04-20 2017-04-21",
        "- 2017-04-20 2017-04-20",
        "- 2017-04-21 2017-04-21",
        "- 2017-04-22 2017-04-23",
    ];
    assert_eq!(steps(&asked), expected);
    assert!(cases.may_be_cut_short());
    assert_eq!(cases.full_days(), [day("2017-04-21")]);
}

#[tokio::test(start_paused = true)]
async fn ninety_nine_cases_are_all_there_are() {
    let (account, asked) = account(|_| full("a", 99, ""));
    let mut cases = account.all_logs().from(day("2017-04-20")).to(day("2017-04-28")).cases();
    assert_eq!(ids(&mut cases).await.0.len(), 99);
    assert!(!cases.may_be_cut_short());
    assert_eq!(steps(&asked), ["- 2017-04-20 2017-04-28"]);
}

#[tokio::test(start_paused = true)]
async fn an_export_resumes_after_a_case() {
    let answer = |address: &Uri| match next_of(address).as_str() {
        "" => page(&["a", "b"], &link("2")),
        _ => page(&["c", "d"], ""),
    };
    for (last, rest) in [("a", vec!["b", "c", "d"]), ("b", vec!["c", "d"]), ("d", vec![])] {
        let (account, _) = account(answer);
        let (found, error) = ids(&mut april(&account).after(last).cases()).await;
        assert!(error.is_none(), "{error:?}");
        assert_eq!(found, rest, "after {last}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_case_to_resume_after_has_to_come() {
    let (account, asked) = account(|_| page(&["a", "b"], ""));
    let mut cases = april(&account).after("elsewhere").cases();
    let (found, error) = ids(&mut cases).await;
    assert!(found.is_empty());
    let text = error.expect("an error").to_string();
    assert_eq!(text, "logs: the case to resume after is not in these logs");
    assert_eq!(refusal(ids(&mut cases).await), text);
    assert_eq!(asked.take().len(), 1);
}

#[tokio::test]
async fn mistakes_are_found_before_anything_is_sent() {
    let (account, asked) = account(|_| page(&["a"], ""));
    let (first, last) = (day("2017-04-20"), day("2017-04-28"));
    let none: [&str; 0] = [];
    for (logs, mistake) in [
        (account.logs("w1"), "expected a first day and a last day, `from` and `to`"),
        (account.logs("w1").from(first), "expected a first day and a last day, `from` and `to`"),
        (
            account.all_logs().from(last).to(first),
            "the first day, 2017-04-28, is after the last day, 2017-04-20",
        ),
        (account.logs("").from(first).to(last), "expected the id of a widget, found none"),
        (account.logs_of(none).from(first).to(last), "expected the id of a widget, found none"),
    ] {
        let mut cases = logs.cases();
        let error = ids(&mut cases).await.1.expect("an error");
        assert_eq!((error.to_string(), error.attempts()), (format!("logs: {mistake}"), 0));
        assert_eq!((cases.days(), cases.days_done()), (0, 0));
    }
    assert_eq!(asked.take(), []);
}

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
        assert_eq!(asked.take().len(), 1);
    }
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

#[tokio::test(start_paused = true)]
async fn pages_come_whole_or_what_is_left_of_them() {
    let (account, _) = account(|address| match next_of(address).as_str() {
        "" => page(&["a", "b", "c"], &link("2")),
        _ => page(&["d"], ""),
    });
    let mut cases = april(&account).cases();
    assert!(cases.next().await.expect("a page").is_some());
    let mut sizes = Vec::new();
    while let Some(page) = cases.next_page().await.expect("a page") {
        sizes.push(page.len());
    }
    assert_eq!(sizes, [2, 1]);
}

#[tokio::test(start_paused = true)]
async fn progress_goes_by_day_and_never_falls() {
    let created = |day: u8| {
        let time = format!("2017-04-{day}T12:00:00Z");
        json!({ "id": day.to_string(), "created_at_date": time })
    };
    let (account, _) = account(move |address| {
        let cases = match next_of(address).as_str() {
            "" => json!([created(28), created(27)]),
            "2" => json!([created(24), { "id": "x" }]),
            // Beyond the window, by its time zone.
            _ => json!([created(19)]),
        };
        let next = match next_of(address).as_str() {
            "" => link("2"),
            "2" => link("3"),
            _ => String::new(),
        };
        json!({ "cases": cases, "linkToNextSetOfResults": next }).to_string().into()
    });
    let mut cases = april(&account).cases();
    let mut progress = vec![(None, cases.days_done())];
    while cases.next().await.expect("a page").is_some() {
        progress.push((cases.day().map(|day| day.to_string()), cases.days_done()));
    }
    let at = |day: &str, done| (Some(format!("2017-04-{day}")), done);
    let expected = [(None, 0), at("28", 2), at("27", 2), at("24", 5), at("24", 5), at("20", 9)];
    assert_eq!(progress, expected);
    assert_eq!(cases.days(), 9);
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
    assert_eq!((found, asked.take().len()), (100_000, 1000));
    assert_eq!((most.load(Ordering::Relaxed), held.load(Ordering::Relaxed)), (1, 0));
}

#[tokio::test]
async fn nothing_shows_the_token() {
    let (account, _) = account(|_| page(&["a"], "https://example.com/"));
    record_log();
    let logs = april(&account);
    let mut shown = format!("{logs:?}");
    let mut cases = logs.cases();
    let (_, error) = ids(&mut cases).await;
    shown += &format!("{cases:?} {error:?} {}", log());
    assert!(shown.contains("another host"), "{shown}");
    assert!(!shown.contains(TOKEN), "{shown}");
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

#[test]
fn days_are_those_of_the_calendar() {
    for good in ["1970-01-01", "2024-02-29", "9999-12-31"] {
        assert_eq!(day(good).to_string(), good);
    }
    for bad in [
        "1969-12-31",
        "2023-02-29",
        "2026-11-31",
        "2026-13-01",
        "2026-00-10",
        "2026-1-1",
        "26-11-01",
        "2026-11-01T00:00:00Z",
        "2026/11/01",
        "+026-11-01",
        "２０２６-11-01",
        "",
        "today",
    ] {
        assert!(bad.parse::<Day>().is_err(), "{bad}");
    }
    assert_eq!(Day::MAX.next(), Day::MAX);
    assert_eq!(Day::MIN.previous(), Day::MIN);
    assert_eq!(day("2024-03-01").previous(), day("2024-02-29"));
    assert_eq!(day("2026-03-01").days_until(day("2026-02-01")), -28);
    assert_eq!(Day::MIN.days_until(Day::MAX), 2_932_896);
    let time = snapengage::Timestamp::from_millis(1_493_286_277_463).expect("a time");
    assert_eq!(Day::of(time), day("2017-04-27"));
    assert_eq!(Day::of(snapengage::Timestamp::MAX), Day::MAX);
    let _: Value = json!(day("2017-04-27").to_string());
}
