//! A recorder as a proxy: what goes through, what does not, and what is written of it.

use std::path::Path;

use http::StatusCode;
use snapengage::record::{Exchange, Recorder, RecordingProxy};
use snapengage::testing::samples;
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use super::{SECRET, TOKEN, all_files, exchanges, receiver, say, the_file};

/// Something that is served until it is stopped.
pub(super) struct Served {
    pub(super) address: String,
    stop: oneshot::Sender<()>,
    task: JoinHandle<()>,
}

impl Served {
    pub(super) async fn stop(self) {
        self.stop.send(()).expect("it serves");
        self.task.await.expect("no panic");
    }
}

async fn serve<F: Future<Output = ()> + Send + 'static>(
    serve: impl FnOnce(TcpListener, oneshot::Receiver<()>) -> F,
) -> Served {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address").to_string();
    let (stop, stopped) = oneshot::channel();
    Served { address, stop, task: tokio::spawn(serve(listener, stopped)) }
}

/// A proxy to an address.
async fn proxy(to: &str, folder: &Path) -> Served {
    let proxy = RecordingProxy::new(format!("http://{to}"), &Recorder::to(folder)).expect("built");
    serve(|listener, stopped| async move {
        proxy.serve(listener, async { drop(stopped.await) }).await;
    })
    .await
}

pub(super) async fn served_receiver() -> Served {
    serve(|listener, stopped| async move {
        snapengage::serve(listener, receiver(), async { drop(stopped.await) }).await;
    })
    .await
}

/// Sends bytes on a connection of their own, and returns all that comes back.
pub(super) async fn send(address: &str, request: impl AsRef<[u8]>) -> String {
    let mut connection = TcpStream::connect(address).await.expect("a connection");
    connection.write_all(request.as_ref()).await.expect("sent");
    let mut answer = Vec::new();
    connection.read_to_end(&mut answer).await.expect("an answer");
    String::from_utf8(answer).expect("UTF-8")
}

pub(super) fn post(path: &str, body: &[u8]) -> Vec<u8> {
    let head = format!(
        "POST {path} HTTP/1.1\r\nhOST: bot.example.com\r\nConnection: close\r\nAUTHORIZATION: {TOKEN}\r\nContent-Length: {}\r\n\r\n",
        body.len()
    );
    [head.as_bytes(), body].concat()
}

/// A receiver that takes one request, which ends in `}`, and answers with these bytes; it returns
/// what came.
async fn answering(answer: &'static str) -> (String, JoinHandle<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address").to_string();
    let task = tokio::spawn(async move {
        let (mut connection, _) = listener.accept().await.expect("a connection");
        let mut request = Vec::new();
        while !request.ends_with(b"}") {
            request.push(connection.read_u8().await.expect("a request"));
        }
        connection.write_all(answer.as_bytes()).await.expect("answered");
        String::from_utf8(request).expect("UTF-8")
    });
    (address, task)
}

fn folder() -> TempDir {
    tempfile::tempdir().expect("a folder")
}

#[tokio::test]
async fn every_sample_goes_through_and_is_recorded() {
    let dir = folder();
    let receiver = served_receiver().await;
    let proxy = proxy(&receiver.address, dir.path()).await;
    for sample in samples() {
        let request = match sample.query() {
            Some(query) => format!(
                "GET /get-contact/{SECRET}?{query} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"
            )
            .into_bytes(),
            None => post(&format!("/{}", sample.api()), sample.body()),
        };
        let through = send(&proxy.address, &request).await;
        let straight = send(&receiver.address, &request).await;
        let lines = |answer: &str| -> Vec<String> {
            let lines = answer.lines().filter(|line| !line.starts_with("date: "));
            let mut lines: Vec<_> = lines.map(str::to_owned).collect();
            lines.sort();
            lines
        };
        assert_eq!(lines(&through), lines(&straight), "{sample:?}");
    }
    proxy.stop().await;
    receiver.stop().await;
    let files = exchanges(dir.path());
    assert_eq!(files.len(), samples().len());
    for (sample, file) in samples().iter().zip(&files) {
        assert_eq!((file.api(), file.status()), (Some(sample.api()), Some(StatusCode::OK)));
        assert_eq!(file.method(), sample.method().as_str());
    }
}

#[tokio::test]
async fn heads_go_through_in_their_order_and_case() {
    let dir = folder();
    let answer = "HTTP/1.1 299 Quite Fine\r\nX-UPPER: 1\r\nserver: own\r\nSet-Cookie: a=1\r\nx-Mixed: 2\r\nSet-Cookie: b=2\r\nConnection: close, X-Hop\r\nX-Hop: 3\r\nContent-Length: 2\r\n\r\nhi";
    let (to, receiver) = answering(answer).await;
    let proxy = proxy(&to, dir.path()).await;
    let request = "POST /bot?a=%20b HTTP/1.1\r\nhOST: bot.example.com\r\nX-First: 1\r\nuser-agent: Apache-HttpClient\r\nConnection: close, X-Own\r\nX-Own: 2\r\nTE: trailers\r\nkeep-alive: 5\r\nACCEPT: */*\r\nContent-Length: 2\r\n\r\n{}";
    let answer = send(&proxy.address, request).await;
    assert_eq!(
        receiver.await.expect("no panic"),
        format!(
            "POST /bot?a=%20b HTTP/1.1\r\nhOST: {to}\r\nX-First: 1\r\nuser-agent: Apache-HttpClient\r\nACCEPT: */*\r\nContent-Length: 2\r\n\r\n{{}}"
        )
    );
    assert_eq!(
        answer,
        "HTTP/1.1 299 Quite Fine\r\nX-UPPER: 1\r\nserver: own\r\nSet-Cookie: a=1\r\nSet-Cookie: b=2\r\nx-Mixed: 2\r\nContent-Length: 2\r\nConnection: close\r\n\r\nhi"
    );
    proxy.stop().await;
    let file = the_file(dir.path());
    let mut rest = &*file;
    for line in [
        "POST /bot?a=",
        " HTTP/1.1\nhOST: bot.example.com\nX-First: ",
        "\nuser-agent: Apache-HttpClient\nConnection: close, X-Own\nX-Own: ",
        "\nTE: trailers\nkeep-alive: ",
        "\nACCEPT: */*\nContent-Length: 2\n\n{}\n### response\nHTTP/1.1 299 Quite Fine\nX-UPPER: ",
        "\nserver: own\nSet-Cookie: ",
        "\nx-Mixed: ",
        "\nSet-Cookie: ",
        "\nConnection: close, X-Hop\nX-Hop: ",
        "\nContent-Length: 2\n\nhi\n",
    ] {
        let at = rest.find(line).unwrap_or_else(|| panic!("no {line:?} in\n{rest}"));
        rest = &rest[at + line.len()..];
    }
}

#[tokio::test]
async fn each_answer_on_a_connection_has_its_own_head() {
    const ANSWERS: [&str; 3] = [
        "HTTP/1.1 200 OK\r\nX-One: 1\r\nContent-Length: 2\r\n\r\n{}",
        "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nX-TWO: 2\r\nContent-Length: 0\r\n\r\n",
        "HTTP/1.1 404 Not Found\r\nx-Three: 3\r\nContent-Length: 0\r\n\r\n",
    ];
    let dir = folder();
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let to = listener.local_addr().expect("an address").to_string();
    let receiver = tokio::spawn(async move {
        let (mut connection, _) = listener.accept().await.expect("a connection");
        for answer in ANSWERS {
            while connection.read_u8().await.expect("a request") != b'}' {}
            connection.write_all(answer.as_bytes()).await.expect("answered");
        }
    });
    let proxy = proxy(&to, dir.path()).await;
    for _ in ANSWERS {
        send(&proxy.address, post("/bot", b"{}")).await;
    }
    receiver.await.expect("one connection for all");
    proxy.stop().await;
    let files: Vec<_> = all_files(dir.path()).iter().map(read).collect();
    let heads = ["200 OK\nX-One: 1\n", "200 OK\nX-TWO: 2\n", "404 Not Found\nx-Three: 3\n"];
    for (file, head) in files.iter().zip(heads) {
        assert!(file.contains(&format!("### response\nHTTP/1.1 {head}")), "{file}");
    }
}

#[tokio::test]
async fn credentials_are_recorded_as_right_or_refused() {
    let dir = folder();
    let receiver = served_receiver().await;
    let proxy = proxy(&receiver.address, dir.path()).await;
    let right = post("/bot", say("Hi").as_bytes());
    send(&proxy.address, &right).await;
    let wrong = String::from_utf8(right).expect("ASCII").replace(TOKEN, "wrong-7d1f0c2a9b");
    let refused = send(&proxy.address, wrong).await;
    assert!(refused.starts_with("HTTP/1.1 401 "), "{refused}");
    let secret = format!("GET /get-contact/{SECRET}?email=a HTTP/1.0\r\n\r\n");
    let found = send(&proxy.address, secret).await;
    assert!(found.contains("Known since <b>2019</b>"), "{found}");
    proxy.stop().await;
    receiver.stop().await;
    let files: Vec<_> = all_files(dir.path()).iter().map(read).collect();
    assert!(!files.concat().contains("\n# answered-by: "), "the receiver answered");
    assert!(files[0].contains("\nAUTHORIZATION: <redacted:right>\n"), "{}", files[0]);
    assert!(files[1].contains("\nAUTHORIZATION: <redacted:refused>\n"), "{}", files[1]);
    assert!(files[2].contains("\nGET /get-contact/<secret>?email="), "{}", files[2]);
    for secret in [TOKEN, "wrong-7d1f0c2a9b", SECRET] {
        assert!(!files.concat().contains(secret), "{secret}");
    }
}

fn read(path: &std::path::PathBuf) -> String {
    std::fs::read_to_string(path).expect("UTF-8")
}

#[tokio::test]
async fn what_cannot_be_forwarded_is_a_502_that_is_recorded() {
    let dir = folder();
    let nobody = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let to = nobody.local_addr().expect("an address").to_string();
    let proxy = proxy(&to, dir.path()).await;
    let silent = tokio::spawn(async move {
        // Takes a connection, and closes it without an answer.
        drop(nobody.accept().await.expect("a connection"));
    });
    let gone = send(&proxy.address, post("/bot", b"{}")).await;
    silent.await.expect("no panic");
    let refused = send(&proxy.address, post("/bot", b"{}")).await;
    let connect =
        "CONNECT example.com:443 HTTP/1.1\r\nHost: example.com:443\r\nConnection: close\r\n\r\n";
    let tunnel = send(&proxy.address, connect).await;
    for (answer, reason) in [
        (&gone, "the receiver did not answer: "),
        (&refused, "the receiver cannot be reached: Connection refused"),
        (&tunnel, "expected a request for a path"),
    ] {
        assert!(answer.starts_with("HTTP/1.1 502 Bad Gateway\r\n"), "{answer}");
        assert!(answer.contains(&format!("{{\"code\":502,\"message\":\"{reason}")), "{answer}");
    }
    proxy.stop().await;
    let statuses: Vec<_> = exchanges(dir.path()).iter().map(Exchange::status).collect();
    assert_eq!(statuses, [Some(StatusCode::BAD_GATEWAY); 3]);
    for file in all_files(dir.path()) {
        assert!(read(&file).contains("\n# answered-by: proxy\n"), "{file:?}");
    }
}

#[tokio::test]
async fn doubtful_framing_is_refused_and_recorded() {
    let dir = folder();
    let (to, receiver) = answering("").await;
    let proxy = proxy(&to, dir.path()).await;
    let smuggled = "POST /bot HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n";
    let answer = send(&proxy.address, smuggled).await;
    assert!(answer.starts_with("HTTP/1.1 400 Bad Request\r\n"), "{answer}");
    assert!(!receiver.is_finished(), "it is not passed on");
    receiver.abort();
    proxy.stop().await;
    assert_eq!(exchanges(dir.path())[0].status(), Some(StatusCode::BAD_REQUEST));
    assert!(the_file(dir.path()).contains("\n# answered-by: proxy\n"));
}

#[tokio::test]
async fn a_connection_without_a_request_leaves_no_file() {
    let dir = folder();
    let proxy = proxy("127.0.0.1:9", dir.path()).await;
    for bytes in ["", "GET / HT", "\r\n"] {
        let mut connection = TcpStream::connect(&proxy.address).await.expect("a connection");
        connection.write_all(bytes.as_bytes()).await.expect("sent");
        connection.shutdown().await.expect("closed");
        let mut rest = Vec::new();
        connection.read_to_end(&mut rest).await.expect("closed");
    }
    proxy.stop().await;
    assert_eq!(all_files(dir.path()), Vec::<std::path::PathBuf>::new());
}

#[tokio::test]
async fn a_large_body_goes_through_and_is_recorded_in_part() {
    let dir = folder();
    let receiver = served_receiver().await;
    let proxy = proxy(&receiver.address, dir.path()).await;
    let body = say(&"x".repeat(3 << 20));
    let answer = send(&proxy.address, post("/bot", body.as_bytes())).await;
    assert!(answer.starts_with("HTTP/1.1 413 "), "{answer}");
    proxy.stop().await;
    receiver.stop().await;
    let file = the_file(dir.path());
    assert!(file.contains(&format!("# cut: {}\n", body.len())), "{}", &file[..500]);
    assert!(file.len() < 70_000, "{}", file.len());
    assert_eq!(exchanges(dir.path())[0].status(), Some(StatusCode::PAYLOAD_TOO_LARGE));
}

#[tokio::test]
async fn an_upload_larger_than_what_is_recorded_arrives_whole() {
    const SIZE: usize = 5 << 20;
    let dir = folder();
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let to = listener.local_addr().expect("an address").to_string();
    let receiver = tokio::spawn(async move {
        let (mut connection, _) = listener.accept().await.expect("a connection");
        let mut request = Vec::new();
        while !request.ends_with(b"xEND") {
            connection.read_buf(&mut request).await.expect("a request");
        }
        let answer = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n";
        connection.write_all(answer).await.expect("answered");
        request.len()
    });
    let proxy = proxy(&to, dir.path()).await;
    let body = "x".repeat(SIZE) + "END";
    let answer = send(&proxy.address, post("/bot", body.as_bytes())).await;
    assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"), "{answer}");
    assert!(receiver.await.expect("no panic") > SIZE);
    proxy.stop().await;
    assert!(the_file(dir.path()).contains(&format!("# cut: {}\n", body.len())));
}

#[tokio::test]
async fn what_is_under_way_at_the_end_is_answered_and_written() {
    let dir = folder();
    let (told, mut arrived) = tokio::sync::mpsc::channel(1);
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let to = listener.local_addr().expect("an address").to_string();
    let (go, going) = oneshot::channel::<()>();
    let receiver = tokio::spawn(async move {
        let (mut connection, _) = listener.accept().await.expect("a connection");
        connection.read_u8().await.expect("a byte");
        told.send(()).await.expect("the test waits");
        going.await.expect("the test goes on");
        connection.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n").await.expect("sent");
    });
    let proxy = proxy(&to, dir.path()).await;
    let address = proxy.address.clone();
    let sending = tokio::spawn(async move { send(&address, post("/bot", b"{}")).await });
    arrived.recv().await.expect("it arrives");
    let stopping = tokio::spawn(proxy.stop());
    go.send(()).expect("the receiver waits");
    let answer = sending.await.expect("no panic");
    assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"), "{answer}");
    stopping.await.expect("no panic");
    receiver.await.expect("no panic");
    assert_eq!(exchanges(dir.path()).len(), 1);
}

#[test]
fn an_address_with_more_than_an_origin_is_refused() {
    let recorder = Recorder::to("never-made");
    for to in ["", "127.0.0.1:8080", "ftp://a", "http://a/bot", "http://a?b", "http://a:b@c", "/"] {
        let error = RecordingProxy::new(to, &recorder).expect_err("no address").to_string();
        assert!(error.starts_with("address to forward to: expected `http://"), "{to}: {error}");
    }
    for to in ["http://a", "http://a:8080/", "http://[::1]:8080"] {
        RecordingProxy::new(to, &recorder).expect("an address");
    }
}
