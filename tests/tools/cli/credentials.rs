//! Credentials come from the environment or a file, and are told to nobody.

use std::fs;

use axum::Router;
use axum::routing::get;
use tempfile::TempDir;
use tokio::net::TcpListener;

use super::vendor::{CHAT_KEY, PROVISIONING_KEY, TOKEN, Vendor, run, simulator, snapengage};
use super::{error, json_of, stdout};

const VERBS: [&str; 14] = [
    "agent", "contract", "file", "identity", "inbox", "logs", "record", "redact", "replay", "send",
    "simulate", "user", "visit", "widget",
];

const STATUS: [&str; 4] = ["agent", "status", "jane@example.com", "pause"];

struct Keys {
    dir: TempDir,
    path: String,
}

impl Keys {
    fn new(text: &str) -> Self {
        let dir = tempfile::tempdir().expect("a folder");
        let path = dir.path().join("keys").to_str().expect("UTF-8").to_owned();
        fs::write(&path, text).expect("written");
        Self { dir, path }
    }

    fn all() -> Self {
        Self::new(&format!(
            "# of the tests\r\nSNAPENGAGE_API_TOKEN={TOKEN}\r\n\n  SNAPENGAGE_ORG = 42 \n\
             SNAPENGAGE_PROVISIONING_KEY={PROVISIONING_KEY}\nSNAPENGAGE_CHAT_KEY={CHAT_KEY}"
        ))
    }
}

#[tokio::test]
async fn a_key_file_holds_all_credentials() {
    let vendor = Vendor::serve(simulator().user("bob@example.com", "Bob")).await;
    let keys = Keys::all();
    let with_file = async |arguments: &[&str]| {
        let connection = ["--url", &vendor.url, "--key-file", &keys.path];
        run(&mut snapengage(&[arguments, &connection].concat())).await
    };
    assert_eq!(stdout(&with_file(&STATUS).await), "jane@example.com: pause\n");
    let user = json_of(&with_file(&["user", "get", "bob@example.com", "--json"]).await);
    assert_eq!(user["name"], "Bob");
    stdout(&with_file(&["agent", "status", "jane@example.com", "online"]).await);
    stdout(&with_file(&["visit", "sales"]).await);
    assert_eq!(vendor.simulator.cases().len(), 1);
}

#[tokio::test]
async fn a_key_file_wins_over_the_environment() {
    let vendor = Vendor::serve(simulator()).await;
    let keys = Keys::all();
    let mut command = vendor.command(&["--key-file", &keys.path]);
    stdout(&run(command.args(STATUS).env("SNAPENGAGE_API_TOKEN", "another")).await);
    let wrong = Keys::new("SNAPENGAGE_API_TOKEN=another");
    let refused = error(&run(vendor.command(&["--key-file", &wrong.path]).args(STATUS)).await);
    assert!(refused.contains("401 Unauthorized"), "{refused}");
    assert!(!refused.contains("another"), "{refused}");
}

#[tokio::test]
async fn a_credential_in_neither_is_named() {
    let vendor = Vendor::serve(simulator()).await;
    let keys = Keys::new("");
    for (name, arguments) in [
        ("SNAPENGAGE_API_TOKEN", &STATUS[..]),
        ("SNAPENGAGE_ORG", &["logs", "export", "--from", "2026-01-05", "--to", "2026-01-05"]),
        ("SNAPENGAGE_PROVISIONING_KEY", &["user", "get", "bob@example.com"]),
        ("SNAPENGAGE_PROVISIONING_KEY", &["widget", "get", "sales", "--user", "bob@example.com"]),
        ("SNAPENGAGE_CHAT_KEY", &["visit", "sales"]),
    ] {
        let told = error(&run(vendor.command(arguments).env_remove(name)).await);
        assert!(told.starts_with(&format!("error: {name} is missing: ")), "{told}");
        let told = error(&run(vendor.command(arguments).env(name, " ")).await);
        assert_eq!(told, format!("error: {name} is empty\n"));
        let with_file = [arguments, &["--key-file", &keys.path]].concat();
        let told = error(&run(vendor.command(&with_file).env_remove(name)).await);
        assert!(told.starts_with(&format!("error: {name} is missing: ")), "{told}");
    }
    let quoted = format!("'{TOKEN}'");
    let told = error(&run(vendor.command(&STATUS).env("SNAPENGAGE_API_TOKEN", quoted)).await);
    assert!(told.contains("`SNAPENGAGE_API_TOKEN`: is in quotes"), "{told}");
    stdout(&run(vendor.command(&STATUS).env_remove("SNAPENGAGE_ORG")).await);
    let file = ["file", "http://localhost/x", "--out", "x"];
    let told = error(&run(vendor.command(&file).env("SNAPENGAGE_ORG", "forty")).await);
    assert_eq!(told, "error: SNAPENGAGE_ORG: expected a number\n");
}

#[tokio::test]
async fn a_line_that_is_wrong_is_told_by_its_number() {
    let names = "SNAPENGAGE_API_TOKEN, SNAPENGAGE_ORG, SNAPENGAGE_PROVISIONING_KEY, \
                 SNAPENGAGE_CHAT_KEY, SNAPENGAGE_IDENTITY_SECRET";
    for (line, problem) in [
        (TOKEN, "expected NAME=value"),
        ("token-5f1e=", &format!("expected one of {names}")),
        ("export SNAPENGAGE_ORG=42", &format!("expected one of {names}")),
        ("SNAPENGAGE_ORG=", "no value"),
        ("SNAPENGAGE_CHAT_KEY=b", "the same name again"),
    ] {
        let keys = Keys::new(&format!("SNAPENGAGE_CHAT_KEY={CHAT_KEY}\n\n{line}\n"));
        let command = ["visit", "sales", "--key-file", &keys.path];
        let told = error(&run(&mut snapengage(&command)).await);
        assert_eq!(told, format!("error: {}: line 3: {problem}\n", keys.path));
    }
}

#[tokio::test]
async fn a_key_file_that_cannot_be_read_is_an_error() {
    let keys = Keys::new("");
    let missing = keys.dir.path().join("none").to_str().expect("UTF-8").to_owned();
    let told = error(&run(&mut snapengage(&["visit", "w", "--key-file", &missing])).await);
    assert!(told.starts_with(&format!("error: {missing}: ")), "{told}");
    fs::write(&keys.path, b"SNAPENGAGE_CHAT_KEY=\xff").expect("written");
    let told = error(&run(&mut snapengage(&["visit", "w", "--key-file", &keys.path])).await);
    assert!(told.contains("valid UTF-8"), "{told}");
}

#[tokio::test]
async fn no_credential_is_taken_as_an_argument() {
    for argument in ["--api-token", "--token", "--org", "--key", "--provisioning-key"] {
        let command = [&STATUS[..], &[argument, "value"]].concat();
        let output = run(&mut snapengage(&command)).await;
        assert_eq!(output.status.code(), Some(2), "{argument}");
    }
}

#[tokio::test]
async fn a_base_address_may_have_a_path() {
    const ANSWER: &str = r#"{"statusCode": 1, "data": {"widgetId": "sales", "online": "true"}}"#;
    let below = Router::new().route("/below/public/api/v2/chat/sales", get(async || ANSWER));
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let address = listener.local_addr().expect("an address");
    tokio::spawn(axum::serve(listener, below).into_future());
    for path in ["below", "below/"] {
        let url = format!("http://{address}/{path}");
        let told = run(&mut snapengage(&["widget", "online", "sales", "--url", &url])).await;
        assert_eq!(stdout(&told), "online\n");
    }
    let url = format!("http://{address}");
    let told = error(&run(&mut snapengage(&["widget", "online", "sales", "--url", &url])).await);
    assert!(told.contains("404 Not Found"), "{told}");
    let told = error(&run(&mut snapengage(&["widget", "online", "sales", "--url", "host"])).await);
    assert!(told.contains("base address"), "{told}");
}

#[tokio::test]
async fn a_vendor_that_is_down_is_an_error() {
    let command = ["widget", "online", "sales", "--url", "http://127.0.0.1:1"];
    let told = error(&run(&mut snapengage(&command)).await);
    assert!(told.starts_with("error: availability: no connection was made"), "{told}");
}

#[tokio::test]
async fn help_needs_no_credential_and_shows_none() {
    let url = format!("http://user:{TOKEN}@localhost");
    for verb in VERBS {
        let mut command = snapengage(&[verb, "--help"]);
        let help = stdout(&run(command.env("SNAPENGAGE_URL", &url)).await);
        assert!(!help.contains(TOKEN), "{help}");
    }
}

#[tokio::test]
async fn help_lists_each_verb_and_says_it_once() {
    let help = stdout(&run(&mut snapengage(&["--help"])).await);
    let (purpose, rest) = help.split_once("\n\n").expect("a line, and what follows");
    assert_eq!(purpose.matches("Tools for SnapEngage").count(), 1, "{purpose}");
    let (_, commands) = rest.split_once("Commands:\n").expect("commands");
    let lines = commands.lines().take_while(|line| !line.is_empty());
    let mut verbs: Vec<_> = lines.filter_map(|line| line.split_whitespace().next()).collect();
    assert_eq!(verbs.pop(), Some("help"));
    verbs.sort_unstable();
    assert_eq!(verbs, VERBS);
}
