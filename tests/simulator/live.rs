//! Receivers on real sockets, and none.

use snapengage::simulator::{IntegrationForm, SimulatedWidget, Simulator, VisitState};
use snapengage::{Api, Server};
use tokio::net::TcpListener;
use tokio::sync::oneshot;

use crate::ask::*;
use crate::stage::*;

fn at(address: &str, token: &str) -> Simulator {
    let widget = SimulatedWidget::new("sales")
        .bot(format!("{address}/bot"), token)
        .integration(format!("{address}/cases"), token, IntegrationForm::Json)
        .conversation_events(format!("{address}/events"), token)
        .get_contact(format!("{address}/contact/secret"));
    let simulator = Simulator::builder().widget(widget).agent(JANE).seed(1);
    simulator.agent_status(format!("{address}/status"), token).build().expect("no mistakes")
}

#[tokio::test]
async fn whole_chat_over_real_sockets() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = format!("http://{}", listener.local_addr().expect("an address"));
    let (stop, stopped) = oneshot::channel::<()>();
    let server = Server::new(receiver());
    let serving = tokio::spawn(server.serve(listener, async { drop(stopped.await) }));

    let simulator = at(&address, MY_TOKEN);
    let visit = simulator.visit("sales").email("v@example.com").start("Hello").await;
    visit.sees("You said Hello");
    bot_commands(&visit, "HUMAN_TRANSFER", "").await;
    simulator.agent(JANE).takes(&visit).await.expect("a chat that waits");
    visit.leaves().await;
    simulator.agent(JANE).pause().await.expect("Jane");
    for (feed, count) in [
        (Api::Bot, 3),
        (Api::Conversation, 3),
        (Api::Integration, 1),
        (Api::Contact, 1),
        (Api::AgentStatus, 1),
    ] {
        simulator.delivered(feed).assert_count(count).assert_accepted();
    }

    // With another token, the bot's and all else is refused.
    let stranger = at(&address, "another-token");
    let visit = stranger.visit("sales").start("Hello").await;
    visit.assert_state(VisitState::Queued);
    stranger.delivered(Api::Bot).assert_statuses([401]);
    drop(stop);
    serving.await.expect("no panic").expect("settings that make sense");
}

#[tokio::test]
async fn receiver_that_is_down_is_told_and_nothing_more() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = format!("http://{}", listener.local_addr().expect("an address"));
    drop(listener);
    let simulator = at(&address, MY_TOKEN);
    let visit = simulator.visit("sales").email("v@example.com").start("Hello").await;
    visit.assert_state(VisitState::Queued).leaves().await;
    for feed in [Api::Bot, Api::Integration, Api::Contact] {
        let error = simulator.delivered(feed).records()[0].error.clone().expect("an error");
        assert!(error.starts_with("no connection was made: "), "{error}");
    }
}

#[tokio::test]
async fn tokens_are_shown_nowhere() {
    let simulator = on_stage();
    let visit = simulator.visit("sales").email("v@example.com").start(MY_TOKEN).await;
    visit.leaves().await;
    let mut shown = format!("{simulator:?}");
    for record in simulator.deliveries(&Default::default()) {
        // The visitor said it, who may.
        shown += &format!("{:?}{:?}{:?}", record.request.headers, record.response, record.error);
    }
    assert!(!shown.contains(MY_TOKEN), "{shown}");
    assert!(shown.contains("<redacted>"));
    let widget = sales(IntegrationForm::Json).identity_secret("identity-secret");
    let shown = format!("{widget:?}{:?}", stage(widget.clone()));
    assert!(!shown.contains(MY_TOKEN) && !shown.contains("secret"), "{shown}");
}

#[test]
fn addresses_that_lead_nowhere_are_told() {
    let widget = SimulatedWidget::new("w")
        .bot("/bot", "t")
        .integration("ftp://example.com", "t", IntegrationForm::Json)
        .conversation_events("https://example.com", "bad\ntoken");
    let error = Simulator::builder().widget(widget).agent_status("status", "t").speed(0).build();
    let expected = "a speed of 0: time would stand still\n\
        the bot of widget \"w\" has a path, but no receiver to deliver to\n\
        the integration of widget \"w\" has neither http://, https:// nor a path\n\
        the conversation-events of widget \"w\" has a token that no header can carry\n\
        the agent-status has neither http://, https:// nor a path";
    assert_eq!(error.expect_err("mistakes").to_string(), expected);
}
