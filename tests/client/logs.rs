//! Logs: pages and the links between them.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use http::Uri;
use serde_json::json;
use snapengage::client::Client;
use tokio::time::Instant;

use crate::log::{log, record_log};
use crate::pages::{april, day, ids, link, next_of, page, query, refusal, steps};
use crate::vendor::{Answered, TOKEN, account, account_of};

const BASE: &str = "https://www.snapengage.com";

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
    let asked = asked.requests();
    assert_eq!(asked.iter().map(|asked| asked.uri.to_string()).collect::<Vec<_>>(), expected);
    assert!(asked.iter().all(|asked| asked.header("authorization") == TOKEN));
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
        assert_eq!(asked.requests().len(), cycle.len() + 1, "nothing is sent for it");
    }
}

#[tokio::test(start_paused = true)]
async fn a_link_to_the_first_page_is_a_cycle_too() {
    let (account, asked) = account(|address| page(&["a"], &address.to_string()));
    let (found, error) = ids(&mut april(&account).cases()).await;
    assert!(error.is_some() && found == ["a"], "{found:?}");
    assert_eq!(asked.requests().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn pages_without_a_case_are_not_followed_for_ever() {
    let pages = AtomicUsize::new(0);
    let (account, asked) =
        account(move |_| page(&[], &link(&pages.fetch_add(1, Ordering::Relaxed).to_string())));
    let text = refusal(ids(&mut april(&account).pause(Duration::ZERO).cases()).await);
    assert!(text.contains("a thousand pages in a row were empty"), "{text}");
    assert_eq!(asked.requests().len(), 1001);
}

#[tokio::test(start_paused = true)]
async fn the_same_cases_under_new_links_are_a_cycle() {
    let pages = AtomicUsize::new(0);
    let (account, asked) = account(move |_| {
        let number = pages.fetch_add(1, Ordering::Relaxed);
        // The second has one that is new, and the fourth has none.
        let ids: &[&str] = [&["a", "b"], &["b", "c"], &["d"] as &[_], &["d"]][number.min(3)];
        page(ids, &link(&number.to_string()))
    });
    let mut cases = april(&account).cases();
    let (found, error) = ids(&mut cases).await;
    assert_eq!(found, ["a", "b", "b", "c", "d"]);
    let text = error.expect("an error").to_string();
    assert_eq!(text, "logs: the link to the next page leads to the same cases again");
    assert_eq!(refusal(ids(&mut cases).await), text, "asked once more");
    assert_eq!(asked.requests().len(), 4);
}

#[tokio::test(start_paused = true)]
async fn a_last_page_like_the_one_before_is_the_end() {
    let (account, _) = account(|address| match next_of(address).as_str() {
        "" => page(&["a"], &link("2")),
        _ => page(&["a"], ""),
    });
    let (found, error) = ids(&mut april(&account).cases()).await;
    assert!(error.is_none() && found == ["a", "a"], "{found:?} {error:?}");
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
    let asked = asked.requests();
    let first = asked[0].uri.to_string();
    assert!(first.starts_with("https://proxy.example.com/se/api/v2/5406213/logs?"), "{first}");
    assert_eq!(asked[1].header("authorization"), TOKEN);
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
    assert_eq!(asked.requests().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn cases_that_are_there_are_left_out_in_any_order() {
    // The newest first, and too many days at once the second time.
    let (account, asked) = account_of(Client::builder().attempts(1), |address| {
        match (query(address)["start"].as_str(), query(address)["end"].as_str()) {
            ("2017-04-20", "2017-04-20") => page(&["b", "a"], ""),
            ("2017-04-21", "2017-04-21") => page(&["d", "c"], ""),
            _ => 504.into(),
        }
    });
    let logs = account.logs("w1").from(day("2017-04-20")).to(day("2017-04-21"));
    let (found, error) = ids(&mut logs.clone().except(["d", "b"]).cases()).await;
    assert!(error.is_none() && found == ["a", "c"], "{found:?} {error:?}");
    let all = logs.except(["a", "b"]).except(vec!["c".to_owned(), "d".to_owned()]);
    let mut cases = all.clone().cases();
    assert_eq!(ids(&mut cases).await.0.len(), 0);
    assert_eq!(cases.left_out(), 4);
    let mut cases = all.after("b").cases();
    assert_eq!((ids(&mut cases).await.0.len(), cases.left_out()), (0, 3), "both at once");
    assert_eq!(asked.requests().len(), 9);
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
    assert_eq!(asked.requests().len(), 0);
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

#[tokio::test]
async fn the_day_is_that_of_the_last_case() {
    let case = |id: &str, day| json!({ "id": id, "created_at_date": day * 86_400_000_u64 });
    // From 2017-04-20 on.
    let body = json!({ "cases": [case("a", 17_276), case("b", 17_278), case("c", 17_279)] });
    let (account, _) = account(move |_| body.to_string().into());
    let mut cases = april(&account).cases();
    assert_eq!(cases.day(), None);
    assert!(cases.next().await.expect("a page").is_some());
    assert_eq!(cases.day(), Some(day("2017-04-20")));
    assert!(cases.next_page().await.expect("a page").is_some());
    assert_eq!(cases.day(), Some(day("2017-04-23")));
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

#[tokio::test]
async fn cases_may_be_fetched_on_another_thread() {
    let (account, _) = account(|_| page(&["a"], ""));
    let mut cases = april(&account).cases();
    let task = tokio::spawn(async move { cases.next().await });
    assert!(task.await.expect("no panic").expect("a page").is_some());
}
