//! Logs: windows, pages, and what is cut off.

use std::collections::BTreeSet;

use serde_json::Value;
use snapengage::integration::SupportRequest;
use snapengage::simulator::Simulator;

use crate::ask::*;

fn case(id: &str, created_at: &str) -> SupportRequest {
    let seconds = time(created_at).as_millis() / 1000;
    let body = format!(r#"{{"id":"{id}","created_at_seconds":{seconds},"description":"hey"}}"#);
    SupportRequest::from_body(body.as_bytes()).expect("a case")
}

/// As many cases of a widget, a minute apart.
fn archive(widget: &str, count: usize) -> Simulator {
    let mut builder = Simulator::builder().widget(widget).widget("empty");
    for number in 0..count {
        let at = format!("2026-01-01T{:02}:{:02}:00Z", number / 60, number % 60);
        builder = builder.case(widget, case(&format!("case-{number}"), &at));
    }
    builder.build().expect("no mistakes")
}

async fn logs(simulator: &Simulator, query: &str) -> Answered {
    get(simulator, &format!("/api/v2/5406213/logs?{query}"), TOKEN).await
}

fn ids(page: &Value) -> Vec<String> {
    let cases = page["cases"].as_array().expect("a list");
    cases.iter().map(|case| case["id"].as_str().expect("an id").to_owned()).collect()
}

#[tokio::test]
async fn pages_of_a_hundred_are_linked_until_the_last() {
    let simulator = archive("sales", 250);
    let query = "widgetId=sales&start=2026-01-01&end=2026-01-01&timezone=Etc%2FUTC";
    let mut page = logs(&simulator, query).await.ok();
    let (mut seen, mut sizes) = (BTreeSet::new(), Vec::new());
    loop {
        sizes.push(ids(&page).len());
        seen.extend(ids(&page));
        let link = page["linkToNextSetOfResults"].as_str().expect("a link").to_owned();
        if link.is_empty() {
            break;
        }
        assert!(link.starts_with("https://www.snapengage.com/api/v2/5406213/logs?widgetId=sales&"));
        let request = request("GET", &link, &[TOKEN], "");
        page = try_send(&simulator, request).await.expect("an answer").ok();
    }
    assert_eq!((sizes, seen.len()), (vec![100, 100, 50], 250));
}

#[tokio::test]
async fn exactly_a_hundred_have_no_link() {
    let simulator = archive("sales", 100);
    let page = logs(&simulator, "widgetId=sales&start=2026-01-01&end=2026-01-01").await.ok();
    assert_eq!((ids(&page).len(), &page["linkToNextSetOfResults"]), (100, &"".into()));
}

#[tokio::test]
async fn several_widgets_or_none_are_cut_off_without_a_link() {
    let simulator = archive("sales", 150);
    for widgets in ["", "widgetId=sales,empty&", "widgetId=empty%2Csales&"] {
        let page = logs(&simulator, &format!("{widgets}start=2026-01-01&end=2026-01-01")).await;
        let page = page.ok();
        assert_eq!(ids(&page).len(), 100, "{widgets}");
        assert_eq!(page["linkToNextSetOfResults"], "", "{widgets}");
    }
}

#[tokio::test]
async fn link_is_on_the_address_that_was_asked() {
    let simulator = archive("sales", 101);
    let path = "/api/v2/5406213/logs?widgetId=sales&start=2026-01-01&end=2026-01-01";
    for (address, host, expected) in [
        (format!("http://127.0.0.1:7070{path}"), "", "http://127.0.0.1:7070/api/v2/"),
        (path.to_owned(), "localhost:7070", "http://localhost:7070/api/v2/"),
        (path.to_owned(), "evil@example.com", "http://localhost/api/v2/"),
        (path.to_owned(), "example.com/x?", "http://localhost/api/v2/"),
    ] {
        let headers = if host.is_empty() { vec![TOKEN] } else { vec![TOKEN, ("host", host)] };
        let request = request("GET", &address, &headers, "");
        let page = try_send(&simulator, request).await.expect("an answer").ok();
        let link = page["linkToNextSetOfResults"].as_str().expect("a link");
        assert!(link.starts_with(expected), "{link}");
    }
}

#[tokio::test]
async fn time_zone_moves_where_days_begin() {
    let simulator = Simulator::builder()
        .widget("sales")
        .case("sales", case("evening", "2026-01-01T23:30:00Z"))
        .case("sales", case("morning", "2026-01-02T05:30:00Z"));
    let simulator = simulator.build().expect("no mistakes");
    for (zone, first, second) in [
        ("Etc/UTC", vec!["evening"], vec!["morning"]),
        ("Europe/Berlin", vec![], vec!["evening", "morning"]),
        ("America/Denver", vec!["evening", "morning"], vec![]),
    ] {
        for (day, expected) in [("2026-01-01", first), ("2026-01-02", second)] {
            let query = format!("widgetId=sales&start={day}&end={day}&timezone={zone}");
            let page = logs(&simulator, &query).await.ok();
            assert_eq!(ids(&page), expected, "{zone} {day}");
        }
    }
}

#[tokio::test]
async fn times_of_day_are_moments() {
    let simulator = archive("sales", 3);
    for (start, end, expected) in [
        ("2026-01-01T00:01:00Z", "2026-01-01T00:01:00Z", 1),
        ("2026-01-01T00:01:00", "2026-01-01", 2),
        ("2026-01-01T01:01:00%2B01:00", "2026-01-01T01:01:59%2B01:00", 1),
        ("2025-12-31", "2026-01-01T00:00:59", 1),
    ] {
        let query = format!("widgetId=sales&start={start}&end={end}");
        assert_eq!(ids(&logs(&simulator, &query).await.ok()).len(), expected, "{start} {end}");
    }
}

#[tokio::test]
async fn malformed_windows_and_strange_widgets_are_refused() {
    let simulator = archive("sales", 1);
    for (query, status, message) in [
        ("start=2026-01-01", 400, "missing parameter `end`"),
        ("start=yesterday&end=2026-01-01", 400, "`start` is not an ISO 8601 date"),
        ("start=2026-01-01&end=2026-02-30", 400, "`end` is not an ISO 8601 date"),
        ("start=2026-01-02&end=2026-01-01", 400, "`start` is after `end`"),
        ("start=2026-01-01&end=2026-01-01&timezone=Mars/Olympus", 400, "unknown time zone"),
        ("start=2026-01-01&end=2026-01-01&timezone=../../etc/passwd", 400, "unknown time zone"),
        ("start=2026-01-01&end=2026-01-01&timezone=/etc/passwd", 400, "unknown time zone"),
        ("start=9999-12-31&end=9999-12-31", 400, "is not an ISO 8601 date"),
        ("start=2026-01-01&end=2026-01-01&widgetId=other", 404, "widget not found"),
        ("start=2026-01-01&end=2026-01-01&widgetId=sales,other", 404, "widget not found"),
        ("start=2026-01-01&end=2026-01-01&widgetId=sales&next=0", 400, "`next`"),
        ("start=2026-01-01&end=2026-01-01&widgetId=sales&next=äääääääääää", 400, "`next`"),
    ] {
        let query = query.replace('ä', "%C3%A4");
        logs(&simulator, &query).await.refused(status, message);
    }
    let elsewhere = "/api/v2/1/logs?start=2026-01-01&end=2026-01-01";
    get(&simulator, elsewhere, TOKEN).await.refused(403, "organization");
}

#[tokio::test]
async fn times_of_given_cases_become_numbers() {
    let body = br#"{"id": "c", "created_at_date": "Jan 1, 2026 2:14:31 PM",
        "transcripts": [{"message": "hey", "date": "Jan 1, 2026 2:14:32 PM"}]}"#;
    let case = SupportRequest::from_body(body).expect("a case");
    let simulator = Simulator::builder().widget("sales").case("sales", case);
    let simulator = simulator.build().expect("no mistakes");
    let page = logs(&simulator, "widgetId=sales&start=2026-01-01&end=2026-01-01").await.ok();
    assert_eq!(page["cases"][0]["created_at_date"], 1_767_276_871_000_i64);
    assert_eq!(page["cases"][0]["transcripts"][0]["date"], 1_767_276_872_000_i64);
}

#[tokio::test]
async fn texts_have_the_escapes_of_gson() {
    let body = br#"{"id": "c", "created_at_seconds": 1767276871,
        "description": "<b a='1'>1 & 2 = \u2028\"</b>"}"#;
    let case = SupportRequest::from_body(body).expect("a case");
    let simulator = Simulator::builder().widget("sales").case("sales", case);
    let simulator = simulator.build().expect("no mistakes");
    let page = logs(&simulator, "widgetId=sales&start=2026-01-01&end=2026-01-01").await;
    let text = std::str::from_utf8(&page.body).expect("UTF-8");
    let expected =
        r#""\u003cb a\u003d\u00271\u0027\u003e1 \u0026 2 \u003d \u2028\"\u003c/b\u003e""#;
    assert!(text.contains(expected), "{text}");
    assert_eq!(page.ok()["cases"][0]["description"], "<b a='1'>1 & 2 = \u{2028}\"</b>");
}
