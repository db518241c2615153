//! What people and programs see of an inbox, and do to it.

use snapengage::inbox::{Inbox, State};

use super::*;

pub(crate) async fn counts_what_there_is_and_knows_the_oldest<P: Place>() {
    let place = P::fresh().await;
    let inbox = place.inbox(Inbox::options()).await;
    let (crm, mut calls) = Crm::failing_times(1, Failing::Permanent);
    let receiver = receiver(&inbox, &crm);
    assert_eq!(stats(&inbox).await.oldest, None);
    for case_id in ["c", "d"] {
        assert_taken(chat(&receiver, case_id).await);
        work(&inbox, &mut calls, 1).await;
    }
    for case_id in ["e", "f"] {
        assert_taken(chat(&receiver, case_id).await);
    }
    assert_eq!(counts(&inbox).await, [2, 0, 1, 1]);
    let stats = stats(&inbox).await;
    assert!(stats.size > 0);
    assert_eq!(stats.oldest, Some(list(&inbox, State::Waiting).await[0].received_at));
}

pub(crate) async fn lists_page_by_page_in_the_order_of_receipt<P: Place>() {
    let place = P::fresh().await;
    let inbox = place.inbox(Inbox::options()).await;
    let receiver = receiver(&inbox, &Crm::up().0);
    say_all(&receiver, [("b", 1), ("a", 1), ("b", 2), ("c", 1), ("a", 2)]).await;
    let entries = pages(&inbox, State::Waiting).await;
    let subjects: Vec<_> = entries.iter().map(|entry| &*entry.subject).collect();
    assert_eq!(subjects, ["case b", "case a", "case b", "case c", "case a"]);
    assert_eq!(entries, list(&inbox, State::Waiting).await);
}

pub(crate) async fn lists_dead_letters_page_by_page<P: Place>() {
    let place = P::fresh().await;
    let inbox = place.inbox(Inbox::options()).await;
    let receiver = receiver(&inbox, &Crm::up().0);
    for sent in ["2", "1", "3"] {
        assert_eq!(receiver.handle(post("/integration", sent)).await.status(), 400);
    }
    let entries = pages(&inbox, State::Dead).await;
    let [b, a, c] = &entries[..] else { panic!("three: {entries:?}") };
    let bodies = [body(&inbox, b).await, body(&inbox, a).await, body(&inbox, c).await];
    assert_eq!(bodies, [b"2", b"1", b"3"]);
}

pub(crate) async fn shows_what_a_handler_is_at<P: Place>() {
    let place = P::fresh().await;
    let inbox = place.inbox(Inbox::options()).await;
    let (crm, mut calls) = Crm::gated();
    assert_taken(chat(&receiver(&inbox, &crm), "c").await);
    let look = async {
        call(&mut calls).await;
        let entry = only(&inbox, State::Working).await;
        assert_eq!((&*entry.subject, entry.attempts, &entry.error), ("case c", 1, &None));
        assert!(entry.due_at > Timestamp::now(), "until then, its lease keeps it from others");
        assert_eq!(body(&inbox, &entry).await, br#"{"id":"c"}"#);
        assert_eq!(counts(&inbox).await, [0, 1, 0, 0]);
        assert_eq!(stats(&inbox).await.oldest, Some(entry.received_at));
        crm.gate.add_permits(1);
    };
    inbox.run(look).await;
    assert_eq!(only(&inbox, State::Done).await.error, None);
}

pub(crate) async fn shows_what_failed_and_when_it_is_tried_next<P: Place>() {
    let place = P::fresh().await;
    let inbox = place.inbox(Inbox::options().backoff(HOUR..=HOUR)).await;
    let (crm, mut calls) = Crm::failing_times(1, Failing::Passing);
    assert_taken(chat(&receiver(&inbox, &crm), "c").await);
    work(&inbox, &mut calls, 1).await;
    let entry = only(&inbox, State::Waiting).await;
    assert_eq!((entry.attempts, entry.error.as_deref()), (1, Some("no database")));
    let minutes = (entry.due_at.as_millis() - Timestamp::now().as_millis()) / 60_000;
    assert!((29..60).contains(&minutes), "in {minutes} minutes");
}

pub(crate) async fn finds_nothing_by_a_number_that_was_not_given<P: Place>() {
    let place = P::fresh().await;
    let inbox = place.inbox(Inbox::options()).await;
    assert_taken(chat(&receiver(&inbox, &Crm::up().0), "c").await);
    for number in ["0", "-1", "1000000", "9223372036854775807"] {
        let id = number.parse().expect("a number");
        assert_eq!(inbox.show(id).await.expect("read"), None, "{number}");
        assert!(!inbox.retry(id).await.expect("written"), "{number}");
        assert!(!inbox.discard(id).await.expect("written"), "{number}");
    }
    assert_eq!(counts(&inbox).await, [1, 0, 0, 0]);
}

pub(crate) async fn retries_a_dead_letter<P: Place>() {
    let place = P::fresh().await;
    let inbox = place.inbox(Inbox::options()).await;
    let (crm, mut calls) = Crm::failing_times(1, Failing::Permanent);
    assert_taken(chat(&receiver(&inbox, &crm), "c").await);
    work(&inbox, &mut calls, 1).await;
    assert!(retry(&inbox, &only(&inbox, State::Dead).await).await);
    let entry = only(&inbox, State::Waiting).await;
    assert_eq!((entry.attempts, &entry.error), (0, &None));
    assert_eq!(work(&inbox, &mut calls, 1).await, ["c "]);
    assert_eq!(counts(&inbox).await, [0, 0, 1, 0]);
}

pub(crate) async fn retries_what_waits_for_its_next_try_at_once<P: Place>() {
    let place = P::fresh().await;
    let inbox = place.inbox(Inbox::options().backoff(HOUR..=HOUR)).await;
    let (crm, mut calls) = Crm::failing_times(1, Failing::Passing);
    assert_taken(chat(&receiver(&inbox, &crm), "c").await);
    work(&inbox, &mut calls, 1).await;
    let other = place.inbox(Inbox::options()).await;
    let look = async {
        assert!(retry(&other, &only(&other, State::Waiting).await).await);
        assert_eq!(call(&mut calls).await.0, "c ");
    };
    inbox.run(look).await;
    assert_eq!(counts(&inbox).await, [0, 0, 1, 0]);
}

pub(crate) async fn retries_nothing_that_waits_for_another<P: Place>() {
    let place = P::fresh().await;
    let inbox = place.inbox(Inbox::options()).await;
    say_all(&receiver(&inbox, &Crm::up().0), [("c", 1), ("c", 2)]).await;
    let entries = list(&inbox, State::Waiting).await;
    assert!(!retry(&inbox, &entries[1]).await);
    assert_eq!(list(&inbox, State::Waiting).await, entries);
}

pub(crate) async fn retries_nothing_that_is_done_or_being_processed<P: Place>() {
    let place = P::fresh().await;
    let inbox = place.inbox(Inbox::options()).await;
    let (crm, mut calls) = Crm::gated();
    assert_taken(chat(&receiver(&inbox, &crm), "c").await);
    let look = async {
        call(&mut calls).await;
        assert!(!retry(&inbox, &only(&inbox, State::Working).await).await);
        crm.gate.add_permits(1);
    };
    inbox.run(look).await;
    assert!(!retry(&inbox, &only(&inbox, State::Done).await).await);
    assert_eq!(counts(&inbox).await, [0, 0, 1, 0]);
}

pub(crate) async fn drops_what_waits<P: Place>() {
    let place = P::fresh().await;
    let inbox = place.inbox(Inbox::options()).await;
    let receiver = receiver(&inbox, &Crm::up().0);
    say_all(&receiver, [("c", 1), ("c", 2)]).await;
    let entries = list(&inbox, State::Waiting).await;
    assert!(discard(&inbox, &entries[1]).await);
    assert!(!discard(&inbox, &entries[1]).await, "it is gone");
    assert_eq!(inbox.show(entries[1].id).await.expect("read"), None);
    assert_eq!(list(&inbox, State::Waiting).await, entries[..1]);
    assert_taken(say(&receiver, "c", 2).await);
    assert_eq!(counts(&inbox).await, [2, 0, 0, 0], "its repeat is new");
}

pub(crate) async fn drops_a_dead_letter<P: Place>() {
    let place = P::fresh().await;
    let inbox = place.inbox(Inbox::options()).await;
    let receiver = receiver(&inbox, &Crm::up().0);
    for _ in 0..2 {
        assert_eq!(receiver.handle(post("/integration", "{}")).await.status(), 400);
        assert!(discard(&inbox, &only(&inbox, State::Dead).await).await);
        assert_eq!(counts(&inbox).await, [0, 0, 0, 0]);
    }
}

pub(crate) async fn drops_what_is_done<P: Place>() {
    let place = P::fresh().await;
    let inbox = place.inbox(Inbox::options()).await;
    let (crm, mut calls) = Crm::up();
    let receiver = receiver(&inbox, &crm);
    for _ in 0..2 {
        assert_taken(chat(&receiver, "c").await);
        assert_eq!(work(&inbox, &mut calls, 1).await, ["c "]);
        assert!(discard(&inbox, &only(&inbox, State::Done).await).await);
        assert_eq!(counts(&inbox).await, [0, 0, 0, 0]);
    }
}

pub(crate) async fn drops_nothing_that_a_handler_is_at<P: Place>() {
    let place = P::fresh().await;
    let inbox = place.inbox(Inbox::options()).await;
    let (crm, mut calls) = Crm::gated();
    assert_taken(chat(&receiver(&inbox, &crm), "c").await);
    let look = async {
        call(&mut calls).await;
        assert!(!discard(&inbox, &only(&inbox, State::Working).await).await);
        crm.gate.add_permits(1);
    };
    inbox.run(look).await;
    assert_eq!(counts(&inbox).await, [0, 0, 1, 0]);
}

pub(crate) async fn drops_what_blocks_a_case<P: Place>() {
    let place = P::fresh().await;
    let inbox = place.inbox(Inbox::options().backoff(HOUR..=HOUR)).await;
    let (crm, mut calls) = Crm::failing_times(1, Failing::Passing);
    say_all(&receiver(&inbox, &crm), [("c", 1), ("c", 2)]).await;
    assert_eq!(work(&inbox, &mut calls, 1).await, ["c caseResponded 1"]);
    let other = place.inbox(Inbox::options()).await;
    let look = async {
        assert!(discard(&other, &list(&other, State::Waiting).await[0]).await);
        assert_eq!(call(&mut calls).await.0, "c caseResponded 2");
    };
    inbox.run(look).await;
    assert_eq!(counts(&inbox).await, [0, 0, 1, 0]);
}
