//! The CRM: a SQLite file with a table of chats and one of their events.
//!
//! Handlers are called at least once, so each effect is committed under the event's key: an event
//! that comes twice is written once. A chat that comes again with more in it replaces the first; an
//! event without a key is always new.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use rusqlite::{Connection, params};
use snapengage::conversation::{self, Event};
use snapengage::integration::{self, SupportRequest};
use snapengage::{HandlerError, Timestamp, async_trait};

const TABLES: &str = "
    CREATE TABLE IF NOT EXISTS chat (
        case_id TEXT PRIMARY KEY, visitor TEXT, description TEXT, lines INTEGER
    );
    CREATE TABLE IF NOT EXISTS event (
        key TEXT UNIQUE, case_id TEXT, kind TEXT, at INTEGER, agent TEXT, label TEXT
    );";

/// CRM that is up, unless a file exists that takes it down.
#[derive(Clone)]
pub(crate) struct Crm {
    connection: Arc<Mutex<Connection>>,
    down: Option<PathBuf>,
}

impl Crm {
    pub(crate) fn open(file: &Path, down: Option<PathBuf>) -> rusqlite::Result<Self> {
        let connection = Connection::open(file)?;
        connection.execute_batch(TABLES)?;
        Ok(Self { connection: Arc::new(Mutex::new(connection)), down })
    }

    async fn write(
        &self,
        query: impl FnOnce(&Connection) -> rusqlite::Result<usize> + Send + 'static,
    ) -> Result<(), HandlerError> {
        if self.down.as_ref().is_some_and(|file| file.exists()) {
            return Err("the CRM is down".into());
        }
        let connection = Arc::clone(&self.connection);
        let written = tokio::task::spawn_blocking(move || {
            let connection = connection.lock().map_err(|_| "a writer panicked")?;
            query(&connection)?;
            Ok(())
        });
        written.await?
    }
}

#[async_trait]
impl integration::Handler for Crm {
    async fn support_request(&self, request: SupportRequest) -> Result<(), HandlerError> {
        const UPSERT: &str = "INSERT OR REPLACE INTO chat VALUES (?1, ?2, ?3, ?4)";
        self.write(move |connection| {
            let (visitor, lines) = (&request.requested_by, request.transcripts.len() as i64);
            let values = params![request.key(), visitor, request.description, lines];
            connection.execute(UPSERT, values)
        })
        .await
    }
}

#[async_trait]
impl conversation::Handler for Crm {
    async fn event(&self, event: Event) -> Result<(), HandlerError> {
        const INSERT: &str = "INSERT OR IGNORE INTO event VALUES (?1, ?2, ?3, ?4, ?5, ?6)";
        self.write(move |connection| {
            let key = event.key();
            let Event { case_id, kind, timestamp, agent_email, label, .. } = event;
            let (at, label) =
                (timestamp.map(Timestamp::as_millis), label.and_then(|label| label.value));
            let values = params![key, case_id.as_str(), kind.as_str(), at, agent_email, label];
            connection.execute(INSERT, values)
        })
        .await
    }
}
