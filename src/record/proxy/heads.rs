//! Heads: as they came, for the recording, and as they are passed on.

use http::header::{CONNECTION, HOST, HeaderName, TE, TRANSFER_ENCODING, UPGRADE};
use http::{HeaderMap, HeaderValue, request, response};

use crate::record::exchange::RecordedMessage;
use crate::record::recorder::text;

/// Returns the head of a request for the recording: in the bytes as they came, where those are
/// known.
pub(super) fn of_request(raw: Option<&[u8]>, head: &request::Parts) -> RecordedMessage {
    let start_line = format!("{} {} {:?}", head.method, head.uri, head.version);
    of(raw, head.method.as_str(), &head.headers, start_line)
}

/// Returns the head of an answer for the recording.
pub(super) fn of_answer(raw: Option<&[u8]>, head: &response::Parts) -> RecordedMessage {
    let start_line = format!("{:?} {}", head.version, head.status);
    of(raw, head.status.as_str(), &head.headers, start_line)
}

/// Takes a head as it came if it is the one that hyper read, which has this word in its first line.
fn of(raw: Option<&[u8]>, word: &str, headers: &HeaderMap, start_line: String) -> RecordedMessage {
    let raw = raw.and_then(read).filter(|raw| {
        let is_there = raw.start_line.split(' ').any(|found| found == word);
        is_there && raw.headers.len() == headers.len()
    });
    raw.unwrap_or_else(|| {
        let headers = headers.iter();
        let headers =
            headers.map(|(name, value)| (name.as_str().to_owned(), text(value.as_bytes())));
        RecordedMessage { start_line, headers: headers.collect(), ..RecordedMessage::default() }
    })
}

/// Reads a head that hyper has read already.
fn read(raw: &[u8]) -> Option<RecordedMessage> {
    let lines = raw.split(|&byte| byte == b'\n').map(<[u8]>::trim_ascii);
    // Before the first line, empty ones are ignored: RFC 9112, 2.2.
    let mut lines = lines.skip_while(|line| line.is_empty());
    let start_line = text(lines.next()?);
    let headers = lines.take_while(|line| !line.is_empty()).map(|line| {
        let colon = line.iter().position(|&byte| byte == b':')?;
        let value = text(line[colon + 1..].trim_ascii_start());
        Some((text(&line[..colon]), value))
    });
    let headers = headers.collect::<Option<_>>()?;
    Some(RecordedMessage { start_line, headers, ..RecordedMessage::default() })
}

/// Headers that are for one connection, whatever `Connection` names: RFC 9110, 7.6.1.
const OF_A_CONNECTION: [HeaderName; 7] = [
    CONNECTION,
    HeaderName::from_static("keep-alive"),
    HeaderName::from_static("proxy-authorization"),
    HeaderName::from_static("proxy-connection"),
    TE,
    TRANSFER_ENCODING,
    UPGRADE,
];

/// Returns the headers that are passed on, in their order, with another `Host` if there is one.
pub(super) fn passed_on(headers: &HeaderMap, host: Option<&HeaderValue>) -> HeaderMap {
    let connection = headers
        .get_all(CONNECTION)
        .iter()
        .flat_map(|value| value.as_bytes().split(|&byte| byte == b',').map(<[u8]>::trim_ascii));
    let named: Vec<_> = connection.collect();
    let mut passed_on = HeaderMap::with_capacity(headers.len());
    for (name, value) in headers {
        let is_named =
            named.iter().any(|named| named.eq_ignore_ascii_case(name.as_str().as_bytes()));
        if *name == HOST {
            passed_on.append(name, host.unwrap_or(value).clone());
        } else if !is_named && !OF_A_CONNECTION.contains(name) {
            passed_on.append(name, value.clone());
        }
    }
    passed_on
}
