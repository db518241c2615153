//! SnapEngage's side, without an account: its APIs, over one state.
//!
//! A simulator answers all calls that [`client`](crate::client) makes, as SnapEngage does and with
//! what is odd about it: text for booleans, `wc:` in answers, a hundred cases a page, errors with
//! status 200. What a call does, another sees: a chat that a visitor starts is in the logs when it
//! has ended, and an agent who is online makes a widget online.
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
//! [`serve`](Simulator::serve) puts it on a socket, for programs in any language, and
//! [`handle`](Simulator::handle) answers a request from anywhere else.
//!
//! # Chats, and what is sent
//!
//! A widget has feeds: a bot, and what is told of its chats. Each is sent to as SnapEngage sends,
//! over HTTP or straight into a [`Receiver`](crate::Receiver), and a test plays the visitor and the
//! agents:
//!
//! ```
//! use std::time::Duration;
//!
//! use http::StatusCode;
//! use snapengage::bot::{self, Reply};
//! use snapengage::simulator::{Fault, IntegrationForm, SimulatedWidget, Simulator};
//! use snapengage::{Api, Receiver, Token, integration};
//!
//! # #[tokio::main(flavor = "current_thread", start_paused = true)]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let bot = bot::from_fn(|message| async move {
//!     Ok(match message.text.as_str() {
//!         "Somebody" => Reply::say("One moment").to_human(),
//!         _ => Reply::say("What is it about?").button("Somebody"),
//!     })
//! });
//! let cases = integration::from_fn(|_| async { Ok(()) });
//! let receiver = Receiver::builder()
//!     .bot("/bot", Token::new("t"), bot)
//!     .integration("/cases", Token::new("t"), cases)
//!     .build()?;
//!
//! let sales = SimulatedWidget::new("sales").bot("/bot", "t");
//! let simulator = Simulator::builder()
//!     .widget(sales.integration("/cases", "t", IntegrationForm::Json))
//!     .agent("jane@example.com")
//!     .deliver_to(receiver)
//!     .seed(1)
//!     .build()?;
//! let visit = simulator.visit("sales").email("v@example.com").start("Hello").await;
//! visit.sees("What is it about?").click("Somebody").await.sees("One moment");
//! let jane = simulator.agent("jane@example.com");
//! jane.takes(&visit).await?;
//! jane.says(&visit, "Hi").await?;
//! visit.sees("Hi");
//!
//! let unavailable = StatusCode::SERVICE_UNAVAILABLE;
//! simulator.fault(Fault::nth(1).on(Api::Integration).status(unavailable));
//! visit.leaves().await;
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
//! event, and what is sent is the same at every run. [`advance`](Simulator::advance) lets it pass,
//! and what falls due by then happen in its order: attempts of the Integration API, and the end of
//! chats in which nobody says anything.
//!
//! [`snapshot`](Simulator::snapshot) is the state, to go on with it in another process.
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
//! # By HTTP
//!
//! Beside the APIs, [`serve`](Simulator::serve) serves a page to chat in, at `/`, and what the page
//! uses, for tests in any language:
//!
#![doc = include_str!("face/face.md")]
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
mod feeds;
mod identity;
mod ids;
mod lever;
mod log;
mod outbox;
mod page;
mod post;
mod rules;
mod serve;
mod snapshot;
mod state_file;
mod time;
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
        match call {
            Ok(call) => self.take(&call).await,
            Err(refusal) => Ok(refusal.answer(None).into_response(ResponseBody::from)),
        }
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
    pub fn fault(&self, fault: Fault) {
        self.lock().faults.add(fault);
    }

    /// Returns the faults that were added, in their order.
    pub fn faults(&self) -> Vec<Fault> {
        self.lock().faults.all()
    }

    /// Takes all faults away.
    pub fn clear_faults(&self) {
        self.lock().faults.clear();
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
    /// If there is no such chat (404).
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
