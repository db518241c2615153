//! XML of the Integration API: the documented elements, in the documented order.

use std::fmt::{Display, Write as _};

use super::integration::java_date;
use crate::integration::{SupportRequest, TranscriptLine, Variable};
use crate::timestamp::Timestamp;

/// Writes a case.
pub(super) fn write(case: &SupportRequest) -> String {
    let mut xml = Writer::new();
    xml.cdata("id", Some(case.id.as_str()));
    xml.text("url", case.url.as_deref());
    xml.cdata("requested_by", case.requested_by.as_deref());
    xml.cdata("description", case.description.as_deref());
    if let Some(at) = case.created_at() {
        xml.typed("created_at", "datetime", Some(at));
    }
    xml.text("page_url", case.page_url.as_deref());
    xml.text("ip_address", case.ip_address.as_deref());
    xml.typed("source_id", "integer", case.source_id.map(crate::integration::SourceId::as_i64));
    xml.list("javascript_variables", "javascript_variable", &case.javascript_variables, variable);
    xml.list("operator_variables", "operator_variable", &case.operator_variables, variable);
    xml.list("labels", "label", &case.labels, variable);
    xml.list("transcripts", "transcript", &case.transcripts, transcript);
    xml.typed("chat_waittime", "integer", case.chat_waittime);
    xml.typed("chat_duration", "integer", case.chat_duration);
    xml.cdata("referrer_url", case.referrer_url.as_deref());
    xml.cdata("entry_url", case.entry_url.as_deref());
    xml.0 += "\n </case>\n";
    xml.0
}

fn variable(xml: &mut Writer, variable: &Variable) {
    xml.cdata("name", variable.name.as_deref());
    xml.cdata("value", variable.value.as_deref());
}

fn transcript(xml: &mut Writer, line: &TranscriptLine) {
    let at = line.sent_at().unwrap_or(Timestamp::MIN);
    xml.text("id", Some(line.id.as_deref().unwrap_or_default()));
    xml.typed("date", "datetime", Some(java_date(at)));
    xml.text("alias", Some(line.alias.as_deref().unwrap_or_default()));
    xml.text("message", Some(&line.message));
}

/// XML that is being written.
struct Writer(String);

impl Writer {
    fn new() -> Self {
        Self("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<case>\n".to_owned())
    }

    /// Writes a text, with its special characters escaped.
    fn text(&mut self, name: &str, text: Option<&str>) {
        let Some(text) = text else { return };
        let _ = write!(self.0, "\n  <{name}>");
        for c in text.chars().filter(|c| is_allowed(*c)) {
            match c {
                '<' => self.0 += "&lt;",
                '>' => self.0 += "&gt;",
                '&' => self.0 += "&amp;",
                // A parser would read it as a line feed (XML 1.0, 2.11).
                '\r' => self.0 += "&#13;",
                c => self.0.push(c),
            }
        }
        let _ = write!(self.0, "</{name}>");
    }

    /// Writes a text in CDATA, which cannot hold its own end.
    fn cdata(&mut self, name: &str, text: Option<&str>) {
        let Some(text) = text else { return };
        let text: String = text.chars().filter(|c| is_allowed(*c)).collect();
        let text = text.replace("]]>", "]]]]><![CDATA[>");
        let _ = write!(self.0, "\n  <{name}><![CDATA[{text}]]></{name}>");
    }

    /// Writes a value whose type stands beside its name, and which has no special characters.
    fn typed(&mut self, name: &str, kind: &str, value: Option<impl Display>) {
        if let Some(value) = value {
            let _ = write!(self.0, "\n  <{name} type=\"{kind}\">{value}</{name}>");
        }
    }

    fn list<T>(&mut self, name: &str, item: &str, items: &[T], write: fn(&mut Self, &T)) {
        if items.is_empty() {
            return;
        }
        let _ = write!(self.0, "\n\n  <{name} type=\"array\">");
        for value in items {
            let _ = write!(self.0, "\n  <{item}>");
            write(self, value);
            let _ = write!(self.0, "\n  </{item}>");
        }
        let _ = write!(self.0, "\n  </{name}>\n");
    }
}

/// Returns `true` for a character that XML may have (XML 1.0, 2.2).
fn is_allowed(c: char) -> bool {
    matches!(c, '\t' | '\n' | '\r' | '\u{20}'..='\u{fffd}' | '\u{10000}'..)
}
