//! What comes again.

use snapengage::inbox::Inbox;
use tokio::task::JoinSet;

use super::*;
use crate::support::{log, record_log};

pub(crate) async fn are_answered_200_and_not_processed_again<P: Place>() {
    let place = P::fresh().await;
    let (crm, mut calls) = Crm::up();
    let status = r#"{"agent_id":"a","status":"online","timestamp":1}"#;
    let closed = event("c", "caseClosed", Some(1));
    let deliveries = [
        ("/integration", r#"{"id":"c"}"#),
        ("/conversation-events", closed.as_str()),
        ("/agent-status", status),
    ];
    for restart in 0..3 {
        let inbox = place.inbox(Inbox::options()).await;
        let receiver = receiver(&inbox, &crm);
        for _ in 0..2 {
            for (path, body) in deliveries {
                assert_taken(receiver.handle(post(path, body.to_owned())).await);
            }
        }
        if restart == 1 {
            let mut made = work(&inbox, &mut calls, 3).await;
            made.sort();
            assert_eq!(made, ["a online 1", "c ", "c caseClosed 1"]);
        }
    }
    assert_eq!(counts(&place.inbox(Inbox::options()).await).await, [0, 0, 3, 0]);
}

pub(crate) async fn that_come_at_a_time_are_stored_once<P: Place>() {
    let place = P::fresh().await;
    let (crm, _calls) = Crm::up();
    let mut senders = JoinSet::new();
    for _ in 0..2 {
        let receiver = receiver(&place.inbox(Inbox::options()).await, &crm);
        for number in 0..20 {
            let receiver = receiver.clone();
            senders.spawn(async move { say(&receiver, "c", 1 + number % 2).await });
        }
    }
    senders.join_all().await.into_iter().for_each(assert_taken);
    assert_eq!(counts(&place.inbox(Inbox::options()).await).await, [2, 0, 0, 0]);
}

pub(crate) async fn of_what_a_handler_is_at_are_not_processed_again<P: Place>() {
    let place = P::fresh().await;
    let inbox = place.inbox(Inbox::options()).await;
    let (crm, mut calls) = Crm::gated();
    let receiver = receiver(&inbox, &crm);
    assert_taken(chat(&receiver, "c").await);
    let repeat = async {
        call(&mut calls).await;
        assert_taken(chat(&receiver, "c").await);
        assert_eq!(counts(&inbox).await, [0, 1, 0, 0]);
        crm.gate.add_permits(1);
    };
    inbox.run(repeat).await;
    assert_eq!(counts(&inbox).await, [0, 0, 1, 0]);
}

pub(crate) async fn differ_from_events_of_another_time_kind_case_or_path<P: Place>() {
    let place = P::fresh().await;
    let inbox = place.inbox(Inbox::options()).await;
    let (crm, _calls) = Crm::up();
    let receiver = Receiver::builder()
        .conversation("/a", auth(), inbox.feed(crm.clone()))
        .conversation("/b", auth(), inbox.feed(crm))
        .build()
        .expect("a valid receiver");
    let first = ("c", "caseClosed", Some(1));
    for (path, (case_id, kind, time)) in [
        ("/a", first),
        ("/b", first),
        ("/a", ("d", "caseClosed", Some(1))),
        ("/a", ("c", "caseQueued", Some(1))),
        ("/a", ("c", "caseClosed", Some(2))),
    ] {
        assert_taken(receiver.handle(post(path, event(case_id, kind, time))).await);
    }
    assert_eq!(stats(&inbox).await.waiting, 5);
}

/// Sends each line twice, in order, and works until all were handed out.
async fn twice<P: Place>(path: &str, lines: &[String]) -> (Vec<String>, [u64; 4]) {
    let place = P::fresh().await;
    let inbox = place.inbox(Inbox::options()).await;
    let (crm, mut calls) = Crm::up();
    let receiver = receiver(&inbox, &crm);
    for body in [lines, lines].concat() {
        assert_taken(receiver.handle(post(path, body)).await);
    }
    work(&inbox, &mut calls, lines.len()).await;
    (crm.keys.take(), counts(&inbox).await)
}

pub(crate) async fn differ_from_events_of_the_same_millisecond<P: Place>() {
    let labels = lines("labels-at-once");
    let (mut keys, counts) = twice::<P>("/conversation-events", &labels).await;
    assert_eq!(counts, [0, 0, 3, 0]);
    keys.dedup();
    assert_eq!(keys.len(), 3, "{keys:?}");
}

pub(crate) async fn differ_from_a_case_that_comes_again_with_more<P: Place>() {
    let requests = lines("case-sent-again-with-more");
    let (keys, counts) = twice::<P>("/integration", &requests).await;
    assert_eq!(counts, [0, 0, 2, 0]);
    assert_eq!(keys, ["sent-again", "sent-again"]);
}

pub(crate) async fn are_told_in_the_log<P: Place>() {
    let place = P::fresh().await;
    let inbox = place.inbox(Inbox::options()).await;
    let receiver = receiver(&inbox, &Crm::up().0);
    record_log();
    assert_taken(chat(&receiver, "c").await);
    assert!(!log().contains("repeat"));
    assert_taken(chat(&receiver, "c").await);
    let log = log();
    let line = log.lines().find(|line| line.contains("answered")).expect("a line");
    assert!(line.contains("INFO") && line.contains("repeat=true"), "{line}");
}

pub(crate) async fn are_not_known_without_a_time<P: Place>() {
    let place = P::fresh().await;
    let inbox = place.inbox(Inbox::options()).await;
    let receiver = receiver(&inbox, &Crm::up().0);
    say_all(&receiver, [("c", 0), ("c", 0)]).await;
    assert_eq!(stats(&inbox).await.waiting, 2);
}

pub(crate) async fn of_a_dead_letter_revive_it<P: Place>() {
    let place = P::fresh().await;
    let inbox = place.inbox(Inbox::options()).await;
    let (crm, mut calls) = Crm::failing_times(1, Failing::Permanent);
    let receiver = receiver(&inbox, &crm);
    assert_taken(chat(&receiver, "c").await);
    work(&inbox, &mut calls, 1).await;
    assert_eq!(counts(&inbox).await, [0, 0, 0, 1]);
    assert_taken(chat(&receiver, "c").await);
    assert_eq!(counts(&inbox).await, [1, 0, 0, 0]);
    work(&inbox, &mut calls, 1).await;
    assert_eq!(counts(&inbox).await, [0, 0, 1, 0]);
}

pub(crate) async fn of_what_was_dropped_are_stored_once<P: Place>() {
    let place = P::fresh().await;
    let inbox = place.inbox(quick()).await;
    let receiver = receiver(&inbox, &Crm::up().0);
    say_all(&receiver, [("c", 1), ("c", 2)]).await;
    for _ in 0..2 {
        let entries = list(&inbox, State::Waiting).await;
        assert!(discard(&inbox, &entries[1]).await);
        for _ in 0..3 {
            say_all(&receiver, [("c", 2)]).await;
            assert_eq!(stats(&inbox).await.waiting, 2);
        }
    }
}
