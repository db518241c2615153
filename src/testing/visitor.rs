//! What is known of a visitor when a chat opens.

use serde_json::{Map, Value, json};

/// What SnapEngage tells of a visitor when a chat opens. Nothing but what is set here is told.
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
    /// A visitor of whom nothing is known.
    pub fn new() -> Self {
        Self::default()
    }

    /// The visitor's email address, unverified.
    pub fn email(self, email: impl Into<String>) -> Self {
        self.field("email", email.into())
    }

    /// The visitor's email address, as SnapEngage sends one it has verified.
    pub fn verified_email(self, email: impl Into<String>) -> Self {
        let email = email.into();
        let result = json!({
            "verificationProperty": { "property": "CaseEmail" },
            "content": email,
            "status": "VERIFIED",
        });
        self.field("email", email).field("hmacVerificationResult", result)
    }

    /// What the visitor says first, as SnapEngage's sample has it: the field `text`.
    pub fn first_message(self, text: impl Into<String>) -> Self {
        self.field("text", text.into())
    }

    /// The page the chat opens on.
    pub fn page_url(self, url: impl Into<String>) -> Self {
        self.field("page_url", url.into())
    }

    /// Any other field of `chatStarted`, by the name it has in JSON.
    pub fn field(mut self, name: impl Into<String>, value: impl Into<Value>) -> Self {
        self.fields.insert(name.into(), value.into());
        self
    }

    pub(super) fn fields(&self) -> &Map<String, Value> {
        &self.fields
    }
}
