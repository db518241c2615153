//! Databases that dialogues and inboxes share.

#[cfg(feature = "sqlite")]
#[cfg_attr(
    not(all(feature = "dialogue", feature = "inbox")),
    allow(dead_code, reason = "each room uses a part of it")
)]
pub(crate) mod files;
#[cfg(any(feature = "inbox", feature = "nats", feature = "sqlite"))]
pub(crate) mod fresh;
#[cfg(feature = "sqlite")]
#[cfg_attr(
    not(all(feature = "dialogue", feature = "inbox")),
    allow(dead_code, reason = "each room uses a part of it")
)]
pub(crate) mod group_commit;
#[cfg(feature = "nats")]
pub(crate) mod nats;
#[cfg(feature = "sqlite")]
pub(crate) mod sqlite;
