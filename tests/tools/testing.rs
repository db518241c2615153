//! `testing` itself: what is sent, what is asserted, and what a failure shows.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::{Value, json};
use snapengage::bot::{
    Button, Card, Cards, ChatClosed, ChatStarted, Command, CommandError, CommandResult, Handler,
    Label, Message, Reply, Unknown,
};
use snapengage::testing::{Mutator, Script, TestChat, Visitor, samples, send};
use snapengage::{
    Api, Auth, HandlerError, Receiver, Token, agent_status, async_trait, bot, contact,
    conversation, integration,
};

/// Answers by what it is told, and keeps what it was given.
#[derive(Clone, Default)]
struct Parrot(Arc<Mutex<Vec<Value>>>);

impl Parrot {
    fn saw(&self, event: impl serde::Serialize) {
        let event = serde_json::to_value(event).expect("JSON");
        self.0.lock().expect("not poisoned").push(event);
    }

    fn seen(&self) -> Vec<Value> {
        std::mem::take(&mut self.0.lock().expect("not poisoned"))
    }

    /// A field of all that was seen, in order.
    fn seen_field(&self, name: &str) -> Vec<Value> {
        self.seen().into_iter().map(|event| event[name].clone()).collect()
    }

    fn chat(&self) -> TestChat {
        let receiver = Receiver::builder().bot("/bot", Token::new("my-token"), self.clone());
        TestChat::new(receiver.build().expect("no mistakes"), "/bot", "my-token")
    }
}

#[async_trait]
impl Handler for Parrot {
    async fn message(&self, message: Message) -> Result<Reply, HandlerError> {
        self.saw(&message);
        answer(&message.text).await
    }

    async fn chat_started(&self, chat: ChatStarted) -> Result<Reply, HandlerError> {
        self.saw(&chat);
        match chat.first_message() {
            Some(text) => answer(text).await,
            None => Ok(Reply::say(format!("Hello {}", chat.email.as_deref().unwrap_or("there")))),
        }
    }

    async fn command_failed(&self, result: CommandResult) -> Result<Reply, HandlerError> {
        self.saw(&result);
        Ok(Reply::say("Nobody is in"))
    }

    async fn chat_closed(&self, chat: ChatClosed) -> Result<(), HandlerError> {
        self.saw(&chat);
        Ok(())
    }

    async fn unknown(&self, event: Unknown) -> Result<Reply, HandlerError> {
        self.saw(&event);
        Ok(Reply::new())
    }
}

async fn answer(text: &str) -> Result<Reply, HandlerError> {
    Ok(match text {
        "menu" => Reply::say("Choose:").button("Yes").button(Button::new("No").id("btn-no")),
        "twins" => Reply::new()
            .button(Button::new("Yes").id("left"))
            .button(Button::new("Yes").id("right")),
        "cards" => Reply::say("Look:").cards(cards()),
        "label" => Reply::new().label("topic", ["a", "b"]).goto("https://example.com"),
        "away" => Reply::say("One moment").to_tags("w2", ["sales"]),
        "remember" => Reply::say("Noted").context_id("ctx-1"),
        "lines" => Reply::say("One\nTwo"),
        "silence" => Reply::new(),
        "fail" => return Err(HandlerError::new("no luck")),
        "slow" => {
            tokio::time::sleep(Duration::from_secs(60)).await;
            Reply::say("Too late")
        }
        text => Reply::say(text),
    })
}

fn cards() -> Cards {
    Cards::vertical()
        .card(Card::new("Plans").excerpt("From one seat up").link("https://example.com/plans"))
        .card(Card::new("About us"))
}

/// What a panic says.
fn panic_of<T>(run: impl FnOnce() -> T) -> String {
    match catch_unwind(AssertUnwindSafe(run)) {
        Ok(_) => panic!("expected a panic"),
        Err(payload) => text(&*payload),
    }
}

/// What a panic in a task says.
async fn panic_in<T: Send + 'static>(task: impl Future<Output = T> + Send + 'static) -> String {
    match tokio::spawn(task).await {
        Ok(_) => panic!("expected a panic"),
        Err(error) => text(&*error.into_panic()),
    }
}

fn text(payload: &(dyn Any + Send)) -> String {
    let text = payload.downcast_ref::<String>().cloned();
    text.or(payload.downcast_ref::<&str>().map(ToString::to_string)).expect("a text")
}

#[tokio::test(start_paused = true)]
async fn events_are_sent_as_snapengage_sends_them() {
    let bot = Parrot::default();
    let mut chat = bot.chat();
    let visitor = Visitor::new()
        .verified_email("jane@example.com")
        .first_message("Hi")
        .page_url("https://example.com/contact")
        .field("geo", json!({"city": "Boulder"}));
    chat.open_with(visitor).await;
    chat.say("away").await;
    chat.fail_transfer(CommandError::NoAgentsAvailable).await;
    chat.send("newEvent", json!({"a": 1})).await;
    chat.close().await;

    let (widget, case) =
        ("ff7b3314-24de-4a4c-b48b-1cf38d19acf0", "ab992c69-7de8-46cc-9aaa-329d336bc182");
    assert_eq!(
        bot.seen(),
        [
            json!({
                "event": "chatStarted", "widget_id": widget, "case_id": case,
                "timestamp": 1_554_321_077_338_i64,
                "email": "jane@example.com", "text": "Hi",
                "page_url": "https://example.com/contact", "geo": {"city": "Boulder"},
                "hmacVerificationResult": {
                    "verificationProperty": {"property": "CaseEmail"},
                    "content": "jane@example.com", "status": "VERIFIED",
                },
            }),
            json!({
                "event": "message", "widget_id": widget, "case_id": case,
                "timestamp": 1_554_321_078_338_i64, "from": "visitor", "text": "away",
            }),
            json!({
                "event": "commandResult", "widget_id": widget, "case_id": case,
                "timestamp": 1_554_321_079_338_i64,
                "failedCommands": [{
                    "operation": "TAG_TRANSFER", "params": r#"w2 ["sales"]"#,
                    "error": "NO_AGENTS_AVAILABLE",
                }],
            }),
            json!({
                "event": "newEvent", "widget_id": widget, "case_id": case,
                "timestamp": 1_554_321_080_338_i64, "a": 1,
            }),
            json!({
                "event": "chatClosed", "widget_id": widget, "case_id": case,
                "timestamp": 1_554_321_081_338_i64,
            }),
        ]
    );
}

#[tokio::test(start_paused = true)]
async fn ids_and_timestamps_are_as_the_test_says() {
    let bot = Parrot::default();
    let mut chat = bot.chat().case_id("case-2").widget_id("w-2").without_timestamps();
    chat.say("Hi").await;
    assert_eq!(
        bot.seen(),
        [json!({"event": "chatStarted", "widget_id": "w-2", "case_id": "case-2", "text": "Hi"})]
    );
    assert_eq!(chat.id().as_str(), "case-2");
}

#[tokio::test(start_paused = true)]
async fn what_is_said_first_opens_the_chat() {
    let bot = Parrot::default();
    let mut chat = bot.chat();
    chat.say("Hi").await.assert_texts(["Hi"]);
    chat.say("Ho").await.assert_texts(["Ho"]);
    assert_eq!(chat.transcript(), "visitor: Hi\nbot: Hi\nvisitor: Ho\nbot: Ho\n");
    bot.chat().at_once(["Hi", "Ho"]).await;
    let script = Script::parse("visitor: Hi\nbot: Hi\nvisitor: Ho\nbot: Ho").expect("a script");
    script.run(&mut bot.chat()).await;
    assert_eq!(bot.seen_field("event"), ["chatStarted", "message"].repeat(3));
}

#[tokio::test(start_paused = true)]
async fn what_is_said_in_an_open_chat_is_a_message() {
    let bot = Parrot::default();
    let mut chat = bot.chat();
    chat.open().await.assert_texts(["Hello there"]);
    chat.say("Hi").await.assert_texts(["Hi"]);
    let mut joined = bot.chat();
    joined.send("message", json!({"text": "Hi"})).await;
    joined.say("Ho").await;
    bot.chat().already_open().say("Hi").await;
    let events = ["chatStarted", "message", "message", "message", "message"];
    assert_eq!(bot.seen_field("event"), events);
}

#[tokio::test(start_paused = true)]
async fn fields_of_an_event_are_an_object() {
    let mut chat = Parrot::default().chat();
    assert_eq!(
        panic_of(|| chat.send("newEvent", json!([1]))),
        "expected the fields of an event, an object, found [1]"
    );
}

#[test]
fn debug_does_not_tell_the_token() {
    let receiver = receiver_of_all();
    let chat = TestChat::new(receiver.clone(), "/bot", "hunter2");
    let mutator = Mutator::new(receiver).route(Api::Bot, "/bot", "hunter2").secret_path(
        Api::Contact,
        "/contact",
        "hunter2",
    );
    let debug = format!("{chat:?} {mutator:?}");
    assert!(!debug.contains("hunter2"), "{debug}");
}

#[test]
fn what_no_request_can_have_is_found_at_once() {
    let receiver = receiver_of_all();
    let problem = panic_of(|| TestChat::new(receiver.clone(), "/a b", "my-token"));
    assert!(problem.starts_with("a path that a request can have"), "{problem}");
    let problem = panic_of(|| TestChat::new(receiver, "/bot", "my\ntoken"));
    assert!(problem.starts_with("a token that a header can carry"), "{problem}");
}

#[tokio::test(start_paused = true)]
async fn waiting_takes_no_time_and_moves_the_timestamps() {
    let bot = Parrot::default();
    let mut chat = bot.chat();
    chat.say("Hi").await;
    let before = tokio::time::Instant::now();
    chat.wait(Duration::from_secs(3600)).await;
    assert_eq!(before.elapsed().as_secs(), 3600);
    chat.say("Still there?").await;
    assert_eq!(bot.seen_field("timestamp"), [1_554_321_077_338_i64, 1_554_324_678_338]);
}

#[tokio::test(start_paused = true)]
async fn a_click_sends_text_and_id_of_the_button() {
    let bot = Parrot::default();
    let mut chat = bot.chat();
    chat.say("menu").await;
    chat.click("Yes").await.assert_texts(["Yes"]);
    chat.say("menu").await;
    chat.say("silence").await;
    chat.click("No").await;
    chat.say("twins").await;
    chat.click(Button::new("Yes").id("right")).await;
    let ids = bot.seen_field("id");
    assert_eq!(ids[1], Value::Null);
    assert_eq!(ids[4], "btn-no");
    assert_eq!(ids[6], "right");
}

#[tokio::test(start_paused = true)]
async fn only_what_is_shown_can_be_clicked() {
    let mut chat = Parrot::default().chat();
    assert_eq!(
        panic_of(|| chat.click("Yes")),
        "there is no button [Yes] to click; shown last: none\n\nthe chat so far:\n    (nothing)\n"
    );
    chat.say("menu").await;
    assert_eq!(
        panic_of(|| chat.click("Maybe")),
        "there is no button [Maybe] to click; shown last: [Yes] [No](btn-no)

the chat so far:
    visitor: menu
    bot: Choose:
      [Yes]
      [No](btn-no)
"
    );
    chat.say("Never mind").await;
    let problem = panic_of(|| chat.click("Yes"));
    assert!(problem.starts_with("there is no button [Yes] to click; shown last: none\n"));
    chat.say("twins").await;
    let problem = panic_of(|| chat.click("Yes"));
    assert!(problem.starts_with("there are several buttons `Yes`: click one by its id\n"));
}

#[tokio::test(start_paused = true)]
async fn only_a_transfer_can_fail() {
    let mut chat = Parrot::default().chat();
    chat.say("Hi").await;
    let problem = panic_of(|| chat.fail_transfer(CommandError::NoAgentsAvailable));
    assert!(problem.starts_with("there is no transfer in the last reply that could fail\n"));
}

#[tokio::test(start_paused = true)]
async fn a_chat_that_is_joined_may_have_been_handed_over() {
    let bot = Parrot::default();
    bot.chat().fail_transfer(CommandError::NoAgentsAvailable).await.assert_texts(["Nobody is in"]);
    assert_eq!(
        bot.seen_field("failedCommands"),
        [json!([{"operation": "HUMAN_TRANSFER", "error": "NO_AGENTS_AVAILABLE"}])]
    );
}

#[tokio::test(start_paused = true)]
async fn a_context_id_comes_back_once() {
    let bot = Parrot::default();
    let mut chat = bot.chat();
    chat.say("remember").await;
    chat.say("a").await;
    chat.say("b").await;
    assert_eq!(bot.seen_field("context_id"), [Value::Null, json!("ctx-1"), Value::Null]);
}

#[tokio::test(start_paused = true)]
async fn a_redelivery_is_the_same_to_the_byte() {
    let bot = Parrot::default();
    let mut chat = bot.chat();
    assert!(panic_of(|| chat.redeliver()).starts_with("nothing was sent yet\n"));
    chat.say("remember").await;
    chat.say("Hi").await;
    chat.redeliver().await.assert_texts(["Hi"]);
    let seen = bot.seen();
    assert_eq!(seen[1], seen[2]);
    assert_eq!(seen[2]["context_id"], "ctx-1");
}

#[tokio::test(start_paused = true)]
async fn messages_at_once_do_not_wait_for_each_other() {
    let bot = Parrot::default();
    let mut chat = bot.chat();
    let started = tokio::time::Instant::now();
    let replies = chat.at_once(["slow", "slow", "Hi"]).await;
    assert_eq!(started.elapsed().as_secs(), 8);
    assert_eq!(replies, [Reply::new().to_human(), Reply::new().to_human(), Reply::say("Hi")]);
    chat.assert_texts(["Hi"]);
    let mut times = bot.seen_field("timestamp");
    times.dedup();
    assert_eq!(times.len(), 3);
}

#[tokio::test(start_paused = true)]
async fn what_is_as_expected_passes() {
    let mut chat = Parrot::default().chat();
    chat.open_with(Visitor::new().email("jane@example.com"))
        .await
        .assert_texts(["Hello jane@example.com"])
        .assert_no_buttons()
        .assert_commands([])
        .assert_cards([]);
    chat.say("menu").await.assert_buttons([Button::new("Yes"), Button::new("No").id("btn-no")]);
    chat.say("cards").await.assert_cards([cards()]).assert_commands([Command::Cards(cards())]);
    chat.say("label").await.assert_texts([]).assert_commands([
        Command::Label(vec![Label::new("topic", ["a", "b"])]),
        Command::Goto("https://example.com".to_owned()),
    ]);
    chat.say("remember").await.assert_reply(&Reply::say("Noted").context_id("ctx-1"));
    chat.say("silence").await.assert_silent();
    chat.close().await.assert_silent();
}

#[tokio::test(start_paused = true)]
async fn a_failure_shows_the_chat_and_the_difference() {
    let mut chat = Parrot::default().chat();
    assert_eq!(
        panic_of(|| _ = chat.assert_silent()),
        "there is no reply: nothing has happened in the chat yet"
    );
    chat.open_with(Visitor::new().email("jane@example.com")).await;
    chat.say("lines").await;
    assert_eq!(
        panic_of(|| _ = chat.assert_texts(["One", "Two"])),
        r#"the bot's texts: not as expected

the chat so far:
    chat opens
      email: jane@example.com
    bot: Hello jane@example.com
    visitor: lines
    bot: One
      | Two

expected (-), but it was (+):
    - "One"
    - "Two"
    + "One\nTwo"
"#
    );
    chat.say("menu").await;
    let difference = |text: String| text.split_once("(+):\n").expect("a diff").1.to_owned();
    assert_eq!(
        difference(panic_of(|| _ = chat.assert_buttons(["Yes", "No"]))),
        "      [Yes]\n    - [No]\n    + [No](btn-no)\n"
    );
    assert_eq!(
        difference(panic_of(|| _ = chat.assert_silent())),
        "    + bot: Choose:\n    +   [Yes]\n    +   [No](btn-no)\n"
    );
    chat.say("away").await;
    assert_eq!(
        difference(panic_of(|| _ = chat.assert_commands([Command::HumanTransfer]))),
        r#"    - {"type":"command","operation":"HUMAN_TRANSFER"}
    + {"type":"command","operation":"TAG_TRANSFER","parameters":"w2 [\"sales\"]"}
"#
    );
    let cards = difference(panic_of(|| _ = chat.assert_cards([Cards::horizontal()])));
    assert!(cards.lines().all(|line| line.starts_with("    - ")), "{cards}");
    assert!(cards.contains("HORIZONTAL"), "{cards}");
    chat.say("Hi").await;
    assert_eq!(
        difference(panic_of(|| _ = chat.assert_reply(&Reply::say("Ho")))),
        r#"      {
        "content": [
          {
            "type": "message",
    -       "text": "Ho"
    +       "text": "Hi"
          }
        ]
      }
"#
    );
}

#[tokio::test(start_paused = true)]
async fn a_failure_is_where_the_test_says_so() {
    use std::cell::Cell;

    thread_local!(static LINE: Cell<u32> = const { Cell::new(0) });
    let before = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |info| {
        let location = info.location().expect("known");
        LINE.set(if location.file().ends_with("testing.rs") { location.line() } else { 0 });
        before(info);
    }));
    let mut chat = Parrot::default().chat();
    panic_of(|| chat.click("Yes"));
    assert_eq!(LINE.get(), line!() - 1);
    chat.say("Hi").await;
    panic_of(|| _ = chat.assert_texts([]));
    assert_eq!(LINE.get(), line!() - 1);
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_snapengage_could_not_read_fails_the_test() {
    let receiver = Parrot::default();
    let receiver = Receiver::builder().bot("/bot", Token::new("my-token"), receiver);
    let receiver = receiver.build().expect("no mistakes");
    let mut chat = TestChat::new(receiver, "/bot", "wrong");
    let line = line!() + 1;
    let problem = panic_in(async move { chat.say("Hi").await.assert_silent().reply().clone() });
    assert_eq!(
        problem.await,
        format!(
            r#"the bot answered 401 Unauthorized: {{"code":401,"message":"the token is missing or wrong"}}, sent at tests/tools/testing.rs:{line}:46

the chat so far:
    visitor: Hi
    # wrong token
"#
        )
    );
}

#[tokio::test(start_paused = true)]
async fn a_fallback_reply_is_told_apart_in_the_transcript() {
    let mut chat = Parrot::default().chat();
    chat.say("fail").await.assert_commands([Command::HumanTransfer]);
    chat.say("slow").await.assert_commands([Command::HumanTransfer]);
    assert_eq!(
        chat.transcript(),
        "visitor: fail
bot does: HUMAN_TRANSFER
# handler failed: no luck
visitor: slow
bot does: HUMAN_TRANSFER
# handler not done within 8s
"
    );
}

const SCRIPT: &str = r#"
# All that a script can have.
chat opens
  email: jane@example.com
  geo: {"city": "Boulder"}
bot: Hello jane@example.com

visitor: menu
bot: Choose:
  [Yes]
  [No](btn-no)
visitor clicks: No
bot: No
visitor: twins
bot:
  [Yes](left)
  [Yes](right)
visitor clicks: [Yes](right)
bot: Yes
visitor: away
bot: One moment
bot does: TAG_TRANSFER w2 ["sales"]
transfer fails: NO_AGENTS_AVAILABLE
bot: Nobody is in
visitor: label
bot does: LABEL [{"topic": ["a","b"]}]
bot does: GOTO https://example.com
visitor: cards
bot: Look:
bot does: CARDS VERTICAL
  [Plans](https://example.com/plans) From one seat up
  [About us]
visitor: remember
bot: Noted
bot context: ctx-1
same again
bot: Noted
bot context: ctx-1
visitor: several
  | lines
bot: several
  | lines
event: newEvent {"a": 1}
visitor: fail
bot does: HUMAN_TRANSFER
chat closes
"#;

#[tokio::test(start_paused = true)]
async fn a_script_has_all_that_can_happen() {
    let bot = Parrot::default();
    Script::parse(SCRIPT).expect("a script").run(&mut bot.chat()).await;
    let seen = bot.seen();
    assert_eq!(seen[0]["geo"], json!({"city": "Boulder"}));
    assert_eq!(seen[2]["id"], "btn-no");
    assert_eq!(seen[4]["id"], "right");
    assert_eq!(seen.len(), 15);
}

#[tokio::test(start_paused = true)]
async fn a_transcript_is_a_script() {
    let mut first = Parrot::default().chat();
    Script::parse(SCRIPT).expect("a script").run(&mut first).await;
    let mut second = Parrot::default().chat();
    Script::parse(first.transcript()).expect("a script").run(&mut second).await;
    assert_eq!(first.transcript(), second.transcript());
}

#[test]
fn the_scripts_of_the_examples_can_be_read() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/scripts");
    for entry in std::fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        let text = std::fs::read_to_string(&path).expect("a text");
        Script::parse(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    }
}

#[tokio::test(start_paused = true)]
async fn broken_script_shows_the_chat_and_the_difference() {
    let script = "visitor: Hi\nbot: Hi\n\nvisitor: menu\nbot: Choose:\n  [Yes]\n";
    let script = Script::parse(script).expect("a script");
    let problem = panic_in(async move { script.run(&mut Parrot::default().chat()).await }).await;
    assert_eq!(
        problem,
        "line 4 of the script: the bot answers otherwise

the chat so far:
    visitor: Hi
    bot: Hi
    visitor: menu
    bot: Choose:
      [Yes]
      [No](btn-no)

expected (-), but it was (+):
      bot: Choose:
        [Yes]
    +   [No](btn-no)
"
    );
    let script = Script::parse("visitor clicks: Yes").expect("a script");
    let problem = panic_in(async move { script.run(&mut Parrot::default().chat()).await }).await;
    assert!(problem.starts_with("line 1 of the script: there is no button [Yes] to click"));
}

#[tokio::test(start_paused = true)]
async fn a_bot_without_a_line_in_the_script_is_silent() {
    let script = Script::parse("visitor: Hi").expect("a script");
    let problem = panic_in(async move { script.run(&mut Parrot::default().chat()).await }).await;
    assert!(problem.ends_with("(+):\n    + bot: Hi\n"), "{problem}");
}

#[test]
fn what_is_no_script_is_refused_with_its_line() {
    let refused = |text: &str| Script::parse(text).expect_err("no script").to_string();
    assert_eq!(
        refused("visitor: Hi\n\nvisior: Ho"),
        "chat script: expected `visitor:`, `bot:` or another keyword, found `visior: Ho` at line 3"
    );
    let early = "chat script: nothing has happened yet that this could belong to at line 1";
    assert_eq!(refused("bot: Hi"), early);
    assert_eq!(refused("  [Yes]"), early);
    assert_eq!(
        refused("visitor: Hi\n  [Yes]"),
        "chat script: `[Yes]` says no more of the line above it at line 2"
    );
    assert_eq!(
        refused("visitor: Hi\nbot: Ho\n  Yes"),
        "chat script: expected a button, a card or `|`, found `Yes` at line 3"
    );
    assert_eq!(
        refused("chat opens\n  email"),
        "chat script: expected `name: value`, found `email` at line 2"
    );
    for text in ["visitor", "chat opens: now", "chat", "again", "bot", "bot shouts: Hi"] {
        let found = format!("found `{text}` at line 2");
        assert!(refused(&format!("visitor: Hi\n{text}")).ends_with(&found), "{text}");
    }
    for text in ["event: newEvent [1]", "event: newEvent {", "chat opens\n  geo: {"] {
        assert!(refused(text).contains("JSON"), "{text}");
    }
    let error = Script::parse("\n\nnonsense").expect_err("no script");
    assert_eq!(error.line(), 3);
}

#[tokio::test(start_paused = true)]
async fn a_script_is_replayed_through_any_transport() {
    use http::{Request, StatusCode};

    let receiver = Receiver::builder().bot("/bot", Token::new("my-token"), Parrot::default());
    let receiver = receiver.build().expect("no mistakes");
    let script = Script::parse(SCRIPT).expect("a script");
    let mut replay = script.replay("case-1").widget_id("w");
    let mut sent = 0;
    while let Some(body) = replay.next_request().expect("a next step") {
        let body = String::from_utf8(body).expect("UTF-8");
        let request = Request::post("/bot").header("Authorization", "my-token").body(body);
        let response = receiver.handle(request.expect("a request")).await;
        let status = response.status();
        replay.check(status, &response.into_body().into_bytes()).expect("as the script says");
        sent += 1;
    }
    assert_eq!(sent, 15);

    let script = Script::parse("visitor: Hi\nbot: Ho").expect("a script");
    let answered = |status: StatusCode, body: &str| {
        let mut replay = script.replay("c").widget_id("w");
        replay.next_request().expect("a next step").expect("a request");
        replay.check(status, body.as_bytes()).expect_err("not as the script says").to_string()
    };
    let begins = |text: String, expected: &str| assert!(text.starts_with(expected), "{text}");
    begins(
        answered(StatusCode::OK, r#"{"widget_id":"w","case_id":"c","content":[]}"#),
        "line 1 of the script: the bot answers otherwise\n",
    );
    begins(
        answered(StatusCode::BAD_GATEWAY, "oops"),
        "line 1 of the script: the bot answered 502 Bad Gateway: oops\n",
    );
    begins(
        answered(StatusCode::OK, r#"{"widget_id":"w","case_id":"d","content":[]}"#),
        "line 1 of the script: the bot's answer is for another conversation: ",
    );
    begins(answered(StatusCode::OK, ""), "line 1 of the script: the bot's answer cannot be read: ");
}

/// A receiver of all five APIs whose handlers look at what they get.
fn receiver_of_all() -> Receiver {
    let token = || Token::new("my-token");
    Receiver::builder()
        .integration("/integration", token(), integration::from_fn(|_| async { Ok(()) }))
        .bot("/bot", token(), Parrot::default())
        .conversation("/conversation", token(), conversation::from_fn(|_| async { Ok(()) }))
        .agent_status("/status", token(), agent_status::from_fn(|_| async { Ok(()) }))
        .contact(
            "/contact",
            Auth::secret_path(token()),
            contact::from_fn(|query| async { Ok(Some(query.email)) }),
        )
        .build()
        .expect("no mistakes")
}

#[tokio::test(start_paused = true)]
async fn a_receiver_takes_all_spoilt_samples() {
    let report = Mutator::new(receiver_of_all())
        .route(Api::Integration, "/integration", "my-token")
        .route(Api::Bot, "/bot", "my-token")
        .route(Api::Conversation, "/conversation", "my-token")
        .route(Api::AgentStatus, "/status", "my-token")
        .secret_path(Api::Contact, "/contact", "my-token")
        .run()
        .await;
    report.assert_clean();
    assert!(report.sent() > 4000, "{report}");
}

#[tokio::test(start_paused = true)]
async fn handlers_that_trust_their_input_are_found_out() {
    let bot = bot::from_fn(|message: Message| async move {
        let sent = message.timestamp.expect("always there");
        Ok(Reply::say(sent.to_string()))
    });
    let feed = agent_status::from_fn(|change: agent_status::StatusChange| async move {
        change.timestamp.map(drop).ok_or_else(|| HandlerError::new("no time"))
    });
    let receiver = Receiver::builder()
        .bot("/bot", Token::new("my-token"), bot)
        .agent_status("/status", Token::new("my-token"), feed)
        .build()
        .expect("no mistakes");
    let mutator = Mutator::new(receiver).route(Api::Bot, "/bot", "my-token").route(
        Api::AgentStatus,
        "/status",
        "my-token",
    );
    let report = mutator.run().await;
    let problems = report.problems();
    for problem in [
        "bot/message.json, without `/timestamp`: 200 OK: handler panicked",
        "agent-status/pause.json, without `/timestamp`: 503 Service Unavailable: handler failed: no time",
    ] {
        assert!(problems.iter().any(|found| found == problem), "{report}");
    }
    let summary = format!("{} requests, {} with a problem\n", report.sent(), problems.len());
    assert!(panic_of(|| report.assert_clean()).starts_with(&summary));
}

#[tokio::test(start_paused = true)]
async fn open_doors_are_found_out() {
    let receiver = Receiver::builder()
        .bot("/bot", Auth::dangerously_open(), Parrot::default())
        .build()
        .expect("no mistakes");
    let report = Mutator::new(receiver.clone()).route(Api::Bot, "/bot", "my-token").run().await;
    for change in ["with a wrong token", "with an empty token", "without a token"] {
        let found = report.problems().iter().filter(|problem| problem.contains(change)).count();
        assert_eq!(found, samples().iter().filter(|sample| sample.api() == Api::Bot).count());
    }
    Mutator::new(receiver).open_route(Api::Bot, "/bot").run().await.assert_clean();
}

#[tokio::test(start_paused = true)]
async fn a_mutator_spoils_requests_of_ones_own() {
    let bot = bot::from_fn(|message| async move {
        let order = message.extra.get("order").ok_or("a message without an order")?;
        Ok(Reply::say(order.to_string()))
    });
    let receiver = Receiver::builder().bot("/bot", Token::new("t"), bot).build().expect("one");
    let message = |more: &str| {
        format!(r#"{{"event":"message","widget_id":"w","case_id":"c","text":"Hi"{more}}}"#)
    };
    let mutator = Mutator::new(receiver).route(Api::Bot, "/bot", "t").without_samples();
    let report = mutator.request(Api::Bot, "an order", message(r#","order":7"#)).run().await;
    let [problem] = report.problems() else { panic!("{report}") };
    assert!(problem.starts_with("an order, without `/order`: 200 OK: handler failed"), "{problem}");
}

#[tokio::test(start_paused = true)]
async fn a_mutator_that_finds_no_door_is_not_content() {
    let report = Mutator::new(receiver_of_all()).route(Api::Bot, "/nowhere", "t").run().await;
    assert!(report.problems()[0].contains(", as it is: 404 Not Found: "), "{report}");
    let nothing = Mutator::new(receiver_of_all()).run().await;
    assert_eq!(panic_of(|| nothing.assert_clean()), "nothing was sent: the mutator has no routes");
}

#[cfg(feature = "dialogue")]
mod dialogue {
    use snapengage::bot::Reply;
    use snapengage::dialogue::{Bot, Dialogue, Input, MemoryStore, Step};

    use super::*;

    /// Counts what is said, and takes its time.
    struct Counter;

    #[async_trait]
    impl Dialogue for Counter {
        type State = u32;

        fn start(&self) -> u32 {
            0
        }

        async fn step(&self, count: u32, _input: Input) -> Result<Step<u32>, HandlerError> {
            tokio::time::sleep(Duration::from_secs(1)).await;
            Ok(Step::go(count + 1, Reply::say(count.to_string())))
        }
    }

    fn chat() -> (TestChat, Arc<Bot<Counter, MemoryStore>>) {
        let bot = Arc::new(Bot::new(Counter, MemoryStore::new()));
        let receiver = Receiver::builder().bot("/bot", Token::new("my-token"), Arc::clone(&bot));
        (TestChat::new(receiver.build().expect("no mistakes"), "/bot", "my-token"), bot)
    }

    #[tokio::test(start_paused = true)]
    async fn a_chat_starts_in_the_middle() {
        let (mut chat, bot) = chat();
        chat.start_at(&bot, 7).await.assert_state(&bot, 7).await;
        chat.say("Hi").await.assert_texts(["7"]).assert_state(&bot, 8).await;
        assert_eq!(chat.transcript(), "# joined at 7\nvisitor: Hi\nbot: 7\n");
        let other = chat.case_id("other");
        other.assert_state(&bot, None).await;
    }

    #[tokio::test(start_paused = true)]
    async fn a_state_is_set_once_the_turn_that_runs_is_done() {
        let (mut chat, bot) = chat();
        let case_id = chat.id().clone();
        let (_, set) = tokio::join!(chat.say("Hi"), bot.set_state(&case_id, 7));
        set.expect("a store in memory");
        chat.assert_texts(["0"]).assert_state(&bot, 7).await;
    }

    #[tokio::test(start_paused = true)]
    async fn messages_at_once_are_turns_one_after_the_other() {
        let (mut chat, bot) = chat();
        let replies = chat.at_once(["a", "b", "c"]).await;
        assert_eq!(replies, ["0", "1", "2"].map(Reply::say));
        chat.assert_state(&bot, 3).await;
    }

    #[tokio::test(start_paused = true)]
    async fn a_wrong_state_shows_where_it_was_asserted() {
        let (mut chat, bot) = chat();
        chat.say("Hi").await;
        let line = line!() + 1;
        let problem = panic_in(async move { chat.assert_state(&bot, 2).await.reply().clone() });
        assert_eq!(
            problem.await,
            format!(
                "the bot's state, asserted at tests/tools/testing.rs:{line}:50: not as expected

the chat so far:
    visitor: Hi
    bot: 0

expected (-), but it was (+):
    - 2
    + 1
"
            )
        );
    }
}

mod requests {
    use super::*;

    const STATUS: &str = r#"{"agent_id":"wc:agent@example.com","status":"online"}"#;

    fn receiver() -> Receiver {
        let status = agent_status::from_fn(|change| async move {
            match change.agent_id.as_str() {
                "wc:agent@example.com" => Ok(()),
                "wc:nobody" => Err(HandlerError::permanent("no such agent")),
                _ => Err("no database".into()),
            }
        });
        let book = contact::from_fn(|query| async move { Ok(Some(query.email)) });
        Receiver::builder()
            .agent_status("/agent-status", Token::new("my-token"), status)
            .contact("/get-contact", Auth::secret_path(Token::new("my-token")), book)
            .integration(
                "/integration",
                Token::new("my-token"),
                integration::from_fn(|_| async { Ok(()) }),
            )
            .build()
            .expect("no mistakes")
    }

    #[tokio::test]
    async fn are_sent_as_they_are() {
        let receiver = receiver();
        send(&receiver, "/agent-status", "my-token", STATUS).await.assert_accepted();
        let answer = send(&receiver, "/agent-status", "my-token", b"\xff{}").await;
        answer.assert_refused(400, "agent status: expected a JSON object");
        let answer = send(&receiver, "/agent-status", "wrong", STATUS).await;
        answer.assert_refused(401, "the token is missing or wrong");
        assert_eq!((answer.status(), answer.failure_reason()), (401, Some("wrong token")));
    }

    #[tokio::test]
    async fn of_samples_are_sent_by_their_api() {
        let receiver = receiver();
        for sample in samples().iter().filter(|sample| sample.api() == Api::Integration) {
            sample.send(&receiver, "/integration", "my-token").await.assert_accepted();
        }
        let known = samples().iter().find(|sample| sample.name() == "get-contact/known.txt");
        let answer = known.expect("a sample").send(&receiver, "/get-contact/my-token", "").await;
        answer.assert_text("test@test.com");
    }

    #[tokio::test]
    async fn that_fail_show_the_answer_and_its_reason() {
        let body = STATUS.replace("agent@example.com", "somebody");
        let answer = send(&receiver(), "/agent-status", "my-token", body).await;
        assert_eq!(
            panic_of(|| _ = answer.assert_accepted()),
            r#"the answer: not as expected
# handler failed: no database

expected (-), but it was (+):
    - 200
    + 503
    + {"code":503,"message":"try again later"}
"#
        );
        answer.assert_refused(503, "try again later");
        let body = STATUS.replace("agent@example.com", "nobody");
        let answer = send(&receiver(), "/agent-status", "my-token", body).await;
        answer.assert_refused(422, "the event cannot be processed");
    }

    #[tokio::test]
    async fn of_paths_that_cannot_be_panic() {
        let receiver = receiver();
        let path = panic_of(|| drop(send(&receiver, "no path", "my-token", STATUS)));
        assert!(path.starts_with("a path that a request can have: "), "{path}");
        let token = panic_of(|| drop(send(&receiver, "/agent-status", "a\nb", STATUS)));
        assert!(token.starts_with("a token that a header can carry: "), "{token}");
    }
}

mod last_reply {
    use super::*;

    /// Sets labels, and hands over to whoever is asked for.
    async fn chat() -> TestChat {
        let bot = bot::from_fn(|message| async move {
            let reply = Reply::say("One moment").label("topic", ["sales", "prices"]);
            Ok(match message.text.as_str() {
                "human" => reply.label("hot", ["yes"]).to_human(),
                _ => reply,
            })
        });
        let receiver = Receiver::builder().bot("/bot", Token::new("my-token"), bot);
        let receiver = receiver.build().expect("no mistakes");
        TestChat::new(receiver, "/bot", "my-token").already_open()
    }

    #[tokio::test(start_paused = true)]
    async fn has_labels_and_transfers() {
        let mut chat = chat().await;
        let topic = || Label::new("topic", ["sales", "prices"]);
        let human = chat.say("human").await;
        human.assert_labels([topic(), Label::new("hot", ["yes"])]);
        human.assert_transferred(&Command::HumanTransfer);
        chat.say("Hi").await.assert_labels([topic()]);
        let texts: Vec<_> = chat.replies().iter().flat_map(Reply::texts).collect();
        assert_eq!(texts, ["One moment", "One moment"]);
    }

    #[tokio::test(start_paused = true)]
    async fn without_them_is_shown() {
        let mut chat = chat().await;
        let hi = chat.say("Hi").await;
        let so_far = r#"the chat so far:
    visitor: Hi
    bot: One moment
    bot does: LABEL [{"topic": ["sales","prices"]}]
"#;
        assert_eq!(
            panic_of(|| _ = hi.assert_labels([Label::new("topic", ["sales"])])),
            format!(
                r#"the bot's labels: not as expected

{so_far}
expected (-), but it was (+):
    - topic: ["sales"]
    + topic: ["sales", "prices"]
"#
            )
        );
        assert_eq!(
            panic_of(|| _ = hi.assert_transferred(&Command::HumanTransfer)),
            format!(
                r#"the bot's transfers: not as expected

{so_far}
expected (-), but it was (+):
    - {{"type":"command","operation":"HUMAN_TRANSFER"}}
"#
            )
        );
    }
}
