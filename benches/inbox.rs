//! Receipts of 4 KB, 1, 16 and 256 in flight: through the receiver into an inbox, and without it into what
//! the inbox is on, with the same durability. On the disk of `CARGO_TARGET_DIR`.
//!
//! SQLite: bare inserts, as many to a transaction. NATS: bare publishes, each acknowledged, to a
//! `nats-server` with `sync_interval: always`, which is started here.

#[cfg(feature = "nats")]
#[path = "../tests/support/nats_server.rs"]
mod nats;

use std::hint::black_box;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use bytes::Bytes;
use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use http::Request;
use http_body_util::Full;
use rusqlite::Connection;
use snapengage::inbox::Inbox;
use snapengage::{Receiver, Token, conversation};
use tokio::task::JoinSet;

const IN_FLIGHT: [u64; 3] = [1, 16, 256];

/// Of a case of its own, whose id is in no order, as the vendor's are not. Some come in each millisecond.
fn body(number: u64) -> Bytes {
    let text = "x".repeat(4000);
    let case_id = u128::from(number + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835);
    let timestamp = 1_551_461_879_355 + number / 20;
    let event = format!(
        r#"{{"event":"caseClosed","widget_id":"w","case_id":"{case_id:032x}","timestamp":{timestamp},"x":"{text}"}}"#
    );
    event.into()
}

fn folder() -> tempfile::TempDir {
    tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).expect("a folder")
}

/// Every request is of another case, over all rounds of a file.
struct Numbers(AtomicU64);

static NUMBERS: Numbers = Numbers(AtomicU64::new(0));

impl Numbers {
    fn next(&self) -> u64 {
        self.0.fetch_add(1, Ordering::Relaxed)
    }
}

async fn through_the_inbox(receiver: &Receiver, in_flight: u64, rounds: u64) -> Duration {
    let mut senders = JoinSet::new();
    let started = Instant::now();
    for _ in 0..in_flight {
        let receiver = receiver.clone();
        senders.spawn(async move {
            for _ in 0..rounds {
                let request = Request::post("/events").header("Authorization", "my-token");
                let body = Full::new(body(NUMBERS.next()));
                let response = receiver.handle(request.body(body).expect("a request")).await;
                assert_eq!(response.status(), 200);
            }
        });
    }
    senders.join_all().await;
    started.elapsed()
}

fn bare(path: &Path) -> Connection {
    let connection = Connection::open(path).expect("opened");
    connection
        .execute_batch(
            "PRAGMA journal_mode = wal;
            PRAGMA synchronous = full;
            CREATE TABLE entry (id INTEGER PRIMARY KEY, body BLOB NOT NULL);",
        )
        .expect("created");
    connection
}

fn into_bare_sqlite(connection: &mut Connection, at_once: u64) {
    let transaction = connection.transaction().expect("begun");
    for _ in 0..at_once {
        let mut insert =
            transaction.prepare_cached("INSERT INTO entry (body) VALUES (?1)").expect("prepared");
        insert.execute([&*black_box(body(NUMBERS.next()))]).expect("inserted");
    }
    transaction.commit().expect("committed");
}

fn receiver(inbox: &Inbox) -> Receiver {
    let handler = inbox.feed(conversation::from_fn(|_| async { Ok(()) }));
    Receiver::builder()
        .conversation("/events", Token::new("my-token"), handler)
        .build()
        .expect("a receiver")
}

fn on_sqlite(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("receipts on SQLite");
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    for in_flight in IN_FLIGHT {
        group.throughput(Throughput::Elements(in_flight));
        let dir = folder();
        let options = Inbox::options().size_limit(u64::MAX);
        let inbox = options.open(dir.path().join("inbox.db")).expect("an inbox");
        let receiver = receiver(&inbox);
        group.bench_function(BenchmarkId::new("inbox", in_flight), |bencher| {
            bencher.iter_custom(|rounds| {
                runtime.block_on(through_the_inbox(&receiver, in_flight, rounds))
            });
        });
        let mut connection = bare(&dir.path().join("bare.db"));
        group.bench_function(BenchmarkId::new("bare", in_flight), |bencher| {
            bencher.iter(|| into_bare_sqlite(&mut connection, in_flight));
        });
    }
}

#[cfg(feature = "nats")]
mod on_nats {
    use async_nats::jetstream::{self, Context, stream};

    use super::*;
    use crate::nats::{SYNCED, Server};

    async fn bare(url: &str) -> Context {
        let client = async_nats::connect(url).await.expect("connected");
        let jetstream = jetstream::new(client);
        let config = stream::Config {
            name: "bare".to_owned(),
            subjects: vec!["bare.*".to_owned()],
            ..stream::Config::default()
        };
        jetstream.create_stream(config).await.expect("created");
        jetstream
    }

    async fn into_bare_nats(jetstream: &Context, in_flight: u64, rounds: u64) -> Duration {
        let mut senders = JoinSet::new();
        let started = Instant::now();
        for _ in 0..in_flight {
            let jetstream = jetstream.clone();
            senders.spawn(async move {
                for _ in 0..rounds {
                    let number = NUMBERS.next();
                    let sent = jetstream.publish(format!("bare.{number}"), body(number)).await;
                    sent.expect("sent").await.expect("acknowledged");
                }
            });
        }
        senders.join_all().await;
        started.elapsed()
    }

    pub(super) fn receipts(criterion: &mut Criterion) {
        let mut group = criterion.benchmark_group("receipts on NATS");
        let runtime = tokio::runtime::Runtime::new().expect("a runtime");
        let server = Server::start(SYNCED);
        let url = server.url("");
        let options = Inbox::options().size_limit(u64::MAX);
        let inbox = runtime.block_on(options.connect(&url, "inbox")).expect("an inbox");
        let (receiver, jetstream) = (receiver(&inbox), runtime.block_on(bare(&url)));
        for in_flight in IN_FLIGHT {
            group.throughput(Throughput::Elements(in_flight));
            group.bench_function(BenchmarkId::new("inbox", in_flight), |bencher| {
                bencher.iter_custom(|rounds| {
                    runtime.block_on(through_the_inbox(&receiver, in_flight, rounds))
                });
            });
            group.bench_function(BenchmarkId::new("bare", in_flight), |bencher| {
                bencher.iter_custom(|rounds| {
                    runtime.block_on(into_bare_nats(&jetstream, in_flight, rounds))
                });
            });
        }
    }
}

#[cfg(not(feature = "nats"))]
criterion_group!(benches, on_sqlite);
#[cfg(feature = "nats")]
criterion_group!(benches, on_sqlite, on_nats::receipts);
criterion_main!(benches);
