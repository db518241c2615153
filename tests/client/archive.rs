//! Logs and files of the simulator: what an export of many cases comes to.

use std::fs;
use std::time::Duration;

use http::StatusCode;
use snapengage::client::{Account, Client, Day, Logs, Operation, Secret};
use snapengage::integration::SupportRequest;
use snapengage::simulator::{Fault, Simulator};
use tempfile::TempDir;

const FIRST: i64 = 1_767_225_600_000;
const DAY: i64 = 24 * 60 * 60 * 1000;

/// 250 cases of one widget and 110 of another, ten a day from 2026-01-01 on.
fn simulator() -> Simulator {
    let mut builder = Simulator::builder().widget("sales").widget("support").seed(7);
    for number in 0..360 {
        let (widget, at) = if number < 250 { ("sales", number) } else { ("support", number - 250) };
        let mut case = SupportRequest::new(format!("{widget}-{at}"));
        case.created_at_seconds = Some((FIRST + i64::from(at) * DAY / 10) / 1000);
        builder = builder.case(widget, case);
    }
    builder.file("a b.txt", "hello".repeat(1000)).build().expect("a simulator")
}

fn account(simulator: &Simulator) -> Account {
    let client = Client::builder().transport(simulator.clone()).build().expect("good settings");
    client.account(Secret::new("local-api-token"), 5_406_213)
}

fn january(logs: Logs) -> Logs {
    let day = |day| Day::new(2026, 1, day).expect("a day");
    logs.from(day(1)).to(day(31))
}

async fn count(logs: Logs) -> usize {
    let mut cases = january(logs).cases();
    let mut count = 0;
    while cases.next().await.expect("a page").is_some() {
        count += 1;
    }
    count
}

#[tokio::test(start_paused = true)]
async fn every_case_of_a_widget_comes_once() {
    let simulator = simulator();
    let mut cases = january(account(&simulator).logs("sales")).cases();
    let mut found = Vec::new();
    while let Some(case) = cases.next().await.expect("a page") {
        found.push(case.id.to_string());
    }
    let expected: Vec<_> = (0..250).map(|number| format!("sales-{number}")).collect();
    assert_eq!(found, expected);
    assert_eq!(simulator.received(Operation::Logs), 3);
}

#[tokio::test(start_paused = true)]
async fn faults_on_the_way_cost_no_case() {
    let simulator = simulator();
    let on = |n| Fault::nth(n).on(Operation::Logs);
    let busy = StatusCode::TOO_MANY_REQUESTS;
    simulator.fault(on(1).status(busy).retry_after(Duration::from_secs(20)));
    simulator.fault(on(2).reset());
    simulator.fault(on(4).half());
    simulator.fault(on(5).stall_for_ever());
    simulator.fault(on(8).status(StatusCode::SERVICE_UNAVAILABLE).html());
    assert_eq!(count(account(&simulator).logs_of(["sales", "support"])).await, 360);
    assert_eq!(simulator.received(Operation::Logs), 10);
}

#[tokio::test(start_paused = true)]
async fn a_month_that_takes_too_long_is_fetched_in_halves() {
    let simulator = simulator();
    for n in 1..=8 {
        let slow = Fault::nth(n).on(Operation::Logs).status(StatusCode::GATEWAY_TIMEOUT);
        simulator.fault(slow);
    }
    assert_eq!(count(account(&simulator).logs("sales")).await, 250);
}

#[tokio::test(start_paused = true)]
async fn links_that_lead_astray_end_in_an_error() {
    for (fault, text) in [
        (Fault::nth(2).cyclic_link(), "leads to one that came before"),
        (Fault::nth(2).foreign_link("https://elsewhere.example"), "leads to another host"),
    ] {
        let simulator = simulator();
        simulator.fault(fault);
        let mut cases = january(account(&simulator).logs("sales")).cases();
        let mut found = 0;
        let error = loop {
            match cases.next().await {
                Ok(case) => found += usize::from(case.is_some()),
                Err(error) => break error,
            }
        };
        assert_eq!(found, 200);
        assert!(error.to_string().ends_with(text), "{error}");
    }
}

#[tokio::test(start_paused = true)]
async fn all_widgets_at_once_lose_no_case_of_a_quiet_day() {
    let simulator = simulator();
    let mut cases = january(account(&simulator).all_logs()).cases();
    let mut found = 0;
    while cases.next().await.expect("a page").is_some() {
        found += 1;
    }
    assert_eq!(found, 360);
    assert!(!cases.may_be_cut_short());
}

#[tokio::test(start_paused = true)]
async fn an_error_in_a_success_is_no_empty_page() {
    let simulator = simulator();
    simulator.fault(Fault::nth(1).error_in_200());
    let mut cases = january(account(&simulator).logs("sales")).cases();
    let error = cases.next().await.expect_err("an error");
    assert_eq!(error.excerpt(), Some("something went wrong"));
    assert_eq!(error.code(), Some(500));
    assert!(cases.next().await.expect("a page").is_some());
}

#[tokio::test(start_paused = true)]
async fn a_file_is_fetched_whole_or_not_at_all() {
    let simulator = simulator();
    let account = account(&simulator);
    let folder = TempDir::new().expect("a folder");
    let path = folder.path().join("mine.txt");
    let file = || account.file("https://www.snapengage.com/files/a%20b.txt").expect("an address");
    simulator.fault(Fault::every(1).on(Operation::File).half());
    file().save_to(&path).await.expect_err("half a file");
    assert_eq!(fs::read_dir(folder.path()).expect("a folder").count(), 0);
    simulator.clear_faults();
    simulator.fault(Fault::nth(1).on(Operation::File).half());
    assert_eq!(file().save_to(&path).await.expect("a file").bytes, 5000);
    assert_eq!(fs::read_to_string(&path).expect("a file"), "hello".repeat(1000));
}
