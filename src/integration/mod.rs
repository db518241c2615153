//! Integration API: every finished chat and every offline message.
//!
//! SnapEngage sends one POST for each, as JSON or, to long-standing customers, as XML:
//!
//! ```http
//! POST /integration HTTP/1.1
//! Host: example.com
//! Authorization: my-token
//!
//! {"id":"8b7c3b3b-f5d7-4e58-96d8","type":"chat","requested_by":"test@test.com","transcripts":[{"alias":"visitor","message":"Hola, ","sender":"VISITOR"}]}
//! ```
//!
//! It is answered when the handler is done with it:
//!
//! ```http
//! HTTP/1.1 200 OK
//! ```
//!
//! Whatever else it is answered, SnapEngage sends it again for about two hours, and then by email.
//! A handler that fails is answered 503 for that reason, and every request may come more than once:
//! its [`id`](SupportRequest::id) says which one it is. A body that cannot be read is refused:
//!
//! ```http
//! HTTP/1.1 400 Bad Request
//! Content-Type: application/json; charset=utf-8
//!
//! {"code":400,"message":"support request: missing field `id` at line 1 column 15"}
//! ```
//!
//! See [SnapEngage docs/Integration API](https://developer.snapengage.com/#integration-api).
//!
//! ```
//! use snapengage::integration;
//! use snapengage::{Receiver, Token};
//!
//! let handler = integration::from_fn(|request| async move {
//!     println!("{}: {} lines", request.id, request.transcripts.len());
//!     Ok(())
//! });
//! let receiver = Receiver::builder()
//!     .integration("/integration", Token::new("my-token"), handler)
//!     .build()?;
//! # Ok::<_, snapengage::BuildError>(())
//! ```

mod request;
mod requester;
mod transcript;
mod xml;

use std::sync::Arc;

use async_trait::async_trait;

pub use self::request::{
    ChatEndedBy, Language, RequestKind, SourceId, SupportRequest, UndocumentedSource, Variable,
};
pub use self::requester::RequesterDetails;
pub use self::transcript::{Date, Sender, TranscriptLine};

use crate::api::Api;
use crate::endpoint::closure::from_fn;
use crate::endpoint::rejection::Rejection;
use crate::endpoint::{Admitted, Call, Endpoint};
use crate::error::HandlerError;
use crate::journal::{Journal, Read, Subject};

/// What to do with finished chats and offline messages.
#[async_trait]
pub trait Handler: Send + Sync + 'static {
    /// Takes one support request. The same one may come again, with more in it or as it was: its
    /// [`key`](SupportRequest::key) tells it.
    ///
    /// # Errors
    ///
    /// A failure is answered 503, a [permanent](HandlerError::permanent) one 422; SnapEngage sends
    /// it again in either case.
    async fn support_request(&self, request: SupportRequest) -> Result<(), HandlerError>;

    /// What takes the requests of `path` in this handler's place, as they came. Asked once, when the
    /// receiver is built.
    ///
    /// With `None`, the default, they come to this handler.
    fn journal(&self, _path: &str) -> Option<Arc<dyn Journal>> {
        None
    }
}

#[async_trait]
impl<H: Handler + ?Sized> Handler for Arc<H> {
    async fn support_request(&self, request: SupportRequest) -> Result<(), HandlerError> {
        (**self).support_request(request).await
    }

    fn journal(&self, path: &str) -> Option<Arc<dyn Journal>> {
        (**self).journal(path)
    }
}

from_fn! {
    /// A handler from a closure.
    support_request(SupportRequest) -> ()
}

pub(crate) struct Route<H> {
    handler: Arc<H>,
    journal: Option<Arc<dyn Journal>>,
}

impl<H: Handler> Route<H> {
    pub(crate) fn new(handler: H, path: &str) -> Self {
        Self { journal: handler.journal(path), handler: Arc::new(handler) }
    }
}

impl<H: Handler> Endpoint for Route<H> {
    fn api(&self) -> Api {
        Api::Integration
    }

    fn accept(&self, request: Admitted<'_>) -> Result<Call, Rejection> {
        let read = SupportRequest::from_request(&request.body);
        if let Some(journal) = &self.journal {
            let read = read.map(|support_request| noted(&support_request));
            return Ok(Call::journal(journal, request, read));
        }
        let support_request = read?;
        let handler = Arc::clone(&self.handler);
        let (kind, case_id) = (kind(&support_request), support_request.id.clone());
        Ok(Call::feed(kind, Some(case_id), async move {
            H::support_request(&handler, *support_request).await
        }))
    }
}

fn kind(request: &SupportRequest) -> String {
    request.kind.as_ref().map_or("", RequestKind::as_str).to_owned()
}

fn noted(request: &SupportRequest) -> Read {
    Read {
        event: kind(request),
        subject: Subject::Case(request.id.clone()),
        has_key: true,
        timestamp: request.created_at(),
    }
}
