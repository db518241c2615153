//! Integration API: every finished chat and every offline message.
//!
//! SnapEngage sends one POST for each, as JSON or, to long-standing customers, as XML:
//!
//! ```http
//! POST /integration HTTP/1.1
//! Host: example.com
//! Authorization: my-token
//!
//! {"id":"8b7c3b3b-f5d7-4e58-96d8","type":"chat","requested_by":"test@test.com",
//!  "transcripts":[{"alias":"visitor","message":"Hola, ","sender":"VISITOR"}]}
//! ```
//!
//! It is answered when the handler has returned:
//!
//! ```http
//! HTTP/1.1 200 OK
//! ```
//!
//! To any other answer, SnapEngage repeats the request for about two hours, and then sends it by
//! email. A handler that fails is answered 503 for that reason. Every request may come more than
//! once; its [`id`](SupportRequest::id) identifies it. A body that cannot be read is refused:
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
use crate::endpoint::feed::{FeedEndpoint, FeedEvent, Handles, Handling, IntoFeed};
use crate::error::{DecodeError, HandlerError};
use crate::journal::Subject;
use crate::timestamp::Timestamp;
use crate::wire::charset::{is_utf_16, without_bom};
use crate::wire::decoded::Decoded;
use crate::wire::json;

/// Handler of finished chats and offline messages.
///
/// ```
/// use snapengage::integration::{Handler, SupportRequest};
/// use snapengage::{HandlerError, async_trait};
///
/// struct CrmSync;
///
/// #[async_trait]
/// impl Handler for CrmSync {
///     async fn support_request(
///         &self,
///         request: SupportRequest,
///     ) -> Result<(), HandlerError> {
///         println!("{}: {} lines", request.id, request.transcripts.len());
///         Ok(())
///     }
/// }
/// ```
///
/// Every `impl` needs [`#[async_trait]`](macro@crate::async_trait) as above. Without it, the
/// compiler reports E0195: "lifetime parameters or bounds on method `support_request` do not match
/// the trait declaration".
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a handler of the Integration API",
    label = "the trait `integration::Handler` is not implemented for `{Self}`",
    note = "a closure becomes a handler by `integration::from_fn(|request| async move {{ .. }})`"
)]
#[async_trait]
pub trait Handler: Send + Sync + 'static {
    /// Processes one support request. The same one may come again, unchanged or with more in it:
    /// its [`key`](SupportRequest::key) identifies it.
    ///
    /// # Errors
    ///
    /// A failure is answered 503, a [permanent](HandlerError::permanent) one 422; SnapEngage sends
    /// it again in either case.
    async fn support_request(&self, request: SupportRequest) -> Result<(), HandlerError>;
}

#[async_trait]
impl<H: Handler + ?Sized> Handler for Arc<H> {
    async fn support_request(&self, request: SupportRequest) -> Result<(), HandlerError> {
        (**self).support_request(request).await
    }
}

from_fn! {
    /// Creates a handler from a closure.
    support_request(SupportRequest) -> ()
}

const WHAT: &str = "support request";

impl SupportRequest {
    /// Reads the body of a request: JSON, or XML if it starts with `<`.
    ///
    /// # Errors
    ///
    /// Those of [`from_json`](Self::from_json) and [`from_xml`](Self::from_xml).
    pub fn from_body(body: &[u8]) -> Result<Self, DecodeError> {
        Self::read(body).map(|decoded| *decoded.model)
    }

    /// Reads JSON.
    ///
    /// # Errors
    ///
    /// If the body is not a JSON object, or lacks `id`.
    pub fn from_json(body: &[u8]) -> Result<Self, DecodeError> {
        json::from_json(WHAT, body)
    }

    /// Reads legacy XML in UTF-8 or, if it declares so, in ISO-8859-1 or windows-1252.
    ///
    /// # Errors
    ///
    /// If the body is not one well-formed element `case` with an `id`, has a DOCTYPE, or nests
    /// deeper than 128.
    pub fn from_xml(body: &[u8]) -> Result<Self, DecodeError> {
        xml::decode(WHAT, body).map(|decoded| *decoded.model)
    }
}

impl FeedEvent for SupportRequest {
    const API: Api = Api::Integration;

    fn read(body: &[u8]) -> Result<Decoded<Box<Self>>, DecodeError> {
        let start = without_bom(body).trim_ascii_start();
        if start.starts_with(b"<") && !is_utf_16(body) {
            return xml::decode(WHAT, body);
        }
        json::decode(WHAT, body)
    }

    fn name(&self) -> &str {
        self.kind.as_ref().map_or("", RequestKind::as_str)
    }

    fn subject(&self) -> Subject {
        Subject::Case(self.id.clone())
    }

    fn timestamp(&self) -> Option<Timestamp> {
        self.created_at()
    }

    fn has_key(&self) -> bool {
        // Even without a time: SnapEngage repeats a request for two hours.
        true
    }
}

impl<H: Handler> Handles<SupportRequest> for H {
    fn handle(&self, request: Box<SupportRequest>) -> Handling<'_> {
        self.support_request(*request)
    }
}

impl<H: Handler> IntoFeed<SupportRequest> for H {
    fn into_endpoint(self, _path: &str) -> FeedEndpoint<SupportRequest> {
        FeedEndpoint::handled(self)
    }
}
