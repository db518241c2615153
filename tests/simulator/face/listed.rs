//! The list of requests, which is on the page of the module as well.

use serde_json::{Value, json};
use snapengage::client::Operation;
use snapengage::simulator::{NewVisit, OfflineMessage};

use super::office::shop;

/// Returns the row of a table that begins with this, and asserts that it has the name of each field.
#[track_caller]
fn assert_lists(text: &str, start: &str, value: &Value) {
    let row = text.lines().find(|row| row.starts_with(start)).expect("a row");
    assert_named(row, value);
}

/// Objects and the lists of such are described in place, but for a visit's lines.
#[track_caller]
fn assert_named(row: &str, value: &Value) {
    match value {
        Value::Object(fields) => {
            for (name, value) in fields {
                let is_there = [format!("`{name}`"), format!("\"{name}\"")]
                    .iter()
                    .any(|written| row.contains(written));
                assert!(is_there, "`{name}` in {row}");
                if !["lines", "headers", "variables"].contains(&name.as_str()) {
                    assert_named(row, value);
                }
            }
        }
        Value::Array(items) => items.iter().for_each(|item| assert_named(row, item)),
        _ => {}
    }
}

#[tokio::test]
async fn list_has_each_field_of_requests_and_answers() {
    let served = shop().await;
    let list = served.get("/_/").await;
    assert_eq!(list.header("content-type"), Some("text/plain; charset=utf-8"));
    let list = str::from_utf8(&list.body).expect("UTF-8");
    assert_lists(list, "| [`NewVisit`]", &json!(NewVisit::default()));
    assert_lists(list, "| [`OfflineMessage`]", &json!(OfflineMessage::default()));

    let new = json!({
        "widget": "sales", "email": "ann@example.com", "name": "Ann", "text": "prices",
        "page_url": "https://shop.example/", "variables": { "plan": "pro" },
    });
    let visit = served.post("/_/visits", &new).await.ok();
    assert_lists(list, "| [`VisitView`]", &visit);
    let case = visit["case_id"].as_str().expect("an id");
    let visit = served.post(&format!("/_/visits/{case}/say"), &json!({ "text": "bye" })).await.ok();
    assert_lists(list, "| [`VisitView`]", &visit);
    assert!(visit["lines"].as_array().is_some_and(|lines| lines.len() > 3), "{visit}");
    assert_lists(list, "| a line of it", &visit["lines"]);
    let sent = served.get("/_/deliveries").await.ok();
    assert!(sent.as_array().is_some_and(|sent| !sent.is_empty()));
    assert_lists(list, "| [`DeliveryRecord`]", &sent);
    assert_lists(list, "| [`DeliveryRecord`]", &json!({ "mailed": true, "held": true }));
    assert_lists(list, "| `/_/world`", &served.get("/_/world").await.ok());
    assert_lists(list, "| `/_/explain`", &served.get("/_/explain").await.ok()[0]);
    assert_eq!(served.get("/_").await.body, list.as_bytes());
    served.post("/_/", &json!({})).await.refused(405, "GET");
}

#[tokio::test]
async fn list_has_each_request_and_each_call() {
    let served = shop().await;
    let list = served.get("/_/").await;
    let list = str::from_utf8(&list.body).expect("UTF-8");
    for operation in Operation::ALL {
        assert!(list.contains(&format!("`{}`", operation.as_str())), "{operation:?}");
    }
    let rows = list.lines().filter_map(|row| row.strip_prefix("| `GET /_/"));
    let paths: Vec<_> = rows.filter_map(|row| row.split(['`', '?']).next()).collect();
    assert!(paths.contains(&"explain") && paths.contains(&"visits"), "{paths:?}");
    for path in paths.into_iter().filter(|path| *path != "events") {
        let answered = served.get(&format!("/_/{path}")).await;
        // There is no chat `{case}`.
        let expected = if path.contains('{') { 400..=404 } else { 200..=200 };
        assert!(expected.contains(&answered.status.as_u16()), "{path}: {answered:?}");
    }
}
