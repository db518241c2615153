//! Recorder around a receiver, in its process.

use std::fmt;
use std::path::PathBuf;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use http::header::AUTHORIZATION;
use http::{HeaderMap, Response, StatusCode};
use serde_json::{Value, json};

use super::about;
use super::exchange::{Cut, Exchange, RecordedMessage, RecordedResponse};
use super::folder::FolderLimits;
use super::redact::Redaction;
use super::writer::{RecordWriter, RecordedPaths, WriterOptions};
use crate::clock;
use crate::error::HandlerError;
use crate::receiver::Receiver;
use crate::receiver::health::HealthCheck;
use crate::receiver::observer::{ObservedRequest, Observer, UnreadBody};
use crate::receiver::response::Body;

/// Recorder of requests and their answers, each in a file of its own, [redacted](Redaction).
///
/// A clone writes to the same folder as the recorder that it is of. The thread that writes begins
/// with the first receiver, and ends with the last receiver and recorder: then what waits is
/// written, for which ten seconds are waited. See [the module](super#a-recorder-in-process).
///
/// ```no_run
/// use std::time::Duration;
///
/// use snapengage::Receiver;
/// use snapengage::record::Recorder;
///
/// # fn example(receiver: Receiver) {
/// let recorder = Recorder::to("recordings/")
///     .rotate_size(64 << 20)
///     .keep(Duration::from_secs(14 * 86_400));
/// let receiver = recorder.around(receiver);
/// # }
/// ```
#[derive(Clone)]
#[must_use]
pub struct Recorder {
    options: WriterOptions,
    writer: Arc<OnceLock<Arc<RecordWriter>>>,
}

impl Recorder {
    /// Creates a recorder to a folder, which is made if it is not there. The numbers of its files
    /// go on from the last that is there. One recorder at a time writes to a folder.
    pub fn to(folder: impl Into<PathBuf>) -> Self {
        Self::with(WriterOptions {
            folder: folder.into(),
            redaction: Redaction::new(),
            limits: FolderLimits::default(),
        })
    }

    fn with(options: WriterOptions) -> Self {
        Self { options, writer: Arc::default() }
    }

    /// Sets what is done with texts, and where the key of the pseudonyms is. By default, texts are
    /// kept but for what is found in them, and the key is a random one.
    pub fn redaction(mut self, redaction: Redaction) -> Self {
        self.options.redaction = redaction;
        Self::with(self.options)
    }

    /// Sets the size of a sub-folder, in bytes of its files, after which the next one is begun. A
    /// sub-folder has the number of its first file. By default, there are none.
    pub fn rotate_size(mut self, bytes: u64) -> Self {
        self.options.limits.rotate_size = Some(bytes);
        Self::with(self.options)
    }

    /// Sets the age at which files are deleted, by the time in them. It is looked for at the start
    /// and every hour. By default, all are kept.
    pub fn keep(mut self, age: Duration) -> Self {
        self.options.limits.keep = Some(age);
        Self::with(self.options)
    }

    /// Returns the receiver with its requests recorded. It answers as before, and so does the
    /// receiver that was given, unrecorded.
    pub fn around(&self, receiver: Receiver) -> Receiver {
        let writer = Arc::clone(self.writer_of(RecordedPaths::Known));
        receiver.observed_by(Arc::new(InProcess { writer }))
    }

    /// Waits until all that was answered so far is written, or given up.
    pub async fn flush(&self) {
        self.writer().flush().await;
    }

    /// Returns the number of exchanges that were written since the start.
    pub fn recorded(&self) -> u64 {
        self.writer().counts().recorded
    }

    /// Returns the number of exchanges that were given up since the start.
    pub fn dropped(&self) -> u64 {
        self.writer().counts().dropped
    }

    fn writer(&self) -> &Arc<RecordWriter> {
        self.writer_of(RecordedPaths::Unknown)
    }

    /// Returns the writer, which is started with such paths if it is not running.
    pub(super) fn writer_of(&self, paths: RecordedPaths) -> &Arc<RecordWriter> {
        self.writer.get_or_init(|| Arc::new(RecordWriter::start(self.options.clone(), paths)))
    }
}

impl fmt::Debug for Recorder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Recorder").field("options", &self.options).finish_non_exhaustive()
    }
}

/// Reports `recorded` and `dropped`, the number of exchanges that were written and given up since
/// the start, and `waiting`, the number of those that are to be written.
///
/// Fails if no file can be written, which it tries: the disk is full, the folder is gone, the key
/// cannot be read.
#[async_trait]
impl HealthCheck for Recorder {
    async fn check(&self) -> Result<Value, HandlerError> {
        let counts = self.writer().check().await?;
        Ok(json!({
            "recorded": counts.recorded,
            "dropped": counts.dropped,
            "waiting": counts.waiting,
        }))
    }
}

/// Recorder of the requests of one receiver.
struct InProcess {
    writer: Arc<RecordWriter>,
}

impl Observer for InProcess {
    fn sees_bodies(&self) -> bool {
        true
    }

    fn observe(&self, request: &ObservedRequest<'_>, response: Option<&Response<Body>>) {
        let took = request.arrived.elapsed();
        let at = clock::now().saturating_sub(took);
        let event = request.event.as_deref().unwrap_or_default();
        let exchange = Exchange {
            number: 0,
            at,
            offset: at.saturating_duration_since(self.writer.started()),
            api: request.api,
            event: about::event(request.api, event).to_owned(),
            case_id: request.case_id.clone(),
            error: None,
            is_path_known: true,
            request: asked(request, response.map(Response::status)),
            cut: request.unread.map(|unread| match unread {
                UnreadBody::Announced(length) => Cut::Announced(length),
                UnreadBody::Unknown => Cut::Unknown,
            }),
            response: response.map(|response| RecordedResponse {
                status: response.status(),
                took,
                is_of_proxy: false,
                message: answered(request, response),
            }),
        };
        self.writer.put(exchange, |_| {});
    }
}

fn asked(request: &ObservedRequest<'_>, status: Option<StatusCode>) -> RecordedMessage {
    RecordedMessage {
        start_line: start_line(request),
        headers: headers(&request.head.headers, status, request.token.as_deref()),
        // A copy: the original may share its memory with all that its connection has read.
        body: Bytes::copy_from_slice(&request.body),
    }
}

fn answered(request: &ObservedRequest<'_>, response: &Response<Body>) -> RecordedMessage {
    RecordedMessage {
        start_line: format!("{:?} {}", request.head.version, response.status()),
        headers: headers(response.headers(), None, None),
        body: response.body().clone().into_bytes(),
    }
}

fn start_line(request: &ObservedRequest<'_>) -> String {
    let head = request.head;
    let query = head.uri.query().map(|query| format!("?{query}")).unwrap_or_default();
    format!("{} {}{query} {:?}", head.method, request.path, head.version)
}

fn headers(
    headers: &HeaderMap,
    status: Option<StatusCode>,
    token: Option<&str>,
) -> Vec<(String, String)> {
    let headers = headers.iter().map(|(name, value)| {
        let value = match name {
            &AUTHORIZATION => credential(status, token),
            _ => text(value.as_bytes()),
        };
        (name.as_str().to_owned(), value)
    });
    headers.collect()
}

/// Returns what stands in the place of a credential.
pub(super) fn credential(status: Option<StatusCode>, token: Option<&str>) -> String {
    match (status, token) {
        (Some(StatusCode::UNAUTHORIZED), _) => "<redacted:refused>".to_owned(),
        (_, Some(name)) => format!("<redacted:right:{name}>"),
        (_, None) => "<redacted:right>".to_owned(),
    }
}

/// Reads the value of a header: as ISO-8859-1 if it is not UTF-8.
pub(super) fn text(value: &[u8]) -> String {
    match str::from_utf8(value) {
        Ok(text) => text.to_owned(),
        Err(_) => value.iter().map(|&byte| char::from(byte)).collect(),
    }
}
