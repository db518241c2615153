//! Ways to open an inbox.

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
    /// Opens an inbox in a SQLite file with default [`Options`]. Blocks while it does.
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
    #[cfg(feature = "nats")]
    pub async fn connect(url: &str, name: &str) -> Result<Self, InboxError> {
        Options::new().connect(url, name).await
    }

    /// An inbox to be configured.
    pub fn options() -> Options {
        Options::new()
    }
}

impl Options {
    /// Opens an inbox in a SQLite file, and creates it where there is none. Blocks while it does.
    ///
    /// # Errors
    ///
    /// Where a limit or deadline is zero, or the file cannot be read and written, is no SQLite database, is
    /// one of another program, or was written by a newer version of this crate.
    #[cfg(feature = "sqlite")]
    pub fn open(self, path: impl AsRef<Path>) -> Result<Inbox, InboxError> {
        self.check()?;
        let engine = Sqlite::open(path.as_ref(), &self.settings)?;
        Ok(inbox(engine, self))
    }

    /// Opens the inbox of this name on a NATS server, 2.12 or newer with JetStream, and creates its
    /// streams where there are none.
    ///
    /// The URL is `nats://host:port`, with `user:password@` or `token@` before the host where the server
    /// asks for it, or `tls://host:port` with the feature `nats-tls`. Several servers of a cluster are
    /// separated by commas. The name is of letters, digits, `-` and `_`. See [what each engine
    /// promises](crate::inbox#two-engines), and how to set up the server.
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
    /// Where a limit or deadline is zero, or the server cannot be reached, turns the user away or is too old, or where a stream cannot be
    /// created, or is there and cannot hold what is promised: in memory, too few replicas, and the
    /// like.
    #[cfg(feature = "nats")]
    pub async fn connect(self, url: &str, name: &str) -> Result<Inbox, InboxError> {
        self.check()?;
        let engine = Nats::connect(url, name, &self.settings).await?;
        Ok(inbox(engine, self))
    }
}

fn inbox(engine: impl Engine + 'static, options: Options) -> Inbox {
    Inbox(Arc::new(Shared::new(Box::new(engine), options)))
}
