//! The simulator on a socket.

use std::fs;
use std::process::Stdio;

use serde_json::{Value, json};
use snapengage::bot::Reply;
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, BufReader, Lines};
use tokio::process::{Child, ChildStdout, Command};

#[cfg(unix)]
use super::vendor::signal;
use super::vendor::{run, snapengage};
use super::{error, json_of, stdout};

/// The program as a simulator.
pub(super) struct Simulating {
    pub(super) child: Child,
    pub(super) out: Lines<BufReader<ChildStdout>>,
    pub(super) url: String,
}

impl Simulating {
    pub(super) async fn start(mut command: Command) -> Self {
        command.args(["--listen", "127.0.0.1:0"]).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().expect("run");
        let mut out = BufReader::new(child.stdout.take().expect("piped")).lines();
        let Some(line) = out.next_line().await.expect("text") else {
            let mut error = String::new();
            let stderr = child.stderr.as_mut().expect("piped");
            stderr.read_to_string(&mut error).await.expect("text");
            panic!("{error}");
        };
        let url = line.strip_prefix("listening on ").expect("the first line").to_owned();
        assert!(url.starts_with("http://127.0.0.1:"), "{url}");
        Self { child, out, url }
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = snapengage(arguments);
        command
            .env("SNAPENGAGE_URL", &self.url)
            .env("SNAPENGAGE_API_TOKEN", "local-api-token")
            .env("SNAPENGAGE_ORG", "5406213")
            .env("SNAPENGAGE_PROVISIONING_KEY", "local-provisioning-key")
            .env("SNAPENGAGE_CHAT_KEY", "local-chat-key");
        command
    }
}

fn config(text: &str) -> (TempDir, String) {
    let dir = tempfile::tempdir().expect("a folder");
    let path = dir.path().join("simulator.toml").to_str().expect("UTF-8").to_owned();
    fs::write(&path, text).expect("written");
    (dir, path)
}

#[tokio::test]
async fn a_simulator_has_a_local_widget_and_local_credentials() {
    let simulating = Simulating::start(snapengage(&["simulate"])).await;
    let command = |arguments: &[&str]| simulating.command(arguments);
    assert_eq!(stdout(&run(&mut command(&["widget", "online", "local"])).await), "offline\n");
    let logs = ["logs", "export", "--from", "2026-01-01", "--to", "2026-01-02"];
    assert_eq!(stdout(&run(&mut command(&logs)).await), "");
    let told = error(&run(&mut command(&["user", "get", "bob@example.com"])).await);
    assert_eq!(told, "error: there is no user of this email address\n");
    let told = error(&run(command(&logs).env("SNAPENGAGE_ORG", "1")).await);
    assert!(told.contains("logs: answered 4"), "{told}");
}

#[tokio::test]
async fn a_simulator_takes_credentials_as_every_verb_does() {
    let mut command = snapengage(&["simulate"]);
    command.env("SNAPENGAGE_CHAT_KEY", "another");
    let simulating = Simulating::start(command).await;
    let told = error(&run(&mut simulating.command(&["visit", "local"])).await);
    assert!(told.contains("401 Unauthorized"), "{told}");
    let mut visit = simulating.command(&["visit", "local"]);
    let told = error(&run(visit.env("SNAPENGAGE_CHAT_KEY", "another")).await);
    assert!(told.contains("400 Bad Request"), "nobody is online: {told}");
}

#[tokio::test]
async fn a_file_names_widgets_and_agents() {
    let (_dir, path) = config(
        r#"
        seed = 1
        [[widget]]
        id = "sales"
        name = "Sales"
        email_required = true
        [[widget]]
        id = "support"
        message_required = true
        [[agent]]
        email = "jane@example.com"
        alias = "Jane"
        widgets = ["sales"]
        [[agent]]
        email = "joe@example.com"
        status = "pause"
        "#,
    );
    let simulating = Simulating::start(snapengage(&["simulate", "--config", &path])).await;
    let told = async |arguments: &[&str]| -> Value {
        json_of(&run(&mut simulating.command(&[arguments, &["--json"]].concat())).await)
    };
    let sales = told(&["widget", "online", "sales"]).await;
    assert_eq!((&sales["online"], &sales["emailRequired"]), (&json!(true), &json!(true)));
    let support = told(&["widget", "online", "support"]).await;
    assert_eq!((&support["online"], &support["messageRequired"]), (&json!(false), &json!(true)));
    let sales = told(&["widget", "get", "sales", "--user", "bob@example.com"]).await;
    assert_eq!(
        (&sales["name"], &sales["agents"][0]["agentAlias"]),
        (&json!("Sales"), &json!("Jane"))
    );
    told(&["agent", "status", "joe@example.com", "online"]).await;
    assert_eq!(told(&["widget", "online", "support"]).await["online"], true);
}

#[tokio::test]
async fn a_file_that_is_wrong_is_told_by_its_line() {
    for (text, problem) in [
        ("seed = 1\nspeeed = 2\n", "line 2: unknown field `speeed`"),
        ("[[widget]]\nid = \"w\"\nnmae = \"W\"", "line 3: unknown field `nmae`"),
        ("[[widget]]\nid = \"w\"\n[[widget]]\nname = \"W\"", "line 3: missing field `id`"),
        ("[[widget]]\nid = \"w\"\nemail_required = \"secret words\"", "line 3: expected a boolean"),
        (
            "[[agent]]\nemail = \"a@example.com\"\nstatus = \"secret words\"",
            "line 3: expected one of",
        ),
        ("[[widget]\n", "line 1: "),
        ("\nid = secret words", "line 2: "),
    ] {
        let (_dir, path) = config(text);
        let told = error(&run(&mut snapengage(&["simulate", "--config", &path])).await);
        assert!(told.starts_with(&format!("error: {path}: {problem}")), "{told}");
    }
    for (text, problem) in [
        ("[[widget]]\nid = \"w\"\n[[widget]]\nid = \"w\"", "more than one widget"),
        ("[[agent]]\nemail = \"a@example.com\"\nwidgets = [\"w\"]", "there is no widget"),
        ("[[agent]]\nemail = \"jane\"", "agent \"jane\": expected an email address"),
    ] {
        let (_dir, path) = config(text);
        let told = error(&run(&mut snapengage(&["simulate", "--config", &path])).await);
        assert!(told.contains(problem), "{told}");
    }
    let told = error(&run(&mut snapengage(&["simulate", "--config", "/none/such"])).await);
    assert!(told.starts_with("error: /none/such: "), "{told}");
}

#[tokio::test]
async fn an_address_that_cannot_be_had_is_an_error() {
    let simulating = Simulating::start(snapengage(&["simulate"])).await;
    let address = simulating.url.strip_prefix("http://").expect("an address");
    let told = error(&run(&mut snapengage(&["simulate", "--listen", address])).await);
    assert!(told.starts_with(&format!("error: {address}: Address already in use")), "{told}");
    let told = error(&run(&mut snapengage(&["simulate", "--listen", "nowhere"])).await);
    assert!(told.starts_with("error: nowhere: "), "{told}");
    // It is refused before it is tried.
    let taken = tokio::net::TcpListener::bind("0.0.0.0:0").await.expect("a free port");
    let outside = taken.local_addr().expect("an address").to_string();
    let told = error(&run(&mut snapengage(&["simulate", "--listen", &outside])).await);
    assert!(told.contains("--dangerously-open"), "{told}");
}

#[cfg(unix)]
#[tokio::test]
async fn a_signal_ends_the_simulator_in_order() {
    for name in ["INT", "TERM"] {
        let mut simulating = Simulating::start(snapengage(&["simulate"])).await;
        let idle = tokio::net::TcpStream::connect(&simulating.url["http://".len()..]).await;
        signal(&simulating.child, name).await;
        let ended = simulating.child.wait().await.expect("an end");
        assert_eq!(ended.code(), Some(0), "{name}");
        assert_eq!(simulating.out.next_line().await.expect("text"), None);
        drop(idle);
    }
}

/// Nothing but the program is needed to know a bot's answer, and the requests of a test.
#[tokio::test]
async fn the_help_has_a_bots_answer_and_where_requests_are_listed() {
    let help = stdout(&run(&mut snapengage(&["simulate", "--help"])).await);
    let (_, answer) = help.split_once("answers each POST").expect("an answer");
    let (_, answer) = answer.split_once("\n\n").expect("an empty line");
    let (answer, _) = answer.split_once("\n\n").expect("an empty line");
    let reply: Reply = serde_json::from_str(answer).expect("a reply");
    let expected = Reply::say("Hello").button("Human").to_human();
    assert_eq!(reply.content(), expected.content());

    let simulating = Simulating::start(snapengage(&["simulate"])).await;
    let (_, listed) = help.split_once("curl http://127.0.0.1:7070/_/\n").expect("a request");
    assert!(listed.contains("https://docs.rs/snapengage/latest/snapengage/simulator/"));
    let url = format!("{}/_/", simulating.url);
    let list = tokio::task::spawn_blocking(move || ureq::get(url).call());
    let mut list = list.await.expect("no panic").expect("an answer");
    let list = list.body_mut().read_to_string().expect("text");
    assert!(list.contains("| `POST /_/visits` |"), "{list}");
}

/// All that a file may say is in the help, and is a file.
#[tokio::test]
async fn the_file_of_the_help_is_one() {
    let help = stdout(&run(&mut snapengage(&["simulate", "--help"])).await);
    let (_, file) = help.split_once("A file for --config").expect("a file");
    let (_, file) = file.split_once("\n\n").expect("an empty line");
    let (_dir, path) = config(file);
    let simulating = Simulating::start(snapengage(&["simulate", "--config", &path])).await;
    let online = ["widget", "online", "sales"];
    assert_eq!(stdout(&run(&mut simulating.command(&online)).await), "online\n");
}
