//! Faults of feeds: what the receiver gets, and what becomes of its answer.

use std::time::Duration;

use http::StatusCode;
use serde_json::{Value, json};
use snapengage::Api;
use snapengage::client::Operation;
use snapengage::simulator::{DeliveryRecord, Fault, IntegrationForm, Simulator, VisitState};

use crate::ask::*;
use crate::face::served::Served;
use crate::stage::*;

const FEEDS: [Api; 5] =
    [Api::Bot, Api::Integration, Api::Conversation, Api::AgentStatus, Api::Contact];

const HELD_BACK: &str = "Held back by a fault: the bot is told after the next request of its feed, \
    or when time advances";

/// Lets each feed be sent to at least once.
async fn story(simulator: &Simulator) {
    let visit = simulator.visit("sales").email("v@example.com").start("Hello").await;
    simulator.agent(JANE).pause().await.expect("Jane");
    simulator.agent(JANE).online().await.expect("Jane");
    visit.leaves().await;
    simulator.advance(Duration::from_secs(600)).await;
}

#[tokio::test(start_paused = true)]
async fn every_fault_befalls_every_feed() {
    let faults = [
        (json!({"do": "status", "status": 429, "retry_after": 9}), 429),
        (json!({"do": "status", "status": 504, "html": true}), 504),
        (json!({"do": "status", "status": 302}), 302),
        (json!({"do": "refuse"}), 0),
        (json!({"do": "reset"}), 0),
        (json!({"do": "half"}), 0),
        (json!({"do": "stall"}), 0),
        (json!({"do": "stall", "ms": 500}), 200),
        (json!({"do": "stall", "ms": 10_500}), 0),
        (json!({"do": "slow", "ms": 5}), 200),
        (json!({"do": "drop"}), 0),
        (json!({"do": "duplicate"}), 200),
        (json!({"do": "reorder"}), 200),
    ];
    for feed in FEEDS {
        for (fault, status) in &faults {
            let mut fault = fault.clone();
            fault["feed"] = feed.as_str().into();
            fault["nth"] = 1.into();
            let simulator = on_stage();
            simulator.fault(serde_json::from_value(fault.clone()).expect("a fault"));
            assert_eq!(serde_json::to_value(&simulator.faults()[0]).expect("JSON"), fault);
            story(&simulator).await;
            let deliveries = simulator.delivered(feed);
            let first = &deliveries.records()[0];
            let answered = first.response.as_ref().map_or(0, |response| response.status);
            assert_eq!(answered, *status, "{fault}");
            assert_eq!(first.error.is_some(), *status == 0, "{fault}");
            let is_over = deliveries.records().iter().all(DeliveryRecord::is_finished);
            assert!(is_over, "{fault}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn duplicate_is_sent_twice_and_shown_once() {
    let simulator = on_stage();
    simulator.fault(Fault::nth(1).on(Api::Bot).duplicate());
    simulator.fault(Fault::nth(1).on(Api::Integration).duplicate());
    let visit = simulator.visit("sales").start("Hello").await;
    assert_eq!(visit.view().lines.len(), 2);
    simulator.delivered(Api::Bot).assert_count(2).assert_same_body().assert_statuses([200, 200]);
    visit.leaves().await;
    let twice = simulator.delivered(Api::Integration);
    twice.assert_count(2).assert_same_body();
    assert_eq!(twice.records()[1].attempt, 1);
}

#[tokio::test(start_paused = true)]
async fn reordered_request_comes_after_the_next_of_its_feed() {
    let simulator = on_stage();
    simulator.fault(Fault::nth(2).on(Api::Bot).reorder());
    let visit = simulator.visit("sales").start("One").await;
    visit.says("Two").await.sees(HELD_BACK);
    let held = |n: usize| simulator.delivered(Api::Bot).records()[n].clone();
    assert!(held(1).held && !held(1).is_finished() && held(1).response.is_none());
    visit.says("Three").await.sees("You said Three").sees("You said Two");
    let lines = visit.view().lines.into_iter().filter_map(|line| line.text);
    let two = ["One", "You said One", "Two", HELD_BACK];
    let expected = [&two[..], &["Three", "You said Three", "You said Two"]].concat();
    assert_eq!(lines.collect::<Vec<_>>(), expected);
    assert!(!held(1).held && held(1).is_accepted());
    // Without another one, time lets it go, or the end of the fault.
    simulator.fault(Fault::nth(1).on(Api::Bot).reorder());
    visit.says("Four").await.sees(HELD_BACK);
    simulator.advance(Duration::ZERO).await;
    visit.sees("You said Four");
    simulator.fault(Fault::nth(1).on(Api::Bot).reorder());
    visit.says("Five").await.sees(HELD_BACK);
    simulator.clear_faults();
    simulator.settled().await;
    visit.sees("You said Five");
}

#[tokio::test(start_paused = true)]
async fn slow_bot_is_shown_when_all_has_come() {
    let simulator = on_stage();
    simulator.fault(Fault::every(1).on(Api::Bot).slow(Duration::from_millis(100)));
    let started = tokio::time::Instant::now();
    let visit = simulator.visit("sales").start("x".repeat(10 << 10)).await;
    assert!(started.elapsed() >= Duration::from_secs(1));
    visit.assert_state(VisitState::Bot);
    // At a quarter of a second a KiB it takes longer than anybody waits.
    simulator.clear_faults();
    simulator.fault(Fault::every(1).on(Api::Bot).slow(Duration::from_millis(250)));
    visit.says("x".repeat(50 << 10)).await.assert_state(VisitState::Queued);
}

#[tokio::test(start_paused = true)]
async fn fault_of_a_feed_is_counted_apart_from_calls() {
    let simulator = stage(human(IntegrationForm::Json)).build().expect("no mistakes");
    let unavailable = StatusCode::SERVICE_UNAVAILABLE;
    // Of all calls, and of no feed.
    simulator.fault(Fault::nth(1).status(unavailable));
    simulator.fault(Fault::every(2).on(Api::Conversation).status(unavailable));
    let visit = simulator.visit("sales").start("Hello").await;
    simulator.agent(JANE).takes(&visit).await.expect("a chat that waits");
    visit.leaves().await;
    simulator.delivered(Api::Conversation).assert_statuses([200, 503, 200]);
    let refused = chat(&simulator, "POST", "?widgetId=sales").await;
    assert_eq!(refused.status, unavailable);
    assert_eq!(simulator.received(Operation::StartChat), 1);
}

#[test]
fn fault_that_makes_no_sense_is_refused() {
    for (fault, problem) in [
        (json!({"feed": "bots", "nth": 1, "do": "drop"}), "unknown `feed`"),
        (json!({"feed": "bot", "call": "logs", "nth": 1, "do": "reset"}), "exclude each other"),
        (json!({"call": "logs", "nth": 1, "do": "drop"}), "`drop` is not of the call `logs`"),
        (json!({"nth": 1, "do": "reorder"}), "`reorder` is of a feed, expected `feed`"),
        (json!({"feed": "bot", "nth": 1, "do": "cyclic-link"}), "is not of the feed `bot`"),
        (json!({"call": "file", "nth": 1, "do": "foreign-link"}), "is not of the call `file`"),
        (json!({"nth": 1, "do": "refuse", "after_effect": true}), "no connection is made"),
        (json!({"feed": "bot", "nth": 1, "do": "reset", "after_effect": true}), "not of a feed"),
    ] {
        let error = serde_json::from_value::<Fault>(fault.clone()).expect_err("no fault");
        assert!(error.to_string().contains(problem), "{fault}: {error}");
    }
}

/// What each fault does, and which calls and feeds it can befall.
const TABLE: [(&str, bool, &str); 13] = [
    ("status", true, "all"),
    ("refuse", true, "all"),
    ("reset", true, "all"),
    ("half", true, "all"),
    ("stall", true, "all"),
    ("slow", true, "all"),
    ("drop", true, "none"),
    ("duplicate", true, "none"),
    ("reorder", true, "none"),
    ("cyclic-link", false, "logs"),
    ("foreign-link", false, "logs"),
    ("foreign-redirect", false, "all"),
    ("error-in-200", false, "all"),
];

fn fault_of(deed: &str) -> Value {
    match deed {
        "status" => json!({"nth": 1, "do": deed, "status": 503}),
        "foreign-link" | "foreign-redirect" => {
            json!({"nth": 1, "do": deed, "to": "https://x.example"})
        }
        "slow" => json!({"nth": 1, "do": deed, "ms": 1}),
        _ => json!({"nth": 1, "do": deed}),
    }
}

#[tokio::test]
async fn fault_is_taken_for_what_it_can_befall_alone() {
    let served = Served::new(on_stage()).await;
    for (deed, is_of_feeds, calls) in TABLE {
        let feeds = FEEDS.map(|feed| ("feed", feed.as_str(), is_of_feeds));
        let of_calls = Operation::ALL.map(|call| {
            let is_of_call = calls == "all" || calls == call.as_str();
            ("call", call.as_str(), is_of_call)
        });
        for (kind, name, is_taken) in feeds.into_iter().chain(of_calls) {
            let mut fault = fault_of(deed);
            fault[kind] = name.into();
            let answered = served.post("/_/faults", &fault).await;
            if is_taken {
                assert_eq!(answered.ok(), json!([fault]));
                served.send("DELETE", "/_/faults", &[], "").await.ok();
            } else {
                answered.refused(400, &format!("`{deed}` is not of the {kind} `{name}`"));
            }
        }
        let of_all = served.post("/_/faults", &fault_of(deed)).await;
        assert_eq!(of_all.status.is_success(), calls != "none", "{deed}");
        served.send("DELETE", "/_/faults", &[], "").await.ok();
    }
}

#[test]
#[should_panic(expected = "no such fault: `drop` is not of the call `logs`")]
fn fault_that_befalls_nothing_is_no_fault_in_rust_either() {
    on_stage().fault(Fault::nth(1).on(Operation::Logs).drop());
}
