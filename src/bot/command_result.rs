//! Commands that SnapEngage could not carry out.

use serde_json::Value;

use crate::id::{CaseId, WidgetId};
use crate::timestamp::Timestamp;
use crate::wire::model::model;
use crate::wire::open_set::open_set;

model! {
    /// Failure of commands of a reply: of transfers, as far as is documented.
    ///
    /// See [SnapEngage docs/Bot API](https://developer.snapengage.com/#bot-api).
    pub struct CommandResult {
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
        /// Time of the failure, in epoch milliseconds.
        pub timestamp: Option<Timestamp> = "timestamp",
        /// Commands that failed: `failedCommands` in JSON.
        pub failed_commands: Vec<FailedCommand> = "failedCommands",
        /// Context id that the last reply in this conversation set; sent back once.
        pub context_id: Option<String> = "context_id",
    }
}

impl CommandResult {
    pub(super) const EVENT: &str = "commandResult";
}

model! {
    /// Command that failed, and the reason.
    #[derive(Default)]
    pub struct FailedCommand {
        /// Name of the command: `TRANSFER`.
        pub operation: Option<String> = "operation",
        /// Parameters of the command, as they were sent.
        pub params: Option<Value> = "params",
        /// Reason of the failure.
        pub error: Option<CommandError> = "error",
    }
}

open_set! {
    /// Reasons for which a command can fail.
    pub enum CommandError {
        /// The command's parameter is missing.
        MissingParam = "MISSING_PARAM",
        /// There is no widget of this id.
        WidgetNotFound = "WIDGET_NOT_FOUND",
        /// The chat may not go there.
        TransferNotAllowed = "TRANSFER_NOT_ALLOWED",
        /// Nobody is there to take the chat.
        NoAgentsAvailable = "NO_AGENTS_AVAILABLE",
    }
}
