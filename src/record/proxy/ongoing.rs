//! Exchange that goes through the proxy, and the copies of its bodies.

use std::error::Error;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, ready};

use bytes::{Bytes, BytesMut};
use http::StatusCode;
use http_body::{Body, Frame, SizeHint};
use http_body_util::{Either, Full};
use hyper::body::Incoming;
use tokio::time::Instant;

use crate::clock;
use crate::record::about;
use crate::record::exchange::{Cut, Exchange, RecordedMessage, RecordedResponse};
use crate::record::recorder::credential;
use crate::record::writer::RecordWriter;
use crate::timestamp::Timestamp;

/// Bytes of a body that are recorded: as many as a receiver takes by default.
const LIMIT: usize = 2 << 20;

/// Exchange that is recorded once it is dropped: behind the end of its answer, or when the caller
/// has hung up.
pub(super) struct Ongoing {
    writer: Arc<RecordWriter>,
    at: Timestamp,
    arrived: Instant,
    request: RecordedMessage,
    body: BodyCopy,
    response: Option<RecordedResponse>,
    answer: BytesMut,
}

impl Ongoing {
    pub(super) fn start(
        writer: Arc<RecordWriter>,
        request: RecordedMessage,
        body: BodyCopy,
    ) -> Self {
        Self {
            writer,
            at: clock::now(),
            arrived: Instant::now(),
            request,
            body,
            response: None,
            answer: BytesMut::new(),
        }
    }

    /// Takes note of the head of the receiver's answer.
    pub(super) fn answered(&mut self, status: StatusCode, message: RecordedMessage) {
        let took = self.arrived.elapsed();
        self.response = Some(RecordedResponse { status, took, is_of_proxy: false, message });
    }

    /// Takes note of the head of an answer of the proxy's own.
    pub(super) fn refused(&mut self, status: StatusCode, message: RecordedMessage) {
        let took = self.arrived.elapsed();
        self.response = Some(RecordedResponse { status, took, is_of_proxy: true, message });
    }

    fn exchange(&mut self) -> Exchange {
        let mut request = std::mem::take(&mut self.request);
        let mut response = self.response.take();
        let status = response.as_ref().map(|response| response.status);
        for (name, value) in &mut request.headers {
            if name.eq_ignore_ascii_case("authorization") {
                *value = credential(status, None);
            }
        }
        let cut;
        (request.body, cut) = self.body.take();
        if let Some(response) = &mut response {
            response.message.body = std::mem::take(&mut self.answer).freeze();
        }
        Exchange {
            number: 0,
            at: self.at,
            offset: self.at.saturating_duration_since(self.writer.started()),
            api: None,
            event: String::new(),
            case_id: None,
            error: None,
            is_path_known: false,
            request,
            cut,
            response,
        }
    }
}

impl Drop for Ongoing {
    fn drop(&mut self) {
        let exchange = self.exchange();
        self.writer.put(exchange, about::complete);
    }
}

/// Copy of the start of a request's body, while that is passed on.
#[derive(Clone)]
pub(super) struct BodyCopy(Arc<Mutex<Copied>>);

struct Copied {
    bytes: BytesMut,
    announced: Option<u64>,
    end: BodyEnd,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum BodyEnd {
    Awaited,
    Seen,
    /// Its start alone is recorded.
    TooFar,
}

impl BodyCopy {
    pub(super) fn of(body: &Incoming) -> Self {
        let end = if body.is_end_stream() { BodyEnd::Seen } else { BodyEnd::Awaited };
        let announced = body.size_hint().exact();
        Self(Arc::new(Mutex::new(Copied { bytes: BytesMut::new(), announced, end })))
    }

    /// Returns `true` if all of the body has come.
    pub(super) fn is_whole(&self) -> bool {
        self.lock().end != BodyEnd::Awaited
    }

    fn push(&self, frame: Option<&Frame<Bytes>>, is_end: bool) {
        let mut copied = self.lock();
        if let Some(data) = frame.and_then(Frame::data_ref) {
            let room = LIMIT - copied.bytes.len();
            copied.bytes.extend_from_slice(&data[..data.len().min(room)]);
            if data.len() > room {
                copied.end = BodyEnd::TooFar;
            }
        }
        if is_end && copied.end == BodyEnd::Awaited {
            copied.end = BodyEnd::Seen;
        }
    }

    /// Returns what came of the body, and what it announced if that is not all.
    fn take(&self) -> (Bytes, Option<Cut>) {
        let mut copied = self.lock();
        let cut = match copied.announced {
            _ if copied.end == BodyEnd::Seen => None,
            Some(length) => Some(Cut::Announced(length)),
            None => Some(Cut::Unknown),
        };
        (std::mem::take(&mut copied.bytes).freeze(), cut)
    }

    fn lock(&self) -> MutexGuard<'_, Copied> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Body of a request, copied while it is passed on.
pub(super) struct CopiedBody {
    pub(super) body: Incoming,
    pub(super) copy: BodyCopy,
}

impl Body for CopiedBody {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        let frame = ready!(Pin::new(&mut self.body).poll_frame(context));
        match &frame {
            Some(Ok(frame)) => self.copy.push(Some(frame), self.body.is_end_stream()),
            Some(Err(_)) => {}
            None => self.copy.push(None, true),
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

/// Body of an answer, copied while it goes back.
pub(crate) struct AnswerBody {
    /// The receiver's, or the proxy's own.
    pub(super) body: Either<Incoming, Full<Bytes>>,
    pub(super) ongoing: Ongoing,
}

impl Body for AnswerBody {
    type Data = Bytes;
    type Error = Box<dyn Error + Send + Sync>;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        let frame = ready!(Pin::new(&mut self.body).poll_frame(context));
        if let Some(Ok(frame)) = &frame
            && let Some(data) = frame.data_ref()
        {
            let copy = &mut self.ongoing.answer;
            let room = LIMIT - copy.len();
            copy.extend_from_slice(&data[..data.len().min(room)]);
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
