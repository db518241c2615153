//! Uploaded files: where the token goes, and what is on disk afterwards.

use std::fs;
use std::path::Path;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http::Response;
use http::header::{CONTENT_LENGTH, LOCATION};
use http_body::{Body, Frame};
use snapengage::client::{Account, Client, ClientBuilder, ResponseBody, Secret};
use tempfile::TempDir;
use tokio::time::{Sleep, sleep};

use crate::faulty::{Faulty, Step, write};
use crate::log::{log, record_log};
use crate::vendor::{Answered, TOKEN, account, account_of};

const ADDRESS: &str = "https://www.snapengage.com/files/secret-name.pdf?key=signed%2Bkey";

fn folder() -> TempDir {
    TempDir::new().expect("a folder")
}

/// The names in a folder, and what is in them.
fn found(folder: &TempDir) -> Vec<(String, String)> {
    let entries = fs::read_dir(folder.path()).expect("a folder");
    let read = |path: &Path| String::from_utf8(fs::read(path).expect("a file")).expect("UTF-8");
    let mut found: Vec<_> = entries
        .map(|entry| entry.expect("an entry"))
        .map(|entry| (entry.file_name().into_string().expect("UTF-8"), read(&entry.path())))
        .collect();
    found.sort();
    found
}

fn one(name: &str, text: &str) -> Vec<(String, String)> {
    vec![(name.to_owned(), text.to_owned())]
}

fn raw(head: &str, body: &str) -> String {
    format!("HTTP/1.1 200 OK\r\n{head}\r\n\r\n{body}")
}

/// Reads a request, answers it so and closes.
fn then_close(answer: impl Into<String>) -> Vec<Step> {
    vec![Step::Read, write(answer.into())]
}

/// The address of a file of a server.
fn at(server: &Faulty, path_and_query: &str) -> String {
    server.url() + path_and_query
}

fn impatient() -> ClientBuilder {
    Client::builder().backoff(Duration::ZERO..=Duration::ZERO).attempts(2)
}

fn account_at(server: &Faulty) -> Account {
    let client = impatient().base_url(server.url()).proxy_from_env(false).build();
    client.expect("good settings").account(Secret::new(TOKEN), 5_406_213)
}

#[tokio::test]
async fn a_file_is_saved_under_ones_own_name() {
    let head = "Content-Length: 5\r\nContent-Type: application/pdf\r\n\
                Content-Disposition: attachment; filename=\"../evil\"";
    let server = Faulty::start(vec![then_close(raw(head, "hello"))]).await;
    let folder = folder();
    let download = account_at(&server).file(&at(&server, "/f/a%20b?key=1&sig=%2B")).expect("ours");
    let saved = download.save_to(folder.path().join("mine.pdf")).await.expect("a file");
    assert_eq!((saved.bytes, saved.content_type.as_deref()), (5, Some("application/pdf")));
    assert_eq!(found(&folder), one("mine.pdf", "hello"));
    let head = &server.seen()[0];
    assert!(head.starts_with("GET /f/a%20b?key=1&sig=%2B&orgId=5406213 HTTP/1.1\r\n"), "{head}");
    assert!(head.contains(&format!("authorization: {TOKEN}\r\n")), "{head}");
}

#[tokio::test]
async fn a_file_of_unknown_length_is_saved() {
    let chunked = raw("Transfer-Encoding: chunked", "3\r\nhel\r\n2\r\nlo\r\n0\r\n\r\n");
    let server = Faulty::start(vec![then_close(chunked)]).await;
    let folder = folder();
    let download = account_at(&server).file(&at(&server, "/f")).expect("ours");
    let saved = tokio::spawn(download.save_to(folder.path().join("f"))).await.expect("no panic");
    let saved = saved.expect("a file");
    assert_eq!((saved.bytes, saved.content_type), (5, None));
    assert_eq!(found(&folder), one("f", "hello"));
}

#[tokio::test]
async fn a_body_that_ends_early_leaves_no_file() {
    for (head, body) in
        [("Content-Length: 9", "hello"), ("Transfer-Encoding: chunked", "5\r\nhello\r\n")]
    {
        let server = Faulty::start(vec![then_close(raw(head, body))]).await;
        let account = account_at(&server);
        let folder = folder();
        let new = account.file(&at(&server, "/f")).expect("ours");
        let error = new.save_to(folder.path().join("new")).await.expect_err("half a file");
        let text = "file: the connection broke (GET a file, 2 attempts)";
        assert_eq!(error.to_string(), text, "{head}");
        assert_eq!(found(&folder), []);

        fs::write(folder.path().join("old"), "as it was").expect("a file");
        let old = account.file(&at(&server, "/f")).expect("ours");
        old.save_to(folder.path().join("old")).await.expect_err("half a file");
        assert_eq!(found(&folder), one("old", "as it was"));
        assert_eq!(server.seen().len(), 4);
    }
}

#[tokio::test]
async fn another_attempt_starts_from_nothing() {
    let half = then_close(raw("Content-Length: 12", "half of it"));
    let whole = then_close(raw("Content-Length: 5", "whole"));
    let server = Faulty::start(vec![half, whole]).await;
    let folder = folder();
    fs::write(folder.path().join("f"), "something longer than that").expect("a file");
    let download = account_at(&server).file(&at(&server, "/f")).expect("ours");
    let saved = download.save_to(folder.path().join("f")).await.expect("a file");
    assert_eq!(saved.bytes, 5);
    assert_eq!(found(&folder), one("f", "whole"));
}

#[tokio::test]
async fn a_dropped_download_leaves_no_file() {
    let half = write(raw("Content-Length: 12", "half of it"));
    let server = Faulty::always(&[Step::Read, half, Step::Hold]).await;
    let account = account_at(&server);
    for old in [None, Some("as it was")] {
        let folder = folder();
        if let Some(old) = old {
            fs::write(folder.path().join("f"), old).expect("a file");
        }
        let expected = found(&folder);
        let download = account.file(&at(&server, "/f")).expect("ours");
        let mut save = Box::pin(download.save_to(folder.path().join("f")));
        let parts = || found(&folder).into_iter().filter(|(name, _)| name.ends_with(".part"));
        while parts().all(|(_, text)| text != "half of it") {
            tokio::select! {
                saved = &mut save => panic!("half a file: {saved:?}"),
                () = tokio::task::yield_now() => {}
            }
        }
        drop(save);
        // The last write may be on its way still, and then removes it.
        while found(&folder) != expected {
            tokio::task::yield_now().await;
        }
    }
    assert_eq!(server.seen().len(), 2);
}

#[tokio::test]
async fn a_file_above_the_limit_is_not_taken() {
    let announced = raw("Content-Length: 6", "hello!");
    let streamed = raw("Transfer-Encoding: chunked", "3\r\nhel\r\n3\r\nlo!\r\n0\r\n\r\n");
    for reply in [announced, streamed] {
        let server = Faulty::start(vec![then_close(reply)]).await;
        let account = account_at(&server);
        let folder = folder();
        let above = account.file(&at(&server, "/f")).expect("ours").limit(5);
        let error = above.save_to(folder.path().join("f")).await.expect_err("six bytes");
        let text = "file: the answer has more than 5 bytes (GET a file, 1 attempt)";
        assert_eq!(error.to_string(), text);
        assert_eq!(found(&folder), []);
        let within = account.file(&at(&server, "/f")).expect("ours").limit(6);
        within.save_to(folder.path().join("f")).await.expect("six bytes");
        assert_eq!(found(&folder), one("f", "hello!"));
    }
}

#[tokio::test]
async fn a_redirect_elsewhere_goes_without_the_token() {
    let storage = Faulty::start(vec![then_close(raw("Content-Length: 5", "hello"))]).await;
    let redirect = format!(
        "HTTP/1.1 302 Found\r\nLocation: {}\r\nContent-Length: 0\r\n\r\n",
        at(&storage, "/bucket/f?signature=1")
    );
    let server = Faulty::start(vec![then_close(redirect)]).await;
    let folder = folder();
    let download = account_at(&server).file(&at(&server, "/f")).expect("ours");
    download.save_to(folder.path().join("f")).await.expect("a file");
    assert_eq!(found(&folder), one("f", "hello"));
    assert!(server.seen()[0].contains(TOKEN));
    let head = &storage.seen()[0];
    assert!(head.starts_with("GET /bucket/f?signature=1 HTTP/1.1\r\n"), "{head}");
    assert!(!head.contains(TOKEN) && !head.to_lowercase().contains("authorization"), "{head}");
}

#[tokio::test]
async fn an_address_that_is_not_the_vendors_is_refused() {
    let (account, asked) = account(|_| 200.into());
    for foreign in [
        "https://example.com/secret-name.pdf",
        "http://www.snapengage.com/secret-name.pdf",
        "https://www.snapengage.com:8443/secret-name.pdf",
        "https://www.snapengage.com@example.com/secret-name.pdf",
        "https://user:secret-name@www.snapengage.com/f",
        "https://www.snapengage.com.example.com/secret-name.pdf",
        "/files/secret-name.pdf",
    ] {
        let error = account.file(foreign).expect_err("another host");
        let text = "file: the address is not one of SnapEngage's, see `hosts`";
        assert_eq!(error.to_string(), text, "{foreign}");
    }
    for none in ["secret name", "file:///etc/secret-name", ""] {
        let error = account.file(none).expect_err("no address");
        assert_eq!(error.to_string(), "file: expected an address");
    }
    assert_eq!(asked.requests().len(), 0);
}

#[tokio::test]
async fn a_listed_host_is_the_vendors_too() {
    let builder = Client::builder().hosts(["files.example.com"]);
    let (account, asked) = account_of(builder, |_| "hello".to_owned().into());
    let download = account.file(" https://files.example.com/f\n").expect("listed");
    let bytes = tokio::spawn(download.bytes()).await.expect("no panic");
    assert_eq!(bytes.expect("a file"), "hello");
    let asked = asked.requests();
    assert_eq!(asked[0].uri.to_string(), "https://files.example.com/f?orgId=5406213");
    assert_eq!(asked[0].header("authorization"), TOKEN);
}

#[tokio::test]
async fn the_organisation_is_ones_own() {
    let (account, asked) = account(|_| "hello".to_owned().into());
    for (query, expected) in [
        ("", "?orgId=5406213"),
        ("?", "?orgId=5406213"),
        ("?orgId=5406213", "?orgId=5406213"),
        ("?a=1&orgId=7&b=&orgId&c", "?a=1&b=&c&orgId=5406213"),
        ("?xorgId=7#top", "?xorgId=7&orgId=5406213"),
    ] {
        let address = format!("https://www.snapengage.com/f{query}");
        account.file(&address).expect("ours").bytes().await.expect("a file");
        let asked = asked.requests().remove(0).uri.to_string();
        assert_eq!(asked, format!("https://www.snapengage.com/f{expected}"));
    }
}

#[tokio::test]
async fn errors_and_logs_name_no_address() {
    let builder = impatient().attempts(1);
    let (account, _) = account_of(builder, |_| 404.into());
    record_log();
    let download = account.file(ADDRESS).expect("ours");
    let mut shown = format!("{download:?}");
    let folder = folder();
    let error = download.save_to(folder.path().join("f")).await.expect_err("nothing there");
    assert!(error.is_not_found());
    shown += &format!("{error} {error:?} {}", log());
    for secret in ["secret-name", "signed", TOKEN] {
        assert!(!shown.contains(secret), "{shown}");
    }
    assert!(shown.contains("file: answered 404 Not Found (GET a file, 1 attempt)"), "{shown}");
    assert_eq!(found(&folder), []);
}

#[tokio::test]
async fn a_place_that_cannot_be_written_costs_no_call() {
    let (account, asked) = account(|_| "hello".to_owned().into());
    let folder = folder();
    for place in [folder.path().join("none/f"), folder.path().to_owned(), "/".into(), "".into()] {
        let error =
            account.file(ADDRESS).expect("ours").save_to(&place).await.expect_err("no place");
        assert_eq!(error.to_string(), "file: the file could not be written", "{place:?}");
        assert!(std::error::Error::source(&error).is_some());
    }
    assert_eq!(asked.requests().len(), 0);
    assert_eq!(found(&folder), []);
}

#[tokio::test]
async fn a_place_that_was_taken_meanwhile_is_left_alone() {
    let folder = folder();
    let place = folder.path().join("f");
    let taken = place.clone();
    let (account, _) = account(move |_| {
        fs::create_dir(&taken).expect("a folder");
        "hello".to_owned().into()
    });
    let error = account.file(ADDRESS).expect("ours").save_to(&place).await.expect_err("taken");
    let text = "file: the file could not be written (GET a file, 1 attempt)";
    assert_eq!((error.to_string().as_str(), error.attempts()), (text, 1));
    assert!(place.is_dir());
    assert_eq!(fs::read_dir(folder.path()).expect("a folder").count(), 1, "no part is left");
}

#[cfg(unix)]
#[tokio::test]
async fn a_replaced_file_keeps_its_permissions_and_links() {
    use std::os::unix::fs::{PermissionsExt, symlink};

    let (account, _) = account(|_| "hello".to_owned().into());
    let folder = folder();
    let (file, link) = (folder.path().join("file"), folder.path().join("link"));
    fs::write(&file, "as it was").expect("a file");
    fs::set_permissions(&file, fs::Permissions::from_mode(0o640)).expect("permissions");
    symlink(&file, &link).expect("a link");
    account.file(ADDRESS).expect("ours").save_to(&link).await.expect("a file");
    assert!(fs::symlink_metadata(&link).expect("a link").is_symlink());
    assert_eq!(fs::read_to_string(&file).expect("a file"), "hello");
    assert_eq!(fs::metadata(&file).expect("a file").permissions().mode() & 0o777, 0o640);
}

#[cfg(unix)]
#[tokio::test]
async fn a_device_is_not_replaced() {
    let (account, asked) = account(|_| "hello".to_owned().into());
    account.file(ADDRESS).expect("ours").save_to("/dev/null").await.expect_err("a device");
    assert_eq!(asked.requests().len(), 0);
}

/// A body of some parts, each so long after the one before, and then its end or nothing more.
struct Dripping {
    parts: usize,
    wait: Duration,
    sleep: Pin<Box<Sleep>>,
    ends: bool,
}

impl Dripping {
    fn new(parts: usize, seconds: u64, ends: bool) -> Self {
        let wait = Duration::from_secs(seconds);
        Self { parts, wait, sleep: Box::pin(sleep(wait)), ends }
    }
}

impl Body for Dripping {
    type Data = Bytes;
    type Error = std::convert::Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        if self.parts == 0 {
            return if self.ends { Poll::Ready(None) } else { Poll::Pending };
        }
        std::task::ready!(self.sleep.as_mut().poll(context));
        self.parts -= 1;
        self.sleep = Box::pin(sleep(self.wait));
        Poll::Ready(Some(Ok(Frame::data(Bytes::from_static(b"drip ")))))
    }
}

#[tokio::test(start_paused = true)]
async fn a_slow_body_is_waited_for_part_by_part() {
    let (account, _) =
        account(|_| Answered::With(Response::new(ResponseBody::new(Dripping::new(60, 20, true)))));
    let folder = folder();
    let download = account.file(ADDRESS).expect("ours");
    let saved = download.save_to(folder.path().join("f")).await.expect("twenty minutes");
    assert_eq!(saved.bytes, 300);
    assert_eq!(found(&folder), one("f", &"drip ".repeat(60)));
}

#[tokio::test(start_paused = true)]
async fn a_body_that_stops_is_given_up() {
    let (account, asked) =
        account(|_| Answered::With(Response::new(ResponseBody::new(Dripping::new(3, 1, false)))));
    let folder = folder();
    let download = account.file(ADDRESS).expect("ours");
    let error = download.save_to(folder.path().join("f")).await.expect_err("half a file");
    assert!(error.is_timeout(), "{error}");
    // Another attempt would not be over within the time for the call.
    assert_eq!(asked.requests().len(), 2);
    assert_eq!(found(&folder), []);
}

#[tokio::test]
async fn a_transport_that_does_not_count_is_counted() {
    for announced in ["9", "4"] {
        let builder = impatient();
        let (account, asked) = account_of(builder, move |_| {
            let response = Response::builder().header(CONTENT_LENGTH, announced);
            Answered::With(response.body("hello".into()).expect("a response"))
        });
        let folder = folder();
        let download = account.file(ADDRESS).expect("ours");
        let error = download.save_to(folder.path().join("f")).await.expect_err("not all of it");
        assert_eq!((error.attempts(), asked.requests().len()), (2, 2));
        assert_eq!(found(&folder), []);
    }
}

#[tokio::test]
async fn a_redirect_from_https_to_http_is_not_followed() {
    let (account, asked) = account(|_| {
        let response = Response::builder().status(302).header(LOCATION, "http://example.com/f");
        Answered::With(response.body("".into()).expect("a response"))
    });
    let error = account.file(ADDRESS).expect("ours").bytes().await.expect_err("http");
    assert_eq!(error.to_string(), "file: redirected to another host (GET a file, 1 attempt)");
    assert_eq!(asked.requests().len(), 1);
}

#[tokio::test]
async fn a_redirect_may_be_a_reference() {
    const FILE: &str = "https://www.snapengage.com/a/f?orgId=5406213";
    for (location, expected) in [
        ("?x=1", Some("https://www.snapengage.com/a/f?x=1")),
        ("/b#top", Some("https://www.snapengage.com/b")),
        ("b", Some("https://www.snapengage.com/a/b")),
        ("b?to=http://c", Some("https://www.snapengage.com/a/b?to=http://c")),
        ("/b/ü?n=\u{202e}%20", Some("https://www.snapengage.com/b/%C3%BC?n=%E2%80%AE%20")),
        ("https://bücher.example/b", None),
        ("//www.snapengage.com/b", Some("https://www.snapengage.com/b")),
        ("HTTPS://www.snapengage.com/b", Some("https://www.snapengage.com/b")),
        ("mailto:jane@example.com", None),
        ("https:/b", None),
        ("//user@www.snapengage.com/b", None),
        ("https://www.snapengage.com\\@example.com/b", None),
        ("javascript:alert(1)", None),
    ] {
        let (account, asked) = account_of(Client::builder().attempts(1), move |address| {
            let is_first = *address == FILE;
            let response = Response::builder().status(if is_first { 302 } else { 200 });
            let response = response.header(LOCATION, location).body("hello".into());
            Answered::With(response.expect("a response"))
        });
        let result = account.file("https://www.snapengage.com/a/f").expect("ours").bytes().await;
        let asked: Vec<_> = asked.requests().iter().map(|asked| asked.uri.to_string()).collect();
        let expected: Vec<_> = [FILE].into_iter().chain(expected).collect();
        assert_eq!(asked, expected, "{location}");
        assert_eq!(result.is_ok(), expected.len() == 2, "{location} {result:?}");
    }
}
