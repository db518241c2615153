//! Logs by windows of days and by widget: what is asked for when not all of it comes.

use serde_json::json;
use snapengage::client::{Client, Day};

use crate::pages::{april, day, full, ids, link, next_of, page, query, steps};
use crate::vendor::{Answered, account, account_of};

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
async fn a_window_without_an_answer_in_time_is_halved() {
    let (account, asked) = account_of(Client::builder().attempts(2), |address| {
        match query(address)["start"] == query(address)["end"] {
            true => page(&["a"], ""),
            false => Answered::Never,
        }
    });
    let logs = account.logs("w1").from(day("2017-04-20")).to(day("2017-04-21"));
    let (found, error) = ids(&mut logs.cases()).await;
    assert!(error.is_none() && found == ["a", "a"], "{error:?}");
    let (both, one) = ("w1 2017-04-20 2017-04-21", "w1 2017-04-20 2017-04-20");
    assert_eq!(steps(&asked), [both, both, one, "w1 2017-04-21 2017-04-21"]);
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
        assert_eq!(asked.requests().len(), 1, "{status}");
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
}
