//! A chat with a receiver, from the first request to the last.

use std::panic::Location;
use std::time::Duration;

use bytes::Bytes;
use http::header::AUTHORIZATION;
use http::{Request, StatusCode};
use http_body_util::Full;
use serde::Serialize;
use serde_json::{Map, Value};

use super::side::Side;
use super::step::Step;
use super::{Visitor, failure, lines};
use crate::bot::{Button, Cards, Command, CommandError, Content, Reply};
use crate::id::{CaseId, WidgetId};
use crate::receiver::Receiver;

/// A chat with a bot, driven as SnapEngage drives it.
///
/// Each thing that happens becomes a request that goes through [`Receiver::handle`], token, parsing
/// and encoding included; the answer is read as SnapEngage reads it, and asserted on:
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
/// chat.click("Yes").await.assert_texts(["One moment"]).assert_commands([Command::HumanTransfer]);
/// # Ok(())
/// # }
/// ```
///
/// Everything here panics where things are not as expected, and shows the chat so far: this is for
/// tests. A click on a button that is not shown, a transfer that fails although none was asked for,
/// and an answer that SnapEngage could not read are such things.
///
/// The first request is of 2019-04-03T19:51:17.338Z, each one after it a second later. The
/// `context_id` of a reply comes back with the next request, once.
#[derive(Debug)]
pub struct TestChat {
    receiver: Receiver,
    path: String,
    token: String,
    pub(super) side: Side,
}

impl TestChat {
    /// A chat with the bot at this path, behind this token.
    pub fn new(receiver: Receiver, path: impl Into<String>, token: impl Into<String>) -> Self {
        let side = Side::new("ab992c69-7de8-46cc-9aaa-329d336bc182".into());
        Self { receiver, path: path.into(), token: token.into(), side }
    }

    /// The same chat under another case id: for tests with more than one chat.
    #[must_use]
    pub fn with_case_id(mut self, case_id: impl Into<CaseId>) -> Self {
        self.side.case_id = case_id.into();
        self
    }

    /// The same chat on another widget.
    #[must_use]
    pub fn with_widget_id(mut self, widget_id: impl Into<WidgetId>) -> Self {
        self.side.widget_id = widget_id.into();
        self
    }

    /// The same chat without a `timestamp` in its requests. The vendor's table has none.
    #[must_use]
    pub fn without_timestamps(mut self) -> Self {
        self.side.stop_clock();
        self
    }

    /// The conversation.
    pub fn case_id(&self) -> &CaseId {
        &self.side.case_id
    }

    /// The reply to what happened last.
    ///
    /// # Panics
    ///
    /// Where nothing happened yet.
    #[track_caller]
    pub fn reply(&self) -> &Reply {
        match self.side.last_reply() {
            Some(reply) => reply,
            None => panic!("there is no reply: nothing has happened in the chat yet"),
        }
    }

    /// The chat so far, as a [chat script](super::Script).
    pub fn transcript(&self) -> &str {
        self.side.transcript()
    }

    /// Lets time pass. The next request is so much later.
    ///
    /// This sleeps on tokio's clock, which takes no time where that is
    /// [paused](super#time), and all the time where it is not.
    pub async fn wait(&mut self, duration: Duration) {
        self.side.wait(duration);
        self.side.note(&format!("# {duration:?} later"));
        tokio::time::sleep(duration).await;
    }
}

/// What can happen.
impl TestChat {
    /// A visitor of whom nothing is known is put through to the bot.
    ///
    /// # Panics
    ///
    /// Where SnapEngage could not read the answer.
    #[track_caller]
    pub fn open(&mut self) -> impl Future<Output = &Self> {
        self.step(Step::Open(Visitor::new()))
    }

    /// A visitor is put through to the bot.
    ///
    /// # Panics
    ///
    /// Where SnapEngage could not read the answer.
    #[track_caller]
    pub fn open_with(&mut self, visitor: Visitor) -> impl Future<Output = &Self> {
        self.step(Step::Open(visitor))
    }

    /// The visitor says something.
    ///
    /// # Panics
    ///
    /// Where SnapEngage could not read the answer.
    #[track_caller]
    pub fn say(&mut self, text: impl Into<String>) -> impl Future<Output = &Self> {
        self.step(Step::Say(text.into()))
    }

    /// The visitor clicks a button of those shown last: the one of this text, or, given a
    /// [`Button`] with an id, the one of this text and id.
    ///
    /// # Panics
    ///
    /// Where no such button is shown, where several are, and where SnapEngage could not read the
    /// answer.
    #[track_caller]
    pub fn click(&mut self, button: impl Into<Button>) -> impl Future<Output = &Self> {
        self.step(Step::Click(button.into()))
    }

    /// The last transfer of the last reply fails.
    ///
    /// Where there was no reply yet, it is a `HUMAN_TRANSFER` that fails, from before the chat was
    /// joined.
    ///
    /// # Panics
    ///
    /// Where the last reply has no transfer, and where SnapEngage could not read the answer.
    #[track_caller]
    pub fn fail_transfer(&mut self, error: CommandError) -> impl Future<Output = &Self> {
        self.step(Step::FailTransfer(error))
    }

    /// The chat ends.
    ///
    /// # Panics
    ///
    /// Where SnapEngage could not read the answer.
    #[track_caller]
    pub fn close(&mut self) -> impl Future<Output = &Self> {
        self.step(Step::Close)
    }

    /// The last request comes again, byte for byte.
    ///
    /// # Panics
    ///
    /// Where nothing was sent yet, and where SnapEngage could not read the answer.
    #[track_caller]
    pub fn redeliver(&mut self) -> impl Future<Output = &Self> {
        self.step(Step::Again)
    }

    /// Anything else happens: an event by its name, with these fields beside the ids and the
    /// timestamp.
    ///
    /// # Panics
    ///
    /// Where SnapEngage could not read the answer.
    #[track_caller]
    pub fn send(
        &mut self,
        event: impl Into<String>,
        fields: Map<String, Value>,
    ) -> impl Future<Output = &Self> {
        self.step(Step::Send { event: event.into(), fields })
    }

    /// The visitor says several things at once: none waits for the answer to another. Returns the
    /// replies in the order of the texts, of which the last one counts as the last.
    ///
    /// # Panics
    ///
    /// Where SnapEngage could not read an answer.
    #[track_caller]
    pub fn at_once<T: Into<String>>(
        &mut self,
        texts: impl IntoIterator<Item = T>,
    ) -> impl Future<Output = Vec<Reply>> {
        let sent_at = Location::caller();
        let steps = texts.into_iter().map(|text| Step::Say(text.into()));
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
    fn step(&mut self, step: Step) -> impl Future<Output = &Self> {
        let sent_at = Location::caller();
        let body = self.request(&step);
        async move {
            let answer = deliver(self.receiver.clone(), self.post(body)).await;
            self.take(&step, answer, sent_at);
            &*self
        }
    }

    #[track_caller]
    fn request(&mut self, step: &Step) -> Bytes {
        match self.side.request(step) {
            Ok(body) => body,
            Err(problem) => panic!("{}", failure::in_chat(&problem, self.transcript())),
        }
    }

    fn post(&self, body: Bytes) -> Request<Full<Bytes>> {
        Request::post(&self.path)
            .header(AUTHORIZATION, &self.token)
            .body(Full::new(body))
            .expect("path and token can be sent")
    }

    fn take(&mut self, step: &Step, answer: Answer, sent_at: &Location<'_>) -> &Reply {
        if let Err(problem) = self.read(step, answer) {
            let problem = format!("{problem}, sent at {sent_at}");
            panic!("{}", failure::in_chat(&problem, self.transcript()));
        }
        self.side.last_reply().expect("just answered")
    }

    fn read(&mut self, step: &Step, answer: Answer) -> Result<&Reply, String> {
        let result = self.side.answered(step, answer.status, &answer.body).map(drop);
        if let Some(reason) = answer.reason {
            self.side.note(&format!("# {}", reason.replace('\n', " ")));
        }
        result.map(|()| self.reply())
    }

    /// A step of a script.
    pub(super) async fn play(&mut self, step: &Step) -> Result<&Reply, String> {
        let body = self.side.request(step)?;
        let answer = deliver(self.receiver.clone(), self.post(body)).await;
        self.read(step, answer)
    }
}

/// What was answered, and why if not by the handler.
struct Answer {
    status: StatusCode,
    body: Bytes,
    reason: Option<String>,
}

async fn deliver(receiver: Receiver, request: Request<Full<Bytes>>) -> Answer {
    let (response, reason) = receiver.handle_and_tell(request).await;
    Answer { status: response.status(), body: response.into_body().into_bytes(), reason }
}

/// What can be asserted of the last reply.
impl TestChat {
    /// The texts are these, in this order.
    ///
    /// # Panics
    ///
    /// Where they are not.
    #[track_caller]
    pub fn assert_texts<'t>(&self, expected: impl IntoIterator<Item = &'t str>) -> &Self {
        let expected = expected.into_iter().map(|text| format!("{text:?}"));
        self.assert_same("texts", expected, self.reply().texts().map(|text| format!("{text:?}")))
    }

    /// The buttons are these, in this order, ids included: a text stands for a button without an
    /// id.
    ///
    /// # Panics
    ///
    /// Where they are not.
    #[track_caller]
    pub fn assert_buttons<B: Into<Button>>(&self, expected: impl IntoIterator<Item = B>) -> &Self {
        let expected = expected.into_iter().map(|button| lines::button(&button.into()));
        let shown = self.reply().content().iter().filter_map(|content| match content {
            Content::Message(text) => Some(&text.display_responses),
            _ => None,
        });
        self.assert_same("buttons", expected, shown.flatten().map(lines::button))
    }

    /// There are no buttons.
    ///
    /// # Panics
    ///
    /// Where there are.
    #[track_caller]
    pub fn assert_no_buttons(&self) -> &Self {
        self.assert_buttons::<Button>([])
    }

    /// The commands are these, in this order: labels, transfers and cards included.
    ///
    /// # Panics
    ///
    /// Where they are not.
    #[track_caller]
    pub fn assert_commands(&self, expected: impl IntoIterator<Item = Command>) -> &Self {
        let expected = expected.into_iter().map(|command| json(&command));
        self.assert_same("commands", expected, self.reply().commands().map(json))
    }

    /// The cards are these, in this order.
    ///
    /// # Panics
    ///
    /// Where they are not.
    #[track_caller]
    pub fn assert_cards(&self, expected: impl IntoIterator<Item = Cards>) -> &Self {
        let expected = expected.into_iter().map(|cards| pretty(&Command::Cards(cards)));
        let shown = self.reply().commands().filter(|command| matches!(command, Command::Cards(_)));
        self.assert_same("cards", expected, shown.map(pretty))
    }

    /// The visitor sees nothing, and nothing is done.
    ///
    /// # Panics
    ///
    /// Where something is.
    #[track_caller]
    pub fn assert_silent(&self) -> &Self {
        self.assert_same("answer", [], [lines::reply(self.reply())])
    }

    /// The reply is this one, whole: texts, buttons and commands in their order, and the
    /// `context_id`.
    ///
    /// # Panics
    ///
    /// Where it is not.
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

pub(super) fn json<T: Serialize + ?Sized>(value: &T) -> String {
    serde_json::to_string(value).expect("can be written as JSON")
}

pub(super) fn pretty<T: Serialize + ?Sized>(value: &T) -> String {
    serde_json::to_string_pretty(value).expect("can be written as JSON")
}
