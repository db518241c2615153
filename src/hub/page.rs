//! Page of an agent link, as it is mounted on a receiver, with its settings.

use std::sync::Arc;
use std::time::Duration;

use http::Uri;

use super::endpoint::HubEndpoint;
use super::handler::Handler;
use crate::endpoint::Methods;
use crate::endpoint::room::Room;
use crate::receiver::ReceiverBuilder;
use crate::receiver::auth::Auth;

/// Page of an agent link, with its handler and its limits: any [`Handler`], or one with settings of
/// one's own.
///
/// ```
/// use snapengage::hub::{self, HubPage};
/// use snapengage::{Auth, Receiver, Token};
///
/// let handler = hub::from_fn(|_event, _session| async { Ok(vec![]) });
/// // The page of `snapengage simulate` frames it as well.
/// let page = HubPage::new(handler).allow_origin("http://127.0.0.1:7070").max_pages(50);
/// let auth = Auth::secret_path(Token::new("kT4mZ0qvW8"));
/// let receiver = Receiver::builder().hub("/hub", auth, page).build()?;
/// # Ok::<_, snapengage::BuildError>(())
/// ```
///
/// | Limit | Default | Set with |
/// |---|---|---|
/// | pages that are open at once | 1,000 | [`max_pages`](Self::max_pages) |
/// | actions that wait for one page | 256 | [`max_waiting`](Self::max_waiting) |
/// | event | 64 KiB | [`event_limit`](Self::event_limit) |
/// | time for the handler | 10 s | [`event_deadline`](Self::event_deadline) |
#[must_use]
pub struct HubPage {
    handler: Arc<dyn Handler>,
    origins: Vec<String>,
    mistakes: Vec<String>,
    max_pages: usize,
    max_waiting: usize,
    event_limit: usize,
    event_deadline: Duration,
}

/// Origins of the Hub: the vendor's example checks for the first, and its sample of an event has
/// the second.
const VENDOR: [&str; 2] = ["https://www.snapengage.com", "https://snapengage.com"];

impl HubPage {
    /// Creates a page with the defaults.
    pub fn new(handler: impl Handler) -> Self {
        Self {
            handler: Arc::new(handler),
            origins: VENDOR.map(str::to_owned).into(),
            mistakes: Vec::new(),
            max_pages: 1000,
            max_waiting: 256,
            event_limit: 64 * 1024,
            event_deadline: Duration::from_secs(10),
        }
    }

    /// Allows one more origin to frame the page, to post events to it and to be told actions:
    /// `http://127.0.0.1:7070` of `snapengage simulate`, for one. By default
    /// `https://www.snapengage.com` and `https://snapengage.com` alone.
    pub fn allow_origin(mut self, origin: impl AsRef<str>) -> Self {
        match canonical(origin.as_ref()) {
            Some(origin) if self.origins.contains(&origin) => {}
            Some(origin) => self.origins.push(origin),
            None => self.mistakes.push(format!(
                "`{}` is no origin, expected one such as `https://example.com`",
                origin.as_ref().escape_debug()
            )),
        }
        self
    }

    /// Sets the number of pages that may be open at once. 1,000 by default; more are answered 503,
    /// and try again. Each takes one of the
    /// [`max_connections`](crate::Server::max_connections).
    pub fn max_pages(mut self, pages: usize) -> Self {
        self.max_pages = pages;
        self
    }

    /// Sets the number of actions that may wait for a page whose connection is slow or lost. 256 by
    /// default; more are refused.
    pub fn max_waiting(mut self, actions: usize) -> Self {
        self.max_waiting = actions;
        self
    }

    /// Sets the largest event that is accepted, in bytes, if
    /// [`body_limit`](ReceiverBuilder::body_limit) is not lower. 64 KiB by default; larger ones are
    /// answered 413.
    pub fn event_limit(mut self, bytes: usize) -> Self {
        self.event_limit = bytes;
        self
    }

    /// Sets the deadline of the handler. 10 seconds by default; after that it is dropped and 503
    /// answered.
    pub fn event_deadline(mut self, deadline: Duration) -> Self {
        self.event_deadline = deadline;
        self
    }

    fn mistakes(&self, auth: &Auth) -> Vec<String> {
        let no_header =
            "the Hub opens an address and sends no header, expected `Auth::secret_path`";
        let made = [
            (auth.is_in_header(), no_header),
            (self.max_pages == 0, "`max_pages`: expected more than zero"),
            (self.max_waiting == 0, "`max_waiting`: expected more than zero"),
            (self.event_limit == 0, "`event_limit`: expected more than zero"),
            (self.event_deadline.is_zero(), "`event_deadline`: expected more than zero"),
        ];
        let made = made.iter().filter(|(is_made, _)| *is_made);
        let made = made.map(|&(_, mistake)| mistake.to_owned());
        self.mistakes.iter().cloned().chain(made).collect()
    }
}

impl<H: Handler> From<H> for HubPage {
    fn from(handler: H) -> Self {
        Self::new(handler)
    }
}

impl std::fmt::Debug for HubPage {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("HubPage").field("origins", &self.origins).finish_non_exhaustive()
    }
}

impl ReceiverBuilder {
    /// Serves the page of an agent link in SnapEngage's [Hub](crate::hub) on a path. The Hub sends
    /// no token, so the address has to be the secret: [`Auth::secret_path`].
    ///
    /// The page is a [handler](Handler), or a [`HubPage`] with settings of one's own.
    pub fn hub(
        self,
        path: impl Into<String>,
        auth: impl Into<Auth>,
        page: impl Into<HubPage>,
    ) -> Self {
        let (page, auth) = (page.into(), auth.into());
        let room = Room {
            name: "hub",
            methods: Methods::GetAndPost,
            body_limit: page.event_limit,
            deadline: page.event_deadline,
            mistakes: page.mistakes(&auth),
        };
        let HubPage { handler, origins, max_pages, max_waiting, .. } = page;
        self.room(room, path, auth, HubEndpoint::new(handler, &origins, max_pages, max_waiting))
    }
}

/// Returns an origin as browsers write it. Anything else could say more in a policy or in the page
/// than it is to.
fn canonical(origin: &str) -> Option<String> {
    let uri: Uri = origin.parse().ok()?;
    let scheme = uri.scheme_str().filter(|scheme| ["http", "https"].contains(scheme))?;
    let authority = uri.authority()?.as_str().to_ascii_lowercase();
    let is_plain = |c: char| c.is_ascii_alphanumeric() || ".-_:[]".contains(c);
    let is_bare = uri.path() == "/" && uri.query().is_none() && !origin.ends_with('/');
    let default_port = if scheme == "http" { ":80" } else { ":443" };
    let authority = authority.strip_suffix(default_port).unwrap_or(&authority);
    (is_bare && authority.chars().all(is_plain)).then(|| format!("{scheme}://{authority}"))
}

#[cfg(test)]
mod tests {
    use super::canonical;

    #[test]
    fn origins_are_as_browsers_write_them() {
        for (origin, expected) in [
            ("https://example.com", "https://example.com"),
            ("HTTPS://Example.COM", "https://example.com"),
            ("https://example.com:443", "https://example.com"),
            ("http://127.0.0.1:7070", "http://127.0.0.1:7070"),
            ("http://[::1]:80", "http://[::1]"),
        ] {
            assert_eq!(canonical(origin).as_deref(), Some(expected), "{origin}");
        }
        for odd in [
            "",
            "*",
            "null",
            "example.com",
            "ftp://example.com",
            "https://example.com/",
            "https://example.com/a",
            "https://example.com?a",
            "https://a@example.com",
            "https://*.example.com",
            "https://example.com; script-src *",
            "https://example.com\" onload=\"",
        ] {
            assert_eq!(canonical(odd), None, "{odd}");
        }
    }
}
