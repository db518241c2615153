//! Messages of a conversation, as the Hub tells of them.

use serde_json::Value;

use crate::wire::model::model;
use crate::wire::open_set::open_set;

model! {
    /// Message of a conversation: a text, or a file.
    ///
    /// See [SnapEngage docs/Hub SDK](https://developer.snapengage.com/#hub-sdk).
    #[derive(Default)]
    pub struct HubMessage {
        /// Kind of the message: `type` in JSON.
        pub kind: Option<HubMessageKind> = "type",
        /// Text of the message.
        pub text: Option<String> = "text",
        /// Type of the file's content. SnapEngage does not say more.
        pub mime_type: Option<String> = "mimeType",
        /// Name of the file.
        pub file_name: Option<String> = "fileName",
        /// Address of the file.
        pub url: Option<String> = "url",
        /// Specification of the file's type. SnapEngage does not say more.
        pub mime_type_url: Option<String> = "mimeTypeUrl",
    }
}

model! {
    /// Data of an event about a message, which is under `message`, or in the place of it.
    ///
    /// [`message`](Self::message) returns it from either.
    ///
    /// See [SnapEngage docs/Hub SDK](https://developer.snapengage.com/#hub-sdk).
    #[derive(Default)]
    pub struct MessageData {
        /// Message, if it is not in the place of this.
        pub nested: Option<HubMessage> = "message",
        /// Kind of the message: `type` in JSON.
        pub kind: Option<HubMessageKind> = "type",
        /// Text of the message.
        pub text: Option<String> = "text",
        /// Type of the file's content. SnapEngage does not say more.
        pub mime_type: Option<String> = "mimeType",
        /// Name of the file.
        pub file_name: Option<String> = "fileName",
        /// Address of the file.
        pub url: Option<String> = "url",
        /// Specification of the file's type. SnapEngage does not say more.
        pub mime_type_url: Option<String> = "mimeTypeUrl",
    }
}

impl MessageData {
    /// Returns the message, wherever it is.
    ///
    /// ```
    /// use snapengage::hub::{HubMessage, MessageData};
    ///
    /// let mut data = MessageData::new();
    /// data.text = Some("Hello".to_owned());
    /// assert_eq!(data.message().text.as_deref(), Some("Hello"));
    ///
    /// let mut nested = HubMessage::new();
    /// nested.text = Some("Bye".to_owned());
    /// data.nested = Some(nested);
    /// assert_eq!(data.message().text.as_deref(), Some("Bye"));
    /// ```
    pub fn message(&self) -> HubMessage {
        if let Some(message) = &self.nested {
            return message.clone();
        }
        HubMessage {
            kind: self.kind.clone(),
            text: self.text.clone().or_else(|| self.bare_text()),
            mime_type: self.mime_type.clone(),
            file_name: self.file_name.clone(),
            url: self.url.clone(),
            mime_type_url: self.mime_type_url.clone(),
            ..HubMessage::new()
        }
    }

    /// Returns `message` if it is no object but a text, as it is in actions.
    fn bare_text(&self) -> Option<String> {
        self.extra.get("message").and_then(Value::as_str).map(str::to_owned)
    }
}

open_set! {
    /// Kinds of messages.
    pub enum HubMessageKind {
        /// Text.
        Text = "text",
        /// Text, as the start of a conversation has it.
        FirstText = "Text",
        /// File.
        File = "File",
    }
}
