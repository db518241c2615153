//! Answers whole requests of every API by [`Receiver::handle`], from the head to the answer's body;
//! beside that, a service written by hand does the same without limits and deadlines.
//!
//! ```sh
//! cargo bench --bench requests
//! ```

use std::time::Duration;

use bytes::Bytes;
use criterion::measurement::WallTime;
use criterion::{BatchSize, BenchmarkGroup, BenchmarkId, Criterion, Throughput};
use http::{Request, Response, StatusCode};
use http_body_util::Full;
use snapengage::bot::Reply;
use snapengage::{Auth, Receiver, Token, agent_status, bot, contact, conversation, integration};
use tokio::runtime::Builder;

use crate::baseline::{CONTACT, TOKEN};

#[expect(unreachable_pub, reason = "shared with the servers of benches/instructions")]
mod baseline;
#[expect(dead_code, unreachable_pub, reason = "shared with the bench of decoding")]
mod samples;

fn main() {
    let mut criterion = Criterion::default()
        .warm_up_time(Duration::from_millis(500))
        .measurement_time(Duration::from_secs(2))
        .configure_from_args();
    let posts = [
        ("bot", "/bot", samples::messages()),
        ("integration JSON", "/integration", samples::chats()),
        ("integration XML", "/integration", samples::xml_chats()),
        ("conversation event", "/conversation-events", samples::events()),
        ("agent status", "/agent-status", samples::statuses()),
    ];
    for (api, path, bodies) in posts {
        for body in bodies {
            compare(&mut criterion, api, body.len(), &post(path, body));
        }
    }
    let [query, _] = samples::queries();
    compare(&mut criterion, "get contact", query.len(), &get(&format!("/get-contact?{query}")));
    criterion.final_summary();
}

fn post(path: &str, body: String) -> Request<Full<Bytes>> {
    let request = Request::post(path).header("Authorization", TOKEN);
    request.body(body.into()).expect("a good path")
}

fn get(url: &str) -> Request<Full<Bytes>> {
    Request::get(url).body(Full::default()).expect("a good path")
}

fn receiver() -> Receiver {
    Receiver::builder()
        .bot("/bot", token(), bot::from_fn(|message| async move { Ok(Reply::say(message.text)) }))
        .integration("/integration", token(), integration::from_fn(|_| async { Ok(()) }))
        .conversation("/conversation-events", token(), conversation::from_fn(|_| async { Ok(()) }))
        .agent_status("/agent-status", token(), agent_status::from_fn(|_| async { Ok(()) }))
        .contact(
            "/get-contact",
            Auth::dangerously_open(),
            contact::from_fn(|_| async { Ok(Some(CONTACT.to_owned())) }),
        )
        .build()
        .expect("good paths and tokens")
}

fn token() -> Token {
    Token::new(TOKEN)
}

fn compare(criterion: &mut Criterion, api: &str, size: usize, request: &Request<Full<Bytes>>) {
    let receiver = receiver();
    let mut group = criterion.benchmark_group(api);
    group.throughput(Throughput::Bytes(size as u64));
    let id = BenchmarkId::new("handle", size);
    measure(&mut group, id, request, |request| receiver.handle(request));
    let id = BenchmarkId::new("handle (baseline)", size);
    measure(&mut group, id, request, baseline::answer::<false, _>);
    group.finish();
}

fn measure<F, B>(
    group: &mut BenchmarkGroup<'_, WallTime>,
    id: BenchmarkId,
    request: &Request<Full<Bytes>>,
    answer: impl Fn(Request<Full<Bytes>>) -> F,
) where
    F: Future<Output = Response<B>>,
{
    let runtime = Builder::new_current_thread().enable_time().build().expect("a runtime");
    assert_eq!(runtime.block_on(answer(request.clone())).status(), StatusCode::OK);
    group.bench_function(id, |bencher| {
        bencher.iter_batched(
            || request.clone(),
            |request| runtime.block_on(answer(request)),
            BatchSize::SmallInput,
        );
    });
}
