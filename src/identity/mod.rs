//! Visitor Identity Verification: signs who is logged in, so that agents and bots may believe it.
//!
//! A page that knows its visitor signs the email address, or whatever else the dashboard names,
//! with the secret of the dashboard, and hands three variables to the chat:
//!
//! ```
//! use snapengage::identity::{Signer, script_text};
//!
//! # fn main() -> Result<(), snapengage::BuildError> {
//! // Once, at the start: a secret that cannot be one is refused here.
//! let signer = Signer::new("AuW5G710B_jOk7LeMq0BBZCcqoXrmpismsGVyeqmENlUDra1")?;
//!
//! // For each page that is served, and never kept.
//! let email = "v@example.com";
//! let page = format!(
//!     "<script>{}SnapEngage.setUserEmail({});</script>",
//!     signer.sign(email).script(),
//!     script_text(email),
//! );
//! # assert!(page.starts_with("<script>window.__hmacSignature=\""));
//! # assert!(page.ends_with("SnapEngage.setUserEmail(\"v@example.com\");</script>"));
//! # Ok(())
//! # }
//! ```
//!
//! # On the wire
//!
//! The variables of a page, and the texts that are signed, one behind the other:
//!
//! ```text
//! __hmacSignature   0bb85191652e38fcc4a827447bb4ddeea2261cafc969924c27e234ba449dced9
//! __hmacNonce       7e0b4aa9-67ee-44d7-9c6c-8c255ab92cd1
//! __hmacTimestamp   1600347324661
//!
//! hex(HMAC-SHA256(secret, content + nonce + timestamp))
//! ```
//!
//! SnapEngage computes the same, and tells agents and bots the result: to a bot, as
//! [`hmac_verification_result`](crate::bot::ChatStarted::hmac_verification_result). A signature
//! that is wrong, too old or used before is no error: the chat starts, and the visitor is not
//! verified. So a page that gets it wrong looks as if it worked. A [`Verifier`] in the tests of the
//! page says what is wrong:
//!
//! ```
//! use snapengage::identity::{Signer, Verifier};
//!
//! # fn main() -> Result<(), snapengage::BuildError> {
//! let identity = Signer::new("a-secret")?.sign("v@example.com");
//! let verifier = Verifier::new("a-secret")?;
//! assert!(verifier.verify("v@example.com", &identity).is_ok());
//!
//! let error = verifier.verify("v@example.com", &identity).unwrap_err();
//! assert_eq!(error.to_string(), "the nonce was used before");
//! let error = verifier.verify("V@example.com", &identity).unwrap_err();
//! assert_eq!(error.to_string(), "the signature is not of this content, nonce and time");
//! # Ok(())
//! # }
//! ```
//!
//! # What to keep in mind
//!
//! - A signature counts once, and for a while. A page that is cached, by a proxy or by the browser,
//!   has an old one: send `Cache-Control: no-store`.
//! - The content is signed to the byte. Write it into the page as it was signed: no other case, no
//!   spaces around it.
//! - Whoever has the secret can be anybody. It stays on the server, and is shown in no `Debug`.
//! - Sign for whom you have authenticated, and not what a request says.
//!
//! See [SnapEngage help/Visitor Identity
//! Verification](https://help.snapengage.com/visitor-identity-verification/).

mod key;
mod signer;
mod used;
mod verifier;

use std::fmt;

use serde_json::Value;

pub use self::signer::Signer;
pub use self::verifier::{Verifier, VerifyError};

use crate::timestamp::Timestamp;

/// Names of the variables of a page.
pub(crate) const VARIABLES: [&str; 3] = ["__hmacSignature", "__hmacNonce", "__hmacTimestamp"];

/// Signature of who a visitor is, with the nonce and the time that it is for.
///
/// The signature is not in `Debug`: until it is used, whoever has it is the visitor.
#[derive(Clone, PartialEq, Eq)]
pub struct Identity {
    /// HMAC-SHA256 in lower-case hexadecimal digits.
    pub signature: String,
    /// Text that counts once. Those of a [`Signer`] are random UUIDs.
    pub nonce: String,
    /// Time of the signature.
    pub timestamp: Timestamp,
}

impl Identity {
    /// Returns the variables of a page, by their names: what a template, or an app with the mobile
    /// SDKs, has to set.
    pub fn variables(&self) -> [(&'static str, String); 3] {
        let timestamp = self.timestamp.as_millis().to_string();
        let [signature_name, nonce_name, timestamp_name] = VARIABLES;
        [
            (signature_name, self.signature.clone()),
            (nonce_name, self.nonce.clone()),
            (timestamp_name, timestamp),
        ]
    }

    /// Returns statements of JavaScript that set the variables, for a `<script>` of the page,
    /// before the one of the widget.
    ///
    /// ```
    /// # use snapengage::Timestamp;
    /// # use snapengage::identity::Signer;
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let at = Timestamp::from_millis(1_600_347_324_661).ok_or("a time")?;
    /// let identity = Signer::new("secret")?.sign_at("v@example.com", "nonce-1", at);
    /// assert_eq!(
    ///     identity.script(),
    ///     "window.__hmacSignature=\
    ///      \"009931c8964246e8004f5af941511ce996e3deb633ff0fcf25b2bce9fd0c3ca6\";\
    ///      window.__hmacNonce=\"nonce-1\";\
    ///      window.__hmacTimestamp=\"1600347324661\";"
    /// );
    /// # Ok(())
    /// # }
    /// ```
    pub fn script(&self) -> String {
        let variables = self.variables();
        let set = |(name, value): &(&str, String)| format!("window.{name}={};", script_text(value));
        variables.iter().map(set).collect()
    }
}

impl fmt::Debug for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Identity")
            .field("signature", &format_args!("<redacted>"))
            .field("nonce", &self.nonce)
            .field("timestamp", &self.timestamp)
            .finish()
    }
}

/// Returns a text as JavaScript, in quotes, that is harmless in a `<script>` of a page: it cannot
/// end the text, the line or the element.
///
/// ```
/// use snapengage::identity::script_text;
///
/// assert_eq!(script_text("v@example.com"), r#""v@example.com""#);
/// assert_eq!(script_text("</script>"), r#""\u003c/script\u003e""#);
/// ```
pub fn script_text(text: &str) -> String {
    let quoted = Value::from(text).to_string();
    let mut harmless = String::with_capacity(quoted.len());
    for c in quoted.chars() {
        // `</script>` and `<!--` are of HTML, and `&` of XHTML; older browsers end a line at the
        // two separators, which JSON leaves as they are.
        if matches!(c, '<' | '>' | '&' | '\'' | '\u{2028}' | '\u{2029}') {
            harmless += &format!("\\u{:04x}", u32::from(c));
        } else {
            harmless.push(c);
        }
    }
    harmless
}
