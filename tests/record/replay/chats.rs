//! Chats as scripts, and requests for a mutator.

use std::fs;

use snapengage::bot::{self, Reply};
use snapengage::record::{RecordedChat, Recording};
use snapengage::testing::{Script, TestChat};
use snapengage::{Api, HandlerError, Receiver, Token};

use super::receiver;
use super::written::{Written, folder};

/// A bot that asks, hands over, and apologizes.
fn asking() -> Receiver {
    struct Asking;

    #[snapengage::async_trait]
    impl bot::Handler for Asking {
        async fn greet(&self, chat: bot::ChatStarted) -> Result<Reply, HandlerError> {
            let email = chat.email.unwrap_or_default();
            Ok(Reply::say(format!("Hello {email}")).button(bot::Button::new("Human").id("human")))
        }

        async fn message(&self, message: bot::Message) -> Result<Reply, HandlerError> {
            Ok(match message.id.as_deref() {
                Some("human") => Reply::say("One moment").context_id("x").to_human(),
                _ => Reply::say(message.text),
            })
        }

        async fn command_failed(&self, _: bot::CommandResult) -> Result<Reply, HandlerError> {
            Ok(Reply::say("Nobody is in"))
        }
    }

    Receiver::builder().bot("/bot", Token::new("my-token"), Asking).build().expect("a receiver")
}

fn event(number: u64, event: &str, fields: &serde_json::Value) -> Written {
    let mut body = serde_json::json!({"event": event, "widget_id": "w", "case_id": "c"});
    let body_fields = body.as_object_mut().expect("an object");
    body_fields.extend(fields.as_object().expect("an object").clone());
    Written { case_id: Some("c".into()), ..Written::new(number, "bot", body.to_string()) }
}

async fn chat() -> Vec<Written> {
    let receiver = asking();
    let mut exchanges = Vec::new();
    let failed =
        serde_json::json!([{"operation": "HUMAN_TRANSFER", "error": "NO_AGENTS_AVAILABLE"}]);
    for exchange in [
        event(1, "chatStarted", &serde_json::json!({"email": "a@b.example", "timestamp": 1})),
        event(
            2,
            "message",
            &serde_json::json!({"from": "visitor", "text": "Human", "id": "human"}),
        ),
        event(
            3,
            "commandResult",
            &serde_json::json!({"failedCommands": failed, "context_id": "x"}),
        ),
        event(4, "message", &serde_json::json!({"from": "visitor", "text": "Two\nlines"})),
        event(5, "message", &serde_json::json!({"from": "visitor", "text": " spaces "})),
        event(6, "message", &serde_json::json!({"from": "visitor", "text": " spaces "})),
        event(7, "chatClosed", &serde_json::json!({"reason": "timeout"})),
    ] {
        exchanges.push(exchange.answered_by(&receiver).await);
    }
    exchanges
}

const SCRIPT: &str = r#"chat opens
  email: a@b.example
bot: Hello a@b.example
  [Human](human)
visitor clicks: [Human](human)
bot: One moment
bot does: HUMAN_TRANSFER
bot context: x
transfer fails: NO_AGENTS_AVAILABLE
bot: Nobody is in
visitor: Two
  | lines
bot: Two
  | lines
event: message {"from":"visitor","text":" spaces "}
bot: spaces
same again
bot: spaces
event: chatClosed {"reason":"timeout"}
"#;

#[tokio::test(start_paused = true)]
async fn a_chat_becomes_a_script_that_runs() {
    let files = folder(&chat().await);
    let recording = Recording::open(files.path()).expect("a recording");
    let [chat] = &recording.chats().expect("readable files")[..] else { panic!("one chat") };
    assert_eq!(chat.script(), SCRIPT);
    assert_eq!(chat.case_id(), "c");

    let scripts = tempfile::tempdir().expect("a folder");
    let file = chat.save_script(scripts.path().join("new")).expect("written");
    assert_eq!(file.file_name().expect("a name"), "000001-c.chat");
    let script = Script::parse(&fs::read_to_string(file).expect("a script")).expect("a script");
    script.run(&mut TestChat::new(asking(), "/bot", "my-token")).await;
}

#[tokio::test(start_paused = true)]
async fn chats_that_came_at_once_are_scripts_of_their_own() {
    let files = folder(&[
        Written::message(1, "a", "one").said("You said: one"),
        Written::message(2, "../b", "two").said("You said: two"),
        Written::message(3, "a", "three").answered(503, "{}"),
        Written::new(4, "integration", r#"{"id":"a"}"#).answered(200, ""),
    ]);
    let recording = Recording::open(files.path()).expect("a recording");
    let chats = recording.chats().expect("readable files");
    let names: Vec<_> = chats.iter().map(RecordedChat::file_name).collect();
    assert_eq!(names, ["000001-a.chat", "000002-___b.chat"]);
    let expected = "event: message {\"from\":\"visitor\",\"text\":\"one\"}\nbot: You said: one\n\
        # left out: answered 503 Service Unavailable\n";
    assert_eq!(chats[0].script(), expected);
}

#[tokio::test(start_paused = true)]
async fn recorded_requests_are_spoilt_in_place_of_samples() {
    let exchanges = [
        Written::message(1, "a", "one").said("one"),
        Written::message(2, "b", "the same fields").said("the same fields"),
        Written::new(3, "bot", "{").answered(400, "{}"),
    ];
    let files = folder(&exchanges);
    let recording = Recording::open(files.path()).expect("a recording");
    let sent = |recording: Recording| async move {
        let mutator = recording.mutate(&receiver()).expect("readable files");
        let report = mutator.route(Api::Bot, "/bot", "my-token").run().await;
        report.assert_clean();
        report.sent()
    };
    let both = sent(recording).await;
    let first = Recording::open(files.path().join(exchanges[0].file_name())).expect("a file");
    assert_eq!(both, sent(first).await, "the second is of the same shape, the third was refused");

    let picky = bot::from_fn(|message| async move {
        message.extra.get("from").ok_or("a message of nobody")?;
        Ok(Reply::say("Hi"))
    });
    let picky = Receiver::builder().bot("/bot", Token::new("t"), picky).build().expect("one");
    let recording = Recording::open(files.path()).expect("a recording");
    let mutator = recording.mutate(&picky).expect("readable files").route(Api::Bot, "/bot", "t");
    let report = mutator.run().await;
    assert!(!report.problems().is_empty());
    let file = files.path().join(exchanges[0].file_name());
    assert!(report.problems()[0].starts_with(&file.display().to_string()), "{report}");
}
