//! Every call with every fault: how often it is sent, how long it waits, what comes of it, and
//! that nothing is done twice.

use std::fmt::Display;
use std::ops::RangeInclusive;
use std::time::{Duration, SystemTime};

use http::StatusCode;
use snapengage::Timestamp;
use snapengage::client::{Client, ClientError, Day, Operation, Secret};
use snapengage::integration::SupportRequest;
use snapengage::simulator::{Fault, FaultTrigger, SimulatedWidget, Simulator};
use tokio::time::Instant;

use crate::calls::{Calls, is_change, is_sent_once};
use crate::log::{log, record_log};

const TOKEN: &str = "tKn-4f1d9f0dc0";
const PROVISIONING_KEY: &str = "pRv-6b4580b1ea";
const CHAT_KEY: &str = "cHt-98c03f7d9c";
const VISITOR: &str = "veronica@visitors.example";
const USER: &str = "ulrich@users.example";
const AGENT: &str = "agatha@agents.example";
const WORDS: &str = "whispered words";

/// What no log, error or `Debug` may have: credentials, and what people are called and say.
const PRIVATE: &[&str] =
    &[TOKEN, PROVISIONING_KEY, CHAT_KEY, VISITOR, USER, AGENT, WORDS, "veronica", "whispered"];

/// What is expected of a call of which one attempt goes wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Expected {
    /// A second attempt, after a wait, succeeds.
    Again(Wait),
    /// The first attempt succeeds.
    AtOnce,
    /// The first attempt is the only one.
    Fails,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Wait {
    /// Up to half a second, by chance.
    Backoff,
    /// These seconds.
    Asked(u32),
    /// The time of an attempt, and the backoff.
    Timeout,
}

/// Fault, and what is expected of calls that may be repeated, and of those that may not.
struct Row {
    name: &'static str,
    fault: fn(FaultTrigger) -> Fault,
    repeatable: Expected,
    not_repeatable: Expected,
    /// Whether the attempt that goes wrong was done, or may have been.
    perhaps_done: bool,
}

const fn row(
    name: &'static str,
    fault: fn(FaultTrigger) -> Fault,
    repeatable: Expected,
    not_repeatable: Expected,
    perhaps_done: bool,
) -> Row {
    Row { name, fault, repeatable, not_repeatable, perhaps_done }
}

const AGAIN: Expected = Expected::Again(Wait::Backoff);
const LATE: Expected = Expected::Again(Wait::Timeout);
const IN_SEVEN: Expected = Expected::Again(Wait::Asked(7));
const FAILS: Expected = Expected::Fails;

const ROWS: &[Row] = &[
    row("refused", FaultTrigger::refuse, AGAIN, AGAIN, false),
    row("reset", FaultTrigger::reset, AGAIN, FAILS, true),
    row("reset when done", |on| on.reset().after_effect(), AGAIN, FAILS, true),
    row("stalled", FaultTrigger::stall_for_ever, LATE, FAILS, true),
    row("stalled when done", |on| on.stall_for_ever().after_effect(), LATE, FAILS, true),
    row("half", FaultTrigger::half, AGAIN, FAILS, true),
    row("slow", |on| on.slow(Duration::from_secs(1)), Expected::AtOnce, Expected::AtOnce, false),
    row("400", |on| on.status(StatusCode::BAD_REQUEST), FAILS, FAILS, false),
    row("401", |on| on.status(StatusCode::UNAUTHORIZED), FAILS, FAILS, false),
    row("403", |on| on.status(StatusCode::FORBIDDEN), FAILS, FAILS, false),
    row("404", |on| on.status(StatusCode::NOT_FOUND), FAILS, FAILS, false),
    row("429", |on| on.status(StatusCode::TOO_MANY_REQUESTS), AGAIN, AGAIN, false),
    row("429 with seconds", in_seven_seconds, IN_SEVEN, IN_SEVEN, false),
    row("429 with a date", until_a_date, IN_SEVEN, IN_SEVEN, false),
    row("500", |on| on.status(StatusCode::INTERNAL_SERVER_ERROR), AGAIN, FAILS, true),
    row(
        "503 as a page",
        |on| on.status(StatusCode::SERVICE_UNAVAILABLE).html(),
        AGAIN,
        FAILS,
        true,
    ),
    row(
        "504 when done",
        |on| on.status(StatusCode::GATEWAY_TIMEOUT).after_effect(),
        AGAIN,
        FAILS,
        true,
    ),
    row("page in 200", |on| on.status(StatusCode::OK).html(), FAILS, FAILS, true),
    row("elsewhere", |on| on.foreign_redirect("https://elsewhere.example"), FAILS, FAILS, false),
    row("error in 200", FaultTrigger::error_in_200, FAILS, FAILS, false),
];

fn in_seven_seconds(on: FaultTrigger) -> Fault {
    on.status(StatusCode::TOO_MANY_REQUESTS).retry_after(Duration::from_secs(7))
}

fn until_a_date(on: FaultTrigger) -> Fault {
    // The clock that is paused has gone on by the waits of other cells.
    let ahead = Instant::now().into_std() - std::time::Instant::now();
    let date = SystemTime::now() + ahead + Duration::from_secs(7);
    let date = Timestamp::try_from(date).expect("a time of this age");
    on.status(StatusCode::TOO_MANY_REQUESTS).retry_after_date(date)
}

/// SnapEngage with somebody and something of everything, and a client of it.
struct World {
    simulator: Simulator,
    calls: Calls,
}

impl World {
    async fn new() -> Self {
        let case =
            format!(r#"{{"id": "case-1", "description": "{WORDS}", "requested_by": "{VISITOR}"}}"#);
        let case = SupportRequest::from_body(case.as_bytes()).expect("a case");
        let simulator = Simulator::builder()
            .widget(SimulatedWidget::new("sales").account(USER))
            .agent(AGENT)
            .user(USER, "Ulrich")
            .case("sales", case)
            .file("notes.txt", "half a page of notes")
            .api_token(TOKEN)
            .provisioning_key(PROVISIONING_KEY)
            .chat_key(CHAT_KEY)
            .build()
            .expect("a simulator");
        let client = Client::builder().transport(simulator.clone()).build().expect("a client");
        let chats = client.visitor_chats(Secret::new(CHAT_KEY));
        let chat = chats.start("sales").email(VISITOR).message(WORDS).await.expect("a chat");
        let agent = simulator.agent(AGENT);
        agent.takes(chat.case_id()).await.expect("a chat to be taken");
        agent.says(chat.case_id(), WORDS).await.expect("a chat with an agent");
        let calls = Calls {
            token: TOKEN,
            provisioning_key: PROVISIONING_KEY,
            chat_key: CHAT_KEY,
            widget: "sales",
            agent: AGENT,
            user: USER,
            visitor: VISITOR,
            words: WORDS,
            case_id: chat.case_id().clone(),
            day: Day::of(simulator.now()),
            ..Calls::of(client)
        };
        Self { simulator, calls }
    }
}

/// What the first attempt has deleted, the second one does not find.
fn is_delete(operation: Operation) -> bool {
    matches!(operation, Operation::DeleteUser | Operation::DeleteWidget)
}

fn expected(row: &Row, operation: Operation) -> Expected {
    let is_lookup = matches!(operation, Operation::GetUser | Operation::GetWidget);
    match row.name {
        // There is nobody of that name, which is an answer.
        "404" if is_lookup => Expected::AtOnce,
        // A file may be anything.
        "page in 200" | "error in 200" if operation == Operation::File => Expected::AtOnce,
        _ if is_sent_once(operation) => row.not_repeatable,
        _ => row.repeatable,
    }
}

/// What a call did, from the first attempt on.
struct Outcome {
    result: Result<(), ClientError>,
    waited: Duration,
    attempts: u64,
    /// How often the simulator did what was asked.
    done: u64,
}

impl World {
    async fn observe(&self, operation: Operation) -> Outcome {
        let count = || (self.simulator.received(operation), self.simulator.accepted(operation));
        let (received, accepted) = count();
        let start = Instant::now();
        let result = self.calls.make(operation).await;
        let waited = start.elapsed();
        let (received, accepted) = (count().0 - received, count().1 - accepted);
        Outcome { result, waited, attempts: received, done: accepted }
    }
}

/// What is wrong, cell by cell, so that all of it is seen at once.
#[derive(Default)]
struct Wrong {
    cell: String,
    found: Vec<String>,
}

impl Wrong {
    fn unless(&mut self, is_right: bool, what: impl Display) {
        if !is_right {
            self.found.push(format!("{}: {what}", self.cell));
        }
    }

    /// Nothing private is in a log, an error or a `Debug`.
    fn unless_discreet(&mut self, text: &str) {
        let text = text.to_lowercase();
        for word in PRIVATE {
            self.unless(!text.contains(&word.to_lowercase()), format_args!("`{word}` in {text}"));
        }
    }

    #[track_caller]
    fn report(self) {
        assert!(self.found.is_empty(), "{}", self.found.join("\n"));
    }
}

/// Shortest and longest wait, in seconds.
fn expected_wait(expected: Expected) -> RangeInclusive<f64> {
    match expected {
        Expected::Again(Wait::Backoff) => 0.0..=0.5,
        // A date has whole seconds, and the clock of the system goes on.
        Expected::Again(Wait::Asked(seconds)) => {
            f64::from(seconds) - 2.0..=f64::from(seconds) + 0.5
        }
        Expected::Again(Wait::Timeout) => 30.0..=30.5,
        Expected::AtOnce => 0.0..=3.0,
        Expected::Fails => 0.0..=30.0,
    }
}

#[tokio::test(start_paused = true)]
async fn each_call_survives_each_fault_or_says_so() {
    record_log();
    let mut wrong = Wrong::default();
    for row in ROWS {
        for operation in Operation::ALL {
            wrong.cell = format!("{operation}, {}", row.name);
            let world = World::new().await;
            world.simulator.fault((row.fault)(Fault::nth(1).on(operation)));
            let outcome = world.observe(operation).await;
            check(&mut wrong, row, operation, &outcome);
            wrong.unless_discreet(&format!("{:?}", world.calls.client));
            wrong.unless_discreet(&log());
        }
    }
    wrong.report();
}

fn check(wrong: &mut Wrong, row: &Row, operation: Operation, outcome: &Outcome) {
    let Outcome { result, waited, attempts, done } = outcome;
    let expected = expected(row, operation);
    let range = expected_wait(expected);
    let waited = waited.as_secs_f64();
    wrong.unless(range.contains(&waited), format_args!("waited {waited} s, not {range:?}"));
    let is_again = matches!(expected, Expected::Again(_));
    let times = 1 + u64::from(is_again || is_followed(row, operation));
    wrong.unless(*attempts == times, format_args!("{attempts} attempts, not {times}"));
    let fails = expected == Expected::Fails;
    wrong.unless(result.is_err() == fails, format_args!("{expected:?}, and it was {result:?}"));
    wrong.unless(!is_sent_once(operation) || *done <= 1, format_args!("done {done} times"));
    let Err(error) = result else { return };
    let perhaps_done = row.perhaps_done && is_change(operation);
    wrong.unless(error.may_have_been_done() == perhaps_done, format_args!("{error:?}"));
    wrong.unless(perhaps_done || *done == 0, "done, and does not say so");
    wrong.unless(error.attempts() == 1, format_args!("{error:?}"));
    wrong.unless_discreet(&format!("{error}\n{error:?}"));
}

/// A redirect of a file is followed, and the other host has no credential to go by.
fn is_followed(row: &Row, operation: Operation) -> bool {
    row.name == "elsewhere" && operation == Operation::File
}

#[tokio::test(start_paused = true)]
async fn a_fault_that_stays_ends_the_call_in_time() {
    let mut wrong = Wrong::default();
    for row in ROWS {
        for operation in Operation::ALL {
            wrong.cell = format!("{operation}, {} for ever", row.name);
            let world = World::new().await;
            world.simulator.fault((row.fault)(Fault::every(1).on(operation)));
            let outcome = world.observe(operation).await;
            check_end(&mut wrong, row, operation, &outcome);
        }
    }
    wrong.report();
}

fn check_end(wrong: &mut Wrong, row: &Row, operation: Operation, outcome: &Outcome) {
    let Outcome { result, waited, attempts, done } = outcome;
    let minute = Duration::from_secs(60);
    wrong.unless(*waited <= minute, format_args!("waited {waited:?}"));
    let expected = expected(row, operation);
    let is_done = row.name == "half" && is_delete(operation);
    let times = match expected {
        // Two attempts of thirty seconds are all that a minute has room for.
        Expected::Again(Wait::Timeout) => 2,
        Expected::Again(_) if is_done => 2,
        Expected::Again(_) => 4,
        // The spine follows five redirects, here in a circle.
        _ if is_followed(row, operation) => 6,
        Expected::AtOnce | Expected::Fails => 1,
    };
    wrong.unless(*attempts == times, format_args!("{attempts} attempts, not {times}"));
    let is_fine = expected == Expected::AtOnce || is_done;
    wrong.unless(result.is_ok() == is_fine, format_args!("{expected:?}, and it was {result:?}"));
    wrong.unless(!is_sent_once(operation) || *done <= 1, format_args!("done {done} times"));
}
