//! Who may call: tokens, compared in constant time.

use std::fmt;

use http::HeaderMap;
use http::header::AUTHORIZATION;
use subtle::{Choice, ConstantTimeEq};

use crate::error::BuildError;
use crate::rejection::Rejection;

/// A token that SnapEngage sends in `Authorization`, as typed into its dashboard.
///
/// The whole value is compared: a token typed as `Bearer x` is `Bearer x`. White space around it
/// is dropped, since HTTP drops it too. At most [`Token::MAX_LENGTH`] bytes.
///
/// Comparing takes as long as the value received is long. It does not depend on the token, on its
/// length, or on where the two first differ; every token of a route is compared on every request.
///
/// ```
/// use snapengage::Token;
///
/// let token = Token::new("2f6a9c").named("since May");
/// assert_eq!(format!("{token:?}"), r#"Token { name: "since May", secret: <redacted> }"#);
/// ```
#[derive(Clone)]
pub struct Token {
    name: String,
    secret: Result<Secret, BuildError>,
}

impl Token {
    /// The length of the longest token, in bytes.
    pub const MAX_LENGTH: usize = 1024;

    /// A token with the name `default`.
    ///
    /// An empty token, one that no header can carry and one that is too long are mistakes, which
    /// [`build`](crate::ReceiverBuilder::build) reports.
    pub fn new(secret: impl AsRef<str>) -> Self {
        let name = "default".to_owned();
        Self { secret: Secret::new(&name, secret.as_ref()), name }
    }

    /// The token in an environment variable, under the variable's name.
    ///
    /// A variable that is not set, or not Unicode, is a mistake that
    /// [`build`](crate::ReceiverBuilder::build) reports.
    pub fn from_env(variable: &str) -> Self {
        let secret = match std::env::var(variable) {
            Ok(secret) => Secret::new(variable, &secret),
            Err(_) => Err(BuildError::new(format_args!(
                "token `{variable}`: the environment variable is not set, or not Unicode"
            ))),
        };
        Self { name: variable.to_owned(), secret }
    }

    /// The same token under another name, which the log tells when the token was used.
    #[must_use]
    pub fn named(mut self, name: impl Into<String>) -> Self {
        self.name = name.into();
        self
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

/// Who may call a route: whoever has one of its tokens.
///
/// A [`Token`] or several make one: two tokens let SnapEngage's dashboard change from one to the
/// other at leisure.
///
/// ```
/// use snapengage::{Auth, Token};
///
/// let header = Auth::from([Token::new("new").named("new"), Token::new("old").named("old")]);
/// let path = Auth::secret_path(Token::new("kT4mZ0qvW8"));
/// # let _ = (header, path);
/// ```
#[derive(Debug, Clone)]
pub struct Auth {
    place: Place,
    tokens: Vec<Token>,
}

/// Where the token is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    Header,
    Path,
    Nowhere,
}

impl Auth {
    /// The token as the last segment of the path: `/get-contact/<secret>`.
    ///
    /// For Get Contact, whose dashboard form has no field for a token: an address that nobody can
    /// guess is the only secret it can keep. The token may have letters, digits and `-._~` only. A
    /// proxy or another layer that logs addresses logs it too.
    pub fn secret_path(tokens: impl Into<Self>) -> Self {
        Self { place: Place::Path, ..tokens.into() }
    }

    /// No token: whoever finds the address can send what they like, as if they were SnapEngage.
    pub fn dangerously_open() -> Self {
        Self { place: Place::Nowhere, tokens: Vec::new() }
    }

    pub(crate) fn is_in_path(&self) -> bool {
        self.place == Place::Path
    }

    /// The first mistake in it.
    pub(crate) fn mistake(&self) -> Option<BuildError> {
        if self.place != Place::Nowhere && self.tokens.is_empty() {
            return Some(BuildError::new("no token: `Auth::dangerously_open` says so on purpose"));
        }
        self.tokens.iter().find_map(|token| match &token.secret {
            Err(mistake) => Some(mistake.clone()),
            Ok(secret) if self.is_in_path() && !secret.fits_a_path() => {
                Some(BuildError::new(format_args!(
                    "token `{}`: expected letters, digits and `-._~` in a path",
                    token.name
                )))
            }
            Ok(_) => None,
        })
    }

    /// Checks a request, and says which token it came with.
    pub(crate) fn check(
        &self,
        headers: &HeaderMap,
        last_segment: Option<&str>,
    ) -> Result<Option<&str>, Rejection> {
        match self.place {
            Place::Nowhere => Ok(None),
            Place::Path => self.find(last_segment.unwrap_or_default().as_bytes()).map(Some),
            Place::Header => self.find(authorization(headers)?).map(Some),
        }
    }

    fn find(&self, received: &[u8]) -> Result<&str, Rejection> {
        let mut found = None;
        for token in &self.tokens {
            if token.secret.as_ref().is_ok_and(|secret| secret.is(received)) {
                found = found.or(Some(token.name.as_str()));
            }
        }
        found.ok_or_else(|| Rejection::unauthorized("wrong token"))
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
        Self { place: Place::Header, tokens }
    }
}

/// The one `Authorization` header. Of two, this side and a proxy may each believe another one.
fn authorization(headers: &HeaderMap) -> Result<&[u8], Rejection> {
    let mut values = headers.get_all(AUTHORIZATION).iter();
    let Some(value) = values.next() else {
        return Err(Rejection::unauthorized("no token"));
    };
    if values.next().is_some() {
        return Err(Rejection::unauthorized("more than one token"));
    }
    Ok(value.as_bytes())
}

/// A token's bytes, padded with zeros to the longest length, in words.
#[derive(Clone)]
struct Secret {
    words: Box<[u64; Self::WORDS]>,
    length: u64,
}

impl Secret {
    const WORD: usize = size_of::<u64>();
    const WORDS: usize = Token::MAX_LENGTH / Self::WORD;

    fn new(name: &str, secret: &str) -> Result<Self, BuildError> {
        let secret = secret.trim_ascii();
        let mistake = |problem: &str| BuildError::new(format_args!("token `{name}`: {problem}"));
        if secret.is_empty() {
            return Err(mistake("empty"));
        }
        if secret.len() > Token::MAX_LENGTH {
            return Err(mistake("longer than 1024 bytes"));
        }
        if secret.chars().any(char::is_control) {
            return Err(mistake("has a control character, which no header can carry"));
        }
        let mut words = Box::new([0; Self::WORDS]);
        for (word, bytes) in words.iter_mut().zip(secret.as_bytes().chunks(Self::WORD)) {
            *word = padded(bytes);
        }
        Ok(Self { words, length: secret.len() as u64 })
    }

    fn is(&self, received: &[u8]) -> bool {
        if received.len() > Token::MAX_LENGTH {
            return false;
        }
        let words = received.chunks(Self::WORD).zip(self.words.iter());
        let same =
            words.fold(Choice::from(1), |same, (bytes, word)| same & padded(bytes).ct_eq(word));
        (same & (received.len() as u64).ct_eq(&self.length)).into()
    }

    fn fits_a_path(&self) -> bool {
        let mut bytes =
            self.words.iter().flat_map(|word| word.to_le_bytes()).take_while(|&byte| byte != 0);
        bytes.all(|byte| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte))
    }
}

fn padded(bytes: &[u8]) -> u64 {
    let mut word = [0; Secret::WORD];
    word[..bytes.len()].copy_from_slice(bytes);
    u64::from_le_bytes(word)
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    fn secret(text: &str) -> Secret {
        Secret::new("test", text).expect("a good token")
    }

    fn mistake(token: Token) -> String {
        let mistake = Auth::from(token).mistake();
        mistake.expect("a mistake").to_string()
    }

    #[test]
    fn only_the_same_bytes_are_the_same() {
        let long = "x".repeat(Token::MAX_LENGTH);
        for token in ["a", "12345678", "123456789", "Bearer x", "pä$$", &long] {
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
    fn white_space_around_a_token_is_dropped() {
        assert!(secret(" token\n").is(b"token"));
    }

    #[test]
    fn tokens_nobody_can_send_are_mistakes() {
        assert_eq!(mistake(Token::new("")), "token `default`: empty");
        assert_eq!(mistake(Token::new(" \n")), "token `default`: empty");
        assert_eq!(
            mistake(Token::new("x".repeat(1025))),
            "token `default`: longer than 1024 bytes"
        );
        assert_eq!(
            mistake(Token::new("a\nb")),
            "token `default`: has a control character, which no header can carry"
        );
        assert_eq!(
            mistake(Token::from_env("SNAPENGAGE_TEST_NO_SUCH_VARIABLE")),
            "token `SNAPENGAGE_TEST_NO_SUCH_VARIABLE`: the environment variable is not set, or not Unicode"
        );
        let no_tokens = Auth::from(Vec::new()).mistake().expect("a mistake");
        assert_eq!(no_tokens.to_string(), "no token: `Auth::dangerously_open` says so on purpose");
    }

    #[test]
    fn a_secret_path_has_no_slash_or_escape() {
        for token in ["a/b", "a%20b", "a b", "ä"] {
            let mistake = Auth::secret_path(Token::new(token)).mistake();
            assert_eq!(
                mistake.expect("a mistake").to_string(),
                "token `default`: expected letters, digits and `-._~` in a path"
            );
        }
        assert_eq!(Auth::secret_path(Token::new("aZ09-._~")).mistake(), None);
    }

    #[test]
    fn the_log_is_told_the_name_of_the_token() {
        let auth = Auth::from([Token::new("a").named("old"), Token::new("b").named("new")]);
        let mut headers = HeaderMap::new();
        for (value, name) in [("a", "old"), ("b", "new")] {
            headers.insert(AUTHORIZATION, HeaderValue::from_static(value));
            assert_eq!(auth.check(&headers, None).expect("a good token"), Some(name));
        }
    }

    #[test]
    fn debug_does_not_tell_the_secret() {
        let auth = Auth::from([Token::new("hunter2").named("May"), Token::new("hunter3")]);
        assert_eq!(
            format!("{auth:?}"),
            r#"Auth { place: Header, tokens: [Token { name: "May", secret: <redacted> }, Token { name: "default", secret: <redacted> }] }"#
        );
    }
}
