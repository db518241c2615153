//! A receiver with an inbox is killed under load again and again. Whatever it acknowledged is
//! processed or a dead letter, in order, and nothing is done twice by a handler that commits by
//! key.

use std::collections::HashSet;

use snapengage::inbox::Inbox;

use crate::killing::{Killed, assert_nothing_lost, live, options};

const KILLS: usize = 200;

#[tokio::test]
async fn what_was_acknowledged_outlives_every_kill() {
    let dir = tempfile::tempdir().expect("a folder");
    let file = dir.path().join("inbox.db").display().to_string();
    let mut acknowledged = HashSet::new();
    for kill in 0..KILLS {
        let before = acknowledged.len();
        let mut child = Killed::start("kill::child", dir.path(), &file, kill);
        // From before the first answer to the middle of the load; the signal races with what
        // follows.
        child.read(kill * 37 % 150, &mut acknowledged);
        child.kill(&mut acknowledged);
        assert!(kill % 150 == 0 || acknowledged.len() > before, "round {kill} did nothing");
    }
    assert!(acknowledged.len() > KILLS * 50, "only {} were acknowledged", acknowledged.len());
    tokio::time::pause();
    assert_nothing_lost(&open(&file), dir.path(), &acknowledged).await;
}

/// Not a test of its own: what the receiver's process runs.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn child() {
    live(async |file| open(file)).await;
}

#[track_caller]
fn open(file: &str) -> Inbox {
    options().open(file).expect("an inbox")
}
