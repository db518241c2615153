//! Forms of what the verbs print.

use indicatif::ProgressBar;
use serde::Serialize;

use super::Outcome;

/// Writes JSON for programs, indented.
pub(crate) fn json(value: &(impl Serialize + ?Sized)) -> Outcome<String> {
    Ok(serde_json::to_string_pretty(value)? + "\n")
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
