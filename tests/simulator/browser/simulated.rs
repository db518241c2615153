//! The program `snapengage simulate`, and a bot of the test's own behind it.

use std::process::Stdio;

use snapengage::bot::{self, Message, Reply};
use snapengage::{Receiver, Token, serve};
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::net::TcpListener;
use tokio::process::{Child, Command};

/// A simulator on a free port, which ends with the value.
pub(crate) struct Simulated {
    pub(crate) address: String,
    _child: Child,
}

impl Simulated {
    /// Starts one whose visitors are answered by a function, with Jane as its agent.
    pub(crate) async fn with_bot(answer: fn(&Message) -> Reply) -> Self {
        let bot = serve_bot(answer).await;
        Self::start(&["--bot", &bot, "--token", TOKEN, "--agent", JANE]).await
    }

    /// Starts one that has two widgets, the first with a bot called Helper, and Jane.
    pub(crate) async fn with_widgets(answer: fn(&Message) -> Reply) -> Self {
        let bot = serve_bot(answer).await;
        let config = tempfile::NamedTempFile::new().expect("a file");
        let text = format!(
            r#"
            [[widget]]
            id = "local"
            variables = ["plan"]
            bot = {{ url = "{bot}", token = "{TOKEN}", name = "Helper" }}
            [[widget]]
            id = "other"
            [[agent]]
            email = "{JANE}"
            alias = "Jane"
            "#
        );
        std::fs::write(config.path(), text).expect("written");
        Self::start(&["--config", config.path().to_str().expect("UTF-8")]).await
    }

    pub(crate) async fn start(options: &[&str]) -> Self {
        Self::listening("127.0.0.1:0", options).await
    }

    pub(crate) async fn listening(address: &str, options: &[&str]) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_snapengage"));
        command.args(["simulate", "--listen", address]).args(options);
        let mut child =
            command.stdout(Stdio::piped()).kill_on_drop(true).spawn().expect("a simulator");
        let mut lines = BufReader::new(child.stdout.take().expect("a pipe")).lines();
        let first = lines.next_line().await.expect("a line").expect("it runs");
        let address = first.strip_prefix("listening on ").expect("an address").to_owned();
        // A program whose output nobody reads stands still in the end.
        tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
        Self { address, _child: child }
    }
}

pub(crate) const JANE: &str = "jane@example.com";

pub(crate) const TOKEN: &str = "my-token";

/// Serves a bot on a free port, and returns its address.
pub(crate) async fn serve_bot(answer: fn(&Message) -> Reply) -> String {
    let bot = bot::from_fn(move |message: Message| async move { Ok(answer(&message)) });
    let receiver = Receiver::builder().bot("/bot", Token::new(TOKEN), bot);
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    let receiver = receiver.build().expect("a receiver");
    tokio::spawn(serve(listener, receiver, std::future::pending()));
    format!("http://{address}/bot")
}
