//! SnapEngage's side on a socket, and the program that calls it.

use std::future::pending;
use std::process::{Output, Stdio};

use snapengage::simulator::{Simulator, SimulatorBuilder};
use tokio::io::AsyncWriteExt;
use tokio::net::TcpListener;
#[cfg(unix)]
use tokio::process::Child;
use tokio::process::Command;

use crate::requests::text;

pub(super) const TOKEN: &str = "token-5f1e";
pub(super) const PROVISIONING_KEY: &str = "provisioning-77aa";
pub(super) const CHAT_KEY: &str = "chat-c0de";

/// What stands in no error.
const PRIVATE: [&str; 6] =
    [TOKEN, PROVISIONING_KEY, CHAT_KEY, "@example.com", "secret words", "correct horse"];

/// With the credentials above, a widget and an agent of it.
pub(super) fn simulator() -> SimulatorBuilder {
    Simulator::builder()
        .api_token(TOKEN)
        .org(42)
        .provisioning_key(PROVISIONING_KEY)
        .chat_key(CHAT_KEY)
        .widget("sales")
        .agent("jane@example.com")
}

/// A simulator on a socket, as long as the runtime of the test lives.
pub(super) struct Vendor {
    pub(super) simulator: Simulator,
    pub(super) url: String,
}

impl Vendor {
    pub(super) async fn serve(builder: SimulatorBuilder) -> Self {
        let simulator = builder.build().expect("a simulator");
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let url = format!("http://{}", listener.local_addr().expect("an address"));
        let served = simulator.clone();
        tokio::spawn(async move { served.serve(listener, pending()).await });
        Self { simulator, url }
    }

    /// The program, with all credentials in its environment.
    pub(super) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = snapengage(arguments);
        command
            .env("SNAPENGAGE_URL", &self.url)
            .env("SNAPENGAGE_API_TOKEN", TOKEN)
            .env("SNAPENGAGE_ORG", "42")
            .env("SNAPENGAGE_PROVISIONING_KEY", PROVISIONING_KEY)
            .env("SNAPENGAGE_CHAT_KEY", CHAT_KEY);
        command
    }

    pub(super) async fn run(&self, arguments: &[&str]) -> Output {
        run(&mut self.command(arguments)).await
    }

    pub(super) async fn run_with(&self, arguments: &[&str], input: &str) -> Output {
        let mut command = self.command(arguments);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().expect("run");
        let mut stdin = child.stdin.take().expect("piped");
        stdin.write_all(input.as_bytes()).await.expect("a reader");
        drop(stdin);
        without_secrets(child.wait_with_output().await.expect("an end"))
    }
}

/// The program, with nothing in its environment that it reads.
pub(super) fn snapengage(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_snapengage"));
    for name in
        ["URL", "API_TOKEN", "ORG", "PROVISIONING_KEY", "CHAT_KEY", "TOKEN", "IDENTITY_SECRET"]
    {
        command.env_remove(format!("SNAPENGAGE_{name}"));
    }
    command.args(arguments).env("NO_PROXY", "*").stdin(Stdio::null()).kill_on_drop(true);
    command
}

pub(super) async fn run(command: &mut Command) -> Output {
    without_secrets(command.output().await.expect("run"))
}

#[track_caller]
pub(super) fn without_secrets(output: Output) -> Output {
    let error = text(&output.stderr);
    for private in PRIVATE {
        assert!(!error.contains(private), "{private}: {error}");
    }
    output
}

#[cfg(unix)]
pub(super) async fn signal(child: &Child, signal: &str) {
    let id = child.id().expect("a process").to_string();
    let sent = Command::new("kill").args(["-s", signal, &id]).status().await;
    assert!(sent.expect("`kill`").success());
}

/// Waits until something has happened on the vendor's side.
pub(super) async fn until(has_happened: impl Fn() -> bool) {
    while !has_happened() {
        tokio::task::yield_now().await;
    }
}
