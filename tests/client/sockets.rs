//! Calls over connections that break, stall or lie.

use std::net::SocketAddr;
use std::time::Duration;

use snapengage::client::{
    AccountType, Client, ClientBuilder, ClientError, NewUser, Operation, Password, Secret,
};
use tokio::net::TcpSocket;
use tokio::task::JoinSet;
use tokio::time::timeout;

use crate::calls::{Calls, is_change, is_sent_once};
use crate::faulty::{Faulty, Step, write};

/// Attempts of a call that may be sent again.
const ATTEMPTS: u32 = 3;

/// Timeout of an attempt that is never answered: long enough for a busy machine to connect in a
/// third of it.
const SHORT: Duration = Duration::from_millis(600);

/// An answer that every call can read.
const BODY: &str = r#"{"email":"jane@example.com","uuid":"w","caseId":"c","index":1,"messageList":[
    {"index":1,"author":"Jane","message":"Hi"}],"statusCode":1,"data":{"widgetId":"w"},
    "cases":[{"id":"c","widget_id":"w"}]}"#;

fn builder(url: impl Into<String>) -> ClientBuilder {
    let client = Client::builder().base_url(url).proxy_from_env(false).attempts(ATTEMPTS);
    client.backoff(Duration::ZERO..=Duration::ZERO)
}

fn client(server: &Faulty) -> Client {
    builder(server.url()).build().expect("no mistakes")
}

fn user(email: &str) -> NewUser {
    let password = Password::new("correct horse").expect("a password");
    NewUser::new(email, "Jane", AccountType::Enterprise, password)
}

async fn make(call: Operation, client: Client, url: String) -> Result<(), ClientError> {
    Calls { file: url + "/file", ..Calls::of(client) }.make(call).await
}

/// A head and a body of its length.
fn ok() -> String {
    format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{BODY}", BODY.len())
}

/// What is to come of a fault.
struct Expected {
    /// Part of the error's text.
    text: &'static str,
    /// Attempts of a call that may be sent again; one that may not has one.
    attempts: u32,
    may_have_been_done: bool,
}

/// Of an answer that was lost on its way.
const LOST: Expected =
    Expected { text: "the connection broke", attempts: ATTEMPTS, may_have_been_done: true };

/// Makes every call to a server with a fault.
async fn meet(
    name: &str,
    script: &[Step],
    settings: fn(ClientBuilder) -> ClientBuilder,
    expected: &Expected,
) {
    let mut calls = JoinSet::new();
    for call in Operation::ALL {
        let server = Faulty::always(script).await;
        let client = settings(builder(server.url())).build().expect("no mistakes");
        calls.spawn(async move { (call, in_time(make(call, client, server.url())).await, server) });
    }
    while let Some(made) = calls.join_next().await {
        let (call, result, server) = made.expect("no panic");
        let error = result.expect_err(&format!("{call}: {name}"));
        let attempts = if is_sent_once(call) { 1 } else { expected.attempts };
        assert!(error.to_string().contains(expected.text), "{name}: {error:?}");
        assert_eq!(error.attempts(), attempts, "{name}: {error:?}");
        let may_have_been_done = expected.may_have_been_done && is_change(call);
        assert_eq!(error.may_have_been_done(), may_have_been_done, "{name}: {error:?}");
        in_time(server.ended(attempts as usize)).await;
        let is_read = script.iter().any(|step| matches!(step, Step::Read));
        let seen = if is_read { attempts as usize } else { 0 };
        assert_eq!(server.seen().len(), seen, "{name}: {call}");
    }
}

async fn in_time<T>(future: impl Future<Output = T>) -> T {
    timeout(Duration::from_secs(30), future).await.expect("in time")
}

fn patient(client: ClientBuilder) -> ClientBuilder {
    client
}

#[tokio::test]
async fn no_fault_is_one_attempt_of_any_call() {
    for call in Operation::ALL {
        let server = Faulty::always(&[Step::Read, write(ok()), Step::Hold]).await;
        make(call, client(&server), server.url()).await.unwrap_or_else(|error| panic!("{error:?}"));
        assert_eq!(server.seen().len(), 1, "{call}");
    }
}

#[tokio::test]
async fn a_lost_answer_repeats_no_create_or_message() {
    let half = "HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n{\"half\":";
    let chunks = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n{\"hal\r\n";
    let faults: [(&str, &[Step]); 10] = [
        ("reset in the request", &[Step::ReadByte, Step::Reset]),
        ("closed before the head", &[Step::Read]),
        ("reset before the head", &[Step::Read, Step::Reset]),
        ("closed in the head", &[Step::Read, write("HTTP/1.1 200 OK\r\nContent-")]),
        ("reset in the head", &[Step::Read, write("HTTP/1.1 200 OK\r\nContent-"), Step::Reset]),
        ("closed in the body", &[Step::Read, write(half)]),
        ("reset in the body", &[Step::Read, write(half), Step::Reset]),
        ("closed in a chunk", &[Step::Read, write(&chunks[..chunks.len() - 4])]),
        ("closed before the last chunk", &[Step::Read, write(chunks)]),
        ("reset before the last chunk", &[Step::Read, write(chunks), Step::Reset]),
    ];
    for (name, script) in faults {
        meet(name, script, patient, &LOST).await;
    }
}

#[tokio::test]
async fn what_is_not_http_repeats_no_create_or_message() {
    let many = format!("HTTP/1.1 200 OK\r\n{}\r\n{{}}", "X: y\r\n".repeat(101));
    let ok = "HTTP/1.1 200 OK\r\n";
    let chunked = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
    let past = "Content-Length: 99999999999999999999\r\n\r\n";
    let faults: [(&str, &[Step]); 11] = [
        ("another protocol", &[Step::Read, write("SSH-2.0-OpenSSH_9.9\r\n"), Step::Hold]),
        ("a page without a head", &[Step::Read, write("<html>Sorry</html>\r\n\r\n")]),
        ("zeros", &[Step::Read, write("\0\0\0\0\0\0\0\0\r\n\r\n"), Step::Hold]),
        ("HTTP/2", &[Step::Read, write("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"), Step::Hold]),
        ("a head without an end", &[Step::Read, write(ok), Step::Repeat("X: y\r\n")]),
        ("a header without an end", &[Step::Read, write(ok), write("X: "), Step::Repeat("y")]),
        ("a chunk without an end", &[Step::Read, write(chunked), write("1;"), Step::Repeat("x")]),
        (
            "trailers without an end",
            &[Step::Read, write(chunked), write("0\r\n"), Step::Repeat("X: y\r\n")],
        ),
        ("a length past all numbers", &[Step::Read, write(ok), write(past), Step::Hold]),
        ("too many headers", &[Step::Read, write(many), Step::Hold]),
        (
            "two lengths",
            &[
                Step::Read,
                write("HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 9\r\n\r\n{}"),
                Step::Hold,
            ],
        ),
    ];
    for (name, script) in faults {
        meet(name, script, patient, &LOST).await;
    }
}

#[tokio::test]
async fn a_wait_without_end_repeats_no_create_or_message() {
    let settings = |client: ClientBuilder| client.attempt_timeout(SHORT);
    let expected = Expected { text: "no answer within 600ms", ..LOST };
    let head = "HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n";
    let chunked = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
    let faults: [(&str, &[Step]); 6] = [
        ("silence", &[Step::Read, Step::Hold]),
        ("half a body", &[Step::Read, write(head), write("{\"half\":"), Step::Hold]),
        ("a slow head", &[Step::Read, Step::Drip(head, SHORT / 5), Step::Hold]),
        (
            "a slow body",
            &[Step::Read, write(head), Step::Drip("{\"a\": \"slow body\"}", SHORT / 5), Step::Hold],
        ),
        ("a chunk of zeros", &[Step::Read, write(chunked), Step::Repeat("0")]),
        ("interim answers for ever", &[Step::Read, Step::Repeat("HTTP/1.1 100 Continue\r\n\r\n")]),
    ];
    for (name, script) in faults {
        meet(name, script, settings, &expected).await;
    }
}

#[tokio::test]
async fn a_body_past_the_limit_is_read_once() {
    let settings = |client: ClientBuilder| client.body_limit(10_000);
    let expected =
        Expected { text: "more than 10000 bytes", attempts: 1, may_have_been_done: true };
    let ends = [
        ("with its length", "HTTP/1.1 200 OK\r\nContent-Length: 99999999999\r\n\r\n", "{      }"),
        ("in chunks", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", "4\r\n    \r\n"),
        ("until the end", "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n", "        "),
    ];
    for (name, head, piece) in ends {
        meet(name, &[Step::Read, write(head), Step::Repeat(piece)], settings, &expected).await;
    }
}

#[tokio::test]
async fn a_switch_of_protocols_is_no_answer() {
    let switch = "HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n";
    let expected = Expected { text: "101", attempts: 1, may_have_been_done: false };
    meet("an upgrade", &[Step::Read, write(switch), Step::Hold], patient, &expected).await;
}

#[tokio::test]
async fn a_refusal_counts_without_its_text() {
    let settings = |client: ClientBuilder| client.attempt_timeout(SHORT * 5);
    for (status, attempts, may_have_been_done) in [
        ("401 Unauthorized", 1, false),
        ("400 Bad Request", 1, false),
        ("500 Oops", ATTEMPTS, true),
    ] {
        let half = format!("HTTP/1.1 {status}\r\nContent-Length: 1000\r\n\r\n{{\"half\":");
        let expected = Expected { text: &status[..3], attempts, may_have_been_done };
        for end in [&[Step::Hold] as &[_], &[Step::Reset], &[]] {
            let script = [&[Step::Read, write(half.clone())], end].concat();
            meet(status, &script, settings, &expected).await;
        }
    }
}

#[tokio::test]
async fn interim_answers_are_passed_over() {
    let interim = "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n";
    for call in Operation::ALL {
        let server = Faulty::always(&[Step::Read, write(interim), write(ok()), Step::Hold]).await;
        make(call, client(&server), server.url()).await.unwrap_or_else(|error| panic!("{error:?}"));
        assert_eq!(server.seen().len(), 1, "{call}");
    }
}

#[tokio::test]
async fn a_slow_answer_is_waited_for() {
    let drip =
        Step::Drip("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}", Duration::from_millis(1));
    let server = Faulty::always(&[Step::Read, drip, Step::Hold]).await;
    client(&server)
        .provisioning(Secret::new("key"))
        .create_user(user("a@b.c"))
        .await
        .expect("made");
    assert_eq!(server.seen().len(), 1);
}

#[tokio::test]
async fn the_deadline_of_a_call_ends_its_attempts() {
    let server = Faulty::always(&[Step::Read, Step::Hold]).await;
    let settings = builder(server.url()).attempts(u32::MAX).attempt_timeout(SHORT);
    let client = settings.call_deadline(SHORT * 3).build().expect("no mistakes");
    let error = in_time(client.availability("w")).await.expect_err("no answer");
    assert!(error.is_timeout(), "{error:?}");
    assert!((1..=4).contains(&error.attempts()), "{error:?}");
}

#[tokio::test]
async fn an_answer_before_the_request_is_whole_counts() {
    let answer = "HTTP/1.1 503 Service Unavailable\r\nContent-Length: 4\r\n\r\nBusy";
    let server = Faulty::always(&[Step::ReadHead, write(answer), Step::Hold]).await;
    let admin = client(&server).provisioning(Secret::new("key"));
    let mut long = user("jane@example.com");
    long.name = "J".repeat(8 * 1024 * 1024);
    let error = in_time(admin.create_user(long)).await.expect_err("a refusal");
    assert_eq!(error.status().map(|status| status.as_u16()), Some(503), "{error:?}");
    assert_eq!((error.attempts(), error.may_have_been_done()), (1, true), "{error:?}");
    assert_eq!(server.seen().len(), 1);
}

#[tokio::test]
async fn a_host_where_nobody_listens_was_sent_nothing() {
    let socket = bound();
    let url = format!("http://{}", socket.local_addr().expect("an address"));
    for call in Operation::ALL {
        let client = builder(&url).build().expect("no mistakes");
        let error = in_time(make(call, client, url.clone())).await.expect_err("nobody");
        assert!(error.is_connect() && !error.may_have_been_done(), "{error:?}");
        assert_eq!(error.attempts(), ATTEMPTS, "{error:?}");
    }
}

/// A socket that is bound: nobody else has its port, and whoever connects to it is refused.
fn bound() -> TcpSocket {
    let socket = TcpSocket::new_v4().expect("a socket");
    socket.bind(SocketAddr::from(([127, 0, 0, 1], 0))).expect("a free port");
    socket
}

#[tokio::test]
async fn a_create_is_sent_once_a_host_listens() {
    for call in Operation::ALL {
        let socket = bound();
        let url = format!("http://{}", socket.local_addr().expect("an address"));
        let settings = builder(&url).attempts(u32::MAX).backoff(SHORT / 10..=SHORT / 10);
        let client = settings.build().expect("no mistakes");
        let listening = async {
            // Behind the first attempt, which was refused.
            tokio::task::yield_now().await;
            let listener = socket.listen(8).expect("a listener");
            Faulty::serve(listener, vec![vec![Step::Read, write(ok()), Step::Hold]])
        };
        let (made, server) =
            in_time(async { tokio::join!(make(call, client, url), listening) }).await;
        made.unwrap_or_else(|error| panic!("{error:?}"));
        assert_eq!(server.seen().len(), 1, "{call}");
    }
}

/// A server that does not read a request may have been sent it all the same.
#[tokio::test]
async fn a_connection_closed_at_once_is_never_called_done() {
    let banner = "HTTP/1.1 408 Request Timeout\r\nConnection: close\r\nContent-Length: 0\r\n\r\n";
    let faults: [(&str, &[Step]); 3] =
        [("closed", &[]), ("reset", &[Step::Reset]), ("spoken to first", &[write(banner)])];
    for (name, script) in faults {
        for call in Operation::ALL {
            let server = Faulty::always(script).await;
            let error = in_time(make(call, client(&server), server.url())).await.expect_err(name);
            let expected =
                if is_sent_once(call) && error.may_have_been_done() { 1 } else { ATTEMPTS };
            // The refusal may be read as the answer.
            let is_answer = error.status().is_some();
            assert!(is_answer || error.attempts() == expected, "{name}: {error:?}");
        }
    }
}

#[tokio::test]
async fn a_connection_closed_while_unused_costs_no_call() {
    let late = "HTTP/1.1 408 Request Timeout\r\nConnection: close\r\nContent-Length: 0\r\n\r\n";
    let ends: [(&str, &[Step]); 4] = [
        ("closed", &[]),
        ("reset", &[Step::Reset]),
        ("told of", &[write(late)]),
        ("with an answer to nothing", &[write(ok())]),
    ];
    for (name, end) in ends {
        for call in Operation::ALL {
            let first = [&[Step::Read, write(ok())], end].concat();
            let server =
                Faulty::start(vec![first, vec![Step::Read, write(ok()), Step::Hold]]).await;
            let client = client(&server);
            make(Operation::Availability, client.clone(), server.url()).await.expect("an answer");
            in_time(server.ended(1)).await;
            let made = in_time(make(call, client, server.url())).await;
            made.unwrap_or_else(|error| panic!("{name}: {error:?}"));
            assert_eq!(server.seen().len(), 2, "{name}: {call}");
        }
    }
}

#[tokio::test]
async fn a_connection_closed_at_a_request_repeats_no_create_or_message() {
    let ends: [(&str, &[Step], usize); 4] = [
        ("closed", &[Step::Read], 1),
        ("reset", &[Step::Read, Step::Reset], 1),
        ("reset in the head", &[Step::ReadByte, Step::Reset], 0),
        ("closed in the answer", &[Step::Read, write("HTTP/1.1 2")], 1),
    ];
    for (name, end, seen) in ends {
        for call in Operation::ALL {
            let first = [&[Step::Read, write(ok())], end].concat();
            let server =
                Faulty::start(vec![first, vec![Step::Read, write(ok()), Step::Hold]]).await;
            let client = client(&server);
            make(Operation::Availability, client.clone(), server.url()).await.expect("an answer");
            let made = in_time(make(call, client, server.url())).await;
            in_time(server.ended(1)).await;
            match made {
                Ok(()) => {
                    assert!(!is_sent_once(call), "{name}: {call}");
                    assert_eq!(server.seen().len(), 2 + seen, "{name}: {call}");
                }
                Err(error) => {
                    assert!(is_sent_once(call) && error.may_have_been_done(), "{error:?}");
                    assert_eq!(error.attempts(), 1, "{error:?}");
                    assert_eq!(server.seen().len(), 1 + seen, "{name}: {call}");
                }
            }
        }
    }
}

#[tokio::test]
async fn creates_on_connections_that_close_are_sent_once_each() {
    const USERS: usize = 200;
    // Closed without a wait: before, while and after the next request is written.
    let server = Faulty::always(&[Step::Read, write(ok())]).await;
    let admin = client(&server).provisioning(Secret::new("key"));
    let mut made = 0;
    for number in 0..USERS {
        match in_time(admin.create_user(user(&format!("user{number}@example.com")))).await {
            Ok(_) => made += 1,
            Err(error) => assert!(error.may_have_been_done(), "{error:?}"),
        }
    }
    let seen = server.seen();
    for number in 0..USERS {
        let email = format!("\"user{number}@example.com\"");
        let times = seen.iter().filter(|request| request.contains(&email)).count();
        assert!(times <= 1, "{email} {times} times");
    }
    assert!(made <= seen.len() && made >= USERS / 2, "{made} of {USERS} made");
}
