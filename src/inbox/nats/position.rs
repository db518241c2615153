//! Where an entry is: its id is the number of a message, and a last digit that says of which stream.

use crate::inbox::entry::EntryId;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Position {
    Open,
    Done,
    Dead,
}

impl Position {
    pub(super) fn id(self, number: u64) -> EntryId {
        let digit = match self {
            Self::Open => 0,
            Self::Done => 1,
            Self::Dead => 2,
        };
        EntryId(i64::try_from(number).unwrap_or(i64::MAX / 10) * 10 + digit)
    }

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
