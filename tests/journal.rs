//! What a handler names to take its requests in its place gets them as they came.

mod support;

use std::sync::Arc;

use bytes::Bytes;
use http_body_util::Full;
use snapengage::agent_status::{self, StatusChange};
use snapengage::conversation::{self, Event};
use snapengage::integration::{self, SupportRequest};
use snapengage::journal::{Journal, Read, Receipt, Subject};
use snapengage::{HandlerError, Receiver, Timestamp, async_trait};
use support::{
    FAILINGS, Failing, Seen, assert_feed_failed, assert_refused, assert_taken, auth, post, sample,
};

/// A handler of all feeds that is never called.
#[derive(Clone)]
struct Journaled(Arc<Taking>);

struct Taking {
    receipts: Seen<Receipt>,
    paths: Seen<String>,
    failing: Option<Failing>,
}

impl Journaled {
    fn new(failing: Option<Failing>) -> Self {
        Self(Arc::new(Taking { receipts: Seen::new(), paths: Seen::new(), failing }))
    }

    fn journal(&self, path: &str) -> Option<Arc<dyn Journal>> {
        self.0.paths.push(path.to_owned());
        Some(self.0.clone())
    }

    fn receiver(&self) -> Receiver {
        Receiver::builder()
            .integration("/integration", auth(), self.clone())
            .conversation("/conversation-events", auth(), Arc::new(self.clone()))
            .agent_status("/agent-status", auth(), self.clone())
            .build()
            .expect("a valid receiver")
    }
}

#[async_trait]
impl Journal for Taking {
    async fn receive(&self, receipt: Receipt) -> Result<(), HandlerError> {
        self.receipts.push(receipt);
        match self.failing {
            None => Ok(()),
            Some(failing) => failing.run().await,
        }
    }
}

#[async_trait]
impl integration::Handler for Journaled {
    async fn support_request(&self, _: SupportRequest) -> Result<(), HandlerError> {
        unreachable!("the journal takes them")
    }

    fn journal(&self, path: &str) -> Option<Arc<dyn Journal>> {
        self.journal(path)
    }
}

#[async_trait]
impl conversation::Handler for Journaled {
    async fn event(&self, _: Event) -> Result<(), HandlerError> {
        unreachable!("the journal takes them")
    }

    fn journal(&self, path: &str) -> Option<Arc<dyn Journal>> {
        self.journal(path)
    }
}

#[async_trait]
impl agent_status::Handler for Journaled {
    async fn status_change(&self, _: StatusChange) -> Result<(), HandlerError> {
        unreachable!("the journal takes them")
    }

    fn journal(&self, path: &str) -> Option<Arc<dyn Journal>> {
        self.journal(path)
    }
}

#[tokio::test]
async fn every_feed_hands_over_the_body_and_what_it_says() {
    let handler = Journaled::new(None);
    let receiver = handler.receiver();
    let samples = [
        (
            "/integration",
            sample("integration/chat.xml"),
            Read {
                event: String::new(),
                subject: Subject::Case("8b7c3b3b-f5d7-4e58-96d8".into()),
                has_key: true,
                timestamp: Timestamp::from_millis(1_287_366_498_623),
            },
        ),
        (
            "/conversation-events",
            sample("conversation-events/case-closed.json"),
            Read {
                event: "caseClosed".to_owned(),
                subject: Subject::Case("2e3362fc-b537-4a16-bd0b-4b5d4108c53d".into()),
                has_key: true,
                timestamp: Timestamp::from_millis(1_551_461_879_355),
            },
        ),
        (
            "/agent-status",
            sample("agent-status/pause.json"),
            Read {
                event: "pause".to_owned(),
                subject: Subject::Agent("wc:agent@example.com".into()),
                has_key: true,
                timestamp: Timestamp::from_millis(1_551_461_879_355),
            },
        ),
    ];
    for (path, body, read) in samples {
        assert_taken(receiver.handle(post(path, body.clone())).await);
        let receipt = handler.0.receipts.one();
        assert_eq!(receipt.body, body, "{path}");
        assert_eq!(receipt.read, Ok(read), "{path}");
    }
}

#[tokio::test]
async fn the_path_is_told_once_when_the_receiver_is_built() {
    let handler = Journaled::new(None);
    let receiver = handler.receiver();
    assert_eq!(
        handler.0.paths.take(),
        ["/integration", "/conversation-events", "/agent-status"].map(str::to_owned)
    );
    receiver.handle(post("/integration", r#"{"id":"c"}"#)).await;
    assert!(handler.0.paths.take().is_empty());
}

#[tokio::test]
async fn an_event_without_a_time_has_no_key() {
    let handler = Journaled::new(None);
    let receiver = handler.receiver();
    let event = r#"{"event":"caseClosed","widget_id":"w","case_id":"c"}"#;
    let change = r#"{"agent_id":"a","status":"online"}"#;
    for (path, body) in [("/conversation-events", event), ("/agent-status", change)] {
        assert_taken(receiver.handle(post(path, body)).await);
        let read = handler.0.receipts.one().read.expect("a body that can be read");
        assert!(!read.has_key, "{path}");
    }
}

#[tokio::test]
async fn a_body_that_cannot_be_read_is_handed_over_and_refused() {
    let handler = Journaled::new(None);
    let receiver = handler.receiver();
    for path in ["/integration", "/conversation-events", "/agent-status"] {
        let response = receiver.handle(post(path, "{")).await;
        let receipt = handler.0.receipts.one();
        assert_eq!(receipt.body, "{");
        let error = receipt.read.expect_err("no JSON");
        assert_refused(response, 400, &error.to_string());
    }
}

#[tokio::test]
async fn a_journal_that_fails_is_answered_as_a_handler_that_fails() {
    for failing in FAILINGS {
        tokio::time::pause();
        let receiver = Journaled::new(Some(failing)).receiver();
        for body in [r#"{"id":"c"}"#, "{"] {
            let response = receiver.handle(post("/integration", body)).await;
            assert_feed_failed(response, failing);
        }
        tokio::time::resume();
    }
}

#[tokio::test]
async fn a_request_without_the_token_is_not_handed_over() {
    let handler = Journaled::new(None);
    let request =
        http::Request::post("/integration").body(Full::<Bytes>::from("{}")).expect("a request");
    assert_eq!(handler.receiver().handle(request).await.status(), 401);
    assert!(handler.0.receipts.take().is_empty());
}
