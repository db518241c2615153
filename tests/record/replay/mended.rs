//! From a recorded chat to a failing test: the menu bot of the examples, with a bug put in.

use std::fs;

use snapengage::bot::{Button, ChatStarted, CommandError, CommandResult, Handler, Message, Reply};
use snapengage::record::Recording;
use snapengage::testing::Script;
use snapengage::{HandlerError, Receiver, Token, async_trait};
use tempfile::TempDir;

use super::written::{Written, folder, panic_of};

/// What `examples/faq_bot.rs` does when a transfer fails; with a bug, it leaves the visitor alone.
struct FaqBot {
    has_bug: bool,
}

#[async_trait]
impl Handler for FaqBot {
    async fn greet(&self, _: ChatStarted) -> Result<Reply, HandlerError> {
        Ok(menu("Hello! What is it about?"))
    }

    async fn message(&self, message: Message) -> Result<Reply, HandlerError> {
        Ok(match message.id.as_deref() {
            Some("human") => Reply::say("One moment, please.").to_human(),
            _ => menu("I only know about these:"),
        })
    }

    async fn command_failed(&self, result: CommandResult) -> Result<Reply, HandlerError> {
        let nobody = Some(CommandError::NoAgentsAvailable);
        if result.failed_commands.iter().any(|command| command.error == nobody) && !self.has_bug {
            return Ok(menu("Nobody is in right now. Write to help@example.com, or choose:"));
        }
        Ok(menu("That did not work, sorry. I can still help with these:"))
    }
}

fn menu(question: &str) -> Reply {
    Reply::say(question)
        .button(Button::new("Our plans").id("plans"))
        .button(Button::new("Talk to a human").id("human"))
}

fn receiver(has_bug: bool) -> Receiver {
    let bot = FaqBot { has_bug };
    Receiver::builder().bot("/bot", Token::new("my-token"), bot).build().expect("a receiver")
}

const CASE: &str = "5eda5eda-8d11-8f3c-9a52-0b7c5f1d2e90";

const SCRIPT: &str = "\
chat opens
bot: Hello! What is it about?
  [Our plans](plans)
  [Talk to a human](human)
visitor clicks: [Talk to a human](human)
bot: One moment, please.
bot does: HUMAN_TRANSFER
transfer fails: NO_AGENTS_AVAILABLE
bot: Nobody is in right now. Write to help@example.com, or choose:
  [Our plans](plans)
  [Talk to a human](human)
chat closes
";

/// The chat as it was recorded with the bot that is right.
async fn recorded() -> TempDir {
    let script = Script::parse(SCRIPT).expect("a script");
    let mut chat = script.replay(CASE);
    let mut exchanges = Vec::new();
    while let Some(request) = chat.next_request().expect("a step") {
        let number = exchanges.len() as u64 + 1;
        let exchange = Written::new(number, "bot", request);
        let exchange = Written { case_id: Some(CASE.to_owned()), ..exchange };
        let exchange = exchange.answered_by(&receiver(false)).await;
        let (_, answer) = exchange.answer.as_ref().expect("an answer");
        chat.check(http::StatusCode::OK, answer).expect("as the script says");
        exchanges.push(exchange);
    }
    folder(&exchanges)
}

#[tokio::test(start_paused = true)]
async fn a_bug_in_a_bot_fails_the_replay_with_the_line_that_differs() {
    let files = recorded().await;
    let recording = Recording::open(files.path()).expect("a recording");
    recording.replay(&receiver(false)).token("my-token").await.assert_same();

    let report = recording.replay(&receiver(true)).token("my-token").await;
    let panic = panic_of(|| report.assert_same());
    assert!(panic.starts_with("4 requests sent, 1 not answered as recorded\n"), "{panic}");
    assert!(panic.contains("000003-bot-other.http: the answer: not as recorded\n"), "{panic}");
    let changed: Vec<_> = panic
        .lines()
        .filter_map(|line| line.strip_prefix("    "))
        .filter(|line| line.starts_with(['-', '+']))
        .map(|line| line.replace("       ", " "))
        .collect();
    let expected = [
        "- \"text\": \"Nobody is in right now. Write to help@example.com, or choose:\",",
        "+ \"text\": \"That did not work, sorry. I can still help with these:\",",
    ];
    assert_eq!(changed, expected, "{panic}");
}

#[tokio::test(start_paused = true)]
async fn the_script_of_the_chat_fails_on_the_bug_as_well() {
    use snapengage::testing::TestChat;

    let files = recorded().await;
    let recording = Recording::open(files.path()).expect("a recording");
    let [chat] = &recording.chats().expect("readable files")[..] else { panic!("one chat") };
    assert_eq!(chat.script(), SCRIPT);
    let file = chat.save_script(files.path()).expect("written");
    let script = Script::parse(&fs::read_to_string(file).expect("a script")).expect("a script");
    script.run(&mut TestChat::new(receiver(false), "/bot", "my-token")).await;
    let run = tokio::spawn(async move {
        script.run(&mut TestChat::new(receiver(true), "/bot", "my-token")).await;
    });
    assert!(run.await.expect_err("another answer").is_panic());
}
