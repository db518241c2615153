//! Which requests go where: paths, methods, `HEAD`, encodings, many tenants and `/healthz`.

use std::time::Duration;

use http::{HeaderValue, Request};
use snapengage::bot::Reply;
use snapengage::{Auth, Receiver, ReceiverBuilder, Server, Token, agent_status, conversation};

use crate::wire::{
    self, Answer, Calls, DENIED, STATUS, Served, TOKEN, Unread, ask, bare, build, builder,
    get_bytes, post, post_bytes,
};

fn not_found() -> Answer {
    Answer::refused(404, "nothing is served at this path")
}

fn not_allowed(allow: &str) -> Answer {
    Answer::refused(405, &format!("expected {allow}")).with(format!("allow: {allow}"))
}

#[track_caller]
fn mistake(builder: ReceiverBuilder) -> String {
    builder.build().expect_err("a mistake").to_string()
}

#[tokio::test]
async fn a_path_is_matched_whole() {
    let calls = Calls::default();
    let receiver = build(builder(&calls));
    assert_eq!(ask(&receiver, post("/status", STATUS.to_owned())).await, Answer::taken());
    let absolute = post("http://example.com/status", STATUS.to_owned());
    assert_eq!(ask(&receiver, absolute).await, Answer::taken());
    assert_eq!(calls.count(), 2);
    for path in [
        "/",
        "/status/",
        "//status",
        "/STATUS",
        "/status/more",
        "/x/../status",
        "/status;x",
        "/healthz",
        "http://example.com",
    ] {
        assert_eq!(ask(&receiver, bare("POST", path)).await, not_found(), "{path}");
        assert_eq!(ask(&receiver, post(path, Unread)).await, not_found().closing(), "{path}");
    }
    assert_eq!(ask(&receiver, bare("OPTIONS", "*")).await, not_found());
    assert_eq!(ask(&receiver, bare("CONNECT", "example.com:80")).await, not_found());
    assert_eq!(calls.count(), 2);
}

#[tokio::test]
async fn escapes_that_change_nothing_are_the_same_path() {
    let calls = Calls::default();
    let receiver = build(builder(&calls).healthz("/health%7A%2fx"));
    for path in ["/%73tatus", "/s%74atu%73", "/%73%74%61%74%75%73?%73"] {
        assert_eq!(ask(&receiver, post(path, STATUS.to_owned())).await, Answer::taken(), "{path}");
    }
    assert_eq!(calls.count(), 3);
    for path in ["/healthz%2Fx", "/healthz%2fx", "/%68ealthz%2Fx"] {
        assert_eq!(ask(&receiver, bare("GET", path)).await, Answer::text(200, "ok"), "{path}");
    }
    let long = "/%73tatus".to_owned() + &"%73".repeat(10_000);
    for path in [
        "/%2573tatus",
        "/%25%37%33tatus",
        "/%%37%33tatus",
        "%2Fstatus",
        "/%2Fstatus",
        "/%2fstatus",
        "/status%2F",
        "/status%",
        "/status%7",
        "/status%zz",
        "/status%00",
        "/status%3Fa",
        "/%53TATUS",
        "/healthz/x",
        &long,
    ] {
        let Ok(request) = Request::post(path).body(String::new()) else { continue };
        assert_eq!(ask(&receiver, request).await, not_found(), "{path}");
    }
    assert_eq!(calls.count(), 3);
}

#[tokio::test]
async fn a_path_may_be_mounted_with_its_escapes() {
    let receiver = build(at("/%73%74atus/%c3%bc"));
    for path in ["/status/%C3%BC", "/status/%c3%Bc", "/%73%74atus/%c3%bc"] {
        assert_eq!(ask(&receiver, post(path, STATUS.to_owned())).await, Answer::taken(), "{path}");
    }
    assert_eq!(ask(&receiver, bare("POST", "/status/%C3%9C")).await, not_found());
}

#[tokio::test]
async fn another_method_is_told_the_right_one() {
    let receiver = build(builder(&Calls::default()).healthz("/healthz"));
    for method in ["GET", "HEAD", "PUT", "DELETE", "OPTIONS", "PATCH", "TRACE", "BREW", "post"] {
        let mut expected = not_allowed("POST");
        if method == "HEAD" {
            expected = Answer { body: String::new(), ..expected.with("content-length: 38") };
        }
        assert_eq!(ask(&receiver, bare(method, "/status")).await, expected, "{method}");
    }
    for path in ["/contact?email=a", "/healthz"] {
        for method in ["POST", "PUT", "DELETE", "OPTIONS", "get"] {
            let answer = ask(&receiver, bare(method, path)).await;
            assert_eq!(answer, not_allowed("GET, HEAD"), "{method} {path}");
        }
    }
}

#[tokio::test]
async fn the_path_is_checked_first_then_the_method_then_the_token() {
    let receiver = build(builder(&Calls::default()));
    let no_token = |method: &str, path: &str| {
        let request = Request::builder().method(method).uri(path);
        request.body(Unread).expect("a valid request")
    };
    assert_eq!(ask(&receiver, no_token("PUT", "/other")).await, not_found().closing());
    assert_eq!(ask(&receiver, no_token("PUT", "/status")).await, not_allowed("POST").closing());
    assert_eq!(
        ask(&receiver, no_token("POST", "/status")).await,
        Answer::refused(401, DENIED).closing()
    );
}

#[tokio::test]
async fn a_query_does_not_matter_to_a_post() {
    let calls = Calls::default();
    let receiver = build(builder(&calls));
    for path in ["/status?", "/status?a=b", "/status?/contact?%zz&&="] {
        assert_eq!(ask(&receiver, post(path, STATUS.to_owned())).await, Answer::taken(), "{path}");
    }
    assert_eq!(calls.count(), 3);
    let request = Request::post(format!("/status?Authorization={TOKEN}")).body(Unread);
    assert_eq!(
        ask(&receiver, request.expect("a valid request")).await,
        Answer::refused(401, DENIED).closing()
    );
}

#[tokio::test]
async fn head_is_answered_as_get_is_without_the_body() {
    let receiver = build(builder(&Calls::default()).healthz("/healthz"));
    for path in ["/contact?email=a%40b.c", "/contact", "/healthz", "/other"] {
        let get = ask(&receiver, bare("GET", path)).await;
        let length = format!("content-length: {}", get.body.len());
        let head = ask(&receiver, bare("HEAD", path)).await;
        assert_eq!(head, Answer { body: String::new(), ..get.with(length) }, "{path}");
    }
}

#[tokio::test]
async fn head_keeps_its_length_on_the_wire() {
    use tokio::io::AsyncReadExt;

    let receiver = build(builder(&Calls::default()).healthz("/healthz"));
    let served = Served::start(Server::new(receiver)).await;
    let mut client = served.connect().await;
    client
        .send(
            "HEAD /contact?email=a%40b.c HTTP/1.1\r\nHost: test\r\n\r\n\
             HEAD /healthz HTTP/1.1\r\nHost: test\r\nConnection: close\r\n\r\n",
        )
        .await;
    let mut received = String::new();
    wire::in_time(client.stream.read_to_string(&mut received)).await.expect("closed");
    let heads: Vec<Vec<_>> = received
        .split_terminator("\r\n\r\n")
        .map(|head| head.lines().filter(|line| !line.starts_with("date: ")).collect())
        .collect();
    let ok = |length| {
        vec![
            "HTTP/1.1 200 OK",
            "content-type: text/plain; charset=utf-8",
            "x-content-type-options: nosniff",
            length,
        ]
    };
    let mut last = ok("content-length: 2");
    last.push("connection: close");
    assert_eq!(heads, [ok("content-length: 5"), last]);
    served.stop().await;
}

#[tokio::test]
async fn a_body_comes_as_it_is_or_not_at_all() {
    let calls = Calls::default();
    let receiver = build(builder(&calls));
    let encoded = |encodings: &[&'static str]| {
        let mut request = post("/status", STATUS.to_owned());
        for encoding in encodings {
            let encoding = HeaderValue::from_static(encoding);
            request.headers_mut().append("content-encoding", encoding);
        }
        request
    };
    let unencoded = [
        &["identity"] as &[_],
        &["Identity", "identity"],
        &["identity, identity,identity"],
        &[""],
        &["", " ,, "],
        &["utf-8"],
        &["UTF-8", "iso-8859-1"],
        &["utf-8, identity"],
        &["charset=utf-8"],
        &["none"],
        &["chunked"],
        &["\"\""],
        &["gz", "gzipped", "brotli"],
    ];
    for encodings in unencoded {
        assert_eq!(ask(&receiver, encoded(encodings)).await, Answer::taken(), "{encodings:?}");
    }
    let mut odd = encoded(&[]);
    let not_ascii = HeaderValue::from_bytes(b"\xff\xfe").expect("a valid header");
    odd.headers_mut().insert("content-encoding", not_ascii);
    assert_eq!(ask(&receiver, odd).await, Answer::taken());
    assert_eq!(calls.count(), unencoded.len() + 1);
    let refused =
        Answer::refused(415, "content encodings are not supported, expected the body as it is");
    for encodings in [
        &["gzip"] as &[_],
        &["GZip"],
        &["x-gzip"],
        &["br"],
        &["zstd"],
        &["compress"],
        &["deflate"],
        &["identity, gzip"],
        &["gzip, identity"],
        &["identity", "gzip"],
        &["deflate", "identity"],
        &["utf-8,,zstd\t"],
        &["", "utf-8", "br"],
        &["gzip;q=1"],
        &["\"gzip\""],
    ] {
        let request = encoded(encodings).map(|_| Unread);
        assert_eq!(ask(&receiver, request).await, refused.clone().closing(), "{encodings:?}");
    }
    let mut request = encoded(&["gzip"]);
    request.headers_mut().remove("authorization");
    assert_eq!(ask(&receiver, request).await, Answer::refused(401, DENIED).closing());
    assert_eq!(calls.count(), unencoded.len() + 1);
}

#[tokio::test]
async fn a_charset_for_an_encoding_costs_no_event() {
    let calls = Calls::default();
    let feed_calls = calls.clone();
    let feed = conversation::from_fn(move |_| {
        feed_calls.add();
        async { Ok(()) }
    });
    let receiver =
        Receiver::builder().conversation("/conversation-events", Token::new(TOKEN), feed);
    let served = Served::start(Server::new(build(receiver))).await;
    let request = include_str!("../field-cases/content-encoding-utf-8.http");
    assert_eq!(served.exchange(request).await, [Answer::taken().closing()]);
    for encoding in ["gzip", "br", "deflate", "zstd"] {
        let request =
            request.replace("Content-Encoding: UTF-8", &format!("Content-Encoding: {encoding}"));
        let answers = served.exchange(request).await;
        assert_eq!(answers.iter().map(|answer| answer.status).collect::<Vec<_>>(), [415]);
    }
    served.stop().await;
    assert_eq!(calls.count(), 1);
}

#[tokio::test]
async fn every_tenant_has_a_path_and_a_token_of_its_own() {
    let calls: Vec<_> = std::iter::repeat_with(Calls::default).take(100).collect();
    let mut builder = Receiver::builder();
    for (tenant, calls) in calls.iter().enumerate() {
        let calls = calls.clone();
        let feed = agent_status::from_fn(move |_| {
            calls.add();
            async { Ok(()) }
        });
        builder =
            builder.agent_status(format!("/{tenant}"), Token::new(format!("t{tenant}")), feed);
    }
    let receiver = build(builder);
    let request = |path: usize, token: usize| {
        let request =
            Request::post(format!("/{path}")).header("Authorization", format!("t{token}"));
        request.body(STATUS.to_owned()).expect("a valid request")
    };
    for tenant in 0..100 {
        assert_eq!(ask(&receiver, request(tenant, tenant)).await, Answer::taken());
        assert_eq!(
            ask(&receiver, request(tenant, (tenant + 1) % 100)).await,
            Answer::refused(401, DENIED).closing()
        );
    }
    assert!(calls.iter().all(|calls| calls.count() == 1), "{calls:?}");
    assert_eq!(ask(&receiver, request(100, 100)).await, not_found().closing());
}

fn at(path: &str) -> ReceiverBuilder {
    let feed = agent_status::from_fn(|_| async { Ok(()) });
    Receiver::builder().agent_status(path, Token::new(TOKEN), feed)
}

#[test]
fn a_path_that_cannot_be_asked_for_is_a_mistake() {
    for path in ["/", "/a/b-c_d.e~f/%20", "/a:b@c!$&'()+,;=", "//", "/a//b/", "/a.b", "/...", "/:"]
    {
        assert!(at(path).build().is_ok(), "{path}");
    }
    for (path, problem) in [
        ("", "expected `/` at the start"),
        ("status", "expected `/` at the start"),
        ("*", "expected `/` at the start"),
        (" /status", "expected `/` at the start"),
        ("http://example.com/status", "expected `/` at the start"),
        ("/status?a=b", "has `?`, expected a path alone"),
        ("/status?", "has `?`, expected a path alone"),
        ("/#", "has `#`, expected a path alone"),
        ("/a b", "has ` `, expected `%20`"),
        ("/a\"b", "has `\\\"`, expected `%22`"),
        ("/a\\b", "has `\\\\`, expected `%5C`"),
        ("/a|b", "has `|`, expected `%7C`"),
        ("/[a]", "has `[`, expected `%5B`"),
        ("/status\n", "has `\\n`, expected `%0A`"),
        ("/\u{a0}", "has `\\u{a0}`, expected `%C2%A0`"),
        ("/größe", "has `ö`, expected `%C3%B6`"),
        ("/100%", "has `%`, expected `%25`"),
        ("/%2", "has `%`, expected `%25`"),
        ("/%zz", "has `%`, expected `%25`"),
        ("/%ü", "has `%`, expected `%25`"),
        ("/bot/{id}", "`{id}` looks like a pattern, expected a literal path"),
        ("/{*rest}", "`{*rest}` looks like a pattern, expected a literal path"),
        ("/bot/*", "`*` looks like a pattern, expected a literal path"),
        ("/bot/:id/x", "`:id` looks like a pattern, expected a literal path"),
        ("/bot/<id>", "`<id>` looks like a pattern, expected a literal path"),
        ("/a/../b", "has the segment `..`, which clients resolve before they send it"),
        ("/a/%2E%2e", "has the segment `..`, which clients resolve before they send it"),
        ("/.", "has the segment `.`, which clients resolve before they send it"),
    ] {
        let expected = format!("path `{}`: {problem}", path.escape_debug());
        assert_eq!(mistake(at(path)), expected);
        assert_eq!(mistake(builder(&Calls::default()).healthz(path)), expected);
    }
}

#[test]
fn a_path_taken_twice_is_a_mistake() {
    let feed = || agent_status::from_fn(|_| async { Ok(()) });
    let taken = builder(&Calls::default());
    assert_eq!(
        mistake(taken.agent_status("/status", Token::new("other"), feed())),
        "path `/status`: taken twice"
    );
    let taken = builder(&Calls::default());
    assert_eq!(
        mistake(taken.agent_status("/contact", Auth::dangerously_open(), feed())),
        "path `/contact`: taken twice"
    );
    let taken = builder(&Calls::default());
    assert_eq!(mistake(taken.healthz("/status")), "path `/status`: taken twice");
    let taken = builder(&Calls::default());
    assert_eq!(mistake(taken.healthz("/%73tatus")), "path `/%73tatus`: taken twice");
    let taken = at("/a%2fb").agent_status("/a%2Fb", Token::new("other"), feed());
    assert_eq!(mistake(taken), "path `/a%2Fb`: taken twice");
    let other = builder(&Calls::default()).agent_status("/status/", Token::new(TOKEN), feed());
    assert!(other.healthz("/status/healthz").build().is_ok());
}

#[test]
fn a_receiver_of_nothing_is_a_mistake() {
    let expected = "no routes: expected an API, such as `bot`";
    assert_eq!(mistake(Receiver::builder()), expected);
    assert!(Receiver::builder().healthz("/healthz").build().is_ok());
}

#[test]
fn a_second_path_for_health_is_a_mistake() {
    let two = builder(&Calls::default()).healthz("/livez").healthz("/readyz");
    assert_eq!(mistake(two), "`healthz`: set more than once, expected one path");
    let same = builder(&Calls::default()).healthz("/healthz").healthz("/healthz");
    assert_eq!(
        mistake(same),
        "path `/healthz`: taken twice\n\
         `healthz`: set more than once, expected one path"
    );
}

#[test]
fn a_limit_or_a_deadline_of_nothing_is_a_mistake() {
    let builder = || builder(&Calls::default());
    for (setting, builder) in [
        ("body_limit", builder().body_limit(0)),
        ("memory_limit", builder().memory_limit(0)),
        ("body_deadline", builder().body_deadline(Duration::ZERO)),
        ("feed_deadline", builder().feed_deadline(Duration::ZERO)),
        ("bot_deadline", builder().bot_deadline(Duration::ZERO)),
        ("contact_deadline", builder().contact_deadline(Duration::ZERO)),
        ("health_deadline", builder().health_deadline(Duration::ZERO)),
    ] {
        assert_eq!(mistake(builder), format!("`{setting}`: expected more than zero"));
    }
    let longest = builder().body_limit(usize::MAX).body_deadline(Duration::MAX);
    assert!(longest.bot_deadline(Duration::from_nanos(1)).build().is_ok());
}

#[test]
fn a_fallback_that_leaves_the_visitor_alone_is_a_mistake() {
    for silence in [
        Reply::new(),
        Reply::say(" "),
        Reply::say("").and_say("\n"),
        Reply::new().label("lost", ["yes"]),
        Reply::new().context_id("lost"),
    ] {
        let builder = builder(&Calls::default()).fallback(silence);
        assert_eq!(mistake(builder), "`fallback`: expected something the visitor notices");
    }
    for answer in [Reply::say("Sorry"), Reply::new().button("Again"), Reply::new().bye()] {
        assert!(builder(&Calls::default()).fallback(answer).build().is_ok());
    }
}

#[tokio::test]
async fn health_is_told_if_asked_for() {
    let receiver = build(builder(&Calls::default()));
    assert_eq!(ask(&receiver, bare("GET", "/healthz")).await, not_found());

    let receiver = build(builder(&Calls::default()).healthz("/live"));
    assert_eq!(ask(&receiver, bare("GET", "/live")).await, Answer::text(200, "ok"));
    assert_eq!(ask(&receiver, bare("GET", "/live?verbose")).await, Answer::text(200, "ok"));
    assert_eq!(ask(&receiver, bare("GET", "/live/")).await, not_found());
    assert_eq!(ask(&receiver, bare("GET", "/healthz")).await, not_found());
}

#[tokio::test]
async fn health_is_503_while_draining() {
    let receiver = build(builder(&Calls::default()).healthz("/healthz"));
    receiver.clone().start_draining();
    assert_eq!(ask(&receiver, bare("GET", "/healthz")).await, Answer::text(503, "draining"));
    let head = Answer { body: String::new(), ..Answer::text(503, "").with("content-length: 8") };
    assert_eq!(ask(&receiver, bare("HEAD", "/healthz")).await, head);
    assert_eq!(ask(&receiver, post("/status", STATUS.to_owned())).await, Answer::taken());
    assert_eq!(ask(&receiver, bare("POST", "/healthz")).await, not_allowed("GET, HEAD"));
}

#[tokio::test]
async fn requests_of_all_kinds_share_a_connection() {
    let calls = Calls::default();
    let served = Served::start(Server::new(build(builder(&calls).healthz("/healthz")))).await;
    let mut client = served.connect().await;
    let exchanges = [
        (post_bytes("/status", STATUS), Answer::taken()),
        (get_bytes("/other"), not_found()),
        (get_bytes("/status"), not_allowed("POST")),
        (get_bytes("/contact?email=a%40b.c"), Answer::text(200, "a@b.c")),
        (get_bytes("/contact"), Answer::refused(400, "contact query: missing parameter `email`")),
        (
            post_bytes("/status", "{"),
            Answer::refused(400, "agent status: EOF while parsing an object at line 1 column 1"),
        ),
        (get_bytes("/healthz"), Answer::text(200, "ok")),
        (post_bytes("/status", STATUS), Answer::taken()),
    ];
    for (request, expected) in exchanges {
        client.send(&request).await;
        assert_eq!(client.answer().await, expected, "{request}");
    }
    drop(client);
    served.stop().await;
    assert_eq!(calls.count(), 2);
}
