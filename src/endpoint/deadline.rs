//! Deadlines that cost nothing where the work is done at once.

use std::pin::pin;
use std::task::Poll;
use std::time::Duration;

/// What the work comes to, or `None` if that takes too long.
pub(crate) async fn within<F: Future>(limit: Duration, work: F) -> Option<F::Output> {
    let mut work = pin!(work);
    let at_once = std::future::poll_fn(|context| Poll::Ready(work.as_mut().poll(context)));
    match at_once.await {
        Poll::Ready(done) => Some(done),
        Poll::Pending => tokio::time::timeout(limit, work).await.ok(),
    }
}
