//! Databases that dialogues and inboxes share.

#[cfg(feature = "inbox")]
pub(crate) mod group_commit;
#[cfg(feature = "nats")]
pub(crate) mod nats;
#[cfg(any(feature = "inbox", feature = "sqlite"))]
pub(crate) mod sqlite;
