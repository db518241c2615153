//! Loop of one connection, from its first request to its end.

use std::convert::Infallible;
use std::pin::pin;
use std::sync::Arc;

use http::header::CONNECTION;
use http::{HeaderValue, Request, Response};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio::sync::{OwnedSemaphorePermit, watch};

use super::patience::{Deadlines, Patience};
use super::progress::{Closing, KeepAlive, SharedProgress};
use super::shutdown::{Stage, reached};
use super::socket::Socket;
use crate::caught::quietly;
use crate::receiver::Receiver;
use crate::receiver::response::Body;

/// Everything that one connection needs of its server.
pub(super) struct Connection {
    pub(super) receiver: Receiver,
    pub(super) header_limit: usize,
    pub(super) deadlines: Deadlines,
    pub(super) stage: watch::Receiver<Stage>,
    pub(super) _permit: OwnedSemaphorePermit,
}

impl Connection {
    /// Answers the requests of a connection until either side closes it.
    pub(super) async fn serve(mut self, stream: TcpStream) {
        if let Err(error) = stream.set_nodelay(true) {
            quietly(|| tracing::debug!(%error, "TCP_NODELAY could not be set"));
        }
        let progress = Arc::new(SharedProgress::default());
        let io = TokioIo::new(Socket::new(stream, Arc::clone(&progress)));
        let service = service_fn(|request| answer(&self.receiver, &progress, request));
        let mut http = http1::Builder::new();
        http.max_header_size(self.header_limit);
        let mut connection = pin!(http.serve_connection(io, service));
        let mut patience = Patience::new(&progress, self.deadlines);
        for stage in [Stage::Draining, Stage::Cut] {
            tokio::select! {
                biased;
                ended = connection.as_mut() => return note_end(ended),
                () = patience.lost() => return quietly(|| tracing::debug!("client too slow")),
                () = reached(&mut self.stage, stage) => connection.as_mut().graceful_shutdown(),
            }
        }
    }
}

fn note_end(ended: hyper::Result<()>) {
    if let Err(error) = ended {
        quietly(|| tracing::debug!(%error, "connection broke"));
    }
}

async fn answer(
    receiver: &Receiver,
    progress: &SharedProgress,
    request: Request<Incoming>,
) -> Result<Response<Body>, Infallible> {
    let framing = progress.lock().begin(&request);
    let mut response = receiver.handle_framed(request, framing).await;
    if progress.lock().end() == KeepAlive::Close {
        response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
    }
    if !response.status().is_success() && response.headers().contains_key(CONNECTION) {
        progress.lock().closing = Closing::Lingering;
    }
    Ok(response)
}
