//! The smallest bot: it echoes the visitor, and hands over on request.
//!
//! ```sh
//! SNAPENGAGE_TOKEN=my-token cargo run --example hello_bot
//!
//! curl http://127.0.0.1:8080/bot -H 'Authorization: my-token' \
//!     -d '{"event":"message","widget_id":"w","case_id":"c","from":"visitor","text":"Hi"}'
//! ```
//!
//! The address to listen on is an optional argument: `cargo run --example hello_bot
//! 127.0.0.1:9000`.

mod common;

use snapengage::bot::{self, Reply};
use snapengage::{Receiver, Token};

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    common::log();
    let bot = bot::from_fn(|message| async move {
        match message.text.as_str() {
            "human" => Ok(Reply::say("One moment").to_human()),
            text => Ok(Reply::say(format!("You said: {text}"))),
        }
    });
    let token = Token::from_env("SNAPENGAGE_TOKEN");
    let receiver = Receiver::builder().bot("/bot", token, bot).build()?;
    let listener = common::listen(std::env::args().nth(1)).await?;
    snapengage::serve(listener, receiver, snapengage::shutdown_signal()).await;
    Ok(())
}
