//! Identity of a visitor, as a website has signed it.

use std::collections::BTreeMap;
use std::time::Duration;

use hmac::{Hmac, KeyInit, Mac};
use serde::{Deserialize, Serialize};
use sha2::Sha256;

use super::tracked::Tracked;
use crate::timestamp::Timestamp;

/// Time in which a signature counts.
const FRESH: Duration = Duration::from_secs(5 * 60);

/// Variables of the page that are no variables of the visitor's.
pub(super) const VARIABLES: [&str; 3] = ["__hmacSignature", "__hmacNonce", "__hmacTimestamp"];

/// Email address that was signed, and whether it is the visitor's.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Identity {
    pub(super) email: String,
    pub(super) is_verified: bool,
}

/// Nonces that were used.
pub(super) type Nonces = Tracked<String, ()>;

/// Checks what a page says of its visitor; `None` if it does not say anything.
pub(super) fn check(
    secret: &str,
    email: Option<&str>,
    variables: &BTreeMap<String, String>,
    nonces: &mut Nonces,
    now: &[Timestamp],
) -> Option<Identity> {
    let [signature, nonce, timestamp] = VARIABLES.map(|name| variables.get(name));
    if signature.is_none() && nonce.is_none() && timestamp.is_none() {
        return None;
    }
    let email = email.unwrap_or_default();
    let is_verified = match (signature, nonce, timestamp) {
        (Some(signature), Some(nonce), Some(timestamp)) => {
            is_fresh(timestamp, now)
                && is_signed(secret, &[email, nonce, timestamp], signature)
                && !email.is_empty()
                // Last: a nonce that came with a wrong signature is not used up.
                && nonces.insert(nonce.clone(), ()).is_none()
        }
        _ => false,
    };
    Some(Identity { email: email.to_owned(), is_verified })
}

fn is_fresh(timestamp: &str, now: &[Timestamp]) -> bool {
    let signed_at = timestamp.parse().ok().and_then(Timestamp::from_millis);
    let Some(signed_at) = signed_at else { return false };
    now.iter().any(|now| {
        let age = now.saturating_duration_since(signed_at);
        age.max(signed_at.saturating_duration_since(*now)) <= FRESH
    })
}

fn is_signed(secret: &str, parts: &[&str], signature: &str) -> bool {
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(secret.as_bytes()) else { return false };
    parts.iter().for_each(|part| mac.update(part.as_bytes()));
    unhex(signature).is_some_and(|signature| mac.verify_slice(&signature).is_ok())
}

fn unhex(text: &str) -> Option<Vec<u8>> {
    if !text.is_ascii() || !text.len().is_multiple_of(2) {
        return None;
    }
    let pairs = (0..text.len()).step_by(2).map(|at| &text[at..at + 2]);
    pairs.map(|pair| u8::from_str_radix(pair, 16).ok()).collect()
}
