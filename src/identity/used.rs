//! Nonces that were used, for as long as their signatures could count again.

use std::collections::{BTreeSet, HashSet};
use std::sync::Arc;

use crate::timestamp::Timestamp;

/// Nonces that were used.
#[derive(Default)]
pub(super) struct UsedNonces {
    nonces: HashSet<Arc<str>>,
    by_time: BTreeSet<(Timestamp, Arc<str>)>,
    /// Latest time of a signature whose nonce was forgotten. What is no later counts no more, even
    /// if the clock is put back.
    forgotten: Option<Timestamp>,
}

impl UsedNonces {
    /// Forgets the nonces of signatures from before this time.
    pub(super) fn forget_before(&mut self, time: Timestamp) {
        while let Some((signed_at, nonce)) = self.by_time.pop_first() {
            if signed_at >= time {
                self.by_time.insert((signed_at, nonce));
                return;
            }
            self.nonces.remove(&nonce);
            self.forgotten = Some(signed_at);
        }
    }

    /// Returns `true` if the nonce of a signature of this time may have been forgotten.
    pub(super) fn may_be_forgotten(&self, signed_at: Timestamp) -> bool {
        self.forgotten.is_some_and(|forgotten| signed_at <= forgotten)
    }

    pub(super) fn len(&self) -> usize {
        self.nonces.len()
    }

    pub(super) fn contains(&self, nonce: &str) -> bool {
        self.nonces.contains(nonce)
    }

    pub(super) fn insert(&mut self, nonce: &str, signed_at: Timestamp) {
        let nonce: Arc<str> = nonce.into();
        self.nonces.insert(Arc::clone(&nonce));
        self.by_time.insert((signed_at, nonce));
    }
}
