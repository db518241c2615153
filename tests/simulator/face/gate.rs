//! Who may call: attacks of pages that are open in the developer's browser.

use http::StatusCode;
use serde_json::json;

use super::served::Served;
use crate::ask::*;

const PATHS: [&str; 5] =
    ["/_/explain", "/_v/widgets/sales", "/public/api/v2/chat/sales", "/api/v1/chat/sales", "/none"];

#[tokio::test]
async fn hosts_of_others_are_refused_everywhere() {
    let served = Served::new(open_office()).await;
    let port = served.address.port();
    for host in [
        "attacker.example",
        &format!("attacker.example:{port}"),
        "localhost.attacker.example",
        "127.0.0.1.attacker.example",
        &format!("127.0.0.1:{port}@attacker.example"),
        "192.168.0.1",
        "0.0.0.0",
        "[::2]",
        "",
        "a b",
    ] {
        for path in PATHS {
            let answered = served.send("GET", path, &[("host", host), CHAT_KEY], "").await;
            answered.refused(421, "not a host of this simulator");
            assert_eq!(answered.header("access-control-allow-origin"), None);
        }
    }
    let answered = served.send("POST", "/_/faults", &[("host", "attacker.example")], "[]").await;
    answered.refused(421, "");
}

#[tokio::test]
async fn names_of_this_machine_are_let_in() {
    let served = Served::new(open_office()).await;
    let port = served.address.port();
    for host in ["localhost", "127.0.0.1", "[::1]", "LOCALHOST"] {
        for host in [host.to_owned(), format!("{host}:{port}"), format!("{host}:80")] {
            served.send("GET", "/_/explain", &[("host", &host)], "").await.ok();
        }
    }
}

#[tokio::test]
async fn address_in_the_request_line_counts_as_well() {
    let served = Served::new(open_office()).await;
    let answered = served.send("GET", "http://attacker.example/_/explain", &[], "").await;
    answered.refused(421, "");
    served.send("GET", "http://localhost/_/explain", &[("host", "localhost")], "").await.ok();
}

#[tokio::test]
async fn pages_of_others_pull_no_lever() {
    let served = Served::new(open_office()).await;
    let address = served.address.to_string();
    let ours = format!("http://{address}");
    let fault = json!({ "call": "logs", "nth": 1, "do": "reset" }).to_string();
    for origin in [
        "https://attacker.example",
        "http://localhost:3000",
        "http://127.0.0.1",
        &format!("http://{address}.attacker.example"),
        &format!("http://attacker.example/http://{address}"),
        "null",
        "",
    ] {
        let foreign = [("origin", origin), ("content-type", "text/plain")];
        let answered = served.send("POST", "/_/faults", &foreign, fault.clone()).await;
        answered.refused(403, "own page");
        assert_eq!(answered.header("access-control-allow-origin"), None, "{origin}");
        served.send("DELETE", "/_/faults", &foreign, "").await.refused(403, "");
        served.send("OPTIONS", "/_/faults", &foreign, "").await.refused(403, "");
    }
    for site in ["cross-site", "same-site"] {
        let answered = served.send("GET", "/_/explain", &[("sec-fetch-site", site)], "").await;
        answered.refused(403, "");
    }
    assert!(served.simulator.faults().is_empty());
    for ours in [("origin", ours.as_str()), ("sec-fetch-site", "same-origin")] {
        served.send("POST", "/_/faults", &[ours], fault.clone()).await.ok();
    }
    assert_eq!(served.simulator.faults().len(), 2);
}

#[tokio::test]
async fn other_origins_read_what_is_for_them_alone() {
    let served = Served::new(open_office()).await;
    let foreign = ("origin", "https://shop.example");
    let answered = served.send("GET", "/public/api/v2/chat/sales", &[foreign], "").await;
    assert_eq!(answered.header("access-control-allow-origin"), Some("*"));
    let answered = served.send("GET", "/_v/none", &[foreign], "").await;
    assert_eq!(answered.header("access-control-allow-origin"), Some("*"));
    let asks = [foreign, ("access-control-request-method", "POST")];
    let answered = served.send("OPTIONS", "/_v/widgets/sales/chats", &asks, "").await;
    assert_eq!(answered.status, StatusCode::NO_CONTENT);
    assert_eq!(answered.header("access-control-allow-origin"), Some("*"));
    let answered = served.send("GET", "/api/v1/chat/sales", &[foreign, CHAT_KEY], "").await;
    answered.ok();
    assert_eq!(answered.header("access-control-allow-origin"), None);
}
