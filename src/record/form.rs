//! Form of a file: what stands where.

use std::fmt::Write as _;
use std::str::FromStr;
use std::time::Duration;

use bytes::Bytes;
use data_encoding::BASE64;
use http::StatusCode;

use super::error::RecordingError;
use super::exchange::{Cut, Exchange, OTHER, RecordedMessage, RecordedResponse};
use crate::api::Api;
use crate::id::CaseId;
use crate::timestamp::Timestamp;

pub(super) const FIRST_LINE: &str = "# snapengage recording 1";
const SEPARATOR: &str = "### response";

impl Exchange {
    /// Returns the file of this exchange. See [the form](super#form).
    pub fn to_file(&self) -> Vec<u8> {
        let request = Framed::new(&self.request.body);
        let mut notes = format!("{FIRST_LINE}\n");
        note(&mut notes, "n", self.number);
        note(&mut notes, "at", self.at);
        note(&mut notes, "offset_ms", self.offset.as_millis());
        note(&mut notes, "api", self.api.map_or(OTHER, Api::as_str));
        note(&mut notes, "event", &self.event);
        if let Some(case_id) = &self.case_id {
            note(&mut notes, "case", in_one_line(case_id.as_str()));
        }
        if let Some(error) = &self.error {
            note(&mut notes, "error", in_one_line(error));
        }
        if self.is_path_known {
            note(&mut notes, "path", KNOWN);
        }
        note(&mut notes, "request-body", request.note());
        match self.cut {
            Some(Cut::Announced(length)) => note(&mut notes, "cut", length),
            Some(Cut::Unknown) => note(&mut notes, "cut", "?"),
            None => {}
        }
        let Some(response) = &self.response else {
            note(&mut notes, "response", "none");
            return [notes.as_bytes(), &head(&self.request), request.body(), b"\n"].concat();
        };
        let answer = Framed::new(&response.message.body);
        let took = response.took.as_millis();
        note(&mut notes, "response", format_args!("{} in {took} ms", response.status.as_u16()));
        if response.is_of_proxy {
            note(&mut notes, "answered-by", PROXY);
        }
        note(&mut notes, "response-body", answer.note());
        [
            notes.as_bytes(),
            &head(&self.request),
            request.body(),
            b"\n",
            SEPARATOR.as_bytes(),
            b"\n",
            &head(&response.message),
            answer.body(),
            b"\n",
        ]
        .concat()
    }

    /// Reads a file.
    ///
    /// # Errors
    ///
    /// If it is not in the form of a recording, with the line.
    pub fn from_file(file: &[u8]) -> Result<Self, RecordingError> {
        let mut reader = Reader { rest: file, line: 0 };
        if reader.line()? != FIRST_LINE {
            return Err(reader.expected("`# snapengage recording 1`"));
        }
        let notes = reader.notes()?;
        let request = reader.message(notes.request_body)?;
        let response = match notes.response {
            Some((status, took)) => {
                if reader.line()? != SEPARATOR {
                    return Err(reader.expected("`### response`"));
                }
                let message = reader.message(notes.response_body)?;
                Some(RecordedResponse { status, took, is_of_proxy: notes.is_of_proxy, message })
            }
            None => None,
        };
        if !reader.rest.trim_ascii().is_empty() {
            reader.line += 1;
            return Err(reader.expected("the end of the file: is the length of a body wrong?"));
        }
        Ok(Self {
            number: notes.number,
            at: notes.at,
            offset: notes.offset,
            api: notes.api,
            event: notes.event,
            case_id: notes.case_id,
            error: notes.error,
            is_path_known: notes.is_path_known,
            request,
            cut: notes.cut,
            response,
        })
    }
}

fn note(notes: &mut String, name: &str, value: impl std::fmt::Display) {
    // Infallible for a `String`.
    let _ = writeln!(notes, "# {name}: {value}");
}

/// Returns a text without what would end its line.
fn in_one_line(text: &str) -> String {
    text.replace(|c: char| c.is_control(), " ")
}

fn head(message: &RecordedMessage) -> Vec<u8> {
    let mut head = in_one_line(&message.start_line);
    head.push('\n');
    for (name, value) in &message.headers {
        let _ = writeln!(head, "{name}: {}", in_one_line(value));
    }
    head.push('\n');
    head.into_bytes()
}

/// Body as it stands in a file.
enum Framed<'b> {
    Text(&'b [u8]),
    Base64(String),
}

impl<'b> Framed<'b> {
    fn new(body: &'b [u8]) -> Self {
        match str::from_utf8(body) {
            Ok(_) => Self::Text(body),
            Err(_) => Self::Base64(BASE64.encode(body)),
        }
    }

    fn note(&self) -> String {
        let form = if matches!(self, Self::Text(_)) { TEXT } else { BASE_64 };
        format!("{form} {}", self.body().len())
    }

    fn body(&self) -> &[u8] {
        match self {
            Self::Text(text) => text,
            Self::Base64(text) => text.as_bytes(),
        }
    }
}

/// Value of `path` where a route has told which part of it is a secret.
const KNOWN: &str = "known";

/// Value of `answered-by` where the proxy has not passed the request on, or had no answer to it.
const PROXY: &str = "proxy";

const TEXT: &str = "text";
const BASE_64: &str = "base64";

/// Form and length of a body in the file, in bytes.
#[derive(Clone, Copy)]
struct Length {
    is_text: bool,
    bytes: usize,
}

/// Notes at the top of a file.
struct Notes {
    number: u64,
    at: Timestamp,
    offset: Duration,
    api: Option<Api>,
    event: String,
    case_id: Option<CaseId>,
    error: Option<String>,
    is_path_known: bool,
    request_body: Length,
    cut: Option<Cut>,
    response: Option<(StatusCode, Duration)>,
    is_of_proxy: bool,
    response_body: Length,
}

const EMPTY: Length = Length { is_text: true, bytes: 0 };

impl Default for Notes {
    fn default() -> Self {
        Self {
            number: 0,
            at: Timestamp::MIN,
            offset: Duration::ZERO,
            api: None,
            event: OTHER.to_owned(),
            case_id: None,
            error: None,
            is_path_known: false,
            request_body: EMPTY,
            cut: None,
            response: None,
            is_of_proxy: false,
            response_body: EMPTY,
        }
    }
}

impl Notes {
    /// Takes a note; `None` if its value is malformed. Unknown ones are ignored: they may be from a
    /// newer version.
    fn take(&mut self, name: &str, value: &str) -> Option<()> {
        match name {
            "n" => self.number = value.parse().ok()?,
            "at" => self.at = Timestamp::from_text(value)?,
            "offset_ms" => self.offset = Duration::from_millis(value.parse().ok()?),
            "api" => self.api = api(value)?,
            "event" => self.event = event(value)?,
            "case" => self.case_id = Some(CaseId::from(value)),
            "error" => self.error = Some(value.to_owned()),
            "path" => self.is_path_known = value == KNOWN,
            "answered-by" => self.is_of_proxy = value == PROXY,
            "request-body" => self.request_body = length(value)?,
            "cut" if value == "?" => self.cut = Some(Cut::Unknown),
            "cut" => self.cut = Some(Cut::Announced(value.parse().ok()?)),
            "response" => self.response = response(value)?,
            "response-body" => self.response_body = length(value)?,
            _ => {}
        }
        Some(())
    }
}

/// Reads an API's name: `Some(None)` for `other`.
pub(super) fn api(name: &str) -> Option<Option<Api>> {
    let apis = [Api::Integration, Api::Bot, Api::Conversation, Api::AgentStatus, Api::Contact];
    let found = apis.into_iter().find(|api| api.as_str() == name);
    (found.is_some() || name == OTHER).then_some(found)
}

/// Reads an event, which is a part of the file's name.
fn event(name: &str) -> Option<String> {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
    (!name.is_empty() && name.len() <= 64 && name.chars().all(is_plain)).then(|| name.to_owned())
}

fn length(value: &str) -> Option<Length> {
    let (form, bytes) = value.split_once(' ')?;
    let is_text = match form {
        TEXT => true,
        BASE_64 => false,
        _ => return None,
    };
    Some(Length { is_text, bytes: bytes.parse().ok()? })
}

/// Reads `200 in 12 ms` or `none`.
fn response(value: &str) -> Option<Option<(StatusCode, Duration)>> {
    if value == "none" {
        return Some(None);
    }
    let (status, took) = value.strip_suffix(" ms")?.split_once(" in ")?;
    let took = Duration::from_millis(took.parse().ok()?);
    Some(Some((StatusCode::from_str(status).ok()?, took)))
}

struct Reader<'f> {
    rest: &'f [u8],
    /// Number of the line read last, from 1.
    line: usize,
}

impl<'f> Reader<'f> {
    fn line(&mut self) -> Result<&'f str, RecordingError> {
        self.line += 1;
        let end = self.rest.iter().position(|&byte| byte == b'\n');
        let Some(end) = end else { return Err(self.expected("a line that ends")) };
        let (line, rest) = self.rest.split_at(end);
        self.rest = &rest[1..];
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        str::from_utf8(line).map_err(|_| self.expected("UTF-8"))
    }

    fn notes(&mut self) -> Result<Notes, RecordingError> {
        let mut notes = Notes::default();
        while self.rest.starts_with(b"#") {
            let line = self.line()?;
            let Some((name, value)) = line[1..].split_once(':') else { continue };
            if notes.take(name.trim(), value.trim()).is_none() {
                return Err(self.expected(&format!("another value of `{}`", name.trim())));
            }
        }
        Ok(notes)
    }

    fn message(&mut self, length: Length) -> Result<RecordedMessage, RecordingError> {
        let start_line = self.line()?.to_owned();
        if start_line.split(' ').count() < 2 {
            return Err(self.expected("the first line of a request or of a response"));
        }
        let mut headers = Vec::new();
        loop {
            match self.line()? {
                "" => break,
                line => headers.push(self.header(line)?),
            }
        }
        let body = self.body(length)?;
        Ok(RecordedMessage { start_line, headers, body })
    }

    fn header(&self, line: &str) -> Result<(String, String), RecordingError> {
        let (name, value) = line.split_once(':').ok_or_else(|| self.expected("a header"))?;
        Ok((name.to_owned(), value.strip_prefix(' ').unwrap_or(value).to_owned()))
    }

    fn body(&mut self, length: Length) -> Result<Bytes, RecordingError> {
        let Some((body, rest)) = self.rest.split_at_checked(length.bytes) else {
            self.line += 1;
            return Err(self.expected(&format!("a body of {} bytes", length.bytes)));
        };
        self.line += body.iter().filter(|&&byte| byte == b'\n').count() + 1;
        let Some(rest) = rest.strip_prefix(b"\n") else {
            return Err(self.expected(&format!("a line break after {} bytes", length.bytes)));
        };
        self.rest = rest;
        if length.is_text {
            return Ok(Bytes::copy_from_slice(body));
        }
        let body = BASE64.decode(body).map_err(|_| self.expected("base64"))?;
        Ok(body.into())
    }

    fn expected(&self, what: &str) -> RecordingError {
        RecordingError::form(self.line, what)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: &str = "\
# snapengage recording 1
# n: 7
# at: 2026-11-25T20:11:03.512Z
# offset_ms: 1200
# api: bot
# event: message
# case: 5eda5eda-8d11-8f3c-9a52-0b7c5f1d2e90
# request-body: text 19
# response: 200 in 12 ms
# response-body: base64 4
POST /bot HTTP/1.1
Host: bot.example.com
Authorization: <redacted:right>
X-Empty: \n
### response
line 2
### response
HTTP/1.1 200 OK
Content-Type: application/json; charset=utf-8

/w==
";

    #[test]
    fn a_file_is_read_and_written_back() {
        let exchange = Exchange::from_file(FILE.as_bytes()).expect("a recording");
        assert_eq!(exchange.file_name(), "000007-bot-message.http");
        assert_eq!(exchange.at().to_string(), "2026-11-25T20:11:03.512Z");
        assert_eq!(exchange.offset(), Duration::from_millis(1200));
        assert_eq!((exchange.method(), exchange.target()), ("POST", "/bot"));
        assert_eq!(exchange.request.headers[2], ("X-Empty".to_owned(), String::new()));
        assert_eq!(exchange.body(), "### response\nline 2");
        assert_eq!(exchange.status(), Some(StatusCode::OK));
        assert_eq!(exchange.answer().map(|body| &body[..]), Some(&[0xff][..]));
        assert_eq!(String::from_utf8(exchange.to_file()).expect("UTF-8"), FILE);
    }

    #[test]
    fn an_exchange_without_an_answer_ends_after_its_request() {
        let mut exchange = Exchange::from_file(FILE.as_bytes()).expect("a recording");
        exchange.response = None;
        exchange.cut = Some(Cut::Unknown);
        let file = exchange.to_file();
        assert_eq!(Exchange::from_file(&file).expect("a recording"), exchange);
    }

    #[test]
    fn a_wrong_length_names_its_line() {
        let file = FILE.replace("text 19", "text 18");
        let error = Exchange::from_file(file.as_bytes()).expect_err("a body is cut");
        assert_eq!(error.to_string(), "recording: expected a line break after 18 bytes at line 17");
    }

    #[test]
    fn another_file_is_refused_at_its_first_line() {
        let error = Exchange::from_file(b"GET / HTTP/1.1\n").expect_err("no recording");
        assert_eq!(error.to_string(), "recording: expected `# snapengage recording 1` at line 1");
    }
}
