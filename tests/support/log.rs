//! What is logged on the thread of a test.

use std::cell::RefCell;
use std::io::{self, Write};
use std::sync::Once;

thread_local! {
    static LOG: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
}

/// Starts recording what is logged on this thread; [`log`] has it.
///
/// The subscriber is the process's, not the thread's: one of a thread alone misses what another
/// thread came across first.
pub(crate) fn record_log() {
    static INSTALL: Once = Once::new();
    INSTALL.call_once(|| {
        tracing_subscriber::fmt()
            .with_max_level(tracing::Level::TRACE)
            .with_ansi(false)
            .without_time()
            .with_writer(|| ThreadLog)
            .init();
    });
    LOG.take();
}

/// What was logged on this thread since the last call, spans and their fields included.
pub(crate) fn log() -> String {
    String::from_utf8(LOG.take()).expect("UTF-8")
}

struct ThreadLog;

impl Write for ThreadLog {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        LOG.with_borrow_mut(|log| log.extend_from_slice(bytes));
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
