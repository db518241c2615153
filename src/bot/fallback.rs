//! Replies to the visitor where the bot gives none.

use std::sync::Arc;

use serde_json::Value;

use super::{ChatClosed, Command, CommandResult, Event, FailedCommand, Reply};
use crate::endpoint::Lack;

/// Replies of a receiver that stand in for those of its bots.
#[derive(Debug, Clone)]
pub(crate) struct Fallback {
    /// Reply in the place of a bot that fails.
    pub(crate) reply: Arc<Reply>,
    /// Apology to a visitor whom nobody can take over.
    apology: Arc<Reply>,
}

impl Default for Fallback {
    fn default() -> Self {
        let apology = "Sorry, nobody is available right now. Please try again later.";
        Self { reply: Arc::new(Reply::new().to_human()), apology: Arc::new(apology.into()) }
    }
}

impl Fallback {
    pub(crate) fn set_apology(&mut self, text: String) {
        self.apology = Arc::new(text.into());
    }

    /// Names the settings that would leave a visitor in silence.
    pub(crate) fn silent(&self) -> impl Iterator<Item = &'static str> {
        let settings = [("fallback", &self.reply), ("apology", &self.apology)];
        settings.into_iter().filter(|(_, reply)| reply.shows_nothing()).map(|(name, _)| name)
    }

    /// Returns the replies that stand in for the bot's on an event.
    pub(super) fn net(&self, event: &Event) -> Net {
        match event {
            // Nobody is left to be answered.
            Event::ChatClosed(_) => Net::default(),
            Event::CommandResult(result) => match self.after(result) {
                Some(reply) => Net {
                    of_failure: Arc::clone(&reply),
                    of_silence: Silence { rest: Some(reply), lack: Some(Lack::Completed) },
                },
                None => Net { of_failure: Arc::clone(&self.reply), ..Net::default() },
            },
            _ => {
                let lack = has_question(event).then_some(Lack::Silence);
                let of_silence = Silence { rest: None, lack };
                Net { of_failure: Arc::clone(&self.reply), of_silence }
            }
        }
    }

    /// Returns the reply to an event that cannot be read.
    pub(super) fn for_unreadable(&self, event: Option<&str>) -> Reply {
        match event {
            Some(ChatClosed::EVENT) => Reply::new(),
            // It is unknown which command failed: it may have been the fallback reply's own
            // transfer.
            Some(CommandResult::EVENT) => (*self.apology).clone(),
            _ => (*self.reply).clone(),
        }
    }

    /// Returns the reply to a visitor whose transfer failed.
    ///
    /// Never the transfer that has just failed: SnapEngage would report its failure again, without
    /// end. So a transfer to any human ends in the apology, as does one of the fallback reply's
    /// own.
    fn after(&self, result: &CommandResult) -> Option<Arc<Reply>> {
        let failed = &result.failed_commands;
        let transfers: Vec<_> = failed.iter().filter(|failed| may_be_transfer(failed)).collect();
        if transfers.is_empty() && !failed.is_empty() {
            return None;
        }
        let is_worth_trying = !transfers.is_empty()
            && transfers.into_iter().all(|failed| self.is_another_way_than(failed));
        Some(Arc::clone(if is_worth_trying { &self.reply } else { &self.apology }))
    }

    /// Returns `true` if the fallback reply plainly does not repeat the failed command.
    fn is_another_way_than(&self, failed: &FailedCommand) -> bool {
        let Some(operation) = failed.operation.as_deref() else { return false };
        let is_same = |command: &Command| {
            command.operation().eq_ignore_ascii_case(operation)
                && !are_apart(failed.params.as_ref(), command.parameters().as_ref())
        };
        let is_to_human = operation.eq_ignore_ascii_case(Command::HumanTransfer.operation());
        !is_to_human && !self.reply.commands().any(is_same)
    }
}

/// Returns `true` if the failed command is a transfer, or is not named.
fn may_be_transfer(failed: &FailedCommand) -> bool {
    const OTHERS: [&str; 6] = ["BAN", "BAN_IP", "BYE", "CARDS", "GOTO", "LABEL"];
    let operation = failed.operation.as_deref().unwrap_or_default();
    !OTHERS.iter().any(|other| operation.eq_ignore_ascii_case(other))
}

/// Returns `true` if two transfers plainly go elsewhere: SnapEngage need not report the target in
/// the words it was sent, as `wc:agent@example.com` for `agent@example.com`.
fn are_apart(one: Option<&Value>, other: Option<&Value>) -> bool {
    let target = |params: Option<&Value>| {
        Some(params?.as_str()?.split_whitespace().next()?.to_ascii_lowercase())
    };
    match (target(one), target(other)) {
        (Some(one), Some(other)) => !one.contains(&other) && !other.contains(&one),
        _ => false,
    }
}

/// Returns `true` if the visitor said something.
fn has_question(event: &Event) -> bool {
    match event {
        Event::Message(message) => message.is_from_visitor(),
        Event::ChatStarted(chat) => chat.first_message().is_some(),
        _ => false,
    }
}

/// Replies to the visitor of one event, where the bot gives none.
#[derive(Debug, Default)]
pub(super) struct Net {
    /// Reply in the place of a handler that failed.
    pub(super) of_failure: Arc<Reply>,
    pub(super) of_silence: Silence,
}

/// Completion of a reply that shows nothing.
#[derive(Debug, Default)]
pub(super) struct Silence {
    rest: Option<Arc<Reply>>,
    lack: Option<Lack>,
}

impl Silence {
    /// Returns a handler's reply with what it lacks.
    pub(super) fn complete(self, reply: Reply) -> (Reply, Option<Lack>) {
        if !reply.shows_nothing() {
            return (reply, None);
        }
        match self.rest {
            Some(rest) => (reply.and_all(&rest), self.lack),
            None => (reply, self.lack),
        }
    }
}
