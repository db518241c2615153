//! Inputs of a conversation.

use crate::bot::{ChatClosed, ChatStarted, CommandResult, Message};
use crate::id::{CaseId, WidgetId};

/// Input of a conversation.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Input {
    /// The visitor was put through to the bot, and has said nothing yet. Boxed, since it is much
    /// larger than the others, and comes once.
    Opened(Box<ChatStarted>),
    /// The visitor said something, the first message of a chat included, or clicked a button
    /// without an id, or typed its text: the message then has the button's text.
    Said(Message),
    /// The visitor clicked a button with an id, or typed its text.
    Clicked {
        /// Id of the button.
        id: String,
        /// Message with the button's text.
        message: Message,
    },
    /// A transfer failed. If the step's reply is empty, the visitor gets the [fallback
    /// reply](crate::ReceiverBuilder::fallback) or the [apology](crate::ReceiverBuilder::apology),
    /// as with [any bot](crate::bot::Handler::command_failed).
    TransferFailed(CommandResult),
    /// The chat ended. Whatever the step, the conversation is over.
    Closed(ChatClosed),
}

impl Input {
    /// Returns the id of the conversation.
    pub fn case_id(&self) -> &CaseId {
        match self {
            Self::Opened(event) => &event.case_id,
            Self::Said(message) | Self::Clicked { message, .. } => &message.case_id,
            Self::TransferFailed(event) => &event.case_id,
            Self::Closed(event) => &event.case_id,
        }
    }

    /// Returns the widget the chat came in by.
    pub fn widget_id(&self) -> &WidgetId {
        match self {
            Self::Opened(event) => &event.widget_id,
            Self::Said(message) | Self::Clicked { message, .. } => &message.widget_id,
            Self::TransferFailed(event) => &event.widget_id,
            Self::Closed(event) => &event.widget_id,
        }
    }
}

impl From<Message> for Input {
    fn from(message: Message) -> Self {
        match &message.id {
            Some(id) => Self::Clicked { id: id.clone(), message },
            None => Self::Said(message),
        }
    }
}
