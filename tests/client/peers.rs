//! What a client talks to: SnapEngage, or a proxy in front of it.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

/// A server of the tests, which ends with it.
pub(crate) struct Peer {
    address: SocketAddr,
    seen: Arc<Mutex<Vec<String>>>,
    task: JoinHandle<()>,
}

impl Peer {
    /// A SnapEngage that answers every request with the user who was created.
    pub(crate) async fn snapengage() -> Self {
        Self::start(|connection, seen| async move { answer(connection, &seen).await }).await
    }

    /// The same, with TLS.
    #[cfg(feature = "client-tls")]
    pub(crate) async fn snapengage_over(acceptor: tokio_rustls::TlsAcceptor) -> Self {
        Self::start(move |connection, seen| {
            let handshake = acceptor.accept(connection);
            async move {
                if let Ok(connection) = handshake.await {
                    answer(connection, &seen).await;
                }
            }
        })
        .await
    }

    /// A proxy: it makes a tunnel for CONNECT, and passes on a request with a whole address.
    pub(crate) async fn proxy() -> Self {
        Self::start(|connection, seen| async move { pass_on(connection, &seen).await }).await
    }

    /// A server that answers every head with the same and closes: a proxy that refuses.
    pub(crate) async fn refusing(answer: &'static str) -> Self {
        Self::start(move |mut connection, seen| async move {
            let head = read_head(&mut connection).await;
            seen.lock().expect("not poisoned").push(head);
            let _ = connection.write_all(answer.as_bytes()).await;
        })
        .await
    }

    async fn start<F>(
        serve: impl Fn(TcpStream, Arc<Mutex<Vec<String>>>) -> F + Send + Sync + 'static,
    ) -> Self
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let seen: Arc<Mutex<Vec<String>>> = Arc::default();
        let seen_by_it = Arc::clone(&seen);
        let task = tokio::spawn(async move {
            loop {
                let (connection, _) = listener.accept().await.expect("a connection");
                tokio::spawn(serve(connection, Arc::clone(&seen_by_it)));
            }
        });
        Self { address, seen, task }
    }

    pub(crate) fn port(&self) -> u16 {
        self.address.port()
    }

    /// The heads that it was sent, with what body there was.
    pub(crate) fn seen(&self) -> Vec<String> {
        std::mem::take(&mut *self.seen.lock().expect("not poisoned"))
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn answer(mut connection: impl AsyncRead + AsyncWrite + Unpin, seen: &Mutex<Vec<String>>) {
    const USER: &str = r#"{"email":"jane@example.com","name":"Jane","accountType":"enterprise"}"#;
    let head = read_head(&mut connection).await;
    let length =
        header(&head, "content-length").map_or(0, |length| length.parse().expect("a length"));
    let mut body = vec![0; length];
    connection.read_exact(&mut body).await.expect("a body");
    let body = String::from_utf8(body).expect("UTF-8");
    seen.lock().expect("not poisoned").push(head + &body);
    let length = USER.len();
    let answer =
        format!("HTTP/1.1 200 OK\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{USER}");
    let _ = connection.write_all(answer.as_bytes()).await;
    let _ = connection.shutdown().await;
}

async fn pass_on(mut connection: TcpStream, seen: &Mutex<Vec<String>>) {
    let head = read_head(&mut connection).await;
    seen.lock().expect("not poisoned").push(head.clone());
    let (method, rest) = head.split_once(' ').expect("a method");
    let (target, rest) = rest.split_once(' ').expect("a target");
    let (host, path) = match target.strip_prefix("http://") {
        Some(target) => target.split_once('/').expect("a path"),
        None => (target, ""),
    };
    let mut onward = TcpStream::connect(host).await.expect("a connection");
    if method == "CONNECT" {
        connection
            .write_all(b"HTTP/1.1 200 Connection established\r\n\r\n")
            .await
            .expect("written");
    } else {
        let lines = rest.split_inclusive("\r\n");
        let lines = lines.filter(|line| !line.starts_with("proxy-authorization"));
        let head = format!("{method} /{path} {}", lines.collect::<String>());
        onward.write_all(head.as_bytes()).await.expect("written");
    }
    let _ = copy_bidirectional(&mut connection, &mut onward).await;
}

/// The bytes up to the end of a head, or of the connection; of a greeting by TLS, the first.
async fn read_head(connection: &mut (impl AsyncRead + Unpin)) -> String {
    const GREETING: &[u8] = &[22];
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") && head != GREETING {
        match connection.read_u8().await {
            Ok(byte) => head.push(byte),
            Err(_) => break,
        }
    }
    String::from_utf8(head).expect("ASCII")
}

/// A header of a head, by its name in lower case.
pub(crate) fn header<'a>(head: &'a str, name: &str) -> Option<&'a str> {
    let mut lines = head.lines().filter_map(|line| line.split_once(": "));
    lines.find(|(found, _)| found.eq_ignore_ascii_case(name)).map(|(_, value)| value)
}
