//! Programs of other languages, and what `.ci/test` installs for them.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

pub(crate) fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Returns a file that `.ci/test` installs below `target/contract`.
#[track_caller]
pub(crate) fn installed(path: &str) -> PathBuf {
    let path = root().join("target/contract").join(path);
    let hint = "is missing: `.ci/test --no-run` installs it";
    assert!(path.exists(), "{} {hint}", path.display());
    path
}

/// Returns Python with its `jsonschema`.
#[track_caller]
pub(crate) fn python(script: &str) -> Command {
    let packages = installed("python/jsonschema");
    let mut python = Command::new("python3");
    python.arg(root().join("tests/contract").join(script));
    python.env("PYTHONPATH", packages.parent().expect("a folder"));
    python.env("PYTHONDONTWRITEBYTECODE", "1");
    python
}

/// Returns what a program writes that is given a text.
#[track_caller]
pub(crate) fn told(command: &mut Command, input: &str) -> String {
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().expect("a program");
    let mut stdin = child.stdin.take().expect("a pipe");
    let input = input.to_owned();
    let writer = std::thread::spawn(move || stdin.write_all(input.as_bytes()));
    let output = child.wait_with_output().expect("an end");
    writer.join().expect("a thread").expect("a reader");
    text(&output)
}

#[track_caller]
pub(crate) fn text(output: &Output) -> String {
    let lossy = |bytes| String::from_utf8_lossy(bytes).into_owned();
    let (out, err) = (lossy(&output.stdout), lossy(&output.stderr));
    assert!(output.status.success(), "{out}{err}");
    out
}
