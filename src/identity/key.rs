//! Secret of the dashboard, and what is signed with it.

use std::fmt::Write;

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use crate::error::BuildError;
use crate::secret::{Problem, from_env, signing};
use crate::timestamp::Timestamp;

/// Secret, as the state of a hash that has begun with it.
#[derive(Clone)]
pub(super) struct Key(Hmac<Sha256>);

impl Key {
    pub(super) fn new(secret: &str) -> Result<Self, BuildError> {
        Self::of(signing(secret), "default")
    }

    pub(super) fn from_env(variable: &str) -> Result<Self, BuildError> {
        let secret = from_env(variable);
        Self::of(secret.as_deref().map_err(Clone::clone).and_then(signing), variable)
    }

    fn of(secret: Result<&str, Problem>, name: &str) -> Result<Self, BuildError> {
        let secret =
            secret.map_err(|problem| BuildError::new(vec![problem.of("identity secret", name)]))?;
        let hash = Hmac::new_from_slice(secret.as_bytes());
        Ok(Self(hash.expect("a key of HMAC, which may have any length")))
    }

    /// Signs, in lower-case hexadecimal digits.
    pub(super) fn sign(&self, content: &str, nonce: &str, at: Timestamp) -> String {
        let bytes = self.hash(content, nonce, at).finalize().into_bytes();
        let mut hex = String::with_capacity(bytes.len() * 2);
        for byte in bytes {
            let _ = write!(hex, "{byte:02x}");
        }
        hex
    }

    /// Compares a signature in constant time.
    pub(super) fn has_signed(
        &self,
        signature: &str,
        content: &str,
        nonce: &str,
        at: Timestamp,
    ) -> bool {
        let hash = self.hash(content, nonce, at);
        unhex(signature).is_some_and(|signature| hash.verify_slice(&signature).is_ok())
    }

    fn hash(&self, content: &str, nonce: &str, at: Timestamp) -> Hmac<Sha256> {
        let mut hash = self.0.clone();
        for part in [content, nonce, &at.as_millis().to_string()] {
            hash.update(part.as_bytes());
        }
        hash
    }
}

/// Reads the digits of a signature. Capital ones are none: SnapEngage may compare texts.
fn unhex(text: &str) -> Option<[u8; 32]> {
    let digit = |digit: u8| match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'a'..=b'f' => Some(digit - b'a' + 10),
        _ => None,
    };
    let digits: &[u8; 64] = text.as_bytes().try_into().ok()?;
    let mut bytes = [0; 32];
    for (byte, pair) in bytes.iter_mut().zip(digits.chunks_exact(2)) {
        *byte = digit(pair[0])? << 4 | digit(pair[1])?;
    }
    Some(bytes)
}
