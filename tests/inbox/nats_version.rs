//! A NATS server that is too old for an inbox.

use std::io;

use snapengage::inbox::Inbox;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpListener;

#[tokio::test]
async fn is_not_used() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let url = format!("nats://{}", listener.local_addr().expect("an address"));
    tokio::spawn(serve(listener, "2.11.11"));
    let error = Inbox::connect(&url, "inbox").await.expect_err("too old");
    assert_eq!(format!("{error:?}"), "inbox failed: nats-server 2.11.11, expected 2.12 or newer");
}

/// Says which server it is, and that it is there.
async fn serve(listener: TcpListener, version: &str) -> io::Result<()> {
    let (stream, _) = listener.accept().await?;
    let mut stream = BufReader::new(stream);
    let info = format!(r#"{{"version":"{version}","max_payload":1048576,"headers":true}}"#);
    stream.write_all(format!("INFO {info}\r\n").as_bytes()).await?;
    let mut line = String::new();
    while stream.read_line(&mut line).await? > 0 {
        if line == "PING\r\n" {
            stream.write_all(b"PONG\r\n").await?;
        }
        line.clear();
    }
    Ok(())
}
