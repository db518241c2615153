//! Time: what falls due, in its order, and in none.

use std::time::Duration;

use http::StatusCode;
use snapengage::Api;
use snapengage::integration::ChatEndedBy;
use snapengage::simulator::{Fault, IntegrationForm, Simulator, SimulatorChange, VisitState};

use crate::ask::*;
use crate::stage::*;

const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(3600);

#[tokio::test(start_paused = true)]
async fn integration_is_repeated_for_two_hours_and_then_mailed() {
    let simulator = on_stage();
    simulator.fault(Fault::every(1).on(Api::Integration).status(StatusCode::SERVICE_UNAVAILABLE));
    let visit = simulator.visit("sales").start("Hello").await;
    visit.leaves().await;
    let started = std::time::Instant::now();
    simulator.advance(HOUR * 3).await;
    assert!(started.elapsed() < Duration::from_secs(1), "{:?}", started.elapsed());
    let deliveries = simulator.delivered(Api::Integration);
    deliveries.assert_count(25).assert_same_body().assert_statuses([503; 25]).assert_mailed();
    let times: Vec<_> = deliveries.records().iter().map(|record| record.at).collect();
    for (attempt, at) in times.iter().enumerate() {
        let expected = MINUTE * 5 * u32::try_from(attempt).expect("few");
        assert_eq!(at.saturating_duration_since(times[0]), expected);
        assert_eq!(deliveries.records()[attempt].attempt as usize, attempt + 1);
    }
    let mailed = deliveries.records().iter().filter(|record| record.mailed);
    assert_eq!(mailed.map(|record| record.attempt).collect::<Vec<_>>(), [25], "the last alone");
    let next = simulator.visit("sales").start("Hello").await;
    next.leaves().await;
    let of_next = simulator.delivered(Api::Integration).of(&next);
    std::panic::catch_unwind(|| of_next.assert_mailed().assert_count(1)).expect_err("not yet");
}

#[tokio::test(start_paused = true)]
async fn integration_is_not_repeated_once_it_was_accepted() {
    let simulator = on_stage();
    for (nth, fault) in [(1, "drop"), (2, "reset"), (3, "half"), (4, "refuse"), (5, "stall")] {
        let fault = format!(r#"{{"feed":"integration","nth":{nth},"do":"{fault}"}}"#);
        simulator.fault(serde_json::from_str(&fault).expect("a fault"));
    }
    simulator.visit("sales").start("Hello").await.leaves().await;
    simulator.advance(HOUR * 3).await;
    let deliveries = simulator.delivered(Api::Integration);
    deliveries.assert_count(6).assert_same_body().assert_statuses([0, 0, 0, 0, 0, 200]);
    let errors: Vec<_> = deliveries.records().iter().map(|record| record.error.clone()).collect();
    let errors: Vec<_> = errors.iter().map(|error| error.as_deref().unwrap_or_default()).collect();
    assert_eq!(
        errors,
        [
            "dropped, by a fault",
            "connection reset, by a fault",
            "connection reset in the body, by a fault",
            "connection refused, by a fault",
            "no answer within 10 s",
            "",
        ]
    );
    simulator.advance(HOUR * 3).await;
    simulator.delivered(Api::Integration).assert_count(6);
}

#[tokio::test(start_paused = true)]
async fn other_feeds_are_sent_once() {
    let simulator = stage(human(IntegrationForm::Json)).build().expect("no mistakes");
    for feed in [Api::Conversation, Api::AgentStatus, Api::Contact] {
        simulator.fault(Fault::every(1).on(feed).status(StatusCode::BAD_GATEWAY));
    }
    simulator.visit("sales").email("v@example.com").start("Hello").await;
    simulator.agent(JANE).pause().await.expect("Jane");
    simulator.advance(HOUR / 3).await;
    for feed in [Api::Conversation, Api::AgentStatus, Api::Contact] {
        simulator.delivered(feed).assert_statuses([502]);
    }
}

#[tokio::test(start_paused = true)]
async fn chat_ends_after_thirty_minutes_of_silence() {
    let simulator = on_stage();
    let visit = simulator.visit("sales").start("Hello").await;
    simulator.advance(MINUTE * 20).await;
    visit.says("Still there").await;
    simulator.advance(MINUTE * 29).await;
    visit.assert_state(VisitState::Bot);
    simulator.advance(MINUTE * 2).await;
    visit.assert_state(VisitState::Closed);
    assert_eq!(visit.view().ended_by, Some(ChatEndedBy::TimedOut));
    assert_eq!(simulator.delivered(Api::Integration).bodies()[0]["chat_ended_by"], "timed_out");
}

#[tokio::test(start_paused = true)]
async fn events_of_other_chats_are_no_silence() {
    let simulator = on_stage();
    let idle = simulator.visit("sales").start("Let me think").await;
    let busy = simulator.visit("sales").start("Hello").await;
    for _ in 0..2000 {
        busy.says("And another thing").await;
    }
    idle.assert_state(VisitState::Bot);
    simulator.advance(MINUTE * 29).await;
    idle.assert_state(VisitState::Bot);
    idle.says("I am back").await;
    simulator.advance(MINUTE).await;
    busy.assert_state(VisitState::Closed);
    idle.assert_state(VisitState::Bot);
    simulator.advance(MINUTE * 29).await;
    idle.assert_state(VisitState::Closed);
}

#[tokio::test(start_paused = true)]
async fn end_of_one_chat_does_not_put_off_that_of_another() {
    let simulator = on_stage();
    let first = simulator.visit("sales").start("Hello").await;
    simulator.advance(MINUTE * 10).await;
    let second = simulator.visit("sales").start("Hello").await;
    // The first one ends meanwhile, and its end takes a second.
    simulator.advance(MINUTE * 30).await;
    first.assert_state(VisitState::Closed);
    second.assert_state(VisitState::Closed);
}

#[tokio::test(start_paused = true)]
async fn chat_that_is_looked_at_does_not_end() {
    let simulator = on_stage();
    let visit = simulator.visit("sales").start("Hello").await;
    let watching = simulator.watch();
    simulator.advance(HOUR * 5).await;
    visit.assert_state(VisitState::Bot);
    drop(watching);
    simulator.advance(MINUTE * 29).await;
    visit.assert_state(VisitState::Bot);
    simulator.advance(MINUTE * 2).await;
    visit.assert_state(VisitState::Closed);
}

#[tokio::test(start_paused = true)]
async fn time_that_runs_ends_chats_and_repeats_by_itself() {
    let office = stage(sales(IntegrationForm::Json)).speed(120).build().expect("no mistakes");
    office.fault(Fault::every(1).on(Api::Integration).status(StatusCode::SERVICE_UNAVAILABLE));
    let mut changes = office.changes();
    let visit = office.visit("sales").start("Hello").await;
    let started = tokio::time::Instant::now();
    while office.delivered(Api::Integration).records().len() < 25 {
        changes.recv().await.expect("a change");
    }
    // 30 minutes of silence and 2 hours of attempts, at 120 times the speed.
    let took = started.elapsed();
    assert!(took >= Duration::from_secs(75) && took < Duration::from_secs(80), "{took:?}");
    assert_eq!(visit.view().ended_by, Some(ChatEndedBy::TimedOut));
}

async fn story(simulator: &Simulator) -> Vec<String> {
    let visit = simulator.visit("sales").email("v@example.com").start("Hello").await;
    bot_commands(&visit, "HUMAN_TRANSFER", "").await;
    let jane = simulator.agent(JANE);
    jane.takes(&visit).await.expect("a chat that waits");
    jane.says(&visit, "Hi").await.expect("her chat");
    visit.survey(50, "So so").await.leaves().await;
    simulator.advance(HOUR).await;
    let deliveries = simulator.deliveries(&Default::default()).into_iter();
    deliveries.map(|record| serde_json::to_string(&record).expect("JSON")).collect()
}

#[tokio::test(start_paused = true)]
async fn same_seed_sends_the_same_bytes() {
    let (first, second) = (on_stage(), on_stage());
    for simulator in [&first, &second] {
        // On a clock that is paused this takes just as long as it says.
        simulator.fault(Fault::nth(2).on(Api::Bot).stall(Duration::from_millis(1500)));
    }
    let told = story(&first).await;
    assert!(told.iter().all(|record| record.contains(r#""duration_ms":0,"#)), "{told:?}");
    assert_eq!(told, story(&second).await);
    first.reset(None);
    assert_eq!(told, story(&first).await);
    first.reset(Some(2));
    assert_ne!(told, story(&first).await);
}

#[tokio::test(start_paused = true)]
async fn reset_drops_what_is_under_way() {
    let simulator = on_stage();
    let mut changes = simulator.changes();
    simulator.fault(Fault::nth(1).on(Api::Bot).stall_for_ever());
    let starting = tokio::spawn({
        let simulator = simulator.clone();
        async move {
            simulator
                .start_visit(serde_json::from_str(r#"{"widget":"sales"}"#)?)
                .await
                .map_err(anyhow::Error::from)
        }
    });
    while simulator.delivered(Api::Bot).records().is_empty() {
        changes.recv().await.expect("a change");
    }
    simulator.agent(JANE).pause().await.expect("Jane");
    simulator.reset(None);
    let gone = starting.await.expect("no panic").expect("it had started");
    assert!(simulator.visit_view(&gone).is_none() && simulator.faults().is_empty());
    assert!(simulator.deliveries(&Default::default()).is_empty());
    assert_eq!(simulator.agent(JANE).status().expect("Jane").0.as_str(), "online");
    let mut told = Vec::new();
    while let Ok(change) = changes.try_recv() {
        told.push(change);
    }
    assert_eq!(told.last(), Some(&SimulatorChange::Reset));
    simulator.visit("sales").start("Hello").await.sees("You said Hello");
}
