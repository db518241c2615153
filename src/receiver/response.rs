//! Answers and refusals as HTTP responses.

use std::convert::Infallible;
use std::fmt;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};

use bytes::Bytes;
use http::header::{ALLOW, CONNECTION, CONTENT_LENGTH, CONTENT_TYPE, X_CONTENT_TYPE_OPTIONS};
use http::{HeaderValue, Response};
use http_body::{Frame, SizeHint};

use crate::endpoint::rejection::{Form, Rejection};
use crate::endpoint::{Answer, AnswerContent, AnswerHead, AnswerStream, JSON, Origin, TEXT};

/// Body of a response: there at once, or a stream, if what is mounted answers with one. Of a
/// stream, clones are the same one.
#[derive(Clone)]
pub struct Body(Content);

#[derive(Clone)]
enum Content {
    Whole(Bytes),
    /// Locked by no more than one reader at a time, while it is polled.
    Stream(Arc<Mutex<AnswerStream>>),
}

impl Body {
    /// Returns all of it, and nothing of a stream. For tests, mostly: a server reads it as an
    /// [`http_body::Body`].
    pub fn into_bytes(self) -> Bytes {
        match self.0 {
            Content::Whole(bytes) => bytes,
            Content::Stream(_) => Bytes::new(),
        }
    }

    /// Puts a stream into the hands of who knows its connection.
    #[inline]
    pub(crate) fn pace(&mut self, pace: impl FnOnce(AnswerStream) -> AnswerStream) {
        if let Content::Stream(shared) = &self.0 {
            self.0 = Content::stream(pace(Box::pin(Self(Content::Stream(Arc::clone(shared))))));
        }
    }
}

impl Content {
    fn stream(stream: AnswerStream) -> Self {
        Self::Stream(Arc::new(Mutex::new(stream)))
    }
}

impl Default for Body {
    fn default() -> Self {
        Self(Content::Whole(Bytes::new()))
    }
}

impl fmt::Debug for Body {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Content::Whole(bytes) => f.debug_tuple("Body").field(bytes).finish(),
            Content::Stream(_) => f.write_str("Body(stream)"),
        }
    }
}

impl http_body::Body for Body {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        match &mut self.0 {
            Content::Whole(bytes) => {
                let bytes = std::mem::take(bytes);
                Poll::Ready((!bytes.is_empty()).then(|| Ok(Frame::data(bytes))))
            }
            Content::Stream(stream) => {
                let mut stream = stream.lock().unwrap_or_else(PoisonError::into_inner);
                stream.as_mut().poll_frame(context)
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        matches!(&self.0, Content::Whole(bytes) if bytes.is_empty())
    }

    fn size_hint(&self) -> SizeHint {
        match &self.0 {
            Content::Whole(bytes) => SizeHint::with_exact(bytes.len() as u64),
            Content::Stream(_) => SizeHint::default(),
        }
    }
}

/// Reason why an answer is not the handler's own, as it is logged. It is among the
/// [extensions](http::Response::extensions) of the response, for servers and tests around a
/// receiver, and is not sent.
///
/// ```
/// use http::Request;
/// use snapengage::bot::{self, Reply};
/// use snapengage::{FailureReason, HandlerError, Receiver, Token};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let bot = bot::from_fn(|_| async { Err(HandlerError::new("the shop is closed")) });
/// let receiver = Receiver::builder().bot("/bot", Token::new("my-token"), bot).build()?;
/// let body = r#"{"event":"message","widget_id":"w","case_id":"c","text":"Hi"}"#;
/// let request = Request::post("/bot")
///     .header("Authorization", "my-token")
///     .body(body.to_owned())?;
/// let response = receiver.handle(request).await;
/// let reason = response.extensions().get::<FailureReason>().map(FailureReason::as_str);
/// assert_eq!(reason, Some("handler failed: the shop is closed"));
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FailureReason(String);

impl FailureReason {
    /// Returns the reason as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for FailureReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Creates the response to a request.
pub(crate) fn into_response(
    mut result: Result<Answer, Rejection>,
    is_head: bool,
) -> Response<Body> {
    let reason = match &mut result {
        Ok(Answer { origin: Origin::Fallback(failure), .. }) => Some(failure.to_log()),
        Ok(_) => None,
        Err(rejection) => rejection.log.take(),
    };
    let mut response = match result {
        Ok(Answer { head, content, .. }) => response(head, content, is_head),
        Err(rejection) => refusal(rejection, is_head),
    };
    if let Some(reason) = reason {
        response.extensions_mut().insert(FailureReason(reason));
    }
    response
}

fn refusal(rejection: Rejection, is_head: bool) -> Response<Body> {
    let (content_type, body) = match rejection.form {
        Form::Text => (TEXT, rejection.message.into_owned()),
        Form::Json => {
            let code = rejection.status.as_u16();
            (JSON, serde_json::json!({ "code": code, "message": rejection.message }).to_string())
        }
    };
    let content = AnswerContent::Whole(body.into());
    let mut response = response(AnswerHead::ContentType(content_type), content, is_head);
    *response.status_mut() = rejection.status;
    if let Some(allow) = rejection.allow {
        response.headers_mut().insert(ALLOW, HeaderValue::from_static(allow));
    }
    if rejection.close {
        response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
    }
    response
}

fn response(head: AnswerHead, content: AnswerContent, is_head: bool) -> Response<Body> {
    let (length, content) = match content {
        AnswerContent::Whole(bytes) => (Some(bytes.len()), Content::Whole(bytes)),
        AnswerContent::Stream(stream) => (None, Content::stream(stream)),
    };
    let content = if is_head { Content::Whole(Bytes::new()) } else { content };
    let mut response = Response::new(Body(content));
    let headers = response.headers_mut();
    match head {
        AnswerHead::Bare => {}
        AnswerHead::ContentType(content_type) => {
            headers.insert(CONTENT_TYPE, content_type);
            // A browser that shows a contact to an agent must not sniff HTML in a text that a
            // visitor wrote.
            headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
        }
        AnswerHead::Headers(all) => *headers = *all,
    }
    if let Some(length) = length.filter(|_| is_head) {
        headers.insert(CONTENT_LENGTH, length.into());
    }
    response
}
