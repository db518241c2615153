//! Messages of SnapEngage's Hub, the agents' page: what it tells the page that an agent link opens,
//! and what that page may have it do.
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
mod envelope;
mod event;
mod message;

pub use self::action::{
    Action, ActionDetail, HubBan, HubBanKind, HubLabel, HubTransfer, MessageForVisitor,
    SecureDataRequest, TextForAgent,
};
pub use self::event::{
    CapturedEmail, CapturedName, CapturedPhone, ChangedWidget, Event, EventDetail, RequestedData,
    SecureDataKind, VisitedPage, Weather,
};
pub use self::message::{HubMessage, HubMessageKind, MessageData};

pub use crate::id::ConversationId;
