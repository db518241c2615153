//! The stores that need nothing but this process: each holds to the conformance suite, and the
//! suite finds those that do not.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use snapengage::dialogue::{
    Loaded, MemoryStore, Record, Revision, Saved, Store, StoreError, conformance,
};
use snapengage::{Timestamp, async_trait};

#[tokio::test(start_paused = true)]
async fn the_memory_store_holds_to_the_suite() {
    let store = Arc::new(MemoryStore::new());
    conformance::run(async || Arc::clone(&store)).await;
}

#[tokio::test(start_paused = true)]
#[should_panic(expected = "tests/dialogue/stores.rs")]
async fn a_failure_says_where_the_suite_was_called() {
    run_broken(Flaw::WritesOverAnything).await;
}

#[tokio::test(start_paused = true)]
#[should_panic(
    expected = "fails the check `compare and swap`: save over a record that is not there"
)]
async fn a_store_that_writes_over_anything_is_found() {
    run_broken(Flaw::WritesOverAnything).await;
}

#[tokio::test(start_paused = true)]
#[should_panic(expected = "fails the check `no revision comes twice`")]
async fn a_store_that_counts_from_one_again_is_found() {
    run_broken(Flaw::CountsFromOneAgain).await;
}

#[tokio::test(start_paused = true)]
#[should_panic(
    expected = "fails the check `odd keys`: key \"odd/A\": save of record 1 over None was refused"
)]
async fn a_store_that_takes_keys_for_each_other_is_found() {
    run_broken(Flaw::TakesKeysForEachOther).await;
}

#[tokio::test(start_paused = true)]
#[should_panic(expected = "fails the check `sweep`: how many were swept: found 0, expected 3")]
async fn a_store_that_sweeps_nothing_is_found() {
    run_broken(Flaw::SweepsNothing).await;
}

#[tokio::test(start_paused = true)]
#[should_panic(expected = "fails the check `two writers`")]
async fn a_store_that_is_another_each_time_is_found() {
    conformance::run(async || MemoryStore::new()).await;
}

#[track_caller]
fn run_broken(flaw: Flaw) -> impl Future<Output = ()> {
    let store = Arc::new(Broken::new(flaw));
    conformance::run(async move || Arc::clone(&store))
}

#[derive(Clone, Copy, PartialEq)]
enum Flaw {
    WritesOverAnything,
    CountsFromOneAgain,
    TakesKeysForEachOther,
    SweepsNothing,
}

/// A store as simple as can be, with one flaw.
struct Broken {
    flaw: Flaw,
    writes: AtomicU64,
    records: Mutex<HashMap<String, (Record, Revision)>>,
}

impl Broken {
    fn new(flaw: Flaw) -> Self {
        Self { flaw, writes: AtomicU64::new(0), records: Mutex::default() }
    }

    fn key(&self, key: &str) -> String {
        if self.flaw == Flaw::TakesKeysForEachOther { key.to_lowercase() } else { key.to_owned() }
    }

    fn next(&self, seen: Option<Revision>) -> Revision {
        if self.flaw == Flaw::CountsFromOneAgain {
            return Revision::new(seen.map_or(1, |seen| seen.number() + 1));
        }
        Revision::new(self.writes.fetch_add(1, Ordering::Relaxed))
    }
}

#[async_trait]
impl Store for Broken {
    async fn load(&self, key: &str) -> Result<Option<Loaded>, StoreError> {
        Ok(self.records.lock().expect("not poisoned").get(&self.key(key)).cloned().map(loaded))
    }

    async fn save(
        &self,
        key: &str,
        record: &Record,
        seen: Option<Revision>,
    ) -> Result<Saved, StoreError> {
        let mut records = self.records.lock().expect("not poisoned");
        let there = records.get(&self.key(key)).map(|(_, revision)| *revision);
        if there != seen && self.flaw != Flaw::WritesOverAnything {
            return Ok(Saved::Conflict);
        }
        let next = self.next(seen);
        records.insert(self.key(key), (record.clone(), next));
        Ok(Saved::Written(next))
    }

    async fn remove(&self, key: &str, seen: Revision) -> Result<bool, StoreError> {
        let mut records = self.records.lock().expect("not poisoned");
        let is_same = records.get(&self.key(key)).is_some_and(|(_, revision)| *revision == seen);
        if is_same {
            records.remove(&self.key(key));
        }
        Ok(is_same)
    }

    async fn sweep(&self, now: Timestamp) -> Result<u64, StoreError> {
        if self.flaw == Flaw::SweepsNothing {
            return Ok(0);
        }
        let mut records = self.records.lock().expect("not poisoned");
        let before = records.len();
        records.retain(|_, (record, _)| record.expires_at() > now);
        Ok((before - records.len()) as u64)
    }
}

fn loaded((record, revision): (Record, Revision)) -> Loaded {
    Loaded::new(record, revision)
}

#[cfg(feature = "sqlite")]
mod sqlite {
    use std::fs;
    use std::path::{Path, PathBuf};
    use std::process::{Command, Stdio};
    use std::time::Duration;

    use rusqlite::Connection;
    use serde_json::json;
    use snapengage::HealthCheck;
    use snapengage::dialogue::SqliteStore;
    use tempfile::TempDir;
    use tokio::time::advance;

    use super::*;

    #[tokio::test]
    async fn the_sqlite_store_holds_to_the_suite() {
        let (_dir, path) = file();
        conformance::run(async || SqliteStore::open(&path).expect("opened")).await;
    }

    #[test]
    fn a_file_of_something_else_is_refused_and_left_alone() {
        let (_dir, path) = file();
        fs::write(&path, "Dear diary, ".repeat(100)).expect("written");
        assert_refused(&path, "file is not a database");
        assert_eq!(fs::read_to_string(&path).expect("read"), "Dear diary, ".repeat(100));

        let (_dir, path) = file();
        execute(&path, "CREATE TABLE diary (entry TEXT)");
        assert_refused(&path, "a database of another program");
        execute(&path, "INSERT INTO diary VALUES ('still there')");

        let (dir, _path) = file();
        assert_refused(dir.path(), "unable to open database file");
    }

    #[test]
    fn a_file_of_a_newer_version_is_refused() {
        let (_dir, path) = file();
        drop(SqliteStore::open(&path).expect("opened"));
        execute(&path, "PRAGMA user_version = 2");
        assert_refused(&path, "schema version 2, expected 1");
    }

    #[tokio::test]
    async fn a_record_that_cannot_be_read_has_expired() {
        let (_dir, path) = file();
        let store = SqliteStore::open(&path).expect("opened");
        let row = "INSERT INTO conversation VALUES ('key', 1, 9, 'no record')";
        execute(&path, row);
        let Loaded { record, revision, .. } =
            store.load("key").await.expect("loaded").expect("a record");
        assert_eq!(record.expires_at(), Timestamp::MIN);
        let saved = store.save("key", &record, Some(revision)).await.expect("saved");
        assert!(matches!(saved, Saved::Written(_)));
    }

    #[tokio::test]
    async fn a_sweep_goes_through_all_rows_and_leaves_those_that_last() {
        let (_dir, path) = file();
        let store = SqliteStore::open(&path).expect("opened");
        let rows: Vec<_> =
            (0..1_000).map(|row| format!("('{row}', 1, {}, '{{}}')", row % 3)).collect();
        execute(&path, &format!("INSERT INTO conversation VALUES {}", rows.join(",")));
        let now = Timestamp::from_millis(1).expect("a time");
        assert_eq!(store.sweep(now).await.expect("swept"), 667);
        assert_eq!(store.sweep(now).await.expect("swept"), 0);
        assert!(store.load("2").await.expect("loaded").is_some());
    }

    #[tokio::test]
    async fn record_of_a_fast_clock_lasts_no_longer() {
        let (_dir, path) = file();
        let store = SqliteStore::open(&path).expect("opened");
        for (key, lifetime) in [("told", r#","lifetime_ms":1000"#), ("old", "")] {
            let record = format!(r#"{{"turn":1,"expires_at":9000000{lifetime}}}"#);
            let values =
                format!("('{key}', 1, 9000000, '{record}'), ('no {key}', 1, 9000000, 'no')");
            execute(&path, &format!("INSERT INTO conversation VALUES {values}"));
        }
        for (now, expires_at) in [(5_000, 6_000), (5_500, 6_000)] {
            let now = Timestamp::from_millis(now).expect("a time");
            assert_eq!(store.sweep(now).await.expect("swept"), 0);
            let found = store.load("told").await.expect("loaded").expect("a record");
            assert_eq!(Some(found.record.expires_at()), Timestamp::from_millis(expires_at));
        }
        let now = Timestamp::from_millis(6_000).expect("a time");
        assert_eq!(store.sweep(now).await.expect("swept"), 1);
        assert!(store.load("told").await.expect("loaded").is_none());
        let found = store.load("old").await.expect("loaded").expect("a record");
        assert_eq!(Some(found.record.expires_at()), Timestamp::from_millis(9_000_000));
    }

    #[tokio::test]
    async fn log_shrinks_again_after_a_long_reader() {
        const LIMIT: u64 = 5 * 1024 * 1024;
        let (dir, path) = file();
        let log = || fs::metadata(dir.path().join("conversations.db-wal")).expect("a log").len();
        let store = SqliteStore::open(&path).expect("opened");
        let state = format!(r#"{{"version":1,"json":"{}"}}"#, "x".repeat(1_000_000));
        let record = format!(r#"{{"turn":1,"expires_at":9000000,"state":{state}}}"#);
        let record = Record::from_json(record.as_bytes());
        let save = async |key: usize| {
            let saved = store.save(&key.to_string(), &record, None).await.expect("saved");
            assert!(matches!(saved, Saved::Written(_)));
        };
        let other = Connection::open(&path).expect("opened");
        other.execute_batch("BEGIN; SELECT * FROM conversation").expect("a snapshot");
        for key in 0..10 {
            save(key).await;
        }
        assert!(log() > LIMIT, "{}", log());
        other.execute_batch("COMMIT").expect("done");
        for key in 10..12 {
            save(key).await;
        }
        assert!(log() <= LIMIT, "{}", log());
    }

    /// What was not flushed, the end of the log, is gone: all of it, some, or none.
    #[tokio::test]
    async fn a_power_cut_in_a_turn_leaves_the_turn_before() {
        let (dir, path) = file();
        let beside = |name: &str| dir.path().join(name);
        let store = SqliteStore::open(&path).expect("opened");
        let state = |state: u64, lease: &str| {
            let state = format!(r#"{{"version":1,"json":{state}}}"#);
            let record = format!(r#"{{"turn":1,"expires_at":9000000,"state":{state}{lease}}}"#);
            Record::from_json(record.as_bytes())
        };
        let log = || fs::read(beside("conversations.db-wal")).expect("a log");
        let saved = store.save("key", &state(1, ""), None).await.expect("saved");
        let flushed = log().len();
        let lease = r#","leased_until":9000,"lease_ms":3000"#;
        let leased = store.save("key", &state(1, lease), saved.revision()).await.expect("saved");
        assert!(matches!(leased, Saved::Written(_)));
        let whole = log();
        assert!(whole.len() > flushed, "a lease in the log");
        for left in [flushed, flushed + 1, whole.len() - 1, whole.len()] {
            fs::copy(&path, beside("copy.db")).expect("copied");
            fs::write(beside("copy.db-wal"), &whole[..left]).expect("written");
            let copy = SqliteStore::open(beside("copy.db")).expect("opened");
            let found = copy.load("key").await.expect("loaded").expect("a record");
            let expected = if left < whole.len() { state(1, "") } else { state(1, lease) };
            assert_eq!(found.record.to_json(), expected.to_json(), "{left} of {}", whole.len());
            drop(copy);
        }
    }

    #[tokio::test]
    async fn a_healthy_file_shows_its_size() {
        let (_dir, path) = file();
        let store = SqliteStore::open(&path).expect("opened");
        let health = store.check().await.expect("healthy");
        assert_eq!(health, json!({ "size": 3 * 4096 }));
    }

    /// Asked again within a second, it is as it was.
    #[tokio::test(start_paused = true)]
    async fn a_file_that_is_removed_is_seen_by_the_health_check() {
        let (_dir, path) = file();
        let store = SqliteStore::open(&path).expect("opened");
        let real_path = path.canonicalize().expect("a path");
        fs::remove_file(&path).expect("removed");
        for _ in 0..2 {
            let error = store.check().await.expect_err("a failure").to_string();
            assert_eq!(
                error,
                format!(
                    "conversation store failed: {}: the file was removed or replaced, restart to open it",
                    real_path.display()
                )
            );
        }
    }

    #[tokio::test(start_paused = true)]
    async fn locked_file_fails_the_health_check_until_free() {
        let (_dir, path) = file();
        let store = SqliteStore::open(&path).expect("opened");
        let other = Connection::open(&path).expect("opened");
        other.execute_batch("BEGIN IMMEDIATE").expect("locked");
        let error = store.check().await.expect_err("a failure").to_string();
        assert_eq!(error, "conversation store failed: database is locked");
        other.execute_batch("ROLLBACK").expect("unlocked");
        advance(Duration::from_secs(1)).await;
        store.check().await.expect("healthy");
    }

    /// Where the test may mount one.
    #[tokio::test(start_paused = true)]
    async fn full_disk_fails_the_health_check_until_room() {
        let dir = tempfile::tempdir().expect("a folder");
        let Some(_mounted) = Mounted::on(dir.path()) else { return };
        let store = SqliteStore::open(dir.path().join("conversations.db")).expect("opened");
        let filler = dir.path().join("filler");
        let written = fs::write(&filler, vec![0; 4_000_000]);
        assert!(written.is_err(), "room for 4 MB on a disk of 3");
        let error = store.check().await.expect_err("a failure").to_string();
        assert_eq!(error, "conversation store failed: database or disk is full");
        // Not removed: a process that another test is just starting may still have it open.
        fs::write(filler, "").expect("truncated");
        advance(Duration::from_secs(1)).await;
        store.check().await.expect("healthy");
        let saved = store.save("key", &Record::from_json(b""), None).await.expect("saved");
        assert!(matches!(saved, Saved::Written(_)));
    }

    /// A file system in memory of 3 MB.
    struct Mounted<'p>(&'p Path);

    impl<'p> Mounted<'p> {
        fn on(path: &'p Path) -> Option<Self> {
            let arguments = ["-t", "tmpfs", "-o", "size=3m", "tmpfs"];
            let mount =
                Command::new("mount").args(arguments).arg(path).stderr(Stdio::null()).status();
            mount.is_ok_and(|status| status.success()).then_some(Self(path))
        }
    }

    impl Drop for Mounted<'_> {
        fn drop(&mut self) {
            let _ = Command::new("umount").arg("-l").arg(self.0).status();
        }
    }

    #[tokio::test]
    async fn files_that_were_removed_or_replaced_are_not_written_to() {
        type Change = fn(&Path);
        let changes: [(Change, &str); 3] = [
            (|path| fs::remove_file(path).expect("removed"), ""),
            (
                |path| {
                    fs::copy(path, path.with_extension("copy")).expect("copied");
                    fs::rename(path.with_extension("copy"), path).expect("replaced");
                },
                "",
            ),
            (|path| fs::remove_file(path.with_extension("db-wal")).expect("removed"), "-wal"),
        ];
        for (change, suffix) in changes {
            let (_dir, path) = file();
            let store = SqliteStore::open(&path).expect("opened");
            let real_path = path.canonicalize().expect("a path");
            change(&path);
            let error = store.save("key", &Record::from_json(b""), None).await.expect_err("lost");
            assert_eq!(
                std::error::Error::source(&error).expect("a cause").to_string(),
                format!(
                    "{}{suffix}: the file was removed or replaced, restart to open it",
                    real_path.display()
                )
            );
        }
    }

    fn file() -> (TempDir, PathBuf) {
        let dir = tempfile::tempdir().expect("a folder");
        let path = dir.path().join("conversations.db");
        (dir, path)
    }

    #[track_caller]
    fn execute(path: &Path, sql: &str) {
        Connection::open(path).expect("opened").execute_batch(sql).expect("executed");
    }

    #[track_caller]
    fn assert_refused(path: &Path, expected: &str) {
        let error = SqliteStore::open(path).expect_err("a refusal");
        let cause = std::error::Error::source(&error).expect("a cause").to_string();
        assert!(cause.starts_with(&path.display().to_string()), "{cause}");
        assert!(cause.contains(expected), "{cause}");
    }
}
