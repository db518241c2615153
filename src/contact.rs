//! Get Contact OPEN API: looks up a visitor.
//!
//! SnapEngage asks at the start of a chat whose email address is known, and whenever a visitor
//! gives one during the chat:
//!
//! ```http
//! GET /get-contact/kT4mZ0qvW8?email=test%40test.com&ip=127.0.0.1&caseId=b88d3c4d HTTP/1.1
//! Host: example.com
//! ```
//!
//! The agent is shown the answer verbatim:
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
//!     let is_known = query.email == "test@test.com";
//!     Ok(is_known.then(|| "Jim Tester, customer since 2014".to_owned()))
//! });
//! let receiver = Receiver::builder()
//!     .contact("/get-contact", Auth::secret_path(Token::new("kT4mZ0qvW8")), handler)
//!     .build()?;
//! # Ok::<_, snapengage::BuildError>(())
//! ```

use std::collections::BTreeMap;
use std::sync::Arc;

use async_trait::async_trait;
use form_urlencoded::byte_serialize;
use serde::{Serialize, Serializer};
use serde_json::Value;

use crate::endpoint::closure::from_fn;
use crate::endpoint::rejection::Rejection;
use crate::endpoint::{Admitted, Answer, Call, Endpoint};
use crate::error::{DecodeError, HandlerError};
use crate::id::{CaseId, LONGEST};
use crate::wire::percent::escaped;
use crate::wire::plain::plain;

/// Handler that looks visitors up.
///
/// ```
/// use std::collections::HashMap;
///
/// use snapengage::contact::{Handler, Query};
/// use snapengage::{HandlerError, async_trait};
///
/// struct Customers(HashMap<String, String>);
///
/// #[async_trait]
/// impl Handler for Customers {
///     async fn look_up(&self, query: Query) -> Result<Option<String>, HandlerError> {
///         Ok(self.0.get(&query.email).cloned())
///     }
/// }
/// ```
///
/// Every `impl` needs [`#[async_trait]`](macro@crate::async_trait) as above. Without it, the
/// compiler reports E0195: "lifetime parameters or bounds on method `look_up` do not match the
/// trait declaration".
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a handler of the Get Contact OPEN API",
    label = "the trait `contact::Handler` is not implemented for `{Self}`",
    note = "a closure becomes a handler by `contact::from_fn(|query| async move {{ .. }})`"
)]
#[async_trait]
pub trait Handler: Send + Sync + 'static {
    /// Returns the text that the agent is shown about a visitor: plain text, or `None` for nothing.
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
    /// Creates a handler from a closure.
    look_up(Query) -> Option<String>
}

plain! {
    /// Query about a visitor.
    ///
    /// See [SnapEngage help/How to add the SnapEngage Get Contact OPEN API plugin](https://help.snapengage.com/how-to-add-the-snapengage-get-contact-open-api-plugin/).
    #[derive(Debug, Clone, PartialEq, Eq)]
    #[non_exhaustive]
    pub struct Query {
        /// Visitor's email address. Never empty.
        pub email: String,
        /// Visitor's IP address.
        pub ip: Option<String>,
        /// Address of the page the visitor is on.
        pub url: Option<String>,
        /// Id of the conversation: `caseId` in the query.
        pub case_id: Option<CaseId> = "caseId",
        ; undocumented {
            /// Parameters that are not documented, that came again later with a value, or that are
            /// too long for an id, in their order.
            pub extra: Vec<(String, String)>,
        }
    }
}

impl Query {
    /// Creates a query with nothing but what is required.
    pub fn new(email: impl Into<String>) -> Self {
        Self { email: email.into(), ip: None, url: None, case_id: None, extra: Vec::new() }
    }

    /// Reads the query of a request: what follows the `?`.
    ///
    /// Of a documented parameter that comes more than once, the last that is not empty counts: the
    /// address in the dashboard may have a query of its own, and SnapEngage's comes after it, with
    /// a second `?` where it is merely appended. A `+` is a space but in `email`, where it is a
    /// plus that was not escaped: addresses have no spaces.
    ///
    /// # Errors
    ///
    /// If there is no `email`, or an empty one.
    pub fn from_query(query: &str) -> Result<Self, DecodeError> {
        let mut found = Self::new("");
        let may_start_again = query.contains('?');
        // From the end: of a parameter that comes twice the last counts, and the first found is
        // kept.
        for piece in query.as_bytes().rsplit(|&byte| byte == b'&') {
            if may_start_again {
                again(piece).into_iter().rev().for_each(|pair| found.take(pair));
            } else {
                found.take(piece);
            }
        }
        if found.email.is_empty() {
            return Err(DecodeError::new("contact query", "missing parameter `email`"));
        }
        found.extra.reverse();
        Ok(found)
    }

    /// Takes a parameter; called from the last to the first.
    fn take(&mut self, pair: &[u8]) {
        let name = name(pair);
        let value = pair.get(name.len() + 1..).unwrap_or_default();
        match name {
            b"" if pair.is_empty() => {}
            // Names are compared as SnapEngage writes them, without an escape: only the value is
            // decoded.
            b"email" => self.take_decoded(name, decode(value, b'+')),
            b"ip" | b"url" | b"caseId" => self.take_decoded(name, decode(value, b' ')),
            _ => {
                let name = decode(name, b' ');
                let plus = if name == "email" { b'+' } else { b' ' };
                self.take_decoded(name.as_bytes(), decode(value, plus));
            }
        }
    }

    fn take_decoded(&mut self, name: &[u8], value: String) {
        match name {
            b"email" | b"ip" | b"url" | b"caseId" if value.is_empty() => {}
            b"email" if self.email.is_empty() => self.email = value,
            b"ip" if self.ip.is_none() => self.ip = Some(value),
            b"url" if self.url.is_none() => self.url = Some(value),
            b"caseId" if self.case_id.is_none() && value.len() <= LONGEST => {
                self.case_id = Some(value.into());
            }
            _ => self.extra.push((String::from_utf8_lossy(name).into_owned(), value)),
        }
    }

    /// Iterates over all parameters, in an order in which they are read back as what they are.
    fn parameters(&self) -> impl Iterator<Item = (&str, &str)> {
        let documented = [
            ("email", Some(self.email.as_str())),
            ("ip", self.ip.as_deref()),
            ("url", self.url.as_deref()),
            ("caseId", self.case_id.as_ref().map(CaseId::as_str)),
        ];
        let documented = documented.into_iter().filter_map(|(name, value)| Some((name, value?)));
        let repeated = self.extra.iter().rposition(|(name, _)| is_documented(name.as_bytes()));
        let (before, after) = self.extra.split_at(repeated.map_or(0, |last| last + 1));
        before.iter().map(borrowed).chain(documented).chain(after.iter().map(borrowed))
    }

    /// Returns the query as SnapEngage writes it, without the `?`.
    pub fn to_query(&self) -> String {
        let mut query = String::new();
        for (name, value) in self.parameters() {
            if !query.is_empty() {
                query.push('&');
            }
            query.extend(byte_serialize(name.as_bytes()));
            query.push('=');
            let space = if name == "email" { "%20" } else { "+" };
            let value = byte_serialize(value.as_bytes());
            query.extend(value.map(|piece| if piece == "+" { space } else { piece }));
        }
        query
    }
}

fn borrowed((name, value): &(String, String)) -> (&str, &str) {
    (name, value)
}

fn is_documented(name: &[u8]) -> bool {
    matches!(name, b"email" | b"ip" | b"url" | b"caseId")
}

fn name(pair: &[u8]) -> &[u8] {
    let end = pair.iter().position(|&byte| byte == b'=').unwrap_or(pair.len());
    &pair[..end]
}

/// Splits what is between two `&` into parameters. A `?` starts the query again if a name and `=`
/// follow, except in a documented parameter, which may well hold the address of a page.
fn again(piece: &[u8]) -> Vec<&[u8]> {
    let mut pairs = Vec::new();
    let mut rest = piece;
    while !is_documented(name(rest)) {
        let Some(end) = (0..rest.len()).find(|&at| rest[at] == b'?' && is_pair(&rest[at + 1..]))
        else {
            break;
        };
        pairs.push(&rest[..end]);
        rest = &rest[end + 1..];
    }
    pairs.push(rest);
    pairs
}

fn is_pair(text: &[u8]) -> bool {
    let end = text.iter().position(|&byte| matches!(byte, b'=' | b'?'));
    end.is_some_and(|end| end > 0 && text[end] == b'=')
}

/// Undoes `%` and `+`. Bytes that are not UTF-8 after that become U+FFFD.
fn decode(mut bytes: &[u8], plus: u8) -> String {
    // In one pass: with form_urlencoded, this took 6.9 k of the 23.5 k instructions of a request. A
    // test holds the two to the same result.
    let mut decoded = Vec::with_capacity(bytes.len());
    loop {
        let (byte, length) = match bytes {
            [] => break,
            [b'+', ..] => (plus, 1),
            [b'%', digits @ ..] => escaped(digits).map_or((b'%', 1), |byte| (byte, 3)),
            [byte, ..] => (*byte, 1),
        };
        decoded.push(byte);
        bytes = &bytes[length..];
    }
    String::from_utf8(decoded)
        .unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned())
}

/// Writes an object of the parameters under their names in the query; one that came more than once
/// is an array.
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

pub(crate) struct ContactEndpoint<H>(Arc<H>);

impl<H: Handler> ContactEndpoint<H> {
    pub(crate) fn new(handler: H) -> Self {
        Self(Arc::new(handler))
    }
}

impl<H: Handler> Endpoint for ContactEndpoint<H> {
    fn accept(&self, request: Admitted<'_>) -> Result<Call, Rejection> {
        let query = Query::from_query(request.query())?;
        let handler = Arc::clone(&self.0);
        Ok(Call {
            event: "query".into(),
            case_id: query.case_id.clone(),
            work: Box::pin(async move {
                // `handler.look_up` would be that of the `Arc`, which boxes one more future.
                let text = H::look_up(&handler, query).await?;
                Ok(Answer::text(text.unwrap_or_default()))
            }),
            on_failure: Box::new(|failure| Err(Rejection::no_contact(&failure))),
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
            assert_eq!(decode(text.as_bytes(), b' '), expected, "{text}");
        }
    }
}
