//! The program looks into an inbox, and puts it in order.
#![cfg(feature = "cli")]

mod support;

use std::path::Path;
use std::process::{Command, Output};

use serde_json::{Value, json};
use snapengage::inbox::Inbox;
use snapengage::{HandlerError, Receiver, integration};
use support::{auth, parse, post, text};

/// An inbox with two dead letters, and one entry that waits.
#[tokio::main(flavor = "current_thread")]
async fn fill(file: &Path) {
    let inbox = Inbox::open(file).expect("an inbox");
    let (called, mut calls) = tokio::sync::mpsc::unbounded_channel();
    let handler = integration::from_fn(move |_| {
        let called = called.clone();
        async move {
            called.send(()).expect("somebody listens");
            Err(HandlerError::permanent("no such plan"))
        }
    });
    let receiver = Receiver::builder()
        .integration("/integration", auth(), inbox.feed(handler))
        .build()
        .expect("a receiver");
    receiver.handle(post("/integration", r#"{"id":"one","type":"chat"}"#)).await;
    receiver.handle(post("/integration", "\u{1b}[2J")).await;
    inbox.run(async { assert!(calls.recv().await.is_some()) }).await;
    receiver.handle(post("/integration", r#"{"id":"two"}"#)).await;
}

fn filled() -> tempfile::TempDir {
    let dir = tempfile::tempdir().expect("a folder");
    fill(&dir.path().join("inbox.db"));
    dir
}

/// An inbox with so many dead letters that they are more than one page.
#[tokio::main(flavor = "current_thread")]
async fn many_dead() -> tempfile::TempDir {
    let dir = tempfile::tempdir().expect("a folder");
    let inbox = Inbox::open(dir.path().join("inbox.db")).expect("an inbox");
    let receiver = Receiver::builder()
        .integration("/integration", auth(), inbox.feed(integration::from_fn(|_| async { Ok(()) })))
        .build()
        .expect("a receiver");
    let mut senders = tokio::task::JoinSet::new();
    for number in 0..MANY {
        let receiver = receiver.clone();
        senders
            .spawn(async move { receiver.handle(post("/integration", number.to_string())).await });
    }
    senders.join_all().await;
    assert_eq!(inbox.stats().await.expect("stats").dead, MANY);
    dir
}

const MANY: u64 = 2500;

fn snapengage(dir: &tempfile::TempDir, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_snapengage"))
        .arg("inbox")
        .args(arguments)
        .env("SNAPENGAGE_INBOX", dir.path().join("inbox.db"))
        .output()
        .expect("run")
}

#[track_caller]
fn stdout(output: &Output) -> String {
    let error = text(&output.stderr);
    assert!(output.status.success(), "{error}");
    text(&output.stdout).to_owned()
}

#[track_caller]
fn json_of(output: &Output) -> Value {
    parse(stdout(output).as_bytes())
}

#[test]
fn stats_counts_what_there_is() {
    let dir = filled();
    let told = stdout(&snapengage(&dir, &["stats"]));
    assert!(told.starts_with("waiting:  1\nworking:  0\ndone:     0\ndead:     2\n"), "{told}");
    let told = json_of(&snapengage(&dir, &["stats", "--json"]));
    assert_eq!((&told["waiting"], &told["dead"]), (&json!(1), &json!(2)));
}

#[test]
fn list_shows_dead_letters_unless_told_otherwise() {
    let dir = filled();
    let told = stdout(&snapengage(&dir, &["list"]));
    let lines: Vec<_> = told.lines().collect();
    assert_eq!(lines.len(), 3, "{told}");
    assert!(lines[0].starts_with("ID  STATE  RECEIVED"), "{told}");
    assert!(lines[1].contains("case one") && lines[1].ends_with("no such plan"), "{told}");
    assert!(lines[2].ends_with("support request: expected a JSON object"), "{told}");
    let told = json_of(&snapengage(&dir, &["list", "--state", "waiting", "--json"]));
    assert_eq!(told[0]["subject"], "case two");
    assert_eq!(told[0]["state"], "waiting");
}

#[test]
fn show_has_the_body_and_nothing_a_terminal_obeys() {
    let dir = filled();
    let told = stdout(&snapengage(&dir, &["show", "1"]));
    assert!(told.ends_with("\n\n{\"id\":\"one\",\"type\":\"chat\"}\n"), "{told}");
    let told = stdout(&snapengage(&dir, &["show", "2"]));
    assert!(told.ends_with("\n\\u{1b}[2J\n"), "{told}");
    let told = json_of(&snapengage(&dir, &["show", "2", "--json"]));
    assert_eq!(told["body"], "\u{1b}[2J");
}

#[test]
fn retry_has_dead_letters_tried_again() {
    let dir = filled();
    assert_eq!(
        stdout(&snapengage(&dir, &["retry", "--dead"])),
        "done: 2, left as they are: none\n"
    );
    assert_eq!(json_of(&snapengage(&dir, &["stats", "--json"]))["waiting"], 3);
}

#[test]
fn retry_reaches_all_dead_letters_and_draws_no_bar_into_a_pipe() {
    let dir = many_dead();
    let output = snapengage(&dir, &["retry", "--dead"]);
    assert_eq!(stdout(&output), format!("done: {MANY}, left as they are: none\n"));
    assert_eq!(text(&output.stderr), "");
    let stats = json_of(&snapengage(&dir, &["stats", "--json"]));
    assert_eq!((&stats["waiting"], &stats["dead"]), (&json!(MANY), &json!(0)));
}

#[test]
fn drop_names_all_dead_letters_in_json() {
    let dir = many_dead();
    let output = snapengage(&dir, &["drop", "--dead", "--json"]);
    let all: Vec<_> = (1..=MANY).collect();
    assert_eq!(json_of(&output), json!({ "done": all, "left": [] }));
    assert_eq!(text(&output.stderr), "");
    assert_eq!(json_of(&snapengage(&dir, &["stats", "--json"]))["dead"], 0);
}

#[test]
fn drop_says_what_was_not_there() {
    let dir = filled();
    let output = snapengage(&dir, &["drop", "1", "99", "--json"]);
    assert!(!output.status.success());
    assert_eq!(parse(&output.stdout), json!({ "done": [1], "left": [99] }));
    assert_eq!(json_of(&snapengage(&dir, &["stats", "--json"]))["dead"], 1);
}

#[test]
fn a_file_that_is_not_there_is_not_made() {
    let dir = tempfile::tempdir().expect("a folder");
    let output = snapengage(&dir, &["stats"]);
    assert!(!output.status.success());
    assert!(text(&output.stderr).ends_with("inbox.db: no such file\n"));
    assert!(!dir.path().join("inbox.db").exists());
    let output = snapengage(&dir, &["retry"]);
    assert_eq!(output.status.code(), Some(2), "which entries?");
}
