//! SnapEngage is reached by https: the roots are those of the system, or of `SSL_CERT_FILE`.

use std::fs;
use std::future::pending;
use std::io;
use std::sync::Arc;

use snapengage::Listener;
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::pki_types::PrivatePkcs8KeyDer;
use tokio_rustls::server::TlsStream;
use tokio_rustls::{Accept, TlsAcceptor};

use super::vendor::{run, simulator, snapengage};
use super::{error, stdout};

struct Tls(TcpListener, TlsAcceptor);

impl Listener for Tls {
    type Io = TlsStream<TcpStream>;
    type Handshake = Accept<TcpStream>;

    async fn accept(&mut self) -> io::Result<Self::Handshake> {
        Ok(self.1.accept(self.0.accept().await?.0))
    }
}

#[tokio::test]
async fn a_root_of_ones_own_is_trusted() {
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).expect("made");
    let key = PrivatePkcs8KeyDer::from(made.signing_key.serialize_der());
    let config = ServerConfig::builder()
        .with_no_client_auth()
        .with_single_cert(vec![made.cert.der().clone()], key.into())
        .expect("a certificate and its key");
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let port = listener.local_addr().expect("an address").port();
    let tls = Tls(listener, TlsAcceptor::from(Arc::new(config)));
    let simulator = simulator().build().expect("a simulator");
    tokio::spawn(async move { simulator.serve(tls, pending()).await });

    let dir = tempfile::tempdir().expect("a folder");
    let roots = |name: &str, pem: String| {
        let path = dir.path().join(name);
        fs::write(&path, pem).expect("written");
        path
    };
    let own = roots("own.pem", made.cert.pem());
    let other = rcgen::generate_simple_self_signed(["localhost".to_owned()]).expect("made");
    let other = roots("other.pem", other.cert.pem());
    let url = format!("https://localhost:{port}");
    let online = async |roots| {
        let mut command = snapengage(&["widget", "online", "sales", "--url", &url]);
        run(command.env("SSL_CERT_FILE", roots).env_remove("SSL_CERT_DIR")).await
    };
    assert_eq!(stdout(&online(&own).await), "online\n");
    let told = error(&online(&other).await);
    assert!(told.contains("certificate"), "{told}");
}
