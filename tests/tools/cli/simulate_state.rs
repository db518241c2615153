//! The simulator's state over a restart.

use std::fs;

use serde_json::json;

use super::error;
use super::simulate::Simulating;
use super::simulate_face::{ask, ok};
use super::vendor::{run, snapengage};

const CONFIG: &str = r#"
    [[widget]]
    id = "sales"
    integration = { url = "http://127.0.0.1:9/integration" }
    [[agent]]
    email = "jane@example.com"
"#;

/// A folder with a configuration, and the arguments that name it.
fn folder() -> (tempfile::TempDir, Vec<String>) {
    let dir = tempfile::tempdir().expect("a folder");
    let path = |name: &str| dir.path().join(name).to_str().expect("UTF-8").to_owned();
    fs::write(path("simulator.toml"), CONFIG).expect("written");
    let arguments = ["simulate", "--seed", "1", "--config"].map(str::to_owned).to_vec();
    let arguments = [arguments, vec![path("simulator.toml"), "--state".to_owned(), path("state")]];
    (dir, arguments.concat())
}

fn simulate(arguments: &[String]) -> tokio::process::Command {
    snapengage(&arguments.iter().map(String::as_str).collect::<Vec<_>>())
}

#[tokio::test]
async fn what_was_shown_is_there_after_a_kill() {
    let (_dir, arguments) = folder();
    let mut simulating = Simulating::start(simulate(&arguments)).await;
    let at = |simulating: &Simulating, path: &str| format!("{}/_/{path}", simulating.url);
    let text = "Hello \u{1f488} \u{202e}<b>";
    let new = json!({ "text": text, "email": "ann@example.com", "variables": { "plan": "pro" } });
    let one = ok(&at(&simulating, "visits"), Some(new)).await;
    let case = one["case_id"].as_str().expect("an id");
    let take = json!({ "case_id": case });
    ok(&at(&simulating, "agents/jane@example.com/take"), Some(take.clone())).await;
    let label = json!({ "case_id": case, "name": "topic", "value": "beards" });
    ok(&at(&simulating, "agents/jane@example.com/label"), Some(label)).await;
    ok(&at(&simulating, &format!("visits/{case}/survey")), Some(json!({ "score": 80 }))).await;
    ok(&at(&simulating, "agents/jane@example.com/close"), Some(take)).await;
    let pause = json!({ "status": "pause", "sub_status": "Lunch" });
    ok(&at(&simulating, "agents/jane@example.com/status"), Some(pause)).await;

    let shown = async |simulating: &Simulating| {
        let mut shown = Vec::new();
        for path in ["visits", &format!("visits/{case}"), "deliveries", "world"] {
            shown.push(ok(&at(simulating, path), None).await);
        }
        shown
    };
    let before = shown(&simulating).await;
    simulating.child.kill().await.expect("killed");
    let simulating = Simulating::start(simulate(&arguments)).await;
    assert_eq!(shown(&simulating).await, before);

    // The request that nobody took is sent again when it is due.
    let sent = before[2].as_array().expect("a list").len();
    ok(&at(&simulating, "time/advance"), Some(json!({ "seconds": 300 }))).await;
    let deliveries = ok(&at(&simulating, "deliveries"), None).await;
    let again = &deliveries[sent];
    assert_eq!((&again["feed"], &again["attempt"]), (&json!("integration"), &json!(2)));
    assert_eq!(again["request"]["body"], deliveries[sent - 1]["request"]["body"]);
    // Ids go on where they were.
    ok(&at(&simulating, "agents/jane@example.com/status"), Some(json!({ "status": "online" })))
        .await;
    let two = ok(&at(&simulating, "visits"), Some(json!({}))).await;
    assert_ne!(two["case_id"], *case);
    assert_eq!(ok(&at(&simulating, "visits"), None).await.as_array().map(Vec::len), Some(2));
}

#[tokio::test]
async fn every_answer_outlasts_a_kill() {
    let (_dir, arguments) = folder();
    let mut cases = Vec::new();
    for _ in 0..5 {
        let mut simulating = Simulating::start(simulate(&arguments)).await;
        for case in &cases {
            ok(&format!("{}/_/visits/{case}", simulating.url), None).await;
        }
        let visits = format!("{}/_/visits", simulating.url);
        let several = (0..8).map(|_| {
            let visits = visits.clone();
            tokio::spawn(async move { ok(&visits, Some(json!({}))).await })
        });
        for visit in several.collect::<Vec<_>>() {
            let visit = visit.await.expect("no panic");
            cases.push(visit["case_id"].as_str().expect("an id").to_owned());
        }
        simulating.child.kill().await.expect("killed");
    }
    cases.sort();
    cases.dedup();
    assert_eq!(cases.len(), 40);
}

/// Says this, unless the program is gone.
async fn says(url: String, text: String) -> Option<String> {
    let said = tokio::task::spawn_blocking(move || {
        let agent = ureq::Agent::config_builder().proxy(None).build();
        let agent = ureq::Agent::new_with_config(agent);
        let said = agent.post(url).send(json!({ "text": text }).to_string());
        said.is_ok().then_some(text)
    });
    said.await.expect("no panic")
}

#[tokio::test]
async fn answers_before_a_kill_in_full_flow_are_kept() {
    let (_dir, arguments) = folder();
    let mut simulating = Simulating::start(simulate(&arguments)).await;
    let visit = |simulating: &Simulating, case: &str| format!("{}/_/visits{case}", simulating.url);
    let mut talking = tokio::task::JoinSet::new();
    let (heard, mut hearing) = tokio::sync::mpsc::unbounded_channel();
    for _ in 0..8 {
        let case = ok(&visit(&simulating, ""), Some(json!({}))).await["case_id"].clone();
        let case = case.as_str().expect("an id").to_owned();
        let (url, heard) = (visit(&simulating, &format!("/{case}/say")), heard.clone());
        talking.spawn(async move {
            let mut said = Vec::new();
            while let Some(text) = says(url.clone(), format!("line {}", said.len())).await {
                said.push(text);
                heard.send(()).expect("somebody listens");
            }
            (case, said)
        });
    }
    for _ in 0..200 {
        hearing.recv().await.expect("an answer");
    }
    simulating.child.kill().await.expect("killed");
    let simulating = Simulating::start(simulate(&arguments)).await;
    for (case, said) in talking.join_all().await {
        let view = ok(&visit(&simulating, &format!("/{case}")), None).await;
        let lines = view["lines"].as_array().expect("lines").iter();
        let lines: Vec<_> = lines.map(|line| line["text"].as_str().expect("a text")).collect();
        assert!(lines.starts_with(&said.iter().map(String::as_str).collect::<Vec<_>>()));
        assert!(lines.len() <= said.len() + 1, "one more may have been under way");
    }
}

#[tokio::test]
async fn second_program_on_a_state_is_refused() {
    let (dir, arguments) = folder();
    let mut simulating = Simulating::start(simulate(&arguments)).await;
    ok(&format!("{}/_/visits", simulating.url), Some(json!({ "text": "first" }))).await;
    let path = dir.path().join("state");
    let kept = fs::read(&path).expect("a state");
    let mut others = vec![path.clone()];
    #[cfg(unix)]
    {
        others.push(dir.path().join("link"));
        std::os::unix::fs::symlink(&path, &others[1]).expect("a link");
    }
    for other in &others {
        let mut arguments = arguments.clone();
        *arguments.last_mut().expect("a path") = other.to_str().expect("UTF-8").to_owned();
        let mut command = simulate(&arguments);
        let told = error(&run(command.args(["--listen", "127.0.0.1:0"])).await);
        let expected = "another process, or another simulator of this one, uses it";
        assert_eq!(told, format!("error: {}: {expected}\n", other.display()));
        assert_eq!(fs::read(&path).expect("a state"), kept);
    }
    ok(&format!("{}/_/visits", simulating.url), Some(json!({ "text": "second" }))).await;
    simulating.child.kill().await.expect("killed");
    let simulating = Simulating::start(simulate(&arguments)).await;
    let visits = ok(&format!("{}/_/visits", simulating.url), None).await;
    assert_eq!(visits.as_array().map(Vec::len), Some(2));
}

#[tokio::test]
async fn chats_of_scripts_and_made_widgets_outlast_a_kill() {
    let (_dir, arguments) = folder();
    let mut simulating = Simulating::start(simulate(&arguments)).await;
    let at = |simulating: &Simulating, path: &str| format!("{}{path}", simulating.url);
    let provision = async |simulating: &Simulating, what: &str, body: serde_json::Value| {
        let url = at(simulating, &format!("/api/v1/{what}.json?api_key=local-provisioning-key"));
        let made = tokio::task::spawn_blocking(move || {
            let agent = ureq::Agent::config_builder().proxy(None).build();
            let agent = ureq::Agent::new_with_config(agent);
            let mut made = agent.put(url).send(body.to_string()).expect("made");
            made.body_mut().read_to_string().expect("text")
        });
        serde_json::from_str::<serde_json::Value>(&made.await.expect("no panic")).expect("JSON")
    };
    let user = json!({
        "email": "bob@example.com", "name": "Bob", "password": "12345", "accountType": "biz",
    });
    provision(&simulating, "user", user).await;
    let jane = json!({
        "agentId": "jane@example.com", "agentAlias": "Jane", "agentAvatar": "a",
        "agentType": "webclient",
    });
    let widget = json!({ "email": "bob@example.com", "agents": [jane] });
    let widget = provision(&simulating, "widget", widget).await;
    let chats = format!("/_v/widgets/{}/chats", widget["uuid"].as_str().expect("an id"));
    let chat = ok(&at(&simulating, &chats), Some(json!({ "text": "Hello" }))).await;
    let chat = format!("/_v/chats/{}", chat["chat"].as_str().expect("a key"));
    simulating.child.kill().await.expect("killed");

    let simulating = Simulating::start(simulate(&arguments)).await;
    let say = json!({ "text": "Still there?" });
    let view = ok(&at(&simulating, &format!("{chat}/say")), Some(say)).await;
    assert_eq!(view["lines"].as_array().map(Vec::len), Some(2));
    let case = ok(&at(&simulating, "/_/visits"), None).await[0]["case_id"].clone();
    let take = json!({ "case_id": case });
    ok(&at(&simulating, "/_/agents/jane@example.com/take"), Some(take)).await;
    let forged = format!("{}0", &chat[..chat.len() - 1]);
    let forged = if forged == chat { format!("{}1", &chat[..chat.len() - 1]) } else { forged };
    assert_eq!(ask(&at(&simulating, &forged), None).await.0, 404);
    ok(&at(&simulating, "/_/reset"), Some(json!({}))).await;
    ok(&at(&simulating, "/_/visits"), Some(json!({}))).await;
    assert_eq!(ask(&at(&simulating, &chat), None).await.0, 404, "another chat of that case");
}

#[tokio::test]
async fn file_stays_small_and_whole_however_much_is_said() {
    let (dir, arguments) = folder();
    let mut simulating = Simulating::start(simulate(&arguments)).await;
    let visits = |simulating: &Simulating| format!("{}/_/visits", simulating.url);
    let path = dir.path().join("state");
    let mut cases = Vec::new();
    for _ in 0..8 {
        let visit = ok(&visits(&simulating), Some(json!({}))).await;
        cases.push(visit["case_id"].as_str().expect("an id").to_owned());
    }
    let mut longest = 0;
    for turn in 0..10 {
        for case in &cases {
            let say = json!({ "text": format!("{turn}{}", "x".repeat(10_000)) });
            ok(&format!("{}/{case}/say", visits(&simulating)), Some(say)).await;
            longest = longest.max(fs::metadata(&path).expect("a file").len());
        }
    }
    // Said are 0.8 MB, and written 4.4: at most a MiB of it is there besides.
    assert!((1 << 20..3 << 20).contains(&longest), "{longest}");
    // A tail that a killed append has left is not read.
    let before = ok(&visits(&simulating), None).await;
    simulating.child.kill().await.expect("killed");
    let mut state = fs::read(&path).expect("a state");
    state.extend(br#"{"version":1,"no"#);
    fs::write(&path, state).expect("written");
    let mut simulating = Simulating::start(simulate(&arguments)).await;
    assert_eq!(ok(&visits(&simulating), None).await, before);

    // What was taken away, or replaced, is written anew.
    fs::remove_file(&path).expect("removed");
    ok(&visits(&simulating), Some(json!({}))).await;
    fs::write(&path, "something else").expect("written");
    ok(&visits(&simulating), Some(json!({}))).await;
    simulating.child.kill().await.expect("killed");
    let simulating = Simulating::start(simulate(&arguments)).await;
    assert_eq!(ok(&visits(&simulating), None).await.as_array().map(Vec::len), Some(10));
}

#[tokio::test]
async fn damaged_state_is_an_error_and_stays() {
    let (dir, arguments) = folder();
    let mut simulating = Simulating::start(simulate(&arguments)).await;
    ok(&format!("{}/_/visits", simulating.url), Some(json!({ "text": "secret words" }))).await;
    simulating.child.kill().await.expect("killed");
    let path = dir.path().join("state");
    let state = fs::read(&path).expect("a state");
    let mut flipped = state.clone();
    let middle = flipped.len() / 2;
    flipped[middle] ^= 1;
    for damaged in [&state[..state.len() / 2], &state[..state.len() - 1], &flipped, b"", b"{}\n"] {
        fs::write(&path, damaged).expect("written");
        let mut command = simulate(&arguments);
        let told = error(&run(command.args(["--listen", "127.0.0.1:0"])).await);
        assert!(told.starts_with(&format!("error: {}: ", path.display())), "{told}");
        assert_eq!(fs::read(&path).expect("a state"), damaged);
    }
    fs::write(&path, &state).expect("written");
    let simulating = Simulating::start(simulate(&arguments)).await;
    let visits = ok(&format!("{}/_/visits", simulating.url), None).await;
    assert_eq!(visits.as_array().map(Vec::len), Some(1));
}

#[tokio::test]
async fn state_that_cannot_be_written_is_told() {
    let (dir, mut arguments) = folder();
    let path = dir.path().join("none").join("state");
    *arguments.last_mut().expect("a path") = path.to_str().expect("UTF-8").to_owned();
    let told = error(&run(simulate(&arguments).args(["--listen", "127.0.0.1:0"])).await);
    assert!(told.starts_with(&format!("error: {}: ", path.display())), "{told}");

    let (dir, arguments) = folder();
    let simulating = Simulating::start(simulate(&arguments)).await;
    fs::remove_dir_all(dir.path()).expect("removed");
    let (status, told) = ask(&format!("{}/_/visits", simulating.url), Some(json!({}))).await;
    assert_eq!((status, &told["code"]), (503, &json!(503)), "{told}");
}

#[tokio::test]
async fn state_may_be_in_the_folder_of_the_program() {
    let dir = tempfile::tempdir().expect("a folder");
    let command = || {
        let mut command = snapengage(&["simulate", "--agent", "jane@example.com", "--state", "s"]);
        command.current_dir(dir.path());
        command
    };
    let mut simulating = Simulating::start(command()).await;
    ok(&format!("{}/_/visits", simulating.url), Some(json!({}))).await;
    let told = error(&run(command().args(["--listen", "127.0.0.1:0"])).await);
    assert!(told.starts_with("error: s: another process"), "{told}");
    simulating.child.kill().await.expect("killed");
    let simulating = Simulating::start(command()).await;
    let visits = ok(&format!("{}/_/visits", simulating.url), None).await;
    assert_eq!(visits.as_array().map(Vec::len), Some(1));
}

#[tokio::test]
async fn last_attempt_of_all_is_printed_as_mailed() {
    let (_dir, arguments) = folder();
    let mut simulating = Simulating::start(simulate(&arguments)).await;
    let message = json!({ "email": "ann@example.com", "text": "Hello" });
    ok(&format!("{}/_/offline", simulating.url), Some(message)).await;
    ok(&format!("{}/_/time/advance", simulating.url), Some(json!({ "seconds": 9000 }))).await;
    for attempt in 1..=25 {
        let line = simulating.out.next_line().await.expect("text").expect("a line");
        assert_eq!(line.contains(&format!(" attempt {attempt} ")), attempt > 1, "{line}");
        assert_eq!(line.ends_with(", given up: mailed to the customer"), attempt == 25, "{line}");
    }
}

#[tokio::test]
async fn state_holds_no_token() {
    let (dir, mut arguments) = folder();
    let token = "receiver-token-91b2";
    arguments.extend(["--token", token].map(str::to_owned));
    let mut simulating = Simulating::start(simulate(&arguments)).await;
    let visit = ok(&format!("{}/_/visits", simulating.url), Some(json!({}))).await;
    let leave =
        format!("{}/_/visits/{}/leave", simulating.url, visit["case_id"].as_str().expect("an id"));
    ok(&leave, Some(json!({}))).await;
    simulating.child.kill().await.expect("killed");
    let state = fs::read_to_string(dir.path().join("state")).expect("a state");
    assert!(state.contains("/integration") && !state.contains(token), "{state}");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;

        let mode = fs::metadata(dir.path().join("state")).expect("a file").permissions().mode();
        assert_eq!(mode & 0o077, 0, "for the owner alone");
    }
}
