//! Processing of what is stored.

use std::collections::{HashMap, HashSet};
use std::future::ready;
use std::sync::Mutex;

use snapengage::inbox::{Inbox, State};
use tokio::sync::Notify;

use super::*;
use crate::support::Seen;

const LEASE: Duration = Duration::from_millis(100);

pub(crate) async fn begun_when_it_comes_in<P: Place>() {
    let place = P::fresh().await;
    let inbox = place.inbox(Inbox::options()).await;
    let other = place.inbox(Inbox::options()).await;
    let (crm, mut calls) = Crm::up();
    let receivers = [receiver(&inbox, &crm), receiver(&other, &crm)];
    let one_by_one = async {
        for (time, receiver) in (1..).zip(&receivers) {
            assert_taken(say(receiver, "c", time).await);
            assert_eq!(call(&mut calls).await.0, format!("c caseResponded {time}"));
        }
    };
    inbox.run(one_by_one).await;
    assert_eq!(counts(&inbox).await, [0, 0, 2, 0]);
}

pub(crate) async fn tried_again_at_growing_distances_until_it_passes<P: Place>() {
    let place = P::fresh().await;
    let millis = Duration::from_millis;
    let inbox = place.inbox(Inbox::options().backoff(millis(40)..=millis(160))).await;
    let (crm, mut calls) = Crm::failing_times(4, Failing::Passing);
    assert_taken(chat(&receiver(&inbox, &crm), "c").await);
    let mut times = Vec::new();
    let five = async {
        while times.len() < 5 {
            times.push(call(&mut calls).await.1);
        }
    };
    inbox.run(five).await;
    for (pair, whole) in times.windows(2).zip([40, 80, 160, 160]) {
        let (wait, least) = (pair[1] - pair[0], millis(whole / 2 - 2));
        assert!(wait >= least, "{wait:?}, not {least:?}");
    }
    assert_eq!(counts(&inbox).await, [0, 0, 1, 0]);
}

pub(crate) async fn not_tried_again_after_a_permanent_failure<P: Place>() {
    let place = P::fresh().await;
    let inbox = place.inbox(quick()).await;
    let (crm, mut calls) = Crm::failing_times(1, Failing::Permanent);
    assert_taken(chat(&receiver(&inbox, &crm), "c").await);
    work(&inbox, &mut calls, 1).await;
    let entry = only(&inbox, State::Dead).await;
    assert_eq!((entry.attempts, entry.error.as_deref()), (1, Some("no such plan")));
}

pub(crate) async fn given_up_after_the_last_try<P: Place>() {
    for (failing, error) in
        [(Failing::Passing, "no database"), (Failing::Panicking, "handler panicked")]
    {
        let place = P::fresh().await;
        let inbox = place.inbox(quick().max_attempts(3)).await;
        let (crm, mut calls) = Crm::failing_times(3, failing);
        let receiver = receiver(&inbox, &crm);
        assert_taken(chat(&receiver, "c").await);
        assert_taken(say(&receiver, "c", 1).await);
        let made = work(&inbox, &mut calls, 4).await;
        assert_eq!(made, ["c ", "c ", "c ", "c caseResponded 1"]);
        let entry = only(&inbox, State::Dead).await;
        assert_eq!((&*entry.api, entry.attempts), ("integration", 3));
        assert_eq!(entry.error.as_deref(), Some(error));
    }
}

/// What an error needs room for in a request that may be as large as it gets.
struct Verbose;

#[async_trait]
impl integration::Handler for Verbose {
    async fn support_request(&self, _: SupportRequest) -> Result<(), HandlerError> {
        Err(HandlerError::permanent("\u{1}".repeat(10_000)))
    }
}

/// Panics over what it has to say and, if so, when it is dropped.
#[derive(Debug)]
struct Panicking(bool);

impl std::fmt::Display for Panicking {
    fn fmt(&self, _: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        panic!("nothing to say")
    }
}

impl std::error::Error for Panicking {}

impl Drop for Panicking {
    fn drop(&mut self) {
        assert!(!self.0, "not even now");
    }
}

pub(crate) async fn tried_again_when_the_error_panics<P: Place>() {
    for (when_dropped, told) in [(false, "the error panicked"), (true, "handler panicked")] {
        let place = P::fresh().await;
        let inbox = place.inbox(quick().max_attempts(2)).await;
        let failure = move |_| async move { Err(HandlerError::new(Panicking(when_dropped))) };
        let crm = inbox.feed(integration::from_fn(failure));
        let receiver = Receiver::builder().integration("/integration", auth(), crm).build();
        assert_taken(chat(&receiver.expect("a valid receiver"), "c").await);
        let given_up = async { while stats(&inbox).await.dead < 1 {} };
        inbox.run(async { timeout(HOUR / 60, given_up).await.expect("given up in time") }).await;
        let entry = only(&inbox, State::Dead).await;
        assert_eq!((entry.attempts, entry.error.as_deref()), (2, Some(told)));
    }
}

pub(crate) async fn given_up_with_a_long_error_however_large_the_request<P: Place>() {
    let place = P::fresh().await;
    let inbox = place.inbox(quick()).await;
    let feed = inbox.feed(Verbose);
    let receiver = Receiver::builder().integration("/integration", auth(), feed).build();
    let receiver = receiver.expect("a valid receiver");
    let mut taken = 0;
    for less in (0..20_000).step_by(1_000) {
        let text = "x".repeat(1024 * 1024 - less);
        let request = format!(r#"{{"id":"{less}","x":"{text}"}}"#);
        let response = receiver.handle(post("/integration", request)).await;
        taken += u64::from(response.status() == 200);
    }
    assert!(taken > 0, "none was taken");
    let given_up = async { while stats(&inbox).await.dead < taken {} };
    inbox.run(async { timeout(HOUR / 60, given_up).await.expect("given up in time") }).await;
}

pub(crate) async fn given_up_where_nothing_is_mounted_any_more<P: Place>() {
    let place = P::fresh().await;
    let (crm, mut calls) = Crm::up();
    let both = receiver(&place.inbox(quick()).await, &crm);
    assert_taken(chat(&both, "c").await);
    assert_taken(say(&both, "c", 1).await);
    let inbox = place.inbox(quick().max_attempts(2)).await;
    let _receiver = Receiver::builder()
        .conversation("/conversation-events", auth(), inbox.feed(crm))
        .build()
        .expect("a valid receiver");
    assert_eq!(work(&inbox, &mut calls, 1).await, ["c caseResponded 1"]);
    let error = "no handler of integration is mounted on `/integration`";
    assert_eq!(only(&inbox, State::Dead).await.error.as_deref(), Some(error));
}

pub(crate) async fn given_up_when_the_process_dies_in_the_last_try<P: Place>() {
    let place = P::fresh().await;
    let options = quick().max_attempts(1).lease(LEASE);
    let (crm, mut calls) = Crm::gated();
    let inbox = place.inbox(options.clone()).await;
    let first = receiver(&inbox, &crm);
    assert_taken(chat(&first, "c").await);
    assert_taken(say(&first, "c", 1).await);
    drop(first);
    die_at_work(inbox, &mut calls).await;
    let inbox = place.inbox(options).await;
    let _receiver = receiver(&inbox, &crm);
    crm.gate.add_permits(1);
    assert_eq!(work(&inbox, &mut calls, 1).await, ["c caseResponded 1"]);
    let error = "the process ended during the last attempt, and said nothing of it";
    assert_eq!(only(&inbox, State::Dead).await.error.as_deref(), Some(error));
}

pub(crate) async fn in_order_for_one_case_however_often_the_first_fails<P: Place>() {
    let place = P::fresh().await;
    let inbox = place.inbox(quick()).await;
    let (crm, mut calls) = Crm::failing_times(5, Failing::Passing);
    let receiver = receiver(&inbox, &crm);
    say_all(&receiver, [("c", 1), ("c", 2), ("c", 3)]).await;
    assert_taken(chat(&receiver, "c").await);
    let made = work(&inbox, &mut calls, 9).await;
    assert_eq!(made[..6], ["c caseResponded 1"; 6]);
    assert_eq!(made[6..], ["c caseResponded 2", "c caseResponded 3", "c "]);
}

pub(crate) async fn done_beside_a_case_whose_first_entry_waits<P: Place>() {
    let place = P::fresh().await;
    let inbox = place.inbox(quick().backoff(HOUR..=HOUR)).await;
    let (crm, mut calls) = Crm::failing_times(1, Failing::Passing);
    let receiver = receiver(&inbox, &crm);
    for time in 1..=3 {
        say_all(&receiver, [("c", time), ("d", time), ("e", time)]).await;
    }
    let made = work(&inbox, &mut calls, 7).await;
    let of = |case_id: &str| {
        let calls = made.iter().filter(|call| call.starts_with(case_id));
        calls.map(|call| call[2..].to_owned()).collect::<Vec<_>>()
    };
    let all = [1, 2, 3].map(|time| format!("caseResponded {time}"));
    assert_eq!((of("c"), of("d"), of("e")), (all[..1].to_vec(), all.to_vec(), all.to_vec()));
    assert_eq!(counts(&inbox).await, [3, 0, 6, 0]);
}

pub(crate) async fn side_by_side_for_many_cases_up_to_a_bound<P: Place>() {
    let place = P::fresh().await;
    let inbox = place.inbox(Inbox::options().concurrency(3)).await;
    let (crm, mut calls) = Crm::gated();
    let receiver = receiver(&inbox, &crm);
    say_all(&receiver, [("a", 1), ("a", 2), ("b", 1), ("c", 1), ("d", 1)]).await;
    let watch = async {
        let first: HashSet<_> = next(&mut calls, 3).await.into_iter().collect();
        assert_eq!(first.len(), 3);
        assert!(!first.contains("a caseResponded 2"), "beside what came before it: {first:?}");
        assert_no_call(&mut calls).await;
        crm.gate.add_permits(5);
        next(&mut calls, 2).await;
    };
    inbox.run(watch).await;
    assert_eq!(counts(&inbox).await, [0, 0, 5, 0]);
}

pub(crate) async fn freed_once_the_lease_of_a_worker_that_died_is_over<P: Place>() {
    let place = P::fresh().await;
    let options = Inbox::options().lease(LEASE * 3);
    let inbox = place.inbox(options.clone()).await;
    let (crm, mut calls) = Crm::gated();
    assert_taken(chat(&receiver(&inbox, &crm), "c").await);
    let started = Instant::now();
    die_at_work(inbox, &mut calls).await;
    let other = place.inbox(options).await;
    let _receiver = receiver(&other, &crm);
    crm.gate.add_permits(1);
    let mut freed = started;
    other.run(async { freed = call(&mut calls).await.1 }).await;
    let waited = freed - started;
    assert!(waited >= LEASE * 3 - Duration::from_millis(5), "{waited:?}");
    assert_eq!(counts(&other).await, [0, 0, 1, 0]);
}

pub(crate) async fn not_doubled_while_it_takes_longer_than_its_lease<P: Place>() {
    let place = P::fresh().await;
    let options = Inbox::options().lease(LEASE);
    let inboxes = [place.inbox(options.clone()).await, place.inbox(options).await];
    let (crm, mut calls) = Crm::gated();
    let receivers = inboxes.each_ref().map(|inbox| receiver(inbox, &crm));
    assert_taken(chat(&receivers[0], "c").await);
    let watch = async {
        call(&mut calls).await;
        assert_no_call(&mut calls).await;
        crm.gate.add_permits(1);
    };
    run_both(&inboxes, watch).await;
    assert_eq!(counts(&inboxes[0]).await, [0, 0, 1, 0]);
}

pub(crate) async fn shared_by_two_inboxes_each_entry_once_and_in_order<P: Place>() {
    const CASES: usize = 40;
    const EVENTS: usize = 5;
    let place = P::fresh().await;
    let options = Inbox::options().concurrency(4);
    let inboxes = [place.inbox(options.clone()).await, place.inbox(options).await];
    let (crm, mut calls) = Crm::gated();
    let receivers = inboxes.each_ref().map(|inbox| receiver(inbox, &crm));
    let send = async |events: std::ops::RangeInclusive<i64>| {
        for (time, receiver) in events.zip(receivers.iter().cycle()) {
            for case in 0..CASES {
                assert_taken(say(receiver, &case.to_string(), time).await);
            }
        }
    };
    send(1..=3).await;
    let mut made = Vec::new();
    let all = async {
        made = next(&mut calls, 8).await;
        crm.gate.add_permits(1000);
        send(4..=5).await;
        made.extend(next(&mut calls, CASES * EVENTS - 8).await);
    };
    run_both(&inboxes, all).await;
    assert!(calls.try_recv().is_err(), "more calls than events");
    let mut last = HashMap::<&str, i64>::new();
    for call in &made {
        let (case_id, time) = call.split_once(" caseResponded ").expect("an event");
        let before = last.insert(case_id, time.parse().expect("a time")).unwrap_or(0);
        assert_eq!(last[case_id], before + 1, "case {case_id}");
    }
    assert_eq!(counts(&inboxes[0]).await, [0, 0, (CASES * EVENTS) as u64, 0]);
}

/// As after an outage: most wait for their next try while the first are done.
pub(crate) async fn done_for_hundreds_of_cases_that_failed_twice<P: Place>() {
    const CASES: usize = 300;
    let place = P::fresh().await;
    let inbox = place.inbox(quick()).await;
    let (done, mut all_done) = unbounded_channel();
    let calls = Mutex::new(HashMap::new());
    let crm = integration::from_fn(move |request: SupportRequest| {
        let mut calls = calls.lock().expect("no panic");
        let calls: &mut u32 = calls.entry(request.id).or_default();
        *calls += 1;
        let outcome = if *calls <= 2 { Err("the CRM is down".into()) } else { Ok(()) };
        if outcome.is_ok() {
            done.send(()).expect("somebody listens");
        }
        ready(outcome)
    });
    let receiver = Receiver::builder().integration("/integration", auth(), inbox.feed(crm));
    let receiver = receiver.build().expect("a valid receiver");
    for number in 0..CASES {
        assert_taken(chat(&receiver, &number.to_string()).await);
    }
    let until_done = async {
        for number in 0..CASES {
            let done = timeout(Duration::from_secs(30), all_done.recv()).await;
            assert!(done.is_ok(), "only {number} are done");
        }
    };
    inbox.run(until_done).await;
    assert_eq!(counts(&inbox).await, [0, 0, CASES as u64, 0]);
}

pub(crate) async fn done_where_nothing_ever_ends<P: Place>() {
    let ever = Duration::MAX;
    let options =
        Inbox::options().repeat_window(ever).done_retention(ever).lease(ever).deadline(ever);
    let place = P::fresh().await;
    let inbox = place.inbox(options.backoff(ever..=ever)).await;
    let (crm, mut calls) = Crm::failing_times(1, Failing::Passing);
    let receiver = receiver(&inbox, &crm);
    say_all(&receiver, [("c", 1), ("c", 1), ("d", 1), ("d", 1)]).await;
    let mut made = work(&inbox, &mut calls, 2).await;
    made.sort_unstable();
    assert_eq!(made, ["c caseResponded 1", "d caseResponded 1"]);
    say_all(&receiver, [("c", 1), ("d", 1)]).await;
    assert_eq!(counts(&inbox).await, [1, 0, 1, 0]);
}

pub(crate) async fn ended_by_a_shutdown_only_between_handlers<P: Place>() {
    let place = P::fresh().await;
    let inbox = place.inbox(Inbox::options()).await;
    let (crm, mut calls) = Crm::gated();
    assert_taken(chat(&receiver(&inbox, &crm), "c").await);
    let (done, is_shut_down) = (Seen::new(), Notify::new());
    let shutdown = async {
        call(&mut calls).await;
        is_shut_down.notify_one();
    };
    tokio::join!(
        async {
            inbox.run(shutdown).await;
            done.push("run");
        },
        async {
            is_shut_down.notified().await;
            done.push("gate");
            crm.gate.add_permits(1);
        },
    );
    assert_eq!(done.take(), ["gate", "run"]);
    assert_eq!(counts(&inbox).await, [0, 0, 1, 0]);
}

pub(crate) async fn done_where_one_case_has_filled_the_inbox<P: Place>() {
    let place = P::fresh().await;
    let inbox = place.inbox(quick().size_limit(P::SIZE_LIMIT)).await;
    let (crm, mut calls) = Crm::up();
    let receiver = receiver(&inbox, &crm);
    let mut said = 0;
    while say(&receiver, "c", said + 1).await.status() == 200 {
        said += 1;
    }
    let expected: Vec<_> = (1..=said).map(|time| format!("c caseResponded {time}")).collect();
    assert_eq!(work(&inbox, &mut calls, expected.len()).await, expected);
}
