//! Metrics of a service: requests, connections, inboxes, conversations and calls.
//!
//! They are emitted through the crate [`metrics`](https://docs.rs/metrics), to whatever exporter the
//! program installs: `metrics-exporter-prometheus`, or one for StatsD or OpenTelemetry. A part of a
//! service is counted once it is [observed](observe), and costs nothing before:
//!
//! ```no_run
//! use snapengage::bot::{self, Reply};
//! use snapengage::{Receiver, Token, metrics};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let exporter = metrics_exporter_prometheus::PrometheusBuilder::new()
//!     .set_buckets(metrics::BUCKETS)?
//!     .install_recorder()?;
//!
//! let bot = bot::from_fn(|message| async move { Ok(Reply::say(message.text)) });
//! let receiver = Receiver::builder().bot("/bot", Token::new("my-token"), bot).build()?;
//! let receiver = metrics::observe(receiver);
//!
//! let page = exporter.render(); // what is scraped
//! # drop((receiver, page));
//! # Ok(())
//! # }
//! ```
//!
//! Install the recorder first: what happens before is not counted, and has no `# HELP`. The example
//! `metrics` serves `/metrics` beside a receiver with an inbox. Alerts worth having and a Grafana
//! dashboard are in the repository, in `docs/`.
//!
//! # The metrics
//!
//! In code, they are [`METRICS`].
//!
//! | Metric | Kind | Labels | |
//! |---|---|---|---|
//! | `snapengage_requests_total` | counter | `api`, `event`, `status`, `token` | Requests, but for those of the health route. |
//! | `snapengage_request_duration_seconds` | histogram | `api` | Time from the head of a request to its answer. |
//! | `snapengage_refusals_total` | counter | `api`, `reason` | Requests that were refused, or whose handlers failed. |
//! | `snapengage_fallback_replies_total` | counter | `reason` | Requests to a bot that were answered with the fallback reply or the apology. |
//! | `snapengage_silent_replies_total` | counter | | Messages of a visitor to which the bot said nothing. |
//! | `snapengage_odd_fields_total` | counter | `api`, `field` | Documented fields of requests whose values were not as documented. |
//! | `snapengage_connections_total` | counter | | Connections that were accepted by this crate's server. |
//! | `snapengage_open_connections` | gauge | | Connections that are open. |
//! | `snapengage_connection_failures_total` | counter | `reason` | Connections that were refused, or closed for a fault of the client's. |
//! | `snapengage_inbox_receipts_total` | counter | `inbox`, `api`, `outcome` | Requests that were to be stored. |
//! | `snapengage_inbox_receipt_duration_seconds` | histogram | `inbox` | Time until a request was on disk, or was not to be stored. |
//! | `snapengage_inbox_attempts_total` | counter | `inbox`, `api`, `outcome` | Attempts to process an entry. |
//! | `snapengage_inbox_attempt_duration_seconds` | histogram | `inbox`, `api` | Time of an attempt, until its outcome was stored. |
//! | `snapengage_inbox_entries` | gauge | `inbox`, `state` | Entries in each state, when it was sampled. |
//! | `snapengage_inbox_oldest_age_seconds` | gauge | `inbox` | Age of the oldest entry that waits or is being processed; 0 if there is none. |
//! | `snapengage_inbox_size_bytes` | gauge | `inbox` | Bytes in use, of `size_limit`. |
//! | `snapengage_inbox_healthy` | gauge | `inbox` | 1 if the inbox passes its health check, else 0. |
//! | `snapengage_dialogue_turns_total` | counter | `bot`, `outcome` | Turns of conversations. |
//! | `snapengage_client_calls_total` | counter | `operation`, `outcome` | Calls of SnapEngage's APIs. |
//! | `snapengage_client_attempts_total` | counter | `operation` | Attempts of these calls. |
//! | `snapengage_client_call_duration_seconds` | histogram | `operation` | Time of a call, with its attempts and the waits between them. |
//! | `snapengage_client_odd_fields_total` | counter | `operation`, `field` | Documented fields of answers whose values were not as documented. |
//!
//! # Labels
//!
//! No label has a value that a caller wrote: their number is bounded by your settings and by the
//! vendor's documentation.
//!
//! | Label | Values |
//! |---|---|
//! | `api` | [`Api::as_str`](crate::Api::as_str); `none` where nothing is served |
//! | `event` | the documented event, type or status, and `query` of Get Contact; `other` for what is not documented; `none` if the request has none, or was refused before it was read |
//! | `status` | status of the answer; `none` if the caller hung up before |
//! | `token` | [name](crate::Token::name) of the token that came; `none` without one, or with a wrong one |
//! | `field` | documented name of the field |
//! | `reason` of refusals | before the body: `framing`, `path`, `method`, `token`, `encoding`; of the body: `too-large`, `too-slow`, `broken-body`, `unreadable`; of the handler: `no-memory`, `failed`, `permanent`, `panicked`, `timed-out` |
//! | `reason` of fallback replies | `unreadable`, `no-memory`, `failed`, `permanent`, `panicked`, `timed-out`; `failed-transfer` if a transfer failed and the bot said nothing to it |
//! | `reason` of connections | `full` (`max_connections` are open: it waits), `not-accepted` (out of files, and the like), `handshake`, `head-too-large` (431), `head-too-slow`, `malformed`, `read-too-slow`, `cut` (at the end of a shutdown) |
//! | `inbox` | name of the file without its folder, or of the inbox on NATS |
//! | `state` | `waiting`, `working`, `done`, `dead` |
//! | `outcome` of receipts | `new`, `repeat`, `revived` (a dead letter that came again), `unreadable`; `full` and `not-stored` are answered 503 |
//! | `outcome` of attempts | `done`, `retried`, `dead`, `lease-lost`, `not-stored` |
//! | `bot` | its [name](crate::dialogue::Bot::name) |
//! | `outcome` of turns | `committed`, `repeat` (answered before, or the end of a conversation that is over), `failed`, `lease-lost`, `dropped` (at its deadline, or by a panic) |
//! | `operation` | [`Operation::as_str`](crate::client::Operation::as_str) |
//! | `outcome` of calls | `ok`; `mistake` (nothing was sent), `not-connected`, `broken`, `timed-out`, `unauthorized`, `not-found`, `too-many-requests`, `client-error`, `server-error`, `malformed`, `refused`, `too-large`, `redirected`, `not-written`, `dropped` |
//!
//! The vendor's drift shows in `event="other"` and in the odd fields. A field is odd if its value
//! is not of the documented type, or came twice; it is in `extra` then.
//!
//! # Gauges of an inbox
//!
//! They are set when you [sample] it, before a scrape: `waiting` and the like are in the store, and
//! other processes change them. Of several processes that share an inbox, each samples the same.
#![cfg_attr(
    not(all(feature = "client", feature = "dialogue", feature = "inbox")),
    allow(rustdoc::broken_intra_doc_links, reason = "the rooms that it links to are not there")
)]

#[cfg(feature = "inbox")]
mod gauges;
mod list;
#[cfg(any(feature = "client", feature = "dialogue", feature = "inbox"))]
mod parts;
mod requests;

use std::sync::Arc;

#[cfg(feature = "inbox")]
pub use self::gauges::sample;
pub use self::list::{METRICS, Metric, MetricKind};

use self::requests::RequestMeter;
use crate::receiver::Receiver;

/// Upper bounds of buckets for the histograms, in seconds: from a millisecond to a minute, with the
/// default deadlines of handlers among them.
pub const BUCKETS: &[f64] = &[
    0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 8.0, 15.0, 30.0, 60.0,
];

/// Has a part of a service counted from now on: a [`Receiver`], and with it the connections of the
/// [`Server`](crate::Server) that serves it; with their features, an
/// [`Inbox`](crate::inbox::Inbox), a dialogue's [`Bot`](crate::dialogue::Bot) and a
/// [`Client`](crate::client::Client).
///
/// Of an inbox and of a client, all clones are counted; of a receiver, what is returned and its
/// clones, so that one that is observed twice is counted twice.
///
/// ```
/// use snapengage::integration;
/// use snapengage::{Receiver, Token, metrics};
///
/// # fn main() -> Result<(), snapengage::BuildError> {
/// let feed = integration::from_fn(|_| async { Ok(()) });
/// let receiver = Receiver::builder().integration("/feed", Token::new("my-token"), feed);
/// let receiver = metrics::observe(receiver.build()?);
/// # let _ = receiver;
/// # Ok(())
/// # }
/// ```
pub fn observe<T: Observable>(part: T) -> T {
    list::describe();
    part.observed(Seal(()))
}

/// Part of a service that can be [observed](observe). This trait is sealed.
pub trait Observable: Sized {
    // No other crate has a seal.
    #[doc(hidden)]
    fn observed(self, seal: Seal) -> Self;
}

/// Seal of [`Observable`].
#[derive(Debug)]
pub struct Seal(());

impl Observable for Receiver {
    fn observed(self, _seal: Seal) -> Self {
        self.observed_by(Arc::new(RequestMeter::new()))
    }
}

#[cfg(feature = "inbox")]
impl Observable for crate::inbox::Inbox {
    fn observed(self, _seal: Seal) -> Self {
        self.hook().set(parts::inbox_event);
        self
    }
}

#[cfg(feature = "dialogue")]
impl<D, S> Observable for crate::dialogue::Bot<D, S>
where
    D: crate::dialogue::Dialogue,
    S: crate::dialogue::Store,
{
    fn observed(self, _seal: Seal) -> Self {
        self.hook().set(parts::turn_ended);
        self
    }
}

#[cfg(feature = "client")]
impl Observable for crate::client::Client {
    fn observed(self, _seal: Seal) -> Self {
        self.hook().set(parts::call_ended);
        self
    }
}
