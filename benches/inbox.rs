//! Receipts of 4 KB, 1, 16 and 256 in flight: through the receiver into an inbox, and as bare inserts
//! into SQLite with the same durability, as many to a transaction. On the disk of `CARGO_TARGET_DIR`.

use std::hint::black_box;
use std::path::Path;
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

fn body(number: u64) -> Bytes {
    let text = "x".repeat(4000);
    let event = format!(
        r#"{{"event":"caseClosed","widget_id":"w","case_id":"case-{number}","timestamp":1,"x":"{text}"}}"#
    );
    event.into()
}

fn folder() -> tempfile::TempDir {
    tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).expect("a folder")
}

/// Every request is of another case, over all rounds of a file.
struct Numbers(std::sync::atomic::AtomicU64);

impl Numbers {
    fn next(&self) -> u64 {
        self.0.fetch_add(1, std::sync::atomic::Ordering::Relaxed)
    }
}

async fn through_the_inbox(
    receiver: &Receiver,
    numbers: &'static Numbers,
    in_flight: u64,
    rounds: u64,
) -> Duration {
    let mut senders = JoinSet::new();
    let started = Instant::now();
    for _ in 0..in_flight {
        let receiver = receiver.clone();
        senders.spawn(async move {
            for _ in 0..rounds {
                let request = Request::post("/events").header("Authorization", "my-token");
                let body = Full::new(body(numbers.next()));
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

fn into_bare_sqlite(connection: &mut Connection, numbers: &Numbers, at_once: u64) {
    let transaction = connection.transaction().expect("begun");
    for _ in 0..at_once {
        let mut insert =
            transaction.prepare_cached("INSERT INTO entry (body) VALUES (?1)").expect("prepared");
        insert.execute([&*black_box(body(numbers.next()))]).expect("inserted");
    }
    transaction.commit().expect("committed");
}

fn receipts(criterion: &mut Criterion) {
    static NUMBERS: Numbers = Numbers(std::sync::atomic::AtomicU64::new(0));
    let mut group = criterion.benchmark_group("receipts");
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    for in_flight in IN_FLIGHT {
        group.throughput(Throughput::Elements(in_flight));
        let dir = folder();
        let options = Inbox::options().size_limit(u64::MAX);
        let inbox = options.open(dir.path().join("inbox.db")).expect("an inbox");
        let handler = inbox.feed(conversation::from_fn(|_| async { Ok(()) }));
        let receiver = Receiver::builder()
            .conversation("/events", Token::new("my-token"), handler)
            .build()
            .expect("a receiver");
        group.bench_function(BenchmarkId::new("inbox", in_flight), |bencher| {
            bencher.iter_custom(|rounds| {
                runtime.block_on(through_the_inbox(&receiver, &NUMBERS, in_flight, rounds))
            });
        });
        let mut connection = bare(&dir.path().join("bare.db"));
        group.bench_function(BenchmarkId::new("bare", in_flight), |bencher| {
            bencher.iter(|| into_bare_sqlite(&mut connection, &NUMBERS, in_flight));
        });
    }
}

criterion_group!(benches, receipts);
criterion_main!(benches);
