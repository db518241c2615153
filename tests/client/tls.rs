//! TLS, with the roots that the environment names.

use std::fs;
use std::path::PathBuf;
use std::sync::Arc;

use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::pki_types::PrivateKeyDer;

use crate::asked::{ATTEMPT_TIMEOUT, KEY, create_user};
use crate::faulty::{Faulty, Step};
use crate::peers::{Peer, header};

/// A root of one's own, in a file as `SSL_CERT_FILE` names it.
pub(crate) struct Root {
    issuer: Issuer<'static, KeyPair>,
    folder: tempfile::TempDir,
}

impl Root {
    pub(crate) fn new() -> Self {
        let mut params = CertificateParams::default();
        params.distinguished_name.push(DnType::CommonName, "A root of one's own");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().expect("a key");
        let certificate = params.self_signed(&key).expect("a certificate");
        let folder = tempfile::tempdir().expect("a folder");
        let root = Self { issuer: Issuer::new(params, key), folder };
        fs::write(root.path(), certificate.pem()).expect("written");
        root
    }

    fn path(&self) -> PathBuf {
        self.folder.path().join("root.pem")
    }

    pub(crate) fn variable(&self) -> (&'static str, String) {
        ("SSL_CERT_FILE", self.path().to_str().expect("UTF-8").to_owned())
    }

    /// What a server of this name needs.
    pub(crate) fn acceptor(&self, name: &str) -> TlsAcceptor {
        let key = KeyPair::generate().expect("a key");
        let params = CertificateParams::new([name.to_owned()]).expect("a name");
        let certificate = params.signed_by(&key, &self.issuer).expect("a certificate");
        let key = PrivateKeyDer::try_from(key.serialize_der()).expect("a key");
        let config = ServerConfig::builder().with_no_client_auth();
        let config = config.with_single_cert(vec![certificate.der().clone()], key);
        TlsAcceptor::from(Arc::new(config.expect("a key for the certificate")))
    }
}

/// Asks SnapEngage at `localhost`, trusting the root.
async fn ask(snapengage: &Peer, root: &Root) -> String {
    let (name, path) = root.variable();
    create_user(&format!("https://localhost:{}", snapengage.port()), &[(name, &path)], &[]).await
}

#[tokio::test]
async fn a_root_of_ones_own_is_trusted() {
    let root = Root::new();
    let snapengage = Peer::snapengage_over(root.acceptor("localhost")).await;
    assert_eq!(ask(&snapengage, &root).await, "created");
    let [request] = &*snapengage.seen() else { panic!("expected one request") };
    let line = format!("PUT /api/v1/user.json?api_key={KEY} HTTP/1.1");
    assert_eq!(request.lines().next(), Some(&*line));
    assert_eq!(header(request, "host"), Some(&*format!("localhost:{}", snapengage.port())));
}

#[tokio::test]
async fn nothing_is_sent_to_a_stranger() {
    let root = Root::new();
    for (acceptor, problem) in [
        (Root::new().acceptor("localhost"), "invalid peer certificate"),
        (
            root.acceptor("snapengage.example"),
            "invalid peer certificate: certificate not valid for name",
        ),
    ] {
        let snapengage = Peer::snapengage_over(acceptor).await;
        let error = ask(&snapengage, &root).await;
        let expected =
            "user-create: no connection was made (PUT /api/v1/user.json, 4 attempts): client error";
        assert!(error.starts_with(expected), "{error}");
        assert!(error.contains(problem), "{error}");
        assert_eq!(snapengage.seen(), [""; 0]);
    }
}

#[tokio::test]
async fn nothing_is_sent_to_a_server_without_tls() {
    let snapengage = Peer::refusing("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}").await;
    let port = snapengage.port();
    let root = Root::new();
    let (name, path) = root.variable();
    let error = create_user(&format!("https://127.0.0.1:{port}"), &[(name, &path)], &[]).await;
    assert!(
        error.contains("no connection was made (PUT /api/v1/user.json, 4 attempts)"),
        "{error}"
    );
}

#[tokio::test]
async fn a_server_that_is_silent_was_sent_nothing() {
    let silent = Faulty::always(&[Step::Hold]).await;
    let address = silent.url().replace("http:", "https:");
    let root = Root::new();
    let (name, path) = root.variable();
    let variables = [(name, &*path), (ATTEMPT_TIMEOUT, "600")];
    let error = create_user(&address, &variables, &[]).await;
    let expected = "no connection was made (PUT /api/v1/user.json, 4 attempts)";
    assert!(error.contains(expected) && error.contains("no connection within 200ms"), "{error}");
}

#[tokio::test]
async fn without_a_root_nothing_is_built_for_https() {
    let folder = tempfile::tempdir().expect("a folder");
    let empty = folder.path().join("empty.pem");
    fs::write(&empty, "").expect("written");
    for path in [empty, folder.path().join("missing.pem")] {
        let variables = [("SSL_CERT_FILE", path.to_str().expect("UTF-8"))];
        let error = create_user("https://localhost:1", &variables, &[]).await;
        assert!(error.contains("https needs root certificates: no native root"), "{error}");

        let plain = Peer::snapengage().await;
        let address = format!("http://127.0.0.1:{}", plain.port());
        assert_eq!(create_user(&address, &variables, &[]).await, "created");
    }
}
