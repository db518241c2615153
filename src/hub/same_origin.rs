//! Check that a request is the page's own, and no other site's.

use http::header::{HOST, ORIGIN};
use http::{HeaderMap, HeaderName};

use crate::endpoint::rejection::Rejection;

const SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

/// Whether a request may come without a word on its origin.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Silence {
    /// A `GET` of the same origin says nothing where the page came by plain HTTP; one of another
    /// origin has `Origin`, and its answer cannot be read there.
    Allowed,
    Refused,
}

/// Refuses a request that a page of another origin made.
///
/// No page can write these headers itself. `Sec-Fetch-Site` counts first, since it is the
/// browser's own comparison: the `Host` that arrives here may be a proxy's.
pub(super) fn check(headers: &HeaderMap, silence: Silence) -> Result<(), Rejection> {
    let is_own = match (headers.get(&SEC_FETCH_SITE), headers.get(&ORIGIN)) {
        (Some(site), _) => site == "same-origin",
        (None, Some(origin)) => {
            let authority = authority(origin.as_bytes());
            authority.zip(headers.get(&HOST)).is_some_and(|(origin, host)| {
                !origin.is_empty() && origin.eq_ignore_ascii_case(host.as_bytes())
            })
        }
        (None, None) => silence == Silence::Allowed,
    };
    if is_own { Ok(()) } else { Err(Rejection::foreign_origin()) }
}

/// Returns what follows the scheme: TLS may end at a proxy, so that the scheme is not known here.
fn authority(origin: &[u8]) -> Option<&[u8]> {
    origin.strip_prefix(b"https://").or_else(|| origin.strip_prefix(b"http://"))
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    fn is_refused(headers: &[(&'static str, &'static str)], silence: Silence) -> bool {
        let headers = headers
            .iter()
            .map(|&(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value)));
        check(&headers.collect(), silence).is_err()
    }

    #[test]
    fn own_requests_pass_and_others_do_not() {
        let host = ("host", "bot.example.com");
        for own in [
            &[host, ("sec-fetch-site", "same-origin")][..],
            &[host, ("origin", "https://bot.example.com")],
            &[host, ("origin", "http://BOT.example.com")],
            // A proxy has its own name for this server.
            &[("host", "app:8080"), ("sec-fetch-site", "same-origin"), ("origin", "https://a.b")],
        ] {
            assert!(!is_refused(own, Silence::Refused), "{own:?}");
        }
        for foreign in [
            &[host][..],
            &[host, ("sec-fetch-site", "same-site")],
            &[host, ("sec-fetch-site", "cross-site"), ("origin", "https://bot.example.com")],
            &[host, ("sec-fetch-site", "none")],
            &[host, ("origin", "null")],
            &[host, ("origin", "https://evil.example")],
            &[host, ("origin", "https://bot.example.com.evil.example")],
            &[host, ("origin", "https://bot.example.com:8443")],
            &[("origin", "https://")],
            &[("host", ""), ("origin", "https://")],
            &[("origin", "null")],
        ] {
            assert!(is_refused(foreign, Silence::Refused), "{foreign:?}");
        }
        assert!(!is_refused(&[host], Silence::Allowed));
        assert!(is_refused(&[host, ("origin", "https://evil.example")], Silence::Allowed));
        assert!(is_refused(&[host, ("sec-fetch-site", "cross-site")], Silence::Allowed));
    }
}
