//! A bot that speaks TLS by itself, on a host without a proxy.
//!
//! ```sh
//! SNAPENGAGE_TOKEN=my-token cargo run --example tls cert.pem key.pem
//!
//! curl https://localhost:8443/bot --cacert cert.pem -H 'Authorization: my-token' \
//!     -d '{"event":"message","widget_id":"w","case_id":"c","text":"Hi"}'
//! ```
//!
//! The address to listen on is an optional argument. A certificate to try it with:
//! `openssl req -x509 -newkey rsa:2048 -nodes -days 30 -subj /CN=localhost
//! -addext subjectAltName=DNS:localhost -keyout key.pem -out cert.pem`

mod common;

use std::io;
use std::sync::Arc;

use anyhow::Context;
use snapengage::bot::{self, Reply};
use snapengage::{Listener, Receiver, Token};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::server::TlsStream;
use tokio_rustls::{Accept, TlsAcceptor};

struct TlsListener {
    listener: TcpListener,
    acceptor: TlsAcceptor,
}

impl Listener for TlsListener {
    type Io = TlsStream<TcpStream>;
    type Handshake = Accept<TcpStream>;

    async fn accept(&mut self) -> io::Result<Self::Handshake> {
        let (stream, _) = self.listener.accept().await?;
        // Otherwise an answer could wait for the client to acknowledge the handshake.
        let _ = stream.set_nodelay(true);
        // Not awaited: a client that is slow in the handshake would keep all others waiting.
        Ok(self.acceptor.accept(stream))
    }
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    common::log();
    let mut args = std::env::args().skip(1);
    let certificate = args.next().context("expected the file of a certificate")?;
    let key = args.next().context("expected the file of its key")?;
    let address = args.next().unwrap_or_else(|| "127.0.0.1:8443".to_owned());

    let bot = bot::from_fn(|message| async move { Ok(Reply::say(message.text)) });
    let token = Token::from_env("SNAPENGAGE_TOKEN");
    let receiver = Receiver::builder().bot("/bot", token, bot).build()?;

    let acceptor = acceptor(&certificate, &key).context("no TLS with this certificate and key")?;
    let listener = TcpListener::bind(address).await?;
    common::say(format_args!("listening on https://{}", listener.local_addr()?));
    let listener = TlsListener { listener, acceptor };
    snapengage::serve(listener, receiver, snapengage::shutdown_signal()).await;
    Ok(())
}

fn acceptor(certificate: &str, key: &str) -> anyhow::Result<TlsAcceptor> {
    let chain = CertificateDer::pem_file_iter(certificate)?.collect::<Result<Vec<_>, _>>()?;
    let key = PrivateKeyDer::from_pem_file(key)?;
    let mut config = ServerConfig::builder().with_no_client_auth().with_single_cert(chain, key)?;
    // Negotiates HTTP/1.1 with a client that offers HTTP/2.
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(TlsAcceptor::from(Arc::new(config)))
}
