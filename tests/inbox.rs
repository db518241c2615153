//! What an inbox promises, through the receiver and on a real file.
#![cfg(feature = "inbox")]

mod inbox_suite;
mod support;

use std::path::PathBuf;
use std::time::Duration;

use inbox_suite::{Crm, assert_not_stored, chat, event, list, next, receiver, work, work_all};
use snapengage::Receiver;
use snapengage::inbox::{Inbox, Options, State};
use support::{Failing, Seen, assert_refused, assert_taken, auth, post};
use tempfile::TempDir;
use tokio::sync::Notify;
use tokio::time::{Instant, advance, sleep, timeout};

const HOUR: Duration = Duration::from_secs(60 * 60);
const SECOND: Duration = Duration::from_secs(1);

/// A folder for a file that is opened again and again.
struct Disk(TempDir);

impl Disk {
    fn new() -> Self {
        Self(tempfile::tempdir().expect("a folder"))
    }

    fn file(&self) -> PathBuf {
        self.0.path().join("inbox.db")
    }

    #[track_caller]
    fn open(&self, options: Options) -> Inbox {
        options.open(self.file()).expect("an inbox")
    }
}

mod receipt {
    use super::*;

    #[tokio::test]
    async fn is_on_disk_as_it_came_before_the_200() {
        let disk = Disk::new();
        let inbox = disk.open(Inbox::options());
        let (crm, mut calls) = Crm::up();
        let body = r#" {"id": "c",   "odd": [1, 2]} "#;
        assert_taken(receiver(&inbox, &crm).handle(post("/integration", body)).await);
        let other = disk.open(Inbox::options());
        let [entry] = &list(&other, State::Waiting).await[..] else { panic!("one entry") };
        assert_eq!((&*entry.api, &*entry.path), ("integration", "/integration"));
        assert_eq!((&*entry.subject, entry.tries, &entry.error), ("case c", 0, &None));
        let (_, stored) = other.show(entry.id).await.expect("read").expect("there");
        assert_eq!(stored, body);
        assert!(calls.try_recv().is_err(), "not worked off before somebody runs it");
    }

    #[tokio::test]
    async fn that_cannot_be_read_is_a_dead_letter_and_answered_400() {
        let disk = Disk::new();
        let inbox = disk.open(Inbox::options());
        let receiver = receiver(&inbox, &Crm::up().0);
        let error = "support request: missing field `id` at line 1 column 2";
        for _ in 0..3 {
            let response = receiver.handle(post("/integration", "{}")).await;
            assert_refused(response, 400, error);
        }
        let [entry] = &list(&inbox, State::Dead).await[..] else { panic!("one dead letter") };
        assert_eq!(entry.error.as_deref(), Some(error));
        let (_, body) = inbox.show(entry.id).await.expect("read").expect("there");
        assert_eq!(body, "{}");
    }

    #[tokio::test]
    async fn of_many_at_a_time_is_of_all_of_them() {
        let disk = Disk::new();
        let inbox = disk.open(Inbox::options());
        let receiver = receiver(&inbox, &Crm::up().0);
        let mut tasks = tokio::task::JoinSet::new();
        for number in 0..1000 {
            let receiver = receiver.clone();
            tasks.spawn(async move { chat(&receiver, &number.to_string()).await });
        }
        tasks.join_all().await.into_iter().for_each(assert_taken);
        assert_eq!(inbox.stats().await.expect("stats").waiting, 1000);
    }

    #[tokio::test]
    async fn past_the_size_limit_is_answered_503_until_there_is_room() {
        let disk = Disk::new();
        let inbox = disk.open(Inbox::options().size_limit(200_000));
        let receiver = receiver(&inbox, &Crm::up().0);
        let body = |number| format!(r#"{{"id":"{number}","x":"{}"}}"#, "x".repeat(20_000));
        let mut taken = 0;
        let refused = loop {
            let response = receiver.handle(post("/integration", body(taken))).await;
            if response.status() != 200 {
                break response;
            }
            taken += 1;
        };
        assert_not_stored(refused);
        assert!((5..10).contains(&taken), "{taken} of 20 kB in 200 kB");
        assert_taken(receiver.handle(post("/integration", body(0))).await);
        for entry in list(&inbox, State::Waiting).await {
            assert!(inbox.drop(entry.id).await.expect("written"));
        }
        assert_taken(receiver.handle(post("/integration", body(taken))).await);
    }
}

mod repeats {
    use super::*;

    #[tokio::test]
    async fn are_answered_200_and_not_worked_off_again() {
        let disk = Disk::new();
        let (crm, mut calls) = Crm::up();
        let status = r#"{"agent_id":"a","status":"online","timestamp":1}"#;
        let closed = event("c", "caseClosed", Some(1));
        let deliveries = [
            ("/integration", r#"{"id":"c"}"#),
            ("/conversation-events", closed.as_str()),
            ("/agent-status", status),
        ];
        for restart in 0..3 {
            let inbox = disk.open(Inbox::options());
            let receiver = receiver(&inbox, &crm);
            for _ in 0..2 {
                for (path, body) in deliveries {
                    assert_taken(receiver.handle(post(path, body.to_owned())).await);
                }
            }
            if restart == 1 {
                let mut made = work(&inbox, &mut calls, 3).await;
                made.sort();
                assert_eq!(made, ["a online 1", "c ", "c caseClosed 1"]);
            }
        }
        let stats = disk.open(Inbox::options()).stats().await.expect("stats");
        assert_eq!((stats.waiting, stats.done), (0, 3));
    }

    #[tokio::test]
    async fn differ_from_events_of_another_time_kind_case_or_path() {
        let disk = Disk::new();
        let inbox = disk.open(Inbox::options());
        let (crm, _calls) = Crm::up();
        let receiver = Receiver::builder()
            .conversation("/a", auth(), inbox.feed(crm.clone()))
            .conversation("/b", auth(), inbox.feed(crm))
            .build()
            .expect("a valid receiver");
        let first = ("c", "caseClosed", Some(1));
        for (path, (case_id, kind, time)) in [
            ("/a", first),
            ("/b", first),
            ("/a", ("d", "caseClosed", Some(1))),
            ("/a", ("c", "caseQueued", Some(1))),
            ("/a", ("c", "caseClosed", Some(2))),
        ] {
            assert_taken(receiver.handle(post(path, event(case_id, kind, time))).await);
        }
        assert_eq!(inbox.stats().await.expect("stats").waiting, 5);
    }

    #[tokio::test]
    async fn are_not_known_without_a_time() {
        let disk = Disk::new();
        let inbox = disk.open(Inbox::options());
        let receiver = receiver(&inbox, &Crm::up().0);
        for _ in 0..2 {
            let body = event("c", "caseResponded", None);
            assert_taken(receiver.handle(post("/conversation-events", body)).await);
        }
        assert_eq!(inbox.stats().await.expect("stats").waiting, 2);
    }

    #[tokio::test(start_paused = true)]
    async fn are_known_longer_than_the_payload_is_kept_but_not_for_ever() {
        let disk = Disk::new();
        let inbox = disk.open(Inbox::options());
        let (crm, mut calls) = Crm::up();
        let receiver = receiver(&inbox, &crm);
        assert_taken(chat(&receiver, "c").await);
        work(&inbox, &mut calls, 1).await;
        let [entry] = &list(&inbox, State::Done).await[..] else { panic!("one that is done") };
        advance(HOUR + SECOND).await;
        inbox.run(sleep(SECOND)).await;
        assert_eq!(inbox.show(entry.id).await.expect("read"), None);
        advance(HOUR * 22).await;
        assert_taken(chat(&receiver, "c").await);
        assert_eq!(inbox.stats().await.expect("stats").waiting, 0);
        advance(HOUR).await;
        assert_taken(chat(&receiver, "c").await);
        assert_eq!(work(&inbox, &mut calls, 1).await, ["c "]);
    }

    #[tokio::test]
    async fn of_a_dead_letter_revive_it() {
        let disk = Disk::new();
        let inbox = disk.open(Inbox::options());
        let (crm, mut calls) = Crm::failing_times(1, Failing::Permanent);
        let receiver = receiver(&inbox, &crm);
        assert_taken(chat(&receiver, "c").await);
        work(&inbox, &mut calls, 1).await;
        assert_eq!(inbox.stats().await.expect("stats").dead, 1);
        assert_taken(chat(&receiver, "c").await);
        work(&inbox, &mut calls, 1).await;
        let stats = inbox.stats().await.expect("stats");
        assert_eq!((stats.done, stats.dead), (1, 0));
    }
}

mod work_is {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn tried_again_at_growing_distances() {
        let disk = Disk::new();
        let inbox = disk.open(Inbox::options().backoff(SECOND, SECOND * 4));
        let (crm, mut calls) = Crm::failing_times(5, Failing::Passing);
        let receiver = receiver(&inbox, &crm);
        assert_taken(chat(&receiver, "c").await);
        let mut times = Vec::new();
        let six = async {
            while times.len() < 6 {
                times.push(calls.recv().await.expect("a call").1);
            }
        };
        inbox.run(six).await;
        for (pair, whole) in times.windows(2).zip([1, 2, 4, 4, 4]) {
            let (wait, whole) = (pair[1] - pair[0], SECOND * whole);
            let slack = Duration::from_millis(50);
            assert!(wait + slack >= whole / 2 && wait <= whole + slack, "{wait:?} of {whole:?}");
        }
        assert_eq!(inbox.stats().await.expect("stats").done, 1);
    }

    #[tokio::test]
    async fn not_tried_again_after_a_permanent_failure() {
        let disk = Disk::new();
        let inbox = disk.open(Inbox::options());
        let (crm, mut calls) = Crm::failing_times(1, Failing::Permanent);
        assert_taken(chat(&receiver(&inbox, &crm), "c").await);
        work(&inbox, &mut calls, 1).await;
        let [entry] = &list(&inbox, State::Dead).await[..] else { panic!("one dead letter") };
        assert_eq!((entry.tries, entry.error.as_deref()), (1, Some("no such plan")));
    }

    #[tokio::test(start_paused = true)]
    async fn given_up_after_the_last_try() {
        for (failing, error) in
            [(Failing::Passing, "no database"), (Failing::Panicking, "handler panicked")]
        {
            let disk = Disk::new();
            let inbox = disk.open(Inbox::options().tries(3));
            let (crm, mut calls) = Crm::failing_times(9, failing);
            assert_taken(chat(&receiver(&inbox, &crm), "c").await);
            assert_eq!(work_all(&inbox, &mut calls).await.len(), 3);
            let [entry] = &list(&inbox, State::Dead).await[..] else { panic!("one dead letter") };
            assert_eq!((entry.tries, entry.error.as_deref()), (3, Some(error)));
        }
    }

    #[tokio::test(start_paused = true)]
    async fn given_up_where_nothing_is_mounted_any_more() {
        let disk = Disk::new();
        let inbox = disk.open(Inbox::options().tries(2));
        assert_taken(chat(&receiver(&inbox, &Crm::up().0), "c").await);
        let again = disk.open(Inbox::options().tries(2));
        again.run(sleep(SECOND * 10)).await;
        let [entry] = &list(&again, State::Dead).await[..] else { panic!("one dead letter") };
        let error = "no handler of integration is mounted on `/integration`";
        assert_eq!(entry.error.as_deref(), Some(error));
    }

    #[tokio::test(start_paused = true)]
    async fn in_order_for_one_case_however_often_it_fails() {
        let disk = Disk::new();
        let inbox = disk.open(Inbox::options());
        let (crm, mut calls) = Crm::failing_times(2, Failing::Passing);
        let receiver = receiver(&inbox, &crm);
        for time in 1..=3 {
            let body = event("c", "caseResponded", Some(time));
            assert_taken(receiver.handle(post("/conversation-events", body)).await);
        }
        assert_taken(chat(&receiver, "c").await);
        let made = work_all(&inbox, &mut calls).await;
        let expected =
            ["c caseResponded 1", "c caseResponded 1", "c caseResponded 1", "c caseResponded 2"];
        assert_eq!(made[..4], expected);
        assert_eq!(made[4..], ["c caseResponded 3", "c "]);
    }

    #[tokio::test(start_paused = true)]
    async fn side_by_side_for_many_cases_up_to_a_bound() {
        let disk = Disk::new();
        let inbox = disk.open(Inbox::options().side_by_side(3));
        let (crm, mut calls) = Crm::gated();
        let receiver = receiver(&inbox, &crm);
        for case_id in ["a", "a", "b", "c", "d"] {
            let body = event(case_id, "caseResponded", None);
            assert_taken(receiver.handle(post("/conversation-events", body)).await);
        }
        let watch = async {
            let mut first = next(&mut calls, 3).await;
            first.sort();
            let [a, b, c] = ["a", "b", "c"].map(|case_id| format!("{case_id} caseResponded 0"));
            assert_eq!(first, [a, b, c]);
            let fourth = timeout(HOUR / 60, calls.recv()).await;
            assert!(fourth.is_err(), "a fourth beside three");
            crm.gate.add_permits(5);
            next(&mut calls, 2).await;
        };
        inbox.run(watch).await;
        assert_eq!(inbox.stats().await.expect("stats").done, 5);
    }

    #[tokio::test(start_paused = true)]
    async fn freed_once_the_lease_of_a_worker_that_died_is_over() {
        let disk = Disk::new();
        let options = Inbox::options().lease(SECOND * 30);
        let inbox = disk.open(options.clone());
        let (crm, mut calls) = Crm::gated();
        assert_taken(chat(&receiver(&inbox, &crm), "c").await);
        tokio::select! {
            () = inbox.run(std::future::pending()) => unreachable!("nobody shut it down"),
            _ = calls.recv() => {}
        }
        let died = Instant::now();
        let other = disk.open(options);
        let (crm, mut calls) = Crm::up();
        let _receiver = receiver(&other, &crm);
        other.run(async { assert!(calls.recv().await.is_some()) }).await;
        let waited = died.elapsed();
        assert!(waited > SECOND * 29 && waited < SECOND * 32, "{waited:?}");
        assert_eq!(other.stats().await.expect("stats").done, 1);
    }

    #[tokio::test(start_paused = true)]
    async fn not_doubled_while_it_takes_longer_than_its_lease() {
        let disk = Disk::new();
        let options = Inbox::options().lease(SECOND);
        let inboxes = [disk.open(options.clone()), disk.open(options)];
        let (crm, mut calls) = Crm::gated();
        let receivers = inboxes.each_ref().map(|inbox| receiver(inbox, &crm));
        assert_taken(chat(&receivers[0], "c").await);
        let watch = async {
            next(&mut calls, 1).await;
            let second = timeout(SECOND * 60, calls.recv()).await;
            assert!(second.is_err(), "called twice");
            crm.gate.add_permits(1);
        };
        let (is_over, over) = tokio::sync::oneshot::channel();
        let watched = async {
            watch.await;
            is_over.send(()).expect("the other runs on");
        };
        tokio::join!(inboxes[0].run(watched), inboxes[1].run(async { drop(over.await) }));
        assert_eq!(inboxes[0].stats().await.expect("stats").done, 1);
    }

    #[tokio::test]
    async fn ended_by_a_shutdown_only_between_handlers() {
        let disk = Disk::new();
        let inbox = disk.open(Inbox::options());
        let (crm, mut calls) = Crm::gated();
        let receiver = receiver(&inbox, &crm);
        assert_taken(chat(&receiver, "c").await);
        let (done, is_shut_down) = (Seen::new(), Notify::new());
        let shutdown = async {
            next(&mut calls, 1).await;
            is_shut_down.notify_one();
        };
        tokio::join!(
            async {
                inbox.run(shutdown).await;
                done.push("run");
            },
            async {
                is_shut_down.notified().await;
                done.push("gate");
                crm.gate.add_permits(1);
            },
        );
        assert_eq!(done.take(), ["gate", "run"]);
        assert_eq!(inbox.stats().await.expect("stats").done, 1);
    }
}

mod looking {
    use super::*;

    #[tokio::test]
    async fn counts_what_there_is_and_knows_the_oldest() {
        let disk = Disk::new();
        let inbox = disk.open(Inbox::options());
        let (crm, mut calls) = Crm::failing_times(1, Failing::Permanent);
        let receiver = receiver(&inbox, &crm);
        assert_eq!(inbox.stats().await.expect("stats").oldest, None);
        for case_id in ["a", "b"] {
            assert_taken(chat(&receiver, case_id).await);
            work(&inbox, &mut calls, 1).await;
        }
        for case_id in ["c", "d"] {
            assert_taken(chat(&receiver, case_id).await);
        }
        let stats = inbox.stats().await.expect("stats");
        assert_eq!((stats.waiting, stats.working, stats.done, stats.dead), (2, 0, 1, 1));
        assert!(stats.size > 0);
        assert_eq!(stats.oldest, Some(list(&inbox, State::Waiting).await[0].received_at));
    }

    #[tokio::test]
    async fn lists_page_by_page() {
        let disk = Disk::new();
        let inbox = disk.open(Inbox::options());
        let receiver = receiver(&inbox, &Crm::up().0);
        for case_id in ["a", "b", "c"] {
            assert_taken(chat(&receiver, case_id).await);
        }
        let (mut after, mut seen) = (None, Vec::new());
        while let [entry] = &inbox.list(State::Waiting, after, 1).await.expect("a list")[..] {
            after = Some(entry.id);
            seen.push(entry.subject.clone());
        }
        assert_eq!(seen, ["case a", "case b", "case c"]);
    }

    #[tokio::test]
    async fn retries_a_dead_letter() {
        let disk = Disk::new();
        let inbox = disk.open(Inbox::options());
        let (crm, mut calls) = Crm::failing_times(1, Failing::Permanent);
        assert_taken(chat(&receiver(&inbox, &crm), "c").await);
        work(&inbox, &mut calls, 1).await;
        let dead = list(&inbox, State::Dead).await.remove(0);
        assert!(inbox.retry(dead.id).await.expect("written"));
        assert_eq!(work(&inbox, &mut calls, 1).await, ["c "]);
        assert_eq!(inbox.stats().await.expect("stats").done, 1);
        assert!(!inbox.retry(dead.id).await.expect("written"), "it is done");
    }

    #[tokio::test]
    async fn drops_what_blocks_a_case() {
        let disk = Disk::new();
        let inbox = disk.open(Inbox::options());
        let (crm, mut calls) = Crm::up();
        let receiver = receiver(&inbox, &crm);
        for time in [1, 2] {
            let body = event("c", "caseResponded", Some(time));
            assert_taken(receiver.handle(post("/conversation-events", body)).await);
        }
        let first = list(&inbox, State::Waiting).await.remove(0);
        assert!(inbox.drop(first.id).await.expect("written"));
        assert!(!inbox.drop(first.id).await.expect("written"), "it is gone");
        assert_eq!(work(&inbox, &mut calls, 1).await, ["c caseResponded 2"]);
    }
}

mod trouble {
    use std::path::Path;
    use std::process::{Command, Stdio};

    use rusqlite::Connection;

    use super::*;

    #[track_caller]
    fn refusal(disk: &Disk) -> String {
        let error = Inbox::open(disk.file()).expect_err("a refusal").to_string();
        error.replace(&disk.file().display().to_string(), "inbox.db")
    }

    #[test]
    fn a_file_that_is_no_database_is_refused() {
        let disk = Disk::new();
        std::fs::write(disk.file(), "no database".repeat(1000)).expect("written");
        assert_eq!(refusal(&disk), "inbox: inbox.db: file is not a database");
    }

    #[test]
    fn a_database_of_another_program_is_refused() {
        let disk = Disk::new();
        let connection = Connection::open(disk.file()).expect("opened");
        connection.execute_batch("CREATE TABLE entry (id)").expect("created");
        assert_eq!(refusal(&disk), "inbox: inbox.db: a database of another program");
    }

    #[test]
    fn a_file_of_a_newer_version_is_refused() {
        let disk = Disk::new();
        drop(disk.open(Inbox::options()));
        let connection = Connection::open(disk.file()).expect("opened");
        connection.pragma_update(None, "user_version", 9).expect("updated");
        assert_eq!(refusal(&disk), "inbox: inbox.db: schema version 9, expected 1");
    }

    #[tokio::test]
    async fn a_locked_file_is_answered_503_and_written_once_it_is_free() {
        let disk = Disk::new();
        let inbox = disk.open(Inbox::options());
        let receiver = receiver(&inbox, &Crm::up().0);
        let other = Connection::open(disk.file()).expect("opened");
        other.execute_batch("BEGIN IMMEDIATE").expect("locked");
        assert_not_stored(chat(&receiver, "c").await);
        other.execute_batch("ROLLBACK").expect("unlocked");
        assert_eq!(inbox.stats().await.expect("stats").waiting, 0);
        assert_taken(chat(&receiver, "c").await);
    }

    /// A file system in memory, where the test may mount one.
    struct Mount(PathBuf);

    impl Mount {
        fn new(path: PathBuf) -> Option<Self> {
            std::fs::create_dir_all(&path).expect("a folder");
            mount(&["-t", "tmpfs", "-o", "size=1m", "tmpfs"], &path).then_some(Self(path))
        }

        fn grow(&self) {
            assert!(mount(&["-o", "remount,size=8m"], &self.0), "it was mounted before");
        }
    }

    impl Drop for Mount {
        fn drop(&mut self) {
            let _ = Command::new("umount").arg("--lazy").arg(&self.0).status();
        }
    }

    fn mount(arguments: &[&str], path: &Path) -> bool {
        let mounted =
            Command::new("mount").args(arguments).arg(path).stderr(Stdio::null()).status();
        mounted.is_ok_and(|status| status.success())
    }

    /// Where nothing can be mounted, a test of the group commit stands for it.
    #[tokio::test]
    async fn a_full_disk_is_answered_503_and_loses_nothing() {
        let disk = Disk::new();
        let Some(mount) = Mount::new(disk.0.path().join("mounted")) else { return };
        let inbox = Inbox::open(mount.0.join("inbox.db")).expect("an inbox");
        let (crm, mut calls) = Crm::up();
        let receiver = receiver(&inbox, &crm);
        let body = |number| format!(r#"{{"id":"{number}","x":"{}"}}"#, "x".repeat(20_000));
        let mut taken = 0;
        let refused = loop {
            let response = receiver.handle(post("/integration", body(taken))).await;
            if response.status() != 200 {
                break response;
            }
            taken += 1;
        };
        assert_not_stored(refused);
        assert!(taken > 5, "{taken} of 20 kB in 1 MB");
        let entries = list(&inbox, State::Waiting).await;
        assert_eq!(entries.len(), taken);
        mount.grow();
        assert_eq!(work(&inbox, &mut calls, taken).await.len(), taken);
        assert_taken(receiver.handle(post("/integration", body(taken))).await);
    }

    #[tokio::test]
    async fn a_corrupted_file_is_answered_503() {
        let disk = Disk::new();
        let inbox = disk.open(Inbox::options());
        let (crm, _calls) = Crm::up();
        let receiver = receiver(&inbox, &crm);
        assert_taken(chat(&receiver, "c").await);
        let other = Connection::open(disk.file()).expect("opened");
        other.execute_batch("PRAGMA wal_checkpoint(TRUNCATE)").expect("checkpointed");
        let mut bytes = std::fs::read(disk.file()).expect("read");
        bytes[4096..].fill(0xaa);
        std::fs::write(disk.file(), bytes).expect("written");
        other.execute_batch("PRAGMA user_version = 1").expect("seen by every connection");
        assert_not_stored(chat(&receiver, "d").await);
        let error = inbox.stats().await.expect_err("nothing to read").to_string();
        assert!(error.contains("malformed"), "{error}");
    }
}
