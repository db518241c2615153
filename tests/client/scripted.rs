//! A SnapEngage of a test, below the client: what it answers, and what it was asked.

use std::future::pending;

use bytes::Bytes;
use http::header::AUTHORIZATION;
use http::{Request, Response, Uri};
use snapengage::async_trait;
use snapengage::client::{
    Account, Client, ClientBuilder, ResponseBody, Secret, Transport, TransportError,
};

use crate::support::Seen;

pub(crate) const TOKEN: &str = "2f6a9c-token";

/// What came in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Asked {
    pub(crate) address: Uri,
    pub(crate) token: Option<String>,
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
    asked: Seen<Asked>,
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
) -> (Account, Seen<Asked>) {
    account_of(Client::builder(), answer)
}

pub(crate) fn account_of(
    client: ClientBuilder,
    answer: impl Fn(&Uri) -> Answered + Send + Sync + 'static,
) -> (Account, Seen<Asked>) {
    let asked = Seen::new();
    let client = client.transport(Scripted { answer, asked: asked.clone() }).build();
    (client.expect("good settings").account(Secret::new(TOKEN), 5_406_213), asked)
}
