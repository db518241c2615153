//! One turn of a bot, from the request to the reply, on each store.
//!
//! `cargo bench --all-features --bench stores`. NATS is left out where `NATS_URL` names no server.

use std::hint::black_box;

use criterion::{Criterion, criterion_group, criterion_main};
use http::Request;
use snapengage::bot::Reply;
use snapengage::dialogue::{
    Bot, Dialogue, Input, MemoryStore, NatsStore, SqliteStore, Step, Store,
};
use snapengage::{HandlerError, Receiver, Token, async_trait};
use tokio::runtime::Runtime;

/// Conversations start again after so many turns.
const TURNS: u64 = 5;

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

fn turn(criterion: &mut Criterion, runtime: &Runtime, name: &str, store: impl Store) {
    let bot = Bot::new(Count, store);
    let receiver = Receiver::builder().bot("/bot", Token::new("my-token"), bot).build();
    let receiver = receiver.expect("a receiver");
    let mut deliveries = 0;
    criterion.bench_function(&format!("turn/{name}"), |bencher| {
        bencher.iter(|| {
            deliveries += 1;
            let body = format!(
                r#"{{"event":"message","widget_id":"w","case_id":"{}","timestamp":{deliveries},"text":"Hello"}}"#,
                deliveries / TURNS
            );
            let request = Request::post("/bot").header("Authorization", "my-token").body(body);
            black_box(runtime.block_on(receiver.handle(request.expect("a request"))))
        });
    });
}

fn stores(criterion: &mut Criterion) {
    let builder = &mut tokio::runtime::Builder::new_current_thread();
    let runtime = builder.enable_all().build().expect("a runtime");
    turn(criterion, &runtime, "memory", MemoryStore::new());

    let dir = tempfile::tempdir().expect("a folder");
    let store = SqliteStore::open(dir.path().join("conversations.db")).expect("opened");
    turn(criterion, &runtime, "sqlite", store);

    if let Ok(url) = std::env::var("NATS_URL") {
        let store = runtime.block_on(NatsStore::connect(&url, "bench")).expect("connected");
        turn(criterion, &runtime, "nats", store);
    }
}

criterion_group!(benches, stores);
criterion_main!(benches);
