//! State that is kept over a restart.

use std::time::Duration;

use http::StatusCode;
use serde_json::{Value, json};
use snapengage::Api;
use snapengage::simulator::{Fault, NewVisit, Simulator, VisitState};

use crate::ask::*;
use crate::face::served::Served;
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
async fn users_and_widgets_are_as_calls_have_left_them() {
    let new =
        || office().user("gone@example.com", "Gone").widget("old").build().expect("an office");
    let simulator = new();
    let user = json!({
        "email": "bob@example.com", "name": "Bob", "password": "12345", "accountType": "biz",
    });
    assert_eq!(provision(&simulator, "PUT", "user", "", user.to_string()).await.status, 201);
    let agent = json!({
        "agentId": "ann@example.com", "agentAlias": "Ann", "agentAvatar": "a", "agentType": "google",
    });
    let made = json!({ "email": "bob@example.com", "name": "New", "agents": [agent] });
    let made = provision(&simulator, "PUT", "widget", "", made.to_string()).await.json();
    let changed = json!({
        "uuid": "sales", "email": "user@example.com", "name": "Other", "agents": [agent],
    });
    provision(&simulator, "POST", "widget", "", changed.to_string()).await.ok();
    for (what, query) in
        [("user", "&email=gone@example.com"), ("widget", "&uuid=old&email=user@example.com")]
    {
        assert_eq!(provision(&simulator, "DELETE", what, query, "").await.status, 200);
    }
    simulator.agent("ann@example.com").online().await.expect("Ann");
    let id = made["uuid"].as_str().expect("an id");
    let visit = simulator.visit(id).start("Hello").await;

    let again = new();
    again.restore(&simulator.snapshot()).expect("a state");
    assert_eq!((again.users(), again.widgets()), (simulator.users(), simulator.widgets()));
    assert_eq!((again.users().len(), again.widgets().len()), (2, 2));
    again.agent("ann@example.com").takes(&visit).await.expect("her widget");
    again.agent("ann@example.com").says(&visit, "Hi").await.expect("her chat");
    let next = made_widget(&again, &agent).await;
    assert_eq!(next, made_widget(&simulator, &agent).await);
    assert_ne!(next, made["uuid"]);
    again.reset(None);
    assert_eq!(again.widgets(), new().widgets());
}

async fn made_widget(simulator: &Simulator, agent: &Value) -> Value {
    let made = json!({ "email": "bob@example.com", "agents": [agent] }).to_string();
    provision(simulator, "PUT", "widget", "", made).await.json()["uuid"].clone()
}

#[tokio::test]
async fn file_follows_a_restore_and_a_reset() {
    let dir = tempfile::tempdir().expect("a folder");
    let (path, copy) = (dir.path().join("state"), dir.path().join("copy"));
    // As a process that begins with the file as it is now.
    let kept = || {
        std::fs::copy(&path, &copy).expect("a copy");
        let again = on_stage();
        again.keep_in(&copy).expect("a state");
        (again.visits(), again.deliveries(&Default::default()))
    };
    let other = on_stage();
    other.visit("sales").start("Hello").await;
    let served = Served::new(on_stage()).await;
    served.simulator.keep_in(&path).expect("a new file");
    let now = || (served.simulator.visits(), served.simulator.deliveries(&Default::default()));
    let new = json!({ "widget": "sales", "text": "Hello" });
    served.post("/_/visits", &new).await.ok();
    assert_eq!(kept(), now());
    served.post("/_/reset", &json!({})).await.ok();
    assert_eq!(kept(), (vec![], vec![]));
    served.simulator.restore(&other.snapshot()).expect("a state");
    served.post("/_/visits", &new).await.ok();
    assert_eq!((kept(), now().0.len()), (now(), 2));
    let bot = json!({ "text": "and more" });
    let case = now().0.remove(0).case_id;
    served.post(&format!("/_/visits/{case}/say"), &bot).await.ok();
    assert_eq!(kept(), now());
}

#[tokio::test]
async fn file_is_that_of_one_simulator_at_a_time() {
    let dir = tempfile::tempdir().expect("a folder");
    let path = dir.path().join("state");
    let first = on_stage();
    first.keep_in(&path).expect("a new file");
    let kept = std::fs::read(&path).expect("a state");
    let second = on_stage();
    let error = second.keep_in(&path).expect_err("it is used");
    let expected = "another process, or another simulator of this one, uses it";
    assert_eq!(error.to_string(), format!("{}: {expected}", path.display()));
    let error = first.keep_in(dir.path().join("other")).expect_err("it has one");
    assert!(error.to_string().contains("another file"), "{error}");
    assert_eq!(std::fs::read(&path).expect("a state"), kept);
    drop(first);
    second.keep_in(&path).expect("nobody else's");
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
