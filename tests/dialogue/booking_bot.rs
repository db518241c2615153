//! The booking bot's dialogue, by whole chats.

use std::sync::Arc;
use std::time::Duration;

use snapengage::bot::{Button, Command, CommandError, Label, Reply};
use snapengage::dialogue::{Bot, MemoryStore, Store};
use snapengage::testing::{Mutator, Script, TestChat, Visitor};
use snapengage::{Api, Receiver, Token};

#[path = "../../examples/booking_bot/booking.rs"]
mod booking;

use booking::{Barber, Booking, Service};

type Barbershop = Arc<Bot<Barber, MemoryStore>>;

fn chat() -> (TestChat, Barbershop) {
    chat_with(MemoryStore::new())
}

fn chat_with<S: Store>(store: S) -> (TestChat, Arc<Bot<Barber, S>>) {
    let bot = Arc::new(Bot::new(Barber, store));
    let receiver = Receiver::builder().bot("/bot", Token::new("my-token"), Arc::clone(&bot));
    let receiver = receiver.build().expect("no mistakes");
    (TestChat::new(receiver, "/bot", "my-token"), bot)
}

async fn chat_at(state: Booking) -> (TestChat, Barbershop) {
    let (mut chat, bot) = chat();
    chat.start_at(&bot, state).await;
    (chat, bot)
}

fn day() -> Booking {
    Booking::Day { service: Service::Haircut }
}

fn email() -> Booking {
    Booking::Email { service: Service::Haircut, day: "2019-04-05".to_owned() }
}

fn confirm() -> Booking {
    Booking::Confirm {
        service: Service::Haircut,
        day: "2019-04-05".to_owned(),
        email: "jane@example.com".to_owned(),
    }
}

fn handed_over(before: Booking) -> Booking {
    Booking::HandedOver { before: Box::new(before) }
}

const ASK_DAY: &str = "A haircut. On which day? Like 2026-05-29.";
const ASK_EMAIL: &str = "2019-04-05 it is. Your email address?";
const ASK_CONFIRM: &str = "A haircut on 2019-04-05, for jane@example.com. Right?";

fn services() -> [Button; 3] {
    [
        Button::new("A haircut").id("haircut"),
        Button::new("A shave").id("shave"),
        Button::new("Talk to somebody").id("human"),
    ]
}

#[tokio::test(start_paused = true)]
async fn the_script_is_kept() {
    let script = Script::parse(include_str!("../../examples/scripts/booking.chat"));
    let (mut chat, bot) = chat();
    script.expect("a script").run(&mut chat).await;
    chat.assert_state(&bot, None).await;
}

#[tokio::test(start_paused = true)]
async fn the_script_of_the_readme_is_kept() {
    let readme = include_str!("../../README.md").split("```text\n").nth(1).expect("a script");
    let script = readme.split("```").next().and_then(|script| Script::parse(script).ok());
    script.expect("a script").run(&mut chat().0).await;
}

#[tokio::test(start_paused = true)]
async fn a_visitor_is_asked_for_the_service_first() {
    let (mut chat, bot) = chat();
    chat.assert_state(&bot, None).await;
    chat.open()
        .await
        .assert_texts(["Hello! I book you in.", "What shall it be?"])
        .assert_buttons(services())
        .assert_commands([])
        .assert_state(&bot, Booking::Service)
        .await;
    chat.click("A haircut")
        .await
        .assert_reply(&Reply::say(ASK_DAY))
        .assert_state(&bot, day())
        .await;
}

#[tokio::test(start_paused = true)]
async fn visitor_who_names_a_choice_is_not_asked() {
    for text in [" Haircut ", "A haircut", "Hi, I need a haircut!"] {
        let (mut chat, bot) = chat();
        chat.say(text).await.assert_reply(&Reply::say(ASK_DAY)).assert_state(&bot, day()).await;
    }
}

#[tokio::test(start_paused = true)]
async fn visitor_opening_with_something_else_is_asked_too() {
    let (mut chat, bot) = chat();
    chat.say("Do you have time this week?")
        .await
        .assert_texts(["Hello! I book you in.", "What shall it be?"])
        .assert_buttons(services())
        .assert_state(&bot, Booking::Service)
        .await;
}

#[tokio::test(start_paused = true)]
async fn a_visitor_who_comes_back_is_asked_again() {
    let (mut chat, bot) = chat_at(handed_over(day())).await;
    chat.open_with(Visitor::new().first_message("a shave, then"))
        .await
        .assert_texts(["A shave. On which day? Like 2026-05-29."])
        .assert_state(&bot, Booking::Day { service: Service::Shave })
        .await;
}

#[tokio::test(start_paused = true)]
async fn a_service_that_is_not_offered_is_not_booked() {
    let (mut chat, bot) = chat_at(Booking::Service).await;
    chat.say("a perm")
        .await
        .assert_texts(["We do not do that.", "What shall it be?"])
        .assert_buttons(services())
        .assert_state(&bot, Booking::Service)
        .await;
}

#[tokio::test(start_paused = true)]
async fn a_day_is_one_on_which_the_shop_is_open() {
    let (mut chat, bot) = chat_at(day()).await;
    let refused = [
        ("tomorrow", "I cannot read that."),
        ("2019-02-30", "I cannot read that."),
        ("2019-04-03", "That is too soon."),
        ("2019-04-07", "We are closed on Sundays."),
    ];
    for (text, problem) in refused {
        chat.say(text).await.assert_texts([problem, ASK_DAY]).assert_state(&bot, day()).await;
    }
    chat.say("2019-04-05").await.assert_texts([ASK_EMAIL]).assert_state(&bot, email()).await;
}

#[tokio::test(start_paused = true)]
async fn an_email_address_has_the_form_of_one() {
    let (mut chat, bot) = chat_at(email()).await;
    for text in ["jane", "@example.com", "jane@example", "jane @example.com"] {
        let problem = "That is no email address.";
        chat.say(text).await.assert_texts([problem, ASK_EMAIL]).assert_state(&bot, email()).await;
    }
    chat.say("jane@example.com")
        .await
        .assert_texts([ASK_CONFIRM])
        .assert_buttons([Button::new("Yes").id("yes"), Button::new("No").id("no")])
        .assert_state(&bot, confirm())
        .await;
}

#[tokio::test(start_paused = true)]
async fn a_booking_is_labelled() {
    let (mut chat, bot) = chat_at(confirm()).await;
    chat.say("maybe").await.assert_texts(["Yes or no?", ASK_CONFIRM]);
    chat.click("Yes")
        .await
        .assert_texts(["Booked. A note is on its way to jane@example.com.", "Anything else?"])
        .assert_commands([Command::Label(vec![
            Label::new("service", ["haircut"]),
            Label::new("day", ["2019-04-05"]),
        ])])
        .assert_state(&bot, Booking::Booked)
        .await;
    chat.say("another one").await.assert_state(&bot, Booking::Service).await;
}

#[tokio::test(start_paused = true)]
async fn a_wrong_booking_starts_again() {
    let (mut chat, bot) = chat_at(confirm()).await;
    chat.say("no")
        .await
        .assert_texts(["Then once more.", "What shall it be?"])
        .assert_commands([])
        .assert_state(&bot, Booking::Service)
        .await;
}

#[tokio::test(start_paused = true)]
async fn who_is_done_is_let_go() {
    let (mut chat, bot) = chat_at(Booking::Booked).await;
    chat.say("No, thanks")
        .await
        .assert_reply(&Reply::say("See you!").bye())
        .assert_state(&bot, None)
        .await;
}

#[tokio::test(start_paused = true)]
async fn whoever_asks_for_a_human_is_handed_over_from_anywhere() {
    for state in [Booking::Service, day(), email(), confirm(), Booking::Booked] {
        let (mut chat, bot) = chat_at(state.clone()).await;
        chat.say("Is there an agent?")
            .await
            .assert_reply(&Reply::say("One moment, please.").to_human())
            .assert_state(&bot, handed_over(state))
            .await;
        chat.say("Hello?").await.assert_silent();
        chat.say("A human, please!").await.assert_silent();
    }
    let (mut chat, bot) = chat();
    chat.say("Is there an agent?").await.assert_state(&bot, handed_over(Booking::Service)).await;
    let (mut chat, bot) = self::chat();
    chat.open().await;
    chat.click("Talk to somebody").await.assert_state(&bot, handed_over(Booking::Service)).await;
}

#[tokio::test(start_paused = true)]
async fn an_email_address_asks_for_nobody() {
    let (mut chat, _bot) = chat_at(email()).await;
    let confirm = "A haircut on 2019-04-05, for agent@example.com. Right?";
    chat.say("agent@example.com").await.assert_texts([confirm]);
}

#[tokio::test(start_paused = true)]
async fn where_nobody_comes_the_chat_goes_on_where_it_was() {
    let (mut chat, bot) = chat_at(handed_over(email())).await;
    chat.fail_transfer(CommandError::NoAgentsAvailable)
        .await
        .assert_texts(["Nobody is free right now, sorry.", ASK_EMAIL])
        .assert_commands([])
        .assert_state(&bot, email())
        .await;
    let (mut chat, bot) = chat_at(day()).await;
    chat.fail_transfer(CommandError::WidgetNotFound)
        .await
        .assert_texts(["That did not work, sorry.", ASK_DAY])
        .assert_state(&bot, day())
        .await;
}

#[tokio::test(start_paused = true)]
async fn a_delivery_that_comes_again_moves_nothing() {
    let (mut chat, bot) = chat_at(day()).await;
    chat.say("2019-04-05").await;
    chat.redeliver().await.assert_texts([ASK_EMAIL]).assert_state(&bot, email()).await;
}

#[tokio::test(start_paused = true)]
async fn answers_at_once_are_taken_one_after_the_other() {
    let (mut chat, bot) = chat_at(day()).await;
    let replies = chat.at_once(["2019-04-05", "jane@example.com"]).await;
    assert_eq!(replies[0], Reply::say(ASK_EMAIL));
    chat.assert_texts([ASK_CONFIRM]).assert_state(&bot, confirm()).await;
}

#[tokio::test(start_paused = true)]
async fn a_closed_chat_is_over() {
    let (mut chat, bot) = chat_at(email()).await;
    chat.close().await.assert_silent().assert_state(&bot, None).await;
}

#[tokio::test(start_paused = true)]
async fn a_chat_that_is_left_alone_is_forgotten_after_a_day() {
    let (mut chat, bot) = chat_at(email()).await;
    chat.wait(Duration::from_secs(23 * 60 * 60)).await;
    chat.assert_state(&bot, email()).await;
    chat.wait(Duration::from_secs(2 * 60 * 60)).await;
    chat.assert_state(&bot, None).await;
    chat.say("jane@example.com").await.assert_texts(["Hello! I book you in.", "What shall it be?"]);
}

#[tokio::test(start_paused = true)]
async fn no_payload_breaks_the_bot() {
    let bot = Bot::new(Barber, MemoryStore::new());
    let receiver = Receiver::builder().bot("/bot", Token::new("my-token"), bot);
    let mutator = Mutator::new(receiver.build().expect("no mistakes"));
    mutator.route(Api::Bot, "/bot", "my-token").run().await.assert_clean();
}

#[cfg(feature = "sqlite")]
#[tokio::test(start_paused = true)]
async fn a_restart_in_the_middle_goes_unnoticed() {
    use snapengage::dialogue::SqliteStore;

    let folder = tempfile::tempdir().expect("a folder");
    let open = || SqliteStore::open(folder.path().join("bookings.db")).expect("a store");
    let (mut chat, bot) = chat_with(open());
    chat.open().await;
    chat.click("A haircut").await.assert_texts([ASK_DAY]);
    drop((chat, bot));

    let (chat, bot) = chat_with(open());
    let mut chat = chat.already_open();
    chat.say("2019-04-05").await.assert_texts([ASK_EMAIL]).assert_state(&bot, email()).await;
}
