//! Receivers at an address.

use snapengage::Api;
use snapengage::record::{Recording, RemoteReceiver};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use super::written::{Written, folder};
use super::{CONTACT, receiver, recorded_samples};

async fn listener() -> (TcpListener, String) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = format!("http://{}", listener.local_addr().expect("an address"));
    (listener, address)
}

/// A receiver on a socket, for as long as the test runs.
async fn served() -> String {
    let (listener, address) = listener().await;
    tokio::spawn(snapengage::serve(listener, receiver(), std::future::pending::<()>()));
    address
}

#[tokio::test]
async fn all_samples_are_answered_over_a_socket_as_in_process() {
    let files = folder(&recorded_samples(&receiver()).await);
    let recording = Recording::open(files.path()).expect("a recording");
    let remote = RemoteReceiver::at(&served().await).expect("an address");
    let (api, path) = CONTACT;
    let report = recording.replay(&remote).token("my-token").path(api, path).await;
    report.assert_same();
    assert_eq!(report.sent(), recording.len() as u64);
}

#[tokio::test]
async fn a_refused_body_is_refused_over_a_socket() {
    let too_long = r#"{"code":413,"message":"the body is larger than 2097152 bytes"}"#;
    for cut in ["3000000", "?"] {
        let mut cut_off = Written::new(1, "integration", "{").answered(413, too_long);
        cut_off.notes = format!("# cut: {cut}");
        let files = folder(&[cut_off]);
        let recording = Recording::open(files.path()).expect("a recording");
        let remote = RemoteReceiver::at(&served().await).expect("an address");
        recording.replay(&remote).token("my-token").await.assert_same();
    }
}

#[tokio::test]
async fn a_receiver_that_is_down_ends_the_replay() {
    let (listener, address) = listener().await;
    drop(listener);
    let remote = RemoteReceiver::at(&address).expect("an address");
    let samples = Recording::samples();
    let report = samples.replay(&remote).token("my-token").await;
    let stopped = report.stopped().expect("nobody listens");
    assert!(stopped.starts_with("receiver: no answer: no connection was made"), "{stopped}");
    assert_eq!(report.sent(), 1);
    assert!(!report.is_same());
}

#[tokio::test]
async fn an_answer_that_has_no_end_is_cut_off() {
    let (listener, address) = listener().await;
    tokio::spawn(async move {
        let (mut connection, _) = listener.accept().await.expect("a connection");
        let _ = connection.read(&mut [0; 4096]).await;
        let head = b"HTTP/1.1 200 OK\r\nContent-Length: 104857600\r\n\r\n";
        let _ = connection.write_all(head).await;
        while connection.write_all(&[b'x'; 65536]).await.is_ok() {}
    });
    let remote = RemoteReceiver::at(&address).expect("an address");
    let files = folder(&[Written::message(1, "c", "Hi").said("Hi")]);
    let recording = Recording::open(files.path()).expect("a recording");
    let report = recording.replay(&remote).token("t").await;
    assert!(report.to_string().ends_with("receiver: an answer of more than 16 MiB"), "{report}");
}

#[tokio::test]
async fn an_address_may_have_a_path() {
    let remote = format!("{}/bot", served().await);
    let remote = RemoteReceiver::at(&remote).expect("an address");
    let samples = Recording::samples();
    let replay = samples.replay(&remote).token("my-token").only(Api::Bot);
    replay.every_path("/").await.assert_same();
}

#[test]
fn what_is_no_address_is_refused() {
    for address in ["", "localhost", "ftp://localhost", "http://", "http://a/?b", "/bot"] {
        let error = RemoteReceiver::at(address).expect_err("no address").to_string();
        assert_eq!(
            error, "receiver: expected an address like `http://127.0.0.1:8080`",
            "{address}"
        );
    }
    let remote = RemoteReceiver::at("http://jane:secret@localhost").expect("an address");
    assert!(!format!("{remote:?}").contains("secret"));
}
