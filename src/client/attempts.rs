//! Attempts of a call: how long one may take, and what may follow it.

use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http::{Response, StatusCode};
use http_body::Body;
use http_body_util::BodyExt;
use tokio::time::{Instant, timeout_at};

use super::call::Call;
use super::error::{Cause, ClientError, Failure, Retry};
use super::excerpt::{Private, START, excerpt};
use super::redirect::location;
use super::repeat::{Prospect, retry_after};
use super::transport::{ResponseBody, TransportError};
use crate::clock;
use crate::error::WithCauses;
use crate::panics::log_safely;

/// Attempts of one call.
pub(super) struct Attempts<'c> {
    call: &'c Call,
    /// Texts that no error may repeat: those of the call, and where redirects led.
    pub(super) private: Private,
    pub(super) made: u32,
    deadline: Instant,
    /// End of the current attempt.
    pub(super) ends: Instant,
    /// `true` if an attempt that failed may have been done all the same.
    perhaps_done: bool,
}

impl<'c> Attempts<'c> {
    pub(super) fn new(call: &'c Call) -> Self {
        let deadline = after(call.client.settings().call_deadline);
        let private = call.private.clone();
        Self { call, private, made: 0, deadline, ends: deadline, perhaps_done: false }
    }

    /// Returns the head of an answer of success.
    pub(super) async fn head(&mut self) -> Result<Response<ResponseBody>, ClientError> {
        if let Err(mistake) = self.call.check() {
            return Err(self.call.error(mistake, 0, false));
        }
        loop {
            self.made += 1;
            self.call.tally.attempt();
            self.ends = self.deadline.min(after(self.limit()));
            let ends = self.ends;
            match timeout_at(ends, self.attempt()).await {
                Ok(Ok(response)) => return Ok(response),
                Ok(Err(failure)) => self.failed(failure).await?,
                Err(_) => self.failed(self.timed_out()).await?,
            }
        }
    }

    /// Returns the time for an attempt.
    pub(super) fn limit(&self) -> Duration {
        self.call.client.settings().attempt_timeout
    }

    async fn attempt(&mut self) -> Result<Response<ResponseBody>, Failure> {
        let response = self.exchange().await?;
        let status = response.status();
        log_safely(|| tracing::debug!(attempt = self.made, status = status.as_u16(), "answered"));
        if status.is_success() {
            return Ok(response);
        }
        // What an attempt whose answer was lost deleted is not there any more.
        let was_deleted = self.call.operation.is_delete() && self.perhaps_done;
        if was_deleted && status == StatusCode::NOT_FOUND {
            return Ok(Response::new(ResponseBody::from("")));
        }
        Err(self.status_failure(response).await)
    }

    /// Sends the request once, and follows redirects.
    async fn exchange(&mut self) -> Result<Response<ResponseBody>, Failure> {
        const MOST_REDIRECTS: usize = 5;
        let mut address = self.call.address()?;
        for _ in 0..=MOST_REDIRECTS {
            let response = self.call.client.transport().send(self.call.request(&address)).await;
            let response = response.map_err(|error| self.transport_failure(&error))?;
            match location(&response) {
                Some(location) => {
                    address = self.call.follow(&address, response.status(), location)?;
                    self.private.add_address(&address);
                }
                None => return Ok(response),
            }
        }
        Err(Failure::Astray("redirected again and again"))
    }

    fn transport_failure(&self, error: &TransportError) -> Failure {
        if error.is_not_sent() { Failure::NotSent(self.cause(error)) } else { self.broken(error) }
    }

    /// Returns the failure of an answer that ended early: by then, the request was sent.
    pub(super) fn broken(&self, error: &TransportError) -> Failure {
        Failure::Broken(self.cause(error))
    }

    fn cause(&self, error: &TransportError) -> Cause {
        let causes = std::error::Error::source(error).map(|cause| WithCauses(cause).to_string());
        Cause(self.private.scrub(&causes.unwrap_or_default()))
    }

    /// Reads all of an answer, up to a limit.
    pub(super) async fn whole(
        &self,
        response: Response<ResponseBody>,
        limit: usize,
    ) -> Result<Bytes, Failure> {
        let mut bytes = BytesMut::new();
        match fill(&mut bytes, response.into_body(), limit).await {
            Ok(()) => Ok(bytes.freeze()),
            Err(Unread::TooLarge) => Err(Failure::TooLarge(limit as u64)),
            Err(Unread::Broken(error)) => Err(self.broken(&error)),
        }
    }

    /// Returns the failure that an answer other than a success is, before the attempt ends.
    async fn status_failure(&self, response: Response<ResponseBody>) -> Failure {
        /// Shorter than the attempt: past that, a refusal would be no more than a timeout.
        const LONGEST: Duration = Duration::from_secs(2);
        let status = response.status();
        let retry = retry_after(response.headers())
            .map(|after| Retry { after, at: clock::now().saturating_add(after) });
        let mut body = BytesMut::new();
        let read = fill(&mut body, response.into_body(), START);
        match timeout_at(self.ends.min(after(LONGEST)), read).await {
            Ok(Ok(()) | Err(Unread::TooLarge)) => {}
            // The status says enough if the rest does not come.
            Ok(Err(Unread::Broken(_))) | Err(_) => body.clear(),
        }
        Failure::Status { status, retry, excerpt: excerpt(&body, &self.private) }
    }

    pub(super) fn timed_out(&self) -> Failure {
        let settings = self.call.client.settings();
        let is_last = self.ends == self.deadline;
        let limit = if is_last { settings.call_deadline } else { self.limit() };
        Failure::TimedOut(limit)
    }

    /// Waits before another attempt, if there may be one.
    ///
    /// # Errors
    ///
    /// If there may be none, which is the end of the call.
    pub(super) async fn failed(&mut self, failure: Failure) -> Result<(), ClientError> {
        let prospect = failure.prospect();
        self.perhaps_done |= prospect == Prospect::PerhapsDone || failure.is_of_a_success();
        let Some(wait) = self.wait(&failure, prospect) else {
            return Err(self.end(failure));
        };
        let (attempt, wait_ms) = (self.made, wait.as_millis());
        log_safely(|| tracing::warn!(attempt, wait_ms, "{failure}, tried again"));
        tokio::time::sleep(wait).await;
        Ok(())
    }

    /// Returns the error that the call ends with.
    pub(super) fn end(&self, failure: Failure) -> ClientError {
        self.call.error(failure, self.made, self.perhaps_done)
    }

    /// Returns the wait before another attempt, if there may be one and there is time for it.
    fn wait(&self, failure: &Failure, prospect: Prospect) -> Option<Duration> {
        let settings = self.call.client.settings();
        if self.made >= settings.attempts || !prospect.allows(self.call.operation.repeat()) {
            return None;
        }
        let backoff = settings.backoff.full_jitter(self.made);
        let asked = failure.retry_after().unwrap_or_default();
        let wait = backoff.max(asked);
        (after(wait) < self.deadline).then_some(wait)
    }
}

impl Failure {
    fn prospect(&self) -> Prospect {
        match self {
            Self::NotSent(_) => Prospect::NotDone,
            Self::Broken(_) | Self::TimedOut(_) => Prospect::PerhapsDone,
            Self::Status { status, .. } => Prospect::of_status(*status),
            _ => Prospect::Hopeless,
        }
    }

    /// Returns `true` if the answer was a success, though not one to be used.
    pub(super) fn is_of_a_success(&self) -> bool {
        use Failure::{Malformed, NotWritten, SeeOther, TooLarge};
        matches!(self, Malformed { .. } | TooLarge(_) | SeeOther | NotWritten(_))
    }

    fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Status { retry, .. } => retry.map(|retry| retry.after),
            _ => None,
        }
    }
}

/// Returns the moment so long from now. `Duration::MAX` is for ever.
pub(super) fn after(wait: Duration) -> Instant {
    const FOR_EVER: Duration = Duration::from_secs(30 * 365 * 24 * 60 * 60);
    Instant::now() + wait.min(FOR_EVER)
}

/// Reason why not all of a body was read.
enum Unread {
    /// One byte more than the limit was.
    TooLarge,
    Broken(TransportError),
}

/// Reads a body, up to a limit and a byte. It is not kept in the parts that it came in: those of a
/// byte each take forty times as much memory.
async fn fill(bytes: &mut BytesMut, mut body: ResponseBody, limit: usize) -> Result<(), Unread> {
    // Whoever announces more has to send it first.
    const MOST_AT_ONCE: u64 = 1024 * 1024;
    let announced = body.size_hint().lower().min(MOST_AT_ONCE);
    bytes.reserve(limit.min(usize::try_from(announced).unwrap_or(limit)));
    while let Some(frame) = body.frame().await {
        let Ok(part) = frame.map_err(Unread::Broken)?.into_data() else { continue };
        let room = limit - bytes.len();
        bytes.extend_from_slice(&part[..part.len().min(room.saturating_add(1))]);
        if part.len() > room {
            return Err(Unread::TooLarge);
        }
    }
    Ok(())
}
