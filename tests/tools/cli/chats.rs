//! A chat in the terminal.

use std::process::Stdio;

use snapengage::CaseId;
use snapengage::client::Operation;
use snapengage::simulator::SimulatedWidget;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines};
use tokio::process::{Child, ChildStdin, ChildStdout};

#[cfg(unix)]
use super::vendor::signal;
use super::vendor::{Vendor, simulator, until, without_secrets};
use super::{error, stdout};
use crate::requests::text;

/// A visitor at a terminal, in a chat that Jane has taken.
struct Visit {
    child: Child,
    input: ChildStdin,
    shown: Lines<BufReader<ChildStdout>>,
    case: CaseId,
}

impl Visit {
    async fn start(vendor: &Vendor, more: &[&str]) -> Self {
        let mut command = vendor.command(&[&["visit", "sales"], more].concat());
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().expect("run");
        let input = child.stdin.take().expect("piped");
        let shown = BufReader::new(child.stdout.take().expect("piped")).lines();
        until(|| !vendor.simulator.cases().is_empty()).await;
        let case = vendor.simulator.cases().remove(0);
        vendor.simulator.agent("jane@example.com").takes(&case).await.expect("taken");
        Self { child, input, shown, case }
    }

    async fn says(&mut self, text: &str) {
        self.input.write_all(text.as_bytes()).await.expect("a reader");
    }

    async fn sees(&mut self) -> String {
        self.shown.next_line().await.expect("text").expect("a line")
    }

    /// What stderr has, after an end in order.
    async fn ends(self) -> String {
        drop(self.input);
        let output = without_secrets(self.child.wait_with_output().await.expect("an end"));
        assert_eq!(output.status.code(), Some(0), "{output:?}");
        assert_eq!(text(&output.stderr).lines().next(), Some(&*format!("chat {}", self.case)));
        text(&output.stderr).to_owned()
    }
}

#[tokio::test]
async fn a_chat_goes_both_ways_until_the_input_ends() {
    let vendor = Vendor::serve(simulator()).await;
    let start = ["--email", "v@example.com", "--message", "secret words", "--locale", "en-GB"];
    let mut visit = Visit::start(&vendor, &start).await;
    let jane = vendor.simulator.agent("jane@example.com");
    jane.says(&visit.case, "Hello \u{1b}[2J").await.expect("said");
    assert_eq!(visit.sees().await, r"jane: Hello \u{1b}[2J", "no code of the system before it");
    visit.says("Is anybody\n\n there?\r\n").await;
    until(|| vendor.simulator.accepted(Operation::Say) == 2).await;
    assert_eq!(vendor.simulator.accepted_texts(Operation::Say), ["Is anybody", "there?"]);
    let case = visit.case.clone();
    visit.ends().await;
    assert_eq!(vendor.simulator.accepted_texts(Operation::CloseChat), [case.as_str()]);
    let case = vendor.simulator.case(&case).expect("a case");
    assert_eq!(case.requested_by.as_deref(), Some("v@example.com"));
    assert_eq!(case.description.as_deref(), Some("secret words"));
    assert_eq!(case.language_code.as_deref(), Some("en-GB"));
}

#[tokio::test]
async fn lines_are_json_for_programs() {
    let vendor = Vendor::serve(simulator()).await;
    let mut visit = Visit::start(&vendor, &["--json"]).await;
    let jane = vendor.simulator.agent("jane@example.com");
    jane.says(&visit.case, "Hello \u{9b}2J\u{1b}").await.expect("said");
    let line = visit.sees().await;
    assert!(!line.contains(char::is_control), "{line:?}");
    let line: serde_json::Value = serde_json::from_str(&line).expect("JSON");
    assert_eq!((&line["type"], &line["author"]), (&"agent".into(), &"jane".into()));
    let text = line["text"].as_str().expect("text");
    assert!(text.starts_with("Hello \u{9b}2J\u{1b}"), "{text:?}");
    visit.ends().await;
}

#[tokio::test]
async fn an_agent_ends_the_chat() {
    let vendor = Vendor::serve(simulator()).await;
    let mut visit = Visit::start(&vendor, &[]).await;
    let jane = vendor.simulator.agent("jane@example.com");
    jane.says(&visit.case, "Bye").await.expect("said");
    jane.closes(&visit.case).await.expect("closed");
    assert_eq!(visit.sees().await, "jane: Bye");
    let Visit { child, input, .. } = visit;
    let output = without_secrets(child.wait_with_output().await.expect("an end"));
    drop(input);
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    assert!(text(&output.stderr).ends_with("the chat is over\n"), "{output:?}");
    assert_eq!(vendor.simulator.received(Operation::CloseChat), 0);
}

#[cfg(unix)]
#[tokio::test]
async fn ctrl_c_closes_the_chat() {
    let vendor = Vendor::serve(simulator()).await;
    let mut visit = Visit::start(&vendor, &[]).await;
    let jane = vendor.simulator.agent("jane@example.com");
    jane.says(&visit.case, "Hello").await.expect("said");
    visit.sees().await;
    signal(&visit.child, "INT").await;
    until(|| vendor.simulator.accepted(Operation::CloseChat) == 1).await;
    let Visit { child, input, .. } = visit;
    let output = without_secrets(child.wait_with_output().await.expect("an end"));
    drop(input);
    assert_eq!(output.status.code(), Some(0), "{output:?}");
}

#[tokio::test]
async fn a_line_that_cannot_be_said_closes_the_chat() {
    let vendor = Vendor::serve(simulator()).await;
    let line = "x".repeat(100_000) + "\n";
    let told = error(&vendor.run_with(&["visit", "sales"], &line).await);
    let told = told.lines().last().expect("a line");
    assert!(told.starts_with("error: chat-say: "), "{told}");
    assert_eq!(vendor.simulator.accepted(Operation::CloseChat), 1);
}

#[tokio::test]
async fn a_chat_that_is_not_to_be_had_is_an_error() {
    let widget = SimulatedWidget::new("shop").email_required(true);
    let vendor = Vendor::serve(simulator().widget(widget)).await;
    let told = error(&vendor.run(&["visit", "shop", "--message", "secret words"]).await);
    assert!(told.starts_with("error: chat-start: answered 400 Bad Request"), "{told}");
    let told = error(&vendor.run(&["visit", "none", "--email", "v@example.com"]).await);
    assert!(told.starts_with("error: chat-start: answered 404 Not Found"), "{told}");
    assert_eq!(stdout(&vendor.run(&["visit", "shop", "--email", "v@example.com"]).await), "");
}
