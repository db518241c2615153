//! Calls of the client, against the simulator.

use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response, StatusCode};
use snapengage::client::{
    Client, Operation, Presence, ResponseBody, Secret, Transport, TransportError,
};
use snapengage::simulator::{Fault, Simulator};
use snapengage::{async_trait, metrics as meters};

use crate::recorded::{assert_series, recorder, taken};

const JANE: &str = "jane@example.com";

fn simulator() -> (Simulator, Client) {
    let simulator = Simulator::builder().widget("sales").agent(JANE).seed(7).build();
    let simulator = simulator.expect("a simulator");
    let client = Client::builder().transport(simulator.clone()).build();
    (simulator, meters::observe(client.expect("good settings")))
}

#[tokio::test(start_paused = true)]
async fn calls_are_counted_by_their_outcomes() {
    recorder!(recorder);
    let (simulator, client) = simulator();
    let account = client.account(Secret::new("local-api-token"), 5_406_213);
    let guessed = client.account(Secret::new("guessed"), 5_406_213);
    account.set_agent_status(JANE, Presence::Pause).await.expect("a success");
    guessed.set_agent_status(JANE, Presence::Pause).await.expect_err("a refusal");
    let empty = client.account(Secret::new(""), 5_406_213);
    empty.set_agent_status(JANE, Presence::Pause).await.expect_err("a mistake");
    let provisioning = client.provisioning(Secret::new("local-provisioning-key"));
    assert!(provisioning.user("nobody@example.com").await.expect("an answer").is_none());
    client.availability("support").await.expect_err("no such widget");
    simulator.fault(Fault::every(1).on(Operation::Availability).status(StatusCode::OK).html());
    client.availability("sales").await.expect_err("a page");
    assert_series(
        &taken(&recorder),
        &[
            (r#"client_calls_total{operation="agent-status",outcome="ok"}"#, 1.0),
            (r#"client_calls_total{operation="agent-status",outcome="unauthorized"}"#, 1.0),
            (r#"client_calls_total{operation="agent-status",outcome="mistake"}"#, 1.0),
            (r#"client_calls_total{operation="user-get",outcome="not-found"}"#, 1.0),
            (r#"client_calls_total{operation="availability",outcome="refused"}"#, 1.0),
            (r#"client_calls_total{operation="availability",outcome="malformed"}"#, 1.0),
            (r#"client_attempts_total{operation="agent-status"}"#, 2.0),
            (r#"client_attempts_total{operation="user-get"}"#, 1.0),
            (r#"client_attempts_total{operation="availability"}"#, 2.0),
            (r#"client_call_duration_seconds{operation="agent-status"}"#, 3.0),
            (r#"client_call_duration_seconds{operation="user-get"}"#, 1.0),
            (r#"client_call_duration_seconds{operation="availability"}"#, 2.0),
        ],
    );
}

#[tokio::test(start_paused = true)]
async fn attempts_and_dropped_calls_are_counted() {
    recorder!(recorder);
    let (simulator, client) = simulator();
    simulator.fault(Fault::nth(1).on(Operation::Availability).reset());
    simulator.fault(Fault::nth(2).on(Operation::Availability).refuse());
    client.availability("sales").await.expect("the third attempt");
    simulator.fault(Fault::every(1).on(Operation::Availability).stall_for_ever());
    client.availability("sales").await.expect_err("no answer");
    let dropped = tokio::time::timeout(Duration::from_secs(1), client.availability("sales"));
    dropped.await.expect_err("given up");
    assert_series(
        &taken(&recorder),
        &[
            (r#"client_calls_total{operation="availability",outcome="ok"}"#, 1.0),
            (r#"client_calls_total{operation="availability",outcome="timed-out"}"#, 1.0),
            (r#"client_calls_total{operation="availability",outcome="dropped"}"#, 1.0),
            (r#"client_attempts_total{operation="availability"}"#, 6.0),
        ],
    );
}

/// A server that answers in its own way.
struct Odd;

#[async_trait]
impl Transport for Odd {
    async fn send(
        &self,
        _request: Request<Bytes>,
    ) -> Result<Response<ResponseBody>, TransportError> {
        let answer = r#"{"statusCode":1,"data":{"widgetId":["w"],"online":true,"made up":1}}"#;
        Ok(Response::new(ResponseBody::from(answer)))
    }
}

#[tokio::test(start_paused = true)]
async fn odd_fields_of_answers_are_counted_by_name() {
    recorder!(recorder);
    let client = Client::builder().transport(Odd).build().expect("good settings");
    let availability = meters::observe(client).availability("w").await.expect("an answer");
    assert!(availability.is_online());
    let odd = r#"client_odd_fields_total{operation="availability",field="widgetId"}"#;
    assert_series(&taken(&recorder), &[(odd, 1.0)]);
}

#[tokio::test(start_paused = true)]
async fn a_client_that_is_not_observed_is_not_counted() {
    recorder!(recorder);
    let simulator = Simulator::builder().widget("sales").build().expect("a simulator");
    let client = Client::builder().transport(simulator).build().expect("good settings");
    client.availability("sales").await.expect("an answer");
    assert!(taken(&recorder).is_empty());
}
