//! Assertions on a chat.

use serde::Serialize;

use super::chat::TestChat;
use super::reading::is_transfer;
use super::{failure, script_lines};
use crate::bot::{Button, Cards, Command, Content, Label, Reply};

/// Assertions on the last reply.
impl TestChat {
    /// Asserts that the texts are these, in this order.
    ///
    /// # Panics
    ///
    /// If they are not.
    #[track_caller]
    pub fn assert_texts<'t>(&self, expected: impl IntoIterator<Item = &'t str>) -> &Self {
        let expected = expected.into_iter().map(|text| format!("{text:?}"));
        self.assert_same("texts", expected, self.reply().texts().map(|text| format!("{text:?}")))
    }

    /// Asserts that the buttons are these, in this order, ids included: a text stands for a button
    /// without an id.
    ///
    /// # Panics
    ///
    /// If they are not.
    #[track_caller]
    pub fn assert_buttons<B: Into<Button>>(&self, expected: impl IntoIterator<Item = B>) -> &Self {
        let expected = expected.into_iter().map(|button| script_lines::button(&button.into()));
        let shown = self.reply().content().iter().filter_map(|content| match content {
            Content::Message(text) => Some(&text.display_responses),
            _ => None,
        });
        self.assert_same("buttons", expected, shown.flatten().map(script_lines::button))
    }

    /// Asserts that there are no buttons.
    ///
    /// # Panics
    ///
    /// If there are.
    #[track_caller]
    pub fn assert_no_buttons(&self) -> &Self {
        self.assert_buttons::<Button>([])
    }

    /// Asserts that the commands are these, in this order: labels, transfers and cards included.
    ///
    /// # Panics
    ///
    /// If they are not.
    #[track_caller]
    pub fn assert_commands(&self, expected: impl IntoIterator<Item = Command>) -> &Self {
        let expected = expected.into_iter().map(|command| json(&command));
        self.assert_same("commands", expected, self.reply().commands().map(json))
    }

    /// Asserts that the labels are these, in this order, whichever commands set them.
    ///
    /// # Panics
    ///
    /// If they are not.
    #[track_caller]
    pub fn assert_labels(&self, expected: impl IntoIterator<Item = Label>) -> &Self {
        let expected = expected.into_iter().map(|label| label_line(&label));
        let set = self.reply().commands().filter_map(|command| match command {
            Command::Label(labels) => Some(labels),
            _ => None,
        });
        self.assert_same("labels", expected, set.flatten().map(label_line))
    }

    /// Asserts that the visitor is put through by this command, and by no other. Other commands
    /// than transfers do not count.
    ///
    /// ```
    /// # use snapengage::bot::{self, Command, Label, Reply};
    /// # use snapengage::testing::TestChat;
    /// # use snapengage::{Receiver, Token};
    /// # #[tokio::main(flavor = "current_thread", start_paused = true)]
    /// # async fn main() -> Result<(), snapengage::BuildError> {
    /// let bot = bot::from_fn(|_| async {
    ///     Ok(Reply::say("One moment").label("topic", ["sales"]).to_human())
    /// });
    /// let receiver = Receiver::builder().bot("/bot", Token::new("t"), bot).build()?;
    /// let mut chat = TestChat::new(receiver, "/bot", "t");
    /// chat.say("Help!")
    ///     .await
    ///     .assert_labels([Label::new("topic", ["sales"])])
    ///     .assert_transferred(&Command::HumanTransfer);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Panics
    ///
    /// If the visitor is put through elsewhere, or not at all.
    #[track_caller]
    pub fn assert_transferred(&self, expected: &Command) -> &Self {
        let transfers = self.reply().commands().filter(|command| is_transfer(command));
        self.assert_same("transfers", [json(expected)], transfers.map(json))
    }

    /// Asserts that the cards are these, in this order.
    ///
    /// # Panics
    ///
    /// If they are not.
    #[track_caller]
    pub fn assert_cards(&self, expected: impl IntoIterator<Item = Cards>) -> &Self {
        let expected = expected.into_iter().map(|cards| pretty(&Command::Cards(cards)));
        let shown = self.reply().commands().filter(|command| matches!(command, Command::Cards(_)));
        self.assert_same("cards", expected, shown.map(pretty))
    }

    /// Asserts that the reply has neither message nor command.
    ///
    /// # Panics
    ///
    /// If it has one.
    #[track_caller]
    pub fn assert_silent(&self) -> &Self {
        self.assert_same("answer", [], [script_lines::reply(self.reply())])
    }

    /// Asserts that the reply is this one, whole: texts, buttons and commands in their order, and
    /// the `context_id`.
    ///
    /// # Panics
    ///
    /// If it is not.
    #[track_caller]
    pub fn assert_reply(&self, expected: &Reply) -> &Self {
        self.assert_same("reply", [pretty(expected)], [pretty(self.reply())])
    }

    #[track_caller]
    fn assert_same(
        &self,
        what: &str,
        expected: impl IntoIterator<Item = String>,
        actual: impl IntoIterator<Item = String>,
    ) -> &Self {
        if let Some(failure) = self.compare(what, expected, actual) {
            panic!("{failure}");
        }
        self
    }

    pub(super) fn compare(
        &self,
        what: &str,
        expected: impl IntoIterator<Item = String>,
        actual: impl IntoIterator<Item = String>,
    ) -> Option<String> {
        let expected: Vec<String> = expected.into_iter().collect();
        let actual: Vec<String> = actual.into_iter().collect();
        let (expected, actual) = (expected.join("\n"), actual.join("\n"));
        let problem = format!("the bot's {what}: not as expected");
        (expected != actual)
            .then(|| failure::unlike(&problem, self.transcript(), &expected, &actual))
    }
}

fn label_line(label: &Label) -> String {
    format!("{}: {:?}", label.name, label.values)
}

pub(super) fn json<T: Serialize + ?Sized>(value: &T) -> String {
    serde_json::to_string(value).expect("can be written as JSON")
}

pub(super) fn pretty<T: Serialize + ?Sized>(value: &T) -> String {
    serde_json::to_string_pretty(value).expect("can be written as JSON")
}
