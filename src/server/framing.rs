//! Framing: the boundaries of requests.
//!
//! A proxy and a server that see the end of one request in different places can be made to pass on
//! a request within a request, past whatever the proxy checks: request smuggling (RFC 9112, 11.2).
//! So anything is refused whose end somebody else could see elsewhere. hyper refuses most of it: a
//! bare CR (RFC 9112, 2.2), a space before a colon (5.1), a folded header (5.2), lengths that
//! differ or are no numbers (6.3), chunks in HTTP/1.0 (6.1). What it passes is looked for here.

use http::header::{CONTENT_LENGTH, HOST, TRANSFER_ENCODING};
use http::{HeaderMap, Request, Version};
use http_body::Body;

use crate::endpoint::rejection::Rejection;

/// Framing of the requests of one connection, as their bytes came in.
#[derive(Default)]
pub(super) struct Framing {
    /// The head that is being read, or was read last.
    head: Vec<u8>,
    /// Number of bytes after that head; `None` while it goes on.
    after: Option<u64>,
    body: Length,
    start: Start,
}

/// Length of a body.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum Length {
    /// Told by chunks, or by nothing that was looked at.
    #[default]
    Unknown,
    Exact(u64),
}

/// Start of the head that is being read.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum Start {
    /// With the first byte that was kept of it.
    #[default]
    Known,
    /// Perhaps before it, in bytes that hyper had read ahead.
    InDoubt,
}

/// End of a request that has been answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum RequestEnd {
    /// With the last byte that came in.
    Clean,
    /// Before that: the next request has begun.
    Pipelined,
    /// After that: the answer came before the end of the request.
    Early,
    /// Unknown: hyper does not report where chunks ended.
    Unknown,
}

impl Framing {
    /// Number of bytes that are looked at. hyper refuses heads that are longer, but what is taken
    /// for one may be the body of a request that hyper had read ahead.
    const LIMIT: usize = 64 * 1024;

    /// Number of bytes that are kept allocated for the next head.
    const KEPT: usize = 1024;

    /// Takes note of bytes that came in.
    pub(super) fn push(&mut self, bytes: &[u8]) {
        if let Some(after) = &mut self.after {
            *after += bytes.len() as u64;
            return;
        }
        let before = self.head.len();
        if before > Self::LIMIT {
            return;
        }
        let seam = before.saturating_sub(2);
        let end = if before == 0 {
            end_of_head(bytes)
        } else {
            end_of_head(&[&self.head[seam..], bytes].concat()).map(|end| seam + end - before)
        };
        let head = &bytes[..end.unwrap_or(bytes.len())];
        self.head.extend_from_slice(head);
        self.after = end.map(|end| (bytes.len() - end) as u64);
    }

    /// Refuses a request, of which hyper has read the head, if somebody else could see its end
    /// elsewhere.
    pub(super) fn check<B: Body>(&mut self, request: &Request<B>) -> Result<(), Rejection> {
        check_host(request)?;
        if let Some(length) = request.body().size_hint().exact() {
            self.body = Length::Exact(length);
            return Ok(());
        }
        check_transfer_encoding(request.headers())?;
        self.check_length_beside_chunks()
    }

    /// Returns the head that was read last; `None` if it is not whole, or its start is in doubt.
    pub(super) fn head(&self) -> Option<&[u8]> {
        (self.after.is_some() && self.start == Start::Known).then_some(&self.head)
    }

    /// Ends a request that is answered, and makes room for the next one.
    pub(super) fn next(&mut self) -> RequestEnd {
        let end = self.end();
        if end != RequestEnd::Clean {
            self.start = Start::InDoubt;
        }
        self.head.clear();
        self.head.shrink_to(Self::KEPT);
        self.after = None;
        self.body = Length::Unknown;
        end
    }

    fn end(&self) -> RequestEnd {
        match (self.body, self.after) {
            (Length::Unknown, _) => RequestEnd::Unknown,
            (Length::Exact(length), Some(after)) if after == length => RequestEnd::Clean,
            (Length::Exact(length), Some(after)) if after > length => RequestEnd::Pipelined,
            (Length::Exact(_), _) => RequestEnd::Early,
        }
    }

    /// Refuses two ends of one request. A proxy may go by the Content-Length, while RFC 9112 (6.1,
    /// 6.3) has a server go by the chunks, or refuse it. hyper goes by the chunks and drops the
    /// length without a word, so it is looked for in the bytes as they came in.
    fn check_length_beside_chunks(&self) -> Result<(), Rejection> {
        match (self.has_length(), self.start) {
            (Some(true), _) => Err(Rejection::doubtful_framing(
                "expected either Transfer-Encoding or Content-Length, not both",
            )),
            (Some(false), Start::Known) => Ok(()),
            // The head that was looked at may be another than the one that hyper read: a client
            // that pipelines (RFC 9112, 9.3.2) could send a harmless one after one with a length.
            (None, _) | (_, Start::InDoubt) => Err(Rejection::doubtful_framing(
                "expected a chunked request to start where the one before it has been answered",
            )),
        }
    }

    /// Looks for a length in the head; `None` if what was seen is not a whole head.
    fn has_length(&self) -> Option<bool> {
        const MAX_HEADERS: usize = 128;
        let mut headers = [httparse::EMPTY_HEADER; MAX_HEADERS];
        let mut request = httparse::Request::new(&mut headers);
        let is_complete = request.parse(&self.head).is_ok_and(|status| status.is_complete());
        let mut names = request.headers.iter().map(|header| header.name);
        is_complete.then(|| names.any(|name| name.eq_ignore_ascii_case(CONTENT_LENGTH.as_str())))
    }
}

/// Refuses two hosts, or none. A proxy that goes by one and a server that goes by the other would
/// let a request past a check that is meant for another site. RFC 9112, 3.2, wants 400 for both,
/// and a Host from every client but those of HTTP/1.0.
fn check_host<B>(request: &Request<B>) -> Result<(), Rejection> {
    match request.headers().get_all(&HOST).iter().count() {
        1 => Ok(()),
        0 if request.version() == Version::HTTP_10 => Ok(()),
        _ => Err(Rejection::doubtful_framing("expected one Host")),
    }
}

/// Refuses what is not one `chunked`. A proxy that does not know a coding, or reads `chunked` twice
/// or in a list as something else, would go by another end. RFC 9112, 6.1, lets a server refuse it.
fn check_transfer_encoding(headers: &HeaderMap) -> Result<(), Rejection> {
    let mut encodings = headers.get_all(&TRANSFER_ENCODING).iter();
    let first = encodings.next().map(http::HeaderValue::as_bytes);
    if first.is_some_and(|first| first.eq_ignore_ascii_case(b"chunked"))
        && encodings.next().is_none()
    {
        return Ok(());
    }
    Err(Rejection::doubtful_framing("expected one Transfer-Encoding, and that chunked"))
}

/// Finds the end of a head: its first empty line.
///
/// A line may end with a bare LF, which RFC 9112, 2.2, allows and hyper accepts. Seen by CR LF
/// alone, the end of such a head would be found in its body, where the client chooses what stands.
fn end_of_head(bytes: &[u8]) -> Option<usize> {
    memchr::memchr_iter(b'\n', bytes).find_map(|at| match bytes[at + 1..] {
        [b'\n', ..] => Some(at + 2),
        [b'\r', b'\n', ..] => Some(at + 3),
        _ => None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const CHUNKED: &str = "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n";

    fn framing(pieces: &[&str]) -> Framing {
        let mut framing = Framing::default();
        for piece in pieces {
            framing.push(piece.as_bytes());
        }
        framing
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
            let framing = framing(&[first, second]);
            assert_eq!((framing.has_length(), framing.after), (Some(true), Some(4)), "{first:?}");
        }
    }

    #[test]
    fn what_is_no_whole_head_has_no_known_length() {
        assert_eq!(framing(&[CHUNKED, "\r\n"]).has_length(), Some(false));
        assert_eq!(framing(&[CHUNKED]).has_length(), None);
        assert_eq!(framing(&["body\r\n\r\n"]).has_length(), None);
    }

    #[test]
    fn the_next_request_starts_where_the_body_ends() {
        for (length, end, start) in [
            (9, RequestEnd::Clean, Start::Known),
            (5, RequestEnd::Pipelined, Start::InDoubt),
            (10, RequestEnd::Early, Start::InDoubt),
        ] {
            let mut framing = framing(&["POST / HTTP/1.1\r\n\r\n12345", "POST"]);
            let request = Request::post("/").header(HOST, "a").body("x".repeat(length));
            let checked = framing.check(&request.expect("a request"));
            assert_eq!((checked.is_ok(), framing.next()), (true, end));
            assert_eq!((framing.start, framing.after), (start, None), "{length}");
        }
        let mut unchecked = framing(&["POST / HTTP/1.1\r\n\r\n"]);
        assert_eq!((unchecked.next(), unchecked.start), (RequestEnd::Unknown, Start::InDoubt));
    }

    #[test]
    fn what_is_no_head_is_not_collected() {
        let mut framing = Framing::default();
        for _ in 0..100 {
            framing.push(&[b'x'; 8192]);
        }
        assert!(framing.head.len() <= Framing::LIMIT + 8192);
        framing.next();
        assert!(framing.head.capacity() <= Framing::KEPT);
    }
}
