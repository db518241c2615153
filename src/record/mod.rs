//! Recordings: real traffic in files, redacted, and replayed as tests.
//!
//! A recording is a folder of text files, one for each request with its answer. They are made to be
//! read, changed and committed: what is personal or secret in them was replaced before it reached
//! the disk.
//!
//! # A recorder in process
//!
//! A [`Recorder`] is put around a receiver, which answers as before:
//!
//! ```
//! use http::Request;
//! use snapengage::bot::{self, Reply};
//! use snapengage::record::{Exchange, Recorder};
//! use snapengage::{Receiver, Token};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let folder = tempfile::tempdir()?;
//! # let folder = folder.path();
//! let bot = bot::from_fn(|_| async { Ok(Reply::say("Welcome back!")) });
//! let token = Token::new("my-token").name("since May");
//! let recorder = Recorder::to(folder);
//! let receiver = Receiver::builder()
//!     .bot("/bot", token, bot)
//!     .healthz("/healthz")
//!     .health_check("recorder", recorder.clone())
//!     .build()?;
//! let receiver = recorder.around(receiver);
//!
//! let body = r#"{"event":"message","widget_id":"w","case_id":"c","text":"Hi"}"#;
//! for token in ["my-token", "another"] {
//!     let request = Request::post("/bot").header("Authorization", token);
//!     receiver.handle(request.body(body.to_owned())?).await;
//! }
//!
//! recorder.flush().await;
//! let file = std::fs::read_to_string(folder.join("000001-bot-message.http"))?;
//! assert!(file.contains("authorization: <redacted:right:since May>\n"));
//! let refused = std::fs::read(folder.join("000002-bot-other.http"))?;
//! let refused = Exchange::from_file(&refused)?;
//! assert_eq!(refused.status(), Some(http::StatusCode::UNAUTHORIZED));
//! # Ok(())
//! # }
//! ```
//!
//! - Refusals are recorded too, with what was read of them: nothing of a body behind a wrong token,
//!   and the start of one that is too large. Where nothing is served, what may be a secret in the
//!   path is replaced. Requests of the health route are not recorded.
//! - Headers are those that the process has: names in lower case, and an answer without the
//!   `content-length` and the `date` that its server adds.
//! - Files are numbered in the order of the answers; `at` and `offset_ms` are times of requests.
//!
//! # A proxy before any receiver
//!
//! `snapengage record --to http://127.0.0.1:8080 --listen 127.0.0.1:9000 --out recordings/` stands
//! in front of a receiver in any language, and so does a `RecordingProxy`, with the features
//! `client` and `record`.
//!
//! - A request is passed on as it came, and the answer goes back as it came: names of headers keep
//!   their order and case. Of several headers of one name, all stand where the first did. `Host` is
//!   that of the receiver; what is for one connection (RFC 9110, 7.6.1) is left out; nothing is
//!   added, neither a `Via` nor an `X-Forwarded-For`.
//! - In the file, heads are to the byte what came, but for what is redacted, as long as a client
//!   waits for its answers, as SnapEngage does.
//! - The API is told by the form of the request: what is neither JSON nor XML in a form of the
//!   five, nor a query with an `email`, is `other`. So is a body that was recorded in part.
//! - Bodies of any length go through. Of a request with more than 2 MiB the first 64 KiB are
//!   recorded, of an answer the first 2 MiB.
//! - A request that cannot be passed on is answered 502, with the reason, and recorded. So is one
//!   that is not answered within two minutes. One whose end is in doubt is answered 400, and not
//!   passed on.
//! - A connection without a request leaves no file.
//!
//! # Form
//!
//! Files are called `NNNNNN-API-EVENT.http`: the API is `other` where it is none of the five, and so
//! is an event that is not documented. One is UTF-8, and its lines end in a line feed.
//!
//! ```text
//! # snapengage recording 1
//! # n: 7
//! # at: 2026-11-25T20:11:03.512Z
//! # offset_ms: 1200
//! # api: bot
//! # event: message
//! # case: 5eda5eda-8d11-8f3c-9a52-0b7c5f1d2e90
//! # request-body: text 226
//! # response: 200 in 12 ms
//! # response-body: text 171
//! POST /bot HTTP/1.1
//! Host: bot.example.com
//! Authorization: <redacted:right>
//! Content-Type: application/json
//! Content-Length: 226
//!
//! {
//!   "widget_id":"5eda5eda-1c0e-8a4f-b2d1-7e90a4c6d3f8",
//!   "case_id":"5eda5eda-8d11-8f3c-9a52-0b7c5f1d2e90",
//!   "timestamp":1764101463498,
//!   "event":"message",
//!   "from":"visitor",
//!   "text":"I am p-4kqz7m2xw5ha@example.invalid"
//! }
//! ### response
//! HTTP/1.1 200 OK
//! Server: uvicorn
//! Content-Type: application/json
//! Content-Length: 171
//!
//! {
//!   "widget_id": "5eda5eda-1c0e-8a4f-b2d1-7e90a4c6d3f8",
//!   "case_id": "5eda5eda-8d11-8f3c-9a52-0b7c5f1d2e90",
//!   "content": [{"type": "message", "text": "Welcome back!"}]
//! }
//! ```
//!
//! A refused one, from a recorder in process:
//!
//! ```text
//! # snapengage recording 1
//! # n: 8
//! # at: 2026-11-25T20:11:09.020Z
//! # offset_ms: 6708
//! # api: bot
//! # event: other
//! # path: known
//! # request-body: text 0
//! # cut: 226
//! # response: 401 in 0 ms
//! # response-body: text 54
//! POST /bot HTTP/1.1
//! host: bot.example.com
//! authorization: <redacted:refused>
//! content-length: 226
//!
//!
//! ### response
//! HTTP/1.1 401 Unauthorized
//! content-type: application/json; charset=utf-8
//! x-content-type-options: nosniff
//! connection: close
//!
//! {"code":401,"message":"the token is missing or wrong"}
//! ```
//!
//! | Note | Meaning |
//! |---|---|
//! | `n` | number, from 1 |
//! | `at`, `offset_ms` | time of the request, and milliseconds since the recorder began |
//! | `api`, `event` | as in the name |
//! | `case` | id of the case; absent if there is none |
//! | `error` | what a dead letter of an inbox died of; absent for all else |
//! | `path` | `known` where a route told which part of the path is a secret, so that redaction leaves the rest; absent in a proxy |
//! | `request-body`, `response-body` | `text` and the bytes that follow the head, or `base64` and the bytes of that, for what is not UTF-8. A line feed follows, which does not count |
//! | `cut` | length that a body announced whose end was not recorded, in bytes, or `?` where it came in chunks; absent for a whole body |
//! | `response` | status, and the time to it; `none` if the caller hung up before |
//! | `answered-by` | `proxy` for an answer of the proxy's own, which replay leaves out; absent for all else |
//!
//! `Authorization` is `<redacted:right>`, or `<redacted:refused>` where the answer is 401; in
//! process the first has the [name](crate::Token::name) of the token. `Content-Length` is what was
//! announced.
//!
//! # Replay
//!
//! A [`Recording`] is a folder of exchanges. [`Recording::replay`] sends each request again, in
//! order, and compares the answers with the recorded ones:
//!
//! ```
//! use snapengage::bot::{self, Reply};
//! use snapengage::record::Recording;
//! use snapengage::{Receiver, Token, integration};
//!
//! # #[tokio::main(flavor = "current_thread", start_paused = true)]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let bot = bot::from_fn(|message| async move {
//!     Ok(Reply::say(format!("You said: {}", message.text)))
//! });
//! let bot = bot.greeting("Hello!");
//! let feed = integration::from_fn(|_| async { Ok(()) });
//! let receiver = Receiver::builder()
//!     .bot("/bot", Token::new("my-token"), bot)
//!     .integration("/integration", Token::new("my-token"), feed)
//!     .build()?;
//!
//! let recording = Recording::open("tests/recordings")?;
//! recording.replay(&receiver).token("my-token").await.assert_same();
//! # Ok(())
//! # }
//! ```
//!
//! A bot that says something else fails it, with the difference:
//!
//! ```diff
//! 3 requests sent, 1 not answered as recorded
//!
//! tests/recordings/000001-bot-chatStarted.http: the answer: not as recorded
//!
//! expected (-), but it was (+):
//!       200 OK
//!       {
//!         "case_id": "5eda5eda-8d11-8f3c-9a52-0b7c5f1d2e90",
//!         "content": [
//!           {
//!     -       "text": "Hello!",
//!     +       "text": "Welcome!",
//!             "type": "message"
//!           }
//!         ],
//!         "widget_id": "5eda5eda-11aa-8b9c-8d0e-4f2a6c8e0b13"
//!       }
//! ```
//!
//! [`Playback`] has the options, and says how each request is sent and what counts as the same. A
//! receiver in another language is replayed against by a `RemoteReceiver` (feature `client`), or by
//! the program:
//!
//! ```sh
//! snapengage replay tests/recordings http://127.0.0.1:8080 --token my-token
//! ```
//!
//! Its exit status is 1 if an answer differs. In the same way, `snapengage replay samples` sends
//! the documented requests, a file that ends in `.chat` is run as a
//! [script](crate::testing#chat-scripts), and `snapengage send bot/message.json` sends one request
//! and shows the answer.
//!
//! - [`Recording::chats`], and `replay --to-scripts`, write the chats with bots as scripts, which
//!   people can read and change.
//! - [`Recording::mutate`] spoils the requests in every way that may come up.
//! - `Redaction::export` (feature `inbox`), and `snapengage inbox export`, write the entries of an
//!   inbox as a recording. A dead letter has the error that it died of; replayed, it is expected to
//!   succeed, and a failure shows both errors.
//! - A [`FieldChange`], and `--set text=Hello`, change a field of them.
//!
//! # What is promised
//!
//! - **Requests come first.** The answer waits for no disk: a thread redacts and writes, behind a
//!   queue of 1,024 exchanges and 32 MiB. Past that, exchanges are dropped and counted, and a
//!   warning says when it begins and when it is over.
//! - **Trouble is seen.** A full disk, a folder that is gone, or a key that cannot be read is
//!   logged once, and a [`Recorder`] is a [`HealthCheck`](crate::HealthCheck) that fails as long as
//!   it lasts. A folder that is gone is not made again, since its disk may not be mounted.
//! - **Files are whole.** Each is written beside its name and renamed: a process that is killed
//!   leaves no half file, but loses what was in the queue. A power cut may leave an empty one.
//! - **Numbers go on** after the last in the folder. One recorder at a time writes to it, which a
//!   lock on the folder sees to where the system has one.
//! - **Space is bounded** by [`keep`](Recorder::keep), in sub-folders by
//!   [`rotate_size`](Recorder::rotate_size).

mod about;
mod change;
mod chats;
mod error;
mod exchange;
mod files;
mod folder;
mod form;
mod fresh_ids;
mod mutate;
mod payload;
#[cfg(feature = "client")]
mod proxy;
mod pseudonym;
mod recorder;
mod recording;
mod redact;
#[cfg(feature = "client")]
mod remote;
mod replay;
#[cfg(feature = "inbox")]
mod stored;
mod writer;

pub use self::change::{FieldChange, FieldChangeError};
pub use self::chats::RecordedChat;
pub use self::error::RecordingError;
pub use self::exchange::Exchange;
#[cfg(feature = "client")]
pub use self::proxy::RecordingProxy;
pub use self::recorder::Recorder;
pub use self::recording::Recording;
pub use self::redact::{Leftover, Redaction, Texts};
#[cfg(feature = "client")]
pub use self::remote::{RemoteError, RemoteReceiver};
pub use self::replay::{Playback, PlaybackReport, ReplayTarget, Replayed};
