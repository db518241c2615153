//! Answers of the Visitor Chat API, and the lines of its chats.

use crate::client::each::{AnyObject, each};
use crate::error::DecodeError;
use crate::id::{CaseId, WidgetId};
use crate::wire::decoded::Decoded;
use crate::wire::json;
use crate::wire::lenient::others;
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
    /// [`VisitorChat::next`](crate::client::VisitorChat::next) reads it. A line that cannot be
    /// read, for want of an index, costs itself alone; it is kept in [`extra`](Self::extra), under
    /// `messageList (others)`.
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

const WHAT: &str = "polled lines";
const LINES: &str = "messageList";

impl PolledLines {
    /// Reads the body of an answer, logs the names of odd fields, and lists them for whoever wants
    /// them.
    pub(super) fn logged(
        body: &[u8],
        odd_fields: Option<&mut Vec<&'static str>>,
    ) -> Result<Self, DecodeError> {
        let decoded = match json::decode::<Self>(WHAT, body) {
            Ok(decoded) if !decoded.model.extra.contains_key(LINES) => decoded,
            _ => one_by_one(body)?,
        };
        Ok(decoded.logged(odd_fields))
    }
}

fn one_by_one(body: &[u8]) -> Result<Decoded<PolledLines>, DecodeError> {
    let Decoded { model: AnyObject(mut fields), has_replacements } = json::decode(WHAT, body)?;
    let lines = each(WHAT, fields.remove(LINES));
    // Otherwise a chat whose lines cannot be read would look like one in which nobody speaks.
    let (lines, unreadable) = lines
        .ok_or_else(|| DecodeError::new(WHAT, "expected a list in the field `messageList`"))?;
    let others = serde_json::to_vec(&fields).expect("names are texts");
    let mut polled: PolledLines = json::from_json(WHAT, &others)?;
    polled.message_list = lines;
    if !unreadable.is_empty() {
        polled.extra.insert(others!("messageList").to_owned(), unreadable.into());
    }
    Ok(Decoded { model: polled, has_replacements })
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
