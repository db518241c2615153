//! Excerpts of answers for people: short, legible, without what was sent.

use form_urlencoded::parse;
use http::Uri;
use serde_json::Value;

use super::percent::encoded;

/// Length of the start of an answer that is looked at, in bytes.
pub(super) const START: usize = 16 * 1024;

/// Texts that were sent, and may come back in an answer: credentials, and what is private.
#[derive(Clone, Default)]
pub(super) struct Private {
    texts: Vec<String>,
    /// `true` if so much was sent that nothing of an answer is shown.
    pub(super) is_everything: bool,
}

impl Private {
    /// Shorter ones would leave nothing legible, and say nothing.
    const SHORTEST: usize = 3;

    pub(super) fn add(&mut self, text: &str) {
        if text.len() >= Self::SHORTEST {
            self.texts.push(text.to_owned());
        }
    }

    /// Adds every text of a JSON document.
    pub(super) fn add_all(&mut self, document: &Value) {
        match document {
            Value::String(text) => self.add(text),
            Value::Array(values) => values.iter().for_each(|value| self.add_all(value)),
            Value::Object(fields) => fields.values().for_each(|value| self.add_all(value)),
            Value::Null | Value::Bool(_) | Value::Number(_) => {}
        }
    }

    /// Adds an address that was not made here, but for its host: storage signs it in the query.
    pub(super) fn add_address(&mut self, address: &Uri) {
        self.add(address.path_and_query().map_or("", |path_and_query| path_and_query.as_str()));
        let query = address.query().unwrap_or_default();
        for parameter in query.split('&') {
            self.add(parameter.split_once('=').map_or("", |(_, value)| value));
        }
        parse(query.as_bytes()).for_each(|(_, value)| self.add(&value));
    }

    /// Returns a text without those that are private, as they are or escaped.
    pub(super) fn scrub(&self, text: &str) -> String {
        scrubbed(text, &self.forms())
    }

    /// Returns the ways in which an answer may repeat the texts, the longest first: of an address,
    /// no part is to be left.
    fn forms(&self) -> Vec<String> {
        let mut forms: Vec<_> = self.texts.iter().flat_map(|private| forms(private)).collect();
        forms.sort_unstable_by(|a, b| b.len().cmp(&a.len()).then_with(|| a.cmp(b)));
        forms.dedup();
        forms
    }
}

/// The ways in which an answer may repeat a text.
fn forms(text: &str) -> [String; 6] {
    let quoted = Value::from(text).to_string();
    let quoted = &quoted[1..quoted.len() - 1];
    let form = form_urlencoded::byte_serialize(text.as_bytes()).collect();
    let in_query = encoded(text).to_string();
    [
        text.to_owned(),
        quoted.to_owned(),
        replaced(quoted, &GSON),
        replaced(text, &HTML),
        form,
        in_query,
    ]
}

/// Escapes of Gson, by which SnapEngage writes JSON.
const GSON: [(char, &str); 5] =
    [('=', "\\u003d"), ('&', "\\u0026"), ('\'', "\\u0027"), ('<', "\\u003c"), ('>', "\\u003e")];

const HTML: [(char, &str); 5] =
    [('&', "&amp;"), ('\'', "&#39;"), ('<', "&lt;"), ('>', "&gt;"), ('"', "&quot;")];

fn replaced(text: &str, escapes: &[(char, &str)]) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match escapes.iter().find(|(plain, _)| *plain == c) {
            Some((_, escape)) => escaped.push_str(escape),
            None => escaped.push(c),
        }
    }
    escaped
}

fn scrubbed(text: &str, forms: &[String]) -> String {
    forms.iter().fold(text.to_owned(), |text, form| without(&text, form))
}

/// Replaces a text in any case: SnapEngage lower-cases email addresses.
fn without(text: &str, form: &str) -> String {
    let mut rest = text;
    let mut scrubbed = String::with_capacity(text.len());
    while let Some(at) = find(rest, form) {
        scrubbed.push_str(&rest[..at]);
        scrubbed.push_str("<redacted>");
        rest = &rest[at + form.len()..];
    }
    scrubbed + rest
}

fn find(text: &str, form: &str) -> Option<usize> {
    let windows = text.as_bytes().windows(form.len().max(1));
    windows.into_iter().position(|window| window.eq_ignore_ascii_case(form.as_bytes()))
}

/// Returns what an answer says of a failure, in a line: the message of a JSON error, or the start
/// of anything else. `None` if it says nothing.
pub(super) fn excerpt(body: &[u8], private: &Private) -> Option<String> {
    const LONGEST: usize = 256;
    if private.is_everything {
        return None;
    }
    let forms = private.forms();
    let start = &body[..body.len().min(START)];
    let mut text = scrubbed(&said(start), &forms);
    if start.len() < body.len() {
        // The start of what was sent may be left there.
        let longest = forms.first().map_or(0, String::len);
        text.truncate(text.floor_char_boundary(text.len().saturating_sub(longest)));
    }
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let cut = &line[..line.floor_char_boundary(LONGEST)];
    let legible: String = cut.chars().flat_map(legible).collect();
    (!legible.is_empty()).then_some(legible)
}

/// Returns the message of a JSON error, or else all that there is: of JSON, without escapes that
/// need not be there, as SnapEngage writes `=` of a key.
fn said(body: &[u8]) -> String {
    match serde_json::from_slice::<Value>(body) {
        Ok(document) => message(&document).map_or_else(|| document.to_string(), str::to_owned),
        Err(_) => String::from_utf8_lossy(body).into_owned(),
    }
}

/// Returns the message of `{"message"}` or `{"error": {"message"}}`.
fn message(document: &Value) -> Option<&str> {
    document.get("message").or_else(|| document.get("error")?.get("message"))?.as_str()
}

fn legible(c: char) -> impl Iterator<Item = char> {
    let is_plain = matches!(c, '"' | '\'' | '\\') || c.escape_debug().len() == 1;
    let escaped = (!is_plain).then(|| c.escape_debug()).into_iter().flatten();
    is_plain.then_some(c).into_iter().chain(escaped)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn private(texts: &[&str]) -> Private {
        let mut private = Private::default();
        texts.iter().for_each(|text| private.add(text));
        private
    }

    #[test]
    fn what_was_sent_is_scrubbed_in_every_form() {
        let private = private(&["Jane Doe", "Jane@Example.com", "a\"b", "api-key"]);
        let body = "no user jane@example.com, jane%40example.com, Jane+Doe, Jane%20Doe, a\\\"b: \
                    api-key";
        let expected =
            "no user <redacted>, <redacted>, <redacted>, <redacted>, <redacted>: <redacted>";
        assert_eq!(excerpt(body.as_bytes(), &private).as_deref(), Some(expected));
    }

    #[test]
    fn escapes_hide_nothing_that_was_sent() {
        let private = private(&["a2V5==", "I'm <b>", "café"]);
        for body in [
            r#"{"error": "a2V5\u003d\u003d, I\u0027m \u003cb\u003e, caf\u00e9"}"#,
            r#"{"error": "a2V5\u003D\u003d, I\u0027m \u003cb\u003e, café"#,
            "<p>a2V5==, I&#39;m &lt;b&gt;, café</p>",
        ] {
            let line = excerpt(body.as_bytes(), &private).expect("a line");
            assert!(line.contains("<redacted>, <redacted>, <redacted>"), "{line}");
        }
    }

    #[test]
    fn only_the_start_of_a_long_answer_is_looked_at() {
        let private = private(&["private-words"]);
        for (spaces, end, expected) in [
            (0, "private-words", Some("<redacted>")),
            (START - 13, "private-words", Some("<redacted>")),
            (START - 12, "private-words", None),
            (START - 20, "public private-words", Some("public <redacted>")),
            (START - 7, "private-words private-words", None),
            (START, "late", None),
        ] {
            let body = " ".repeat(spaces) + end;
            assert_eq!(excerpt(body.as_bytes(), &private).as_deref(), expected, "{spaces} {end}");
        }
        let page = "<a>".to_owned() + &"é ".repeat(START);
        let line = excerpt(page.as_bytes(), &private).expect("a line");
        assert!(line.starts_with("<a>é é é"), "{line}");
    }

    #[test]
    fn the_message_of_either_kind_of_error_is_taken() {
        let none = Private::default();
        let flat = br#"{"code": 400, "message": "unknown\nagent"}"#;
        assert_eq!(excerpt(flat, &none).as_deref(), Some("unknown agent"));
        let nested = br#"{"statusCode": 404, "error": {"message": "Widget not found"}}"#;
        assert_eq!(excerpt(nested, &none).as_deref(), Some("Widget not found"));
    }

    #[test]
    fn anything_else_is_a_short_line() {
        let none = Private::default();
        let page = format!("<html>\n  <b>\u{1b}[2J</b> {}", "é".repeat(300));
        let line = excerpt(page.as_bytes(), &none).expect("a line");
        assert!(line.starts_with("<html> <b>\\u{1b}[2J</b> éé"), "{line}");
        assert!(line.len() < 300, "{line}");
        assert_eq!(excerpt(b" \n", &none), None);
        assert_eq!(excerpt(b"\xff\xfe", &none).as_deref(), Some("\u{fffd}\u{fffd}"));
    }
}
