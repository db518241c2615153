//! The program: each verb as a process of its own.

mod agents;
mod chats;
mod credentials;
mod files;
mod identity;
mod inbox;
mod logs;
mod provisioning;
mod redact;
mod replay;
mod simulate;
mod simulate_face;
mod simulate_state;
mod tls;
mod vendor;

use std::process::Output;

use serde_json::Value;

use crate::requests::text;

#[track_caller]
fn stdout(output: &Output) -> String {
    let error = text(&output.stderr);
    assert!(output.status.success(), "{error}");
    text(&output.stdout).to_owned()
}

#[track_caller]
fn json_of(output: &Output) -> Value {
    serde_json::from_str(&stdout(output)).expect("JSON")
}

/// What a failure says: status 1, on stderr alone.
#[track_caller]
fn error(output: &Output) -> String {
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    assert_eq!(text(&output.stdout), "");
    text(&output.stderr).to_owned()
}
