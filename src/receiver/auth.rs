//! Authorization: tokens, compared in constant time.

use std::fmt;

use http::HeaderMap;
use http::header::AUTHORIZATION;
use subtle::{Choice, ConstantTimeEq};

use crate::endpoint::rejection::Rejection;
use crate::secret::{MAX_LENGTH, Problem, from_env, sendable};
use crate::wire::percent::is_unreserved;

/// Token that SnapEngage sends in `Authorization`, as typed into its dashboard.
///
/// The whole value is compared: a token typed as `Bearer x` is `Bearer x`. Spaces and tabs around
/// it are dropped, since HTTP drops them too. It is ASCII, of at most [`Token::MAX_LENGTH`] bytes.
///
/// The comparison takes as long as the value received is long. Its time does not depend on the
/// token, on the token's length, or on where the two first differ; every token of a route is
/// compared on every request.
///
/// ```
/// use snapengage::Token;
///
/// let token = Token::new("2f6a9c").name("since May");
/// assert_eq!(format!("{token:?}"), r#"Token { name: "since May", secret: <redacted> }"#);
/// ```
#[derive(Clone)]
pub struct Token {
    name: String,
    secret: Result<Padded, Problem>,
}

impl Token {
    /// Length of the longest token, in bytes.
    pub const MAX_LENGTH: usize = MAX_LENGTH;

    /// Creates a token with the name `default`.
    ///
    /// A token that nobody can send is a mistake, which [`build`](crate::ReceiverBuilder::build)
    /// reports: one that is empty, too long, not ASCII or has control characters, and one that was
    /// pasted in quotes, with a line break or with an invisible character at either end.
    pub fn new(secret: impl AsRef<str>) -> Self {
        Self { secret: Padded::new(secret.as_ref()), name: "default".to_owned() }
    }

    /// Reads a token from an environment variable, under the variable's name.
    ///
    /// A variable that is not set is a mistake as well.
    pub fn from_env(variable: &str) -> Self {
        let secret = from_env(variable).and_then(|secret| Padded::new(&secret));
        Self { name: variable.to_owned(), secret }
    }

    /// Returns the same token under another name, which is logged when the token is used.
    #[must_use]
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.name = name.into();
        self
    }

    fn mistake(&self, place: TokenPlace) -> Option<String> {
        match &self.secret {
            Err(problem) => Some(problem.of("token", &self.name)),
            Ok(secret) if place == TokenPlace::Path && !secret.fits_a_path() => Some(format!(
                "token `{}`: expected letters, digits and `-._~` in a path, and not dots alone",
                self.name.escape_debug()
            )),
            Ok(_) => None,
        }
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Token")
            .field("name", &self.name)
            .field("secret", &format_args!("<redacted>"))
            .finish()
    }
}

/// Authorization of a route: any one of its tokens.
///
/// It is made from one [`Token`] or several: with two, the token in SnapEngage's dashboard can be
/// changed without an outage.
///
/// ```
/// use snapengage::{Auth, Token};
///
/// let [new, old] = ["new", "old"].map(|text| Token::new(text).name(text));
/// let header = Auth::from([new, old]);
/// let path = Auth::secret_path(Token::new("kT4mZ0qvW8"));
/// # let _ = (header, path);
/// ```
#[derive(Debug, Clone)]
pub struct Auth {
    place: TokenPlace,
    tokens: Vec<Token>,
}

/// Place of the token in a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum TokenPlace {
    Header,
    Path,
    Nowhere,
}

impl Auth {
    /// Expects the token as the last segment of the path: `/get-contact/<secret>`.
    ///
    /// For Get Contact, whose dashboard form has no field for a token: an address that nobody can
    /// guess is the only secret it can keep. The token may have letters, digits and `-._~` only. A
    /// proxy or another layer that logs addresses logs it too.
    pub fn secret_path(tokens: impl Into<Self>) -> Self {
        Self { place: TokenPlace::Path, ..tokens.into() }
    }

    /// Requires no token: whoever finds the address can send what they like, as if they were
    /// SnapEngage.
    pub fn dangerously_open() -> Self {
        Self { place: TokenPlace::Nowhere, tokens: Vec::new() }
    }

    pub(crate) fn is_in_path(&self) -> bool {
        self.place == TokenPlace::Path
    }

    pub(crate) fn is_in_header(&self) -> bool {
        self.place == TokenPlace::Header
    }

    /// Returns `true` if a text is one of the tokens, wherever they are sent.
    pub(crate) fn is_secret(&self, text: &str) -> bool {
        self.find(text.as_bytes()).is_some()
    }

    /// Lists every mistake in it, with nothing of a token.
    pub(crate) fn mistakes(&self) -> Vec<String> {
        if self.place != TokenPlace::Nowhere && self.tokens.is_empty() {
            return vec!["no token: `Auth::dangerously_open` says so on purpose".to_owned()];
        }
        self.tokens.iter().filter_map(|token| token.mistake(self.place)).collect()
    }

    /// Checks a request, and returns the name of the token it came with.
    pub(crate) fn check(
        &self,
        headers: &HeaderMap,
        last_segment: Option<&str>,
    ) -> Result<Option<&str>, Rejection> {
        let received = match self.place {
            TokenPlace::Nowhere => return Ok(None),
            TokenPlace::Path => last_segment.unwrap_or_default().as_bytes(),
            TokenPlace::Header => authorization(headers)?,
        };
        if received.is_empty() {
            return Err(Rejection::unauthorized("no token"));
        }
        self.find(received).map(Some).ok_or_else(|| Rejection::unauthorized("wrong token"))
    }

    /// Finds the name of the token received.
    fn find(&self, received: &[u8]) -> Option<&str> {
        // All are compared even after a match, so that the time does not show which one matched.
        let mut found = None;
        for token in &self.tokens {
            if token.secret.as_ref().is_ok_and(|secret| secret.is(received)) {
                found = found.or(Some(token.name.as_str()));
            }
        }
        found
    }
}

impl From<Token> for Auth {
    fn from(token: Token) -> Self {
        Self::from([token])
    }
}

impl<const N: usize> From<[Token; N]> for Auth {
    fn from(tokens: [Token; N]) -> Self {
        Self::from(Vec::from(tokens))
    }
}

impl From<Vec<Token>> for Auth {
    fn from(tokens: Vec<Token>) -> Self {
        Self { place: TokenPlace::Header, tokens }
    }
}

/// Returns the one `Authorization` header.
fn authorization(headers: &HeaderMap) -> Result<&[u8], Rejection> {
    let mut values = headers.get_all(&AUTHORIZATION).iter();
    let Some(value) = values.next() else {
        return Err(Rejection::unauthorized("no token"));
    };
    // A proxy in front may have checked the other of the two.
    if values.next().is_some() {
        return Err(Rejection::unauthorized("more than one token"));
    }
    Ok(value.as_bytes())
}

/// Bytes of a token, padded with zeros to the longest length, in words.
#[derive(Clone)]
struct Padded {
    words: Box<[u64; Self::WORDS]>,
    length: u64,
}

impl Padded {
    const WORD: usize = size_of::<u64>();
    const WORDS: usize = Token::MAX_LENGTH / Self::WORD;

    fn new(secret: &str) -> Result<Self, Problem> {
        let secret = sendable(secret)?;
        let mut words = Box::new([0; Self::WORDS]);
        for (word, bytes) in words.iter_mut().zip(secret.as_bytes().chunks(Self::WORD)) {
            *word = padded(bytes);
        }
        Ok(Self { words, length: secret.len() as u64 })
    }

    fn is(&self, received: &[u8]) -> bool {
        // This early return leaks nothing: the longest length is no secret, and the received one is
        // the caller's.
        if received.len() > Token::MAX_LENGTH {
            return false;
        }
        // Every word that came is compared, even after a difference; then the length, against a
        // token that starts with what came, and against zeros that came after the end of the token.
        let words = received.chunks(Self::WORD).zip(self.words.iter());
        let same =
            words.fold(Choice::from(1), |same, (bytes, word)| same & padded(bytes).ct_eq(word));
        (same & (received.len() as u64).ct_eq(&self.length)).into()
    }

    fn fits_a_path(&self) -> bool {
        let mut bytes =
            self.words.iter().flat_map(|word| word.to_le_bytes()).take_while(|&byte| byte != 0);
        bytes.all(is_unreserved) && !self.is(b".") && !self.is(b"..")
    }
}

fn padded(bytes: &[u8]) -> u64 {
    let mut word = [0; Padded::WORD];
    word[..bytes.len()].copy_from_slice(bytes);
    u64::from_le_bytes(word)
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    fn secret(text: &str) -> Padded {
        Padded::new(text).ok().expect("a good token")
    }

    #[track_caller]
    fn assert_mistake(auth: impl Into<Auth>, expected: &str) {
        assert_eq!(auth.into().mistakes(), [expected]);
    }

    #[test]
    fn only_the_same_bytes_are_the_same() {
        let long = "x".repeat(Token::MAX_LENGTH);
        for token in ["a", "12345678", "123456789", "Bearer x", "p$$", &long] {
            let secret = secret(token);
            assert!(secret.is(token.as_bytes()));
            assert!(!secret.is(b""));
            assert!(!secret.is(format!("{token}x").as_bytes()));
            assert!(!secret.is(format!("{token}\0").as_bytes()));
            assert!(!secret.is(&token.as_bytes()[1..]));
            assert!(!secret.is(&token.as_bytes()[..token.len() - 1]));
            let mut other = token.as_bytes().to_vec();
            for i in 0..other.len() {
                other[i] ^= 1;
                assert!(!secret.is(&other), "byte {i} of {token}");
                other[i] ^= 1;
            }
        }
    }

    #[test]
    fn spaces_and_tabs_around_a_token_are_dropped() {
        assert!(secret(" \t token\t").is(b"token"));
    }

    #[test]
    fn tokens_nobody_can_send_are_mistakes() {
        for empty in ["", " ", " \r\n", "\t", "\u{feff}", "\u{a0}"] {
            assert_mistake(Token::new(empty), "no token: `default` is empty");
        }
        let longer = Token::new("x".repeat(1025));
        assert_mistake(longer, "token `default`: longer than 1024 bytes");
        let control = "token `default`: has a control character, which no header can carry";
        for token in ["a\nb", "a\tb", "a\0b", "a\u{7f}b"] {
            assert_mistake(Token::new(token), control);
        }
        for token in ["schlüssel", "a\u{a0}b", "a\u{200b}b", "\u{1f600}"] {
            assert_mistake(
                Token::new(token),
                "token `default`: is not ASCII, and clients differ in how they encode it",
            );
        }
        assert_mistake(
            Token::from_env("SNAPENGAGE_TEST_NO_SUCH_VARIABLE"),
            "no token: the environment variable `SNAPENGAGE_TEST_NO_SUCH_VARIABLE` is not set",
        );
        let no_tokens = Vec::<Token>::new();
        assert_mistake(no_tokens, "no token: `Auth::dangerously_open` says so on purpose");
    }

    #[test]
    fn what_was_pasted_about_a_token_is_a_mistake() {
        for token in ["\"a\"", "'a'", "`a`", " \"a\" ", "“a”", "‘a’", "„a”", "\"\""] {
            assert_mistake(
                Token::new(token),
                "token `default`: is in quotes, expected the token alone",
            );
        }
        for token in ["a\n", "a\r\n", "\na", "\"a\"\n", " a \n "] {
            assert_mistake(
                Token::new(token),
                "token `default`: starts or ends with a line break, expected the token alone",
            );
        }
        for (token, unseen) in [
            ("\u{feff}a", "U+FEFF"),
            ("a\u{a0}", "U+00A0"),
            ("\u{200b}a", "U+200B"),
            ("a\u{2028}", "U+2028"),
            ("\u{feff}\"a\"", "U+FEFF"),
        ] {
            let expected = format!(
                "token `default`: starts or ends with {unseen}, which is invisible, expected the token alone"
            );
            assert_mistake(Token::new(token), &expected);
        }
    }

    #[test]
    fn quotes_in_a_token_are_of_it() {
        for token in ["\"a", "a'", "\"a'", "a\"b", "\""] {
            assert!(secret(token).is(token.as_bytes()));
        }
    }

    #[test]
    fn a_mistake_has_the_name_given_last() {
        assert_mistake(Token::new("").name("May"), "no token: `May` is empty");
        let expected = "token `a\\nb`: longer than 1024 bytes";
        assert_mistake(Token::new("x".repeat(1025)).name("a\nb"), expected);
    }

    #[test]
    fn a_secret_path_has_no_slash_or_escape() {
        for token in ["a/b", "a%20b", "a b", "a?b", "a#b", "~%", ".", ".."] {
            assert_mistake(
                Auth::secret_path(Token::new(token)),
                "token `default`: expected letters, digits and `-._~` in a path, and not dots alone",
            );
        }
        let good = ["aZ09-._~", "...", "a."].map(Token::new);
        assert!(Auth::secret_path(good).mistakes().is_empty());
    }

    #[test]
    fn the_log_has_the_name_of_the_token() {
        let auth = Auth::from([Token::new("a").name("old"), Token::new("b").name("new")]);
        let mut headers = HeaderMap::new();
        for (value, name) in [("a", "old"), ("b", "new")] {
            headers.insert(AUTHORIZATION, HeaderValue::from_static(value));
            assert_eq!(auth.check(&headers, None).expect("a good token"), Some(name));
        }
    }

    #[test]
    fn the_log_says_whether_there_was_a_token() {
        let headers = HeaderMap::from_iter([(AUTHORIZATION, HeaderValue::from_static(""))]);
        let header = Auth::from(Token::new("a"));
        let path = Auth::secret_path(Token::new("a"));
        for (auth, headers, last_segment, expected) in [
            (&header, &HeaderMap::new(), None, "no token"),
            (&header, &headers, None, "no token"),
            (&path, &headers, None, "no token"),
            (&path, &headers, Some(""), "no token"),
            (&path, &headers, Some("b"), "wrong token"),
        ] {
            let refused = auth.check(headers, last_segment).expect_err("a refusal");
            assert_eq!(refused.log.as_deref(), Some(expected));
        }
    }

    #[test]
    fn debug_does_not_tell_the_secret() {
        let auth = Auth::from([Token::new("hunter2").name("May"), Token::new("hunter3")]);
        assert_eq!(
            format!("{auth:?}"),
            r#"Auth { place: Header, tokens: [Token { name: "May", secret: <redacted> }, Token { name: "default", secret: <redacted> }] }"#
        );
    }
}
