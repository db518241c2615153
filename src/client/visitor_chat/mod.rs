//! Visitor Chat API: a chat with an agent, as a visitor.

mod line;
mod start;

use std::collections::VecDeque;
use std::fmt;
use std::pin::Pin;
use std::time::Duration;

use http::HeaderValue;
use tokio::time::{Instant, sleep};

use crate::client::VisitorChats;
use crate::client::call::Call;
use crate::client::error::ClientError;
use crate::client::operation::Operation;
use crate::id::CaseId;

pub use self::line::{ChatLine, LineKind, PolledLines, SaidMessage, StartedChat};
pub use self::start::StartChat;

impl VisitorChats {
    /// Returns a chat that was started before, to be read from its first line.
    pub fn resume(&self, case_id: impl Into<CaseId>) -> VisitorChat {
        self.resume_at(case_id, 0)
    }

    /// Returns a chat that was started before, to be read from the line with this index, which
    /// [`VisitorChat::next_index`] returned.
    pub fn resume_at(&self, case_id: impl Into<CaseId>, index: i64) -> VisitorChat {
        VisitorChat {
            chats: self.clone(),
            case_id: case_id.into(),
            seen: index.max(0) - 1,
            lines: VecDeque::new(),
            state: State::Unpolled,
            is_typing: false,
            is_agent_typing: false,
            interval: VisitorChat::INTERVAL,
            polled: None,
        }
    }

    pub(super) fn call(&self, operation: Operation, path: &[&str]) -> Call {
        self.client.call(operation, path).chat_key(&self.key)
    }

    /// Starts a call whose parameters are in the query under the type of a form, without a form.
    pub(super) fn form(&self, operation: Operation) -> Call {
        let form = HeaderValue::from_static("application/x-www-form-urlencoded");
        self.call(operation, &["api", "v1", "chat"]).content_type(form)
    }
}

/// Chat with an agent, as a visitor.
///
/// Agents see the visitor's lines as they are [said](Self::say); theirs are fetched by
/// [`next`](Self::next). Dropping it leaves the chat as it is: [`close`](Self::close) ends it, and
/// [`VisitorChats::resume_at`] takes it up again.
///
/// See [SnapEngage docs/Visitor Chat API](https://developer.snapengage.com/#visitor-chat-api).
pub struct VisitorChat {
    chats: VisitorChats,
    case_id: CaseId,
    /// Highest index seen, or -1.
    seen: i64,
    /// Lines that were fetched and not yet returned.
    lines: VecDeque<ChatLine>,
    state: State,
    is_typing: bool,
    is_agent_typing: bool,
    interval: Duration,
    polled: Option<Instant>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// Nothing was fetched yet: SnapEngage may not know the chat.
    Unpolled,
    Open,
    Over,
}

impl VisitorChat {
    /// Time between two polls, unless it is set: 2 seconds. SnapEngage asks for no less than "1-2
    /// seconds".
    pub const INTERVAL: Duration = Duration::from_secs(2);

    /// Shortest time between two polls: 1 second.
    pub const SHORTEST_INTERVAL: Duration = Duration::from_secs(1);

    /// Returns the id of the case, under which the chat can be taken up again.
    pub fn case_id(&self) -> &CaseId {
        &self.case_id
    }

    /// Returns the index after that of the last line that [`next`](Self::next) returned, to take
    /// up the chat [there](VisitorChats::resume_at).
    pub fn next_index(&self) -> i64 {
        self.lines.front().map_or(self.seen.saturating_add(1), |line| line.index)
    }

    /// Sets the time between two polls: [`SHORTEST_INTERVAL`](Self::SHORTEST_INTERVAL) at least.
    pub fn poll_every(&mut self, interval: Duration) {
        self.interval = interval.max(Self::SHORTEST_INTERVAL);
    }

    /// Says something to the agent. It goes into the address of the request, which has room for
    /// some 64 KB of it, escaped.
    ///
    /// It is sent again only if nothing was done before, since the agent would see a second one.
    ///
    /// # Errors
    ///
    /// If SnapEngage refuses the call, or does not answer it. A chat that is over
    /// [is not found](ClientError::is_not_found), most likely.
    pub async fn say(&self, text: impl Into<String>) -> Result<SaidMessage, ClientError> {
        let call = self.chats.form(Operation::Say).query("caseId", self.case_id.as_str());
        let call = call.query("messageType", "1").private_query("messageBody", &text.into());
        call.send().await?.read("said message")
    }

    /// Closes the chat, when awaited.
    ///
    /// A second one does no harm. Afterwards, [`next`](Self::next) returns the lines that were
    /// fetched before, and then `None`.
    pub fn close(&mut self) -> CloseChat<'_> {
        CloseChat { chat: self, message: None }
    }

    /// Tells the agent with the next poll, and with that one alone, whether the visitor is typing.
    pub fn typing(&mut self, is_typing: bool) {
        self.is_typing = is_typing;
    }

    /// Returns `true` if the agent was typing at the last poll.
    pub fn is_agent_typing(&self) -> bool {
        self.is_agent_typing
    }

    /// Returns the next line of an agent or the system, in the order of the index and each once.
    /// `None`: the chat is over, because it was [closed](Self::close) here, or because SnapEngage
    /// does not find any more what it found before.
    ///
    /// It polls until there is a line, no faster than [every 2 seconds](Self::poll_every). No line
    /// is lost if the future is dropped before it is ready, so it may stand in
    /// [`select!`](tokio::select). The visitor's own lines are not returned.
    ///
    /// # Errors
    ///
    /// If SnapEngage refuses a poll, or does not answer it. Calling again polls again, at the same
    /// index.
    pub async fn next(&mut self) -> Result<Option<ChatLine>, ClientError> {
        loop {
            if let Some(line) = self.lines.pop_front() {
                return Ok(Some(line));
            }
            if self.state == State::Over {
                return Ok(None);
            }
            self.poll().await?;
        }
    }

    /// Fetches the next lines. Nothing but the pace is changed before all of them are there: a
    /// future that is dropped loses none.
    async fn poll(&mut self) -> Result<(), ClientError> {
        if let Some(polled) = self.polled {
            sleep(self.interval.saturating_sub(polled.elapsed())).await;
        }
        self.polled = Some(Instant::now());
        let answer = self.poll_once().await;
        if answer.is_err() {
            // The last of several attempts was just now.
            self.polled = Some(Instant::now());
        }
        match answer {
            Err(error) if error.is_not_found() && self.state == State::Open => {
                self.state = State::Over;
                Ok(())
            }
            answer => answer.map(|answer| self.take(answer)),
        }
    }

    async fn poll_once(&self) -> Result<PolledLines, ClientError> {
        let path = ["api", "v1", "chat", "poll", self.case_id.as_str()];
        let mut call = self.chats.call(Operation::Poll, &path);
        if self.seen >= 0 {
            call = call.query("index", &self.seen.saturating_add(1).to_string());
        }
        if self.is_typing {
            call = call.query("isTyping", "true");
        }
        call.send().await?.read_by(PolledLines::logged)
    }

    fn take(&mut self, polled: PolledLines) {
        self.state = State::Open;
        self.is_typing = false;
        self.is_agent_typing = polled.agent_typing == Some(true);
        let mut lines = polled.message_list;
        lines.sort_by_key(|line| line.index);
        for line in lines {
            if line.index > self.seen {
                self.seen = line.index;
                self.lines.push_back(line);
            }
        }
    }
}

impl fmt::Debug for VisitorChat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("VisitorChat")
            .field("case_id", &self.case_id)
            .field("state", &self.state)
            .finish_non_exhaustive()
    }
}

/// Call that closes a chat. It is sent when it is awaited.
///
/// It fails if SnapEngage refuses it, or does not answer it: the chat is as open as before then,
/// and can be closed again.
#[must_use = "the call is sent when it is awaited"]
pub struct CloseChat<'c> {
    chat: &'c mut VisitorChat,
    message: Option<String>,
}

impl CloseChat<'_> {
    /// Adds a last message of the visitor.
    pub fn message(mut self, message: impl Into<String>) -> Self {
        self.message = Some(message.into());
        self
    }

    async fn send(self) -> Result<(), ClientError> {
        let Self { chat, message } = self;
        let call = chat.chats.form(Operation::CloseChat).query("caseId", chat.case_id.as_str());
        let call = with(call.query("messageType", "2"), "messageBody", message.as_deref());
        let was_found = chat.state != State::Unpolled;
        match call.send().await {
            // What an attempt whose answer was lost closed may not be found any more.
            Err(error) if error.is_not_found() && (was_found || error.may_have_been_done()) => {}
            Err(error) => return Err(error),
            Ok(_) => {}
        }
        chat.state = State::Over;
        Ok(())
    }
}

impl<'c> IntoFuture for CloseChat<'c> {
    type Output = Result<(), ClientError>;
    type IntoFuture = Pin<Box<dyn Future<Output = Self::Output> + Send + 'c>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(self.send())
    }
}

impl fmt::Debug for CloseChat<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CloseChat").field("chat", &self.chat).finish_non_exhaustive()
    }
}

/// Adds what a visitor gave, if anything.
pub(super) fn with(call: Call, name: &str, value: Option<&str>) -> Call {
    match value {
        Some(value) => call.private_query(name, value),
        None => call,
    }
}
