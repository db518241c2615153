//! Reads the body of a request, up to a limit and a deadline.

use std::error::Error;
use std::future::poll_fn;
use std::pin::pin;
use std::task::Poll;
use std::time::Duration;

use bytes::{Buf, BufMut, Bytes, BytesMut};
use http::HeaderMap;
use http::header::{CONTENT_ENCODING, EXPECT};
use http_body_util::BodyExt;
use tokio::time::timeout;

use super::observer::Observation;
use crate::endpoint::rejection::Rejection;

/// Size and time limits of a body.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Limits {
    /// Limit in bytes.
    pub(crate) size: usize,
    /// Deadline of the whole body, from its first byte to its last.
    pub(crate) deadline: Duration,
}

pub(crate) async fn read<B>(
    headers: &HeaderMap,
    body: B,
    limits: Limits,
    seen: &mut Observation<'_>,
) -> Result<Bytes, Rejection>
where
    B: http_body::Body,
    B::Error: Into<Box<dyn Error + Send + Sync>>,
{
    if body.is_end_stream() {
        return Ok(Bytes::new());
    }
    // No coding is decoded: gzip grows a thousandfold, past any limit on what is sent.
    refuse_encodings(headers)?;
    // A body whose declared length is too large is refused before a byte of it is read. The length
    // may lie, or be missing if the body is chunked, so the bytes are counted as well.
    if body.size_hint().lower() > limits.size as u64 {
        if seen.sees_bodies() && !headers.contains_key(EXPECT) {
            seen.part_of_body(start_of(body).await);
        }
        return Err(Rejection::too_large(limits.size));
    }
    let mut collected = Collected::default();
    let end = within(limits.deadline, collect(body, limits.size, &mut collected)).await;
    let read = collected.into_bytes();
    match end.unwrap_or_else(|| Err(Rejection::too_slow(limits.deadline))) {
        Ok(()) => {
            seen.body(&read);
            Ok(read)
        }
        Err(rejection) => {
            seen.part_of_body(read);
            Err(rejection)
        }
    }
}

/// Returns what is there already of a body that is refused unread. Nothing is waited for, and who
/// asked whether to send it (RFC 9110, 10.1.1) is not told to.
async fn start_of<B: http_body::Body>(body: B) -> Bytes {
    const ENOUGH: usize = 64 * 1024;
    let mut body = pin!(body);
    let mut collected = Collected::default();
    while collected.len() < ENOUGH {
        let at_once = poll_fn(|context| Poll::Ready(body.as_mut().poll_frame(context))).await;
        let Poll::Ready(Some(Ok(frame))) = at_once else { break };
        if let Ok(data) = frame.into_data() {
            collected.push(data);
        }
    }
    collected.into_bytes()
}

/// Returns the output of the work, or `None` if it takes too long.
async fn within<F: Future>(limit: Duration, work: F) -> Option<F::Output> {
    let mut work = pin!(work);
    // Most bodies arrive with their heads: those need no timer.
    let at_once = poll_fn(|context| Poll::Ready(work.as_mut().poll(context)));
    match at_once.await {
        Poll::Ready(done) => Some(done),
        Poll::Pending => timeout(limit, work).await.ok(),
    }
}

/// Codings that change a body, as registered for HTTP (RFC 9110, 16.6.1). Anything else is a
/// charset, a mistake, or nothing: the body itself shows whether it can be read.
const CODINGS: &[&str] = &[
    "aes128gcm",
    "br",
    "compress",
    "dcb",
    "dcz",
    "deflate",
    "exi",
    "gzip",
    "pack200-gzip",
    "x-compress",
    "x-gzip",
    "zstd",
];

fn refuse_encodings(headers: &HeaderMap) -> Result<(), Rejection> {
    let values = headers.get_all(&CONTENT_ENCODING).iter();
    let mut encodings = values.flat_map(|value| value.as_bytes().split(|&byte| byte == b','));
    if encodings.any(is_coding) {
        return Err(Rejection::unsupported_encoding());
    }
    Ok(())
}

/// Returns `true` if the body is coded, by one element of the list: parameters and quotes, which it
/// may not have, are ignored.
fn is_coding(encoding: &[u8]) -> bool {
    let name = encoding.split(|&byte| byte == b';').next().unwrap_or_default().trim_ascii();
    let name = name.strip_prefix(b"\"").unwrap_or(name);
    let name = name.strip_suffix(b"\"").unwrap_or(name);
    CODINGS.iter().any(|coding| name.eq_ignore_ascii_case(coding.as_bytes()))
}

/// Collects a body, up to the limit. One that came in one piece is not copied.
async fn collect<B>(body: B, limit: usize, collected: &mut Collected) -> Result<(), Rejection>
where
    B: http_body::Body,
    B::Error: Into<Box<dyn Error + Send + Sync>>,
{
    let mut body = pin!(body);
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(Rejection::broken_body)?;
        let Ok(data) = frame.into_data() else {
            continue;
        };
        // No underflow: the length so far is within the limit.
        let is_too_large = data.remaining() > limit - collected.len();
        collected.push(data);
        if is_too_large {
            return Err(Rejection::too_large(limit));
        }
    }
    Ok(())
}

/// Part of a body that has come.
#[derive(Default)]
struct Collected {
    /// The first piece, while there is no other.
    first: Bytes,
    /// All pieces, once there are several.
    all: BytesMut,
}

impl Collected {
    fn len(&self) -> usize {
        self.first.len() + self.all.len()
    }

    fn push(&mut self, mut data: impl Buf) {
        // Most bodies are one piece, which is the server's own buffer: it is not copied.
        if self.len() == 0 {
            self.first = data.copy_to_bytes(data.remaining());
            return;
        }
        if self.all.is_empty() {
            self.all.reserve(self.first.len() + data.remaining());
            self.all.extend_from_slice(&std::mem::take(&mut self.first));
        }
        self.all.put(data);
    }

    fn into_bytes(self) -> Bytes {
        if self.all.is_empty() { self.first } else { self.all.freeze() }
    }
}
