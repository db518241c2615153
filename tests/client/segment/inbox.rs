//! Chats that wait in an inbox until Segment takes them.

use std::time::Duration;

use snapengage::inbox::{Inbox, State};
use snapengage::{Receiver, Token};
use tempfile::TempDir;

use super::server::SegmentServer;
use super::{all, post, sample, segment};

struct Queue {
    inbox: Inbox,
    receiver: Receiver,
    _dir: TempDir,
}

impl Queue {
    fn open(url: &str) -> Self {
        let dir = tempfile::tempdir().expect("a folder");
        let waits = Duration::from_millis(1)..=Duration::from_millis(10);
        let inbox = Inbox::options().backoff(waits).open(dir.path().join("inbox.db"));
        let inbox = inbox.expect("an inbox");
        let receiver = Receiver::builder()
            .integration("/integration", Token::new("my-token"), inbox.feed(segment(url)))
            .build()
            .expect("a receiver");
        Self { inbox, receiver, _dir: dir }
    }

    async fn post_chat(&self) {
        let response = self.receiver.handle(post(sample("integration/chat.json"))).await;
        assert_eq!(response.status(), 200);
    }

    /// The numbers of entries that wait, are done and are dead.
    async fn counts(&self) -> [u64; 3] {
        let stats = self.inbox.stats().await.expect("counts");
        [stats.waiting + stats.working, stats.done, stats.dead]
    }
}

#[tokio::test]
async fn a_refused_batch_goes_back_and_is_delivered_later() {
    // Three attempts each are the client's; the third of the inbox succeeds.
    let down = [(401, ""), (403, "")];
    let server = SegmentServer::answering(down).await;
    let queue = Queue::open(&server.url);
    queue.post_chat().await;
    assert_eq!((queue.counts().await, server.count()), ([1, 0, 0], 0));
    queue.inbox.run(server.has_come(3)).await;
    assert_eq!(queue.counts().await, [0, 1, 0]);
    let requests = server.requests();
    assert_eq!(requests.len(), 3);
    assert!(requests.iter().all(|request| request.body == requests[0].body));
    assert_eq!(all(&server.events(), "type").len(), 6);
}

#[tokio::test]
async fn three_deliveries_of_a_chat_are_sent_once() {
    let server = SegmentServer::start().await;
    let queue = Queue::open(&server.url);
    for _ in 0..3 {
        queue.post_chat().await;
    }
    queue.inbox.run(server.has_come(1)).await;
    assert_eq!((queue.counts().await, server.count()), ([0, 1, 0], 1));
}

#[tokio::test]
async fn a_batch_that_can_never_be_taken_is_a_dead_letter() {
    let server = SegmentServer::answering([(400, r#"{"message": "too large"}"#)]).await;
    let queue = Queue::open(&server.url);
    queue.post_chat().await;
    queue.inbox.run(server.has_come(1)).await;
    assert_eq!(queue.counts().await, [0, 0, 1]);
    let dead = queue.inbox.list(State::Dead, None, 10).await.expect("entries");
    let error = dead[0].error.as_deref().expect("a reason");
    assert!(error.contains("segment-batch: answered 400 Bad Request"), "{error}");

    // Somebody has looked at it.
    assert!(queue.inbox.retry(dead[0].id).await.expect("an inbox"));
    queue.inbox.run(server.has_come(2)).await;
    assert_eq!((queue.counts().await, server.events().len()), ([0, 1, 0], 6));
}
