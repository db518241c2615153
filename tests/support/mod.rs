//! Short helpers that the tests of the APIs and of the inbox share.

mod log;
pub(crate) mod requests;

use std::fs;
use std::future::pending;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use http::header::{CONTENT_TYPE, X_CONTENT_TYPE_OPTIONS};
use http::{Request, Response};
use http_body_util::Full;
use serde_json::json;
use snapengage::{Body, HandlerError};

pub(crate) use self::log::{log, record_log};
use self::requests::text;
pub(crate) use self::requests::{auth, post};

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

/// A GET without token or body.
#[track_caller]
pub(crate) fn get(path_and_query: &str) -> Request<Full<Bytes>> {
    Request::get(path_and_query).body(Full::default()).expect("a valid request")
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

/// This status, and the body `{"code":<status>,"message":<message>}` to the byte.
#[track_caller]
pub(crate) fn assert_refused(response: Response<Body>, status: u16, message: &str) {
    assert_eq!(header(&response, CONTENT_TYPE), "application/json; charset=utf-8");
    assert_eq!(header(&response, X_CONTENT_TYPE_OPTIONS), "nosniff");
    let answered = response.status();
    assert_eq!(body(response), json!({ "code": status, "message": message }).to_string());
    assert_eq!(answered, status);
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
