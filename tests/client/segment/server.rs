//! Segment's HTTP API as a server of the tests.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, State};
use axum::http::{HeaderMap, StatusCode};
use axum::routing::post;
use serde_json::Value;
use tokio::net::TcpListener;
use tokio::sync::watch;

/// A server that answers as it is told, and then that all is well.
pub(crate) struct SegmentServer {
    pub(crate) url: String,
    shared: Arc<Shared>,
    count: watch::Receiver<usize>,
}

struct Shared {
    answers: Mutex<VecDeque<(u16, String)>>,
    requests: Mutex<Vec<Received>>,
    count: watch::Sender<usize>,
}

#[derive(Clone)]
pub(crate) struct Received {
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
    /// Status of the answer.
    status: u16,
}

impl SegmentServer {
    pub(crate) async fn start() -> Self {
        Self::answering([]).await
    }

    /// Gives these answers first, a status and a body each.
    pub(crate) async fn answering<const N: usize>(answers: [(u16, &str); N]) -> Self {
        let (count, counted) = watch::channel(0);
        let answers = answers.map(|(status, body)| (status, body.to_owned()));
        let shared = Arc::new(Shared {
            answers: Mutex::new(answers.into()),
            requests: Mutex::default(),
            count,
        });
        let app = Router::new()
            .route("/v1/batch", post(batch))
            .layer(DefaultBodyLimit::max(500_000))
            .with_state(Arc::clone(&shared));
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let url = format!("http://{}", listener.local_addr().expect("an address"));
        tokio::spawn(async move { axum::serve(listener, app).await });
        Self { url, shared, count: counted }
    }

    pub(crate) fn requests(&self) -> Vec<Received> {
        self.shared.requests.lock().expect("not poisoned").clone()
    }

    /// The events of all batches that were taken, in order.
    pub(crate) fn events(&self) -> Vec<Value> {
        let taken = self.requests().into_iter().filter(|request| request.status == 200);
        taken.flat_map(|request| request.events()).collect()
    }

    /// Waits until so many batches have come.
    #[cfg(all(feature = "inbox", feature = "sqlite"))]
    pub(crate) async fn has_come(&self, batches: usize) {
        let mut count = self.count.clone();
        count.wait_for(|count| *count >= batches).await.expect("a server");
    }

    pub(crate) fn count(&self) -> usize {
        *self.count.borrow()
    }
}

impl Received {
    #[track_caller]
    pub(crate) fn events(&self) -> Vec<Value> {
        let body: Value = serde_json::from_slice(&self.body).expect("JSON");
        assert_eq!(body.as_object().expect("an object").len(), 1, "a batch and nothing else");
        body["batch"].as_array().expect("events").clone()
    }
}

async fn batch(
    State(shared): State<Arc<Shared>>,
    headers: HeaderMap,
    body: Bytes,
) -> (StatusCode, String) {
    let answer = shared.answers.lock().expect("not poisoned").pop_front();
    let (status, text) = answer.unwrap_or((200, r#"{"success":true}"#.to_owned()));
    shared.requests.lock().expect("not poisoned").push(Received { headers, body, status });
    shared.count.send_modify(|count| *count += 1);
    (StatusCode::from_u16(status).expect("a status"), text)
}
