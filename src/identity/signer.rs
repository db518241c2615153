//! Signer of visitors' identities.

use std::fmt;

use super::Identity;
use super::key::Key;
use crate::clock;
use crate::error::BuildError;
use crate::timestamp::Timestamp;

/// Signer of who a visitor is, with the secret of the dashboard. Cheap to clone.
///
/// The secret is in no `Debug`.
#[derive(Clone)]
pub struct Signer(Key);

impl Signer {
    /// Creates a signer from the secret of the dashboard.
    ///
    /// # Errors
    ///
    /// If it can be no secret: it is empty, has quotes, spaces or a line break around it, as when
    /// it was copied, or has characters that no dashboard makes.
    pub fn new(secret: impl AsRef<str>) -> Result<Self, BuildError> {
        Key::new(secret.as_ref()).map(Self)
    }

    /// Creates a signer from the secret in an environment variable.
    ///
    /// # Errors
    ///
    /// If it is not set, and those of [`new`](Self::new).
    pub fn from_env(variable: &str) -> Result<Self, BuildError> {
        Key::from_env(variable).map(Self)
    }

    /// Signs who a visitor is, now: the email address, or the text of the variable that the
    /// dashboard names, as the page sets it. For one page view: it counts once.
    ///
    /// An empty content is signed as well, and verified by nobody.
    ///
    /// # Panics
    ///
    /// If the system has no random numbers, as std's hash maps do.
    pub fn sign(&self, content: &str) -> Identity {
        let mut random = [0; 16];
        getrandom::fill(&mut random).expect("random numbers of the system");
        self.sign_at(content, uuid(random), clock::now())
    }

    /// Signs with a nonce and a time that are given, for tests. A nonce that comes again is
    /// refused, and so is an old time.
    pub fn sign_at(&self, content: &str, nonce: impl Into<String>, at: Timestamp) -> Identity {
        let nonce = nonce.into();
        Identity { signature: self.0.sign(content, &nonce, at), nonce, timestamp: at }
    }
}

impl fmt::Debug for Signer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Signer").field("secret", &format_args!("<redacted>")).finish()
    }
}

/// Returns a UUID of version 4 (RFC 9562, 5.4), the form of the vendor's sample.
///
/// All nonces have one length. What is signed has no separators, and a nonce that may be shorter
/// lets a part of it be taken for content.
fn uuid(random: [u8; 16]) -> String {
    let bits = u128::from_be_bytes(random) & !(0xf << 76 | 3 << 62) | 4 << 76 | 2 << 62;
    format!(
        "{:08x}-{:04x}-{:04x}-{:04x}-{:012x}",
        bits >> 96,
        bits >> 80 & 0xffff,
        bits >> 64 & 0xffff,
        bits >> 48 & 0xffff,
        bits & 0xffff_ffff_ffff,
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nonces_are_uuids_of_version_4() {
        assert_eq!(uuid([0; 16]), "00000000-0000-4000-8000-000000000000");
        assert_eq!(uuid([0xff; 16]), "ffffffff-ffff-4fff-bfff-ffffffffffff");
        let bytes = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16];
        assert_eq!(uuid(bytes), "01020304-0506-4708-890a-0b0c0d0e0f10");
    }
}
