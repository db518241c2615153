//! The example `crm_sync` loses nothing while its CRM is down.

#[path = "../../examples/crm_sync/crm.rs"]
mod crm;

use std::fs;
use std::path::Path;
use std::time::Duration;

use crm::Crm;
use rusqlite::Connection;
use snapengage::conversation::Event;
use snapengage::inbox::Inbox;
use snapengage::{Receiver, conversation, integration};
use tokio::time::sleep;

use crate::field_cases::lines;
use crate::support::{assert_taken, auth, post, sample};

fn receiver<H>(inbox: &Inbox, crm: &H) -> Receiver
where
    H: integration::Handler + conversation::Handler + Clone,
{
    Receiver::builder()
        .integration("/integration", auth(), inbox.feed(crm.clone()))
        .conversation("/conversation-events", auth(), inbox.feed(crm.clone()))
        .build()
        .expect("a valid receiver")
}

fn rows(crm: &Path) -> (i64, i64) {
    const COUNT: &str = "SELECT (SELECT count(*) FROM chat), (SELECT count(*) FROM event)";
    let connection = Connection::open(crm).expect("opened");
    connection.query_row(COUNT, [], |row| Ok((row.get(0)?, row.get(1)?))).expect("counted")
}

/// Works until nothing waits. With paused time, so that no backoff is waited for.
async fn process_all(inbox: &Inbox) {
    let all = async {
        while inbox.stats().await.expect("stats").oldest.is_some() {
            sleep(Duration::from_secs(1)).await;
        }
    };
    inbox.run(all).await;
}

#[tokio::test(start_paused = true)]
async fn fuller_chat_replaces_the_first_others_are_added() {
    let dir = tempfile::tempdir().expect("a folder");
    let file = |name: &str| dir.path().join(name);
    let crm = Crm::open(&file("crm.db"), None).expect("a CRM");
    let inbox = Inbox::open(file("inbox.db")).expect("an inbox");
    let receiver = receiver(&inbox, &crm);
    for _ in 0..2 {
        for label in lines("labels-at-once") {
            assert_taken(receiver.handle(post("/conversation-events", label)).await);
        }
        for request in lines("case-sent-again-with-more") {
            assert_taken(receiver.handle(post("/integration", request)).await);
        }
    }
    process_all(&inbox).await;
    assert_eq!(rows(&file("crm.db")), (1, 3));
    let connection = Connection::open(file("crm.db")).expect("opened");
    let lines: i64 =
        connection.query_row("SELECT lines FROM chat", [], |row| row.get(0)).expect("a chat");
    assert_eq!(lines, 2);
}

/// As a process that dies before it notes that it is done.
#[tokio::test]
async fn row_is_added_twice_only_without_a_key() {
    let dir = tempfile::tempdir().expect("a folder");
    let file = dir.path().join("crm.db");
    let crm = Crm::open(&file, None).expect("a CRM");
    let timeless = br#"{"event":"caseClosed","widget_id":"w","case_id":"c"}"#.as_slice();
    let closed = sample("conversation-events/case-closed.json");
    for body in [&closed, &closed, timeless, timeless] {
        let event = Event::from_json(body).expect("an event");
        conversation::Handler::event(&crm, event).await.expect("written");
    }
    assert_eq!(rows(&file), (0, 3));
}

#[tokio::test(start_paused = true)]
async fn outage_of_the_crm_loses_nothing() {
    let dir = tempfile::tempdir().expect("a folder");
    let file = |name: &str| dir.path().join(name);
    let crm = Crm::open(&file("crm.db"), Some(file("crm.down"))).expect("a CRM");
    let inbox = Inbox::open(file("inbox.db")).expect("an inbox");
    let receiver = receiver(&inbox, &crm);
    fs::write(file("crm.down"), "").expect("written");
    for _ in 0..2 {
        assert_taken(receiver.handle(post("/integration", sample("integration/chat.json"))).await);
        for name in ["case-queued", "case-assigned", "case-closed"] {
            let event = sample(&format!("conversation-events/{name}.json"));
            assert_taken(receiver.handle(post("/conversation-events", event)).await);
        }
    }
    inbox.run(sleep(Duration::from_secs(60 * 60))).await;
    assert_eq!(rows(&file("crm.db")), (0, 0));
    assert_eq!(inbox.stats().await.expect("stats").waiting, 4);
    fs::remove_file(file("crm.down")).expect("removed");
    process_all(&inbox).await;
    assert_eq!(rows(&file("crm.db")), (1, 3));
    let stats = inbox.stats().await.expect("stats");
    assert_eq!((stats.done, stats.dead), (4, 0));
}
