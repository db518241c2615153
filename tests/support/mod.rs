//! Short helpers that the tests share.
#![allow(dead_code, reason = "each test file uses some of them")]

#[cfg(feature = "nats")]
pub(crate) mod nats;

use std::cell::RefCell;
use std::fs;
use std::future::pending;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, Once};

use bytes::Bytes;
use http::header::{AUTHORIZATION, CONTENT_TYPE, X_CONTENT_TYPE_OPTIONS};
use http::{Request, Response};
use http_body_util::Full;
use serde_json::{Value, json};
use snapengage::{Auth, Body, HandlerError, Token};

pub(crate) const TOKEN: &str = "my-token";

pub(crate) fn auth() -> Auth {
    Token::new(TOKEN).into()
}

/// Where `sample-payloads/<path>` is.
pub(crate) fn sample_path(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("sample-payloads").join(path)
}

/// `sample-payloads/<path>`, as it is.
#[track_caller]
pub(crate) fn sample(path: &str) -> Bytes {
    match fs::read(sample_path(path)) {
        Ok(bytes) => bytes.into(),
        Err(error) => panic!("sample-payloads/{path}: {error}"),
    }
}

/// The bodies in `tests/field-cases/<name>.jsonl`.
#[track_caller]
pub(crate) fn lines(name: &str) -> Vec<String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/field-cases");
    let text = fs::read_to_string(folder.join(name).with_extension("jsonl")).expect("a case");
    text.lines().map(str::to_owned).collect()
}

/// `tests/field-cases/<name>`, as it is.
#[track_caller]
pub(crate) fn field_case(name: &str) -> Bytes {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/field-cases").join(name);
    match fs::read(path) {
        Ok(bytes) => bytes.into(),
        Err(error) => panic!("tests/field-cases/{name}: {error}"),
    }
}

/// `sample-payloads/<path>` as JSON.
#[track_caller]
pub(crate) fn sample_json(path: &str) -> Value {
    parse(&sample(path))
}

/// What follows the `?` in a sample of Get Contact, `GET https://host/path?query`.
#[track_caller]
pub(crate) fn sample_query(path: &str) -> String {
    let request = text(&sample(path)).trim().to_owned();
    let (_, query) = request.split_once('?').expect("a sample with a query");
    query.to_owned()
}

/// A POST with the token.
#[track_caller]
pub(crate) fn post(path: &str, body: impl Into<Bytes>) -> Request<Full<Bytes>> {
    let request = Request::post(path).header(AUTHORIZATION, TOKEN);
    request.body(Full::new(body.into())).expect("a valid request")
}

/// A GET without token or body.
#[track_caller]
pub(crate) fn get(path_and_query: &str) -> Request<Full<Bytes>> {
    Request::get(path_and_query).body(Full::default()).expect("a valid request")
}

#[track_caller]
pub(crate) fn text(bytes: &[u8]) -> &str {
    str::from_utf8(bytes).expect("UTF-8")
}

#[track_caller]
pub(crate) fn parse(bytes: &[u8]) -> Value {
    serde_json::from_slice(bytes).expect("JSON")
}

/// The body of a response, as text.
#[track_caller]
pub(crate) fn body(response: Response<Body>) -> String {
    text(&response.into_body().into_bytes()).to_owned()
}

/// A header of a response; empty where it is absent.
#[track_caller]
pub(crate) fn header(response: &Response<Body>, name: impl http::header::AsHeaderName) -> String {
    let mut values = response.headers().get_all(name).iter();
    let value = values.next().map(|value| value.to_str().expect("an ASCII header").to_owned());
    assert!(values.next().is_none(), "a header came twice");
    value.unwrap_or_default()
}

/// 200 and nothing else: what a feed is answered.
#[track_caller]
pub(crate) fn assert_taken(response: Response<Body>) {
    assert_eq!(response.status(), 200);
    assert_eq!(header(&response, CONTENT_TYPE), "");
    assert_eq!(body(response), "");
}

/// 200 and this JSON document.
#[track_caller]
pub(crate) fn assert_json(response: Response<Body>, expected: &Value) {
    assert_eq!(response.status(), 200);
    assert_eq!(header(&response, CONTENT_TYPE), "application/json; charset=utf-8");
    assert_eq!(header(&response, X_CONTENT_TYPE_OPTIONS), "nosniff");
    assert_eq!(parse(body(response).as_bytes()), *expected);
}

/// This status and this plain text.
#[track_caller]
pub(crate) fn assert_text(response: Response<Body>, status: u16, expected: &str) {
    assert_eq!(response.status(), status);
    assert_eq!(header(&response, CONTENT_TYPE), "text/plain; charset=utf-8");
    assert_eq!(header(&response, X_CONTENT_TYPE_OPTIONS), "nosniff");
    assert_eq!(body(response), expected);
}

/// This status, and the body `{"code":<status>,"message":<message>}` to the byte.
#[track_caller]
pub(crate) fn assert_refused(response: Response<Body>, status: u16, message: &str) {
    assert_eq!(header(&response, CONTENT_TYPE), "application/json; charset=utf-8");
    assert_eq!(header(&response, X_CONTENT_TYPE_OPTIONS), "nosniff");
    let answered = response.status();
    assert_eq!(body(response), json!({ "code": status, "message": message }).to_string());
    assert_eq!(answered, status);
}

/// Bodies that are no JSON object, and what is said of them; in every API the same.
pub(crate) const MALFORMED: &[(&[u8], &str)] = &[
    (b"", "expected a JSON object"),
    (b" \r\n\t", "expected a JSON object"),
    (b"\xef\xbb\xbf", "expected a JSON object"),
    (b"null", "expected a JSON object"),
    (b"true", "expected a JSON object"),
    (b"12", "expected a JSON object"),
    (b"\"SECRET\"", "expected a JSON object"),
    (b"[{}]", "expected a JSON object"),
    (b"SECRET=1", "expected a JSON object"),
    (b"{", "EOF while parsing an object at line 1 column 1"),
    (b"{\"SECRET", "EOF while parsing a string at line 1 column 8"),
    (b"{\"SECRET\":1,}", "trailing comma at line 1 column 13"),
    (b"{'SECRET':1}", "key must be a string at line 1 column 2"),
    (b"{SECRET:1}", "key must be a string at line 1 column 2"),
    (b"{\n\"SECRET\" 1}", "expected `:` at line 2 column 10"),
    (b"{\"SECRET\":SECRET}", "expected value at line 1 column 11"),
    (b"{\"SECRET\":\"\xff\",}", "trailing comma at line 1 column 15"),
    (b"{\n\"SECRET\":[\"\xff\xff\",1e999,\"\\ud83d\"}", "expected `,` or `]` at line 2 column 30"),
    (b"\xff{}", "expected a JSON object"),
    (b"{\"SECRET\":\xff}", "expected value at line 1 column 11"),
    (b"{\xef\xbb\xbf\"SECRET\":1}", "key must be a string at line 1 column 2"),
    (b"\xff\xfe{\0\"\0", "expected UTF-8, found UTF-16"),
    (b"\xfe\xff\0{\0\"", "expected UTF-8, found UTF-16"),
    (b"{\0\"\0", "expected UTF-8, found UTF-16"),
    (b"\0{\0\"", "expected UTF-8, found UTF-16"),
];

/// Values that are no JSON, or that no Rust type holds, and what is said of them before the
/// position.
pub(crate) const MALFORMED_VALUES: &[(&str, &str)] = &[
    ("SECRET", "expected value"),
    ("[SECRET]", "expected value"),
    ("[1 2]", "expected `,` or `]`"),
    (r#"{"a":1 "b":2}"#, "expected `,` or `}`"),
    ("01", "invalid number"),
    ("+1", "expected value"),
    ("1.", "invalid number"),
    ("NaN", "expected value"),
    (r#""\x""#, "invalid escape"),
    (r#""\u12""#, "invalid escape"),
];

/// Values that are JSON but for one character, or that no Rust type holds, and how they are read.
pub(crate) const MENDED_VALUES: &[(&[u8], &str)] = &[
    (br#""\ud800""#, r#""\ufffd""#),
    (br#""a\udc00b""#, r#""a\ufffdb""#),
    (br#""\ud800\u0041""#, r#""\ufffdA""#),
    (br#""\ud83d\ud83d\ude80""#, r#""\ufffd\ud83d\ude80""#),
    (br#"{"\ud800":[{"a":"\ud800"}]}"#, r#"{"\ufffd":[{"a":"\ufffd"}]}"#),
    (b"\"K\xf6ln\"", r#""K\ufffdln""#),
    (b"{\"K\xf6ln\":\"\xe2\x82\"}", r#"{"K\ufffdln":"\ufffd"}"#),
    (b"\"\x01\t\0\"", r#""\u0001\t\u0000""#),
    (b"1e999", r#""1e999""#),
    (b"[-1e999]", r#"["-1e999"]"#),
    (
        b"{\"a\":340282366920938463463374607431768211455}",
        r#"{"a":"340282366920938463463374607431768211455"}"#,
    ),
    (b"-9223372036854775809", r#""-9223372036854775809""#),
    (b"1e300", "1e300"),
];

/// `document` with the field `SECRET` added.
#[track_caller]
pub(crate) fn with_value(document: &str, value: impl AsRef<[u8]>) -> Vec<u8> {
    let open = document.trim_end().strip_suffix('}').expect("an object");
    [open.as_bytes(), br#","SECRET":"#, value.as_ref(), b"}"].concat()
}

/// `document` with the field `nested` added, of arrays in objects, `depth` levels below the
/// document.
#[track_caller]
pub(crate) fn nested(document: &str, depth: usize) -> String {
    let open = document.trim_end().strip_suffix('}').expect("an object");
    let (start, end): (String, String) = (0..depth)
        .map(|level| if level % 2 == 0 { ("[", "]") } else { (r#"{"a":"#, "}") })
        .fold(Default::default(), |(start, end), (opening, closing)| {
            (start + opening, closing.to_owned() + &end)
        });
    let innermost = if depth.is_multiple_of(2) { "1" } else { "" };
    format!(r#"{open},"nested":{start}{innermost}{end}}}"#)
}

/// What no answer and no log may repeat.
pub(crate) const SECRET: &str = "SECRET";
pub(crate) const SECRET_NUMBER: u64 = 987_654_321;

/// `document` with a secret in the place of every value and of every name in turn: whole, cut off,
/// with something after it, and with a byte in the middle that is no UTF-8.
pub(crate) fn with_secrets(document: &Value) -> Vec<Vec<u8>> {
    let mut bodies = Vec::new();
    for secret in secrets(document) {
        let whole = secret.to_string().into_bytes();
        let middle = whole.len() / 2;
        bodies.push(whole[..middle].to_vec());
        bodies.push([&whole[..middle], b"\xff", &whole[middle..]].concat());
        bodies.push([&whole, SECRET.as_bytes()].concat());
        bodies.push(whole);
    }
    bodies
}

fn secrets(value: &Value) -> Vec<Value> {
    let mut found = vec![
        json!(SECRET),
        json!(SECRET_NUMBER),
        json!(-1.5),
        json!(true),
        json!([SECRET]),
        json!({ SECRET: SECRET }),
        json!([[{ SECRET: [SECRET_NUMBER] }]]),
    ];
    match value {
        Value::Object(object) => {
            for (name, value) in object {
                found.extend(secrets(value).into_iter().map(|secret| {
                    let mut object = object.clone();
                    object.insert(name.clone(), secret);
                    Value::Object(object)
                }));
                let mut renamed = object.clone();
                let value = renamed.remove(name).unwrap_or_default();
                renamed.insert(format!("{SECRET}{name}"), value);
                found.push(Value::Object(renamed));
            }
        }
        Value::Array(array) => {
            for (index, value) in array.iter().enumerate() {
                found.extend(secrets(value).into_iter().map(|secret| {
                    let mut array = array.clone();
                    array[index] = secret;
                    Value::Array(array)
                }));
            }
        }
        _ => {}
    }
    found
}

/// The texts of the answers, where they are refusals, repeat nothing of the request.
#[track_caller]
pub(crate) fn assert_tells_no_secret(what: &str, told: &str) {
    assert!(!told.contains(SECRET), "{what}: {told}");
    assert!(!told.contains(&SECRET_NUMBER.to_string()), "{what}: {told}");
}

/// What handlers were given, in order. A clone is the same box.
#[derive(Debug)]
pub(crate) struct Seen<T>(Arc<Mutex<Vec<T>>>);

impl<T> Seen<T> {
    pub(crate) fn new() -> Self {
        Self(Arc::default())
    }

    pub(crate) fn push(&self, event: T) {
        self.0.lock().expect("not poisoned").push(event);
    }

    pub(crate) fn take(&self) -> Vec<T> {
        std::mem::take(&mut *self.0.lock().expect("not poisoned"))
    }

    /// The only one.
    #[track_caller]
    pub(crate) fn one(&self) -> T {
        let mut seen = self.take();
        assert_eq!(seen.len(), 1, "events seen");
        seen.remove(0)
    }
}

impl<T> Clone for Seen<T> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

/// A handler that does not do its work.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Failing {
    Passing,
    Permanent,
    Panicking,
    Hanging,
}

pub(crate) const FAILINGS: [Failing; 4] =
    [Failing::Passing, Failing::Permanent, Failing::Panicking, Failing::Hanging];

impl Failing {
    pub(crate) async fn run<T>(self) -> Result<T, HandlerError> {
        match self {
            Self::Passing => Err("no database".into()),
            Self::Permanent => Err(HandlerError::permanent("no such plan")),
            Self::Panicking => panic!("a bug in the handler"),
            Self::Hanging => pending().await,
        }
    }
}

/// What a feed is answered whose handler fails so.
#[track_caller]
pub(crate) fn assert_feed_failed(response: Response<Body>, failing: Failing) {
    let (status, message) = match failing {
        Failing::Passing => (503, "try again later"),
        Failing::Permanent => (422, "the event cannot be processed"),
        Failing::Panicking => (500, "internal error"),
        Failing::Hanging => (503, "not done in time, try again later"),
    };
    assert_refused(response, status, message);
}

thread_local! {
    static LOG: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
}

/// Starts recording what is logged on this thread; [`log`] has it.
///
/// The subscriber is the process's, not the thread's: one of a thread alone misses what another
/// thread came across first.
pub(crate) fn record_log() {
    static INSTALL: Once = Once::new();
    INSTALL.call_once(|| {
        tracing_subscriber::fmt()
            .with_max_level(tracing::Level::TRACE)
            .with_ansi(false)
            .without_time()
            .with_writer(|| ThreadLog)
            .init();
    });
    LOG.take();
}

/// What was logged on this thread since the last call, spans and their fields included.
pub(crate) fn log() -> String {
    String::from_utf8(LOG.take()).expect("UTF-8")
}

struct ThreadLog;

impl Write for ThreadLog {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        LOG.with_borrow_mut(|log| log.extend_from_slice(bytes));
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
