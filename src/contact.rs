//! Get Contact OPEN API: who is this visitor?
//!
//! When a chat starts with a known email address, and whenever a visitor gives one during the chat,
//! SnapEngage asks:
//!
//! ```http
//! GET /get-contact/kT4mZ0qvW8?email=test%40test.com&ip=127.0.0.1&url=http%3A%2F%2Fwww.test.com&caseId=b88d3c4d HTTP/1.1
//! Host: example.com
//! ```
//!
//! The agent is shown the answer as it is:
//!
//! ```http
//! HTTP/1.1 200 OK
//! Content-Type: text/plain; charset=utf-8
//! X-Content-Type-Options: nosniff
//!
//! Jim Tester, customer since 2014
//! ```
//!
//! Without an email address there is nobody to look up:
//!
//! ```http
//! HTTP/1.1 400 Bad Request
//! Content-Type: application/json; charset=utf-8
//!
//! {"code":400,"message":"contact query: missing parameter `email`"}
//! ```
//!
//! The dashboard has no field for a token, so the address has to be the secret:
//! [`Auth::secret_path`](crate::Auth::secret_path).
//!
//! See [SnapEngage help/How to add the SnapEngage Get Contact OPEN API plugin](https://help.snapengage.com/how-to-add-the-snapengage-get-contact-open-api-plugin/).
//!
//! ```
//! use snapengage::{Auth, Receiver, Token, contact};
//!
//! let handler = contact::from_fn(|query| async move {
//!     Ok((query.email == "test@test.com").then(|| "Jim Tester, customer since 2014".to_owned()))
//! });
//! let receiver = Receiver::builder()
//!     .contact("/get-contact", Auth::secret_path(Token::new("kT4mZ0qvW8")), handler)
//!     .build()?;
//! # Ok::<_, snapengage::BuildError>(())
//! ```

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::Arc;

use async_trait::async_trait;
use http::Method;
use serde::{Serialize, Serializer};
use serde_json::Value;

use crate::endpoint::{Answer, Call, Endpoint, Input, from_fn, supervise};
use crate::error::{DecodeError, HandlerError};
use crate::id::CaseId;
use crate::rejection::Rejection;

/// Who knows the visitors.
#[async_trait]
pub trait Handler: Send + Sync + 'static {
    /// Tells what the agent is to see of a visitor: plain text, or `None` for nothing.
    ///
    /// SnapEngage may ask several times for one case.
    ///
    /// # Errors
    ///
    /// A failure is answered 503.
    async fn look_up(&self, query: Query) -> Result<Option<String>, HandlerError>;
}

#[async_trait]
impl<H: Handler + ?Sized> Handler for Arc<H> {
    async fn look_up(&self, query: Query) -> Result<Option<String>, HandlerError> {
        (**self).look_up(query).await
    }
}

from_fn! {
    /// A handler from a closure.
    look_up(Query) -> Option<String>
}

/// Whom SnapEngage asks about.
///
/// See [SnapEngage help/How to add the SnapEngage Get Contact OPEN API plugin](https://help.snapengage.com/how-to-add-the-snapengage-get-contact-open-api-plugin/).
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Query {
    /// The visitor's email address. Never empty.
    pub email: String,
    /// The visitor's IP address.
    pub ip: Option<String>,
    /// The page the visitor is on.
    pub url: Option<String>,
    /// The conversation: `caseId` in the query.
    pub case_id: Option<CaseId>,
    /// Parameters that are not documented, or came a second time, in their order.
    pub extra: Vec<(String, String)>,
}

impl Query {
    /// A query with nothing but what is required.
    pub fn new(email: impl Into<String>) -> Self {
        Self { email: email.into(), ip: None, url: None, case_id: None, extra: Vec::new() }
    }

    /// Reads the query of a request: what follows the `?`.
    ///
    /// # Errors
    ///
    /// Where there is no `email`, or an empty one.
    pub fn from_query(query: &str) -> Result<Self, DecodeError> {
        let mut email = None;
        let mut found = Self::new("");
        for pair in query.split('&').filter(|pair| !pair.is_empty()) {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            let (name, value) = (decode(name), decode(value));
            if value.is_empty() && matches!(&*name, "email" | "ip" | "url" | "caseId") {
                continue;
            }
            match &*name {
                "email" if email.is_none() => email = Some(value.into_owned()),
                "ip" if found.ip.is_none() => found.ip = Some(value.into_owned()),
                "url" if found.url.is_none() => found.url = Some(value.into_owned()),
                "caseId" if found.case_id.is_none() => found.case_id = Some((&*value).into()),
                _ => found.extra.push((name.into_owned(), value.into_owned())),
            }
        }
        let email =
            email.ok_or_else(|| DecodeError::new("contact query", "missing parameter `email`"))?;
        Ok(Self { email, ..found })
    }

    fn parameters(&self) -> impl Iterator<Item = (&str, &str)> {
        let known = [
            ("email", Some(self.email.as_str())),
            ("ip", self.ip.as_deref()),
            ("url", self.url.as_deref()),
            ("caseId", self.case_id.as_ref().map(CaseId::as_str)),
        ];
        let known = known.into_iter().filter_map(|(name, value)| Some((name, value?)));
        known.chain(self.extra.iter().map(|(name, value)| (name.as_str(), value.as_str())))
    }

    /// The query as SnapEngage writes it, without the `?`.
    pub fn to_query(&self) -> String {
        form_urlencoded::Serializer::new(String::new()).extend_pairs(self.parameters()).finish()
    }
}

/// Undoes `+` and `%`. What is no UTF-8 after that becomes U+FFFD.
fn decode(text: &str) -> Cow<'_, str> {
    let mut rest = text.as_bytes();
    let mut decoded = Vec::new();
    while let Some(special) = memchr::memchr2(b'+', b'%', rest) {
        decoded.reserve(rest.len());
        decoded.extend_from_slice(&rest[..special]);
        let (byte, length) = match rest[special..] {
            [b'%', high, low, ..] => escaped(high, low).map_or((b'%', 1), |byte| (byte, 3)),
            [b'%', ..] => (b'%', 1),
            _ => (b' ', 1),
        };
        decoded.push(byte);
        rest = &rest[special + length..];
    }
    if decoded.is_empty() {
        return Cow::Borrowed(text);
    }
    decoded.extend_from_slice(rest);
    let decoded = String::from_utf8(decoded);
    Cow::Owned(decoded.unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into()))
}

fn escaped(high: u8, low: u8) -> Option<u8> {
    let digits = char::from(high).to_digit(16)? << 4 | char::from(low).to_digit(16)?;
    u8::try_from(digits).ok()
}

/// An object of the parameters under their names in the query; one that came more than once is an
/// array.
impl Serialize for Query {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut object = BTreeMap::<_, Vec<_>>::new();
        for (name, value) in self.parameters() {
            object.entry(name).or_default().push(value);
        }
        serializer.collect_map(object.into_iter().map(|(name, values)| match values[..] {
            [value] => (name, Value::from(value)),
            _ => (name, Value::from(values)),
        }))
    }
}

pub(crate) struct Route<H>(Arc<H>);

impl<H: Handler> Route<H> {
    pub(crate) fn new(handler: H) -> Self {
        Self(Arc::new(handler))
    }
}

impl<H: Handler> Endpoint for Route<H> {
    fn api(&self) -> &'static str {
        "get-contact"
    }

    fn method(&self) -> Method {
        Method::GET
    }

    fn accept(&self, request: Input<'_>) -> Result<Call, Rejection> {
        let query = Query::from_query(request.query)?;
        let handler = Arc::clone(&self.0);
        let deadline = request.deadline;
        Ok(Call {
            event: Cow::Borrowed("query"),
            case_id: query.case_id.clone(),
            outcome: Box::pin(async move {
                let found = supervise(deadline, H::look_up(&handler, query)).await;
                let text = found.map_err(|failure| Rejection::no_contact(&failure))?;
                Ok(Answer::text(text.unwrap_or_default()))
            }),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::decode;

    #[test]
    fn decoding_agrees_with_the_url_standard() {
        for text in [
            "",
            "a",
            "+",
            "%",
            "%4",
            "%41",
            "%zz",
            "a+b%20c",
            "%%41",
            "%c3%bc",
            "%ff",
            "100%",
            "+%+",
            "%e2%82",
            "ü+%C3%BC",
            "%00",
        ] {
            let (expected, _) = form_urlencoded::parse(text.as_bytes()).next().unwrap_or_default();
            assert_eq!(decode(text), expected, "{text}");
        }
    }
}
