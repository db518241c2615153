//! Lines that are typed, as they come.

use std::io::{self, BufRead};
use std::thread;

use tokio::sync::mpsc;

/// Reads lines of stdin in a thread of its own: one of the runtime could not be left while it waits
/// for a line. The channel ends where the input does.
pub(crate) fn lines() -> mpsc::Receiver<io::Result<String>> {
    let (sender, receiver) = mpsc::channel(1);
    thread::spawn(move || {
        let mut input = io::stdin().lock();
        let mut line = Vec::new();
        loop {
            line.clear();
            let read = input.read_until(b'\n', &mut line);
            let line = match read {
                Ok(0) => break,
                Ok(_) => Ok(String::from_utf8_lossy(&line).trim().to_owned()),
                Err(error) => Err(error),
            };
            let is_last = line.is_err();
            if sender.blocking_send(line).is_err() || is_last {
                break;
            }
        }
    });
    receiver
}
