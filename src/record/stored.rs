//! Inboxes as recordings.

use std::fs;
use std::path::Path;
use std::time::Duration;

use super::about;
use super::error::RecordingError;
use super::exchange::{Exchange, RecordedMessage};
use super::folder::{Folder, FolderLimits};
use super::form;
use super::redact::Redaction;
use crate::inbox::{Entry, Inbox, Shown, State};
use crate::timestamp::Timestamp;

impl Redaction {
    /// Writes the entries of an inbox that are in this state into a folder, redacted, as a
    /// recording without answers, and returns their number. The folder is made if it is not there;
    /// the numbers of its files go on from the last that is there.
    ///
    /// A dead letter has the [error](Exchange::error) that it died of: replayed, it is expected to
    /// succeed, and where it does not, both errors are shown. Entries that are done, and whose
    /// bodies were removed, are left out.
    ///
    /// # Errors
    ///
    /// If the inbox cannot be read, or the folder not be written; what was written stays.
    pub async fn export(
        &self,
        inbox: &Inbox,
        state: State,
        folder: impl AsRef<Path>,
    ) -> Result<u64, RecordingError> {
        let folder = folder.as_ref();
        let failed = |error| RecordingError::io(folder, error);
        fs::create_dir_all(folder).map_err(failed)?;
        let redactor = self.redactor(&[folder])?;
        let mut files = Folder::open(folder, FolderLimits::default(), 1).map_err(failed)?;
        let (mut after, mut start, mut count) = (None, None, 0);
        loop {
            let page = inbox.list(state, after, PAGE).await.map_err(RecordingError::inbox)?;
            let Some(last) = page.last() else { return Ok(count) };
            after = Some(last.id);
            for entry in &page {
                let shown = inbox.show(entry.id).await.map_err(RecordingError::inbox)?;
                // Meanwhile it may have been processed, or discarded.
                let Some(Shown { entry, body, .. }) = shown else { continue };
                if body.is_empty() && entry.state == State::Done {
                    continue;
                }
                let start = *start.get_or_insert(entry.received_at);
                let mut exchange = exchange(&entry, start);
                exchange.request.body = body;
                redactor.apply(&mut exchange);
                files.write(&mut exchange).map_err(failed)?;
                count += 1;
            }
        }
    }
}

/// Number of entries that are listed at once.
const PAGE: usize = 100;

/// Returns an entry as it was received, but for its body; its token was right.
fn exchange(entry: &Entry, start: Timestamp) -> Exchange {
    let api = form::api(&entry.api).flatten();
    let token = ("Authorization".to_owned(), "<redacted:right>".to_owned());
    let start_line = format!("POST {} HTTP/1.1", entry.path);
    let offset = entry.received_at.saturating_duration_since(start);
    let request = RecordedMessage { start_line, headers: vec![token], ..Default::default() };
    Exchange {
        number: 0,
        at: entry.received_at,
        offset: Duration::from_millis(u64::try_from(offset.as_millis()).unwrap_or(u64::MAX)),
        api,
        event: about::event(api, &entry.event).to_owned(),
        case_id: entry.subject.strip_prefix("case ").map(Into::into),
        error: entry.error.clone(),
        // The one that the feed is mounted at.
        is_path_known: true,
        ..Exchange::of(request)
    }
}
