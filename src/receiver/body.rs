//! Reads the body of a request, up to a limit and a deadline.

use std::error::Error;
use std::pin::pin;
use std::task::Poll;
use std::time::Duration;

use bytes::{Buf, BufMut, Bytes, BytesMut};
use http::HeaderMap;
use http::header::CONTENT_ENCODING;
use http_body_util::BodyExt;
use tokio::time::timeout;

use crate::endpoint::rejection::Rejection;

/// How large a body may be, and how long it may take.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Limits {
    /// In bytes.
    pub(crate) size: usize,
    /// For the whole body, from its first byte to its last.
    pub(crate) deadline: Duration,
}

pub(crate) async fn read<B>(
    headers: &HeaderMap,
    body: B,
    limits: Limits,
) -> Result<Bytes, Rejection>
where
    B: http_body::Body,
    B::Error: Into<Box<dyn Error + Send + Sync>>,
{
    if body.is_end_stream() {
        return Ok(Bytes::new());
    }
    // None is decoded: gzip grows a thousandfold, past any limit on what is sent.
    refuse_encodings(headers)?;
    // What says that it is too large is refused before a byte of it is read. Lengths may lie, or be
    // missing where the body is chunked: so it is counted as well.
    if body.size_hint().lower() > limits.size as u64 {
        return Err(Rejection::too_large(limits.size));
    }
    within(limits.deadline, collect(body, limits.size))
        .await
        .unwrap_or_else(|| Err(Rejection::too_slow(limits.deadline)))
}

/// What the work comes to, or `None` if that takes too long.
async fn within<F: Future>(limit: Duration, work: F) -> Option<F::Output> {
    let mut work = pin!(work);
    // Most bodies come with their heads: those that are there need no timer.
    let at_once = std::future::poll_fn(|context| Poll::Ready(work.as_mut().poll(context)));
    match at_once.await {
        Poll::Ready(done) => Some(done),
        Poll::Pending => timeout(limit, work).await.ok(),
    }
}

/// The codings that change a body, as registered for HTTP (RFC 9110, 16.6.1). Anything else is a
/// charset, a mistake, or nothing: the body shows by itself whether it can be read.
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

/// Whether the body is coded, by one element of the list: parameters and quotes, which it may not
/// have, are not looked at.
fn is_coding(encoding: &[u8]) -> bool {
    let name = encoding.split(|&byte| byte == b';').next().unwrap_or_default().trim_ascii();
    let name = name.strip_prefix(b"\"").unwrap_or(name);
    let name = name.strip_suffix(b"\"").unwrap_or(name);
    CODINGS.iter().any(|coding| name.eq_ignore_ascii_case(coding.as_bytes()))
}

/// Collects a body, as far as the limit. One that came in one piece is handed on as it is.
async fn collect<B>(body: B, limit: usize) -> Result<Bytes, Rejection>
where
    B: http_body::Body,
    B::Error: Into<Box<dyn Error + Send + Sync>>,
{
    let mut body = pin!(body);
    let mut first = Bytes::new();
    let mut rest = BytesMut::new();
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(Rejection::broken_body)?;
        let Ok(mut data) = frame.into_data() else {
            continue;
        };
        let length = first.len() + rest.len();
        // No underflow: what was taken before is within the limit.
        if data.remaining() > limit - length {
            return Err(Rejection::too_large(limit));
        }
        // Most bodies are one frame, which is the server's own buffer: no copy is made of it.
        if length == 0 {
            first = data.copy_to_bytes(data.remaining());
            continue;
        }
        if rest.is_empty() {
            rest.reserve(first.len() + data.remaining());
            rest.extend_from_slice(&std::mem::take(&mut first));
        }
        rest.put(data);
    }
    if rest.is_empty() {
        return Ok(first);
    }
    Ok(rest.freeze())
}
