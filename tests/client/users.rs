//! Users are created, fetched, updated and deleted.

use serde_json::json;
use snapengage::client::{AccountType, NewUser, Password, User, UserUpdate};

use crate::vendor::{KEY, Vendor, error};

const EMAIL: &str = "jane@example.com";

fn jane() -> NewUser {
    NewUser::new(EMAIL, "Jane Doe", AccountType::Trial, password())
}

fn password() -> Password {
    Password::new("pa55word").expect("8 characters")
}

#[tokio::test]
async fn nobody_is_found_by_404_or_an_empty_answer() {
    for (status, body) in [(404, ""), (404, "<html>Not found</html>"), (200, ""), (200, " \n")] {
        let vendor = Vendor::answering(status, body);
        let found = vendor.provisioning().user(EMAIL).await.expect("an answer");
        assert_eq!(found, None, "{status} {body}");
    }
}

#[tokio::test]
async fn a_user_without_details_is_found_all_the_same() {
    let vendor = Vendor::answering(200, r#"{"exists": true, "name": null}"#);
    let found = vendor.provisioning().user(EMAIL).await.expect("an answer");
    let mut user = User::new();
    user.extra.insert("exists".to_owned(), json!(true));
    assert_eq!(found, Some(user));
}

#[tokio::test]
async fn what_cannot_be_asked_is_an_error() {
    for status in [400, 401, 403, 500] {
        let vendor = Vendor::answering(status, format!("no {EMAIL} for {KEY}"));
        let error = error(vendor.provisioning().user(EMAIL).await, &[EMAIL, KEY]);
        assert_eq!(error.status().map(|status| status.as_u16()), Some(status));
        assert_eq!(error.excerpt(), Some("no <redacted> for <redacted>"));
    }
}

#[tokio::test]
async fn absent_fields_are_not_sent() {
    let vendor = Vendor::answering(200, "{}");
    let provisioning = vendor.provisioning();
    provisioning.create_user(jane()).await.expect("a user");
    let expected = json!({
        "email": EMAIL, "name": "Jane Doe", "accountType": "trial", "password": "pa55word",
    });
    assert_eq!(vendor.request().json(), expected);
    provisioning.update_user(UserUpdate::new(EMAIL, "Jane Doe")).await.expect("a user");
    assert_eq!(vendor.request().json(), json!({"email": EMAIL, "name": "Jane Doe"}));
}

#[tokio::test]
async fn a_template_does_not_replace_the_type() {
    let vendor = Vendor::answering(201, "{}");
    let user = jane().template_id("template-7").phone("555");
    vendor.provisioning().create_user(user).await.expect("a user");
    let sent = vendor.request().json();
    assert_eq!([&sent["templateId"], &sent["accountType"]], ["template-7", "trial"]);
}

#[tokio::test]
async fn fields_nobody_documented_are_kept_both_ways() {
    let vendor = Vendor::answering(201, r#"{"email": "jane@example.com", "accountType": "stp"}"#);
    let mut user = jane();
    user.account_type = "stp".into();
    user.extra.insert("team".to_owned(), json!(["sales"]));
    let created = vendor.provisioning().create_user(user).await.expect("a user");
    assert_eq!(vendor.request().json()["team"], json!(["sales"]));
    assert_eq!(created.account_type.expect("a type").as_str(), "stp");
}

#[tokio::test]
async fn a_user_that_was_perhaps_created_is_told() {
    for (status, body) in [(201, "<html>"), (201, ""), (503, "")] {
        let vendor = Vendor::answering(status, body);
        let error = error(vendor.provisioning().create_user(jane()).await, &["pa55word", EMAIL]);
        assert!(error.may_have_been_done(), "{status} {body}");
    }
    let vendor = Vendor::answering(400, "pa55word of Jane Doe is too short");
    let error = error(vendor.provisioning().create_user(jane()).await, &["pa55word", "Jane"]);
    assert!(!error.may_have_been_done());
    assert_eq!(error.excerpt(), Some("<redacted> of <redacted> is too short"));
}

#[tokio::test]
async fn deleting_nobody_is_an_error() {
    let vendor = Vendor::answering(404, "");
    assert!(error(vendor.provisioning().delete_user(EMAIL).await, &[EMAIL]).is_not_found());
}

#[test]
fn a_password_has_5_to_99_characters() {
    for length in [0, 4, 100, 1000] {
        let error = Password::new("é".repeat(length)).expect_err("too short or too long");
        assert_eq!(error.to_string(), "password: expected 5 to 99 characters");
    }
    for length in [5, 99] {
        assert!(Password::new("é".repeat(length)).is_ok());
    }
}

#[test]
fn no_debug_shows_a_password() {
    let update = UserUpdate::new(EMAIL, "Jane Doe").password(password());
    let read: UserUpdate =
        serde_json::from_value(json!({"email": EMAIL, "name": "Jane Doe", "password": 1234}))
            .expect("a request");
    for shown in [format!("{:?}", jane()), format!("{update:?}"), format!("{read:?}")] {
        assert!(shown.contains("password: ") && shown.contains("<redacted>"), "{shown}");
        assert!(!shown.contains("pa55word") && !shown.contains("1234"), "{shown}");
    }
}

#[tokio::test]
async fn a_password_that_is_no_text_is_not_shown_or_sent() {
    let vendor = Vendor::answering(200, "{}");
    for password in [json!(["pa55word"]), json!({"is": "pa55word"}), json!([])] {
        let body = json!({
            "email": EMAIL, "name": "Jane", "accountType": "biz", "password": password,
        });
        let new: NewUser = serde_json::from_value(body.clone()).expect("a request");
        let update: UserUpdate = serde_json::from_value(body).expect("a request");
        let shown = format!("{new:?} {update:?}");
        assert!(!shown.contains("pa55word"), "{shown}");
        for error in [
            error(vendor.provisioning().create_user(new).await, &[]),
            error(vendor.provisioning().update_user(update).await, &[]),
        ] {
            assert!(error.to_string().ends_with("expected 5 to 99 characters"), "{error}");
        }
    }
    assert_eq!(vendor.requests().len(), 0);
}

#[test]
fn of_several_passwords_none_is_shown() {
    for odd in [r#""pa55word""#, r#"["pa55word"]"#, "null"] {
        let body = format!(
            r#"{{"email": "e", "name": "n", "accountType": "biz", "password": {odd},
            "password": "pa55word-2", "password": {odd}}}"#
        );
        let new: NewUser = serde_json::from_str(&body).expect("a request");
        let update: UserUpdate = serde_json::from_str(&body).expect("a request");
        let shown = format!("{new:?} {update:?}");
        assert!(!shown.contains("pa55word"), "{shown}");
        assert!(new.extra.is_empty() && update.extra.is_empty(), "{shown}");
    }
}

#[tokio::test]
async fn no_error_is_no_error() {
    for (none, some) in [("null", "true"), ("false", "{}"), (r#""""#, r#""broken""#)] {
        let body = |error: &str| format!(r#"{{"email": "jane@example.com", "error": {error}}}"#);
        let vendor = Vendor::answering(200, body(none)).then(200, body(some));
        let jane = vendor.provisioning().user("jane@example.com").await.expect("an answer");
        assert_eq!(jane.expect("a user").email.as_deref(), Some("jane@example.com"));
        error(vendor.provisioning().user("jane@example.com").await, &["jane@"]);
    }
}
