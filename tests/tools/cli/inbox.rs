//! The program looks into an inbox, and puts it in order.

use std::process::{Command, Output};

use serde_json::{Value, json};
use snapengage::inbox::Inbox;
use snapengage::record::Recording;
use snapengage::{HandlerError, Receiver, integration};

use super::{error, json_of, stdout};
use crate::requests::{auth, post, text};

/// An inbox with two dead letters, and one entry that waits.
async fn fill(inbox: &Inbox) {
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

#[tokio::main(flavor = "current_thread")]
async fn filled() -> tempfile::TempDir {
    let dir = tempfile::tempdir().expect("a folder");
    fill(&Inbox::open(dir.path().join("inbox.db")).expect("an inbox")).await;
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
fn retry_retries_dead_letters() {
    let dir = filled();
    assert_eq!(
        stdout(&snapengage(&dir, &["retry", "--dead"])),
        "done: 2, left as they are: none\n"
    );
    assert_eq!(json_of(&snapengage(&dir, &["stats", "--json"]))["waiting"], 3);
}

#[test]
fn retry_reaches_all_dead_letters_without_progress_bar() {
    let dir = many_dead();
    let output = snapengage(&dir, &["retry", "--dead"]);
    assert_eq!(stdout(&output), format!("done: {MANY}, left as they are: none\n"));
    assert_eq!(text(&output.stderr), "");
    let stats = json_of(&snapengage(&dir, &["stats", "--json"]));
    assert_eq!((&stats["waiting"], &stats["dead"]), (&json!(MANY), &json!(0)));
}

#[test]
fn discard_names_all_dead_letters_in_json() {
    let dir = many_dead();
    let output = snapengage(&dir, &["discard", "--dead", "--json"]);
    let all: Vec<_> = (1..=MANY).collect();
    assert_eq!(json_of(&output), json!({ "done": all, "left": [] }));
    assert_eq!(text(&output.stderr), "");
    assert_eq!(json_of(&snapengage(&dir, &["stats", "--json"]))["dead"], 0);
}

#[test]
fn discard_says_what_was_not_there() {
    let dir = filled();
    let output = snapengage(&dir, &["discard", "1", "99", "--json"]);
    assert!(!output.status.success());
    let told: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    assert_eq!(told, json!({ "done": [1], "left": [99] }));
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

mod on_nats {
    use super::*;
    use crate::nats_server::Server;

    const USER: &str = r#"authorization { user: "crm", password: "p@ss:word" }"#;
    const CREDENTIALS: &str = "crm:p%40ss%3Aword@";

    /// With what [`fill`] leaves, in an inbox named `chats`.
    #[tokio::main(flavor = "current_thread")]
    async fn filled() -> Server {
        let server = Server::start(USER);
        let inbox = Inbox::connect(&server.url(CREDENTIALS), "chats").await;
        fill(&inbox.expect("an inbox")).await;
        server
    }

    fn snapengage(arguments: &[&str], environment: &[(&str, &str)]) -> Output {
        let output = Command::new(env!("CARGO_BIN_EXE_snapengage"))
            .arg("inbox")
            .args(arguments)
            .envs(environment.iter().copied())
            .output()
            .expect("run");
        for told in [&output.stdout, &output.stderr] {
            let told = text(told);
            assert!(!told.contains("p@ss") && !told.contains("p%40ss"), "a password: {told}");
        }
        output
    }

    fn on(server: &Server, arguments: &[&str]) -> Output {
        let url = server.url(CREDENTIALS);
        snapengage(&[&["--nats", &url, "--name", "chats"], arguments].concat(), &[])
    }

    fn dead(server: &Server) -> Vec<Value> {
        let Value::Array(dead) = json_of(&on(server, &["list", "--json"])) else {
            panic!("no list")
        };
        dead
    }

    fn id(entry: &Value) -> String {
        entry["id"].to_string()
    }

    #[test]
    fn an_inbox_is_looked_into() {
        let server = filled();
        let told = stdout(&on(&server, &["stats"]));
        assert!(told.starts_with("waiting:  1\nworking:  0\ndone:     0\ndead:     2\n"), "{told}");
        let told = stdout(&on(&server, &["list"]));
        assert!(told.lines().nth(2).is_some_and(|line| line.contains("case one")), "{told}");
        let dead = dead(&server);
        let errors = dead.iter().map(|entry| &entry["error"]);
        assert!(errors.eq(["support request: expected a JSON object", "no such plan"]), "{dead:?}");
        let told = stdout(&on(&server, &["show", &id(&dead[1])]));
        assert!(told.ends_with("\n\n{\"id\":\"one\",\"type\":\"chat\"}\n"), "{told}");
    }

    #[test]
    fn inbox_is_put_in_order_without_progress_bar() {
        let server = filled();
        let [first, second] = &dead(&server)[..] else { panic!("two dead letters") };
        let output = on(&server, &["retry", &id(first)]);
        assert_eq!(stdout(&output), "done: 1, left as they are: none\n");
        assert_eq!(text(&output.stderr), "");
        let output = on(&server, &["discard", "--dead", "--json"]);
        assert_eq!(json_of(&output), json!({ "done": [second["id"]], "left": [] }));
        assert_eq!(text(&output.stderr), "");
        let output = on(&server, &["discard", &id(second)]);
        assert!(!output.status.success());
        assert_eq!(text(&output.stdout), format!("done: 0, left as they are: {}\n", id(second)));
        let stats = json_of(&on(&server, &["stats", "--json"]));
        assert_eq!((&stats["waiting"], &stats["dead"]), (&json!(2), &json!(0)));
    }

    #[test]
    fn server_and_name_are_taken_from_the_environment_too() {
        let server = filled();
        let url = server.url(CREDENTIALS);
        let named = [("SNAPENGAGE_NATS", url.as_str()), ("SNAPENGAGE_NATS_NAME", "chats")];
        assert_eq!(json_of(&snapengage(&["stats", "--json"], &named))["dead"], 2);
        for help in [&["--help"][..], &["stats", "--help"]] {
            assert!(stdout(&snapengage(help, &named)).contains("--nats <URL>"));
        }
        assert_eq!(snapengage(&["retry"], &named).status.code(), Some(2), "which entries?");
    }

    #[test]
    fn an_inbox_that_is_not_there_is_not_made() {
        let server = Server::start(USER);
        for _ in 0..2 {
            let told = error(&on(&server, &["stats"]));
            assert!(told.starts_with("error: inbox failed: stream `chats`: "), "{told}");
            assert!(told.contains("stream not found"), "{told}");
        }
    }

    #[test]
    fn a_server_that_cannot_be_had_is_told_without_the_password() {
        let mut server = Server::start(USER);
        let told = error(&snapengage(&["stats", "--nats", &server.url("crm:wrong-p%40ss@")], &[]));
        assert!(told.contains("authorization violation"), "{told}");
        let told = error(&snapengage(&["stats", "--nats", "nats://crm:p%40ss@host:port"], &[]));
        assert!(told.starts_with("error: inbox failed: "), "{told}");
        server.kill();
        let told = error(&on(&server, &["stats"]));
        assert!(told.contains("Connection refused"), "{told}");
    }
}

#[test]
fn export_writes_a_recording_of_dead_letters() {
    let dir = filled();
    let out = dir.path().join("dead letters");
    let out = out.to_str().expect("Unicode");
    let told = stdout(&snapengage(&dir, &["export", "--state", "dead", "--out", out]));
    assert_eq!(told, format!("2 entries exported to {out}\n"));
    let recording = Recording::open(out).expect("a recording");
    let errors = recording
        .exchanges()
        .map(|exchange| exchange.expect("a file").error().expect("an error").to_owned());
    let mut errors: Vec<_> = errors.collect();
    errors.sort();
    assert_eq!(errors[0], "no such plan");
    let waiting = dir.path().join("waiting");
    let waiting = waiting.to_str().expect("Unicode");
    let arguments = ["export", "--state", "waiting", "--out", waiting, "--json"];
    assert_eq!(json_of(&snapengage(&dir, &arguments)), json!({"exported": 1}));

    let key = dir.path().join("key");
    let key = key.to_str().expect("Unicode");
    let files = ["one", "two"].map(|name| {
        let out = dir.path().join(name);
        let out = out.to_str().expect("Unicode");
        let arguments = ["export", "--out", out, "--texts", "drop", "--key-file", key];
        stdout(&snapengage(&dir, &arguments));
        let recording = Recording::open(out).expect("a recording");
        let exchanges = recording.exchanges().map(|exchange| exchange.expect("a file").to_file());
        exchanges.collect::<Vec<_>>()
    });
    assert_eq!(files[0], files[1], "one key, equal pseudonyms");
    let within = format!("{out}/key");
    let problem = error(&snapengage(&dir, &["export", "--out", out, "--key-file", &within]));
    assert!(problem.ends_with(": is within the recording's folder\n"), "{problem}");

    let file = dir.path().join("inbox.db").join("below");
    let problem = error(&snapengage(&dir, &["export", "--out", file.to_str().expect("Unicode")]));
    assert!(problem.starts_with("error: recording ") && problem.contains("not accessible"));
}
