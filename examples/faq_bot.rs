//! A bot with a menu: buttons with ids, cards, labels, and a transfer that may fail.
//!
//! ```sh
//! SNAPENGAGE_TOKEN=my-token cargo run --example faq_bot
//!
//! curl http://127.0.0.1:8080/bot -H 'Authorization: my-token' \
//!     -d '{"event":"chatStarted","widget_id":"w","case_id":"c"}'
//! curl http://127.0.0.1:8080/bot -H 'Authorization: my-token' \
//!     -d '{"event":"message","widget_id":"w","case_id":"c","text":"Our plans","id":"plans"}'
//! curl http://127.0.0.1:8080/bot -H 'Authorization: my-token' \
//!     -d '{"event":"message","widget_id":"w","case_id":"c","text":"My invoice","id":"invoice"}'
//! curl http://127.0.0.1:8080/bot -H 'Authorization: my-token' \
//!     -d '{"event":"commandResult","widget_id":"w","case_id":"c","failedCommands":[{"operation":"TRANSFER","error":"NO_AGENTS_AVAILABLE"}]}'
//! ```

mod common;

use snapengage::bot::{
    Button, Card, Cards, ChatStarted, CommandError, CommandResult, Handler, Message, Reply,
};
use snapengage::{HandlerError, Receiver, Token, async_trait};

struct FaqBot;

#[async_trait]
impl Handler for FaqBot {
    async fn greet(&self, _chat: ChatStarted) -> Result<Reply, HandlerError> {
        Ok(menu("Hello! What is it about?"))
    }

    /// Answers a click by the button's id, whatever its text.
    async fn message(&self, message: Message) -> Result<Reply, HandlerError> {
        Ok(match message.id.as_deref() {
            Some("plans") => Reply::say("There are two:").cards(plans()).label("topic", ["plans"]),
            Some("invoice") => Reply::say("I ask our accountant to join us.")
                .label("topic", ["invoice"])
                .to_agent("accountant@example.com"),
            Some("human") => Reply::say("One moment, please.").to_human(),
            _ => menu("I only know about these:"),
        })
    }

    /// Apologizes: the visitor expected a human, and nobody came.
    async fn command_failed(&self, result: CommandResult) -> Result<Reply, HandlerError> {
        let nobody = Some(CommandError::NoAgentsAvailable);
        if result.failed_commands.iter().any(|command| command.error == nobody) {
            return Ok(menu("Nobody is in right now. Write to help@example.com, or choose:"));
        }
        Ok(menu("That did not work, sorry. I can still help with these:"))
    }
}

fn menu(question: &str) -> Reply {
    Reply::say(question)
        .button(Button::new("Our plans").id("plans"))
        .button(Button::new("My invoice").id("invoice"))
        .button(Button::new("Talk to a human").id("human"))
}

fn plans() -> Cards {
    Cards::horizontal()
        .card(Card::new("Solo").excerpt("One seat").link("https://example.com/plans/solo"))
        .card(Card::new("Team").excerpt("Ten seats").link("https://example.com/plans/team"))
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    common::log();
    let token = Token::from_env("SNAPENGAGE_TOKEN");
    let receiver = Receiver::builder().bot("/bot", token, FaqBot).build()?;
    let listener = common::listen(std::env::args().nth(1)).await?;
    snapengage::serve(listener, receiver, snapengage::shutdown_signal()).await;
    Ok(())
}
