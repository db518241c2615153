//! Answers of the Visitor Chat API, and the lines of its chats.

use crate::id::{CaseId, WidgetId};
use crate::wire::model::model;
use crate::wire::open_set::open_set;

model! {
    /// Answer to the start of a chat.
    ///
    /// See [SnapEngage docs/Visitor Chat API](https://developer.snapengage.com/#visitor-chat-api).
    pub struct StartedChat {
        required {
            /// Id of the case that was opened.
            pub case_id: CaseId = "caseId",
        }
        /// Id of the widget.
        pub widget_id: Option<WidgetId> = "widgetId",
    }
}

model! {
    /// Answer to a message of the visitor: the message, as SnapEngage has it.
    ///
    /// See [SnapEngage docs/Visitor Chat API](https://developer.snapengage.com/#visitor-chat-api).
    #[derive(Default)]
    pub struct SaidMessage {
        /// Id of the case.
        pub case_id: Option<CaseId> = "caseId",
        /// 1 for a message, 2 for the end of the chat. On the wire it is text.
        pub message_type: Option<i64> = "messageType" as text,
        /// Text of the message.
        pub message_body: Option<String> = "messageBody",
    }
}

model! {
    /// Answer to a poll.
    ///
    /// [`VisitorChat::next`](crate::client::VisitorChat::next) reads it.
    ///
    /// See [SnapEngage docs/Visitor Chat API](https://developer.snapengage.com/#visitor-chat-api).
    #[derive(Default)]
    pub struct PolledLines {
        /// Id of the case.
        pub case_id: Option<CaseId> = "caseId",
        /// Lines from the index that was asked for; the visitor's own are not among them.
        pub message_list: Vec<ChatLine> = "messageList",
        /// `true` if the agent is typing.
        pub agent_typing: Option<bool> = "agentTyping",
    }
}

model! {
    /// Line of a chat: what an agent said, or a code of the system.
    ///
    /// See [SnapEngage docs/Visitor Chat API](https://developer.snapengage.com/#visitor-chat-api).
    pub struct ChatLine {
        required {
            /// Index of the line in the transcript. There are gaps: the visitor's own lines have
            /// one too, and are not returned.
            pub index: i64 = "index",
        }
        /// Kind of the line: `type` on the wire.
        pub kind: Option<LineKind> = "type",
        /// Name of the agent that visitors are shown. It may be empty.
        pub author: String = "author",
        /// Text as it came. In SnapEngage's sample, each ends in a space.
        pub text: String = "text",
    }
}

impl ChatLine {
    /// Returns `true` if an agent said it, to the visitor.
    pub fn is_from_agent(&self) -> bool {
        self.kind == Some(LineKind::Agent)
    }

    /// Returns the text without the white space at its end.
    pub fn trimmed(&self) -> &str {
        self.text.trim_end()
    }
}

open_set! {
    /// Kind of a line.
    pub enum LineKind {
        /// Words of an agent.
        Agent = "agent",
        /// Code for SnapEngage's own widget, not a text for people: `/NIC Sam`, `/CAL 1`. The
        /// codes are not documented.
        System = "system",
    }
}
