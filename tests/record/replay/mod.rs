//! Recordings that are replayed, in process.

mod answers;
mod chats;
mod hostile;
mod mended;
mod orderly;
#[cfg(feature = "client")]
mod remote;
mod requests;
mod written;

use snapengage::bot::{self, Reply};
use snapengage::testing::samples;
use snapengage::{Api, Auth, Receiver, Token};
use snapengage::{agent_status, contact, conversation, integration};

use self::written::Written;

/// All five APIs, with answers that depend on the request. Get Contact has a secret path.
fn receiver() -> Receiver {
    let token = || Token::new("my-token");
    let bot = bot::from_fn(|message| async move {
        Ok(Reply::say(format!("You said: {}", message.text)).button("Again"))
    });
    let find =
        contact::from_fn(|query| async move { Ok(Some(format!("Mail of {}", query.email))) });
    Receiver::builder()
        .integration("/integration", token(), integration::from_fn(|_| async { Ok(()) }))
        .bot("/bot", token(), bot)
        .conversation("/conversation-events", token(), conversation::from_fn(|_| async { Ok(()) }))
        .agent_status("/agent-status", token(), agent_status::from_fn(|_| async { Ok(()) }))
        .contact("/get-contact", Auth::secret_path(token()), find)
        .build()
        .expect("a receiver")
}

/// All samples, as a receiver has answered them.
async fn recorded_samples(receiver: &Receiver) -> Vec<Written> {
    let mut exchanges = Vec::new();
    for (sample, number) in samples().iter().zip(1..) {
        let mut exchange = Written::new(number, sample.api().as_str(), sample.body());
        if let Some(query) = sample.query() {
            exchange.target = format!("/get-contact/<secret>?{query}");
            exchange.token = None;
        }
        exchanges.push(exchange.answered_by(receiver).await);
    }
    exchanges
}

const CONTACT: (Api, &str) = (Api::Contact, "/get-contact/my-token");
