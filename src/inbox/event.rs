//! Events of an inbox, for whoever observes it.

use std::sync::Arc;
use std::time::Duration;

use super::engine::{Stored, Verdict};
use super::error::InboxError;

/// Receipt or attempt that is over.
#[derive(Debug)]
#[cfg_attr(not(feature = "metrics"), allow(dead_code, reason = "nothing else observes"))]
pub(crate) struct InboxEvent {
    /// Name of the inbox.
    pub(crate) inbox: Arc<str>,
    /// Name of the API, as it was stored.
    pub(crate) api: String,
    pub(crate) end: InboxEnd,
    pub(crate) took: Duration,
}

/// End of a receipt or of an attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum InboxEnd {
    Receipt(ReceiptEnd),
    Attempt(AttemptEnd),
}

/// End of a receipt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ReceiptEnd {
    New,
    /// It is a dead letter from the start: the body cannot be read.
    Unreadable,
    Repeat,
    /// It was the repeat of a dead letter, which is retried.
    Revived,
    Full,
    NotStored,
}

/// End of an attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum AttemptEnd {
    Done,
    Retried,
    Dead,
    /// Another worker has the entry: it may be done twice.
    LeaseLost,
    /// The outcome could not be stored: it is done again.
    NotStored,
}

impl ReceiptEnd {
    pub(super) fn of(stored: &Result<Stored, InboxError>, is_readable: bool) -> Self {
        match stored {
            Ok(Stored::New) if is_readable => Self::New,
            Ok(Stored::New) => Self::Unreadable,
            Ok(Stored::Repeat) => Self::Repeat,
            Ok(Stored::Revived) => Self::Revived,
            Ok(Stored::Full) => Self::Full,
            Err(_) => Self::NotStored,
        }
    }
}

impl AttemptEnd {
    pub(super) fn of(verdict: &Verdict) -> Self {
        match verdict {
            Verdict::Done => Self::Done,
            Verdict::Again { .. } => Self::Retried,
            Verdict::Dead { .. } => Self::Dead,
        }
    }
}

#[cfg_attr(not(feature = "metrics"), allow(dead_code, reason = "nothing else observes"))]
impl ReceiptEnd {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::New => "new",
            Self::Unreadable => "unreadable",
            Self::Repeat => "repeat",
            Self::Revived => "revived",
            Self::Full => "full",
            Self::NotStored => "not-stored",
        }
    }
}

#[cfg_attr(not(feature = "metrics"), allow(dead_code, reason = "nothing else observes"))]
impl AttemptEnd {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Retried => "retried",
            Self::Dead => "dead",
            Self::LeaseLost => "lease-lost",
            Self::NotStored => "not-stored",
        }
    }
}
