//! Metrics that are scraped.

use std::collections::BTreeMap;

use snapengage::metrics::{METRICS, Metric, MetricKind};

use super::*;

/// Starts the example, and returns it with the address of its metrics.
fn start(folder: &Path) -> (Example, String) {
    let mut command = example("metrics");
    command.args([ANY_PORT, ANY_PORT]).arg(folder.join("inbox.db"));
    let service = Example::start_with(command.env("SNAPENGAGE_TOKEN", "my-token"));
    let [line] = &service.greeting[..] else { panic!("{:?}", service.greeting) };
    let address = line.strip_prefix("metrics on http://").expect("the address");
    let address = address.strip_suffix("/metrics").expect("the path").to_owned();
    (service, address)
}

/// Parses the text format of Prometheus into its samples, and checks it.
///
/// See <https://prometheus.io/docs/instrumenting/exposition_formats/>.
#[track_caller]
fn samples(text: &str) -> BTreeMap<String, f64> {
    let mut samples = BTreeMap::new();
    let mut described: Option<&Metric> = None;
    for line in text.lines().filter(|line| !line.is_empty()) {
        if let Some(help) = line.strip_prefix("# HELP ") {
            let (name, help) = help.split_once(' ').expect("a help");
            let metric = METRICS.iter().find(|metric| metric.name() == name);
            let metric = metric.unwrap_or_else(|| panic!("not on the list: {line}"));
            assert_eq!(help, metric.help());
            described = Some(metric);
        } else if let Some(kind) = line.strip_prefix("# TYPE ") {
            let metric = described.expect("a help first");
            let expected = format!("{} {:?}", metric.name(), metric.kind()).to_lowercase();
            assert_eq!(kind, expected);
        } else {
            let (series, value) = line.rsplit_once(' ').expect("a value");
            assert_sample(described.expect("a type first"), series);
            let value = value.parse().unwrap_or_else(|_| panic!("not a number: {line}"));
            assert_eq!(samples.insert(series.to_owned(), value), None, "{series} comes twice");
        }
    }
    samples
}

#[track_caller]
fn assert_sample(metric: &Metric, series: &str) {
    let (name, labels) = series.split_once('{').unwrap_or((series, "}"));
    let suffix = name.strip_prefix(metric.name()).expect("the metric's name");
    let is_histogram = metric.kind() == MetricKind::Histogram;
    assert_eq!(is_histogram, !suffix.is_empty(), "{series}: it has no buckets");
    let labels = labels.strip_suffix('}').expect("an end");
    let labels = labels.split("\",").filter(|label| !label.is_empty());
    let labels: Vec<_> = labels.filter_map(|label| Some(label.split_once('=')?.0)).collect();
    let mut expected = metric.labels().to_vec();
    expected.extend((suffix == "_bucket").then_some("le"));
    assert_eq!(labels, expected, "{series}");
}

#[test]
fn metrics_are_scraped_as_prometheus_reads_them() {
    let folder = tempfile::tempdir().expect("a folder");
    let (service, address) = start(folder.path());
    let page = || Curl::get("/metrics").send(&address);
    samples(&page().body);
    let [_, reply, taken, _] = &header("metrics")[..] else { panic!("three requests") };
    assert_eq!(service.send(&Curl::parse(reply)).content(), json!([message("Hi")]));
    assert_eq!(service.send(&Curl::parse(taken)), Answer::ok(""));
    assert_eq!(service.send(&Curl::post("/bot", "wrong\"}-token", "{}")).status, 401);
    assert_eq!(service.send(&Curl::get("/metrics")).status, 404, "it is not for everybody");

    let scraped = page();
    assert_eq!(scraped.status, 200);
    let samples = samples(&scraped.body);
    for (series, value) in [
        (r#"requests_total{api="bot",event="message",status="200",token="SNAPENGAGE_TOKEN"}"#, 1.0),
        (r#"requests_total{api="bot",event="none",status="401",token="none"}"#, 1.0),
        (r#"requests_total{api="none",event="none",status="404",token="none"}"#, 1.0),
        (r#"refusals_total{api="bot",reason="token"}"#, 1.0),
        (r#"request_duration_seconds_bucket{api="bot",le="+Inf"}"#, 2.0),
        (r#"request_duration_seconds_bucket{api="bot",le="60"}"#, 2.0),
        (r#"request_duration_seconds_count{api="bot"}"#, 2.0),
        (r#"fallback_replies_total{reason="failed"}"#, 0.0),
        (r#"connections_total"#, 4.0),
        (r#"inbox_receipts_total{inbox="inbox.db",api="integration",outcome="new"}"#, 1.0),
        (r#"inbox_entries{inbox="inbox.db",state="dead"}"#, 0.0),
        (r#"inbox_healthy{inbox="inbox.db"}"#, 1.0),
    ] {
        let found = samples.get(&format!("snapengage_{series}"));
        assert_eq!(found, Some(&value), "{series} in {}", scraped.body);
    }
    assert!(!scraped.body.contains("wrong"), "{}", scraped.body);
    service.stop();
}
