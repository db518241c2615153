//! The program redacts recordings that were made elsewhere, and checks them.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use super::{error, stdout};
use crate::requests::text;

const FILE: &str = "\
# snapengage recording 1
# n: 1
# at: 2026-11-25T20:11:03.512Z
# offset_ms: 0
# api: other
# event: other
# request-body: text 16
# response: none
POST /hook HTTP/1.1
X-By: jo@x.example
X-For: jo@x.example

at jo@x.example

";

fn redact(folder: &Path, arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_snapengage"));
    command.current_dir(folder).args(arguments).output().expect("it runs")
}

fn folder() -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    let recording = folder.path().join("recording");
    fs::create_dir(&recording).expect("a folder");
    fs::write(recording.join("1.http"), FILE).expect("a file");
    folder
}

#[test]
fn check_fails_on_what_is_left_and_redact_leaves_nothing() {
    let folder = folder();
    let check = ["redact", "--check", "recording"];
    let left = redact(folder.path(), &check);
    assert_eq!(left.status.code(), Some(1), "{left:?}");
    let lines = [10, 11, 13].map(|line| format!("recording/1.http:{line}: email address\n"));
    assert_eq!(text(&left.stdout), lines.concat());
    let file = folder.path().join("recording/1.http");
    assert_eq!(fs::read_to_string(&file).expect("UTF-8"), FILE, "it is only checked");

    assert_eq!(stdout(&redact(folder.path(), &["redact", "recording"])), "redacted files: 1\n");
    assert_eq!(stdout(&redact(folder.path(), &check)), "");
    assert!(!fs::read_to_string(&file).expect("UTF-8").contains("x.example"));
    assert_eq!(stdout(&redact(folder.path(), &["redact", "recording"])), "redacted files: 0\n");
    let missing = redact(folder.path(), &["redact", "--check"]);
    assert_eq!(missing.status.code(), Some(2), "{missing:?}");
}

#[test]
fn credentials_are_no_key_wherever_they_are_named() {
    const CREDENTIALS: &str = "SNAPENGAGE_ORG=1\n";
    let folder = folder();
    let file = folder.path().join("credentials");
    fs::write(&file, CREDENTIALS).expect("a file");
    let export = ["inbox", "export", "--out", "out"];
    snapengage::inbox::Inbox::open(folder.path().join("inbox.db")).expect("an inbox");
    let record =
        ["record", "--to", "http://127.0.0.1:9", "--listen", "127.0.0.1:0", "--out", "out"];
    for verb in [&["redact", "recording"][..], &export, &record] {
        let key = ["--key-file", "credentials"];
        for arguments in [[&key, verb].concat(), [verb, &key].concat()] {
            let problem = error(&redact(folder.path(), &arguments));
            assert!(problem.ends_with(": does not hold 32 hexadecimal digits\n"), "{problem}");
        }
    }
    assert_eq!(fs::read_to_string(&file).expect("UTF-8"), CREDENTIALS);
}
