//! SnapEngage's side, without an account: its APIs, its chats and what it sends, over one state.
//!
//! A simulator gives [chats](#chats-with-bots) to bots and agents, sends [webhooks](#webhooks), and
//! answers all calls that [`client`](crate::client) makes, as SnapEngage does and with what is odd
//! about it: text for booleans, `wc:` in answers, a hundred cases a page, errors with status 200.
//! What a call does, another sees: a chat that a visitor starts is in the logs when it has ended,
//! and an agent who is online makes a widget online.
//!
//! ```http
//! GET /api/v1/chat/sales HTTP/1.1
//! Host: www.snapengage.com
//! x-api-key: local-chat-key
//! ```
//!
//! It is answered from the state:
//!
//! ```http
//! HTTP/1.1 200 OK
//! Content-Type: application/json; charset=utf-8
//!
//! {"widgetId":"sales","online":"true","emailRequired":"false",
//!  "messageRequired":"false","screenshotRequired":"false"}
//! ```
//!
//! With the key of another API it is refused:
//!
//! ```http
//! HTTP/1.1 401 Unauthorized
//! Content-Type: application/json; charset=utf-8
//!
//! {"code":401,"message":"invalid or missing key in `x-api-key`"}
//! ```
//!
//! A simulator is a [`Transport`]: client and vendor run in one process, without a socket, and on
//! tokio's clock, which a test can pause.
//!
//! ```
//! use snapengage::client::{Client, Operation, Secret};
//! use snapengage::simulator::Simulator;
//!
//! # #[tokio::main(flavor = "current_thread", start_paused = true)]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let simulator = Simulator::builder().widget("sales").agent("jane@example.com").build()?;
//! let client = Client::builder().transport(simulator.clone()).build()?;
//!
//! let chats = client.visitor_chats(Secret::new("local-chat-key"));
//! let chat = chats.start("sales").message("Hello").await?;
//! let jane = simulator.agent("jane@example.com");
//! jane.takes(chat.case_id()).await?;
//! jane.says(chat.case_id(), "What is it about?").await?;
//! chat.say("Pricing").await?;
//! assert_eq!(simulator.accepted_texts(Operation::Say), ["Pricing"]);
//! # Ok(())
//! # }
//! ```
//!
//! [`serve`](Simulator::serve) puts it on a socket, with [requests](#tests-in-any-language) for
//! tests in any language and a page for people, and [`handle`](Simulator::handle) answers a request
//! from anywhere else. The program `snapengage simulate` does so from a shell.
//!
//! # Chats with bots
//!
//! A widget with a bot gives it each chat first, over HTTP or straight into a
//! [`Receiver`](crate::Receiver). A test plays the visitor, and the agents that the bot calls for:
//!
//! ```
//! use snapengage::bot::{self, Reply};
//! use snapengage::simulator::{SimulatedWidget, Simulator, VisitState};
//! use snapengage::{Receiver, Token};
//!
//! # #[tokio::main(flavor = "current_thread", start_paused = true)]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let bot = bot::from_fn(|message| async move {
//!     Ok(match message.text.as_str() {
//!         "Somebody" => Reply::say("One moment").to_human(),
//!         _ => Reply::say("What is it about?").button("Somebody"),
//!     })
//! });
//! let receiver = Receiver::builder().bot("/bot", Token::new("t"), bot).build()?;
//!
//! let simulator = Simulator::builder()
//!     .widget(SimulatedWidget::new("sales").bot("/bot", "t"))
//!     .agent("jane@example.com")
//!     .deliver_to(receiver)
//!     .build()?;
//! let visit = simulator.visit("sales").email("v@example.com").start("Hello").await;
//! visit.sees("What is it about?").click("Somebody").await.sees("One moment");
//! visit.assert_state(VisitState::Queued);
//!
//! let jane = simulator.agent("jane@example.com");
//! jane.takes(&visit).await?;
//! jane.says(&visit, "Hi").await?;
//! visit.sees("Hi");
//! jane.closes(&visit).await?;
//! visit.assert_state(VisitState::Closed);
//! # Ok(())
//! # }
//! ```
//!
//! All eleven commands are carried out. A transfer for which nobody is online fails, and the bot is
//! told so; a bot that fails by itself loses the chat to a human. How a reply is read is what
//! [`testing`](crate::testing) does.
//!
//! # Webhooks
//!
//! What is told of chats and agents goes to the feeds of a widget, with the escapes, the gaps and
//! the dates that SnapEngage writes. An Integration request that is not answered 2xx comes again
//! every 5 minutes for two hours, and then SnapEngage writes an email; all else is sent once.
//!
//! ```
//! use std::time::Duration;
//!
//! use http::StatusCode;
//! use snapengage::simulator::{Fault, IntegrationForm, SimulatedWidget, Simulator};
//! use snapengage::{Api, Receiver, Token, conversation, integration};
//!
//! # #[tokio::main(flavor = "current_thread", start_paused = true)]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let cases = integration::from_fn(|_| async { Ok(()) });
//! let events = conversation::from_fn(|_| async { Ok(()) });
//! let receiver = Receiver::builder()
//!     .integration("/cases", Token::new("t"), cases)
//!     .conversation("/events", Token::new("t"), events)
//!     .build()?;
//! let sales = SimulatedWidget::new("sales")
//!     .integration("/cases", "t", IntegrationForm::Json)
//!     .conversation_events("/events", "t");
//! let simulator = Simulator::builder()
//!     .widget(sales)
//!     .agent("jane@example.com")
//!     .deliver_to(receiver)
//!     .build()?;
//!
//! let unavailable = StatusCode::SERVICE_UNAVAILABLE;
//! simulator.fault(Fault::nth(1).on(Api::Integration).status(unavailable));
//! let visit = simulator.visit("sales").start("Hello").await;
//! visit.leaves().await;
//! simulator.delivered(Api::Conversation).assert_events(["caseQueued", "caseClosed"]);
//! simulator.advance(Duration::from_secs(2 * 60 * 60)).await;
//! simulator.delivered(Api::Integration).assert_statuses([503, 200]).assert_same_body();
//! # Ok(())
//! # }
//! ```
//!
//! # Time
//!
//! Time runs as the clock does, or [faster](SimulatorBuilder::speed). With a
//! [seed](SimulatorBuilder::seed) and without a speed it stands still, but for a second with each
//! event, and ids follow from the seed: with one chat at a time, the same bytes are sent at every
//! run. [`advance`](Simulator::advance) waits for what is under way, and then lets time pass: what
//! falls due happens in its order, attempts of the Integration API, and the end of chats in which
//! nobody has said anything for 30 minutes.
//!
//! ```
//! use std::time::Duration;
//!
//! use snapengage::simulator::Simulator;
//!
//! # #[tokio::main(flavor = "current_thread", start_paused = true)]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let simulator = Simulator::builder().widget("sales").seed(1).build()?;
//! assert_eq!(simulator.now().to_string(), "2026-01-05T09:00:00.000Z");
//! simulator.advance(Duration::from_secs(30 * 60)).await;
//! assert_eq!(simulator.now().to_string(), "2026-01-05T09:30:00.000Z");
//! # Ok(())
//! # }
//! ```
//!
//! # State
//!
//! All of it is in memory, up to 256 MiB of what callers leave behind. [`reset`](Simulator::reset)
//! makes it as at the start, between two tests say. [`snapshot`](Simulator::snapshot) is the state,
//! to go on with it in another process, and [`keep_in`](Simulator::keep_in) keeps it in a file:
//! what was shown is there again after the process was killed. Faults are not kept.
//!
//! ```
//! use snapengage::simulator::Simulator;
//!
//! # #[tokio::main(flavor = "current_thread", start_paused = true)]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let simulator = Simulator::builder().widget("sales").agent("jane@example.com").build()?;
//! simulator.visit("sales").start("Hello").await;
//! assert_eq!(simulator.visits().len(), 1);
//! simulator.reset(None);
//! assert!(simulator.visits().is_empty());
//! # Ok(())
//! # }
//! ```
//!
//! # Tests in any language
//!
//! What a test does in Rust, one in another language does by HTTP, below `/_/`; the page does
//! nothing else. Bodies and answers are JSON; an error is `{"code","message"}` with 400 for what is
//! malformed, 404 for what is not known and 409 for what is not possible in this state. A POST is
//! answered when all is through that it causes: the bot's answer is shown or given up. `GET /_/` is
//! the list below, as text.
//!
//! ```
//! use serde_json::Value;
//! use snapengage::simulator::Simulator;
//!
//! # #[tokio::main]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let simulator = Simulator::builder().widget("sales").agent("jane@example.com").build()?;
//! let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
//! let url = format!("http://{}/_", listener.local_addr()?);
//! tokio::spawn(async move { simulator.serve(listener, std::future::pending()).await });
//!
//! let post = |path: &str, body: &str| -> Result<Value, Box<dyn std::error::Error>> {
//!     let answer = ureq::post(format!("{url}{path}")).send(body)?;
//!     Ok(serde_json::from_reader(answer.into_body().into_reader())?)
//! };
//! let visit = post("/visits", r#"{"text":"Hello"}"#)?;
//! assert_eq!(visit["state"], "queued");
//! let case = format!(r#"{{"case_id":{}}}"#, visit["case_id"]);
//! let visit = post("/agents/jane@example.com/take", &case)?;
//! assert_eq!(visit["agent"], "jane@example.com");
//! # Ok(())
//! # }
//! ```
//!
#![doc = include_str!("face/face.md")]
//!
#![doc = include_str!("face/fields.md")]
//!
//! # Security
//!
//! A simulator is for one's own machine. On a socket, it answers what is for `localhost`,
//! `127.0.0.1`, `[::1]` or a [host](SimulatorBuilder::host) that was named, and else 421: a page of
//! another site could lead its own name here. Requests below `/_/` that a page of another origin
//! makes are answered 403, where another scheme or port is another origin, and `localhost` the same
//! as `127.0.0.1` or `[::1]`. Behind a proxy that speaks TLS, `X-Forwarded-Proto` says `https`.
//! What pages of all origins may read is below `/public/`, as the vendor's, and `/js/` with its
//! `/_v/`. There are no cookies, no token is shown, and a bot's answer is read up to 1 MiB and
//! shown as text.
//!
//! ```
//! use http::StatusCode;
//! use snapengage::simulator::Simulator;
//!
//! # #[tokio::main]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let simulator = Simulator::builder().widget("sales").build()?;
//! let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
//! let url = format!("http://{}/_/visits", listener.local_addr()?);
//! tokio::spawn(async move { simulator.serve(listener, std::future::pending()).await });
//!
//! let config = ureq::Agent::config_builder().http_status_as_error(false).build();
//! let agent = config.new_agent();
//! let foreign = agent.get(&url).header("Origin", "https://elsewhere.example").call()?;
//! assert_eq!(foreign.status(), StatusCode::FORBIDDEN);
//! let rebound = agent.get(&url).header("Host", "elsewhere.example").call()?;
//! assert_eq!(rebound.status(), StatusCode::MISDIRECTED_REQUEST);
//! # Ok(())
//! # }
//! ```
//!
//! # Faults
//!
//! A [`Fault`] lets calls go wrong by choice: the n-th, every n-th, or some by chance, which is the
//! same at every run.
//!
//! ```
//! use http::{Request, StatusCode};
//! use snapengage::client::Operation;
//! use snapengage::simulator::{Fault, Simulator};
//!
//! # #[tokio::main(flavor = "current_thread", start_paused = true)]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let simulator = Simulator::builder().widget("sales").build()?;
//! let unavailable = StatusCode::SERVICE_UNAVAILABLE;
//! simulator.fault(Fault::nth(1).on(Operation::Availability).status(unavailable));
//! for expected in [unavailable, StatusCode::OK] {
//!     let request = Request::get("/public/api/v2/chat/sales").body(String::new())?;
//!     assert_eq!(simulator.handle(request).await?.status(), expected);
//! }
//! # Ok(())
//! # }
//! ```
//!
//! # What was chosen
//!
//! SnapEngage's pages leave much open. What is chosen here a program should not rely on; the same
//! rows are in [`choices`].
//!
#![doc = include_str!("chosen.md")]
//!
//! See [SnapEngage docs](https://developer.snapengage.com/).

mod acts;
mod agenda;
mod agent;
mod archive;
mod body;
mod builder;
mod case;
mod checked;
mod chosen;
mod control;
mod delivered;
mod delivery;
mod door;
mod engine;
mod face;
mod fault;
mod fault_answer;
mod fault_form;
mod fault_target;
mod feeds;
mod identity;
mod ids;
mod lever;
mod log;
mod outbox;
mod page;
mod post;
mod rules;
mod saved;
mod serve;
mod snapshot;
mod state_file;
mod state_journal;
mod tell;
mod time;
mod tracked;
mod vendor;
mod visit;
mod visitor;
mod widget;
mod world;

use std::error::Error;
use std::fmt;
use std::future::pending;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{BodyExt, Full, LengthLimitError, Limited};
use serde_json::Value;
use tokio::time::{sleep, timeout};

pub use self::agent::SimulatedAgent;
pub use self::builder::SimulatorBuilder;
pub use self::chosen::{Choice, choices};
pub use self::control::{SimulatorChange, Watching};
pub use self::delivered::Deliveries;
pub use self::delivery::{DeliveryFilter, DeliveryRecord, RecordedRequest, RecordedResponse};
pub use self::fault::{Fault, FaultTarget, FaultTrigger};
pub use self::feeds::IntegrationForm;
pub use self::lever::{AgentSeat, LeverError};
pub use self::snapshot::SnapshotError;
pub use self::state_file::StateFileError;
pub use self::visit::{
    BanKind, LineAuthor, NewVisit, OfflineMessage, ShownButton, ShownCard, ShownCards, VisitLabel,
    VisitLine, VisitState, VisitView,
};
pub use self::visitor::{SimulatedVisit, SimulatedVisitor};
pub use self::widget::SimulatedWidget;

use self::body::{Half, Slow, broken};
use self::engine::Shared;
use self::fault::{Kind, Target};
use self::fault_answer::relink;
use self::vendor::answer::Answer;
use self::vendor::call::Call;
use self::vendor::log_case;
use self::vendor::refusal::Refusal;
use crate::client::{Operation, ResponseBody, Transport, TransportError, User, Widget};
use crate::id::{CaseId, WidgetId};
use crate::integration::SupportRequest;
use crate::timestamp::Timestamp;

/// Longest body of a call, in bytes.
const BODY_LIMIT: usize = 1 << 20;

/// Time for all of it to arrive.
const BODY_DEADLINE: Duration = Duration::from_secs(30);

/// SnapEngage's side of its APIs. Cheap to clone; all clones share one state.
///
/// It is built by [`builder`](Self::builder), used as a [`Transport`] or by
/// [`handle`](Self::handle), and looked at by the methods below.
///
/// Nothing that a caller sends makes it panic, and what callers leave behind is bounded: 256 MiB in
/// all, after which it answers 503. What a test puts in by itself is not counted.
#[derive(Clone)]
pub struct Simulator(Arc<Shared>);

impl Simulator {
    /// Starts to configure a simulator.
    pub fn builder() -> SimulatorBuilder {
        SimulatorBuilder::new()
    }

    /// Answers one request as SnapEngage does, whatever host it is for.
    ///
    /// # Errors
    ///
    /// If a [fault](Self::fault) leaves the request without an answer. One that breaks an answer
    /// off is an error of its body.
    pub async fn handle<B>(
        &self,
        request: Request<B>,
    ) -> Result<Response<ResponseBody>, TransportError>
    where
        B: http_body::Body,
        B::Error: Into<Box<dyn Error + Send + Sync>>,
    {
        let (head, body) = request.into_parts();
        let call = match read(body).await {
            Ok(body) => Call::read(&head, body),
            Err(refusal) => Err(refusal),
        };
        let answer = match call {
            Ok(call) => self.take(&call).await?,
            Err(refusal) => refusal.answer(None).into_response(ResponseBody::from),
        };
        Ok(vendor::open_to_any_origin(head.uri.path(), answer))
    }

    /// Takes a call, or lets it go wrong.
    async fn take(&self, call: &Call) -> Result<Response<ResponseBody>, TransportError> {
        let fault = self.receive(call);
        let Some(fault) = fault else {
            return Ok(self.answer(call).into_response(ResponseBody::from));
        };
        if fault.kind == Kind::Refuse {
            return Err(TransportError::not_sent(io::Error::from(
                io::ErrorKind::ConnectionRefused,
            )));
        }
        let early = fault.is_after_effect.then(|| self.answer(call));
        match fault.kind {
            Kind::Reset => return Err(TransportError::new(broken())),
            Kind::Stall { ms: Some(ms) } => sleep(Duration::from_millis(ms)).await,
            Kind::Stall { ms: None } => pending().await,
            _ => {}
        }
        if let Some(answer) = fault.kind.answer(call) {
            return Ok(answer.into_response(ResponseBody::from));
        }
        let mut answer = early.unwrap_or_else(|| self.answer(call));
        if let Some(link) = fault.kind.link(call) {
            answer = relink(answer, link);
        }
        Ok(answer.into_response(|body| match fault.kind {
            Kind::Half => ResponseBody::new(Half::new(&body)),
            Kind::Slow { ms } => ResponseBody::new(Slow::new(body, Duration::from_millis(ms))),
            _ => body.into(),
        }))
    }

    /// Counts a call, and returns what befalls it.
    fn receive(&self, call: &Call) -> Option<Fault> {
        let mut world = self.lock();
        world.ledger.received(call.operation);
        world.faults.befalls(Target::Call(call.operation))
    }

    fn answer(&self, call: &Call) -> Answer {
        self.act(|world| vendor::answer(world, call))
    }

    /// Adds a fault. It counts from now on.
    ///
    /// # Panics
    ///
    /// If it cannot befall what it is for, such as a [`drop`](FaultTrigger::drop) of a call: a test
    /// would wait for it in vain.
    #[track_caller]
    pub fn fault(&self, fault: Fault) {
        if let Some(mistake) = fault.mistake() {
            panic!("no such fault: {mistake}");
        }
        self.lock().faults.add(fault);
    }

    /// Returns the faults that were added, in their order.
    pub fn faults(&self) -> Vec<Fault> {
        self.lock().faults.all()
    }

    /// Takes all faults away, and sends what they hold back.
    pub fn clear_faults(&self) {
        self.act(|world| {
            world.faults.clear();
            world.outbox.release(None);
        });
    }

    /// Returns a visitor who comes to a widget, for a test to play.
    pub fn visit(&self, widget: impl Into<WidgetId>) -> SimulatedVisitor {
        SimulatedVisitor::new(self.clone(), widget.into())
    }

    /// Returns the seat of an agent, to do there what agents do.
    pub fn agent(&self, email: impl AsRef<str>) -> AgentSeat {
        AgentSeat::new(self.clone(), email.as_ref())
    }

    /// Gives what the visitor of a chat thought of it, before or after its end: a score from 0 to
    /// 100. It is in the logs 5 minutes later.
    ///
    /// # Errors
    ///
    /// If there is no such chat (404), or the comment is longer than 64 KiB (400).
    pub async fn survey(
        &self,
        case: impl AsRef<str>,
        score: u8,
        comment: Option<&str>,
    ) -> Result<(), LeverError> {
        self.in_chat(case.as_ref(), |world, case| world.survey(case, score, comment)).await
    }

    /// Returns the simulated time.
    pub fn now(&self) -> Timestamp {
        self.lock().time.now()
    }

    /// Lets time pass: waits for what is under way, and then for what falls due, in its order.
    pub async fn advance(&self, duration: Duration) {
        self.pass(duration).await;
    }

    /// Returns the chats and offline messages that came in by calls, in their order.
    pub fn cases(&self) -> Vec<CaseId> {
        let world = self.lock();
        let mut cases: Vec<_> = world.cases.values().collect();
        cases.sort_by_key(|case| case.number);
        cases.into_iter().map(|case| case.id.clone()).collect()
    }

    /// Returns a chat or an offline message as the logs write it, now: one that has not ended as
    /// well.
    pub fn case(&self, id: impl AsRef<str>) -> Option<SupportRequest> {
        let world = self.lock();
        let case = world.cases.get(id.as_ref())?;
        Some(log_case::of(case, world.time.now()))
    }

    /// Returns the users, by their emails.
    pub fn users(&self) -> Vec<User> {
        self.lock().users.values().map(vendor::users::model).collect()
    }

    /// Returns the widgets, by their ids.
    pub fn widgets(&self) -> Vec<Widget> {
        self.lock().widgets.values().map(vendor::widgets::model).collect()
    }

    /// Returns the opening hours of a widget as they were sent last, which no call returns.
    pub fn schedule(&self, widget: impl AsRef<str>) -> Option<Value> {
        self.lock().widgets.get(widget.as_ref())?.schedule.clone()
    }

    /// Returns how often a call came in, whatever became of it.
    pub fn received(&self, operation: Operation) -> u64 {
        self.lock().ledger.of(operation).map_or(0, |account| account.received)
    }

    /// Returns how often a call that changes something was carried out. A client that repeats what
    /// was done already is found by it.
    pub fn accepted(&self, operation: Operation) -> u64 {
        self.lock().ledger.of(operation).map_or(0, |account| account.accepted)
    }

    /// Returns what was accepted, the last 1000: of [`Say`](Operation::Say) the messages, of
    /// [`StartChat`](Operation::StartChat) the first ones, which may be empty, of
    /// [`CloseChat`](Operation::CloseChat) and calls about widgets the ids, of all others the
    /// emails.
    pub fn accepted_texts(&self, operation: Operation) -> Vec<String> {
        let world = self.lock();
        let account = world.ledger.of(operation);
        account.map(|account| account.texts.iter().cloned().collect()).unwrap_or_default()
    }
}

async fn read<B>(body: B) -> Result<Bytes, Refusal>
where
    B: http_body::Body,
    B::Error: Into<Box<dyn Error + Send + Sync>>,
{
    let body = Limited::new(body, BODY_LIMIT).collect();
    let Ok(body) = timeout(BODY_DEADLINE, body).await else {
        return Err(Refusal::too_slow());
    };
    match body {
        Ok(collected) => Ok(collected.to_bytes()),
        Err(error) if error.is::<LengthLimitError>() => Err(Refusal::too_large(BODY_LIMIT)),
        Err(_) => Err(Refusal::broken_body()),
    }
}

#[async_trait]
impl Transport for Simulator {
    async fn send(
        &self,
        request: Request<Bytes>,
    ) -> Result<Response<ResponseBody>, TransportError> {
        self.handle(request.map(Full::new)).await
    }
}

impl fmt::Debug for Simulator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Simulator").finish_non_exhaustive()
    }
}
