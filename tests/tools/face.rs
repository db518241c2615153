//! The face of the crate: what holds of its types, so that they go wherever a service has them.

use std::error::Error;
use std::fmt::{Debug, Display};
use std::hash::Hash;
use std::time::{Duration, SystemTime};

use http::Request;
use snapengage::{
    AgentId, Api, Auth, Body, BuildError, CaseId, DecodeError, FailureReason, HandlerError,
    Receiver, ReceiverBuilder, Server, Timestamp, TimestampRangeError, Token, Undocumented,
    WidgetId, agent_status, bot, contact, conversation, integration, journal,
};
use tokio::net::TcpListener;

/// Between threads, and out of any scope.
fn travels<T: Send + Sync + Debug + 'static>() {}

/// The same for what has no `Debug`: a trait's objects.
fn is_shared<T: ?Sized + Send + Sync + 'static>() {}

fn is_copied<T: Clone + Send + Sync + Debug + 'static>() {}

fn is_value<T: Clone + PartialEq + Send + Sync + Debug + 'static>() {}

fn is_id<T: Clone + Ord + Hash + Display + Debug + Send + Sync + 'static>() {}

fn is_error<T: Error + Send + Sync + 'static>() {}

#[test]
fn the_core_goes_between_threads() {
    travels::<ReceiverBuilder>();
    travels::<HandlerError>();
    is_copied::<Receiver>();
    is_copied::<Server>();
    is_copied::<Token>();
    is_copied::<Auth>();
    is_copied::<Body>();
    is_value::<Api>();
    is_value::<FailureReason>();
    is_value::<Undocumented>();
    is_shared::<dyn snapengage::HealthCheck>();
    is_shared::<dyn journal::Journal>();
    is_copied::<journal::Journaled>();
    is_copied::<journal::Receipt>();
    is_value::<journal::Summary>();
    is_value::<journal::Subject>();
}

#[test]
fn ids_and_times_are_keys_and_texts() {
    is_id::<CaseId>();
    is_id::<WidgetId>();
    is_id::<AgentId>();
    is_id::<Timestamp>();
}

#[test]
fn handlers_are_objects_that_are_shared() {
    is_shared::<dyn bot::Handler>();
    is_shared::<dyn integration::Handler>();
    is_shared::<dyn conversation::Handler>();
    is_shared::<dyn agent_status::Handler>();
    is_shared::<dyn contact::Handler>();
}

#[test]
fn payloads_and_replies_are_values() {
    is_value::<bot::Event>();
    is_value::<bot::ChatStarted>();
    is_value::<bot::Message>();
    is_value::<bot::CommandResult>();
    is_value::<bot::ChatClosed>();
    is_value::<bot::Unknown>();
    is_value::<bot::Reply>();
    is_value::<bot::Content>();
    is_value::<bot::Command>();
    is_value::<bot::Cards>();
    is_value::<integration::SupportRequest>();
    is_value::<conversation::Event>();
    is_value::<agent_status::StatusChange>();
    is_value::<contact::Query>();
}

#[test]
fn errors_go_where_any_error_goes() {
    is_error::<BuildError>();
    is_error::<DecodeError>();
    is_error::<TimestampRangeError>();
    #[cfg(feature = "dialogue")]
    is_error::<snapengage::dialogue::StoreError>();
    #[cfg(feature = "inbox")]
    is_error::<snapengage::inbox::InboxError>();
    #[cfg(feature = "inbox")]
    is_error::<snapengage::inbox::EntryIdError>();
    #[cfg(feature = "record")]
    is_error::<snapengage::record::RecordingError>();
    #[cfg(feature = "testing")]
    is_error::<snapengage::testing::ScriptError>();
    #[cfg(feature = "testing")]
    is_error::<snapengage::testing::Mismatch>();
}

/// As `main` prints one that it returns.
#[test]
fn an_error_is_its_text_in_debug_too() {
    fn told<T: Debug, E: Error>(outcome: Result<T, E>) -> String {
        format!("Error: {:?}", outcome.expect_err("a refusal"))
    }

    let decoded = told(bot::Event::from_json(b"{}"));
    assert_eq!(decoded, "Error: bot request: missing field `event` at line 1 column 2");
    let before = SystemTime::UNIX_EPOCH - Duration::from_millis(1);
    let expected = "Error: time out of range, expected the years 1970 to 9999";
    assert_eq!(told(Timestamp::try_from(before)), expected);
    #[cfg(feature = "inbox")]
    {
        let id = told("first".parse::<snapengage::inbox::EntryId>());
        assert_eq!(id, "Error: malformed entry id, expected a whole number");
    }
    #[cfg(feature = "testing")]
    {
        let script = snapengage::testing::Script::parse("visitor says: Hi");
        let told = told(script);
        assert!(told.starts_with("Error: chat script: "), "{told}");
        assert!(told.ends_with(" at line 1"), "{told}");
    }
}

#[cfg(feature = "record")]
#[test]
fn recorders_and_what_they_write_go_between_threads() {
    is_value::<snapengage::record::Exchange>();
    is_copied::<snapengage::record::Recorder>();
    #[cfg(feature = "client")]
    is_copied::<snapengage::record::RecordingProxy>();
}

#[cfg(feature = "dialogue")]
#[test]
fn stores_and_what_they_keep_go_between_threads() {
    use snapengage::dialogue::{Input, Loaded, MemoryStore, Record, Revision, Saved, Step, Store};

    is_shared::<dyn Store>();
    travels::<MemoryStore>();
    is_copied::<Loaded>();
    is_copied::<Record>();
    is_value::<Revision>();
    is_value::<Saved>();
    is_value::<Input>();
    is_value::<Step<u64>>();
    #[cfg(feature = "sqlite")]
    travels::<snapengage::dialogue::SqliteStore>();
    #[cfg(feature = "nats")]
    travels::<snapengage::dialogue::NatsStore>();
}

#[cfg(feature = "inbox")]
#[test]
fn inboxes_and_entries_go_between_threads() {
    use snapengage::inbox::{Entry, EntryId, Feed, Inbox, Options, Shown, State, Stats};

    is_copied::<Inbox>();
    is_copied::<Options>();
    travels::<Feed<()>>();
    is_id::<EntryId>();
    is_value::<Entry>();
    is_value::<Shown>();
    is_value::<State>();
    is_value::<Stats>();
}

#[cfg(feature = "testing")]
#[test]
fn the_testing_kit_goes_between_threads() {
    use snapengage::testing::{
        Mutator, Replay, Report, Sample, Script, TestAnswer, TestChat, Visitor,
    };

    travels::<TestChat>();
    travels::<Mutator>();
    travels::<Replay<'_>>();
    is_value::<Report>();
    is_value::<Sample>();
    is_copied::<Script>();
    is_copied::<TestAnswer>();
    is_copied::<Visitor>();
}

/// Whoever embeds them spawns them.
#[test]
fn futures_of_the_core_go_between_threads() {
    fn is_spawned<F: Future + Send>(_: impl FnOnce(TcpListener, Receiver) -> F) {}

    is_spawned(|_, receiver| async move { receiver.finished().await });
    is_spawned(|_, receiver| async move { receiver.handle(Request::new(String::new())).await });
    is_spawned(|listener, receiver| snapengage::serve(listener, receiver, async {}));
    is_spawned(|listener, receiver| Server::new(receiver).serve(listener, async {}));
    #[cfg(feature = "inbox")]
    {
        fn is_spawned<F: Future + Send>(_: impl FnOnce(snapengage::inbox::Inbox) -> F) {}
        is_spawned(|inbox| async move { inbox.run(async {}).await });
    }
}
