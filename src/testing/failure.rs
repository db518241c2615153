//! Output of a failed test.

use std::fmt::Write;

use similar::{ChangeTag, TextDiff};

/// Describes a problem, and shows the chat it came up in.
pub(super) fn in_chat(problem: &str, transcript: &str) -> String {
    let mut text = format!("{problem}\n\nthe chat so far:\n");
    for line in transcript.lines() {
        indented(&mut text, line);
    }
    if transcript.is_empty() {
        indented(&mut text, "(nothing)");
    }
    text
}

/// Describes a difference, and shows the chat it came up in.
pub(super) fn unlike(problem: &str, transcript: &str, expected: &str, actual: &str) -> String {
    differing(&in_chat(problem, transcript), expected, actual)
}

/// Describes a problem, and shows the lines that differ.
pub(crate) fn differing(problem: &str, expected: &str, actual: &str) -> String {
    let mut text = format!("{problem}\nexpected (-), but it was (+):\n");
    let (expected, actual) = (whole_lines(expected), whole_lines(actual));
    for change in TextDiff::from_lines(&expected, &actual).iter_all_changes() {
        let sign = match change.tag() {
            ChangeTag::Delete => '-',
            ChangeTag::Insert => '+',
            ChangeTag::Equal => ' ',
        };
        indented(&mut text, &format!("{sign} {}", change.value().trim_end_matches('\n')));
    }
    text
}

fn indented(text: &mut String, line: &str) {
    writeln!(text, "    {line}").expect("text can be written to");
}

/// Ends the last line, which would otherwise be unlike the same line with an end.
fn whole_lines(text: &str) -> String {
    text.lines().map(|line| format!("{line}\n")).collect()
}
