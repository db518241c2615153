//! Answers beside the recorded ones.

use snapengage::bot::{self, Reply};
use snapengage::record::{Recorder, Recording};
use snapengage::testing::{samples, send};
use snapengage::{Api, Auth, HandlerError, Receiver, Token, contact, integration};

use super::written::{Written, folder, panic_of};
use super::{CONTACT, receiver, recorded_samples};

#[tokio::test(start_paused = true)]
async fn all_samples_are_answered_as_recorded() {
    let receiver = receiver();
    let exchanges = recorded_samples(&receiver).await;
    let folder = folder(&exchanges);
    let recording = Recording::open(folder.path()).expect("a recording");
    assert_eq!(recording.len(), exchanges.len());
    let (api, path) = CONTACT;
    let report = recording.replay(&receiver).token("my-token").path(api, path).await;
    report.assert_same();
    assert_eq!((report.sent(), report.left_out()), (exchanges.len() as u64, 0));
}

/// Recorded and redacted by the crate itself, over and over: what is answered stays the same.
#[tokio::test(start_paused = true)]
async fn what_a_recorder_wrote_is_answered_as_recorded() {
    let files = folder(&[]);
    let recorder = Recorder::to(files.path());
    let recorded = recorder.around(receiver());
    let (api, path) = CONTACT;
    for sample in samples() {
        let path = if sample.api() == api { path } else { &format!("/{}", sample.api()) };
        sample.send(&recorded, path, "my-token").await;
    }
    let refused = send(&recorded, "/bot", "another", "{}").await;
    assert_eq!(refused.status(), 401);
    send(&recorded, "/integration", "my-token", "x".repeat(3 << 20)).await;
    recorder.flush().await;

    let recording = Recording::open(files.path()).expect("a recording");
    let report = recording.replay(&receiver()).token("my-token").path(api, path).await;
    report.assert_same();
    assert_eq!(report.sent(), samples().len() as u64 + 2);
    let report = recording.replay(&receiver()).token("my-token").path(api, path).fresh_ids().await;
    report.assert_same();
}

/// A bot that says what it is given.
fn saying(text: &'static str) -> Receiver {
    let bot = bot::from_fn(move |_| async move { Ok(Reply::say(text)) });
    Receiver::builder().bot("/bot", Token::new("my-token"), bot).build().expect("a receiver")
}

#[tokio::test(start_paused = true)]
async fn another_answer_is_shown_as_a_difference() {
    let folder = folder(&[
        Written::message(1, "case-1", "Hi").said("Hello!"),
        Written::message(2, "case-1", "Bye").said("Goodbye!"),
    ]);
    let recording = Recording::open(folder.path()).expect("a recording");
    let report = recording.replay(&saying("Hello!")).token("my-token").await;
    let panic = panic_of(|| report.assert_same());
    let file = folder.path().join("000002-bot-other.http");
    let expected = format!(
        "2 requests sent, 1 not answered as recorded

{}: the answer: not as recorded

expected (-), but it was (+):
      200 OK
      {{
        \"case_id\": \"case-1\",
        \"content\": [
          {{
    -       \"text\": \"Goodbye!\",
    +       \"text\": \"Hello!\",
            \"type\": \"message\"
          }}
        ],
        \"widget_id\": \"w\"
      }}",
        file.display()
    );
    assert_eq!(panic, expected);
    assert_eq!(report.differences()[0].status().map(|status| status.as_u16()), Some(200));
}

#[tokio::test(start_paused = true)]
async fn json_is_compared_by_its_values_and_text_to_the_byte() {
    let spaced = r#"{ "widget_id": "w", "content": [{"text": "Hello!", "type": "message"}],
        "case_id": "case-1" }"#;
    let files = folder(&[Written::message(1, "case-1", "Hi").answered(200, spaced)]);
    let recording = Recording::open(files.path()).expect("a recording");
    recording.replay(&saying("Hello!")).token("my-token").await.assert_same();

    let find = contact::from_fn(|_| async { Ok(Some("Jim ".to_owned())) });
    let auth = Auth::secret_path(Token::new("t"));
    let receiver = Receiver::builder().contact("/get-contact", auth, find);
    let receiver = receiver.build().expect("a receiver");
    for (recorded, is_same) in [("Jim ", true), ("Jim", false)] {
        let mut look_up = Written::new(1, "get-contact", "").answered(200, recorded);
        look_up.token = None;
        look_up.target += "?email=a%40b.example&ip=1.2.3.4&url=&caseId=c";
        let files = folder(&[look_up]);
        let recording = Recording::open(files.path()).expect("a recording");
        let report = recording.replay(&receiver).path(Api::Contact, "/get-contact/t").await;
        assert_eq!(report.is_same(), is_same, "{recorded:?}: {report}");
    }
}

#[tokio::test(start_paused = true)]
async fn an_answer_of_the_proxy_is_left_out_and_counted() {
    let answered = Written::message(1, "c", "Hi").answered_by(&receiver()).await;
    let refusal = r#"{"code":502,"message":"the receiver cannot be reached"}"#;
    let mut refused = Written::message(2, "c", "Hi").answered(502, refusal);
    let by_receiver = folder(&[answered.clone(), refused.clone()]);
    refused.notes = "# answered-by: proxy".to_owned();
    let by_proxy = folder(&[answered, refused]);
    for (files, sent, differing, left_out) in [(by_receiver, 2, 1, 0), (by_proxy, 1, 0, 1)] {
        let recording = Recording::open(files.path()).expect("a recording");
        let report = recording.replay(&receiver()).token("my-token").await;
        let counts = (report.sent(), report.differing(), report.left_out());
        assert_eq!(counts, (sent, differing, left_out), "{report}");
    }
}

#[tokio::test(start_paused = true)]
async fn another_status_is_a_difference_by_itself() {
    let request = Written::new(1, "integration", r#"{"id":"one","type":"chat"}"#);
    let files = folder(&[request.answered(200, "")]);
    let failing = integration::from_fn(|_| async { Err(HandlerError::new("the CRM is down")) });
    let receiver = Receiver::builder().integration("/integration", Token::new("t"), failing);
    let receiver = receiver.build().expect("a receiver");
    let recording = Recording::open(files.path()).expect("a recording");
    let report = recording.replay(&receiver).token("t").await;
    let text = report.to_string();
    assert!(text.contains("# now: handler failed: the CRM is down\n"), "{text}");
    assert!(text.contains("    - 200 OK\n    + 503 Service Unavailable\n"), "{text}");

    let request = Written::message(1, "c", "Hi").answered_by(&super::receiver()).await;
    let (_, body) = request.answer.clone().expect("an answer");
    let files = folder(&[request.answered(201, body)]);
    let recording = Recording::open(files.path()).expect("a recording");
    let text = recording.replay(&super::receiver()).token("my-token").await.to_string();
    let same = "    - 201 Created\n    + 200 OK\n      (the body as recorded)";
    assert!(text.contains(same), "{text}");
}

#[tokio::test(start_paused = true)]
async fn a_dead_letter_shows_what_it_died_of() {
    let mut dead = Written::new(1, "integration", r#"{"id":"one","type":"chat"}"#);
    dead.notes = "# error: no such plan".to_owned();
    let files = folder(&[dead]);
    let recording = Recording::open(files.path()).expect("a recording");
    let error = recording.exchanges().next().expect("one").expect("a file");
    assert_eq!(error.error(), Some("no such plan"));

    let mended = integration::from_fn(|_| async { Ok(()) });
    let still = integration::from_fn(|_| async { Err(HandlerError::permanent("plan X is gone")) });
    let mended = Receiver::builder().integration("/integration", Token::new("t"), mended);
    let still = Receiver::builder().integration("/integration", Token::new("t"), still);
    let [mended, still] = [mended, still].map(|builder| builder.build().expect("a receiver"));
    recording.replay(&mended).token("t").await.assert_same();
    let report = recording.replay(&still).token("t").await;
    let panic = panic_of(|| report.assert_same());
    let all = ": answered 422 Unprocessable Entity\n# it died of: no such plan\n\
        # now: handler failed: plan X is gone\n";
    assert!(panic.contains(all), "{panic}");
}

const NAME: &str = "Name-abcdefghijkl";

#[tokio::test(start_paused = true)]
async fn a_pseudonym_matches_any_value_of_its_kind() {
    for (recorded, answered, is_same) in [
        ("Hello Name-abcdefghijkl!", "Hello Jane Doe!", true),
        ("Hello Name-abcdefghijkl!", "Bye Jane Doe!", false),
        ("Call +999123456789", "Call +1 555 617-8980", true),
        ("Call +999123456789", "Call jane@shop.example", false),
    ] {
        let files = folder(&[Written::message(1, "c", "Hi").said(recorded)]);
        let recording = Recording::open(files.path()).expect("a recording");
        let report = recording.replay(&saying(answered)).token("my-token").await;
        assert_eq!(report.is_same(), is_same, "{recorded}, {answered}: {report}");
    }
}

#[tokio::test(start_paused = true)]
async fn equal_pseudonyms_have_to_stay_equal() {
    let echo = bot::from_fn(|message| async move { Ok(Reply::say(message.text)) });
    let echo = Receiver::builder().bot("/bot", Token::new("t"), echo).build().expect("a receiver");
    for (texts, is_same) in [(["Jane", "Jane"], true), (["Jane", "John"], false)] {
        let [first, second] = texts;
        let files = folder(&[
            Written::message(1, "c", first).said(NAME),
            Written::message(2, "c", second).said(NAME),
        ]);
        let recording = Recording::open(files.path()).expect("a recording");
        let report = recording.replay(&echo).token("t").await;
        assert_eq!(report.is_same(), is_same, "{texts:?}: {report}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_pseudonym_that_was_sent_stands_for_itself() {
    let files = folder(&[Written::message(1, "c", NAME).said(NAME)]);
    let recording = Recording::open(files.path()).expect("a recording");
    recording.replay(&saying(NAME)).token("my-token").await.assert_same();
    let report = recording.replay(&saying("Jane")).token("my-token").await;
    assert!(!report.is_same());
}

#[tokio::test(start_paused = true)]
async fn nothing_that_was_chosen_is_no_success() {
    let files = folder(&[Written::message(1, "c", "Hi").said("Hi")]);
    let recording = Recording::open(files.path()).expect("a recording");
    let report = recording.replay(&saying("Hi")).only(Api::Contact).await;
    assert_eq!((report.sent(), report.left_out()), (0, 1));
    let panic = panic_of(|| report.assert_same());
    assert_eq!(panic, "nothing was sent: nothing was chosen");
}

#[tokio::test(start_paused = true)]
async fn a_long_difference_is_cut_to_what_differs() {
    let answer = |word: &str| {
        let lines: Vec<_> = (0..100_000).map(|n| format!("{word} {n}")).collect();
        serde_json::json!({"same": (0..1000).collect::<Vec<_>>(), "text": lines}).to_string()
    };
    let files = folder(&[Written::message(1, "c", "Hi").answered(200, answer("line"))]);
    let recording = Recording::open(files.path()).expect("a recording");
    let report = recording.replay(&saying("no")).token("my-token").await;
    let text = report.to_string();
    assert!(text.len() < 20_000, "{}", text.len());
    assert!(text.contains("more lines"), "{text}");
}

#[tokio::test(start_paused = true)]
async fn of_an_answer_that_was_recorded_in_part_the_start_is_compared() {
    let long: &str = "x".repeat(3 << 20).leak();
    let find = contact::from_fn(move |_| async move { Ok(Some(long.to_owned())) });
    let auth = Auth::secret_path(Token::new("t"));
    let receiver = Receiver::builder().contact("/get-contact", auth, find).build();
    let receiver = receiver.expect("a receiver");
    for (start, is_same) in [("x", true), ("y", false)] {
        let mut look_up = Written::new(1, "get-contact", "");
        look_up.token = None;
        look_up.target += "?email=a%40b.example";
        let look_up = look_up.answered(200, start.repeat(2 << 20));
        let files = folder(&[]);
        let file = String::from_utf8(look_up.file()).expect("a text");
        let file = file.replace("200 Status\n", "200 Status\nContent-Length: 3145728\n");
        std::fs::write(files.path().join(look_up.file_name()), file).expect("written");
        let recording = Recording::open(files.path()).expect("a recording");
        let report = recording.replay(&receiver).path(Api::Contact, "/get-contact/t").await;
        assert_eq!(report.is_same(), is_same, "{report}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_long_request_that_was_recorded_in_part_is_left_out() {
    let mut accepted = Written::message(1, "c", "Hi").said("Hi");
    accepted.notes = "# cut: 3000000".to_owned();
    let files = folder(&[accepted, Written::message(2, "c", "Hi").said("Hi")]);
    let recording = Recording::open(files.path()).expect("a recording");
    let report = recording.replay(&saying("Hi")).token("my-token").await;
    report.assert_same();
    assert_eq!((report.sent(), report.left_out()), (1, 1));
}
