//! A receiver with an inbox is killed under load again and again. Whatever it acknowledged is worked
//! off or a dead letter, in order, and nothing is done twice by a handler that commits by key.
#![cfg(feature = "inbox")]

mod inbox_killing;

use std::collections::HashSet;
use std::env;
use std::path::PathBuf;

use inbox_killing::{Effects, FOLDER, Killed, ROUND, assert_in_order, run, work_off_the_rest};

const KILLS: usize = 200;

#[test]
fn what_was_acknowledged_outlives_every_kill() {
    let dir = tempfile::tempdir().expect("a folder");
    let mut acknowledged = HashSet::new();
    for kill in 0..KILLS {
        let before = acknowledged.len();
        let mut child = Killed::start(dir.path(), kill);
        // From before the first answer to the middle of the load; the signal races with what follows.
        child.read(kill * 37 % 150, &mut acknowledged);
        child.kill(&mut acknowledged);
        assert!(kill % 150 == 0 || acknowledged.len() > before, "round {kill} did nothing");
    }
    assert!(acknowledged.len() > KILLS * 50, "only {} were acknowledged", acknowledged.len());
    let effects = Effects::open(dir.path());
    let dead = work_off_the_rest(dir.path());
    let done = effects.all();
    let unique: HashSet<_> = done.iter().collect();
    assert_eq!(unique.len(), done.len(), "done twice");
    let lost = acknowledged.iter().filter(|id| !unique.contains(id) && !dead.contains(*id));
    assert_eq!(lost.collect::<Vec<_>>(), Vec::<&String>::new());
    assert_in_order(&done);
}

/// Not a test of its own: what the receiver's process runs.
#[test]
fn child() {
    let Some(folder) = env::var_os(FOLDER).map(PathBuf::from) else { return };
    let round = env::var(ROUND).expect("a round");
    run(&folder, &round);
}
