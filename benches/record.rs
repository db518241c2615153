//! What a recorder adds to the latency of a receiver, in its process and as a proxy: messages to a
//! bot over kept connections on loopback, plain and recorded by turns in the same run.
//!
//! ```sh
//! cargo bench --features client,record --bench record
//! ```

#![expect(clippy::print_stdout, reason = "latencies by turns, which criterion does not take")]

use std::path::Path;
use std::time::{Duration, Instant};

use http::Request;
use http::header::AUTHORIZATION;
use http_body_util::{BodyExt, Full};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use snapengage::bot::{self, Reply};
use snapengage::record::{Recorder, RecordingProxy};
use snapengage::{HealthCheck, Receiver, Token};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;
use tokio::task::JoinSet;

const ROUNDS: usize = 10;
const BODY: &str = include_str!("../sample-payloads/bot/message.json");

/// Where a recorder is, if there is one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    Nowhere,
    InProcess,
    Proxy,
}

#[tokio::main]
async fn main() {
    println!("                          p50 us   p99 us   p99.9   requests/s   recorded   dropped");
    for (at_once, pause) in [(1, None), (16, None), (16, Some(Duration::from_millis(10)))] {
        // By turns, so that what else the machine does meets all alike.
        let mut all =
            [Place::Nowhere, Place::InProcess, Place::Proxy].map(|place| (place, Run::default()));
        for _ in 0..ROUNDS {
            for (place, run) in &mut all {
                measure(*place, at_once, pause, run).await;
            }
        }
        let load = pause.map_or("at full speed".to_owned(), |pause| format!("every {pause:?}"));
        println!("{at_once} at once, {load}");
        all.into_iter().for_each(|(place, run)| run.print(place));
    }
}

/// Measurements of all rounds.
#[derive(Default)]
struct Run {
    latencies: Vec<Duration>,
    time: Duration,
    recorded: u64,
    dropped: u64,
}

impl Run {
    fn print(mut self, place: Place) {
        self.latencies.sort_unstable();
        let count = self.latencies.len();
        let at = |share: usize| self.latencies[(count - 1) * share / 1000].as_micros();
        let rate = count as f64 / self.time.as_secs_f64();
        println!(
            "  {:20} {:9} {:8} {:8} {rate:12.0} {:10} {:9}",
            format!("{place:?}"),
            at(500),
            at(990),
            at(999),
            self.recorded,
            self.dropped
        );
    }
}

fn receiver() -> Receiver {
    let bot = bot::from_fn(|message| async move { Ok(Reply::say(message.text)) });
    Receiver::builder().bot("/bot", Token::new("token"), bot).build().expect("no mistakes")
}

async fn listener() -> (TcpListener, String) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address").to_string();
    (listener, address)
}

async fn measure(place: Place, at_once: usize, pause: Option<Duration>, run: &mut Run) {
    let dir = tempfile::tempdir().expect("a folder");
    let recorder = Recorder::to(dir.path());
    let (listening, address) = listener().await;
    let (stop, stopped) = oneshot::channel::<()>();
    let (proxying, proxied) = listener().await;
    let (stop_proxy, proxy_stopped) = oneshot::channel::<()>();
    let receiver = match place {
        Place::InProcess => recorder.around(receiver()),
        Place::Nowhere | Place::Proxy => receiver(),
    };
    let serving = tokio::spawn(snapengage::serve(listening, receiver, async {
        drop(stopped.await);
    }));
    let proxy = (place == Place::Proxy)
        .then(|| RecordingProxy::new(format!("http://{address}"), &recorder).expect("an address"));
    let serving_proxy = tokio::spawn(async move {
        if let Some(proxy) = proxy {
            proxy.serve(proxying, async { drop(proxy_stopped.await) }).await;
        }
    });
    let to = if place == Place::Proxy { proxied } else { address };
    let each = 4000 / at_once;
    let started = Instant::now();
    let mut senders = JoinSet::new();
    for _ in 0..at_once {
        senders.spawn(send(to.clone(), each, pause));
    }
    run.latencies.extend(senders.join_all().await.into_iter().flatten());
    run.time += started.elapsed();
    if place != Place::Nowhere {
        recorder.check().await.expect("a disk");
        run.recorded += recorder.recorded();
        run.dropped += recorder.dropped();
        assert_eq!(files(dir.path()), recorder.recorded());
    }
    let _ = stop_proxy.send(());
    serving_proxy.await.expect("no panic");
    let _ = stop.send(());
    serving.await.expect("no panic");
}

fn files(folder: &Path) -> u64 {
    std::fs::read_dir(folder).expect("a folder").count() as u64
}

async fn send(address: String, times: usize, pause: Option<Duration>) -> Vec<Duration> {
    let stream = TcpStream::connect(&address).await.expect("connected");
    stream.set_nodelay(true).expect("set");
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await.expect("HTTP");
    let connection = tokio::spawn(connection);
    let mut latencies = Vec::with_capacity(times);
    for _ in 0..times {
        if let Some(pause) = pause {
            tokio::time::sleep(pause).await;
        }
        let request = Request::post("/bot").header("Host", &address).header(AUTHORIZATION, "token");
        let request = request.body(Full::new(BODY.as_bytes())).expect("a request");
        let started = Instant::now();
        sender.ready().await.expect("a connection");
        let answer = sender.send_request(request).await.expect("an answer");
        assert_eq!(answer.status(), 200);
        answer.into_body().collect().await.expect("a body");
        latencies.push(started.elapsed());
    }
    drop(sender);
    connection.await.expect("no panic").expect("closed in order");
    latencies
}
