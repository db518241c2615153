//! Proxies that the environment names.

use crate::asked::{KEY, create_user, create_user_straight};
use crate::peers::{Peer, header};

/// `name:secret`, as an address has it and as a header has it.
const CREDENTIALS: &str = "name:s%65cret";
const BASIC: &str = "bmFtZTpzZWNyZXQ=";
const SECRETS: &[&str] = &[CREDENTIALS, BASIC, "name:secret"];

/// The address of a proxy, with credentials.
fn with_credentials(proxy: &Peer) -> String {
    format!("http://{CREDENTIALS}@127.0.0.1:{}", proxy.port())
}

#[tokio::test]
async fn http_goes_through_a_proxy_with_its_whole_address() {
    let (snapengage, proxy) = (Peer::snapengage().await, Peer::proxy().await);
    let address = format!("http://127.0.0.1:{}", snapengage.port());
    let variables = [("HTTP_PROXY", &*with_credentials(&proxy))];
    assert_eq!(create_user(&address, &variables, SECRETS).await, "created");

    let [request] = &*proxy.seen() else { panic!("expected one request") };
    let line = format!("PUT {address}/api/v1/user.json?api_key={KEY} HTTP/1.1");
    assert_eq!(request.lines().next(), Some(&*line));
    assert_eq!(header(request, "proxy-authorization"), Some(&*format!("Basic {BASIC}")));
    assert_eq!(header(request, "host"), address.strip_prefix("http://"));
    assert_eq!(snapengage.seen().len(), 1);
}

#[tokio::test]
async fn exceptions_go_straight() {
    let (snapengage, proxy) = (Peer::snapengage().await, Peer::proxy().await);
    let address = format!("http://127.0.0.1:{}", snapengage.port());
    let proxy_address = with_credentials(&proxy);
    let all = ("ALL_PROXY", &*proxy_address);
    for variables in
        [&[all, ("NO_PROXY", "example.com, 127.0.0.0/8")][..], &[all, ("no_proxy", "*")]]
    {
        assert_eq!(create_user(&address, variables, SECRETS).await, "created");
    }
    assert_eq!(create_user_straight(&address, &[all]).await, "created");
    let cgi = [("HTTP_PROXY", &*proxy_address), ("REQUEST_METHOD", "GET")];
    assert_eq!(create_user(&address, &cgi, SECRETS).await, "created");
    assert_eq!(proxy.seen(), [""; 0]);
    for request in snapengage.seen() {
        assert_eq!(header(&request, "proxy-authorization"), None);
    }

    assert_eq!(
        create_user(&address, &[all, ("NO_PROXY", "example.com")], SECRETS).await,
        "created"
    );
    assert_eq!(proxy.seen().len(), 1);
}

#[tokio::test]
async fn a_proxy_that_refuses_http_is_an_answer() {
    let proxy = Peer::refusing("HTTP/1.1 407 Who are you\r\nContent-Length: 0\r\n\r\n").await;
    let variables = [("http_proxy", &*with_credentials(&proxy))];
    let error = create_user("http://snapengage.invalid", &variables, SECRETS).await;
    let expected = "user-create: answered 407 Proxy Authentication Required \
                    (PUT /api/v1/user.json, 1 attempt)";
    assert_eq!(error, expected);
}

#[tokio::test]
async fn a_proxy_that_is_not_there_has_sent_nothing() {
    let gone = Peer::proxy().await;
    let variables = [("HTTP_PROXY", &*with_credentials(&gone))];
    drop(gone);
    let error = create_user("http://snapengage.invalid", &variables, SECRETS).await;
    let expected = "user-create: no connection was made (PUT /api/v1/user.json, 4 attempts)";
    assert!(error.starts_with(expected), "{error}");
}

#[tokio::test]
async fn a_proxy_that_cannot_be_used_is_a_mistake() {
    for (address, problem) in [
        ("socks5://name:secret@127.0.0.1:1", "ALL_PROXY is a proxy of another kind than http://"),
        ("http://name:secret", "ALL_PROXY is no address of a proxy, as in http://proxy:3128"),
    ] {
        let variables = [("ALL_PROXY", address)];
        let error = create_user("http://127.0.0.1:1", &variables, SECRETS).await;
        assert!(error.contains(problem), "{error}");
        let error = create_user_straight("http://127.0.0.1:1", &variables).await;
        assert!(error.contains("no connection was made"), "{error}");
    }
}

#[cfg(feature = "client-tls")]
mod https {
    use super::*;
    use crate::tls::Root;

    #[tokio::test]
    async fn https_goes_through_a_tunnel() {
        let root = Root::new();
        let (name, path) = root.variable();
        let snapengage = Peer::snapengage_over(root.acceptor("localhost")).await;
        let proxy = Peer::proxy().await;
        let host = format!("localhost:{}", snapengage.port());
        let variables = [(name, &*path), ("HTTPS_PROXY", &*with_credentials(&proxy))];
        assert_eq!(create_user(&format!("https://{host}"), &variables, SECRETS).await, "created");

        let connect = format!(
            "CONNECT {host} HTTP/1.1\r\nHost: {host}\r\nProxy-Authorization: Basic {BASIC}\r\n\r\n"
        );
        assert_eq!(proxy.seen(), [connect]);
        let [request] = &*snapengage.seen() else { panic!("expected one request") };
        let line = format!("PUT /api/v1/user.json?api_key={KEY} HTTP/1.1");
        assert_eq!(request.lines().next(), Some(&*line));
        assert_eq!(header(request, "proxy-authorization"), None);
    }

    #[tokio::test]
    async fn a_tunnel_that_is_refused_has_sent_nothing() {
        let root = Root::new();
        let (name, path) = root.variable();
        for (answer, problem) in [
            ("HTTP/1.1 407 Who are you\r\n\r\n", "proxy authorization required"),
            ("HTTP/1.1 403 No\r\n\r\n", "unsuccessful"),
            ("", "unexpected end of file"),
        ] {
            let proxy = Peer::refusing(answer).await;
            let variables = [(name, &*path), ("all_proxy", &*with_credentials(&proxy))];
            let error = create_user("https://snapengage.invalid", &variables, SECRETS).await;
            let expected =
                "user-create: no connection was made (PUT /api/v1/user.json, 4 attempts)";
            assert!(error.starts_with(expected) && error.contains(problem), "{error}");
            for head in proxy.seen() {
                assert!(head.starts_with("CONNECT snapengage.invalid:443 "), "{head}");
                assert!(!head.contains(KEY), "{head}");
            }
        }
    }

    #[tokio::test]
    async fn a_tunnel_to_a_stranger_has_sent_nothing() {
        let root = Root::new();
        let (name, path) = root.variable();
        let snapengage = Peer::snapengage_over(Root::new().acceptor("localhost")).await;
        let proxy = Peer::proxy().await;
        let variables = [(name, &*path), ("HTTPS_PROXY", &*with_credentials(&proxy))];
        let address = format!("https://localhost:{}", snapengage.port());
        let error = create_user(&address, &variables, SECRETS).await;
        assert!(error.contains("invalid peer certificate"), "{error}");
        assert_eq!(proxy.seen().len(), 4);
        assert_eq!(snapengage.seen(), [""; 0]);
    }
}
