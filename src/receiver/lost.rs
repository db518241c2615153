//! Log text for a path that nothing is served at.

use std::borrow::Cow;
use std::fmt;

use super::auth::Auth;
use crate::wire::legible::legible;

/// Path that something is served at.
#[derive(Clone, Copy)]
pub(super) struct Served<'a> {
    pub(super) path: &'a str,
    /// `None` for the health route.
    pub(super) auth: Option<&'a Auth>,
}

impl Served<'_> {
    fn has_secret_path(self) -> bool {
        self.auth.is_some_and(Auth::is_in_path)
    }

    fn is_secret(self, segment: &str) -> bool {
        self.auth.is_some_and(|auth| auth.is_secret(segment))
    }

    fn segments(&self) -> Vec<&str> {
        segments(self.path)
    }

    /// Returns the distance of a path from this one, wherever in the path it may be: proxies
    /// prepend segments, and people append some.
    fn distance(&self, lost: &[&str]) -> usize {
        let own = self.segments();
        let length = own.len().clamp(1, lost.len().max(1));
        let parts = lost.windows(length).map(|part| part.join("/"));
        let distances = parts.map(|part| distance(&part, &own.join("/")));
        let length_apart = lost.len().abs_diff(own.len());
        distances.min().map_or(usize::MAX, |distance| distance + length_apart)
    }
}

impl fmt::Display for Served<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.has_secret_path() {
            return write!(f, "{}/{SECRET}", self.path.trim_end_matches('/'));
        }
        f.write_str(self.path)
    }
}

/// Describes a path that nothing is served at, and the nearest one that is. For the log alone: the
/// caller has shown no token.
pub(super) fn describe(path: &str, served: &[Served<'_>]) -> String {
    let end = path.floor_char_boundary(LIMIT);
    let mut lost = segments(&path[..end]);
    let mut shown = redacted(&lost, served, "…");
    if end < path.len() {
        // A secret that is cut in two is not recognized as one.
        lost.pop();
        shown.pop();
        shown.push("…".into());
    }
    let shown = shown.join("/");
    let nearest = served.iter().min_by_key(|served| served.distance(&lost));
    let nearest = nearest.map(|served| format!(", the nearest that is: `{served}`"));
    format!("nothing is served at `/{shown}`{}", nearest.unwrap_or_default())
}

/// Returns a path that nothing is served at without what may be a secret, and without its end if it
/// is long.
pub(super) fn without_secrets(path: &str, served: &[Served<'_>]) -> String {
    let end = path.floor_char_boundary(LIMIT);
    let mut segments = redacted(&segments(&path[..end]), served, SECRET);
    if end < path.len() {
        segments.pop();
        segments.push(SECRET.into());
    }
    format!("/{}", segments.join("/"))
}

/// Text in the place of a secret.
pub(super) const SECRET: &str = "<secret>";

/// Part of a path that is looked at, in bytes.
const LIMIT: usize = 128;

/// Returns the segments of a path without what may be a secret, or a mistyped one.
///
/// A segment close to one that is served is a mistyped one of those. Any other may be a secret if
/// secrets are in paths, or if it stands behind one that is served.
fn redacted<'p>(
    lost: &[&'p str],
    served: &[Served<'_>],
    instead: &'static str,
) -> Vec<Cow<'p, str>> {
    let secrets_are_in_paths = served.iter().any(|served| served.has_secret_path());
    let mut is_behind = false;
    let shown = lost.iter().map(|&segment| {
        let is_secret = served.iter().any(|served| served.is_secret(segment));
        let is_near =
            served.iter().any(|served| served.segments().iter().any(|own| is_near(segment, own)));
        is_behind |= is_near;
        let may_be_secret = !is_near && (secrets_are_in_paths || is_behind);
        if segment.is_empty() || !is_secret && !may_be_secret {
            legible(segment)
        } else {
            instead.into()
        }
    });
    shown.collect()
}

fn segments(path: &str) -> Vec<&str> {
    path.strip_prefix('/').unwrap_or(path).split('/').collect()
}

/// Returns `true` if one may be a mistyped form of the other: one letter in three wrong.
fn is_near(segment: &str, own: &str) -> bool {
    !own.is_empty() && distance(segment, own) <= (own.len() / 3).max(1)
}

/// Counts the letters that are wrong, missing or too many, ignoring case.
fn distance(one: &str, other: &str) -> usize {
    let other: Vec<char> = other.chars().collect();
    let mut row: Vec<usize> = (0..=other.len()).collect();
    for (i, c) in one.chars().enumerate() {
        let mut diagonal = std::mem::replace(&mut row[0], i + 1);
        for (j, d) in other.iter().enumerate() {
            let is_other = usize::from(!c.eq_ignore_ascii_case(d));
            let best = (diagonal + is_other).min(row[j] + 1).min(row[j + 1] + 1);
            diagonal = std::mem::replace(&mut row[j + 1], best);
        }
    }
    row.last().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::receiver::auth::Token;

    #[track_caller]
    fn assert_described(path: &str, auth: &Auth, expected: &str) {
        let served = [
            Served { path: "/bot", auth: Some(auth) },
            Served { path: "/get-contact", auth: Some(auth) },
            Served { path: "/healthz", auth: None },
        ];
        assert_eq!(describe(path, &served), format!("nothing is served at {expected}"), "{path}");
    }

    #[test]
    fn the_path_is_named_and_the_nearest_that_is_served() {
        let auth = Auth::from(Token::new("kT4mZ0qvW8"));
        for (path, shown, nearest) in [
            ("/bott", "/bott", "/bot"),
            ("/BOT", "/BOT", "/bot"),
            ("/bot/", "/bot/", "/bot"),
            ("//bot", "//bot", "/bot"),
            ("/api/v2/bot", "/api/v2/bot", "/bot"),
            ("/get_contcat", "/get_contcat", "/get-contact"),
            ("/health", "/health", "/healthz"),
            ("/nope", "/nope", "/bot"),
            ("/b\u{1b}[31m\u{202e}", "/b\\u{1b}[31m\\u{202e}", "/bot"),
        ] {
            assert_described(path, &auth, &format!("`{shown}`, the nearest that is: `{nearest}`"));
        }
        let long = format!("/bott/{}", "a".repeat(1000));
        assert_described(&long, &auth, "`/bott/…`, the nearest that is: `/bot`");
        assert_eq!(describe("/a", &[]), "nothing is served at `/a`");
        let root = Served { path: "/", auth: None };
        assert_eq!(describe("/a", &[root]), "nothing is served at `/a`, the nearest that is: `/`");
    }

    #[test]
    fn a_token_is_not_named_wherever_it_stands() {
        let auth = Auth::from(Token::new("kT4mZ0qvW8"));
        assert_described("/kT4mZ0qvW8", &auth, "`/…`, the nearest that is: `/bot`");
        let cut = format!("/{}/kT4mZ0qvW8", "a".repeat(120));
        let expected = format!("`/{}/…`, the nearest that is: `/get-contact`", "a".repeat(120));
        assert_described(&cut, &auth, &expected);
        assert_described("/bott/kT4mZ0qvW", &auth, "`/bott/…`, the nearest that is: `/bot`");
        assert_described("/bot/a/b", &auth, "`/bot/…/…`, the nearest that is: `/bot`");
    }

    #[test]
    fn a_secret_path_is_not_named_where_it_is_nearly_right() {
        let auth = Auth::secret_path(Token::new("kT4mZ0qvW8"));
        for (path, shown) in [
            ("/get-contcat/kT4mZ0qvW8", "/get-contcat/…"),
            ("/get-contcat/kT4mZ0qvW", "/get-contcat/…"),
            ("/api/get-contact/kT4mZ0qvW8", "/…/get-contact/…"),
            ("/get-contact/kT4mZ0qvW8/", "/get-contact/…/"),
            ("/get-contact/a/kT4mZ0qvW8", "/get-contact/…/…"),
        ] {
            let expected = format!("`{shown}`, the nearest that is: `/get-contact/<secret>`");
            assert_described(path, &auth, &expected);
        }
        assert_described("/kT4mZ0qvW", &auth, "`/…`, the nearest that is: `/bot/<secret>`");
    }
}
