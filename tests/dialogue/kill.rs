//! A bot on a SQLite file is killed 200 times, between turns and anywhere inside them. No reply
//! that was sent is forgotten, and every delivery becomes one turn, whole.

use std::collections::HashMap;
use std::env;
use std::fmt;
use std::io::{self, BufRead, BufReader, Lines, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicI32, Ordering};
use std::time::Duration;

use http::Request;
use rusqlite::Connection;
use serde_json::{Value, json};
use snapengage::bot::Reply;
use snapengage::dialogue::{
    Bot, Dialogue, Input, Loaded, Record, Revision, Saved, SqliteStore, Step, Store, StoreError,
};
use snapengage::{HandlerError, Receiver, Timestamp, Token, async_trait};

const KILLS: i32 = 200;
/// Names the file, and tells the child from the parent.
const FILE: &str = "SNAPENGAGE_KILL_TEST_FILE";

#[test]
fn a_bot_that_is_killed_forgets_nothing_it_said() {
    let dir = tempfile::tempdir().expect("a folder");
    let path = dir.path().join("conversations.db");
    let mut cases = HashMap::<String, Case>::new();
    let mut kills_inside = 0;
    for kill in 0..KILLS {
        let mut bot = BotProcess::start(&path);
        let case_id = format!("case-{}", kill % 3);
        let case = cases.entry(case_id.clone()).or_default();
        for (number, reply) in case.replies.iter().enumerate().rev().take(3) {
            let again = bot.deliver(&case_id, number, Stop::Nowhere);
            assert_eq!(again.as_ref(), Some(reply), "delivery {number} of {case_id}, again");
        }
        for _ in 0..kill % 2 {
            let reply = bot.deliver(&case_id, case.replies.len(), Stop::Nowhere);
            case.take(reply.expect("a reply"));
        }
        let stop = Stop::nth(kill);
        match bot.deliver(&case_id, case.replies.len(), stop) {
            Some(reply) => case.take(reply),
            None => kills_inside += 1,
        }
        bot.kill();
        if kill % 20 == 0 {
            assert_whole(&path);
        }
    }
    let kills_between = KILLS - kills_inside;
    assert!(kills_inside >= 100, "only {kills_inside} kills inside turns");
    assert!(kills_between >= 30, "only {kills_between} kills between turns");
}

/// What the visitor of a conversation has seen.
#[derive(Default)]
struct Case {
    replies: Vec<String>,
}

impl Case {
    /// A reply names every delivery so far, each once, in order.
    #[track_caller]
    fn take(&mut self, reply: String) {
        let expected: Vec<_> = (0..=self.replies.len()).map(|number| number.to_string()).collect();
        assert_eq!(reply, expected.join(" "));
        self.replies.push(reply);
    }
}

#[track_caller]
fn assert_whole(path: &Path) {
    let connection = Connection::open(path).expect("opened");
    let check = "PRAGMA integrity_check";
    let found: String = connection.query_row(check, [], |row| row.get(0)).expect("checked");
    assert_eq!(found, "ok");
}

/// Where the bot is killed in a delivery.
#[derive(Clone, Copy)]
enum Stop {
    Nowhere,
    /// At this point, where it waits for it.
    At(i32),
    /// Shortly after this point: the signal races with what it does next.
    After(i32),
}

impl Stop {
    fn nth(kill: i32) -> Self {
        let point = kill / 2 % POINTS;
        if kill % 4 < 2 { Self::At(point) } else { Self::After(point) }
    }
}

impl fmt::Display for Stop {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Nowhere => f.write_str("nowhere 0"),
            Self::At(point) => write!(f, "at {point}"),
            Self::After(point) => write!(f, "after {point}"),
        }
    }
}

/// The bot, in a process of its own: this test binary, told to run the test `child`.
struct BotProcess {
    child: Child,
    stdin: ChildStdin,
    lines: Lines<BufReader<ChildStdout>>,
}

impl BotProcess {
    #[track_caller]
    fn start(path: &Path) -> Self {
        let binary = env::current_exe().expect("this binary");
        let mut child = Command::new(binary)
            .args(["kill::child", "--exact", "--nocapture"])
            .env(FILE, path)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("a child");
        let stdin = child.stdin.take().expect("a pipe");
        let lines = BufReader::new(child.stdout.take().expect("a pipe")).lines();
        Self { child, stdin, lines }
    }

    /// The reply, if there was one before the bot was killed.
    #[track_caller]
    fn deliver(&mut self, case_id: &str, number: usize, stop: Stop) -> Option<String> {
        writeln!(self.stdin, "{stop} {case_id} {number}").expect("a child that reads");
        for line in self.lines.by_ref() {
            let line = line.expect("text");
            if let Some(reply) = line.strip_prefix("reply ") {
                return Some(reply.to_owned());
            }
            if line == "stop" {
                self.child.kill().expect("killed");
            }
        }
        None
    }

    #[track_caller]
    fn kill(mut self) {
        self.child.kill().expect("killed");
        let status = self.child.wait().expect("waited for");
        assert_eq!(status.code(), None, "it ended by itself: {status}");
    }
}

impl Drop for BotProcess {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Not a test of its own: what the bot's process runs.
#[test]
fn child() {
    let Some(path) = env::var_os(FILE) else { return };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.expect("a runtime").block_on(answer_deliveries(path.as_ref()));
}

async fn answer_deliveries(path: &Path) {
    let points = Arc::new(Points::default());
    let store = SqliteStore::open(path).expect("opened");
    let store = Pointed { store, points: Arc::clone(&points) };
    let bot = Bot::new(Counting(Arc::clone(&points)), store).lease(Duration::from_millis(30));
    let receiver = Receiver::builder().bot("/bot", Token::new("my-token"), bot).build();
    let receiver = receiver.expect("a receiver");
    for line in io::stdin().lines() {
        let line = line.expect("text");
        let [how, point, case_id, number] = line.split(' ').collect::<Vec<_>>()[..] else {
            panic!("a line of four words")
        };
        points.stop(how, point.parse().expect("a number"));
        let reply = deliver(&receiver, case_id, number).await;
        say(&format!("reply {reply}"));
    }
}

async fn deliver(receiver: &Receiver, case_id: &str, number: &str) -> String {
    let event = json!({
        "event": "message",
        "widget_id": "widget",
        "case_id": case_id,
        "timestamp": 1_554_321_848_997 + number.parse::<i64>().expect("a number"),
        "text": number,
    });
    let request = Request::post("/bot").header("Authorization", "my-token");
    let response = receiver.handle(request.body(event.to_string()).expect("a request")).await;
    let body: Value = serde_json::from_slice(&response.into_body().into_bytes()).expect("JSON");
    body["content"][0]["text"].as_str().expect("a text").to_owned()
}

/// On a line of its own, whatever the test harness has written before.
fn say(line: &str) {
    io::stdout().write_all(format!("\n{line}\n").as_bytes()).expect("a parent that reads");
}

/// The points of a turn, counted: before and after the lease is written, in the step, before and
/// after the commit, and one that is never reached, so that the reply is.
const POINTS: i32 = 6;

#[derive(Default)]
struct Points {
    reached: AtomicI32,
    stop_at: AtomicI32,
    stop_after: AtomicI32,
}

impl Points {
    fn stop(&self, how: &str, point: i32) {
        self.reached.store(-1, Ordering::Relaxed);
        self.stop_at.store(if how == "at" { point } else { -1 }, Ordering::Relaxed);
        self.stop_after.store(if how == "after" { point } else { -1 }, Ordering::Relaxed);
    }

    async fn reach(&self) {
        let point = self.reached.fetch_add(1, Ordering::Relaxed) + 1;
        if point == self.stop_at.load(Ordering::Relaxed) {
            say("stop");
            std::future::pending::<()>().await;
        }
        if point == self.stop_after.load(Ordering::Relaxed) {
            say("stop");
        }
    }
}

/// Says all it was told.
struct Counting(Arc<Points>);

#[async_trait]
impl Dialogue for Counting {
    type State = Vec<String>;

    fn start(&self) -> Vec<String> {
        Vec::new()
    }

    async fn step(
        &self,
        mut state: Vec<String>,
        input: Input,
    ) -> Result<Step<Vec<String>>, HandlerError> {
        let Input::Said(message) = input else { return Err("not a message".into()) };
        self.0.reach().await;
        state.push(message.text);
        let reply = Reply::say(state.join(" "));
        Ok(Step::go(state, reply))
    }
}

/// A store with points before and after its writes.
struct Pointed {
    store: SqliteStore,
    points: Arc<Points>,
}

#[async_trait]
impl Store for Pointed {
    async fn load(&self, key: &str) -> Result<Option<Loaded>, StoreError> {
        self.store.load(key).await
    }

    async fn save(
        &self,
        key: &str,
        record: &Record,
        seen: Option<Revision>,
    ) -> Result<Saved, StoreError> {
        self.points.reach().await;
        let saved = self.store.save(key, record, seen).await;
        self.points.reach().await;
        saved
    }

    async fn remove(&self, key: &str, seen: Revision) -> Result<bool, StoreError> {
        self.store.remove(key, seen).await
    }

    async fn sweep(&self, now: Timestamp) -> Result<u64, StoreError> {
        self.store.sweep(now).await
    }
}
