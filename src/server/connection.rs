//! Loop of one connection, from its first request to its end.

use std::io;
use std::pin::pin;
use std::sync::Arc;

use http::header::CONNECTION;
use http::{HeaderValue, Request, Response};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::{OwnedSemaphorePermit, watch};
use tokio::time::timeout;

use super::patience::{Deadlines, Patience};
use super::progress::{Closing, KeepAlive, Phase, SharedProgress};
use super::service::{Exchange, Heads, Serve};
use super::shutdown::{Stage, reached};
use super::socket::Socket;
use crate::error::WithCauses;
use crate::panics::log_safely;
use crate::receiver::observer::ConnectionEvent;

/// Connection that was accepted, and what it needs of its server.
pub(super) struct Connection<S> {
    pub(super) service: S,
    pub(super) header_limit: usize,
    pub(super) deadlines: Deadlines,
    pub(super) stage: watch::Receiver<Stage>,
    pub(super) _permit: OwnedSemaphorePermit,
}

impl<S: Serve> Connection<S> {
    /// Answers the requests of a connection until either side closes it.
    pub(super) async fn serve<I>(mut self, handshake: impl Future<Output = io::Result<I>>)
    where
        I: AsyncRead + AsyncWrite + Unpin + 'static,
    {
        let Some(stream) = self.shake_hands(handshake).await else { return };
        let told = Told::of(&self.service);
        let progress = Arc::new(SharedProgress::default());
        let io = TokioIo::new(Socket::new(stream, Arc::clone(&progress)));
        let service = service_fn(|request| answer(&self.service, &progress, request));
        let mut http = http1::Builder::new();
        // A head without an end would fill the memory: past this, hyper answers 431 (RFC 6585, 5).
        http.max_header_size(self.header_limit);
        http.preserve_header_case(S::HEADS == Heads::Forwarded);
        http.auto_date_header(S::HEADS == Heads::Own);
        let mut connection = pin!(http.serve_connection(io, service));
        let mut patience = Patience::new(&progress, self.deadlines);
        for stage in [Stage::Draining, Stage::Cut] {
            // In this order: a request that is there already is read before a deadline or a
            // shutdown is looked at, which would take it for an idle connection.
            tokio::select! {
                biased;
                ended = connection.as_mut() => return told.end(ended, &progress),
                () = patience.lost() => return told.too_slow(progress.lock().phase()),
                () = reached(&mut self.stage, stage) => connection.as_mut().graceful_shutdown(),
            }
        }
        told.note(ConnectionEvent::Cut);
    }

    /// Waits for the handshake, and no longer than for a head.
    ///
    /// It goes on while the server drains: a client sends its first request right behind its part
    /// of a TLS handshake.
    async fn shake_hands<I>(
        &mut self,
        handshake: impl Future<Output = io::Result<I>>,
    ) -> Option<I> {
        let ended = tokio::select! {
            biased;
            ended = timeout(self.deadlines.header, handshake) => ended,
            () = reached(&mut self.stage, Stage::Cut) => return None,
        };
        match ended {
            Ok(Ok(stream)) => return Some(stream),
            Ok(Err(error)) => {
                log_safely(|| tracing::debug!(error = %WithCauses(&error), "handshake failed"));
            }
            Err(_) => log_safely(|| tracing::debug!("client too slow")),
        }
        self.service.note_connection(ConnectionEvent::Handshake);
        None
    }
}

/// Service as it is told of a connection: of its end in any case.
struct Told<'s, S: Serve>(&'s S);

impl<'s, S: Serve> Told<'s, S> {
    fn of(service: &'s S) -> Self {
        service.note_connection(ConnectionEvent::Opened);
        Self(service)
    }

    fn note(&self, event: ConnectionEvent) {
        self.0.note_connection(event);
    }

    fn end(&self, ended: hyper::Result<()>, progress: &SharedProgress) {
        let Err(error) = ended else { return };
        // The service's own: an end in order could be taken for the end of the answer.
        if error.is_user() {
            progress.lock().closing = Closing::Reset;
        }
        if error.is_parse_too_large() {
            self.note(ConnectionEvent::HeadTooLarge);
        } else if error.is_parse() {
            self.note(ConnectionEvent::Malformed);
        }
        log_safely(|| tracing::debug!(error = %WithCauses(&error), "connection broke"));
    }

    fn too_slow(&self, phase: Phase) {
        match phase {
            Phase::Head => self.note(ConnectionEvent::HeadTooSlow),
            Phase::Writing => self.note(ConnectionEvent::ReadTooSlow),
            // Whoever is idle is free to be.
            Phase::New | Phase::Idle | Phase::Busy | Phase::Lingering => {}
        }
        log_safely(|| tracing::debug!("client too slow"));
    }
}

impl<S: Serve> Drop for Told<'_, S> {
    fn drop(&mut self) {
        self.note(ConnectionEvent::Closed);
    }
}

async fn answer<S: Serve>(
    service: &S,
    progress: &Arc<SharedProgress>,
    request: Request<Incoming>,
) -> Result<Response<S::Body>, S::Error> {
    let framing = progress.lock().begin(&request);
    let mut response = service.answer(request, Exchange { framing, progress }).await?;
    // Whoever sends more behind a request whose end is not known could have that taken for a
    // request of its own: the answer says that it is the last (RFC 9112, 9.6).
    if progress.lock().end() == KeepAlive::Close {
        response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
    }
    // A refusal comes before the body is read, which the client may still be sending.
    if !response.status().is_success() && response.headers().contains_key(CONNECTION) {
        progress.lock().closing = Closing::Lingering;
    }
    Ok(response)
}
