//! `snapengage identity sign`.

use std::fs;
use std::process::Output;

use serde_json::Value;
use snapengage::Timestamp;
use snapengage::identity::{Identity, Verifier};

use super::vendor::{run, snapengage};
use super::{json_of, stdout};
use crate::requests::text;

const SECRET: &str = "AuW5G710B_jOk7LeMq0BBZCcqoXrmpis";
const VARIABLE: &str = "SNAPENGAGE_IDENTITY_SECRET";
const NAMES: [&str; 3] = ["__hmacSignature", "__hmacNonce", "__hmacTimestamp"];

async fn signed(arguments: &[&str], secret: &str) -> Output {
    let arguments = [&["identity", "sign"], arguments].concat();
    run(snapengage(&arguments).env(VARIABLE, secret)).await
}

fn identity([signature, nonce, timestamp]: [&str; 3]) -> Identity {
    let millis = timestamp.parse().expect("a number");
    Identity {
        signature: signature.to_owned(),
        nonce: nonce.to_owned(),
        timestamp: Timestamp::from_millis(millis).expect("a time"),
    }
}

#[track_caller]
fn assert_verified(content: &str, values: [&str; 3]) {
    let verifier = Verifier::new(SECRET).expect("a secret");
    verifier.verify(content, &identity(values)).expect("verified");
}

/// What a refusal says: status 2, on stderr alone, and nothing of a secret.
#[track_caller]
fn refusal(output: &Output) -> String {
    assert_eq!(output.status.code(), Some(2), "{output:?}");
    assert_eq!(text(&output.stdout), "");
    let told = text(&output.stderr).to_owned();
    assert!(!told.contains("AuW5G"), "{told}");
    told
}

#[tokio::test]
async fn three_lines_are_the_variables_of_a_page() {
    let printed = stdout(&signed(&["v@example.com"], SECRET).await);
    let lines: Vec<_> = printed.lines().map(|line| line.split_once(' ').expect("two")).collect();
    let lines: [_; 3] = lines.try_into().expect("three lines");
    assert_eq!(lines.map(|(name, _)| name), NAMES);
    assert_verified("v@example.com", lines.map(|(_, value)| value));
}

#[tokio::test]
async fn json_is_one_object_of_the_same_names() {
    let object = json_of(&signed(&["Jörg & <Söhne>", "--json"], SECRET).await);
    assert_eq!(object.as_object().expect("an object").len(), 3);
    assert_verified("Jörg & <Söhne>", NAMES.map(|name| object[name].as_str().expect("a text")));
}

#[tokio::test]
async fn the_secret_of_a_key_file_wins() {
    let dir = tempfile::tempdir().expect("a folder");
    let path = dir.path().join("keys").to_str().expect("UTF-8").to_owned();
    fs::write(&path, format!("{VARIABLE}={SECRET}\n")).expect("written");
    let object: Value = json_of(&signed(&["a", "--json", "--key-file", &path], "another").await);
    assert_verified("a", NAMES.map(|name| object[name].as_str().expect("a text")));

    fs::write(&path, format!("{VARIABLE}=\n")).expect("written");
    let told = refusal(&signed(&["a", "--key-file", &path], SECRET).await);
    assert!(told.ends_with("line 1: no value\n"), "{told}");
}

#[tokio::test]
async fn without_a_secret_or_a_content_nothing_is_signed() {
    for (content, secret, expected) in [
        ("a", "", "error: SNAPENGAGE_IDENTITY_SECRET is empty\n"),
        ("a", " ", "error: SNAPENGAGE_IDENTITY_SECRET is empty\n"),
        ("", SECRET, "error: the content is empty: nobody is verified by it\n"),
        (
            "a",
            "'AuW5G710B'",
            "error: identity secret `default`: is in quotes, expected the secret alone\n",
        ),
    ] {
        assert_eq!(refusal(&signed(&[content], secret).await), expected);
    }
    let told = refusal(&run(&mut snapengage(&["identity", "sign", "a"])).await);
    assert!(told.starts_with("error: SNAPENGAGE_IDENTITY_SECRET is missing: "), "{told}");
    refusal(&signed(&[], SECRET).await);
}
