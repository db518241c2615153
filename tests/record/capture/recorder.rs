//! A recorder in the process of its receiver.

use std::convert::Infallible;
use std::fs;
use std::pin::Pin;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response, StatusCode};
use http_body::Frame;
use http_body_util::Full;
use snapengage::bot::{self, Reply};
use snapengage::record::{Exchange, Recorder, Redaction};
use snapengage::testing::samples;
use snapengage::{Api, Auth, Body, Receiver, Token};
use tempfile::TempDir;

use super::{SECRET, TOKEN, all_files, builder, exchanges, post, receiver, say, the_file};

/// Sends one request to a receiver that is recorded, and returns the answer and the file.
async fn recorded(receiver: Receiver, request: Request<Full<Bytes>>) -> (Response<Body>, String) {
    let dir = tempfile::tempdir().expect("a folder");
    let recorder = Recorder::to(dir.path());
    let answer = recorder.around(receiver).handle(request).await;
    recorder.flush().await;
    (answer, the_file(dir.path()))
}

#[track_caller]
fn assert_has(file: &str, lines: &[&str]) {
    for line in lines {
        assert!(file.lines().any(|found| found == *line), "no `{line}` in:\n{file}");
    }
}

/// A sample as it is sent, or the same with another body or query.
fn sample_request(api: Api, body: Bytes, query: Option<&str>) -> Request<Full<Bytes>> {
    match query {
        Some(query) => {
            let url = format!("/get-contact/{SECRET}?{query}");
            Request::get(url).body(Full::default()).expect("a request")
        }
        None => post(&format!("/{api}"), TOKEN, body),
    }
}

#[tokio::test]
async fn every_sample_is_recorded_and_answered_as_before() {
    let (first, second) = (tempfile::tempdir().expect("one"), tempfile::tempdir().expect("two"));
    let recorder = Recorder::to(first.path());
    let watched = recorder.around(receiver());
    for sample in samples() {
        let request = || sample_request(sample.api(), sample.body().into(), sample.query());
        let answer = watched.handle(request()).await;
        let plain = receiver().handle(request()).await;
        assert_eq!(answer.status(), plain.status(), "{sample:?}");
        assert_eq!(answer.headers(), plain.headers(), "{sample:?}");
        assert_eq!(answer.into_body().into_bytes(), plain.into_body().into_bytes(), "{sample:?}");
    }
    recorder.flush().await;
    let files = exchanges(first.path());
    assert_eq!(files.len(), samples().len());
    // What is redacted stays as it is: sent again, it is recorded to the byte.
    let again = Recorder::to(second.path());
    let receiver = again.around(receiver());
    for (sample, file) in samples().iter().zip(&files) {
        assert_eq!((file.api(), file.status()), (Some(sample.api()), Some(StatusCode::OK)));
        assert_eq!(file.method(), sample.method().as_str());
        let query = file.target().split_once('?').map(|(_, query)| query);
        receiver.handle(sample_request(sample.api(), file.body().clone(), query)).await;
    }
    again.flush().await;
    for (file, again) in files.iter().zip(exchanges(second.path())) {
        assert_eq!(file.body(), again.body(), "{}", file.file_name());
        assert_eq!(file.target(), again.target());
        assert_eq!(file.answer(), again.answer(), "{}", file.file_name());
        assert_eq!((file.event(), file.case_id()), (again.event(), again.case_id()));
    }
}

#[test]
fn the_files_on_the_page_are_in_the_form() {
    let page = include_str!("../../../src/record/mod.rs");
    let lines = page.lines().map_while(|line| line.strip_prefix("//!"));
    let page: String =
        lines.map(|line| line.strip_prefix(' ').unwrap_or(line).to_owned() + "\n").collect();
    let mut shown = 0;
    for block in page.split("```text\n").skip(1) {
        let (file, _) = block.split_once("```").expect("an end");
        let exchange = Exchange::from_file(file.as_bytes()).expect("a recording");
        assert_eq!(String::from_utf8(exchange.to_file()).expect("UTF-8"), file);
        shown += 1;
    }
    assert_eq!(shown, 2);
}

#[tokio::test]
async fn files_are_named_after_documented_events_alone() {
    let dir = tempfile::tempdir().expect("a folder");
    let recorder = Recorder::to(dir.path());
    let receiver = recorder.around(receiver());
    for (path, body) in [
        ("/bot", say("Hi")),
        ("/bot", say("Hi").replace("message", "../../etc/passwd")),
        ("/conversation-events", r#"{"event":"caseClosed","widget_id":"w","case_id":"c"}"#.into()),
        ("/agent-status", r#"{"agent_id":"a","status":"pause"}"#.into()),
        ("/agent-status", r#"{"agent_id":"a","status":"training"}"#.into()),
        ("/integration", r#"{"id":"c","type":"offline"}"#.into()),
        ("/integration", "not JSON".into()),
        ("/nowhere", String::new()),
    ] {
        receiver.handle(post(path, TOKEN, body)).await;
    }
    recorder.flush().await;
    let files = all_files(dir.path());
    let names: Vec<_> = files.iter().map(|file| file.file_name().expect("a name")).collect();
    assert_eq!(
        names,
        [
            "000001-bot-message.http",
            "000002-bot-other.http",
            "000003-conversation-events-caseClosed.http",
            "000004-agent-status-pause.http",
            "000005-agent-status-other.http",
            "000006-integration-offline.http",
            "000007-integration-other.http",
            "000008-other-other.http",
        ]
    );
}

#[tokio::test]
async fn a_right_token_is_recorded_by_its_name() {
    let (answer, file) = recorded(receiver(), post("/bot", TOKEN, say("Hi"))).await;
    assert_eq!(answer.status(), StatusCode::OK);
    assert_has(
        &file,
        &[
            "# snapengage recording 1",
            "# n: 1",
            "# api: bot",
            "# event: message",
            "POST /bot HTTP/1.1",
            "authorization: <redacted:right:since May>",
            "### response",
            "HTTP/1.1 200 OK",
            "content-type: application/json; charset=utf-8",
        ],
    );
    assert!(!file.contains(TOKEN), "{file}");
}

#[tokio::test]
async fn a_refused_token_is_recorded_without_it_or_the_body() {
    let wrong = "wrong-7d1f0c2a9b";
    let (answer, file) = recorded(receiver(), post("/bot", wrong, say("Hi"))).await;
    assert_eq!(answer.status(), StatusCode::UNAUTHORIZED);
    let cut = format!("# cut: {}", say("Hi").len());
    assert_has(&file, &["authorization: <redacted:refused>", "# request-body: text 0", &cut]);
    assert!(file.contains("# response: 401 in "), "{file}");
    assert!(!file.contains(wrong), "{file}");
}

#[tokio::test]
async fn a_secret_in_a_path_is_not_recorded_where_it_is_wrong_either() {
    let mistyped = &SECRET[..SECRET.len() - 1];
    for (path, status, shown) in [
        (format!("/get-contact/{SECRET}"), 200, "/get-contact/<secret>"),
        (format!("/get-contact/{mistyped}"), 401, "/get-contact/<secret>"),
        (format!("/get-contcat/{SECRET}"), 404, "/get-contcat/<secret>"),
        (format!("/get-contcat/{mistyped}/"), 404, "/get-contcat/<secret>/"),
    ] {
        let request = Request::get(format!("{path}?email=a%40example.com"));
        let request = request.body(Full::default()).expect("a request");
        let (answer, file) = recorded(receiver(), request).await;
        assert_eq!(answer.status(), status, "{path}");
        assert!(file.contains(&format!("\nGET {shown}?email=")), "{file}");
        assert!(!file.contains(mistyped), "{file}");
    }
}

#[tokio::test]
async fn a_path_that_a_route_has_told_stays_when_it_is_redacted_again() {
    let dir = tempfile::tempdir().expect("a folder");
    let recorder = Recorder::to(dir.path());
    let bot = bot::from_fn(|message| async move { Ok(Reply::say(message.text)) });
    let builder = Receiver::builder().bot("/webhooks2/bot", Token::new(TOKEN), bot);
    let receiver = recorder.around(builder.build().expect("no mistakes"));
    receiver.handle(post("/webhooks2/bot", TOKEN, say("Hi"))).await;
    recorder.flush().await;
    let path = &all_files(dir.path())[0];
    let file = fs::read_to_string(path).expect("UTF-8");
    assert_has(&file, &["# path: known", "POST /webhooks2/bot HTTP/1.1"]);
    assert_eq!(Redaction::new().check(&[dir.path()]).expect("a recording"), []);
    assert_eq!(Redaction::new().rewrite(&[dir.path()]).expect("a recording"), 0);

    fs::write(path, file.replace("# path: known\n", "")).expect("written");
    let left = Redaction::new().check(&[dir.path()]).expect("a recording");
    assert_eq!(left[0].what(), "secret in a path");
}

#[tokio::test]
async fn a_body_too_large_keeps_its_start() {
    const KEPT: usize = 64 << 10;
    let body = say(&"für uns ".repeat(20_000));
    let small = builder().body_limit(100_000).build().expect("no mistakes");
    let (answer, file) = recorded(small.clone(), post("/bot", TOKEN, body.clone())).await;
    assert_eq!(answer.status(), StatusCode::PAYLOAD_TOO_LARGE);
    let kept = file.find("# request-body: text ").expect("text");
    let length = file[kept..].lines().next().and_then(|line| line.rsplit(' ').next());
    let length: usize = length.and_then(|length| length.parse().ok()).expect("a length");
    assert!((60_000..=KEPT).contains(&length), "{length}");
    assert_has(&file, &[&format!("# cut: {}", body.len())]);
    assert!(file.contains("# response: 413 in "), "{file}");
}

#[tokio::test]
async fn a_chunked_body_too_large_has_no_length() {
    let dir = tempfile::tempdir().expect("a folder");
    let recorder = Recorder::to(dir.path());
    let small = builder().body_limit(1000).build().expect("no mistakes");
    let request = Request::post("/bot").header("Authorization", TOKEN).body(Chunks(5));
    let answer = recorder.around(small).handle(request.expect("a request")).await;
    assert_eq!(answer.status(), StatusCode::PAYLOAD_TOO_LARGE);
    recorder.flush().await;
    assert_has(&the_file(dir.path()), &["# request-body: text 1200", "# cut: ?"]);
}

/// A body in chunks, which announces no length.
struct Chunks(u8);

impl http_body::Body for Chunks {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let Some(left) = self.0.checked_sub(1) else { return Poll::Ready(None) };
        self.0 = left;
        Poll::Ready(Some(Ok(Frame::data(Bytes::from_static(&[b'x'; 300])))))
    }
}

#[tokio::test]
async fn a_body_that_is_no_utf_8_is_recorded_whole() {
    let body =
        &b"<?xml version=\"1.0\" encoding=\"ISO-8859-1\"?><case><id>c</id><description>f\xfcr</description></case>"[..];
    let dir = tempfile::tempdir().expect("a folder");
    let recorder = Recorder::to(dir.path());
    recorder.around(receiver()).handle(post("/integration", TOKEN, body)).await;
    recorder.flush().await;
    assert!(the_file(dir.path()).contains("# request-body: base64 "));
    let [exchange] = &exchanges(dir.path())[..] else { panic!("one file") };
    assert!(exchange.body().contains(&0xfc), "{exchange:?}");
}

#[tokio::test]
async fn a_caller_that_hangs_up_is_recorded_without_an_answer() {
    let hanging = bot::from_fn(|_| std::future::pending());
    let hanging = Receiver::builder().bot("/bot", Token::new(TOKEN), hanging).build();
    let dir = tempfile::tempdir().expect("a folder");
    let recorder = Recorder::to(dir.path());
    let receiver = recorder.around(hanging.expect("no mistakes"));
    let mut answering = Box::pin(receiver.handle(post("/bot", TOKEN, say("Hi"))));
    let polled = answering.as_mut().poll(&mut Context::from_waker(Waker::noop()));
    assert!(polled.is_pending());
    drop(answering);
    recorder.flush().await;
    let file = the_file(dir.path());
    assert_has(&file, &["# response: none", "# event: message"]);
    assert!(!file.contains("### response"), "{file}");
}

#[tokio::test]
async fn probes_of_the_health_route_leave_no_file() {
    let dir = tempfile::tempdir().expect("a folder");
    let recorder = Recorder::to(dir.path());
    let receiver = builder().healthz("/healthz").health_check("recorder", recorder.clone());
    let receiver = recorder.around(receiver.build().expect("no mistakes"));
    receiver.handle(post("/bot", TOKEN, say("Hi"))).await;
    recorder.flush().await;
    let probe = Request::get("/healthz").body(String::new()).expect("a request");
    let report = receiver.handle(probe).await.into_body().into_bytes();
    assert_eq!(report, r#"{"recorder":{"dropped":0,"recorded":1,"waiting":0},"status":"ok"}"#);
    recorder.flush().await;
    assert_eq!(all_files(dir.path()).len(), 1);
}

async fn record(recorder: &Recorder, texts: &[&str]) {
    let receiver = recorder.around(receiver());
    for text in texts {
        receiver.handle(post("/bot", TOKEN, say(text))).await;
    }
    recorder.flush().await;
}

fn names(dir: &TempDir) -> Vec<String> {
    let files = all_files(dir.path());
    let names = files.iter().map(|file| file.strip_prefix(dir.path()).expect("below"));
    names.map(|name| name.to_str().expect("UTF-8").to_owned()).collect()
}

#[tokio::test]
async fn numbers_go_on_and_half_files_are_removed_at_the_start() {
    let dir = tempfile::tempdir().expect("a folder");
    record(&Recorder::to(dir.path()), &["one", "two"]).await;
    let of_others = ["notes.part", "000009-readme.txt"];
    for name in of_others.into_iter().chain(["000003-bot-message.http.part"]) {
        fs::write(dir.path().join(name), "half").expect("written");
    }
    record(&Recorder::to(dir.path()), &["three"]).await;
    assert_eq!(
        names(&dir),
        [
            "000001-bot-message.http",
            "000002-bot-message.http",
            "000003-bot-message.http",
            "000009-readme.txt",
            "notes.part",
        ]
    );
}

#[tokio::test]
async fn sub_folders_are_begun_when_one_is_full() {
    let dir = tempfile::tempdir().expect("a folder");
    // A file has some 700 bytes.
    let rotated = || Recorder::to(dir.path()).rotate_size(1500);
    record(&rotated(), &["1", "2", "3"]).await;
    record(&rotated(), &["4", "5"]).await;
    let expected = [(1, 1), (1, 2), (3, 3), (3, 4), (5, 5)]
        .map(|(folder, file)| format!("{folder:06}/{file:06}-bot-message.http"));
    assert_eq!(names(&dir), expected);
}

#[tokio::test]
async fn files_are_deleted_by_the_time_in_them() {
    let dir = tempfile::tempdir().expect("a folder");
    let rotated = || Recorder::to(dir.path()).rotate_size(1);
    record(&rotated(), &["1", "2", "3"]).await;
    for file in &all_files(dir.path())[..2] {
        let text = fs::read_to_string(file).expect("UTF-8");
        let at = text.find("# at: 2").expect("a time") + "# at: ".len();
        let text = text.replacen(&text[at..at + 10], "2020-02-29", 1);
        fs::write(file, text).expect("written");
    }
    record(&rotated().keep(Duration::from_secs(86_400)), &["4"]).await;
    let expected = [3, 4].map(|n| format!("{n:06}/{n:06}-bot-message.http"));
    assert_eq!(names(&dir), expected);
    assert_eq!(fs::read_dir(dir.path()).expect("a folder").count(), 2);
}

#[tokio::test]
async fn an_open_api_has_no_name_of_a_token() {
    let open = bot::from_fn(|_| async { Ok(Reply::new()) });
    let open = Receiver::builder().bot("/bot", Auth::dangerously_open(), open).build();
    let (_, file) = recorded(open.expect("no mistakes"), post("/bot", TOKEN, say("Hi"))).await;
    assert_has(&file, &["authorization: <redacted:right>"]);
    assert!(!file.contains(TOKEN), "{file}");
}

#[tokio::test]
async fn the_last_handle_waits_for_what_is_to_be_written() {
    let dir = tempfile::tempdir().expect("a folder");
    {
        let receiver = Recorder::to(dir.path()).around(receiver());
        for _ in 0..100 {
            receiver.handle(post("/bot", TOKEN, say("Hi"))).await;
        }
    }
    assert_eq!(exchanges(dir.path()).len(), 100);
}
