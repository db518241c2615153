//! Constructors of an inbox.

#[cfg(feature = "sqlite")]
use std::path::Path;
use std::sync::Arc;

use super::engine::Engine;
use super::error::InboxError;
use super::handle::Inbox;
#[cfg(feature = "nats")]
use super::nats::Nats;
use super::options::Options;
use super::shared::Shared;
#[cfg(feature = "sqlite")]
use super::sqlite::Sqlite;

impl Inbox {
    /// Opens an inbox in a SQLite file with default [`Options`]. Blocks meanwhile.
    ///
    /// # Errors
    ///
    /// Those of [`Options::open`].
    #[cfg(feature = "sqlite")]
    pub fn open(path: impl AsRef<Path>) -> Result<Self, InboxError> {
        Options::new().open(path)
    }

    /// Opens the inbox of this name on a NATS server with default [`Options`].
    ///
    /// # Errors
    ///
    /// Those of [`Options::connect`].
    ///
    /// # Panics
    ///
    /// Outside of a tokio runtime with IO and time, which `#[tokio::main]` has.
    #[cfg(feature = "nats")]
    pub async fn connect(url: &str, name: &str) -> Result<Self, InboxError> {
        Options::new().connect(url, name).await
    }

    /// Starts to configure an inbox.
    pub fn options() -> Options {
        Options::new()
    }
}

impl Options {
    /// Opens an inbox in a SQLite file, and creates it if there is none. Blocks meanwhile.
    ///
    /// # Errors
    ///
    /// If a limit or deadline is zero, or if the file cannot be read and written, is no SQLite
    /// database, belongs to another program, or was written by a newer version of this crate.
    #[cfg(feature = "sqlite")]
    pub fn open(self, path: impl AsRef<Path>) -> Result<Inbox, InboxError> {
        self.check()?;
        let path = path.as_ref();
        let engine = Sqlite::open(path, &self.settings)?;
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        Ok(inbox(engine, self, &name))
    }

    /// Opens the inbox of this name on a NATS server, 2.12 or newer with JetStream, and creates its
    /// streams if there are none.
    ///
    /// The URL is `nats://host:port`, with `user:password@` or `token@` before the host if the
    /// server asks for it, or `tls://host:port` with the feature `nats-tls`. Several servers of a
    /// cluster are separated by commas. The name consists of letters, digits, `-` and `_`. See [the
    /// promises of each engine](crate::inbox#two-engines), and how to set up the server.
    ///
    /// ```no_run
    /// # async fn connect() -> Result<(), Box<dyn std::error::Error>> {
    /// use snapengage::inbox::Inbox;
    ///
    /// let servers = "nats://a:4222,nats://b:4222";
    /// let inbox = Inbox::options().replicas(3).connect(servers, "inbox").await?;
    /// # let _ = inbox;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// If a limit or deadline is zero, if the server cannot be reached, rejects the credentials or
    /// is too old, or if a stream cannot be created, or exists and cannot keep the promises:
    /// because it is in memory, has too few replicas, and the like.
    ///
    /// # Panics
    ///
    /// Outside of a tokio runtime with IO and time, which `#[tokio::main]` has.
    #[cfg(feature = "nats")]
    pub async fn connect(self, url: &str, name: &str) -> Result<Inbox, InboxError> {
        self.check()?;
        let engine = Nats::connect(url, name, &self.settings).await?;
        Ok(inbox(engine, self, name))
    }
}

fn inbox(engine: impl Engine + 'static, options: Options, name: &str) -> Inbox {
    Inbox(Arc::new(Shared::new(Box::new(engine), options, name)))
}
