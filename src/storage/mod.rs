//! Databases that dialogues and inboxes share.

#[cfg(all(feature = "inbox", feature = "sqlite"))]
pub(crate) mod group_commit;
#[cfg(feature = "nats")]
pub(crate) mod nats;
#[cfg(feature = "sqlite")]
pub(crate) mod sqlite;
