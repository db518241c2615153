//! Durable inbox for the one-way feeds: what was acknowledged is never lost.
//!
//! Needs the feature `sqlite` or `nats`: without either, there is nothing to open one on.
//!
//! SnapEngage repeats an Integration request for about two hours; for Conversation Events and Agent
//! Status no repeat is documented: a request that a receiver refuses, or loses in a crash, is gone.
//! An inbox stores it first, answers 200, and processes it later, with as many attempts as it
//! takes. The handlers stay the same, and are wrapped:
//!
//! ```no_run
//! use snapengage::inbox::Inbox;
//! use snapengage::integration::{self, SupportRequest};
//! use snapengage::{HandlerError, Receiver, Token, async_trait};
//!
//! struct CrmSync;
//!
//! #[async_trait]
//! impl integration::Handler for CrmSync {
//!     async fn support_request(
//!         &self,
//!         request: SupportRequest,
//!     ) -> Result<(), HandlerError> {
//!         // An error here is no loss: it is retried for as long as the CRM is down.
//!         # let _ = request;
//!         Ok(())
//!     }
//! }
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let inbox = Inbox::open("inbox.db")?;
//! let receiver = Receiver::builder()
//!     .integration("/integration", Token::new("my-token"), inbox.feed(CrmSync))
//!     .build()?;
//! let listener = tokio::net::TcpListener::bind("127.0.0.1:8080").await?;
//! inbox.run(snapengage::serve(listener, receiver, snapengage::shutdown_signal())).await;
//! # Ok(())
//! # }
//! ```
//!
//! A request, its answer, and one that is refused:
//!
//! ```
//! use http::Request;
//! use snapengage::inbox::{Inbox, State};
//! use snapengage::{Receiver, Token, integration};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let folder = tempfile::tempdir()?;
//! # let file = folder.path().join("inbox.db");
//! let inbox = Inbox::open(file)?;
//! let crm = integration::from_fn(|_| async { Err("the CRM is down".into()) });
//! let receiver = Receiver::builder()
//!     .integration("/integration", Token::new("my-token"), inbox.feed(crm))
//!     .build()?;
//! let post = |body: &'static str| {
//!     Request::post("/integration")
//!         .header("Authorization", "my-token")
//!         .body(body.to_owned())
//! };
//!
//! let response = receiver.handle(post(r#"{"id": "case-1", "type": "chat"}"#)?).await;
//! assert_eq!(response.status(), 200);
//! let waiting = &inbox.list(State::Waiting, None, 10).await?[0];
//! assert_eq!(waiting.subject, "case case-1");
//!
//! let response = receiver.handle(post(r#"{"type": "chat"}"#)?).await;
//! assert_eq!(response.status(), 400);
//! let dead = &inbox.list(State::Dead, None, 10).await?[0];
//! let error = "support request: missing field `id` at line 1 column 16";
//! assert_eq!(dead.error.as_deref(), Some(error));
//! # Ok(())
//! # }
//! ```
//!
//! # What is promised
//!
//! - **Receipt.** The body is on disk, flushed, before the 200. A request that cannot be stored is
//!   answered 503, so that SnapEngage repeats it. One that cannot be read is kept as a dead letter
//!   and answered 400.
//! - **Once.** A repeat within the [window](Options::repeat_window) is answered 200 and not
//!   processed again, across restarts. The same body again on the same path is a repeat; one that
//!   differs in any field is another entry, and a case that comes again with more in it is
//!   processed after the first. Without a timestamp, an event and a status are never repeats. The
//!   repeat of a dead letter revives it. The log has `repeat=true`.
//! - **Processing.** At least once: a handler whose process dies is called again. Entries of one
//!   case or agent are processed in the order of receipt, concurrently with others. A handler that
//!   fails is retried, with exponential backoff; one that fails
//!   [permanently](crate::HandlerError::permanent), or too often, leaves a dead letter.
//! - **Clock.** After a clock that was ahead is set right, no entry waits longer than the longest
//!   backoff, or the lease.
//! - **Health.** The inbox as a [check](crate::HealthCheck) of the health route fails if nothing
//!   can be stored, and if entries are due and no worker has claimed any for a minute. This is
//!   logged once.
//! - **Retention.** Dead letters stay until somebody [retries](Inbox::retry) or
//!   [discards](Inbox::discard) them.
//!
//! A handler that must not act twice commits its effect under the event's key: "at least once" is
//! all that can be promised if a process may die between an effect and the note of it. An
//! [event](crate::conversation::Event::key) and a [status](crate::agent_status::StatusChange::key)
//! have a key if they have a timestamp: insert a row for each, unless it exists. A [support
//! request](crate::integration::SupportRequest::key) has that of its case, and replaces the row.
//!
//! # Two engines
//!
//! **A SQLite file** ([`Inbox::open`], feature `sqlite`) is for one machine. Several processes may
//! share it, but not over a network file system. Receipts that arrive together share a flush.
//!
//! Beside it is a reserve of 40 MiB, less on a small disk: `inbox.db-reserve`. When the disk is
//! full, it is removed, so that there is room to process what is stored; until there is room to
//! restore it, or in the file itself, requests are answered 503. An entry on a damaged page stops
//! its case, and no other; once it is done, it cannot be forgotten, nor can the keys of a few dozen
//! beside it. Either fails the health check.
//!
//! If the file is removed or replaced while it is open, requests are answered 503, too. The entries
//! in a file that was removed are lost with it, and the process must be restarted to open another.
//!
//! A file of an older version is upgraded when it is opened. During the upgrade and from then on,
//! no process of the older version may have it open: it would read large bodies as empty. Stop all
//! of them before you start the new one.
//!
//! **NATS JetStream** ([`Inbox::connect`], feature `nats`; nats-server 2.12 or newer) is for
//! several: each receiver is a process that opens the same inbox by its name, with the same
//! options, and all of them process entries. By default, a NATS server flushes to disk every two
//! minutes, so one of these is needed:
//!
//! - one server that flushes before it acknowledges. The crate cannot see whether it does; so an
//!   inbox of one replica logs a warning when it is opened.
//!
//!   ```text
//!   max_payload: 4MB
//!   jetstream { store_dir: "/var/lib/nats", sync_interval: always }
//!   ```
//! - a cluster of three, and [`Options::replicas(3)`](Options::replicas): what is acknowledged is
//!   on two servers at least, whichever fails. An inbox of fewer replicas is not opened. If power
//!   may fail all of them at once, they must flush as above.
//!
//! A request, with the notes on it, must fit into the server's `max_payload`, 1 MB by default: a
//! larger one is answered 503. The server keeps the subjects of entries that wait, and the ids of
//! two hours, in memory.
//!
//! All promises above hold on both. On NATS, an entry gets another number when it moves up in its
//! case, and when it is done or dead; dead letters are listed in the order they died; the repeat
//! window begins when an entry is done; the oldest entry that is counted is the one stored first,
//! though one that has moved up may have come before it; of an error, 1 KB is kept, 4 KB in a file;
//! and at most 10,000 cases and agents wait for their next attempt, further ones until one of them
//! is through.
//!
//! On NATS, a stream or the consumer that somebody deletes is created again, which is logged as an
//! error; one that is sealed, paused or cannot keep the promises fails the health check. If the
//! server or the account has no room, requests are answered 503, and waiting entries are processed
//! with room that is set aside for it: up to 16 MiB, in a stream of its own. A server whose disk
//! itself was full stores nothing more until it is restarted, so its `max_file_store` must be less
//! than the disk has. Without a connection to it, a request is answered 503 after 2 seconds.
//!
//! # Limits
//!
//! Order holds within one case: events of another may overtake. A case whose first entry fails
//! waits for it. At its [deadline](Options::deadline) a handler is dropped at its next `await`; one
//! that blocks its thread cannot be stopped. Every process that runs an inbox may be handed any
//! entry in it: each must mount all of its feeds.
#![cfg_attr(
    not(any(feature = "nats", feature = "sqlite")),
    allow(dead_code, unused_imports, reason = "without an engine, no inbox can be opened")
)]

mod capacity;
mod complaint;
mod engine;
mod entry;
mod error;
mod event;
mod feed;
mod feeds;
mod handle;
mod health;
mod monitor;
#[cfg(feature = "nats")]
mod nats;
mod open;
mod options;
mod settings;
mod shared;
mod span;
#[cfg(feature = "sqlite")]
mod sqlite;
mod worker;

pub use self::entry::{Entry, EntryId, EntryIdError, Shown, State, Stats};
pub use self::error::InboxError;
#[cfg(feature = "metrics")]
pub(crate) use self::event::{InboxEnd, InboxEvent};
pub use self::feed::Feed;
pub use self::handle::Inbox;
pub use self::options::Options;
