//! Metrics of the rooms behind features: each hangs a function here on the room's hook.

#[cfg(feature = "dialogue")]
use super::list::TURNS;
#[cfg(feature = "client")]
use super::list::{CALL_ATTEMPTS, CALL_DURATION, CALL_ODD_FIELDS, CALLS};
#[cfg(feature = "inbox")]
use super::list::{INBOX_ATTEMPT_DURATION, INBOX_ATTEMPTS, INBOX_RECEIPT_DURATION, INBOX_RECEIPTS};
#[cfg(feature = "inbox")]
use super::requests::OTHER;
#[cfg(feature = "inbox")]
use crate::api::Api;
#[cfg(feature = "client")]
use crate::client::CallEnded;
#[cfg(feature = "dialogue")]
use crate::dialogue::TurnEnded;
#[cfg(feature = "inbox")]
use crate::inbox::{InboxEnd, InboxEvent};

#[cfg(feature = "client")]
pub(super) fn call_ended(call: &CallEnded) {
    let operation = call.operation.as_str();
    CALLS.add(1, [operation.into(), call.outcome.into()]);
    CALL_ATTEMPTS.add(call.attempts.into(), [operation.into()]);
    CALL_DURATION.record(call.took, [operation.into()]);
    for &field in &call.odd_fields {
        CALL_ODD_FIELDS.add(1, [operation.into(), field.into()]);
    }
}

#[cfg(feature = "dialogue")]
pub(super) fn turn_ended(turn: &TurnEnded) {
    TURNS.add(1, [turn.bot.clone().into(), turn.end.as_str().into()]);
}

#[cfg(feature = "inbox")]
pub(super) fn inbox_event(event: &InboxEvent) {
    let inbox = || event.inbox.to_string().into();
    let feeds = [Api::Integration, Api::Conversation, Api::AgentStatus].map(Api::as_str);
    // The name was stored, perhaps by another version.
    let api = feeds.into_iter().find(|feed| *feed == event.api).unwrap_or(OTHER);
    match event.end {
        InboxEnd::Receipt(end) => {
            INBOX_RECEIPTS.add(1, [inbox(), api.into(), end.as_str().into()]);
            INBOX_RECEIPT_DURATION.record(event.took, [inbox()]);
        }
        InboxEnd::Attempt(end) => {
            INBOX_ATTEMPTS.add(1, [inbox(), api.into(), end.as_str().into()]);
            INBOX_ATTEMPT_DURATION.record(event.took, [inbox(), api.into()]);
        }
    }
}
