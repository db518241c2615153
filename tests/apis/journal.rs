//! A journal gets the requests of a feed as they came.

use bytes::Bytes;
use http_body_util::Full;
use snapengage::journal::{self, Journal, Receipt, Subject};
use snapengage::{Api, HandlerError, Receiver, Timestamp, async_trait};

use crate::answers::{FAILINGS, assert_feed_failed};
use crate::support::{Failing, Seen, assert_refused, assert_taken, auth, post, sample};

/// A journal that keeps what it is told.
#[derive(Clone)]
struct Sink {
    receipts: Seen<Receipt>,
    failing: Option<Failing>,
}

impl Sink {
    fn new(failing: Option<Failing>) -> Self {
        Self { receipts: Seen::new(), failing }
    }

    fn receiver(&self) -> Receiver {
        let sink = journal::to(self.clone());
        Receiver::builder()
            .integration("/integration", auth(), sink.clone())
            .conversation("/conversation-events", auth(), sink.clone())
            .agent_status("/agent-status", auth(), sink)
            .build()
            .expect("a valid receiver")
    }
}

#[async_trait]
impl Journal for Sink {
    async fn receive(&self, receipt: Receipt) -> Result<(), HandlerError> {
        self.receipts.push(receipt);
        match self.failing {
            None => Ok(()),
            Some(failing) => failing.run().await,
        }
    }
}

#[track_caller]
fn assert_told(receipt: &Receipt, api: Api, path: &str, body: &[u8]) {
    assert_eq!(receipt.api, api);
    assert_eq!(receipt.path, path);
    assert_eq!(receipt.body, body);
}

#[tokio::test]
async fn every_feed_hands_over_the_body_and_what_it_says() {
    let sink = Sink::new(None);
    let receiver = sink.receiver();
    let samples = [
        (
            Api::Integration,
            "/integration",
            sample("integration/chat.xml"),
            "",
            Subject::Case("8b7c3b3b-f5d7-4e58-96d8".into()),
            Timestamp::from_millis(1_287_366_498_623),
        ),
        (
            Api::Conversation,
            "/conversation-events",
            sample("conversation-events/case-closed.json"),
            "caseClosed",
            Subject::Case("2e3362fc-b537-4a16-bd0b-4b5d4108c53d".into()),
            Timestamp::from_millis(1_551_461_879_355),
        ),
        (
            Api::AgentStatus,
            "/agent-status",
            sample("agent-status/pause.json"),
            "pause",
            Subject::Agent("wc:agent@example.com".into()),
            Timestamp::from_millis(1_551_461_879_355),
        ),
    ];
    for (api, path, body, event, subject, timestamp) in samples {
        assert_taken(receiver.handle(post(path, body.clone())).await);
        let receipt = sink.receipts.one();
        let summary = receipt.summary.as_ref().expect("a body that can be read");
        assert_eq!(summary.event, event, "{path}");
        assert_eq!(summary.subject, subject, "{path}");
        assert!(summary.has_key, "{path}");
        assert_eq!(summary.timestamp, timestamp, "{path}");
        assert_told(&receipt, api, path, &body);
    }
}

#[tokio::test]
async fn each_path_of_an_api_is_told_as_it_was_mounted() {
    let sink = Sink::new(None);
    let shared = std::sync::Arc::new(sink.clone());
    let receiver = Receiver::builder()
        .conversation("/%61", auth(), journal::to(shared.clone()))
        .conversation("/b", auth(), journal::to(shared))
        .build()
        .expect("a valid receiver");
    let body = r#"{"event":"caseClosed","widget_id":"w","case_id":"c"}"#;
    for (asked, mounted) in [("/a", "/%61"), ("/b", "/b")] {
        assert_taken(receiver.handle(post(asked, body)).await);
        assert_told(&sink.receipts.one(), Api::Conversation, mounted, body.as_bytes());
    }
}

#[tokio::test]
async fn an_event_without_a_time_has_no_key() {
    let sink = Sink::new(None);
    let receiver = sink.receiver();
    let event = r#"{"event":"caseClosed","widget_id":"w","case_id":"c"}"#;
    let change = r#"{"agent_id":"a","status":"online"}"#;
    for (path, body) in [("/conversation-events", event), ("/agent-status", change)] {
        assert_taken(receiver.handle(post(path, body)).await);
        let summary = sink.receipts.one().summary.expect("a body that can be read");
        assert!(!summary.has_key, "{path}");
    }
}

#[tokio::test]
async fn a_body_that_cannot_be_read_is_handed_over_and_refused() {
    let sink = Sink::new(None);
    let receiver = sink.receiver();
    for path in ["/integration", "/conversation-events", "/agent-status"] {
        let response = receiver.handle(post(path, "{")).await;
        let receipt = sink.receipts.one();
        assert_eq!(receipt.path, path);
        assert_eq!(receipt.body, "{");
        let error = receipt.summary.expect_err("no JSON");
        assert_refused(response, 400, &error.to_string());
    }
}

#[tokio::test]
async fn a_journal_that_fails_is_answered_as_a_handler_that_fails() {
    for failing in FAILINGS {
        tokio::time::pause();
        let receiver = Sink::new(Some(failing)).receiver();
        for body in [r#"{"id":"c"}"#, "{"] {
            let response = receiver.handle(post("/integration", body)).await;
            assert_feed_failed(response, failing);
        }
        tokio::time::resume();
    }
}

#[tokio::test]
async fn a_request_without_the_token_is_not_handed_over() {
    let sink = Sink::new(None);
    let request =
        http::Request::post("/integration").body(Full::<Bytes>::from("{}")).expect("a request");
    assert_eq!(sink.receiver().handle(request).await.status(), 401);
    assert!(sink.receipts.take().is_empty());
}

#[tokio::test]
async fn a_queue_that_is_full_is_answered_503() {
    struct Queue(tokio::sync::mpsc::Sender<Receipt>);

    #[async_trait]
    impl Journal for Queue {
        async fn receive(&self, receipt: Receipt) -> Result<(), HandlerError> {
            Ok(self.0.try_send(receipt)?)
        }
    }

    let (sender, mut queue) = tokio::sync::mpsc::channel(1);
    let receiver = Receiver::builder()
        .integration("/integration", auth(), journal::to(Queue(sender)))
        .build()
        .expect("a valid receiver");
    let request = || post("/integration", r#"{"id":"c"}"#);
    assert_taken(receiver.handle(request()).await);
    assert_refused(receiver.handle(request()).await, 503, "try again later");
    let receipt = queue.recv().await.expect("a receipt");
    assert_eq!(receipt.summary.map(|summary| summary.subject.to_string()), Ok("case c".to_owned()));
    assert_taken(receiver.handle(request()).await);
}

#[test]
fn a_journal_shows_nothing_of_itself() {
    assert_eq!(format!("{:?}", journal::to(Sink::new(None))), "Journaled { .. }");
}
