//! A receiver with an inbox in a process that is killed under load, and a handler that commits what
//! it does by key.

use std::collections::{HashMap, HashSet};
use std::env;
use std::future::pending;
use std::io::{self, BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::Mutex;
use std::time::Duration;

use http::Request;
use rusqlite::Connection;
use snapengage::conversation::{self, Event};
use snapengage::inbox::{Entry, Inbox, Options, State};
use snapengage::{HandlerError, Receiver, Timestamp, Token, async_trait};
use tokio::task::JoinSet;
use tokio::time::{interval, sleep, timeout};

const SENDERS: usize = 16;
const PATIENCE: Duration = Duration::from_secs(120);
/// Names the folder of what was done, and tells the child from the parent.
const FOLDER: &str = "SNAPENGAGE_INBOX_KILL_TEST_FOLDER";
const PLACE: &str = "SNAPENGAGE_INBOX_KILL_TEST_PLACE";
const ROUND: &str = "SNAPENGAGE_INBOX_KILL_TEST_ROUND";

/// The receiver, in a process of its own: this test binary, told to run a test `child`.
pub(crate) struct Killed {
    child: Child,
    lines: io::Lines<BufReader<ChildStdout>>,
}

impl Killed {
    /// Its inbox is in a place of which [`live`] makes something.
    #[track_caller]
    pub(crate) fn start(child: &str, folder: &Path, place: &str, round: usize) -> Self {
        let mut child = Command::new(env::current_exe().expect("this binary"))
            .args([child, "--exact", "--nocapture"])
            .env(FOLDER, folder)
            .env(PLACE, place)
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

/// What the test `child` is: in the receiver's process all of its life, anywhere else nothing.
pub(crate) async fn live(open: impl AsyncFn(&str) -> Inbox) {
    let Some(folder) = env::var_os(FOLDER) else { return };
    let named = |name| env::var(name).expect("what the parent set");
    let inbox = open(&named(PLACE)).await;
    let mut senders = load(&receiver(&inbox, Path::new(&folder)), &named(ROUND), |id| {
        writeln!(io::stdout().lock(), "ack {id}.").expect("the parent listens");
    });
    tokio::select! {
        () = inbox.run(pending()) => unreachable!("nobody shut it down"),
        ended = senders.join_next() => panic!("a sender ended: {ended:?}"),
    }
}

/// Senders of one case each. They send until they are dropped.
pub(crate) fn load(
    receiver: &Receiver,
    name: &str,
    acknowledge: impl Fn(&str) + Clone + Send + 'static,
) -> JoinSet<()> {
    let mut senders = JoinSet::new();
    for sender in 0..SENDERS {
        senders.spawn(send(receiver.clone(), format!("{name}-{sender}"), acknowledge.clone()));
    }
    senders
}

/// Sends events of one case, and says of each that it was acknowledged. Some cannot be read, and
/// some come twice.
async fn send(receiver: Receiver, case_id: String, acknowledge: impl Fn(&str)) {
    for number in 1_u64.. {
        let id = format!("{case_id} {number}");
        let is_bad = number % 10 == 3;
        let event = format!(
            r#"{{"event":"caseResponded","widget_id":"w","case_id":"{case_id}","timestamp":{number}}}"#
        );
        let (body, status) = if is_bad { (format!("bad {id}"), 400) } else { (event, 200) };
        for _ in 0..=u8::from(number % 7 == 0) {
            deliver(&receiver, &body, status).await;
            acknowledge(&id);
        }
    }
}

/// Sends it again for as long as it is refused.
async fn deliver(receiver: &Receiver, body: &str, expected: u16) {
    let taken = async {
        loop {
            let request = Request::post("/events").header("Authorization", "my-token");
            let request = request.body(body.to_owned()).expect("a request");
            let status = receiver.handle(request).await.status();
            if status != 503 {
                return assert_eq!(status, expected);
            }
            sleep(Duration::from_millis(5)).await;
        }
    };
    timeout(PATIENCE, taken).await.expect("taken at last");
}

/// Processes what is left. Then what was acknowledged is done, or a dead letter; once, and in
/// order.
pub(crate) async fn assert_nothing_lost(
    inbox: &Inbox,
    folder: &Path,
    acknowledged: &HashSet<String>,
) {
    let _receiver = receiver(inbox, folder);
    inbox.run(until_processed(inbox)).await;
    let dead = dead_letters(inbox).await;
    let done = Effects::open(folder).all();
    let unique: HashSet<_> = done.iter().collect();
    assert_eq!(unique.len(), done.len(), "done twice");
    let lost = acknowledged.iter().filter(|id| !unique.contains(id) && !dead.contains(*id));
    assert_eq!(lost.collect::<Vec<_>>(), Vec::<&String>::new());
    assert_in_order(&done);
}

async fn until_processed(inbox: &Inbox) {
    let mut looks = interval(Duration::from_millis(100));
    let all = async {
        loop {
            looks.tick().await;
            let stats = inbox.stats().await;
            if stats.is_ok_and(|stats| stats.waiting + stats.working == 0) {
                return;
            }
        }
    };
    timeout(PATIENCE, all).await.expect("all processed");
}

async fn dead_letters(inbox: &Inbox) -> HashSet<String> {
    let mut dead = HashSet::new();
    let mut last = None;
    loop {
        let page = inbox.list(State::Dead, last, 500).await.expect("a list");
        let Some(entry) = page.last() else { return dead };
        last = Some(entry.id);
        for entry in &page {
            dead.insert(sent_as(inbox, entry).await);
        }
    }
}

async fn sent_as(inbox: &Inbox, entry: &Entry) -> String {
    let body = inbox.show(entry.id).await.expect("read").expect("there").body;
    let body = str::from_utf8(&body).expect("UTF-8");
    let id = body.strip_prefix("bad ").map(str::to_owned);
    id.unwrap_or_else(|| id_of(&Event::from_json(body.as_bytes()).expect("what was sent")))
}

/// Of each case, what came first was done first.
#[track_caller]
fn assert_in_order(done: &[String]) {
    let mut last = HashMap::new();
    for id in done {
        let (case_id, number) = id.split_once(' ').expect("a case and a number");
        let number: u64 = number.parse().expect("a number");
        let before = last.insert(case_id, number).unwrap_or(0);
        assert!(before < number, "{case_id}: {number} after {before}");
    }
}

pub(crate) fn options() -> Options {
    let millis = Duration::from_millis;
    Inbox::options().lease(millis(300)).backoff(millis(1)..=millis(10)).size_limit(u64::MAX)
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
struct Effects {
    connection: Mutex<Connection>,
    failed: Mutex<HashSet<String>>,
}

impl Effects {
    fn open(folder: &Path) -> Self {
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

    fn all(&self) -> Vec<String> {
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
