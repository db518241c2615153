//! Calls SnapEngage: its six APIs, with the credential that each wants.

mod agent_status;
mod availability;
mod builder;
mod call;
mod cases;
mod chat_line;
mod connect;
mod day;
mod error;
mod excerpt;
mod files;
mod hyper;
mod log_page;
mod logs;
mod operation;
mod origin;
mod part;
mod percent;
mod proxy;
mod repeat;
mod schedule;
mod secret;
mod start_chat;
mod transport;
mod users;
mod visitor_chat;
mod walk;
mod widgets;

use std::fmt;
use std::num::ParseIntError;
use std::str::FromStr;
use std::sync::Arc;

use self::builder::Settings;
use self::origin::Origins;
use crate::error::BuildError;

pub use self::agent_status::{Presence, SetAgentStatus, StatusUpdate};
pub use self::availability::{Availability, AvailabilityAnswer, AvailabilityError};
pub use self::builder::ClientBuilder;
pub use self::cases::Cases;
pub use self::chat_line::{ChatLine, LineKind, PolledLines, SaidMessage, StartedChat};
pub use self::day::{Day, DayError};
pub use self::error::ClientError;
pub use self::files::{Download, SavedFile};
pub use self::log_page::LogPage;
pub use self::logs::Logs;
pub use self::operation::Operation;
pub use self::schedule::{
    ConversationSchedule, DayOfWeek, OpeningHours, ScheduledHours, TimeOfDay,
};
pub use self::secret::Secret;
pub use self::start_chat::StartChat;
pub use self::transport::{ResponseBody, Transport, TransportError};
pub use self::users::{AccountType, NewUser, Password, PasswordError, User, UserUpdate};
pub use self::visitor_chat::{CloseChat, VisitorChat};
pub use self::widgets::{AgentType, NewWidget, Widget, WidgetAgent, WidgetUpdate};

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
