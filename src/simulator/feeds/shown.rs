//! Addresses as they may be shown: without what is secret in them.

use super::Address;
use crate::api::Api;

/// Text in place of a secret in an address.
const SECRET: &str = "<secret>";

/// Shortest text that looks like a secret.
const TELLING: usize = 8;

/// Parts of an address that nobody else is to see. Each is told from the address that was
/// configured, before anything is added to it.
#[derive(Default)]
struct Secrets<'a> {
    /// User and password.
    user: Option<&'a str>,
    segment: Option<&'a str>,
    values: Vec<&'a str>,
}

impl Address {
    /// Returns the address without its secrets.
    ///
    /// Get Contact has no token: its address is the secret. There, the last segment of a path of
    /// several is one, as a [`Receiver`](crate::Receiver) takes it, and of a path of one if it
    /// looks like one; and so are the values of the query.
    pub(in crate::simulator) fn shown(&self, feed: Api) -> String {
        let (start, path, query) = parts(&self.url);
        let secrets = self.secret_parts(feed);
        let start = match secrets.user {
            Some(user) => start.replacen(user, SECRET, 1),
            None => start.to_owned(),
        };
        let path = match secrets.segment.and_then(|segment| path.rsplit_once(segment)) {
            Some((before, after)) => format!("{before}{SECRET}{after}"),
            None => path.to_owned(),
        };
        let hides_values = !secrets.values.is_empty();
        let pairs = query.into_iter().flat_map(|query| query.split('&')).map(|pair| {
            match pair.split_once('=').filter(|_| hides_values) {
                Some((name, _)) => format!("{name}={SECRET}"),
                None => pair.to_owned(),
            }
        });
        let query: Vec<_> = pairs.collect();
        let mark = if query.is_empty() { "" } else { "?" };
        format!("{start}{path}{mark}{}", query.join("&"))
    }

    /// Returns what an answer is not to show either: the token, and of the address what looks like
    /// a secret. A shorter word may be in any text.
    pub(in crate::simulator) fn secrets(&self, feed: Api) -> Vec<&str> {
        let Secrets { segment, values, .. } = self.secret_parts(feed);
        let telling = segment.into_iter().chain(values).filter(|text| looks_secret(text));
        telling.chain([&*self.token]).collect()
    }

    fn secret_parts(&self, feed: Api) -> Secrets<'_> {
        let (start, path, query) = parts(&self.url);
        let authority = start.split_once("://").map_or("", |(_, authority)| authority);
        let user = authority.rsplit_once('@').map(|(user, _)| user);
        if feed != Api::Contact {
            return Secrets { user, ..Secrets::default() };
        }
        let segments: Vec<_> = path.split('/').filter(|segment| !segment.is_empty()).collect();
        let is_below = segments.len() > 1;
        let segment = segments.last().copied();
        let segment = segment.filter(|segment| is_below || looks_secret(segment));
        let pairs = query.into_iter().flat_map(|query| query.split('&'));
        let values = pairs.filter_map(|pair| Some(pair.split_once('=')?.1));
        Secrets { user, segment, values: values.collect() }
    }
}

/// Returns `true` for a text of some length with a digit, as tokens are, and words are not.
fn looks_secret(text: &str) -> bool {
    text.len() >= TELLING && text.contains(|c: char| c.is_ascii_digit())
}

/// Splits an address into scheme and authority, path, and query.
fn parts(url: &str) -> (&str, &str, Option<&str>) {
    let (url, query) = match url.split_once('?') {
        Some((url, query)) => (url, Some(query)),
        None => (url, None),
    };
    let host = url.find("://").map_or(0, |at| at + 3);
    let end = url[host..].find('/').map_or(url.len(), |at| host + at);
    (&url[..end], &url[end..], query)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn assert_shown(feed: Api, url: &str, expected: &str) {
        assert_eq!(Address::new(url, "").shown(feed), expected);
    }

    #[test]
    fn end_of_the_path_of_get_contact_is_hidden() {
        for (url, shown) in [
            ("/contact/secret", "/contact/<secret>"),
            ("/contact/kT4mZ0qvW8/", "/contact/<secret>/"),
            ("/kT4mZ0qvW8", "/<secret>"),
            ("/contact", "/contact"),
            ("https://a.example/a/a", "https://a.example/a/<secret>"),
            ("https://a.example/secret0123?x", "https://a.example/<secret>?x"),
            ("https://a.example", "https://a.example"),
            ("https://a.example/c?key=abc&v=1", "https://a.example/c?key=<secret>&v=<secret>"),
            ("https://me:word@a.example/c", "https://<secret>@a.example/c"),
        ] {
            assert_shown(Api::Contact, url, shown);
        }
    }

    #[test]
    fn other_feeds_hide_a_user_alone() {
        assert_shown(Api::Bot, "/hooks/kT4mZ0qvW8?v=1", "/hooks/kT4mZ0qvW8?v=1");
        assert_shown(Api::Bot, "http://me:word@a.example/@b", "http://<secret>@a.example/@b");
    }

    #[test]
    fn answers_hide_what_looks_like_a_secret() {
        let of = |url: &str| Address::new(url, "t").secrets(Api::Contact).join(" ");
        assert_eq!(of("/contact/kT4mZ0qvW8?key=0123456789"), "kT4mZ0qvW8 0123456789 t");
        assert_eq!(of("/api/contact"), "t");
    }
}
