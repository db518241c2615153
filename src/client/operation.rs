//! The calls of SnapEngage's APIs, by name.

use std::fmt;

use http::Method;

/// Call of one of SnapEngage's APIs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Operation {
    /// Sets an agent's status.
    SetAgentStatus,
    /// Fetches a page of finished conversations.
    Logs,
    /// Downloads an uploaded file.
    File,
    /// Creates a user.
    CreateUser,
    /// Fetches a user.
    GetUser,
    /// Updates a user.
    UpdateUser,
    /// Deletes a user.
    DeleteUser,
    /// Creates a widget.
    CreateWidget,
    /// Fetches a widget.
    GetWidget,
    /// Updates a widget.
    UpdateWidget,
    /// Deletes a widget.
    DeleteWidget,
    /// Asks whether a widget is online, with the key of the Visitor Chat API.
    ChatAvailability,
    /// Starts a chat as a visitor.
    StartChat,
    /// Says something in a chat.
    Say,
    /// Closes a chat: on the wire, something said with another type.
    CloseChat,
    /// Fetches the new lines of a chat.
    Poll,
    /// Asks whether a widget is online, without a key.
    Availability,
    /// Sends a batch of events to Segment: a call of another service, and not one of
    /// [`ALL`](Self::ALL).
    #[cfg(feature = "segment")]
    SegmentBatch,
}

impl Operation {
    /// All calls of SnapEngage, in the order of its documentation.
    pub const ALL: [Self; 17] = [
        Self::SetAgentStatus,
        Self::Logs,
        Self::File,
        Self::CreateUser,
        Self::GetUser,
        Self::UpdateUser,
        Self::DeleteUser,
        Self::CreateWidget,
        Self::GetWidget,
        Self::UpdateWidget,
        Self::DeleteWidget,
        Self::ChatAvailability,
        Self::StartChat,
        Self::Say,
        Self::CloseChat,
        Self::Poll,
        Self::Availability,
    ];

    /// Returns the name, as logs and errors have it: `user-create`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::SetAgentStatus => "agent-status",
            Self::Logs => "logs",
            Self::File => "file",
            Self::CreateUser => "user-create",
            Self::GetUser => "user-get",
            Self::UpdateUser => "user-update",
            Self::DeleteUser => "user-delete",
            Self::CreateWidget => "widget-create",
            Self::GetWidget => "widget-get",
            Self::UpdateWidget => "widget-update",
            Self::DeleteWidget => "widget-delete",
            Self::ChatAvailability => "chat-availability",
            Self::StartChat => "chat-start",
            Self::Say => "chat-say",
            Self::CloseChat => "chat-close",
            Self::Poll => "chat-poll",
            Self::Availability => "availability",
            #[cfg(feature = "segment")]
            Self::SegmentBatch => "segment-batch",
        }
    }

    /// `PUT` creates and `POST` updates, but for chats, where it is the other way round.
    pub(crate) fn method(self) -> Method {
        match self {
            Self::CreateUser | Self::CreateWidget | Self::Say | Self::CloseChat => Method::PUT,
            Self::SetAgentStatus | Self::UpdateUser | Self::UpdateWidget | Self::StartChat => {
                Method::POST
            }
            #[cfg(feature = "segment")]
            Self::SegmentBatch => Method::POST,
            Self::DeleteUser | Self::DeleteWidget => Method::DELETE,
            Self::Logs
            | Self::File
            | Self::GetUser
            | Self::GetWidget
            | Self::ChatAvailability
            | Self::Poll
            | Self::Availability => Method::GET,
        }
    }
}

impl fmt::Display for Operation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
