//! Interface between the server and what it serves.

use std::convert::Infallible;
use std::error::Error;
use std::sync::Arc;

use bytes::Bytes;
use http::{Request, Response};
use hyper::body::Incoming;

pub(crate) use super::paced::Paced;
use super::progress::SharedProgress;
use crate::endpoint::rejection::Rejection;
use crate::receiver::Receiver;
use crate::receiver::observer::ConnectionEvent;
use crate::receiver::response::Body;

/// Party that a server serves: a [`Receiver`], or SnapEngage's side of the APIs.
pub(crate) trait Serve: Clone + Send + Sync + 'static {
    /// Reason for a connection to be reset: instead of an answer, or in the middle of one.
    type Error: Into<Box<dyn Error + Send + Sync>>;

    /// Body of an answer: there at once, or [`Paced`].
    type Body: http_body::Body<Data = Bytes, Error = Self::Error> + Send + 'static;

    /// Origin of the heads of answers.
    const HEADS: Heads = Heads::Own;

    /// Answers a request.
    fn answer(
        &self,
        request: Request<Incoming>,
        exchange: Exchange<'_>,
    ) -> impl Future<Output = Result<Response<Self::Body>, Self::Error>> + Send;

    /// Takes note that no more requests should come. A body without an end ends now: the server
    /// waits for those that have begun, until it cuts them.
    fn start_draining(&self);

    /// Takes note of what happened to a connection.
    fn note_connection(&self, _event: ConnectionEvent) {}

    /// Waits for the work whose callers have hung up.
    fn finished(&self) -> impl Future<Output = ()> + Send;
}

/// Origin of the heads of a party's answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(not(all(feature = "client", feature = "record")), allow(dead_code))]
pub(crate) enum Heads {
    /// The party: hyper completes them, with the names in lower case.
    Own,
    /// Another server: they go back as they came.
    Forwarded,
}

/// Exchange of one request and its answer, beside the request.
pub(crate) struct Exchange<'a> {
    /// Refusal of a request whose end somebody else could see elsewhere: nothing in it is trusted.
    // Boxed, since it is moved along with every request: 160 instructions.
    pub(crate) framing: Result<(), Box<Rejection>>,
    pub(super) progress: &'a Arc<SharedProgress>,
}

impl Exchange<'_> {
    /// Returns the head of the request in the bytes as they came; `None` if it is not known for
    /// sure where it started, which is so once a client does not wait for its answers.
    #[cfg_attr(not(all(feature = "client", feature = "record")), allow(dead_code))]
    pub(crate) fn raw_head(&self) -> Option<Bytes> {
        self.progress.lock().head().map(Bytes::copy_from_slice)
    }

    /// Lets a body take its time, for which no deadline runs while the client has all of it that is
    /// there, and fail, for which the connection is reset behind what was there.
    pub(crate) fn paced<B>(&self, body: B) -> Paced<B>
    where
        B: http_body::Body<Data = Bytes, Error: Unpin> + Unpin,
    {
        Paced::new(body, Arc::clone(self.progress))
    }
}

impl Serve for Receiver {
    type Error = Infallible;
    type Body = Body;

    fn answer(
        &self,
        request: Request<Incoming>,
        exchange: Exchange<'_>,
    ) -> impl Future<Output = Result<Response<Body>, Infallible>> + Send {
        let Exchange { framing, progress } = exchange;
        self.handle_framed(request, framing, |stream| {
            Box::pin(Paced::new(stream, Arc::clone(progress)))
        })
    }

    fn start_draining(&self) {
        Self::start_draining(self);
    }

    fn note_connection(&self, event: ConnectionEvent) {
        Self::note_connection(self, event);
    }

    async fn finished(&self) {
        Self::finished(self).await;
    }
}

#[cfg(test)]
mod tests {
    use std::io;
    use std::pin::Pin;
    use std::task::{Context, Poll};
    use std::time::Duration;

    use http::StatusCode;
    use http_body::Frame;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::{TcpListener, TcpStream};
    use tokio::sync::{mpsc, oneshot, watch};
    use tokio::task::JoinHandle;
    use tokio::time::{sleep, timeout};

    use super::*;
    use crate::server::acceptor::Acceptor;
    use crate::server::settings::Settings;

    /// Shorter than the pauses of a slow body.
    const SHORT: Duration = Duration::from_millis(50);

    const LONG: Duration = Duration::from_secs(3600);

    type Frames = mpsc::Receiver<Result<Bytes, &'static str>>;

    /// Party whose answers are written by the test, frame by frame.
    #[derive(Clone)]
    struct Scripted {
        answers: mpsc::Sender<Answering>,
        draining: watch::Sender<bool>,
    }

    /// Request that waits for its answer.
    type Answering = oneshot::Sender<Result<Frames, &'static str>>;

    struct FrameBody(Frames);

    impl http_body::Body for FrameBody {
        type Data = Bytes;
        type Error = &'static str;

        fn poll_frame(
            mut self: Pin<&mut Self>,
            context: &mut Context<'_>,
        ) -> Poll<Option<Result<Frame<Bytes>, &'static str>>> {
            self.0.poll_recv(context).map_ok(Frame::data)
        }
    }

    impl Serve for Scripted {
        type Error = &'static str;
        type Body = Paced<FrameBody>;

        async fn answer(
            &self,
            _request: Request<Incoming>,
            exchange: Exchange<'_>,
        ) -> Result<Response<Paced<FrameBody>>, &'static str> {
            let (answering, answer) = oneshot::channel();
            self.answers.send(answering).await.expect("a test that listens");
            let frames = answer.await.unwrap_or(Err("the test is done"))?;
            let mut response = Response::new(exchange.paced(FrameBody(frames)));
            if exchange.framing.is_err() {
                *response.status_mut() = StatusCode::BAD_REQUEST;
            }
            Ok(response)
        }

        fn start_draining(&self) {
            self.draining.send_replace(true);
        }

        async fn finished(&self) {}
    }

    /// A served [`Scripted`], and one client.
    struct Served {
        requests: mpsc::Receiver<Answering>,
        draining: watch::Receiver<bool>,
        client: TcpStream,
        shutdown: Option<oneshot::Sender<()>>,
        server: JoinHandle<()>,
    }

    impl Served {
        async fn start(settings: Settings) -> Self {
            let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
            let address = listener.local_addr().expect("an address");
            let (answers, requests) = mpsc::channel(1);
            let (draining, drained) = watch::channel(false);
            let (shutdown, stop) = oneshot::channel::<()>();
            let acceptor = Acceptor::new(Scripted { answers, draining }, settings);
            let server = tokio::spawn(acceptor.run(listener, async { _ = stop.await }));
            let client = TcpStream::connect(address).await.expect("a connection");
            Self { requests, draining: drained, client, shutdown: Some(shutdown), server }
        }

        async fn ask(&mut self, request: &str) -> Answering {
            self.client.write_all(request.as_bytes()).await.expect("sent");
            in_time(self.requests.recv()).await.expect("a request")
        }

        /// Answers a request with a body that the test goes on with.
        async fn begin(&mut self) -> mpsc::Sender<Result<Bytes, &'static str>> {
            let (frames, body) = mpsc::channel(1);
            self.ask(GET).await.send(Ok(body)).expect("a service that waits");
            frames
        }

        async fn read_until(&mut self, end: &str) -> String {
            let mut read = String::new();
            while !read.ends_with(end) {
                let mut buffer = [0; 1024];
                let length = in_time(self.client.read(&mut buffer)).await.expect("an answer");
                assert!(length > 0, "closed after {read:?}");
                read += str::from_utf8(&buffer[..length]).expect("text");
            }
            read
        }

        async fn end(&mut self) -> io::Result<usize> {
            in_time(self.client.read(&mut [0; 1024])).await
        }

        async fn stop(mut self) {
            self.shutdown.take().expect("not yet").send(()).expect("a server");
            in_time(self.server).await.expect("no panic");
        }
    }

    const GET: &str = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";

    async fn in_time<T>(future: impl Future<Output = T>) -> T {
        timeout(Duration::from_secs(20), future).await.expect("in time")
    }

    /// Deadlines that pass at once, but for those of the first request.
    fn impatient() -> Settings {
        let mut settings = Settings::default();
        (settings.deadlines.idle, settings.deadlines.write) = (SHORT, SHORT);
        settings
    }

    fn is_reset(end: &io::Result<usize>) -> bool {
        end.as_ref().is_err_and(|error| error.kind() == io::ErrorKind::ConnectionReset)
    }

    fn text(text: &'static str) -> Result<Bytes, &'static str> {
        Ok(Bytes::from_static(text.as_bytes()))
    }

    #[tokio::test]
    async fn a_service_that_fails_resets_the_connection() {
        let mut served = Served::start(Settings::default()).await;
        served.ask(GET).await.send(Err("reset")).expect("a service that waits");
        let end = served.end().await;
        assert!(is_reset(&end), "{end:?}");
        served.stop().await;
    }

    #[tokio::test]
    async fn a_body_that_fails_is_cut_behind_its_start() {
        let mut served = Served::start(Settings::default()).await;
        let (frames, body) = mpsc::channel(2);
        frames.try_send(text("half")).expect("room");
        frames.try_send(Err("reset")).expect("room");
        served.ask(GET).await.send(Ok(body)).expect("a service that waits");
        let answer = served.read_until("4\r\nhalf\r\n").await;
        assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"), "{answer:?}");
        let end = served.end().await;
        assert!(is_reset(&end), "{end:?}");
        served.stop().await;
    }

    #[tokio::test]
    async fn a_slow_body_outlives_the_deadlines_of_the_client() {
        let mut served = Served::start(impatient()).await;
        let frames = served.begin().await;
        for _ in 0..2 {
            sleep(SHORT * 3).await;
            frames.send(text("slow")).await.expect("a connection");
            served.read_until("4\r\nslow\r\n").await;
        }
        drop(frames);
        served.read_until("0\r\n\r\n").await;
        // Idle from here on.
        assert_eq!(served.end().await.expect("closed in order"), 0);
        served.stop().await;
    }

    #[tokio::test]
    async fn a_client_that_reads_nothing_is_given_up() {
        let mut served = Served::start(impatient()).await;
        let frames = served.begin().await;
        let piece = Bytes::from(vec![b'x'; 1024 * 1024]);
        // Until the body is dropped, and the connection with it.
        while in_time(frames.send(Ok(piece.clone()))).await.is_ok() {}
        served.stop().await;
    }

    #[tokio::test]
    async fn a_request_behind_a_slow_body_waits_for_its_end() {
        let mut settings = impatient();
        settings.deadlines.header = SHORT;
        let mut served = Served::start(settings).await;
        let frames = served.begin().await;
        served.read_until("\r\n\r\n").await;
        served.client.write_all(GET.as_bytes()).await.expect("sent");
        sleep(SHORT * 3).await;
        drop(frames);
        in_time(served.requests.recv()).await.expect("the second request");
        served.stop().await;
    }

    #[tokio::test]
    async fn a_body_without_end_ends_when_the_drain_begins() {
        let settings = Settings { drain_deadline: LONG, ..Settings::default() };
        let mut served = Served::start(settings).await;
        let frames = served.begin().await;
        frames.send(text("event")).await.expect("a connection");
        served.read_until("5\r\nevent\r\n").await;
        let mut draining = served.draining.clone();
        let source = tokio::spawn(async move {
            let _ = draining.wait_for(|is_draining| *is_draining).await;
            drop(frames);
        });
        served.stop().await;
        source.await.expect("no panic");
    }

    #[tokio::test]
    async fn a_body_that_goes_on_is_cut_at_the_drain_deadline() {
        let settings = Settings { drain_deadline: SHORT, ..Settings::default() };
        let mut served = Served::start(settings).await;
        let frames = served.begin().await;
        frames.send(text("event")).await.expect("a connection");
        served.read_until("5\r\nevent\r\n").await;
        served.stop().await;
        in_time(frames.closed()).await;
    }

    #[tokio::test]
    async fn a_client_that_leaves_ends_a_slow_body() {
        let mut served = Served::start(Settings::default()).await;
        let frames = served.begin().await;
        served.read_until("\r\n\r\n").await;
        served.client.shutdown().await.expect("a connection");
        in_time(frames.closed()).await;
        served.stop().await;
    }

    #[tokio::test]
    async fn doubtful_framing_is_told_to_the_service() {
        let mut served = Served::start(Settings::default()).await;
        let answering = served.ask("GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n").await;
        let (frames, body) = mpsc::channel(1);
        answering.send(Ok(body)).expect("a service that waits");
        drop(frames);
        let answer = served.read_until("0\r\n\r\n").await;
        assert!(answer.starts_with("HTTP/1.1 400 "), "{answer:?}");
        served.stop().await;
    }
}
