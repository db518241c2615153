//! What arrives at a receiver when answers go wrong: how often, in which bytes, and what the visitor
//! sees meanwhile.

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use http::{Request, Response};
use http_body_util::Full;
use serde_json::{Value, json};
use snapengage::agent_status::Status;
use snapengage::client::{ResponseBody, Transport, TransportError};
use snapengage::integration::SupportRequest;
use snapengage::simulator::{
    DeliveryFilter, DeliveryRecord, Fault, IntegrationForm, LineAuthor, OfflineMessage,
    SimulatedAgent, SimulatedVisit, SimulatedWidget, Simulator, VisitState,
};
use snapengage::{Api, HandlerError, Receiver, Token, integration};

use crate::ask::*;
use crate::stage::*;

const HOUR: Duration = Duration::from_secs(3600);

/// The wire to a receiver: each request that arrives there, in bytes.
#[derive(Clone)]
struct Wire {
    receiver: Receiver,
    arrived: Arc<Mutex<Vec<Arrived>>>,
}

#[derive(Debug, Clone, PartialEq)]
struct Arrived {
    /// Method, address and headers.
    head: String,
    body: Bytes,
}

#[async_trait]
impl Transport for Wire {
    async fn send(
        &self,
        request: Request<Bytes>,
    ) -> Result<Response<ResponseBody>, TransportError> {
        let (head, body) = request.into_parts();
        let headers = head.headers.iter().map(|(name, value)| (name, value.as_bytes()));
        let written = format!("{} {} {:?}", head.method, head.uri, headers.collect::<Vec<_>>());
        let arrived = Arrived { head: written, body: body.clone() };
        self.arrived.lock().expect("no panic").push(arrived);
        let response = self.receiver.handle(Request::from_parts(head, Full::new(body))).await;
        Ok(response.map(|body| ResponseBody::from(body.into_bytes())))
    }
}

impl Wire {
    fn new() -> Self {
        Self { receiver: receiver(), arrived: Arc::default() }
    }

    fn simulator(&self, form: IntegrationForm) -> Simulator {
        let at = |path: &str| format!("https://me.example{path}");
        let widget = SimulatedWidget::new("sales")
            .bot(at("/bot"), MY_TOKEN)
            .integration(at("/cases"), MY_TOKEN, form)
            .conversation_events(at("/events"), MY_TOKEN)
            .get_contact(at("/contact/secret"));
        let bob = SimulatedAgent::new(BOB).alias("Bob");
        let simulator = Simulator::builder().widget(widget).agent(JANE).agent(bob).seed(1);
        let simulator = simulator.agent_status(at("/status"), MY_TOKEN);
        simulator.deliver_over(self.clone()).build().expect("no mistakes")
    }

    fn all(&self) -> Vec<Arrived> {
        self.arrived.lock().expect("no panic").clone()
    }

    /// The requests that have this in their address or body.
    fn with(&self, part: &str) -> Vec<Arrived> {
        let has = |arrived: &Arrived| {
            let body = std::str::from_utf8(&arrived.body).expect("UTF-8");
            arrived.head.contains(part) || body.contains(part)
        };
        self.all().into_iter().filter(has).collect()
    }
}

fn fault(feed: Api, nth: u64, does: &Value) -> Fault {
    let mut fault = does.clone();
    fault["feed"] = feed.as_str().into();
    fault["nth"] = nth.into();
    serde_json::from_value(fault).expect("a fault")
}

/// What goes wrong, whether the request arrives, and whether its answer does.
fn losses() -> Vec<(Value, usize, bool)> {
    vec![
        (json!({"do": "status", "status": 503}), 1, false),
        (json!({"do": "status", "status": 302}), 1, false),
        (json!({"do": "reset"}), 1, false),
        (json!({"do": "half"}), 1, false),
        (json!({"do": "stall"}), 1, false),
        (json!({"do": "stall", "ms": 10_001}), 1, false),
        (json!({"do": "stall", "ms": 9_999}), 1, true),
        (json!({"do": "slow", "ms": 100}), 1, true),
        (json!({"do": "drop"}), 0, false),
        (json!({"do": "refuse"}), 0, false),
        (json!({"do": "duplicate"}), 2, true),
    ]
}

fn system_lines(visit: &SimulatedVisit) -> usize {
    visit.view().lines.iter().filter(|line| line.from == LineAuthor::System).count()
}

#[tokio::test(start_paused = true)]
async fn bot_that_is_not_heard_is_not_asked_again() {
    for (does, arrivals, is_answered) in losses() {
        let wire = Wire::new();
        let simulator = wire.simulator(IntegrationForm::Json);
        simulator.fault(fault(Api::Bot, 2, &does));
        let visit = simulator.visit("sales").start("One").await;
        visit.says("Two").await;
        if is_answered {
            visit.sees("You said Two").assert_state(VisitState::Bot);
        } else {
            visit.assert_state(VisitState::Queued);
        }
        assert_eq!(system_lines(&visit), usize::from(!is_answered), "{does}");
        let answers = visit.transcript().matches("You said Two").count();
        assert_eq!(answers, usize::from(is_answered), "{does}");
        simulator.advance(HOUR * 3).await;
        assert_eq!(wire.with(r#""text":"Two""#).len(), arrivals, "{does}");
        assert_eq!(wire.with("chatClosed").len(), 1, "{does}");
        visit.assert_state(VisitState::Closed);
    }
}

#[tokio::test(start_paused = true)]
async fn case_whose_answer_is_lost_is_handed_in_again() {
    for (does, arrivals, is_answered) in losses() {
        let wire = Wire::new();
        let simulator = wire.simulator(IntegrationForm::Json);
        simulator.fault(fault(Api::Integration, 1, &does));
        let visit = simulator.visit("sales").start("Hello").await;
        visit.leaves().await.assert_state(VisitState::Closed);
        simulator.advance(HOUR * 3).await;
        let arrived = wire.with("/cases");
        assert_eq!(arrived.len(), arrivals + usize::from(!is_answered), "{does}");
        assert!(arrived.iter().all(|again| *again == arrived[0]), "{does}");
        let deliveries = simulator.delivered(Api::Integration);
        assert!(deliveries.records().last().is_some_and(DeliveryRecord::is_accepted), "{does}");
        assert_eq!(system_lines(&visit), 0, "{does}");
    }
}

#[tokio::test(start_paused = true)]
async fn events_that_are_lost_are_lost() {
    for (does, arrivals, is_answered) in losses() {
        let wire = Wire::new();
        let simulator = wire.simulator(IntegrationForm::Json);
        for feed in [Api::Conversation, Api::AgentStatus, Api::Contact] {
            simulator.fault(fault(feed, 1, &does));
        }
        let visit = simulator.visit("sales").email("v@example.com").start("Hello").await;
        bot_commands(&visit, "HUMAN_TRANSFER", "").await;
        simulator.agent(BOB).pause().await.expect("Bob");
        let jane = simulator.agent(JANE);
        jane.takes(&visit).await.expect("a chat that waits");
        jane.says(&visit, "Hi").await.expect("her chat");
        visit.sees("Hi").leaves().await;
        simulator.advance(HOUR * 3).await;
        for (part, feed) in [
            ("caseTransferred", Api::Conversation),
            ("pause", Api::AgentStatus),
            ("/contact", Api::Contact),
        ] {
            assert_eq!(wire.with(part).len(), arrivals, "{feed} {does}");
            let first = simulator.delivered(feed).records()[0].is_accepted();
            assert_eq!(first, is_answered, "{feed} {does}");
        }
        for event in ["caseAssigned", "caseResponded", "caseClosed"] {
            assert_eq!(wire.with(event).len(), 1, "{does}");
        }
        assert_eq!(system_lines(&visit), 0, "{does}");
    }
}

#[tokio::test(start_paused = true)]
async fn reordered_request_arrives_after_the_next() {
    let wire = Wire::new();
    let simulator = wire.simulator(IntegrationForm::Json);
    for feed in [Api::Bot, Api::Integration, Api::Conversation, Api::AgentStatus, Api::Contact] {
        simulator.fault(fault(feed, 1, &json!({"do": "reorder"})));
    }
    for email in ["first@example.com", "second@example.com"] {
        let visit = simulator.visit("sales").email(email).start(email).await;
        let status = if email.starts_with("first") { Status::Pause } else { Status::Offline };
        simulator.agent(BOB).set_status(status, Some(email.to_owned())).await.expect("Bob");
        visit.leaves().await.assert_state(VisitState::Closed);
    }
    simulator.settled().await;
    for path in ["/cases", "/status", "/contact"] {
        let arrived = wire.with(path);
        let is_of = |at: usize, who: &str| {
            let Arrived { head, body } = &arrived[at];
            head.contains(who) || String::from_utf8_lossy(body).contains(who)
        };
        let is_swapped = is_of(0, "second") && is_of(1, "first");
        assert!(arrived.len() == 2 && is_swapped, "{arrived:?}");
    }
    // Of a bot's requests, `chatClosed` was the next.
    let bot = wire.with("/bot");
    let events = bot.iter().map(|arrived| serde_json::from_slice::<Value>(&arrived.body));
    let events: Vec<_> = events.map(|body| body.expect("JSON")["event"].clone()).collect();
    assert_eq!(events, ["chatClosed", "chatStarted", "chatStarted", "chatClosed"]);
    assert_eq!(wire.with("caseClosed").len(), 2);
    let all = simulator.deliveries(&DeliveryFilter::default());
    assert!(all.iter().all(DeliveryRecord::is_accepted), "{all:#?}");
}

#[tokio::test(start_paused = true)]
async fn receiver_that_is_down_for_two_hours_gets_the_same_bytes_and_then_nothing() {
    for form in [IntegrationForm::Json, IntegrationForm::Xml] {
        let wire = Wire::new();
        let simulator = wire.simulator(form);
        let down = json!({"feed": "integration", "every": 1, "do": "status", "status": 503});
        simulator.fault(serde_json::from_value(down).expect("a fault"));
        let visit = simulator.visit("sales").email("v@example.com").start("Hello").await;
        visit.leaves().await.survey(75, "After the first attempt").await;
        for _ in 0..24 {
            simulator
                .delivered(Api::Integration)
                .assert_statuses(vec![503; wire.with("/cases").len()]);
            simulator.advance(HOUR / 12).await;
        }
        let arrived = wire.with("/cases");
        assert_eq!(arrived.len(), 25);
        assert!(arrived.iter().all(|again| *again == arrived[0]));
        simulator.delivered(Api::Integration).assert_count(25).assert_same_body().assert_mailed();
        simulator.clear_faults();
        simulator.advance(HOUR * 24).await;
        assert_eq!(wire.with("/cases").len(), 25);
    }
}

#[tokio::test(start_paused = true)]
async fn case_that_a_handler_failed_on_is_taken_once() {
    let taken = Arc::new(Mutex::new(Vec::new()));
    let (tries, kept) = (Arc::new(AtomicU32::new(0)), Arc::clone(&taken));
    let cases = integration::from_fn(move |case: SupportRequest| {
        let (is_first, kept) = (tries.fetch_add(1, Ordering::Relaxed) == 0, Arc::clone(&kept));
        async move {
            if is_first {
                return Err(HandlerError::from("the database is down"));
            }
            kept.lock().expect("no panic").push(case.id);
            Ok(())
        }
    });
    let receiver = Receiver::builder().integration("/cases", Token::new(MY_TOKEN), cases);
    let widget = SimulatedWidget::new("sales");
    let widget = widget.integration("/cases", MY_TOKEN, IntegrationForm::Json);
    let simulator = Simulator::builder().widget(widget).agent(JANE).seed(1);
    let receiver = receiver.build().expect("no mistakes");
    let simulator = simulator.deliver_to(receiver).build().expect("no mistakes");
    let visit = simulator.visit("sales").start("Hello").await;
    visit.leaves().await;
    simulator.delivered(Api::Integration).assert_statuses([503]);
    simulator.advance(HOUR / 12 - Duration::from_secs(1)).await;
    simulator.delivered(Api::Integration).assert_count(1);
    simulator.advance(HOUR * 3).await;
    simulator.delivered(Api::Integration).assert_statuses([503, 200]).assert_same_body();
    assert_eq!(*taken.lock().expect("no panic"), [visit.case_id().clone()]);
}

/// What arrives in a day of chats in which much goes wrong.
async fn day(seed: u64, form: IntegrationForm) -> Vec<Arrived> {
    let wire = Wire::new();
    let simulator = wire.simulator(form);
    simulator.reset(Some(seed));
    for feed in ["bot", "integration", "conversation-events", "agent-status", "get-contact"] {
        for (seed, does) in ["duplicate", "reset", "drop", "reorder"].iter().enumerate() {
            let fault = json!({"feed": feed, "p": 0.1, "seed": seed, "do": does});
            simulator.fault(serde_json::from_value(fault).expect("a fault"));
        }
    }
    for number in 0..20 {
        let visitor = simulator.visit("sales").email(format!("v{number}@example.com"));
        let visitor = visitor.variable("n", number).variable("plan", "gold");
        let visit = visitor.user_agent("Mozilla").start("Hello").await;
        let labels = json!(json!([{"a": ["1", "2"]}, {"b": ["3"]}]).to_string());
        bot_commands(&visit, "LABEL", &labels.to_string()).await;
        bot_commands(&visit, "HUMAN_TRANSFER", "").await;
        let (jane, bob) = (simulator.agent(JANE), simulator.agent(BOB));
        // A bot that was not heard has handed over before.
        if jane.takes(&visit).await.is_ok() {
            jane.says(&visit, "Hi").await.expect("her chat");
            jane.transfers_to_agent(&visit, BOB).await.expect("Bob is there");
            bob.takes(&visit).await.expect("a chat that waits");
        }
        visit.survey(50, "So so").await.leaves().await;
        bob.pause().await.expect("Bob");
        bob.online().await.expect("Bob");
        let left = json!({"widget": "sales", "email": "v@example.com", "text": "Call me"});
        let left: OfflineMessage = serde_json::from_value(left).expect("a message");
        simulator.offline_message(left).await.expect("a widget");
        simulator.advance(HOUR / 4).await;
    }
    simulator.advance(HOUR * 3).await;
    wire.all()
}

#[tokio::test(start_paused = true)]
async fn same_seed_and_acts_put_the_same_bytes_on_the_wire() {
    for form in [IntegrationForm::Json, IntegrationForm::Xml] {
        let (first, second) = (day(7, form).await, day(7, form).await);
        assert!(first.len() > 300, "{}", first.len());
        for (number, (first, second)) in first.iter().zip(&second).enumerate() {
            assert_eq!(first, second, "request {number}");
        }
        assert_eq!(first.len(), second.len());
        let other = day(8, form).await;
        assert!(first.iter().zip(&other).any(|(first, other)| first.body != other.body));
    }
}
