//! What the README shows and nothing else runs.

#[test]
fn inbox_of_the_readme_is_that_of_its_page() {
    let readme = include_str!("../../README.md");
    let page = include_str!("../../src/inbox/mod.rs");
    let (_, code) = readme.split_once("let inbox = ").expect("an inbox");
    let (code, _) = code.split_once("```").expect("an end of the code");
    let code: Vec<_> = code.lines().collect();
    assert!(code.len() > 4, "{code:?}");
    for line in code {
        assert!(
            page.lines().any(|other| other.trim_start_matches("//!").ends_with(line)),
            "{line}"
        );
    }
}

#[test]
fn course_has_every_example() {
    let course = include_str!("../../examples/README.md");
    let examples = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("examples");
    let mut examples: Vec<_> = std::fs::read_dir(examples)
        .expect("a folder")
        .map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned())
        .map(|name| name.trim_end_matches(".rs").to_owned())
        .filter(|name| !["README.md", "common", "scripts"].contains(&name.as_str()))
        .collect();
    let mut named: Vec<_> = course
        .lines()
        .filter_map(|line| line.split('`').nth(1).filter(|_| line.contains(" | [`")))
        .map(str::to_owned)
        .collect();
    examples.sort();
    named.sort();
    assert_eq!(named, examples);
}
