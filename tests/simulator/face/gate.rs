//! Who may call: attacks of pages that are open in the developer's browser.

use http::StatusCode;
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

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
    let (ours, port) = (format!("http://{address}"), served.address.port());
    let fault = json!({ "call": "logs", "nth": 1, "do": "reset" }).to_string();
    for origin in [
        "https://attacker.example",
        "http://localhost:3000",
        "http://127.0.0.1",
        &format!("https://{address}"),
        &format!("ftp://{address}"),
        &format!("http://[::1]:{port}"),
        &format!("http://me@{address}"),
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

#[tokio::test]
async fn public_answers_are_for_all_origins_whatever_they_are() {
    let served = Served::new(open_office()).await;
    let foreign = ("origin", "https://shop.example");
    let open = |answered: &Answered| {
        assert_eq!(answered.header("access-control-allow-origin"), Some("*"), "{answered:?}");
        assert_eq!(answered.headers.get_all("access-control-allow-origin").iter().count(), 1);
    };
    for deed in [
        json!({ "do": "status", "status": 503 }),
        json!({ "do": "status", "status": 429, "html": true }),
        json!({ "do": "error-in-200" }),
        json!({ "do": "foreign-redirect" }),
        json!({ "do": "stall", "ms": 0 }),
        json!({ "do": "slow", "ms": 0 }),
    ] {
        let mut fault = deed;
        (fault["call"], fault["nth"]) = ("availability".into(), 1.into());
        served.post("/_/faults", &fault).await.ok();
        open(&served.send("GET", "/public/api/v2/chat/sales", &[foreign], "").await);
        served.send("DELETE", "/_/faults", &[], "").await.ok();
    }
    for (method, path) in [
        ("GET", "/public/api/v2/chat/none"),
        ("GET", "/public/none"),
        ("POST", "/public/api/v2/chat/sales"),
        ("OPTIONS", "/public/api/v2/chat/sales"),
        ("GET", "/js/none.js"),
        ("GET", "/_v/chats/none"),
        ("POST", "/_v/widgets/sales/chats"),
    ] {
        open(&served.send(method, path, &[foreign], "[").await);
    }
    for path in ["/publicity", "/api/v1/public", "/none"] {
        let answered = served.send("GET", path, &[foreign], "").await;
        assert_eq!(answered.header("access-control-allow-origin"), None, "{path}");
    }
    let in_process = send(&served.simulator, "GET", "/public/none", &[foreign], "").await;
    open(&in_process);
    in_process.refused(404, "");
}

#[tokio::test]
async fn own_page_may_be_loaded_by_another_name_of_the_address() {
    let served = Served::new(open_office()).await;
    let port = served.address.port();
    let pair = |origin: &str, host: &str| {
        [("origin", format!("http://{origin}:{port}")), ("host", format!("{host}:{port}"))]
    };
    for (origin, host, status) in [
        ("localhost", "127.0.0.1", 200),
        ("127.0.0.1", "localhost", 200),
        ("LOCALHOST", "127.0.0.1", 200),
        ("[::1]", "localhost", 200),
        ("localhost", "[::1]", 200),
        ("[::1]", "127.0.0.1", 403),
        ("127.0.0.2", "localhost", 403),
        ("localhost.example", "127.0.0.1", 403),
    ] {
        let headers = pair(origin, host);
        let mut headers: Vec<_> =
            headers.iter().map(|(name, text)| (*name, text.as_str())).collect();
        let answered = served.send("GET", "/_/explain", &headers, "").await;
        assert_eq!(answered.status, status, "{origin} {host}");
        // A browser calls the two of them different sites.
        headers.push(("sec-fetch-site", "cross-site"));
        let answered = served.send("GET", "/_/explain", &headers, "").await;
        assert_eq!(answered.status, status, "{origin} {host}");
    }
    // Another server of this machine is not this one.
    let other = [("origin", "http://localhost:1"), ("host", &format!("127.0.0.1:{port}"))];
    served.send("GET", "/_/explain", &other, "").await.refused(403, "own page");
}

#[tokio::test]
async fn page_behind_a_proxy_with_tls_is_of_https() {
    let served = Served::new(office().host("sim.example").build().expect("no mistakes")).await;
    let named = ("host", "sim.example");
    let behind = ("x-forwarded-proto", "https");
    let https = ("origin", "https://sim.example");
    served.send("GET", "/_/explain", &[named, behind, https], "").await.ok();
    served.send("GET", "/_/explain", &[named, https], "").await.refused(403, "");
    let http = ("origin", "http://sim.example");
    served.send("GET", "/_/explain", &[named, http], "").await.ok();
    served.send("GET", "/_/explain", &[named, behind, http], "").await.refused(403, "");
}

#[tokio::test]
async fn request_without_a_host_is_told_so() {
    let served = Served::new(open_office()).await;
    for (head, status, message) in [
        ("GET /_/explain HTTP/1.1\r\n", "400 Bad Request", "missing header `Host`"),
        (
            "GET /_/explain HTTP/1.1\r\nHost: localhost\r\nHost: localhost\r\n",
            "400 Bad Request",
            "more than one header `Host`",
        ),
        ("GET /_/explain HTTP/1.0\r\n", "421 Misdirected Request", "not a host of this simulator"),
    ] {
        let mut stream = TcpStream::connect(served.address).await.expect("a connection");
        let request = format!("{head}Connection: close\r\n\r\n");
        stream.write_all(request.as_bytes()).await.expect("sent");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.expect("an answer");
        assert!(answer.contains(status) && answer.contains(message), "{answer}");
    }
}
