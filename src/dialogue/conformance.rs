//! Promises that every [`Store`] must keep, as a test to run.
//!
//! ```
//! use std::sync::Arc;
//!
//! use snapengage::dialogue::{MemoryStore, conformance};
//!
//! # #[tokio::main(flavor = "current_thread", start_paused = true)]
//! # async fn main() {
//! let store = Arc::new(MemoryStore::new());
//! conformance::run(async || Arc::clone(&store)).await;
//! # }
//! ```
//!
//! A store on disk or behind a network is opened anew each time, as another process would open it.

use std::fmt::Debug;
use std::panic::Location;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use serde_json::value::to_raw_value;
use serde_json::{Value, json};
use tokio::sync::Notify;
use tokio::task::JoinSet;

use super::bot::Bot;
use super::input::Input;
use super::record::{Record, SavedState};
use super::step::{Dialogue, Step};
use super::store::{Revision, Saved, Store};
use crate::bot::{Event, Handler, Message, Reply};
use crate::error::HandlerError;
use crate::timestamp::Timestamp;

/// Runs all checks, one after the other. `open` opens the same store each time, which is empty at
/// first and used by nobody else.
///
/// It takes a second or two, or none if tokio's time is paused.
///
/// # Panics
///
/// If the store breaks a promise. The message names the check and its finding, and where the suite
/// was called.
#[track_caller]
pub fn run<S: Store>(open: impl AsyncFn() -> S) -> impl Future<Output = ()> {
    let caller = Location::caller();
    async move {
        let report = |check: &str, outcome: Checked| {
            if let Err(failure) = outcome {
                panic!("{caller}: the store fails the check `{check}`: {failure}");
            }
        };
        report("compare and swap", compare_and_swap(open().await).await);
        report("no revision comes twice", no_revision_comes_twice(open().await).await);
        report("odd keys", odd_keys(open().await).await);
        report("large record", large_record(open().await).await);
        report("two writers", two_writers(open().await, open().await).await);
        report("many writers", many_writers(open().await, open().await).await);
        report("opened again", opened_again(&open).await);
        report("sweep", sweep(open().await).await);
        report("one turn for one delivery", one_turn(open().await, open().await).await);
        report("stopped in a turn", stopped_in_a_turn(open().await, open().await).await);
        report("failed turn", failed_turn(open().await).await);
        report("end of a conversation", end(open().await).await);
        report("time to live", time_to_live(open().await).await);
        report("version change", version_change(Arc::new(open().await)).await);
    }
}

type Checked = Result<(), HandlerError>;

fn must(holds: bool, what: &str) -> Checked {
    if holds { Ok(()) } else { Err(format!("expected {what}").into()) }
}

fn same<T: PartialEq + Debug>(found: &T, expected: &T, what: &str) -> Checked {
    if found == expected {
        return Ok(());
    }
    Err(format!("{what}: found {found:?}, expected {expected:?}").into())
}

/// Creates a record that can be told from others.
fn record(number: u64) -> Record {
    let json = to_raw_value(&number).expect("a number can be written as JSON");
    Record {
        state: Some(Arc::new(SavedState { version: 1, json })),
        expires_at: Timestamp::MAX,
        ..Record::expired()
    }
}

fn number(record: &Record) -> Option<u64> {
    serde_json::from_str(record.state.as_ref()?.json.get()).ok()
}

/// Finds the record under a key: its number, and its revision.
async fn find(
    store: &impl Store,
    key: &str,
) -> Result<Option<(Option<u64>, Revision)>, HandlerError> {
    Ok(store.load(key).await?.map(|found| (number(&found.record), found.revision)))
}

/// Saves a record, and fails if it is not written.
async fn save(
    store: &impl Store,
    key: &str,
    number: u64,
    seen: Option<Revision>,
) -> Result<Revision, HandlerError> {
    let saved = store.save(key, &record(number), seen).await?;
    saved
        .revision()
        .ok_or_else(|| format!("save of record {number} over {seen:?} was refused").into())
}

async fn compare_and_swap(store: impl Store) -> Checked {
    let key = "swap/1";
    same(&find(&store, key).await?, &None, "a key that was never written")?;
    let stray = Revision(1);
    let saved = store.save(key, &record(0), Some(stray)).await?;
    same(&saved, &Saved::Conflict, "save over a record that is not there")?;
    must(!store.remove(key, stray).await?, "no removal of a record that is not there")?;

    let first = save(&store, key, 1, None).await?;
    same(&find(&store, key).await?, &Some((Some(1), first)), "the first record")?;
    same(
        &store.save(key, &record(2), None).await?,
        &Saved::Conflict,
        "save of a new record over another",
    )?;
    let second = save(&store, key, 3, Some(first)).await?;
    same(
        &store.save(key, &record(4), Some(first)).await?,
        &Saved::Conflict,
        "save over an old revision",
    )?;
    must(!store.remove(key, first).await?, "no removal of an old revision")?;
    same(&find(&store, key).await?, &Some((Some(3), second)), "the record after refusals")?;
    must(store.remove(key, second).await?, "removal of the last revision")?;
    same(&find(&store, key).await?, &None, "the record after its removal")
}

async fn no_revision_comes_twice(store: impl Store) -> Checked {
    let key = "revisions/1";
    let mut revisions = Vec::new();
    for number in 0..3 {
        let first = save(&store, key, number, None).await?;
        let second = save(&store, key, number, Some(first)).await?;
        must(!revisions.contains(&first), "a new revision after a removal")?;
        must(first != second && !revisions.contains(&second), "a new revision with every write")?;
        must(store.remove(key, second).await?, "removal of the last revision")?;
        revisions.extend([first, second]);
    }
    let last = save(&store, key, 9, None).await?;
    for revision in revisions {
        let saved = store.save(key, &record(8), Some(revision)).await?;
        same(&saved, &Saved::Conflict, "save over a revision from before a removal")?;
    }
    same(&find(&store, key).await?, &Some((Some(9), last)), "the record after refusals")
}

async fn odd_keys(store: impl Store) -> Checked {
    let long = "long".repeat(50);
    let keys = ODD_KEYS.into_iter().chain([&*long]);
    for (number, key) in (0..).zip(keys.clone()) {
        save(&store, key, number, None).await.map_err(|error| format!("key {key:?}: {error}"))?;
    }
    for (number, key) in (0..).zip(keys) {
        let found = find(&store, key).await?.and_then(|(number, _)| number);
        same(&found, &Some(number), &format!("the record under the key {key:?}"))?;
    }
    Ok(())
}

/// Keys of letters in either case, of characters with a meaning in subjects, paths and queries, and
/// of none.
const ODD_KEYS: [&str; 18] = [
    "odd/a",
    "odd/A",
    "odd/a ",
    "odd/a.",
    "odd/a..b",
    "odd/.",
    "odd/*",
    "odd/>",
    "odd/%20",
    "odd/=2E",
    "odd/ä",
    "odd/😀",
    "odd/a/b",
    "odd/",
    "odd",
    "odd/\u{0}",
    "odd/\n",
    "odd/'",
];

async fn large_record(store: impl Store) -> Checked {
    let text = "äöü\u{0}\n\"".repeat(20_000);
    let json = to_raw_value(&text)?;
    let large = Record { state: Some(Arc::new(SavedState { version: 1, json })), ..record(0) };
    let _ = store.save("large/1", &large, None).await?;
    let found = store.load("large/1").await?.map(|found| found.record.to_json());
    must(found == Some(large.to_json()), "a record of 200 kB as it was written")
}

async fn two_writers<S: Store>(a: S, b: S) -> Checked {
    let key = "writers/2";
    let first = save(&a, key, 1, None).await?;
    same(&find(&b, key).await?, &Some((Some(1), first)), "what the other wrote")?;
    let second = save(&b, key, 2, Some(first)).await?;
    same(
        &a.save(key, &record(3), Some(first)).await?,
        &Saved::Conflict,
        "save over what the other wrote",
    )?;
    must(!a.remove(key, first).await?, "no removal of what the other wrote")?;
    same(&find(&a, key).await?, &Some((Some(2), second)), "what the other wrote")?;
    must(a.remove(key, second).await?, "removal of what the other wrote last")?;
    same(&find(&b, key).await?, &None, "what the other removed")
}

/// Has writers each add to one number until they have added their share. No addition may be lost.
async fn many_writers<S: Store>(a: S, b: S) -> Checked {
    const WRITERS: u64 = 8;
    const SHARE: u64 = 10;
    let (a, b) = (Arc::new(a), Arc::new(b));
    let mut writers = JoinSet::new();
    for writer in 0..WRITERS {
        let store = Arc::clone(if writer % 2 == 0 { &a } else { &b });
        writers.spawn(async move {
            for _ in 0..SHARE {
                add_one(&*store, "writers/8").await?;
            }
            Checked::Ok(())
        });
    }
    while let Some(done) = writers.join_next().await {
        done??;
    }
    let found = find(&*a, "writers/8").await?.and_then(|(number, _)| number);
    same(&found, &Some(WRITERS * SHARE), "the sum of what all writers added")
}

async fn add_one(store: &impl Store, key: &str) -> Checked {
    loop {
        let (number, seen) = find(store, key).await?.unzip();
        let next = number.flatten().unwrap_or(0) + 1;
        if store.save(key, &record(next), seen).await?.revision().is_some() {
            return Ok(());
        }
        tokio::task::yield_now().await;
    }
}

async fn opened_again<S: Store>(open: &impl AsyncFn() -> S) -> Checked {
    let store = open().await;
    let first = save(&store, "again/1", 1, None).await?;
    let second = save(&store, "again/1", 2, Some(first)).await?;
    drop(store);
    let store = open().await;
    same(&find(&store, "again/1").await?, &Some((Some(2), second)), "what was written before")?;
    save(&store, "again/1", 3, Some(second)).await.map(drop)
}

async fn sweep(store: impl Store) -> Checked {
    let millis = [0, 999, 1_000, 1_001, 2_000].into_iter();
    let times: Vec<_> = millis.filter_map(Timestamp::from_millis).collect();
    for time in &times {
        let record = Record { expires_at: *time, ..record(0) };
        let _ = store.save(&format!("sweep/{time}"), &record, None).await?;
    }
    let now = times[2];
    same(&store.sweep(now).await?, &3, "how many were swept")?;
    same(&store.sweep(now).await?, &0, "how many were swept the second time")?;
    for time in &times {
        let is_there = store.load(&format!("sweep/{time}")).await?.is_some();
        same(&is_there, &(*time > now), &format!("record that expires at {time}, is there"))?;
    }
    save(&store, &format!("sweep/{now}"), 1, None).await.map(drop)
}

async fn one_turn<S: Store>(a: S, b: S) -> Checked {
    let (a, b) = (Tally::<1>::bot(a), Tally::<1>::bot(b));
    let delivery = || message("delivery", "add", 1);
    let (first, second) = tokio::join!(a.message(delivery()), b.message(delivery()));
    same(&first?, &Reply::say("1"), "the reply to a delivery")?;
    same(&second?, &Reply::say("1"), "the reply to the same delivery, at the same time")?;
    answers(&b, delivery(), "1", "the reply to the same delivery, late").await?;
    answers(&a, message("delivery", "add", 2), "2", "the reply to the next delivery").await
}

/// Runs a process that stops between begin and commit, and one that comes back after its lease ran
/// out.
async fn stopped_in_a_turn<S: Store>(a: S, b: S) -> Checked {
    let (a, b) = (Tally::<1>::bot(a), Tally::<1>::bot(b));
    let gate = Arc::clone(&a.dialogue.gate);
    let mut stopped = pin!(a.message(message("stopped", "wait", 1)));
    tokio::select! {
        done = &mut stopped => return Err(format!("the turn did not wait: {done:?}").into()),
        () = gate.reached.notified() => {}
    }
    let next = message("stopped", "add", 2);
    answers(&b, next, "1", "the reply of the one that takes over").await?;
    gate.open.notify_one();
    must(stopped.await.is_err(), "no commit of a turn whose lease was lost")?;
    answers(&a, message("stopped", "add", 3), "2", "the reply after both").await
}

async fn failed_turn(store: impl Store) -> Checked {
    let bot = Tally::<1>::bot(store);
    must(bot.message(message("failed", "fail", 1)).await.is_err(), "a failure")?;
    let found = bot.store.load("bot/failed").await?;
    must(found.is_none(), "no trace of a first turn that failed")?;
    answers(&bot, message("failed", "add", 2), "1", "the reply after a failure").await?;
    let before = bot.store.load("bot/failed").await?.map(|found| found.record.to_json());
    must(bot.message(message("failed", "fail", 3)).await.is_err(), "a failure")?;
    let after = bot.store.load("bot/failed").await?.map(|found| found.record.to_json());
    must(before == after, "no trace of a turn that failed")
}

async fn end(store: impl Store) -> Checked {
    let bot = Tally::<1>::bot(store);
    answers(&bot, message("end", "add", 1), "1", "the first reply").await?;
    answers(&bot, message("end", "end", 2), "2", "the last reply").await?;
    answers(&bot, message("end", "end", 2), "2", "the last reply, again").await?;
    answers(&bot, message("end", "add", 3), "1", "the reply in a new conversation").await
}

async fn time_to_live(store: impl Store) -> Checked {
    let bot = Tally::<1>::bot(store).time_to_live(Duration::ZERO);
    answers(&bot, message("expired", "add", 1), "1", "the first reply").await?;
    let next = message("expired", "add", 2);
    answers(&bot, next, "1", "the reply in a conversation that has expired").await?;
    bot.sweep().await?;
    must(bot.store.load("bot/expired").await?.is_none(), "no trace after the sweep")
}

async fn version_change(store: Arc<impl Store>) -> Checked {
    let first = Tally::<1>::bot(Arc::clone(&store));
    answers(&first, message("version", "add", 1), "1", "the reply of version 1").await?;
    let second = Tally::<2>::bot(Arc::clone(&store));
    answers(&second, message("version", "add", 2), "102", "the reply of version 2").await?;
    let third = Tally::<3>::bot(Arc::clone(&store));
    answers(&third, message("version", "add", 3), "1", "the reply of version 3").await?;
    answers(&third, message("version", "add", 2), "102", "the reply of version 2, again").await
}

async fn answers(bot: &impl Handler, message: Message, text: &str, what: &str) -> Checked {
    same(&bot.message(message).await?, &Reply::say(text), what)
}

/// Dialogue that counts the turns of a conversation.
///
/// Version 2 adds 100 to the number of version 1. Version 3 can read neither.
struct Tally<const VERSION: u32> {
    gate: Arc<Gate>,
}

/// Gate for a turn that is to wait.
#[derive(Default)]
struct Gate {
    reached: Notify,
    open: Notify,
}

impl<const VERSION: u32> Tally<VERSION> {
    fn bot<S: Store>(store: S) -> Bot<Self, S> {
        Bot::new(Self { gate: Arc::default() }, store).lease(Duration::from_millis(500))
    }
}

#[async_trait]
impl<const V: u32> Dialogue for Tally<V> {
    type State = u64;

    const VERSION: u32 = V;

    fn start(&self) -> u64 {
        0
    }

    async fn step(&self, state: u64, input: Input) -> Result<Step<u64>, HandlerError> {
        let Input::Said(message) = input else { return Ok(Step::stay(Reply::new())) };
        let reply = Reply::say((state + 1).to_string());
        match message.text.as_str() {
            "fail" => return Err("told to fail".into()),
            "end" => return Ok(Step::end(reply)),
            "wait" => {
                self.gate.reached.notify_one();
                self.gate.open.notified().await;
            }
            _ => {}
        }
        Ok(Step::go(state + 1, reply))
    }

    fn migrate(&self, version: u32, state: Value) -> Option<u64> {
        ((version, V) == (1, 2)).then_some(state.as_u64()? + 100)
    }
}

fn message(case_id: &str, text: &str, timestamp: i64) -> Message {
    let event = json!({
        "event": "message",
        "widget_id": "widget",
        "case_id": case_id,
        "text": text,
        "timestamp": timestamp,
    });
    match Event::from_json(event.to_string().as_bytes()) {
        Ok(Event::Message(message)) => message,
        other => panic!("expected a message, found {other:?}"),
    }
}
