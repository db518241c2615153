//! Databases that dialogues and inboxes share.

#[cfg(feature = "sqlite")]
pub(crate) mod files;
#[cfg(feature = "sqlite")]
pub(crate) mod group_commit;
#[cfg(feature = "nats")]
pub(crate) mod nats;
#[cfg(feature = "sqlite")]
pub(crate) mod sqlite;
