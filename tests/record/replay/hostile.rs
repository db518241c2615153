//! Folders and files that are no recordings, or broken ones.

use std::fs::{self, File};

use snapengage::record::Recording;

use super::receiver;
use super::written::{Written, folder};

#[tokio::test(start_paused = true)]
async fn foreign_files_are_left_alone() {
    let files = folder(&[Written::message(1, "c", "Hi").answered_by(&receiver()).await]);
    for name in ["README.md", ".hidden.http", "000002-bot-message.http.part", "key"] {
        fs::write(files.path().join(name), "nothing").expect("written");
    }
    let below = files.path().join("000002");
    fs::create_dir(&below).expect("a folder");
    Written::message(2, "c", "Bye").answered_by(&receiver()).await.write_to(&below);
    let recording = Recording::open(files.path()).expect("a recording");
    let report = recording.replay(&receiver()).token("my-token").await;
    report.assert_same();
    assert_eq!(report.sent(), 2);
}

#[cfg(unix)]
#[test]
fn a_link_to_a_folder_is_not_followed() {
    let files = folder(&[Written::message(1, "c", "Hi")]);
    std::os::unix::fs::symlink(files.path(), files.path().join("loop")).expect("a link");
    assert_eq!(Recording::open(files.path()).expect("a recording").len(), 1);
}

#[test]
fn a_folder_without_a_recording_is_an_error() {
    let empty = folder(&[]);
    let error = Recording::open(empty.path()).expect_err("nothing there").to_string();
    assert_eq!(error, format!("recording {:?}: no file that ends in .http", empty.path()));
    let error = Recording::open(empty.path().join("no")).expect_err("nothing there");
    assert!(error.to_string().ends_with("no\": not accessible"), "{error}");
}

#[tokio::test(start_paused = true)]
async fn a_broken_file_is_named_with_its_line_and_the_rest_is_sent() {
    let good = Written::message(2, "c", "Hi").answered_by(&receiver()).await;
    let files = folder(std::slice::from_ref(&good));
    let text = String::from_utf8(good.file()).expect("a text");
    let length = |length: usize| {
        text.replace(
            &format!("request-body: text {}", good.body.len()),
            &format!("request-body: text {length}"),
        )
    };
    for (name, file) in [
        ("000001-a.http", length(good.body.len() + 1)),
        ("000003-b.http", length(good.body.len() - 1)),
        ("000004-c.http", text.replace("body: text ", "body: text 9999999999999999999")),
        ("000005-d.http", "GET / HTTP/1.1\n".to_owned()),
        ("000006-e.http", String::new()),
    ] {
        fs::write(files.path().join(name), file).expect("written");
    }
    fs::write(files.path().join("000007-f.http"), [0xff; 100]).expect("written");
    let recording = Recording::open(files.path()).expect("a recording");
    let error = recording.exchanges().next().expect("one").expect_err("broken").to_string();
    assert!(error.contains("000001-a.http\": expected a line break after "), "{error}");
    let report = recording.replay(&receiver()).token("my-token").await;
    assert_eq!((report.sent(), report.differing()), (7, 6), "{report}");
    for replayed in report.differences() {
        let problem = replayed.problem().expect("a problem");
        assert!(problem.contains(" at line "), "{replayed}");
        assert!(replayed.name().ends_with(".http"), "{replayed}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_huge_file_is_not_read() {
    let files = folder(&[]);
    let path = files.path().join("000001-bot-message.http");
    // Sparse: it takes no room on the disk.
    File::create(&path).and_then(|file| file.set_len(1 << 40)).expect("a file");
    let recording = Recording::open(files.path()).expect("a recording");
    let error = recording.exchanges().next().expect("one").expect_err("too large");
    assert_eq!(error.to_string(), format!("recording {path:?}: larger than 64 MiB"));
}

#[tokio::test(start_paused = true)]
async fn requests_that_cannot_be_sent_are_problems_and_no_panic() {
    let message = Written::message(1, "c", "Hi").said("You said: Hi");
    for target in ["no path", "\u{1}", "*", "//", "/a%", "http://other.example/bot", ""] {
        let files = folder(&[Written { target: target.to_owned(), ..message.clone() }]);
        let recording = Recording::open(files.path()).expect("a recording");
        let report = recording.replay(&receiver()).token("my-token").await;
        assert!(!report.is_same(), "{target}: {report}");
    }
    let files = folder(&[message]);
    let recording = Recording::open(files.path()).expect("a recording");
    let report = recording.replay(&receiver()).token("a\nb").await;
    assert!(report.to_string().ends_with("the token cannot be sent in a header"), "{report}");
}
