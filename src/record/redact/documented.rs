//! Names of the documented fields, from the tables that the payloads are read by.

use std::sync::LazyLock;

use super::fields::Shape;
use crate::wire::lenient::Lenient;
use crate::{agent_status, bot, conversation, integration};

/// Returns the names of an object's documented fields.
pub(super) fn names(shape: Shape) -> &'static [&'static str] {
    match shape {
        Shape::BotEvent => &BOT_EVENTS,
        Shape::Geo => bot::Geo::default().names(),
        Shape::Verification => bot::HmacVerificationResult::default().names(),
        Shape::VerificationProperty => bot::VerificationProperty::default().names(),
        Shape::FailedCommand => bot::FailedCommand::default().names(),
        Shape::SupportRequest => &SUPPORT_REQUEST,
        Shape::RequesterDetails => integration::RequesterDetails::default().names(),
        Shape::Language => &["name", "code", "value"],
        Shape::TranscriptLine => integration::TranscriptLine::default().names(),
        Shape::Variable => integration::Variable::default().names(),
        Shape::ConversationEvent => &CONVERSATION_EVENT,
        Shape::StatusChange => &STATUS_CHANGE,
        // Written by hand, not by a table: see `bot::Reply` and `bot::Command`.
        Shape::Reply => &["context_id", "content"],
        Shape::Content => &["type", "text", "display_responses", "operation", "parameters"],
        Shape::Button => &["text", "id"],
        Shape::Cards => &["type", "layout", "cards"],
        Shape::Card => &["title", "excerpt", "link"],
        Shape::Answer => &["code", "message", "status", "error"],
        Shape::Translations | Shape::Unknown => &[],
    }
}

static BOT_EVENTS: LazyLock<Vec<&str>> = LazyLock::new(|| {
    let tables = [
        bot::ChatStarted::new("", "").names(),
        bot::Message::new("", "").names(),
        bot::ChatClosed::new("", "").names(),
        bot::CommandResult::new("", "").names(),
    ];
    tables.concat()
});

/// Old exports and XML have the time under one more name.
static SUPPORT_REQUEST: LazyLock<Vec<&str>> =
    LazyLock::new(|| [integration::SupportRequest::new("").names(), &["created_at"]].concat());

static CONVERSATION_EVENT: LazyLock<Vec<&str>> =
    LazyLock::new(|| conversation::Event::new("", "", "").names().to_vec());

static STATUS_CHANGE: LazyLock<Vec<&str>> =
    LazyLock::new(|| agent_status::StatusChange::new("", "").names().to_vec());
