//! Tests: whole chats against the real receiver, without sockets and without mocks.
//!
//! A bot is built and mounted as in production, and a [`TestChat`] sends it what SnapEngage sends:
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
//! An assertion that fails points at its line in the test, and shows the chat so far and the
//! difference:
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
//! [fallback reply](crate::ReceiverBuilder::fallback), as a visitor would. The transcript shows the
//! failure below the reply: `# handler failed: …`.
//!
//! # Time
//!
//! No test waits on the wall clock. Under `#[tokio::test(start_paused = true)]`, for which tokio
//! has the feature `test-util`, time stands still while there is work to do, and jumps to the next
//! deadline when there is none: a handler that sleeps past its deadline, a lease that runs out and
//! a [`wait`](TestChat::wait) of a day take no time.
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
//! Lines that start at the margin are the events, and the bot's answers:
//!
//! | line | meaning |
//! |---|---|
//! | `chat opens` | a visitor opens the chat without a word; below it, indented, the fields of the visitor: `name: value`, by the names in JSON, among which `text` is a first message after all |
//! | `visitor: text` | the visitor says something; as the first line of all, the visitor opens the chat with it |
//! | `visitor clicks: text` | the visitor clicks a button of those shown last; `[text](id)` if several have this text |
//! | `transfer fails: error` | the last transfer of the last reply fails, for this reason of SnapEngage's |
//! | `same again` | the last request comes again, byte for byte |
//! | `event: name {…}` | any other event, and its fields in JSON |
//! | `chat closes` | the chat ends |
//! | `bot: text` | the bot says something; below it, indented, its buttons: `[text]`, or `[text](id)` |
//! | `bot does: COMMAND parameters` | the bot gives SnapEngage a command; below `CARDS LAYOUT`, indented, the cards: `[title](link) excerpt` |
//! | `bot context: id` | the `context_id` of the reply, after its content |
//! | `bot sends: {…}` | anything else in a reply, in JSON |
//! | `# text` | nothing: a comment, as an empty line is |
//!
//! - The lines of the bot are its whole answer, in order: without one, it answers nothing.
//! - A text of several lines goes on in lines that are indented and start with `|`.
//! - Parameters are as SnapEngage gets them. Those of a command that is not documented are in JSON.
//! - A value below `chat opens` is JSON if it starts with `{`, `[` or `"`, and text otherwise.
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
//! The text of [`TestChat::transcript`] is a script as well: a chat that went well can be kept.
//! [`Script::run`] runs it in a test; [`Script::replay`] runs it against an address.
//!
//! # Requests
//!
//! [`send`](fn@send) posts a body as it is, and the answer has assertions: a feed
//! [accepted](TestAnswer::assert_accepted) the event, or the request was
//! [refused](TestAnswer::assert_refused). With the feature `record`, what was recorded in
//! production is sent again, and the answers are compared: `record::Recording`.
//!
//! # Samples
//!
//! [`samples`](fn@samples) are the payloads this crate is tested with, for your own tests. A
//! [`Mutator`] sends them, or requests of your own, to your receiver, intact and spoilt: a field
//! removed, a field added, an unknown event, a wrong token, a body cut short. [`Sample::send`]
//! sends one of them.

mod assert;
mod chat;
mod chat_event;
#[cfg(feature = "dialogue")]
mod dialogue_state;
pub(crate) mod failure;
pub(crate) mod mismatch;
mod mutator;
pub(crate) mod reading;
mod samples;
mod script;
mod script_lines;
mod send;
mod spoilt;
#[cfg(feature = "record")]
mod transcriber;
mod vendor_side;
mod visitor;

pub use self::chat::TestChat;
pub use self::mutator::{Mutator, Report};
pub use self::samples::{Sample, samples};
pub use self::script::{Mismatch, Replay, Script, ScriptError};
pub use self::send::{TestAnswer, send};
#[cfg(feature = "record")]
pub(crate) use self::transcriber::Transcriber;
pub use self::visitor::Visitor;
