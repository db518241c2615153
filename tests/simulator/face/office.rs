//! A shop with a bot and two agents, on sockets.

use std::future::pending;

use snapengage::agent_status::Status;
use snapengage::bot::{self, Message, Reply};
use snapengage::simulator::{SimulatedAgent, SimulatedWidget, Simulator};
use snapengage::{Receiver, Token, serve};
use tokio::net::TcpListener;

use super::served::Served;
use crate::ask::JANE;

pub(crate) const BOT_TOKEN: &str = "bot-token-7f3a";
pub(crate) const JOE: &str = "joe@example.com";

fn answer(message: &Message) -> Reply {
    match message.text.as_str() {
        "agent" => Reply::say("One moment.").to_human(),
        "bye" => Reply::say("See you!").bye(),
        "prices" => Reply::say("From 10 to 20.").button("cheap").button("dear"),
        other => Reply::say(format!("You said {other}.")),
    }
}

/// Serves a bot as long as the runtime of the test lives, and returns its address.
async fn serve_bot() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    let bot = bot::from_fn(|message: Message| async move { Ok(answer(&message)) });
    let receiver = Receiver::builder().bot("/bot", Token::new(BOT_TOKEN), bot);
    let receiver = receiver.build().expect("a receiver");
    tokio::spawn(serve(listener, receiver, pending()));
    format!("http://{address}/bot")
}

/// A shop whose visitors are answered by a bot first; Jane is online, Joe is not.
pub(crate) async fn shop() -> Served {
    let sales = SimulatedWidget::new("sales").bot(serve_bot().await, BOT_TOKEN).bot_name("Helper");
    let simulator = Simulator::builder()
        .widget(sales)
        .widget("support")
        .agent(SimulatedAgent::new(JANE).alias("Jane"))
        .agent(SimulatedAgent::new(JOE).status(Status::Offline))
        .seed(1)
        .build();
    Served::new(simulator.expect("no mistakes")).await
}

/// Starts a chat with a bot, and returns its case.
pub(crate) async fn chat(served: &Served, text: &str) -> String {
    let new = serde_json::json!({ "widget": "sales", "text": text });
    served.post("/_/visits", &new).await.ok()["case_id"].as_str().expect("an id").to_owned()
}
