//! Forms of what the verbs print.

use std::io::{self, Write};

use indicatif::ProgressBar;
use serde::Serialize;
use serde_json::Value;

use super::Outcome;

/// Writes JSON for programs, indented.
pub(crate) fn json(value: &(impl Serialize + ?Sized)) -> Outcome<String> {
    Ok(inert(serde_json::to_string_pretty(value)?) + "\n")
}

/// Writes JSON on one line.
pub(crate) fn json_line(value: &impl Serialize) -> Outcome<String> {
    Ok(inert(serde_json::to_string(value)?) + "\n")
}

/// Escapes the control characters that JSON leaves as they are: terminals obey those as well.
fn inert(json: String) -> String {
    let is_left = |c| matches!(c, '\u{7f}'..='\u{9f}');
    if !json.contains(is_left) {
        return json;
    }
    let mut escaped = String::with_capacity(json.len());
    for c in json.chars() {
        if is_left(c) {
            escaped += &format!("\\u{:04x}", u32::from(c));
        } else {
            escaped.push(c);
        }
    }
    escaped
}

/// Writes the fields of an object, by SnapEngage's names: a row each, or JSON.
pub(crate) fn fields(object: &impl Serialize, is_json: bool) -> Outcome<String> {
    if is_json {
        return json(object);
    }
    let Value::Object(fields) = serde_json::to_value(object)? else {
        return Err("expected an object".into());
    };
    let mut rows = Vec::new();
    for (name, value) in fields {
        let name = format!("{}:", legible(&name));
        match value {
            Value::Array(items) => {
                rows.extend(items.iter().map(|item| [name.clone(), in_a_row(item)]));
            }
            value => rows.push([name, in_a_row(&value)]),
        }
    }
    Ok(table(&rows))
}

fn in_a_row(value: &Value) -> String {
    match value {
        Value::String(text) => legible(text),
        value => legible(&value.to_string()),
    }
}

/// Writes to stdout, at once.
pub(crate) fn print(text: &str) -> io::Result<()> {
    let mut out = io::stdout().lock();
    out.write_all(text.as_bytes())?;
    out.flush()
}

/// Creates the progress bar, on stderr, and only if that is a terminal.
pub(crate) fn bar(count: u64, json: bool) -> ProgressBar {
    if json { ProgressBar::hidden() } else { ProgressBar::new(count) }
}

/// Lays rows out in columns as wide as their content, the last one open.
pub(crate) fn table<const COLUMNS: usize>(rows: &[[String; COLUMNS]]) -> String {
    let width = |column: usize| {
        let widths = rows.iter().map(|row| row[column].chars().count());
        widths.max().unwrap_or_default()
    };
    let widths: [usize; COLUMNS] = std::array::from_fn(width);
    let mut text = String::new();
    for row in rows {
        let cells = row.iter().zip(widths).map(|(cell, width)| format!("{cell:width$}  "));
        text.push_str(cells.collect::<String>().trim_end());
        text.push('\n');
    }
    text
}

/// Escapes control characters: text that was sent may hold what a terminal obeys.
pub(crate) fn legible(text: &str) -> String {
    let legible = |c: char| {
        if c.is_control() { c.escape_default().to_string() } else { c.to_string() }
    };
    text.chars().map(legible).collect()
}
