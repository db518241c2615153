//! Alerts and dashboard of `docs/`: they know the metrics, and Prometheus knows their language.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;
use snapengage::metrics::{METRICS, Metric, MetricKind};

fn file(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

fn read(path: &str) -> String {
    fs::read_to_string(file(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// Queries of the dashboard, without its variables.
fn queries() -> Vec<String> {
    let dashboard: Value = serde_json::from_str(&read("docs/dashboard.json")).expect("JSON");
    let panels = dashboard["panels"].as_array().expect("panels");
    let targets = panels.iter().filter_map(|panel| panel["targets"].as_array()).flatten();
    let queries = targets.map(|target| target["expr"].as_str().expect("a query"));
    let plain = |query: &str| query.replace("$__rate_interval", "5m").replace("$instance", ".*");
    queries.map(plain).collect()
}

/// Names of series in a text, and of labels beside them.
fn names(text: &str) -> impl Iterator<Item = &str> {
    let is_of_name = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let words = text.split(move |c| !is_of_name(c));
    words.filter(|word| word.strip_prefix("snapengage_").is_some_and(|rest| !rest.is_empty()))
}

fn metric(series: &str) -> Option<&'static Metric> {
    METRICS.iter().find(|metric| match metric.kind() {
        MetricKind::Histogram => {
            let suffix = series.strip_prefix(metric.name());
            suffix.is_some_and(|suffix| ["_bucket", "_count", "_sum"].contains(&suffix))
        }
        _ => metric.name() == series,
    })
}

/// Checks the labels that a query selects or sums by.
#[track_caller]
fn assert_labels(query: &str) {
    let metrics: Vec<_> = names(query).filter_map(metric).collect();
    let known = metrics.iter().flat_map(|metric| metric.labels()).copied();
    let known: BTreeSet<_> = known.chain(["le", "instance"]).collect();
    let groups = query.split("by (").skip(1).map(|rest| rest.split(')').next().expect("an end"));
    let selectors = query.split('{').skip(1).map(|rest| rest.split('}').next().expect("an end"));
    let selected = selectors.flat_map(|selector| selector.split("\","));
    let selected = selected.map(|matcher| matcher.split(['=', '!']).next().expect("a label"));
    for label in groups.flat_map(|group| group.split(',')).chain(selected).map(str::trim) {
        assert!(known.contains(label), "`{label}` in {query}");
    }
}

#[test]
fn alerts_and_dashboard_know_the_metrics() {
    for path in ["docs/alerts.yml", "docs/dashboard.json", "docs/deploy.md"] {
        for series in names(&read(path)) {
            let is_listed = METRICS.iter().any(|metric| metric.name() == series);
            assert!(is_listed || metric(series).is_some(), "{path}: {series}");
        }
    }
    assert!(queries().len() > 20);
    for query in queries() {
        assert!(names(&query).all(|series| metric(series).is_some()), "{query}");
        assert_labels(&query);
    }
    let alerts = read("docs/alerts.yml");
    let conditions = alerts.split("expr:").skip(1).map(|rest| rest.split("labels: {").next());
    conditions.for_each(|condition| assert_labels(condition.expect("a start")));
}

#[test]
fn each_metric_is_on_the_dashboard() {
    let queries = queries().concat();
    let shown: BTreeSet<_> = names(&queries).filter_map(metric).map(Metric::name).collect();
    let missing: Vec<_> =
        METRICS.iter().map(Metric::name).filter(|name| !shown.contains(name)).collect();
    assert!(missing.is_empty(), "{missing:?}");
}

/// What Prometheus says to its own tool; installed with it, and by `.ci/test`.
#[track_caller]
fn promtool(folder: &Path, arguments: &[&str]) {
    let program = std::env::var_os("PROMTOOL").unwrap_or_else(|| OsString::from("promtool"));
    let output = Command::new(&program).current_dir(folder).args(arguments).output();
    let output = output.unwrap_or_else(|error| panic!("{program:?}: {error}: set PROMTOOL"));
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    let said = said + &String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{arguments:?}: {said}");
}

#[test]
fn each_alert_fires_on_what_it_is_for_alone() {
    let folder = tempfile::tempdir().expect("a folder");
    for path in ["docs/alerts.yml", "tests/metrics/alerts.test.yml"] {
        let name = Path::new(path).file_name().expect("a name");
        fs::copy(file(path), folder.path().join(name)).expect("copied");
    }
    promtool(folder.path(), &["check", "rules", "alerts.yml"]);
    promtool(folder.path(), &["test", "rules", "alerts.test.yml"]);
    let alerts = read("docs/alerts.yml");
    let tests = read("tests/metrics/alerts.test.yml");
    for alert in alerts.lines().filter_map(|line| line.trim().strip_prefix("- alert: ")) {
        assert!(tests.contains(&format!("alertname=\"{alert}\"")), "{alert} is not tested");
    }
}

#[test]
fn prometheus_reads_the_queries_of_the_dashboard() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut rules = "groups:\n  - name: dashboard\n    rules:\n".to_owned();
    for (n, query) in queries().iter().enumerate() {
        let query = Value::from(query.as_str());
        writeln!(rules, "      - {{record: 'query_{n}', expr: {query}}}").expect("written");
    }
    fs::write(folder.path().join("queries.yml"), rules).expect("written");
    promtool(folder.path(), &["check", "rules", "queries.yml"]);
}
