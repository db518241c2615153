//! Bot API: what is sent is read, what is answered is written, and no visitor is left in silence.

use std::collections::BTreeSet;
use std::future::{Ready, ready};
use std::sync::Arc;
use std::time::Duration;

use http::Response;
use serde::Serialize;
use serde_json::{Value, json};
use snapengage::bot::{
    self, Button, Card, Cards, ChatClosed, ChatStarted, Command, CommandError, CommandResult,
    Content, Event, FailedCommand, Geo, Handler, HmacVerificationResult, Label, Message, Reply,
    Speaker, Text, Unknown, VerificationProperty, VerificationStatus, VerifiedProperty,
};
use snapengage::{
    AgentId, Body, CaseId, DecodeError, FailureReason, HandlerError, Receiver, ReceiverBuilder,
    Timestamp, async_trait,
};

use crate::answers::{FAILINGS, assert_json};
use crate::malformed::{MALFORMED_VALUES, nested, with_value};
use crate::payloads::{parse, sample_json};
use crate::promises::{Json, Room, Takes, promises};
use crate::secrets::{assert_tells_no_secret, with_secrets};
use crate::support::{
    Failing, Seen, assert_refused, auth, body, log, post, record_log, sample, sample_path,
};

const WIDGET: &str = "ff7b3314-24de-4a4c-b48b-1cf38d19acf0";
const CASE: &str = "ab992c69-7de8-46cc-9aaa-329d336bc182";
const USER_AGENT: &str = "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_14_4) AppleWebKit/537.36 \
                          (KHTML, like Gecko) Chrome/73.0.3683.86 Safari/537.36";
const MINIMAL: &str = r#"{"widget_id":"w","case_id":"c","event":"message"}"#;

/// A method of a handler, and its argument.
type Call = (&'static str, Event);

impl Seen<Call> {
    fn call(&self, method: &'static str, event: Event) -> Result<Reply, HandlerError> {
        self.push((method, event));
        Ok(Reply::say(method))
    }
}

#[async_trait]
impl Handler for Seen<Call> {
    async fn message(&self, message: Message) -> Result<Reply, HandlerError> {
        self.call("message", Event::Message(message))
    }

    async fn chat_started(&self, chat: ChatStarted) -> Result<Reply, HandlerError> {
        self.call("chat_started", Event::from(chat))
    }

    async fn command_failed(&self, result: CommandResult) -> Result<Reply, HandlerError> {
        self.call("command_failed", Event::CommandResult(result))
    }

    async fn system_message(&self, message: Message) -> Result<Reply, HandlerError> {
        self.call("system_message", Event::Message(message))
    }

    async fn chat_closed(&self, chat: ChatClosed) -> Result<(), HandlerError> {
        self.call("chat_closed", Event::ChatClosed(chat)).map(drop)
    }

    async fn unknown(&self, event: Unknown) -> Result<Reply, HandlerError> {
        self.call("unknown", Event::Unknown(event))
    }
}

#[async_trait]
impl Handler for Failing {
    async fn message(&self, _: Message) -> Result<Reply, HandlerError> {
        self.run().await
    }

    async fn chat_started(&self, _: ChatStarted) -> Result<Reply, HandlerError> {
        self.run().await
    }

    async fn command_failed(&self, _: CommandResult) -> Result<Reply, HandlerError> {
        self.run().await
    }

    async fn system_message(&self, _: Message) -> Result<Reply, HandlerError> {
        self.run().await
    }

    async fn chat_closed(&self, _: ChatClosed) -> Result<(), HandlerError> {
        self.run().await
    }

    async fn unknown(&self, _: Unknown) -> Result<Reply, HandlerError> {
        self.run().await
    }
}

/// The room, as its promises see it.
struct Bot;

impl Room for Bot {
    type Event = Call;

    const PATH: &str = "/bot";
    const MINIMAL: &str = MINIMAL;
    const DEADLINE: u64 = 8;

    fn with_deadline(builder: ReceiverBuilder, deadline: Duration) -> ReceiverBuilder {
        builder.bot_deadline(deadline)
    }

    fn assert_done(response: Response<Body>) {
        assert_eq!(response.status(), 200);
    }
}

impl<H: Handler> Takes<H> for Bot {
    fn add(builder: ReceiverBuilder, handler: H) -> ReceiverBuilder {
        builder.bot(Self::PATH, auth(), handler)
    }
}

impl Json for Bot {
    const NAME: &str = "bot request";
    const SAMPLES: &[&str] = &[
        "bot/chat-started-verified.json",
        "bot/message-button.json",
        "bot/command-result.json",
        "bot/chat-closed.json",
    ];

    fn minimal() -> Call {
        ("message", Event::Message(Message::new("w", "c")))
    }

    fn read(body: &[u8]) -> Result<impl Serialize, DecodeError> {
        Event::from_json(body)
    }

    fn written((_, event): &Call) -> Value {
        serde_json::to_value(event).expect("JSON")
    }

    fn filled_with(value: &Value) -> Value {
        json!({
            "event": "message", "widget_id": "w", "case_id": "c",
            "timestamp": value, "from": value, "text": value, "id": value, "context_id": value,
        })
    }

    fn odd() -> (Value, Call, &'static str) {
        let request = json!({
            "event": "chatStarted",
            "widget_id": "w",
            "case_id": "c",
            "timestamp": "SECRET",
            "email": ["SECRET"],
            "text": "Hello",
            "tags": { "SECRET": 1 },
            "geo": { "city": "Boulder", "region": [8], "SECRET": "SECRET" },
            "user_agent": [true],
            "ip_address": { "SECRET": 1.5 },
            "hmacVerificationResult": "SECRET",
            "later": "SECRET",
        });
        let mut geo = Geo::new();
        geo.city = some("Boulder");
        geo.extra =
            [("region".to_owned(), json!([8])), ("SECRET".to_owned(), json!("SECRET"))].into();
        let mut expected = ChatStarted::new("w", "c");
        expected.text = some("Hello");
        expected.geo = Some(geo);
        expected.extra = [
            ("timestamp".to_owned(), json!("SECRET")),
            ("email".to_owned(), json!(["SECRET"])),
            ("tags".to_owned(), json!({ "SECRET": 1 })),
            ("user_agent".to_owned(), json!([true])),
            ("ip_address".to_owned(), json!({ "SECRET": 1.5 })),
            ("hmacVerificationResult".to_owned(), json!("SECRET")),
            ("later".to_owned(), json!("SECRET")),
        ]
        .into();
        let names =
            "timestamp, email, tags, user_agent, ip_address, hmacVerificationResult, region";
        (request, ("chat_started", Event::from(expected)), names)
    }
}

promises! {
    Bot:
        handler_that_hangs_is_answered_for_after_its_deadline,
        body_that_is_no_json_object_is_refused,
        value_with_one_bad_character_is_read,
        byte_order_mark_and_white_space_are_skipped,
        body_cut_off_anywhere_is_never_read,
        null_and_empty_are_absent,
        odd_values_cost_their_field_only_and_are_warned_about_by_name,
}

async fn received_message(body: impl Into<bytes::Bytes>) -> Message {
    match Bot::received(body).await {
        ("message", Event::Message(message)) => message,
        (method, event) => panic!("{method} was given {event:?}"),
    }
}

fn millis(millis: i64) -> Option<Timestamp> {
    Timestamp::from_millis(millis)
}

fn some(text: &str) -> Option<String> {
    Some(text.to_owned())
}

fn boulder(region: &str) -> Geo {
    let mut geo = Geo::new();
    geo.city = some("Boulder");
    geo.region = some(region);
    geo.country_code = some("US");
    geo
}

fn chat_started() -> ChatStarted {
    let mut chat = ChatStarted::new(WIDGET, CASE);
    chat.timestamp = millis(1_554_321_077_338);
    chat.text = some("Greetings!");
    chat.user_agent = some(USER_AGENT);
    chat.entry_url = some("https://example.com/");
    chat.page_url = some("https://example.com/contact");
    chat.ip_address = some("71.56.219.144");
    chat.geo = Some(boulder("CO"));
    chat
}

fn message(text: &str) -> Message {
    let mut message = Message::new(WIDGET, CASE);
    message.timestamp = millis(1_554_321_848_997);
    message.from = Some(Speaker::Visitor);
    message.text = text.to_owned();
    message
}

#[tokio::test]
async fn chat_started_is_read() {
    let (method, event) = Bot::received(sample("bot/chat-started.json")).await;
    assert_eq!(method, "chat_started");
    assert_eq!(event, Event::from(chat_started()));
    assert_eq!(chat_started().first_message(), Some("Greetings!"));
    assert_eq!(chat_started().verified_email(), None);
}

#[tokio::test]
async fn verified_visitor_is_read() {
    let mut property = VerificationProperty::new();
    property.property = Some(VerifiedProperty::CaseEmail);
    let mut result = HmacVerificationResult::new();
    result.verification_property = Some(property);
    result.content = some("visitor@example.com");
    result.status = Some(VerificationStatus::Verified);
    let mut expected = chat_started();
    expected.hmac_verification_result = Some(result);

    let (_, event) = Bot::received(sample("bot/chat-started-verified.json")).await;
    assert_eq!(event, Event::from(expected.clone()));
    assert_eq!(expected.verified_email(), Some("visitor@example.com"));
}

#[tokio::test]
async fn visitor_is_unverified_unless_success_is_known() {
    for (field, value) in [
        ("status", json!("FAILED")),
        ("status", json!("")),
        ("status", json!(1)),
        ("verificationProperty", json!({ "property": "CasePhone" })),
        ("verificationProperty", json!("CaseEmail")),
        ("verificationProperty", json!(null)),
        ("content", json!(["visitor@example.com"])),
    ] {
        let mut request = sample_json("bot/chat-started-verified.json");
        request["hmacVerificationResult"][field] = value;
        let (_, Event::ChatStarted(chat)) = Bot::received(request.to_string()).await else {
            panic!("expected chat_started");
        };
        assert_eq!(chat.verified_email(), None, "{field}");
        assert!(chat.hmac_verification_result.is_some(), "{field}");
    }
}

#[tokio::test]
async fn first_message_is_read_under_either_name() {
    let mut expected = ChatStarted::new(WIDGET, CASE);
    expected.timestamp = millis(1_554_321_077_338);
    expected.email = some("visitor@example.com");
    expected.proactive_message = some("May I help you?");
    expected.description = some("Greetings!");
    expected.user_agent = some("Mozilla/5.0 (Macintosh; Intel Mac OS X 10_14_4)");
    expected.entry_url = some("https://example.com/");
    expected.referrer_url = some("https://example.org/");
    expected.page_url = some("https://example.com/contact");
    expected.ip_address = some("71.56.219.144");
    expected.geo = Some(boulder("08"));

    let (_, event) = Bot::received(sample("bot/chat-started-description.json")).await;
    assert_eq!(event, Event::from(expected.clone()));
    assert_eq!(expected.first_message(), Some("Greetings!"));
}

#[tokio::test]
async fn tags_and_page_variables_are_kept_raw() {
    let mut expected = ChatStarted::new(WIDGET, CASE);
    expected.timestamp = millis(1_554_321_077_338);
    expected.text = some("Greetings!");
    expected.tags = some("sales,vip");
    expected.js_variables = some("plan=gold,seats=5");
    expected.page_url = some("https://example.com/contact");

    let (_, event) = Bot::received(sample("bot/chat-started-variables.json")).await;
    assert_eq!(event, Event::from(expected));
}

#[tokio::test]
async fn visitor_who_said_nothing_yet_is_read() {
    let mut expected = ChatStarted::new(WIDGET, CASE);
    expected.timestamp = millis(1_554_321_077_338);
    expected.email = some("unknown@example.com");
    expected.page_url = some("https://example.com/contact");
    expected.ip_address = some("71.56.219.144");
    expected.geo = Some(Geo::new());

    let (_, event) = Bot::received(sample("bot/chat-started-silent.json")).await;
    assert_eq!(event, Event::from(expected.clone()));
    assert_eq!(expected.first_message(), None);
}

/// What a visitor opens a chat with, as SnapEngage sends it.
const FIRST_MESSAGES: [&str; 2] = ["bot/chat-started.json", "bot/chat-started-description.json"];

fn echo() -> bot::FromFn<impl Fn(Message) -> Ready<Result<Reply, HandlerError>>> {
    bot::from_fn(|message: Message| ready(Ok(Reply::say(message.text))))
}

#[track_caller]
fn assert_says(response: Response<Body>, texts: &[&str]) {
    let content: Vec<_> =
        texts.iter().map(|text| json!({ "type": "message", "text": text })).collect();
    assert_json(response, &json!({ "widget_id": WIDGET, "case_id": CASE, "content": content }));
}

/// Has no more than what every bot must have.
struct Echo;

#[async_trait]
impl Handler for Echo {
    async fn message(&self, message: Message) -> Result<Reply, HandlerError> {
        Ok(Reply::say(message.text))
    }
}

#[tokio::test]
async fn what_a_chat_opens_with_is_answered_as_a_message() {
    for path in FIRST_MESSAGES {
        assert_says(Bot::answer(echo(), sample(path)).await, &["Greetings!"]);
        assert_says(Bot::answer(echo().greeting("Hello"), sample(path)).await, &["Greetings!"]);
        assert_says(Bot::answer(Echo, sample(path)).await, &["Greetings!"]);
        let shared: Arc<dyn Handler> = Arc::new(Echo);
        assert_says(Bot::answer(shared, sample(path)).await, &["Greetings!"]);
    }
}

#[tokio::test]
async fn first_message_is_the_visitors_and_of_its_chat() {
    let mut request = sample_json("bot/chat-started.json");
    request["context_id"] = "turn-7".into();
    let seen = Seen::new();
    let bot = {
        let seen = seen.clone();
        bot::from_fn(move |message| {
            seen.push(message);
            ready(Ok(Reply::new()))
        })
    };
    Bot::answer(bot, request.to_string()).await;
    let mut expected = message("Greetings!");
    expected.timestamp = millis(1_554_321_077_338);
    expected.context_id = some("turn-7");
    assert_eq!(seen.one(), expected);
}

#[tokio::test]
async fn visitor_who_opens_a_chat_without_a_word_is_greeted() {
    let mut silent = vec![sample_json("bot/chat-started-silent.json")];
    for text in ["", " \n", "[Contact Details]\nName: Jim Tester"] {
        let mut request = sample_json("bot/chat-started.json");
        request["text"] = text.into();
        silent.push(request);
    }
    for request in silent {
        let request = request.to_string();
        assert_says(Bot::answer(echo(), request.clone()).await, &[]);
        assert_says(Bot::answer(Echo, request.clone()).await, &[]);
        assert_says(Bot::answer(echo().greeting("Hello"), request.clone()).await, &["Hello"]);
        let greeting = Reply::say("Hello").and_say("How are you?");
        let bot: Arc<dyn Handler> = Arc::new(echo().greeting(greeting));
        assert_says(Bot::answer(bot, request).await, &["Hello", "How are you?"]);
    }
}

#[tokio::test]
async fn bot_of_the_readme_leaves_nobody_in_silence() {
    let code = include_str!("../readme/bot.rs").trim();
    assert!(include_str!("../../README.md").contains(&format!("    let bot = {code};\n")));
    let bot = || include!("../readme/bot.rs");
    let mut request = sample_json("bot/chat-started.json");
    request["text"] = "Pricing".into();
    let expected = Reply::say("Have a look").goto("https://example.com/pricing");
    let expected = serde_json::from_slice(&expected.to_json(&WIDGET.into(), &CASE.into()));
    assert_json(Bot::answer(bot(), request.to_string()).await, &expected.expect("JSON"));
    request["text"] = json!(null);
    let greeting = ["Hello! What is it about?"];
    assert_says(Bot::answer(bot(), request.to_string()).await, &greeting);
    let nobody_in = json!([failed("HUMAN_TRANSFER", "")]);
    assert_eq!(reply_to_failed(&Bot::receiver(bot()), nobody_in).await, Reply::say(APOLOGY));
}

#[tokio::test]
async fn message_is_read() {
    let expected = message("What is your most flexible plan?");
    assert_eq!(received_message(sample("bot/message.json")).await, expected);
}

#[tokio::test]
async fn message_without_timestamp_is_read() {
    let mut expected = message("What is your most flexible plan?");
    expected.timestamp = None;
    assert_eq!(received_message(sample("bot/message-without-timestamp.json")).await, expected);
}

#[tokio::test]
async fn escapes_of_gson_are_read() {
    let text = "What's on https://example.com/plans?seats=5&term=year, and is it <b>new</b>?";
    assert_eq!(received_message(sample("bot/message-gson-escapes.json")).await, message(text));
}

#[tokio::test]
async fn click_on_a_button_comes_with_its_id_and_the_context() {
    let mut expected = message("Yes");
    expected.id = some("btn-123");
    expected.context_id = some("travel-question");
    assert_eq!(received_message(sample("bot/message-button.json")).await, expected);
}

#[tokio::test]
async fn message_of_somebody_else_is_a_system_message() {
    let (method, event) = Bot::received(sample("bot/message-system.json")).await;
    let mut expected = message("The visitor left the page.");
    expected.from = Some(Speaker::from("system"));
    assert_eq!((method, event), ("system_message", Event::Message(expected)));
}

#[tokio::test]
async fn contact_details_are_a_system_message_even_from_the_visitor() {
    let (method, event) = Bot::received(sample("bot/message-contact-details.json")).await;
    let expected = message("[Contact Details]\nName: Jim Tester\nEmail: test@example.com");
    assert_eq!((method, event), ("system_message", Event::Message(expected)));
}

#[tokio::test]
async fn visitor_may_write_of_contact_details() {
    let mut request = sample_json("bot/message.json");
    request["text"] = "Who fills in [Contact Details]?".into();
    assert_eq!(received_message(request.to_string()).await.text, request["text"]);
    request["text"] = "[Contact Details] please".into();
    assert_eq!(Bot::received(request.to_string()).await.0, "system_message");
    request["id"] = "contact".into();
    assert_eq!(received_message(request.to_string()).await.text, request["text"]);
}

#[tokio::test]
async fn speaker_is_compared_without_case() {
    for (from, expected) in [
        ("Visitor", "message"),
        ("VISITOR", "message"),
        ("visitors", "system_message"),
        ("SYSTEM", "system_message"),
    ] {
        let mut request = sample_json("bot/message.json");
        request["from"] = from.into();
        assert_eq!(Bot::received(request.to_string()).await.0, expected, "{from}");
    }
}

#[tokio::test]
async fn message_of_unreadable_speaker_is_not_the_visitors() {
    for from in [json!(5), json!(true), json!(["system"]), json!({ "type": "system" })] {
        let mut request = sample_json("bot/message.json");
        request["from"] = from.clone();
        let (method, _) = Bot::received(request.to_string()).await;
        assert_eq!(method, "system_message", "{from}");
    }
}

#[tokio::test]
async fn message_without_speaker_is_the_visitors() {
    for from in [json!(null), json!("")] {
        let mut request = sample_json("bot/message.json");
        request["from"] = from;
        assert_eq!(received_message(request.to_string()).await.from, None);
    }
}

#[tokio::test]
async fn system_messages_are_by_default_not_answered() {
    for path in ["bot/message-system.json", "bot/message-contact-details.json"] {
        let silence = json!({ "widget_id": WIDGET, "case_id": CASE, "content": [] });
        assert_json(Bot::answer(echo(), sample(path)).await, &silence);
    }
}

#[tokio::test]
async fn failed_commands_are_read() {
    let mut failed = FailedCommand::new();
    failed.operation = some("WIDGET_TRANSFER");
    failed.params = Some(json!("XXX-XXX-XXX-XXX"));
    failed.error = Some(CommandError::NoAgentsAvailable);
    let mut expected = CommandResult::new("XXX-XXX-XXX-XXX", "XXX-XXX-XXX-XXX");
    expected.timestamp = millis(1_573_467_739_035);
    expected.failed_commands = vec![failed];

    let (method, event) = Bot::received(sample("bot/command-result.json")).await;
    assert_eq!((method, event), ("command_failed", Event::CommandResult(expected)));
}

#[tokio::test]
async fn documented_command_errors_are_known_others_kept() {
    for (text, expected) in [
        ("MISSING_PARAM", CommandError::MissingParam),
        ("WIDGET_NOT_FOUND", CommandError::WidgetNotFound),
        ("TRANSFER_NOT_ALLOWED", CommandError::TransferNotAllowed),
        ("NO_AGENTS_AVAILABLE", CommandError::NoAgentsAvailable),
        ("WIDGET_ASLEEP", CommandError::from("WIDGET_ASLEEP")),
    ] {
        let mut request = sample_json("bot/command-result.json");
        request["failedCommands"][0]["error"] = text.into();
        let (_, Event::CommandResult(result)) = Bot::received(request.to_string()).await else {
            panic!("expected command_failed");
        };
        assert_eq!(result.failed_commands[0].error, Some(expected));
    }
}

#[tokio::test]
async fn chat_closed_is_read_and_answered_with_nothing() {
    let mut expected = ChatClosed::new(WIDGET, CASE);
    expected.timestamp = millis(1_554_321_266_626);

    let seen = Seen::new();
    let response = Bot::answer(seen.clone(), sample("bot/chat-closed.json")).await;
    assert_eq!(seen.one(), ("chat_closed", Event::ChatClosed(expected)));
    assert_json(response, &json!({ "widget_id": WIDGET, "case_id": CASE, "content": [] }));
}

#[tokio::test]
async fn unknown_event_is_handed_over_with_all_its_fields() {
    let (method, event) = Bot::received(sample("bot/unknown-event.json")).await;
    let mut expected = Unknown::new("chatPaused");
    expected.widget_id = Some(WIDGET.into());
    expected.case_id = Some(CASE.into());
    expected.timestamp = millis(1_554_321_848_997);
    expected.extra = [
        ("reason".to_owned(), json!("AGENT_TYPING")),
        ("seconds".to_owned(), json!(30)),
        ("agents".to_owned(), json!(["wc:agent@example.com"])),
    ]
    .into();
    assert_eq!(event.name(), "chatPaused");
    assert_eq!((method, event), ("unknown", Event::Unknown(expected)));
}

#[tokio::test]
async fn unknown_event_is_by_default_not_answered() {
    let silence = json!({ "widget_id": WIDGET, "case_id": CASE, "content": [] });
    assert_json(Bot::answer(echo(), sample("bot/unknown-event.json")).await, &silence);
    assert_json(Bot::answer(echo(), r#"{"event":"chatPaused"}"#).await, &json!({ "content": [] }));
}

#[tokio::test]
async fn every_method_answers_with_the_ids_of_its_request() {
    for (path, text) in [
        ("bot/message.json", "message"),
        ("bot/chat-started.json", "chat_started"),
        ("bot/command-result.json", "command_failed"),
        ("bot/message-system.json", "system_message"),
        ("bot/unknown-event.json", "unknown"),
    ] {
        let request = sample_json(path);
        let expected = json!({
            "widget_id": request["widget_id"],
            "case_id": request["case_id"],
            "content": [{ "type": "message", "text": text }],
        });
        assert_json(Bot::answer(Seen::new(), sample(path)).await, &expected);
    }
}

#[tokio::test]
async fn a_shared_handler_is_a_handler() {
    let seen = Seen::new();
    let shared: Arc<dyn Handler> = Arc::new(seen.clone());
    for path in [
        "bot/message.json",
        "bot/chat-started.json",
        "bot/command-result.json",
        "bot/message-system.json",
        "bot/chat-closed.json",
        "bot/unknown-event.json",
    ] {
        assert_eq!(Bot::answer(Arc::clone(&shared), sample(path)).await.status(), 200);
    }
    let methods: Vec<_> = seen.take().into_iter().map(|(method, _)| method).collect();
    let expected =
        ["message", "chat_started", "command_failed", "system_message", "chat_closed", "unknown"];
    assert_eq!(methods, expected);
}

#[tokio::test]
async fn context_id_comes_back_in_every_event() {
    for path in ["chat-started", "message", "command-result", "chat-closed"] {
        let mut request = sample_json(&format!("bot/{path}.json"));
        request["context_id"] = "turn-7".into();
        let context_id = match Bot::received(request.to_string()).await.1 {
            Event::ChatStarted(event) => event.context_id,
            Event::Message(event) => event.context_id,
            Event::CommandResult(event) => event.context_id,
            Event::ChatClosed(event) => event.context_id,
            event => panic!("{event:?}"),
        };
        assert_eq!(context_id, some("turn-7"), "{path}");
    }
}

fn replies() -> Vec<(&'static str, Reply)> {
    let cats = Card::new("5 Reasons Life Is Better For Cat People")
        .excerpt("But science tells us there are some unique benefits that come with cats.")
        .link("https://www.businessinsider.com/why-cats-are-better-than-dogs-2015-1");
    let dogs = Card::new("11 Scientific Reasons Dogs Are Better Than Cats")
        .excerpt("I can recognize the vast benefits of owning a dog over a litter-trained furball")
        .link("https://www.businessinsider.com/11-reasons-dogs-are-better-than-cats-2014-4");
    let plans = Card::new("Plans").link("https://example.com/plans");
    let snooze = Command::Other {
        operation: "SNOOZE".to_owned(),
        parameters: Some(json!({ "minutes": 5 })),
    };
    vec![
        ("ban", Reply::new().ban()),
        ("ban-ip", Reply::new().ban_ip()),
        ("bye", Reply::new().bye()),
        ("cards", Reply::say("Which is better?").cards(Cards::vertical().card(cats).card(dogs))),
        (
            "cards-horizontal",
            Reply::new().cards(Cards::horizontal().card(plans).card(Card::new("Prices"))),
        ),
        ("context-id", Reply::say("Which one?").context_id("travel-question")),
        ("empty", Reply::new()),
        ("human-transfer", Reply::new().to_human()),
        (
            "label",
            Reply::new()
                .label("labelName1", ["labelValue1"])
                .label("labelName2", ["labelValue1", "labelValue2"]),
        ),
        (
            "message-goto",
            Reply::say("Let me show you our pricing page...").goto("https://example.com/pricing"),
        ),
        (
            "messages",
            Reply::say("I need to ask you a few questions...")
                .and_say("Are you willing to travel during the week?")
                .button(Button::new("Yes").id("btn-123"))
                .button("No"),
        ),
        ("tag-transfer", Reply::new().to_tags("ZZZZ-ZZZZ-ZZZZ-ZZZZ", ["TAG1", "TAG2"])),
        ("transfer", Reply::new().to_agent("agent@example.com")),
        ("unknown-command", Reply::new().and(snooze)),
        ("widget-human-transfer", Reply::new().to_widget_human("YYY-YYY-YYY-YYY")),
        ("widget-transfer", Reply::new().to_widget("YYY-YYY-YYY-YYY")),
    ]
}

#[test]
fn transfer_takes_an_agent_by_address_or_id() {
    for agent in ["agent@example.com", "wc:agent@example.com"] {
        let command = Command::Transfer("agent@example.com".to_owned());
        assert_eq!(Reply::new().to_agent(agent), Reply::new().and(command.clone()));
        assert_eq!(Reply::new().to_agent(AgentId::from(agent)), Reply::new().and(command));
    }
}

#[tokio::test]
async fn every_reply_is_answered_in_the_documented_form() {
    for (name, reply) in replies() {
        let bot = bot::from_fn(move |_| {
            let reply = reply.clone();
            async { Ok(reply) }
        });
        let request = json!({
            "event": "message",
            "widget_id": "XXX-XXX-XXX-XXX",
            "case_id": "XXX-XXX-XXX-XXX",
        });
        let expected = sample_json(&format!("bot/replies/{name}.json"));
        assert_json(Bot::answer(bot, request.to_string()).await, &expected);
    }
}

#[test]
fn every_documented_reply_is_read_back_as_it_was_built() {
    for (name, reply) in replies() {
        let document = sample(&format!("bot/replies/{name}.json"));
        let read: Reply = serde_json::from_slice(&document).expect("a reply");
        assert_eq!(read, reply, "{name}");
    }
}

#[test]
fn every_sample_of_a_reply_is_compared() {
    let files = std::fs::read_dir(sample_path("bot/replies")).expect("a folder");
    let files: BTreeSet<_> = files.map(|file| file.expect("a file").file_name()).collect();
    let compared = replies().into_iter().map(|(name, _)| format!("{name}.json").into());
    assert_eq!(files, compared.collect::<BTreeSet<_>>());
}

#[test]
fn a_reply_is_written_in_the_order_of_the_documented_table() {
    let reply = Reply::say("Hi").button(Button::new("Yes").id("1")).bye().context_id("t");
    assert_eq!(
        String::from_utf8(reply.to_json(&"w".into(), &"c".into())).as_deref(),
        Ok(concat!(
            r#"{"widget_id":"w","case_id":"c","context_id":"t","content":["#,
            r#"{"type":"message","text":"Hi","display_responses":[{"text":"Yes","id":"1"}]},"#,
            r#"{"type":"command","operation":"BYE"}]}"#,
        ))
    );
}

#[track_caller]
fn assert_parameters(reply: &Reply, expected: &str) {
    let commands: Vec<_> = reply.commands().map(Command::parameters).collect();
    assert_eq!(commands, [Some(json!(expected))]);
    let read: Reply = serde_json::from_slice(&reply.to_json(&"w".into(), &"c".into()))
        .expect("a reply that is read back");
    assert_eq!(read, *reply);
}

#[test]
fn labels_are_json_in_a_string() {
    assert_parameters(&Reply::new().label("a", ["b"]), r#"[{"a": ["b"]}]"#);
    assert_parameters(&Reply::new().label("a", ["b", "c"]), r#"[{"a": ["b","c"]}]"#);
    assert_parameters(
        &Reply::new().label("a", ["b"]).label("a", ["c"]),
        r#"[{"a": ["b"]},{"a": ["c"]}]"#,
    );
    assert_parameters(&Reply::new().label("a", Vec::<String>::new()), r#"[{"a": []}]"#);
    assert_parameters(
        &Reply::new().label("say \"hi\"", ["back\\slash", "Größe\n\u{1}"]),
        "[{\"say \\\"hi\\\"\": [\"back\\\\slash\",\"Größe\\n\\u0001\"]}]",
    );
    assert_parameters(&Reply::new().and(Command::Label(vec![])), "[]");
}

#[test]
fn labels_set_apart_are_commands_of_their_own() {
    let reply = Reply::new().label("a", ["b"]).and_say("And").label("c", ["d"]);
    let labels: Vec<_> = reply.commands().cloned().collect();
    let label = |name, value| Command::Label(vec![Label::new(name, [value])]);
    assert_eq!(labels, [label("a", "b"), label("c", "d")]);
}

#[test]
fn tags_are_a_widget_a_space_and_json() {
    assert_parameters(&Reply::new().to_tags("w", ["a"]), r#"w ["a"]"#);
    assert_parameters(&Reply::new().to_tags("w", ["a", "b c"]), r#"w ["a", "b c"]"#);
    assert_parameters(&Reply::new().to_tags("w", Vec::<String>::new()), "w []");
    assert_parameters(&Reply::new().to_tags("w", ["\"ü\\\""]), r#"w ["\"ü\\\""]"#);
}

#[test]
fn a_button_stands_below_the_last_message() {
    let content = |reply: Reply| serde_json::to_value(reply).expect("a reply")["content"].take();
    assert_eq!(
        content(Reply::new().button("Yes")),
        json!([{ "type": "message", "text": "", "display_responses": [{ "text": "Yes" }] }])
    );
    assert_eq!(
        content(Reply::say("Bye").bye().button("Wait")),
        json!([
            { "type": "message", "text": "Bye" },
            { "type": "command", "operation": "BYE" },
            { "type": "message", "text": "", "display_responses": [{ "text": "Wait" }] },
        ])
    );
}

#[test]
fn an_empty_context_id_is_none() {
    assert_eq!(Reply::new().context_id("").returned_context_id(), None);
    assert_eq!(Reply::new().context_id("a").returned_context_id(), Some("a"));
}

#[test]
fn what_a_reply_says_and_does_can_be_asked() {
    let reply =
        Reply::say("One").to_human().and_say("Two").and(Content::Other(json!({ "type": "x" })));
    assert_eq!(reply.texts().collect::<Vec<_>>(), ["One", "Two"]);
    assert_eq!(reply.commands().collect::<Vec<_>>(), [&Command::HumanTransfer]);
    assert_eq!(reply.content().len(), 4);
    assert_eq!(reply.content()[0], Text::new("One").into());
    assert!(!reply.is_empty());
    assert!(Reply::new().is_empty());
    assert_eq!(Reply::from(Command::HumanTransfer), Reply::new().to_human());
}

#[test]
fn content_to_come_is_written_and_read_as_it_is() {
    let carousel = json!({ "type": "carousel", "slides": [1, 2.5, null] });
    let reply = Reply::new().and(Content::Other(carousel.clone()));
    let written = serde_json::to_value(&reply).expect("a reply");
    assert_eq!(written, json!({ "content": [carousel] }));
    assert_eq!(serde_json::from_value::<Reply>(written).ok(), Some(reply));
}

#[test]
fn commands_that_are_not_in_the_documented_form_are_kept() {
    for (operation, parameters) in [
        ("BAN", json!(true)),
        ("BAN_IP", json!("71.56.219.144")),
        ("BYE", json!({ "text": "Bye" })),
        ("HUMAN_TRANSFER", json!("anybody")),
        ("GOTO", json!({ "url": "https://example.com" })),
        ("TRANSFER", json!(["agent@example.com"])),
        ("WIDGET_TRANSFER", json!(5)),
        ("WIDGET_HUMAN_TRANSFER", json!({})),
        ("LABEL", json!("not JSON")),
        ("LABEL", json!([{ "a": ["b"] }])),
        ("LABEL", json!(r#"[{"a": "b"}]"#)),
        ("LABEL", json!(r#"[{"a": ["b"], "c": ["d"]}]"#)),
        ("LABEL", json!("[{}]")),
        ("TAG_TRANSFER", json!("widget-without-tags")),
        ("TAG_TRANSFER", json!("w [1]")),
        ("TAG_TRANSFER", json!({ "widget": "w", "tags": ["a"] })),
        ("CARDS", json!("cards")),
        ("CARDS", json!({ "type": "cards", "layout": "VERTICAL" })),
        ("CARDS", json!({ "type": "cards", "layout": "VERTICAL", "cards": [{}] })),
    ] {
        let content = json!([
            { "type": "command", "operation": operation, "parameters": parameters }
        ]);
        let document = json!({ "content": content });
        let reply: Reply = serde_json::from_value(document.clone()).expect("a reply");
        let expected =
            Command::Other { operation: operation.to_owned(), parameters: Some(parameters) };
        assert_eq!(reply, Reply::new().and(expected), "{document}");
        assert_eq!(serde_json::to_value(reply).expect("a reply"), document);
    }
}

#[test]
fn what_is_no_reply_is_not_read_as_one() {
    for document in [
        json!([]),
        json!({ "content": {} }),
        json!({ "content": [{ "type": "command" }] }),
        json!({ "content": [{ "type": "message", "text": 5 }] }),
        json!({ "content": [{ "type": "message", "display_responses": [{}] }] }),
        json!({ "context_id": 5, "content": [] }),
    ] {
        assert!(serde_json::from_value::<Reply>(document.clone()).is_err(), "{document}");
    }
}

#[tokio::test(start_paused = true)]
async fn visitor_gets_the_fallback_whatever_goes_wrong() {
    let paths = ["message", "chat-started", "command-result", "message-system", "unknown-event"];
    for (failing, path) in FAILINGS.iter().flat_map(|failing| paths.map(|path| (failing, path))) {
        let request = sample(&format!("bot/{path}.json"));
        let ids = parse(&request);
        let expected = json!({
            "widget_id": ids["widget_id"],
            "case_id": ids["case_id"],
            "content": [{ "type": "command", "operation": "HUMAN_TRANSFER" }],
        });
        assert_json(Bot::answer(*failing, request).await, &expected);
    }
}

#[tokio::test(start_paused = true)]
async fn fallback_can_be_chosen() {
    let fallback = Reply::say("Sorry").button("Again").context_id("lost");
    for failing in FAILINGS {
        let receiver = Receiver::builder().fallback(fallback.clone()).bot("/bot", auth(), failing);
        let receiver = receiver.build().expect("no mistakes");
        let expected = json!({
            "widget_id": WIDGET,
            "case_id": CASE,
            "context_id": "lost",
            "content": [
                { "type": "message", "text": "Sorry", "display_responses": [{ "text": "Again" }] }
            ],
        });
        assert_json(receiver.handle(post("/bot", sample("bot/message.json"))).await, &expected);
    }
}

const APOLOGY: &str = "Sorry, nobody is available right now. Please try again later.";

fn failed(operation: &str, params: &str) -> Value {
    json!({ "operation": operation, "params": params, "error": "NO_AGENTS_AVAILABLE" })
}

/// The reply to commands that failed.
async fn reply_to_failed(receiver: &Receiver, failed: Value) -> Reply {
    let mut request = sample_json("bot/command-result.json");
    request["failedCommands"] = failed;
    let response = receiver.handle(post("/bot", request.to_string())).await;
    assert_eq!(response.status(), 200);
    serde_json::from_str(&body(response)).expect("a reply")
}

#[tokio::test]
async fn failed_transfer_ends_in_the_fallback_where_the_bot_says_nothing() {
    let shared: Arc<dyn Handler> = Arc::new(Echo);
    for receiver in [Bot::receiver(echo()), Bot::receiver(Echo), Bot::receiver(shared)] {
        for (operation, params) in [
            ("TRANSFER", "agent@example.com"),
            ("transfer", "wc:agent@example.com"),
            ("WIDGET_TRANSFER", "w-2"),
            ("WIDGET_HUMAN_TRANSFER", "w-2"),
            ("TAG_TRANSFER", r#"w-2 ["sales"]"#),
            ("BEAM", "anywhere"),
        ] {
            let reply = reply_to_failed(&receiver, json!([failed(operation, params)])).await;
            assert_eq!(reply, Reply::new().to_human(), "{operation}");
        }
    }
}

#[tokio::test]
async fn failed_transfer_to_any_human_ends_in_the_apology() {
    let human = json!([{ "operation": "HUMAN_TRANSFER", "error": "NO_AGENTS_AVAILABLE" }]);
    let receiver = Bot::receiver(echo());
    assert_eq!(reply_to_failed(&receiver, human.clone()).await, Reply::say(APOLOGY));
    let both = json!([failed("TRANSFER", "agent@example.com"), human[0]]);
    assert_eq!(reply_to_failed(&receiver, both).await, Reply::say(APOLOGY));
    let builder = Receiver::builder().apology("Leider ist niemand da.").bot("/bot", auth(), echo());
    let receiver = builder.build().expect("no mistakes");
    assert_eq!(reply_to_failed(&receiver, human).await, Reply::say("Leider ist niemand da."));
}

#[tokio::test]
async fn failed_command_that_nobody_knows_ends_in_the_apology() {
    let receiver = Bot::receiver(echo());
    for failed in [json!([]), json!(null), json!("odd"), json!([{}])] {
        let reply = reply_to_failed(&receiver, failed.clone()).await;
        assert_eq!(reply, Reply::say(APOLOGY), "{failed}");
    }
}

#[tokio::test]
async fn failed_command_that_is_no_transfer_leaves_nobody_waiting() {
    let failed = json!([failed("LABEL", "x"), failed("GOTO", "x")]);
    assert_eq!(reply_to_failed(&Bot::receiver(echo()), failed).await, Reply::new());
}

#[tokio::test]
async fn transfer_of_the_fallback_that_failed_is_not_tried_again() {
    let tags = |tags: [&str; 1]| Reply::new().to_tags("w-2", tags);
    for (fallback, operation, params, is_again) in [
        (Reply::new().to_widget("w-2"), "WIDGET_TRANSFER", json!("w-2"), true),
        (Reply::new().to_widget("w-2"), "WIDGET_TRANSFER", json!("W-2 "), true),
        (Reply::new().to_widget("w-2"), "WIDGET_TRANSFER", json!(null), true),
        (Reply::new().to_widget("w-2"), "WIDGET_TRANSFER", json!({ "widget": "w-2" }), true),
        (Reply::new().to_widget("w-2"), "WIDGET_TRANSFER", json!("w-1"), false),
        (Reply::new().to_widget("w-2"), "WIDGET_HUMAN_TRANSFER", json!("w-2"), false),
        (Reply::new().to_agent("a@b.c"), "TRANSFER", json!("wc:a@b.c"), true),
        (Reply::new().to_agent("a@b.c"), "TRANSFER", json!("d@e.f"), false),
        (tags(["sales"]), "TAG_TRANSFER", json!(r#"w-2 ["sales"]"#), true),
        (tags(["sales"]), "TAG_TRANSFER", json!(r#"w-2 ["other"]"#), true),
        (tags(["sales"]), "TAG_TRANSFER", json!(r#"w-3 ["sales"]"#), false),
        (Reply::say("Oh"), "TRANSFER", json!("a@b.c"), false),
        (Reply::say("Oh"), "HUMAN_TRANSFER", json!(null), true),
    ] {
        let builder = Receiver::builder().fallback(fallback.clone()).bot("/bot", auth(), echo());
        let receiver = builder.build().expect("no mistakes");
        let failed = json!([{ "operation": operation, "params": params }]);
        let expected = if is_again { Reply::say(APOLOGY) } else { fallback };
        assert_eq!(reply_to_failed(&receiver, failed.clone()).await, expected, "{failed}");
    }
}

#[tokio::test(start_paused = true)]
async fn failing_bot_repeats_no_transfer_that_failed() {
    for failing in FAILINGS {
        let human = json!([failed("HUMAN_TRANSFER", "")]);
        assert_eq!(reply_to_failed(&Bot::receiver(failing), human).await, Reply::say(APOLOGY));
        let agent = json!([failed("TRANSFER", "a@b.c")]);
        assert_eq!(reply_to_failed(&Bot::receiver(failing), agent).await, Reply::new().to_human());
    }
}

/// Answers commands that failed with a reply of its own.
struct Comforter(Reply);

#[async_trait]
impl Handler for Comforter {
    async fn message(&self, _: Message) -> Result<Reply, HandlerError> {
        Ok(Reply::new())
    }

    async fn command_failed(&self, _: CommandResult) -> Result<Reply, HandlerError> {
        Ok(self.0.clone())
    }
}

#[tokio::test]
async fn bot_that_says_something_to_a_failed_transfer_is_heard() {
    let failed = || json!([failed("TRANSFER", "a@b.c")]);
    let own = Reply::say("I am still here").context_id("c");
    assert_eq!(reply_to_failed(&Bot::receiver(Comforter(own.clone())), failed()).await, own);
    let label = Reply::new().label("transfer", ["failed"]);
    let reply = reply_to_failed(&Bot::receiver(Comforter(label.clone())), failed()).await;
    assert_eq!(reply, label.to_human());
}

#[tokio::test]
async fn message_that_is_answered_with_nothing_is_warned_about() {
    record_log();
    for (path, reply, is_warned_about) in [
        ("message", Reply::new(), true),
        ("message", Reply::say(" ").label("a", ["b"]), true),
        ("message", Reply::new().goto("https://example.com"), false),
        ("chat-started", Reply::new(), true),
        ("chat-started-silent", Reply::new(), false),
        ("message-system", Reply::new(), false),
        ("unknown-event", Reply::new(), false),
    ] {
        let bot = bot::from_fn(move |_| ready(Ok(reply.clone())));
        Bot::answer(bot, sample(&format!("bot/{path}.json"))).await;
        let log = log();
        let warning = "the bot has nothing to say to the visitor's message";
        assert_eq!(log.contains("WARN") && log.contains(warning), is_warned_about, "{path}: {log}");
    }
    let _ = reply_to_failed(&Bot::receiver(echo()), json!([failed("TRANSFER", "a@b.c")])).await;
    let log = log();
    assert!(log.contains("a transfer failed, and the bot has nothing to say to it"), "{log}");
}

#[test]
fn apology_that_says_nothing_is_a_mistake() {
    let builder = Receiver::builder().apology(" \n").bot("/bot", auth(), Echo);
    let mistake = builder.build().expect_err("a mistake").to_string();
    assert_eq!(mistake, "`apology`: expected something the visitor notices");
}

#[tokio::test(start_paused = true)]
async fn nobody_is_answered_when_a_chat_that_is_over_goes_wrong() {
    record_log();
    for failing in FAILINGS {
        let silence = json!({ "widget_id": WIDGET, "case_id": CASE, "content": [] });
        assert_json(Bot::answer(failing, sample("bot/chat-closed.json")).await, &silence);
        assert!(log().contains("answered instead of the handler"), "{failing:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn deadline_of_a_bot_can_be_chosen() {
    let receiver = Receiver::builder()
        .bot_deadline(Duration::from_millis(250))
        .feed_deadline(Duration::from_secs(1))
        .contact_deadline(Duration::from_secs(2))
        .bot("/bot", auth(), Failing::Hanging);
    let receiver = receiver.build().expect("no mistakes");
    let started = tokio::time::Instant::now();
    receiver.handle(post("/bot", sample("bot/message.json"))).await;
    assert_eq!(started.elapsed().as_millis() / 10, 25);
}

#[tokio::test(start_paused = true)]
async fn bot_that_makes_it_in_time_is_heard() {
    let slow = bot::from_fn(|_| async {
        tokio::time::sleep(Duration::from_millis(7_900)).await;
        Ok(Reply::say("At last"))
    });
    let content = json!([{ "type": "message", "text": "At last" }]);
    let expected = json!({ "widget_id": WIDGET, "case_id": CASE, "content": content });
    assert_json(Bot::answer(slow, sample("bot/message.json")).await, &expected);
}

#[tokio::test]
async fn closure_that_panics_before_its_future_is_answered_for() {
    let bot = bot::from_fn(|_| -> Ready<Result<Reply, HandlerError>> { panic!("a bug") });
    let content = json!([{ "type": "command", "operation": "HUMAN_TRANSFER" }]);
    let expected = json!({ "widget_id": WIDGET, "case_id": CASE, "content": content });
    assert_json(Bot::answer(bot, sample("bot/message.json")).await, &expected);
}

#[tokio::test(start_paused = true)]
async fn log_says_why_the_handler_was_answered_for() {
    record_log();
    for (failing, reason) in FAILINGS.iter().zip([
        "handler failed: no database",
        "handler failed: no such plan",
        "handler panicked",
        "handler not done within 8s",
    ]) {
        Bot::answer(*failing, sample("bot/message.json")).await;
        let log = log();
        assert!(log.contains(reason), "{log}");
        assert!(!log.contains("a bug in the handler"), "{log}");
        assert!(!log.contains("flexible"), "{log}");
    }
}

#[tokio::test]
async fn request_of_no_case_that_cannot_be_read_is_refused() {
    for (body, message) in [
        ("{}", "missing field `event` at line 1 column 2"),
        (r#"{"event":""}"#, "missing field `event` at line 1 column 12"),
        (r#"{"event":null}"#, "missing field `event` at line 1 column 14"),
        (r#"{"event":[]}"#, "field `event` is not of the documented type at line 1 column 12"),
        (r#"{"event":"message"}"#, "missing field `widget_id` at line 1 column 19"),
        (r#"{"event":"message","widget_id":"w"}"#, "missing field `case_id` at line 1 column 35"),
        (
            "{\n \"event\": \"chatClosed\",\n \"widget_id\": \"w\",\n \"case_id\": \"\"\n}",
            "missing field `case_id` at line 5 column 1",
        ),
        (
            r#"{"event":"message","widget_id":"w","case_id":true}"#,
            "field `case_id` is not of the documented type at line 1 column 50",
        ),
    ] {
        let response = Bot::answer(Seen::new(), body).await;
        assert_refused(response, 400, &format!("bot request: {message}"));
    }
}

/// The answer to a request that cannot be read is a reply for its visitor, and says why.
#[track_caller]
fn assert_answered_for(response: Response<Body>, expected: &Value, problem: &str) {
    let reason = response.extensions().get().map(FailureReason::as_str).expect("a reason");
    assert!(reason.starts_with(&format!("bot request: {problem}")), "{reason}");
    assert_json(response, expected);
}

#[tokio::test]
async fn visitor_of_a_request_that_cannot_be_read_gets_the_fallback() {
    for (body, mut expected, problem) in [
        (r#"{"case_id":"c"}"#, json!({ "case_id": "c" }), "missing field `event`"),
        (
            r#"{"event":"chatStarted","widget_id":null,"case_id":"c"}"#,
            json!({ "case_id": "c" }),
            "missing field `widget_id` at line 1 column 54",
        ),
        (
            r#"{"event":"message","widget_id":["w"],"case_id":"c"}"#,
            json!({ "case_id": "c" }),
            "field `widget_id` is not of the documented type at line 1 column 36",
        ),
        (
            r#"{"event":["message"],"widget_id":"w","case_id":"c"}"#,
            json!({ "widget_id": "w", "case_id": "c" }),
            "field `event` is not of the documented type",
        ),
        (
            r#"{"event":"message","widget_id":7,"case_id":"c","text":"Hel"#,
            json!({ "widget_id": "7", "case_id": "c" }),
            "EOF while parsing a string",
        ),
    ] {
        expected["content"] = json!([{ "type": "command", "operation": "HUMAN_TRANSFER" }]);
        let response = Bot::answer(Seen::new(), body).await;
        assert_answered_for(response, &expected, problem);
    }
}

#[tokio::test]
async fn request_that_cannot_be_read_is_answered_by_its_event() {
    record_log();
    let builder = Receiver::builder().fallback("Oh").apology("Nobody is in");
    let receiver = builder.bot("/bot", auth(), Seen::new()).build();
    let receiver = receiver.expect("no mistakes");
    for (event, text) in [("message", "Oh"), ("commandResult", "Nobody is in"), ("chatClosed", "")]
    {
        let request = json!({ "case_id": "c", "event": event, "text": "SECRET" });
        let response = receiver.handle(post("/bot", request.to_string())).await;
        let content = [json!({ "type": "message", "text": text })];
        let content = &content[..usize::from(!text.is_empty())];
        let expected = json!({ "case_id": "c", "content": content });
        assert_answered_for(response, &expected, "missing field `widget_id`");
        let log = log();
        assert!(log.contains("ERROR") && log.contains("bot request: missing field"), "{log}");
        assert!(log.contains(r#"case_id="c""#), "{log}");
        assert_tells_no_secret("log", &log);
    }
}

#[tokio::test]
async fn long_ids_are_answered_with_the_fallback() {
    let (long, longer) = ("x".repeat(256), "x".repeat(257));
    for (field, column) in [("event", 268), ("widget_id", 290), ("case_id", 305)] {
        let mut request = [("event", "message"), ("widget_id", "w"), ("case_id", "c")];
        let body = |request: &[(&str, &str)]| {
            let fields: Vec<_> =
                request.iter().map(|(name, value)| format!("\"{name}\":\"{value}\"")).collect();
            format!("{{{}}}", fields.join(","))
        };
        let place = request.iter().position(|(name, _)| *name == field).expect("a field");
        request[place].1 = &long;
        Bot::received(body(&request)).await;
        request[place].1 = &longer;
        let response = Bot::answer(Seen::new(), body(&request)).await;
        let problem = format!("field `{field}` is longer than 256 bytes at line 1 column {column}");
        if field == "case_id" {
            assert_refused(response, 400, &format!("bot request: {problem}"));
            continue;
        }
        let mut expected = fallback_of_minimal();
        expected.as_object_mut().expect("an object").remove(field);
        assert_answered_for(response, &expected, &problem);
    }
    let request = json!({ "event": "new", "case_id": longer, "timestamp": 1 });
    let (_, event) = Bot::received(request.to_string()).await;
    assert_eq!((event.name(), event.case_id()), ("new", None));
    assert_eq!(serde_json::to_value(event).expect("an event"), request);
}

/// What the visitor of [`MINIMAL`] gets where it was spoilt.
fn fallback_of_minimal() -> Value {
    let human = json!([{ "type": "command", "operation": "HUMAN_TRANSFER" }]);
    json!({ "widget_id": "w", "case_id": "c", "content": human })
}

#[tokio::test]
async fn value_that_is_no_json_is_answered_with_the_fallback() {
    for (value, problem) in MALFORMED_VALUES {
        let response = Bot::answer(Seen::new(), with_value(MINIMAL, value)).await;
        let reason = response.extensions().get().map(FailureReason::as_str).expect("a reason");
        assert_tells_no_secret(problem, reason);
        let problem = format!("{} at line 1", problem.replace(r"\\", r"\"));
        assert_answered_for(response, &fallback_of_minimal(), &problem);
    }
}

#[tokio::test]
async fn something_after_the_object_is_answered_with_the_fallback() {
    for (rest, problem) in [
        ("}", "trailing characters at line 1 column 50"),
        ("{}", "trailing characters at line 1 column 50"),
        ("\n\nSECRET", "trailing characters at line 3 column 1"),
        ("\0", "trailing characters at line 1 column 50"),
        ("\u{feff}", "trailing characters at line 1 column 50"),
    ] {
        let response = Bot::answer(Seen::new(), format!("{MINIMAL}{rest}")).await;
        assert_answered_for(response, &fallback_of_minimal(), problem);
    }
}

#[tokio::test]
async fn nesting_is_read_or_answered_with_the_fallback() {
    for (depth, is_read) in [(1, true), (126, true), (127, false), (128, false), (100_000, false)] {
        let response = Bot::answer(Seen::new(), nested(MINIMAL, depth)).await;
        if is_read {
            assert!(response.extensions().get::<FailureReason>().is_none(), "{depth}");
        } else {
            let problem = "recursion limit exceeded at line 1";
            assert_answered_for(response, &fallback_of_minimal(), problem);
        }
    }
}

#[tokio::test]
async fn nested_value_that_is_read_is_kept() {
    let request = nested(MINIMAL, 126);
    let message = received_message(request.clone()).await;
    assert_eq!(message.extra["nested"], parse(request.as_bytes())["nested"]);
}

#[tokio::test]
async fn numeric_ids_are_read_and_come_back_as_text() {
    let request = r#"{"event":"message","widget_id":12,"case_id":-9223372036854775808}"#;
    let bot = bot::from_fn(|_| async { Ok(Reply::new()) });
    let expected = json!({ "widget_id": "12", "case_id": "-9223372036854775808", "content": [] });
    assert_json(Bot::answer(bot, request).await, &expected);
}

#[tokio::test]
async fn ids_are_never_interpreted() {
    let ids = json!({ "widget_id": " ü\"\\\u{0}", "case_id": "../../*?%00 -- " });
    let mut request = ids.clone();
    request["event"] = "message".into();
    let bot = bot::from_fn(|_| async { Ok(Reply::new()) });
    let mut expected = ids;
    expected["content"] = json!([]);
    assert_json(Bot::answer(bot, request.to_string()).await, &expected);
}

#[tokio::test]
async fn last_field_counts_but_the_first_event() {
    record_log();
    let request = r#"{"event":"message","event":"x","widget_id":"v","widget_id":"w","case_id":"c",
        "text":"one","text":"two","id":"1","id":"","new":1,"new":[2],"new":3}"#;
    let message = received_message(request).await;
    let mut expected = Message::new("w", "c");
    expected.text = "two".to_owned();
    expected.id = some("1");
    expected.extra = [
        ("new".to_owned(), json!([1, [2], 3])),
        ("event (others)".to_owned(), json!(["x"])),
        ("text (others)".to_owned(), json!(["one"])),
        ("widget_id (others)".to_owned(), json!(["v"])),
    ]
    .into();
    assert_eq!(message, expected);
    let log = log();
    assert!(log.contains(r#"fields="widget_id, event, text""#), "{log}");

    let request =
        r#"{"event (others)":[],"event":"x","event":"message","event":"y","case_id":"c"}"#;
    let (_, event) = Bot::received(request).await;
    assert_eq!(event.name(), "x");
    let Event::Unknown(unknown) = event else { panic!("expected an unknown event") };
    assert_eq!(unknown.extra, [("event (others)".to_owned(), json!(["y", "message"]))].into());
}

#[tokio::test]
async fn empty_list_of_failed_commands_is_absent() {
    let request = r#"{"event":"commandResult","widget_id":"w","case_id":"c","failedCommands":[]}"#;
    let (_, event) = Bot::received(request).await;
    assert_eq!(event, Event::CommandResult(CommandResult::new("w", "c")));
}

#[tokio::test]
async fn text_may_come_as_numbers_and_booleans() {
    let request =
        r#"{"event":"message","widget_id":1,"case_id":2.0,"text":42,"from":true,"id":1.50}"#;
    let mut expected = Message::new("1", "2");
    expected.text = "42".to_owned();
    expected.from = Some(Speaker::from("true"));
    expected.id = some("1.5");
    let (_, event) = Bot::received(request).await;
    assert_eq!(event, Event::Message(expected));
}

#[tokio::test]
async fn numbers_may_come_as_text() {
    let request =
        r#"{"event":"message","widget_id":"w","case_id":"c","timestamp":" 1554321848997 "}"#;
    assert_eq!(received_message(request).await.timestamp, millis(1_554_321_848_997));
    let request =
        r#"{"event":"message","widget_id":"w","case_id":"c","timestamp":1554321848997.0}"#;
    assert_eq!(received_message(request).await.timestamp, millis(1_554_321_848_997));
}

#[tokio::test]
async fn nothing_is_warned_about_where_nothing_is_odd() {
    record_log();
    Bot::received(sample("bot/chat-started-verified.json")).await;
    let log = log();
    assert!(!log.contains("WARN"), "{log}");
    assert!(log.contains("answered"), "{log}");
}

#[tokio::test]
async fn a_failed_command_that_is_odd_keeps_all_of_them() {
    let mut request = sample_json("bot/command-result.json");
    let failed = json!([request["failedCommands"][0], "BAN", null, 5]);
    request["failedCommands"] = failed.clone();
    let (_, Event::CommandResult(result)) = Bot::received(request.to_string()).await else {
        panic!("expected command_failed");
    };
    assert_eq!(result.failed_commands, []);
    assert_eq!(result.extra["failedCommands"], failed);
}

#[tokio::test]
async fn params_of_a_failed_command_may_be_anything() {
    for params in [json!({ "a": [1] }), json!(["a", null]), json!(5), json!(false), json!(0.5)] {
        let mut request = sample_json("bot/command-result.json");
        request["failedCommands"][0]["params"] = params.clone();
        let (_, Event::CommandResult(result)) = Bot::received(request.to_string()).await else {
            panic!("expected command_failed");
        };
        assert_eq!(result.failed_commands[0].params, Some(params));
    }
}

#[tokio::test]
async fn fallback_and_log_repeat_nothing_of_the_request() {
    record_log();
    let receiver = Bot::receiver(bot::from_fn(|_| async { Ok(Reply::new()) }));
    for path in ["chat-started-verified", "message-button", "command-result", "unknown-event"] {
        for request in with_secrets(&sample_json(&format!("bot/{path}.json"))) {
            let event = Event::from_json(&request).ok();
            let response = receiver.handle(post("/bot", request.clone())).await;
            let logged = log();
            let request = String::from_utf8_lossy(&request);
            let Some(event) = event else {
                let is_answered = response.extensions().get::<FailureReason>().is_some();
                assert_eq!(response.status(), if is_answered { 200 } else { 400 }, "{request}");
                let answer = body(response);
                let is_echoed = ["SECRET", "987654321"]
                    .iter()
                    .any(|secret| answer.contains(&format!(r#"_id":"{secret}"#)));
                if !is_echoed && !request.contains(r#""event":"SECRET"#) {
                    assert_tells_no_secret(&request, &answer);
                    assert_tells_no_secret(&request, &logged);
                }
                continue;
            };
            assert_eq!(response.status(), 200, "{request}");
            let named = [Some(event.name()), event.case_id().map(CaseId::as_str)];
            if !named.iter().flatten().any(|name| name.starts_with(['S', '9'])) {
                assert_tells_no_secret(&request, &logged);
            }
        }
    }
}

#[test]
fn every_event_says_what_and_whose_it_is() {
    for (path, name) in [
        ("chat-started", "chatStarted"),
        ("message", "message"),
        ("chat-closed", "chatClosed"),
        ("unknown-event", "chatPaused"),
    ] {
        let event = Event::from_json(&sample(&format!("bot/{path}.json"))).expect("an event");
        assert_eq!(event.name(), name);
        assert_eq!(event.widget_id(), Some(&WIDGET.into()));
        assert_eq!(event.case_id(), Some(&CASE.into()));
    }
}

#[test]
fn written_events_carry_their_names() {
    let events = [
        (Event::from(ChatStarted::new("w", "c")), "chatStarted"),
        (Event::Message(Message::new("w", "c")), "message"),
        (Event::CommandResult(CommandResult::new("w", "c")), "commandResult"),
        (Event::ChatClosed(ChatClosed::new("w", "c")), "chatClosed"),
    ];
    for (event, name) in events {
        let expected: Value = json!({ "widget_id": "w", "case_id": "c", "event": name });
        assert_eq!(serde_json::to_value(event).expect("an event"), expected);
    }
}
