//! Identity of a visitor, as a website has signed it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::tracked::Tracked;
use crate::identity::{Identity, VARIABLES, Verifier};
use crate::timestamp::Timestamp;

/// Email address that was signed, and whether it is the visitor's.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct CheckedIdentity {
    pub(super) email: String,
    pub(super) is_verified: bool,
}

/// Nonces that were used. They are kept over a restart, so the verifier's own are not.
pub(super) type Nonces = Tracked<String, ()>;

/// Checks what a page says of its visitor; `None` if it does not say anything.
pub(super) fn check(
    verifier: &Verifier,
    email: Option<&str>,
    variables: &BTreeMap<String, String>,
    nonces: &mut Nonces,
    clocks: &[Timestamp],
) -> Option<CheckedIdentity> {
    if VARIABLES.iter().all(|name| !variables.contains_key(*name)) {
        return None;
    }
    let email = email.unwrap_or_default();
    let is_verified = signed(variables).is_some_and(|identity| {
        verifier.check(email, &identity, clocks).is_ok()
            // Last: a nonce that came with a wrong signature is not used up.
            && nonces.insert(identity.nonce, ()).is_none()
    });
    Some(CheckedIdentity { email: email.to_owned(), is_verified })
}

/// Returns the identity in the variables of a page; `None` if one is missing, or the time is none.
fn signed(variables: &BTreeMap<String, String>) -> Option<Identity> {
    let [signature, nonce, timestamp] = VARIABLES.map(|name| variables.get(name).cloned());
    let is_number = |text: &String| text.bytes().all(|byte| byte.is_ascii_digit());
    let millis = timestamp.filter(is_number)?.parse().ok()?;
    let timestamp = Timestamp::from_millis(millis)?;
    Some(Identity { signature: signature?, nonce: nonce?, timestamp })
}
