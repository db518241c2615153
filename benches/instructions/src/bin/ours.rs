//! This crate, with all its limits and deadlines.

use snapengage::bot::Reply;
use snapengage::dialogue::{self, Dialogue, Input, MemoryStore, Step};
use snapengage::{
    Auth, HandlerError, Receiver, Token, async_trait, bot, contact, integration, serve,
};
use snapengage_instructions::baseline::{CONTACT, TOKEN};
use snapengage_instructions::run;

fn main() {
    let receiver = Receiver::builder()
        .bot("/dialogue", Token::new(TOKEN), dialogue::Bot::new(Echo, MemoryStore::new()))
        .bot(
            "/bot",
            Token::new(TOKEN),
            bot::from_fn(|message| async move { Ok(Reply::say(message.text)) }),
        )
        .integration(
            "/integration",
            Token::new(TOKEN),
            integration::from_fn(|request| async move {
                std::hint::black_box(request);
                Ok(())
            }),
        )
        .integration(
            "/held",
            Token::new(TOKEN),
            integration::from_fn(|request| async move {
                std::future::pending::<()>().await;
                drop(request);
                Ok(())
            }),
        )
        .memory_limit(memory_limit())
        .contact(
            "/get-contact",
            Auth::dangerously_open(),
            contact::from_fn(|query| async move {
                std::hint::black_box(query);
                Ok(Some(CONTACT.to_owned()))
            }),
        )
        .build()
        .expect("good paths and tokens");
    run(|listener| serve(listener, receiver, std::future::pending()));
}

/// The first argument, in bytes, or else the default.
fn memory_limit() -> usize {
    let bytes = std::env::args().nth(1).map(|bytes| bytes.parse().expect("a number of bytes"));
    bytes.unwrap_or(512 * 1024 * 1024)
}

/// Says what was said, and how often something was.
struct Echo;

#[async_trait]
impl Dialogue for Echo {
    type State = u64;

    fn start(&self) -> u64 {
        0
    }

    async fn step(&self, said: u64, input: Input) -> Result<Step<u64>, HandlerError> {
        Ok(match input {
            Input::Said(message) => Step::go(said + 1, Reply::say(message.text)),
            _ => Step::stay(Reply::new()),
        })
    }
}
