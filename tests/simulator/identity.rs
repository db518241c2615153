//! Visitors whose identity a website has signed.

use serde_json::{Value, json};
use snapengage::Api;
use snapengage::simulator::{IntegrationForm, Simulator};

use crate::ask::time;
use crate::stage::*;

// The vector of the vendor's page.
const SECRET: &str =
    "AuW5G710B_jOk7LeMq0BBZCcqoXrmpismsGVyeqmENlUDra1izI9AhI26QVpAx3MENP9bPmr5ViTHTEwp4W5Vw";
const EMAIL: &str = "user@email.com";
const NONCE: &str = "7e0b4aa9-67ee-44d7-9c6c-8c255ab92cd1";
const SIGNED_AT: &str = "1600347324661";
const SIGNATURE: &str = "0bb85191652e38fcc4a827447bb4ddeea2261cafc969924c27e234ba449dced9";

fn simulator(secret: Option<&str>, start: &str) -> Simulator {
    let widget = sales(IntegrationForm::Json);
    let widget = secret.map_or(widget.clone(), |secret| widget.identity_secret(secret));
    stage(widget).start(time(start)).build().expect("no mistakes")
}

async fn result(simulator: &Simulator, email: &str, signature: &str, nonce: &str) -> Value {
    let visit = simulator.visit("sales").email(email).variable("plan", "gold");
    let visit = visit.variable("__hmacSignature", signature).variable("__hmacNonce", nonce);
    visit.variable("__hmacTimestamp", SIGNED_AT).start("Hello").await;
    let body = simulator.delivered(Api::Bot).bodies().pop().expect("a request");
    assert_eq!(body["jsVariables"], "plan=gold");
    body["hmacVerificationResult"].clone()
}

#[tokio::test(start_paused = true)]
async fn signature_of_the_vendors_vector_is_verified_once() {
    let simulator = simulator(Some(SECRET), "2020-09-17T12:55:24Z");
    let expected = json!({
        "verificationProperty": {"property": "CaseEmail"}, "content": EMAIL, "status": "VERIFIED",
    });
    assert_eq!(result(&simulator, EMAIL, SIGNATURE, NONCE).await, expected);
    let again = result(&simulator, EMAIL, SIGNATURE, NONCE).await;
    assert_eq!(again["status"], "NOT_VERIFIED");
}

#[tokio::test(start_paused = true)]
async fn wrong_signature_is_not_verified() {
    for (email, signature, nonce) in [
        ("other@email.com", SIGNATURE, NONCE),
        (EMAIL, SIGNATURE, "another"),
        (EMAIL, "", NONCE),
        (EMAIL, "no hex", NONCE),
        (EMAIL, &SIGNATURE[2..], NONCE),
    ] {
        let simulator = simulator(Some(SECRET), "2020-09-17T12:55:24Z");
        let result = result(&simulator, email, signature, nonce).await;
        assert_eq!(
            (&result["status"], &result["content"]),
            (&json!("NOT_VERIFIED"), &json!(email))
        );
    }
}

#[tokio::test(start_paused = true)]
async fn old_signature_is_not_verified() {
    for (start, status) in [
        ("2020-09-17T13:00:20Z", "VERIFIED"),
        ("2020-09-17T13:00:25Z", "NOT_VERIFIED"),
        ("2020-09-17T12:50:22Z", "NOT_VERIFIED"),
    ] {
        let simulator = simulator(Some(SECRET), start);
        let result = result(&simulator, EMAIL, SIGNATURE, NONCE).await;
        assert_eq!(result["status"], status, "{start}");
    }
}

#[tokio::test(start_paused = true)]
async fn without_a_secret_or_a_signature_nothing_is_said() {
    let open = simulator(None, "2020-09-17T12:55:24Z");
    assert_eq!(result(&open, EMAIL, SIGNATURE, NONCE).await, Value::Null);
    let simulator = simulator(Some(SECRET), "2020-09-17T12:55:24Z");
    simulator.visit("sales").email(EMAIL).start("Hello").await;
    assert_eq!(simulator.delivered(Api::Bot).bodies()[0].get("hmacVerificationResult"), None);
}
