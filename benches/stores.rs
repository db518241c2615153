//! Turns a second of a bot, through the receiver, with 1 to 256 conversations at once on each
//! store, beside bare transactions of the same record with `synchronous = full`, one and 64 records
//! to each.
//!
//! `cargo bench --all-features --bench stores`, on the disk of `CARGO_TARGET_DIR`. NATS is a `nats-server`
//! that is started here, once as it comes and once with `sync_interval: always`. Rounds of all take
//! turns, so that a disk that is slow for a while is slow for each; the figures are medians.

#![expect(clippy::print_stdout, reason = "ratios, which criterion does not know, are told here")]

#[path = "../tests/support/nats_server.rs"]
mod nats;

use std::env;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use http::Request;
use nats::{SYNCED, Server};
use rusqlite::{Connection, params};
use snapengage::bot::Reply;
use snapengage::dialogue::{
    Bot, Dialogue, Input, MemoryStore, NatsStore, SqliteStore, Step, Store,
};
use snapengage::{HandlerError, Receiver, Token, async_trait};
use tokio::runtime::Runtime;
use tokio::task::JoinSet;

const AT_ONCE: [usize; 4] = [1, 16, 64, 256];
/// How many records a bare transaction has.
const BARE: [usize; 2] = [1, 64];
/// Conversations start again after so many turns.
const TURNS: u32 = 5;

struct Count;

#[async_trait]
impl Dialogue for Count {
    type State = u64;

    fn start(&self) -> u64 {
        0
    }

    async fn step(&self, state: u64, _input: Input) -> Result<Step<u64>, HandlerError> {
        Ok(Step::go(state + 1, Reply::say("Which one would you like?").button("Yes").button("No")))
    }
}

fn receiver(store: impl Store) -> Receiver {
    let bot = Bot::new(Count, store);
    Receiver::builder().bot("/bot", Token::new("my-token"), bot).build().expect("a receiver")
}

/// Of an id in no order, as the vendor's are not.
fn case_id(number: u64) -> String {
    let number = u128::from(number + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835);
    format!("{number:032x}")
}

/// No two conversations are the same, in any round.
fn next_conversation() -> u64 {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    NEXT.fetch_add(1, Ordering::Relaxed)
}

async fn converse(receiver: &Receiver) {
    let case_id = case_id(next_conversation());
    for turn in 0..TURNS {
        let timestamp = 1_551_461_879_355 + u64::from(turn);
        let body = format!(
            r#"{{"event":"message","widget_id":"w","case_id":"{case_id}","timestamp":{timestamp},"text":"Hello"}}"#
        );
        let request = Request::post("/bot").header("Authorization", "my-token").body(body);
        let response = receiver.handle(request.expect("a request")).await;
        let body = response.into_body().into_bytes();
        assert!(body.windows(5).any(|word| word == b"Which"), "no fallback");
    }
}

/// Turns a second.
async fn turns(receiver: &Receiver, at_once: usize, length: Duration) -> f64 {
    let mut visitors = JoinSet::new();
    let started = Instant::now();
    for _ in 0..at_once {
        let receiver = receiver.clone();
        visitors.spawn(async move {
            let mut turns = 0;
            while started.elapsed() < length {
                converse(&receiver).await;
                turns += u64::from(TURNS);
            }
            turns
        });
    }
    let turns = visitors.join_all().await.into_iter().sum();
    per_second(turns, started)
}

fn per_second(count: u64, started: Instant) -> f64 {
    count as f64 / started.elapsed().as_secs_f64()
}

struct Bare {
    connection: Connection,
    /// As the store writes it in the last turn.
    record: String,
}

impl Bare {
    fn beside(store: &Path, path: &Path) -> Self {
        let select = "SELECT record FROM conversation ORDER BY length(record) DESC LIMIT 1";
        let store = Connection::open(store).expect("opened");
        let record = store.query_row(select, [], |row| row.get(0)).expect("a record");
        let connection = Connection::open(path).expect("opened");
        connection
            .execute_batch(
                "PRAGMA journal_mode = wal;
                PRAGMA synchronous = full;
                CREATE TABLE conversation (
                    key TEXT NOT NULL PRIMARY KEY,
                    revision INTEGER NOT NULL,
                    expires_at INTEGER NOT NULL,
                    record TEXT NOT NULL
                ) STRICT;",
            )
            .expect("created");
        Self { connection, record }
    }

    /// Records a second. Each is written over as often as a conversation has turns.
    fn records(&mut self, at_once: usize, length: Duration) -> f64 {
        const UPSERT: &str = "
            INSERT INTO conversation VALUES (?1, ?2, ?3, ?4) ON CONFLICT DO UPDATE
            SET revision = excluded.revision, expires_at = excluded.expires_at, record = excluded.record";
        let started = Instant::now();
        let mut records = 0;
        while started.elapsed() < length {
            let keys: Vec<_> = (0..at_once).map(|_| case_id(next_conversation())).collect();
            for turn in 0..i64::from(TURNS) {
                let transaction = self.connection.transaction().expect("begun");
                let mut upsert = transaction.prepare_cached(UPSERT).expect("prepared");
                for key in &keys {
                    upsert.execute(params![key, turn, turn, self.record]).expect("written");
                    records += 1;
                }
                drop(upsert);
                transaction.commit().expect("committed");
            }
        }
        per_second(records, started)
    }
}

fn median(mut rates: Vec<f64>) -> f64 {
    rates.sort_by(f64::total_cmp);
    rates[rates.len() / 2]
}

/// `cargo test` passes no `--bench`, and has it all run once.
fn rounds() -> (usize, Duration) {
    if env::args().any(|argument| argument == "--bench") {
        (9, Duration::from_millis(500))
    } else {
        (1, Duration::from_millis(10))
    }
}

fn main() {
    let runtime = Runtime::new().expect("a runtime");
    let dir = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).expect("a folder");
    let path = dir.path().join("conversations.db");
    let (server, synced) = (Server::start(""), Server::start(SYNCED));
    let nats = |server: &Server| {
        let store = runtime.block_on(NatsStore::connect(&server.url(""), "bench"));
        receiver(store.expect("connected"))
    };
    let stores = [
        ("memory", receiver(MemoryStore::new())),
        ("sqlite", receiver(SqliteStore::open(&path).expect("opened"))),
        ("nats", nats(&server)),
        ("nats, synced", nats(&synced)),
    ];
    runtime.block_on(converse(&stores[1].1));
    let mut bare = Bare::beside(&path, &dir.path().join("bare.db"));
    let (rounds, length) = rounds();
    let mut bare_rates = BARE.map(|_| Vec::new());
    let mut rates = stores.each_ref().map(|_| AT_ONCE.map(|_| Vec::new()));
    for _ in 0..rounds {
        for (at, at_once) in AT_ONCE.into_iter().enumerate() {
            for ((_, receiver), rates) in stores.iter().zip(&mut rates) {
                rates[at].push(runtime.block_on(turns(receiver, at_once, length)));
            }
            for (at_once, rates) in BARE.into_iter().zip(&mut bare_rates) {
                rates.push(bare.records(at_once, length));
            }
        }
    }
    let [one, many] = bare_rates.map(median);
    println!("bare, 1 record a transaction: {one:.0} a second; 64: {many:.0}");
    for ((name, _), rates) in stores.iter().zip(rates) {
        for (at_once, rate) in AT_ONCE.into_iter().zip(rates.map(median)) {
            let (of_one, of_many) = (rate / one, rate / many);
            println!(
                "{name}, {at_once} at once: {rate:.0} turns a second, {of_one:.2} and {of_many:.3} of bare"
            );
        }
    }
}
