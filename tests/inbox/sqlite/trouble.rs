//! What an inbox in a SQLite file does about its file and its disk.

use std::path::Path;
use std::process::{Command, Stdio};

use rusqlite::Connection;
use snapengage::HealthCheck;

use super::*;
use crate::{suite, support};

#[track_caller]
fn refusal(disk: &Disk) -> String {
    let error = format!("{:?}", Inbox::open(disk.file()).expect_err("a refusal"));
    error.replace(&disk.file().display().to_string(), "inbox.db")
}

#[test]
fn a_limit_or_deadline_of_zero_is_refused() {
    let disk = Disk::new();
    let refusal =
        |options: Options| format!("{:?}", options.open(disk.file()).expect_err("a refusal"));
    let size = refusal(Inbox::options().size_limit(0));
    let deadline = refusal(Inbox::options().deadline(Duration::ZERO));
    assert_eq!(size, "inbox failed: `size_limit`: expected more than zero");
    assert_eq!(deadline, "inbox failed: `deadline`: expected more than zero");
    assert!(!disk.file().exists());
}

#[test]
fn a_file_that_is_no_database_is_refused() {
    let disk = Disk::new();
    std::fs::write(disk.file(), "no database".repeat(1000)).expect("written");
    assert_eq!(refusal(&disk), "inbox failed: inbox.db: file is not a database");
}

#[test]
fn a_database_of_another_program_is_refused() {
    let disk = Disk::new();
    let connection = Connection::open(disk.file()).expect("opened");
    connection.execute_batch("CREATE TABLE entry (id)").expect("created");
    assert_eq!(refusal(&disk), "inbox failed: inbox.db: a database of another program");
}

#[test]
fn a_file_of_a_newer_version_is_refused() {
    let disk = Disk::new();
    drop(disk.open(Inbox::options()));
    let connection = Connection::open(disk.file()).expect("opened");
    connection.pragma_update(None, "user_version", 9).expect("updated");
    assert_eq!(refusal(&disk), "inbox failed: inbox.db: schema version 9, expected 2");
}

#[tokio::test]
async fn locked_file_is_503_until_it_is_free() {
    let disk = Disk::new();
    let inbox = disk.open(Inbox::options());
    let receiver = receiver(&inbox, &Crm::up().0);
    let other = Connection::open(disk.file()).expect("opened");
    other.execute_batch("BEGIN IMMEDIATE").expect("locked");
    let (refused, check) = tokio::join!(chat(&receiver, "c"), inbox.check());
    assert_not_stored(refused);
    check.expect_err("nothing can be stored");
    other.execute_batch("ROLLBACK").expect("unlocked");
    assert_eq!(well(&inbox).await["waiting"], 0);
    assert_taken(chat(&receiver, "c").await);
}

/// Waits until all is well.
async fn well(inbox: &Inbox) -> serde_json::Value {
    let well = async {
        loop {
            match inbox.check().await {
                Ok(figures) => return figures,
                Err(_) => tokio::task::yield_now().await,
            }
        }
    };
    timeout(SECOND * 30, well).await.expect("well in time")
}

/// A file system in memory of 3 MB, where the test may mount one.
struct Mount(PathBuf);

impl Mount {
    fn new(path: PathBuf) -> Option<Self> {
        std::fs::create_dir_all(&path).expect("a folder");
        mount(&["-t", "tmpfs", "-o", "size=3m", "tmpfs"], &path).then_some(Self(path))
    }

    fn grow(&self) {
        assert!(mount(&["-o", "remount,size=16m"], &self.0), "it was mounted before");
    }

    /// Another program takes all the room there is, beside what it has.
    fn fill(&self) {
        let mut another = std::fs::File::options();
        let path = self.0.join("another");
        let mut file = another.create(true).append(true).open(path).expect("created");
        while std::io::Write::write_all(&mut file, &[1; 512]).is_ok() {}
    }
}

impl Drop for Mount {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("--lazy").arg(&self.0).status();
    }
}

fn mount(arguments: &[&str], path: &Path) -> bool {
    let mounted = Command::new("mount").args(arguments).arg(path).stderr(Stdio::null()).status();
    mounted.is_ok_and(|status| status.success())
}

/// Where nothing can be mounted, a test of the group commit stands for these.
mod full_disk {
    use super::*;

    const FULL: &str = "inbox failed: there is no room on the disk";

    #[tokio::test]
    async fn is_answered_503_and_what_is_stored_is_processed_meanwhile() {
        let disk = Disk::new();
        let Some(mount) = Mount::new(disk.0.path().join("mounted")) else { return };
        let inbox = Inbox::open(mount.0.join("inbox.db")).expect("an inbox");
        let (crm, mut calls) = Crm::up();
        let receiver = receiver(&inbox, &crm);
        let taken = fill(&receiver).await;
        assert!(taken > 20, "{taken} of 20 kB in 3 MB");
        let error = inbox.check().await.expect_err("nothing can be stored").to_string();
        assert_eq!(error, FULL);
        assert_eq!(work(&inbox, &mut calls, taken).await.len(), taken);
        assert_eq!(list(&inbox, State::Done).await.len(), taken.min(100));
        mount.grow();
        well(&inbox).await;
        assert_taken(large_chat(&receiver, taken).await);
        work(&inbox, &mut calls, 1).await;
    }

    /// It is the inbox's own: nobody else will make room.
    #[tokio::test]
    async fn of_the_inbox_ends_with_room_in_it() {
        let disk = Disk::new();
        let Some(mount) = Mount::new(disk.0.path().join("mounted")) else { return };
        let inbox = Inbox::open(mount.0.join("inbox.db")).expect("an inbox");
        let (crm, mut calls) = Crm::up();
        let receiver = receiver(&inbox, &crm);
        for _ in 0..3 {
            let taken = fill(&receiver).await;
            assert!(taken > 10, "{taken} of 20 kB in 3 MB");
            work(&inbox, &mut calls, taken).await;
            for entry in list(&inbox, State::Done).await {
                assert!(inbox.discard(entry.id).await.expect("written"));
            }
            well(&inbox).await;
        }
    }

    #[tokio::test]
    async fn of_another_program_keeps_nothing_from_being_processed_either() {
        const COUNT: i64 = 900;
        let disk = Disk::new();
        let Some(mount) = Mount::new(disk.0.path().join("mounted")) else { return };
        let inbox = Inbox::open(mount.0.join("inbox.db")).expect("an inbox");
        let (crm, mut calls) = Crm::up();
        let receiver = receiver(&inbox, &crm);
        for number in 1..=COUNT {
            assert_taken(say(&receiver, &number.to_string(), 1).await);
        }
        mount.fill();
        let refused = fill(&receiver).await;
        let count = usize::try_from(COUNT).expect("a few") + refused;
        assert_eq!(work(&inbox, &mut calls, count).await.len(), count);
        assert_eq!(stats(&inbox).await.done, count as u64);
        mount.fill();
        assert_not_stored(chat(&receiver, "new").await);
        std::fs::remove_file(mount.0.join("another")).expect("removed");
        well(&inbox).await;
        assert_taken(chat(&receiver, "new").await);
        assert_eq!(work(&inbox, &mut calls, 1).await, ["new "]);
    }

    #[tokio::test]
    async fn keeps_nobody_from_opening_it_and_processing_what_is_stored() {
        let disk = Disk::new();
        let Some(mount) = Mount::new(disk.0.path().join("mounted")) else { return };
        let open = || Inbox::open(mount.0.join("inbox.db"));
        let (crm, mut calls) = Crm::up();
        assert_taken(chat(&receiver(&open().expect("an inbox"), &crm), "stored").await);
        mount.fill();
        let inbox = open().expect("an inbox, by what was set aside");
        let receiver = receiver(&inbox, &crm);
        assert_not_stored(chat(&receiver, "new").await);
        assert_eq!(work(&inbox, &mut calls, 1).await, ["stored "]);
        std::fs::remove_file(mount.0.join("another")).expect("removed");
        well(&inbox).await;
        assert_taken(chat(&receiver, "new").await);
    }

    #[tokio::test]
    async fn is_told_where_nothing_was_set_aside() {
        let disk = Disk::new();
        let Some(mount) = Mount::new(disk.0.path().join("mounted")) else { return };
        mount.fill();
        let error = format!("{:?}", Inbox::open(mount.0.join("inbox.db")).expect_err("no room"));
        assert!(error.ends_with(": there is no room on the disk"), "{error}");
    }
}

mod file {
    use crate::support::{log, record_log};

    use super::*;

    const GONE: &str = "the file was removed or replaced, restart to open it";

    async fn is_noticed(inbox: &Inbox) {
        let (crm, _calls) = Crm::up();
        let receiver = receiver(inbox, &crm);
        assert_not_stored(chat(&receiver, "d").await);
        record_log();
        for _ in 0..2 {
            let error = inbox.check().await.expect_err("a failure").to_string();
            assert!(error.ends_with(GONE), "{error}");
            advance(SECOND).await;
        }
        let log = log();
        assert_eq!(log.matches(GONE).count(), 1, "{log}");
        assert_eq!(log.matches("ERROR").count(), 1, "{log}");
    }

    async fn opened() -> (Disk, Inbox) {
        let disk = Disk::new();
        let inbox = disk.open(Inbox::options());
        assert_taken(chat(&receiver(&inbox, &Crm::up().0), "c").await);
        inbox.check().await.expect("all is well");
        advance(SECOND).await;
        (disk, inbox)
    }

    #[tokio::test(start_paused = true)]
    async fn that_is_removed_is_noticed_and_not_written_to() {
        let (disk, inbox) = opened().await;
        for file in std::fs::read_dir(disk.0.path()).expect("a folder") {
            std::fs::remove_file(file.expect("a file").path()).expect("removed");
        }
        is_noticed(&inbox).await;
        assert_eq!(stats(&disk.open(Inbox::options())).await.waiting, 0, "in a new file");
    }

    #[tokio::test(start_paused = true)]
    async fn that_is_replaced_is_noticed_and_not_written_to() {
        let (disk, inbox) = opened().await;
        let copy = disk.0.path().join("copy");
        std::fs::copy(disk.file(), &copy).expect("copied");
        std::fs::rename(copy, disk.file()).expect("replaced");
        is_noticed(&inbox).await;
    }

    #[tokio::test(start_paused = true)]
    async fn whose_log_is_removed_is_noticed_and_not_written_to() {
        let (disk, inbox) = opened().await;
        std::fs::remove_file(disk.0.path().join("inbox.db-wal")).expect("removed");
        is_noticed(&inbox).await;
    }

    /// Nobody asks how it is.
    #[tokio::test(start_paused = true)]
    async fn that_is_removed_is_noticed_within_a_minute() {
        let disk = Disk::new();
        let inbox = disk.open(Inbox::options());
        record_log();
        let removed = async {
            sleep(SECOND).await;
            std::fs::remove_file(disk.file()).expect("removed");
            sleep(SECOND * 120).await;
        };
        inbox.run(removed).await;
        let log = log();
        assert_eq!(log.matches("ERROR").count(), 1, "{log}");
    }

    #[tokio::test(start_paused = true)]
    async fn of_the_first_version_is_taken_over() {
        const FIRST: &str = "
            DROP TABLE large;
            PRAGMA user_version = 1;
            UPDATE entry SET body = CAST(json_object('id', 'c', 'x', hex(zeroblob(5000))) AS BLOB);";
        let (disk, inbox) = opened().await;
        drop(inbox);
        Connection::open(disk.file()).expect("opened").execute_batch(FIRST).expect("changed");
        let inbox = disk.open(Inbox::options());
        let (crm, mut calls) = Crm::up();
        let _receiver = receiver(&inbox, &crm);
        assert_eq!(work(&inbox, &mut calls, 1).await, ["c "]);
        assert_eq!(stats(&inbox).await.done, 1);
    }
}

mod notes {
    use crate::support::{log, record_log};

    use super::*;

    const FAILING: &str = "
        CREATE TRIGGER failing BEFORE UPDATE ON entry WHEN new.state = 4
        BEGIN SELECT raise(ABORT, 'on purpose'); END";

    #[tokio::test(start_paused = true)]
    async fn that_fail_are_told_once_and_when_that_is_over() {
        let disk = Disk::new();
        let inbox = disk.open(Inbox::options());
        let (crm, mut calls) = Crm::up();
        let receiver = receiver(&inbox, &crm);
        for case_id in ["a", "b", "c"] {
            assert_taken(chat(&receiver, case_id).await);
        }
        let other = Connection::open(disk.file()).expect("opened");
        other.execute_batch(FAILING).expect("created");
        record_log();
        work(&inbox, &mut calls, 3).await;
        let told = log();
        assert_eq!(told.matches("an outcome cannot be stored").count(), 1, "{told}");
        other.execute_batch("DROP TRIGGER failing").expect("dropped");
        advance(SECOND * 61).await;
        work(&inbox, &mut calls, 3).await;
        assert_eq!(log().matches("outcomes can be stored again").count(), 1, "{}", log());
        assert_eq!(stats(&inbox).await.done, 3);
    }
}

mod log {
    use super::*;

    const BODY: usize = 1_500_000;

    fn size(disk: &Disk) -> u64 {
        let log = std::fs::metadata(disk.0.path().join("inbox.db-wal")).expect("a log");
        log.len()
    }

    async fn send(receiver: &snapengage::Receiver, number: usize) {
        let body = format!(r#"{{"id":"{number}","x":"{}"}}"#, "x".repeat(BODY));
        assert_taken(receiver.handle(support::post("/integration", body)).await);
    }

    #[tokio::test(start_paused = true)]
    async fn shrinks_again_when_another_program_has_read_what_it_wanted() {
        const LIMIT: u64 = 20 * 1024 * 1024;
        let disk = Disk::new();
        let inbox = disk.open(Inbox::options());
        let receiver = receiver(&inbox, &Crm::up().0);
        let other = Connection::open(disk.file()).expect("opened");
        other.execute_batch("BEGIN; SELECT count(*) FROM entry").expect("a snapshot");
        for number in 0..20 {
            send(&receiver, number).await;
        }
        assert!(size(&disk) > LIMIT, "{}", size(&disk));
        other.execute_batch("COMMIT").expect("done");
        inbox.run(sleep(SECOND * 61)).await;
        assert!(size(&disk) <= LIMIT, "{}", size(&disk));
    }

    /// Where its reserve cannot be made, as on a full disk.
    #[tokio::test(start_paused = true)]
    async fn grows_as_usual_once_what_is_missing_was_set_aside() {
        let disk = Disk::new();
        let path = |name| disk.0.path().join(name);
        drop(disk.open(Inbox::options()));
        std::fs::remove_file(path("inbox.db-reserve")).expect("removed");
        std::fs::create_dir(path("inbox.db-reserve-unfinished")).expect("in its way");
        let inbox = disk.open(Inbox::options());
        let receiver = receiver(&inbox, &Crm::up().0);
        assert_not_stored(chat(&receiver, "c").await);
        std::fs::remove_dir(path("inbox.db-reserve-unfinished")).expect("removed");
        advance(SECOND * 2).await;
        for number in 0..3 {
            send(&receiver, number).await;
        }
        let reserve = std::fs::metadata(path("inbox.db-reserve")).expect("set aside");
        assert_eq!(reserve.len(), 40 * 1024 * 1024);
        assert!(size(&disk) > 3 * 1_500_000, "{}", size(&disk));
    }

    /// As another process gives it up that meets a full disk.
    #[tokio::test]
    async fn grows_on_where_the_reserve_is_gone_and_can_be_made() {
        let disk = Disk::new();
        let reserve = disk.0.path().join("inbox.db-reserve");
        let inbox = disk.open(Inbox::options());
        let receiver = receiver(&inbox, &Crm::up().0);
        assert_taken(chat(&receiver, "before").await);
        std::fs::remove_file(&reserve).expect("removed");
        let chats = ["a", "b", "c", "d"].map(|case_id| chat(&receiver, case_id));
        let [a, b, c, d] = chats;
        let responses = tokio::join!(a, b, c, d);
        for response in <[_; 4]>::from(responses) {
            assert_taken(response);
        }
        assert_eq!(std::fs::metadata(reserve).expect("set aside").len(), 40 * 1024 * 1024);
        assert_eq!(stats(&inbox).await.waiting, 5);
    }

    /// Claimed, failed and done.
    #[tokio::test]
    async fn has_a_large_body_once() {
        let disk = Disk::new();
        let inbox = disk.open(suite::quick());
        let (crm, mut calls) = Crm::failing_times(3, Failing::Passing);
        let receiver = receiver(&inbox, &crm);
        let body = format!(r#"{{"id":"c","x":"{}"}}"#, "x".repeat(BODY));
        assert_taken(receiver.handle(support::post("/integration", body.clone())).await);
        work(&inbox, &mut calls, 4).await;
        let entry = only(&inbox, State::Done).await;
        let kept = inbox.show(entry.id).await.expect("read").expect("there").body;
        assert!(kept == body, "of {} bytes", kept.len());
        assert!(size(&disk) < 1_500_000 * 3 / 2, "{}", size(&disk));
    }

    #[tokio::test(start_paused = true)]
    async fn and_file_have_room_for_others_once_a_large_body_goes() {
        let disk = Disk::new();
        let inbox = disk.open(Inbox::options());
        let (crm, mut calls) = Crm::up();
        let receiver = receiver(&inbox, &crm);
        for number in 0..2 {
            send(&receiver, number).await;
        }
        work(&inbox, &mut calls, 2).await;
        let [first, _] = &list(&inbox, State::Done).await[..] else { panic!("two") };
        assert!(inbox.discard(first.id).await.expect("written"));
        assert!((1_500_000..2_000_000).contains(&stats(&inbox).await.size));
        advance(HOUR + SECOND).await;
        inbox.run(sleep(SECOND)).await;
        assert!(stats(&inbox).await.size < 100_000);
    }
}

mod damage {
    use crate::support::{log, record_log};

    use super::*;

    /// Ruins the page that this text is on.
    fn ruin(disk: &Disk, text: &str) {
        let other = Connection::open(disk.file()).expect("opened");
        other.execute_batch("PRAGMA wal_checkpoint(TRUNCATE)").expect("checkpointed");
        let mut bytes = std::fs::read(disk.file()).expect("read");
        let at = bytes.windows(text.len()).position(|part| part == text.as_bytes());
        let page = at.expect("the text") / 4096 * 4096;
        bytes[page..page + 4096].fill(0xaa);
        std::fs::write(disk.file(), bytes).expect("written");
        other.execute_batch("PRAGMA user_version = 2").expect("seen by every connection");
    }

    /// With its id in the middle.
    fn body(case_id: &str, size: usize) -> String {
        let half = "x".repeat(size / 2);
        format!(r#"{{"y":"{half}","id":"{case_id}","x":"{half}"}}"#)
    }

    /// Entries of three cases, with what the second's was ruined in.
    async fn ruined(size: usize) -> (Disk, Inbox, Crm, suite::Calls) {
        changed_and_ruined(size, "").await
    }

    async fn changed_and_ruined(size: usize, change: &str) -> (Disk, Inbox, Crm, suite::Calls) {
        let disk = Disk::new();
        let inbox = disk.open(suite::quick());
        let (crm, calls) = Crm::up();
        let receiver = receiver(&inbox, &crm);
        for case_id in ["before", "damaged", "after"] {
            let body = body(case_id, size);
            assert_taken(receiver.handle(support::post("/integration", body)).await);
        }
        let other = Connection::open(disk.file()).expect("opened");
        other.execute_batch(change).expect("changed");
        ruin(&disk, r#""id":"damaged""#);
        (disk, inbox, crm, calls)
    }

    async fn stops_nothing_else(size: usize) {
        let (_disk, inbox, crm, mut calls) = ruined(size).await;
        let receiver = receiver(&inbox, &crm);
        let mut made = work(&inbox, &mut calls, 2).await;
        made.sort_unstable();
        assert_eq!(made, ["after ", "before "]);
        assert_taken(chat(&receiver, "new").await);
        assert_eq!(work(&inbox, &mut calls, 1).await, ["new "]);
        advance(SECOND).await;
        let error = inbox.check().await.expect_err("a failure").to_string();
        assert!(error.contains("malformed"), "{error}");
        assert_eq!(stats(&inbox).await.waiting, 1);
    }

    #[tokio::test(start_paused = true)]
    async fn of_a_large_body_stops_no_other_case() {
        stops_nothing_else(20_000).await;
    }

    /// Of 3 kB, each is on a page of its own.
    #[tokio::test(start_paused = true)]
    async fn of_a_row_stops_no_other_case() {
        stops_nothing_else(3_000).await;
    }

    async fn stops_nothing_else_that_is_due_too_late(size: usize) {
        const LATE: &str = "UPDATE entry SET state = 0, due_at = received_at + 10000000000";
        let (_disk, inbox, _crm, mut calls) = changed_and_ruined(size, LATE).await;
        let mut made = work(&inbox, &mut calls, 2).await;
        made.sort_unstable();
        assert_eq!(made, ["after ", "before "]);
        advance(SECOND).await;
        inbox.check().await.expect_err("one is damaged");
    }

    #[tokio::test(start_paused = true)]
    async fn of_an_overdue_row_stops_no_other_case() {
        stops_nothing_else_that_is_due_too_late(3_000).await;
    }

    #[tokio::test(start_paused = true)]
    async fn of_large_overdue_body_stops_no_other_case() {
        stops_nothing_else_that_is_due_too_late(20_000).await;
    }

    #[tokio::test]
    async fn of_a_large_body_stops_its_case() {
        let (_disk, inbox, crm, mut calls) = ruined(20_000).await;
        let receiver = receiver(&inbox, &crm);
        assert_taken(say(&receiver, "damaged", 1).await);
        work(&inbox, &mut calls, 2).await;
        assert_taken(chat(&receiver, "new").await);
        assert_eq!(work(&inbox, &mut calls, 1).await, ["new "]);
        assert_eq!(stats(&inbox).await.waiting, 2);
    }

    /// By an index: no row is read.
    fn kept(disk: &Disk) -> i64 {
        let other = Connection::open(disk.file()).expect("opened");
        other.query_row("SELECT count(*) FROM entry", [], |row| row.get(0)).expect("counted")
    }

    async fn keeps_the_others_from_nothing(size: usize) {
        const COUNT: usize = 100;
        let disk = Disk::new();
        let inbox = disk.open(Inbox::options());
        let (crm, mut calls) = Crm::up();
        let receiver = receiver(&inbox, &crm);
        for number in 0..COUNT {
            let body = body(&format!("case-{number}."), size);
            assert_taken(receiver.handle(support::post("/integration", body)).await);
        }
        work(&inbox, &mut calls, COUNT).await;
        ruin(&disk, r#""id":"case-30.""#);
        advance(HOUR * 10).await;
        record_log();
        inbox.run(sleep(SECOND * 200)).await;
        assert_eq!(stats(&inbox).await.done, 1, "the damaged one");
        advance(HOUR * 24 * 30).await;
        inbox.run(sleep(SECOND * 200)).await;
        let kept = kept(&disk);
        assert!((1..=40).contains(&kept), "{kept} with those beside the damaged one");
        let error = inbox.check().await.expect_err("a failure").to_string();
        assert!(error.ends_with(": some entries that are done cannot be forgotten"), "{error}");
        assert_eq!(log().matches("ERROR").count(), 1, "{}", log());
        assert_taken(chat(&receiver, "new").await);
        assert_eq!(work(&inbox, &mut calls, 1).await, ["new "]);
    }

    #[tokio::test(start_paused = true)]
    async fn of_a_done_row_lets_others_be_forgotten() {
        keeps_the_others_from_nothing(3_000).await;
    }

    #[tokio::test(start_paused = true)]
    async fn of_large_done_body_lets_others_be_forgotten() {
        keeps_the_others_from_nothing(20_000).await;
    }

    /// It was done, and is handed out no more, though the next of its case cannot be read.
    #[tokio::test]
    async fn of_the_next_of_a_case_costs_what_came_before_nothing() {
        let disk = Disk::new();
        let inbox = disk.open(Inbox::options().lease(SECOND / 10));
        let (crm, mut calls) = Crm::gated();
        let receiver = receiver(&inbox, &crm);
        for name in ["first", "second"] {
            let body = body("c", 3000).replacen("x", name, 1);
            assert_taken(receiver.handle(support::post("/integration", body)).await);
        }
        let ruined = async {
            call(&mut calls).await;
            ruin(&disk, "second");
            crm.gate.add_permits(10);
            while stats(&inbox).await.done == 0 {
                tokio::task::yield_now().await;
            }
            let more = timeout(SECOND / 2, calls.recv()).await;
            assert!(more.is_err(), "called again");
        };
        inbox.run(ruined).await;
    }
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
    let error = format!("{:?}", inbox.stats().await.expect_err("nothing to read"));
    assert!(error.contains("malformed"), "{error}");
}
