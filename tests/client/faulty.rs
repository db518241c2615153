//! SnapEngage as a TCP server that keeps to a script, of faults mostly.

use std::borrow::Cow;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::sleep;

use crate::peers::header;

/// What a connection does next.
#[derive(Debug, Clone)]
pub(crate) enum Step {
    /// Reads a request.
    Read,
    /// Reads the head of a request, and nothing behind it.
    ReadHead,
    /// Reads the first byte of a request.
    ReadByte,
    Write(Cow<'static, str>),
    /// Writes one byte at a time, with this pause before each.
    Drip(&'static str, Duration),
    /// Writes again and again, until the client goes.
    Repeat(&'static str),
    /// Waits until the client goes, and reads what it sends.
    Hold,
    /// Ends with a reset. Without it, a connection is closed in order at the end of its script.
    Reset,
}

pub(crate) fn write(text: impl Into<Cow<'static, str>>) -> Step {
    Step::Write(text.into())
}

/// A server that plays a script on each connection. The last is for all further ones.
pub(crate) struct Faulty {
    address: SocketAddr,
    seen: Arc<Mutex<Vec<String>>>,
    ended: watch::Receiver<usize>,
    task: JoinHandle<()>,
}

impl Faulty {
    /// Plays the same on every connection.
    pub(crate) async fn always(script: &[Step]) -> Self {
        Self::start(vec![script.to_vec()]).await
    }

    pub(crate) async fn start(scripts: Vec<Vec<Step>>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        Self::serve(listener, scripts)
    }

    pub(crate) fn serve(listener: TcpListener, scripts: Vec<Vec<Step>>) -> Self {
        let address = listener.local_addr().expect("an address");
        let seen = Arc::default();
        let (end, ended) = watch::channel(0);
        let task = tokio::spawn(accept(listener, scripts, Arc::clone(&seen), end));
        Self { address, seen, ended, task }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The requests whose heads were read, in order: the head, and the body where that was read.
    pub(crate) fn seen(&self) -> Vec<String> {
        self.seen.lock().expect("not poisoned").clone()
    }

    /// Waits until so many connections have ended on this side.
    pub(crate) async fn ended(&self, connections: usize) {
        let mut ended = self.ended.clone();
        ended.wait_for(|ended| *ended >= connections).await.expect("a server");
    }
}

impl Drop for Faulty {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn accept(
    listener: TcpListener,
    scripts: Vec<Vec<Step>>,
    seen: Arc<Mutex<Vec<String>>>,
    ended: watch::Sender<usize>,
) {
    for connection in 0.. {
        let (stream, _) = listener.accept().await.expect("a connection");
        let script = scripts[connection.min(scripts.len() - 1)].clone();
        let (seen, ended) = (Arc::clone(&seen), ended.clone());
        tokio::spawn(async move {
            play(stream, script, &seen).await;
            ended.send_modify(|ended| *ended += 1);
        });
    }
}

/// Plays a script, as far as the client goes along.
async fn play(mut stream: TcpStream, script: Vec<Step>, seen: &Mutex<Vec<String>>) {
    for step in script {
        let goes_on = match step {
            Step::Read | Step::ReadHead => {
                read(&mut stream, matches!(step, Step::Read), seen).await.is_some()
            }
            Step::ReadByte => stream.read_u8().await.is_ok(),
            Step::Write(text) => stream.write_all(text.as_bytes()).await.is_ok(),
            Step::Drip(text, pause) => drip(&mut stream, text, pause).await,
            Step::Repeat(text) => {
                let text = text.repeat(1000);
                while stream.write_all(text.as_bytes()).await.is_ok() {}
                false
            }
            Step::Hold => {
                while stream.read(&mut [0; 4096]).await.is_ok_and(|length| length > 0) {}
                false
            }
            Step::Reset => stream.set_zero_linger().is_err(),
        };
        if !goes_on {
            break;
        }
    }
}

async fn drip(stream: &mut TcpStream, text: &str, pause: Duration) -> bool {
    for byte in text.bytes() {
        sleep(pause).await;
        if stream.write_u8(byte).await.is_err() {
            return false;
        }
    }
    true
}

/// Reads a request, or the head of it; `None` if the client goes before its end.
async fn read(stream: &mut TcpStream, is_whole: bool, seen: &Mutex<Vec<String>>) -> Option<()> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await.ok()?);
    }
    let head = String::from_utf8(head).expect("ASCII");
    let length = header(&head, "content-length");
    let length = length.map_or(0, |length| length.parse().expect("a length"));
    let mut body = vec![0; if is_whole { length } else { 0 }];
    let read = stream.read_exact(&mut body).await;
    let body = String::from_utf8(body).expect("UTF-8");
    seen.lock().expect("not poisoned").push(head + &body);
    read.ok().map(|_| ())
}
