//! Who may call: tokens in the header and in the path, and what is never told of them.

use std::process::Command;

use http::header::AUTHORIZATION;
use http::{HeaderValue, Request};
use snapengage::{Auth, Receiver, ReceiverBuilder, Server, Token, agent_status, contact};

use crate::wire::{
    Answer, Calls, DENIED, STATUS, Served, TOKEN, Unread, ask, bare, build, builder, post,
};

fn feed(auth: impl Into<Auth>) -> ReceiverBuilder {
    Receiver::builder().agent_status("/status", auth, agent_status::from_fn(|_| async { Ok(()) }))
}

fn book(path: &str, auth: impl Into<Auth>) -> ReceiverBuilder {
    let book = contact::from_fn(|query| async move { Ok(Some(query.email)) });
    Receiver::builder().contact(path, auth, book)
}

/// A request with these tokens, each in a header of its own, and a body that must not be read.
#[track_caller]
fn unread(tokens: &[&[u8]]) -> Request<Unread> {
    let mut request = Request::post("/status").body(Unread).expect("a valid request");
    for token in tokens {
        let token = HeaderValue::from_bytes(token).expect("a valid header");
        request.headers_mut().append(AUTHORIZATION, token);
    }
    request
}

#[track_caller]
fn with_token(token: &str) -> Request<String> {
    let request = Request::post("/status").header("Authorization", token);
    request.body(STATUS.to_owned()).expect("a valid request")
}

#[track_caller]
fn mistake(builder: ReceiverBuilder) -> String {
    builder.build().expect_err("a mistake").to_string()
}

fn denied() -> Answer {
    Answer::refused(401, DENIED)
}

#[tokio::test]
async fn the_right_token_is_let_in() {
    let calls = Calls::default();
    let receiver = build(builder(&calls));
    assert_eq!(ask(&receiver, post("/status", STATUS.to_owned())).await, Answer::taken());
    assert_eq!(calls.count(), 1);
}

#[tokio::test]
async fn any_other_token_is_refused_before_the_body_is_read() {
    let calls = Calls::default();
    let receiver = build(builder(&calls));
    let (long, longer) = ([b'x'; 1025], [b'x'; 64 * 1024]);
    let refused: &[&[&[u8]]] = &[
        &[],
        &[b""],
        &[b" "],
        &[b"wrong"],
        &[b"my-toke"],
        &[b"my-token2"],
        &[b"my-token "],
        &[b" my-token"],
        &[b"MY-TOKEN"],
        &[b"Bearer my-token"],
        &[b"\"my-token\""],
        &[b"my-token, my-token"],
        &[b"my-t\xf6ken"],
        &[b"\xff\xfe\xfd"],
        &[&long],
        &[&longer],
        &[b"my-token", b"my-token"],
        &[b"my-token", b"wrong"],
        &[b"wrong", b"my-token"],
        &[b"", b"my-token"],
        &[b"my-token", b""],
        &[b"my-token", b"my-token", b"my-token"],
    ];
    for tokens in refused {
        let answer = ask(&receiver, unread(tokens)).await;
        assert_eq!(answer, denied().closing(), "{tokens:?}");
    }
    assert_eq!(calls.count(), 0);
}

#[tokio::test]
async fn a_refusal_without_a_body_keeps_the_connection() {
    let receiver = build(builder(&Calls::default()));
    assert_eq!(ask(&receiver, bare("POST", "/status")).await, denied());
}

#[tokio::test]
async fn white_space_around_a_token_is_not_of_it() {
    let calls = Calls::default();
    let served = Served::start(Server::new(build(builder(&calls)))).await;
    let mut client = served.connect().await;
    for header in [" \t my-token\t ", "my-token"] {
        client
            .send(format!(
                "POST /status HTTP/1.1\r\nHost: test\r\nAuthorization:{header}\r\nContent-Length: {}\r\n\r\n{STATUS}",
                STATUS.len()
            ))
            .await;
        assert_eq!(client.answer().await, Answer::taken());
    }
    client.send("POST /status HTTP/1.1\r\nHost: test\r\nAuthorization: my token\r\n\r\n").await;
    assert_eq!(client.answer().await, denied());
    drop(client);
    served.stop().await;
    assert_eq!(calls.count(), 2);
}

#[tokio::test]
async fn every_live_token_is_let_in() {
    let tokens = [
        Token::new("first").name("old"),
        Token::new("second").name("new"),
        Token::new("second").name("new once more"),
    ];
    let receiver = build(feed(tokens));
    assert_eq!(ask(&receiver, with_token("first")).await, Answer::taken());
    assert_eq!(ask(&receiver, with_token("second")).await, Answer::taken());
    for other in ["old", "new", "third", "firstsecond"] {
        assert_eq!(ask(&receiver, with_token(other)).await, denied().closing(), "{other}");
    }
    assert_eq!(ask(&receiver, unread(&[b"first", b"second"])).await, denied().closing());
}

#[tokio::test]
async fn a_scheme_is_part_of_the_token() {
    let receiver = build(feed(Token::new("Bearer x")));
    assert_eq!(ask(&receiver, with_token("Bearer x")).await, Answer::taken());
    for other in ["x", "bearer x", "Bearer  x", "Bearer", "Bearer xx", "Basic x"] {
        assert_eq!(ask(&receiver, with_token(other)).await, denied().closing(), "{other}");
    }
}

#[tokio::test]
async fn the_longest_token_is_1024_bytes() {
    let longest = "x".repeat(Token::MAX_LENGTH);
    let receiver = build(feed(Token::new(&longest)));
    assert_eq!(ask(&receiver, with_token(&longest)).await, Answer::taken());
    let longer = longest + "x";
    assert_eq!(ask(&receiver, with_token(&longer)).await, denied().closing());
    assert_eq!(
        mistake(feed(Token::new(longer))),
        "path `/status`: token `default`: longer than 1024 bytes"
    );
}

#[test]
fn token_that_java_would_encode_is_a_mistake() {
    let expected = "path `/status`: token `default`: \
                    is not ASCII, and clients differ in how they encode it";
    assert_eq!(mistake(feed(Token::new("schlüssel"))), expected);
}

#[tokio::test]
async fn an_open_route_asks_for_no_token() {
    let receiver = build(feed(Auth::dangerously_open()));
    let request = Request::post("/status").body(STATUS.to_owned()).expect("a valid request");
    assert_eq!(ask(&receiver, request).await, Answer::taken());
    assert_eq!(ask(&receiver, with_token("anything")).await, Answer::taken());
    assert_eq!(
        ask(&receiver, bare("POST", "/status/anything")).await,
        Answer::refused(404, "nothing is served at this path")
    );
}

#[tokio::test]
async fn a_secret_path_is_let_in() {
    let tokens = [Token::new("kT4mZ0qvW8"), Token::new("a-._~Z9")];
    let receiver = build(book("/get-contact", Auth::secret_path(tokens)));
    for path in [
        "/get-contact/kT4mZ0qvW8",
        "/get-contact/a-._~Z9",
        "/get-contact/%6bT4mZ0qvW8",
        "/get-contact/%6BT4mZ0qvW%38",
        "/get%2Dcontact/a%2d%2e%5F%7eZ9",
    ] {
        let answer = ask(&receiver, bare("GET", &format!("{path}?email=a%40b.c"))).await;
        assert_eq!(answer, Answer::text(200, "a@b.c"), "{path}");
    }
}

#[tokio::test]
async fn a_secret_path_that_a_client_has_escaped_is_let_in() {
    let receiver = build(book("/get-contact", Auth::secret_path(Token::new("kT4~mZ0-qv"))));
    let served = Served::start(Server::new(receiver)).await;
    let request = include_str!("../field-cases/secret-path-escaped.http");
    let expected = Answer::text(200, "test@test.com").closing();
    assert_eq!(served.exchange(request).await, [expected]);
    let wrong = request.replace("kT4%7E", "kT4%257E");
    assert_eq!(served.exchange(wrong).await, [denied().closing()]);
    served.stop().await;
}

#[tokio::test]
async fn any_other_path_is_refused() {
    let receiver = build(book("/get-contact", Auth::secret_path(Token::new("kT4mZ0qvW8"))));
    let denied_paths = [
        "/get-contact",
        "/get-contact/",
        "/get-contact/wrong",
        "/get-contact/kT4mZ0qvW",
        "/get-contact/kT4mZ0qvW88",
        "/get-contact/KT4MZ0QVW8",
        "/get-contact/%256bT4mZ0qvW8",
        "/get-contact/%4BT4mZ0qvW8",
        "/get-contact/%2FkT4mZ0qvW8",
        "/get-contact/kT4mZ0qvW8%2f",
        "/get-contact/kT4mZ0qvW8%00",
        "/get-contact/kT4mZ0qvW8%",
        "/get-contact/kT4mZ0qvW%3",
        "/get-contact/%%36%62T4mZ0qvW8",
        "/get-contact/kT4mZ0qvW8;x",
    ];
    for path in denied_paths {
        let answer = ask(&receiver, bare("GET", &format!("{path}?email=a%40b.c"))).await;
        assert_eq!(answer, denied(), "{path}");
    }
    for long in ["x".repeat(10_000), "%78".repeat(10_000)] {
        let long = format!("/get-contact/{long}?email=a");
        assert_eq!(ask(&receiver, bare("GET", &long)).await, denied());
    }
    let unserved = [
        "/get-contact/kT4mZ0qvW8/",
        "/get-contact/kT4mZ0qvW8/more",
        "/get-contact//kT4mZ0qvW8",
        "/get-contact%2FkT4mZ0qvW8",
        "/kT4mZ0qvW8",
        "//get-contact/kT4mZ0qvW8",
        "/",
    ];
    for path in unserved {
        let answer = ask(&receiver, bare("GET", &format!("{path}?email=a%40b.c"))).await;
        assert_eq!(answer, Answer::refused(404, "nothing is served at this path"), "{path}");
    }
}

#[tokio::test]
async fn secret_path_and_header_are_not_interchangeable() {
    let receiver = build(book("/contact", Auth::secret_path(Token::new(TOKEN))));
    let request = Request::get("/contact?email=a").header("Authorization", TOKEN);
    let request = request.body(String::new()).expect("a valid request");
    assert_eq!(ask(&receiver, request).await, denied());

    let receiver = build(feed(Token::new(TOKEN)));
    assert_eq!(
        ask(&receiver, bare("POST", &format!("/status/{TOKEN}"))).await,
        Answer::refused(404, "nothing is served at this path")
    );
}

#[tokio::test]
async fn a_secret_may_be_the_whole_path() {
    let receiver = build(book("/", Auth::secret_path(Token::new("kT4mZ0qvW8"))));
    let answer = ask(&receiver, bare("GET", "/kT4mZ0qvW8?email=a")).await;
    assert_eq!(answer, Answer::text(200, "a"));
    assert_eq!(ask(&receiver, bare("GET", "/wrong?email=a")).await, denied());
}

#[test]
fn the_token_comes_from_the_environment() {
    for (value, tells) in [(Some(TOKEN), "is let in"), (None, "is not set"), (Some(""), "is empty")]
    {
        let mut child = Command::new(std::env::current_exe().expect("this test's own path"));
        child.args(["--exact", "auth::in_an_environment_of_its_own", "--ignored", "--nocapture"]);
        child.env("EXPECTED", tells).env_remove("SNAPENGAGE_TEST_TOKEN");
        if let Some(value) = value {
            child.env("SNAPENGAGE_TEST_TOKEN", value);
        }
        let output = child.output().expect("this test runs itself");
        let printed = String::from_utf8_lossy(&output.stdout);
        assert!(output.status.success(), "{tells}: {printed}");
        assert!(printed.contains("1 passed"), "{printed}");
    }
}

#[tokio::test]
#[ignore = "run by `the_token_comes_from_the_environment`"]
async fn in_an_environment_of_its_own() {
    let feed = feed(Token::from_env("SNAPENGAGE_TEST_TOKEN"));
    match std::env::var("EXPECTED").as_deref() {
        Ok("is let in") => {
            let receiver = build(feed);
            assert_eq!(ask(&receiver, with_token(TOKEN)).await, Answer::taken());
            assert_eq!(ask(&receiver, with_token("wrong")).await, denied().closing());
        }
        Ok("is empty") => {
            let empty = "path `/status`: no token: `SNAPENGAGE_TEST_TOKEN` is empty";
            assert_eq!(mistake(feed), empty);
        }
        _ => {
            let unset = "path `/status`: no token: \
                         the environment variable `SNAPENGAGE_TEST_TOKEN` is not set";
            assert_eq!(mistake(feed), unset);
        }
    }
}

#[test]
fn a_token_nobody_can_send_is_a_mistake() {
    for empty in ["", " \t\r\n"] {
        let expected = "path `/status`: no token: `default` is empty";
        assert_eq!(mistake(feed(Token::new(empty))), expected);
    }
    assert_eq!(
        mistake(feed([Token::new("good"), Token::new("").name("second")])),
        "path `/status`: no token: `second` is empty"
    );
    assert_eq!(
        mistake(feed(Token::new("hunter\x072"))),
        "path `/status`: token `default`: has a control character, which no header can carry"
    );
    assert_eq!(
        mistake(feed(Token::new("\"hunter2\""))),
        "path `/status`: token `default`: is in quotes, expected the token alone"
    );
    assert_eq!(
        mistake(feed(Token::new("hunter2\n"))),
        "path `/status`: token `default`: starts or ends with a line break, expected the token alone"
    );
    assert_eq!(
        mistake(feed(Vec::new())),
        "path `/status`: no token: `Auth::dangerously_open` says so on purpose"
    );
    assert_eq!(
        mistake(book("/contact", Auth::secret_path(Token::new("a/b")))),
        "path `/contact`: token `default`: \
         expected letters, digits and `-._~` in a path, and not dots alone"
    );
    assert_eq!(
        mistake(book("/contact", Auth::secret_path(Auth::dangerously_open()))),
        "path `/contact`: no token: `Auth::dangerously_open` says so on purpose"
    );
}

#[test]
fn a_header_nobody_sends_is_a_mistake() {
    let expected = "path `/contact`: \
                    SnapEngage sends no token in a header here, expected `Auth::secret_path`";
    assert_eq!(mistake(book("/contact", Token::new(TOKEN))), expected);
    assert_eq!(mistake(book("/contact", [Token::new("a"), Token::new("b")])), expected);
    assert!(book("/contact", Auth::secret_path(Token::new(TOKEN))).build().is_ok());
    assert!(book("/contact", Auth::dangerously_open()).build().is_ok());
}

#[test]
fn every_mistake_comes_out_a_line_each() {
    let builder = feed([Token::new(""), Token::new("a\0b").name("new")])
        .agent_status("no-slash", Token::new(TOKEN), agent_status::from_fn(|_| async { Ok(()) }))
        .body_limit(0);
    let expected = [
        "path `/status`: no token: `default` is empty",
        "path `/status`: token `new`: has a control character, which no header can carry",
        "path `no-slash`: expected `/` at the start",
        "`body_limit`: expected more than zero",
    ];
    let error = builder.build().expect_err("mistakes");
    assert_eq!(error.to_string(), expected.join("\n"));
    assert_eq!(format!("{error:?}"), error.to_string());
}

#[test]
fn a_path_that_has_its_secret_is_a_mistake() {
    let secret = || Auth::secret_path([Token::new("kT4mZ0qvW8"), Token::new("hunter2")]);
    for path in ["/get-contact/kT4mZ0qvW8", "/get-contact/hunter2", "/get-contact/%68unter2"] {
        let expected = "path `/get-contact/<secret>`: \
                        expected the path without the secret, which is appended to it";
        assert_eq!(mistake(book(path, secret())), expected);
    }
    let open = || contact::from_fn(|_| async { Ok(None) });
    for path in ["/get-contact/hunter2", "/get-contact/%68unter2"] {
        let expected = "path `/get-contact`: \
                        with its secret appended, it is the path of another API or of `healthz`";
        let both = book("/get-contact", secret());
        assert_eq!(mistake(both.contact(path, Auth::dangerously_open(), open())), expected);
        assert_eq!(mistake(book("/get-contact", secret()).healthz(path)), expected);
    }
    let told = mistake(book("/get-contact", secret()).healthz("/{a}/hunter2"));
    assert_eq!(told, "path `/{a}/<secret>`: `{a}` looks like a pattern, expected a literal path");

    let beneath = book("/", secret()).healthz("/healthz");
    assert!(beneath.contact("/open", Auth::dangerously_open(), open()).build().is_ok());
}

#[test]
fn debug_tells_no_secret() {
    let token = Token::new("hunter2").name("May");
    assert_eq!(format!("{token:?}"), r#"Token { name: "May", secret: <redacted> }"#);

    let auth = Auth::from(token.clone());
    let expected = r#"Auth { place: Header, tokens: [Token { name: "May", secret: <redacted> }] }"#;
    assert_eq!(format!("{auth:?}"), expected);

    let builder = feed(auth);
    assert_eq!(format!("{builder:?}"), format!(r#"{{"/status": {expected}}}"#));

    let receiver = build(builder);
    assert_eq!(format!("{receiver:?}"), r#"{"/status": "agent-status"}"#);

    let secret_path = Auth::secret_path(token.clone());
    let builder = book("/contact", secret_path.clone());
    let server = Server::new(build(book("/contact", secret_path.clone())));
    for printed in [
        format!("{token:#?}"),
        format!("{secret_path:?}"),
        format!("{secret_path:#?}"),
        format!("{builder:#?}"),
        format!("{server:#?}"),
    ] {
        assert!(!printed.contains("hunter"), "{printed}");
        let bytes = format!("{:?}", b"hunter2");
        assert!(!printed.contains(bytes.trim_matches(['[', ']'])), "{printed}");
        assert!(!printed.contains(&u64::from_le_bytes(*b"hunter2\0").to_string()), "{printed}");
    }
}
