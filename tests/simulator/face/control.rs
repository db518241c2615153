//! Rules, faults and time.

use http::StatusCode;
use serde_json::{Value, json};

use super::served::Served;
use crate::ask::*;

#[tokio::test]
async fn rules_are_listed() {
    let served = Served::new(open_office()).await;
    let rules = served.get("/_/explain").await.ok();
    let rules = rules.as_array().expect("a list");
    assert_eq!(rules.len(), snapengage::simulator::choices().len());
    for rule in rules {
        assert!(rule["what"].is_string() && rule["documented"].is_boolean(), "{rule}");
    }
    served.post("/_/explain", &json!({})).await.refused(405, "expected GET");
    served.get("/_/explain/more").await.refused(404, "");
}

#[tokio::test]
async fn faults_are_added_listed_and_cleared() {
    let served = Served::new(open_office()).await;
    let reset = json!({ "call": "chat-availability", "nth": 1, "do": "status", "status": 503 });
    let slow = json!({ "call": "logs", "p": 0.5, "seed": 7, "do": "slow", "ms": 2 });
    let cyclic = json!({ "call": "logs", "every": 2, "do": "cyclic-link" });
    assert_eq!(served.get("/_/faults").await.ok(), json!([]));
    assert_eq!(served.post("/_/faults", &reset).await.ok(), json!([reset]));
    let several = json!([slow, cyclic]);
    assert_eq!(served.post("/_/faults", &several).await.ok(), json!([reset, slow, cyclic]));
    let calls = async || served.send("GET", "/api/v1/chat/sales", &[CHAT_KEY], "").await;
    assert_eq!(
        (calls().await.status, calls().await.status),
        (StatusCode::SERVICE_UNAVAILABLE, StatusCode::OK)
    );
    assert_eq!(served.send("DELETE", "/_/faults", &[], "").await.ok(), json!([]));
    assert_eq!(served.get("/_/faults").await.ok(), json!([]));
}

#[tokio::test]
async fn faults_that_make_no_sense_are_refused() {
    let served = Served::new(open_office()).await;
    for (fault, problem) in [
        ("", "missing field `do`"),
        ("{", "the body is not JSON: EOF while parsing an object at line 1 column 1"),
        ("[1]", "fault 1: expected an object, found a number"),
        ("[[]]", "fault 1: expected an object, found an array"),
        ("\"secret words\"", "fault 1: expected an object, found a string"),
        (r#"{"call": "logs", "nth": 0, "do": "reset"}"#, "expected `nth` or `every`"),
        (r#"{"call": "logs", "do": "reset"}"#, "expected `nth` or `every`"),
        (
            r#"{"call": "logs", "nth": 1, "do": "dance"}"#,
            "unknown `do`, expected one of `status`, ",
        ),
        (
            r#"{"call": "logs", "nth": "1", "do": "reset"}"#,
            "fault 1: `nth`: expected a whole number from 0, found a string",
        ),
        (r#"{"call": "logs", "nth": 1, "do": "reset", "odd": 1}"#, "unknown field `odd`"),
        (
            r#"[{"call": "logs", "nth": 1, "do": "reset"}, {"nth": "secret words"}]"#,
            "fault 2: `nth`: ",
        ),
    ] {
        let answered = served.send("POST", "/_/faults", &[], fault).await;
        answered.refused(400, problem);
        assert!(!answered.json()["message"].to_string().contains("secret"), "{answered:?}");
    }
    assert_eq!(served.get("/_/faults").await.ok(), json!([]));
    let many = Value::Array(vec![json!({ "nth": 1, "do": "reset" }); 1001]);
    served.post("/_/faults", &many).await.refused(503, "too many");
    served.send("PATCH", "/_/faults", &[], "").await.refused(405, "expected GET, POST, DELETE");
}

#[tokio::test]
async fn time_passes_when_told() {
    let served = Served::new(open_office()).await;
    let before = served.simulator.now();
    let now = served.post("/_/time/advance", &json!({ "seconds": 7200.5 })).await.ok();
    assert_eq!(now, json!({ "now": before.as_millis() + 7_200_500 }));
    for (body, problem) in [
        ("{}", "missing field `seconds`"),
        (r#"{"seconds": -1}"#, "`seconds`: expected 0 to 31622400"),
        (r#"{"seconds": 1e300}"#, "`seconds`: expected 0 to 31622400"),
        (r#"{"seconds": "1"}"#, "`seconds`: expected a number, found a string"),
        (r#"{"seconds": 1, "minutes": 1}"#, "unknown field `minutes`"),
    ] {
        served.send("POST", "/_/time/advance", &[], body).await.refused(400, problem);
    }
    served.get("/_/time/advance").await.refused(405, "expected POST");
    assert_eq!(json!(served.simulator.now().as_millis()), now["now"]);
}

#[tokio::test]
async fn body_is_bounded() {
    let served = Served::new(open_office()).await;
    let long = " ".repeat((1 << 20) + 1);
    served.send("POST", "/_/faults", &[], long).await.refused(413, "1048576");
}
