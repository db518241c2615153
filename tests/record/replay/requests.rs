//! Requests as they are sent again.

use std::sync::{Arc, Mutex};

use snapengage::bot::{self, Reply};
use snapengage::record::{FieldChange, Recording};
use snapengage::{Api, Auth, Receiver, Token, contact, integration};

use super::receiver;
use super::written::{Written, folder, panic_of};

#[track_caller]
fn change(text: &str) -> FieldChange {
    text.parse().expect("NAME=VALUE")
}

#[tokio::test(start_paused = true)]
async fn what_was_refused_is_refused_again() {
    let mut wrong = Written::message(1, "c", "Hi").answered_by(&receiver()).await;
    let refused = r#"{"code":401,"message":"the token is missing or wrong"}"#;
    for token in [Some("<redacted:refused>"), Some("<redacted>"), None] {
        wrong.token = token;
        let files = folder(&[wrong.clone().answered(401, refused)]);
        let recording = Recording::open(files.path()).expect("a recording");
        recording.replay(&receiver()).token("my-token").await.assert_same();
    }
}

#[tokio::test(start_paused = true)]
async fn a_token_that_was_right_has_to_be_said() {
    let files = folder(&[Written::message(1, "c", "Hi").said("You said: Hi")]);
    let recording = Recording::open(files.path()).expect("a recording");
    let report = recording.replay(&receiver()).await;
    assert!(panic_of(|| report.assert_same()).ends_with("it had a token: say which"));
    let report = recording.replay(&receiver()).token("t").token_of(Api::Bot, "my-token").await;
    assert!(!report.to_string().contains("401"), "{report}");
    assert!(!format!("{:?}", recording.replay(&receiver()).token("geheim")).contains("geheim"));
}

#[tokio::test(start_paused = true)]
async fn a_path_with_a_secret_has_to_be_said() {
    let mut look_up = Written::new(1, "get-contact", "");
    look_up.target = "/get-contact/<secret>?email=a%40b.example".to_owned();
    look_up.token = None;
    let files = folder(&[look_up.answered(200, "Mail of a@b.example")]);
    let recording = Recording::open(files.path()).expect("a recording");
    let report = recording.replay(&receiver()).await;
    let problem = "its path had a secret in it: say which path `get-contact` has";
    assert!(panic_of(|| report.assert_same()).ends_with(problem), "{report}");
    let path = "/get-contact/my-token";
    recording.replay(&receiver()).path(Api::Contact, path).await.assert_same();
}

#[tokio::test(start_paused = true)]
async fn a_secret_that_was_refused_is_wrong_again() {
    let mut look_up = Written::new(1, "get-contact", "");
    look_up.target = "/get-contact/<secret>?email=a%40b.example".to_owned();
    look_up.token = None;
    let find = contact::from_fn(|_| async { Ok(None) });
    let auth = Auth::secret_path(Token::new("right"));
    let receiver = Receiver::builder().contact("/get-contact", auth, find).build();
    let receiver = receiver.expect("a receiver");
    // Its token is not `my-token`.
    let files = folder(&[look_up.answered_by(&receiver).await]);
    let recording = Recording::open(files.path()).expect("a recording");
    let exchange = recording.exchanges().next().expect("one").expect("a file");
    assert_eq!(exchange.status().map(|status| status.as_u16()), Some(401));
    let replay = recording.replay(&receiver).path(Api::Contact, "/get-contact/right");
    replay.await.assert_same();
}

#[tokio::test(start_paused = true)]
async fn a_cut_body_is_as_long_as_it_was() {
    let handler = integration::from_fn(|_| async { Ok(()) });
    let receiver = Receiver::builder()
        .integration("/integration", Token::new("t"), handler)
        .body_limit(100_000)
        .build()
        .expect("a receiver");
    let too_long = r#"{"code":413,"message":"the body is larger than 100000 bytes"}"#;
    for cut in ["100001", "?", "18446744073709551615"] {
        let mut cut_off = Written::new(1, "integration", "{").answered(413, too_long);
        cut_off.notes = format!("# cut: {cut}");
        let files = folder(&[cut_off]);
        let recording = Recording::open(files.path()).expect("a recording");
        recording.replay(&receiver).token("t").await.assert_same();
    }
}

/// The texts that a bot was sent, and the ids of their cases.
type Seen = Arc<Mutex<Vec<(String, String)>>>;

fn noting() -> (Receiver, Seen) {
    let seen = Seen::default();
    let noted = Arc::clone(&seen);
    let bot = bot::from_fn(move |message: bot::Message| {
        let said = (message.case_id.to_string(), message.text.clone());
        noted.lock().expect("not poisoned").push(said);
        async move { Ok(Reply::say(message.text)) }
    });
    let receiver = Receiver::builder().bot("/bot", Token::new("t"), bot).build();
    (receiver.expect("a receiver"), seen)
}

#[tokio::test(start_paused = true)]
async fn fresh_ids_are_new_in_requests_and_in_what_is_compared() {
    let files = folder(&[
        Written::message(1, "case-a", "about case-a").said("about case-a"),
        Written::message(2, "case-b", "Hi").said("Hi"),
        Written::message(3, "case-a", "Bye").said("Bye"),
    ]);
    let recording = Recording::open(files.path()).expect("a recording");
    let (receiver, seen) = noting();
    recording.replay(&receiver).token("t").fresh_ids().await.assert_same();
    let seen = seen.lock().expect("not poisoned").clone();
    let [(a, about), (b, _), (again, _)] = &seen[..] else { panic!("{seen:?}") };
    assert_eq!(*about, format!("about {a}"));
    assert_eq!(a, again);
    assert_ne!(a, b);
    assert!(!["case-a", "case-b"].contains(&a.as_str()));
}

#[tokio::test(start_paused = true)]
async fn a_field_is_set_in_every_request() {
    let files = folder(&[Written::message(1, "c", "Hi").said("Hi")]);
    let recording = Recording::open(files.path()).expect("a recording");
    let (receiver, seen) = noting();
    let replay = recording.replay(&receiver).token("t");
    let report = replay.set(change("text=Hello, you")).await;
    assert_eq!(*seen.lock().expect("not poisoned"), [("c".to_owned(), "Hello, you".to_owned())]);
    assert!(report.to_string().contains("+       \"text\": \"Hello, you\","), "{report}");

    let report = recording.replay(&receiver).token("t").set(change("text.more=1")).await;
    let problem = "`text.more` cannot be set: there is nothing in which `more` could be";
    assert!(report.to_string().ends_with(problem), "{report}");
}

#[tokio::test(start_paused = true)]
async fn a_body_that_is_no_text_is_sent_to_the_byte() {
    let sample = snapengage::testing::samples().iter();
    let latin = sample.clone().find(|sample| sample.name() == "integration/iso-8859-1.xml");
    let body = latin.expect("a sample").body();
    assert!(str::from_utf8(body).is_err());
    let described = Arc::new(Mutex::new(None));
    let noted = Arc::clone(&described);
    let handler = integration::from_fn(move |case: integration::SupportRequest| {
        *noted.lock().expect("not poisoned") = Some(case);
        async { Ok(()) }
    });
    let receiver = Receiver::builder().integration("/integration", Token::new("t"), handler);
    let receiver = receiver.build().expect("a receiver");
    let files = folder(&[Written::new(1, "integration", body).answered(200, "")]);
    let recording = Recording::open(files.path()).expect("a recording");
    recording.replay(&receiver).token("t").await.assert_same();
    let expected = integration::SupportRequest::from_body(body).expect("a support request");
    assert_eq!(*described.lock().expect("not poisoned"), Some(expected));
}
