//! Chat scripts: chats in plain text.

use std::error::Error;
use std::fmt;

use http::StatusCode;
use serde_json::{Map, Value};

use super::chat::TestChat;
use super::chat_event::{ChatEvent, is_json};
use super::vendor_side::VendorSide;
use super::{Visitor, failure, script_lines};
use crate::error::debug_is_text;
use crate::id::{CaseId, WidgetId};

/// Chat in plain text, to be run against a receiver or an address. See [the
/// form](super#chat-scripts).
///
/// ```
/// use snapengage::bot::{self, Reply};
/// use snapengage::testing::{Script, TestChat};
/// use snapengage::{Receiver, Token};
///
/// # #[tokio::main(flavor = "current_thread", start_paused = true)]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let bot = bot::from_fn(|message| async move {
///     Ok(Reply::say(message.text).button("Again"))
/// });
/// let receiver = Receiver::builder().bot("/bot", Token::new("my-token"), bot).build()?;
///
/// let script = Script::parse(
///     "
/// visitor: Hello?
/// bot: Hello?
///   [Again]
/// visitor clicks: Again
/// bot: Again
///   [Again]
/// ",
/// )?;
/// script.run(&mut TestChat::new(receiver, "/bot", "my-token")).await;
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone)]
pub struct Script {
    turns: Vec<ScriptTurn>,
}

#[derive(Debug, Clone)]
struct ScriptTurn {
    line: usize,
    step: ChatEvent,
    /// Lines of the bot, one below the other.
    expected: String,
}

impl Script {
    /// Reads a script.
    ///
    /// # Errors
    ///
    /// If a line does not belong in a script, with its number.
    pub fn parse(text: &str) -> Result<Self, ScriptError> {
        let mut turns: Vec<ScriptTurn> = Vec::new();
        for (index, row) in text.lines().enumerate() {
            let row = row.trim_end();
            if row.is_empty() || row.trim_start().starts_with('#') {
                continue;
            }
            let line = index + 1;
            let read = match (row.strip_prefix([' ', '\t']), turns.last_mut()) {
                (None, _) if !row.starts_with("bot ") && !row.starts_with("bot:") => {
                    step(row).map(|step| {
                        turns.push(ScriptTurn { line, step, expected: String::new() });
                    })
                }
                (None, Some(turn)) => turn.expect(row),
                (Some(detail), Some(turn)) => turn.detail(detail.trim_start()),
                (_, None) => Err("nothing has happened yet that this could belong to".to_owned()),
            };
            read.map_err(|problem| ScriptError { line, problem })?;
        }
        Ok(Self { turns })
    }

    /// Runs the script in a chat.
    ///
    /// # Panics
    ///
    /// If the bot answers otherwise, with the line of the script, the chat so far and the
    /// difference.
    pub async fn run(&self, chat: &mut TestChat) {
        for turn in &self.turns {
            let answered = chat.play(&turn.step).await.map(script_lines::reply);
            if let Err(mismatch) = turn.check(answered, chat.transcript()) {
                panic!("{mismatch}");
            }
        }
    }

    /// Runs the script against an address: this makes the requests and checks the answers, and
    /// leaves it to the caller to send them. A bot with a memory needs a case id that it does not
    /// know yet.
    pub fn replay(&self, case_id: impl Into<CaseId>) -> Replay<'_> {
        Replay { turns: self.turns.iter(), turn: None, side: VendorSide::new(case_id.into()) }
    }
}

#[cfg(feature = "record")]
impl Script {
    /// Returns the step of a script of one step, without its answer.
    pub(super) fn into_step(self) -> Option<ChatEvent> {
        let turn = self.turns.into_iter().next()?;
        turn.expected.is_empty().then_some(turn.step)
    }
}

impl ScriptTurn {
    /// Takes a line of the bot.
    fn expect(&mut self, row: &str) -> Result<(), String> {
        match row.split_once(':') {
            Some((keyword @ ("bot" | "bot does" | "bot context" | "bot sends"), rest)) => {
                self.push(&script_lines::line(&format!("{keyword}:"), rest));
                Ok(())
            }
            _ => Err(unknown(row)),
        }
    }

    /// Takes an indented line, which belongs to the one above it.
    fn detail(&mut self, detail: &str) -> Result<(), String> {
        if !self.expected.is_empty() {
            return self.bot_detail(detail);
        }
        match (&mut self.step, detail.strip_prefix('|'), detail.split_once(':')) {
            (ChatEvent::Say(text), Some(more), _) => {
                text.push('\n');
                text.push_str(more.trim());
                Ok(())
            }
            (ChatEvent::Open(visitor), None, Some((name, value))) => {
                let value = field(value.trim())?;
                *visitor = std::mem::take(visitor).field(name, value);
                Ok(())
            }
            (ChatEvent::Open(_), ..) => Err(format!("expected `name: value`, found `{detail}`")),
            _ => Err(format!("`{detail}` says no more of the line above it")),
        }
    }

    fn bot_detail(&mut self, detail: &str) -> Result<(), String> {
        match detail.strip_prefix('|') {
            Some(more) => self.push(&script_lines::line("  |", more)),
            None if detail.starts_with('[') => self.push(&format!("  {detail}")),
            None => return Err(format!("expected a button, a card or `|`, found `{detail}`")),
        }
        Ok(())
    }

    fn push(&mut self, line: &str) {
        if !self.expected.is_empty() {
            self.expected.push('\n');
        }
        self.expected.push_str(line);
    }

    fn check(&self, answered: Result<String, String>, transcript: &str) -> Result<(), Mismatch> {
        let lines = answered.map_err(|problem| self.mismatch(&problem, transcript))?;
        if lines == self.expected {
            return Ok(());
        }
        let problem = format!("line {} of the script: the bot answers otherwise", self.line);
        Err(Mismatch(failure::unlike(&problem, transcript, &self.expected, &lines)))
    }

    fn mismatch(&self, problem: &str, transcript: &str) -> Mismatch {
        let problem = format!("line {} of the script: {problem}", self.line);
        Mismatch(failure::in_chat(&problem, transcript))
    }
}

/// Reads the step of a line.
fn step(row: &str) -> Result<ChatEvent, String> {
    Ok(match row.split_once(':').map(|(keyword, rest)| (keyword, rest.trim())) {
        None if row == "chat opens" => ChatEvent::Open(Visitor::new()),
        None if row == "chat closes" => ChatEvent::Close,
        None if row == "same again" => ChatEvent::Again,
        Some(("visitor", text)) => ChatEvent::Say(text.to_owned()),
        Some(("visitor clicks", button)) => ChatEvent::Click(script_lines::read_button(button)),
        Some(("transfer fails", error)) => ChatEvent::FailTransfer(error.into()),
        Some(("event", event)) => self::event(event)?,
        _ => return Err(unknown(row)),
    })
}

fn event(text: &str) -> Result<ChatEvent, String> {
    let (event, fields) = text.split_once(' ').unwrap_or((text, "{}"));
    let fields: Map<String, Value> = serde_json::from_str(fields)
        .map_err(|error| format!("expected an object of JSON after the event: {error}"))?;
    Ok(ChatEvent::Send { event: event.to_owned(), fields })
}

/// Reads a field's value: JSON if it looks like it, text otherwise.
fn field(text: &str) -> Result<Value, String> {
    if !is_json(text) {
        return Ok(text.into());
    }
    serde_json::from_str(text).map_err(|error| format!("expected JSON: {error}"))
}

fn unknown(row: &str) -> String {
    format!("expected `visitor:`, `bot:` or another keyword, found `{row}`")
}

/// Replay of a script over the network: the next request, its answer, and so on.
///
/// ```
/// # fn post(_: &[u8]) -> (http::StatusCode, Vec<u8>) {
/// #     let answer = br#"{"widget_id":"w","case_id":"case-1","content":[]}"#;
/// #     (http::StatusCode::OK, answer.to_vec())
/// # }
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use snapengage::testing::Script;
///
/// let script = Script::parse("chat opens")?;
/// let mut replay = script.replay("case-1").widget_id("w");
/// while let Some(request) = replay.next_request()? {
///     let (status, body) = post(&request);
///     replay.check(status, &body)?;
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
#[must_use]
pub struct Replay<'s> {
    turns: std::slice::Iter<'s, ScriptTurn>,
    /// Turn whose answer is awaited.
    turn: Option<&'s ScriptTurn>,
    side: VendorSide,
}

impl Replay<'_> {
    /// Returns the same chat on another widget.
    pub fn widget_id(mut self, widget_id: impl Into<WidgetId>) -> Self {
        self.side.widget_id = widget_id.into();
        self
    }

    /// Returns the body of the next request, to be sent by POST with the token in `Authorization`;
    /// `None` at the end of the script.
    ///
    /// # Errors
    ///
    /// If the script clicks a button that is not shown, or has a transfer fail that was not asked
    /// for.
    pub fn next_request(&mut self) -> Result<Option<Vec<u8>>, Mismatch> {
        self.turn = self.turns.next();
        let Some(turn) = self.turn else { return Ok(None) };
        match self.side.request(&turn.step) {
            Ok(body) => Ok(Some(body.into())),
            Err(problem) => Err(turn.mismatch(&problem, self.transcript())),
        }
    }

    /// Checks the answer to the last request.
    ///
    /// # Errors
    ///
    /// If it is not the answer in the script.
    ///
    /// # Panics
    ///
    /// If there was no request.
    pub fn check(&mut self, status: StatusCode, body: &[u8]) -> Result<(), Mismatch> {
        let turn = self.turn.expect("a request was made");
        let answered = self.side.answered(&turn.step, status, body).map(script_lines::reply);
        turn.check(answered, self.transcript())
    }

    /// Returns the chat so far, as a chat script.
    pub fn transcript(&self) -> &str {
        self.side.transcript()
    }
}

/// Line that does not belong in a script.
#[derive(Clone, PartialEq, Eq)]
pub struct ScriptError {
    line: usize,
    problem: String,
}

impl ScriptError {
    /// Returns the number of the line, from 1.
    pub fn line(&self) -> usize {
        self.line
    }
}

impl fmt::Display for ScriptError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "chat script: {} at line {}", self.problem, self.line)
    }
}

debug_is_text!(ScriptError);

impl Error for ScriptError {}

/// Answer of a bot that differs from its script. The text has several lines: the line of the
/// script, the chat so far, and the difference.
#[derive(Clone, PartialEq, Eq)]
pub struct Mismatch(String);

impl fmt::Display for Mismatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

debug_is_text!(Mismatch);

impl Error for Mismatch {}
