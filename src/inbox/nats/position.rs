//! Position of an entry, as its id tells: the number of a message, and a last digit for the stream
//! it is in.

use crate::inbox::entry::EntryId;

/// Stream that an entry is in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Position {
    /// To be processed.
    Open,
    Done,
    Dead,
}

impl Position {
    /// Id of the entry in this number's message.
    pub(super) fn id(self, number: u64) -> EntryId {
        let digit = match self {
            Self::Open => 0,
            Self::Done => 1,
            Self::Dead => 2,
        };
        EntryId(i64::try_from(number).unwrap_or(i64::MAX / 10) * 10 + digit)
    }

    /// Position and number that an id stands for. No entry has one of another last digit.
    pub(super) fn of(id: EntryId) -> (Option<Self>, u64) {
        let position = match id.0 % 10 {
            0 => Some(Self::Open),
            1 => Some(Self::Done),
            2 => Some(Self::Dead),
            _ => None,
        };
        (position, u64::try_from(id.0 / 10).unwrap_or(0))
    }
}
