//! A SnapEngage of a test, below the client: what it answers, and what it was asked.

use std::future::pending;
use std::mem::take;
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use http::header::AUTHORIZATION;
use http::{Request, Response, Uri};
use snapengage::async_trait;
use snapengage::client::{
    Account, Client, ClientBuilder, ResponseBody, Secret, Transport, TransportError,
};

pub(crate) const TOKEN: &str = "2f6a9c-token";

/// What came in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Asked {
    pub(crate) address: Uri,
    pub(crate) token: Option<String>,
}

/// All that came in, in order. A clone is the same list.
#[derive(Debug, Clone, Default)]
pub(crate) struct AllAsked(Arc<Mutex<Vec<Asked>>>);

impl AllAsked {
    pub(crate) fn take(&self) -> Vec<Asked> {
        take(&mut *self.0.lock().expect("not poisoned"))
    }

    fn push(&self, asked: Asked) {
        self.0.lock().expect("not poisoned").push(asked);
    }
}

/// What goes out. Texts and statuses become one.
pub(crate) enum Answered {
    With(Response<ResponseBody>),
    Never,
}

impl From<String> for Answered {
    fn from(body: String) -> Self {
        Self::With(Response::new(body.into()))
    }
}

impl From<u16> for Answered {
    fn from(status: u16) -> Self {
        let response = Response::builder().status(status).body("".into());
        Self::With(response.expect("a status"))
    }
}

struct Scripted<F> {
    answer: F,
    asked: AllAsked,
}

#[async_trait]
impl<F> Transport for Scripted<F>
where
    F: Fn(&Uri) -> Answered + Send + Sync + 'static,
{
    async fn send(
        &self,
        request: Request<Bytes>,
    ) -> Result<Response<ResponseBody>, TransportError> {
        let token = request.headers().get(AUTHORIZATION);
        let token = token.map(|token| token.to_str().expect("ASCII").to_owned());
        self.asked.push(Asked { address: request.uri().clone(), token });
        match (self.answer)(request.uri()) {
            Answered::With(response) => Ok(response),
            Answered::Never => pending().await,
        }
    }
}

/// An account whose calls are answered so.
pub(crate) fn account(
    answer: impl Fn(&Uri) -> Answered + Send + Sync + 'static,
) -> (Account, AllAsked) {
    account_of(Client::builder(), answer)
}

pub(crate) fn account_of(
    client: ClientBuilder,
    answer: impl Fn(&Uri) -> Answered + Send + Sync + 'static,
) -> (Account, AllAsked) {
    let asked = AllAsked::default();
    let client = client.transport(Scripted { answer, asked: asked.clone() }).build();
    (client.expect("good settings").account(Secret::new(TOKEN), 5_406_213), asked)
}
