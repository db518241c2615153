//! The page that an agent link opens in SnapEngage's Hub: suggests an answer to the agent, and has
//! the conversation labelled, by what is known of the visitor.
//!
//! Without an account, the page of `snapengage simulate --hub http://localhost:8080/hub/kT4mZ0qvW8
//! --agent jane@example.com` frames it, in the agent's pane: take a chat, and write
//! `/email=ann@example.com` there.
//!
//! ```sh
//! HUB_SECRET=kT4mZ0qvW8 HUB_ORIGIN=http://127.0.0.1:7070 \
//!     cargo run --features hub --example hub
//!
//! curl http://127.0.0.1:8080/hub/kT4mZ0qvW8
//! ```

mod common;

use snapengage::hub::{ActionDetail, Event, EventDetail, Handler, HubLabel, HubPage, Session};
use snapengage::{Auth, HandlerError, Receiver, Token, async_trait};

struct Desk;

#[async_trait]
impl Handler for Desk {
    async fn event(
        &self,
        event: Event,
        session: Session,
    ) -> Result<Vec<ActionDetail>, HandlerError> {
        let EventDetail::EmailCaptured(captured) = &event.detail else {
            return Ok(vec![]);
        };
        // A browser says so: it may show the agent something, and never prove who the visitor is.
        let Some(email) = captured.address().map(str::to_owned) else {
            return Ok(vec![]);
        };
        let conversation_id = event.conversation_id;
        // The next events need not wait for a slow order system: its answer follows by itself.
        tokio::spawn(async move {
            let Some(order) = order_of(&email).await else { return };
            let suggestion = ActionDetail::populate_text(format!("Hello! {order}"));
            if let Err(error) = session.act(conversation_id, suggestion) {
                common::say(error);
            }
        });
        Ok(vec![ActionDetail::LabelAdded(HubLabel::new("topic", true, "order"))])
    }
}

/// Looks an order up.
async fn order_of(email: &str) -> Option<&'static str> {
    (email == "ann@example.com").then_some("Your order is on its way.")
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    common::log();
    let mut page = HubPage::new(Desk);
    if let Ok(origin) = std::env::var("HUB_ORIGIN") {
        page = page.allow_origin(origin);
    }
    let auth = Auth::secret_path(Token::from_env("HUB_SECRET"));
    let receiver = Receiver::builder().hub("/hub", auth, page).build()?;
    let listener = common::listen(std::env::args().nth(1)).await?;
    snapengage::serve(listener, receiver, snapengage::shutdown_signal()).await;
    Ok(())
}
