//! Receivers of a replay.

use bytes::Bytes;
use http::Request;
use http_body_util::Full;

use super::compare::NewAnswer;
use crate::receiver::Receiver;
use crate::receiver::response::FailureReason;
#[cfg(feature = "client")]
use crate::record::remote::RemoteReceiver;

/// Receiver that a recording is replayed against: one in this process, or, with the feature
/// `client`, a `RemoteReceiver` at an address.
#[derive(Debug, Clone)]
pub struct ReplayTarget(Destination);

#[derive(Debug, Clone)]
enum Destination {
    Local(Receiver),
    #[cfg(feature = "client")]
    Remote(RemoteReceiver),
}

impl From<&Receiver> for ReplayTarget {
    fn from(receiver: &Receiver) -> Self {
        Self(Destination::Local(receiver.clone()))
    }
}

#[cfg(feature = "client")]
impl From<&RemoteReceiver> for ReplayTarget {
    fn from(receiver: &RemoteReceiver) -> Self {
        Self(Destination::Remote(receiver.clone()))
    }
}

/// Request without an answer.
#[derive(Debug)]
pub(super) struct Unanswered {
    pub(super) problem: String,
    /// `true` if no other would be answered either.
    pub(super) is_last: bool,
}

impl ReplayTarget {
    pub(super) async fn send(&self, request: Request<Bytes>) -> Result<NewAnswer, Unanswered> {
        match &self.0 {
            Destination::Local(receiver) => Ok(local(receiver, request).await),
            #[cfg(feature = "client")]
            Destination::Remote(receiver) => match receiver.send(request).await {
                Ok(response) => {
                    let status = response.status();
                    Ok(NewAnswer { status, body: response.into_body(), reason: None })
                }
                Err(error) => Err(Unanswered {
                    problem: format!("{error:?}"),
                    is_last: error.is_unreachable(),
                }),
            },
        }
    }
}

async fn local(receiver: &Receiver, request: Request<Bytes>) -> NewAnswer {
    let response = receiver.handle(request.map(Full::new)).await;
    let reason = response.extensions().get::<FailureReason>();
    let reason = reason.map(|reason| reason.as_str().to_owned());
    NewAnswer { status: response.status(), body: response.into_body().into_bytes(), reason }
}
