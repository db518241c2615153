//! Sessions: one for each open page, with the actions that wait for it.

use std::collections::VecDeque;
use std::error::Error;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use bytes::Bytes;
use tokio::time::Instant;

use super::action::{Action, ActionDetail};
use crate::error::debug_is_text;
use crate::id::{AgentId, ConversationId};

/// Session of one open page: the way back to the Hub that the page is in.
///
/// It is cheap to clone, and may be kept to act later, in any conversation that the page has told
/// of. A page that loses its connection has half a minute to come back for what waits; a page that
/// is loaded again is another session.
///
/// ```
/// use std::time::Duration;
///
/// use snapengage::hub::{self, ActionDetail, EventDetail};
///
/// let handler = hub::from_fn(|event, session| async move {
///     if let EventDetail::ConversationStarted(_) = event.detail {
///         tokio::spawn(async move {
///             tokio::time::sleep(Duration::from_secs(60)).await;
///             let reminder = ActionDetail::populate_text("Are you still there?");
///             if let Err(error) = session.act(event.conversation_id, reminder) {
///                 eprintln!("{error}");
///             }
///         });
///     }
///     Ok(vec![])
/// });
/// # let _ = handler;
/// ```
#[derive(Clone)]
pub struct Session(Arc<SharedSession>);

struct SharedSession {
    id: Box<str>,
    max_waiting: usize,
    state: Mutex<SessionState>,
}

struct SessionState {
    /// Agent that the page named last.
    agent: Option<AgentId>,
    /// Number of the last event that was taken.
    last_event: u64,
    /// Actions that wait, or that were written and may have to be again, with their numbers.
    actions: VecDeque<(u64, Bytes)>,
    /// Number of the last action.
    last_action: u64,
    /// Number of the last action that was written.
    written: u64,
    /// Number of streams so far: the last is the one that is read.
    streams: u64,
    reader: Option<Waker>,
    connection: PageConnection,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum PageConnection {
    Open,
    LostAt(Instant),
    /// For good.
    Over,
}

/// Time for a page whose connection is lost to come back.
const COME_BACK: Duration = Duration::from_secs(30);

impl Session {
    pub(super) fn new(id: Box<str>, max_waiting: usize) -> Self {
        let state = SessionState {
            agent: None,
            last_event: 0,
            actions: VecDeque::new(),
            last_action: 0,
            written: 0,
            streams: 0,
            reader: None,
            connection: PageConnection::LostAt(Instant::now()),
        };
        Self(Arc::new(SharedSession { id, max_waiting, state: Mutex::new(state) }))
    }

    /// Has the Hub act in a conversation, on behalf of the agent that the page named last.
    ///
    /// The action waits for the page if its connection is lost. Whether the Hub carries it out is
    /// not told.
    ///
    /// # Errors
    ///
    /// If the page is gone, has too many actions waiting, or has named no agent.
    pub fn act(
        &self,
        conversation_id: impl Into<ConversationId>,
        detail: ActionDetail,
    ) -> Result<(), ActionError> {
        let agent = self.lock().agent.clone().ok_or(ActionError(ActionProblem::NoAgent))?;
        self.send(&Action::new(conversation_id, agent.email(), detail))
    }

    /// Has the Hub carry out an action, as [`act`](Self::act) does, on behalf of any agent.
    ///
    /// # Errors
    ///
    /// If the page is gone, or has too many actions waiting.
    pub fn send(&self, action: &Action) -> Result<(), ActionError> {
        let json = Bytes::from(action.to_json());
        let mut state = self.lock();
        if state.is_over() {
            return Err(ActionError(ActionProblem::PageGone));
        }
        if state.actions.len() >= self.0.max_waiting {
            state.forget_one_written()?;
        }
        state.last_action += 1;
        let number = state.last_action;
        state.actions.push_back((number, json));
        let reader = state.reader.take();
        drop(state);
        reader.into_iter().for_each(Waker::wake);
        Ok(())
    }

    /// Returns `true` if the page is open, or may still come back.
    pub fn is_open(&self) -> bool {
        !self.lock().is_over()
    }

    pub(super) fn id(&self) -> &str {
        &self.0.id
    }

    /// Returns the time at which the connection was lost, if it is.
    pub(super) fn lost_at(&self) -> Option<Instant> {
        match self.lock().connection {
            PageConnection::LostAt(since) => Some(since),
            PageConnection::Open | PageConnection::Over => None,
        }
    }

    /// Takes an event by its number on the page; `false` if it was taken before.
    pub(super) fn take(&self, number: u64, agent: Option<&AgentId>) -> bool {
        let mut state = self.lock();
        if let Some(agent) = agent {
            state.agent = Some(agent.clone());
        }
        let is_new = number > state.last_event;
        state.last_event = state.last_event.max(number);
        is_new
    }

    /// Lets an event be taken again.
    pub(super) fn give_back(&self, number: u64) {
        let mut state = self.lock();
        if state.last_event == number {
            state.last_event = number.saturating_sub(1);
        }
    }

    /// Starts a stream behind an action that the page has. One that there is already ends.
    pub(super) fn attach(&self, has: u64) -> u64 {
        let mut state = self.lock();
        state.actions.retain(|(number, _)| *number > has);
        state.written = has.min(state.last_action);
        state.streams += 1;
        state.connection = PageConnection::Open;
        let stream = state.streams;
        let reader = state.reader.take();
        drop(state);
        reader.into_iter().for_each(Waker::wake);
        stream
    }

    /// Ends a stream, of which the page may come back for another.
    pub(super) fn detach(&self, stream: u64) {
        let mut state = self.lock();
        if state.streams == stream && state.connection == PageConnection::Open {
            state.connection = PageConnection::LostAt(Instant::now());
        }
    }

    /// Ends the session.
    pub(super) fn end(&self) {
        let mut state = self.lock();
        state.connection = PageConnection::Over;
        let reader = state.reader.take();
        drop(state);
        reader.into_iter().for_each(Waker::wake);
    }

    /// Returns what is to be written to a stream; `None` if it has come to its end.
    pub(super) fn poll_written(
        &self,
        stream: u64,
        context: &mut Context<'_>,
    ) -> Poll<Option<Bytes>> {
        let mut state = self.lock();
        if state.streams != stream {
            return Poll::Ready(None);
        }
        let mut events = String::new();
        for (number, json) in state.actions.iter().filter(|(number, _)| *number > state.written) {
            // JSON is UTF-8, and has its line breaks escaped.
            let json = String::from_utf8_lossy(json);
            events += &format!("id: {}.{number}\nevent: action\ndata: {json}\n\n", self.0.id);
        }
        state.written = state.last_action;
        if !events.is_empty() {
            return Poll::Ready(Some(events.into()));
        }
        if state.is_over() {
            return Poll::Ready(None);
        }
        state.reader = Some(context.waker().clone());
        Poll::Pending
    }

    fn lock(&self) -> MutexGuard<'_, SessionState> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl SessionState {
    /// Returns `true` if the page will not come back; it is told that, too.
    fn is_over(&mut self) -> bool {
        if let PageConnection::LostAt(since) = self.connection
            && since.elapsed() >= COME_BACK
        {
            self.connection = PageConnection::Over;
            self.actions = VecDeque::new();
        }
        self.connection == PageConnection::Over
    }

    /// Makes room: the page, which reads them in order, most likely has the oldest.
    fn forget_one_written(&mut self) -> Result<(), ActionError> {
        if self.actions.front().is_some_and(|(number, _)| *number <= self.written) {
            self.actions.pop_front();
            return Ok(());
        }
        Err(ActionError(ActionProblem::TooManyWaiting))
    }
}

impl fmt::Debug for Session {
    /// Without the id: whoever knows it reads the actions.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let connection = self.lock().connection;
        f.debug_struct("Session").field("connection", &connection).finish_non_exhaustive()
    }
}

/// Error of an action that was not taken.
#[derive(Clone, PartialEq, Eq)]
pub struct ActionError(ActionProblem);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum ActionProblem {
    PageGone,
    TooManyWaiting,
    NoAgent,
}

impl ActionError {
    /// Returns `true` if the page is gone for good: no later action would be taken either.
    pub fn is_page_gone(&self) -> bool {
        self.0 == ActionProblem::PageGone
    }

    pub(super) fn as_str(&self) -> &'static str {
        match self.0 {
            ActionProblem::PageGone => "hub action: the page is gone",
            ActionProblem::TooManyWaiting => "hub action: too many wait for the page",
            ActionProblem::NoAgent => "hub action: the page has named no agent",
        }
    }
}

impl fmt::Display for ActionError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

debug_is_text!(ActionError);

impl Error for ActionError {}
