//! Calls SnapEngage: its six APIs, with the credential that each wants.
//!
//! A [`Client`] holds the connections. A handle for each credential makes the calls that take it,
//! so that a call without its key, or with the key of another API, cannot be written:
//!
//! | API | handle | calls |
//! |---|---|---|
//! | Agent Status | [`Client::account`] | [`set_agent_status`](Account::set_agent_status) |
//! | Logs | [`Client::account`] | [`logs`](Account::logs), [`logs_of`](Account::logs_of), [`all_logs`](Account::all_logs) |
//! | uploaded files | [`Client::account`] | [`file`](Account::file) |
//! | Provisioning | [`Client::provisioning`] | [`user`](Provisioning::user), [`create_user`](Provisioning::create_user), [`update_user`](Provisioning::update_user), [`delete_user`](Provisioning::delete_user), and the same of [`widget`](Provisioning::widget)s |
//! | Visitor Chat | [`Client::visitor_chats`] | [`availability`](VisitorChats::availability), [`start`](VisitorChats::start), and of a [`VisitorChat`] [`say`](VisitorChat::say), [`next`](VisitorChat::next), [`close`](VisitorChat::close) |
//! | Widget Availability | [`Client`] itself | [`availability`](Client::availability) |
//!
//! ```no_run
//! use snapengage::client::{Client, Day, OrgId, Presence, Secret};
//!
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! let snapengage = Client::new()?;
//! let token = Secret::from_env("SNAPENGAGE_API_TOKEN");
//! let account = snapengage.account(token, OrgId::from(5_406_213));
//!
//! let jane = account.set_agent_status("jane@example.com", Presence::Pause);
//! jane.note("Gone to lunch").await?;
//!
//! let november = account.logs("5286374d-5c92-419d-bcdb-b926d242b78b");
//! let november = november.from(Day::new(2026, 11, 1)?).to(Day::new(2026, 11, 30)?);
//! let mut cases = november.time_zone("Europe/Berlin").cases();
//! while let Some(case) = cases.next().await? {
//!     println!("{}: {:?}", case.id, case.description);
//! }
//! # Ok(())
//! # }
//! ```
//!
//! `https` needs the feature `client-tls`, and SnapEngage is reached by nothing else. With `client`
//! alone, a [base address](ClientBuilder::base_url) of `http` will do, such as that of a proxy, or
//! of a local SnapEngage.
//!
//! # On the wire
//!
//! A call is one request, and its answer:
//!
//! ```http
//! POST /api/v2/agentstatus HTTP/1.1
//! Host: www.snapengage.com
//! Authorization: 2f6a9c…
//! Content-Type: application/json
//!
//! {"agent_id":"jane@example.com","status":"pause","sub_status":"Gone to lunch"}
//! ```
//!
//! ```http
//! HTTP/1.1 200 OK
//! ```
//!
//! A call that is refused is a [`ClientError`], which names the call and says what happened:
//!
//! ```http
//! HTTP/1.1 401 Unauthorized
//!
//! {"code":401,"message":"invalid token"}
//! ```
//!
//! ```text
//! agent-status: answered 401 Unauthorized: invalid token
//!     (POST /api/v2/agentstatus, 1 attempt)
//! ```
//!
//! Answers are read as leniently as the payloads that come in: text for a boolean or a number,
//! `wc:` before an agent's email address, and what nobody documented is kept in `extra`. An error
//! inside an answer of 200 is an error, and so is a page of HTML.
//!
//! # Repeats
//!
//! A call that fails is repeated where that does no harm, up to four [attempts] within a [deadline]
//! of a minute, with a random part of a wait that doubles. `Retry-After` is waited for, if the
//! deadline has room for it. SnapEngage has no idempotency keys, so it depends on the call:
//!
//! | call | no connection, 429 | 408, 5xx, no answer in time, cut off |
//! |---|---|---|
//! | all that read | repeated | repeated |
//! | set an agent's status, update a user or a widget | repeated | repeated |
//! | delete a user or a widget | repeated | repeated; 404 is success then |
//! | close a chat | repeated | repeated |
//! | create a user or a widget | repeated | **not**: [may have been done] |
//! | start a chat, say something | repeated | **not**: [may have been done] |
//!
//! What is cut off while its answer is read is of the last column, whatever its status says.
//! Dropping the future of a call ends it, attempts, waits and connection.
//!
//! # Credentials
//!
//! A [`Secret`] is shown in no log, error or `Debug`. It is sent to the origin of the base address,
//! by https unless that is http itself, and to no other: not where a link between two pages of logs
//! points, not where a redirect leads, not to a host that a visitor named in a transcript. Errors
//! and spans have the name of the call and its path; the query, which has the provisioning key and
//! what visitors wrote, is in neither.
//!
//! # Tests
//!
//! `simulator::Simulator` is SnapEngage's side of these calls, in one process with the client, and
//! any other [`Transport`] can take its place.
//!
//! See [SnapEngage docs](https://developer.snapengage.com/).
//!
//! [attempts]: ClientBuilder::attempts
//! [deadline]: ClientBuilder::call_deadline
//! [may have been done]: ClientError::may_have_been_done

mod agent_status;
mod answer;
mod attempts;
mod availability;
mod base64;
mod builder;
mod call;
mod each;
mod error;
mod excerpt;
mod files;
mod logs;
mod operation;
mod origin;
mod percent;
mod redirect;
mod repeat;
mod secret;
#[cfg(feature = "segment")]
mod segment;
mod tally;
mod transport;
mod users;
mod visitor_chat;
mod widgets;

use std::fmt;
use std::num::ParseIntError;
use std::str::FromStr;
use std::sync::Arc;

use self::builder::Settings;
use self::origin::Origins;
use crate::error::BuildError;
use crate::hook::Hook;

pub use self::agent_status::{Presence, SetAgentStatus, StatusUpdate};
pub use self::availability::{Availability, AvailabilityAnswer, AvailabilityError};
pub use self::builder::ClientBuilder;
#[cfg(any(feature = "record", feature = "simulator"))]
pub(crate) use self::builder::direct_transport;
pub use self::error::ClientError;
pub use self::files::{Download, SavedFile};
pub use self::logs::{Cases, Day, DayError, LogPage, Logs};
pub use self::operation::Operation;
pub use self::secret::Secret;
pub(crate) use self::tally::CallEnded;
#[cfg(feature = "record")]
pub(crate) use self::transport::{Connector, straight_connector};
pub use self::transport::{ResponseBody, Transport, TransportError};
pub use self::users::{AccountType, NewUser, Password, PasswordError, User, UserUpdate};
pub use self::visitor_chat::{
    ChatLine, CloseChat, LineKind, PolledLines, SaidMessage, StartChat, StartedChat, VisitorChat,
};
pub use self::widgets::{
    AgentType, ConversationSchedule, DayOfWeek, NewWidget, OpeningHours, ScheduledHours, TimeOfDay,
    Widget, WidgetAgent, WidgetUpdate,
};

/// Client of SnapEngage's APIs.
///
/// A handle for each credential makes the calls that take it. Cheap to clone; all clones share the
/// connections.
#[derive(Clone)]
pub struct Client(Arc<Shared>);

struct Shared {
    transport: Arc<dyn Transport>,
    origins: Origins,
    settings: Settings,
    ended: Hook<CallEnded>,
}

impl Client {
    /// Creates a client with the defaults of its [builder](ClientBuilder).
    ///
    /// # Errors
    ///
    /// Without the feature `client-tls`, since SnapEngage is reached by https alone; and if the
    /// system has no root certificates.
    pub fn new() -> Result<Self, BuildError> {
        Self::builder().build()
    }

    /// Starts a client with settings of one's own.
    pub fn builder() -> ClientBuilder {
        ClientBuilder::new()
    }

    /// Returns the calls of an organisation's API token: agent status, logs and uploaded files.
    pub fn account(&self, token: Secret, org: impl Into<OrgId>) -> Account {
        Account { client: self.clone(), token, org: org.into() }
    }

    /// Returns the calls of a provisioning key: users and widgets.
    pub fn provisioning(&self, key: Secret) -> Provisioning {
        Provisioning { client: self.clone(), key }
    }

    /// Returns the calls of a chat key: chats as a visitor.
    pub fn visitor_chats(&self, key: Secret) -> VisitorChats {
        VisitorChats { client: self.clone(), key }
    }

    /// Has a function told of each call that is over, of all clones.
    #[cfg(feature = "metrics")]
    pub(crate) fn hook(&self) -> &Hook<CallEnded> {
        &self.0.ended
    }

    fn transport(&self) -> &dyn Transport {
        &*self.0.transport
    }

    fn origins(&self) -> &Origins {
        &self.0.origins
    }

    fn settings(&self) -> &Settings {
        &self.0.settings
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client").field("settings", &self.0.settings).finish_non_exhaustive()
    }
}

/// Number of an organisation, of up to 16 digits. It is no secret: the page of the dashboard that
/// has the API token has it too.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct OrgId(u64);

impl From<u64> for OrgId {
    fn from(number: u64) -> Self {
        Self(number)
    }
}

impl FromStr for OrgId {
    type Err = ParseIntError;

    fn from_str(number: &str) -> Result<Self, ParseIntError> {
        number.parse().map(Self)
    }
}

impl fmt::Display for OrgId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Calls of an organisation's API token.
///
/// The token is in the dashboard, under My Account, API, API Token; the organisation's number is on
/// the same page.
#[derive(Debug, Clone)]
pub struct Account {
    client: Client,
    token: Secret,
    org: OrgId,
}

/// Calls of a provisioning key, which SnapEngage sends by email to those who may have one.
///
/// The key is part of every address: proxies and servers between here and SnapEngage that log
/// addresses log it too.
#[derive(Debug, Clone)]
pub struct Provisioning {
    client: Client,
    key: Secret,
}

/// Calls of a key of the Visitor Chat API.
#[derive(Debug, Clone)]
pub struct VisitorChats {
    client: Client,
    key: Secret,
}
