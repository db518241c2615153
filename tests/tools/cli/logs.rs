//! An export has each case once, however often it is interrupted.

use std::fs::{self, OpenOptions};
use std::io::Write;
use std::path::PathBuf;

use serde_json::{Value, json};
use snapengage::client::Operation;
use snapengage::integration::SupportRequest;
use snapengage::simulator::{Fault, SimulatorBuilder};
use tempfile::TempDir;

use super::vendor::{Vendor, run, simulator, until, without_secrets};
use super::{error, json_of, stdout};
use crate::requests::text;

const SALES: usize = 250;
const SUPPORT: usize = 120;

/// Pages of both widgets, one after the other.
const PAGES: u64 = 5;

/// With cases of 31 days.
fn with_cases() -> SimulatorBuilder {
    let mut builder = simulator().widget("support");
    for (widget, count) in [("sales", SALES), ("support", SUPPORT)] {
        for number in 0..count {
            builder = builder.case(widget, case(&format!("{widget}-{number}"), number));
        }
    }
    builder
}

/// 20 cases an hour, from the beginning of the month on.
fn case(id: &str, number: usize) -> SupportRequest {
    const START: i64 = 1_767_225_600;
    let mut case = SupportRequest::new(id);
    let seconds = START + i64::try_from(number).expect("a small number") * 2 * 60 * 60;
    case.created_at_seconds = Some(seconds);
    case.description = Some(format!("secret words {number}\n\u{2028}\"ü\""));
    case
}

fn expected() -> Vec<String> {
    let sales = (0..SALES).map(|number| format!("sales-{number}"));
    sales.chain((0..SUPPORT).map(|number| format!("support-{number}"))).collect()
}

fn ids(lines: &str) -> Vec<String> {
    assert!(lines.is_empty() || lines.ends_with('\n'), "half a line");
    let lines = lines.lines().map(|line| serde_json::from_str(line).expect("JSON"));
    lines.map(|case: Value| case["id"].as_str().expect("an id").to_owned()).collect()
}

const MONTH: [&str; 6] = ["logs", "export", "--from", "2026-01-01", "--to", "2026-01-31"];
const BOTH: [&str; 4] = ["--widget", "sales", "--widget", "support"];

fn export(more: &[&'static str]) -> Vec<&'static str> {
    [&MONTH[..], &BOTH, more].concat()
}

struct Out {
    _dir: TempDir,
    path: PathBuf,
}

impl Out {
    fn new() -> Self {
        let dir = tempfile::tempdir().expect("a folder");
        let path = dir.path().join("cases.jsonl");
        Self { _dir: dir, path }
    }

    fn read(&self) -> String {
        fs::read_to_string(&self.path).expect("a file")
    }

    fn append(&self, text: &str) {
        let mut file = OpenOptions::new().append(true).open(&self.path).expect("a file");
        file.write_all(text.as_bytes()).expect("written");
    }
}

#[tokio::test]
async fn an_export_writes_a_case_a_line() {
    let vendor = Vendor::serve(with_cases()).await;
    let output = vendor.run(&export(&[])).await;
    let lines = stdout(&output);
    assert_eq!(ids(&lines), expected());
    assert_eq!(text(&output.stderr), "", "no progress bar where there is no terminal");
    let first: Value = serde_json::from_str(lines.lines().next().expect("a line")).expect("JSON");
    assert_eq!(first["description"], "secret words 0\n\u{2028}\"ü\"");
    let none = [&MONTH[..3], &["2027-01-01", "--to", "2027-01-02"], &BOTH].concat();
    assert_eq!(stdout(&vendor.run(&none).await), "");
}

#[tokio::test]
async fn an_export_to_a_file_is_summed_up() {
    let vendor = Vendor::serve(with_cases()).await;
    let out = Out::new();
    let to_file = |arguments: &[&'static str]| {
        let mut command = vendor.command(&export(arguments));
        command.arg("--out").arg(&out.path);
        command
    };
    let told = stdout(&run(&mut to_file(&[])).await);
    assert_eq!(told, format!("{}: 370 cases written\n", out.path.display()));
    assert_eq!(ids(&out.read()), expected());
    let told = error(&run(&mut to_file(&[])).await);
    assert!(told.contains("not empty"), "{told}");
    assert_eq!(ids(&out.read()), expected(), "as it was");
    let told = json_of(&run(&mut to_file(&["--resume", "--json"])).await);
    assert_eq!((&told["cases"], &told["may_be_cut_short"]), (&json!(0), &json!(false)));
    assert_eq!(ids(&out.read()), expected(), "it was finished");
}

#[tokio::test]
async fn an_export_that_is_killed_goes_on_where_it_was() {
    let vendor = Vendor::serve(with_cases()).await;
    let out = Out::new();
    let resume = || {
        let mut command = vendor.command(&export(&["--resume"]));
        command.arg("--out").arg(&out.path);
        command
    };
    for page in 1..=PAGES {
        let before = vendor.simulator.received(Operation::Logs);
        vendor.simulator.clear_faults();
        vendor.simulator.fault(Fault::nth(page).on(Operation::Logs).stall_for_ever());
        let mut child = resume().spawn().expect("run");
        until(|| vendor.simulator.received(Operation::Logs) == before + page).await;
        let told = error(&run(&mut resume()).await);
        assert!(told.ends_with("another export is writing it\n"), "{told}");
        child.kill().await.expect("killed");
        let written = ids(&out.read());
        let so_far = [0, 100, 200, 250, 350][usize::try_from(page - 1).expect("a small number")];
        assert_eq!(written, expected()[..so_far]);
        out.append("{\"id\":\"sales-");
    }
    vendor.simulator.clear_faults();
    stdout(&run(&mut resume()).await);
    assert_eq!(ids(&out.read()), expected());
}

#[tokio::test]
async fn an_export_cut_anywhere_is_made_whole() {
    let vendor = Vendor::serve(with_cases()).await;
    let out = Out::new();
    let mut command = vendor.command(&export(&["--resume"]));
    command.arg("--out").arg(&out.path);
    stdout(&run(&mut command).await);
    let whole = out.read();
    let line = whole.find('\n').expect("a line");
    for length in [0, 1, line, line + 1, line + 2, whole.len() / 2, whole.len() - 1] {
        fs::write(&out.path, &whole.as_bytes()[..length]).expect("written");
        stdout(&run(&mut command).await);
        assert_eq!(out.read(), whole, "cut after {length} bytes");
    }
}

#[tokio::test]
async fn cases_written_in_another_order_are_not_missed() {
    let vendor = Vendor::serve(with_cases()).await;
    let out = Out::new();
    let mut command = vendor.command(&export(&["--resume"]));
    command.arg("--out").arg(&out.path);
    stdout(&run(&mut command).await);
    let whole = out.read();
    let mut lines: Vec<_> = whole.lines().collect();
    lines.reverse();
    // As if the newest had come first then, with the last days in a window of their own.
    lines.truncate(100);
    let first = lines.join("\n") + "\n";
    fs::write(&out.path, &first).expect("written");
    stdout(&run(&mut command).await);
    let resumed = out.read();
    assert!(resumed.starts_with(&first), "what was there stays");
    let (mut found, mut expected) = (ids(&resumed), expected());
    found.sort_unstable();
    expected.sort_unstable();
    assert_eq!(found, expected);
}

#[tokio::test]
async fn a_file_that_is_no_export_is_left_alone() {
    let vendor = Vendor::serve(with_cases()).await;
    let out = Out::new();
    let mut command = vendor.command(&export(&["--resume"]));
    command.arg("--out").arg(&out.path);
    for (other, line) in [
        ("words", 1),
        ("{\"id\":\"sales-1\"}\nwords", 2),
        ("words\n", 1),
        ("words\n{\"id\":\"sales-1\"}\n", 1),
        ("{}\n", 1),
        ("{\"port\": 7070}", 1),
        ("\n", 1),
        ("{\"id\":1}\n{", 1),
    ] {
        fs::write(&out.path, other).expect("written");
        let told = error(&run(&mut command).await);
        assert!(told.ends_with(&format!("line {line} is no case, nothing changed\n")), "{told}");
        assert_eq!(out.read(), other);
    }
    fs::write(&out.path, "{\"id\":\"another\"}\n").expect("written");
    let told = error(&run(&mut command).await);
    assert!(told.ends_with("none of its cases is in these logs, nothing changed\n"), "{told}");
    assert_eq!(out.read(), "{\"id\":\"another\"}\n");
    let output = vendor.run(&export(&["--resume"])).await;
    assert_eq!(output.status.code(), Some(2), "which file?");
}

#[tokio::test]
async fn an_answer_that_may_be_cut_short_is_told() {
    let mut builder = simulator();
    for number in 0..150 {
        builder = builder.case("sales", case(&format!("sales-{number}"), 0));
    }
    let vendor = Vendor::serve(builder).await;
    let output = vendor.run(&MONTH).await;
    assert_eq!(stdout(&output).lines().count(), 100);
    let told = text(&output.stderr);
    assert!(told.starts_with("warning: there may be more cases than came on 2026-01-01"), "{told}");
    let output = vendor.run(&[&MONTH[..], &["--widget", "sales"]].concat()).await;
    assert_eq!(stdout(&output).lines().count(), 150);
    assert_eq!(text(&output.stderr), "");
}

#[tokio::test]
async fn a_day_that_is_none_is_a_mistake_of_usage() {
    let vendor = Vendor::serve(with_cases()).await;
    for day in ["2026-02-30", "yesterday", "2026-1-1", ""] {
        let output = vendor.run(&["logs", "export", "--from", day, "--to", "2026-03-01"]).await;
        assert_eq!(output.status.code(), Some(2), "{day}");
    }
    let told = error(&vendor.run(&export(&["--time-zone", "Nowhere/Land"])).await);
    assert!(told.starts_with("error: logs: answered 400 Bad Request"), "{told}");
    let backwards = ["logs", "export", "--from", "2026-03-02", "--to", "2026-03-01"];
    let output = vendor.run(&backwards).await;
    assert_eq!(output.status.code(), Some(2));
    let told = text(&output.stderr);
    let expected = "error: the first day, 2026-03-02, is after the last day, 2026-03-01\n";
    assert_eq!(told, expected);
}

#[tokio::test]
async fn days_begin_in_the_time_zone() {
    let vendor = Vendor::serve(with_cases()).await;
    let day = ["logs", "export", "--from", "2026-01-02", "--to", "2026-01-02", "--widget", "sales"];
    let exported =
        async |more: &[&str]| ids(&stdout(&vendor.run(&[&day[..], more].concat()).await));
    assert_eq!(exported(&[]).await.first().map(String::as_str), Some("sales-12"));
    let tokyo = exported(&["--time-zone", "Asia/Tokyo"]).await;
    assert_eq!(tokyo.first().map(String::as_str), Some("sales-8"));
}

#[tokio::test]
async fn a_reader_that_leaves_ends_the_export() {
    let vendor = Vendor::serve(with_cases()).await;
    vendor.simulator.fault(Fault::nth(2).on(Operation::Logs).stall(std::time::Duration::ZERO));
    let mut command = vendor.command(&export(&[]));
    command.stdout(std::process::Stdio::piped()).stderr(std::process::Stdio::piped());
    let mut child = command.spawn().expect("run");
    drop(child.stdout.take());
    let output = without_secrets(child.wait_with_output().await.expect("an end"));
    assert_eq!(output.status.code(), Some(1));
    assert!(text(&output.stderr).starts_with("error: "), "{}", text(&output.stderr));
}
