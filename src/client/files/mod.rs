//! Files that visitors and agents uploaded.

mod part;

use std::fmt;
use std::io::{self, Seek, Write};
use std::path::Path;

use bytes::{Bytes, BytesMut};
use http::header::{CONTENT_LENGTH, CONTENT_TYPE, HeaderName};
use http::{Response, Uri};
use http_body_util::BodyExt;
use tokio::time::timeout;
use tracing::Instrument;

use self::part::Part;
use crate::client::Account;
use crate::client::attempts::Attempts;
use crate::client::call::Call;
use crate::client::error::{Cause, ClientError, Failure};
use crate::client::operation::Operation;
use crate::client::transport::ResponseBody;

impl Account {
    /// Starts a download of a file, by its address as a transcript has it.
    ///
    /// ```no_run
    /// use snapengage::client::{Account, ClientError};
    ///
    /// async fn save(account: &Account, address: &str) -> Result<(), ClientError> {
    ///     let file = account.file(address)?.save_to("upload.pdf").await?;
    ///     println!("{} bytes of {:?}", file.bytes, file.content_type);
    ///     Ok(())
    /// }
    /// ```
    ///
    /// See [SnapEngage docs/Integration API](https://developer.snapengage.com/#integration-api).
    ///
    /// # Errors
    ///
    /// If it is not an address of SnapEngage, or of one of the client's
    /// [other hosts](crate::client::ClientBuilder::hosts), with the scheme of the base address, https.
    /// Transcripts hold what visitors wrote, and the API token is not sent to wherever that leads.
    /// The error does not repeat the address.
    pub fn file(&self, address: &str) -> Result<Download, ClientError> {
        let refused = |mistake: &str| {
            let call = self.client.call(Operation::File, &[]);
            call.error(Failure::Mistake(mistake.to_owned()), 0, false)
        };
        let address: Uri = address.trim().parse().map_err(|_| refused("expected an address"))?;
        if !self.client.origins().may_have_credentials(&address) {
            return Err(refused("the address is not one of SnapEngage's, see `hosts`"));
        }
        let address = with_org(address, &self.org.to_string());
        let address = address.map_err(|_| refused("the address is too long"))?;
        let call = self.client.call_address(Operation::File, address);
        Ok(Download { call: call.authorization(&self.token), limit: Download::LIMIT })
    }
}

/// Adds the organisation to the query of an address, in place of another that may be there.
fn with_org(address: Uri, org: &str) -> Result<Uri, http::Error> {
    let is_org = |parameter: &&str| parameter.split('=').next() == Some("orgId");
    let parameters = address.query().unwrap_or_default().split('&');
    let kept = parameters.filter(|parameter| !parameter.is_empty() && !is_org(parameter));
    let query: String = kept.flat_map(|parameter| [parameter, "&"]).collect();
    let path_and_query = format!("{}?{query}orgId={org}", address.path());
    let mut parts = address.into_parts();
    parts.path_and_query = Some(path_and_query.try_into()?);
    Ok(parts.try_into()?)
}

/// Download of a file that a visitor or an agent uploaded.
///
/// A redirect to another host is followed, without the API token. An attempt that fails is made
/// again from the start, as long as there is time for a
/// [call](crate::client::ClientBuilder::call_deadline); the body of the last one may take longer,
/// if each part of it comes within the time for an
/// [attempt](crate::client::ClientBuilder::attempt_timeout).
#[must_use = "nothing is downloaded until `save_to` or `bytes` is awaited"]
pub struct Download {
    call: Call,
    limit: u64,
}

/// File that was downloaded.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct SavedFile {
    /// Size, in bytes.
    pub bytes: u64,
    /// Type as the server named it. The visitor chose what the file is, and may have chosen this.
    pub content_type: Option<String>,
}

impl Download {
    const LIMIT: u64 = 100 * 1024 * 1024;

    /// Sets the size of the largest file that is taken, in bytes. 100 MiB by default.
    pub fn limit(mut self, bytes: u64) -> Self {
        self.limit = bytes;
        self
    }

    /// Saves the file under a name of your own: the one that the server names is not used.
    ///
    /// It is written beside the name, and renamed when it is whole and on disk. If it fails, or the
    /// future is dropped, nothing is left of it, and a file that has the name already is as it was.
    /// One that is replaced keeps its permissions.
    ///
    /// # Errors
    ///
    /// If the file does not come, not to its end, or is larger than the [limit](Self::limit); if it
    /// cannot be written. The name must not be that of a folder or a device.
    pub async fn save_to(self, path: impl AsRef<Path>) -> Result<SavedFile, ClientError> {
        let span = self.call.span();
        self.save(path.as_ref()).instrument(span).await
    }

    /// Returns the file's bytes, which are in memory, up to the [limit](Self::limit).
    ///
    /// # Errors
    ///
    /// If the file does not come, not to its end, or is larger than the limit.
    pub async fn bytes(self) -> Result<Bytes, ClientError> {
        let span = self.call.span();
        let received = self.receive(BytesMut::new()).instrument(span).await?;
        Ok(received.sink.freeze())
    }

    async fn save(&self, path: &Path) -> Result<SavedFile, ClientError> {
        // Before anything is sent: a folder that is not there is found at once.
        let part = Part::create(path).await;
        let part = part.map_err(|error| self.call.error(Failure::NotWritten(error), 0, false))?;
        let Received { saved, sink: part, attempts } = self.receive(part).await?;
        part.keep().await.map_err(|error| attempts.end(Failure::NotWritten(error)))?;
        Ok(saved)
    }

    /// Makes attempts until the whole of the file is in the sink.
    async fn receive<S: Sink>(&self, mut sink: S) -> Result<Received<'_, S>, ClientError> {
        let mut attempts = self.call.attempts();
        loop {
            let mut incoming = Incoming::new(attempts.head().await?, self.limit);
            let failure = loop {
                let written = match incoming.next(&attempts).await {
                    Ok(Some(bytes)) => sink.write(bytes).await,
                    Ok(None) => {
                        self.call.tally.answered();
                        return Ok(Received { saved: incoming.saved, sink, attempts });
                    }
                    Err(failure) => break failure,
                };
                sink = written.map_err(|error| attempts.end(Failure::NotWritten(error)))?;
            };
            attempts.failed(failure).await?;
            let emptied = sink.restart().await;
            sink = emptied.map_err(|error| attempts.end(Failure::NotWritten(error)))?;
        }
    }
}

impl fmt::Debug for Download {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Download").field("limit", &self.limit).finish_non_exhaustive()
    }
}

/// File that is whole.
struct Received<'c, S> {
    saved: SavedFile,
    sink: S,
    attempts: Attempts<'c>,
}

/// Body that is arriving.
struct Incoming {
    body: ResponseBody,
    /// Part of it that has arrived.
    saved: SavedFile,
    announced: Option<u64>,
    limit: u64,
}

impl Incoming {
    fn new(response: Response<ResponseBody>, limit: u64) -> Self {
        let announced = header(&response, &CONTENT_LENGTH).and_then(|bytes| bytes.parse().ok());
        let content_type = header(&response, &CONTENT_TYPE).map(str::to_owned);
        let saved = SavedFile { bytes: 0, content_type };
        Self { body: response.into_body(), saved, announced, limit }
    }

    /// Returns the next part; `None` at the end.
    async fn next(&mut self, attempts: &Attempts<'_>) -> Result<Option<Bytes>, Failure> {
        if self.announced.is_some_and(|bytes| bytes > self.limit) {
            return Err(Failure::TooLarge(self.limit));
        }
        let patience = attempts.limit();
        loop {
            let frame = timeout(patience, self.body.frame()).await;
            let Some(frame) = frame.map_err(|_| Failure::TimedOut(patience))? else { break };
            if let Ok(bytes) = frame.map_err(|error| attempts.broken(&error))?.into_data() {
                self.saved.bytes += bytes.len() as u64;
                let is_within = self.saved.bytes <= self.limit;
                return is_within.then_some(Some(bytes)).ok_or(Failure::TooLarge(self.limit));
            }
        }
        match self.announced.filter(|&bytes| bytes != self.saved.bytes) {
            // Not every transport counts.
            Some(announced) => Err(Failure::Broken(Cause(format!(
                "the body ended after {} of {announced} bytes",
                self.saved.bytes
            )))),
            None => Ok(None),
        }
    }
}

fn header<'r>(response: &'r Response<ResponseBody>, name: &HeaderName) -> Option<&'r str> {
    response.headers().get(name)?.to_str().ok()
}

/// Place for a file. What it takes is lost if it fails.
trait Sink: Sized {
    fn write(self, bytes: Bytes) -> impl Future<Output = io::Result<Self>> + Send;

    /// Empties it, for another attempt.
    fn restart(self) -> impl Future<Output = io::Result<Self>> + Send;
}

impl Sink for BytesMut {
    async fn write(mut self, bytes: Bytes) -> io::Result<Self> {
        self.extend_from_slice(&bytes);
        Ok(self)
    }

    async fn restart(mut self) -> io::Result<Self> {
        self.clear();
        Ok(self)
    }
}

impl Sink for Part {
    async fn write(self, bytes: Bytes) -> io::Result<Self> {
        self.change(move |file| file.write_all(&bytes)).await
    }

    async fn restart(self) -> io::Result<Self> {
        self.change(|file| {
            file.set_len(0)?;
            file.rewind()
        })
        .await
    }
}
