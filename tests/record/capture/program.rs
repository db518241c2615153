//! The program as a proxy: killed, stopped, wrongly called, and before a receiver in Python.

use std::collections::BTreeSet;
use std::process::Stdio;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use snapengage::record::Exchange;
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;
use tokio::process::{Child, Command};
use tokio::sync::Notify;
use tokio::task::JoinSet;

use super::proxy::{Served, post, send, served_receiver};
use super::{all_files, exchanges, say, the_file};

const SENDERS: usize = 8;
const KILLS: usize = 50;

/// Something that says where it listens, in its first line.
struct Program {
    child: Child,
    address: String,
}

impl Program {
    async fn start(mut command: Command) -> Self {
        command.stdout(Stdio::piped()).kill_on_drop(true);
        let mut child = command.spawn().expect("started");
        let mut lines = BufReader::new(child.stdout.take().expect("piped")).lines();
        let line = lines.next_line().await.expect("text").expect("a first line");
        let address = line.strip_prefix("listening on http://").expect("an address").to_owned();
        Self { child, address }
    }

    async fn signal(mut self, signal: &str) -> Option<i32> {
        let id = self.child.id().expect("a process").to_string();
        let sent = Command::new("kill").args(["-s", signal, &id]).status().await;
        assert!(sent.expect("`kill`").success());
        self.child.wait().await.expect("an end").code()
    }
}

fn record(to: &str, dir: &TempDir, more: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_snapengage"));
    command.args(["record", "--to", &format!("http://{to}"), "--listen", "127.0.0.1:0", "--out"]);
    command.arg(dir.path()).args(more);
    command
}

/// Senders that send until the other side is gone.
fn load(address: &str, answered: &Arc<(AtomicUsize, Notify)>) -> JoinSet<()> {
    let mut senders = JoinSet::new();
    for sender in 0..SENDERS {
        let (address, answered) = (address.to_owned(), Arc::clone(answered));
        let body = say(&format!("{sender} {}", "x".repeat(sender * 3000)));
        senders.spawn(async move {
            let request = String::from_utf8(post("/bot", body.as_bytes())).expect("ASCII");
            let request = request.replace("Connection: close\r\n", "");
            let Ok(mut connection) = TcpStream::connect(address).await else { return };
            let mut answer = vec![0; 64 << 10];
            while connection.write_all(request.as_bytes()).await.is_ok() {
                let mut read = 0;
                while !answer[..read].ends_with(b"}") {
                    match connection.read(&mut answer[read..]).await {
                        Ok(more @ 1..) => read += more,
                        _ => return,
                    }
                }
                answered.0.fetch_add(1, Ordering::Relaxed);
                answered.1.notify_one();
            }
        });
    }
    senders
}

#[tokio::test]
async fn no_kill_under_load_leaves_half_a_file() {
    let dir = tempfile::tempdir().expect("a folder");
    let receiver = served_receiver().await;
    for kill in 0..KILLS {
        let more: &[&str] = if kill % 2 == 0 { &[] } else { &["--rotate-size", "200000"] };
        let mut program = Program::start(record(&receiver.address, &dir, more)).await;
        let answered = Arc::new((AtomicUsize::new(0), Notify::new()));
        let before = all_files(dir.path()).len();
        let senders = load(&program.address, &answered);
        // From before the first answer to the middle of the files.
        let (answers, files) = (kill * 7 % 40, before + kill % 8);
        while answered.0.load(Ordering::Relaxed) < answers || all_files(dir.path()).len() < files {
            answered.1.notified().await;
        }
        program.child.kill().await.expect("killed");
        senders.join_all().await;
        assert_whole(&dir);
    }
    receiver.stop().await;
    let files = assert_whole(&dir);
    assert!(files > KILLS * 3, "only {files} files");
}

/// Every file under its name is a whole one, and no number is there twice.
#[track_caller]
fn assert_whole(dir: &TempDir) -> usize {
    let mut numbers = BTreeSet::new();
    let mut halves = 0;
    for path in all_files(dir.path()) {
        if path.extension().is_some_and(|extension| extension == "part") {
            halves += 1;
            continue;
        }
        let file = std::fs::read(&path).expect("a file");
        let exchange =
            Exchange::from_file(&file).unwrap_or_else(|error| panic!("{path:?} {error}"));
        assert_eq!(exchange.to_file(), file, "{path:?}");
        assert!(numbers.insert(exchange.number()), "{path:?} is there twice");
    }
    // That of the last kill: the others were removed at the next start.
    assert!(halves <= 1, "{halves} half files");
    numbers.len()
}

#[tokio::test]
async fn a_signal_ends_it_once_what_is_under_way_is_written() {
    for signal in ["INT", "TERM"] {
        let dir = tempfile::tempdir().expect("a folder");
        let receiver = served_receiver().await;
        let program = Program::start(record(&receiver.address, &dir, &[])).await;
        for _ in 0..20 {
            send(&program.address, post("/bot", say("Hi").as_bytes())).await;
        }
        assert_eq!(program.signal(signal).await, Some(0), "{signal}");
        receiver.stop().await;
        assert_eq!(exchanges(dir.path()).len(), 20, "{signal}");
    }
}

#[tokio::test]
async fn what_it_is_called_with_is_checked_before_it_listens() {
    let dir = tempfile::tempdir().expect("a folder");
    let file = dir.path().join("file");
    std::fs::write(&file, "").expect("written");
    let folder = file.display().to_string();
    for (to, out, code, reason) in [
        ("127.0.0.1:8080", "never-made", 1, "expected `http://HOST:PORT`"),
        ("http://127.0.0.1:8080", &folder, 1, "not accessible"),
    ] {
        let mut command = Command::new(env!("CARGO_BIN_EXE_snapengage"));
        command.args(["record", "--listen", "127.0.0.1:0", "--to", to, "--out", out]);
        let ended = command.output().await.expect("run");
        let error = String::from_utf8(ended.stderr).expect("UTF-8");
        assert_eq!(ended.status.code(), Some(code), "{error}");
        assert!(error.starts_with("error: ") && error.contains(reason), "{error}");
        assert_eq!(ended.stdout, b"");
    }
    let mut command = record("127.0.0.1:8080", &dir, &["--keep", "0"]);
    assert_eq!(command.output().await.expect("run").status.code(), Some(2));
}

/// A bot of twenty lines, which knows nothing of this crate.
const BOT: &str = r#"
import json
from http.server import BaseHTTPRequestHandler, HTTPServer

class Bot(BaseHTTPRequestHandler):
    def do_POST(self):
        event = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        text = "You said: " + event["text"]
        reply = {"widget_id": event["widget_id"], "case_id": event["case_id"],
                 "content": [{"type": "message", "text": text}]}
        answer = json.dumps(reply).encode()
        self.send_response(200, "Fine")
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, *_):
        pass

server = HTTPServer(("127.0.0.1", 0), Bot)
print("listening on http://127.0.0.1:%d" % server.server_port, flush=True)
server.serve_forever()
"#;

#[tokio::test]
async fn a_bot_in_python_is_recorded_and_answers_as_before() {
    let dir = tempfile::tempdir().expect("a folder");
    let mut command = Command::new("python3");
    command.args(["-c", BOT]);
    let bot = Program::start(command).await;
    let program = Program::start(record(&bot.address, &dir, &["--texts", "keep"])).await;
    let request = post("/bot", say("Hi").as_bytes());
    let straight = send(&bot.address, &request).await;
    let through = send(&program.address, &request).await;
    let without_date = |answer: &str| {
        let lines = answer.lines().filter(|line| !line.starts_with("Date: "));
        lines.map(str::to_owned).collect::<Vec<_>>()
    };
    // Python's server speaks HTTP/1.0.
    let straight = straight.replace("HTTP/1.0 200 Fine", "HTTP/1.1 200 Fine");
    let mut through_lines = without_date(&through);
    through_lines.retain(|line| !line.eq_ignore_ascii_case("connection: close"));
    assert_eq!(through_lines, without_date(&straight));
    assert_eq!(program.signal("INT").await, Some(0));
    let file = the_file(dir.path());
    for line in [
        "# api: bot",
        "# event: message",
        "hOST: bot.example.com",
        "AUTHORIZATION: <redacted:right>",
        "HTTP/1.0 200 Fine",
        "Content-Type: application/json",
    ] {
        assert!(file.lines().any(|found| found == line), "no `{line}` in\n{file}");
    }
    assert!(file.contains("You said: Hi"), "{file}");
}

#[tokio::test]
async fn options_reach_the_recorder() {
    let (dir, keys) = (tempfile::tempdir().expect("one"), tempfile::tempdir().expect("two"));
    let receiver: Served = served_receiver().await;
    let key = keys.path().join("key").display().to_string();
    let more = ["--texts", "drop", "--key-file", &key, "--rotate-size", "1", "--keep", "7"];
    let program = Program::start(record(&receiver.address, &dir, &more)).await;
    for _ in 0..2 {
        send(&program.address, post("/bot", say("Something private").as_bytes())).await;
    }
    assert_eq!(program.signal("TERM").await, Some(0));
    receiver.stop().await;
    assert!(std::fs::metadata(&key).expect("a key").len() > 16);
    let files = all_files(dir.path());
    let below = |n| dir.path().join(format!("{n:06}")).join(format!("{n:06}-bot-message.http"));
    assert_eq!(files, [below(1), below(2)]);
    let file = std::fs::read_to_string(&files[0]).expect("UTF-8");
    assert!(!file.contains("private"), "{file}");
}
