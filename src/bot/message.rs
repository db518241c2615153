//! Message in a chat.

use crate::id::{CaseId, WidgetId};
use crate::timestamp::Timestamp;
use crate::wire::model::model;
use crate::wire::open_set::open_set;

model! {
    /// Message in a chat, as a rule the visitor's.
    ///
    /// See [SnapEngage docs/Bot API](https://developer.snapengage.com/#bot-api).
    pub struct Message {
        required {
            /// Id of the widget the chat came in by.
            pub widget_id: WidgetId = "widget_id",
            /// Id of the conversation.
            pub case_id: CaseId = "case_id",
        }
        constant {
            /// Name of the event.
            "event" = Self::EVENT,
        }
        /// Time of the message, in epoch milliseconds.
        pub timestamp: Option<Timestamp> = "timestamp",
        /// Speaker of the message.
        pub from: Option<Speaker> = "from",
        /// Text of the message, or of the button that was clicked.
        pub text: String = "text",
        /// Id of the button that was clicked, not of the message; absent if the button had none,
        /// and if text was typed.
        pub id: Option<String> = "id",
        /// Context id that the last reply in this conversation set; sent back once.
        pub context_id: Option<String> = "context_id",
    }
}

impl Message {
    pub(super) const EVENT: &str = "message";

    /// Returns `true` if the message is the visitor's.
    ///
    /// It is not if `from` names somebody else, or if it is the text with the visitor's contact
    /// details that SnapEngage itself puts into a chat: one that starts with `[Contact Details` and
    /// is no click on a button. Upper and lower case in `from` are the same.
    pub fn is_from_visitor(&self) -> bool {
        let is_the_visitors =
            |from: &Speaker| from.as_str().trim().eq_ignore_ascii_case(Speaker::Visitor.as_str());
        let is_as_documented = matches!(self.from, None | Some(Speaker::Visitor));
        (is_as_documented || self.from.as_ref().is_some_and(is_the_visitors))
            && !self.extra.contains_key("from")
            && (self.id.is_some() || !is_contact_details(&self.text))
    }
}

/// Returns `true` if SnapEngage itself put the text into the chat. Only the start is looked at,
/// since a visitor may well write of "my [Contact Details]".
pub(super) fn is_contact_details(text: &str) -> bool {
    text.trim_start().starts_with("[Contact Details")
}

open_set! {
    /// Speakers of a message.
    pub enum Speaker {
        /// The visitor.
        Visitor = "visitor",
    }
}
