//! A server of a test that writes what no HTTP server would.

use std::net::SocketAddr;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;

/// What a connection is written, after the head of its request.
pub(crate) enum Reply {
    /// Then it is closed.
    Close(Vec<u8>),
    /// Then it stays open.
    Hold(Vec<u8>),
}

pub(crate) struct RawServer {
    pub(crate) address: SocketAddr,
    /// The head of each request, once it was replied to.
    pub(crate) heads: mpsc::UnboundedReceiver<String>,
}

impl RawServer {
    /// Starts a server whose connections are replied to in this order.
    pub(crate) async fn start(replies: Vec<Reply>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("bound");
        let (sender, heads) = mpsc::unbounded_channel();
        tokio::spawn(async move {
            let mut held = Vec::new();
            for reply in replies {
                let (mut stream, _) = listener.accept().await.expect("a connection");
                let head = head(&mut stream).await;
                let (Reply::Close(bytes) | Reply::Hold(bytes)) = &reply;
                stream.write_all(bytes).await.expect("somebody reads");
                if let Reply::Hold(_) = reply {
                    held.push(stream);
                }
                let _ = sender.send(head);
            }
            sender.closed().await;
        });
        Self { address, heads }
    }

    /// The address of a file there.
    pub(crate) fn file(&self, path_and_query: &str) -> String {
        format!("http://{}{path_and_query}", self.address)
    }

    pub(crate) async fn head(&mut self) -> String {
        self.heads.recv().await.expect("a request")
    }
}

async fn head(stream: &mut TcpStream) -> String {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await.expect("a whole head"));
    }
    String::from_utf8(head).expect("UTF-8")
}
