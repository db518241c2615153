//! The NATS store, against a server that each test starts for itself.

use std::error::Error;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use async_nats::jetstream::{self, kv::Config};
use http::Request;
use serde_json::{Value, json};
use snapengage::bot::Reply;
use snapengage::dialogue::{
    Bot, Dialogue, Input, NatsStore, Record, Saved, Step, Store, StoreError, conformance,
};
use snapengage::{HandlerError, HealthCheck, Receiver, Token, async_trait};
use tokio::task::JoinSet;

use crate::nats_cluster::{Cluster, ask};
use crate::nats_server::{SYNCED, Server};

#[tokio::test]
async fn the_nats_store_holds_to_the_suite() {
    let server = Server::start("");
    conformance::run(async || server.store("").await.expect("connected")).await;
}

#[tokio::test]
async fn two_receivers_run_every_turn_once_in_order() {
    const CASES: usize = 1_000;
    const TURNS: usize = 4;
    const SIDE_BY_SIDE: usize = 50;
    let server = Server::start("");
    let steps = Arc::new(AtomicUsize::new(0));
    let receivers = [server.receiver(&steps).await, server.receiver(&steps).await];
    let mut cases = JoinSet::new();
    for case in 0..CASES {
        let receivers = receivers.clone();
        cases.spawn(async move {
            for turn in 0..TURNS {
                let [a, b] = &receivers;
                let replies = tokio::join!(deliver(a, case, turn), deliver(b, case, turn));
                let expected: Vec<_> = (0..=turn).map(|turn| turn.to_string()).collect();
                assert_eq!(replies, (expected.join(" "), expected.join(" ")));
            }
        });
        if cases.len() == SIDE_BY_SIDE {
            cases.join_next().await.expect("a case").expect("no failure");
        }
    }
    while let Some(case) = cases.join_next().await {
        case.expect("no failure");
    }
    assert_eq!(steps.load(Ordering::Relaxed), CASES * TURNS);
}

#[tokio::test]
async fn a_server_is_told_when_to_remove_a_conversation() {
    let server = Server::start("");
    let receiver = server.receiver(&Arc::default()).await;
    assert_eq!(deliver(&receiver, 1, 0).await, "0");
    let client = async_nats::connect(server.url("")).await.expect("connected");
    let bucket = jetstream::new(client).get_key_value("conversations").await.expect("a bucket");
    let subject = "$KV.conversations.bot/case=201";
    let message = bucket.stream.get_last_raw_message_by_subject(subject).await.expect("a record");
    let seconds = message.headers.get("Nats-TTL").map(|seconds| seconds.as_str().parse());
    let seconds: u64 = seconds.expect("a time to live").expect("a number");
    assert!((86_000..=86_400).contains(&seconds), "{seconds} s");
}

#[tokio::test]
async fn credentials_are_taken_from_the_url() {
    let user = r#"authorization { user: "bot", password: "p@ss:word" }"#;
    let server = Server::start(user);
    let store = server.store("bot:p%40ss%3Aword@").await.expect("connected");
    assert!(!format!("{store:?}").contains("p@ss"), "a password in {store:?}");
    for wrong in ["", "bot:password@", "p%40ss%3Aword@"] {
        let error = server.store(wrong).await.expect_err("a refusal");
        assert!(cause(&error).contains("authorization violation"), "{error:?}");
    }

    let server = Server::start(r#"authorization { token: "my-token" }"#);
    assert!(server.store("my-token@").await.is_ok());
    assert!(server.store("your-token@").await.is_err());
}

#[tokio::test]
async fn a_store_outlasts_a_restart_of_its_server() {
    let mut server = Server::start("");
    let store = server.store("").await.expect("connected");
    let record = Record::from_json(b"");
    let saved = store.save("key", &record, None).await.expect("saved");
    let revision = saved.revision().expect("written");
    server.restart();
    // What went out before the client met the new server is lost.
    let _ = store.load("key").await;
    let found = store.load("key").await.expect("loaded").expect("a record");
    assert_eq!(found.revision, revision);
    let saved = store.save("key", &record, Some(revision)).await.expect("saved");
    assert!(matches!(saved, Saved::Written(_)));
}

#[tokio::test]
async fn the_health_check_counts_conversations_and_fails_without_a_server() {
    let mut server = Server::start("");
    let store = server.store("").await.expect("connected");
    let record = Record::from_json(b"");
    assert!(store.save("key", &record, None).await.expect("saved").revision().is_some());
    let figures = store.check().await.expect("healthy");
    assert_eq!(figures["conversations"], 1);
    assert!(figures["size"].as_u64().is_some_and(|size| size > 0), "{figures}");
    server.kill();
    let store = || async { store.check().await.err() };
    let error = ask("healthy without a server", store).await.to_string();
    assert!(error.starts_with("conversation store failed: "), "{error}");
}

#[tokio::test]
async fn a_bucket_that_keeps_what_was_removed_is_refused() {
    let server = Server::start("");
    let client = async_nats::connect(server.url("")).await.expect("connected");
    let config = Config { bucket: "conversations".into(), ..Config::default() };
    let jetstream = jetstream::new(client);
    jetstream.create_key_value(config).await.expect("created");
    let error = server.store("").await.expect_err("a refusal");
    assert!(cause(&error).starts_with("bucket `conversations`: "), "{error:?}");
}

#[tokio::test]
async fn bad_bucket_or_absent_server_is_refused() {
    let mut server = Server::start("");
    for bucket in ["", "a.b", "a b"] {
        assert!(NatsStore::connect(&server.url(""), bucket).await.is_err(), "bucket {bucket:?}");
    }
    server.kill();
    let error = server.store("").await.expect_err("a refusal");
    assert!(cause(&error).contains("Connection refused"), "{error:?}");
}

#[tokio::test]
async fn a_store_outlasts_the_death_of_the_server_that_leads_it() {
    let mut cluster = Cluster::start(3, SYNCED).await;
    let urls = cluster.urls();
    let client = async_nats::connect(&urls).await.expect("connected");
    let config = Config {
        bucket: "conversations".into(),
        num_replicas: 3,
        limit_markers: Some(Duration::from_secs(60)),
        ..Config::default()
    };
    jetstream::new(client).create_key_value(config).await.expect("created");
    let store = NatsStore::connect(&urls[0], "conversations").await.expect("connected");
    let record = Record::from_json(b"");
    let saved = store.save("key", &record, None).await.expect("saved");
    let revision = saved.revision().expect("written");
    let leader = cluster.leader("KV_conversations").await;
    cluster.kill(leader);
    assert_ne!(cluster.leader("KV_conversations").await, leader);
    // What went out before the client met another server is lost.
    let _ = store.load("key").await;
    let found = store.load("key").await.expect("loaded").expect("a record");
    assert_eq!(found.revision, revision);
    let saved = store.save("key", &record, Some(revision)).await.expect("saved");
    assert!(matches!(saved, Saved::Written(_)));
    cluster.restart(leader);
    cluster.until_whole().await;
}

fn cause(error: &StoreError) -> String {
    error.source().expect("a cause").to_string()
}

/// Says all it was told.
struct Counting(Arc<AtomicUsize>);

#[async_trait]
impl Dialogue for Counting {
    type State = Vec<String>;

    fn start(&self) -> Vec<String> {
        Vec::new()
    }

    async fn step(
        &self,
        mut state: Vec<String>,
        input: Input,
    ) -> Result<Step<Vec<String>>, HandlerError> {
        let Input::Said(message) = input else { return Err("not a message".into()) };
        self.0.fetch_add(1, Ordering::Relaxed);
        state.push(message.text);
        let reply = Reply::say(state.join(" "));
        Ok(Step::go(state, reply))
    }
}

async fn deliver(receiver: &Receiver, case: usize, turn: usize) -> String {
    let event = json!({
        "event": "message",
        "widget_id": "widget",
        "case_id": format!("case {case}"),
        "timestamp": turn,
        "text": turn.to_string(),
    });
    let request = Request::post("/bot").header("Authorization", "my-token");
    let response = receiver.handle(request.body(event.to_string()).expect("a request")).await;
    let body: Value = serde_json::from_slice(&response.into_body().into_bytes()).expect("JSON");
    body["content"][0]["text"].as_str().unwrap_or("no text").to_owned()
}

impl Server {
    async fn store(&self, credentials: &str) -> Result<NatsStore, StoreError> {
        NatsStore::connect(&self.url(credentials), "conversations").await
    }

    async fn receiver(&self, steps: &Arc<AtomicUsize>) -> Receiver {
        let store = self.store("").await.expect("connected");
        let bot = Bot::new(Counting(Arc::clone(steps)), store);
        let builder = Receiver::builder().bot("/bot", Token::new("my-token"), bot);
        builder.bot_deadline(Duration::from_secs(60)).build().expect("a receiver")
    }
}
