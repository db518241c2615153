//! Inboxes that are exported as recordings.

use std::fs;

use snapengage::inbox::{Inbox, State};
use snapengage::record::{Exchange, Recording, Redaction};
use snapengage::{Api, HandlerError, Receiver, Token, integration};
use tempfile::TempDir;

/// A receiver whose handler refuses plan X for good.
fn picky(inbox: Option<&Inbox>) -> Receiver {
    let handler = integration::from_fn(|case| async move {
        match case.description.as_deref() {
            Some("plan X") => Err(HandlerError::permanent("jane@shop.example wants plan X")),
            _ => Ok(()),
        }
    });
    let token = Token::new("my-token");
    let builder = match inbox {
        Some(inbox) => Receiver::builder().integration("/in", token, inbox.feed(handler)),
        None => Receiver::builder().integration("/in", token, handler),
    };
    builder.build().expect("a receiver")
}

/// An inbox with two dead letters, one of which cannot be read.
async fn inbox() -> (TempDir, Inbox) {
    let folder = tempfile::tempdir().expect("a folder");
    let inbox = Inbox::open(folder.path().join("inbox.db")).expect("an inbox");
    let receiver = picky(Some(&inbox));
    let chat =
        r#"{"id":"one","type":"chat","requested_by":"jane@shop.example","description":"plan X"}"#;
    let send = |body: &'static str| snapengage::testing::send(&receiver, "/in", "my-token", body);
    send(chat).await.assert_accepted();
    assert_eq!(send("{").await.status(), 400);
    let is_dead = async {
        while inbox.stats().await.expect("stats").dead < 2 {
            tokio::task::yield_now().await;
        }
    };
    inbox.run(is_dead).await;
    (folder, inbox)
}

#[tokio::test]
async fn dead_letters_are_exported_redacted_with_what_they_died_of() {
    let (folder, inbox) = inbox().await;
    let out = folder.path().join("dead");
    let count = Redaction::default().export(&inbox, State::Dead, &out).await.expect("exported");
    assert_eq!(count, 2);
    let recording = Recording::open(&out).expect("a recording");
    let exchanges: Vec<_> = recording.exchanges().map(|one| one.expect("a file")).collect();
    for exchange in &exchanges {
        let file = fs::read_to_string(out.join(exchange.file_name())).expect("a text");
        assert!(!file.contains("jane@shop.example"), "{file}");
        assert!(file.contains("Authorization: <redacted:right>\n"), "{file}");
        assert_eq!((exchange.api(), exchange.status()), (Some(Api::Integration), None));
        assert_eq!(exchange.target(), "/in");
    }
    let mut names: Vec<_> = exchanges.iter().map(Exchange::file_name).collect();
    names.sort();
    assert!(names[0].starts_with("000001-integration-"), "{names:?}");
    let errors: Vec<_> = exchanges.iter().filter_map(|exchange| exchange.error()).collect();
    assert!(
        errors.iter().any(|error| error.ends_with("@example.invalid wants plan X")),
        "{errors:?}"
    );
}

#[tokio::test(start_paused = true)]
async fn a_dead_letter_that_is_replayed_shows_both_errors() {
    let (folder, inbox) = inbox().await;
    let out = folder.path().join("dead");
    Redaction::default().export(&inbox, State::Dead, &out).await.expect("exported");
    let recording = Recording::open(&out).expect("a recording");
    let report = recording.replay(&picky(None)).token("my-token").await;
    let text = report.to_string();
    assert_eq!((report.sent(), report.differing()), (2, 2), "{text}");
    assert!(text.contains("@example.invalid wants plan X\n# now: handler failed: "), "{text}");
    assert!(text.contains("# it died of: support request: "), "{text}");
}

#[tokio::test]
async fn the_path_of_a_feed_is_no_secret() {
    let folder = tempfile::tempdir().expect("a folder");
    let inbox = Inbox::open(folder.path().join("inbox.db")).expect("an inbox");
    let feed = inbox.feed(integration::from_fn(|_| async { Ok(()) }));
    let builder = Receiver::builder().integration("/hooks/integration2", Token::new("t"), feed);
    let receiver = builder.build().expect("a receiver");
    let chat = r#"{"id":"one","type":"chat"}"#;
    snapengage::testing::send(&receiver, "/hooks/integration2", "t", chat).await.assert_accepted();
    let out = folder.path().join("waiting");
    Redaction::default().export(&inbox, State::Waiting, &out).await.expect("exported");
    // As it is exported, and once more when it is redacted as a recording from elsewhere.
    for _ in 0..2 {
        let recording = Recording::open(&out).expect("a recording");
        let exchange = recording.exchanges().next().expect("one").expect("a file");
        assert_eq!(exchange.target(), "/hooks/integration2");
        assert_eq!(Redaction::default().rewrite(&[&out]).expect("a recording"), 0);
    }
}

#[tokio::test]
async fn a_state_without_entries_leaves_an_empty_folder() {
    let (folder, inbox) = inbox().await;
    let out = folder.path().join("waiting");
    let count = Redaction::default().export(&inbox, State::Waiting, &out).await.expect("exported");
    assert_eq!((count, fs::read_dir(&out).expect("a folder").count()), (0, 0));
}

#[tokio::test]
async fn a_folder_that_cannot_be_made_is_an_error() {
    let (folder, inbox) = inbox().await;
    let file = folder.path().join("file");
    fs::write(&file, "").expect("written");
    let error = Redaction::default().export(&inbox, State::Dead, file.join("below")).await;
    let error = error.expect_err("no folder").to_string();
    assert!(error.ends_with("below\": not accessible"), "{error}");
}
