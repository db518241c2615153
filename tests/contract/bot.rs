//! A bot in Python, checked by the contract, talks to the simulator.

use std::io::{BufRead, BufReader};
use std::process::{Child, Stdio};

use snapengage::Api;
use snapengage::simulator::{SimulatedWidget, Simulator, VisitState};

use crate::tools::{python, root};

/// Process that ends with its test.
struct Bot {
    process: Child,
    port: u16,
}

impl Bot {
    fn start() -> Self {
        let mut python = python("bot.py");
        python.arg(root().join("contract/json-schema/bot.json"));
        let mut process = python.stdout(Stdio::piped()).spawn().expect("Python");
        let mut line = String::new();
        let stdout = process.stdout.take().expect("a pipe");
        BufReader::new(stdout).read_line(&mut line).expect("a line");
        let port = line.trim().parse().expect("a port");
        Self { process, port }
    }
}

impl Drop for Bot {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

#[tokio::test]
async fn a_bot_in_python_talks_to_the_simulator() {
    let bot = Bot::start();
    let url = format!("http://127.0.0.1:{}/bot", bot.port);
    let widget = SimulatedWidget::new("sales").bot(url, "t");
    let simulator = Simulator::builder().widget(widget).agent("jane@example.com").seed(1);
    let simulator = simulator.build().expect("no mistakes");
    let visit = simulator.visit("sales").start("Hello").await;
    visit.sees("Python heard: Hello").says("And?").await.sees("Python heard: And?");
    visit.click("Human").await.assert_state(VisitState::Queued);
    simulator.delivered(Api::Bot).assert_statuses([200, 200, 200]);
}

#[tokio::test]
async fn a_bot_in_python_is_not_sent_what_is_invalid() {
    let bot = Bot::start();
    let answer = ureq::post(format!("http://127.0.0.1:{}/bot", bot.port));
    // It is closed without an answer: its check fails.
    let without_case = r#"{"event":"message","widget_id":"w","text":"Hello"}"#;
    assert!(answer.send(without_case).is_err());
}
