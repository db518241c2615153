//! List of the metrics: name, kind and labels stand here, and nowhere else in the code.

use std::time::Duration;

use ::metrics::{Key, KeyName, Label, Level, Metadata, Recorder, SharedString, with_recorder};

/// Metric that is emitted.
///
/// ```
/// use snapengage::metrics::METRICS;
///
/// let turns = "snapengage_dialogue_turns_total";
/// let turns = METRICS.iter().find(|metric| metric.name() == turns);
/// assert_eq!(turns.expect("a metric").labels(), ["bot", "outcome"]);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Metric {
    name: &'static str,
    kind: MetricKind,
    labels: &'static [&'static str],
    help: &'static str,
}

/// Kind of a metric.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum MetricKind {
    /// Number that only grows.
    Counter,
    /// Number that goes up and down.
    Gauge,
    /// Distribution of durations in seconds, for which there are [buckets](super::BUCKETS).
    Histogram,
}

impl Metric {
    /// Returns the name, as it is scraped.
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// Returns the kind.
    pub fn kind(&self) -> MetricKind {
        self.kind
    }

    /// Returns the names of the labels, which every series of it has.
    pub fn labels(&self) -> &'static [&'static str] {
        self.labels
    }

    /// Returns the help, one line in Markdown.
    pub fn help(&self) -> &'static str {
        self.help
    }

    fn describe(&self, recorder: &dyn Recorder) {
        let (name, help) = (KeyName::from_const_str(self.name), self.help.into());
        // Without a unit: the names have it, and some exporters append it.
        match self.kind {
            MetricKind::Counter => recorder.describe_counter(name, None, help),
            MetricKind::Gauge => recorder.describe_gauge(name, None, help),
            MetricKind::Histogram => recorder.describe_histogram(name, None, help),
        }
    }

    fn key(&self, values: impl IntoIterator<Item = SharedString>) -> Key {
        let labels = self.labels.iter().zip(values);
        let labels: Vec<_> = labels.map(|(&label, value)| Label::new(label, value)).collect();
        Key::from_parts(self.name, labels)
    }
}

/// Tells the recorder what each metric is.
pub(super) fn describe() {
    with_recorder(|recorder| METRICS.iter().for_each(|metric| metric.describe(recorder)));
}

static METADATA: Metadata<'_> =
    Metadata::new("snapengage", Level::INFO, Some("snapengage::metrics"));

/// Counter with so many labels.
pub(super) struct Counts<const LABELS: usize>(Metric);

/// Gauge with so many labels.
pub(super) struct Levels<const LABELS: usize>(Metric);

/// Histogram of durations with so many labels.
pub(super) struct Durations<const LABELS: usize>(Metric);

impl<const LABELS: usize> Counts<LABELS> {
    const KIND: MetricKind = MetricKind::Counter;

    pub(super) fn add(&self, number: u64, labels: [SharedString; LABELS]) {
        let key = self.0.key(labels);
        with_recorder(|recorder| recorder.register_counter(&key, &METADATA).increment(number));
    }
}

impl<const LABELS: usize> Levels<LABELS> {
    const KIND: MetricKind = MetricKind::Gauge;

    #[cfg(feature = "inbox")]
    pub(super) fn set(&self, level: f64, labels: [SharedString; LABELS]) {
        let key = self.0.key(labels);
        with_recorder(|recorder| recorder.register_gauge(&key, &METADATA).set(level));
    }

    pub(super) fn change(&self, by: f64, labels: [SharedString; LABELS]) {
        let key = self.0.key(labels);
        with_recorder(|recorder| recorder.register_gauge(&key, &METADATA).increment(by));
    }
}

impl<const LABELS: usize> Durations<LABELS> {
    const KIND: MetricKind = MetricKind::Histogram;

    pub(super) fn record(&self, duration: Duration, labels: [SharedString; LABELS]) {
        let key = self.0.key(labels);
        with_recorder(|recorder| recorder.register_histogram(&key, &METADATA).record(duration));
    }
}

const fn count(labels: &[&str]) -> usize {
    labels.len()
}

/// Declares the metrics, and the list of them.
macro_rules! metrics {
    ($(
        $metric:ident: $series:ident = $name:literal [$($label:literal),*] $help:literal;
    )*) => {
        $(
            pub(super) static $metric: $series<{ count(&[$($label),*]) }> = $series(Metric {
                name: $name,
                kind: $series::<0>::KIND,
                labels: &[$($label),*],
                help: $help,
            });
        )*

        /// All metrics, in the order of [the table](crate::metrics#the-metrics).
        pub static METRICS: &[Metric] = &[$($metric.0),*];
    };
}

metrics! {
    REQUESTS: Counts = "snapengage_requests_total" ["api", "event", "status", "token"]
        "Requests, but for those of the health route.";
    REQUEST_DURATION: Durations = "snapengage_request_duration_seconds" ["api"]
        "Time from the head of a request to its answer.";
    REFUSALS: Counts = "snapengage_refusals_total" ["api", "reason"]
        "Requests that were refused, or whose handlers failed.";
    FALLBACK_REPLIES: Counts = "snapengage_fallback_replies_total" ["reason"]
        "Requests to a bot that were answered with the fallback reply or the apology.";
    SILENT_REPLIES: Counts = "snapengage_silent_replies_total" []
        "Messages of a visitor to which the bot said nothing.";
    ODD_FIELDS: Counts = "snapengage_odd_fields_total" ["api", "field"]
        "Documented fields of requests whose values were not as documented.";
    CONNECTIONS: Counts = "snapengage_connections_total" []
        "Connections that were accepted by this crate's server.";
    OPEN_CONNECTIONS: Levels = "snapengage_open_connections" []
        "Connections that are open.";
    CONNECTION_FAILURES: Counts = "snapengage_connection_failures_total" ["reason"]
        "Connections that were refused, or closed for a fault of the client's.";
    INBOX_RECEIPTS: Counts = "snapengage_inbox_receipts_total" ["inbox", "api", "outcome"]
        "Requests that were to be stored.";
    INBOX_RECEIPT_DURATION: Durations = "snapengage_inbox_receipt_duration_seconds" ["inbox"]
        "Time until a request was on disk, or was not to be stored.";
    INBOX_ATTEMPTS: Counts = "snapengage_inbox_attempts_total" ["inbox", "api", "outcome"]
        "Attempts to process an entry.";
    INBOX_ATTEMPT_DURATION: Durations = "snapengage_inbox_attempt_duration_seconds" ["inbox", "api"]
        "Time of an attempt, until its outcome was stored.";
    INBOX_ENTRIES: Levels = "snapengage_inbox_entries" ["inbox", "state"]
        "Entries in each state, when it was sampled.";
    INBOX_OLDEST: Levels = "snapengage_inbox_oldest_age_seconds" ["inbox"]
        "Age of the oldest entry that waits or is being processed; 0 if there is none.";
    INBOX_SIZE: Levels = "snapengage_inbox_size_bytes" ["inbox"]
        "Bytes in use, of `size_limit`.";
    INBOX_HEALTHY: Levels = "snapengage_inbox_healthy" ["inbox"]
        "1 if the inbox passes its health check, else 0.";
    TURNS: Counts = "snapengage_dialogue_turns_total" ["bot", "outcome"]
        "Turns of conversations.";
    CALLS: Counts = "snapengage_client_calls_total" ["operation", "outcome"]
        "Calls of SnapEngage's APIs.";
    CALL_ATTEMPTS: Counts = "snapengage_client_attempts_total" ["operation"]
        "Attempts of these calls.";
    CALL_DURATION: Durations = "snapengage_client_call_duration_seconds" ["operation"]
        "Time of a call, with its attempts and the waits between them.";
    CALL_ODD_FIELDS: Counts = "snapengage_client_odd_fields_total" ["operation", "field"]
        "Documented fields of answers whose values were not as documented.";
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The table in the docs is for readers: it has nothing that the list has not.
    #[test]
    fn the_page_has_the_list_as_its_table() {
        let page = include_str!("mod.rs");
        let rows = page.lines().filter(|line| line.starts_with("//! | `snapengage_"));
        let rows: Vec<_> = rows.map(|row| row.trim_start_matches("//! ").to_owned()).collect();
        let list: Vec<_> = METRICS.iter().map(row).collect();
        assert_eq!(rows, list, "\n{}", list.join("\n//! "));
    }

    fn row(metric: &Metric) -> String {
        let labels: Vec<_> = metric.labels.iter().map(|label| format!("`{label}`")).collect();
        let kind = format!("{:?}", metric.kind).to_lowercase();
        format!("| `{}` | {kind} | {} | {} |", metric.name, labels.join(", "), metric.help)
            .replace("|  |", "| |")
    }

    /// See <https://prometheus.io/docs/practices/naming/>.
    #[test]
    fn names_keep_the_rules_of_prometheus() {
        for Metric { name, kind, labels, help } in METRICS {
            let is_plain = |text: &str| text.chars().all(|c| c.is_ascii_lowercase() || c == '_');
            assert!(is_plain(name) && labels.iter().all(|label| is_plain(label)), "{name}");
            assert_eq!(name.ends_with("_total"), *kind == MetricKind::Counter, "{name}");
            assert!(*kind != MetricKind::Histogram || name.ends_with("_seconds"), "{name}");
            assert!(!help.is_empty() && help.ends_with('.'), "{name}");
            let same = METRICS.iter().filter(|metric| metric.name == *name);
            assert_eq!(same.count(), 1, "{name}");
        }
    }
}
