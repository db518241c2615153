//! What an inbox in a SQLite file promises, through the receiver and on a real file.

mod trouble;

use std::path::PathBuf;
use std::time::Duration;

use snapengage::inbox::{Inbox, Options, State};
use tempfile::TempDir;
use tokio::time::{Instant, advance, sleep, timeout};

use crate::suite::{
    Crm, HOUR, Place, assert_not_stored, call, chat, die_at_work, fill, large_chat, list, only,
    receiver, run_both, say, stats, work,
};
use crate::support::{Failing, assert_taken};

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

impl Place for Disk {
    async fn fresh() -> Self {
        Self::new()
    }

    async fn inbox(&self, options: Options) -> Inbox {
        self.open(options)
    }
}

mod suite {
    crate::suite::promises!(crate::sqlite::Disk);
}

/// Hours pass, because the clock is paused.
mod in_time {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn repeats_are_known_longer_than_their_payload() {
        let disk = Disk::new();
        let inbox = disk.open(Inbox::options());
        let (crm, mut calls) = Crm::up();
        let receiver = receiver(&inbox, &crm);
        assert_taken(chat(&receiver, "c").await);
        work(&inbox, &mut calls, 1).await;
        let entry = only(&inbox, State::Done).await;
        advance(HOUR + SECOND).await;
        inbox.run(sleep(SECOND)).await;
        assert_eq!(inbox.show(entry.id).await.expect("read"), None);
        advance(HOUR * 22).await;
        assert_taken(chat(&receiver, "c").await);
        assert_eq!(stats(&inbox).await.waiting, 0);
        advance(HOUR).await;
        assert_taken(chat(&receiver, "c").await);
        assert_eq!(work(&inbox, &mut calls, 1).await, ["c "]);
    }

    #[tokio::test(start_paused = true)]
    async fn work_is_tried_again_at_growing_distances() {
        let disk = Disk::new();
        let inbox = disk.open(Inbox::options().backoff(SECOND..=SECOND * 4));
        let (crm, mut calls) = Crm::failing_times(5, Failing::Passing);
        let receiver = receiver(&inbox, &crm);
        assert_taken(chat(&receiver, "c").await);
        let mut times = Vec::new();
        let six = async {
            while times.len() < 6 {
                times.push(call(&mut calls).await.1);
            }
        };
        inbox.run(six).await;
        for (pair, whole) in times.windows(2).zip([1, 2, 4, 4, 4]) {
            let (wait, whole) = (pair[1] - pair[0], SECOND * whole);
            let slack = Duration::from_millis(50);
            assert!(wait + slack >= whole / 2 && wait <= whole + slack, "{wait:?} of {whole:?}");
        }
        assert_eq!(stats(&inbox).await.done, 1);
    }

    #[tokio::test(start_paused = true)]
    async fn work_begins_once_there_is_memory_for_it() {
        let disk = Disk::new();
        let inbox = disk.open(Inbox::options().memory_limit(1));
        let (crm, mut calls) = Crm::gated();
        let receiver = receiver(&inbox, &crm);
        for case_id in ["a", "b"] {
            assert_taken(chat(&receiver, case_id).await);
        }
        let watch = async {
            call(&mut calls).await;
            sleep(SECOND).await;
            assert_eq!(stats(&inbox).await.working, 2);
            assert!(calls.try_recv().is_err(), "there is memory for one");
            crm.gate.add_permits(2);
            call(&mut calls).await;
        };
        inbox.run(watch).await;
        assert_eq!(stats(&inbox).await.done, 2);
    }

    #[tokio::test(start_paused = true)]
    async fn work_without_memory_until_its_deadline_is_tried_again() {
        let disk = Disk::new();
        let options = Inbox::options().memory_limit(1).deadline(SECOND * 5).backoff(HOUR..=HOUR);
        let inbox = disk.open(options);
        let (crm, _calls) = Crm::gated();
        let receiver = receiver(&inbox, &crm);
        for case_id in ["a", "b"] {
            assert_taken(chat(&receiver, case_id).await);
        }
        inbox.run(sleep(SECOND * 6)).await;
        let waiting = list(&inbox, State::Waiting).await;
        let attempts: Vec<_> = waiting.iter().map(|entry| entry.attempts).collect();
        assert_eq!(attempts, [1, 1]);
    }

    #[tokio::test(start_paused = true)]
    async fn work_of_dead_workers_is_freed_after_lease() {
        let disk = Disk::new();
        let options = Inbox::options().lease(SECOND * 10);
        let inbox = disk.open(options.clone());
        let (crm, mut calls) = Crm::gated();
        assert_taken(chat(&receiver(&inbox, &crm), "c").await);
        die_at_work(inbox, &mut calls).await;
        let died = Instant::now();
        let other = disk.open(options);
        let _receiver = receiver(&other, &crm);
        crm.gate.add_permits(1);
        work(&other, &mut calls, 1).await;
        let waited = died.elapsed();
        assert!(waited > SECOND * 9 && waited < SECOND * 12, "{waited:?}");
        assert_eq!(stats(&other).await.done, 1);
    }

    #[tokio::test(start_paused = true)]
    async fn work_is_not_doubled_while_it_takes_longer_than_its_lease() {
        let disk = Disk::new();
        let options = Inbox::options().lease(SECOND);
        let inboxes = [disk.open(options.clone()), disk.open(options)];
        let (crm, mut calls) = Crm::gated();
        let receivers = inboxes.each_ref().map(|inbox| receiver(inbox, &crm));
        assert_taken(chat(&receivers[0], "c").await);
        let watch = async {
            call(&mut calls).await;
            let second = timeout(SECOND * 60, calls.recv()).await;
            assert!(second.is_err(), "called twice");
            crm.gate.add_permits(1);
        };
        run_both(&inboxes, watch).await;
        assert_eq!(stats(&inboxes[0]).await.done, 1);
    }
}

/// Hours ahead, and then set right: the first runtime's clock is, the second's is not.
mod clocks {
    use snapengage::HealthCheck;
    use tokio::runtime::{Builder, Runtime};

    use super::*;

    fn runtime() -> Runtime {
        Builder::new_current_thread().enable_all().start_paused(true).build().expect("a runtime")
    }

    fn ahead<T>(work: impl Future<Output = T>) -> T {
        runtime().block_on(async {
            advance(HOUR * 2).await;
            work.await
        })
    }

    fn options() -> Options {
        Inbox::options().backoff(SECOND..=SECOND * 20).lease(SECOND * 10)
    }

    #[test]
    fn entry_of_fast_clock_is_processed_at_once() {
        let disk = Disk::new();
        let (crm, mut calls) = Crm::up();
        ahead(async {
            let receiver = receiver(&disk.open(options()), &crm);
            for time in [1, 2] {
                assert_taken(say(&receiver, "c", time).await);
            }
        });
        runtime().block_on(async {
            let inbox = disk.open(options());
            let _receiver = receiver(&inbox, &crm);
            assert_eq!(inbox.check().await.expect("figures")["oldest_s"], 0);
            let started = Instant::now();
            work(&inbox, &mut calls, 2).await;
            assert!(started.elapsed() < SECOND * 2, "{:?}", started.elapsed());
        });
    }

    #[test]
    fn fast_clock_delays_retries_by_longest_backoff() {
        let disk = Disk::new();
        let (crm, mut calls) = Crm::failing_times(1, Failing::Passing);
        ahead(async {
            let inbox = disk.open(options());
            assert_taken(chat(&receiver(&inbox, &crm), "c").await);
            work(&inbox, &mut calls, 1).await;
        });
        runtime().block_on(async {
            let inbox = disk.open(options());
            let _receiver = receiver(&inbox, &crm);
            let started = Instant::now();
            work(&inbox, &mut calls, 1).await;
            assert!(started.elapsed() <= SECOND * 22, "{:?}", started.elapsed());
            assert_eq!(stats(&inbox).await.done, 1);
        });
    }

    #[test]
    fn work_of_killed_processes_is_freed_within_lease() {
        let disk = Disk::new();
        let (crm, mut calls) = Crm::gated();
        ahead(async {
            let inbox = disk.open(options());
            assert_taken(chat(&receiver(&inbox, &crm), "c").await);
            die_at_work(inbox, &mut calls).await;
        });
        runtime().block_on(async {
            let inbox = disk.open(options());
            let _receiver = receiver(&inbox, &crm);
            crm.gate.add_permits(1);
            let started = Instant::now();
            work(&inbox, &mut calls, 1).await;
            let waited = started.elapsed();
            assert!(waited > SECOND * 8 && waited <= SECOND * 12, "{waited:?}");
        });
    }

    /// Whoever runs goes on running: a lease that is taken back is not one that is over.
    #[test]
    fn what_a_handler_is_at_is_not_handed_out_again() {
        let disk = Disk::new();
        let (crm, mut calls) = Crm::gated();
        let inbox = ahead(async {
            let inbox = disk.open(options());
            assert_taken(chat(&receiver(&inbox, &crm), "c").await);
            die_at_work(inbox.clone(), &mut calls).await;
            inbox
        });
        runtime().block_on(async {
            assert_taken(chat(&receiver(&inbox, &crm), "d").await);
            crm.gate.add_permits(1);
            work(&inbox, &mut calls, 1).await;
            assert_eq!(only(&inbox, State::Working).await.subject, "case c");
        });
    }
}

/// The worker that was forgotten.
mod forgotten {
    use snapengage::HealthCheck;

    use crate::support::{log, record_log};

    use super::*;

    const HINT: &str = "is `inbox.run` running?";

    #[tokio::test(start_paused = true)]
    async fn work_is_told_by_health_check_logged_once() {
        let disk = Disk::new();
        let inbox = disk.open(Inbox::options());
        let (crm, mut calls) = Crm::up();
        let receiver = receiver(&inbox, &crm);
        assert_taken(chat(&receiver, "c").await);
        record_log();
        inbox.check().await.expect("it may be begun yet");
        advance(SECOND * 61).await;
        for _ in 0..3 {
            let error = inbox.check().await.expect_err("a failure").to_string();
            assert!(error.contains(HINT), "{error}");
            advance(SECOND).await;
        }
        let told = log();
        assert_eq!(told.matches(HINT).count(), 1, "{told}");
        assert!(told.contains("WARN"), "{told}");
        work(&inbox, &mut calls, 1).await;
        advance(SECOND).await;
        inbox.check().await.expect("all is processed");
        assert!(log().contains("the inbox is healthy again"));
    }

    /// Nobody asks how it is.
    #[tokio::test(start_paused = true)]
    async fn work_is_told_in_the_log_where_requests_come_in() {
        let disk = Disk::new();
        let inbox = disk.open(Inbox::options());
        let receiver = receiver(&inbox, &Crm::up().0);
        record_log();
        for number in 0..10 {
            assert_taken(chat(&receiver, &number.to_string()).await);
            sleep(SECOND * 20).await;
        }
        assert_eq!(log().matches(HINT).count(), 1);
    }

    #[tokio::test(start_paused = true)]
    async fn work_is_not_waiting_for_retry_or_handler() {
        let disk = Disk::new();
        let inbox = disk.open(Inbox::options().backoff(HOUR..=HOUR).concurrency(1));
        let (crm, mut calls) = Crm::failing_times(1, Failing::Passing);
        let receiver = receiver(&inbox, &crm);
        assert_taken(chat(&receiver, "c").await);
        work(&inbox, &mut calls, 1).await;
        let (crm, mut calls) = Crm::gated();
        let receiver = super::receiver(&inbox, &crm);
        for case_id in ["d", "e"] {
            assert_taken(chat(&receiver, case_id).await);
        }
        let watch = async {
            call(&mut calls).await;
            for _ in 0..5 {
                inbox.check().await.expect("a handler is at it");
                sleep(SECOND * 50).await;
            }
            crm.gate.add_permits(2);
        };
        inbox.run(watch).await;
        assert_eq!(stats(&inbox).await.done, 1);
    }
}

mod queues {
    use super::*;

    /// Longer than what is put into queues at once.
    #[tokio::test]
    async fn a_case_is_not_kept_waiting_by_the_long_queue_of_another() {
        let disk = Disk::new();
        let inbox = disk.open(Inbox::options().backoff(HOUR..=HOUR));
        let (crm, mut calls) = Crm::failing_times(1, Failing::Passing);
        let receiver = receiver(&inbox, &crm);
        for time in 1..=200 {
            assert_taken(say(&receiver, "c", time).await);
        }
        assert_taken(say(&receiver, "d", 1).await);
        let made = work(&inbox, &mut calls, 2).await;
        assert_eq!(made, ["c caseResponded 1", "d caseResponded 1"]);
    }

    #[tokio::test]
    async fn a_long_queue_is_processed_in_order() {
        let disk = Disk::new();
        let inbox = disk.open(Inbox::options());
        let (crm, mut calls) = Crm::up();
        let receiver = receiver(&inbox, &crm);
        for time in 1..=200 {
            assert_taken(say(&receiver, "c", time).await);
        }
        let expected: Vec<_> = (1..=200).map(|time| format!("c caseResponded {time}")).collect();
        assert_eq!(work(&inbox, &mut calls, 200).await, expected);
    }
}

mod keeping {
    use super::*;

    #[tokio::test]
    async fn what_is_kept_for_ever_can_be_listed() {
        let disk = Disk::new();
        let inbox = disk.open(Inbox::options().done_retention(Duration::MAX));
        let (crm, mut calls) = Crm::up();
        assert_taken(chat(&receiver(&inbox, &crm), "c").await);
        work(&inbox, &mut calls, 1).await;
        assert_eq!(list(&inbox, State::Done).await[0].subject, "case c");
    }
}

mod revival {
    use snapengage::Receiver;

    use crate::support::{assert_refused, auth, post};

    use super::*;

    /// As a later version may read what an earlier one could not.
    #[tokio::test]
    async fn readable_dead_letter_is_processed_as_last_sent() {
        let disk = Disk::new();
        let inbox = disk.open(Inbox::options());
        let (crm, mut calls) = Crm::up();
        let receiver = || Receiver::builder().healthz("/healthz");
        let earlier = receiver().conversation("/path", auth(), inbox.feed(crm.clone()));
        let later = receiver().integration("/path", auth(), inbox.feed(crm));
        let [earlier, later] = [earlier, later].map(|it| it.build().expect("a valid receiver"));
        let body = r#"{"id":"c"}"#;
        let error = "conversation event: missing field `event` at line 1 column 10";
        assert_refused(earlier.handle(post("/path", body)).await, 400, error);
        assert_taken(later.handle(post("/path", body)).await);
        let entry = only(&inbox, State::Waiting).await;
        assert_eq!((&*entry.api, &*entry.subject), ("integration", "case c"));
        assert_eq!(work(&inbox, &mut calls, 1).await, ["c "]);
        assert_eq!(list(&inbox, State::Dead).await, []);
    }
}
