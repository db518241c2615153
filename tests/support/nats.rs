//! Real `nats-server`s, which a test starts for itself.

use std::fs;
use std::io::{self, BufRead, BufReader};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use async_nats::jetstream::{self, stream};
use tempfile::TempDir;
use tokio::time::{MissedTickBehavior, interval, timeout};

/// What it acknowledged is on disk. By default, it flushes every two minutes.
pub(crate) const SYNCED: &str = "jetstream { sync_interval: always }\n";

/// A server on a free port, with JetStream in a folder that goes when it does.
pub(crate) struct Server {
    child: Child,
    dir: TempDir,
    port: u16,
    ready: &'static str,
}

impl Server {
    #[track_caller]
    pub(crate) fn start(config: &str) -> Self {
        Self::launch(config, "Server is ready").unwrap_or_else(|log| panic!("it ended: {log}"))
    }

    /// Waits for a line of the log that says so; without one, the whole log is the error.
    fn launch(config: &str, ready: &'static str) -> Result<Self, String> {
        let dir = tempfile::tempdir().expect("a folder");
        fs::write(dir.path().join("nats.conf"), config).expect("written");
        let (child, port) = launch(dir.path(), "-1", ready)?;
        Ok(Self { child, dir, port, ready })
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
        let launched = launch(self.dir.path(), &self.port.to_string(), self.ready);
        (self.child, _) = launched.unwrap_or_else(|log| panic!("it ended: {log}"));
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

/// Servers that share their streams.
pub(crate) struct Cluster(Vec<Server>);

impl Cluster {
    pub(crate) async fn start(size: usize, config: &str) -> Self {
        // Somebody else may take a port before the server does.
        let started = (0..5).find_map(|_| Self::launch(size, config).ok());
        let cluster = started.expect("servers that do not end");
        cluster.until_ready().await;
        cluster
    }

    fn launch(size: usize, config: &str) -> Result<Self, String> {
        let routes: Vec<_> =
            free_ports(size).into_iter().map(|port| format!("127.0.0.1:{port}")).collect();
        let servers = routes.iter().enumerate().map(|(number, route)| {
            let routes = routes.join(", nats://");
            let cluster = format!(
                "server_name: {name}
                cluster {{ name: tests, listen: \"{route}\", routes: [nats://{routes}] }}
                {config}",
                name = name(number),
            );
            Server::launch(&cluster, "Listening for route connections on")
        });
        servers.collect::<Result<_, _>>().map(Self)
    }

    /// Until a stream can be made of which every server has a replica.
    async fn until_ready(&self) {
        let config = stream::Config {
            name: "ready".into(),
            num_replicas: self.0.len(),
            ..stream::Config::default()
        };
        let made = || async {
            let jetstream = self.jetstream().await?;
            jetstream.create_stream(&config).await.ok()?;
            jetstream.delete_stream(&config.name).await.ok()
        };
        ask("no stream can be made", made).await;
    }

    pub(crate) fn urls(&self) -> Vec<String> {
        self.0.iter().map(|server| server.url("")).collect()
    }

    /// By SIGKILL.
    pub(crate) fn kill(&mut self, number: usize) {
        self.0[number].kill();
    }

    #[track_caller]
    pub(crate) fn restart(&mut self, number: usize) {
        self.0[number].restart();
    }

    /// The streams there are, in no order.
    pub(crate) async fn streams(&self) -> Vec<String> {
        let names = || async {
            let streams = self.infos().await?;
            Some(streams.into_iter().map(|stream| stream.config.name).collect())
        };
        ask("nobody knows the streams", names).await
    }

    /// Which server leads a stream, once one does.
    pub(crate) async fn leader(&self, stream: &str) -> usize {
        let leader = || async {
            let jetstream = self.jetstream().await?;
            let stream = jetstream.get_stream(stream).await.ok()?;
            let leader = stream.cached_info().cluster.as_ref()?.leader.clone()?;
            (0..self.0.len()).find(|number| name(*number) == leader)
        };
        ask("nobody leads the stream", leader).await
    }

    /// Until every replica of every stream has all that its leader has.
    pub(crate) async fn until_whole(&self) {
        let whole = || async {
            let streams = self.infos().await?;
            streams.iter().all(is_whole).then_some(())
        };
        ask("replicas do not catch up", whole).await;
    }

    async fn infos(&self) -> Option<Vec<stream::Info>> {
        use futures_util::TryStreamExt;
        self.jetstream().await?.streams().try_collect().await.ok()
    }

    async fn jetstream(&self) -> Option<jetstream::Context> {
        let client = async_nats::connect(self.urls()).await.ok()?;
        let mut jetstream = jetstream::new(client);
        jetstream.set_timeout(Duration::from_secs(1));
        Some(jetstream)
    }
}

fn name(number: usize) -> String {
    format!("server-{number}")
}

fn is_whole(stream: &stream::Info) -> bool {
    stream.cluster.as_ref().is_some_and(|cluster| {
        let mut replicas = cluster.replicas.iter();
        cluster.leader.is_some() && replicas.all(|replica| replica.current && !replica.offline)
    })
}

/// Asks again and again until there is an answer.
pub(crate) async fn ask<T, A: Future<Output = Option<T>>>(
    without: &str,
    question: impl Fn() -> A,
) -> T {
    let mut turns = interval(Duration::from_millis(50));
    turns.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let answer = async {
        loop {
            turns.tick().await;
            if let Some(answer) = question().await {
                return answer;
            }
        }
    };
    timeout(Duration::from_secs(60), answer).await.expect(without)
}

/// Held together, so that they differ.
fn free_ports(count: usize) -> Vec<u16> {
    let free = || TcpListener::bind("127.0.0.1:0").expect("a free port");
    let held: Vec<_> = (0..count).map(|_| free()).collect();
    held.iter().map(|held| held.local_addr().expect("an address").port()).collect()
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
