//! Redaction: personal details and secrets become pseudonyms before they reach the disk.
//!
//! A body is walked by its form (`json`, `xml`, `query`), which says what each value is by the
//! documented fields (`fields`); a value is redacted as what it is, or looked through (`scrub`,
//! `looks`) with all that its case has named (`memory`). Every change is an edit of the text as it
//! was written (`view`): what is not redacted stays to the byte.

mod documented;
mod fields;
mod files;
mod head;
mod json;
mod learn;
mod looks;
mod memory;
mod options;
mod phone;
mod query;
mod scrub;
mod view;
mod xml;

use std::fmt;
use std::sync::Mutex;

use bytes::Bytes;

use self::fields::{Class, Holding, Shape};
use self::head::HeaderClass;
use self::json::BodyPiece;
use self::memory::{Known, Memory};
use self::scrub::Scrubber;
use self::view::{Coding, Edit, applied, mixed};
use super::exchange::{Exchange, RecordedMessage};
use super::pseudonym::{PseudonymKey, PseudonymKind};
use crate::api::Api;
use crate::id::CaseId;

pub use self::files::Leftover;
pub use self::options::{Redaction, Texts};

/// Redacts exchanges, all with one key.
pub(crate) struct Redactor {
    key: PseudonymKey,
    texts: Texts,
    memory: Mutex<Memory>,
}

/// Shows neither the key nor what was learnt.
impl fmt::Debug for Redactor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Redactor").field("texts", &self.texts).finish_non_exhaustive()
    }
}

/// Most bytes that are kept of a body that was refused for its length.
const KEPT_OF_CUT: usize = 64 * 1024;

impl Redactor {
    fn new(key: PseudonymKey, texts: Texts) -> Self {
        Self { key, texts, memory: Mutex::default() }
    }

    /// Redacts an exchange. Nothing is changed in one that is redacted.
    pub(crate) fn apply(&self, exchange: &mut Exchange) {
        let known = self.learn(exchange);
        self.redact(exchange, &known, &mut |_| {});
        if exchange.cut.is_some() && exchange.request.body.len() > KEPT_OF_CUT {
            self.cut(exchange, &known);
        }
    }

    /// Cuts a body, and redacts it once more, since nobody knows what its last word would be.
    fn cut(&self, exchange: &mut Exchange, known: &Known) {
        // Room for a pseudonym in place of that word.
        const ROOM: usize = 64;
        let body = &exchange.request.body;
        let mut end = KEPT_OF_CUT - ROOM;
        while end > 0 && body[end] & 0xc0 == 0x80 {
            end -= 1;
        }
        let space = body[end.saturating_sub(ROOM)..end].iter().rposition(u8::is_ascii_whitespace);
        let end = space.map_or(end, |space| end.saturating_sub(ROOM) + space);
        exchange.request.body = exchange.request.body.slice(..end);
        self.redact(exchange, known, &mut |_| {});
    }

    /// Learns what the documented fields of an exchange name, and returns all that is known of its
    /// case.
    fn learn(&self, exchange: &Exchange) -> Known {
        let mut values = Vec::new();
        let cases: Vec<_> = exchange.case_id.iter().map(|id| id.as_str().to_owned()).collect();
        values.extend(cases.iter().map(|case| (PseudonymKind::Id, case.clone())));
        for part in bodies(exchange) {
            let (text, _) = mixed(part.body);
            part.walk(&text, &mut |piece| learn::take(&text, &piece, &mut values));
        }
        if let Some((_, query)) = exchange.target().split_once('?') {
            query::walk(query, &mut |piece| learn::take(query, &piece, &mut values));
        }
        let mut memory = self.memory.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        memory.learn(&cases, &values)
    }

    fn redact(&self, exchange: &mut Exchange, known: &Known, report: OnFound<'_>) {
        let scrubber = Scrubber { key: &self.key, texts: self.texts, known };
        let is_refused = exchange.status().is_some_and(|status| status.as_u16() == 401);
        start_line(exchange, &scrubber, report);
        headers(&scrubber, &mut exchange.request, is_refused, RecordedPart::RequestHeader, report);
        let request =
            body(&scrubber, &Walked::request(exchange), RecordedPart::RequestBody, report);
        if let Some(body) = request {
            exchange.request.body = body;
        }
        let answer = Walked::answer(exchange);
        let answer =
            answer.and_then(|walked| body(&scrubber, &walked, RecordedPart::AnswerBody, report));
        if let Some(response) = &mut exchange.response {
            headers(&scrubber, &mut response.message, false, RecordedPart::AnswerHeader, report);
            if let Some(answer) = answer {
                response.message.body = answer;
            }
        }
        notes(&scrubber, exchange, report);
    }
}

/// Takes what is left to be redacted: the part of the exchange, the place within it, and what it
/// looks like.
type OnFound<'r> = &'r mut dyn FnMut((RecordedPart, usize, &'static str));

/// RecordedPart of an exchange.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum RecordedPart {
    Notes,
    RequestLine,
    /// By its number.
    RequestHeader,
    RequestBody,
    AnswerHeader,
    AnswerBody,
}

fn start_line(exchange: &mut Exchange, scrubber: &Scrubber<'_>, report: OnFound<'_>) {
    let line = &exchange.request.start_line;
    let mut words: Vec<_> = line.split(' ').map(str::to_owned).collect();
    let Some(target) = words.get_mut(1) else { return };
    let (path, query) = match target.split_once('?') {
        Some((path, query)) => (path, Some(query)),
        None => (&**target, None),
    };
    let mut new = path.to_owned();
    if !exchange.is_path_known
        && let Some(path) = head::path(scrubber, path)
    {
        report((RecordedPart::RequestLine, 0, "secret in a path"));
        new = path;
    }
    if let Some(query) = query {
        let mut edits = Vec::new();
        query::walk(query, &mut |piece| edits.extend(json::of_piece(scrubber, query, &piece)));
        edits.iter().for_each(|edit| report((RecordedPart::RequestLine, 0, edit.what)));
        new = format!("{new}?{}", applied(query, &edits));
    }
    *target = new;
    exchange.request.start_line = words.join(" ");
}

/// Body, and what is known of its form.
struct Walked<'e> {
    body: &'e Bytes,
    root: Holding,
    /// Meaning of a text that is neither JSON nor XML.
    plain: Class,
    is_form: bool,
}

impl<'e> Walked<'e> {
    fn request(exchange: &'e Exchange) -> Self {
        let shape = match exchange.api {
            Some(Api::Bot) => Shape::BotEvent,
            Some(Api::Integration) => Shape::SupportRequest,
            Some(Api::Conversation) => Shape::ConversationEvent,
            Some(Api::AgentStatus) => Shape::StatusChange,
            _ => Shape::Unknown,
        };
        Self::new(&exchange.request, shape, Class::Scan)
    }

    fn answer(exchange: &'e Exchange) -> Option<Self> {
        let response = exchange.response.as_ref()?;
        let is_ok = response.status.is_success();
        let (shape, plain) = match exchange.api {
            Some(Api::Bot) if is_ok => (Shape::Reply, Class::Scan),
            // Shown to the agent as it is.
            Some(Api::Contact) if is_ok => (Shape::Answer, Class::Text),
            _ => (Shape::Answer, Class::Scan),
        };
        Some(Self::new(&response.message, shape, plain))
    }

    fn new(message: &'e RecordedMessage, shape: Shape, plain: Class) -> Self {
        let is_form = message.headers.iter().any(|(name, value)| {
            name.eq_ignore_ascii_case("content-type")
                && value.to_ascii_lowercase().contains("x-www-form-urlencoded")
        });
        Self { body: &message.body, root: Holding::Object(shape), plain, is_form }
    }

    fn walk(&self, text: &str, visit: &mut dyn FnMut(BodyPiece)) {
        let start = text.trim_start_matches(|c: char| c.is_whitespace() || c == '\u{feff}');
        match start.as_bytes().first() {
            _ if self.plain == Class::Text => {
                visit(BodyPiece::new(0..text.len(), Coding::Plain, Class::Text));
            }
            Some(b'{' | b'[') => json::walk(text, self.root, visit),
            Some(b'<') => xml::walk(text, self.root, visit),
            Some(_) if self.is_form => query::walk(text, visit),
            Some(_) => visit(BodyPiece::new(0..text.len(), Coding::Plain, self.plain)),
            None => {}
        }
    }
}

fn bodies(exchange: &Exchange) -> Vec<Walked<'_>> {
    let mut bodies = vec![Walked::request(exchange)];
    bodies.extend(Walked::answer(exchange));
    bodies
}

/// Returns the redacted body; `None` if nothing is to be redacted.
fn body(
    scrubber: &Scrubber<'_>,
    walked: &Walked<'_>,
    part: RecordedPart,
    report: OnFound<'_>,
) -> Option<Bytes> {
    if let Some(wide) = wide_text(walked.body) {
        return wide_body(scrubber, walked, &wide, part, report);
    }
    let (text, places) = mixed(walked.body);
    let edits = edits(scrubber, walked, &text);
    if edits.is_empty() {
        return None;
    }
    let mut new = Vec::with_capacity(walked.body.len());
    let mut at = 0;
    for edit in edits {
        let start = places[edit.at.start];
        report((part, start, edit.what));
        new.extend_from_slice(&walked.body[at..start]);
        new.extend_from_slice(edit.with.as_bytes());
        at = places[edit.at.end];
    }
    new.extend_from_slice(&walked.body[at..]);
    Some(new.into())
}

fn edits(scrubber: &Scrubber<'_>, walked: &Walked<'_>, text: &str) -> Vec<Edit> {
    let mut edits = Vec::new();
    walked.walk(text, &mut |piece| edits.extend(json::of_piece(scrubber, text, &piece)));
    edits
}

type ReadUnit = fn([u8; 2]) -> u16;
type WriteUnit = fn(u16) -> [u8; 2];

/// Reads UTF-16, by its byte order mark or by the zeros of its first character, and returns the
/// function that writes its units.
fn wide_text(body: &[u8]) -> Option<(String, WriteUnit)> {
    let (read, write): (ReadUnit, WriteUnit) = match body {
        [0xff, 0xfe, ..] | [1..=0xff, 0, ..] => (u16::from_le_bytes, u16::to_le_bytes),
        [0xfe, 0xff, ..] | [0, 1..=0xff, ..] => (u16::from_be_bytes, u16::to_be_bytes),
        _ => return None,
    };
    let (units, rest) = body.as_chunks::<2>();
    let text = char::decode_utf16(units.iter().map(|&unit| read(unit))).collect::<Result<_, _>>();
    // Binary data may look like it from its first bytes.
    let is_text =
        |text: &String| text.chars().filter(char::is_ascii).count() * 2 >= text.chars().count();
    text.ok().filter(|text| rest.is_empty() && is_text(text)).map(|text| (text, write))
}

fn wide_body(
    scrubber: &Scrubber<'_>,
    walked: &Walked<'_>,
    (text, write): &(String, WriteUnit),
    part: RecordedPart,
    report: OnFound<'_>,
) -> Option<Bytes> {
    let edits = edits(scrubber, walked, text);
    edits.iter().for_each(|edit| report((part, 0, edit.what)));
    let new = applied(text, &edits);
    let new = new.encode_utf16().flat_map(write);
    (!edits.is_empty()).then(|| new.collect())
}

fn headers(
    scrubber: &Scrubber<'_>,
    message: &mut RecordedMessage,
    is_refused: bool,
    part: RecordedPart,
    report: OnFound<'_>,
) {
    for (at, (name, value)) in message.headers.iter_mut().enumerate() {
        let is_redacted = value.starts_with("<redacted") && value.ends_with('>');
        let class = match HeaderClass::of(name) {
            HeaderClass::Open(class) => class,
            _ if is_redacted => continue,
            HeaderClass::Authorization => {
                report((part, at, "token"));
                let outcome = if is_refused { "refused" } else { "right" };
                *value = format!("<redacted:{outcome}>");
                continue;
            }
            HeaderClass::Secret => {
                report((part, at, "credential"));
                *value = "<redacted>".to_owned();
                continue;
            }
        };
        let edits = scrubber.value(class, value);
        edits.iter().for_each(|edit| report((part, at, edit.what)));
        *value = applied(value, &edits);
    }
}

fn notes(scrubber: &Scrubber<'_>, exchange: &mut Exchange, report: OnFound<'_>) {
    if let Some(case_id) = &mut exchange.case_id {
        let edits = scrubber.value(Class::Id, case_id.as_str());
        edits.iter().for_each(|edit| report((RecordedPart::Notes, 0, edit.what)));
        *case_id = CaseId::from(applied(case_id.as_str(), &edits));
    }
    if let Some(error) = &mut exchange.error {
        let edits = scrubber.value(Class::Scan, error);
        edits.iter().for_each(|edit| report((RecordedPart::Notes, 0, edit.what)));
        *error = applied(error, &edits);
    }
}
