//! Visitor who opens a chat.

use serde_json::{Map, Value, json};

/// Fields that SnapEngage sends of a visitor when a chat opens. Only those that are set here are
/// sent.
///
/// ```
/// use snapengage::testing::Visitor;
///
/// let visitor = Visitor::new()
///     .email("jane@example.com")
///     .first_message("Do you cut beards?");
/// # let _ = visitor;
/// ```
#[derive(Debug, Clone, Default)]
#[must_use]
pub struct Visitor {
    fields: Map<String, Value>,
}

impl Visitor {
    /// Creates a visitor of whom nothing is known.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets the visitor's email address, unverified.
    pub fn email(self, email: impl Into<String>) -> Self {
        self.field("email", email.into())
    }

    /// Sets the visitor's email address, as SnapEngage sends one it has verified.
    pub fn verified_email(self, email: impl Into<String>) -> Self {
        let email = email.into();
        let result = json!({
            "verificationProperty": { "property": "CaseEmail" },
            "content": email,
            "status": "VERIFIED",
        });
        self.field("email", email).field("hmacVerificationResult", result)
    }

    /// Sets the visitor's first message, in the field of SnapEngage's sample: `text`.
    pub fn first_message(self, text: impl Into<String>) -> Self {
        self.field("text", text.into())
    }

    /// Sets the page the chat opens on.
    pub fn page_url(self, url: impl Into<String>) -> Self {
        self.field("page_url", url.into())
    }

    /// Sets any other field of `chatStarted`, by the name it has in JSON.
    pub fn field(mut self, name: impl Into<String>, value: impl Into<Value>) -> Self {
        self.fields.insert(name.into(), value.into());
        self
    }

    pub(super) fn fields(&self) -> &Map<String, Value> {
        &self.fields
    }
}
