//! The simulator on a socket.

use std::time::Duration;

use http::header::CONNECTION;
use http::{HeaderValue, Request, Response};
use hyper::body::Incoming;

use super::Simulator;
use super::vendor::refusal::Refusal;
use crate::client::{ResponseBody, TransportError};
use crate::server::acceptor::Acceptor;
use crate::server::listener::Listener;
use crate::server::service::{Exchange, Paced, Serve};
use crate::server::settings::Settings;

/// Longest head of a request: what a visitor says is in its address.
const HEADER_LIMIT: usize = 128 << 10;

/// Time that answers which have begun are waited for at the end.
const DRAIN: Duration = Duration::from_millis(500);

impl Simulator {
    /// Serves the APIs on a socket until `shutdown` is ready.
    ///
    /// Answers that have begun are waited for by then, for half a second. A [fault](Self::fault)
    /// that breaks an answer off resets its connection, and so does one that makes none.
    ///
    /// ```no_run
    /// use snapengage::simulator::Simulator;
    ///
    /// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
    /// let simulator = Simulator::builder().widget("sales").build()?;
    /// let listener = tokio::net::TcpListener::bind("127.0.0.1:7070").await?;
    /// simulator.serve(listener, snapengage::shutdown_signal()).await;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Panics
    ///
    /// Outside of a tokio runtime with time, which `#[tokio::main]` has.
    pub async fn serve(&self, listener: impl Listener, shutdown: impl Future<Output = ()>) {
        let mut settings = Settings::default();
        (settings.header_limit, settings.drain_deadline) = (HEADER_LIMIT, DRAIN);
        Acceptor::new(self.clone(), settings).run(listener, shutdown).await;
    }
}

impl Serve for Simulator {
    type Error = TransportError;
    type Body = Paced<ResponseBody>;

    async fn answer(
        &self,
        request: Request<Incoming>,
        exchange: Exchange<'_>,
    ) -> Result<Response<Paced<ResponseBody>>, TransportError> {
        let response =
            if exchange.framing.is_ok() { self.handle(request).await? } else { refused_framing() };
        Ok(response.map(|body| exchange.paced(body)))
    }

    fn start_draining(&self) {}

    async fn finished(&self) {}
}

/// Refuses a request whose end is in doubt, and whatever may come behind it.
fn refused_framing() -> Response<ResponseBody> {
    let answer = Refusal::malformed("the end of the request is in doubt").answer(None);
    let mut response = answer.into_response(ResponseBody::from);
    response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
    response
}
