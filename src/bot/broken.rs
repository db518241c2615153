//! Salvage of a body that cannot be read: enough of it to answer the visitor.

use crate::id::{CaseId, LONGEST, WidgetId};
use crate::wire::charset::without_bom;
use crate::wire::json::read_text;

/// Fields found in a body that cannot be read.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Broken {
    pub(super) event: Option<String>,
    pub(super) widget_id: Option<WidgetId>,
    pub(super) case_id: Option<CaseId>,
}

impl Broken {
    /// Looks through the fields of the outermost object, in one pass, as far as there are any.
    // Written out, since no JSON parser goes on past what is malformed. It never goes back: a body
    // may be 2 MiB of brackets or quotes, made by an attacker to cost time.
    pub(super) fn find(body: &[u8]) -> Self {
        let mut found = Self::default();
        let body = without_bom(body);
        if body.trim_ascii_start().first() != Some(&b'{') {
            return found;
        }
        let (mut at, mut depth) = (0, 0_usize);
        while let Some(byte) = body.get(at) {
            match byte {
                b'{' | b'[' => depth += 1,
                b'}' | b']' if depth == 1 => break,
                // Never below zero: the outermost object comes first, and its end returns above.
                b'}' | b']' => depth -= 1,
                b'"' => {
                    let Some(length) = text_length(&body[at..]) else { break };
                    let (text, rest) = body[at..].split_at(length);
                    if depth == 1 {
                        found.take(text, rest);
                    }
                    at += length;
                    continue;
                }
                _ => {}
            }
            at += 1;
        }
        found
    }

    /// Takes the value of a field, given its name in quotes and what comes after it.
    fn take(&mut self, name: &[u8], rest: &[u8]) {
        let value = || Some(rest.trim_ascii_start().strip_prefix(b":")?.trim_ascii_start());
        let id = || value().and_then(|json| text(json).or_else(|| integer(json)));
        match name {
            br#""event""# => self.event = value().and_then(text),
            br#""widget_id""# => self.widget_id = id().map(Into::into),
            br#""case_id""# => self.case_id = id().map(Into::into),
            _ => {}
        }
    }
}

/// Returns the length of the text in quotes at the start, quotes included.
fn text_length(json: &[u8]) -> Option<usize> {
    let mut is_escaped = false;
    let is_end = |byte: &u8| {
        let is_end = *byte == b'"' && !is_escaped;
        is_escaped = *byte == b'\\' && !is_escaped;
        is_end
    };
    json[1..].iter().position(is_end).map(|end| end + 2)
}

/// Returns the text at the start, if it can be an id.
fn text(json: &[u8]) -> Option<String> {
    let length = json.starts_with(b"\"").then(|| text_length(json)).flatten()?;
    let quoted = (length <= LONGEST_ESCAPED).then(|| &json[..length])?;
    read_text(quoted).filter(|text| (1..=LONGEST).contains(&text.len()))
}

fn integer(json: &[u8]) -> Option<String> {
    let end = json.iter().take(LONGEST).position(|byte| b",} \t\r\n".contains(byte))?;
    let integer: i128 = str::from_utf8(&json[..end]).ok()?.parse().ok()?;
    Some(integer.to_string())
}

/// Length of an id of nothing but escapes such as `\u0041`, quotes included.
const LONGEST_ESCAPED: usize = 6 * LONGEST + 2;

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::*;
    use proptest::sample::select;

    use super::*;

    #[track_caller]
    fn assert_found(body: impl AsRef<[u8]>, event: &str, widget_id: &str, case_id: &str) {
        let some = |text: &str| Some(text.to_owned()).filter(|text| !text.is_empty());
        let expected = Broken {
            event: some(event),
            widget_id: some(widget_id).map(Into::into),
            case_id: some(case_id).map(Into::into),
        };
        assert_eq!(Broken::find(body.as_ref()), expected);
    }

    #[test]
    fn ids_are_found_before_and_behind_the_break() {
        assert_found(r#"{"event":"message","widget_id":"w","case_id":"c","#, "message", "w", "c");
        assert_found(r#"{"text":tru,"case_id" : "c","widget_id": 12 }"#, "", "12", "c");
        assert_found(b"\xef\xbb\xbf {\"text\":\"\xff\\\"\",\"case_id\":\"c\"}", "", "", "c");
        assert_found(b"{\"case_id\":\"\\ud83dc\xff\",", "", "", "\u{fffd}c\u{fffd}");
        assert_found(r#"{"new":{"a":[{"b":"}]"}]},"case_id":"\u0063\"","event":"#, "", "", "c\"");
    }

    #[test]
    fn last_id_counts_and_none_nested_or_behind() {
        assert_found(r#"{"case_id":"b","case_id":"c",]"#, "", "", "c");
        assert_found(r#"{"new":{"case_id":"b"},"text":"\"case_id\":\"b\"","#, "", "", "");
        assert_found(r#"{"case_id":"c"}{"case_id":"d"}"#, "", "", "c");
        assert_found(
            r#"{"text":"case_id","event":"case_id","x":["case_id",":"]"#,
            "case_id",
            "",
            "",
        );
    }

    #[test]
    fn what_is_no_id_is_not_taken_for_one() {
        for value in ["null", "true", "1.5", "1e3", "{}", "[1]", "\"\"", "\"a", "\"\\x\"", "-", "1"]
        {
            assert_found(format!(r#"{{"case_id":{value}"#), "", "", "");
        }
        let long = |length| "a".repeat(length);
        let body = |length| format!(r#"{{"case_id":"{}","#, long(length));
        assert_found(body(LONGEST), "", "", &long(LONGEST));
        assert_found(body(LONGEST + 1), "", "", "");
        assert_found(body(LONGEST_ESCAPED), "", "", "");
        let escaped = "\\u0041".repeat(LONGEST);
        assert_found(format!(r#"{{"case_id":"{escaped}","#), "", "", &"A".repeat(LONGEST));
    }

    #[test]
    fn what_is_no_object_has_no_ids() {
        for body in
            ["", " ", "[", "\"case_id\":\"c\"", r#"[{"case_id":"c"}]"#, "<case_id>c", "{", "{\""]
        {
            assert_found(body, "", "", "");
        }
    }

    proptest! {
        #[test]
        fn nothing_makes_it_panic(parts in vec(select(PARTS), 0..40), rest: Vec<u8>) {
            let body = [b"{".to_vec(), parts.concat(), rest].concat();
            let found = Broken::find(&body);
            prop_assert!(found.case_id.is_none_or(|id| (1..=LONGEST).contains(&id.as_str().len())));
        }
    }

    const PARTS: &[&[u8]] = &[
        b"{",
        b"}",
        b"[",
        b"]",
        b"\"",
        b"\\",
        b":",
        b",",
        b" ",
        b"\"case_id\":",
        b"-1",
        b"\xff",
        b"u0041",
    ];

    #[test]
    fn a_body_cut_off_anywhere_is_looked_through() {
        let body = br#"{"event":"message","new":[{"a":"\\\""}],"widget_id":"w","case_id":"c"}"#;
        for length in 0..=body.len() {
            let found = Broken::find(&body[..length]);
            assert_eq!(found.case_id.is_some(), length >= body.len() - 1, "{length}");
        }
        Broken::find(&b"[".repeat(100_000));
        Broken::find(&b"{".repeat(100_000));
        Broken::find(&b"{\"".repeat(100_000));
    }
}
