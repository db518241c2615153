//! A real `nats-server`, which a test starts for itself.

use std::fs;
use std::io::{self, BufRead, BufReader, Lines};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStderr, Command, Stdio};

use tempfile::TempDir;

/// A server on a free port, with JetStream in a folder that goes when it does.
pub(crate) struct Server {
    child: Child,
    /// Its log: it ends when nobody reads it.
    log: Lines<BufReader<ChildStderr>>,
    dir: TempDir,
    port: u16,
}

impl Server {
    #[track_caller]
    pub(crate) fn start(config: &str) -> Self {
        let dir = tempfile::tempdir().expect("a folder");
        fs::write(dir.path().join("nats.conf"), config).expect("written");
        let (child, mut log) = launch(dir.path(), "-1");
        let port = port(&mut log);
        Self { child, log, dir, port }
    }

    #[track_caller]
    pub(crate) fn restart(&mut self) {
        self.stop();
        (self.child, self.log) = launch(self.dir.path(), &self.port.to_string());
        assert_eq!(port(&mut self.log), self.port);
    }

    pub(crate) fn stop(&mut self) {
        self.child.kill().expect("killed");
        self.child.wait().expect("waited for");
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

/// On port -1, the server takes one that is free.
#[track_caller]
fn launch(dir: &Path, port: &str) -> (Child, Lines<BufReader<ChildStderr>>) {
    let mut child = Command::new(binary())
        .args(["--addr", "127.0.0.1", "--port", port, "--jetstream", "--store_dir"])
        .arg(dir.join("jetstream"))
        .arg("--config")
        .arg(dir.join("nats.conf"))
        .stderr(Stdio::piped())
        .spawn()
        .expect("a server");
    let log = child.stderr.take().expect("a pipe");
    (child, BufReader::new(log).lines())
}

/// From `[INF] Listening for client connections on 127.0.0.1:4222`, once the server is ready.
#[track_caller]
fn port(log: &mut Lines<BufReader<ChildStderr>>) -> u16 {
    let mut port = None;
    let mut said = Vec::new();
    for line in log.map_while(Result::ok) {
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
