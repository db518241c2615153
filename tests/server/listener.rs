//! Where connections come from: socket files, and listeners of one's own with handshakes.

use std::future::{pending, ready};
use std::io;
use std::pin::Pin;
use std::time::Duration;

use snapengage::{BuildError, Listener, Server};
use tokio::io::{AsyncReadExt, DuplexStream, duplex};
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinHandle;
use tokio::time::Instant;

use crate::wire::{
    self, Answer, Calls, Client, Gate, STATUS, build, builder, gated, get_bytes, in_time,
    post_bytes, settle,
};

type Handshake = Pin<Box<dyn Future<Output = io::Result<DuplexStream>> + Send>>;

/// Connections within the process, each with a handshake.
struct Queue(mpsc::UnboundedReceiver<io::Result<Handshake>>);

impl Listener for Queue {
    type Io = DuplexStream;
    type Handshake = Handshake;

    async fn accept(&mut self) -> io::Result<Handshake> {
        match self.0.recv().await {
            Some(accepted) => accepted,
            None => pending().await,
        }
    }
}

/// A server without a socket.
struct InMemory {
    queue: mpsc::UnboundedSender<io::Result<Handshake>>,
    shutdown: Option<oneshot::Sender<()>>,
    task: JoinHandle<Result<(), BuildError>>,
}

impl InMemory {
    fn start(server: Server) -> Self {
        let (queue, accepted) = mpsc::unbounded_channel();
        let (shutdown, signal) = oneshot::channel();
        let task = tokio::spawn(server.serve(Queue(accepted), async {
            let _ = signal.await;
        }));
        Self { queue, shutdown: Some(shutdown), task }
    }

    fn accept(&self, accepted: io::Result<Handshake>) {
        self.queue.send(accepted).expect("the server accepts");
    }

    /// A client whose handshake takes as long as this future.
    fn connect_after(
        &self,
        handshake: impl Future<Output = io::Result<()>> + Send + 'static,
    ) -> Client<DuplexStream> {
        let (ours, theirs) = duplex(64 * 1024);
        self.accept(Ok(Box::pin(async { handshake.await.map(|()| theirs) })));
        Client::over(ours)
    }

    fn connect(&self) -> Client<DuplexStream> {
        self.connect_after(ready(Ok(())))
    }

    fn begin_shutdown(&mut self) {
        let shutdown = self.shutdown.take().expect("not shut down before");
        shutdown.send(()).expect("the server listens for it");
    }

    async fn returned(self) {
        let served = in_time(self.task).await.expect("serve does not panic");
        served.expect("settings that let requests through");
    }

    async fn stop(mut self) {
        self.begin_shutdown();
        self.returned().await;
    }
}

fn server() -> Server {
    Server::new(build(builder(&Calls::default())))
}

async fn is_served(mut client: Client<DuplexStream>) {
    client.send(get_bytes("/contact?email=a")).await;
    assert_eq!(client.answer().await, Answer::text(200, "a"));
}

/// Waits, with the clock paused, until a connection is closed, and tells how long that took.
async fn time_to_close(mut client: Client<DuplexStream>) -> Duration {
    let started = Instant::now();
    assert_eq!(client.stream.read(&mut [0]).await.expect("closed"), 0);
    started.elapsed()
}

#[tokio::test]
async fn connections_come_from_any_listener() {
    let in_memory = InMemory::start(server());
    let mut client = in_memory.connect();
    for _ in 0..2 {
        client.send(get_bytes("/contact?email=a")).await;
        assert_eq!(client.answer().await, Answer::text(200, "a"));
        client.send(post_bytes("/status", STATUS)).await;
        assert_eq!(client.answer().await, Answer::taken());
    }
    in_memory.stop().await;
    client.closed().await;
}

#[tokio::test(start_paused = true)]
async fn a_handshake_that_hangs_delays_nobody_else() {
    let in_memory = InMemory::start(server());
    let hanging = in_memory.connect_after(pending());
    let slow = in_memory.connect_after(async {
        tokio::time::sleep(Duration::from_secs(9)).await;
        Ok(())
    });
    is_served(in_memory.connect()).await;
    let (elapsed, ()) = tokio::join!(time_to_close(hanging), is_served(slow));
    let ten = Duration::from_secs(10);
    assert!(elapsed >= ten && elapsed < ten + Duration::from_millis(10), "{elapsed:?}");
    in_memory.stop().await;
}

#[tokio::test]
async fn a_failed_handshake_ends_its_connection_alone() {
    let in_memory = InMemory::start(server());
    let failed = in_memory.connect_after(ready(Err(io::Error::other("no common cipher"))));
    failed.closed().await;
    is_served(in_memory.connect()).await;
    in_memory.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_handshake_counts_as_a_connection() {
    let in_memory = InMemory::start(server().max_connections(1));
    let _hanging = in_memory.connect_after(pending());
    let started = Instant::now();
    is_served(in_memory.connect()).await;
    assert!(started.elapsed() >= Duration::from_secs(10), "{:?}", started.elapsed());
    in_memory.stop().await;
}

#[tokio::test]
async fn a_request_right_behind_its_handshake_is_answered_at_shutdown() {
    let mut in_memory = InMemory::start(server());
    let (finish, finished) = oneshot::channel::<()>();
    let mut client = in_memory.connect_after(async {
        finished.await.expect("finished");
        Ok(())
    });
    settle().await;
    in_memory.begin_shutdown();
    settle().await;
    client.send(post_bytes("/status", STATUS)).await;
    finish.send(()).expect("the handshake goes on");
    assert_eq!(client.rest().await, [Answer::taken()]);
    in_memory.returned().await;
}

#[tokio::test(start_paused = true)]
async fn a_handshake_is_cut_after_the_drain_deadline() {
    let drain = Duration::from_secs(2);
    let in_memory = InMemory::start(server().drain_deadline(drain));
    let hanging = in_memory.connect_after(pending());
    settle().await;
    let started = Instant::now();
    in_memory.stop().await;
    assert!(started.elapsed() < drain + Duration::from_millis(10), "{:?}", started.elapsed());
    hanging.closed().await;
}

#[tokio::test(start_paused = true)]
async fn accepting_goes_on_after_an_error() {
    let in_memory = InMemory::start(server());
    let started = Instant::now();
    in_memory.accept(Err(io::ErrorKind::ConnectionReset.into()));
    is_served(in_memory.connect()).await;
    assert_eq!(started.elapsed(), Duration::ZERO);
    for _ in 0..3 {
        in_memory.accept(Err(io::Error::other("too many open files")));
    }
    is_served(in_memory.connect()).await;
    let waited = Duration::from_millis(5 + 10 + 20);
    assert!(started.elapsed() >= waited, "{:?}", started.elapsed());
    in_memory.stop().await;
}

#[cfg(unix)]
mod on_a_socket_file {
    use std::path::Path;

    use tokio::net::{UnixListener, UnixStream};

    use super::*;

    async fn connect(path: &Path) -> Client<UnixStream> {
        Client::over(in_time(UnixStream::connect(path)).await.expect("a connection"))
    }

    #[tokio::test]
    async fn requests_are_answered() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("http.sock");
        let listener = UnixListener::bind(&path).expect("a socket file");
        let served = tokio::spawn(server().serve(listener, pending()));
        let mut client = connect(&path).await;
        for _ in 0..2 {
            client.send(post_bytes("/status", STATUS)).await;
            assert_eq!(client.answer().await, Answer::taken());
        }
        let wrong = post_bytes("/status", &" ".repeat(1_000_000)).replace(wire::TOKEN, "wrong");
        client.send(wrong).await;
        assert_eq!(client.rest().await, [Answer::refused(401, wire::DENIED).closing()]);
        served.abort();
    }

    #[tokio::test]
    async fn a_request_in_progress_is_answered_at_shutdown() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("http.sock");
        let gate = Gate::new();
        let (shutdown, signal) = oneshot::channel::<()>();
        let listener = UnixListener::bind(&path).expect("a socket file");
        let server = Server::new(build(gated(&gate)));
        let served = tokio::spawn(server.serve(listener, async { drop(signal.await) }));
        let idle = connect(&path).await;
        let mut client = connect(&path).await;
        client.send(post_bytes("/status", STATUS)).await;
        gate.started().await;
        shutdown.send(()).expect("the server listens for it");
        idle.closed().await;
        let refused = UnixStream::connect(&path).await.expect_err("nobody listens");
        assert_eq!(refused.kind(), io::ErrorKind::ConnectionRefused);
        assert!(!served.is_finished());
        gate.open();
        assert_eq!(client.rest().await, [Answer::taken().closing()]);
        in_time(served).await.expect("serve does not panic").expect("good settings");
    }
}
