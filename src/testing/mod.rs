//! Tests: whole chats against the real receiver, without sockets and without mocks.
//!
//! A bot is built and mounted as it is served, and a [`TestChat`] does to it what SnapEngage does:
//! every request goes through [`Receiver::handle`](crate::Receiver::handle), token, parsing and
//! encoding included.
//!
//! ```
//! use snapengage::bot::{self, Reply};
//! use snapengage::testing::TestChat;
//! use snapengage::{Receiver, Token};
//!
//! # #[tokio::main(flavor = "current_thread", start_paused = true)]
//! # async fn main() -> Result<(), snapengage::BuildError> {
//! let bot = bot::from_fn(|message| async move {
//!     Ok(match message.text.as_str() {
//!         "Pricing" => Reply::say("Have a look").goto("https://example.com/pricing"),
//!         _ => Reply::say("What is it about?").button("Pricing"),
//!     })
//! });
//! let receiver = Receiver::builder().bot("/bot", Token::new("my-token"), bot).build()?;
//!
//! let mut chat = TestChat::new(receiver, "/bot", "my-token");
//! chat.say("Hi").await.assert_texts(["What is it about?"]).assert_buttons(["Pricing"]);
//! chat.click("Pricing").await.assert_texts(["Have a look"]).assert_no_buttons();
//! # Ok(())
//! # }
//! ```
//!
//! An assertion that fails points at its line in the test, and shows the chat so far and what is
//! different:
//!
//! ```text
//! thread 'pricing' panicked at tests/bot.rs:21:38:
//! the bot's texts: not as expected
//!
//! the chat so far:
//!     visitor: Hi
//!     bot: What is it about?
//!       [Pricing]
//!     visitor clicks: Pricing
//!     bot: Have a look
//!     bot does: GOTO https://example.com/pricing
//!
//! expected (-), but it was (+):
//!     - "Here you are"
//!     + "Have a look"
//! ```
//!
//! A handler that fails, panics or takes too long does not fail the test: the chat gets the
//! [fallback reply](crate::ReceiverBuilder::fallback), as a visitor would. The chat so far says so
//! below the reply: `# handler failed: …`.
//!
//! # Time
//!
//! Nothing here looks at the clock on the wall. Write `#[tokio::test(start_paused = true)]`, for
//! which tokio has the feature `test-util`, and time stands still while anything is left to do, and
//! jumps to the next deadline when nothing is: a handler that sleeps past its deadline, a lease that
//! runs out and a [`wait`](TestChat::wait) of a day take no time.
//!
//! # Chat scripts
//!
//! A [`Script`] is a chat in plain text, which people who do not read Rust can read, and write:
//!
//! ```text
//! # A visitor asks for prices, and then for somebody to talk to.
//! chat opens
//!   email: jane@example.com
//! bot: Hello! What is it about?
//!   [Prices](prices)
//!   [Something else]
//! visitor clicks: Prices
//! bot: Have a look.
//! bot does: GOTO https://example.com/prices
//! visitor: Can I talk to somebody?
//! bot: One moment.
//! bot does: HUMAN_TRANSFER
//! transfer fails: NO_AGENTS_AVAILABLE
//! bot: Nobody is in, sorry.
//! chat closes
//! ```
//!
//! Lines that start at the margin are what happens and what the bot answers:
//!
//! | line | what it is |
//! |---|---|
//! | `chat opens` | a visitor opens the chat without a word; below it, indented, what is known of the visitor: `name: value`, by the names in JSON, among which `text` is a first message after all |
//! | `visitor: text` | the visitor says something; as the first line of all, the visitor opens the chat with it |
//! | `visitor clicks: text` | the visitor clicks a button of those shown last; `[text](id)` where several have this text |
//! | `transfer fails: error` | the last transfer of the last reply fails, for the reason that SnapEngage names so |
//! | `same again` | the last request comes again, byte for byte |
//! | `event: name {…}` | anything else happens: an event, and its fields in JSON |
//! | `chat closes` | the chat ends |
//! | `bot: text` | the bot says something; below it, indented, its buttons: `[text]`, or `[text](id)` |
//! | `bot does: COMMAND parameters` | the bot has SnapEngage do something; below `CARDS LAYOUT`, indented, the cards: `[title](link) excerpt` |
//! | `bot context: id` | the `context_id` of the reply, after all that is in it |
//! | `bot sends: {…}` | anything else in a reply, in JSON |
//! | `# text` | nothing: a comment, as an empty line is |
//!
//! - The lines of the bot are all that it answers, in order: without one, it answers nothing.
//! - A text of several lines goes on in lines that are indented and start with `|`.
//! - Parameters are as SnapEngage gets them. Those of a command that is not documented are in JSON.
//! - A value below `chat opens` is JSON where it starts with `{`, `[` or `"`, and text otherwise.
//! - White space at either end of a text does not count.
//!
//! In short:
//!
//! ```text
//! script  = { comment | turn }
//! turn    = happens { more } { answer { more } }
//! happens = "chat opens" | "visitor:" text | "visitor clicks:" button
//!         | "transfer fails:" error | "same again" | "event:" name [ json ]
//!         | "chat closes"
//! answer  = "bot:" text | "bot does:" command [ parameters ] | "bot context:" id
//!         | "bot sends:" json
//! more    = indent ( name ":" value | "[" text "]" [ "(" id ")" ] [ excerpt ] | "|" text )
//! comment = [ indent ] "#" text
//! ```
//!
//! What [`TestChat::transcript`] tells is a script as well: a chat that went well can be kept.
//! [`Script::run`] runs it in a test; [`Script::replay`] runs it against an address.
//!
//! # Requests
//!
//! [`send`] posts a body as it is, and the answer has assertions: a feed
//! [accepted](TestAnswer::assert_accepted) the event, or the request was
//! [refused](TestAnswer::assert_refused). A folder of recorded bodies is a test:
//!
//! ```
//! # use snapengage::testing::send;
//! # fn receiver() -> snapengage::Receiver { unimplemented!() }
//! #[tokio::test]
//! async fn recorded_requests_are_accepted() {
//!     let receiver = receiver();
//!     for file in std::fs::read_dir("sample-payloads/integration").expect("a folder") {
//!         let path = file.expect("a file").path();
//!         let body = std::fs::read(&path).expect("a body");
//!         let answer = send(&receiver, "/integration", "my-token", body).await;
//!         assert_eq!(answer.status(), 200, "{}: {}", path.display(), answer.body());
//!     }
//! }
//! ```
//!
//! # Samples
//!
//! [`samples`](fn@samples) are the payloads this crate is tested with, for your tests of anything else. A
//! [`Mutator`] sends them to your receiver, as they are and spoilt: a field gone, a field new, an
//! event that is unknown, a wrong token, cut short. [`Sample::send`] sends one of them.

mod assert;
mod chat;
mod chat_event;
#[cfg(feature = "dialogue")]
mod dialogue_state;
mod failure;
mod mutator;
mod samples;
mod script;
mod script_lines;
mod send;
mod spoilt;
mod vendor_side;
mod visitor;

pub use self::chat::TestChat;
pub use self::mutator::{Mutator, Report};
pub use self::samples::{Sample, samples};
pub use self::script::{Mismatch, Replay, Script, ScriptError};
pub use self::send::{TestAnswer, send};
pub use self::visitor::Visitor;
