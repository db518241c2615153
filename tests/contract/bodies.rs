//! Every body that the simulator sends is valid, and every reply that it reads.

use std::collections::BTreeSet;

use async_trait::async_trait;
use serde_json::Value;
use snapengage::agent_status::Status;
use snapengage::bot::{self, CommandError, CommandResult, Message, Reply};
use snapengage::contact::Query;
use snapengage::contract::ContractReading;
use snapengage::integration::SupportRequest;
use snapengage::simulator::{
    DeliveryFilter, DeliveryRecord, IntegrationForm, OfflineMessage, SimulatedAgent,
    SimulatedWidget, Simulator,
};
use snapengage::{
    Api, Auth, HandlerError, Receiver, Token, agent_status, contact, conversation, integration,
};

use crate::payloads::{BOT_EVENT, CHANGE, EVENT, QUERY, REPLY, REQUEST};
use crate::validators::Cases;

const JANE: &str = "jane@example.com";
const BOB: &str = "bob@example.com";

/// Bot that answers with all that a bot can say.
struct Talkative;

#[async_trait]
impl bot::Handler for Talkative {
    async fn message(&self, message: Message) -> Result<Reply, HandlerError> {
        Ok(match message.text.as_str() {
            "cards" => {
                let card = bot::Card::new("Plans").link("https://example.com/");
                Reply::say("Here").cards(bot::Cards::vertical().card(card)).context_id("cards")
            }
            "labels" => {
                Reply::new().label("Topic", ["Sales", "Support"]).goto("https://a.example/")
            }
            "tags" => Reply::new().to_tags("sales", ["beards"]),
            "human" => Reply::say("One moment").to_human(),
            "bye" => Reply::say("Bye").bye(),
            text => Reply::say(text).button(bot::Button::new("Yes").id("b-1")).button("No"),
        })
    }

    async fn command_failed(&self, _: CommandResult) -> Result<Reply, HandlerError> {
        Ok(Reply::say("That failed"))
    }
}

fn receiver() -> Receiver {
    let token = || Token::new("t");
    let known = contact::from_fn(|query: Query| async move { Ok(Some(query.email)) });
    Receiver::builder()
        .bot("/bot", token(), Talkative)
        .integration("/cases", token(), integration::from_fn(|_| async { Ok(()) }))
        .conversation("/events", token(), conversation::from_fn(|_| async { Ok(()) }))
        .agent_status("/status", token(), agent_status::from_fn(|_| async { Ok(()) }))
        .contact("/contact", Auth::secret_path(Token::new("secret")), known)
        .build()
        .expect("no mistakes")
}

fn simulator(form: IntegrationForm) -> Simulator {
    let sales = SimulatedWidget::new("sales")
        .name("Sales & <more>")
        .bot("/bot", "t")
        .integration("/cases", "t", form)
        .conversation_events("/events", "t")
        .get_contact("/contact/secret")
        .variables(["plan"]);
    let support = SimulatedWidget::new("support").conversation_events("/events", "t");
    Simulator::builder()
        .widget(sales)
        .widget(support)
        .agent(SimulatedAgent::new(JANE).alias("Jane"))
        .agent(SimulatedAgent::new(BOB).alias("Bob").tags(["beards"]).status(Status::Offline))
        .agent_status("/status", "t")
        .deliver_to(receiver())
        .seed(1)
        .build()
        .expect("no mistakes")
}

/// Lets happen what can happen, and returns what was sent.
async fn deliveries(form: IntegrationForm) -> Vec<DeliveryRecord> {
    let simulator = simulator(form);
    let (jane, bob) = (simulator.agent(JANE), simulator.agent(BOB));
    let visit =
        simulator.visit("sales").email("v@example.com").name("Vera").variable("plan", "a=b&c");
    let visit = visit.page_url("https://example.com/?a=1&b=2").start("Hello").await;
    visit.click("Yes").await.says("cards").await.says("labels").await;
    simulator.fail_next_transfer(&visit, CommandError::NoAgentsAvailable).expect("a chat");
    visit.says("tags").await.says("human").await;
    jane.takes(&visit).await.expect("a chat");
    jane.says(&visit, "Hi").await.expect("a chat");
    jane.labels(&visit, "Topic", "Sales").await.expect("a chat");
    bob.set_status(Status::Online, Some("Back".to_owned())).await.expect("an agent");
    jane.transfers_to_agent(&visit, BOB).await.expect("a chat");
    bob.takes(&visit).await.expect("a chat");
    visit.gives_email("vera@example.com").await;
    bob.closes(&visit).await.expect("a chat");
    visit.survey(80, "Quick & kind").await;
    simulator.visit("sales").proactive_message("Can I help?").open().await.leaves().await;
    simulator.visit("sales").start("bye").await;
    simulator.visit("support").start("Hello").await.leaves().await;
    let mut message = OfflineMessage::default();
    message.widget = Some("sales".into());
    message.email = "o@example.com".to_owned();
    message.text = "Call me".to_owned();
    simulator.offline_message(message).await.expect("a widget");
    jane.pause().await.expect("an agent");
    jane.offline().await.expect("an agent");
    simulator.settled().await;
    simulator.deliveries(&DeliveryFilter::default())
}

fn json(text: &str) -> Value {
    serde_json::from_str(text).expect("JSON")
}

#[tokio::test(start_paused = true)]
async fn every_body_of_the_simulator_is_valid() {
    let mut cases = Cases::default();
    let mut seen = BTreeSet::new();
    for form in [IntegrationForm::Json, IntegrationForm::Xml] {
        for sent in deliveries(form).await {
            assert!(sent.is_accepted(), "{sent:?}");
            let body = &sent.request.body;
            let (payload, body) = match sent.feed {
                Api::Bot => (BOT_EVENT, json(body)),
                Api::Conversation => (EVENT, json(body)),
                Api::AgentStatus => (CHANGE, json(body)),
                Api::Integration if body.starts_with('<') => {
                    let request = SupportRequest::from_xml(body.as_bytes()).expect("XML");
                    (REQUEST, serde_json::to_value(request).expect("JSON"))
                }
                Api::Integration => (REQUEST, json(body)),
                _ => {
                    let query = sent.url.split_once('?').expect("a query").1;
                    let query = Query::from_query(query).expect("a query");
                    (QUERY, serde_json::to_value(query).expect("JSON"))
                }
            };
            let kind = ["event", "status", "type"].iter().find_map(|name| body[*name].as_str());
            seen.insert(format!("{} {}", sent.feed, kind.unwrap_or_default()));
            for reading in [ContractReading::Accepted, ContractReading::Documented] {
                cases.add(
                    format!("{} {}", sent.n, sent.feed),
                    (&payload, reading),
                    body.clone(),
                    true,
                );
            }
            if sent.feed == Api::Bot {
                let reply = json(&sent.response.expect("an answer").body);
                cases.add(
                    format!("{} reply", sent.n),
                    (&REPLY, ContractReading::Accepted),
                    reply,
                    true,
                );
            }
        }
    }
    let events = [
        "bot chatStarted",
        "bot message",
        "bot commandResult",
        "bot chatClosed",
        "conversation-events caseQueued",
        "conversation-events caseAssigned",
        "conversation-events caseResponded",
        "conversation-events caseLabeled",
        "conversation-events caseTransferred",
        "conversation-events caseClosed",
        "conversation-events caseSurveyed",
        "integration chat",
        "integration offline",
        "agent-status online",
        "agent-status pause",
        "agent-status offline",
        "get-contact ",
    ];
    for event in events {
        assert!(seen.contains(event), "{event}: {seen:?}");
    }
    cases.assert_both();
}
