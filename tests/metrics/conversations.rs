//! Turns of conversations.

use std::sync::Arc;
use std::time::Duration;

use serde_json::json;
use snapengage::bot::Reply;
use snapengage::dialogue::{Bot, Dialogue, Input, MemoryStore, Step, Store};
use snapengage::{HandlerError, Receiver, async_trait, metrics as meters};

use crate::recorded::{assert_series, recorder, taken};
use crate::requests::{auth, post};

/// A dialogue that does what it is told, with the store at hand.
struct Told(Arc<MemoryStore>);

#[async_trait]
impl Dialogue for Told {
    type State = ();

    fn start(&self) {}

    async fn step(&self, (): (), input: Input) -> Result<Step<()>, HandlerError> {
        let Input::Said(message) = input else { return Ok(Step::end(Reply::new())) };
        match &*message.text {
            "fail" => return Err("told to".into()),
            "panic" => panic!("told to"),
            "wait" => std::future::pending().await,
            "lose" => {
                let found = self.0.load("bot/case").await?.expect("a record");
                assert!(self.0.remove("bot/case", found.revision).await?);
            }
            _ => {}
        }
        Ok(Step::stay(Reply::say("Hi")))
    }
}

#[tokio::test(start_paused = true)]
async fn turns_are_counted_by_their_ends() {
    recorder!(recorder);
    let store = Arc::new(MemoryStore::new());
    let bot = Bot::new(Told(Arc::clone(&store)), store).lease(Duration::from_secs(1));
    let receiver = Receiver::builder().bot("/bot", auth(), meters::observe(bot));
    let receiver = receiver.build().expect("a receiver");
    for (text, timestamp) in
        [("hi", 1), ("hi", 1), ("fail", 2), ("panic", 3), ("wait", 4), ("lose", 5), ("hi", 6)]
    {
        let message = json!({
            "event": "message", "widget_id": "w", "case_id": "case", "text": text,
            "timestamp": timestamp,
        });
        receiver.handle(post("/bot", message.to_string())).await;
    }
    let late = r#"{"event":"chatClosed","widget_id":"w","case_id":"never seen","timestamp":7}"#;
    receiver.handle(post("/bot", late)).await;
    assert_series(
        &taken(&recorder),
        &[
            (r#"dialogue_turns_total{bot="bot",outcome="committed"}"#, 2.0),
            (r#"dialogue_turns_total{bot="bot",outcome="repeat"}"#, 2.0),
            (r#"dialogue_turns_total{bot="bot",outcome="failed"}"#, 1.0),
            (r#"dialogue_turns_total{bot="bot",outcome="dropped"}"#, 2.0),
            (r#"dialogue_turns_total{bot="bot",outcome="lease-lost"}"#, 1.0),
        ],
    );
}
