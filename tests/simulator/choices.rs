//! The table of what was chosen.

use std::collections::BTreeSet;
use std::path::Path;

use snapengage::simulator::choices;

#[test]
fn docs_have_the_table_that_the_program_has() {
    let mut table = String::from("| what | as simulated | |\n|---|---|---|\n");
    for choice in choices() {
        let mark = if choice.documented { "documented" } else { "chosen" };
        table += &format!("| {} | {} | {mark} |\n", choice.what, choice.value);
    }
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/simulator/chosen.md");
    assert_eq!(std::fs::read_to_string(page).expect("a page"), table);
}

#[test]
fn rows_are_about_different_things() {
    let names: BTreeSet<_> = choices().iter().map(|choice| choice.what).collect();
    assert_eq!(names.len(), choices().len());
    assert!(choices().iter().any(|choice| !choice.documented));
}
