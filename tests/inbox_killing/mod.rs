//! A receiver with an inbox in a process that is killed under load, and a handler that commits what it
//! does by key.

use std::collections::{HashMap, HashSet};
use std::env;
use std::io::{self, BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::Mutex;
use std::time::Duration;

use http::Request;
use rusqlite::Connection;
use snapengage::conversation::{self, Event};
use snapengage::inbox::{Inbox, Options, State};
use snapengage::{HandlerError, Receiver, Timestamp, Token, async_trait};
use tokio::time::sleep;

const SENDERS: usize = 16;
/// Names the folder, and tells the child from the parent.
pub(crate) const FOLDER: &str = "SNAPENGAGE_INBOX_KILL_TEST_FOLDER";
pub(crate) const ROUND: &str = "SNAPENGAGE_INBOX_KILL_TEST_ROUND";

#[tokio::main(flavor = "current_thread")]
pub(crate) async fn work_off_the_rest(folder: &Path) -> HashSet<String> {
    tokio::time::pause();
    let inbox = options().open(folder.join("inbox.db")).expect("an inbox");
    let _receiver = receiver(&inbox, folder);
    let all = async {
        loop {
            let stats = inbox.stats().await.expect("stats");
            if stats.waiting + stats.working == 0 {
                return;
            }
            sleep(Duration::from_millis(100)).await;
        }
    };
    inbox.run(all).await;
    let mut dead = HashSet::new();
    for entry in inbox.list(State::Dead, None, usize::MAX).await.expect("a list") {
        let (_, body) = inbox.show(entry.id).await.expect("read").expect("there");
        let body = String::from_utf8(body.to_vec()).expect("UTF-8");
        let id = body.strip_prefix("bad ").map(str::to_owned);
        dead.insert(id.unwrap_or_else(|| {
            let event = Event::from_json(body.as_bytes()).expect("what was sent");
            id_of(&event)
        }));
    }
    dead
}

/// Of each case, what came first was done first.
#[track_caller]
pub(crate) fn assert_in_order(done: &[String]) {
    let mut last = HashMap::new();
    for id in done {
        let (case_id, number) = id.split_once(' ').expect("a case and a number");
        let number: u64 = number.parse().expect("a number");
        let before = last.insert(case_id, number).unwrap_or(0);
        assert!(before < number, "{case_id}: {number} after {before}");
    }
}

/// The receiver, in a process of its own: this test binary, told to run the test `child`.
pub(crate) struct Killed {
    child: Child,
    lines: io::Lines<BufReader<ChildStdout>>,
}

impl Killed {
    #[track_caller]
    pub(crate) fn start(folder: &Path, round: usize) -> Self {
        let mut child = Command::new(env::current_exe().expect("this binary"))
            .args(["child", "--exact", "--nocapture"])
            .env(FOLDER, folder)
            .env(ROUND, round.to_string())
            .stdout(Stdio::piped())
            .spawn()
            .expect("started");
        let lines = BufReader::new(child.stdout.take().expect("piped")).lines();
        Self { child, lines }
    }

    /// Reads this many acknowledgements.
    #[track_caller]
    pub(crate) fn read(&mut self, count: usize, acknowledged: &mut HashSet<String>) {
        for _ in 0..count {
            let line = self.lines.by_ref().map_while(Result::ok).find_map(|line| ack(&line));
            acknowledged.insert(line.expect("the child runs until it is killed"));
        }
    }

    /// Kills it, and reads what it said before.
    pub(crate) fn kill(mut self, acknowledged: &mut HashSet<String>) {
        self.child.kill().expect("killed");
        self.child.wait().expect("dead");
        acknowledged.extend(self.lines.map_while(Result::ok).filter_map(|line| ack(&line)));
    }
}

/// A line that was cut off by the kill has no end mark.
fn ack(line: &str) -> Option<String> {
    Some(line.strip_prefix("ack ")?.strip_suffix('.')?.to_owned())
}

#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
pub(crate) async fn run(folder: &Path, round: &str) {
    let inbox = options().open(folder.join("inbox.db")).expect("an inbox");
    let receiver = receiver(&inbox, folder);
    for sender in 0..SENDERS {
        tokio::spawn(send(receiver.clone(), format!("{round}-{sender}")));
    }
    inbox.run(std::future::pending()).await;
}

/// Sends events of one case, and says of each that it was acknowledged. Some cannot be read, and some
/// come twice.
async fn send(receiver: Receiver, case_id: String) {
    for number in 1_u64.. {
        let id = format!("{case_id} {number}");
        let is_bad = number % 10 == 3;
        let event = format!(
            r#"{{"event":"caseResponded","widget_id":"w","case_id":"{case_id}","timestamp":{number}}}"#
        );
        let body = if is_bad { format!("bad {id}") } else { event };
        for _ in 0..=u8::from(number % 7 == 0) {
            let request = Request::post("/events").header("Authorization", "my-token");
            let response = receiver.handle(request.body(body.clone()).expect("a request")).await;
            assert_eq!(response.status(), if is_bad { 400 } else { 200 });
            writeln!(io::stdout().lock(), "ack {id}.").expect("the parent listens");
        }
    }
}

pub(crate) fn options() -> Options {
    let millis = Duration::from_millis;
    Inbox::options().lease(millis(300)).backoff(millis(1), millis(10)).size_limit(u64::MAX)
}

pub(crate) fn receiver(inbox: &Inbox, folder: &Path) -> Receiver {
    let handler = inbox.feed(Effects::open(folder));
    Receiver::builder()
        .conversation("/events", Token::new("my-token"), handler)
        .build()
        .expect("a valid receiver")
}

fn id_of(event: &Event) -> String {
    format!("{} {}", event.case_id, event.timestamp.map_or(0, Timestamp::as_millis))
}

/// Commits what it is told with the key it is told by, and fails at times after it did.
pub(crate) struct Effects {
    connection: Mutex<Connection>,
    failed: Mutex<HashSet<String>>,
}

impl Effects {
    pub(crate) fn open(folder: &Path) -> Self {
        let connection = Connection::open(folder.join("effects.db")).expect("opened");
        connection.busy_timeout(Duration::from_secs(5)).expect("set");
        connection
            .execute_batch(
                "PRAGMA journal_mode = wal;
                PRAGMA synchronous = off;
                CREATE TABLE IF NOT EXISTS seen (id TEXT PRIMARY KEY);
                CREATE TABLE IF NOT EXISTS effect (number INTEGER PRIMARY KEY, id TEXT);",
            )
            .expect("created");
        Self { connection: Mutex::new(connection), failed: Mutex::default() }
    }

    fn commit(&self, id: &str) -> rusqlite::Result<()> {
        let mut connection = self.connection.lock().expect("not poisoned");
        let transaction = connection.transaction()?;
        if transaction.execute("INSERT INTO seen VALUES (?1) ON CONFLICT DO NOTHING", [id])? > 0 {
            transaction.execute("INSERT INTO effect (id) VALUES (?1)", [id])?;
        }
        transaction.commit()
    }

    pub(crate) fn all(&self) -> Vec<String> {
        let connection = self.connection.lock().expect("not poisoned");
        let mut select =
            connection.prepare("SELECT id FROM effect ORDER BY number").expect("prepared");
        let ids = select.query_map([], |row| row.get(0)).expect("queried");
        ids.collect::<Result<_, _>>().expect("read")
    }
}

#[async_trait]
impl conversation::Handler for Effects {
    async fn event(&self, event: Event) -> Result<(), HandlerError> {
        let number = event.timestamp.map_or(0, Timestamp::as_millis);
        if number % 50 == 49 {
            return Err(HandlerError::permanent("the CRM will not have it"));
        }
        let id = id_of(&event);
        self.commit(&id)?;
        if number % 5 == 1 && self.failed.lock().expect("not poisoned").insert(id) {
            return Err("the CRM took it, and did not say so".into());
        }
        Ok(())
    }
}
