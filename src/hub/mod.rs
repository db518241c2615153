//! SnapEngage's Hub, the agents' page: what it tells the page that an agent link opens, and what
//! that page may have it do.
//!
//! [`ReceiverBuilder::hub`](crate::ReceiverBuilder::hub) serves that page. It has the events typed
//! for a [`Handler`] on the server, and the handler's actions carried out by the Hub:
//!
//! ```
//! use snapengage::hub::{self, ActionDetail, EventDetail};
//! use snapengage::{Auth, Receiver, Token};
//!
//! let handler = hub::from_fn(|event, _session| async move {
//!     Ok(match event.detail {
//!         EventDetail::ConversationStarted(_) => {
//!             vec![ActionDetail::populate_text("Hello! How can I help?")]
//!         }
//!         _ => vec![],
//!     })
//! });
//! let auth = Auth::secret_path(Token::new("kT4mZ0qvW8"));
//! let receiver = Receiver::builder().hub("/hub", auth, handler).build()?;
//! # Ok::<_, snapengage::BuildError>(())
//! ```
//!
//! The agent link in SnapEngage's dashboard is then `https://example.com/hub/kT4mZ0qvW8`. Other
//! origins than SnapEngage's, such as that of `snapengage simulate`, are allowed with [`HubPage`].
//!
//! # What is said by whom
//!
//! What arrives is said by a browser, and not by SnapEngage: whoever knows the address, each of
//! your agents for one, can post any event in the name of any agent. An [`Event`] may choose what
//! an agent is shown; it proves nothing, neither who the visitor is nor that there is a
//! conversation.
//!
//! | Check | Where | Otherwise |
//! |---|---|---|
//! | the secret of the address | each request | 401 |
//! | the page is framed by SnapEngage's origins, or by one that you allow | `frame-ancestors` | not shown |
//! | an event is posted by the frame around the page, from such an origin | the page | ignored |
//! | a request is the page's own: `Sec-Fetch-Site`, or `Origin` against `Host` | events, actions | 403 |
//! | the session is open | events | 410 |
//!
//! Actions are posted to the origin that the events came from, and no other. There are no cookies,
//! and no address is passed on as a referrer.
//!
//! # On the wire
//!
//! The Hub posts [events](Event) to the page, with `postMessage`:
//!
//! ```json
//! {"type": "email_captured", "conversationId": "bce21499-50e4&d",
//!  "agentEmail": "jane@example.com", "data": {"email": "visitor@example.com"}}
//! ```
//!
//! The page posts [actions](Action) to the Hub:
//!
//! ```json
//! {"type": "populate_text", "conversationId": "bce21499-50e4&d",
//!  "agent": "jane@example.com", "data": {"message": "Hello! Your order is on its way."}}
//! ```
//!
//! Between the two, the page posts each event to its own address, one after the other:
//!
//! ```http
//! POST /hub/kT4mZ0qvW8?session=5d6f1c0ab3e94f27c1d2a97be86f3054&n=1 HTTP/1.1
//! Host: example.com
//! Origin: https://example.com
//!
//! {"type":"email_captured","conversationId":"bce21499-50e4&d", …}
//! ```
//!
//! ```http
//! HTTP/1.1 200 OK
//! Content-Length: 0
//! ```
//!
//! and hears of the actions in the answer to `GET /hub/kT4mZ0qvW8?stream=`, which goes on for as
//! long as the page is open:
//!
//! ```http
//! HTTP/1.1 200 OK
//! Content-Type: text/event-stream
//!
//! id: 5d6f1c0ab3e94f27c1d2a97be86f3054.1
//! event: action
//! data: {"type":"populate_text","conversationId":"bce21499-50e4&d", …}
//! ```
//!
//! A request that another site's page made is refused:
//!
//! ```http
//! HTTP/1.1 403 Forbidden
//! Content-Type: application/json; charset=utf-8
//!
//! {"code":403,"message":"expected a request of the page itself"}
//! ```
//!
//! A page whose connection breaks comes back for what it has not had, within half a minute; after
//! that, and after a restart of the server, it is another [`Session`]. An event that was not
//! answered is posted again under its number, and handled once. A session is in the memory of one
//! process: of several behind a balancer, a page has to be sent to the same. Where no proxy speaks
//! HTTP/2 with the browser, it has no more than six connections to one origin, and each open page
//! takes one.
//!
//! See [SnapEngage docs/Hub SDK](https://developer.snapengage.com/#hub-sdk).
//!
//! ```
//! use snapengage::hub::{Action, ActionDetail, Event, EventDetail};
//!
//! let body = br#"{"type": "email_captured", "conversationId": "bce21499-50e4&d",
//!     "agentEmail": "jane@example.com", "data": {"phone": "visitor@example.com"}}"#;
//! let event = Event::from_json(body)?;
//! if let (EventDetail::EmailCaptured(captured), Some(agent)) =
//!     (&event.detail, &event.agent_email)
//! {
//!     // The vendor's page has the address under `phone`.
//!     assert_eq!(captured.address(), Some("visitor@example.com"));
//!     let detail = ActionDetail::populate_text("Hello! Your order is on its way.");
//!     let action = Action::new(event.conversation_id, agent.email(), detail);
//!     assert!(action.to_json().starts_with(br#"{"type":"populate_text""#));
//! }
//! # Ok::<_, snapengage::DecodeError>(())
//! ```

mod action;
mod detail;
mod endpoint;
mod envelope;
mod event;
mod handler;
mod message;
mod open_pages;
mod page;
mod same_origin;
mod session;
mod stream;

pub use self::action::{
    Action, ActionDetail, HubBan, HubBanKind, HubLabel, HubTransfer, MessageForVisitor,
    SecureDataRequest, TextForAgent,
};
pub use self::event::{
    CapturedEmail, CapturedName, CapturedPhone, ChangedWidget, Event, EventDetail, RequestedData,
    SecureDataKind, VisitedPage, Weather,
};
pub use self::handler::{Handler, from_fn};
pub use self::message::{HubMessage, HubMessageKind, MessageData};
pub use self::page::HubPage;
pub use self::session::{ActionError, Session};

pub use crate::id::ConversationId;
