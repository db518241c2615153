//! The program sends recordings, samples and requests of one's own.

use std::fs;
use std::io::{Read, Write};
use std::net::TcpListener;
use std::process::{Command, Output};
use std::sync::mpsc;

use serde_json::{Value, json};
use snapengage::bot::{self, Reply};
use snapengage::testing::{Sample, samples};
use snapengage::{Auth, Receiver, Token, contact, integration};

use super::{error, json_of, stdout};
use crate::requests::{auth, text};

/// A receiver on a socket, for as long as the test runs: a bot that says back what it is told, and
/// looks up the names of visitors.
fn receiver() -> String {
    let (told, address) = mpsc::channel();
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        runtime.expect("a runtime").block_on(async {
            let bot = bot::from_fn(|message| async move { Ok(Reply::say(message.text)) });
            let feed = integration::from_fn(|case| async move {
                case.description.map(drop).ok_or_else(|| "a case without a description".into())
            });
            let find = contact::from_fn(|query| async move {
                let name = query.extra.into_iter().find(|(name, _)| name == "name");
                Ok(name.map(|(_, value)| value))
            });
            let receiver = Receiver::builder()
                .bot("/bot", auth(), bot)
                .integration("/integration", auth(), feed)
                .contact("/look-up", Auth::secret_path(Token::new("s3cret")), find)
                .build()
                .expect("a receiver");
            let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
            let address = listener.local_addr().expect("an address");
            told.send(format!("http://{address}")).expect("the test waits");
            snapengage::serve(listener, receiver, std::future::pending::<()>()).await;
        });
    });
    address.recv().expect("an address")
}

fn snapengage(arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_snapengage"));
    command.args(arguments).env("SNAPENGAGE_TOKEN", "my-token").output().expect("it runs")
}

#[track_caller]
fn usage_error(arguments: &[&str]) -> String {
    let output = snapengage(arguments);
    assert_eq!(output.status.code(), Some(2), "{output:?}");
    text(&output.stderr).to_owned()
}

#[test]
fn what_was_recorded_is_compared() {
    let url = receiver();
    let output = snapengage(&["replay", "tests/recordings", &url]);
    assert_eq!(output.status.code(), Some(1));
    let told = text(&output.stdout);
    assert!(told.contains("    -       \"text\": \"Hello!\","), "{told}");
    assert!(told.ends_with("\n3 requests sent, 2 failed\n"), "{told}");
    let feed = ["replay", "tests/recordings", &url, "--only", "api=integration"];
    let ok = "ok      tests/recordings/000003-integration-chat.http: 200 OK\n";
    assert_eq!(stdout(&snapengage(&feed)), format!("{ok}1 requests sent, 0 failed, 2 left out\n"));

    let output = snapengage(&["replay", "tests/recordings", &url, "--json"]);
    let report: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    assert_eq!((&report["sent"], &report["failed"]), (&json!(3), &json!(2)));
    assert_eq!(report["differences"][0]["status"], 200);
    assert_eq!(report["differences"].as_array().map(Vec::len), Some(2));
}

#[test]
fn a_receiver_that_is_down_is_an_error() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let url = format!("http://{}", listener.local_addr().expect("an address"));
    drop(listener);
    let output = snapengage(&["replay", "samples", &url]);
    assert_eq!(output.status.code(), Some(1));
    let problem = text(&output.stderr);
    assert!(problem.starts_with("error: receiver: no answer: no connection was made"), "{problem}");
    assert!(text(&output.stdout).ends_with("1 requests sent, 1 failed\n"));
    let problem = error(&snapengage(&["send", "bot/message.json", "--to", &url]));
    assert!(problem.contains("no connection was made"), "{problem}");
}

#[test]
fn an_answer_of_a_hundred_megabytes_is_cut_off() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let url = format!("http://{}", listener.local_addr().expect("an address"));
    std::thread::spawn(move || {
        let (mut connection, _) = listener.accept().expect("a connection");
        let _ = connection.read(&mut [0; 4096]);
        let _ = connection.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 104857600\r\n\r\n");
        while connection.write_all(&[b'x'; 65536]).is_ok() {}
    });
    let problem = error(&snapengage(&["send", "bot/message.json", "--to", &url]));
    assert_eq!(problem, "error: receiver: an answer of more than 16 MiB\n");
}

#[test]
fn arguments_that_are_wrong_are_named() {
    let missing = usage_error(&["replay", "samples"]);
    assert!(missing.contains("the address of the receiver"), "{missing}");
    assert!(missing.contains("the last argument"), "{missing}");
    assert!(missing.contains("snapengage replay [OPTIONS] <DIR|"), "{missing}");
    let url = "http://127.0.0.1:1";
    for (arguments, expected) in [
        (["replay", "samples", url, "--only", "api=x"], "expected one of integration, bot, "),
        (["replay", "samples", url, "--path", "bot"], "expected API=PATH"),
        (["replay", "samples", url, "--path", "bot=x"], "expected a path that begins with `/`"),
        (["replay", "samples", url, "--speed", "0"], "expected a number of more than zero"),
        (["replay", "samples", url, "--set", "text"], "expected `NAME=VALUE`"),
    ] {
        let problem = usage_error(&arguments);
        assert!(problem.contains(expected), "{problem}");
    }
    let problem = error(&snapengage(&["replay", "no-such-folder", url]));
    assert!(
        problem.starts_with("error: recording \"no-such-folder\": not accessible"),
        "{problem}"
    );
}

#[test]
fn a_file_of_ones_own_is_sent_as_its_form_says() {
    let url = receiver();
    let folder = tempfile::tempdir().expect("a folder");
    let send = |name: &str, body: &str, more: &[&str]| {
        let file = folder.path().join(name);
        fs::write(&file, body).expect("written");
        let file = file.to_str().expect("Unicode");
        snapengage(&[&["send", file, "--to", &url], more].concat())
    };
    let message = r#"{"event":"message","widget_id":"w","case_id":"c","text":"Hi"}"#;
    let told = stdout(&send("m.json", message, &["--set", "text=42 is [1]"]));
    assert!(told.starts_with("200 OK in ") && told.contains("\"42 is [1]\""), "{told}");

    let xml = "<case><id>c</id></case>";
    let failed = send("case.xml", xml, &[]);
    assert_eq!(failed.status.code(), Some(1));
    assert!(text(&failed.stdout).starts_with("503 Service Unavailable in "));
    let told = stdout(&send("case.xml", xml, &["--set", "description=Grüße <b>"]));
    assert!(told.starts_with("200 OK in "), "{told}");
    assert_eq!(send("junk", "junk", &[]).status.code(), Some(1));
}

#[test]
fn a_look_up_is_a_query_at_the_address_that_is_given() {
    let url = receiver() + "/look-up/s3cret";
    let send = |more: &[&str]| {
        stdout(&snapengage(&[&["send", "get-contact/known.txt", "--to", &url], more].concat()))
    };
    assert_eq!(send(&["--set", "name=Jim & Jo"]).lines().nth(1), Some("Jim & Jo"));
    let json: Value = serde_json::from_str(&send(&["--set", "name=Jim", "--json"])).expect("JSON");
    assert_eq!((&json["status"], &json["body"]), (&json!(200), &json!("Jim")));
    let wrong = url.replace("s3cret", "wrong");
    let output = snapengage(&["send", "get-contact/known.txt", "--to", &wrong]);
    assert_eq!(output.status.code(), Some(1));
}

#[test]
fn the_list_has_each_sample_on_a_line() {
    let list = stdout(&snapengage(&["send", "--list"]));
    let expected: Vec<_> = samples().iter().map(Sample::name).collect();
    assert_eq!(list.lines().collect::<Vec<_>>(), expected);
    assert_eq!(json_of(&snapengage(&["send", "--list", "--json"])), json!(expected));
    let problem = usage_error(&["send"]);
    assert!(problem.contains("--to <URL>"), "{problem}");
    assert!(problem.contains("snapengage send --list"), "{problem}");
    let never = ["send", "bot/message.json", "--to", "http://127.0.0.1:1", "--repeat", "0"];
    assert!(usage_error(&never).contains("0 is not in 1.."));
    let problem = error(&snapengage(&["send", "bot/no.json", "--to", "http://127.0.0.1:1"]));
    assert!(problem.contains("bot/no.json: neither a sample"), "{problem}");
}
