//! A bot that books a haircut: a dialogue that keeps the state of each conversation.
//!
//! ```sh
//! SNAPENGAGE_TOKEN=my-token cargo run --features dialogue --example booking_bot
//!
//! curl http://127.0.0.1:8080/bot -H 'Authorization: my-token' \
//!     -d '{"event":"chatStarted","widget_id":"w","case_id":"c"}'
//! curl http://127.0.0.1:8080/bot -H 'Authorization: my-token' \
//!     -d '{"event":"message","widget_id":"w","case_id":"c","text":"A shave","id":"shave"}'
//! curl http://127.0.0.1:8080/bot -H 'Authorization: my-token' \
//!     -d '{"event":"message","widget_id":"w","case_id":"c","text":"tomorrow"}'
//! ```
//!
//! With `--features dialogue,sqlite`, and `-- --db bookings.db`, conversations outlast the process.
//! The dialogue is in `booking.rs`; a whole chat with it is in `examples/scripts/booking.chat`.

mod booking;
#[path = "../common/mod.rs"]
mod common;

use clap::Parser;
use snapengage::dialogue::{Bot, MemoryStore, Store};
use snapengage::{Receiver, Token};

use crate::booking::Barber;

/// Books haircuts in SnapEngage chats. The token is read from SNAPENGAGE_TOKEN, the path is /bot.
#[derive(Parser)]
struct Args {
    /// Address to listen on; port 0 takes any free one.
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:8080")]
    listen: String,
    /// SQLite file for the conversations, created if it does not exist; without it, they are in
    /// memory and end with the process.
    #[cfg(feature = "sqlite")]
    #[arg(long, value_name = "FILE")]
    db: Option<std::path::PathBuf>,
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let args = Args::parse();
    common::log();
    #[cfg(feature = "sqlite")]
    if let Some(file) = args.db {
        let store = snapengage::dialogue::SqliteStore::open(file)?;
        return serve(args.listen, store).await;
    }
    serve(args.listen, MemoryStore::new()).await
}

async fn serve(listen: String, store: impl Store) -> anyhow::Result<()> {
    let bot = Bot::new(Barber, store).name("booking");
    let token = Token::from_env("SNAPENGAGE_TOKEN");
    let receiver = Receiver::builder().bot("/bot", token, bot).build()?;
    let listener = common::listen(Some(listen)).await?;
    snapengage::serve(listener, receiver, snapengage::shutdown_signal()).await;
    Ok(())
}
