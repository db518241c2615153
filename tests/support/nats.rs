//! A real `nats-server`, which a test starts for itself.

use std::fs;
use std::io::{self, BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::thread;

use tempfile::TempDir;

/// A server on a free port, with JetStream in a folder that goes when it does.
pub(crate) struct Server {
    child: Child,
    dir: TempDir,
    port: u16,
}

impl Server {
    #[track_caller]
    pub(crate) fn start(config: &str) -> Self {
        let dir = tempfile::tempdir().expect("a folder");
        fs::write(dir.path().join("nats.conf"), config).expect("written");
        let (child, port) = launch(dir.path(), "-1");
        Self { child, dir, port }
    }

    /// By SIGKILL.
    pub(crate) fn kill(&mut self) {
        self.child.kill().expect("killed");
        self.child.wait().expect("waited for");
    }

    /// Kills it, if that is not done, and starts it on the same port and folder.
    #[track_caller]
    pub(crate) fn restart(&mut self) {
        self.kill();
        (self.child, _) = launch(self.dir.path(), &self.port.to_string());
    }

    pub(crate) fn url(&self, credentials: &str) -> String {
        format!("nats://{credentials}127.0.0.1:{}", self.port)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// On port -1, the server takes one that is free. Which one it took comes with it, once it is ready.
#[track_caller]
fn launch(dir: &Path, port: &str) -> (Child, u16) {
    let mut child = Command::new(binary())
        .args(["--addr", "127.0.0.1", "--port", port, "--jetstream", "--store_dir"])
        .arg(dir.join("jetstream"))
        .arg("--config")
        .arg(dir.join("nats.conf"))
        .stderr(Stdio::piped())
        .spawn()
        .expect("a server");
    let log = read(child.stderr.take().expect("a pipe"));
    (child, found_port(&log))
}

/// Reads on when nobody listens any more: a server that cannot write its log stands still.
fn read(log: impl io::Read + Send + 'static) -> mpsc::Receiver<String> {
    let (line_sender, lines) = mpsc::channel();
    thread::spawn(move || {
        for line in BufReader::new(log).lines().map_while(Result::ok) {
            let _ = line_sender.send(line);
        }
    });
    lines
}

/// From `[INF] Listening for client connections on 127.0.0.1:4222`.
#[track_caller]
fn found_port(log: &mpsc::Receiver<String>) -> u16 {
    let mut port = None;
    let mut said = Vec::new();
    for line in log {
        if line.contains("Listening for client connections") {
            port = line.rsplit_once(':').and_then(|(_, port)| port.parse().ok());
        }
        if line.ends_with("Server is ready") {
            return port.expect("a port");
        }
        said.push(line);
    }
    panic!("nats-server ended: {}", said.join("\n"))
}

#[track_caller]
fn binary() -> PathBuf {
    let target = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/nats-server");
    let named = std::env::var_os("NATS_SERVER").map(PathBuf::from);
    let candidates = [named, Some(target), Some("nats-server".into())];
    let runs = |path: &PathBuf| -> io::Result<_> {
        Command::new(path).arg("--version").stdout(Stdio::null()).status()
    };
    let found = candidates.into_iter().flatten().find(|path| runs(path).is_ok());
    found.expect("no nats-server: run `.ci/test`, which puts one into target/, or set NATS_SERVER")
}
