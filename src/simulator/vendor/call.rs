//! Calls as they come in.

use bytes::Bytes;
use http::header::{AUTHORIZATION, CONTENT_TYPE, HOST};
use http::request::Parts;
use http::uri::Authority;
use http::{HeaderName, Method, Uri};
use serde_json::{Map, Value};

use super::fields::Fields;
use super::refusal::Refusal;
use super::route::{self, Route};
use crate::client::Operation;
use crate::simulator::world::Keys;

const CHAT_KEY: HeaderName = HeaderName::from_static("x-api-key");

/// Call of one of the APIs.
#[derive(Debug)]
pub(in crate::simulator) struct Call {
    pub(in crate::simulator) operation: Operation,
    /// Address it was sent to, without its query.
    pub(super) address: String,
    /// Subject that the path names: the widget, the case, the organisation, the file.
    pub(super) subject: String,
    parameters: Vec<(String, String)>,
    authorization: Option<Bytes>,
    chat_key: Option<Bytes>,
    body: Bytes,
}

impl Call {
    /// Finds out what is called.
    pub(in crate::simulator) fn read(head: &Parts, body: Bytes) -> Result<Self, Refusal> {
        let Route { operation, subject } = route::find(&head.method, head.uri.path())?;
        let query = head.uri.query().unwrap_or_default();
        let mut parameters = parameters(query.as_bytes());
        // Until 2017 the parameters were documented as a form, and programs still send one.
        if operation == Operation::StartChat && head.method == Method::POST && is_form(head) {
            parameters.extend(self::parameters(&body));
        }
        let bytes =
            |name| head.headers.get(name).map(|value| Bytes::copy_from_slice(value.as_bytes()));
        let mut call = Self {
            operation,
            address: address(head),
            subject,
            parameters,
            authorization: bytes(&AUTHORIZATION),
            chat_key: bytes(&CHAT_KEY),
            body,
        };
        if operation == Operation::Say && call.parameter("messageType") == Some("2") {
            call.operation = Operation::CloseChat;
        }
        Ok(call)
    }

    /// Returns a parameter, if it is there and not empty.
    pub(super) fn parameter(&self, name: &str) -> Option<&str> {
        let found = self.parameters.iter().find(|(found, _)| found == name);
        found.map(|(_, value)| value.as_str()).filter(|value| !value.is_empty())
    }

    pub(super) fn required(&self, name: &str) -> Result<&str, Refusal> {
        self.parameter(name)
            .ok_or_else(|| Refusal::malformed(format!("missing parameter `{name}`")))
    }

    /// Returns a parameter that is `true` or `false`, by default the latter.
    pub(super) fn flag(&self, name: &str) -> Result<bool, Refusal> {
        match self.parameter(name) {
            None | Some("false") => Ok(false),
            Some("true") => Ok(true),
            Some(_) => Err(Refusal::malformed(format!("`{name}` is neither `true` nor `false`"))),
        }
    }

    /// Returns a number, if the parameter is there.
    pub(super) fn number(&self, name: &str) -> Result<Option<u64>, Refusal> {
        let number = self.parameter(name).map(str::parse).transpose();
        number.map_err(|_| Refusal::malformed(format!("`{name}` is not a number from 0")))
    }

    /// Returns the body as an object.
    pub(super) fn fields(&self) -> Result<Fields, Refusal> {
        let read: Result<Map<String, Value>, _> = serde_json::from_slice(&self.body);
        let object = read.map_err(|error| {
            let (line, column) = (error.line(), error.column());
            Refusal::malformed(format!("not a JSON object: line {line} column {column}"))
        })?;
        Ok(Fields::new(object))
    }

    pub(super) fn size(&self) -> usize {
        let parameters = self.parameters.iter().map(|(name, value)| name.len() + value.len());
        self.body.len() + parameters.sum::<usize>()
    }

    pub(super) fn checks_token(&self, keys: &Keys) -> Result<(), Refusal> {
        let token = self.authorization.as_deref();
        check(token, &keys.api_token, "API token in `Authorization`")
    }

    pub(super) fn checks_chat_key(&self, keys: &Keys) -> Result<(), Refusal> {
        check(self.chat_key.as_deref(), &keys.chat, "key in `x-api-key`")
    }

    pub(super) fn checks_provisioning_key(&self, keys: &Keys) -> Result<(), Refusal> {
        let key = self.parameter("api_key").map(str::as_bytes);
        check(key, &keys.provisioning, "key in `api_key`")
    }

    /// Returns the address with its query, and this in place of its `next`.
    pub(super) fn page(&self, next: Option<&str>) -> String {
        let mut query = form_urlencoded::Serializer::new(String::new());
        query.extend_pairs(self.parameters.iter().filter(|(name, _)| name != "next"));
        if let Some(next) = next {
            query.append_pair("next", next);
        }
        format!("{}?{}", self.address, query.finish())
    }

    /// Returns the address of the first page of what a page is asked of.
    pub(in crate::simulator) fn first_page(&self) -> String {
        self.page(None)
    }

    /// Returns the address of the same at another origin.
    pub(in crate::simulator) fn address_at(&self, origin: &str) -> String {
        let path = self.address.splitn(4, '/').nth(3).unwrap_or_default();
        let query = self.page(None);
        let query = query.strip_prefix(self.address.as_str()).unwrap_or_default();
        format!("{}/{path}{query}", origin.trim_end_matches('/'))
    }
}

fn check(given: Option<&[u8]>, expected: &str, what: &str) -> Result<(), Refusal> {
    if given == Some(expected.as_bytes()) { Ok(()) } else { Err(Refusal::unauthorized(what)) }
}

fn parameters(text: &[u8]) -> Vec<(String, String)> {
    form_urlencoded::parse(text).into_owned().collect()
}

fn is_form(head: &Parts) -> bool {
    let content_type = head.headers.get(CONTENT_TYPE).map_or(&b""[..], |value| value.as_bytes());
    let form = b"application/x-www-form-urlencoded";
    content_type.get(..form.len()).is_some_and(|start| start.eq_ignore_ascii_case(form))
}

/// Returns the address a call came to, as the caller sees it, without its query.
fn address(head: &Parts) -> String {
    let scheme = head.uri.scheme_str().unwrap_or("http");
    let host = head.uri.authority().map(Authority::as_str);
    let header = || head.headers.get(HOST).and_then(|host| host.to_str().ok());
    let host = host.or_else(header).filter(|host| is_host(host)).unwrap_or("localhost");
    format!("{scheme}://{host}{}", head.uri.path())
}

/// Returns `true` for a host and a port alone: a `Host` may say anything.
fn is_host(host: &str) -> bool {
    host.parse::<Uri>().is_ok_and(|uri| uri.authority().is_some()) && !host.contains('@')
}
