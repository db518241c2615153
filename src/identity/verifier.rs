//! Verifier of signatures: SnapEngage's side of it.

use std::error::Error;
use std::fmt;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::Identity;
use super::key::Key;
use super::used::UsedNonces;
use crate::clock;
use crate::error::{BuildError, debug_is_text};
use crate::timestamp::Timestamp;

/// Verifier of identities, for the tests of a page that signs them: SnapEngage's side of it, which
/// `simulator::Simulator` uses too.
///
/// An identity counts once, and within a time around its own: 5 minutes before and after, unless
/// set otherwise. How long SnapEngage takes one is not documented. Signatures are compared in
/// constant time, and what was used is kept in memory, up to a number.
pub struct Verifier {
    key: Key,
    window: Duration,
    capacity: usize,
    used: Mutex<UsedNonces>,
}

impl Verifier {
    const WINDOW: Duration = Duration::from_secs(5 * 60);

    const CAPACITY: usize = 100_000;

    /// Most bytes of a nonce: they are kept.
    const LONGEST_NONCE: usize = 256;

    /// Creates a verifier from the secret of the dashboard.
    ///
    /// # Errors
    ///
    /// Those of [`Signer::new`](super::Signer::new).
    pub fn new(secret: impl AsRef<str>) -> Result<Self, BuildError> {
        Key::new(secret.as_ref()).map(Self::with)
    }

    /// Creates a verifier from the secret in an environment variable.
    ///
    /// # Errors
    ///
    /// If it is not set, and those of [`new`](Self::new).
    pub fn from_env(variable: &str) -> Result<Self, BuildError> {
        Key::from_env(variable).map(Self::with)
    }

    fn with(key: Key) -> Self {
        Self { key, window: Self::WINDOW, capacity: Self::CAPACITY, used: Mutex::default() }
    }

    /// Sets the time that a signature may be older, or by another clock younger, than now. 5
    /// minutes by default.
    #[must_use]
    pub fn window(mut self, window: Duration) -> Self {
        self.window = window;
        self
    }

    /// Sets the number of nonces that are kept until they are too old to count; beyond it, nothing
    /// is verified. 100,000 by default.
    #[must_use]
    pub fn capacity(mut self, nonces: usize) -> Self {
        self.capacity = nonces;
        self
    }

    /// Verifies that an identity is of this content, now, and uses its nonce up.
    ///
    /// # Errors
    ///
    /// If the signature is wrong, too old or too young, or the nonce was used before. Only what is
    /// signed uses a nonce up.
    pub fn verify(&self, content: &str, identity: &Identity) -> Result<(), VerifyError> {
        self.verify_at(content, identity, clock::now())
    }

    /// Verifies as of a given time, for tests. Time goes on: nonces that are too old by it are
    /// forgotten, and what was signed before them counts no more.
    ///
    /// # Errors
    ///
    /// Those of [`verify`](Self::verify).
    pub fn verify_at(
        &self,
        content: &str,
        identity: &Identity,
        now: Timestamp,
    ) -> Result<(), VerifyError> {
        self.check(content, identity, &[now])?;
        let Identity { nonce, timestamp, .. } = identity;
        let mut used = self.lock();
        used.forget_before(now.saturating_sub(self.window));
        if used.may_be_forgotten(*timestamp) {
            return Err(VerifyError(Reason::OutOfTime { window: self.window }));
        }
        if used.contains(nonce) {
            return Err(VerifyError(Reason::Used));
        }
        if used.len() >= self.capacity {
            return Err(VerifyError(Reason::Full));
        }
        used.insert(nonce, *timestamp);
        Ok(())
    }

    /// Checks all but whether the nonce was used before, by any of several clocks: a simulator's
    /// goes its own way.
    pub(crate) fn check(
        &self,
        content: &str,
        identity: &Identity,
        clocks: &[Timestamp],
    ) -> Result<(), VerifyError> {
        let Identity { signature, nonce, timestamp } = identity;
        let is_usable = !content.is_empty() && (1..=Self::LONGEST_NONCE).contains(&nonce.len());
        if !is_usable || !self.key.has_signed(signature, content, nonce, *timestamp) {
            return Err(VerifyError(Reason::Wrong));
        }
        let is_in_time = |now: &Timestamp| distance(*now, *timestamp) <= self.window;
        if !clocks.iter().any(is_in_time) {
            return Err(VerifyError(Reason::OutOfTime { window: self.window }));
        }
        Ok(())
    }

    fn lock(&self) -> MutexGuard<'_, UsedNonces> {
        self.used.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn distance(a: Timestamp, b: Timestamp) -> Duration {
    a.saturating_duration_since(b).max(b.saturating_duration_since(a))
}

impl fmt::Debug for Verifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Verifier")
            .field("secret", &format_args!("<redacted>"))
            .field("window", &self.window)
            .field("capacity", &self.capacity)
            .finish_non_exhaustive()
    }
}

/// Reason why an identity is not verified. The text has nothing of it.
#[derive(Clone, PartialEq, Eq)]
pub struct VerifyError(Reason);

#[derive(Clone, PartialEq, Eq)]
enum Reason {
    Wrong,
    OutOfTime { window: Duration },
    Used,
    Full,
}

impl VerifyError {
    /// Returns `true` if the signature is not that of the content, nonce and time by this secret.
    pub fn is_wrong_signature(&self) -> bool {
        self.0 == Reason::Wrong
    }

    /// Returns `true` if the signature is right, and too old or too young.
    pub fn is_out_of_time(&self) -> bool {
        matches!(self.0, Reason::OutOfTime { .. })
    }

    /// Returns `true` if the nonce was used before.
    pub fn is_used(&self) -> bool {
        self.0 == Reason::Used
    }
}

impl fmt::Display for VerifyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Reason::Wrong => f.write_str("the signature is not of this content, nonce and time"),
            Reason::OutOfTime { window } => {
                write!(f, "the time of the signature is more than {window:?} from now")
            }
            Reason::Used => f.write_str("the nonce was used before"),
            Reason::Full => f.write_str("too many nonces were used within the window"),
        }
    }
}

debug_is_text!(VerifyError);

impl Error for VerifyError {}
