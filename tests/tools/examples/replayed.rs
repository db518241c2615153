//! The examples, and what `snapengage replay` and `send` send to them.

use std::fs;
use std::process::{Command, Output};

use serde_json::Value;
use snapengage::testing;

use super::{Example, in_package};

fn snapengage(arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_snapengage"));
    command.env_remove("SNAPENGAGE_TOKEN").args(arguments).output().expect("it runs")
}

fn samples() -> Vec<&'static str> {
    testing::samples().iter().map(testing::Sample::name).collect()
}

/// Lines on stdout, without those that are indented.
fn outcomes(output: &Output) -> Vec<String> {
    let verdict = |line: &String| line.starts_with("ok ") || line.starts_with("FAILED ");
    lines_of(&output.stdout).into_iter().filter(verdict).collect()
}

fn problem(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

#[test]
fn every_sample_is_accepted_by_the_receiver() {
    let receiver = Example::start("receiver");
    for url in [receiver.url(""), receiver.url("/")] {
        let replay = snapengage(&["replay", "samples", &url, "--token", "my-token"]);
        assert_eq!(replay.status.code(), Some(0), "{replay:?}");
        let expected: Vec<_> =
            samples().iter().map(|sample| format!("ok      {sample}: 200 OK")).collect();
        assert_eq!(outcomes(&replay), expected);
        let summary = format!("{} requests sent, 0 failed", expected.len());
        assert_eq!(lines_of(&replay.stdout).last(), Some(&summary));
    }
    assert_eq!(receiver.stop().stdout.len(), 2 * samples().len());
}

#[test]
fn samples_that_are_refused_fail_the_replay() {
    let receiver = Example::start("receiver");
    let replay = snapengage(&["replay", "samples", &receiver.url(""), "--token", "wrong-token"]);
    assert_eq!(replay.status.code(), Some(1), "{replay:?}");
    let expected: Vec<_> = samples()
        .iter()
        .map(|sample| match sample.starts_with("get-contact/") {
            // The example has no token there.
            true => format!("ok      {sample}: 200 OK"),
            false => format!("FAILED  {sample}: answered 401 Unauthorized"),
        })
        .collect();
    assert_eq!(outcomes(&replay), expected);
    receiver.stop();
}

#[test]
fn paths_are_those_that_are_given() {
    let receiver = Example::start("receiver");
    let url = receiver.url("");
    let arguments = ["replay", "samples", &url, "--token", "my-token", "--only", "api=bot"];
    let wrong = snapengage(&[&arguments[..], &["--path", "bot=/hooks/bot"]].concat());
    assert_eq!(wrong.status.code(), Some(1));
    assert!(outcomes(&wrong).iter().all(|line| line.ends_with("answered 404 Not Found")));
    let right = snapengage(&[&arguments[..], &["--path", "bot=/bot", "--json"]].concat());
    let report: Value = serde_json::from_slice(&right.stdout).expect("JSON");
    let bots = samples().iter().filter(|name| name.starts_with("bot/")).count();
    assert_eq!((&report["sent"], &report["failed"]), (&bots.into(), &0.into()), "{report}");
    assert_eq!(report["left_out"], samples().len() - bots);
    receiver.stop();
}

#[test]
fn scripts_of_the_bots_run_as_written() {
    for (bot, script) in [("hello_bot", "hello"), ("faq_bot", "faq"), ("booking_bot", "booking")] {
        let bot = Example::start(bot);
        let replay = replay_script(&bot.url(""), script);
        assert_eq!(replay.status.code(), Some(0), "{script}: {}", problem(&replay));
        let chat = lines_of(&replay.stdout);
        let opening = if script == "hello" { "visitor: Hi" } else { "chat opens" };
        assert_eq!(chat.first().map(String::as_str), Some(opening));
        assert_eq!(chat.last().map(String::as_str), Some("chat closes"));
        bot.stop();
    }
}

#[test]
fn a_bot_that_leaves_its_script_is_told_where() {
    let bot = Example::start("hello_bot");
    let replay = replay_script(&bot.url(""), "faq");
    assert_eq!(replay.status.code(), Some(1));
    let problem = problem(&replay);
    let expected = "line 3 of the script: the bot answers otherwise";
    assert!(problem.lines().next().is_some_and(|line| line.ends_with(expected)), "{problem}");
    bot.stop();
}

fn replay_script(url: &str, script: &str) -> Output {
    let file = in_package("examples/scripts").join(script).with_extension("chat");
    let file = file.to_str().expect("Unicode");
    snapengage(&["replay", file, url, "--token", "my-token"])
}

/// The chat of `examples/scripts/faq.chat` as files of a recording.
fn recorded_chat(bot: &Example) -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    let script = fs::read_to_string(in_package("examples/scripts/faq.chat")).expect("a script");
    let script = testing::Script::parse(&script).expect("a script");
    let mut chat = script.replay("5eda5eda-8d11-8f3c-9a52-0b7c5f1d2e90");
    let mut number = 0;
    while let Some(request) = chat.next_request().expect("a step") {
        number += 1;
        let body = String::from_utf8(request).expect("UTF-8");
        let answer = bot.send(&super::Curl::post("/bot", "my-token", &body));
        let status = http::StatusCode::from_u16(answer.status).expect("a status");
        chat.check(status, answer.body.as_bytes()).expect("as the script says");
        let file = format!(
            "# snapengage recording 1\n# n: {number}\n# at: 2026-11-25T20:11:03.512Z\n\
             # offset_ms: 0\n# api: bot\n# event: other\n\
             # case: 5eda5eda-8d11-8f3c-9a52-0b7c5f1d2e90\n# request-body: text {}\n\
             # response: {} in 1 ms\n# response-body: text {}\nPOST /bot HTTP/1.1\n\
             Authorization: <redacted:right>\n\n{body}\n### response\nHTTP/1.1 200 OK\n\n{}\n",
            body.len(),
            answer.status,
            answer.body.len(),
            answer.body,
        );
        fs::write(folder.path().join(format!("{number:06}-bot-other.http")), file)
            .expect("written");
    }
    folder
}

#[test]
fn a_recorded_chat_is_answered_the_same_and_by_another_bot_is_not() {
    let bot = Example::start("faq_bot");
    let folder = recorded_chat(&bot);
    let path = folder.path().to_str().expect("Unicode");
    let same = snapengage(&["replay", path, &bot.url(""), "--token", "my-token", "--fresh-ids"]);
    assert_eq!(same.status.code(), Some(0), "{same:?}");
    bot.stop();

    let other = Example::start("hello_bot");
    let differing = snapengage(&["replay", path, &other.url(""), "--token", "my-token"]);
    assert_eq!(differing.status.code(), Some(1));
    let told = String::from_utf8_lossy(&differing.stdout);
    assert!(told.contains("\n    -       \"text\": \"Hello! What is it about?\",\n"), "{told}");
    assert!(told.contains("\nexpected (-), but it was (+):\n"), "{told}");
    other.stop();
}

#[test]
fn scripts_from_a_recording_run_against_the_bot() {
    let bot = Example::start("faq_bot");
    let folder = recorded_chat(&bot);
    let path = folder.path().to_str().expect("Unicode");
    let scripts = folder.path().join("scripts");
    let out = scripts.to_str().expect("Unicode");
    let written = snapengage(&["replay", path, "--to-scripts", out]);
    let files = lines_of(&written.stdout);
    let [file] = &files[..] else { panic!("{written:?}") };
    let replay = snapengage(&["replay", file, &bot.url(""), "--token", "my-token"]);
    assert_eq!(replay.status.code(), Some(0), "{}", problem(&replay));
    let text = fs::read_to_string(file).expect("a script");
    let by_text = |line: &str| match line.strip_prefix("visitor clicks: [") {
        Some(button) => format!("visitor clicks: {}", button.split(']').next().expect("a text")),
        None => line.to_owned(),
    };
    let original = fs::read_to_string(in_package("examples/scripts/faq.chat")).expect("a script");
    let original = original.lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
    assert_eq!(text.lines().map(by_text).collect::<Vec<_>>(), original.collect::<Vec<_>>());
    bot.stop();
}

#[test]
fn send_shows_the_answer_to_a_sample_that_was_changed() {
    let bot = Example::start("hello_bot");
    let address = bot.url("/bot");
    let arguments = ["send", "bot/message.json", "--to", &address, "--token", "my-token"];
    let sent = snapengage(&[&arguments[..], &["--set", "text=Any news?"]].concat());
    assert_eq!(sent.status.code(), Some(0), "{sent:?}");
    let told = String::from_utf8_lossy(&sent.stdout);
    assert!(told.starts_with("200 OK in "), "{told}");
    assert!(told.contains("\"text\": \"You said: Any news?\""), "{told}");

    let repeated = ["--repeat", "3", "--fresh-ids", "--json"];
    let sent = snapengage(&[&arguments[..], &repeated].concat());
    let answers: Vec<Value> = lines_of(&sent.stdout)
        .iter()
        .map(|line| serde_json::from_str(line).expect("JSON"))
        .collect();
    let mut ids: Vec<_> = answers.iter().map(|answer| answer["body"]["case_id"].as_str()).collect();
    ids.dedup();
    assert_eq!(ids.len(), 3, "{answers:?}");
    assert!(ids.iter().all(|id| id.is_some_and(|id| id.len() == 36)), "{ids:?}");

    let refused = snapengage(&["send", "bot/message.json", "--to", &bot.url(""), "--token", "no"]);
    assert_eq!(refused.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&refused.stdout).starts_with("401 Unauthorized in "));
    bot.stop();
}

fn lines_of(bytes: &[u8]) -> Vec<String> {
    String::from_utf8_lossy(bytes).lines().map(str::to_owned).collect()
}
