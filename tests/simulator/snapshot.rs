//! State that is kept over a restart.

use std::time::Duration;

use http::StatusCode;
use serde_json::Value;
use snapengage::Api;
use snapengage::simulator::{Fault, NewVisit, Simulator, VisitState};

use crate::ask::*;
use crate::stage::*;

const MINUTE: Duration = Duration::from_secs(60);

fn restarted(simulator: &Simulator) -> Simulator {
    let again = on_stage();
    again.restore(&simulator.snapshot()).expect("a state");
    again
}

#[tokio::test(start_paused = true)]
async fn chats_go_on_after_a_restart() {
    let simulator = on_stage();
    let visit = simulator.visit("sales").email("v@example.com").start("Hello").await;
    bot_commands(&visit, "HUMAN_TRANSFER", "").await;
    simulator.agent(JANE).takes(&visit).await.expect("a chat that waits");
    simulator.agent(BOB).pause().await.expect("Bob");
    let again = restarted(&simulator);
    let view = again.visit_view(&visit).expect("the chat");
    assert_eq!(view, visit.view());
    assert_eq!(again.now(), simulator.now());
    let all = again.deliveries(&Default::default());
    assert_eq!(all, simulator.deliveries(&Default::default()));
    assert_eq!(again.agent(BOB).status(), simulator.agent(BOB).status());
    for office in [&simulator, &again] {
        office.agent(JANE).says(&visit, "Hi").await.expect("her chat");
        office.leave(&visit).await.expect("an open chat");
        office.visit("sales").start("Next").await;
    }
    // All that follows is the same, numbers and ids among it.
    let told = |office: &Simulator| {
        let all = office.deliveries(&Default::default()).into_iter();
        all.map(|record| (record.n, record.request)).collect::<Vec<_>>()
    };
    assert_eq!(told(&again), told(&simulator));
    assert_eq!(again.visits(), simulator.visits());
    let logs = "/api/v2/5406213/logs?widgetId=sales&start=2026-01-05&end=2026-01-05";
    let logged = get(&again, logs, TOKEN).await.ok();
    assert_eq!(logged["cases"][0]["id"], view.case_id.as_str());
}

#[tokio::test(start_paused = true)]
async fn retries_go_on_after_a_restart() {
    let simulator = on_stage();
    simulator.fault(Fault::every(1).on(Api::Integration).status(StatusCode::BAD_GATEWAY));
    simulator.visit("sales").start("Hello").await.leaves().await;
    simulator.advance(MINUTE * 12).await;
    simulator.delivered(Api::Integration).assert_count(3);
    let again = restarted(&simulator);
    again.advance(MINUTE * 4).await;
    let deliveries = again.delivered(Api::Integration);
    deliveries.assert_count(4).assert_same_body().assert_statuses([502, 502, 502, 200]);
    assert_eq!(deliveries.records()[3].attempt, 4);
}

#[tokio::test(start_paused = true)]
async fn silence_goes_on_and_bans_hold_after_a_restart() {
    let simulator = on_stage();
    let banned = simulator.visit("sales").cookie("me").start("Hello").await;
    bot_commands(&banned, "BAN", "").await;
    let visit = simulator.visit("sales").start("Hello").await;
    simulator.advance(MINUTE * 20).await;
    let again = restarted(&simulator);
    let me = || -> NewVisit {
        serde_json::from_str(r#"{"widget":"sales","visitor":"me"}"#).expect("a visit")
    };
    again.start_visit(me()).await.expect_err("banned");
    again.advance(MINUTE * 11).await;
    assert_eq!(again.visit_view(&visit).expect("the chat").state, VisitState::Closed);
    again.advance(MINUTE * 30).await;
    again.start_visit(me()).await.expect("an hour later");
}

#[tokio::test(start_paused = true)]
async fn chat_that_was_looked_at_does_not_end_at_a_restart() {
    let simulator = on_stage();
    let visit = simulator.visit("sales").start("Hello").await;
    let _watching = simulator.watch();
    simulator.advance(MINUTE * 120).await;
    let again = restarted(&simulator);
    let state = || again.visit_view(&visit).expect("the chat").state;
    again.advance(MINUTE * 29).await;
    assert_eq!(state(), VisitState::Bot);
    again.advance(MINUTE * 2).await;
    assert_eq!(state(), VisitState::Closed);
}

#[tokio::test(start_paused = true)]
async fn what_was_not_answered_is_sent_again() {
    let simulator = on_stage();
    let mut changes = simulator.changes();
    simulator.fault(Fault::nth(1).on(Api::Bot).stall_for_ever());
    let starting = simulator.clone();
    let starting = tokio::spawn(async move { starting.visit("sales").start("Hello").await });
    while simulator.delivered(Api::Bot).records().is_empty() {
        changes.recv().await.expect("a change");
    }
    let again = restarted(&simulator);
    again.settled().await;
    again.delivered(Api::Bot).assert_count(1).assert_accepted();
    let lines = again.visits().remove(0).lines;
    assert_eq!(lines[1].text.as_deref(), Some("You said Hello"));
    starting.abort();
}

#[tokio::test(start_paused = true)]
async fn damaged_state_is_an_error_and_changes_nothing() {
    let simulator = on_stage();
    let visit = simulator.visit("sales").start("Hello").await;
    let good = simulator.snapshot();
    assert!(!String::from_utf8_lossy(&good).contains(MY_TOKEN));
    let again = on_stage();
    for length in [0, 1, good.len() / 2, good.len() - 1] {
        again.restore(&good[..length]).expect_err("half a state");
    }
    let mut other: Value = serde_json::from_slice(&good).expect("JSON");
    other["version"] = 2.into();
    let error = again.restore(other.to_string().as_bytes()).expect_err("another version");
    assert_eq!(error.to_string(), "a state of version 2, not 1");
    assert!(again.visits().is_empty());
    again.restore(&good).expect("a state");
    assert_eq!(again.visits()[0], visit.view());
}
