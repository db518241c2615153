//! What a request's answer says of it.

use snapengage::inbox::{Inbox, State};
use tokio::task::JoinSet;

use super::*;

pub(crate) async fn is_stored_as_it_came_before_the_200<P: Place>() {
    let place = P::fresh().await;
    let inbox = place.inbox(Inbox::options()).await;
    let (crm, mut calls) = Crm::up();
    let sent = r#" {"id": "c",   "odd": [1, 2]} "#;
    assert_taken(receiver(&inbox, &crm).handle(post("/integration", sent)).await);
    let other = place.inbox(Inbox::options()).await;
    let entry = only(&other, State::Waiting).await;
    assert_eq!((&*entry.api, &*entry.path), ("integration", "/integration"));
    assert_eq!((&*entry.subject, entry.attempts, &entry.error), ("case c", 0, &None));
    assert_eq!(body(&other, &entry).await, sent.as_bytes());
    assert!(calls.try_recv().is_err(), "processed before somebody runs it");
}

pub(crate) async fn that_cannot_be_read_is_a_dead_letter_and_answered_400<P: Place>() {
    let place = P::fresh().await;
    let inbox = place.inbox(Inbox::options()).await;
    let receiver = receiver(&inbox, &Crm::up().0);
    let error = "support request: missing field `id` at line 1 column 2";
    for _ in 0..3 {
        let response = receiver.handle(post("/integration", "{}")).await;
        assert_refused(response, 400, error);
    }
    let entry = only(&inbox, State::Dead).await;
    assert_eq!((&*entry.event, entry.error.as_deref()), ("", Some(error)));
    assert_eq!(body(&inbox, &entry).await, b"{}");
}

pub(crate) async fn of_many_at_a_time_is_of_all_of_them<P: Place>() {
    let place = P::fresh().await;
    let inbox = place.inbox(Inbox::options()).await;
    let receiver = receiver(&inbox, &Crm::up().0);
    let mut senders = JoinSet::new();
    for number in 0..1000 {
        let receiver = receiver.clone();
        senders.spawn(async move { chat(&receiver, &number.to_string()).await });
    }
    senders.join_all().await.into_iter().for_each(assert_taken);
    assert_eq!(stats(&inbox).await.waiting, 1000);
}

pub(crate) async fn past_the_size_limit_is_answered_503_until_there_is_room<P: Place>() {
    let place = P::fresh().await;
    let inbox = place.inbox(Inbox::options().size_limit(P::SIZE_LIMIT)).await;
    let receiver = receiver(&inbox, &Crm::up().0);
    let taken = fill(&receiver).await;
    assert!((2..=10).contains(&taken), "{taken} of 20 kB in {}", P::SIZE_LIMIT);
    assert_taken(large_chat(&receiver, 0).await);
    assert_eq!(stats(&inbox).await.waiting, taken as u64, "the first again is a repeat");
    for entry in list(&inbox, State::Waiting).await {
        assert!(discard(&inbox, &entry).await);
    }
    assert_taken(large_chat(&receiver, taken).await);
}
