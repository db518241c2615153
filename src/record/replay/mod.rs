//! Replay of a recording: each request again, and its answer beside the recorded one.

mod compare;
mod gaps;
mod outgoing;
mod plan;
mod report;
mod run;
mod stand_ins;
mod target;

use std::fmt;
use std::pin::Pin;

use self::plan::{Plan, Speed};
use self::run::PlaybackRun;
use super::change::FieldChange;
use super::recording::Recording;
use crate::api::Api;

pub use self::report::{PlaybackReport, Replayed};
pub use self::target::ReplayTarget;

impl Recording {
    /// Replays the recording: sends each request again, in order, and compares the answers.
    ///
    /// See [`Playback`] for its options, and await it.
    pub fn replay(&self, target: impl Into<ReplayTarget>) -> Playback<'_> {
        let (plan, target) = (Plan::default(), target.into());
        Playback { recording: self, target, plan, on_each: None }
    }
}

/// Replay of a recording. It begins when it is awaited, and ends in a [`PlaybackReport`].
///
/// ```
/// use snapengage::bot::{self, Reply};
/// use snapengage::record::Recording;
/// use snapengage::{Receiver, Token};
///
/// # #[tokio::main(flavor = "current_thread", start_paused = true)]
/// # async fn main() -> Result<(), snapengage::BuildError> {
/// # let recording = Recording::samples();
/// let bot = bot::from_fn(|message| async move { Ok(Reply::say(message.text)) });
/// let receiver = Receiver::builder().bot("/bot", Token::new("my-token"), bot).build()?;
///
/// // let recording = Recording::open("recordings/2026-11-25")?;
/// let replay = recording.replay(&receiver).token("my-token").only(snapengage::Api::Bot);
/// replay.await.assert_same();
/// # Ok(())
/// # }
/// ```
///
/// - The requests of one case are sent in order: each after the answer to the one before it.
///   Those of different cases are sent as they were recorded.
/// - The gaps between requests are kept if tokio's time is [paused](crate::testing#time), where
///   they take no time; if it is not, there are none, unless a [speed](Self::speed) is set. A gap
///   of more than 30 days counts as 30 days.
/// - A request that was refused with 401 is sent with a wrong token. A body that was cut is padded
///   to its length, or to 64 MiB. Left out is what was answered 408, what was accepted although its
///   body is not here in full, since the recorder keeps the start of a long one, and what the proxy
///   answered by itself: no receiver would answer so.
/// - The status is compared, and the body: as JSON if both are, else to the byte. A pseudonym in
///   the recorded answer matches any value of its kind; equal ones have to stay equal, and one that
///   was sent stands for itself. Of an answer that was recorded in part, its start is compared.
/// - Where no answer was recorded, a success is expected; if the body was cut as well, anything but
///   a failure of the receiver.
#[must_use = "a replay begins when it is awaited"]
pub struct Playback<'r> {
    recording: &'r Recording,
    target: ReplayTarget,
    plan: Plan,
    on_each: Option<OnEach<'r>>,
}

type OnEach<'r> = Box<dyn FnMut(&Replayed) + Send + 'r>;

impl<'r> Playback<'r> {
    /// Sends this token in `Authorization`, wherever one was accepted.
    pub fn token(mut self, token: impl Into<String>) -> Self {
        self.plan.token = Some(token.into());
        self
    }

    /// Sends another token to one API.
    pub fn token_of(mut self, api: Api, token: impl Into<String>) -> Self {
        self.plan.tokens.push((api, token.into()));
        self
    }

    /// Sends the requests of an API to this path, and not to the recorded one. A path that ends in
    /// a secret was recorded without it, and has to be said here.
    pub fn path(mut self, api: Api, path: impl Into<String>) -> Self {
        self.plan.paths.push((api, path.into()));
        self
    }

    /// Sends the requests of all APIs that have no path of their own here to this one; to
    /// `/` of a `RemoteReceiver` whose address has a path, to that.
    pub fn every_path(mut self, path: impl Into<String>) -> Self {
        self.plan.path = Some(path.into());
        self
    }

    /// Sends the requests of this API, and of others that are chosen so, and leaves out the rest.
    pub fn only(mut self, api: Api) -> Self {
        self.plan.only.push(api);
        self
    }

    /// Keeps the gaps between requests, divided by this: 10 is ten times as fast.
    ///
    /// # Panics
    ///
    /// If it is not more than zero, or infinite.
    pub fn speed(mut self, times: f64) -> Self {
        assert!(times > 0.0 && times.is_finite(), "expected a speed of more than zero");
        self.plan.speed = Speed::Times(times);
        self
    }

    /// Changes a field in every request. The answers are compared with the recorded ones all the
    /// same.
    pub fn set(mut self, change: FieldChange) -> Self {
        self.plan.changes.push(change);
        self
    }

    /// Gives each case a new id, in the requests and in what is compared: a receiver that
    /// remembers the recorded ones takes them as new.
    pub fn fresh_ids(mut self) -> Self {
        self.plan.has_fresh_ids = true;
        self
    }

    /// Calls this with each outcome as it comes.
    pub fn on_each(mut self, on_each: impl FnMut(&Replayed) + Send + 'r) -> Self {
        self.on_each = Some(Box::new(on_each));
        self
    }
}

impl<'r> IntoFuture for Playback<'r> {
    type Output = PlaybackReport;
    type IntoFuture = Pin<Box<dyn Future<Output = PlaybackReport> + Send + 'r>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(PlaybackRun::new(self.target, self.plan, self.on_each).of(self.recording))
    }
}

impl fmt::Debug for Playback<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Playback")
            .field("recording", &self.recording)
            .field("target", &self.target)
            .field("plan", &self.plan)
            .finish_non_exhaustive()
    }
}
