//! A page that signs who is logged in, and what SnapEngage would make of it.

use snapengage::Timestamp;
use snapengage::identity::{Identity, Verifier};

use super::*;

const SECRET: &str = "secret-of-the-dashboard";

/// What a page sets a variable to.
#[track_caller]
fn variable<'p>(page: &'p str, name: &str) -> &'p str {
    let (_, rest) = page.split_once(&format!("window.{name}=\"")).expect("a variable");
    rest.split_once('"').expect("the end of a text").0
}

#[track_caller]
fn identity(page: &str) -> Identity {
    let timestamp = variable(page, "__hmacTimestamp").parse().ok().and_then(Timestamp::from_millis);
    Identity {
        signature: variable(page, "__hmacSignature").to_owned(),
        nonce: variable(page, "__hmacNonce").to_owned(),
        timestamp: timestamp.expect("a time"),
    }
}

#[test]
fn each_view_is_signed_for_who_is_logged_in() {
    let shop = Example::start("login_page");
    let verifier = Verifier::new(SECRET).expect("a secret");
    let [first, stranger] = shop.answers_to_header();
    let [second, _] = shop.answers_to_header();
    for page in [first, second] {
        verifier.verify("v@example.com", &identity(&page.body)).expect("verified");
        assert!(page.body.contains("SnapEngage.setUserEmail(\"v@example.com\")"), "{}", page.body);
        assert!(!page.body.contains(SECRET));
    }
    assert_eq!(stranger.status, 200);
    assert!(!stranger.body.contains("__hmac"), "{}", stranger.body);
    shop.stop();
}

#[test]
fn without_a_secret_there_is_no_page() {
    let mut command = example("login_page");
    let command = command.arg(ANY_PORT).env("SNAPENGAGE_IDENTITY_SECRET", "");
    let output = command.output().expect("it ends");
    assert_eq!(output.status.code(), Some(1));
    let told = String::from_utf8(output.stderr).expect("UTF-8");
    let expected = "Error: no identity secret: `SNAPENGAGE_IDENTITY_SECRET` is empty\n";
    assert_eq!(told.split_inclusive('\n').next(), Some(expected));
}
