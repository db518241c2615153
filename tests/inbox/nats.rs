//! What an inbox in NATS JetStream promises, through the receiver and on a real server.

use async_nats::jetstream::message::StreamMessage;
use async_nats::jetstream::stream::Config;
use async_nats::jetstream::{self, Context};
use snapengage::inbox::{Inbox, InboxError, Options, State};

use crate::nats_cluster::{Cluster, ask};
use crate::nats_server::Server;
use crate::suite::{
    Crm, HOUR, Place, assert_not_stored, call, chat, fill, large_chat, list, next, only, quick,
    receiver, say, stats, work,
};
use crate::support::requests::text;
use crate::support::{Failing, assert_taken, log, post, record_log};

impl Place for Server {
    async fn fresh() -> Self {
        Self::start("")
    }

    async fn inbox(&self, options: Options) -> Inbox {
        self.open("", options).await.expect("an inbox")
    }
}

impl Server {
    async fn open(&self, credentials: &str, options: Options) -> Result<Inbox, InboxError> {
        options.connect(&self.url(credentials), "inbox").await
    }

    async fn refusal(&self, options: Options) -> String {
        format!("{:?}", self.open("", options).await.expect_err("a refusal"))
    }

    async fn jetstream(&self) -> Context {
        jetstream::new(async_nats::connect(self.url("")).await.expect("connected"))
    }
}

async fn config(jetstream: &Context, stream: &str) -> Config {
    jetstream.get_stream(stream).await.expect("a stream").cached_info().config.clone()
}

mod suite {
    crate::suite::promises!(crate::nats_server::Server);
}

mod connecting {
    use super::*;

    const NOWHERE: &str = "nats://127.0.0.1:1";

    #[tokio::test]
    async fn takes_credentials_from_the_url_and_tells_nobody() {
        record_log();
        let user = r#"authorization { user: "crm", password: "p@ss:word" }"#;
        let server = Server::start(user);
        let inbox = server.open("crm:p%40ss%3Aword@", Inbox::options()).await.expect("an inbox");
        assert_tells_no_password(&format!("{inbox:?} {:?}", inbox.feed(())));
        for wrong in ["", "crm:wrong-p%40ss@", "wrong-p%40ss@", "other:p%40ss%3Aword@"] {
            let error = server.open(wrong, Inbox::options()).await.expect_err("a refusal");
            assert!(format!("{error:?}").contains("authorization violation"), "{error}");
            assert_tells_no_password(&format!("{error} {error:?}"));
        }
        assert_tells_no_password(&log());

        let server = Server::start(r#"authorization { token: "my-p@ss" }"#);
        assert!(server.open("my-p%40ss@", Inbox::options()).await.is_ok());
        assert!(server.open("your-p%40ss@", Inbox::options()).await.is_err());
    }

    #[tokio::test]
    async fn tells_no_password_of_a_url_that_is_none() {
        for url in ["nats://crm:p%40ss@host:port", "http://crm:p%40ss@host", "//crm:p%40ss@"] {
            let error = Inbox::connect(url, "inbox").await.expect_err("a refusal");
            assert_tells_no_password(&format!("{error} {error:?}"));
        }
    }

    #[track_caller]
    fn assert_tells_no_password(told: &str) {
        assert!(!told.contains("p@ss") && !told.contains("p%40ss"), "{told}");
    }

    #[tokio::test]
    async fn tries_one_server_after_another() {
        let server = Server::start("");
        let urls = format!("{NOWHERE}, {}", server.url(""));
        assert!(Inbox::connect(&urls, "inbox").await.is_ok());
    }

    #[tokio::test]
    async fn fails_where_there_is_no_server() {
        let error = Inbox::connect(NOWHERE, "inbox").await.expect_err("nobody there");
        assert!(format!("{error:?}").contains("Connection refused"), "{error}");
    }

    #[tokio::test]
    async fn refuses_names_that_cannot_be() {
        for name in ["", "a.b", "a b", "*", ">", "a/b", "ä"] {
            let error =
                format!("{:?}", Inbox::connect(NOWHERE, name).await.expect_err("a refusal"));
            let expected =
                format!("inbox failed: name `{name}`: expected letters, digits, `-` and `_`");
            assert_eq!(error, expected);
        }
    }

    #[tokio::test]
    async fn to_two_names_is_to_two_inboxes() {
        let server = Server::start("");
        let crm = Crm::up().0;
        for name in ["a", "a-b_2"] {
            let inbox = Inbox::connect(&server.url(""), name).await.expect("an inbox");
            assert_taken(chat(&receiver(&inbox, &crm), "c").await);
            assert_eq!(stats(&inbox).await.waiting, 1, "{name}");
        }
    }

    #[tokio::test]
    async fn warns_that_one_replica_needs_a_server_that_flushes() {
        record_log();
        let server = Server::start("max_payload: 4MB\n");
        server.inbox(Inbox::options()).await;
        assert_eq!(warnings(&["sync_interval", "the largest requests"]), [true, false]);
    }

    #[tokio::test]
    async fn to_three_replicas_warns_of_small_payloads_only() {
        record_log();
        let cluster = Cluster::start(3, "").await;
        let urls = cluster.urls().join(",");
        let inbox = Inbox::options().replicas(3).connect(&urls, "inbox").await;
        inbox.expect("an inbox");
        assert_eq!(warnings(&["sync_interval", "the largest requests"]), [false, true]);
        let inbox = Inbox::connect(&urls, "inbox").await.expect("an inbox");
        assert_eq!(warnings(&["sync_interval"]), [false], "it has three, whatever is asked for");
        assert_taken(chat(&receiver(&inbox, &Crm::up().0), "c").await);
    }

    fn warnings<const N: usize>(texts: &[&str; N]) -> [bool; N] {
        let log = log();
        texts.map(|text| log.lines().any(|line| line.contains("WARN") && line.contains(text)))
    }
}

mod streams {
    use std::time::Duration;

    use async_nats::jetstream::stream::{
        DiscardPolicy, PersistenceMode, RetentionPolicy, StorageType,
    };

    use super::*;

    /// A stream, the setting that it cannot be used with, and how it comes to that.
    type Unfit = (&'static str, &'static str, fn(&mut Config));

    const UNFIT: [Unfit; 16] = [
        ("inbox", "storage", |config| config.storage = StorageType::Memory),
        ("inbox", "retention", |config| config.retention = RetentionPolicy::Limits),
        ("inbox", "discard", |config| config.discard = DiscardPolicy::Old),
        ("inbox", "max_msgs", |config| config.max_messages = 1000),
        ("inbox", "max_msgs_per_subject", |config| config.max_messages_per_subject = 1),
        ("inbox", "subjects", |config| config.subjects = vec!["inbox.case.a.head".into()]),
        ("inbox", "persist_mode", |config| config.persist_mode = Some(PersistenceMode::Async)),
        ("inbox", "no_ack", |config| config.no_ack = true),
        ("inbox", "deny_delete", |config| config.deny_delete = true),
        ("inbox-dead", "deny_purge", |config| config.deny_purge = true),
        ("inbox-done", "max_msgs", |config| config.max_messages = 1000),
        ("inbox-seen", "storage", |config| config.storage = StorageType::Memory),
        ("inbox-dead", "storage", |config| config.storage = StorageType::Memory),
        ("inbox-dead", "discard", |config| config.discard = DiscardPolicy::Old),
        ("inbox-dead", "subjects", |config| config.subjects = vec!["elsewhere".into()]),
        ("inbox-tries", "allow_msg_ttl", |config| config.allow_message_ttl = false),
    ];

    #[tokio::test]
    async fn that_cannot_hold_what_is_promised_are_refused() {
        let server = Server::start("");
        let jetstream = server.jetstream().await;
        server.inbox(Inbox::options()).await;
        for (stream, setting, spoil) in UNFIT {
            let fit = config(&jetstream, stream).await;
            let mut unfit = fit.clone();
            spoil(&mut unfit);
            replace(&jetstream, &unfit).await;
            for options in [Inbox::options(), Inbox::options().must_exist()] {
                let error = server.refusal(options).await;
                let expected = format!("inbox failed: stream `{stream}`: `{setting}` is ");
                assert!(error.starts_with(&expected), "{expected}: {error}");
            }
            replace(&jetstream, &fit).await;
        }
        server.inbox(Inbox::options()).await;
    }

    async fn replace(jetstream: &Context, config: &Config) {
        jetstream.delete_stream(&config.name).await.expect("deleted");
        jetstream.create_stream(config).await.expect("created");
    }

    #[tokio::test]
    async fn of_three_replicas_are_not_to_be_had_of_one_server() {
        let server = Server::start("");
        let error = server.refusal(Inbox::options().replicas(3)).await;
        assert!(
            error.starts_with("inbox failed: stream `inbox`: ") && error.contains("replicas"),
            "{error}"
        );
        server.inbox(Inbox::options()).await;
        let error = server.refusal(Inbox::options().replicas(3)).await;
        assert_eq!(error, "inbox failed: stream `inbox`: `num_replicas` is 1, expected 3");
    }

    #[tokio::test]
    async fn are_not_made_for_who_only_looks() {
        let server = Server::start("");
        let jetstream = server.jetstream().await;
        let error = server.refusal(Inbox::options().must_exist()).await;
        assert!(error.starts_with("inbox failed: stream `inbox`: "), "{error}");
        assert!(error.contains("stream not found"), "{error}");
        assert!(jetstream.get_stream("inbox").await.is_err());
        server.inbox(Inbox::options()).await;
        jetstream.delete_stream("inbox-seen").await.expect("deleted");
        let error = server.refusal(Inbox::options().must_exist()).await;
        assert!(error.starts_with("inbox failed: stream `inbox-seen`: "), "{error}");
    }

    #[tokio::test]
    async fn are_set_by_opening_not_by_looking() {
        const MINUTE: Duration = Duration::from_secs(60);
        let server = Server::start("");
        let jetstream = server.jetstream().await;
        server.inbox(Inbox::options()).await;
        let changed =
            Inbox::options().size_limit(4_000_000).repeat_window(MINUTE * 2).done_retention(MINUTE);
        for options in [changed, Inbox::options().must_exist()] {
            server.inbox(options).await;
            let entries = config(&jetstream, "inbox").await;
            // And 16 MiB for what moves up in its case.
            let most = 4_000_000 + 16 * 1024 * 1024;
            assert_eq!((entries.max_bytes, entries.duplicate_window), (most, MINUTE * 2));
            assert_eq!(config(&jetstream, "inbox-dead").await.max_bytes, 4_000_000);
            assert_eq!(config(&jetstream, "inbox-seen").await.max_age, MINUTE * 2);
            assert_eq!(config(&jetstream, "inbox-done").await.max_age, MINUTE);
        }
    }

    #[tokio::test]
    async fn keep_what_they_hold_when_they_are_set_anew() {
        let server = Server::start("");
        let (crm, mut calls) = Crm::up();
        let small = server.inbox(Inbox::options().size_limit(Server::SIZE_LIMIT)).await;
        let taken = fill(&receiver(&small, &crm)).await;
        let inbox = server.inbox(Inbox::options().lease(Duration::from_secs(5))).await;
        assert_taken(large_chat(&receiver(&inbox, &crm), taken).await);
        assert_eq!(work(&inbox, &mut calls, taken + 1).await.len(), taken + 1);
    }
}

mod messages {
    use std::time::Duration;

    use async_nats::HeaderMap;

    use super::*;

    /// What is known of a body.
    const ENTRY: &str = "Snapengage-Entry";

    #[tokio::test]
    async fn larger_than_the_server_takes_are_answered_503_and_others_stored() {
        let server = Server::start("max_payload: 16KB\n");
        let inbox = server.inbox(Inbox::options()).await;
        let receiver = receiver(&inbox, &Crm::up().0);
        assert_not_stored(large_chat(&receiver, 1).await);
        let unreadable = "x".repeat(20_000);
        assert_not_stored(receiver.handle(post("/integration", unreadable)).await);
        assert_taken(chat(&receiver, "c").await);
        assert_eq!(only(&inbox, State::Waiting).await.subject, "case c");
        assert_eq!(list(&inbox, State::Dead).await, []);
    }

    #[tokio::test]
    async fn of_somebody_else_are_dead_letters_and_block_nothing() {
        let server = Server::start("");
        let inbox = server.inbox(quick().max_attempts(2)).await;
        let (crm, mut calls) = Crm::up();
        let receiver = receiver(&inbox, &crm);
        publish(&server, "inbox.case.elsewhere.head", HeaderMap::new(), "{}").await;
        let mut headers = HeaderMap::new();
        headers.insert(ENTRY, "no JSON");
        publish(&server, "inbox.case.somewhere.head", headers, "").await;
        assert_taken(chat(&receiver, "c").await);
        let all = async {
            assert_eq!(next(&mut calls, 1).await, ["c "]);
            ask("no dead letters", || has_died(&inbox, 2)).await;
        };
        inbox.run(all).await;
        for entry in list(&inbox, State::Dead).await {
            assert_eq!(
                (entry.attempts, entry.error.as_deref()),
                (0, Some("not stored by an inbox"))
            );
        }
        let stats = stats(&inbox).await;
        assert_eq!((stats.waiting, stats.working, stats.done), (0, 0, 1));
    }

    /// As a worker leaves them that dies between the end of one entry and the next.
    #[tokio::test]
    async fn that_wait_behind_one_that_is_gone_are_processed() {
        let server = Server::start("");
        let inbox = server.inbox(Inbox::options()).await;
        let (crm, mut calls) = Crm::up();
        let receiver = receiver(&inbox, &crm);
        for time in 1..=3 {
            assert_taken(say(&receiver, "c", time).await);
        }
        let entries = server.jetstream().await.get_stream("inbox").await.expect("a stream");
        assert!(entries.delete_message(1).await.expect("deleted"));
        let made = work(&inbox, &mut calls, 2).await;
        assert_eq!(made, ["c caseResponded 2", "c caseResponded 3"]);
    }

    /// As a worker leaves it that dies when it has put it in another's place.
    #[tokio::test]
    async fn that_are_there_twice_are_processed_once() {
        let server = Server::start("");
        let inbox = server.inbox(Inbox::options()).await;
        let (crm, mut calls) = Crm::up();
        let receiver = receiver(&inbox, &crm);
        for time in 1..=3 {
            assert_taken(say(&receiver, "c", time).await);
        }
        let entries = server.jetstream().await.get_stream("inbox").await.expect("a stream");
        let head = entries.get_raw_message(1).await.expect("a head");
        let tail = entries.get_raw_message(2).await.expect("a tail");
        assert!(entries.delete_message(1).await.expect("deleted"));
        copy(&server, &tail, &head.subject).await;
        assert_eq!(stats(&inbox).await.waiting, 3, "the second of them twice");
        let made = work(&inbox, &mut calls, 2).await;
        assert_eq!(made, ["c caseResponded 2", "c caseResponded 3"]);
        assert_eq!(stats(&inbox).await.waiting, 0);
    }

    /// As a process leaves it that dies while it has what failed tried at once.
    #[tokio::test]
    async fn that_were_stored_anew_are_not_processed_beside_themselves() {
        let server = Server::start("");
        let inbox = server.inbox(quick()).await;
        let (crm, mut calls) = Crm::failing_times(1, Failing::Passing);
        let receiver = receiver(&inbox, &crm);
        assert_taken(chat(&receiver, "c").await);
        work(&inbox, &mut calls, 1).await;
        let entries = server.jetstream().await.get_stream("inbox").await.expect("a stream");
        let head = entries.get_raw_message(1).await.expect("a head");
        copy(&server, &head, &head.subject).await;
        crm.gate.forget_permits(1000);
        let until_one_is_left = async {
            assert_eq!(call(&mut calls).await.0, "c ");
            let is_one = async || {
                let state = entries.get_info().await.expect("an answer").state;
                (state.messages == 1).then_some(())
            };
            ask("both stay", is_one).await;
            assert!(calls.is_empty());
            crm.gate.add_permits(1);
        };
        inbox.run(until_one_is_left).await;
        assert_eq!(stats(&inbox).await.done, 1);
    }

    /// Stores an entry again, elsewhere or as its own successor.
    async fn copy(server: &Server, message: &StreamMessage, subject: &str) {
        let known = message.headers.get(ENTRY).expect("a header").as_str();
        let origin = format!(r#"{{"origin":{},"#, message.sequence);
        let mut headers = HeaderMap::new();
        headers.insert(ENTRY, known.replacen('{', &origin, 1).as_str());
        publish(server, subject, headers, text(&message.payload)).await;
    }

    async fn publish(server: &Server, subject: &str, headers: HeaderMap, body: &str) {
        let body = body.to_owned().into();
        let jetstream = server.jetstream().await;
        let sent = jetstream.publish_with_headers(subject.to_owned(), headers, body).await;
        sent.expect("sent").await.expect("stored");
    }

    #[tokio::test]
    async fn that_died_are_listed_in_that_order() {
        let server = Server::start("");
        let inbox = server.inbox(Inbox::options()).await;
        let (crm, mut calls) = Crm::failing_times(1, Failing::Permanent);
        let receiver = receiver(&inbox, &crm);
        assert_taken(chat(&receiver, "c").await);
        assert_eq!(receiver.handle(post("/integration", "1")).await.status(), 400);
        work(&inbox, &mut calls, 1).await;
        let dead = list(&inbox, State::Dead).await;
        let errors: Vec<_> = dead.iter().flat_map(|entry| &entry.error).collect();
        assert_eq!(errors, ["support request: expected a JSON object", "no such plan"]);
        assert!(dead[0].received_at >= dead[1].received_at);
    }

    #[tokio::test]
    async fn that_are_done_go_by_themselves_and_their_repeats_stay_known() {
        let server = Server::start("");
        let inbox = server.inbox(Inbox::options().done_retention(Duration::from_secs(1))).await;
        let (crm, mut calls) = Crm::up();
        let receiver = receiver(&inbox, &crm);
        assert_taken(chat(&receiver, "c").await);
        work(&inbox, &mut calls, 1).await;
        let entry = only(&inbox, State::Done).await;
        let is_gone = async || inbox.show(entry.id).await.expect("read").is_none().then_some(());
        ask("it stays", is_gone).await;
        assert_taken(chat(&receiver, "c").await);
        let stats = stats(&inbox).await;
        assert_eq!((stats.waiting, stats.done), (0, 0));
    }

    #[tokio::test]
    async fn are_new_again_once_the_window_is_over() {
        let server = Server::start("");
        let inbox = server.inbox(Inbox::options().repeat_window(Duration::from_secs(1))).await;
        let (crm, mut calls) = Crm::up();
        let receiver = receiver(&inbox, &crm);
        assert_taken(chat(&receiver, "c").await);
        work(&inbox, &mut calls, 1).await;
        let is_new = async || {
            assert_taken(chat(&receiver, "c").await);
            (!calls.is_empty()).then_some(())
        };
        inbox.run(ask("known for ever", is_new)).await;
        assert_eq!(call(&mut calls).await.0, "c ");
    }

    async fn has_died(inbox: &Inbox, count: u64) -> Option<()> {
        (stats(inbox).await.dead == count).then_some(())
    }
}

mod restarts {
    use super::*;

    #[tokio::test]
    async fn of_the_server_cost_nothing_that_was_stored() {
        let mut server = Server::start("");
        let inbox = server.inbox(quick()).await;
        let (crm, mut calls) = Crm::failing_times(1, Failing::Permanent);
        let receiver = receiver(&inbox, &crm);
        assert_taken(chat(&receiver, "c").await);
        work(&inbox, &mut calls, 1).await;
        assert_taken(chat(&receiver, "d").await);
        server.restart();
        for case_id in ["d", "e"] {
            ask("not stored", || is_taken(&receiver, case_id)).await;
        }
        let mut made = work(&inbox, &mut calls, 2).await;
        made.sort();
        assert_eq!(made, ["d ", "e "]);
        let stats = stats(&inbox).await;
        assert_eq!((stats.waiting, stats.done, stats.dead), (0, 2, 1));
    }

    #[tokio::test]
    async fn of_the_server_do_not_end_work() {
        let mut server = Server::start("");
        let inbox = server.inbox(Inbox::options()).await;
        let (crm, mut calls) = Crm::gated();
        let receiver = receiver(&inbox, &crm);
        assert_taken(chat(&receiver, "c").await);
        let restart = async {
            assert_eq!(call(&mut calls).await.0, "c ");
            server.restart();
            crm.gate.add_permits(2);
            ask("not stored", || is_taken(&receiver, "d")).await;
            assert_eq!(call(&mut calls).await.0, "d ");
        };
        inbox.run(restart).await;
        let stats = stats(&inbox).await;
        assert_eq!((stats.waiting, stats.working, stats.done), (0, 0, 2));
    }

    #[tokio::test]
    async fn of_the_server_keep_failures_known_and_retried() {
        let mut server = Server::start("");
        let options = Inbox::options().backoff(HOUR..=HOUR);
        let inbox = server.inbox(options.clone()).await;
        let (crm, mut calls) = Crm::failing_times(1, Failing::Passing);
        assert_taken(chat(&receiver(&inbox, &crm), "c").await);
        work(&inbox, &mut calls, 1).await;
        let failed = only(&inbox, State::Waiting).await;
        server.restart();
        let inbox = server.inbox(options).await;
        let _receiver = receiver(&inbox, &crm);
        assert_eq!(only(&inbox, State::Waiting).await, failed);
        assert!(inbox.retry(failed.id).await.expect("written"));
        assert_eq!(work(&inbox, &mut calls, 1).await, ["c "]);
    }

    #[tokio::test]
    async fn are_awaited_and_until_then_receipts_are_answered_503() {
        let mut server = Server::start("");
        let inbox = server.inbox(Inbox::options()).await;
        let receiver = receiver(&inbox, &Crm::up().0);
        server.kill();
        assert_not_stored(chat(&receiver, "c").await);
        assert!(inbox.stats().await.is_err());
        server.restart();
        ask("not stored", || is_taken(&receiver, "c")).await;
        assert_eq!(stats(&inbox).await.waiting, 1);
    }

    async fn is_taken(receiver: &snapengage::Receiver, case_id: &str) -> Option<()> {
        (chat(receiver, case_id).await.status() == 200).then_some(())
    }
}
