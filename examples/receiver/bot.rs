//! A bot that can be made to do everything a bot can do.

use std::time::Duration;

use snapengage::bot::{
    Card, Cards, ChatClosed, ChatStarted, CommandResult, Handler, Message, Reply, Unknown,
};
use snapengage::{Api, HandlerError, async_trait};

use crate::events::Events;

pub(crate) struct Bot {
    pub(crate) events: Events,
}

#[async_trait]
impl Handler for Bot {
    async fn chat_started(&self, chat: ChatStarted) -> Result<Reply, HandlerError> {
        self.events.print(Api::Bot, &chat);
        match chat.to_message() {
            Some(message) => reply(&message.text),
            None => {
                Ok(Reply::say("Hello! Choose, or type something.").button("cards").button("human"))
            }
        }
    }

    async fn message(&self, message: Message) -> Result<Reply, HandlerError> {
        self.events.print(Api::Bot, &message);
        if let Some(seconds) = message.text.strip_prefix("wait ") {
            tokio::time::sleep(Duration::from_secs(seconds.parse()?)).await;
        }
        reply(&message.text)
    }

    async fn system_message(&self, message: Message) -> Result<Reply, HandlerError> {
        self.events.print(Api::Bot, &message);
        Ok(Reply::new())
    }

    async fn command_failed(&self, result: CommandResult) -> Result<Reply, HandlerError> {
        self.events.print(Api::Bot, &result);
        Ok(Reply::say("That did not work, and I am still here."))
    }

    async fn chat_closed(&self, chat: ChatClosed) -> Result<(), HandlerError> {
        self.events.print(Api::Bot, &chat);
        Ok(())
    }

    async fn unknown(&self, event: Unknown) -> Result<Reply, HandlerError> {
        self.events.print(Api::Bot, &event);
        Ok(Reply::new())
    }
}

/// Carries out the visitor's command, and echoes anything else.
fn reply(text: &str) -> Result<Reply, HandlerError> {
    let words: Vec<&str> = text.split_whitespace().collect();
    Ok(match words[..] {
        ["goto", url] => Reply::new().goto(url),
        ["human"] => Reply::new().to_human(),
        ["transfer", email] => Reply::new().to_agent(email),
        ["widget", id] => Reply::new().to_widget(id),
        ["widget-human", id] => Reply::new().to_widget_human(id),
        ["tags", id, _, ..] => Reply::new().to_tags(id, words[2..].iter().copied()),
        ["label", name, _, ..] => Reply::new().label(name, words[2..].iter().copied()),
        ["cards"] => Reply::new().cards(cards()),
        ["bye"] => Reply::new().bye(),
        ["ban"] => Reply::new().ban(),
        ["ban-ip"] => Reply::new().ban_ip(),
        ["fail"] => return Err("the visitor wanted it".into()),
        ["panic"] => panic!("the visitor wanted it"),
        _ => Reply::say(text),
    })
}

fn cards() -> Cards {
    Cards::vertical()
        .card(Card::new("Cats").excerpt("They need you less").link("https://example.com/cats"))
        .card(Card::new("Dogs").excerpt("They need you more").link("https://example.com/dogs"))
}
