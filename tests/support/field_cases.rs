//! The cases of `tests/field-cases` that come as several bodies.

use std::fs;
use std::path::Path;

/// The bodies in `tests/field-cases/<name>.jsonl`.
#[track_caller]
pub(crate) fn lines(name: &str) -> Vec<String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/field-cases");
    let text = fs::read_to_string(folder.join(name).with_extension("jsonl")).expect("a case");
    text.lines().map(str::to_owned).collect()
}
