//! SnapEngage, played by a transport: it answers in turn or by a rule, and keeps the requests.

use std::collections::VecDeque;
use std::fmt::Debug;
use std::future::pending;
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use form_urlencoded::parse;
use http::{HeaderMap, Method, Request, Response, Uri};
use serde_json::Value;
use snapengage::async_trait;
use snapengage::client::{
    Account, Client, ClientBuilder, ClientError, Provisioning, ResponseBody, Secret, Transport,
    TransportError, VisitorChats,
};
use tokio::time::Instant;

pub(crate) const TOKEN: &str = "{api_token}";
pub(crate) const KEY: &str = "{api_key}";

/// What goes out. Texts and statuses become one.
pub(crate) enum Answered {
    With(Response<ResponseBody>),
    Never,
}

impl Answered {
    fn of(status: u16, body: impl Into<Bytes>) -> Self {
        let response = Response::builder().status(status).body(ResponseBody::from(body));
        Self::With(response.expect("a status"))
    }
}

impl From<String> for Answered {
    fn from(body: String) -> Self {
        Self::of(200, body)
    }
}

impl From<u16> for Answered {
    fn from(status: u16) -> Self {
        Self::of(status, "")
    }
}

type Answer = Box<dyn Fn(&Uri) -> Answered + Send>;

/// The vendor. A clone is the same.
#[derive(Clone)]
pub(crate) struct Vendor(Arc<Mutex<State>>);

struct State {
    /// The last is for all further requests.
    answers: VecDeque<Answer>,
    requests: Vec<Sent>,
}

impl Vendor {
    /// Answers the request for each address so, unless more answers are added.
    pub(crate) fn by(answer: impl Fn(&Uri) -> Answered + Send + 'static) -> Self {
        let answers = VecDeque::from([Box::new(answer) as Answer]);
        Self(Arc::new(Mutex::new(State { answers, requests: Vec::new() })))
    }

    /// Answers every request so, unless more answers are added.
    pub(crate) fn answering(status: u16, body: impl Into<Bytes>) -> Self {
        let body = body.into();
        Self::by(move |_| Answered::of(status, body.clone()))
    }

    /// Then answers so.
    pub(crate) fn then(self, status: u16, body: impl Into<Bytes>) -> Self {
        let body = body.into();
        self.play(move |_| Answered::of(status, body.clone()))
    }

    /// Then never answers one request.
    pub(crate) fn then_stalling(self) -> Self {
        self.play(|_| Answered::Never)
    }

    fn play(self, answer: impl Fn(&Uri) -> Answered + Send + 'static) -> Self {
        self.0.lock().expect("not poisoned").answers.push_back(Box::new(answer));
        self
    }

    /// A client of one attempt a call: repeats are a matter of other tests.
    pub(crate) fn client(&self) -> Client {
        let client = Client::builder().transport(self.clone()).attempts(1).build();
        client.expect("no mistakes")
    }

    pub(crate) fn account(&self) -> Account {
        self.client().account(Secret::new(TOKEN), 5_406_213)
    }

    pub(crate) fn provisioning(&self) -> Provisioning {
        self.client().provisioning(Secret::new(KEY))
    }

    pub(crate) fn visitor_chats(&self) -> VisitorChats {
        self.client().visitor_chats(Secret::new(KEY))
    }

    /// The requests since the last time, in order.
    pub(crate) fn requests(&self) -> Vec<Sent> {
        std::mem::take(&mut self.0.lock().expect("not poisoned").requests)
    }

    /// The only request.
    #[track_caller]
    pub(crate) fn request(&self) -> Sent {
        let mut requests = self.requests();
        assert_eq!(requests.len(), 1, "requests sent");
        requests.remove(0)
    }
}

#[async_trait]
impl Transport for Vendor {
    async fn send(
        &self,
        request: Request<Bytes>,
    ) -> Result<Response<ResponseBody>, TransportError> {
        let answered = {
            let mut state = self.0.lock().expect("not poisoned");
            let answer = state.answers[0](request.uri());
            state.requests.push(Sent::new(request));
            if state.answers.len() > 1 {
                state.answers.pop_front();
            }
            answer
        };
        match answered {
            Answered::With(response) => Ok(response),
            Answered::Never => pending().await,
        }
    }
}

/// An account whose calls are answered so.
pub(crate) fn account(answer: impl Fn(&Uri) -> Answered + Send + 'static) -> (Account, Vendor) {
    account_of(Client::builder(), answer)
}

pub(crate) fn account_of(
    client: ClientBuilder,
    answer: impl Fn(&Uri) -> Answered + Send + 'static,
) -> (Account, Vendor) {
    let vendor = Vendor::by(answer);
    let client = client.transport(vendor.clone()).build().expect("good settings");
    (client.account(Secret::new(TOKEN), 5_406_213), vendor)
}

/// A request that was sent, decoded.
#[derive(Debug, Clone)]
pub(crate) struct Sent {
    pub(crate) at: Instant,
    pub(crate) method: Method,
    pub(crate) uri: Uri,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl Sent {
    fn new(request: Request<Bytes>) -> Self {
        let (head, body) = request.into_parts();
        let (method, uri, headers) = (head.method, head.uri, head.headers);
        Self { at: Instant::now(), method, uri, headers, body }
    }

    /// The segments of the path.
    pub(crate) fn path(&self) -> Vec<String> {
        self.uri.path().split('/').skip(1).map(decoded).collect()
    }

    /// The parameters of the query, in order.
    pub(crate) fn query(&self) -> Vec<(String, String)> {
        let query = self.uri.query().unwrap_or_default();
        parse(query.as_bytes()).into_owned().collect()
    }

    /// A parameter of the query.
    pub(crate) fn parameter(&self, name: &str) -> Option<String> {
        self.query().into_iter().find(|(found, _)| found == name).map(|(_, value)| value)
    }

    #[track_caller]
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).expect("a body of JSON")
    }

    /// A header; empty where it is absent.
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().expect("ASCII"))
    }
}

/// Text without its percent-encoding, in which a plus is a plus.
pub(crate) fn decoded(text: &str) -> String {
    let text = text.replace('+', "%2B");
    parse(text.as_bytes()).next().unwrap_or_default().0.into_owned()
}

/// A failure of a call, whose text and `Debug` show none of these.
#[track_caller]
pub(crate) fn error<T: Debug>(result: Result<T, ClientError>, private: &[&str]) -> ClientError {
    let error = result.expect_err("a refusal");
    for text in private {
        let shown = format!("{error} {error:?}");
        assert!(!shown.contains(text), "{text:?} is in {shown}");
    }
    error
}
