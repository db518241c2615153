//! Public types can be sent to other threads and shared between them.

use snapengage::{
    AgentId, Auth, Body, BuildError, CaseId, DecodeError, FailureReason, HandlerError, Receiver,
    ReceiverBuilder, Server, Timestamp, Token, WidgetId, agent_status, bot, contact, conversation,
    integration,
};

fn assert_send_sync<T: Send + Sync + 'static>() {}

fn assert_send<T: Send + 'static>() {}

#[test]
fn public_types_are_send_and_sync() {
    assert_send_sync::<(Receiver, Server, Body, FailureReason)>();
    assert_send_sync::<(Auth, Token, AgentId, CaseId, WidgetId, Timestamp)>();
    assert_send_sync::<(BuildError, DecodeError, HandlerError)>();
    assert_send_sync::<(bot::Event, bot::Reply, bot::Command)>();
    assert_send_sync::<(agent_status::StatusChange, contact::Query, conversation::Event)>();
    assert_send_sync::<integration::SupportRequest>();
    assert_send::<ReceiverBuilder>();
}

#[cfg(feature = "dialogue")]
#[test]
fn dialogues_are_send_and_sync() {
    use snapengage::dialogue::{Input, MemoryStore, Record, Revision, Step, StoreError};
    assert_send_sync::<(Input, MemoryStore, Record, Revision, Step<String>, StoreError)>();
}

#[cfg(feature = "inbox")]
#[test]
fn inboxes_are_send_and_sync() {
    use snapengage::inbox::{Entry, EntryId, Inbox, InboxError, Options, Stats};
    assert_send_sync::<(Entry, EntryId, Inbox, InboxError, Options, Stats)>();
}

#[cfg(feature = "testing")]
#[test]
fn the_testing_kit_is_send_and_sync() {
    use snapengage::testing::{Mutator, Report, Sample, Script, TestAnswer, TestChat, Visitor};
    assert_send_sync::<(Mutator, Report, Sample, Script, TestAnswer, TestChat, Visitor)>();
}
