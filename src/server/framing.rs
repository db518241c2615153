//! The head of a request as it came in, for what hyper does not tell of it.

use http::header::{CONTENT_LENGTH, HOST, TRANSFER_ENCODING};
use http::{HeaderMap, Request, Version};

use crate::endpoint::rejection::Rejection;

/// The bytes of a request's head, and how many came after it.
#[derive(Default)]
pub(crate) struct Head {
    bytes: Vec<u8>,
    is_started: bool,
    is_complete: bool,
    after: u64,
    /// How many bytes the body should have; `None` for a chunked one.
    body: Option<u64>,
}

impl Head {
    /// How much is looked at. hyper refuses heads that are longer, but what is taken for one may be
    /// the body of a request that hyper had read ahead.
    const LIMIT: usize = 64 * 1024;

    /// How much room is kept for the next head.
    const KEPT: usize = 1024;

    /// hyper has read it, and knows how many bytes the body has, or that it is chunked.
    pub(crate) fn announce(&mut self, body: Option<u64>) {
        self.body = body;
    }

    /// Whether something of it is there.
    pub(crate) fn is_started(&self) -> bool {
        self.is_started
    }

    pub(crate) fn is_chunked(&self) -> bool {
        self.body.is_none()
    }

    /// Makes room for the next one, of which something may be there already.
    pub(crate) fn next(&mut self) {
        self.is_started = self.body.is_some_and(|body| self.after > body);
        self.bytes.clear();
        self.bytes.shrink_to(Self::KEPT);
        self.is_complete = false;
        self.after = 0;
        self.body = None;
    }

    pub(crate) fn push(&mut self, bytes: &[u8]) {
        self.is_started = true;
        if self.is_complete {
            self.after += bytes.len() as u64;
            return;
        }
        let before = self.bytes.len();
        if before > Self::LIMIT {
            return;
        }
        let seam = before.saturating_sub(2);
        let end = if before == 0 {
            end_of_head(bytes)
        } else {
            end_of_head(&[&self.bytes[seam..], bytes].concat()).map(|end| seam + end - before)
        };
        let head = &bytes[..end.unwrap_or(bytes.len())];
        self.bytes.extend_from_slice(head);
        self.is_complete = end.is_some();
        self.after = (bytes.len() - head.len()) as u64;
    }

    /// Whether a chunked request's head has a length as well, which hyper drops without a word;
    /// `None` where what was seen is not a whole head.
    pub(crate) fn has_length(&self) -> Option<bool> {
        const MAX_HEADERS: usize = 128;
        let mut headers = [httparse::EMPTY_HEADER; MAX_HEADERS];
        let mut request = httparse::Request::new(&mut headers);
        let is_complete = request.parse(&self.bytes).is_ok_and(|status| status.is_complete());
        let mut names = request.headers.iter().map(|header| header.name);
        is_complete.then(|| names.any(|name| name.eq_ignore_ascii_case(CONTENT_LENGTH.as_str())))
    }

    /// Whether the next request starts with the next byte that comes in.
    pub(crate) fn ended_cleanly(&self) -> bool {
        self.is_complete && self.body == Some(self.after)
    }
}

/// A head ends with its first empty line, and hyper takes a line to end with `\n` or `\r\n`.
fn end_of_head(bytes: &[u8]) -> Option<usize> {
    memchr::memchr_iter(b'\n', bytes).find_map(|at| match bytes[at + 1..] {
        [b'\n', ..] => Some(at + 2),
        [b'\r', b'\n', ..] => Some(at + 3),
        _ => None,
    })
}

pub(super) fn check_host<B>(request: &Request<B>) -> Result<(), Rejection> {
    match request.headers().get_all(&HOST).iter().count() {
        1 => Ok(()),
        0 if request.version() == Version::HTTP_10 => Ok(()),
        _ => Err(Rejection::doubtful_framing("expected one Host")),
    }
}

pub(super) fn check_transfer_encoding(headers: &HeaderMap) -> Result<(), Rejection> {
    let mut encodings = headers.get_all(&TRANSFER_ENCODING).iter();
    let first = encodings.next().map(http::HeaderValue::as_bytes);
    if first.is_some_and(|first| first.eq_ignore_ascii_case(b"chunked"))
        && encodings.next().is_none()
    {
        return Ok(());
    }
    Err(Rejection::doubtful_framing("expected one Transfer-Encoding, and that chunked"))
}

#[cfg(test)]
mod tests {
    use super::*;

    const CHUNKED: &str = "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n";

    fn head(pieces: &[&str]) -> Head {
        let mut head = Head::default();
        for piece in pieces {
            head.push(piece.as_bytes());
        }
        head
    }

    #[test]
    fn a_head_ends_with_its_first_empty_line() {
        for (bytes, end) in [
            ("a\r\n\r\nb", Some(5)),
            ("a\n\nb", Some(3)),
            ("a\n\r\nb", Some(4)),
            ("a\r\n\nb", Some(4)),
            ("a\r\nb\r\n", None),
            ("a\n\r", None),
            ("", None),
        ] {
            assert_eq!(end_of_head(bytes.as_bytes()), end, "{bytes:?}");
        }
    }

    #[test]
    fn a_head_in_two_pieces_is_the_same_head() {
        let whole = format!("{CHUNKED}Content-Length: 5\r\n\r\nbody");
        for at in 0..whole.len() {
            let (first, second) = whole.split_at(at);
            let head = head(&[first, second]);
            assert_eq!((head.has_length(), head.after), (Some(true), 4), "{first:?}");
        }
    }

    #[test]
    fn what_is_no_whole_head_has_no_known_length() {
        assert_eq!(head(&[CHUNKED, "\r\n"]).has_length(), Some(false));
        assert_eq!(head(&[CHUNKED]).has_length(), None);
        assert_eq!(head(&["body\r\n\r\n"]).has_length(), None);
    }

    #[test]
    fn the_next_request_starts_where_the_body_ends() {
        let mut head = head(&["POST / HTTP/1.1\r\n\r\n12345", "POST"]);
        for (length, is_clean) in
            [(Some(9), true), (Some(5), false), (Some(10), false), (None, false)]
        {
            head.announce(length);
            assert_eq!(head.ended_cleanly(), is_clean, "{length:?}");
        }
        head.announce(Some(5));
        head.next();
        assert!(head.is_started(), "with POST");
    }

    #[test]
    fn what_is_no_head_is_not_collected() {
        let mut head = Head::default();
        for _ in 0..100 {
            head.push(&[b'x'; 8192]);
        }
        assert!(head.bytes.len() <= Head::LIMIT + 8192);
        head.next();
        assert!(head.bytes.capacity() <= Head::KEPT);
    }
}
