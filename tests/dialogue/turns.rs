//! Dialogues behind a receiver: one turn for each delivery, whatever happens in between.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use http::Request;
use serde_json::{Value, json};
use snapengage::bot::{Button, ChatStarted, Reply};
use snapengage::dialogue::{
    Bot, Dialogue, Input, Loaded, MemoryStore, Record, Revision, Saved, Step, Store, StoreError,
};
use snapengage::{HandlerError, Receiver, Timestamp, Token, async_trait};
use tokio::sync::Notify;
use tokio::time::{Instant, advance, sleep};

use crate::log::{log, record_log};

const FALLBACK: &str = "HUMAN_TRANSFER";
const SLOW: Duration = Duration::from_secs(3);

#[tokio::test(start_paused = true)]
async fn a_delivery_that_comes_twice_is_one_turn() {
    let chat = Chat::new();
    assert_eq!(chat.say("a", 1).await, "a");
    assert_eq!(chat.say("a", 1).await, "a");
    assert_eq!(chat.say("b", 2).await, "a b");
    assert_eq!(chat.say("a", 1).await, "a");
    assert_eq!(chat.steps(), ["a", "b"]);
}

#[tokio::test(start_paused = true)]
async fn deliveries_that_differ_are_turns_of_their_own() {
    let chat = Chat::new();
    assert_eq!(chat.say("a", 1).await, "a");
    assert_eq!(chat.say("a", 2).await, "a a");
    assert_eq!(chat.say("b", 2).await, "a a b");
    let click = json!({ "event": "message", "timestamp": 2, "text": "b", "id": "btn" });
    assert_eq!(chat.send("case", click).await, "a a b btn");
}

#[tokio::test(start_paused = true)]
async fn transfers_that_fail_at_once_are_turns_of_their_own() {
    let chat = Chat::new();
    let results = include_str!("../field-cases/two-failed-transfers.jsonl");
    for _ in 0..2 {
        for (result, reply) in results.lines().zip(["failed", "failed failed"]) {
            let result = serde_json::from_str(result).expect("JSON");
            assert_eq!(chat.send("case", result).await, reply);
        }
    }
    assert_eq!(chat.steps(), ["failed", "failed"]);
    assert_eq!(chat.failed(), ["ann@example.com", "ben@example.com"]);
}

#[tokio::test(start_paused = true)]
async fn deliveries_that_differ_in_any_field_are_turns_of_their_own() {
    let chat = Chat::new();
    let message = json!({ "event": "message", "timestamp": 1, "text": "a" });
    let mut turns = 0;
    let fields =
        [("from", "visitor"), ("id", "btn"), ("context_id", "ctx"), ("new", "1"), ("new", "2")];
    for (field, value) in fields {
        let mut delivery = message.clone();
        delivery[field] = value.into();
        chat.send("case", delivery.clone()).await;
        turns += 1;
        assert_eq!(chat.steps().len(), turns, "{field}: {value}");
        chat.send("case", delivery).await;
        assert_eq!(chat.steps().len(), turns, "{field}: {value}, again");
    }
}

#[tokio::test(start_paused = true)]
async fn messages_without_a_time_are_turns_of_their_own() {
    let chat = Chat::new();
    let message = json!({ "event": "message", "text": "a" });
    assert_eq!(chat.send("case", message.clone()).await, "a");
    assert_eq!(chat.send("case", message).await, "a a");
}

#[tokio::test(start_paused = true)]
async fn a_repeat_waits_for_the_turn_that_runs() {
    let chat = Chat::new();
    let again = async {
        chat.guide.reached.notified().await;
        let open = async {
            sleep(SLOW).await;
            chat.guide.open.notify_one();
        };
        tokio::join!(chat.say("wait", 1), open).0
    };
    assert_eq!(tokio::join!(chat.say("wait", 1), again), ("wait".into(), "wait".into()));
    assert_eq!(chat.steps(), ["wait"]);
}

#[tokio::test(start_paused = true)]
async fn turns_run_in_order_of_arrival() {
    let chat = Chat::new();
    let replies = tokio::join!(chat.say("slow", 1), chat.say("slow", 3), chat.say("c", 2));
    assert_eq!(replies, ("slow".into(), "slow slow".into(), "slow slow c".into()));
}

#[tokio::test(start_paused = true)]
async fn conversations_run_side_by_side() {
    let chat = Chat::new();
    let started = Instant::now();
    let slow = json!({ "event": "message", "timestamp": 1, "text": "slow" });
    let replies = tokio::join!(chat.send("1", slow.clone()), chat.send("2", slow));
    assert_eq!(replies, ("slow".into(), "slow".into()));
    assert!(started.elapsed() < SLOW + Duration::from_millis(100));
}

#[tokio::test(start_paused = true)]
async fn failed_step_leaves_no_trace_and_is_retried() {
    for mishap in ["fails", "panics"] {
        let chat = Chat::new();
        assert_eq!(chat.say(mishap, 1).await, FALLBACK);
        assert_eq!(chat.say("a", 2).await, "a");
        chat.guide.is_mended.store(false, Ordering::Relaxed);
        assert_eq!(chat.say(mishap, 3).await, FALLBACK);
        assert_eq!(chat.say(mishap, 3).await, format!("a {mishap}"));
    }
}

#[tokio::test(start_paused = true)]
async fn step_dropped_at_its_deadline_frees_the_conversation() {
    let chat = Chat::new();
    assert_eq!(chat.say("a", 1).await, "a");
    assert_eq!(chat.say("hangs", 2).await, FALLBACK);
    let started = Instant::now();
    assert_eq!(chat.say("b", 3).await, "a b");
    assert!(started.elapsed() < Duration::from_secs(1), "it waited for the lease");
}

#[tokio::test(start_paused = true)]
async fn a_turn_whose_caller_hangs_up_is_still_a_turn() {
    let chat = Chat::new();
    tokio::select! {
        _ = chat.say("wait", 1) => panic!("it did not wait"),
        () = chat.guide.reached.notified() => {}
    }
    chat.guide.open.notify_one();
    assert_eq!(chat.say("a", 2).await, "wait a");
    assert_eq!(chat.say("wait", 1).await, "wait");
}

#[tokio::test(start_paused = true)]
async fn what_is_said_after_the_end_starts_another_conversation() {
    let chat = Chat::new();
    assert_eq!(chat.say("a", 1).await, "a");
    assert_eq!(chat.say("end", 2).await, "a end");
    assert_eq!(chat.say("end", 2).await, "a end");
    assert_eq!(chat.say("b", 3).await, "b");
}

#[tokio::test(start_paused = true)]
async fn a_chat_that_is_closed_is_over_and_its_replies_are_remembered() {
    let chat = Chat::new();
    let closed = json!({ "event": "chatClosed", "timestamp": 3 });
    assert_eq!(chat.say("a", 1).await, "a");
    assert_eq!(chat.send("case", closed.clone()).await, "");
    assert_eq!(chat.say("a", 1).await, "a");
    assert_eq!(chat.send("case", closed.clone()).await, "");
    assert_eq!(chat.send("nobody", closed).await, "");
    assert_eq!(chat.steps(), ["a", "closed"]);
    assert_eq!(chat.say("b", 4).await, "b");
}

#[tokio::test(start_paused = true)]
async fn every_documented_event_is_an_input() {
    let chat = Chat::new();
    for (event, said) in [("chatStarted", "opened"), ("commandResult", "opened failed")] {
        let event = json!({ "event": event, "timestamp": 1 });
        assert_eq!(chat.send("case", event.clone()).await, said);
        assert_eq!(chat.send("case", event).await, said);
    }
    let system = json!({ "event": "message", "timestamp": 1, "from": "system", "text": "a" });
    assert_eq!(chat.send("case", system).await, "");
    assert_eq!(chat.steps(), ["opened", "failed"]);
}

#[tokio::test(start_paused = true)]
async fn what_a_chat_opens_with_is_said() {
    let chat = Chat::new();
    for field in ["text", "description"] {
        let opening = json!({ "event": "chatStarted", "timestamp": 1, field: "a" });
        assert_eq!(chat.send(field, opening.clone()).await, "a");
        assert_eq!(chat.send(field, opening).await, "a");
        let message = json!({ "event": "message", "timestamp": 1, "text": "b" });
        assert_eq!(chat.send(field, message).await, "a b");
    }
    assert_eq!(chat.steps(), ["a", "b", "a", "b"]);
}

#[tokio::test(start_paused = true)]
async fn failed_transfer_unanswered_by_a_step_falls_back() {
    let receiver = receiver(Bot::new(Old, MemoryStore::new()));
    for (operation, expected) in
        [("TRANSFER", FALLBACK), ("HUMAN_TRANSFER", "Sorry, nobody is available right now.")]
    {
        let failed = json!([{ "operation": operation }]);
        let result = json!({ "event": "commandResult", "timestamp": 1, "failedCommands": failed });
        for _ in 0..2 {
            let reply = send(&receiver, "case", result.clone()).await;
            assert!(reply.starts_with(expected), "{operation}: {reply}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_chat_that_opens_again_starts_again() {
    let chat = Chat::new();
    assert_eq!(chat.say("a", 1).await, "a");
    let silent = json!({ "event": "chatStarted", "timestamp": 2 });
    assert_eq!(chat.send("case", silent).await, "opened");
    let opening = json!({ "event": "chatStarted", "timestamp": 3, "text": "b" });
    assert_eq!(chat.send("case", opening.clone()).await, "b");
    assert_eq!(chat.send("case", opening).await, "b");
}

#[tokio::test(start_paused = true)]
async fn state_may_keep_who_opened_the_chat_where() {
    let receiver = receiver(Bot::new(Guest, MemoryStore::new()));
    let opening = |time: i64, email: &str| json!({ "event": "chatStarted", "timestamp": time, "email": email, "text": "Hi" });
    assert_eq!(send(&receiver, "c", opening(1, "a@b.c")).await, "a@b.c");
    let message = json!({ "event": "message", "timestamp": 2, "text": "Who am I?" });
    assert_eq!(send(&receiver, "c", message).await, "a@b.c");
    assert_eq!(send(&receiver, "c", opening(3, "d@e.f")).await, "a@b.c d@e.f");
}

#[tokio::test(start_paused = true)]
async fn what_is_typed_as_a_button_says_is_its_click() {
    let receiver = receiver(Bot::new(Menu, MemoryStore::new()));
    let chat = Typist { receiver, time: AtomicI64::new(0) };
    assert_eq!(chat.types("yes").await, "said yes");
    for (typed, answer) in [
        (" YES\n", "clicked yes, Yes"),
        ("yes", "clicked yes, Yes"),
        ("äöü", "said ÄÖÜ"),
        ("silence", ""),
        ("yes", "clicked yes, Yes"),
        ("yes, please", "said yes, please"),
        ("same", "said same"),
        ("", "said "),
        ("nothing", "said nothing"),
        ("yes", "said yes"),
    ] {
        assert_eq!(chat.types(typed).await, answer, "{typed:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_typed_may_be_taken_as_text() {
    let receiver = receiver(Bot::new(Menu, MemoryStore::new()).text_as_typed());
    let chat = Typist { receiver, time: AtomicI64::new(0) };
    for typed in ["yes", "yes", " ÄÖÜ"] {
        assert_eq!(chat.types(typed).await, format!("said {typed}"));
    }
}

#[tokio::test(start_paused = true)]
async fn what_a_chat_opens_with_is_no_click() {
    let receiver = receiver(Bot::new(Menu, MemoryStore::new()));
    for time in 1..=2 {
        let opening = json!({ "event": "chatStarted", "timestamp": time, "text": "yes" });
        assert_eq!(send(&receiver, "case", opening).await, "said yes");
    }
}

#[tokio::test(start_paused = true)]
async fn a_conversation_is_forgotten_after_its_time_to_live() {
    let chat = Chat::new();
    assert_eq!(chat.say("a", 1).await, "a");
    advance(Duration::from_secs(23 * 3600)).await;
    assert_eq!(chat.say("b", 2).await, "a b");
    advance(Duration::from_secs(25 * 3600)).await;
    assert_eq!(chat.say("c", 3).await, "c");
}

#[tokio::test(start_paused = true)]
async fn a_conversation_that_has_expired_is_removed_without_a_word_of_anybody() {
    let chat = Chat::new();
    assert_eq!(chat.say("a", 1).await, "a");
    sleep(Duration::from_secs(23 * 3600)).await;
    assert!(chat.record().await.is_some());
    sleep(Duration::from_secs(2 * 3600)).await;
    assert!(chat.record().await.is_none());
}

#[tokio::test(start_paused = true)]
async fn conversation_of_fast_clock_is_removed_in_time() {
    let chat = Chat::new();
    assert_eq!(chat.say("a", 1).await, "a");
    let (record, revision) = chat.record().await.expect("a record");
    let mut record: Value = serde_json::from_slice(&record.to_json()).expect("JSON");
    let year = 366 * 24 * 3_600_000;
    record["expires_at"] = (record["expires_at"].as_i64().expect("a time") + year).into();
    let ahead = Record::from_json(record.to_string().as_bytes());
    let saved = chat.store.save("bot/case", &ahead, Some(revision)).await.expect("saved");
    assert!(matches!(saved, Saved::Written(_)));
    sleep(Duration::from_secs(23 * 3600)).await;
    assert!(chat.record().await.is_some());
    sleep(Duration::from_secs(4 * 3600)).await;
    assert!(chat.record().await.is_none());
}

#[tokio::test(start_paused = true)]
async fn a_store_whose_records_expire_by_themselves_is_not_swept() {
    let chat = Chat::new();
    chat.store.expires_by_itself.store(true, Ordering::Relaxed);
    assert_eq!(chat.say("a", 1).await, "a");
    sleep(Duration::from_secs(25 * 3600)).await;
    assert!(chat.record().await.is_some());
}

#[tokio::test(start_paused = true)]
async fn a_turn_may_outlast_the_time_to_live() {
    let chat = Chat::with(|bot| bot.time_to_live(Duration::from_millis(1)));
    let other = chat.other();
    let replies = tokio::join!(chat.say("slow", 1), other.say("a", 2));
    assert_eq!(replies, ("slow".into(), "a".into()));
    assert_eq!(chat.steps(), ["slow", "a"]);
}

#[tokio::test(start_paused = true)]
async fn state_of_another_version_goes_to_migrate_and_else_starts_again() {
    let store = Arc::new(MemoryStore::new());
    let old = receiver(Bot::new(Old, Arc::clone(&store)));
    let new = receiver(Bot::new(Shared(Arc::default()), store));
    for (case, text, expected) in [("1", "old", "old new"), ("2", "unreadable", "new")] {
        let message = |text, at| json!({ "event": "message", "timestamp": at, "text": text });
        assert_eq!(send(&old, case, message(text, 1)).await, text);
        assert_eq!(send(&new, case, message("new", 2)).await, expected);
        assert_eq!(send(&new, case, message(text, 1)).await, text);
    }
}

#[tokio::test(start_paused = true)]
async fn full_memory_store_refuses_nobody() {
    let store = Arc::new(MemoryStore::new().memory_limit(100_000));
    let receiver = receiver(Bot::new(Old, Arc::clone(&store)));
    for case in 0..1_000 {
        let message = json!({ "event": "message", "timestamp": case, "text": "a" });
        assert_eq!(send(&receiver, &case.to_string(), message).await, "a");
        advance(Duration::from_millis(1)).await;
    }
    let kept = kept(&store).await;
    assert!((50..=200).contains(&kept.len()), "{} conversations were kept", kept.len());
    assert_eq!(kept, (1_000 - kept.len()..1_000).collect::<Vec<_>>(), "the last ones are kept");
}

#[tokio::test(start_paused = true)]
async fn a_conversation_that_grows_makes_room_for_itself() {
    let store = Arc::new(MemoryStore::new().memory_limit(100_000));
    let receiver = receiver(Bot::new(Old, Arc::clone(&store)));
    for (case, length) in [(0, 1), (1, 20_000), (2, 500_000), (2, 500_000), (3, 1)] {
        let text = "a".repeat(length);
        let message = json!({ "event": "message", "timestamp": 1, "text": text });
        assert_eq!(send(&receiver, &case.to_string(), message).await, text);
    }
    assert_eq!(kept(&store).await, [3]);
}

/// Which of the cases numbered from 0 are in a store.
async fn kept(store: &MemoryStore) -> Vec<usize> {
    let mut kept = Vec::new();
    for case in 0..1_000 {
        if store.load(&format!("bot/{case}")).await.expect("loaded").is_some() {
            kept.push(case);
        }
    }
    kept
}

#[tokio::test(start_paused = true)]
async fn a_lease_is_renewed_while_its_turn_runs() {
    let chat = Chat::with(|bot| bot.lease(Duration::from_secs(1)));
    let other = chat.other();
    let replies = tokio::join!(chat.say("slow", 1), other.say("a", 2));
    assert_eq!(replies, ("slow".into(), "slow a".into()));
}

/// A turn that its process died in: never run on, and never dropped.
async fn die_in_a_turn(chat: &Chat) {
    let mut turn = Box::pin(chat.say("wait", 1));
    tokio::select! {
        _ = &mut turn => panic!("it did not wait"),
        () = chat.guide.reached.notified() => {}
    }
    std::mem::forget(turn);
}

#[tokio::test(start_paused = true)]
async fn message_after_a_crash_is_answered_in_time() {
    let chat = Chat::new();
    die_in_a_turn(&chat).await;
    let started = Instant::now();
    assert_eq!(chat.other().say("a", 2).await, "a");
    assert!(started.elapsed() < Duration::from_secs(4), "{:?}", started.elapsed());
}

#[tokio::test(start_paused = true)]
async fn lease_of_a_fast_clock_lasts_no_longer() {
    let chat = Chat::new();
    die_in_a_turn(&chat).await;
    let (record, revision) = chat.record().await.expect("a record");
    let mut record: Value = serde_json::from_slice(&record.to_json()).expect("JSON");
    for field in ["leased_until", "expires_at"] {
        record[field] = (record[field].as_i64().expect("a time") + 3_600_000).into();
    }
    let ahead = Record::from_json(record.to_string().as_bytes());
    let saved = chat.store.save("bot/case", &ahead, Some(revision)).await.expect("saved");
    assert!(matches!(saved, Saved::Written(_)));
    let started = Instant::now();
    assert_eq!(chat.other().say("a", 2).await, "a");
    assert!(started.elapsed() < Duration::from_secs(4), "{:?}", started.elapsed());
    let (record, _) = chat.record().await.expect("a record");
    let day = Duration::from_secs(24 * 3600 + 60);
    let tomorrow = Timestamp::now().as_millis() + i64::try_from(day.as_millis()).expect("a day");
    assert!(record.expires_at().as_millis() < tomorrow);
}

#[tokio::test(start_paused = true)]
async fn a_record_of_an_older_version_is_read() {
    let chat = Chat::new();
    let tomorrow = Timestamp::now().as_millis() + 24 * 3_600_000;
    let record = json!({
        "state": { "version": 2, "json": ["a"] }, "answers": [], "turn": 7, "expires_at": tomorrow,
    });
    let record = Record::from_json(record.to_string().as_bytes());
    let saved = chat.store.save("bot/case", &record, None).await.expect("saved");
    assert!(matches!(saved, Saved::Written(_)));
    assert_eq!(chat.say("b", 1).await, "a b");
}

#[tokio::test(start_paused = true)]
async fn a_turn_that_loses_its_conversation_ends_without_a_commit() {
    let chat = Chat::with(|bot| bot.lease(Duration::from_secs(1)));
    let stolen = async {
        chat.guide.reached.notified().await;
        let (_, revision) = chat.record().await.expect("a record");
        assert!(chat.store.remove("bot/case", revision).await.expect("removed"));
    };
    let started = Instant::now();
    assert_eq!(tokio::join!(chat.say("wait", 1), stolen).0, FALLBACK);
    assert!(started.elapsed() < Duration::from_secs(1), "the step ran on");
    assert!(chat.record().await.is_none());
}

#[tokio::test(start_paused = true)]
async fn a_commit_that_failed_is_looked_up_and_tried_again() {
    use Fault::{AfterWrite, BeforeWrite, None};

    for faults in [&[None, AfterWrite][..], &[None, BeforeWrite, BeforeWrite, AfterWrite]] {
        let chat = Chat::new();
        chat.store.faults(faults);
        assert_eq!(chat.say("a", 1).await, "a");
        assert_eq!(chat.say("a", 1).await, "a");
        assert_eq!(chat.say("b", 2).await, "a b");
        assert_eq!(chat.steps(), ["a", "b"]);
    }
}

#[tokio::test(start_paused = true)]
async fn a_renewal_that_failed_costs_nothing() {
    use Fault::{AfterWrite, BeforeWrite, None};

    let chat = Chat::with(|bot| bot.lease(SLOW));
    chat.store.faults(&[None, AfterWrite, BeforeWrite]);
    assert_eq!(chat.say("slow", 1).await, "slow");
    assert_eq!(chat.say("a", 2).await, "slow a");
}

#[tokio::test(start_paused = true)]
async fn a_store_that_stays_down_costs_the_turn_and_nothing_else() {
    let chat = Chat::new();
    assert_eq!(chat.say("a", 1).await, "a");
    chat.store.faults(&[Fault::None]);
    chat.store.faults(&[Fault::BeforeWrite; 5]);
    assert_eq!(chat.say("b", 2).await, FALLBACK);
    let started = Instant::now();
    assert_eq!(chat.say("c", 3).await, "a c");
    assert!(started.elapsed() < Duration::from_secs(1), "it waited for the lease");
}

#[tokio::test(start_paused = true)]
async fn lease_written_despite_a_failure_is_given_back() {
    for fault in [Fault::BeforeWrite, Fault::AfterWrite] {
        let chat = Chat::new();
        chat.store.faults(&[fault]);
        assert_eq!(chat.say("a", 1).await, FALLBACK);
        let started = Instant::now();
        assert_eq!(chat.say("a", 1).await, "a");
        assert!(started.elapsed() < Duration::from_secs(1), "it waited for the lease");
    }
}

#[tokio::test(start_paused = true)]
async fn step_blocking_past_its_lease_is_logged() {
    let chat = Chat::with(|bot| bot.lease(Duration::ZERO));
    record_log();
    assert_eq!(chat.say("blocks", 1).await, "blocks");
    let hint = "step blocked its thread past its lease: see `tokio::task::spawn_blocking`";
    assert_eq!(log().matches(hint).count(), 1);
    assert_eq!(chat.say("a", 2).await, "blocks a");
    assert_eq!(log().matches(hint).count(), 0);
}

/// A bot on a store that fails when told to, behind a receiver.
struct Chat {
    guide: Arc<Guide>,
    store: Arc<Faulty>,
    receiver: Receiver,
}

type GuideBot = Bot<Shared, Arc<Faulty>>;

impl Chat {
    fn new() -> Self {
        Self::with(|bot| bot)
    }

    fn with(settings: impl FnOnce(GuideBot) -> GuideBot) -> Self {
        let (guide, store) = (Arc::<Guide>::default(), Arc::<Faulty>::default());
        let bot = Bot::new(Shared(Arc::clone(&guide)), Arc::clone(&store));
        Self { guide, store, receiver: receiver(settings(bot)) }
    }

    /// The same bot on the same store, as in another process.
    fn other(&self) -> Self {
        let (guide, store) = (Arc::clone(&self.guide), Arc::clone(&self.store));
        let bot = Bot::new(Shared(Arc::clone(&guide)), Arc::clone(&store));
        Self { guide, store, receiver: receiver(bot) }
    }

    async fn say(&self, text: &str, timestamp: i64) -> String {
        let message = json!({ "event": "message", "timestamp": timestamp, "text": text });
        self.send("case", message).await
    }

    async fn send(&self, case_id: &str, event: Value) -> String {
        send(&self.receiver, case_id, event).await
    }

    async fn record(&self) -> Option<(Record, Revision)> {
        let found = self.store.load("bot/case").await.expect("loaded")?;
        Some((found.record, found.revision))
    }

    /// Where the transfers were to go that failed.
    fn failed(&self) -> Vec<Value> {
        self.guide.failed.lock().expect("not poisoned").clone()
    }

    /// The inputs of the steps that went through.
    fn steps(&self) -> Vec<String> {
        self.guide.steps.lock().expect("not poisoned").clone()
    }
}

fn receiver(bot: impl snapengage::bot::Handler) -> Receiver {
    let builder = Receiver::builder().bot("/bot", Token::new("my-token"), bot);
    builder.build().expect("a receiver")
}

/// What a delivery is answered: the text, or the command.
async fn send(receiver: &Receiver, case_id: &str, mut event: Value) -> String {
    event["widget_id"] = "widget".into();
    event["case_id"] = case_id.into();
    let request = Request::post("/bot").header("Authorization", "my-token");
    let response = receiver.handle(request.body(event.to_string()).expect("a request")).await;
    assert_eq!(response.status(), 200);
    let body: Value = serde_json::from_slice(&response.into_body().into_bytes()).expect("JSON");
    let content = &body["content"][0];
    content["text"].as_str().or(content["operation"].as_str()).unwrap_or_default().to_owned()
}

/// A dialogue that remembers all it was told, and says it back.
#[derive(Default)]
struct Guide {
    steps: Mutex<Vec<String>>,
    failed: Mutex<Vec<Value>>,
    reached: Notify,
    open: Notify,
    /// Whether what goes wrong once has done so.
    is_mended: AtomicBool,
}

impl Guide {
    async fn obey(&self, text: &str) -> Result<(), HandlerError> {
        match text {
            "fails" if !self.is_mended.swap(true, Ordering::Relaxed) => {
                return Err("told to fail".into());
            }
            "panics" if !self.is_mended.swap(true, Ordering::Relaxed) => panic!("told to panic"),
            "hangs" => std::future::pending().await,
            "slow" => sleep(SLOW).await,
            "blocks" => std::thread::sleep(Duration::from_millis(11)),
            "wait" => {
                self.reached.notify_one();
                self.open.notified().await;
            }
            _ => {}
        }
        Ok(())
    }
}

struct Shared(Arc<Guide>);

#[async_trait]
impl Dialogue for Shared {
    type State = Vec<String>;

    const VERSION: u32 = 2;

    fn start(&self) -> Vec<String> {
        Vec::new()
    }

    async fn step(
        &self,
        mut state: Vec<String>,
        input: Input,
    ) -> Result<Step<Vec<String>>, HandlerError> {
        let text = match input {
            Input::Opened(_) => "opened".to_owned(),
            Input::Said(message) => message.text,
            Input::Clicked { id, .. } => id,
            Input::TransferFailed(result) => {
                let params = result.failed_commands.into_iter().filter_map(|failed| failed.params);
                self.0.failed.lock().expect("not poisoned").extend(params);
                "failed".to_owned()
            }
            Input::Closed(_) => "closed".to_owned(),
            other => panic!("an input that is not documented: {other:?}"),
        };
        self.0.obey(&text).await?;
        self.0.steps.lock().expect("not poisoned").push(text.clone());
        state.push(text.clone());
        let reply = Reply::say(state.join(" "));
        Ok(if text == "end" { Step::end(reply) } else { Step::go(state, reply) })
    }

    fn migrate(&self, version: u32, state: Value) -> Option<Vec<String>> {
        assert_eq!(version, Old::VERSION);
        let text = state.as_str().filter(|text| *text != "unreadable")?;
        Some(vec![text.to_owned()])
    }
}

/// What the guide was in its first version: it knew no more than the last text.
struct Old;

#[async_trait]
impl Dialogue for Old {
    type State = String;

    fn start(&self) -> String {
        String::new()
    }

    async fn step(&self, _state: String, input: Input) -> Result<Step<String>, HandlerError> {
        let Input::Said(message) = input else { return Ok(Step::stay(Reply::new())) };
        Ok(Step::go(message.text.clone(), Reply::say(message.text)))
    }
}

/// Knows by what address a visitor came, and says so.
struct Guest;

#[async_trait]
impl Dialogue for Guest {
    type State = Vec<String>;

    fn start(&self) -> Vec<String> {
        Vec::new()
    }

    fn open(&self, chat: &ChatStarted, before: Option<Vec<String>>) -> Vec<String> {
        before.into_iter().flatten().chain(chat.email.clone()).collect()
    }

    async fn step(&self, state: Vec<String>, _: Input) -> Result<Step<Vec<String>>, HandlerError> {
        Ok(Step::stay(Reply::say(state.join(" "))))
    }
}

/// Says what it was told, above buttons.
struct Menu;

#[async_trait]
impl Dialogue for Menu {
    type State = ();

    fn start(&self) {}

    async fn step(&self, (): (), input: Input) -> Result<Step<()>, HandlerError> {
        let told = match input {
            Input::Said(message) if message.text == "silence" => {
                return Ok(Step::stay(Reply::new()));
            }
            Input::Said(message) => format!("said {}", message.text),
            Input::Clicked { id, message } => {
                assert_eq!(message.id.as_ref(), Some(&id));
                format!("clicked {id}, {}", message.text)
            }
            other => panic!("told {other:?}"),
        };
        let reply = Reply::say(&told);
        if told == "said nothing" {
            return Ok(Step::stay(reply));
        }
        let reply = reply.button(Button::new("Yes").id("yes")).button("ÄÖÜ");
        let twins = ["a", "b"].map(|id| Button::new("Same").id(id));
        Ok(Step::stay(twins.into_iter().fold(reply, Reply::button)))
    }
}

/// A visitor without a mouse.
struct Typist {
    receiver: Receiver,
    time: AtomicI64,
}

impl Typist {
    async fn types(&self, text: &str) -> String {
        let time = self.time.fetch_add(1, Ordering::Relaxed);
        let message = json!({ "event": "message", "timestamp": time, "text": text });
        send(&self.receiver, "case", message).await
    }
}

/// What becomes of a write.
#[derive(Clone, Copy)]
enum Fault {
    None,
    /// It fails.
    BeforeWrite,
    /// It is done, and is said to have failed.
    AfterWrite,
}

/// A store whose next writes go as they are told to.
#[derive(Default)]
struct Faulty {
    inner: MemoryStore,
    expires_by_itself: AtomicBool,
    faults: Mutex<VecDeque<Fault>>,
}

impl Faulty {
    fn faults(&self, faults: &[Fault]) {
        self.faults.lock().expect("not poisoned").extend(faults);
    }
}

#[async_trait]
impl Store for Faulty {
    async fn load(&self, key: &str) -> Result<Option<Loaded>, StoreError> {
        self.inner.load(key).await
    }

    async fn save(
        &self,
        key: &str,
        record: &Record,
        seen: Option<Revision>,
    ) -> Result<Saved, StoreError> {
        let fault = self.faults.lock().expect("not poisoned").pop_front();
        if let Some(Fault::BeforeWrite) = fault {
            return Err(StoreError::new("told to fail before the write"));
        }
        let saved = self.inner.save(key, record, seen).await?;
        if let Some(Fault::AfterWrite) = fault {
            return Err(StoreError::new("told to fail after the write"));
        }
        Ok(saved)
    }

    async fn remove(&self, key: &str, seen: Revision) -> Result<bool, StoreError> {
        self.inner.remove(key, seen).await
    }

    async fn sweep(&self, now: Timestamp) -> Result<u64, StoreError> {
        self.inner.sweep(now).await
    }

    fn expires_by_itself(&self) -> bool {
        self.expires_by_itself.load(Ordering::Relaxed)
    }
}
