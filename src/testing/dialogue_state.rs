//! State of a dialogue's conversation, in tests.

use std::panic::Location;

use super::assert::{json, pretty};
use super::chat::TestChat;
use crate::dialogue::{Bot, Dialogue, Store};

/// State of a dialogue. Its [`Bot`] is shared between the receiver and the test, in an
/// [`Arc`](std::sync::Arc).
impl TestChat {
    /// Puts the conversation into a state of the dialogue, to start in the middle.
    ///
    /// ```
    /// # use serde::{Deserialize, Serialize};
    /// # use snapengage::bot::Reply;
    /// # use snapengage::dialogue::{Bot, Dialogue, Input, MemoryStore, Step};
    /// # use snapengage::{HandlerError, async_trait};
    /// # #[derive(Serialize, Deserialize)]
    /// # enum Order { Open, Size }
    /// # struct IceCream;
    /// # #[async_trait]
    /// # impl Dialogue for IceCream {
    /// #     type State = Order;
    /// #     fn start(&self) -> Order { Order::Open }
    /// #     async fn step(
    /// #         &self,
    /// #         state: Order,
    /// #         _: Input,
    /// #     ) -> Result<Step<Order>, HandlerError> {
    /// #         Ok(match state {
    /// #             Order::Open => Step::go(Order::Size, Reply::say("How large?")),
    /// #             Order::Size => Step::end(Reply::say("Enjoy!").bye()),
    /// #         })
    /// #     }
    /// # }
    /// use std::sync::Arc;
    ///
    /// use snapengage::testing::TestChat;
    /// use snapengage::{Receiver, Token};
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), snapengage::BuildError> {
    /// let bot = Arc::new(Bot::new(IceCream, MemoryStore::new()));
    /// let token = Token::new("t");
    /// let receiver = Receiver::builder().bot("/bot", token, Arc::clone(&bot)).build()?;
    ///
    /// let mut chat = TestChat::new(receiver, "/bot", "t");
    /// chat.start_at(&bot, Order::Size).await;
    /// chat.say("large").await.assert_texts(["Enjoy!"]).assert_state(&bot, None).await;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Panics
    ///
    /// If the store fails.
    pub async fn start_at<D: Dialogue, S: Store>(
        &mut self,
        bot: &Bot<D, S>,
        state: D::State,
    ) -> &Self {
        self.side.join();
        self.side.note(&format!("# joined at {}", json(&state)));
        bot.set_state(self.id(), state).await.expect("the state can be stored");
        self
    }

    /// Asserts that the conversation has this state; `None` if it has not begun, or is over.
    ///
    /// States are compared as they are stored, that is, as JSON.
    ///
    /// # Panics
    ///
    /// If it has another state, or if the store fails.
    #[track_caller]
    pub fn assert_state<D: Dialogue, S: Store>(
        &self,
        bot: &Bot<D, S>,
        expected: impl Into<Option<D::State>>,
    ) -> impl Future<Output = &Self> {
        let asserted_at = Location::caller();
        let expected = pretty(&expected.into());
        async move {
            let actual = bot.state_of(self.id()).await.expect("the state can be read");
            let what = format!("state, asserted at {asserted_at}");
            if let Some(failure) = self.compare(&what, [expected], [pretty(&actual)]) {
                panic!("{failure}");
            }
            self
        }
    }
}
