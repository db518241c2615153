//! Real `nats-server`s, which a test starts for itself.

use std::fs;
use std::io::{self, BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::thread;

use tempfile::TempDir;

/// What it acknowledged is on disk. By default, it flushes every two minutes.
pub(crate) const SYNCED: &str = "jetstream { sync_interval: always }\n";

/// A server on a free port, with JetStream in a folder that goes when it does.
pub(crate) struct Server {
    child: Option<Child>,
    dir: TempDir,
    /// As the program is told it: -1 until it has taken one that is free.
    port: String,
    ready: &'static str,
}

impl Server {
    #[track_caller]
    pub(crate) fn start(config: &str) -> Self {
        Self::launch(config, "Server is ready").unwrap_or_else(|log| panic!("it ended: {log}"))
    }

    /// Waits for a line of the log that says so; without one, the whole log is the error.
    pub(crate) fn launch(config: &str, ready: &'static str) -> Result<Self, String> {
        let dir = tempfile::tempdir().expect("a folder");
        fs::write(dir.path().join("nats.conf"), config).expect("written");
        let mut server = Self { child: None, dir, port: "-1".to_owned(), ready };
        server.run()?;
        Ok(server)
    }

    /// Starts the program, on the port that it had if it had one.
    pub(crate) fn run(&mut self) -> Result<(), String> {
        let (child, port) = launch(self.dir.path(), &self.port, self.ready)?;
        self.child = Some(child);
        self.port = port.to_string();
        Ok(())
    }

    /// By SIGKILL.
    pub(crate) fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            child.kill().expect("killed");
            child.wait().expect("waited for");
        }
    }

    pub(crate) fn url(&self, credentials: &str) -> String {
        format!("nats://{credentials}127.0.0.1:{}", self.port)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.kill();
    }
}

/// On port -1, the server takes one that is free. Which one it took comes with it, once it is
/// ready.
#[track_caller]
fn launch(dir: &Path, port: &str, ready: &str) -> Result<(Child, u16), String> {
    let mut child = Command::new(binary())
        .args(["--addr", "127.0.0.1", "--port", port, "--jetstream", "--store_dir"])
        .arg(dir.join("jetstream"))
        .arg("--config")
        .arg(dir.join("nats.conf"))
        .stderr(Stdio::piped())
        .spawn()
        .expect("a server");
    let log = read(child.stderr.take().expect("a pipe"));
    let port = found_port(&log, ready).inspect_err(|_| {
        let _ = child.wait();
    })?;
    Ok((child, port))
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
fn found_port(log: &mpsc::Receiver<String>, ready: &str) -> Result<u16, String> {
    let mut port = None;
    let mut said = Vec::new();
    for line in log {
        if line.contains("Listening for client connections") {
            port = line.rsplit_once(':').and_then(|(_, port)| port.parse().ok());
        }
        if line.contains(ready) {
            return Ok(port.expect("a port"));
        }
        said.push(line);
    }
    Err(said.join("\n"))
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
