//! Agents: what they can do, and what they cannot.

use http::StatusCode;
use snapengage::Api;
use snapengage::agent_status::Status;
use snapengage::simulator::{IntegrationForm, LeverError, VisitState};

use crate::ask::*;
use crate::stage::*;

fn refused(result: Result<(), LeverError>) -> u16 {
    result.expect_err("refused").status().as_u16()
}

#[tokio::test(start_paused = true)]
async fn chat_of_a_bot_is_not_taken_and_not_answered() {
    let simulator = on_stage();
    let visit = simulator.visit("sales").start("Hello").await;
    let jane = simulator.agent(JANE);
    assert_eq!(refused(jane.takes(&visit).await), 409);
    assert_eq!(refused(jane.says(&visit, "Hi").await), 409);
    assert_eq!(refused(jane.labels(&visit, "a", "b").await), 409);
    assert_eq!(refused(jane.closes(&visit).await), 409);
    visit.assert_state(VisitState::Bot);
    simulator.delivered(Api::Conversation).assert_count(0);
}

#[tokio::test(start_paused = true)]
async fn only_who_is_online_takes_a_chat() {
    let simulator = stage(human(IntegrationForm::Json)).build().expect("no mistakes");
    let visit = simulator.visit("sales").start("Hello").await;
    let (jane, bob) = (simulator.agent(JANE), simulator.agent(BOB));
    assert_eq!(refused(bob.takes(&visit).await), 409);
    assert_eq!(refused(simulator.agent("nobody@example.com").takes(&visit).await), 404);
    assert_eq!(refused(jane.takes("no such chat").await), 404);
    jane.takes(&visit).await.expect("a chat that waits");
    bob.online().await.expect("Bob");
    assert_eq!(refused(bob.takes(&visit).await), 409);
    assert_eq!(refused(bob.says(&visit, "Hi").await), 409);
    assert_eq!(visit.view().agent.as_deref(), Some(JANE));
}

#[tokio::test(start_paused = true)]
async fn transfer_by_an_agent_needs_somebody_there() {
    let simulator = stage(human(IntegrationForm::Json)).build().expect("no mistakes");
    let visit = simulator.visit("sales").start("Hello").await;
    let (jane, bob) = (simulator.agent(JANE), simulator.agent(BOB));
    jane.takes(&visit).await.expect("a chat that waits");
    assert_eq!(refused(jane.transfers_to_agent(&visit, "nobody@example.com").await), 404);
    assert_eq!(refused(jane.transfers_to_agent(&visit, BOB).await), 409);
    assert_eq!(refused(jane.transfers_to_widget(&visit, "nowhere").await), 404);
    assert_eq!(refused(jane.transfers_to_widget(&visit, "support").await), 409);
    assert_eq!(refused(bob.transfers_to_widget(&visit, "support").await), 409);
    visit.assert_state(VisitState::Agent);
    bob.online().await.expect("Bob");
    jane.transfers_to_widget(&visit, "support").await.expect("Bob is there");
    visit.assert_state(VisitState::Queued);
    assert_eq!(visit.view().widget, "support");
    // Jane is not of that widget.
    assert_eq!(refused(jane.takes(&visit).await), 409);
    bob.takes(&visit).await.expect("a chat that waits");
    visit.leaves().await;
    // A widget without feeds: those of the widget the chat began on.
    let told = simulator.delivered(Api::Conversation);
    let events = ["caseQueued", "caseAssigned", "caseTransferred", "caseAssigned", "caseClosed"];
    told.assert_events(events);
    assert_eq!(told.bodies()[4]["widget_id"], "support");
    simulator.delivered(Api::Integration).assert_count(1).assert_accepted();
}

#[tokio::test(start_paused = true)]
async fn status_and_its_details_are_those_set_last() {
    let simulator = on_stage();
    let jane = simulator.agent(JANE);
    jane.set_status(Status::Pause, Some("Lunch".to_owned())).await.expect("Jane");
    assert_eq!(jane.status(), Some((Status::Pause, Some("Lunch".to_owned()))));
    jane.online().await.expect("Jane");
    assert_eq!(jane.status(), Some((Status::Online, None)));
    let ended = simulator.visit("sales").start("Hello").await;
    ended.leaves().await;
    let late = simulator.leave(&ended).await.expect_err("an ended chat");
    assert_eq!(late.status(), StatusCode::CONFLICT);
}
