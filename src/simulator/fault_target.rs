//! Faults and their targets: what can go wrong with which call or feed.

use super::fault::{Fault, Kind, Target};
use crate::client::Operation;

impl Kind {
    /// Returns `true` for a call or a feed that this can happen to.
    pub(super) fn can_befall(&self, target: Target) -> bool {
        match (self, target) {
            (kind, target) if kind.is_of_feeds() => matches!(target, Target::Feed(_)),
            // No other answer has a link.
            (Self::CyclicLink | Self::ForeignLink { .. }, target) => {
                target == Target::Call(Operation::Logs)
            }
            // A receiver has no form of its own for errors, and its redirect is a status as well.
            (Self::ErrorIn200 | Self::ForeignRedirect { .. }, Target::Feed(_)) => false,
            _ => true,
        }
    }

    fn is_of_feeds(&self) -> bool {
        matches!(self, Self::Drop | Self::Duplicate | Self::Reorder)
    }
}

impl Fault {
    /// Describes why it cannot befall what it is for; `None` if it can.
    pub(super) fn mistake(&self) -> Option<String> {
        let name = self.kind.name();
        if self.is_after_effect && matches!(self.trigger.on, Some(Target::Feed(_))) {
            return Some("`after_effect` is not of a feed".to_owned());
        }
        if self.is_after_effect && self.kind == Kind::Refuse {
            return Some("`after_effect` is not of `refuse`: no connection is made".to_owned());
        }
        match self.trigger.on {
            Some(target) if self.kind.can_befall(target) => None,
            Some(Target::Call(call)) => {
                Some(format!("`{name}` is not of the call `{}`", call.as_str()))
            }
            Some(Target::Feed(feed)) => {
                Some(format!("`{name}` is not of the feed `{}`", feed.as_str()))
            }
            None if self.kind.is_of_feeds() => {
                Some(format!("`{name}` is of a feed, expected `feed`"))
            }
            None => None,
        }
    }
}
