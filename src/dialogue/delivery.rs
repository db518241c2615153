//! Deliveries of SnapEngage, and the input that each is for a dialogue.

use super::fingerprint::Fingerprint;
use super::input::Input;
use crate::bot::{Button, ChatClosed, ChatStarted, CommandResult, Message};

/// Request that SnapEngage delivered to a dialogue.
#[derive(Debug)]
pub(super) struct Delivery {
    pub(super) fingerprint: Option<Fingerprint>,
    pub(super) input: Input,
    /// Chat that opened, if the input is the visitor's first message.
    opened: Option<Box<ChatStarted>>,
}

impl Delivery {
    fn new(fingerprint: Option<Fingerprint>, input: Input) -> Self {
        Self { fingerprint, input, opened: None }
    }

    /// Returns the chat that opens with it, if one does.
    pub(super) fn opening(&self) -> Option<&ChatStarted> {
        match &self.input {
            Input::Opened(chat) => Some(chat),
            _ => self.opened.as_deref(),
        }
    }
}

impl From<Message> for Delivery {
    fn from(message: Message) -> Self {
        Self::new(Fingerprint::of_message(&message), message.into())
    }
}

impl From<ChatStarted> for Delivery {
    fn from(chat: ChatStarted) -> Self {
        let fingerprint = Fingerprint::of(&chat, chat.timestamp);
        let chat = Box::new(chat);
        match chat.to_message() {
            Some(message) => {
                Self { opened: Some(chat), ..Self::new(fingerprint, Input::Said(message)) }
            }
            None => Self::new(fingerprint, Input::Opened(chat)),
        }
    }
}

impl From<CommandResult> for Delivery {
    fn from(result: CommandResult) -> Self {
        let fingerprint = Fingerprint::of(&result, result.timestamp);
        Self::new(fingerprint, Input::TransferFailed(result))
    }
}

impl From<ChatClosed> for Delivery {
    fn from(chat: ChatClosed) -> Self {
        Self::new(Fingerprint::of(&chat, chat.timestamp), Input::Closed(chat))
    }
}

impl Input {
    /// Returns the same, or the click on the one button whose text was typed.
    pub(super) fn or_click(self, buttons: &[Button]) -> Self {
        match self {
            Self::Said(mut message) => {
                if let Some(button) = clicked(&message.text, buttons) {
                    message.text.clone_from(&button.text);
                    message.id.clone_from(&button.id);
                }
                message.into()
            }
            other => other,
        }
    }
}

fn clicked<'b>(text: &str, buttons: &'b [Button]) -> Option<&'b Button> {
    let folded = |text: &str| text.trim().to_lowercase();
    let wanted = folded(text);
    let mut found = buttons.iter().filter(|button| folded(&button.text) == wanted);
    found.next().filter(|_| found.next().is_none())
}
