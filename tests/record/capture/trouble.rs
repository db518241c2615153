//! What a recorder makes of disks that are full, slow or gone: the requests are unharmed.

use std::fs;
use std::io;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::{Mutex, Once};
use std::time::{Duration, Instant};

use http::StatusCode;
use snapengage::record::{Recorder, Redaction};
use snapengage::{HealthCheck, Receiver};
use tokio::task::spawn_blocking;
use tokio::time::timeout;

use super::{TOKEN, all_files, exchanges, post, receiver, say};

async fn ask(receiver: &Receiver) {
    let answer = receiver.handle(post("/bot", TOKEN, say("Hi"))).await;
    assert_eq!(answer.status(), StatusCode::OK);
}

async fn problem(recorder: &Recorder) -> String {
    recorder.check().await.expect_err("a problem").to_string()
}

#[tokio::test]
async fn a_folder_that_is_gone_is_noticed_and_found_again() {
    let dir = tempfile::tempdir().expect("a folder");
    let folder = dir.path().join("recordings");
    let recorder = Recorder::to(&folder);
    let receiver = recorder.around(receiver());
    ask(&receiver).await;
    recorder.flush().await;
    fs::rename(&folder, dir.path().join("elsewhere")).expect("renamed");
    let reason = problem(&recorder).await;
    assert!(reason.contains("not accessible: No such file or directory"), "{reason}");
    ask(&receiver).await;
    recorder.flush().await;
    assert!(!folder.exists(), "it may be on a disk that is not mounted");
    fs::create_dir(&folder).expect("made");
    ask(&receiver).await;
    let figures = recorder.check().await.expect("found");
    assert_eq!(figures, serde_json::json!({ "recorded": 2, "dropped": 1, "waiting": 0 }));
    assert_eq!(exchanges(&folder)[0].number(), 2);
}

/// What all threads of this process log: the recorder's is one of its own.
static LOG: Mutex<Vec<u8>> = Mutex::new(Vec::new());

struct SharedLog;

impl io::Write for SharedLog {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        LOG.lock().expect("not poisoned").extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn record_log() {
    static INSTALL: Once = Once::new();
    INSTALL.call_once(|| {
        let subscriber = tracing_subscriber::fmt().with_ansi(false).without_time();
        subscriber.with_writer(|| SharedLog).init();
    });
}

/// The lines of the log with a text.
fn logged(text: &str) -> Vec<String> {
    let log = String::from_utf8(LOG.lock().expect("not poisoned").clone()).expect("UTF-8");
    log.lines().filter(|line| line.contains(text)).map(str::to_owned).collect()
}

#[tokio::test]
async fn a_problem_is_logged_once() {
    record_log();
    let dir = tempfile::tempdir().expect("a folder");
    let folder = dir.path().join("a-folder-of-this-test");
    let recorder = Recorder::to(&folder);
    let receiver = recorder.around(receiver());
    recorder.check().await.expect("a folder");
    fs::remove_dir(&folder).expect("removed");
    for _ in 0..3 {
        ask(&receiver).await;
        problem(&recorder).await;
    }
    let lines = logged("a-folder-of-this-test");
    assert_eq!(lines.len(), 1, "{lines:?}");
    assert!(lines[0].contains("ERROR"), "{lines:?}");
    assert!(lines[0].contains("exchanges are not recorded"), "{lines:?}");
}

#[tokio::test]
async fn a_folder_has_one_recorder_at_a_time() {
    let dir = tempfile::tempdir().expect("a folder");
    let first = Recorder::to(dir.path());
    first.check().await.expect("the first");
    let second = Recorder::to(dir.path());
    let reason = problem(&second).await;
    assert!(reason.ends_with("another recorder writes to this folder"), "{reason}");
    drop(first);
    second.check().await.expect("the only one");
}

#[tokio::test]
async fn a_key_within_the_folder_is_refused_and_nothing_is_written() {
    let dir = tempfile::tempdir().expect("a folder");
    let key = dir.path().join("key");
    let recorder = Recorder::to(dir.path()).redaction(Redaction::new().key_file(&key));
    let receiver = recorder.around(receiver());
    ask(&receiver).await;
    let reason = problem(&recorder).await;
    assert!(reason.ends_with("is within the recording's folder"), "{reason}");
    assert_eq!((recorder.recorded(), recorder.dropped()), (0, 1));
    assert_eq!(all_files(dir.path()), Vec::<PathBuf>::new());
}

#[tokio::test]
async fn a_write_that_finds_no_room_leaves_nothing() {
    let dir = tempfile::tempdir().expect("a folder");
    let recorder = Recorder::to(dir.path());
    let receiver = recorder.around(receiver());
    recorder.check().await.expect("a folder");
    symlink("/dev/full", dir.path().join("000001-bot-message.http.part")).expect("linked");
    ask(&receiver).await;
    recorder.flush().await;
    assert_eq!((recorder.recorded(), recorder.dropped()), (0, 1));
    assert_eq!(all_files(dir.path()), Vec::<PathBuf>::new());
    ask(&receiver).await;
    recorder.flush().await;
    assert_eq!(exchanges(dir.path())[0].number(), 1);
}

/// A file system in memory of 1 MB, where the test may mount one.
struct Mount(PathBuf);

impl Mount {
    fn new(path: &Path) -> Option<Self> {
        let mut mount = Command::new("mount");
        mount.args(["-t", "tmpfs", "-o", "size=1m", "tmpfs"]).arg(path).stderr(Stdio::null());
        mount.status().is_ok_and(|status| status.success()).then(|| Self(path.to_owned()))
    }
}

impl Drop for Mount {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("--lazy").arg(&self.0).status();
    }
}

/// Where nothing can be mounted, the test above stands for it.
#[tokio::test]
async fn a_full_disk_harms_no_request_until_there_is_room() {
    let dir = tempfile::tempdir().expect("a folder");
    let Some(mount) = Mount::new(dir.path()) else { return };
    let recorder = Recorder::to(&mount.0);
    let receiver = recorder.around(receiver());
    let text = "x".repeat(20_000);
    for _ in 0..60 {
        let answer = receiver.handle(post("/bot", TOKEN, say(&text))).await;
        assert_eq!(answer.status(), StatusCode::OK);
    }
    let reason = problem(&recorder).await;
    assert!(reason.contains("No space left on device"), "{reason}");
    assert_eq!(recorder.recorded() + recorder.dropped(), 60);
    let files = exchanges(&mount.0);
    assert_eq!(files.len() as u64, recorder.recorded());
    assert!((10..60).contains(&files.len()), "{} of 40 kB in 1 MB", files.len());
    for file in all_files(&mount.0).iter().take(5) {
        fs::remove_file(file).expect("removed");
    }
    recorder.check().await.expect("room");
    ask(&receiver).await;
    recorder.flush().await;
    assert_eq!(exchanges(&mount.0).len(), files.len() - 4);
}

#[tokio::test]
async fn a_disk_that_hangs_delays_no_request() {
    const REQUESTS: u64 = 3000;
    record_log();
    let dir = tempfile::tempdir().expect("a folder");
    let recorder = Recorder::to(dir.path());
    let receiver = recorder.around(receiver());
    recorder.check().await.expect("a folder");
    // Whoever opens it to write hangs until somebody reads.
    let hanging = dir.path().join("000001-bot-message.http.part");
    let made = Command::new("mkfifo").arg(&hanging).status().expect("mkfifo");
    assert!(made.success());
    let started = Instant::now();
    for _ in 0..REQUESTS {
        ask(&receiver).await;
    }
    assert!(started.elapsed() < Duration::from_secs(20), "{:?}", started.elapsed());
    timeout(Duration::from_millis(50), recorder.check()).await.expect_err("a probe hangs as well");
    assert!(recorder.dropped() > REQUESTS / 2, "{} dropped", recorder.dropped());
    let lines = logged("the disk is too slow");
    assert_eq!(lines.len(), 1, "{lines:?}");
    let read = spawn_blocking(move || fs::read(hanging).expect("read"));
    recorder.flush().await;
    assert!(read.await.expect("no panic").starts_with(b"# snapengage recording 1\n"));
    assert_eq!(recorder.recorded() + recorder.dropped(), REQUESTS);
    recorder.check().await.expect("a disk that works");
    let lines = logged(&format!("exchanges are recorded again dropped={}", recorder.dropped()));
    assert_eq!(lines.len(), 1, "{lines:?}");
}
