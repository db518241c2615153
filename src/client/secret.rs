//! Credentials: what they are made from, and where they go.

use std::fmt;
use std::sync::Arc;

use http::HeaderValue;

use crate::secret::{Problem, from_env, sendable};

/// Credential of one of SnapEngage's APIs: an API token, a provisioning key or a chat key.
///
/// It is shown nowhere: in no log, error or `Debug`. One that no request can carry (not set, empty,
/// with a line break or quotes around it) is an error of the first call made with it, before
/// anything is sent.
///
/// ```
/// use snapengage::client::Secret;
///
/// let token = Secret::new("2f6a9c");
/// assert_eq!(format!("{token:?}"), r#"Secret { name: "default", text: <redacted> }"#);
/// ```
#[derive(Clone)]
pub struct Secret {
    name: String,
    text: Result<Arc<str>, Problem>,
}

impl Secret {
    /// Creates a credential from its text.
    pub fn new(text: impl AsRef<str>) -> Self {
        Self { name: "default".to_owned(), text: sendable(text.as_ref()).map(Arc::from) }
    }

    /// Reads a credential from an environment variable.
    pub fn from_env(variable: &str) -> Self {
        let text = from_env(variable).and_then(|text| sendable(&text).map(Arc::from));
        Self { name: variable.to_owned(), text }
    }

    /// Returns the same credential under another name, for the error of one that no request can
    /// carry.
    #[must_use]
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.name = name.into();
        self
    }

    /// Returns the text, or the reason why there is none to be sent.
    pub(super) fn text(&self) -> Result<&str, String> {
        self.text.as_deref().map_err(|problem| problem.of("credential", &self.name))
    }
}

#[cfg(feature = "segment")]
impl Secret {
    /// Returns the reason why no request can carry it.
    pub(crate) fn problem(&self) -> Option<String> {
        self.text().err()
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Secret")
            .field("name", &self.name)
            .field("text", &format_args!("<redacted>"))
            .finish()
    }
}

/// Returns the value of a header that carries a secret, marked so that nobody prints it.
pub(super) fn sensitive(secret: &str) -> HeaderValue {
    let mut value = HeaderValue::from_str(secret).expect("ASCII without control characters");
    value.set_sensitive(true);
    value
}
