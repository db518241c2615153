//! An inbox that is run around a server.

use std::net::SocketAddr;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;
use tokio::task::yield_now;

use super::*;
use crate::support::get;
use crate::support::requests::TOKEN;

const BODY: &str = r#"{"id":"late"}"#;

/// A request that the server has begun to handle: it has asked for the body, which is yet to be
/// sent.
async fn begun(address: SocketAddr) -> TcpStream {
    let mut stream = TcpStream::connect(address).await.expect("connected");
    let head = format!(
        "POST /integration HTTP/1.1\r\nHost: test\r\nAuthorization: {TOKEN}\r\n\
         Expect: 100-continue\r\nContent-Length: {}\r\n\r\n",
        BODY.len()
    );
    stream.write_all(head.as_bytes()).await.expect("sent");
    let mut asked = [0; "HTTP/1.1 100 Continue\r\n\r\n".len()];
    stream.read_exact(&mut asked).await.expect("asked for the body");
    stream
}

async fn answer(mut stream: TcpStream) -> String {
    stream.write_all(BODY.as_bytes()).await.expect("sent");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.expect("an answer");
    answer
}

pub(crate) async fn is_over_before_the_work_and_loses_nothing<P: Place>() {
    let place = P::fresh().await;
    let inbox = place.inbox(quick()).await;
    let (crm, mut calls) = Crm::gated();
    let receiver = Receiver::builder()
        .integration("/integration", auth(), inbox.feed(crm.clone()))
        .healthz("/healthz")
        .build()
        .expect("a valid receiver");
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    let (shutdown, is_shut_down) = oneshot::channel::<()>();
    let (served, is_served) = oneshot::channel::<()>();
    let run = tokio::spawn({
        let inbox = inbox.clone();
        let receiver = receiver.clone();
        async move {
            let serve = async {
                let shutdown = async { drop(is_shut_down.await) };
                snapengage::serve(listener, receiver, shutdown).await;
                drop(served);
                "served"
            };
            inbox.run(serve).await
        }
    });

    assert_taken(chat(&receiver, "early").await);
    assert_eq!(call(&mut calls).await.0, "early ");
    let late = begun(address).await;
    shutdown.send(()).expect("somebody serves");
    while receiver.handle(get("/healthz")).await.status() == 200 {
        yield_now().await;
    }
    let answer = answer(late).await;
    assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"), "{answer}");
    is_served.await.expect_err("the server is over");
    assert!(!run.is_finished(), "a handler has not returned");
    crm.gate.add_permits(2);
    assert_eq!(run.await.expect("no panic"), "served");

    let [waiting, working, done, dead] = counts(&inbox).await;
    assert_eq!((waiting + done, working, dead), (2, 0, 0));
    // Claimed before the server was over, or by the next process.
    work(&inbox, &mut calls, 1).await;
    let done: Vec<_> = list(&inbox, State::Done).await.into_iter().map(|it| it.subject).collect();
    assert_eq!(done, ["case early", "case late"]);
}
