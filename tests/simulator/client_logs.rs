//! The client, joined to the simulator in one process: logs and files.

use snapengage::client::{Account, Client, Day, Operation, Secret};
use snapengage::integration::SupportRequest;
use snapengage::simulator::{Fault, Simulator};

use crate::ask::*;

fn account(simulator: &Simulator) -> Account {
    let client = Client::builder().transport(simulator.clone()).build().expect("no mistakes");
    client.account(Secret::new("local-api-token"), 5_406_213)
}

fn archive(count: usize) -> Simulator {
    let mut builder = Simulator::builder().widget("sales").start(time("2026-01-05T09:00:00Z"));
    for number in 0..count {
        builder = builder.case("sales", SupportRequest::new(format!("case-{number:03}")));
    }
    builder.file("a b.pdf", vec![b'x'; 5000]).build().expect("no mistakes")
}

fn today() -> Day {
    Day::new(2026, 1, 5).expect("a day")
}

#[tokio::test(start_paused = true)]
async fn every_case_comes_once() {
    let simulator = archive(250);
    let mut cases = account(&simulator).logs("sales").from(today()).to(today()).cases();
    let mut ids = Vec::new();
    while let Some(case) = cases.next().await.expect("a page") {
        ids.push(case.id.as_str().to_owned());
    }
    let expected: Vec<_> = (0..250).map(|number| format!("case-{number:03}")).collect();
    assert_eq!((ids, simulator.received(Operation::Logs)), (expected, 3));
}

#[tokio::test(start_paused = true)]
async fn links_that_lead_in_a_circle_or_elsewhere_are_errors() {
    for fault in [
        Fault::nth(2).on(Operation::Logs).cyclic_link(),
        Fault::nth(2).on(Operation::Logs).foreign_link("https://elsewhere.example"),
    ] {
        let simulator = archive(250);
        simulator.fault(fault);
        let mut cases = account(&simulator).logs("sales").from(today()).to(today()).cases();
        while let Ok(case) = cases.next().await {
            assert!(case.is_some(), "no error");
        }
        assert_eq!(simulator.received(Operation::Logs), 2);
    }
}

#[tokio::test(start_paused = true)]
async fn pages_that_go_wrong_are_asked_for_again() {
    let simulator = archive(250);
    simulator.fault(Fault::every(2).on(Operation::Logs).half());
    let mut cases = account(&simulator).logs("sales").from(today()).to(today()).cases();
    let mut count = 0;
    while cases.next().await.expect("a page").is_some() {
        count += 1;
    }
    assert_eq!(count, 250);
}

#[tokio::test(start_paused = true)]
async fn file_is_whole_or_an_error() {
    let simulator = archive(0);
    let account = account(&simulator);
    let address = "https://www.snapengage.com/files/a%20b.pdf";
    let file = account.file(address).expect("the vendor's").bytes().await.expect("a file");
    assert_eq!(file.len(), 5000);
    simulator.fault(Fault::every(1).on(Operation::File).half());
    account.file(address).expect("the vendor's").bytes().await.expect_err("half a file");
    let other = account.file("https://www.snapengage.com/files/b.pdf").expect("the vendor's");
    simulator.clear_faults();
    assert!(other.bytes().await.expect_err("no file").is_not_found());
}
