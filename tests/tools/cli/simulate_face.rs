//! The simulator's options, and its face as a program in any language sees it.

use std::future::pending;

use serde_json::{Value, json};
use snapengage::bot::{self, Message, Reply};
use snapengage::{Receiver, Token, serve};
use tokio::io::AsyncReadExt;
use tokio::net::TcpListener;

use super::simulate::Simulating;
#[cfg(unix)]
use super::vendor::signal;
use super::vendor::{run, snapengage};
use super::{error, json_of};

const TOKEN: &str = "receiver-token-91b2";

/// Sends a request to the face, and returns the status and what is answered.
pub(super) async fn ask(url: &str, body: Option<Value>) -> (u16, Value) {
    let url = url.to_owned();
    let asked = tokio::task::spawn_blocking(move || {
        let agent = ureq::Agent::config_builder().http_status_as_error(false).proxy(None).build();
        let agent = ureq::Agent::new_with_config(agent);
        let answered = match body {
            Some(body) => agent.post(url).send(body.to_string()),
            None => agent.get(url).call(),
        };
        let mut answered = answered.expect("an answer");
        let text = answered.body_mut().read_to_string().expect("text");
        (answered.status().as_u16(), text)
    });
    let (status, text) = asked.await.expect("no panic");
    (status, serde_json::from_str(&text).expect("JSON"))
}

pub(super) async fn ok(url: &str, body: Option<Value>) -> Value {
    let (status, value) = ask(url, body).await;
    assert_eq!(status, 200, "{value}");
    value
}

/// Serves a bot that repeats what it is told.
async fn echo() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    let bot = bot::from_fn(|message: Message| async move { Ok(Reply::say(message.text)) });
    let receiver = Receiver::builder().bot("/bot", Token::new(TOKEN), bot);
    tokio::spawn(serve(listener, receiver.build().expect("a receiver"), pending()));
    format!("http://{address}/bot")
}

#[tokio::test]
async fn one_command_lets_one_chat_with_ones_bot() {
    let bot = echo().await;
    let mut simulating =
        Simulating::start(snapengage(&["simulate", "--bot", &bot, "--token", TOKEN])).await;
    let visit = ok(&format!("{}/_/visits", simulating.url), Some(json!({ "text": "Hello" }))).await;
    assert_eq!((&visit["state"], &visit["widget"]), (&json!("bot"), &json!("local")));
    assert_eq!(visit["lines"][1]["text"], "Hello");
    // What was sent is told.
    let told = simulating.out.next_line().await.expect("text").expect("a line");
    assert!(told.contains(" bot chatStarted 200 "), "{told}");
    assert!(!told.contains("Hello") && !told.contains(TOKEN), "{told}");
}

/// Serves a bot whose answers make no sense.
async fn babble() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    let answer = || async { r#"["secret words"]"# };
    let router = axum::Router::new().route("/bot", axum::routing::post(answer));
    tokio::spawn(async move { axum::serve(listener, router).await });
    format!("http://{address}/bot")
}

#[tokio::test]
async fn answer_that_cannot_be_read_is_told_in_the_log() {
    let bot = babble().await;
    let mut simulating = Simulating::start(snapengage(&["simulate", "--bot", &bot])).await;
    let url = &simulating.url;
    ok(&format!("{url}/_/visits"), Some(json!({ "text": "Hello" }))).await;
    let told = simulating.out.next_line().await.expect("text").expect("a line");
    let problem = "the bot's answer cannot be read: expected an object, found an array";
    assert!(told.contains(&format!(" bot chatStarted 200 failed: {problem} ")), "{told}");
    let delivery = ok(&format!("{url}/_/deliveries?feed=bot"), None).await[0].clone();
    assert_eq!(
        (&delivery["error"], &delivery["response"]["status"]),
        (&json!(problem), &json!(200))
    );
}

#[tokio::test]
async fn a_token_may_come_from_the_environment() {
    let bot = echo().await;
    let mut command = snapengage(&["simulate", "--quiet", "--bot", &bot]);
    command.env("SNAPENGAGE_TOKEN", TOKEN);
    let simulating = Simulating::start(command).await;
    let visit = ok(&format!("{}/_/visits", simulating.url), Some(json!({ "text": "Hello" }))).await;
    assert_eq!(visit["lines"][1]["text"], "Hello");
    // Without it, the bot refuses, and a human has to see to the chat.
    let simulating = Simulating::start(snapengage(&["simulate", "--bot", &bot])).await;
    let visit = ok(&format!("{}/_/visits", simulating.url), Some(json!({ "text": "Hello" }))).await;
    assert_eq!(visit["lines"][1]["from"], "system", "{visit}");
}

#[tokio::test]
async fn flags_win_over_the_file() {
    let bot = echo().await;
    let dir = tempfile::tempdir().expect("a folder");
    let path = dir.path().join("simulator.toml");
    let text = r#"
        seed = 1
        [[widget]]
        id = "sales"
        bot = { url = "http://127.0.0.1:9/none", token = "another", name = "Helper" }
        [[widget]]
        id = "support"
        [[agent]]
        email = "joe@example.com"
        status = "offline"
    "#;
    std::fs::write(&path, text).expect("written");
    let path = path.to_str().expect("UTF-8");
    let arguments = ["simulate", "--config", path, "--widget", "sales", "--bot", &bot, "--token"];
    let arguments = [&arguments[..], &[TOKEN, "--agent", "jane@example.com", "--seed", "2"]];
    let simulating = Simulating::start(snapengage(&arguments.concat())).await;
    let world = ok(&format!("{}/_/world", simulating.url), None).await;
    let status = |n: usize| (&world["agents"][n]["email"], &world["agents"][n]["status"]);
    assert_eq!(status(0), (&json!("jane@example.com"), &json!("online")));
    assert_eq!(status(1), (&json!("joe@example.com"), &json!("offline")));
    assert_eq!(world["widgets"][0]["bot"], "Helper");
    assert!(world["widgets"][1].get("bot").is_none());
    let new = json!({ "widget": "sales", "text": "Hello" });
    let visit = ok(&format!("{}/_/visits", simulating.url), Some(new)).await;
    assert_eq!(visit["lines"][1]["text"], "Hello", "{visit}");
}

#[tokio::test]
async fn a_file_is_served_and_one_that_is_gone_is_told() {
    let dir = tempfile::tempdir().expect("a folder");
    let path = |name: &str| dir.path().join(name).to_str().expect("UTF-8").to_owned();
    std::fs::write(path("offer.txt"), "An offer").expect("written");
    let simulating =
        Simulating::start(snapengage(&["simulate", "--file", &path("offer.txt")])).await;
    let (address, out) = (format!("{}/files/offer.txt", simulating.url), path("saved.txt"));
    let mut command = snapengage(&["file", &address, "--out", &out, "--url", &simulating.url]);
    command.env("SNAPENGAGE_API_TOKEN", "local-api-token").env("SNAPENGAGE_ORG", "5406213");
    assert!(run(&mut command).await.status.success());
    assert_eq!(std::fs::read_to_string(out).expect("a file"), "An offer");
    let none = path("none.txt");
    let told = error(&run(&mut snapengage(&["simulate", "--file", &none])).await);
    assert!(told.starts_with(&format!("error: {none}: ")), "{told}");
}

#[tokio::test]
async fn options_that_make_no_sense_are_refused() {
    for arguments in [["--speed", "0"], ["--seed", "x"], ["--integration-form", "yaml"]] {
        let output = run(snapengage(&["simulate"]).args(arguments)).await;
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
    }
    for arguments in [
        ["--bot", "nowhere"],
        ["--hub", "javascript:alert(1)"],
        ["--agent", "bad"],
        ["--host", "sim.example:7070"],
        ["--widget", ""],
    ] {
        let mut command = snapengage(&["simulate", "--listen", "127.0.0.1:0"]);
        let output = run(command.args(arguments)).await;
        assert_eq!(output.status.code(), Some(1), "{arguments:?}");
        let told = error(&output);
        assert!(told.starts_with("error: "), "{told}");
    }
    let mut command = snapengage(&["simulate", "--listen", "127.0.0.1:0", "--agent", "bad"]);
    let told = error(&run(&mut command).await);
    assert!(told.contains("agent \"bad\": expected an email address"), "{told}");
}

#[tokio::test]
async fn rules_are_explained_without_serving() {
    let rules = json_of(&run(&mut snapengage(&["simulate", "--explain"])).await);
    let rules = rules.as_array().expect("a list");
    assert_eq!(rules.len(), snapengage::simulator::choices().len());
    assert!(rules.iter().all(|rule| rule["documented"].is_boolean()));
}

#[tokio::test]
async fn other_names_are_let_in_when_named() {
    let simulating = Simulating::start(snapengage(&["simulate", "--host", "simulator.test"])).await;
    let port = simulating.url.rsplit_once(':').expect("a port").1;
    for (host, expected) in [("simulator.test", 200), ("attacker.example", 421)] {
        let request =
            format!("GET /_/explain HTTP/1.1\r\nHost: {host}:{port}\r\nConnection: close\r\n\r\n");
        let mut stream = tokio::net::TcpStream::connect(&simulating.url["http://".len()..])
            .await
            .expect("connected");
        tokio::io::AsyncWriteExt::write_all(&mut stream, request.as_bytes()).await.expect("sent");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.expect("text");
        assert!(answer.starts_with(&format!("HTTP/1.1 {expected} ")), "{answer}");
    }
}

/// Nothing opens a page where no desktop is, and that is no reason not to serve.
#[tokio::test]
async fn page_that_cannot_be_opened_is_no_failure() {
    let mut command = snapengage(&["simulate", "--open"]);
    command.env("PATH", "/none");
    let simulating = Simulating::start(command).await;
    assert_eq!(ok(&format!("{}/_/visits", simulating.url), None).await, json!([]));
}

#[cfg(unix)]
#[tokio::test]
async fn page_is_opened_in_the_browser_of_the_desktop() {
    use std::os::unix::fs::PermissionsExt;

    let dir = tempfile::tempdir().expect("a folder");
    for name in ["xdg-open", "open"] {
        let path = dir.path().join(name);
        std::fs::write(&path, "#!/bin/sh\nprintf %s \"$1\" > \"${0%/*}/.told\"\nmv \"${0%/*}/.told\" \"${0%/*}/told\"\n").expect("written");
        let mode = std::fs::Permissions::from_mode(0o755);
        std::fs::set_permissions(&path, mode).expect("executable");
    }
    let path = format!("{}:/usr/bin:/bin", dir.path().display());
    let mut command = snapengage(&["simulate", "--open"]);
    command.env("PATH", path);
    let simulating = Simulating::start(command).await;
    let told = dir.path().join("told");
    super::vendor::until(|| told.exists()).await;
    let url = std::fs::read_to_string(told).expect("told");
    assert_eq!(url, format!("{}/", simulating.url));
}

#[cfg(unix)]
#[tokio::test]
async fn signal_ends_it_while_pages_listen() {
    for name in ["INT", "TERM"] {
        let mut simulating = Simulating::start(snapengage(&["simulate"])).await;
        let address = &simulating.url["http://".len()..];
        let request = format!("GET /_/events HTTP/1.1\r\nHost: {address}\r\n\r\n");
        let mut stream = tokio::net::TcpStream::connect(address).await.expect("connected");
        tokio::io::AsyncWriteExt::write_all(&mut stream, request.as_bytes()).await.expect("sent");
        let mut begun = [0; 1024];
        assert!(stream.read(&mut begun).await.expect("an answer") > 0);
        signal(&simulating.child, name).await;
        let ended = simulating.child.wait().await.expect("an end");
        assert_eq!(ended.code(), Some(0), "{name}");
        // Its end is one of HTTP, and no reset.
        let mut rest = String::new();
        stream.read_to_string(&mut rest).await.expect("an end in order");
        assert!(rest.ends_with("0\r\n\r\n"), "{rest:?}");
    }
}
