//! The simulator on a socket: faults are those of connections there.

use std::io::ErrorKind;
use std::net::SocketAddr;
use std::time::Duration;

use snapengage::client::Operation;
use snapengage::simulator::{Fault, Simulator};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use crate::ask::*;

/// A simulator that is served.
struct Served {
    simulator: Simulator,
    address: SocketAddr,
    stop: oneshot::Sender<()>,
    serving: JoinHandle<()>,
}

impl Served {
    async fn new(simulator: Simulator) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let (stop, stopped) = oneshot::channel();
        let served = simulator.clone();
        let serving = tokio::spawn(async move {
            served.serve(listener, async { drop(stopped.await) }).await;
        });
        Self { simulator, address, stop, serving }
    }

    async fn with(fault: Fault) -> Self {
        let served = Self::new(open_office()).await;
        served.simulator.fault(fault);
        served
    }

    async fn connect(&self, request: &str) -> TcpStream {
        let mut stream = TcpStream::connect(self.address).await.expect("a connection");
        stream.write_all(request.as_bytes()).await.expect("a request");
        stream
    }

    /// Sends a request and returns what comes, and the error that ends it.
    async fn exchange(&self, request: &str) -> (String, Option<ErrorKind>) {
        let mut stream = self.connect(request).await;
        let mut bytes = Vec::new();
        let error = stream.read_to_end(&mut bytes).await.err().map(|error| error.kind());
        (String::from_utf8(bytes).expect("UTF-8"), error)
    }
}

const START: &str = "POST /api/v1/chat?widgetId=sales&visitorMessage=Hello HTTP/1.1\r\n\
    Host: localhost:7070\r\nx-api-key: local-chat-key\r\nConnection: close\r\n\
    Content-Length: 0\r\n\r\n";

const RESET: Option<ErrorKind> = Some(ErrorKind::ConnectionReset);

#[tokio::test]
async fn calls_are_answered() {
    let served = Served::new(open_office()).await;
    let (answer, error) = served.exchange(START).await;
    assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"), "{answer}");
    assert!(answer.contains(r#","widgetId":"sales"}"#), "{answer}");
    assert_eq!(error, None);
    assert_eq!(served.simulator.accepted_texts(Operation::StartChat), ["Hello"]);
}

#[tokio::test]
async fn reset_comes_before_the_head() {
    for (fault, done) in [
        (Fault::nth(1).reset(), 0),
        (Fault::nth(1).reset().after_effect(), 1),
        (Fault::nth(1).refuse(), 0),
    ] {
        let served = Served::with(fault).await;
        assert_eq!(served.exchange(START).await, (String::new(), RESET));
        assert_eq!(served.simulator.accepted(Operation::StartChat), done);
        // The next one is answered.
        assert!(served.exchange(START).await.0.starts_with("HTTP/1.1 200 OK\r\n"));
    }
}

#[tokio::test]
async fn half_of_a_body_comes_before_the_reset() {
    let served = Served::with(Fault::nth(1).half()).await;
    let (answer, error) = served.exchange(START).await;
    let (head, body) = answer.split_once("\r\n\r\n").expect("a head");
    let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
    let length: usize = length.and_then(|length| length.parse().ok()).expect("a length");
    assert_eq!((body.len(), error), (length / 2, RESET));
    assert_eq!(served.simulator.accepted(Operation::StartChat), 1);
}

#[tokio::test]
async fn half_of_nothing_is_a_head_and_a_reset() {
    let served = Served::with(Fault::nth(1).half()).await;
    let (answer, error) = served
        .exchange(
            "DELETE /api/v1/user.json?api_key=local-provisioning-key&email=user@example.com \
             HTTP/1.1\r\nHost: localhost\r\n\r\n",
        )
        .await;
    assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"), "{answer}");
    assert!(!answer.ends_with("0\r\n\r\n") && !answer.contains("content-length"), "{answer}");
    assert_eq!(error, RESET);
}

#[tokio::test]
async fn stalled_answer_does_not_keep_the_server_up() {
    let served = Served::with(Fault::nth(1).stall_for_ever().after_effect()).await;
    let mut stream = served.connect(START).await;
    while served.simulator.accepted(Operation::StartChat) == 0 {
        tokio::task::yield_now().await;
    }
    drop(served.stop);
    served.serving.await.expect("no panic");
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer).await;
    assert_eq!(answer, b"");
}

#[tokio::test]
async fn slow_body_comes_whole() {
    let simulator = office().file("f", vec![b'x'; 2500]).build().expect("no mistakes");
    simulator.fault(Fault::nth(1).slow(Duration::from_millis(1)));
    let served = Served::new(simulator).await;
    let request = "GET /files/f?orgId=5406213 HTTP/1.1\r\nHost: localhost\r\n\
        Authorization: local-api-token\r\nConnection: close\r\n\r\n";
    let (answer, error) = served.exchange(request).await;
    assert!(answer.ends_with(&"x".repeat(2500)), "{answer}");
    assert_eq!(error, None);
}

#[tokio::test]
async fn long_message_fits_into_the_address() {
    let served = Served::new(open_office()).await;
    let long = START.replace("Hello", &"x".repeat(60_000));
    let (answer, _) = served.exchange(&long).await;
    assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"), "{answer}");
    assert_eq!(served.simulator.accepted_texts(Operation::StartChat)[0].len(), 60_000);
}

#[tokio::test]
async fn request_whose_end_is_in_doubt_is_refused() {
    let served = Served::new(open_office()).await;
    let request = START
        .replace("Content-Length: 0\r\n", "Content-Length: 0\r\nTransfer-Encoding: chunked\r\n")
        + "0\r\n\r\n";
    let (answer, _) = served.exchange(&request).await;
    assert!(answer.starts_with("HTTP/1.1 400 Bad Request\r\n"), "{answer}");
    assert_eq!(served.simulator.accepted(Operation::StartChat), 0);
}

#[tokio::test]
async fn link_is_on_the_host_that_was_asked() {
    let mut builder = Simulator::builder().widget("sales").start(time("2026-01-05T09:00:00Z"));
    for number in 0..101 {
        let case = snapengage::integration::SupportRequest::new(format!("case-{number}"));
        builder = builder.case("sales", case);
    }
    let served = Served::new(builder.build().expect("no mistakes")).await;
    let request = "GET /api/v2/5406213/logs?widgetId=sales&start=2026-01-05&end=2026-01-05 \
        HTTP/1.1\r\nHost: localhost:7070\r\nAuthorization: local-api-token\r\n\
        Connection: close\r\n\r\n";
    let (answer, _) = served.exchange(request).await;
    let link = "\"http://localhost:7070/api/v2/5406213/logs?widgetId\\u003dsales\\u0026start";
    assert!(answer.contains(link), "{answer}");
}
