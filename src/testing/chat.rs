//! Chat with a receiver, from the first request to the last.

use std::panic::Location;
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderValue, Method, Request, Uri};
use http_body_util::Full;
use serde_json::Value;

use super::chat_event::ChatEvent;
use super::send::{self, TestAnswer, deliver};
use super::vendor_side::VendorSide;
use super::{Visitor, failure};
use crate::bot::{Button, CommandError, Reply};
use crate::id::{CaseId, WidgetId};
use crate::receiver::Receiver;

/// Chat with a bot, driven as SnapEngage drives it.
///
/// Each event becomes a request that goes through [`Receiver::handle`], token, parsing and encoding
/// included; the answer is read as SnapEngage reads it, and asserted on:
///
/// ```
/// use snapengage::bot::{self, Command, Reply};
/// use snapengage::testing::TestChat;
/// use snapengage::{Receiver, Token};
///
/// # #[tokio::main(flavor = "current_thread", start_paused = true)]
/// # async fn main() -> Result<(), snapengage::BuildError> {
/// let bot = bot::from_fn(|message| async move {
///     Ok(match message.text.as_str() {
///         "Yes" => Reply::say("One moment").to_human(),
///         _ => Reply::say("Do you want to talk to somebody?").button("Yes"),
///     })
/// });
/// let receiver = Receiver::builder().bot("/bot", Token::new("my-token"), bot).build()?;
///
/// let mut chat = TestChat::new(receiver, "/bot", "my-token");
/// chat.say("Help!").await.assert_buttons(["Yes"]);
/// let answer = chat.click("Yes").await.assert_texts(["One moment"]);
/// answer.assert_commands([Command::HumanTransfer]);
/// # Ok(())
/// # }
/// ```
///
/// Every method panics if something is not as expected, and shows the chat so far: this is for
/// tests. Examples are a click on a button that is not shown, a transfer that fails although none
/// was asked for, and an answer that SnapEngage could not read.
///
/// The first request has the time 2019-04-03T19:51:17.338Z, and each one after it is a second
/// later. The `context_id` of a reply is sent back with the next request, once.
#[derive(Debug)]
pub struct TestChat {
    receiver: Receiver,
    path: Uri,
    token: HeaderValue,
    pub(super) side: VendorSide,
}

impl TestChat {
    /// Creates a chat with the bot at this path, behind this token.
    ///
    /// # Panics
    ///
    /// If no request can have this path or this token.
    #[track_caller]
    pub fn new(receiver: Receiver, path: &str, token: &str) -> Self {
        let side = VendorSide::new("ab992c69-7de8-46cc-9aaa-329d336bc182".into());
        Self { receiver, path: send::uri(path), token: send::header(token), side }
    }

    /// Returns the same chat under another case id: for tests with more than one chat.
    #[must_use]
    pub fn case_id(mut self, case_id: impl Into<CaseId>) -> Self {
        self.side.case_id = case_id.into();
        self
    }

    /// Returns the same chat on another widget.
    #[must_use]
    pub fn widget_id(mut self, widget_id: impl Into<WidgetId>) -> Self {
        self.side.widget_id = widget_id.into();
        self
    }

    /// Returns the same chat without a `timestamp` in its requests. The vendor's table has none.
    #[must_use]
    pub fn without_timestamps(mut self) -> Self {
        self.side.stop_clock();
        self
    }

    /// Returns the same chat as already open: for tests of a bot that was restarted in the middle
    /// of it.
    #[must_use]
    pub fn already_open(mut self) -> Self {
        self.side.join();
        self
    }

    /// Returns the case id of the chat.
    pub fn id(&self) -> &CaseId {
        &self.side.case_id
    }

    /// Returns the reply to the last event.
    ///
    /// # Panics
    ///
    /// If there was no event yet.
    #[track_caller]
    pub fn reply(&self) -> &Reply {
        match self.side.last_reply() {
            Some(reply) => reply,
            None => panic!("there is no reply: nothing has happened in the chat yet"),
        }
    }

    /// Returns all replies so far, in order.
    pub fn replies(&self) -> &[Reply] {
        self.side.replies()
    }

    /// Returns the chat so far, as a [chat script](super::Script).
    pub fn transcript(&self) -> &str {
        self.side.transcript()
    }

    /// Lets time pass: the next request is that much later.
    ///
    /// This sleeps on tokio's clock, which takes no time if that is [paused](super#time), and all
    /// the time if it is not.
    pub async fn wait(&mut self, duration: Duration) {
        self.side.wait(duration);
        self.side.note(&format!("# {duration:?} later"));
        tokio::time::sleep(duration).await;
    }
}

/// Events of a chat.
impl TestChat {
    /// Opens the chat for a visitor of whom nothing is known and who says nothing yet.
    ///
    /// # Panics
    ///
    /// If SnapEngage could not read the answer.
    #[track_caller]
    pub fn open(&mut self) -> impl Future<Output = &Self> {
        self.step(ChatEvent::Open(Visitor::new()))
    }

    /// Opens the chat for a visitor, with a [first message](Visitor::first_message) or without.
    ///
    /// # Panics
    ///
    /// If SnapEngage could not read the answer.
    #[track_caller]
    pub fn open_with(&mut self, visitor: Visitor) -> impl Future<Output = &Self> {
        self.step(ChatEvent::Open(visitor))
    }

    /// Sends a message of the visitor. As the first event, it opens the chat, as SnapEngage opens
    /// one that starts with a text.
    ///
    /// # Panics
    ///
    /// If SnapEngage could not read the answer.
    #[track_caller]
    pub fn say(&mut self, text: impl Into<String>) -> impl Future<Output = &Self> {
        self.step(ChatEvent::Say(text.into()))
    }

    /// Clicks a button of those shown last: the one of this text, or, given a [`Button`] with an
    /// id, the one of this text and id.
    ///
    /// # Panics
    ///
    /// If no such button is shown, if several are, or if SnapEngage could not read the answer.
    #[track_caller]
    pub fn click(&mut self, button: impl Into<Button>) -> impl Future<Output = &Self> {
        self.step(ChatEvent::Click(button.into()))
    }

    /// Reports the last transfer of the last reply as failed.
    ///
    /// If there was no reply yet, the failed transfer is a `HUMAN_TRANSFER` from before the chat
    /// was joined.
    ///
    /// # Panics
    ///
    /// If the last reply has no transfer, or if SnapEngage could not read the answer.
    #[track_caller]
    pub fn fail_transfer(&mut self, error: CommandError) -> impl Future<Output = &Self> {
        self.step(ChatEvent::FailTransfer(error))
    }

    /// Closes the chat.
    ///
    /// # Panics
    ///
    /// If SnapEngage could not read the answer.
    #[track_caller]
    pub fn close(&mut self) -> impl Future<Output = &Self> {
        self.step(ChatEvent::Close)
    }

    /// Sends the last request again, byte for byte.
    ///
    /// # Panics
    ///
    /// If nothing was sent yet, or if SnapEngage could not read the answer.
    #[track_caller]
    pub fn redeliver(&mut self) -> impl Future<Output = &Self> {
        self.step(ChatEvent::Again)
    }

    /// Sends any other event, by its name and an object of the fields it has beside the ids and the
    /// timestamp.
    ///
    /// ```
    /// # use serde_json::json;
    /// # async fn system_message(chat: &mut snapengage::testing::TestChat) {
    /// chat.send("message", json!({"from": "system", "text": "An agent has joined"})).await;
    /// # }
    /// ```
    ///
    /// # Panics
    ///
    /// If the fields are no object, or if SnapEngage could not read the answer.
    #[track_caller]
    pub fn send(&mut self, event: impl Into<String>, fields: Value) -> impl Future<Output = &Self> {
        match fields {
            Value::Object(fields) => self.step(ChatEvent::Send { event: event.into(), fields }),
            other => panic!("expected the fields of an event, an object, found {other}"),
        }
    }

    /// Sends several messages of the visitor at once: none waits for the answer to another. Returns
    /// the replies in the order of the texts; the last one counts as the last of the chat.
    ///
    /// # Panics
    ///
    /// If SnapEngage could not read an answer.
    #[track_caller]
    pub fn at_once<T: Into<String>>(
        &mut self,
        texts: impl IntoIterator<Item = T>,
    ) -> impl Future<Output = Vec<Reply>> {
        let sent_at = Location::caller();
        let steps = texts.into_iter().map(|text| ChatEvent::Say(text.into()));
        let requests: Vec<_> = steps.map(|step| (self.request(&step), step)).collect();
        async move {
            let running = requests.into_iter().map(|(body, step)| {
                (step, tokio::spawn(deliver(self.receiver.clone(), self.post(body))))
            });
            let running: Vec<_> = running.collect();
            let mut replies = Vec::with_capacity(running.len());
            self.side.note("# at once:");
            for (step, answer) in running {
                let answer = answer.await.expect("a receiver does not panic");
                replies.push(self.take(&step, answer, sent_at).clone());
            }
            replies
        }
    }

    #[track_caller]
    fn step(&mut self, step: ChatEvent) -> impl Future<Output = &Self> {
        let sent_at = Location::caller();
        let body = self.request(&step);
        async move {
            let answer = deliver(self.receiver.clone(), self.post(body)).await;
            self.take(&step, answer, sent_at);
            &*self
        }
    }

    #[track_caller]
    fn request(&mut self, step: &ChatEvent) -> Bytes {
        match self.side.request(step) {
            Ok(body) => body,
            Err(problem) => panic!("{}", failure::in_chat(&problem, self.transcript())),
        }
    }

    fn post(&self, body: Bytes) -> Request<Full<Bytes>> {
        send::request(Method::POST, self.path.clone(), &self.token, body)
    }

    fn take(&mut self, step: &ChatEvent, answer: TestAnswer, sent_at: &Location<'_>) -> &Reply {
        if let Err(problem) = self.read(step, answer) {
            let problem = format!("{problem}, sent at {sent_at}");
            panic!("{}", failure::in_chat(&problem, self.transcript()));
        }
        self.side.last_reply().expect("just answered")
    }

    fn read(&mut self, step: &ChatEvent, answer: TestAnswer) -> Result<&Reply, String> {
        let result = self.side.answered(step, answer.status, answer.body().as_bytes()).map(drop);
        if let Some(reason) = answer.reason {
            self.side.note(&format!("# {}", reason.replace('\n', " ")));
        }
        result.map(|()| self.reply())
    }

    /// Plays a step of a script.
    pub(super) async fn play(&mut self, step: &ChatEvent) -> Result<&Reply, String> {
        let body = self.side.request(step)?;
        let answer = deliver(self.receiver.clone(), self.post(body)).await;
        self.read(step, answer)
    }
}
