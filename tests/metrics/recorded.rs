//! What a recorder was told.

use std::collections::BTreeMap;

use metrics_util::MetricKind as Kind;
use metrics_util::debugging::{DebugValue, DebuggingRecorder};
use snapengage::metrics::{METRICS, MetricKind};

/// Runs a test with a recorder of its own. Like all tests here, it is on one thread.
macro_rules! recorder {
    ($recorder:ident) => {
        let $recorder = metrics_util::debugging::DebuggingRecorder::new();
        let _local = metrics::set_default_local_recorder(&$recorder);
    };
}

pub(crate) use recorder;

/// Series with their values, but for those of 0: `requests_total{api="bot"}`, without the crate's
/// name. Of a histogram, the number of its values.
pub(crate) type Series = BTreeMap<String, f64>;

/// Takes what was recorded since the last time. Whatever it is, it is on the list.
#[track_caller]
pub(crate) fn taken(recorder: &DebuggingRecorder) -> Series {
    let mut series = Series::new();
    for (key, _, help, value) in recorder.snapshotter().snapshot().into_vec() {
        let name = key.key().name();
        let listed = METRICS.iter().find(|metric| metric.name() == name).expect("on the list");
        let kind = match key.kind() {
            Kind::Counter => MetricKind::Counter,
            Kind::Gauge => MetricKind::Gauge,
            Kind::Histogram => MetricKind::Histogram,
        };
        assert_eq!(kind, listed.kind(), "{name}");
        let names: Vec<_> = key.key().labels().map(metrics::Label::key).collect();
        assert_eq!(names, listed.labels(), "{name}");
        assert_eq!(help.as_deref(), Some(listed.help()), "{name}");
        let value = number(value);
        if value != 0.0 {
            series.insert(label(name, key.key().labels()), value);
        }
    }
    series
}

fn label<'l>(name: &str, labels: impl Iterator<Item = &'l metrics::Label>) -> String {
    let name = name.strip_prefix("snapengage_").expect("the crate's name");
    let labels = labels.map(|label| format!("{}={:?}", label.key(), label.value()));
    let labels = labels.collect::<Vec<_>>().join(",");
    if labels.is_empty() { name.to_owned() } else { format!("{name}{{{labels}}}") }
}

fn number(value: DebugValue) -> f64 {
    match value {
        DebugValue::Counter(count) => u32::try_from(count).expect("a small count").into(),
        DebugValue::Gauge(level) => level.into_inner(),
        DebugValue::Histogram(values) => {
            assert!(values.iter().all(|value| (0.0..3600.0).contains(&value.into_inner())));
            u32::try_from(values.len()).expect("a small count").into()
        }
    }
}

/// These series, and no others of the same metrics.
#[track_caller]
pub(crate) fn assert_series(series: &Series, expected: &[(&str, f64)]) {
    let metric = |series: &str| series.split('{').next().expect("a name").to_owned();
    let metrics: Vec<_> = expected.iter().map(|(series, _)| metric(series)).collect();
    let mut found = series.clone();
    found.retain(|series, _| metrics.contains(&metric(series)));
    let expected = expected.iter().map(|(series, value)| ((*series).to_owned(), *value));
    assert_eq!(found, expected.collect::<Series>());
}
