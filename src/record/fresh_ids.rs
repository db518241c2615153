//! New case ids in the place of recorded ones.

use std::collections::HashMap;
use std::fmt;
use std::hash::{BuildHasher, RandomState};

use bytes::Bytes;
use memchr::memmem;

use super::exchange::{Exchange, RecordedMessage};
use crate::id::CaseId;

/// Case ids that were recorded, and the new one of each.
#[derive(Default)]
pub(super) struct FreshIds(HashMap<CaseId, String>);

/// Shows no id.
impl fmt::Debug for FreshIds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FreshIds").field("len", &self.0.len()).finish()
    }
}

impl FreshIds {
    /// Gives the case of an exchange its new id, in the request and in the answer.
    pub(super) fn apply(&mut self, exchange: &mut Exchange) {
        let Some(case_id) = exchange.case_id.clone().filter(|id| !id.as_str().is_empty()) else {
            return;
        };
        let fresh = self.0.entry(case_id.clone()).or_insert_with(random_uuid);
        exchange.request.replace(case_id.as_str(), fresh);
        if let Some(response) = &mut exchange.response {
            response.message.replace(case_id.as_str(), fresh);
        }
        exchange.case_id = Some(fresh.as_str().into());
    }
}

impl RecordedMessage {
    fn replace(&mut self, id: &str, fresh: &str) {
        let line = replaced(self.start_line.as_bytes(), id, fresh);
        if let Some(line) = line.and_then(|line| String::from_utf8(line).ok()) {
            self.start_line = line;
        }
        if let Some(body) = replaced(&self.body, id, fresh) {
            self.body = Bytes::from(body);
        }
    }
}

/// Returns the text with an id replaced; `None` if it does not occur.
fn replaced(text: &[u8], id: &str, fresh: &str) -> Option<Vec<u8>> {
    let mut new = Vec::new();
    let mut rest = 0;
    for at in memmem::find_iter(text, id) {
        let end = at + id.len();
        if is_id(&text[..at], &text[end..]) {
            new.extend_from_slice(&text[rest..at]);
            new.extend_from_slice(fresh.as_bytes());
            rest = end;
        }
    }
    new.extend_from_slice(&text[rest..]);
    (rest > 0).then_some(new)
}

/// Returns `true` if what stands between these is an id: a word of its own, neither a part of
/// another word, nor the name of a field, nor the id of a widget, which may be the same.
fn is_id(before: &[u8], after: &[u8]) -> bool {
    let is_of_word = |byte: Option<&u8>| {
        byte.is_some_and(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
    };
    if is_of_word(before.last()) || is_of_word(after.first()) {
        return false;
    }
    let is_name =
        after.strip_prefix(b"\"").is_some_and(|after| after.trim_ascii_start().starts_with(b":"));
    !is_name && !is_of_widget(before)
}

fn is_of_widget(before: &[u8]) -> bool {
    let before = before.strip_suffix(b"\"").unwrap_or(before).trim_ascii_end();
    let before = before.strip_suffix(b":").unwrap_or(before).trim_ascii_end();
    ["\"widget_id\"", "\"widgetId\"", "<widget_id>", "<widgetId>"]
        .iter()
        .any(|name| before.ends_with(name.as_bytes()))
}

fn random_uuid() -> String {
    let [high, low] = [0, 1].map(|n: u8| RandomState::new().hash_one(n));
    let hex = format!("{high:016x}{low:016x}");
    let (a, b, c, d) = (&hex[..8], &hex[8..12], &hex[13..16], &hex[17..20]);
    format!("{a}-{b}-8{c}-8{d}-{}", &hex[20..])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_replaced_where_it_is_a_word_of_its_own() {
        for (text, expected) in [
            (r#"{"case_id":"c-1","text":"about c-1."}"#, r#"{"case_id":"N","text":"about N."}"#),
            (r#"{"case_id":"c-1","c-1":"c-1x c-12"}"#, r#"{"case_id":"N","c-1":"c-1x c-12"}"#),
            (r#"{"widget_id": "c-1","case_id": "c-1"}"#, r#"{"widget_id": "c-1","case_id": "N"}"#),
            ("<id>c-1</id><url>/case?c=c-1</url>", "<id>N</id><url>/case?c=N</url>"),
        ] {
            let new = replaced(text.as_bytes(), "c-1", "N").expect("it occurs");
            assert_eq!(String::from_utf8(new).expect("UTF-8"), expected);
        }
        assert_eq!(replaced(b"abc-1", "c-1", "N"), None);
    }

    #[test]
    fn a_new_id_has_the_form_of_a_uuid() {
        let [a, b] = [random_uuid(), random_uuid()];
        assert_ne!(a, b);
        let lengths: Vec<_> = a.split('-').map(str::len).collect();
        assert_eq!(lengths, [8, 4, 4, 4, 12]);
    }
}
