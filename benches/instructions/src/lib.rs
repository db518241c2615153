//! What the servers have in common.

use std::convert::Infallible;

use bytes::Bytes;
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;

#[path = "../../baseline/mod.rs"]
pub mod baseline;

/// Runs a server on one thread, and says on standard output where it listens.
pub fn run<F: Future<Output = ()>>(server: impl FnOnce(TcpListener) -> F) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.expect("a runtime").block_on(async {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        println!("{}", listener.local_addr().expect("bound").port());
        server(listener).await;
    });
}

/// Serves hyper, as plain as it comes.
pub async fn serve<F>(listener: TcpListener, answer: fn(Request<Incoming>) -> F)
where
    F: Future<Output = Response<Full<Bytes>>> + Send + 'static,
{
    while let Ok((stream, _)) = listener.accept().await {
        stream.set_nodelay(true).expect("a socket");
        let service =
            service_fn(move |request| async move { Ok::<_, Infallible>(answer(request).await) });
        let connection = http1::Builder::new().serve_connection(TokioIo::new(stream), service);
        tokio::spawn(async { drop(connection.await) });
    }
}
