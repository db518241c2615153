//! Real Chromium, driven over its DevTools protocol through a pipe.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::process::{ChildStdin, ChildStdout, Command};
use tokio::sync::{Notify, oneshot};

use super::page::Page;

/// A browser of its own, which ends when its pages have.
pub(crate) struct Chromium {
    pipe: Arc<Pipe>,
}

impl Chromium {
    #[track_caller]
    pub(crate) fn launch() -> Self {
        let mut child = Command::new("sh")
            .args(["-c", RUN])
            .arg(binary())
            .args(FLAGS)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("a browser");
        let output = child.stdout.take().expect("a pipe");
        let input = child.stdin.take().expect("a pipe");
        let pipe = Arc::new(Pipe {
            input: input.into(),
            calls: Mutex::default(),
            ids: 1.into(),
            arrived: Notify::new(),
        });
        tokio::spawn(Arc::clone(&pipe).read(output));
        Self { pipe }
    }

    /// Opens a tab of its own.
    pub(crate) async fn page(&self) -> Page {
        let target = json!({ "url": "about:blank" });
        let target = self.pipe.call("", "Target.createTarget", target).await;
        let target = json!({ "targetId": target["targetId"], "flatten": true });
        let attached = self.pipe.call("", "Target.attachToTarget", target).await;
        let session = attached["sessionId"].as_str().expect("a session").to_owned();
        Page::new(Arc::clone(&self.pipe), session).await
    }
}

/// Both ends of the pipe: JSON that ends in NUL.
pub(crate) struct Pipe {
    input: tokio::sync::Mutex<ChildStdin>,
    calls: Mutex<Calls>,
    ids: AtomicU64,
    arrived: Notify,
}

#[derive(Default)]
struct Calls {
    waiting: HashMap<u64, oneshot::Sender<Value>>,
    /// Events by session, in their order.
    events: HashMap<String, Vec<Value>>,
}

impl Pipe {
    /// Calls a method of the protocol; the empty session is the browser itself.
    pub(crate) async fn call(&self, session: &str, method: &str, params: Value) -> Value {
        let id = self.ids.fetch_add(1, Ordering::Relaxed);
        let mut message = json!({ "id": id, "method": method, "params": params });
        if !session.is_empty() {
            message["sessionId"] = session.into();
        }
        let (answered, answer) = oneshot::channel();
        self.calls.lock().expect("not poisoned").waiting.insert(id, answered);
        let text = format!("{message}\0");
        self.input.lock().await.write_all(text.as_bytes()).await.expect("the browser runs");
        let answer = answer.await.expect("the browser runs");
        assert_eq!(answer.get("error"), None, "{method}");
        answer["result"].clone()
    }

    /// Returns the events of a session so far.
    pub(crate) fn events(&self, session: &str) -> Vec<Value> {
        self.calls.lock().expect("not poisoned").events.get(session).cloned().unwrap_or_default()
    }

    /// Waits until a session has had an event of this kind.
    pub(crate) async fn event(&self, session: &str, is_wanted: impl Fn(&Value) -> bool) -> Value {
        loop {
            let arrived = self.arrived.notified();
            if let Some(event) = self.events(session).into_iter().find(&is_wanted) {
                return event;
            }
            arrived.await;
        }
    }

    async fn read(self: Arc<Self>, output: ChildStdout) {
        let mut output = BufReader::new(output);
        let mut message = Vec::new();
        while output.read_until(0, &mut message).await.is_ok_and(|length| length > 0) {
            message.pop();
            let value: Value = serde_json::from_slice(&message).expect("JSON");
            message.clear();
            self.take(value);
        }
        // Who waits for an answer hears that there is none.
        self.calls.lock().expect("not poisoned").waiting.clear();
    }

    fn take(&self, message: Value) {
        let mut calls = self.calls.lock().expect("not poisoned");
        if let Some(id) = message["id"].as_u64() {
            let waiting = calls.waiting.remove(&id);
            let _ = waiting.map(|answered| answered.send(message));
        } else if let Some(session) = message["sessionId"].as_str() {
            calls.events.entry(session.to_owned()).or_default().push(message);
            self.arrived.notify_waiters();
        }
    }
}

/// DevTools are at descriptors 3 and 4, where the shell puts its input and output. The browser ends
/// when nobody is at the other end, whatever became of the test, and then its profile goes.
const RUN: &str = r#"profile=$(mktemp -d)
"$0" "$@" --user-data-dir="$profile" 3<&0 4>&1 </dev/null >/dev/null 2>&1
rm -rf "$profile""#;

const FLAGS: &[&str] = &[
    "--headless=new",
    "--remote-debugging-pipe",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-gpu",
    "--hide-scrollbars",
    "--lang=en",
    "--no-default-browser-check",
    "--no-first-run",
    // A container seldom lets the browser make its sandbox; what it opens here is our own.
    "--no-sandbox",
];

#[track_caller]
fn binary() -> PathBuf {
    let named = std::env::var_os("CHROMIUM").map(PathBuf::from);
    let usual = ["chromium", "chromium-browser", "google-chrome"].map(PathBuf::from);
    let runs = |path: &PathBuf| {
        let mut version = std::process::Command::new(path);
        version.arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status().is_ok()
    };
    let found = named.into_iter().chain(usual).find(runs);
    found.expect("no Chromium: install one, set CHROMIUM, or leave these out by `--skip browser::`")
}

/// What `.ci/test` has put into `target/`.
#[track_caller]
pub(crate) fn axe() -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/axe.min.js");
    std::fs::read_to_string(path).expect("no axe-core: `.ci/test` puts one into target/")
}
