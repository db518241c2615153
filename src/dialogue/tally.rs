//! Tally of one turn, for whoever observes the bot: how it ended.

use crate::hook::Hook;

/// Turn that is over.
#[derive(Debug)]
#[cfg_attr(not(feature = "metrics"), allow(dead_code, reason = "nothing else observes"))]
pub(crate) struct TurnEnded {
    /// Name of the bot.
    pub(crate) bot: String,
    pub(crate) end: TurnEnd,
}

/// End of a turn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum TurnEnd {
    Committed,
    /// There was none: the delivery had been answered before.
    Repeat,
    /// It was undone: its step or its store failed.
    Failed,
    /// Another turn took the conversation, since this one did not renew its lease.
    LeaseLost,
    /// Its step panicked, or was dropped at its deadline.
    Dropped,
}

#[cfg_attr(not(feature = "metrics"), allow(dead_code, reason = "nothing else observes"))]
impl TurnEnd {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Committed => "committed",
            Self::Repeat => "repeat",
            Self::Failed => "failed",
            Self::LeaseLost => "lease-lost",
            Self::Dropped => "dropped",
        }
    }
}

/// Turn that is not over. It tells of its end when it is dropped.
pub(super) struct TurnTally<'b> {
    hook: &'b Hook<TurnEnded>,
    bot: &'b str,
    pub(super) end: TurnEnd,
}

impl<'b> TurnTally<'b> {
    pub(super) fn new(hook: &'b Hook<TurnEnded>, bot: &'b str) -> Self {
        Self { hook, bot, end: TurnEnd::Dropped }
    }
}

impl Drop for TurnTally<'_> {
    fn drop(&mut self) {
        self.hook.tell(|| TurnEnded { bot: self.bot.to_owned(), end: self.end });
    }
}
