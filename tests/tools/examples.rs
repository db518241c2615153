//! Runs the examples as their users do: starts each as its header says, and sends what the header
//! sends.

#[cfg(feature = "identity")]
mod login_page;
#[cfg(feature = "cli")]
mod replayed;
#[cfg(all(feature = "inbox", feature = "metrics", feature = "sqlite"))]
mod scraped;
#[cfg(all(feature = "client-tls", feature = "inbox", feature = "segment", feature = "sqlite"))]
mod segment_events;
#[cfg(feature = "simulator")]
mod simulated;

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::mpsc::{self, Receiver};
use std::time::Duration;

use serde_json::{Value, json};
#[cfg(feature = "simulator")]
use snapengage::{
    Timestamp, agent_status::Status, client::Operation, integration::SupportRequest,
    simulator::Simulator,
};
#[cfg(feature = "client")]
use tokio::net::TcpListener;
use tokio_rustls::rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};

#[test]
fn hello_bot_says_back_what_it_is_told() {
    let bot = Example::start("hello_bot");
    let [hi] = bot.answers_to_header();
    assert_eq!(hi.content(), json!([message("You said: Hi")]));
    assert_eq!(bot.reply_to("human"), json!([message("One moment"), command("HUMAN_TRANSFER")]));
    assert_eq!(bot.send(&Curl::post("/bot", "wrong-token", "{}")).status, 401);
    bot.stop();
}

#[test]
fn faq_bot_offers_a_menu_and_stays_when_nobody_comes() {
    let bot = Example::start("faq_bot");
    let menu = |question: &str| {
        json!([{"type": "message", "text": question, "display_responses": [
            {"text": "Our plans", "id": "plans"},
            {"text": "My invoice", "id": "invoice"},
            {"text": "Talk to a human", "id": "human"},
        ]}])
    };
    let cards = json!({"type": "cards", "layout": "HORIZONTAL", "cards": [
        {"title": "Solo", "excerpt": "One seat", "link": "https://example.com/plans/solo"},
        {"title": "Team", "excerpt": "Ten seats", "link": "https://example.com/plans/team"},
    ]});

    let [greeting, plans, invoice, nobody] = bot.answers_to_header().map(|answer| answer.content());
    assert_eq!(greeting, menu("Hello! What is it about?"));
    assert_eq!(
        plans,
        json!([
            message("There are two:"),
            command_with("CARDS", cards),
            command_with("LABEL", r#"[{"topic": ["plans"]}]"#),
        ])
    );
    assert_eq!(
        invoice,
        json!([
            message("I ask our accountant to join us."),
            command_with("LABEL", r#"[{"topic": ["invoice"]}]"#),
            command_with("TRANSFER", "accountant@example.com"),
        ])
    );
    assert_eq!(nobody, menu("Nobody is in right now. Write to help@example.com, or choose:"));
    assert_eq!(bot.reply_to("plans"), menu("I only know about these:"));
    bot.stop();
}

#[test]
fn contact_lookup_tells_what_a_visitor_asked_before() {
    let book = Example::start("contact_lookup");
    let [noted, found] = book.answers_to_header();
    assert_eq!(noted, Answer::ok(""));
    assert_eq!(found, Answer::ok("Asked before:\nWhere is my parcel?"));

    let again = r#"{"id":"case-1","requested_by":"test@test.com","description":"Where is it?"}"#;
    assert_eq!(book.send(&Curl::post("/integration", "my-token", again)), Answer::ok(""));
    let found = book.send(&Curl::get("/get-contact/kT4mZ0qvW8?email=test%40test.com"));
    assert_eq!(found, Answer::ok("Asked before:\nWhere is it?"));

    let stranger = book.send(&Curl::get("/get-contact/kT4mZ0qvW8?email=other%40test.com"));
    assert_eq!(stranger, Answer::ok(""));
    assert_eq!(book.send(&Curl::get("/get-contact/wrong?email=test%40test.com")).status, 401);
    book.stop();
}

#[test]
fn contact_lookup_does_not_take_all_unknown_visitors_for_one() {
    let book = Example::start("contact_lookup");
    for email in ["unknown@example.com", "unknown"] {
        let request = json!({"id": "c", "requested_by": email, "description": "A secret"});
        let noted = book.send(&Curl::post("/integration", "my-token", &request.to_string()));
        assert_eq!(noted, Answer::ok(""));
        let found = book.send(&Curl::get(&format!("/get-contact/kT4mZ0qvW8?email={email}")));
        assert_eq!(found, Answer::ok(""));
    }
    book.stop();
}

#[test]
fn support_requests_prints_json_and_xml_for_people() {
    let printer = Example::start("support_requests");
    assert_eq!(printer.answers_to_header(), [Answer::ok(""), Answer::ok("")]);
    let escape = r#"{"id":"x","type":"offline","description":"\u001b[2J\nforged: line"}"#;
    assert_eq!(printer.send(&Curl::post("/integration", "my-token", escape)), Answer::ok(""));
    assert_eq!(
        printer.stop().stdout,
        [
            "chat 8b7c3b3b-f5d7-4e58-96d8 from test@test.com",
            "  on 2014-10-03T20:14:31.268Z",
            "  about: Testing the Integration API...",
            "  visitor: Hola, ",
            "  test: Good day",
            "  visitor: Esto es una prueba.",
            "  note = this is a note entered by the agent",
            "  customerTemp = Very Happy",
            "request 8b7c3b3b-f5d7-4e58-96d8 from test@test.com",
            "  on 2010-10-18T01:48:18.623Z",
            "  about: Testing the Integration API...",
            "  test: Hello, ",
            "  visitor: Hi,",
            "  visitor: This is a test.",
            "  test: ok. thank's for testing. ",
            "  note = this is a note entered by the agent",
            "offline x from unknown",
            "  about:  [2J forged: line",
        ]
    );
}

#[test]
fn embed_in_axum_serves_both_its_own_page_and_snapengage() {
    let service = Example::start("embed_in_axum");
    let [page, reply, status, health] = service.answers_to_header();
    assert_eq!(page, Answer::ok("A page of our own\n"));
    assert_eq!(reply.content(), json!([message("Hi")]));
    assert_eq!(status, Answer::ok(""));
    assert_eq!(health, Answer::ok("ok"));
    assert_eq!(service.send(&Curl::post("/snapengage/bot", "wrong-token", "{}")).status, 401);
    assert_eq!(service.send(&Curl::post("/bot", "my-token", "{}")).status, 404);
    let logged = service.stop().stderr;
    assert!(logged.contains(&"agent@example.com is pause".to_owned()), "{logged:?}");
}

#[test]
fn receiver_takes_the_samples_of_its_header() {
    let receiver = Example::start("receiver");
    let [integration, bot, conversation, status, contact, health] = receiver.answers_to_header();
    assert_eq!(integration, Answer::ok(""));
    assert_eq!(bot.content(), json!([message("Greetings!")]));
    assert_eq!(conversation, Answer::ok(""));
    assert_eq!(status, Answer::ok(""));
    assert_eq!(contact, Answer::ok("Jim Tester, customer since 2014"));
    assert_eq!(health, Answer::ok("ok"));

    let events: Vec<Value> = receiver.stop().stdout.iter().map(|line| parsed(line)).collect();
    let [integration, bot, conversation, status, contact] =
        <[Value; 5]>::try_from(events).expect("five events");
    assert_eq!(integration["api"], "integration");
    let chat = &integration["event"];
    assert_eq!(chat["id"], "8b7c3b3b-f5d7-4e58-96d8");
    assert_eq!(chat["languages"][0], json!({"name": "English", "code": "en-US"}));
    assert_eq!(chat["created_at_seconds"], 1_287_366_498);
    assert_eq!(chat["created_at_milliseconds"], 623);
    assert_eq!(chat["transcripts"][0]["date_seconds"], 1_287_366_507);
    let sample = |path: &str| parsed(&read(&format!("sample-payloads/{path}")));
    assert_eq!(bot, json!({"api": "bot", "event": sample("bot/chat-started.json")}));
    let labeled = sample("conversation-events/case-labeled.json");
    assert_eq!(conversation, json!({"api": "conversation-events", "event": labeled}));
    let pause = sample("agent-status/pause.json");
    assert_eq!(status, json!({"api": "agent-status", "event": pause}));
    assert_eq!(contact, json!({"api": "get-contact", "event": {"email": "test@test.com"}}));
}

#[test]
fn receiver_prints_a_random_token_and_requests_that_work() {
    let receiver = Example::start_with(example("receiver").args(["--listen", ANY_PORT]));
    let (token, rest) = receiver.greeting.split_first().expect("a line before the address");
    let token = token.strip_prefix("SNAPENGAGE_TOKEN is not set, the token is ");
    let token = token.expect("the token");
    assert!(token.len() == 32 && rest.is_empty(), "{:?}", receiver.greeting);

    assert_eq!(receiver.stderr.next(), "try:");
    let curls: [String; 5] = std::array::from_fn(|_| receiver.stderr.next());
    assert!(curls[1].contains(token), "{curls:?}");
    let answers = curls.map(|curl| receiver.send(&Curl::parse(&words(&curl))));
    let [integration, bot, conversation, status, contact] = answers;
    for feed in [integration, conversation, status] {
        assert_eq!(feed, Answer::ok(""));
    }
    assert_eq!(bot.content()[0]["operation"], "CARDS");
    assert_eq!(contact, Answer::ok("Jim Tester, customer since 2014"));
    assert_eq!(
        receiver.stop().stdout,
        [
            r#"{"api":"integration","event":{"id":"c","type":"chat","requested_by":"test@test.com"}}"#,
            r#"{"api":"bot","event":{"widget_id":"w","case_id":"c","event":"message","text":"cards"}}"#,
            r#"{"api":"conversation-events","event":{"event":"caseClosed","widget_id":"w","case_id":"c"}}"#,
            r#"{"api":"agent-status","event":{"agent_id":"wc:agent@example.com","status":"pause"}}"#,
            r#"{"api":"get-contact","event":{"email":"test@test.com"}}"#,
        ]
    );
}

#[test]
fn receiver_makes_a_token_where_the_given_one_is_empty() {
    let mut command = example("receiver");
    command.args(["--listen", ANY_PORT]).env("SNAPENGAGE_TOKEN", "");
    let receiver = Example::start_with(&mut command);
    assert!(receiver.greeting[0].starts_with("SNAPENGAGE_TOKEN is not set, the token is "));
    assert_eq!(receiver.send(&Curl::post("/agent-status", "", "{}")).status, 401);
    receiver.stop();
}

#[test]
fn receiver_quotes_any_token_for_the_shell() {
    let mut command = example("receiver");
    command.args(["--listen", ANY_PORT]).env("SNAPENGAGE_TOKEN", "Bearer it's");
    let receiver = Example::start_with(&mut command);
    assert_eq!(receiver.stderr.next(), "try:");
    let curl = receiver.stderr.next();
    assert!(curl.contains(r"-H 'Authorization: Bearer it'\''s' "), "{curl}");
    let status = r#"{"agent_id":"a","status":"online"}"#;
    assert_eq!(receiver.send(&Curl::post("/agent-status", "Bearer it's", status)), Answer::ok(""));
    receiver.stop();
}

#[test]
fn receivers_bot_does_what_it_is_told() {
    let receiver = Example::start("receiver");
    let cards = json!({"type": "cards", "layout": "VERTICAL", "cards": [
        {"title": "Cats", "excerpt": "They need you less", "link": "https://example.com/cats"},
        {"title": "Dogs", "excerpt": "They need you more", "link": "https://example.com/dogs"},
    ]});
    for (text, expected) in [
        ("goto https://example.com/pricing", command_with("GOTO", "https://example.com/pricing")),
        ("human", command("HUMAN_TRANSFER")),
        ("transfer agent@example.com", command_with("TRANSFER", "agent@example.com")),
        ("widget w-2", command_with("WIDGET_TRANSFER", "w-2")),
        ("widget-human w-2", command_with("WIDGET_HUMAN_TRANSFER", "w-2")),
        ("tags w-2 VIP", command_with("TAG_TRANSFER", r#"w-2 ["VIP"]"#)),
        ("tags w-2 T1 T2", command_with("TAG_TRANSFER", r#"w-2 ["T1", "T2"]"#)),
        ("label topic new", command_with("LABEL", r#"[{"topic": ["new"]}]"#)),
        ("label topic a b", command_with("LABEL", r#"[{"topic": ["a","b"]}]"#)),
        ("cards", command_with("CARDS", cards)),
        ("bye", command("BYE")),
        ("ban", command("BAN")),
        ("ban-ip", command("BAN_IP")),
        ("fail", command("HUMAN_TRANSFER")),
        ("panic", command("HUMAN_TRANSFER")),
        ("Hello,  World", message("Hello,  World")),
    ] {
        assert_eq!(receiver.reply_to(text), json!([expected]), "{text}");
    }
    for unfinished in ["goto", "transfer", "widget", "widget-human", "tags w", "label l", ""] {
        assert_eq!(receiver.reply_to(unfinished), json!([message(unfinished)]));
    }
    receiver.stop();
}

#[test]
fn hub_suggests_an_answer_to_the_agent() {
    let hub = Example::start("hub");
    let [page] = hub.answers_to_header();
    assert_eq!(page.status, 200);
    let allowed = "https://www.snapengage.com https://snapengage.com http://127.0.0.1:7070";
    assert!(page.body.contains(allowed), "{}", page.body);

    let mut stream = TcpStream::connect(&hub.address).expect("a connection");
    stream.set_read_timeout(Some(PATIENCE)).expect("a timeout");
    let asked = "GET /hub/kT4mZ0qvW8?stream= HTTP/1.1\r\nHost: localhost\r\n\r\n";
    stream.write_all(asked.as_bytes()).expect("sent");
    let mut lines = BufReader::new(stream).lines().map(|line| line.expect("a stream"));
    let mut data = || lines.find_map(|line| Some(line.strip_prefix("data: ")?.to_owned()));
    let session = data().expect("a session");

    let event = r#"{"type":"email_captured","conversationId":"c","agentEmail":"jane@example.com","data":{"phone":"ann@example.com"}}"#;
    let path = format!("/hub/kT4mZ0qvW8?session={session}&n=1");
    let mut post = Curl::post(&path, "", event);
    assert_eq!(hub.send(&post).status, 403);
    post.headers.push(("Origin".to_owned(), hub.url("")));
    assert_eq!(hub.send(&post), Answer::ok(""));
    let mut actions = [data(), data()].map(|action| parsed(&action.expect("an action")));
    actions.sort_by_key(|action| action["type"].to_string());
    let jane = "jane@example.com";
    let action = |name: &str, data: Value| json!({"type": name, "conversationId": "c", "agent": jane, "data": data});
    let label = json!({"labelName": "topic", "freeForm": true, "value": "order"});
    let suggestion = json!({"message": "Hello! Your order is on its way."});
    assert_eq!(actions, [action("label_added", label), action("populate_text", suggestion)]);
    hub.stop();
}

/// The request in the header of an example.
#[track_caller]
fn curl_of(name: &str) -> Curl {
    let header = header(name);
    let [_, curl] = &*header else { panic!("expected one request: {header:?}") };
    Curl::parse(curl)
}

#[test]
fn tls_answers_while_another_client_is_silent() {
    let folder = tempfile::tempdir().expect("a folder");
    let (certificate, key) = (folder.path().join("cert.pem"), folder.path().join("key.pem"));
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).expect("made");
    fs::write(&certificate, made.cert.pem()).expect("written");
    fs::write(&key, made.signing_key.serialize_pem()).expect("written");
    let mut command = example("tls");
    command.args([&certificate, &key]).arg(ANY_PORT).env("SNAPENGAGE_TOKEN", "my-token");
    let bot = Example::start_with(&mut command);

    let connect = || {
        let stream = TcpStream::connect(&bot.address).expect("a connection");
        stream.set_read_timeout(Some(PATIENCE)).expect("a timeout");
        stream
    };
    let silent = connect();
    let mut roots = RootCertStore::empty();
    roots.add(made.cert.der().clone()).expect("a certificate");
    let config = ClientConfig::builder().with_root_certificates(roots).with_no_client_auth();
    let name = "localhost".try_into().expect("a name");
    let client = ClientConnection::new(Arc::new(config), name).expect("a client");
    let answer = curl_of("tls").send_over(StreamOwned::new(client, connect()));
    assert_eq!(answer.content(), json!([message("Hi")]));

    let mut plain = connect();
    plain.write_all(b"GET /bot HTTP/1.1\r\nHost: localhost\r\n\r\n").expect("sent");
    let mut rest = Vec::new();
    plain.read_to_end(&mut rest).expect("closed");
    assert!(!rest.starts_with(b"HTTP"), "{rest:?}");
    drop(silent);
    bot.stop();
}

#[cfg(unix)]
#[test]
fn unix_socket_takes_the_place_of_a_file_that_was_left() {
    use std::os::unix::fs::PermissionsExt;
    use std::os::unix::net::{UnixListener, UnixStream};

    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("bot.sock");
    drop(UnixListener::bind(&path).expect("a socket file"));
    for _ in 0..2 {
        let bot = Example::start_with(&mut unix_socket(&path));
        let mode = fs::metadata(&path).expect("a file").permissions().mode();
        assert_eq!(mode & 0o777, 0o660);
        let connection = UnixStream::connect(&path).expect("a connection");
        let answer = curl_of("unix_socket").send_over(connection);
        assert_eq!(answer.content(), json!([message("Hi")]));
        bot.stop();
    }
}

#[cfg(unix)]
#[test]
fn unix_socket_does_not_take_the_place_of_another_process() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("bot.sock");
    let bot = Example::start_with(&mut unix_socket(&path));
    let second = unix_socket(&path).output().expect("it runs");
    assert_eq!(second.status.code(), Some(1));
    let problem = String::from_utf8_lossy(&second.stderr);
    let expected = format!("Error: cannot listen on {}", path.display());
    assert_eq!(problem.lines().next(), Some(&*expected));
    bot.stop();

    fs::remove_file(&path).expect("removed");
    fs::write(&path, "a file of somebody's").expect("written");
    let on_a_file = unix_socket(&path).output().expect("it runs");
    assert_eq!(on_a_file.status.code(), Some(1));
    assert_eq!(fs::read_to_string(&path).expect("there still"), "a file of somebody's");
}

#[cfg(unix)]
fn unix_socket(path: &Path) -> Command {
    let mut command = example("unix_socket");
    command.arg(path).env("SNAPENGAGE_TOKEN", "my-token");
    command
}

#[cfg(unix)]
#[test]
fn a_turn_that_has_begun_at_sigterm_is_answered() {
    let receiver = Example::start("receiver");
    let turn = Curl::post("/bot", "my-token", &bot_message("wait 1"));
    let address = receiver.address.clone();
    let visitor = std::thread::spawn(move || turn.send(&address));
    assert!(receiver.stdout.next().contains("wait 1"));
    receiver.stop();
    assert_eq!(visitor.join().expect("an answer").content(), json!([message("wait 1")]));
}

#[cfg(unix)]
#[test]
fn a_message_that_is_being_sent_at_sigterm_is_answered() {
    for name in ["hello_bot", "faq_bot", "receiver"] {
        let bot = Example::start(name);
        let mut visitor = TcpStream::connect(&bot.address).expect("a connection");
        visitor.set_read_timeout(Some(PATIENCE)).expect("a timeout");
        let body = bot_message("human");
        let head = format!("Host: a\r\nAuthorization: my-token\r\nContent-Length: {}", body.len());
        let request = format!("POST /bot HTTP/1.1\r\n{head}\r\n\r\n{body}");
        visitor.write_all(request.as_bytes()).expect("sent");
        let mut answer = [0; 4096];
        assert!(visitor.read(&mut answer).expect("an answer") > 0, "{name} has accepted");

        let (first, second) = request.split_at(request.len() - 10);
        visitor.write_all(first.as_bytes()).expect("sent");
        bot.terminate();
        while TcpStream::connect(&bot.address).is_ok() {
            std::thread::yield_now();
        }
        visitor.write_all(second.as_bytes()).expect("sent");
        let mut answer = String::new();
        visitor.read_to_string(&mut answer).expect("an answer");
        assert!(
            answer.starts_with("HTTP/1.1 200 OK") && answer.contains(r#""content":[{"#),
            "{answer}"
        );
        bot.stop();
    }
}

#[cfg(unix)]
#[test]
fn a_balancer_is_told_before_the_port_is_closed() {
    let mut command = example("receiver");
    command.args(["--drain-delay", "3600", "--quiet", "--listen", ANY_PORT]);
    let receiver = Example::start_with(command.env("SNAPENGAGE_TOKEN", "my-token"));
    let health = || receiver.send(&Curl::get("/healthz"));
    assert_eq!(health(), Answer::ok("ok"));
    receiver.terminate();
    let mut told = health();
    while told == Answer::ok("ok") {
        told = health();
    }
    assert_eq!(told, Answer { status: 503, body: "draining".to_owned() });
    assert_eq!(receiver.reply_to("Hi"), json!([message("Hi")]));
}

#[test]
fn receiver_prints_every_event_of_a_chat() {
    let receiver = Example::start("receiver");
    let greeting = json!([{
        "type": "message",
        "text": "Hello! Choose, or type something.",
        "display_responses": [{"text": "cards"}, {"text": "human"}],
    }]);
    for (event, reply) in [
        (r#"{"widget_id":"w","case_id":"c","event":"chatStarted"}"#, greeting),
        (
            r#"{"widget_id":"w","case_id":"c","event":"message","from":"system","text":"human"}"#,
            json!([]),
        ),
        (
            r#"{"widget_id":"w","case_id":"c","event":"commandResult","failedCommands":[{"operation":"TRANSFER"}]}"#,
            json!([message("That did not work, and I am still here.")]),
        ),
        (r#"{"widget_id":"w","case_id":"c","event":"chatClosed"}"#, json!([])),
        (r#"{"event":"chatPaused","widget_id":"w","case_id":"c","why":"lunch"}"#, json!([])),
    ] {
        assert_eq!(receiver.send(&Curl::post("/bot", "my-token", event)).content(), reply);
        assert_eq!(receiver.stdout.next(), format!(r#"{{"api":"bot","event":{event}}}"#));
    }
    receiver.stop();
}

#[test]
fn quiet_receiver_prints_no_events() {
    let mut command = example("receiver");
    command.args(["--quiet", "--listen", ANY_PORT]).env("SNAPENGAGE_TOKEN", "my-token");
    let receiver = Example::start_with(&mut command);
    assert_eq!(receiver.reply_to("Hi"), json!([message("Hi")]));
    assert_eq!(receiver.send(&Curl::get("/get-contact?email=a%40b.c")), Answer::ok(""));
    assert_eq!(receiver.stop().stdout, Vec::<String>::new());
}

#[test]
fn receiver_goes_on_when_nobody_reads_its_events() {
    let (reader, writer) = std::io::pipe().expect("a pipe");
    drop(reader);
    let mut command = example("receiver");
    command.args(["--listen", ANY_PORT]).env("SNAPENGAGE_TOKEN", "my-token").stdout(writer);
    let receiver = Example::start_with(&mut command);
    assert_eq!(receiver.reply_to("Hi"), json!([message("Hi")]));
    assert_eq!(receiver.reply_to("Hi"), json!([message("Hi")]));
    let logged = receiver.stop().stderr;
    assert!(logged.iter().any(|line| line.contains("an event could not be printed")), "{logged:?}");
}

#[test]
fn receiver_goes_on_when_nobody_reads_its_log() {
    let mut command = example("receiver");
    command.args(["--quiet", "--listen", ANY_PORT]).env("SNAPENGAGE_TOKEN", "my-token");
    let mut child = command.env("RUST_LOG", "debug").spawn().expect("receiver runs");
    let mut stderr = BufReader::new(child.stderr.take().expect("a pipe"));
    let mut address = String::new();
    while !address.starts_with("listening on ") {
        address.clear();
        stderr.read_line(&mut address).expect("a line");
    }
    drop(stderr);
    let address = address.trim_start_matches("listening on http://").trim();
    for request in [
        Curl::post("/bot", "my-token", &bot_message("Hi")),
        Curl::post("/bot", "my-token", &bot_message("fail")),
        Curl::post("/integration", "my-token", r#"{"id":"c","latitude":"odd"}"#),
        Curl::get("/healthz"),
    ] {
        assert_eq!(request.send(address).status, 200, "{}", request.path);
    }
    assert_eq!(Curl::post("/bot", "wrong-token", "").send(address).status, 401);
    child.kill().expect("it runs");
    child.wait().expect("an exit status");
}

/// SnapEngage's APIs on a socket, for as long as the test runs.
#[cfg(feature = "simulator")]
fn serve(simulator: &Simulator) -> String {
    let simulator = simulator.clone();
    serve_by(async move |listener| simulator.serve(listener, std::future::pending()).await)
}

/// A server on a thread of its own, for as long as the test runs. Returns its address.
#[cfg(feature = "client")]
fn serve_by<F: Future>(serve: impl FnOnce(TcpListener) -> F + Send + 'static) -> String {
    let (told, address) = mpsc::channel();
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        runtime.expect("a runtime").block_on(async {
            let listener = TcpListener::bind(ANY_PORT).await.expect("a free port");
            let address = listener.local_addr().expect("an address");
            told.send(format!("http://{address}")).expect("the test waits");
            serve(listener).await
        });
    });
    address.recv().expect("an address")
}

#[cfg(feature = "simulator")]
#[test]
fn agent_break_sends_a_colleague_in_and_hears_no_echo() {
    let simulator = Simulator::builder().agent("jane@example.com").agent("bob@example.com");
    let simulator = simulator.build().expect("a simulator");
    let breaks = Example::start_at("agent_break", &serve(&simulator));
    let bob = simulator.agent("bob@example.com");

    assert_eq!(breaks.answers_to_header(), [Answer::ok("")]);
    let note = Some("Covers for jane@example.com".to_owned());
    assert_eq!(bob.status(), Some((Status::Online, note)));
    let change = |agent: &str, status: &str| {
        let body = json!({"agent_id": format!("wc:{agent}"), "status": status});
        let answer = breaks.send(&Curl::post("/agent-status", "my-token", &body.to_string()));
        assert_eq!(answer, Answer::ok(""));
        simulator.accepted(Operation::SetAgentStatus)
    };
    assert_eq!(change("bob@example.com", "online"), 1, "it was set by the example itself");
    assert_eq!(change("bob@example.com", "pause"), 2, "it was set by Bob");
    let (status, _) = simulator.agent("jane@example.com").status().expect("an agent");
    assert_eq!(status, Status::Online);
    assert_eq!(change("mary@example.com", "pause"), 2, "nobody covers for her");
    breaks.stop();
}

#[cfg(feature = "simulator")]
#[test]
fn backfill_makes_one_ticket_of_a_case_that_comes_both_ways() {
    let noon = Timestamp::now().as_millis() / 86_400_000 * 86_400 - 43_200;
    let case = |id: &str, seconds: i64| {
        let case = json!({"id": id, "type": "chat", "created_at_seconds": seconds});
        SupportRequest::from_body(case.to_string().as_bytes()).expect("a case")
    };
    let simulator = Simulator::builder().widget("local");
    let simulator =
        simulator.case("local", case("case-1", noon)).case("local", case("case-0", noon - 86_400));
    let simulator = simulator.build().expect("a simulator");
    let backfill = Example::start_at("backfill", &serve(&simulator));
    assert_eq!(backfill.stderr.next(), "ticket for case-1");
    assert_eq!(backfill.stderr.next(), "1 of yesterday");
    assert_eq!(backfill.answers_to_header(), [Answer::ok("")]);
    assert_eq!(backfill.stop().stderr, [] as [&str; 0], "there is a ticket already");
}

/// An example that runs, and is killed when dropped.
struct Example {
    name: String,
    child: Child,
    address: String,
    /// What it wrote to stderr before its address.
    greeting: Vec<String>,
    stdout: Lines,
    stderr: Lines,
}

/// What an example wrote that was not read before it ended.
struct Left {
    stdout: Vec<String>,
    stderr: Vec<String>,
}

const ANY_PORT: &str = "127.0.0.1:0";
const PATIENCE: Duration = Duration::from_secs(60);

impl Example {
    /// Starts an example with the environment that its header gives it.
    #[track_caller]
    fn start(name: &str) -> Self {
        let header = header(name);
        let run = header.first().expect("a command to run");
        assert!(run.windows(2).any(|words| words == ["--example", name]), "{run:?}");
        let variables = run.iter().map_while(|word| word.split_once('='));
        let mut command = example(name);
        command.envs(variables);
        if matches!(name, "receiver" | "booking_bot") {
            command.arg("--listen");
        }
        Self::start_with(command.arg(ANY_PORT))
    }

    /// Starts an example of the client, with the simulator's address in place of the header's.
    #[cfg(feature = "simulator")]
    #[track_caller]
    fn start_at(name: &str, address: &str) -> Self {
        let header = header(name);
        let run = header.first().expect("a command to run");
        let variables = run.iter().map_while(|word| word.split_once('='));
        let mut command = example(name);
        command.envs(variables).env("SNAPENGAGE_URL", address).arg(ANY_PORT);
        Self::start_with(&mut command)
    }

    #[track_caller]
    fn start_with(command: &mut Command) -> Self {
        let path = Path::new(command.get_program()).to_owned();
        let hint = "is it built? `cargo test` builds the examples, `cargo test --test` does not";
        let mut child = command.spawn().unwrap_or_else(|error| panic!("{path:?}: {error}; {hint}"));
        let (stdout, stderr) = (Lines::of(child.stdout.take()), Lines::of(child.stderr.take()));
        let name = path.file_stem().expect("a name").to_string_lossy().into_owned();
        let mut example =
            Self { name, child, address: String::new(), greeting: Vec::new(), stdout, stderr };
        while example.address.is_empty() {
            let line = example.stderr.next();
            let address = ["http://", "https://", "unix:"].iter().find_map(|scheme| {
                line.strip_prefix("listening on ").and_then(|place| place.strip_prefix(scheme))
            });
            match address {
                Some(address) => example.address = address.to_owned(),
                None => example.greeting.push(line),
            }
        }
        example
    }

    fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// Sends the requests of the header.
    #[track_caller]
    fn answers_to_header<const N: usize>(&self) -> [Answer; N] {
        let curls = header(&self.name).into_iter().skip(1).map(|words| Curl::parse(&words));
        let answers: Vec<Answer> = curls.map(|curl| self.send(&curl)).collect();
        answers.try_into().expect("as many requests as answers are expected")
    }

    /// What the bot replies to a visitor's message.
    #[track_caller]
    fn reply_to(&self, text: &str) -> Value {
        self.send(&Curl::post("/bot", "my-token", &bot_message(text))).content()
    }

    #[track_caller]
    fn send(&self, curl: &Curl) -> Answer {
        curl.send(&self.address)
    }

    /// Asks the example to stop.
    #[cfg(unix)]
    #[track_caller]
    fn terminate(&self) {
        let pid = self.child.id();
        let kill = Command::new("sh").args(["-c", &format!("kill -TERM {pid}")]).status();
        assert!(kill.expect("a shell").success());
    }

    /// Asks the example to stop, and expects that it does so in good order.
    #[cfg(unix)]
    #[track_caller]
    fn stop(mut self) -> Left {
        self.terminate();
        let left = Left { stdout: self.stdout.rest(), stderr: self.stderr.rest() };
        let status = self.child.wait().expect("an exit status");
        assert_eq!(status.code(), Some(0), "{:?}", left.stderr);
        left
    }

    #[cfg(not(unix))]
    fn stop(mut self) -> Left {
        self.child.kill().expect("it runs");
        Left { stdout: self.stdout.rest(), stderr: self.stderr.rest() }
    }
}

impl Drop for Example {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The built example, which cargo puts next to the folder of the tests.
fn example(name: &str) -> Command {
    let test = std::env::current_exe().expect("the path of this test");
    let profile = test.ancestors().nth(2).expect("the folder of the profile");
    let file = format!("{name}{}", std::env::consts::EXE_SUFFIX);
    let mut command = Command::new(profile.join("examples").join(file));
    command.env_remove("SNAPENGAGE_TOKEN").env_remove("RUST_LOG");
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

/// The commands in the header of an example, in words: how to run it, and what to send then.
fn header(name: &str) -> Vec<Vec<String>> {
    let file = format!("examples/{name}.rs");
    let folder = format!("examples/{name}/main.rs");
    let source = read(if in_package(&file).exists() { &file } else { &folder });
    let header = source.lines().map_while(|line| line.strip_prefix("//!")).map(str::trim);
    let script =
        header.skip_while(|line| *line != "```sh").skip(1).take_while(|line| *line != "```");
    let script = script.collect::<Vec<_>>().join("\n").replace("\\\n", " ");
    script.lines().filter(|line| !line.is_empty()).map(words).collect()
}

/// The words of a command, as a shell sees them that knows no quotes but `'`.
fn words(command: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    for (i, part) in command.split('\'').enumerate() {
        let is_quoted = i % 2 == 1;
        let mut pieces = if is_quoted { vec![part] } else { part.split(' ').collect() };
        let rest = pieces.split_off(1);
        words.last_mut().expect("never empty").push_str(pieces[0]);
        words.extend(rest.into_iter().map(str::to_owned));
    }
    words.retain(|word| !word.is_empty());
    words
}

/// A request, as curl sends it. The host is that of the example.
struct Curl {
    path: String,
    headers: Vec<(String, String)>,
    body: Option<Vec<u8>>,
}

impl Curl {
    fn get(path: &str) -> Self {
        Self { path: path.to_owned(), headers: Vec::new(), body: None }
    }

    fn post(path: &str, token: &str, body: &str) -> Self {
        let headers = vec![("Authorization".to_owned(), token.to_owned())];
        Self { headers, body: Some(body.into()), ..Self::get(path) }
    }

    #[track_caller]
    fn parse(words: &[String]) -> Self {
        let [curl, url, options @ ..] = words else { panic!("expected a URL: {words:?}") };
        assert_eq!(curl, "curl");
        let path = url.split_once("://").and_then(|(_, url)| url.find('/').map(|at| &url[at..]));
        let mut request = Self::get(path.expect("a scheme, a host and a path"));
        for option in options.chunks(2) {
            match [option[0].as_str(), option[1].as_str()] {
                ["-H", header] => {
                    let (name, value) = header.split_once(": ").expect("a name and a value");
                    request.headers.push((name.to_owned(), value.to_owned()));
                }
                ["-d", body] => request.body = Some(body.into()),
                ["--cacert" | "--unix-socket", _] => {}
                ["--data-binary", body] => {
                    let file = body.strip_prefix('@').expect("a file");
                    request.body = Some(fs::read(in_package(file)).expect("a sample"));
                }
                _ => panic!("not understood: {option:?}"),
            }
        }
        request
    }

    #[track_caller]
    fn send(&self, address: &str) -> Answer {
        let config = ureq::Agent::config_builder().http_status_as_error(false).proxy(None);
        let agent = config.timeout_global(Some(PATIENCE)).build().new_agent();
        let url = format!("http://{address}{}", self.path);
        let mut request = http::Request::builder().uri(url);
        request =
            self.headers.iter().fold(request, |request, (name, value)| request.header(name, value));
        let response = match &self.body {
            Some(body) => agent.run(request.method("POST").body(&body[..]).expect("a request")),
            None => agent.run(request.body(()).expect("a request")),
        };
        let mut response = response.expect("an answer");
        let body = response.body_mut().read_to_string().expect("a text");
        Answer { status: response.status().as_u16(), body }
    }
}

impl Curl {
    /// Sends it over a connection that is there, as the last on it.
    #[track_caller]
    fn send_over(&self, mut connection: impl Read + Write) -> Answer {
        let body = self.body.as_deref().unwrap_or_default();
        let method = if self.body.is_some() { "POST" } else { "GET" };
        let mut head = format!("{method} {} HTTP/1.1\r\nHost: localhost\r\n", self.path);
        for (name, value) in &self.headers {
            head += &format!("{name}: {value}\r\n");
        }
        head += &format!("Connection: close\r\nContent-Length: {}\r\n\r\n", body.len());
        connection.write_all(&[head.as_bytes(), body].concat()).expect("sent");
        let mut answer = String::new();
        connection.read_to_string(&mut answer).expect("an answer");
        let (head, body) = answer.split_once("\r\n\r\n").expect("a head");
        let status = head.strip_prefix("HTTP/1.1 ").and_then(|status| status.get(..3));
        Answer {
            status: status.expect("a status").parse().expect("a number"),
            body: body.to_owned(),
        }
    }
}

#[derive(Debug, PartialEq)]
struct Answer {
    status: u16,
    body: String,
}

impl Answer {
    fn ok(body: &str) -> Self {
        Self { status: 200, body: body.to_owned() }
    }

    /// What a bot said and did.
    #[track_caller]
    fn content(self) -> Value {
        assert_eq!(self.status, 200, "{}", self.body);
        parsed(&self.body)["content"].take()
    }
}

/// What is written to a pipe, line by line.
struct Lines(Receiver<String>);

impl Lines {
    fn of(pipe: Option<impl Read + Send + 'static>) -> Self {
        let (sender, lines) = mpsc::channel();
        let read = move |pipe| {
            let lines = BufReader::new(pipe).lines().map_while(Result::ok);
            lines.take_while(|line| sender.send(line.clone()).is_ok()).for_each(drop);
        };
        pipe.map(|pipe| std::thread::spawn(move || read(pipe)));
        Self(lines)
    }

    #[track_caller]
    fn next(&self) -> String {
        self.0.recv_timeout(PATIENCE).expect("one more line")
    }

    /// The lines up to the end of the process.
    #[track_caller]
    fn rest(&self) -> Vec<String> {
        let mut rest = Vec::new();
        loop {
            match self.0.recv_timeout(PATIENCE) {
                Ok(line) => rest.push(line),
                Err(mpsc::RecvTimeoutError::Disconnected) => return rest,
                Err(mpsc::RecvTimeoutError::Timeout) => panic!("it runs on after {rest:?}"),
            }
        }
    }
}

fn bot_message(text: &str) -> String {
    json!({"event": "message", "widget_id": "w", "case_id": "c", "text": text}).to_string()
}

fn message(text: &str) -> Value {
    json!({"type": "message", "text": text})
}

fn command(operation: &str) -> Value {
    json!({"type": "command", "operation": operation})
}

fn command_with(operation: &str, parameters: impl Into<Value>) -> Value {
    json!({"type": "command", "operation": operation, "parameters": parameters.into()})
}

#[track_caller]
fn parsed(text: &str) -> Value {
    serde_json::from_str(text).expect("JSON")
}

#[track_caller]
fn read(path: &str) -> String {
    fs::read_to_string(in_package(path)).expect("a text in the package")
}

fn in_package(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

#[cfg(all(feature = "inbox", feature = "sqlite"))]
mod crm_sync {
    use std::ffi::OsStr;
    use std::time::Instant;

    use rusqlite::Connection;

    use super::*;
    use crate::field_cases::lines;

    const EVENTS: [&str; 3] = ["case-queued", "case-assigned", "case-closed"];

    /// A CRM in a folder of its own, which is down for as long as a file says so.
    pub(super) struct Crm(tempfile::TempDir);

    impl Crm {
        pub(super) fn down() -> Self {
            let crm = Self(tempfile::tempdir().expect("a folder"));
            fs::write(crm.file("down"), "").expect("written");
            crm
        }

        pub(super) fn up(&self) {
            fs::remove_file(self.file("down")).expect("removed");
        }

        pub(super) fn file(&self, name: &str) -> PathBuf {
            self.0.path().join(name)
        }

        /// The example, with its inbox where these arguments say.
        #[track_caller]
        pub(super) fn sync(&self, inbox: &[&OsStr]) -> Example {
            let mut command = example("crm_sync");
            command.args(["--listen", ANY_PORT]).env("SNAPENGAGE_TOKEN", "my-token").args(inbox);
            command.arg("--crm").arg(self.file("crm.db"));
            command.arg("--crm-down").arg(self.file("down"));
            Example::start_with(&mut command)
        }

        /// How many chats and events it has.
        pub(super) fn rows(&self) -> (i64, i64) {
            const COUNT: &str = "SELECT (SELECT count(*) FROM chat), (SELECT count(*) FROM event)";
            let connection = Connection::open(self.file("crm.db")).expect("opened");
            let row = connection.query_row(COUNT, [], |row| Ok((row.get(0)?, row.get(1)?)));
            row.expect("counted")
        }
    }

    #[track_caller]
    fn post(sync: &Example, path: &str, sample: &str) {
        let sample = read(&format!("sample-payloads/{sample}.json"));
        post_body(sync, path, &sample);
    }

    #[track_caller]
    fn post_body(sync: &Example, path: &str, body: &str) {
        assert_eq!(sync.send(&Curl::post(path, "my-token", body)), Answer::ok(""));
    }

    #[track_caller]
    fn post_all(sync: &Example) {
        post(sync, "/integration", "integration/chat");
        for event in EVENTS {
            post(sync, "/conversation-events", &format!("conversation-events/{event}"));
        }
        for label in lines("labels-at-once") {
            post_body(sync, "/conversation-events", &label);
        }
        for request in lines("case-sent-again-with-more") {
            post_body(sync, "/integration", &request);
        }
    }

    /// Waits until it has said so often that the CRM is down.
    #[track_caller]
    fn await_failures(sync: &Example, mut count: usize) {
        while count > 0 {
            count -= usize::from(sync.stderr.next().contains("the CRM is down"));
        }
    }

    /// Waits until the health route shows these counts.
    #[track_caller]
    pub(super) fn await_counts(sync: &Example, waiting: u64, done: u64) {
        let give_up = Instant::now() + PATIENCE * 2;
        let expected = json!([waiting, 0, done, 0]);
        loop {
            let health = parsed(&sync.send(&Curl::get("/healthz")).body);
            let counts = ["waiting", "working", "done", "dead"].map(|name| &health["inbox"][name]);
            if json!(counts) == expected {
                return;
            }
            assert!(Instant::now() < give_up, "{expected} in {health}");
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    #[track_caller]
    fn loses_nothing_while_its_crm_is_down(inbox: &[&OsStr], crm: &Crm) {
        let sync = crm.sync(inbox);
        assert_eq!(sync.send(&Curl::post("/integration", "wrong-token", "{}")).status, 401);
        post_all(&sync);
        post_all(&sync);
        await_counts(&sync, 9, 0);
        assert_eq!(crm.rows(), (0, 0));
        crm.up();
        await_counts(&sync, 0, 9);
        assert_eq!(crm.rows(), (2, 6));
        sync.stop();
    }

    #[track_caller]
    fn loses_nothing_when_it_is_killed(inbox: &[&OsStr], crm: &Crm) {
        let sync = crm.sync(inbox);
        post_all(&sync);
        // What it is at when it is killed is kept from others for a minute.
        await_failures(&sync, 2);
        await_counts(&sync, 9, 0);
        // By SIGKILL.
        drop(sync);
        let sync = crm.sync(inbox);
        post_all(&sync);
        await_counts(&sync, 9, 0);
        crm.up();
        await_counts(&sync, 0, 9);
        assert_eq!(crm.rows(), (2, 6));
        sync.stop();
    }

    mod with_a_file {
        use super::*;

        #[test]
        fn loses_nothing_while_its_crm_is_down() {
            let crm = Crm::down();
            let file = crm.file("inbox.db");
            super::loses_nothing_while_its_crm_is_down(&["--inbox".as_ref(), file.as_ref()], &crm);
        }

        #[test]
        fn loses_nothing_when_it_is_killed() {
            let crm = Crm::down();
            let file = crm.file("inbox.db");
            super::loses_nothing_when_it_is_killed(&["--inbox".as_ref(), file.as_ref()], &crm);
        }
    }

    #[cfg(feature = "nats")]
    mod on_nats {
        use super::*;
        use crate::nats_server::{SYNCED, Server};

        #[test]
        fn loses_nothing_while_its_crm_is_down() {
            let (crm, server) = (Crm::down(), Server::start(SYNCED));
            let url = server.url("");
            super::loses_nothing_while_its_crm_is_down(&["--nats".as_ref(), url.as_ref()], &crm);
        }

        #[test]
        fn loses_nothing_when_it_is_killed() {
            let (crm, server) = (Crm::down(), Server::start(SYNCED));
            let url = server.url("");
            super::loses_nothing_when_it_is_killed(&["--nats".as_ref(), url.as_ref()], &crm);
        }
    }
}
