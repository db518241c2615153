//! Single requests to a receiver, and the assertions on their answers.

use bytes::Bytes;
use http::header::AUTHORIZATION;
use http::{HeaderValue, Method, Request, StatusCode, Uri};
use http_body_util::Full;
use serde_json::json;

use super::failure;
use super::samples::Sample;
use crate::receiver::Receiver;
use crate::receiver::response::FailureReason;

/// Posts a body to a path of a receiver, with this token in `Authorization`.
///
/// The bytes go through [`Receiver::handle`] unchanged: a request that was recorded in production
/// can be sent again in a test.
///
/// ```
/// use snapengage::agent_status;
/// use snapengage::testing::send;
/// use snapengage::{Receiver, Token};
///
/// # #[tokio::main(flavor = "current_thread", start_paused = true)]
/// # async fn main() -> Result<(), snapengage::BuildError> {
/// let feed = agent_status::from_fn(|_| async { Ok(()) });
/// let receiver = Receiver::builder().agent_status("/status", Token::new("t"), feed);
/// let receiver = receiver.build()?;
///
/// let body = r#"{"agent_id":"wc:agent@example.com","status":"online"}"#;
/// send(&receiver, "/status", "t", body).await.assert_accepted();
/// send(&receiver, "/status", "t", "").await.assert_refused(
///     400,
///     "agent status: expected a JSON object",
/// );
/// # Ok(())
/// # }
/// ```
///
/// # Panics
///
/// If no request can have this path or this token.
#[track_caller]
pub fn send<B: AsRef<[u8]>>(
    receiver: &Receiver,
    path: &str,
    token: &str,
    body: B,
) -> impl Future<Output = TestAnswer> + use<B> {
    let body = Bytes::copy_from_slice(body.as_ref());
    let request = request(Method::POST, uri(path), &header(token), body);
    deliver(receiver.clone(), request)
}

impl Sample {
    /// Sends the sample to a path of a receiver, with this token in `Authorization`.
    ///
    /// A [secret path](crate::Auth::secret_path) ends in its secret, and needs no token.
    ///
    /// ```
    /// use snapengage::conversation;
    /// use snapengage::testing::samples;
    /// use snapengage::{Api, Receiver, Token};
    ///
    /// # #[tokio::main(flavor = "current_thread", start_paused = true)]
    /// # async fn main() -> Result<(), snapengage::BuildError> {
    /// let feed = conversation::from_fn(|_| async { Ok(()) });
    /// let receiver = Receiver::builder().conversation("/events", Token::new("t"), feed);
    /// let receiver = receiver.build()?;
    ///
    /// for sample in samples().iter().filter(|sample| sample.api() == Api::Conversation) {
    ///     sample.send(&receiver, "/events", "t").await.assert_accepted();
    /// }
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Panics
    ///
    /// If no request can have this path or this token.
    #[track_caller]
    pub fn send(
        &self,
        receiver: &Receiver,
        path: &str,
        token: &str,
    ) -> impl Future<Output = TestAnswer> + use<> {
        let uri = match self.query() {
            Some(query) => uri(&format!("{path}?{query}")),
            None => uri(path),
        };
        let body = Bytes::from_static(self.body());
        deliver(receiver.clone(), request(self.method(), uri, &header(token), body))
    }
}

#[track_caller]
pub(super) fn uri(path: &str) -> Uri {
    path.parse().expect("a path that a request can have")
}

#[track_caller]
pub(super) fn header(token: &str) -> HeaderValue {
    let mut token = HeaderValue::from_str(token).expect("a token that a header can carry");
    // Keeps it out of the debug output.
    token.set_sensitive(true);
    token
}

pub(super) fn request(
    method: Method,
    uri: Uri,
    token: &HeaderValue,
    body: Bytes,
) -> Request<Full<Bytes>> {
    let mut request = Request::new(Full::new(body));
    *request.method_mut() = method;
    *request.uri_mut() = uri;
    request.headers_mut().insert(AUTHORIZATION, token.clone());
    request
}

pub(super) async fn deliver(receiver: Receiver, request: Request<Full<Bytes>>) -> TestAnswer {
    let response = receiver.handle(request).await;
    let reason =
        response.extensions().get().map(|reason: &FailureReason| reason.as_str().to_owned());
    let status = response.status();
    let body = response.into_body().into_bytes();
    TestAnswer { status, body: String::from_utf8_lossy(&body).into_owned(), reason }
}

/// Answer of a receiver to one request.
#[derive(Debug, Clone)]
pub struct TestAnswer {
    pub(super) status: StatusCode,
    body: String,
    pub(super) reason: Option<String>,
}

impl TestAnswer {
    /// Returns the status code.
    pub fn status(&self) -> u16 {
        self.status.as_u16()
    }

    /// Returns the body.
    pub fn body(&self) -> &str {
        &self.body
    }

    /// Returns the reason why the handler did not answer, as in [`FailureReason`].
    pub fn failure_reason(&self) -> Option<&str> {
        self.reason.as_deref()
    }

    /// Asserts that a feed accepted the event: 200, and nothing else.
    ///
    /// # Panics
    ///
    /// If it did not, with the answer and the [reason](Self::failure_reason).
    #[track_caller]
    pub fn assert_accepted(&self) -> &Self {
        self.assert_same(200, "")
    }

    /// Asserts that the request was refused with this status and message, whole.
    ///
    /// A handler of a feed that fails for now is a 503 with `try again later`, and one that fails
    /// for good a 422 with `the event cannot be processed`.
    ///
    /// # Panics
    ///
    /// If it was not, with the answer and the [reason](Self::failure_reason).
    #[track_caller]
    pub fn assert_refused(&self, status: u16, message: &str) -> &Self {
        self.assert_same(status, &json!({ "code": status, "message": message }).to_string())
    }

    /// Asserts that the answer is 200 with this text, as an agent sees it beside a contact.
    ///
    /// # Panics
    ///
    /// If it is not, with the answer and the [reason](Self::failure_reason).
    #[track_caller]
    pub fn assert_text(&self, expected: &str) -> &Self {
        self.assert_same(200, expected)
    }

    #[track_caller]
    fn assert_same(&self, status: u16, body: &str) -> &Self {
        let expected = lines(status, body);
        let actual = lines(self.status(), &self.body);
        if expected != actual {
            let reason = self.reason.as_ref().map(|reason| format!("\n# {reason}"));
            let problem = format!("the answer: not as expected{}\n", reason.unwrap_or_default());
            panic!("{}", failure::differing(&problem, &expected, &actual));
        }
        self
    }
}

fn lines(status: u16, body: &str) -> String {
    format!("{status}\n{body}")
}
